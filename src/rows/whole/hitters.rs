//! top-hitters, sample and sample-distinct.
use super::Whole;
use super::args::Args;
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::Schema;
use crate::value::Value;
use std::collections::HashMap;

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "top-hitters",
        doc: "The values that stand in the most rows, or whose rows have the greatest sum. The counts are exact here.",
        takes: "count: Constant long; of: Scalar; by: Scalar?. The schema is the value and its count or sum.",
        run: top_hitters,
    },
    Whole {
        name: "sample",
        doc: "That many rows at random.",
        takes: "count: Constant long. The schema is the input's.",
        run: sample,
    },
    Whole {
        name: "sample-distinct",
        doc: "That many different values.",
        takes: "count: Constant long; of: Scalar. The schema is the value.",
        run: sample_distinct,
    },
];

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
    groups.sort_by(|a, b| order::compare(&b.1, &a.1));
    groups.truncate(count(&args));
    let mut sink = Sink::new(env.budget);
    for (value, sum) in groups {
        sink.push(vec![value, sum])?;
    }
    Ok(sink.finish(schema))
}

fn sample(call: &WholeCall, inputs: &[Table], schema: &Schema, _: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let count = count(&args);
    // A reservoir: each row is as likely as any other.
    let mut picked: Vec<usize> = (0..input.rows.len().min(count)).collect();
    let mut random = Random::new();
    for row in count..input.rows.len() {
        let place = random.below(row + 1);
        if place < count {
            picked[place] = row;
        }
    }
    picked.sort_unstable();
    Ok(Table { schema: schema.clone(), rows: picked.into_iter().map(|row| input.rows[row].clone()).collect() })
}

/// A splitmix sequence with a seed that no query can know.
struct Random(u64);

impl Random {
    fn new() -> Random {
        use std::hash::{BuildHasher, RandomState};
        Random(RandomState::new().hash_one(0))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(x ^ (x >> 31)) * bound as u128) >> 64) as usize
    }
}

fn sample_distinct(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let of = args.ready("of", &input.schema, env.now)?;
    let count = count(&args);
    let mut seen = std::collections::HashSet::new();
    let mut sink = Sink::new(env.budget);
    for row in &input.rows {
        if sink.len() >= count {
            break;
        }
        let value = of.eval(row);
        if seen.insert(order::group_key([&value])) {
            sink.push(vec![value.into_owned()])?;
        }
    }
    Ok(sink.finish(schema))
}
