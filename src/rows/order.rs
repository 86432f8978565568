//! Orders and equality of values: sort keys, group keys and join keys.
use crate::value::{Dynamic, Json, Value, json};
use std::cmp::Ordering;

/// The order of two values of one type; nulls first, then NaN. Texts go by their bytes.
pub fn compare(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| plain(a, b))
}

/// The order that a sort key asks for. Nulls and NaN stand together at the end that `nulls_first` names, the null
/// outermost, whichever way the rest runs.
pub fn compare_for(a: &Value<'_>, b: &Value<'_>, descending: bool, nulls_first: bool) -> Ordering {
    let ends = rank(a).cmp(&rank(b));
    let ends = if nulls_first { ends } else { ends.reverse() };
    let rest = plain(a, b);
    ends.then(if descending { rest.reverse() } else { rest })
}

/// 0 null, 1 NaN, 2 the rest.
fn rank(value: &Value<'_>) -> u8 {
    match value {
        Value::Null => 0,
        Value::Real(x) if x.is_nan() => 1,
        _ => 2,
    }
}

fn plain(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Datetime(a), Value::Datetime(b)) | (Value::Timespan(a), Value::Timespan(b)) => a.cmp(b),
        (Value::Guid(a), Value::Guid(b)) => a.cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Dynamic(a), Value::Dynamic(b)) => compare_trees(&a.tree(), &b.tree()),
        _ => match (a.as_long(), b.as_long()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => match (a.as_real(), b.as_real()) {
                (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
                _ => Ordering::Equal,
            },
        },
    }
}

/// Numbers by value, texts by their bytes, anything else by its JSON.
fn compare_trees(a: &Json, b: &Json) -> Ordering {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => {
            x.as_f64().partial_cmp(&y.as_f64()).unwrap_or_else(|| json::write(a).cmp(&json::write(b)))
        }
        (Json::String(a), Json::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => json::write(a).cmp(&json::write(b)),
    }
}

/// Bytes that are equal exactly when the values are the same group: null with null, NaN with NaN, 1 with long 1.
pub fn group_key<'v>(values: impl IntoIterator<Item = &'v Value<'v>>) -> Vec<u8> {
    let mut key = Vec::new();
    for value in values {
        push_key(&mut key, value);
    }
    key
}

pub fn push_key(key: &mut Vec<u8>, value: &Value<'_>) {
    let (tag, fixed): (u8, [u8; 16]) = match value {
        Value::Null => (0, [0; 16]),
        Value::Bool(x) => (1, i128::from(*x).to_le_bytes()),
        Value::Int(x) => (2, i128::from(*x).to_le_bytes()),
        Value::Long(x) => (2, i128::from(*x).to_le_bytes()),
        Value::Real(x) => {
            // One zero and one NaN.
            let x = if x.is_nan() { f64::NAN } else { *x + 0.0 };
            (3, u128::from(x.to_bits()).to_le_bytes())
        }
        Value::Decimal(x) => (4, x.0.to_le_bytes()),
        Value::Datetime(x) => (6, i128::from(*x).to_le_bytes()),
        Value::Timespan(x) => (7, i128::from(*x).to_le_bytes()),
        Value::Guid(x) => (8, x.to_le_bytes()),
        Value::String(x) => return push_text(key, 5, x),
        Value::Dynamic(x) => return push_text(key, 9, &tree_text(x)),
    };
    key.push(tag);
    key.extend_from_slice(&fixed);
}

fn push_text(key: &mut Vec<u8>, tag: u8, text: &str) {
    key.push(tag);
    key.extend_from_slice(&(text.len() as u64).to_le_bytes());
    key.extend_from_slice(text.as_bytes());
}

fn tree_text(x: &Dynamic<'_>) -> String {
    json::write(&x.tree())
}

/// Bytes that a value holds, near enough for a budget.
pub fn size(value: &Value<'_>) -> usize {
    40 + match value {
        Value::String(x) => x.len(),
        Value::Dynamic(Dynamic::Text(x)) => x.len(),
        Value::Dynamic(Dynamic::Tree(x)) => tree_size(x),
        _ => 0,
    }
}

fn tree_size(tree: &Json) -> usize {
    32 + match tree {
        Json::String(x) => x.len(),
        Json::Array(items) => items.iter().map(tree_size).sum(),
        Json::Object(items) => items.iter().map(|(key, item)| 24 + key.len() + tree_size(item)).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_nan_stand_together_at_the_asked_end() {
        let sorted = |descending, nulls_first| {
            let mut values =
                [Value::Real(5.0), Value::Null, Value::Real(f64::NAN), Value::Real(-1.0), Value::Real(f64::INFINITY)];
            values.sort_by(|a, b| compare_for(a, b, descending, nulls_first));
            values.iter().map(|v| v.as_real().map_or("null".into(), |x| x.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(sorted(false, true), ["null", "NaN", "-1", "5", "inf"]);
        assert_eq!(sorted(true, false), ["inf", "5", "-1", "NaN", "null"]);
        assert_eq!(sorted(false, false), ["-1", "5", "inf", "NaN", "null"]);
    }

    #[test]
    fn keys_tell_null_from_empty_and_texts_from_their_joins() {
        let text = |t: &str| Value::String(t.to_string().into());
        assert_ne!(group_key(&[Value::Null]), group_key(&[text("")]));
        assert_ne!(group_key(&[text("ab"), text("c")]), group_key(&[text("a"), text("bc")]));
        assert_eq!(group_key(&[Value::Int(1)]), group_key(&[Value::Long(1)]));
        assert_eq!(group_key(&[Value::Real(0.0)]), group_key(&[Value::Real(-0.0)]));
    }
}
