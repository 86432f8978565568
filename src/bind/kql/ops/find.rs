//! `find`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::syntax::kql::ast::{Expr, FindColumn, Operator, Setting};

impl<'q> Binder<'_, 'q> {
    pub fn find(
        &mut self,
        _options: &'q [Setting],
        _tables: &'q [Expr],
        _predicate: &'q Expr,
        _project: Option<&'q [FindColumn]>,
        operator: &'q Operator,
        _env: &Env<'q>,
    ) -> Bind<Table> {
        Err(self.not_yet("find", operator.word))
    }
}
