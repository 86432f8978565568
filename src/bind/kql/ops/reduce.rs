//! `reduce`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::syntax::kql::ast::{Expr, Operator, Setting};

impl<'q> Binder<'_, 'q> {
    pub fn reduce(
        &mut self,
        _input: Table,
        _options: &'q [Setting],
        _by: &'q Expr,
        _with: &'q [Setting],
        operator: &'q Operator,
        _env: &Env<'q>,
    ) -> Bind<Table> {
        Err(self.not_yet("reduce", operator.word))
    }
}
