//! `+ - * / %`, `and`, `or`, `not`, bin and its like.
//!
//! Integers wrap, an integer divided by zero is null, a real divided by zero is not, a remainder is never negative.
//! <https://learn.microsoft.com/kusto/query/numerical-operators>
use super::arguments::row;
use super::{Arg, Call, Function, Gives, one};
use crate::types::{Type, Types};
use crate::value::{Decimal, Value, convert, datetime};

const OPERAND: Types = Types::SUMMABLE.or(Types::DYNAMIC);
const TRUTH: Types = Types::BOOL.or(Types::DYNAMIC);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["+"],
        "The sum; a datetime or timespan moved by a timespan.",
        &[one("left", OPERAND), one("right", OPERAND)],
        Gives::By(|args| sum_type("+", args)),
        plus,
        &[
            ("1 + 2", "3"),
            ("1 + 0.5", "1.5"),
            ("9223372036854775807 + 1", "-9223372036854775808"),
            ("datetime(2020-06-15 13:45:00) + 90m", "2020-06-15T15:15:00.0000000Z"),
            ("datetime(9999-12-31 23:59:59.9999999) + 1tick", "null"),
        ],
    ),
    row(
        &["-"],
        "The difference; between two datetimes a timespan.",
        &[one("left", OPERAND), one("right", OPERAND)],
        Gives::By(|args| sum_type("-", args)),
        minus,
        &[("1 - 2.5", "-1.5"), ("datetime(2020-06-15) - datetime(2020-06-14)", "1.00:00:00")],
    ),
    row(
        &["*"],
        "The product; a timespan is taken so many times.",
        &[one("left", OPERAND), one("right", OPERAND)],
        Gives::By(product_type),
        times,
        &[("6 * 7", "42"), ("2 * 1.5h", "03:00:00"), ("1h * 2.5", "02:30:00")],
    ),
    row(
        &["/"],
        "The quotient: cut towards zero for integers, real for two timespans.",
        &[one("left", OPERAND), one("right", OPERAND)],
        Gives::By(|args| quotient_type("/", args)),
        divide,
        &[
            ("7 / 2", "3"),
            ("-7 / 2", "-3"),
            ("1 / 0", "null"),
            ("1.0 / 0", "inf"),
            ("1d / 1h", "24.0"),
            ("1d / 2", "12:00:00"),
        ],
    ),
    row(
        &["%"],
        "The remainder of a division, never negative.",
        &[one("left", OPERAND), one("right", OPERAND)],
        Gives::By(|args| quotient_type("%", args)),
        remainder,
        &[("-5 % 3", "1"), ("5 % -3", "2"), ("7.5 % 2", "1.5"), ("5 % 0", "null")],
    ),
    row(
        &["unary-"],
        "The number or timespan with its sign turned.",
        &[one("value", OPERAND.but(Types::DATETIME))],
        Gives::By(sign_type),
        negate,
        &[("-(3)", "-3"), ("-(1d)", "-1.00:00:00")],
    ),
    row(
        &["unary+"],
        "The number or timespan as it is.",
        &[one("value", OPERAND)],
        Gives::By(sign_type),
        keep,
        &[("+(3)", "3")],
    ),
    row(
        &["and"],
        "True where both are true. Of false and null it makes false, of true and null null.",
        &[one("left", TRUTH), one("right", TRUTH)],
        Gives::Always(Type::Bool),
        and,
        &[("true and false", "False"), ("bool(null) and true", "null"), ("bool(null) and false", "False")],
    ),
    row(
        &["or"],
        "True where one is true. Of true and null it makes true, of false and null null.",
        &[one("left", TRUTH), one("right", TRUTH)],
        Gives::Always(Type::Bool),
        or,
        &[("true or false", "True"), ("bool(null) or false", "null"), ("bool(null) or true", "True")],
    ),
    row(
        &["not"],
        "False for true, true for false, null for null.",
        &[one("expression", Types::BOOL)],
        Gives::Always(Type::Bool),
        not,
        &[("not(true)", "False"), ("not(bool(null))", "null")],
    ),
    row(
        &["bin", "floor"],
        "The greatest multiple of `roundTo` that is not above `value`.",
        &[one("value", Types::SUMMABLE), one("roundTo", Types::SUMMABLE)],
        Gives::By(bin_type),
        bin,
        &[
            ("bin(4.5, 1)", "4.0"),
            ("bin(-7, 5)", "-10"),
            ("bin(time(16d), 7d)", "14.00:00:00"),
            ("bin(datetime(2007-01-02 13:45:30), 1h)", "2007-01-02T13:00:00.0000000Z"),
        ],
    ),
    row(
        &["bin_at"],
        "The beginning of the bin around `value`, where one bin begins at `fixed_point`.",
        &[one("value", Types::SUMMABLE), one("bin_size", Types::SUMMABLE), one("fixed_point", Types::SUMMABLE)],
        Gives::By(bin_at_type),
        bin_at,
        &[
            ("bin_at(6.5, 2.5, 7)", "4.5"),
            ("bin_at(time(1h), 1d, 12h)", "-12:00:00"),
            (
                "bin_at(datetime(2017-05-15 10:20:00.0), 1d, datetime(1970-01-01 12:00:00.0))",
                "2017-05-14T12:00:00.0000000Z",
            ),
        ],
    ),
    row(
        &["ceiling"],
        "The least whole number that is not below the value.",
        &[one("number", Types::NUMBER)],
        Gives::By(|args| Ok(if args[0].ty == Type::Decimal { Type::Decimal } else { Type::Real })),
        ceiling,
        &[("ceiling(-1.1)", "-1.0"), ("ceiling(0)", "0.0"), ("ceiling(0.9)", "1.0")],
    ),
];

