//! Cells as JSON: typed once for each column and batch, then written row by row without a tree in between.
use crate::columns::Cells;
use crate::types::{Schema, Type};
use crate::value::datetime::Civil;
use crate::value::{Value, timespan};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringViewArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use serde::de::IgnoredAny;

/// One column of one batch, ready to write its cells.
#[derive(Debug)]
pub struct JsonCells<'a> {
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    Bool(&'a BooleanArray),
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Real(&'a Float64Array),
    String(&'a StringViewArray),
    Datetime(&'a Int64Array),
    /// The types that are rare, and columns as other writers stored them.
    Other(Cells<'a>),
}

impl<'a> JsonCells<'a> {
    pub fn new(array: &'a ArrayRef, ty: Type) -> JsonCells<'a> {
        let kind = match (ty, array.data_type()) {
            (Type::Bool, DataType::Boolean) => Kind::Bool(array.as_boolean()),
            (Type::Int, DataType::Int32) => Kind::Int(array.as_primitive::<Int32Type>()),
            (Type::Long, DataType::Int64) => Kind::Long(array.as_primitive::<Int64Type>()),
            (Type::Real, DataType::Float64) => Kind::Real(array.as_primitive::<Float64Type>()),
            (Type::String, DataType::Utf8View) => Kind::String(array.as_string_view()),
            (Type::Datetime, DataType::Int64) => Kind::Datetime(array.as_primitive::<Int64Type>()),
            _ => Kind::Other(Cells::new(array, ty)),
        };
        JsonCells { kind }
    }

    /// All columns of a batch.
    pub fn of(batch: &'a RecordBatch, schema: &Schema) -> Vec<JsonCells<'a>> {
        batch.columns().iter().zip(&schema.columns).map(|(array, column)| JsonCells::new(array, column.ty)).collect()
    }

    pub fn write(&self, row: usize, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Bool(a) if a.is_valid(row) => out.extend_from_slice(if a.value(row) { b"true" } else { b"false" }),
            Kind::Int(a) if a.is_valid(row) => integer(i64::from(a.value(row)), out),
            Kind::Long(a) if a.is_valid(row) => integer(a.value(row), out),
            Kind::Real(a) if a.is_valid(row) => number(a.value(row), out),
            Kind::Datetime(a) if a.is_valid(row) => datetime(a.value(row), out),
            Kind::String(a) => string(if a.is_valid(row) { a.value(row) } else { "" }, out),
            Kind::Other(cells) => value(&cells.get(row), out),
            Kind::Bool(_) | Kind::Int(_) | Kind::Long(_) | Kind::Real(_) | Kind::Datetime(_) => null(out),
        }
    }
}

/// A value as a JSON cell: decimals, datetimes, timespans, guids and the reals that JSON lacks are texts.
pub fn value(value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Null => null(out),
        Value::Bool(x) => out.extend_from_slice(if *x { b"true" } else { b"false" }),
        Value::Int(x) => integer(i64::from(*x), out),
        Value::Long(x) => integer(*x, out),
        Value::Real(x) => number(*x, out),
        Value::String(x) => string(x, out),
        Value::Datetime(x) => datetime(*x, out),
        Value::Timespan(x) => string(&timespan::text(*x), out),
        Value::Decimal(_) | Value::Guid(_) => string(&value.text(), out),
        Value::Dynamic(x) => json(&x.json_text(), out),
    }
}

/// JSON text as it is; text that turns out not to be JSON becomes a JSON string.
fn json(text: &str, out: &mut Vec<u8>) {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return string(text, out);
    }
    if text.contains(['\n', '\r']) {
        // Line breaks stand only between tokens of valid JSON; formats of one row a line need them gone.
        out.extend(text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// A JSON string with its quotes.
pub fn string(text: &str, out: &mut Vec<u8>) {
    serialize(text, out);
}

fn integer(x: i64, out: &mut Vec<u8>) {
    serialize(&x, out);
}

fn number(x: f64, out: &mut Vec<u8>) {
    match x {
        _ if x.is_finite() => serialize(&x, out),
        _ if x.is_nan() => string("NaN", out),
        _ => string(if x > 0.0 { "Infinity" } else { "-Infinity" }, out),
    }
}

fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

/// Numbers and texts always serialize, and a vector takes every write.
fn serialize<T: serde::Serialize + ?Sized>(x: &T, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, x).is_err() {
        out.truncate(start);
        null(out);
    }
}

/// `"2020-02-05T01:10:26.2648757Z"`
fn datetime(ticks: i64, out: &mut Vec<u8>) {
    let c = Civil::of(ticks);
    let mut text = *b"\"0000-00-00T00:00:00.0000000Z\"";
    digits(&mut text[1..5], c.year.unsigned_abs());
    digits(&mut text[6..8], c.month);
    digits(&mut text[9..11], c.day);
    digits(&mut text[12..14], c.hour);
    digits(&mut text[15..17], c.minute);
    digits(&mut text[18..20], c.second);
    digits(&mut text[21..28], c.fraction);
    out.extend_from_slice(&text);
}

fn digits(place: &mut [u8], mut x: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (x % 10) as u8;
        x /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::column;
    use crate::value::{Decimal, Dynamic};

    fn cell(ty: Type, given: Value<'_>) -> String {
        let array = column(ty, [&given]);
        let mut out = Vec::new();
        JsonCells::new(&array, ty).write(0, &mut out);
        String::from_utf8(out).expect("JSON is text")
    }

    #[test]
    fn every_type_has_its_form() {
        assert_eq!(cell(Type::Bool, Value::Bool(true)), "true");
        assert_eq!(cell(Type::Int, Value::Int(-7)), "-7");
        assert_eq!(cell(Type::Long, Value::Long(i64::MIN)), "-9223372036854775808");
        assert_eq!(cell(Type::Real, Value::Real(1.0)), "1.0");
        assert_eq!(cell(Type::Real, Value::Real(f64::NEG_INFINITY)), "\"-Infinity\"");
        assert_eq!(cell(Type::Decimal, Value::Decimal(Decimal::from_long(3))), "\"3\"");
        assert_eq!(cell(Type::String, Value::string("a\"\n\u{1}é")), r#""a\"\n\u0001é""#);
        assert_eq!(cell(Type::String, Value::Null), "\"\"");
        assert_eq!(cell(Type::Datetime, Value::Datetime(0)), "\"0001-01-01T00:00:00.0000000Z\"");
        assert_eq!(
            cell(Type::Datetime, Value::Datetime(crate::value::datetime::MAX)),
            "\"9999-12-31T23:59:59.9999999Z\""
        );
        assert_eq!(cell(Type::Timespan, Value::Timespan(-864_000_000_000)), "\"-1.00:00:00\"");
        assert_eq!(cell(Type::Guid, Value::Guid(1)), "\"00000000-0000-0000-0000-000000000001\"");
        assert_eq!(cell(Type::Dynamic, Value::Dynamic(Dynamic::Text("{\"a\":\n 1}".into()))), "{\"a\": 1}");
        assert_eq!(cell(Type::Dynamic, Value::Dynamic(Dynamic::Text("{a".into()))), "\"{a\"");
        assert_eq!(cell(Type::Long, Value::Null), "null");
    }
}
