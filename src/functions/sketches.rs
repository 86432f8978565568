//! Reading and joining the sketches that the aggregations `hll` and `tdigest` make.
use super::aggregates::hyperloglog::Hll;
use super::aggregates::quantiles::Quantiles;
use super::arguments::{named_type, row};
use super::dynamics::elements;
use super::{Arg, Call, Function, Gives, many, one, optional};
use crate::types::{Type, Types};
use crate::value::{Dynamic, Json, Value, convert};

pub const FUNCTIONS: &[Function] = &[
    row(
        &["dcount_hll"],
        "How many distinct values a sketch made by `hll` has seen.",
        &[one("hll", Types::DYNAMIC)],
        Gives::Always(Type::Long),
        dcount_hll,
        &[("dcount_hll(toscalar(range x from 1 to 3 step 1 | summarize hll(x)))", "3")],
    ),
    row(
        &["hll_merge"],
        "Sketches made by `hll` joined to one.",
        &[many("hll", Types::DYNAMIC, 2, 64)],
        Gives::Always(Type::Dynamic),
        hll_merge,
        &[(
            "dcount_hll(hll_merge(toscalar(range x from 1 to 3 step 1 | summarize hll(x)), \
             toscalar(range x from 3 to 5 step 1 | summarize hll(x))))",
            "5",
        )],
    ),
    row(
        &["hll_isvalid"],
        "Whether a value is a sketch made by `hll`.",
        &[one("hll", Types::DYNAMIC)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(Hll::from_value(&args[0]).is_some()),
        &[("hll_isvalid(dynamic([1]))", "False")],
    ),
    row(
        &["percentile_tdigest"],
        "A percentile of the values that a sketch made by `tdigest` has seen, of the type that `typeof(…)` says.",
        &[one("tdigest", Types::DYNAMIC), one("percentile", Types::NUMBER), optional("type", Types::STRING).constant()],
        Gives::By(percentile_type),
        percentile_tdigest,
        &[(
            "percentile_tdigest(toscalar(range x from 1 to 100 step 1 | summarize tdigest(x)), 95, typeof(long))",
            "95",
        )],
    ),
    row(
        &["percentiles_array_tdigest"],
        "Several percentiles of the values that a sketch made by `tdigest` has seen, as an array.",
        &[one("tdigest", Types::DYNAMIC), many("percentile", Types::NUMBER.or(Types::DYNAMIC), 1, 256)],
        Gives::Always(Type::Dynamic),
        percentiles_array_tdigest,
        &[(
            "percentiles_array_tdigest(toscalar(range x from 1 to 100 step 1 | summarize tdigest(x)), 5, 95)",
            "[5,95]",
        )],
    ),
    row(
        &["rank_tdigest"],
        "About how many values of a sketch made by `tdigest` are at or below a value.",
        &[one("digest", Types::DYNAMIC), one("value", Types::ANY)],
        Gives::Always(Type::Real),
        |_, args| ranked(args, |below, _| below),
        &[("rank_tdigest(toscalar(range x from 1 to 100 step 1 | summarize tdigest(x)), 20)", "20.0")],
    ),
    row(
        &["percentrank_tdigest"],
        "How many percent of the values of a sketch made by `tdigest` are at or below a value.",
        &[one("digest", Types::DYNAMIC), one("value", Types::ANY)],
        Gives::Always(Type::Real),
        |_, args| ranked(args, |below, all| below / all * 100.0),
        &[("percentrank_tdigest(toscalar(range x from 1 to 10 step 1 | summarize tdigest(x)), 5)", "50.0")],
    ),
    row(
        &["merge_tdigest", "tdigest_merge", "merge_tdigests"],
        "Sketches made by `tdigest` joined to one.",
        &[many("tdigest", Types::DYNAMIC, 2, 64)],
        Gives::Always(Type::Dynamic),
        merge_tdigest,
        &[(
            "percentile_tdigest(merge_tdigest(toscalar(range x from 1 to 3 step 1 | summarize tdigest(x)), \
             toscalar(range x from 4 to 5 step 1 | summarize tdigest(x))), 50, typeof(long))",
            "3",
        )],
    ),
    row(
        &["tdigest_isvalid"],
        "Whether a value is a sketch made by `tdigest`.",
        &[one("digest", Types::DYNAMIC)],
        Gives::Always(Type::Bool),
        |_, args| Value::Bool(Quantiles::from_value(&args[0]).is_some()),
        &[("tdigest_isvalid(dynamic([1]))", "False")],
    ),
];

fn dcount_hll<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    Hll::from_value(&args[0]).map_or(Value::Null, |hll| Value::Long(hll.estimate()))
}

fn hll_merge<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let joined = args.iter().filter_map(Hll::from_value).reduce(|mut all, hll| {
        all.union(&hll);
        all
    });
    joined.map_or(Value::Null, |hll| hll.to_value())
}

fn merge_tdigest<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let joined = args.iter().filter_map(Quantiles::from_value).reduce(|mut all, digest| {
        all.union(&digest);
        all
    });
    joined.map_or(Value::Null, |digest| digest.to_value())
}

fn percentile_type(args: &[Arg<'_>]) -> Result<Type, String> {
    if args.len() > 2 { named_type(args, 2) } else { Ok(Type::Dynamic) }
}

fn percentile_tdigest<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let value = Quantiles::from_value(&args[0]).zip(args[1].as_real()).and_then(|(digest, percent)| digest.at(percent));
    value.map_or(Value::absent(call.gives), |value| convert::to(&value, call.gives))
}

fn percentiles_array_tdigest<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(digest) = Quantiles::from_value(&args[0]) else { return Value::Null };
    let numbers = |value: &Value<'_>| match elements(value) {
        Some(items) => items.iter().filter_map(Json::as_f64).collect(),
        None => value.as_real().into_iter().collect::<Vec<_>>(),
    };
    let percents: Vec<f64> = args[1..].iter().flat_map(numbers).collect();
    let values = digest.many(&percents);
    let items = values.iter().map(|value| value.as_ref().map_or(Json::Null, Value::to_json)).collect();
    Value::Dynamic(Dynamic::Tree(Json::Array(items)))
}

fn ranked<'a>(args: &[Value<'a>], of: fn(f64, f64) -> f64) -> Value<'a> {
    let Some(digest) = Quantiles::from_value(&args[0]).filter(|_| !args[1].is_null()) else { return Value::Null };
    let (below, all) = digest.rank(&args[1]);
    Value::Real(of(below, all))
}
