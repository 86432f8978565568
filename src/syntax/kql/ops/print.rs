//! print, range, evaluate, invoke: rows from nothing, rows from functions.
//! <https://learn.microsoft.com/kusto/query/print-operator>
use super::super::ast::OperatorKind;
use super::super::expr::{call, expression, named};
use super::super::names::{column_decl, name};
use super::super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, any_commas, commas, maybe, must, punct, word};

/// `print a = 1, 2`
pub fn print(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = commas(i, false, named)?;
    Ok((i, OperatorKind::Print { columns }))
}

/// `range x from 1 to 10 step 1`
pub fn range(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, name) = name(i)?;
    let (i, _) = word("from")(i)?;
    let (i, from) = expression(i)?;
    let (i, _) = word("to")(i)?;
    let (i, to) = expression(i)?;
    let (i, _) = word("step")(i)?;
    let (i, step) = expression(i)?;
    Ok((i, OperatorKind::Range { name, from: Box::new(from), to: Box::new(to), step: Box::new(step) }))
}

/// `evaluate f(a) : (b:long, c:string)`
pub fn evaluate(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], false)?;
    let (i, (name, args)) = call(i)?;
    if !i.is_punct(0, ":") {
        return Ok((i, OperatorKind::Evaluate { options, name, args, schema: None, rest: false }));
    }
    let (i, _) = punct("(")(i.skip(1))?;
    let (i, _) = maybe(i, punct(","))?;
    let (i, star) = maybe(i, punct("*"))?;
    let (i, _) = maybe(i, punct(","))?;
    let (i, columns) = any_commas(i, true, column_decl)?;
    let (i, _) = must(punct(")"))(i)?;
    Ok((i, OperatorKind::Evaluate { options, name, args, schema: Some(columns), rest: star.is_some() }))
}

/// `invoke f(a)`
pub fn invoke(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (mut i, (name, args)) = call(i)?;
    if !i.is_punct(0, ".") {
        return Ok((i, OperatorKind::Invoke { name, args }));
    }
    while i.is_punct(0, ".") {
        i = must(call)(i.skip(1))?.0;
    }
    Ok((i, OperatorKind::Other { what: "invoke of another database's function" }))
}
