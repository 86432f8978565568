//! One JSON object a line: what `ingest` reads back.
use super::json::Objects;
use crate::types::Schema;
use arrow::record_batch::RecordBatch;

#[derive(Debug, Default)]
pub struct NdJson {
    objects: Objects,
}

impl super::Rows for NdJson {
    fn start(&mut self, schema: &Schema, _: &mut Vec<u8>) {
        self.objects = Objects::new(schema);
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) {
        let mut first = true;
        self.objects.batch(batch, out, |out| {
            if !std::mem::take(&mut first) {
                out.push(b'\n');
            }
        });
        if batch.num_rows() > 0 {
            out.push(b'\n');
        }
    }

    fn end(&mut self, _: &mut Vec<u8>) {}
}
