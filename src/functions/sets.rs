//! Dynamic arrays as sets.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
