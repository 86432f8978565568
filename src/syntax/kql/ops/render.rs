//! render, as, consume, getschema, assert-schema: what is said about the rows.
//! <https://learn.microsoft.com/kusto/query/render-operator>
use super::super::ast::{Name, OperatorKind};
use super::super::names::{name, row_schema};
use super::super::settings::{old_render_settings, properties, settings};
use crate::syntax::combinators::{Step, Tokens, maybe, miss, must, punct, word};
use crate::syntax::tokens::Kind;

pub const CHARTS: &[&str] = &[
    "table",
    "list",
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "3Dchart",
    "card",
    "treemap",
    "plotly",
    "graph",
    "sankey",
];

pub const PROPERTIES: &[&str] = &[
    "kind",
    "title",
    "accumulate",
    "xcolumn",
    "ycolumns",
    "anomalycolumns",
    "series",
    "xtitle",
    "ytitle",
    "xaxis",
    "yaxis",
    "legend",
    "ysplit",
    "ymin",
    "ymax",
    "xmin",
    "xmax",
];

/// Whether a chart's name, or a word that may be one, stands here.
pub fn is_chart(i: Tokens<'_>) -> bool {
    match i.kind(0) {
        Kind::Name => true,
        Kind::Word(word) => word.name || CHARTS.contains(&word.text),
        _ => false,
    }
}

/// `render timechart with (title = "…", ycolumns = a, b)`
pub fn render(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let known = i.kind(0) == Kind::Name || CHARTS.contains(&i.text(0));
    if !known {
        return miss(i, "a chart");
    }
    let chart = Name { text: i.text(0).into(), span: i.span(), bracketed: false };
    let (i, mut options) = old_render_settings(i.skip(1))?;
    if !i.is_word(0, "with") {
        return Ok((i, OperatorKind::Render { chart, options }));
    }
    let (i, _) = punct("(")(i.skip(1))?;
    let (i, _) = maybe(i, punct(","))?;
    let (i, more) = properties(i, PROPERTIES)?;
    options.extend(more);
    Ok((i, OperatorKind::Render { chart, options }))
}

/// `as T`
pub fn as_(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, name) = name(i)?;
    Ok((i, OperatorKind::As { name, options }))
}

/// `consume`
pub fn consume(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], false)?;
    Ok((i, OperatorKind::Consume { options }))
}

/// `getschema`
pub fn getschema(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    if i.is_word(0, "kind") && i.is_punct(1, "=") {
        let csl = i.skip(2);
        return if csl.text(0) == "csl" {
            Ok((csl.skip(1), OperatorKind::Getschema))
        } else {
            word("csl")(csl).map(|(i, _)| (i, OperatorKind::Getschema))
        };
    }
    Ok((i, OperatorKind::Getschema))
}

/// `assert-schema (a:string, b:long)`
pub fn assert_schema(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, columns) = must(row_schema)(i)?;
    Ok((i, OperatorKind::AssertSchema { columns }))
}
