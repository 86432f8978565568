//! Filters over series, and filling their gaps.
use super::super::arguments::{given, row};
use super::super::dynamics::{array, elements, same};
use super::super::{Call, Function, Gives, one, optional};
use super::{number, only_numbers, reals};
use crate::types::{Type, Types};
use crate::value::{Json, Value, real};

const DYNAMIC: Gives = Gives::Always(Type::Dynamic);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["series_fir"],
        "A finite impulse response: each element the sum of those before it, weighted by the filter. `normalize` divides \
         by the filter's sum (unless it has negative numbers), `center` puts the filter's middle on the element.",
        &[
            one("series", Types::DYNAMIC),
            one("filter", Types::DYNAMIC),
            optional("normalize", Types::BOOL),
            optional("center", Types::BOOL),
        ],
        DYNAMIC,
        series_fir,
        &[
            ("series_fir(dynamic([5, 15, 10]), dynamic([1, -1]), false, false)", "[5,10,-5]"),
            ("series_fir(dynamic([2, 4, 6]), dynamic([1, 1]))", "[1.0,3.0,5.0]"),
        ],
    ),
    row(
        &["series_iir"],
        "An infinite impulse response: numerators weigh the elements, denominators the results before.",
        &[one("series", Types::DYNAMIC), one("numerators", Types::DYNAMIC), one("denominators", Types::DYNAMIC)],
        DYNAMIC,
        series_iir,
        &[("series_iir(dynamic([1, 2, 3]), dynamic([1]), dynamic([1, -1]))", "[1.0,3.0,6.0]")],
    ),
    row(
        &["series_fill_forward"],
        "The series with gaps (null, or another placeholder) filled with the value before them.",
        &[one("series", Types::DYNAMIC), optional("missing_value_placeholder", Types::NUMBER)],
        DYNAMIC,
        |_, args| fill_from(args, false),
        &[("series_fill_forward(dynamic([null, 1, null]))", "[null,1,1]")],
    ),
    row(
        &["series_fill_backward"],
        "The series with gaps (null, or another placeholder) filled with the value behind them.",
        &[one("series", Types::DYNAMIC), optional("missing_value_placeholder", Types::NUMBER)],
        DYNAMIC,
        |_, args| fill_from(args, true),
        &[("series_fill_backward(dynamic([null, 1, null]))", "[1,1,null]")],
    ),
    row(
        &["series_fill_const"],
        "The series with gaps (null, or another placeholder) filled with a number (0).",
        &[
            one("series", Types::DYNAMIC),
            optional("constant_value", Types::NUMBER),
            optional("missing_value_placeholder", Types::NUMBER),
        ],
        DYNAMIC,
        series_fill_const,
        &[("series_fill_const(dynamic([null, 1]), 7)", "[7,1]")],
    ),
    row(
        &["series_fill_linear"],
        "The series with gaps (null, or another placeholder) filled along a line; at the edges with the nearest value \
         unless `fill_edges` is false; with `constant_value` (0) where there is no value at all.",
        &[
            one("series", Types::DYNAMIC),
            optional("missing_value_placeholder", Types::NUMBER),
            optional("fill_edges", Types::BOOL),
            optional("constant_value", Types::NUMBER),
        ],
        DYNAMIC,
        series_fill_linear,
        &[
            ("series_fill_linear(dynamic([null, 1.0, null, 2.0]))", "[1.0,1.0,1.5,2.0]"),
            ("series_fill_linear(dynamic([1, null, 4]))", "[1,2,4]"),
        ],
    ),
];

