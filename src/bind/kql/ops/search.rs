//! `search`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::syntax::kql::ast::{Expr, Operator, Setting};

impl<'q> Binder<'_, 'q> {
    pub fn search(
        &mut self,
        _input: Option<Table>,
        _options: &'q [Setting],
        _tables: &'q [Expr],
        _predicate: &'q Expr,
        operator: &'q Operator,
        _env: &Env<'q>,
    ) -> Bind<Table> {
        Err(self.not_yet("search", operator.word))
    }
}
