//! Series: dynamic arrays of numbers, as `make-series` gives them.
use super::dynamics::elements;
use crate::value::{Json, Value, real};

pub mod elementwise;
pub mod filters;
pub mod fits;
pub mod fourier;
pub mod outliers;
pub mod seasons;

/// The numbers of an array, `None` in the place of every other element; `None` altogether where it is no array.
fn numbers(value: &Value<'_>) -> Option<Vec<Option<f64>>> {
    Some(elements(value)?.iter().map(number).collect())
}

/// The numbers of an array that has nothing else and is not empty.
fn only_numbers(value: &Value<'_>) -> Option<Vec<f64>> {
    numbers(value)?.into_iter().collect::<Option<Vec<f64>>>().filter(|all| !all.is_empty())
}

/// A number, or one of the texts that stand for reals that JSON does not have.
fn number(item: &Json) -> Option<f64> {
    match item {
        Json::Number(x) => x.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

fn reals(numbers: impl IntoIterator<Item = f64>) -> Json {
    numbers.into_iter().map(real::json).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// The value that a share of sorted numbers lies below, between neighbours by proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1)) as f64 * share;
    let below = sorted.get(place as usize).copied().unwrap_or(f64::NAN);
    let above = sorted.get(place.ceil() as usize).copied().unwrap_or(below);
    below + (above - below) * place.fract()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    quantile(&numbers, 0.5)
}
