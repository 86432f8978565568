//! `/openapi.json` and `/docs`: what can be asked for here, read off the table of routes. Neither tells anything of what is
//! stored, so nobody has to sign in for them.
//! <https://spec.openapis.org/oas/v3.1.0>
use super::alerts::Root;
use super::error::Door;
use super::routes::{self, Fails, In, Kind, Operation, Parameter, Resource, Verb};
use super::{Doors, json};
use crate::access::permissions::{self, need};
use crate::catalog;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};
use std::sync::LazyLock;

mod page;
mod schemas;

/// `paths`, where everybody has to sign in and where nobody has to; and `components`.
static PATHS: [LazyLock<String>; 2] =
    [LazyLock::new(|| paths(false).to_string()), LazyLock::new(|| paths(true).to_string())];
static COMPONENTS: LazyLock<String> = LazyLock::new(|| components().to_string());
static PAGE: LazyLock<String> = LazyLock::new(page::html);

/// What a page may load and do: nothing but its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub async fn document(State(doors): State<Doors>, headers: HeaderMap) -> Response {
    let root = Root::of(&headers, "", doors.secure);
    let info = json!({
        "title": "Sighthound",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": "Microsoft Defender hunting tables and alerts, kept for as long as one likes",
        "description": "The APIs of Defender and Graph over tables that are kept here, and the Kusto query protocol. Paths \
                        are taken in any letter case, with a slash at the end or not, keys in brackets or as a word, and \
                        the version `v1.0` behind `/api`. Every `GET` is answered as `HEAD` too.",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    let servers = json!([{ "url": root.host() }]);
    let paths = &PATHS[usize::from(doors.access.is_some())];
    let components = &*COMPONENTS;
    let text = format!(
        "{{\"openapi\":\"3.1.0\",\"info\":{info},\"servers\":{servers},\"paths\":{},\"components\":{components}}}",
        **paths
    );
    json(StatusCode::OK, text)
}

pub async fn page() -> Response {
    let mut response = axum::response::Html(PAGE.as_str()).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn paths(guarded: bool) -> Json {
    let of = |resource: &Resource| {
        let operations = resource.operations.iter();
        let operations = operations.map(|one| (word(one.verb).to_owned(), operation(resource.path, one, guarded)));
        (resource.path.to_owned(), Json::Object(operations.collect()))
    };
    Json::Object(routes::resources().map(of).collect())
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::Patch => "patch",
    }
}

/// `get_api_alerts_id`
fn name(path: &str, verb: Verb) -> String {
    let plain = path.replace(['{', '}', '$'], "").replace(['.', '-'], "_");
    let words: Vec<&str> = plain.split('/').filter(|word| !word.is_empty()).collect();
    format!("{}_{}", word(verb), words.join("_"))
}

fn operation(path: &str, operation: &Operation, guarded: bool) -> Json {
    let mut all = json!({
        "operationId": name(path, operation.verb),
        "tags": [operation.tag],
        "summary": operation.words,
    });
    if !operation.more.is_empty() {
        all["description"] = operation.more.into();
    }
    let parameters = operation.parameters.iter().copied().flatten();
    let parameters: Vec<Json> = parameters.filter(|one| belongs(one, path)).map(parameter).collect();
    if !parameters.is_empty() {
        all["parameters"] = parameters.into();
    }
    if !operation.body.is_empty() {
        let content = operation.body.iter().map(|(media, schema)| {
            let mut content = json!({ "schema": reference(schema) });
            if let Some(example) = schemas::example(schema) {
                content["example"] = example;
            }
            ((*media).to_owned(), content)
        });
        all["requestBody"] = json!({ "required": true, "content": Json::Object(content.collect()) });
    }
    all["responses"] = Json::Object(responses(path, operation));
    if guarded {
        all["security"] = security(path, operation.verb);
    }
    all
}

/// Tables that are not alerts have no evidence, and so on: a path without braces has no key.
fn belongs(parameter: &Parameter, path: &str) -> bool {
    parameter.place != In::Path || path.contains(&format!("{{{}}}", parameter.name))
}

fn parameter(one: &Parameter) -> Json {
    let schema = match one.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Key => json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:@-]*$", "maxLength": 400 }),
        Kind::Table => {
            json!({ "type": "string", "enum": catalog::all().map(|table| table.name).collect::<Vec<_>>() })
        }
        Kind::Number => json!({ "type": "integer", "minimum": 0 }),
        Kind::Truth => json!({ "type": "boolean" }),
        Kind::Words(words) => json!({ "type": "string", "enum": words }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
    };
    let place = match one.place {
        In::Path => "path",
        In::Query => "query",
        In::Header => "header",
    };
    let mut all = json!({
        "name": one.name,
        "in": place,
        "required": one.place == In::Path,
        "description": one.words,
        "schema": schema,
    });
    if !one.example.is_empty() {
        all["example"] = match one.kind {
            Kind::Number => one.example.parse::<u64>().map_or(Json::Null, Json::from),
            Kind::Truth => Json::Bool(one.example == "true"),
            Kind::Text | Kind::Key | Kind::Table | Kind::Words(_) | Kind::Texts => one.example.into(),
        };
    }
    all
}

