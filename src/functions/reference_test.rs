//! Writes `grammar/REFERENCE.md` and `grammar/SUPPORT.md` from the tables, and holds the files against them. With
//! `BLESS=1` in the environment the files are written anew.
use super::operators::Right;
use super::{AGGREGATE_FAMILIES, FAMILIES, Gives, Occurs, Param, aggregate, operators, scalar, window, windows};
use crate::bind::kql::calls::{ABSENT, NEEDS_DATA};
use crate::bind::kql::ops::evaluate::{ELSEWHERE, REWRITTEN};
use crate::bind::kql::ops::shown::{DIFFERENCES, GRAPH, OPERATORS, PLUGINS, Shown, TABLE};
use crate::bind::{self, Context};
use crate::catalog::Known;
use crate::rows::{self, Budget, Env, NoTables, whole};
use crate::syntax::kql;
use crate::text::{Source, render};
use crate::types::{Type, Types};
use serde_json::Value as Json;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const REFERENCE: &str = "grammar/REFERENCE.md";
const SUPPORT: &str = "grammar/SUPPORT.md";

/// Names that the grammar takes for itself: they look like functions and are none.
const WORDS: &[(&str, &str)] = &[
    ("cluster", "cluster('c').database('d').T"),
    ("database", "database('d').T"),
    ("external_table", "external_table('T')"),
    ("table", "table('T')"),
    ("materialize", "materialize(T)"),
    ("toscalar", "print toscalar(T)"),
];

fn types(types: Types) -> String {
    let names = [
        (Types::ANY, "any"),
        (Types::SUMMABLE, "number, datetime or timespan"),
        (Types::NUMBER, "number"),
        (Types::INTEGER, "integer"),
    ];
    if let Some((_, name)) = names.iter().find(|(known, _)| *known == types) {
        return (*name).to_owned();
    }
    let missing: Vec<_> = Types::ANY.but(types).iter().map(Type::name).collect();
    if missing.len() < 4 {
        return format!("any but {}", missing.join(", "));
    }
    types.iter().map(Type::name).collect::<Vec<_>>().join(" or ")
}

fn signature(name: &str, takes: &[Param], gives: Gives) -> String {
    let one = |param: &Param| {
        let constant = if param.constant { "constant " } else { "" };
        let text = format!("{}: {constant}{}", param.name, types(param.types));
        match param.occurs {
            Occurs::One => text,
            Occurs::Optional => format!("[{text}]"),
            Occurs::Many { min, max: usize::MAX } => format!("{text} × {min} or more"),
            Occurs::Many { min, max } => format!("{text} × {min}–{max}"),
        }
    };
    let takes = takes.iter().map(one).collect::<Vec<_>>().join(", ");
    let gives = match gives {
        Gives::Always(ty) => ty.name().to_owned(),
        Gives::SameAs(at) => format!("as argument {}", at + 1),
        Gives::Widest(0) => "the widest of its arguments".to_owned(),
        Gives::Widest(from) => format!("the widest of its arguments from the {}. on", from + 1),
        Gives::By(_) => "by its arguments".to_owned(),
    };
    format!("{name}({takes}) → {gives}")
}

/// Code in a line of Markdown.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

struct Entry<'a> {
    names: &'a [&'static str],
    doc: &'a str,
    takes: &'a [Param],
    gives: Gives,
    examples: &'a [(&'static str, &'static str)],
    differs: Option<&'a str>,
}

fn entry(out: &mut String, one: &Entry<'_>) {
    let _ = write!(out, "\n**{}** {}", code(&signature(one.names[0], one.takes, one.gives)), one.doc);
    if one.names.len() > 1 {
        let others: Vec<_> = one.names[1..].iter().map(|name| code(name)).collect();
        let _ = write!(out, " Also {}.", others.join(", "));
    }
    out.push('\n');
    for (text, answer) in one.examples {
        let answer = if answer.is_empty() { "\"\"" } else { answer };
        let _ = writeln!(out, "- {} gives {}", code(text), code(&answer.replace('\n', "⏎")));
    }
    if let Some(how) = one.differs {
        let _ = writeln!(out, "- differs from the reference engine: {how}");
    }
}

