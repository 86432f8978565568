//! Property bags: making them, and their members.
use super::arguments::{row, text};
use super::dynamics::{self, elements, steps};
use super::{Arg, Call, Function, Gives, many, one};
use crate::types::{Type, Types};
use crate::value::json_text::{self, Step};
use crate::value::{Dynamic, Json, Value};
use serde_json::Map;
use std::borrow::Cow;

pub const FUNCTIONS: &[Function] = &[
    row(
        &["bag_pack", "pack", "pack_dictionary"],
        "A bag of names and values, given by turns. Of two with the same name the first one stays.",
        &[one("key", Types::STRING), one("value", Types::ANY), many("more", Types::ANY, 0, 1022)],
        Gives::By(pairs),
        bag_pack,
        &[("bag_pack('a', 1, 'b', 'x')", "{\"a\":1,\"b\":\"x\"}")],
    )
    .differs("a datetime, timespan, guid or decimal becomes a string, since dynamics have the types of JSON alone"),
    row(
        &["bag_keys"],
        "The names of a bag's members as an array; null for what is no bag.",
        &[one("object", Types::DYNAMIC)],
        Gives::Always(Type::Dynamic),
        bag_keys,
        &[("bag_keys(dynamic({'b':1, 'a':2}))", "[\"b\",\"a\"]"), ("bag_keys(dynamic([1]))", "null")],
    ),
    row(
        &["bag_has_key"],
        "Whether a bag has a member of that name, or one at the end of a path such as `$.a.b`.",
        &[one("bag", Types::DYNAMIC), one("key", Types::STRING)],
        Gives::Always(Type::Bool),
        bag_has_key,
        &[("bag_has_key(dynamic({'a':{'b':null}}), '$.a.b')", "True"), ("bag_has_key(dynamic({'a':1}), 'b')", "False")],
    ),
    row(
        &["bag_merge"],
        "All members of all bags in one; of two with the same name the leftmost stays.",
        &[many("bag", Types::DYNAMIC, 2, 64)],
        Gives::Always(Type::Dynamic),
        bag_merge,
        &[("bag_merge(dynamic({'a':1}), dynamic({'a':2, 'b':3}))", "{\"a\":1,\"b\":3}")],
    ),
    row(
        &["bag_remove_keys"],
        "The bag without the members of those names, or at the end of those paths (`$.a.b`).",
        &[one("bag", Types::DYNAMIC), one("keys", Types::DYNAMIC)],
        Gives::Always(Type::Dynamic),
        bag_remove_keys,
        &[("bag_remove_keys(dynamic({'a':1, 'b':{'c':2, 'd':3}}), dynamic(['a', '$.b.c']))", "{\"b\":{\"d\":3}}")],
    ),
    row(
        &["bag_set_key"],
        "The bag with a member set or replaced, by its name or a path (`$.a.b`).",
        &[one("bag", Types::DYNAMIC), one("key", Types::STRING).constant(), one("value", Types::ANY)],
        Gives::Always(Type::Dynamic),
        bag_set_key,
        &[("bag_set_key(dynamic({'a':1}), '$.b.c', 2)", "{\"a\":1,\"b\":{\"c\":2}}")],
    ),
    row(
        &["bag_zip"],
        "A bag of names from one array and values from another; null where a value is missing.",
        &[one("keys", Types::DYNAMIC), one("values", Types::DYNAMIC)],
        Gives::Always(Type::Dynamic),
        bag_zip,
        &[("bag_zip(dynamic(['a', 'b']), dynamic([1]))", "{\"a\":1,\"b\":null}")],
    ),
];

fn pairs(args: &[Arg<'_>]) -> Result<Type, String> {
    if args.len() % 2 == 1 {
        return Err("the last name has no value".into());
    }
    match args.iter().step_by(2).find(|key| !matches!(key.ty, Type::String | Type::Dynamic)) {
        Some(key) => Err(format!("a name is to be a string, not a {}", key.ty)),
        None => Ok(Type::Dynamic),
    }
}

fn bag_pack<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let mut out = String::from("{");
    for (at, pair) in args.chunks_exact(2).enumerate() {
        let key = pair[0].text();
        if args[..2 * at].iter().step_by(2).any(|earlier| earlier.text() == key) {
            continue;
        }
        if at > 0 {
            out.push(',');
        }
        json_text::push_string(&mut out, &key);
        out.push(':');
        json_text::push_value(&mut out, &pair[1]);
    }
    out.push('}');
    Value::Dynamic(Dynamic::Text(Cow::Owned(out)))
}

