//! Texts: their parts, cases, lengths and code points. Places are counted in characters from 0.
//! <https://learn.microsoft.com/kusto/query/scalar-functions#string-functions>
use super::arguments::{LONGEST_TEXT, given, long, made, row, slice, text};
use super::comparisons::any_element;
use super::{Call, Eval, Function, Gives, many, one, optional, predicates};
use crate::types::{Type, Types};
use crate::value::{Json, Value, convert, json};

const TEXT: Types = Types::STRING;
const TEXT_OR_DYNAMIC: Types = Types::STRING.or(Types::DYNAMIC);
const CODES: Types = Types::INTEGER.or(Types::DYNAMIC);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["strcat"],
        "The texts of all arguments, one after the other.",
        &[many("arg", Types::ANY, 1, 64)],
        Gives::Always(Type::String),
        |_, args| joined(args, ""),
        &[("strcat('a', 1, true)", "a1True"), ("strcat('p', tostring(int(null)), 'q')", "pq")],
    ),
    row(
        &["strcat_delim"],
        "The texts of all further arguments, with the delimiter between them.",
        &[one("delimiter", Types::ANY), many("arg", Types::ANY, 2, 64)],
        Gives::Always(Type::String),
        |_, args| joined(&args[1..], &text(args, 0)),
        &[("strcat_delim('-', 1, 'A', true)", "1-A-True")],
    ),
    row(
        &["strcat_array", "array_strcat"],
        "The texts of the array's elements, with the delimiter between them; a null is an empty text.",
        &[one("array", Types::DYNAMIC), one("delimiter", Types::ANY)],
        Gives::Always(Type::String),
        strcat_array,
        &[("strcat_array(dynamic(['a', null, 1]), '|')", "a||1"), ("strcat_array(dynamic([1, 2]), '->')", "1->2")],
    ),
    row(
        &["strcmp"],
        "−1, 0 or 1 as the first text comes before the second, is equal to it, or comes after it.",
        &[one("s1", Types::ANY), one("s2", Types::ANY)],
        Gives::Always(Type::Long),
        |_, args| Value::Long(text(args, 0).cmp(&text(args, 1)) as i64),
        &[("strcmp('a', 'b')", "-1"), ("strcmp('b', 'a')", "1"), ("strcmp('a', 'a')", "0")],
    ),
    row(
        &["strrep"],
        "The text so many times (1024 at the most), with the delimiter between.",
        &[one("value", Types::ANY), one("multiplier", Types::LONG), optional("delimiter", Types::ANY)],
        Gives::Always(Type::String),
        strrep,
        &[
            ("strrep('ABC', 2)", "ABCABC"),
            ("strrep(123, 3, '.')", "123.123.123"),
            ("strrep(3s, 2, ' ')", "00:00:03 00:00:03"),
        ],
    ),
    row(
        &["strlen"],
        "How many characters (code points) the text has.",
        &[one("string", TEXT_OR_DYNAMIC)],
        Gives::Always(Type::Long),
        |_, args| Value::Long(length(&text(args, 0)) as i64),
        &[("strlen('a😀b')", "3"), ("strlen('')", "0")],
    ),
    row(
        &["string_size"],
        "How many bytes the text has in UTF-8.",
        &[one("string", TEXT_OR_DYNAMIC)],
        Gives::Always(Type::Long),
        |_, args| Value::Long(text(args, 0).len() as i64),
        &[("string_size('a😀b')", "6")],
    ),
    row(
        &["toupper"],
        "The text in upper case.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::String),
        |_, args| Value::string(predicates::upper(&text(args, 0)).into_owned()),
        &[("toupper('Müller')", "MÜLLER")],
    ),
    row(
        &["tolower"],
        "The text in lower case.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::String),
        |_, args| Value::string(predicates::lower(&text(args, 0)).into_owned()),
        &[("tolower('MÜLLER')", "müller")],
    ),
    row(
        &["substring"],
        "The characters from a place on (from the end if it is negative), all or so many of them.",
        &[one("string", Types::ANY), one("start", Types::INTEGER), optional("length", Types::INTEGER)],
        Gives::Always(Type::String),
        substring,
        &[
            ("substring('abcdef', 3)", "def"),
            ("substring('abcdef', 1, 2)", "bc"),
            ("substring('hello', -3, 2)", "ll"),
            ("substring('hello', 1, -1)", ""),
        ],
    ),
    row(
        &["indexof"],
        "Where the text is found; −1 where it is not, null for an empty text. A negative start counts from the end.",
        &[
            one("string", Types::ANY),
            one("match", Types::ANY),
            optional("start", Types::INTEGER),
            optional("length", Types::INTEGER),
            optional("occurrence", Types::INTEGER).constant(),
        ],
        Gives::Always(Type::Long),
        indexof,
        &[
            ("indexof('abcdefg', 'cde')", "2"),
            ("indexof('abcabc', 'c', 0, -1, 2)", "5"),
            ("indexof('abcabc', 'bc', 1, 4, 2)", "4"),
            ("indexof('abc', 'x')", "-1"),
            ("indexof('abcdefg', 'cde', -5)", "2"),
        ],
    ),
    row(
        &["has_any_index"],
        "The place in the array of the first term that is in the text; −1 where none is.",
        &[one("source", TEXT_OR_DYNAMIC), one("values", Types::DYNAMIC)],
        Gives::Always(Type::Long),
        has_any_index,
        &[
            ("has_any_index('this is an example', dynamic(['that', 'example']))", "1"),
            ("has_any_index('a', dynamic(['b']))", "-1"),
        ],
    ),
    row(
        &["reverse"],
        "The characters of the text from the last to the first.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::String),
        |_, args| made(text(args, 0).chars().rev().collect()),
        &[("reverse('abc')", "cba"), ("reverse(123)", "321")],
    ),
    row(
        &["split"],
        "The parts of the text between the delimiters; with a place, an array of that part alone, null where \
         there is none.",
        &[one("source", Types::ANY), one("delimiter", TEXT), optional("requestedIndex", Types::INTEGER)],
        Gives::Always(Type::Dynamic),
        split,
        &[
            ("split('a_b', '_')", "[\"a\",\"b\"]"),
            ("split('a_b', '_', 1)", "[\"b\"]"),
            ("split('a', '_', 1)", "null"),
            ("split('', ',')", "[\"\"]"),
        ],
    ),
    row(
        &["replace_string"],
        "The text with one text in it replaced by another everywhere.",
        &[one("text", TEXT), one("lookup", TEXT), one("rewrite", TEXT)],
        Gives::Always(Type::String),
        |_, args| replaced(&text(args, 0), &text(args, 1), &text(args, 2)),
        &[("replace_string('aaaa', 'a', 'XY')", "XYXYXYXY"), ("replace_string('abc', '', '_')", "abc")],
    ),
    row(
        &["replace_strings"],
        "The text with each of some texts replaced by its counterpart, one after the other.",
        &[one("text", TEXT), one("lookups", Types::DYNAMIC), one("rewrites", Types::DYNAMIC)],
        Gives::Always(Type::String),
        replace_strings,
        &[
            ("replace_strings('This is it', dynamic(['This', 'is']), dynamic(['This', 'was']))", "This was it"),
            ("replace_strings('This', dynamic(['is', 'This']), dynamic(['was', 'x']))", "Thwas"),
        ],
    ),
    row(
        &["translate"],
        "The text with each character of the first list replaced by the one at its place in the second.",
        &[one("searchList", TEXT), one("replacementList", TEXT), one("source", TEXT)],
        Gives::Always(Type::String),
        translate,
        &[
            ("translate('krasp', 'otsku', 'spark')", "kusto"),
            ("translate('abc', 'x', 'abc')", "xxx"),
            ("translate('abc', '', 'ab')", ""),
        ],
    ),
    row(
        &["unicode_codepoints_from_string"],
        "The code points of the text, as numbers.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Dynamic),
        |_, args| codes(&text(args, 0)),
        &[("unicode_codepoints_from_string('⒦a')", "[9382,97]")],
    ),
    row(
        &["to_utf8"],
        "The code points of the text, as numbers.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Dynamic),
        |_, args| codes(&text(args, 0)),
        &[("to_utf8('⒦a')", "[9382,97]")],
    ),
    row(
        &["unicode_codepoints_to_string", "make_string"],
        "The text of these code points; arrays of them may stand too.",
        &[many("value", CODES, 1, 64)],
        Gives::Always(Type::String),
        from_codes,
        &[
            ("unicode_codepoints_to_string(75, 117, 115, 116, 111)", "Kusto"),
            ("make_string(dynamic([75, 117]), 115)", "Kus"),
        ],
    ),
    row(
        &["isascii"],
        "Whether all characters of the text are ASCII.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(text(args, 0).is_ascii()),
        &[("isascii('some string')", "True"), ("isascii('é')", "False")],
    ),
    row(
        &["isutf8"],
        "Whether the text is sound UTF-8, which all texts here are.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Bool),
        |_, _| Value::Bool(true),
        &[("isutf8('some string')", "True")],
    ),
    Function {
        names: &["new_guid"],
        doc: "A new random guid for each row.",
        takes: &[],
        gives: Gives::Always(Type::Guid),
        eval: Eval::Volatile(new_guid),
        examples: &[("strlen(tostring(new_guid()))", "36")],
        differs: None,
    },
    row(
        &["punycode_from_string"],
        "The text in Punycode, as internationalised domain names have it after `xn--`.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| punycode::encode(&text(args, 0)).map_or(Value::string(""), made),
        &[
            ("punycode_from_string('académie-française')", "acadmie-franaise-npb1a"),
            ("punycode_from_string('艺术')", "cqv902d"),
        ],
    ),
    row(
        &["punycode_to_string"],
        "The text that a Punycode stands for; the empty string where it stands for none.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| punycode::decode(&text(args, 0)).map_or(Value::string(""), made),
        &[("punycode_to_string('acadmie-franaise-npb1a')", "académie-française")],
    ),
    row(
        &["punycode_domain_to_string"],
        "The domain name with the labels that are not ASCII in Punycode after `xn--`.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| {
            labels(&text(args, 0), |label| match label.is_ascii() {
                true => Some(label.to_owned()),
                false => punycode::encode(label).map(|code| format!("xn--{code}")),
            })
        },
        &[
            ("punycode_domain_to_string('艺术.com')", "xn--cqv902d.com"),
            ("punycode_domain_to_string('艺术。com')", "xn--cqv902d.com"),
        ],
    ),
    row(
        &["punycode_domain_from_string"],
        "The domain name with the labels after `xn--` as the texts that they stand for.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| {
            labels(&text(args, 0), |label| match label.strip_prefix("xn--") {
                Some(code) => punycode::decode(code),
                None => Some(label.to_owned()),
            })
        },
        &[("punycode_domain_from_string('xn--cqv902d.com')", "艺术.com")],
    ),
];