fn reference(grammar: &str) -> String {
    let mut out = String::from(
        "# Reference\n\nGenerated from the tables that the binder and the planner read, and from `kql.ebnf`. Every \
         example is a test. Examples of functions stand behind `print v =`. In a signature `[…]` may be left out, \
         `× a–b` stands so often, and `constant` must be known before the query runs.\n",
    );
    out.push_str(
        "\n## Operators within expressions\n\nThe tightest last. `in` takes a list or a table, `between` a range.\n\n",
    );
    out.push_str("| operator | binds | to its right |\n|---|---|---|\n");
    let mut all: Vec<_> = operators::ALL.iter().collect();
    all.sort_by_key(|operator| operator.binds);
    for operator in all {
        let right = match operator.right {
            Right::Operand => "an expression",
            Right::List => "a list or a table",
            Right::Range => "a range",
            Right::Prefix => "it stands before its operand",
        };
        let _ = writeln!(out, "| {} | {} | {right} |", code(operator.symbol), operator.binds);
    }
    for (family, functions) in FAMILIES {
        let _ = writeln!(out, "\n## Functions: {family}");
        // What only other entries are made of has no name that could be written.
        for one in functions.iter().filter(|one| !one.name().starts_with('$')) {
            entry(
                &mut out,
                &Entry {
                    names: one.names,
                    doc: one.doc,
                    takes: one.takes,
                    gives: one.gives,
                    examples: one.examples,
                    differs: one.differs,
                },
            );
        }
    }
    for (family, aggregates) in AGGREGATE_FAMILIES {
        let _ = writeln!(out, "\n## Aggregations: {family}");
        for one in aggregates.iter().filter(|one| !one.name().starts_with('$')) {
            entry(
                &mut out,
                &Entry {
                    names: one.names,
                    doc: one.doc,
                    takes: one.takes,
                    gives: one.gives,
                    examples: one.examples,
                    differs: one.differs,
                },
            );
        }
    }
    out.push_str("\n## Window functions\n");
    for one in windows::WINDOWS {
        entry(
            &mut out,
            &Entry {
                names: one.names,
                doc: one.doc,
                takes: one.takes,
                gives: one.gives,
                examples: one.examples,
                differs: one.differs,
            },
        );
    }
    let _ = writeln!(
        out,
        "\n## Tabular operators\n\nIn a form `[…]` may be left out and `…` goes on in the same way; `|` stands between \
         words of which one is chosen. In the examples `T` and `G` are\n\n```text\n{TABLE}\n{GRAPH}\n```"
    );
    OPERATORS.iter().for_each(|one| shown(&mut out, one));
    out.push_str("\n## Plug-ins\n\nThey stand behind `evaluate`.\n");
    PLUGINS.iter().for_each(|one| shown(&mut out, one));
    differences(&mut out);
    out.push_str("\n## Grammar\n");
    productions(&mut out, grammar);
    out
}

/// What a plug-in, or an operator over whole tables, does.
fn meaning(name: &str) -> &'static str {
    let rewritten = REWRITTEN.iter().find(|(known, _)| *known == name).map(|(_, doc)| *doc);
    rewritten.or_else(|| whole::whole(name).map(|one| one.doc)).unwrap_or_default()
}

fn shown(out: &mut String, one: &Shown) {
    let doc = if one.doc.is_empty() { meaning(one.name) } else { one.doc };
    let lets: String = [("T", TABLE), ("G", GRAPH)]
        .into_iter()
        .filter(|(name, _)| one.example.split(|c: char| !c.is_alphanumeric()).any(|word| word == *name))
        .map(|(_, text)| text)
        .collect();
    let answer = answers(&format!("{lets} {}", one.example));
    let _ = writeln!(out, "\n**{}** {doc}\n\n```kql\n{}\n```\n```text\n{answer}\n```", code(one.form), one.example);
}

/// The answers of a query as tables in lines of text; or what is wrong with it.
fn answers(text: &str) -> String {
    let source = Source::new(text);
    let context = Context { tables: &Known, now: 0, parameters: &[], data: None, saved: &[] };
    let bound = match kql::parse(&source).into_result().and_then(|query| bind::kql(&query, &context)) {
        Ok(bound) => bound,
        Err(faults) => return render::render(&source, &faults),
    };
    let env = Env { now: 0, each: None, source: &NoTables, budget: Budget::default() };
    let table = |answer: &crate::ir::Answer| match rows::run(&answer.rel, &env) {
        Ok(table) => {
            let columns = table.schema.columns.iter().map(|column| format!("{}: {}", column.name, column.ty));
            let mut lines = vec![columns.collect::<Vec<_>>().join(" | ")];
            lines.extend(table.rows.iter().map(|row| {
                let cells = row.iter().map(|cell| if cell.is_null() { "∅".into() } else { cell.text() });
                cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
            }));
            lines.join("\n")
        }
        Err(error) => format!("{error}"),
    };
    bound.results.iter().map(table).collect::<Vec<_>>().join("\n\n")
}

