//! iff, case, coalesce, and tests for null and empty.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/null-values>
use super::arguments::row;
use super::comparisons::order;
use super::{Arg, Call, Function, Gives, many, one};
use crate::types::{Type, Types};
use crate::value::{Value, convert};
use std::cmp::Ordering;

/// What real numbers are tested as.
const INEXACT: Types = Types::REAL.or(Types::INTEGER);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["iff", "iif"],
        "`then` where the condition is true, `else` where it is false or null.",
        &[one("if", Types::BOOL), one("then", Types::ANY), one("else", Types::ANY)],
        Gives::By(|args| Ok(common(&args[1..]))),
        iff,
        &[("iff(1 < 2, 'yes', 'no')", "yes"), ("iff(bool(null), 1, 2)", "2"), ("iff(true, 1, 2.5)", "1.0")],
    ),
    row(
        &["case"],
        "The value after the first condition that is true, or the last argument.",
        &[one("predicate", Types::BOOL), one("then", Types::ANY), many("more", Types::ANY, 1, 1024)],
        Gives::By(case_type),
        case,
        &[("case(1 > 2, 'a', 2 > 1, 'b', 'c')", "b"), ("case(false, 1, 3)", "3")],
    ),
    row(
        &["coalesce"],
        "The first argument that is not null (of strings: not empty).",
        &[many("arg", Types::ANY, 2, 64)],
        Gives::By(|args| like("coalesce", args, Types::ANY)),
        coalesce,
        &[("coalesce(int(null), 5, 7)", "5"), ("coalesce('', 'b')", "b"), ("coalesce(real(null), real(null))", "null")],
    ),
    row(
        &["max_of"],
        "The greatest of the arguments that are not null.",
        &[many("arg", Types::ANY.but(Types::DYNAMIC).but(Types::GUID), 2, 64)],
        Gives::By(|args| like("max_of", args, Types::ANY)),
        |call, args| most(call, args, Ordering::Greater),
        &[("max_of(10, 1, -3, 17)", "17"), ("max_of(int(null), toint(2))", "2"), ("max_of(1, 2.5)", "2.5")],
    ),
    row(
        &["min_of"],
        "The least of the arguments that are not null.",
        &[many("arg", Types::ANY.but(Types::DYNAMIC).but(Types::GUID), 2, 64)],
        Gives::By(|args| like("min_of", args, Types::ANY)),
        |call, args| most(call, args, Ordering::Less),
        &[("min_of(10, 1, -3, 17)", "-3"), ("min_of('b', 'a')", "a")],
    ),
    row(
        &["isnull"],
        "Whether the value is null. A string never is.",
        &[one("expression", Types::ANY)],
        Gives::Always(Type::Bool),
        |call, args| Value::Bool(null(call, args)),
        &[("isnull('')", "False"), ("isnull(int(null))", "True")],
    ),
    row(
        &["isnotnull", "notnull"],
        "Whether the value is not null. A string always is.",
        &[one("expression", Types::ANY)],
        Gives::Always(Type::Bool),
        |call, args| Value::Bool(!null(call, args)),
        &[("isnotnull('')", "True"), ("isnotnull(int(null))", "False")],
    ),
    row(
        &["isempty"],
        "Whether the value is null or the empty string.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(empty(&args[0])),
        &[("isempty('')", "True"), ("isempty(' ')", "False"), ("isempty(long(null))", "True")],
    ),
    row(
        &["isnotempty", "notempty"],
        "Whether the value is neither null nor the empty string.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(!empty(&args[0])),
        &[("isnotempty('')", "False"), ("isnotempty(0)", "True")],
    ),
    row(
        &["isnan"],
        "Whether a real is NaN.",
        &[one("number", INEXACT)],
        Gives::Always(Type::Bool),
        |_, args| test(&args[0], f64::is_nan),
        &[("isnan(0.0 / 0.0)", "True"), ("isnan(1)", "False"), ("isnan(real(null))", "null")],
    ),
    row(
        &["isinf"],
        "Whether a real is infinite.",
        &[one("number", INEXACT)],
        Gives::Always(Type::Bool),
        |_, args| test(&args[0], f64::is_infinite),
        &[("isinf(1.0 / 0.0)", "True"), ("isinf(1.0)", "False")],
    ),
    row(
        &["isfinite"],
        "Whether a real is neither infinite nor NaN.",
        &[one("number", INEXACT)],
        Gives::Always(Type::Bool),
        |_, args| test(&args[0], f64::is_finite),
        &[("isfinite(1.0)", "True"), ("isfinite(1.0 / 0.0)", "False")],
    ),
    row(
        &["around"],
        "Whether `value` lies within `delta` of `center`, the ends included.",
        &[one("value", Types::ANY), one("center", Types::ANY), one("delta", Types::ANY)],
        Gives::By(around_type),
        around,
        &[("around(4.5, 5, 1)", "True"), ("around(datetime(2020-01-02), datetime(2020-01-01), 1h)", "False")],
    ),
];

