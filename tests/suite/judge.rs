//! When two answers are the same: names and types of columns exactly, rows as a multiset (or in order where the case
//! says so), reals nearly, times by what they mean.
use regex::Regex;
use serde_json::Value as Json;
use std::sync::LazyLock;

/// What an answer was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub kind: &'static str,
    pub why: String,
}

impl Verdict {
    pub fn new(kind: &'static str, why: impl Into<String>) -> Verdict {
        Verdict { kind, why: why.into() }
    }

    pub fn pass() -> Verdict {
        Verdict::new("pass", "")
    }

    pub fn passed(&self) -> bool {
        self.kind == "pass"
    }
}

/// One table of an answer: names, types, rows.
pub struct Answer {
    pub columns: Vec<String>,
    pub types: Vec<String>,
    pub rows: Vec<Vec<Json>>,
}

/// The first primary table of an answer in the second form of the Kusto protocol.
pub fn primary(frames: &Json) -> Result<Answer, String> {
    let frames = frames.as_array().ok_or("no array of frames")?;
    let kind = |frame: &Json, key: &str, value: &str| frame[key].as_str() == Some(value);
    if let Some(end) = frames.iter().find(|frame| kind(frame, "FrameType", "DataSetCompletion"))
        && end["HasErrors"].as_bool() == Some(true)
    {
        return Err(format!("partial failure: {}", cut(&end["OneApiErrors"].to_string(), 200)));
    }
    let table = frames
        .iter()
        .find(|frame| kind(frame, "FrameType", "DataTable") && kind(frame, "TableKind", "PrimaryResult"))
        .ok_or("no PrimaryResult table")?;
    let texts = |key: &str| -> Vec<String> {
        let columns = table["Columns"].as_array().into_iter().flatten();
        columns.map(|column| column[key].as_str().unwrap_or("").to_owned()).collect()
    };
    let rows = table["Rows"].as_array().into_iter().flatten().filter_map(|row| row.as_array().cloned()).collect();
    let types = texts("ColumnType").iter().map(|ty| ty.to_lowercase()).collect();
    Ok(Answer { columns: texts("ColumnName"), types, rows })
}

/// The text of an error body.
pub fn message(body: &Json) -> String {
    let error = &body["error"];
    let text = error["@message"].as_str().or_else(|| error["message"].as_str());
    // The id of a fault is another one every time.
    let text = text.map(|text| text.split(" Its details are logged").next().unwrap_or(text));
    cut(text.unwrap_or(&body.to_string()), 220)
}

/// A recorded answer against ours.
pub fn against(case: &Json, status: u16, body: &Json) -> Verdict {
    if status != 200 {
        let kind = if status == 400 { "refused" } else { "fault" };
        return Verdict::new(kind, format!("{status}: {}", message(body)));
    }
    let answer = match primary(body) {
        Ok(answer) => answer,
        Err(why) => return Verdict::new("bad answer", why),
    };
    let want: Vec<&str> = texts(&case["columns"]);
    if answer.columns != want {
        return Verdict::new("columns", format!("want {want:?} got {:?}", answer.columns));
    }
    let types = texts(&case["types"]);
    for ((column, want), got) in want.iter().zip(&types).zip(&answer.types) {
        if !want.split('|').any(|want| want == got) {
            return Verdict::new("types", format!("{column}: want {want} got {got}"));
        }
    }
    let rows: Vec<&Vec<Json>> = case["rows"].as_array().into_iter().flatten().filter_map(Json::as_array).collect();
    if answer.rows.len() != rows.len() {
        return Verdict::new("row count", format!("want {} got {}", rows.len(), answer.rows.len()));
    }
    if case["soft"].as_array().is_some_and(|soft| !soft.is_empty()) {
        return Verdict::pass();
    }
    // A printed table has lost the blanks around its texts.
    let printed = case["printed"].as_bool() == Some(true);
    let near = if case["approx"].as_bool() == Some(true) { 1e-2 } else { 1e-9 };
    let same = |want: &[Json], got: &[Json]| {
        want.len() == got.len()
            && want.iter().zip(got).zip(&types).all(|((want, got), ty)| {
                same_cell(want, got, ty, near) || printed && *ty == "string" && plain(want).trim() == plain(got).trim()
            })
    };
    let shown = |row: &[Json]| cut(&Json::from(row.to_vec()).to_string(), 140);
    if case["ordered"].as_bool() == Some(true) {
        for (at, (want, got)) in rows.iter().zip(&answer.rows).enumerate() {
            if !same(want, got) {
                return Verdict::new("values", format!("row {at}: want {} got {}", shown(want), shown(got)));
            }
        }
        return Verdict::pass();
    }
    let mut left: Vec<&Vec<Json>> = answer.rows.iter().collect();
    for want in rows {
        match left.iter().position(|got| same(want, got)) {
            Some(at) => {
                left.remove(at);
            }
            None => {
                let got = left.first().map_or(String::new(), |row| shown(row));
                return Verdict::new("values", format!("want {} among {got}…", shown(want)));
            }
        }
    }
    Verdict::pass()
}

