//! What is wrong with a text, where, and what to do about it.
use super::{Code, Span};

/// One fault of the user's text. Message: lower case, no full stop, names in backticks; help: an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    pub span: Span,
    pub help: Option<String>,
}

/// All faults found in one text, in the order of their positions.
pub type Diagnostics = Vec<Diagnostic>;

impl Code {
    /// A fault of this code at a place. `codes::UNKNOWN_COLUMN.at(span, "no column is named `X`")`
    pub fn at(self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code: self, message: message.into(), span, help: None }
    }
}

impl Diagnostic {
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds `did you mean …` when one of the known names is near to what was written.
    pub fn nearest<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        match super::nearest::nearest(written, known) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}
