//! The front door, as the tests use it: one engine over a store with the fixtures, and its HTTP doors in process.
use crate::root;
use arrow::record_batch::RecordBatch;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request as HttpRequest;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use regex::Regex;
use serde_json::{Value as Json, json};
use sighthound::catalog;
use sighthound::columns::{self, Cells};
use sighthound::engine::{Engine, Language, Limits, QueryError, Request, TableAnswer, clock};
use sighthound::http::{DoorLimits, Doors, router};
use sighthound::store::ingest::{Ask, ingest};
use sighthound::store::{Ingestion, Store};
use sighthound::text::render;
use sighthound::types::Type;
use sighthound::value::{Value, datetime};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// A case that takes longer is a fault.
const PATIENCE: Duration = Duration::from_secs(300);
/// Cases that run at once.
const AT_ONCE: usize = 4;

pub struct Front {
    runtime: Runtime,
    doors: Doors,
    router: Router,
    _store: tempfile::TempDir,
}

static FRONT: LazyLock<Front> = LazyLock::new(Front::open);

pub fn front() -> &'static Front {
    &FRONT
}

impl Front {
    /// A store of its own with the fixtures.
    pub fn open() -> Front {
        let runtime = sighthound::cli::runtime().expect("a runtime");
        let store = tempfile::tempdir().expect("a temporary folder");
        let engine = runtime.block_on(async {
            let engine = Engine::open(&store.path().display().to_string()).await.expect("a store");
            let taken = sighthound::cli::demo::fixtures(engine.store(), &root().join("fixtures")).await;
            assert_eq!(taken.expect("the fixtures").rejected, 0);
            let ask = Ask {
                inputs: vec![root().join("tests/outside/offices.csv").display().to_string()],
                table: Some("Watchlist_Offices".into()),
                replace: false,
                again: false,
                rejects: store.path().join("rejects.jsonl"),
            };
            ingest(engine.store(), ask, Arc::default()).await.expect("a watchlist");
            engine.allow(&[root().join("tests/outside").display().to_string()]).expect("a folder")
        });
        // Unoptimized, and on a machine that has other things to do, a minute is not long.
        let patient = Limits { time: PATIENCE, ..Limits::ALERTS };
        let limits = DoorLimits { alerts: patient, ..DoorLimits::default() };
        let doors = Doors { limits, ..Doors::open(engine) };
        Front { runtime, router: router(doors.clone()), doors, _store: store }
    }

    /// Runs all cases, a few at once, and gives their results in order. A panic of a case is the harness's own.
    pub fn all<C: Send + 'static, R: Send + 'static, F: Future<Output = R> + Send + 'static>(
        &'static self,
        cases: Vec<C>,
        one: impl Fn(&'static Front, C) -> F + Send + Sync,
    ) -> Vec<R> {
        let work = stream::iter(cases).map(|case| tokio::spawn(one(self, case))).buffered(AT_ONCE);
        self.runtime.block_on(work.try_collect()).expect("no case panics outside its query")
    }

