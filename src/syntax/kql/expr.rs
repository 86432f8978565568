//! Expressions: operands, calls, paths, operators, lists.
//! <https://learn.microsoft.com/kusto/query/scalar-operators>
use super::ast::{Arg, Expr, ExprKind, Name, Named};
use super::literal::{dynamic, literal, type_of};
use super::names::{column, label, name, reserved, wildcard};
use super::query::{looks_like_query, pipe};
use super::source::{datatable, externaldata, inline_sources};
use crate::functions::operators::{ALL, Operator, Right};
use crate::syntax::combinators::{Step, Tokens, certain, commas, descend, grow, miss, must, punct, refuse, word};
use crate::syntax::pratt::{Expressions, climb};
use crate::syntax::tokens::Kind;
use crate::text::{Span, codes};
use crate::types::Type;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

/// An expression that is no pipeline by itself and has no name.
pub fn expression(i: Tokens<'_>) -> Step<'_, Expr> {
    let (inner, level) = descend(i)?;
    let (rest, expr) = climb(&Kql, inner)?;
    Ok((level.ascend(rest)?, expr))
}

/// An expression on the level where it stands: whoever asks has gone down a level for it.
pub fn level_expression(i: Tokens<'_>) -> Step<'_, Expr> {
    climb(&Kql, i)
}

/// `name = expression`, `(a, b) = expression` or an expression.
pub fn named(i: Tokens<'_>) -> Step<'_, Named> {
    if let Some((rest, names)) = names_before_equals(i)? {
        let (rest, expr) = must(expression)(rest)?;
        return Ok((rest, Named { names, expr }));
    }
    let (rest, expr) = expression(i)?;
    Ok((rest, Named { names: Vec::new(), expr }))
}

/// An expression whose name, if it has one, means nothing.
pub fn loosely_named(i: Tokens<'_>) -> Step<'_, Expr> {
    let (i, named) = named(i)?;
    Ok((i, named.expr))
}

type Names<'t> = Option<(Tokens<'t>, Vec<Name>)>;

/// The names before an `=`, if that is what stands here.
fn names_before_equals(i: Tokens<'_>) -> Result<Names<'_>, nom::Err<crate::syntax::combinators::Miss>> {
    // The commonest case first: a plain name and no `=` after it.
    if let Ok((rest, name)) = label(i) {
        return Ok(rest.is_punct(0, "=").then(|| (rest.skip(1), vec![name])));
    }
    if matches!(i.kind(0), Kind::Word(_)) && i.is_punct(1, "=") {
        return reserved(i).map(|(_, ())| None);
    }
    if !i.is_punct(0, "(") {
        return Ok(None);
    }
    let list = commas(i.skip(1), false, label).and_then(|(rest, names)| Ok((punct(")")(rest)?.0, names)));
    match list {
        Ok((rest, names)) if rest.is_punct(0, "=") => Ok(Some((rest.skip(1), names))),
        _ => Ok(None),
    }
}

/// `(a, b, name = c, *)`
pub fn arguments(i: Tokens<'_>) -> Step<'_, Vec<Arg>> {
    let (mut i, _) = punct("(")(i)?;
    let mut args = Vec::new();
    if !i.is_punct(0, ")") {
        loop {
            let arg;
            (i, arg) = certain(argument(i))?;
            args.push(arg);
            if !i.is_punct(0, ",") {
                break;
            }
            i = i.skip(1);
        }
    }
    let (i, _) = certain(punct(")")(i))?;
    Ok((i, args))
}

pub fn argument(i: Tokens<'_>) -> Step<'_, Arg> {
    if i.is_punct(0, "*") && (i.is_punct(1, ")") || i.is_punct(1, ",")) {
        let value = Expr { kind: ExprKind::Star, span: i.span() };
        return Ok((i.skip(1), Arg { name: None, value }));
    }
    let (rest, name) = argument_name(i)?;
    let (rest, value) = expression(rest)?;
    Ok((rest, Arg { name, value }))
}

fn argument_name(i: Tokens<'_>) -> Step<'_, Option<Name>> {
    match names_before_equals(i)? {
        None => Ok((i, None)),
        Some((rest, mut names)) if names.len() == 1 => Ok((rest, names.pop())),
        Some(_) => refuse(i, codes::SYNTAX.at(i.span(), "an argument has one name at most")),
    }
}

/// `f(…)`: what evaluate and invoke take.
pub fn call(i: Tokens<'_>) -> Step<'_, (Name, Vec<Arg>)> {
    let (i, name) = name(i)?;
    let (i, args) = arguments(i)?;
    Ok((i, (name, args)))
}

/// The expressions of KQL, for the operators' sake.
struct Kql;

impl Expressions for Kql {
    type Tree = Expr;

    fn operand<'t>(&self, i: Tokens<'t>, min: u8) -> Step<'t, Expr> {
        match i.kind(0) {
            Kind::Punct("-") => signed(i, "unary-"),
            Kind::Punct("+") => signed(i, "unary+"),
            Kind::Punct("*") => star(i, min),
            _ => postfix(i),
        }
    }

    fn operator<'t>(&self, i: Tokens<'t>) -> Option<(&'static Operator, Tokens<'t>)> {
        let text = match i.kind(0) {
            Kind::Word(word) => word.text,
            Kind::Punct(text) => text,
            _ => return None,
        };
        // `in range(…)` belongs to make-series.
        if text == "in" && i.is_word(1, "range") {
            return None;
        }
        operator_of(text).map(|operator| (operator, i.skip(1)))
    }

    fn flat(&self, operator: &Operator) -> bool {
        matches!(operator.symbol, "and" | "or")
    }

    fn infix(&self, left: Expr, operator: &'static Operator, at: Tokens<'_>, right: Expr) -> Expr {
        let (op, op_span, span) = (operator.symbol, at.span(), left.span.to(right.span));
        if self.flat(operator) {
            return Expr { kind: chain(op, left, right), span };
        }
        let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right), op_span };
        Expr { kind, span }
    }

    fn suffix<'t>(&self, left: Expr, operator: &'static Operator, at: Tokens<'t>) -> Step<'t, Expr> {
        let (op, op_span, start) = (operator.symbol, at.span(), left.span);
        let left = Box::new(left);
        let (rest, kind) = if operator.right == Right::Range {
            let (rest, (low, high)) = couple(at.skip(1))?;
            (rest, ExprKind::Between { op, left, low: Box::new(low), high: Box::new(high) })
        } else {
            let (rest, terms) = in_list(at.skip(1))?;
            (rest, ExprKind::In { op, left, terms, op_span })
        };
        Ok((rest, Expr { kind, span: start.to(at.span_to(rest)) }))
    }
}

/// `-x`, `+x`: one sign, before an operand that has none.
pub fn signed<'t>(i: Tokens<'t>, op: &'static str) -> Step<'t, Expr> {
    if let Some(least) = least_long(i) {
        return Ok((i.skip(2), least));
    }
    let (rest, expr) = certain(postfix(i.skip(1)))?;
    let kind = ExprKind::Unary { op, expr: Box::new(expr) };
    Ok((rest, Expr { kind, span: i.span_to(rest) }))
}

/// One more term to a flat chain.
fn chain(op: &'static str, left: Expr, right: Expr) -> ExprKind {
    match left.kind {
        ExprKind::Chain { op: same, mut terms } if same == op => {
            terms.push(right);
            ExprKind::Chain { op, terms }
        }
        kind => ExprKind::Chain { op, terms: vec![Expr { kind, span: left.span }, right] },
    }
}

/// The infix operator of a text, other spellings included.
pub fn operator_of(text: &str) -> Option<&'static Operator> {
    static INDEX: LazyLock<HashMap<&'static str, &'static Operator>> = LazyLock::new(|| {
        let mut index: HashMap<_, _> =
            ALL.iter().filter(|one| one.right != Right::Prefix).map(|one| (one.symbol, one)).collect();
        for (other, symbol) in [
            ("<>", "!="),
            (":", "has"),
            ("notcontains", "!contains"),
            ("containscs", "contains_cs"),
            ("notcontainscs", "!contains_cs"),
        ] {
            if let Some(one) = index.get(symbol).copied() {
                index.insert(other, one);
            }
        }
        index
    });
    INDEX.get(text).copied()
}

/// `*` before an operator that may search all columns.
fn star<'t>(i: Tokens<'t>, min: u8) -> Step<'t, Expr> {
    let fits = match Kql.operator(i.skip(1)) {
        Some((operator, _)) => operator.binds == 7 || (operator.symbol == "==" && min <= 3),
        None => false,
    };
    if !fits {
        return miss(i, "an expression");
    }
    Ok((i.skip(1), Expr { kind: ExprKind::Star, span: i.span() }))
}

