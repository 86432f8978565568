//! `scan`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::syntax::kql::ast::{ColumnDecl, Expr, Operator, ScanStep, Setting, SortKey};

/// The parts of a scan.
pub struct Scan<'q> {
    pub options: &'q [Setting],
    pub order: &'q [SortKey],
    pub partition: &'q [Expr],
    pub declare: &'q [(ColumnDecl, Option<Expr>)],
    pub steps: &'q [ScanStep],
}

impl<'q> Binder<'_, 'q> {
    pub fn scan(&mut self, _input: Table, _scan: Scan<'q>, operator: &'q Operator, _env: &Env<'q>) -> Bind<Table> {
        Err(self.not_yet("scan", operator.word))
    }
}
