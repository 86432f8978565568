//! IPv4 and IPv6.
use super::Function;

pub const FUNCTIONS: &[Function] = &[];
