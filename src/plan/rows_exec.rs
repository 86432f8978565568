//! Runs the row half inside a DataFusion plan: collects the inputs of a [`RowsNode`] within the memory pool, computes
//! the relation over them, and hands the rows on in batches. Expansions, and relations over each row by itself, go batch by
//! batch instead.
use super::expand_exec::expand_batch;
use super::rows_node::{RowsNode, Work, input_name};
use crate::columns::{Cells, ColumnBuilder, arrow_schema, cell_bytes};
use crate::rows::{self, Budget, Env, RowsError, Source, Table};
use crate::types::Schema;
use crate::value::Value;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext, memory_pool::MemoryConsumer};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexRequirement, OrderingRequirements, PhysicalExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::{StreamExt, TryStreamExt, stream};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Rows of an answer go out in batches of this size.
pub const BATCH: usize = 8192;

#[derive(Debug)]
pub struct RowsPlanner;

#[async_trait]
impl ExtensionPlanner for RowsPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<RowsNode>() else { return Ok(None) };
        Ok(Some(Arc::new(RowsExec::new(node, inputs.to_vec()))))
    }
}

#[derive(Clone, Debug)]
pub struct RowsExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    work: Arc<Work>,
    input_schemas: Vec<Schema>,
    output: Schema,
    now: i64,
    /// The orders that the inputs had when the plan was made: the optimizer must keep them.
    orders: Vec<Option<LexRequirement>>,
    properties: Arc<PlanProperties>,
}

impl RowsExec {
    fn new(node: &RowsNode, inputs: Vec<Arc<dyn ExecutionPlan>>) -> RowsExec {
        let orders = inputs
            .iter()
            .map(|input| input.properties().output_ordering().map(|order| LexRequirement::from(order.clone())))
            .collect();
        let work = Arc::clone(&node.work);
        let properties = properties(&work, &inputs, arrow_schema(&node.output));
        RowsExec {
            inputs,
            work,
            input_schemas: node.input_schemas.clone(),
            output: node.output.clone(),
            now: node.now,
            orders,
            properties,
        }
    }
}

fn properties(work: &Work, inputs: &[Arc<dyn ExecutionPlan>], schema: SchemaRef) -> Arc<PlanProperties> {
    let (equivalence, partitioning) = match (work, inputs) {
        (Work::Ordered, [input]) => {
            // The schema is the node's own: an input may carry notes on its fields that the plan does not know.
            let orderings = input.properties().output_ordering().cloned();
            (EquivalenceProperties::new_with_orderings(schema, orderings), Partitioning::UnknownPartitioning(1))
        }
        (Work::Expand(_) | Work::EachBatch(_), [input]) => (
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(input.properties().output_partitioning().partition_count()),
        ),
        _ => (EquivalenceProperties::new(schema), Partitioning::UnknownPartitioning(1)),
    };
    Arc::new(PlanProperties::new(equivalence, partitioning, EmissionType::Incremental, Boundedness::Bounded))
}

impl DisplayAs for RowsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.work.as_ref() {
            Work::Ordered => f.write_str("OrderedExec"),
            Work::Expand(expander) => write!(f, "ExpandExec: {}", expander.word()),
            Work::Relation(rel) | Work::EachBatch(rel) => write!(f, "RowsExec: {}", rel.op.word()),
        }
    }
}

impl ExecutionPlan for RowsExec {
    fn name(&self) -> &'static str {
        "RowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let ordered = self.orders.iter().any(Option::is_some);
        let one = match self.work.as_ref() {
            Work::Expand(_) | Work::EachBatch(_) if !ordered => Distribution::UnspecifiedDistribution,
            Work::Expand(_) | Work::EachBatch(_) | Work::Ordered | Work::Relation(_) => Distribution::SinglePartition,
        };
        vec![one; self.inputs.len()]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.orders.iter().map(|order| order.clone().map(OrderingRequirements::new)).collect()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![matches!(self.work.as_ref(), Work::Ordered); self.inputs.len()]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let properties = properties(&self.work, &inputs, arrow_schema(&self.output));
        Ok(Arc::new(RowsExec { inputs, properties, ..self.as_ref().clone() }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = arrow_schema(&self.output);
        match self.work.as_ref() {
            Work::Ordered => {
                let to = Arc::clone(&schema);
                let batches = self.inputs[0].execute(partition, context)?.map(move |batch| {
                    let batch = batch?;
                    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                    Ok(RecordBatch::try_new_with_options(Arc::clone(&to), batch.columns().to_vec(), &options)?)
                });
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
            }
            Work::Expand(expander) => {
                let input = self.inputs[0].execute(partition, Arc::clone(&context))?;
                let (expander, from, to, now) =
                    (expander.clone(), self.input_schemas[0].clone(), self.output.clone(), self.now);
                let budget = budget(&context);
                let slices = move |(mut input, current): (SendableRecordBatchStream, Option<(RecordBatch, usize)>)| {
                    let (expander, from, to) = (expander.clone(), from.clone(), to.clone());
                    async move {
                        let (batch, start) = match current {
                            Some(current) => current,
                            None => match input.next().await {
                                Some(batch) => (batch?, 0),
                                None => return Ok(None),
                            },
                        };
                        budget.check_time().map_err(|error| DataFusionError::External(Box::new(error)))?;
                        let (slice, next) = expand_batch(&batch, start, &expander, &from, &to, now)?;
                        Ok(Some((slice, (input, next.map(|next| (batch, next))))))
                    }
                };
                let batches = stream::try_unfold((input, None), slices);
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
            }
            Work::EachBatch(_) => {
                let this = self.clone();
                let input = self.inputs[0].execute(partition, Arc::clone(&context))?;
                let batches = input.then(move |batch| {
                    let (this, context) = (this.clone(), Arc::clone(&context));
                    async move { this.compute_one(&batch?, &context) }
                });
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
            }
            Work::Relation(_) => {
                let this = self.clone();
                let batches = stream::once(async move { this.compute(context).await })
                    .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
                    .try_flatten();
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
            }
        }
    }
}

impl RowsExec {
    async fn compute(&self, context: Arc<TaskContext>) -> Result<Vec<RecordBatch>> {
        // The row form of a table is several times its Arrow form; the pool is asked for it before it is made.
        let reservation = MemoryConsumer::new("rows").register(context.memory_pool());
        let budget = budget(&context);
        let mut tables = Vec::with_capacity(self.inputs.len());
        for (input, schema) in self.inputs.iter().zip(&self.input_schemas) {
            let mut batches = input.execute(0, Arc::clone(&context))?;
            let mut rows = Vec::new();
            while let Some(batch) = batches.next().await {
                let batch = batch?;
                // It would be refused when all of it was there.
                if rows.len() + batch.num_rows() > budget.rows {
                    return Err(DataFusionError::External(Box::new(RowsError::Rows(budget.rows))));
                }
                reservation.try_grow(row_bytes(&batch))?;
                append_rows(&batch, schema, &mut rows);
            }
            tables.push(Table { schema: schema.clone(), rows });
        }
        let (this, inputs) = (self.clone(), Inputs::of(tables));
        // It computes without a pause, so it has a thread of its own and watches the clock itself.
        let computed = tokio::task::spawn_blocking(move || this.run(&inputs, budget));
        let table = computed.await.map_err(|error| DataFusionError::External(Box::new(error)))??;
        table.rows.chunks(BATCH).map(|rows| batch_of(&self.output, rows)).collect()
    }

