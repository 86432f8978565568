//! Grouping by small numbers instead of texts. The first half of a two-step aggregation, in DataFusion's stead: each column
//! that is grouped by turns into codes, and the codes of a row name its group. A text of a dictionary is known by where
//! it lies, so that most rows are told apart without a look at a text. What is aggregated, and how, stays DataFusion's.
use crate::columns::dictionary::{Texts, is_begun_by};
use crate::columns::numbered::Numbered;
use crate::columns::repeats::Known;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{StreamExt, stream};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// Groups are given on to the second half when there are so many.
const MOST_GROUPS: usize = 4_000_000;
/// Where nine rows in ten open a group after so many rows, keeping groups does not pay: each batch is given on.
const TRIAL: usize = 500_000;

/// Puts [`CodedGroups`] where it can stand.
pub fn coded(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let coded = plan.transform_up(|node| {
        let Some(aggregate) = node.downcast_ref::<AggregateExec>() else { return Ok(Transformed::no(node)) };
        if !can_stand_for(aggregate)? {
            return Ok(Transformed::no(node));
        }
        let first = Arc::new(aggregate.clone());
        Ok(Transformed::yes(Arc::new(CodedGroups { first }) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(coded.data)
}

fn can_stand_for(aggregate: &AggregateExec) -> Result<bool> {
    let groups = aggregate.group_expr();
    if *aggregate.mode() != AggregateMode::Partial
        || *aggregate.input_order_mode() != InputOrderMode::Linear
        || aggregate.limit_options().is_some()
        || groups.is_empty()
        || !groups.is_single()
    {
        return Ok(false);
    }
    let schema = aggregate.input_schema();
    for (expr, _) in groups.expr() {
        if !Codes::can_hold(&expr.data_type(&schema)?) {
            return Ok(false);
        }
    }
    Ok(aggregate
        .aggr_expr()
        .iter()
        .all(|one| one.groups_accumulator_supported() && !one.is_distinct() && one.order_bys().is_empty()))
}

#[derive(Debug)]
pub struct CodedGroups {
    /// What it stands for.
    pub first: Arc<AggregateExec>,
}

impl DisplayAs for CodedGroups {
    fn fmt_as(&self, ty: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodedGroups: ")?;
        self.first.fmt_as(ty, f)
    }
}

impl ExecutionPlan for CodedGroups {
    fn name(&self) -> &str {
        "CodedGroups"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.first.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![self.first.input()]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.first.apply_expressions(f)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let first = Arc::clone(&self.first)
            .replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))?;
        match first.downcast_ref::<AggregateExec>() {
            Some(first) => Ok(Arc::new(CodedGroups { first: Arc::new(first.clone()) })),
            None => internal_err!("an aggregation became something else"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.first.input().execute(partition, Arc::clone(&context))?;
        let reservation = MemoryConsumer::new("groups").with_can_spill(true).register(context.memory_pool());
        let slice = context.session_config().batch_size();
        let work = Grouping::new(&self.first, reservation)?;
        let batches =
            stream::try_unfold((input, work, VecDeque::new()), move |(mut input, mut work, mut ready)| async move {
                loop {
                    if let Some(batch) = ready.pop_front() {
                        return Ok(Some((batch, (input, work, ready))));
                    }
                    match input.next().await {
                        Some(batch) => {
                            work.add(&batch?)?;
                            if work.is_full() {
                                work.emit(slice, &mut ready)?;
                            }
                        }
                        None if work.groups.count == 0 => return Ok(None),
                        None => work.emit(slice, &mut ready)?,
                    }
                }
            });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.first.schema(), batches)))
    }
}

/// The groups of one stream so far.
struct Grouping {
    first: Arc<AggregateExec>,
    groups: Groups,
    folds: Vec<Box<dyn GroupsAccumulator>>,
    reservation: MemoryReservation,
    /// What `count()` counts: the same for each batch.
    constant: Option<(ScalarValue, ArrayRef)>,
    /// Rows since the last groups were given on.
    rows: usize,
    /// The pool had no room for them.
    cramped: bool,
    keeps: bool,
}

impl Grouping {
    fn new(first: &Arc<AggregateExec>, reservation: MemoryReservation) -> Result<Grouping> {
        Ok(Grouping {
            groups: Groups::new(first.group_expr().num_group_exprs()),
            folds: folds(first)?,
            first: Arc::clone(first),
            reservation,
            constant: None,
            rows: 0,
            cramped: false,
            keeps: true,
        })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let value = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch)?.into_array(rows);
        let keys = self.first.group_expr().expr().iter().map(|(expr, _)| value(expr)).collect::<Result<Vec<_>>>()?;
        self.groups.read(&keys)?;
        for ((one, filter), fold) in
            self.first.aggr_expr().iter().zip(self.first.filter_expr()).zip(self.folds.iter_mut())
        {
            let argument = |expr: &Arc<dyn PhysicalExpr>| match expr.downcast_ref::<Literal>() {
                Some(literal) => constant(&mut self.constant, literal.value(), rows),
                None => value(expr),
            };
            let arguments = one.expressions().iter().map(argument).collect::<Result<Vec<_>>>()?;
            let filter = filter.as_ref().map(&value).transpose()?;
            let filter: Option<&BooleanArray> = filter.as_ref().map(|filter| filter.as_boolean());
            fold.update_batch(&arguments, &self.groups.numbers, filter, self.groups.count)?;
        }
        self.rows += rows;
        let size = self.groups.size() + self.folds.iter().map(|fold| fold.size()).sum::<usize>();
        self.cramped = self.reservation.try_resize(size).is_err();
        if self.keeps && self.rows > TRIAL {
            self.keeps = self.groups.count * 10 < self.rows * 9;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.groups.count > 0 && (self.cramped || !self.keeps || self.groups.count >= MOST_GROUPS)
    }

    /// Gives all groups on, as the second half expects them, and begins anew.
    fn emit(&mut self, slice: usize, ready: &mut VecDeque<RecordBatch>) -> Result<()> {
        let schema: SchemaRef = self.first.schema();
        let mut columns = self.groups.columns(&schema)?;
        for fold in &mut self.folds {
            columns.extend(fold.state(EmitTo::All)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.groups.count));
        let batch = RecordBatch::try_new_with_options(schema, columns, &options)?;
        let slices = (0..batch.num_rows()).step_by(slice);
        ready.extend(slices.map(|at| batch.slice(at, slice.min(batch.num_rows() - at))));
        self.groups = Groups::new(self.groups.columns.len());
        self.folds = folds(&self.first)?;
        self.rows = 0;
        self.reservation.free();
        Ok(())
    }
}

/// A constant, once for each row.
fn constant(kept: &mut Option<(ScalarValue, ArrayRef)>, value: &ScalarValue, rows: usize) -> Result<ArrayRef> {
    match kept {
        Some((same, array)) if same == value && array.len() >= rows => Ok(array.slice(0, rows)),
        _ => {
            let array = value.to_array_of_size(rows)?;
            *kept = Some((value.clone(), array.clone()));
            Ok(array)
        }
    }
}

fn folds(first: &AggregateExec) -> Result<Vec<Box<dyn GroupsAccumulator>>> {
    first.aggr_expr().iter().map(|one| one.create_groups_accumulator()).collect()
}

type Numbers<K> = HashMap<K, u32, BuildHasherDefault<Mix>>;

/// Pairs of numbers below these are looked up in a table of all of them.
const ROWS: u32 = 1 << 12;
const COLUMNS: u32 = 64;
const NO_NUMBER: u32 = u32::MAX;

/// The number of each pair of what some columns come to and the next one's code.
#[derive(Default)]
struct Pairs {
    /// Of small numbers: one row of it for each first.
    dense: Vec<u32>,
    others: Numbers<u64>,
    /// The pair behind each number, to find the codes of a group again.
    behind: Vec<u64>,
    found: Vec<u32>,
}

impl Pairs {
    /// Puts the number of each pair in the place of its first.
    fn numbers(&mut self, ones: &mut [usize], twos: &[u32]) {
        if self.others.is_empty() {
            for (one, two) in ones.iter_mut().zip(twos) {
                let found = self.find(*one as u32, *two);
                *one = if found == NO_NUMBER { self.number(*one as u32, *two) } else { found } as usize;
            }
            return;
        }
        // All are looked for before any is added, so that the processor waits for memory once for many and not for each.
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        found.extend(ones.iter().zip(twos).map(|(one, two)| self.find(*one as u32, *two)));
        for ((one, two), found) in ones.iter_mut().zip(twos).zip(&found) {
            *one = if *found == NO_NUMBER { self.number(*one as u32, *two) } else { *found } as usize;
        }
        self.found = found;
    }

    fn find(&self, one: u32, two: u32) -> u32 {
        if one < ROWS && two < COLUMNS {
            return self.dense.get((one * COLUMNS + two) as usize).copied().unwrap_or(NO_NUMBER);
        }
        self.others.get(&(u64::from(one) << 32 | u64::from(two))).copied().unwrap_or(NO_NUMBER)
    }

    fn number(&mut self, one: u32, two: u32) -> u32 {
        let Pairs { dense, others, behind, .. } = self;
        let pair = u64::from(one) << 32 | u64::from(two);
        let mut next = || {
            behind.push(pair);
            behind.len() as u32 - 1
        };
        if one < ROWS && two < COLUMNS {
            let at = (one * COLUMNS + two) as usize;
            if at >= dense.len() {
                dense.resize(((one + 1) * COLUMNS) as usize, NO_NUMBER);
            }
            let number = &mut dense[at];
            if *number == NO_NUMBER {
                *number = next();
            }
            return *number;
        }
        *others.entry(pair).or_insert_with(next)
    }
}

/// Rows with equal values have one number, from 0 in the order in which they came.
struct Groups {
    columns: Vec<Codes>,
    count: usize,
    /// For each column but the first.
    pairs: Vec<Pairs>,
    /// Of the rows of the batch at hand.
    numbers: Vec<usize>,
    codes: Vec<u32>,
}

impl Groups {
    fn new(columns: usize) -> Groups {
        Groups {
            columns: (0..columns).map(|_| Codes::default()).collect(),
            count: 0,
            pairs: (1..columns).map(|_| Pairs::default()).collect(),
            numbers: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// The number of each row's group.
    fn read(&mut self, keys: &[ArrayRef]) -> Result<()> {
        let Groups { columns, numbers, codes, .. } = self;
        numbers.clear();
        // Codes that no row has do no harm where pairs are what is numbered.
        let most = [ROWS, COLUMNS].map(|most| if keys.len() > 1 { most as usize } else { 0 });
        for (at, (column, array)) in columns.iter_mut().zip(keys).enumerate() {
            codes.clear();
            column.read(array, most[at.min(1)], codes)?;
            if at == 0 {
                numbers.extend(codes.iter().map(|code| *code as usize));
                self.count = column.count();
                continue;
            }
            let pairs = &mut self.pairs[at - 1];
            pairs.numbers(numbers, codes);
            self.count = pairs.behind.len();
        }
        Ok(())
    }

    /// The values of each group.
    fn columns(&self, schema: &SchemaRef) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut numbers: Vec<u32> = (0..self.count as u32).collect();
        for at in (0..self.columns.len()).rev() {
            let codes: Vec<u32> = match at.checked_sub(1) {
                Some(before) => {
                    let pairs = numbers.iter().map(|number| self.pairs[before].behind[*number as usize]);
                    let (rest, codes) = pairs.map(|pair| ((pair >> 32) as u32, pair as u32)).unzip();
                    numbers = rest;
                    codes
                }
                None => std::mem::take(&mut numbers),
            };
            columns.push(self.columns[at].values(&codes, schema.field(at).data_type())?);
        }
        columns.reverse();
        Ok(columns)
    }

    fn size(&self) -> usize {
        let pairs: usize =
            self.pairs.iter().map(|pairs| pairs.behind.capacity() * 32 + pairs.dense.capacity() * 4).sum();
        pairs + self.columns.iter().map(Codes::size).sum::<usize>()
    }
}

/// The values of one column, numbered from 0 as they come.
#[derive(Default)]
struct Codes {
    null: Option<u32>,
    /// Behind each code; nothing behind that of null.
    numbers: Vec<i64>,
    by_number: Numbers<i64>,
    texts: Numbered,
    known: Known<u32>,
    /// A dictionary of which the texts are the first; their numbers in it are their codes.
    dictionary: Option<StringViewArray>,
}

impl Codes {
    fn can_hold(ty: &DataType) -> bool {
        matches!(
            ty,
            DataType::Utf8View | DataType::Int64 | DataType::Int32 | DataType::Boolean | DataType::Timestamp(..)
        )
    }

    fn count(&self) -> usize {
        self.texts.count().max(self.numbers.len())
    }

    /// The codes of a column's values. Of texts in a dictionary of no more than `most` all have one, whether a row has them
    /// or not.
    fn read(&mut self, array: &ArrayRef, most: usize, codes: &mut Vec<u32>) -> Result<()> {
        if let Some(texts) = Texts::of(array) {
            match texts {
                Texts::Dictionary(column, texts) if texts.len() <= most && self.takes(texts) => {
                    codes.extend_from_slice(column.keys().values());
                }
                _ => self.read_texts(texts, codes),
            }
            return Ok(());
        }
        let numbers = cast(array, &DataType::Int64)?;
        let numbers = numbers.as_primitive::<Int64Type>();
        let mut last = None;
        for (row, number) in numbers.values().iter().enumerate() {
            let code = if numbers.is_null(row) {
                *self.null.get_or_insert_with(|| {
                    self.numbers.push(0);
                    self.numbers.len() as u32 - 1
                })
            } else {
                match last {
                    Some((same, code)) if same == *number => code,
                    _ => {
                        let code = *self.by_number.entry(*number).or_insert_with(|| {
                            self.numbers.push(*number);
                            self.numbers.len() as u32 - 1
                        });
                        last = Some((*number, code));
                        code
                    }
                }
            };
            codes.push(code);
        }
        Ok(())
    }

    /// Whether the numbers of a dictionary's texts are their codes.
    fn takes(&mut self, texts: &StringViewArray) -> bool {
        let known = match &self.dictionary {
            Some(known) if !is_begun_by(texts, known) => return false,
            Some(known) => known.len(),
            None => 0,
        };
        if self.texts.count() != known || texts.null_count() > 0 {
            return false;
        }
        if texts.len() > known {
            let (new, mut codes) = ((known..texts.len()).collect::<Vec<_>>(), Vec::new());
            self.texts.codes(texts, &new, &mut codes);
            // One text may stand there twice.
            if self.texts.count() != texts.len() {
                return false;
            }
        }
        self.dictionary = Some(texts.clone());
        true
    }

    fn read_texts(&mut self, column: Texts<'_>, codes: &mut Vec<u32>) {
        let Codes { null, texts, known, .. } = self;
        known.read(column, codes, |array, rows, found| {
            if array.null_count() == 0 {
                texts.codes(array, rows, found);
                return;
            }
            for row in rows {
                match array.is_null(*row) {
                    true => found.push(*null.get_or_insert_with(|| texts.push(b""))),
                    false => texts.codes(array, &[*row], found),
                }
            }
        });
    }

    fn values(&self, codes: &[u32], ty: &DataType) -> Result<ArrayRef> {
        let is_null = |code: u32| self.null == Some(code);
        if *ty == DataType::Utf8View {
            let texts = self.texts.array(0)?;
            let codes = codes.iter().map(|code| (!is_null(*code)).then_some(*code));
            return Ok(take(&texts, &UInt32Array::from_iter(codes), None)?);
        }
        let numbers = codes.iter().map(|code| (!is_null(*code)).then(|| self.numbers[*code as usize]));
        Ok(cast(&Int64Array::from_iter(numbers), ty)?)
    }

    fn size(&self) -> usize {
        self.numbers.capacity() * 32 + self.texts.size() + self.known.size()
    }
}

/// Spreads whole numbers over the places of a table.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number as u64);
    }
}
