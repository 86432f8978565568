//! sort, order, top: rows in order.
//! <https://learn.microsoft.com/kusto/query/sort-operator>
use super::super::ast::{OperatorKind, SortKey};
use super::super::expr::loosely_named;
use super::super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, commas, maybe, miss, word};

/// `sort by a desc nulls last, b`
pub fn sort(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], false)?;
    let (i, _) = word("by")(i)?;
    let (i, keys) = commas(i, false, sort_key)?;
    Ok((i, OperatorKind::Sort { options, keys }))
}

/// `top 10 by a desc`
pub fn top(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, count) = loosely_named(i)?;
    let (i, _) = word("by")(i)?;
    let (i, key) = sort_key(i)?;
    Ok((i, OperatorKind::Top { count: Box::new(count), keys: vec![key], options }))
}

/// `a desc nulls first`
pub fn sort_key(i: Tokens<'_>) -> Step<'_, SortKey> {
    let (i, expr) = loosely_named(i)?;
    let (i, descending) = direction(i);
    let (i, nulls) = maybe(i, word("nulls"))?;
    if nulls.is_none() {
        return Ok((i, SortKey { expr, descending, nulls_first: None }));
    }
    match i.text(0) {
        "first" => Ok((i.skip(1), SortKey { expr, descending, nulls_first: Some(true) })),
        "last" => Ok((i.skip(1), SortKey { expr, descending, nulls_first: Some(false) })),
        _ => miss(i, "`first` or `last`"),
    }
}

/// `asc`, `desc` (and the granny forms, which sort as the plain ones do).
pub fn direction(i: Tokens<'_>) -> (Tokens<'_>, Option<bool>) {
    match i.text(0) {
        "asc" | "granny-asc" => (i.skip(1), Some(false)),
        "desc" | "granny-desc" => (i.skip(1), Some(true)),
        _ => (i, None),
    }
}
