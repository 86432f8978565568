//! JSON: parsing, paths, bags.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