/// The one type that values of all these types can have; a dynamic gives way, and mixed types make a dynamic.
fn common(args: &[Arg<'_>]) -> Type {
    let mut types = args.iter().map(|arg| arg.ty).filter(|ty| *ty != Type::Dynamic);
    let Some(first) = types.next() else { return Type::Dynamic };
    types.try_fold(first, widest).unwrap_or(Type::Dynamic)
}

fn widest(a: Type, b: Type) -> Option<Type> {
    if a == b {
        Some(a)
    } else if a.is_number() && b.is_number() {
        Some(a.max(b))
    } else {
        None
    }
}

/// The widest type, where all have to be alike.
fn like(name: &str, args: &[Arg<'_>], allowed: Types) -> Result<Type, String> {
    let mut all = args[0].ty;
    for arg in &args[1..] {
        all = widest(all, arg.ty)
            .filter(|ty| allowed.has(*ty))
            .ok_or_else(|| format!("the arguments of `{name}` are `{all}` and `{}`", arg.ty))?;
    }
    Ok(all)
}

fn case_type(args: &[Arg<'_>]) -> Result<Type, String> {
    if args.len().is_multiple_of(2) {
        return Err("`case` ends with a value for when no condition is true".into());
    }
    let (pairs, last) = args.split_at(args.len() - 1);
    if let Some(wrong) = pairs.iter().step_by(2).find(|arg| !matches!(arg.ty, Type::Bool | Type::Dynamic)) {
        return Err(format!("a condition of `case` is `{}` instead of `bool`", wrong.ty));
    }
    let values: Vec<Arg<'_>> = pairs.iter().skip(1).step_by(2).chain(last).cloned().collect();
    Ok(common(&values))
}

fn around_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let (value, center, delta) = (args[0].ty, args[1].ty, args[2].ty);
    let fits = match value {
        Type::Datetime => center == Type::Datetime && delta == Type::Timespan,
        Type::Timespan => center == Type::Timespan && delta == Type::Timespan,
        _ => value.is_number() && center.is_number() && delta.is_number(),
    };
    if fits { Ok(Type::Bool) } else { Err(format!("a `{value}` is not around a `{center}` by a `{delta}`")) }
}

fn is_true(value: &Value<'_>) -> bool {
    convert::boolean(value) == Some(true)
}

/// Nulls stay absent as the result's type has it; everything else is converted to it.
fn as_given<'a>(call: &Call<'_>, value: &Value<'a>) -> Value<'a> {
    if value.is_null() { Value::absent(call.gives) } else { convert::to(value, call.gives) }
}

fn iff<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    as_given(call, if is_true(&args[0]) { &args[1] } else { &args[2] })
}

fn case<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let chosen = args.chunks_exact(2).find(|pair| is_true(&pair[0])).map(|pair| &pair[1]);
    chosen.or(args.last()).map_or(Value::Null, |value| as_given(call, value))
}

fn coalesce<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let stands = |value: &&Value<'_>| !value.is_null() && value.as_str() != Some("");
    args.iter().find(stands).map_or_else(|| Value::absent(call.gives), |value| as_given(call, value))
}

fn most<'a>(call: &Call<'_>, args: &[Value<'a>], wanted: Ordering) -> Value<'a> {
    let mut best: Option<&Value<'a>> = None;
    for arg in args.iter().filter(|arg| !arg.is_null()) {
        let better = best.is_none_or(|best| match (arg, best) {
            (Value::String(a), Value::String(b)) => a.cmp(b) == wanted,
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b) == wanted,
            _ => order(arg, best) == Some(wanted),
        });
        if better {
            best = Some(arg);
        }
    }
    best.map_or_else(|| Value::absent(call.gives), |value| as_given(call, value))
}

fn null(call: &Call<'_>, args: &[Value<'_>]) -> bool {
    args[0].is_null() && call.types.first() != Some(&Type::String)
}

fn empty(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Dynamic(x) => matches!(x.tree().as_ref(), crate::value::Json::String(text) if text.is_empty()),
        _ => false,
    }
}

fn test<'a>(value: &Value<'a>, is: fn(f64) -> bool) -> Value<'a> {
    value.as_real().map_or(Value::Null, |x| Value::Bool(is(x)))
}

fn around<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let within = match (&args[0], &args[1], &args[2]) {
        (Value::Datetime(x), Value::Datetime(center), Value::Timespan(delta))
        | (Value::Timespan(x), Value::Timespan(center), Value::Timespan(delta)) => {
            x.checked_sub(*center).map(|apart| *delta >= 0 && apart.unsigned_abs() <= delta.unsigned_abs())
        }
        (x, center, delta) => match (x.as_real(), center.as_real(), delta.as_real()) {
            (Some(x), Some(center), Some(delta)) => Some((center - delta..=center + delta).contains(&x)),
            _ => None,
        },
    };
    within.map_or(Value::Null, Value::Bool)
}