fn refused(symbol: &str, left: Type, right: Type) -> String {
    format!("`{symbol}` does not go between `{left}` and `{right}`")
}

/// The type of a sum, difference or product of two numbers: at least a long.
fn number(left: Type, right: Type) -> Option<Type> {
    match (left, right) {
        (Type::Dynamic, Type::Dynamic) => None,
        (Type::Dynamic, other) | (other, Type::Dynamic) if other.is_number() => Some(other.max(Type::Long)),
        (left, right) if left.is_number() && right.is_number() => Some(left.max(right).max(Type::Long)),
        _ => None,
    }
}

fn sum_type(symbol: &str, args: &[Arg<'_>]) -> Result<Type, String> {
    let (left, right) = (args[0].ty, args[1].ty);
    if let Some(ty) = number(left, right) {
        return Ok(ty);
    }
    use Type::{Datetime, Dynamic, Timespan};
    match (left, right) {
        (Datetime, Datetime) if symbol == "-" => Ok(Timespan),
        (Datetime, Timespan) | (Timespan, Datetime) => Ok(Datetime),
        (Timespan, Timespan) => Ok(Timespan),
        (Datetime, Dynamic) | (Dynamic, Datetime) => Ok(if symbol == "-" { Timespan } else { Datetime }),
        (Timespan, Dynamic) | (Dynamic, Timespan) => Ok(Timespan),
        _ => Err(refused(symbol, left, right)),
    }
}

fn product_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let (left, right) = (args[0].ty, args[1].ty);
    match (left, right) {
        (ty @ (Type::Timespan | Type::Datetime), other) | (other, ty @ (Type::Timespan | Type::Datetime))
            if other.is_number() =>
        {
            Ok(ty)
        }
        _ => number(left, right).ok_or_else(|| refused("*", left, right)),
    }
}

fn quotient_type(symbol: &str, args: &[Arg<'_>]) -> Result<Type, String> {
    let (left, right) = (args[0].ty, args[1].ty);
    let span = matches!(right, Type::Datetime | Type::Timespan);
    match left {
        Type::Datetime | Type::Timespan if right.is_number() => Ok(left),
        Type::Datetime if span => Ok(if symbol == "/" { Type::Real } else { Type::Timespan }),
        Type::Timespan if right == Type::Timespan => Ok(if symbol == "/" { Type::Real } else { Type::Timespan }),
        _ => number(left, right).ok_or_else(|| refused(symbol, left, right)),
    }
}

fn sign_type(args: &[Arg<'_>]) -> Result<Type, String> {
    // An int grows to a long, unless it is a constant.
    Ok(if args[0].ty == Type::Int && args[0].constant.is_none() { Type::Long } else { args[0].ty })
}

fn bin_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let (value, step) = (args[0].ty, args[1].ty);
    match value {
        Type::Datetime if matches!(step, Type::Datetime | Type::Timespan) => Ok(value),
        Type::Timespan if step == Type::Timespan => Ok(value),
        _ if value.is_number() && step.is_number() => Ok(value.max(step).max(Type::Long)),
        _ => Err(format!("a `{value}` cannot be rounded to a `{step}`")),
    }
}

fn bin_at_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let (value, step, fixed) = (args[0].ty, args[1].ty, args[2].ty);
    match value {
        Type::Datetime | Type::Timespan if fixed != value => {
            Err(format!("the fixed point of bins of `{value}` is a `{value}`"))
        }
        Type::Datetime | Type::Timespan => Ok(value),
        _ if step.is_number() && fixed.is_number() => Ok(value.max(step).max(fixed).max(Type::Long)),
        _ => Err(format!("a `{value}` cannot be put in bins of `{step}` at a `{fixed}`")),
    }
}