fn reference(schema: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn one_of(schemas: &[&str]) -> Json {
    match schemas {
        [one] => reference(one),
        several => json!({ "anyOf": several.iter().map(|one| reference(one)).collect::<Vec<_>>() }),
    }
}

/// The statuses beside success, each with what it says.
fn statuses(path: &str, operation: &Operation) -> Vec<u16> {
    let keyed = path.contains('{') || operation.verb == Verb::Patch;
    let finds = keyed || operation.verb == Verb::Get || path.ends_with("CreateAlertByReference");
    let finds = if finds || path.ends_with("batchUpdate") { &[404][..] } else { &[] };
    let mut all: Vec<u16> = match operation.fails {
        Fails::Document if operation.tag == "sign-in" => vec![403, 404, 500],
        Fails::Document => vec![401, 403, 500],
        Fails::Grant => vec![400, 401, 403, 404, 413, 429, 500],
        Fails::Rows => [&[400, 401, 403, 413, 429, 500, 504], finds].concat(),
        Fails::Change => [&[400, 401, 403, 412, 413, 429, 500, 504], finds].concat(),
        Fails::Batch => vec![400, 401, 403, 413, 415, 500],
    };
    if !operation.body.is_empty() {
        all.push(408);
    }
    if need(operation.verb.method().as_str(), &filled(path)).is_none() && operation.fails == Fails::Document {
        all.retain(|status| *status != 401);
    }
    all.sort_unstable();
    all
}

/// A path with a word in place of each of its parameters.
fn filled(path: &str) -> String {
    let words = path.split('/').map(|word| if word.starts_with('{') { "x" } else { word });
    words.collect::<Vec<_>>().join("/")
}

fn responses(path: &str, operation: &Operation) -> Map<String, Json> {
    let mut all = Map::new();
    let mut success = json!({ "description": "What was asked for." });
    if operation.answer.is_empty() {
        success["description"] = "Done. There is no body.".into();
    } else {
        let content = operation.answer.iter();
        let content = content.map(|(media, schemas)| ((*media).to_owned(), json!({ "schema": one_of(schemas) })));
        success["content"] = Json::Object(content.collect());
    }
    let told = |name: &str, words: &str| json!({ name: { "description": words, "schema": { "type": "string" } } });
    if operation.answer.iter().any(|(_, schemas)| schemas.contains(&"Alert") || schemas.contains(&"GraphAlert")) {
        success["headers"] = told("ETag", "The version of the alert, for `If-Match`.");
    } else if operation.parameters.iter().copied().flatten().any(|one| one.name == "Prefer") {
        success["headers"] = told("Preference-Applied", "What of `Prefer` was done.");
    }
    all.insert("200".into(), success);
    for status in statuses(path, operation) {
        let schemas: &[&str] = match (operation.fails, status, Door::of(path)) {
            (Fails::Grant, 400 | 401 | 429, _) => &["GrantError"],
            (Fails::Grant, 500, _) => &["GrantError", "Error"],
            (_, _, Door::Kusto) => &["KustoError"],
            (_, _, Door::Graph) => &["GraphError"],
            (_, _, Door::Hunting | Door::Alerts) => &["Error"],
        };
        let mut failure =
            json!({ "description": meaning(status), "content": { "application/json": { "schema": one_of(schemas) } } });
        match status {
            401 => failure["headers"] = told("WWW-Authenticate", "What is wrong with the token."),
            429 => failure["headers"] = told("Retry-After", "Seconds."),
            _ => {}
        }
        all.insert(status.to_string(), failure);
    }
    all
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The request is wrong, or its answer would be larger than it may be; the message says where and why.",
        401 => "There is no token, or it does not count.",
        403 => "The caller lacks a permission, may not see these rows, or asks from elsewhere where nobody signs in.",
        404 => "There is no such thing.",
        408 => "The body did not come in time.",
        412 => "It has changed since.",
        413 => "The body is too large, or the query needs more memory than it may have.",
        415 => "The body is neither `application/json` nor `multipart/mixed`.",
        429 => "A quota is used up, or too many queries are running.",
        500 => "A fault of this server; its details are in the log under the id that is told.",
        504 => "The query took longer than it may.",
        _ => "",
    }
}

