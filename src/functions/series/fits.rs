//! Statistics of series and lines through them.
use super::super::arguments::row;
use super::super::{Call, Function, Gives, Param, one, optional};
use super::{mean, numbers, only_numbers, reals};
use crate::types::{Type, Types};
use crate::value::{Json, Value, real};

const SERIES: &[Param] = &[one("series", Types::DYNAMIC)];
const STATS: &[Param] = &[one("series", Types::DYNAMIC), optional("ignore_nonfinite", Types::BOOL).constant()];
const DYNAMIC: Gives = Gives::Always(Type::Dynamic);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["series_stats"],
        "The least and the greatest number with their places, average, standard deviation and variance of a series; in \
         columns of their own. Null where an element is no finite number, unless those are to be ignored.",
        STATS,
        DYNAMIC,
        |_, args| {
            stats(args).map_or(Value::Null, |stats| {
                Value::json(Json::Array(stats.into_iter().take(7).map(|(_, x)| x).collect()))
            })
        },
        &[("series_stats(dynamic([2, 6, 4]))[2]", "6.0")],
    ),
    row(
        &["series_stats_dynamic"],
        "The statistics of a series as a bag; see `series_stats`.",
        STATS,
        DYNAMIC,
        |_, args| stats(args).map_or(Value::Null, bag),
        &[
            ("series_stats_dynamic(dynamic([2, 6, 4])).max_idx", "1"),
            ("series_stats_dynamic(dynamic([2, null, 4])).avg", "null"),
            ("series_stats_dynamic(dynamic([2, null, 4]), true).avg", "3.0"),
        ],
    ),
    row(
        &["series_fit_line"],
        "The line nearest to a series: how well it fits, its slope, the variances of series and rest, its start, and its \
         points; in columns of their own.",
        SERIES,
        DYNAMIC,
        |_, args| {
            fit_line(args)
                .map_or(Value::Null, |parts| Value::json(Json::Array(parts.into_iter().map(|(_, x)| x).collect())))
        },
        &[("series_fit_line(dynamic([1, 2, 4, 8]))[1]", "2.3")],
    ),
    row(
        &["series_fit_line_dynamic"],
        "The line nearest to a series as a bag; see `series_fit_line`.",
        SERIES,
        DYNAMIC,
        |_, args| fit_line(args).map_or(Value::Null, bag),
        &[("round(toreal(series_fit_line_dynamic(dynamic([1, 2, 4, 8])).rsquare), 6)", "0.92")],
    ),
    row(
        &["series_fit_2lines"],
        "The two lines, one behind the other, that are nearest to a series: how well they fit, where the second begins, \
         variances, points, and the same of each line; in columns of their own.",
        SERIES,
        DYNAMIC,
        |_, args| {
            fit_2lines(args)
                .map_or(Value::Null, |parts| Value::json(Json::Array(parts.into_iter().map(|(_, x)| x).collect())))
        },
        &[("series_fit_2lines(dynamic([1, 2, 3, 4, 4, 3, 2, 1]))[1]", "4")],
    ),
    row(
        &["series_fit_2lines_dynamic"],
        "The two lines that are nearest to a series as a bag; see `series_fit_2lines`.",
        SERIES,
        DYNAMIC,
        |_, args| fit_2lines(args).map_or(Value::Null, fit_2lines_bag),
        &[("series_fit_2lines_dynamic(dynamic([1, 2, 3, 4, 4, 3, 2, 1])).left.slope", "1.0")],
    ),
    row(
        &["series_fit_poly"],
        "The polynomial nearest to a series, over the places 1, 2, … or another series: how well it fits, its coefficients \
         from the highest power down, the variances of series and rest, and its points; in columns of their own.",
        &[one("y_series", Types::DYNAMIC), optional("x_series", Types::DYNAMIC), optional("degree", Types::INTEGER)],
        DYNAMIC,
        series_fit_poly,
        &[("series_fit_poly(dynamic([1, 4, 9, 16]), dynamic([1, 2, 3, 4]), 2)[0]", "1.0")],
    )
    .differs("the last digits of the coefficients may be others"),
];

