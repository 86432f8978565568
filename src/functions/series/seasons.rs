//! Seasons of a series: finding periods, taking a series apart, and what does not fit.
//!
//! The reference engine's ways, recovered from its answers to the last digit: a period's score is its circular
//! autocorrelation on a scale from the least to the greatest one; the season is the median of each phase; the trend
//! is the mean of, or a line through, what is left.
use super::super::arguments::{long, row, text};
use super::super::{Call, Function, Gives, many, one, optional};
use super::fits::line;
use super::fourier::{Complex, complex, inverse, transform};
use super::{mean, median, only_numbers, outliers, reals};
use crate::types::{Type, Types};
use crate::value::{Json, Value, real};

const DYNAMIC: Gives = Gives::Always(Type::Dynamic);
/// Longer series are refused: their transform would not fit the memory of a query.
const LONGEST: usize = 1 << 20;
/// Shorter periods are not looked for.
const SHORTEST_PERIOD: usize = 4;
/// Frequencies with less than this share of the strongest one's power say nothing.
const LEAST_POWER: f64 = 0.05;
/// What a period must score to be taken, where the query does not say.
const THRESHOLD: f64 = 0.6;

pub const FUNCTIONS: &[Function] = &[
    row(
        &["series_periods_detect"],
        "The most likely periods of a series between two lengths, the best first, and their scores from 0 to 1; in \
         columns of their own.",
        &[
            one("series", Types::DYNAMIC),
            one("min_period", Types::NUMBER),
            one("max_period", Types::NUMBER),
            one("num_periods", Types::INTEGER),
        ],
        DYNAMIC,
        series_periods_detect,
        &[(
            "series_periods_detect(dynamic([1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1]), 0, 10, 1)[0]",
            "[6.0]",
        )],
    )
    .differs("which periods are looked at is our own choice where several score alike"),
    row(
        &["series_periods_validate"],
        "The scores of given periods of a series, from 0 to 1; in columns of their own.",
        &[one("series", Types::DYNAMIC), many("period", Types::NUMBER, 1, 16)],
        DYNAMIC,
        series_periods_validate,
        &[("series_periods_validate(dynamic([1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2]), 6)[1]", "[1.0]")],
    ),
    row(
        &["series_seasonal"],
        "The season of a series: the median of each phase of a period, found by itself unless it is given.",
        &[one("series", Types::DYNAMIC), optional("period", Types::INTEGER), optional("test_points", Types::INTEGER)],
        DYNAMIC,
        series_seasonal,
        &[("series_seasonal(dynamic([1, 3, 5, 1, 3, 5, 2, 4, 6]), 3)", "[1.0,3.0,5.0,1.0,3.0,5.0,1.0,3.0,5.0]")],
    ),
    row(
        &["series_decompose"],
        "A series taken apart into baseline (season and trend together), season, trend and rest; in columns of their \
         own. `period` is found by itself (-1), none (0) or given; `trend` is `avg`, `linefit` or `none`; the last \
         `test_points` are not learnt from.",
        &[
            one("series", Types::DYNAMIC),
            optional("period", Types::INTEGER),
            optional("trend", Types::STRING),
            optional("test_points", Types::INTEGER),
            optional("seasonality_threshold", Types::NUMBER),
        ],
        DYNAMIC,
        series_decompose,
        &[("series_decompose(dynamic([1, 3, 5, 1, 3, 5, 1, 3, 5]), 3)[3]", "[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]")],
    ),
    row(
        &["series_decompose_forecast"],
        "The series taken apart (see `series_decompose`) without its last `points`, and its baseline over them: the \
         forecast.",
        &[
            one("series", Types::DYNAMIC),
            one("points", Types::INTEGER),
            optional("period", Types::INTEGER),
            optional("trend", Types::STRING),
            optional("seasonality_threshold", Types::NUMBER),
        ],
        DYNAMIC,
        series_decompose_forecast,
        &[("series_decompose_forecast(dynamic([1, 2, 3, 4, 0, 0]), 2, 0)[0][5]", "6.0")],
    ),
    row(
        &["series_decompose_anomalies"],
        "The points of a series that its season and trend do not explain: 1 or -1 where the score of the rest (see \
         `series_outliers`) reaches the threshold (1.5), the scores, and the baseline; in columns of their own.",
        &[
            one("series", Types::DYNAMIC),
            optional("threshold", Types::NUMBER),
            optional("period", Types::INTEGER),
            optional("trend", Types::STRING),
            optional("test_points", Types::INTEGER),
            optional("method", Types::STRING),
            optional("seasonality_threshold", Types::NUMBER),
        ],
        DYNAMIC,
        series_decompose_anomalies,
        &[("series_decompose_anomalies(dynamic([1, 2, 1, 2, 1, 90, 1, 2, 1, 2, 1, 2, 1, 2]), 1.5, 0)[0][5]", "1")],
    ),
];

