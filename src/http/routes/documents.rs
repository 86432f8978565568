//! Documents about the service, and batches.
use super::{Fails, JSON, NOTHING, Operation, PLAIN, Resource, Route, Verb, options};
use crate::http::{alerts, batch, healthy, openapi};
use axum::routing::on;

const TAG: &str = "service";
const XML: &str = "application/xml";

const SERVICE: Operation = Operation {
    tag: TAG,
    words: "The service document: the names and addresses of the sets",
    answer: &[(JSON, &["ServiceDocument"])],
    fails: Fails::Document,
    ..NOTHING
};
pub const METADATA: Operation = Operation {
    tag: TAG,
    words: "What the entities of all sets have, as CSDL",
    parameters: &[options::OF_METADATA],
    answer: &[(XML, &["Csdl"]), (JSON, &["CsdlJson"])],
    fails: Fails::Document,
    ..NOTHING
};
const BATCH: Operation = Operation {
    verb: Verb::Post,
    tag: TAG,
    words: "Several requests in one",
    more: "As `multipart/mixed` of OData v4.0 or as JSON of v4.01; the answer has the form of the question. Each request has \
           the caller's permissions and counts against its quotas as if it came alone. A change set or an atomicity group is \
           of one request; more than one is refused by name, for nothing here changes two things as one.",
    parameters: &[options::CONTINUE],
    body: &[(JSON, "Batch"), ("multipart/mixed", "Multipart")],
    answer: &[(JSON, &["BatchAnswer"]), ("multipart/mixed", &["Multipart"])],
    fails: Fails::Batch,
};
const GRAPH_BATCH: Operation = Operation {
    words: "Several requests in one, as Graph has them",
    more: "As at `/api/$batch`, with paths behind `/v1.0`.",
    ..BATCH
};

pub const ROUTES: &[Route] = &[
    Route {
        at: "/healthz",
        serves: &[(Verb::Get, |method| on(method, healthy))],
        resources: &[&[Resource {
            path: "/healthz",
            operations: &[Operation {
                tag: TAG,
                words: "Whether the server is up",
                answer: &[(PLAIN, &["Text"])],
                fails: Fails::Document,
                ..NOTHING
            }],
        }]],
    },
    Route {
        at: "/openapi.json",
        serves: &[(Verb::Get, |method| on(method, openapi::document))],
        resources: &[&[Resource {
            path: "/openapi.json",
            operations: &[Operation {
                tag: TAG,
                words: "This document",
                answer: &[(JSON, &["Document"])],
                fails: Fails::Document,
                ..NOTHING
            }],
        }]],
    },
    Route {
        at: "/docs",
        serves: &[(Verb::Get, |method| on(method, openapi::page))],
        resources: &[&[Resource {
            path: "/docs",
            operations: &[Operation {
                tag: TAG,
                words: "This document as a page",
                answer: &[("text/html", &["Text"])],
                fails: Fails::Document,
                ..NOTHING
            }],
        }]],
    },
    Route {
        at: "/api",
        serves: &[(Verb::Get, |method| on(method, alerts::get))],
        resources: &[&[Resource { path: "/api", operations: &[SERVICE] }]],
    },
    Route {
        at: "/odata",
        serves: &[(Verb::Get, |method| on(method, alerts::get))],
        resources: &[&[Resource { path: "/odata", operations: &[SERVICE] }]],
    },
    Route {
        at: "/api/$batch",
        serves: &[(Verb::Post, |method| on(method, batch::post))],
        resources: &[&[Resource { path: "/api/$batch", operations: &[BATCH] }]],
    },
    Route {
        at: "/api/v1.0/$batch",
        serves: &[(Verb::Post, |method| on(method, batch::post))],
        resources: &[&[Resource { path: "/api/v1.0/$batch", operations: &[BATCH] }]],
    },
    Route {
        at: "/odata/$batch",
        serves: &[(Verb::Post, |method| on(method, batch::post))],
        resources: &[&[Resource { path: "/odata/$batch", operations: &[BATCH] }]],
    },
    Route {
        at: "/v1.0/$batch",
        serves: &[(Verb::Post, |method| on(method, batch::post))],
        resources: &[&[Resource { path: "/v1.0/$batch", operations: &[GRAPH_BATCH] }]],
    },
];
