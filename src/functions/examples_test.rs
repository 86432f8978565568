//! The examples of all entries, from text to value: they are what the reference page prints.
use crate::bind::{self, Context};
use crate::catalog::Tables;
use crate::rows::{self, Budget, Env, NoTables};
use crate::syntax::kql;
use crate::text::{Diagnostics, Source};
use crate::types::{Schema, Type};
use crate::value::{Value, json_text};
use std::sync::Arc;

struct Nothing;

impl Tables for Nothing {
    fn schema(&self, _: &str) -> Option<Arc<Schema>> {
        None
    }

    fn hidden(&self, _: &str) -> Vec<(String, String, Type)> {
        vec![]
    }

    fn names(&self) -> Vec<String> {
        vec![]
    }
}

/// 2020-02-05T01:10:26Z.
const NOW: i64 = 637_164_690_260_000_000;

/// The last value of a query, as examples write it.
fn answer(query: &str) -> Result<String, String> {
    let told = |faults: Diagnostics| faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("; ");
    let tree = kql::parse(&Source::new(query)).into_result().map_err(told)?;
    let context = Context { tables: &Nothing, now: NOW, parameters: &[], data: None, saved: &[] };
    let bound = bind::kql(&tree, &context).map_err(told)?;
    let env = Env { now: NOW, each: None, source: &NoTables, budget: Budget::default() };
    let last = bound.results.last().ok_or("no answer")?;
    let table = rows::run(&last.rel, &env).map_err(|error| error.to_string())?;
    let cell = table.rows.last().and_then(|row| row.last()).ok_or("no cell")?;
    Ok(match cell {
        Value::Null => "null".into(),
        Value::Dynamic(value) if value.tree().is_string() => cell.text().into_owned(),
        Value::Dynamic(_) => json_text(cell),
        other => other.text().into_owned(),
    })
}

/// All that do not give what they promise.
fn broken(examples: impl Iterator<Item = (&'static str, String, &'static str)>) -> String {
    let mut out = String::new();
    for (name, query, wanted) in examples {
        match answer(&query) {
            Ok(given) if given == wanted => {}
            Ok(given) => out.push_str(&format!("{name}: {query} gives {given} instead of {wanted}\n")),
            Err(error) => out.push_str(&format!("{name}: {query} fails: {error}\n")),
        }
    }
    out
}

#[test]
fn scalar_functions_do_what_their_examples_say() {
    super::geo::places_test::opened();
    let all = super::all().flat_map(|one| {
        one.examples.iter().map(|(expression, wanted)| (one.name(), format!("print v = {expression}"), *wanted))
    });
    assert_eq!(broken(all), "");
}

#[test]
fn window_functions_do_what_their_examples_say() {
    let all = super::all_windows()
        .flat_map(|one| one.examples.iter().map(|(query, wanted)| (one.names[0], (*query).to_owned(), *wanted)));
    assert_eq!(broken(all), "");
}

#[test]
fn aggregations_do_what_their_examples_say() {
    let all = super::all_aggregates()
        .flat_map(|one| one.examples.iter().map(|(query, wanted)| (one.name(), (*query).to_owned(), *wanted)));
    assert_eq!(broken(all), "");
}
