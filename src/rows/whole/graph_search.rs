//! graph-match and graph-shortest-paths: a walk over the graph that tries every edge the pattern allows, and gives up a
//! way as soon as a condition whose parts are all known does not hold.
use super::args::Args;
use super::graph::{DEGREE_IN, DEGREE_OUT, element_schema, ends};
use super::scan::state_column;
use crate::ir::{Scalar, WholeCall};
use crate::rows::budget::Sink;
use crate::rows::{Compiled, Env, RowsError, Table};
use crate::types::{Schema, Type};
use crate::value::{Json, Value};
use std::collections::HashMap;

/// More edges than this no match may have: each is a step down the stack.
const MOST_HOPS: usize = 256;

#[derive(Clone, Copy, Debug)]
pub struct Ends {
    pub from: usize,
    pub to: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Cycles {
    All,
    None,
    UniqueEdges,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Forth,
    Back,
    Any,
}

#[derive(Clone, Copy)]
enum Step {
    /// A sequence begins at the node of that number in the pattern.
    Start(usize),
    Hop(usize),
}

struct Hop {
    from: usize,
    to: usize,
    direction: Direction,
    /// How many edges; `None` for just one.
    range: Option<(usize, usize)>,
}

/// A value over the parts of a path.
struct Fold {
    hop: usize,
    inner: bool,
    how: How,
    place: usize,
    value: Compiled,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Map,
    Any,
    All,
}

struct Check {
    when: Compiled,
    /// The folds whose values the condition reads.
    folds: Vec<usize>,
}

/// Which columns of the row a node or an edge fills: its own column, and the place.
type Fill = Vec<(usize, usize)>;

struct Pattern {
    steps: Vec<Step>,
    hops: Vec<Hop>,
    folds: Vec<Fold>,
    /// The conditions that are known after each step.
    checks: Vec<Vec<Check>>,
    node_fills: Vec<Fill>,
    hop_fills: Vec<Fill>,
    cycles: Cycles,
    /// Edges of the way beyond the shortest are no part of an answer.
    straight: bool,
}

struct Graph {
    /// The cells of each node, degrees behind its own.
    nodes: Vec<Vec<Value<'static>>>,
    edges: Vec<Vec<Value<'static>>>,
    out: Vec<Vec<(usize, usize)>>,
    into: Vec<Vec<(usize, usize)>>,
}

impl Graph {
    /// The edges that lead away from a node in that direction, and where to.
    fn next(&self, node: usize, direction: Direction) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (out, into) = (self.out[node].as_slice(), self.into[node].as_slice());
        let (out, into) = match direction {
            Direction::Forth => (out, [].as_slice()),
            Direction::Back => ([].as_slice(), into),
            Direction::Any => (out, into),
        };
        // In any direction an edge from a node to itself is still one edge.
        let back = into.iter().filter(move |(_, other)| direction == Direction::Back || *other != node);
        out.iter().chain(back).copied()
    }
}

pub fn run(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let [nodes, edges] = inputs else { return Err(args.lacks("input")) };
    let graph = graph(&args, nodes, edges)?;
    let most = graph.edges.len();
    let pattern = pattern(&args, &nodes.schema, &edges.schema, schema, env.now, most)?;
    let row = schema.columns.iter().map(|column| Value::absent(column.ty)).collect();
    let variables = 1 + pattern.hops.iter().map(|hop| hop.to.max(hop.from)).max().unwrap_or(0);
    let mut search = Search {
        bound: vec![None; variables],
        node_used: vec![0; graph.nodes.len()],
        edge_used: vec![false; graph.edges.len()],
        ways: pattern.hops.iter().map(|_| Way::default()).collect(),
        distances: Vec::new(),
        tried: 0,
        found: match args.text("shortest") {
            Some(how) => Found::Shortest { all: how == "all", best: HashMap::new(), pairs: Vec::new(), rows: 0 },
            None => Found::All(Sink::new(env.budget)),
        },
        row,
        env: *env,
        graph: &graph,
        pattern: &pattern,
    };
    search.step(0)?;
    search.found.finish(schema, env)
}

