//! The nom layer: parsers over tokens, and the manners of their errors.
//!
//! A parser that misses gives [`Miss`], a small value; what was wanted, and how far anybody got, is noted aside in the
//! [`Trace`]. `must` turns a miss into a failure once the reading is certain. Line and column are nobody's business
//! here: a diagnostic has a span.
use super::tokens::{Kind, Token};
use crate::text::{Diagnostic, Span, codes};
use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult, Parser};
use std::cell::{Cell, RefCell};

/// Levels of parentheses, brackets and nested queries: a thread with a stack of 2 MiB must bear them in a dev build.
pub const MAX_DEPTH: u16 = 64;
/// The height of an expression's tree, which grows with each level and each link of a chain that is no `and` or `or`.
pub const MAX_HEIGHT: u16 = 400;

/// The tokens that are yet to be read.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'t> {
    all: &'t [Token],
    at: usize,
    depth: u16,
    pub trace: &'t Trace<'t>,
}

pub type Step<'t, T> = IResult<Tokens<'t>, T, Miss>;

/// How far a parser got that did not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miss {
    at: usize,
}

impl<'t> ParseError<Tokens<'t>> for Miss {
    fn from_error_kind(input: Tokens<'t>, _: ErrorKind) -> Miss {
        Miss { at: input.at }
    }

    fn append(_: Tokens<'t>, _: ErrorKind, other: Miss) -> Miss {
        other
    }

    fn or(self, other: Miss) -> Miss {
        if other.at > self.at { other } else { self }
    }
}

