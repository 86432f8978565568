//! The HTTP doors. A handler states what was asked, asks the engine, and picks the form of the answer; statuses are
//! decided in [`error`] alone.
use crate::engine::{Engine, Language, QueryError, Request, Response};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tracing::{Instrument, info, info_span};

mod alerts;
mod answer;
mod caller;
mod commands;
mod databases;
pub mod error;
mod functions;
mod hunting;
mod kusto;
mod metadata;
mod pull;
mod serve;
mod timespan;

pub use caller::Caller;
pub use serve::{listener, serve};

/// The largest request that is read.
const REQUEST_BYTES: usize = 4 << 20;

/// What every handler works with: the engine, and who is asking.
#[derive(Clone)]
pub struct Doors {
    pub engine: Engine,
    pub caller: Caller,
}

/// The id of one request: the caller's own where it gave one.
#[derive(Clone, Debug)]
pub struct RequestId {
    pub ours: String,
    pub theirs: Option<String>,
}

impl Doors {
    /// Doors at which nobody has to sign in.
    pub fn open(engine: Engine) -> Doors {
        Doors { engine, caller: Caller::local() }
    }

    /// Asks the engine. A panic on the way is a fault of this query alone.
    pub async fn ask(&self, language: Language, text: &str, request: Request) -> Result<Response, QueryError> {
        contained(self.engine.query(language, text, request)).await?
    }
}

/// Runs a future so that a panic in it becomes a fault with an id, its details in the log.
pub async fn contained<T>(work: impl Future<Output = T>) -> Result<T, QueryError> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let what = panic.downcast_ref::<&str>().map(ToString::to_string);
        let detail = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".into());
        QueryError::fault(format!("panic: {detail}"))
    })
}

/// All doors over one engine.
pub fn router(doors: Doors) -> Router {
    let routes = Router::new()
        .route("/v2/rest/query", post(kusto::query_v2))
        .route("/v1/rest/query", post(kusto::query_v1))
        .route("/v1/rest/mgmt", post(kusto::command))
        .route("/v1/rest/auth/metadata", get(kusto::auth_metadata))
        .route("/api/advancedqueries/run", post(hunting::defender))
        .route("/api/advancedhunting/run", post(hunting::defender))
        .route("/v1.0/security/runhuntingquery", post(hunting::graph))
        .route("/v1.0/security/{*rest}", get(alerts::get))
        .route("/api", get(alerts::get))
        .route("/api/", get(alerts::get))
        .route("/api/{*rest}", get(alerts::get))
        // Some published samples leave the door out.
        .route("/alerts/{*rest}", get(alerts::get))
        .route("/odata", get(alerts::get))
        .route("/odata/", get(alerts::get))
        .route("/odata/{*rest}", get(alerts::get))
        .route("/healthz", get(|| async { "ok" }))
        .fallback(|uri: Uri| async move { error::no_such_path(&uri) })
        .layer(DefaultBodyLimit::max(REQUEST_BYTES))
        .layer(middleware::from_fn_with_state(doors.clone(), known))
        .layer(middleware::from_fn(watched))
        .with_state(doors);
    // Letter case is settled before routing, so the routes stand inside a router of their own.
    Router::new().fallback_service(tower::ServiceBuilder::new().map_request(settled).service(routes))
}

/// Paths that clients write in more than one letter case.
const ANY_CASE: &[&str] = &["/api/advancedqueries/run", "/api/advancedhunting/run", "/v1.0/security/runhuntingquery"];

fn settled(mut request: axum::extract::Request) -> axum::extract::Request {
    let path = request.uri().path().trim_end_matches('/').to_ascii_lowercase();
    if ANY_CASE.contains(&path.as_str()) {
        let path = match request.uri().query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Finds out who is asking. A part of a batch comes with its caller.
async fn known(
    State(doors): State<Doors>,
    mut request: axum::extract::Request,
    next: Next,
) -> axum::response::Response {
    if request.extensions().get::<Caller>().is_none() {
        request.extensions_mut().insert(doors.caller);
    }
    next.run(request).await
}

const THEIR_IDS: [&str; 3] = ["x-ms-client-request-id", "client-request-id", "x-request-id"];

/// Gives each request its id and a line in the log (never its text), and contains a panic of its handler.
async fn watched(mut request: axum::extract::Request, next: Next) -> axum::response::Response {
    let theirs = THEIR_IDS.iter().find_map(|name| request.headers().get(*name)).and_then(|id| id.to_str().ok());
    let id =
        RequestId { ours: uuid::Uuid::new_v4().to_string(), theirs: theirs.map(|id| id.chars().take(200).collect()) };
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(id.clone());
    let span = info_span!("request", id = %id.ours);
    let began = Instant::now();
    let mut response = match contained(next.run(request)).instrument(span.clone()).await {
        Ok(response) => response,
        Err(fault) => error::response(error::Door::Hunting, &fault, &id),
    };
    // The framework's own refusals are plain text, which clients that expect JSON stumble over.
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if response.status().is_client_error() && plain {
        response = error::of_status(response.status());
    }
    let ms = began.elapsed().as_millis() as u64;
    span.in_scope(|| info!(%method, %path, status = response.status().as_u16(), ms, "answered"));
    let headers = response.headers_mut();
    let given = [("x-ms-activity-id", Some(&id.ours)), ("request-id", Some(&id.ours))];
    let echoed = [("x-ms-client-request-id", id.theirs.as_ref()), ("client-request-id", id.theirs.as_ref())];
    for (name, value) in given.into_iter().chain(echoed) {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A JSON body with a status.
pub fn json(status: StatusCode, body: impl Into<Body>) -> axum::response::Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.into()).into_response()
}

/// A request body as JSON, whatever its content type says.
fn body_json(body: &Bytes) -> Option<serde_json::Value> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).ok()
}

/// A field by name in any letter case.
fn field<'j>(object: &'j serde_json::Value, name: &str) -> Option<&'j serde_json::Value> {
    let object = object.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}
