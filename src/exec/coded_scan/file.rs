//! One Parquet file, row group by row group.
use super::bounds::kept;
use super::chunk::{self, Chunk};
use super::dictionaries::{self, Dictionaries};
use super::fetched::{Fetched, ranges};
use super::{CodedScan, Condition, parts};
use crate::columns::dictionary::{self, Dictionary};
use crate::functions::in_bytes::InBytes;
use crate::store::pages::{Pages, broken};
use arrow::array::{ArrayRef, AsArray, BooleanArray, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{and, filter, filter_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileSource;
use datafusion::datasource::physical_plan::parquet::ParquetFileReaderFactory;
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr_adapter::PhysicalExprAdapterFactory;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{Stream, TryStreamExt, stream};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelectionPolicy,
};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::column::page::Page;
use parquet::errors::ParquetError;
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows of a batch. What is done for a batch, and not for its rows, costs little then, and its numbers stay near.
const BATCH: usize = 1 << 14;

/// What a scan shows of every file.
pub struct Shown {
    /// Columns of the table, and whether each is a dictionary.
    columns: Vec<(Column, bool)>,
    /// Columns of texts, and a condition over each as a dictionary alone. Rows that do not meet them are dropped.
    conditions: Vec<Condition>,
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
    pub fn new(scan: &CodedScan, dictionaries: Arc<Dictionaries>) -> Option<Shown> {
        let (config, source) = parts(scan.scan.as_ref())?;
        Some(Shown {
            columns: scan.columns.clone(),
            conditions: scan.conditions.clone(),
            schema: scan.schema(),
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
#[derive(Clone)]
enum Origin {
    /// A chunk of texts, by its place in each row group; and its column's dictionary.
    Texts(usize, Arc<dictionaries::Dictionary>),
    /// An expression over what the rest is read as.
    Rest(Arc<dyn PhysicalExpr>),
}

struct Open {
    shown: Arc<Shown>,
    object: ObjectMeta,
    reader: Box<dyn AsyncFileReader + Send>,
    meta: ArrowReaderMetadata,
    columns: Vec<Origin>,
    conditions: Vec<Origin>,
    /// The file's columns that the rest is made of; none where nothing is.
    rest: Option<ProjectionMask>,
    /// Their chunks.
    rest_chunks: Vec<usize>,
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
    // To find the pages of the few rows that meet a condition.
    let index = if shown.conditions.is_empty() { PageIndexPolicy::Skip } else { PageIndexPolicy::Optional };
    let options = ArrowReaderOptions::new().with_page_index_policy(index);
    let meta = {
        let metadata = reader.get_metadata(Some(&options)).await?;
        ArrowReaderMetadata::try_new(metadata, options)?
    };
    let adapter = shown.adapters.create(shown.table.clone(), meta.schema().clone())?;
    let predicate = shown.predicate.clone().map(|predicate| adapter.rewrite(predicate)).transpose()?;
    let groups = kept(&meta, predicate, range.as_ref());

    let place = meta.parquet_schema();
    let leaf = |root: usize| (0..place.num_columns()).find(|leaf| place.get_column_root_idx(*leaf) == root);
    let mut roots = Vec::new();
    let mut origin = |column: &Column, coded: bool| -> Result<Origin> {
        let expr = adapter.rewrite(Arc::new(column.clone()))?;
        let read: Vec<usize> = collect_columns(&expr).iter().map(Column::index).collect();
        if let (true, [root]) = (coded, read.as_slice())
            && let Some(leaf) = leaf(*root)
        {
            let ty = meta.schema().field(*root).data_type();
            if meta.metadata().row_groups().iter().all(|group| chunk::can_read(group.column(leaf), ty)) {
                return Ok(Origin::Texts(leaf, shown.dictionaries.of(&folder, place.column(leaf).name())));
            }
        }
        roots.extend(read);
        Ok(Origin::Rest(expr))
    };
    let mut columns = shown.columns.iter().map(|(column, coded)| origin(column, *coded)).collect::<Result<Vec<_>>>()?;
    let mut conditions =
        shown.conditions.iter().map(|condition| origin(&condition.column, true)).collect::<Result<Vec<_>>>()?;
    roots.sort_unstable();
    roots.dedup();
    let rest_chunks =
        (0..place.num_columns()).filter(|leaf| roots.contains(&place.get_column_root_idx(*leaf))).collect();
    // The reader gives the roots in their order.
    let read = meta.schema().project(&roots)?;
    for origin in columns.iter_mut().chain(&mut conditions) {
        if let Origin::Rest(expr) = origin {
            *expr = reassign_expr_columns(expr.clone(), &read)?;
        }
    }
    let rest = (!roots.is_empty()).then(|| ProjectionMask::roots(place, roots));
    let open = Open { shown, object, reader, meta, columns, conditions, rest, rest_chunks };
    let batches = stream::try_unfold((open, groups.into_iter()), |(mut open, mut groups)| async move {
        loop {
            let Some(group) = groups.next() else { return Ok(None) };
            if let Some(batches) = open.group(group).await? {
                return Ok::<_, DataFusionError>(Some((batches, (open, groups))));
            }
        }
    });
    Ok(batches.map_ok(stream::iter).try_flatten())
}

/// Where no more than one row in so many is left, the rest is read for these alone.
const FEW: usize = 8;

impl Open {
    /// The rows of a row group that meet the conditions; `None` where none does.
    async fn group(&mut self, group: usize) -> Result<Option<Group>> {
        let mut chunks = Chunks { group, fetched: Fetched::default(), pages: HashMap::new(), texts: HashMap::new() };
        let rows = usize::try_from(self.meta.metadata().row_group(group).num_rows()).unwrap_or(0);
        chunks.fetch(self, &leaves(&self.conditions), None).await?;
        let mut kept: Option<BooleanBuffer> = None;
        let mut late = Vec::new();
        for (origin, condition) in self.conditions.iter().zip(&self.shown.conditions) {
            match origin {
                Origin::Texts(leaf, of_column) => {
                    let Some(meets) = chunks.meets(self, *leaf, of_column, condition)? else { return Ok(None) };
                    kept = Some(kept.map_or_else(|| meets.clone(), |kept| &kept & &meets));
                }
                Origin::Rest(expr) => late.push((expr.clone(), condition.clone())),
            }
        }
        let count = kept.as_ref().map_or(rows, BooleanBuffer::count_set_bits);
        if count == 0 {
            return Ok(None);
        }
        let mut kept = kept.filter(|_| count < rows).map(|kept| BooleanArray::new(kept, None));
        let is_few = count * FEW <= rows;
        let few = kept.as_ref().filter(|_| is_few).map(|kept| RowSelection::from_filters(std::slice::from_ref(kept)));
        chunks.fetch(self, &leaves(&self.columns), None).await?;
        let rest_chunks = self.rest_chunks.clone();
        chunks.fetch(self, &rest_chunks, few.as_ref()).await?;
        let mut columns = Vec::with_capacity(self.columns.len());
        for origin in &self.columns {
            columns.push(match origin {
                Origin::Rest(expr) => Made::Rest(expr.clone()),
                Origin::Texts(leaf, of_column) => {
                    let texts = chunks.texts(self, *leaf, of_column)?;
                    Made::Texts(match kept.as_ref().filter(|_| is_few) {
                        Some(kept) => filter(&texts, kept)?.as_dictionary().clone(),
                        None => texts,
                    })
                }
            });
        }
        let mut rest = None;
        if let Some(mask) = self.rest.clone() {
            let fetched = std::mem::take(&mut chunks.fetched);
            let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(fetched, self.meta.clone())
                .with_projection(mask)
                .with_row_groups(vec![group])
                .with_batch_size(BATCH);
            if let Some(few) = few {
                // Any other way may look at pages that were not fetched.
                reader = reader.with_row_selection(few).with_row_selection_policy(RowSelectionPolicy::Selectors);
            }
            rest = Some(reader.build()?);
        }
        let mut rows = rows;
        if is_few && kept.take().is_some() {
            rows = count;
        }
        Ok(Some(Group { shown: self.shown.clone(), rows, at: 0, columns, rest, kept, late }))
    }
}

/// The chunks of texts among columns.
fn leaves(columns: &[Origin]) -> Vec<usize> {
    let leaf = |origin: &Origin| match origin {
        Origin::Texts(leaf, _) => Some(*leaf),
        Origin::Rest(_) => None,
    };
    columns.iter().filter_map(leaf).collect()
}

type AnyPages = Box<dyn Iterator<Item = Result<Page, ParquetError>>>;

/// What was read of a row group.
struct Chunks {
    group: usize,
    fetched: Fetched,
    /// Those of chunks whose texts were looked at within.
    pages: HashMap<usize, Vec<Page>>,
    texts: HashMap<usize, Dictionary>,
}

impl Chunks {
    async fn fetch(&mut self, open: &mut Open, chunks: &[usize], rows: Option<&RowSelection>) -> Result<()> {
        let meta = open.meta.metadata();
        let ranges = chunks.iter().flat_map(|chunk| ranges(meta, self.group, *chunk, rows)).collect();
        self.fetched.fetch(open.reader.as_mut(), ranges).await
    }

    /// The pages of a chunk that was fetched, without its dictionary where that is known.
    fn pages(&self, open: &Open, leaf: usize, is_known: bool) -> Result<AnyPages, ParquetError> {
        let meta = open.meta.metadata().row_group(self.group);
        let column = meta.column(leaf);
        let (start, length) = column.byte_range();
        if let Some(mut pages) = Pages::new(self.fetched.get_bytes(start, length as usize)?, column.compression()) {
            if is_known {
                pages.pass_dictionary()?;
            }
            return Ok(Box::new(pages));
        }
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        let mut pages = SerializedPageReader::new(Arc::new(self.fetched.clone()), column, rows, None)?;
        if is_known {
            chunk::pass_dictionary(&mut pages)?;
        }
        Ok(Box::new(pages))
    }

    /// Whether each row's text meets a condition; `None` where none does. Of texts that are not known yet it is tried where
    /// they lie.
    fn meets(
        &mut self,
        open: &Open,
        leaf: usize,
        of_column: &dictionaries::Dictionary,
        condition: &Condition,
    ) -> Result<Option<BooleanBuffer>> {
        let is_known = || of_column.known(&dictionaries::key(&open.object, self.group, leaf)).is_some();
        let test = condition.test().filter(|_| !self.texts.contains_key(&leaf) && !is_known());
        let Some(test) = test else {
            let meets = condition.meets(self.texts(open, leaf, of_column)?)?;
            return Ok((meets.count_set_bits() > 0).then_some(meets));
        };
        if !self.pages.contains_key(&leaf) {
            let pages = self.pages(open, leaf, false)?.collect::<Result<_, _>>()?;
            self.pages.insert(leaf, pages);
        }
        let meta = open.meta.metadata().row_group(self.group);
        let rows = usize::try_from(meta.num_rows()).unwrap_or(0);
        let tried = |texts: InBytes<'_>, out: &mut Vec<bool>| test.of_texts_in(texts, out).map_err(external);
        let may_be_met = |bytes: &[u8]| test.may_be_in(bytes);
        Ok(chunk::meeting(&self.pages[&leaf], meta.column(leaf), rows, may_be_met, tried)?)
    }

    /// A chunk of texts, in terms of its column's dictionary where the column has one.
    fn texts(&mut self, open: &Open, leaf: usize, of_column: &dictionaries::Dictionary) -> Result<Dictionary> {
        if let Some(texts) = self.texts.get(&leaf) {
            return Ok(texts.clone());
        }
        let meta = open.meta.metadata().row_group(self.group);
        let (column, rows) = (meta.column(leaf), usize::try_from(meta.num_rows()).unwrap_or(0));
        let key = dictionaries::key(&open.object, self.group, leaf);
        let (numbers, texts) = match of_column.known(&key) {
            Some(known) => {
                let pages = self.pages(open, leaf, true)?;
                (chunk::read(pages, column, rows, Some(&known.numbers))?.numbers, known.texts)
            }
            None => {
                let Chunk { mut numbers, texts, is_whole } = match self.pages.remove(&leaf) {
                    Some(pages) => chunk::read(pages.into_iter().map(Ok), column, rows, None)?,
                    None => chunk::read(self.pages(open, leaf, false)?, column, rows, None)?,
                };
                let Some(texts) = texts else { return internal_err!("a chunk without texts") };
                match of_column.learn(Some(key).filter(|_| is_whole), &texts, &numbers) {
                    Some(learned) => {
                        chunk::translate(&mut numbers, &learned.numbers);
                        (numbers, learned.texts)
                    }
                    None => (numbers, Arc::new(texts) as ArrayRef),
                }
            }
        };
        let Some(texts) = dictionary::of_numbers(numbers, texts) else {
            return Err(broken("a row of it has a number that no text has").into());
        };
        self.texts.insert(leaf, texts.clone());
        Ok(texts)
    }
}

fn external(error: DataFusionError) -> ParquetError {
    ParquetError::External(error.into())
}

/// What a column of a row group's batches is made of.
enum Made {
    Texts(Dictionary),
    Rest(Arc<dyn PhysicalExpr>),
}

/// A row group, batch by batch.
struct Group {
    shown: Arc<Shown>,
    rows: usize,
    at: usize,
    columns: Vec<Made>,
    rest: Option<ParquetRecordBatchReader>,
    /// Rows that were not left out before.
    kept: Option<BooleanArray>,
    /// Conditions on columns that this file keeps in another way.
    late: Vec<(Arc<dyn PhysicalExpr>, Condition)>,
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
        let columns = self.columns.iter().enumerate().map(|(index, column)| match column {
            Made::Texts(texts) => Ok(Arc::new(texts.slice(self.at, rows)) as ArrayRef),
            Made::Rest(expr) if self.shown.columns[index].1 => Ok(Arc::new(each_its_own(expr, &rest)?) as _),
            Made::Rest(expr) => expr.evaluate(&rest)?.into_array(rows),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let mut kept = self.kept.as_ref().map(|kept| kept.slice(self.at, rows));
        for (expr, condition) in &self.late {
            let meets = BooleanArray::new(condition.meets(each_its_own(expr, &rest)?)?, None);
            kept = Some(kept.map_or_else(|| Ok(meets.clone()), |kept| and(&kept, &meets))?);
        }
        self.at += rows;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.shown.schema.clone(), columns, &options)?;
        Ok(match kept {
            Some(kept) => filter_record_batch(&batch, &kept)?,
            None => batch,
        })
    }
}

/// A column that is no dictionary at rest: each row is a text of its own.
fn each_its_own(expr: &Arc<dyn PhysicalExpr>, rest: &RecordBatch) -> Result<Dictionary> {
    let rows = rest.num_rows();
    let texts = expr.evaluate(rest)?.into_array(rows)?;
    Ok(Dictionary::try_new(UInt32Array::from_iter_values(0..rows as u32), texts)?)
}

/// So many rows without a column.
fn nothing(rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
}
