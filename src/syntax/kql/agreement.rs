//! The parser against the reference compiler's verdicts: published queries and the language's own examples. The files
//! lie beside the project, or where `SIGHTHOUND_SHARED` says; without them the tests pass over themselves and say so.
use super::parse;
use crate::text::{Source, render};
use serde_json::Value as Json;
use std::path::PathBuf;

/// Codes of the reference compiler that speak of syntax; the others speak of names and types.
const SYNTAX: &[&str] = &["KS001", "KS002", "KS005", "KS006", "KS160", "KS176", "KS198", "KS214", "KS228"];

/// The lines of a shared file.
pub fn shared(path: &str) -> Vec<Json> {
    let root = std::env::var_os("SIGHTHOUND_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    match std::fs::read_to_string(root.join(path)) {
        Ok(text) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        Err(_) => {
            eprintln!("passed over: no {path} in {}", root.display());
            Vec::new()
        }
    }
}

/// Every query of the shared files, with what the reference compiler says of its syntax where that is known.
pub fn cases() -> Vec<(String, String, Option<bool>)> {
    let text = |case: &Json, key: &str| case[key].as_str().unwrap_or_default().to_string();
    let mut all = Vec::new();
    for case in shared("corpus/hunting-dev.jsonl") {
        all.push((text(&case, "id"), text(&case, "query"), case["ms_syntax_ok"].as_bool()));
    }
    for path in ["oracle/emulator-dev.jsonl", "oracle/fuzz-dev.jsonl", "oracle/docs-dev.jsonl"] {
        for case in shared(path) {
            let fine = case["parser_ok"].as_bool().unwrap_or(true).then_some(true);
            all.push((text(&case, "id"), text(&case, "query"), fine));
        }
    }
    for case in shared("oracle/errors-dev.jsonl") {
        let codes = case["diags"].as_array().cloned().unwrap_or_default();
        let broken = codes.iter().filter_map(Json::as_str).any(|diag| SYNTAX.iter().any(|code| diag.starts_with(code)));
        all.push((text(&case, "id"), text(&case, "query"), Some(!broken)));
    }
    all
}

#[test]
fn takes_and_refuses_what_the_reference_does() {
    let mut wrong = Vec::new();
    for (id, query, fine) in cases() {
        let source = Source::named(id.as_str(), query);
        let parsed = parse(&source);
        match (fine, parsed.into_result()) {
            (Some(true), Err(diagnostics)) => wrong.push(render::render(&source, &diagnostics)),
            (Some(false), Ok(_)) => wrong.push(format!("{id} should be refused:\n{}", source.text)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} disagree:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_printed_reads_back() {
    for (id, query, _) in cases() {
        let Ok(tree) = parse(&Source::new(query)).into_result() else { continue };
        let printed = tree.to_string();
        // Parts that are passed over have no text of their own.
        if printed.contains('…') {
            continue;
        }
        match parse(&Source::new(printed.as_str())).into_result() {
            // A `real(nan)` equals nothing, not even itself.
            Ok(again) if printed.contains("real(nan)") => assert_eq!(again.to_string(), printed, "{id}"),
            Ok(again) => assert_eq!(again, tree, "{id}:\n{printed}"),
            Err(wrong) => panic!("{id}:\n{}", render::render(&Source::new(printed.as_str()), &wrong)),
        }
    }
}
