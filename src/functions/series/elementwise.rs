//! Series element by element, alone and in pairs, and what they come to together.
use super::super::arguments::row;
use super::super::dynamics::{array, elements};
use super::super::{Call, Function, Gives, Param, one, optional};
use super::{mean, number, numbers, only_numbers};
use crate::types::{Type, Types};
use crate::value::{Json, Value, real};

const SERIES: &[Param] = &[one("series", Types::DYNAMIC)];
const EITHER: Types = Types::DYNAMIC.or(Types::NUMBER);
const PAIR: &[Param] = &[one("series1", EITHER), one("series2", EITHER)];
const DYNAMIC: Gives = Gives::Always(Type::Dynamic);
const REAL: Gives = Gives::Always(Type::Real);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["series_add"],
        "The sums of two series, or of a series and a number.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| reckon(a, b, i64::wrapping_add, |a, b| a + b)),
        &[("series_add(dynamic([1, 2]), dynamic([3, 4.5]))", "[4,6.5]")],
    ),
    row(
        &["series_subtract"],
        "The differences of two series.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| reckon(a, b, i64::wrapping_sub, |a, b| a - b)),
        &[("series_subtract(dynamic([5, 2]), 1)", "[4,1]")],
    ),
    row(
        &["series_multiply"],
        "The products of two series.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| reckon(a, b, i64::wrapping_mul, |a, b| a * b)),
        &[("series_multiply(10, dynamic([1, 0]))", "[10,0]")],
    ),
    row(
        &["series_divide"],
        "The quotients of two series, as reals.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| real::json(a / b))),
        &[("series_divide(dynamic([1, 4]), 4)", "[0.25,1.0]")],
    ),
    row(
        &["series_pow"],
        "The powers of two series, as reals.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| real::json(a.powf(b)))),
        &[("series_pow(dynamic([2, 3]), 2)", "[4.0,9.0]")],
    ),
    row(
        &["series_equals"],
        "Where two series are equal.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| Json::Bool(a == b))),
        &[("series_equals(dynamic([1, 2]), 2)", "[false,true]")],
    ),
    row(
        &["series_not_equals"],
        "Where two series are not equal.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| Json::Bool(a != b))),
        &[("series_not_equals(dynamic([1, 2]), 2)", "[true,false]")],
    ),
    row(
        &["series_greater"],
        "Where the first series is the greater.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| Json::Bool(a > b))),
        &[("series_greater(dynamic([1, 3]), 2)", "[false,true]")],
    ),
    row(
        &["series_greater_equals"],
        "Where the first series is not the lesser.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| Json::Bool(a >= b))),
        &[("series_greater_equals(dynamic([1, 2]), 2)", "[false,true]")],
    ),
    row(
        &["series_less"],
        "Where the first series is the lesser.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| Json::Bool(a < b))),
        &[("series_less(dynamic([1, 3]), 2)", "[true,false]")],
    ),
    row(
        &["series_less_equals"],
        "Where the first series is not the greater.",
        PAIR,
        DYNAMIC,
        |_, args| pair(args, |a, b| both(a, b, |a, b| Json::Bool(a <= b))),
        &[("series_less_equals(dynamic([2, 3]), 2)", "[true,false]")],
    ),
    row(
        &["series_abs"],
        "The numbers without their signs.",
        SERIES,
        DYNAMIC,
        series_abs,
        &[("series_abs(dynamic([-6.5, 0]))", "[6.5,0.0]")],
    ),
    row(
        &["series_sign"],
        "-1, 0 or 1 after the numbers' signs.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, |x| if x == 0.0 { 0.0 } else { x.signum() }),
        &[("series_sign(dynamic([-6.5, 0]))", "[-1.0,0.0]")],
    ),
    row(
        &["series_exp"],
        "The powers of e.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::exp),
        &[("series_exp(dynamic([0]))", "[1.0]")],
    ),
    row(
        &["series_log"],
        "The natural logarithms.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::ln),
        &[("series_log(dynamic([1]))", "[0.0]")],
    ),
    row(
        &["series_floor"],
        "The numbers rounded down.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::floor),
        &[("series_floor(dynamic([-1.5, 2.5]))", "[-2.0,2.0]")],
    ),
    row(
        &["series_ceiling"],
        "The numbers rounded up.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, |x| x.ceil() + 0.0),
        &[("series_ceiling(dynamic([-1.5, 2.5]))", "[-1.0,3.0]")],
    ),
    row(
        &["series_sin"],
        "The sines.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::sin),
        &[("series_sin(dynamic([0]))", "[0.0]")],
    ),
    row(
        &["series_cos"],
        "The cosines.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::cos),
        &[("series_cos(dynamic([0]))", "[1.0]")],
    ),
    row(
        &["series_tan"],
        "The tangents.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::tan),
        &[("series_tan(dynamic([0]))", "[0.0]")],
    ),
    row(
        &["series_asin"],
        "The angles of the sines.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::asin),
        &[("series_asin(dynamic([0]))", "[0.0]")],
    ),
    row(
        &["series_acos"],
        "The angles of the cosines.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::acos),
        &[("series_acos(dynamic([1]))", "[0.0]")],
    ),
    row(
        &["series_atan"],
        "The angles of the tangents.",
        SERIES,
        DYNAMIC,
        |_, args| each(args, f64::atan),
        &[("series_atan(dynamic([0]))", "[0.0]")],
    ),
    row(
        &["series_sum"],
        "The sum of a series.",
        SERIES,
        REAL,
        |_, args| together(args, |all| all.iter().sum()),
        &[("series_sum(dynamic([1, 2.5]))", "3.5")],
    ),
    row(
        &["series_product"],
        "The product of a series.",
        SERIES,
        REAL,
        |_, args| together(args, |all| all.iter().product()),
        &[("series_product(dynamic([2, 2.5]))", "5.0")],
    ),
    row(
        &["series_magnitude"],
        "The square root of the sum of the squares.",
        SERIES,
        REAL,
        |_, args| together(args, magnitude),
        &[("series_magnitude(dynamic([3, 4]))", "5.0")],
    ),
    row(
        &["series_dot_product"],
        "The sum of the products of two series.",
        PAIR,
        REAL,
        series_dot_product,
        &[("series_dot_product(dynamic([1, 2]), dynamic([3, 4]))", "11.0")],
    ),
    row(
        &["series_cosine_similarity"],
        "The cosine of the angle between two series, whose magnitudes may be given.",
        &[
            one("series1", Types::DYNAMIC),
            one("series2", Types::DYNAMIC),
            optional("magnitude1", Types::NUMBER),
            optional("magnitude2", Types::NUMBER),
        ],
        REAL,
        series_cosine_similarity,
        &[("series_cosine_similarity(dynamic([1, 0]), dynamic([2, 0]))", "1.0")],
    ),
    row(
        &["series_pearson_correlation"],
        "How two series go together, from -1 to 1.",
        &[one("series1", Types::DYNAMIC), one("series2", Types::DYNAMIC)],
        REAL,
        series_pearson_correlation,
        &[("round(series_pearson_correlation(dynamic([1, 2, 3]), dynamic([2, 4, 6])), 6)", "1.0")],
    ),
];

