//! Dynamic values: from text and back, and the ways into them.
use super::arguments::{named_type, row, text};
use super::{Call, Function, Gives, many, one, optional};
use crate::types::{Type, Types};
use crate::value::json_text::{self, Step};
use crate::value::{Dynamic, Json, Value, convert, json};
use serde::de::IgnoredAny;
use std::borrow::Cow;

pub use crate::value::json_text::get_path;

const STRING_OR_DYNAMIC: Types = Types::STRING.or(Types::DYNAMIC);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["parse_json", "parsejson", "todynamic", "toobject"],
        "The value that a JSON text describes. A text that is not JSON stays a string, the empty one is null, and what \
         is dynamic already stays as it is unless it is a string.",
        &[one("json_text", STRING_OR_DYNAMIC)],
        Gives::Always(Type::Dynamic),
        parse_json,
        &[("parse_json('{\"a\":[1, 2]}').a[1]", "2"), ("parse_json('no json')", "no json"), ("parse_json('')", "null")],
    ),
    row(
        &["extract_json", "extractjson"],
        "The part of a JSON text that a path such as `$.a.b[0]` or `$['a']` leads to, as text or as `typeof(…)` says.",
        &[
            one("jsonPath", Types::STRING).constant(),
            one("jsonText", STRING_OR_DYNAMIC),
            optional("type", Types::STRING).constant(),
        ],
        Gives::By(|args| named_type(args, 2)),
        extract_json,
        &[
            ("extract_json('$.a[1].b', '{\"a\":[1, {\"b\":\"x\"}]}')", "x"),
            ("extract_json('$.a', '{\"a\":7}', typeof(long)) + 1", "8"),
            ("extract_json('$.b', '{\"a\":7}', typeof(long))", "null"),
        ],
    ),
    row(
        &["dynamic_to_json"],
        "The value as JSON text in one fixed form: compact, the members of bags in the order of their names. What is no \
         dynamic gives what `tostring` gives.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::String),
        dynamic_to_json,
        &[("dynamic_to_json(dynamic({'b':1, 'a':[2, 3]}))", "{\"a\":[2,3],\"b\":1}")],
    ),
    row(
        &["treepath"],
        "All paths that lead to parts of the value, each once: members by name, elements of arrays as `[0]`.",
        &[one("object", Types::DYNAMIC)],
        Gives::Always(Type::Dynamic),
        treepath,
        &[("treepath(dynamic({'a':[1, {'b':2}]}))", "[\"['a']\",\"['a'][0]\",\"['a'][0]['b']\"]")],
    ),
    row(
        &["zip"],
        "Arrays side by side: an array of arrays of the elements at the same place, null where one is too short.",
        &[many("array", Types::DYNAMIC, 2, 64)],
        Gives::Always(Type::Dynamic),
        zip,
        &[("zip(dynamic([1, 3]), dynamic([2]))", "[[1,2],[3,null]]")],
    ),
];

/// A slice of JSON text as a value.
pub fn part(text: &str) -> Value<'_> {
    let text = text.trim();
    if text == "null" || text.is_empty() { Value::Null } else { Value::Dynamic(Dynamic::Text(Cow::Borrowed(text))) }
}

/// The elements of a dynamic array; `None` for everything else.
pub fn elements(value: &Value<'_>) -> Option<Vec<Json>> {
    match value {
        Value::Dynamic(dynamic) => match dynamic.tree() {
            Cow::Borrowed(Json::Array(items)) => Some(items.clone()),
            Cow::Owned(Json::Array(items)) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// A dynamic array of these.
pub fn array<'a>(items: Vec<Json>) -> Value<'a> {
    Value::Dynamic(Dynamic::Tree(Json::Array(items)))
}

/// Whether two parts are the same: numbers by what they count, everything else by its form.
pub fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => x == y || (x.as_f64() == y.as_f64() && x.is_f64() != y.is_f64()),
        _ => a == b,
    }
}

fn parse_json<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match &args[0] {
        Value::String(Cow::Borrowed(text)) => parsed(text),
        Value::String(Cow::Owned(text)) => parsed(text).into_owned(),
        Value::Dynamic(Dynamic::Tree(Json::String(text))) => parsed(text).into_owned(),
        Value::Dynamic(Dynamic::Text(text)) if text.starts_with('"') => match json_text::string(text) {
            Some(inside) => parsed(&inside).into_owned(),
            None => args[0].clone(),
        },
        Value::Dynamic(_) | Value::Null => args[0].clone(),
        other => Value::json(other.to_json()),
    }
}

fn parsed(text: &str) -> Value<'_> {
    let trimmed = text.trim();
    if serde_json::from_str::<IgnoredAny>(trimmed).is_ok() {
        part(trimmed)
    } else if trimmed.is_empty() {
        Value::Null
    } else {
        Value::Dynamic(Dynamic::Tree(Json::String(text.to_owned())))
    }
}

