//! The binder against the reference: verdicts and result schemas of published queries, and of the queries whose answers
//! were recorded. The files lie beside the project; without them the tests pass over themselves and say so.
use crate::bind::{self, Context, Data};
use crate::catalog::Known;
use crate::rows::{self, Budget, Env, NoTables};
use crate::syntax::kql::{agreement::shared, parse};
use crate::text::{Diagnostic, Diagnostics, Source, codes};
use crate::value::datetime::{Civil, TICKS_PER_DAY};
use crate::{ir, types::Schema};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The row half over tables without rows.
struct Rows;

impl rows::Source for Rows {
    fn table(&self, _: &str, schema: &Schema) -> Result<rows::Table, String> {
        Ok(rows::Table { schema: schema.clone(), rows: Vec::new() })
    }
}

impl Data for Rows {
    fn rows(&self, rel: &ir::Rel) -> Result<rows::Table, Diagnostic> {
        let env = Env { now: now(), each: None, source: &NoTables, budget: Budget::default() };
        rows::run(rel, &Env { source: &Rows, ..env })
            .map_err(|error| codes::NOT_YET.at(crate::text::Span::default(), error.to_string()))
    }
}

fn now() -> i64 {
    let day = Civil { year: 2024, month: 6, day: 1, hour: 0, minute: 0, second: 0, fraction: 0 };
    day.ticks().unwrap_or(TICKS_PER_DAY)
}

fn bound(text: &str) -> Result<ir::Bound, Diagnostics> {
    let query = parse(&Source::new(text)).into_result()?;
    let context = Context { tables: &Known, now: now(), parameters: &[], data: Some(&Rows), saved: &[] };
    bind::kql(&query, &context)
}

fn columns(schema: &Schema) -> Vec<(String, String)> {
    schema.columns.iter().map(|column| (column.name.clone(), column.ty.name().to_string())).collect()
}

fn wanted(schema: &Json) -> Option<Vec<(String, String)>> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_string();
    Some(schema.as_array()?.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect())
}

/// What is said of each case, and how often.
struct Tally {
    counts: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn new() -> Tally {
        Tally { counts: BTreeMap::new(), wrong: Vec::new() }
    }

    fn add(&mut self, verdict: &'static str, id: &str, why: String) {
        *self.counts.entry(verdict).or_default() += 1;
        if verdict != "agree" {
            self.wrong.push(format!("{verdict:9} {id}: {why}"));
        }
    }

    /// Prints what disagrees; at least so many of a hundred must agree.
    fn finish(self, what: &str, percent: usize) {
        let all: usize = self.counts.values().sum();
        let agree = self.counts.get("agree").copied().unwrap_or(0);
        eprintln!("{}\n{what}: {:?}, {agree} of {all} agree", self.wrong.join("\n"), self.counts);
        assert!(agree * 100 >= all * percent, "{agree} of {all} agree, fewer than {percent} of a hundred");
    }
}

fn first_fault(faults: &Diagnostics) -> String {
    faults.first().map_or_else(String::new, |one| format!("{} {} @{}", one.code.id, one.message, one.span.start))
}

fn difference(want: &[(String, String)], got: &[(String, String)]) -> String {
    let pairs: Vec<String> = (0..want.len().max(got.len()))
        .filter(|at| want.get(*at) != got.get(*at))
        .take(4)
        .map(|at| format!("{at}: want {:?} got {:?}", want.get(at), got.get(at)))
        .collect();
    format!("want {} columns, got {}: {}", want.len(), got.len(), pairs.join(" · "))
}

#[test]
fn published_queries_are_taken_and_refused_as_by_the_reference() {
    let mut tally = Tally::new();
    for case in shared("corpus/hunting-dev.jsonl") {
        let id = case["id"].as_str().unwrap_or_default();
        let expect = &case["expect"];
        let ok = expect["ok"].as_bool().unwrap_or(false);
        if expect["needs"].is_string() {
            let _ = bound(case["query"].as_str().unwrap_or_default());
            tally.add("agree", id, String::new());
            continue;
        }
        match bound(case["query"].as_str().unwrap_or_default()) {
            Ok(_) if !ok => tally.add("accepted", id, expect["why"].to_string()),
            Ok(bound) => {
                let got = bound.results.first().map(|one| columns(&one.rel.schema)).unwrap_or_default();
                match wanted(&expect["schema"]) {
                    Some(want) if want != got => tally.add("schema", id, difference(&want, &got)),
                    _ => tally.add("agree", id, String::new()),
                }
            }
            Err(faults) if ok => tally.add("refused", id, first_fault(&faults)),
            Err(_) => tally.add("agree", id, String::new()),
        }
    }
    tally.finish("corpus", 99);
}

