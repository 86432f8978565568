//! union, find, search: many tables at once.
//! <https://learn.microsoft.com/kusto/query/union-operator>
use super::super::ast::{Expr, ExprKind, FindColumn, OperatorKind};
use super::super::expr::{expression, parenthesised, path};
use super::super::names::{any_type, name, wildcard};
use super::super::settings::settings;
use super::render::as_;
use crate::syntax::combinators::{Step, Tokens, commas, maybe, miss, must, punct, word};
use crate::syntax::tokens::Kind;

/// The settings of union besides the known ones.
pub const UNION: &[&str] = &["best_effort"];

/// `union withsource=S T1, (T2 | take 1), Device*`
pub fn union(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, UNION, true)?;
    let (i, tables) = commas(i, false, union_table)?;
    Ok((i, OperatorKind::Union { options, tables }))
}

/// A query in parentheses, or a table.
pub fn union_table(i: Tokens<'_>) -> Step<'_, Expr> {
    if i.is_punct(0, "(") { parenthesised(i) } else { table(i) }
}

/// A table by name, path or pattern.
pub fn table(i: Tokens<'_>) -> Step<'_, Expr> {
    if let Ok((rest, name)) = wildcard(i) {
        return Ok((rest, Expr { kind: ExprKind::Wildcard(name), span: i.span_to(rest) }));
    }
    let (mut rest, mut expr) = path(i)?;
    // `database('d').Device*`
    if rest.is_punct(0, ".")
        && let Ok((after, name)) = wildcard(rest.skip(1))
    {
        expr = Expr { kind: ExprKind::Path { base: Box::new(expr), name }, span: i.span_to(after) };
        rest = after;
    }
    Ok((rest, expr))
}

/// `in (T1, T2*)`, or nothing.
fn in_tables(i: Tokens<'_>) -> Step<'_, Vec<Expr>> {
    if i.is_word(0, "in") { must(tables)(i.skip(1)) } else { Ok((i, Vec::new())) }
}

/// `(T1, T2*)`
pub fn tables(i: Tokens<'_>) -> Step<'_, Vec<Expr>> {
    let (i, _) = punct("(")(i)?;
    let (i, tables) = commas(i, false, find_table)?;
    let (i, _) = punct(")")(i)?;
    Ok((i, tables))
}

/// A table, which may get another name: `T | as X`.
pub fn find_table(i: Tokens<'_>) -> Step<'_, Expr> {
    let (rest, source) = table(i)?;
    let named = matches!(source.kind, ExprKind::Name(_));
    if !(named && rest.is_punct(0, "|") && rest.is_word(1, "as")) {
        return Ok((rest, source));
    }
    let word = rest.skip(1);
    let (rest, kind) = must(as_)(rest.skip(2))?;
    let operator = super::super::ast::Operator { kind, span: word.span_to(rest), word: word.span() };
    let kind = ExprKind::Pipe { source: Box::new(source), operators: vec![operator] };
    Ok((rest, Expr { kind, span: i.span_to(rest) }))
}

/// `find withsource=S in (T*) where a == 1 project a, pack(*)`
pub fn find(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], false)?;
    let (i, tables) = in_tables(i)?;
    let i = if options.is_empty() && tables.is_empty() { maybe(i, word("where"))?.0 } else { word("where")(i)?.0 };
    let (i, predicate) = expression(i)?;
    let (i, project) = maybe(i, find_project)?;
    let (project, project_smart) = project.unwrap_or_default();
    Ok((i, OperatorKind::Find { options, tables, predicate, project, project_smart }))
}

/// `project a, pack(*)`, `project-smart`: the columns, and whether they are chosen for the user.
pub fn find_project(i: Tokens<'_>) -> Step<'_, (Vec<FindColumn>, bool)> {
    if i.is_word(0, "project-smart") {
        return Ok((i.skip(1), (Vec::new(), true)));
    }
    let (i, _) = word("project")(i)?;
    let (i, columns) = must(|i| commas(i, false, find_column))(i)?;
    Ok((i, (columns, false)))
}

pub fn find_column(i: Tokens<'_>) -> Step<'_, FindColumn> {
    match i.kind(0) {
        Kind::Word(pack) if pack.text == "pack" && i.is_punct(1, "(") => {
            let (i, _) = punct("*")(i.skip(2))?;
            let (i, _) = punct(")")(i)?;
            Ok((i, FindColumn::PackAll))
        }
        Kind::Punct("*") => Ok((i.skip(1), FindColumn::Star)),
        _ => {
            let (i, name) = name(i)?;
            let (i, ty) = if i.is_punct(0, ":") {
                let (i, ty) = must(any_type)(i.skip(1))?;
                (i, Some(ty))
            } else {
                (i, None)
            };
            Ok((i, FindColumn::Column(name, ty)))
        }
    }
}

/// `search kind=case_sensitive in (T) "text" and a == 1`
pub fn search(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, tables) = in_tables(i)?;
    let (i, predicate) = match maybe(i, expression)? {
        (rest, Some(predicate)) => (rest, predicate),
        (i, None) => star_search(i)?,
    };
    Ok((i, OperatorKind::Search { options, tables, predicate }))
}

/// `*`, `* and predicate`
fn star_search(i: Tokens<'_>) -> Step<'_, Expr> {
    if !i.is_punct(0, "*") {
        return miss(i, "an expression");
    }
    let star = Expr { kind: ExprKind::Star, span: i.span() };
    let rest = i.skip(1);
    if !rest.is_word(0, "and") {
        return Ok((rest, star));
    }
    let (rest, right) = must(expression)(rest.skip(1))?;
    let mut terms = vec![star];
    match right.kind {
        ExprKind::Chain { op: "and", terms: more } => terms.extend(more),
        kind => terms.push(Expr { kind, span: right.span }),
    }
    Ok((rest, Expr { kind: ExprKind::Chain { op: "and", terms }, span: i.span_to(rest) }))
}
