//! Relations over a few rows in memory, computed by the row half.
use super::{QueryError, Run, failed};
use crate::columns::arrow_schema;
use crate::ir::{Rel, RelOp, Scalar};
use crate::plan::{self, rows_exec::batch_of};
use crate::rows::{self, Budget, Env, RowsError, Source, Table};
use crate::types::Schema;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;

/// For more rows than these a plan is the quicker way.
const ROWS: usize = 3000;

impl Run {
    /// Whether a relation reads nothing but few rows in memory.
    pub(super) fn is_small(&self, rel: &Rel) -> bool {
        self.rows_in(rel).is_some_and(|rows| rows <= ROWS)
    }

    /// The rows that it reads, where all of them are in memory.
    fn rows_in(&self, rel: &Rel) -> Option<usize> {
        let here = match &rel.op {
            RelOp::Values { rows } => rows.len(),
            RelOp::Table { name, .. } if self.view.row_count(name) == Some(0) => 0,
            RelOp::Table { .. } | RelOp::Shared { .. } => return None,
            _ => 0,
        };
        if rel.op.scalars().into_iter().any(waits) {
            return None;
        }
        rel.op.inputs().into_iter().try_fold(here, |rows, input| Some(rows + self.rows_in(input)?))
    }

    pub(super) async fn by_rows(&self, mut rel: Rel) -> Result<SendableRecordBatchStream, QueryError> {
        plan::ready(&mut rel, self.now).map_err(|error| self.not_planned(error))?;
        let budget = self.state.config().get_extension::<Budget>().map_or_else(Budget::default, |budget| *budget);
        let now = self.now;
        let work = tokio::task::spawn_blocking(move || {
            let table = rows::run(&rel, &Env { now, each: None, source: &Empty, budget })?;
            let batch = batch_of(&table.schema, &table.rows).map_err(|error| RowsError::Fault(error.to_string()))?;
            Ok::<_, RowsError>((arrow_schema(&table.schema), batch))
        });
        let done = work.await.map_err(QueryError::fault)?;
        let (schema, batch) =
            done.map_err(|error| failed(&self.source, &self.limits, DataFusionError::External(Box::new(error))))?;
        let batches = futures::stream::iter([Ok(batch)]);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

fn waits(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => false,
        Scalar::Call { args, .. } => args.iter().any(waits),
        Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => true,
    }
}

/// Tables that hold no rows.
struct Empty;

impl Source for Empty {
    fn table(&self, _: &str, schema: &Schema) -> Result<Table, String> {
        Ok(Table { schema: schema.clone(), rows: vec![] })
    }
}
