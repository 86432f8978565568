//! Arrays as sets: the order of first arrival, each element once.
use super::arguments::row;
use super::dynamics::{array, elements, same};
use super::{Call, Function, Gives, many, one};
use crate::types::{Type, Types};
use crate::value::{Json, Value, real};
use std::collections::HashSet;

pub const FUNCTIONS: &[Function] = &[
    row(
        &["set_has_element"],
        "Whether the array has the element.",
        &[one("set", Types::DYNAMIC), one("value", Types::ANY)],
        Gives::Always(Type::Bool),
        set_has_element,
        &[("set_has_element(dynamic(['a', 1]), 1)", "True"), ("set_has_element(dynamic([1]), '1')", "False")],
    ),
    row(
        &["set_union"],
        "All elements of all arrays, each once; arguments that are no arrays are passed over.",
        &[many("set", Types::DYNAMIC, 2, 64)],
        Gives::Always(Type::Dynamic),
        set_union,
        &[("set_union(dynamic([1, 2, 1]), dynamic([3, 2]))", "[1,2,3]")],
    ),
    row(
        &["set_intersect"],
        "The elements that all arrays have, each once.",
        &[many("set", Types::DYNAMIC, 2, 64)],
        Gives::Always(Type::Dynamic),
        set_intersect,
        &[("set_intersect(dynamic([1, 2, 3]), dynamic([3, 2]))", "[2,3]")],
    ),
    row(
        &["set_difference"],
        "The elements of the first array that no other has, each once.",
        &[many("set", Types::DYNAMIC, 2, 64)],
        Gives::Always(Type::Dynamic),
        set_difference,
        &[("set_difference(dynamic([1, 2, 3, 1]), dynamic([2]))", "[1,3]")],
    ),
    row(
        &["set_equals"],
        "Whether two arrays have the same elements, whatever their order.",
        &[one("set1", Types::DYNAMIC), one("set2", Types::DYNAMIC)],
        Gives::Always(Type::Bool),
        set_equals,
        &[("set_equals(dynamic([1, 2, 2]), dynamic([2, 1]))", "True")],
    ),
    row(
        &["jaccard_index"],
        "How alike two sets are: the number of elements in both over the number in either.",
        &[one("set1", Types::DYNAMIC), one("set2", Types::DYNAMIC)],
        Gives::Always(Type::Dynamic),
        jaccard_index,
        &[("jaccard_index(dynamic([1, 2, 3]), dynamic([3, 4]))", "0.25")],
    ),
];

/// What makes two elements the same: the JSON of them, whole reals being whole numbers.
fn key(item: &Json) -> String {
    match item {
        Json::Number(x) => match x.as_f64() {
            Some(real) if x.is_f64() && real.fract() == 0.0 && real.abs() < 9e15 => (real as i64).to_string(),
            _ => x.to_string(),
        },
        other => other.to_string(),
    }
}

fn keys(items: &[Json]) -> HashSet<String> {
    items.iter().map(key).collect()
}

/// The elements that pass, each once.
fn distinct<'a>(items: impl IntoIterator<Item = Json>, keep: impl Fn(&str) -> bool) -> Value<'a> {
    let mut seen = HashSet::new();
    let pass = |item: &Json| {
        let key = key(item);
        keep(&key) && seen.insert(key)
    };
    array(items.into_iter().filter(pass).collect())
}

fn set_has_element<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let wanted = args[1].to_json();
    elements(&args[0]).map_or(Value::Null, |items| Value::Bool(items.iter().any(|item| same(item, &wanted))))
}

fn set_union<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let sets: Vec<_> = args.iter().filter_map(elements).collect();
    if sets.is_empty() { Value::Null } else { distinct(sets.into_iter().flatten(), |_| true) }
}

fn set_intersect<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(mut sets) = args.iter().map(elements).collect::<Option<Vec<_>>>() else { return Value::Null };
    let first = std::mem::take(&mut sets[0]);
    let others: Vec<_> = sets[1..].iter().map(|items| keys(items)).collect();
    distinct(first, |key| others.iter().all(|other| other.contains(key)))
}

fn set_difference<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(first) = elements(&args[0]) else { return Value::Null };
    let others: Vec<_> = args[1..].iter().filter_map(elements).map(|items| keys(&items)).collect();
    distinct(first, |key| !others.iter().any(|other| other.contains(key)))
}

fn set_equals<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match (elements(&args[0]), elements(&args[1])) {
        (Some(a), Some(b)) => Value::Bool(keys(&a) == keys(&b)),
        _ => Value::Null,
    }
}

fn jaccard_index<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(a), Some(b)) = (elements(&args[0]), elements(&args[1])) else { return Value::Null };
    let (a, b) = (keys(&a), keys(&b));
    Value::json(real::json(a.intersection(&b).count() as f64 / a.union(&b).count() as f64))
}
