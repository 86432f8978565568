//! dcount, hll, tdigest: estimates in little memory.
use crate::functions::Aggregate;

pub const AGGREGATES: &[Aggregate] = &[];
