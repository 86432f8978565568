//! Pages that are walked link by link while rows arrive: nothing is missed and nothing is told twice.
use crate::front::{Row, run, take};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use libtest_mimic::Trial;
use serde_json::Value as Json;
use sighthound::engine::Engine;
use sighthound::http::{Doors, router};
use sighthound::store::Store;
use sighthound::value::{Value, datetime};
use tower::ServiceExt;

/// 2025-06-20
const START: i64 = 638_859_744_000_000_000;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("pages::of rows that are the same in everything", || run(same_rows)),
        Trial::test("pages::of the newest rows, some of them of one time", || run(newest)),
        Trial::test("pages::of alerts while others arrive", || run(alerts)),
        Trial::test("pages::a link is of one question", || run(one_question)),
        Trial::test("pages::as much is told as is asked for", || run(levels)),
    ]
}

struct Place {
    doors: Router,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let engine = Engine::open(&folder.path().display().to_string()).await.expect("a store");
        let store = engine.store().clone();
        Place { doors: router(Doors::open(engine)), store, _folder: folder }
    }

    async fn take(&self, table: &str, rows: &[Row<'_>]) {
        take(&self.store, table, rows).await;
    }

    async fn links(&self, count: std::ops::Range<i64>) {
        let urls: Vec<String> = (0..8).map(|at| format!("https://u{at}.test/")).collect();
        let rows: Vec<Vec<(&str, Value<'_>)>> = count
            .map(|at| {
                let url = urls[usize::try_from(at % 8).unwrap_or_default()].as_str();
                vec![
                    ("Timestamp", Value::Datetime(START + at / 10 * datetime::TICKS_PER_SECOND)),
                    ("ReportId", Value::string("r")),
                    ("Url", Value::string(url)),
                ]
            })
            .collect();
        self.take("EmailUrlInfo", &rows).await;
    }

    async fn alerts(&self, count: std::ops::Range<i64>) {
        let ids: Vec<String> = count.clone().map(|at| format!("da{at}")).collect();
        let rows: Vec<Vec<(&str, Value<'_>)>> = count
            .zip(&ids)
            .map(|(at, id)| {
                vec![
                    ("Timestamp", Value::Datetime(START + at / 3 * datetime::TICKS_PER_SECOND)),
                    ("AlertId", Value::string(id.as_str())),
                    ("Severity", Value::string("High")),
                    ("Title", Value::string("a title")),
                ]
            })
            .collect();
        self.take("DeviceAlertEvents", &rows).await;
    }

    async fn sent(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::get(path.replace(' ', "%20"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.doors.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")
    }

    async fn page(&self, path: &str, size: usize) -> Json {
        let response = self.sent(path, &[("prefer", &format!("odata.maxpagesize={size}"))]).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        let json = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(status, StatusCode::OK, "{path}: {json}");
        json
    }

    async fn whole(&self, path: &str) -> Vec<String> {
        values(&self.page(path, 10_000).await)
    }

    /// All pages, with something that happens behind each.
    async fn walked<F: Future<Output = ()>>(&self, path: &str, size: usize, between: impl Fn(i64) -> F) -> Vec<String> {
        let mut found = Vec::new();
        let mut next = Some(path.to_owned());
        let mut count = 0;
        while let Some(path) = next {
            let page = self.page(&path, size).await;
            let items = values(&page);
            next = page["@odata.nextLink"].as_str().map(|link| {
                assert_eq!(items.len(), size, "{path}");
                link.split_once("//")
                    .and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()))
                    .expect("a path")
            });
            found.extend(items);
            count += 1;
            between(count).await;
        }
        found
    }
}

fn values(page: &Json) -> Vec<String> {
    page["value"].as_array().into_iter().flatten().map(Json::to_string).collect()
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

/// The newest are sought backwards, by their times alone where these tell them apart.
async fn newest() {
    let place = Place::new().await;
    let ids: Vec<String> = (0..3000).map(|at| format!("da{}", at * 7919 % 3000)).collect();
    let rows = ids.iter().zip(0..).map(|(id, at): (_, i64)| {
        // Of each five the first two are of one time.
        let second = if at % 5 == 1 { at - 1 } else { at };
        vec![
            ("Timestamp", Value::Datetime(START + second * datetime::TICKS_PER_SECOND)),
            ("AlertId", Value::string(id.as_str())),
            ("Title", Value::string("a title")),
        ]
    });
    place.take("DeviceAlertEvents", &rows.collect::<Vec<_>>()).await;
    let oldest = ["$orderby=Timestamp", "$orderby=Title,AlertId", "$orderby=Title&$select=AlertId"];
    let newest = ["$orderby=Timestamp desc", "$orderby=Timestamp desc&$select=AlertId,Title", "$select=AlertId"];
    for options in newest.into_iter().chain(oldest) {
        let set = format!("/odata/DeviceAlertEvents?{options}");
        let all = place.whole(&set).await;
        assert_eq!(all.len(), 3000);
        for (skip, top) in [(0, 1), (0, 4), (1, 1), (1, 3), (2, 1), (3, 2), (4, 1), (5, 12), (17, 3), (2998, 5)] {
            let page = place.whole(&format!("{set}&$skip={skip}&$top={top}")).await;
            assert_eq!(page, all[skip..(skip + top).min(3000)], "{options} {skip} {top}");
        }
        assert_eq!(place.walked(&set, 999, |_| async {}).await, all, "{options}");
    }
}

async fn same_rows() {
    let place = Place::new().await;
    place.links(0..40).await;
    let set = "/odata/EmailUrlInfo?$select=Timestamp,Url";
    let before = place.whole(set).await;
    assert_eq!(before.len(), 40);
    for size in [3, 40] {
        assert_eq!(place.walked(set, size, |_| async {}).await, before, "pages of {size}");
    }
    for order in ["UrlLocation", "Url desc,Timestamp"] {
        let path = format!("{set}&$orderby={order}");
        assert_eq!(place.walked(&path, 7, |_| async {}).await, place.whole(&path).await, "{order}");
    }
    let part = format!("{set}&$orderby=Timestamp&$top=11&$skip=4");
    let all = place.whole(&format!("{set}&$orderby=Timestamp")).await;
    assert_eq!(place.walked(&part, 3, |_| async {}).await, all[4..15]);
    // Newer rows come before all of these.
    let later = |count: i64| place.links(count * 100..count * 100 + 9);
    assert_eq!(place.walked(set, 7, later).await, before);
}

async fn alerts() {
    let place = Place::new().await;
    place.alerts(0..20).await;
    let set = "/api/alerts?$select=id,alertCreationTime&$count=true";
    let before = place.whole(set).await;
    assert_eq!(before.len(), 20);
    assert_eq!(place.walked(set, 3, |count| place.alerts(count * 100..count * 100 + 4)).await, before);
    let oldest = "/api/alerts?$select=id&$orderby=alertCreationTime&$filter=severity eq 'High'";
    let before = place.whole(oldest).await;
    let after = place.walked(oldest, 5, |count| place.alerts(count * 1000..count * 1000 + 2)).await;
    assert_eq!(after[..before.len()], before);
    let once = sorted(after.clone());
    assert!(once.windows(2).all(|two| two[0] != two[1]));
}

async fn one_question() {
    let place = Place::new().await;
    place.links(0..10).await;
    let page = place.page("/odata/EmailUrlInfo?$orderby=Url", 4).await;
    let link = page["@odata.nextLink"].as_str().expect("a link");
    let token = link.split("$skiptoken=").nth(1).expect("a token");
    for other in
        ["$orderby=ReportId", "$orderby=Url&$filter=Url ne 'x'", "$orderby=Url desc", "$search=test&$orderby=Url"]
    {
        let response = place.sent(&format!("/odata/EmailUrlInfo?{other}&$skiptoken={token}"), &[]).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{other}");
    }
    let spelt = format!("/odata/EmailUrlInfo?%24skiptoken={token}&orderby=Url&$select=Url&$count=true");
    assert_eq!(place.page(&spelt, 4).await["value"].as_array().map(Vec::len), Some(4));
}

async fn levels() {
    let place = Place::new().await;
    place.alerts(0..3).await;
    let path = "/api/alerts?$select=id,incidentId,alertCreationTime&$orderby=id";
    let told = |accept: &'static str| {
        let place = &place;
        async move {
            let response = place.sent(path, &[("accept", accept), ("prefer", "odata.maxpagesize=2")]).await;
            let header =
                |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let (kind, applied) = (header("content-type"), header("preference-applied"));
            assert_eq!(applied.as_deref(), Some("odata.maxpagesize=2"));
            let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
            (kind.unwrap_or_default(), serde_json::from_slice::<Json>(&body).expect("JSON"))
        }
    };
    let (kind, none) = told("application/json;odata.metadata=none").await;
    assert_eq!(kind, "application/json;odata.metadata=none;charset=utf-8");
    assert!(none["@odata.context"].is_null() && none["@odata.nextLink"].is_string(), "{none}");
    let (kind, minimal) = told("*/*").await;
    assert_eq!(kind, "application/json; charset=utf-8");
    assert!(minimal["@odata.context"].is_string() && minimal["value"][0]["@odata.type"].is_null(), "{minimal}");
    let (_, full) = told("application/json; odata.metadata=full").await;
    let first = &full["value"][0];
    assert_eq!(first["@odata.type"], "#sighthound.Alert");
    assert_eq!(first["@odata.id"], "Alerts('da0')");
    assert_eq!(first["alertCreationTime@odata.type"], "#DateTimeOffset");
    assert!(first["id@odata.type"].is_null());
    let response = place.sent("/api/alerts?$format=atom", &[]).await;
    assert!(response.status().is_client_error() || response.status() == StatusCode::NOT_IMPLEMENTED);
}
