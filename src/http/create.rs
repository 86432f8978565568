//! `POST /api/alerts/CreateAlertByReference`: an alert about an event that is stored. It is kept as an alert of the alerts
//! API, so that every door, the hunting tables among them, has it.
use super::updates::{Failure, Refusal};
use super::{Doors, body_json};
use crate::catalog::{self, ALERTS, EVIDENCE, TIMESTAMP};
use crate::columns::{self, Cells};
use crate::engine::{Ingestion, Language, Request, StoreError, clock};
use crate::types::Type;
use crate::value::{Json, Value, datetime};
use arrow::record_batch::RecordBatch;
use axum::body::Bytes;
use axum::http::StatusCode;
use futures::StreamExt;
use serde_json::{Map, json};

pub const SEVERITIES: &[&str] = &["Low", "Medium", "High"];
pub const CATEGORIES: &[&str] = &[
    "General",
    "CommandAndControl",
    "Collection",
    "CredentialAccess",
    "DefenseEvasion",
    "Discovery",
    "Exfiltration",
    "Exploit",
    "Execution",
    "InitialAccess",
    "LateralMovement",
    "Malware",
    "Persistence",
    "PrivilegeEscalation",
    "Ransomware",
    "SuspiciousActivity",
];
pub const KEYS: [&str; 8] =
    ["machineId", "severity", "title", "description", "recommendedAction", "eventTime", "reportId", "category"];
/// The longest of its texts.
const LONGEST: usize = 32 << 10;

/// What a body says of the alert to be.
struct Reference {
    machine: String,
    severity: &'static str,
    title: String,
    description: String,
    recommended: String,
    at: i64,
    report: i64,
    category: &'static str,
}

/// An event: the table that has it, and its row.
struct Event {
    table: String,
    row: Map<String, Json>,
}

/// Makes the alert and gives its id.
pub async fn by_reference(doors: &Doors, body: &Bytes) -> Result<String, Failure> {
    let reference = Reference::read(body)?;
    let Some(event) = event(doors, &reference).await? else {
        return Err(Refusal {
            status: StatusCode::NOT_FOUND,
            code: "ResourceNotFound",
            message: "No event has this `machineId`, `eventTime` and `reportId`.".into(),
        }
        .into());
    };
    let now = clock();
    let apart = (uuid::Uuid::new_v4().as_u128() & u128::from(u32::MAX)) as u32 as i32;
    let id = format!("da{now}_{apart}");
    store(doors, &id, now, &reference, &event).await?;
    Ok(id)
}

impl Reference {
    fn read(body: &Bytes) -> Result<Reference, Refusal> {
        let Some(Json::Object(given)) = body_json(body) else {
            return Err(Refusal::wrong("InvalidRequestBody", "The body is no JSON object."));
        };
        if let Some(key) = given.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let known: Vec<String> = KEYS.iter().map(|key| format!("`{key}`")).collect();
            let message = format!("`{key}` is not known here; what is is {}, in these letters.", known.join(", "));
            return Err(Refusal::wrong("InvalidRequestBody", message));
        }
        let text = |key: &str| match given.get(key) {
            Some(Json::String(text)) if !text.trim().is_empty() && text.len() <= LONGEST => Ok(text.clone()),
            Some(Json::String(text)) if text.len() > LONGEST => {
                Err(Refusal::wrong("InvalidInput", format!("`{key}` is longer than {LONGEST} bytes.")))
            }
            Some(Json::Number(number)) if key == "reportId" => Ok(number.to_string()),
            Some(Json::String(_) | Json::Null) | None => {
                Err(Refusal::wrong("MissingRequiredParameter", format!("`{key}` is required.")))
            }
            Some(other) => Err(Refusal::wrong("InvalidInput", format!("`{key}` is a text, not `{other}`."))),
        };
        let word = |key: &str, known: &[&'static str]| {
            let given = text(key)?;
            known.iter().copied().find(|word| word.eq_ignore_ascii_case(&given)).ok_or_else(|| {
                let known: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
                Refusal::wrong("InvalidInput", format!("`{key}` is one of {}, not `{given}`.", known.join(", ")))
            })
        };
        let (time, report) = (text("eventTime")?, text("reportId")?);
        let wrong = |key: &str, what: &str, given: &str| {
            Refusal::wrong("InvalidInput", format!("`{key}` is {what}, not `{given}`."))
        };
        Ok(Reference {
            machine: text("machineId")?,
            severity: word("severity", SEVERITIES)?,
            title: text("title")?,
            description: text("description")?,
            recommended: text("recommendedAction")?,
            at: datetime::parse(&time).ok_or_else(|| wrong("eventTime", "a time", &time))?,
            report: report.trim().parse().map_err(|_| wrong("reportId", "the number of a report", &report))?,
            category: word("category", CATEGORIES)?,
        })
    }
}

