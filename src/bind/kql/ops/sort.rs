//! `sort`, `order`, `top`, `take`, `limit`, `sample`, `sample-distinct`.
use crate::bind::kql::columns::schema_of;
use crate::bind::kql::names::{Projection, Style};
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, coerce};
use crate::ir::{self, RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, SortKey};
use crate::text::codes;
use crate::types::Type;

impl<'q> Binder<'_, 'q> {
    /// The keys of an order; all faults are told.
    pub fn sort_keys(&mut self, keys: &'q [SortKey], scope: Scope<'_, 'q>) -> Bind<Vec<ir::SortKey>> {
        let mut bound = Vec::with_capacity(keys.len());
        for key in keys {
            bound.push(self.scalar(&key.expr, scope).and_then(|expr| {
                let expr = match expr.ty() {
                    Type::Dynamic if self.untyped => coerce::convert(expr, Type::String, self.context.now),
                    _ => expr,
                };
                if expr.ty() == Type::Dynamic {
                    return Err(self.fault(
                        codes::WRONG_TYPE
                            .at(key.expr.span, "a dynamic has no order")
                            .help("convert it: `tostring(…)`, `tolong(…)`, …"),
                    ));
                }
                let descending = key.descending.unwrap_or(true);
                Ok(ir::SortKey { expr, descending, nulls_first: key.nulls_first.unwrap_or(!descending) })
            }));
        }
        bound.into_iter().collect()
    }

    pub fn sort(&mut self, input: Table, keys: &'q [SortKey], env: &Env<'q>) -> Bind<Table> {
        let keys = self.sort_keys(keys, Scope::row(env, &input))?;
        let mut table = input.over(|input| RelOp::Sort { input, keys });
        table.ordered = true;
        Ok(table)
    }

    pub fn top(&mut self, input: Table, count: &'q Expr, keys: &'q [SortKey], env: &Env<'q>) -> Bind<Table> {
        let count = self.count(count, Scope::bare(env));
        let scope = Scope::row(env, &input);
        let mut bound = Vec::with_capacity(keys.len());
        for key in keys {
            let expr = self.scalar(&key.expr, scope)?;
            let descending = key.descending.unwrap_or(true);
            let nulls_first = key.nulls_first.unwrap_or(!descending);
            if expr.ty() == Type::Dynamic {
                // Here a dynamic may stand: its numbers are in their order, then its texts in theirs.
                for ty in [Type::Real, Type::String] {
                    let expr = coerce::convert(expr.clone(), ty, self.context.now);
                    bound.push(ir::SortKey { expr, descending, nulls_first });
                }
            } else {
                bound.push(ir::SortKey { expr, descending, nulls_first });
            }
        }
        let count = count?;
        let mut table = input.over(|input| RelOp::Sort { input, keys: bound });
        table.ordered = true;
        Ok(table.over(|input| RelOp::Take { input, count }))
    }

    pub fn take(&mut self, input: Table, count: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        let count = self.count(count, Scope::bare(env))?;
        Ok(input.over(|input| RelOp::Take { input, count }))
    }

    /// Any rows will do, so the first ones do.
    pub fn sample(&mut self, input: Table, count: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        let count = self.count(count, Scope::bare(env))?;
        let mut table = input.over(|input| RelOp::Take { input, count });
        table.ordered = false;
        Ok(table)
    }

    pub fn sample_distinct(&mut self, input: Table, count: &'q Expr, of: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        let count = self.count(count, Scope::bare(env))?;
        let scope = Scope::row(env, &input);
        let mut projection = Projection::default();
        self.project_plain(of, scope, Style::Project, &mut projection)?;
        let outputs = projection.outputs;
        if outputs.iter().any(|one| !matches!(one.scalar, Scalar::Column { .. })) {
            return Err(self.fault(codes::WRONG_TYPE.at(of.span, "a column is expected here")));
        }
        if outputs.iter().any(|one| one.scalar.ty() == Type::Dynamic) {
            return Err(self.fault(codes::WRONG_TYPE.at(of.span, "a dynamic cannot be told apart from others")));
        }
        let schema = schema_of(&outputs);
        let (rel, _) = input.take();
        let by = outputs.into_iter().map(|one| (one.name, one.scalar)).collect();
        let op = RelOp::Summarize { input: Box::new(rel), by, aggregates: Vec::new() };
        Ok(Table::of(op, schema).over(|input| RelOp::Take { input, count }))
    }
}
