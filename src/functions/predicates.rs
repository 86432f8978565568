//! Tests of texts: has, contains, startswith and their like, as operators and as matchers for a constant needle.
//!
//! A term is a run of letters and digits; `has` asks for whole terms. An end of the needle that is no letter or digit
//! itself stands at the edge of a term wherever it is. Letter case is folded one character for one, and never between
//! ASCII and the rest (`K` and the Kelvin sign differ), so an ASCII needle is found by its bytes alone.
//! <https://learn.microsoft.com/kusto/query/datatypes-string-operators>
use super::arguments::row;
use super::comparisons::any_element;
use super::{Call, Function, Gives, many, one};
use crate::types::{Type, Types};
use crate::value::Value;
use aho_corasick::{AhoCorasick, Span, packed};
use memchr::memmem;
use std::borrow::Cow;
use std::cell::RefCell;
use std::str::Utf8Error;

const TEXT: Types = Types::STRING.or(Types::DYNAMIC);

/// An operator over two texts, and its negation.
macro_rules! tests {
    ($($symbol:literal $negation:literal $kind:ident $doc:literal $no:literal $yes:literal $examples:expr;)*) => {
        &[
            $(
                row(
                    &[$symbol],
                    $doc,
                    &[one("text", TEXT), one("needle", TEXT)],
                    Gives::Always(Type::Bool),
                    |_, args| Value::Bool(matches(Kind::$kind, &args[0].text(), &args[1].text())),
                    $examples,
                ),
                row(
                    &[$negation],
                    concat!("The negation of `", $symbol, "`."),
                    &[one("text", TEXT), one("needle", TEXT)],
                    Gives::Always(Type::Bool),
                    |_, args| Value::Bool(!matches(Kind::$kind, &args[0].text(), &args[1].text())),
                    &[($no, "False"), ($yes, "True")],
                ),
            )*
            row(
                &["has_any"],
                "Whether one of the terms in the list is in the text, letter case aside.",
                &[one("text", TEXT), many("list", Types::ANY, 0, 10_000)],
                Gives::Always(Type::Bool),
                has_any,
                &[
                    ("'North Carolina' has_any ('south', 'north')", "True"),
                    ("'ab' has_any (dynamic(['a', 'b']))", "False"),
                ],
            ),
            row(
                &["has_all"],
                "Whether all terms in the list are in the text, letter case aside.",
                &[one("text", TEXT), many("list", Types::ANY, 0, 10_000)],
                Gives::Always(Type::Bool),
                has_all,
                &[("'a b c' has_all ('A', 'c')", "True"), ("'a b c' has_all ('a', 'd')", "False")],
            ),
        ]
    };
}

