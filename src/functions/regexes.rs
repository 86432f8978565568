//! Regular expressions, as RE2 has them: no look-around, no references back.
//! <https://learn.microsoft.com/kusto/query/regex>
use super::arguments::{LONGEST_TEXT, given, long, made, named_type, row, text};
use super::{Arg, Call, Function, Gives, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value, convert, json};
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{Extractor, Literal};
use regex_syntax::hir::{Hir, HirKind};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::rc::Rc;

const TEXT: Types = Types::STRING;
/// The most that one compiled pattern may take.
const PATTERN_SIZE: usize = 8 << 20;
/// What a pattern costs at each character of a text grows with its length.
const PATTERN_LENGTH: usize = 32 << 10;
/// How many compiled patterns a thread keeps.
const KEPT: usize = 64;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Option<Rc<Regex>>>> = RefCell::new(HashMap::new());
}

pub const FUNCTIONS: &[Function] = &[
    row(
        &["matches regex"],
        "Whether the pattern is found in the text.",
        &[one("text", TEXT.or(Types::DYNAMIC)), one("pattern", TEXT.or(Types::DYNAMIC))],
        Gives::By(|args| gives(args, 1, Type::Bool)),
        |_, args| Value::Bool(find(&text(args, 1), |re| re.is_match(&text(args, 0))).unwrap_or(false)),
        &[("'2020-01-15' matches regex @'^\\d{4}-'", "True"), ("'abc' matches regex 'B'", "False")],
    ),
    row(
        &["extract"],
        "What a group of the pattern's first match holds (group 0 is all of it), as the type asked for.",
        &[
            one("regex", TEXT).constant(),
            one("captureGroup", Types::INTEGER),
            one("source", TEXT),
            optional("typeLiteral", TEXT).constant(),
        ],
        Gives::By(|args| gives(args, 0, named_type(args, 3)?)),
        extract,
        &[
            ("extract(@'(\\d+)-(\\d+)', 2, 'from 20-30')", "30"),
            ("extract('x', 0, 'none')", ""),
            ("extract(@'-(\\d{2})-', 1, '15-12-2024', typeof(int))", "12"),
            ("extract(@'(\\d+)', 1, 'none', typeof(int))", "null"),
        ],
    ),
    row(
        &["extract_all", "extractall"],
        "All matches of a pattern with groups: the group's text where there is one, else an array of the \
         groups' texts.",
        &[
            one("regex", TEXT).constant(),
            one("captureGroupsOrSource", Types::DYNAMIC.or(TEXT)),
            optional("source", TEXT),
        ],
        Gives::By(groups_given),
        extract_all,
        &[
            ("extract_all(@'(\\d+)', 'a1 b22')", "[\"1\",\"22\"]"),
            ("extract_all(@'([a-z])(\\d)', 'a1 b2')", "[[\"a\",\"1\"],[\"b\",\"2\"]]"),
            ("extract_all(@'([a-z])(?P<n>\\d)', dynamic(['n']), 'a1 b2')", "[\"1\",\"2\"]"),
            ("extract_all(@'(\\d)', 'none')", "null"),
        ],
    ),
    row(
        &["replace_regex"],
        "The text with each match of the pattern rewritten; `\\1` in the rewriting is the first group.",
        &[one("source", TEXT), one("lookup_regex", TEXT).constant(), one("rewrite_pattern", TEXT).constant()],
        Gives::By(|args| gives(args, 1, Type::String)),
        |_, args| replace(&text(args, 0), &text(args, 1), &text(args, 2)),
        &[("replace_regex('abcABC', @'([a-z])([A-Z])', @'\\1_\\2')", "abc_ABC")],
    ),
    row(
        &["replace"],
        "`replace_regex` with its arguments in the old order.",
        &[one("regex", TEXT).constant(), one("rewrite", TEXT).constant(), one("source", TEXT)],
        Gives::By(|args| gives(args, 0, Type::String)),
        |_, args| replace(&text(args, 2), &text(args, 0), &text(args, 1)),
        &[("replace(@'\\d+', 'n', 'a1b22')", "anbn")],
    ),
    row(
        &["countof"],
        "How often the text is found, overlaps counted; with the kind `regex`, how often the pattern matches.",
        &[one("source", TEXT), one("search", TEXT), optional("kind", TEXT).constant().one_of(&["normal", "regex"])],
        Gives::By(counts),
        countof,
        &[("countof('aaaa', 'aa')", "3"), ("countof('abcABC', '[a-z]', 'regex')", "3")],
    ),
    row(
        &["trim"],
        "The text without one match of the pattern at each end.",
        &[one("regex", TEXT).constant(), one("source", TEXT)],
        Gives::By(|args| gives(args, 0, Type::String)),
        |_, args| trimmed(args, true, true),
        &[("trim('--', '--a--')", "a"), ("trim('x', 'xxax')", "xa"), ("trim(@'\\s+', '  a ')", "a")],
    ),
    row(
        &["trim_start"],
        "The text without a match of the pattern at its beginning.",
        &[one("regex", TEXT).constant(), one("source", TEXT)],
        Gives::By(|args| gives(args, 0, Type::String)),
        |_, args| trimmed(args, true, false),
        &[("trim_start('https://', 'https://bing.com')", "bing.com")],
    ),
    row(
        &["trim_end"],
        "The text without a match of the pattern at its end.",
        &[one("regex", TEXT).constant(), one("source", TEXT)],
        Gives::By(|args| gives(args, 0, Type::String)),
        |_, args| trimmed(args, false, true),
        &[("trim_end('.com', 'bing.com')", "bing")],
    ),
    row(
        &["indexof_regex"],
        "Where the pattern is found, counted in characters from 0; −1 where it is not, null for a start out of \
         range.",
        &[
            one("string", Types::ANY),
            one("match", Types::ANY).constant(),
            optional("start", Types::INTEGER),
            optional("length", Types::INTEGER),
            optional("occurrence", Types::INTEGER).constant(),
        ],
        Gives::By(|args| gives(args, 1, Type::Long)),
        indexof_regex,
        &[
            ("indexof_regex('abcabc', @'a.c')", "0"),
            ("indexof_regex('abcabcdefg', @'a.c', 0, 9, 2)", "3"),
            ("indexof_regex('ababaa', @'a.a', 0, -1, 2)", "-1"),
            ("indexof_regex('abcabc', @'a|ab', -1)", "null"),
        ],
    ),
    row(
        &["regex_quote"],
        "A pattern that matches the text itself.",
        &[one("string", Types::ANY)],
        Gives::Always(Type::String),
        |_, args| made(quoted(&text(args, 0))),
        &[("regex_quote('(so$me.Te^xt)')", "\\(so\\$me\\.Te\\^xt\\)")],
    ),
];

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    if pattern.len() > PATTERN_LENGTH {
        return Err(regex::Error::CompiledTooBig(PATTERN_LENGTH));
    }
    let build =
        |pattern: &str| RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).build();
    build(pattern).or_else(|error| if pattern.contains('{') { build(&plain_braces(pattern)) } else { Err(error) })
}

