//! From one type to another, as `tolong`, `todatetime`, `tostring` and their like do it: what cannot be converted is
//! null, nothing fails.
use super::{Decimal, Dynamic, Json, Value, decimal, guid, json, json_text, long, real};
use crate::types::Type;
use std::borrow::Cow;

/// The value as one of that type; null (or `""`) where that cannot be.
pub fn to<'a>(value: &Value<'a>, ty: Type) -> Value<'a> {
    match ty {
        Type::Bool => boolean(value).map_or(Value::Null, Value::Bool),
        Type::Int => int(value).map_or(Value::Null, Value::Int),
        Type::Long => long(value).map_or(Value::Null, Value::Long),
        Type::Real => real(value).map_or(Value::Null, Value::Real),
        Type::Decimal => decimal(value).map_or(Value::Null, Value::Decimal),
        Type::String => string(value),
        Type::Datetime => datetime(value).map_or(Value::Null, Value::Datetime),
        Type::Timespan => timespan(value).map_or(Value::Null, Value::Timespan),
        Type::Guid => guid(value).map_or(Value::Null, Value::Guid),
        Type::Dynamic => match value {
            Value::Null | Value::Dynamic(_) => value.clone(),
            other => Value::Dynamic(Dynamic::Tree(other.to_json())),
        },
    }
}

/// A scalar inside a dynamic as a value of its own type; null for arrays and bags.
pub fn scalar(tree: &Json) -> Value<'static> {
    match tree {
        Json::Bool(x) => Value::Bool(*x),
        Json::Number(x) => x.as_i64().map_or_else(|| x.as_f64().map_or(Value::Null, Value::Real), Value::Long),
        Json::String(x) => Value::String(Cow::Owned(x.clone())),
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Null,
    }
}

/// An element of an array or bag as a value of that type.
pub fn element(tree: &Json, ty: Type) -> Value<'static> {
    match (tree, ty) {
        (_, Type::Dynamic) => Value::json(tree.clone()),
        (Json::Array(_) | Json::Object(_), Type::String) => Value::String(Cow::Owned(json::write(tree))),
        (Json::Bool(x), Type::String) => Value::string(if *x { "true" } else { "false" }),
        _ => to(&scalar(tree), ty),
    }
}

fn inside<T>(value: &Dynamic<'_>, read: fn(&Value<'_>) -> Option<T>) -> Option<T> {
    read(&scalar(value.tree().as_ref()))
}

pub fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(x) => Some(*x),
        Value::Int(x) => Some(*x != 0),
        Value::Long(x) => Some(*x != 0),
        Value::Real(x) => Some(*x != 0.0),
        Value::Decimal(x) => Some(x.0 != 0),
        Value::String(text) => match text.trim() {
            word if word.eq_ignore_ascii_case("true") => Some(true),
            word if word.eq_ignore_ascii_case("false") => Some(false),
            number => parse_long(number).map(|x| x != 0),
        },
        Value::Dynamic(x) => inside(x, boolean),
        Value::Null | Value::Datetime(_) | Value::Timespan(_) | Value::Guid(_) => None,
    }
}

/// A long out of range wraps, a real out of range stops at the end, a text out of range is null.
pub fn int(value: &Value<'_>) -> Option<i32> {
    match value {
        Value::Real(x) if x.is_nan() => None,
        Value::Real(x) => Some(*x as i32),
        Value::String(text) => match parse_long(text.trim()) {
            Some(x) if is_hex(text) => u32::try_from(x).ok().map(|x| x as i32),
            Some(x) => i32::try_from(x).ok(),
            None => None,
        },
        Value::Dynamic(x) => inside(x, int),
        other => long(other).map(|x| x as i32),
    }
}

pub fn long(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Bool(x) => Some(i64::from(*x)),
        Value::Int(x) => Some(i64::from(*x)),
        Value::Long(x) | Value::Datetime(x) | Value::Timespan(x) => Some(*x),
        Value::Real(x) if x.is_nan() => None,
        Value::Real(x) => Some(*x as i64),
        Value::Decimal(x) => i64::try_from(x.truncate()).ok(),
        Value::String(text) => parse_long(text.trim()),
        Value::Dynamic(x) => inside(x, long),
        Value::Null | Value::Guid(_) => None,
    }
}