/// The most repetitions that `strrep` makes.
const MOST_REPEATS: i64 = 1024;

pub(super) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// The byte at which a character begins; the end of the text past its last one.
pub(super) fn byte_of(text: &str, place: usize) -> usize {
    if text.is_ascii() {
        return place.min(text.len());
    }
    text.char_indices().nth(place).map_or(text.len(), |(at, _)| at)
}

fn joined<'a>(args: &[Value<'a>], delimiter: &str) -> Value<'a> {
    let mut out = String::new();
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            out.push_str(delimiter);
        }
        out.push_str(&arg.text());
        if out.len() > LONGEST_TEXT {
            return Value::Null;
        }
    }
    made(out)
}

fn strcat_array<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Value::Dynamic(array) = &args[0] else { return Value::string("") };
    let Json::Array(items) = array.tree().into_owned() else { return Value::string("") };
    let delimiter = text(args, 1);
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(&delimiter);
        }
        match item {
            Json::Null => {}
            Json::String(text) => out.push_str(text),
            other => out.push_str(&json::write(other)),
        }
        if out.len() > LONGEST_TEXT {
            return Value::Null;
        }
    }
    made(out)
}

fn strrep<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let times = long(args, 1).unwrap_or(0).clamp(0, MOST_REPEATS) as usize;
    let (one, delimiter) = (text(args, 0), text(args, 2));
    if (one.len() + delimiter.len()).saturating_mul(times) > LONGEST_TEXT {
        return Value::Null;
    }
    made(vec![&*one; times].join(&delimiter))
}

