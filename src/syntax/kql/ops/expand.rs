//! mv-expand, mv-apply: rows from arrays.
//! <https://learn.microsoft.com/kusto/query/mv-expand-operator>
use super::super::ast::{Expr, ExprKind, MvColumn, OperatorKind, Setting};
use super::super::expr::{expression, named};
use super::super::literal::type_of;
use super::super::names::label;
use super::super::query::sub_pipeline;
use super::super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, commas, maybe, miss, must, refuse, word};
use crate::text::codes;
use crate::types::Type;

/// `mv-expand kind=array a = b to typeof(long), c limit 10`
pub fn mv_expand(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, columns) = commas(i, false, |i| if i.is_word(0, "limit") { miss(i, "a column") } else { column(i) })?;
    let (i, limit) = limit(i)?;
    Ok((i, OperatorKind::MvExpand { options, columns, limit }))
}

/// `mv-apply a = b to typeof(long) limit 10 on (where a > 1)`
pub fn mv_apply(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, mut options) = settings(i, &[], true)?;
    let (i, columns) = commas(i, false, |i| if ends_columns(i) { miss(i, "a column") } else { column(i) })?;
    let (i, limit) = limit(i)?;
    let i = if i.is_word(0, "id") {
        let (rest, value) = must(expression)(i.skip(1))?;
        let (_, name) = label(i)?;
        options.push(Setting { name, value });
        rest
    } else {
        i
    };
    let (i, _) = word("on")(i)?;
    if i.is_word(1, "__contextual_datatable") {
        return refuse(i, codes::OUT_OF_SCOPE.at(i.span(), "`__contextual_datatable` is the engine's own"));
    }
    let (i, body) = sub_pipeline(i)?;
    Ok((i, OperatorKind::MvApply { options, columns, limit, body }))
}

/// Whether the word here ends the columns of mv-apply, and is no column of that name.
fn ends_columns(i: Tokens<'_>) -> bool {
    let ends = matches!(i.text(0), "limit" | "id" | "on") && matches!(i.kind(0), crate::syntax::tokens::Kind::Word(_));
    ends && !(i.is_punct(1, ",") || i.is_punct(1, "=") || i.is_word(1, "to"))
}

pub fn column(i: Tokens<'_>) -> Step<'_, MvColumn> {
    let (i, column) = named(i)?;
    let (i, to) = to_type(i)?;
    Ok((i, MvColumn { column, to }))
}

fn to_type(i: Tokens<'_>) -> Step<'_, Option<Type>> {
    let (i, to) = maybe(i, word("to"))?;
    if to.is_none() {
        return Ok((i, None));
    }
    match must(type_of)(i)? {
        (rest, Expr { kind: ExprKind::TypeofScalar(ty), .. }) => Ok((rest, Some(ty))),
        _ => refuse(i, codes::SYNTAX.at(i.span(), "one type is expected here")),
    }
}

fn limit(i: Tokens<'_>) -> Step<'_, Option<Box<Expr>>> {
    match maybe(i, word("limit"))? {
        (i, Some(_)) => {
            let (i, count) = must(expression)(i)?;
            Ok((i, Some(Box::new(count))))
        }
        (i, None) => Ok((i, None)),
    }
}
