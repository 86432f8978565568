//! What a query must know before it can be planned: values of subqueries, and what one of its parts says about the rows
//! that another part must read.
use super::{QueryError, Run, SharedTables};
use crate::exec::narrowing::{self, Found, Newest};
use crate::exec::subqueries;
use crate::ir::{Rel, RelOp};
use crate::plan;
use crate::types::{Schema, Type};
use crate::value::Value;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{MemTable, TableProvider};
use std::collections::HashMap;
use std::sync::Arc;

/// The newest n rows are looked for among so many times n, but not among fewer than [`LEAST_AMONG`]; then among more and
/// more, but not among more than one in [`SHARE_AMONG`] of the table.
const FIRST_AMONG: u64 = 16;
const LEAST_AMONG: u64 = 256;
const MORE_AMONG: u64 = 16;
const SHARE_AMONG: u64 = 8;

/// The newest rows, where they are all that is asked for.
pub(super) enum Newly {
    Found {
        sought: Box<Rel>,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    },
    /// They lie too far back.
    SoughtInVain,
    /// Something else is asked for.
    Other,
}

impl Run {
    /// Puts the values of subqueries in their places.
    pub(super) async fn settle(
        &self,
        rel: &mut Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<(), QueryError> {
        loop {
            let mut waiting = Vec::new();
            subqueries::innermost(rel, &mut waiting);
            if waiting.is_empty() {
                return Ok(());
            }
            let mut values: Vec<Vec<(Value<'static>, Type)>> = Vec::with_capacity(waiting.len());
            for (at, one) in waiting.iter().enumerate() {
                // The same relation named twice is computed once.
                let same = waiting[..at].iter().position(|other| other.set == one.set && other.rel == one.rel);
                values.push(match same {
                    Some(earlier) => values[earlier].clone(),
                    None => self.values(one, uses, shared).await?,
                });
            }
            subqueries::fill(rel, &mut values.into_iter());
        }
    }

    /// Reads the small sides of joins first, as far as they are small, and narrows the others by them.
    pub(super) async fn narrow_joins(
        &self,
        rel: &mut Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<(), QueryError> {
        let joins = narrowing::joins(rel, &|table| self.view.row_count(table), &|id: u32| shared.contains_key(&id));
        // Inner ones first: the places of outer ones stay what they were.
        for join in joins.iter().rev() {
            let schema = &join.rel.schema;
            let op = RelOp::Take { input: Box::new(join.rel.clone()), count: narrowing::MOST_KEPT as u64 + 1 };
            let batches = self.collect(Rel { op, schema: schema.clone() }, uses, shared).await?;
            let count = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
            if count > narrowing::MOST_KEPT {
                continue;
            }
            let mut rows = Vec::new();
            if count <= narrowing::MOST_ROWS {
                batches.iter().for_each(|batch| plan::rows_exec::append_rows(batch, schema, &mut rows));
            }
            // Numbers from the other end than those of the binder.
            let id = u32::MAX - shared.len() as u32;
            shared.insert(id, self.in_memory(schema, batches)?);
            join.keep(rel, id);
            if count <= narrowing::MOST_ROWS {
                join.narrow(rel, &rows, self.now);
            }
        }
        Ok(())
    }

    /// Finds the times of the groups' last rows, and leaves rows at other times away.
    pub(super) async fn narrow_last(
        &self,
        rel: &mut Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<(), QueryError> {
        // Inner ones first: the places of outer ones stay what they were.
        for last in narrowing::last(rel, &|id: u32| shared.contains_key(&id)).iter().rev() {
            let (schema, mut rows) = (&last.times.schema, Vec::new());
            let batches = self.collect(last.times.clone(), uses, shared).await?;
            if batches.iter().map(RecordBatch::num_rows).sum::<usize>() > narrowing::MOST_GROUPS {
                continue;
            }
            batches.iter().for_each(|batch| plan::rows_exec::append_rows(batch, schema, &mut rows));
            last.narrow(rel, rows.into_iter().flatten());
        }
        Ok(())
    }

    /// The times from which on the newest rows may lie, further and further back.
    fn reaches(&self, newest: &Newest) -> impl Iterator<Item = i64> {
        let all = self.view.row_count(&newest.table).unwrap_or(0);
        let first = newest.count.saturating_mul(FIRST_AMONG).max(LEAST_AMONG);
        std::iter::successors(Some(first), |among| Some(among.saturating_mul(MORE_AMONG)))
            // To look through much of the table would cost as much as it may save.
            .take_while(move |among| *among <= all / SHARE_AMONG)
            .map_while(|among| self.view.reach(&newest.table, among, newest.until, true))
    }

    /// Finds how far back the newest rows of `top n by Timestamp` go, and leaves older ones away, unless that was tried in
    /// vain before. Of other orders whose later keys read many columns, rows are left away that the first key puts behind
    /// what is wanted.
    pub(super) async fn narrow_first(
        &self,
        rel: &mut Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
        seeks_newest: bool,
    ) -> Result<(), QueryError> {
        let mut narrowed = Vec::new();
        let newest = if seeks_newest { narrowing::newest(rel, &|id: u32| shared.contains_key(&id)) } else { vec![] };
        for newest in newest {
            for since in self.reaches(&newest) {
                let Some(times) = newest.times(since) else { break };
                let times = self.column(times, uses, shared).await?;
                if times.len() > narrowing::MOST_TIMES {
                    break;
                }
                let times = times.into_iter().filter_map(|time| match time {
                    Value::Datetime(ticks) => Some(ticks),
                    _ => None,
                });
                if let Some(page) = newest.page(times.collect()) {
                    newest.narrow(rel, &page);
                    narrowed.push(newest.path.clone());
                    break;
                }
            }
        }
        for first in narrowing::first_keys(rel, &|id: u32| shared.contains_key(&id)) {
            if narrowed.contains(&first.path) {
                continue;
            }
            if let Some(last) = self.column(first.last.clone(), uses, shared).await?.pop() {
                first.narrow(rel, last);
            }
        }
        // Columns that were read for an order alone which the times have decided.
        if !narrowed.is_empty() {
            plan::prune::prune(rel);
        }
        Ok(())
    }

    /// For a pipe over few rows: they are read before they would be shared out, and its plan is as good as it gets once the
    /// rules have gone over it.
    fn on_one_core(&self) -> Run {
        let mut run = self.clone();
        let options = run.state.config_mut().options_mut();
        options.execution.target_partitions = 1;
        options.optimizer.max_passes = 1;
        run.state.mark_start_execution();
        run
    }

    /// The values of a relation's one column. Nothing of it need be computed first.
    async fn column(
        &self,
        mut rel: Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<Vec<Value<'static>>, QueryError> {
        plan::prune::prune(&mut rel);
        let (schema, mut rows) = (rel.schema.clone(), Vec::new());
        let batches = self.batches(self.planned(rel, uses, shared, false).await?).await?;
        batches.iter().for_each(|batch| plan::rows_exec::append_rows(batch, &schema, &mut rows));
        Ok(rows.into_iter().flatten().collect())
    }

    /// The newest rows themselves, where a relation is no more than these and a few of their columns: to find their times
    /// first would take as long as to read them.
    pub(super) async fn newest_at_once(
        &self,
        rel: &Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<Newly, QueryError> {
        let found = narrowing::newest(rel, &|id: u32| shared.contains_key(&id));
        let Some(newest) = found.first().filter(|newest| newest.is_all_of(rel)) else { return Ok(Newly::Other) };
        let run = self.on_one_core();
        for since in self.reaches(newest) {
            let Some(mut sought) = newest.sought(rel, since) else { return Ok(Newly::Other) };
            plan::prune::prune(&mut sought);
            let stream = run.planned(sought.clone(), uses, shared, false).await?;
            let (schema, batches) = (stream.schema(), self.batches(stream).await?);
            match newest.found(batches) {
                Found::All(batches) => {
                    let columns: Vec<usize> = (0..rel.schema.len()).collect();
                    let schema = Arc::new(schema.project(&columns).map_err(QueryError::fault)?);
                    return Ok(Newly::Found { sought: Box::new(sought), schema, batches });
                }
                Found::TooFew => {}
                Found::OfOneTime => return Ok(Newly::Other),
            }
        }
        Ok(Newly::SoughtInVain)
    }

    /// Batches as a table. The marks that stored columns bear are left behind.
    pub(super) fn in_memory(
        &self,
        schema: &Schema,
        batches: Vec<RecordBatch>,
    ) -> Result<Arc<dyn TableProvider>, QueryError> {
        let schema = crate::columns::arrow_schema(schema);
        let plain = |batch: RecordBatch| {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(Arc::clone(&schema), batch.columns().to_vec(), &options)
        };
        let batches = batches.into_iter().map(plain).collect::<Result<Vec<_>, _>>().map_err(QueryError::fault)?;
        let table = MemTable::try_new(Arc::clone(&schema), vec![batches]);
        Ok(Arc::new(table.map_err(|error| self.failed(error))?))
    }
}
