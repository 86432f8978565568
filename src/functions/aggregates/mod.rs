//! Aggregations: many rows to one value.
pub mod arg;
pub mod counts;
pub mod lists;
pub mod sketches;
pub mod statistics;
