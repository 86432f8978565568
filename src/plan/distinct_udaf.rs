//! `dcount` and `count_distinct`, and their forms with a predicate: the marks of a batch's values first, of a repeated text
//! once, then the sketch of each row's group takes its mark. The same as their folds in the function table, which tests
//! hold them against; many groups of many values are what hunters ask for most.
use super::fold_udaf::sampled_size;
use super::one_group::OneGroup;
use crate::columns::Cells;
use crate::columns::dictionary::Texts;
use crate::columns::repeats::Known;
use crate::columns::seen::Seen;
use crate::functions::aggregates::hyperloglog::{self, Hll};
use crate::functions::aggregates::keys::{Marks, fingerprint, mark};
use crate::types::Type;
use crate::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Int64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, exec_err, internal_datafusion_err, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
    expr::AggregateFunction,
};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Distinct {
    counting: Counting,
    /// Of the values.
    ty: Type,
    signature: Signature,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counting {
    /// `count_distinct`.
    Exactly,
    /// `dcount`, with its accuracy.
    Estimated(Option<i64>),
}

/// Types of which a null in Arrow, and nothing else, is null.
pub fn is_plain(ty: Type) -> bool {
    !matches!(ty, Type::Dynamic | Type::Guid)
}

/// Whether an aggregation is one of these, which take texts in [any form](Texts).
pub fn is_one(function: &AggregateUDF) -> bool {
    function.inner().is::<Distinct>()
}

/// How many distinct values of a [plain](is_plain) type there are in the rows that the predicate lets by; nulls are none.
pub fn call(counting: Counting, ty: Type, value: Expr, predicate: Option<Expr>) -> Expr {
    let udaf = Distinct { counting, ty, signature: Signature::any(1, Volatility::Immutable) };
    let udaf = Arc::new(AggregateUDF::new_from_impl(udaf));
    Expr::AggregateFunction(AggregateFunction::new_udf(udaf, vec![value], false, predicate.map(Box::new), vec![], None))
}

impl AggregateUDFImpl for Distinct {
    fn name(&self) -> &str {
        match self.counting {
            Counting::Exactly => "count_distinct",
            Counting::Estimated(_) => "dcount",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(match self.counting {
            Counting::Exactly => Box::new(one(self.exact())),
            Counting::Estimated(accuracy) => Box::new(one(self.estimated(accuracy))),
        })
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(match self.counting {
            Counting::Exactly => Box::new(self.exact()),
            Counting::Estimated(accuracy) => Box::new(self.estimated(accuracy)),
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::Binary, true))])
    }
}

impl Distinct {
    fn exact(&self) -> Groups<Marks<u128>> {
        Groups::new(self.ty, Marks::default())
    }

    fn estimated(&self, accuracy: Option<i64>) -> Groups<Hll> {
        Groups::new(self.ty, Hll::new(accuracy))
    }
}

fn one<S: Sketch>(mut groups: Groups<S>) -> OneGroup<Groups<S>> {
    groups.sketches.push(groups.empty.clone());
    OneGroup(groups)
}

/// What is kept of the values of one group.
trait Sketch: Clone + Debug + Send + Sync + 'static {
    type Mark: Copy + Debug + Default + Eq + Hash + Send + Sync + 'static;
    fn mark(value: &Value<'_>) -> Self::Mark;
    fn take(&mut self, mark: Self::Mark);
    /// Takes marks of which no two are the same.
    fn take_distinct(&mut self, marks: impl Iterator<Item = Self::Mark>);
    fn count(&self) -> i64;
    fn size(&self) -> usize;
    fn write(&self, out: &mut Vec<u8>);
    /// Writes a sketch of so few marks, of which no two are the same, that they are kept themselves.
    fn write_few(marks: impl Iterator<Item = Self::Mark>, out: &mut Vec<u8>);
    const FEW: usize;
    /// Takes in what one of these wrote; `None` where they did not.
    fn merge(&mut self, bytes: &[u8]) -> Option<()>;
}

impl Sketch for Hll {
    type Mark = u64;

    fn mark(value: &Value<'_>) -> u64 {
        mark(value)
    }

    fn take(&mut self, mark: u64) {
        self.add_mark(mark);
    }

    fn take_distinct(&mut self, marks: impl Iterator<Item = u64>) {
        self.add_distinct(marks);
    }

    fn count(&self) -> i64 {
        self.estimate()
    }

    fn size(&self) -> usize {
        Hll::size(self)
    }

    fn write(&self, out: &mut Vec<u8>) {
        Hll::write(self, out);
    }

    fn write_few(marks: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
        Hll::write_marks(marks, out);
    }

    const FEW: usize = hyperloglog::EXACT;

    fn merge(&mut self, bytes: &[u8]) -> Option<()> {
        self.merge_bytes(bytes)
    }
}

impl Sketch for Marks<u128> {
    type Mark = u128;

    fn mark(value: &Value<'_>) -> u128 {
        fingerprint(value)
    }

    fn take(&mut self, mark: u128) {
        self.insert(mark);
    }

    fn take_distinct(&mut self, marks: impl Iterator<Item = u128>) {
        self.extend(marks);
    }

    fn count(&self) -> i64 {
        self.len() as i64
    }

    fn size(&self) -> usize {
        self.capacity() * (size_of::<u128>() + 1)
    }

    fn write(&self, out: &mut Vec<u8>) {
        Self::write_few(self.iter().copied(), out);
    }

