//! The SIEM pull, `GET /api/alerts?sinceTimeUtc=…`: a bare array of detections, one for each row of DeviceAlertEvents.
//! When a row arrived is not kept, so its own time is the cursor.
use super::error::{self, Door};
use super::{Doors, RequestId, contained, json, timespan};
use crate::engine::request_lines::path::Asked;
use crate::engine::{Language, QueryError, Refused, Request, clock};
use crate::text::{Diagnostic, Source, codes};
use crate::value::datetime;
use crate::wire::detections::Detections;
use axum::http::StatusCode;
use axum::response::Response;
use futures::StreamExt;

const DETECTIONS: &str = include_str!("pull.kql");

/// Parameters that only the pull has.
const PARAMETERS: &[&str] = &[
    "sincetimeutc",
    "untiltimeutc",
    "ago",
    "limit",
    "machinegroups",
    "devicecreatedmachinetags",
    "cloudcreatedmachinetags",
];

/// Two hours: how far back a pull goes that does not say.
const USUAL: i64 = 2 * 3600 * 10_000_000;

pub fn is_one(asked: &Asked, query: &str) -> bool {
    let names = || parameters(query).into_iter().map(|(name, _)| name);
    let alerts = asked.set.text.eq_ignore_ascii_case("alerts") && asked.key.is_none() && !asked.count;
    alerts && names().any(|name| PARAMETERS.contains(&name.as_str())) && !names().any(|name| name.starts_with('$'))
}

fn parameters(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.into_owned()))
        .collect()
}

pub async fn answer(doors: &Doors, query: &str, id: &RequestId) -> Response {
    let mut request = Request::new(doors.limits.alerts);
    match range(query, clock()) {
        Ok(Range { since, until, most }) => {
            request.parameters = vec![
                ("since".into(), format!("datetime({})", datetime::text(since))),
                ("until".into(), format!("datetime({})", datetime::text(until))),
                ("most".into(), most.to_string()),
            ];
        }
        Err(fault) => {
            let source = Source::named("request", query);
            return error::response(Door::Alerts, &QueryError::Wrong(source, vec![fault]), id);
        }
    }
    match detections(doors, request).await {
        Ok(detections) => json(StatusCode::OK, detections.array()),
        Err(failure) => error::response(Door::Alerts, &failure, id),
    }
}

async fn detections(doors: &Doors, request: Request) -> Result<Detections, QueryError> {
    let most = request.limits.bytes;
    let answer = doors.ask(Language::Kql, DETECTIONS, request).await?;
    let mut detections = Detections::default();
    for mut table in answer.tables {
        while let Some(batch) = contained(table.batches.next()).await? {
            detections.batch(&batch?, &table.schema);
            if detections.bytes() as u64 > most {
                return Err(QueryError::Refused(Refused::Bytes(most)));
            }
        }
    }
    Ok(detections)
}

#[derive(Debug, PartialEq)]
struct Range {
    since: i64,
    until: i64,
    most: u64,
}

/// The times from the first up to, but without, the last, so that pulls which follow each other repeat nothing.
fn range(query: &str, now: i64) -> Result<Range, Diagnostic> {
    let mut range = Range { since: now - USUAL, until: now, most: i64::MAX as u64 };
    for (name, value) in parameters(query) {
        let bad =
            |wanted: &str| codes::BAD_VALUE.at(Default::default(), format!("`{name}` is {wanted}, not `{value}`"));
        match name.as_str() {
            "sincetimeutc" => range.since = datetime::parse(&value).ok_or_else(|| bad("a time"))?,
            "untiltimeutc" => range.until = datetime::parse(&value).ok_or_else(|| bad("a time"))?,
            "ago" => {
                (range.since, range.until) =
                    timespan::interval(&value, now).ok_or_else(|| bad("a duration such as `PT10M`"))?;
            }
            "limit" => range.most = value.parse().ok().filter(|most| *most > 0).ok_or_else(|| bad("a number"))?,
            "machinegroups" | "devicecreatedmachinetags" | "cloudcreatedmachinetags" => {
                let fault = codes::NOT_YET.at(Default::default(), format!("`{name}` is not here yet"));
                return Err(fault.help("pull without it"));
            }
            _ => {}
        }
    }
    Ok(range)
}
