//! The rows of one file in memory.
use super::super::snapshot::StoredFile;
use super::super::starts::Reader;
use super::words::{Numbers, Words, cell, value};
use super::{HeldTable, read, write};
use crate::catalog::TIME_COMMITTED;
use crate::columns::dictionary::Texts;
use crate::columns::repeats::Known;
use crate::columns::{Cells, ticks_of_micros};
use crate::types::{Column, Type};
use crate::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use object_store::ObjectStore;
use parquet::arrow::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use xxhash_rust::xxh64::xxh64;

/// Rows that are decoded at a time.
const BATCH: usize = 16 * 1024;
/// Ids of a bucket, about.
const BUCKET: usize = 8;
const SEED: u64 = 5;
/// Stands for a time that is absent: before all others.
pub const NO_TIME: i64 = i64::MIN;

#[derive(Debug)]
pub struct File {
    pub rows: usize,
    /// When the file's last row arrived, in ticks.
    pub committed: i64,
    /// Microseconds of each row, ascending.
    pub times: Vec<i64>,
    columns: HashMap<String, Held>,
    /// The column with the alerts' ids, and where each is.
    ids: Ids,
    pub bytes: usize,
}

/// A column of a file.
#[derive(Debug)]
pub enum Held {
    /// Texts, by their numbers in the words of the column.
    Texts(Numbers),
    Array(ArrayRef),
}

/// Ids are mostly of one row each, so they are kept as they are, with a table of their hashes.
#[derive(Debug)]
struct Ids {
    texts: StringArray,
    /// Hash and row, ascending.
    places: Vec<(u32, u32)>,
    /// Where the places begin whose hashes begin with so many bits.
    buckets: Vec<u32>,
    bits: u32,
}

fn hash(id: &str) -> u32 {
    xxh64(id.as_bytes(), SEED) as u32
}

impl Ids {
    fn new(texts: StringArray) -> Ids {
        let mut places: Vec<(u32, u32)> = (0..texts.len()).map(|row| (hash(texts.value(row)), row as u32)).collect();
        places.sort_unstable();
        let bits = (places.len() / BUCKET).max(1).ilog2();
        let mut buckets = vec![0u32; (1 << bits) + 1];
        for (hash, _) in &places {
            buckets[bucket(*hash, bits) + 1] += 1;
        }
        for at in 1..buckets.len() {
            buckets[at] += buckets[at - 1];
        }
        Ids { texts, places, buckets, bits }
    }

    /// The rows of an id, ascending.
    fn rows<'i>(&'i self, id: &'i str) -> impl Iterator<Item = usize> + 'i {
        let wanted = hash(id);
        let at = bucket(wanted, self.bits);
        let places = &self.places[self.buckets[at] as usize..self.buckets[at + 1] as usize];
        let same = move |(hash, row): &(u32, u32)| *hash == wanted && self.texts.value(*row as usize) == id;
        places.iter().filter(move |place| same(place)).map(|(_, row)| *row as usize)
    }

    fn bytes(&self) -> usize {
        self.texts.get_array_memory_size() + self.places.capacity() * 8 + self.buckets.capacity() * 4
    }
}

fn bucket(hash: u32, bits: u32) -> usize {
    if bits == 0 { 0 } else { (hash >> (32 - bits)) as usize }
}

impl File {
    pub fn column(&self, name: &str) -> Option<&Held> {
        self.columns.get(name)
    }

    /// The rows of an id, ascending.
    pub fn of_id<'i>(&'i self, id: &'i str) -> impl Iterator<Item = usize> + 'i {
        self.ids.rows(id)
    }

    /// Tells of the rows whose alerts have a row before a time in another file, or in this one.
    pub fn begun_in(&self, other: &File, time: i64, mut tell: impl FnMut(usize)) {
        let (mut own, mut others) = (self.ids.places.as_slice(), other.ids.places.as_slice());
        while let (Some((one, _)), Some((two, _))) = (own.first(), others.first()) {
            match one.cmp(two) {
                Ordering::Less => own = &own[1..],
                Ordering::Greater => others = &others[1..],
                Ordering::Equal => {
                    let hash = *one;
                    let count = |places: &[(u32, u32)]| places.iter().take_while(|(other, _)| *other == hash).count();
                    let ((here, rest), (there, others_rest)) =
                        (own.split_at(count(own)), others.split_at(count(others)));
                    for (_, row) in here {
                        let row = *row as usize;
                        let begun = |(_, at): &(u32, u32)| {
                            other.times[*at as usize] < time && other.id(*at as usize) == self.id(row)
                        };
                        if there.iter().any(begun) {
                            tell(row);
                        }
                    }
                    (own, others) = (rest, others_rest);
                }
            }
        }
    }

    pub fn id(&self, row: usize) -> &str {
        self.ids.texts.value(row)
    }

    pub fn first(&self) -> i64 {
        self.times.first().copied().unwrap_or(NO_TIME)
    }

    pub fn last(&self) -> i64 {
        self.times.last().copied().unwrap_or(NO_TIME)
    }
}

