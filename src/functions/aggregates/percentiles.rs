//! Percentiles: the nearest rank, a value that occurred, of the type of the values (ints become longs, decimals
//! reals).
use super::ORDERABLE;
use super::quantiles::Quantiles;
use crate::functions::{Aggregate, Arg, Call, Fold, Gives, many, one};
use crate::types::{Type, Types};
use crate::value::{Dynamic, Json, Value, real};

const MOST: usize = 256;

const ESTIMATED: &str = "exact up to 8,192 different values, where the reference engine may already estimate; past that \
                         both estimate, each in its own way";

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["percentile"],
        doc: "The value below or at which so many percent of the values are. Exact up to 8,192 different values, then \
              within a tenth of a percent of the rank.",
        takes: &[one("expr", ORDERABLE), one("percentile", Types::NUMBER).constant()],
        gives: Gives::By(value_type),
        column: "percentile_",
        start: |call| start(call, Form::Columns, None),
        examples: &[("range x from 1 to 100 step 1 | summarize percentile(x, 95)", "95")],
        differs: Some(ESTIMATED),
    },
    Aggregate {
        names: &["percentiles"],
        doc: "Several percentiles, each in a column of its own; see `percentile`.",
        takes: &[one("expr", ORDERABLE), many("percentile", Types::NUMBER, 1, MOST).constant()],
        gives: Gives::By(value_type),
        column: "percentile_",
        start: |call| start(call, Form::Columns, None),
        examples: &[("range x from 1 to 100 step 1 | summarize percentiles(x, 5, 50) | project percentile_x_50", "50")],
        differs: Some(ESTIMATED),
    },
    Aggregate {
        names: &["percentiles_array"],
        doc: "Several percentiles as one array; see `percentile`.",
        takes: &[one("expr", ORDERABLE), many("percentile", Types::NUMBER.or(Types::DYNAMIC), 1, MOST).constant()],
        gives: Gives::Always(Type::Dynamic),
        column: "percentiles_",
        start: |call| start(call, Form::Array, None),
        examples: &[("range x from 1 to 100 step 1 | summarize percentiles_array(x, 5, 50)", "[5,50]")],
        differs: Some(ESTIMATED),
    },
    Aggregate {
        names: &["percentilew"],
        doc: "A percentile of values each of which stands for `weight` rows; see `percentile`.",
        takes: &[one("expr", ORDERABLE), one("weight", Types::INTEGER), one("percentile", Types::NUMBER).constant()],
        gives: Gives::By(value_type),
        column: "percentile_",
        start: |call| start(call, Form::Columns, Some(1)),
        examples: &[("datatable(x:long, w:long)[10, 9, 20, 1] | summarize percentilew(x, w, 90)", "10")],
        differs: Some(ESTIMATED),
    },
    Aggregate {
        names: &["percentilesw"],
        doc: "Several weighted percentiles, each in a column of its own; see `percentilew`.",
        takes: &[
            one("expr", ORDERABLE),
            one("weight", Types::INTEGER),
            many("percentile", Types::NUMBER, 1, MOST).constant(),
        ],
        gives: Gives::By(value_type),
        column: "percentile_",
        start: |call| start(call, Form::Columns, Some(1)),
        examples: &[(
            "datatable(x:long, w:long)[10, 9, 20, 1] | summarize percentilesw(x, w, 50, 95) | project percentile_x_95",
            "20",
        )],
        differs: Some(ESTIMATED),
    },
    Aggregate {
        names: &["percentilesw_array"],
        doc: "Several weighted percentiles as one array; see `percentilew`.",
        takes: &[
            one("expr", ORDERABLE),
            one("weight", Types::INTEGER),
            many("percentile", Types::NUMBER.or(Types::DYNAMIC), 1, MOST).constant(),
        ],
        gives: Gives::Always(Type::Dynamic),
        column: "percentiles_",
        start: |call| start(call, Form::Array, Some(1)),
        examples: &[(
            "datatable(x:long, w:long)[10, 9, 20, 1] | summarize percentilesw_array(x, w, 50, 95)",
            "[10,20]",
        )],
        differs: Some(ESTIMATED),
    },
];

