//! One JSON array of objects, and the objects themselves: other formats hold rows of the same form.
use super::cells::{self, JsonCells};
use crate::types::Schema;
use arrow::record_batch::RecordBatch;

/// Writes rows as objects keyed by column name.
#[derive(Debug, Default)]
pub struct Objects {
    schema: Schema,
    /// What stands before each cell: `{"A":`, then `,"B":`.
    before: Vec<Vec<u8>>,
}

impl Objects {
    pub fn new(schema: &Schema) -> Objects {
        let before = schema.names().enumerate().map(|(at, name)| {
            let mut key = vec![if at == 0 { b'{' } else { b',' }];
            cells::string(name, &mut key);
            key.push(b':');
            key
        });
        Objects { schema: schema.clone(), before: before.collect() }
    }

    /// All rows of a batch; `separate` writes what stands before each.
    pub fn batch(&self, batch: &RecordBatch, out: &mut Vec<u8>, mut separate: impl FnMut(&mut Vec<u8>)) {
        let columns = JsonCells::of(batch, &self.schema);
        for row in 0..batch.num_rows() {
            separate(out);
            if columns.is_empty() {
                out.push(b'{');
            }
            for (before, column) in self.before.iter().zip(&columns) {
                out.extend_from_slice(before);
                column.write(row, out);
            }
            out.push(b'}');
        }
    }
}

/// `[{…},{…}]`, a row a line.
#[derive(Debug, Default)]
pub struct Json {
    objects: Objects,
    rows: usize,
}

impl super::Rows for Json {
    fn start(&mut self, schema: &Schema, out: &mut Vec<u8>) {
        *self = Json { objects: Objects::new(schema), rows: 0 };
        out.push(b'[');
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) {
        let rows = &mut self.rows;
        self.objects.batch(batch, out, |out| {
            out.extend_from_slice(if *rows == 0 { b"\n " } else { b",\n " });
            *rows += 1;
        });
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.rows == 0 { b"]\n" } else { b"\n]\n" });
    }
}
