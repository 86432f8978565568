//! Detections as the SIEM pull gives them: a bare array; absent texts are empty, an absent truth value is null.
use super::cells;
use crate::columns::Cells;
use crate::types::Schema;
use arrow::record_batch::RecordBatch;

#[derive(Debug, Default)]
pub struct Detections {
    out: Vec<u8>,
}

impl Detections {
    pub fn batch(&mut self, batch: &RecordBatch, schema: &Schema) {
        let cells: Vec<Cells<'_>> =
            batch.columns().iter().zip(&schema.columns).map(|(array, column)| Cells::new(array, column.ty)).collect();
        for row in 0..batch.num_rows() {
            if !self.out.is_empty() {
                self.out.push(b',');
            }
            for (at, (cell, column)) in cells.iter().zip(&schema.columns).enumerate() {
                self.out.push(if at == 0 { b'{' } else { b',' });
                cells::string(&column.name, &mut self.out);
                self.out.push(b':');
                cells::value(&cell.get(row), &mut self.out);
            }
            self.out.push(b'}');
        }
    }

    /// Bytes so far.
    pub fn bytes(&self) -> usize {
        self.out.len()
    }

    pub fn array(self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.out.len() + 2);
        all.push(b'[');
        all.extend_from_slice(&self.out);
        all.push(b']');
        all
    }
}
