//! The parser's entries by the names of the productions in `grammar/kql.ebnf`, and the kinds of token that the grammar
//! speaks of. What holds the two against one another is `syntax/grammar_check`.
use super::ast::{Expr, ExprKind, OperatorKind, Statement};
use super::{expr, literal, names, ops, pattern, query, settings, source};
use crate::functions::operators::ALL;
use crate::syntax::combinators::{Step, Tokens, Trace, miss, punct, word};
use crate::syntax::lex::lex;
use crate::syntax::tokens::Kind;
use crate::text::Source;
use crate::types::Type;

/// Reads a text as one production: the offset of what is wrong, if anything is.
pub type Entry = fn(&str) -> Result<(), u32>;

fn whole<T>(text: &str, parser: impl for<'t> Fn(Tokens<'t>) -> Step<'t, T>) -> Result<(), u32> {
    let (tokens, wrong) = lex(text);
    if let Some(first) = wrong.first() {
        return Err(first.span.start);
    }
    let trace = Trace::new(text);
    let i = Tokens::new(&tokens, &trace);
    match parser(i) {
        Ok((rest, _)) if rest.kind(0) == Kind::End => Ok(()),
        Ok((rest, _)) => Err(rest.diagnose().span.start),
        Err(_) => Err(i.diagnose().span.start),
    }
}

macro_rules! entries {
    ($($name:literal: $parser:expr;)*) => { &[$(($name, |text| whole(text, |i| $parser(i)))),*] };
}

/// An operator of exactly this word.
fn operator<'t>(i: Tokens<'t>, text: &'static str) -> Step<'t, ()> {
    word(text)(i)?;
    let (i, _) = ops::operator(i)?;
    Ok((i, ()))
}

