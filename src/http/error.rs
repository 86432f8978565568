//! What a door says when there is no answer: the one place that decides statuses, and each API's error body.
//!
//! A wrong query is 400 with the position of each fault; a limit is 413, 429 or 504, where the API's own contract does
//! not say 400; a fault of ours is 500 with an id, its details in the log alone.
use super::{REQUEST_BYTES, RequestId, json};
use crate::access::{Caller, Denied, Exceeded, Need};
use crate::engine::{Fault, QueryError, Refused, clock};
use crate::text::{Diagnostic, Source, codes};
use crate::value::datetime;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value as Json, json};

/// The APIs, as far as their errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Kusto,
    /// Defender's own hunting APIs.
    Hunting,
    /// Defender's alerts API.
    Alerts,
    Graph,
}

impl Door {
    /// Which API a path belongs to.
    pub fn of(path: &str) -> Door {
        let path = path.to_ascii_lowercase();
        match path.trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice() {
            ["v1" | "v2", "rest", ..] => Door::Kusto,
            ["v1.0", ..] => Door::Graph,
            ["api", "advancedqueries" | "advancedhunting", ..] => Door::Hunting,
            _ => Door::Alerts,
        }
    }
}

/// Seconds after which a busy server is worth asking again.
const RETRY_AFTER: &str = "5";

