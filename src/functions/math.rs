//! Numbers: sizes, roundings, powers, angles, chance.
use super::arguments::{long, row};
use super::{Arg, Call, Eval, Function, Gives, Param, one, optional};
use crate::types::{Type, Types};
use crate::value::{Decimal, Value, decimal};
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

const NUMBER: &[Param] = &[one("number", Types::NUMBER)];
const REAL: Gives = Gives::Always(Type::Real);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["abs"],
        "The number or timespan without its sign.",
        &[one("number", Types::NUMBER.or(Types::TIMESPAN))],
        Gives::By(abs_type),
        abs,
        &[("abs(-5)", "5"), ("abs(-1h)", "01:00:00"), ("abs(-2.5)", "2.5")],
    ),
    row(
        &["round"],
        "The number rounded to so many decimals (0); halves go away from zero.",
        &[one("number", Types::NUMBER), optional("precision", Types::INTEGER).constant()],
        Gives::SameAs(0),
        round,
        &[("round(2.98765, 3)", "2.988"), ("round(-2.5)", "-3.0"), ("round(1234, -2)", "1200")],
    ),
    row(
        &["sign"],
        "-1, 0 or 1 after the number's sign.",
        NUMBER,
        REAL,
        |_, args| real(args, sign),
        &[("sign(-42)", "-1.0")],
    ),
    row(
        &["sqrt"],
        "The square root; null of a negative number.",
        NUMBER,
        REAL,
        |_, args| root(args),
        &[("sqrt(256)", "16.0"), ("sqrt(-1)", "null")],
    ),
    row(
        &["pow"],
        "A power of a number.",
        &[one("base", Types::NUMBER), one("exponent", Types::NUMBER)],
        REAL,
        |_, args| real2(args, f64::powf),
        &[("pow(2, 3)", "8.0")],
    ),
    row(&["exp"], "A power of e.", NUMBER, REAL, |_, args| real(args, f64::exp), &[("exp(0)", "1.0")]),
    row(&["exp2"], "A power of 2.", NUMBER, REAL, |_, args| real(args, |x| 2f64.powf(x)), &[("exp2(3)", "8.0")]),
    row(&["exp10"], "A power of 10.", NUMBER, REAL, |_, args| real(args, |x| 10f64.powf(x)), &[("exp10(3)", "1000.0")]),
    row(
        &["log"],
        "The natural logarithm; null of a negative number.",
        NUMBER,
        REAL,
        |_, args| logarithm(args, f64::ln),
        &[("log(1)", "0.0")],
    ),
    row(
        &["log2"],
        "The logarithm to base 2; null of a negative number.",
        NUMBER,
        REAL,
        |_, args| logarithm(args, f64::log2),
        &[("log2(8)", "3.0")],
    ),
    row(
        &["log10"],
        "The logarithm to base 10; null of a negative number.",
        NUMBER,
        REAL,
        |_, args| logarithm(args, f64::log10),
        &[("log10(1000)", "3.0")],
    ),
    row(&["pi"], "π.", &[], REAL, |_, _| Value::Real(std::f64::consts::PI), &[("round(pi(), 4)", "3.1416")]),
    row(
        &["sin"],
        "The sine of an angle in radians.",
        NUMBER,
        REAL,
        |_, args| real(args, f64::sin),
        &[("sin(0)", "0.0")],
    ),
    row(
        &["cos"],
        "The cosine of an angle in radians.",
        NUMBER,
        REAL,
        |_, args| real(args, f64::cos),
        &[("cos(0)", "1.0")],
    ),
    row(
        &["tan"],
        "The tangent of an angle in radians.",
        NUMBER,
        REAL,
        |_, args| real(args, f64::tan),
        &[("tan(0)", "0.0")],
    ),
    row(
        &["cot"],
        "The cotangent of an angle in radians.",
        NUMBER,
        REAL,
        |_, args| real(args, |x| 1.0 / x.tan()),
        &[("round(cot(1), 4)", "0.6421")],
    ),
    row(
        &["asin"],
        "The angle of a sine; null outside -1 to 1.",
        NUMBER,
        REAL,
        |_, args| arc(args, f64::asin),
        &[("asin(0)", "0.0"), ("asin(2)", "null")],
    ),
    row(
        &["acos"],
        "The angle of a cosine; null outside -1 to 1.",
        NUMBER,
        REAL,
        |_, args| arc(args, f64::acos),
        &[("acos(1)", "0.0")],
    ),
    row(&["atan"], "The angle of a tangent.", NUMBER, REAL, |_, args| real(args, f64::atan), &[("atan(0)", "0.0")]),
    row(
        &["atan2"],
        "The angle between the x axis and the ray to the point (y first).",
        &[one("y", Types::NUMBER), one("x", Types::NUMBER)],
        REAL,
        |_, args| real2(args, f64::atan2),
        &[("atan2(0, 1)", "0.0")],
    ),
    row(
        &["degrees"],
        "Radians as degrees.",
        &[one("radians", Types::NUMBER)],
        REAL,
        |_, args| real(args, |x| x * (180.0 / std::f64::consts::PI)),
        &[("degrees(pi())", "180.0")],
    ),
    row(
        &["radians"],
        "Degrees as radians.",
        &[one("degrees", Types::NUMBER)],
        REAL,
        |_, args| real(args, |x| x * (std::f64::consts::PI / 180.0)),
        &[("round(radians(180), 4)", "3.1416")],
    ),
    Function {
        names: &["rand"],
        doc: "A number by chance, another one for each row: from 0 up to but not including 1, or with a bound from 2 on \
              a whole number below it.",
        takes: &[optional("bound", Types::INTEGER)],
        gives: REAL,
        eval: Eval::Volatile(rand),
        examples: &[("rand() < 1", "True")],
        differs: None,
    },
];

