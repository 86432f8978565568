//! How large a relation is, before anybody spends time on planning it: planning computes without a pause.
use crate::ir::{Rel, Scalar};

/// Relations and expressions together; a filter of ten thousand terms has some thirty thousand.
const MOST: usize = 150_000;
/// Relations alone: each costs far more than an expression.
const MOST_RELATIONS: usize = 4_000;

/// Whether a plan of this relation would take too long to make.
pub fn is_too_large(rel: &Rel) -> bool {
    let (mut relations, mut all) = (0, 0);
    let mut open = vec![rel];
    while let Some(rel) = open.pop() {
        relations += 1;
        all += 1;
        let mut scalars = rel.op.scalars();
        while let Some(scalar) = scalars.pop() {
            all += 1;
            if let Scalar::Call { args, .. } = scalar {
                scalars.extend(args);
            }
            if all > MOST {
                return true;
            }
        }
        if relations > MOST_RELATIONS {
            return true;
        }
        open.extend(rel.op.inputs());
    }
    false
}
