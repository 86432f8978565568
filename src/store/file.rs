//! Writing one Parquet file as the store lays it out, and reading off what the log says about it.
use super::StoreError;
use super::index::{
    self,
    column::{AsIs, Builder, Detail},
};
use super::texts::{self, Written};
use crate::columns::ticks_of_micros;
use crate::types::{Column, Schema, Type};
use crate::value::datetime;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowWriterOptions, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData, RowGroupMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use xxhash_rust::xxh64::xxh64;

/// Rows of a row group: what one core reads at a time.
pub const ROW_GROUP: usize = 128 * 1024;
/// Rows of a page: what a row selection can skip.
const PAGE: usize = super::index::PAGE;
/// The index takes at most one part in so many.
const SHARE: usize = 10;
/// A column keeps its dictionary up to this size: bigger pages cost less than the same texts again and again.
const DICTIONARY: usize = 16 << 20;
/// A column with more than one value in so many rows has no dictionary: it would take more than it saves, and all of it
/// must be read for a single row.
const ROWS_A_TEXT: usize = 2;
const ROWS_A_NUMBER: usize = 4;

/// Bytes of a page's bounds: they stay in memory for every page of every file that a query has looked at.
const PAGE_BOUND: usize = 32;

/// Which columns of texts the index of a file is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexed {
    None,
    /// All, as far as there is room.
    Usual,
    Only(Vec<String>),
}

impl Indexed {
    fn has(&self, column: &str) -> bool {
        match self {
            Indexed::None => false,
            Indexed::Usual => true,
            Indexed::Only(names) => names.iter().any(|name| name == column),
        }
    }
}

/// A file that is not yet anywhere.
pub struct Encoded {
    pub bytes: Vec<u8>,
    pub rows: u64,
    /// The statistics of Delta's log, as JSON text.
    pub stats: String,
}

/// Encodes the rows `order` (batch, row) of batches at rest as one file, with an index of its texts or without. Blocks;
/// uses all cores.
pub fn encode(
    schema: &Schema,
    arrow: &SchemaRef,
    batches: &[&RecordBatch],
    order: &[(usize, usize)],
    sorted_by: Option<usize>,
    indexed: &Indexed,
) -> Result<Encoded, StoreError> {
    let first = interleave_record_batch(batches, &order[..order.len().min(ROW_GROUP)])?;
    let (properties, rewritten) = properties(schema, sorted_by, &first)?;
    let written = Written::default();
    let options =
        ArrowWriterOptions::new().with_properties(properties).with_page_store_factory(Arc::new(written.clone()));
    let mut bytes = Vec::new();
    let writer = ArrowWriter::try_new_with_options(&mut bytes, arrow.clone(), options)?;
    let (mut writer, factory) = writer.into_serialized_writer()?;
    let mut first = Some(first);
    for (index, rows) in order.chunks(ROW_GROUP).enumerate() {
        let batch = first.take().map_or_else(|| interleave_record_batch(batches, rows), Ok)?;
        let chunks = encode_columns(&batch, factory.create_column_writers(index)?, &rewritten, &written)?;
        let mut group = writer.next_row_group()?;
        for chunk in chunks {
            match chunk {
                Chunk::AsWritten(chunk) => chunk.append_to_row_group(&mut group)?,
                Chunk::Again(chunk) => group.append_column(&chunk.bytes, chunk.close)?,
            }
        }
        group.close()?;
    }
    if *indexed != Indexed::None {
        let sizes = sizes(writer.flushed_row_groups());
        let columns = index_columns(schema, batches, order, &sizes, indexed);
        let start = u64::try_from(writer.bytes_written()).unwrap_or(u64::MAX);
        let (bytes, place) = index::assemble(&columns, order.len() as u64, start);
        writer.write_all(&bytes).map_err(|error| ParquetError::External(Box::new(error)))?;
        writer.append_key_value_metadata(KeyValue::new(index::FOOTER_KEY.to_owned(), place));
    }
    let metadata = writer.close()?;
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    Ok(Encoded { bytes, rows, stats: stats(schema, &metadata).to_string() })
}

