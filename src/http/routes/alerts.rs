//! The alerts API: alerts and what is said of them, and incidents.
use super::{Fails, JSON, NOTHING, Operation, PLAIN, Resource, Route, Verb, options, related};
use crate::http::{alerts, updates};
use axum::routing::on;

const TAG: &str = "alerts";
const INCIDENTS: &str = "incidents";

const LIST: Operation = Operation {
    tag: TAG,
    words: "Alerts, the newest first",
    more: "At most 10,000 a page, the rest behind `@odata.nextLink`. With parameters of the SIEM pull and no `$` options: a \
           bare array of detections, one for each row of DeviceAlertEvents, by when it arrived.",
    parameters: &[options::OF_MANY, options::OF_PULL],
    answer: &[(JSON, &["AlertPage", "Detections"])],
    ..NOTHING
};
pub const COUNT: Operation = Operation {
    tag: TAG,
    words: "How many there are, as a bare number",
    parameters: &[options::OF_COUNT],
    answer: &[(PLAIN, &["Count"])],
    ..NOTHING
};
const ONE: Operation = Operation {
    tag: TAG,
    words: "An alert",
    parameters: &[options::ALERT, options::OF_ONE],
    answer: &[(JSON, &["Alert"])],
    ..NOTHING
};
const UPDATE: Operation = Operation {
    verb: Verb::Patch,
    tag: TAG,
    words: "Says something of an alert: status, owner, classification, determination, a comment",
    parameters: &[options::ALERT, options::IF_MATCH],
    body: &[(JSON, "AlertUpdate")],
    answer: &[(JSON, &["Alert"])],
    fails: Fails::Change,
    ..NOTHING
};
const BATCH: Operation = Operation {
    words: "Says the same of many alerts, or of none of them where one is not there",
    verb: Verb::Post,
    parameters: &[],
    body: &[(JSON, "AlertsUpdate")],
    answer: &[],
    ..UPDATE
};
const CREATE: Operation = Operation {
    words: "Makes an alert about a stored event",
    verb: Verb::Post,
    parameters: &[],
    body: &[(JSON, "NewAlert")],
    ..UPDATE
};
const INCIDENT_LIST: Operation = Operation {
    tag: INCIDENTS,
    words: "Incidents with their alerts",
    more: "At most 100 a page.",
    parameters: &[options::OF_INCIDENTS],
    answer: &[(JSON, &["IncidentPage"])],
    ..NOTHING
};
const INCIDENT: Operation = Operation {
    tag: INCIDENTS,
    words: "An incident with its alerts",
    parameters: &[options::INCIDENT, options::OF_INCIDENT],
    answer: &[(JSON, &["Incident"])],
    ..NOTHING
};
const INCIDENT_UPDATE: Operation = Operation {
    verb: Verb::Patch,
    tag: INCIDENTS,
    words: "Says something of an incident; who resolves it resolves its alerts",
    parameters: &[options::INCIDENT],
    body: &[(JSON, "IncidentUpdate")],
    answer: &[(JSON, &["Incident"])],
    fails: Fails::Change,
    ..NOTHING
};

pub const ROUTES: &[Route] = &[
    Route {
        at: "/api/{*rest}",
        serves: &[
            (Verb::Get, |method| on(method, alerts::get)),
            (Verb::Patch, |method| on(method, updates::patch)),
            (Verb::Post, |method| on(method, updates::post)),
        ],
        resources: &[
            &[
                Resource { path: "/api/alerts", operations: &[LIST] },
                Resource { path: "/api/alerts/$count", operations: &[COUNT] },
                Resource { path: "/api/alerts/batchUpdate", operations: &[BATCH] },
                Resource { path: "/api/alerts/CreateAlertByReference", operations: &[CREATE] },
                Resource { path: "/api/alerts/{id}", operations: &[ONE, UPDATE] },
                Resource { path: "/api/alerts/{id}/machine", operations: &[related::MACHINE_OF_ALERT] },
                Resource { path: "/api/alerts/{id}/user", operations: &[related::USER_OF_ALERT] },
                Resource { path: "/api/alerts/{id}/files", operations: &[related::FILES_OF_ALERT] },
                Resource { path: "/api/alerts/{id}/ips", operations: &[related::IPS_OF_ALERT] },
                Resource { path: "/api/alerts/{id}/domains", operations: &[related::DOMAINS_OF_ALERT] },
                Resource { path: "/api/incidents", operations: &[INCIDENT_LIST] },
                Resource { path: "/api/incidents/$count", operations: &[Operation { tag: INCIDENTS, ..COUNT }] },
                Resource { path: "/api/incidents/{id}", operations: &[INCIDENT, INCIDENT_UPDATE] },
            ],
            related::RESOURCES,
        ],
    },
    // Some published samples leave the door out.
    Route {
        at: "/alerts/{*rest}",
        serves: &[
            (Verb::Get, |method| on(method, alerts::get)),
            (Verb::Patch, |method| on(method, updates::patch)),
            (Verb::Post, |method| on(method, updates::post)),
        ],
        resources: &[&[
            Resource { path: "/alerts/batchUpdate", operations: &[BATCH] },
            Resource { path: "/alerts/CreateAlertByReference", operations: &[CREATE] },
            Resource { path: "/alerts/{id}", operations: &[ONE, UPDATE] },
            Resource { path: "/alerts/{id}/machine", operations: &[related::MACHINE_OF_ALERT] },
            Resource { path: "/alerts/{id}/user", operations: &[related::USER_OF_ALERT] },
            Resource { path: "/alerts/{id}/files", operations: &[related::FILES_OF_ALERT] },
            Resource { path: "/alerts/{id}/ips", operations: &[related::IPS_OF_ALERT] },
            Resource { path: "/alerts/{id}/domains", operations: &[related::DOMAINS_OF_ALERT] },
        ]],
    },
];
