//! Relations to logical plans, node by node.
use super::rows_exec::{BATCH, batch_of};
use super::rows_node::{self, Work, input_name};
use super::scalar::{LoweredExpr, Place, Scalars, column_expr, native as native_expr};
use super::{Lowered, LoweredColumn, Lowering, PlanError, Repr, aggregate, join, nodes, real_udf, weight};
use crate::columns::{arrow_schema, stored_type};
use crate::ir::{AggregateCall, Rel, RelOp, Scalar, SortKey};
use crate::rows::range::range;
use crate::rows::whole::{Over, whole};
use crate::text::Span;
use crate::types::{Schema, Type};
use crate::value::Value;
use arrow::datatypes::DataType;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union, cast, lit};
use std::sync::Arc;

/// Joins, unions and bodies within each other past this are refused.
const DEEPEST: usize = 200;
/// Planning takes the square of a pipe's length; published queries have up to fifty operators.
const LONGEST_PIPE: usize = 200;
/// A `range` or `datatable` of more rows has no place in a plan.
const MOST_ROWS: u64 = 5_000_000;

/// The plan of a relation; columns may lie in stored forms. A long pipe is walked, not descended.
pub fn lower(rel: &Rel, lowering: &Lowering<'_>, depth: usize) -> Result<Lowered, PlanError> {
    if depth > DEEPEST {
        return Err(PlanError::Fault("relations are nested too deep".into()));
    }
    let mut pipe = Vec::new();
    let mut at = rel;
    while let Some(input) = at.op.piped() {
        pipe.push(at);
        at = input;
    }
    if pipe.len() > LONGEST_PIPE {
        return Err(PlanError::TooLong(LONGEST_PIPE));
    }
    let mut lowered = leaf(at, lowering, depth)?;
    for step in pipe.into_iter().rev() {
        lowered = self::step(step, lowered, lowering)?;
    }
    Ok(lowered)
}

fn leaf(rel: &Rel, lowering: &Lowering<'_>, depth: usize) -> Result<Lowered, PlanError> {
    match &rel.op {
        RelOp::Table { name, .. } => {
            let provider = lowering
                .providers
                .provider(name)
                .ok_or_else(|| PlanError::Fault(format!("no provider for table `{name}`")))?;
            scan(name, provider, &rel.schema, lowering)
        }
        RelOp::Values { rows } => values(rows, &rel.schema, lowering),
        RelOp::Range { from, to, step } => {
            let ty = rel.schema.columns.first().map_or(Type::Long, |column| column.ty);
            let rows = range(from, to, step, ty, MOST_ROWS).map_err(PlanError::TooLarge)?;
            values(&rows, &rel.schema, lowering)
        }
        RelOp::Join { left, right, kind, on, output } => {
            let left = lower(left, lowering, depth + 1)?;
            let right = lower(right, lowering, depth + 1)?;
            join::lower(left, right, *kind, on, output, &rel.schema, lowering)
        }
        RelOp::Union { inputs } => union(inputs, &rel.schema, lowering, depth),
        RelOp::Whole { inputs, call } => {
            let mut plans = Vec::with_capacity(inputs.len());
            let mut tables = Vec::with_capacity(inputs.len());
            let mut ordered = false;
            for (index, input) in inputs.iter().enumerate() {
                let lowered = lower(input, lowering, depth + 1)?;
                ordered |= lowered.ordered;
                plans.push((native(lowered, &input.schema)?, input.schema.clone()));
                tables.push(input_table(index, &input.schema));
            }
            let op = RelOp::Whole { inputs: tables, call: call.clone() };
            let over = Rel { op, schema: rel.schema.clone() };
            if whole(call.name).is_some_and(|whole| whole.over == Over::EachRow) {
                let plan = rows_node::plan(Work::EachBatch(over), plans, &rel.schema, lowering.now)?;
                return Ok(Lowered { plan, columns: native_columns(&rel.schema), ordered });
            }
            rows(over, plans, &rel.schema, lowering.now)
        }
        RelOp::Shared { id, input } => match lowering.shared.get(id) {
            Some(provider) => scan("materialized", Arc::clone(provider), &rel.schema, lowering),
            None => lower(input, lowering, depth + 1),
        },
        RelOp::Each => Err(PlanError::Fault("a body stands outside its operator".into())),
        RelOp::Filter { .. }
        | RelOp::Project { .. }
        | RelOp::Summarize { .. }
        | RelOp::Sort { .. }
        | RelOp::Take { .. }
        | RelOp::Skip { .. }
        | RelOp::Expand { .. }
        | RelOp::Window { .. }
        | RelOp::Apply { .. }
        | RelOp::Partition { .. } => Err(PlanError::Fault("an operator without its input".into())),
    }
}

