//! Primitive literals: how long each is and what it means.
use super::ast::Literal;
use super::geo;
use crate::value::{datetime, guid};

/// A literal that was read: the part of the OASIS grammar that it is, and its value or what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub kind: Kind,
    pub value: Result<Literal, String>,
    pub length: usize,
}

impl Found {
    /// Whether it can name members of an enumeration: a text in quotes, with a type before it or not.
    pub fn is_member(&self) -> bool {
        matches!(self.kind, Kind::Enum | Kind::String)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Guid,
    DateTimeOffset,
    /// A time without an offset, or a date with one: no OData, but clients were told to write it.
    LooseTime,
    Date,
    TimeOfDay,
    Number,
    NanInfinity,
    String,
    Duration,
    Enum,
    Binary,
    Geography,
    Geometry,
}

/// What a date means that no datetime can hold.
const FAR: Literal = Literal::Other("a date before 0001 or after 9999");

/// A literal at the start of a text; `None` where there is none.
pub fn read(text: &str) -> Option<Found> {
    let first = text.chars().next()?;
    if first == '\'' {
        let (value, length) = string(text);
        return Some(Found { kind: Kind::String, value: value.map(Literal::String), length });
    }
    if let Some(found) = word(text).or_else(|| prefixed(text)) {
        return Some(found);
    }
    let guid = text.get(..36).and_then(guid::parse).filter(|_| ends(text, 36));
    if let Some(id) = guid {
        return Some(Found { kind: Kind::Guid, value: Ok(Literal::Guid(id)), length: 36 });
    }
    let after_sign = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !after_sign.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut found = dated(text).or_else(|| time_of_day(text)).unwrap_or_else(|| number(text));
    if !ends(text, found.length) {
        let end = text[found.length..].find([' ', ',', ')', '(', ';']).map_or(text.len(), |at| found.length + at);
        found.value = Err(format!("`{}` is no literal", &text[..end]));
        found.length = end;
    }
    Some(found)
}

/// Whether nothing of a word stands at a place.
fn ends(text: &str, at: usize) -> bool {
    !text[at..].starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
}

/// `null`, `true`, `NaN`, `-INF`
fn word(text: &str) -> Option<Found> {
    let sign = usize::from(text.starts_with('-'));
    let word = super::input::word_at(&text[sign..]);
    let length = sign + word.len();
    if text[length..].starts_with(['.', '/', '(', '\'']) {
        return None;
    }
    let (kind, value) = match (&text[..length], word) {
        ("null", _) => (Kind::Null, Literal::Null),
        ("NaN", _) => (Kind::NanInfinity, Literal::Real(f64::NAN)),
        ("INF", _) => (Kind::NanInfinity, Literal::Real(f64::INFINITY)),
        ("-INF", _) => (Kind::NanInfinity, Literal::Real(f64::NEG_INFINITY)),
        (_, word) if sign == 0 && word.eq_ignore_ascii_case("true") => (Kind::Boolean, Literal::Bool(true)),
        (_, word) if sign == 0 && word.eq_ignore_ascii_case("false") => (Kind::Boolean, Literal::Bool(false)),
        _ => return None,
    };
    Some(Found { kind, value: Ok(value), length })
}

/// `'it''s'`: a quote is doubled.
fn string(text: &str) -> (Result<String, String>, usize) {
    let mut out = String::new();
    let mut rest = &text[1..];
    loop {
        let Some(at) = rest.find('\'') else {
            return (Err("a string without its closing quote".into()), text.len());
        };
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('\'') {
            Some(next) => {
                out.push('\'');
                rest = next;
            }
            None => return (Ok(out), text.len() - rest.len()),
        }
    }
}

/// `duration'PT5M'`, `Namespace.Severity'High'`
fn prefixed(text: &str) -> Option<Found> {
    let quote = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))?;
    if quote == 0 || !text[quote..].starts_with('\'') || text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let (inner, length) = string(&text[quote..]);
    let length = quote + length;
    let prefix = text[..quote].to_ascii_lowercase();
    let kind = match prefix.as_str() {
        "duration" => Kind::Duration,
        "binary" => Kind::Binary,
        "geography" => Kind::Geography,
        "geometry" => Kind::Geometry,
        _ => Kind::Enum,
    };
    let value = inner.and_then(|inner| match kind {
        Kind::Duration => duration(&inner).map(Literal::Duration).ok_or_else(|| {
            let years = inner.contains(['Y', 'y']) || inner.split(['T', 't']).next().is_some_and(|d| d.contains('M'));
            let why = if years { ": years and months have no fixed length" } else { ", as `PT1H30M` is" };
            format!("`{inner}` is no duration{why}")
        }),
        Kind::Binary if base64url(&inner) => Ok(Literal::Other("binary data")),
        Kind::Binary => Err(format!("`{inner}` is no base64url text")),
        Kind::Geography if geo::is_shape(&inner) => Ok(Literal::Other("a shape on the earth")),
        Kind::Geometry if geo::is_shape(&inner) => Ok(Literal::Other("a shape on a plane")),
        Kind::Geography | Kind::Geometry => Err(format!("`{inner}` is no shape, as `SRID=0;Point(1 2)` is")),
        _ if members(&inner) => Ok(Literal::Enum(inner)),
        _ => Err(format!("`{inner}` names no members of an enumeration")),
    });
    Some(Found { kind, value, length })
}

