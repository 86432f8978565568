//! From one type to another.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
