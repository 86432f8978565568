//! Text to tokens. Total: whatever the bytes, there are tokens that end with [`Kind::End`] and a list of what is wrong.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/string>
use super::tokens::{Kind, PUNCTUATION, Token, compounds, word};
use crate::text::{Diagnostic, Diagnostics, Span, codes};
use crate::types::Type;
use crate::value::timespan::UNITS;

/// All tokens of a text, the last being [`Kind::End`].
pub fn lex(text: &str) -> (Vec<Token>, Diagnostics) {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::with_capacity(text.len() / 4 + 1), wrong: Vec::new() };
    while lexer.token() {}
    (lexer.tokens, lexer.wrong)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
    wrong: Diagnostics,
}

/// The blanks of KQL, among them the byte order mark.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\x0c' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{180e}' | '\u{2000}'
            ..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{2028}' | '\u{2029}')
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// How many bytes from the start hold.
fn run(text: &str, holds: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|b| holds(*b)).count()
}

fn digits(text: &str) -> usize {
    run(text, |b| b.is_ascii_digit())
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Reads one token; false after the last.
    fn token(&mut self) -> bool {
        let before = self.at;
        self.skip_blanks();
        let (start, blank) = (self.at, self.at > before);
        let rest = self.rest();
        let (kind, length) = match rest.chars().next() {
            None => (Kind::End, 0),
            Some(first) => self.scan(rest, first),
        };
        self.at = start + length;
        self.tokens.push(Token { kind, span: Span::new(start, self.at), blank });
        kind != Kind::End
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(is_blank);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with("//") {
                return;
            }
            self.at += trimmed.find(is_line_end).unwrap_or(trimmed.len());
            if self.rest().starts_with(['\u{2028}', '\u{2029}']) {
                self.at += '\u{2028}'.len_utf8();
            }
        }
    }

    fn scan(&mut self, rest: &str, first: char) -> (Kind, usize) {
        if first.is_ascii_alphabetic() || matches!(first, '_' | '$') {
            return self.scan_word(rest);
        }
        if first.is_ascii_digit() {
            return scan_number(rest);
        }
        if let Some(string) = self.scan_string(rest) {
            return string;
        }
        if let Some(word) = compounds().iter().find(|word| first == '!' && stands(rest, word.text)) {
            return (Kind::Word(word), word.text.len());
        }
        if let Some(text) = PUNCTUATION.iter().find(|text| rest.starts_with(**text)) {
            return (Kind::Punct(text), text.len());
        }
        // The same wrong character again and again is one mistake.
        let length = rest.len() - rest.trim_start_matches(first).len();
        let shown = first.escape_debug();
        let fault = codes::BAD_CHARACTER
            .at(Span::new(self.at, self.at + length), format!("`{shown}` is not a character of the language"));
        self.wrong(if rest.starts_with("&&") { fault.help("write `and`") } else { fault });
        (Kind::Bad, length)
    }

    fn wrong(&mut self, diagnostic: Diagnostic) {
        // A text of nothing but wrong characters gets a short answer.
        if self.wrong.len() < 16 {
            self.wrong.push(diagnostic);
        }
    }

    /// A word, a name, a bool, a typed literal, a guid or a string with a prefix.
    fn scan_word(&mut self, rest: &str) -> (Kind, usize) {
        let length = 1 + run(&rest[1..], is_name);
        let text = &rest[..length];
        if matches!(rest.as_bytes().get(length), Some(b'-' | b'.' | b'~' | b' '))
            && let Some(word) = compounds().iter().find(|word| rest.starts_with(word.text))
        {
            // Where the longest word does not end as a word must, the text is a plain name.
            let found = stands(rest, word.text);
            return if found { (Kind::Word(word), word.text.len()) } else { (Kind::Name, length) };
        }
        if let Some(word) = word(text) {
            if rest.as_bytes().get(length) == Some(&b'(')
                && let Some(ty) = typed_literal(text)
            {
                return self.scan_typed(rest, length, ty);
            }
            return (Kind::Word(word), length);
        }
        if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
            return (Kind::Bool, length);
        }
        if is_raw_guid(rest) {
            return (Kind::RawGuid, 36);
        }
        if matches!(text, "h" | "H") {
            self.at += 1;
            let string = self.scan_string(&rest[1..]);
            self.at -= 1;
            if let Some((kind, more)) = string {
                return (kind, 1 + more);
            }
        }
        (Kind::Name, length)
    }

    fn scan_typed(&mut self, rest: &str, open: usize, ty: Type) -> (Kind, usize) {
        match rest[open..].find(')') {
            Some(close) => (Kind::Typed(ty), open + close + 1),
            None => {
                let end = Span::new(self.text.len(), self.text.len());
                self.wrong(codes::BAD_LITERAL.at(end, "expected `)`").help(format!("close the literal `{ty}(`")));
                (Kind::Typed(ty), rest.len())
            }
        }
    }

    /// A string without its `h` prefix, or `None` where none begins.
    fn scan_string(&mut self, rest: &str) -> Option<(Kind, usize)> {
        let verbatim = rest.starts_with('@');
        let open = usize::from(verbatim);
        let body = &rest[open..];
        for fence in ["```", "~~~"] {
            if let Some(inside) = body.strip_prefix(fence) {
                let length = match inside.find(fence) {
                    Some(length) => open + length + 6,
                    None => {
                        self.unclosed(rest.len(), fence);
                        rest.len()
                    }
                };
                return Some((Kind::String, length));
            }
        }
        let quote = body.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let mut at = open + 1;
        loop {
            let next = rest[at..].chars().next();
            match next {
                Some(c) if c == quote => {
                    if verbatim && rest[at + 1..].starts_with(quote) {
                        at += 2;
                        continue;
                    }
                    return Some((Kind::String, at + 1));
                }
                Some('\\') if !verbatim => match escape(&rest[at..]) {
                    Some((length, _)) => at += length,
                    None => {
                        let (from, to) = (self.at + at, self.at + at + 1);
                        self.wrong(
                            codes::BAD_LITERAL
                                .at(Span::new(from, to), "no escape begins so")
                                .help("write `\\\\`, or put `@` before the string"),
                        );
                        at += 1;
                    }
                },
                Some('\r' | '\n') | None => {
                    self.unclosed(at, if quote == '"' { "\"" } else { "'" });
                    return Some((Kind::String, at));
                }
                Some(c) => at += c.len_utf8(),
            }
        }
    }

    fn unclosed(&mut self, length: usize, quote: &str) {
        let span = Span::new(self.at, self.at + length);
        self.wrong(codes::UNCLOSED_STRING.at(span, format!("the string lacks its closing `{quote}`")));
    }
}

