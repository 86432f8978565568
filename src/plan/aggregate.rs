//! Aggregations: DataFusion's own where they mean the same, else the fold of the function table.
use super::arg_udaf::{self, Extreme};
use super::distinct_udaf::{self, Counting};
use super::scalar::{Place, Scalars, literal};
use super::{PlanError, fold_udaf};
use crate::ir::{AggregateCall, Scalar};
use crate::types::Type;
use crate::value::Value;
use arrow::datatypes::DataType;
use datafusion::functions::core::expr_fn::{coalesce, get_field};
use datafusion::functions_aggregate::average::avg;
use datafusion::functions_aggregate::count::count;
use datafusion::functions_aggregate::min_max::{max, min};
use datafusion::functions_aggregate::sum::sum;
use datafusion::logical_expr::{Expr, cast, lit, when};

/// Aggregations of the plan, and the result's columns made of them.
pub struct Aggregation {
    pub exprs: Vec<Expr>,
    finish: Finish,
}

enum Finish {
    AsIs,
    /// What a fold over nothing gives, where DataFusion says null.
    OrElse(Value<'static>, Type),
    /// The fields of a struct.
    Fields(usize),
    /// The first by the second: a mean of longs is that of their sum, which wraps.
    Ratio,
}

impl Aggregation {
    /// The output columns, given the columns that hold the aggregations.
    pub fn outputs(&self, columns: &[Expr]) -> Result<Vec<Expr>, PlanError> {
        let column = &columns[0];
        Ok(match &self.finish {
            Finish::AsIs => vec![column.clone()],
            Finish::OrElse(value, ty) => vec![coalesce(vec![column.clone(), literal(value, *ty)?])],
            Finish::Fields(count) => {
                (0..*count).map(|at| get_field(column.clone(), fold_udaf::field_name(at))).collect()
            }
            Finish::Ratio => {
                let real = |expr: &Expr| cast(expr.clone(), DataType::Float64);
                let none = columns[1].clone().eq(lit(0i64));
                let ratio = real(column) / real(&columns[1]);
                vec![when(none, lit(f64::NAN)).otherwise(ratio)?]
            }
        })
    }
}

pub fn lower(call: &AggregateCall, scalars: &Scalars<'_>) -> Result<Aggregation, PlanError> {
    match native(call, scalars)? {
        Some(aggregation) => Ok(aggregation),
        None => fold(call, scalars),
    }
}

/// Folds whose answer depends on the order in which rows arrive.
pub fn depends_on_order(call: &AggregateCall) -> bool {
    let name = call.aggregate.name();
    name.starts_with("make_") || name.starts_with("take_any") || name.starts_with("arg_")
}

fn native(call: &AggregateCall, scalars: &Scalars<'_>) -> Result<Option<Aggregation>, PlanError> {
    let as_is = |expr| Some(Aggregation { exprs: vec![expr], finish: Finish::AsIs });
    let or_else = |expr, value, ty| Some(Aggregation { exprs: vec![expr], finish: Finish::OrElse(value, ty) });
    Ok(match (call.aggregate.name(), call.args.as_slice()) {
        ("count" | "cnt", _) => as_is(count(lit(1i64))),
        ("countif", [test]) if test.ty() == Type::Bool => {
            let test = scalars.lower(test, Place::Filter)?.expr;
            as_is(count(when(test, lit(1i64)).end()?))
        }
        ("sum", [arg]) if arg.ty().is_integer() => {
            or_else(sum(cast(scalars.native(arg)?, DataType::Int64)), Value::Long(0), Type::Long)
        }
        ("sum", [arg]) if arg.ty() == Type::Real => or_else(sum(scalars.native(arg)?), Value::Real(0.0), Type::Real),
        ("avg", [arg]) if arg.ty().is_integer() => {
            let arg = cast(scalars.native(arg)?, DataType::Int64);
            Some(Aggregation { exprs: vec![sum(arg.clone()), count(arg)], finish: Finish::Ratio })
        }
        ("avg", [arg]) if arg.ty() == Type::Real => {
            or_else(avg(scalars.native(arg)?), Value::Real(f64::NAN), Type::Real)
        }
        ("min" | "max", [arg]) if orders_plainly(arg) => {
            let arg = scalars.native(arg)?;
            as_is(if call.aggregate.name() == "min" { min(arg) } else { max(arg) })
        }
        (name @ ("arg_max" | "argmax" | "arg_min" | "argmin"), [key, _, ..]) if arg_udaf::is_key(key.ty()) => {
            let types: Vec<Type> = call.args.iter().map(Scalar::ty).collect();
            if !call.outputs.iter().map(|(_, ty)| *ty).eq(types.iter().copied()) {
                return Ok(None);
            }
            let args = call.args.iter().map(|arg| Ok(scalars.lower(arg, Place::Value)?.expr));
            let args = args.collect::<Result<Vec<_>, PlanError>>()?;
            let wants = if name.ends_with("max") { Extreme::Greatest } else { Extreme::Least };
            let finish = Finish::Fields(types.len());
            Some(Aggregation { exprs: vec![arg_udaf::call(wants, types, args)], finish })
        }
        ("dcount" | "dcountif" | "count_distinct" | "count_distinctif", [value, rest @ ..])
            if distinct_udaf::is_plain(value.ty()) =>
        {
            let name = call.aggregate.name();
            let (predicate, accuracy) = match (name.ends_with("if"), rest) {
                (true, [predicate, accuracy @ ..]) => (Some(predicate), accuracy.first()),
                (_, accuracy) => (None, accuracy.first()),
            };
            let counting = match accuracy {
                _ if name.starts_with("count") => Counting::Exactly,
                Some(Scalar::Literal { value, .. }) => Counting::Estimated(value.as_long()),
                Some(_) => return Ok(None),
                None => Counting::Estimated(None),
            };
            let predicate = predicate.map(|predicate| scalars.lower(predicate, Place::Filter)).transpose()?;
            let value = (value.ty(), scalars.lower(value, Place::Value)?.expr);
            as_is(distinct_udaf::call(counting, value.0, value.1, predicate.map(|predicate| predicate.expr)))
        }
        _ => None,
    })
}

fn orders_plainly(arg: &Scalar) -> bool {
    matches!(arg.ty(), Type::Int | Type::Long | Type::Datetime | Type::Timespan)
}

fn fold(call: &AggregateCall, scalars: &Scalars<'_>) -> Result<Aggregation, PlanError> {
    let types: Vec<Type> = call.args.iter().map(Scalar::ty).collect();
    let gives: Vec<Type> = call.outputs.iter().map(|(_, ty)| *ty).collect();
    let args = call
        .args
        .iter()
        .map(|arg| Ok(scalars.lower(arg, Place::Value)?.expr))
        .collect::<Result<Vec<_>, PlanError>>()?;
    let finish = if gives.len() == 1 { Finish::AsIs } else { Finish::Fields(gives.len()) };
    Ok(Aggregation { exprs: vec![fold_udaf::call(call.aggregate, types, gives, scalars.now, args)], finish })
}
