//! Which columns of a scan are read as dictionaries: those whose texts an aggregation above asks for each text once, as
//! its groups, as what it counts without repeats, or in a filter on the way. Whatever else reads them gets their texts.
use super::coded_groups::CodedGroups;
use super::coded_scan::{CodedScan, Condition, Rows, compared_with_time};
use crate::columns::dictionary::{self, Texts};
use crate::columns::repeats::KnownByStream;
use crate::plan::distinct_udaf;
use crate::plan::text_udf::TextUdf;
use crate::store::adapt::is_mark;
use arrow::array::{ArrayRef, AsArray, BooleanArray, StringViewArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, DynamicFilterTracking, NotExpr};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, conjunction_opt, split_conjunction};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Puts [`CodedScan`] below the aggregations that gain by it, and where conditions on texts drop rows.
pub fn coded_columns(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = plan.transform_up(|node| {
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
    })?;
    let plan = plan.data.transform_up(|node| {
        let is_scan = |plan: &dyn ExecutionPlan| plan.downcast_ref::<DataSourceExec>().is_some();
        let filter = node.downcast_ref::<FilterExec>();
        if !is_scan(node.as_ref()) && !filter.is_some_and(|filter| is_scan(filter.input().as_ref())) {
            return Ok(Transformed::no(node));
        }
        let wanted = vec![false; node.schema().fields().len()];
        let Some((scan, coded)) = read(&node, wanted)? else { return Ok(Transformed::no(node)) };
        Ok(Transformed::yes(as_texts(scan, &coded)?))
    })?;
    Ok(plan.data)
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
    if let Some(mut rows) = Rows::of(plan.as_ref()) {
        let Some(made) = rows.made.take() else { return scan(plan, rows, None, wanted) };
        // Over what the scan shows, not over the table.
        let place = |column: &Column| rows.columns.iter().position(|read| read == column).unwrap_or(0);
        let in_scan = |column: &Column| Column::new(column.name(), place(column));
        let made = made.try_map_exprs(|expr| with_columns(expr, in_scan))?;
        let made: Vec<ProjectionExpr> = made.iter().cloned().collect();
        let below = asked_below(&made, &wanted, rows.columns.len());
        let Some((input, below)) = scan(plan, rows, None, below)? else { return Ok(None) };
        return project(&made, input, &below).map(Some);
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        if let Some(rows) = Rows::of(filter.input().as_ref()).filter(|rows| rows.made.is_none()) {
            return scan(filter.input(), rows, Some(filter), wanted);
        }
        let shown = filter.projection().as_ref().map(|shown| shown.to_vec());
        if let Some(shown) = &shown {
            let mut below = vec![false; filter.input().schema().fields().len()];
            shown.iter().zip(&wanted).for_each(|(column, wanted)| below[*column] |= wanted);
            wanted = below;
        }
        asked(filter.predicate(), &mut wanted);
        let Some((input, coded)) = read(filter.input(), wanted)? else { return Ok(None) };
        let filter = filter_over(filter, recoded(filter.predicate().clone(), &coded)?, input, shown.clone())?;
        let coded = shown.map_or_else(|| coded.clone(), |shown| shown.iter().map(|column| coded[*column]).collect());
        return Ok(Some((filter, coded)));
    }
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let below = asked_below(projection.expr(), &wanted, projection.input().schema().fields().len());
        let Some((input, below)) = read(projection.input(), below)? else { return Ok(None) };
        return project(projection.expr(), input, &below).map(Some);
    }
    Ok(None)
}

/// Which columns are wanted below a projection: those of which are wanted above, and those that it asks about.
fn asked_below(projection: &[ProjectionExpr], wanted: &[bool], columns: usize) -> Vec<bool> {
    let mut below = vec![false; columns];
    for (column, wanted) in projection.iter().zip(wanted) {
        match column.expr.downcast_ref::<Column>() {
            Some(column) => below[column.index()] |= wanted,
            None => asked(&column.expr, &mut below),
        }
    }
    below
}

