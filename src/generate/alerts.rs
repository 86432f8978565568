//! Made-up alerts: as rows of `DeviceAlertEvents`, as rows of `AlertInfo` and `AlertEvidence`, and as the alerts API
//! gives them. An alert of one number is the same in all of them.
use super::Table;
use super::words::{ALERTS, AlertKind, HUNTERS, SOURCES};
use super::world::{Device, Malware, Person, World, guid};
use crate::value::Value;
use crate::value::datetime::{self, TICKS_PER_MINUTE, TICKS_PER_SECOND};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// One alert in so many is by the managed hunters.
const HUNTED: u32 = 80;
/// Things that an alert names, in the order of its rows in `AlertEvidence`.
const THINGS: [&str; 6] = ["Machine", "User", "Process", "File", "Ip", "Url"];

/// The alert at hand.
pub struct Alert<'w> {
    world: &'w World,
    time: i64,
    kind: &'static AlertKind,
    hunted: bool,
    id: String,
    title: String,
    line: String,
    url: String,
    techniques: String,
    device: usize,
    person: usize,
    malware: usize,
    address: usize,
    report: i64,
    /// How many of [`THINGS`] it names.
    things: usize,
}

impl<'w> Alert<'w> {
    pub fn new(world: &'w World) -> Alert<'w> {
        Alert {
            world,
            time: 0,
            kind: &ALERTS[0],
            hunted: false,
            id: String::new(),
            title: String::new(),
            line: String::new(),
            url: String::new(),
            techniques: String::new(),
            device: 0,
            person: 0,
            malware: 0,
            address: 0,
            report: 0,
            things: 0,
        }
    }

    pub fn draw(&mut self, time: i64, rng: &mut ChaCha8Rng) {
        let world = self.world;
        self.time = time;
        self.hunted = rng.random_ratio(1, HUNTED);
        let kinds = if self.hunted { HUNTERS } else { ALERTS };
        // Of two draws the lesser: some kinds are far commoner than others.
        self.kind = &kinds[rng.random_range(0..kinds.len()).min(rng.random_range(0..kinds.len()))];
        self.device = world.some_device.draw(rng);
        self.person =
            if rng.random_ratio(5, 6) { world.devices[self.device].owner } else { world.some_person.draw(rng) };
        self.malware = world.some_malware.draw(rng);
        self.address = world.some_address.draw(rng);
        self.report = rng.random_range(1..600_000);
        self.things = rng.random_range(2..=THINGS.len());
        self.id.clear();
        let _ = write!(self.id, "{}{:018}_{}", if self.hunted { "ta" } else { "da" }, time, rng.random::<i32>());
        let (device, person) = (&world.devices[self.device], &world.people[self.person]);
        world.fill(self.kind.title, device, person, rng, &mut self.title);
        // The filler does not know the alert's own file.
        for (mark, word) in [("{file}", &*self.malware().file), ("{family}", self.malware().family)] {
            if self.title.contains(mark) {
                self.title = self.title.replace(mark, word);
            }
        }
        world.fill("{url}", device, person, rng, &mut self.url);
        let quoted = r#""%path%" --run {hex8} -u {user}"#;
        world.fill(quoted, device, person, rng, &mut self.line);
        self.line = self.line.replace("%path%", &format!(r"{}\{}", self.malware().folder, self.malware().file));
        self.techniques.clear();
        for (at, (name, number)) in self.kind.techniques.iter().enumerate() {
            let _ = write!(self.techniques, r#"{}"{name} ({number})""#, if at == 0 { "[" } else { "," });
        }
        if !self.techniques.is_empty() {
            self.techniques.push(']');
        }
    }

    fn device(&self) -> &'w Device {
        &self.world.devices[self.device]
    }

    fn person(&self) -> &'w Person {
        &self.world.people[self.person]
    }

