//! ISO 8601 intervals, as Graph's `Timespan` writes them.
use crate::value::datetime::{
    Civil, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, days_in_month, parse as instant,
};

/// `start/end`, `P30D/end`, `start/P30D`, `P90D` (back from now) and `start` (until now), as ticks from and to.
pub fn interval(text: &str, now: i64) -> Option<(i64, i64)> {
    let text = text.trim();
    let Some((from, to)) = text.split_once('/') else {
        return match Period::read(text) {
            Some(period) => Some((period.before(now)?, now)),
            None => Some((instant(text)?, now)),
        };
    };
    let span = match (Period::read(from), Period::read(to)) {
        (Some(period), None) => {
            let end = instant(to)?;
            (period.before(end)?, end)
        }
        (None, Some(period)) => {
            let start = instant(from)?;
            (start, period.after(start)?)
        }
        (None, None) => (instant(from)?, instant(to)?),
        (Some(_), Some(_)) => return None,
    };
    (span.0 <= span.1).then_some(span)
}

/// An ISO 8601 duration: calendar months, and ticks.
struct Period {
    months: i64,
    ticks: i64,
}

impl Period {
    fn read(text: &str) -> Option<Period> {
        let rest = text.trim().strip_prefix(['P', 'p'])?;
        let (mut period, mut in_time, mut number, mut seen) =
            (Period { months: 0, ticks: 0 }, false, String::new(), false);
        for c in rest.chars() {
            match c.to_ascii_uppercase() {
                'T' if !in_time && number.is_empty() => in_time = true,
                c if c.is_ascii_digit() || c == '.' => number.push(c),
                unit => {
                    let x: f64 = std::mem::take(&mut number).parse().ok()?;
                    let ticks = match (unit, in_time) {
                        ('Y', false) => {
                            period.months += (x * 12.0) as i64;
                            0
                        }
                        ('M', false) => {
                            period.months += x as i64;
                            0
                        }
                        ('W', false) => 7 * TICKS_PER_DAY,
                        ('D', false) => TICKS_PER_DAY,
                        ('H', true) => TICKS_PER_HOUR,
                        ('M', true) => TICKS_PER_MINUTE,
                        ('S', true) => TICKS_PER_SECOND,
                        _ => return None,
                    };
                    period.ticks = period.ticks.checked_add((x * ticks as f64) as i64)?;
                    seen = true;
                }
            }
        }
        (seen && number.is_empty()).then_some(period)
    }

    fn before(&self, ticks: i64) -> Option<i64> {
        add_months(ticks, -self.months)?.checked_sub(self.ticks)
    }

    fn after(&self, ticks: i64) -> Option<i64> {
        add_months(ticks, self.months)?.checked_add(self.ticks)
    }
}

fn add_months(ticks: i64, months: i64) -> Option<i64> {
    let civil = Civil::of(ticks);
    let total = i64::from(civil.year).checked_mul(12)?.checked_add(i64::from(civil.month) - 1)?.checked_add(months)?;
    let year = i32::try_from(total.div_euclid(12)).ok()?;
    let month = total.rem_euclid(12) as u32 + 1;
    Civil { year, month, day: civil.day.min(days_in_month(year, month)), ..civil }.ticks()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::datetime::text;

    fn shown(span: &str) -> String {
        let now = instant("2024-03-31T12:00:00Z").expect("an instant");
        interval(span, now).map_or("none".into(), |(from, to)| format!("{} {}", text(from), text(to)))
    }

    #[test]
    fn all_forms_of_an_interval() {
        let now = "2024-03-31T12:00:00.0000000Z";
        assert_eq!(shown("P30D"), format!("2024-03-01T12:00:00.0000000Z {now}"));
        assert_eq!(shown("P1M"), format!("2024-02-29T12:00:00.0000000Z {now}"));
        assert_eq!(shown("PT1H30M"), format!("2024-03-31T10:30:00.0000000Z {now}"));
        assert_eq!(shown("2024-03-30T00:00:00.5+02:00"), format!("2024-03-29T22:00:00.5000000Z {now}"));
        assert_eq!(shown("2024-01-01/P1D"), "2024-01-01T00:00:00.0000000Z 2024-01-02T00:00:00.0000000Z");
        assert_eq!(shown("P1D/2024-01-02T00:00:00Z"), "2024-01-01T00:00:00.0000000Z 2024-01-02T00:00:00.0000000Z");
        for wrong in ["", "P", "P5", "yesterday", "2024-13-01", "P1D/P1D", "2024-01-02/2024-01-01", "P1H"] {
            assert_eq!(shown(wrong), "none", "{wrong}");
        }
    }
}
