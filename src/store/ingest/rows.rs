//! Rows of any table into typed batches at rest. What has no column, and what a column cannot say, is kept as JSON in
//! `UnknownProperties`.
use super::cells::{Cells, Raw, ticks, write_json_string};
use super::fields;
use super::tables;
use crate::catalog::{ALERTS, ColumnDef, TIMESTAMP, Table, UNKNOWN_PROPERTIES};
use crate::columns::stored_type;
use crate::types::Type;
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// A full batch. Big enough for the writer to sort well, small enough to have one of each table in memory.
const ROWS: usize = 16_384;
const BYTES: usize = 16 << 20;
/// Keys whose column is remembered; an input with more different ones is looked up anew each time.
const KEYS: usize = 10_000;

pub type Member<'a> = (Cow<'a, str>, Raw<'a>);

/// The growing batch of one table.
#[derive(Debug)]
pub struct Rows {
    pub table: &'static Table,
    schema: SchemaRef,
    columns: Vec<&'static ColumnDef>,
    cells: Vec<Cells>,
    unknown: Cells,
    rows: usize,
    bytes: usize,
    time: Option<usize>,
    /// Where a key goes: its column, and whether the key is exactly the column's name.
    places: HashMap<String, Option<(usize, bool)>>,
    /// The keys of the last row and their places: the next row has most likely the same.
    last: Vec<(String, Option<(usize, bool)>)>,
    /// For each column, the member of the row at hand that fills it.
    picked: Vec<Option<(usize, bool)>>,
    left_over: Vec<usize>,
    json: String,
}

impl Rows {
    pub fn new(table: &'static Table) -> Rows {
        let columns: Vec<_> = table.stored_columns().collect();
        let time = if table.name == ALERTS.name { "alertCreationTime" } else { TIMESTAMP };
        Rows {
            table,
            schema: schema(table),
            cells: columns.iter().map(|column| Cells::new(column.ty)).collect(),
            unknown: Cells::new(Type::Dynamic),
            rows: 0,
            bytes: 0,
            time: columns.iter().position(|column| column.name == time && column.ty == Type::Datetime),
            places: HashMap::new(),
            last: Vec::new(),
            picked: vec![None; columns.len()],
            columns,
            left_over: Vec::new(),
            json: String::new(),
        }
    }

    /// Adds a row, or says why it cannot be one.
    pub fn push(&mut self, members: &[Member<'_>]) -> Result<(), String> {
        self.picked.fill(None);
        self.left_over.clear();
        for (at, (key, raw)) in members.iter().enumerate() {
            if raw.is_absent() {
                continue;
            }
            match self.place(at, key) {
                // Among several names of one column its own counts, then the last.
                Some((column, exact)) if self.picked[column].is_none_or(|(_, other)| exact || !other) => {
                    if let Some((other, _)) = self.picked[column].replace((at, exact))
                        && members[other].0 != *key
                    {
                        self.left_over.push(other);
                    }
                }
                Some(_) | None => self.left_over.push(at),
            }
        }
        if let Some(time) = self.time
            && let Some((at, _)) = self.picked[time]
            && ticks(&members[at].1).is_none()
        {
            let mut value = String::new();
            members[at].1.write_json(&mut value);
            return Err(format!("`{}` is no datetime: {value}", self.columns[time].name));
        }
        for (cells, picked) in self.cells.iter_mut().zip(&self.picked) {
            match picked {
                None => cells.push_absent(),
                Some((at, _)) => {
                    let raw = &members[*at].1;
                    self.bytes += 8 + match raw {
                        Raw::Text(text) => text.len(),
                        Raw::Nested(text) => text.len(),
                        Raw::Absent | Raw::Bool(_) | Raw::Number(_) => 0,
                    };
                    if !cells.push(raw) {
                        self.left_over.push(*at);
                    }
                }
            }
        }
        self.rows += 1;
        self.push_left_over(members);
        Ok(())
    }

    fn place(&mut self, at: usize, key: &str) -> Option<(usize, bool)> {
        if let Some((last, place)) = self.last.get(at)
            && last == key
        {
            return *place;
        }
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => {
                let place = tables::column(&self.columns, key);
                if self.places.len() < KEYS {
                    self.places.insert(key.to_owned(), place);
                }
                place
            }
        };
        if at < KEYS {
            if self.last.len() <= at {
                self.last.resize(at + 1, (String::new(), None));
            }
            self.last[at] = (key.to_owned(), place);
        }
        place
    }

