//! `commonExpr`: the expressions of `$filter` and of the other options, rule names as in the OASIS grammar.
//! <https://docs.oasis-open.org/odata/odata/v4.01/os/abnf/odata-abnf-construction-rules.txt>
use super::ast::{Arg, Expr, ExprKind, Literal, Name, OrderBy};
use super::input::{Input, Miss, Step, blank, bracketed, separated, symbol, word_at};
use super::literal;
use super::member::member;
use super::names::identifier;
use crate::text::codes;
use nom::Err;

/// Operators, those that bind loosest first.
const LEVELS: &[&[&str]] = &[
    &["or"],
    &["and"],
    &["eq", "ne"],
    &["in"],
    &["gt", "ge", "lt", "le", "has"],
    &["add", "sub"],
    &["mul", "div", "divby", "mod"],
];
const EQUALITY: usize = 2;
const IN: usize = 3;

/// `boolCommonExpr`, `commonExpr`
pub fn expr(input: Input<'_>) -> Step<'_, Expr> {
    climb(input, 0)
}

/// An operand, and the operators behind it that bind at least so tightly. All levels are read here: a function for each
/// would be many frames for every parenthesis.
fn climb(input: Input<'_>, least: usize) -> Step<'_, Expr> {
    let (mut rest, mut left) = unary(input)?;
    let mut height = input.height();
    // A chain that was begun here goes on: `(a or b) or c` is another one.
    let mut chain = false;
    let mut most = LEVELS.len();
    loop {
        let (next, (level, op)) = match operator(rest, least, most) {
            Ok(found) => found,
            Err(Err::Error(_)) => return Ok((rest, left)),
            Err(other) => return Err(other),
        };
        let (end, right) = if level == IN { list_or_one(next)? } else { climb(next, level + 1)? };
        let right_height = input.height();
        let kind = match op {
            "in" => {
                most = IN;
                ExprKind::In { left: Box::new(left), right: Box::new(right) }
            }
            "and" | "or" => match left.kind {
                ExprKind::Chain { op: of, mut terms } if chain && of == op => {
                    terms.push(right);
                    height = height.max(right_height + 1) - 1;
                    ExprKind::Chain { op, terms }
                }
                kind => ExprKind::Chain { op, terms: vec![Expr { kind, span: left.span }, right] },
            },
            _ => ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) },
        };
        chain = matches!(kind, ExprKind::Chain { .. });
        height = height.max(right_height) + 1;
        end.raised(height)?;
        left = Expr { kind, span: input.span_to(end) };
        rest = end;
    }
}

/// A word operator of these levels: a blank on both sides, in any letter case.
fn operator<'t>(input: Input<'t>, least: usize, most: usize) -> Step<'t, (usize, &'static str)> {
    let start = input.blanks();
    let word = word_at(start.rest);
    let of = |level: &usize| LEVELS[*level].iter().find(|symbol| symbol.eq_ignore_ascii_case(word));
    let found = (0..LEVELS.len()).find_map(|level| of(&level).map(|symbol| (level, *symbol)));
    let Some((level, symbol)) = found else { return start.miss("an operator (`eq`, `and`, `add`, …)") };
    if start.at == input.at && !ends_closed(input) {
        return start.miss("a blank");
    }
    if !(least..most).contains(&level) {
        return Err(Err::Error(Miss));
    }
    let rest = start.skip(word.len());
    let after = rest.blanks();
    if after.at == rest.at && !rest.starts("(") {
        return rest.miss("a blank");
    }
    if symbol == "has" && !literal::read(after.rest).is_some_and(|found| found.is_member()) {
        let message = "`has` takes a literal of an enumeration, as `Alerts.Severity'High'` is";
        return after.refuse(codes::SYNTAX.at(after.span_to(after.skip(word_at(after.rest).len())), message));
    }
    Ok((after, (level, symbol)))
}

/// Behind a parenthesis no blank is needed: `(a)and(b)` is written by some clients.
fn ends_closed(input: Input<'_>) -> bool {
    input.before().ends_with(')')
}