/// A number from the operands, by the type of the result.
fn reckon(
    ty: Type,
    args: &[Value<'_>],
    long: fn(i64, i64) -> Option<i64>,
    real: fn(f64, f64) -> f64,
    decimal: fn(Decimal, Decimal) -> Option<Decimal>,
) -> Value<'static> {
    let [left, right] = args else { return Value::Null };
    match ty {
        Type::Real => match (convert::real(left), convert::real(right)) {
            (Some(x), Some(y)) => Value::Real(real(x, y)),
            _ => Value::Null,
        },
        Type::Decimal => match (convert::decimal(left), convert::decimal(right)) {
            (Some(x), Some(y)) => decimal(x, y).map_or(Value::Null, Value::Decimal),
            _ => Value::Null,
        },
        _ => match (convert::long(left), convert::long(right)) {
            (Some(x), Some(y)) => long(x, y).map_or(Value::Null, Value::Long),
            _ => Value::Null,
        },
    }
}

/// A datetime, or null past its ends.
fn moment(ticks: Option<i64>) -> Value<'static> {
    ticks.filter(|ticks| (0..=datetime::MAX).contains(ticks)).map_or(Value::Null, Value::Datetime)
}

/// The ticks of a datetime or timespan; a dynamic is read as the one that the other operand asks for.
fn ticks(value: &Value<'_>, other: Type) -> Option<i64> {
    match value {
        Value::Datetime(x) | Value::Timespan(x) => Some(*x),
        Value::Dynamic(_) if other == Type::Datetime => convert::datetime(value).or_else(|| convert::timespan(value)),
        Value::Dynamic(_) => convert::timespan(value).or_else(|| convert::datetime(value)),
        _ => None,
    }
}

fn of_type(ty: Type, ticks: Option<i64>) -> Value<'static> {
    match ty {
        Type::Datetime => moment(ticks),
        _ => ticks.map_or(Value::Null, Value::Timespan),
    }
}

fn is_time(ty: Type) -> bool {
    matches!(ty, Type::Datetime | Type::Timespan)
}

fn plus<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    if is_time(call.gives) {
        let both = ticks(&args[0], call.types[1]).zip(ticks(&args[1], call.types[0]));
        return of_type(call.gives, both.and_then(|(x, y)| x.checked_add(y)));
    }
    reckon(call.gives, args, |x, y| Some(x.wrapping_add(y)), |x, y| x + y, Decimal::checked_add)
}

fn minus<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    if is_time(call.gives) {
        let both = ticks(&args[0], call.types[1]).zip(ticks(&args[1], call.types[0]));
        return of_type(call.gives, both.and_then(|(x, y)| x.checked_sub(y)));
    }
    reckon(call.gives, args, |x, y| Some(x.wrapping_sub(y)), |x, y| x - y, Decimal::checked_sub)
}

/// Ticks scaled by a number: exactly by a whole one, cut towards zero by a real.
fn scaled(x: i64, by: &Value<'_>, exactly: fn(i64, i64) -> Option<i64>, nearly: fn(f64, f64) -> f64) -> Option<i64> {
    if let Some(by) = by.as_long() {
        return exactly(x, by);
    }
    let y = nearly(x as f64, convert::real(by)?);
    (y.is_finite() && y.abs() < 9.3e18).then_some(y as i64)
}

fn times<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    if is_time(call.gives) {
        let (time, by) = if is_time(call.types[0]) { (&args[0], &args[1]) } else { (&args[1], &args[0]) };
        let product = ticks(time, call.gives).and_then(|x| scaled(x, by, i64::checked_mul, |x, y| x * y));
        return of_type(call.gives, product);
    }
    reckon(call.gives, args, |x, y| Some(x.wrapping_mul(y)), |x, y| x * y, Decimal::checked_mul)
}

fn divide<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    if is_time(call.gives) {
        let quotient = ticks(&args[0], call.gives).and_then(|x| scaled(x, &args[1], i64::checked_div, |x, y| x / y));
        return of_type(call.gives, quotient);
    }
    reckon(
        call.gives,
        args,
        |x, y| if y == 0 { None } else { Some(x.wrapping_div(y)) },
        |x, y| x / y,
        Decimal::checked_div,
    )
}

