//! The smallest and the largest value. Nulls are passed over; a NaN, once seen, stays.
use super::ORDERABLE;
use super::only_if::only_if;
use super::order::{assign, beats};
use crate::functions::{Aggregate, Call, Fold, Gives, one};
use crate::types::Types;
use crate::value::Value;

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["min"],
        doc: "The smallest value; null where there is none.",
        takes: &[one("expr", ORDERABLE)],
        gives: Gives::SameAs(0),
        column: "min_",
        start: start_min,
        examples: &[("datatable(x:long)[3, long(null), 2] | summarize min(x)", "2")],
        differs: None,
    },
    Aggregate {
        names: &["max"],
        doc: "The largest value; null where there is none.",
        takes: &[one("expr", ORDERABLE)],
        gives: Gives::SameAs(0),
        column: "max_",
        start: start_max,
        examples: &[(
            "datatable(t:datetime)[datetime(2020-01-01), datetime(2021-01-01)] | summarize max(t)",
            "2021-01-01T00:00:00.0000000Z",
        )],
        differs: None,
    },
    Aggregate {
        names: &["minif"],
        doc: "The smallest value of the rows where the predicate is true.",
        takes: &[one("expr", ORDERABLE), one("predicate", Types::BOOL)],
        gives: Gives::SameAs(0),
        column: "minif_",
        start: |call| only_if(call, start_min),
        examples: &[("range x from 1 to 5 step 1 | summarize minif(x, x > 3)", "4")],
        differs: None,
    },
    Aggregate {
        names: &["maxif"],
        doc: "The largest value of the rows where the predicate is true.",
        takes: &[one("expr", ORDERABLE), one("predicate", Types::BOOL)],
        gives: Gives::SameAs(0),
        column: "maxif_",
        start: |call| only_if(call, start_max),
        examples: &[("range x from 1 to 5 step 1 | summarize maxif(x, x < 3)", "2")],
        differs: None,
    },
];

fn start_min(call: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Extreme { best: Value::Null, absent: Value::absent(call.gives), largest: false })
}

fn start_max(call: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Extreme { best: Value::Null, absent: Value::absent(call.gives), largest: true })
}

#[derive(Debug)]
struct Extreme {
    best: Value<'static>,
    absent: Value<'static>,
    largest: bool,
}

impl Fold for Extreme {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(value) = args.first()
            && !value.is_null()
            && (self.best.is_null() || beats(value, &self.best, self.largest))
        {
            assign(&mut self.best, value);
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.best.clone()]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        self.add(state);
    }
    fn finish(&self) -> Value<'static> {
        if self.best.is_null() { self.absent.clone() } else { self.best.clone() }
    }
    fn size(&self) -> usize {
        self.best.as_str().map_or(0, str::len)
    }
}
