//! Few rows of one Parquet file.
use super::asked::Asked;
use super::kept::{KeptDictionaries, Place};
use crate::exec::coded_scan::bounds::{compared_with_time, kept};
use crate::exec::coded_scan::chunk::{self, Lain};
use crate::exec::coded_scan::fetched::{Fetched, ranges};
use crate::exec::coded_scan::key;
use crate::store::pages::{Pages, broken};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringViewBuilder, UInt32Array,
};
use arrow::compute::{filter, prep_null_mask_filter, take};
use arrow::datatypes::{DataType, Fields, Float64Type, Int32Type, Int64Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{Result, exec_err, internal_err};
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::parquet::{
    PagePruningAccessPlanFilter, ParquetAccessPlan, ParquetFileMetrics, ParquetFileReaderFactory, RowGroupAccess,
};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{PhysicalExpr, conjunction_opt, split_conjunction};
use datafusion::physical_expr_adapter::{
    PhysicalExprAdapter, PhysicalExprAdapterFactory, replace_columns_with_literals,
};
use datafusion::physical_expr_common::physical_expr::snapshot_physical_expr;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::scalar::ScalarValue;
use futures::future::Either;
use futures::{Stream, stream};
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use object_store::ObjectMeta;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy,
};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::ChunkReader;
use std::collections::BTreeSet;
use std::ops::Range;
use std::str::from_utf8;
use std::sync::Arc;

/// Rows that are read together.
const PIECE: usize = 1 << 14;

/// What a scan shows of every file.
pub struct Shown {
    /// Over the table.
    columns: Vec<Arc<dyn PhysicalExpr>>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    asked: Vec<Asked>,
    schema: SchemaRef,
    /// The columns of the table that are in files, and those that are not.
    table: SchemaRef,
    beside: Fields,
    adapters: Arc<dyn PhysicalExprAdapterFactory>,
    readers: Arc<dyn ParquetFileReaderFactory>,
    /// Where the files lie.
    objects: Arc<str>,
    kept: Arc<KeptDictionaries>,
}

impl Shown {
    pub fn new(
        config: &FileScanConfig,
        source: &ParquetSource,
        schema: SchemaRef,
        kept: Arc<KeptDictionaries>,
    ) -> Option<Shown> {
        Some(Shown {
            columns: config.file_source.projection()?.expr_iter().collect(),
            asked: source.filter().as_ref().map(Asked::of).unwrap_or_default(),
            predicate: source.filter(),
            schema,
            table: config.file_schema().clone(),
            beside: config.table_partition_cols().clone(),
            adapters: config.expr_adapter_factory.clone()?,
            readers: source.parquet_file_reader_factory()?.clone(),
            objects: config.object_store_url.to_string().into(),
            kept,
        })
    }

    /// Whether a row group has none of the texts that are asked for, as far as its dictionaries are known.
    fn is_asked_in_vain(&self, meta: &ParquetMetaData, object: &ObjectMeta, group: usize) -> bool {
        self.asked.iter().any(|asked| {
            let columns = meta.row_group(group).columns();
            let leaf = columns.iter().position(|column| column.column_path().parts() == [asked.column.as_str()]);
            leaf.is_some_and(|leaf| {
                let dictionary = self.kept.get(&(self.objects.clone(), key(object, group, leaf)));
                dictionary.is_some_and(|dictionary| asked.is_not_in(&columns[leaf], &dictionary))
            })
        })
    }
}

/// Columns of a file that are read together.
struct Part {
    schema: SchemaRef,
    columns: Vec<Origin>,
    /// Those that Parquet's own reader reads; and their chunks.
    rest: Option<ProjectionMask>,
    rest_chunks: Vec<usize>,
}

/// Where a column of a part comes from.
enum Origin {
    /// A chunk of texts or numbers, by its place in each row group; and the bytes of each number.
    Chunk(usize, Option<usize>),
    /// The place among the columns of the rest.
    Rest(usize),
}

