//! iff, case, coalesce, and tests for null and empty.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