/// The pattern with those opening braces escaped that begin no repetition: for RE2 they stand for themselves.
fn plain_braces(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut class = false;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '\\' => {
                taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
                // `\p{…}` and `\x{…}` have braces of their own.
                if rest[1..].starts_with(['p', 'P', 'x']) && rest[taken..].starts_with('{') {
                    taken += rest[taken..].find('}').map_or(0, |at| at + 1);
                }
            }
            '[' => class = true,
            ']' => class = false,
            '{' if !class && !repeats(&rest[1..]) => plain.push('\\'),
            _ => {}
        }
        plain.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    plain
}

/// Whether what stands behind a brace is `n}`, `n,}` or `n,m}`.
fn repeats(rest: &str) -> bool {
    let Some((counts, _)) = rest.split_once('}') else { return false };
    let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

/// What is wrong with a pattern, in words for the user.
pub fn check(pattern: &str) -> Result<(), String> {
    match compile(pattern) {
        Ok(_) => Ok(()),
        Err(regex::Error::CompiledTooBig(_)) => Err("the pattern is too large".into()),
        Err(regex::Error::Syntax(report)) => {
            // The report draws the pattern with carets; its last line says what is wrong.
            let reason = report.lines().last().unwrap_or("it cannot be read").trim_start_matches("error: ");
            Err(format!("the pattern cannot be read: {reason}"))
        }
        Err(_) => Err("the pattern cannot be read".into()),
    }
}

/// The type of a result, if the argument that is a pattern can be read where it is known already.
fn gives(args: &[Arg<'_>], pattern: usize, ty: Type) -> Result<Type, String> {
    match known(args, pattern) {
        Some(pattern) => check(pattern).map(|()| ty),
        None => Ok(ty),
    }
}

/// The text of an argument that is a constant.
fn known<'v>(args: &[Arg<'v>], at: usize) -> Option<&'v str> {
    args.get(at).and_then(|arg| arg.constant).and_then(Value::as_str)
}