/// Whether the text begins with the word and the word ends there.
fn stands(rest: &str, word: &str) -> bool {
    rest.strip_prefix(word).is_some_and(|after| !after.bytes().next().is_some_and(is_name))
}

/// The types whose words open a literal when a parenthesis follows at once.
fn typed_literal(word: &str) -> Option<Type> {
    Some(match word {
        "long" | "int64" => Type::Long,
        "int" | "int32" => Type::Int,
        "real" | "double" => Type::Real,
        "decimal" => Type::Decimal,
        "bool" => Type::Bool,
        "datetime" | "date" => Type::Datetime,
        "time" | "timespan" => Type::Timespan,
        "guid" => Type::Guid,
        _ => return None,
    })
}

fn is_raw_guid(rest: &str) -> bool {
    let hyphens = [8, 13, 18, 23];
    rest.len() >= 36
        && rest.bytes().take(36).enumerate().all(
            |(at, b)| {
                if hyphens.contains(&at) { b == b'-' } else { b.is_ascii_hexdigit() }
            },
        )
}

/// Guids first, then reals, timespans, longs; what is none of them but goes on with letters is a name.
fn scan_number(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    if is_raw_guid(rest) {
        return (Kind::RawGuid, 36);
    }
    let ends = |at: usize| !bytes.get(at).copied().is_some_and(is_name);
    let whole = digits(rest);
    // `1..2` is a range, `1...2` a range that begins with a real.
    let point =
        bytes.get(whole) == Some(&b'.') && (bytes.get(whole + 1) != Some(&b'.') || bytes.get(whole + 2) == Some(&b'.'));
    let mantissa = if point { whole + 1 + digits(&rest[whole + 1..]) } else { whole };
    let real = mantissa + exponent(&rest[mantissa..]);
    if real > whole && ends(real) {
        return (Kind::Real, real);
    }
    let fraction = if bytes.get(whole) == Some(&b'.') { digits(&rest[whole + 1..]) } else { 0 };
    let number = if fraction > 0 { whole + 1 + fraction } else { whole };
    let letters = run(&rest[number..], |b| b.is_ascii_alphabetic());
    let unit = &rest[number..number + letters];
    if ends(number + letters) && UNITS.iter().any(|(names, _)| names.contains(&unit)) {
        return (Kind::Timespan, number + letters);
    }
    if bytes.first() == Some(&b'0') && matches!(bytes.get(1), Some(b'x' | b'X')) {
        let hex = 2 + run(&rest[2..], |b| b.is_ascii_hexdigit());
        if hex > 2 && ends(hex) {
            return (Kind::Long, hex);
        }
    }
    if ends(whole) { (Kind::Long, whole) } else { (Kind::Name, run(rest, is_name)) }
}

