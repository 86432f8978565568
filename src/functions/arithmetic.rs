//! `+ - * / %`, `and`, `or`, `not`, bin and its like.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
