//! Arrow columns of any type as columns at rest: for batches that are appended, and for files of other writers, when
//! they are read. What cannot be said in the stored type becomes absent, never an error in the middle of a query.
use crate::columns::{micros_of_ticks, stored_type};
use crate::types::{Schema, Type};
use crate::value::{Decimal, datetime, guid, timespan};
use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, Int64Array, StringViewBuilder, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Decimal128Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Field, Float64Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::Value as Json;
use std::sync::Arc;

/// The Arrow schema at rest: strings are never null, everything else may be.
pub fn stored_schema(schema: &Schema) -> SchemaRef {
    Arc::new(arrow::datatypes::Schema::new(
        schema.columns.iter().map(|column| stored_field(&column.name, column.ty)).collect::<Vec<_>>(),
    ))
}

pub fn stored_field(name: &str, ty: Type) -> Field {
    Field::new(name, stored_type(ty), ty != Type::String)
}

/// The KQL type that holds the values of an Arrow type best.
pub fn kql_type(data_type: &DataType) -> Type {
    match data_type {
        DataType::Boolean => Type::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => Type::Int,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Type::Long,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Type::Real,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Type::Decimal
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Type::Datetime,
        DataType::Duration(_) | DataType::Time32(_) | DataType::Time64(_) => Type::Timespan,
        DataType::FixedSizeBinary(16) => Type::Guid,
        DataType::Dictionary(_, values) => kql_type(values),
        DataType::RunEndEncoded(_, values) => kql_type(values.data_type()),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..)
        | DataType::Union(..) => Type::Dynamic,
        DataType::Null
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Interval(_) => Type::String,
    }
}

/// Whether a plain cast gives the stored values, so that a comparison can be turned onto the file's own column and
/// prune by its statistics.
pub fn is_cast(from: &DataType, ty: Type) -> bool {
    match ty {
        // Whatever is finer than a microsecond is floored, which a cast does not do before 1970.
        Type::Datetime => {
            matches!(from, DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond, _))
        }
        Type::Int | Type::Long | Type::Real => from.is_numeric() && !matches!(from, DataType::Decimal256(..)),
        Type::Bool => matches!(from, DataType::Boolean),
        Type::Dynamic | Type::Guid => matches!(from, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
        Type::String | Type::Timespan | Type::Decimal => false,
    }
}

/// A column of any type as the stored column of a KQL type.
pub fn to_stored(array: &ArrayRef, ty: Type) -> Result<ArrayRef, ArrowError> {
    let target = stored_type(ty);
    if array.data_type() == &target && (ty != Type::String || array.null_count() == 0) {
        return Ok(array.clone());
    }
    if let DataType::Dictionary(_, values) = array.data_type() {
        return to_stored(&cast(array, values)?, ty);
    }
    match ty {
        Type::String => text(array, absent_as_empty),
        Type::Dynamic if is_nested(array.data_type()) => json_column(array),
        Type::Guid if let Some(bytes) = array.as_any().downcast_ref::<FixedSizeBinaryArray>() => Ok(guids(bytes)),
        Type::Dynamic | Type::Guid => text(array, |array| Ok(array.clone())),
        Type::Datetime => match array.data_type() {
            // Batches of the language half carry ticks.
            DataType::Int64 => {
                let ticks = array.as_primitive::<Int64Type>();
                let micros: TimestampMicrosecondArray = ticks.unary(micros_of_ticks);
                Ok(Arc::new(micros.with_timezone("UTC")))
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                let nanos = cast(array, &DataType::Int64)?;
                let micros: TimestampMicrosecondArray =
                    nanos.as_primitive::<Int64Type>().unary(|nanos| nanos.div_euclid(1000));
                Ok(Arc::new(micros.with_timezone("UTC")))
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let texts = cast(array, &DataType::Utf8View)?;
                let micros: TimestampMicrosecondArray = texts
                    .as_string_view()
                    .iter()
                    .map(|text| text.and_then(datetime::parse).map(micros_of_ticks))
                    .collect();
                Ok(Arc::new(micros.with_timezone("UTC")))
            }
            _ => cast(array, &target),
        },
        Type::Timespan => ticks(array),
        Type::Bool | Type::Int | Type::Long | Type::Real | Type::Decimal => cast(array, &target),
    }
}

fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, target, &CastOptions { safe: true, ..CastOptions::default() })
}

fn is_nested(data_type: &DataType) -> bool {
    data_type.is_nested() || matches!(data_type, DataType::Union(..))
}

/// Text of anything that is not nested, then `finish`.
fn text(array: &ArrayRef, finish: impl Fn(&ArrayRef) -> Result<ArrayRef, ArrowError>) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Utf8View => finish(array),
        DataType::Utf8 | DataType::LargeUtf8 => finish(&cast(array, &DataType::Utf8View)?),
        // Older writers leave out the mark that says that bytes are text.
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            finish(&cast(&cast(array, &DataType::Binary)?, &DataType::Utf8View)?)
        }
        _ => finish(&json_or_plain(array)?),
    }
}

