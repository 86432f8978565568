//! Which row groups of a file can hold a row that a predicate lets by.
use arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::Column;
use datafusion::common::pruning::PruningStatistics;
use datafusion::datasource::listing::FileRange;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::scalar::ScalarValue;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::RowGroupMetaData;
use std::collections::HashSet;
use std::sync::Arc;

/// The row groups whose bounds do not rule them out, of those that begin in the part of the file that is asked for.
pub fn kept(
    meta: &ArrowReaderMetadata,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    range: Option<&FileRange>,
) -> Vec<usize> {
    let groups = meta.metadata().row_groups();
    let begins = |group: &RowGroupMetaData| {
        let first = group.columns().first();
        first.map_or(0, |first| first.dictionary_page_offset().unwrap_or_else(|| first.data_page_offset()))
    };
    let is_in_range =
        |group: &RowGroupMetaData| range.is_none_or(|range| (range.start..range.end).contains(&begins(group)));
    let pruning = predicate.and_then(|predicate| {
        PruningPredicateBuilder::new().with_file_schema(meta.schema().clone()).try_build(predicate).ok()
    });
    let keep = pruning.and_then(|pruning| pruning.prune(&Bounds(meta)).ok());
    let keeps = |group: usize| keep.as_ref().is_none_or(|keep| keep[group]);
    (0..groups.len()).filter(|group| is_in_range(&groups[*group]) && keeps(*group)).collect()
}

struct Bounds<'a>(&'a ArrowReaderMetadata);

impl Bounds<'_> {
    fn converter(&self, column: &Column) -> Option<StatisticsConverter<'_>> {
        // A missing count of nulls says nothing.
        let converter = StatisticsConverter::try_new(column.name(), self.0.schema(), self.0.parquet_schema());
        Some(converter.ok()?.with_missing_null_counts_as_zero(false))
    }

    fn groups(&self) -> &[RowGroupMetaData] {
        self.0.metadata().row_groups()
    }
}

impl PruningStatistics for Bounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.converter(column)?.row_group_mins(self.groups()).ok()
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.converter(column)?.row_group_maxes(self.groups()).ok()
    }

    fn num_containers(&self) -> usize {
        self.groups().len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        Some(Arc::new(self.converter(column)?.row_group_null_counts(self.groups()).ok()?))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows = self.groups().iter().map(|group| u64::try_from(group.num_rows()).ok());
        Some(Arc::new(rows.collect::<arrow::array::UInt64Array>()))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
