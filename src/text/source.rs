//! One text as the user sent it, and line and column of an offset in it.

/// A query text with a name for messages (`query`, a file name).
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

/// A position for people: line and column count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Source {
    pub fn new(text: impl Into<String>) -> Source {
        Source { name: "query".into(), text: text.into() }
    }

    pub fn named(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { name: name.into(), text: text.into() }
    }

    /// Line and column of a byte offset; an offset past the end is the end.
    pub fn place(&self, offset: u32) -> Place {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }

    /// The text of a line (counted from 1), without its line end.
    pub fn line(&self, number: usize) -> &str {
        self.text.split('\n').nth(number - 1).unwrap_or("").trim_end_matches('\r')
    }
}