pub const FUNCTIONS: &[Function] = tests! {
    "has" "!has" Has "Whether the needle is in the text as whole terms, letter case aside."
        "'a B c' !has 'b'" "'ab' !has 'b'"
        &[("'foo.BAR.baz' has 'bar'", "True"), ("'foobar' has 'bar'", "False"), ("'a' has ''", "True")];
    "has_cs" "!has_cs" HasCs "Whether the needle is in the text as whole terms."
        "'a b' !has_cs 'b'" "'a B' !has_cs 'b'"
        &[("'foo.bar' has_cs 'bar'", "True"), ("'foo.BAR' has_cs 'bar'", "False")];
    "hasprefix" "!hasprefix" HasPrefix "Whether a term of the text begins with the needle, letter case aside."
        "'a_bc' !hasprefix 'B'" "'abc' !hasprefix 'b'"
        &[("'North_America' hasprefix 'ame'", "True"), ("'North America' hasprefix 'orth'", "False")];
    "hasprefix_cs" "!hasprefix_cs" HasPrefixCs "Whether a term of the text begins with the needle."
        "'a bc' !hasprefix_cs 'b'" "'a bc' !hasprefix_cs 'B'"
        &[("'North America' hasprefix_cs 'Ame'", "True"), ("'North America' hasprefix_cs 'ame'", "False")];
    "hassuffix" "!hassuffix" HasSuffix "Whether a term of the text ends with the needle, letter case aside."
        "'ab.' !hassuffix 'B'" "'bc' !hassuffix 'b'"
        &[("'the END.' hassuffix 'end'", "True"), ("'ending' hassuffix 'end'", "False")];
    "hassuffix_cs" "!hassuffix_cs" HasSuffixCs "Whether a term of the text ends with the needle."
        "'ab' !hassuffix_cs 'b'" "'ab' !hassuffix_cs 'B'"
        &[("'the end.' hassuffix_cs 'end'", "True"), ("'the END.' hassuffix_cs 'end'", "False")];
    "contains" "!contains" Contains "Whether the needle is anywhere in the text, letter case aside."
        "'abc' !contains 'B'" "'abc' !contains 'x'"
        &[("'FabriKam' contains 'brik'", "True"), ("'a' contains 'b'", "False")];
    "contains_cs" "!contains_cs" ContainsCs "Whether the needle is anywhere in the text."
        "'abc' !contains_cs 'b'" "'abc' !contains_cs 'B'"
        &[("'FabriKam' contains_cs 'briK'", "True"), ("'FabriKam' contains_cs 'brik'", "False")];
    "startswith" "!startswith" StartsWith "Whether the text begins with the needle, letter case aside."
        "'Abc' !startswith 'aB'" "'abc' !startswith 'b'"
        &[("'Fabrikam' startswith 'fab'", "True"), ("'Fabrikam' startswith 'kam'", "False")];
    "startswith_cs" "!startswith_cs" StartsWithCs "Whether the text begins with the needle."
        "'abc' !startswith_cs 'ab'" "'abc' !startswith_cs 'AB'"
        &[("'Fabrikam' startswith_cs 'Fab'", "True"), ("'Fabrikam' startswith_cs 'fab'", "False")];
    "endswith" "!endswith" EndsWith "Whether the text ends with the needle, letter case aside."
        "'abC' !endswith 'Bc'" "'abc' !endswith 'b'"
        &[("'Fabrikam' endswith 'KAM'", "True"), ("'Fabrikam' endswith 'fab'", "False")];
    "endswith_cs" "!endswith_cs" EndsWithCs "Whether the text ends with the needle."
        "'abc' !endswith_cs 'bc'" "'abc' !endswith_cs 'BC'"
        &[("'Fabrikam' endswith_cs 'kam'", "True"), ("'Fabrikam' endswith_cs 'KAM'", "False")];
};

/// Which test a needle is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Has,
    HasCs,
    HasPrefix,
    HasPrefixCs,
    HasSuffix,
    HasSuffixCs,
    Contains,
    ContainsCs,
    StartsWith,
    StartsWithCs,
    EndsWith,
    EndsWithCs,
    /// `=~`, `in~`.
    Equals,
    /// `==`, `in`.
    EqualsCs,
}

impl Kind {
    /// Of an operator without its negation: `has`, `startswith_cs`, `=~`, ….
    pub fn of(symbol: &str) -> Option<Kind> {
        Some(match symbol {
            "has" | "has_any" | "has_all" => Kind::Has,
            "has_cs" => Kind::HasCs,
            "hasprefix" => Kind::HasPrefix,
            "hasprefix_cs" => Kind::HasPrefixCs,
            "hassuffix" => Kind::HasSuffix,
            "hassuffix_cs" => Kind::HasSuffixCs,
            "contains" => Kind::Contains,
            "contains_cs" => Kind::ContainsCs,
            "startswith" => Kind::StartsWith,
            "startswith_cs" => Kind::StartsWithCs,
            "endswith" => Kind::EndsWith,
            "endswith_cs" => Kind::EndsWithCs,
            "=~" | "in~" => Kind::Equals,
            "==" | "in" => Kind::EqualsCs,
            _ => return None,
        })
    }

