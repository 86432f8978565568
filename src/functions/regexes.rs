//! Functions with regular expressions, and the cache of compiled ones.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
