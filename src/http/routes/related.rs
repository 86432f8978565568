//! What alerts are about, and the hunting tables as sets: machines, files, IP addresses, domains, users, rows.
use super::{JSON, NOTHING, Operation, Parameter, Resource, Route, Verb, alerts::COUNT, documents::METADATA, options};
use crate::http::alerts;
use axum::routing::on;

const TAG: &str = "entities";
const TABLES: &str = "tables";

/// A list of things of one kind.
const fn many(words: &'static str, page: &'static [(&'static str, &'static [&'static str])]) -> Operation {
    Operation { tag: TAG, words, parameters: &[options::OF_MANY], answer: page, ..NOTHING }
}

/// What is related to an alert: one thing or a list.
const fn of_alert(words: &'static str, answer: &'static [(&'static str, &'static [&'static str])]) -> Operation {
    Operation { tag: "alerts", words, parameters: &[options::ALERT, options::OF_MANY], answer, ..NOTHING }
}

const fn one(
    words: &'static str,
    parameters: &'static [&'static [Parameter]],
    answer: &'static [(&'static str, &'static [&'static str])],
) -> Operation {
    Operation { tag: TAG, words, parameters, answer, ..NOTHING }
}

/// The alerts that name a thing.
const fn alerts_of(words: &'static str, parameters: &'static [&'static [Parameter]]) -> Operation {
    Operation { tag: TAG, words, parameters, answer: &[(JSON, &["AlertPage"])], ..NOTHING }
}

const fn count_of(parameters: &'static [&'static [Parameter]]) -> Operation {
    Operation { tag: TAG, parameters, ..COUNT }
}

pub const MACHINE_OF_ALERT: Operation = of_alert("The device of an alert", &[(JSON, &["Machine"])]);
pub const USER_OF_ALERT: Operation = of_alert("The user of an alert", &[(JSON, &["User"])]);
pub const FILES_OF_ALERT: Operation = of_alert("The files of an alert", &[(JSON, &["FilePage"])]);
pub const IPS_OF_ALERT: Operation = of_alert("The IP addresses of an alert", &[(JSON, &["IpPage"])]);
pub const DOMAINS_OF_ALERT: Operation = of_alert("The domains of an alert", &[(JSON, &["DomainPage"])]);

const MACHINES: Operation = many("Devices", &[(JSON, &["MachinePage"])]);
const FILES: Operation = many("Files that alerts name", &[(JSON, &["FilePage"])]);
const IPS: Operation = many("IP addresses that alerts name", &[(JSON, &["IpPage"])]);
const DOMAINS: Operation = many("Domains that alerts name", &[(JSON, &["DomainPage"])]);
const USERS: Operation = many("Users that alerts name", &[(JSON, &["UserPage"])]);

const MACHINE: Operation = one("A device", &[options::MACHINE, options::OF_ONE], &[(JSON, &["Machine"])]);
const FILE: Operation = one("A file", &[options::FILE, options::OF_ONE], &[(JSON, &["File"])]);
const IP: Operation = one("An IP address", &[options::IP, options::OF_ONE], &[(JSON, &["Ip"])]);
const DOMAIN: Operation = one("A domain", &[options::DOMAIN, options::OF_ONE], &[(JSON, &["Domain"])]);
const USER: Operation = one("A user", &[options::USER, options::OF_ONE], &[(JSON, &["User"])]);

const OF_MACHINE: Operation = alerts_of("The alerts of a device", &[options::MACHINE, options::OF_MANY]);
const OF_FILE: Operation = alerts_of("The alerts that name a file", &[options::FILE, options::OF_MANY]);
const OF_IP: Operation = alerts_of("The alerts that name an address", &[options::IP, options::OF_MANY]);
const OF_DOMAIN: Operation = alerts_of("The alerts that name a domain", &[options::DOMAIN, options::OF_MANY]);
const OF_USER: Operation = alerts_of("The alerts that name a user", &[options::USER, options::OF_MANY]);

const ROWS: Operation = Operation {
    tag: TABLES,
    words: "Rows of a hunting table, the newest first",
    parameters: &[options::TABLE, options::OF_MANY],
    answer: &[(JSON, &["RowPage"])],
    ..NOTHING
};
const ROW_COUNT: Operation = Operation { tag: TABLES, parameters: &[options::TABLE, options::OF_COUNT], ..COUNT };

/// What is at the door of alerts beside alerts and incidents.
pub const RESOURCES: &[Resource] = &[
    Resource { path: "/api/machines", operations: &[MACHINES] },
    Resource { path: "/api/machines/$count", operations: &[count_of(&[options::OF_COUNT])] },
    Resource { path: "/api/machines/{id}", operations: &[MACHINE] },
    Resource { path: "/api/machines/{id}/alerts", operations: &[OF_MACHINE] },
    Resource {
        path: "/api/machines/{id}/alerts/$count",
        operations: &[count_of(&[options::MACHINE, options::OF_COUNT])],
    },
    Resource { path: "/api/files", operations: &[FILES] },
    Resource { path: "/api/files/{id}", operations: &[FILE] },
    Resource { path: "/api/files/{id}/alerts", operations: &[OF_FILE] },
    Resource { path: "/api/ips", operations: &[IPS] },
    Resource { path: "/api/ips/{id}", operations: &[IP] },
    Resource { path: "/api/ips/{id}/alerts", operations: &[OF_IP] },
    Resource { path: "/api/domains", operations: &[DOMAINS] },
    Resource { path: "/api/domains/{id}", operations: &[DOMAIN] },
    Resource { path: "/api/domains/{id}/alerts", operations: &[OF_DOMAIN] },
    Resource { path: "/api/users", operations: &[USERS] },
    Resource { path: "/api/users/{id}", operations: &[USER] },
    Resource { path: "/api/users/{id}/alerts", operations: &[OF_USER] },
    Resource { path: "/api/{table}", operations: &[ROWS] },
    Resource { path: "/api/{table}/$count", operations: &[ROW_COUNT] },
    Resource { path: "/api/$metadata", operations: &[METADATA] },
];

pub const ROUTES: &[Route] = &[Route {
    at: "/odata/{*rest}",
    serves: &[(Verb::Get, |method| on(method, alerts::get))],
    resources: &[&[
        Resource { path: "/odata/{table}", operations: &[ROWS] },
        Resource { path: "/odata/{table}/$count", operations: &[ROW_COUNT] },
        Resource { path: "/odata/$metadata", operations: &[METADATA] },
    ]],
}];
