//! The query part of a URL: options apart, percent signs and pluses resolved, and where each byte came from.
use crate::text::{Diagnostic, Span, codes};

/// One `name=value` of the query part, decoded.
#[derive(Clone, Debug)]
pub struct RawOption {
    pub name: Decoded,
    pub value: Decoded,
}

/// A decoded text that knows the offset in the request line of each of its bytes.
#[derive(Clone, Debug, Default)]
pub struct Decoded {
    pub text: String,
    /// One more than the text has bytes: the last is where it ends.
    origin: Vec<u32>,
}

impl Decoded {
    /// A text that is decoded already.
    #[cfg(test)]
    pub fn plain(text: &str) -> Decoded {
        Decoded { text: text.to_owned(), origin: (0..=text.len() as u32).collect() }
    }

    /// Whether the byte at a place in the text was written with a percent sign.
    pub fn encoded(&self, at: usize) -> bool {
        matches!((self.origin.get(at), self.origin.get(at + 1)), (Some(start), Some(end)) if end - start == 3)
    }

    /// The place in the request line of a place in the text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let at = |offset: usize| self.origin.get(offset).or(self.origin.last()).copied().unwrap_or(0);
        Span { start: at(start), end: at(end).max(at(start)) }
    }
}

/// Splits at `&`, then decodes. Clients write a blank as ` `, `+`, `%20`, and some as `%2B`: a decoded plus is a blank
/// unless it begins a number or the offset of a time.
pub fn options(line: &str, from: usize) -> Result<Vec<RawOption>, Diagnostic> {
    let mut found = Vec::new();
    let mut at = from;
    for part in line[from..].split('&') {
        if !part.is_empty() {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value_at = if part.len() == name.len() { at + part.len() } else { at + name.len() + 1 };
            found.push(RawOption { name: decode(name, at)?, value: decode(value, value_at)? });
        }
        at += part.len() + 1;
    }
    Ok(found)
}

/// Percent-decodes one piece of the request line that begins at that offset.
pub fn decode(piece: &str, offset: usize) -> Result<Decoded, Diagnostic> {
    let bytes = piece.as_bytes();
    let (mut out, mut origin) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1));
    let mut at = 0;
    while at < bytes.len() {
        let (byte, length) = match bytes[at] {
            b'%' => {
                let hex = piece.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let end = piece[at..].char_indices().nth(3).map_or(bytes.len(), |(length, _)| at + length);
                let span = Span::new(offset + at, offset + end);
                let byte = hex.ok_or_else(|| {
                    codes::BAD_CHARACTER
                        .at(span, "`%` without two hexadecimal digits")
                        .help("write a percent sign as `%25`")
                })?;
                let plus_is_blank = byte == b'+' && !begins_number(&bytes[at + 3..], &out);
                (if plus_is_blank { b' ' } else { byte }, 3)
            }
            b'+' if begins_number(&bytes[at + 1..], &out) && ends_in_time(&out) => (b'+', 1),
            b'+' => (b' ', 1),
            byte => (byte, 1),
        };
        out.push(byte);
        origin.push((offset + at) as u32);
        at += length;
    }
    origin.push((offset + at) as u32);
    let text = String::from_utf8(out).map_err(|_| {
        codes::BAD_CHARACTER.at(Span::new(offset, offset + piece.len()), "the text is not UTF-8 once it is decoded")
    })?;
    Ok(Decoded { text, origin })
}

/// Whether a plus before `rest` and behind `before` is a sign: of a number at the start of an operand, or of the offset
/// of a time.
fn begins_number(rest: &[u8], before: &[u8]) -> bool {
    rest.first().is_some_and(u8::is_ascii_digit)
        && !matches!(before.last(), Some(b'\'' | b')'))
        && (ends_in_time(before) || before.last().is_none_or(|last| matches!(last, b' ' | b'(' | b',')))
}

/// `…T10:00:00` or `…T10:00`: an offset may follow.
fn ends_in_time(before: &[u8]) -> bool {
    let word = before.rsplit(|byte| *byte == b' ').next().unwrap_or(before);
    word.len() >= 16 && word.contains(&b'T') && word.contains(&b':') && word.last().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(piece: &str) -> String {
        decode(piece, 0).unwrap().text
    }

    #[test]
    fn blanks_come_in_four_spellings_and_offsets_keep_their_plus() {
        assert_eq!(decoded("status+eq%20'New'"), "status eq 'New'");
        assert_eq!(decoded("status%2Beq%2B'New'"), "status eq 'New'");
        assert_eq!(decoded("t gt 2026-11-01T00:00:00%2B02:00"), "t gt 2026-11-01T00:00:00+02:00");
        assert_eq!(decoded("t gt 2026-11-01T00:00:00.123+02:00"), "t gt 2026-11-01T00:00:00.123+02:00");
        assert_eq!(decoded("incidentId+eq+7"), "incidentId eq 7");
    }

    #[test]
    fn places_are_those_of_the_request_line() {
        let line = "alerts?$filter=a%20eq%20b";
        let options = options(line, 7).unwrap();
        assert_eq!(options[0].value.text, "a eq b");
        assert_eq!(options[0].value.span(5, 6).of(line), "b");
    }
}
