//! `/v2/rest/query`, `/v1/rest/query`, `/v1/rest/mgmt`: the Kusto query protocol.
use super::answer::send;
use super::error::{self, Door};
use super::{Doors, RequestId, body_json, commands, field, json};
use crate::engine::{Language, Limits, Request, clock};
use crate::value::{datetime, timespan};
use crate::wire::Ids;
use crate::wire::kusto_v1::KustoV1;
use crate::wire::kusto_v2::KustoV2;
use axum::Extension;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value as Json;
use std::time::Duration;

pub async fn query_v2(doors: Doors, Extension(id): Extension<RequestId>, body: Bytes) -> Response {
    let ids = ids(&id);
    query(doors, id, body, || KustoV2::new(ids)).await
}

pub async fn query_v1(doors: Doors, Extension(id): Extension<RequestId>, body: Bytes) -> Response {
    let ids = ids(&id);
    // Some clients send their control commands here.
    if read(&body).is_some_and(|ask| ask.text.trim_start().starts_with('.')) {
        return command(doors, Extension(id), body).await;
    }
    query(doors, id, body, || KustoV1::for_query(ids)).await
}

pub async fn command(doors: Doors, Extension(id): Extension<RequestId>, body: Bytes) -> Response {
    let Some(ask) = read(&body) else { return unreadable(&id) };
    let request = ask.request(doors.limits.kusto);
    match commands::run(&doors, &ask.text, &ask.database, request).await {
        Ok(answer) => send(answer, KustoV1::for_command(ids(&id)), &id).await,
        Err(error) => error::response(Door::Kusto, &error, &id),
    }
}

async fn query<F: crate::wire::Frames + Send + 'static>(
    doors: Doors,
    id: RequestId,
    body: Bytes,
    frames: impl FnOnce() -> F,
) -> Response {
    let Some(ask) = read(&body) else { return unreadable(&id) };
    let request = ask.request(doors.limits.kusto);
    match doors.ask(Language::Kql, &ask.text, request).await {
        Ok(answer) => send(answer, frames(), &id).await,
        Err(error) => error::response(Door::Kusto, &error, &id),
    }
}

/// Where to sign in. Clients read the shape even where nobody has to.
pub async fn auth_metadata(doors: Doors) -> Response {
    let own = doors.access.as_ref().filter(|access| access.outside.is_empty()).map(|access| access.own.url());
    let body = serde_json::json!({ "AzureAD": {
        "LoginEndpoint": own.unwrap_or("https://login.microsoftonline.com"),
        "LoginMfaRequired": false,
        "KustoClientAppId": "db662dc1-0cfe-4e1c-a843-19a68e65be58",
        "KustoClientRedirectUri": "https://microsoft/kustoclient",
        "KustoServiceResourceId": "https://kusto.kusto.windows.net",
        "FirstPartyAuthorityUrl": "https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a"
    } });
    json(StatusCode::OK, body.to_string())
}

fn ids(id: &RequestId) -> Ids {
    Ids { client_request: id.theirs.clone().unwrap_or_else(|| id.ours.clone()), activity: id.ours.clone(), at: clock() }
}

fn unreadable(id: &RequestId) -> Response {
    error::bad_request(Door::Kusto, "the body is not a JSON object with a `csl` text", id)
}

/// `{"db","csl","properties"}`.
struct Ask {
    text: String,
    database: String,
    options: Json,
    parameters: Vec<(String, String)>,
}

/// `None` where there is no query in the body. The properties come as an object or as its JSON text.
fn read(body: &Bytes) -> Option<Ask> {
    let body = body_json(body)?;
    let text = field(&body, "csl")?.as_str()?.to_owned();
    let database = field(&body, "db").and_then(Json::as_str).unwrap_or("").to_owned();
    let properties = match field(&body, "properties") {
        Some(Json::String(text)) => serde_json::from_str(text).unwrap_or(Json::Null),
        Some(other) => other.clone(),
        None => Json::Null,
    };
    let parameters = field(&properties, "parameters").and_then(Json::as_object).map_or(Vec::new(), |given| {
        let literal = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        given.iter().map(|(name, value)| (name.clone(), literal(value))).collect()
    });
    let options = field(&properties, "options").cloned().unwrap_or(Json::Null);
    Some(Ask { text, database, options, parameters })
}

impl Ask {
    /// The request properties that mean something here: they can narrow the server's limits, not widen them.
    fn request(&self, limits: Limits) -> Request {
        let mut request = Request::new(limits);
        let whole = |name: &str| {
            let value = field(&self.options, name)?;
            value.as_u64().or_else(|| value.as_str()?.parse().ok())
        };
        if let Some(rows) = whole("truncationmaxrecords") {
            request.limits.rows = request.limits.rows.min(rows);
        }
        if let Some(bytes) = whole("truncationmaxsize") {
            request.limits.bytes = request.limits.bytes.min(bytes);
        }
        let text = |name: &str| field(&self.options, name).and_then(Json::as_str);
        if let Some(ticks) = text("servertimeout").and_then(timespan::parse).and_then(|ticks| u64::try_from(ticks).ok())
        {
            let time = Duration::from_micros(ticks / 10).max(Duration::from_millis(1));
            request.limits.time = request.limits.time.min(time);
        }
        request.now = text("query_now").and_then(|now| {
            let inner = now.strip_prefix("datetime(").and_then(|rest| rest.strip_suffix(')'));
            datetime::parse(inner.unwrap_or(now))
        });
        request.parameters = self.parameters.clone();
        request
    }
}
