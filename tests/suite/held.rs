//! Alerts are told the same whether their rows, or the newest of them, are in memory or not: the same random requests at two doors over one store.
use crate::front::{Row, run, take};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use libtest_mimic::Trial;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value as Json, json};
use sighthound::engine::Engine;
use sighthound::http::{DoorLimits, Doors, router};
use sighthound::store::Store;
use sighthound::value::{Value, datetime};
use tower::ServiceExt;

/// 2025-06-10
const START: i64 = 638_851_104_000_000_000;
/// Bytes that some of the rows take, and not all.
const SOME: usize = 40_000;
const SEVERITIES: [&str; 4] = ["High", "Medium", "Low", "Informational"];
const CATEGORIES: [&str; 3] = ["Malware", "Collection", "Discovery"];
const TITLES: [&str; 4] = ["Ransomware was found", "A suspicious file", "'LockBit' was prevented", "Unusual sign-in"];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("held::one form of alerts", || run(|| same(false, DoorLimits::HELD))),
        Trial::test("held::several forms of alerts", || run(|| same(true, DoorLimits::HELD))),
        Trial::test("held::the newest of one form alone", || run(|| same(false, SOME))),
    ]
}

async fn doors(folder: &tempfile::TempDir, held: usize) -> (Router, Store) {
    let engine = Engine::open(&folder.path().display().to_string()).await.expect("a store");
    let store = engine.store().clone();
    let doors = Doors::open(engine);
    let doors = Doors { limits: DoorLimits { held, ..doors.limits }, ..doors };
    (router(doors), store)
}

fn pick<'p>(random: &mut StdRng, among: &[&'p str]) -> &'p str {
    among[random.random_range(0..among.len())]
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::string(text.into())
}

/// An alert by its number: what is the same in all of its rows.
fn alert(at: u64) -> (String, [&'static str; 3], u64) {
    let mut random = StdRng::seed_from_u64(at);
    let kinds = [pick(&mut random, &SEVERITIES), pick(&mut random, &CATEGORIES), pick(&mut random, &TITLES)];
    (format!("da{at}_1"), kinds, random.random_range(0..12))
}

fn time(random: &mut StdRng) -> Value<'static> {
    Value::Datetime(START + random.random_range(0..8 * 24 * 3600) * datetime::TICKS_PER_SECOND)
}

async fn fill(store: &Store, random: &mut StdRng, several: bool) {
    for part in 0..4 {
        let events = (0..150).map(|_| {
            let (id, [severity, category, title], device) = alert(random.random_range(0..400));
            vec![
                ("Timestamp", time(random)),
                ("AlertId", text(id)),
                ("DeviceId", text(format!("device{device}"))),
                ("DeviceName", text(format!("Name{}.test", device % 7))),
                ("Severity", text(severity)),
                ("Category", text(category)),
                ("Title", text(title)),
                ("FileName", text(pick(random, &["", "a.exe", "b.exe"]))),
                ("RemoteIP", text(pick(random, &["", "10.0.0.1", "10.0.0.2"]))),
                ("AttackTechniques", text("[\"x (T1059.001)\"]")),
            ]
        });
        let events: Vec<Row> = events.collect();
        take(store, "DeviceAlertEvents", &events).await;
        if several && part % 2 == 0 {
            let ids: Vec<u64> = (0..60).map(|_| random.random_range(300..600)).collect();
            let infos = ids.iter().map(|at| {
                let (id, [severity, category, title], _) = alert(*at);
                let source = ("DetectionSource", text(["EDR", "Antivirus"][*at as usize % 2]));
                let texts = [("Severity", severity), ("Category", category), ("Title", title)];
                let mut row = vec![("Timestamp", time(random)), ("AlertId", text(id)), source];
                row.extend(texts.map(|(name, value)| (name, text(value))));
                row
            });
            let infos: Vec<Row> = infos.collect();
            take(store, "AlertInfo", &infos).await;
            let evidence = ids.iter().map(|at| {
                let (id, _, device) = alert(*at);
                let kind = pick(random, &["Machine", "File", "Ip"]);
                vec![
                    ("Timestamp", time(random)),
                    ("AlertId", text(id)),
                    ("EntityType", text(kind)),
                    ("DeviceId", text(format!("device{device}"))),
                    ("DeviceName", text(format!("Name{}.test", device % 7))),
                    ("FileName", text(if kind == "File" { "c.exe" } else { "" })),
                ]
            });
            let evidence: Vec<Row> = evidence.collect();
            take(store, "AlertEvidence", &evidence).await;
        }
    }
}

