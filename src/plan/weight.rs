//! How large an expression becomes when every name in it is replaced by what it stands for. `extend x = iff(f(x), x, g(x))`
//! sixteen times over is forty million nodes that way, and moving a filter below the projections makes them all.
use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use std::collections::HashMap;

/// A filter that would become larger than this, and several times itself, is not moved.
const MOST: usize = 500;
const TIMES: usize = 4;

/// Whether a filter over a plan would grow too large on its way down.
pub fn too_heavy(filter: &Expr, plan: &LogicalPlan) -> Result<bool> {
    let replaced = replaced(filter, plan)?;
    Ok(replaced > MOST && replaced / TIMES > weight(&HashMap::new(), filter)?)
}

/// The nodes of an expression over a plan, all names replaced.
fn replaced(expr: &Expr, plan: &LogicalPlan) -> Result<usize> {
    let mut nodes = Vec::new();
    plan.apply(|node| {
        nodes.push(node);
        Ok(TreeNodeRecursion::Continue)
    })?;
    let mut weights = HashMap::new();
    // Inputs come behind their outputs.
    for node in nodes.into_iter().rev() {
        match node {
            LogicalPlan::Projection(projection) => {
                weigh(&mut weights, &projection.expr)?;
            }
            LogicalPlan::Aggregate(aggregate) => weigh(&mut weights, &aggregate.group_expr)?,
            LogicalPlan::Extension(_) => {
                weights.extend(node.schema().fields().iter().map(|field| (field.name().clone(), 1)));
            }
            _ => {}
        }
    }
    weight(&weights, expr)
}

fn weigh(weights: &mut HashMap<String, usize>, exprs: &[Expr]) -> Result<()> {
    for expr in exprs {
        // A column that is passed on keeps its weight.
        if let Expr::Alias(alias) = expr {
            let weight = weight(weights, &alias.expr)?;
            weights.insert(alias.name.clone(), weight);
        }
    }
    Ok(())
}

fn weight(weights: &HashMap<String, usize>, expr: &Expr) -> Result<usize> {
    let mut sum = 0usize;
    expr.apply(|node| {
        let one = if let Expr::Column(column) = node { weights.get(&column.name).copied().unwrap_or(1) } else { 1 };
        sum = sum.saturating_add(one);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(sum)
}
