//! Joins: keys are computed on both sides first, null keys are equal, and the result has the columns that the binder
//! chose. <https://learn.microsoft.com/kusto/query/join-operator>
use super::rel::always;
use super::scalar::{Place, Scalars, column_expr, native};
use super::{Lowered, LoweredColumn, Lowering, PlanError, Repr, nodes, real_udf};
use crate::ir::{JoinColumn, JoinKind, Scalar, Side};
use crate::types::{Schema, Type};
use datafusion::common::JoinType;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

pub fn lower(
    left: Lowered,
    right: Lowered,
    kind: JoinKind,
    on: &[(Scalar, Scalar)],
    output: &[JoinColumn],
    schema: &Schema,
    lowering: &Lowering<'_>,
) -> Result<Lowered, PlanError> {
    let left_keys: Vec<&Scalar> = on.iter().map(|(key, _)| key).collect();
    let right_keys: Vec<&Scalar> = on.iter().map(|(_, key)| key).collect();
    let from_left = sources(output, Side::Left);
    let from_right = sources(output, Side::Right);
    let (l, r) = (lowering.fresh("l"), lowering.fresh("r"));
    let mut left_plan = side(&left, &left_keys, &from_left, &l, lowering.now)?;
    let right_plan = side(&right, &right_keys, &from_right, &r, lowering.now)?;
    if kind == JoinKind::InnerUnique && !on.is_empty() {
        left_plan = one_row_a_key(left_plan, &l, on.len(), from_left.len())?;
    }
    let key = |side: &str, at: usize| column_expr(&format!("{side}.key{at}"));
    let keys = (0..on.len()).map(|at| (key(&l, at), key(&r, at))).collect();
    let join_type = match kind {
        JoinKind::InnerUnique | JoinKind::Inner => JoinType::Inner,
        JoinKind::LeftOuter => JoinType::Left,
        JoinKind::RightOuter => JoinType::Right,
        JoinKind::FullOuter => JoinType::Full,
        JoinKind::LeftSemi => JoinType::LeftSemi,
        JoinKind::RightSemi => JoinType::RightSemi,
        JoinKind::LeftAnti => JoinType::LeftAnti,
        JoinKind::RightAnti => JoinType::RightAnti,
    };
    let plan = nodes::join(left_plan, right_plan, join_type, keys, on.is_empty().then(always))?;
    let mut columns = Vec::with_capacity(output.len());
    for (column, typed) in output.iter().zip(&schema.columns) {
        let (input, names, prefix, may_be_missing) = match column.side {
            Side::Left => (&left, &from_left, &l, matches!(kind, JoinKind::RightOuter | JoinKind::FullOuter)),
            Side::Right => (&right, &from_right, &r, matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter)),
        };
        let at = names.iter().position(|name| *name == column.source);
        let found = input.columns.iter().find(|one| one.name == column.source);
        let (Some(at), Some(found)) = (at, found) else {
            return Err(PlanError::Fault(format!("join column `{}` comes from nowhere", column.source)));
        };
        let repr = match (found.repr, typed.ty) {
            (Repr::Native, Type::String) if may_be_missing => Repr::NullableText,
            (repr, _) => repr,
        };
        let joined = format!("{prefix}.{at}");
        columns.push(LoweredColumn { name: column.name.clone(), column: joined, ty: typed.ty, repr });
    }
    Ok(Lowered { plan, columns, ordered: false })
}

/// The columns of one side that the result needs, each once.
fn sources(output: &[JoinColumn], side: Side) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for column in output.iter().filter(|column| column.side == side) {
        if !names.contains(&column.source.as_str()) {
            names.push(&column.source);
        }
    }
    names
}

/// One side with its keys (`l#1.key0`, …) and the columns that the result needs (`l#1.0`, …).
fn side(input: &Lowered, keys: &[&Scalar], needed: &[&str], prefix: &str, now: i64) -> Result<LogicalPlan, PlanError> {
    let scalars = Scalars { columns: &input.columns, now };
    let mut exprs = Vec::with_capacity(keys.len() + needed.len());
    for (at, key) in keys.iter().enumerate() {
        let lowered = scalars.lower(key, Place::Value)?;
        let key = if lowered.ty == Type::Real { real_udf::plain(lowered.expr) } else { native(lowered) };
        exprs.push(key.alias(format!("{prefix}.key{at}")));
    }
    for (at, name) in needed.iter().enumerate() {
        exprs.push(
            scalars.lower(&Scalar::column(*name, Type::Dynamic), Place::Value)?.expr.alias(format!("{prefix}.{at}")),
        );
    }
    Ok(nodes::project(input.plan.clone(), exprs)?)
}

/// Keeps one row for each key, any of them.
fn one_row_a_key(left: LogicalPlan, prefix: &str, keys: usize, needed: usize) -> Result<LogicalPlan, PlanError> {
    let key = |at: usize| column_expr(&format!("{prefix}.key{at}"));
    let all = (0..keys).map(key).chain((0..needed).map(|at| column_expr(&format!("{prefix}.{at}")))).collect();
    Ok(LogicalPlanBuilder::from(left).distinct_on((0..keys).map(key).collect(), all, None)?.build()?)
}
