//! Plug-ins that look for sequences of states in the order of time: sequence_detect, funnel_sequence,
//! funnel_sequence_completion.
use super::activity::{bin, units, value_of};
use super::args::Args;
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Schema, Type};
use crate::value::{Json, Value, convert};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "sequence_detect",
        doc: "Every way in which rows that meet the steps' conditions follow each other in time: each step later than \
              the one before it, by `step` at most, all of them within `span`. Steps that met at the same times are \
              told once. Where rows of two steps bear the same time, neither follows the other.",
        takes: "time: Scalar; step, span: Scalar (without columns); when: Scalar+; key: Scalar*. The schema is the \
                dimensions, the time of each step, the whole time.",
        over: Over::Tables,
        run: sequence_detect,
    },
    Whole {
        name: "funnel_sequence",
        doc: "For each bin of time: how many ids went through the states of `sequence` one right after the other, by \
              the state before and the one behind; three answers where it is the last operator. States that repeat \
              count once, each of the sequence comes at most `window` after the one before it, and the bin is that of \
              the first. At most 128 ids are named.",
        takes: "id, time, state: Scalar; start, end, window, step: Scalar (without columns); sequence: Constant dynamic; \
                by: Constant string (both, prev, next). The schema is the time, the states, the count, the ids.",
        over: Over::Tables,
        run: funnel_sequence,
    },
    Whole {
        name: "funnel_sequence_completion",
        doc: "For each bin of time and each period: how many ids came as far as each state of `sequence` within the \
              period, counted from the first state; others may lie between. A bin without events has no rows.",
        takes: "id, time, state: Scalar; start, end, step: Scalar (without columns); sequence, periods: Constant \
                dynamic. The schema is the time, the state, the period, the count.",
        over: Over::Tables,
        run: funnel_sequence_completion,
    },
];

/// Ids that a row of `funnel_sequence` names.
const SAMPLES: usize = 128;

type Row = Vec<Value<'static>>;

fn length(args: &Args<'_>, name: &str, now: i64) -> Result<i64, RowsError> {
    let length = args.fixed(name, now)?.as_ref().and_then(units).filter(|length| *length > 0);
    length.ok_or_else(|| args.wrong(format!("the {name} of `evaluate` must be more than zero")))
}

fn sequence_detect(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let ty = args.scalar("time").map_or(Type::Datetime, |time| time.ty());
    let time = args.ready("time", &input.schema, env.now)?;
    let steps = args.ready_all("when", &input.schema, env.now)?;
    let keys = args.ready_all("key", &input.schema, env.now)?;
    let (step, span) = (length(&args, "step", env.now)?, length(&args, "span", env.now)?);
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    // The dimensions, and for each step the times at which its condition held.
    let mut groups: Vec<(Row, Vec<BTreeSet<i64>>)> = Vec::new();
    for row in &input.rows {
        let Some(at) = units(&time.eval(row)) else { continue };
        let met: Vec<usize> =
            (0..steps.len()).filter(|number| steps[*number].eval(row).as_bool() == Some(true)).collect();
        if met.is_empty() {
            continue;
        }
        let dimensions: Row = keys.iter().map(|key| key.eval(row).into_owned()).collect();
        let place = *index.entry(order::group_key(&dimensions)).or_insert(groups.len());
        if place == groups.len() {
            groups.push((dimensions, vec![BTreeSet::new(); steps.len()]));
        }
        for number in met {
            groups[place].1[number].insert(at);
        }
    }
    let mut found: Vec<(Vec<i64>, usize)> = Vec::new();
    for (place, (_, times)) in groups.iter().enumerate() {
        let mut chains: Vec<Vec<i64>> = times.first().into_iter().flatten().map(|at| vec![*at]).collect();
        for next in times.iter().skip(1) {
            let mut longer = Vec::new();
            for chain in chains {
                let (Some(first), Some(last)) = (chain.first(), chain.last()) else { continue };
                let until = last.saturating_add(step).min(first.saturating_add(span));
                if *last >= until {
                    continue;
                }
                for at in next.range(last.saturating_add(1)..=until) {
                    let mut chain = chain.clone();
                    chain.push(*at);
                    longer.push(chain);
                    if longer.len() > env.budget.rows {
                        return Err(RowsError::Rows(env.budget.rows));
                    }
                }
            }
            env.budget.check_time()?;
            chains = longer;
        }
        found.extend(chains.into_iter().map(|chain| (chain, place)));
    }
    found.sort();
    let mut sink = Sink::new(env.budget);
    for (chain, place) in found {
        let mut row = groups[place].0.clone();
        row.extend(chain.iter().map(|at| value_of(*at, ty)));
        let whole = chain.first().zip(chain.last()).map_or(0, |(first, last)| last.saturating_sub(*first));
        row.push(Value::Timespan(whole));
        sink.push(row)?;
    }
    Ok(sink.finish(schema))
}

