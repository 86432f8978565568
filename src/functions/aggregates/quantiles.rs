//! The sketch behind percentiles and `tdigest`: the values themselves while they are few, then ever coarser groups of
//! neighbours, finest at both ends (the bound of Dunning's t-digest), each standing as one of its members. So a
//! percentile is always a value that occurred, and keeps its type.
use super::order::{compare, is_nan};
use crate::types::Type;
use crate::value::{Decimal, Dynamic, Json, Value, guid, real};
use std::cmp::Ordering;

/// Entries past which neighbours are put together.
const MOST: usize = 16_384;
/// A group in the middle has at most the total weight over this; it is halved where too many groups remain.
const FINENESS: f64 = 2_048.0;

#[derive(Clone, Debug)]
pub struct Quantiles {
    ty: Type,
    entries: Entries,
    /// Of values that are no numbers.
    bytes: usize,
}

/// Values and their weights, in no order.
#[derive(Clone, Debug)]
enum Entries {
    /// As whole numbers of the same order.
    Numbers(Vec<(i64, f64)>),
    Others(Vec<(Value<'static>, f64)>),
}

/// The whole number of the same order, where a type's values have one.
fn number(ty: Type, value: &Value<'_>) -> Option<i64> {
    Some(match (ty, value) {
        (Type::Int, Value::Int(x)) => i64::from(*x),
        (Type::Long, Value::Long(x)) | (Type::Datetime, Value::Datetime(x)) | (Type::Timespan, Value::Timespan(x)) => {
            *x
        }
        // The bits of a negative one are in the other order. Both zeros are one.
        (Type::Real, Value::Real(x)) => match (if *x == 0.0 { 0.0 } else { *x }).to_bits() as i64 {
            bits if bits < 0 => bits ^ i64::MAX,
            bits => bits,
        },
        _ => return None,
    })
}

fn value_of(ty: Type, number: i64) -> Value<'static> {
    match ty {
        Type::Int => i32::try_from(number).map_or(Value::Null, Value::Int),
        Type::Datetime => Value::Datetime(number),
        Type::Timespan => Value::Timespan(number),
        Type::Real => Value::Real(f64::from_bits(if number < 0 { number ^ i64::MAX } else { number } as u64)),
        _ => Value::Long(number),
    }
}

impl Quantiles {
    pub fn new(ty: Type) -> Quantiles {
        let is_number = matches!(ty, Type::Int | Type::Long | Type::Real | Type::Datetime | Type::Timespan);
        let entries = if is_number { Entries::Numbers(Vec::new()) } else { Entries::Others(Vec::new()) };
        Quantiles { ty, entries, bytes: 0 }
    }

