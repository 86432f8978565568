//! Functions that the binder rewrites: of the clock, of columns, of tables.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