fn texts(list: &Json) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

pub fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn same_cell(want: &Json, got: &Json, ty: &str, near: f64) -> bool {
    if ty == "string" {
        return plain(want) == plain(got);
    }
    if want.is_null() || got.is_null() {
        return want.is_null() && got.is_null();
    }
    match ty {
        "bool" => (got.is_boolean() || got.is_i64()) && truth(want) == truth(got),
        "real" | "decimal" | "real|decimal" => {
            number(want).zip(number(got)).is_some_and(|(want, got)| same_number(want, got, near))
        }
        "int" | "long" | "long|int" => number(want).is_some() && number(want) == number(got),
        "datetime" => {
            want.as_str().and_then(stamp).is_some() && want.as_str().and_then(stamp) == got.as_str().and_then(stamp)
        }
        "timespan" => {
            want.as_str().and_then(ticks).is_some() && want.as_str().and_then(ticks) == got.as_str().and_then(ticks)
        }
        "dynamic" => {
            let (read_want, read_got) = (read(want), read(got));
            same_json(want, got, near) || same_json(want, &read_got, near) || same_json(&read_want, &read_got, near)
        }
        _ => plain(want).to_lowercase() == plain(got).to_lowercase(),
    }
}

fn plain(cell: &Json) -> String {
    match cell {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn truth(cell: &Json) -> bool {
    match cell {
        Json::Bool(x) => *x,
        Json::Number(x) => x.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn number(cell: &Json) -> Option<f64> {
    match cell {
        Json::Number(x) => x.as_f64(),
        Json::Bool(x) => Some(f64::from(u8::from(*x))),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn same_number(a: f64, b: f64, near: f64) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    a == b || (a - b).abs() <= near * a.abs().max(b.abs())
}

fn same_json(a: &Json, b: &Json, near: f64) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| same_number(a, b, near)),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b, near)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_json(a, b, near)))
        }
        (Json::String(a), Json::String(b)) => {
            a == b || (stamp(a).is_some() && stamp(a) == stamp(b)) || (ticks(a).is_some() && ticks(a) == ticks(b))
        }
        _ => a == b,
    }
}

fn read(cell: &Json) -> Json {
    match cell {
        Json::String(text) => serde_json::from_str(text).unwrap_or_else(|_| cell.clone()),
        other => other.clone(),
    }
}

static TICKS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$").expect("a fixed pattern")
});
static STAMP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?Z?)?$").expect("a fixed pattern")
});

/// Year to second and the ticks of the second.
fn stamp(text: &str) -> Option<[u32; 7]> {
    let found = STAMP.captures(text.trim())?;
    let part = |at: usize| found.get(at).map_or(Some(0), |part| part.as_str().parse().ok());
    let fraction = found.get(7).map_or("", |part| part.as_str());
    Some([part(1)?, part(2)?, part(3)?, part(4)?, part(5)?, part(6)?, seven(fraction)?])
}

fn ticks(text: &str) -> Option<i64> {
    let found = TICKS.captures(text.trim())?;
    let part = |at: usize| found.get(at).map_or(Some(0), |part| part.as_str().parse::<i64>().ok());
    let seconds = ((part(2)? * 24 + part(3)?) * 60 + part(4)?) * 60 + part(5)?;
    let ticks = seconds * 10_000_000 + i64::from(seven(found.get(6).map_or("", |part| part.as_str()))?);
    Some(if found.get(1).is_some() { -ticks } else { ticks })
}

fn seven(digits: &str) -> Option<u32> {
    format!("{digits:0<7}").parse().ok()
}
