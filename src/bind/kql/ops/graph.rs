//! `make-graph` and the operators over graphs: a graph is a table of edges that carries its nodes along.
use crate::bind::kql::columns::project;
use crate::bind::kql::names::{Output, Projection, Style, duplicate};
use crate::bind::kql::scope::{Bind, Env, Graph, Hidden, Scope, Table};
use crate::bind::kql::{Binder, answer, coerce, ops};
use crate::ir::{Answer, JoinColumn, JoinKind, Rel, RelOp, Scalar, Side, WholeArg, WholeCall};
use crate::rows::whole::graph::{NODE_KEY, PATTERN_FUNCTIONS, element_schema};
use crate::rows::whole::graph_search::{degree, variable_schema};
use crate::rows::whole::scan::state_column;
use crate::syntax::kql::ast::{
    Arg, Expr, ExprKind, GraphDirection, GraphNodes, GraphOutput, GraphPattern, Name, Named, Operator, Setting,
};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use std::rc::Rc;

/// A pattern while its expressions are bound.
pub struct Matching {
    nodes: Schema,
    edges: Schema,
    /// The named nodes; the named edges, and whether each is one edge.
    node_names: Vec<String>,
    edge_names: Vec<(String, bool)>,
    row: Schema,
    /// Values over the parts of paths that stand in the expressions, and their columns.
    paths: Vec<WholeArg>,
    columns: Vec<Column>,
    /// The columns among them that tell of an edge of variable length.
    wide: Vec<String>,
    /// The expression is about one node among several.
    within_nodes: bool,
    /// The expression is the condition.
    filters: bool,
}

/// The pattern operators as they are written.
pub struct Pattern<'q> {
    pub shortest: bool,
    pub options: &'q [Setting],
    pub patterns: &'q [GraphPattern],
    pub predicate: Option<&'q Expr>,
    pub project: &'q [Named],
}

fn text(key: &'static str, value: &str) -> WholeArg {
    WholeArg::Constant(key, Value::string(value.to_owned()))
}

impl Matching {
    /// The column that stands for a value over the parts of a path.
    fn fold(&mut self, edge: &str, inner: bool, how: &str, ty: Type, value: Scalar) -> Scalar {
        let column = format!("\u{1}path{}", self.paths.len());
        let parts = vec![
            text("edge", edge),
            text("fold", how),
            WholeArg::Constant("inner", Value::Bool(inner)),
            WholeArg::Column("as", column.clone(), ty),
            WholeArg::Scalar("value", value),
        ];
        self.paths.push(WholeArg::Group("path", parts));
        if self.edge_names.iter().any(|(known, single)| known == edge && !single) {
            self.wide.push(column.clone());
        }
        self.columns.push(Column { name: column.clone(), ty });
        Scalar::column(column, ty)
    }
}