fn groups_given(args: &[Arg<'_>]) -> Result<Type, String> {
    let ty = gives(args, 0, Type::Dynamic)?;
    match known(args, 0).and_then(|pattern| find(pattern, Regex::captures_len)) {
        Some(..2) => Err("the pattern of `extract_all` has no group".into()),
        _ => Ok(ty),
    }
}

fn counts(args: &[Arg<'_>]) -> Result<Type, String> {
    match known(args, 2) {
        Some("regex") => gives(args, 1, Type::Long),
        Some("normal") | None => Ok(Type::Long),
        Some(_) => Err("the kind is `normal` or `regex`".to_owned()),
    }
}

/// The compiled pattern with its scratch space, which a clone of the pattern itself would make anew.
fn shared(pattern: &str) -> Option<Rc<Regex>> {
    COMPILED.with_borrow_mut(|kept| {
        if let Some(regex) = kept.get(pattern) {
            return regex.clone();
        }
        if kept.len() >= KEPT {
            kept.clear();
        }
        let regex = compile(pattern).ok().map(Rc::new);
        kept.insert(pattern.to_owned(), regex.clone());
        regex
    })
}

/// Does something with the compiled pattern, if it is one. Each thread has its own, with its scratch space: threads that
/// share one wait for it.
pub fn find<T>(pattern: &str, with: impl FnOnce(&Regex) -> T) -> Option<T> {
    shared(pattern).map(|regex| with(&regex))
}

/// More literals are looked for too slowly, and several of a single byte found too often.
const MOST_LITERALS: usize = 64;
/// Parts of a pattern that are looked at.
const MOST_PARTS: usize = 32;

/// One of these is in every text that a pattern matches: what it, or a part of it that must be there, begins with. `None`
/// where it has no such parts.
pub fn literals(pattern: &str) -> Option<Vec<Vec<u8>>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(&hir),
    };
    let found = (0..parts.len().min(MOST_PARTS)).filter_map(|first| {
        let mut literals = Extractor::new().extract(&Hir::concat(parts[first..].to_vec()));
        // What begins with another is found where that is.
        literals.sort();
        literals.minimize_by_preference();
        let shortest = literals.min_literal_len()?;
        let count = literals.len()?;
        let is_enough = if count == 1 { shortest > 0 } else { shortest > 1 && count <= MOST_LITERALS };
        is_enough.then_some((shortest, count, literals))
    });
    let (.., best) = found.min_by_key(|(shortest, count, _)| (Reverse(*shortest), *count))?;
    Some(best.literals()?.iter().map(|literal: &Literal| literal.as_bytes().to_vec()).collect())
}

fn extract<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let group = long(args, 1).and_then(|group| usize::try_from(group).ok());
    let source = text(args, 2);
    let found = shared(&text(args, 0)).zip(group).and_then(|(regex, group)| {
        let captures = regex.captures(&source)?;
        captures.get(group).map(|found| found.as_str().to_owned())
    });
    match found {
        Some(found) if call.gives == Type::String => Value::string(found),
        // A text that is JSON becomes what it says, any other stays a string.
        Some(found) if call.gives == Type::Dynamic => Value::json(json::parse(&found).unwrap_or(Json::String(found))),
        Some(found) => convert::to(&Value::string(found), call.gives),
        None => Value::absent(call.gives),
    }
}

fn extract_all<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (groups, source) = if args.len() > 2 { (Some(&args[1]), text(args, 2)) } else { (None, text(args, 1)) };
    let Some(regex) = shared(&text(args, 0)) else { return Value::Null };
    let wanted: Vec<usize> = match groups {
        Some(Value::Dynamic(names)) => match names.tree().as_ref() {
            Json::Array(names) => names.iter().filter_map(|name| group_number(&regex, name)).collect(),
            name => group_number(&regex, name).into_iter().collect(),
        },
        _ => (1..regex.captures_len()).collect(),
    };
    if wanted.is_empty() {
        return Value::Null;
    }
    let (mut all, mut size) = (Vec::new(), 0);
    for captures in regex.captures_iter(&source) {
        let mut texts = wanted.iter().map(|group| captures.get(*group).map_or("", |found| found.as_str()));
        size += captures.get(0).map_or(0, |found| found.as_str().len()) + 8 * wanted.len();
        if size > LONGEST_TEXT {
            return Value::Null;
        }
        all.push(if wanted.len() == 1 {
            Json::from(texts.next().unwrap_or(""))
        } else {
            Json::Array(texts.map(Json::from).collect())
        });
    }
    if all.is_empty() { Value::Null } else { Value::json(Json::Array(all)) }
}

