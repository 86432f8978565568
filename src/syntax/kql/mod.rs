//! KQL: text to tree.
//!
//! Each stage between top-level pipes is parsed on its own, so two broken stages make two diagnostics. Where the
//! reference compiler's grammar takes a text, so does this one; where it refuses one, this one does too, if not always
//! in the same words.
#[cfg(test)]
pub mod agreement;
pub mod ast;
mod display;
#[cfg(test)]
pub mod entries;
mod expr;
mod literal;
mod names;
mod ops;
mod pattern;
mod query;
mod settings;
mod source;
#[cfg(test)]
mod tests;

use crate::syntax::combinators::{Tokens, Trace};
use crate::syntax::lex::lex;
use crate::text::{Diagnostics, Source, Span, codes};
use ast::Query;

/// The longest text that is read.
pub const MAX_LENGTH: usize = 2 << 20;

/// A tree, as far as there is one, and what is wrong with the text.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub query: Query,
    pub diagnostics: Diagnostics,
}

impl Parsed {
    /// The tree if nothing is wrong.
    pub fn into_result(self) -> Result<Query, Diagnostics> {
        if self.diagnostics.is_empty() { Ok(self.query) } else { Err(self.diagnostics) }
    }
}

/// Reads a whole text.
pub fn parse(source: &Source) -> Parsed {
    let text = source.text.as_str();
    let span = Span::new(0, text.floor_char_boundary(MAX_LENGTH));
    let nothing = || Query { statements: Vec::new(), span, notices: Vec::new() };
    let failed = |diagnostic| Parsed { query: nothing(), diagnostics: vec![diagnostic] };
    if text.len() > MAX_LENGTH {
        let fault = codes::TOO_LONG.at(span, format!("the text has more than {MAX_LENGTH} bytes"));
        return failed(fault.help("load long lists as a table instead"));
    }
    let (tokens, wrong) = lex(text);
    if !wrong.is_empty() {
        return Parsed { query: nothing(), diagnostics: wrong };
    }
    if tokens.len() == 1 {
        return failed(codes::EMPTY_QUERY.at(span, "the text holds no query"));
    }
    let trace = Trace::new(text);
    let (statements, diagnostics) = query::statements(Tokens::new(&tokens, &trace));
    Parsed { query: Query { statements, span, notices: trace.into_notices() }, diagnostics }
}
