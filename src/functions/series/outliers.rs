//! Outliers of a series, scored by Tukey's fences.
use super::super::arguments::{row, text};
use super::super::{Call, Function, Gives, one, optional};
use super::{numbers, quantile};
use crate::types::{Type, Types};
use crate::value::{Json, Value, real};

pub const FUNCTIONS: &[Function] = &[row(
    &["series_outliers"],
    "A score for each element: 0 between the fences, and past them the distance in units of their own, 1.5 or more being \
     an outlier. Fences are the percentiles 25 and 75 (`tukey`) or others (`ctukey`, by default 10 and 90).",
    &[
        one("series", Types::DYNAMIC),
        optional("kind", Types::STRING),
        optional("ignore_val", Types::NUMBER),
        optional("min_percentile", Types::NUMBER),
        optional("max_percentile", Types::NUMBER),
        optional("test_points", Types::INTEGER),
    ],
    Gives::Always(Type::Dynamic),
    series_outliers,
    &[("toreal(series_outliers(dynamic([1, 2, 3, 4, 5, 6, 7, 8, 9, 30]))[0]) < 0", "True")],
)
.differs("the unit of a score is known for the percentiles 10 and 90; for other ones it is taken from the normal distribution")];

/// Units of a score within the distance of the fences at the percentiles 10 and 90: the reference engine's own number.
const UNITS_10_90: f64 = 2.772_605_605_507_915;

/// Scores of the elements by fences at two shares of those that are learnt from.
pub fn scores(all: &[f64], learnt: &[f64], shares: (f64, f64)) -> Vec<f64> {
    let mut sorted: Vec<f64> = learnt.iter().copied().filter(|x| x.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&sorted, shares.0), quantile(&sorted, shares.1));
    let unit = (high - low) / units(shares);
    let score = |x: f64| {
        if x > high {
            (x - high) / unit
        } else if x < low {
            (x - low) / unit
        } else {
            0.0
        }
    };
    all.iter().map(|x| score(*x)).collect()
}

/// One for quartiles; between and beyond as the normal distribution has it.
fn units((low, high): (f64, f64)) -> f64 {
    if (low, high) == (0.1, 0.9) {
        return UNITS_10_90;
    }
    let (quartile, fence) = (normal(0.75), normal(high));
    let width = fence - normal(low);
    let beyond = 4.0 * quartile - fence;
    if beyond > 0.0 { 1.5 * width / beyond } else { 1.0 }
}

/// The value below which that share of a normal distribution lies (Acklam's fit, good to nine digits).
fn normal(share: f64) -> f64 {
    let share = share.clamp(1e-9, 1.0 - 1e-9);
    if share < 0.5 {
        return -normal(1.0 - share);
    }
    if share <= 0.975_75 {
        let q = share - 0.5;
        let r = q * q;
        let up = ((((-39.696_830_286_653_76 * r + 220.946_098_424_520_5) * r - 275.928_510_446_968_7) * r
            + 138.357_751_867_269)
            * r
            - 30.664_798_066_147_16)
            * r
            + 2.506_628_277_459_239;
        let down = ((((-54.476_098_798_224_06 * r + 161.585_836_858_040_9) * r - 155.698_979_859_886_6) * r
            + 66.801_311_887_719_72)
            * r
            - 13.280_681_552_885_72)
            * r
            + 1.0;
        return q * up / down;
    }
    let q = (-2.0 * (1.0 - share).ln()).sqrt();
    let up = ((((-0.007_784_894_002_430_293 * q - 0.322_396_458_041_136_5) * q - 2.400_758_277_161_838) * q
        - 2.549_732_539_343_734)
        * q
        + 4.374_664_141_464_968)
        * q
        + 2.938_163_982_698_783;
    let down = (((0.007_784_695_709_041_462 * q + 0.322_467_129_070_039_8) * q + 2.445_134_137_142_996) * q
        + 3.754_408_661_907_416)
        * q
        + 1.0;
    -up / down
}

/// The fences that a method's name stands for.
pub fn shares(kind: &str) -> Option<(f64, f64)> {
    match kind.to_ascii_lowercase().as_str() {
        "tukey" => Some((0.25, 0.75)),
        "ctukey" | "" => Some((0.1, 0.9)),
        _ => None,
    }
}

fn series_outliers<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(all) = numbers(&args[0]) else { return Value::Null };
    let Some(mut shares) = shares(&text(args, 1)) else { return Value::Null };
    let percentile = |at: usize| args.get(at).and_then(Value::as_real).map(|percent| (percent / 100.0).clamp(0.0, 1.0));
    if let (Some(low), Some(high)) = (percentile(3), percentile(4)) {
        shares = (low, high);
    }
    let ignored = args.get(2).and_then(Value::as_real);
    let tests = args.get(5).and_then(Value::as_long).and_then(|tests| usize::try_from(tests).ok()).unwrap_or(0);
    let counted = |x: &Option<f64>| x.filter(|x| Some(*x) != ignored);
    let learnt: Vec<f64> = all.iter().take(all.len().saturating_sub(tests)).filter_map(counted).collect();
    let scored = scores(&all.iter().map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<_>>(), &learnt, shares);
    let shown =
        all.iter().zip(scored).map(|(x, score)| if counted(x).is_some() { real::json(score) } else { Json::Null });
    Value::json(shown.collect())
}
