//! Texts cut into terms, and needles into what a text that they are found in must have.
//!
//! A term is a run of letters and digits without its letter case, exactly as `has` sees it, so that an index over terms
//! never hides a row. Four numbers joined by dots are one more term: none of the four says much about an address.
use crate::functions::predicates::{Kind, fold_char, is_term};
use crate::value::json::{parse, write};
use crate::value::{Dynamic, Json, Value};
use std::borrow::Cow;

/// Numbers of an address have at most so many digits.
const ADDRESS_DIGITS: usize = 3;
/// Numbers of an address.
const ADDRESS: usize = 4;

/// Which end of a needle's term may stand inside a longer term of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Whole,
    /// The beginning of a term.
    Prefix,
    /// The end of a term.
    Suffix,
    /// Any part of a term.
    Inner,
}

/// A term, or a part of one, that must be in a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Piece {
    pub part: Part,
    /// Folded; not empty.
    pub text: Vec<u8>,
}

/// Where a term stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub start: usize,
    pub end: usize,
}

/// Gives every term of a text, folded, and where it stands.
pub fn cut(text: &str, buffer: &mut Vec<u8>, mut term: impl FnMut(&[u8], Place)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        buffer.clear();
        while let Some(byte) = bytes.get(at) {
            if byte.is_ascii() {
                let folded = TERM[usize::from(*byte)];
                if folded == 0 {
                    break;
                }
                buffer.push(folded);
                at += 1;
            } else {
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                if !is_term(c) {
                    break;
                }
                let mut utf8 = [0; 4];
                buffer.extend_from_slice(fold_char(c).encode_utf8(&mut utf8).as_bytes());
                at += c.len_utf8();
            }
        }
        if at > start {
            term(buffer, Place { start, end: at });
        }
        // Whatever ended the term, or stands where none begins.
        at += match bytes.get(at) {
            Some(byte) if !byte.is_ascii() => {
                text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
            }
            _ => 1,
        };
    }
}

/// The folded byte of each ASCII letter and digit, 0 for everything else.
static TERM: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    table
};

/// Sees term after term of a text and gives the addresses among them.
#[derive(Default)]
pub struct Addresses {
    starts: [usize; ADDRESS],
    joined: usize,
    end: usize,
}

impl Addresses {
    /// The address that ends with this term.
    pub fn next<'t>(&mut self, text: &'t str, place: Place) -> Option<&'t [u8]> {
        let bytes = text.as_bytes();
        let number = bytes.get(place.start..place.end)?;
        if number.len() > ADDRESS_DIGITS || !number.iter().all(u8::is_ascii_digit) {
            self.joined = 0;
            return None;
        }
        let follows = self.joined > 0 && place.start == self.end + 1 && bytes.get(self.end) == Some(&b'.');
        if !follows {
            self.joined = 0;
        }
        self.starts.rotate_left(1);
        self.starts[ADDRESS - 1] = place.start;
        self.joined += 1;
        self.end = place.end;
        if self.joined >= ADDRESS { bytes.get(self.starts[0]..place.end) } else { None }
    }
}

/// What must be in a text that a test finds the needle in; nothing where the index can say nothing.
pub fn pieces(kind: Kind, needle: &str) -> Vec<Piece> {
    // Whether the needle's first term begins where a term of the text begins, and its last ends where one ends.
    let (begins, ends) = match kind {
        Kind::Has | Kind::HasCs | Kind::Equals | Kind::EqualsCs => (true, true),
        Kind::HasPrefix | Kind::HasPrefixCs | Kind::StartsWith | Kind::StartsWithCs => (true, false),
        Kind::HasSuffix | Kind::HasSuffixCs | Kind::EndsWith | Kind::EndsWithCs => (false, true),
        Kind::Contains | Kind::ContainsCs => (false, false),
    };
    let whole = |place: Place| (place.start > 0 || begins, place.end < needle.len() || ends);
    let mut addresses = Addresses::default();
    let mut pieces = Vec::new();
    cut(needle, &mut Vec::new(), |term, place| {
        let part = match whole(place) {
            (true, true) => Part::Whole,
            (true, false) => Part::Prefix,
            (false, true) => Part::Suffix,
            (false, false) => Part::Inner,
        };
        pieces.push(Piece { part, text: term.to_vec() });
        if part != Part::Whole {
            addresses = Addresses::default();
        } else if let Some(address) = addresses.next(needle, place) {
            pieces.push(Piece { part, text: address.to_vec() });
        }
    });
    pieces.sort();
    pieces.dedup();
    pieces
}

