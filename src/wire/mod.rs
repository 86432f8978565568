//! Answers as bytes: one file for each format. A format knows schemas and batches and nothing of where they come from;
//! each is written piece by piece, so that an answer of any size needs the memory of one batch.
use crate::types::Schema;
use arrow::record_batch::RecordBatch;

pub mod cells;
pub mod csv;
pub mod hunting_json;
pub mod json;
pub mod kusto_v1;
pub mod kusto_v2;
pub mod ndjson;
pub mod table;

/// A format for one table, as a shell or a file takes it.
pub trait Rows {
    fn start(&mut self, schema: &Schema, out: &mut Vec<u8>);
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>);
    fn end(&mut self, out: &mut Vec<u8>);
}

/// One of the two forms of the Kusto protocol: an answer with any number of tables, which may fail on the way.
pub trait Frames {
    /// `visualizations`: for each table the JSON of its `render`, where it had one.
    fn start(&mut self, visualizations: &[Option<String>], out: &mut Vec<u8>);
    fn table(&mut self, name: &str, schema: &Schema, out: &mut Vec<u8>);
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>);
    fn table_end(&mut self, out: &mut Vec<u8>);
    fn end(&mut self, out: &mut Vec<u8>);
    /// Ends an answer of which a part is sent already; `error` is the error's JSON object.
    fn fail(&mut self, error: &str, out: &mut Vec<u8>);
}

/// What a Kusto answer says about the request that it belongs to.
#[derive(Clone, Debug)]
pub struct Ids {
    pub client_request: String,
    pub activity: String,
    /// Ticks.
    pub at: i64,
}