/// Either side may be a number, which then stands for every element. Places that one side lacks are null.
fn pair<'a>(args: &[Value<'a>], join: impl Fn(&Json, &Json) -> Json) -> Value<'a> {
    let sides = [&args[0], &args[1]].map(|value| elements(value).ok_or_else(|| value.to_json()));
    let places = match &sides {
        [Ok(a), Ok(b)] => a.len().max(b.len()),
        [Ok(one), Err(Json::Number(_))] | [Err(Json::Number(_)), Ok(one)] => one.len(),
        _ => return Value::Null,
    };
    let at = |side: &Result<Vec<Json>, Json>, place: usize| match side {
        Ok(items) => items.get(place).cloned().unwrap_or(Json::Null),
        Err(number) => number.clone(),
    };
    array((0..places).map(|place| join(&at(&sides[0], place), &at(&sides[1], place))).collect())
}

fn both(a: &Json, b: &Json, join: fn(f64, f64) -> Json) -> Json {
    number(a).zip(number(b)).map_or(Json::Null, |(a, b)| join(a, b))
}

/// Whole numbers stay whole.
fn reckon(a: &Json, b: &Json, whole: fn(i64, i64) -> i64, real: fn(f64, f64) -> f64) -> Json {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => Json::from(whole(a, b)),
        _ => number(a).zip(number(b)).map_or(Json::Null, |(a, b)| real::json(real(a, b))),
    }
}

fn each<'a>(args: &[Value<'a>], f: fn(f64) -> f64) -> Value<'a> {
    numbers(&args[0])
        .map_or(Value::Null, |all| array(all.into_iter().map(|x| x.map_or(Json::Null, |x| real::json(f(x)))).collect()))
}

fn series_abs<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(items) = elements(&args[0]) else { return Value::Null };
    if items.iter().all(|item| item.is_i64() || item.is_null()) {
        return array(
            items.iter().map(|item| item.as_i64().map_or(Json::Null, |x| Json::from(x.wrapping_abs()))).collect(),
        );
    }
    each(args, f64::abs)
}

fn together<'a>(args: &[Value<'a>], f: fn(&[f64]) -> f64) -> Value<'a> {
    only_numbers(&args[0]).map_or(Value::Null, |all| Value::Real(f(&all)))
}

fn magnitude(all: &[f64]) -> f64 {
    all.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn series_dot_product<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let sides = [&args[0], &args[1]].map(|value| (only_numbers(value), value.as_real()));
    match &sides {
        [(Some(a), _), (Some(b), _)] if a.len() == b.len() => Value::Real(dot(a, b)),
        [(Some(all), _), (None, Some(x))] | [(None, Some(x)), (Some(all), _)] => {
            Value::Real(all.iter().map(|one| one * x).sum())
        }
        _ => Value::Null,
    }
}

fn series_cosine_similarity<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match (only_numbers(&args[0]), only_numbers(&args[1])) {
        (Some(a), Some(b)) if a.len() == b.len() => {
            let size = |at: usize, all: &[f64]| args.get(at).and_then(Value::as_real).unwrap_or_else(|| magnitude(all));
            Value::Real(dot(&a, &b) / (size(2, &a) * size(3, &b)))
        }
        _ => Value::Null,
    }
}

fn series_pearson_correlation<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match (only_numbers(&args[0]), only_numbers(&args[1])) {
        (Some(a), Some(b)) if a.len() == b.len() => {
            let (mean_a, mean_b) = (mean(&a), mean(&b));
            let a: Vec<f64> = a.iter().map(|x| x - mean_a).collect();
            let b: Vec<f64> = b.iter().map(|x| x - mean_b).collect();
            Value::Real(dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt())
        }
        _ => Value::Null,
    }
}
