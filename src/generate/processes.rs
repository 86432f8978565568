//! Made-up rows of `DeviceProcessEvents`.
use super::Table;
use super::words::{PROGRAMS, TOOLS};
use super::world::{COMMON_RELEASES, Person, RELEASES, SERVICE_SIDS, World};
use crate::value::Value;
use crate::value::datetime::{TICKS_PER_MINUTE, TICKS_PER_SECOND};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;

pub const TABLE: &str = "DeviceProcessEvents";
/// One process in so many is an attacker's.
const RARE: u32 = 300;

/// A process of the row: the one that starts, or the one that starts it.
#[derive(Default)]
struct Process {
    /// Position in [`PROGRAMS`], or behind them in [`TOOLS`].
    program: usize,
    release: usize,
    folder: String,
    path: String,
    line: String,
    pid: i64,
    created: i64,
    service: bool,
    unique: String,
}

impl Process {
    fn file(&self) -> &'static str {
        PROGRAMS.get(self.program).map_or_else(|| TOOLS[self.program - PROGRAMS.len()].0, |program| program.file)
    }

    fn start(
        &mut self,
        program: usize,
        world: &World,
        device: usize,
        person: &Person,
        service: bool,
        rng: &mut ChaCha8Rng,
    ) {
        let at = &world.devices[device];
        self.program = program;
        // Devices are not all on the same release; each stays on its own. A few are on one that hardly anybody has.
        let place = device * 7 + program;
        self.release = match place % 331 {
            0 => COMMON_RELEASES + place / 331 % (RELEASES - COMMON_RELEASES),
            _ => place % COMMON_RELEASES,
        };
        self.service = service;
        self.pid = 4 * rng.random_range(200..6_000);
        let (folder, lines) = match PROGRAMS.get(program) {
            Some(program) => (program.folder, program.lines),
            None => (TOOLS[program - PROGRAMS.len()].1, TOOLS[program - PROGRAMS.len()].2),
        };
        world.fill(folder, at, person, rng, &mut self.folder);
        world.fill(lines[rng.random_range(0..lines.len())], at, person, rng, &mut self.line);
        self.path.clear();
        self.path.push_str(&self.folder);
        self.path.push('\\');
        self.path.push_str(self.file());
        self.unique.clear();
        let _ = write!(self.unique, "{}", u64::from(rng.random::<u32>()) << 16);
    }
}

/// The row at hand.
pub struct Processes<'w> {
    world: &'w World,
    time: i64,
    device: usize,
    person: usize,
    own: Process,
    parent: Process,
    grandparent: usize,
    grandparent_pid: i64,
    grandparent_created: i64,
    report: i64,
    logon: i64,
    remote: bool,
    remote_address: usize,
    service: usize,
    extra: String,
}

impl<'w> Processes<'w> {
    pub fn new(world: &'w World) -> Processes<'w> {
        Processes {
            world,
            time: 0,
            device: 0,
            person: 0,
            own: Process::default(),
            parent: Process::default(),
            grandparent: 0,
            grandparent_pid: 0,
            grandparent_created: 0,
            report: 0,
            logon: 0,
            remote: false,
            remote_address: 0,
            service: 0,
            extra: String::new(),
        }
    }

    /// The account that a process runs under: name, domain, SID, user principal name, object identifier.
    fn account(&self, process: &Process) -> [&str; 5] {
        if process.service {
            let (name, sid) = SERVICE_SIDS[self.service];
            return [name, "nt authority", sid, "", ""];
        }
        let person = &self.world.people[self.person];
        [&person.name, person.domain, &person.sid, &person.upn, &person.object_id]
    }
}

impl Table for Processes<'_> {
    type Field = Field;

