//! Names, types and places: trees of either language to the typed middle ([`crate::ir`]).
use crate::catalog::Tables;
use crate::rows::{Arrived, Lookup};
use crate::text::{Diagnostic, Span, codes};
use crate::types::Schema;
use crate::value::Value;
use crate::value::json_text::PlaceOf;
use crate::{ir, rows};
use std::sync::Arc;

pub mod alerts;
pub mod kql;
pub mod odata;
pub mod provided;
pub mod saved;

pub use kql::kql;
pub use odata::odata;

/// What a text is bound against beside itself.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub tables: &'a dyn Tables,
    /// What `now()` gives, in ticks: one instant for the whole text.
    pub now: i64,
    /// Values for `declare query_parameters`, as KQL literals.
    pub parameters: &'a [(String, String)],
    /// Asked where a result schema depends on data; without it such a text is refused.
    pub data: Option<&'a dyn Data>,
    /// Functions that the text may call; each sees those before it.
    pub saved: &'a [Arc<saved::Saved>],
}

/// Runs a relation while a text is being bound: the columns of `evaluate pivot` and `bag_unpack` without a declared
/// schema are the values of their input.
pub trait Data {
    fn rows(&self, rel: &ir::Rel) -> Result<rows::Table, Diagnostic>;

    /// The time from which to `from`, or to the newest, about so many rows of a table lie; of the oldest where not the
    /// newest count. `None` where there are no more, or nothing is known.
    fn reach(&self, _table: &str, _rows: u64, _from: Option<i64>, _newest: bool) -> Option<i64> {
        None
    }

    /// Which of the ids in a column may have rows at that time or earlier; `None` where that is not to be had.
    fn begun(&self, _table: &str, _column: &str, _ids: &[String], _time: i64) -> Option<Vec<bool>> {
        None
    }

    /// Rows of a table that lie in memory; `None` where they, or some that come before them, do not.
    fn lookup(&self, _lookup: &Lookup<'_>) -> Option<rows::Table> {
        None
    }

    /// Of the alerts raised from a time on and before another (ticks): the texts of a column in their rows, each with when
    /// the first of them was raised, the latest first. `None` where it is not in memory.
    fn openings(&self, _table: &str, _column: &str, _from: i64, _to: i64) -> Option<Vec<(i64, String)>> {
        None
    }

    /// Whether any row of a table can have arrived since then, as far as the log tells.
    fn arrived(&self, _table: &str, _since: Arrived) -> bool {
        true
    }

    /// The records of data from outside, which may be read only where that is allowed: texts and JSON, one for each
    /// column.
    fn outside(&self, asked: &Outside<'_>) -> Result<Vec<Vec<Value<'static>>>, Diagnostic> {
        Err(not_allowed(asked.address, asked.span))
    }
}

/// What `externaldata` asks for.
#[derive(Clone, Copy, Debug)]
pub struct Outside<'a> {
    pub address: &'a str,
    /// Absent where only the address tells.
    pub format: Option<&'a str>,
    pub columns: &'a Schema,
    /// Where each column's value is; a column that is not told of is where it always is.
    pub places: &'a [PlaceOf],
    pub ignore_first: bool,
    pub span: Span,
}

pub fn not_allowed(address: &str, span: Span) -> Diagnostic {
    codes::NEEDS_DATA
        .at(span, format!("`{address}` is at no place that the configuration allows"))
        .help("allow a folder or an object store with `--allow-external PATH|URL` or `SIGHTHOUND_EXTERNAL`")
}
