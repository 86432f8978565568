//! Pieces of inputs into rows of tables: what a worker does, on its own, until there are no more pieces.
use super::cells::{Raw, is_nested_json};
use super::pieces::{Piece, WRAPPERS};
use super::rows::{Member, Rows};
use super::tables::{self, Guesses};
use super::{IngestError, Outlets, fields, parquet};
use crate::catalog::{ALERTS, Table};
use arrow::array::{Array, RecordBatch};
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Wrappers within wrappers: a list of envelopes of a list of rows.
const DEPTH: usize = 3;
/// What stands before the table's name in the category of the streaming export.
const CATEGORY: &str = "AdvancedHunting-";

/// One input while it is read.
#[derive(Debug)]
pub struct Reading {
    pub name: String,
    pub hash: String,
    /// The table that the user says.
    pub given: Option<&'static Table>,
    /// The table that the input's name speaks of.
    pub hint: Option<&'static Table>,
    /// Tables that have the rows of this input already.
    pub there: HashSet<String>,
    pub counts: Mutex<BTreeMap<&'static str, Count>>,
}

/// The header of a CSV input.
#[derive(Debug)]
pub struct Header {
    delimiter: u8,
    names: Vec<String>,
}

impl Header {
    pub fn new(bytes: &[u8], delimiter: u8) -> Header {
        let mut record = csv::StringRecord::new();
        let text = String::from_utf8_lossy(bytes);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(text.as_bytes());
        let names = match reader.read_record(&mut record) {
            Ok(true) => record.iter().map(|name| name.trim().to_owned()).collect(),
            Ok(false) | Err(_) => Vec::new(),
        };
        Header { delimiter, names }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub rows: u64,
    /// Rows that the table had already.
    pub skipped: u64,
}

/// What a worker is given.
#[derive(Debug)]
pub enum Work {
    /// The header goes with records of CSV.
    Text(Piece, Option<Arc<Header>>),
    Batch(RecordBatch),
}

#[derive(Debug)]
pub struct Worker<'o> {
    outlets: &'o Outlets,
    rows: HashMap<&'static str, Rows>,
    guesses: Guesses,
    /// The last category of an envelope, and its table: the next is most likely the same.
    last: (String, Option<&'static Table>),
    counts: BTreeMap<&'static str, Count>,
}

impl<'o> Worker<'o> {
    pub fn new(outlets: &'o Outlets) -> Worker<'o> {
        Worker {
            outlets,
            rows: HashMap::new(),
            guesses: Guesses::default(),
            last: (String::new(), None),
            counts: BTreeMap::new(),
        }
    }

    pub fn take(&mut self, reading: &Arc<Reading>, work: Work) -> Result<(), IngestError> {
        match work {
            Work::Batch(batch) => self.batch(reading, &batch)?,
            Work::Text(Piece::Broken { line, reason, text }, _) => {
                self.outlets.reject(reading, line, &reason, &text)?
            }
            Work::Text(Piece::Lines { line, bytes }, _) => {
                for (at, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
                    self.line(reading, line + at as u64, text)?;
                }
            }
            Work::Text(Piece::Values { bytes, ends }, _) => {
                let mut start = 0;
                for (line, end) in ends {
                    self.line(reading, line, &bytes[start..end])?;
                    start = end;
                }
            }
            Work::Text(Piece::Records { line, bytes }, Some(header)) => self.records(reading, &header, line, &bytes)?,
            Work::Text(Piece::Records { .. }, None) => {}
        }
        let mut counts = reading.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (table, count) in std::mem::take(&mut self.counts) {
            let sum = counts.entry(table).or_default();
            sum.rows += count.rows;
            sum.skipped += count.skipped;
        }
        Ok(())
    }

    /// Sends what has not filled a batch.
    pub fn finish(&mut self) -> Result<(), IngestError> {
        for rows in self.rows.values_mut().filter(|rows| !rows.is_empty()) {
            self.outlets.send(rows.table, rows.take()?)?;
        }
        Ok(())
    }

    fn line(&mut self, reading: &Reading, line: u64, bytes: &[u8]) -> Result<(), IngestError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let outlets = self.outlets;
        let reject = |reason: &str| outlets.reject(reading, line, reason, &String::from_utf8_lossy(bytes));
        let Ok(text) = std::str::from_utf8(bytes) else { return reject("not UTF-8") };
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            return reject(&format!("not JSON: {error}"));
        }
        self.value(reading, line, text, DEPTH)
    }

    /// A JSON value that has been checked: a row, or something around rows.
    fn value(&mut self, reading: &Reading, line: u64, text: &str, depth: usize) -> Result<(), IngestError> {
        let text = text.trim();
        if text.starts_with('[') && depth > 0 {
            for element in fields::elements(text) {
                self.value(reading, line, element, depth - 1)?;
            }
            return Ok(());
        }
        if !text.starts_with('{') {
            return self.outlets.reject(reading, line, "no JSON object where a row should be", text);
        }
        let members: Vec<Member<'_>> = row_members(text).collect();
        let list = members.iter().find_map(|(key, raw)| match raw {
            Raw::Nested(list) if list.starts_with('[') && WRAPPERS.contains(&&**key) => Some(*list),
            _ => None,
        });
        if let Some(list) = list
            && depth > 0
            && !tables::is_alert(&members)
        {
            return self.value(reading, line, list, depth - 1);
        }
        if let Some((category, properties)) = envelope(&members) {
            if self.last.0 != category {
                self.last = (category.to_owned(), tables::named(category.strip_prefix(CATEGORY).unwrap_or(category)));
            }
            let Some(table) = self.last.1.or(reading.given) else {
                let reason = format!("no hunting table has the category `{category}`");
                return self.outlets.reject(reading, line, &reason, text);
            };
            let members: Vec<_> = row_members(properties).collect();
            return match self.row(reading, table, &members)? {
                None => Ok(()),
                Some(reason) => self.outlets.reject(reading, line, &reason, text),
            };
        }
        let reason = match self.table(reading, &members) {
            Ok(table) => self.row(reading, table, &members)?,
            Err(reason) => Some(reason),
        };
        reason.map_or(Ok(()), |reason| self.outlets.reject(reading, line, &reason, text))
    }

