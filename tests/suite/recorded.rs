//! Answers that were recorded elsewhere, held against ours: the reference engine's, the documentation's, and the
//! reference compiler's verdicts on published hunting queries. They are read in place and passed over where absent.
//!
//! What does not agree yet stands in `tests/known-failures`, an id a line. Any other failure fails the run, and so does
//! a listed case that passes: the lists can only shrink. `BLESS=1` writes them. Where `SIGHTHOUND_SHARED` names another
//! folder of such cases, the shares are told and only faults fail.
use crate::front::front;
use crate::judge::{self, Verdict, cut, primary};
use crate::{bless, root};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

#[derive(Clone, Copy)]
enum Kind {
    Answers,
    Docs,
    Errors,
    Corpus,
}

/// Case files by the name of their list of known failures; a file of cases is any that begins with the stem.
const FILES: [(&str, &str, &str, Kind); 5] = [
    ("emulator", "oracle", "emulator", Kind::Answers),
    ("fuzz", "oracle", "fuzz", Kind::Answers),
    ("docs", "oracle", "docs", Kind::Docs),
    ("errors", "oracle", "errors", Kind::Errors),
    ("corpus", "corpus", "hunting", Kind::Corpus),
];

/// Ids shown of those that fail.
const SHOWN: usize = 40;

pub fn trials() -> Vec<Trial> {
    FILES
        .into_iter()
        .map(|(list, folder, stem, kind)| {
            Trial::test(format!("recorded::{list}"), move || run(list, folder, stem, kind))
        })
        .collect()
}

pub fn shared() -> (PathBuf, bool) {
    match std::env::var_os("SIGHTHOUND_SHARED") {
        Some(path) => (path.into(), true),
        None => (root().join("../shared"), false),
    }
}

fn run(list: &str, folder: &str, stem: &str, kind: Kind) -> Result<(), Failed> {
    let (shared, elsewhere) = shared();
    let cases = cases(&shared.join(folder), stem, kind);
    if cases.is_empty() {
        println!("recorded::{list}: passed over, no cases in {}", shared.join(folder).display());
        return Ok(());
    }
    let verdicts = front().all(cases, |front, case| async move {
        let query = case["query"].as_str().unwrap_or("");
        let (status, body) = front.kusto(query).await;
        (case["id"].as_str().unwrap_or("").to_owned(), judged(&case, kind, status, &body))
    });
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, verdict) in &verdicts {
        *tally.entry(verdict.kind).or_default() += 1;
    }
    let passed = tally.get("pass").copied().unwrap_or(0);
    let share = passed as f64 / verdicts.len() as f64;
    println!("recorded::{list}: agree {passed}/{} = {share:.4} {tally:?}", verdicts.len());
    let failing: BTreeMap<&str, &Verdict> =
        verdicts.iter().filter(|(_, verdict)| !verdict.passed()).map(|(id, verdict)| (id.as_str(), verdict)).collect();
    if elsewhere {
        let faults: Vec<String> = failing
            .iter()
            .filter(|(_, verdict)| verdict.kind == "fault")
            .map(|(id, verdict)| told(id, verdict))
            .collect();
        return if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) };
    }
    against_list(list, &failing)
}

fn told(id: &str, verdict: &Verdict) -> String {
    format!("{} {id}: {}", verdict.kind, verdict.why.replace('\n', " "))
}

fn against_list(list: &str, failing: &BTreeMap<&str, &Verdict>) -> Result<(), Failed> {
    let path = root().join("tests/known-failures").join(format!("{list}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_default();
    let known: BTreeMap<&str, &str> = text
        .lines()
        .map(|line| line.split_once(" # ").unwrap_or((line, "")))
        .map(|(id, reason)| (id.trim(), reason.trim()))
        .filter(|(id, _)| !id.is_empty() && !id.starts_with('#'))
        .collect();
    if bless() {
        let lines = failing.iter().map(|(id, verdict)| match known.get(id).copied().filter(|r| !generated(r)) {
            Some(reason) => format!("{id} # {reason}\n"),
            None => format!("{id} # {}: {}\n", verdict.kind, cut(&verdict.why.replace('\n', " "), 120)),
        });
        let header = "# Recorded cases that do not agree yet. A case that passes must be struck off; see tests/suite/recorded.rs.\n";
        let _ = fs::create_dir_all(path.parent().unwrap_or(root()));
        return Ok(fs::write(&path, header.to_owned() + &lines.collect::<String>())?);
    }
    let new: Vec<String> =
        failing.iter().filter(|(id, _)| !known.contains_key(**id)).map(|(id, verdict)| told(id, verdict)).collect();
    let stale: BTreeSet<&str> = known.keys().copied().filter(|id| !failing.contains_key(id)).collect();
    if new.is_empty() && stale.is_empty() {
        return Ok(());
    }
    let mut report = format!("{} failing cases that are not in {}:\n", new.len(), path.display());
    report += &new.iter().take(SHOWN).map(|line| format!("  {line}\n")).collect::<String>();
    if !stale.is_empty() {
        report += &format!("listed, but passing (strike them off): {stale:?}");
    }
    Err(report.into())
}

/// Whether a reason was written by `BLESS=1` and may be written anew.
fn generated(reason: &str) -> bool {
    reason.is_empty()
        || ["refused", "fault", "bad answer", "columns", "types", "row count", "values", "accepted", "schema"]
            .iter()
            .any(|kind| reason.strip_prefix(kind).is_some_and(|rest| rest.starts_with(": ")))
}

fn cases(folder: &std::path::Path, stem: &str, kind: Kind) -> Vec<Json> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            name.ends_with(".jsonl") && name.starts_with(stem)
        })
        .collect();
    paths.sort();
    let lines = paths.into_iter().filter_map(|path| fs::read_to_string(path).ok()).collect::<Vec<_>>();
    let cases = lines.iter().flat_map(|text| text.lines()).filter_map(|line| serde_json::from_str::<Json>(line).ok());
    match kind {
        Kind::Answers => cases.filter(|case| case.get("types").is_some() && case["nondeterministic"] != true).collect(),
        Kind::Docs => {
            let engine = self::cases(folder, "emulator", Kind::Answers);
            let engine: BTreeMap<&str, &Json> =
                engine.iter().filter_map(|case| Some((case["doc_id"].as_str()?, case))).collect();
            let credible: Vec<Json> = cases.filter(credible).collect();
            let all = credible.len();
            let held: Vec<Json> =
                credible.into_iter().filter_map(printed).map(|case| with_record(case, &engine)).collect();
            println!(
                "recorded::docs: of {all} tables {} are printed under the names that their queries give",
                held.len()
            );
            held
        }
        Kind::Errors | Kind::Corpus => cases.collect(),
    }
}