fn either<'t>(i: Tokens<'t>, texts: [&'static str; 2]) -> Step<'t, ()> {
    operator(i, if i.is_word(0, texts[1]) { texts[1] } else { texts[0] })
}

/// An expression whose operator, if it has one outside all parentheses, binds at least that tightly.
fn level(i: Tokens<'_>, least: u8) -> Step<'_, ()> {
    let (rest, found) = expr::expression(i)?;
    let symbol = match &found.kind {
        ExprKind::Binary { op, .. } | ExprKind::Chain { op, .. } => op,
        ExprKind::In { op, .. } | ExprKind::Between { op, .. } | ExprKind::Unary { op, .. } => op,
        _ => return Ok((rest, ())),
    };
    match ALL.iter().find(|one| one.symbol == *symbol) {
        Some(operator) if operator.binds >= least => Ok((rest, ())),
        _ => miss(i, "a tighter operator"),
    }
}

fn source_stage(i: Tokens<'_>) -> Step<'_, ()> {
    match query::head(i)? {
        (rest, Expr { kind: ExprKind::Source(_), .. }) => Ok((rest, ())),
        _ => miss(i, "an operator"),
    }
}

fn top_nested_level(i: Tokens<'_>) -> Step<'_, ()> {
    let (i, _) = word("top-nested")(i)?;
    let (i, _) = ops::top::level(i)?;
    Ok((i, ()))
}

fn direction(i: Tokens<'_>) -> Step<'_, ()> {
    match ops::sort::direction(i) {
        (i, Some(_)) => Ok((i, ())),
        (i, None) => miss(i, "a direction"),
    }
}

fn render_word(i: Tokens<'_>) -> Step<'_, ()> {
    match settings::old_render_settings(i)? {
        (rest, one) if one.len() == 1 => Ok((rest, ())),
        _ => miss(i, "a setting of render"),
    }
}

fn if_punct<'t, T>(i: Tokens<'t>, open: &'static str, parser: fn(Tokens<'t>) -> Step<'t, T>) -> Step<'t, T> {
    punct(open)(i)?;
    parser(i)
}

fn if_word<'t, T>(i: Tokens<'t>, text: &'static str, parser: fn(Tokens<'t>) -> Step<'t, T>) -> Step<'t, T> {
    word(text)(i)?;
    parser(i)
}

fn statement_of<'t>(i: Tokens<'t>, words: &[&str]) -> Step<'t, ()> {
    if !words.contains(&i.text(0)) {
        return miss(i, "a statement");
    }
    let (i, _) = query::statement(i, None)?;
    Ok((i, ()))
}

fn other_statement(i: Tokens<'_>) -> Step<'_, ()> {
    match query::statement(i, None)? {
        (rest, Statement::Other { .. }) => Ok((rest, ())),
        _ => miss(i, "a statement"),
    }
}

fn other_operator(i: Tokens<'_>) -> Step<'_, ()> {
    match ops::operator(i)? {
        (rest, operator) if matches!(operator.kind, OperatorKind::Other { .. }) => Ok((rest, ())),
        _ => miss(i, "an operator"),
    }
}

pub const ENTRIES: &[(&str, Entry)] = entries! {
    "statement": |i| query::statement(i, None);
    "let": |i| statement_of(i, &["let"]);
    "materialize": |i| if_word(i, "materialize", expr::query_call);
    "lambda": query::lambda;
    "lambda_body": query::lambda_body;
    "parameter": query::parameter;
    "table_type": query::table_type;
    "default_value": query::default_value;
    "set": query::set_statement;
    "declare": query::declare_statement;
    "pattern_statement": pattern::pattern_statement;
    "pattern_rule": pattern::pattern_rule;
    "other_statement": other_statement;
    "pipeline": query::pipe;
    "source": source_stage;
    "sub_pipeline": query::sub_pipeline;
    "operator": ops::operator;
    "other_operator": other_operator;
    "make_graph": |i| operator(i, "make-graph");
    "graph_nodes": ops::graph::graph_nodes;
    "graph_mark": |i| operator(i, "graph-mark-components");
    "graph_match": |i| operator(i, "graph-match");
    "graph_shortest": |i| operator(i, "graph-shortest-paths");
    "graph_pattern": ops::graph::graph_pattern;
    "graph_node": ops::graph::graph_node;
    "graph_edge": ops::graph::graph_edge;
    "graph_within": ops::graph::graph_within;
    "graph_to_table": |i| operator(i, "graph-to-table");
    "graph_output": ops::graph::graph_output;
    "graph_where_edges": |i| operator(i, "graph-where-edges");
    "graph_where_nodes": |i| operator(i, "graph-where-nodes");
    "inline_table": |i| operator(i, "inline_external_table");
    "where": |i| operator(i, "where");
    "filter": |i| operator(i, "filter");
    "take": |i| either(i, ["take", "limit"]);
    "sample": |i| operator(i, "sample");
    "sample_distinct": |i| operator(i, "sample-distinct");
    "count": |i| operator(i, "count");
    "distinct": |i| operator(i, "distinct");
    "distinct_column": ops::project::distinct_column;
    "sort": |i| either(i, ["sort", "order"]);
    "sort_key": ops::sort::sort_key;
    "direction": direction;
    "top": |i| operator(i, "top");
    "top_hitters": |i| operator(i, "top-hitters");
    "top_nested": |i| operator(i, "top-nested");
    "top_nested_level": top_nested_level;
    "others": ops::top::others;
    "serialize": |i| operator(i, "serialize");
    "project": |i| operator(i, "project");
    "extend": |i| operator(i, "extend");
    "project_rename": |i| operator(i, "project-rename");
    "project_away": |i| operator(i, "project-away");
    "project_by_names": |i| operator(i, "project-by-names");
    "project_keep": |i| operator(i, "project-keep");
    "project_reorder": |i| operator(i, "project-reorder");
    "reordered": ops::project::reordered;
    "pattern": names::pattern;
    "parse": |i| operator(i, "parse");
    "parse_where": |i| operator(i, "parse-where");
    "parse_setting": |i| settings::setting(i, ops::parse::PARSE, true);
    "parse_part": ops::parse::part;
    "parse_kv": |i| operator(i, "parse-kv");
    "kv_setting": |i| settings::property(i, ops::parse::KV);
    "summarize": |i| operator(i, "summarize");
    "make_series": |i| operator(i, "make-series");
    "series_aggregate": ops::summarize::series_aggregate;
    "reduce": |i| operator(i, "reduce");
    "reduce_setting": |i| settings::setting(i, ops::summarize::REDUCE, false);
    "join": |i| operator(i, "join");
    "lookup": |i| operator(i, "lookup");
    "on": ops::join::keys;
    "union": |i| operator(i, "union");
    "union_setting": |i| settings::setting(i, ops::union::UNION, true);
    "union_table": ops::union::union_table;
    "table": ops::union::table;
    "path": expr::path;
    "find": |i| operator(i, "find");
    "find_project": ops::union::find_project;
    "find_column": ops::union::find_column;
    "tables": ops::union::tables;
    "find_table": ops::union::find_table;
    "search": |i| operator(i, "search");
    "mv_expand": |i| operator(i, "mv-expand");
    "mvexpand": |i| operator(i, "mvexpand");
    "mv_apply": |i| operator(i, "mv-apply");
    "mvapply": |i| operator(i, "mvapply");
    "mv_column": ops::expand::column;
    "partition": |i| operator(i, "partition");
    "fork": |i| operator(i, "fork");
    "fork_branch": ops::partition::branch;
    "facet": |i| operator(i, "facet");
    "scan": |i| operator(i, "scan");
    "declared": ops::scan::declared;
    "scan_step": ops::scan::step;
    "assignment": ops::scan::assignment;
    "print": |i| operator(i, "print");
    "range": |i| operator(i, "range");
    "evaluate": |i| operator(i, "evaluate");
    "invoke": |i| operator(i, "invoke");
    "call": expr::call;
    "render": |i| operator(i, "render");
    "render_word": render_word;
    "render_setting": |i| settings::property(i, ops::render::PROPERTIES);
    "as": |i| operator(i, "as");
    "assert_schema": |i| operator(i, "assert-schema");
    "consume": |i| operator(i, "consume");
    "getschema": |i| operator(i, "getschema");
    "settings": |i| settings::settings(i, &[], false);
    "setting": |i| settings::setting(i, &[], false);
    "setting_value": settings::value;
    "expression": expr::expression;
    "conjunction": |i| level(i, 2);
    "equality": |i| level(i, 3);
    "relation": |i| level(i, 4);
    "sum": |i| level(i, 5);
    "product": |i| level(i, 6);
    "text_operation": |i| level(i, 7);
    "signed": |i| level(i, 8);
    "postfix": expr::postfix;
    "selector": expr::selector;
    "primary": expr::primary;
    "parenthesised": expr::parenthesised;
    "function": expr::function;
    "arguments": expr::arguments;
    "argument": expr::argument;
    "named": expr::named;
    "to_table": |i| if_word(i, "totable", expr::query_call);
    "query_call": |i| if_word(i, "toscalar", expr::query_call);
    "in_list": expr::in_list;
    "couple": expr::couple;
    "literal": literal::literal;
    "value": literal::value;
    "strings": literal::strings;
    "dynamic": literal::dynamic;
    "json": literal::json;
    "json_array": |i| if_punct(i, "[", literal::json);
    "json_object": |i| if_punct(i, "{", literal::json);
    "json_pair": literal::json_pair;
    "type_of": literal::type_of;
    "datatable": source::datatable;
    "externaldata": source::externaldata;
    "property": source::property;
    "row_schema": names::row_schema;
    "column_decl": names::column_decl;
    "column_type": names::column_type;
    "any_type": names::any_type;
    "name": names::name;
    "column": names::column;
    "label": names::label;
    "bracketed": names::bracketed;
};

/// The first entry: a whole text, with its statements one by one.
pub fn query(text: &str) -> Result<(), u32> {
    match super::parse(&Source::new(text)).into_result() {
        Ok(_) => Ok(()),
        Err(wrong) => Err(wrong.first().map_or(0, |first| first.span.start)),
    }
}

/// The entry of a production.
pub fn entry(name: &str) -> Option<Entry> {
    if name == "query" {
        return Some(query);
    }
    ENTRIES.iter().find(|(known, _)| *known == name).map(|(_, entry)| *entry)
}

/// How many tokens a kind of token takes where `i` stands; none where it is another kind.
pub fn tokens_of(kind: &str, i: Tokens<'_>) -> Option<usize> {
    let of_word =
        |holds: fn(&crate::syntax::tokens::Word) -> bool| matches!(i.kind(0), Kind::Word(word) if holds(word));
    let one = match kind {
        "NAME" => i.kind(0) == Kind::Name,
        "NAME_WORD" => of_word(|word| word.name),
        "LABEL_WORD" => of_word(|word| word.label),
        "COLUMN_WORD" => of_word(|word| word.column),
        "STRING" => i.kind(0) == Kind::String,
        "BOOL" => i.kind(0) == Kind::Bool,
        "LONG" => i.kind(0) == Kind::Long,
        "REAL" => i.kind(0) == Kind::Real,
        "TIMESPAN" => i.kind(0) == Kind::Timespan,
        "TYPED" => matches!(i.kind(0), Kind::Typed(_)),
        "JSON_TYPED" => matches!(i.kind(0), Kind::Typed(ty) if ty != Type::Int),
        "TEXT_OPERATOR" => {
            matches!(i.kind(0), Kind::Word(_) | Kind::Punct(_))
                && expr::operator_of(i.text(0)).is_some_and(|operator| operator.binds == 7)
        }
        "CHART" => i.kind(0) == Kind::Name || ops::render::CHARTS.contains(&i.text(0)),
        "WILDCARD" => return length(i, names::wildcard(i).ok()),
        "SIGNED" => return length(i, literal::signed(i).ok()),
        "SETTING" => return length(i, settings::known_setting(i)),
        "REST" => return length(i, Some((i.skip_to(&["|", ";"]), ()))),
        _ => false,
    };
    one.then_some(1)
}

fn length<T>(i: Tokens<'_>, read: Option<(Tokens<'_>, T)>) -> Option<usize> {
    let (rest, _) = read?;
    (0..).find(|count| !rest.is_after(i.skip(*count)))
}
