//! Texts with a structure: URLs, paths, versions, CSV, XML, command lines.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
