//! One Parquet file, row group by row group.
use super::bounds::kept;
use super::chunk;
use super::columns;
use super::dictionaries::{self, Dictionaries};
use crate::columns::dictionary::Dictionary;
use arrow::array::{ArrayRef, UInt32Array};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use bytes::{Buf, Bytes, buf::Reader};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr_adapter::PhysicalExprAdapterFactory;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{Stream, TryStreamExt, stream};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use std::ops::Range;
use std::sync::Arc;

/// Rows of a batch. What is done for a batch, and not for its rows, costs little then, and its numbers stay near.
const BATCH: usize = 1 << 14;

/// What a scan shows of every file.
pub struct Shown {
    /// Columns of the table, and whether each is a dictionary.
    columns: Vec<(Column, bool)>,
    schema: SchemaRef,
    table: SchemaRef,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    adapters: Arc<dyn PhysicalExprAdapterFactory>,
    readers: Arc<dyn ParquetFileReaderFactory>,
    /// Where the files lie.
    objects: String,
    dictionaries: Arc<Dictionaries>,
}

impl Shown {
    pub fn new(
        config: &FileScanConfig,
        source: &ParquetSource,
        coded: &[bool],
        schema: SchemaRef,
        dictionaries: Arc<Dictionaries>,
    ) -> Option<Shown> {
        Some(Shown {
            columns: columns(config)?.into_iter().zip(coded.iter().copied()).collect(),
            schema,
            table: config.file_schema().clone(),
            predicate: source.filter(),
            adapters: config.expr_adapter_factory.clone()?,
            readers: source.parquet_file_reader_factory()?.clone(),
            objects: config.object_store_url.to_string(),
            dictionaries,
        })
    }

    /// The folder of the table that a file is of: what comes before the values of partition columns in its path.
    fn folder(&self, file: &Path) -> String {
        let parts: Vec<_> = file.parts().collect();
        let above = &parts[..parts.len().saturating_sub(1)];
        let above = above.iter().map(AsRef::as_ref).take_while(|part: &&str| !part.contains('='));
        std::iter::once(self.objects.as_str()).chain(above).collect::<Vec<_>>().join("/")
    }
}

/// Where a column of a file comes from.
enum Origin {
    /// A chunk of texts, by its place in each row group.
    Texts(usize),
    /// An expression over what the rest is read as.
    Rest(Arc<dyn PhysicalExpr>),
}

struct Open {
    shown: Arc<Shown>,
    object: ObjectMeta,
    /// Of the table.
    folder: String,
    reader: Box<dyn AsyncFileReader + Send>,
    meta: ArrowReaderMetadata,
    origins: Vec<Origin>,
    /// The file's columns that the rest is made of; none where nothing is.
    rest: Option<ProjectionMask>,
    /// Their chunks, and those of the texts.
    chunks: Vec<usize>,
}

/// The rows of a file that may be wanted.
pub async fn open(
    shown: Arc<Shown>,
    file: PartitionedFile,
    partition: usize,
) -> Result<impl Stream<Item = Result<RecordBatch>>> {
    let range = file.range.clone();
    let object = file.object_meta.clone();
    let folder = shown.folder(&object.location);
    let metrics = ExecutionPlanMetricsSet::new();
    let mut reader: Box<dyn AsyncFileReader + Send> = shown.readers.create_reader(partition, file, None, &metrics)?;
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Skip);
    let meta = {
        let metadata = reader.get_metadata(Some(&options)).await?;
        ArrowReaderMetadata::try_new(metadata, options)?
    };
    let adapter = shown.adapters.create(shown.table.clone(), meta.schema().clone())?;
    let predicate = shown.predicate.clone().map(|predicate| adapter.rewrite(predicate)).transpose()?;
    let groups = kept(&meta, predicate, range.as_ref());

    let place = meta.parquet_schema();
    let leaf = |root: usize| (0..place.num_columns()).find(|leaf| place.get_column_root_idx(*leaf) == root);
    let groups_of_file = meta.metadata().row_groups();
    let mut origins = Vec::with_capacity(shown.columns.len());
    let (mut roots, mut chunks) = (Vec::new(), Vec::new());
    for (column, coded) in &shown.columns {
        let expr = adapter.rewrite(Arc::new(column.clone()))?;
        let read: Vec<usize> = collect_columns(&expr).iter().map(Column::index).collect();
        if let (true, [root]) = (*coded, read.as_slice())
            && let Some(leaf) = leaf(*root)
            && groups_of_file
                .iter()
                .all(|group| chunk::can_read(group.column(leaf), meta.schema().field(*root).data_type()))
        {
            origins.push(Origin::Texts(leaf));
            chunks.push(leaf);
            continue;
        }
        roots.extend(read);
        origins.push(Origin::Rest(expr));
    }
    roots.sort_unstable();
    roots.dedup();
    let of_rest = (0..place.num_columns()).filter(|leaf| roots.contains(&place.get_column_root_idx(*leaf)));
    chunks.extend(of_rest);
    chunks.sort_unstable();
    chunks.dedup();
    // The reader gives the roots in their order.
    let read = Arc::new(meta.schema().project(&roots)?);
    for origin in &mut origins {
        if let Origin::Rest(expr) = origin {
            *expr = reassign_expr_columns(expr.clone(), &read)?;
        }
    }
    let rest = (!roots.is_empty()).then(|| ProjectionMask::roots(place, roots));
    let open = Open { shown, object, folder, reader, meta, origins, rest, chunks };
    let batches = stream::try_unfold((open, groups.into_iter()), |(mut open, mut groups)| async move {
        let Some(group) = groups.next() else { return Ok(None) };
        let batches = open.group(group).await?;
        Ok::<_, DataFusionError>(Some((batches, (open, groups))))
    });
    Ok(batches.map_ok(stream::iter).try_flatten())
}