/// And which columns are written [again](texts::rewritten): texts with a dictionary. `first` are the rows of the first row
/// group: what their values are like decides how all are written.
fn properties(
    schema: &Schema,
    sorted_by: Option<usize>,
    first: &RecordBatch,
) -> Result<(WriterProperties, Vec<bool>), ParquetError> {
    let sorting = sorted_by
        .and_then(|column| i32::try_from(column).ok())
        .map(|column_idx| vec![SortingColumn { column_idx, descending: false, nulls_first: true }]);
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(texts::LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_data_page_row_count_limit(PAGE)
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_column_index_truncate_length(Some(PAGE_BOUND))
        .set_sorting_columns(sorting)
        .set_created_by(concat!("sighthound ", env!("CARGO_PKG_VERSION")).to_owned());
    // Bounds of JSON text rule nothing out.
    for column in schema.columns.iter().filter(|column| column.ty == Type::Dynamic) {
        let path = ColumnPath::new(vec![column.name.clone()]);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
    }
    // Times lie in order, or nearly so: their steps take less than they do, and are read faster than what is compressed.
    for column in schema.columns.iter().filter(|column| column.ty == Type::Datetime) {
        let path = ColumnPath::new(vec![column.name.clone()]);
        properties = properties
            .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
            .set_column_compression(path, Compression::UNCOMPRESSED);
    }
    let mut rewritten = Vec::with_capacity(schema.len());
    for (column, values) in schema.columns.iter().zip(first.columns()) {
        let path = ColumnPath::new(vec![column.name.clone()]);
        let has_dictionary = has_dictionary(column.ty, values);
        let is_rewritten = has_dictionary && values.as_string_view_opt().is_some();
        if is_rewritten {
            properties = properties.set_column_compression(path, Compression::UNCOMPRESSED);
        } else if !has_dictionary {
            properties = properties.set_column_dictionary_enabled(path, false);
        }
        rewritten.push(is_rewritten);
    }
    Ok((properties.build(), rewritten))
}

/// Whether there are no more than so many different hashes.
fn few(most: usize, mut hashes: impl Iterator<Item = u64>) -> bool {
    let mut seen = HashSet::<u64, BuildHasherDefault<AsIs>>::default();
    hashes.all(|hash| {
        seen.insert(hash);
        seen.len() <= most
    })
}

/// Whether a column is worth a dictionary.
fn has_dictionary(ty: Type, values: &ArrayRef) -> bool {
    match ty {
        // Times hardly repeat, and those that do lie together.
        Type::Datetime => false,
        Type::Long | Type::Timespan => match values.as_primitive_opt::<Int64Type>() {
            Some(numbers) => few(
                numbers.len() / ROWS_A_NUMBER,
                numbers.values().iter().map(|number| xxh64(&number.to_le_bytes(), 0)),
            ),
            None => true,
        },
        Type::String | Type::Dynamic | Type::Guid => match values.as_string_view_opt() {
            Some(texts) => few(texts.len() / ROWS_A_TEXT, texts.iter().flatten().map(|text| xxh64(text.as_bytes(), 0))),
            None => true,
        },
        Type::Bool | Type::Int | Type::Real | Type::Decimal => true,
    }
}

/// A column of a row group.
enum Chunk {
    AsWritten(ArrowColumnChunk),
    Again(texts::Chunk),
}

/// The columns of one row group, side by side.
fn encode_columns(
    batch: &RecordBatch,
    writers: Vec<ArrowColumnWriter>,
    rewritten: &[bool],
    written: &Written,
) -> Result<Vec<Chunk>, StoreError> {
    let schema = batch.schema();
    let jobs = writers.into_iter().enumerate().collect();
    let done = side_by_side(jobs, |(index, mut writer)| {
        for leaf in compute_leaves(schema.field(index), batch.column(index))? {
            writer.write(&leaf)?;
        }
        let chunk = writer.close()?;
        if rewritten.get(index) == Some(&true) {
            return Ok(Chunk::Again(texts::rewritten(chunk, written.take(index))?));
        }
        Ok::<_, ParquetError>(Chunk::AsWritten(chunk))
    });
    done.into_iter()
        .map(|chunk| {
            let missing = || ParquetError::General("a column was not written".into());
            Ok(chunk.ok_or_else(missing)??)
        })
        .collect()
}

/// Bytes of each column in all row groups.
fn sizes(groups: &[RowGroupMetaData]) -> Vec<usize> {
    let columns = groups.first().map_or(0, RowGroupMetaData::num_columns);
    let of = |column: usize| groups.iter().map(|group| group.column(column).compressed_size()).sum::<i64>();
    (0..columns).map(|column| usize::try_from(of(column)).unwrap_or(0)).collect()
}

/// Whether columns of this type can have an index.
pub fn has_index(ty: Type) -> bool {
    matches!(ty, Type::String | Type::Dynamic)
}

/// An index of a column that is longer than its own tenth, and how soon it gets what others leave.
struct Wish {
    rank: u8,
    column: usize,
    bytes: Vec<u8>,
}

/// What a column wishes for, and how soon it gets that: names before texts that people look into, and these before others.
fn wishes(column: &str, looked_into: bool) -> &'static [(Detail, u8)] {
    match (NAMES.contains(&column), looked_into) {
        (true, _) => &[(Detail::Terms, 0), (Detail::Parts, 3), (Detail::Most, 4)],
        (false, true) => &[(Detail::Parts, 1), (Detail::Terms, 2), (Detail::Most, 3)],
        (false, false) => &[(Detail::Terms, 2), (Detail::Most, 4)],
    }
}