fn substring<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let source = text(args, 0);
    let count = length(&source) as i64;
    let Some(start) = long(args, 1) else { return Value::string("") };
    let start = if start < 0 { start.saturating_add(count) } else { start };
    let taken = if args.len() > 2 { long(args, 2).unwrap_or(0) } else { count };
    if start < 0 || start >= count || taken <= 0 {
        return Value::string("");
    }
    let end = start.saturating_add(taken).min(count);
    let from = byte_of(&source, start as usize);
    let to = from + byte_of(&source[from..], (end - start) as usize);
    slice(&args[0], from, to)
}

/// The bytes between which `indexof` looks and which occurrence it wants; `None` for a start or occurrence out of
/// range.
pub(super) fn search_range(source: &str, args: &[Value<'_>], from_end: bool) -> Option<(usize, usize, usize)> {
    let count = length(source) as i64;
    let mut start = if given(args, 2) { long(args, 2)? } else { 0 };
    if start < 0 && from_end {
        start = start.saturating_add(count).max(0);
    }
    let taken = if given(args, 3) { long(args, 3)? } else { -1 };
    let occurrence = if given(args, 4) { long(args, 4)? } else { 1 };
    if start < 0 || taken < -1 || occurrence < 1 {
        return None;
    }
    let start = start.min(count);
    let end = if taken < 0 { count } else { start.saturating_add(taken).min(count) };
    let from = byte_of(source, start as usize);
    let to = from + byte_of(&source[from..], (end - start) as usize);
    Some((from, to, usize::try_from(occurrence).ok()?))
}

fn indexof<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (source, sought) = (text(args, 0), text(args, 1));
    let Some((mut from, mut to, occurrence)) = search_range(&source, args, true) else { return Value::Null };
    if sought.is_empty() {
        return Value::Null;
    }
    let step = sought.chars().next().map_or(1, char::len_utf8);
    for _ in 1..occurrence {
        match source.get(from..to).and_then(|rest| rest.find(&*sought)) {
            // Behind a find the search begins anew, over as many characters.
            Some(found) => {
                let passed = length(&source[from..from + found + step]);
                from += found + step;
                to += byte_of(&source[to..], passed);
            }
            None => return Value::Long(-1),
        }
    }
    let found = source.get(from..to).and_then(|rest| rest.find(&*sought));
    Value::Long(found.map_or(-1, |found| length(&source[..from + found]) as i64))
}

