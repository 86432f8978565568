//! dcount_intersect and rows_near.
use super::args::Args;
use super::{Over, Whole};
use crate::functions::aggregates::hyperloglog::Hll;
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table};
use crate::types::Schema;
use crate::value::Value;

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "dcount_intersect",
        doc: "How many values the first sketch has, the first two have in common, the first three, and so on.",
        takes: "sketch: Scalar+. The schema is the input's, then a long for each sketch.",
        over: Over::Tables,
        run: dcount_intersect,
    },
    Whole {
        name: "rows_near",
        doc: "The rows that satisfy a condition, with some rows before and after each.",
        takes: "when: Scalar; before, after: Constant long. The schema is the input's.",
        over: Over::Tables,
        run: rows_near,
    },
];

fn dcount_intersect(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let sketches = args.ready_all("sketch", &input.schema, env.now)?;
    let mut sink = Sink::new(env.budget);
    for row in &input.rows {
        let sets: Vec<Option<Hll>> = sketches.iter().map(|one| Hll::from_value(&one.eval(row))).collect();
        let mut cells = row.clone();
        for count in 1..=sets.len() {
            let some: Option<Vec<&Hll>> = sets[..count].iter().map(Option::as_ref).collect();
            cells.push(some.map_or(Value::Null, |some| Value::Long(common(&some))));
        }
        sink.push(cells)?;
    }
    Ok(sink.finish(schema))
}

/// What sets have in common, by the sizes of all their unions.
fn common(sets: &[&Hll]) -> i64 {
    let mut total = 0i64;
    for choice in 1u32..1 << sets.len() {
        let mut chosen = sets.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1).map(|(_, set)| *set);
        let Some(first) = chosen.next() else { continue };
        let mut union = first.clone();
        chosen.for_each(|set| union.union(set));
        let size = union.estimate();
        total += if choice.count_ones() % 2 == 1 { size } else { -size };
    }
    total.max(0)
}

fn rows_near(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let when = args.ready("when", &input.schema, env.now)?;
    let count = |name: &str| {
        args.constant(name).and_then(Value::as_long).map_or(0, |count| usize::try_from(count).unwrap_or(0))
    };
    let (before, after) = (count("before"), count("after"));
    let mut kept = vec![false; input.rows.len()];
    let mut done = 0;
    for (at, row) in input.rows.iter().enumerate() {
        if when.eval(row).as_bool() == Some(true) {
            let from = at.saturating_sub(before).max(done);
            let to = at.saturating_add(after).saturating_add(1).min(kept.len());
            kept[from..to].fill(true);
            done = to;
        }
    }
    let mut sink = Sink::new(env.budget);
    for (row, _) in input.rows.iter().zip(kept).filter(|(_, kept)| *kept) {
        sink.push(row.clone())?;
    }
    Ok(sink.finish(schema))
}
