//! summarize, make-series, reduce: groups.
//! <https://learn.microsoft.com/kusto/query/summarize-operator>
use super::super::ast::{Named, OperatorKind, SeriesAggregate};
use super::super::expr::{expression, loosely_named, named};
use super::super::settings::{settings, word_settings};
use crate::syntax::combinators::{Step, Tokens, commas, maybe, miss, must, punct, refuse, word};
use crate::syntax::tokens::Kind;
use crate::text::codes;

/// `summarize n = count() by a, b = bin(t, 1h)`
pub fn summarize(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, aggregates) = if ends_or(i, &["by"]) {
        (i, Vec::new())
    } else {
        commas(i, false, |i| if i.is_word(0, "by") { miss(i, "an expression") } else { named(i) })?
    };
    let (i, by) = by(i)?;
    if i.is_word(0, "bin") && i.is_punct(1, "=") {
        let fault = codes::NOT_YET.at(i.span(), "`bin=` after the columns is an old form that is not here");
        return refuse(i, fault.help("write `bin(column, size)`"));
    }
    Ok((i, OperatorKind::Summarize { options, aggregates, by }))
}

/// Whether a list that may be empty is: the stage ends here, or one of the words follows.
fn ends_or(i: Tokens<'_>, words: &[&str]) -> bool {
    match i.kind(0) {
        Kind::End | Kind::Punct(")" | "]" | "}" | "|" | ";") => true,
        Kind::Word(word) => words.contains(&word.text),
        _ => false,
    }
}

/// `by a, b`, or nothing.
fn by(i: Tokens<'_>) -> Step<'_, Vec<Named>> {
    match maybe(i, word("by"))? {
        (i, Some(_)) => must(|i| commas(i, false, key))(i),
        (i, None) => Ok((i, Vec::new())),
    }
}

/// A group's key; `bin = 1d` is none but the old form of a size for all keys.
fn key(i: Tokens<'_>) -> Step<'_, Named> {
    let size = matches!(i.kind(2), Kind::Long | Kind::Real | Kind::Timespan | Kind::Typed(_) | Kind::String);
    if i.is_word(0, "bin") && i.is_punct(1, "=") && size { miss(i, "a column") } else { named(i) }
}

/// `make-series n = count() default = 0 on t from … to … step 1h by a`
pub fn make_series(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, aggregates) = commas(i, false, series_aggregate)?;
    let (i, _) = word("on")(i)?;
    let (i, on) = named(i)?;
    let (i, (from, to, step, in_range)) = if i.is_word(0, "in") {
        let (i, _) = word("range")(i.skip(1))?;
        let (i, _) = punct("(")(i)?;
        let (i, from) = loosely_named(i)?;
        let (i, _) = punct(",")(i)?;
        let (i, to) = loosely_named(i)?;
        let (i, _) = punct(",")(i)?;
        let (i, step) = loosely_named(i)?;
        let (i, _) = punct(")")(i)?;
        (i, (Some(from), Some(to), step, true))
    } else {
        let (i, from) = clause(i, "from")?;
        let (i, to) = clause(i, "to")?;
        let (i, _) = word("step")(i)?;
        let (i, step) = expression(i)?;
        (i, (from, to, step, false))
    };
    let (i, by) = by(i)?;
    let kind = OperatorKind::MakeSeries {
        options,
        aggregates,
        on: Box::new(on),
        from: from.map(Box::new),
        to: to.map(Box::new),
        step: Some(Box::new(step)),
        in_range,
        by,
    };
    Ok((i, kind))
}

fn clause<'t>(i: Tokens<'t>, text: &'static str) -> Step<'t, Option<super::super::ast::Expr>> {
    match maybe(i, word(text))? {
        (i, Some(_)) => {
            let (i, expr) = must(expression)(i)?;
            Ok((i, Some(expr)))
        }
        (i, None) => Ok((i, None)),
    }
}

pub fn series_aggregate(i: Tokens<'_>) -> Step<'_, SeriesAggregate> {
    if matches!(i.text(0), "on" | "from" | "in") {
        return miss(i, "an expression");
    }
    let (i, aggregate) = named(i)?;
    if !i.is_word(0, "default") {
        return Ok((i, SeriesAggregate { aggregate, default: None }));
    }
    let (i, _) = must(punct("="))(i.skip(1))?;
    let (i, default) = must(loosely_named)(i)?;
    Ok((i, SeriesAggregate { aggregate, default: Some(default) }))
}

/// The properties of reduce.
pub const REDUCE: &[&str] = &["threshold", "characters"];

/// `reduce by a with threshold = 0.1`
pub fn reduce(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], false)?;
    let (i, _) = word("by")(i)?;
    let (i, by) = loosely_named(i)?;
    let (i, with) = if i.is_word(0, "with") { word_settings(i.skip(1), REDUCE)? } else { (i, Vec::new()) };
    Ok((i, OperatorKind::Reduce { options, by: Box::new(by), with }))
}