fn group_number(regex: &Regex, name: &Json) -> Option<usize> {
    match name {
        Json::Number(number) => number.as_u64().map(|n| n as usize).filter(|n| *n < regex.captures_len()),
        Json::String(name) => regex.capture_names().position(|known| known == Some(name)),
        _ => None,
    }
}

fn replace<'a>(source: &str, pattern: &str, rewrite: &str) -> Value<'a> {
    let Some(regex) = shared(pattern) else { return Value::string(source.to_owned()) };
    let (mut out, mut end) = (String::with_capacity(source.len()), 0);
    for captures in regex.captures_iter(source) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(&source[end..whole.start()]);
        end = whole.end();
        let mut rest = rewrite.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match rest.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    let group = digit as usize - '0' as usize;
                    out.push_str(captures.get(group).map_or("", |found| found.as_str()));
                }
                Some(other) => out.push(other),
                None => out.push('\\'),
            }
        }
        if out.len() > LONGEST_TEXT {
            return Value::Null;
        }
    }
    out.push_str(&source[end..]);
    made(out)
}

fn countof<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (source, search) = (text(args, 0), text(args, 1));
    if given(args, 2) && text(args, 2).eq_ignore_ascii_case("regex") {
        return find(&search, |regex| regex.find_iter(&source).count() as i64).map_or(Value::Null, Value::Long);
    }
    if search.is_empty() {
        return Value::Long(0);
    }
    let (mut from, mut count) = (0, 0);
    while let Some(found) = source.get(from..).and_then(|rest| rest.find(&*search)) {
        count += 1;
        from += found + search.chars().next().map_or(1, char::len_utf8);
    }
    Value::Long(count)
}

fn trimmed<'a>(args: &[Value<'a>], start: bool, end: bool) -> Value<'a> {
    let (pattern, source) = (text(args, 0), text(args, 1));
    let (mut from, mut to) = (0, source.len());
    if start && let Some(found) = find(&format!("^(?:{pattern})"), |re| re.find(&source).map(|m| m.end())).flatten() {
        from = found;
    }
    if end
        && let Some(found) =
            find(&format!("(?:{pattern})$"), |re| re.find(&source[from..]).map(|m| m.start())).flatten()
    {
        to = from + found;
    }
    super::arguments::slice(&args[1], from, to)
}

/// As RE2 quotes: every ASCII character that is no letter, digit or underscore.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(2 * text.len());
    for c in text.chars() {
        if c == '\0' {
            out.push_str("\\x00");
            continue;
        }
        if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn indexof_regex<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let source = text(args, 0);
    let Some((from, to, occurrence)) = super::strings::search_range(&source, args, false) else { return Value::Null };
    let Some(regex) = shared(&text(args, 1)) else { return Value::Null };
    let found = regex.find_iter(&source[from..to]).nth(occurrence - 1);
    Value::Long(found.map_or(-1, |found| source[..from + found.start()].chars().count() as i64))
}

#[cfg(test)]
mod tests {
    use super::{check, literals, replace};

    #[test]
    fn every_match_has_one_of_the_literals() {
        let of = |pattern| {
            let literals = literals(pattern).unwrap_or_default();
            literals.iter().map(|literal| String::from_utf8_lossy(literal).into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(r"-e(nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20,}"), "-e");
        assert_eq!(of(r"\b\w+@evil\.(com|net)$"), "@evil.com @evil.net");
        assert_eq!(of(r"^(cmd|powershell)\.exe"), "cmd.exe powershell.exe");
        assert_eq!(of(r"(?i)-ec"), "-EC -Ec -eC -ec");
        assert_eq!(of(r"\d+ab?"), "a");
        for pattern in ["", "(", ".*", "a*", "a|", r"\d+|abc", "[^\\s\\S]", "[a-z]"] {
            assert_eq!(of(pattern), "", "{pattern}");
        }
    }

    #[test]
    fn a_bad_pattern_is_told_in_one_line() {
        assert_eq!(check("a(b"), Err("the pattern cannot be read: unclosed group".into()));
        assert_eq!(check("(?=a)").map_err(|e| e.lines().count()), Err(1));
        assert_eq!(check("((a{1000}){1000}){1000}"), Err("the pattern is too large".into()));
        assert_eq!(check(r"^\d+$"), Ok(()));
    }

    #[test]
    fn a_rewriting_knows_groups_and_backslashes() {
        assert_eq!(replace("a-b", r"(\w)-(\w)", r"\2\\\1\0").text(), r"b\aa-b");
    }
}
