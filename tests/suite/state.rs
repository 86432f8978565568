//! Alerts that change while others look: writers that do not lose each other's words, and a client that asks again and
//! again for what is new.
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use sighthound::catalog;
use sighthound::columns;
use sighthound::engine::{Engine, clock};
use sighthound::http::{Doors, router};
use sighthound::store::{Ingestion, Store};
use sighthound::value::{Value, datetime};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tower::ServiceExt;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("state::writers lose nothing", || run(writers)),
        Trial::test("state::one of those who say If-Match is first", || run(first_of_many)),
        Trial::test("state::clients that poll get everything once", || run(polled)),
        Trial::test("state::a page of the newest reads the newest rows", || run(newest)),
    ]
}

fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F) -> Result<(), Failed> {
    sighthound::cli::runtime().map_err(|error| error.to_string())?.block_on(test());
    Ok(())
}

async fn doors(folder: &tempfile::TempDir) -> (Router, Store) {
    let engine = Engine::open(&folder.path().display().to_string()).await.expect("a store");
    let store = engine.store().clone();
    (router(Doors::open(engine)), store)
}

async fn sent(doors: &Router, request: Request<Body>) -> (StatusCode, Option<String>, Json) {
    let response = doors.clone().oneshot(request).await.expect("an answer");
    let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, tag, serde_json::from_slice(&body).unwrap_or(Json::Null))
}

async fn get(doors: &Router, path: &str) -> (StatusCode, Option<String>, Json) {
    sent(doors, Request::get(path.replace(' ', "%20")).body(Body::empty()).expect("a request")).await
}

async fn patched(doors: &Router, id: &str, tag: Option<&str>, body: Json) -> StatusCode {
    let mut request = Request::patch(format!("/api/alerts/{id}"));
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    sent(doors, request.body(Body::from(body.to_string())).expect("a request")).await.0
}

/// One row of DeviceAlertEvents for each id.
async fn ingested(store: &Store, ids: &[String]) {
    ingested_once(store, ids, &Ingestion::default()).await;
}

async fn ingested_once(store: &Store, ids: &[String], ingestion: &Ingestion) {
    let at = clock() - 10 * datetime::TICKS_PER_DAY;
    let rows: Vec<Row> = ids.iter().map(|id| Row { id: id.clone(), severity: "High", at }).collect();
    ingested_rows(store, &rows, ingestion).await;
}

struct Row {
    id: String,
    severity: &'static str,
    at: i64,
}

async fn ingested_rows(store: &Store, rows: &[Row], ingestion: &Ingestion) {
    let table = catalog::table("DeviceAlertEvents").expect("a hunting table");
    let schema = table.schema();
    let arrays = schema.columns.iter().map(|column| {
        let values: Vec<Value<'_>> = rows
            .iter()
            .map(|row| match column.name.as_str() {
                "AlertId" => Value::string(row.id.as_str()),
                "Severity" => Value::string(row.severity),
                "Title" => Value::string("a title"),
                "Timestamp" => Value::Datetime(row.at),
                _ => Value::absent(column.ty),
            })
            .collect();
        columns::column(column.ty, values.iter().collect::<Vec<_>>())
    });
    let arrays = arrays.collect();
    let batch = arrow::record_batch::RecordBatch::try_new(columns::arrow_schema(&schema), arrays).expect("a batch");
    let added = store.append_all(table.name, &table.stored_schema(), vec![batch], ingestion).await;
    added.expect("rows are added");
}

/// What is told of rows that were looked up: those of the page and a few more, those of alerts that may be older, and
/// those of the page whole.
fn rows_in_memory(rows: &[usize]) -> String {
    rows.iter().map(|rows| format!("DeviceAlertEvents: {rows} rows in memory\n")).collect()
}

