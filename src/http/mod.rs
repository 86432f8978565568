//! The HTTP doors. A handler states what was asked, asks the engine, and picks the form of the answer; statuses are
//! decided in [`error`] alone.
use crate::access::Access;
use crate::engine::{Engine, Language, Limits, QueryError, Request, Response};
use crate::text::{Source, Span, codes};
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request as HttpRequest, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::{Extension, Router};
use futures::{FutureExt, StreamExt};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::{Instrument, info, info_span};

mod alerts;
mod answer;
mod batch;
mod caller;
mod commands;
mod cors;
mod create;
mod databases;
pub mod error;
mod functions;
mod hunting;
mod incidents;
mod kusto;
mod metadata;
mod openapi;
mod pull;
mod refusals;
mod request_lines;
mod routes;
mod serve;
mod shape;
mod signin;
mod timespan;
mod tls;
mod updates;

pub use crate::access::Caller;
pub use serve::{Reach, listener, serve};
pub use tls::Certificate;

/// The largest request that is read.
const REQUEST_BYTES: usize = 4 << 20;
/// The largest request for a token: anybody may send one.
const GRANT_BYTES: usize = 64 << 10;
/// For the head of a request, for its body, and between two of them.
const PATIENCE: Duration = Duration::from_secs(75);

/// What every handler works with: the engine, and who is asking.
#[derive(Clone)]
pub struct Doors {
    pub engine: Engine,
    pub caller: Caller,
    /// Absent where nobody has to sign in.
    pub access: Option<Arc<Access>>,
    pub limits: DoorLimits,
    /// Whether clients come by TLS.
    pub secure: bool,
    /// From where requests count if nobody has to sign in.
    pub reach: Reach,
    /// Whose pages in a browser may read answers, such as `https://soc.example`.
    pub origins: Arc<[String]>,
    /// For how long a client may take to say what it wants.
    pub patience: Duration,
}

/// What one query may use at each door.
#[derive(Clone, Copy, Debug)]
pub struct DoorLimits {
    pub hunting: Limits,
    pub kusto: Limits,
    pub alerts: Limits,
    /// Bytes of rows of alerts that are kept in memory.
    pub held: usize,
}

impl DoorLimits {
    /// Of about ten million rows.
    pub const HELD: usize = 1 << 30;
}

impl Default for DoorLimits {
    fn default() -> DoorLimits {
        DoorLimits { hunting: Limits::HUNTING, kusto: Limits::KUSTO, alerts: Limits::ALERTS, held: DoorLimits::HELD }
    }
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
        let (caller, limits, reach) = (Caller::local(), DoorLimits::default(), Reach::Machine);
        let (origins, patience) = (Arc::new([]), PATIENCE);
        Doors { engine, caller, access: None, limits, secure: false, reach, origins, patience }
    }

    /// Doors at which everybody has to sign in.
    pub fn guarded(engine: Engine, access: Arc<Access>) -> Doors {
        Doors { caller: Caller::nobody(), access: Some(access), ..Doors::open(engine) }
    }

    /// Asks the engine. A panic on the way is a fault of this query alone.
    ///
    /// The one way from a request to rows: here its caller's groups of devices are put on it.
    pub async fn ask(&self, language: Language, text: &str, mut request: Request) -> Result<Response, QueryError> {
        if self.caller == Caller::nobody() {
            let fault = codes::NOT_GRANTED.at(Span::default(), "rows are shown to nobody who has not signed in");
            return Err(QueryError::Wrong(Source::new(text), vec![fault]));
        }
        request.device_groups = self.caller.device_groups.clone();
        let running = self.access.as_ref().filter(|_| language == Language::Kql).map(|access| {
            Arc::new(Running { access: Arc::clone(access), client: Arc::clone(&self.caller.id), began: Instant::now() })
        });
        let mut answer = contained(self.engine.query(language, text, request)).await??;
        if let Some(running) = running {
            for table in &mut answer.tables {
                let running = Arc::clone(&running);
                let batches = std::mem::replace(&mut table.batches, futures::stream::empty().boxed());
                table.batches = batches.inspect(move |_| drop(Arc::clone(&running))).boxed();
            }
        }
        Ok(answer)
    }
}

/// Counts a query's time for its client when it ends, however it does.
struct Running {
    access: Arc<Access>,
    client: Arc<str>,
    began: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.access.quotas.ran(&self.client, self.began.elapsed());
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
    doors.engine.store().hold(doors.limits.held);
    // What a batch has in it goes through doors like these, but for those of batches.
    let parts = batch::Parts(layered(routes::router(false), &doors));
    layered(routes::router(true).layer(Extension(parts)), &doors)
}

