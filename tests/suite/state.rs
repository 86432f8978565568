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
        Trial::test("state::a client that polls gets everything once", || run(polled)),
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
    let table = catalog::table("DeviceAlertEvents").expect("a hunting table");
    let schema = table.schema();
    let arrays = schema.columns.iter().map(|column| {
        let values: Vec<Value<'_>> = ids
            .iter()
            .map(|id| match column.name.as_str() {
                "AlertId" => Value::string(id.as_str()),
                "Severity" => Value::string("High"),
                "Title" => Value::string("a title"),
                "Timestamp" => Value::Datetime(clock() - 10 * datetime::TICKS_PER_DAY),
                _ => Value::absent(column.ty),
            })
            .collect();
        columns::column(column.ty, values.iter().collect::<Vec<_>>())
    });
    let arrays = arrays.collect();
    let batch = arrow::record_batch::RecordBatch::try_new(columns::arrow_schema(&schema), arrays).expect("a batch");
    let added = store.append_all(table.name, &table.stored_schema(), vec![batch], &Ingestion::default()).await;
    added.expect("rows are added");
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

/// Alerts come in by two stores, get words said of them and have their files united, while a client polls.
async fn polled() {
    let folder = tempfile::tempdir().expect("a folder");
    let (doors, one) = doors(&folder).await;
    let (_, two) = self::doors(&folder).await;
    ingested(&one, &["da0_0".to_owned()]).await;
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = [one.clone(), two]
        .into_iter()
        .enumerate()
        .map(|(writer, store)| {
            let doors = doors.clone();
            tokio::spawn(async move {
                for batch in 0..commits() {
                    let ids: Vec<String> = (0..5).map(|at| format!("da{writer}{batch:04}_{at}")).collect();
                    ingested(&store, &ids).await;
                    if batch % 4 == 0 {
                        let body = json!({ "status": "InProgress" });
                        assert_eq!(patched(&doors, &ids[0], None, body).await, StatusCode::OK);
                    }
                    if batch % 8 == 5 {
                        store.compact("DeviceAlertEvents").await.expect("united files");
                    }
                }
            })
        })
        .collect();
    let poller = tokio::spawn({
        let (doors, done) = (doors.clone(), done.clone());
        async move {
            let (mut seen, mut all, mut polls) = ("2000-01-01T00:00:00Z".to_owned(), HashMap::new(), 0);
            loop {
                let last = done.load(Ordering::SeqCst);
                let path = format!("/api/alerts?$filter=lastUpdateTime gt {seen}&$select=id,lastUpdateTime");
                let (status, _, page) = get(&doors, &path).await;
                assert_eq!(status, StatusCode::OK, "{page}");
                polls += 1;
                for alert in page["value"].as_array().expect("alerts") {
                    let text = |key: &str| alert[key].as_str().expect("a text").to_owned();
                    let (id, at) = (text("id"), text("lastUpdateTime"));
                    let ticks = datetime::parse(&at).expect("a time");
                    let before = all.insert(id.clone(), ticks);
                    assert!(before.is_none_or(|before| before < ticks), "{id} came twice with {at}");
                    if ticks > datetime::parse(&seen).expect("a time") {
                        seen = at;
                    }
                }
                if last {
                    return (all, polls);
                }
            }
        }
    });
    for writer in writers {
        writer.await.expect("a writer");
    }
    done.store(true, Ordering::SeqCst);
    let (all, polls) = poller.await.expect("a poller");
    let (_, _, page) = get(&doors, "/api/alerts?$select=id,lastUpdateTime").await;
    let now: HashMap<String, i64> = page["value"]
        .as_array()
        .expect("alerts")
        .iter()
        .filter_map(|alert| {
            Some((alert["id"].as_str()?.to_owned(), datetime::parse(alert["lastUpdateTime"].as_str()?)?))
        })
        .collect();
    assert_eq!(now.len(), 1 + 2 * commits() * 5);
    assert_eq!(now, all, "after {polls} polls");
    eprintln!("{polls} polls");
}