fn series(args: &[Value<'_>]) -> Option<Vec<f64>> {
    only_numbers(&args[0]).filter(|all| all.len() <= LONGEST && all.iter().all(|x| x.is_finite()))
}

/// Powers of the frequencies 0, 1, 2, … of a series, and its circular autocorrelations at the lags 0, 1, 2, … up to
/// half its length, from 0 for the least to 1.
struct Spectrum {
    length: usize,
    powers: Vec<f64>,
    scores: Vec<f64>,
}

impl Spectrum {
    fn of(all: &[f64]) -> Option<Spectrum> {
        let length = all.len();
        if length < 2 * SHORTEST_PERIOD {
            return None;
        }
        let mean = mean(all);
        let centred: Vec<f64> = all.iter().map(|x| x - mean).collect();
        let powers: Vec<f64> = transform(&complex(&centred)).iter().map(|x| x.re * x.re + x.im * x.im).collect();
        let turned: Vec<Complex> = complex(&powers);
        let correlations: Vec<f64> = inverse(&turned).iter().take(length / 2 + 1).map(|x| x.re).collect();
        let least = correlations.iter().copied().fold(f64::INFINITY, f64::min);
        let range = correlations[0] - least;
        // A flat series has no periods.
        (range > 1e-12 * (1.0 + mean.abs())).then(|| Spectrum {
            length,
            powers,
            scores: correlations.iter().map(|x| ((x - least) / range).min(1.0)).collect(),
        })
    }

    /// A period must be the greatest of its neighbours, from half to one and a half of it.
    fn score(&self, period: usize) -> f64 {
        if period < SHORTEST_PERIOD || period >= self.length.div_ceil(2) {
            return 0.0;
        }
        let last = (3 * period / 2).min(self.scores.len() - 1);
        let neighbours = &self.scores[period.div_ceil(2)..=last];
        let score = self.scores[period];
        if neighbours.iter().all(|other| *other <= score) { score } else { 0.0 }
    }

    /// Periods that stand out in both frequency and autocorrelation, the best first.
    fn periods(&self) -> Vec<(usize, f64)> {
        let half = self.length / 2;
        let least = LEAST_POWER * self.powers[1..=half].iter().copied().fold(0.0, f64::max);
        let mut found: Vec<(usize, f64)> = Vec::new();
        for k in 2..=half {
            let power = self.powers[k];
            let peak = power >= least
                && power >= self.powers[k - 1]
                && self.powers.get(k + 1).is_none_or(|next| power >= *next);
            if !peak {
                continue;
            }
            // The frequency is known to one part of k; the autocorrelation says the rest.
            let range = self.length.div_ceil(k + 1)..=(self.length / (k - 1)).min(half);
            let best = range.max_by(|a, b| self.scores[*a].total_cmp(&self.scores[*b]));
            if let Some(period) = best.filter(|period| !found.iter().any(|(known, _)| known == period)) {
                let score = self.score(period);
                if score > 0.0 {
                    found.push((period, score));
                }
            }
        }
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found
    }
}

fn series_periods_detect<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(all), Some(least), Some(most), Some(count)) = (
        series(args),
        args[1].as_real(),
        args[2].as_real(),
        long(args, 3).and_then(|count| usize::try_from(count).ok()),
    ) else {
        return Value::Null;
    };
    let wanted = |period: &(usize, f64)| (least..=most).contains(&(period.0 as f64));
    let mut found: Vec<(usize, f64)> = Spectrum::of(&all).map_or(vec![], |spectrum| spectrum.periods());
    found.retain(wanted);
    found.resize(count.min(64), (0, 0.0));
    Value::json(Json::Array(vec![reals(found.iter().map(|one| one.0 as f64)), reals(found.iter().map(|one| one.1))]))
}

fn series_periods_validate<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(all) = series(args) else { return Value::Null };
    let periods: Vec<f64> = args[1..].iter().filter_map(Value::as_real).collect();
    let spectrum = Spectrum::of(&all);
    let score =
        |period: &f64| spectrum.as_ref().map_or(0.0, |spectrum| spectrum.score(period.round().max(0.0) as usize));
    let scores: Vec<f64> = periods.iter().map(score).collect();
    Value::json(Json::Array(vec![reals(periods), reals(scores)]))
}

