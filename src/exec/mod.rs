//! Running plans: the session they run in, the limits they run under, the streams of batches that come out.
mod coded_columns;
mod coded_groups;
mod coded_scan;
pub mod equal_columns;
mod few_rows;
pub mod limits;
pub mod narrowing;
pub mod session;
pub mod subqueries;

pub use limits::{Limits, Refused};
pub use session::Sessions;