/// Whether the `*` here searches all columns: `* has "x"`.
pub fn begins_star_search(i: Tokens<'_>) -> bool {
    star(i, 0).is_ok()
}

/// The one long whose digits are no long without their sign.
fn least_long(i: Tokens<'_>) -> Option<Expr> {
    let least = i.is_punct(0, "-") && i.kind(1) == Kind::Long && i.text(1) == "9223372036854775808";
    let kind = ExprKind::Literal { value: Value::Long(i64::MIN), ty: Type::Long };
    least.then(|| Expr { kind, span: i.span_to(i.skip(2)) })
}

/// `(a, b)` after `in`, `has_any`, `has_all`; or a query in the parentheses.
pub fn in_list(i: Tokens<'_>) -> Step<'_, Vec<Expr>> {
    let (i, _) = punct("(")(i)?;
    let (i, terms) = if looks_like_query(i) {
        let (i, query) = pipe(i)?;
        (i, vec![query])
    } else {
        commas(i, false, expression)?
    };
    let (i, _) = punct(")")(i)?;
    Ok((i, terms))
}

/// `(low .. high)`
pub fn couple(i: Tokens<'_>) -> Step<'_, (Expr, Expr)> {
    let (i, _) = punct("(")(i)?;
    let (i, low) = expression(i)?;
    let (i, _) = punct("..")(i)?;
    let (i, high) = expression(i)?;
    let (i, _) = punct(")")(i)?;
    Ok((i, (low, high)))
}

/// A primary with its paths and elements: `a.b[0]['c'].d`.
pub fn postfix(i: Tokens<'_>) -> Step<'_, Expr> {
    // A table has no paths.
    if i.is_word(0, "totable") {
        return query_call(i);
    }
    match primary(i) {
        Ok((rest, expr)) if rest.is_punct(0, ".") || rest.is_punct(0, "[") => selections(i, rest, expr),
        done => done,
    }
}

fn selections<'t>(i: Tokens<'t>, mut rest: Tokens<'t>, mut expr: Expr) -> Step<'t, Expr> {
    loop {
        let selected;
        if rest.is_punct(0, ".") {
            (rest, selected) = must(selector)(rest.skip(1))?;
        } else if rest.is_punct(0, "[") {
            let index;
            (rest, index) = must(bracket)(rest)?;
            selected = Selector::Element(index);
        } else {
            return Ok((rest, expr));
        }
        grow(rest)?;
        expr = selected.of(expr, i.span_to(rest));
    }
}

/// A table: a name or a call, with paths.
pub fn path(i: Tokens<'_>) -> Step<'_, Expr> {
    match i.kind(0) {
        Kind::Name | Kind::Word(_) | Kind::Punct("[") => {}
        _ => return miss(i, "a table"),
    }
    let outer = i.trace.take_height();
    let (mut rest, mut expr) = name_or_call(i)?;
    loop {
        let (after, selected) = if rest.is_punct(0, ".") && wildcard(rest.skip(1)).is_err() {
            must(selector)(rest.skip(1))?
        } else if rest.is_punct(0, "[") {
            let (after, index) = must(bracket)(rest)?;
            (after, Selector::Element(index))
        } else {
            i.trace.raise_height(outer);
            return Ok((rest, expr));
        };
        grow(rest)?;
        rest = after;
        expr = selected.of(expr, i.span_to(rest));
    }
}

/// What follows the base of a path.
pub enum Selector {
    Name(Name),
    Call(Name, Vec<Arg>),
    Element(Expr),
}

impl Selector {
    fn of(self, base: Expr, span: Span) -> Expr {
        let base = Box::new(base);
        let kind = match self {
            Selector::Name(name) => ExprKind::Path { base, name },
            Selector::Call(name, args) => ExprKind::Method { base, name, args },
            Selector::Element(index) => ExprKind::Element { base, index: Box::new(index) },
        };
        Expr { kind, span }
    }
}

pub fn selector(i: Tokens<'_>) -> Step<'_, Selector> {
    if i.is_punct(0, "[") && i.kind(1) != Kind::String {
        // After a dot, `[*` begins a pattern of names, which only lists of tables take.
        if i.is_punct(1, "*") {
            return miss(i.skip(1), "an expression");
        }
        let (i, index) = bracket(i)?;
        return Ok((i, Selector::Element(index)));
    }
    let (rest, name) = column(i)?;
    if rest.is_punct(0, "(") {
        let (rest, args) = arguments(rest)?;
        return Ok((rest, Selector::Call(name, args)));
    }
    Ok((rest, Selector::Name(name)))
}

/// `[index]`
fn bracket(i: Tokens<'_>) -> Step<'_, Expr> {
    let (i, _) = punct("[")(i)?;
    let (i, index) = expression(i)?;
    let (i, _) = punct("]")(i)?;
    Ok((i, index))
}

pub fn primary(i: Tokens<'_>) -> Step<'_, Expr> {
    match i.kind(0) {
        Kind::String | Kind::Bool | Kind::Long | Kind::Real | Kind::Timespan | Kind::Typed(_) | Kind::RawGuid => {
            literal(i)
        }
        Kind::Punct("(") => parenthesised(i),
        Kind::Word(word) => match word.text {
            "dynamic" if i.is_punct(1, "(") => dynamic(i),
            "typeof" if i.is_punct(1, "(") => type_of(i),
            "datatable" => datatable(i),
            "externaldata" | "external_data" => externaldata(i),
            "toscalar" => query_call(i),
            _ if word.name || word.column => name_or_call(i),
            "__contextual_datatable" | "materialized-view-combine" => inline_sources(i),
            _ if in_name_position(i) => reserved(i),
            _ => miss(i, "an expression"),
        },
        Kind::Name => name_or_call(i),
        Kind::Punct("[") if i.kind(1) == Kind::String => name_or_call(i),
        _ => miss(i, "an expression"),
    }
}

fn name_or_call(i: Tokens<'_>) -> Step<'_, Expr> {
    if name(i).is_ok_and(|(rest, _)| rest.is_punct(0, "(")) { function(i) } else { table_or_column(i) }
}

pub fn function(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, (name, args)) = call(i)?;
    Ok((rest, Expr { kind: ExprKind::Call { name, args }, span: i.span_to(rest) }))
}

fn table_or_column(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, name) = column(i)?;
    let expr = Expr { kind: ExprKind::Name(name), span: i.span_to(rest) };
    // `datascope=hotcache`: all that is kept is hot.
    if rest.is_word(0, "datascope") && rest.is_punct(1, "=") {
        let scope = rest.skip(2);
        if !matches!(scope.text(0), "all" | "hotcache") {
            return miss(scope, "`all` or `hotcache`");
        }
        return Ok((scope.skip(1), expr));
    }
    Ok((rest, expr))
}

/// A word that cannot be a name, before something that only stands after a name: a name was meant.
fn in_name_position(i: Tokens<'_>) -> bool {
    match i.kind(1) {
        Kind::Punct(")" | "]" | "}" | "." | "," | "|") => true,
        Kind::Punct("+" | "-") => false,
        _ => Kql.operator(i.skip(1)).is_some(),
    }
}

/// `(expression)` or `(query)`
pub fn parenthesised(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, _) = punct("(")(i)?;
    let (inner, level) = descend(rest)?;
    let (rest, inner) = certain(pipe(inner))?;
    let rest = level.ascend(rest)?;
    let (rest, _) = must(punct(")"))(rest)?;
    Ok((rest, Expr { kind: ExprKind::Parenthesised(Box::new(inner)), span: i.span_to(rest) }))
}

/// `toscalar(query)`, `totable(query)`, `materialize(query)`
pub fn query_call(i: Tokens<'_>) -> Step<'_, Expr> {
    let name = Name { text: i.text(0).into(), span: i.span(), bracketed: false };
    let mut rest = i.skip(1);
    if rest.is_word(0, "kind") && rest.is_punct(1, "=") {
        rest = word("nooptimization")(rest.skip(2))?.0;
    }
    let (rest, _) = must(punct("("))(rest)?;
    let (inner, level) = descend(rest)?;
    let (rest, query) = certain(pipe(inner))?;
    let rest = level.ascend(rest)?;
    let (rest, _) = must(punct(")"))(rest)?;
    let args = vec![Arg { name: None, value: query }];
    Ok((rest, Expr { kind: ExprKind::Call { name, args }, span: i.span_to(rest) }))
}
