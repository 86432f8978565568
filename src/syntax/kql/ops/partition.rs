//! partition, fork, facet: one input, several answers.
//! <https://learn.microsoft.com/kusto/query/partition-operator>
use super::super::ast::{Name, Operator, OperatorKind, PartitionBody};
use super::super::names::{column, name};
use super::super::query::{pipe, sub_pipeline};
use super::super::settings::settings;
use super::operator;
use crate::syntax::combinators::{Step, Tokens, commas, must, nest, punct, word};

/// `partition by a (take 1)`, `partition by a { T | where … }`
pub fn partition(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], false)?;
    let (i, _) = word("by")(i)?;
    let (i, by) = column(i)?;
    if i.is_punct(0, "{") {
        let (i, query) = must(|i| nest(i, pipe))(i.skip(1))?;
        let (i, _) = punct("}")(i)?;
        return Ok((i, OperatorKind::Partition { options, by, body: PartitionBody::Query(Box::new(query)) }));
    }
    let (i, operators) = sub_pipeline(i)?;
    Ok((i, OperatorKind::Partition { options, by, body: PartitionBody::Operators(operators) }))
}

/// `fork (take 1) n = (count)`
pub fn fork(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (mut i, first) = branch(i)?;
    let mut branches = vec![first];
    while i.is_punct(0, "(") || name(i).is_ok_and(|(rest, _)| rest.is_punct(0, "=")) {
        let next;
        (i, next) = must(branch)(i)?;
        branches.push(next);
    }
    Ok((i, OperatorKind::Fork { branches }))
}

pub fn branch(i: Tokens<'_>) -> Step<'_, (Option<Name>, Vec<Operator>)> {
    let (i, label) = match name(i) {
        Ok((rest, label)) if rest.is_punct(0, "=") => (rest.skip(1), Some(label)),
        _ => (i, None),
    };
    let (i, operators) = sub_pipeline(i)?;
    Ok((i, (label, operators)))
}

/// `facet by a, b with (take 1)`
pub fn facet(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, _) = word("by")(i)?;
    let (i, columns) = commas(i, false, |i| {
        if i.is_word(0, "with") { crate::syntax::combinators::miss(i, "a column") } else { column(i) }
    })?;
    if !i.is_word(0, "with") {
        return Ok((i, OperatorKind::Facet { columns, with: None }));
    }
    let (i, with) = if i.is_punct(1, "(") {
        sub_pipeline(i.skip(1))?
    } else {
        let (i, one) = operator(i.skip(1))?;
        (i, vec![one])
    };
    Ok((i, OperatorKind::Facet { columns, with: Some(with) }))
}
