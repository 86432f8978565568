//! Datetimes: their parts, the beginnings and ends of periods, differences, and making them from numbers.
use super::arguments::{long, row, text};
use super::{Arg, Call, Function, Gives, Param, one, optional};
use crate::types::{Type, Types};
use crate::value::datetime::{
    Civil, MAX, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, UNIX_EPOCH, days, days_in_month,
};
use crate::value::{Value, convert};

const TICKS_PER_WEEK: i64 = 7 * TICKS_PER_DAY;
const TICKS_PER_MILLISECOND: i64 = TICKS_PER_SECOND / 1_000;
const TICKS_PER_MICROSECOND: i64 = TICKS_PER_SECOND / 1_000_000;

const DATE: &[Param] = &[one("date", Types::DATETIME)];
const DATE_AND_OFFSET: &[Param] = &[one("date", Types::DATETIME), optional("offset", Types::INTEGER)];

pub const FUNCTIONS: &[Function] = &[
    row(
        &["startofday"],
        "The beginning of the day, moved by `offset` days.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Day, start_of),
        &[("startofday(datetime(2017-01-01 10:10:17), -1)", "2016-12-31T00:00:00.0000000Z")],
    ),
    row(
        &["startofweek"],
        "The beginning of the week, a Sunday, moved by `offset` weeks.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Week, start_of),
        &[("startofweek(datetime(2017-01-01 10:10:17), 1)", "2017-01-08T00:00:00.0000000Z")],
    ),
    row(
        &["startofmonth"],
        "The beginning of the month, moved by `offset` months.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Month, start_of),
        &[("startofmonth(datetime(2017-01-31), -1)", "2016-12-01T00:00:00.0000000Z")],
    ),
    row(
        &["startofyear"],
        "The beginning of the year, moved by `offset` years.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Year, start_of),
        &[("startofyear(datetime(2017-05-05))", "2017-01-01T00:00:00.0000000Z")],
    ),
    row(
        &["endofday"],
        "The last instant of the day, moved by `offset` days.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Day, end_of),
        &[("endofday(datetime(2017-01-01 10:10:17))", "2017-01-01T23:59:59.9999999Z")],
    ),
    row(
        &["endofweek"],
        "The last instant of the week, on a Saturday, moved by `offset` weeks.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Week, end_of),
        &[("endofweek(datetime(2017-01-01 10:10:17))", "2017-01-07T23:59:59.9999999Z")],
    ),
    row(
        &["endofmonth"],
        "The last instant of the month, moved by `offset` months.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Month, end_of),
        &[("endofmonth(datetime(2020-01-31), 1)", "2020-02-29T23:59:59.9999999Z")],
    ),
    row(
        &["endofyear"],
        "The last instant of the year, moved by `offset` years.",
        DATE_AND_OFFSET,
        Gives::Always(Type::Datetime),
        |_, args| moved(args, Unit::Year, end_of),
        &[("endofyear(datetime(9999-05-05))", "9999-12-31T23:59:59.9999999Z")],
    ),
    row(
        &["dayofweek"],
        "The whole days since the preceding Sunday, as a timespan.",
        DATE,
        Gives::Always(Type::Timespan),
        dayofweek,
        &[("dayofweek(datetime(1970-05-11))", "1.00:00:00")],
    ),
    row(
        &["dayofmonth"],
        "The day of the month.",
        DATE,
        Gives::Always(Type::Int),
        |_, args| int_part(args, 0, |at| Civil::of(at).day as i32),
        &[("dayofmonth(datetime(2015-12-14))", "14")],
    ),
    row(
        &["dayofyear"],
        "The day of the year.",
        DATE,
        Gives::Always(Type::Int),
        |_, args| int_part(args, 0, day_of_year),
        &[("dayofyear(datetime(2015-12-14))", "348")],
    ),
    row(
        &["hourofday"],
        "The hour of the day, 0 to 23.",
        DATE,
        Gives::Always(Type::Int),
        |_, args| int_part(args, 0, |at| Civil::of(at).hour as i32),
        &[("hourofday(datetime(2015-12-14 18:54))", "18")],
    ),
    row(
        &["week_of_year", "weekofyear"],
        "The number of the week by ISO 8601: weeks begin on Monday, the first one has the year's first Thursday.",
        DATE,
        Gives::Always(Type::Int),
        |_, args| int_part(args, 0, iso_week),
        &[("week_of_year(datetime(2020-12-31))", "53"), ("week_of_year(datetime(2017-01-01))", "52")],
    ),
    row(
        &["monthofyear", "getmonth"],
        "The number of the month.",
        DATE,
        Gives::Always(Type::Int),
        |_, args| int_part(args, 0, |at| Civil::of(at).month as i32),
        &[("getmonth(datetime(2015-12-14))", "12")],
    ),
    row(
        &["getyear"],
        "The year.",
        DATE,
        Gives::Always(Type::Int),
        |_, args| int_part(args, 0, |at| Civil::of(at).year),
        &[("getyear(datetime(2015-12-14))", "2015")],
    ),
    row(
        &["datetime_part", "datepart"],
        "A part of a datetime as a number: `year`, `quarter`, `month`, `week_of_year`, `day`, `dayofyear`, `hour`, \
         `minute`, `second`, `millisecond`, `microsecond`, `nanosecond`.",
        &[one("part", Types::STRING).constant().one_of(PARTS), one("date", Types::DATETIME)],
        Gives::Always(Type::Int),
        datetime_part,
        &[
            ("datetime_part('quarter', datetime(2017-10-30))", "4"),
            ("datetime_part('millisecond', datetime(2017-10-30 01:02:03.7654321))", "765"),
        ],
    ),
    row(
        &["datetime_add"],
        "The datetime moved by a number of years, quarters, months, weeks, days, hours, minutes, seconds, milliseconds, \
         microseconds or nanoseconds. A day that a month does not have becomes its last one.",
        &[
            one("part", Types::STRING).constant().one_of(PERIODS),
            one("value", Types::INTEGER),
            one("datetime", Types::DATETIME),
        ],
        Gives::Always(Type::Datetime),
        datetime_add,
        &[("datetime_add('month', 13, datetime(2019-01-31))", "2020-02-29T00:00:00.0000000Z")],
    ),
    row(
        &["datetime_diff"],
        "How many boundaries of a period (see `datetime_add`) lie between two datetimes: the first minus the second.",
        &[
            one("part", Types::STRING).constant().one_of(PERIODS),
            one("datetime1", Types::DATETIME),
            one("datetime2", Types::DATETIME),
        ],
        Gives::Always(Type::Long),
        datetime_diff,
        &[
            ("datetime_diff('year', datetime(2017-01-01), datetime(2000-12-31))", "17"),
            ("datetime_diff('day', datetime(2020-01-01 01:00), datetime(2020-01-02 00:00))", "-1"),
            ("datetime_diff('week', datetime(2024-02-29), datetime(2020-02-29))", "209"),
        ],
    ),
    row(
        &["make_datetime"],
        "A datetime from year, month, day and perhaps hour, minute, second; or from a text.",
        &[
            one("year", Types::ANY),
            optional("month", Types::NUMBER),
            optional("day", Types::NUMBER),
            optional("hour", Types::NUMBER),
            optional("minute", Types::NUMBER),
            optional("second", Types::NUMBER),
        ],
        Gives::By(make_datetime_type),
        make_datetime,
        &[
            ("make_datetime(2017, 10, 1, 12, 10, 0.5)", "2017-10-01T12:10:00.5000000Z"),
            ("make_datetime(2017, 2, 30)", "null"),
        ],
    ),
    row(
        &["make_timespan"],
        "A timespan from hours and minutes; hours, minutes and seconds; or days, hours, minutes and seconds; or from a \
         text.",
        &[
            one("days", Types::ANY),
            optional("hours", Types::NUMBER),
            optional("minutes", Types::NUMBER),
            optional("seconds", Types::NUMBER),
        ],
        Gives::Always(Type::Timespan),
        make_timespan,
        &[("make_timespan(1, 12, 30, 55.123)", "1.12:30:55.1230000"), ("make_timespan(12, 30)", "12:30:00")],
    ),
    row(
        &["unixtime_seconds_todatetime"],
        "Seconds since 1970 as a datetime.",
        &[one("number", Types::NUMBER)],
        Gives::Always(Type::Datetime),
        |_, args| from_unix(args, TICKS_PER_SECOND as f64),
        &[("unixtime_seconds_todatetime(1546300800)", "2019-01-01T00:00:00.0000000Z")],
    ),
    row(
        &["unixtime_milliseconds_todatetime"],
        "Milliseconds since 1970 as a datetime.",
        &[one("number", Types::NUMBER)],
        Gives::Always(Type::Datetime),
        |_, args| from_unix(args, 1e4),
        &[("unixtime_milliseconds_todatetime(1546300800001)", "2019-01-01T00:00:00.0010000Z")],
    ),
    row(
        &["unixtime_microseconds_todatetime"],
        "Microseconds since 1970 as a datetime.",
        &[one("number", Types::NUMBER)],
        Gives::Always(Type::Datetime),
        |_, args| from_unix(args, 10.0),
        &[("unixtime_microseconds_todatetime(1546300800000001)", "2019-01-01T00:00:00.0000010Z")],
    ),
    row(
        &["unixtime_nanoseconds_todatetime"],
        "Nanoseconds since 1970 as a datetime.",
        &[one("number", Types::NUMBER)],
        Gives::Always(Type::Datetime),
        |_, args| from_unix(args, 0.01),
        &[("unixtime_nanoseconds_todatetime(1546300800000000100)", "2019-01-01T00:00:00.0000001Z")],
    ),
];

