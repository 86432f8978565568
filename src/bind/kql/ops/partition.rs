//! `partition`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Item, Table};
use crate::ir::{Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, Name, PartitionBody, Setting};
use crate::text::codes;
use crate::types::{Schema, Type};

impl<'q> Binder<'_, 'q> {
    pub fn partition(
        &mut self,
        input: Table,
        _options: &'q [Setting],
        by: &'q Name,
        body: &'q PartitionBody,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let by_column = self.named_column(&input, by, env)?;
        if by_column.ty() == Type::Dynamic {
            return Err(self.fault(codes::WRONG_TYPE.at(by.span, "rows are not grouped by dynamics")));
        }
        let operators = match body {
            PartitionBody::Operators(operators) => operators,
            PartitionBody::Query(query) => return self.partition_query(input, by, by_column, query, env),
        };
        let hidden = input.hidden.clone();
        let (rel, rest) = input.take();
        let mut each = Table::of(RelOp::Each, rel.schema.clone());
        each.open = rest.open;
        each.hidden = hidden.into_iter().filter(|one| rest.schema.get(&one.source).is_some()).collect();
        let given = self.pipe(each, operators, env)?;
        let hidden = given.hidden.clone();
        let (given, _) = given.take();
        let schema = given.schema.clone();
        let op = RelOp::Partition { input: Box::new(rel), by: by_column, body: Box::new(given) };
        Ok(Table { hidden, ..Table::of(op, schema) })
    }

    /// `partition by x { query }`: the query for each value of the column, which it names like a value of its own.
    fn partition_query(
        &mut self,
        input: Table,
        by: &'q Name,
        column: Scalar,
        query: &'q Expr,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let (rel, _) = input.take();
        let ty = column.ty();
        let each = Rel { op: RelOp::Each, schema: rel.schema.clone() };
        let value = Rel {
            op: RelOp::Project { input: Box::new(each), columns: vec![(by.text.clone(), column.clone())] },
            schema: Schema::new([(by.text.as_str(), ty)]),
        };
        let inner = env.inner();
        inner.add(&by.text, Item::Scalar(Scalar::Subquery { rel: Box::new(value), ty }));
        let (given, _) = self.table(query, &inner)?.take();
        let schema = given.schema.clone();
        let op = RelOp::Partition { input: Box::new(rel), by: column, body: Box::new(given) };
        Ok(Table::of(op, schema))
    }
}
