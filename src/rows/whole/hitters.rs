//! top-hitters.
use super::args::Args;
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::Schema;
use crate::value::Value;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

pub const WHOLES: &[Whole] = &[Whole {
    name: "top-hitters",
    doc: "The values that stand in the most rows, or whose rows have the greatest sum. The counts are exact here.",
    takes: "count: Constant long; of: Scalar; by: Scalar?. The schema is the value and its count or sum.",
    over: Over::Arguments,
    run: top_hitters,
}];

fn count(args: &Args<'_>) -> usize {
    args.constant("count").and_then(Value::as_long).map_or(0, |count| usize::try_from(count).unwrap_or(0))
}

fn top_hitters(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let of = args.ready("of", &input.schema, env.now)?;
    let by = args.ready_all("by", &input.schema, env.now)?;
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<(Value<'static>, Value<'static>)> = Vec::new();
    let real = schema.columns.get(1).is_some_and(|column| column.ty == crate::types::Type::Real);
    for row in &input.rows {
        let value = of.eval(row);
        let at = *index.entry(order::group_key([&value])).or_insert(groups.len());
        if at == groups.len() {
            groups.push((value.into_owned(), if real { Value::Real(0.0) } else { Value::Long(0) }));
        }
        let weight = by.first().map_or(Value::Long(1), |by| by.eval(row));
        let sum = &mut groups[at].1;
        *sum = match (&*sum, &weight) {
            (Value::Real(sum), weight) => Value::Real(sum + weight.as_real().unwrap_or(0.0)),
            (sum, weight) => Value::Long(sum.as_long().unwrap_or(0).wrapping_add(weight.as_long().unwrap_or(0))),
        };
    }
    // The engine takes the hitters off a heap, which decides among equals, and puts out the least first.
    let mut heap = BinaryHeap::with_capacity(groups.len());
    groups.into_iter().for_each(|(value, sum)| heap.push(Hitter { value, sum }));
    let mut hitters: Vec<Hitter> = std::iter::from_fn(|| heap.pop()).take(count(&args)).collect();
    hitters.reverse();
    let mut sink = Sink::new(env.budget);
    for Hitter { value, sum } in hitters {
        sink.push(vec![value, sum])?;
    }
    Ok(sink.finish(schema))
}

/// A value with its count or sum, and ordered by that alone.
struct Hitter {
    value: Value<'static>,
    sum: Value<'static>,
}

impl Ord for Hitter {
    fn cmp(&self, other: &Hitter) -> Ordering {
        order::compare(&self.sum, &other.sum)
    }
}

impl PartialOrd for Hitter {
    fn partial_cmp(&self, other: &Hitter) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Hitter {
    fn eq(&self, other: &Hitter) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Hitter {}
