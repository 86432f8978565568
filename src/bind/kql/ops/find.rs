//! `find`: rows of several tables under one predicate.
use super::search::{columns_of, is_loose, with_columns};
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, coerce, ops, ops::union};
use crate::ir::{Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, FindColumn, Operator, Setting};
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use std::collections::HashMap;

impl<'q> Binder<'_, 'q> {
    pub fn find(
        &mut self,
        options: &'q [Setting],
        tables: &'q [Expr],
        predicate: &'q Expr,
        project: Option<&'q [FindColumn]>,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let label = ops::option(options, "withsource").and_then(ops::word).unwrap_or_else(|| "source_".into());
        let mut sources = Vec::new();
        for expr in tables {
            sources.extend(self.union_input(expr, false, env)?);
        }
        if tables.is_empty() {
            sources = self.all_tables(env)?;
        }
        self.widen_union(&sources, operator.word)?;
        self.widen_search(predicate, &sources)?;
        let schemas: Vec<Schema> = sources.iter().map(|table| table.schema().clone()).collect();
        let known = by_name(&schemas);
        let mut named = Vec::new();
        columns_of(predicate, &mut named);
        let referenced: Vec<String> = named.iter().filter(|name| known.get(name).is_some()).cloned().collect();
        if sources.len() > 1 && !is_loose(predicate) && !referenced.is_empty() {
            sources.retain(|table| referenced.iter().any(|name| table.schema().get(name).is_some()));
        }
        let schemas: Vec<Schema> = sources.iter().map(|table| table.schema().clone()).collect();
        let (columns, pack) = match project.filter(|columns| !columns.is_empty()) {
            None => {
                let mut columns = common(&schemas);
                for name in &referenced {
                    if columns.get(name).is_none()
                        && let Some(column) = known.get(name)
                    {
                        columns.columns.push(column.clone());
                    }
                }
                let more = |schema: &Schema| schema.names().any(|name| columns.get(name).is_none());
                let pack = schemas.iter().any(more);
                (columns, pack)
            }
            Some(wanted) => {
                let mut columns = Schema::default();
                let mut pack = false;
                for one in wanted {
                    match one {
                        FindColumn::Column(name, ty) => match known.get(&name.text) {
                            Some(column) => {
                                columns.columns.push(Column { name: name.text.clone(), ty: ty.unwrap_or(column.ty) });
                            }
                            None => {
                                let message = format!("no column is named `{}`", name.text);
                                let fault = codes::UNKNOWN_COLUMN.at(name.span, message);
                                return Err(self.fault(fault.nearest(&name.text, known.names())));
                            }
                        },
                        FindColumn::PackAll => pack = true,
                        FindColumn::Star => columns.columns.extend(known.columns.iter().cloned()),
                    }
                }
                (columns, pack)
            }
        };
        let unified: Vec<union::Unified> = known
            .columns
            .iter()
            .map(|column| {
                let name = column.name.clone();
                union::Unified { source: name.clone(), name, ty: column.ty, converts: false }
            })
            .collect();
        let mut schema = Schema::new([(label.as_str(), Type::String)]);
        schema.columns.extend(columns.columns.iter().cloned());
        if pack {
            schema.columns.push(Column { name: "pack_".into(), ty: Type::Dynamic });
        }
        let mut relations = Vec::with_capacity(sources.len());
        for (at, source) in sources.into_iter().enumerate() {
            let name = source.name.clone().unwrap_or_else(|| format!("union_arg{at}"));
            let own = source.schema().clone();
            let source = with_columns(source, &named, &unified);
            let bound = self.search_predicate(predicate, Scope::row(env, &source), &own, "has")?;
            if bound.ty() != Type::Bool {
                let message = format!("a bool or a text is expected here, not {}", bound.ty());
                return Err(self.fault(codes::WRONG_TYPE.at(predicate.span, message)));
            }
            let (rel, _) = source.over(|input| RelOp::Filter { input, predicate: bound }).take();
            let mut outputs = vec![(label.clone(), Scalar::literal(Value::string(name), Type::String))];
            for column in &columns.columns {
                let value = match own.get(&column.name) {
                    Some(found) => coerce::convert(Scalar::column(&found.name, found.ty), column.ty, self.context.now),
                    None => Scalar::literal(Value::absent(column.ty), column.ty),
                };
                outputs.push((column.name.clone(), value));
            }
            if pack {
                let rest = own.columns.iter().filter(|column| columns.get(&column.name).is_none());
                let rest = rest.map(|column| Scalar::column(&column.name, column.ty)).collect();
                outputs.push(("pack_".into(), self.bag(rest, true, operator.word)?));
            }
            let op = RelOp::Project { input: Box::new(rel), columns: outputs };
            relations.push(Rel { op, schema: schema.clone() });
        }
        Ok(Table::of(RelOp::Union { inputs: relations }, schema))
    }
}

/// Columns by name alone: those of several types are of the wider number's, or dynamic.
fn by_name(schemas: &[Schema]) -> Schema {
    let mut all = Schema::default();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for column in schemas.iter().flat_map(|schema| &schema.columns) {
        match places.get(column.name.as_str()).and_then(|at| all.columns.get_mut(*at)) {
            Some(known) => known.ty = coerce::common(known.ty, column.ty).unwrap_or(Type::Dynamic),
            None => {
                places.insert(&column.name, all.columns.len());
                all.columns.push(column.clone());
            }
        }
    }
    all
}

/// The columns whose names all tables have.
fn common(schemas: &[Schema]) -> Schema {
    let mut all = by_name(schemas);
    all.columns.retain(|column| schemas.iter().all(|schema| schema.get(&column.name).is_some()));
    all
}