impl Part {
    fn new(meta: &ArrowReaderMetadata, roots: &[usize]) -> Result<Part> {
        let place = meta.parquet_schema();
        let leaves =
            |root: usize| (0..place.num_columns()).filter(move |leaf| place.get_column_root_idx(*leaf) == root);
        let (mut columns, mut rest, mut rest_chunks) = (Vec::new(), Vec::new(), Vec::new());
        for root in roots {
            let ty = meta.schema().field(*root).data_type();
            columns.push(match leaves(*root).next().and_then(|leaf| Some((leaf, readable(meta, leaf, ty)?))) {
                Some((leaf, width)) => Origin::Chunk(leaf, width),
                None => {
                    rest.push(*root);
                    rest_chunks.extend(leaves(*root));
                    Origin::Rest(rest.len() - 1)
                }
            });
        }
        let rest = (!rest.is_empty()).then(|| ProjectionMask::roots(place, rest));
        Ok(Part { schema: Arc::new(meta.schema().project(roots)?), columns, rest, rest_chunks })
    }
}

/// Whether a column's texts, all of them present, or its numbers are found by their pages; and the bytes of each number.
fn readable(meta: &ArrowReaderMetadata, leaf: usize, ty: &DataType) -> Option<Option<usize>> {
    let meta = meta.metadata();
    let columns = meta.row_groups().iter().map(|group| group.column(leaf));
    let width = columns.clone().next().and_then(|column| chunk::width(column, ty));
    let is_present = |column: &ColumnChunkMetaData| {
        column.column_descr().max_def_level() == 0
            || column.statistics().and_then(|all| all.null_count_opt()) == Some(0)
    };
    let is_readable = columns.zip(meta.offset_index()?).all(|(column, index)| {
        let can_read = match width {
            Some(_) => chunk::width(column, ty) == width,
            None => is_present(column) && chunk::can_read(column, &DataType::Utf8View),
        };
        can_read
            && Pages::can_read(column.compression())
            && index.get(leaf).is_some_and(|index| !index.page_locations().is_empty())
    });
    (is_readable && (width.is_some() || *ty == DataType::Utf8View)).then_some(width)
}

/// Expressions over the table as those over a file.
struct InFile {
    adapter: Arc<dyn PhysicalExprAdapter>,
    /// What the file's path or the log says of columns that it does not have.
    beside: std::collections::HashMap<String, ScalarValue>,
}

impl InFile {
    fn of(&self, expr: &Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        self.adapter.rewrite(replace_columns_with_literals(expr.clone(), &self.beside)?)
    }
}

/// What is read once it is known that rows are left, and what is shown of it and of what the predicate has read.
struct Output {
    part: Part,
    all: SchemaRef,
    columns: Vec<Arc<dyn PhysicalExpr>>,
}

impl Output {
    fn new(shown: &Shown, in_file: &InFile, meta: &ArrowReaderMetadata, read: &[usize]) -> Result<Output> {
        let columns = shown.columns.iter().map(|expr| in_file.of(expr)).collect::<Result<Vec<_>>>()?;
        let wanted: BTreeSet<usize> = columns.iter().flat_map(collect_columns).map(|column| column.index()).collect();
        let rest: Vec<usize> = wanted.into_iter().filter(|root| !read.contains(root)).collect();
        let all = Arc::new(meta.schema().project(&[read, &rest].concat())?);
        let columns = columns.into_iter().map(|expr| reassign_expr_columns(expr, &all)).collect::<Result<_>>()?;
        Ok(Output { part: Part::new(meta, &rest)?, all, columns })
    }
}

struct Open {
    shown: Arc<Shown>,
    in_file: InFile,
    file: File,
    /// Over the columns that it reads, the first of all.
    predicate: Option<Arc<dyn PhysicalExpr>>,
    first: Part,
    read_first: Vec<usize>,
    output: Option<Output>,
}

