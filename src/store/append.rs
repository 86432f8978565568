//! Rows on their way into a table: by day, sorted, in files of bounded size, then into the log all at once.
//!
//! Killed at any moment, an ingestion is either there or not: files without an entry in the log are read by nobody.
use super::convert::{stored_schema, to_stored};
use super::delta::{DAY, Log};
use super::file::{Encoded, Indexed, encode};
use super::snapshot::time_column;
use super::{Appended, Ingestion, StoreError};
use crate::types::{Schema, Type};
use crate::value::datetime::Civil;
use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, new_null_array};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use deltalake_core::kernel::Add;
use futures::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{ObjectStoreExt, WriteMultipart};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinHandle;

/// Rows are held back until they take this much memory, so that files are few and big. At most twice as much is in
/// memory: one such heap is written while the next grows.
const HEAP: usize = 384 << 20;
/// What the heaps of all tables may take together before the bigger ones among them are written early: an export of
/// many tables fills many heaps at once.
const HEAPS: usize = 2 * HEAP;
/// Rows of a file at most.
const FILE: usize = 1 << 20;
/// Bigger files go up in parts.
const PART: usize = 16 << 20;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How the rows of a table lie at rest.
pub struct Shape {
    schema: Arc<Schema>,
    arrow: SchemaRef,
    timestamp: Option<usize>,
    indexed: Indexed,
}

impl Shape {
    pub fn new(schema: Arc<Schema>, indexed: Indexed) -> Shape {
        Shape { arrow: stored_schema(&schema), timestamp: time_column(&schema), schema, indexed }
    }

    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

pub async fn append<S, E>(
    log: Arc<Log>,
    schema: Arc<Schema>,
    mut batches: S,
    ingestion: &Ingestion,
) -> Result<Appended, StoreError>
where
    S: Stream<Item = Result<RecordBatch, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if log.has(ingestion).await? {
        return Ok(Appended::AlreadyThere);
    }
    let shape = Arc::new(Shape::new(schema, log.indexed().await?));
    let mut heap = Heap::default();
    let mut writing: Option<Writing> = None;
    let mut adds = Vec::new();
    let outcome = async {
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| StoreError::Input(error.into()))?;
            heap.push(at_rest(&shape, &batch)?);
            if heap.is_due() {
                settle(&mut writing, &mut adds).await?;
                writing = Some(Writing::start(&log, &shape, std::mem::take(&mut heap)));
            }
        }
        settle(&mut writing, &mut adds).await?;
        writing = Some(Writing::start(&log, &shape, heap));
        settle(&mut writing, &mut adds).await?;
        let rows = adds.iter().map(|(_, rows)| rows).sum();
        let files: Vec<Add> = adds.iter().map(|(add, _)| add.clone()).collect();
        if files.is_empty() && !ingestion.replaces() {
            return Ok(Appended::Added { rows, files: 0 });
        }
        match log.commit(&shape.schema, &files, ingestion).await? {
            true => Ok(Appended::Added { rows, files: files.len() }),
            false => Ok(Appended::AlreadyThere),
        }
    }
    .await;
    if !matches!(outcome, Ok(Appended::Added { .. })) {
        // What is left behind would do no harm; it is only not kept without need. After an unclear end of a commit the
        // files may be in the table, so only a clear one counts.
        if matches!(outcome, Ok(Appended::AlreadyThere) | Err(StoreError::Input(_))) {
            for (add, _) in &adds {
                let path = under(&log.location().prefix, &add.path);
                if let Err(error) = log.location().objects.delete(&path).await {
                    tracing::debug!(%path, %error, "a file that no table refers to stays behind");
                }
            }
        }
    }
    outcome
}

#[derive(Default)]
struct Heap {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

/// Bytes in all heaps of the process, those on their way into files among them, and how many heaps there are.
static ALL_BYTES: AtomicUsize = AtomicUsize::new(0);
static ALL_HEAPS: AtomicUsize = AtomicUsize::new(0);

impl Heap {
    fn push(&mut self, batch: RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        if self.batches.is_empty() {
            ALL_HEAPS.fetch_add(1, Ordering::Relaxed);
        }
        let bytes = batch.get_array_memory_size();
        ALL_BYTES.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        self.batches.push(batch);
    }

