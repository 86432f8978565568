//! Sums and averages. Nulls are passed over; longs wrap around, as everywhere in KQL.
use super::only_if::only_if;
use crate::functions::{Aggregate, Arg, Call, Fold, Gives, one};
use crate::types::{Type, Types};
use crate::value::{Decimal, Value};

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["sum"],
        doc: "Adds up the values; no values make 0. The sum of ints is a long.",
        takes: &[one("expr", Types::SUMMABLE)],
        gives: Gives::By(sum_type),
        column: "sum_",
        start: start_sum,
        examples: &[("datatable(x:long)[1, 2, long(null)] | summarize sum(x)", "3")],
        differs: None,
    },
    Aggregate {
        names: &["sumif"],
        doc: "Adds up the values of the rows where the predicate is true.",
        takes: &[one("expr", Types::SUMMABLE), one("predicate", Types::BOOL)],
        gives: Gives::By(sum_type),
        column: "sumif_",
        start: |call| only_if(call, start_sum),
        examples: &[("range x from 1 to 5 step 1 | summarize sumif(x, x > 3)", "9")],
        differs: None,
    },
    Aggregate {
        names: &["avg"],
        doc: "The average of the values. No values make NaN, or null where the result is no real.",
        takes: &[one("expr", Types::SUMMABLE)],
        gives: Gives::By(average_type),
        column: "avg_",
        start: start_average,
        examples: &[
            ("datatable(x:int)[1, 2, int(null)] | summarize avg(x)", "1.5"),
            ("datatable(t:timespan)[1h, 2h] | summarize avg(t)", "01:30:00"),
        ],
        differs: None,
    },
    Aggregate {
        names: &["avgif"],
        doc: "The average of the values of the rows where the predicate is true.",
        takes: &[one("expr", Types::SUMMABLE), one("predicate", Types::BOOL)],
        gives: Gives::By(average_type),
        column: "avgif_",
        start: |call| only_if(call, start_average),
        examples: &[("range x from 1 to 5 step 1 | summarize avgif(x, x > 3)", "4.5")],
        differs: None,
    },
];

fn sum_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let ty = args.first().map_or(Type::Long, |arg| arg.ty);
    Ok(if ty == Type::Int { Type::Long } else { ty })
}

fn average_type(args: &[Arg<'_>]) -> Result<Type, String> {
    let ty = args.first().map_or(Type::Real, |arg| arg.ty);
    Ok(if ty.is_integer() { Type::Real } else { ty })
}

/// A running total of one kind of number.
#[derive(Clone, Debug)]
enum Total {
    /// Longs and ticks.
    Whole(i64),
    Real(f64),
    /// `None` once it has grown past what a decimal holds.
    Decimal(Option<i128>),
}

impl Total {
    fn of(ty: Type) -> Total {
        match ty {
            Type::Real => Total::Real(0.0),
            Type::Decimal => Total::Decimal(Some(0)),
            Type::Bool
            | Type::Int
            | Type::Long
            | Type::String
            | Type::Datetime
            | Type::Timespan
            | Type::Guid
            | Type::Dynamic => Total::Whole(0),
        }
    }

    /// Whether there was a value to add.
    fn add(&mut self, value: &Value<'_>) -> bool {
        if value.is_null() {
            return false;
        }
        match self {
            Total::Whole(total) => match value {
                Value::Int(x) => *total = total.wrapping_add(i64::from(*x)),
                Value::Long(x) | Value::Datetime(x) | Value::Timespan(x) => *total = total.wrapping_add(*x),
                _ => return false,
            },
            Total::Real(total) => match value.as_real() {
                Some(x) => *total += x,
                None => return false,
            },
            Total::Decimal(total) => {
                let units = match value {
                    Value::Decimal(x) => Some(x.0),
                    other => other.as_long().map(|x| Decimal::from_long(x).0),
                };
                match units {
                    Some(units) => *total = total.and_then(|total| total.checked_add(units)),
                    None => return false,
                }
            }
        }
        true
    }

    fn value(&self) -> Value<'static> {
        match self {
            Total::Whole(total) => Value::Long(*total),
            Total::Real(total) => Value::Real(*total),
            Total::Decimal(total) => total.map_or(Value::Null, |units| Value::Decimal(Decimal(units))),
        }
    }

    /// Takes in a total made by [`Total::value`].
    fn merge(&mut self, state: &Value<'_>) {
        match (self, state) {
            (Total::Decimal(total), Value::Null) => *total = None,
            (total, state) => {
                total.add(state);
            }
        }
    }
}

fn start_sum(call: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Sum { gives: call.gives, total: Total::of(call.gives) })
}

#[derive(Debug)]
struct Sum {
    gives: Type,
    total: Total,
}

impl Fold for Sum {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(value) = args.first() {
            self.total.add(value);
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.total.value()]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let Some(state) = state.first() {
            self.total.merge(state);
        }
    }
    fn finish(&self) -> Value<'static> {
        typed(self.gives, self.total.value())
    }
    fn size(&self) -> usize {
        0
    }
}

/// Whole numbers as ticks where the result is a time.
fn typed(gives: Type, value: Value<'static>) -> Value<'static> {
    match (gives, value) {
        (Type::Datetime, Value::Long(ticks)) => Value::Datetime(ticks),
        (Type::Timespan, Value::Long(ticks)) => Value::Timespan(ticks),
        (_, value) => value,
    }
}

fn start_average(call: &Call<'_>) -> Box<dyn Fold> {
    let from = call.types.first().copied().unwrap_or(Type::Real);
    match from {
        Type::Datetime | Type::Timespan => Box::new(TickAverage { gives: call.gives, sum: 0, count: 0 }),
        _ => Box::new(Average { total: Total::of(from), count: 0 }),
    }
}

#[derive(Debug)]
struct Average {
    total: Total,
    count: i64,
}

impl Fold for Average {
    fn add(&mut self, args: &[Value<'_>]) {
        self.count += i64::from(args.first().is_some_and(|value| self.total.add(value)));
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.total.value(), Value::Long(self.count)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let [total, count] = state {
            self.total.merge(total);
            self.count += count.as_long().unwrap_or(0);
        }
    }
    fn finish(&self) -> Value<'static> {
        match &self.total {
            // The reference engine divides the wrapped sum.
            Total::Whole(total) => Value::Real(*total as f64 / self.count as f64),
            Total::Real(total) => Value::Real(total / self.count as f64),
            Total::Decimal(total) => total
                .and_then(|units| units.checked_div(i128::from(self.count)))
                .map_or(Value::Null, |units| Value::Decimal(Decimal(units))),
        }
    }
    fn size(&self) -> usize {
        0
    }
}

/// Ticks of datetimes would wrap after a few thousand rows, so they are summed wide.
#[derive(Debug)]
struct TickAverage {
    gives: Type,
    sum: i128,
    count: i64,
}

impl Fold for TickAverage {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(Value::Datetime(ticks) | Value::Timespan(ticks)) = args.first() {
            self.sum += i128::from(*ticks);
            self.count += 1;
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![Value::Decimal(Decimal(self.sum)), Value::Long(self.count)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let [Value::Decimal(sum), count] = state {
            self.sum += sum.0;
            self.count += count.as_long().unwrap_or(0);
        }
    }
    fn finish(&self) -> Value<'static> {
        match self.sum.checked_div(i128::from(self.count)) {
            Some(ticks) => typed(self.gives, Value::Long(ticks as i64)),
            None => Value::Null,
        }
    }
    fn size(&self) -> usize {
        0
    }
}
