//! Arrays inside dynamic values. What is no array makes the result null.
use super::arguments::{LONGEST_TEXT, given, long, row};
use super::dynamics::{array, elements, place, same};
use super::{Arg, Call, Function, Gives, many, one, optional};
use crate::types::{Type, Types};
use crate::value::datetime::TICKS_PER_HOUR;
use crate::value::{Dynamic, Json, Value, json, json_text, real};
use std::borrow::Cow;
use std::cmp::Ordering;

/// So many elements a function makes at most.
const MOST: usize = 1_048_576;

pub const FUNCTIONS: &[Function] = &[
    row(
        &["array_length", "arraylength"],
        "How many elements an array has.",
        &[one("array", Types::DYNAMIC)],
        Gives::Always(Type::Long),
        array_length,
        &[("array_length(dynamic([1, 'a', null]))", "3"), ("array_length(dynamic({'a':1}))", "null")],
    ),
    row(
        &["pack_array"],
        "An array of the values; `*` stands for all columns.",
        &[many("value", Types::ANY, 1, 1024)],
        Gives::Always(Type::Dynamic),
        pack_array,
        &[("pack_array(1, 'a', 2.5)", "[1,\"a\",2.5]")],
    )
    .differs("a datetime, timespan, guid or decimal becomes a string, since dynamics have the types of JSON alone"),
    row(
        &["array_concat"],
        "The elements of all arrays in one, in their order; arguments that are no arrays are passed over.",
        &[many("array", Types::DYNAMIC, 1, 64)],
        Gives::Always(Type::Dynamic),
        array_concat,
        &[("array_concat(dynamic([1, 2]), dynamic([2]))", "[1,2,2]")],
    ),
    row(
        &["array_sort_asc"],
        "The array in ascending order, nulls last unless the last argument is false. With several arrays, all in the \
         order of the first: an array of the sorted arrays.",
        &[many("array", Types::DYNAMIC.or(Types::BOOL), 1, 65)],
        Gives::By(sorts),
        |_, args| array_sort(args, false),
        &[("array_sort_asc(dynamic([3, null, 1, 2]))", "[1,2,3,null]")],
    ),
    row(
        &["array_sort_desc"],
        "The array in descending order, nulls last unless the last argument is false; see `array_sort_asc`.",
        &[many("array", Types::DYNAMIC.or(Types::BOOL), 1, 65)],
        Gives::By(sorts),
        |_, args| array_sort(args, true),
        &[("array_sort_desc(dynamic(['b', 'c', 'a']))", "[\"c\",\"b\",\"a\"]")],
    ),
    row(
        &["array_slice"],
        "The elements from `start` to `end`, both included; negative places count from the end.",
        &[one("array", Types::DYNAMIC), one("start", Types::INTEGER), one("end", Types::INTEGER)],
        Gives::Always(Type::Dynamic),
        array_slice,
        &[("array_slice(dynamic([1, 2, 3, 4]), 1, -2)", "[2,3]"), ("array_slice(dynamic([1, 2]), 1, 9)", "[2]")],
    ),
    row(
        &["array_split"],
        "The array in pieces, cut before each place given; negative places count from the end.",
        &[one("array", Types::DYNAMIC), one("indices", Types::INTEGER.or(Types::DYNAMIC))],
        Gives::Always(Type::Dynamic),
        array_split,
        &[("array_split(dynamic([1, 2, 3, 4, 5]), dynamic([1, -2]))", "[[1],[2,3],[4,5]]")],
    ),
    row(
        &["array_index_of"],
        "The place of an element, -1 where there is none; from `start`, over `length` elements (-1: all), the \
         `occurrence`th.",
        &[
            one("array", Types::DYNAMIC),
            one("value", Types::ANY),
            optional("start", Types::INTEGER),
            optional("length", Types::INTEGER),
            optional("occurrence", Types::INTEGER).constant(),
        ],
        Gives::Always(Type::Long),
        array_index_of,
        &[("array_index_of(dynamic(['a', 'b', 'a']), 'a', 1)", "2"), ("array_index_of(dynamic([1]), 2)", "-1")],
    ),
    row(
        &["array_reverse"],
        "The array from its end to its beginning.",
        &[one("array", Types::DYNAMIC)],
        Gives::Always(Type::Dynamic),
        array_reverse,
        &[("array_reverse(dynamic([1, 2, 3]))", "[3,2,1]")],
    ),
    row(
        &["array_rotate_left"],
        "The array with its first elements moved to its end.",
        &[one("array", Types::DYNAMIC), one("rotate_count", Types::INTEGER)],
        Gives::Always(Type::Dynamic),
        |_, args| array_rotate(args, false),
        &[
            ("array_rotate_left(dynamic([1, 2, 3]), 1)", "[2,3,1]"),
            ("array_rotate_left(dynamic([1, 2, 3]), -1)", "[3,1,2]"),
        ],
    ),
    row(
        &["array_rotate_right"],
        "The array with its last elements moved to its beginning.",
        &[one("array", Types::DYNAMIC), one("rotate_count", Types::INTEGER)],
        Gives::Always(Type::Dynamic),
        |_, args| array_rotate(args, true),
        &[("array_rotate_right(dynamic([1, 2, 3]), 1)", "[3,1,2]")],
    ),
    row(
        &["array_shift_left"],
        "The array without its first elements, filled up at its end with the default (null).",
        &[one("array", Types::DYNAMIC), one("shift_count", Types::INTEGER), optional("default_value", Types::ANY)],
        Gives::Always(Type::Dynamic),
        |_, args| array_shift(args, false),
        &[("array_shift_left(dynamic([1, 2, 3]), 2, 0)", "[3,0,0]")],
    ),
    row(
        &["array_shift_right"],
        "The array without its last elements, filled up at its beginning with the default (null).",
        &[one("array", Types::DYNAMIC), one("shift_count", Types::INTEGER), optional("default_value", Types::ANY)],
        Gives::Always(Type::Dynamic),
        |_, args| array_shift(args, true),
        &[("array_shift_right(dynamic([1, 2, 3]), 1)", "[null,1,2]")],
    ),
    row(
        &["array_iff", "array_iif"],
        "Element by element: from `when_true` where the condition is true (or a number other than 0), else from \
         `when_false`; null where the condition is neither. What is no array stands for all elements.",
        &[one("condition_array", Types::DYNAMIC), one("when_true", Types::ANY), one("when_false", Types::ANY)],
        Gives::Always(Type::Dynamic),
        array_iff,
        &[("array_iff(dynamic([true, 0, null]), dynamic([1, 2, 3]), 'no')", "[1,\"no\",null]")],
    ),
    row(
        &["array_sum"],
        "The sum of an array of numbers; null where there is none or another value among them.",
        &[one("array", Types::DYNAMIC)],
        Gives::Always(Type::Real),
        array_sum,
        &[("array_sum(dynamic([1, 2.5]))", "3.5"), ("array_sum(dynamic([]))", "null")],
    ),
    row(
        &["range"],
        "The numbers or times from `start` to `stop`, both included, by `step` (1, or an hour), at most 1,048,576.",
        &[one("start", Types::SUMMABLE), one("stop", Types::SUMMABLE), optional("step", Types::SUMMABLE)],
        Gives::By(range_type),
        range,
        &[("range(1, 8, 3)", "[1,4,7]"), ("range(1.0, 2.0, 0.5)", "[1.0,1.5,2.0]"), ("array_length(range(3, 1))", "0")],
    ),
    row(
        &["repeat"],
        "An array of one value, many times over; null for a negative number of times.",
        &[one("value", Types::ANY), one("count", Types::INTEGER)],
        Gives::Always(Type::Dynamic),
        repeat,
        &[("repeat('a', 3)", "[\"a\",\"a\",\"a\"]"), ("repeat('a', 0)", "[]"), ("repeat('a', -1)", "null")],
    ),
];

