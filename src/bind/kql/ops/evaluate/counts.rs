//! Plug-ins that take or count rows: preview, estimate_rows_count, rows_near, dcount_intersect.
use super::{Plugin, whole};
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::ir::{RelOp, WholeArg};
use crate::syntax::kql::ast::Name;
use crate::text::{Span, codes};
use crate::types::{Column, Type};
use crate::value::Value;

impl<'q> Binder<'_, 'q> {
    /// The first rows, and how many there are.
    pub(super) fn preview(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<(Table, Table)> {
        let positional = plugin.positional();
        let [count] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "1 argument"));
        };
        let count = self.count(count, Scope::bare(env))?;
        let input = self.shared(input);
        let all = self.count_rows(input.clone(), None)?;
        Ok((input.over(|input| RelOp::Take { input, count }), all))
    }

    pub(super) fn estimate_rows_count(&mut self, input: Table) -> Bind<Table> {
        let name = Name { text: "EstimatedRowsCount".into(), span: Span::default(), bracketed: false };
        self.count_rows(input, Some(&name))
    }

    pub(super) fn dcount_intersect(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        if !(2..=16).contains(&positional.len()) {
            return Err(self.argument_count(plugin.name, "2 to 16 arguments"));
        }
        let mut args = Vec::new();
        let mut schema = input.schema().clone();
        for (at, expr) in positional.iter().enumerate() {
            let sketch = self.scalar(expr, Scope::row(env, &input))?;
            if sketch.ty() != Type::Dynamic {
                let message = format!("a sketch is expected here, not {}", sketch.ty());
                return Err(self.fault(codes::WRONG_TYPE.at(expr.span, message).help("make it with `hll(…)`")));
            }
            args.push(WholeArg::Scalar("sketch", sketch));
            schema.columns.push(Column { name: format!("s{at}"), ty: Type::Long });
        }
        Ok(whole("dcount_intersect", input, args, schema, plugin.span))
    }

    pub(super) fn rows_near(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let [when, before, rest @ ..] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "at least 2 arguments"));
        };
        let condition = self.predicate(when, Scope::row(env, &input))?;
        let bare = Scope::bare(env);
        let before = self.count(before, bare)?;
        let after = match rest.first() {
            Some(after) => self.count(after, bare)?,
            None => before,
        };
        let long = |count: u64| Value::Long(i64::try_from(count).unwrap_or(i64::MAX));
        let args = vec![
            WholeArg::Scalar("when", condition),
            WholeArg::Constant("before", long(before)),
            WholeArg::Constant("after", long(after)),
        ];
        let schema = input.schema().clone();
        let mut table = whole("rows_near", input, args, schema, plugin.span);
        table.ordered = true;
        Ok(table)
    }
}
