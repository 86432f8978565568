//! Watchlists: CSV with a header of its own, taken in as a table of texts.
use super::{Ask, IngestError, MARK, Rows, Summary, input};
use crate::columns::{ColumnBuilder, arrow_schema};
use crate::store::{Appended, Ingestion, Store};
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use arrow::record_batch::RecordBatch;
use flate2::read::MultiGzDecoder;
use std::io::{self, Read};
use std::path::Path;

/// A longer list is no watchlist.
const MOST_BYTES: u64 = 100 << 20;

/// Takes in each input as rows of the table; the columns are those of its header. Where the list is replaced, all inputs
/// together become what it is.
pub async fn ingest(store: &Store, table: &str, ask: &Ask) -> Result<Summary, IngestError> {
    let mut summary = Summary::default();
    let mut all: (Schema, Vec<RecordBatch>) = Default::default();
    for address in &ask.inputs {
        for input in input::list(address).await? {
            summary.inputs += 1;
            let fetched = input.fetch().await?;
            let wrong = |error| IngestError::Read(input.name.clone(), error);
            let (schema, batch) = read(&fetched.path).map_err(wrong)?;
            if ask.replace {
                let known = &mut all.0.columns;
                known.extend(
                    schema
                        .columns
                        .into_iter()
                        .filter(|one| known.iter().all(|other| other.name != one.name))
                        .collect::<Vec<_>>(),
                );
                all.1.push(batch);
                continue;
            }
            let run = if ask.again { format!("-{}", uuid::Uuid::new_v4()) } else { String::new() };
            let ingestion = Ingestion::new(format!("{MARK}{table}-{}{run}", fetched.hash), 1);
            let rows = summary.tables.entry(table.to_owned()).or_insert_with(Rows::default);
            match store.append_all(table, &schema, vec![batch], &ingestion).await? {
                Appended::Added { rows: added, .. } => rows.added += added,
                Appended::AlreadyThere => summary.skipped.push(input.name.clone()),
            }
        }
    }
    if ask.replace {
        let (schema, batches) = all;
        let ingestion = Ingestion::new(format!("{MARK}{table}-{}", uuid::Uuid::new_v4()), 1).replacing();
        let rows = summary.tables.entry(table.to_owned()).or_insert_with(Rows::default);
        if let Appended::Added { rows: added, .. } = store.append_all(table, &schema, batches, &ingestion).await? {
            rows.added += added;
        }
    }
    Ok(summary)
}

fn read(path: &Path) -> io::Result<(Schema, RecordBatch)> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.starts_with(b"\x1f\x8b") {
        let packed = std::mem::take(&mut bytes);
        MultiGzDecoder::new(&*packed).take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("a watchlist has at most {} MB", MOST_BYTES >> 20)));
    }
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
    let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(text.as_bytes());
    let mut schema = Schema::default();
    for name in reader.headers()? {
        let name = name.trim();
        let twin = schema.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        if name.is_empty() || twin {
            let what = if twin { "stands twice" } else { "is empty" };
            return Err(io::Error::other(format!("the name `{name}` in its header {what}")));
        }
        schema.columns.push(Column { name: name.to_owned(), ty: Type::String });
    }
    let mut columns: Vec<ColumnBuilder> = schema.columns.iter().map(|_| ColumnBuilder::new(Type::String, 0)).collect();
    for record in reader.records() {
        for (column, cell) in columns.iter_mut().zip(&record?) {
            column.push(&Value::string(cell));
        }
    }
    let arrays = columns.into_iter().map(ColumnBuilder::finish).collect();
    let batch = RecordBatch::try_new(arrow_schema(&schema), arrays).map_err(io::Error::other)?;
    Ok((schema, batch))
}