fn value_type(args: &[Arg<'_>]) -> Result<Type, String> {
    Ok(held(args.first().map_or(Type::Real, |arg| arg.ty)))
}

/// The type that values of a type are kept in.
fn held(ty: Type) -> Type {
    match ty {
        Type::Int => Type::Long,
        Type::Decimal => Type::Real,
        other => other,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Columns,
    Array,
}

fn start(call: &Call<'_>, form: Form, weight: Option<usize>) -> Box<dyn Fold> {
    let ty = call.types.first().copied().unwrap_or(Type::Real);
    let first = if weight.is_some() { 2 } else { 1 };
    Box::new(Percentiles {
        form,
        weight,
        first,
        columns: call.types.len().saturating_sub(first).max(1),
        percents: Vec::new(),
        values: Quantiles::new(held(ty)),
    })
}

#[derive(Debug)]
struct Percentiles {
    form: Form,
    weight: Option<usize>,
    /// Where the percents begin among the arguments.
    first: usize,
    columns: usize,
    /// Known from the first row on.
    percents: Vec<f64>,
    values: Quantiles,
}

impl Percentiles {
    fn learn(&mut self, args: &[Value<'_>]) {
        if self.percents.is_empty() {
            self.percents = args.get(self.first..).unwrap_or_default().iter().flat_map(numbers).take(MOST).collect();
        }
    }
}

/// A number, or those of an array.
fn numbers(value: &Value<'_>) -> Vec<f64> {
    match value {
        Value::Dynamic(dynamic) => match dynamic.tree().as_ref() {
            Json::Array(items) => items.iter().filter_map(Json::as_f64).collect(),
            other => other.as_f64().into_iter().collect(),
        },
        number => number.as_real().into_iter().collect(),
    }
}

impl Fold for Percentiles {
    fn add(&mut self, args: &[Value<'_>]) {
        self.learn(args);
        let Some(value) = args.first() else { return };
        let weight = match self.weight {
            Some(at) => args.get(at).and_then(Value::as_long).unwrap_or(0) as f64,
            None => 1.0,
        };
        match value {
            Value::Int(x) => self.values.add(&Value::Long(i64::from(*x)), weight),
            Value::Decimal(_) => self.values.add(&value.as_real().map_or(Value::Null, Value::Real), weight),
            value => self.values.add(value, weight),
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        let percents = self.percents.iter().map(|percent| real::json(*percent)).collect();
        vec![self.values.to_value(), Value::Dynamic(Dynamic::Tree(Json::Array(percents)))]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let [values, percents] = state {
            if self.percents.is_empty() {
                self.percents = numbers(percents);
            }
            if let Some(values) = Quantiles::from_value(values) {
                self.values.union(&values);
            }
        }
    }
    fn finish(&self) -> Value<'static> {
        self.finish_row().into_iter().next().unwrap_or(Value::Null)
    }
    fn finish_row(&self) -> Vec<Value<'static>> {
        match self.form {
            Form::Columns if self.values.is_empty() => vec![Value::Null; self.columns],
            Form::Columns => {
                self.values.many(&self.percents).into_iter().map(|value| value.unwrap_or(Value::Null)).collect()
            }
            Form::Array if self.values.is_empty() => vec![Value::Null],
            Form::Array => {
                let values = self.values.many(&self.percents);
                let items = values.iter().map(|value| value.as_ref().map_or(Json::Null, Value::to_json)).collect();
                vec![Value::Dynamic(Dynamic::Tree(Json::Array(items)))]
            }
        }
    }
    fn size(&self) -> usize {
        self.values.size() + self.percents.capacity() * size_of::<f64>()
    }
}
