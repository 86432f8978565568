//! The first rows of an order whose later keys read many columns, such as a hash of all that a row has. The first key of the
//! last of these rows is found, and the other keys are computed of those rows alone that it lets by.
use super::{Known, Ordered, all, at_path, call, filtered, is_known, is_same_again, outermost};
use crate::ir::{JoinKind, Rel, RelOp, Scalar, SortKey};
use crate::plan::prune;
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::HashSet;

/// The column of the first key alone.
const KEY: &str = "key";
/// Keys behind the first are worth it that read so many columns.
const WIDE: usize = 8;
/// Aggregates that are the same whatever the order of the rows.
const STEADY_AGGREGATES: [&str; 4] = ["count", "countif", "max", "min"];

pub struct FirstKey {
    /// From the outermost relation to the one that is sorted: which input, and of that which, ….
    pub path: Vec<usize>,
    key: SortKey,
    /// One row, with the first key of the last row that is wanted.
    pub last: Rel,
}

/// All such places of a relation. Relations that were computed before, of which `known` tells, stay as they are.
pub fn first_keys(rel: &Rel, known: Known<'_>) -> Vec<FirstKey> {
    outermost(rel, known, &|rel, path| of(rel, path, known))
}

fn of(rel: &Rel, path: &[usize], known: Known<'_>) -> Option<FirstKey> {
    let Ordered { path, input, keys, count, .. } = Ordered::of(rel, path)?;
    let (key, others) = keys.split_first()?;
    let ty = key.expr.ty();
    let is_compared = matches!(ty, Type::Long | Type::Timespan | Type::Datetime | Type::String);
    let is_usual = key.nulls_first != key.descending;
    let mut read = HashSet::new();
    others.iter().for_each(|key| prune::read(&key.expr, &mut read));
    if !is_compared || !is_usual || read.len() < WIDE {
        return None;
    }
    let schema = Schema::new([(KEY.to_owned(), ty)]);
    let of_keys = |op: RelOp| Rel { op, schema: schema.clone() };
    let by_key = |input: Rel, descending: bool| {
        let keys = vec![SortKey { expr: Scalar::column(KEY, ty), descending, nulls_first: !descending }];
        of_keys(RelOp::Sort { input: Box::new(input), keys })
    };
    let columns = vec![(KEY.to_owned(), key.expr.clone())];
    let mut alone = of_keys(RelOp::Project { input: Box::new(input.clone()), columns });
    prune::prune(&mut alone);
    if !is_same(&alone, known) {
        return None;
    }
    let first = of_keys(RelOp::Take { input: Box::new(by_key(alone, key.descending)), count });
    let last = of_keys(RelOp::Take { input: Box::new(by_key(first, !key.descending)), count: 1 });
    Some(FirstKey { path, key: key.clone(), last })
}

/// Whether a relation has the same rows when it is asked again. Rows that are skipped on the way are the same in everything
/// as some that are not.
fn is_same(rel: &Rel, known: Known<'_>) -> bool {
    let mut open = vec![rel];
    while let Some(rel) = open.pop() {
        if is_known(rel, known) {
            continue;
        }
        let is_followed = match &rel.op {
            RelOp::Table { .. } | RelOp::Filter { .. } | RelOp::Project { .. } => true,
            RelOp::Skip { .. } | RelOp::Union { .. } => true,
            // Which row stands for a key, or a group, may change.
            RelOp::Join { kind, .. } => *kind != JoinKind::InnerUnique,
            RelOp::Summarize { aggregates, .. } => {
                aggregates.iter().all(|call| STEADY_AGGREGATES.contains(&call.aggregate.name()))
            }
            _ => false,
        };
        let input = rel.op.piped();
        let is_steady = |input| rel.op.scalars().iter().all(|scalar| is_same_again(scalar, input));
        if !is_followed || !input.is_none_or(is_steady) {
            return false;
        }
        open.extend(rel.op.inputs());
    }
    true
}

impl FirstKey {
    /// Leaves rows away that come behind the last that is wanted, whose key this is.
    pub fn narrow(&self, rel: &mut Rel, last: Value<'static>) {
        let Some(RelOp::Sort { input, .. }) = at_path(rel, &self.path).map(|at| &mut at.op) else { return };
        // What is not narrowed is right all the same.
        if let Some(predicate) = self.predicate(last) {
            filtered(input, predicate);
        }
    }

    fn predicate(&self, last: Value<'static>) -> Option<Scalar> {
        let SortKey { expr, descending, .. } = &self.key;
        let null = || call("isnull", vec![expr.clone()], Type::Bool);
        if last == Value::Null {
            // Nulls are the last of all, or the first.
            return if *descending { None } else { null() };
        }
        let symbol = if *descending { ">=" } else { "<=" };
        let last = Scalar::literal(last, expr.ty());
        if expr.ty() == Type::String {
            let order = call("strcmp", vec![expr.clone(), last], Type::Long)?;
            return call(symbol, vec![order, Scalar::literal(Value::Long(0), Type::Long)], Type::Bool);
        }
        let within = call(symbol, vec![expr.clone(), last], Type::Bool)?;
        if *descending { Some(within) } else { all("or", vec![within, null()?]) }
    }
}
