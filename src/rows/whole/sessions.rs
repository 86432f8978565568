//! session_count and rolling_percentile.
use super::activity::{units, value_of};
use super::args::Args;
use super::measure::Measure;
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "session_count",
        doc: "Sessions that begin in each bin; a session of an id ends when nothing is seen of it for a window.",
        takes: "id: Scalar; time: Scalar; start, end, bin, window: Scalar (without columns); key: Scalar*. The schema is \
                the time, the dimensions, the count.",
        over: Over::Tables,
        run: session_count,
    },
    Whole {
        name: "rolling_percentile",
        doc: "A percentile over the last bins, bin by bin.",
        takes: "time: Scalar; bin, bins: Scalar (without columns); key: Scalar*; a measure (the percentile). The schema is \
                the time, the dimensions, the percentile.",
        over: Over::Tables,
        run: rolling_percentile,
    },
];

type Row = Vec<Value<'static>>;
type TimesById = HashMap<Vec<u8>, Vec<i64>>;

fn length(args: &Args<'_>, name: &str, now: i64) -> Result<i64, RowsError> {
    let value = args.fixed(name, now)?;
    let length = value.as_ref().and_then(units).filter(|length| *length > 0);
    length.ok_or_else(|| args.wrong(format!("the {name} of `evaluate` must be more than zero")))
}

fn session_count(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let ty = args.scalar("time").map_or(Type::Datetime, |time| time.ty());
    let id = args.ready("id", &input.schema, env.now)?;
    let time = args.ready("time", &input.schema, env.now)?;
    let keys = args.ready_all("key", &input.schema, env.now)?;
    let start = args.fixed("start", env.now)?.as_ref().and_then(units).unwrap_or(i64::MIN);
    let end = args.fixed("end", env.now)?.as_ref().and_then(units).unwrap_or(i64::MAX);
    let (bin, window) = (length(&args, "bin", env.now)?, length(&args, "window", env.now)?);
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    // The dimensions, and the times of each id.
    let mut groups: Vec<(Row, TimesById)> = Vec::new();
    for row in &input.rows {
        let Some(at) = units(&time.eval(row)).filter(|at| (start..=end).contains(at)) else { continue };
        let dimensions: Vec<Value<'static>> = keys.iter().map(|key| key.eval(row).into_owned()).collect();
        let place = *index.entry(order::group_key(&dimensions)).or_insert(groups.len());
        if place == groups.len() {
            groups.push((dimensions, HashMap::new()));
        }
        groups[place].1.entry(order::group_key([&id.eval(row)])).or_default().push(at);
    }
    let mut sink = Sink::new(env.budget);
    for (dimensions, ids) in groups {
        let mut sessions: BTreeMap<i64, i64> = BTreeMap::new();
        for (_, mut times) in ids {
            times.sort_unstable();
            let mut before: Option<i64> = None;
            for at in times {
                if before.is_none_or(|before| at.saturating_sub(before) >= window) {
                    *sessions.entry(at.div_euclid(bin).saturating_mul(bin)).or_default() += 1;
                }
                before = Some(at);
            }
        }
        for (at, count) in sessions {
            let mut row = vec![value_of(at, ty)];
            row.extend(dimensions.iter().cloned());
            row.push(Value::Long(count));
            sink.push(row)?;
        }
    }
    Ok(sink.finish(schema))
}

fn rolling_percentile(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let ty = args.scalar("time").map_or(Type::Datetime, |time| time.ty());
    let time = args.ready("time", &input.schema, env.now)?;
    let keys = args.ready_all("key", &input.schema, env.now)?;
    let measure = Measure::new(&args, &input.schema, env.now)?;
    let (bin, bins) = (length(&args, "bin", env.now)?, length(&args, "bins", env.now)?);
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<(Row, BTreeMap<i64, Vec<usize>>)> = Vec::new();
    for (number, row) in input.rows.iter().enumerate() {
        let Some(at) = units(&time.eval(row)) else { continue };
        let dimensions: Vec<Value<'static>> = keys.iter().map(|key| key.eval(row).into_owned()).collect();
        let place = *index.entry(order::group_key(&dimensions)).or_insert(groups.len());
        if place == groups.len() {
            groups.push((dimensions, BTreeMap::new()));
        }
        groups[place].1.entry(at.div_euclid(bin)).or_default().push(number);
    }
    let mut sink = Sink::new(env.budget);
    for (dimensions, by_bin) in groups {
        for at in by_bin.keys() {
            let mut folds = measure.start();
            for number in by_bin.range(at.saturating_sub(bins).saturating_add(1)..=*at).flat_map(|(_, rows)| rows) {
                measure.add(&mut folds, &input.rows[*number]);
            }
            let mut row = vec![value_of(at.saturating_mul(bin), ty)];
            row.extend(dimensions.iter().cloned());
            row.push(measure.finish_one(&folds));
            sink.push(row)?;
            env.budget.check_time()?;
        }
    }
    Ok(sink.finish(schema))
}
