//! One snapshot of a table as DataFusion reads it: which files a filter leaves, and a Parquet scan over them.
use super::adapt::{Adapt, KQL_TYPE, where_present};
use super::convert::stored_field;
use super::footers::WholeFooters;
use super::index::{Wanted, filter};
use super::indexes::{Indexes, Left};
use super::readings::{Reading, Readings};
use super::snapshot::{FileBounds, Snapshot, StoredFile, time_column};
use crate::types::{Schema, Type};
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, DFSchema, DataFusionError, Result, Statistics, project_schema};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{CachedParquetFileReaderFactory, ParquetFileReaderFactory};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::scalar::ScalarValue;
use object_store::ObjectMeta;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

/// Longer lists of wanted values are not tried on the files' bounds.
const IN_LIST: usize = 500;

/// A table at one moment. Its columns are in the types at rest (`columns::stored_type`); strings are never null.
#[derive(Debug)]
pub struct Provider {
    snapshot: Arc<Snapshot>,
    /// Columns in the files, then those that the log or the path gives.
    table: TableSchema,
    /// Evaluate filters while decoding, column by column, instead of after it, however many columns they touch. Without
    /// it, that is done where [`LATE_COLUMNS`] others are asked for, or [`LATE_WITHOUT_INDEX`].
    pub filter_while_decoding: bool,
    /// What the files' indexes say decides which pages are read. Without them nothing changes but the speed.
    pub use_indexes: bool,
    indexes: Arc<Indexes>,
    /// The column that the files are parted and sorted by.
    time: Option<String>,
}

impl Provider {
    /// Shows `schema`; what the files of the snapshot lack of it is absent in all rows.
    pub fn new(snapshot: Arc<Snapshot>, schema: &Schema, indexes: Arc<Indexes>) -> Provider {
        let in_path: Vec<&str> = {
            let columns = &snapshot.schema.columns;
            columns[columns.len() - snapshot.partition_columns..].iter().map(|column| column.name.as_str()).collect()
        };
        let field = |name: &str, ty: Type| {
            let mark = [(KQL_TYPE.to_owned(), ty.name().to_owned())];
            Arc::new(stored_field(name, ty).with_metadata(mark.into()))
        };
        let in_files = schema.columns.iter().filter(|column| !in_path.contains(&column.name.as_str()));
        let in_files: Vec<_> = in_files.map(|column| field(&column.name, column.ty)).collect();
        // All of them, in the snapshot's order: that is the order of the values with each file.
        let types = |name: &str| snapshot.schema.get(name).map_or(Type::String, |column| column.ty);
        let in_path: Vec<_> = in_path.iter().map(|name| field(name, types(name))).collect();
        let table =
            TableSchema::builder(Arc::new(ArrowSchema::new(in_files))).with_table_partition_cols(in_path).build();
        let time = time_column(schema).map(|index| schema.columns[index].name.clone());
        Provider { snapshot, table, filter_while_decoding: false, use_indexes: true, indexes, time }
    }

    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The name and the root under which another process finds this table.
    pub fn address(&self) -> (&str, &str) {
        (&self.snapshot.name, self.snapshot.location.url.as_str())
    }

