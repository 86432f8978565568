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
