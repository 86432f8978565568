//! `summarize` and `distinct`.
use crate::bind::kql::columns::{project, schema_of};
use crate::bind::kql::names::{Output, Projection, Style};
use crate::bind::kql::scope::{Aggregates, Bind, Env, Hidden, Scope, Table};
use crate::bind::kql::{Binder, coerce};
use crate::ir::{Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{ExprKind, Named};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use std::cell::RefCell;
use std::collections::HashMap;

impl<'q> Binder<'_, 'q> {
    pub fn summarize(&mut self, input: Table, aggregates: &'q [Named], by: &'q [Named], env: &Env<'q>) -> Bind<Table> {
        let scope = Scope::row(env, &input);
        let mut projection = Projection::default();
        let keyed = self.group_keys(by, scope, &mut projection);
        let keys = projection.outputs.len();
        let collected = RefCell::new(Aggregates { by: grouped(&projection.outputs), ..Aggregates::default() });
        for output in &projection.outputs.clone() {
            if let Some(identity) = &output.identity {
                projection.skip(identity);
            }
        }
        let scope = Scope { aggregates: Some(&collected), ..scope };
        self.project_all(aggregates, scope, Style::Summarize, &mut projection)?;
        keyed?;
        let mut outputs = projection.outputs;
        let rest = outputs.split_off(keys);
        let (rel, passed) = input.take();
        let rel = folded(rel, outputs, rest, collected.into_inner());
        let is = |name: &str, ty: Type| rel.schema.get(name).is_some_and(|column| column.ty == ty);
        let mut hidden = Vec::new();
        for one in passed.hidden {
            if is(&one.source, one.ty) && rel.schema.get(&one.name).is_none() {
                hidden.push(one);
            } else if is(&one.name, one.ty) && rel.schema.get(&one.source).is_none() {
                // The column has the other one of its two names now.
                hidden.push(Hidden { name: one.source, source: one.name, ty: one.ty });
            }
        }
        Ok(Table { hidden, ..Table::new(rel) })
    }

    /// The columns that an operator groups by.
    pub fn group_keys(&mut self, by: &'q [Named], scope: Scope<'_, 'q>, projection: &mut Projection) -> Bind<()> {
        self.project_all(by, scope, Style::Project, projection)?;
        let mut sound = Ok(());
        for output in &mut projection.outputs {
            if self.untyped && output.scalar.ty() == Type::Dynamic {
                output.scalar = coerce::convert(output.scalar.clone(), Type::String, self.context.now);
            }
            if output.scalar.ty() == Type::Dynamic {
                let named = by.iter().find(|named| named.names.iter().any(|name| name.text == output.name));
                let span = match (named, by) {
                    (Some(named), _) => named.expr.span,
                    (None, [only]) => only.expr.span,
                    (None, many) => many.iter().map(|one| one.expr.span).reduce(Span::to).unwrap_or_default(),
                };
                sound = Err(self.fault(
                    codes::WRONG_TYPE
                        .at(span, format!("`{}` is dynamic, and rows are not grouped by dynamics", output.name))
                        .help("convert it: `tostring(…)`"),
                ));
            }
        }
        sound
    }

    pub fn distinct(&mut self, input: Table, columns: &'q [Named], env: &Env<'q>) -> Bind<Table> {
        let scope = Scope::row(env, &input);
        let mut projection = Projection::default();
        self.group_keys(columns, scope, &mut projection)?;
        let outputs = projection.outputs;
        let star = columns.iter().any(|named| matches!(named.expr.kind, ExprKind::Star));
        let schema = schema_of(&outputs);
        let (rel, rest) = input.take();
        let by = outputs.into_iter().map(|one| (one.name, one.scalar)).collect();
        let rel =
            Rel { op: RelOp::Summarize { input: Box::new(rel), by, aggregates: Vec::new() }, schema: schema.clone() };
        let mut table = rest.change(rel, |source| star && schema.get(source).is_some());
        table.ordered = false;
        Ok(table)
    }
}

/// The input's columns that are grouped by as they are, whatever they are called then.
fn grouped(outputs: &[Output]) -> Vec<String> {
    outputs
        .iter()
        .filter_map(|one| match &one.scalar {
            Scalar::Column { name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// The groups and what is folded for each; expressions over aggregations are computed behind.
pub fn folded(input: Rel, by: Vec<Output>, outputs: Vec<Output>, collected: Aggregates) -> Rel {
    let mut calls = collected.calls;
    let mut slots: HashMap<String, (usize, usize)> = HashMap::new();
    for (at, call) in calls.iter().enumerate() {
        slots.extend(call.outputs.iter().enumerate().map(|(place, (slot, _))| (slot.clone(), (at, place))));
    }
    let mut results: Vec<Output> =
        by.iter().map(|one| Output { scalar: Scalar::column(&one.name, one.scalar.ty()), ..one.clone() }).collect();
    for mut output in outputs {
        // An aggregation that stands alone has its column's name at once.
        if let Scalar::Column { name, ty, .. } = &output.scalar
            && let Some((at, place)) = slots.remove(name)
            && let Some((slot, _)) = calls.get_mut(at).and_then(|call| call.outputs.get_mut(place))
        {
            *slot = output.name.clone();
            output.scalar = Scalar::column(&output.name, *ty);
        }
        results.push(output);
    }
    let mut schema = Schema::default();
    schema.columns.extend(by.iter().map(|one| Column { name: one.name.clone(), ty: one.scalar.ty() }));
    for call in &calls {
        schema.columns.extend(call.outputs.iter().map(|(name, ty)| Column { name: name.clone(), ty: *ty }));
    }
    let by = by.into_iter().map(|one| (one.name, one.scalar)).collect();
    let rel = Rel { op: RelOp::Summarize { input: Box::new(input), by, aggregates: calls }, schema };
    let same = rel.schema.len() == results.len()
        && rel.schema.columns.iter().zip(&results).all(
            |(column, one)| matches!(&one.scalar, Scalar::Column { name, .. } if *name == column.name && one.name == column.name),
        );
    if same { rel } else { project(rel, results) }
}
