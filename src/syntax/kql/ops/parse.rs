//! parse, parse-where, parse-kv: columns from text.
//! <https://learn.microsoft.com/kusto/query/parse-operator>
use super::super::ast::{OperatorKind, ParsePart};
use super::super::expr::expression;
use super::super::literal::strings;
use super::super::names::{column_type, label, row_schema};
use super::super::settings::{properties, settings};
use crate::syntax::combinators::{Step, Tokens, maybe, must, punct, word};
use crate::syntax::tokens::Kind;

/// The settings of parse besides the known ones.
pub const PARSE: &[&str] = &["flags"];

/// `parse kind=regex a with * "text" name:long *`
pub fn parse(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    parse_with(i, false)
}

/// As parse, but rows that do not fit are dropped.
pub fn parse_where(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    parse_with(i, true)
}

fn parse_with(i: Tokens<'_>, filter: bool) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, PARSE, true)?;
    let (i, expr) = expression(i)?;
    let (mut i, _) = word("with")(i)?;
    let mut pattern = Vec::new();
    while let (rest, Some(part)) = maybe(i, part)? {
        pattern.push(part);
        i = rest;
    }
    Ok((i, OperatorKind::Parse { filter, options, expr: Box::new(expr), pattern }))
}

/// `*`, `"text"`, `name:long`
pub fn part(i: Tokens<'_>) -> Step<'_, ParsePart> {
    match i.kind(0) {
        Kind::Punct("*") => return Ok((i.skip(1), ParsePart::Star(i.span()))),
        Kind::String => {
            let (rest, text) = strings(i)?;
            return Ok((rest, ParsePart::Text(text, i.span_to(rest))));
        }
        _ => {}
    }
    let (i, name) = label(i)?;
    if !i.is_punct(0, ":") {
        return Ok((i, ParsePart::Column(name, None)));
    }
    let (i, ty) = must(column_type)(i.skip(1))?;
    Ok((i, ParsePart::Column(name, Some(ty))))
}

/// The properties of parse-kv.
pub const KV: &[&str] = &["pair_delimiter", "kv_delimiter", "regex", "quote", "escape", "greedy"];

/// `parse-kv a as (k:string) with (pair_delimiter = ",")`
pub fn parse_kv(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, expr) = expression(i)?;
    let (i, _) = word("as")(i)?;
    let (i, columns) = row_schema(i)?;
    let (i, options) = if i.is_word(0, "with") {
        let (i, _) = punct("(")(i.skip(1))?;
        properties(i, KV)?
    } else {
        (i, Vec::new())
    };
    Ok((i, OperatorKind::ParseKv { expr: Box::new(expr), columns, options }))
}