fn unary(input: Input<'_>) -> Step<'_, Expr> {
    if word_at(input.rest).eq_ignore_ascii_case("not") {
        let after = input.skip(3);
        if after.blanks().at > after.at || after.starts("(") {
            return not(input, after.blanks());
        }
    }
    if input.starts("-") && literal::read(input.rest).is_none() {
        return negate(input);
    }
    match input.rest.as_bytes().first() {
        Some(b'(') => bracketed(input, expr),
        Some(b'[') => array(input),
        Some(b'{') => object(input),
        _ if literal::read(input.rest).is_some() => {
            let (rest, literal) = primitive(input)?;
            rest.raised(0)?;
            Ok((rest, Expr { kind: ExprKind::Literal(literal), span: input.span_to(rest) }))
        }
        _ => member(input),
    }
}

/// `not` binds tighter than every comparison, but `not a eq b` is written and meant as `not (a eq b)`.
fn not<'t>(input: Input<'t>, operand: Input<'t>) -> Step<'t, Expr> {
    let (deeper, ()) = operand.deeper()?;
    let (rest, inner) = if operand.starts("(") { unary(deeper)? } else { climb(deeper, EQUALITY)? };
    let rest = rest.level_of(input);
    rest.raised(input.height() + 1)?;
    Ok((rest, Expr { kind: ExprKind::Not(Box::new(inner)), span: input.span_to(rest) }))
}

fn negate(input: Input<'_>) -> Step<'_, Expr> {
    let (deeper, ()) = input.skip(1).blanks().deeper()?;
    let (rest, inner) = unary(deeper)?;
    let rest = rest.level_of(input);
    rest.raised(input.height() + 1)?;
    Ok((rest, Expr { kind: ExprKind::Negate(Box::new(inner)), span: input.span_to(rest) }))
}

/// `primitiveLiteral`
pub fn primitive(input: Input<'_>) -> Step<'_, Literal> {
    let Some(found) = literal::read(input.rest) else { return input.miss("a literal") };
    let rest = input.skip(found.length);
    match found.value {
        Ok(literal) => Ok((rest, literal)),
        Err(message) => input.refuse(codes::BAD_LITERAL.at(input.span_to(rest), message)),
    }
}

/// What stands behind `in`: `(1,2)`, or an expression that is a list.
fn list_or_one(input: Input<'_>) -> Step<'_, Expr> {
    if !input.starts("(") {
        return match unary(input)? {
            (_, Expr { kind: ExprKind::Literal(_), .. }) => input.miss("a list in parentheses"),
            found => Ok(found),
        };
    }
    let open = input.skip(1).blanks();
    let (rest, items) =
        if open.starts(")") { (open.skip(1), vec![]) } else { bracketed(input, |i| separated(i, expr))? };
    rest.raised(if items.is_empty() { 0 } else { input.height() + 1 })?;
    Ok((rest, Expr { kind: ExprKind::List(items), span: input.span_to(rest) }))
}

/// `["a",1,[]]`: texts in double quotes as JSON has them, and any expressions.
fn array(input: Input<'_>) -> Step<'_, Expr> {
    let (open, ()) = input.skip(1).blanks().deeper()?;
    let (rest, items) = if open.starts("]") { (open, vec![]) } else { separated(open, value_in_url)? };
    let (rest, ()) = symbol(rest.blanks(), "]", "`,` or `]`")?;
    let rest = rest.level_of(input);
    rest.raised(if items.is_empty() { 0 } else { input.height() + 1 })?;
    Ok((rest, Expr { kind: ExprKind::List(items), span: input.span_to(rest) }))
}

fn object(input: Input<'_>) -> Step<'_, Expr> {
    let (open, ()) = input.skip(1).blanks().deeper()?;
    let field = |input| {
        let (rest, name) = json_string(input)?;
        let (rest, ()) = symbol(rest.blanks(), ":", "`:`")?;
        let (rest, value) = value_in_url(rest.blanks())?;
        Ok((rest, (name, value)))
    };
    let (rest, fields) = if open.starts("}") { (open, vec![]) } else { separated(open, field)? };
    let (rest, ()) = symbol(rest.blanks(), "}", "`,` or `}`")?;
    let rest = rest.level_of(input);
    rest.raised(if fields.is_empty() { 0 } else { input.height() + 1 })?;
    Ok((rest, Expr { kind: ExprKind::Object(fields), span: input.span_to(rest) }))
}

fn value_in_url(input: Input<'_>) -> Step<'_, Expr> {
    if !input.starts("\"") {
        return expr(input);
    }
    let (rest, text) = json_string(input)?;
    rest.raised(0)?;
    Ok((rest, Expr { kind: ExprKind::Literal(Literal::String(text)), span: input.span_to(rest) }))
}

/// A text in double quotes with the escapes of JSON.
fn json_string(input: Input<'_>) -> Step<'_, String> {
    if !input.starts("\"") {
        return input.miss("a text in double quotes");
    }
    let mut escaped = false;
    let end = input.rest.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    let Some((end, _)) = end else { return input.skip(input.rest.len()).miss("`\"`") };
    let rest = input.skip(end + 1);
    match serde_json::from_str(&input.rest[..=end]) {
        Ok(text) => Ok((rest, text)),
        Err(_) => input.refuse(codes::BAD_LITERAL.at(input.span_to(rest), "a text that JSON does not have")),
    }
}

/// `(a, b)`, `(color='red')` behind the name of a function, with how many of them it is known to take.
pub fn arguments(input: Input<'_>) -> Step<'_, Vec<Arg>> {
    let open = input.skip(1).blanks();
    if open.starts(")") {
        return Ok((open.skip(1), vec![]));
    }
    bracketed(input, |input| separated(input, argument))
}

fn argument(input: Input<'_>) -> Step<'_, Arg> {
    if let Ok((rest, name)) = identifier(input)
        && rest.starts("=")
    {
        let (rest, value) = value_in_url(rest.skip(1))?;
        return Ok((rest, Arg { name: Some(name), value }));
    }
    let (rest, value) = expr(input)?;
    Ok((rest, Arg { name: None, value }))
}

/// `case(a gt 0:1,true:0)`: what stands in the brackets.
pub fn cases(input: Input<'_>) -> Step<'_, Vec<(Expr, Expr)>> {
    bracketed(input, |input| {
        separated(input, |input| {
            let (rest, when) = expr(input)?;
            let height = input.height();
            let (rest, ()) = symbol(rest.blanks(), ":", "`:`")?;
            let (rest, then) = expr(rest.blanks())?;
            rest.raised(height.max(input.height()))?;
            Ok((rest, (when, then)))
        })
    })
}

/// The variable and the body of a lambda, between its brackets.
pub fn lambda_body(input: Input<'_>) -> Step<'_, (Name, Box<Expr>)> {
    bracketed(input, |input| {
        let (rest, variable) = identifier(input)?;
        let (rest, ()) = symbol(rest.blanks(), ":", "`:`")?;
        let (rest, body) = expr(rest.blanks())?;
        Ok((rest, (variable, Box::new(body))))
    })
}

/// `$orderby`: `a desc, b`
pub fn orderby(input: Input<'_>) -> Step<'_, Vec<OrderBy>> {
    separated(input, |input| {
        let (rest, expr) = expr(input)?;
        let start = rest.blanks();
        let word = word_at(start.rest);
        match word.to_ascii_lowercase().as_str() {
            "asc" | "desc" if start.at > rest.at => {
                let descending = word.eq_ignore_ascii_case("desc");
                Ok((start.skip(word.len()), OrderBy { expr, descending }))
            }
            _ => {
                let _: Step<'_, ()> = start.miss("`asc` or `desc`");
                Ok((rest, OrderBy { expr, descending: false }))
            }
        }
    })
}

/// `$compute`: `length(title) as letters`
pub fn computed(input: Input<'_>) -> Step<'_, super::ast::Computed> {
    let (rest, expr) = expr(input)?;
    let (rest, name) = alias(rest)?;
    Ok((rest, super::ast::Computed { expr, name }))
}

/// ` as name`
pub fn alias(input: Input<'_>) -> Step<'_, Name> {
    let (rest, ()) = blank(input)?;
    if !word_at(rest.rest).eq_ignore_ascii_case("as") {
        return rest.miss("`as`");
    }
    let (rest, ()) = blank(rest.skip(2))?;
    identifier(rest)
}
