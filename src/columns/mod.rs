//! KQL values in Arrow columns: which Arrow type holds which KQL type, reading cells as [`Value`]s and building columns
//! from them. One mapping for the store, the plans and the wire.
//!
//! | KQL | in plans and answers | at rest in Parquet |
//! |---|---|---|
//! | bool int long real | Boolean Int32 Int64 Float64 | the same |
//! | decimal | Decimal128(38, 18) | the same |
//! | string | Utf8View, never null | Utf8View; a null of other writers reads as "" |
//! | datetime | Int64 ticks of 100 ns since 0001-01-01 | Timestamp(µs, UTC), floored |
//! | timespan | Int64 ticks | Int64 ticks |
//! | guid | Utf8View, lower case with hyphens | the same |
//! | dynamic | Utf8View, JSON text | the same |
use crate::types::{Schema, Type};
use crate::value::{Decimal, Dynamic, Value, datetime, guid, json_text};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder,
    StringViewBuilder,
};
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int32Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use std::borrow::Cow;
use std::sync::Arc;

pub mod dictionary;
pub mod numbered;
pub mod repeats;
pub mod seen;

/// Ticks in a microsecond.
pub const TICKS_PER_MICRO: i64 = 10;

/// The Arrow type of a KQL type in plans and answers.
pub fn arrow_type(ty: Type) -> DataType {
    match ty {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int32,
        Type::Long | Type::Datetime | Type::Timespan => DataType::Int64,
        Type::Real => DataType::Float64,
        Type::Decimal => DataType::Decimal128(38, 18),
        Type::String | Type::Guid | Type::Dynamic => DataType::Utf8View,
    }
}

/// The Arrow type of a KQL type in the files that the store writes.
pub fn stored_type(ty: Type) -> DataType {
    match ty {
        Type::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => arrow_type(other),
    }
}

/// The Arrow schema of answers with this KQL schema.
pub fn arrow_schema(schema: &Schema) -> SchemaRef {
    Arc::new(arrow::datatypes::Schema::new(
        schema.columns.iter().map(|column| Field::new(&column.name, arrow_type(column.ty), true)).collect::<Vec<_>>(),
    ))
}

/// About how many bytes the cells of a batch have. Batches cut from a larger one share its buffers, which must not count
/// once for each of them.
pub fn cell_bytes(batch: &RecordBatch) -> u64 {
    let of = |array: &ArrayRef| match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(u64::from).sum(),
        other => array.len() as u64 * other.primitive_width().unwrap_or(1) as u64,
    };
    batch.columns().iter().map(of).sum()
}

/// Ticks of a stored timestamp.
pub fn ticks_of_micros(micros: i64) -> i64 {
    datetime::UNIX_EPOCH.saturating_add(micros.saturating_mul(TICKS_PER_MICRO))
}

/// The stored timestamp of ticks: floored.
pub fn micros_of_ticks(ticks: i64) -> i64 {
    (ticks - datetime::UNIX_EPOCH).div_euclid(TICKS_PER_MICRO)
}

/// Reads the cells of one column as values of one KQL type.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    array: &'a ArrayRef,
    ty: Type,
}

impl<'a> Cells<'a> {
    /// The array must have the type's Arrow type, in plans or at rest.
    pub fn new(array: &'a ArrayRef, ty: Type) -> Cells<'a> {
        Cells { array, ty }
    }

    pub fn get(&self, row: usize) -> Value<'a> {
        let array = self.array;
        if array.is_null(row) {
            return Value::absent(self.ty);
        }
        match self.ty {
            Type::Bool => Value::Bool(array.as_boolean().value(row)),
            Type::Int => Value::Int(array.as_primitive::<Int32Type>().value(row)),
            Type::Long => Value::Long(array.as_primitive::<Int64Type>().value(row)),
            Type::Real => Value::Real(array.as_primitive::<Float64Type>().value(row)),
            Type::Decimal => Value::Decimal(Decimal(array.as_primitive::<Decimal128Type>().value(row))),
            Type::Datetime => Value::Datetime(match array.data_type() {
                DataType::Int64 => array.as_primitive::<Int64Type>().value(row),
                _ => ticks_of_micros(array.as_primitive::<TimestampMicrosecondType>().value(row)),
            }),
            Type::Timespan => Value::Timespan(array.as_primitive::<Int64Type>().value(row)),
            Type::String => Value::String(Cow::Borrowed(text_at(array, row))),
            Type::Guid => guid::parse(text_at(array, row)).map_or(Value::Null, Value::Guid),
            Type::Dynamic => match text_at(array, row) {
                "" | "null" => Value::Null,
                text => Value::Dynamic(Dynamic::Text(Cow::Borrowed(text))),
            },
        }
    }
}

