//! What a query must know before it can be planned: values of subqueries, and what one of its parts says about the rows
//! that another part must read.
use super::{QueryError, Run, SharedTables};
use crate::exec::narrowing::{self, Newest};
use crate::exec::subqueries;
use crate::ir::{Rel, RelOp};
use crate::plan;
use crate::types::{Schema, Type};
use crate::value::Value;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{MemTable, TableProvider};
use futures::StreamExt;
use std::collections::HashMap;
use std::sync::Arc;

/// The newest n rows are looked for among so many times n, but not among fewer than [`LEAST_AMONG`]; then among more and
/// more, but not among more than one in [`SHARE_AMONG`] of the table.
const FIRST_AMONG: u64 = 16;
const LEAST_AMONG: u64 = 256;
const MORE_AMONG: u64 = 16;
const SHARE_AMONG: u64 = 8;

/// Of so few columns the newest rows are read at once.
const FEW_COLUMNS: usize = 8;

/// The newest rows, where they are all that is asked for.
pub(super) enum Newly {
    Found {
        narrowed: Box<Rel>,
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

    /// Finds how far back the newest rows of `top n by Timestamp` go, and leaves older ones away.
    pub(super) async fn narrow_newest(
        &self,
        rel: &mut Rel,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<(), QueryError> {
        for newest in narrowing::newest(rel, &|id: u32| shared.contains_key(&id)) {
            for since in self.reaches(&newest) {
                let Some(times) = newest.times(since) else { break };
                let (schema, mut rows) = (times.schema.clone(), Vec::new());
                let batches = self.collect(times, uses, shared).await?;
                batches.iter().for_each(|batch| plan::rows_exec::append_rows(batch, &schema, &mut rows));
                if rows.len() > narrowing::MOST_TIMES {
                    break;
                }
                let times = rows.iter().filter_map(|row| match row.first() {
                    Some(Value::Datetime(ticks)) => Some(*ticks),
                    _ => None,
                });
                if let Some(page) = newest.page(times.collect()) {
                    newest.narrow(rel, &page);
                    break;
                }
            }
        }
        Ok(())
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
        let Some(newest) = found.first().filter(|newest| newest.is_all_of(rel) && rel.schema.len() <= FEW_COLUMNS)
        else {
            return Ok(Newly::Other);
        };
        for since in self.reaches(newest) {
            let mut narrowed = rel.clone();
            if newest.back_to(&mut narrowed, since).is_none() {
                break;
            }
            let mut stream = self.planned(narrowed.clone(), uses, shared, false).await?;
            let (schema, mut batches) = (stream.schema(), Vec::new());
            while let Some(batch) = stream.next().await {
                batches.push(batch.map_err(|error| self.failed(error))?);
            }
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            if rows as u64 == newest.rows() {
                return Ok(Newly::Found { narrowed: Box::new(narrowed), schema, batches });
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