/// A stretch of the calendar or of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl Unit {
    fn named(name: &str) -> Option<Unit> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" => Unit::Year,
            "quarter" => Unit::Quarter,
            "month" => Unit::Month,
            "week" => Unit::Week,
            "day" => Unit::Day,
            "hour" => Unit::Hour,
            "minute" => Unit::Minute,
            "second" => Unit::Second,
            "millisecond" => Unit::Millisecond,
            "microsecond" => Unit::Microsecond,
            "nanosecond" => Unit::Nanosecond,
            _ => return None,
        })
    }

    /// How many of them have begun since 0001-01-01, so that a difference counts the boundaries between two instants.
    fn number(self, at: i64) -> i64 {
        let date = Civil::of(at);
        let months = i64::from(date.year) * 12 + i64::from(date.month) - 1;
        match self {
            Unit::Year => i64::from(date.year),
            Unit::Quarter => months.div_euclid(3),
            Unit::Month => months,
            // 0001-01-01 was a Monday.
            Unit::Week => (at + TICKS_PER_DAY).div_euclid(TICKS_PER_WEEK),
            Unit::Day => at.div_euclid(TICKS_PER_DAY),
            Unit::Hour => at.div_euclid(TICKS_PER_HOUR),
            Unit::Minute => at.div_euclid(TICKS_PER_MINUTE),
            Unit::Second => at.div_euclid(TICKS_PER_SECOND),
            Unit::Millisecond => at.div_euclid(TICKS_PER_MILLISECOND),
            Unit::Microsecond => at.div_euclid(TICKS_PER_MICROSECOND),
            Unit::Nanosecond => at,
        }
    }
}