fn has_any_index<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let source = text(args, 0);
    let mut place = -1;
    let found = any_element(&args[1..2], |item| {
        place += 1;
        predicates::has(&source, &item.text())
    });
    Value::Long(if found { place } else { -1 })
}

fn split<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (source, delimiter) = (text(args, 0), text(args, 1));
    if source.len() > LONGEST_TEXT {
        return Value::Null;
    }
    if args.len() > 2 {
        let place = long(args, 2).and_then(|place| usize::try_from(place).ok());
        let part = place.and_then(|place| match delimiter.is_empty() {
            true => (place == 0).then_some(&*source),
            false => source.split(&*delimiter).nth(place),
        });
        return part.map_or(Value::Null, |part| Value::json(Json::Array(vec![Json::from(part)])));
    }
    let parts = match delimiter.is_empty() {
        true => vec![Json::from(&*source)],
        false => source.split(&*delimiter).map(Json::from).collect(),
    };
    Value::json(Json::Array(parts))
}

fn replaced<'a>(source: &str, lookup: &str, rewrite: &str) -> Value<'a> {
    if lookup.is_empty() {
        return Value::string(source.to_owned());
    }
    let growth = rewrite.len().saturating_sub(lookup.len());
    if growth > 0 && source.len() + source.matches(lookup).count().saturating_mul(growth) > LONGEST_TEXT {
        return Value::Null;
    }
    Value::string(source.replace(lookup, rewrite))
}