/// A projection of columns of which some are dictionaries.
fn project(
    projection: &[ProjectionExpr],
    input: Arc<dyn ExecutionPlan>,
    below: &[bool],
) -> Result<(Arc<dyn ExecutionPlan>, Vec<bool>)> {
    let is_coded = |expr: &Arc<dyn PhysicalExpr>| expr.downcast_ref::<Column>().is_some_and(|at| below[at.index()]);
    let coded = projection.iter().map(|column| is_coded(&column.expr)).collect();
    let columns = projection.iter().map(|column| {
        let expr = if is_coded(&column.expr) { column.expr.clone() } else { recoded(column.expr.clone(), below)? };
        Ok(ProjectionExpr { expr, alias: column.alias.clone() })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok((Arc::new(ProjectionExec::try_new(columns, input)?), coded))
}

fn filter_over(
    like: &FilterExec,
    predicate: Arc<dyn PhysicalExpr>,
    input: Arc<dyn ExecutionPlan>,
    shown: Option<Vec<usize>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let filter = FilterExecBuilder::new(predicate, input)
        .with_default_selectivity(like.default_selectivity())
        .with_batch_size(like.batch_size())
        .with_fetch(like.fetch())
        .apply_projection(shown)?
        .build()?;
    Ok(Arc::new(filter))
}

/// A scan, with the filter over it if there is one: conditions on the texts of one column are met within it.
fn scan(plan: &Arc<dyn ExecutionPlan>, rows: Rows, filter: Option<&FilterExec>, wanted: Vec<bool>) -> Result<Coded> {
    let Rows { columns, shown: named, predicate, texts, fields, .. } = rows;
    if filter.is_some_and(|filter| filter.fetch().is_some()) {
        return Ok(None);
    }
    let in_table = |column: &Column| columns[column.index()].clone();
    let above = filter.map(|filter| with_columns(filter.predicate().clone(), in_table)).transpose()?;
    let (mut conditions, mut others) = (Vec::new(), Vec::new());
    for part in predicate.iter().chain(&above).flat_map(split_conjunction).filter(|part| !is_mark(part)) {
        match of_one_text(part).filter(|column| texts[column.index()]) {
            Some(column) => {
                let met = recoded(alone(part.clone())?, &[true])?;
                conditions.push(Condition { column, met });
            }
            None => others.push(part.clone()),
        }
    }
    // DataFusion's own scan reads columns late for any condition.
    if predicate.is_some() && others.iter().any(|other| compared_with_time(other).is_none()) {
        return Ok(None);
    }
    // What the filter shows of the scan's columns; then what other conditions read.
    let all: Vec<usize> = (0..columns.len()).collect();
    let shown = filter.and_then(|filter| filter.projection().as_ref()).map_or(all, |shown| shown.to_vec());
    let mut out: Vec<(Column, FieldRef, bool)> = shown
        .iter()
        .zip(wanted)
        .map(|(at, wanted)| (columns[*at].clone(), named[*at].clone(), wanted && texts[columns[*at].index()]))
        .collect();
    let others = conjunction_opt(others);
    let mut read: Vec<Column> = others.iter().flat_map(collect_columns).collect();
    read.sort_by_key(Column::index);
    let mut asks = vec![false; texts.len()];
    others.iter().for_each(|others| asked(others, &mut asks));
    for column in read {
        if out.iter().all(|(shown, ..)| shown.index() != column.index()) {
            let field = fields[column.index()].clone();
            let coded = asks[column.index()] && texts[column.index()];
            out.push((column, field, coded));
        }
    }
    if conditions.is_empty() && out.iter().all(|(.., coded)| !coded) {
        return Ok(None);
    }
    let mut coded: Vec<bool> = out.iter().map(|(.., coded)| *coded).collect();
    let place = |column: &Column| out.iter().position(|(shown, ..)| shown.index() == column.index()).unwrap_or(0);
    let in_scan = |column: &Column| Column::new(column.name(), place(column));
    let others = others.map(|others| with_columns(others, in_scan)).transpose()?;
    let scan: Arc<dyn ExecutionPlan> = Arc::new(CodedScan::new(plan.clone(), out, conditions));
    let Some(others) = others else { return Ok(Some((scan, coded))) };
    let predicate = recoded(others, &coded)?;
    let is_more = coded.len() > shown.len();
    coded.truncate(shown.len());
    let shown = is_more.then(|| (0..shown.len()).collect());
    let filter = match filter {
        Some(filter) => filter_over(filter, predicate, scan, shown)?,
        None => Arc::new(FilterExecBuilder::new(predicate, scan).apply_projection(shown)?.build()?),
    };
    Ok(Some((filter, coded)))
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
    // What follows walks through all of a part, and must not do so for each link of a chain: comparisons are no links, nor are
    // functions that give a bool.
    let is_link = match (expr.downcast_ref::<BinaryExpr>(), expr.downcast_ref::<ScalarFunctionExpr>()) {
        (Some(binary), _) => !binary.op().supports_propagation(),
        (_, Some(call)) => *call.return_type() != DataType::Boolean,
        _ => expr.downcast_ref::<NotExpr>().is_some(),
    };
    if is_link
        || expr.downcast_ref::<Column>().is_some()
        || is_volatile(expr)
        || DynamicFilterTracking::classify(expr).contains_dynamic_filter()
    {
        return None;
    }
    let columns = collect_columns(expr);
    let column = columns.iter().next().filter(|_| columns.len() == 1)?;
    let is_condition = alone(expr.clone()).ok()?.data_type(&texts_alone(column.name())).ok()? == DataType::Boolean;
    is_condition.then(|| column.clone())
}

/// An expression over one column, as one over that column alone.
fn alone(expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    with_columns(expr, |column| Column::new(column.name(), 0))
}

/// An expression over other columns in the place of its own.
fn with_columns(expr: Arc<dyn PhysicalExpr>, other: impl Fn(&Column) -> Column) -> Result<Arc<dyn PhysicalExpr>> {
    expr.transform_up(|part| match part.downcast_ref::<Column>() {
        Some(column) => Ok(Transformed::yes(Arc::new(other(column)) as _)),
        None => Ok(Transformed::no(part)),
    })
    .data()
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
    known: KnownByStream<Option<bool>>,
}

impl PerText {
    fn new(condition: Arc<dyn PhysicalExpr>, column: Column) -> Result<PerText> {
        Ok(PerText { column, condition: alone(condition)?, known: KnownByStream::default() })
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
        let Some(texts) = Texts::of(batch.column(self.column.index())) else {
            return internal_err!("`{self}` over what is no text");
        };
        let mut found = Vec::with_capacity(batch.num_rows());
        // What is known after a fault is of no use to anyone: the query ends with it.
        let mut fault = None;
        self.known.read(texts, &mut found, |texts, rows, out| match self.try_on(texts, rows) {
            Ok(tried) => out.extend(tried.as_boolean().iter()),
            Err(error) => {
                fault = Some(error);
                out.extend(rows.iter().map(|_| None));
            }
        });
        if let Some(fault) = fault {
            return Err(fault);
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
