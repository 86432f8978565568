//! Operators and plug-ins that see all rows at once: one entry each. The binder looks an operator up by name and hands
//! over [`WholeArg`](crate::ir::WholeArg)s as the entry's `takes` says; the result's schema is the node's. Where a schema depends on data
//! (`bag_unpack`, `pivot` without a declared one) the entry's module says what it would be over a table.
//!
//! In `takes`, `name: Scalar` is `WholeArg::Scalar("name", …)` and so on; `?` may be absent, `*` may repeat. Scalars are
//! over the first input unless said otherwise. A *measure* is `value: Aggregate*` and `result: Scalar?`, the latter over
//! the aggregates' outputs where the aggregates stand within an expression (`sum(x) + 1`).
use super::{Env, RowsError, Table};
use crate::ir::WholeCall;
use crate::types::Schema;

mod activity;
mod args;
pub mod bags;
pub mod graph;
pub mod graph_search;
mod hitters;
mod lookups;
mod make_series;
mod measure;
mod patterns;
mod reduce;
pub mod scan;
mod sequences;
mod sessions;
mod sets;
mod top_nested;

/// One operator or plug-in over whole tables.
pub struct Whole {
    pub name: &'static str,
    pub doc: &'static str,
    /// What the [`WholeCall`]'s arguments are, in words for the binder.
    pub takes: &'static str,
    pub over: Over,
    pub run: fn(&WholeCall, &[Table], &Schema, &Env<'_>) -> Result<Table, RowsError>,
}

/// How much of its inputs an operator has to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Of one input one row, whatever the others are.
    EachRow,
    /// Of one input the columns in its arguments.
    Arguments,
    /// All of them.
    Tables,
}

const FAMILIES: &[&[Whole]] = &[
    make_series::WHOLES,
    top_nested::WHOLES,
    hitters::WHOLES,
    scan::WHOLES,
    reduce::WHOLES,
    bags::WHOLES,
    lookups::WHOLES,
    activity::WHOLES,
    sessions::WHOLES,
    sets::WHOLES,
    sequences::WHOLES,
    patterns::WHOLES,
    graph::WHOLES,
];

pub fn all() -> impl Iterator<Item = &'static Whole> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

pub fn whole(name: &str) -> Option<&'static Whole> {
    all().find(|one| one.name == name)
}