pub fn status(door: Door, error: &QueryError) -> StatusCode {
    match error {
        QueryError::Wrong(_, faults) if is_not_granted(faults) => StatusCode::FORBIDDEN,
        QueryError::Wrong(..) => StatusCode::BAD_REQUEST,
        QueryError::Refused(Refused::Rows(_) | Refused::Bytes(_) | Refused::AtOnce(_)) if door != Door::Kusto => {
            StatusCode::BAD_REQUEST
        }
        QueryError::Refused(Refused::Rows(_) | Refused::Bytes(_) | Refused::AtOnce(_) | Refused::Memory(_)) => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        QueryError::Refused(Refused::Time(_)) => StatusCode::GATEWAY_TIMEOUT,
        QueryError::Refused(Refused::Busy) => StatusCode::TOO_MANY_REQUESTS,
        QueryError::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

pub fn response(door: Door, error: &QueryError, id: &RequestId) -> Response {
    let status = status(door, error);
    let mut response = json(status, body(door, error, id).to_string());
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    }
    response
}

/// The error's JSON object, also for an answer that fails when a part of it is sent already.
pub fn body(door: Door, error: &QueryError, id: &RequestId) -> Json {
    match (door, error) {
        (Door::Kusto, QueryError::Wrong(source, faults)) => {
            let (code, message) = match is_not_granted(faults) {
                true => ("Forbidden", "The caller may not execute the request."),
                false => ("General_BadRequest", "Request is invalid and cannot be executed."),
            };
            let mut body = kusto(code, message, &kusto_text(source, faults), true, id);
            body["error"]["diagnostics"] = diagnostics(source, faults);
            body
        }
        (Door::Kusto, QueryError::Refused(refused)) => {
            let code = if *refused == Refused::Busy { "TooManyRequests" } else { "LimitsExceeded" };
            kusto(code, "Request aborted due to limits.", &refusal(*refused), false, id)
        }
        (Door::Kusto, QueryError::Fault(fault)) => {
            kusto("InternalServerError", "The request could not be served.", &ours(fault), false, id)
        }
        (Door::Alerts, QueryError::Wrong(source, faults)) => {
            let code = if is_not_granted(faults) { "Forbidden" } else { "ODataError" };
            let mut body = plain(door, code, &odata_text(source, faults), id);
            body["error"]["diagnostics"] = diagnostics(source, faults);
            body
        }
        (Door::Hunting | Door::Graph, QueryError::Wrong(source, faults)) if is_not_granted(faults) => {
            plain(door, "Forbidden", &odata_text(source, faults), id)
        }
        (Door::Hunting | Door::Graph, QueryError::Wrong(source, faults)) => {
            let mut body = plain(door, "BadRequest", &hunting_text(source, faults), id);
            body["error"]["diagnostics"] = diagnostics(source, faults);
            body
        }
        (Door::Hunting | Door::Alerts | Door::Graph, QueryError::Refused(refused)) => {
            let code = match refused {
                Refused::Busy => "TooManyRequests",
                Refused::Rows(_) | Refused::Bytes(_) | Refused::AtOnce(_) => "BadRequest",
                Refused::Time(_) => "UnknownError",
                Refused::Memory(_) => "LimitsExceeded",
            };
            plain(door, code, &refusal(*refused), id)
        }
        (Door::Hunting | Door::Alerts | Door::Graph, QueryError::Fault(fault)) => {
            plain(door, "InternalServerError", &ours(fault), id)
        }
    }
}

/// A request that is wrong before there is a query in it.
pub fn bad_request(door: Door, message: &str, id: &RequestId) -> Response {
    let body = match door {
        Door::Kusto => kusto("General_BadRequest", "Request is invalid and cannot be executed.", message, true, id),
        Door::Hunting | Door::Alerts | Door::Graph => plain(door, "InvalidRequestBody", message, id),
    };
    json(StatusCode::BAD_REQUEST, body.to_string())
}

/// Nobody who is known here asks.
pub fn unauthorized(door: Door, denied: Denied, id: &RequestId) -> Response {
    let words = denied.words();
    if denied == Denied::Ours {
        let message = format!("Who is asking could not be found out: {words}.");
        return said(door, StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", &message, id);
    }
    let message = format!("Unauthorized request - reason of failure: {words}");
    let code = if door == Door::Graph { "InvalidAuthenticationToken" } else { "Unauthorized" };
    let mut response = said(door, StatusCode::UNAUTHORIZED, code, &message, id);
    let challenge = match denied {
        Denied::Missing => "Bearer realm=\"sighthound\"".to_owned(),
        _ => format!("Bearer realm=\"sighthound\", error=\"invalid_token\", error_description=\"{words}\""),
    };
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Somebody asks who has none of the permissions that it needs.
pub fn forbidden(door: Door, need: &Need, caller: &Caller, id: &RequestId) -> Response {
    let (kind, wanted, has) = match caller.scopes.is_empty() {
        true => ("roles", need.roles, caller.roles.as_deref().unwrap_or_default()),
        false => ("scopes", need.scopes, caller.scopes.as_ref()),
    };
    let message = format!(
        "Missing application {kind}. API required {kind}: {}, application {kind}: {}.",
        wanted.join(","),
        has.join(",")
    );
    said(door, StatusCode::FORBIDDEN, "Forbidden", &message, id)
}

/// Somebody asks for another server's name where nobody has to sign in: most likely a page in a browser on this machine.
pub fn not_from_here(door: Door, id: &RequestId) -> Response {
    let message = "Nobody has to sign in here, so requests count that are meant for this machine alone: by a name such as \
                   `localhost` or `127.0.0.1`, and from no other site's page. `--trust-network` lets others in.";
    said(door, StatusCode::FORBIDDEN, "Forbidden", message, id)
}

/// A quota is used up.
pub fn exceeded(door: Door, exceeded: &Exceeded, id: &RequestId) -> Response {
    let Exceeded { limit, after } = exceeded;
    let message = format!("The quota of {limit} is used up. Try again in {after} seconds.");
    let mut response = said(door, StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", &message, id);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*after));
    response
}

fn said(door: Door, status: StatusCode, code: &str, message: &str, id: &RequestId) -> Response {
    let body = match door {
        Door::Kusto => {
            let short = status.canonical_reason().unwrap_or("The request is refused.");
            let permanent = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
            kusto(code, short, message, permanent, id)
        }
        Door::Hunting | Door::Alerts | Door::Graph => plain(door, code, message, id),
    };
    json(status, body.to_string())
}

pub fn no_such_path(uri: &Uri, id: &RequestId) -> Response {
    let message = format!("No resource is at `{}`.", uri.path());
    said(Door::of(uri.path()), StatusCode::NOT_FOUND, "NotFound", &message, id)
}

/// A refusal in these words.
pub fn stated(door: Door, status: StatusCode, code: &str, message: &str, id: &RequestId) -> Response {
    json(status, plain(door, code, message, id).to_string())
}

/// A refusal that needs no more words than its status has.
pub fn of_status(door: Door, status: StatusCode, id: &RequestId) -> Response {
    let reason = status.canonical_reason().unwrap_or("Refused");
    let code: String = reason.split_whitespace().collect();
    let message = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            "The method is not allowed here; the header `Allow` has those that are.".to_owned()
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            format!("The request body is too large; of a query {REQUEST_BYTES} bytes are read.")
        }
        _ => format!("{reason}."),
    };
    said(door, status, &code, &message, id)
}

/// A refusal of what could not be read as a request.
pub fn unreadable(status: StatusCode, id: &RequestId) -> Json {
    let (code, message) = match status {
        StatusCode::URI_TOO_LONG => ("UriTooLong", "The URL is too long; at most 65534 bytes are read."),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("RequestHeaderFieldsTooLarge", "The headers are too many or too long; at most 100 are read.")
        }
        _ => ("BadRequest", "This is no HTTP request; in a URL, blanks and what is not ASCII are percent-encoded."),
    };
    plain(Door::Alerts, code, message, id)
}

fn kusto(code: &str, message: &str, detail: &str, permanent: bool, id: &RequestId) -> Json {
    json!({ "error": {
        "code": code,
        "message": message,
        "@type": "Kusto.Data.Exceptions.KustoServiceException",
        "@message": detail,
        "@context": {
            "timestamp": datetime::text(clock()),
            "clientRequestId": id.theirs,
            "activityId": id.ours,
        },
        "@permanent": permanent,
    } })
}

fn plain(door: Door, code: &str, message: &str, id: &RequestId) -> Json {
    match door {
        Door::Graph => json!({ "error": {
            "code": code,
            "message": message,
            "innerError": {
                "date": datetime::text(clock()).get(..19),
                "request-id": id.ours,
                "client-request-id": id.theirs.as_ref().unwrap_or(&id.ours),
            },
        } }),
        Door::Kusto | Door::Hunting | Door::Alerts => {
            json!({ "error": { "code": code, "message": message, "target": format!("|{}.", id.ours) } })
        }
    }
}

/// Whether the query is right, and asks for what its caller may not see.
fn is_not_granted(faults: &[Diagnostic]) -> bool {
    faults.iter().any(|fault| fault.code == codes::NOT_GRANTED)
}

/// Whether the parser refused the text, codes K0001 to K0099; clients tell that from what the binder refuses.
fn is_syntax(faults: &[Diagnostic]) -> bool {
    faults.iter().any(|fault| fault.code.id.starts_with("K00"))
}

fn kusto_text(source: &Source, faults: &[Diagnostic]) -> String {
    let kind = if is_syntax(faults) { "Syntax error" } else { "Semantic error" };
    let texts: Vec<String> = faults
        .iter()
        .map(|fault| {
            let place = source.place(fault.span.start);
            let help = fault.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
            format!("{}: {}{help} [line:position={}:{}]", fault.code.id, fault.message, place.line, place.column)
        })
        .collect();
    format!("{kind}: {}", texts.join("\n"))
}

fn odata_text(source: &Source, faults: &[Diagnostic]) -> String {
    let texts: Vec<String> = faults
        .iter()
        .map(|fault| {
            let place = source.place(fault.span.start);
            let help = fault.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
            format!("{} (position {}){help}", fault.message, place.column)
        })
        .collect();
    texts.join(". ")
}

fn hunting_text(source: &Source, faults: &[Diagnostic]) -> String {
    let kind = if is_syntax(faults) { "syntax" } else { "semantic" };
    let texts: Vec<String> = faults
        .iter()
        .map(|fault| {
            let place = source.place(fault.span.start);
            let help = fault.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
            format!("{} (line {}, column {}){help}", fault.message, place.line, place.column)
        })
        .collect();
    format!("Fix {kind} errors in your query: {}", texts.join(". "))
}

fn diagnostics(source: &Source, faults: &[Diagnostic]) -> Json {
    let one = |fault: &Diagnostic| {
        let place = source.place(fault.span.start);
        json!({
            "code": fault.code.id,
            "message": fault.message,
            "help": fault.help,
            "line": place.line,
            "column": place.column,
            "offset": fault.span.start,
            "length": fault.span.len(),
        })
    };
    faults.iter().map(one).collect()
}

fn refusal(refused: Refused) -> String {
    match refused {
        Refused::Rows(_) | Refused::Bytes(_) | Refused::AtOnce(_) => format!(
            "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of \
             results and try again ({refused})"
        ),
        Refused::Time(most) => format!("Query exceeded the timeout period of {} seconds.", most.as_secs_f64()),
        Refused::Memory(_) => "Query stopped due to excessive resource consumption.".into(),
        Refused::Busy => "Too many queries are running. Try again in a few seconds.".into(),
    }
}

fn ours(fault: &Fault) -> String {
    format!("An unexpected error occurred during query execution. Its details are logged under {}.", fault.id)
}
