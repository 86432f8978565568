//! `extend` and `serialize`.
use crate::bind::kql::Binder;
use crate::bind::kql::columns::project;
use crate::bind::kql::names::{Projection, Style};
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::ir::Scalar;
use crate::syntax::kql::ast::Named;

impl<'q> Binder<'_, 'q> {
    pub fn extend(&mut self, input: Table, columns: &'q [Named], env: &Env<'q>) -> Bind<Table> {
        self.with_more(input, columns, Style::Extend, env)
    }

    fn with_more(&mut self, input: Table, columns: &'q [Named], style: Style, env: &Env<'q>) -> Bind<Table> {
        let (outputs, windows) = self.over_rows(&input, env, |binder, scope| {
            let mut projection = Projection::of(input.schema());
            binder.project_all(columns, scope, style, &mut projection)?;
            Ok(projection.outputs)
        })?;
        let (rel, rest) = input.take();
        let kept: Vec<String> = outputs
            .iter()
            .filter(|one| matches!(&one.scalar, Scalar::Column { name, .. } if *name == one.name))
            .map(|one| one.name.clone())
            .collect();
        let known = rest.schema.clone();
        let rel = project(windows.wrap(rel), outputs);
        Ok(rest.change(rel, |source| known.get(source).is_none() || kept.iter().any(|name| name == source)))
    }

    /// The columns come beside those that are there, whatever their names.
    pub fn serialize(&mut self, input: Table, columns: &'q [Named], env: &Env<'q>) -> Bind<Table> {
        let mut input = input;
        input.ordered = true;
        if columns.is_empty() {
            return Ok(input);
        }
        self.with_more(input, columns, Style::Serialize, env)
    }
}