pub fn real(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Bool(x) => Some(f64::from(u8::from(*x))),
        Value::Datetime(x) | Value::Timespan(x) => Some(*x as f64),
        Value::String(text) => {
            if is_hex(text) {
                parse_long(text.trim()).map(|x| x as f64)
            } else {
                real::parse(text)
            }
        }
        Value::Dynamic(x) => inside(x, real),
        other => other.as_real(),
    }
}

pub fn decimal(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Bool(x) => Some(Decimal::from_long(i64::from(*x))),
        Value::Int(x) => Some(Decimal::from_long(i64::from(*x))),
        Value::Long(x) | Value::Datetime(x) | Value::Timespan(x) => Some(Decimal::from_long(*x)),
        Value::Real(x) => Decimal::from_real(*x),
        Value::Decimal(x) => Some(*x),
        Value::String(text) => decimal::parse(text),
        Value::Dynamic(x) => inside(x, decimal),
        Value::Null | Value::Guid(_) => None,
    }
}

pub fn string<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::String(text) => Value::String(text.clone()),
        Value::Dynamic(Dynamic::Text(Cow::Borrowed(text))) => match json_text::string(text) {
            Some(inside) => Value::String(inside),
            None => Value::String(Cow::Owned(value.text().into_owned())),
        },
        other => Value::String(Cow::Owned(other.text().into_owned())),
    }
}

/// Numbers are ticks.
pub fn datetime(value: &Value<'_>) -> Option<i64> {
    let ticks = match value {
        Value::Datetime(x) => Some(*x),
        Value::Int(_) | Value::Long(_) | Value::Real(_) | Value::Decimal(_) | Value::Timespan(_) => long(value),
        Value::String(text) => super::datetime::parse(text),
        Value::Dynamic(x) => inside(x, datetime),
        Value::Null | Value::Bool(_) | Value::Guid(_) => None,
    };
    ticks.filter(|ticks| (0..=super::datetime::MAX).contains(ticks))
}

/// Numbers are ticks.
pub fn timespan(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Timespan(x) => Some(*x),
        Value::Int(_) | Value::Long(_) | Value::Real(_) | Value::Decimal(_) => long(value),
        Value::String(text) => super::timespan::parse(text),
        Value::Dynamic(x) => inside(x, timespan),
        Value::Null | Value::Bool(_) | Value::Datetime(_) | Value::Guid(_) => None,
    }
}

pub fn guid(value: &Value<'_>) -> Option<u128> {
    match value {
        Value::Guid(x) => Some(*x),
        Value::String(text) => guid::parse(text),
        Value::Dynamic(x) => inside(x, guid),
        _ => None,
    }
}

fn is_hex(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("0x") || text.starts_with("0X")
}

/// A whole number in decimal digits, or in hex digits after `0x` (all 64 bits of them, and no sign).
fn parse_long(text: &str) -> Option<i64> {
    if text.starts_with('-') && is_hex(&text[1..]) { None } else { long::parse(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_from_texts_and_back() {
        let s = |text: &'static str| Value::string(text);
        assert_eq!(int(&s("  42  ")), Some(42));
        assert_eq!(int(&s("0xFF")), Some(255));
        assert_eq!(int(&s("3.14")), None);
        assert_eq!(int(&s("-0x10")), None);
        assert_eq!(long(&s("0xFFFFFFFFFFFFFFFF")), Some(-1));
        assert_eq!(int(&Value::Long(2_147_483_648)), Some(i32::MIN));
        assert_eq!(long(&Value::Real(1e19)), Some(i64::MAX));
        assert_eq!(real(&s("5.")), Some(5.0));
        assert_eq!(real(&s("1_000")), None);
        assert_eq!(boolean(&s("TRUE")), Some(true));
        assert_eq!(boolean(&s("[1,2]")), None);
        assert_eq!(int(&Value::json(serde_json::json!("1.5"))), None);
        assert_eq!(int(&Value::json(serde_json::json!(1.5))), Some(1));
    }
}