/// The event, in whichever table it is.
async fn event(doors: &Doors, reference: &Reference) -> Result<Option<Event>, Failure> {
    let view = doors.engine.store().view();
    let has = |table: &catalog::Table, name: &str| table.column(name).is_some();
    let tables = catalog::all().filter(|table| {
        [TIMESTAMP, "DeviceId", "ReportId"].iter().all(|name| has(table, name)) && view.has_rows(table.name)
    });
    let branches: Vec<String> = tables
        .map(|table| {
            let name = table.name;
            format!("({name} | where Timestamp == at and DeviceId == machine and ReportId == report | extend Event = pack_all() | project Table = \"{name}\", Event)")
        })
        .collect();
    if branches.is_empty() {
        return Ok(None);
    }
    let text = format!(
        "declare query_parameters(machine:string, report:long, at:datetime);\nunion {} | take 1",
        branches.join(", ")
    );
    let mut request = Request::new(doors.limits.alerts);
    request.parameters = vec![
        ("machine".into(), Json::from(reference.machine.as_str()).to_string()),
        ("report".into(), reference.report.to_string()),
        ("at".into(), format!("datetime({})", datetime::text(reference.at))),
    ];
    for mut table in doors.ask(Language::Kql, &text, request).await?.tables {
        while let Some(batch) = table.batches.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                let names = Cells::new(batch.column(0), Type::String);
                let rows = Cells::new(batch.column(1), Type::Dynamic);
                if let Value::Dynamic(row) = rows.get(0)
                    && let Json::Object(row) = row.tree().into_owned()
                {
                    return Ok(Some(Event { table: names.get(0).text().into_owned(), row }));
                }
            }
        }
    }
    Ok(None)
}

impl Event {
    fn text(&self, key: &str) -> &str {
        self.row.get(key).and_then(Json::as_str).unwrap_or("")
    }

    /// What the event names, each kind as an item of evidence.
    fn evidence(&self, at: i64) -> Json {
        let kinds: [(&str, &[&str]); 5] = [
            (if self.table == "DeviceProcessEvents" { "Process" } else { "File" }, &["SHA1", "SHA256", "FileName"]),
            ("Ip", &["RemoteIP"]),
            ("Url", &["RemoteUrl"]),
            ("Registry", &["RegistryKey"]),
            ("User", &["AccountName"]),
        ];
        let named = kinds.iter().filter(|(_, columns)| columns.iter().any(|name| !self.text(name).is_empty()));
        named.map(|(kind, _)| self.item(kind, at)).collect()
    }

    fn item(&self, kind: &str, at: i64) -> Json {
        let columns: &[(&str, &str)] = match kind {
            "File" => &[("sha1", "SHA1"), ("sha256", "SHA256"), ("fileName", "FileName"), ("filePath", "FolderPath")],
            "Process" => &[
                ("sha1", "SHA1"),
                ("sha256", "SHA256"),
                ("fileName", "FileName"),
                ("filePath", "FolderPath"),
                ("processId", "ProcessId"),
                ("processCommandLine", "ProcessCommandLine"),
                ("processCreationTime", "ProcessCreationTime"),
                ("parentProcessId", "InitiatingProcessId"),
                ("parentProcessCreationTime", "InitiatingProcessCreationTime"),
                ("parentProcessFileName", "InitiatingProcessFileName"),
                ("parentProcessFilePath", "InitiatingProcessFolderPath"),
                ("accountName", "AccountName"),
                ("domainName", "AccountDomain"),
                ("userSid", "AccountSid"),
            ],
            "Ip" => &[("ipAddress", "RemoteIP")],
            "Url" => &[("url", "RemoteUrl")],
            "Registry" => &[
                ("registryKey", "RegistryKey"),
                ("registryValueType", "RegistryValueType"),
                ("registryValue", "RegistryValueData"),
            ],
            _ => &[
                ("accountName", "AccountName"),
                ("domainName", "AccountDomain"),
                ("userSid", "AccountSid"),
                ("aadUserId", "AccountObjectId"),
                ("userPrincipalName", "AccountUpn"),
            ],
        };
        let value = |key: &str| match key {
            "entityType" => json!(kind),
            "evidenceCreationTime" => json!(datetime::text(at)),
            key => {
                let column = columns.iter().find(|(property, _)| *property == key);
                let found = column.and_then(|(_, column)| self.row.get(*column));
                found.filter(|value| value.as_str() != Some("")).cloned().unwrap_or(Json::Null)
            }
        };
        Json::Object(EVIDENCE.iter().map(|key| ((*key).to_owned(), value(key))).collect())
    }
}

async fn store(doors: &Doors, id: &str, now: i64, reference: &Reference, event: &Event) -> Result<(), StoreError> {
    let schema = ALERTS.schema();
    let text = |text: &str| Value::string(text.to_owned());
    let user = event.text("AccountName");
    let values: Vec<Value<'static>> = schema
        .columns
        .iter()
        .map(|column| match column.name.as_str() {
            "id" => text(id),
            "severity" => text(reference.severity),
            "status" => text("New"),
            "detectionSource" => text("CustomDetection"),
            "category" => text(reference.category),
            "title" => text(&reference.title),
            "description" => text(&reference.description),
            "recommendedAction" => text(&reference.recommended),
            "alertCreationTime" | "lastUpdateTime" => Value::Datetime(now),
            "firstEventTime" | "lastEventTime" => Value::Datetime(reference.at),
            "machineId" => text(&reference.machine),
            "computerDnsName" => text(event.text("DeviceName")),
            "mitreTechniques" | "comments" => Value::json(json!([])),
            "relatedUser" if !user.is_empty() => {
                Value::json(json!({ "userName": user, "domainName": event.text("AccountDomain") }))
            }
            "evidence" => Value::json(event.evidence(reference.at)),
            _ => Value::absent(column.ty),
        })
        .collect();
    let arrays = schema.columns.iter().zip(&values).map(|(column, value)| columns::column(column.ty, [value]));
    let batch = RecordBatch::try_new(columns::arrow_schema(&schema), arrays.collect())?;
    let ingestion = Ingestion::default();
    doors.engine.store().append_all(ALERTS.name, &ALERTS.stored_schema(), vec![batch], &ingestion).await?;
    Ok(())
}