/// One operator of a pipe over what comes before it.
fn step(rel: &Rel, input: Lowered, lowering: &Lowering<'_>) -> Result<Lowered, PlanError> {
    let scalars = Scalars { columns: &input.columns, now: lowering.now };
    match &rel.op {
        RelOp::Filter { predicate, .. } => {
            let lowered = scalars.predicate(predicate)?;
            if weight::too_heavy(&lowered, &input.plan)? {
                // The optimizer moves a filter below what it reads, and puts the whole expression there for each name.
                let input = settled(&input, lowering)?;
                let scalars = Scalars { columns: &input.columns, now: lowering.now };
                let predicate = scalars.predicate(predicate)?;
                let plan = nodes::filter(input.plan, predicate)?;
                return Ok(Lowered { plan, ..input });
            }
            let predicate = lowered;
            let plan = nodes::filter(input.plan, predicate)?;
            Ok(Lowered { plan, ..input })
        }
        RelOp::Project { columns, .. } => project(input, columns, lowering),
        RelOp::Summarize { by, aggregates, .. } => summarize(input, by, aggregates, &rel.schema, lowering),
        RelOp::Sort { keys, .. } => {
            let keys = sort_keys(keys, &scalars)?;
            let plan = nodes::sort(input.plan, keys);
            Ok(Lowered { plan, ordered: true, columns: input.columns })
        }
        RelOp::Take { count, .. } => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            let plan = nodes::limit(input.plan, 0, Some(count));
            Ok(Lowered { plan, ..input })
        }
        RelOp::Skip { count, .. } => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            let plan = nodes::limit(input.plan, count, None);
            Ok(Lowered { plan, ..input })
        }
        RelOp::Expand { expander, .. } => {
            let ordered = input.ordered;
            let from = input.schema();
            let plan = native(input, &from)?;
            let plan = rows_node::plan(Work::Expand(expander.clone()), vec![(plan, from)], &rel.schema, lowering.now)?;
            Ok(Lowered { plan, columns: native_columns(&rel.schema), ordered })
        }
        op @ (RelOp::Window { .. } | RelOp::Apply { .. } | RelOp::Partition { .. }) => {
            let from = input.schema();
            let plan = native(input, &from)?;
            let table = Box::new(input_table(0, &from));
            let op = match op {
                RelOp::Window { calls, .. } => RelOp::Window { input: table, calls: calls.clone() },
                RelOp::Apply { expander, body, .. } => {
                    RelOp::Apply { input: table, expander: expander.clone(), body: body.clone() }
                }
                RelOp::Partition { by, body, .. } => {
                    RelOp::Partition { input: table, by: by.clone(), body: body.clone() }
                }
                other => return Err(PlanError::Fault(format!("`{}` is no row operator", other.word()))),
            };
            rows(Rel { op, schema: rel.schema.clone() }, vec![(plan, from)], &rel.schema, lowering.now)
        }
        RelOp::Table { .. }
        | RelOp::Values { .. }
        | RelOp::Range { .. }
        | RelOp::Join { .. }
        | RelOp::Union { .. }
        | RelOp::Each
        | RelOp::Whole { .. }
        | RelOp::Shared { .. } => Err(PlanError::Fault("a source in the middle of a pipe".into())),
    }
}

fn input_table(index: usize, schema: &Schema) -> Rel {
    Rel { op: RelOp::Table { name: input_name(index), span: Span::default() }, schema: schema.clone() }
}