    fn draw(&mut self, time: i64, rng: &mut ChaCha8Rng) {
        let world = self.world;
        self.time = time;
        self.device = world.some_device.draw(rng);
        let owner = world.devices[self.device].owner;
        self.person = if rng.random_ratio(6, 7) { owner } else { world.some_person.draw(rng) };
        let person = &world.people[self.person];
        let rare = rng.random_ratio(1, RARE);
        let program =
            if rare { PROGRAMS.len() + rng.random_range(0..TOOLS.len()) } else { world.some_program.draw(rng) };
        let (service, parents): (bool, &[usize]) = match PROGRAMS.get(program) {
            Some(program) => (rng.random_range(0..100) < program.system, program.parents),
            None => (rng.random_ratio(1, 5), &[2, 3, 14, 4]),
        };
        let parent = parents[rng.random_range(0..parents.len())];
        // What a service starts runs as a service; the desktop never does.
        let service = service && parent != 4;
        self.own.start(program, world, self.device, person, service, rng);
        self.parent.start(parent, world, self.device, person, service || PROGRAMS[parent].system >= 95, rng);
        let parents = PROGRAMS[parent].parents;
        self.grandparent = parents[rng.random_range(0..parents.len())];
        self.grandparent_pid = 4 * rng.random_range(100..3_000);
        self.own.created = time - rng.random_range(0..TICKS_PER_SECOND / 5);
        self.parent.created = self.own.created - rng.random_range(1..90 * TICKS_PER_MINUTE);
        self.grandparent_created = self.parent.created - rng.random_range(1..2_000 * TICKS_PER_MINUTE);
        self.report = rng.random_range(1..600_000);
        self.logon = rng.random_range(100_000..900_000_000);
        self.remote = !service && rng.random_ratio(1, 40);
        self.remote_address = world.some_address.draw(rng);
        self.service = [0, 0, 0, 0, 0, 0, 1, 2][rng.random_range(0..8)];
        self.extra.clear();
        if rng.random_ratio(1, 12) {
            let _ = write!(
                self.extra,
                r#"{{"DesktopName":"WinSta0\\Default","CreationFlags":{}}}"#,
                rng.random_range(1..64) * 4
            );
        }
    }

    fn field(column: &str) -> Field {
        match column {
            "Timestamp" => return Field::Time,
            "DeviceId" => return Field::DeviceId,
            "DeviceName" => return Field::DeviceName,
            "ActionType" => return Field::Action,
            "ReportId" => return Field::Report,
            "AdditionalFields" => return Field::Extra,
            "IsInitiatingProcessRemoteSession" | "IsProcessRemoteSession" => return Field::IsRemote,
            "CreatedProcessSessionId" => return Field::Of(Who::Own, What::Session),
            "InitiatingProcessParentId" => return Field::GrandparentId,
            "InitiatingProcessParentFileName" => return Field::GrandparentFile,
            "InitiatingProcessParentCreationTime" => return Field::GrandparentCreated,
            _ => {}
        }
        let (who, inner) = match column.strip_prefix("InitiatingProcess") {
            Some(inner) => (Who::Parent, inner),
            None => (Who::Own, column.strip_prefix("Process").unwrap_or(column)),
        };
        let what = match inner {
            "FileName" | "VersionInfoInternalFileName" | "VersionInfoOriginalFileName" => What::File,
            "FolderPath" => What::Path,
            "SHA1" => What::Sha1,
            "SHA256" => What::Sha256,
            "MD5" => What::Md5,
            "FileSize" => What::Size,
            "VersionInfoCompanyName" => What::Company,
            "VersionInfoProductName" => What::Product,
            "VersionInfoProductVersion" => What::Version,
            "VersionInfoFileDescription" => What::Description,
            "Id" => What::Pid,
            "CommandLine" => What::Line,
            "IntegrityLevel" => What::Integrity,
            "TokenElevation" => What::Elevation,
            "CreationTime" => What::Created,
            "AccountName" => What::Account(0),
            "AccountDomain" => What::Account(1),
            "AccountSid" => What::Account(2),
            "AccountUpn" => What::Account(3),
            "AccountObjectId" => What::Account(4),
            "LogonId" | "LogonID" => What::Logon,
            "SessionId" => What::Session,
            "SignerType" => What::Signer,
            "SignatureStatus" => What::Signature,
            "RemoteSessionDeviceName" => What::RemoteDevice,
            "RemoteSessionIP" => What::RemoteAddress,
            "UniqueId" => What::Unique,
            _ => return Field::Nothing,
        };
        Field::Of(who, what)
    }

