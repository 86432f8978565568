//! Answers of the hunting APIs: Defender's `Stats`, `Schema`, `Results` and Graph's `schema`, `results`.
//! These APIs refuse an answer that is too large instead of breaking it off, so it is written whole.
use super::cells;
use super::json::Objects;
use super::kusto_v1::data_type;
use crate::types::Schema;
use arrow::record_batch::RecordBatch;
use std::time::Duration;

/// Rows gathered for one answer.
#[derive(Debug)]
pub struct Results {
    schema: Schema,
    objects: Objects,
    rows: usize,
    bytes: Vec<u8>,
}

impl Results {
    pub fn new(schema: &Schema) -> Results {
        Results { schema: schema.clone(), objects: Objects::new(schema), rows: 0, bytes: Vec::new() }
    }

    pub fn batch(&mut self, batch: &RecordBatch) {
        let rows = &mut self.rows;
        self.objects.batch(batch, &mut self.bytes, |out| {
            if *rows > 0 {
                out.push(b',');
            }
            *rows += 1;
        });
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// `POST /api/advancedqueries/run` and `/api/advancedhunting/run`.
    pub fn defender(self, took: Duration) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 1024);
        let no_cache = serde_json::json!({ "hits": 0, "misses": 0, "total": 0 });
        let stats = serde_json::json!({
            "ExecutionTime": took.as_secs_f64(),
            "resource_usage": {
                "cache": { "memory": no_cache, "disk": no_cache },
                "cpu": { "user": "00:00:00", "kernel": "00:00:00", "total cpu": "00:00:00" },
                "memory": { "peak_per_node": 0 }
            },
            "dataset_statistics": [{ "table_row_count": self.rows, "table_size": self.bytes.len() }]
        });
        out.extend_from_slice(format!("{{\"Stats\":{stats},\"Schema\":[").as_bytes());
        self.columns(["\"Name\"", "\"Type\""], &mut out);
        out.extend_from_slice(b"],\"Results\":[");
        self.finish(out)
    }

    /// `POST /v1.0/security/runHuntingQuery`; `context` is the address of the metadata document.
    pub fn graph(self, context: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 1024);
        out.extend_from_slice(b"{\"@odata.context\":");
        cells::string(context, &mut out);
        out.extend_from_slice(b",\"schema\":[");
        self.columns(["\"name\"", "\"type\""], &mut out);
        out.extend_from_slice(b"],\"results\":[");
        self.finish(out)
    }

    fn columns(&self, [name, ty]: [&str; 2], out: &mut Vec<u8>) {
        for (at, column) in self.schema.columns.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{" } else { b",{" });
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            cells::string(&column.name, out);
            out.extend_from_slice(format!(",{ty}:\"{}\"}}", data_type(column.ty)).as_bytes());
        }
    }

    fn finish(self, mut out: Vec<u8>) -> Vec<u8> {
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(b"]}");
        out
    }
}
