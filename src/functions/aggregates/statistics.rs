//! Spread and relation of values: standard deviation, variance, covariance. Nulls are passed over; fewer than two
//! values make 0. The reference engine rounds variances to ten decimals before anything else is made of them.
use super::only_if::{only_if, only_if_last};
use crate::functions::{Aggregate, Call, Fold, Gives, one};
use crate::types::{Type, Types};
use crate::value::Value;

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["stdev"],
        doc: "The standard deviation of a sample.",
        takes: &[one("expr", Types::SUMMABLE)],
        gives: Gives::Always(Type::Real),
        column: "stdev_",
        start: |_| spread(Of::Sample, true),
        examples: &[("datatable(x:long)[1, 2, 3] | summarize stdev(x)", "1.0")],
        differs: None,
    },
    Aggregate {
        names: &["stdevif"],
        doc: "The standard deviation of a sample: the rows where the predicate is true.",
        takes: &[one("expr", Types::SUMMABLE), one("predicate", Types::BOOL)],
        gives: Gives::Always(Type::Real),
        column: "stdevif_",
        start: |call| only_if(call, |_| spread(Of::Sample, true)),
        examples: &[("datatable(x:long)[1, 2, 3, 99] | summarize stdevif(x, x < 9)", "1.0")],
        differs: None,
    },
    Aggregate {
        names: &["stdevp"],
        doc: "The standard deviation of a whole population.",
        takes: &[one("expr", Types::SUMMABLE)],
        gives: Gives::Always(Type::Real),
        column: "stdevp_",
        start: |_| spread(Of::Population, true),
        examples: &[("datatable(x:long)[1, 3] | summarize stdevp(x)", "1.0")],
        differs: None,
    },
    Aggregate {
        names: &["variance"],
        doc: "The variance of a sample.",
        takes: &[one("expr", Types::SUMMABLE)],
        gives: Gives::Always(Type::Real),
        column: "variance_",
        start: |_| spread(Of::Sample, false),
        examples: &[("datatable(x:long)[1, 3] | summarize variance(x)", "2.0")],
        differs: None,
    },
    Aggregate {
        names: &["varianceif"],
        doc: "The variance of a sample: the rows where the predicate is true.",
        takes: &[one("expr", Types::SUMMABLE), one("predicate", Types::BOOL)],
        gives: Gives::Always(Type::Real),
        column: "varianceif_",
        start: |call| only_if(call, |_| spread(Of::Sample, false)),
        examples: &[("datatable(x:long)[1, 3, 99] | summarize varianceif(x, x < 9)", "2.0")],
        differs: None,
    },
    Aggregate {
        names: &["variancep"],
        doc: "The variance of a whole population.",
        takes: &[one("expr", Types::SUMMABLE)],
        gives: Gives::Always(Type::Real),
        column: "variancep_",
        start: |_| spread(Of::Population, false),
        examples: &[("datatable(x:long)[1, 3] | summarize variancep(x)", "1.0")],
        differs: None,
    },
    Aggregate {
        names: &["variancepif"],
        doc: "The variance of a whole population: the rows where the predicate is true.",
        takes: &[one("expr", Types::SUMMABLE), one("predicate", Types::BOOL)],
        gives: Gives::Always(Type::Real),
        column: "variancepif_",
        start: |call| only_if(call, |_| spread(Of::Population, false)),
        examples: &[("datatable(x:long)[1, 3, 99] | summarize variancepif(x, x < 9)", "1.0")],
        differs: None,
    },
    Aggregate {
        names: &["covariance"],
        doc: "How two values of a sample vary together.",
        takes: &[one("expr1", Types::SUMMABLE), one("expr2", Types::SUMMABLE)],
        gives: Gives::Always(Type::Real),
        column: "covariance_",
        start: start_covariance,
        examples: &[("datatable(x:long, y:long)[1, 1, 3, 5] | summarize covariance(x, y)", "4.0")],
        differs: None,
    },
    Aggregate {
        names: &["covarianceif"],
        doc: "How two values of a sample vary together: the rows where the predicate is true.",
        takes: &[one("expr1", Types::SUMMABLE), one("expr2", Types::SUMMABLE), one("predicate", Types::BOOL)],
        gives: Gives::Always(Type::Real),
        column: "covarianceif_",
        start: |call| only_if_last(call, start_covariance),
        examples: &[("datatable(x:long, y:long)[1, 1, 3, 5, 9, 9] | summarize covarianceif(x, y, x < 9)", "4.0")],
        differs: None,
    },
    Aggregate {
        names: &["covariancep"],
        doc: "How two values of a whole population vary together.",
        takes: &[one("expr1", Types::SUMMABLE), one("expr2", Types::SUMMABLE)],
        gives: Gives::Always(Type::Real),
        column: "covariancep_",
        start: start_covariance_of_all,
        examples: &[("datatable(x:long, y:long)[1, 1, 3, 5] | summarize covariancep(x, y)", "2.0")],
        differs: None,
    },
    Aggregate {
        names: &["covariancepif"],
        doc: "How two values of a whole population vary together: the rows where the predicate is true.",
        takes: &[one("expr1", Types::SUMMABLE), one("expr2", Types::SUMMABLE), one("predicate", Types::BOOL)],
        gives: Gives::Always(Type::Real),
        column: "covariancepif_",
        start: |call| only_if_last(call, start_covariance_of_all),
        examples: &[("datatable(x:long, y:long)[1, 1, 3, 5, 9, 9] | summarize covariancepif(x, y, x < 9)", "2.0")],
        differs: None,
    },
];

