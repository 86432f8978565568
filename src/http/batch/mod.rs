//! `POST …/$batch`: several requests in one, as multipart or as JSON. Each goes one after the other through the same doors
//! as if it came alone, in its sender's name; what is wrong with one is told in its place.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_BatchRequests>
use super::error::{self, Door};
use super::updates::Refusal;
use super::{Caller, Doors, RequestId};
use crate::access::permissions::decoded;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::uri::Uri;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use axum::{Extension, Router};
use std::collections::HashMap;
use std::time::Instant;
use tower::ServiceExt;

mod json;
mod multipart;

/// The doors for what is in a batch.
#[derive(Clone)]
pub struct Parts(pub Router);

/// The most requests of one batch.
const MOST: usize = 100;
/// The longest body of one of them.
const LONGEST: usize = 1 << 20;
/// The longest URL of one of them.
const LONGEST_URL: usize = 32 << 10;

/// One request of a batch.
pub struct Part {
    pub id: Option<String>,
    /// What it is to be done together with, or not at all.
    pub group: Option<String>,
    /// What must have been done before.
    pub needs: Vec<String>,
    /// What is asked, or what is wrong with how it is asked.
    pub asked: Result<Asked, Refusal>,
}

pub struct Asked {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The answer to one request.
pub struct Told {
    pub id: Option<String>,
    pub group: Option<String>,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Told {
    pub fn failed(&self) -> bool {
        self.status.is_client_error() || self.status.is_server_error()
    }
}

/// What later requests may refer to.
struct Done {
    succeeded: bool,
    address: Option<String>,
    tag: Option<HeaderValue>,
}

pub async fn post(
    doors: Doors,
    Extension(Parts(parts)): Extension<Parts>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let door = Door::of(uri.path());
    let mut run = Run::new(&doors, parts, &headers, &uri, id.clone());
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let main = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let preferred = continues(&headers);
    let answer = match main.as_str() {
        "application/json" => json::answer(&mut run, &body, preferred.unwrap_or(true)).await,
        "multipart/mixed" => multipart::answer(&mut run, kind, &body, preferred.unwrap_or(false)).await,
        "" if body.trim_ascii_start().starts_with(b"{") => {
            json::answer(&mut run, &body, preferred.unwrap_or(true)).await
        }
        _ => {
            let message = "A batch is `application/json`, or `multipart/mixed` with a `boundary`.";
            return error::stated(door, StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message, &id);
        }
    };
    let mut response = match answer {
        Ok(response) => response,
        Err(Malformed::Many(given)) => {
            let message = format!("Received: {given}, allowed: {MOST}");
            return error::stated(door, StatusCode::BAD_REQUEST, "MaximumBatchSizeExceeded", &message, &id);
        }
        Err(Malformed::Because(why)) => {
            let message = format!("The batch cannot be read: {why}.");
            return error::stated(door, StatusCode::BAD_REQUEST, "InvalidRequestBody", &message, &id);
        }
    };
    if let Some(preferred) = preferred {
        let applied = if preferred { "continue-on-error=true" } else { "continue-on-error=false" };
        response.headers_mut().insert("preference-applied", HeaderValue::from_static(applied));
    }
    response
}

/// Why nothing of a batch was done.
pub enum Malformed {
    Because(String),
    Many(usize),
}

/// `Prefer: continue-on-error`, `odata.continue-on-error=false`.
fn continues(headers: &HeaderMap) -> Option<bool> {
    let given = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut given = given.flat_map(|value| value.split([',', ';']));
    given.find_map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, "true"));
        let name = name.trim().to_ascii_lowercase();
        if name.strip_prefix("odata.").unwrap_or(&name) != "continue-on-error" {
            return None;
        }
        match value.trim().trim_matches('"').to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    })
}

/// What the requests of one batch have in common.
pub struct Run {
    parts: Router,
    caller: Caller,
    id: RequestId,
    door: Door,
    /// `/api`, behind which relative URLs go.
    root: String,
    /// Headers by which links find their way back.
    ways: HeaderMap,
    done: HashMap<String, Done>,
    /// Bytes that answers may still take.
    room: usize,
    most: u64,
    until: Instant,
}

/// Headers of the batch that its requests have too.
const WAYS: [&str; 3] = ["host", "x-forwarded-host", "x-forwarded-proto"];
/// Headers that are the whole batch's business.
const FORBIDDEN: [&str; 7] = ["authorization", "proxy-authorization", "expect", "from", "max-forwards", "range", "te"];
/// Headers of which nothing is left when a request has been taken out of a batch.
const DROPPED: [&str; 9] = [
    "host",
    "content-length",
    "connection",
    "origin",
    "content-id",
    "x-forwarded-host",
    "x-forwarded-proto",
    "upgrade",
    "keep-alive",
];

