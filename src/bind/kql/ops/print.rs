//! `print` and `range`.
use crate::bind::kql::columns::project;
use crate::bind::kql::names::{Projection, Style};
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, coerce, one_row};
use crate::ir::{RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, Name, Named};
use crate::text::codes;
use crate::types::{Schema, Type, Types};
use crate::value::Value;

impl<'q> Binder<'_, 'q> {
    pub fn print(&mut self, columns: &'q [Named], env: &Env<'q>) -> Bind<Table> {
        let mut projection = Projection::default();
        self.project_all(columns, Scope::bare(env), Style::Print, &mut projection)?;
        let outputs = projection.outputs;
        let known: Option<Vec<Value<'static>>> =
            outputs.iter().map(|one| crate::bind::kql::constant::value_of(&one.scalar).cloned()).collect();
        Ok(match known {
            Some(row) => {
                let schema = crate::bind::kql::columns::schema_of(&outputs);
                Table::of(RelOp::Values { rows: vec![row] }, schema)
            }
            None => Table::new(project(one_row(), outputs)),
        })
    }

    pub fn range(
        &mut self,
        name: &'q Name,
        from: &'q Expr,
        to: &'q Expr,
        step: &'q Expr,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let mut bound = Vec::with_capacity(3);
        for expr in [from, to, step] {
            bound.push(self.scalar(expr, Scope::bare(env)).and_then(|scalar| {
                if Types::SUMMABLE.has(scalar.ty()) {
                    return Ok(scalar);
                }
                let ty = scalar.ty();
                let message = format!("a number, a datetime or a timespan is expected here, not {ty}");
                Err(self.fault(codes::WRONG_TYPE.at(expr.span, message)))
            }));
        }
        let bound = bound.into_iter().collect::<Bind<Vec<Scalar>>>()?;
        let [first, last, by] = <[Scalar; 3]>::try_from(bound).map_err(|_| crate::bind::kql::scope::Reported)?;
        let (a, b, c) = (first.ty(), last.ty(), by.ty());
        let ty = match (a, b, c) {
            (Type::Datetime, Type::Datetime, Type::Timespan) => Some(Type::Datetime),
            (Type::Timespan, Type::Timespan, Type::Timespan) => Some(Type::Timespan),
            (Type::Int, Type::Int, Type::Int) => Some(Type::Int),
            (a, b, c) if a.is_number() && b.is_number() && c.is_number() => [a, b, c]
                .into_iter()
                .reduce(|x, y| coerce::wider(x, y).unwrap_or(x))
                .map(|ty| if ty == Type::Int { Type::Long } else { ty }),
            _ => None,
        };
        let Some(ty) = ty else {
            return Err(self.fault(codes::WRONG_TYPE.at(step.span, format!("{a} to {b} does not go in steps of {c}"))));
        };
        let step_ty = if ty == Type::Datetime { Type::Timespan } else { ty };
        let now = self.context.now;
        let from = self.settle(coerce::convert(first, ty, now), from.span)?;
        let to = self.settle(coerce::convert(last, ty, now), to.span)?;
        let by = self.settle(coerce::convert(by, step_ty, now), step.span)?;
        let zero = match by {
            Value::Int(x) => x == 0,
            Value::Long(x) | Value::Timespan(x) => x == 0,
            Value::Real(x) => x == 0.0,
            _ => false,
        };
        if zero {
            return Err(self.fault(codes::BAD_VALUE.at(step.span, "a step of zero leads nowhere")));
        }
        let mut table = Table::of(RelOp::Range { from, to, step: by }, Schema::new([(name.text.as_str(), ty)]));
        table.ordered = true;
        Ok(table)
    }
}
