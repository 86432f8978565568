//! A scan of Parquet files that gives columns of texts as [dictionaries](crate::columns::dictionary): numbers from the data
//! pages, and each text of a row group's dictionary once. It stands in DataFusion's stead where whoever is above makes
//! use of that; see [`coded_columns`](super::coded_columns).
use crate::columns::dictionary::{self, Dictionary};
use crate::plan::text_udf::TextUdf;
use crate::store::adapt::type_of;
use crate::types::Type;
use arrow::array::{Array, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(super) mod bounds;
pub(super) mod chunk;
mod dictionaries;
pub(super) mod fetched;
mod file;

pub use bounds::compared_with_time;
use bounds::share_of_time;
pub use dictionaries::{Dictionaries, Key, key};
use file::{Shown, open};

/// A scan, and which of its columns are dictionaries.
#[derive(Clone, Debug)]
pub struct CodedScan {
    scan: Arc<dyn ExecutionPlan>,
    columns: Vec<(Column, bool)>,
    conditions: Vec<Condition>,
    properties: Arc<PlanProperties>,
}

/// What the texts of a column must meet.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Of the table.
    pub column: Column,
    /// Over that column alone, as a dictionary.
    pub met: Arc<dyn PhysicalExpr>,
}

impl Condition {
    /// The test of texts, if it is no more than one.
    fn test(&self) -> Option<&TextUdf> {
        let call = ScalarFunctionExpr::try_downcast_func::<TextUdf>(self.met.as_ref())?;
        let is_of_text = call.args().first().is_some_and(|text| text.downcast_ref::<Column>().is_some());
        call.fun().inner().downcast_ref::<TextUdf>().filter(|_| is_of_text)
    }

    /// Whether each row's text does.
    fn meets(&self, texts: Dictionary) -> Result<BooleanBuffer> {
        let rows = texts.len();
        let field = Field::new(self.column.name(), dictionary::data_type(), false);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(texts)])?;
        let meets = self.met.evaluate(&batch)?.into_array(rows)?;
        let meets = meets.as_boolean();
        // One of which it is not known does not.
        Ok(meets.nulls().map_or_else(|| meets.values().clone(), |known| meets.values() & known.inner()))
    }
}

/// What a scan of Parquet files is made of.
pub(super) fn parts(plan: &dyn ExecutionPlan) -> Option<(&FileScanConfig, &ParquetSource)> {
    plan.downcast_ref::<DataSourceExec>()?.downcast_to_file_source::<ParquetSource>()
}

/// What a scan shows of a partition's files, one after the other.
pub(super) fn file_by_file<O, B>(
    config: &FileScanConfig,
    partition: usize,
    schema: SchemaRef,
    open: impl FnMut(PartitionedFile) -> O + Send + 'static,
) -> SendableRecordBatchStream
where
    O: Future<Output = Result<B>> + Send + 'static,
    B: Stream<Item = Result<RecordBatch>> + Send + 'static,
{
    let files = config.file_groups.get(partition).map(|group| group.files().to_vec()).unwrap_or_default();
    let batches = stream::iter(files).then(open).try_flatten();
    make_cooperative(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
}

/// A range of time that leaves less of the files' time leaves pages out.
pub(super) const HALF: f64 = 0.5;

/// A scan that [`CodedScan`] can stand for.
pub struct Rows {
    /// The columns of the table that it shows, or those that it makes these of.
    pub columns: Vec<Column>,
    /// By their names in the plan.
    pub shown: Vec<FieldRef>,
    pub made: Option<ProjectionExprs>,
    /// Drops rows for which this, over the table, is not true.
    pub predicate: Option<Arc<dyn PhysicalExpr>>,
    /// All columns of the table, and which can be dictionaries: texts that are never null.
    pub fields: Fields,
    pub texts: Vec<bool>,
}

impl Rows {
    /// `None` where only parts of its files are read, or other columns than those in files.
    pub fn of(plan: &dyn ExecutionPlan) -> Option<Rows> {
        let (config, source) = parts(plan)?;
        if source.filter().is_some_and(|predicate| share_of_time(config, &predicate) < HALF) {
            return None;
        }
        let mut files = config.file_groups.iter().flat_map(|group| group.iter());
        let is_whole = config.limit.is_none()
            && !config.preserve_order
            && config.output_ordering.is_empty()
            && files.all(|file| file.extensions.is_empty());
        if !is_whole || config.expr_adapter_factory.is_none() || source.parquet_file_reader_factory().is_none() {
            return None;
        }
        let fields = config.file_schema().fields();
        let projection = config.file_source.projection()?;
        let column = |expr: Arc<dyn PhysicalExpr>| expr.downcast_ref::<Column>().cloned();
        let (columns, made) = match projection.expr_iter().map(column).collect::<Option<Vec<_>>>() {
            Some(columns) => (columns, None),
            None => {
                let read = projection.expr_iter().flat_map(|expr| collect_columns(&expr));
                let read: BTreeMap<usize, Column> = read.map(|column| (column.index(), column)).collect();
                (read.into_values().collect(), Some(projection.clone()))
            }
        };
        let predicate = source.filter().filter(|_| source.table_parquet_options().global.pushdown_filters);
        let read = predicate.iter().flat_map(collect_columns).chain(columns.iter().cloned());
        if read.into_iter().any(|column| column.index() >= fields.len()) {
            return None;
        }
        let shown = match made {
            None => plan.schema().fields().to_vec(),
            Some(_) => columns.iter().map(|column| fields[column.index()].clone()).collect(),
        };
        let is_text = |field: &Arc<Field>| *field.data_type() == DataType::Utf8View && type_of(field) == Type::String;
        Some(Rows {
            columns,
            shown,
            made,
            predicate,
            fields: fields.clone(),
            texts: fields.iter().map(is_text).collect(),
        })
    }
}

impl CodedScan {
    /// Shows columns of the table of a scan that has [`Rows`] by their names in the plan.
    pub fn new(
        scan: Arc<dyn ExecutionPlan>,
        shown: Vec<(Column, FieldRef, bool)>,
        conditions: Vec<Condition>,
    ) -> CodedScan {
        let field = |(_, field, coded): &(Column, FieldRef, bool)| match coded {
            true => Arc::new(Field::new(field.name(), dictionary::data_type(), false)),
            false => field.clone(),
        };
        let schema = Arc::new(Schema::new(shown.iter().map(field).collect::<Vec<_>>()));
        let columns = shown.into_iter().map(|(column, _, coded)| (column, coded)).collect();
        let partitions = scan.properties().output_partitioning().partition_count();
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        CodedScan { scan, columns, conditions, properties }
    }
}

impl DisplayAs for CodedScan {
    fn fmt_as(&self, ty: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coded = self.columns.iter().filter(|(_, coded)| *coded);
        let names: Vec<&str> = coded.map(|(column, _)| column.name()).collect();
        write!(f, "CodedScan: dictionaries=[{}], ", names.join(", "))?;
        if !self.conditions.is_empty() {
            let conditions: Vec<String> = self.conditions.iter().map(|condition| condition.met.to_string()).collect();
            write!(f, "conditions=[{}], ", conditions.join(", "))?;
        }
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
        let dictionaries = context.session_config().get_extension().unwrap_or_default();
        let (Some((config, _)), Some(shown)) = (parts(self.scan.as_ref()), Shown::new(self, dictionaries)) else {
            return internal_err!("a scan of other files");
        };
        let shown = Arc::new(shown);
        Ok(file_by_file(config, partition, self.schema(), move |file| open(shown.clone(), file, partition)))
    }
}
