//! Plug-ins about who was active when: active_users_count, activity_counts_metrics, activity_engagement,
//! activity_metrics, new_activity_metrics, sliding_window_counts.
use super::args::Args;
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

const TAKES: &str = "id: Scalar; time: Scalar; start: Scalar, end: Scalar (without columns); key: Scalar* (the \
                     dimensions). The schema is the time, the dimensions, the figures.";

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "active_users_count",
        doc: "How many ids, step by step, were active in a number of periods of the window that ends there.",
        takes: "As activity_counts_metrics, and window, period, periods, step: Scalar (without columns).",
        over: Over::Tables,
        run: active_users_count,
    },
    Whole {
        name: "activity_counts_metrics",
        doc: "Rows, ids, new ids and all ids so far, step by step.",
        takes: TAKES,
        over: Over::Tables,
        run: activity_counts_metrics,
    },
    Whole {
        name: "activity_engagement",
        doc: "Ids of a short window against those of a long one that ends with it.",
        takes: "As activity_counts_metrics, and inner, outer: Scalar (without columns); start and end may be absent.",
        over: Over::Tables,
        run: activity_engagement,
    },
    Whole {
        name: "activity_metrics",
        doc: "Ids that stayed and ids that left, step by step.",
        takes: "As activity_counts_metrics, and step: Scalar (without columns); start and end may be absent.",
        over: Over::Tables,
        run: activity_metrics,
    },
    Whole {
        name: "new_activity_metrics",
        doc: "For the ids first seen in each step, how many are there in each later one.",
        takes: "As activity_counts_metrics, and step, cohort?: Scalar (without columns), earlier: Constant string, the \
                column of the second input, if there is one, whose ids are not new at any time. The schema has two \
                times.",
        over: Over::Tables,
        run: new_activity_metrics,
    },
    Whole {
        name: "sliding_window_counts",
        doc: "Rows and ids in the window that ends with each step.",
        takes: "As activity_counts_metrics, and window, step: Scalar (without columns).",
        over: Over::Tables,
        run: sliding_window_counts,
    },
];

/// The rows that count: id, time in units (ticks or longs), dimensions.
struct Timeline {
    events: Vec<(Vec<u8>, i64)>,
    dimensions: Vec<Value<'static>>,
}

struct Frame<'c> {
    args: Args<'c>,
    ty: Type,
    now: i64,
}

pub(super) fn units(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Datetime(x) | Value::Timespan(x) => Some(*x),
        Value::Real(x) => Some(*x as i64),
        other => other.as_long(),
    }
}

pub(super) fn value_of(units: i64, ty: Type) -> Value<'static> {
    match ty {
        Type::Datetime => Value::Datetime(units),
        Type::Timespan => Value::Timespan(units),
        Type::Int => i32::try_from(units).map_or(Value::Null, Value::Int),
        Type::Real => Value::Real(units as f64),
        Type::Bool | Type::Long | Type::Decimal | Type::String | Type::Guid | Type::Dynamic => Value::Long(units),
    }
}

impl<'c> Frame<'c> {
    fn new(call: &'c WholeCall, env: &Env<'_>) -> Frame<'c> {
        let args = Args::of(call);
        let ty = args.scalar("time").map_or(Type::Datetime, |time| time.ty());
        Frame { args, ty, now: env.now }
    }

    fn unit(&self, name: &str) -> Result<Option<i64>, RowsError> {
        Ok(self.args.fixed(name, self.now)?.as_ref().and_then(units))
    }

    /// A window or step, which must be more than nothing.
    fn length(&self, name: &str) -> Result<i64, RowsError> {
        let length = self.unit(name)?.filter(|length| *length > 0);
        length.ok_or_else(|| self.args.wrong(format!("the {name} of `evaluate` must be more than zero")))
    }

    /// Events by dimensions, from `start - before` to `end`, each group in the order of time.
    fn timelines(&self, inputs: &[Table], before: i64) -> Result<(Vec<Timeline>, i64, i64), RowsError> {
        let input = inputs.first().ok_or_else(|| self.args.lacks("input"))?;
        let id = self.args.ready("id", &input.schema, self.now)?;
        let time = self.args.ready("time", &input.schema, self.now)?;
        let keys = self.args.ready_all("key", &input.schema, self.now)?;
        let times = || input.rows.iter().filter_map(|row| units(&time.eval(row)));
        let start = match self.unit("start")? {
            Some(start) => start,
            None => times().min().unwrap_or(0),
        };
        let end = match self.unit("end")? {
            Some(end) => end,
            None => times().max().unwrap_or(0),
        };
        let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut timelines: Vec<Timeline> = Vec::new();
        for row in &input.rows {
            let Some(at) = units(&time.eval(row)) else { continue };
            if at < start.saturating_sub(before) || at > end {
                continue;
            }
            let dimensions: Vec<Value<'static>> = keys.iter().map(|key| key.eval(row).into_owned()).collect();
            let place = *index.entry(order::group_key(&dimensions)).or_insert(timelines.len());
            if place == timelines.len() {
                timelines.push(Timeline { events: Vec::new(), dimensions });
            }
            timelines[place].events.push((order::group_key([&id.eval(row)]), at));
        }
        for timeline in &mut timelines {
            timeline.events.sort_by_key(|(_, at)| *at);
        }
        Ok((timelines, start, end))
    }

    fn row(&self, at: i64, timeline: &Timeline, figures: Vec<Value<'static>>) -> Vec<Value<'static>> {
        let mut row = vec![value_of(at, self.ty)];
        row.extend(timeline.dimensions.iter().cloned());
        row.extend(figures);
        row
    }
}

