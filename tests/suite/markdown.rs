//! Runs the markdown tests. What goes in: `kql`, `odata` (a request line), `http` (a request). What must come out:
//!
//! - `table`: names and types, then rows; `∅` is null. Several inputs before it must all give this table
//! - `error`: `error: K0102 @27` for each fault, or the whole rendering with carets
//! - `plan`: what reached the files
//! - `response`: status, content type and body of an `http` request
use crate::blocks::{Block, Section, rewritten, sections};
use crate::front::{Front, front};
use crate::{bless, layers, root};
use libtest_mimic::{Failed, Trial};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

const FOLDERS: [&str; 6] = ["kql", "odata", "both", "http", "plans", "errors"];
const INPUTS: [&str; 3] = ["kql", "odata", "http"];

/// Two tests of one file may bless it at once.
static WRITING: Mutex<()> = Mutex::new(());

pub fn trials() -> Vec<Trial> {
    let files = FOLDERS.iter().flat_map(|folder| layers::files(&root().join("tests").join(folder), "md"));
    let mut trials = Vec::new();
    for (path, text) in files {
        let stem = path.with_extension("").strip_prefix("tests").unwrap_or(&path).display().to_string();
        for section in sections(&text) {
            let path = path.clone();
            trials.push(Trial::test(format!("{stem}::{}", section.name), move || check(front(), &path, &section)));
        }
    }
    for (path, text) in layers::files(&root().join("tests/state"), "md") {
        let stem = path.with_extension("").strip_prefix("tests").unwrap_or(&path).display().to_string();
        trials.push(Trial::test(stem, move || in_order(&path, &text)));
    }
    trials
}

/// The sections of a file change what is stored, so they run one after the other over a store of their own.
fn in_order(path: &PathBuf, text: &str) -> Result<(), Failed> {
    let front = Front::open();
    let wrong: Vec<String> = sections(text)
        .iter()
        .filter_map(|section| check(&front, path, section).err().map(|failed| (section, failed)))
        .map(|(section, failed)| format!("## {}\n{}", section.name, failed.message().unwrap_or("")))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

fn check(front: &Front, path: &PathBuf, section: &Section) -> Result<(), Failed> {
    let mut inputs: Vec<&Block> = Vec::new();
    let mut wrong = Vec::new();
    let mut replaced = Vec::new();
    let mut judged = false;
    for block in &section.blocks {
        if INPUTS.contains(&block.kind.as_str()) {
            if std::mem::take(&mut judged) {
                inputs.clear();
            }
            inputs.push(block);
            continue;
        }
        judged = true;
        for (at, input) in inputs.iter().enumerate() {
            let got = result(front, block, input)?;
            if got.trim_end() == block.text.trim_end() {
                continue;
            }
            // Only the first input may bless: the others must agree with it.
            if at == 0 && bless() {
                replaced.push((block.lines.clone(), got));
            } else {
                wrong.push(format!("{} of\n{}\n--- wanted\n{}\n--- got\n{got}", block.kind, input.text, block.text));
            }
        }
        if inputs.is_empty() {
            wrong.push(format!("a `{}` block with nothing before it that could give it", block.kind));
        }
    }
    if !judged {
        wrong.push("nothing says what must come out".into());
    }
    if !replaced.is_empty() {
        let _writing = WRITING.lock();
        let path = root().join(path);
        // Blocks are found again by name and order, since another test may have moved them.
        let text = fs::read_to_string(&path)?;
        let now = sections(&text).into_iter().find(|other| other.name == section.name).ok_or("the test is gone")?;
        let moved = replaced.into_iter().filter_map(|(lines, with)| {
            let at = section.blocks.iter().position(|block| block.lines == lines)?;
            Some((now.blocks.get(at)?.lines.clone(), with))
        });
        fs::write(&path, rewritten(&text, moved.collect()))?;
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n\n").into()) }
}

fn result(front: &Front, block: &Block, input: &Block) -> Result<String, Failed> {
    match block.kind.as_str() {
        "table" => Ok(front.table(&input.kind, &input.text)),
        "error" => Ok(front.error(&input.kind, &input.text, block.text.starts_with("error: "))),
        "plan" => Ok(front.plan(&input.kind, &input.text)),
        "response" => front.response(&input.text).map_err(Failed::from),
        other => Err(format!("no such block: `{other}`").into()),
    }
}