/// The rows of a file that may be wanted.
pub async fn open(
    shown: Arc<Shown>,
    file: PartitionedFile,
    partition: usize,
) -> Result<impl Stream<Item = Result<RecordBatch>>> {
    let metrics = ExecutionPlanMetricsSet::new();
    let (object, range) = (file.object_meta.clone(), file.range.clone());
    let plan = file.extensions.get::<ParquetAccessPlan>().cloned();
    let beside = shown.beside.iter().map(|field| field.name().clone());
    let beside = beside.zip(file.partition_values.iter().cloned()).collect();
    let mut reader: Box<dyn AsyncFileReader + Send> = shown.readers.create_reader(partition, file, None, &metrics)?;
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let meta = reader.get_metadata(Some(&options)).await?;
    let groups = meta.num_row_groups();
    let is_indexed = plan.is_some();
    let mut plan = plan.unwrap_or_else(|| ParquetAccessPlan::new_all(groups));
    if plan.len() != groups {
        return exec_err!("an index is of another file than {}", object.location);
    }
    for group in 0..groups {
        if plan.should_scan(group) && shown.is_asked_in_vain(&meta, &object, group) {
            plan.skip(group);
        }
    }
    if plan.row_group_indexes().is_empty() {
        return Ok(Either::Left(stream::empty()));
    }
    let meta = ArrowReaderMetadata::try_new(meta, options)?;
    let in_file = InFile { adapter: shown.adapters.create(shown.table.clone(), meta.schema().clone())?, beside };
    let predicate = shown.predicate.as_ref().map(|predicate| in_file.of(predicate)).transpose()?;
    let pieces = pieces(&meta, plan, is_indexed, predicate.as_ref(), range.as_ref())?;
    let mut read_first: Vec<usize> = predicate.iter().flat_map(collect_columns).map(|column| column.index()).collect();
    read_first.sort_unstable();
    let first = Part::new(&meta, &read_first)?;
    let predicate = predicate.map(|predicate| reassign_expr_columns(predicate, &first.schema)).transpose()?;
    let file = File { objects: shown.objects.clone(), object, reader, meta, kept: shown.kept.clone() };
    let open = Open { shown, in_file, file, predicate, first, read_first, output: None };
    Ok(Either::Right(stream::try_unfold((open, pieces.into_iter()), |(mut open, mut pieces)| async move {
        loop {
            let Some((group, rows)) = pieces.next() else { return Ok(None) };
            if let Some(batch) = open.piece(group, rows).await? {
                return Ok::<_, DataFusionError>(Some((batch, (open, pieces))));
            }
        }
    })))
}

/// Rows of a row group, in their order.
type Rows = Vec<Range<usize>>;

/// The rows that an index and bounds leave, no more than [`PIECE`] of a row group at once.
fn pieces(
    meta: &ArrowReaderMetadata,
    mut plan: ParquetAccessPlan,
    is_indexed: bool,
    predicate: Option<&Arc<dyn PhysicalExpr>>,
    range: Option<&FileRange>,
) -> Result<Vec<(usize, Rows)>> {
    let predicate = predicate.cloned().map(snapshot_physical_expr).transpose()?;
    // Of what an index leaves, bounds of others than times rule out little, and trying them takes longer than reading it.
    let tells = |part: &&Arc<dyn PhysicalExpr>| !is_indexed || compared_with_time(part).is_some();
    let predicate = conjunction_opt(predicate.iter().flat_map(split_conjunction).filter(tells).cloned());
    let left = BTreeSet::from_iter(kept(meta, predicate.clone(), range));
    (0..plan.len()).filter(|group| !left.contains(group)).for_each(|group| plan.skip(group));
    if let Some(predicate) = predicate {
        let metrics = ParquetFileMetrics::new(0, "", &ExecutionPlanMetricsSet::new());
        plan = PagePruningAccessPlanFilter::new(&predicate, meta.schema().clone()).prune_plan_with_page_index(
            plan,
            meta.schema(),
            meta.parquet_schema(),
            meta.metadata(),
            &metrics,
        );
    }
    let mut pieces = Vec::new();
    for (group, access) in plan.into_inner().into_iter().enumerate() {
        let all = 0..usize::try_from(meta.metadata().row_group(group).num_rows()).unwrap_or(0);
        let rows = match access {
            RowGroupAccess::Skip => continue,
            RowGroupAccess::Scan => vec![all],
            RowGroupAccess::Selection(selection) => {
                let mut at = 0;
                let runs = selection.iter().map(|run| {
                    at += run.row_count;
                    (run.skip, at - run.row_count..at)
                });
                runs.filter(|(skip, rows)| !skip && !rows.is_empty()).map(|(_, rows)| rows).collect()
            }
        };
        pieces.extend(cut(rows).into_iter().map(|rows| (group, rows)));
    }
    Ok(pieces)
}

