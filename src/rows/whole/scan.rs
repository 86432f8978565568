//! scan: rows matched against steps, each of which remembers the last rows of its sequence.
//! <https://learn.microsoft.com/kusto/query/scan-operator>
use super::args::Args;
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Compiled, Env, RowsError, Table, order};
use crate::types::{Column, Schema};
use crate::value::Value;
use std::collections::HashMap;

pub const WHOLES: &[Whole] = &[Whole {
    name: "scan",
    doc: "Matches rows against steps in their order and remembers, for each step, the rows of its sequence.",
    takes: "match_id: Column?; declare: Group* of name: Column and default: Scalar? (without columns); key: Scalar* \
            (partition by); step: Group+ of name: Constant string, output: Constant string? (all, last, none), when: \
            Scalar, assign: Group* of name: Column and value: Scalar. The scalars of a step are over `scan_schema`. The \
            schema is the input's columns, the declared ones, the match id.",
    over: Over::Tables,
    run,
}];

/// The name under which a step's condition and assignments see a column of the state of a step (`s1.Ts`).
pub fn state_column(step: &str, column: &str) -> String {
    format!("{step}\u{1}{column}")
}

/// What the scalars of a step are over: the row, the declared columns with their defaults, and the state of every step
/// up to this one.
pub fn scan_schema(input: &Schema, declared: &[Column], steps: &[String]) -> Schema {
    let extended = || input.columns.iter().chain(declared);
    let mut columns: Vec<Column> = extended().cloned().collect();
    for step in steps {
        columns.extend(extended().map(|column| Column { name: state_column(step, &column.name), ty: column.ty }));
    }
    Schema { columns }
}

type Row = Vec<Value<'static>>;

struct Step {
    output: Output,
    when: Compiled,
    /// Place among the extended columns, and the value.
    assign: Vec<(usize, Compiled)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Output {
    All,
    Last,
    None,
}

/// A sequence as one step sees it: for each step up to it the last row, extended.
#[derive(Clone)]
struct Sequence {
    rows: Vec<Option<Row>>,
    match_id: i64,
    /// The last row of this step, where it is still to be put out.
    pending: Option<Row>,
}

fn run(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let mut declared = Vec::new();
    let mut defaults: Row = Vec::new();
    for group in args.groups("declare") {
        let (name, ty) = *group.columns("name").first().ok_or_else(|| args.lacks("name"))?;
        declared.push(Column { name: name.to_string(), ty });
        defaults.push(group.fixed("default", env.now)?.unwrap_or_else(|| Value::absent(ty)));
    }
    let width = input.schema.len() + declared.len();
    let groups = args.groups("step");
    let names: Vec<String> = groups.iter().map(|step| step.text("name").unwrap_or("").to_string()).collect();
    let seen = scan_schema(&input.schema, &declared, &names);
    let mut steps = Vec::new();
    for group in &groups {
        let mut assign = Vec::new();
        for one in group.groups("assign") {
            let (name, _) = *one.columns("name").first().ok_or_else(|| args.lacks("name"))?;
            let place = seen.index(name).filter(|place| *place < width).ok_or_else(|| args.lacks(name))?;
            assign.push((place, one.ready("value", &seen, env.now)?));
        }
        steps.push(Step {
            output: match group.text("output") {
                Some("last") => Output::Last,
                Some("none") => Output::None,
                _ => Output::All,
            },
            when: group.ready("when", &seen, env.now)?,
            assign,
        });
    }
    let keys = args.ready_all("key", &input.schema, env.now)?;
    let match_id = !args.columns("match_id").is_empty();
    let unset: Row =
        input.schema.columns.iter().map(|column| Value::absent(column.ty)).chain(defaults.clone()).collect();

    let mut scans: HashMap<Vec<u8>, Scan> = HashMap::new();
    let mut order_of_keys: Vec<Vec<u8>> = Vec::new();
    let mut out = Out { sink: Sink::new(env.budget), match_id };
    let mut next_id = 0;
    for row in &input.rows {
        let mut key = Vec::new();
        keys.iter().for_each(|one| order::push_key(&mut key, &one.eval(row)));
        let scan = scans.entry(key.clone()).or_insert_with(|| {
            order_of_keys.push(key);
            Scan { states: vec![None; steps.len()] }
        });
        let extended: Row = row.iter().cloned().chain(defaults.clone()).collect();
        scan.take(&extended, &steps, &unset, &mut next_id, &mut out)?;
    }
    for key in order_of_keys {
        if let Some(scan) = scans.remove(&key) {
            for state in scan.states.into_iter().flatten() {
                out.pending(state)?;
            }
        }
    }
    Ok(out.sink.finish(schema))
}

struct Out {
    sink: Sink,
    match_id: bool,
}

impl Out {
    fn row(&mut self, mut row: Row, match_id: i64) -> Result<(), RowsError> {
        if self.match_id {
            row.push(Value::Long(match_id));
        }
        self.sink.push(row)
    }

