//! Timespans: signed ticks of 100 ns.
use super::datetime::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

/// `[-][d.]hh:mm:ss[.fffffff]`: seven digits or none.
pub fn text(ticks: i64) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let t = ticks.unsigned_abs();
    let per = |unit: i64| unit as u64;
    let days = t / per(TICKS_PER_DAY);
    let clock = format!(
        "{:02}:{:02}:{:02}",
        t / per(TICKS_PER_HOUR) % 24,
        t / per(TICKS_PER_MINUTE) % 60,
        t / per(TICKS_PER_SECOND) % 60
    );
    let fraction = t % per(TICKS_PER_SECOND);
    let days = if days == 0 { String::new() } else { format!("{days}.") };
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:07}") };
    format!("{sign}{days}{clock}{fraction}")
}

/// The units that a number may carry, each with its length in nanoseconds.
pub const UNITS: &[(&[&str], i64)] = &[
    (&["d", "day", "days"], 86_400_000_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000_000),
    (&["s", "sec", "second", "seconds"], 1_000_000_000),
    (&["ms", "milli", "millis", "millisec", "millisecond", "milliseconds"], 1_000_000),
    (&["micro", "micros", "microsec", "microsecond", "microseconds"], 1_000),
    (&["tick", "ticks"], 100),
    (&["nano", "nanos", "nanosec", "nanosecond", "nanoseconds"], 1),
];

/// The timespan that a text means, or `None`: a number with a unit (`1.5h`, `-30 minutes`), a clock
/// (`[-][d.]hh:mm[:ss[.fffffff]]`, also `d:hh:mm:ss`), or a bare number of days.
/// <https://learn.microsoft.com/kusto/query/scalar-data-types/timespan>
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, text[1..].trim_start()),
        b'+' => (false, text[1..].trim_start()),
        _ => (false, text),
    };
    let ticks = if text.contains(':') { clock(text)? } else { quantity(text)? };
    let ticks = if negative { -ticks } else { ticks };
    i64::try_from(ticks).ok()
}

/// `1.5h`: to the nearest tick.
fn quantity(text: &str) -> Option<i128> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit.trim_start() {
        "" if !number.contains('.') => 86_400_000_000_000,
        unit => UNITS.iter().find(|(names, _)| names.contains(&unit))?.1,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || whole.len() > 19 {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(12)];
    let scale = 10i128.pow(fraction.len() as u32);
    let digits = format!("{whole}{fraction}").parse::<i128>().ok()?;
    let (nanoseconds, divisor) = (digits * i128::from(unit), 100 * scale);
    Some(if fraction.is_empty() { nanoseconds / divisor } else { (nanoseconds + divisor / 2) / divisor })
}

/// `[d.]hh:mm[:ss[.fffffff]]` or `d:hh:mm:ss[.fffffff]`.
fn clock(text: &str) -> Option<i128> {
    let mut parts: Vec<&str> = text.split(':').collect();
    let mut days = "0";
    match parts.first()?.split_once('.') {
        Some((written, hours)) if parts.len() < 4 => {
            days = written;
            parts[0] = hours;
        }
        Some(_) => return None,
        None if parts.len() == 4 => days = parts.remove(0),
        None => {}
    }
    let mut fraction = 0;
    if let Some((seconds, digits)) = parts.last()?.split_once('.') {
        if parts.len() != 3 {
            return None;
        }
        let mut digits = digits.as_bytes();
        fraction = super::datetime::fraction_ticks(&mut digits)?;
        if !digits.is_empty() {
            return None;
        }
        parts[2] = seconds;
    }
    let number = |text: &str, digits: usize, below: i64| {
        let fits = !text.is_empty() && text.len() <= digits && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| fits && *number < below)
    };
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, *seconds),
        _ => return None,
    };
    let ticks = number(hours, 2, 24)? * TICKS_PER_HOUR
        + number(minutes, 2, 60)? * TICKS_PER_MINUTE
        + number(seconds, 2, 60)? * TICKS_PER_SECOND
        + i64::from(fraction);
    Some(i128::from(number(days, 8, 100_000_000)?) * i128::from(TICKS_PER_DAY) + i128::from(ticks))
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_every_written_form() {
        for (written, meant) in [
            ("1d", "1.00:00:00"),
            ("1.5h", "01:30:00"),
            ("-30 minutes", "-00:30:00"),
            ("0.0000001s", "00:00:00.0000001"),
            ("7ticks", "00:00:00.0000007"),
            ("6microseconds", "00:00:00.0000060"),
            ("250nanos", "00:00:00.0000002"),
            ("2", "2.00:00:00"),
            ("13:00", "13:00:00"),
            ("0:0:0.001", "00:00:00.0010000"),
            ("-1.02:03:04.5", "-1.02:03:04.5000000"),
            ("12.23:12:23", "12.23:12:23"),
            ("6:12:14:45", "6.12:14:45"),
            ("10675199.02:48:05.4775807", "10675199.02:48:05.4775807"),
        ] {
            assert_eq!(super::parse(written).map(super::text).as_deref(), Some(meant), "{written}");
        }
        for written in ["", "-", "1x", "24:00", "1:60", "1.2.3h", "99999999.00:00", "h", "1:2:3:4:5", "100ns"] {
            assert_eq!(super::parse(written), None, "{written}");
        }
    }
}
