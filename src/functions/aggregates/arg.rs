//! One row of a group: the one with the largest or smallest value, or any.
use super::ORDERABLE;
use super::only_if::only_if;
use super::order::{assign, beats};
use crate::functions::{Aggregate, Call, Fold, Gives, many, one};
use crate::types::{Type, Types};
use crate::value::Value;

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["arg_max"],
        doc: "The largest value, and the other expressions of a row that has it; the first such row where there are \
              several. Nulls are passed over unless there is nothing else. `*` stands for all columns.",
        takes: &[one("maximized", ORDERABLE), many("returned", Types::ANY, 0, 1024)],
        gives: Gives::SameAs(0),
        column: "",
        start: start_max,
        examples: &[("datatable(x:long, s:string)[1, 'a', 2, 'b'] | summarize arg_max(x, s) | project s", "b")],
        differs: None,
    },
    Aggregate {
        names: &["argmax"],
        doc: "An older form of `arg_max`, with other column names.",
        takes: &[one("maximized", ORDERABLE), many("returned", Types::ANY, 0, 1024)],
        gives: Gives::SameAs(0),
        column: "max_",
        start: start_max,
        examples: &[("range x from 1 to 3 step 1 | summarize argmax(x)", "3")],
        differs: None,
    },
    Aggregate {
        names: &["arg_min"],
        doc: "The smallest value, and the other expressions of a row that has it; see `arg_max`.",
        takes: &[one("minimized", ORDERABLE), many("returned", Types::ANY, 0, 1024)],
        gives: Gives::SameAs(0),
        column: "",
        start: start_min,
        examples: &[("datatable(x:long, s:string)[1, 'a', 2, 'b'] | summarize arg_min(x, s) | project s", "a")],
        differs: None,
    },
    Aggregate {
        names: &["argmin"],
        doc: "An older form of `arg_min`, with other column names.",
        takes: &[one("minimized", ORDERABLE), many("returned", Types::ANY, 0, 1024)],
        gives: Gives::SameAs(0),
        column: "min_",
        start: start_min,
        examples: &[("range x from 1 to 3 step 1 | summarize argmin(x)", "1")],
        differs: None,
    },
    Aggregate {
        names: &["take_any"],
        doc: "The value of any row, one that is not null or empty if there is such; with several expressions, those of \
              one row.",
        takes: &[many("expr", Types::ANY, 1, 1024)],
        gives: Gives::SameAs(0),
        column: "",
        start: start_any,
        examples: &[("datatable(s:string)['', 'a'] | summarize take_any(s)", "a")],
        differs: None,
    },
    Aggregate {
        names: &["any"],
        doc: "An older form of `take_any`, with other column names.",
        takes: &[many("expr", Types::ANY, 1, 1024)],
        gives: Gives::SameAs(0),
        column: "any_",
        start: start_any,
        examples: &[("datatable(s:string)['', 'a'] | summarize any(s)", "a")],
        differs: None,
    },
    Aggregate {
        names: &["take_anyif"],
        doc: "The value of any row for which the predicate is true; see `take_any`.",
        takes: &[one("expr", Types::ANY), one("predicate", Types::BOOL)],
        gives: Gives::SameAs(0),
        column: "",
        start: |call| only_if(call, start_any),
        examples: &[("range x from 1 to 3 step 1 | summarize take_anyif(x, x == 2)", "2")],
        differs: None,
    },
    Aggregate {
        names: &["anyif"],
        doc: "An older form of `take_anyif`, with another column name.",
        takes: &[one("expr", Types::ANY), one("predicate", Types::BOOL)],
        gives: Gives::SameAs(0),
        column: "anyif_",
        start: |call| only_if(call, start_any),
        examples: &[("range x from 1 to 3 step 1 | summarize anyif(x, x == 2)", "2")],
        differs: None,
    },
];

fn start_max(call: &Call<'_>) -> Box<dyn Fold> {
    Box::new(OneRow { choose: Choose::Largest, types: call.types.into(), best: None })
}

fn start_min(call: &Call<'_>) -> Box<dyn Fold> {
    Box::new(OneRow { choose: Choose::Smallest, types: call.types.into(), best: None })
}

fn start_any(call: &Call<'_>) -> Box<dyn Fold> {
    Box::new(OneRow { choose: Choose::Any, types: call.types.into(), best: None })
}

#[derive(Clone, Copy, Debug)]
enum Choose {
    Largest,
    Smallest,
    Any,
}

#[derive(Debug)]
struct OneRow {
    choose: Choose,
    types: Box<[Type]>,
    best: Option<Vec<Value<'static>>>,
}

impl OneRow {
    fn is_better(&self, row: &[Value<'_>]) -> bool {
        let Some(best) = &self.best else { return true };
        let (Some(value), Some(best)) = (row.first(), best.first()) else { return false };
        match self.choose {
            // One expression looks for something to show; several only want to be of one row.
            Choose::Any => row.len() == 1 && is_nothing(best) && !is_nothing(value),
            Choose::Largest | Choose::Smallest if value.is_null() => false,
            Choose::Largest => best.is_null() || beats(value, best, true),
            Choose::Smallest => best.is_null() || beats(value, best, false),
        }
    }
}

fn is_nothing(value: &Value<'_>) -> bool {
    value.is_null() || value.as_str() == Some("")
}

impl Fold for OneRow {
    fn passes_over(&self, first: &Value<'_>) -> bool {
        match self.choose {
            Choose::Any => self.best.is_some(),
            Choose::Largest | Choose::Smallest => !self.is_better(std::slice::from_ref(first)),
        }
    }
    fn add(&mut self, args: &[Value<'_>]) {
        if !self.is_better(args) {
            return;
        }
        match &mut self.best {
            Some(best) => best.iter_mut().zip(args).for_each(|(place, value)| assign(place, value)),
            none => *none = Some(args.iter().map(|value| value.clone().into_owned()).collect()),
        }
    }
    /// Whether there was a row, and its values.
    fn state(&self) -> Vec<Value<'static>> {
        std::iter::once(Value::Bool(self.best.is_some())).chain(self.finish_row()).collect()
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let [Value::Bool(true), row @ ..] = state {
            self.add(row);
        }
    }
    fn finish(&self) -> Value<'static> {
        self.finish_row().into_iter().next().unwrap_or(Value::Null)
    }
    fn finish_row(&self) -> Vec<Value<'static>> {
        self.best.clone().unwrap_or_else(|| self.types.iter().map(|ty| Value::absent(*ty)).collect())
    }
    fn size(&self) -> usize {
        let texts = |row: &Vec<Value<'static>>| {
            row.iter().map(|value| size_of_val(value) + value.as_str().map_or(0, str::len)).sum::<usize>()
        };
        size_of_val(&*self.types) + self.best.as_ref().map_or(0, texts)
    }
}