    fn value<'s>(&'s self, field: Field) -> Value<'s> {
        use crate::value::Value::{Bool, Datetime, Long, Null};
        let text = |text: &'s str| -> Value<'s> { Value::string(text) };
        let (who, what) = match field {
            Field::Time => return Datetime(self.time),
            Field::DeviceId => return text(&self.world.devices[self.device].id),
            Field::DeviceName => return text(&self.world.devices[self.device].name),
            Field::Action => return text("ProcessCreated"),
            Field::Report => return Long(self.report),
            Field::Extra => return text(&self.extra),
            Field::IsRemote => return Bool(self.remote),
            Field::GrandparentId => return Long(self.grandparent_pid),
            Field::GrandparentFile => return text(PROGRAMS[self.grandparent].file),
            Field::GrandparentCreated => return Datetime(self.grandparent_created),
            Field::Nothing => return Null,
            Field::Of(who, what) => (who, what),
        };
        let process = match who {
            Who::Own => &self.own,
            Who::Parent => &self.parent,
        };
        let release = &self.world.releases[process.program][process.release];
        let program = PROGRAMS.get(process.program);
        match what {
            What::File => text(process.file()),
            What::Path => text(&process.path),
            What::Sha1 => text(&release.sha1),
            What::Sha256 => text(&release.sha256),
            What::Md5 => text(&release.md5),
            What::Size => Long(release.size),
            What::Company => text(program.map_or("", |program| program.company)),
            What::Product => text(program.map_or("", |program| program.product)),
            What::Version => text(if program.is_some() { &release.version } else { "" }),
            What::Description => text(program.map_or("", |program| program.description)),
            What::Pid => Long(process.pid),
            What::Line => text(&process.line),
            What::Integrity => text(if process.service { "System" } else { "Medium" }),
            What::Elevation => {
                text(if process.service { "TokenElevationTypeDefault" } else { "TokenElevationTypeLimited" })
            }
            What::Created => Datetime(process.created),
            What::Account(part) => text(self.account(process)[part]),
            What::Logon => Long(if process.service { 999 } else { self.logon }),
            What::Session => Long(i64::from(!process.service)),
            What::Signer => {
                let microsoft = program.is_some_and(|program| program.company.starts_with("Microsoft"));
                text(if microsoft { "OsVendor" } else { "Unknown" })
            }
            What::Signature => text(if program.is_some() { "Valid" } else { "Unsigned" }),
            What::RemoteDevice if self.remote => text(&self.world.devices[self.device / 2].name),
            What::RemoteAddress if self.remote => text(&self.world.addresses[self.remote_address]),
            What::RemoteDevice | What::RemoteAddress => text(""),
            What::Unique => text(&process.unique),
        }
    }
}

/// What a column shows.
#[derive(Clone, Copy)]
pub enum Field {
    Time,
    DeviceId,
    DeviceName,
    Action,
    Report,
    Extra,
    IsRemote,
    GrandparentId,
    GrandparentFile,
    GrandparentCreated,
    Of(Who, What),
    Nothing,
}

#[derive(Clone, Copy)]
pub enum Who {
    Own,
    Parent,
}

#[derive(Clone, Copy)]
pub enum What {
    File,
    Path,
    Sha1,
    Sha256,
    Md5,
    Size,
    Company,
    Product,
    Version,
    Description,
    Pid,
    Line,
    Integrity,
    Elevation,
    Created,
    /// Name, domain, SID, user principal name, object identifier.
    Account(usize),
    Logon,
    Session,
    Signer,
    Signature,
    RemoteDevice,
    RemoteAddress,
    Unique,
}