/// Any one of the roles or scopes that the operation needs; none where nobody has to sign in for it.
fn security(path: &str, verb: Verb) -> Json {
    let Some(need) = need(verb.method().as_str(), &filled(path)) else { return json!([]) };
    if need.open() {
        return json!([{ "signIn": [] }]);
    }
    let mut names: Vec<&str> = need.roles.to_vec();
    names.extend(need.scopes.iter().filter(|scope| !need.roles.contains(scope)));
    names.into_iter().map(|name| json!({ "signIn": [name] })).collect()
}

fn components() -> Json {
    let scopes = permissions::all().into_iter().chain(permissions::scopes());
    let scopes: Map<String, Json> = scopes.map(|name| (name.to_owned(), "".into())).collect();
    json!({
        "schemas": schemas::all(),
        "securitySchemes": { "signIn": {
            "type": "oauth2",
            "description": "Where `serve --sign-in` asks for it. The application must have one of the roles, or the user one \
                            of the scopes, that an operation names.",
            "flows": { "clientCredentials": { "tokenUrl": "/contoso/oauth2/v2.0/token", "scopes": scopes } },
        } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn operations_have_names_of_their_own_and_say_all_that_they_refer_to() {
        let document = json!({ "paths": paths(true), "components": components() });
        let mut names = HashSet::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (_, one) in methods.as_object().expect("operations") {
                assert!(names.insert(one["operationId"].to_string()), "{path}");
                let parameters = one["parameters"].as_array().cloned().unwrap_or_default();
                let given: HashSet<String> = parameters.iter().map(|one| one["name"].to_string()).collect();
                assert_eq!(given.len(), parameters.len(), "{path}: a parameter twice");
                let keys = parameters.iter().filter(|one| one["in"] == "path").count();
                assert_eq!(keys, path.matches('{').count(), "{path}: keys");
                assert!(!one["summary"].as_str().unwrap_or("").is_empty() && one["tags"][0] != "", "{path}");
            }
        }
        let text = document.to_string();
        for (at, _) in text.match_indices("#/components/schemas/") {
            let name = text[at..].split('"').next().and_then(|name| name.rsplit('/').next()).unwrap_or("");
            assert!(document["components"]["schemas"][name].is_object(), "no schema is named {name}");
        }
        let scopes = &document["components"]["securitySchemes"]["signIn"]["flows"]["clientCredentials"]["scopes"];
        for (at, _) in text.match_indices("{\"signIn\":[\"") {
            let name = text[at + 12..].split('"').next().unwrap_or("");
            assert!(scopes[name].is_string(), "no scope is named {name}");
        }
    }
}
