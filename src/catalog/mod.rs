//! The hunting tables as data: names, columns, types and words.
use crate::types::{Schema, Type};
use std::sync::Arc;

/// The tables that a query may name: those of the catalogue and those that are attached.
pub trait Tables {
    /// Columns of a table, in order; `None` where there is no such table. Names are case-sensitive.
    fn schema(&self, table: &str) -> Option<Arc<Schema>>;
    /// Columns that a query may name though `*` does not give them: (name, column it reads, type).
    /// `TimeGenerated` reads `Timestamp`; `UnknownProperties` holds what the schema did not know.
    fn hidden(&self, table: &str) -> Vec<(String, String, Type)>;
    /// All names, for wildcards and for the nearest match.
    fn names(&self) -> Vec<String>;
}
