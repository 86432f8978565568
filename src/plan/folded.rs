//! `make-series` and `pivot` over a table: its rows are folded by the plan into one for each group and step of the axis, or
//! group and column, so that only these reach the row half, which makes arrays or columns of them.
use crate::functions;
use crate::ir::{AggregateCall, Rel, RelOp, Scalar, WholeArg, WholeCall};
use crate::rows::{self, Budget, Compiled, Env, NoTables};
use crate::text::Span;
use crate::types::{Schema, Type};
use crate::value::Value;

const ON: &str = "on";
const COLUMN: &str = "column";

/// Puts an aggregation below each such operator; the axis of a series must be of times. Subqueries have been replaced by
/// then.
pub fn fold(rel: &mut Rel, now: i64) {
    rel.op.inputs_mut().into_iter().for_each(|input| fold(input, now));
    let RelOp::Whole { inputs, call } = &mut rel.op else { return };
    let [input] = inputs.as_mut_slice() else { return };
    let folded = match call.name {
        "make-series" if reads_a_table(input) => series(input, call, now),
        "pivot" if reads_a_table(input) => pivot(input, call, now),
        _ => None,
    };
    // What is not folded here is folded there.
    if let Some((folded, over)) = folded {
        *input = folded;
        *call = over;
    }
}

fn reads_a_table(rel: &Rel) -> bool {
    matches!(rel.op, RelOp::Table { .. }) || rel.op.inputs().into_iter().any(reads_a_table)
}

/// What is folded, and the operator over it.
type Folded = (Rel, WholeCall);

fn series(input: &Rel, call: &WholeCall, now: i64) -> Option<Folded> {
    let scalar = |name: &str| {
        call.args.iter().find_map(|arg| match arg {
            WholeArg::Scalar(found, scalar) if *found == name => Some(scalar),
            _ => None,
        })
    };
    let constant = |name: &str| match scalar(name) {
        None => Some(None),
        Some(scalar) => match Compiled::new(scalar, &Schema::default(), now).ok()?.eval(&[]) {
            Value::Datetime(ticks) | Value::Timespan(ticks) => Some(Some(ticks)),
            _ => None,
        },
    };
    let on = scalar(ON).filter(|on| on.ty() == Type::Datetime)?;
    let (from, to, step) = (constant("from")?, constant("to")?, constant("step")??);
    let inclusive = call.args.iter().any(|arg| matches!(arg, WholeArg::Constant("inclusive", Value::Bool(true))));
    if step <= 0 {
        return None;
    }
    let at = |ticks| Scalar::literal(Value::Datetime(ticks), Type::Datetime);
    let mut terms = vec![calls("isnotnull", vec![on.clone()], Type::Bool)?];
    if let Some(from) = from {
        terms.push(calls(">=", vec![on.clone(), at(from)], Type::Bool)?);
    }
    if let Some(to) = to.filter(|_| !inclusive) {
        terms.push(calls("<", vec![on.clone(), at(to)], Type::Bool)?);
    }
    let predicate = if terms.len() > 1 { calls("and", terms, Type::Bool)? } else { terms.pop()? };
    let steps = Scalar::literal(Value::Timespan(step), Type::Timespan);
    let bin = match from {
        Some(from) => calls("bin_at", vec![on.clone(), steps, at(from)], Type::Datetime)?,
        None => calls("bin", vec![on.clone(), steps], Type::Datetime)?,
    };

    let filtered = RelOp::Filter { input: Box::new(input.clone()), predicate };
    let filtered = Rel { op: filtered, schema: input.schema.clone() };
    over(filtered, call, (ON, bin))
}

fn pivot(input: &Rel, call: &WholeCall, now: i64) -> Option<Folded> {
    let column = call.args.iter().find_map(|arg| match arg {
        WholeArg::Scalar(COLUMN, column) => Some(column.clone()),
        _ => None,
    });
    let empty = of_nothing(&call.args, &input.schema, now)?;
    let (folded, mut over) = over(input.clone(), call, (COLUMN, column?))?;
    over.args.push(WholeArg::Constant("empty", empty));
    Some((folded, over))
}