#[derive(Clone, Copy, Debug)]
enum Of {
    Sample,
    Population,
}

fn number(value: Option<&Value<'_>>) -> Option<f64> {
    match value? {
        Value::Datetime(ticks) | Value::Timespan(ticks) => Some(*ticks as f64),
        value => value.as_real(),
    }
}

/// A sum of squares over its count, to ten decimals. Reals too big to have that many are left alone.
fn mean_square(of: Of, sum: f64, count: f64) -> f64 {
    let count = match of {
        Of::Sample => count - 1.0,
        Of::Population => count,
    };
    if count <= 0.0 {
        return 0.0;
    }
    let exact = sum / count;
    if exact.abs() < 1e5 { (exact * 1e10).round_ties_even() / 1e10 } else { exact }
}

fn spread(of: Of, root: bool) -> Box<dyn Fold> {
    Box::new(Spread { of, root, count: 0.0, mean: 0.0, squares: 0.0 })
}

/// Welford's running mean and sum of squared distances from it.
#[derive(Debug)]
struct Spread {
    of: Of,
    root: bool,
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold for Spread {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(x) = number(args.first()) {
            self.count += 1.0;
            let distance = x - self.mean;
            self.mean += distance / self.count;
            self.squares += distance * (x - self.mean);
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        [self.count, self.mean, self.squares].map(Value::Real).into()
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let [Value::Real(count), Value::Real(mean), Value::Real(squares)] = state
            && *count > 0.0
        {
            let all = self.count + count;
            let distance = mean - self.mean;
            self.squares += squares + distance * distance * self.count * count / all;
            self.mean += distance * count / all;
            self.count = all;
        }
    }
    fn finish(&self) -> Value<'static> {
        let variance = mean_square(self.of, self.squares, self.count);
        Value::Real(if self.root { variance.sqrt() } else { variance })
    }
    fn size(&self) -> usize {
        0
    }
}

fn start_covariance(_: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Together::of(Of::Sample))
}

fn start_covariance_of_all(_: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Together::of(Of::Population))
}

#[derive(Debug)]
struct Together {
    of: Of,
    count: f64,
    means: (f64, f64),
    products: f64,
}

impl Together {
    fn of(of: Of) -> Together {
        Together { of, count: 0.0, means: (0.0, 0.0), products: 0.0 }
    }
}

impl Fold for Together {
    fn add(&mut self, args: &[Value<'_>]) {
        if let (Some(x), Some(y)) = (number(args.first()), number(args.get(1))) {
            self.count += 1.0;
            let distance = x - self.means.0;
            self.means.0 += distance / self.count;
            self.means.1 += (y - self.means.1) / self.count;
            self.products += distance * (y - self.means.1);
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        [self.count, self.means.0, self.means.1, self.products].map(Value::Real).into()
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let [Value::Real(count), Value::Real(x), Value::Real(y), Value::Real(products)] = state
            && *count > 0.0
        {
            let all = self.count + count;
            let (dx, dy) = (x - self.means.0, y - self.means.1);
            self.products += products + dx * dy * self.count * count / all;
            self.means = (self.means.0 + dx * count / all, self.means.1 + dy * count / all);
            self.count = all;
        }
    }
    fn finish(&self) -> Value<'static> {
        Value::Real(mean_square(self.of, self.products, self.count))
    }
    fn size(&self) -> usize {
        0
    }
}
