//! Datetimes and timespans.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