    fn malware(&self) -> &'w Malware {
        &self.world.malware[self.malware]
    }

    fn address(&self) -> &'w str {
        &self.world.addresses[self.address]
    }

    fn source(&self) -> (&'static str, &'static str, &'static str) {
        SOURCES.iter().find(|(wire, ..)| *wire == self.kind.source).copied().unwrap_or(SOURCES[0])
    }

    fn has_file(&self) -> bool {
        self.things >= 4
    }

    /// The alert as the alerts API gives it.
    pub fn resource(&self, rng: &mut ChaCha8Rng) -> Json {
        let time = |ticks: i64| {
            let text = datetime::text(ticks);
            format!("{}Z", text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.'))
        };
        let status = ["New", "New", "InProgress", "Resolved"][rng.random_range(0..4)];
        let resolved = status == "Resolved";
        let (file, person, device) = (self.malware(), self.person(), self.device());
        let assigned = (status != "New").then(|| format!("secop{}@contoso.example", rng.random_range(1..5)));
        let updated = self.time + rng.random_range(1..500) * TICKS_PER_MINUTE;
        let comments: Vec<Json> = assigned
            .iter()
            .filter(|_| rng.random_ratio(1, 3))
            .map(|who| json!({ "comment": "geprüft – looks benign", "createdBy": who, "createdTime": time(updated) }))
            .collect();
        let evidence: Vec<Json> = THINGS[1..self.things].iter().map(|thing| self.evidence(thing, &time)).collect();
        let investigation = ["Queued", "Benign", "UnsupportedAlertType", "PendingApproval"][rng.random_range(0..4)];
        json!({
            "id": self.id,
            "incidentId": 1_000 + self.report / 7,
            "investigationId": rng.random_ratio(1, 2).then(|| rng.random_range(1..90_000)),
            "assignedTo": assigned,
            "severity": self.kind.severity,
            "status": status,
            "classification": resolved.then(|| ["TruePositive", "FalsePositive", "InformationalExpectedActivity"][rng.random_range(0..3)]),
            "determination": resolved.then(|| ["Malware", "SecurityTesting", "Other"][rng.random_range(0..3)]),
            "investigationState": investigation,
            "detectionSource": self.kind.source,
            "detectorId": guid(rng),
            "category": self.kind.category,
            "threatFamilyName": self.title.contains(file.family).then_some(file.family),
            "title": self.title,
            "description": format!("{}.\n\nMade up for tests; nothing of it happened.", self.title),
            "alertCreationTime": time(self.time),
            "firstEventTime": time(self.time - 95 * TICKS_PER_SECOND),
            "lastEventTime": time(self.time - 3 * TICKS_PER_SECOND),
            "lastUpdateTime": time(updated),
            "resolvedTime": resolved.then(|| time(updated)),
            "machineId": device.id,
            "computerDnsName": device.name,
            "rbacGroupName": device.group,
            "aadTenantId": self.world.tenant,
            "threatName": Json::Null,
            "mitreTechniques": self.kind.techniques.iter().map(|(_, number)| *number).collect::<Vec<_>>(),
            "relatedUser": { "userName": person.name, "domainName": person.domain },
            "loggedOnUsers": [{ "accountName": person.name, "domainName": person.domain }],
            "comments": comments,
            "evidence": evidence,
        })
    }

    fn evidence(&self, thing: &str, time: &impl Fn(i64) -> String) -> Json {
        let (file, person) = (self.malware(), self.person());
        let (is_user, is_process) = (thing == "User", thing == "Process");
        let is_file = thing == "File" || is_process;
        json!({
            "entityType": thing,
            "evidenceCreationTime": time(self.time),
            "sha1": is_file.then_some(&file.release.sha1),
            "sha256": is_file.then_some(&file.release.sha256).filter(|hash| !hash.is_empty()),
            "fileName": is_file.then_some(&file.file),
            "filePath": is_file.then_some(file.folder),
            "processId": is_process.then_some(4 * (self.report % 6_000)),
            "processCommandLine": is_process.then_some(&self.line),
            "processCreationTime": is_process.then(|| time(self.time - 95 * TICKS_PER_SECOND)),
            "parentProcessId": is_process.then_some(4 * (self.report % 911)),
            "parentProcessCreationTime": is_process.then(|| time(self.time - 600 * TICKS_PER_SECOND)),
            "parentProcessFileName": is_process.then_some("explorer.exe"),
            "parentProcessFilePath": is_process.then_some(r"C:\Windows"),
            "ipAddress": (thing == "Ip").then_some(self.address()),
            "url": (thing == "Url").then_some(&self.url),
            "registryKey": Json::Null,
            "registryHive": Json::Null,
            "registryValueType": Json::Null,
            "registryValue": Json::Null,
            "accountName": is_user.then_some(&person.name),
            "domainName": is_user.then_some(person.domain),
            "userSid": is_user.then_some(&person.sid),
            "aadUserId": is_user.then_some(&person.object_id),
            "userPrincipalName": is_user.then_some(&person.upn).filter(|upn| !upn.is_empty()),
            "detectionStatus": is_file.then_some("Detected"),
        })
    }
}

