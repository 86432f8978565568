//! Which columns of a scan are read as dictionaries: those whose texts an aggregation above asks for each text once, as
//! its groups, as what it counts without repeats, or in a filter on the way. Whatever else reads them gets their texts.
use super::coded_groups::CodedGroups;
use super::coded_scan::{self, CodedScan};
use crate::columns::dictionary::{self, OfDictionary, Texts};
use crate::plan::distinct_udaf;
use crate::plan::text_udf::TextUdf;
use arrow::array::{ArrayRef, AsArray, BooleanArray, StringViewArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, NotExpr};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};

/// Puts [`CodedScan`] below the aggregations that gain by it.
pub fn coded_columns(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let Some((aggregate, groups)) = first_half(node.as_ref()) else { return Ok(Transformed::no(node)) };
        let input = aggregate.input().clone();
        let uses = uses(aggregate, groups, input.schema().fields().len());
        let wanted = uses.iter().map(|uses| *uses == Use::EachText).collect();
        let Some((input, coded)) = read(&input, wanted)? else { return Ok(Transformed::no(node)) };
        let plain: Vec<bool> = uses.iter().zip(&coded).map(|(uses, coded)| *coded && *uses == Use::EachRow).collect();
        let input = as_texts(input, &plain)?;
        Ok(Transformed::yes(
            node.replace_children(vec![input], ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))?,
        ))
    })
    .data()
}

/// An aggregation that reads rows, and whether its groups are found by codes.
fn first_half(node: &dyn ExecutionPlan) -> Option<(&AggregateExec, bool)> {
    if let Some(groups) = node.downcast_ref::<CodedGroups>() {
        return Some((&groups.first, true));
    }
    let aggregate = node.downcast_ref::<AggregateExec>()?;
    let reads_rows = matches!(aggregate.mode(), AggregateMode::Partial | AggregateMode::Single);
    (reads_rows && aggregate.group_expr().is_empty()).then_some((aggregate, false))
}

/// How an aggregation reads a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    None,
    EachText,
    EachRow,
}

fn uses(aggregate: &AggregateExec, groups: bool, columns: usize) -> Vec<Use> {
    let mut uses = vec![Use::None; columns];
    let mut note = |expr: &Arc<dyn PhysicalExpr>, each_text: bool| {
        let each_text = each_text && expr.downcast_ref::<Column>().is_some();
        for column in collect_columns(expr) {
            let before = &mut uses[column.index()];
            *before = if each_text && *before != Use::EachRow { Use::EachText } else { Use::EachRow };
        }
    };
    aggregate.group_expr().expr().iter().for_each(|(expr, _)| note(expr, groups));
    for one in aggregate.aggr_expr() {
        let counts_texts = distinct_udaf::is_one(one.fun());
        one.expressions().iter().for_each(|expr| note(expr, counts_texts));
        one.order_bys().iter().for_each(|order| note(&order.expr, false));
    }
    aggregate.filter_expr().iter().flatten().for_each(|filter| note(filter, false));
    uses
}

type Coded = Option<(Arc<dyn ExecutionPlan>, Vec<bool>)>;

