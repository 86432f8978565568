//! The formats in which data from outside is written.
use super::{OutsideError, unreadable};
use crate::columns::Cells;
use crate::store::to_stored;
use crate::types::{Column, Schema};
use crate::value::json_text::{PlaceOf, Step};
use crate::value::{Json, Value};
use arrow::array::ArrayRef;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Rows of a Parquet file that are put into a query; a bigger one is a table.
const MOST_ROWS: i64 = 1_000_000;

/// How the records of a text are written: as it is said, else as the address ends.
pub fn format<'a>(said: Option<&'a str>, address: &'a str) -> &'a str {
    let name = address.rsplit(['/', '\\']).next().unwrap_or_default();
    let ending =
        name.trim_end_matches(".gz").trim_end_matches(".zip").rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = ["csv", "tsv", "psv", "scsv", "sohsv", "txt", "raw", "json", "multijson", "parquet"];
    let by_name = known.iter().find(|known| known.eq_ignore_ascii_case(ending)).copied().unwrap_or("csv");
    said.unwrap_or(by_name)
}

/// The records of a text: a value for each column, as text, as JSON or already of its type. `None` where the format is
/// not known.
pub fn records(
    bytes: Vec<u8>,
    format: &str,
    columns: &Schema,
    places: &[PlaceOf],
    ignore_first: bool,
) -> Option<Result<Vec<Vec<Value<'static>>>, OutsideError>> {
    let format = format.to_ascii_lowercase();
    if format == "parquet" {
        return Some(rows_of_parquet(bytes.into(), columns));
    }
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
    let skipped = usize::from(ignore_first);
    let single = |text: &str| {
        let first = std::iter::once(Value::string(text.to_owned()));
        first.chain(std::iter::repeat(Value::string(""))).take(columns.len()).collect()
    };
    let delimiter = match format.as_str() {
        "csv" => b',',
        "tsv" | "tsve" => b'\t',
        "psv" => b'|',
        "scsv" => b';',
        "sohsv" => 1,
        "txt" => return Some(Ok(text.lines().skip(skipped).map(single).collect())),
        "raw" => return Some(Ok(vec![single(&text)])),
        "json" | "multijson" | "singlejson" => return Some(objects(&text, columns, places)),
        _ => return None,
    };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let place_of = |at: usize| match places.get(at) {
        Some(PlaceOf::Ordinal(place)) => *place,
        Some(PlaceOf::Column | PlaceOf::Path(_)) | None => at,
    };
    let rows = reader.records().skip(skipped).map(|record| {
        let record = record.map_err(unreadable)?;
        let cell = |at: usize| Value::string(record.get(place_of(at)).unwrap_or_default().to_owned());
        Ok((0..columns.len()).map(cell).collect())
    });
    Some(rows.collect())
}

/// Objects one after the other, or lists of them; a column takes the member of its name, or what its path leads to.
fn objects(text: &str, columns: &Schema, places: &[PlaceOf]) -> Result<Vec<Vec<Value<'static>>>, OutsideError> {
    let mut rows = Vec::new();
    let mut add = |json: Json| {
        if !json.is_object() {
            return Err(OutsideError::Unreadable("a record is no object".to_owned()));
        }
        let cell = |(at, name): (usize, &str)| {
            let found = match places.get(at) {
                Some(PlaceOf::Path(steps)) => at_path(&json, steps),
                Some(PlaceOf::Column | PlaceOf::Ordinal(_)) | None => json.get(name),
            };
            match found {
                None | Some(Json::Null) => Value::Null,
                Some(Json::String(text)) => Value::string(text.clone()),
                Some(other) => Value::json(other.clone()),
            }
        };
        rows.push(columns.names().enumerate().map(cell).collect());
        Ok(())
    };
    for json in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
        match json.map_err(unreadable)? {
            Json::Array(items) => items.into_iter().try_for_each(&mut add)?,
            other => add(other)?,
        }
    }
    Ok(rows)
}

fn at_path<'j>(json: &'j Json, steps: &[Step]) -> Option<&'j Json> {
    steps.iter().try_fold(json, |json, step| match step {
        Step::Key(key) => json.get(key.as_ref()),
        Step::Index(at) => {
            let items = json.as_array()?;
            let at = if *at < 0 { at.checked_add(i64::try_from(items.len()).ok()?)? } else { *at };
            items.get(usize::try_from(at).ok()?)
        }
    })
}

/// Columns by their names; one that the file lacks is absent in all rows.
fn rows_of_parquet(bytes: Bytes, columns: &Schema) -> Result<Vec<Vec<Value<'static>>>, OutsideError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(unreadable)?;
    if reader.metadata().file_metadata().num_rows() > MOST_ROWS {
        return Err(OutsideError::Unreadable(format!("more than {MOST_ROWS} rows; attach the file as a table")));
    }
    let schema = reader.schema().clone();
    let wanted = schema.fields().iter().enumerate().filter(|(_, field)| columns.get(field.name()).is_some());
    let mask = ProjectionMask::roots(reader.parquet_schema(), wanted.map(|(at, _)| at));
    let mut rows = Vec::new();
    for batch in reader.with_projection(mask).build().map_err(unreadable)? {
        let batch = batch.map_err(unreadable)?;
        let arrays = columns.columns.iter().map(|column| match batch.column_by_name(&column.name) {
            Some(array) => to_stored(array, column.ty).map(Some).map_err(unreadable),
            None => Ok(None),
        });
        let arrays = arrays.collect::<Result<Vec<_>, OutsideError>>()?;
        for row in 0..batch.num_rows() {
            let cell = |(array, column): (&Option<ArrayRef>, &Column)| match array {
                Some(array) => Cells::new(array, column.ty).get(row).into_owned(),
                None => Value::absent(column.ty),
            };
            rows.push(arrays.iter().zip(&columns.columns).map(cell).collect());
        }
    }
    Ok(rows)
}