    fn table(&mut self, reading: &Reading, members: &[Member<'_>]) -> Result<&'static Table, String> {
        if let Some(table) = reading.given {
            return Ok(table);
        }
        if tables::is_alert(members) {
            return Ok(&ALERTS);
        }
        let keys = members.iter().map(|(key, raw)| (key, !raw.is_absent()));
        self.guesses.table(keys, reading.hint).ok_or_else(|| unknown_table(members.iter().map(|(key, _)| &**key)))
    }

    /// Adds a row. The answer is the reason why it cannot be one.
    fn row(
        &mut self,
        reading: &Reading,
        table: &'static Table,
        members: &[Member<'_>],
    ) -> Result<Option<String>, IngestError> {
        let count = self.counts.entry(table.name).or_default();
        if reading.there.contains(table.name) {
            count.skipped += 1;
            return Ok(None);
        }
        let rows = self.rows.entry(table.name).or_insert_with(|| Rows::new(table));
        if let Err(reason) = rows.push(members) {
            return Ok(Some(reason));
        }
        count.rows += 1;
        if rows.is_full() {
            self.outlets.send(table, rows.take()?)?;
        }
        Ok(None)
    }

    fn records(&mut self, reading: &Reading, header: &Header, first: u64, bytes: &[u8]) -> Result<(), IngestError> {
        let mut records =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(header.delimiter).from_reader(bytes);
        let mut record = csv::ByteRecord::new();
        loop {
            let start = records.position().clone();
            let line = first + start.line() - 1;
            match records.read_byte_record(&mut record) {
                Ok(false) => return Ok(()),
                Ok(true) => {}
                Err(error) => {
                    self.outlets.reject(reading, line, &format!("not CSV: {error}"), "")?;
                    continue;
                }
            }
            let from = usize::try_from(start.byte()).unwrap_or(0).min(bytes.len());
            let to = usize::try_from(records.position().byte()).unwrap_or(0).clamp(from, bytes.len());
            let text = || String::from_utf8_lossy(&bytes[from..to]).into_owned();
            if record.len() != header.names.len() {
                let reason = format!("{} fields where the header has {}", record.len(), header.names.len());
                self.outlets.reject(reading, line, &reason, &text())?;
                continue;
            }
            let cells: Result<Vec<Member<'_>>, _> = header
                .names
                .iter()
                .zip(record.iter())
                .map(|(name, cell)| Ok((Cow::Borrowed(&**name), Raw::Text(Cow::Borrowed(std::str::from_utf8(cell)?)))))
                .collect::<Result<_, std::str::Utf8Error>>();
            let Ok(cells) = cells else {
                self.outlets.reject(reading, line, "not UTF-8", &text())?;
                continue;
            };
            let reason = match self.table(reading, &cells) {
                Ok(table) => self.row(reading, table, &cells)?,
                Err(reason) => Some(reason),
            };
            if let Some(reason) = reason {
                self.outlets.reject(reading, line, &reason, &text())?;
            }
        }
    }

    fn batch(&mut self, reading: &Reading, batch: &RecordBatch) -> Result<(), IngestError> {
        let schema = batch.schema();
        let columns = || schema.fields().iter().zip(batch.columns());
        let alert = ["id", "alertCreationTime"].iter().all(|name| batch.column_by_name(name).is_some());
        let table = match reading.given {
            Some(table) => Some(table),
            None if alert => Some(&ALERTS),
            None => {
                let keys = columns().map(|(field, array)| (field.name(), array.null_count() < array.len()));
                self.guesses.table(keys, reading.hint)
            }
        };
        let Some(table) = table else {
            let reason = unknown_table(columns().map(|(field, _)| field.name().as_str()));
            return self.outlets.reject(reading, 0, &reason, &format!("{} rows", batch.num_rows()));
        };
        let count = self.counts.entry(table.name).or_default();
        if reading.there.contains(table.name) {
            count.skipped += batch.num_rows() as u64;
            return Ok(());
        }
        count.rows += batch.num_rows() as u64;
        self.outlets.send(table, parquet::at_rest(batch, table)?)
    }
}

/// The members of a row. What OData says about the row is no part of it.
fn row_members(object: &str) -> impl Iterator<Item = Member<'_>> {
    fields::members(object).filter(|(key, _)| !key.contains("@odata."))
}

/// The category and the row of an envelope of the streaming export.
fn envelope<'m>(members: &'m [Member<'_>]) -> Option<(&'m str, &'m str)> {
    let find = |wanted: &str| members.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, raw)| raw);
    let Some(Raw::Text(category)) = find("category") else { return None };
    match find("properties")? {
        Raw::Nested(row) if row.starts_with('{') => Some((category, row)),
        // Some pipelines put the row into a string.
        Raw::Text(row) if row.trim_start().starts_with('{') && is_nested_json(row) => Some((category, row)),
        Raw::Absent | Raw::Bool(_) | Raw::Number(_) | Raw::Text(_) | Raw::Nested(_) => None,
    }
}

fn unknown_table<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    let keys: Vec<_> = keys.take(8).map(|key| format!("`{}`", key.chars().take(60).collect::<String>())).collect();
    match keys.as_slice() {
        [] => "an empty row".into(),
        keys => format!("no one hunting table fits these columns: {}", keys.join(", ")),
    }
}
