//! Since when a file has rows of an alert, kept in memory up to a bound: whoever has read the newest rows of some alerts
//! learns without reading whether these are all their rows.
//!
//! Of each id only a hash is kept, so two ids may be taken for one: an alert is then said to be older than it is, never
//! newer.
use super::snapshot::{Snapshot, StoredFile, time_column};
use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use bytes::Bytes;
use datafusion::scalar::ScalarValue;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use xxhash_rust::xxh64::xxh64;

/// Of more rows nothing is said: each takes eight bytes.
const ROWS: u64 = 16 << 20;
/// Files that are read side by side.
const AT_ONCE: usize = 4;
const SEED: u64 = 3;
const MILLI: i64 = 1000;

type Key = (Path, u64, i64);
/// Hashes of ids, ascending, each with the milliseconds from the file's first row to that id's.
type Starts = Arc<Vec<(u32, u32)>>;

#[derive(Debug, Default)]
pub struct KnownStarts(Mutex<HashMap<Key, Starts>>);

impl KnownStarts {
    /// Which of the ids may have rows at `time` (microseconds) or earlier in these files; `None` where that is not to be had.
    pub async fn begun(
        &self,
        snapshot: &Snapshot,
        files: &[&StoredFile],
        column: &str,
        ids: &[String],
        time: i64,
    ) -> Option<Vec<bool>> {
        let mut begun = vec![false; ids.len()];
        for (_, least, starts) in self.known(snapshot, files, column, time).await? {
            for (id, begun) in ids.iter().zip(&mut begun) {
                if let Some(start) = start(&starts, id) {
                    *begun |= least.saturating_add(i64::from(start).saturating_mul(MILLI)) <= time;
                }
            }
        }
        Some(begun)
    }

    /// Those of the files that have no row of any of the ids; `None` where that is not to be had.
    pub async fn without<'s>(
        &self,
        snapshot: &Snapshot,
        files: &[&'s StoredFile],
        column: &str,
        ids: &[String],
    ) -> Option<HashSet<&'s Path>> {
        let known = self.known(snapshot, files, column, i64::MAX).await?;
        let without = known.iter().filter(|(.., starts)| ids.iter().all(|id| start(starts, id).is_none()));
        Some(without.map(|(file, ..)| &file.location).collect())
    }

    /// What is known of those of the files that have rows at `time` or earlier, each with the time of its first row.
    async fn known<'s>(
        &self,
        snapshot: &Snapshot,
        files: &[&'s StoredFile],
        column: &str,
        time: i64,
    ) -> Option<Vec<(&'s StoredFile, i64, Starts)>> {
        let clock = &snapshot.schema.columns[time_column(&snapshot.schema)?].name;
        let rows = files.iter().try_fold(0, |rows: u64, file| rows.checked_add(file.rows?))?;
        if snapshot.foreign || rows > ROWS {
            return None;
        }
        let mut reads = Vec::new();
        for file in files {
            let least = micros(file.bounds.get(clock)?.min.as_ref())?;
            if least <= time {
                let of = self.of(snapshot, file, least, clock, column);
                reads.push(async move { Ok::<_, ParquetError>((*file, least, of.await?)) });
            }
        }
        let known = stream::iter(reads).buffered(AT_ONCE).try_collect().await.ok()?;
        self.forget(snapshot);
        Some(known)
    }

    async fn of(
        &self,
        snapshot: &Snapshot,
        file: &StoredFile,
        least: i64,
        clock: &str,
        column: &str,
    ) -> Result<Starts, ParquetError> {
        let key = (file.location.clone(), file.size, file.modified);
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(starts) = known {
            return Ok(starts);
        }
        let starts = Arc::new(read(snapshot.location.objects.clone(), file, least, clock, column).await?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, starts.clone());
        Ok(starts)
    }

    /// Drops what is of files that the table has no more.
    fn forget(&self, snapshot: &Snapshot) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = &snapshot.location.prefix;
        let of_table = known.keys().filter(|(path, ..)| path.prefix_matches(prefix)).count();
        if of_table > snapshot.files.len() {
            let there: HashSet<&Path> = snapshot.files.iter().map(|file| &file.location).collect();
            known.retain(|(path, ..), _| !path.prefix_matches(prefix) || there.contains(path));
        }
    }
}

/// When an id's first row was, after the file's.
fn start(starts: &[(u32, u32)], id: &str) -> Option<u32> {
    let hash = hash(id);
    starts.binary_search_by_key(&hash, |(hash, _)| *hash).ok().map(|at| starts[at].1)
}

fn hash(id: &str) -> u32 {
    xxh64(id.as_bytes(), SEED) as u32
}

/// The microseconds of a bound.
pub fn micros(bound: Option<&ScalarValue>) -> Option<i64> {
    if let ScalarValue::TimestampMicrosecond(micros, _) = bound? { *micros } else { None }
}

/// A file in an object store, as the decoder wants it.
pub struct Reader {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl Reader {
    pub fn new(objects: Arc<dyn ObjectStore>, file: &StoredFile) -> Reader {
        Reader { objects, path: file.location.clone(), size: file.size }
    }
}

fn outside(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move { self.objects.get_range(&self.path, range).await.map_err(outside) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.objects.get_ranges(&self.path, &ranges).await.map_err(outside) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let size = self.size;
            Ok(Arc::new(ParquetMetaDataReader::new().load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

async fn read(
    objects: Arc<dyn ObjectStore>,
    file: &StoredFile,
    least: i64,
    clock: &str,
    column: &str,
) -> Result<Vec<(u32, u32)>, ParquetError> {
    let reader = Reader::new(objects, file);
    let builder = ParquetRecordBatchStreamBuilder::new(reader).await?.with_batch_size(32 * 1024);
    let schema = builder.parquet_schema();
    let leaves = (0..schema.num_columns()).filter(|at| [clock, column].contains(&schema.column(*at).name()));
    let mask = ProjectionMask::leaves(schema, leaves.collect::<Vec<_>>());
    let mut batches = builder.with_projection(mask).build()?;
    let mut starts = Vec::new();
    let missing = || ParquetError::General("a file lacks a column of its table".into());
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let times = batch.column_by_name(clock).ok_or_else(missing)?;
        let times = cast(times, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let ids = cast(batch.column_by_name(column).ok_or_else(missing)?, &DataType::Utf8View)?;
        let ids = ids.as_string_view();
        for row in 0..batch.num_rows() {
            if ids.is_null(row) {
                continue;
            }
            // A row without a time counts as the file's first.
            let since = if times.is_null(row) { 0 } else { times.value(row).saturating_sub(least).max(0) / MILLI };
            starts.push((hash(ids.value(row)), u32::try_from(since).unwrap_or(0)));
        }
    }
    starts.sort_unstable();
    starts.dedup_by_key(|(hash, _)| *hash);
    starts.shrink_to_fit();
    Ok(starts)
}