/// The beginning of the period that lies `by` periods after the one of an instant; it may lie outside the calendar.
fn start_of(unit: Unit, at: i64, by: i64) -> Option<i64> {
    let first = unit.number(at).checked_add(by)?;
    let month = |months: i64| {
        let year = i32::try_from(months.div_euclid(12)).ok().filter(|year| (-1..=10_001).contains(year))?;
        Some(days(year, months.rem_euclid(12) as u32 + 1, 1) * TICKS_PER_DAY)
    };
    match unit {
        Unit::Year => month(first.checked_mul(12)?),
        Unit::Quarter => month(first.checked_mul(3)?),
        Unit::Month => month(first),
        Unit::Week => first.checked_mul(TICKS_PER_WEEK)?.checked_sub(TICKS_PER_DAY),
        Unit::Day => first.checked_mul(TICKS_PER_DAY),
        Unit::Hour => first.checked_mul(TICKS_PER_HOUR),
        Unit::Minute => first.checked_mul(TICKS_PER_MINUTE),
        Unit::Second => first.checked_mul(TICKS_PER_SECOND),
        Unit::Millisecond => first.checked_mul(TICKS_PER_MILLISECOND),
        Unit::Microsecond => first.checked_mul(TICKS_PER_MICROSECOND),
        Unit::Nanosecond => Some(first),
    }
}

fn end_of(unit: Unit, at: i64, by: i64) -> Option<i64> {
    start_of(unit, at, by.checked_add(1)?)?.checked_sub(1)
}