    fn len(&self) -> usize {
        match &self.entries {
            Entries::Numbers(entries) => entries.len(),
            Entries::Others(entries) => entries.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nulls, NaNs and values without weight are passed over.
    pub fn add(&mut self, value: &Value<'_>, weight: f64) {
        if value.is_null() || is_nan(value) || weight.is_nan() || weight <= 0.0 {
            return;
        }
        match (&mut self.entries, number(self.ty, value)) {
            (Entries::Numbers(entries), Some(number)) => entries.push((number, weight)),
            (Entries::Numbers(_), None) => {
                // Of another type than was said.
                let others =
                    std::mem::replace(self, Quantiles { ty: self.ty, entries: Entries::Others(vec![]), bytes: 0 });
                self.union(&others);
                return self.add(value, weight);
            }
            (Entries::Others(entries), _) => {
                self.bytes += size_of::<(Value<'_>, f64)>() + value.as_str().map_or(0, str::len);
                entries.push((value.clone().into_owned(), weight));
            }
        }
        if self.len() >= MOST {
            self.condense();
        }
    }

    pub fn union(&mut self, other: &Quantiles) {
        for (value, weight) in other.values() {
            self.add(&value, weight);
        }
    }

    fn values(&self) -> Vec<(Value<'static>, f64)> {
        match &self.entries {
            Entries::Numbers(entries) => {
                entries.iter().map(|(number, weight)| (value_of(self.ty, *number), *weight)).collect()
            }
            Entries::Others(entries) => entries.clone(),
        }
    }

    fn condense(&mut self) {
        match &mut self.entries {
            Entries::Numbers(entries) => *entries = grouped(std::mem::take(entries), i64::cmp),
            Entries::Others(entries) => {
                *entries = grouped(std::mem::take(entries), compare);
                self.bytes =
                    entries.iter().map(|entry| size_of_val(entry) + entry.0.as_str().map_or(0, str::len)).sum();
            }
        }
    }

    /// The value at that many percent: the first one at or past that share of the weight.
    pub fn at(&self, percent: f64) -> Option<Value<'static>> {
        self.many(&[percent]).pop().flatten()
    }

    /// The values at several percents; one sort serves all.
    pub fn many(&self, percents: &[f64]) -> Vec<Option<Value<'static>>> {
        match &self.entries {
            Entries::Numbers(entries) => {
                let found = at_percents(&sorted(entries.clone(), i64::cmp), percents);
                found.into_iter().map(|number| number.map(|number| value_of(self.ty, number))).collect()
            }
            Entries::Others(entries) => at_percents(&sorted(entries.clone(), compare), percents),
        }
    }

    /// How much weight is at or below a value, and all of it.
    pub fn rank(&self, value: &Value<'_>) -> (f64, f64) {
        let entries = self.values();
        let below = entries.iter().filter(|(entry, _)| compare(entry, value).is_le()).map(|(_, weight)| weight);
        (below.sum(), entries.iter().map(|(_, weight)| weight).sum())
    }

    pub fn size(&self) -> usize {
        match &self.entries {
            Entries::Numbers(entries) => size_of_val(entries.as_slice()),
            Entries::Others(_) => self.bytes,
        }
    }

    /// The sketch as a dynamic: the type's name, the values, the weights.
    pub fn to_value(&self) -> Value<'static> {
        let entries = grouped(self.values(), compare);
        let values = entries.iter().map(|(value, _)| encode(value)).collect();
        let weights = entries.iter().map(|(_, weight)| real::json(*weight)).collect();
        Value::Dynamic(Dynamic::Tree(Json::Array(vec![
            self.ty.name().into(),
            Json::Array(values),
            Json::Array(weights),
        ])))
    }

    pub fn from_value(value: &Value<'_>) -> Option<Quantiles> {
        let Value::Dynamic(dynamic) = value else { return None };
        Quantiles::from_json(dynamic.tree().as_ref())
    }