/// What is learnt on the way through one stage of a text, besides the tree.
#[derive(Debug)]
pub struct Trace<'t> {
    pub text: &'t str,
    furthest: Cell<usize>,
    wanted: RefCell<Vec<Wanted>>,
    fault: RefCell<Option<Diagnostic>>,
    height: Cell<u16>,
    notices: RefCell<Vec<(Span, String)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Written(&'static str),
    Described(&'static str),
}

impl<'t> Trace<'t> {
    pub fn new(text: &'t str) -> Trace<'t> {
        Trace {
            text,
            furthest: Cell::new(0),
            wanted: RefCell::default(),
            fault: RefCell::default(),
            height: Cell::new(0),
            notices: RefCell::default(),
        }
    }

    /// What a reader of the answer should know of a place, told once however often the place is read.
    pub fn notice(&self, at: Span, message: String) {
        let mut notices = self.notices.borrow_mut();
        if !notices.iter().any(|(known, _)| known.start == at.start) {
            notices.push((at, message));
        }
    }

    pub fn into_notices(self) -> Vec<String> {
        self.notices.into_inner().into_iter().map(|(_, message)| message).collect()
    }

    /// The height of the trees that were built since somebody asked last.
    pub fn take_height(&self) -> u16 {
        self.height.replace(0)
    }

    /// Trees of that height were built.
    pub fn raise_height(&self, height: u16) {
        self.height.set(self.height.get().max(height));
    }

    fn wants(&self, at: usize, wanted: Wanted) {
        if at < self.furthest.get() {
            return;
        }
        let mut all = self.wanted.borrow_mut();
        if at > self.furthest.get() {
            self.furthest.set(at);
            all.clear();
        }
        if !all.contains(&wanted) {
            all.push(wanted);
        }
    }
}

impl<'t> Tokens<'t> {
    /// All tokens; the last is [`Kind::End`].
    pub fn new(all: &'t [Token], trace: &'t Trace<'t>) -> Tokens<'t> {
        Tokens { all, at: 0, depth: 0, trace }
    }

    /// The token that many places ahead; past the end it is the end.
    pub fn token(self, ahead: usize) -> Token {
        match self.all.get(self.at + ahead).or(self.all.last()) {
            Some(token) => *token,
            None => Token { kind: Kind::End, span: Span::default(), blank: false },
        }
    }

    pub fn kind(self, ahead: usize) -> Kind {
        self.token(ahead).kind
    }

    pub fn span(self) -> Span {
        self.token(0).span
    }

    /// The text of the token that many places ahead.
    pub fn text(self, ahead: usize) -> &'t str {
        self.token(ahead).span.of(self.trace.text)
    }

    pub fn skip(self, tokens: usize) -> Tokens<'t> {
        Tokens { at: (self.at + tokens).min(self.all.len().saturating_sub(1)), ..self }
    }

    pub fn is_word(self, ahead: usize, text: &str) -> bool {
        matches!(self.kind(ahead), Kind::Word(word) if word.text == text)
    }

    pub fn is_punct(self, ahead: usize, text: &str) -> bool {
        matches!(self.kind(ahead), Kind::Punct(found) if found == text)
    }

    /// From the start of `self` to the end of what was read before `rest`.
    pub fn span_to(self, rest: Tokens<'t>) -> Span {
        let start = self.span();
        if rest.at <= self.at {
            return Span { start: start.start, end: start.start };
        }
        start.to(self.all[rest.at - 1].span)
    }

    pub fn is_after(self, other: Tokens<'t>) -> bool {
        self.at > other.at
    }

    /// Past the next of these punctuations, or word, that stands outside all brackets opened on the way; stops before
    /// a bracket that closes what was opened earlier.
    pub fn skip_to(self, ends: &[&str]) -> Tokens<'t> {
        let (mut rest, mut open) = (self, 0usize);
        loop {
            match rest.kind(0) {
                Kind::End => return rest,
                Kind::Punct(text) if open == 0 && ends.contains(&text) => return rest,
                Kind::Punct("(" | "[" | "{") => open += 1,
                Kind::Punct(")" | "]" | "}") if open == 0 => return rest,
                Kind::Punct(")" | "]" | "}") => open -= 1,
                _ => {}
            }
            rest = rest.skip(1);
        }
    }

    /// What went wrong in the stage that began at `from`: the fault that somebody named, or what was wanted furthest on.
    pub fn diagnose(self) -> Diagnostic {
        let trace = self.trace;
        if let Some(fault) = trace.fault.take() {
            return fault;
        }
        let at = trace.furthest.get().max(self.at);
        let found = Tokens { at: at.min(self.all.len().saturating_sub(1)), ..self };
        let noted = trace.wanted.borrow();
        // An expression may be a name; saying both says less.
        let expression = noted.contains(&Wanted::Described("an expression"));
        let wanted: Vec<String> = noted
            .iter()
            .filter(|wanted| at == trace.furthest.get() && !(expression && **wanted == Wanted::Described("a name")))
            .map(|wanted| match wanted {
                Wanted::Written(text) => format!("`{text}`"),
                Wanted::Described(text) => (*text).to_string(),
            })
            .collect();
        let found_text = match found.kind(0) {
            Kind::End => "the end".to_string(),
            _ => format!("`{}`", found.text(0).chars().take(40).collect::<String>()),
        };
        let message = match wanted.as_slice() {
            [] => format!("{found_text} cannot stand here"),
            [one] => format!("expected {one}, found {found_text}"),
            [first @ .., last] => format!("expected {} or {last}, found {found_text}", first.join(", ")),
        };
        let diagnostic = codes::SYNTAX.at(found.span(), message);
        let named = noted.iter().any(
            |wanted| matches!(wanted, Wanted::Described(text) if text.contains("name") || text.contains("expression")),
        );
        match found.kind(0) {
            Kind::Word(word) if named && !wanted.is_empty() => {
                diagnostic.help(format!("a name that is a word of the language is written `['{}']`", word.text))
            }
            Kind::Punct("|") if at > 0 && !found.token(0).blank && self.all[at - 1].kind == Kind::Punct("|") => {
                diagnostic.help("write `or`")
            }
            Kind::Punct("=") => diagnostic.help("write `==` to compare"),
            Kind::Word(word) if matches!(word.text, "like" | "notlike" | "likecs" | "notlikecs") => {
                diagnostic.help("write `startswith`, `contains` or `matches regex`")
            }
            _ => diagnostic,
        }
    }

    /// Forgets what was wanted and what went wrong so far: a new stage begins.
    pub fn begin(self) {
        self.trace.furthest.set(self.at);
        self.trace.wanted.borrow_mut().clear();
        self.trace.fault.take();
        self.trace.height.set(0);
    }
}

/// Nothing fits here; `wanted` says in words what would.
pub fn miss<'t, T>(i: Tokens<'t>, wanted: &'static str) -> Step<'t, T> {
    i.trace.wants(i.at, Wanted::Described(wanted));
    Err(Err::Error(Miss { at: i.at }))
}

/// Nothing fits here, and nobody need be told what would have.
pub fn quiet<'t, T>(i: Tokens<'t>) -> Step<'t, T> {
    Err(Err::Error(Miss { at: i.at }))
}

/// Ends the stage with a diagnostic of its own.
pub fn refuse<'t, T>(i: Tokens<'t>, diagnostic: Diagnostic) -> Step<'t, T> {
    i.trace.fault.borrow_mut().get_or_insert(diagnostic);
    Err(Err::Failure(Miss { at: i.at }))
}

