//! The graph operators: a table of edges as a graph, patterns within it, and its parts as tables again.
//! <https://learn.microsoft.com/kusto/query/graph-operators>
use super::super::ast::{
    Expr, GraphDirection, GraphEdge, GraphNode, GraphNodes, GraphOutput, GraphPattern, Name, OperatorKind,
};
use super::super::expr::{expression, named};
use super::super::names::{column, name};
use super::super::query::other_operator;
use super::super::settings::settings;
use crate::syntax::combinators::{Step, Tokens, commas, maybe, miss, must, punct, word};

/// The settings of what `graph-to-table` puts out.
const IDS: &[&str] = &["with_node_id", "with_source_id", "with_target_id"];

/// `make-graph a --> b with T on k, U on m`, `make-graph a --> b with_node_id=n`
pub fn make_graph(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &[], true)?;
    let (i, source) = column(i)?;
    let (i, _) = punct("-")(i)?;
    let (i, _) = punct("-")(i)?;
    let (i, _) = punct(">")(i)?;
    let (i, target) = column(i)?;
    let (i, node_id) = if i.is_word(0, "with_node_id") {
        let (i, _) = punct("=")(i.skip(1))?;
        let (i, id) = name(i)?;
        (i, Some(id))
    } else {
        (i, None)
    };
    let (i, nodes) = if node_id.is_none() && i.is_word(0, "with") {
        must(|i| commas(i, false, graph_nodes))(i.skip(1))?
    } else {
        (i, Vec::new())
    };
    if i.is_word(0, "partitioned-by") {
        return other_operator(i, "partitioned-by");
    }
    Ok((i, OperatorKind::MakeGraph { options, source, target, nodes, node_id }))
}

/// `T on key`
pub fn graph_nodes(i: Tokens<'_>) -> Step<'_, GraphNodes> {
    let (i, table) = expression(i)?;
    let (i, _) = word("on")(i)?;
    let (i, key) = must(column)(i)?;
    Ok((i, GraphNodes { table, key }))
}

/// `graph-mark-components kind=strong with_component_id=c`
pub fn graph_mark(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, options) = settings(i, &["with_component_id"], false)?;
    Ok((i, OperatorKind::GraphMark { options }))
}

/// `graph-match cycles=none (a)-[e]->(b), (b)--(c) where a.x == 1 project a.x`
pub fn graph_match(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    patterns(i, &[], false)
}

/// `graph-shortest-paths output=all (a)-[e*1..5]->(b) project a.x`
pub fn graph_shortest(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    patterns(i, &["output"], true)
}

fn patterns<'t>(i: Tokens<'t>, more: &[&str], shortest: bool) -> Step<'t, OperatorKind> {
    let (i, options) = settings(i, more, false)?;
    let (i, patterns) = commas(i, false, graph_pattern)?;
    let (i, predicate) = if i.is_word(0, "where") {
        let (i, predicate) = must(expression)(i.skip(1))?;
        (i, Some(Box::new(predicate)))
    } else {
        (i, None)
    };
    let (i, project) =
        if i.is_word(0, "project") { must(|i| commas(i, false, named))(i.skip(1))? } else { (i, Vec::new()) };
    Ok((i, OperatorKind::GraphMatch { shortest, options, patterns, predicate, project }))
}

/// `(a)-[e]->(b)<--(c)`
pub fn graph_pattern(i: Tokens<'_>) -> Step<'_, GraphPattern> {
    let (mut i, start) = graph_node(i)?;
    let mut hops = Vec::new();
    while i.is_punct(0, "-") || i.is_punct(0, "<") {
        let (after, edge) = must(graph_edge)(i)?;
        let (after, node) = must(graph_node)(after)?;
        hops.push((edge, node));
        i = after;
    }
    Ok((i, GraphPattern { start, hops }))
}

/// `(a)`, `()`
pub fn graph_node(i: Tokens<'_>) -> Step<'_, GraphNode> {
    let (i, _) = punct("(")(i)?;
    let (i, name) = if i.is_punct(0, ")") { (i, None) } else { maybe(i, name)? };
    let (i, _) = must(punct(")"))(i)?;
    Ok((i, GraphNode { name }))
}

/// `-[e]->`, `<-[e*1..3]-`, `--`
pub fn graph_edge(i: Tokens<'_>) -> Step<'_, GraphEdge> {
    let (i, back) = maybe(i, punct("<"))?;
    let (i, _) = punct("-")(i)?;
    let (i, (name, range)) = if i.is_punct(0, "[") { must(graph_within)(i)? } else { (i, (None, None)) };
    let (i, _) = punct("-")(i)?;
    let (i, direction) = match back {
        Some(_) => (i, GraphDirection::Back),
        None if i.is_punct(0, ">") => (i.skip(1), GraphDirection::Forth),
        None => (i, GraphDirection::Any),
    };
    Ok((i, GraphEdge { name, direction, range }))
}

type Within = (Option<Name>, Option<(Expr, Expr)>);

/// `[e*1..3]`
pub fn graph_within(i: Tokens<'_>) -> Step<'_, Within> {
    let (i, _) = punct("[")(i)?;
    let (i, name) = if i.is_punct(0, "]") || i.is_punct(0, "*") { (i, None) } else { maybe(i, name)? };
    let (i, range) = if i.is_punct(0, "*") {
        let (i, least) = must(expression)(i.skip(1))?;
        let (i, _) = must(punct(".."))(i)?;
        let (i, most) = must(expression)(i)?;
        (i, Some((least, most)))
    } else {
        (i, None)
    };
    let (i, _) = punct("]")(i)?;
    Ok((i, (name, range)))
}

/// `graph-to-table nodes as N with_node_id=id, edges as E`
pub fn graph_to_table(i: Tokens<'_>) -> Step<'_, OperatorKind> {
    let (i, outputs) = commas(i, false, graph_output)?;
    Ok((i, OperatorKind::GraphToTable { outputs }))
}

/// `graph-where-nodes x == 1`, `graph-where-edges x == 1`
pub fn graph_where(i: Tokens<'_>, edges: bool) -> Step<'_, OperatorKind> {
    let (i, predicate) = must(expression)(i)?;
    Ok((i, OperatorKind::GraphWhere { edges, predicate: Box::new(predicate) }))
}

pub fn graph_output(i: Tokens<'_>) -> Step<'_, GraphOutput> {
    let edges = i.text(0) == "edges";
    if !edges && i.text(0) != "nodes" {
        return miss(i, "`nodes` or `edges`");
    }
    let (rest, name) = if i.is_word(1, "as") {
        let (rest, name) = must(name)(i.skip(2))?;
        (rest, Some(name))
    } else {
        (i.skip(1), None)
    };
    let (rest, options) = settings(rest, IDS, false)?;
    Ok((rest, GraphOutput { edges, name, options, span: i.span_to(rest) }))
}