/// Reads a file whole. `None` where it is not as files of the store are.
pub async fn load(
    objects: Arc<dyn ObjectStore>,
    table: &HeldTable,
    file: &StoredFile,
) -> Result<Option<File>, ParquetError> {
    let reader = Reader::new(objects, file);
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?.with_batch_size(BATCH);
    let mut batches = builder.build()?;
    let mut columns: Vec<Reading> = table.columns.iter().map(|column| Reading::new(table, column)).collect();
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows();
        for column in &mut columns {
            if column.batch(table, &batch).is_none() {
                return Ok(None);
            }
        }
        // A query that waits for the core goes first.
        tokio::task::yield_now().await;
    }
    let mut held = HashMap::new();
    let mut ids = None;
    let mut times = Vec::new();
    for Reading { column, kept } in columns {
        let kept = match kept {
            Kept::Ids(arrays) => {
                let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
                let texts =
                    if arrays.is_empty() { StringArray::new_null(0) } else { concat(&arrays)?.as_string().clone() };
                ids = Some(Ids::new(texts));
                continue;
            }
            Kept::Texts(numbers, _) if numbers.len() == rows => Held::Texts(Numbers::new(numbers)),
            Kept::Arrays(arrays) if !arrays.is_empty() => {
                let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
                let array = concat(&arrays)?;
                if column.name == table.time {
                    let array = array.as_primitive::<TimestampMicrosecondType>();
                    times = array.iter().map(|time| time.unwrap_or(NO_TIME)).collect();
                }
                if array.null_count() == array.len() {
                    continue;
                }
                Held::Array(array)
            }
            // The file is older than the column: it is absent in all rows.
            Kept::Texts(..) | Kept::Arrays(_) => continue,
        };
        held.insert(column.name, kept);
    }
    let Some(ids) = ids.filter(|ids| ids.texts.len() == rows && times.len() == rows && times.is_sorted()) else {
        return Ok(None);
    };
    // The times are there twice, once for the search and once as a column.
    held.remove(&table.time);
    let of_columns: usize = held
        .values()
        .map(|held| match held {
            Held::Texts(numbers) => numbers.bytes(),
            Held::Array(array) => array.get_array_memory_size(),
        })
        .sum();
    let bytes = of_columns + ids.bytes() + times.capacity() * 8;
    let committed = ticks_of_micros(file.modified.saturating_mul(1000));
    Ok(Some(File { rows, committed, times, columns: held, ids, bytes }))
}

/// A column while its batches come.
struct Reading {
    column: Column,
    kept: Kept,
}

enum Kept {
    Ids(Vec<ArrayRef>),
    Texts(Vec<u32>, Box<Known<u32>>),
    Arrays(Vec<ArrayRef>),
}

impl Reading {
    fn new(table: &HeldTable, column: &Column) -> Reading {
        let kept = if column.name == table.id {
            Kept::Ids(Vec::new())
        } else if table.words.contains_key(&column.name) {
            Kept::Texts(Vec::new(), Box::default())
        } else {
            Kept::Arrays(Vec::new())
        };
        Reading { column: column.clone(), kept }
    }

    /// `None` where the column is not what it should be.
    fn batch(&mut self, table: &HeldTable, batch: &RecordBatch) -> Option<()> {
        let Some(array) = batch.column_by_name(&self.column.name) else {
            return (self.column.name != table.id).then_some(());
        };
        let array = super::super::to_stored(array, self.column.ty).ok()?;
        match &mut self.kept {
            Kept::Arrays(arrays) => arrays.push(array),
            Kept::Ids(arrays) => {
                let texts = cast(&array, &DataType::Utf8).ok()?;
                if texts.null_count() > 0 {
                    return None;
                }
                arrays.push(texts);
            }
            Kept::Texts(numbers, known) => {
                let array = array.as_string_view_opt()?;
                let words = table.words.get(&self.column.name)?;
                let mut words = write(words);
                let text = |row: usize| if array.is_null(row) { "" } else { cell(array, row) };
                known.read(Texts::Views(array), numbers, |_, rows, found| {
                    found.extend(rows.iter().map(|row| words.number(text(*row))));
                });
            }
        }
        Some(())
    }
}

impl File {
    /// The cell of a row; absent where the file has no such column. `words` are those of the column, if it is of texts.
    pub fn value(&self, table: &HeldTable, column: &Column, words: Option<&Words>, row: usize) -> Value<'static> {
        if column.name == table.id {
            return value(column.ty, self.id(row)).into_owned();
        }
        if column.name == table.time {
            let micros = self.times[row];
            return if micros == NO_TIME { Value::Null } else { Value::Datetime(ticks_of_micros(micros)) };
        }
        if column.name == TIME_COMMITTED {
            return Value::Datetime(self.committed);
        }
        match (self.column(&column.name), words) {
            (Some(Held::Texts(numbers)), Some(words)) => value(column.ty, words.text(numbers.get(row))).into_owned(),
            (Some(Held::Array(array)), _) => Cells::new(array, column.ty).get(row).into_owned(),
            (Some(Held::Texts(_)), None) | (None, _) => Value::absent(column.ty),
        }
    }
}

/// Whether a column is held as texts.
pub fn of_texts(ty: Type) -> bool {
    matches!(ty, Type::String | Type::Guid | Type::Dynamic)
}

/// The words of those columns that have some, for as long as rows are read.
pub fn words<'t>(table: &'t HeldTable, columns: &[Column]) -> Vec<Option<std::sync::RwLockReadGuard<'t, Words>>> {
    columns.iter().map(|column| table.words.get(&column.name).map(read)).collect()
}
