//! The row half: relations as small tables of [`Value`](crate::value::Value)s. The meaning of operators that no
//! column engine has, and of a whole query over little data.
//!
//! - [`eval`]: a scalar readied for one schema, evaluated row by row
//! - [`interpret`]: a whole [`Rel`](crate::ir::Rel) over a [`Source`] of tables
//! - [`expand`]: one row to several (mv-expand, parse, parse-kv), row by row, for whoever holds the rows
//! - [`whole`]: operators and plug-ins that see all rows at once
use crate::text::Span;
use crate::types::Schema;
use crate::value::Value;
use std::time::Instant;

pub mod budget;
pub mod eval;
pub mod expand;
pub mod interpret;
pub mod join;
pub mod lookup;
pub mod order;
pub mod range;
pub mod whole;

pub use eval::Compiled;
pub use expand::Expansion;
pub use interpret::run;
pub use lookup::{Arrived, Lookup};

/// A small table in memory.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table {
    pub schema: Schema,
    pub rows: Vec<Vec<Value<'static>>>,
}

/// Where the rows of [`RelOp::Table`](crate::ir::RelOp::Table) come from.
pub trait Source {
    /// The table with at least the columns of `schema`, in any order. An error is a fault of ours, in words for the log.
    fn table(&self, name: &str, schema: &Schema) -> Result<Table, String>;
}

/// A source without tables: for constant folding and for the bodies of `mv-apply` and `partition`.
pub struct NoTables;

impl Source for NoTables {
    fn table(&self, name: &str, _: &Schema) -> Result<Table, String> {
        Err(format!("no rows are at hand for table `{name}`"))
    }
}

/// What the row half may use: no table on the way may have more rows or bytes, and it stops at a time.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    pub rows: usize,
    pub bytes: usize,
    pub until: Option<Instant>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { rows: 1_000_000, bytes: 512 << 20, until: None }
    }
}

/// What a relation is computed with.
#[derive(Clone, Copy)]
pub struct Env<'e> {
    /// `now()`, in ticks.
    pub now: i64,
    /// The rows behind [`RelOp::Each`](crate::ir::RelOp::Each).
    pub each: Option<&'e Table>,
    pub source: &'e dyn Source,
    pub budget: Budget,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RowsError {
    /// A table on the way has more rows than the budget.
    Rows(usize),
    /// A table on the way has more bytes than the budget.
    Bytes(usize),
    /// The budget's time is over.
    Time,
    /// The query asks for something that the data shows to be wrong (a step of zero, columns that clash).
    Wrong(Span, String),
    /// Ours: a relation that the binder should not have made, a source that failed.
    Fault(String),
}

impl std::fmt::Display for RowsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RowsError::Rows(most) => write!(f, "more than {most} rows in the row half"),
            RowsError::Bytes(most) => write!(f, "more than {most} bytes in the row half"),
            RowsError::Time => f.write_str("out of time"),
            RowsError::Wrong(_, message) | RowsError::Fault(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for RowsError {}
