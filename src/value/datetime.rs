//! Datetimes: ticks of 100 ns since 0001-01-01T00:00:00Z, in the proleptic Gregorian calendar.

pub const TICKS_PER_SECOND: i64 = 10_000_000;
pub const TICKS_PER_MINUTE: i64 = 60 * TICKS_PER_SECOND;
pub const TICKS_PER_HOUR: i64 = 60 * TICKS_PER_MINUTE;
pub const TICKS_PER_DAY: i64 = 24 * TICKS_PER_HOUR;
/// 1970-01-01T00:00:00Z.
pub const UNIX_EPOCH: i64 = 719_162 * TICKS_PER_DAY;
/// 9999-12-31T23:59:59.9999999Z.
pub const MAX: i64 = 3_652_059 * TICKS_PER_DAY - 1;

/// A calendar date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    /// Ticks within the second.
    pub fraction: u32,
}

/// Days since 0001-01-01 of a date (Howard Hinnant's `days_from_civil`).
pub fn days(year: i32, month: u32, day: u32) -> i64 {
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 306
}

pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl Civil {
    pub fn of(ticks: i64) -> Civil {
        let day_number = ticks.div_euclid(TICKS_PER_DAY);
        let rest = ticks.rem_euclid(TICKS_PER_DAY);
        let z = day_number + 306;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
        Civil {
            year: (yoe + era * 400 + i64::from(month <= 2)) as i32,
            month,
            day: (doy - (153 * mp + 2) / 5 + 1) as u32,
            hour: (rest / TICKS_PER_HOUR) as u32,
            minute: (rest / TICKS_PER_MINUTE % 60) as u32,
            second: (rest / TICKS_PER_SECOND % 60) as u32,
            fraction: (rest % TICKS_PER_SECOND) as u32,
        }
    }

    /// Ticks, or `None` where there is no such day or it is out of 0001…9999.
    pub fn ticks(self) -> Option<i64> {
        let real = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && i64::from(self.fraction) < TICKS_PER_SECOND;
        real.then(|| {
            days(self.year, self.month, self.day) * TICKS_PER_DAY
                + i64::from(self.hour) * TICKS_PER_HOUR
                + i64::from(self.minute) * TICKS_PER_MINUTE
                + i64::from(self.second) * TICKS_PER_SECOND
                + i64::from(self.fraction)
        })
    }
}

/// `2020-02-05T01:10:26.2648757Z`: always seven digits.
pub fn text(ticks: i64) -> String {
    let c = Civil::of(ticks);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}Z",
        c.year, c.month, c.day, c.hour, c.minute, c.second, c.fraction
    )
}

/// The datetime that a text means, or `None`. Takes ISO 8601 in full and in part (`2020`, `2020-01`, `2020-1-5`, `T` or
/// blanks between date and time and around the dashes of the date, one to seven digits of a second and more, `Z` or an offset), month first with `/` or
/// `-` (`12/31/2020`), and dates with the month's name (`Sat, 8 Nov 2014 15:05:02 GMT`, `Saturday, 08-Nov-14`).
/// Digits past the seventh are cut off. <https://learn.microsoft.com/kusto/query/scalar-data-types/datetime>
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let mut reader = Reader { rest: text.as_bytes() };
    let (year, month, day) = reader.date()?;
    let mut ticks = Civil { year, month, day, hour: 0, minute: 0, second: 0, fraction: 0 }.ticks()?;
    if reader.rest.is_empty() {
        return Some(ticks);
    }
    if reader.take_any(b"Tt") || reader.blanks() > 0 {
        reader.blanks();
        if reader.rest.first().is_some_and(u8::is_ascii_digit) {
            ticks += reader.clock()?;
        }
    }
    ticks -= reader.zone()?;
    (reader.rest.is_empty() && (0..=MAX).contains(&ticks)).then_some(ticks)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Which of the names a word is, in full or as its first three letters.
fn named(names: &[&str], word: &str) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    names.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(&word)))
}

