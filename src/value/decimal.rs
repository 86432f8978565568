//! The decimal type: a whole number of 10⁻¹⁸ in 128 bits, twenty digits before the point.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub i128);

/// Digits after the point.
pub const SCALE: u32 = 18;
/// One, in units of the last digit.
pub const ONE: i128 = 10i128.pow(SCALE);

impl Decimal {
    pub fn to_f64(self) -> f64 {
        // The two halves apart, so that short decimals convert exactly.
        (self.0 / ONE) as f64 + (self.0 % ONE) as f64 / ONE as f64
    }

    pub fn from_long(x: i64) -> Decimal {
        Decimal(i128::from(x) * ONE)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let (whole, rest) = (units / ONE as u128, units % ONE as u128);
        let digits = format!("{rest:018}");
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{digits}") }
    }
}

/// The decimal that a text means: sign, digits, point, exponent. Digits past the eighteenth after the point are rounded
/// off, half away from zero.
pub fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if text.len() > 100 {
        return None;
    }
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= 100)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // The digit at position `units` is the one that counts 10⁻¹⁸; the next one decides the rounding.
    let units = whole.len() as i32 + exponent + SCALE as i32;
    let (mut sum, mut up) = (0i128, false);
    for (at, digit) in digits().enumerate() {
        if (at as i32) < units {
            sum = sum.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        } else if at as i32 == units {
            up = digit >= b'5';
        }
    }
    for _ in (whole.len() + fraction.len()) as i32..units {
        sum = sum.checked_mul(10)?;
    }
    sum = sum.checked_add(i128::from(up))?;
    Some(Decimal(if negative { -sum } else { sum }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_and_writes() {
        for (written, meant) in [
            ("123.45678", "123.45678"),
            ("-0.5", "-0.5"),
            ("1e3", "1000"),
            ("15e-1", "1.5"),
            (".0000000000000000005", "0.000000000000000001"),
            ("0.0000000000000000004", "0"),
        ] {
            assert_eq!(super::parse(written).map(|x| x.to_string()).as_deref(), Some(meant), "{written}");
        }
        for written in ["", "abc", "1.2.3", "1e999", "-", "99999999999999999999999999"] {
            assert!(super::parse(written).is_none(), "{written}");
        }
    }
}
