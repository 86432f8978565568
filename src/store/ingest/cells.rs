//! Cells of the input as columns at rest. A value that its column's type cannot say is given back, so that the caller
//! can keep it elsewhere: nothing is lost and nothing is guessed.
use super::fields::compact;
use crate::columns::{micros_of_ticks, stored_type};
use crate::types::Type;
use crate::value::{datetime, decimal, guid, long, real, timespan};
use arrow::array::{
    ArrayRef, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder, StringViewBuilder,
    TimestampMicrosecondBuilder,
};
use std::borrow::Cow;
use std::sync::Arc;

/// A cell as the input has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Raw<'a> {
    Absent,
    Bool(bool),
    /// A JSON number, as it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A JSON object or array, as it is written.
    Nested(&'a str),
}

impl Raw<'_> {
    /// Whether there is nothing in it: an empty text says no more than a missing one.
    pub fn is_absent(&self) -> bool {
        match self {
            Raw::Absent => true,
            Raw::Text(text) => text.is_empty(),
            Raw::Bool(_) | Raw::Number(_) | Raw::Nested(_) => false,
        }
    }

    /// Adds the value to JSON text.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Raw::Absent => out.push_str("null"),
            Raw::Bool(x) => out.push_str(if *x { "true" } else { "false" }),
            Raw::Number(text) => out.push_str(text),
            Raw::Text(text) => write_json_string(text, out),
            Raw::Nested(text) => out.push_str(&compact(text)),
        }
    }
}

pub fn write_json_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// The datetime in a cell, in ticks.
pub fn ticks(raw: &Raw<'_>) -> Option<i64> {
    if let Raw::Text(text) = raw { datetime::parse(text) } else { None }
}

/// Builds one column at rest.
#[derive(Debug)]
pub enum Cells {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Decimal(Decimal128Builder),
    String(StringViewBuilder),
    Datetime(TimestampMicrosecondBuilder),
    Timespan(Int64Builder),
    Guid(StringViewBuilder),
    Dynamic(StringViewBuilder),
}

