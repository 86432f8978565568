//! Parquet of other writers: columns by name, in the stored types.
use super::cells::{Cells, Raw, is_nested_json};
use super::fields;
use super::rows::{schema, write_member};
use super::tables;
use crate::catalog::{Table, UNKNOWN_PROPERTIES};
use crate::store::to_stored;
use crate::types::Type;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, new_null_array};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use std::sync::Arc;

/// The batch with the table's columns. Columns that the table lacks, and values that its types cannot say, go to
/// `UnknownProperties`.
pub fn at_rest(batch: &RecordBatch, table: &Table) -> Result<RecordBatch, ArrowError> {
    let fields = batch.schema();
    let stored: Vec<_> = table.stored_columns().collect();
    let mut sources: Vec<Option<(usize, bool)>> = vec![None; stored.len()];
    let mut left_over: Vec<(&str, ArrayRef)> = Vec::new();
    for (at, field) in fields.fields().iter().enumerate() {
        match tables::column(&stored, field.name()) {
            Some((column, exact)) if sources[column].is_none_or(|(_, other)| exact && !other) => {
                if let Some((other, _)) = sources[column].replace((at, exact)) {
                    left_over.push((fields.field(other).name(), batch.column(other).clone()));
                }
            }
            Some(_) | None => left_over.push((field.name(), batch.column(at).clone())),
        }
    }
    let mut columns = Vec::with_capacity(stored.len() + 1);
    for (column, source) in stored.iter().zip(&sources) {
        columns.push(match source {
            Some((at, _)) => {
                let given = batch.column(*at);
                let at_rest = to_stored(given, column.ty)?;
                if column.ty != Type::String && at_rest.null_count() > given.logical_null_count() {
                    let lost = arrow::compute::is_null(&at_rest)?;
                    let lost = arrow::compute::and(&lost, &arrow::compute::is_not_null(given)?)?;
                    let kept = arrow::compute::not(&lost)?;
                    left_over.push((fields.field(*at).name(), arrow::compute::nullif(given, &kept)?));
                }
                at_rest
            }
            None if column.ty == Type::String => {
                Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n("", batch.num_rows())))
            }
            None => new_null_array(&crate::columns::stored_type(column.ty), batch.num_rows()),
        });
    }
    columns.push(unknown(batch.num_rows(), &left_over)?);
    RecordBatch::try_new(schema(table), columns)
}

fn unknown(rows: usize, left_over: &[(&str, ArrayRef)]) -> Result<ArrayRef, ArrowError> {
    let texts = left_over
        .iter()
        .map(|(name, array)| Ok((*name, to_stored(array, Type::String)?, is_json(array.data_type()))))
        .collect::<Result<Vec<_>, ArrowError>>()?;
    let mut cells = Cells::new(Type::Dynamic);
    let mut json = String::new();
    for row in 0..rows {
        json.clear();
        json.push('{');
        for (name, texts, is_json) in &texts {
            let text = texts.as_string_view().value(row);
            if text.is_empty() {
                continue;
            }
            if *name == UNKNOWN_PROPERTIES && text.trim_start().starts_with('{') && is_nested_json(text) {
                // A bag of this kind that came with the row: its members join the others.
                for (key, raw) in fields::members(text) {
                    write_member(&key, &raw, &mut json);
                }
            } else if *is_json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
                write_member(name, &fields::raw(text), &mut json);
            } else {
                write_member(name, &Raw::Text(text.into()), &mut json);
            }
        }
        if json.len() == 1 {
            cells.push_absent();
        } else {
            json.push('}');
            // A dynamic takes any JSON.
            let _ = cells.push(&Raw::Nested(&json));
        }
    }
    Ok(cells.finish())
}

/// Whether the text of a value of this type is its JSON.
fn is_json(data_type: &DataType) -> bool {
    data_type.is_numeric() || data_type.is_nested() || *data_type == DataType::Boolean
}
