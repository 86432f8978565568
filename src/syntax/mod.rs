//! Text to trees: the lexer, the nom layer, and one folder for each language.
#[cfg(test)]
mod bounds_test;
pub mod combinators;
#[cfg(test)]
mod grammar_check;
pub mod kql;
pub mod lex;
pub mod odata;
pub mod pratt;
pub mod tokens;