fn flag(args: &[Value<'_>], at: usize) -> Option<bool> {
    args.get(at).and_then(Value::as_bool)
}

fn series_fir<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(series), Some(filter)) = (only_numbers(&args[0]), only_numbers(&args[1])) else { return Value::Null };
    // A long filter over a long series would take for ever.
    if series.len().saturating_mul(filter.len()) > 1 << 28 {
        return Value::Null;
    }
    let sum: f64 = filter.iter().sum();
    let normalize = flag(args, 2).unwrap_or_else(|| filter.iter().all(|x| *x >= 0.0)) && sum != 0.0;
    let shift = if flag(args, 3) == Some(true) { filter.len() / 2 } else { 0 };
    let scale = if normalize { sum } else { 1.0 };
    let filtered = (0..series.len()).map(|at| {
        let weighed = filter.iter().enumerate().map(|(back, weight)| {
            let place = (at + shift).checked_sub(back);
            weight * place.and_then(|place| series.get(place)).copied().unwrap_or(0.0)
        });
        weighed.sum::<f64>() / scale
    });
    let whole =
        [&args[0], &args[1]].iter().all(|value| elements(value).is_some_and(|items| items.iter().all(Json::is_i64)));
    if whole && !normalize {
        array(filtered.map(|x| Json::from(x as i64)).collect())
    } else {
        Value::json(reals(filtered))
    }
}

fn series_iir<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(series), Some(up), Some(down)) = (only_numbers(&args[0]), only_numbers(&args[1]), only_numbers(&args[2]))
    else {
        return Value::Null;
    };
    if series.len().saturating_mul(up.len() + down.len()) > 1 << 28 {
        return Value::Null;
    }
    let mut out: Vec<f64> = Vec::with_capacity(series.len());
    for at in 0..series.len() {
        let weigh = |weights: &[f64], values: &[f64], skip: usize| -> f64 {
            let weighed = weights.iter().enumerate().skip(skip).map(|(back, weight)| {
                at.checked_sub(back).and_then(|place| values.get(place)).map_or(0.0, |value| weight * value)
            });
            weighed.sum()
        };
        let next = (weigh(&up, &series, 0) - weigh(&down, &out, 1)) / down[0];
        out.push(next);
    }
    Value::json(reals(out))
}

/// The array and which of its elements are gaps.
fn gaps(args: &[Value<'_>], placeholder: usize) -> Option<(Vec<Json>, Vec<bool>)> {
    let items = elements(&args[0])?;
    let placeholder = if given(args, placeholder) { args[placeholder].to_json() } else { Json::Null };
    let gaps = items.iter().map(|item| same(item, &placeholder)).collect();
    Some((items, gaps))
}

fn fill_from<'a>(args: &[Value<'a>], backward: bool) -> Value<'a> {
    let Some((mut items, gaps)) = gaps(args, 1) else { return Value::Null };
    let mut last: Option<Json> = None;
    let mut fill = |at: usize| match (&last, gaps[at]) {
        (Some(value), true) => items[at] = value.clone(),
        (None, true) => {}
        (_, false) => last = Some(items[at].clone()),
    };
    if backward {
        (0..gaps.len()).rev().for_each(&mut fill)
    } else {
        (0..gaps.len()).for_each(&mut fill)
    }
    array(items)
}

fn series_fill_const<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some((mut items, gaps)) = gaps(args, 2) else { return Value::Null };
    let constant = args.get(1).map_or(Json::from(0), Value::to_json);
    items.iter_mut().zip(gaps).filter(|(_, gap)| *gap).for_each(|(item, _)| *item = constant.clone());
    array(items)
}

fn series_fill_linear<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some((mut items, gaps)) = gaps(args, 1) else { return Value::Null };
    let edges = flag(args, 2).unwrap_or(true);
    let known: Vec<usize> = (0..items.len()).filter(|at| !gaps[*at] && number(&items[*at]).is_some()).collect();
    let (Some(first), Some(last)) = (known.first().copied(), known.last().copied()) else {
        let constant = args.get(3).map_or(Json::from(0), Value::to_json);
        return array(items.iter().map(|_| constant.clone()).collect());
    };
    let whole = known.iter().all(|at| items[*at].is_i64());
    for ends in known.windows(2) {
        let (Some(from), Some(to)) = (number(&items[ends[0]]), number(&items[ends[1]])) else { continue };
        let steps = (ends[1] - ends[0]) as f64;
        for (step, item) in items[ends[0]..ends[1]].iter_mut().enumerate().skip(1) {
            let value = from + (to - from) * (step as f64 / steps);
            *item = if whole { Json::from(value as i64) } else { real::json(value) };
        }
    }
    if edges {
        let (start, end) = (items[first].clone(), items[last].clone());
        items[..first].fill(start);
        items[last + 1..].fill(end);
    }
    array(items)
}
