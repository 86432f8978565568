//! KQL: text to tree.
pub mod ast;
