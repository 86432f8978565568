//! Whole numbers: reading them.

/// The long that a text means: a sign and decimal digits, or `0x` and up to sixteen hexadecimal ones.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let bits = u64::from_str_radix(hex, 16).ok()? as i64;
            Some(if negative { bits.wrapping_neg() } else { bits })
        }
        Some(_) => None,
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_decimal_and_hexadecimal() {
        assert_eq!(super::parse(" 42 "), Some(42));
        assert_eq!(super::parse("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(super::parse("0xFF"), Some(255));
        assert_eq!(super::parse("0xffffffffffffffff"), Some(-1));
        assert_eq!(super::parse("9223372036854775808"), None);
        assert_eq!(super::parse("3.14"), None);
        assert_eq!(super::parse("0x"), None);
    }
}
