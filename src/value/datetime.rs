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