    fn push_left_over(&mut self, members: &[Member<'_>]) {
        if self.left_over.is_empty() {
            self.unknown.push_absent();
            return;
        }
        let json = &mut self.json;
        json.clear();
        json.push('{');
        for at in &self.left_over {
            let (key, raw) = &members[*at];
            match raw {
                // A bag of this kind that came with the row: its members join the others.
                Raw::Nested(bag) if key == UNKNOWN_PROPERTIES && bag.trim_start().starts_with('{') => {
                    for (key, raw) in fields::members(bag) {
                        write_member(&key, &raw, json);
                    }
                }
                raw => write_member(key, raw, json),
            }
        }
        json.push('}');
        self.bytes += json.len();
        // A dynamic takes any JSON.
        let _ = self.unknown.push(&Raw::Nested(json));
    }

    pub fn is_full(&self) -> bool {
        self.rows >= ROWS || self.bytes >= BYTES
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows so far, as a batch with the table's columns in order and `UnknownProperties` behind them.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        (self.rows, self.bytes) = (0, 0);
        let columns = self.cells.iter_mut().chain([&mut self.unknown]).map(Cells::finish).collect();
        RecordBatch::try_new(self.schema.clone(), columns)
    }
}

/// Adds a member to the JSON text of an object that is still open.
pub fn write_member(key: &str, raw: &Raw<'_>, json: &mut String) {
    if json.len() > 1 {
        json.push(',');
    }
    write_json_string(key, json);
    json.push(':');
    raw.write_json(json);
}

/// The Arrow schema of a table at rest.
pub fn schema(table: &Table) -> SchemaRef {
    let fields = table.stored_schema().columns.into_iter();
    Arc::new(Schema::new(
        fields
            .map(|column| Field::new(column.name, stored_type(column.ty), column.ty != Type::String))
            .collect::<Vec<_>>(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::columns::Cells as Reader;

    fn row(table: &str, json: &str) -> Result<String, String> {
        let table = catalog::table(table).unwrap();
        let mut rows = Rows::new(table);
        rows.push(&fields::members(json).collect::<Vec<_>>())?;
        let batch = rows.take().map_err(|error| error.to_string())?;
        let columns = table.stored_schema().columns;
        let cells = columns.iter().enumerate().map(|(at, column)| {
            let value = Reader::new(batch.column(at), column.ty).get(0).text().into_owned();
            (value, &column.name)
        });
        Ok(cells.filter(|(value, _)| !value.is_empty()).map(|(value, name)| format!("{name}={value}\n")).collect())
    }

    #[test]
    fn cells_take_their_columns_types_and_nothing_is_lost() {
        let json = r#"{"TimeGenerated":"2021-08-02T13:11:39.7724491Z","FileSize":72192.0,"ProcessId":"12","LogonId":"x",
            "ReportId_long":7,"AdditionalFields_string":{ "a" : 1 },"Colour":"red","Empty":"",
            "UnknownProperties":{"Kept":true},"DeviceName":"a\u00e9"}"#;
        insta::assert_snapshot!(row("DeviceEvents", json).unwrap(), @r#"
        Timestamp=2021-08-02T13:11:39.7724490Z
        DeviceName=aé
        FileSize=72192
        ProcessId=12
        ReportId=7
        AdditionalFields={"a":1}
        UnknownProperties={"Colour":"red","Kept":true,"LogonId":"x"}
        "#);
        insta::assert_snapshot!(row("CloudAppEvents", r#"{"AdditionalFields":"{\"b\": 2}","IsExternalUser":1}"#).unwrap(), @r#"
        IsExternalUser=True
        AdditionalFields={"b":2}
        "#);
        insta::assert_snapshot!(row("DeviceEvents", r#"{"Timestamp":"yesterday"}"#).unwrap_err(), @r#"`Timestamp` is no datetime: "yesterday""#);
    }
}
