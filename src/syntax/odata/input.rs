//! The text that is yet to be read: a nom input over a decoded text, with the furthest miss and what was wanted there.
use super::decode::Decoded;
use crate::text::{Diagnostic, Span, codes};
use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult};
use std::cell::{Cell, RefCell};

/// Parentheses and calls within each other past this are refused.
const DEEPEST: usize = 50;
/// Trees of expressions higher than this are refused: a chain of operators within a chain raises them, too.
const HIGHEST: usize = 100;

#[derive(Clone, Copy)]
pub struct Input<'t> {
    pub rest: &'t str,
    pub at: usize,
    depth: usize,
    source: &'t Decoded,
    trace: &'t Trace,
}

/// How far anybody got, and what would have fitted there.
#[derive(Default)]
struct Trace {
    furthest: Cell<usize>,
    wanted: RefCell<Vec<&'static str>>,
    fault: RefCell<Option<Diagnostic>>,
    /// How high the expression is that was read last.
    height: Cell<usize>,
}

/// A parser that did not fit; the [`Trace`] knows more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Miss;

impl ParseError<Input<'_>> for Miss {
    fn from_error_kind(_: Input<'_>, _: ErrorKind) -> Miss {
        Miss
    }

    fn append(_: Input<'_>, _: ErrorKind, other: Miss) -> Miss {
        other
    }
}

pub type Step<'t, T> = IResult<Input<'t>, T, Miss>;

impl<'t> Input<'t> {
    pub fn skip(self, bytes: usize) -> Input<'t> {
        Input { rest: &self.rest[bytes..], at: self.at + bytes, ..self }
    }

    pub fn blanks(self) -> Input<'t> {
        self.skip(self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\u{a0}']).len())
    }

    pub fn starts(self, with: &str) -> bool {
        self.rest.starts_with(with)
    }

    /// Whether the character here was written with a percent sign.
    pub fn encoded(self) -> bool {
        self.source.encoded(self.at)
    }

    /// What was read before this place.
    pub fn before(self) -> &'t str {
        &self.source.text[..self.at]
    }

    pub fn span_to(self, end: Input<'t>) -> Span {
        self.source.span(self.at, end.at)
    }

    pub fn miss<T>(self, wanted: &'static str) -> Step<'t, T> {
        let trace = self.trace;
        if self.at > trace.furthest.get() {
            trace.furthest.set(self.at);
            trace.wanted.borrow_mut().clear();
        }
        if self.at == trace.furthest.get() && !trace.wanted.borrow().contains(&wanted) {
            trace.wanted.borrow_mut().push(wanted);
        }
        Err(Err::Error(Miss))
    }

    pub fn refuse<T>(self, diagnostic: Diagnostic) -> Step<'t, T> {
        self.trace.fault.borrow_mut().get_or_insert(diagnostic);
        Err(Err::Failure(Miss))
    }

    /// One level further in; [`Input::level_of`] comes back out.
    pub fn deeper(self) -> Step<'t, ()> {
        if self.depth >= DEEPEST {
            let fault = codes::TOO_DEEP.at(self.span_to(self), format!("nested deeper than {DEEPEST} levels"));
            return self.refuse(fault);
        }
        Ok((Input { depth: self.depth + 1, ..self }, ()))
    }

    pub fn level_of(self, other: Input<'t>) -> Input<'t> {
        Input { depth: other.depth, ..self }
    }

    /// How high the expression is that was read last.
    pub fn height(self) -> usize {
        self.trace.height.get()
    }

    /// The expression that ends here is so high.
    pub fn raised(self, height: usize) -> Step<'t, ()> {
        self.trace.height.set(height);
        if height > HIGHEST {
            let fault =
                codes::TOO_DEEP.at(self.span_to(self), format!("operators nested deeper than {HIGHEST} levels"));
            return self.refuse(fault);
        }
        Ok((self, ()))
    }

    /// Refuses a chain of links that would make the tree too high.
    pub fn linked(self, from: Input<'t>, links: usize) -> Step<'t, ()> {
        if links > DEEPEST {
            let fault = codes::TOO_DEEP.at(from.span_to(self), format!("more than {DEEPEST} links in a chain"));
            return self.refuse(fault);
        }
        Ok((self, ()))
    }
}

/// Runs a parser over a whole text.
pub fn whole<T>(source: &Decoded, parser: impl FnOnce(Input<'_>) -> Step<'_, T>) -> Result<T, Diagnostic> {
    let trace = Trace::default();
    let input = Input { rest: &source.text, at: 0, depth: 0, source, trace: &trace }.blanks();
    match parser(input) {
        Ok((rest, tree)) if rest.blanks().rest.is_empty() => Ok(tree),
        Ok((rest, _)) => {
            let _: Step<'_, ()> = rest.blanks().miss("the end");
            Err(diagnose(source, &trace))
        }
        Err(_) => Err(diagnose(source, &trace)),
    }
}

fn diagnose(source: &Decoded, trace: &Trace) -> Diagnostic {
    if let Some(fault) = trace.fault.take() {
        return fault;
    }
    let at = trace.furthest.get();
    let rest = &source.text[at..];
    let word_end = rest.find([' ', '(', ')', ',']).unwrap_or(rest.len());
    let end = if word_end == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { word_end };
    let found = if rest.is_empty() { "the end".into() } else { format!("`{}`", &rest[..end]) };
    let wanted = trace.wanted.borrow().join(" or ");
    codes::SYNTAX.at(source.span(at, at + end), format!("expected {wanted}, found {found}"))
}

pub fn symbol<'t>(input: Input<'t>, text: &'static str, wanted: &'static str) -> Step<'t, ()> {
    if input.starts(text) { Ok((input.skip(text.len()), ())) } else { input.miss(wanted) }
}

/// The letters, digits and `_` that a text begins with.
pub fn word_at(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    &text[..end]
}

/// A word in any letter case, with nothing of a word behind it.
pub fn word<'t>(input: Input<'t>, word: &'static str, wanted: &'static str) -> Step<'t, ()> {
    if word_at(input.rest).eq_ignore_ascii_case(word) { Ok((input.skip(word.len()), ())) } else { input.miss(wanted) }
}

/// At least one blank.
pub fn blank(input: Input<'_>) -> Step<'_, ()> {
    let after = input.blanks();
    if after.at > input.at { Ok((after, ())) } else { input.miss("a blank") }
}

/// Items with commas between, blanks around which are passed over.
pub fn separated<'t, T>(input: Input<'t>, item: impl Fn(Input<'t>) -> Step<'t, T>) -> Step<'t, Vec<T>> {
    let (mut rest, first) = item(input)?;
    let mut all = vec![first];
    let mut height = input.height();
    loop {
        let comma = rest.blanks();
        if !comma.starts(",") {
            let _: Step<'_, ()> = comma.miss("`,`");
            rest.raised(height)?;
            return Ok((rest, all));
        }
        let (next, one) = item(comma.skip(1).blanks())?;
        height = height.max(input.height());
        all.push(one);
        rest = next;
    }
}

/// `(…)`, one level further in.
pub fn bracketed<'t, T>(input: Input<'t>, inner: impl FnOnce(Input<'t>) -> Step<'t, T>) -> Step<'t, T> {
    let (open, ()) = symbol(input, "(", "`(`")?;
    let (deeper, ()) = open.blanks().deeper()?;
    let (rest, found) = inner(deeper)?;
    let (rest, ()) = symbol(rest.blanks(), ")", "`)`")?;
    Ok((rest.level_of(input), found))
}