/// `Solid,Yellow,32`
pub fn members(text: &str) -> bool {
    text.split(',').all(|member| {
        let digits = member.strip_prefix(['-', '+']).unwrap_or(member);
        let number = !digits.is_empty() && digits.len() <= 19 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let word =
            super::input::word_at(member) == member && member.starts_with(|c: char| c.is_alphabetic() || c == '_');
        number || word
    })
}

/// Whole groups of four, then a rest of two or three whose unused bits are zero, padded or not.
pub fn base64url(text: &str) -> bool {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    let known = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let last = bare.chars().last().unwrap_or('A');
    known
        && match bare.len() % 4 {
            0 => padding == 0,
            2 => "AQgw".contains(last) && (padding == 0 || padding == 2),
            3 => "AEIMQUYcgkosw048".contains(last) && padding <= 1,
            _ => false,
        }
}

/// `[-]YYYY-MM-DD`, with a time and an offset or not.
fn dated(text: &str) -> Option<Found> {
    let sign = usize::from(text.starts_with('-'));
    let year = digits(&text[sign..]);
    let rest = text.get(sign + year..)?;
    let bytes = rest.as_bytes();
    let shaped = year >= 4
        && bytes.len() >= 6
        && bytes[0] == b'-'
        && bytes[3] == b'-'
        && [1, 2, 4, 5].iter().all(|at| bytes[*at].is_ascii_digit());
    if !shaped {
        return None;
    }
    let date_end = sign + year + 6;
    let far = sign == 1 || year > 4 || text.starts_with("0000");
    let day = if far { Ok(None) } else { day(&text[..date_end]).map(Some) };
    let after = &text[date_end..];
    let found = |kind, value: Result<Option<i64>, String>, length, literal: fn(i64) -> Literal| Found {
        kind,
        value: value.map(|ticks| ticks.map_or(FAR, literal)),
        length,
    };
    let time = after.strip_prefix(['T', 't']).and_then(clock);
    let Some((time, clock_length)) = time else {
        let zone = after.starts_with(['Z', 'z']) && ends(after, 1);
        return Some(if zone {
            found(Kind::LooseTime, day, date_end + 1, Literal::Datetime)
        } else {
            found(Kind::Date, day, date_end, Literal::Date)
        });
    };
    let clock_end = date_end + 1 + clock_length;
    let (offset, zone_length) = offset(&text[clock_end..]);
    let kind = if zone_length == 0 { Kind::LooseTime } else { Kind::DateTimeOffset };
    let length = clock_end + zone_length;
    let ticks = day.and_then(|day| {
        let Some(day) = day else { return Ok(None) };
        let ticks = day + time? - offset?;
        Ok(Some(ticks).filter(|ticks| (0..=datetime::MAX).contains(ticks)))
    });
    Some(found(kind, ticks, length, Literal::Datetime))
}