fn text(text: &str) -> Value<'_> {
    Value::string(text)
}

/// The text where it is there, else nothing.
fn only(there: bool, value: &str) -> Value<'_> {
    Value::string(if there { value } else { "" })
}

/// Rows of `DeviceAlertEvents`, or of `AlertInfo`, whose columns are shared.
pub struct Rows<'w>(pub Alert<'w>);

#[derive(Clone, Copy)]
pub enum Field {
    Time,
    Id,
    Title,
    Category,
    Severity,
    Techniques,
    Source,
    Product,
    DeviceId,
    DeviceName,
    File,
    Sha1,
    RemoteUrl,
    RemoteIp,
    Report,
    Table,
    Nothing,
}

impl Table for Rows<'_> {
    type Field = Field;

    fn draw(&mut self, time: i64, rng: &mut ChaCha8Rng) {
        self.0.draw(time, rng);
    }

    fn field(column: &str) -> Field {
        match column {
            "Timestamp" => Field::Time,
            "AlertId" => Field::Id,
            "Title" => Field::Title,
            "Category" => Field::Category,
            "Severity" => Field::Severity,
            "AttackTechniques" => Field::Techniques,
            "DetectionSource" => Field::Source,
            "ServiceSource" => Field::Product,
            "DeviceId" => Field::DeviceId,
            "DeviceName" => Field::DeviceName,
            "FileName" => Field::File,
            "SHA1" => Field::Sha1,
            "RemoteUrl" => Field::RemoteUrl,
            "RemoteIP" => Field::RemoteIp,
            "ReportId" => Field::Report,
            "Table" => Field::Table,
            _ => Field::Nothing,
        }
    }

    fn value(&self, field: Field) -> Value<'_> {
        let alert = &self.0;
        match field {
            Field::Time => Value::Datetime(alert.time),
            Field::Id => text(&alert.id),
            Field::Title => text(&alert.title),
            Field::Category => text(alert.kind.category),
            Field::Severity => text(alert.kind.severity),
            Field::Techniques => text(&alert.techniques),
            Field::Source => text(alert.source().1),
            Field::Product => text(alert.source().2),
            Field::DeviceId => text(&alert.device().id),
            Field::DeviceName => text(&alert.device().name),
            Field::File => only(alert.has_file(), &alert.malware().file),
            Field::Sha1 => only(alert.has_file(), &alert.malware().release.sha1),
            Field::RemoteUrl => only(alert.things > 5, &alert.url),
            Field::RemoteIp => only(alert.things > 4, alert.address()),
            Field::Report => Value::Long(alert.report),
            Field::Table => text(match alert.kind.category {
                "CommandAndControl" | "Exfiltration" => "DeviceNetworkEvents",
                "Malware" | "UnwantedSoftware" => "DeviceFileEvents",
                "Persistence" => "DeviceRegistryEvents",
                "CredentialAccess" | "LateralMovement" => "DeviceLogonEvents",
                _ => super::processes::TABLE,
            }),
            Field::Nothing => Value::Null,
        }
    }
}

/// Rows of `AlertEvidence`: several an alert, one for each thing that it names.
pub struct Evidence<'w> {
    pub alert: Alert<'w>,
    thing: usize,
    categories: String,
    extra: String,
}

impl<'w> Evidence<'w> {
    pub fn new(world: &'w World) -> Evidence<'w> {
        Evidence { alert: Alert::new(world), thing: 0, categories: String::new(), extra: String::new() }
    }
}

impl Table for Evidence<'_> {
    type Field = EvidenceField;

