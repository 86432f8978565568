//! What bounds say of a predicate: which row groups of a file can hold a row that it lets by, and how much of files.
use arrow::array::{ArrayRef, BooleanArray};
use datafusion::common::Column;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::datasource::listing::FileRange;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column as ColumnExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_expr_common::physical_expr::snapshot_physical_expr;
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
        let predicate = snapshot_physical_expr(predicate).ok()?;
        PruningPredicateBuilder::new().with_file_schema(meta.schema().clone()).try_build(predicate).ok()
    });
    let keep = pruning.and_then(|pruning| pruning.prune(&Bounds(meta)).ok());
    let keeps = |group: usize| keep.as_ref().is_none_or(|keep| keep[group]);
    (0..groups.len()).filter(|group| is_in_range(&groups[*group]) && keeps(*group)).collect()
}

/// The column that an expression compares with an instant, how, and with which, in microseconds.
pub fn compared_with_time(expr: &Arc<dyn PhysicalExpr>) -> Option<(usize, Operator, i64)> {
    let compared = expr.downcast_ref::<BinaryExpr>()?;
    let (column, literal, operator) = match compared.left().downcast_ref::<ColumnExpr>() {
        Some(column) => (column, compared.right(), *compared.op()),
        None => (compared.right().downcast_ref()?, compared.left(), compared.op().swap()?),
    };
    let ScalarValue::TimestampMicrosecond(Some(micros), _) = literal.downcast_ref::<Literal>()?.value() else {
        return None;
    };
    let is_range = matches!(operator, Operator::Gt | Operator::GtEq | Operator::Lt | Operator::LtEq);
    is_range.then(|| (column.index(), operator, *micros))
}

/// How much of the time that the files are of a predicate's range of time leaves.
pub fn share_of_time(config: &FileScanConfig, predicate: &Arc<dyn PhysicalExpr>) -> f64 {
    let compared: Vec<_> = split_conjunction(predicate).into_iter().filter_map(compared_with_time).collect();
    let Some((column, ..)) = compared.first().copied() else { return 1.0 };
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    for (_, operator, micros) in compared.iter().filter(|(other, ..)| *other == column) {
        match operator {
            Operator::Gt | Operator::GtEq => from = from.max(*micros),
            _ => to = to.min(*micros),
        }
    }
    let micros = |bound: &Precision<ScalarValue>| match bound.get_value() {
        Some(ScalarValue::TimestampMicrosecond(micros, _)) => *micros,
        _ => None,
    };
    let (mut all, mut left) = (0, 0);
    for file in config.file_groups.iter().flat_map(|group| group.iter()) {
        let Some(bounds) = file.statistics.as_ref().and_then(|all| all.column_statistics.get(column)) else { continue };
        let (Some(first), Some(last)) = (micros(&bounds.min_value), micros(&bounds.max_value)) else { continue };
        all += i128::from(last) - i128::from(first);
        left += (i128::from(last.min(to)) - i128::from(first.max(from))).max(0);
    }
    if all > 0 { left as f64 / all as f64 } else { 1.0 }
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
