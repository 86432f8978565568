//! The Kusto protocol, version 1: one object with all tables. A query's answer ends with a table of contents; a control
//! command's answer is the bare table.
//! <https://learn.microsoft.com/kusto/api/rest/response-http>
use super::kusto_v2::arrays;
use super::{Frames, Ids, cells};
use crate::types::{Schema, Type};
use crate::value::datetime;
use arrow::record_batch::RecordBatch;

/// The .NET name of a type.
pub const fn data_type(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "SByte",
        Type::Int => "Int32",
        Type::Long => "Int64",
        Type::Real => "Double",
        Type::Decimal => "SqlDecimal",
        Type::String => "String",
        Type::Datetime => "DateTime",
        Type::Timespan => "TimeSpan",
        Type::Guid => "Guid",
        Type::Dynamic => "Object",
    }
}

#[derive(Debug)]
pub struct KustoV1 {
    ids: Ids,
    /// Whether properties, status and contents follow, as they do after a query.
    contents: bool,
    schema: Schema,
    visualizations: Vec<Option<String>>,
    names: Vec<String>,
    rows: usize,
}

impl KustoV1 {
    pub fn for_query(ids: Ids) -> KustoV1 {
        KustoV1 {
            ids,
            contents: true,
            schema: Schema::default(),
            visualizations: Vec::new(),
            names: Vec::new(),
            rows: 0,
        }
    }

    pub fn for_command(ids: Ids) -> KustoV1 {
        KustoV1 { contents: false, ..KustoV1::for_query(ids) }
    }

    fn open(&mut self, name: &str, schema: &Schema, out: &mut Vec<u8>) {
        if !self.names.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(format!("{{\"TableName\":\"Table_{}\",\"Columns\":[", self.names.len()).as_bytes());
        for (at, column) in schema.columns.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"{\"ColumnName\":" } else { b",{\"ColumnName\":" });
            cells::string(&column.name, out);
            let types = format!(",\"DataType\":\"{}\",\"ColumnType\":\"{}\"}}", data_type(column.ty), column.ty.name());
            out.extend_from_slice(types.as_bytes());
        }
        out.extend_from_slice(b"],\"Rows\":[");
        self.names.push(name.into());
        self.rows = 0;
    }

    fn small(&mut self, name: &str, schema: &Schema, rows: &[serde_json::Value], out: &mut Vec<u8>) {
        self.open(name, schema, out);
        let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
        out.extend_from_slice(rows.join(",").as_bytes());
        out.extend_from_slice(b"]}");
    }

    fn contents(&mut self, severity: i32, status: &str, out: &mut Vec<u8>) {
        let results = std::mem::take(&mut self.visualizations);
        let properties: Vec<_> = results
            .iter()
            .map(|how| serde_json::json!([how.as_deref().unwrap_or("{\"Visualization\":null}")]))
            .collect();
        self.small("@ExtendedProperties", &Schema::new([("Value", Type::String)]), &properties, out);
        let schema = Schema::new([
            ("Timestamp", Type::Datetime),
            ("Severity", Type::Int),
            ("SeverityName", Type::String),
            ("StatusCode", Type::Int),
            ("StatusDescription", Type::String),
            ("Count", Type::Int),
            ("RequestId", Type::Guid),
            ("ActivityId", Type::Guid),
            ("SubActivityId", Type::Guid),
            ("ClientActivityId", Type::String),
        ]);
        let row = serde_json::json!([
            datetime::text(self.ids.at),
            severity,
            if severity < 4 { "Error" } else { "Info" },
            0,
            status,
            1,
            self.ids.activity,
            self.ids.activity,
            self.ids.activity,
            self.ids.client_request,
        ]);
        self.small("QueryStatus", &schema, &[row], out);
        let schema = Schema::new([
            ("Ordinal", Type::Long),
            ("Kind", Type::String),
            ("Name", Type::String),
            ("Id", Type::String),
            ("PrettyName", Type::String),
        ]);
        let last = self.names.len() - 2;
        let rows: Vec<_> = self
            .names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let kind = match at {
                    _ if at < last => "QueryResult",
                    _ if at == last => "QueryProperties",
                    _ => "QueryStatus",
                };
                serde_json::json!([at, kind, name, format!("{}-{at}", self.ids.activity), ""])
            })
            .collect();
        self.small("TableOfContents", &schema, &rows, out);
    }
}

impl Frames for KustoV1 {
    fn start(&mut self, visualizations: &[Option<String>], out: &mut Vec<u8>) {
        self.visualizations = visualizations.to_vec();
        out.extend_from_slice(b"{\"Tables\":[");
    }

    fn table(&mut self, name: &str, schema: &Schema, out: &mut Vec<u8>) {
        self.schema = schema.clone();
        self.open(name, schema, out);
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) {
        arrays(batch, &self.schema, &mut self.rows, out);
    }

    fn table_end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"]}");
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.contents {
            self.contents(4, "Query completed successfully", out);
        }
        out.extend_from_slice(b"]}");
    }

    fn fail(&mut self, error: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"]}");
        if self.contents {
            self.contents(2, "The query ended before all rows were given", out);
        }
        out.extend_from_slice(format!("],\"Exceptions\":[{error}]}}").as_bytes());
    }
}
