//! base64, URL, hex, hashes, compression.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