pub(super) fn bin(at: i64, start: i64, step: i64) -> i64 {
    start.saturating_add(at.saturating_sub(start).div_euclid(step).saturating_mul(step))
}

fn long(count: usize) -> Value<'static> {
    Value::Long(count as i64)
}

fn active_users_count(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let frame = Frame::new(call, env);
    let (window, period, step) = (frame.length("window")?, frame.length("period")?, frame.length("step")?);
    let periods = frame.unit("periods")?.unwrap_or(1);
    let (timelines, start, _) = frame.timelines(inputs, window)?;
    let mut sink = Sink::new(env.budget);
    for timeline in &timelines {
        let mut seen: HashMap<&[u8], BTreeSet<i64>> = HashMap::new();
        for (id, at) in &timeline.events {
            seen.entry(id).or_default().insert(bin(*at, start, period));
        }
        let mut active: BTreeMap<i64, HashSet<&[u8]>> = BTreeMap::new();
        for (id, seen) in &seen {
            for at in seen.iter().filter(|at| **at >= start) {
                if seen.range(at.saturating_sub(window).saturating_add(1)..=*at).count() as i64 >= periods {
                    active.entry(bin(*at, start, step)).or_default().insert(id);
                }
            }
        }
        for (at, ids) in active {
            sink.push(frame.row(at, timeline, vec![long(ids.len())]))?;
        }
    }
    Ok(sink.finish(schema))
}

fn activity_counts_metrics(
    call: &WholeCall,
    inputs: &[Table],
    schema: &Schema,
    env: &Env<'_>,
) -> Result<Table, RowsError> {
    let frame = Frame::new(call, env);
    let step = frame.length("step")?;
    let (timelines, start, _) = frame.timelines(inputs, 0)?;
    let mut sink = Sink::new(env.budget);
    for timeline in &timelines {
        let mut steps: BTreeMap<i64, (usize, HashSet<&[u8]>)> = BTreeMap::new();
        for (id, at) in &timeline.events {
            let (count, ids) = steps.entry(bin(*at, start, step)).or_default();
            *count += 1;
            ids.insert(id);
        }
        let mut all: HashSet<&[u8]> = HashSet::new();
        for (at, (count, ids)) in steps {
            let before = all.len();
            all.extend(&ids);
            let figures = vec![long(count), long(ids.len()), long(all.len() - before), long(all.len())];
            sink.push(frame.row(at, timeline, figures))?;
        }
    }
    Ok(sink.finish(schema))
}

/// The ids of each step.
fn by_step(timeline: &Timeline, start: i64, step: i64) -> BTreeMap<i64, HashSet<&[u8]>> {
    let mut steps: BTreeMap<i64, HashSet<&[u8]>> = BTreeMap::new();
    for (id, at) in &timeline.events {
        steps.entry(bin(*at, start, step)).or_default().insert(id);
    }
    steps
}

fn ratio(part: usize, whole: usize) -> Value<'static> {
    Value::Real(part as f64 / whole as f64)
}

fn activity_engagement(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let frame = Frame::new(call, env);
    let (inner, outer) = (frame.length("inner")?, frame.length("outer")?);
    let (timelines, start, _) = frame.timelines(inputs, 0)?;
    let mut sink = Sink::new(env.budget);
    for timeline in &timelines {
        let steps = by_step(timeline, start, inner);
        for (at, ids) in &steps {
            // The long window must lie within the time that is looked at.
            let from = at.saturating_add(inner).saturating_sub(outer);
            if from < start {
                continue;
            }
            let long_ids: HashSet<&[u8]> = steps.range(from..=*at).flat_map(|(_, ids)| ids.iter().copied()).collect();
            let figures = vec![long(ids.len()), long(long_ids.len()), ratio(ids.len(), long_ids.len())];
            sink.push(frame.row(*at, timeline, figures))?;
        }
    }
    Ok(sink.finish(schema))
}

