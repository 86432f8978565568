//! Reals: their texts as the reference engine writes them.
use super::Json;

/// Shortest text that reads back as the same number: `1.0`, `0.1`, `1E+20`, `NaN`, `Infinity`.
pub fn text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    format!("{x:?}")
}

/// A real as an element of a dynamic; JSON has no NaN and no infinities, so they are texts.
pub fn json(x: f64) -> Json {
    serde_json::Number::from_f64(x).map_or_else(|| Json::String(text(x)), Json::Number)
}

/// The real that a text means: digits with point and exponent, `nan`, `inf`, `-Infinity` in any letter case.
pub fn parse(text: &str) -> Option<f64> {
    // What the standard library reads is exactly this; it takes no blanks inside, no underscores and no hex.
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_numbers_and_the_three_that_are_none() {
        for written in ["1", "1.", ".5", "-0", "1.5e10", "+2E-3", "  3.14  ", "NaN", "Inf", "-infinity"] {
            assert!(super::parse(written).is_some(), "{written}");
        }
        for written in ["", "1_000", "0b101", "0x1F", "1 2", "abc"] {
            assert!(super::parse(written).is_none(), "{written}");
        }
    }
}