fn elements(value: &Value<'_>) -> Option<Vec<Json>> {
    let Value::Dynamic(array) = value else { return None };
    match array.tree().into_owned() {
        Json::Array(items) => Some(items),
        _ => None,
    }
}

/// One lookup after the other goes through the text, past what was put in before it. What is to be put in and is no
/// string leaves the found text as it is.
fn replace_strings<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let source = text(args, 0);
    let pairs: Vec<(String, Option<String>)> = match (elements(&args[1]), elements(&args[2])) {
        (Some(lookups), Some(rewrites)) if lookups.len() == rewrites.len() => lookups
            .iter()
            .zip(&rewrites)
            .filter_map(|(lookup, rewrite)| Some((lookup.as_str()?.to_owned(), rewrite.as_str().map(str::to_owned))))
            .filter(|(lookup, _)| !lookup.is_empty())
            .collect(),
        _ => return Value::Null,
    };
    // Pieces of the text, and whether they are done with.
    let mut pieces = vec![(source.into_owned(), false)];
    for (lookup, rewrite) in &pairs {
        let mut next = Vec::with_capacity(pieces.len());
        for (piece, done) in pieces {
            if done {
                next.push((piece, done));
                continue;
            }
            for (at, part) in piece.split(lookup.as_str()).enumerate() {
                if at > 0 {
                    next.push((rewrite.as_ref().unwrap_or(lookup).clone(), true));
                }
                if !part.is_empty() {
                    next.push((part.to_owned(), false));
                }
            }
        }
        if next.iter().map(|(piece, _)| piece.len()).sum::<usize>() > LONGEST_TEXT {
            return Value::Null;
        }
        pieces = next;
    }
    made(pieces.into_iter().map(|(piece, _)| piece).collect())
}

fn translate<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let search: Vec<char> = text(args, 0).chars().collect();
    let replacement: Vec<char> = text(args, 1).chars().collect();
    let translated = text(args, 2)
        .chars()
        .filter_map(|c| match search.iter().position(|s| *s == c) {
            // A short list of replacements goes on with its last character.
            Some(place) => replacement.get(place).or(replacement.last()).copied(),
            None => Some(c),
        })
        .collect();
    made(translated)
}

fn codes<'a>(text: &str) -> Value<'a> {
    // Each number takes several bytes where the text takes one.
    if text.len() > LONGEST_TEXT / 8 {
        return Value::Null;
    }
    Value::json(Json::Array(text.chars().map(|c| Json::from(c as u32)).collect()))
}

fn from_codes<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let mut out = String::new();
    let sound = !any_element(args, |item| {
        let code = convert::long(item).and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32);
        code.inspect(|c| out.push(*c)).is_none() || out.len() > LONGEST_TEXT
    });
    if sound { made(out) } else { Value::string("") }
}