/// What a measure gives over no rows.
fn of_nothing(measure: &[WholeArg], schema: &Schema, now: i64) -> Option<Value<'static>> {
    let (mut aggregates, mut result) = (Vec::new(), None);
    for part in measure {
        match part {
            WholeArg::Aggregate(_, call) => aggregates.push(call.clone()),
            WholeArg::Scalar("result", scalar) => result = Some(scalar.clone()),
            _ => {}
        }
    }
    let outputs = Schema::new(aggregates.iter().flat_map(|call| call.outputs.clone()));
    let result = result.or_else(|| outputs.columns.first().map(|one| Scalar::column(&one.name, one.ty)))?;
    let nothing = Rel { op: RelOp::Values { rows: vec![] }, schema: schema.clone() };
    let op = RelOp::Summarize { input: Box::new(nothing), by: vec![], aggregates };
    let folded = Rel { op, schema: outputs };
    let schema = Schema::new([("result", result.ty())]);
    let rel = Rel { op: RelOp::Project { input: Box::new(folded), columns: vec![("result".into(), result)] }, schema };
    let env = Env { now, each: None, source: &NoTables, budget: Budget::default() };
    rows::run(&rel, &env).ok()?.rows.pop()?.pop()
}

/// The operator over its input folded by its keys and what spreads the groups.
fn over(input: Rel, call: &WholeCall, (name, spread): (&'static str, Scalar)) -> Option<Folded> {
    let (mut by, mut aggregates, mut args) = (Vec::new(), Vec::new(), Vec::new());
    for arg in &call.args {
        match arg {
            WholeArg::Scalar("key", key) => {
                let column = format!("key{}", by.len());
                by.push((column.clone(), key.clone()));
                args.push(WholeArg::Scalar("key", Scalar::column(column, key.ty())));
            }
            WholeArg::Scalar(found, _) if *found == name => {
                args.push(WholeArg::Scalar(name, Scalar::column(name, spread.ty())));
            }
            WholeArg::Group(name, parts) => {
                args.push(WholeArg::Group(name, measured(parts, &mut aggregates)?));
            }
            other => args.extend(measured(std::slice::from_ref(other), &mut aggregates)?),
        }
    }
    by.push((name.to_owned(), spread));
    let columns = by.iter().map(|(name, scalar)| (name.clone(), scalar.ty()));
    let outputs = aggregates.iter().flat_map(|call: &AggregateCall| call.outputs.clone());
    let schema = Schema::new(columns.chain(outputs));
    let op = RelOp::Summarize { input: Box::new(input), by, aggregates };
    Some((Rel { op, schema }, WholeCall { args, ..call.clone() }))
}

/// A measure over what its aggregations came to: of each group and step there is one row.
fn measured(parts: &[WholeArg], aggregates: &mut Vec<AggregateCall>) -> Option<Vec<WholeArg>> {
    let mut measured = Vec::with_capacity(parts.len());
    for part in parts {
        let WholeArg::Aggregate(name, call) = part else {
            measured.push(part.clone());
            continue;
        };
        let mut outputs = Vec::with_capacity(call.outputs.len());
        for (at, (output, ty)) in call.outputs.iter().enumerate() {
            let column = format!("value{}.{at}", aggregates.len());
            let only = AggregateCall {
                aggregate: functions::aggregate("take_any")?,
                args: vec![Scalar::column(&column, *ty)],
                outputs: vec![(output.clone(), *ty)],
                span: call.span,
            };
            measured.push(WholeArg::Aggregate(name, only));
            outputs.push((column, *ty));
        }
        aggregates.push(AggregateCall { outputs, ..call.clone() });
    }
    Some(measured)
}

fn calls(name: &str, args: Vec<Scalar>, ty: Type) -> Option<Scalar> {
    Some(Scalar::Call { function: functions::scalar(name)?, args, ty, span: Span::default() })
}
