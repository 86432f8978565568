//! scan: steps over rows in order.
//! <https://learn.microsoft.com/kusto/query/scan-operator>
use super::super::ast::{ColumnDecl, Expr, Name, OperatorKind, ParameterType, ScanStep};
use super::super::expr::expression;
use super::super::names::label;
use super::super::query::parameter;
use super::super::settings::settings;
use super::sort::sort_key;
use crate::syntax::combinators::{Step, Tokens, any_commas, commas, maybe, miss, must, punct, refuse, word};
use crate::text::codes;

/// `scan declare (n:long = 0) with (step s: true => n = s.n + 1;)`
pub fn scan(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], false)?;
    let (i, order) = if i.is_word(0, "order") {
        let (i, _) = word("by")(i.skip(1))?;
        commas(i, false, sort_key)?
    } else {
        (i, Vec::new())
    };
    let (i, partition) = if i.is_word(0, "partition") {
        let (i, _) = word("by")(i.skip(1))?;
        commas(i, false, expression)?
    } else {
        (i, Vec::new())
    };
    let (i, declare) = if i.is_word(0, "declare") {
        let (i, _) = punct("(")(i.skip(1))?;
        let (i, columns) = any_commas(i, false, declared)?;
        let (i, _) = must(punct(")"))(i)?;
        (i, columns)
    } else {
        (i, Vec::new())
    };
    let (i, _) = word("with")(i)?;
    let (mut i, _) = punct("(")(i)?;
    let mut steps = Vec::new();
    while i.is_word(0, "step") {
        let next;
        (i, next) = must(step)(i)?;
        steps.push(next);
    }
    let (i, _) = if steps.is_empty() { word("step")(i)? } else { punct(")")(i)? };
    Ok((i, OperatorKind::Scan { options, order, partition, declare, steps }))
}

pub fn declared(i: Tokens<'_>) -> Step<'_, (ColumnDecl, Option<Expr>)> {
    let (rest, parameter) = parameter(i)?;
    match parameter.ty {
        ParameterType::Scalar(ty) => Ok((rest, (ColumnDecl { name: parameter.name, ty }, parameter.default))),
        ParameterType::Table { .. } => refuse(i, codes::WRONG_TYPE.at(i.span_to(rest), "a scalar type is expected")),
    }
}

/// `step s optional output = last: condition => a = 1, b = 2;`
pub fn step(i: Tokens<'_>) -> Step<'_, ScanStep> {
    let (i, _) = word("step")(i)?;
    let (i, name) = label(i)?;
    let (i, optional) = maybe(i, word("optional"))?;
    let (i, output) = if i.is_word(0, "output") {
        let (i, _) = punct("=")(i.skip(1))?;
        if !matches!(i.text(0), "all" | "last" | "none") {
            return miss(i, "`all`, `last` or `none`");
        }
        (i.skip(1), Some(Name { text: i.text(0).into(), span: i.span(), bracketed: false }))
    } else {
        (i, None)
    };
    let (i, _) = punct(":")(i)?;
    let (i, condition) = expression(i)?;
    let (i, assign) = if i.is_punct(0, "=>") { commas(i.skip(1), false, assignment)? } else { (i, Vec::new()) };
    let (i, _) = punct(";")(i)?;
    Ok((i, ScanStep { name, optional: optional.is_some(), output, condition, assign }))
}

pub fn assignment(i: Tokens<'_>) -> Step<'_, (Name, Expr)> {
    let (i, name) = label(i)?;
    let (i, _) = must(punct("="))(i)?;
    let (i, value) = must(expression)(i)?;
    Ok((i, (name, value)))
}