    /// Status and body of a query by the Kusto protocol; status 0 where there was no answer in time.
    pub async fn kusto(&self, query: &str) -> (u16, Json) {
        let body = json!({ "db": "hunting", "csl": query, "properties": { "Options": {}, "Parameters": {} } });
        let request = HttpRequest::post("/v2/rest/query").body(Body::from(body.to_string()));
        let answer = async {
            let response = self.router.clone().oneshot(request.ok()?).await.ok()?;
            let status = response.status().as_u16();
            let bytes = to_bytes(response.into_body(), usize::MAX).await.ok()?;
            Some((
                status,
                serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({ "error": { "message": "no JSON" } })),
            ))
        };
        match tokio::time::timeout(PATIENCE, std::panic::AssertUnwindSafe(answer).catch_unwind()).await {
            Ok(Ok(Some(answer))) => answer,
            Ok(Ok(None)) => (0, json!({ "error": { "message": "a broken answer" } })),
            Ok(Err(_)) => (0, json!({ "error": { "message": "a panic" } })),
            Err(_) => (0, json!({ "error": { "message": "no answer in time" } })),
        }
    }

    pub fn engine(&self) -> &Engine {
        &self.doors.engine
    }

    fn language(kind: &str) -> Language {
        if kind == "odata" { Language::OData } else { Language::Kql }
    }

    fn request(&self) -> Request {
        Request::new(Limits::SHELL)
    }

    async fn tables(&self, kind: &str, text: &str) -> Result<Vec<String>, QueryError> {
        let answer = self.doors.ask(Self::language(kind), text, self.request()).await?;
        let mut shown = Vec::new();
        for table in answer.tables {
            shown.push(shown_table(table).await?);
        }
        Ok(shown)
    }

    pub fn table(&self, kind: &str, text: &str) -> String {
        match self.runtime.block_on(self.tables(kind, text)) {
            Ok(tables) => tables.join("\n"),
            Err(error) => shown_error(&error, false),
        }
    }

    pub fn error(&self, kind: &str, text: &str, short: bool) -> String {
        match self.runtime.block_on(self.tables(kind, text)) {
            Ok(tables) => format!("no error but\n{}", tables.join("\n")),
            Err(error) => shown_error(&error, short),
        }
    }

    pub fn plan(&self, kind: &str, text: &str) -> String {
        match self.runtime.block_on(self.doors.engine.explain(Self::language(kind), text, self.request())) {
            Ok(stages) => {
                static FILES: LazyLock<Regex> =
                    LazyLock::new(|| Regex::new(r"[^\[\], ]*/(date=[^/]*/)[0-9a-f-]{36}").expect("a fixed pattern"));
                let shown = |stage| matches!(stage, "what is read first" | "physical plan" | "what is read");
                let physical: String =
                    stages.into_iter().filter(|(stage, _)| shown(*stage)).map(|(_, text)| text).collect();
                FILES.replace_all(&physical, "${1}<file>").into_owned()
            }
            Err(error) => shown_error(&error, false),
        }
    }

    /// A request as a client would write it: the request line, headers, an empty line, the body.
    pub fn response(&self, text: &str) -> Result<String, String> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, path) = lines.next().and_then(|line| line.split_once(' ')).ok_or("no request line")?;
        let mut request = HttpRequest::builder().method(method).uri(path.trim());
        for line in lines {
            let (name, value) = line.split_once(':').ok_or("a header without a colon")?;
            request = request.header(name.trim(), value.trim());
        }
        let request = request.body(Body::from(body.to_owned())).map_err(|error| error.to_string())?;
        let router = self.router.clone();
        // On a worker, as in the server: the threads of the harness have small stacks.
        let answer = self.runtime.spawn(async move {
            let response = router.oneshot(request).await.map_err(|error| error.to_string())?;
            let (parts, body) = response.into_parts();
            let status = parts.status.as_u16();
            let header = |name: &str| {
                let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or("-").to_owned()
            };
            let (kind, id) = (header("content-type"), header("request-id"));
            let bytes = to_bytes(body, usize::MAX).await.map_err(|error| error.to_string())?;
            let body = match serde_json::from_slice::<Json>(&bytes) {
                Ok(json) => laid_out(&steady(json, &id), 0),
                Err(_) => steady_lines(&String::from_utf8_lossy(&bytes), &id),
            };
            let kind = kind.replace(&id, "<id>");
            Ok(format!("{status} {kind}\n\n{body}"))
        });
        self.runtime.block_on(answer).map_err(|error| error.to_string())?
    }
}

async fn shown_table(mut table: TableAnswer) -> Result<String, QueryError> {
    let header: Vec<String> =
        table.schema.columns.iter().map(|column| format!("{}: {}", column.name, column.ty)).collect();
    let mut shown = header.join(" | ") + "\n";
    while let Some(batch) = table.batches.next().await {
        let batch = batch?;
        let columns: Vec<Cells<'_>> = batch
            .columns()
            .iter()
            .zip(&table.schema.columns)
            .map(|(array, column)| Cells::new(array, column.ty))
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns
                .iter()
                .zip(&table.schema.columns)
                .map(|(cells, column)| cell(&cells.get(row), column.ty))
                .collect();
            shown += cells.join(" | ").trim_end();
            shown.push('\n');
        }
    }
    Ok(shown)
}

fn cell(value: &Value<'_>, ty: Type) -> String {
    let text = match (value, ty) {
        (Value::Null, _) => "∅".into(),
        (Value::Bool(x), _) => x.to_string(),
        (Value::Dynamic(x), _) => x.json_text().into_owned(),
        _ => value.text().into_owned(),
    };
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('|', "\\|")
}

fn shown_error(error: &QueryError, short: bool) -> String {
    match error {
        QueryError::Wrong(_, faults) if short => {
            let lines: Vec<String> =
                faults.iter().map(|fault| format!("error: {} @{}", fault.code.id, fault.span.start)).collect();
            lines.join("\n")
        }
        QueryError::Wrong(source, faults) => render::render(source, faults),
        QueryError::Refused(refused) => format!("refused: {refused:?}"),
        QueryError::Fault(fault) => format!("fault: {}", fault.detail),
    }
}