    pub fn is_case_sensitive(self) -> bool {
        match self {
            Kind::HasCs
            | Kind::HasPrefixCs
            | Kind::HasSuffixCs
            | Kind::ContainsCs
            | Kind::StartsWithCs
            | Kind::EndsWithCs
            | Kind::EqualsCs => true,
            Kind::Has
            | Kind::HasPrefix
            | Kind::HasSuffix
            | Kind::Contains
            | Kind::StartsWith
            | Kind::EndsWith
            | Kind::Equals => false,
        }
    }
}

/// A needle made ready once for many texts.
#[derive(Clone, Debug)]
pub struct Needle {
    kind: Kind,
    /// Folded where letter case does not count and it is not ASCII; in lower case where it is.
    text: Box<str>,
    way: Way,
    /// Whether the needle's ends are letters or digits, so that terms must end there.
    edges: (bool, bool),
}

#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Compared byte for byte.
    Exact(Box<memmem::Finder<'static>>),
    /// An ASCII needle in any letter case: by the byte at this place, the rarest one.
    Ascii(usize),
    /// Any needle in any letter case: found in the folded text.
    Folded(Box<memmem::Finder<'static>>),
}

impl Needle {
    pub fn new(kind: Kind, text: &str) -> Needle {
        let edges = edges(text);
        if kind.is_case_sensitive() {
            let way = Way::Exact(Box::new(memmem::Finder::new(text).into_owned()));
            Needle { kind, text: text.into(), way, edges }
        } else if text.is_ascii() {
            Needle { kind, text: text.to_ascii_lowercase().into(), way: Way::Ascii(rarest(text.as_bytes())), edges }
        } else {
            let folded = fold(text);
            let way = Way::Folded(Box::new(memmem::Finder::new(folded.as_bytes()).into_owned()));
            Needle { kind, text: folded.into(), way, edges }
        }
    }

    /// The needle's text as it is looked for: in folded or lower case where letter case does not count.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    pub fn matches(&self, text: &str) -> bool {
        let needle = &*self.text;
        if needle.is_empty() {
            return text.is_empty() || !matches!(self.kind, Kind::Equals | Kind::EqualsCs);
        }
        match &self.way {
            Way::Exact(finder) => {
                test(self.kind, text, needle, self.edges, Same::Bytes, |from| finder.find(&text.as_bytes()[from..]))
            }
            Way::Ascii(at) => test(self.kind, text, needle, self.edges, Same::Ascii, |from| {
                find_ascii(&text.as_bytes()[from..], needle.as_bytes(), *at)
            }),
            Way::Folded(finder) => {
                let text = fold(text);
                test(self.kind, &text, needle, self.edges, Same::Bytes, |from| finder.find(&text.as_bytes()[from..]))
            }
        }
    }
}

/// Fewer needles are looked for one after the other.
const TOGETHER: usize = 4;

/// Several needles made ready for many texts: whether one of them is found. Many ASCII needles whose letter case does
/// not count are looked for in one pass.
#[derive(Clone, Debug)]
pub struct AnyOf {
    single: Vec<Needle>,
    words: Option<Words>,
    together: Option<Together>,
}

/// Whole words of ASCII letters and digits, looked for a vector of bytes at a time in a copy of the text in lower case.
#[derive(Clone, Debug)]
struct Words {
    searcher: packed::Searcher,
    words: Vec<Box<[u8]>>,
}

impl Words {
    /// `None` where the machine has no such vectors, or the words are too many for them.
    fn new(words: &[&String]) -> Option<Words> {
        let words: Vec<Box<[u8]>> = words.iter().map(|word| word.to_ascii_lowercase().into_bytes().into()).collect();
        let mut builder = packed::Config::new().match_kind(packed::MatchKind::LeftmostLongest).builder();
        builder.extend(&words);
        builder.build().map(|searcher| Words { searcher, words })
    }

