//! `make-series` over a table: its rows are folded by the plan into one for each group and step of the axis, so that only these
//! reach the row half, which makes arrays of them.
use crate::functions;
use crate::ir::{AggregateCall, Rel, RelOp, Scalar, WholeArg, WholeCall};
use crate::rows::Compiled;
use crate::text::Span;
use crate::types::{Schema, Type};
use crate::value::Value;

const ON: &str = "on";

/// Puts an aggregation below each such operator whose axis is of times. Subqueries have been replaced by then.
pub fn fold(rel: &mut Rel, now: i64) {
    rel.op.inputs_mut().into_iter().for_each(|input| fold(input, now));
    let RelOp::Whole { inputs, call } = &mut rel.op else { return };
    let ([input], "make-series") = (inputs.as_mut_slice(), call.name) else { return };
    if !reads_a_table(input) {
        return;
    }
    // What is not folded here is folded there.
    if let Some(Folded { op, schema, call: over }) = folded(input, call, now) {
        *input = Rel { op, schema };
        *call = over;
    }
}

fn reads_a_table(rel: &Rel) -> bool {
    matches!(rel.op, RelOp::Table { .. }) || rel.op.inputs().into_iter().any(reads_a_table)
}

struct Folded {
    op: RelOp,
    schema: Schema,
    /// The operator over what was folded.
    call: WholeCall,
}

fn folded(input: &Rel, call: &WholeCall, now: i64) -> Option<Folded> {
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

    let (mut by, mut aggregates, mut args) = (Vec::new(), Vec::new(), Vec::new());
    for arg in &call.args {
        args.push(match arg {
            WholeArg::Scalar("key", key) => {
                let name = format!("key{}", by.len());
                by.push((name.clone(), key.clone()));
                WholeArg::Scalar("key", Scalar::column(name, key.ty()))
            }
            WholeArg::Scalar(ON, _) => WholeArg::Scalar(ON, Scalar::column(ON, Type::Datetime)),
            WholeArg::Group(name, parts) => WholeArg::Group(name, measured(parts, &mut aggregates)?),
            other => other.clone(),
        });
    }
    by.push((ON.to_owned(), bin));
    let columns = by.iter().map(|(name, scalar)| (name.clone(), scalar.ty()));
    let outputs = aggregates.iter().flat_map(|call: &AggregateCall| call.outputs.clone());
    let schema = Schema::new(columns.chain(outputs));
    let filtered = RelOp::Filter { input: Box::new(input.clone()), predicate };
    let filtered = Rel { op: filtered, schema: input.schema.clone() };
    let op = RelOp::Summarize { input: Box::new(filtered), by, aggregates };
    Some(Folded { op, schema, call: WholeCall { args, ..call.clone() } })
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
