//! arg_max, arg_min, take_any.
use crate::functions::Aggregate;

pub const AGGREGATES: &[Aggregate] = &[];
