//! Numeric arrays as series.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