fn differences(out: &mut String) {
    out.push_str("\n## Where this differs from the reference engine\n\n");
    DIFFERENCES.iter().for_each(|how| {
        let _ = writeln!(out, "- {how}");
    });
    let functions = super::all().map(|one| (one.name(), one.differs));
    let aggregates = super::all_aggregates().map(|one| (one.name(), one.differs));
    let windows = windows::WINDOWS.iter().map(|one| (one.names[0], one.differs));
    // One line for all that differ in the same way.
    let mut ways: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, differs) in functions.chain(aggregates).chain(windows) {
        let Some(how) = differs else { continue };
        match ways.iter_mut().find(|(known, _)| *known == how) {
            Some((_, names)) => names.push(code(name)),
            None => ways.push((how, vec![code(name)])),
        }
    }
    for (how, names) in ways {
        let _ = writeln!(out, "- {}: {how}.", names.join(", "));
    }
}

/// The productions of the grammar file, each with the texts that it takes and refuses.
fn productions(out: &mut String, grammar: &str) {
    let (header, rest) = grammar.split_once("*)").unwrap_or(("", grammar));
    let _ = writeln!(out, "\n```text\n{}\n```", header.trim_start_matches("(*").trim());
    let mut open = false;
    for line in rest.lines() {
        let comment = line.strip_prefix("(* ").map(|line| line.trim_end().trim_end_matches("*)").trim_end());
        let example = comment.and_then(|line| line.split_once(' '));
        if open && (comment.is_some() || line.trim().is_empty()) {
            out.push_str("```\n");
            open = false;
        }
        match example {
            Some(("----", title)) => {
                let _ = writeln!(out, "\n### {}", title.trim_end_matches('-').trim());
            }
            Some(("ok", text)) => {
                let _ = writeln!(out, "- takes {}", code(text.trim()));
            }
            Some(("bad", text)) => {
                let (text, at) = text.rsplit_once('@').unwrap_or((text, "0"));
                let _ = writeln!(out, "- refuses {} at {at}", code(text.trim()));
            }
            Some(_) => {}
            None if line.trim().is_empty() => {}
            None => {
                if !open {
                    out.push_str("\n```ebnf\n");
                    open = true;
                }
                let _ = writeln!(out, "{line}");
            }
        }
    }
    if open {
        out.push_str("```\n");
    }
}

/// The names of the language, each with its kind: from the list beside the project, else from the table itself.
fn names(table: &str) -> Vec<(String, String)> {
    let root = std::env::var_os("SIGHTHOUND_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let text = |one: &Json, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    if let Ok(list) = std::fs::read_to_string(root.join("oracle/functions.json"))
        && let Ok(Json::Array(list)) = serde_json::from_str(&list)
    {
        return list.iter().map(|one| (text(one, "kind"), text(one, "name"))).collect();
    }
    eprintln!("passed over: no oracle/functions.json in {}; the names are those of {SUPPORT}", root.display());
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(|cell| cell.trim().trim_matches('`'));
        Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
    };
    table.lines().filter_map(row).map(|(name, kind)| (kind, name)).collect()
}

fn has(kind: &str, name: &str) -> bool {
    match kind {
        "aggregate" => aggregate(name).is_some(),
        "plugin" => whole::whole(name).is_some() || REWRITTEN.iter().any(|(known, _)| *known == name),
        _ => {
            let word = WORDS.iter().find(|(word, _)| *word == name);
            word.is_some_and(|(_, text)| kql::parse(&Source::new(*text)).into_result().is_ok())
                || scalar(name).is_some()
                || window(name).is_some()
                || whole::graph::PATTERN_FUNCTIONS.contains(&name)
        }
    }
}

