//! Functions of probability: gamma, beta, error function, and the test that compares two means.
use super::arguments::row;
use super::{Function, Gives, Param, one};
use crate::types::{Type, Types};
use crate::value::Value;

const NUMBER: &[Param] = &[one("number", Types::NUMBER)];
const BETA: &[Param] = &[one("x", Types::NUMBER), one("alpha", Types::NUMBER), one("beta", Types::NUMBER)];
const REAL: Gives = Gives::Always(Type::Real);

pub const FUNCTIONS: &[Function] = &[
    row(&["gamma"], "The gamma function.", NUMBER, REAL, |_, args| of_one(args, gamma), &[("gamma(5)", "24.0")]),
    row(
        &["loggamma"],
        "The natural logarithm of the gamma function's absolute value.",
        NUMBER,
        REAL,
        |_, args| of_one(args, ln_gamma),
        &[("round(loggamma(5), 6)", "3.178054")],
    ),
    row(
        &["erf"],
        "The error function.",
        NUMBER,
        REAL,
        |_, args| of_one(args, |x| 1.0 - erfc(x)),
        &[("round(erf(1), 9)", "0.842700793")],
    ),
    row(
        &["erfc"],
        "One minus the error function.",
        NUMBER,
        REAL,
        |_, args| of_one(args, erfc),
        &[("round(erfc(1), 9)", "0.157299207")],
    ),
    row(
        &["beta_cdf"],
        "The share of the beta distribution at or below x; NaN where x is not from 0 to 1, or alpha or beta is not \
         positive.",
        BETA,
        REAL,
        |_, args| of_beta(args, Value::Real(f64::NAN), beta_cdf),
        &[("round(beta_cdf(0.2, 10, 20), 6)", "0.049264"), ("beta_cdf(2, 10, 20)", "NaN")],
    ),
    row(
        &["beta_inv"],
        "The x up to which that share of the beta distribution lies: null for what is no share, NaN where alpha or \
         beta is not positive.",
        &[one("probability", Types::NUMBER), one("alpha", Types::NUMBER), one("beta", Types::NUMBER)],
        REAL,
        |_, args| of_beta(args, Value::Null, beta_inv),
        &[
            ("round(beta_inv(0.1, 10, 20), 6)", "0.226415"),
            ("beta_inv(0.1, -1.0, 20)", "NaN"),
            ("beta_inv(2, 10, 20)", "null"),
        ],
    ),
    row(
        &["beta_pdf"],
        "The density of the beta distribution at x; see `beta_cdf`.",
        BETA,
        REAL,
        |_, args| of_beta(args, Value::Real(f64::NAN), beta_pdf),
        &[("round(beta_pdf(0.5, 10, 20), 6)", "0.746176"), ("beta_pdf(-1, 10, 20)", "NaN")],
    ),
    row(
        &["welch_test"],
        "The chance that two samples of such means, variances and counts come from one population (Welch's t-test, both \
         tails).",
        &[
            one("mean1", Types::NUMBER),
            one("variance1", Types::NUMBER),
            one("count1", Types::NUMBER),
            one("mean2", Types::NUMBER),
            one("variance2", Types::NUMBER),
            one("count2", Types::NUMBER),
        ],
        REAL,
        |_, args| welch_test(args),
        &[("round(welch_test(20.82, 7.8674285714, 15, 22.9866666667, 3.8126666667, 15), 4)", "0.0214")],
    ),
];

fn of_one<'a>(args: &[Value<'a>], f: fn(f64) -> f64) -> Value<'a> {
    args.first().and_then(Value::as_real).map_or(Value::Null, |x| Value::Real(f(x)))
}

/// Lanczos' approximation with nine terms, good to fifteen digits.
const LANCZOS: [f64; 9] = [
    0.999_999_999_999_809_9,
    676.520_368_121_885_1,
    -1_259.139_216_722_402_8,
    771.323_428_777_653_1,
    -176.615_029_162_140_6,
    12.507_343_278_686_905,
    -0.138_571_095_265_720_12,
    9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
];

