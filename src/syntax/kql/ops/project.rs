//! The project family, extend, distinct, serialize: other columns.
//! <https://learn.microsoft.com/kusto/query/project-operator>
use super::super::ast::{Expr, ExprKind, Named, OperatorKind, Pattern, ReorderBy};
use super::super::expr::{begins_star_search, expression, named};
use super::super::names::pattern;
use super::super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, any_commas, commas};

/// `project a, b = c`
pub fn project(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = any_commas(i, false, named)?;
    Ok((i, OperatorKind::Project { columns }))
}

/// `extend a = b`
pub fn extend(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = commas(i, false, named)?;
    Ok((i, OperatorKind::Extend { columns }))
}

/// `project-rename a = b`
pub fn project_rename(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = any_commas(i, false, named)?;
    Ok((i, OperatorKind::ProjectRename { columns }))
}

/// `project-away a*, b`
pub fn project_away(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = any_commas(i, false, pattern)?;
    Ok((i, OperatorKind::ProjectAway { columns }))
}

/// `project-keep a*, b`
pub fn project_keep(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = any_commas(i, false, pattern)?;
    Ok((i, OperatorKind::ProjectKeep { columns }))
}

/// `project-by-names 'a', dynamic(['b*']), column_names_of(T)`
pub fn project_by_names(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, names) = any_commas(i, false, expression)?;
    Ok((i, OperatorKind::ProjectByNames { names }))
}

/// `project-reorder a, b* desc`
pub fn project_reorder(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = any_commas(i, false, reordered)?;
    Ok((i, OperatorKind::ProjectReorder { columns }))
}

pub fn reordered(i: Tokens<'_>) -> Step<'_, Pattern> {
    let (i, mut pattern) = pattern(i)?;
    pattern.order = match i.text(0) {
        "asc" => Some(ReorderBy::Asc),
        "desc" => Some(ReorderBy::Desc),
        "granny-asc" => Some(ReorderBy::GrannyAsc),
        "granny-desc" => Some(ReorderBy::GrannyDesc),
        _ => return Ok((i, pattern)),
    };
    Ok((i.skip(1), pattern))
}

/// `distinct a, b`, `distinct *`
pub fn distinct(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, columns) = commas(i, false, distinct_column)?;
    Ok((i, OperatorKind::Distinct { options, columns }))
}

/// A column, or `*` for all.
pub fn distinct_column(i: Tokens<'_>) -> Step<'_, Named> {
    if i.is_punct(0, "*") && !begins_star_search(i) {
        let expr = Expr { kind: ExprKind::Star, span: i.span() };
        return Ok((i.skip(1), Named { names: Vec::new(), expr }));
    }
    named(i)
}

/// `serialize`, `serialize a = b`
pub fn serialize(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, _) = settings(i, &[], true)?;
    let (i, columns) = any_commas(i, false, named)?;
    Ok((i, OperatorKind::Serialize { columns }))
}
