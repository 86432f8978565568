//! `mv-expand`.
use crate::bind::kql::columns::Columns;
use crate::bind::kql::names::{self, Projection, Style};
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, ops};
use crate::ir::{Expander, Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, MvColumn, Setting};
use crate::text::codes;
use crate::types::{Column, Schema, Type};

/// An expander with the schema of its elements.
pub struct Elements {
    pub expander: Expander,
    pub schema: Schema,
    /// The input's columns that are expanded under their own names; a name that the text gives leaves its column there.
    pub expanded: Vec<String>,
}

impl<'q> Binder<'_, 'q> {
    pub fn mv_expand(
        &mut self,
        input: Table,
        options: &'q [Setting],
        columns: &'q [MvColumn],
        limit: Option<&'q Expr>,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let elements = self.elements(&input, options, columns, limit, env)?;
        let (rel, rest) = input.take();
        let given: Vec<String> =
            elements.schema.names().filter(|name| rest.schema.get(name).is_some()).map(String::from).collect();
        let replaced: Vec<String> = match &elements.expander {
            Expander::MvExpand { columns, .. } => columns.iter().map(|(name, ..)| name.clone()).collect(),
            Expander::Parse { .. } | Expander::ParseKv { .. } => Vec::new(),
        };
        let op = RelOp::Expand { input: Box::new(rel), expander: elements.expander };
        let known = rest.schema.clone();
        let mut table = rest.change(Rel { op, schema: elements.schema }, |source| {
            known.get(source).is_none()
                || (given.iter().any(|name| name == source) && !replaced.iter().any(|name| name == source))
        });
        table.ordered = false;
        Ok(table)
    }

    /// What mv-expand and mv-apply make of each row.
    pub fn elements(
        &mut self,
        input: &Table,
        options: &'q [Setting],
        columns: &'q [MvColumn],
        limit: Option<&'q Expr>,
        env: &Env<'q>,
    ) -> Bind<Elements> {
        let scope = Scope::row(env, input);
        let mut projection = Projection::of(input.schema());
        let mut calls: Vec<(String, Scalar, Type)> = Vec::new();
        let mut expanded = Vec::new();
        let mut sound = Ok(());
        for column in columns {
            let expr = &column.column.expr;
            let bound = match self.columns(expr, scope) {
                Ok(Columns::One(scalar, identity)) => (scalar, identity),
                Ok(Columns::Many(_)) => {
                    sound = Err(self.fault(codes::NOT_SCALAR.at(expr.span, "a single value is expected here")));
                    continue;
                }
                Err(fault) => {
                    sound = Err(fault);
                    continue;
                }
            };
            let (array, identity) = bound;
            if array.ty() != Type::Dynamic {
                let ty = array.ty();
                let fault = codes::WRONG_TYPE.at(expr.span, format!("a dynamic is expected here, not {ty}"));
                let help = "read it as a dynamic first: `parse_json(…)`";
                sound = Err(self.fault(if ty == Type::String { fault.help(help) } else { fault }));
                continue;
            }
            let ty = column.to.unwrap_or(Type::Dynamic);
            // The projection settles the name; what stands there has the elements' type.
            let stand_in = Scalar::Column { name: "$element".into(), ty, span: expr.span };
            let before: Vec<String> = projection.outputs.iter().map(|one| one.name.clone()).collect();
            let placed = self.project_bound(
                Columns::One(stand_in, identity.clone()),
                &column.column.names,
                expr,
                scope,
                Style::Replace,
                &mut projection,
                0,
            );
            if let Err(fault) = placed {
                sound = Err(fault);
                continue;
            }
            let place = projection.outputs.iter().position(|one| {
                matches!(&one.scalar, Scalar::Column { name, .. } if name == "$element")
                    && (!before.contains(&one.name) || !calls.iter().any(|(known, ..)| *known == one.name))
            });
            if let Some(at) = place {
                let name = projection.outputs[at].name.clone();
                projection.outputs[at].scalar = Scalar::column(&name, ty);
                if column.column.names.is_empty() && input.schema().get(&name).is_some() {
                    expanded.push(name.clone());
                }
                calls.push((name, array, ty));
            }
        }
        sound?;
        let index = ops::option(options, "with_itemindex").and_then(ops::word).map(|name| {
            // A name that is there already gets a number.
            let mut unique = names::Unique::default();
            for output in &projection.outputs {
                unique.add(&output.name);
            }
            unique.name(&name)
        });
        let mut schema = Schema {
            columns: projection
                .outputs
                .iter()
                .map(|one| Column { name: one.name.clone(), ty: one.scalar.ty() })
                .collect(),
        };
        if let Some(index) = &index {
            schema.columns.push(Column { name: index.clone(), ty: Type::Long });
        }
        let kind = ops::option(options, "bagexpansion").or_else(|| ops::option(options, "kind")).and_then(ops::word);
        let array_bags = kind.as_deref() == Some("array");
        let limit = match limit {
            Some(limit) => Some(self.count(limit, Scope::bare(env))?),
            None => None,
        };
        let expander = Expander::MvExpand { columns: calls, index, array_bags, limit };
        Ok(Elements { expander, schema, expanded })
    }
}
