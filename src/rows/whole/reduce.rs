//! reduce: texts that differ only here and there, as patterns with `*` for what differs.
//! <https://learn.microsoft.com/kusto/query/reduce-operator>
use super::args::Args;
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table};
use crate::types::Schema;
use crate::value::Value;
use std::collections::HashMap;

pub const WHOLES: &[Whole] = &[Whole {
    name: "reduce",
    doc: "Groups texts whose words are mostly the same under a pattern; those without company are `others`. The engine's \
          own clustering is not published: patterns of real data can differ from its.",
    takes: "of: Scalar; threshold: Constant real?; characters: Constant string?. The schema is Pattern, Count, \
            Representative.",
    over: Over::Arguments,
    run,
}];

const THRESHOLD: f64 = 0.1;

/// A text as words and what stands between them.
fn pieces<'t>(text: &'t str, separators: &str) -> Vec<(&'t str, bool)> {
    let is_word = |c: char| c.is_alphanumeric() && !separators.contains(c);
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = is_word(first);
        let end = if word { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        pieces.push((&rest[..end], word));
        rest = &rest[end..];
    }
    pieces
}

fn run(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let of = args.ready("of", &input.schema, env.now)?;
    let separators = args.text("characters").unwrap_or("");
    let threshold = args.constant("threshold").and_then(Value::as_real).unwrap_or(THRESHOLD);
    let texts: Vec<String> = input.rows.iter().map(|row| of.eval(row).text().into_owned()).collect();
    // A word stays in its place where enough of the texts of the same shape have it there.
    let mut shapes: HashMap<Vec<&str>, Vec<usize>> = HashMap::new();
    let mut order: Vec<Vec<&str>> = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let shape: Vec<&str> =
            pieces(text, separators).into_iter().map(|(piece, word)| if word { "*" } else { piece }).collect();
        let members = shapes.entry(shape.clone()).or_default();
        if members.is_empty() {
            order.push(shape);
        }
        members.push(at);
    }
    let mut found: Vec<(String, i64, String)> = Vec::new();
    let mut others = 0i64;
    for shape in order {
        let members = shapes.remove(&shape).unwrap_or_default();
        let mut counts: HashMap<(usize, &str), usize> = HashMap::new();
        for member in &members {
            for (place, (piece, _)) in pieces(&texts[*member], separators).into_iter().enumerate() {
                *counts.entry((place, piece)).or_default() += 1;
            }
        }
        let least = (threshold * texts.len() as f64).max(2.0);
        let mut patterns: HashMap<String, usize> = HashMap::new();
        for member in &members {
            let words = pieces(&texts[*member], separators);
            let kept: Vec<bool> = words
                .iter()
                .enumerate()
                .map(|(place, (piece, word))| !word || counts.get(&(place, *piece)).is_some_and(|n| *n as f64 > least))
                .collect();
            let pattern = pattern(&words, &kept);
            if !pattern.chars().any(char::is_alphanumeric) {
                others += 1;
                continue;
            }
            match patterns.get(&pattern) {
                Some(at) => found[*at].1 += 1,
                None => {
                    patterns.insert(pattern.clone(), found.len());
                    found.push((pattern, 1, texts[*member].clone()));
                }
            }
        }
    }
    let least = threshold * texts.len() as f64;
    found.retain(|(_, count, _)| {
        let keep = *count as f64 >= least && *count > 1;
        if !keep {
            others += count;
        }
        keep
    });
    found.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let mut sink = Sink::new(env.budget);
    for (pattern, count, text) in found {
        sink.push(vec![Value::string(pattern), Value::Long(count), Value::string(text)])?;
    }
    if others > 0 {
        sink.push(vec![Value::string("others"), Value::Long(others), Value::string("")])?;
    }
    Ok(sink.finish(schema))
}

/// The pieces with a star for each run of varying words; a star swallows the separators beside it.
fn pattern(words: &[(&str, bool)], kept: &[bool]) -> String {
    let mut pattern = String::new();
    let mut at = 0;
    while at < words.len() {
        let next_varies =
            words[at..].iter().zip(&kept[at..]).find(|((_, word), _)| *word).is_some_and(|(_, kept)| !kept);
        if words[at].1 && kept[at] {
            pattern.push_str(words[at].0);
            at += 1;
        } else if next_varies {
            while at < words.len() && !(words[at].1 && kept[at]) {
                at += 1;
            }
            pattern.push('*');
        } else {
            pattern.push_str(words[at].0);
            at += 1;
        }
    }
    pattern
}