fn day(text: &str) -> Result<i64, String> {
    datetime::parse(text).ok_or_else(|| format!("`{text}` is no day"))
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// `hh:mm[:ss[.fffffff]]` in ticks, and its length.
fn clock(text: &str) -> Option<(Result<i64, String>, usize)> {
    let two = |at: usize| -> Option<i64> {
        let pair = text.get(at..at + 2)?;
        if digits(pair) == 2 && !text[at + 2..].starts_with(|c: char| c.is_ascii_digit()) {
            pair.parse().ok()
        } else {
            None
        }
    };
    let hour = two(0)?;
    if text.as_bytes().get(2) != Some(&b':') {
        return None;
    }
    let minute = two(3)?;
    let mut length = 5;
    let (mut second, mut fraction) = (0, 0);
    if text.as_bytes().get(5) == Some(&b':')
        && let Some(found) = two(6)
    {
        (second, length) = (found, 8);
        let places = text[8..].strip_prefix('.').map_or(0, digits);
        if places > 0 {
            let shown: String = text[9..9 + places].chars().chain("0000000".chars()).take(7).collect();
            fraction = shown.parse().unwrap_or(0);
            length += 1 + places;
        }
        if places > 12 {
            return Some((Err(format!("`{}` has more than 12 places of a second", &text[..length])), length));
        }
    }
    let fits = hour < 24 && minute < 60 && second <= 60;
    let ticks = hour * datetime::TICKS_PER_HOUR
        + minute * datetime::TICKS_PER_MINUTE
        + second * datetime::TICKS_PER_SECOND
        + fraction;
    let ticks = if fits { Ok(ticks) } else { Err(format!("`{}` is no time of a day", &text[..length])) };
    Some((ticks, length))
}

/// `Z`, `+02:00`: ticks ahead of UTC, and its length.
fn offset(text: &str) -> (Result<i64, String>, usize) {
    if text.starts_with(['Z', 'z']) {
        return (Ok(0), 1);
    }
    let Some(sign) = text.chars().next().filter(|c| ['+', '-'].contains(c)) else { return (Ok(0), 0) };
    match text.get(1..6).and_then(clock) {
        Some((Ok(ticks), 5)) => (Ok(if sign == '-' { -ticks } else { ticks }), 6),
        Some((Err(why), length)) => (Err(why), 1 + length),
        Some((Ok(_), _)) | None => (Ok(0), 0),
    }
}

fn time_of_day(text: &str) -> Option<Found> {
    let (ticks, length) = clock(text)?;
    Some(Found { kind: Kind::TimeOfDay, value: ticks.map(Literal::TimeOfDay), length })
}

fn number(text: &str) -> Found {
    let mut end = usize::from(text.starts_with(['-', '+']));
    end += digits(&text[end..]);
    let whole = end;
    let places = text[end..].strip_prefix('.').map_or(0, digits);
    if places > 0 {
        end += 1 + places;
    }
    if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['-', '+']));
        let power = digits(&exponent[sign..]);
        if power > 0 {
            end += 1 + sign + power;
        }
    }
    let word = &text[..end];
    let long = if end == whole { word.parse().ok().map(Literal::Long) } else { None };
    let value = match long.or_else(|| word.parse().ok().map(Literal::Real)) {
        Some(literal) => Ok(literal),
        None => Err(format!("`{word}` is no number")),
    };
    Found { kind: Kind::Number, value, length: end }
}

/// `[-]P[nD][T[nH][nM][n[.n]S]]` in ticks. Years and months have no fixed length and are not taken.
pub fn duration(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let rest = rest.strip_prefix(['P', 'p'])?;
    let (days, time) = match rest.split_once(['T', 't']) {
        Some((_, "")) => return None,
        Some(both) => both,
        None => (rest, ""),
    };
    let mut ticks: i128 = 0;
    let mut any = false;
    let clock = [('H', datetime::TICKS_PER_HOUR), ('M', datetime::TICKS_PER_MINUTE), ('S', datetime::TICKS_PER_SECOND)];
    for (part, units) in [(days, &[('D', datetime::TICKS_PER_DAY)][..]), (time, &clock[..])] {
        let mut rest = part;
        for (unit, per) in units {
            let Some(at) = rest.find([*unit, unit.to_ascii_lowercase()]) else { continue };
            let (whole, places) = match rest[..at].split_once('.') {
                Some((whole, places)) if *unit == 'S' && !places.is_empty() => (whole, places),
                Some(_) => return None,
                None => (&rest[..at], ""),
            };
            if whole.is_empty() || digits(whole) != whole.len() || digits(places) != places.len() || places.len() > 12 {
                return None;
            }
            let shown: String = places.chars().chain("0000000".chars()).take(7).collect();
            ticks += i128::from(whole.parse::<i64>().ok()?) * i128::from(*per) + shown.parse::<i128>().ok()?;
            rest = &rest[at + 1..];
            any = true;
        }
        if !rest.is_empty() {
            return None;
        }
    }
    if !any {
        return None;
    }
    i64::try_from(sign * ticks).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_real_clients() {
        let one = |text: &str| read(text).map(|found| (found.value.unwrap(), found.length));
        let ticks = |text: &str| match one(text).unwrap().0 {
            Literal::Datetime(ticks) | Literal::Date(ticks) => ticks,
            other => panic!("{other:?}"),
        };
        assert_eq!(one("'it''s' and"), Some((Literal::String("it's".into()), 7)));
        assert_eq!(ticks("2018-08-01Z"), ticks("2018-08-01"));
        assert_eq!(ticks("2018-08-01T02:00:00+02:00"), ticks("2018-08-01T00:00"));
        assert_eq!(ticks("1972-06-30T23:59:60Z"), ticks("1972-07-01"));
        assert_eq!(one("duration'PT1M'"), Some((Literal::Duration(600_000_000), 14)));
        assert_eq!(one("-1e-5"), Some((Literal::Real(-1e-5), 5)));
        assert_eq!(one("0:1"), Some((Literal::Long(0), 1)));
        assert_eq!(one("severity"), None);
        assert!(read("2011-12-31T24:00Z").unwrap().value.is_err());
        assert!(read("2019-02-31").unwrap().value.is_err());
    }
}
