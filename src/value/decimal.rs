//! The decimal type: a whole number of 10⁻¹⁸ in 128 bits, twenty digits before the point.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub i128);

/// Digits after the point.
pub const SCALE: u32 = 18;
/// One, in units of the last digit.
pub const ONE: i128 = 10i128.pow(SCALE);
/// The largest that a column of 38 digits holds.
const MOST: u128 = 10u128.pow(38) - 1;

impl Decimal {
    pub fn to_f64(self) -> f64 {
        // The two halves apart, so that short decimals convert exactly.
        (self.0 / ONE) as f64 + (self.0 % ONE) as f64 / ONE as f64
    }

    pub fn from_long(x: i64) -> Decimal {
        Decimal(i128::from(x) * ONE)
    }

    /// The decimal that a real prints as; `None` for NaN, infinities and what has over twenty digits before the point.
    pub fn from_real(x: f64) -> Option<Decimal> {
        if x.abs() < 1e-30 { Some(Decimal(0)) } else { parse(&format!("{x:e}")) }
    }

    pub fn checked_add(self, other: Decimal) -> Option<Decimal> {
        self.0.checked_add(other.0).and_then(held)
    }

    pub fn checked_sub(self, other: Decimal) -> Option<Decimal> {
        self.0.checked_sub(other.0).and_then(held)
    }

    pub fn checked_mul(self, other: Decimal) -> Option<Decimal> {
        muldiv(self.0, other.0, ONE).and_then(held)
    }

    /// `None` for a division by zero too.
    pub fn checked_div(self, other: Decimal) -> Option<Decimal> {
        if other.0 == 0 { None } else { muldiv(self.0, ONE, other.0).and_then(held) }
    }

    /// The remainder, never negative.
    pub fn checked_rem(self, other: Decimal) -> Option<Decimal> {
        self.0.checked_rem_euclid(other.0).map(Decimal)
    }

    /// The greatest multiple of `step` that is not above it.
    pub fn floor_to(self, step: Decimal) -> Option<Decimal> {
        if step.0 <= 0 { None } else { self.0.checked_sub(self.0.rem_euclid(step.0)).and_then(held) }
    }

    /// Rounded towards zero.
    pub fn truncate(self) -> i128 {
        self.0 / ONE
    }
}

fn held(units: i128) -> Option<Decimal> {
    (units.unsigned_abs() <= MOST).then_some(Decimal(units))
}

/// `a · b / c`, rounded half away from zero, with a product of 256 bits. `c` is not zero.
fn muldiv(a: i128, b: i128, c: i128) -> Option<i128> {
    let negative = (a < 0) ^ (b < 0) ^ (c < 0);
    let (a, b, c) = (a.unsigned_abs(), b.unsigned_abs(), c.unsigned_abs());
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (low, middle, cross) = (a0 * b0, a1 * b0, a0 * b1);
    let carry = (low >> 64) + (middle & LOW) + (cross & LOW);
    let low = (low & LOW) | (carry << 64);
    let high = a1 * b1 + (middle >> 64) + (cross >> 64) + (carry >> 64);
    if high >= c {
        return None;
    }
    let (mut rest, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let over = rest >> 127 == 1;
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if over || rest >= c {
            rest = rest.wrapping_sub(c);
            quotient |= 1;
        }
    }
    if rest >= c - rest {
        quotient = quotient.checked_add(1)?;
    }
    let signed = i128::try_from(quotient).ok()?;
    Some(if negative { -signed } else { signed })
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

#[cfg(test)]
mod tests {
    use super::{Decimal, parse};

    #[test]
    fn reckons() {
        let d = |text: &str| parse(text).unwrap_or(Decimal(0));
        assert_eq!(d("10").checked_div(d("3")).map(|x| x.to_string()).as_deref(), Some("3.333333333333333333"));
        assert_eq!(d("-2").checked_div(d("3")).map(|x| x.to_string()).as_deref(), Some("-0.666666666666666667"));
        assert_eq!(
            d("99999999999").checked_mul(d("99999999")).map(|x| x.to_string()).as_deref(),
            Some("9999999899900000001")
        );
        assert_eq!(d("-5").checked_rem(d("3")), Some(d("1")));
        assert_eq!(d("1").checked_div(d("0")), None);
        assert_eq!(Decimal::from_real(0.1), Some(d("0.1")));
        assert_eq!(Decimal::from_real(1e-200), Some(d("0")));
        assert_eq!(Decimal::from_real(1e30), None);
    }

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