/// Columns with the names by which people know a device, an account, a file or an address.
const NAMES: &[&str] = &[
    "DeviceName",
    "AccountName",
    "InitiatingProcessAccountName",
    "FileName",
    "FolderPath",
    "InitiatingProcessFileName",
    "RemoteUrl",
    "RemoteIP",
];

/// The indexes of the columns that hold texts. All of them together may take a tenth of what the columns take: each as
/// much of its own, then what some leave goes to those that have more to say, of one rank to whoever asks for least.
fn index_columns(
    schema: &Schema,
    batches: &[&RecordBatch],
    order: &[(usize, usize)],
    sizes: &[usize],
    indexed: &Indexed,
) -> Vec<(String, Vec<u8>)> {
    let wanted = |column: &Column| has_index(column.ty) && indexed.has(&column.name);
    let columns: Vec<usize> = (0..schema.len()).filter(|column| wanted(&schema.columns[*column])).collect();
    let size = |column: usize| sizes.get(column).copied().unwrap_or(0);
    let budget = columns.iter().map(|column| size(*column)).sum::<usize>() / SHARE;
    let done = side_by_side(columns, |column| {
        let arrays: Option<Vec<_>> = batches.iter().map(|batch| batch.column(column).as_string_view_opt()).collect();
        let mut builder = Builder::new(schema.columns[column].ty == Type::Dynamic);
        for rows in order.chunks(index::PAGE) {
            for (batch, row) in rows {
                let array = *arrays.as_ref()?.get(*batch)?;
                if array.is_valid(*row) {
                    builder.add(array.value(*row));
                }
            }
            builder.end_page();
        }
        let mut draft = builder.draft();
        let own = draft.finish(size(column) / SHARE, Detail::Terms);
        let whole = own.as_ref().is_some_and(|own| own.whole);
        let wished = wishes(&schema.columns[column].name, draft.looked_into)
            .iter()
            .filter(|(detail, _)| !(whole && *detail == Detail::Terms));
        let wishes: Vec<_> = wished
            .filter_map(|(detail, rank)| {
                let bytes = draft.finish(budget, *detail)?.bytes;
                Some(Wish { rank: *rank, column, bytes })
            })
            .collect();
        Some((column, own.map(|own| own.bytes), wishes))
    });
    let mut built = BTreeMap::new();
    let mut wishes = Vec::new();
    for (column, own, more) in done.into_iter().flatten().flatten() {
        built.extend(own.map(|own| (column, own)));
        wishes.extend(more);
    }
    let own = |built: &BTreeMap<usize, Vec<u8>>, column: &usize| built.get(column).map_or(0, Vec::len);
    wishes.sort_by_key(|wish| (wish.rank, wish.bytes.len().saturating_sub(own(&built, &wish.column))));
    let mut taken = built.values().map(Vec::len).sum::<usize>();
    for Wish { column, bytes, .. } in wishes {
        let before = own(&built, &column);
        if bytes.len() > before && taken - before + bytes.len() <= budget {
            taken = taken - before + bytes.len();
            built.insert(column, bytes);
        }
    }
    // Small columns may take more than a tenth; where that is too much, those go that are the dearest.
    let dearness = |(column, bytes): (&usize, &Vec<u8>)| bytes.len() as f64 / size(*column).max(1) as f64;
    while built.values().map(Vec::len).sum::<usize>() > budget.max(index::LEAST * built.len()) {
        let dearest = built.iter().max_by(|a, b| dearness(*a).total_cmp(&dearness(*b))).map(|(column, _)| *column);
        let Some(dearest) = dearest else { break };
        built.remove(&dearest);
    }
    built.into_iter().map(|(column, bytes)| (schema.columns[column].name.clone(), bytes)).collect()
}

