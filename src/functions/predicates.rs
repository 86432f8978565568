//! Text operators: has, contains, startswith, matches regex and their families.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