fn json_or_plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if is_nested(array.data_type()) { json_column(array) } else { cast(array, &DataType::Utf8View) }
}

fn absent_as_empty(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if array.null_count() == 0 {
        return Ok(array.clone());
    }
    let texts = array.as_string_view();
    let mut builder = StringViewBuilder::with_capacity(texts.len());
    for text in texts {
        builder.append_value(text.unwrap_or(""));
    }
    Ok(Arc::new(builder.finish()))
}

fn guids(bytes: &FixedSizeBinaryArray) -> ArrayRef {
    let mut builder = StringViewBuilder::with_capacity(bytes.len());
    for value in bytes {
        builder.append_option(value.and_then(|value| Some(guid::text(u128::from_be_bytes(value.try_into().ok()?)))));
    }
    Arc::new(builder.finish())
}

fn ticks(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    const SECOND: i64 = datetime::TICKS_PER_SECOND;
    let scaled = |values: &Int64Array, by: i64| -> ArrayRef {
        Arc::new(values.unary_opt::<_, Int64Type>(|value| value.checked_mul(by)))
    };
    Ok(match array.data_type() {
        DataType::Duration(unit) => {
            let values = match unit {
                TimeUnit::Second => array.as_primitive::<DurationSecondType>().reinterpret_cast::<Int64Type>(),
                TimeUnit::Millisecond => array.as_primitive::<DurationMillisecondType>().reinterpret_cast(),
                TimeUnit::Microsecond => array.as_primitive::<DurationMicrosecondType>().reinterpret_cast(),
                TimeUnit::Nanosecond => array.as_primitive::<DurationNanosecondType>().reinterpret_cast(),
            };
            match unit {
                TimeUnit::Second => scaled(&values, SECOND),
                TimeUnit::Millisecond => scaled(&values, SECOND / 1_000),
                TimeUnit::Microsecond => scaled(&values, SECOND / 1_000_000),
                TimeUnit::Nanosecond => Arc::new(values.unary::<_, Int64Type>(|nanos| nanos.div_euclid(100))),
            }
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let nanos = cast(&cast(array, &DataType::Time64(TimeUnit::Nanosecond))?, &DataType::Int64)?;
            Arc::new(nanos.as_primitive::<Int64Type>().unary::<_, Int64Type>(|nanos| nanos.div_euclid(100)))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let texts = cast(array, &DataType::Utf8View)?;
            Arc::new(texts.as_string_view().iter().map(|text| text.and_then(timespan::parse)).collect::<Int64Array>())
        }
        _ => cast(array, &DataType::Int64)?,
    })
}

/// Lists, structs and maps as JSON text.
fn json_column(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let mut builder = StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
        } else {
            builder.append_value(json_at(array, row)?.to_string());
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn json_at(array: &ArrayRef, row: usize) -> Result<Json, ArrowError> {
    if array.is_null(row) {
        return Ok(Json::Null);
    }
    let list = |values: ArrayRef| -> Result<Json, ArrowError> {
        (0..values.len()).map(|row| json_at(&values, row)).collect::<Result<Vec<_>, _>>().map(Json::Array)
    };
    Ok(match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row))?,
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            let members = fields.iter().zip(columns.columns());
            Json::Object(
                members
                    .map(|(field, column)| Ok((field.name().clone(), json_at(column, row)?)))
                    .collect::<Result<_, ArrowError>>()?,
            )
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let format = FormatOptions::default();
            let names = ArrayFormatter::try_new(keys, &format)?;
            Json::Object(
                (0..entries.len())
                    .map(|entry| Ok((names.value(entry).to_string(), json_at(values, entry)?)))
                    .collect::<Result<_, ArrowError>>()?,
            )
        }
        DataType::Boolean => Json::Bool(array.as_boolean().value(row)),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let value = cast(&array.slice(row, 1), &DataType::Float64)?;
            serde_json::Number::from_f64(value.as_primitive::<Float64Type>().value(0)).map_or(Json::Null, Json::Number)
        }
        data_type if data_type.is_integer() => {
            let value = cast(&array.slice(row, 1), &DataType::Int64)?;
            if value.is_null(0) { Json::Null } else { Json::from(value.as_primitive::<Int64Type>().value(0)) }
        }
        _ => {
            let ty = kql_type(array.data_type());
            let value = to_stored(&array.slice(row, 1), ty)?;
            match ty {
                _ if value.is_null(0) => Json::Null,
                Type::Datetime => {
                    let micros = value.as_primitive::<TimestampMicrosecondType>().value(0);
                    Json::from(datetime::text(crate::columns::ticks_of_micros(micros)))
                }
                Type::Timespan => Json::from(timespan::text(value.as_primitive::<Int64Type>().value(0))),
                Type::Decimal => Json::from(Decimal(value.as_primitive::<Decimal128Type>().value(0)).to_string()),
                _ => value.as_string_view_opt().map_or(Json::Null, |texts| Json::from(texts.value(0))),
            }
        }
    })
}
