//! `summarize arg_max(Timestamp, …) by …`: the last time of each group is found first, from the times and the keys alone. Only
//! rows at one of these times can be a group's last, so no other need be read for the other columns. The first times of
//! `arg_min` go the same way.
use super::{Known, all, at_path, call, filtered, is_known, is_steady, stored};
use crate::catalog::TIMESTAMP;
use crate::functions;
use crate::ir::{AggregateCall, Rel, RelOp, Scalar};
use crate::text::Span;
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::BTreeSet;

/// Reading the times first pays where so many further columns are asked for.
const LATE_COLUMNS: usize = 3;
/// Times of more groups than these are not looked at.
pub const MOST_GROUPS: usize = 200_000;

/// An aggregation of whole rows by their times.
pub struct Last {
    /// From the outermost relation: which input, and of that which, ….
    path: Vec<usize>,
    /// The wanted times of each group, but not of more than one over [`MOST_GROUPS`].
    pub times: Rel,
    time: String,
}

/// All such places of a relation, outer ones first. Relations that were computed before, of which `known` tells, stay as
/// they are.
pub fn last(rel: &Rel, known: Known<'_>) -> Vec<Last> {
    let mut found = Vec::new();
    look(rel, &mut Vec::new(), known, &mut found);
    found
}

fn look(rel: &Rel, path: &mut Vec<usize>, known: Known<'_>, found: &mut Vec<Last>) {
    if is_known(rel, known) {
        return;
    }
    found.extend(of(rel, path));
    for (at, input) in rel.op.inputs().into_iter().enumerate() {
        path.push(at);
        look(input, path, known, found);
        path.pop();
    }
}

fn of(rel: &Rel, path: &[usize]) -> Option<Last> {
    let RelOp::Summarize { input, by, aggregates } = &rel.op else { return None };
    let late: usize = aggregates.iter().map(|call| call.args.len()).sum();
    if by.is_empty() || late < LATE_COLUMNS || !is_steady(rel) {
        return None;
    }
    let (time, ends) = wanted(aggregates)?;
    if stored(input, &time).is_none_or(|(_, column)| column != TIMESTAMP) {
        return None;
    }
    let ends = ends.into_iter().map(|end| {
        Some(AggregateCall {
            aggregate: functions::aggregate(end)?,
            args: vec![Scalar::column(&time, Type::Datetime)],
            outputs: vec![(end.to_owned(), Type::Datetime)],
            span: Span::default(),
        })
    });
    let ends = ends.collect::<Option<Vec<_>>>()?;
    let keys = by.iter().enumerate().map(|(at, (_, key))| (format!("key{at}"), key.clone())).collect::<Vec<_>>();
    let columns: Vec<_> = ends.iter().flat_map(|end| end.outputs.clone()).collect();
    let schema = Schema::new(keys.iter().map(|(name, key)| (name.clone(), key.ty())).chain(columns.clone()));
    let groups = Rel { op: RelOp::Summarize { input: input.clone(), by: keys, aggregates: ends }, schema };
    let schema = Schema::new(columns.clone());
    let columns = columns.into_iter().map(|(name, ty)| (name.clone(), Scalar::column(name, ty))).collect();
    let times = Rel { op: RelOp::Project { input: Box::new(groups), columns }, schema: schema.clone() };
    let op = RelOp::Take { input: Box::new(times), count: MOST_GROUPS as u64 + 1 };
    Some(Last { path: path.to_vec(), times: Rel { op, schema }, time })
}

/// The time that all the aggregates go by, and which ends of it they ask for.
fn wanted(aggregates: &[AggregateCall]) -> Option<(String, BTreeSet<&'static str>)> {
    let mut ends = BTreeSet::new();
    let mut time = None;
    for one in aggregates {
        ends.insert(match one.aggregate.name() {
            "arg_max" | "argmax" | "max" => "max",
            "arg_min" | "argmin" | "min" => "min",
            _ => return None,
        });
        let Some(Scalar::Column { name, ty: Type::Datetime, .. }) = one.args.first() else { return None };
        if *time.get_or_insert(name) != name {
            return None;
        }
    }
    Some((time?.clone(), ends))
}

impl Last {
    /// Leaves rows away that are at none of these times.
    pub fn narrow(&self, rel: &mut Rel, times: impl Iterator<Item = Value<'static>>) {
        let times: BTreeSet<i64> =
            times.filter_map(|time| if let Value::Datetime(ticks) = time { Some(ticks) } else { None }).collect();
        let Some(RelOp::Summarize { input, .. }) = at_path(rel, &self.path).map(|at| &mut at.op) else { return };
        // What is not narrowed is right all the same.
        if let Some(predicate) = self.predicate(&times) {
            filtered(input, predicate);
        }
    }

    fn predicate(&self, times: &BTreeSet<i64>) -> Option<Scalar> {
        let time = || Scalar::column(&self.time, Type::Datetime);
        let at = |ticks: &i64| Scalar::literal(Value::Datetime(*ticks), Type::Datetime);
        // A group without any time has a row all the same.
        let mut terms = vec![call("isnull", vec![time()], Type::Bool)?];
        if let (Some(least), Some(greatest)) = (times.first(), times.last()) {
            let one_of = std::iter::once(time()).chain(times.iter().map(at)).collect();
            let within = vec![
                call(">=", vec![time(), at(least)], Type::Bool)?,
                call("<=", vec![time(), at(greatest)], Type::Bool)?,
                call("in", one_of, Type::Bool)?,
            ];
            terms.push(call("and", within, Type::Bool)?);
        }
        all("or", terms)
    }
}