    fn compute_one(&self, batch: &RecordBatch, context: &TaskContext) -> Result<RecordBatch> {
        let (schema, mut rows) = (self.input_schemas[0].clone(), Vec::new());
        append_rows(batch, &schema, &mut rows);
        let budget = budget(context);
        budget.check_time().map_err(|error| DataFusionError::External(Box::new(error)))?;
        batch_of(&self.output, &self.run(&Inputs::of(vec![Table { schema, rows }]), budget)?.rows)
    }

    fn run(&self, inputs: &Inputs, budget: Budget) -> Result<Table> {
        let (Work::Relation(rel) | Work::EachBatch(rel)) = self.work.as_ref() else {
            return internal_err!("not a relation");
        };
        let env = Env { now: self.now, each: None, source: inputs, budget };
        rows::run(rel, &env).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

/// What the query may still use.
fn budget(context: &TaskContext) -> Budget {
    context.session_config().get_extension::<Budget>().map_or_else(Budget::default, |budget| *budget)
}

/// The inputs of a node under the names of [`input_name`]. Each is read once, and handed over: a copy would take as much
/// memory again.
struct Inputs(Mutex<Vec<Option<Table>>>);

impl Inputs {
    fn of(tables: Vec<Table>) -> Inputs {
        Inputs(Mutex::new(tables.into_iter().map(Some).collect()))
    }
}

impl Source for Inputs {
    fn table(&self, name: &str, _: &Schema) -> Result<Table, String> {
        let mut tables = self.0.lock().map_err(|error| error.to_string())?;
        let at = (0..tables.len()).find(|index| input_name(*index) == name);
        let found = at.and_then(|at| tables.get_mut(at)).and_then(Option::take);
        found.ok_or_else(|| RowsError::Fault(format!("no input `{name}`, or it was read twice")).to_string())
    }
}

/// What the rows of a batch take as values: the row, its cells, and for each text memory of its own.
pub fn row_bytes(batch: &RecordBatch) -> usize {
    const ROW: usize = size_of::<Vec<Value<'_>>>() + ALLOCATION;
    const ALLOCATION: usize = 16;
    let texts = batch.columns().iter().filter(|array| *array.data_type() == DataType::Utf8View).count();
    let row = ROW + batch.num_columns() * size_of::<Value<'_>>() + texts * ALLOCATION;
    batch.num_rows() * row + cell_bytes(batch) as usize
}

/// The rows of a batch as values.
pub fn append_rows(batch: &RecordBatch, schema: &Schema, rows: &mut Vec<Vec<Value<'static>>>) {
    let cells: Vec<Cells<'_>> =
        batch.columns().iter().zip(&schema.columns).map(|(array, column)| Cells::new(array, column.ty)).collect();
    rows.reserve(batch.num_rows());
    for row in 0..batch.num_rows() {
        rows.push(cells.iter().map(|cells| cells.get(row).into_owned()).collect());
    }
}

/// A batch in native form.
pub fn batch_of(schema: &Schema, rows: &[Vec<Value<'static>>]) -> Result<RecordBatch> {
    let mut builders: Vec<ColumnBuilder> =
        schema.columns.iter().map(|column| ColumnBuilder::new(column.ty, rows.len())).collect();
    for row in rows {
        for (builder, value) in builders.iter_mut().zip(row) {
            builder.push(value);
        }
    }
    let arrays = builders.into_iter().map(ColumnBuilder::finish).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(arrow_schema(schema), arrays, &options)?)
}