/// The ticks of a datetime argument.
fn instant(args: &[Value<'_>], at: usize) -> Option<i64> {
    if let Some(Value::Datetime(ticks)) = args.get(at) { Some(*ticks) } else { None }
}

/// A datetime, if it lies in the calendar.
fn datetime<'a>(ticks: Option<i64>) -> Value<'a> {
    ticks.filter(|ticks| (0..=MAX).contains(ticks)).map_or(Value::Null, Value::Datetime)
}

fn moved<'a>(args: &[Value<'a>], unit: Unit, to: fn(Unit, i64, i64) -> Option<i64>) -> Value<'a> {
    let by = if args.len() > 1 { long(args, 1) } else { Some(0) };
    datetime(instant(args, 0).zip(by).and_then(|(at, by)| to(unit, at, by)))
}

fn int_part<'a>(args: &[Value<'a>], at: usize, part: fn(i64) -> i32) -> Value<'a> {
    instant(args, at).map_or(Value::Null, |ticks| Value::Int(part(ticks)))
}

fn dayofweek<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    // The reference engine has no answer in the week that the calendar ends in.
    let days = |at: i64| {
        let sunday = start_of(Unit::Week, at, 0)?;
        (sunday + TICKS_PER_WEEK <= MAX).then(|| (at - sunday).div_euclid(TICKS_PER_DAY) * TICKS_PER_DAY)
    };
    instant(args, 0).and_then(days).map_or(Value::Null, Value::Timespan)
}

fn day_of_year(at: i64) -> i32 {
    (at.div_euclid(TICKS_PER_DAY) - days(Civil::of(at).year, 1, 1)) as i32 + 1
}

/// The number of the week is that of the year in which its Thursday lies.
fn iso_week(at: i64) -> i32 {
    let day = at.div_euclid(TICKS_PER_DAY);
    let thursday = day - day.rem_euclid(7) + 3;
    let year = Civil::of(thursday * TICKS_PER_DAY).year;
    ((thursday - days(year, 1, 1)) / 7) as i32 + 1
}

/// What `datetime_part` knows, in any case of letters.
const PARTS: &[&str] = &[
    "year",
    "quarter",
    "month",
    "week_of_year",
    "day",
    "dayofyear",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
    "nanosecond",
];
/// What `datetime_add` and `datetime_diff` know.
const PERIODS: &[&str] = &[
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "millisecond",
    "microsecond",
    "nanosecond",
];

fn datetime_part<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(at) = instant(args, 1) else { return Value::Null };
    let date = Civil::of(at);
    Value::Int(match text(args, 0).to_ascii_lowercase().as_str() {
        "year" => date.year,
        "quarter" => (date.month as i32 + 2) / 3,
        "month" => date.month as i32,
        "week_of_year" => iso_week(at),
        "day" => date.day as i32,
        "dayofyear" => day_of_year(at),
        "hour" => date.hour as i32,
        "minute" => date.minute as i32,
        "second" => date.second as i32,
        "millisecond" => date.fraction as i32 / 10_000,
        "microsecond" => date.fraction as i32 / 10,
        "nanosecond" => date.fraction as i32 * 100,
        _ => return Value::Null,
    })
}

fn datetime_add<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(unit), Some(by), Some(at)) = (Unit::named(&text(args, 0)), long(args, 1), instant(args, 2)) else {
        return Value::Null;
    };
    let ticks = |unit: i64| by.checked_mul(unit).and_then(|by| at.checked_add(by));
    datetime(match unit {
        Unit::Year => by.checked_mul(12).and_then(|by| add_months(at, by)),
        Unit::Quarter => by.checked_mul(3).and_then(|by| add_months(at, by)),
        Unit::Month => add_months(at, by),
        Unit::Week => ticks(TICKS_PER_WEEK),
        Unit::Day => ticks(TICKS_PER_DAY),
        Unit::Hour => ticks(TICKS_PER_HOUR),
        Unit::Minute => ticks(TICKS_PER_MINUTE),
        Unit::Second => ticks(TICKS_PER_SECOND),
        Unit::Millisecond => ticks(TICKS_PER_MILLISECOND),
        Unit::Microsecond => ticks(TICKS_PER_MICROSECOND),
        Unit::Nanosecond => at.checked_add(by / 100),
    })
}

