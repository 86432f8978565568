//! Text to trees: the lexer, the nom layer, and one folder for each language.
pub mod kql;
pub mod odata;
