//! parse, parse-where, parse-kv: columns from text.
//! <https://learn.microsoft.com/kusto/query/parse-operator>
use super::super::ast::{OperatorKind, ParsePart};
use super::super::expr::expression;
use super::super::literal::strings;
use super::super::names::{column_type, label, row_schema};
use super::super::settings::{properties, settings};
use crate::syntax::combinators::{Step, Tokens, must, word};
use crate::syntax::tokens::Kind;

/// `parse kind=regex a with * "text" name:long *`
pub fn parse(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    parse_with(i, false)
}

/// As parse, but rows that do not fit are dropped.
pub fn parse_where(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    parse_with(i, true)
}

fn parse_with(i: Tokens<'_>, filter: bool) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &["flags"], true)?;
    let (i, expr) = expression(i)?;
    let (mut i, _) = word("with")(i)?;
    let mut pattern = Vec::new();
    loop {
        let part;
        (i, part) = match i.kind(0) {
            Kind::Punct("*") => (i.skip(1), ParsePart::Star(i.span())),
            Kind::String => {
                let (rest, text) = strings(i)?;
                (rest, ParsePart::Text(text, i.span_to(rest)))
            }
            _ => match label(i) {
                Ok((rest, name)) if rest.is_punct(0, ":") => {
                    let (rest, ty) = must(column_type)(rest.skip(1))?;
                    (rest, ParsePart::Column(name, Some(ty)))
                }
                Ok((rest, name)) => (rest, ParsePart::Column(name, None)),
                Err(_) => break,
            },
        };
        pattern.push(part);
    }
    Ok((i, OperatorKind::Parse { filter, options, expr: Box::new(expr), pattern }))
}

/// `parse-kv a as (k:string) with (pair_delimiter = ",")`
pub fn parse_kv(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, expr) = expression(i)?;
    let (i, _) = word("as")(i)?;
    let (i, columns) = row_schema(i)?;
    let (i, options) = if i.is_word(0, "with") {
        properties(i.skip(1), &["pair_delimiter", "kv_delimiter", "regex", "quote", "escape", "greedy"])?
    } else {
        (i, Vec::new())
    };
    Ok((i, OperatorKind::ParseKv { expr: Box::new(expr), columns, options }))
}
