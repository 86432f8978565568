//! Expansion of a batch: the row half says what each row becomes, the untouched columns are gathered as they lie.
use crate::columns::{Cells, ColumnBuilder, arrow_schema};
use crate::ir::Expander;
use crate::rows::{Compiled, Expansion, RowsError};
use crate::types::Schema;
use crate::value::Value;
use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DataFusionError, Result};
use std::collections::HashMap;

/// A batch is full when it has so many rows; what one row becomes stays together.
const FULL: usize = 8192;

/// Expands the rows of a batch from that one on, until the result is full; gives the row to go on from, if there is one.
/// In slices, so that a few rows that become millions neither fill the memory nor keep a query from being stopped.
pub fn expand_batch(
    batch: &RecordBatch,
    start: usize,
    expander: &Expander,
    from: &Schema,
    to: &Schema,
    now: i64,
) -> Result<(RecordBatch, Option<usize>)> {
    let fault = |error: RowsError| DataFusionError::External(Box::new(error));
    let expansion = Expansion::new(expander).map_err(fault)?;
    let arguments = Expansion::arguments(expander)
        .into_iter()
        .map(|scalar| Compiled::new(scalar, from, now))
        .collect::<Result<Vec<_>, RowsError>>()
        .map_err(fault)?;
    let cells: Vec<Cells<'_>> =
        batch.columns().iter().zip(&from.columns).map(|(array, column)| Cells::new(array, column.ty)).collect();
    // Where the arguments are plain columns, only those are read.
    let plain: Option<Vec<usize>> = arguments.iter().map(Compiled::as_column).collect();
    let gives = Expansion::gives(expander);
    let mut builders: Vec<ColumnBuilder> =
        gives.iter().map(|(_, ty)| ColumnBuilder::new(*ty, batch.num_rows())).collect();
    let mut origin: Vec<u32> = Vec::with_capacity(batch.num_rows());
    let mut next = None;
    for row in start..batch.num_rows() {
        if origin.len() >= FULL {
            next = Some(row);
            break;
        }
        let mut emit = |values: &[Value<'_>]| {
            origin.push(row as u32);
            for (builder, value) in builders.iter_mut().zip(values) {
                builder.push(value);
            }
        };
        match &plain {
            Some(columns) => {
                let values: Vec<Value<'_>> = columns.iter().map(|column| cells[*column].get(row)).collect();
                expansion.expand(&values, &mut emit);
            }
            None => {
                let row: Vec<Value<'_>> = cells.iter().map(|cells| cells.get(row)).collect();
                let values: Vec<Value<'_>> = arguments.iter().map(|argument| argument.eval(&row)).collect();
                expansion.expand(&values, &mut emit);
            }
        }
    }
    let origin = UInt32Array::from(origin);
    let given: HashMap<&str, ArrayRef> =
        gives.iter().zip(builders).map(|((name, _), builder)| (name.as_str(), builder.finish())).collect();
    let arrays = to
        .columns
        .iter()
        .map(|column| match given.get(column.name.as_str()) {
            Some(array) => Ok(array.clone()),
            None => {
                let index = from
                    .index(&column.name)
                    .ok_or_else(|| DataFusionError::Internal(format!("column `{}` comes from nowhere", column.name)))?;
                Ok(take(batch.column(index), &origin, None)?)
            }
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(origin.len()));
    Ok((RecordBatch::try_new_with_options(arrow_schema(to), arrays, &options)?, next))
}
