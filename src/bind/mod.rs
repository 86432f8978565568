//! Names, types and places: trees of either language to the typed middle ([`crate::ir`]).
pub mod kql;