fn is_now(ticks: i64) -> bool {
    (clock() - ticks).abs() < datetime::TICKS_PER_DAY
}

/// The same of a text, in which identifiers and tags are made from the time of day.
fn steady_text(text: &str, id: &str) -> String {
    static MADE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"da(6\d{17})_-?\d+|"(6\d{17})""#).expect("a fixed pattern"));
    let made = |found: &regex::Captures<'_>| match found.get(1).or(found.get(2)).map(|ticks| ticks.as_str().parse()) {
        Some(Ok(ticks)) if is_now(ticks) => "<made>".to_owned(),
        _ => found[0].to_owned(),
    };
    MADE.replace_all(text, made).replace(id, "<id>")
}

/// What is no JSON as a whole: lines, times within them, and lengths that hang on these.
fn steady_lines(text: &str, id: &str) -> String {
    static TIMES: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT[0-9:.]+Z").expect("a fixed pattern"));
    static LENGTH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"content-length: \d+").expect("a fixed pattern"));
    let now = |found: &regex::Captures<'_>| match datetime::parse(&found[0]) {
        Some(ticks) if is_now(ticks) => "<now>".to_owned(),
        _ => found[0].to_owned(),
    };
    let text = text.replace("\r\n", "\n");
    steady_text(&LENGTH.replace_all(&TIMES.replace_all(&text, now), "content-length: <n>"), id)
}

/// The answer with what differs from run to run replaced by what it is: this request's id, and the time of day.
fn steady(json: Json, id: &str) -> Json {
    match json {
        Json::String(text) => {
            let now = datetime::parse(&text).is_some_and(is_now);
            Json::from(if now { "<now>".to_owned() } else { steady_text(&text, id) })
        }
        Json::Array(items) => items.into_iter().map(|item| steady(item, id)).collect(),
        Json::Object(fields) => {
            let steady = |(key, value): (String, Json)| {
                let value = if key == "ExecutionTime" { Json::from(0) } else { steady(value, id) };
                (key, value)
            };
            fields.into_iter().map(steady).collect()
        }
        // Incidents of today have the day in their number.
        Json::Number(number) if number.as_i64().is_some_and(|number| number >> 37 == today()) => Json::from("<made>"),
        other => other,
    }
}

fn today() -> i64 {
    (clock() - datetime::UNIX_EPOCH) / datetime::TICKS_PER_DAY
}

/// JSON in lines of a readable length: what fits on one line stands on one.
fn laid_out(json: &Json, depth: usize) -> String {
    let flat = flat(json);
    if depth * 2 + flat.chars().count() <= 110 {
        return flat;
    }
    let (indent, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match json {
        Json::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|item| format!("{indent}{}", laid_out(item, depth + 1))).collect();
            format!("[\n{}\n{outer}]", items.join(",\n"))
        }
        Json::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{indent}{}: {}", Json::from(key.as_str()), laid_out(value, depth + 1)))
                .collect();
            format!("{{\n{}\n{outer}}}", fields.join(",\n"))
        }
        _ => flat,
    }
}

fn flat(json: &Json) -> String {
    match json {
        Json::Array(items) => format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) if fields.is_empty() => "{}".into(),
        Json::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{}: {}", Json::from(key.as_str()), flat(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// Some columns of a row; it has nothing in the others.
pub type Row<'v> = Vec<(&'static str, Value<'v>)>;

/// Takes rows into a hunting table of a store.
pub async fn take(store: &Store, table: &str, rows: &[Row<'_>]) {
    let table = catalog::table(table).expect("a hunting table");
    let schema = table.stored_schema();
    let arrays = schema.columns.iter().map(|column| {
        let values: Vec<Value<'_>> = rows
            .iter()
            .map(|row| {
                let given = row.iter().find(|(name, _)| *name == column.name);
                given.map_or_else(|| Value::absent(column.ty), |(_, value)| value.clone())
            })
            .collect();
        columns::column(column.ty, values.iter().collect::<Vec<_>>())
    });
    let arrays = arrays.collect();
    let batch = RecordBatch::try_new(columns::arrow_schema(&schema), arrays).expect("a batch");
    let added = store.append_all(table.name, &schema, vec![batch], &Ingestion::default()).await;
    added.expect("rows are added");
}

/// Runs a test with a runtime of its own.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F) -> Result<(), libtest_mimic::Failed> {
    sighthound::cli::runtime().map_err(|error| error.to_string())?.block_on(test());
    Ok(())
}