/// No more than [`PIECE`] rows each.
fn cut(rows: Rows) -> Vec<Rows> {
    let mut pieces: Vec<Rows> = Vec::new();
    let mut left = 0;
    for mut range in rows {
        while !range.is_empty() {
            if left == 0 {
                pieces.push(Vec::new());
                left = PIECE;
            }
            let end = range.end.min(range.start + left);
            left -= end - range.start;
            pieces.last_mut().into_iter().for_each(|piece| piece.push(range.start..end));
            range.start = end;
        }
    }
    pieces
}

fn count(rows: &Rows) -> usize {
    rows.iter().map(Range::len).sum()
}

/// Those of some rows for which it is true.
fn narrowed(rows: &Rows, kept: &BooleanArray) -> Rows {
    let mut left: Rows = Vec::new();
    let each = rows.iter().cloned().flatten().zip(kept.values());
    for row in each.filter(|(_, kept)| *kept).map(|(row, _)| row) {
        match left.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => left.push(row..row + 1),
        }
    }
    left
}

impl Open {
    /// Those of some rows for which the predicate is true; `None` where there is none.
    async fn piece(&mut self, group: usize, mut rows: Rows) -> Result<Option<RecordBatch>> {
        let mut columns = Vec::new();
        if let Some(predicate) = &self.predicate {
            let read = self.file.read(&self.first, group, &rows).await?;
            let batch = batch(&self.first.schema, read, count(&rows))?;
            let met = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
            let Some(met) = met.as_boolean_opt() else { return internal_err!("a predicate that is none") };
            // One of which it is not known is not let by.
            let met = if met.null_count() > 0 { prep_null_mask_filter(met) } else { met.clone() };
            match met.true_count() {
                0 => return Ok(None),
                all if all == met.len() => columns = batch.columns().to_vec(),
                _ => {
                    let left = batch.columns().iter().map(|column| filter(column, &met));
                    columns = left.collect::<Result<_, _>>()?;
                    rows = narrowed(&rows, &met);
                }
            }
        }
        let output = match &self.output {
            Some(output) => output,
            None => self.output.insert(Output::new(&self.shown, &self.in_file, &self.file.meta, &self.read_first)?),
        };
        columns.extend(self.file.read(&output.part, group, &rows).await?);
        let rows = count(&rows);
        let all = batch(&output.all, columns, rows)?;
        let columns = output.columns.iter().map(|expr| expr.evaluate(&all)?.into_array(rows));
        Ok(Some(batch(&self.shown.schema, columns.collect::<Result<_>>()?, rows)?))
    }
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

struct File {
    objects: Arc<str>,
    object: ObjectMeta,
    reader: Box<dyn AsyncFileReader + Send>,
    meta: ArrowReaderMetadata,
    kept: Arc<KeptDictionaries>,
}

impl File {
    /// Of a chunk's dictionary.
    fn place(&self, group: usize, leaf: usize) -> Place {
        (self.objects.clone(), key(&self.object, group, leaf))
    }

    /// Columns of some rows of a row group.
    async fn read(&mut self, part: &Part, group: usize, rows: &Rows) -> Result<Vec<ArrayRef>> {
        let all = usize::try_from(self.meta.metadata().row_group(group).num_rows()).unwrap_or(0);
        let selection = RowSelection::from_consecutive_ranges(rows.iter().cloned(), all);
        let mut wanted: Vec<Range<u64>> = Vec::new();
        let mut chunks = Vec::new();
        for origin in &part.columns {
            let Origin::Chunk(leaf, width) = origin else { continue };
            let chunk = Chunk::of(self, group, *leaf, *width, rows)?;
            wanted.extend(chunk.pages.iter().map(|page| page.bytes.clone()));
            wanted.extend(chunk.dictionary.as_ref().err().filter(|range| !range.is_empty()).cloned());
            chunks.push(chunk);
        }
        for chunk in &part.rest_chunks {
            wanted.extend(ranges(self.meta.metadata(), group, *chunk, Some(&selection)));
        }
        let mut fetched = Fetched::default();
        fetched.fetch(self.reader.as_mut(), wanted).await?;
        let mut chunks = chunks.into_iter();
        let rest = self.rest(part, group, selection, fetched.clone(), count(rows))?;
        let columns = part.columns.iter().zip(part.schema.fields()).map(|(origin, field)| match origin {
            Origin::Rest(at) => Ok(rest[*at].clone()),
            Origin::Chunk(..) => match chunks.next() {
                Some(chunk) => Ok(chunk.read(self, &fetched, rows, field.data_type())?),
                None => internal_err!("a chunk that was not looked for"),
            },
        });
        columns.collect()
    }