fn activity_metrics(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let frame = Frame::new(call, env);
    let step = frame.length("step")?;
    let (timelines, start, _) = frame.timelines(inputs, 0)?;
    let mut sink = Sink::new(env.budget);
    for timeline in &timelines {
        let steps = by_step(timeline, start, step);
        let mut all: HashSet<&[u8]> = HashSet::new();
        for (at, ids) in &steps {
            let new = ids.iter().filter(|id| all.insert(id)).count();
            let before = steps.get(&at.saturating_sub(step));
            let (stayed, left) = match before {
                Some(before) if !before.is_empty() => {
                    let stayed = ids.intersection(before).count();
                    (ratio(stayed, before.len()), ratio(before.len() - stayed, before.len()))
                }
                // Before the first step there is nobody who could have left.
                _ => (Value::Real(1.0), Value::Real(0.0)),
            };
            sink.push(frame.row(*at, timeline, vec![long(ids.len()), long(new), stayed, left]))?;
        }
    }
    Ok(sink.finish(schema))
}

/// More steps than this are compared with nothing.
const MOST_STEPS: i64 = 10_000;

fn new_activity_metrics(
    call: &WholeCall,
    inputs: &[Table],
    schema: &Schema,
    env: &Env<'_>,
) -> Result<Table, RowsError> {
    let frame = Frame::new(call, env);
    let step = frame.length("step")?;
    let (timelines, start, end) = frame.timelines(inputs, 0)?;
    let count = end.saturating_sub(start).div_euclid(step).saturating_add(1);
    if count > MOST_STEPS {
        return Err(frame.args.wrong(format!("`{}` compares at most {MOST_STEPS} steps", call.name)));
    }
    let cohort = frame.unit("cohort")?.map(|at| bin(at, start, step));
    let mut earlier: HashSet<Vec<u8>> = HashSet::new();
    if let (Some(table), Some(name)) = (inputs.get(1), frame.args.text("earlier")) {
        let place = table.schema.index(name).ok_or_else(|| frame.args.lacks("earlier"))?;
        earlier.extend(table.rows.iter().map(|row| order::group_key([&row[place]])));
    }
    let mut sink = Sink::new(env.budget);
    for timeline in &timelines {
        let steps = by_step(timeline, start, step);
        let mut seen: HashSet<&[u8]> = earlier.iter().map(Vec::as_slice).collect();
        let nobody = HashSet::new();
        for number in 0..count {
            let from = start.saturating_add(number.saturating_mul(step));
            let mut new: HashSet<&[u8]> = steps.get(&from).unwrap_or(&nobody).clone();
            new.retain(|id| seen.insert(id));
            if cohort.is_some_and(|cohort| cohort != from) {
                continue;
            }
            for later in number..count {
                env.budget.check_time()?;
                let to = start.saturating_add(later.saturating_mul(step));
                let there = steps.get(&to).unwrap_or(&nobody);
                let fresh = if to == from { new.len() } else { there.iter().filter(|id| !seen.contains(*id)).count() };
                let stayed = new.intersection(there).count();
                let left = new.len() - stayed;
                let mut row = frame.row(from, timeline, Vec::new());
                row.insert(1, value_of(to, frame.ty));
                row.extend([long(fresh), long(stayed), long(left), ratio(stayed, new.len()), ratio(left, new.len())]);
                sink.push(row)?;
            }
        }
    }
    Ok(sink.finish(schema))
}

fn sliding_window_counts(
    call: &WholeCall,
    inputs: &[Table],
    schema: &Schema,
    env: &Env<'_>,
) -> Result<Table, RowsError> {
    let frame = Frame::new(call, env);
    let (window, step) = (frame.length("window")?, frame.length("step")?);
    let (timelines, start, end) = frame.timelines(inputs, window)?;
    let mut sink = Sink::new(env.budget);
    for timeline in &timelines {
        let mut at = start;
        while at <= end {
            // The window ends with the step.
            let to = at.saturating_add(step);
            let from = to.saturating_sub(window);
            let first = timeline.events.partition_point(|(_, time)| *time < from);
            let last = timeline.events.partition_point(|(_, time)| *time < to);
            let inside = &timeline.events[first..last];
            if !inside.is_empty() {
                let ids: HashSet<&[u8]> = inside.iter().map(|(id, _)| id.as_slice()).collect();
                sink.push(frame.row(at, timeline, vec![long(inside.len()), long(ids.len())]))?;
            }
            let Some(next) = at.checked_add(step) else { break };
            at = next;
            env.budget.check_time()?;
        }
    }
    Ok(sink.finish(schema))
}
