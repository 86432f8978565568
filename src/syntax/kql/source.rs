//! Tables written into the query: datatable, externaldata.
//! <https://learn.microsoft.com/kusto/query/datatable-operator>
use super::ast::{Expr, ExprKind, Name};
use super::expr::expression;
use super::literal::{literal, value};
use super::names::{label, row_schema};
use super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, any_commas, maybe, must, nest, punct, refuse, word};
use crate::text::codes;

/// `datatable (a:string, b:long) ["x", 1, "y", 2]`
pub fn datatable(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, _) = word("datatable")(i)?;
    let (rest, _) = settings(rest, &[], false)?;
    let (rest, columns) = must(row_schema)(rest)?;
    let (rest, _) = must(punct("["))(rest)?;
    let (rest, _) = maybe(rest, punct(","))?;
    let (rest, values) = nest(rest, |i| any_commas(i, true, literal))?;
    let (rest, _) = must(punct("]"))(rest)?;
    Ok((rest, Expr { kind: ExprKind::Datatable { columns, values }, span: i.span_to(rest) }))
}

/// `externaldata (a:string) [@"url"] with (format="csv")`
pub fn externaldata(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, _) = settings(i.skip(1), &[], false)?;
    let (rest, columns) = must(row_schema)(rest)?;
    let (rest, _) = must(punct("["))(rest)?;
    let (rest, urls) = any_commas(rest, true, expression)?;
    let (rest, _) = must(punct("]"))(rest)?;
    let (rest, properties) = if rest.is_word(0, "with") {
        let (rest, _) = must(punct("("))(rest.skip(1))?;
        let (rest, properties) = any_commas(rest, false, property)?;
        let (rest, _) = must(punct(")"))(rest)?;
        (rest, properties)
    } else {
        (rest, Vec::new())
    };
    Ok((rest, Expr { kind: ExprKind::Externaldata { columns, urls, properties }, span: i.span_to(rest) }))
}

/// `format = "csv"`, `ignoreFirstRecord = true`
pub fn property(i: Tokens<'_>) -> Step<'_, (Name, Expr)> {
    let (i, name) = label(i)?;
    let (i, _) = must(punct("="))(i)?;
    if let (rest, Some((value, ty))) = maybe(i, value)? {
        let value = Expr { kind: ExprKind::Literal { value, ty }, span: i.span_to(rest) };
        return Ok((rest, (name, value)));
    }
    let (rest, value) = must(label)(i)?;
    let span = value.span;
    Ok((rest, (name, Expr { kind: ExprKind::Name(value), span })))
}

/// Sources that the engine writes for itself.
pub fn inline_sources(i: Tokens<'_>) -> Step<'_, Expr> {
    let text = i.text(0);
    refuse(i, codes::OUT_OF_SCOPE.at(i.span(), format!("`{text}` is the engine's own, not for queries")))
}
