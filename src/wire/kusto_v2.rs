//! The Kusto protocol, version 2: an array of frames, not progressive.
//! <https://learn.microsoft.com/kusto/api/rest/response-http-v2>
//!
//! The order of keys is part of the contract: streaming readers want `FrameType` first, `Columns` before `Rows`, and
//! `HasErrors` and `Cancelled` before `OneApiErrors`.
use super::cells::{self, JsonCells};
use super::{Frames, Ids};
use crate::types::Schema;
use crate::value::datetime;
use arrow::record_batch::RecordBatch;

#[derive(Debug)]
pub struct KustoV2 {
    ids: Ids,
    schema: Schema,
    next_table: usize,
    rows: usize,
}

impl KustoV2 {
    pub fn new(ids: Ids) -> KustoV2 {
        KustoV2 { ids, schema: Schema::default(), next_table: 0, rows: 0 }
    }

    fn open(&mut self, kind: &str, name: &str, columns: &[(&str, &str)], out: &mut Vec<u8>) {
        out.extend_from_slice(
            format!(",\n{{\"FrameType\":\"DataTable\",\"TableId\":{},\"TableKind\":\"{kind}\"", self.next_table)
                .as_bytes(),
        );
        out.extend_from_slice(b",\"TableName\":");
        cells::string(name, out);
        out.extend_from_slice(b",\"Columns\":[");
        for (at, (name, ty)) in columns.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{\"ColumnName\":" } else { b",{\"ColumnName\":" });
            cells::string(name, out);
            out.extend_from_slice(b",\"ColumnType\":\"");
            out.extend_from_slice(ty.as_bytes());
            out.extend_from_slice(b"\"}");
        }
        out.extend_from_slice(b"],\"Rows\":[");
        self.next_table += 1;
        self.rows = 0;
    }

    fn close(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"]}");
    }

    fn information(&mut self, level: Level, out: &mut Vec<u8>) {
        const COLUMNS: &[(&str, &str)] = &[
            ("Timestamp", "datetime"),
            ("ClientRequestId", "string"),
            ("ActivityId", "guid"),
            ("SubActivityId", "guid"),
            ("ParentActivityId", "guid"),
            ("Level", "int"),
            ("LevelName", "string"),
            ("StatusCode", "int"),
            ("StatusCodeName", "string"),
            ("EventType", "int"),
            ("EventTypeName", "string"),
            ("Payload", "string"),
        ];
        self.open("QueryCompletionInformation", "QueryCompletionInformation", COLUMNS, out);
        let at = datetime::text(self.ids.at);
        let Ids { client_request, activity, .. } = &self.ids;
        let row = match level {
            Level::Done => serde_json::json!([
                at,
                client_request,
                activity,
                activity,
                activity,
                4,
                "Info",
                0,
                "S_OK (0)",
                4,
                "QueryInfo",
                "{\"Count\":1,\"Text\":\"Query completed successfully\"}"
            ]),
            Level::Failed => serde_json::json!([
                at,
                client_request,
                activity,
                activity,
                activity,
                2,
                "Error",
                -2_147_467_259,
                "E_FAIL",
                1,
                "QueryError",
                "{\"Count\":1,\"Text\":\"The query ended before all rows were given\"}"
            ]),
        };
        out.extend_from_slice(row.to_string().as_bytes());
        self.close(out);
    }
}

#[derive(Clone, Copy)]
enum Level {
    Done,
    Failed,
}

impl Frames for KustoV2 {
    fn start(&mut self, visualizations: &[Option<String>], out: &mut Vec<u8>) {
        out.extend_from_slice(b"[{\"FrameType\":\"DataSetHeader\",\"IsProgressive\":false,\"Version\":\"v2.0\"}");
        let columns = [("TableId", "int"), ("Key", "string"), ("Value", "dynamic")];
        self.open("QueryProperties", "@ExtendedProperties", &columns, out);
        for (at, how) in visualizations.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"[" } else { b",[" });
            out.extend_from_slice(format!("{},\"Visualization\",", at + 1).as_bytes());
            cells::string(how.as_deref().unwrap_or("{\"Visualization\":null}"), out);
            out.push(b']');
        }
        self.close(out);
    }

    fn table(&mut self, name: &str, schema: &Schema, out: &mut Vec<u8>) {
        self.schema = schema.clone();
        let columns: Vec<(&str, &str)> = schema.columns.iter().map(|c| (c.name.as_str(), c.ty.name())).collect();
        self.open("PrimaryResult", name, &columns, out);
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) {
        arrays(batch, &self.schema, &mut self.rows, out);
    }

    fn table_end(&mut self, out: &mut Vec<u8>) {
        self.close(out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.information(Level::Done, out);
        out.extend_from_slice(b",\n{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":false,\"Cancelled\":false}]");
    }

    fn fail(&mut self, error: &str, out: &mut Vec<u8>) {
        if self.rows > 0 {
            out.push(b',');
        }
        let errors = format!("\"OneApiErrors\":[{error}]");
        out.extend_from_slice(format!("{{{errors}}}]}}").as_bytes());
        self.information(Level::Failed, out);
        out.extend_from_slice(
            format!(",\n{{\"FrameType\":\"DataSetCompletion\",\"HasErrors\":true,\"Cancelled\":false,{errors}}}]")
                .as_bytes(),
        );
    }
}

/// The rows of a batch as arrays, a row a line; `rows` counts those of the table.
pub(super) fn arrays(batch: &RecordBatch, schema: &Schema, rows: &mut usize, out: &mut Vec<u8>) {
    let columns = JsonCells::of(batch, schema);
    for row in 0..batch.num_rows() {
        out.extend_from_slice(if *rows == 0 { b"\n[" } else { b",\n[" });
        *rows += 1;
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            column.write(row, out);
        }
        out.push(b']');
    }
}