fn graph(args: &Args<'_>, nodes: &Table, edges: &Table) -> Result<Graph, RowsError> {
    let ends = ends(args, nodes, edges)?;
    let count = nodes.rows.len();
    let (mut out, mut into) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for (edge, one) in ends.iter().enumerate() {
        out[one.from].push((edge, one.to));
        into[one.to].push((edge, one.from));
    }
    let cells = |(number, row): (usize, &Vec<Value<'static>>)| {
        let mut row = row.clone();
        row.pop();
        row.push(Value::Long(into[number].len() as i64));
        row.push(Value::Long(out[number].len() as i64));
        row
    };
    let nodes = nodes.rows.iter().enumerate().map(cells).collect();
    Ok(Graph { nodes, edges: edges.rows.clone(), out, into })
}

fn pattern(
    args: &Args<'_>,
    nodes: &Schema,
    edges: &Schema,
    schema: &Schema,
    now: i64,
    edge_count: usize,
) -> Result<Pattern, RowsError> {
    let cycles = match args.text("cycles") {
        Some("all") => Cycles::All,
        Some("none") => Cycles::None,
        _ => Cycles::UniqueEdges,
    };
    let node_schema = element_schema(nodes, true);
    let (mut steps, mut hops): (Vec<Step>, Vec<Hop>) = (Vec::new(), Vec::new());
    let mut names: Vec<&str> = Vec::new();
    let mut hop_names: Vec<&str> = Vec::new();
    let mut longest = 0usize;
    for sequence in args.groups("sequence") {
        let mut before = None;
        let places = sequence.groups("node");
        let between = sequence.groups("edge");
        for (at, node) in places.iter().enumerate() {
            let name = node.text("name").ok_or_else(|| args.lacks("name"))?;
            let number = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            let Some(from) = before.replace(number) else {
                steps.push(Step::Start(number));
                continue;
            };
            let edge = between.get(at - 1).ok_or_else(|| args.lacks("edge"))?;
            let bound = |name: &str| edge.constant(name).and_then(Value::as_long).and_then(|x| usize::try_from(x).ok());
            let range = match (bound("least"), bound("most")) {
                // A way that uses no edge twice has no more edges than the graph.
                (Some(least), Some(most)) if cycles != Cycles::All => Some((least, most.min(edge_count))),
                (Some(least), Some(most)) => Some((least, most)),
                _ => None,
            };
            longest = longest.saturating_add(range.map_or(1, |(_, most)| most));
            let direction = match edge.text("direction") {
                Some("forth") => Direction::Forth,
                Some("back") => Direction::Back,
                _ => Direction::Any,
            };
            hop_names.push(edge.text("name").ok_or_else(|| args.lacks("name"))?);
            steps.push(Step::Hop(hops.len()));
            hops.push(Hop { from, to: number, direction, range });
        }
    }
    if longest > MOST_HOPS {
        return Err(args.wrong(format!("a match of more than {MOST_HOPS} edges is not looked for")));
    }

    let mut folds = Vec::new();
    let mut fold_reads: Vec<(&str, Vec<&str>)> = Vec::new();
    for group in args.groups("path") {
        let (name, _) = *group.columns("as").first().ok_or_else(|| args.lacks("as"))?;
        let edge = group.text("edge").ok_or_else(|| args.lacks("edge"))?;
        let hop = hop_names.iter().position(|known| *known == edge).ok_or_else(|| args.lacks(edge))?;
        let inner = group.flag("inner");
        let mut seen = if inner { node_schema.clone() } else { edges.clone() };
        seen.columns.extend(schema.columns.iter().cloned());
        let how = match group.text("fold") {
            Some("any") => How::Any,
            Some("all") => How::All,
            _ => How::Map,
        };
        let place = schema.index(name).ok_or_else(|| args.lacks(name))?;
        let mut reads = vec![edge];
        group.scalars("value").into_iter().for_each(|scalar| columns(scalar, &mut reads));
        fold_reads.push((name, reads));
        folds.push(Fold { hop, inner, how, place, value: group.ready("value", &seen, now)? });
    }

    let fill = |name: &str, columns: &Schema| -> Fill {
        let own = columns.columns.iter().enumerate();
        own.filter_map(|(at, column)| Some((at, schema.index(&state_column(name, &column.name))?))).collect()
    };
    let node_fills: Vec<Fill> = names.iter().map(|name| fill(name, &node_schema)).collect();
    let hop_fills: Vec<Fill> = hop_names.iter().map(|name| fill(name, edges)).collect();

    // The step after which a variable is known.
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Start(node) => {
                known.entry(names[*node]).or_insert(at);
            }
            Step::Hop(hop) => {
                known.entry(names[hops[*hop].to]).or_insert(at);
                known.entry(hop_names[*hop]).or_insert(at);
            }
        }
    }
    let variable = |column: &str| column.split_once('\u{1}').map_or(0, |(name, _)| *known.get(name).unwrap_or(&0));
    let mut checks: Vec<Vec<Check>> = steps.iter().map(|_| Vec::new()).collect();
    let mut folded = false;
    for scalar in args.scalars("when") {
        let mut reads = Vec::new();
        columns(scalar, &mut reads);
        let (mut at, mut used) = (0, Vec::new());
        for column in reads {
            match fold_reads.iter().position(|(name, _)| *name == column) {
                Some(fold) => {
                    used.push(fold);
                    for one in &fold_reads[fold].1 {
                        at = at.max(known.get(one).copied().unwrap_or_else(|| variable(one)));
                    }
                }
                None => at = at.max(variable(column)),
            }
        }
        folded |= !used.is_empty();
        if let Some(list) = checks.get_mut(at) {
            list.push(Check { when: Compiled::new(scalar, schema, now)?, folds: used });
        }
    }
    let straight = args.text("shortest").is_some()
        && !folded
        && matches!(hops.as_slice(), [Hop { range: Some((0 | 1, _)), from, to, .. }] if from != to);
    Ok(Pattern { steps, hops, folds, checks, node_fills, hop_fills, cycles, straight })
}

