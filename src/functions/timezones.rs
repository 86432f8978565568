//! Local times: the IANA time zone database, as `chrono-tz` carries it.
use super::arguments::{row, text};
use super::dynamics::array;
use super::{Call, Function, Gives, one};
use crate::types::{Type, Types};
use crate::value::datetime::{MAX, TICKS_PER_DAY, TICKS_PER_SECOND, UNIX_EPOCH};
use crate::value::{Json, Value};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};

pub const FUNCTIONS: &[Function] = &[
    row(
        &["datetime_utc_to_local"],
        "A UTC datetime as the clocks of a time zone (`Europe/Brussels`) show it.",
        &[one("from", Types::DATETIME), one("timezone", Types::STRING)],
        Gives::Always(Type::Datetime),
        utc_to_local,
        &[("datetime_utc_to_local(datetime(2022-07-01), 'Europe/Brussels')", "2022-07-01T02:00:00.0000000Z")],
    ),
    row(
        &["datetime_local_to_utc"],
        "What the clocks of a time zone show as a UTC datetime. Where they skip or repeat an hour, the time after the \
         change counts.",
        &[one("from", Types::DATETIME), one("timezone", Types::STRING)],
        Gives::Always(Type::Datetime),
        local_to_utc,
        &[("datetime_local_to_utc(datetime(2022-03-27 02:00), 'Europe/Brussels')", "2022-03-27T00:00:00.0000000Z")],
    ),
    row(
        &["datetime_list_timezones"],
        "The names of all time zones.",
        &[],
        Gives::Always(Type::Dynamic),
        |_, _| array(TZ_VARIANTS.iter().map(|zone| Json::from(zone.name())).collect()),
        &[("set_has_element(datetime_list_timezones(), 'Europe/Berlin')", "True")],
    ),
];

/// How far the clocks are ahead of UTC at an instant, in ticks.
fn offset(zone: Tz, utc: i64) -> Option<i64> {
    let seconds = (utc - UNIX_EPOCH).div_euclid(TICKS_PER_SECOND);
    let utc = DateTime::from_timestamp(seconds, 0)?.naive_utc();
    Some(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()) * TICKS_PER_SECOND)
}

fn arguments(args: &[Value<'_>]) -> Option<(i64, Tz)> {
    let Some(Value::Datetime(at)) = args.first() else { return None };
    let name = text(args, 1);
    let zone =
        name.parse().ok().or_else(|| TZ_VARIANTS.into_iter().find(|zone| zone.name().eq_ignore_ascii_case(&name)))?;
    Some((*at, zone))
}

fn datetime<'a>(ticks: Option<i64>) -> Value<'a> {
    ticks.filter(|ticks| (0..=MAX).contains(ticks)).map_or(Value::Null, Value::Datetime)
}

fn utc_to_local<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    datetime(arguments(args).and_then(|(utc, zone)| Some(utc + offset(zone, utc)?)))
}

fn local_to_utc<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    // A day later any change near this hour is over.
    datetime(arguments(args).and_then(|(local, zone)| {
        let before = local - offset(zone, local - TICKS_PER_DAY)?;
        let after = local - offset(zone, local + TICKS_PER_DAY)?;
        let fits = |utc: i64| Some(utc + offset(zone, utc)? == local);
        Some(if fits(after)? || !fits(before)? { after } else { before })
    }))
}