#[test]
fn recorded_queries_have_the_recorded_columns() {
    for path in ["oracle/emulator-dev.jsonl", "oracle/fuzz-dev.jsonl"] {
        let mut tally = Tally::new();
        for case in shared(path) {
            let id = case["id"].as_str().unwrap_or_default();
            let names = case["columns"].as_array().cloned().unwrap_or_default();
            let types = case["types"].as_array().cloned().unwrap_or_default();
            match bound(case["query"].as_str().unwrap_or_default()) {
                Ok(bound) => {
                    let got = bound.results.first().map(|one| columns(&one.rel.schema)).unwrap_or_default();
                    let same = got.len() == names.len()
                        && got.iter().zip(&names).all(|((name, _), want)| want.as_str() == Some(name))
                        && got.iter().zip(&types).all(|((_, ty), want)| {
                            want.as_str().is_some_and(|want| want.split('|').any(|one| one == ty))
                        });
                    let pair = |(name, ty): (&Json, &Json)| {
                        let text = |value: &Json| value.as_str().unwrap_or_default().to_string();
                        (text(name), text(ty))
                    };
                    let want: Vec<(String, String)> = names.iter().zip(&types).map(pair).collect();
                    tally.add(if same { "agree" } else { "schema" }, id, difference(&want, &got));
                }
                Err(faults) => tally.add("refused", id, first_fault(&faults)),
            }
        }
        tally.finish(path, 95);
    }
}

#[test]
fn documented_queries_have_the_columns_that_the_reference_says() {
    let mut tally = Tally::new();
    for case in shared("oracle/docs-dev.jsonl") {
        let id = case["id"].as_str().unwrap_or_default();
        let open = case["schema_open"].as_bool().unwrap_or(false);
        let Some(want) = wanted(&case["schema"]).filter(|_| !open && case["parser_ok"] == true) else { continue };
        match bound(case["query"].as_str().unwrap_or_default()) {
            Ok(bound) => {
                let got = bound.results.first().map(|one| columns(&one.rel.schema)).unwrap_or_default();
                tally.add(if got == want { "agree" } else { "schema" }, id, difference(&want, &got));
            }
            Err(faults) => tally.add("refused", id, first_fault(&faults)),
        }
    }
    tally.finish("documentation", 90);
}

#[test]
fn what_the_engine_refused_is_refused() {
    let mut tally = Tally::new();
    for case in shared("oracle/errors-dev.jsonl") {
        let id = case["id"].as_str().unwrap_or_default();
        let query = case["query"].as_str().unwrap_or_default();
        match bound(query) {
            Ok(_) => tally.add("accepted", id, query.into()),
            Err(_) => tally.add("agree", id, String::new()),
        }
    }
    tally.finish("errors", 100);
}

/// Binds a text on a thread with as little stack as a worker of the server has.
fn bound_on_a_small_stack(text: String) -> Result<usize, String> {
    let run = move || {
        let bound = bound(&text).map(|bound| bound.results.len());
        bound.map_err(|faults| first_fault(&faults))
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).map_err(|error| error.to_string())?;
    thread.join().map_err(|_| "the thread ended".to_string())?
}

#[test]
fn deep_texts_are_bound_or_refused_on_a_small_stack() {
    let nested = |open: &str, core: &str, close: &str, times: usize| {
        format!("{}{core}{}", open.repeat(times), close.repeat(times))
    };
    let chain = |times: usize| {
        let lets: String = (1..times).map(|at| format!("let f{at} = (x:long) {{ f{}(x) + 1 }};", at - 1)).collect();
        format!("let f0 = (x:long) {{ x }};{lets} print f{}(1)", times - 1)
    };
    let texts = [
        nested("toscalar(print iff(true, ", "1", ", 2))", 30),
        format!("print {}", nested("(", "1", ")", 60)),
        format!("print x = 1 {}", "+ 1 ".repeat(390)),
        format!("print {}", nested("strcat('a', ", "'b'", ")", 60)),
        nested("AlertInfo | join (", "AlertInfo", ") on AlertId", 55),
        format!("print a = dynamic([1]) | {}", nested("mv-apply a on (", "where 1 == 1", ")", 55)),
        chain(60),
        chain(400),
    ];
    for text in texts {
        // Either is fine; what is not is to fall off the stack.
        let start: String = text.chars().take(60).collect();
        let bound = bound_on_a_small_stack(text);
        assert!(bound.as_ref().err().is_none_or(|why| why != "the thread ended"), "{start}");
    }
}
