//! A scan of Parquet files that gives columns of texts as [dictionaries](crate::columns::dictionary): numbers from the data
//! pages, and each text of a row group's dictionary once. It stands in DataFusion's stead where whoever is above makes
//! use of that; see [`coded_columns`](super::coded_columns).
use crate::columns::dictionary;
use crate::store::adapt::type_of;
use crate::types::Type;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt, stream};
use std::fmt;
use std::sync::Arc;

mod bounds;
mod chunk;
mod dictionaries;
mod file;

pub use dictionaries::Dictionaries;
use file::{Shown, open};

/// A scan, and which of its columns are dictionaries.
#[derive(Clone, Debug)]
pub struct CodedScan {
    scan: Arc<dyn ExecutionPlan>,
    coded: Vec<bool>,
    properties: Arc<PlanProperties>,
}

fn parts(plan: &dyn ExecutionPlan) -> Option<(&FileScanConfig, &ParquetSource)> {
    plan.downcast_ref::<DataSourceExec>()?.downcast_to_file_source::<ParquetSource>()
}

/// Which columns of a scan can be dictionaries: texts that are never null. `None` where [`CodedScan`] cannot stand for it,
/// because not all rows of its files are read, or other columns than those in files.
pub fn texts(plan: &dyn ExecutionPlan) -> Option<Vec<bool>> {
    let (config, source) = parts(plan)?;
    let drops = source.table_parquet_options().global.pushdown_filters && source.filter().is_some();
    let mut files = config.file_groups.iter().flat_map(|group| group.iter());
    let whole =
        !drops && config.limit.is_none() && !config.preserve_order && files.all(|file| file.extensions.is_empty());
    if !whole || config.expr_adapter_factory.is_none() || source.parquet_file_reader_factory().is_none() {
        return None;
    }
    let fields = config.file_schema().fields();
    let is_text = |field: &Field| *field.data_type() == DataType::Utf8View && type_of(field) == Type::String;
    columns(config)?.iter().map(|column| fields.get(column.index()).map(|field| is_text(field))).collect()
}

/// The columns of the table that a scan shows.
fn columns(config: &FileScanConfig) -> Option<Vec<Column>> {
    config.file_source.projection()?.expr_iter().map(|expr| expr.downcast_ref::<Column>().cloned()).collect()
}

impl CodedScan {
    /// Of a scan that has such [`texts`].
    pub fn new(scan: Arc<dyn ExecutionPlan>, coded: Vec<bool>) -> CodedScan {
        let schema = scan.schema();
        let fields = schema.fields().iter().zip(&coded).map(|(field, coded)| match coded {
            true => Arc::new(Field::new(field.name(), dictionary::data_type(), false)),
            false => field.clone(),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let partitions = scan.properties().output_partitioning().partition_count();
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        CodedScan { scan, coded, properties }
    }
}

impl DisplayAs for CodedScan {
    fn fmt_as(&self, ty: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.scan.schema();
        let coded = schema.fields().iter().zip(&self.coded).filter(|(_, coded)| **coded);
        let names: Vec<&str> = coded.map(|(field, _)| field.name().as_str()).collect();
        write!(f, "CodedScan: dictionaries=[{}], ", names.join(", "))?;
        match self.scan.downcast_ref::<DataSourceExec>() {
            Some(scan) => scan.fmt_as(ty, f),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for CodedScan {
    fn name(&self) -> &str {
        "CodedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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
        let Some((config, source)) = parts(self.scan.as_ref()) else { return internal_err!("a scan of other files") };
        let dictionaries = context.session_config().get_extension().unwrap_or_default();
        let Some(shown) = Shown::new(config, source, &self.coded, self.schema(), dictionaries) else {
            return internal_err!("a scan of other columns");
        };
        let shown = Arc::new(shown);
        let files = config.file_groups.get(partition).map(|group| group.files().to_vec()).unwrap_or_default();
        let batches = stream::iter(files).then(move |file| open(shown.clone(), file, partition)).try_flatten();
        Ok(make_cooperative(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches))))
    }
}