fn array_length<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let count = match &args[0] {
        Value::Dynamic(Dynamic::Text(text)) => json_text::elements(text).map(Iterator::count),
        Value::Dynamic(Dynamic::Tree(tree)) => tree.as_array().map(Vec::len),
        _ => None,
    };
    count.map_or(Value::Null, |count| Value::Long(count as i64))
}

fn pack_array<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let mut out = String::from("[");
    for (at, value) in args.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        json_text::push_value(&mut out, value);
    }
    out.push(']');
    Value::Dynamic(Dynamic::Text(Cow::Owned(out)))
}

fn array_concat<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let arrays: Vec<_> = args.iter().filter_map(elements).collect();
    let length: usize = arrays.iter().map(|one| one.len()).sum();
    if arrays.is_empty() || length > MOST { Value::Null } else { array(arrays.concat()) }
}

/// Numbers by what they count, strings letter by letter; unlike kinds by their JSON.
fn compare(a: &Json, b: &Json) -> Ordering {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.as_f64().partial_cmp(&y.as_f64()).unwrap_or(Ordering::Equal),
        },
        (Json::String(x), Json::String(y)) => x.cmp(y),
        (Json::Bool(x), Json::Bool(y)) => x.cmp(y),
        _ => kind(a).cmp(&kind(b)).then_with(|| a.to_string().cmp(&b.to_string())),
    }
}

