//! Literals: tokens to values.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/>
use super::ast::{Expr, ExprKind};
use super::names::{any_type, column_decl};
use crate::syntax::combinators::{Step, Tokens, any_commas, miss, must, nest, punct, refuse, word};
use crate::syntax::lex::string_value;
use crate::syntax::tokens::Kind;
use crate::text::{Span, codes};
use crate::types::Type;
use crate::value::{Json, Value, datetime, decimal, guid, long, real, timespan};

/// A literal of any kind; the sign of a number touches it.
pub fn literal(i: Tokens<'_>) -> Step<'_, Expr> {
    match i.kind(0) {
        Kind::Punct("-" | "+") => signed(i),
        Kind::Word(word) if word.text == "dynamic" && i.is_punct(1, "(") => dynamic(i),
        Kind::Word(word) if word.text == "typeof" && i.is_punct(1, "(") => type_of(i),
        _ => {
            let (rest, (value, ty)) = value(i)?;
            Ok((rest, Expr { kind: ExprKind::Literal { value, ty }, span: i.span_to(rest) }))
        }
    }
}

/// Adjacent strings are one.
pub fn strings(i: Tokens<'_>) -> Step<'_, String> {
    let (mut i, mut text) = string(i)?;
    while i.kind(0) == Kind::String {
        let (rest, more) = string(i)?;
        text.push_str(&more);
        i = rest;
    }
    Ok((i, text))
}

fn string(i: Tokens<'_>) -> Step<'_, String> {
    match i.kind(0) {
        Kind::String => Ok((i.skip(1), string_value(i.text(0)))),
        _ => miss(i, "a string"),
    }
}

/// A literal without sign that is one token, or strings side by side.
pub fn value(i: Tokens<'_>) -> Step<'_, (Value<'static>, Type)> {
    let text = i.text(0);
    let (ty, read) = match i.kind(0) {
        Kind::String => {
            let (rest, text) = strings(i)?;
            return Ok((rest, (Value::string(text), Type::String)));
        }
        Kind::Bool => (Type::Bool, Some(Value::Bool(text.eq_ignore_ascii_case("true")))),
        Kind::Long => (Type::Long, long::parse(text).map(Value::Long)),
        Kind::Real => (Type::Real, real::parse(text).map(Value::Real)),
        Kind::Timespan => (Type::Timespan, timespan::parse(text).map(Value::Timespan)),
        Kind::Typed(ty) => (ty, typed(text, ty)),
        Kind::RawGuid => {
            let fault = codes::BAD_LITERAL.at(i.span(), "a guid stands in `guid(…)`");
            return refuse(i, fault.help(format!("write `guid({text})`")));
        }
        _ => return miss(i, "a literal"),
    };
    Ok((i.skip(1), (read.unwrap_or_else(|| unread(i, i.span(), text, ty)), ty)))
}

/// As for the reference, a text that cannot be read as its type is the null of the type.
fn unread(i: Tokens<'_>, span: Span, text: &str, ty: Type) -> Value<'static> {
    i.trace.notice(span, format!("`{text}` is not a value of type {ty}, so it is null"));
    Value::Null
}

/// `-1`, `+1.5`, `-1h`: a literal with its sign, in the places that take literals alone.
pub fn signed(i: Tokens<'_>) -> Step<'_, Expr> {
    let number = i.token(1);
    let digit = i.text(1).starts_with(|c: char| c.is_ascii_digit());
    if number.blank || !digit || !matches!(number.kind, Kind::Long | Kind::Real | Kind::Timespan) {
        return miss(i, "a literal");
    }
    let rest = i.skip(2);
    let span = i.span_to(rest);
    let text = span.of(i.trace.text);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (ty, value) = match number.kind {
        Kind::Long => (Type::Long, long::parse(text).map(Value::Long)),
        Kind::Real => (Type::Real, real::parse(text).map(Value::Real)),
        _ => (Type::Timespan, timespan::parse(text).map(Value::Timespan)),
    };
    let value = value.unwrap_or_else(|| unread(i, span, text, ty));
    Ok((rest, Expr { kind: ExprKind::Literal { value, ty }, span }))
}

/// The value of `type(text)`; quotes inside are allowed, `null` is a value of every type.
fn typed(token: &str, ty: Type) -> Option<Value<'static>> {
    let text = token.split_once('(').map_or(token, |(_, inside)| inside);
    let text = text.strip_suffix(')').unwrap_or(text).trim();
    let unquoted = match text.chars().next() {
        Some(quote @ ('"' | '\'')) if text.len() > 1 && text.ends_with(quote) => &text[1..text.len() - 1],
        _ => text,
    };
    if text == "null" {
        return Some(Value::Null);
    }
    Some(match ty {
        Type::Bool => match unquoted.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            number => Value::Bool(long::parse(number)? != 0),
        },
        Type::Int => Value::Int(i32::try_from(long::parse(unquoted)?).ok()?),
        Type::Long => Value::Long(long::parse(unquoted)?),
        Type::Real => Value::Real(real::parse(unquoted)?),
        Type::Decimal => Value::Decimal(decimal::parse(unquoted)?),
        Type::Datetime => Value::Datetime(datetime::parse(unquoted).or_else(|| civil(unquoted))?),
        Type::Timespan => Value::Timespan(timespan::parse(unquoted)?),
        Type::Guid => Value::Guid(guid::parse(unquoted)?),
        Type::String | Type::Dynamic => return None,
    })
}

/// `2025, 6, 14[, 13, 45[, 30]]`: year, month, day and so on as numbers.
fn civil(text: &str) -> Option<i64> {
    let numbers: Option<Vec<u32>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    let numbers = numbers.filter(|numbers| (3..=6).contains(&numbers.len()) && numbers.len() != 4)?;
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    datetime::Civil {
        year: i32::try_from(at(0)).ok()?,
        month: at(1),
        day: at(2),
        hour: at(3),
        minute: at(4),
        second: at(5),
        fraction: 0,
    }
    .ticks()
}

/// `dynamic(…)` of JSON, into which KQL's own literals may be mixed.
pub fn dynamic(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, _) = word("dynamic")(i)?;
    let (rest, _) = must(punct("("))(rest)?;
    let (rest, tree) = must(json)(rest)?;
    let (rest, _) = must(punct(")"))(rest)?;
    let kind = ExprKind::Literal { value: Value::json(tree), ty: Type::Dynamic };
    Ok((rest, Expr { kind, span: i.span_to(rest) }))
}

pub fn json(i: Tokens<'_>) -> Step<'_, Json> {
    nest(i, |i| match i.kind(0) {
        Kind::Punct("[") => {
            let (i, items) = any_commas(i.skip(1), false, json)?;
            let (i, _) = must(punct("]"))(i)?;
            Ok((i, Json::Array(items)))
        }
        Kind::Punct("{") => {
            let (i, pairs) = any_commas(i.skip(1), false, json_pair)?;
            let (i, _) = must(punct("}"))(i)?;
            Ok((i, Json::Object(pairs.into_iter().collect())))
        }
        Kind::Punct("-") if matches!(i.kind(1), Kind::Long | Kind::Real) => {
            let (rest, (value, _)) = value(i.skip(1))?;
            let json = match value {
                Value::Long(x) => Json::from(x.wrapping_neg()),
                Value::Real(x) => real::json(-x),
                _ => Json::Null,
            };
            Ok((rest, json))
        }
        Kind::Word(word) if word.text == "null" => Ok((i.skip(1), Json::Null)),
        Kind::Word(word) if word.text == "dynamic" => {
            let (rest, _) = must(punct("("))(i.skip(1))?;
            let (rest, tree) = must(json)(rest)?;
            let (rest, _) = must(punct(")"))(rest)?;
            Ok((rest, tree))
        }
        Kind::Typed(Type::Int) => miss(i, "a JSON value"),
        Kind::String | Kind::Bool | Kind::Long | Kind::Real | Kind::Timespan | Kind::Typed(_) | Kind::RawGuid => {
            let (rest, (value, _)) = value(i)?;
            Ok((rest, value.to_json()))
        }
        _ => miss(i, "a JSON value"),
    })
}

pub fn json_pair(i: Tokens<'_>) -> Step<'_, (String, Json)> {
    let (i, key) = string(i)?;
    let (i, _) = must(punct(":"))(i)?;
    let (i, value) = must(json)(i)?;
    Ok((i, (key, value)))
}

/// `typeof(long)`, `typeof(a:string, b:long)`
pub fn type_of(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, _) = word("typeof")(i)?;
    let (rest, _) = must(punct("("))(rest)?;
    let (rest, kind) = if rest.is_punct(1, ")") && !rest.is_punct(0, ")") {
        let (rest, ty) = must(any_type)(rest)?;
        (rest, ExprKind::TypeofScalar(ty))
    } else {
        let (rest, columns) = any_commas(rest, false, column_decl)?;
        (rest, ExprKind::Typeof(columns))
    };
    let (rest, _) = must(punct(")"))(rest)?;
    Ok((rest, Expr { kind, span: i.span_to(rest) }))
}
