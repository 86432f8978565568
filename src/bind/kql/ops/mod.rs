//! The tabular operators: one file for each family, and the one place where they are told apart.
use super::Binder;
use super::scope::{Bind, Env, Graph, Reported, Table};
use crate::syntax::kql::ast::{ExprKind, Operator, OperatorKind, Setting};
use crate::text::codes;

pub mod evaluate;
pub mod extend;
pub mod filter;
pub mod find;
pub mod fork;
pub mod getschema;
pub mod graph;
pub mod invoke;
pub mod join;
pub mod make_series;
pub mod mv_apply;
pub mod mv_expand;
pub mod parse;
pub mod partition;
pub mod print;
pub mod project;
pub mod reduce;
pub mod render;
pub mod scan;
pub mod search;
#[cfg(test)]
pub mod shown;
pub mod sort;
pub mod summarize;
pub mod top_nested;
pub mod union;

impl<'q> Binder<'_, 'q> {
    /// One operator over its input.
    pub fn operate(&mut self, input: Table, operator: &'q Operator, env: &Env<'q>) -> Bind<Table> {
        if let Some(graph) = input.graph.clone() {
            return self.operate_on_graph(input, &graph, operator, env);
        }
        match &operator.kind {
            OperatorKind::As { name, .. } => Ok(self.name_table(input, name, env)),
            OperatorKind::AssertSchema { columns } => self.assert_schema(input, columns, operator.span),
            OperatorKind::Consume { .. } => self.consume(input),
            OperatorKind::Count { name } => self.count_rows(input, name.as_ref()),
            OperatorKind::Distinct { columns, .. } => self.distinct(input, columns, env),
            OperatorKind::Evaluate { name, args, schema, rest, .. } => {
                self.evaluate(Some(input), name, args, schema.as_deref(), *rest, operator, env)
            }
            OperatorKind::Extend { columns } => self.extend(input, columns, env),
            OperatorKind::Where { predicate } => self.filter(input, predicate, env),
            OperatorKind::Getschema => self.getschema(input),
            OperatorKind::GraphMark { .. }
            | OperatorKind::GraphMatch { .. }
            | OperatorKind::GraphToTable { .. }
            | OperatorKind::GraphWhere { .. } => Err(self.no_graph(operator.word)),
            OperatorKind::Invoke { name, args } => self.invoke(input, name, args, operator.span, env),
            OperatorKind::Join { options, right, on } => self.join(input, options, right, on, operator, env),
            OperatorKind::Lookup { options, right, on } => self.lookup(input, options, right, on, operator, env),
            OperatorKind::MakeGraph { source, target, nodes, node_id, .. } => {
                self.make_graph(input, [source, target], nodes, node_id.as_ref(), operator, env)
            }
            OperatorKind::MakeSeries { options, aggregates, on, from, to, step, in_range, by } => {
                let range = make_series::Axis {
                    on,
                    from: from.as_deref(),
                    to: to.as_deref(),
                    step: step.as_deref(),
                    in_range: *in_range,
                };
                self.make_series(input, options, aggregates, range, by, operator, env)
            }
            OperatorKind::MvApply { options, columns, limit, body } => {
                self.mv_apply(input, options, columns, limit.as_deref(), body, operator, env)
            }
            OperatorKind::MvExpand { options, columns, limit } => {
                self.mv_expand(input, options, columns, limit.as_deref(), env)
            }
            OperatorKind::Parse { filter, options, expr, pattern } => {
                self.parse(input, *filter, options, expr, pattern, env)
            }
            OperatorKind::ParseKv { expr, columns, options } => self.parse_kv(input, expr, columns, options, env),
            OperatorKind::Partition { options, by, body } => self.partition(input, options, by, body, env),
            OperatorKind::Project { columns } => self.project(input, columns, env),
            OperatorKind::ProjectAway { columns } => self.project_away(input, columns, env),
            OperatorKind::ProjectByNames { names } => self.project_by_names(input, names, env),
            OperatorKind::ProjectKeep { columns } => self.project_keep(input, columns, env),
            OperatorKind::ProjectRename { columns } => self.project_rename(input, columns, env),
            OperatorKind::ProjectReorder { columns } => self.project_reorder(input, columns, env),
            OperatorKind::Reduce { options, by, with } => self.reduce(input, options, by, with, operator, env),
            OperatorKind::Render { chart, options } => self.render(input, chart, options, env),
            OperatorKind::Sample { count } => self.sample(input, count, env),
            OperatorKind::SampleDistinct { count, of } => self.sample_distinct(input, count, of, env),
            OperatorKind::Scan { options, order, partition, declare, steps } => {
                let scan = scan::Scan { options, order, partition, declare, steps };
                self.scan(input, scan, operator, env)
            }
            OperatorKind::Search { options, tables, predicate } => {
                self.search(Some(input), options, tables, predicate, operator, env)
            }
            OperatorKind::Serialize { columns } => self.serialize(input, columns, env),
            OperatorKind::Sort { keys, .. } => self.sort(input, keys, env),
            OperatorKind::Summarize { aggregates, by, .. } => self.summarize(input, aggregates, by, env),
            OperatorKind::Take { count } => self.take(input, count, env),
            OperatorKind::Top { count, keys, .. } => self.top(input, count, keys, env),
            OperatorKind::TopHitters { count, of, by } => {
                self.top_hitters(input, count, of, by.as_deref(), operator, env)
            }
            OperatorKind::TopNested { levels } => self.top_nested(input, levels, operator, env),
            OperatorKind::Union { options, tables } => self.union(Some(input), options, tables, operator, env),
            OperatorKind::Fork { .. } | OperatorKind::Facet { .. } => {
                Err(self.fault(codes::WRONG_PLACE.at(operator.word, "this operator can only be the last of a query")))
            }
            OperatorKind::Find { .. } | OperatorKind::Print { .. } | OperatorKind::Range { .. } => Err(self.fault(
                codes::WRONG_PLACE.at(operator.word, "this operator stands at the head, without a table before it"),
            )),
            OperatorKind::Other { what } => Err(self.other(what, operator)),
        }
    }

    fn operate_on_graph(&mut self, input: Table, graph: &Graph, operator: &'q Operator, env: &Env<'q>) -> Bind<Table> {
        match &operator.kind {
            OperatorKind::GraphMark { options } => self.graph_mark(input, graph, options, operator),
            OperatorKind::GraphWhere { edges: true, predicate } => self.graph_where_edges(input, predicate, env),
            OperatorKind::GraphWhere { edges: false, predicate } => {
                self.graph_where_nodes(input, graph, predicate, env)
            }
            OperatorKind::GraphMatch { shortest, options, patterns, predicate, project } => {
                let predicate = predicate.as_deref();
                let written = graph::Pattern { shortest: *shortest, options, patterns, predicate, project };
                self.graph_match(input, graph, written, operator, env)
            }
            OperatorKind::GraphToTable { outputs } => match outputs.as_slice() {
                [output] => self.graph_to_table(input, graph, output, env),
                _ => Err(self.fault(
                    codes::WRONG_PLACE.at(operator.word, "with several outputs this operator is the last of a query"),
                )),
            },
            OperatorKind::Other { what } => Err(self.other(what, operator)),
            _ => self.only_table(input, operator.word),
        }
    }

    /// An operator that is known by its word alone: why it is not here.
    fn other(&mut self, what: &str, operator: &Operator) -> Reported {
        let (why, help) = match what {
            "macro-expand" => ("there are no groups of databases here", "name the tables in a `union`"),
            "partitioned-by" => ("a graph is made of all rows here", "filter the rows by one value first"),
            _ => ("it is the engine's own, not for queries", "leave it out"),
        };
        let message = format!("`{what}` has no meaning: {why}");
        self.fault(codes::OUT_OF_SCOPE.at(operator.word, message).help(help))
    }

    /// An operator at the head of a pipeline.
    pub fn source(&mut self, operator: &'q Operator, env: &Env<'q>) -> Bind<Table> {
        match &operator.kind {
            OperatorKind::Print { columns } => self.print(columns, env),
            OperatorKind::Range { name, from, to, step } => self.range(name, from, to, step, env),
            OperatorKind::Union { options, tables } => self.union(None, options, tables, operator, env),
            OperatorKind::Search { options, tables, predicate } => {
                self.search(None, options, tables, predicate, operator, env)
            }
            OperatorKind::Find { options, tables, predicate, project, project_smart } => {
                let wanted = (!project_smart).then_some(project.as_slice());
                self.find(options, tables, predicate, wanted, operator, env)
            }
            OperatorKind::Evaluate { name, args, schema, rest, .. } => {
                self.evaluate(None, name, args, schema.as_deref(), *rest, operator, env)
            }
            OperatorKind::Other { what: "inline_external_table" } => Err(self.fault(
                codes::NEEDS_DATA
                    .at(operator.word, "`inline_external_table` reads from outside, which nothing here may do")
                    .help("use `externaldata`, which reads what `--allow-external` names, or ingest the rows"),
            )),
            OperatorKind::Other { what } => Err(self.other(what, operator)),
            _ => Err(self.fault(codes::WRONG_PLACE.at(operator.word, "this operator needs a table before it"))),
        }
    }
}

/// The word of a setting: `kind=inner`, `kind='inner'`.
pub fn word(setting: &Setting) -> Option<String> {
    match &setting.value.kind {
        ExprKind::Name(name) => Some(name.text.clone()),
        ExprKind::Literal { value, .. } => Some(value.text().into_owned()),
        _ => None,
    }
}

pub fn option<'o>(options: &'o [Setting], name: &str) -> Option<&'o Setting> {
    options.iter().find(|one| one.name.text.eq_ignore_ascii_case(name))
}

/// Whether a setting is there and true.
pub fn is_on(options: &[Setting], name: &str) -> bool {
    option(options, name).and_then(word).is_some_and(|word| word.eq_ignore_ascii_case("true") || word == "1")
}
