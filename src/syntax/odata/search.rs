//! `$search`: words and quoted phrases, side by side or with `AND`, `OR`, `NOT`, and brackets.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_SystemQueryOptionsearch>
use super::ast::Search;
use super::decode::Decoded;
use crate::text::{Diagnostic, codes};

/// Brackets within brackets.
const DEEPEST: usize = 50;

struct Reader<'r> {
    source: &'r Decoded,
    at: usize,
    depth: usize,
}

enum Word {
    Open,
    Close,
    And,
    Or,
    Not,
    Term(String),
    End,
}

pub fn read(source: &Decoded) -> Result<Search, Diagnostic> {
    let mut reader = Reader { source, at: 0, depth: 0 };
    let search = reader.any()?;
    match reader.peek()? {
        (Word::End, _) => Ok(search),
        _ => Err(reader.miss("the end")),
    }
}

impl Reader<'_> {
    fn miss(&self, wanted: &str) -> Diagnostic {
        let text = &self.source.text[self.at..];
        let found = if text.trim().is_empty() { "the end".into() } else { format!("`{}`", text.trim()) };
        codes::SYNTAX.at(self.source.span(self.at, self.source.text.len()), format!("expected {wanted}, found {found}"))
    }

    /// The next word and where it ends.
    fn peek(&self) -> Result<(Word, usize), Diagnostic> {
        let rest = &self.source.text[self.at..];
        let trimmed = rest.trim_start();
        let start = self.at + rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else { return Ok((Word::End, start)) };
        Ok(match first {
            '(' => (Word::Open, start + 1),
            ')' => (Word::Close, start + 1),
            '"' => {
                let Some(length) = trimmed[1..].find('"') else { return Err(self.miss("`\"`")) };
                (Word::Term(trimmed[1..=length].to_owned()), start + length + 2)
            }
            _ => {
                let length =
                    trimmed.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"')).unwrap_or(trimmed.len());
                let word = match &trimmed[..length] {
                    "AND" => Word::And,
                    "OR" => Word::Or,
                    "NOT" => Word::Not,
                    word => Word::Term(word.to_owned()),
                };
                (word, start + length)
            }
        })
    }

    fn any(&mut self) -> Result<Search, Diagnostic> {
        let mut terms = vec![self.all()?];
        while let (Word::Or, end) = self.peek()? {
            self.at = end;
            terms.push(self.all()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Search::Any(terms) })
    }

    fn all(&mut self) -> Result<Search, Diagnostic> {
        let mut terms = vec![self.one()?];
        loop {
            match self.peek()? {
                (Word::And, end) => self.at = end,
                (Word::Term(_) | Word::Open | Word::Not, _) => {}
                (Word::Or | Word::Close | Word::End, _) => break,
            }
            terms.push(self.one()?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Search::All(terms) })
    }

    fn one(&mut self) -> Result<Search, Diagnostic> {
        let (word, end) = self.peek()?;
        match word {
            Word::Term(term) => {
                self.at = end;
                Ok(Search::Term(term))
            }
            Word::Not | Word::Open => {
                if self.depth == DEEPEST {
                    return Err(codes::TOO_DEEP.at(self.source.span(self.at, end), "nested too deep"));
                }
                self.depth += 1;
                self.at = end;
                let found = if matches!(word, Word::Not) {
                    Search::Not(Box::new(self.one()?))
                } else {
                    let inner = self.any()?;
                    let (Word::Close, end) = self.peek()? else { return Err(self.miss("`)`")) };
                    self.at = end;
                    inner
                };
                self.depth -= 1;
                Ok(found)
            }
            Word::Close | Word::And | Word::Or | Word::End => Err(self.miss("a word or a phrase")),
        }
    }
}