/// The length of an exponent, or 0.
fn exponent(rest: &str) -> usize {
    if !rest.starts_with(['e', 'E']) {
        return 0;
    }
    let sign = usize::from(rest[1..].starts_with(['+', '-']));
    match digits(&rest[1 + sign..]) {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

/// An escape at the start of the text: its length, and the character that it means.
fn escape(rest: &str) -> Option<(usize, char)> {
    let bytes = rest.as_bytes();
    let hex = |length: usize| {
        let code = rest.get(2..2 + length).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
        // Half of a surrogate pair is no character; the engine cannot hold it either.
        let code = u32::from_str_radix(code, 16).ok()?;
        Some((2 + length, char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)))
    };
    Some(match *bytes.get(1)? {
        b'\\' => (2, '\\'),
        b'\'' => (2, '\''),
        b'"' => (2, '"'),
        b'a' => (2, '\x07'),
        b'b' => (2, '\x08'),
        b'f' => (2, '\x0c'),
        b'n' => (2, '\n'),
        b'r' => (2, '\r'),
        b't' => (2, '\t'),
        b'v' => (2, '\x0b'),
        b'u' => return hex(4),
        b'U' => return hex(8),
        b'x' => return hex(2),
        b'0'..=b'7' => {
            let octal = run(&rest[1..], |b| (b'0'..=b'7').contains(&b));
            let most = if bytes[1] <= b'3' { 3 } else { 2 };
            // Three digits only where all three are there: `\12` and `\1` are escapes of their own.
            let length = octal.min(most);
            let code = rest[1..1 + length].bytes().fold(0, |sum, b| sum * 8 + u32::from(b - b'0'));
            (1 + length, char::from_u32(code)?)
        }
        _ => return None,
    })
}

/// The value of a string token's text. Surrogate pairs that were written as two escapes become one character.
pub fn string_value(token: &str) -> String {
    let text = token.strip_prefix(['h', 'H']).unwrap_or(token);
    let (verbatim, text) = match text.strip_prefix('@') {
        Some(text) => (true, text),
        None => (false, text),
    };
    for fence in ["```", "~~~"] {
        if let Some(inside) = text.strip_prefix(fence) {
            return inside.strip_suffix(fence).unwrap_or(inside).into();
        }
    }
    let Some(quote) = text.chars().next() else { return String::new() };
    let inside = &text[quote.len_utf8()..];
    let inside = inside.strip_suffix(quote).unwrap_or(inside);
    if verbatim {
        return inside.replace(&format!("{quote}{quote}"), &quote.to_string());
    }
    let mut value = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((length, c)) = surrogate_pair(rest).or_else(|| escape(rest)) {
            value.push(c);
            rest = &rest[length..];
        } else {
            value.push('\\');
            rest = &rest[1..];
        }
    }
    value.push_str(rest);
    value
}