impl Open {
    async fn group(&mut self, group: usize) -> Result<Group> {
        let meta = self.meta.metadata().row_group(group);
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        let range = |chunk: &usize| {
            let (start, length) = meta.column(*chunk).byte_range();
            start..start + length
        };
        let ranges: Vec<Range<u64>> = self.chunks.iter().map(range).collect();
        let bytes = self.reader.get_byte_ranges(ranges.clone()).await?;
        let fetched = Arc::new(Fetched { parts: ranges.into_iter().zip(bytes).collect() });
        let mut columns = Vec::with_capacity(self.origins.len());
        for origin in &self.origins {
            columns.push(match origin {
                Origin::Rest(expr) => From::Rest(expr.clone()),
                Origin::Texts(leaf) => From::Texts(self.texts(group, *leaf, &fetched)?),
            });
        }
        let rest = self.rest.clone().map(|mask| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(Shared(fetched), self.meta.clone())
                .with_projection(mask)
                .with_row_groups(vec![group])
                .with_batch_size(BATCH)
                .build()
        });
        Ok(Group { shown: self.shown.clone(), rows, at: 0, columns, rest: rest.transpose()? })
    }
}

impl Open {
    /// A chunk of texts, in terms of its column's dictionary where the column has one.
    fn texts(&self, group: usize, leaf: usize, fetched: &Arc<Fetched>) -> Result<Dictionary> {
        let meta = self.meta.metadata().row_group(group);
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        let column = meta.column(leaf);
        let mut pages = SerializedPageReader::new(fetched.clone(), column, rows, None)?;
        let key = dictionaries::key(&self.object, group, leaf);
        let of_column = self.shown.dictionaries.of(&self.folder, column.column_descr().name());
        let known = of_column.known(&key);
        let mut chunk = chunk::read(&mut pages, column, rows, known.as_ref().map(|known| known.numbers.as_ref()))?;
        let texts = match (known, chunk.texts) {
            (Some(known), _) => known.texts,
            (None, Some(texts)) => match of_column.learn(Some(key).filter(|_| chunk.is_whole), &texts) {
                Some(learned) => {
                    chunk::translate(&mut chunk.numbers, &learned.numbers);
                    learned.texts
                }
                None => Arc::new(texts),
            },
            (None, None) => return internal_err!("a chunk without texts"),
        };
        // Fails on a number that no text has.
        Ok(Dictionary::try_new(UInt32Array::from(chunk.numbers), texts)?)
    }
}

enum From {
    Texts(Dictionary),
    Rest(Arc<dyn PhysicalExpr>),
}

/// A row group, batch by batch.
struct Group {
    shown: Arc<Shown>,
    rows: usize,
    at: usize,
    columns: Vec<From>,
    rest: Option<ParquetRecordBatchReader>,
}

impl Iterator for Group {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        (self.at < self.rows).then(|| self.batch())
    }
}

impl Group {
    fn batch(&mut self) -> Result<RecordBatch> {
        let left = self.rows - self.at;
        let rest = match self.rest.as_mut().map(Iterator::next) {
            Some(Some(batch)) => batch?,
            Some(None) => return internal_err!("a row group ended before its rows did"),
            None => nothing(left.min(BATCH))?,
        };
        let rows = rest.num_rows();
        if rows == 0 || rows > left {
            return internal_err!("a row group has more rows than it says");
        }
        let columns = self.columns.iter().enumerate().map(|(index, column)| -> Result<ArrayRef> {
            match column {
                From::Texts(texts) => Ok(Arc::new(texts.slice(self.at, rows))),
                From::Rest(expr) => {
                    let array = expr.evaluate(&rest)?.into_array(rows)?;
                    if !self.shown.columns[index].1 {
                        return Ok(array);
                    }
                    // Not a dictionary at rest: each row is a text of its own.
                    let numbers = UInt32Array::from_iter_values(0..rows as u32);
                    Ok(Arc::new(Dictionary::try_new(numbers, array)?))
                }
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.at += rows;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.shown.schema.clone(), columns, &options)?)
    }
}

/// So many rows without a column.
fn nothing(rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}

/// Parts of a file in memory.
struct Fetched {
    parts: Vec<(Range<u64>, Bytes)>,
}

impl Length for Fetched {
    fn len(&self) -> u64 {
        self.parts.iter().map(|(range, _)| range.end).max().unwrap_or(0)
    }
}

impl ChunkReader for Fetched {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let part = self.parts.iter().find(|(range, _)| range.contains(&start));
        let (range, bytes) = part.ok_or_else(|| ParquetError::General("a part that was not read".into()))?;
        Ok(bytes.slice((start - range.start) as usize..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start.saturating_add(length as u64);
        let part = self.parts.iter().find(|(range, _)| range.contains(&start) && end <= range.end);
        let (range, bytes) = part.ok_or_else(|| ParquetError::General("a part that was not read".into()))?;
        let from = (start - range.start) as usize;
        Ok(bytes.slice(from..from + length))
    }
}

/// The same, for a reader that wants it as its own.
struct Shared(Arc<Fetched>);

impl Length for Shared {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Shared {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.0.get_bytes(start, length)
    }
}