    /// The files that may hold a row for which all of the filters are true.
    pub fn kept(&self, session: &dyn Session, filters: &[Expr]) -> Result<Vec<&StoredFile>> {
        let files = &self.snapshot.files;
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(files.iter().collect()) };
        let schema = self.table.table_schema();
        let physical = session.create_physical_expr(filter, &DFSchema::try_from(schema.clone())?)?;
        let predicate = PruningPredicateBuilder::new()
            .with_file_schema(schema.clone())
            .with_max_in_list_size(IN_LIST)
            .try_build(physical)?;
        if predicate.always_true() {
            return Ok(files.iter().collect());
        }
        let keep = predicate.prune(&FileBounds { snapshot: &self.snapshot, schema })?;
        Ok(files.iter().zip(keep).filter_map(|(file, keep)| keep.then_some(file)).collect())
    }

    fn statistics_of(&self, files: &[&StoredFile]) -> Statistics {
        let rows: Option<u64> = files.iter().map(|file| file.rows).sum();
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        let columns = self.table.table_schema().fields().iter().map(|field| {
            let of = |file: &&StoredFile| file.bounds.get(field.name()).cloned().unwrap_or_default();
            // Only of the time: sorting goes by it, and bounds of texts are cut and would mislead.
            if Some(field.name()) != self.time.as_ref() || files.is_empty() {
                return ColumnStatistics::new_unknown();
            }
            let choose = |a: Option<ScalarValue>, b: Option<ScalarValue>, wanted: Ordering| {
                let (a, b) = (a?, b?);
                Some(if a.partial_cmp(&b)? == wanted { a } else { b })
            };
            let least = files.iter().map(|file| of(file).min).reduce(|a, b| choose(a, b, Ordering::Less));
            let greatest = files.iter().map(|file| of(file).max).reduce(|a, b| choose(a, b, Ordering::Greater));
            let nulls: Option<u64> = files.iter().map(|file| of(file).nulls).sum();
            let inexact = |value: Option<Option<_>>| value.flatten().map_or(Precision::Absent, Precision::Inexact);
            ColumnStatistics {
                min_value: inexact(least),
                max_value: inexact(greatest),
                null_count: exact(nulls),
                ..ColumnStatistics::new_unknown()
            }
        });
        Statistics {
            num_rows: exact(rows),
            total_byte_size: usize::try_from(bytes).map_or(Precision::Absent, Precision::Inexact),
            column_statistics: columns.collect(),
        }
    }

    /// What the indexes leave of each file; all of it where they say nothing.
    async fn left(&self, files: &[&StoredFile], filters: &[Expr]) -> (Wanted, Vec<Option<Left>>) {
        let wanted = filter::wanted(filters, self.table.table_schema());
        if !self.use_indexes || wanted == Wanted::Anything {
            return (Wanted::Anything, vec![None; files.len()]);
        }
        let left = self.indexes.left(&self.snapshot.location.objects, files, &wanted).await;
        (wanted, left)
    }

    fn partitioned(&self, file: &StoredFile, left: Option<&Left>) -> PartitionedFile {
        let meta = ObjectMeta {
            location: file.location.clone(),
            // The footer cache takes a file for another one when this or the size differs.
            last_modified: arrow::temporal_conversions::as_datetime::<arrow::datatypes::TimestampMillisecondType>(
                file.modified,
            )
            .unwrap_or_default()
            .and_utc(),
            size: file.size,
            e_tag: None,
            version: None,
        };
        let mut statistics = self.statistics_of(&[file]);
        statistics.column_statistics.truncate(self.table.file_schema().fields().len());
        if let Some(left) = left {
            statistics = statistics.to_inexact();
            statistics.num_rows = usize::try_from(left.rows()).map_or(Precision::Absent, Precision::Inexact);
        }
        let file = PartitionedFile::new_from_meta(meta)
            .with_partition_values(file.partition.clone())
            .with_statistics(Arc::new(statistics));
        match left {
            Some(left) => file.with_extension(left.plan()),
            None => file,
        }
    }
}

fn exact(count: Option<u64>) -> Precision<usize> {
    count.and_then(|count| usize::try_from(count).ok()).map_or(Precision::Absent, Precision::Exact)
}

/// With so many columns that no filter reads, it pays to read them only for the rows that the filters leave. In files
/// without indexes, where the filters see every row, it pays with one.
const LATE_COLUMNS: usize = 3;
const LATE_WITHOUT_INDEX: usize = 1;

