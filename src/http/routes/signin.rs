//! Signing in, where it is asked for. Elsewhere nothing is at these paths.
use super::{Fails, JSON, NOTHING, Operation, Resource, Route, Serve, Verb, options};
use crate::http::{GRANT_BYTES, signin};
use axum::extract::DefaultBodyLimit;
use axum::routing::on;

const TAG: &str = "sign-in";

const TOKEN: Operation = Operation {
    verb: Verb::Post,
    tag: TAG,
    words: "Gives a client a token for its secret",
    more: "Client credentials in the form or as Basic.",
    parameters: &[options::TENANT],
    body: &[("application/x-www-form-urlencoded", "Grant")],
    answer: &[(JSON, &["Token"])],
    fails: Fails::Grant,
};

const DISCOVERY: Operation = Operation {
    tag: TAG,
    words: "Where tokens are given and with what they are signed",
    parameters: &[options::TENANT],
    answer: &[(JSON, &["Discovery"])],
    fails: Fails::Document,
    ..NOTHING
};

const KEYS: Operation = Operation {
    tag: TAG,
    words: "The public keys of this server's tokens",
    answer: &[(JSON, &["Keys"])],
    fails: Fails::Document,
    ..NOTHING
};

/// Anybody may ask for a token, so little of the question is read.
const GIVE: Serve = |method| on(method, signin::token).layer(DefaultBodyLimit::max(GRANT_BYTES));

pub const ROUTES: &[Route] = &[
    Route {
        at: "/{tenant}/oauth2/v2.0/token",
        serves: &[(Verb::Post, GIVE)],
        resources: &[&[Resource { path: "/{tenant}/oauth2/v2.0/token", operations: &[TOKEN] }]],
    },
    Route {
        at: "/{tenant}/oauth2/token",
        serves: &[(Verb::Post, GIVE)],
        resources: &[&[Resource { path: "/{tenant}/oauth2/token", operations: &[TOKEN] }]],
    },
    Route {
        at: "/{tenant}/v2.0/.well-known/openid-configuration",
        serves: &[(Verb::Get, |method| on(method, signin::discovery))],
        resources: &[&[Resource { path: "/{tenant}/v2.0/.well-known/openid-configuration", operations: &[DISCOVERY] }]],
    },
    Route {
        at: "/{tenant}/.well-known/openid-configuration",
        serves: &[(Verb::Get, |method| on(method, signin::discovery))],
        resources: &[&[Resource { path: "/{tenant}/.well-known/openid-configuration", operations: &[DISCOVERY] }]],
    },
    Route {
        at: "/discovery/v2.0/keys",
        serves: &[(Verb::Get, |method| on(method, signin::keys))],
        resources: &[&[Resource { path: "/discovery/v2.0/keys", operations: &[KEYS] }]],
    },
    Route {
        at: "/{tenant}/discovery/v2.0/keys",
        serves: &[(Verb::Get, |method| on(method, signin::keys))],
        resources: &[&[Resource {
            path: "/{tenant}/discovery/v2.0/keys",
            operations: &[Operation { parameters: &[options::TENANT], ..KEYS }],
        }]],
    },
];
