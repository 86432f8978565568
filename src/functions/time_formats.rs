//! Datetimes and timespans as texts after a pattern.
use super::arguments::{LONGEST_TEXT, row, text};
use super::{Call, Function, Gives, one};
use crate::types::{Type, Types};
use crate::value::Value;
use crate::value::datetime::{Civil, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

pub const FUNCTIONS: &[Function] = &[
    row(
        &["format_datetime"],
        "The datetime after a pattern of `y yy yyyy M MM d dd H HH h hh m mm s ss tt`, `f` to `fffffff` (digits of the \
         second) and `F` to `FFFFFFF` (the same without zeros at the end); all else stands for itself.",
        &[one("date", Types::DATETIME), one("format", Types::STRING).constant()],
        Gives::Always(Type::String),
        format_datetime,
        &[
            ("format_datetime(datetime(2017-01-29 09:00:05), 'yy-MM-dd [HH:mm:ss]')", "17-01-29 [09:00:05]"),
            ("format_datetime(datetime(2007-03-09 17:04:03.5), 'h:mm tt s.FFF')", "5:04 PM 3.5"),
        ],
    ),
    row(
        &["format_timespan"],
        "The timespan after a pattern of `d` to `dddddddd` (days), `h hh H HH m mm s ss`, `f` to `fffffff` and `F` to \
         `FFFFFFF`; all else stands for itself.",
        &[one("timespan", Types::TIMESPAN), one("format", Types::STRING).constant()],
        Gives::Always(Type::String),
        format_timespan,
        &[("format_timespan(time(29.09:00:05.12345), 'ddd.h:mm:ss [fffffff]')", "029.9:00:05 [1234500]")],
    ),
];

/// A pattern as runs of the same letter, each at most as long as its letter allows.
fn runs(pattern: &str, longest: fn(char) -> usize) -> Vec<(char, usize)> {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for letter in pattern.chars() {
        match runs.last_mut() {
            Some((last, count)) if *last == letter && *count < longest(letter) => *count += 1,
            _ => runs.push((letter, 1)),
        }
    }
    runs
}

/// The first digits of ticks within a second.
fn fraction(ticks: u32, digits: usize) -> String {
    let mut all = format!("{ticks:07}");
    all.truncate(digits);
    all
}

fn trimmed(fraction: String) -> String {
    fraction.trim_end_matches('0').to_owned()
}

fn bounded<'a>(text: String) -> Value<'a> {
    if text.len() > LONGEST_TEXT { Value::string("") } else { Value::string(text) }
}

fn format_datetime<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(Value::Datetime(ticks)) = args.first() else { return Value::string("") };
    let date = Civil::of(*ticks);
    let hour12 = if date.hour.is_multiple_of(12) { 12 } else { date.hour % 12 };
    let longest = |letter| match letter {
        'y' => 4,
        'f' | 'F' => 7,
        'M' | 'd' | 'H' | 'h' | 'm' | 's' | 't' => 2,
        _ => 1,
    };
    let mut out = String::new();
    for (letter, count) in runs(&text(args, 1), longest) {
        match letter {
            'y' if count > 2 => out.push_str(&format!("{:0count$}", date.year)),
            'y' => out.push_str(&format!("{:0count$}", date.year % 100)),
            'M' => out.push_str(&format!("{:0count$}", date.month)),
            'd' => out.push_str(&format!("{:0count$}", date.day)),
            'H' => out.push_str(&format!("{:0count$}", date.hour)),
            'h' => out.push_str(&format!("{hour12:0count$}")),
            'm' => out.push_str(&format!("{:0count$}", date.minute)),
            's' => out.push_str(&format!("{:0count$}", date.second)),
            'f' => out.push_str(&fraction(date.fraction, count)),
            'F' => out.push_str(&trimmed(fraction(date.fraction, count))),
            't' if count == 2 => out.push_str(if date.hour < 12 { "AM" } else { "PM" }),
            't' => out.push(if date.hour < 12 { 'A' } else { 'P' }),
            other => out.push(other),
        }
    }
    bounded(out)
}

fn format_timespan<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(Value::Timespan(ticks)) = args.first() else { return Value::string("") };
    let span = ticks.unsigned_abs();
    let per = |unit: i64| unit as u64;
    let longest = |letter| match letter {
        'd' => 8,
        'f' | 'F' => 7,
        'H' | 'h' | 'm' | 's' => 2,
        _ => 1,
    };
    let mut out = String::from(if *ticks < 0 { "-" } else { "" });
    for (letter, count) in runs(&text(args, 1), longest) {
        let number = match letter {
            'd' => span / per(TICKS_PER_DAY),
            'h' | 'H' => span / per(TICKS_PER_HOUR) % 24,
            'm' => span / per(TICKS_PER_MINUTE) % 60,
            's' => span / per(TICKS_PER_SECOND) % 60,
            'f' | 'F' => {
                let digits = fraction((span % per(TICKS_PER_SECOND)) as u32, count);
                out.push_str(&if letter == 'F' { trimmed(digits) } else { digits });
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(&format!("{number:0count$}"));
    }
    bounded(out)
}
