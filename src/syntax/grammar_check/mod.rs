//! Four checks that hold the grammar file and the parser against one another, so that neither can lag.
mod ebnf;
mod generate;
mod recognise;

use super::kql;
use super::kql::agreement::cases;
use super::kql::entries::{ENTRIES, entry, query};
use crate::functions;
use crate::text::Source;
use ebnf::Grammar;
use recognise::recognise;
use std::collections::BTreeSet;

/// Sentences for each run of the last check.
const SENTENCES: u64 = 1_000;

fn grammar() -> Grammar {
    match ebnf::read(include_str!("../../../grammar/kql.ebnf")) {
        Ok(grammar) => grammar,
        Err(wrong) => panic!("grammar/kql.ebnf: {wrong}"),
    }
}

/// The recognizer goes as deep as the grammar does.
fn with_room(check: fn() -> Vec<String>) {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(check);
    let wrong = thread.map(|thread| thread.join());
    match wrong {
        Ok(Ok(wrong)) => assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn productions_and_entries_are_one_to_one() {
    let grammar = grammar();
    let productions: Vec<&str> = grammar.productions.iter().map(|one| one.name.as_str()).collect();
    let entries: Vec<&str> = std::iter::once("query").chain(ENTRIES.iter().map(|(name, _)| *name)).collect();
    let missing = |of: &[&str], among: &[&str]| -> Vec<String> {
        of.iter().filter(|name| !among.contains(name)).map(|name| (*name).to_string()).collect()
    };
    assert_eq!(missing(&productions, &entries), Vec::<String>::new(), "productions without an entry");
    assert_eq!(missing(&entries, &productions), Vec::<String>::new(), "entries without a production");
    assert_eq!(productions.len(), grammar.index.len(), "a production stands twice");
}

#[test]
fn the_examples_are_what_they_claim() {
    with_room(|| {
        let grammar = grammar();
        let mut wrong = Vec::new();
        for (number, production) in grammar.productions.iter().enumerate() {
            let name = &production.name;
            let Some(entry) = entry(name) else { continue };
            // Nothing at all is a list of settings, so no text of them fails before its end.
            if production.ok.is_empty() || (production.bad.is_empty() && name != "settings") {
                wrong.push(format!("{name}: examples are missing"));
            }
            for text in &production.ok {
                if let Err(at) = entry(text) {
                    wrong.push(format!("{name}: `{text}` should be read, the parser fails at {at}"));
                }
                if let Err(at) = recognise(&grammar, number, text) {
                    wrong.push(format!("{name}: `{text}` should be read, the grammar fails at {at}"));
                }
            }
            for (text, at) in &production.bad {
                match entry(text) {
                    Err(found) if found == *at => {}
                    found => wrong.push(format!("{name}: `{text}` should fail at {at}, the parser says {found:?}")),
                }
            }
        }
        wrong
    });
}

#[test]
fn the_grammar_takes_what_the_parser_takes() {
    with_room(|| {
        let grammar = grammar();
        let start = grammar.index["query"];
        let shared = cases().into_iter().map(|(_, text, _)| text);
        let scalars = functions::all().flat_map(|one| one.examples).map(|(text, _)| format!("print {text}"));
        let aggregates = functions::all_aggregates().flat_map(|one| one.examples).map(|(text, _)| text.to_string());
        let texts: BTreeSet<String> = shared.chain(scalars).chain(aggregates).collect();
        let read = texts.iter().filter(|text| query(text).is_ok());
        read.filter_map(|text| {
            let at = recognise(&grammar, start, text).err()?;
            let around: String = text.get(at as usize..).unwrap_or("").chars().take(60).collect();
            Some(format!("the grammar fails at {at} of `{text}`: `{around}`"))
        })
        .collect()
    });
}

#[test]
fn the_parser_takes_what_the_grammar_takes() {
    with_room(|| {
        let grammar = grammar();
        let start = grammar.index["query"];
        let sentences = (0..SENTENCES).map(|seed| generate::sentence(&grammar, start, seed));
        sentences
            .filter(|text| !ambiguous(text))
            .filter_map(|text| query(&text).err().map(|at| format!("the parser fails at {at} of `{text}`")))
            .collect()
    });
}

#[test]
fn sentences_are_printed_as_they_are_read() {
    with_room(|| {
        let grammar = grammar();
        let start = grammar.index["query"];
        let sentences = (0..SENTENCES).map(|seed| generate::sentence(&grammar, start, seed + SENTENCES));
        let sentences = sentences.filter(|text| !ambiguous(text));
        let trees =
            sentences.filter_map(|text| Some((kql::parse(&Source::new(text.as_str())).into_result().ok()?, text)));
        trees
            .map(|(tree, text)| (tree.to_string(), tree, text))
            // Parts that are passed over have no text of their own.
            .filter(|(printed, _, _)| !printed.contains('…'))
            .filter(|(printed, tree, _)| kql::parse(&Source::new(printed.as_str())).into_result().as_ref() != Ok(tree))
            .map(|(printed, _, text)| format!("`{text}` is printed as `{printed}`"))
            .collect()
    });
}

/// Sentences that the language reads otherwise than the grammar alone would: strings side by side are one; `(*` after
/// `let x =` begins parameters; `[*` after a dot begins a pattern; `with` after a `]` is externaldata's own; in the list
/// after `in`, a comma before the pipe, inside brackets or braces, hides the pipe.
fn ambiguous(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let string = |word: &str| word.ends_with(['\'', '"']);
    let pair = |test: &dyn Fn(&str, &str) -> bool| words.windows(2).any(|pair| test(pair[0], pair[1]));
    pair(&|a, b| string(a) && string(b))
        || words.windows(3).any(|three| three == ["=", "(", "*"] || three == [".", "[", "*"])
        || words.windows(2).zip(2..).any(|(two, next)| two == ["]", "with"] && words.get(next) != Some(&"("))
        || (pair(&|a, b| b == "(" && matches!(a, "in" | "!in" | "in~" | "!in~" | "has_any" | "has_all"))
            && words.iter().any(|word| matches!(*word, "[" | "{")))
}
