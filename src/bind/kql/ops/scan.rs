//! `scan`.
use crate::bind::kql::scope::{Bind, Env, Hidden, Scope, Table, select};
use crate::bind::kql::{Binder, coerce, ops};
use crate::ir::{Rel, RelOp, WholeArg, WholeCall};
use crate::rows::whole::scan::{scan_schema, state_column};
use crate::syntax::kql::ast::{ColumnDecl, Expr, Operator, ScanStep, Setting, SortKey};
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::Value;

/// The operator as it is written.
pub struct Scan<'q> {
    pub options: &'q [Setting],
    pub order: &'q [SortKey],
    pub partition: &'q [Expr],
    pub declare: &'q [(ColumnDecl, Option<Expr>)],
    pub steps: &'q [ScanStep],
}

impl<'q> Binder<'_, 'q> {
    pub fn scan(&mut self, input: Table, scan: Scan<'q>, operator: &'q Operator, env: &Env<'q>) -> Bind<Table> {
        let input = if scan.order.is_empty() { input } else { self.sort(input, scan.order, env)? };
        self.few(scan.declare.len(), "columns", operator.word)?;
        let width = (input.schema().len() + scan.declare.len()).saturating_mul(scan.steps.len());
        self.few(scan.steps.len(), "steps", operator.word)?;
        self.charge(width, operator.word)?;
        let mut args = Vec::new();
        for key in scan.partition {
            args.push(WholeArg::Scalar("key", self.scalar(key, Scope::row(env, &input))?));
        }
        let mut schema = input.schema().clone();
        let mut declared: Vec<Column> = Vec::new();
        for (column, default) in scan.declare {
            let Column { name, ty } = Column { name: column.name.text.clone(), ty: column.ty };
            if schema.get(&name).is_some() {
                return Err(self.fault(crate::bind::kql::names::duplicate(&name, column.name.span)));
            }
            let mut group = vec![WholeArg::Column("name", name.clone(), ty)];
            if let Some(default) = default {
                let bound = self.scalar(default, Scope::bare(env))?;
                group.push(WholeArg::Scalar("default", self.as_declared(bound, ty, default.span)?));
            }
            args.push(WholeArg::Group("declare", group));
            schema.columns.push(Column { name: name.clone(), ty });
            declared.push(Column { name, ty });
        }
        let steps: Vec<String> = scan.steps.iter().map(|step| step.name.text.clone()).collect();
        let row = self.scan_row(&input, &declared, &steps);
        let scope = Scope::row(env, &row);
        for (at, step) in scan.steps.iter().enumerate() {
            if steps[..at].contains(&step.name.text) {
                let message = format!("a step named `{}` is there already", step.name.text);
                return Err(self.fault(codes::DUPLICATE_NAME.at(step.name.span, message)));
            }
            if step.optional {
                return Err(self.not_yet("optional", step.name.span));
            }
            let mut group = vec![WholeArg::Constant("name", Value::string(step.name.text.clone()))];
            if let Some(output) = &step.output {
                if !["all", "last", "none"].contains(&output.text.as_str()) {
                    let message = "`output` is `all`, `last` or `none`";
                    return Err(self.fault(codes::BAD_VALUE.at(output.span, message)));
                }
                group.push(WholeArg::Constant("output", Value::string(output.text.clone())));
            }
            group.push(WholeArg::Scalar("when", self.predicate(&step.condition, scope)?));
            for (name, value) in &step.assign {
                let Some(column) = schema.get(&name.text).cloned() else {
                    return Err(self.unknown_column(name, scope));
                };
                let bound = self.scalar(value, scope)?;
                let bound = coerce::convert(bound, column.ty, self.context.now);
                let to = WholeArg::Column("name", column.name, column.ty);
                group.push(WholeArg::Group("assign", vec![to, WholeArg::Scalar("value", bound)]));
            }
            args.push(WholeArg::Group("step", group));
        }
        if let Some(setting) = ops::option(scan.options, "with_match_id") {
            let name = ops::word(setting).unwrap_or_default();
            if schema.get(&name).is_some() {
                return Err(self.fault(crate::bind::kql::names::duplicate(&name, setting.value.span)));
            }
            args.push(WholeArg::Column("match_id", name.clone(), Type::Long));
            schema.columns.push(Column { name, ty: Type::Long });
        }
        let (rel, rest) = input.take();
        let call = WholeCall { name: "scan", args, span: operator.span };
        let known = rest.schema.clone();
        // A stored column that only a hidden name reads is not among the columns of the rows.
        let rel = if rel.schema == known { rel } else { select(rel, &known) };
        let rel = Rel { op: RelOp::Whole { inputs: vec![rel], call }, schema };
        Ok(rest.change(rel, |source| known.get(source).is_some()))
    }

    /// What the expressions of the steps see: the row, the declared columns, and `step.column` of the state.
    fn scan_row(&self, input: &Table, declared: &[Column], steps: &[String]) -> Table {
        let seen = scan_schema(input.schema(), declared, steps);
        let width = input.schema().len() + declared.len();
        let plain = Schema { columns: seen.columns[..width].to_vec() };
        let mut row = Table::of(RelOp::Each, plain);
        row.hidden = input.hidden.iter().filter(|one| input.schema().get(&one.source).is_some()).cloned().collect();
        for column in &seen.columns[width..] {
            row.hidden.push(Hidden { name: column.name.clone(), source: column.name.clone(), ty: column.ty });
        }
        for step in steps {
            for one in input.hidden.iter().filter(|one| input.schema().get(&one.source).is_some()) {
                let (name, source) = (state_column(step, &one.name), state_column(step, &one.source));
                row.hidden.push(Hidden { name, source, ty: one.ty });
            }
        }
        row
    }
}
