//! Answers as bytes: one file for each format. A format knows schemas and batches and nothing of where they come from;
//! each is written piece by piece, so that an answer of any size needs the memory of one batch.
use crate::types::Schema;
use arrow::record_batch::RecordBatch;

pub mod cells;
pub mod csdl;
pub mod csv;
pub mod detections;
pub mod hunting_json;
pub mod json;
pub mod kusto_v1;
pub mod kusto_v2;
pub mod ndjson;
pub mod odata_json;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{arrow_schema, column};
    use crate::types::Type;
    use crate::value::{Dynamic, Value};
    use serde_json::{Value as Json, json};

    fn written(rows: &mut dyn Rows, schema: &Schema, batch: &RecordBatch) -> String {
        let mut out = Vec::new();
        rows.start(schema, &mut out);
        rows.batch(batch, &mut out);
        rows.batch(batch, &mut out);
        rows.end(&mut out);
        String::from_utf8(out).expect("text")
    }

    fn framed(mut frames: impl Frames, schema: &Schema, batch: &RecordBatch) -> Json {
        let mut out = Vec::new();
        frames.start(&[None], &mut out);
        frames.table("PrimaryResult", schema, &mut out);
        frames.batch(batch, &mut out);
        frames.batch(batch, &mut out);
        frames.table_end(&mut out);
        frames.end(&mut out);
        serde_json::from_slice(&out).expect("JSON")
    }

    #[test]
    fn all_formats_hold_the_same_rows() {
        let schema = Schema::new([("Na\"me", Type::String), ("n", Type::Long), ("d", Type::Dynamic)]);
        let texts = [Value::string("a,\"b\"\n\u{1b}…"), Value::string("")];
        let numbers = [Value::Long(7), Value::Null];
        let bags = [Value::Dynamic(Dynamic::Text("{\"k\":[1,null]}".into())), Value::Null];
        let arrays = vec![column(Type::String, &texts), column(Type::Long, &numbers), column(Type::Dynamic, &bags)];
        let batch = RecordBatch::try_new(arrow_schema(&schema), arrays).expect("three columns");
        let two = [json!(["a,\"b\"\n\u{1b}…", 7, {"k": [1, null]}]), json!(["", null, null])];
        let want = json!([two[0], two[1], two[0], two[1]]);
        let ids = || Ids { client_request: "c".into(), activity: "a".into(), at: 0 };
        assert_eq!(framed(kusto_v2::KustoV2::new(ids()), &schema, &batch)[2]["Rows"], want);
        assert_eq!(framed(kusto_v1::KustoV1::for_query(ids()), &schema, &batch)["Tables"][0]["Rows"], want);
        let unkeyed = |rows: &Json| -> Json {
            let row = |row: &Json| row.as_object().map(|row| row.values().cloned().collect::<Json>());
            rows.as_array().into_iter().flatten().filter_map(row).collect()
        };
        let text = written(&mut json::Json::default(), &schema, &batch);
        assert_eq!(unkeyed(&serde_json::from_str(&text).expect("JSON")), want);
        let text = written(&mut ndjson::NdJson::default(), &schema, &batch);
        let lines: Json = text.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON")).collect();
        assert_eq!(unkeyed(&lines), want);
        let mut results = hunting_json::Results::new(&schema);
        results.batch(&batch);
        results.batch(&batch);
        let body: Json = serde_json::from_slice(&results.defender(std::time::Duration::ZERO)).expect("JSON");
        assert_eq!(unkeyed(&body["Results"]), want);
        let text = written(&mut csv::Csv::default(), &schema, &batch);
        assert!(
            text.starts_with("\"Na\"\"me\",n,d\n\"a,\"\"b\"\"\n\u{1b}…\",7,\"{\"\"k\"\":[1,null]}\"\n,,\n"),
            "{text}"
        );
        insta::assert_snapshot!(written(&mut table::Table::default(), &schema, &batch), @r#"
        Na"me           n  d
        ──────────────  ─  ──────────────
        a,"b"\n\u{1b}…  7  {"k":[1,null]}

        a,"b"\n\u{1b}…  7  {"k":[1,null]}

        (4 rows)
        "#);
    }
}