/// The members of a bag; `None` for everything else.
fn members(value: &Value<'_>) -> Option<Map<String, Json>> {
    match value {
        Value::Dynamic(dynamic) => match dynamic.tree() {
            Cow::Borrowed(Json::Object(members)) => Some(members.clone()),
            Cow::Owned(Json::Object(members)) => Some(members),
            _ => None,
        },
        _ => None,
    }
}

fn bag<'a>(members: Map<String, Json>) -> Value<'a> {
    Value::Dynamic(Dynamic::Tree(Json::Object(members)))
}

fn bag_keys<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match &args[0] {
        Value::Dynamic(Dynamic::Text(text)) => match json_text::members(text) {
            Some(members) => dynamics::array(members.map(|(key, _)| Json::from(key)).collect()),
            None => Value::Null,
        },
        Value::Dynamic(Dynamic::Tree(Json::Object(members))) => {
            dynamics::array(members.keys().map(|key| Json::from(key.as_str())).collect())
        }
        _ => Value::Null,
    }
}

/// A name, or a path that begins with `$`.
fn key_steps(key: &str) -> Vec<Step> {
    match steps(key) {
        Some(steps) if !steps.is_empty() => steps,
        _ => vec![Step::Key(key.into())],
    }
}

fn bag_has_key<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Value::Dynamic(dynamic) = &args[0] else { return Value::Null };
    let tree = dynamic.tree();
    if !tree.is_object() {
        return Value::Null;
    }
    let found = key_steps(&text(args, 1)).iter().try_fold(tree.as_ref(), |tree, step| match (tree, step) {
        (Json::Object(members), Step::Key(key)) => members.get(key.as_ref()),
        (Json::Array(items), Step::Index(index)) => dynamics::place(items.len(), *index).and_then(|at| items.get(at)),
        _ => None,
    });
    Value::Bool(found.is_some())
}

fn bag_merge<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let mut merged: Option<Map<String, Json>> = None;
    for more in args.iter().filter_map(members) {
        match &mut merged {
            None => merged = Some(more),
            Some(merged) => more.into_iter().for_each(|(key, value)| {
                merged.entry(key).or_insert(value);
            }),
        }
    }
    merged.map_or(Value::Null, bag)
}

fn bag_remove_keys<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(mut members) = members(&args[0]) else { return Value::Null };
    let Some(keys) = elements(&args[1]) else { return bag(members) };
    for key in keys.iter().filter_map(Json::as_str) {
        remove(&mut members, &key_steps(key));
    }
    bag(members)
}

fn remove(members: &mut Map<String, Json>, steps: &[Step]) {
    match steps {
        [Step::Key(last)] => {
            members.shift_remove(last.as_ref());
        }
        [Step::Key(key), rest @ ..] => {
            if let Some(Json::Object(inner)) = members.get_mut(key.as_ref()) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

fn bag_set_key<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(mut members) = members(&args[0]) else { return Value::Null };
    set(&mut members, &key_steps(&text(args, 1)), args[2].to_json());
    bag(members)
}

/// Bags on the way are made where there are none; a path through something else changes nothing.
fn set(members: &mut Map<String, Json>, steps: &[Step], value: Json) {
    match steps {
        [Step::Key(last)] => {
            members.insert(last.to_string(), value);
        }
        [Step::Key(key), rest @ ..] => {
            if let Json::Object(inner) = members.entry(key.to_string()).or_insert_with(|| Json::Object(Map::new())) {
                set(inner, rest, value);
            }
        }
        _ => {}
    }
}

fn bag_zip<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(keys), Some(values)) = (elements(&args[0]), elements(&args[1])) else { return Value::Null };
    let mut members = Map::new();
    for (at, key) in keys.iter().enumerate() {
        if let Json::String(key) = key {
            members.insert(key.clone(), values.get(at).cloned().unwrap_or(Json::Null));
        }
    }
    bag(members)
}