fn layered(routes: Router<Doors>, doors: &Doors) -> Router {
    let routes = routes
        .fallback(|uri: Uri, Extension(id): Extension<RequestId>| async move { error::no_such_path(&uri, &id) })
        .layer(DefaultBodyLimit::max(REQUEST_BYTES))
        .layer(middleware::from_fn(allowed))
        .layer(middleware::from_fn_with_state(doors.clone(), signin::known))
        .layer(middleware::from_fn_with_state(doors.clone(), watched))
        .with_state(doors.clone());
    // Letter case is settled before routing, so the routes stand inside a router of their own.
    Router::new().fallback_service(tower::ServiceBuilder::new().map_request(settled).service(routes))
}

async fn healthy() -> &'static str {
    "ok"
}

/// Paths that have nothing changing in them come as the router has them.
fn settled(mut request: HttpRequest) -> HttpRequest {
    if let Some(path) = routes::spelt(request.uri().path()) {
        let path = match request.uri().query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        if let Ok(uri) = path.parse() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Paths under these are those of OData services.
const ODATA: &[&str] = &["api", "odata", "alerts", "v1.0"];

/// Refuses a method that the path does not take, and says which it takes to who asks that.
async fn allowed(Extension(id): Extension<RequestId>, request: HttpRequest, next: Next) -> axum::response::Response {
    let methods = routes::methods(request.uri().path());
    if request.method() != Method::OPTIONS && (methods.is_empty() || methods.contains(request.method())) {
        return next.run(request).await;
    }
    let door = error::Door::of(request.uri().path());
    let mut response = match *request.method() {
        Method::OPTIONS if methods.is_empty() => return error::no_such_path(request.uri(), &id),
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => error::of_status(door, StatusCode::METHOD_NOT_ALLOWED, &id),
    };
    response.headers_mut().insert(header::ALLOW, routes::allow(&methods));
    response
}

const THEIR_IDS: [&str; 3] = ["x-ms-client-request-id", "client-request-id", "x-request-id"];

/// Gives each request its id and a line in the log (never its text), and contains a panic of its handler.
async fn watched(State(doors): State<Doors>, mut request: HttpRequest, next: Next) -> axum::response::Response {
    let theirs = THEIR_IDS.iter().find_map(|name| request.headers().get(*name)).and_then(|id| id.to_str().ok());
    // What a batch has in it goes by the batch's id.
    let given = request.extensions().get::<RequestId>().cloned();
    let id = given.unwrap_or_else(|| RequestId {
        ours: uuid::Uuid::new_v4().to_string(),
        theirs: theirs.map(|id| id.chars().take(200).collect()),
    });
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(id.clone());
    let late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| patient(body, doors.patience, Arc::clone(&late)));
    let span = info_span!("request", id = %id.ours);
    let began = Instant::now();
    let origin = cors::origin(&doors.origins, request.headers());
    let asked = origin.as_ref().and_then(|origin| cors::preflight(&request, origin));
    let answer = async {
        match asked {
            Some(response) => Ok(response),
            None => contained(next.run(request)).instrument(span.clone()).await,
        }
    };
    let mut response = match answer.await {
        Ok(response) => response,
        Err(fault) => error::response(error::Door::of(&path), &fault, &id),
    };
    // The framework's own refusals are plain text, which clients that expect JSON stumble over.
    let plain =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if failed && plain {
        let status = if late.load(Ordering::Relaxed) { StatusCode::REQUEST_TIMEOUT } else { response.status() };
        let mut shaped = error::of_status(error::Door::of(&path), status, &id);
        if let Some(allow) = response.headers().get(header::ALLOW) {
            shaped.headers_mut().insert(header::ALLOW, allow.clone());
        }
        response = shaped;
    }
    let ms = began.elapsed().as_millis() as u64;
    let caller = response.extensions().get::<Caller>().map_or("", |caller| &caller.name);
    span.in_scope(|| info!(%method, %path, caller, status = response.status().as_u16(), ms, "answered"));
    if let Some(origin) = origin {
        cors::readable(&mut response, &origin);
    }
    let headers = response.headers_mut();
    let given = [("x-ms-activity-id", Some(&id.ours)), ("request-id", Some(&id.ours))];
    let echoed = [("x-ms-client-request-id", id.theirs.as_ref()), ("client-request-id", id.theirs.as_ref())];
    for (name, value) in given.into_iter().chain(echoed) {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if ODATA.contains(&path.split('/').nth(1).unwrap_or("")) {
        headers.entry("odata-version").or_insert(HeaderValue::from_static("4.0"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A body that must have come by a certain time, so that nobody keeps a handler waiting for ever; whether it has not is told.
fn patient(body: Body, patience: Duration, late: Arc<AtomicBool>) -> Body {
    let until = tokio::time::Instant::now() + patience;
    let begun = Some((body.into_data_stream(), late));
    Body::from_stream(futures::stream::unfold(begun, move |state| async move {
        let (mut stream, late) = state?;
        match tokio::time::timeout_at(until, stream.next()).await {
            Ok(None) => None,
            Ok(Some(piece)) => Some((piece, Some((stream, late)))),
            Err(passed) => {
                late.store(true, Ordering::Relaxed);
                Some((Err(axum::Error::new(passed)), None))
            }
        }
    }))
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