fn kind(tree: &Json) -> u8 {
    match tree {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(_) => 2,
        Json::String(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    }
}

/// Where the nulls go must be known beforehand.
fn sorts(args: &[Arg<'_>]) -> Result<Type, String> {
    match args.iter().find(|arg| arg.ty == Type::Bool) {
        Some(Arg { constant: None, .. }) => Err("whether nulls come last must be a constant".to_owned()),
        _ => Ok(Type::Dynamic),
    }
}

fn array_sort<'a>(args: &[Value<'a>], descending: bool) -> Value<'a> {
    let (arrays, nulls_last) = match args {
        [arrays @ .., Value::Bool(nulls_last)] => (arrays, *nulls_last),
        arrays => (arrays, true),
    };
    let Some(first) = arrays.first().and_then(elements) else { return Value::Null };
    let mut order: Vec<usize> = (0..first.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&first[*a], &first[*b]);
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => {
                if nulls_last {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (false, true) => {
                if nulls_last {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (false, false) if descending => compare(b, a),
            (false, false) => compare(a, b),
        }
    });
    let sorted = |items: &Vec<Json>| -> Json { order.iter().map(|at| items[*at].clone()).collect() };
    if arrays.len() == 1 {
        return Value::json(sorted(&first));
    }
    // An array of another length cannot follow the first one.
    let follow = |value: &Value<'_>| {
        elements(value).filter(|items| items.len() == first.len()).map_or(Json::Null, |items| sorted(&items))
    };
    array(arrays.iter().map(follow).collect())
}

fn array_slice<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(items), Some(start), Some(end)) = (elements(&args[0]), long(args, 1), long(args, 2)) else {
        return Value::Null;
    };
    let len = items.len() as i64;
    let absolute = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let start = absolute(start).clamp(0, len) as usize;
    let end = absolute(end).saturating_add(1).clamp(0, len) as usize;
    array(items.get(start..end).unwrap_or_default().to_vec())
}

fn array_split<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(items) = elements(&args[0]) else { return Value::Null };
    let places: Vec<i64> = match elements(&args[1]) {
        Some(places) => places.iter().filter_map(Json::as_i64).collect(),
        None => match &args[1] {
            Value::Dynamic(dynamic) => dynamic.tree().as_i64().into_iter().collect(),
            other => other.as_long().into_iter().collect(),
        },
    };
    let len = items.len() as i64;
    let mut pieces = Vec::with_capacity(places.len() + 1);
    let mut from = 0;
    for place in places {
        let place = (if place < 0 { place.saturating_add(len) } else { place }).clamp(0, len) as usize;
        let to = place.max(from);
        pieces.push(Json::Array(items[from..to].to_vec()));
        from = to;
    }
    pieces.push(Json::Array(items[from..].to_vec()));
    array(pieces)
}

fn array_index_of<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(items) = elements(&args[0]) else { return Value::Null };
    let wanted = args[1].to_json();
    let len = items.len();
    let start = match long(args, 2).unwrap_or(0) {
        start if start < 0 => place(len, start).unwrap_or(0),
        start => usize::try_from(start).unwrap_or(len).min(len),
    };
    let count = match long(args, 3) {
        None | Some(-1) => len,
        Some(count) => match usize::try_from(count) {
            Ok(count) => count,
            Err(_) => return Value::Null,
        },
    };
    let occurrence = match long(args, 4).unwrap_or(1) {
        occurrence if occurrence < 1 => return Value::Null,
        occurrence => usize::try_from(occurrence).unwrap_or(usize::MAX),
    };
    let end = start.saturating_add(count).min(len);
    let found = (start..end).filter(|at| same(&items[*at], &wanted)).nth(occurrence - 1);
    Value::Long(found.map_or(-1, |at| at as i64))
}

fn array_reverse<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    elements(&args[0]).map_or(Value::Null, |items| array(items.into_iter().rev().collect()))
}

fn array_rotate<'a>(args: &[Value<'a>], right: bool) -> Value<'a> {
    let (Some(mut items), Some(count)) = (elements(&args[0]), long(args, 1)) else { return Value::Null };
    if !items.is_empty() {
        let by = i128::from(count).rem_euclid(items.len() as i128) as usize;
        if right { items.rotate_right(by) } else { items.rotate_left(by) }
    }
    array(items)
}