impl<'q> Binder<'_, 'q> {
    pub fn make_graph(
        &mut self,
        input: Table,
        ends: [&'q Name; 2],
        tables: &'q [GraphNodes],
        node_id: Option<&'q Name>,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let mut columns: Vec<(String, Type)> = Vec::new();
        for name in ends {
            match input.schema().get(&name.text) {
                Some(column) => columns.push((column.name.clone(), column.ty)),
                None => return Err(self.unknown_column(name, Scope::row(env, &input))),
            }
        }
        let [(source, ty), (target, other)] = columns.as_slice() else {
            return Err(self.not_yet("make-graph", operator.word));
        };
        let ty = *ty;
        self.key_type(ends[1].span, ty, *other)?;
        let mut args = vec![text("source", source), text("target", target)];
        let mut schema = Schema::default();
        let mut inputs = Vec::new();
        for one in tables {
            let table = self.table(&one.table, env)?;
            let Some(key) = table.schema().get(&one.key.text).cloned() else {
                return Err(self.unknown_column(&one.key, Scope::row(env, &table)));
            };
            self.key_type(one.key.span, ty, key.ty)?;
            for column in &table.schema().columns {
                match schema.get(&column.name) {
                    None => schema.columns.push(column.clone()),
                    Some(known) if known.ty == column.ty => {}
                    Some(known) => {
                        let (name, have) = (&column.name, known.ty);
                        let message = format!("the column `{name}` is {have} in one table of nodes and another here");
                        return Err(self.fault(codes::WRONG_TYPE.at(one.table.span, message)));
                    }
                }
            }
            args.push(WholeArg::Group("nodes", vec![text("key", &key.name)]));
            inputs.push(table.take().0);
        }
        if let Some(id) = node_id {
            schema.columns.push(Column { name: id.text.clone(), ty });
            args.push(text("node_id", &id.text));
        }
        schema.columns.push(Column { name: NODE_KEY.into(), ty });
        // Edges and nodes are read by every operator behind this one.
        let (source, target) = (source.clone(), target.clone());
        let edges = self.shared(input).take().0;
        inputs.insert(0, edges.clone());
        let call = WholeCall { name: "graph-nodes", args, span: operator.span };
        let nodes = Rel { op: RelOp::Whole { inputs, call }, schema };
        let nodes = self.shared(Table::new(nodes)).take().0;
        Ok(Table { graph: Some(Rc::new(Graph { source, target, nodes })), ..Table::new(edges) })
    }

    fn key_type(&mut self, span: Span, want: Type, have: Type) -> Bind<()> {
        if have == want && want != Type::Dynamic {
            return Ok(());
        }
        let message = if have == Type::Dynamic || want == Type::Dynamic {
            "a dynamic cannot name a node".to_owned()
        } else {
            format!("what names a node must be {want} here as well, not {have}")
        };
        Err(self.fault(codes::WRONG_TYPE.at(span, message)))
    }

    pub fn graph_mark(
        &mut self,
        input: Table,
        graph: &Graph,
        options: &[Setting],
        operator: &'q Operator,
    ) -> Bind<Table> {
        let strong = match ops::option(options, "kind").map(|one| (ops::word(one), one)) {
            None => false,
            Some((Some(word), _)) if word == "weak" => false,
            Some((Some(word), _)) if word == "strong" => true,
            Some((_, setting)) => return Err(self.bad_option(setting, "`weak` or `strong`")),
        };
        let named = ops::option(options, "with_component_id");
        let name = named.and_then(ops::word).unwrap_or_else(|| "ComponentId".into());
        let mut schema = graph.nodes.schema.clone();
        if schema.get(&name).is_some() {
            return Err(self.fault(duplicate(&name, named.map_or(operator.word, |one| one.value.span))));
        }
        let last = schema.len().saturating_sub(1);
        schema.columns.insert(last, Column { name, ty: Type::Long });
        let strong = WholeArg::Constant("strong", Value::Bool(strong));
        let args = vec![text("source", &graph.source), text("target", &graph.target), strong];
        let call = WholeCall { name: "graph-components", args, span: operator.span };
        let inputs = vec![graph.nodes.clone(), input.rel.clone()];
        let nodes = self.shared(Table::new(Rel { op: RelOp::Whole { inputs, call }, schema })).take().0;
        Ok(Table { graph: Some(Rc::new(Graph { nodes, ..graph.clone() })), ..input })
    }

    /// `graph-where-edges`: the nodes stay.
    pub fn graph_where_edges(&mut self, input: Table, predicate: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        let row = Table { graph: None, ..input.clone() };
        let predicate = self.predicate(predicate, Scope::row(env, &row))?;
        let graph = input.graph.clone();
        let edges = row.over(|input| RelOp::Filter { input, predicate });
        Ok(Table { graph, ..self.shared(edges) })
    }

    /// `graph-where-nodes`: an edge goes with the nodes at its ends.
    pub fn graph_where_nodes(
        &mut self,
        input: Table,
        graph: &Graph,
        predicate: &'q Expr,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let mut seen = graph.nodes.schema.clone();
        seen.columns.retain(|column| column.name != NODE_KEY);
        let row = Table::of(RelOp::Each, seen);
        let predicate = self.predicate(predicate, Scope::row(env, &row))?;
        let schema = graph.nodes.schema.clone();
        let kept = Rel { op: RelOp::Filter { input: Box::new(graph.nodes.clone()), predicate }, schema };
        let nodes = self.shared(Table::new(kept)).take().0;
        let Some(key) = nodes.schema.get(NODE_KEY).cloned() else { return Err(self.no_graph(Span::default())) };
        let mut edges = input.rel.clone();
        for end in [&graph.source, &graph.target] {
            let Some(column) = edges.schema.get(end).cloned() else { continue };
            let on = vec![(Scalar::column(end, column.ty), Scalar::column(NODE_KEY, key.ty))];
            let schema = edges.schema.clone();
            let own = |name: &str| JoinColumn { name: name.into(), side: Side::Left, source: name.into() };
            let output = schema.names().map(own).collect();
            let (left, right) = (Box::new(edges), Box::new(nodes.clone()));
            edges = Rel { op: RelOp::Join { left, right, kind: JoinKind::LeftSemi, on, output }, schema };
        }
        let edges = self.shared(Table::new(edges)).take().0;
        Ok(Table { graph: Some(Rc::new(Graph { nodes, ..graph.clone() })), ..Table::new(edges) })
    }

    /// `graph-to-table` with one output.
    pub fn graph_to_table(&mut self, input: Table, graph: &Graph, output: &GraphOutput, env: &Env<'q>) -> Bind<Table> {
        let (rel, ids) = if output.edges {
            let id = |name: &str| input.schema().get(name).map(|column| Scalar::column(name, column.ty));
            let ids = [("with_source_id", id(&graph.source)), ("with_target_id", id(&graph.target))];
            (input.rel.clone(), ids.to_vec())
        } else {
            let key = graph.nodes.schema.get(NODE_KEY).map(|column| Scalar::column(NODE_KEY, column.ty));
            (graph.nodes.clone(), vec![("with_node_id", key)])
        };
        let mut columns: Vec<(String, Scalar)> = Vec::new();
        for setting in &output.options {
            if !ids.iter().any(|(known, _)| *known == setting.name.text) {
                let message = format!("`{}` does not belong to this output", setting.name.text);
                return Err(self.fault(codes::WRONG_PLACE.at(setting.name.span, message)));
            }
        }
        for (option, key) in ids {
            if let (Some(setting), Some(key)) = (ops::option(&output.options, option), key) {
                let Some(name) = ops::word(setting) else { return Err(self.bad_option(setting, "a name")) };
                columns.push((name, self.apply("hash", vec![key], setting.value.span)?));
            }
        }
        let plain = rel.schema.columns.iter().filter(|column| column.name != NODE_KEY);
        columns.extend(plain.map(|column| (column.name.clone(), Scalar::column(&column.name, column.ty))));
        for (at, (name, _)) in columns.iter().enumerate() {
            if columns[..at].iter().any(|(known, _)| known == name) {
                return Err(self.fault(duplicate(name, output.span)));
            }
        }
        let schema = Schema::new(columns.iter().map(|(name, scalar)| (name.clone(), scalar.ty())));
        let table = Table::of(RelOp::Project { input: Box::new(rel), columns }, schema);
        Ok(match &output.name {
            Some(name) => self.name_table(table, name, env),
            None => table,
        })
    }

    /// `graph-to-table` with several outputs: one answer each, under its name.
    pub fn graph_to_tables(&mut self, input: Table, outputs: &'q [GraphOutput], env: &Env<'q>) -> Bind<Vec<Answer>> {
        let Some(graph) = input.graph.clone() else {
            let span = outputs.first().map_or(Span::default(), |one| one.span);
            return Err(self.no_graph(span));
        };
        let mut answers = Vec::new();
        for output in outputs {
            let Some(name) = &output.name else {
                let fault = codes::WRONG_PLACE.at(output.span, "one of several outputs needs a name");
                return Err(self.fault(fault.help("write `nodes as N, edges as E`")));
            };
            let table = self.graph_to_table(input.clone(), &graph, output, env)?;
            answers.push(answer(name.text.clone(), table));
        }
        Ok(answers)
    }

    pub fn no_graph(&mut self, span: Span) -> crate::bind::kql::scope::Reported {
        let fault = codes::NOT_TABULAR.at(span, "this operator needs a graph before it");
        self.fault(fault.help("make one with `make-graph`"))
    }

    /// `graph-match`, `graph-shortest-paths`.
    pub fn graph_match(
        &mut self,
        input: Table,
        graph: &Graph,
        written: Pattern<'q>,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        if written.project.is_empty() {
            return Err(self.not_yet("a pattern without `project`", operator.word));
        }
        let mut args = vec![text("source", &graph.source), text("target", &graph.target)];
        if let Some(setting) = ops::option(written.options, "cycles") {
            match ops::word(setting) {
                Some(word) if ["all", "none", "unique_edges"].contains(&word.as_str()) => {
                    args.push(text("cycles", &word))
                }
                _ => return Err(self.bad_option(setting, "`all`, `none` or `unique_edges`")),
            }
        }
        if written.shortest {
            let how = match ops::option(written.options, "output").map(|one| (ops::word(one), one)) {
                None => "any",
                Some((Some(word), _)) if word == "any" => "any",
                Some((Some(word), _)) if word == "all" => "all",
                Some((_, setting)) => return Err(self.bad_option(setting, "`any` or `all`")),
            };
            args.push(text("shortest", how));
        }
        let (nodes, edges) = (&graph.nodes.schema, &input.rel.schema);
        let mut matching = Matching {
            nodes: nodes.clone(),
            edges: edges.clone(),
            node_names: Vec::new(),
            edge_names: Vec::new(),
            row: Schema::default(),
            paths: Vec::new(),
            columns: Vec::new(),
            wide: Vec::new(),
            within_nodes: false,
            filters: written.predicate.is_some(),
        };
        self.sequences(&written, &mut matching, &mut args, operator, env)?;
        for name in &matching.node_names {
            matching.row.columns.extend(variable_schema(name, nodes, true).columns);
        }
        for (name, single) in &matching.edge_names {
            if *single {
                matching.row.columns.extend(variable_schema(name, edges, false).columns);
            }
        }
        let row = Table::of(RelOp::Each, matching.row.clone());
        let outer = self.matching.replace(matching);
        let bound = self.over_rows(&row, env, |binder, scope| {
            let mut when = Vec::new();
            if let Some(predicate) = written.predicate {
                terms(binder.predicate(predicate, scope)?, &mut when);
            }
            if let Some(matching) = &mut binder.matching {
                matching.filters = false;
            }
            let mut projection = Projection::default();
            binder.project_all(written.project, scope, Style::Project, &mut projection)?;
            Ok((when, projection.outputs))
        });
        let matching = std::mem::replace(&mut self.matching, outer);
        let ((when, mut outputs), windows) = bound?;
        if !windows.layers.is_empty() {
            let message = "a window function cannot stand in a pattern";
            return Err(self.fault(codes::WRONG_PLACE.at(operator.word, message)));
        }
        let Some(matching) = matching else { return Err(self.not_yet("this pattern", operator.word)) };
        for Output { scalar, .. } in &mut outputs {
            // What is said of several edges is a dynamic, whatever was made of it.
            if scalar.ty() != Type::Dynamic && reads(scalar, &matching.wide) {
                *scalar = coerce::convert(scalar.clone(), Type::Dynamic, self.context.now);
            }
        }
        args.extend(matching.paths);
        args.extend(when.into_iter().map(|term| WholeArg::Scalar("when", term)));
        let mut schema = matching.row;
        schema.columns.extend(matching.columns);
        let call = WholeCall { name: "graph-match", args, span: operator.span };
        let op = RelOp::Whole { inputs: vec![graph.nodes.clone(), input.rel], call };
        Ok(Table::new(project(Rel { op, schema }, outputs)))
    }

    /// The sequences of a pattern, and the names in them.
    fn sequences(
        &mut self,
        written: &Pattern<'q>,
        matching: &mut Matching,
        args: &mut Vec<WholeArg>,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<()> {
        let mut nameless = 0;
        // A name that nothing in the text can be called.
        let mut fresh = || {
            nameless += 1;
            format!("\u{2}{nameless}")
        };
        let mut wide = false;
        for (at, sequence) in written.patterns.iter().enumerate() {
            let mut group = Vec::new();
            let mut joined = at == 0;
            let rest = sequence.hops.iter().map(|(_, node)| node);
            for node in std::iter::once(&sequence.start).chain(rest) {
                let name = node.name.as_ref().map_or_else(&mut fresh, |name| name.text.clone());
                if let Some(written) = &node.name {
                    if matching.edge_names.iter().any(|(known, _)| *known == name) {
                        return Err(self.fault(duplicate(&name, written.span)));
                    }
                    joined |= matching.node_names.contains(&name);
                    if !matching.node_names.contains(&name) {
                        matching.node_names.push(name.clone());
                    }
                }
                group.push(WholeArg::Group("node", vec![text("name", &name)]));
            }
            if !joined {
                let message = "every sequence must share a node with those before it";
                return Err(self.fault(codes::WRONG_PLACE.at(operator.word, message)));
            }
            for (edge, _) in &sequence.hops {
                let name = edge.name.as_ref().map_or_else(&mut fresh, |name| name.text.clone());
                if let Some(written) = &edge.name {
                    if matching.node_names.contains(&name)
                        || matching.edge_names.iter().any(|(known, _)| *known == name)
                    {
                        return Err(self.fault(duplicate(&name, written.span)));
                    }
                    matching.edge_names.push((name.clone(), edge.range.is_none()));
                }
                let direction = match edge.direction {
                    GraphDirection::Forth => "forth",
                    GraphDirection::Back => "back",
                    GraphDirection::Any => "any",
                };
                let mut one = vec![text("name", &name), text("direction", direction)];
                if let Some((least, most)) = &edge.range {
                    wide = true;
                    let (from, to) = (self.count(least, Scope::bare(env))?, self.count(most, Scope::bare(env))?);
                    if to == 0 || from > to {
                        let message = "the range of a path goes from the smaller number to the greater";
                        return Err(self.fault(codes::BAD_VALUE.at(most.span, message)));
                    }
                    for (key, bound) in [("least", from), ("most", to)] {
                        one.push(WholeArg::Constant(key, Value::Long(i64::try_from(bound).unwrap_or(i64::MAX))));
                    }
                }
                group.push(WholeArg::Group("edge", one));
            }
            args.push(WholeArg::Group("sequence", group));
        }
        if written.shortest && (!wide || written.patterns.len() != 1) {
            let message = "the shortest paths are looked for in one sequence with an edge of variable length";
            return Err(self.fault(codes::WRONG_PLACE.at(operator.word, message)));
        }
        Ok(())
    }

    /// A function of graphs, within the expressions of a pattern.
    pub fn graph_call(
        &mut self,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Option<Bind<Scalar>> {
        self.matching.as_ref()?;
        if !PATTERN_FUNCTIONS.contains(&name.text.as_str()) {
            return None;
        }
        Some(match name.text.as_str() {
            "node_degree_in" | "node_degree_out" => self.degree(name, args, scope),
            "inner_nodes" => {
                let message = "`inner_nodes` stands only within `map`, `any` and `all`";
                Err(self.fault(codes::WRONG_PLACE.at(span, message)))
            }
            _ => self.path_fold(name, args, span, scope),
        })
    }

    fn degree(&mut self, name: &'q Name, args: &'q [Arg], scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let (column, ty) = degree(name.text == "node_degree_in");
        let Some(matching) = &self.matching else { return Err(self.unknown_function(name)) };
        match args {
            [] if matching.within_nodes => Ok(Scalar::column(column, ty)),
            [] => {
                let message = format!("`{}` needs a node here", name.text);
                Err(self.fault(codes::ARGUMENT_COUNT.at(name.span, message)))
            }
            [Arg { value: Expr { kind: ExprKind::Name(node), .. }, .. }]
                if matching.node_names.contains(&node.text) =>
            {
                Ok(Scalar::column(state_column(&node.text, column), ty))
            }
            [Arg { value: Expr { kind: ExprKind::Name(node), .. }, .. }] => Err(self.unknown_column(node, scope)),
            _ => {
                let message = format!("`{}` takes a node of the pattern", name.text);
                Err(self.fault(codes::WRONG_TYPE.at(name.span, message)))
            }
        }
    }

    /// `map(e, expr)`, `all(inner_nodes(e), expr)`: a column that the search fills.
    fn path_fold(&mut self, name: &'q Name, args: &'q [Arg], span: Span, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let [path, value] = args else { return Err(self.argument_count(name, "2 arguments")) };
        let (edge, inner) = match &path.value.kind {
            ExprKind::Name(edge) => (edge, false),
            ExprKind::Call { name: function, args } if function.text == "inner_nodes" => match args.as_slice() {
                [Arg { value: Expr { kind: ExprKind::Name(edge), .. }, .. }] => (edge, true),
                _ => return Err(self.argument_count(function, "the name of an edge")),
            },
            _ => {
                let message = format!("`{}` takes an edge of the pattern, or its `inner_nodes`", name.text);
                return Err(self.fault(codes::WRONG_TYPE.at(path.value.span, message)));
            }
        };
        let Some(matching) = &mut self.matching else { return Err(self.unknown_function(name)) };
        if !matching.edge_names.iter().any(|(known, _)| *known == edge.text) {
            return Err(self.unknown_column(edge, scope));
        }
        let seen = if inner { element_schema(&matching.nodes, true) } else { matching.edges.clone() };
        let mut row = Table::of(RelOp::Each, seen.clone());
        row.hidden.extend(matching.row.columns.iter().map(|column| Hidden {
            name: column.name.clone(),
            source: column.name.clone(),
            ty: column.ty,
        }));
        if !inner {
            // `e.x` is the column of the edge at hand.
            for column in &seen.columns {
                let name = state_column(&edge.text, &column.name);
                row.hidden.retain(|one| one.name != name);
                row.hidden.push(Hidden { name, source: column.name.clone(), ty: column.ty });
            }
        }
        let before = std::mem::replace(&mut matching.within_nodes, inner);
        let folds = matching.paths.len();
        let scope = Scope { row: Some(&row), aggregates: None, windows: None, ..scope };
        let bound = match name.text.as_str() {
            "map" => self.scalar(&value.value, scope),
            _ => self.predicate(&value.value, scope),
        };
        let Some(matching) = &mut self.matching else { return Err(self.unknown_function(name)) };
        matching.within_nodes = before;
        let bound = bound?;
        if matching.paths.len() != folds {
            return Err(self.fault(codes::WRONG_PLACE.at(span, "one walk over a path cannot stand within another")));
        }
        let (how, ty) = match name.text.as_str() {
            "map" => ("map", Type::Dynamic),
            "any" => ("any", Type::Bool),
            _ => ("all", Type::Bool),
        };
        Ok(matching.fold(&edge.text, inner, how, ty, bound))
    }

    /// Whether a name stands for an edge of variable length.
    pub fn is_path(&self, name: &str) -> bool {
        let known = |matching: &Matching| matching.edge_names.iter().any(|(edge, single)| edge == name && !single);
        self.matching.as_ref().is_some_and(known)
    }

    /// `e.x` of an edge of variable length: the values of its edges as an array, outside of conditions.
    pub fn path_column(&mut self, edge: &Name, column: &Name) -> Option<Bind<Scalar>> {
        if !self.is_path(&edge.text) {
            return None;
        }
        let matching = self.matching.as_mut()?;
        let Some(Column { name, ty }) = matching.edges.get(&column.text).cloned() else {
            let fault = codes::UNKNOWN_COLUMN.at(column.span, format!("the edges have no column `{}`", column.text));
            return Some(Err(self.fault(fault)));
        };
        if matching.filters {
            let message = format!("`{}` stands for several edges", edge.text);
            let help = format!("ask with `all({}, …)` or `any({}, …)`", edge.text, edge.text);
            return Some(Err(self.fault(codes::WRONG_TYPE.at(edge.span, message).help(help))));
        }
        Some(Ok(matching.fold(&edge.text, false, "map", Type::Dynamic, Scalar::column(name, ty))))
    }

    /// Refuses a graph where only a table will do.
    pub fn only_table(&mut self, table: Table, span: Span) -> Bind<Table> {
        if table.graph.is_none() {
            return Ok(table);
        }
        let fault = codes::NOT_TABULAR.at(span, "a graph stands where a table is expected");
        Err(self.fault(fault.help("make it a table with `graph-to-table` or `graph-match`")))
    }
}

/// Whether a scalar reads one of these columns.
fn reads(scalar: &Scalar, columns: &[String]) -> bool {
    let mut open = vec![scalar];
    while let Some(one) = open.pop() {
        match one {
            Scalar::Column { name, .. } if columns.contains(name) => return true,
            Scalar::Call { args, .. } => open.extend(args),
            Scalar::Literal { .. } | Scalar::Column { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => {}
        }
    }
    false
}

/// The parts of a condition that must all hold.
fn terms(scalar: Scalar, out: &mut Vec<Scalar>) {
    let mut open = vec![scalar];
    while let Some(one) = open.pop() {
        match one {
            Scalar::Call { function, args, .. } if function.name() == "and" => open.extend(args.into_iter().rev()),
            other => out.push(other),
        }
    }
}
