//! Request lines that real clients send, and filters that other libraries test themselves with, replayed at the HTTP door.
//! They are read in place, from `../shared` or `SIGHTHOUND_SHARED`, and passed over where absent.
//!
//! A request that is not answered with 200 stands in `tests/known-failures` with what it is answered with: `requests.txt`,
//! `filters.txt`. `BLESS=1` writes these. Where `SIGHTHOUND_SHARED` names another folder, the shares are told and only
//! faults fail: 5xx, and errors that have not the shape of errors.
use crate::recorded::shared;
use crate::signin::here;
use crate::{bless, root};
use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("requests::lines of real clients", || replayed("request-lines", "requests", request_line)),
        Trial::test("requests::filters of other libraries", || replayed("filter-strings", "filters", filtered)),
    ]
}

fn cases(stem: &str) -> Vec<Json> {
    let folder = shared().0.join("odata");
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.starts_with(stem) && name.ends_with(".jsonl")
    });
    paths.sort();
    let texts: Vec<String> = paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    texts.iter().flat_map(|text| text.lines()).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A case as the request that it is.
struct Asked {
    name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn replayed(stem: &str, list: &str, asked: fn(&Json) -> Option<Asked>) -> Result<(), Failed> {
    let elsewhere = shared().1;
    let cases: Vec<Asked> = cases(stem).iter().filter_map(asked).collect();
    if cases.is_empty() {
        println!("requests::{list}: passed over, no cases");
        return Ok(());
    }
    let count = cases.len();
    let mut others: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    // Few rows will do: it is the requests that matter.
    let doors = here()?;
    for Asked { name, method, path, headers, body } in cases {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (status, _, error) = doors.send(&method, &path, &headers, &body);
        if status == 200 {
            continue;
        }
        let (code, message) = (error["error"]["code"].as_str(), error["error"]["message"].as_str());
        let (Some(code), Some(_), 400 | 404) = (code, message, status) else {
            faults.push(format!("{name}: {status} {error}"));
            continue;
        };
        others.insert(name, format!("{status} {code}"));
    }
    println!("requests::{list}: answered {}/{count}", count - others.len() - faults.len());
    if !faults.is_empty() {
        return Err(faults.join("\n").into());
    }
    if elsewhere { Ok(()) } else { against_list(list, &others) }
}

fn against_list(list: &str, others: &BTreeMap<String, String>) -> Result<(), Failed> {
    let path = root().join("tests/known-failures").join(format!("{list}.txt"));
    let lines: String = others.iter().map(|(name, told)| format!("{told}\t{name}\n")).collect();
    let header = "# What is not answered with 200, and with what it is; see tests/suite/requests.rs.\n";
    let wanted = header.to_owned() + &lines;
    let known = fs::read_to_string(&path).unwrap_or_default();
    if known == wanted {
        return Ok(());
    }
    if bless() {
        return Ok(fs::write(&path, wanted)?);
    }
    let only = |one: &str, other: &str, sign: char| {
        let lines = one.lines().filter(|line| !other.lines().any(|it| it == *line));
        lines.map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    Err(format!("{} differs:\n{}{}", path.display(), only(&known, &wanted, '-'), only(&wanted, &known, '+')).into())
}

/// Blanks and the like as an HTTP library sends them.
fn sent(url: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "%20".to_owned(),
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => format!("%{byte:02X}"),
        0x21..=0x7e => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    url.bytes().map(byte).collect()
}

/// The client's own request, but for the base address.
fn request_line(case: &Json) -> Option<Asked> {
    let (method, url) = (case["method"].as_str()?, case["url"].as_str()?);
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => url,
    };
    let given = case["headers"].as_object().into_iter().flatten();
    let headers = given.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned())).collect();
    let body = if case["body"].is_null() { String::new() } else { case["body"].to_string() };
    Some(Asked { name: format!("{method} {path}"), method: method.to_owned(), path: sent(path), headers, body })
}

/// Properties that the filters name, as others that a row has.
const PROPERTIES: &[(&str, &str)] = &[
    ("meter_id", "DeviceId"),
    ("title", "DeviceName"),
    ("content", "OSPlatform"),
    ("id", "5"),
    ("_id", "6"),
    ("eac", "1.5"),
    ("published_at", "Timestamp"),
    ("period_start", "Timestamp"),
    ("period_end", "Timestamp"),
];

/// A filter over rows of a table; what is not a condition is a property to compute.
fn filtered(case: &Json) -> Option<Asked> {
    let input = case["input"].as_str()?;
    let computed: Vec<String> = PROPERTIES.iter().map(|(name, of)| format!("{of} as {name}")).collect();
    let option = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let conditions = [" eq ", " ne ", " gt ", " ge ", " lt ", " le ", " in ", "not ", "/any(", "/all("];
    let functions = ["contains(", "startswith(", "endswith("];
    let condition = conditions.iter().any(|word| input.contains(word))
        || functions.iter().any(|word| input.starts_with(word))
        || ["true", "false"].contains(&input);
    let options = match condition {
        true => format!("$compute={}&$filter={}", option(&computed.join(",")), option(input)),
        false => format!("$compute={}", option(&format!("{},{input} as it", computed.join(",")))),
    };
    let path = format!("/odata/DeviceInfo?$top=1&{options}");
    Some(Asked { name: input.to_owned(), method: "GET".into(), path, headers: vec![], body: String::new() })
}
