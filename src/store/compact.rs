//! The same rows in other files: the small files of a day, as many small ingestions leave them behind, become one; term
//! indexes are built where there are none, or dropped.
//!
//! Each group of files is replaced in one commit. Who reads meanwhile reads the old files; they go a week after they were
//! replaced, as Delta has it.
use super::append::{Shape, at_rest, encode_rows, under};
use super::delta::{DAY, Log};
use super::file::Indexed;
use super::indexes::Indexes;
use super::snapshot::{Snapshot, StoredFile};
use super::{Compacted, Reindex, StoreError};
use crate::catalog::{self, TIME_RECEIVED};
use crate::types::{Column, Schema, Type};
use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use deltalake_core::kernel::Add;
use deltalake_core::operations::vacuum::VacuumMode;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A file with fewer rows than this is small.
const SMALL: u64 = 256 * 1024;
/// What is united at once: as much as memory holds well.
const ROWS: u64 = 512 * 1024;
const BYTES: u64 = 96 << 20;

/// What is told of the way: how many groups of files of how many are done.
pub type Meter<'a> = &'a (dyn Fn(usize, usize) + Send + Sync);

pub async fn compact(log: &Arc<Log>, name: &str, meter: Meter<'_>) -> Result<Compacted, StoreError> {
    let Some(snapshot) = own(log, name).await? else { return Ok(Compacted::default()) };
    let done = rewrite(log, &snapshot, groups(&snapshot), log.indexed().await?, meter).await?;
    log.remove_outdated(VacuumMode::Lite).await?;
    Ok(done)
}

/// Writes the files anew that have no index, or all of them; or, to drop the indexes, those that have one.
pub async fn reindex(
    log: &Arc<Log>,
    name: &str,
    what: Reindex,
    indexes: &Indexes,
    meter: Meter<'_>,
) -> Result<Compacted, StoreError> {
    let Some(snapshot) = own(log, name).await? else { return Ok(Compacted::default()) };
    let mut files = Vec::new();
    for file in &snapshot.files {
        let key = (file.location.clone(), file.size, file.modified);
        let look = indexes.file(log.location().objects.as_ref(), key).await;
        let indexed = look.is_some_and(|file| file.found.is_some());
        let due = match what {
            Reindex::Missing => !indexed,
            Reindex::All => true,
            Reindex::Drop => indexed,
        };
        if due {
            files.push(vec![file.clone()]);
        }
    }
    let indexed = if what == Reindex::Drop { Indexed::None } else { log.indexed().await? };
    rewrite(log, &snapshot, files, indexed, meter).await
}

async fn own(log: &Arc<Log>, name: &str) -> Result<Option<Arc<Snapshot>>, StoreError> {
    match log.snapshot(name, None).await? {
        Some(snapshot) if snapshot.foreign => Err(StoreError::ReadOnly(name.to_owned())),
        found => Ok(found),
    }
}

async fn rewrite(
    log: &Arc<Log>,
    snapshot: &Snapshot,
    groups: Vec<Vec<StoredFile>>,
    indexed: Indexed,
    meter: Meter<'_>,
) -> Result<Compacted, StoreError> {
    let mut done = Compacted::default();
    let shape = Arc::new(Shape::new(Arc::new(schema_of(snapshot)), indexed));
    for (at, group) in groups.iter().enumerate() {
        meter(at, groups.len());
        let (adds, written) = unite(log, &shape, group).await?;
        let old: HashSet<&Path> = group.iter().map(|file| &file.location).collect();
        // Nothing is replaced by less than it was.
        let rows = group.iter().map(|file| file.rows).sum::<Option<u64>>();
        if rows.is_none_or(|rows| rows == written) && log.replace(shape.schema(), &old, &adds).await? {
            done.replaced += old.len();
            done.written += adds.len();
            continue;
        }
        // Somebody else has replaced them meanwhile.
        for add in &adds {
            log.location().objects.delete(&under(&log.location().prefix, &add.path)).await?;
        }
    }
    meter(groups.len(), groups.len());
    Ok(done)
}

/// What is in the files. Rows keep when each arrived, which was the same for a file and is not any more.
fn schema_of(snapshot: &Snapshot) -> Schema {
    let mut schema = snapshot.schema.as_ref().clone();
    schema.columns.truncate(schema.len() - snapshot.partition_columns);
    if catalog::keeps_arrival(&snapshot.name) && schema.get(TIME_RECEIVED).is_none() {
        schema.columns.push(Column { name: TIME_RECEIVED.into(), ty: Type::Datetime });
    }
    schema
}

/// The small files of each day, in groups that are to become one file.
fn groups(snapshot: &Snapshot) -> Vec<Vec<StoredFile>> {
    let mut days: BTreeMap<String, Vec<&StoredFile>> = BTreeMap::new();
    for file in &snapshot.files {
        // Only what lies where this store puts it, and says how much it is.
        let parts: Vec<_> = file.location.prefix_match(&snapshot.location.prefix).into_iter().flatten().collect();
        if let ([day, _], Some(rows)) = (parts.as_slice(), file.rows)
            && day.as_ref().starts_with(DAY)
            && rows < SMALL
        {
            days.entry(day.as_ref().to_owned()).or_default().push(file);
        }
    }
    let mut groups = Vec::new();
    for files in days.into_values() {
        let mut group: Vec<StoredFile> = Vec::new();
        for file in files {
            let rows: u64 = group.iter().chain([file]).filter_map(|file| file.rows).sum();
            let bytes: u64 = group.iter().chain([file]).map(|file| file.size).sum();
            if rows > ROWS || bytes > BYTES {
                groups.push(std::mem::take(&mut group));
            }
            group.push(file.clone());
        }
        groups.push(group);
    }
    groups.retain(|group| group.len() > 1);
    groups
}

async fn unite(log: &Arc<Log>, shape: &Arc<Shape>, files: &[StoredFile]) -> Result<(Vec<Add>, u64), StoreError> {
    let mut batches = Vec::new();
    for file in files {
        let bytes = log.location().objects.get(&file.location).await?.bytes().await?;
        let (shape, arrived) = (shape.clone(), file.modified);
        let read = tokio::task::spawn_blocking(move || decode(&shape, bytes, arrived)).await;
        batches.extend(read.map_err(|error| StoreError::Stopped(error.to_string()))??);
    }
    let adds = encode_rows(log, shape, Arc::new(batches)).await?;
    let rows = adds.iter().map(|(_, rows)| rows).sum();
    let modification_time = files.iter().map(|file| file.modified).max().unwrap_or(0);
    let adds = adds.into_iter().map(|(add, _)| Add { data_change: false, modification_time, ..add });
    Ok((adds.collect(), rows))
}

fn decode(shape: &Shape, bytes: Bytes, arrived: i64) -> Result<Vec<RecordBatch>, StoreError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?.with_batch_size(32 * 1024).build()?;
    reader.map(|batch| with_arrival(at_rest(shape, &batch?)?, arrived)).collect()
}

/// The instant of the file for rows that do not have their own yet.
fn with_arrival(batch: RecordBatch, arrived: i64) -> Result<RecordBatch, StoreError> {
    let Ok(index) = batch.schema().index_of(TIME_RECEIVED) else { return Ok(batch) };
    let mut columns = batch.columns().to_vec();
    let own = columns[index].as_primitive::<TimestampMicrosecondType>();
    let micros = arrived.saturating_mul(1000);
    let filled: TimestampMicrosecondArray = own.iter().map(|own| Some(own.unwrap_or(micros))).collect();
    let filled: ArrayRef = Arc::new(filled.with_data_type(own.data_type().clone()));
    columns[index] = filled;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}
