//! The order of values that extremes and percentiles go by. Nulls never reach it.
use crate::value::{Dynamic, Value};
use std::borrow::Cow;
use std::cmp::Ordering;

/// NaN stands behind every other real.
pub fn compare(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Long(a), Value::Long(b))
        | (Value::Datetime(a), Value::Datetime(b))
        | (Value::Timespan(a), Value::Timespan(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Guid(a), Value::Guid(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => match (a.as_long(), b.as_long(), a.as_real(), b.as_real()) {
            (Some(a), Some(b), _, _) => a.cmp(&b),
            (_, _, Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
            _ => a.text().cmp(&b.text()),
        },
    }
}

pub fn is_nan(value: &Value<'_>) -> bool {
    matches!(value, Value::Real(x) if x.is_nan())
}

/// Whether a value takes the place of the best one so far. The first of equals stays; a NaN, once seen, stays.
pub fn beats(candidate: &Value<'_>, best: &Value<'_>, largest: bool) -> bool {
    if is_nan(best) {
        return false;
    }
    if is_nan(candidate) {
        return true;
    }
    compare(candidate, best) == if largest { Ordering::Greater } else { Ordering::Less }
}

/// Puts a value in the place of another, in its memory where that is a text: the best row of a group changes often where
/// the rows come in order.
pub fn assign(place: &mut Value<'static>, value: &Value<'_>) {
    match (&mut *place, value) {
        (Value::String(Cow::Owned(kept)), Value::String(text)) => {
            kept.clear();
            kept.push_str(text);
        }
        (Value::Dynamic(Dynamic::Text(Cow::Owned(kept))), Value::Dynamic(Dynamic::Text(text))) => {
            kept.clear();
            kept.push_str(text);
        }
        _ => *place = value.clone().into_owned(),
    }
}
