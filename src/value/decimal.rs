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
