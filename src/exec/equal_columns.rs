//! `join … | where a == b` as one more key of the join. DataFusion has a rule for it, which takes no heed of our joins,
//! where null keys are equal: behind the filter they were not, and rows came in that it throws out. Here the nulls of one
//! side are thrown out first, so that no two can meet.
use datafusion::common::tree_node::Transformed;
use datafusion::common::{JoinType, NullEquality, Result};
use datafusion::logical_expr::utils::{conjunction, find_valid_equijoin_key_pair, split_conjunction_owned};
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, Join, LogicalPlan, Operator};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use std::sync::Arc;

#[derive(Debug)]
pub struct EqualColumns;

impl OptimizerRule for EqualColumns {
    fn name(&self) -> &str {
        "equal_columns"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Join(join)
                if join.join_type == JoinType::Inner
                    && join.null_equality == NullEquality::NullEqualsNull
                    && join.filter.is_some() =>
            {
                with_keys(join)
            }
            plan => Ok(Transformed::no(plan)),
        }
    }
}

fn with_keys(mut join: Join) -> Result<Transformed<LogicalPlan>> {
    let (left, right) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let mut present = Vec::new();
    let mut rest = Vec::new();
    for expr in join.filter.take().map(split_conjunction_owned).unwrap_or_default() {
        let pair = match &expr {
            Expr::BinaryExpr(BinaryExpr { left: a, op: Operator::Eq, right: b }) => {
                find_valid_equijoin_key_pair(a, b, &left, &right)?
            }
            _ => None,
        };
        match pair {
            Some((of_left, of_right)) => {
                present.push(of_left.clone().is_not_null());
                join.on.push((of_left, of_right));
            }
            None => rest.push(expr),
        }
    }
    join.filter = conjunction(rest);
    let Some(present) = conjunction(present) else { return Ok(Transformed::no(LogicalPlan::Join(join))) };
    join.left = Arc::new(LogicalPlan::Filter(Filter::try_new(present, join.left)?));
    Ok(Transformed::yes(LogicalPlan::Join(join)))
}
