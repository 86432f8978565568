//! Any aggregation of the function table as a DataFusion UDAF: its fold over the cells of the batches.
use super::codec;
use super::one_group::OneGroup;
use crate::columns::dictionary::Texts;
use crate::columns::seen::Seen;
use crate::columns::{Cells, ColumnBuilder, arrow_type};
use crate::functions::aggregates::keys::text_fingerprint;
use crate::functions::{Aggregate, Call, Fold};
use crate::types::Type;
use crate::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
    expr::AggregateFunction,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

#[derive(Debug)]
pub struct FoldUdaf {
    aggregate: &'static Aggregate,
    types: Vec<Type>,
    /// One type, or those of the struct's fields.
    gives: Vec<Type>,
    now: i64,
    signature: Signature,
}

impl PartialEq for FoldUdaf {
    fn eq(&self, other: &FoldUdaf) -> bool {
        self.aggregate == other.aggregate && self.types == other.types && self.gives == other.gives
    }
}

impl Eq for FoldUdaf {}

impl Hash for FoldUdaf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.aggregate.name().hash(state);
        self.types.hash(state);
        self.gives.hash(state);
    }
}

/// The name of a field of a several-valued aggregation.
pub fn field_name(index: usize) -> String {
    format!("c{index}")
}

/// The aggregation as an expression; several outputs come as one struct.
pub fn call(aggregate: &'static Aggregate, types: Vec<Type>, gives: Vec<Type>, now: i64, args: Vec<Expr>) -> Expr {
    let udaf = FoldUdaf { aggregate, types, gives, now, signature: Signature::user_defined(Volatility::Immutable) };
    Expr::AggregateFunction(AggregateFunction::new_udf(
        Arc::new(AggregateUDF::new_from_impl(udaf)),
        args,
        false,
        None,
        vec![],
        None,
    ))
}

impl FoldUdaf {
    fn kind(&self) -> Kind {
        Kind { aggregate: self.aggregate, types: self.types.clone(), gives: self.gives.clone(), now: self.now }
    }

    fn output_type(&self) -> DataType {
        match self.gives.as_slice() {
            [one] => arrow_type(*one),
            several => DataType::Struct(fields(several)),
        }
    }
}

fn fields(types: &[Type]) -> Fields {
    types.iter().enumerate().map(|(at, ty)| Field::new(field_name(at), arrow_type(*ty), true)).collect()
}

impl AggregateUDFImpl for FoldUdaf {
    fn name(&self) -> &str {
        self.aggregate.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.output_type())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let mut groups = FoldGroups::new(self.kind());
        groups.grow(1);
        Ok(Box::new(OneGroup(groups)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(FoldGroups::new(self.kind())))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::Binary, true))])
    }
}

/// The call that folds are started for.
#[derive(Clone, Debug)]
struct Kind {
    aggregate: &'static Aggregate,
    types: Vec<Type>,
    gives: Vec<Type>,
    now: i64,
}

impl Kind {
    fn start(&self) -> Box<dyn Fold> {
        let gives = self.gives.first().copied().unwrap_or(Type::Dynamic);
        (self.aggregate.start)(&Call { types: &self.types, gives, now: self.now })
    }

    /// Which argument says of each row whether it counts.
    fn predicate(&self) -> Option<usize> {
        self.aggregate.takes.iter().position(|param| param.name == "predicate").filter(|at| *at < self.types.len())
    }

    /// Whether a row whose first value its group has had already changes nothing.
    fn ignores_repeats(&self) -> bool {
        let takes = self.aggregate.takes;
        let decides = |at: usize| takes.get(at).is_none_or(|param| !param.constant && Some(at) != self.predicate());
        !(1..self.types.len()).any(decides) && self.start().ignores_repeats()
    }

    fn cells<'a>(&self, arrays: &'a [ArrayRef]) -> Vec<Cells<'a>> {
        arrays.iter().zip(&self.types).map(|(array, ty)| Cells::new(array, *ty)).collect()
    }

    /// The answers of these folds: a column, or a struct of columns.
    fn finish<'f>(&self, folds: impl Iterator<Item = &'f Box<dyn Fold>>) -> ArrayRef {
        if let [one] = self.gives.as_slice() {
            let mut builder = ColumnBuilder::new(*one, 0);
            folds.for_each(|fold| builder.push(&fold.finish()));
            return builder.finish();
        }
        let mut builders: Vec<ColumnBuilder> = self.gives.iter().map(|ty| ColumnBuilder::new(*ty, 0)).collect();
        for fold in folds {
            let row = fold.finish_row();
            for (at, builder) in builders.iter_mut().enumerate() {
                builder.push(row.get(at).unwrap_or(&Value::Null));
            }
        }
        let columns = builders.into_iter().map(ColumnBuilder::finish).collect();
        Arc::new(StructArray::new(fields(&self.gives), columns, None))
    }
}