fn columns<'s>(scalar: &'s Scalar, out: &mut Vec<&'s str>) {
    match scalar {
        Scalar::Column { name, .. } => out.push(name),
        Scalar::Call { args, .. } => args.iter().for_each(|arg| columns(arg, out)),
        Scalar::Literal { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => {}
    }
}

/// The way that a hop has taken: its edges, and the nodes between them.
#[derive(Default)]
struct Way {
    edges: Vec<usize>,
    nodes: Vec<usize>,
}

type Row = Vec<Value<'static>>;

enum Found {
    All(Sink),
    /// The shortest ways between each pair of a first and a last node.
    Shortest {
        all: bool,
        best: HashMap<(usize, usize), (usize, Vec<Row>)>,
        pairs: Vec<(usize, usize)>,
        rows: usize,
    },
}

impl Found {
    fn finish(self, schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
        match self {
            Found::All(sink) => Ok(sink.finish(schema)),
            Found::Shortest { mut best, pairs, .. } => {
                let mut sink = Sink::new(env.budget);
                for pair in pairs {
                    let (_, rows) = best.remove(&pair).unwrap_or_default();
                    rows.into_iter().try_for_each(|row| sink.push(row))?;
                }
                Ok(sink.finish(schema))
            }
        }
    }
}

struct Search<'s, 'e> {
    graph: &'s Graph,
    pattern: &'s Pattern,
    env: Env<'e>,
    bound: Vec<Option<usize>>,
    node_used: Vec<u32>,
    edge_used: Vec<bool>,
    ways: Vec<Way>,
    /// How far each node is from the first, where only straight ways are wanted.
    distances: Vec<usize>,
    row: Row,
    tried: usize,
    found: Found,
}

