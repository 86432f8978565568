//! Queries in KQL: the Kusto protocol and the hunting APIs.
use super::{Fails, JSON, NOTHING, Operation, Resource, Route, Verb};
use crate::http::{hunting, kusto};
use axum::routing::on;

const TAG: &str = "hunting";

const QUERY: Operation = Operation {
    verb: Verb::Post,
    tag: TAG,
    words: "Answers a query in KQL, as Defender's hunting APIs do",
    more: "The body is read as JSON whatever its content type says, the key in any letter case.",
    body: &[(JSON, "Hunt")],
    answer: &[(JSON, &["HuntAnswer"])],
    ..NOTHING
};

const KUSTO: Operation = Operation {
    verb: Verb::Post,
    tag: TAG,
    words: "Answers a query in KQL by the Kusto protocol, version 2",
    more: "What fails when a part of the answer is sent already is told at its end.",
    body: &[(JSON, "KustoRequest")],
    answer: &[(JSON, &["KustoFrames"])],
    ..NOTHING
};

const KUSTO_V1: Operation = Operation {
    words: "Answers a query in KQL by the Kusto protocol, version 1",
    answer: &[(JSON, &["KustoTables"])],
    ..KUSTO
};

pub const ROUTES: &[Route] = &[
    Route {
        at: "/api/advancedqueries/run",
        serves: &[(Verb::Post, |method| on(method, hunting::defender))],
        resources: &[&[Resource { path: "/api/advancedqueries/run", operations: &[QUERY] }]],
    },
    Route {
        at: "/api/advancedhunting/run",
        serves: &[(Verb::Post, |method| on(method, hunting::defender))],
        resources: &[&[Resource { path: "/api/advancedhunting/run", operations: &[QUERY] }]],
    },
    Route {
        at: "/v1.0/security/runhuntingquery",
        serves: &[(Verb::Post, |method| on(method, hunting::graph))],
        resources: &[&[Resource {
            path: "/v1.0/security/runHuntingQuery",
            operations: &[Operation {
                words: "Answers a query in KQL, as Graph does",
                body: &[(JSON, "GraphHunt")],
                answer: &[(JSON, &["GraphHuntAnswer"])],
                ..QUERY
            }],
        }]],
    },
    Route {
        at: "/v2/rest/query",
        serves: &[(Verb::Post, |method| on(method, kusto::query_v2))],
        resources: &[&[Resource { path: "/v2/rest/query", operations: &[KUSTO] }]],
    },
    Route {
        at: "/v1/rest/query",
        serves: &[(Verb::Post, |method| on(method, kusto::query_v1))],
        resources: &[&[Resource { path: "/v1/rest/query", operations: &[KUSTO_V1] }]],
    },
    Route {
        at: "/v1/rest/mgmt",
        serves: &[(Verb::Post, |method| on(method, kusto::command))],
        resources: &[&[Resource {
            path: "/v1/rest/mgmt",
            operations: &[Operation {
                words: "Carries out a control command such as `.show tables`",
                body: &[(JSON, "KustoCommand")],
                ..KUSTO_V1
            }],
        }]],
    },
    Route {
        at: "/v1/rest/auth/metadata",
        serves: &[(Verb::Get, |method| on(method, kusto::auth_metadata))],
        resources: &[&[Resource {
            path: "/v1/rest/auth/metadata",
            operations: &[Operation {
                tag: TAG,
                words: "Where clients of the Kusto protocol sign in",
                answer: &[(JSON, &["KustoSignIn"])],
                fails: Fails::Document,
                ..NOTHING
            }],
        }]],
    },
];