    /// Of the words that begin at a place only the longest is looked at: where that is followed by a letter or digit, so
    /// are those that it begins with.
    fn matches(&self, text: &[u8], before: &mut Before) -> bool {
        thread_local!(static LOWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        let Before(places) = before;
        for at in 0..places.len() {
            let (start, word) = places[at];
            let Some(word) = self.words.get(word) else { break };
            let end = start + word.len();
            // Most that is not there has another first byte.
            if text.get(start).map(u8::to_ascii_lowercase) != word.first().copied() {
                continue;
            }
            let is_there = text.get(start..end).is_some_and(|there| there.eq_ignore_ascii_case(word));
            if is_there && is_whole(text, start, end) {
                // What was found last is tried first.
                places[..=at].rotate_right(1);
                return true;
            }
        }
        LOWER.with_borrow_mut(|lower| {
            lower.clear();
            lower.extend_from_slice(text);
            lower.make_ascii_lowercase();
            let mut from = 0;
            while let Some(found) = self.searcher.find_in(&*lower, Span::from(from..lower.len())) {
                if is_whole(text, found.start(), found.end()) {
                    places.rotate_right(1);
                    places[0] = (found.start(), found.pattern().as_usize());
                    return true;
                }
                from = found.start() + 1;
            }
            false
        })
    }
}

/// Where in the texts before this one a word was found, and which: much that is run begins in the same way.
#[derive(Clone, Debug)]
pub struct Before([(usize, usize); 4]);

impl Default for Before {
    fn default() -> Before {
        Before([(0, usize::MAX); 4])
    }
}

/// Whether terms begin and end with these bytes of a text.
fn is_whole(text: &[u8], start: usize, end: usize) -> bool {
    let (before, after) = (start.checked_sub(1).map(|at| text[at]), text.get(end));
    let is_ascii = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii);
    if is_ascii(before.as_ref()) && is_ascii(after) {
        return !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
            && !after.is_some_and(u8::is_ascii_alphanumeric);
    }
    stands(&String::from_utf8_lossy(text), (start, end), (true, true))
}

#[derive(Clone, Debug)]
struct Together {
    searcher: AhoCorasick,
    /// For each needle, whether terms must begin and end with it.
    edges: Vec<(bool, bool)>,
}

impl AnyOf {
    pub fn new(kind: Kind, needles: &[String]) -> AnyOf {
        let anywhere = matches!(kind, Kind::Has | Kind::HasPrefix | Kind::HasSuffix | Kind::Contains);
        let (mut many, rest): (Vec<&String>, Vec<&String>) =
            needles.iter().partition(|needle| anywhere && needle.is_ascii() && !needle.is_empty());
        let mut single: Vec<Needle> = rest.into_iter().map(|needle| Needle::new(kind, needle)).collect();
        let (mut words, mut together) = (None, None);
        let is_word = |needle: &&String| needle.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if kind == Kind::Has && many.len() >= TOGETHER && many.iter().all(is_word) {
            words = Words::new(&many);
        }
        if words.is_some() {
            many.clear();
        }
        if many.len() >= TOGETHER {
            let searcher = AhoCorasick::builder().ascii_case_insensitive(true).build(&many).ok();
            let edges = many.iter().map(|needle| wanted_edges(kind, edges(needle))).collect();
            together = searcher.map(|searcher| Together { searcher, edges });
        }
        if together.is_none() {
            single.extend(many.drain(..).map(|needle| Needle::new(kind, needle)));
        }
        AnyOf { single, words, together }
    }

    /// Like [`AnyOf::matches`], of one text of many.
    pub fn matches_one(&self, text: &[u8], before: &mut Before) -> Result<bool, Utf8Error> {
        if self.words.as_ref().is_some_and(|words| words.matches(text, before)) {
            return Ok(true);
        }
        let are_all_words = self.single.is_empty() && self.together.is_none();
        Ok(!are_all_words && self.matches_others(std::str::from_utf8(text)?))
    }

    pub fn matches(&self, text: &str) -> bool {
        self.words.as_ref().is_some_and(|words| words.matches(text.as_bytes(), &mut Before::default()))
            || self.matches_others(text)
    }

    /// Whether one that is no word is found.
    fn matches_others(&self, text: &str) -> bool {
        let found = self.together.as_ref().is_some_and(|together| {
            together
                .searcher
                .find_overlapping_iter(text)
                .any(|found| stands(text, (found.start(), found.end()), together.edges[found.pattern().as_usize()]))
        });
        found || self.single.iter().any(|needle| needle.matches(text))
    }
}