fn remainder<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    if is_time(call.gives) {
        let rest = convert::long(&args[0]).zip(convert::long(&args[1])).and_then(|(x, y)| rest(x, y));
        return of_type(call.gives, rest);
    }
    reckon(call.gives, args, rest, |x, y| x.rem_euclid(y), Decimal::checked_rem)
}

fn rest(x: i64, y: i64) -> Option<i64> {
    if y == 0 { None } else { Some(x.wrapping_rem_euclid(y)) }
}

fn negate<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match &args[0] {
        Value::Int(x) if call.gives == Type::Int => Value::Int(x.wrapping_neg()),
        Value::Int(x) => Value::Long(-i64::from(*x)),
        Value::Long(x) => Value::Long(x.wrapping_neg()),
        Value::Real(x) => Value::Real(-x),
        Value::Decimal(x) => x.0.checked_neg().map_or(Value::Null, |units| Value::Decimal(Decimal(units))),
        Value::Timespan(x) => Value::Timespan(x.wrapping_neg()),
        Value::Dynamic(x) => match convert::scalar(x.tree().as_ref()) {
            number @ (Value::Long(_) | Value::Real(_)) => convert::to(&negate(call, &[number]), call.gives),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

fn keep<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    convert::to(&args[0], call.gives)
}

pub fn and<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match (convert::boolean(&args[0]), convert::boolean(&args[1])) {
        (Some(false), _) | (_, Some(false)) => Value::Bool(false),
        (Some(true), Some(true)) => Value::Bool(true),
        _ => Value::Null,
    }
}

pub fn or<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match (convert::boolean(&args[0]), convert::boolean(&args[1])) {
        (Some(true), _) | (_, Some(true)) => Value::Bool(true),
        (Some(false), Some(false)) => Value::Bool(false),
        _ => Value::Null,
    }
}

fn not<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    convert::boolean(&args[0]).map_or(Value::Null, |x| Value::Bool(!x))
}

/// The greatest multiple of a positive `step` that is not above `x`.
pub fn floor_to(x: i64, step: i64) -> Option<i64> {
    if step <= 0 { None } else { x.checked_sub(x.rem_euclid(step)) }
}

/// [`floor_to`] for reals.
pub fn floor_real(x: f64, step: f64) -> Option<f64> {
    (step > 0.0).then(|| (x / step).floor() * step)
}

fn bin<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (value, step) = (&args[0], &args[1]);
    match call.gives {
        Type::Real => convert::real(value)
            .zip(convert::real(step))
            .and_then(|(x, step)| floor_real(x, step))
            .map_or(Value::Null, Value::Real),
        Type::Decimal => convert::decimal(value)
            .zip(convert::decimal(step))
            .and_then(|(x, step)| x.floor_to(step))
            .map_or(Value::Null, Value::Decimal),
        ty => convert::long(value)
            .zip(convert::long(step))
            .and_then(|(x, step)| floor_to(x, step))
            .map_or(Value::Null, |x| whole(ty, x)),
    }
}

/// Whole units as a long, datetime or timespan.
fn whole(ty: Type, x: i64) -> Value<'static> {
    match ty {
        Type::Datetime => moment(Some(x)),
        Type::Timespan => Value::Timespan(x),
        _ => Value::Long(x),
    }
}

fn bin_at<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (value, step, fixed) = (&args[0], &args[1], &args[2]);
    match call.gives {
        Type::Real => {
            let all = convert::real(value).zip(convert::real(step)).zip(convert::real(fixed));
            all.and_then(|((x, step), fixed)| Some(floor_real(x - fixed, step)? + fixed))
                .map_or(Value::Null, Value::Real)
        }
        Type::Decimal => {
            let all = convert::decimal(value).zip(convert::decimal(step)).zip(convert::decimal(fixed));
            all.and_then(|((x, step), fixed)| x.checked_sub(fixed)?.floor_to(step)?.checked_add(fixed))
                .map_or(Value::Null, Value::Decimal)
        }
        ty => {
            let all = convert::long(value).zip(convert::long(step)).zip(convert::long(fixed));
            all.and_then(|((x, step), fixed)| floor_to(x.checked_sub(fixed)?, step)?.checked_add(fixed))
                .map_or(Value::Null, |x| whole(ty, x))
        }
    }
}

fn ceiling<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match &args[0] {
        Value::Decimal(x) => {
            let floor = x.truncate() * crate::value::decimal::ONE;
            let up = if floor < x.0 { crate::value::decimal::ONE } else { 0 };
            floor.checked_add(up).map_or(Value::Null, |units| Value::Decimal(Decimal(units)))
        }
        // The sum with zero turns −0 into 0.
        other => other.as_real().map_or(Value::Null, |x| Value::Real(x.ceil() + 0.0)),
    }
}
