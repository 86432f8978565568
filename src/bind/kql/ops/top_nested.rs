//! `top-nested` and `top-hitters`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::syntax::kql::ast::{Expr, Operator, TopNestedLevel};

impl<'q> Binder<'_, 'q> {
    pub fn top_nested(
        &mut self,
        _input: Table,
        _levels: &'q [TopNestedLevel],
        operator: &'q Operator,
        _env: &Env<'q>,
    ) -> Bind<Table> {
        Err(self.not_yet("top-nested", operator.word))
    }

    pub fn top_hitters(
        &mut self,
        _input: Table,
        _count: &'q Expr,
        _of: &'q Expr,
        _by: Option<&'q Expr>,
        operator: &'q Operator,
        _env: &Env<'q>,
    ) -> Bind<Table> {
        Err(self.not_yet("top-hitters", operator.word))
    }
}
