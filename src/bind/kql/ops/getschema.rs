//! `getschema` and `assert-schema`.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Table};
use crate::ir::RelOp;
use crate::syntax::kql::ast::ColumnDecl;
use crate::text::{Span, codes};
use crate::types::{Schema, Type};
use crate::value::Value;

/// The name of a type in the system of the reference engine.
fn system_name(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "System.SByte",
        Type::Int => "System.Int32",
        Type::Long => "System.Int64",
        Type::Real => "System.Double",
        Type::Decimal => "System.Data.SqlTypes.SqlDecimal",
        Type::String => "System.String",
        Type::Datetime => "System.DateTime",
        Type::Timespan => "System.TimeSpan",
        Type::Guid => "System.Guid",
        Type::Dynamic => "System.Object",
    }
}

impl<'q> Binder<'_, 'q> {
    pub fn getschema(&mut self, input: Table) -> Bind<Table> {
        let rows = input
            .schema()
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                vec![
                    Value::string(column.name.clone()),
                    Value::Long(at as i64),
                    Value::string(system_name(column.ty)),
                    Value::string(column.ty.name()),
                ]
            })
            .collect();
        let schema = Schema::new([
            ("ColumnName", Type::String),
            ("ColumnOrdinal", Type::Long),
            ("DataType", Type::String),
            ("ColumnType", Type::String),
        ]);
        let mut table = Table::of(RelOp::Values { rows }, schema);
        table.ordered = true;
        Ok(table)
    }

    /// `assert-schema`: the rows as they are, if their columns are the declared ones in their order.
    pub fn assert_schema(&mut self, input: Table, columns: &'q [ColumnDecl], span: Span) -> Bind<Table> {
        let declared = self.declared(columns)?;
        if declared == *input.schema() {
            return Ok(input);
        }
        let names: Vec<String> =
            input.schema().columns.iter().map(|column| format!("{}:{}", column.name, column.ty)).collect();
        let fault = codes::WRONG_TYPE.at(span, format!("the columns are not these, but `({})`", names.join(", ")));
        Err(self.fault(fault))
    }
}