/// One row of an id's history.
struct Event {
    at: i64,
    state: Value<'static>,
    key: Vec<u8>,
}

/// What happened to each id, in the order of time, from `start` to `end`.
struct Histories {
    ids: Vec<(Value<'static>, Vec<Event>)>,
    start: i64,
    step: i64,
    ty: Type,
    /// The states that are looked for, as keys and as they were written.
    sequence: Vec<(Vec<u8>, Value<'static>)>,
}

fn histories(args: &Args<'_>, inputs: &[Table], env: &Env<'_>) -> Result<Histories, RowsError> {
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let ty = args.scalar("time").map_or(Type::Datetime, |time| time.ty());
    let state_ty = args.scalar("state").map_or(Type::String, |state| state.ty());
    let id = args.ready("id", &input.schema, env.now)?;
    let time = args.ready("time", &input.schema, env.now)?;
    let state = args.ready("state", &input.schema, env.now)?;
    let start = args.fixed("start", env.now)?.as_ref().and_then(units).unwrap_or(i64::MIN);
    let end = args.fixed("end", env.now)?.as_ref().and_then(units).unwrap_or(i64::MAX);
    let step = length(args, "step", env.now)?;
    let sequence: Vec<(Vec<u8>, Value<'static>)> = elements(args, "sequence")
        .iter()
        .map(|one| convert::element(one, state_ty))
        .map(|value| (order::group_key([&value]), value))
        .collect();
    if sequence.is_empty() {
        return Err(args.wrong(format!("`{}` needs an array of at least one state", args.operator())));
    }
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut ids: Vec<(Value<'static>, Vec<Event>)> = Vec::new();
    for row in &input.rows {
        let Some(at) = units(&time.eval(row)).filter(|at| (start..=end).contains(at)) else { continue };
        let (who, state) = (id.eval(row), state.eval(row).into_owned());
        let place = *index.entry(order::group_key([&who])).or_insert(ids.len());
        if place == ids.len() {
            ids.push((who.into_owned(), Vec::new()));
        }
        let key = order::group_key([&state]);
        ids[place].1.push(Event { at, state, key });
    }
    for (_, events) in &mut ids {
        events.sort_by_key(|event| event.at);
    }
    Ok(Histories { ids, start, step, ty, sequence })
}

fn elements(args: &Args<'_>, name: &str) -> Vec<Json> {
    match args.constant(name).map(Value::to_json) {
        Some(Json::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// How many ids, and some of them.
#[derive(Default)]
struct Taken {
    last: Option<usize>,
    count: i64,
    samples: Vec<Json>,
}

impl Taken {
    /// Ids come one after the other, so that the last one tells whether this one is new.
    fn add(&mut self, number: usize, id: &Value<'_>) {
        if self.last.replace(number) == Some(number) {
            return;
        }
        self.count += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(id.to_json());
        }
    }
}

fn funnel_sequence(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let window = length(&args, "window", env.now)?;
    let histories = histories(&args, inputs, env)?;
    let state_ty = args.scalar("state").map_or(Type::String, |state| state.ty());
    let by = args.text("by").unwrap_or("both");
    let sequence = &histories.sequence;
    let mut groups: HashMap<(i64, Vec<u8>), (Row, Taken)> = HashMap::new();
    for (number, (id, events)) in histories.ids.iter().enumerate() {
        let mut runs: Vec<&Event> = Vec::with_capacity(events.len());
        for event in events {
            if runs.last().is_none_or(|last| last.key != event.key) {
                runs.push(event);
            }
        }
        for (at, found) in runs.windows(sequence.len()).enumerate() {
            let matches = found.iter().zip(sequence).all(|(event, (key, _))| event.key == *key);
            if !matches || found.windows(2).any(|pair| pair[1].at.saturating_sub(pair[0].at) > window) {
                continue;
            }
            let state = |place: Option<usize>| {
                place.and_then(|place| runs.get(place)).map_or(Value::absent(state_ty), |event| event.state.clone())
            };
            let mut around: Row = Vec::new();
            if by != "next" {
                around.push(state(at.checked_sub(1)));
            }
            if by != "prev" {
                around.push(state(Some(at + sequence.len())));
            }
            let from = bin(found[0].at, histories.start, histories.step);
            let key = (from, order::group_key(&around));
            groups.entry(key).or_insert_with(|| (around, Taken::default())).1.add(number, id);
        }
        env.budget.check_time()?;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|(a, (a_states, a_taken)), (b, (b_states, b_taken))| {
        let states = || a_states.iter().zip(b_states).map(|(a, b)| order::compare(a, b)).find(|order| order.is_ne());
        a.0.cmp(&b.0)
            .then(b_taken.count.cmp(&a_taken.count))
            .then_with(|| states().unwrap_or(std::cmp::Ordering::Equal))
    });
    let mut sink = Sink::new(env.budget);
    for ((from, _), (around, taken)) in groups {
        let mut row = vec![value_of(from, histories.ty)];
        row.extend(around);
        row.push(Value::Long(taken.count));
        row.push(Value::json(Json::Array(taken.samples)));
        sink.push(row)?;
    }
    Ok(sink.finish(schema))
}

fn funnel_sequence_completion(
    call: &WholeCall,
    inputs: &[Table],
    schema: &Schema,
    env: &Env<'_>,
) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let histories = histories(&args, inputs, env)?;
    let ticks = |one: &Json| convert::timespan(&convert::scalar(one)).or_else(|| one.as_i64());
    let periods: Vec<i64> = elements(&args, "periods").iter().filter_map(ticks).collect();
    let sequence = &histories.sequence;
    // For each bin and each period: the ids that came as far as each state.
    let mut bins: BTreeMap<i64, Vec<Vec<i64>>> = BTreeMap::new();
    for (_, events) in &histories.ids {
        let mut by_bin: BTreeMap<i64, Vec<&Event>> = BTreeMap::new();
        for event in events {
            by_bin.entry(bin(event.at, histories.start, histories.step)).or_default().push(event);
        }
        for (from, events) in by_bin {
            let counts = bins.entry(from).or_insert_with(|| vec![vec![0; sequence.len()]; periods.len()]);
            for (period, counts) in periods.iter().zip(counts) {
                let reached = reached(&events, sequence, *period);
                counts[..reached].iter_mut().for_each(|count| *count += 1);
            }
        }
        env.budget.check_time()?;
    }
    let mut sink = Sink::new(env.budget);
    for (from, counts) in bins {
        for (period, counts) in periods.iter().zip(counts) {
            for ((_, state), count) in sequence.iter().zip(counts) {
                let state = Value::string(state.text().into_owned());
                let row = vec![value_of(from, histories.ty), state, Value::Timespan(*period), Value::Long(count)];
                sink.push(row)?;
            }
        }
    }
    Ok(sink.finish(schema))
}

/// How many states of the sequence are gone through within the period, at best.
fn reached(events: &[&Event], sequence: &[(Vec<u8>, Value<'static>)], period: i64) -> usize {
    // For each state, the latest start from which it was reached in time.
    let mut starts: Vec<Option<i64>> = vec![None; sequence.len()];
    for event in events {
        // From the last to the first, so that one event is one step only.
        for at in (0..sequence.len()).rev().filter(|at| sequence[*at].0 == event.key) {
            let start = match at.checked_sub(1) {
                None => Some(event.at),
                Some(before) => starts[before].filter(|start| event.at.saturating_sub(*start) <= period),
            };
            starts[at] = starts[at].max(start);
        }
    }
    starts.iter().take_while(|start| start.is_some()).count()
}
