//! The tabular operators, one file for each family.
//! <https://learn.microsoft.com/kusto/query/tabular-expression-statements>
pub mod expand;
pub mod filter;
pub mod graph;
pub mod join;
pub mod parse;
pub mod partition;
pub mod print;
pub mod project;
pub mod render;
pub mod scan;
pub mod sort;
pub mod summarize;
pub mod top;
pub mod union;

use super::ast::{Operator, OperatorKind};
use super::query::other_operator;
use crate::syntax::combinators::{Step, Tokens, miss, must};
use crate::syntax::tokens::Kind;

pub use super::settings::is_setting;
pub use render::is_chart;

/// The body of an operator: what follows its word.
type Body = for<'t> fn(Tokens<'t>) -> Step<'t, OperatorKind>;

/// The operators by their words.
fn body(word: &str) -> Option<Body> {
    Some(match word {
        "as" => render::as_,
        "assert-schema" => render::assert_schema,
        "consume" => render::consume,
        "count" => filter::count,
        "distinct" => project::distinct,
        "evaluate" => print::evaluate,
        "__executeAndCache" => |i| other_operator(i, "__executeAndCache"),
        "extend" => project::extend,
        "facet" => partition::facet,
        "find" => union::find,
        "fork" => partition::fork,
        "getschema" => render::getschema,
        "graph-mark-components" => graph::graph_mark,
        "graph-match" => graph::graph_match,
        "graph-shortest-paths" => graph::graph_shortest,
        "graph-to-table" => graph::graph_to_table,
        "graph-where-edges" => |i| graph::graph_where(i, true),
        "graph-where-nodes" => |i| graph::graph_where(i, false),
        "inline_external_table" => |i| other_operator(i, "inline_external_table"),
        "invoke" => print::invoke,
        "join" => join::join,
        "lookup" => join::lookup,
        "macro-expand" => |i| other_operator(i, "macro-expand"),
        "make-graph" => graph::make_graph,
        "make-series" => summarize::make_series,
        "mv-apply" | "mvapply" => expand::mv_apply,
        "mv-expand" | "mvexpand" => expand::mv_expand,
        "order" | "sort" => sort::sort,
        "parse" => parse::parse,
        "parse-kv" => parse::parse_kv,
        "parse-where" => parse::parse_where,
        "__partitionby" => |i| other_operator(i, "__partitionby"),
        "partition" => partition::partition,
        "print" => print::print,
        "project" => project::project,
        "project-away" => project::project_away,
        "project-by-names" => project::project_by_names,
        "project-keep" => project::project_keep,
        "project-rename" => project::project_rename,
        "project-reorder" => project::project_reorder,
        "range" => print::range,
        "reduce" => summarize::reduce,
        "render" => render::render,
        "sample" => filter::sample,
        "sample-distinct" => filter::sample_distinct,
        "scan" => scan::scan,
        "search" => union::search,
        "serialize" => project::serialize,
        "summarize" => summarize::summarize,
        "take" | "limit" => filter::take,
        "top" => sort::top,
        "top-hitters" => top::top_hitters,
        "top-nested" => top::top_nested,
        "union" => union::union,
        "where" | "filter" => filter::where_,
        _ => return None,
    })
}

/// Whether an operator's word stands here. `count(` and `range(` are functions.
pub fn known(i: Tokens<'_>) -> bool {
    let function = matches!(i.text(0), "count" | "range") && i.is_punct(1, "(");
    matches!(i.kind(0), Kind::Word(word) if !function && body(word.text).is_some())
}

/// One operator, from its word on.
pub fn operator(i: Tokens<'_>) -> Step<'_, Operator> {
    match i.kind(0) {
        Kind::Word(word) if known(i) => match body(word.text) {
            Some(body) => {
                let (rest, kind) = must(body)(i.skip(1))?;
                Ok((rest, Operator { kind, span: i.span_to(rest), word: i.span() }))
            }
            None => miss(i, "an operator"),
        },
        _ => miss(i, "an operator"),
    }
}