/// A real function of one number; null stays null.
fn real<'a>(args: &[Value<'a>], f: fn(f64) -> f64) -> Value<'a> {
    args.first().and_then(Value::as_real).map_or(Value::Null, |x| Value::Real(f(x)))
}

fn real2<'a>(args: &[Value<'a>], f: fn(f64, f64) -> f64) -> Value<'a> {
    match args {
        [x, y] => x.as_real().zip(y.as_real()).map_or(Value::Null, |(x, y)| Value::Real(f(x, y))),
        _ => Value::Null,
    }
}

fn root<'a>(args: &[Value<'a>]) -> Value<'a> {
    args.first()
        .and_then(Value::as_real)
        .filter(|x| x.is_nan() || *x >= 0.0)
        .map_or(Value::Null, |x| Value::Real(x.sqrt()))
}

fn logarithm<'a>(args: &[Value<'a>], f: fn(f64) -> f64) -> Value<'a> {
    args.first().and_then(Value::as_real).filter(|x| x.is_nan() || *x >= 0.0).map_or(Value::Null, |x| Value::Real(f(x)))
}

fn arc<'a>(args: &[Value<'a>], f: fn(f64) -> f64) -> Value<'a> {
    args.first()
        .and_then(Value::as_real)
        .filter(|x| x.is_nan() || x.abs() <= 1.0)
        .map_or(Value::Null, |x| Value::Real(f(x)))
}

/// NaN has no sign: 0, as the reference engine has it.
fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

fn abs_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let ty = args.first().map_or(Type::Long, |arg| arg.ty);
    Ok(if ty == Type::Int { Type::Long } else { ty })
}

fn abs<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match &args[0] {
        Value::Int(x) => Value::Long(i64::from(*x).abs()),
        Value::Long(x) => Value::Long(x.wrapping_abs()),
        Value::Real(x) => Value::Real(x.abs()),
        Value::Decimal(x) => Value::Decimal(Decimal(x.0.wrapping_abs())),
        Value::Timespan(x) => Value::Timespan(x.wrapping_abs()),
        _ => Value::Null,
    }
}

/// A whole number rounded to a multiple of a power of ten; halves go away from zero.
fn round_whole(x: i128, unit: i128) -> Option<i128> {
    let half = unit / 2;
    let rounded = if x < 0 { x.checked_sub(half)? } else { x.checked_add(half)? };
    Some(rounded / unit * unit)
}

fn round<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(digits) = (if args.len() > 1 { long(args, 1) } else { Some(0) }) else { return Value::Null };
    let power = |digits: i64| u32::try_from(digits).ok().and_then(|digits| 10i128.checked_pow(digits));
    match &args[0] {
        Value::Int(_) | Value::Long(_) if digits >= 0 => args[0].clone(),
        Value::Int(x) => {
            let rounded = power(digits.saturating_neg()).map_or(Some(0), |unit| round_whole(i128::from(*x), unit));
            rounded.and_then(|x| i32::try_from(x).ok()).map_or(Value::Null, Value::Int)
        }
        Value::Long(x) => {
            let rounded = power(digits.saturating_neg()).map_or(Some(0), |unit| round_whole(i128::from(*x), unit));
            rounded.and_then(|x| i64::try_from(x).ok()).map_or(Value::Null, Value::Long)
        }
        Value::Real(x) => Value::Real(round_real(*x, digits)),
        Value::Decimal(x) => {
            let left = i64::from(decimal::SCALE).saturating_sub(digits);
            if left <= 0 {
                return args[0].clone();
            }
            let rounded = power(left).map_or(Some(0), |unit| round_whole(x.0, unit));
            rounded.map_or(Value::Null, |units| Value::Decimal(Decimal(units)))
        }
        _ => Value::Null,
    }
}

fn round_real(x: f64, digits: i64) -> f64 {
    if !x.is_finite() || digits > 300 {
        return x;
    }
    if digits < -300 {
        return 0.0;
    }
    let unit = 10f64.powi(digits.unsigned_abs() as i32);
    let rounded = if digits >= 0 { (x * unit).round() / unit } else { (x / unit).round() * unit };
    if rounded.is_finite() { rounded } else { x }
}

/// SplitMix64 from a seed of the thread's own: fast, and chance enough for samples.
fn random() -> u64 {
    thread_local!(static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id())));
    STATE.with(|state| {
        let next = state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        state.set(next);
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

fn rand<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match long(args, 0).and_then(|bound| u64::try_from(bound).ok()) {
        Some(bound) if bound >= 2 => Value::Real(((u128::from(random()) * u128::from(bound)) >> 64) as f64),
        _ => Value::Real((random() >> 11) as f64 / (1u64 << 53) as f64),
    }
}
