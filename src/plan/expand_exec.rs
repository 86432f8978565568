//! Expansion of a batch: the row half says what each row becomes, the untouched columns are gathered as they lie.
use crate::columns::repeats::Repeats;
use crate::columns::{Cells, ColumnBuilder, arrow_schema};
use crate::ir::Expander;
use crate::rows::{Compiled, Expansion, RowsError};
use crate::types::Schema;
use crate::value::Value;
use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{DataFusionError, Result};
use std::collections::{BTreeSet, HashMap};

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
    let made = match once_for_each_text(batch, &expansion, &arguments, from, expander) {
        Some(texts) => texts.made(start)?,
        None => row_by_row(batch, start, &expansion, &arguments, from, expander),
    };
    let Made { origin, columns, next } = made;
    let origin = UInt32Array::from(origin);
    let gives = Expansion::gives(expander);
    let given: HashMap<&str, ArrayRef> = gives.iter().map(|(name, _)| name.as_str()).zip(columns).collect();
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

/// Rows of the result.
struct Made {
    /// The row of the batch that each comes from.
    origin: Vec<u32>,
    /// The columns that the expansion gives.
    columns: Vec<ArrayRef>,
    next: Option<usize>,
}

fn builders(expander: &Expander, rows: usize) -> Vec<ColumnBuilder> {
    Expansion::gives(expander).iter().map(|(_, ty)| ColumnBuilder::new(*ty, rows)).collect()
}

fn row_by_row(
    batch: &RecordBatch,
    start: usize,
    expansion: &Expansion,
    arguments: &[Compiled],
    from: &Schema,
    expander: &Expander,
) -> Made {
    let cells: Vec<Cells<'_>> =
        batch.columns().iter().zip(&from.columns).map(|(array, column)| Cells::new(array, column.ty)).collect();
    // Where the arguments are plain columns, only those are read.
    let plain: Option<Vec<usize>> = arguments.iter().map(Compiled::as_column).collect();
    let mut builders = builders(expander, batch.num_rows());
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
    Made { origin, columns: builders.into_iter().map(ColumnBuilder::finish).collect(), next }
}

/// What each text of a column becomes, where all that is expanded comes from that column and its texts repeat.
struct EachText {
    repeats: Repeats,
    /// What they become, one behind the other, and where that of each begins and ends.
    columns: Vec<ArrayRef>,
    places: Vec<(u32, u32)>,
}

fn once_for_each_text(
    batch: &RecordBatch,
    expansion: &Expansion,
    arguments: &[Compiled],
    from: &Schema,
    expander: &Expander,
) -> Option<EachText> {
    let mut read = BTreeSet::new();
    if !arguments.iter().all(|argument| argument.reads(&mut read)) || read.len() != 1 {
        return None;
    }
    let column = *read.first()?;
    let array = batch.column(column);
    let repeats = Repeats::of(array.as_string_view_opt()?)?;
    let cells = Cells::new(array, from.columns[column].ty);
    let mut builders = builders(expander, FULL);
    let mut places = Vec::with_capacity(repeats.rows.len());
    let mut end = 0u32;
    let mut row: Vec<Value<'_>> = vec![Value::Null; from.len()];
    for at in &repeats.rows {
        let start = end;
        row[column] = cells.get(*at as usize);
        let values: Vec<Value<'_>> = arguments.iter().map(|argument| argument.eval(&row)).collect();
        expansion.expand(&values, &mut |values| {
            end += 1;
            for (builder, value) in builders.iter_mut().zip(values) {
                builder.push(value);
            }
        });
        if end as usize > FULL {
            return None;
        }
        places.push((start, end));
    }
    Some(EachText { repeats, columns: builders.into_iter().map(ColumnBuilder::finish).collect(), places })
}

impl EachText {
    fn made(&self, start: usize) -> Result<Made> {
        let mut origin: Vec<u32> = Vec::with_capacity(FULL);
        let mut wanted: Vec<u32> = Vec::with_capacity(FULL);
        let mut next = None;
        for (row, text) in self.repeats.texts.iter().enumerate().skip(start) {
            if origin.len() >= FULL {
                next = Some(row);
                break;
            }
            let (from, to) = self.places[*text as usize];
            origin.extend(std::iter::repeat_n(row as u32, (to - from) as usize));
            wanted.extend(from..to);
        }
        let wanted = UInt32Array::from(wanted);
        let columns = self.columns.iter().map(|column| Ok(take(column, &wanted, None)?)).collect::<Result<_>>()?;
        Ok(Made { origin, columns, next })
    }
}