/// The columns asked for that no filter reads; none where there is no filter.
fn late_columns(projection: Option<&Vec<usize>>, filters: &[Expr], all: usize) -> usize {
    let filtered: HashSet<&Column> = filters.iter().flat_map(Expr::column_refs).collect();
    let asked = projection.map_or(all, Vec::len);
    if filtered.is_empty() { 0 } else { asked.saturating_sub(filtered.len()) }
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        self.table.table_schema().clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics_of(&self.snapshot.files.iter().collect::<Vec<_>>()))
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut files = self.kept(session, filters)?;
        tracing::debug!(table = %self.snapshot.name, kept = files.len(), of = self.snapshot.files.len(), "files");
        if let (Some(limit), true) = (limit, filters.is_empty()) {
            files.truncate(enough(&files, limit));
        }
        // The newest first: what is asked for first is mostly the latest, and a top-N then skips all that is older.
        let latest = |file: &StoredFile| file.bounds.get(self.time.as_ref()?).and_then(|bounds| bounds.max.clone());
        files.sort_by(|a, b| latest(b).partial_cmp(&latest(a)).unwrap_or(Ordering::Equal));
        let (wanted, left) = self.left(&files, filters).await;
        if let Some(readings) = session.config().get_extension::<Readings>() {
            readings.add(Reading::of(&self.snapshot, &files, &wanted, &left));
        }
        let files: Vec<(&StoredFile, Option<Left>)> =
            files.into_iter().zip(left).filter(|(_, left)| left.as_ref().is_none_or(|left| left.rows() > 0)).collect();
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(self.table.table_schema(), projection)?)));
        }

        let location = &self.snapshot.location;
        let base = location.base().map_err(|error| DataFusionError::External(Box::new(error)))?;
        let runtime = session.runtime_env();
        runtime.register_object_store(base.as_ref(), location.objects.clone());
        let options = TableParquetOptions {
            global: session.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let footers = runtime.cache_manager.get_file_metadata_cache();
        let readers = CachedParquetFileReaderFactory::new(location.objects.clone(), footers);
        // Without a filter no page is passed over.
        let readers: Arc<dyn ParquetFileReaderFactory> =
            if filters.is_empty() { Arc::new(readers) } else { Arc::new(WholeFooters(readers)) };
        let source = ParquetSource::new(self.table.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(readers);
        let worth_it = if self.snapshot.foreign { LATE_WITHOUT_INDEX } else { LATE_COLUMNS };
        let decoding = self.filter_while_decoding
            || source.table_parquet_options().global.pushdown_filters
            || late_columns(projection, filters, self.table.table_schema().fields().len()) >= worth_it;
        let mut source = source.with_pushdown_filters(decoding).with_enable_page_index(true);
        if self.snapshot.foreign
            && let Some(filter) = where_present(filters)
        {
            let schema = DFSchema::try_from(self.table.table_schema().clone())?;
            source = source.with_predicate(session.create_physical_expr(filter, &schema)?);
        }
        // Not by `FileGroup::split_files`, which puts them in the order of their paths.
        let each = files.len().div_ceil(session.config().target_partitions().max(1));
        let groups = files.chunks(each.max(1));
        let one = |(file, left): &(&StoredFile, Option<Left>)| self.partitioned(file, left.as_ref());
        let groups = groups.map(|files| FileGroup::new(files.iter().map(one).collect()));
        let mut statistics = self.statistics_of(&files.iter().map(|(file, _)| *file).collect::<Vec<_>>());
        if files.iter().any(|(_, left)| left.is_some()) {
            statistics = statistics.to_inexact();
        }
        let config = FileScanConfigBuilder::new(base, Arc::new(source))
            .with_file_groups(groups.collect())
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .with_expr_adapter(Some(Arc::new(Adapt)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// How many of the files hold `limit` rows together.
fn enough(files: &[&StoredFile], limit: usize) -> usize {
    let mut rows = 0u64;
    for (index, file) in files.iter().enumerate() {
        if rows >= limit as u64 {
            return index;
        }
        rows = rows.saturating_add(file.rows.unwrap_or(0));
    }
    files.len()
}
