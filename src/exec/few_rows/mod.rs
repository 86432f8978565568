//! A scan of which few rows are wanted: those that a term index or a range of time leaves of its files. It reads the pages in
//! which these lie, first of the columns that the predicate asks about and then of the others, for the rows that are left.
//! Of dictionaries, which are of a whole row group whatever is wanted of it, those that were read last are kept.
use super::coded_scan::bounds::share_of_time;
use super::coded_scan::{HALF, file_by_file, parts};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use std::fmt;
use std::sync::Arc;

mod asked;
mod file;
mod kept;

use file::{Shown, open};
pub use kept::KeptDictionaries;

/// More rows are left to DataFusion's own scan, which copies no text.
const FEW: f64 = 262_144.0;

/// Puts [`FewRows`] in the place of scans.
pub fn few_rows(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
        let is_few = parts(node.as_ref()).is_some_and(|(config, source)| is_few(config, source));
        Ok(if is_few { Transformed::yes(Arc::new(FewRows { scan: node }) as _) } else { Transformed::no(node) })
    })?;
    Ok(plan.data)
}

fn is_few(config: &FileScanConfig, source: &ParquetSource) -> bool {
    let files = || config.file_groups.iter().flat_map(|group| group.iter());
    let share = source.filter().map_or(1.0, |predicate| share_of_time(config, &predicate));
    let is_narrowed = share < HALF || files().any(|file| !file.extensions.is_empty());
    let rows = |file: &PartitionedFile| {
        let rows = file.statistics.as_ref().and_then(|all| all.num_rows.get_value().copied())?;
        let part = file
            .range
            .as_ref()
            .map_or(1.0, |range| (range.end - range.start) as f64 / (file.object_meta.size as f64).max(1.0));
        Some(rows as f64 * part)
    };
    is_narrowed
        && files().map(rows).sum::<Option<f64>>().is_some_and(|rows| rows * share <= FEW)
        && config.limit.is_none()
        && !config.preserve_order
        && config.output_ordering.is_empty()
        && config.expr_adapter_factory.is_some()
        && source.parquet_file_reader_factory().is_some()
}

#[derive(Clone, Debug)]
pub struct FewRows {
    scan: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for FewRows {
    fn fmt_as(&self, ty: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FewRows: ")?;
        match self.scan.downcast_ref::<DataSourceExec>() {
            Some(scan) => scan.fmt_as(ty, f),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for FewRows {
    fn name(&self) -> &str {
        "FewRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.scan.apply_expressions(f)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a scan has no input") }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let kept = context.session_config().get_extension().unwrap_or_default();
        let Some((config, source)) = parts(self.scan.as_ref()) else { return internal_err!("a scan of other files") };
        let Some(shown) = Shown::new(config, source, self.schema(), kept) else {
            return internal_err!("a scan that says too little of its files");
        };
        let shown = Arc::new(shown);
        Ok(file_by_file(config, partition, self.schema(), move |file| open(shown.clone(), file, partition)))
    }
}