    pub fn from_json(tree: &Json) -> Option<Quantiles> {
        let [ty, values, weights] = tree.as_array()?.as_slice() else { return None };
        let ty = Type::from_name(ty.as_str()?)?;
        let mut quantiles = Quantiles::new(ty);
        for (value, weight) in values.as_array()?.iter().zip(weights.as_array()?) {
            quantiles.add(&decode(ty, value)?, weight.as_f64()?);
        }
        Some(quantiles)
    }
}

/// In order, each once.
fn sorted<T>(mut entries: Vec<(T, f64)>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<(T, f64)> {
    // Those that were put together before are in order already, of which this sort makes use.
    entries.sort_by(|a, b| compare(&a.0, &b.0));
    entries.dedup_by(|later, kept| {
        let same = compare(&later.0, &kept.0).is_eq();
        if same {
            kept.1 += later.1;
        }
        same
    });
    entries
}

fn grouped<T>(entries: Vec<(T, f64)>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<(T, f64)> {
    let mut entries = sorted(entries, compare);
    let mut fineness = FINENESS;
    while entries.len() > MOST / 2 && fineness > 1.0 {
        entries = group(entries, fineness);
        fineness /= 2.0;
    }
    entries
}

fn at_percents<T: Clone>(entries: &[(T, f64)], percents: &[f64]) -> Vec<Option<T>> {
    let total: f64 = entries.iter().map(|(_, weight)| weight).sum();
    let find = |percent: f64| {
        // A hair less, so that 5 percent of 100 is the fifth value whatever the rounding.
        let wanted = percent * total / 100.0 * (1.0 - 1e-12);
        let mut sum = 0.0;
        let found = entries.iter().find(|(_, weight)| {
            sum += weight;
            sum >= wanted
        });
        found.or(entries.last()).map(|(value, _)| value.clone())
    };
    percents.iter().map(|percent| find(*percent)).collect()
}

/// Puts neighbours together up to a weight that is least at both ends.
fn group<T>(entries: Vec<(T, f64)>, fineness: f64) -> Vec<(T, f64)> {
    let total: f64 = entries.iter().map(|(_, weight)| weight).sum();
    let mut groups: Vec<(T, f64)> = Vec::with_capacity(entries.len());
    let mut before = 0.0;
    // Groups stand as their first and their last member by turns, so that no end is favoured.
    let mut last_stands = false;
    for (value, weight) in entries {
        let middle = (before + weight / 2.0) / total;
        let most = 4.0 * total * middle * (1.0 - middle) / fineness;
        match groups.last_mut() {
            Some(group) if group.1 + weight <= most => {
                group.1 += weight;
                if last_stands {
                    group.0 = value;
                }
            }
            _ => {
                last_stands = !last_stands;
                groups.push((value, weight));
            }
        }
        before += weight;
    }
    groups
}

/// Exact in JSON: ticks and units as numbers or their texts.
fn encode(value: &Value<'_>) -> Json {
    match value {
        Value::Datetime(ticks) | Value::Timespan(ticks) => Json::from(*ticks),
        Value::Decimal(x) => Json::from(x.0.to_string()),
        other => other.to_json(),
    }
}

fn decode(ty: Type, tree: &Json) -> Option<Value<'static>> {
    Some(match ty {
        Type::Bool => Value::Bool(tree.as_bool()?),
        Type::Int => Value::Int(i32::try_from(tree.as_i64()?).ok()?),
        Type::Long => Value::Long(tree.as_i64()?),
        Type::Datetime => Value::Datetime(tree.as_i64()?),
        Type::Timespan => Value::Timespan(tree.as_i64()?),
        Type::Real => Value::Real(match tree.as_str() {
            Some("Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            _ => tree.as_f64()?,
        }),
        Type::Decimal => Value::Decimal(Decimal(tree.as_str()?.parse().ok()?)),
        Type::String => Value::string(tree.as_str()?.to_owned()),
        Type::Guid => Value::Guid(guid::parse(tree.as_str()?)?),
        Type::Dynamic => Value::json(tree.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_are_in_their_order() {
        let order = [f64::NEG_INFINITY, -1e300, -2.5, -1e-300, 0.0, 1e-300, 2.5, 1e300, f64::INFINITY];
        let mut digest = Quantiles::new(Type::Real);
        order.iter().rev().chain(&[-0.0, f64::NAN]).for_each(|x| digest.add(&Value::Real(*x), 1.0));
        let percents: Vec<f64> = (1..=order.len()).map(|at| at as f64 * 10.0).collect();
        let found: Vec<f64> = digest.many(&percents).into_iter().flatten().filter_map(|x| x.as_real()).collect();
        assert_eq!(found, [order[0], order[1], order[2], order[3], 0.0, 0.0, order[5], order[6], order[7]]);
        // Of another type than was said.
        digest.add(&Value::Long(7), 1.0);
        assert_eq!(digest.rank(&Value::Real(2.5)), (8.0, 11.0));
    }

    #[test]
    fn few_are_exact_and_many_are_near() {
        let mut few = Quantiles::new(Type::Long);
        (1..=100).for_each(|x| few.add(&Value::Long(x), 1.0));
        assert_eq!(few.many(&[0.0, 5.0, 99.0, 100.0]), [1, 5, 99, 100].map(|x| Some(Value::Long(x))));
        let mut many = Quantiles::new(Type::Real);
        for x in 0..300_000u64 {
            many.add(&Value::Real((x.wrapping_mul(7_919) % 300_000) as f64), 1.0);
        }
        for percent in [0.1, 1.0, 50.0, 99.0, 99.9] {
            let found = many.at(percent).and_then(|value| value.as_real()).unwrap_or(f64::NAN);
            assert!((found / 3_000.0 - percent).abs() < 0.15, "{percent}: {found}");
        }
        let again = Quantiles::from_value(&many.to_value()).and_then(|again| again.at(50.0));
        assert!(again.and_then(|value| value.as_real()).is_some_and(|x| (x / 3_000.0 - 50.0).abs() < 0.25));
    }
}