    fn rest(
        &self,
        part: &Part,
        group: usize,
        selection: RowSelection,
        fetched: Fetched,
        rows: usize,
    ) -> Result<Vec<ArrayRef>> {
        let Some(mask) = part.rest.clone() else { return Ok(Vec::new()) };
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(fetched, self.meta.clone())
            .with_projection(mask)
            .with_row_groups(vec![group])
            .with_batch_size(rows)
            // Any other way may look at pages that were not fetched.
            .with_row_selection(selection)
            .with_row_selection_policy(RowSelectionPolicy::Selectors)
            .build()?;
        match reader.next().transpose()? {
            Some(batch) if batch.num_rows() == rows => Ok(batch.columns().to_vec()),
            _ => internal_err!("a row group does not have its rows"),
        }
    }
}

/// A chunk of texts or numbers, and the pages of it that some rows lie in.
struct Chunk {
    group: usize,
    leaf: usize,
    /// Bytes of each number.
    width: Option<usize>,
    pages: Vec<DataPage>,
    /// Or where it lies.
    dictionary: Result<Arc<Lain>, Range<u64>>,
}

/// Where it lies, and its rows.
struct DataPage {
    bytes: Range<u64>,
    rows: Range<usize>,
}

impl Chunk {
    fn of(file: &File, group: usize, leaf: usize, width: Option<usize>, rows: &Rows) -> Result<Chunk, ParquetError> {
        let meta = file.meta.metadata();
        let all = usize::try_from(meta.row_group(group).num_rows()).unwrap_or(0);
        let index = meta.offset_index().and_then(|index| index.get(group)?.get(leaf));
        let index = index.map(|index| index.page_locations().as_slice()).unwrap_or_default();
        let first_row = |page: &PageLocation| usize::try_from(page.first_row_index).unwrap_or(all).min(all);
        if !index.is_sorted_by_key(first_row) {
            return Err(broken("its pages are in no order"));
        }
        let start = |page: &PageLocation| u64::try_from(page.offset).unwrap_or(0);
        let mut pages = Vec::new();
        let mut left = rows.iter().peekable();
        for (at, page) in index.iter().enumerate() {
            let of_page = first_row(page)..index.get(at + 1).map_or(all, first_row);
            while left.next_if(|range| range.end <= of_page.start).is_some() {}
            if left.peek().is_some_and(|range| range.start < of_page.end) {
                let length = u64::try_from(page.compressed_page_size).unwrap_or(0);
                pages.push(DataPage { bytes: start(page)..start(page).saturating_add(length), rows: of_page });
            }
        }
        let dictionary = file.kept.get(&file.place(group, leaf)).ok_or_else(|| {
            let begin = meta.row_group(group).column(leaf).byte_range().0;
            begin..index.first().map_or(begin, start).max(begin)
        });
        Ok(Chunk { group, leaf, width, pages, dictionary })
    }

