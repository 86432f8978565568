//! Counting: rows, rows of a kind, distinct values.
use super::hyperloglog::Hll;
use super::keys::{Marks, fingerprint};
use super::only_if::only_if;
use crate::functions::{Aggregate, Call, Fold, Gives, one, optional};
use crate::types::{Type, Types};
use crate::value::Value;

const ESTIMATED: &str = "exact up to 4,096 values, where the reference engine may be off by one or two; past that both \
                         estimate, each in its own way";

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["count"],
        doc: "Counts rows. An argument changes nothing: rows where it is null count too.",
        takes: &[optional("expr", Types::ANY)],
        gives: Gives::Always(Type::Long),
        column: "count_",
        start: |_| Box::new(Count(0)),
        examples: &[("range x from 1 to 3 step 1 | summarize count()", "3")],
        differs: None,
    },
    Aggregate {
        names: &["cnt"],
        doc: "An older name of `count`.",
        takes: &[],
        gives: Gives::Always(Type::Long),
        column: "cnt_",
        start: |_| Box::new(Count(0)),
        examples: &[("range x from 1 to 3 step 1 | summarize cnt()", "3")],
        differs: None,
    },
    Aggregate {
        names: &["countif"],
        doc: "Counts the rows where the predicate is true.",
        takes: &[one("predicate", Types::BOOL)],
        gives: Gives::Always(Type::Long),
        column: "countif_",
        start: |_| Box::new(CountIf(0)),
        examples: &[("range x from 1 to 5 step 1 | summarize countif(x > 3)", "2")],
        differs: None,
    },
    Aggregate {
        names: &["dcount"],
        doc: "Estimates how many distinct values there are; nulls are none. Up to 4,096 values the count is exact; past \
              that `accuracy` (0 to 4, by default 1) sets the error: 1.6, 0.8, 0.4, 0.28 or 0.2 percent.",
        takes: &[one("expr", Types::ANY), optional("accuracy", Types::INTEGER).constant()],
        gives: Gives::Always(Type::Long),
        column: "dcount_",
        start: start_dcount,
        examples: &[("datatable(s:string)['a', 'b', 'a'] | summarize dcount(s)", "2")],
        differs: Some(ESTIMATED),
    },
    Aggregate {
        names: &["dcountif"],
        doc: "Estimates how many distinct values there are in the rows where the predicate is true; see `dcount`.",
        takes: &[
            one("expr", Types::ANY),
            one("predicate", Types::BOOL),
            optional("accuracy", Types::INTEGER).constant(),
        ],
        gives: Gives::Always(Type::Long),
        column: "dcountif_",
        start: |call| only_if(call, start_dcount),
        examples: &[("range x from 1 to 9 step 1 | summarize dcountif(x % 4, x > 1)", "4")],
        differs: Some(ESTIMATED),
    },
    Aggregate {
        names: &["count_distinct"],
        doc: "Counts the distinct values, exactly; nulls are none. It holds a mark of every value: for millions of them \
              `dcount` is cheaper.",
        takes: &[one("expr", Types::ANY.but(Types::DYNAMIC))],
        gives: Gives::Always(Type::Long),
        column: "count_distinct_",
        start: |_| Box::new(Distinct::default()),
        examples: &[("datatable(x:long)[1, 1, 2, long(null)] | summarize count_distinct(x)", "2")],
        differs: None,
    },
    Aggregate {
        names: &["count_distinctif"],
        doc: "Counts the distinct values in the rows where the predicate is true, exactly.",
        takes: &[one("expr", Types::ANY.but(Types::DYNAMIC)), one("predicate", Types::BOOL)],
        gives: Gives::Always(Type::Long),
        column: "count_distinctif_",
        start: |call| only_if(call, |_| Box::new(Distinct::default())),
        examples: &[("range x from 1 to 9 step 1 | summarize count_distinctif(x % 4, x < 4)", "3")],
        differs: None,
    },
];

#[derive(Debug)]
struct Count(i64);

impl Fold for Count {
    fn add(&mut self, _: &[Value<'_>]) {
        self.0 += 1;
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.finish()]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        self.0 += state.first().and_then(Value::as_long).unwrap_or(0);
    }
    fn finish(&self) -> Value<'static> {
        Value::Long(self.0)
    }
    fn size(&self) -> usize {
        0
    }
}

#[derive(Debug)]
struct CountIf(i64);

impl Fold for CountIf {
    fn add(&mut self, args: &[Value<'_>]) {
        self.0 += i64::from(args.first().and_then(Value::as_bool) == Some(true));
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.finish()]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        self.0 += state.first().and_then(Value::as_long).unwrap_or(0);
    }
    fn finish(&self) -> Value<'static> {
        Value::Long(self.0)
    }
    fn size(&self) -> usize {
        0
    }
}

fn start_dcount(_: &Call<'_>) -> Box<dyn Fold> {
    Box::new(DCount(None))
}

/// The sketch begins with the first row, which brings the accuracy.
#[derive(Debug)]
struct DCount(Option<Hll>);

impl Fold for DCount {
    fn add(&mut self, args: &[Value<'_>]) {
        let Some(value) = args.first().filter(|value| !value.is_null()) else { return };
        self.0.get_or_insert_with(|| Hll::new(args.get(1).and_then(Value::as_long))).add(value);
    }
    fn ignores_repeats(&self) -> bool {
        true
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.0.as_ref().map_or(Value::Null, Hll::to_value)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let Some(other) = state.first().and_then(Hll::from_value) {
            match &mut self.0 {
                Some(hll) => hll.union(&other),
                none => *none = Some(other),
            }
        }
    }
    fn finish(&self) -> Value<'static> {
        Value::Long(self.0.as_ref().map_or(0, Hll::estimate))
    }
    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, Hll::size)
    }
}

#[derive(Debug, Default)]
struct Distinct(Marks<u128>);

impl Fold for Distinct {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(value) = args.first().filter(|value| !value.is_null()) {
            self.0.insert(fingerprint(value));
        }
    }
    fn ignores_repeats(&self) -> bool {
        true
    }
    fn state(&self) -> Vec<Value<'static>> {
        use std::fmt::Write;
        let mut text = String::with_capacity(self.0.len() * 32);
        for key in &self.0 {
            // Writing to a string cannot fail.
            let _ = write!(text, "{key:032x}");
        }
        vec![Value::string(text)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        let text = state.first().and_then(Value::as_str).unwrap_or("");
        let keys = text.as_bytes().chunks_exact(32).filter_map(|chunk| std::str::from_utf8(chunk).ok());
        self.0.extend(keys.filter_map(|key| u128::from_str_radix(key, 16).ok()));
    }
    fn finish(&self) -> Value<'static> {
        Value::Long(self.0.len() as i64)
    }
    fn size(&self) -> usize {
        self.0.capacity() * (size_of::<u128>() + 1)
    }
}
