//! make-series: one array for each aggregation and group, an element for each step of the axis.
//! <https://learn.microsoft.com/kusto/query/make-series-operator>
use super::args::Args;
use super::measure::{Folds, Measure};
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Schema, Type};
use crate::value::{Decimal, Json, Value};
use std::collections::HashMap;

pub const WHOLES: &[Whole] = &[Whole {
    name: "make-series",
    doc: "Arrays of aggregated values along an axis of equal steps, one row for each group.",
    takes: "on: Scalar; from: Scalar?, to: Scalar?, step: Scalar (without columns); key: Scalar*; inclusive: Constant \
            bool? (`to` belongs to the axis), nonempty: Constant bool?; series: Group* of a measure and default: Scalar? (without columns). The schema is the keys, the \
            measures' values (dynamic), the axis (dynamic).",
    over: Over::Arguments,
    run,
}];

struct Series {
    measure: Measure,
    defaults: Vec<Json>,
}

struct Group {
    keys: Vec<Value<'static>>,
    /// By the number of the bin.
    bins: HashMap<i64, Vec<Folds>>,
}

fn run(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let on = args.ready("on", &input.schema, env.now)?;
    let keys = args.ready_all("key", &input.schema, env.now)?;
    let mut series = Vec::new();
    for group in args.groups("series") {
        let measure = Measure::new(&group, &input.schema, env.now)?;
        let default = group.fixed("default", env.now)?;
        let defaults = measure.types.iter().map(|ty| gap(default.as_ref(), *ty)).collect();
        series.push(Series { measure, defaults });
    }
    let axis = Axis::new(&args, on.ty(), env.now)?;
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut held = 0usize;
    for row in &input.rows {
        let Some(bin) = axis.bin(&on.eval(row)) else { continue };
        let values: Vec<Value<'static>> = keys.iter().map(|key| key.eval(row).into_owned()).collect();
        let key = order::group_key(&values);
        let at = *index.entry(key).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Group { keys: values, bins: HashMap::new() });
        }
        let folds = groups[at].bins.entry(bin).or_insert_with(|| {
            held += 1;
            series.iter().map(|one| one.measure.start()).collect()
        });
        if held > env.budget.rows {
            return Err(RowsError::Rows(env.budget.rows));
        }
        for (one, folds) in series.iter().zip(folds) {
            one.measure.add(folds, row);
        }
    }
    if groups.is_empty() && keys.is_empty() && args.flag("nonempty") {
        groups.push(Group { keys: vec![], bins: HashMap::new() });
    }
    let mut sink = Sink::new(env.budget);
    for group in groups {
        let (first, count) = axis.extent(&group.bins);
        if count > env.budget.rows as i64 {
            return Err(RowsError::Rows(env.budget.rows));
        }
        if count <= 0 {
            continue;
        }
        let mut arrays: Vec<Vec<Vec<Json>>> =
            series.iter().map(|one| vec![Vec::with_capacity(count as usize); one.defaults.len()]).collect();
        let mut ticks = Vec::with_capacity(count as usize);
        for bin in first..first + count {
            ticks.push(axis.tick(bin).to_json());
            for (at, (one, arrays)) in series.iter().zip(&mut arrays).enumerate() {
                match group.bins.get(&bin).and_then(|folds| folds.get(at)) {
                    Some(folds) => {
                        let values = one.measure.finish(folds);
                        values.iter().zip(arrays).for_each(|(value, array)| array.push(value.to_json()));
                    }
                    None => {
                        one.defaults.iter().zip(arrays).for_each(|(default, array)| array.push(default.clone()));
                    }
                }
            }
        }
        let mut cells = group.keys;
        cells.extend(arrays.into_iter().flatten().map(|array| Value::json(Json::Array(array))));
        cells.push(Value::json(Json::Array(ticks)));
        sink.push(cells)?;
    }
    Ok(sink.finish(schema))
}

/// What stands for a step without rows: the default, or zero of the type.
fn gap(default: Option<&Value<'static>>, ty: Type) -> Json {
    match (default, ty) {
        (None, Type::Int | Type::Long) => Json::from(0),
        (None, Type::Real) => Json::from(0.0),
        (None, Type::Decimal) => Value::Decimal(Decimal(0)).to_json(),
        (None, Type::Timespan) => Value::Timespan(0).to_json(),
        (None, Type::Bool | Type::String | Type::Datetime | Type::Guid | Type::Dynamic) => Json::Null,
        (Some(value), Type::Real) => value.as_real().map_or_else(|| value.to_json(), |x| Value::Real(x).to_json()),
        (Some(value), _) => value.to_json(),
    }
}