fn surrogate_pair(rest: &str) -> Option<(usize, char)> {
    let half = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let pair = [half(rest)?, half(rest.get(6..)?)?];
    let c = char::decode_utf16(pair).next()?.ok()?;
    (c.len_utf16() == 2).then_some((12, c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let (tokens, wrong) = lex(text);
        let mut out: Vec<String> = tokens
            .iter()
            .filter(|token| token.kind != Kind::End)
            .map(|token| {
                let kind = match token.kind {
                    Kind::Word(_) => "word".into(),
                    Kind::Punct(_) => "".into(),
                    Kind::Typed(ty) => format!("{ty}"),
                    kind => format!("{kind:?}").to_lowercase(),
                };
                format!("{kind}‹{}›", token.span.of(text))
            })
            .collect();
        out.extend(wrong.iter().map(|one| format!("{} @{}", one.code.id, one.span.start)));
        out.join(" ")
    }

    #[test]
    fn words_names_and_punctuation() {
        insta::assert_snapshot!(shown("T | where a !in~ (b) and mv-expand project-awayx in~ 12ab $left"),
            @"name‹T› ‹|› word‹where› name‹a› word‹!in~› ‹(› name‹b› ‹)› word‹and› word‹mv-expand› name‹project› ‹-› name‹awayx› word‹in~› name‹12ab› name‹$left›");
        insta::assert_snapshot!(shown("a<>b<=c=>d\u{feff}\u{200b}=~e..f // comment\r\n!~g"),
            @"name‹a› ‹<>› name‹b› ‹<=› name‹c› ‹=>› name‹d› ‹=~› name‹e› ‹..› name‹f› ‹!~› name‹g›");
    }

    #[test]
    fn numbers_and_typed_literals() {
        insta::assert_snapshot!(shown("1 1.5 1. 1e5 1.5e-3 0x1F 1..2 1d 1.5h 30min 5x 7ticks 0xG"),
            @"long‹1› real‹1.5› real‹1.› real‹1e5› real‹1.5e-3› long‹0x1F› long‹1› ‹..› long‹2› timespan‹1d› timespan‹1.5h› timespan‹30min› name‹5x› timespan‹7ticks› name‹0xG›");
        insta::assert_snapshot!(shown("datetime(2020-01-01 10:00) long(null) real (1) time(1d) dynamic(1) True tRUE"),
            @"datetime‹datetime(2020-01-01 10:00)› long‹long(null)› word‹real› ‹(› long‹1› ‹)› timespan‹time(1d)› word‹dynamic› ‹(› long‹1› ‹)› bool‹True› name‹tRUE›");
    }

    #[test]
    fn strings_of_all_forms() {
        insta::assert_snapshot!(shown(r#"'a\'b' @"c:\" h"x" H@'it''s' ```m"`l``` ~~~t~~~"#),
            @r#"string‹'a\'b'› string‹@"c:\"› string‹h"x"› string‹H@'it''s'› string‹```m"`l```› string‹~~~t~~~›"#);
        for (written, meant) in [
            (r#""a\tb\\\x41\u00e9\101""#, "a\tb\\Aé\u{41}"),
            (r#""\ud83d\ude00 \U0001F600""#, "😀 😀"),
            ("@'it''s \\n'", "it's \\n"),
            ("h'x'", "x"),
            ("~~~a\nb~~~", "a\nb"),
        ] {
            assert_eq!(string_value(written), meant, "{written}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_passed_over() {
        insta::assert_snapshot!(shown("a && h'b\nc"), @"name‹a› bad‹&&› string‹h'b› name‹c› K0001 @2 K0002 @6");
        insta::assert_snapshot!(shown(r#""a\qb" datetime(20"#), @r#"string‹"a\qb"› datetime‹datetime(20› K0003 @2 K0003 @18"#);
    }

    proptest! {
        #[test]
        fn any_text_has_tokens_that_cover_it(text in "\\PC*|[a-z'\"@`~\\\\0-9.!|( \n]*") {
            let (tokens, _) = lex(&text);
            let mut at = 0;
            for token in &tokens {
                prop_assert!(token.span.start as usize >= at && text.is_char_boundary(token.span.end as usize));
                at = token.span.end as usize;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
