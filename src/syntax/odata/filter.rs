//! `$filter` and the other options that hold expressions: a nom parser over the decoded text, rule names as in the
//! OASIS grammar. <https://docs.oasis-open.org/odata/odata/v4.01/os/abnf/odata-abnf-construction-rules.txt>
use super::ast::{Expr, ExprKind, Literal, Name, OrderBy};
use super::decode::Decoded;
use super::literal;
use crate::text::{Diagnostic, Span, codes};
use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult, Parser};
use std::cell::{Cell, RefCell};

/// Parentheses and calls within each other past this are refused.
const DEEPEST: usize = 64;

/// The text that is yet to be read.
#[derive(Clone, Copy)]
pub struct Input<'t> {
    pub rest: &'t str,
    at: usize,
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

type Step<'t, T> = IResult<Input<'t>, T, Miss>;

impl<'t> Input<'t> {
    fn skip(self, bytes: usize) -> Input<'t> {
        Input { rest: &self.rest[bytes..], at: self.at + bytes, ..self }
    }

    fn blanks(self) -> Input<'t> {
        self.skip(self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\u{a0}']).len())
    }

    fn span_to(self, end: Input<'t>) -> Span {
        self.source.span(self.at, end.at)
    }

    fn miss<T>(self, wanted: &'static str) -> Step<'t, T> {
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

    fn refuse<T>(self, diagnostic: Diagnostic) -> Step<'t, T> {
        self.trace.fault.borrow_mut().get_or_insert(diagnostic);
        Err(Err::Failure(Miss))
    }

    fn deeper(self) -> Step<'t, ()> {
        if self.depth >= DEEPEST {
            let fault = codes::TOO_DEEP.at(self.span_to(self), format!("nested deeper than {DEEPEST} levels"));
            return self.refuse(fault);
        }
        Ok((Input { depth: self.depth + 1, ..self }, ()))
    }
}

/// Runs a parser over a whole option's value.
pub fn whole<T>(source: &Decoded, parser: impl Fn(Input<'_>) -> Step<'_, T>) -> Result<T, Diagnostic> {
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

/// `boolCommonExpr`, `commonExpr`
pub fn expr(input: Input<'_>) -> Step<'_, Expr> {
    chain(input, &["or"], |input| chain(input, &["and"], equality))
}

/// `a or b or c`, kept flat.
fn chain<'t>(
    input: Input<'t>,
    op: &'static [&'static str; 1],
    term: impl Fn(Input<'t>) -> Step<'t, Expr>,
) -> Step<'t, Expr> {
    let (mut rest, first) = term(input)?;
    let mut terms = vec![first];
    loop {
        match operator(rest, op) {
            Ok((next, _)) => {
                let (next, one) = term(next)?;
                rest = next;
                terms.push(one);
            }
            Err(Err::Error(_)) => break,
            Err(other) => return Err(other),
        }
    }
    let expr = if terms.len() == 1 {
        terms.remove(0)
    } else {
        Expr { kind: ExprKind::Chain { op: op[0], terms }, span: input.span_to(rest) }
    };
    Ok((rest, expr))
}

fn equality(input: Input<'_>) -> Step<'_, Expr> {
    binary(input, &["eq", "ne"], |input| relation(input))
}

fn relation(input: Input<'_>) -> Step<'_, Expr> {
    let (rest, left) = binary(input, &["gt", "ge", "lt", "le", "has"], sum)?;
    match operator(rest, &["in"]) {
        Ok((after, _)) => {
            let (end, list) = list(after)?;
            let kind = ExprKind::In { left: Box::new(left), list };
            Ok((end, Expr { kind, span: input.span_to(end) }))
        }
        Err(Err::Error(_)) => Ok((rest, left)),
        Err(other) => Err(other),
    }
}

fn sum(input: Input<'_>) -> Step<'_, Expr> {
    binary(input, &["add", "sub"], |input| binary(input, &["mul", "div", "divby", "mod"], unary))
}

/// Operators of one level, from the left. Links of a chain are counted like nesting: each makes the tree higher.
fn binary<'t>(
    input: Input<'t>,
    symbols: &'static [&'static str],
    operand: impl Fn(Input<'t>) -> Step<'t, Expr>,
) -> Step<'t, Expr> {
    let (mut rest, mut left) = operand(input)?;
    let mut links = 0;
    loop {
        match operator(rest, symbols) {
            Ok((next, op)) => {
                links += 1;
                if links > DEEPEST {
                    let fault =
                        codes::TOO_DEEP.at(input.span_to(next), format!("more than {DEEPEST} links in a chain"));
                    return input.refuse(fault);
                }
                let (next, right) = operand(next)?;
                rest = next;
                let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
                left = Expr { kind, span: input.span_to(rest) };
            }
            Err(Err::Error(_)) => return Ok((rest, left)),
            Err(other) => return Err(other),
        }
    }
}

/// A word operator: a blank on both sides, in any letter case.
fn operator<'t>(input: Input<'t>, symbols: &'static [&'static str]) -> Step<'t, &'static str> {
    let start = input.blanks();
    let word = word_at(start.rest);
    let found = symbols.iter().find(|symbol| symbol.eq_ignore_ascii_case(word));
    match found {
        Some(symbol) if start.at > input.at || input.at == 0 || ends_closed(input) => {
            let rest = start.skip(word.len());
            let after = rest.blanks();
            if after.at == rest.at && !rest.rest.starts_with('(') {
                return rest.miss("a blank");
            }
            Ok((after, symbol))
        }
        _ => start.miss(match symbols {
            ["or"] => "`or`",
            ["and"] => "`and`",
            ["in"] => "`in`",
            ["eq", ..] => "a comparison (`eq`, `ne`, `gt`, …)",
            ["gt", ..] => "a comparison (`eq`, `ne`, `gt`, …)",
            _ => "an operator",
        }),
    }
}

