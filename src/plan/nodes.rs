//! The nodes of a plan, made without DataFusion's builder: that looks each name of each expression up again in the whole
//! plan below it, which takes the square of a pipe's length. Names in our plans are those of the input already.
use datafusion::common::{DFSchema, JoinType, NullEquality, Result};
use datafusion::logical_expr::logical_plan::{Aggregate, Filter, Join, JoinConstraint, Limit, Projection, Sort};
use datafusion::logical_expr::utils::exprlist_to_fields;
use datafusion::logical_expr::{Expr, LogicalPlan, SortExpr, lit};
use std::sync::Arc;

pub fn project(input: LogicalPlan, exprs: Vec<Expr>) -> Result<LogicalPlan> {
    let fields = exprlist_to_fields(&exprs, &input)?;
    let schema = DFSchema::new_with_metadata(fields, input.schema().metadata().clone())?;
    Ok(LogicalPlan::Projection(Projection::try_new_with_schema(exprs, Arc::new(input), Arc::new(schema))?))
}

pub fn filter(input: LogicalPlan, predicate: Expr) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(input))?))
}

pub fn sort(input: LogicalPlan, keys: Vec<SortExpr>) -> LogicalPlan {
    LogicalPlan::Sort(Sort { expr: keys, input: Arc::new(input), fetch: None })
}

/// Passes `skip` rows over and keeps `fetch` of the rest.
pub fn limit(input: LogicalPlan, skip: usize, fetch: Option<usize>) -> LogicalPlan {
    let count = |count: usize| Box::new(lit(i64::try_from(count).unwrap_or(i64::MAX)));
    let skip = (skip > 0).then(|| count(skip));
    LogicalPlan::Limit(Limit { skip, fetch: fetch.map(count), input: Arc::new(input) })
}

pub fn aggregate(input: LogicalPlan, groups: Vec<Expr>, folds: Vec<Expr>) -> Result<LogicalPlan> {
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), groups, folds)?))
}

/// Equal keys, null keys included; `filter` where there are none.
pub fn join(
    left: LogicalPlan,
    right: LogicalPlan,
    kind: JoinType,
    on: Vec<(Expr, Expr)>,
    filter: Option<Expr>,
) -> Result<LogicalPlan> {
    let (left, right) = (Arc::new(left), Arc::new(right));
    let (by, nulls) = (JoinConstraint::On, NullEquality::NullEqualsNull);
    Ok(LogicalPlan::Join(Join::try_new(left, right, on, filter, kind, by, nulls, false)?))
}
