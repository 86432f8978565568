//! What each operation needs: the application permissions and the delegated ones that allow it, and whose quota it is of.

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Reading and changing alerts and what is related to them.
    Alerts,
    CreateAlert,
    BatchUpdate,
    /// Queries, by whatever protocol.
    Hunting,
    /// Documents about the service.
    Documents,
}

/// One of these roles, or one of these scopes. With neither, any caller that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub operation: Operation,
    pub roles: &'static [&'static str],
    pub scopes: &'static [&'static str],
}

impl Need {
    const fn of(operation: Operation, roles: &'static [&'static str], scopes: &'static [&'static str]) -> Need {
        Need { operation, roles, scopes }
    }

    pub fn open(&self) -> bool {
        self.roles.is_empty() && self.scopes.is_empty()
    }
}

/// Saved functions can be changed by whoever has this. The services have no permission for it.
pub const CHANGE_FUNCTIONS: Need =
    Need::of(Operation::Hunting, &["Function.ReadWrite.All"], &["Function.ReadWrite.All"]);

const DOCUMENTS: Need = Need::of(Operation::Documents, &[], &[]);
const ADVANCED_QUERY: Need = Need::of(Operation::Hunting, &["AdvancedQuery.Read.All"], &["AdvancedQuery.Read"]);
const ADVANCED_HUNTING: Need = Need::of(Operation::Hunting, &["AdvancedHunting.Read.All"], &["AdvancedHunting.Read"]);
const THREAT_HUNTING: Need = Need::of(Operation::Hunting, &["ThreatHunting.Read.All"], &["ThreatHunting.Read.All"]);
/// Doors that the services do not have take any of the hunting permissions.
const ANY_HUNTING: Need = Need::of(
    Operation::Hunting,
    &["AdvancedQuery.Read.All", "AdvancedHunting.Read.All", "ThreatHunting.Read.All"],
    &["AdvancedQuery.Read", "AdvancedHunting.Read", "ThreatHunting.Read.All"],
);
const ALERT_READ: Need =
    Need::of(Operation::Alerts, &["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"]);
const ALERT_WRITE: Need = Need::of(Operation::Alerts, &["Alert.ReadWrite.All"], &["Alert.ReadWrite"]);
const MACHINE: Need =
    Need::of(Operation::Alerts, &["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"]);
const USER: Need = Need::of(Operation::Alerts, &["User.Read.All"], &["User.Read.All"]);
const FILE: Need = Need::of(Operation::Alerts, &["File.Read.All"], &["File.Read.All"]);
const IP: Need = Need::of(Operation::Alerts, &["Ip.Read.All"], &["Ip.Read.All"]);
const URL: Need = Need::of(Operation::Alerts, &["URL.Read.All"], &["URL.Read.All"]);
const INCIDENT_READ: Need = Need::of(
    Operation::Alerts,
    &["Incident.Read.All", "Incident.ReadWrite.All"],
    &["Incident.Read", "Incident.ReadWrite"],
);
const INCIDENT_WRITE: Need = Need::of(Operation::Alerts, &["Incident.ReadWrite.All"], &["Incident.ReadWrite"]);
const GRAPH_ALERT: [&[&str]; 2] =
    [&["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"], &["SecurityAlert.ReadWrite.All"]];
const GRAPH_INCIDENT: [&[&str]; 2] =
    [&["SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All"], &["SecurityIncident.ReadWrite.All"]];
/// What nobody needs who is not known here: a change of something that cannot be changed.
const CHANGE: Need = ALERT_WRITE;

/// Every permission that means something here.
pub fn all() -> Vec<&'static str> {
    let needs = [
        CHANGE_FUNCTIONS,
        ADVANCED_QUERY,
        ADVANCED_HUNTING,
        THREAT_HUNTING,
        ALERT_READ,
        MACHINE,
        USER,
        FILE,
        IP,
        URL,
        INCIDENT_READ,
    ];
    let mut all: Vec<_> =
        needs.iter().flat_map(|need| need.roles).chain(GRAPH_ALERT[0]).chain(GRAPH_INCIDENT[0]).copied().collect();
    all.sort_unstable();
    all
}

/// What a user lets an application do, where that has another name than the permission of an application.
pub fn scopes() -> Vec<&'static str> {
    let needs =
        [ADVANCED_QUERY, ADVANCED_HUNTING, THREAT_HUNTING, ALERT_READ, MACHINE, USER, FILE, IP, URL, INCIDENT_READ];
    needs.iter().flat_map(|need| need.scopes).copied().collect()
}

/// Words before a set, as the readers of paths pass over them.
const PREFIXES: &[&str] = &["api", "v1.0", "odata", "security"];

/// What a request needs; `None` where nobody has to be known. A path that nothing answers needs what its like would.
pub fn need(method: &str, path: &str) -> Option<Need> {
    let path = path.to_ascii_lowercase();
    let words: Vec<String> = path.split('/').filter(|word| !word.is_empty()).map(decoded).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let reads = matches!(method, "GET" | "HEAD");
    // What methods a path takes is no secret, and a browser asks before it has a token to show.
    if method == "OPTIONS" {
        return None;
    }
    Some(match words.as_slice() {
        ["healthz"] => return None,
        // What there is to ask for says nothing of what is stored, and a page in a browser has no token.
        ["openapi.json" | "docs"] => return None,
        ["discovery", "v2.0", "keys"] => return None,
        // Not where the first word is a door, behind which words mean something else.
        [tenant, "oauth2", "token"]
        | [tenant, "oauth2", "v2.0", "token"]
        | [tenant, "discovery", "v2.0", "keys"]
        | [tenant, ".well-known", "openid-configuration"]
        | [tenant, "v2.0", ".well-known", "openid-configuration"]
            if !PREFIXES.contains(tenant) && *tenant != "alerts" =>
        {
            return None;
        }
        // Clients read where to sign in before they do.
        ["v1", "rest", "auth", "metadata"] => return None,
        ["v1" | "v2", "rest", ..] => ANY_HUNTING,
        ["api", "advancedqueries", ..] => ADVANCED_QUERY,
        ["api", "advancedhunting", ..] => ADVANCED_HUNTING,
        [.., "runhuntingquery"] => THREAT_HUNTING,
        words => {
            let graph = words.first() == Some(&"v1.0");
            let mut rest = words.iter().skip_while(|word| PREFIXES.contains(word)).copied();
            match rest.next() {
                None => DOCUMENTS,
                Some(set) => of_set(set, &rest.collect::<Vec<_>>(), reads, graph),
            }
        }
    })
}