impl Cells {
    pub fn new(ty: Type) -> Cells {
        match ty {
            Type::Bool => Cells::Bool(BooleanBuilder::new()),
            Type::Int => Cells::Int(Int32Builder::new()),
            Type::Long => Cells::Long(Int64Builder::new()),
            Type::Real => Cells::Real(Float64Builder::new()),
            Type::Decimal => Cells::Decimal(Decimal128Builder::new().with_data_type(stored_type(ty))),
            Type::String => Cells::String(StringViewBuilder::new()),
            Type::Datetime => Cells::Datetime(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Type::Timespan => Cells::Timespan(Int64Builder::new()),
            Type::Guid => Cells::Guid(StringViewBuilder::new()),
            Type::Dynamic => Cells::Dynamic(StringViewBuilder::new()),
        }
    }

    pub fn push_absent(&mut self) {
        match self {
            Cells::Bool(b) => b.append_null(),
            Cells::Int(b) => b.append_null(),
            Cells::Long(b) | Cells::Timespan(b) => b.append_null(),
            Cells::Real(b) => b.append_null(),
            Cells::Decimal(b) => b.append_null(),
            Cells::String(b) => b.append_value(""),
            Cells::Datetime(b) => b.append_null(),
            Cells::Guid(b) | Cells::Dynamic(b) => b.append_null(),
        }
    }

    /// Adds a value. Where the column cannot say it, the cell is absent and the answer is false.
    #[must_use]
    pub fn push(&mut self, raw: &Raw<'_>) -> bool {
        if raw.is_absent() {
            self.push_absent();
            return true;
        }
        match self {
            Cells::Bool(b) => {
                let value = as_bool(raw);
                b.append_option(value);
                value.is_some()
            }
            Cells::Int(b) => {
                let value = as_long(raw).and_then(|x| i32::try_from(x).ok());
                b.append_option(value);
                value.is_some()
            }
            Cells::Long(b) => {
                let value = as_long(raw);
                b.append_option(value);
                value.is_some()
            }
            Cells::Real(b) => {
                let value = number_text(raw).and_then(real::parse);
                b.append_option(value);
                value.is_some()
            }
            Cells::Decimal(b) => {
                let value = number_text(raw).and_then(decimal::parse).map(|x| x.0);
                b.append_option(value);
                value.is_some()
            }
            Cells::String(b) => {
                match raw {
                    Raw::Absent => b.append_value(""),
                    Raw::Bool(x) => b.append_value(if *x { "true" } else { "false" }),
                    Raw::Number(text) => b.append_value(text),
                    Raw::Text(text) => b.append_value(text),
                    Raw::Nested(text) => b.append_value(compact(text)),
                }
                true
            }
            Cells::Datetime(b) => {
                let value = ticks(raw).map(micros_of_ticks);
                b.append_option(value);
                value.is_some()
            }
            Cells::Timespan(b) => {
                let value = if let Raw::Text(text) = raw { timespan::parse(text) } else { None };
                b.append_option(value);
                value.is_some()
            }
            Cells::Guid(b) => {
                let value = if let Raw::Text(text) = raw { guid::parse(text) } else { None };
                b.append_option(value.map(guid::text));
                value.is_some()
            }
            Cells::Dynamic(b) => {
                match raw {
                    Raw::Nested(text) => b.append_value(compact(text)),
                    // Exports as text, CSV above all, put the JSON of a dynamic into a string.
                    Raw::Text(text) if is_nested_json(text) => b.append_value(compact(text)),
                    Raw::Absent | Raw::Bool(_) | Raw::Number(_) | Raw::Text(_) => {
                        let mut json = String::new();
                        raw.write_json(&mut json);
                        b.append_value(json);
                    }
                }
                true
            }
        }
    }

    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Cells::Bool(b) => Arc::new(b.finish()),
            Cells::Int(b) => Arc::new(b.finish()),
            Cells::Long(b) | Cells::Timespan(b) => Arc::new(b.finish()),
            Cells::Real(b) => Arc::new(b.finish()),
            Cells::Decimal(b) => Arc::new(b.finish()),
            Cells::Datetime(b) => Arc::new(b.finish()),
            Cells::String(b) | Cells::Guid(b) | Cells::Dynamic(b) => Arc::new(b.finish()),
        }
    }
}

/// Whether a text is the JSON of an object or array.
pub fn is_nested_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn number_text<'a>(raw: &'a Raw<'_>) -> Option<&'a str> {
    match raw {
        Raw::Number(text) => Some(text),
        Raw::Text(text) => Some(text.trim()),
        Raw::Absent | Raw::Bool(_) | Raw::Nested(_) => None,
    }
}

/// A whole number. `72192.0` is one too: tools that know no missing integers write them as reals.
fn as_long(raw: &Raw<'_>) -> Option<i64> {
    if let Raw::Bool(x) = raw {
        return Some(i64::from(*x));
    }
    let text = number_text(raw)?;
    text.parse().ok().or_else(|| long::parse(text)).or_else(|| {
        let x: f64 = text.parse().ok()?;
        // Past 2⁵³ a real no longer says which whole number was meant.
        (x.fract() == 0.0 && x.abs() <= 9_007_199_254_740_992.0).then_some(x as i64)
    })
}

fn as_bool(raw: &Raw<'_>) -> Option<bool> {
    match raw {
        Raw::Bool(x) => Some(*x),
        Raw::Number("1" | "1.0") => Some(true),
        Raw::Number("0" | "0.0") => Some(false),
        Raw::Text(text) => match text.trim() {
            "1" => Some(true),
            "0" => Some(false),
            text if text.eq_ignore_ascii_case("true") => Some(true),
            text if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        },
        Raw::Absent | Raw::Number(_) | Raw::Nested(_) => None,
    }
}