/// How a series is to be taken apart.
struct Plan {
    /// Found by itself, none, or given.
    period: Option<usize>,
    trend: Trend,
    learnt: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Trend {
    Average,
    Line,
    None,
}

impl Plan {
    fn read(all: &[f64], args: &[Value<'_>], at: [Option<usize>; 4], usual: Trend) -> Option<Plan> {
        let [period, trend, tests, threshold] = at;
        let argument = |at: Option<usize>| at.and_then(|at| args.get(at)).filter(|value| !value.is_null());
        let tests = argument(tests).and_then(Value::as_long).unwrap_or(0);
        let learnt = all.len().checked_sub(usize::try_from(tests).ok()?).filter(|learnt| *learnt > 0)?;
        let threshold = argument(threshold).and_then(Value::as_real).unwrap_or(THRESHOLD);
        let period = match argument(period).and_then(Value::as_long).unwrap_or(-1) {
            0 => None,
            given if given > 0 => usize::try_from(given).ok().filter(|given| *given < learnt),
            _ => Spectrum::of(&all[..learnt])
                .and_then(|spectrum| spectrum.periods().first().copied())
                .filter(|(_, score)| *score >= threshold)
                .map(|(period, _)| period),
        };
        let trend = match argument(trend).map(|value| value.text().to_ascii_lowercase()).as_deref() {
            None => usual,
            Some("avg") => Trend::Average,
            Some("linefit") => Trend::Line,
            Some("none") => Trend::None,
            Some(_) => return None,
        };
        Some(Plan { period, trend, learnt })
    }
}

/// The median of each phase, over the whole length.
fn season(all: &[f64], period: Option<usize>, learnt: usize) -> Vec<f64> {
    let Some(period) = period.filter(|period| *period > 0) else { return vec![0.0; all.len()] };
    let phase = |at: usize| median(all[..learnt].iter().skip(at).step_by(period).copied().collect());
    let phases: Vec<f64> = (0..period.min(all.len())).map(phase).collect();
    (0..all.len()).map(|at| phases[at % period]).collect()
}

struct Parts {
    baseline: Vec<f64>,
    season: Vec<f64>,
    trend: Vec<f64>,
    rest: Vec<f64>,
}

fn take_apart(all: &[f64], plan: &Plan) -> Parts {
    let season = season(all, plan.period, plan.learnt);
    let left: Vec<f64> = all.iter().zip(&season).take(plan.learnt).map(|(x, season)| x - season).collect();
    let (slope, start) = match plan.trend {
        Trend::Average => (0.0, mean(&left)),
        Trend::Line => line(&left),
        Trend::None => (0.0, 0.0),
    };
    let trend: Vec<f64> = (0..all.len()).map(|at| start + slope * at as f64).collect();
    let baseline: Vec<f64> = trend.iter().zip(&season).map(|(trend, season)| trend + season).collect();
    let rest = all.iter().zip(&baseline).map(|(x, baseline)| x - baseline).collect();
    Parts { baseline, season, trend, rest }
}

fn shown<'a>(parts: Parts) -> Value<'a> {
    let all = [parts.baseline, parts.season, parts.trend, parts.rest];
    Value::json(Json::Array(all.into_iter().map(reals).collect()))
}

fn series_seasonal<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(all) = series(args) else { return Value::Null };
    let Some(plan) = Plan::read(&all, args, [Some(1), None, Some(2), None], Trend::None) else { return Value::Null };
    Value::json(reals(season(&all, plan.period, plan.learnt)))
}

fn series_decompose<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(all) = series(args) else { return Value::Null };
    let plan = Plan::read(&all, args, [Some(1), Some(2), Some(3), Some(4)], Trend::Average);
    plan.map_or(Value::Null, |plan| shown(take_apart(&all, &plan)))
}

fn series_decompose_forecast<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(all) = series(args) else { return Value::Null };
    let plan = Plan::read(&all, args, [Some(2), Some(3), Some(1), Some(4)], Trend::Line);
    plan.map_or(Value::Null, |plan| shown(take_apart(&all, &plan)))
}

fn series_decompose_anomalies<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(all) = series(args) else { return Value::Null };
    let plan = Plan::read(&all, args, [Some(2), Some(3), Some(4), Some(6)], Trend::Average);
    let (Some(plan), Some(shares)) = (plan, outliers::shares(&text(args, 5))) else { return Value::Null };
    let threshold = args.get(1).and_then(Value::as_real).unwrap_or(1.5);
    let parts = take_apart(&all, &plan);
    let scores = outliers::scores(&parts.rest, &parts.rest[..plan.learnt], shares);
    let flag = |score: &f64| {
        Json::from(if *score >= threshold {
            1
        } else if *score <= -threshold {
            -1
        } else {
            0
        })
    };
    let flags = scores.iter().map(flag).collect();
    Value::json(Json::Array(vec![
        flags,
        scores.iter().map(|score| real::json(*score)).collect(),
        reals(parts.baseline),
    ]))
}