/// The meaning of `a.b`, `a['b']`, `a[0]` and any chain of them: the value, then the steps.
pub fn path<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let [Value::Dynamic(base), steps @ ..] = args else { return Value::Null };
    match base {
        Dynamic::Text(Cow::Borrowed(text)) => walk_text(text, steps).map_or(Value::Null, part),
        Dynamic::Text(Cow::Owned(text)) => walk_text(text, steps).map_or(Value::Null, |text| part(text).into_owned()),
        Dynamic::Tree(tree) => walk_tree(tree, steps).cloned().map_or(Value::Null, Value::json),
    }
}

fn walk_text<'t>(text: &'t str, steps: &[Value<'_>]) -> Option<&'t str> {
    steps.iter().try_fold(text, |text, step| match step {
        Value::String(key) => json_text::member(text, key),
        step => json_text::element(text, step.as_long()?),
    })
}

fn walk_tree<'t>(tree: &'t Json, steps: &[Value<'_>]) -> Option<&'t Json> {
    steps.iter().try_fold(tree, |tree, step| match (tree, step) {
        (Json::Object(members), Value::String(key)) => members.get(key.as_ref()),
        (Json::Array(items), step) => place(items.len(), step.as_long()?).and_then(|at| items.get(at)),
        _ => None,
    })
}

/// A place in an array; negative ones count from the end.
pub fn place(len: usize, index: i64) -> Option<usize> {
    let at = if index < 0 { index.checked_add(i64::try_from(len).ok()?)? } else { index };
    usize::try_from(at).ok()
}

/// The steps of a path such as `$.a['b'][0]`; `None` where it is not one.
pub fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, more) = after.split_at(end);
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Key(name.into()));
            rest = more;
        } else {
            let after = rest.strip_prefix('[')?;
            let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'));
            rest = match quote {
                Some(quote) => {
                    let (name, more) = after[1..].split_once(quote)?;
                    steps.push(Step::Key(name.into()));
                    more.strip_prefix(']')?
                }
                None => {
                    let (index, more) = after.split_once(']')?;
                    steps.push(Step::Index(index.trim().parse().ok()?));
                    more
                }
            };
        }
    }
    Some(steps)
}

fn extract_json<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let source = match &args[1] {
        Value::Dynamic(dynamic) => dynamic.json_text().into_owned(),
        other => other.text().into_owned(),
    };
    let found = steps(&text(args, 0)).and_then(|steps| {
        serde_json::from_str::<IgnoredAny>(&source).ok()?;
        get_path(&source, &steps)
    });
    match found.and_then(json::parse) {
        Some(tree) if call.gives == Type::Dynamic => Value::json(tree),
        Some(tree) => convert::element(&tree, call.gives),
        None => Value::absent(call.gives),
    }
}

fn dynamic_to_json<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match &args[0] {
        Value::Dynamic(dynamic) => Value::string(json::write(&sorted(dynamic.tree().as_ref()))),
        other => Value::string(other.text().into_owned()),
    }
}

/// The same tree with the members of bags in the order of their names. Depth is bounded by the JSON parser's.
fn sorted(tree: &Json) -> Json {
    match tree {
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        Json::Object(members) => {
            let mut members: Vec<(&String, &Json)> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            Json::Object(members.into_iter().map(|(key, member)| (key.clone(), sorted(member))).collect())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => tree.clone(),
    }
}

/// So many paths at most.
const MOST_PATHS: usize = 65_536;

fn treepath<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Value::Dynamic(dynamic) = &args[0] else { return Value::Null };
    let mut paths = Vec::new();
    let mut seen = std::collections::HashSet::new();
    list_paths(dynamic.tree().as_ref(), &mut String::new(), &mut |path| {
        if paths.len() < MOST_PATHS && seen.insert(path.to_owned()) {
            paths.push(Json::from(path));
        }
    });
    array(paths)
}

fn list_paths(tree: &Json, path: &mut String, found: &mut dyn FnMut(&str)) {
    let here = path.len();
    let mut visit = |step: &str, inner: &Json| {
        path.push_str(step);
        found(path);
        list_paths(inner, path, found);
        path.truncate(here);
    };
    match tree {
        Json::Object(members) => members.iter().for_each(|(key, member)| visit(&format!("['{key}']"), member)),
        Json::Array(items) => items.iter().for_each(|item| visit("[0]", item)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn zip<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(arrays) = args.iter().map(elements).collect::<Option<Vec<_>>>() else { return Value::Null };
    let longest = arrays.iter().map(Vec::len).max().unwrap_or(0);
    let row =
        |at: usize| Json::Array(arrays.iter().map(|items| items.get(at).cloned().unwrap_or(Json::Null)).collect());
    array((0..longest).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_points_brackets_and_quotes() {
        let key = |name: &str| Step::Key(name.into());
        assert_eq!(steps("$.a['b.c'][2].d"), Some(vec![key("a"), key("b.c"), Step::Index(2), key("d")]));
        assert_eq!(steps("$"), Some(vec![]));
        for bad in ["a", "$a", "$.", "$[", "$['a'", "$[x]", "$..a"] {
            assert_eq!(steps(bad), None, "{bad}");
        }
    }
}
