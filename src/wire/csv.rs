//! Comma-separated values as RFC 4180 has them, with a line of names first.
use crate::columns::Cells;
use crate::types::Schema;
use crate::value::{Value, json_text};
use arrow::record_batch::RecordBatch;
use std::borrow::Cow;

#[derive(Debug, Default)]
pub struct Csv {
    schema: Schema,
}

impl super::Rows for Csv {
    fn start(&mut self, schema: &Schema, out: &mut Vec<u8>) {
        self.schema = schema.clone();
        records(out, [schema.names().map(Cow::Borrowed)]);
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) {
        let columns: Vec<Cells<'_>> =
            batch.columns().iter().zip(&self.schema.columns).map(|(array, c)| Cells::new(array, c.ty)).collect();
        records(out, (0..batch.num_rows()).map(|row| columns.iter().map(move |column| text(column.get(row)))));
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
}

fn records<'t, R: IntoIterator<Item = Cow<'t, str>>>(out: &mut Vec<u8>, rows: impl IntoIterator<Item = R>) {
    let mut writer = csv::Writer::from_writer(&mut *out);
    for row in rows {
        let row: Vec<Cow<'t, str>> = row.into_iter().collect();
        // A vector takes every write, and all rows have as many fields as there are columns.
        let _ = writer.write_record(row.iter().map(|cell| cell.as_bytes()));
    }
    let _ = writer.flush();
}

/// A cell as shells and spreadsheets read it: null is empty, a bool is in lower case, a dynamic is JSON.
pub fn text(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Bool(x) => Cow::Borrowed(if x { "true" } else { "false" }),
        Value::String(x) => x,
        Value::Dynamic(_) => Cow::Owned(json_text(&value)),
        other => Cow::Owned(other.text().into_owned()),
    }
}