/// Two stores over one folder, as two processes have them; each with many writers.
async fn writers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, store) = doors(&folder).await;
    let (two, _) = doors(&folder).await;
    ingested(&store, &["da1_1".to_owned(), "da1_2".to_owned()]).await;
    let tasks: Vec<_> = (0..8)
        .map(|writer| {
            let doors = if writer % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move {
                for word in 0..2 {
                    let body = json!({ "comment": format!("{writer}-{word}"), "assignedTo": format!("{writer}") });
                    assert_eq!(patched(&doors, "da1_1", None, body).await, StatusCode::OK);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a writer");
    }
    for doors in [&one, &two] {
        let (_, _, alert) = get(doors, "/api/alerts/da1_1").await;
        let comments = alert["comments"].as_array().expect("comments").clone();
        let texts: Vec<&str> = comments.iter().filter_map(|comment| comment["comment"].as_str()).collect();
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 16);
        // The last word is that of the last comment, and each writer's comments are in order.
        let last = texts.last().and_then(|text| text.split('-').next());
        assert_eq!(alert["assignedTo"].as_str(), last);
        for writer in 0..8 {
            let own: Vec<_> = texts.iter().filter(|text| text.starts_with(&format!("{writer}-"))).collect();
            assert!(own.is_sorted(), "{own:?}");
        }
        let (_, _, other) = get(doors, "/api/alerts/da1_2").await;
        assert_eq!((&other["comments"], &other["status"]), (&json!([]), &json!("New")));
    }
}

async fn first_of_many() {
    let folder = tempfile::tempdir().expect("a folder");
    let (doors, store) = doors(&folder).await;
    ingested(&store, &["da1_1".to_owned(), "da1_2".to_owned()]).await;
    let (_, tag, _) = get(&doors, "/api/alerts/da1_1?$select=id").await;
    let tag = tag.expect("a tag");
    let tasks: Vec<_> = (0..6)
        .map(|writer| {
            let (doors, tag) = (doors.clone(), tag.clone());
            tokio::spawn(async move {
                // Another alert's updates are in nobody's way.
                assert_eq!(patched(&doors, "da1_2", None, json!({ "comment": "x" })).await, StatusCode::OK);
                patched(&doors, "da1_1", Some(&tag), json!({ "assignedTo": format!("{writer}") })).await
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.expect("a writer"));
    }
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{statuses:?}");
    let late = statuses.iter().filter(|status| **status == StatusCode::PRECONDITION_FAILED).count();
    assert_eq!(late, 5, "{statuses:?}");
    let (_, now, _) = get(&doors, "/api/alerts/da1_1").await;
    assert_ne!(now.as_deref(), Some(tag.as_str()));
    assert_eq!(patched(&doors, "da1_1", now.as_deref(), json!({ "status": "Resolved" })).await, StatusCode::OK);
}

/// Commits of each of two writers. `SIGHTHOUND_COMMITS` asks for a longer run.
fn commits() -> usize {
    std::env::var("SIGHTHOUND_COMMITS").ok().and_then(|text| text.parse().ok()).unwrap_or(8)
}

/// More than a page, so that a client has to follow a link while others write.
const BEFORE: usize = 10_010;

/// Alerts come in by two stores, get words said of them and have their files united, while two clients poll: one by the
/// alerts API, page by page, one by the pull of a SIEM. Half way everything is closed and opened again.
async fn polled() {
    let folder = tempfile::tempdir().expect("a folder");
    let before: Vec<String> = (0..BEFORE).map(|at| format!("da0_{at}")).collect();
    let (_, store) = doors(&folder).await;
    ingested(&store, &before).await;
    let mut alerts = Poller { since: "2000-01-01T00:00:00Z".into(), seen: HashMap::new(), polls: 0 };
    let mut pulled = Puller { since: datetime::text(clock()), seen: HashMap::new() };
    for part in 0..2 {
        // Nothing that is kept in memory survives this.
        let (doors, one) = doors(&folder).await;
        let (_, two) = self::doors(&folder).await;
        let done = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = [one, two]
            .into_iter()
            .enumerate()
            .map(|(at, store)| tokio::spawn(write(doors.clone(), store, part * 2 + at)))
            .collect();
        let first = tokio::spawn({
            let (doors, done) = (doors.clone(), done.clone());
            async move {
                loop {
                    let last = done.load(Ordering::SeqCst);
                    alerts.poll(&doors).await;
                    if last {
                        return alerts;
                    }
                }
            }
        });
        let second = tokio::spawn({
            let (doors, done) = (doors.clone(), done.clone());
            async move {
                loop {
                    let last = done.load(Ordering::SeqCst);
                    pulled.poll(&doors).await;
                    if last {
                        return pulled;
                    }
                }
            }
        });
        for writer in writers {
            writer.await.expect("a writer");
        }
        done.store(true, Ordering::SeqCst);
        (alerts, pulled) = (first.await.expect("a client"), second.await.expect("a client"));
    }
    let (doors, _) = doors(&folder).await;
    let mut now = HashMap::new();
    let mut next = Some("/api/alerts?$select=id,lastUpdateTime".to_owned());
    while let Some(path) = next {
        let (_, _, page) = get(&doors, &path).await;
        now.extend(page["value"].as_array().expect("alerts").iter().filter_map(changed));
        next = link(&page);
    }
    assert_eq!(now.len(), BEFORE + 2 * 2 * commits() * 5);
    assert!(now == alerts.seen, "after {} polls", alerts.polls);
    // What is said of an alert is no new detection.
    assert_eq!(pulled.seen.len(), now.len() - BEFORE);
    eprintln!("{} polls", alerts.polls);
}

async fn write(doors: Router, store: Store, writer: usize) {
    for batch in 0..commits() {
        let ids: Vec<String> = (0..5).map(|at| format!("da{writer}{batch:04}_{at}")).collect();
        let once = Ingestion::new(format!("{writer} {batch}"), 1);
        if batch == 1 {
            // Somebody is cut off on the way, at any moment, and begins again.
            let (store, rows, once) = (store.clone(), ids.clone(), once.clone());
            let cut = tokio::spawn(async move { ingested_once(&store, &rows, &once).await });
            tokio::time::sleep(std::time::Duration::from_millis(40)).await;
            cut.abort();
        }
        ingested_once(&store, &ids, &once).await;
        if batch % 4 == 0 {
            let body = json!({ "status": "InProgress" });
            assert_eq!(patched(&doors, &ids[0], None, body).await, StatusCode::OK);
        }
        if batch % 4 == 3 {
            store.compact("DeviceAlertEvents", &|_, _| {}).await.expect("united files");
        }
    }
}

fn changed(alert: &Json) -> Option<(String, i64)> {
    Some((alert["id"].as_str()?.to_owned(), datetime::parse(alert["lastUpdateTime"].as_str()?)?))
}

fn link(page: &Json) -> Option<String> {
    page["@odata.nextLink"].as_str().map(|link| link.trim_start_matches("http://localhost").to_owned())
}

/// A client of the alerts API that asks for what has changed since the last change it has seen, comparing texts.
struct Poller {
    since: String,
    seen: HashMap<String, i64>,
    polls: usize,
}

impl Poller {
    async fn poll(&mut self, doors: &Router) {
        self.polls += 1;
        let mut next = Some(format!("/api/alerts?$filter=lastUpdateTime gt {}&$select=id,lastUpdateTime", self.since));
        while let Some(path) = next {
            let (status, _, page) = get(doors, &path).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            for alert in page["value"].as_array().expect("alerts") {
                let (id, ticks) = changed(alert).expect("an alert");
                let at = alert["lastUpdateTime"].as_str().unwrap_or_default();
                let before = self.seen.insert(id.clone(), ticks);
                assert!(before.is_none_or(|before| before < ticks), "{id} came twice with {at}");
                if at > self.since.as_str() {
                    self.since = at.to_owned();
                }
            }
            next = link(&page);
        }
    }
}

/// A SIEM that pulls from where its last pull ended up to now.
struct Puller {
    since: String,
    seen: HashMap<String, String>,
}

impl Puller {
    async fn poll(&mut self, doors: &Router) {
        let until = datetime::text(clock());
        let path = format!("/api/alerts/?sinceTimeUtc={}&untilTimeUtc={until}", self.since);
        let (status, _, found) = get(doors, &path).await;
        assert_eq!(status, StatusCode::OK, "{found}");
        for detection in found.as_array().expect("detections") {
            let id = detection["FullId"].as_str().expect("an id").to_owned();
            let at = detection["LastProcessedTimeUtc"].as_str().expect("a time").to_owned();
            assert!(self.seen.insert(id.clone(), at).is_none(), "{id} came twice");
        }
        self.since = until;
    }
}

/// Fourteen days of rows, some of them of alerts that began days before.
async fn newest() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(&folder.path().display().to_string()).await.expect("a store");
    let doors = router(Doors::open(engine.clone()));
    // By the files alone.
    let plain = Engine::open(&folder.path().display().to_string()).await.expect("a store");
    let severities = ["High", "Low", "Medium", "Low", "Informational"];
    let day = datetime::TICKS_PER_DAY;
    let start = clock() / day * day - 20 * day;
    let total: i64 = 14 * 1_500;
    let mut rows: Vec<Row> = (0..total)
        .map(|at| Row {
            id: format!("da{at}_1"),
            severity: severities[at as usize % 5],
            at: start + at * (14 * day / total),
        })
        .collect();
    let again: Vec<Row> = rows
        .iter()
        .enumerate()
        .filter(|(at, _)| at % 35 == 0 && *at > 6_000)
        .map(|(at, row)| Row { id: rows[at - 5_000].id.clone(), severity: rows[at - 5_000].severity, at: row.at + 1 })
        .collect();
    rows.extend(again);
    ingested_rows(engine.store(), &rows, &Ingestion::default()).await;
    // The first row of each says when it was raised.
    let mut raised: HashMap<&str, (i64, &str)> = HashMap::new();
    for row in &rows {
        let known = raised.entry(&row.id).or_insert((row.at, row.severity));
        known.0 = known.0.min(row.at);
    }
    let mut order: Vec<(i64, &str, &str)> = raised.iter().map(|(id, (at, severity))| (*at, *severity, *id)).collect();
    order.sort_unstable();
    let newest: Vec<&str> = order.iter().rev().filter(|one| one.1 == "High").map(|one| one.2).collect();
    let oldest: Vec<&str> = order.iter().filter(|one| one.1 == "High").map(|one| one.2).collect();
    let late = datetime::text(start + 10 * day);
    let before: Vec<&str> = order.iter().rev().filter(|one| one.0 < start + 10 * day).map(|one| one.2).collect();
    let desc = "$orderby=alertCreationTime desc&$select=id";
    let cases: [(String, &[&str]); 6] = [
        (format!("$filter=severity eq 'High'&{desc}&$top=40"), &newest[..40]),
        (format!("$filter=severity eq 'High'&{desc}&$top=40&$skip=30"), &newest[30..70]),
        ("$filter=severity eq 'High'&$orderby=alertCreationTime asc&$select=id&$top=40".to_owned(), &oldest[..40]),
        (format!("$filter=alertCreationTime lt {late}&{desc}&$top=40"), &before[..40]),
        (format!("$filter=severity eq 'High' and status eq 'New'&{desc}&$top=40"), &newest[..40]),
        (format!("$filter=severity eq 'High' and status eq 'Resolved'&{desc}&$top=40"), &[]),
    ];
    for (query, wanted) in &cases {
        let (status, _, page) = get(&doors, &format!("/api/alerts?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let ids: Vec<&str> =
            page["value"].as_array().expect("alerts").iter().filter_map(|one| one["id"].as_str()).collect();
        assert_eq!(&ids, wanted, "{query}");
    }
    let request = sighthound::engine::Request::new(sighthound::engine::Limits::ALERTS);
    let asked = format!("alerts?{}", cases[0].0.replace(' ', "%20"));
    let odata = sighthound::engine::Language::OData;
    let stages = engine.explain(odata, &asked, request.clone()).await.expect("an explanation");
    let first = stages.iter().find(|(stage, _)| *stage == "what is read first").map_or("", |(_, text)| text.as_str());
    assert_eq!(first, rows_in_memory(&[77, 19, 67]));
    let stages = plain.explain(odata, &asked, request).await.expect("an explanation");
    let told = |name: &str| stages.iter().find(|(stage, _)| *stage == name).map_or("", |(_, text)| text.as_str());
    for stage in ["what is read first", "what is read"] {
        let text = told(stage);
        let files = text.strip_prefix("DeviceAlertEvents: ").and_then(|rest| rest.split(' ').next());
        let files: Option<usize> = files.and_then(|files| files.parse().ok());
        assert!(files.is_some_and(|files| files <= 7) && text.contains(" of 14 files"), "{stage}: {text}");
    }
}