/// Behind a parenthesis no blank is needed: `(a)and(b)` is written by some clients.
fn ends_closed(input: Input<'_>) -> bool {
    input.source.text[..input.at].ends_with(')')
}

fn word_at(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '@' || c == '$')).unwrap_or(text.len());
    &text[..end]
}

fn unary(input: Input<'_>) -> Step<'_, Expr> {
    let word = word_at(input.rest);
    if word.eq_ignore_ascii_case("not") {
        let after = input.skip(3);
        if after.blanks().at > after.at || after.rest.starts_with('(') {
            let (deeper, ()) = after.blanks().deeper()?;
            let (rest, inner) = not_operand(deeper)?;
            let rest = Input { depth: input.depth, ..rest };
            return Ok((rest, Expr { kind: ExprKind::Not(Box::new(inner)), span: input.span_to(rest) }));
        }
    }
    let negative_number = input.rest.starts_with('-') && input.rest[1..].starts_with(|c: char| c.is_ascii_digit());
    if input.rest.starts_with('-') && !negative_number && !input.rest.starts_with("-INF") {
        let (deeper, ()) = input.skip(1).blanks().deeper()?;
        let (rest, inner) = unary(deeper)?;
        let rest = Input { depth: input.depth, ..rest };
        return Ok((rest, Expr { kind: ExprKind::Negate(Box::new(inner)), span: input.span_to(rest) }));
    }
    primary(input)
}

/// `not` binds tighter than every comparison, but `not a eq b` is written and meant as `not (a eq b)`.
fn not_operand(input: Input<'_>) -> Step<'_, Expr> {
    let (rest, inner) = unary(input)?;
    let boolean = matches!(
        inner.kind,
        ExprKind::Call { .. }
            | ExprKind::Not(_)
            | ExprKind::Lambda { .. }
            | ExprKind::Chain { .. }
            | ExprKind::In { .. }
    );
    if boolean || input.rest.starts_with('(') { Ok((rest, inner)) } else { equality(input) }
}

fn primary(input: Input<'_>) -> Step<'_, Expr> {
    if input.rest.starts_with('(') {
        let (deeper, ()) = input.skip(1).blanks().deeper()?;
        let (rest, inner) = expr(deeper)?;
        let (rest, ()) = symbol(rest.blanks(), ")", "`)`")?;
        return Ok((Input { depth: input.depth, ..rest }, inner));
    }
    if let Some((literal, length)) = literal::read(input.rest) {
        let rest = input.skip(length);
        return match literal {
            Ok(literal) => Ok((rest, Expr { kind: ExprKind::Literal(literal), span: input.span_to(rest) })),
            Err(message) => input.refuse(codes::BAD_LITERAL.at(input.span_to(rest), message)),
        };
    }
    path(input)
}

fn symbol<'t>(input: Input<'t>, text: &'static str, wanted: &'static str) -> Step<'t, ()> {
    if input.rest.starts_with(text) { Ok((input.skip(text.len()), ())) } else { input.miss(wanted) }
}

pub fn name(input: Input<'_>) -> Step<'_, Name> {
    let word = word_at(input.rest);
    let starts = word.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$' || c == '@');
    if !starts {
        return input.miss("a property, a function or a literal");
    }
    let rest = input.skip(word.len());
    Ok((rest, Name { text: word.to_owned(), span: input.span_to(rest) }))
}

/// `a/b/c`, `f(x)`, `a/any(x: …)`
fn path(input: Input<'_>) -> Step<'_, Expr> {
    let (mut rest, first) = name(input)?;
    if rest.rest.starts_with('(') {
        let (end, args) = call_args(rest)?;
        let name = Name { text: first.text.to_lowercase(), ..first };
        return Ok((end, Expr { kind: ExprKind::Call { name, args }, span: input.span_to(end) }));
    }
    let mut names = vec![first];
    while rest.rest.starts_with('/') {
        let (next, segment) = name(rest.skip(1))?;
        let lambda = match segment.text.as_str() {
            "any" => Some(false),
            "all" => Some(true),
            _ => None,
        };
        if let (Some(all), true) = (lambda, next.rest.starts_with('(')) {
            let (end, body) = lambda_body(next)?;
            return Ok((end, Expr { kind: ExprKind::Lambda { path: names, all, body }, span: input.span_to(end) }));
        }
        names.push(segment);
        rest = next;
    }
    Ok((rest, Expr { kind: ExprKind::Path(names), span: input.span_to(rest) }))
}

type Body = Option<(Name, Box<Expr>)>;

fn lambda_body(input: Input<'_>) -> Step<'_, Body> {
    let start = input.skip(1).blanks();
    if start.rest.starts_with(')') {
        return Ok((start.skip(1), None));
    }
    let (rest, variable) = name(start)?;
    let (rest, ()) = symbol(rest.blanks(), ":", "`:`")?;
    let (deeper, ()) = rest.blanks().deeper()?;
    let (rest, body) = expr(deeper)?;
    let (rest, ()) = symbol(rest.blanks(), ")", "`)`")?;
    Ok((Input { depth: input.depth, ..rest }, Some((variable, Box::new(body)))))
}

fn call_args(input: Input<'_>) -> Step<'_, Vec<Expr>> {
    let start = input.skip(1).blanks();
    if start.rest.starts_with(')') {
        return Ok((start.skip(1), vec![]));
    }
    items(input)
}

/// `(a, b, c)`
pub fn list(input: Input<'_>) -> Step<'_, Vec<Expr>> {
    if !input.rest.starts_with('(') {
        return input.miss("a list in parentheses");
    }
    items(input)
}

fn items(input: Input<'_>) -> Step<'_, Vec<Expr>> {
    let (mut rest, ()) = input.skip(1).blanks().deeper()?;
    let mut items = Vec::new();
    loop {
        let (next, item) = expr(rest)?;
        items.push(item);
        let next = next.blanks();
        if next.rest.starts_with(',') {
            rest = next.skip(1).blanks();
            continue;
        }
        let (end, ()) = symbol(next, ")", "`,` or `)`")?;
        return Ok((Input { depth: input.depth, ..end }, items));
    }
}

/// `$orderby`: `a desc, b`
pub fn orderby(input: Input<'_>) -> Step<'_, Vec<OrderBy>> {
    separated(input, |input| {
        let (rest, expr) = sum(input)?;
        let start = rest.blanks();
        let word = word_at(start.rest);
        match word.to_ascii_lowercase().as_str() {
            "asc" | "desc" if start.at > rest.at => {
                let descending = word.eq_ignore_ascii_case("desc");
                Ok((start.skip(word.len()), OrderBy { expr, descending }))
            }
            _ => {
                let _: Step<'_, ()> = start.miss("`asc`, `desc` or `,`");
                Ok((rest, OrderBy { expr, descending: false }))
            }
        }
    })
}

/// `$select`, `$expand`: names with commas between; `*` is a name here.
pub fn names(input: Input<'_>) -> Step<'_, Vec<Name>> {
    separated(input, |input| {
        if input.rest.starts_with('*') {
            let rest = input.skip(1);
            return Ok((rest, Name { text: "*".into(), span: input.span_to(rest) }));
        }
        name.parse(input)
    })
}

fn separated<'t, T>(input: Input<'t>, item: impl Fn(Input<'t>) -> Step<'t, T>) -> Step<'t, Vec<T>> {
    let (mut rest, first) = item(input)?;
    let mut all = vec![first];
    while rest.blanks().rest.starts_with(',') {
        let (next, one) = item(rest.blanks().skip(1).blanks())?;
        all.push(one);
        rest = next;
    }
    Ok((rest, all))
}

/// A literal that stands alone, as a key.
pub fn key(input: Input<'_>) -> Step<'_, Literal> {
    match primary(input)? {
        (rest, Expr { kind: ExprKind::Literal(literal), .. }) => Ok((rest, literal)),
        _ => input.miss("a literal"),
    }
}