/// The values of a row, unless it would change nothing.
fn read<'a>(cells: &[Cells<'a>], row: usize, fold: &dyn Fold, values: &mut Vec<Value<'a>>) -> bool {
    values.clear();
    for (at, cells) in cells.iter().enumerate() {
        values.push(cells.get(row));
        if at == 1 && fold.passes_over(&values[0]) {
            return false;
        }
    }
    true
}

fn saved(fold: &dyn Fold) -> Vec<u8> {
    codec::encode(&fold.state())
}

fn merge(fold: &mut dyn Fold, state: &[u8]) -> Result<()> {
    let values = codec::decode(state).ok_or_else(|| internal_datafusion_err!("broken fold state"))?;
    fold.merge(&values);
    Ok(())
}

/// Whether more texts repeat is not asked.
const MOST_TEXTS: usize = 1 << 16;

/// All groups at once: a fold each, found by the group's number.
#[derive(Debug)]
struct FoldGroups {
    folds: Vec<Box<dyn Fold>>,
    kind: Kind,
    /// Where a repeated value changes nothing: the texts that each group has, as long as they are few. Most rows of most
    /// tables repeat, and finding a group's fold in memory takes longer than all else.
    seen: Option<Seen<u128>>,
}

impl FoldGroups {
    fn new(kind: Kind) -> FoldGroups {
        let seen = kind.ignores_repeats().then(|| Seen::of(MOST_TEXTS));
        FoldGroups { folds: Vec::new(), kind, seen }
    }

    fn grow(&mut self, groups: usize) {
        while self.folds.len() < groups {
            self.folds.push(self.kind.start());
        }
    }

    fn emitted(&mut self, emit: EmitTo) -> Vec<Box<dyn Fold>> {
        // The groups that stay have other numbers from now on.
        self.seen = None;
        let folds = emit.take_needed(&mut self.folds);
        if self.folds.is_empty() && self.kind.ignores_repeats() {
            self.seen = Some(Seen::of(MOST_TEXTS));
        }
        folds
    }
}

impl GroupsAccumulator for FoldGroups {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.grow(total);
        let cells = self.kind.cells(arrays);
        let predicate = self.kind.predicate().and_then(|at| arrays.get(at)?.as_boolean_opt());
        let wanted = |row: usize| {
            let lets_by = |test: &BooleanArray| test.is_valid(row) && test.value(row);
            filter.is_none_or(lets_by) && predicate.is_none_or(lets_by)
        };
        let texts = arrays.first().and_then(|array| array.as_string_view_opt());
        let mut seen = self.seen.take().filter(|_| texts.is_some());
        if let (Some(few), Some(texts)) = (&mut seen, texts)
            && !few.read(Texts::Views(texts), total, text_fingerprint)
        {
            seen = None;
        }
        let mut values: Vec<Value<'_>> = Vec::with_capacity(cells.len());
        for (row, group) in groups.iter().enumerate() {
            if !wanted(row) || seen.as_mut().is_some_and(|seen| !seen.insert(*group, row)) {
                continue;
            }
            let fold = &mut self.folds[*group];
            if read(&cells, row, fold.as_ref(), &mut values) {
                fold.add(&values);
            }
        }
        self.seen = seen;
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.grow(total);
        let states = states[0].as_binary::<i32>();
        for (state, group) in states.iter().zip(groups) {
            if let Some(state) = state {
                merge(self.folds[*group].as_mut(), state)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let folds = self.emitted(emit);
        Ok(self.kind.finish(folds.iter()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let folds = self.emitted(emit);
        Ok(vec![Arc::new(BinaryArray::from_iter_values(folds.iter().map(|fold| saved(fold.as_ref()))))])
    }

    /// Each row as the state of a fold that saw it alone: what DataFusion asks for where groups hardly repeat.
    fn convert_to_state(&self, arrays: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let cells = self.kind.cells(arrays);
        let rows = arrays.first().map_or(0, |array| array.len());
        let states = (0..rows).map(|row| {
            let mut fold = self.kind.start();
            if filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                let values: Vec<Value<'_>> = cells.iter().map(|cells| cells.get(row)).collect();
                fold.add(&values);
            }
            saved(fold.as_ref())
        });
        Ok(vec![Arc::new(BinaryArray::from_iter_values(states))])
    }

    fn size(&self) -> usize {
        sampled_size(&self.folds, |fold| fold.size()) + self.seen.as_ref().map_or(0, Seen::size)
    }
}

/// About how much the states of all groups take: asking each of them after every batch would cost more than folding.
pub fn sampled_size<T>(states: &[T], size: impl Fn(&T) -> usize) -> usize {
    const SAMPLE: usize = 64;
    let sample: Vec<usize> = states.iter().step_by(states.len().div_ceil(SAMPLE).max(1)).map(size).collect();
    let each = sample.iter().sum::<usize>() / sample.len().max(1) + SAMPLE;
    states.len() * each
}