    /// The texts or numbers of the rows.
    fn read(self, file: &File, fetched: &Fetched, rows: &Rows, ty: &DataType) -> Result<ArrayRef, ParquetError> {
        let column = file.meta.metadata().row_group(self.group).column(self.leaf);
        let pages = |bytes: &Range<u64>| {
            let bytes = fetched.get_bytes(bytes.start, (bytes.end - bytes.start) as usize)?;
            Pages::new(bytes, column.compression()).ok_or_else(|| broken("it is compressed in another way"))
        };
        let dictionary = match &self.dictionary {
            Ok(kept) => kept.clone(),
            Err(bytes) if bytes.is_empty() => Arc::new(Lain::new(self.width)),
            Err(bytes) => {
                let page = pages(bytes)?.next().unwrap_or_else(|| Err(broken("it has no dictionary")))?;
                let values = Arc::new(Lain::of_dictionary(page, self.width)?);
                file.kept.keep(file.place(self.group, self.leaf), values.clone());
                values
            }
        };
        let of_pages = self.pages.iter().map(|page| page.rows.len()).sum();
        let read =
            self.pages.iter().map(|page| pages(&page.bytes)?.next().unwrap_or_else(|| Err(broken("it lacks a page"))));
        let (places, others) = chunk::some(read, column, of_pages, &dictionary)?;
        let places = self.picked(&places, rows)?;
        let value = |place: u32| {
            let value = match (place as usize).checked_sub(dictionary.count()) {
                Some(other) => others.value(other),
                None => dictionary.value(place as usize),
            };
            value.ok_or_else(|| broken("a row of it has no value"))
        };
        match ty {
            DataType::Int32 => numbers::<Int32Type, 4>(&places, value, i32::from_le_bytes),
            DataType::Int64 => numbers::<Int64Type, 8>(&places, value, i64::from_le_bytes),
            DataType::Float64 => numbers::<Float64Type, 8>(&places, value, f64::from_le_bytes),
            _ => texts(&places, value),
        }
    }

    /// What is said of some of the rows, where something is of each row of the pages.
    fn picked(&self, of_pages: &[u32], rows: &Rows) -> Result<Vec<u32>, ParquetError> {
        let mut picked: Vec<u32> = Vec::with_capacity(count(rows));
        let (mut before, mut left) = (0, rows.iter().cloned().peekable());
        for page in &self.pages {
            while let Some(range) = left.peek_mut().filter(|range| range.start < page.rows.end) {
                let some = range.start.max(page.rows.start)..range.end.min(page.rows.end);
                range.start = some.end;
                let from = before + some.start - page.rows.start;
                picked.extend_from_slice(&of_pages[from..from + some.len()]);
                if range.start >= range.end {
                    left.next();
                }
            }
            before += page.rows.len();
        }
        if picked.len() == count(rows) { Ok(picked) } else { Err(broken("its pages do not have its rows")) }
    }
}

/// The numbers at some places. An absent one has no bytes.
fn numbers<'v, T: ArrowPrimitiveType, const N: usize>(
    places: &[u32],
    value: impl Fn(u32) -> Result<&'v [u8], ParquetError>,
    number: impl Fn([u8; N]) -> T::Native,
) -> Result<ArrayRef, ParquetError> {
    let numbers = places.iter().map(|place| Ok(value(*place)?.first_chunk().map(|bytes| number(*bytes))));
    let numbers: PrimitiveArray<T> = numbers.collect::<Result<_, ParquetError>>()?;
    Ok(Arc::new(numbers))
}

/// The texts at some places, each once in memory.
fn texts<'v>(places: &[u32], value: impl Fn(u32) -> Result<&'v [u8], ParquetError>) -> Result<ArrayRef, ParquetError> {
    let mut texts = StringViewBuilder::new();
    let mut known = HashMap::new();
    let mut picked: Vec<u32> = Vec::with_capacity(places.len());
    for place in places {
        let next = known.len() as u32;
        picked.push(match known.entry(*place) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                texts.append_value(from_utf8(value(*place)?)?);
                *new.insert(next)
            }
        });
    }
    let texts = texts.finish();
    if texts.len() == picked.len() {
        return Ok(Arc::new(texts));
    }
    Ok(take(&texts, &UInt32Array::from(picked), None)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_and_narrowed() {
        assert_eq!(cut(vec![3..5, 7..7 + PIECE]), vec![vec![3..5, 7..5 + PIECE], vec![5 + PIECE..7 + PIECE]]);
        let kept = BooleanArray::from(vec![false, true, true, true, false, true]);
        assert_eq!(narrowed(&vec![3..5, 6..10], &kept), vec![4..5, 6..8, 9..10]);
    }
}