/// At which ends of a needle terms must end, for the kinds that find a needle anywhere.
fn wanted_edges(kind: Kind, edges: (bool, bool)) -> (bool, bool) {
    match kind {
        Kind::Has | Kind::HasCs => edges,
        Kind::HasPrefix | Kind::HasPrefixCs => (edges.0, false),
        Kind::HasSuffix | Kind::HasSuffixCs => (false, edges.1),
        Kind::Contains
        | Kind::ContainsCs
        | Kind::StartsWith
        | Kind::StartsWithCs
        | Kind::EndsWith
        | Kind::EndsWithCs
        | Kind::Equals
        | Kind::EqualsCs => (false, false),
    }
}

/// The same test for a needle that is used once.
pub fn matches(kind: Kind, text: &str, needle: &str) -> bool {
    if needle.is_empty() {
        return text.is_empty() || !matches!(kind, Kind::Equals | Kind::EqualsCs);
    }
    let edges = edges(needle);
    if kind.is_case_sensitive() {
        test(kind, text, needle, edges, Same::Bytes, |from| memmem::find(&text.as_bytes()[from..], needle.as_bytes()))
    } else if needle.is_ascii() {
        let at = rarest(needle.as_bytes());
        test(kind, text, needle, edges, Same::Ascii, |from| find_ascii(&text.as_bytes()[from..], needle.as_bytes(), at))
    } else {
        let (text, needle) = (fold(text), fold(needle));
        test(kind, &text, &needle, edges, Same::Bytes, |from| memmem::find(&text.as_bytes()[from..], needle.as_bytes()))
    }
}

pub fn has(text: &str, needle: &str) -> bool {
    matches(Kind::Has, text, needle)
}

/// Whether two texts are equal, letter case aside.
pub fn equal_fold(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
        || !(left.is_ascii() && right.is_ascii()) && left.chars().map(fold_char).eq(right.chars().map(fold_char))
}

/// A character without its letter case. ASCII stays in ASCII and the rest outside of it; what has no single character
/// in upper case (`ß`) is its own.
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if !one.is_ascii() => one,
        _ => c,
    }
}

/// A text without its letter case, character for character.
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(fold_char).collect() }
}

#[derive(Clone, Copy)]
enum Same {
    Bytes,
    Ascii,
}

impl Same {
    fn test(self, a: &[u8], b: &[u8]) -> bool {
        match self {
            Same::Bytes => a == b,
            Same::Ascii => a.eq_ignore_ascii_case(b),
        }
    }
}

/// The test itself: `next` finds the needle's next place in the text from an offset on. The needle is not empty.
fn test(
    kind: Kind,
    text: &str,
    needle: &str,
    edges: (bool, bool),
    same: Same,
    next: impl Fn(usize) -> Option<usize>,
) -> bool {
    let (hay, bytes) = (text.as_bytes(), needle.as_bytes());
    if hay.len() < bytes.len() {
        return false;
    }
    let wanted = match kind {
        Kind::Equals | Kind::EqualsCs => return hay.len() == bytes.len() && same.test(hay, bytes),
        Kind::StartsWith | Kind::StartsWithCs => return same.test(&hay[..bytes.len()], bytes),
        Kind::EndsWith | Kind::EndsWithCs => return same.test(&hay[hay.len() - bytes.len()..], bytes),
        Kind::Contains | Kind::ContainsCs => return next(0).is_some(),
        Kind::Has | Kind::HasCs | Kind::HasPrefix | Kind::HasPrefixCs | Kind::HasSuffix | Kind::HasSuffixCs => {
            wanted_edges(kind, edges)
        }
    };
    let mut from = 0;
    while let Some(found) = next(from) {
        let (start, end) = (from + found, from + found + bytes.len());
        if stands(text, (start, end), wanted) {
            return true;
        }
        from = start + 1;
        if from + bytes.len() > hay.len() {
            return false;
        }
    }
    false
}

