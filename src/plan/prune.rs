//! Takes away the columns that nobody reads, before a plan is made: the tables are wide, plans over sixty columns are
//! slow to make, and an expansion gathers every column that is there.
use crate::ir::{AggregateCall, JoinKind, Rel, RelOp, Scalar, Side, WholeArg};
use crate::rows::Expansion;
use crate::rows::whole::{Over, whole};
use crate::types::Schema;
use crate::value::Value;
use std::collections::HashSet;

type Names = HashSet<String>;

/// Narrows a relation whose columns are all wanted.
pub fn prune(rel: &mut Rel) {
    narrow(rel, names(&rel.schema));
}

fn names(schema: &Schema) -> Names {
    schema.names().map(str::to_owned).collect()
}

/// Keeps the wanted columns, and one at least: rows without columns are not counted everywhere.
fn keep(schema: &mut Schema, wanted: &Names) {
    let first = schema.columns.first().cloned();
    schema.columns.retain(|column| wanted.contains(&column.name));
    if schema.columns.is_empty() {
        schema.columns.extend(first);
    }
}

/// Adds the columns that a scalar reads.
pub fn read(scalar: &Scalar, into: &mut Names) {
    match scalar {
        Scalar::Literal { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => {}
        Scalar::Column { name, .. } => {
            if !into.contains(name) {
                into.insert(name.clone());
            }
        }
        Scalar::Call { args, .. } => args.iter().for_each(|arg| read(arg, into)),
    }
}

/// Keeps those columns that the input has, where the schemas were the same before the input was narrowed.
fn follow(schema: &mut Schema, input: &Schema) {
    let mut kept = input.names().peekable();
    schema.columns.retain(|column| kept.next_if_eq(&column.name.as_str()).is_some());
}

/// Takes from a relation the columns that are not wanted.
fn narrow(rel: &mut Rel, mut wanted: Names) {
    match &mut rel.op {
        RelOp::Table { .. } => keep(&mut rel.schema, &wanted),
        RelOp::Filter { input, predicate } => {
            read(predicate, &mut wanted);
            narrow(input, wanted);
            follow(&mut rel.schema, &input.schema);
        }
        RelOp::Sort { input, keys } => {
            keys.iter().for_each(|key| read(&key.expr, &mut wanted));
            narrow(input, wanted);
            follow(&mut rel.schema, &input.schema);
        }
        RelOp::Take { input, .. } | RelOp::Skip { input, .. } => {
            narrow(input, wanted);
            follow(&mut rel.schema, &input.schema);
        }
        RelOp::Project { input, columns } => {
            keep(&mut rel.schema, &wanted);
            columns.retain(|(name, _)| rel.schema.get(name).is_some());
            let mut below = Names::new();
            columns.iter().for_each(|(_, scalar)| read(scalar, &mut below));
            narrow(input, below);
        }
        RelOp::Summarize { input, by, aggregates } => {
            // A group is a group whoever reads it; a fold that nobody reads is not made.
            let is_wanted = |call: &AggregateCall| call.outputs.iter().any(|(name, _)| wanted.contains(name));
            if !by.is_empty() || aggregates.iter().any(is_wanted) {
                aggregates.retain(is_wanted);
            }
            let kept: Names = (by.iter().map(|(name, _)| name))
                .chain(aggregates.iter().flat_map(|call| call.outputs.iter().map(|(name, _)| name)))
                .cloned()
                .collect();
            rel.schema.columns.retain(|column| kept.contains(&column.name));
            let mut below = Names::new();
            by.iter().for_each(|(_, scalar)| read(scalar, &mut below));
            aggregates.iter().flat_map(|call| &call.args).for_each(|arg| read(arg, &mut below));
            narrow(input, below);
        }
        RelOp::Join { left, right, on, output, kind } => {
            keep(&mut rel.schema, &wanted);
            output.retain(|column| rel.schema.get(&column.name).is_some());
            let side = |wanted_side: Side| {
                let mut below = Names::new();
                for (left, right) in on.iter() {
                    read(if wanted_side == Side::Left { left } else { right }, &mut below);
                }
                below.extend(output.iter().filter(|one| one.side == wanted_side).map(|one| one.source.clone()));
                below
            };
            let (of_left, of_right) = (side(Side::Left), side(Side::Right));
            // Which row of a key stays must not depend on what is read of it.
            if *kind == JoinKind::InnerUnique && on.is_empty() {
                return;
            }
            narrow(left, of_left);
            narrow(right, of_right);
        }
        RelOp::Union { inputs } => {
            keep(&mut rel.schema, &wanted);
            let kept = names(&rel.schema);
            inputs.iter_mut().for_each(|input| narrow(input, kept.clone()));
        }
        RelOp::Expand { input, expander } => {
            let given: Names = Expansion::gives(expander).into_iter().map(|(name, _)| name).collect();
            wanted.retain(|name| !given.contains(name));
            Expansion::arguments(expander).into_iter().for_each(|scalar| read(scalar, &mut wanted));
            narrow(input, wanted);
            let input = names(&input.schema);
            rel.schema.columns.retain(|column| given.contains(&column.name) || input.contains(&column.name));
        }
        RelOp::Window { input, calls } => {
            let made: Names = calls.iter().map(|call| call.name.clone()).collect();
            calls.iter().flat_map(|call| &call.args).for_each(|arg| read(arg, &mut wanted));
            wanted.retain(|name| !made.contains(name));
            narrow(input, wanted);
            let input = names(&input.schema);
            rel.schema.columns.retain(|column| made.contains(&column.name) || input.contains(&column.name));
        }
        // What a body or an operator over whole tables reads is not looked into; below them everything is wanted.
        RelOp::Apply { input, .. } | RelOp::Partition { input, .. } => prune(input),
        RelOp::Whole { inputs, call } => match (inputs.as_mut_slice(), whole(call.name).map(|whole| whole.over)) {
            ([input], Some(Over::Arguments)) => {
                let mut below = Names::new();
                call.args.iter().flat_map(WholeArg::scalars).for_each(|scalar| read(scalar, &mut below));
                // What an aggregate of theirs gives may be called like a column, which is then read for nothing.
                narrow(input, below);
            }
            // The other columns go through it, or come out of the one that it names.
            ([input], Some(Over::EachRow)) => {
                keep(&mut rel.schema, &wanted);
                let named = call.args.iter().filter_map(|arg| match arg {
                    WholeArg::Constant("column", Value::String(name)) => Some(name.to_string()),
                    _ => None,
                });
                let below = names(&rel.schema).into_iter().chain(named).collect();
                narrow(input, below);
            }
            _ => inputs.iter_mut().for_each(prune),
        },
        RelOp::Values { .. } | RelOp::Range { .. } | RelOp::Each | RelOp::Shared { .. } => {}
    }
}
