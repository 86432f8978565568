//! Equality, order, `in` and `between`.
//!
//! `==` with one null side is false and `!=` true; with two null sides both are null, and so are `<` and its like with
//! any. A dynamic is compared as the type of the other side.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>
use super::arguments::row;
use super::predicates::equal_fold;
use super::{Arg, Call, Function, Gives, many, one};
use crate::types::{Type, Types};
use crate::value::{Decimal, Json, Value, convert};
use std::cmp::Ordering;

/// What stands in an order.
const ORDERED: Types = Types::SUMMABLE.or(Types::BOOL).or(Types::DYNAMIC);
const TEXT: Types = Types::STRING.or(Types::DYNAMIC);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["=="],
        "Whether both sides are equal; letter case counts.",
        &[one("left", Types::ANY), one("right", Types::ANY)],
        Gives::By(|args| equality("==", args)),
        |call, args| equals(call, args, false),
        &[
            ("'a' == 'A'", "False"),
            ("1 == 1.0", "True"),
            ("int(null) == 1", "False"),
            ("int(null) == int(null)", "null"),
        ],
    ),
    row(
        &["!=", "<>"],
        "Whether the sides differ; letter case counts.",
        &[one("left", Types::ANY), one("right", Types::ANY)],
        Gives::By(|args| equality("!=", args)),
        |call, args| equals(call, args, true),
        &[("'a' != 'A'", "True"), ("int(null) != 1", "True"), ("1 != 1", "False")],
    ),
    row(
        &["=~"],
        "Whether two texts are equal, letter case aside.",
        &[one("left", TEXT), one("right", TEXT)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(equal_fold(&args[0].text(), &args[1].text())),
        &[("'MÜLLER' =~ 'müller'", "True"), ("'a' =~ 'b'", "False")],
    ),
    row(
        &["!~"],
        "Whether two texts differ in more than letter case.",
        &[one("left", TEXT), one("right", TEXT)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(!equal_fold(&args[0].text(), &args[1].text())),
        &[("'A' !~ 'a'", "False"), ("'a' !~ 'b'", "True")],
    ),
    row(
        &["<"],
        "Whether the left side is less.",
        &[one("left", ORDERED), one("right", ORDERED)],
        Gives::By(|args| ordering("<", args)),
        |_, args| compared(args, Ordering::is_lt),
        &[("1 < 1.5", "True"), ("1d < 1h", "False"), ("int(null) < 1", "null")],
    ),
    row(
        &["<="],
        "Whether the left side is less or equal.",
        &[one("left", ORDERED), one("right", ORDERED)],
        Gives::By(|args| ordering("<=", args)),
        |_, args| compared(args, Ordering::is_le),
        &[("1 <= 1", "True"), ("datetime(2020-01-02) <= datetime(2020-01-01)", "False")],
    ),
    row(
        &[">"],
        "Whether the left side is greater.",
        &[one("left", ORDERED), one("right", ORDERED)],
        Gives::By(|args| ordering(">", args)),
        |_, args| compared(args, Ordering::is_gt),
        &[("2 > 1", "True"), ("dynamic(3) > 4", "False")],
    ),
    row(
        &[">="],
        "Whether the left side is greater or equal.",
        &[one("left", ORDERED), one("right", ORDERED)],
        Gives::By(|args| ordering(">=", args)),
        |_, args| compared(args, Ordering::is_ge),
        &[("2 >= 2", "True"), ("decimal(1.5) >= 2", "False")],
    ),
    row(
        &["between"],
        "Whether the value lies between two others, both ends included; from a datetime on, the end may be a \
         timespan.",
        &[one("value", ORDERED), one("low", ORDERED), one("high", ORDERED)],
        Gives::By(|args| range("between", args)),
        |_, args| between(args, false),
        &[
            ("5 between (1 .. 5)", "True"),
            ("datetime(2020-01-03) between (datetime(2020-01-01) .. 2d)", "True"),
            ("int(null) between (1 .. 2)", "null"),
        ],
    ),
    row(
        &["!between"],
        "Whether the value lies outside of two others.",
        &[one("value", ORDERED), one("low", ORDERED), one("high", ORDERED)],
        Gives::By(|args| range("!between", args)),
        |_, args| between(args, true),
        &[("5 !between (1 .. 5)", "False"), ("6 !between (1 .. 5)", "True")],
    ),
    row(
        &["in"],
        "Whether the value is in the list; letter case counts. Arrays in the list stand for their elements.",
        &[one("value", Types::ANY), many("list", Types::ANY, 0, 1_000_000)],
        Gives::Always(Type::Bool),
        |call, args| member(call, args, false),
        &[("'a' in ('A', 'b')", "False"), ("2 in (dynamic([1, 2]))", "True"), ("'a' in ('a', 'b')", "True")],
    ),
    row(
        &["!in"],
        "Whether the value is not in the list; letter case counts.",
        &[one("value", Types::ANY), many("list", Types::ANY, 0, 1_000_000)],
        Gives::Always(Type::Bool),
        |call, args| member(call, args, true),
        &[("'a' !in ('A', 'b')", "True"), ("1 !in (1, 2)", "False")],
    ),
    row(
        &["in~"],
        "Whether the text is in the list, letter case aside.",
        &[one("value", TEXT), many("list", Types::ANY, 0, 1_000_000)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(member_fold(args)),
        &[("'MÜLLER' in~ ('müller')", "True"), ("'a' in~ ('b', 'c')", "False")],
    ),
    row(
        &["!in~"],
        "Whether the text is not in the list, letter case aside.",
        &[one("value", TEXT), many("list", Types::ANY, 0, 1_000_000)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(!member_fold(args)),
        &[("'A' !in~ ('a')", "False"), ("'a' !in~ ('b', 'c')", "True")],
    ),
];

fn refused(symbol: &str, left: Type, right: Type) -> String {
    format!("`{symbol}` does not go between `{left}` and `{right}`")
}

fn equality(symbol: &str, args: &[Arg<'_>]) -> Result<Type, String> {
    match (args[0].ty, args[1].ty) {
        (left @ Type::Dynamic, right @ Type::Dynamic) => Err(refused(symbol, left, right)),
        _ => Ok(Type::Bool),
    }
}

/// Whether values of two types stand in one order.
fn in_order(left: Type, right: Type) -> bool {
    let counted = |ty: Type| ty.is_number() || ty == Type::Bool;
    match (left, right) {
        (Type::Dynamic, other) | (other, Type::Dynamic) => other.is_number(),
        _ => left == right && matches!(left, Type::Datetime | Type::Timespan) || counted(left) && counted(right),
    }
}

fn ordering(symbol: &str, args: &[Arg<'_>]) -> Result<Type, String> {
    let (left, right) = (args[0].ty, args[1].ty);
    if in_order(left, right) { Ok(Type::Bool) } else { Err(refused(symbol, left, right)) }
}

fn range(symbol: &str, args: &[Arg<'_>]) -> Result<Type, String> {
    let (value, low, high) = (args[0].ty, args[1].ty, args[2].ty);
    let span = value == Type::Datetime && low == Type::Datetime && high == Type::Timespan;
    if in_order(value, low) && value != Type::Bool && (span || in_order(value, high)) {
        Ok(Type::Bool)
    } else {
        Err(format!("`{symbol}` does not go with a `{value}` from `{low}` to `{high}`"))
    }
}

/// A value as one that can be compared with the other: a dynamic as the type of the other side, a bool beside a number
/// as 0 or 1, a text beside anything else as what it says.
fn beside<'a>(value: &Value<'a>, other: &Value<'_>) -> Value<'a> {
    let ty = match (value, other) {
        (_, Value::Null | Value::Dynamic(_)) => return value.clone(),
        (Value::Dynamic(_) | Value::String(_), other) => type_of(other),
        (Value::Bool(_), Value::Int(_) | Value::Long(_) | Value::Real(_) | Value::Decimal(_)) => type_of(other),
        _ => return value.clone(),
    };
    convert::to(value, ty)
}

fn type_of(value: &Value<'_>) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Long(_) => Type::Long,
        Value::Real(_) => Type::Real,
        Value::Decimal(_) => Type::Decimal,
        Value::String(_) => Type::String,
        Value::Datetime(_) => Type::Datetime,
        Value::Timespan(_) => Type::Timespan,
        Value::Guid(_) => Type::Guid,
        Value::Null | Value::Dynamic(_) => Type::Dynamic,
    }
}

/// The order of two numbers, datetimes, timespans or bools of whatever width; `None` for nulls, NaN and the rest.
pub fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    use Value::{Bool, Datetime, Decimal as Dec, Dynamic, Int, Long, Real, Timespan};
    match (left, right) {
        (Long(a), Long(b)) | (Datetime(a), Datetime(b)) | (Timespan(a), Timespan(b)) => Some(a.cmp(b)),
        (Int(a), Int(b)) => Some(a.cmp(b)),
        (Bool(a), Bool(b)) => Some(a.cmp(b)),
        (Int(_) | Long(_), Int(_) | Long(_)) => Some(left.as_long()?.cmp(&right.as_long()?)),
        (Dec(a), Dec(b)) => Some(a.cmp(b)),
        (Dec(a), Int(_) | Long(_)) => Some(a.cmp(&Decimal::from_long(right.as_long()?))),
        (Int(_) | Long(_), Dec(b)) => Some(Decimal::from_long(left.as_long()?).cmp(b)),
        (Dec(a), Real(b)) => Decimal::from_real(*b).map_or_else(|| a.to_f64().partial_cmp(b), |b| Some(a.cmp(&b))),
        (Real(_), Dec(_)) => order(right, left).map(Ordering::reverse),
        (Real(_) | Int(_) | Long(_), Real(_) | Int(_) | Long(_)) => left.as_real()?.partial_cmp(&right.as_real()?),
        (Dynamic(_), _) | (_, Dynamic(_)) | (Bool(_), _) | (_, Bool(_)) => {
            let (a, b) = (beside(left, right), beside(right, left));
            let still = |value: &Value<'_>| matches!(value, Dynamic(_));
            if still(&a) || still(&b) || type_of(&a) != type_of(&b) { None } else { order(&a, &b) }
        }
        _ => None,
    }
}

/// Whether two values that are not null are equal.
pub fn equal(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Guid(a), Value::Guid(b)) => a == b,
        (Value::Dynamic(a), Value::Dynamic(b)) => a.tree() == b.tree(),
        (Value::Dynamic(_), other)
        | (other, Value::Dynamic(_))
        | (Value::String(_), other)
        | (other, Value::String(_)) => {
            // Both as the type of the one that is not the dynamic, or not the text.
            let (a, b) = (convert::to(left, type_of(other)), convert::to(right, type_of(other)));
            match (&a, &b) {
                (Value::String(a), Value::String(b)) => a == b,
                (Value::Guid(a), Value::Guid(b)) => a == b,
                _ => order(&a, &b) == Some(Ordering::Equal),
            }
        }
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

fn equals<'a>(_: &Call<'_>, args: &[Value<'a>], negated: bool) -> Value<'a> {
    match (args[0].is_null(), args[1].is_null()) {
        (true, true) => Value::Null,
        (false, false) => Value::Bool(equal(&args[0], &args[1]) != negated),
        _ => Value::Bool(negated),
    }
}

fn compared<'a>(args: &[Value<'a>], is: fn(Ordering) -> bool) -> Value<'a> {
    if args[0].is_null() || args[1].is_null() {
        return Value::Null;
    }
    match order(&args[0], &args[1]) {
        Some(ordering) => Value::Bool(is(ordering)),
        // NaN is in no order; a dynamic that is no number is absent.
        None if matches!(args[0], Value::Dynamic(_)) || matches!(args[1], Value::Dynamic(_)) => Value::Null,
        None => Value::Bool(false),
    }
}

fn between<'a>(args: &[Value<'a>], negated: bool) -> Value<'a> {
    let high = match (&args[1], &args[2]) {
        (Value::Datetime(low), Value::Timespan(span)) => Value::Datetime(low.saturating_add(*span)),
        (_, high) => high.clone(),
    };
    let over = compared(&[args[0].clone(), args[1].clone()], Ordering::is_ge).as_bool();
    let under = compared(&[args[0].clone(), high], Ordering::is_le).as_bool();
    match (over, under) {
        (Some(false), _) | (_, Some(false)) => Value::Bool(negated),
        (Some(true), Some(true)) => Value::Bool(!negated),
        _ => Value::Null,
    }
}

/// Calls `found` with each element of the list, arrays opened, until one answers true.
pub fn any_element(list: &[Value<'_>], mut found: impl FnMut(&Value<'_>) -> bool) -> bool {
    list.iter().any(|item| match item {
        Value::Dynamic(array) => match array.tree().as_ref() {
            Json::Array(items) => items.iter().any(|item| match item {
                Json::Array(_) | Json::Object(_) => found(&Value::json(item.clone())),
                item => found(&convert::scalar(item)),
            }),
            _ => found(item),
        },
        item => found(item),
    })
}

fn member<'a>(_: &Call<'_>, args: &[Value<'a>], negated: bool) -> Value<'a> {
    let Some((value, list)) = args.split_first() else { return Value::Null };
    if value.is_null() {
        let both = any_element(list, |item| item.is_null());
        return if both { Value::Null } else { Value::Bool(negated) };
    }
    Value::Bool(any_element(list, |item| !item.is_null() && equal(value, item)) != negated)
}

fn member_fold(args: &[Value<'_>]) -> bool {
    let Some((value, list)) = args.split_first() else { return false };
    let text = value.text();
    any_element(list, |item| equal_fold(&text, &item.text()))
}
