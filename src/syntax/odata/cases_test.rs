//! The committee's own cases of its grammar, and filters that other libraries test themselves with, read from
//! `../shared` or `SIGHTHOUND_SHARED` and passed over where absent. What is no business of a request line stands in
//! `tests/known-failures/abnf.txt` with its reason; every other case must agree.
use super::check::Model;
use super::rules::is;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::PathBuf;

const OUT_OF_SCOPE: &str = include_str!("../../../tests/known-failures/abnf.txt");

/// The names of the service that the cases are about.
#[derive(Default)]
struct Names(BTreeMap<String, HashSet<String>>);

impl Names {
    fn read(text: &str, suite: &str) -> Names {
        let mut names = Names::default();
        let all: Json = serde_json::from_str(text).unwrap_or_default();
        for part in ["abnf", "core", suite] {
            for (rule, words) in all[part].as_object().into_iter().flatten() {
                let words = words.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
                names.0.entry(rule.clone()).or_default().extend(words);
            }
        }
        names
    }

    fn any(&self, rules: &[&str], name: &str) -> bool {
        rules.iter().any(|rule| self.0.get(*rule).is_some_and(|names| names.contains(name)))
    }
}

impl Model for Names {
    fn is_collection(&self, name: &str) -> bool {
        self.any(&["entityColNavigationProperty", "complexColProperty", "primitiveColProperty"], name)
            && !self.any(&["entityNavigationProperty", "complexProperty"], name)
    }

    fn is_type(&self, name: &str) -> bool {
        self.any(&["entityTypeName", "complexTypeName"], name)
    }

    fn is_stream(&self, name: &str) -> bool {
        self.any(&["streamProperty"], name)
    }

    fn is_custom_aggregate(&self, name: &str) -> bool {
        self.any(&["customAggregate"], name)
    }

    fn is_known(&self, name: &str) -> bool {
        self.any(&["entityNavigationProperty", "complexProperty"], name)
    }
}

fn folder() -> PathBuf {
    let shared = std::env::var_os("SIGHTHOUND_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    shared.join("odata")
}

/// Lines of the case files whose names begin so.
pub fn cases(stem: &str) -> Vec<Json> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            name.starts_with(stem) && name.ends_with(".jsonl")
        })
        .collect();
    paths.sort();
    let texts: Vec<String> = paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    texts.iter().flat_map(|text| text.lines()).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Told even where the test passes.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Rules, and cases by rule and input, that are out of scope.
fn out_of_scope(rule: &str, input: &str) -> bool {
    OUT_OF_SCOPE.lines().any(|line| {
        let line = line.split(" # ").next().unwrap_or(line).trim_end();
        line == rule || line.split_once('\t').is_some_and(|(known, text)| known == rule && text == input)
    })
}

#[test]
fn the_committees_cases_agree() {
    let cases = cases("abnf-cases");
    let constraints = std::fs::read_to_string(folder().join("abnf-constraints.json"))
        .unwrap_or_else(|_| std::fs::read_to_string("../shared/odata/abnf-constraints.json").unwrap_or_default());
    if cases.is_empty() {
        tell(&format!("abnf: passed over, no cases in {}", folder().display()));
        return;
    }
    let mut shares: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut wrong, mut passed_over) = (Vec::new(), 0);
    for case in &cases {
        let (rule, input) = (case["rule"].as_str().unwrap_or(""), case["input"].as_str().unwrap_or(""));
        if out_of_scope(rule, input) {
            passed_over += 1;
            continue;
        }
        let names = Names::read(&constraints, case["suite"].as_str().unwrap_or(""));
        let good = case["fails_at"].is_null();
        let (right, why) = match is(rule, input, &names) {
            None => (false, "the parser has no such rule".into()),
            Some(Ok(())) => (good, String::from("accepted")),
            Some(Err(fault)) => (!good, fault.message),
        };
        let share = shares.entry(rule.to_owned()).or_default();
        share.1 += 1;
        if right {
            share.0 += 1;
        } else {
            wrong.push(format!("{rule}: `{input}` should {}: {why}", if good { "be read" } else { "be refused" }));
        }
    }
    let (agree, of) = shares.values().fold((0, 0), |sum, share| (sum.0 + share.0, sum.1 + share.1));
    tell(&format!("abnf: agree {agree}/{of}, out of scope {passed_over}"));
    for (rule, (agree, of)) in &shares {
        tell(&format!("abnf: {rule} {agree}/{of}"));
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// What those filters are refused for, where they are.
#[test]
fn filters_of_other_libraries_are_read_or_refused_for_a_reason() {
    let cases = cases("filter-strings");
    let mut read = 0;
    for case in &cases {
        let input = case["input"].as_str().unwrap_or("");
        match is("commonExpr", &input.replace('+', "%2B"), &super::rules::Anything) {
            Some(Ok(())) => read += 1,
            Some(Err(fault)) => tell(&format!("filter strings: `{input}`: {}", fault.message)),
            None => {}
        }
    }
    tell(&format!("filter strings: read {read}/{}", cases.len()));
}
