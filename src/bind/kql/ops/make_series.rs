//! `make-series`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::syntax::kql::ast::{Expr, Named, Operator, SeriesAggregate, Setting};

/// `on x from a to b step c`
pub struct Axis<'q> {
    pub on: &'q Named,
    pub from: Option<&'q Expr>,
    pub to: Option<&'q Expr>,
    pub step: Option<&'q Expr>,
    pub in_range: bool,
}

impl<'q> Binder<'_, 'q> {
    #[expect(clippy::too_many_arguments)]
    pub fn make_series(
        &mut self,
        _input: Table,
        _options: &'q [Setting],
        _aggregates: &'q [SeriesAggregate],
        _axis: Axis<'q>,
        _by: &'q [Named],
        operator: &'q Operator,
        _env: &Env<'q>,
    ) -> Bind<Table> {
        Err(self.not_yet("make-series", operator.word))
    }
}
