//! `where`, `filter`, `count`, `as`, `consume`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Item, Table, select};
use crate::functions::{self, Eval};
use crate::ir::{AggregateCall, JoinColumn, JoinKind, Rel, RelOp, Scalar, Side};
use crate::syntax::kql::ast::{Expr, Name};
use crate::text::codes;
use crate::types::{Schema, Type};
use crate::value::Value;
use std::rc::Rc;

impl<'q> Binder<'_, 'q> {
    pub fn filter(&mut self, input: Table, predicate: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        let (predicate, windows) = self.over_rows(&input, env, |binder, scope| binder.predicate(predicate, scope))?;
        if windows.layers.is_empty() {
            let mut input = input;
            return Ok(match before_unique(&mut input.rel, predicate) {
                Some(predicate) => input.over(|input| RelOp::Filter { input, predicate }),
                None => input,
            });
        }
        let (rel, rest) = input.take();
        let schema = rest.schema.clone();
        let rel = windows.wrap(rel);
        let wide = rel.schema.clone();
        let rel = Rel { op: RelOp::Filter { input: Box::new(rel), predicate }, schema: wide };
        Ok(rest.finish(select(rel, &schema)))
    }

    pub fn count_rows(&mut self, input: Table, name: Option<&Name>) -> Bind<Table> {
        let name = name.map_or("Count", |name| name.text.as_str());
        let (rel, _) = input.take();
        let Some(aggregate) = functions::aggregate("count") else {
            return Err(self.not_yet("count", Default::default()));
        };
        let call = AggregateCall {
            aggregate,
            args: Vec::new(),
            outputs: vec![(name.into(), Type::Long)],
            span: Default::default(),
        };
        let op = RelOp::Summarize { input: Box::new(rel), by: Vec::new(), aggregates: vec![call] };
        Ok(Table::of(op, Schema::new([(name, Type::Long)])))
    }

    /// `as X`: the rows so far can be named further down.
    pub fn name_table(&mut self, input: Table, name: &Name, env: &Env<'q>) -> Table {
        let mut table = self.shared(input);
        table.name = Some(name.text.clone());
        env.add(&name.text, Item::Table(Rc::new(table.clone())));
        table
    }

    /// `consume`: the rows are read and none is given.
    pub fn consume(&mut self, input: Table) -> Bind<Table> {
        let never = Scalar::literal(Value::Bool(false), Type::Bool);
        let mut table = input.over(|input| RelOp::Filter { input, predicate: never });
        table.hidden.clear();
        Ok(table)
    }

    /// A table where an option of an operator cannot be honoured.
    pub fn bad_option(
        &mut self,
        setting: &crate::syntax::kql::ast::Setting,
        wanted: &str,
    ) -> crate::bind::kql::scope::Reported {
        let message = format!("`{}` takes {wanted}", setting.name.text);
        self.fault(codes::BAD_VALUE.at(setting.value.span, message))
    }
}

/// Which of the left rows of a key an innerunique join keeps is not said; the engine asks the left side's conditions
/// first, so that a row which they want is not lost. Gives back what is left of the predicate.
fn before_unique(rel: &mut Rel, predicate: Scalar) -> Option<Scalar> {
    let RelOp::Join { left, kind: JoinKind::InnerUnique, output, .. } = &mut rel.op else { return Some(predicate) };
    if let Scalar::Call { function, args, ty, span } = predicate {
        if function.name() == "and" {
            let mut rest: Vec<Scalar> = args.into_iter().filter_map(|term| before_unique(rel, term)).collect();
            return match rest.len() {
                0 => None,
                1 => rest.pop(),
                _ => Some(Scalar::Call { function, args: rest, ty, span }),
            };
        }
        let predicate = Scalar::Call { function, args, ty, span };
        return match on_left(&predicate, output) {
            Some(predicate) => {
                let schema = left.schema.clone();
                let input = std::mem::replace(left, Box::new(Rel { op: RelOp::Each, schema: schema.clone() }));
                **left = Rel { op: RelOp::Filter { input, predicate }, schema };
                None
            }
            None => Some(predicate),
        };
    }
    Some(predicate)
}

/// The predicate over the left side of a join, where it reads nothing else.
fn on_left(scalar: &Scalar, output: &[JoinColumn]) -> Option<Scalar> {
    Some(match scalar {
        Scalar::Literal { .. } => scalar.clone(),
        Scalar::Column { name, ty, span } => {
            let column = output.iter().find(|one| one.name == *name && one.side == Side::Left)?;
            Scalar::Column { name: column.source.clone(), ty: *ty, span: *span }
        }
        Scalar::Call { function, args, ty, span } if matches!(function.eval, Eval::Row(_)) => Scalar::Call {
            function,
            args: args.iter().map(|arg| on_left(arg, output)).collect::<Option<Vec<_>>>()?,
            ty: *ty,
            span: *span,
        },
        Scalar::Call { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => return None,
    })
}
