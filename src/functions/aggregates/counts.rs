//! count, countif, sum, min, max, avg and their conditional forms.
use crate::functions::Aggregate;

pub const AGGREGATES: &[Aggregate] = &[];
