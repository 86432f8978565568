//! Conversions between units of measure.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