/// Named results in their order.
type Parts = Vec<(&'static str, Json)>;

fn bag<'a>(parts: Parts) -> Value<'a> {
    Value::json(Json::Object(parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect()))
}

fn stats(args: &[Value<'_>]) -> Option<Parts> {
    let ignore = args.get(1).and_then(Value::as_bool) == Some(true);
    let all = numbers(&args[0])?;
    let kept: Vec<(usize, f64)> =
        all.iter().enumerate().filter_map(|(at, x)| x.filter(|x| x.is_finite()).map(|x| (at, x))).collect();
    if kept.len() < all.len() && !ignore {
        return None;
    }
    let first = *kept.first()?;
    let least = kept.iter().fold(first, |best, one| if one.1 < best.1 { *one } else { best });
    let most = kept.iter().fold(first, |best, one| if one.1 > best.1 { *one } else { best });
    let values: Vec<f64> = kept.iter().map(|(_, x)| *x).collect();
    let variance = variance(&values);
    Some(vec![
        ("min", real::json(least.1)),
        ("min_idx", Json::from(least.0)),
        ("max", real::json(most.1)),
        ("max_idx", Json::from(most.0)),
        ("avg", real::json(mean(&values))),
        ("stdev", real::json(variance.sqrt())),
        ("variance", real::json(variance)),
        ("sum", real::json(values.iter().sum())),
        ("len", Json::from(values.len())),
    ])
}

/// Of a sample; 0 for fewer than two numbers.
fn variance(all: &[f64]) -> f64 {
    let mean = mean(all);
    if all.len() < 2 { 0.0 } else { all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (all.len() - 1) as f64 }
}

/// Slope and start of the line nearest to numbers at 0, 1, 2, ….
pub fn line(all: &[f64]) -> (f64, f64) {
    let middle = (all.len() as f64 - 1.0) / 2.0;
    let mean = mean(all);
    let (mut along, mut square) = (0.0, 0.0);
    for (at, y) in all.iter().enumerate() {
        let x = at as f64 - middle;
        along += x * y;
        square += x * x;
    }
    let slope = if square > 0.0 { along / square } else { 0.0 };
    (slope, mean - slope * middle)
}

struct Fit {
    rsquare: f64,
    slope: f64,
    start: f64,
    variance: f64,
    rest: f64,
    points: Vec<f64>,
}

fn fit(all: &[f64]) -> Fit {
    let (slope, start) = line(all);
    let points: Vec<f64> = (0..all.len()).map(|x| start + slope * x as f64).collect();
    let (variance, rest) = (variance(all), rest(all, &points));
    Fit { rsquare: rsquare(variance, rest), slope, start, variance, rest, points }
}

fn rest(all: &[f64], points: &[f64]) -> f64 {
    let rest: Vec<f64> = all.iter().zip(points).map(|(y, point)| y - point).collect();
    variance(&rest)
}

fn rsquare(variance: f64, rest: f64) -> f64 {
    if variance > 0.0 { 1.0 - rest / variance } else { 1.0 }
}

fn fit_line(args: &[Value<'_>]) -> Option<Parts> {
    let fit = fit(&only_numbers(&args[0])?);
    Some(vec![
        ("rsquare", real::json(fit.rsquare)),
        ("slope", real::json(fit.slope)),
        ("variance", real::json(fit.variance)),
        ("rvariance", real::json(fit.rest)),
        ("interception", real::json(fit.start)),
        ("line_fit", reals(fit.points)),
    ])
}

/// The place where a second line begins best: the least sum of squared distances, from running sums.
fn best_split(all: &[f64]) -> usize {
    let n = all.len();
    let mut sums = vec![(0.0, 0.0, 0.0)];
    for (x, y) in all.iter().enumerate() {
        let (sum, product, square) = sums[x];
        sums.push((sum + y, product + x as f64 * y, square + y * y));
    }
    let squares = |from: usize, to: usize| -> f64 {
        let count = (to - from) as f64;
        let (sum, square) = (sums[to].0 - sums[from].0, sums[to].2 - sums[from].2);
        let product = sums[to].1 - sums[from].1 - from as f64 * sum;
        let middle = (count - 1.0) / 2.0;
        let along = product - middle * sum;
        let width = count * (count * count - 1.0) / 12.0;
        let flat = square - sum * sum / count;
        if width > 0.0 { flat - along * along / width } else { flat }
    };
    (2..n.saturating_sub(1))
        .min_by(|a, b| (squares(0, *a) + squares(*a, n)).total_cmp(&(squares(0, *b) + squares(*b, n))))
        .unwrap_or(n / 2)
}

fn fit_2lines(args: &[Value<'_>]) -> Option<Parts> {
    let all = only_numbers(&args[0]).filter(|all| all.len() >= 4)?;
    let split = best_split(&all);
    let (left, right) = (fit(&all[..split]), fit(&all[split..]));
    let points: Vec<f64> = left.points.iter().chain(&right.points).copied().collect();
    let (variance, rest) = (variance(&all), rest(&all, &points));
    Some(vec![
        ("rsquare", real::json(rsquare(variance, rest))),
        ("split_idx", Json::from(split)),
        ("variance", real::json(variance)),
        ("rvariance", real::json(rest)),
        ("line_fit", reals(points)),
        ("right.rsquare", real::json(right.rsquare)),
        ("right.slope", real::json(right.slope)),
        ("right.interception", real::json(right.start)),
        ("right.variance", real::json(right.variance)),
        ("right.rvariance", real::json(right.rest)),
        ("left.rsquare", real::json(left.rsquare)),
        ("left.slope", real::json(left.slope)),
        ("left.interception", real::json(left.start)),
        ("left.variance", real::json(left.variance)),
        ("left.rvariance", real::json(left.rest)),
    ])
}

/// The parts of each line in a bag of their own.
fn fit_2lines_bag<'a>(parts: Parts) -> Value<'a> {
    let mut bag = serde_json::Map::new();
    for (name, part) in parts {
        match name.split_once('.') {
            None => {
                bag.insert(name.to_owned(), part);
            }
            Some((line, name)) => {
                let inner = bag.entry(line).or_insert_with(|| Json::Object(serde_json::Map::new()));
                if let Json::Object(inner) = inner {
                    inner.insert(name.to_owned(), part);
                }
            }
        }
    }
    Value::json(Json::Object(bag))
}

/// Higher powers are beyond the digits of a real.
const HIGHEST_DEGREE: usize = 12;

fn series_fit_poly<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(ys) = only_numbers(&args[0]) else { return Value::Null };
    let xs = match args.get(1).filter(|xs| !xs.is_null()) {
        Some(xs) => only_numbers(xs).filter(|xs| xs.len() == ys.len()),
        None => Some((1..=ys.len()).map(|x| x as f64).collect()),
    };
    let degree = args.get(2).map_or(Some(1), |degree| degree.as_long().and_then(|degree| usize::try_from(degree).ok()));
    let (Some(xs), Some(degree)) = (xs, degree.filter(|degree| *degree <= HIGHEST_DEGREE && *degree < ys.len())) else {
        return Value::Null;
    };
    let Some(coefficients) = polynomial(&xs, &ys, degree) else { return Value::Null };
    let points: Vec<f64> = xs.iter().map(|x| coefficients.iter().fold(0.0, |sum, c| sum * x + c)).collect();
    let (variance, rest) = (variance(&ys), rest(&ys, &points));
    let parts = vec![
        real::json(rsquare(variance, rest)),
        reals(coefficients),
        real::json(variance),
        real::json(rest),
        reals(points),
    ];
    Value::json(Json::Array(parts))
}

/// Coefficients of the least squares, the highest power first: normal equations in places scaled to -1 … 1, solved by
/// elimination, and turned back to the places themselves.
fn polynomial(xs: &[f64], ys: &[f64], degree: usize) -> Option<Vec<f64>> {
    let least = xs.iter().copied().fold(f64::INFINITY, f64::min);
    let most = xs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (middle, half) = ((least + most) / 2.0, (most - least) / 2.0);
    if !(half.is_finite() && (half > 0.0 || degree == 0)) {
        return None;
    }
    let half = if half > 0.0 { half } else { 1.0 };
    let size = degree + 1;
    let mut rows = vec![vec![0.0; size + 1]; size];
    for (x, y) in xs.iter().zip(ys) {
        let powers: Vec<f64> =
            std::iter::successors(Some(1.0), |power| Some(power * (x - middle) / half)).take(2 * size).collect();
        for (at, row) in rows.iter_mut().enumerate() {
            (0..size).for_each(|column| row[column] += powers[at + column]);
            row[size] += powers[at] * y;
        }
    }
    for at in 0..size {
        let pivot = (at..size).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
        rows.swap(at, pivot);
        let lead = rows[at].clone();
        if lead[at].abs() < 1e-12 {
            return None;
        }
        for (_, row) in rows.iter_mut().enumerate().filter(|(other, _)| *other != at) {
            let factor = row[at] / lead[at];
            row.iter_mut().zip(&lead).for_each(|(cell, lead)| *cell -= factor * lead);
        }
    }
    // A polynomial in (x - middle) / half, multiplied out by Horner's rule.
    let mut out = vec![0.0; size];
    for at in (0..size).rev() {
        let scaled = rows[at][size] / rows[at][at];
        let mut next = vec![0.0; size];
        for (power, c) in out.iter().enumerate() {
            next[power] -= c * middle / half;
            if power + 1 < size {
                next[power + 1] += c / half;
            }
        }
        next[0] += scaled;
        out = next;
    }
    out.reverse();
    Some(out)
}