fn condition(random: &mut StdRng) -> String {
    let name = ["alertCreationTime", "lastEventTime"][random.random_range(0..2)];
    let Value::Datetime(at) = time(random) else { return String::new() };
    let at = format!("{}Z", &datetime::text(at)[..19]);
    let device = random.random_range(0..13);
    match random.random_range(0..15) {
        0 => format!("severity eq '{}'", pick(random, &SEVERITIES)),
        1 => format!("severity in ('{}','Low')", pick(random, &SEVERITIES)),
        2 => format!("category ne '{}'", pick(random, &CATEGORIES)),
        3 => "contains(title,'LockBit')".to_owned(),
        4 => format!("{name} gt {at}"),
        5 => format!("{name} le {at}"),
        6 => format!("machineId eq 'device{device}'"),
        7 => format!("computerDnsName eq 'Name{device}.test'"),
        8 => format!("id eq 'da{}_1'", random.random_range(0..620)),
        9 => format!("status eq '{}'", pick(random, &["New", "Resolved"])),
        10 => "assignedTo eq 'somebody'".to_owned(),
        11 => "startswith(id,'da1') and not (severity eq 'High')".to_owned(),
        12 => "evidence/any(one: one/fileName eq 'a.exe')".to_owned(),
        13 => "lastUpdateTime gt 2025-01-01T00:00:00Z".to_owned(),
        _ => format!("(severity eq 'High' or {name} lt {at})"),
    }
}

fn request(random: &mut StdRng) -> String {
    let mut options = Vec::new();
    let conditions = (0..random.random_range(0..3)).map(|_| condition(random)).collect::<Vec<_>>();
    if !conditions.is_empty() {
        options.push(format!("$filter={}", conditions.join(" and ")));
    }
    match random.random_range(0..6) {
        0 => options.push("$orderby=alertCreationTime".to_owned()),
        1 => options.push("$orderby=severity,id desc".to_owned()),
        2 => options.push("$orderby=lastEventTime desc".to_owned()),
        _ => {}
    }
    for (chance, option) in [(4, "$count=true"), (5, "$skip=7"), (4, "$expand=evidence"), (6, "$select=id,title")] {
        if random.random_range(0..chance) == 0 {
            options.push(option.to_owned());
        }
    }
    if random.random_range(0..3) == 0 {
        options.push(format!("$top={}", random.random_range(1..40)));
    }
    format!("/api/alerts?{}", options.join("&"))
}

fn other(random: &mut StdRng) -> String {
    let (id, device) = (random.random_range(0..620), random.random_range(0..13));
    match random.random_range(0..12) {
        0 => format!("/api/alerts/da{id}_1?$expand=evidence"),
        1 => format!("/api/alerts/da{id}_1/machine"),
        2 => format!("/api/alerts/da{id}_1/files"),
        3 => format!("/api/alerts/da{id}_1/ips"),
        4 => format!("/api/machines/DEVICE{device}/alerts?$count=true"),
        5 => format!("/api/machines/name{device}.test/alerts?$top=3"),
        6 => format!("/api/machines/Device{device}"),
        7 => format!("/v1.0/security/alerts_v2/da{id}_1"),
        8 => "/v1.0/security/alerts_v2?$top=5&$filter=severity eq 'high'".to_owned(),
        9 if id % 2 == 0 => "/api/incidents?$filter=status eq 'Active'".to_owned(),
        9 => "/api/incidents?$top=4".to_owned(),
        10 => "/v1.0/security/incidents?$top=3&$expand=alerts($select=id)".to_owned(),
        _ => "/api/alerts?$filter=lastUpdateTime gt 2025-01-01T00:00:00Z".to_owned(),
    }
}

async fn asked(doors: &Router, path: &str) -> (StatusCode, Json) {
    let request = Request::get(path.replace(' ', "%20")).header("prefer", "odata.maxpagesize=25");
    let response = doors.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or(Json::Null))
}

/// Lists whose order says nothing, in some order.
fn settled(mut answer: Json) -> Json {
    // Each answer's own number.
    if let Some(error) = answer.get_mut("error").and_then(Json::as_object_mut) {
        error.remove("target");
    }
    settle(&mut answer);
    answer
}

fn settle(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(settle),
        Json::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                settle(value);
                if let ("evidence" | "entities", Some(items)) = (name.as_str(), value.as_array_mut()) {
                    items.sort_by_key(Json::to_string);
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

async fn same(several: bool, bytes: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (held, store) = doors(&folder, bytes).await;
    let (plain, _) = doors(&folder, 0).await;
    let mut random = StdRng::seed_from_u64(7 + u64::from(several));
    for _ in 0..2 {
        fill(&store, &mut random, several).await;
        for at in 0..12 {
            let body = json!({ "status": "Resolved", "assignedTo": "somebody", "comment": "seen" }).to_string();
            let path = format!("/api/alerts/da{}_1", at * 31);
            let request = Request::patch(path).body(Body::from(body)).expect("a request");
            held.clone().oneshot(request).await.expect("an answer");
        }
        for count in 0..12 {
            let path = if count % 3 == 0 { other(&mut random) } else { request(&mut random) };
            let mut next = Some(path);
            for _ in 0..2 {
                let Some(path) = next else { break };
                let (one, two) = (asked(&held, &path).await, asked(&plain, &path).await);
                next = one.1["@odata.nextLink"]
                    .as_str()
                    .and_then(|link| link.split_once("//")?.1.find('/').map(|at| (link, at)))
                    .map(|(link, at)| link[link.find("//").unwrap_or(0) + 2 + at..].to_owned());
                assert_eq!((one.0, settled(one.1)), (two.0, settled(two.1)), "{path}");
            }
        }
    }
}
