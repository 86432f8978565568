//! Alerts and incidents as Graph has them.
use super::{Fails, JSON, NOTHING, Operation, Resource, Route, Verb, alerts::COUNT, options};
use crate::http::{alerts, updates};
use axum::routing::on;

const TAG: &str = "graph";

const LIST: Operation = Operation {
    tag: TAG,
    words: "Alerts as Graph has them, the newest first",
    parameters: &[options::OF_MANY],
    answer: &[(JSON, &["GraphAlertPage"])],
    ..NOTHING
};
const ONE: Operation = Operation {
    tag: TAG,
    words: "An alert as Graph has it",
    parameters: &[options::GRAPH_ALERT, options::OF_ONE],
    answer: &[(JSON, &["GraphAlert"])],
    ..NOTHING
};
const UPDATE: Operation = Operation {
    verb: Verb::Patch,
    tag: TAG,
    words: "Says something of an alert",
    parameters: &[options::GRAPH_ALERT, options::IF_MATCH],
    body: &[(JSON, "GraphAlertUpdate")],
    answer: &[(JSON, &["GraphAlert"])],
    fails: Fails::Change,
    ..NOTHING
};
const COMMENT: Operation = Operation {
    verb: Verb::Post,
    tag: TAG,
    words: "Adds a comment to an alert",
    parameters: &[options::GRAPH_ALERT],
    body: &[(JSON, "Comment")],
    answer: &[(JSON, &["GraphComments"])],
    fails: Fails::Change,
    ..NOTHING
};
const INCIDENTS: Operation = Operation {
    tag: TAG,
    words: "Incidents as Graph has them; `$expand=alerts` tells their alerts",
    parameters: &[options::OF_INCIDENTS],
    answer: &[(JSON, &["GraphIncidentPage"])],
    ..NOTHING
};
const INCIDENT: Operation = Operation {
    tag: TAG,
    words: "An incident as Graph has it",
    parameters: &[options::INCIDENT, options::OF_INCIDENT],
    answer: &[(JSON, &["GraphIncident"])],
    ..NOTHING
};
const INCIDENT_UPDATE: Operation = Operation {
    words: "Says something of an incident; who resolves it resolves its alerts",
    parameters: &[options::INCIDENT],
    body: &[(JSON, "GraphIncidentUpdate")],
    answer: &[(JSON, &["GraphIncident"])],
    ..UPDATE
};
const INCIDENT_COMMENT: Operation =
    Operation { words: "Adds a comment to an incident", parameters: &[options::INCIDENT], ..COMMENT };

pub const ROUTES: &[Route] = &[Route {
    at: "/v1.0/security/{*rest}",
    serves: &[
        (Verb::Get, |method| on(method, alerts::get)),
        (Verb::Patch, |method| on(method, updates::patch)),
        (Verb::Post, |method| on(method, updates::post)),
    ],
    resources: &[&[
        Resource { path: "/v1.0/security/alerts_v2", operations: &[LIST] },
        Resource { path: "/v1.0/security/alerts_v2/$count", operations: &[Operation { tag: TAG, ..COUNT }] },
        Resource { path: "/v1.0/security/alerts_v2/{id}", operations: &[ONE, UPDATE] },
        Resource { path: "/v1.0/security/alerts_v2/{id}/comments", operations: &[COMMENT] },
        Resource { path: "/v1.0/security/incidents", operations: &[INCIDENTS] },
        Resource { path: "/v1.0/security/incidents/$count", operations: &[Operation { tag: TAG, ..COUNT }] },
        Resource { path: "/v1.0/security/incidents/{id}", operations: &[INCIDENT, INCIDENT_UPDATE] },
        Resource { path: "/v1.0/security/incidents/{id}/comments", operations: &[INCIDENT_COMMENT] },
    ]],
}];