fn judged(case: &Json, kind: Kind, status: u16, body: &Json) -> Verdict {
    match kind {
        Kind::Answers => judge::against(case, status, body),
        Kind::Docs => {
            let verdict = judge::against(case, status, body);
            let recorded = case.get("recorded").map(|record| judge::against(record, status, body));
            recorded.filter(Verdict::passed).unwrap_or(verdict)
        }
        Kind::Errors => match status {
            400 if body.get("error").is_some() => Verdict::pass(),
            200 => Verdict::new("accepted", case["expected_error"].as_str().unwrap_or("")),
            _ => Verdict::new("fault", format!("{status}: {}", judge::message(body))),
        },
        Kind::Corpus => published(case, status, body),
    }
}

/// A published query: it must run with the compiler's schema, or be refused where the compiler refuses it.
fn published(case: &Json, status: u16, body: &Json) -> Verdict {
    let want = &case["expect"];
    if status == 0 || status >= 500 {
        return Verdict::new("fault", format!("{status}: {}", judge::message(body)));
    }
    if want.get("needs").is_some_and(|needs| !needs.is_null()) {
        return Verdict::pass();
    }
    let runs = want["ok"] == true;
    if status != 200 {
        return if runs { Verdict::new("refused", judge::message(body)) } else { Verdict::pass() };
    }
    let answer = match primary(body) {
        Ok(answer) => answer,
        Err(why) => return Verdict::new("fault", why),
    };
    if !runs {
        return Verdict::new("accepted", want["why"].as_str().unwrap_or(""));
    }
    let Some(schema) = want["schema"].as_array() else { return Verdict::pass() };
    let got: Vec<Json> = answer.columns.iter().zip(&answer.types).map(|(name, ty)| json!([name, ty])).collect();
    if *schema == got {
        return Verdict::pass();
    }
    let difference = schema.iter().zip(&got).find(|(want, got)| want != got);
    let why = format!("{} columns wanted, {} given; first difference {difference:?}", schema.len(), got.len());
    Verdict::new("schema", cut(&why, 220))
}

/// Whether the reference engine is not known to answer otherwise.
fn credible(case: &Json) -> bool {
    case.get("emulator").and_then(Json::as_str).is_none_or(|seen| seen == "agree")
}

/// A table of the documentation, its printed cells read by the types of the schema; `None` where the types are not
/// known, or the names are others.
fn printed(mut case: Json) -> Option<Json> {
    let columns = case["columns"].as_array()?.clone();
    let schema = case.get("schema")?.as_array()?;
    let names: Vec<&Json> = schema.iter().map(|column| &column[0]).collect();
    if names.len() != columns.len() || !names.iter().zip(&columns).all(|(name, column)| *name == column) {
        return None;
    }
    let types: Vec<String> = schema.iter().filter_map(|column| column[1].as_str()).map(str::to_owned).collect();
    let rows: Vec<Json> = case["rows"]
        .as_array()?
        .iter()
        .map(|row| {
            let cells = row.as_array().into_iter().flatten().zip(&types);
            cells.map(|(cell, ty)| cell.as_str().map_or(Json::Null, |text| cell_of(text, ty))).collect()
        })
        .collect();
    case["types"] = json!(types);
    case["printed"] = true.into();
    case["rows"] = Json::from(rows);
    Some(case)
}

/// The engine's own answer beside the printed one, where the engine is known to agree with it: what print cannot tell
/// (a type, a quote) is told there.
fn with_record(mut case: Json, engine: &BTreeMap<&str, &Json>) -> Json {
    if case["emulator"] == "agree"
        && let Some(record) = case["id"].as_str().and_then(|id| engine.get(id))
    {
        case["recorded"] = (*record).clone();
    }
    case
}

fn cell_of(text: &str, ty: &str) -> Json {
    let trimmed = text.trim();
    match ty {
        "string" => Json::from(text),
        _ if trimmed.is_empty() || trimmed == "null" => Json::Null,
        "bool" => Json::from(trimmed.eq_ignore_ascii_case("true") || trimmed == "1"),
        "int" | "long" => trimmed.parse::<i64>().map_or_else(|_| Json::from(trimmed), Json::from),
        "real" | "decimal" => match trimmed.parse::<f64>() {
            Ok(number) if number.is_finite() => Json::from(number),
            _ => Json::from(trimmed),
        },
        _ => Json::from(trimmed),
    }
}
