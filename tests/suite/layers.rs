//! The house rules that a reader of `src` can rely on: which module may use which, and what no file contains.
use crate::root;
use libtest_mimic::{Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and those above it that it may use. An arrow that is not here is a mistake, or a decision to be made here.
const MAY_USE: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("types", &[]),
    ("value", &["types"]),
    ("catalog", &["types"]),
    ("functions", &["types", "value"]),
    // The infix operators and their binding powers stand beside the functions that they are.
    ("syntax", &["text", "types", "value", "functions"]),
    ("ir", &["text", "types", "value", "functions"]),
    ("rows", &["text", "types", "value", "functions", "ir"]),
    ("bind", &["text", "types", "value", "syntax", "catalog", "functions", "ir", "rows"]),
    ("columns", &["types", "value"]),
    // An index cuts texts into the very terms that `has` sees.
    // Rows in memory are looked up by the conditions of the middle.
    ("store", &["text", "types", "value", "catalog", "functions", "ir", "rows", "columns"]),
    ("generate", &["types", "value", "catalog", "columns"]),
    ("plan", &["text", "types", "value", "catalog", "functions", "ir", "rows", "columns", "store"]),
    ("exec", &["text", "types", "value", "catalog", "functions", "ir", "rows", "columns", "store", "plan"]),
    (
        "engine",
        &[
            "text",
            "types",
            "value",
            "syntax",
            "catalog",
            "functions",
            "ir",
            "rows",
            "bind",
            "columns",
            "store",
            "plan",
            "exec",
        ],
    ),
    ("wire", &["types", "value", "catalog", "columns"]),
    ("access", &[]),
    ("http", &["text", "types", "value", "catalog", "columns", "engine", "wire", "access"]),
    ("cli", &["text", "types", "value", "catalog", "columns", "generate", "engine", "store", "wire", "access", "http"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

const MOST_LINES: usize = 800;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("layers::modules_use_only_what_they_may", arrows),
        Trial::test("layers::no_file_is_too_long", lengths),
        Trial::test("layers::nothing_is_left_unfinished", unfinished),
        Trial::test("layers::nothing_unwraps", unwraps),
    ]
}

fn arrows() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (at, (module, may)) in MAY_USE.iter().enumerate() {
        for used in may.iter().filter(|used| !MAY_USE[..at].iter().any(|(above, _)| above == *used)) {
            wrong.push(format!("the table lets `{module}` use `{used}`, which does not stand above it"));
        }
    }
    for (path, text) in sources() {
        let module = module_of(&path);
        let Some((_, may)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: `{module}` is not in the table of layers", path.display()));
            continue;
        };
        for (number, used) in uses(code(&text)) {
            if used != module && !may.contains(&used.as_str()) && MAY_USE.iter().any(|(name, _)| *name == used) {
                wrong.push(format!("{}:{number}: `{module}` uses `{used}`", path.display()));
            }
        }
    }
    verdict(wrong)
}

fn lengths() -> Result<(), Failed> {
    let long = |(path, text): (PathBuf, String)| {
        let lines = text.lines().count();
        (lines > MOST_LINES).then(|| format!("{}: {lines} lines", path.display()))
    };
    verdict(sources().into_iter().filter_map(long).collect())
}

fn unfinished() -> Result<(), Failed> {
    // In two halves, so that this file does not find itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X:"],
        ["todo", "!("],
        ["unimplemented", "!("],
        ["dbg", "!("],
        ["#[ig", "nore"],
    ]
    .map(|halves| halves.concat());
    let mut wrong = Vec::new();
    for (path, text) in sources().into_iter().chain(files(&root().join("tests"), "rs")) {
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                wrong.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    verdict(wrong)
}

/// `unwrap` and `expect` stand in tests, in statics, and where the line says why they cannot fail.
fn unwraps() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines: Vec<&str> = code(&text).lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let told = line.contains("// panics:")
                || lines[at.saturating_sub(4)..=at]
                    .iter()
                    .any(|line| line.contains("LazyLock") || line.contains("OnceLock"));
            let comment = line.trim_start().starts_with("//");
            if (line.contains(".unwrap()") || line.contains(".expect(\"")) && !told && !comment {
                wrong.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    verdict(wrong)
}

fn verdict(wrong: Vec<String>) -> Result<(), Failed> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// All files of `src` but the modules that are tests alone.
fn sources() -> Vec<(PathBuf, String)> {
    let mut sources = files(&root().join("src"), "rs");
    let mut tests: Vec<PathBuf> = Vec::new();
    for (path, text) in &sources {
        let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("mod" | "lib" | "main") | None => path.with_file_name(""),
            Some(_) => path.with_extension(""),
        };
        for declared in text.split("#[cfg(test)]").skip(1) {
            let declared = declared.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            if let Some((name, _)) = declared.strip_prefix("mod ").and_then(|rest| rest.split_once(';')) {
                tests.push(folder.join(name.trim()));
            }
        }
    }
    sources.retain(|(path, _)| !tests.iter().any(|test| path.with_extension("") == *test || path.starts_with(test)));
    sources
}

/// All files with this ending below a folder, in order, with paths from the repository.
pub fn files(folder: &Path, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|has| has == ending) {
                let text = fs::read_to_string(&path).unwrap_or_default();
                found.push((path.strip_prefix(root()).unwrap_or(&path).to_path_buf(), text));
            }
        }
    }
    found.sort();
    found
}

fn module_of(path: &Path) -> String {
    let mut parts = path.iter().skip(1);
    let first = parts.next().and_then(|part| part.to_str()).unwrap_or("");
    first.trim_end_matches(".rs").to_owned()
}

/// A file without its tests, which may use what they like.
fn code(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

/// Line numbers and first names of all `crate::…` paths.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let line_start = text[..at].rfind('\n').map_or(0, |start| start + 1);
        if text[line_start..at].contains("//") || text[..at].ends_with('$') {
            continue;
        }
        let number = text[..at].matches('\n').count() + 1;
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_names(group).into_iter().map(|name| (number, name))),
            None => found.push((number, word(rest))),
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names in `{a, b::{c, d}, e}`, from behind the opening brace.
fn group_names(group: &str) -> Vec<String> {
    let (mut depth, mut expecting, mut names) = (1, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => expecting = true,
            c if depth == 1 && expecting && !c.is_whitespace() => {
                names.push(word(&group[at..]));
                expecting = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}
