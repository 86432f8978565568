//! `make-series`.
use crate::bind::kql::columns::Columns;
use crate::bind::kql::names::{self, Output, Projection, Style};
use crate::bind::kql::scope::{Aggregates, Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, ops};
use crate::ir::{RelOp, Scalar, WholeArg, WholeCall};
use crate::syntax::kql::ast::{Expr, Named, Operator, SeriesAggregate, Setting};
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use std::cell::RefCell;

/// The axis as it is written.
pub struct Axis<'q> {
    pub on: &'q Named,
    pub from: Option<&'q Expr>,
    pub to: Option<&'q Expr>,
    pub step: Option<&'q Expr>,
    /// `in range(from, to, step)`: `to` belongs to the axis.
    pub in_range: bool,
}

impl<'q> Binder<'_, 'q> {
    #[expect(clippy::too_many_arguments, reason = "the parts of the operator as it is written")]
    pub fn make_series(
        &mut self,
        input: Table,
        options: &'q [Setting],
        aggregates: &'q [SeriesAggregate],
        axis: Axis<'q>,
        by: &'q [Named],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let scope = Scope::row(env, &input);
        let mut projection = Projection::default();
        self.project_all(by, scope, Style::Project, &mut projection)?;
        let mut args: Vec<WholeArg> =
            projection.outputs.iter().map(|one| WholeArg::Scalar("key", one.scalar.clone())).collect();
        let keys = projection.outputs.len();
        for series in aggregates {
            let default = match &series.default {
                Some(default) => Some(self.scalar(default, Scope::bare(env))?),
                None => None,
            };
            let collected = RefCell::new(Aggregates::default());
            let before = projection.outputs.len();
            let folds = Scope { aggregates: Some(&collected), ..scope };
            self.project_one(&series.aggregate, folds, Style::Summarize, &mut projection, before)?;
            let collected = collected.into_inner();
            for output in &projection.outputs[before..] {
                let mut group = measure(&collected, &output.scalar);
                if let Some(default) = &default {
                    group.push(WholeArg::Scalar("default", default.clone()));
                }
                args.push(WholeArg::Group("series", group));
            }
        }
        let on = self.scalar(&axis.on.expr, scope)?;
        if !on.ty().is_number() && !matches!(on.ty(), Type::Datetime | Type::Timespan) {
            let message = format!("an axis is made of numbers or times, not of {}", on.ty());
            return Err(self.fault(codes::WRONG_TYPE.at(axis.on.expr.span, message)));
        }
        let name = match axis.on.names.first() {
            Some(name) => name.text.clone(),
            None => names::of_expr(&axis.on.expr, scope).unwrap_or_else(|| self.default_name(scope, false)),
        };
        let span = axis.on.names.first().map_or(axis.on.expr.span, |name| name.span);
        let ty = on.ty();
        let output = Output { name, scalar: on.clone(), identity: None };
        let declared = projection.declare(output, false, span);
        self.check(declared)?;
        args.push(WholeArg::Scalar("on", on));
        for (key, end) in [("from", axis.from), ("to", axis.to)] {
            if let Some(end) = end {
                let bound = self.scalar(end, Scope::bare(env))?;
                args.push(WholeArg::Scalar(key, self.as_declared(bound, ty, end.span)?));
            }
        }
        let Some(step) = axis.step else {
            return Err(self.fault(codes::SYNTAX.at(operator.word, "`make-series` needs a `step`")));
        };
        let bound = self.scalar(step, Scope::bare(env))?;
        let wanted = if ty == Type::Datetime { Type::Timespan } else { ty };
        let bound = if wanted.is_number() && bound.ty().is_number() {
            bound
        } else {
            self.as_declared(bound, wanted, step.span)?
        };
        args.push(WholeArg::Scalar("step", bound));
        if axis.in_range {
            args.push(WholeArg::Constant("inclusive", Value::Bool(true)));
        }
        if ops::option(options, "kind").and_then(ops::word).as_deref() == Some("nonempty") {
            args.push(WholeArg::Constant("nonempty", Value::Bool(true)));
        }
        let columns = projection.outputs.iter().enumerate().map(|(at, one)| {
            let ty = if at < keys { one.scalar.ty() } else { Type::Dynamic };
            Column { name: one.name.clone(), ty }
        });
        let schema = Schema { columns: columns.collect() };
        let (rel, _) = input.take();
        let call = WholeCall { name: "make-series", args, span: operator.span };
        Ok(Table::of(RelOp::Whole { inputs: vec![rel], call }, schema))
    }

    /// A measure of top-nested or pivot: an aggregation or an expression over some.
    pub fn measure(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<(Vec<WholeArg>, Type)> {
        let collected = RefCell::new(Aggregates::default());
        let folds = Scope { aggregates: Some(&collected), ..scope };
        let scalar = match self.columns(expr, folds)? {
            Columns::One(scalar, _) => scalar,
            Columns::Many(outputs) => match <[Output; 1]>::try_from(outputs) {
                Ok([only]) => only.scalar,
                Err(_) => {
                    return Err(
                        self.fault(codes::WRONG_PLACE.at(expr.span, "an aggregation of one value is expected here"))
                    );
                }
            },
        };
        let ty = scalar.ty();
        Ok((measure(&collected.into_inner(), &scalar), ty))
    }
}

/// The aggregations that an expression reads, and the expression.
fn measure(collected: &Aggregates, scalar: &Scalar) -> Vec<WholeArg> {
    let mut read = Vec::new();
    columns_of(scalar, &mut read);
    let used = collected.calls.iter().filter(|call| call.outputs.iter().any(|(name, _)| read.contains(&name.as_str())));
    let mut args: Vec<WholeArg> = used.map(|call| WholeArg::Aggregate("value", call.clone())).collect();
    args.push(WholeArg::Scalar("result", scalar.clone()));
    args
}

fn columns_of<'s>(scalar: &'s Scalar, read: &mut Vec<&'s str>) {
    match scalar {
        Scalar::Column { name, .. } => read.push(name),
        Scalar::Call { args, .. } => args.iter().for_each(|arg| columns_of(arg, read)),
        Scalar::Literal { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => {}
    }
}
