//! The one door behind the HTTP doors, the command line, the tests and the benches: a text in, batches out.
use crate::text::{Diagnostics, Source};
use crate::types::Schema;
use arrow::record_batch::RecordBatch;
use futures::stream::BoxStream;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Kql,
    /// A request line: `alerts?$filter=…`.
    OData,
}

/// What one query may use. Past one of them it ends with [`Refused`]; the server goes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub rows: u64,
    pub bytes: u64,
    pub time: Duration,
    /// Bytes of working memory.
    pub memory: usize,
}

/// What comes with a query beside its text.
#[derive(Clone, Debug)]
pub struct Request {
    pub limits: Limits,
    /// Values for `declare query_parameters`, as KQL literals.
    pub parameters: Vec<(String, String)>,
    /// Ticks; only rows whose Timestamp lies within count (Graph's `Timespan`).
    pub timespan: Option<(i64, i64)>,
    /// What `now()` gives, in ticks; the clock's time where absent.
    pub now: Option<i64>,
}

/// The answer: one table for each result statement.
pub struct Response {
    pub tables: Vec<TableAnswer>,
    pub notices: Vec<String>,
}

pub struct TableAnswer {
    pub name: String,
    pub schema: Schema,
    /// Batches with `columns::arrow_schema(&schema)`. An error ends the stream; it can come after rows.
    pub batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    /// JSON, where the query had a `render`.
    pub visualization: Option<String>,
}

#[derive(Debug)]
pub enum QueryError {
    /// The text is wrong: 400.
    Wrong(Source, Diagnostics),
    /// A limit: 413, 429, 504.
    Refused(Refused),
    /// Ours: 500. The details are logged under this id.
    Fault(Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Rows(u64),
    Bytes(u64),
    Time(Duration),
    Memory(usize),
    /// Too many queries at once.
    Busy,
}

#[derive(Clone, Debug)]
pub struct Fault {
    pub id: String,
    pub detail: String,
}
