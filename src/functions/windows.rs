//! Functions over ordered rows: row_number, prev, next and their like.
use super::Window;

pub const WINDOWS: &[Window] = &[];
