//! `where`, `filter`, `count`, `as`, `consume`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Item, Table, select};
use crate::functions;
use crate::ir::{AggregateCall, Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, Name};
use crate::text::codes;
use crate::types::{Schema, Type};
use crate::value::Value;
use std::rc::Rc;

impl<'q> Binder<'_, 'q> {
    pub fn filter(&mut self, input: Table, predicate: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        let (predicate, windows) = self.over_rows(&input, env, |binder, scope| binder.predicate(predicate, scope))?;
        if windows.layers.is_empty() {
            return Ok(input.over(|input| RelOp::Filter { input, predicate }));
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