/// A plan with the wanted columns of its scan as dictionaries, and those that its filters ask about; and which of its own
/// columns are some then. `None` where nothing is gained.
fn read(plan: &Arc<dyn ExecutionPlan>, mut wanted: Vec<bool>) -> Result<Coded> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let shown = filter.projection().as_ref().map(|shown| shown.to_vec());
        if let Some(shown) = &shown {
            let mut below = vec![false; filter.input().schema().fields().len()];
            shown.iter().zip(&wanted).for_each(|(column, wanted)| below[*column] |= wanted);
            wanted = below;
        }
        asked(filter.predicate(), &mut wanted);
        let Some((input, coded)) = read(filter.input(), wanted)? else { return Ok(None) };
        let predicate = recoded(filter.predicate().clone(), &coded)?;
        let filter = FilterExecBuilder::new(predicate, input)
            .with_default_selectivity(filter.default_selectivity())
            .with_batch_size(filter.batch_size())
            .with_fetch(filter.fetch())
            .apply_projection(shown.clone())?
            .build()?;
        let coded = shown.map_or_else(|| coded.clone(), |shown| shown.iter().map(|column| coded[*column]).collect());
        return Ok(Some((Arc::new(filter), coded)));
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let mut below = vec![false; projection.input().schema().fields().len()];
        for (column, wanted) in projection.expr().iter().zip(wanted) {
            match column.expr.downcast_ref::<Column>() {
                Some(column) if wanted => below[column.index()] = true,
                Some(_) => {}
                None => asked(&column.expr, &mut below),
            }
        }
        let Some((input, below)) = read(projection.input(), below)? else { return Ok(None) };
        let is_coded = |expr: &Arc<dyn PhysicalExpr>| expr.downcast_ref::<Column>().is_some_and(|at| below[at.index()]);
        let coded = projection.expr().iter().map(|column| is_coded(&column.expr)).collect();
        let columns = projection.expr().iter().map(|column| {
            let expr = if is_coded(&column.expr) { column.expr.clone() } else { recoded(column.expr.clone(), &below)? };
            Ok(ProjectionExpr { expr, alias: column.alias.clone() })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        return Ok(Some((Arc::new(ProjectionExec::try_new(columns, input)?), coded)));
    }
    let Some(texts) = coded_scan::texts(plan.as_ref()) else { return Ok(None) };
    let coded: Vec<bool> = texts.into_iter().zip(wanted).map(|(is_text, wanted)| is_text && wanted).collect();
    Ok(coded.contains(&true).then(|| (Arc::new(CodedScan::new(plan.clone(), coded.clone())) as _, coded)))
}

/// Wants the columns of which an expression asks each text once.
fn asked(expr: &Arc<dyn PhysicalExpr>, wanted: &mut [bool]) {
    _ = expr.apply(|part| {
        Ok(match of_one_text(part) {
            Some(column) => {
                wanted[column.index()] = true;
                TreeNodeRecursion::Jump
            }
            None => TreeNodeRecursion::Continue,
        })
    });
}

/// The column of a condition on the texts of one column.
fn of_one_text(expr: &Arc<dyn PhysicalExpr>) -> Option<Column> {
    let joins = |operator: &Operator| matches!(operator, Operator::And | Operator::Or);
    let is_made_of_others = expr.downcast_ref::<BinaryExpr>().is_some_and(|binary| joins(binary.op()))
        || expr.downcast_ref::<NotExpr>().is_some();
    if is_made_of_others || expr.downcast_ref::<Column>().is_some() || is_volatile(expr) {
        return None;
    }
    let columns = collect_columns(expr);
    let column = columns.iter().next().filter(|_| columns.len() == 1)?;
    let is_condition = alone(expr.clone()).ok()?.data_type(&texts_alone(column.name())).ok()? == DataType::Boolean;
    is_condition.then(|| column.clone())
}

/// An expression over one column, as one over that column alone.
fn alone(expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    let first = |part: Arc<dyn PhysicalExpr>| match part.downcast_ref::<Column>() {
        Some(column) => Ok(Transformed::yes(Arc::new(Column::new(column.name(), 0)) as _)),
        None => Ok(Transformed::no(part)),
    };
    expr.transform_up(first).data()
}

/// A column of texts, alone.
fn texts_alone(name: &str) -> Schema {
    Schema::new(vec![Field::new(name, DataType::Utf8View, false)])
}