/// Why a name is not here, as its refusal says it.
fn lacking(name: &str) -> &'static str {
    let absent = ABSENT.iter().find(|(known, ..)| *known == name).map(|(_, why, _)| *why);
    let elsewhere = || ELSEWHERE.iter().find(|(names, ..)| names.contains(&name)).map(|(_, why, _)| *why);
    let data = || NEEDS_DATA.iter().find(|(known, ..)| *known == name).map(|(_, what, _)| *what);
    absent.or_else(elsewhere).or_else(data).unwrap_or_default()
}

fn support(names: &[(String, String)]) -> String {
    let held = names.iter().filter(|(kind, name)| has(kind, name)).count();
    let mut out = format!(
        "# Support\n\nGenerated: which names of the reference compiler's list are here. What is here is whole; what is \
         not is refused by name, with the reason that stands beside it. {held} of {} are here.\n\n| name | kind | here \
         |\n|---|---|---|\n",
        names.len()
    );
    for (kind, name) in names {
        let here = if has(kind, name) { "has".to_owned() } else { format!("has not: {}", lacking(name)) };
        let _ = writeln!(out, "| `{name}` | {kind} | {here} |");
    }
    out
}

fn holds(path: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        assert!(std::fs::write(&file, generated).is_ok(), "{path} cannot be written");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    let other = there.lines().zip(generated.lines()).find(|(there, generated)| there != generated);
    assert!(there == generated, "{path} is not what is generated (BLESS=1 writes it anew), from here on: {other:?}");
}

#[test]
fn the_reference_is_what_the_tables_say() {
    holds(REFERENCE, &reference(include_str!("../../grammar/kql.ebnf")));
}

#[test]
fn the_support_table_is_what_the_tables_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(SUPPORT);
    let there = std::fs::read_to_string(file).unwrap_or_default();
    let names = names(&there);
    assert!(!names.is_empty(), "no names at all");
    holds(SUPPORT, &support(&names));
}

#[test]
fn what_is_not_here_is_refused_with_a_reason() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(SUPPORT);
    let there = std::fs::read_to_string(file).unwrap_or_default();
    let bare: Vec<_> =
        names(&there).into_iter().filter(|(kind, name)| !has(kind, name) && lacking(name).is_empty()).collect();
    assert!(bare.is_empty(), "{bare:?}");
}

/// Operators in other words, each behind the one that it is.
const OTHER_WORDS: &[(&str, &str)] = &[("filter", "where"), ("mvapply", "mv-apply"), ("mvexpand", "mv-expand")];
/// Words of operators that are refused.
const REFUSED: &[&str] = &["inline_external_table", "__executeAndCache"];

#[test]
fn every_operator_and_plugin_is_shown() {
    let grammar = include_str!("../../grammar/kql.ebnf");
    let production = |name: &str| grammar.split_once(&format!("\n{name} = ")).map(|(_, rest)| rest);
    let text = production("operator").and_then(|rest| rest.split_once(';')).map_or("", |(text, _)| text);
    let quoted = |rest: &'static str| rest.split('"').skip(1).step_by(2);
    let word = |text: &&str| text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let words = text.split('|').filter_map(|name| quoted(production(name.trim())?).find(word));
    let shown = |word: &&str| OPERATORS.iter().any(|one| one.name == *word) || REFUSED.contains(word);
    let named = |word| OTHER_WORDS.iter().find(|(other, _)| *other == word).map_or(word, |(_, known)| *known);
    let missing: Vec<&str> = words.map(named).filter(|word| !shown(word)).collect();
    assert!(missing.is_empty() && text.len() > 100, "{missing:?}");
    let known = whole::all().map(|one| one.name).chain(REWRITTEN.iter().map(|(name, _)| *name));
    // What operators are made of has no name that could be written.
    let known = known.filter(|name| !["graph-nodes", "graph-components"].contains(name));
    let missing: Vec<&str> =
        known.filter(|name| !PLUGINS.iter().chain(OPERATORS).any(|one| one.name == *name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_examples_have_answers() {
    let reference = reference(include_str!("../../grammar/kql.ebnf"));
    let shown = reference.split_once("## Tabular operators").map_or("", |(_, rest)| rest);
    let faulty: Vec<&str> = shown.lines().filter(|line| line.starts_with("error[")).collect();
    assert!(faulty.is_empty() && !shown.is_empty(), "{faulty:?}");
}