/// The texts whose terms a stored dynamic has: the JSON as it is stored and, where escapes or numbers make that differ
/// from what a query sees, what `tostring` makes of it and of each text and number in it. A member that stands there
/// twice counts twice, whichever of the two a query sees.
pub fn of_dynamic<'t>(json: &'t str, mut each: impl FnMut(Cow<'t, str>)) {
    each(Cow::Borrowed(json));
    if is_plain(json) {
        return;
    }
    let value = Value::Dynamic(Dynamic::Text(Cow::Borrowed(json)));
    each(Cow::Owned(value.text().into_owned()));
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        at += 1;
        if *byte == b'"' {
            while let Some(byte) = bytes.get(at)
                && *byte != b'"'
            {
                at += if *byte == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if byte.is_ascii_digit() || *byte == b'-' {
            let more = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
            while bytes.get(at).is_some_and(more) {
                at += 1;
            }
        } else {
            continue;
        }
        if let Some(read) = json.get(start..at).and_then(parse) {
            each(Cow::Owned(write(&read)));
            if let Json::String(text) = read {
                each(Cow::Owned(text));
            }
        }
    }
}

/// Whether the text of every part of some JSON stands in it letter for letter.
fn is_plain(json: &str) -> bool {
    /// Longer whole numbers may be read as reals.
    const DIGITS: usize = 15;
    let (mut inside, mut digits, mut before) = (false, 0, 0u8);
    for byte in json.bytes() {
        match byte {
            b'\\' => return false,
            b'"' => inside = !inside,
            b'.' | b'e' | b'E' if !inside && before.is_ascii_digit() => return false,
            _ => {}
        }
        digits = if byte.is_ascii_digit() && !inside { digits + 1 } else { 0 };
        if digits > DIGITS {
            return false;
        }
        before = byte;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        let mut addresses = Addresses::default();
        cut(text, &mut Vec::new(), |term, place| {
            terms.push(String::from_utf8(term.to_vec()).unwrap());
            terms.extend(addresses.next(text, place).map(|address| String::from_utf8(address.to_vec()).unwrap()));
        });
        terms
    }

    #[test]
    fn texts_are_cut_where_letters_and_digits_end() {
        assert_eq!(terms(r#""C:\Foo_bar\x.EXE" /c=7"#), ["c", "foo", "bar", "x", "exe", "c", "7"]);
        assert_eq!(terms("Müller—ПриветМир 日本"), ["mÜller", "ПРИВЕТМИР", "日本"]);
        assert_eq!(
            terms("a 10.0.0.7:443 1.2.3.4.5"),
            ["a", "10", "0", "0", "7", "10.0.0.7", "443", "1", "2", "3", "4", "1.2.3.4", "5", "2.3.4.5"]
        );
        assert_eq!(terms("").len() + terms("·—").len(), 0);
    }

    #[test]
    fn a_letter_without_its_case_is_still_a_letter() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            assert_eq!(is_term(c), is_term(fold_char(c)), "{c:?}");
        }
    }

    #[test]
    fn the_ends_of_a_needle_are_whole_where_the_test_says_so() {
        let shown = |kind, needle| {
            let pieces = pieces(kind, needle).into_iter();
            let shown = pieces.map(|piece| format!("{:?} {}", piece.part, String::from_utf8(piece.text).unwrap()));
            shown.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(shown(Kind::Has, "Foo-bar"), "Whole bar, Whole foo");
        assert_eq!(shown(Kind::Contains, "oo-bar.b"), "Whole bar, Prefix b, Suffix oo");
        assert_eq!(shown(Kind::Contains, "oo"), "Inner oo");
        assert_eq!(shown(Kind::StartsWith, "http://x"), "Whole http, Prefix x");
        assert_eq!(shown(Kind::EndsWith, "l.exe"), "Whole exe, Suffix l");
        assert_eq!(shown(Kind::Equals, "1.2.3.4"), "Whole 1, Whole 1.2.3.4, Whole 2, Whole 3, Whole 4");
        assert_eq!(shown(Kind::Contains, ".2.3.4.5."), "Whole 2, Whole 2.3.4.5, Whole 3, Whole 4, Whole 5");
        assert_eq!(shown(Kind::Has, "-"), "");
    }

    #[test]
    fn a_dynamic_has_the_terms_of_what_a_query_sees_of_it() {
        let all = |json| {
            let mut all = Vec::new();
            of_dynamic(json, |text| all.extend(terms(&text)));
            all.sort();
            all.dedup();
            all.join(" ")
        };
        assert_eq!(all(r#"{"a":["B c",1,true]}"#), "1 a b c true");
        assert_eq!(all(r#"{"a":"x\ny","b\u0041":1.50}"#), "1 5 50 a b ba ny u0041 x y");
        assert_eq!(all(r#""x\ty""#), "ty x y");
        assert_eq!(all("no json \\n"), "json n no");
    }
}