/// A relation of the row half over the given inputs. Its rows come in the order that it gives them.
fn rows(rel: Rel, inputs: Vec<(LogicalPlan, Schema)>, schema: &Schema, now: i64) -> Result<Lowered, PlanError> {
    let plan = rows_node::plan(Work::Relation(rel), inputs, schema, now)?;
    Ok(Lowered { plan, columns: native_columns(schema), ordered: true })
}

fn native_columns(schema: &Schema) -> Vec<LoweredColumn> {
    schema
        .columns
        .iter()
        .map(|column| LoweredColumn {
            name: column.name.clone(),
            column: column.name.clone(),
            ty: column.ty,
            repr: Repr::Native,
        })
        .collect()
}

/// Reads the columns of the schema that the table has; the others are absent in every row.
fn scan(
    name: &str,
    provider: Arc<dyn TableProvider>,
    schema: &Schema,
    lowering: &Lowering<'_>,
) -> Result<Lowered, PlanError> {
    let stored = provider.schema();
    let known: Vec<usize> = schema.columns.iter().filter_map(|column| stored.index_of(&column.name).ok()).collect();
    let table = name.replace(['"', '.', '$'], "_");
    let builder = LogicalPlanBuilder::scan(table.as_str(), provider_as_source(provider), Some(known))?;
    let mut exprs = Vec::with_capacity(schema.len());
    let mut columns = Vec::with_capacity(schema.len());
    for column in &schema.columns {
        let (expr, repr) = match stored.field_with_name(&column.name) {
            Ok(field) => {
                let expr = Expr::Column(Column::new(Some(table.as_str()), &column.name));
                stored_form(expr, field.data_type(), field.is_nullable(), column.ty)
            }
            Err(_) => (super::scalar::literal(&Value::absent(column.ty), column.ty)?, Repr::Native),
        };
        let fresh = lowering.fresh(&column.name);
        exprs.push(expr.alias(&fresh));
        columns.push(LoweredColumn { name: column.name.clone(), column: fresh, ty: column.ty, repr });
    }
    let plan = nodes::project(builder.build()?, exprs)?;
    Ok(Lowered { plan, columns, ordered: false })
}

/// How a column of a table lies; a type that is neither native nor stored is cast.
fn stored_form(expr: Expr, found: &DataType, nullable: bool, ty: Type) -> (Expr, Repr) {
    let stored = stored_type(ty);
    let repr = match ty {
        Type::Datetime if *found != DataType::Int64 => Repr::Micros,
        Type::String if nullable => Repr::NullableText,
        _ => Repr::Native,
    };
    let native = ty == Type::Datetime && *found == DataType::Int64;
    if *found == stored || native { (expr, repr) } else { (cast(expr, stored), repr) }
}

