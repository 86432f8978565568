//! Bags and columns turned into each other: bag_unpack, pivot.
use super::Plugin;
use crate::bind::kql::columns::schema_of;
use crate::bind::kql::names::Output;
use crate::bind::kql::scope::{Aggregates, Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, coerce};
use crate::ir::{Rel, RelOp, Scalar, WholeArg, WholeCall};
use crate::rows::whole::bags::{Conflict, pivoted_schema, unpacked_schema};
use crate::syntax::kql::ast::{Arg, Expr, ExprKind};
use crate::text::{Span, codes};
use crate::types::{Schema, Type};
use crate::value::{Json, Value};
use std::cell::RefCell;

impl<'q> Binder<'_, 'q> {
    /// A column of texts as the bags that the texts are.
    fn read_as_bags(&mut self, input: Table, column: &str, span: Span) -> Bind<Table> {
        let (rel, rest) = input.take();
        let mut schema = rel.schema.clone();
        let mut columns = Vec::with_capacity(schema.len());
        for one in &mut schema.columns {
            let mut value = Scalar::column(&one.name, one.ty);
            if one.name == column {
                value = match one.ty {
                    Type::String => self.apply("parse_json", vec![value], span)?,
                    _ => coerce::convert(value, Type::Dynamic, self.context.now),
                };
                one.ty = Type::Dynamic;
            }
            columns.push((one.name.clone(), value));
        }
        Ok(rest.change(Rel { op: RelOp::Project { input: Box::new(rel), columns }, schema }, |source| source != column))
    }

    pub(super) fn bag_unpack(&mut self, input: Table, plugin: Plugin<'q>, rest: bool, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let scope = Scope::row(env, &input);
        let Some(first) = positional.first() else {
            return Err(self.argument_count(plugin.name, "at least 1 argument"));
        };
        let (column, ty) = self.plugin_column(first, scope)?;
        let input = if ty == Type::Dynamic { input } else { self.read_as_bags(input, &column, first.span)? };
        let bare = Scope::bare(env);
        let prefix = match plugin.named("OutputColumnPrefix").or(positional.get(1).copied()) {
            Some(expr) => self.text(expr, bare)?,
            None => String::new(),
        };
        let conflict = match plugin.named("columnsConflict").or(positional.get(2).copied()) {
            Some(expr) => {
                let word = self.text(expr, bare)?;
                match Conflict::from_name(&word) {
                    Some(conflict) => (word, conflict),
                    None => {
                        let known = ["error", "replace_source", "keep_source"];
                        return Err(self.fault(
                            codes::BAD_VALUE
                                .at(expr.span, format!("`columnsConflict` cannot be `{word}`"))
                                .nearest(&word, known),
                        ));
                    }
                }
            }
            None => ("error".to_string(), Conflict::Error),
        };
        let ignored = match plugin.named("ignoredProperties").or(positional.get(3).copied()) {
            Some(expr) => {
                let bound = self.scalar(expr, bare)?;
                self.settle(bound, expr.span)?
            }
            None => Value::Null,
        };
        let names: Vec<String> = match ignored.to_json() {
            Json::Array(names) => names.iter().filter_map(|name| name.as_str().map(String::from)).collect(),
            _ => Vec::new(),
        };
        let (rel, passed) = input.take();
        let open = plugin.declared.is_none();
        let schema = match plugin.declared {
            Some(mut schema) => {
                if rest {
                    schema.columns.retain(|one| one.name != column);
                }
                schema
            }
            None => {
                // Only the bags are read, and equal ones once; the other columns are known.
                let bags = distinct(rel.clone(), &column, Scalar::column(&column, Type::Dynamic));
                let mut table = self.peek(&bags, plugin.span)?;
                table.schema.columns.extend(passed.schema.columns.iter().filter(|one| one.name != column).cloned());
                match unpacked_schema(&table, &column, &prefix, conflict.1, &names) {
                    Ok(schema) => schema,
                    Err(clash) => {
                        return Err(self.fault(
                            codes::DUPLICATE_NAME
                                .at(
                                    plugin.name.span,
                                    format!("a property of the bag is called like the column `{clash}`"),
                                )
                                .help("say which counts: `columnsConflict='keep_source'` or `'replace_source'`"),
                        ));
                    }
                }
            }
        };
        let args = vec![
            WholeArg::Constant("column", Value::string(column)),
            WholeArg::Constant("prefix", Value::string(prefix)),
            WholeArg::Constant("conflict", Value::string(conflict.0)),
            WholeArg::Constant("ignored", ignored),
        ];
        let call = WholeCall { name: "bag_unpack", args, span: plugin.span };
        let known = schema.clone();
        let rel = Rel { op: RelOp::Whole { inputs: vec![rel], call }, schema };
        let mut table = passed.change(rel, |source| known.get(source).is_some());
        table.ordered = false;
        table.open |= open;
        Ok(table)
    }

    pub(super) fn pivot(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let scope = Scope::row(env, &input);
        let Some(first) = positional.first() else {
            return Err(self.argument_count(plugin.name, "at least 1 argument"));
        };
        let column = self.scalar(first, scope)?;
        if column.ty() == Type::Dynamic {
            return Err(self.fault(codes::WRONG_TYPE.at(first.span, "a dynamic makes no columns")));
        }
        let mut read: Vec<String> = column_name(&column).into_iter().collect();
        let (measure, measured) = match positional.get(1) {
            Some(expr) => {
                for arg in arguments(expr) {
                    let columns = self.scalar(arg, scope)?;
                    read.extend(column_name(&columns));
                }
                self.measure(expr, scope)?
            }
            None => self.counted(plugin.span, scope)?,
        };
        let mut keys: Vec<Output> = Vec::new();
        for expr in positional.iter().skip(2) {
            let (name, ty) = self.plugin_column(expr, scope)?;
            keys.push(Output { scalar: Scalar::column(&name, ty), name, identity: None });
        }
        if positional.len() <= 2 {
            let others = input.schema().columns.iter().filter(|one| !read.contains(&one.name));
            keys.extend(others.map(|one| Output {
                name: one.name.clone(),
                scalar: Scalar::column(&one.name, one.ty),
                identity: None,
            }));
        }
        let mut args = vec![WholeArg::Scalar("column", column.clone())];
        args.extend(keys.iter().map(|key| WholeArg::Scalar("key", key.scalar.clone())));
        args.extend(measure);
        let key_schema = schema_of(&keys);
        let (rel, _) = input.take();
        let open = plugin.declared.is_none();
        let schema = match plugin.declared {
            Some(schema) => schema,
            None => {
                let table = self.peek(&distinct(rel.clone(), "value", column), plugin.span)?;
                let names = table.rows.iter().filter_map(|row| row.first()).map(|value| value.text().into_owned());
                pivoted_schema(&key_schema, measured, names)
            }
        };
        let call = WholeCall { name: "pivot", args, span: plugin.span };
        Ok(Table { open, ..Table::of(RelOp::Whole { inputs: vec![rel], call }, schema) })
    }

    /// The measure `count()`.
    fn counted(&mut self, span: Span, scope: Scope<'_, 'q>) -> Bind<(Vec<WholeArg>, Type)> {
        let Some(count) = crate::functions::aggregate("count") else { return Err(self.not_yet("count", span)) };
        let collected = RefCell::new(Aggregates::default());
        debug_assert!(scope.row.is_some());
        collected.borrow_mut().push(count, Vec::new(), &[Type::Long], span);
        let calls = collected.into_inner().calls;
        Ok((calls.into_iter().map(|call| WholeArg::Aggregate("value", call)).collect(), Type::Long))
    }
}

/// The distinct values of a scalar over a relation.
fn distinct(rel: Rel, name: &str, of: Scalar) -> Rel {
    let schema = Schema::new([(name, of.ty())]);
    let by = vec![(name.to_owned(), of)];
    Rel { op: RelOp::Summarize { input: Box::new(rel), by, aggregates: Vec::new() }, schema }
}

fn column_name(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Column { name, .. } => Some(name.clone()),
        _ => None,
    }
}

/// The arguments of the aggregation that an expression is.
fn arguments(expr: &Expr) -> impl Iterator<Item = &Expr> {
    let args: &[Arg] = match &expr.kind {
        ExprKind::Call { args, .. } => args,
        _ => &[],
    };
    args.iter().map(|arg| &arg.value).filter(|value| !matches!(value.kind, ExprKind::Star))
}
