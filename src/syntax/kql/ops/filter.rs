//! where, take, sample, sample-distinct, count: fewer rows.
//! <https://learn.microsoft.com/kusto/query/where-operator>
use super::super::ast::OperatorKind;
use super::super::expr::loosely_named;
use super::super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, miss, word};
use crate::syntax::tokens::Kind;

/// `where predicate`
pub fn where_(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, _) = settings(i, &[], true)?;
    // `where a = b` names the predicate `b`; the name means nothing, as in the reference.
    let (i, predicate) = loosely_named(i)?;
    Ok((i, OperatorKind::Where { predicate }))
}

/// `take 10`
pub fn take(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, _) = settings(i, &[], true)?;
    let (i, count) = loosely_named(i)?;
    Ok((i, OperatorKind::Take { count: Box::new(count) }))
}

/// `sample 10`
pub fn sample(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, _) = settings(i, &[], true)?;
    let (i, count) = loosely_named(i)?;
    Ok((i, OperatorKind::Sample { count: Box::new(count) }))
}

/// `sample-distinct 10 of DeviceId`
pub fn sample_distinct(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, _) = settings(i, &[], true)?;
    let (i, count) = loosely_named(i)?;
    let (i, _) = word("of")(i)?;
    let (i, of) = loosely_named(i)?;
    Ok((i, OperatorKind::SampleDistinct { count: Box::new(count), of: Box::new(of) }))
}

/// `count`, `count as n`
pub fn count(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    if !i.is_word(0, "as") {
        return Ok((i, OperatorKind::Count { name: None }));
    }
    let i = i.skip(1);
    if i.kind(0) != Kind::Name {
        return miss(i, "a name");
    }
    let (i, name) = super::super::names::name(i)?;
    Ok((i, OperatorKind::Count { name: Some(name) }))
}
