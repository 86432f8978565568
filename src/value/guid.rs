//! Guids: 128 bits, written in lower case with hyphens.

pub fn text(guid: u128) -> String {
    let hex = format!("{guid:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Thirty-two hex digits in any letter case; hyphens between them, braces and parentheses around them may stand.
pub fn parse(text: &str) -> Option<u128> {
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let text = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    if text.len() > 64 {
        return None;
    }
    let (mut guid, mut digits) = (0u128, 0);
    for (at, byte) in text.bytes().enumerate() {
        match (char::from(byte).to_digit(16), byte) {
            (Some(digit), _) => {
                if digits == 32 {
                    return None;
                }
                guid = guid << 4 | u128::from(digit);
                digits += 1;
            }
            (None, b'-') if at > 0 && at + 1 < text.len() => {}
            _ => return None,
        }
    }
    (digits == 32).then_some(guid)
}

#[cfg(test)]
mod tests {
    use super::{parse, text};

    #[test]
    fn reads_what_the_engine_reads() {
        let wanted = "01234567-89ab-cdef-0123-456789abcdef";
        for written in [wanted, "0123456789ABCDEF0123456789abcdef", "0123456789ab-cdef-0123-456789abcdef"] {
            assert_eq!(parse(written).map(text).as_deref(), Some(wanted));
        }
        assert_eq!(parse("a string that is not a guid"), None);
    }
}
