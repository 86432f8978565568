//! Operators that DataFusion does not have, as one logical node: some work of the row half over the node's inputs.
use super::nodes;
use super::scalar::column_expr;
use crate::columns::arrow_schema;
use crate::ir::{Expander, Rel};
use crate::types::Schema;
use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What is done with the rows of the inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Nothing, but the rows arrive as one stream in their order.
    Ordered,
    /// Row by row, batch by batch: mv-expand, parse, parse-kv.
    Expand(Expander),
    /// A relation over the rows of one batch after the other: of an operator to which each row is enough.
    EachBatch(Rel),
    /// A relation over the inputs, which it reads as the tables [`input_name`].
    Relation(Rel),
}

/// The name under which a relation finds the rows of an input.
pub fn input_name(index: usize) -> String {
    format!("$input{index}")
}

#[derive(Clone, Debug)]
pub struct RowsNode {
    pub inputs: Vec<LogicalPlan>,
    pub work: Arc<Work>,
    pub input_schemas: Vec<Schema>,
    pub output: Schema,
    pub now: i64,
    schema: DFSchemaRef,
}

/// The plan of some work over inputs in native form.
pub fn plan(work: Work, inputs: Vec<(LogicalPlan, Schema)>, output: &Schema, now: i64) -> Result<LogicalPlan> {
    let fields = match (&work, inputs.as_slice()) {
        // The rows go through as they are, marks of their columns included.
        (Work::Ordered, [(input, _)]) => input.schema().as_arrow().clone(),
        _ => arrow_schema(output).as_ref().clone(),
    };
    let schema = Arc::new(DFSchema::try_from(fields)?);
    let (inputs, input_schemas) = inputs.into_iter().unzip();
    let node = RowsNode { inputs, work: Arc::new(work), input_schemas, output: output.clone(), now, schema };
    let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
    // The optimizer may narrow what is above an extension only through a projection.
    nodes::project(plan, output.names().map(column_expr).collect())
}

impl RowsNode {
    fn key(&self) -> (&Work, &Schema, i64) {
        (&self.work, &self.output, self.now)
    }
}

impl PartialEq for RowsNode {
    fn eq(&self, other: &RowsNode) -> bool {
        self.key() == other.key() && self.inputs == other.inputs
    }
}

impl Eq for RowsNode {}

impl PartialOrd for RowsNode {
    fn partial_cmp(&self, other: &RowsNode) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}

impl Hash for RowsNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.output.hash(state);
        self.inputs.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for RowsNode {
    fn name(&self) -> &str {
        match self.work.as_ref() {
            Work::Ordered => "Ordered",
            Work::Expand(_) => "Expand",
            Work::Relation(_) | Work::EachBatch(_) => "Rows",
        }
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self.work.as_ref() {
            Work::Ordered => Ok(()),
            Work::Expand(expander) => write!(f, ": {}", expander.word()),
            Work::Relation(rel) | Work::EachBatch(rel) => write!(f, ": {}", rel.op.word()),
        }
    }

    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<RowsNode> {
        Ok(RowsNode { inputs, ..self.clone() })
    }
}
