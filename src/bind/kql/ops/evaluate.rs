//! `evaluate`: plug-ins.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::syntax::kql::ast::{Arg, ColumnDecl, Name, Operator};

impl<'q> Binder<'_, 'q> {
    #[expect(clippy::too_many_arguments)]
    pub fn evaluate(
        &mut self,
        _input: Option<Table>,
        name: &'q Name,
        _args: &'q [Arg],
        _schema: Option<&'q [ColumnDecl]>,
        _rest: bool,
        _operator: &'q Operator,
        _env: &Env<'q>,
    ) -> Bind<Table> {
        Err(self.not_yet(&format!("evaluate {}", name.text), name.span))
    }
}
