//! Making and taking apart texts.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