fn array_shift<'a>(args: &[Value<'a>], right: bool) -> Value<'a> {
    let (Some(mut items), Some(count)) = (elements(&args[0]), long(args, 1)) else { return Value::Null };
    let by = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(items.len());
    let filling = args.get(2).map_or(Json::Null, Value::to_json);
    if right == (count >= 0) {
        items.rotate_right(by);
        items[..by].fill(filling);
    } else {
        items.rotate_left(by);
        let kept = items.len() - by;
        items[kept..].fill(filling);
    }
    array(items)
}

fn array_iff<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(conditions) = elements(&args[0]) else { return Value::Null };
    let choices = [&args[1], &args[2]].map(|value| elements(value).ok_or_else(|| value.to_json()));
    let choose = |(at, condition): (usize, &Json)| {
        let holds = match condition {
            Json::Bool(x) => *x,
            Json::Number(x) => x.as_f64() != Some(0.0),
            Json::Null | Json::String(_) | Json::Array(_) | Json::Object(_) => return Json::Null,
        };
        match &choices[usize::from(!holds)] {
            Ok(items) => items.get(at).cloned().unwrap_or(Json::Null),
            Err(value) => value.clone(),
        }
    };
    array(conditions.iter().enumerate().map(choose).collect())
}

fn array_sum<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let sum = elements(&args[0])
        .filter(|items| !items.is_empty())
        .and_then(|items| items.iter().map(Json::as_f64).sum::<Option<f64>>());
    sum.map_or(Value::Null, Value::Real)
}

fn range_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let along = args.first().map_or(Type::Long, |arg| arg.ty);
    let stop = args.get(1).map_or(along, |arg| arg.ty);
    let step = args.get(2).map(|arg| arg.ty);
    let fits = match along {
        Type::Datetime => stop == Type::Datetime && step.is_none_or(|step| step == Type::Timespan),
        Type::Timespan => stop == Type::Timespan && step.is_none_or(|step| step == Type::Timespan),
        _ => stop.is_number() && step.is_none_or(Type::is_number),
    };
    if fits { Ok(Type::Dynamic) } else { Err("start, stop and step are not of kinds that go together".into()) }
}

fn range<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    if args.len() > 2 && !given(args, 2) {
        return Value::Null;
    }
    match (&args[0], &args[1], args.get(2)) {
        (Value::Datetime(start), Value::Datetime(stop), step) => {
            along(*start, *stop, ticks(step), |at| Value::Datetime(at).to_json())
        }
        (Value::Timespan(start), Value::Timespan(stop), step) => {
            along(*start, *stop, ticks(step), |at| Value::Timespan(at).to_json())
        }
        (start, stop, step) => {
            let step = step.unwrap_or(&Value::Long(1));
            if let (Some(start), Some(stop), Some(step)) = (start.as_long(), stop.as_long(), step.as_long()) {
                return along(start, stop, step, Json::from);
            }
            let (Some(start), Some(stop), Some(step)) = (start.as_real(), stop.as_real(), step.as_real()) else {
                return Value::Null;
            };
            let reaches = |x: f64| if step > 0.0 { x <= stop } else { x >= stop };
            if step == 0.0 || !(start.is_finite() && stop.is_finite() && step.is_finite()) {
                return Value::Null;
            }
            array((0..MOST).map(|n| start + n as f64 * step).take_while(|x| reaches(*x)).map(real::json).collect())
        }
    }
}

fn ticks(step: Option<&Value<'_>>) -> i64 {
    match step {
        Some(Value::Timespan(step)) => *step,
        _ => TICKS_PER_HOUR,
    }
}

fn along<'a>(start: i64, stop: i64, step: i64, show: fn(i64) -> Json) -> Value<'a> {
    if step == 0 {
        return Value::Null;
    }
    let next = |x: &i64| x.checked_add(step);
    let reaches = |x: &i64| if step > 0 { *x <= stop } else { *x >= stop };
    array(std::iter::successors(Some(start), next).take_while(reaches).take(MOST).map(show).collect())
}

fn repeat<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(count) = long(args, 1).filter(|count| *count >= 0) else { return Value::Null };
    let count = usize::try_from(count).unwrap_or(MOST).min(MOST);
    let item = args[0].to_json();
    // What would be larger than a text may be is refused, as a text is.
    let large = matches!(item, Json::String(_) | Json::Array(_) | Json::Object(_));
    if large && json::write(&item).len().saturating_mul(count) > 16 * LONGEST_TEXT {
        return Value::Null;
    }
    array(vec![item; count])
}