    /// What a sequence that ends at its step still owes.
    fn pending(&mut self, sequence: Sequence) -> Result<(), RowsError> {
        match sequence.pending {
            Some(row) => self.row(row, sequence.match_id),
            None => Ok(()),
        }
    }
}

struct Scan {
    states: Vec<Option<Sequence>>,
}

impl Scan {
    /// One row against all steps, from the last to the first.
    fn take(
        &mut self,
        row: &Row,
        steps: &[Step],
        unset: &Row,
        next_id: &mut i64,
        out: &mut Out,
    ) -> Result<(), RowsError> {
        for (at, step) in steps.iter().enumerate().rev() {
            if at > 0
                && let Some(before) = &self.states[at - 1]
            {
                let seen = view(row, &before.rows, steps.len(), unset);
                if step.when.eval(&seen).as_bool() == Some(true) {
                    let extended = extend(row, step, &seen);
                    let Some(mut sequence) = self.states[at - 1].take() else { continue };
                    let owed = Sequence { pending: sequence.pending.take(), ..sequence.clone() };
                    out.pending(owed)?;
                    if let Some(replaced) = self.states[at].take() {
                        out.pending(replaced)?;
                    }
                    self.states[at] = Some(matched(sequence, at, step, extended, out)?);
                    continue;
                }
            }
            let sequence = match (&self.states[at], at) {
                (Some(sequence), _) => sequence.clone(),
                (None, 0) => Sequence { rows: vec![None; steps.len()], match_id: *next_id, pending: None },
                (None, _) => continue,
            };
            let seen = view(row, &sequence.rows, steps.len(), unset);
            if step.when.eval(&seen).as_bool() == Some(true) {
                if self.states[at].is_none() {
                    *next_id += 1;
                }
                let extended = extend(row, step, &seen);
                self.states[at] = Some(matched(sequence, at, step, extended, out)?);
            }
        }
        Ok(())
    }
}

fn view(row: &Row, state: &[Option<Row>], steps: usize, unset: &Row) -> Row {
    let mut seen = row.clone();
    for at in 0..steps {
        seen.extend(state.get(at).and_then(Option::as_ref).unwrap_or(unset).iter().cloned());
    }
    seen
}

fn extend(row: &Row, step: &Step, seen: &Row) -> Row {
    let mut extended = row.clone();
    for (place, value) in &step.assign {
        extended[*place] = value.eval(seen).into_owned();
    }
    extended
}

fn matched(mut sequence: Sequence, at: usize, step: &Step, row: Row, out: &mut Out) -> Result<Sequence, RowsError> {
    sequence.rows[at] = Some(row.clone());
    match step.output {
        Output::All => out.row(row, sequence.match_id)?,
        Output::Last => sequence.pending = Some(row),
        Output::None => {}
    }
    Ok(sequence)
}