/// Random bits from the hasher that the standard library seeds anew for each process, spread by SplitMix64.
fn new_guid<'a>(_: &Call<'_>, _: &[Value<'a>]) -> Value<'a> {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static SEED: LazyLock<(u64, u64)> =
        LazyLock::new(|| (RandomState::new().hash_one(1), RandomState::new().hash_one(2)));
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let count = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mix = |seed: u64| {
        let mut z = seed.wrapping_add(count);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let bits = u128::from(mix(SEED.0)) << 64 | u128::from(mix(SEED.1));
    // Version 4, variant 1.
    let bits = bits & !(0xf << 76) | 4 << 76;
    Value::Guid(bits & !(0b11 << 62) | 0b10 << 62)
}

/// The full stops are those of IDNA.
fn labels<'a>(domain: &str, each: fn(&str) -> Option<String>) -> Value<'a> {
    let all: Option<Vec<String>> = domain.split(['.', '。', '．', '｡']).map(each).collect();
    all.map_or(Value::string(""), |all| made(all.join(".")))
}

/// <https://www.rfc-editor.org/rfc/rfc3492>
mod punycode {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    const INITIAL_BIAS: u32 = 72;
    const INITIAL_CODE: u32 = 128;
    /// Longer labels are no labels; the insertions would take time with the square of the length.
    const LONGEST: usize = 4096;

    fn adapt(delta: u32, count: u32, first: bool) -> u32 {
        let mut delta = if first { delta / 700 } else { delta / 2 };
        delta += delta / count;
        let mut k = 0;
        while delta > (BASE - T_MIN) * T_MAX / 2 {
            delta /= BASE - T_MIN;
            k += BASE;
        }
        k + (BASE - T_MIN + 1) * delta / (delta + 38)
    }

    fn threshold(k: u32, bias: u32) -> u32 {
        k.saturating_sub(bias).clamp(T_MIN, T_MAX)
    }

    pub fn encode(text: &str) -> Option<String> {
        if text.len() > LONGEST {
            return None;
        }
        let mut out: String = text.chars().filter(char::is_ascii).collect();
        let basic = out.len() as u32;
        if basic > 0 {
            out.push('-');
        }
        let total = text.chars().count() as u32;
        let (mut code, mut delta, mut bias, mut done) = (INITIAL_CODE, 0u32, INITIAL_BIAS, basic);
        while done < total {
            let next = text.chars().map(|c| c as u32).filter(|c| *c >= code).min()?;
            delta = delta.checked_add((next - code).checked_mul(done + 1)?)?;
            code = next;
            for c in text.chars().map(|c| c as u32) {
                if c < code {
                    delta = delta.checked_add(1)?;
                }
                if c == code {
                    let (mut q, mut k) = (delta, BASE);
                    loop {
                        let t = threshold(k, bias);
                        if q < t {
                            break;
                        }
                        out.push(char::from_digit(t + (q - t) % (BASE - t), 36).map(letter_first)?);
                        q = (q - t) / (BASE - t);
                        k += BASE;
                    }
                    out.push(char::from_digit(q, 36).map(letter_first)?);
                    bias = adapt(delta, done + 1, done == basic);
                    delta = 0;
                    done += 1;
                }
            }
            delta = delta.checked_add(1)?;
            code += 1;
        }
        Some(out)
    }

    /// Digits count letters first here: a … z are 0 … 25, 0 … 9 are 26 … 35.
    fn letter_first(digit: char) -> char {
        let value = digit.to_digit(36).unwrap_or(0) as u8;
        char::from(if value < 26 { b'a' + value } else { b'0' + value - 26 })
    }

    pub fn decode(text: &str) -> Option<String> {
        if text.len() > LONGEST || !text.is_ascii() {
            return None;
        }
        let (basic, rest) = text.rsplit_once('-').unwrap_or(("", text));
        let mut out: Vec<char> = basic.chars().collect();
        let (mut code, mut i, mut bias) = (INITIAL_CODE, 0u32, INITIAL_BIAS);
        let mut digits = rest.bytes();
        while let Some(first) = digits.next() {
            let (before, mut weight, mut k, mut byte) = (i, 1u32, BASE, first);
            loop {
                let digit = match byte {
                    b'a'..=b'z' => byte - b'a',
                    b'A'..=b'Z' => byte - b'A',
                    b'0'..=b'9' => byte - b'0' + 26,
                    _ => return None,
                };
                i = i.checked_add(u32::from(digit).checked_mul(weight)?)?;
                let t = threshold(k, bias);
                if u32::from(digit) < t {
                    break;
                }
                weight = weight.checked_mul(BASE - t)?;
                k += BASE;
                byte = digits.next()?;
            }
            let count = out.len() as u32 + 1;
            bias = adapt(i - before, count, before == 0);
            code = code.checked_add(i / count)?;
            i %= count;
            out.insert(i as usize, char::from_u32(code)?);
            i += 1;
        }
        Some(out.into_iter().collect())
    }
}
