//! Variance, deviation, percentiles and their like.
use crate::functions::Aggregate;

pub const AGGREGATES: &[Aggregate] = &[];
