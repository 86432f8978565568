//! The SIEM pull, `GET /api/alerts?sinceTimeUtc=…`: a bare array of detections, one for each row of DeviceAlertEvents.
//! When a row arrived is the cursor, so that pulls which follow each other miss nothing that came late.
use super::error::{self, Door};
use super::{Doors, RequestId, contained, json, timespan};
use crate::engine::request_lines::path::Asked;
use crate::engine::{Language, Limits, QueryError, Refused, Request, clock};
use crate::text::{Diagnostic, Source, codes};
use crate::value::{Json, datetime};
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
    // A pull has no pages: only its bytes are bounded.
    let limits = Limits { rows: u64::MAX, ..doors.limits.alerts };
    let mut request = Request { ours: true, ..Request::new(limits) };
    let range = range(query, clock());
    // Pulled up to now, it is not asked for again.
    doors.engine.store().settled().await;
    match range {
        Ok(Range { since, until, most, groups, registered, given }) => {
            request.parameters = vec![
                ("since".into(), format!("datetime({})", datetime::text(since))),
                ("until".into(), format!("datetime({})", datetime::text(until))),
                ("most".into(), most.to_string()),
                ("groups".into(), format!("dynamic({})", Json::from(groups))),
                ("registered".into(), Json::from(registered).to_string()),
                ("given".into(), Json::from(given).to_string()),
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

#[derive(Debug, Default, PartialEq)]
struct Range {
    since: i64,
    until: i64,
    most: u64,
    /// Groups of devices, all of them where there are none; then the tags that a device must have, from its registry and
    /// from the portal.
    groups: Vec<String>,
    registered: String,
    given: String,
}

/// The times from the first up to, but without, the last, so that pulls which follow each other repeat nothing.
fn range(query: &str, now: i64) -> Result<Range, Diagnostic> {
    let mut range = Range { since: now - USUAL, until: now, most: i64::MAX as u64, ..Range::default() };
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
            "machinegroups" => range.groups.push(value),
            "devicecreatedmachinetags" => range.registered = value,
            "cloudcreatedmachinetags" => range.given = value,
            _ => {}
        }
    }
    Ok(range)
}