impl Search<'_, '_> {
    fn step(&mut self, at: usize) -> Result<(), RowsError> {
        let (pattern, graph) = (self.pattern, self.graph);
        match pattern.steps.get(at) {
            None => self.emit(),
            Some(Step::Start(variable)) => {
                if self.bound[*variable].is_some() {
                    return if self.holds(at) { self.step(at + 1) } else { Ok(()) };
                }
                for node in 0..self.graph.nodes.len() {
                    self.tick()?;
                    if pattern.straight {
                        self.distances = self.measure(node, pattern.hops[0].direction);
                    }
                    self.arrive(at, *variable, node)?;
                }
                Ok(())
            }
            Some(Step::Hop(hop)) => {
                let shape = &pattern.hops[*hop];
                let Some(from) = self.bound[shape.from] else { return Ok(()) };
                match shape.range {
                    Some((least, most)) => {
                        self.ways[*hop] = Way::default();
                        if least == 0 {
                            // A way without edges: both ends are one node.
                            self.meet(at, shape.to, from)?;
                        }
                        self.walk(at, *hop, from, least, most)
                    }
                    None => {
                        for (edge, other) in graph.next(from, shape.direction) {
                            self.tick()?;
                            if self.pattern.cycles != Cycles::All && self.edge_used[edge] {
                                continue;
                            }
                            let before = std::mem::replace(&mut self.edge_used[edge], true);
                            self.ways[*hop] = Way { edges: vec![edge], nodes: Vec::new() };
                            for (from, to) in &pattern.hop_fills[*hop] {
                                self.row[*to] = self.graph.edges[edge][*from].clone();
                            }
                            self.arrive(at, shape.to, other)?;
                            self.edge_used[edge] = before;
                        }
                        Ok(())
                    }
                }
            }
        }
    }

    /// All ways on from a node, of which the hop has gone some part already.
    fn walk(&mut self, at: usize, hop: usize, here: usize, least: usize, most: usize) -> Result<(), RowsError> {
        let (shape, graph) = (&self.pattern.hops[hop], self.graph);
        let gone = self.ways[hop].edges.len();
        if gone >= most {
            return Ok(());
        }
        for (edge, other) in graph.next(here, shape.direction) {
            self.tick()?;
            if self.pattern.cycles != Cycles::All && self.edge_used[edge] {
                continue;
            }
            if self.pattern.straight && self.distances[other] != gone + 1 {
                continue;
            }
            let before = std::mem::replace(&mut self.edge_used[edge], true);
            self.ways[hop].edges.push(edge);
            if gone + 1 >= least {
                self.arrive(at, shape.to, other)?;
            }
            if self.pattern.cycles != Cycles::None || self.node_used[other] == 0 {
                self.ways[hop].nodes.push(other);
                self.node_used[other] += 1;
                self.walk(at, hop, other, least, most)?;
                self.node_used[other] -= 1;
                self.ways[hop].nodes.pop();
            }
            self.ways[hop].edges.pop();
            self.edge_used[edge] = before;
        }
        Ok(())
    }

    /// A hop of no edges ends at its own beginning.
    fn meet(&mut self, at: usize, variable: usize, node: usize) -> Result<(), RowsError> {
        match self.bound[variable] {
            Some(known) if known == node => {
                if self.holds(at) {
                    self.step(at + 1)?;
                }
                Ok(())
            }
            Some(_) => Ok(()),
            None => self.bind(at, variable, node),
        }
    }

    /// The step ends at a node.
    fn arrive(&mut self, at: usize, variable: usize, node: usize) -> Result<(), RowsError> {
        let alone = self.pattern.cycles == Cycles::None;
        match self.bound[variable] {
            Some(known) => {
                if known == node && !alone && self.holds(at) {
                    self.step(at + 1)?;
                }
                Ok(())
            }
            None if alone && self.node_used[node] > 0 => Ok(()),
            None => self.bind(at, variable, node),
        }
    }

    fn bind(&mut self, at: usize, variable: usize, node: usize) -> Result<(), RowsError> {
        self.bound[variable] = Some(node);
        self.node_used[node] += 1;
        for (from, to) in &self.pattern.node_fills[variable] {
            self.row[*to] = self.graph.nodes[node][*from].clone();
        }
        let outcome = if self.holds(at) { self.step(at + 1) } else { Ok(()) };
        self.node_used[node] -= 1;
        self.bound[variable] = None;
        outcome
    }