/// Whether terms begin and end with a find, at those ends where they must.
fn stands(text: &str, (start, end): (usize, usize), (begins, ends): (bool, bool)) -> bool {
    let cut = begins && term_before(text, start) || ends && term_after(text, end);
    !cut
}

/// Whether a character belongs to a term.
pub fn is_term(c: char) -> bool {
    c.is_alphanumeric()
}

fn edges(needle: &str) -> (bool, bool) {
    (needle.chars().next().is_some_and(is_term), needle.chars().next_back().is_some_and(is_term))
}

fn term_before(text: &str, at: usize) -> bool {
    match text.as_bytes()[..at].last() {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric(),
        Some(_) => text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(is_term),
    }
}

fn term_after(text: &str, at: usize) -> bool {
    match text.as_bytes().get(at) {
        None => false,
        Some(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric(),
        Some(_) => text.get(at..).and_then(|after| after.chars().next()).is_some_and(is_term),
    }
}

/// The place of the byte of an ASCII needle that is likely to be rare in command lines, paths and names.
fn rarest(needle: &[u8]) -> usize {
    (0..needle.len()).max_by_key(|at| rank(needle[*at])).unwrap_or(0)
}

/// How rare a byte is in texts; the higher, the rarer.
pub(super) fn rank(byte: u8) -> usize {
    let common = b"eaoitnsrlcdmpuh./\\fgbw0125-: _";
    common.iter().position(|c| *c == byte.to_ascii_lowercase()).unwrap_or(100)
}

/// The first place of an ASCII needle in any letter case. `at` is the place in the needle of the byte to hunt by.
pub(super) fn find_ascii(hay: &[u8], needle: &[u8], at: usize) -> Option<usize> {
    let last = hay.len().checked_sub(needle.len())?;
    let (lower, upper) = (needle[at].to_ascii_lowercase(), needle[at].to_ascii_uppercase());
    let window = hay.get(at..=last + at)?;
    let fits = |start: &usize| hay[*start..*start + needle.len()].eq_ignore_ascii_case(needle);
    if lower == upper {
        memchr::memchr_iter(lower, window).find(fits)
    } else {
        memchr::memchr2_iter(lower, upper, window).find(fits)
    }
}

fn has_any<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some((value, list)) = args.split_first() else { return Value::Null };
    let text = value.text();
    Value::Bool(any_element(list, |item| has(&text, &item.text())))
}

fn has_all<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some((value, list)) = args.split_first() else { return Value::Null };
    let text = value.text();
    Value::Bool(!any_element(list, |item| !has(&text, &item.text())))
}

/// The text in lower case as `tolower` makes it.
pub fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| !b.is_ascii() || b.is_ascii_uppercase()) {
        Cow::Owned(if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(lower_char).collect() })
    } else {
        Cow::Borrowed(text)
    }
}

fn lower_char(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if one.is_ascii() == c.is_ascii() => one,
        _ => c,
    }
}

/// The text in upper case as `toupper` makes it.
pub fn upper(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| !b.is_ascii() || b.is_ascii_lowercase()) {
        Cow::Owned(if text.is_ascii() { text.to_ascii_uppercase() } else { text.chars().map(upper_char).collect() })
    } else {
        Cow::Borrowed(text)
    }
}

fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) if one.is_ascii() == c.is_ascii() => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kind; 14] = [
        Kind::Has,
        Kind::HasCs,
        Kind::HasPrefix,
        Kind::HasPrefixCs,
        Kind::HasSuffix,
        Kind::HasSuffixCs,
        Kind::Contains,
        Kind::ContainsCs,
        Kind::StartsWith,
        Kind::StartsWithCs,
        Kind::EndsWith,
        Kind::EndsWithCs,
        Kind::Equals,
        Kind::EqualsCs,
    ];

    #[test]
    fn terms_end_where_letters_and_digits_end() {
        for (text, needle, wanted) in [
            ("hello-world", "hello", true),
            ("helloworld", "hello", false),
            ("foo_bar", "BAR", true),
            ("foo\\bar", "bar", true),
            ("Привет Мир", "привет", true),
            ("ПриветМир", "привет", false),
            ("CAFÉ RÉSUMÉ", "café", true),
            ("cafés", "café", false),
            ("caféx café", "café", true),
            ("evil.com", ".com", true),
            ("evil.community", ".com", false),
            ("cmd.exe /c dir", "/c", true),
            ("aab ab", "ab", true),
        ] {
            assert_eq!(has(text, needle), wanted, "{text} has {needle}");
        }
        assert!(matches(Kind::HasSuffix, "end.", "end"));
        assert!(!matches(Kind::HasSuffix, "ending", "end"));
        assert!(matches(Kind::HasPrefix, "prefix_test", "TEST"));
    }

    #[test]
    fn many_needles_at_once_are_found_as_one_by_one() {
        let words = ["foo", "FOOBAR", "bar", "b", "-bar", "ar_b", ".com", "müller", "oo", "x y", "foo bar"];
        let texts =
            ["", "foobar", "a foo-bar", "xfoo BAR", "evil.com", "evil.community", "MÜLLER", "ar_baz ar_b", "x Y z"];
        for kind in [Kind::Has, Kind::HasPrefix, Kind::HasSuffix, Kind::Contains, Kind::HasCs, Kind::StartsWith] {
            for from in 0..words.len() {
                for to in from..=words.len() {
                    let needles: Vec<String> = words[from..to].iter().map(|word| word.to_string()).collect();
                    let any = AnyOf::new(kind, &needles);
                    for text in texts {
                        let wanted = needles.iter().any(|needle| matches(kind, text, needle));
                        assert_eq!(any.matches(text), wanted, "{kind:?} {text} {needles:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn many_whole_words_are_found_as_one_by_one() {
        let words = ["cmd", "CMDline", "exe", "e", "temp", "power", "powershell", "http", "shell", "x1"];
        let rest = " and then a text that is longer than any vector";
        let texts = [
            "cmd.exe /c dir",
            "C:\\cmdlines\\executes\\tempo",
            "POWERSHELL",
            "powershells",
            "écmd",
            "cmdé cmd",
            "cmdline",
            "xcmdline.temp",
            "e",
            "",
            "http_",
            "_x1_",
            "shell-e",
            "powershellé https",
        ];
        for from in 0..words.len() {
            for to in from + 1..=words.len() {
                let needles: Vec<String> = words[from..to].iter().map(|word| word.to_string()).collect();
                let any = AnyOf::new(Kind::Has, &needles);
                let mut before = Before::default();
                for text in
                    texts.iter().flat_map(|text| [(*text).to_owned(), format!("{text}{rest}"), format!("{rest}{text}")])
                {
                    let wanted = needles.iter().any(|needle| has(&text, needle));
                    assert_eq!(any.matches(&text), wanted, "{text} {needles:?}");
                    assert_eq!(any.matches_one(text.as_bytes(), &mut before), Ok(wanted), "{text} {needles:?}");
                }
            }
        }
    }

    #[test]
    fn letter_case_is_folded_one_for_one() {
        assert!(equal_fold("Straße", "straße"));
        assert!(!equal_fold("STRASSE", "straße"));
        assert!(equal_fold("MÜLLER", "müller"));
        assert!(!equal_fold("\u{212a}", "k"));
    }

    #[test]
    fn a_ready_needle_and_a_plain_one_agree() {
        let texts =
            ["", "a", "A b", "foo.BAR-baz", "Müller MÜLLER", "xmüller", "end.end", "aXbx", "日本 語", "ab ab_ab"];
        for kind in ALL {
            for text in texts {
                let more = ["bar", "Bar-", "müller", "x", "END", "本", "語", ".", " "];
                for needle in texts.iter().copied().chain(more) {
                    assert_eq!(
                        Needle::new(kind, needle).matches(text),
                        matches(kind, text, needle),
                        "{kind:?} {text} {needle}"
                    );
                }
            }
        }
    }
}