fn add_months(at: i64, by: i64) -> Option<i64> {
    let date = Civil::of(at);
    let months = (i64::from(date.year) * 12 + i64::from(date.month) - 1).checked_add(by)?;
    let year = i32::try_from(months.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
    let month = months.rem_euclid(12) as u32 + 1;
    Civil { year, month, day: date.day.min(days_in_month(year, month)), ..date }.ticks()
}

fn datetime_diff<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some(unit), Some(a), Some(b)) = (Unit::named(&text(args, 0)), instant(args, 1), instant(args, 2)) else {
        return Value::Null;
    };
    let difference = unit.number(a) - unit.number(b);
    Value::Long(if unit == Unit::Nanosecond { difference.wrapping_mul(100) } else { difference })
}

fn make_datetime_type(args: &[Arg<'_>]) -> Result<Type, String> {
    match args {
        [_] => Ok(Type::Datetime),
        [_, _] => Err("year and month want a day".into()),
        [year, ..] if !year.ty.is_number() && year.ty != Type::Dynamic => {
            Err(format!("the year is to be a number, not a {}", year.ty))
        }
        _ => Ok(Type::Datetime),
    }
}

/// A number as a whole one of a small range, cut off at the point.
fn small(value: Option<&Value<'_>>) -> Option<u32> {
    let number = match value? {
        Value::Real(x) if x.is_finite() => *x as i64,
        Value::Decimal(x) => x.to_f64() as i64,
        other => other.as_long()?,
    };
    u32::try_from(number).ok()
}

/// Seconds with their fraction, in ticks.
fn second_ticks(value: Option<&Value<'_>>) -> Option<i64> {
    match value? {
        Value::Real(x) => (x.is_finite() && x.abs() < 1e11).then(|| (x * TICKS_PER_SECOND as f64).round() as i64),
        Value::Decimal(x) => second_ticks(Some(&Value::Real(x.to_f64()))),
        other => other.as_long()?.checked_mul(TICKS_PER_SECOND),
    }
}

fn make_datetime<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    if let [only] = args {
        return convert::datetime(only).map_or(Value::Null, Value::Datetime);
    }
    let or_zero = |at: usize| if args.len() > at { small(args.get(at)) } else { Some(0) };
    let made = || {
        let seconds = if args.len() > 5 { second_ticks(args.get(5))? } else { 0 };
        let date = Civil {
            year: i32::try_from(small(args.first())?).ok()?,
            month: small(args.get(1))?,
            day: small(args.get(2))?,
            hour: or_zero(3)?,
            minute: or_zero(4)?,
            second: u32::try_from(seconds.div_euclid(TICKS_PER_SECOND)).ok()?,
            fraction: seconds.rem_euclid(TICKS_PER_SECOND) as u32,
        };
        date.ticks()
    };
    datetime(made())
}

fn make_timespan<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let sum = |units: &[(usize, i64)], seconds: Option<usize>| {
        let mut ticks = match seconds {
            Some(at) => second_ticks(args.get(at))?,
            None => 0,
        };
        for (at, unit) in units {
            let number = match args.get(*at)? {
                Value::Real(x) if x.is_finite() => *x as i64,
                other => convert::long(other)?,
            };
            ticks = ticks.checked_add(number.checked_mul(*unit)?)?;
        }
        Some(ticks)
    };
    let ticks = match args.len() {
        1 => convert::timespan(&args[0]),
        2 => sum(&[(0, TICKS_PER_HOUR), (1, TICKS_PER_MINUTE)], None),
        3 => sum(&[(0, TICKS_PER_HOUR), (1, TICKS_PER_MINUTE)], Some(2)),
        _ => sum(&[(0, TICKS_PER_DAY), (1, TICKS_PER_HOUR), (2, TICKS_PER_MINUTE)], Some(3)),
    };
    ticks.map_or(Value::Null, Value::Timespan)
}

/// A number of units of so many ticks since 1970.
fn from_unix<'a>(args: &[Value<'a>], unit: f64) -> Value<'a> {
    let ticks = match args.first() {
        Some(value @ (Value::Real(_) | Value::Decimal(_))) => value
            .as_real()
            .map(|x| x * unit)
            .filter(|ticks| ticks.is_finite() && ticks.abs() < 1e19)
            .map(|ticks| ticks.round() as i64),
        Some(value) if unit < 1.0 => value.as_long().map(|x| x.div_euclid((1.0 / unit) as i64)),
        Some(value) => value.as_long().and_then(|x| x.checked_mul(unit as i64)),
        None => None,
    };
    datetime(ticks.and_then(|ticks| ticks.checked_add(UNIX_EPOCH)))
}
