//! `GET /api/alerts`, `/api/alerts/{id}`, `/api/alerts('{id}')`: the alerts API over whatever alerts are stored.
use super::error::{self, Door};
use super::{Doors, RequestId, contained, json};
use crate::bind::odata::{Asked, PAGE, asked};
use crate::engine::{Language, Limits, QueryError, Request};
use crate::syntax::odata;
use crate::text::{Source, codes};
use crate::types::Type;
use crate::value::Value;
use crate::wire::odata_json::Alerts;
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use futures::StreamExt;

/// Parameters of the SIEM pull, which has another answer.
const PULL: &[&str] = &[
    "sincetimeutc",
    "untiltimeutc",
    "ago",
    "limit",
    "machinegroups",
    "devicecreatedmachinetags",
    "cloudcreatedmachinetags",
];

pub async fn get(
    State(doors): State<Doors>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let path = uri.path().trim_matches('/');
    let query = uri.query().unwrap_or("");
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let source = Source::named("request", text.as_str());
    let line = match odata::parse(&source) {
        Ok(line) => line,
        Err(faults) => return error::response(Door::Alerts, &QueryError::Wrong(source, faults), &id),
    };
    let what = match asked(&line.path) {
        Ok(what) => what,
        Err(fault) if fault.code == codes::UNKNOWN_TABLE => return error::no_such_path(&uri),
        Err(fault) => return error::response(Door::Alerts, &QueryError::Wrong(source, vec![fault]), &id),
    };
    if pull(query) {
        let fault = codes::NOT_YET
            .at(Default::default(), "the SIEM pull (`sinceTimeUtc` and its like) is not here yet")
            .help("ask with `$filter=lastUpdateTime gt …`");
        return error::response(Door::Alerts, &QueryError::Wrong(source, vec![fault]), &id);
    }
    let (mut alerts, count) = match read(&doors, &text).await {
        Ok(found) => found,
        Err(failure) => return error::response(Door::Alerts, &failure, &id),
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let selected = if line.options.select.is_empty() {
        String::new()
    } else {
        let names: Vec<&str> = line.options.select.iter().map(|name| name.text.as_str()).collect();
        format!("({})", names.join(","))
    };
    let context = format!("http://{host}/api/$metadata#Alerts{selected}");
    if let Asked::Alert(key) = &what {
        return match alerts.single(&format!("{context}/$entity")) {
            Some(body) => json(StatusCode::OK, body),
            None => error::not_found(&format!("Alert {key} does not exist."), &id),
        };
    }
    let more = alerts.items.len() as u64 > PAGE;
    alerts.items.truncate(PAGE as usize);
    let next = more.then(|| {
        let skip = line.options.skip.unwrap_or(0) + PAGE;
        let top = line.options.top.map(|top| top - PAGE);
        format!("http://{host}{}?{}", uri.path(), next_query(query, skip, top))
    });
    json(StatusCode::OK, alerts.page(&context, count, next.as_deref()))
}

/// The alerts of the request, one more than a page where there are more, and their number where it was asked for.
async fn read(doors: &Doors, text: &str) -> Result<(Alerts, Option<i64>), QueryError> {
    let answer = doors.ask(Language::OData, text, Request::new(Limits::ALERTS)).await?;
    let (mut alerts, mut count) = (Alerts::default(), None);
    for mut table in answer.tables {
        while let Some(batch) = contained(table.batches.next()).await? {
            let batch = batch?;
            if table.name == "count" && batch.num_rows() > 0 {
                let cells = crate::columns::Cells::new(batch.column(0), Type::Long);
                count = if let Value::Long(number) = cells.get(0) { Some(number) } else { None };
            } else {
                alerts.batch(&batch, &table.schema);
            }
        }
    }
    Ok((alerts, count))
}

fn pull(query: &str) -> bool {
    query.split('&').any(|part| {
        let name = part.split('=').next().unwrap_or("").to_ascii_lowercase();
        PULL.contains(&name.as_str())
    })
}

/// The same options, spelt as the client spelt them, further on.
fn next_query(query: &str, skip: u64, top: Option<u64>) -> String {
    let is = |part: &str, option: &str| {
        let name = part.split('=').next().unwrap_or("").replace("%24", "$").to_ascii_lowercase();
        name == option
    };
    let mut parts: Vec<String> = query
        .split('&')
        .filter(|part| !part.is_empty() && !is(part, "$skip") && !is(part, "$top"))
        .map(str::to_owned)
        .collect();
    parts.extend(top.map(|top| format!("$top={top}")));
    parts.push(format!("$skip={skip}"));
    parts.join("&")
}