fn lanczos(x: f64) -> (f64, f64) {
    let sum = LANCZOS.iter().enumerate().skip(1).fold(LANCZOS[0], |sum, (i, c)| sum + c / (x + i as f64));
    (x + 7.5, sum)
}

fn gamma(x: f64) -> f64 {
    if x <= 0.0 && x == x.floor() {
        return f64::NAN;
    }
    if x == x.floor() && x <= 171.0 {
        return (1..x as u32).map(f64::from).product();
    }
    if x < 0.5 {
        return std::f64::consts::PI / ((std::f64::consts::PI * x).sin() * gamma(1.0 - x));
    }
    let x = x - 1.0;
    let (t, sum) = lanczos(x);
    (2.0 * std::f64::consts::PI).sqrt() * t.powf(x + 0.5) * (-t).exp() * sum
}

fn ln_gamma(x: f64) -> f64 {
    if x <= 0.0 && x == x.floor() {
        return f64::INFINITY;
    }
    if x < 0.5 {
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin().abs()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let (t, sum) = lanczos(x);
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// A series near zero, a continued fraction away from it.
fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 2.5 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 * sum.abs() && n < 200.0 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return 1.0 - sum * 2.0 / std::f64::consts::PI.sqrt();
    }
    let mut tail = 0.0;
    for k in (1..=120).rev() {
        tail = f64::from(k) / 2.0 / (x + tail);
    }
    (-x * x).exp() / ((x + tail) * std::f64::consts::PI.sqrt())
}

/// The regularised incomplete beta function, by Lentz's continued fraction.
fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_cdf(1.0 - x, b, a);
    }
    let front = (a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    let tiny = 1e-300;
    let guarded = |x: f64| if x.abs() < tiny { tiny } else { x };
    let (mut f, mut c, mut d) = (1.0, 1.0, 0.0);
    for i in 0..=500 {
        let m = f64::from(i / 2);
        let numerator = if i == 0 {
            1.0
        } else if i % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / guarded(1.0 + numerator * d);
        c = guarded(1.0 + numerator / c);
        f *= c * d;
        if (1.0 - c * d).abs() < 1e-15 {
            break;
        }
    }
    front * (f - 1.0)
}

fn beta_pdf(x: f64, a: f64, b: f64) -> f64 {
    ((a - 1.0) * x.ln() + (b - 1.0) * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp()
}

/// By halving: sixty steps and some to the last digit.
fn beta_inv(share: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if beta_cdf(middle, a, b) < share { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// `outside` is the answer where the first argument is not from 0 to 1.
fn of_beta<'a>(args: &[Value<'a>], outside: Value<'static>, f: fn(f64, f64, f64) -> f64) -> Value<'a> {
    let [Some(x), Some(a), Some(b)] = [0, 1, 2].map(|at| args.get(at).and_then(Value::as_real)) else {
        return Value::Null;
    };
    if !(0.0..=1.0).contains(&x) {
        return outside;
    }
    Value::Real(if a > 0.0 && b > 0.0 { f(x, a, b) } else { f64::NAN })
}

fn welch_test<'a>(args: &[Value<'a>]) -> Value<'a> {
    let [Some(mean1), Some(variance1), Some(count1), Some(mean2), Some(variance2), Some(count2)] =
        [0, 1, 2, 3, 4, 5].map(|at| args.get(at).and_then(Value::as_real))
    else {
        return Value::Null;
    };
    let (error1, error2) = (variance1 / count1, variance2 / count2);
    let t = (mean1 - mean2) / (error1 + error2).sqrt();
    let freedom = (error1 + error2).powi(2) / (error1.powi(2) / (count1 - 1.0) + error2.powi(2) / (count2 - 1.0));
    if !t.is_finite() || !freedom.is_finite() || freedom <= 0.0 {
        return Value::Real(f64::NAN);
    }
    Value::Real(beta_cdf(freedom / (freedom + t * t), freedom / 2.0, 0.5))
}