/// An expression over columns of which some are dictionaries now.
fn recoded(expr: Arc<dyn PhysicalExpr>, coded: &[bool]) -> Result<Arc<dyn PhysicalExpr>> {
    let done = |expr| Ok(Transformed::new(expr, true, TreeNodeRecursion::Jump));
    expr.transform_down(|part| {
        if let Some(column) = of_one_text(&part).filter(|column| coded[column.index()]) {
            let asks = ScalarFunctionExpr::try_downcast_func::<TextUdf>(part.as_ref());
            let text = asks.and_then(|asks| asks.args().first());
            return match text.and_then(|text| text.downcast_ref::<Column>()) {
                Some(_) => done(part),
                None => done(Arc::new(PerText::new(part, column)?)),
            };
        }
        match part.downcast_ref::<Column>() {
            Some(column) if coded[column.index()] => done(Arc::new(AsTexts(column.clone()))),
            _ => Ok(Transformed::no(part)),
        }
    })
    .data()
}

/// The same columns, some of them no dictionaries any more.
fn as_texts(input: Arc<dyn ExecutionPlan>, plain: &[bool]) -> Result<Arc<dyn ExecutionPlan>> {
    if !plain.contains(&true) {
        return Ok(input);
    }
    let schema = input.schema();
    let columns = schema.fields().iter().zip(plain).enumerate().map(|(index, (field, plain))| {
        let column = Column::new(field.name(), index);
        let expr: Arc<dyn PhysicalExpr> = if *plain { Arc::new(AsTexts(column)) } else { Arc::new(column) };
        ProjectionExpr { expr, alias: field.name().clone() }
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), input)?))
}

/// The texts of a dictionary, one for each row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AsTexts(Column);

impl fmt::Display for AsTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "texts({})", self.0)
    }
}

impl PhysicalExpr for AsTexts {
    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.0.name(), DataType::Utf8View, false)))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Array(dictionary::plain(batch.column(self.0.index()))?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A condition on the texts of one column, tried once a text.
#[derive(Debug)]
struct PerText {
    column: Column,
    /// Over that column alone.
    condition: Arc<dyn PhysicalExpr>,
    /// What was found out, one for each stream that is not at work just now.
    known: Mutex<Vec<OfDictionary<Option<bool>>>>,
}

impl PerText {
    fn new(condition: Arc<dyn PhysicalExpr>, column: Column) -> Result<PerText> {
        Ok(PerText { column, condition: alone(condition)?, known: Mutex::default() })
    }

    fn try_on(&self, texts: &StringViewArray, rows: &[usize]) -> Result<ArrayRef> {
        let rows: UInt64Array = rows.iter().map(|row| *row as u64).collect();
        let schema = Arc::new(texts_alone(self.column.name()));
        let batch = RecordBatch::try_new(schema, vec![take(texts, &rows, None)?])?;
        self.condition.evaluate(&batch)?.into_array(batch.num_rows())
    }
}

impl fmt::Display for PerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.condition)
    }
}

impl PartialEq for PerText {
    fn eq(&self, other: &PerText) -> bool {
        self.column == other.column && self.condition.eq(&other.condition)
    }
}

impl Eq for PerText {}

impl Hash for PerText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.condition.hash(state);
    }
}

impl PhysicalExpr for PerText {
    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::new(Field::new("condition", DataType::Boolean, true)))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let Some(Texts::Dictionary(column, texts)) = Texts::of(batch.column(self.column.index())) else {
            return internal_err!("`{self}` over texts that are no dictionary");
        };
        let idle = self.known.lock().ok().and_then(|mut idle| {
            let at = idle.iter().position(|known| known.is_of(texts)).or(idle.len().checked_sub(1))?;
            Some(idle.swap_remove(at))
        });
        let mut known = idle.unwrap_or_else(OfDictionary::ahead);
        let mut found = Vec::with_capacity(batch.num_rows());
        let mut fault = None;
        known.read(column, texts, &mut found, |texts, rows, out| match self.try_on(texts, rows) {
            Ok(tried) => out.extend(tried.as_boolean().iter()),
            Err(error) => fault = Some(error),
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        if let Ok(mut idle) = self.known.lock() {
            idle.push(known);
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(found))))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
