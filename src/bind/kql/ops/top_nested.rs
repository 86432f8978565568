//! `top-nested` and `top-hitters`.
use crate::bind::kql::Binder;
use crate::bind::kql::names::{self, Output, Projection};
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::ir::{RelOp, Scalar, WholeArg, WholeCall};
use crate::syntax::kql::ast::{Expr, Operator, TopNestedLevel};
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::Value;

impl<'q> Binder<'_, 'q> {
    pub fn top_nested(
        &mut self,
        input: Table,
        levels: &'q [TopNestedLevel],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let scope = Scope::row(env, &input);
        let mut projection = Projection::default();
        let mut args = Vec::new();
        for level in levels {
            let of = self.scalar(&level.of.expr, scope)?;
            let name = match level.of.names.first() {
                Some(name) => name.text.clone(),
                None => names::of_expr(&level.of.expr, scope).unwrap_or_else(|| self.default_name(scope, false)),
            };
            let mut group = Vec::new();
            if let Some(count) = &level.count {
                let count = self.count(count, Scope::bare(env))?;
                group.push(WholeArg::Constant("count", Value::Long(i64::try_from(count).unwrap_or(i64::MAX))));
            }
            if let Some(others) = &level.others {
                let bound = self.scalar(others, Scope::bare(env))?;
                group.push(WholeArg::Scalar("others", self.as_declared(bound, of.ty(), others.span)?));
            }
            group.push(WholeArg::Constant("ascending", Value::Bool(level.descending == Some(false))));
            let (measure, measured) = self.measure(&level.by.expr, scope)?;
            group.extend(measure);
            let folded = match level.by.names.first() {
                Some(name) => name.text.clone(),
                None => format!("aggregated_{name}"),
            };
            group.push(WholeArg::Scalar("of", of.clone()));
            args.push(WholeArg::Group("level", group));
            projection.add(Output { name, scalar: of, identity: None }, false);
            let stand_in = Scalar::literal(Value::absent(measured), measured);
            projection.add(Output { name: folded, scalar: stand_in, identity: None }, false);
        }
        let columns = projection.outputs.iter().map(|one| Column { name: one.name.clone(), ty: one.scalar.ty() });
        let schema = Schema { columns: columns.collect() };
        let (rel, _) = input.take();
        let call = WholeCall { name: "top-nested", args, span: operator.span };
        let mut table = Table::of(RelOp::Whole { inputs: vec![rel], call }, schema);
        table.ordered = true;
        Ok(table)
    }

    pub fn top_hitters(
        &mut self,
        input: Table,
        count: &'q Expr,
        of: &'q Expr,
        by: Option<&'q Expr>,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let scope = Scope::row(env, &input);
        let value = self.scalar(of, scope)?;
        if !matches!(value, Scalar::Column { .. }) {
            return Err(self.fault(codes::WRONG_TYPE.at(of.span, "a column is expected here")));
        }
        let weight = match by {
            Some(by) => Some((self.scalar(by, scope)?, by)),
            None => None,
        };
        let count = self.count(count, Scope::bare(env))?;
        let name = names::of_expr(of, scope).unwrap_or_else(|| self.default_name(scope, false));
        let mut args = vec![
            WholeArg::Constant("count", Value::Long(i64::try_from(count).unwrap_or(i64::MAX))),
            WholeArg::Scalar("of", value.clone()),
        ];
        let (total, ty) = match weight {
            Some((weight, by)) if weight.ty().is_number() => {
                let ty = if weight.ty().is_integer() { Type::Long } else { weight.ty() };
                args.push(WholeArg::Scalar("by", weight));
                (format!("approximate_sum_{}", names::of_expr(by, scope).unwrap_or_default()), ty)
            }
            Some((weight, by)) => {
                let message = format!("a number is expected here, not {}", weight.ty());
                return Err(self.fault(codes::WRONG_TYPE.at(by.span, message)));
            }
            None => (format!("approximate_count_{name}"), Type::Long),
        };
        let schema = Schema::new([(name, value.ty()), (total, ty)]);
        let (rel, _) = input.take();
        let call = WholeCall { name: "top-hitters", args, span: operator.span };
        Ok(Table::of(RelOp::Whole { inputs: vec![rel], call }, schema))
    }
}
