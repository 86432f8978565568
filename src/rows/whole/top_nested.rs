//! top-nested: the best groups, and within each the best groups of the next level, and so on.
//! <https://learn.microsoft.com/kusto/query/top-nested-operator>
use super::args::Args;
use super::measure::{Folds, Measure};
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Compiled, Env, RowsError, Table, order};
use crate::types::Schema;
use crate::value::Value;
use std::collections::HashMap;

pub const WHOLES: &[Whole] = &[Whole {
    name: "top-nested",
    doc: "The best groups by an aggregation, and within each of them the best of the next level.",
    takes: "level: Group+ of count: Constant long?, of: Scalar, others: Scalar? (without columns), ascending: Constant \
            bool?, and a measure. The schema has two columns a level: the group, then its measure.",
    over: Over::Arguments,
    run,
}];

struct Level {
    count: usize,
    of: Compiled,
    others: Option<Value<'static>>,
    ascending: bool,
    measure: Measure,
}

/// Rows of one group at one level, by number.
struct Group {
    value: Value<'static>,
    measured: Value<'static>,
    rows: Vec<usize>,
}

fn run(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let mut levels = Vec::new();
    for group in args.groups("level") {
        levels.push(Level {
            count: group
                .constant("count")
                .and_then(Value::as_long)
                .map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(0)),
            of: group.ready("of", &input.schema, env.now)?,
            others: group.fixed("others", env.now)?,
            ascending: group.flag("ascending"),
            measure: Measure::new(&group, &input.schema, env.now)?,
        });
    }
    // Groups still to be taken apart: their cells so far, their rows, and whether they are the rest of a level.
    let mut sink = Sink::new(env.budget);
    let mut work: Vec<(Vec<Value<'static>>, Vec<usize>, bool)> =
        vec![(Vec::new(), (0..input.rows.len()).collect(), false)];
    while let Some((cells, rows, rest)) = work.pop() {
        let Some(level) = levels.get(cells.len() / 2) else {
            sink.push(cells)?;
            continue;
        };
        let mut children = Vec::new();
        if rest {
            let value = level.others.clone().unwrap_or_else(|| Value::absent(level.of.ty()));
            children.push((Group { value, measured: measured(level, input, &rows), rows }, true));
        } else {
            let mut groups = groups(level, input, &rows);
            let left: Vec<Group> = groups.drain(level.count.min(groups.len())..).collect();
            children.extend(groups.into_iter().map(|group| (group, false)));
            if let (Some(value), false) = (&level.others, left.is_empty()) {
                let rows: Vec<usize> = left.into_iter().flat_map(|group| group.rows).collect();
                let measured = measured(level, input, &rows);
                children.push((Group { value: value.clone(), measured, rows }, true));
            }
        }
        // Last in, first out: the best group goes on top.
        for (group, rest) in children.into_iter().rev() {
            let mut cells = cells.clone();
            cells.extend([group.value, group.measured]);
            work.push((cells, group.rows, rest));
        }
        env.budget.check_time()?;
    }
    Ok(sink.finish(schema))
}

fn measured(level: &Level, input: &Table, rows: &[usize]) -> Value<'static> {
    let mut folds = level.measure.start();
    rows.iter().for_each(|row| level.measure.add(&mut folds, &input.rows[*row]));
    level.measure.finish_one(&folds)
}

/// The groups of a level, best first.
fn groups(level: &Level, input: &Table, rows: &[usize]) -> Vec<Group> {
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<(Group, Folds)> = Vec::new();
    for row in rows {
        let value = level.of.eval(&input.rows[*row]);
        let at = *index.entry(order::group_key([&value])).or_insert(groups.len());
        if at == groups.len() {
            let group = Group { value: value.into_owned(), measured: Value::Null, rows: Vec::new() };
            groups.push((group, level.measure.start()));
        }
        groups[at].0.rows.push(*row);
        level.measure.add(&mut groups[at].1, &input.rows[*row]);
    }
    let finish = |(mut group, folds): (Group, Folds)| {
        group.measured = level.measure.finish_one(&folds);
        group
    };
    // Of equal groups the engine puts the later one first.
    let mut groups: Vec<Group> = groups.into_iter().rev().map(finish).collect();
    groups.sort_by(|a, b| order::compare_for(&a.measured, &b.measured, !level.ascending, level.ascending));
    groups
}