/// What reading a set needs, or what is related to one thing of it: for who has read the path, so that no path that is
/// read in two ways is let through by one and answered by the other.
pub fn reading(set: &str, relation: Option<&str>, graph: bool) -> Need {
    let (set, relation) = (set.to_ascii_lowercase(), relation.map(str::to_ascii_lowercase));
    match relation {
        Some(relation) => of_set(&set, &["", &relation], true, graph),
        None => of_set(&set, &[], true, graph),
    }
}

fn of_set(set: &str, rest: &[&str], reads: bool, graph: bool) -> Need {
    let (set, key) = set.split_once('(').map_or((set, None), |(set, key)| (set, Some(key)));
    let with_key: Vec<&str> = key.map(|_| "").into_iter().chain(rest.iter().copied()).collect();
    let graph_need = |names: [&'static [&'static str]; 2]| {
        let names = names[usize::from(!reads)];
        Need::of(Operation::Alerts, names, names)
    };
    match (set, with_key.as_slice()) {
        ("$metadata" | "$batch", []) => DOCUMENTS,
        ("alerts", ["createalertbyreference"]) => Need { operation: Operation::CreateAlert, ..ALERT_WRITE },
        ("alerts", ["batchupdate"]) => Need { operation: Operation::BatchUpdate, ..ALERT_WRITE },
        ("alerts_v2", _) => graph_need(GRAPH_ALERT),
        ("incidents", _) if graph => graph_need(GRAPH_INCIDENT),
        ("incidents", _) if reads => INCIDENT_READ,
        ("incidents", _) => INCIDENT_WRITE,
        ("alerts", _) if !reads => ALERT_WRITE,
        ("alerts", [_, "machine", ..]) => MACHINE,
        ("alerts", [_, "user", ..]) => USER,
        ("alerts", [_, "files", ..]) => FILE,
        ("alerts", [_, "ips", ..]) => IP,
        ("alerts", [_, "domains", ..]) => URL,
        ("machines" | "files" | "ips" | "domains" | "users", [_, "alerts", ..]) if reads => ALERT_READ,
        ("files", [_, "machines", ..]) | ("domains", [_, "machines", ..]) | ("users", [_, "machines", ..]) if reads => {
            MACHINE
        }
        ("alerts", _) => ALERT_READ,
        ("machines", _) if reads => MACHINE,
        ("files", _) if reads => FILE,
        ("ips", _) if reads => IP,
        ("domains", _) if reads => URL,
        ("users", _) if reads => USER,
        // The hunting tables as sets.
        _ if reads => ANY_HUNTING,
        _ => CHANGE,
    }
}

/// A path or a word of one in lower case, with percent-encoding undone, as the readers of paths undo it.
pub fn decoded(word: &str) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = (byte == b'%').then(|| tail.get(..2)).flatten();
        let value = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match value {
            Some(value) => {
                bytes.push(value.to_ascii_lowercase());
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_needs_the_same() {
        let first =
            |method, path| need(method, path).map_or("open", |need| need.roles.first().copied().unwrap_or("any"));
        for path in [
            "/api/alerts",
            "/api/v1.0/Alerts/",
            "/odata/alerts('da1')",
            "/alerts/da1",
            "/api/%61lerts",
            "/api/machines/1/alerts",
        ] {
            assert_eq!(first("GET", path), "Alert.Read.All", "{path}");
        }
        for path in
            ["/api/alerts/da1/machine", "/api/alerts('da1')/machine", "/api/alerts/da1/m%61chine", "/api/machines"]
        {
            assert_eq!(first("GET", path), "Machine.Read.All", "{path}");
        }
        assert_eq!(first("PATCH", "/api/alerts/da1"), "Alert.ReadWrite.All");
        assert_eq!(first("POST", "/api/alerts/batchUpdate"), "Alert.ReadWrite.All");
        assert_eq!(first("POST", "/api/advancedQueries/run"), "AdvancedQuery.Read.All");
        assert_eq!(first("POST", "/v1.0/security/runHuntingQuery"), "ThreatHunting.Read.All");
        assert_eq!(first("PATCH", "/v1.0/security/alerts_v2/1"), "SecurityAlert.ReadWrite.All");
        assert_eq!(first("GET", "/v1.0/security/incidents"), "SecurityIncident.Read.All");
        assert_eq!(first("GET", "/api/DeviceInfo"), "AdvancedQuery.Read.All");
        assert_eq!((first("GET", "/api/$metadata"), first("GET", "/healthz")), ("any", "open"));
        assert_eq!(first("POST", "/t/oauth2/v2.0/token"), "open");
        assert_eq!((first("POST", "/api/%24batch"), first("GET", "/docs/")), ("any", "open"));
        assert_eq!((first("OPTIONS", "/api/alerts"), first("TRACE", "/api/alerts")), ("open", "Alert.ReadWrite.All"));
    }
}
