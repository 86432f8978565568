//! The alert as the alerts API has it, kept whole. Not a hunting table: the alerts door reads it, and its columns have
//! the names of the wire.
use super::{ColumnDef, Table, column};
use crate::types::Type::*;

/// Alerts taken in from pages of the alerts API, newest state of each.
pub static ALERTS: Table = Table { name: "Alerts", doc: "alerts as the alerts API gives them", columns: COLUMNS };

const COLUMNS: &[ColumnDef] = &[
    column("id", String, "identifier of the alert, the same in every table and API"),
    column("incidentId", Long, "incident that the alert belongs to"),
    column("investigationId", Long, "automated investigation of the alert"),
    column("investigationState", String, "how far the automated investigation is"),
    column("assignedTo", String, "who works on the alert"),
    column("severity", String, "how bad it can be: High, Medium, Low, Informational or UnSpecified"),
    column("status", String, "New, InProgress, Resolved or Unknown"),
    column("classification", String, "whether the alert was right"),
    column("determination", String, "what the alert turned out to be"),
    column("detectionSource", String, "sensor or method that raised the alert"),
    column("detectorId", String, "identifier of the detector that raised the alert"),
    column("category", String, "stage or kind of threat that the alert stands for"),
    column("threatFamilyName", String, "family that the malware belongs to"),
    column("title", String, "name of the alert"),
    column("description", String, "what the alert means"),
    column("alertCreationTime", Datetime, "when the alert was raised"),
    column("firstEventTime", Datetime, "when the first event behind the alert happened"),
    column("lastEventTime", Datetime, "when the last event behind the alert happened"),
    column("lastUpdateTime", Datetime, "when the alert was changed last"),
    column("resolvedTime", Datetime, "when the alert was resolved"),
    column("machineId", String, "identifier of the device in the service"),
    column("computerDnsName", String, "full DNS name of the device"),
    column("rbacGroupName", String, "device group that decides who may see the device"),
    column("aadTenantId", String, "identifier of the tenant"),
    column("threatName", String, "name of the threat"),
    column("mitreTechniques", Dynamic, "MITRE ATT&CK techniques, a list of numbers such as `T1064`"),
    column("relatedUser", Dynamic, "user concerned: `userName` and `domainName`"),
    column("loggedOnUsers", Dynamic, "users who were logged on: `accountName` and `domainName` of each"),
    column("comments", Dynamic, "comments: `comment`, `createdBy` and `createdTime` of each"),
    column("evidence", Dynamic, "files, processes, addresses, users and other things that the alert names"),
    column("alertUser", Dynamic, "user concerned, in the shape of 2019"),
    column("alertFiles", Dynamic, "files concerned, in the shape of 2019"),
    column("alertDomains", Dynamic, "domains concerned, in the shape of 2019"),
    column("alertIps", Dynamic, "addresses concerned, in the shape of 2019"),
    column("recommendedAction", String, "what to do about it"),
];

/// What was said of alerts since they came: one row for each property of each update. Who asks for an alert gets the
/// latest word on each, and all comments.
pub static UPDATES: Table = Table {
    name: "AlertUpdates",
    doc: "what analysts said of alerts and incidents: who, when, which property and its new value",
    columns: &[
        column("Timestamp", Datetime, "when the update was asked for"),
        column("AlertId", String, "identifier of the alert"),
        column("UpdateId", String, "the same in all rows of one update"),
        column(
            "Property",
            String,
            "status, assignedTo, classification, determination or comment; tags or name of an incident",
        ),
        column("NewValue", String, "what it became; of a comment its text"),
        column("UpdatedBy", String, "who asked for it"),
        column("IncidentId", Long, "the incident that it was said of, in a row for each of its alerts"),
    ],
};

/// The keys of an evidence item, all always there, in the order of the contract.
pub const EVIDENCE: &[&str] = &[
    "entityType",
    "evidenceCreationTime",
    "sha1",
    "sha256",
    "fileName",
    "filePath",
    "processId",
    "processCommandLine",
    "processCreationTime",
    "parentProcessId",
    "parentProcessCreationTime",
    "parentProcessFileName",
    "parentProcessFilePath",
    "ipAddress",
    "url",
    "registryKey",
    "registryHive",
    "registryValueType",
    "registryValue",
    "accountName",
    "domainName",
    "userSid",
    "aadUserId",
    "userPrincipalName",
    "detectionStatus",
];