    fn draw(&mut self, time: i64, rng: &mut ChaCha8Rng) {
        self.alert.draw(time, rng);
        self.thing = 0;
        self.categories = format!(r#"["{}"]"#, self.alert.kind.category);
    }

    fn parts(&self) -> usize {
        self.alert.things
    }

    fn turn_to(&mut self, part: usize) {
        self.thing = part;
        let entity = THINGS[part];
        self.extra =
            json!({ "$id": (part + 1).to_string(), "Type": entity.to_lowercase(), "Asset": part < 2 }).to_string();
    }

    fn field(column: &str) -> EvidenceField {
        match column {
            "Categories" => EvidenceField::Categories,
            "EntityType" => EvidenceField::Entity,
            "EvidenceRole" => EvidenceField::Role,
            "EvidenceDirection" => EvidenceField::Direction,
            "FolderPath" => EvidenceField::Folder,
            "SHA256" => EvidenceField::Sha256,
            "FileSize" => EvidenceField::Size,
            "ThreatFamily" => EvidenceField::Family,
            "FileName" => EvidenceField::File,
            "SHA1" => EvidenceField::Sha1,
            "RemoteIP" => EvidenceField::RemoteIp,
            "RemoteUrl" => EvidenceField::RemoteUrl,
            "AccountName" => EvidenceField::Account(0),
            "AccountDomain" => EvidenceField::Account(1),
            "AccountSid" => EvidenceField::Account(2),
            "AccountObjectId" => EvidenceField::Account(3),
            "AccountUpn" => EvidenceField::Account(4),
            "DeviceId" => EvidenceField::DeviceId,
            "DeviceName" => EvidenceField::DeviceName,
            "LocalIP" => EvidenceField::LocalIp,
            "ProcessCommandLine" => EvidenceField::Line,
            "AdditionalFields" => EvidenceField::Extra,
            "Timestamp" => EvidenceField::Alert(Field::Time),
            "AlertId" => EvidenceField::Alert(Field::Id),
            "Title" => EvidenceField::Alert(Field::Title),
            "Severity" => EvidenceField::Alert(Field::Severity),
            "AttackTechniques" => EvidenceField::Alert(Field::Techniques),
            "ServiceSource" => EvidenceField::Alert(Field::Product),
            "DetectionSource" => EvidenceField::Alert(Field::Source),
            _ => EvidenceField::Alert(Field::Nothing),
        }
    }

    fn value(&self, field: EvidenceField) -> Value<'_> {
        let alert = &self.alert;
        let entity = THINGS[self.thing];
        let is_file = matches!(entity, "File" | "Process");
        let (file, person, device) = (alert.malware(), alert.person(), alert.device());
        match field {
            EvidenceField::Alert(Field::Time) => Value::Datetime(alert.time),
            EvidenceField::Alert(Field::Id) => text(&alert.id),
            EvidenceField::Alert(Field::Title) => text(&alert.title),
            EvidenceField::Alert(Field::Severity) => text(alert.kind.severity),
            EvidenceField::Alert(Field::Techniques) => text(&alert.techniques),
            EvidenceField::Alert(Field::Product) => text(alert.source().2),
            EvidenceField::Alert(Field::Source) => text(alert.source().1),
            EvidenceField::Alert(_) => Value::Null,
            EvidenceField::Categories => text(&self.categories),
            EvidenceField::Entity => text(entity),
            EvidenceField::Role => text(if self.thing < 2 { "Impacted" } else { "Related" }),
            EvidenceField::Direction => text(if entity == "Ip" { "Destination" } else { "" }),
            EvidenceField::Folder => only(is_file, file.folder),
            EvidenceField::Sha256 => only(is_file, &file.release.sha256),
            EvidenceField::Sha1 => only(is_file, &file.release.sha1),
            EvidenceField::Size if is_file => Value::Long(file.release.size),
            EvidenceField::Size => Value::Null,
            EvidenceField::Family => only(is_file && alert.title.contains(file.family), file.family),
            EvidenceField::File => only(is_file, &file.file),
            EvidenceField::RemoteIp => only(entity == "Ip", alert.address()),
            EvidenceField::RemoteUrl => only(entity == "Url", &alert.url),
            EvidenceField::Account(part) => {
                let parts = [&person.name, person.domain, &person.sid, &person.object_id, &*person.upn];
                only(entity == "User", parts[part])
            }
            EvidenceField::DeviceId => only(matches!(entity, "Machine" | "Process" | "File"), &device.id),
            EvidenceField::DeviceName => only(matches!(entity, "Machine" | "Process" | "File"), &device.name),
            EvidenceField::LocalIp => only(entity == "Machine", &device.address),
            EvidenceField::Line => only(entity == "Process", &alert.line),
            EvidenceField::Extra => text(&self.extra),
        }
    }
}

#[derive(Clone, Copy)]
pub enum EvidenceField {
    /// As the alert has it.
    Alert(Field),
    Categories,
    Entity,
    Role,
    Direction,
    Folder,
    Sha256,
    Sha1,
    Size,
    Family,
    File,
    RemoteIp,
    RemoteUrl,
    Account(usize),
    DeviceId,
    DeviceName,
    LocalIp,
    Line,
    Extra,
}
