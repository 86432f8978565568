//! The graph operators that see all nodes and edges: the nodes of a graph, its components, patterns within it.
//! <https://learn.microsoft.com/kusto/query/graph-operators>
use super::args::Args;
use super::graph_search::{self, Ends};
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::HashMap;

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "graph-nodes",
        doc: "Every node that a table of nodes or an edge names, once.",
        takes: "source, target: Constant string (columns of the first input); nodes: Group* of key: Constant string, one \
                for each further input. The schema is the columns of the nodes and, last, the node's key.",
        over: Over::Tables,
        run: nodes,
    },
    Whole {
        name: "graph-components",
        doc: "The nodes with the number of the component they belong to, before their key.",
        takes: "source, target: Constant string (columns of the second input, the edges); strong: Constant bool.",
        over: Over::Tables,
        run: components,
    },
    Whole {
        name: "graph-match",
        doc: "All places of a graph that a pattern fits.",
        takes: "source, target, cycles (all, none, unique_edges): Constant string; shortest: Constant string? (any, all); \
                sequence: Group+ of node: Group+ of name: Constant string, and between them edge: Group* of name, \
                direction (forth, back, any): Constant string, least, most: Constant long?; path: Group* of edge, fold \
                (map, any, all): Constant string, inner: Constant bool (nodes between, not edges), as: Column, value: \
                Scalar over `element_schema` and the row; when: Scalar* over the schema, which is `variable_schema` of \
                each node and each single edge that has a name, and the columns of the paths. The inputs are nodes and \
                edges.",
        over: Over::Tables,
        run: graph_search::run,
    },
];

/// Functions that have a meaning only within the expressions of a pattern.
pub const PATTERN_FUNCTIONS: &[&str] = &["all", "any", "inner_nodes", "map", "node_degree_in", "node_degree_out"];

/// The column of the nodes, behind all others, by which edges name them.
pub const NODE_KEY: &str = "\u{1}key";
/// Columns of a node in a pattern: how many edges lead to it and from it.
pub const DEGREE_IN: &str = "\u{1}in";
pub const DEGREE_OUT: &str = "\u{1}out";

/// What an expression sees of a node (or, as they are, of an edge) besides the row.
pub fn element_schema(columns: &Schema, node: bool) -> Schema {
    let mut schema = columns.clone();
    if node {
        schema.columns.retain(|column| column.name != NODE_KEY);
        schema.columns.extend(Schema::new([(DEGREE_IN, Type::Long), (DEGREE_OUT, Type::Long)]).columns);
    }
    schema
}

fn place(args: &Args<'_>, name: &str, schema: &Schema) -> Result<usize, RowsError> {
    args.text(name).and_then(|column| schema.index(column)).ok_or_else(|| args.lacks(name))
}

fn key(value: &Value<'_>) -> Vec<u8> {
    let mut key = Vec::new();
    order::push_key(&mut key, value);
    key
}

fn nodes(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let Some((edges, tables)) = inputs.split_first() else { return Err(args.lacks("input")) };
    let (source, target) = (place(&args, "source", &edges.schema)?, place(&args, "target", &edges.schema)?);
    let Some(last) = schema.len().checked_sub(1) else { return Err(args.lacks("schema")) };
    let absent: Vec<Value<'static>> = schema.columns.iter().map(|column| Value::absent(column.ty)).collect();
    let mut rows: Vec<Vec<Value<'static>>> = Vec::new();
    // The row of each key, and the input that it was last filled from.
    let mut known: HashMap<Vec<u8>, (usize, usize)> = HashMap::new();
    let mut named: Vec<usize> = Vec::new();
    for (at, (table, group)) in tables.iter().zip(args.groups("nodes")).enumerate() {
        let own = place(&group, "key", &table.schema)?;
        let places: Vec<Option<usize>> = table.schema.names().map(|name| schema.index(name)).collect();
        named.extend(places[own]);
        for row in &table.rows {
            let (number, before) = *known.entry(key(&row[own])).or_insert_with(|| {
                rows.push(absent.clone());
                (rows.len() - 1, usize::MAX)
            });
            // Of two rows of one table that name one node, the first counts.
            if before == at {
                continue;
            }
            known.insert(key(&row[own]), (number, at));
            for (value, place) in row.iter().zip(&places) {
                if let Some(place) = place {
                    rows[number][*place] = value.clone();
                }
            }
            rows[number][last] = row[own].clone();
        }
    }
    if tables.is_empty() {
        named.extend(args.text("node_id").and_then(|name| schema.index(name)));
    }
    for row in &edges.rows {
        for end in [source, target] {
            known.entry(key(&row[end])).or_insert_with(|| {
                let mut fresh = absent.clone();
                named.iter().chain([&last]).for_each(|place| fresh[*place] = row[end].clone());
                rows.push(fresh);
                (rows.len() - 1, usize::MAX)
            });
        }
    }
    let mut sink = Sink::new(env.budget);
    rows.into_iter().try_for_each(|row| sink.push(row))?;
    Ok(sink.finish(schema))
}

