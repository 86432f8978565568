//! top-hitters, top-nested.
//! <https://learn.microsoft.com/kusto/query/top-nested-operator>
use super::super::ast::{Expr, OperatorKind, TopNestedLevel};
use super::super::expr::{expression, loosely_named, named};
use super::super::literal::literal;
use super::sort::direction;
use crate::syntax::combinators::{Step, Tokens, maybe, must, punct, word};

/// `top-hitters 10 of a by b`
pub fn top_hitters(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, count) = loosely_named(i)?;
    let (i, _) = word("of")(i)?;
    let (i, of) = loosely_named(i)?;
    let (i, by) = match maybe(i, word("by"))? {
        (i, Some(_)) => {
            let (i, by) = loosely_named(i)?;
            (i, Some(Box::new(by)))
        }
        (i, None) => (i, None),
    };
    Ok((i, OperatorKind::TopHitters { count: Box::new(count), of: Box::new(of), by }))
}

/// `top-nested 3 of a with others = "x" by count(), top-nested of b by sum(c)`
pub fn top_nested(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (mut i, first) = level(i)?;
    let mut levels = vec![first];
    while i.is_punct(0, ",") {
        let (after, _) = must(word("top-nested"))(i.skip(1))?;
        let next;
        (i, next) = must(level)(after)?;
        levels.push(next);
    }
    Ok((i, OperatorKind::TopNested { levels }))
}

/// What stands for the rest of the values: a literal, or an expression that begins with none.
pub fn others(i: Tokens<'_>) -> Step<'_, Expr> {
    match maybe(i, literal)? {
        (rest, Some(others)) => Ok((rest, others)),
        (_, None) => expression(i),
    }
}

pub fn level(i: Tokens<'_>) -> Step<'_, TopNestedLevel> {
    let (rest, count) = if i.is_word(0, "of") { (i, None) } else { maybe(i, loosely_named)? };
    let (rest, _) = word("of")(rest)?;
    let (rest, of) = named(rest)?;
    let (rest, others) = if rest.is_word(0, "with") {
        let (rest, _) = word("others")(rest.skip(1))?;
        let (rest, _) = punct("=")(rest)?;
        let (rest, others) = others(rest)?;
        (rest, Some(others))
    } else {
        (rest, None)
    };
    let (rest, _) = word("by")(rest)?;
    let (rest, by) = named(rest)?;
    let (rest, descending) = direction(rest);
    let span = i.span_to(rest);
    Ok((rest, TopNestedLevel { count, of, others, by, descending, span }))
}