    fn is_due(&self) -> bool {
        let all = ALL_BYTES.load(Ordering::Relaxed);
        let share = if all < HEAPS { HEAP } else { all / ALL_HEAPS.load(Ordering::Relaxed).max(1) };
        !self.batches.is_empty() && self.bytes >= share.min(HEAP)
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        if !self.batches.is_empty() {
            ALL_HEAPS.fetch_sub(1, Ordering::Relaxed);
            ALL_BYTES.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

/// A heap on its way into files. Dropped, it stops.
struct Writing(JoinHandle<Result<Vec<(Add, u64)>, StoreError>>);

impl Writing {
    fn start(log: &Arc<Log>, shape: &Arc<Shape>, heap: Heap) -> Writing {
        Writing(tokio::spawn(write(log.clone(), shape.clone(), heap)))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn settle(writing: &mut Option<Writing>, adds: &mut Vec<(Add, u64)>) -> Result<(), StoreError> {
    if let Some(mut writing) = writing.take() {
        let files = (&mut writing.0).await.map_err(|error| StoreError::Stopped(error.to_string()))??;
        adds.extend(files);
    }
    Ok(())
}

async fn write(log: Arc<Log>, shape: Arc<Shape>, heap: Heap) -> Result<Vec<(Add, u64)>, StoreError> {
    let batches = Arc::new(heap.batches.clone());
    // The heap counts as long as its rows are in memory.
    let adds = encode_rows(&log, &shape, batches).await;
    drop(heap);
    adds
}

/// Writes batches at rest as files that no log has yet.
pub async fn encode_rows(
    log: &Log,
    shape: &Arc<Shape>,
    batches: Arc<Vec<RecordBatch>>,
) -> Result<Vec<(Add, u64)>, StoreError> {
    let mut adds = Vec::new();
    for (day, order) in by_day(&batches, shape.timestamp) {
        let order = Arc::new(order);
        for start in (0..order.len()).step_by(FILE) {
            let (batches, shape, order) = (batches.clone(), shape.clone(), order.clone());
            let encoded = tokio::task::spawn_blocking(move || {
                let batches: Vec<&RecordBatch> = batches.iter().collect();
                let rows = &order[start..order.len().min(start + FILE)];
                encode(&shape.schema, &shape.arrow, &batches, rows, shape.timestamp, &shape.indexed)
            })
            .await
            .map_err(|error| StoreError::Stopped(error.to_string()))??;
            adds.push(put(log, day, encoded).await?);
        }
    }
    Ok(adds)
}

async fn put(log: &Log, day: Option<i64>, encoded: Encoded) -> Result<(Add, u64), StoreError> {
    let day = day.map(day_text);
    let folder = day.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__");
    let inside = format!("{DAY}={folder}/{}.parquet", uuid::Uuid::new_v4());
    let location = log.location();
    let path = under(&location.prefix, &inside);
    let size = encoded.bytes.len();
    if size > 2 * PART && !location.is_local() {
        let mut upload = WriteMultipart::new_with_chunk_size(location.objects.put_multipart(&path).await?, PART);
        for part in encoded.bytes.chunks(PART) {
            upload.wait_for_capacity(4).await?;
            upload.write(part);
        }
        upload.finish().await?;
    } else {
        location.objects.put(&path, encoded.bytes.into()).await?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let add = Add {
        path: inside,
        partition_values: HashMap::from([(DAY.to_owned(), day)]),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        modification_time: i64::try_from(now.as_millis()).unwrap_or(0),
        data_change: true,
        stats: Some(encoded.stats),
        ..Add::default()
    };
    Ok((add, encoded.rows))
}

pub fn under(folder: &Path, inside: &str) -> Path {
    inside.split('/').fold(folder.clone(), |path, part| path.join(part))
}

fn day_text(day: i64) -> String {
    let civil = Civil::of(crate::columns::ticks_of_micros(day.saturating_mul(MICROS_PER_DAY)));
    format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
}

/// The rows (batch, row) of each day in the order of their timestamps; rows of one timestamp stay as they came.
fn by_day(batches: &[RecordBatch], timestamp: Option<usize>) -> BTreeMap<Option<i64>, Vec<(usize, usize)>> {
    type Timed = (Option<i64>, (usize, usize));
    let mut days: BTreeMap<Option<i64>, Vec<Timed>> = BTreeMap::new();
    for (index, batch) in batches.iter().enumerate() {
        let times = timestamp.map(|column| batch.column(column).as_primitive::<TimestampMicrosecondType>());
        for row in 0..batch.num_rows() {
            let time = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            days.entry(time.map(|time| time.div_euclid(MICROS_PER_DAY))).or_default().push((time, (index, row)));
        }
    }
    days.into_iter()
        .map(|(day, mut rows)| {
            if !rows.is_sorted_by_key(|(time, _)| *time) {
                rows.sort_by_key(|(time, _)| *time);
            }
            (day, rows.into_iter().map(|(_, place)| place).collect())
        })
        .collect()
}

/// A batch with the table's columns in the table's order and stored types. A column that it lacks is absent in all rows.
pub fn at_rest(shape: &Shape, batch: &RecordBatch) -> Result<RecordBatch, StoreError> {
    let given = batch.schema();
    for field in given.fields() {
        if shape.schema.get(field.name()).is_none() {
            return Err(StoreError::UnknownColumn(field.name().clone()));
        }
    }
    let columns = shape.schema.columns.iter().zip(shape.arrow.fields());
    let columns = columns
        .map(|(column, field)| match batch.column_by_name(&column.name) {
            Some(array) => Ok(to_stored(array, column.ty)?),
            None if column.ty == Type::String => {
                let empty: ArrayRef =
                    Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n("", batch.num_rows())));
                Ok(empty)
            }
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(RecordBatch::try_new(shape.arrow.clone(), columns)?)
}