    fn write_few(marks: impl Iterator<Item = u128>, out: &mut Vec<u8>) {
        marks.for_each(|mark| out.extend_from_slice(&mark.to_le_bytes()));
    }

    const FEW: usize = usize::MAX;

    fn merge(&mut self, bytes: &[u8]) -> Option<()> {
        let (marks, rest) = bytes.as_chunks::<{ size_of::<u128>() }>();
        self.extend(marks.iter().map(|mark| u128::from_le_bytes(*mark)));
        rest.is_empty().then_some(())
    }
}

/// To tell more texts apart takes longer than putting their marks into sketches.
const MOST_TEXTS: usize = 1 << 12;

/// All groups at once.
#[derive(Debug)]
struct Groups<S: Sketch> {
    sketches: Vec<S>,
    empty: S,
    ty: Type,
    /// What each group has of few texts: its sketch need not be touched for every row. As long as this is there, sketches
    /// are empty.
    few: Option<Seen<S::Mark>>,
    /// The marks of other texts that were looked at.
    known: Known<S::Mark>,
    marks: Vec<S::Mark>,
}

impl<S: Sketch> Groups<S> {
    fn new(ty: Type, empty: S) -> Groups<S> {
        let few = (ty == Type::String).then(|| Seen::of(MOST_TEXTS));
        Groups { sketches: Vec::new(), empty, ty, few, known: Known::default(), marks: Vec::new() }
    }

    /// Gives the sketches what their groups have of few texts.
    fn settle(&mut self) {
        if let Some(few) = self.few.take() {
            self.sketches.iter_mut().enumerate().for_each(|(group, sketch)| sketch.take_distinct(few.marks(group)));
        }
    }

    /// The marks of a column's values; those of nulls are to be passed over.
    fn read(&mut self, array: &ArrayRef) {
        let Groups { known, marks, ty, .. } = self;
        marks.clear();
        match Texts::of(array).filter(|_| *ty == Type::String) {
            Some(texts) => known.read(texts, marks, |texts, rows, out| {
                let text = |row: usize| if texts.is_null(row) { "" } else { texts.value(row) };
                out.extend(rows.iter().map(|row| S::mark(&Value::String(text(*row).into()))));
            }),
            None => {
                let cells = Cells::new(array, *ty);
                marks.extend((0..array.len()).map(|row| S::mark(&cells.get(row))));
            }
        }
    }

    fn emitted(&mut self, emit: EmitTo) -> Vec<S> {
        self.settle();
        let sketches = emit.take_needed(&mut self.sketches);
        if self.sketches.is_empty() && self.ty == Type::String {
            self.few = Some(Seen::of(MOST_TEXTS));
        }
        sketches
    }
}

impl<S: Sketch> GroupsAccumulator for Groups<S> {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sketches.resize(total, self.empty.clone());
        let wanted = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        if let (Some(few), Some(texts)) = (&mut self.few, Texts::of(&arrays[0])) {
            if few.read(texts, total, |text| S::mark(&Value::String(text.into()))) {
                let rows = groups.iter().enumerate().filter(|(row, _)| wanted(*row));
                rows.for_each(|(row, group)| _ = few.insert(*group, row));
                return Ok(());
            }
            self.settle();
        }
        self.read(&arrays[0]);
        // A null text is the empty one.
        let nulls = arrays[0].logical_nulls().filter(|_| self.ty != Type::String);
        for (row, (group, mark)) in groups.iter().zip(&self.marks).enumerate() {
            if wanted(row) && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
                self.sketches[*group].take(*mark);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.settle();
        self.sketches.resize(total, self.empty.clone());
        for (state, group) in states[0].as_binary::<i32>().iter().zip(groups) {
            let merged = state.map_or(Some(()), |state| self.sketches[*group].merge(state));
            merged.ok_or_else(|| internal_datafusion_err!("broken state of distinct values"))?;
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let counts = self.emitted(emit).iter().map(Sketch::count).collect::<Vec<_>>();
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut states = Vec::new();
        let mut ends = vec![0];
        let mut end = |states: &Vec<u8>| {
            let Ok(end) = i32::try_from(states.len()) else {
                return exec_err!("there are more distinct values than one aggregation can hand on");
            };
            ends.push(end);
            Ok(())
        };
        match (&self.few, emit) {
            // Straight from the bits: what most groups have is in no sketch yet.
            (Some(few), EmitTo::All) => {
                let counts = (0..self.sketches.len()).map(|group| few.count(group).min(S::FEW));
                states.reserve(counts.sum::<usize>() * size_of::<S::Mark>() + self.sketches.len());
                for (group, sketch) in self.sketches.iter_mut().enumerate() {
                    match few.count(group) <= S::FEW {
                        true => S::write_few(few.marks(group), &mut states),
                        false => {
                            sketch.take_distinct(few.marks(group));
                            sketch.write(&mut states);
                        }
                    }
                    end(&states)?;
                }
                self.few = None;
                self.emitted(emit);
            }
            _ => {
                for sketch in self.emitted(emit) {
                    sketch.write(&mut states);
                    end(&states)?;
                }
            }
        }
        Ok(vec![Arc::new(BinaryArray::try_new(OffsetBuffer::new(ends.into()), states.into(), None)?)])
    }

    fn convert_to_state(&self, _: &[ArrayRef], _: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        internal_err!("distinct values of single rows")
    }

    fn size(&self) -> usize {
        let few = self.few.as_ref().map_or(0, Seen::size);
        sampled_size(&self.sketches, Sketch::size) + self.known.size() + few
    }
}
