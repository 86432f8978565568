//! Rows as they are made, counted against the budget.
use super::{Budget, RowsError, Table, order};
use crate::types::Schema;
use crate::value::Value;
use std::time::Instant;

/// Collects the rows of one table, within the budget.
pub struct Sink {
    rows: Vec<Vec<Value<'static>>>,
    bytes: usize,
    budget: Budget,
}

impl Sink {
    pub fn new(budget: Budget) -> Sink {
        Sink { rows: Vec::new(), bytes: 0, budget }
    }

    pub fn push(&mut self, row: Vec<Value<'static>>) -> Result<(), RowsError> {
        if self.rows.len() >= self.budget.rows {
            return Err(RowsError::Rows(self.budget.rows));
        }
        self.bytes += 24 + row.iter().map(order::size).sum::<usize>();
        if self.bytes > self.budget.bytes {
            return Err(RowsError::Bytes(self.budget.bytes));
        }
        self.rows.push(row);
        if self.rows.len().is_multiple_of(1024) { self.budget.check_time() } else { Ok(()) }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn finish(self, schema: &Schema) -> Table {
        Table { schema: schema.clone(), rows: self.rows }
    }
}

impl Budget {
    pub fn check_time(&self) -> Result<(), RowsError> {
        match self.until {
            Some(until) if Instant::now() > until => Err(RowsError::Time),
            _ => Ok(()),
        }
    }
}
