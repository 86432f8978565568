//! One value of a KQL type, and its texts. Pure Rust: literals, constant folding, the row functions, ingestion and the
//! wire formats all speak of values in these terms.
//!
//! - datetime and timespan are whole ticks of 100 ns; a datetime counts from 0001-01-01T00:00:00Z
//! - a decimal is a whole number of 10⁻¹⁸
//! - a string is never null: an absent one is the empty string
//! - a dynamic is JSON, as text until somebody looks inside
use crate::types::Type;
use std::borrow::Cow;

pub mod convert;
pub mod datetime;
pub mod decimal;
pub mod guid;
pub mod json;
pub mod json_text;
pub mod long;
pub mod real;
pub mod timespan;

pub use decimal::Decimal;
pub use json::{Dynamic, Json};

#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Real(f64),
    Decimal(Decimal),
    String(Cow<'a, str>),
    Datetime(i64),
    Timespan(i64),
    Guid(u128),
    Dynamic(Dynamic<'a>),
}

impl<'a> Value<'a> {
    pub fn string(text: impl Into<Cow<'a, str>>) -> Value<'a> {
        Value::String(text.into())
    }

    /// A dynamic from a JSON tree; JSON `null` is the null value.
    pub fn json(tree: Json) -> Value<'a> {
        if tree.is_null() { Value::Null } else { Value::Dynamic(Dynamic::Tree(tree)) }
    }

    /// The value that stands for "absent" in a column of this type.
    pub fn absent(ty: Type) -> Value<'static> {
        if ty == Type::String { Value::String(Cow::Borrowed("")) } else { Value::Null }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The same value, borrowing its text.
    pub fn borrow(&self) -> Value<'_> {
        match self {
            Value::String(x) => Value::String(Cow::Borrowed(x)),
            Value::Dynamic(Dynamic::Text(x)) => Value::Dynamic(Dynamic::Text(Cow::Borrowed(x))),
            other => other.clone(),
        }
    }

    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(x) => Value::Bool(x),
            Value::Int(x) => Value::Int(x),
            Value::Long(x) => Value::Long(x),
            Value::Real(x) => Value::Real(x),
            Value::Decimal(x) => Value::Decimal(x),
            Value::String(x) => Value::String(Cow::Owned(x.into_owned())),
            Value::Datetime(x) => Value::Datetime(x),
            Value::Timespan(x) => Value::Timespan(x),
            Value::Guid(x) => Value::Guid(x),
            Value::Dynamic(x) => Value::Dynamic(x.into_owned()),
        }
    }

    /// The text inside a string value.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// An int or long as a long.
    pub fn as_long(&self) -> Option<i64> {
        match self {
            Value::Int(x) => Some(i64::from(*x)),
            Value::Long(x) => Some(*x),
            _ => None,
        }
    }

    /// Any number as a real.
    pub fn as_real(&self) -> Option<f64> {
        match self {
            Value::Int(x) => Some(f64::from(*x)),
            Value::Long(x) => Some(*x as f64),
            Value::Real(x) => Some(*x),
            Value::Decimal(x) => Some(x.to_f64()),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(x) = self { Some(*x) } else { None }
    }

    /// What the KQL function `tostring` makes of it: `""` for null, `True`, `1.00:00:00`, compact JSON.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Value::Null => Cow::Borrowed(""),
            Value::Bool(x) => Cow::Borrowed(if *x { "True" } else { "False" }),
            Value::Int(x) => Cow::Owned(x.to_string()),
            Value::Long(x) => Cow::Owned(x.to_string()),
            Value::Real(x) => Cow::Owned(real::text(*x)),
            Value::Decimal(x) => Cow::Owned(x.to_string()),
            Value::String(x) => Cow::Borrowed(x),
            Value::Datetime(x) => Cow::Owned(datetime::text(*x)),
            Value::Timespan(x) => Cow::Owned(timespan::text(*x)),
            Value::Guid(x) => Cow::Owned(guid::text(*x)),
            Value::Dynamic(x) => x.text(),
        }
    }

    /// The value as an element of a dynamic: numbers and bools as such, datetimes and the rest as their texts.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(x) => Json::Bool(*x),
            Value::Int(x) => Json::from(*x),
            Value::Long(x) => Json::from(*x),
            Value::Real(x) => real::json(*x),
            Value::Decimal(x) => Json::String(x.to_string()),
            Value::Dynamic(x) => x.tree().into_owned(),
            other => Json::String(other.text().into_owned()),
        }
    }
}

/// The text of a value with the exact form of JSON where it is dynamic (a dynamic string keeps its quotes).
pub fn json_text(value: &Value<'_>) -> String {
    match value {
        Value::Dynamic(x) => x.json_text().into_owned(),
        other => json::write(&other.to_json()),
    }
}