/// The axis in whole steps: ticks and longs count exactly, reals as they are.
enum Axis {
    Whole { ty: Type, from: Option<i64>, to: Option<i64>, step: i64 },
    Real { from: Option<f64>, to: Option<f64>, step: f64 },
}

impl Axis {
    fn new(args: &Args<'_>, ty: Type, now: i64) -> Result<Axis, RowsError> {
        let (from, to) = (args.fixed("from", now)?, args.fixed("to", now)?);
        let step = args.fixed("step", now)?.unwrap_or(Value::Null);
        let bad_step = || args.wrong("the step of `make-series` must be more than zero");
        let real = |value: Option<Value<'static>>| value.as_ref().and_then(Value::as_real);
        let inclusive = args.flag("inclusive");
        if ty == Type::Real || matches!(step, Value::Real(_)) && ty.is_integer() {
            let step = step.as_real().filter(|step| *step > 0.0).ok_or_else(bad_step)?;
            let (from, to) = (real(from), real(to));
            let past = |to: f64| {
                let from = from.unwrap_or(0.0);
                from + (((to - from) / step).floor() + 1.0) * step
            };
            return Ok(Axis::Real { from, to: if inclusive { to.map(past) } else { to }, step });
        }
        let step = units(&step).filter(|step| *step > 0).ok_or_else(bad_step)?;
        let (from, to) = (from.as_ref().and_then(units), to.as_ref().and_then(units));
        let past = |to: i64| {
            let from = from.unwrap_or(0);
            from.saturating_add((to.saturating_sub(from).div_euclid(step) + 1).saturating_mul(step))
        };
        Ok(Axis::Whole { ty, from, to: if inclusive { to.map(past) } else { to }, step })
    }

    /// The number of the bin, where the value lies on the axis.
    fn bin(&self, value: &Value<'_>) -> Option<i64> {
        match self {
            Axis::Whole { from, to, step, .. } => {
                let at = units(value)?;
                let inside = from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
                inside.then(|| at.checked_sub(self.origin())).flatten().map(|by| by.div_euclid(*step))
            }
            Axis::Real { from, to, step } => {
                let at = value.as_real().filter(|at| at.is_finite())?;
                let inside = from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
                inside.then(|| ((at - from.unwrap_or(0.0)) / step).floor() as i64)
            }
        }
    }

    fn origin(&self) -> i64 {
        match self {
            Axis::Whole { from, .. } => from.unwrap_or(0),
            Axis::Real { .. } => 0,
        }
    }

    /// The first bin and how many there are: as `from` and `to` say, otherwise as far as there are rows.
    fn extent(&self, bins: &HashMap<i64, Vec<Folds>>) -> (i64, i64) {
        let lowest = bins.keys().min().copied();
        let highest = bins.keys().max().copied();
        let (from, end) = match self {
            Axis::Whole { from, to, step, .. } => {
                let end = to.map(|to| {
                    let by = to.saturating_sub(self.origin());
                    by.div_euclid(*step) + i64::from(by.rem_euclid(*step) > 0)
                });
                (from.map(|_| 0), end)
            }
            Axis::Real { from, to, step } => {
                (from.map(|_| 0), to.map(|to| ((to - from.unwrap_or(0.0)) / step).ceil() as i64))
            }
        };
        let from = from.or(lowest).unwrap_or(0);
        let end = end.or(highest.map(|bin| bin.saturating_add(1))).unwrap_or(from);
        (from, end.saturating_sub(from))
    }

    /// Where the bin begins.
    fn tick(&self, bin: i64) -> Value<'static> {
        match self {
            Axis::Whole { ty, step, .. } => {
                let at = self.origin().wrapping_add(bin.wrapping_mul(*step));
                match ty {
                    Type::Datetime => Value::Datetime(at),
                    Type::Timespan => Value::Timespan(at),
                    Type::Bool
                    | Type::Int
                    | Type::Long
                    | Type::Real
                    | Type::Decimal
                    | Type::String
                    | Type::Guid
                    | Type::Dynamic => Value::Long(at),
                }
            }
            Axis::Real { from, step, .. } => Value::Real(from.unwrap_or(0.0) + bin as f64 * step),
        }
    }
}

fn units(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Datetime(x) | Value::Timespan(x) => Some(*x),
        other => other.as_long(),
    }
}
