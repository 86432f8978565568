//! Parameters that many operations share.
use super::{In, Kind, Parameter};

const fn option(name: &'static str, kind: Kind, words: &'static str, example: &'static str) -> Parameter {
    Parameter { name, place: In::Query, kind, words, example }
}

const fn header(name: &'static str, kind: Kind, words: &'static str, example: &'static str) -> Parameter {
    Parameter { name, place: In::Header, kind, words, example }
}

const fn path(name: &'static str, kind: Kind, words: &'static str, example: &'static str) -> Parameter {
    Parameter { name, place: In::Path, kind, words, example }
}

const SELECT: Parameter = option("$select", Kind::Text, "The properties that are told, by commas.", "id,title");
const EXPAND: Parameter = option(
    "$expand",
    Kind::Text,
    "`evidence`, which is an empty list without it; options in brackets: `evidence($filter=entityType eq 'File')`.",
    "evidence",
);
const FORMAT: Parameter = option("$format", Kind::Text, "`json`, with `odata.metadata` if wanted.", "json");
const FILTER: Parameter =
    option("$filter", Kind::Text, "Which ones, as an OData v4.01 expression.", "severity eq 'High'");
const SEARCH: Parameter =
    option("$search", Kind::Text, "Words that any text has: `powershell AND NOT test`.", "powershell");
const COUNT: Parameter = option("$count", Kind::Truth, "Whether the number of all is told, as `@odata.count`.", "true");
const TOP: Parameter = option("$top", Kind::Number, "At most so many.", "10");
const SKIP: Parameter = option("$skip", Kind::Number, "Without the first so many.", "0");
const SKIPTOKEN: Parameter = option(
    "$skiptoken",
    Kind::Text,
    "Where a page begins: part of an `@odata.nextLink`, which is followed as it is.",
    "",
);
const EXPAND_ALERTS: Parameter =
    option("$expand", Kind::Text, "`alerts`, with `$select`, `$filter` and `$orderby` in brackets.", "alerts");
const PREFER: Parameter = header(
    "Prefer",
    Kind::Text,
    "`odata.maxpagesize=50` asks for smaller pages; the answer's `Preference-Applied` says so.",
    "odata.maxpagesize=50",
);

/// What one thing is asked for with.
pub const OF_ONE: &[Parameter] = &[SELECT, EXPAND, FORMAT];
/// What a list is asked for with.
pub const OF_MANY: &[Parameter] = &[
    FILTER,
    option("$orderby", Kind::Text, "Properties by commas, each with `asc` or `desc`.", "alertCreationTime desc"),
    SELECT,
    EXPAND,
    SEARCH,
    COUNT,
    TOP,
    SKIP,
    SKIPTOKEN,
    option("$compute", Kind::Text, "More properties, from others.", "length(title) as n"),
    option("$apply", Kind::Text, "Grouping and aggregation.", "groupby((severity),aggregate($count as n))"),
    FORMAT,
    PREFER,
];
/// What a number is asked for with.
pub const OF_COUNT: &[Parameter] = &[FILTER, SEARCH];
/// Incidents come with their alerts.
pub const OF_INCIDENTS: &[Parameter] = &[
    FILTER,
    option("$orderby", Kind::Text, "Properties by commas, each with `asc` or `desc`.", "lastUpdateTime desc"),
    SELECT,
    EXPAND_ALERTS,
    COUNT,
    TOP,
    SKIP,
    SKIPTOKEN,
];
pub const OF_INCIDENT: &[Parameter] = &[SELECT, EXPAND_ALERTS];
/// The pull of a SIEM, which has no options of OData.
pub const OF_PULL: &[Parameter] = &[
    option(
        "sinceTimeUtc",
        Kind::Text,
        "Rows that arrived since; two hours ago if not given. A bare array answers.",
        "",
    ),
    option("untilTimeUtc", Kind::Text, "Rows that arrived before; now if not given. A bare array answers.", ""),
    option("ago", Kind::Text, "In place of both: a duration back from now, `PT10M`. A bare array answers.", ""),
    option("limit", Kind::Number, "The newest so many. A bare array answers.", ""),
    option("machinegroups", Kind::Texts, "Groups of devices. A bare array answers.", ""),
    option("DeviceCreatedMachineTags", Kind::Text, "A tag from the registry. A bare array answers.", ""),
    option("CloudCreatedMachineTags", Kind::Text, "A tag from the portal. A bare array answers.", ""),
];
pub const OF_METADATA: &[Parameter] =
    &[option("$format", Kind::Words(&["xml", "json"]), "XML if not given, whatever `Accept` says.", "json")];

pub const IF_MATCH: &[Parameter] =
    &[header("If-Match", Kind::Text, "The `ETag` that the alert must still have, or `*`.", "*")];
pub const CONTINUE: &[Parameter] = &[header(
    "Prefer",
    Kind::Words(&["continue-on-error", "continue-on-error=true", "continue-on-error=false"]),
    "Whether requests behind one that failed are carried out: in multipart only if asked for, in JSON unless refused.",
    "continue-on-error",
)];

pub const ALERT: &[Parameter] = &[path("id", Kind::Key, "The id of an alert.", "da638869211121745413_1164914197")];
pub const GRAPH_ALERT: &[Parameter] = ALERT;
pub const INCIDENT: &[Parameter] = &[path("id", Kind::Key, "The number of an incident.", "29914")];
pub const MACHINE: &[Parameter] =
    &[path("id", Kind::Key, "The id of a device, or its name.", "475c9d29163de41fda8b90c6fc2a34c3119c7d08")];
pub const FILE: &[Parameter] =
    &[path("id", Kind::Key, "The SHA-1 or SHA-256 of a file.", "30c8225a8d6c7db9b3d089247e3f62164ee875df")];
pub const IP: &[Parameter] = &[path("id", Kind::Key, "An IP address.", "203.0.113.14")];
pub const DOMAIN: &[Parameter] = &[path("id", Kind::Key, "The name of a host.", "download.northwind.example")];
pub const USER: &[Parameter] =
    &[path("id", Kind::Key, "The name of an account, with its domain or without.", "zoe.oneill1")];
pub const TABLE: &[Parameter] = &[path("table", Kind::Table, "The name of a hunting table.", "DeviceInfo")];
pub const TENANT: &[Parameter] =
    &[path("tenant", Kind::Key, "Any word: it stands for the one tenant there is.", "contoso")];
