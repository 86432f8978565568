//! Sketches as values, to be kept and joined later: `hll` for distinct counts, `tdigest` for percentiles.
use super::hyperloglog::Hll;
use super::only_if::only_if;
use super::quantiles::Quantiles;
use crate::functions::{Aggregate, Call, Fold, Gives, one, optional};
use crate::types::{Type, Types};
use crate::value::Value;

const OWN_FORM: &str = "the form of the sketch is our own: it cannot be exchanged with other engines";

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["hll"],
        doc: "A sketch of the distinct values, for `dcount_hll` and `hll_merge`; see `dcount` for `accuracy`.",
        takes: &[
            one("expr", Types::ANY.but(Types::REAL).but(Types::BOOL)),
            optional("accuracy", Types::INTEGER).constant(),
        ],
        gives: Gives::Always(Type::Dynamic),
        column: "hll_",
        start: start_hll,
        examples: &[("range x from 1 to 9 step 1 | summarize h = hll(x % 4) | project dcount_hll(h)", "4")],
        differs: Some(OWN_FORM),
    },
    Aggregate {
        names: &["hll_if"],
        doc: "A sketch of the distinct values of the rows where the predicate is true; see `hll`.",
        takes: &[
            one("expr", Types::ANY.but(Types::REAL).but(Types::BOOL)),
            one("predicate", Types::BOOL),
            optional("accuracy", Types::INTEGER).constant(),
        ],
        gives: Gives::Always(Type::Dynamic),
        column: "hll_if_",
        start: |call| only_if(call, start_hll),
        examples: &[("range x from 1 to 9 step 1 | summarize h = hll_if(x, x > 6) | project dcount_hll(h)", "3")],
        differs: Some(OWN_FORM),
    },
    Aggregate {
        names: &["hll_merge"],
        doc: "Joins sketches made by `hll`.",
        takes: &[one("hll", Types::DYNAMIC)],
        gives: Gives::Always(Type::Dynamic),
        column: "hll_merge_",
        start: |_| Box::new(Distinct(None)),
        examples: &[(
            "range x from 1 to 9 step 1 | summarize h = hll(x) by x % 3 | summarize h = hll_merge(h) | project dcount_hll(h)",
            "9",
        )],
        differs: Some(OWN_FORM),
    },
    Aggregate {
        names: &["tdigest"],
        doc: "A sketch of how the values are spread, for `percentile_tdigest` and `merge_tdigest`. Each value may stand \
              for `weight` rows.",
        takes: &[one("expr", Types::SUMMABLE), optional("weight", Types::INTEGER)],
        gives: Gives::Always(Type::Dynamic),
        column: "tdigest_",
        start: start_tdigest,
        examples: &[("range x from 1 to 9 step 1 | summarize t = tdigest(x) | project percentile_tdigest(t, 50)", "5")],
        differs: Some(OWN_FORM),
    },
    Aggregate {
        names: &["merge_tdigest", "tdigest_merge", "merge_tdigests"],
        doc: "Joins sketches made by `tdigest`.",
        takes: &[one("tdigest", Types::DYNAMIC)],
        gives: Gives::Always(Type::Dynamic),
        column: "merge_tdigests_",
        start: start_merge,
        examples: &[(
            "range x from 1 to 9 step 1 | summarize t = tdigest(x) by x % 2 | summarize t = merge_tdigest(t) \
             | project percentile_tdigest(t, 50)",
            "5",
        )],
        differs: Some(OWN_FORM),
    },
];

fn start_hll(_: &Call<'_>) -> Box<dyn Fold> {
    Box::new(OfValues(Distinct(None)))
}

/// Sketches joined; none is null.
#[derive(Debug)]
struct Distinct(Option<Hll>);

impl Distinct {
    fn join(&mut self, value: Option<&Value<'_>>) {
        if let Some(other) = value.and_then(Hll::from_value) {
            match &mut self.0 {
                Some(hll) => hll.union(&other),
                none => *none = Some(other),
            }
        }
    }
}

impl Fold for Distinct {
    fn add(&mut self, args: &[Value<'_>]) {
        self.join(args.first());
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.finish()]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        self.join(state.first());
    }
    fn finish(&self) -> Value<'static> {
        self.0.as_ref().map_or(Value::Null, Hll::to_value)
    }
    fn size(&self) -> usize {
        self.0.as_ref().map_or(0, Hll::size)
    }
}

/// A sketch made of values.
#[derive(Debug)]
struct OfValues(Distinct);

impl Fold for OfValues {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(value) = args.first().filter(|value| !value.is_null()) {
            self.0.0.get_or_insert_with(|| Hll::new(args.get(1).and_then(Value::as_long))).add(value);
        }
    }
    fn ignores_repeats(&self) -> bool {
        true
    }
    fn state(&self) -> Vec<Value<'static>> {
        self.0.state()
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        self.0.merge(state);
    }
    fn finish(&self) -> Value<'static> {
        self.0.finish()
    }
    fn size(&self) -> usize {
        self.0.size()
    }
}

fn start_tdigest(call: &Call<'_>) -> Box<dyn Fold> {
    let ty = call.types.first().copied().unwrap_or(Type::Real);
    Box::new(Digest { of_values: true, weighted: call.types.len() > 1, digest: Some(Quantiles::new(ty)) })
}

fn start_merge(_: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Digest { of_values: false, weighted: false, digest: None })
}

#[derive(Debug)]
struct Digest {
    of_values: bool,
    weighted: bool,
    digest: Option<Quantiles>,
}

impl Digest {
    fn join(&mut self, value: Option<&Value<'_>>) {
        if let Some(other) = value.and_then(Quantiles::from_value) {
            match &mut self.digest {
                Some(digest) => digest.union(&other),
                none => *none = Some(other),
            }
        }
    }
}

impl Fold for Digest {
    fn add(&mut self, args: &[Value<'_>]) {
        match &mut self.digest {
            Some(digest) if self.of_values => {
                let weight = if self.weighted { args.get(1).and_then(Value::as_long).unwrap_or(0) } else { 1 };
                if let Some(value) = args.first() {
                    digest.add(value, weight as f64);
                }
            }
            _ => self.join(args.first()),
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.finish()]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        self.join(state.first());
    }
    fn finish(&self) -> Value<'static> {
        self.digest.as_ref().filter(|digest| !digest.is_empty()).map_or(Value::Null, Quantiles::to_value)
    }
    fn size(&self) -> usize {
        self.digest.as_ref().map_or(0, Quantiles::size)
    }
}
