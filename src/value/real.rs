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
