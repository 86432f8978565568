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

/// Longer messages are cut: what a text holds is part of them, and may be as long as the text.
const LONGEST: usize = 400;

/// All faults found in one text, in the order of their positions.
pub type Diagnostics = Vec<Diagnostic>;

impl Code {
    /// A fault of this code at a place. `codes::UNKNOWN_COLUMN.at(span, "no column is named `X`")`
    pub fn at(self, span: Span, message: impl Into<String>) -> Diagnostic {
        let mut message = message.into();
        if let Some((cut, _)) = message.char_indices().nth(LONGEST) {
            message.truncate(cut);
            message.push('…');
        }
        Diagnostic { code: self, message, span, help: None }
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