impl Run {
    fn new(doors: &Doors, parts: Router, headers: &HeaderMap, uri: &Uri, id: RequestId) -> Run {
        let path = uri.path().trim_end_matches('/');
        let root = path.rsplit_once('/').map_or("", |(root, _)| root).to_owned();
        let ways = WAYS.iter().filter_map(|name| {
            let value = headers.get(*name)?.clone();
            Some((HeaderName::from_static(name), value))
        });
        let mut ways: HeaderMap = ways.collect();
        if let (None, Some(host)) = (ways.get(header::HOST), uri.authority()) {
            ways.extend(HeaderValue::from_str(host.as_str()).map(|host| (header::HOST, host)));
        }
        let limits = doors.limits;
        Run {
            parts,
            caller: doors.caller.clone(),
            id,
            door: Door::of(uri.path()),
            root,
            ways,
            done: HashMap::new(),
            room: usize::try_from(limits.alerts.bytes).unwrap_or(usize::MAX),
            most: limits.alerts.bytes,
            until: Instant::now() + limits.hunting.time,
        }
    }

    /// What the answer names itself by: nothing that comes from outside can look like its boundary.
    pub fn boundary(&self) -> String {
        format!("batch_{}", self.id.ours)
    }

    /// Does what a part asks, if it can be done.
    pub async fn one(&mut self, part: Part) -> Told {
        let Part { id, group, needs, asked } = part;
        let (answer, address) = match self.request(&needs, asked) {
            Ok(request) => {
                // What was read or changed is where it was found; what was made says where it is.
                let place = (*request.method() != Method::POST).then(|| request.uri().path().to_owned());
                let answer = self.sent(request).await;
                let made = answer.1.get(header::CONTENT_LOCATION).and_then(|place| place.to_str().ok());
                let made = made.and_then(|place| Some(place.parse::<Uri>().ok()?.path().to_owned()));
                (answer, made.or(place))
            }
            Err(refusal) => (self.stated(refusal).await, None),
        };
        let (status, headers, body) = answer;
        let tag = headers.get(header::ETAG).cloned();
        for name in id.iter().chain(&group) {
            let done = Done { succeeded: status.is_success(), address: address.clone(), tag: tag.clone() };
            self.done.insert(name.clone(), done);
        }
        Told { id, group, status, headers, body }
    }

    /// A part that was not begun, so that nothing depends on it.
    pub fn failed(&mut self, part: &Part) {
        for name in part.id.iter().chain(&part.group) {
            self.done.insert(name.clone(), Done { succeeded: false, address: None, tag: None });
        }
    }

    /// A refusal in a part's own place.
    pub async fn refused(&mut self, part: Part, refusal: Refusal) -> Told {
        let (status, headers, body) = self.stated(refusal).await;
        self.failed(&part);
        Told { id: part.id, group: part.group, status, headers, body }
    }

    async fn stated(&self, refusal: Refusal) -> Answer {
        let Refusal { status, code, message } = refusal;
        whole(error::stated(self.door, status, code, &message, &self.id), usize::MAX).await.unwrap_or_default()
    }

    async fn sent(&mut self, request: Request<Body>) -> Answer {
        let Ok(response) = self.parts.clone().oneshot(request).await;
        match whole(response, self.room).await {
            Some(answer) => {
                self.room -= answer.2.len();
                answer
            }
            None => {
                let message = format!("The answers of one batch have at most {} bytes: ask for fewer.", self.most);
                self.stated(Refusal::wrong("BadRequest", message)).await
            }
        }
    }

