//! Aggregations: what `summarize` and its kin fold groups of rows into.
use crate::types::Types;

pub mod arg;
pub mod bits;
pub mod counts;
pub mod extremes;
pub mod hyperloglog;
pub mod keys;
pub mod lists;
pub mod only_if;
pub mod order;
pub mod percentiles;
pub mod quantiles;
pub mod schemas;
pub mod sketches;
pub mod statistics;
pub mod sums;

#[cfg(test)]
mod parts_test;

/// What can be put in an order: everything but guids and dynamics.
pub(crate) const ORDERABLE: Types = Types::ANY.but(Types::GUID).but(Types::DYNAMIC);
