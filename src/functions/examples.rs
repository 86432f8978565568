//! Every entry's examples run, through the front door of the language half: text, tree, typed middle, rows.
use crate::bind::{self, Context};
use crate::catalog::Known;
use crate::rows::{self, Budget, Env, NoTables};
use crate::syntax::kql;
use crate::text::Source;
use crate::value::{Value, datetime};

const NOW: i64 = datetime::UNIX_EPOCH + 50 * 365 * datetime::TICKS_PER_DAY;

/// The text of the single value that a query gives, or what went wrong.
fn answer(query: &str) -> Result<String, String> {
    let source = Source::new(query);
    let tree = kql::parse(&source).into_result().map_err(|faults| format!("{faults:?}"))?;
    let context = Context { tables: &Known, now: NOW, parameters: &[], data: None };
    let bound = bind::kql(&tree, &context).map_err(|faults| format!("{faults:?}"))?;
    let [answer] = bound.results.as_slice() else { return Err("not one result".into()) };
    let env = Env { now: NOW, each: None, source: &NoTables, budget: Budget::default() };
    let table = rows::run(&answer.rel, &env).map_err(|fault| fault.to_string())?;
    match table.rows.as_slice() {
        [row] if row.len() == 1 => Ok(if row[0] == Value::Null { "null".into() } else { row[0].text().into_owned() }),
        rows => Err(format!("not one value: {rows:?}")),
    }
}

fn wrong(query: &str, expected: &str) -> Option<String> {
    let found = answer(query);
    (found.as_deref() != Ok(expected)).then(|| format!("{query}\n    gives {found:?}, not {expected:?}"))
}

#[test]
fn every_example_gives_its_answer() {
    let scalars = super::all().flat_map(|one| one.examples).map(|(text, value)| (format!("print x = {text}"), *value));
    let aggregates =
        super::all_aggregates().flat_map(|one| one.examples).map(|(text, value)| ((*text).to_owned(), *value));
    let wrong: Vec<String> = scalars.chain(aggregates).filter_map(|(query, value)| wrong(&query, value)).collect();
    assert!(wrong.is_empty(), "{} examples are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