    fn request(&self, needs: &[String], asked: Result<Asked, Refusal>) -> Result<Request<Body>, Refusal> {
        let asked = asked?;
        for need in needs {
            match self.done.get(need) {
                Some(Done { succeeded: true, .. }) => {}
                Some(_) => return Err(depended(format!("`{need}`, on which this depends, failed."))),
                None => {
                    let message = format!("`dependsOn` names `{need}`, which no request before this one is called.");
                    return Err(Refusal::wrong("BadRequest", message));
                }
            }
        }
        if Instant::now() > self.until {
            let message = "The batch has taken longer than it may; this was not begun.".into();
            return Err(Refusal { status: StatusCode::GATEWAY_TIMEOUT, code: "UnknownError", message });
        }
        if asked.body.len() > LONGEST {
            let message = format!("The request body is too large; in a batch {LONGEST} bytes are read.");
            return Err(Refusal { status: StatusCode::PAYLOAD_TOO_LARGE, code: "PayloadTooLarge", message });
        }
        let uri = self.target(&asked.url)?;
        let mut headers = asked.headers;
        if let Some(name) = FORBIDDEN.iter().find(|name| headers.contains_key(**name)) {
            let message = format!("The header `{name}` belongs to the batch, not to a request in it.");
            return Err(Refusal::wrong("BadRequest", message));
        }
        if headers.contains_key(header::TRANSFER_ENCODING) {
            let message = "The body of a request in a batch is there as it is, without `Transfer-Encoding`.";
            return Err(Refusal::wrong("BadRequest", message));
        }
        for name in DROPPED {
            headers.remove(name);
        }
        for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
            let tag = headers.get(&name).and_then(|tag| tag.to_str().ok()).and_then(|tag| tag.trim().strip_prefix('$'));
            let Some(of) = tag else { continue };
            let Some(tag) = self.done.get(of).and_then(|done| done.tag.clone()) else {
                let message = format!("`${of}` has no `ETag` that could be referred to.");
                return Err(Refusal::wrong("BadRequest", message));
            };
            headers.insert(name, tag);
        }
        headers.extend(self.ways.clone());
        let mut request = Request::new(Body::from(asked.body));
        *request.method_mut() = asked.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request.extensions_mut().insert(self.caller.clone());
        request.extensions_mut().insert(self.id.clone());
        Ok(request)
    }

    /// Where a URL leads: it is whole, begins at the root of the host or behind the root of the service, or refers to what
    /// an earlier request was about.
    fn target(&self, url: &str) -> Result<Uri, Refusal> {
        let wrong = |message: String| Refusal::wrong("BadRequest", message);
        let url = url.trim();
        if url.is_empty() || url.len() > LONGEST_URL {
            return Err(wrong(format!("A URL has at least one and at most {LONGEST_URL} bytes.")));
        }
        let scheme =
            url.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let path = if let Some((_, rest)) = scheme {
            let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let ours = ["x-forwarded-host", "host"].iter().filter_map(|name| self.ways.get(*name)?.to_str().ok());
            if !ours.into_iter().any(|ours| ours.eq_ignore_ascii_case(host)) {
                return Err(wrong(format!("`{host}` is not this server.")));
            }
            path.to_owned()
        } else if let Some(rest) = url.strip_prefix('$') {
            let (name, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            match self.done.get(name) {
                Some(Done { succeeded: true, address: Some(address), .. }) => format!("{address}{rest}"),
                Some(Done { succeeded: false, .. }) => return Err(depended(format!("`{name}` failed."))),
                Some(_) => return Err(wrong(format!("`{name}` has no address that could be referred to."))),
                None => format!("{}/{url}", self.root),
            }
        } else if !url.starts_with('/') {
            format!("{}/{url}", self.root)
        } else if self.door == Door::Graph && !url.to_ascii_lowercase().starts_with("/v1.0/") {
            // Graph's paths begin behind its version.
            format!("{}{url}", self.root)
        } else {
            url.to_owned()
        };
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        let bare = path.split('?').next().unwrap_or("").trim_end_matches('/');
        if decoded(bare).ends_with("/$batch") {
            return Err(wrong("A batch has no other batch in it.".into()));
        }
        encoded(&path).parse().map_err(|_| wrong("The URL cannot be read.".into()))
    }
}

type Answer = (StatusCode, HeaderMap, Bytes);

/// A request that is not written as it must be.
fn unread(why: String) -> Refusal {
    Refusal::wrong("BadRequest", format!("The request cannot be read: {why}."))
}

/// Something depends on what failed.
fn depended(message: String) -> Refusal {
    Refusal { status: StatusCode::FAILED_DEPENDENCY, code: "FailedDependency", message }
}

/// More than one thing that is to be done wholly or not at all.
fn together(what: &str, count: usize) -> Refusal {
    let message = format!(
        "{what} of {count} requests is not here: nothing changes two things as one. One of a single request is, and \
         requests on their own are carried out one after the other."
    );
    Refusal { status: StatusCode::NOT_IMPLEMENTED, code: "NotImplemented", message }
}

/// Blanks and what else a URL must not have as it is, encoded.
fn encoded(url: &str) -> String {
    let byte = |byte: u8| match byte {
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => format!("%{byte:02X}"),
        0x21..=0x7e => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    url.bytes().map(byte).collect()
}

/// Headers that say something of the connection or of the batch, not of one answer in it.
const OF_ALL: [&str; 7] = [
    "cache-control",
    "content-length",
    "x-content-type-options",
    "request-id",
    "x-ms-activity-id",
    "client-request-id",
    "x-ms-client-request-id",
];

/// An answer with its whole body, if that has at most so many bytes.
async fn whole(response: Response, most: usize) -> Option<Answer> {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, most).await.ok()?;
    for name in OF_ALL {
        parts.headers.remove(name);
    }
    Some((parts.status, parts.headers, body))
}
