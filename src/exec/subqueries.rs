//! Finding the relations that must be computed before a query runs, and putting their values in their places.
use crate::ir::{Rel, RelOp, Scalar};
use crate::types::Type;
use crate::value::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// A relation whose value a scalar waits for.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub rel: Rel,
    /// All distinct values of the first column, not only the first.
    pub set: bool,
}

/// The innermost waiting relations: those that wait for nothing themselves.
pub fn innermost(rel: &Rel, found: &mut Vec<Waiting>) {
    for scalar in rel.op.scalars() {
        innermost_in(scalar, found);
    }
    for input in rel.op.inputs() {
        innermost(input, found);
    }
}

fn innermost_in(scalar: &Scalar, found: &mut Vec<Waiting>) {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => {}
        Scalar::Call { args, .. } => args.iter().for_each(|arg| innermost_in(arg, found)),
        Scalar::Subquery { rel, .. } | Scalar::SubquerySet { rel, .. } => {
            let before = found.len();
            innermost(rel, found);
            if found.len() == before {
                let set = matches!(scalar, Scalar::SubquerySet { .. });
                found.push(Waiting { rel: rel.as_ref().clone(), set });
            }
        }
    }
}

/// Puts the values in the places that [`innermost`] found, in the same order.
pub fn fill(rel: &mut Rel, values: &mut impl Iterator<Item = Vec<(Value<'static>, Type)>>) {
    for scalar in rel.op.scalars_mut() {
        fill_in(scalar, values);
    }
    for input in rel.op.inputs_mut() {
        fill(input, values);
    }
}

fn fill_in(scalar: &mut Scalar, values: &mut impl Iterator<Item = Vec<(Value<'static>, Type)>>) {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => {}
        Scalar::Call { args, .. } => {
            let mut filled = Vec::with_capacity(args.len());
            for mut arg in args.drain(..) {
                if let Scalar::SubquerySet { rel, .. } = &arg
                    && !waits(rel)
                {
                    // A set becomes further arguments: `x in (set)` is `x in (a, b, …)`.
                    let set = values.next().unwrap_or_default();
                    filled.extend(set.into_iter().map(|(value, ty)| Scalar::Literal { value, ty }));
                } else {
                    fill_in(&mut arg, values);
                    filled.push(arg);
                }
            }
            *args = filled;
        }
        Scalar::Subquery { rel, ty } | Scalar::SubquerySet { rel, ty } => {
            if waits(rel) {
                fill(rel, values);
            } else {
                let ty = *ty;
                let value = values.next().and_then(|mut set| set.drain(..).next());
                let value = value.map_or_else(|| Value::absent(ty), |(value, _)| value);
                *scalar = Scalar::Literal { value, ty };
            }
        }
    }
}

fn waits(rel: &Rel) -> bool {
    let mut found = Vec::new();
    innermost(rel, &mut found);
    !found.is_empty()
}

/// Counts the uses of every shared relation.
pub fn count_shared(rel: &Rel, uses: &mut HashMap<u32, usize>) {
    if let RelOp::Shared { id, .. } = &rel.op {
        *uses.entry(*id).or_default() += 1;
    }
    for scalar in rel.op.scalars() {
        count_shared_in(scalar, uses);
    }
    for input in rel.op.inputs() {
        count_shared(input, uses);
    }
}

fn count_shared_in(scalar: &Scalar, uses: &mut HashMap<u32, usize>) {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => {}
        Scalar::Call { args, .. } => args.iter().for_each(|arg| count_shared_in(arg, uses)),
        Scalar::Subquery { rel, .. } | Scalar::SubquerySet { rel, .. } => count_shared(rel, uses),
    }
}

/// The shared relations of a relation, inner ones first.
pub fn shared(rel: &Rel, found: &mut Vec<(u32, Arc<Rel>)>) {
    for input in rel.op.inputs() {
        shared(input, found);
    }
    if let RelOp::Shared { id, input } = &rel.op
        && !found.iter().any(|(known, _)| known == id)
    {
        found.push((*id, Arc::clone(input)));
    }
}
