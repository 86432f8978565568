//! `partition`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Table};
use crate::ir::RelOp;
use crate::syntax::kql::ast::{Name, Operator, PartitionBody, Setting};
use crate::text::codes;
use crate::types::Type;

impl<'q> Binder<'_, 'q> {
    pub fn partition(
        &mut self,
        input: Table,
        _options: &'q [Setting],
        by: &'q Name,
        body: &'q PartitionBody,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let by_column = self.named_column(&input, by, env)?;
        if by_column.ty() == Type::Dynamic {
            return Err(self.fault(codes::WRONG_TYPE.at(by.span, "rows are not grouped by dynamics")));
        }
        let PartitionBody::Operators(operators) = body else {
            return Err(self.not_yet("partition by { … }", operator.word));
        };
        let hidden = input.hidden.clone();
        let (rel, rest) = input.take();
        let mut each = Table::of(RelOp::Each, rel.schema.clone());
        each.hidden = hidden.into_iter().filter(|one| rest.schema.get(&one.source).is_some()).collect();
        let given = self.pipe(each, operators, env)?;
        let hidden = given.hidden.clone();
        let (given, _) = given.take();
        let schema = given.schema.clone();
        let op = RelOp::Partition { input: Box::new(rel), by: by_column, body: Box::new(given) };
        Ok(Table { hidden, ..Table::of(op, schema) })
    }
}