/// The numbers of the nodes at both ends of each edge.
pub fn ends(args: &Args<'_>, nodes: &Table, edges: &Table) -> Result<Vec<Ends>, RowsError> {
    let (source, target) = (place(args, "source", &edges.schema)?, place(args, "target", &edges.schema)?);
    let own = nodes.schema.index(NODE_KEY).ok_or_else(|| args.lacks("key"))?;
    let numbers: HashMap<Vec<u8>, usize> =
        nodes.rows.iter().enumerate().map(|(number, row)| (key(&row[own]), number)).collect();
    let find = |value| numbers.get(&key(value)).copied().ok_or_else(|| args.lacks("node"));
    edges.rows.iter().map(|row| Ok(Ends { from: find(&row[source])?, to: find(&row[target])? })).collect()
}

fn components(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let [nodes, edges] = inputs else { return Err(args.lacks("input")) };
    let ends = ends(&args, nodes, edges)?;
    let groups = if args.flag("strong") { strong(nodes.rows.len(), &ends) } else { weak(nodes.rows.len(), &ends) };
    // Components are numbered as their first nodes come.
    let mut numbers: HashMap<usize, i64> = HashMap::new();
    let mut sink = Sink::new(env.budget);
    for (row, group) in nodes.rows.iter().zip(groups) {
        let next = numbers.len() as i64;
        let number = *numbers.entry(group).or_insert(next);
        let mut row = row.clone();
        row.insert(row.len().saturating_sub(1), Value::Long(number));
        sink.push(row)?;
    }
    Ok(sink.finish(schema))
}

/// For each node a node that stands for its component, directions aside.
fn weak(count: usize, ends: &[Ends]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..count).collect();
    fn root(parents: &mut [usize], mut at: usize) -> usize {
        while parents[at] != at {
            parents[at] = parents[parents[at]];
            at = parents[at];
        }
        at
    }
    for one in ends {
        let (a, b) = (root(&mut parents, one.from), root(&mut parents, one.to));
        parents[a.max(b)] = a.min(b);
    }
    (0..count).map(|at| root(&mut parents, at)).collect()
}

/// For each node a node that stands for its component, within which every node leads to every other (Tarjan, with its
/// own stack).
fn strong(count: usize, ends: &[Ends]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    ends.iter().for_each(|one| next[one.from].push(one.to));
    let (mut index, mut low, mut group) = (vec![NONE; count], vec![0; count], vec![NONE; count]);
    let (mut open, mut counter): (Vec<usize>, usize) = (Vec::new(), 0);
    for start in 0..count {
        if index[start] != NONE {
            continue;
        }
        let mut walk = vec![(start, 0)];
        while let Some((node, done)) = walk.pop() {
            if done == 0 {
                (index[node], low[node]) = (counter, counter);
                counter += 1;
                open.push(node);
            }
            match next[node].get(done) {
                Some(to) => {
                    walk.push((node, done + 1));
                    if index[*to] == NONE {
                        walk.push((*to, 0));
                    } else if group[*to] == NONE {
                        low[node] = low[node].min(index[*to]);
                    }
                }
                None => {
                    if let Some((before, _)) = walk.last() {
                        low[*before] = low[*before].min(low[node]);
                    }
                    if low[node] == index[node] {
                        while let Some(one) = open.pop() {
                            group[one] = node;
                            if one == node {
                                break;
                            }
                        }
                    }
                }
            }
        }
    }
    group
}
