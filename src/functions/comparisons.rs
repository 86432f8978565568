//! Equality, order, `in` and `between`.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