fn text_at(array: &ArrayRef, row: usize) -> &str {
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row),
        DataType::Utf8 => array.as_string::<i32>().value(row),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row),
        _ => "",
    }
}

/// Builds one column, value by value. A value of another type than the column's is stored as absent, except that an
/// int widens to long and either to real.
#[derive(Debug)]
pub enum ColumnBuilder {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Decimal(Decimal128Builder),
    String(StringViewBuilder),
    Ticks(Int64Builder),
    Guid(StringViewBuilder),
    Dynamic(StringViewBuilder),
}

impl ColumnBuilder {
    pub fn new(ty: Type, capacity: usize) -> ColumnBuilder {
        match ty {
            Type::Bool => ColumnBuilder::Bool(BooleanBuilder::with_capacity(capacity)),
            Type::Int => ColumnBuilder::Int(Int32Builder::with_capacity(capacity)),
            Type::Long => ColumnBuilder::Long(Int64Builder::with_capacity(capacity)),
            Type::Real => ColumnBuilder::Real(Float64Builder::with_capacity(capacity)),
            Type::Decimal => ColumnBuilder::Decimal(
                Decimal128Builder::with_capacity(capacity).with_data_type(DataType::Decimal128(38, 18)),
            ),
            Type::String => ColumnBuilder::String(StringViewBuilder::with_capacity(capacity)),
            Type::Datetime | Type::Timespan => ColumnBuilder::Ticks(Int64Builder::with_capacity(capacity)),
            Type::Guid => ColumnBuilder::Guid(StringViewBuilder::with_capacity(capacity)),
            Type::Dynamic => ColumnBuilder::Dynamic(StringViewBuilder::with_capacity(capacity)),
        }
    }

    pub fn push(&mut self, value: &Value<'_>) {
        match self {
            ColumnBuilder::Bool(b) => b.append_option(value.as_bool()),
            ColumnBuilder::Int(b) => b.append_option(value.as_long().and_then(|x| i32::try_from(x).ok())),
            ColumnBuilder::Long(b) => b.append_option(value.as_long()),
            ColumnBuilder::Real(b) => b.append_option(value.as_real()),
            ColumnBuilder::Decimal(b) => {
                b.append_option(if let Value::Decimal(x) = value { Some(x.0) } else { None });
            }
            ColumnBuilder::String(b) => b.append_value(value.as_str().unwrap_or("")),
            ColumnBuilder::Ticks(b) => b.append_option(match value {
                Value::Datetime(x) | Value::Timespan(x) => Some(*x),
                _ => None,
            }),
            ColumnBuilder::Guid(b) => {
                b.append_option(if let Value::Guid(x) = value { Some(guid::text(*x)) } else { None });
            }
            ColumnBuilder::Dynamic(b) => match value {
                Value::Null => b.append_null(),
                Value::Dynamic(x) => b.append_value(x.json_text()),
                other => b.append_value(json_text(other)),
            },
        }
    }

    pub fn finish(self) -> ArrayRef {
        match self {
            ColumnBuilder::Bool(mut b) => Arc::new(b.finish()),
            ColumnBuilder::Int(mut b) => Arc::new(b.finish()),
            ColumnBuilder::Long(mut b) | ColumnBuilder::Ticks(mut b) => Arc::new(b.finish()),
            ColumnBuilder::Real(mut b) => Arc::new(b.finish()),
            ColumnBuilder::Decimal(mut b) => Arc::new(b.finish()),
            ColumnBuilder::String(mut b) | ColumnBuilder::Guid(mut b) | ColumnBuilder::Dynamic(mut b) => {
                Arc::new(b.finish())
            }
        }
    }
}

/// One column from its values.
pub fn column<'v>(ty: Type, values: impl IntoIterator<Item = &'v Value<'v>>) -> ArrayRef {
    let mut builder = ColumnBuilder::new(ty, 0);
    for value in values {
        builder.push(value);
    }
    builder.finish()
}
