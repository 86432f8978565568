//! From a relation to the stream of its rows.
use super::before::Newly;
use super::{QueryError, Refused, Run, SharedTables};
use crate::exec::subqueries;
use crate::ir::Rel;
use crate::plan::{self, Lowering, PlanError};
use crate::text::{Span, codes};
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::memory::MemoryStream;
use futures::TryStreamExt;
use futures::future::BoxFuture;
use std::collections::HashMap;

impl Run {
    /// Puts what must be known first in its place.
    pub(super) async fn ready(
        &self,
        rel: &mut Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<(), QueryError> {
        self.settle(rel, uses, shared).await?;
        plan::ready(rel, self.now).map_err(|error| self.not_planned(error))
    }

    /// Computes what parts of a relation that is ready say of others, then lowers. Of the newest rows that may have been done.
    pub(super) async fn plan(
        &self,
        mut rel: Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
        seeks_newest: bool,
    ) -> Result<LogicalPlan, QueryError> {
        let mut wanted = Vec::new();
        subqueries::shared(&rel, &mut wanted);
        for (id, input) in wanted {
            if uses.get(&id).is_some_and(|uses| *uses > 1) && !shared.contains_key(&id) {
                let schema = input.schema.clone();
                let batches = self.collect(input.as_ref().clone(), uses, shared).await?;
                shared.insert(id, self.in_memory(&schema, batches)?);
            }
        }
        self.narrow_last(&mut rel, uses, shared).await?;
        self.narrow_joins(&mut rel, uses, shared).await?;
        self.narrow_first(&mut rel, uses, shared, seeks_newest).await?;
        let lowering = Lowering { providers: &self.view, now: self.now, shared, named: Default::default() };
        plan::lower(&rel, &lowering).map_err(|error| self.not_planned(error))
    }

    pub(super) fn not_planned(&self, error: PlanError) -> QueryError {
        match error {
            PlanError::TooLarge(rows) => QueryError::Refused(Refused::Rows(rows)),
            PlanError::TooMuch => self.wrong(vec![
                codes::TOO_LONG
                    .at(Span::default(), "the query comes to too many operators and expressions")
                    .help("name the tables that it is about, or search for fewer texts at once"),
            ]),
            PlanError::TooLong(most) => self.wrong(vec![
                codes::TOO_LONG
                    .at(Span::default(), format!("a pipeline has more than {most} operators"))
                    .help("put several columns into one `extend`, or split the query"),
            ]),
            PlanError::Fault(detail) => QueryError::fault(detail),
        }
    }

    /// Boxed: a relation that must be computed first is planned by the same steps.
    pub(super) fn stream<'a>(
        &'a self,
        mut rel: Rel,
        uses: &'a HashMap<u32, usize>,
        shared: &'a mut SharedTables,
    ) -> BoxFuture<'a, Result<SendableRecordBatchStream, QueryError>> {
        Box::pin(async move {
            self.narrow_tables(&rel).await?;
            if self.small {
                self.settle(&mut rel, uses, shared).await?;
                if self.is_small(&rel) {
                    return self.by_rows(rel).await;
                }
            }
            self.ready(&mut rel, uses, shared).await?;
            match self.newest_at_once(&rel, uses, shared).await? {
                Newly::Found { schema, batches, .. } => {
                    let stream = MemoryStream::try_new(batches, schema, None).map_err(|error| self.failed(error))?;
                    Ok(Box::pin(stream) as SendableRecordBatchStream)
                }
                Newly::SoughtInVain => self.planned(rel, uses, shared, false).await,
                Newly::Other => self.planned(rel, uses, shared, true).await,
            }
        })
    }

    /// A relation that is ready, by a plan. Boxed, as [`Run::stream`] is.
    pub(super) fn planned<'a>(
        &'a self,
        rel: Rel,
        uses: &'a HashMap<u32, usize>,
        shared: &'a mut SharedTables,
        seeks_newest: bool,
    ) -> BoxFuture<'a, Result<SendableRecordBatchStream, QueryError>> {
        Box::pin(async move {
            let plan = self.plan(rel, uses, shared, seeks_newest).await?;
            let physical = self.state.create_physical_plan(&plan).await.map_err(|error| self.failed(error))?;
            execute_stream(physical, self.state.task_ctx()).map_err(|error| self.failed(error))
        })
    }

    pub(super) async fn collect(
        &self,
        rel: Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        self.batches(self.stream(rel, uses, shared).await?).await
    }

    /// All that a stream has.
    pub(super) async fn batches(&self, stream: SendableRecordBatchStream) -> Result<Vec<RecordBatch>, QueryError> {
        stream.try_collect().await.map_err(|error| self.failed(error))
    }
}