fn values(rows: &[Vec<Value<'static>>], schema: &Schema, lowering: &Lowering<'_>) -> Result<Lowered, PlanError> {
    if rows.len() as u64 > MOST_ROWS {
        return Err(PlanError::TooLarge(rows.len() as u64));
    }
    // In batches, since a query can be stopped between two of them.
    let batches = rows.chunks(BATCH).map(|rows| batch_of(schema, rows)).collect::<Result<_, _>>()?;
    let table = MemTable::try_new(arrow_schema(schema), vec![batches])?;
    let mut lowered = scan("values", Arc::new(table), schema, lowering)?;
    for column in &mut lowered.columns {
        column.repr = Repr::Native;
    }
    lowered.ordered = true;
    Ok(lowered)
}

fn project(input: Lowered, columns: &[(String, Scalar)], lowering: &Lowering<'_>) -> Result<Lowered, PlanError> {
    let scalars = Scalars { columns: &input.columns, now: lowering.now };
    let mut exprs = Vec::with_capacity(columns.len());
    let mut lowered_columns = Vec::with_capacity(columns.len());
    for (name, scalar) in columns {
        let lowered = scalars.lower(scalar, Place::Value)?;
        let column = match &lowered.expr {
            // A column that is only passed on stays what it is.
            Expr::Column(column) => column.name.clone(),
            _ => lowering.fresh(name),
        };
        if !lowered_columns.iter().any(|one: &LoweredColumn| one.column == column) {
            let passed_on = matches!(lowered.expr, Expr::Column(_));
            exprs.push(if passed_on { lowered.expr } else { lowered.expr.alias(&column) });
        }
        lowered_columns.push(LoweredColumn { name: name.clone(), column, ty: lowered.ty, repr: lowered.repr });
    }
    let plan = nodes::project(input.plan, exprs)?;
    Ok(Lowered { plan, columns: lowered_columns, ordered: input.ordered })
}

fn sort_keys(keys: &[SortKey], scalars: &Scalars<'_>) -> Result<Vec<datafusion::logical_expr::SortExpr>, PlanError> {
    keys.iter()
        .map(|key| {
            let lowered = scalars.lower(&key.expr, Place::Value)?;
            let expr = match (lowered.repr, lowered.ty) {
                // Stored timestamps sort as the ticks they stand for.
                (Repr::Micros, _) => lowered.expr,
                (_, Type::Real) => real_udf::order(lowered.expr, key.descending, key.nulls_first),
                _ => native_expr(lowered),
            };
            Ok(expr.sort(!key.descending, key.nulls_first))
        })
        .collect()
}

fn summarize(
    input: Lowered,
    by: &[(String, Scalar)],
    aggregates: &[AggregateCall],
    schema: &Schema,
    lowering: &Lowering<'_>,
) -> Result<Lowered, PlanError> {
    let input = if input.ordered && aggregates.iter().any(aggregate::depends_on_order) {
        // An aggregation asks for no order of its input, and the optimizer would drop the sort below it.
        settled(&input, lowering)?
    } else {
        input
    };
    let scalars = Scalars { columns: &input.columns, now: lowering.now };
    let mut groups = Vec::with_capacity(by.len());
    let mut columns = Vec::with_capacity(schema.len());
    let mut outputs = Vec::with_capacity(schema.len());
    for (name, scalar) in by {
        let lowered = scalars.lower(scalar, Place::Value)?;
        let repr = if lowered.repr == Repr::Micros { Repr::Micros } else { Repr::Native };
        let ty = lowered.ty;
        let expr = match (repr, ty) {
            (Repr::Micros, _) => lowered.expr,
            (_, Type::Real) => real_udf::plain(lowered.expr),
            _ => native_expr(lowered),
        };
        let column = lowering.fresh(name);
        groups.push(expr.alias(&column));
        outputs.push(column_expr(&column));
        columns.push(LoweredColumn { name: name.clone(), column, ty, repr });
    }
    let mut folds: Vec<(Expr, String)> = Vec::with_capacity(aggregates.len());
    let mut known: Vec<(&str, Vec<String>, usize)> = Vec::with_capacity(aggregates.len());
    for call in aggregates {
        let mut aggregation = aggregate::lower(call, &scalars)?;
        // What is asked for twice is computed once; the optimizer fails over two structs that are equal.
        let fold = |expr: Expr| match folds.iter().find(|(known, _)| *known == expr && !expr.is_volatile()) {
            Some((_, name)) => name.clone(),
            None => {
                let name = lowering.fresh(call.aggregate.name());
                folds.push((expr, name.clone()));
                name
            }
        };
        let folded: Vec<String> = std::mem::take(&mut aggregation.exprs).into_iter().map(fold).collect();
        let name = call.aggregate.name();
        if let Some((.., first)) = known.iter().find(|(other, folds, _)| *other == name && *folds == folded) {
            let first: Vec<LoweredColumn> = columns[*first..].iter().take(call.outputs.len()).cloned().collect();
            let again = first.into_iter().zip(&call.outputs);
            columns.extend(again.map(|(column, (name, _))| LoweredColumn { name: name.clone(), ..column }));
            continue;
        }
        let values: Vec<Expr> = folded.iter().map(|name| column_expr(name)).collect();
        known.push((name, folded, columns.len()));
        for (expr, (name, ty)) in aggregation.outputs(&values)?.into_iter().zip(&call.outputs) {
            let column = lowering.fresh(name);
            outputs.push(expr.alias(&column));
            columns.push(LoweredColumn { name: name.clone(), column, ty: *ty, repr: Repr::Native });
        }
    }
    let folds: Vec<Expr> = folds.into_iter().map(|(expr, name)| expr.alias(name)).collect();
    let plan = if groups.is_empty() && folds.is_empty() {
        nodes::limit(input.plan, 0, Some(1))
    } else {
        nodes::aggregate(input.plan, groups, folds)?
    };
    let plan = nodes::project(plan, outputs)?;
    Ok(Lowered { plan, columns, ordered: false })
}

/// The same rows in the same order behind a node that the optimizer looks neither into nor past.
fn settled(input: &Lowered, lowering: &Lowering<'_>) -> Result<Lowered, PlanError> {
    let schema = input.schema();
    let inner = vec![(native(input.clone(), &schema)?, schema.clone())];
    let plan = rows_node::plan(Work::Ordered, inner, &schema, lowering.now)?;
    Ok(Lowered { plan, columns: native_columns(&schema), ordered: input.ordered })
}

fn union(inputs: &[Rel], schema: &Schema, lowering: &Lowering<'_>, depth: usize) -> Result<Lowered, PlanError> {
    let mut lowered =
        inputs.iter().map(|input| lower(input, lowering, depth + 1)).collect::<Result<Vec<_>, PlanError>>()?;
    if lowered.len() == 1 {
        return Ok(lowered.remove(0));
    }
    if lowered.is_empty() {
        return values(&[], schema, lowering);
    }
    // A column keeps its stored form only where all inputs agree on it.
    let columns: Vec<LoweredColumn> = schema
        .columns
        .iter()
        .map(|column| {
            let reprs: Vec<Option<Repr>> = lowered
                .iter()
                .map(|input| input.columns.iter().find(|one| one.name == column.name).map(|one| one.repr))
                .collect();
            let repr = if reprs.iter().all(|repr| *repr == Some(Repr::Micros)) { Repr::Micros } else { Repr::Native };
            LoweredColumn { name: column.name.clone(), column: lowering.fresh(&column.name), ty: column.ty, repr }
        })
        .collect();
    let plans = lowered
        .into_iter()
        .map(|input| Ok(Arc::new(in_form(input, &columns)?)))
        .collect::<Result<Vec<_>, PlanError>>()?;
    let plan = LogicalPlan::Union(Union::try_new_with_loose_types(plans)?);
    Ok(Lowered { plan, columns, ordered: false })
}

/// The columns of a schema, in its order and in native form.
pub fn native(lowered: Lowered, schema: &Schema) -> Result<LogicalPlan, PlanError> {
    in_form(lowered, &native_columns(schema))
}

/// The wanted columns in the wanted forms. A column that is there already costs nothing.
fn in_form(lowered: Lowered, wanted: &[LoweredColumn]) -> Result<LogicalPlan, PlanError> {
    let same = lowered.columns.len() == wanted.len()
        && lowered
            .columns
            .iter()
            .zip(wanted)
            .all(|(have, want)| have.name == want.name && have.column == want.column && have.repr == want.repr);
    if same {
        return Ok(lowered.plan);
    }
    let exprs = wanted
        .iter()
        .map(|want| {
            let have = lowered.columns.iter().find(|have| have.name == want.name);
            let have = have.ok_or_else(|| PlanError::Fault(format!("column `{}` is not in the plan", want.name)))?;
            let expr = column_expr(&have.column);
            let expr = if have.repr == want.repr {
                expr
            } else {
                native_expr(LoweredExpr { expr, ty: have.ty, repr: have.repr })
            };
            Ok(expr.alias(&want.column))
        })
        .collect::<Result<Vec<_>, PlanError>>()?;
    Ok(nodes::project(lowered.plan, exprs)?)
}

/// A constant true, for joins without keys.
pub fn always() -> Expr {
    lit(ScalarValue::Boolean(Some(true)))
}
