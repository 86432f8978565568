//! autocluster, basket, diffpatterns.
use super::{Plugin, whole};
use crate::bind::kql::Binder;
use crate::bind::kql::names::make_unique;
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::ir::{Scalar, WholeArg};
use crate::syntax::kql::ast::{Expr, ExprKind};
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::Value;

/// What stands for an argument that is left at its default.
const DEFAULT: &str = "~";

impl<'q> Binder<'_, 'q> {
    /// `autocluster([size [, weight [, seeds [, wildcard, …]]]])`.
    pub(super) fn autocluster(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let size = self.between(positional.first(), 0.0..=1.0, 0.5, env)?;
        let mut args = vec![WholeArg::Constant("size", size)];
        let seeds = match positional.get(2).filter(|expr| !is_default(expr)) {
            Some(expr) => self.count(expr, Scope::bare(env))?,
            None => 25,
        };
        args.push(WholeArg::Constant("seeds", Value::Long(i64::try_from(seeds).unwrap_or(i64::MAX))));
        self.weighed(&input, positional.get(1), positional.get(3..), &mut args, env)?;
        Ok(patterns("autocluster", input, args, &[("Count", Type::Long), ("Percent", Type::Real)], plugin))
    }

    /// `basket([threshold [, weight [, dimensions [, wildcard, …]]]])`.
    pub(super) fn basket(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let threshold = self.between(positional.first(), 0.015..=1.0, 0.05, env)?;
        let mut args = vec![WholeArg::Constant("threshold", threshold)];
        let dimensions = match positional.get(2).filter(|expr| !is_default(expr)) {
            Some(expr) => self.count(expr, Scope::bare(env))?,
            None => 5,
        };
        args.push(WholeArg::Constant("dimensions", Value::Long(i64::try_from(dimensions).unwrap_or(i64::MAX))));
        self.weighed(&input, positional.get(1), positional.get(3..), &mut args, env)?;
        Ok(patterns("basket", input, args, &[("Count", Type::Long), ("Percent", Type::Real)], plugin))
    }

    /// `diffpatterns(split, a, b [, weight [, threshold [, dimensions [, wildcard, …]]]])`.
    pub(super) fn diffpatterns(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let [split, a, b, rest @ ..] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "at least 3 arguments"));
        };
        let (column, ty) = self.plugin_column(split, Scope::row(env, &input))?;
        let mut args = vec![
            WholeArg::Scalar("split", Scalar::column(&column, ty)),
            WholeArg::Column("split", column, ty),
            WholeArg::Constant("a", Value::string(self.text_of(a, env)?)),
            WholeArg::Constant("b", Value::string(self.text_of(b, env)?)),
        ];
        args.push(WholeArg::Constant("threshold", self.between(rest.get(1), 0.015..=1.0, 0.05, env)?));
        if let Some(expr) = rest.get(2).filter(|expr| !is_default(expr)) {
            let dimensions = self.count(expr, Scope::bare(env))?;
            args.push(WholeArg::Constant("dimensions", Value::Long(i64::try_from(dimensions).unwrap_or(i64::MAX))));
        }
        self.weighed(&input, rest.first(), rest.get(3..), &mut args, env)?;
        let figures = [
            ("CountA", Type::Long),
            ("CountB", Type::Long),
            ("PercentA", Type::Real),
            ("PercentB", Type::Real),
            ("PercentDiffAB", Type::Real),
        ];
        Ok(patterns("diffpatterns", input, args, &figures, plugin))
    }

    /// The text of a constant, whatever its type.
    fn text_of(&mut self, expr: &'q Expr, env: &Env<'q>) -> Bind<String> {
        let bound = self.scalar(expr, Scope::bare(env))?;
        Ok(self.settle(bound, expr.span)?.text().into_owned())
    }

    /// A constant share within its bounds.
    fn between(
        &mut self,
        expr: Option<&&'q Expr>,
        bounds: std::ops::RangeInclusive<f64>,
        default: f64,
        env: &Env<'q>,
    ) -> Bind<Value<'static>> {
        let Some(expr) = expr.filter(|expr| !is_default(expr)) else { return Ok(Value::Real(default)) };
        let bound = self.scalar(expr, Scope::bare(env))?;
        match self.settle(bound, expr.span)?.as_real() {
            Some(share) if bounds.contains(&share) => Ok(Value::Real(share)),
            _ => {
                let message = format!("a number from {} to {} is expected here", bounds.start(), bounds.end());
                Err(self.fault(codes::BAD_VALUE.at(expr.span, message).help("write `'~'` for the default")))
            }
        }
    }

    /// The column of the weights, and what stands for any value.
    fn weighed(
        &mut self,
        input: &Table,
        weight: Option<&&'q Expr>,
        wildcards: Option<&[&'q Expr]>,
        args: &mut Vec<WholeArg>,
        env: &Env<'q>,
    ) -> Bind<()> {
        if let Some(expr) = weight.filter(|expr| !is_default(expr)) {
            let (name, ty) = self.plugin_column(expr, Scope::row(env, input))?;
            if !ty.is_number() {
                let message = format!("a column of numbers is expected here, not of {ty}");
                return Err(self.fault(codes::WRONG_TYPE.at(expr.span, message)));
            }
            args.push(WholeArg::Scalar("weight", Scalar::column(&name, ty)));
            args.push(WholeArg::Column("weight", name, ty));
        }
        for expr in wildcards.unwrap_or_default().iter().filter(|expr| !is_default(expr)) {
            let bound = self.scalar(expr, Scope::bare(env))?;
            args.push(WholeArg::Constant("wildcard", self.settle(bound, expr.span)?));
        }
        Ok(())
    }
}

fn is_default(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Literal { value: Value::String(text), .. } if text == DEFAULT)
}

/// A table of patterns: the number, the figures, the input's columns.
fn patterns(
    name: &'static str,
    input: Table,
    args: Vec<WholeArg>,
    figures: &[(&'static str, Type)],
    plugin: Plugin<'_>,
) -> Table {
    let columns = input.schema().columns.clone();
    let mut schema = Schema::new([("SegmentId", Type::Long)]);
    schema.columns.extend(figures.iter().map(|(name, ty)| Column { name: (*name).into(), ty: *ty }));
    let own: Vec<String> = schema.names().map(str::to_owned).collect();
    let written: Vec<String> = own.iter().cloned().chain(columns.iter().map(|column| column.name.clone())).collect();
    let unique = make_unique(&written).into_iter().skip(own.len());
    schema.columns.extend(unique.zip(columns).map(|(name, column)| Column { name, ty: column.ty }));
    whole(name, input, args, schema, plugin.span)
}