/// One word of the language.
pub fn word<'t>(text: &'static str) -> impl Fn(Tokens<'t>) -> Step<'t, Span> {
    move |i| if i.is_word(0, text) { Ok((i.skip(1), i.span())) } else { unwritten(i, text) }
}

/// One punctuation.
pub fn punct<'t>(text: &'static str) -> impl Fn(Tokens<'t>) -> Step<'t, Span> {
    move |i| if i.is_punct(0, text) { Ok((i.skip(1), i.span())) } else { unwritten(i, text) }
}

fn unwritten<'t, T>(i: Tokens<'t>, text: &'static str) -> Step<'t, T> {
    i.trace.wants(i.at, Wanted::Written(text));
    Err(Err::Error(Miss { at: i.at }))
}

/// From here on the reading is certain: a miss is a failure.
pub fn must<'t, T>(mut parser: impl FnMut(Tokens<'t>) -> Step<'t, T>) -> impl FnMut(Tokens<'t>) -> Step<'t, T> {
    move |i| certain(parser(i))
}

/// What `must` does, to a reading that is done.
pub fn certain<T>(step: Result<T, Err<Miss>>) -> Result<T, Err<Miss>> {
    match step {
        Err(Err::Error(miss)) => Err(Err::Failure(miss)),
        other => other,
    }
}

/// The parser's value, or none where it misses.
pub fn maybe<'t, T>(i: Tokens<'t>, mut parser: impl FnMut(Tokens<'t>) -> Step<'t, T>) -> Step<'t, Option<T>> {
    match parser.parse(i) {
        Ok((rest, value)) => Ok((rest, Some(value))),
        Err(Err::Error(_)) => Ok((i, None)),
        Err(other) => Err(other),
    }
}

/// One or more, with commas between; after a comma another must follow, unless `trailing`.
pub fn commas<'t, T>(
    i: Tokens<'t>,
    trailing: bool,
    mut item: impl FnMut(Tokens<'t>) -> Step<'t, T>,
) -> Step<'t, Vec<T>> {
    let (mut i, first) = item(i)?;
    let mut all = vec![first];
    loop {
        let Ok((after, _)) = punct(",")(i) else { return Ok((i, all)) };
        if !trailing {
            let next;
            (i, next) = must(&mut item)(after)?;
            all.push(next);
            continue;
        }
        match maybe(after, &mut item)? {
            (rest, Some(next)) => {
                all.push(next);
                i = rest;
            }
            (_, None) => return Ok((after, all)),
        }
    }
}

/// As [`commas`], or nothing at all.
pub fn any_commas<'t, T>(
    i: Tokens<'t>,
    trailing: bool,
    item: impl FnMut(Tokens<'t>) -> Step<'t, T>,
) -> Step<'t, Vec<T>> {
    let mut item = item;
    let (rest, all) = maybe(i, |i| commas(i, trailing, &mut item))?;
    Ok((rest, all.unwrap_or_default()))
}

/// Reads one level further down, within the bounds of depth and height.
pub fn nest<'t, T>(i: Tokens<'t>, parser: impl FnOnce(Tokens<'t>) -> Step<'t, T>) -> Step<'t, T> {
    let (inner, level) = descend(i)?;
    let (rest, value) = parser(inner)?;
    Ok((level.ascend(rest)?, value))
}

/// One level down; [`Level::ascend`] goes back up. `nest` without its closure, where each frame counts.
pub fn descend<'t>(i: Tokens<'t>) -> Step<'t, Level> {
    if i.depth >= MAX_DEPTH {
        return too_deep(i);
    }
    let level = Level { depth: i.depth, outer: i.trace.height.replace(0) };
    Ok((Tokens { depth: i.depth + 1, ..i }, level))
}

/// A level that has been entered: where it was entered from.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    depth: u16,
    outer: u16,
}

impl Level {
    pub fn ascend<'t>(self, rest: Tokens<'t>) -> Result<Tokens<'t>, Err<Miss>> {
        let own = rest.trace.height.get().saturating_add(1);
        rest.trace.height.set(self.outer.max(own));
        let rest = Tokens { depth: self.depth, ..rest };
        if own > MAX_HEIGHT { too_deep(rest).map(|(rest, ())| rest) } else { Ok(rest) }
    }
}

/// One more link in a chain: the tree of what was built since the height was last asked for grows.
pub fn grow<'t>(i: Tokens<'t>) -> Step<'t, ()> {
    let height = i.trace.take_height().saturating_add(1);
    i.trace.raise_height(height);
    if height > MAX_HEIGHT { too_deep(i) } else { Ok((i, ())) }
}

fn too_deep<'t, T>(i: Tokens<'t>) -> Step<'t, T> {
    let fault = codes::TOO_DEEP.at(i.span(), "the nesting is too deep from here on");
    refuse(i, fault.help("give a part of it a name with `let`"))
}
