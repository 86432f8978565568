//! `mv-apply`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::ir::{Rel, RelOp};
use crate::syntax::kql::ast::{Expr, MvColumn, Operator, Setting};
use crate::types::Schema;

impl<'q> Binder<'_, 'q> {
    #[expect(clippy::too_many_arguments)]
    pub fn mv_apply(
        &mut self,
        input: Table,
        options: &'q [Setting],
        columns: &'q [MvColumn],
        limit: Option<&'q Expr>,
        body: &'q [Operator],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let elements = self.elements(&input, options, columns, limit, env)?;
        let mut each = Table::of(RelOp::Each, elements.schema);
        each.open = input.open;
        each.hidden = input.hidden.iter().filter(|one| each.schema().get(&one.source).is_some()).cloned().collect();
        self.enter(operator.word)?;
        let given = self.pipe(each, body, env);
        self.leave();
        let (given, _) = given?.take();
        let mut schema = Schema::default();
        for column in &input.schema().columns {
            if !elements.expanded.contains(&column.name) {
                let found = given.schema.get(&column.name).unwrap_or(column);
                schema.columns.push(found.clone());
            }
        }
        for column in &given.schema.columns {
            if schema.get(&column.name).is_none() {
                schema.columns.push(column.clone());
            }
        }
        let (rel, rest) = input.take();
        let op = RelOp::Apply { input: Box::new(rel), expander: elements.expander, body: Box::new(given) };
        let known = schema.clone();
        let mut table = rest.change(Rel { op, schema }, |source| known.get(source).is_some());
        table.ordered = false;
        Ok(table)
    }
}
