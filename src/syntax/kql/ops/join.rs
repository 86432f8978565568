//! join, lookup: columns of another table.
//! <https://learn.microsoft.com/kusto/query/join-operator>
use super::super::ast::{Expr, OperatorKind, Setting};
use super::super::expr::expression;
use super::super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, commas, must, refuse, word};
use crate::text::codes;

/// `join kind=inner (T) on a, $left.b == $right.c`
pub fn join(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, (options, right)) = table(i)?;
    if i.is_word(0, "where") {
        return refuse(i, codes::NOT_YET.at(i.span(), "`where` in a join is not here").help("write `on` and its keys"));
    }
    let (i, on) = if i.is_word(0, "on") { keys(i)? } else { (i, Vec::new()) };
    Ok((i, OperatorKind::Join { options, right: Box::new(right), on }))
}

/// `lookup kind=leftouter (T) on a`
pub fn lookup(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, (options, right)) = table(i)?;
    let (i, on) = keys(i)?;
    Ok((i, OperatorKind::Lookup { options, right: Box::new(right), on }))
}

fn table(i: Tokens<'_>) -> Step<'_, (Vec<Setting>, Expr)> {
    let (i, options) = settings(i, &[], true)?;
    let (i, right) = expression(i)?;
    Ok((i, (options, right)))
}

/// `on a, $left.b == $right.c`
pub fn keys(i: Tokens<'_>) -> Step<'_, Vec<Expr>> {
    let (i, _) = word("on")(i)?;
    must(|i| commas(i, false, expression))(i)
}