    /// Whether the conditions hold that are known after a step.
    fn holds(&mut self, at: usize) -> bool {
        let pattern = self.pattern;
        pattern.checks[at].iter().all(|check| {
            check.folds.iter().for_each(|fold| self.fold(&pattern.folds[*fold]));
            check.when.eval(&self.row).as_bool() == Some(true)
        })
    }

    /// Puts the value of a fold into the row.
    fn fold(&mut self, fold: &Fold) {
        let way = &self.ways[fold.hop];
        let (numbers, elements) =
            if fold.inner { (&way.nodes, &self.graph.nodes) } else { (&way.edges, &self.graph.edges) };
        let values = numbers.iter().map(|number| {
            let row: Row = elements[*number].iter().chain(&self.row).cloned().collect();
            fold.value.eval(&row).into_owned()
        });
        let values: Vec<Value<'static>> = values.collect();
        self.row[fold.place] = match fold.how {
            How::Map => Value::json(Json::Array(values.iter().map(Value::to_json).collect())),
            How::Any => Value::Bool(values.iter().any(|value| value.as_bool() == Some(true))),
            How::All => Value::Bool(values.iter().all(|value| value.as_bool() == Some(true))),
        };
    }

    fn emit(&mut self) -> Result<(), RowsError> {
        let pattern = self.pattern;
        pattern.folds.iter().for_each(|fold| self.fold(fold));
        let row = self.row.clone();
        let length: usize = self.ways.iter().map(|way| way.edges.len()).sum();
        let (first, last) = match (pattern.hops.first(), pattern.hops.last()) {
            (Some(first), Some(last)) => (self.bound[first.from], self.bound[last.to]),
            _ => (None, None),
        };
        match &mut self.found {
            Found::All(sink) => sink.push(row),
            Found::Shortest { all, best, pairs, rows } => {
                let pair = (first.unwrap_or(0), last.unwrap_or(0));
                // A way back to where it began is no way from one node to another.
                if pair.0 == pair.1 && length > 0 {
                    return Ok(());
                }
                *rows += 1;
                if *rows > self.env.budget.rows {
                    return Err(RowsError::Rows(self.env.budget.rows));
                }
                match best.get_mut(&pair) {
                    None => {
                        pairs.push(pair);
                        best.insert(pair, (length, vec![row]));
                    }
                    Some((known, kept)) if length < *known => (*known, *kept) = (length, vec![row]),
                    Some((known, kept)) if length == *known && *all => kept.push(row),
                    Some(_) => {}
                }
                Ok(())
            }
        }
    }

    /// How many edges every node is away from one.
    fn measure(&self, start: usize, direction: Direction) -> Vec<usize> {
        let mut distances = vec![usize::MAX; self.graph.nodes.len()];
        distances[start] = 0;
        let mut front = vec![start];
        let mut far = 0;
        while !front.is_empty() {
            far += 1;
            let mut next = Vec::new();
            for node in front {
                for (_, other) in self.graph.next(node, direction) {
                    if distances[other] == usize::MAX {
                        distances[other] = far;
                        next.push(other);
                    }
                }
            }
            front = next;
        }
        distances
    }

    fn tick(&mut self) -> Result<(), RowsError> {
        self.tried += 1;
        if self.tried.is_multiple_of(4096) { self.env.budget.check_time() } else { Ok(()) }
    }
}

/// What the row of a match holds for a variable: the columns of its node or edge, under its name.
pub fn variable_schema(name: &str, columns: &Schema, node: bool) -> Schema {
    let of = element_schema(columns, node);
    Schema::new(of.columns.iter().map(|column| (state_column(name, &column.name), column.ty)))
}

/// The column of a degree.
pub fn degree(into: bool) -> (&'static str, Type) {
    (if into { DEGREE_IN } else { DEGREE_OUT }, Type::Long)
}