/// Does the jobs on all cores and gives what comes of them in their order; `None` for one that ended in a panic.
fn side_by_side<J: Send, R: Send>(jobs: Vec<J>, one: impl Fn(J) -> R + Sync) -> Vec<Option<R>> {
    let jobs: Vec<_> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let done: Vec<_> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { break };
            let result = job.lock().ok().and_then(|mut job| job.take()).map(&one);
            if let Ok(mut slot) = done[index].lock() {
                *slot = result;
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..cores.min(jobs.len()) {
            scope.spawn(work);
        }
        work();
    });
    done.into_iter().map(|slot| slot.into_inner().ok().flatten()).collect()
}

/// What Delta's log says of a file: its rows, and the bounds and nulls of its columns.
/// <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics>
fn stats(schema: &Schema, metadata: &ParquetMetaData) -> Json {
    let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
    for (index, column) in schema.columns.iter().enumerate() {
        let groups = metadata.row_groups().iter().map(|group| group.column(index).statistics());
        let Some(groups) = groups.collect::<Option<Vec<_>>>() else { continue };
        if let Some(count) = groups.iter().map(|group| group.null_count_opt()).sum::<Option<u64>>() {
            nulls.insert(column.name.clone(), json!(count));
        }
        if let Some((min, max)) = bounds(column.ty, &groups) {
            least.insert(column.name.clone(), min);
            greatest.insert(column.name.clone(), max);
        }
    }
    json!({
        "numRecords": metadata.file_metadata().num_rows(),
        "minValues": least,
        "maxValues": greatest,
        "nullCount": nulls,
    })
}

fn bounds(ty: Type, groups: &[&Statistics]) -> Option<(Json, Json)> {
    // A row group of nothing but nulls has no bounds and moves none.
    let mut whole = groups.iter().copied().filter(|group| group.min_bytes_opt().is_some());
    match ty {
        Type::Int => range(whole, |group| match group {
            Statistics::Int32(values) => Some((*values.min_opt()?, *values.max_opt()?)),
            _ => None,
        })
        .map(|(min, max)| (json!(min), json!(max))),
        Type::Long | Type::Timespan | Type::Datetime => {
            let (min, max) = range(whole, |group| match group {
                Statistics::Int64(values) => Some((*values.min_opt()?, *values.max_opt()?)),
                _ => None,
            })?;
            match ty {
                Type::Datetime => Some((json!(timestamp(min)?), json!(timestamp(max)?))),
                _ => Some((json!(min), json!(max))),
            }
        }
        Type::String | Type::Guid => {
            let text = |bytes: Option<&[u8]>| std::str::from_utf8(bytes?).ok().map(str::to_owned);
            let first = whole.next()?;
            let mut both = (text(first.min_bytes_opt())?, text(first.max_bytes_opt())?);
            for group in whole {
                both.0 = both.0.min(text(group.min_bytes_opt())?);
                both.1 = both.1.max(text(group.max_bytes_opt())?);
            }
            Some((json!(both.0), json!(both.1)))
        }
        Type::Bool | Type::Real | Type::Decimal | Type::Dynamic => None,
    }
}

fn range<'a, T: Ord>(
    groups: impl Iterator<Item = &'a Statistics>,
    of: impl Fn(&Statistics) -> Option<(T, T)>,
) -> Option<(T, T)> {
    let mut both: Option<(T, T)> = None;
    for group in groups {
        let (min, max) = of(group)?;
        both = Some(match both {
            None => (min, max),
            Some(both) => (both.0.min(min), both.1.max(max)),
        });
    }
    both
}

/// Six digits; `None` outside of the years that a text can say.
fn timestamp(micros: i64) -> Option<String> {
    let ticks = ticks_of_micros(micros);
    (0..=datetime::MAX).contains(&ticks).then(|| {
        let text = datetime::text(ticks);
        format!("{}Z", &text[..text.len() - 2])
    })
}
