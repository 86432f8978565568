//! Writes `grammar/REFERENCE.md` and `grammar/SUPPORT.md` from the tables, and holds the files against them. With
//! `BLESS=1` in the environment the files are written anew.
use super::operators::Right;
use super::{AGGREGATE_FAMILIES, FAMILIES, Gives, Occurs, Param, aggregate, operators, scalar, window, windows};
use crate::bind::kql::ops::evaluate::REWRITTEN;
use crate::rows::whole;
use crate::syntax::kql;
use crate::text::Source;
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
    out.push_str("\n## Operators and plug-ins over whole tables\n");
    for one in whole::all() {
        let _ = writeln!(out, "\n**{}** {}", code(one.name), one.doc);
    }
    for (name, doc) in REWRITTEN {
        let _ = writeln!(out, "\n**{}** {doc}", code(name));
    }
    out.push_str("\n## Grammar\n");
    productions(&mut out, grammar);
    out
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

fn support(names: &[(String, String)]) -> String {
    let held = names.iter().filter(|(kind, name)| has(kind, name)).count();
    let mut out = format!(
        "# Support\n\nGenerated: which names of the reference compiler's list are here. What is here is whole; what is \
         not is refused by name. {held} of {} are here.\n\n| name | kind | here |\n|---|---|---|\n",
        names.len()
    );
    for (kind, name) in names {
        let _ = writeln!(out, "| `{name}` | {kind} | {} |", if has(kind, name) { "has" } else { "has not" });
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
