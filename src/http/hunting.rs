//! `POST /api/advancedqueries/run`, `/api/advancedhunting/run` and Graph's `/v1.0/security/runHuntingQuery`.
use super::error::{self, Door};
use super::{Doors, RequestId, body_json, contained, field, json, timespan};
use crate::engine::{Language, QueryError, Refused, Request, clock};
use crate::wire::hunting_json::Results;
use axum::Extension;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures::StreamExt;
use serde_json::Value as Json;
use std::time::Instant;

pub async fn defender(doors: Doors, Extension(id): Extension<RequestId>, body: Bytes) -> Response {
    let began = Instant::now();
    let Some(text) = body_json(&body).and_then(|body| query_text(&body)) else {
        return error::bad_request(Door::Hunting, "Missing query.", &id);
    };
    match results(&doors, &text, Request::new(doors.limits.hunting)).await {
        Ok(results) => json(StatusCode::OK, results.defender(began.elapsed())),
        Err(error) => error::response(Door::Hunting, &error, &id),
    }
}

pub async fn graph(doors: Doors, Extension(id): Extension<RequestId>, headers: HeaderMap, body: Bytes) -> Response {
    let body = body_json(&body).unwrap_or(Json::Null);
    let Some(text) = query_text(&body) else {
        return error::bad_request(Door::Graph, "Missing query.", &id);
    };
    let mut request = Request::new(doors.limits.hunting);
    if let Some(span) = field(&body, "timespan").and_then(Json::as_str).filter(|span| !span.trim().is_empty()) {
        request.timespan = timespan::interval(span, clock());
        if request.timespan.is_none() {
            let message =
                "Timespan is not an ISO 8601 duration or interval, such as `P30D` or `2024-01-01/2024-02-01`.";
            return error::bad_request(Door::Graph, message, &id);
        }
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let scheme = if doors.secure { "https" } else { "http" };
    let context = format!("{scheme}://{host}/v1.0/$metadata#microsoft.graph.security.huntingQueryResults");
    match results(&doors, &text, request).await {
        Ok(results) => json(StatusCode::OK, results.graph(&context)),
        Err(error) => error::response(Door::Graph, &error, &id),
    }
}

fn query_text(body: &Json) -> Option<String> {
    field(body, "query")?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// These APIs answer with one table: that of the last statement with a result.
async fn results(doors: &Doors, text: &str, request: Request) -> Result<Results, QueryError> {
    let most = request.limits.bytes;
    let answer = doors.ask(Language::Kql, text, request).await?;
    let Some(mut table) = answer.tables.into_iter().next_back() else { return Ok(Results::new(&Default::default())) };
    let mut results = Results::new(&table.schema);
    while let Some(batch) = contained(table.batches.next()).await? {
        results.batch(&batch?);
        if results.len() as u64 > most {
            return Err(QueryError::Refused(Refused::Bytes(most)));
        }
    }
    Ok(results)
}