/// Two-digit years lie around the present as in the invariant culture.
fn full_year(digits: usize, year: i32) -> Option<i32> {
    match digits {
        4 => Some(year),
        2 => Some(if year < 50 { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

struct Reader<'t> {
    rest: &'t [u8],
}

impl Reader<'_> {
    fn take_any(&mut self, set: &[u8]) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if set.contains(first) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn blanks(&mut self) -> usize {
        let before = self.rest.len();
        while self.take_any(b" ") {}
        before - self.rest.len()
    }

    /// A whole number of at most nine digits, and how many digits it has.
    fn number(&mut self) -> Option<(i32, usize)> {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        Some((number.iter().fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0')), digits))
    }

    fn small(&mut self) -> Option<u32> {
        let (number, digits) = self.number()?;
        (digits <= 2).then_some(number as u32)
    }

    fn word(&mut self) -> &str {
        let letters = self.rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let (word, rest) = self.rest.split_at(letters);
        self.rest = rest;
        std::str::from_utf8(word).unwrap_or("")
    }

    fn date(&mut self) -> Option<(i32, u32, u32)> {
        if self.rest.first()?.is_ascii_alphabetic() {
            let word = self.word().to_owned();
            if named(&WEEKDAYS, &word).is_none() {
                let month = named(&MONTHS, &word)? as u32 + 1;
                return self.month_first(month);
            }
            self.take_any(b",");
            self.blanks();
            if self.rest.first()?.is_ascii_alphabetic() {
                let month = named(&MONTHS, self.word())? as u32 + 1;
                return self.month_first(month);
            }
        }
        let (first, digits) = self.number()?;
        let separator = self.rest.first().copied();
        if digits == 4 {
            if separator.is_none() {
                return Some((first, 1, 1));
            }
            self.blanks();
            let separator = self.rest.first().copied();
            if !self.take_any(b"-/.") {
                return None;
            }
            self.blanks();
            let month = self.small()?;
            let after_month = self.rest;
            self.blanks();
            if self.rest.first() != separator.as_ref() {
                self.rest = after_month;
                return Some((first, month, 1));
            }
            self.rest = &self.rest[1..];
            self.blanks();
            let day = self.small()?;
            return Some((first, month, day));
        }
        if digits > 2 {
            return None;
        }
        self.blanks();
        self.take_any(b"-/.");
        if self.rest.first()?.is_ascii_alphabetic() {
            let month = named(&MONTHS, self.word())? as u32 + 1;
            self.blanks();
            self.take_any(b"-,/.");
            self.blanks();
            let (year, digits) = self.number()?;
            return Some((full_year(digits, year)?, month, first as u32));
        }
        if !matches!(separator, Some(b'/' | b'-' | b'.')) {
            return None;
        }
        let day = self.small()?;
        if self.rest.first() != separator.as_ref() {
            return None;
        }
        self.rest = &self.rest[1..];
        let (year, digits) = self.number()?;
        Some((full_year(digits, year)?, first as u32, day))
    }

    /// What follows the name of a month: `8, 2014`, `8 2014`.
    fn month_first(&mut self, month: u32) -> Option<(i32, u32, u32)> {
        self.blanks();
        let day = self.small()?;
        self.take_any(b",");
        self.blanks();
        let (year, digits) = self.number()?;
        Some((full_year(digits, year)?, month, day))
    }

    /// `15:05[:02[.1234567]]`, with `AM` or `PM` if need be: ticks since midnight.
    fn clock(&mut self) -> Option<i64> {
        let mut hour = self.small()?;
        let (mut minute, mut second, mut fraction) = (0, 0, 0);
        if self.take_any(b":") {
            minute = self.small()?;
            if self.take_any(b":") {
                second = self.small()?;
                if self.take_any(b".,") {
                    fraction = fraction_ticks(&mut self.rest)?;
                }
            }
        } else if !matches!(self.rest.iter().find(|b| **b != b' '), Some(b'A' | b'a' | b'P' | b'p')) {
            return None;
        }
        let before = self.rest;
        self.blanks();
        let afternoon = match self.rest.get(..2).map(<[u8]>::to_ascii_lowercase).as_deref() {
            Some(b"am") => Some(false),
            Some(b"pm") => Some(true),
            _ => None,
        };
        match afternoon {
            Some(afternoon) => {
                self.rest = &self.rest[2..];
                if !(1..=12).contains(&hour) {
                    return None;
                }
                hour = hour % 12 + if afternoon { 12 } else { 0 };
            }
            None => self.rest = before,
        }
        Civil { year: 1, month: 1, day: 1, hour, minute, second, fraction }.ticks()
    }

    /// How far the written time is ahead of UTC: nothing, `Z`, `GMT`, `UTC`, `+02:00`, `-0800`, `+2`.
    fn zone(&mut self) -> Option<i64> {
        self.blanks();
        let negative = match self.rest.first() {
            None => return Some(0),
            Some(b'+') => false,
            Some(b'-') => true,
            Some(_) => {
                let known = matches!(self.word().to_ascii_uppercase().as_str(), "Z" | "GMT" | "UTC" | "UT");
                return known.then_some(0);
            }
        };
        self.rest = &self.rest[1..];
        let (number, digits) = self.number()?;
        let (hours, minutes) = match digits {
            1 | 2 if self.take_any(b":") => (number, self.small()? as i32),
            1 | 2 => (number, 0),
            4 => (number / 100, number % 100),
            _ => return None,
        };
        if hours > 14 || minutes > 59 {
            return None;
        }
        let ticks = i64::from(hours) * TICKS_PER_HOUR + i64::from(minutes) * TICKS_PER_MINUTE;
        Some(if negative { -ticks } else { ticks })
    }
}

/// The digits after a second's point, as ticks; those past the seventh are cut off.
pub(super) fn fraction_ticks(rest: &mut &[u8]) -> Option<u32> {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let (number, after) = rest.split_at(digits);
    *rest = after;
    Some((0..7).fold(0, |ticks, at| ticks * 10 + number.get(at).map_or(0, |digit| u32::from(digit - b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_written_form() {
        for (written, meant) in [
            ("2020-02-05T01:10:26.2648757Z", "2020-02-05T01:10:26.2648757Z"),
            ("2020-02-05 01:10:26.123456789", "2020-02-05T01:10:26.1234567Z"),
            ("2014-05-25T08:20", "2014-05-25T08:20:00.0000000Z"),
            ("2014-11-08", "2014-11-08T00:00:00.0000000Z"),
            ("1970-5-12", "1970-05-12T00:00:00.0000000Z"),
            ("2014-11", "2014-11-01T00:00:00.0000000Z"),
            ("2014", "2014-01-01T00:00:00.0000000Z"),
            ("2014/11/08 3:04:05 PM", "2014-11-08T15:04:05.0000000Z"),
            ("12-02-2022", "2022-12-02T00:00:00.0000000Z"),
            ("12/31/2020 23:59", "2020-12-31T23:59:00.0000000Z"),
            ("2021-03-04T05:06:07+02:00", "2021-03-04T03:06:07.0000000Z"),
            ("2021-03-04 05:06:07 -0830", "2021-03-04T13:36:07.0000000Z"),
            ("2014-11-08 15:05:25 GMT", "2014-11-08T15:05:25.0000000Z"),
            ("Sat, 8 Nov 2014 15:05:02 GMT", "2014-11-08T15:05:02.0000000Z"),
            ("8 Nov 14 15:05", "2014-11-08T15:05:00.0000000Z"),
            ("Saturday, 08-Nov-14 15:05:02 GMT", "2014-11-08T15:05:02.0000000Z"),
            ("November 8, 2014", "2014-11-08T00:00:00.0000000Z"),
            ("2014 - 11 - 08 3:04", "2014-11-08T03:04:00.0000000Z"),
            ("2021-03-04 -02:00", "2021-03-04T02:00:00.0000000Z"),
            ("  9999-12-31 23:59:59.9999999 ", "9999-12-31T23:59:59.9999999Z"),
        ] {
            assert_eq!(parse(written).map(super::text).as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn what_is_no_datetime_is_none() {
        for written in
            ["", "not a date", "2020-13-01", "2021-02-29", "13-02-2022", "12345", "15:05", "2020-01-01T25:00"]
        {
            assert_eq!(parse(written), None, "{written}");
        }
        for written in ["2020-01-01Tx", "2020-01-01 10", "0000-01-01", "0001-01-01T00:00+01:00", "2020-01-01 10:00 hm"]
        {
            assert_eq!(parse(written), None, "{written}");
        }
    }
}
