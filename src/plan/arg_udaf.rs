//! `arg_max` and `arg_min` by a whole number or a time: the same as their fold in the function table, which tests hold it
//! against, with the rows kept as they came, in columns. Of a batch only the rows that are the best of their groups are
//! kept; where many of these have been surpassed, the others are put together anew.
use super::fold_udaf::field_name;
use super::one_group::OneGroup;
use crate::columns::{Cells, arrow_type, column, ticks_of_micros};
use crate::types::Type;
use crate::value::Value;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray, StructArray, UInt32Array, new_empty_array,
};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
    expr::AggregateFunction,
};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extreme {
    Greatest,
    Least,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Arg {
    wants: Extreme,
    types: Vec<Type>,
    signature: Signature,
}

/// Types that a row can be chosen by.
pub fn is_key(ty: Type) -> bool {
    matches!(ty, Type::Long | Type::Datetime | Type::Timespan)
}

/// The first of these expressions and the others of the row that has the greatest or least of it, as one struct.
pub fn call(wants: Extreme, types: Vec<Type>, args: Vec<Expr>) -> Expr {
    let udaf = Arg { wants, types, signature: Signature::user_defined(Volatility::Immutable) };
    let udaf = Arc::new(AggregateUDF::new_from_impl(udaf));
    Expr::AggregateFunction(AggregateFunction::new_udf(udaf, args, false, None, vec![], None))
}

impl AggregateUDFImpl for Arg {
    fn name(&self) -> &str {
        match self.wants {
            Extreme::Greatest => "arg_max",
            Extreme::Least => "arg_min",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields(&self.types)))
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let mut rows = Rows::new(self.wants, &self.types);
        rows.best.push(Place::default());
        Ok(Box::new(OneGroup(rows)))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Rows::new(self.wants, &self.types)))
    }

    /// Whether there is a row, and its cells.
    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = |part: &str| format!("{}[{part}]", args.name);
        let there = Field::new(name("there"), DataType::Boolean, true);
        let cells = fields(&self.types);
        let cells = cells.iter().map(|cell| cell.as_ref().clone().with_name(name(cell.name())));
        Ok(std::iter::once(there).chain(cells).map(Arc::new).collect())
    }
}

fn fields(types: &[Type]) -> Fields {
    types.iter().enumerate().map(|(at, ty)| Field::new(field_name(at), arrow_type(*ty), true)).collect()
}

/// Rows beyond twice those that are wanted, before the wanted ones are put together anew; parts of them likewise.
const SURPASSED: usize = 1 << 16;
const MOST_PARTS: usize = 1 << 10;
const NO_PART: u32 = u32::MAX;

/// Where the best row of a group is.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// What it was chosen by, if that was not null.
    key: Option<i64>,
    part: u32,
    row: u32,
}

impl Default for Place {
    fn default() -> Place {
        Place { key: None, part: NO_PART, row: 0 }
    }
}

/// The best rows of all groups.
#[derive(Debug)]
struct Rows {
    wants: Extreme,
    types: Vec<Type>,
    best: Vec<Place>,
    /// Columns in native form, with the best rows of a batch each.
    parts: Vec<Vec<ArrayRef>>,
    /// Rows in all parts, and groups that have one.
    held: usize,
    wanted: usize,
    bytes: usize,
    candidates: Vec<usize>,
}

impl Rows {
    fn new(wants: Extreme, types: &[Type]) -> Rows {
        let types = types.to_vec();
        let (best, parts, candidates) = Default::default();
        Rows { wants, types, best, parts, held: 0, wanted: 0, bytes: 0, candidates }
    }

    /// The first of equals stays, and nothing gives way to null.
    fn surpasses(&self, key: Option<i64>, best: &Place) -> bool {
        match (key, best.key) {
            _ if best.part == NO_PART => true,
            (None, _) => false,
            (Some(_), None) => true,
            (Some(key), Some(best)) if self.wants == Extreme::Greatest => key > best,
            (Some(key), Some(best)) => key < best,
        }
    }

    /// Takes in the rows of a batch that count.
    fn add(&mut self, arrays: &[ArrayRef], groups: &[usize], counts: impl Fn(usize) -> bool) -> Result<()> {
        let keys = native(&arrays[0], self.types[0])?;
        let keys = keys.as_primitive::<Int64Type>();
        let key = |row: usize| keys.is_valid(row).then(|| keys.value(row));
        // All are looked at before any is taken, so that the processor waits for memory once for many.
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        let better = |(row, group): &(usize, &usize)| self.surpasses(key(*row), &self.best[**group]) && counts(*row);
        candidates.extend(groups.iter().enumerate().filter(better).map(|(row, _)| row));
        let part = self.parts.len() as u32;
        let mut rows: Vec<u32> = Vec::new();
        for row in &candidates {
            let best = self.best[groups[*row]];
            if !self.surpasses(key(*row), &best) {
                continue;
            }
            self.wanted += usize::from(best.part == NO_PART);
            // A row of this very batch gives its place away.
            let at = if best.part == part { best.row } else { rows.len() as u32 };
            match rows.get_mut(at as usize) {
                Some(place) => *place = *row as u32,
                None => rows.push(*row as u32),
            }
            self.best[groups[*row]] = Place { key: key(*row), part, row: at };
        }
        self.candidates = candidates;
        if rows.is_empty() {
            return Ok(());
        }
        self.held += rows.len();
        let rows = UInt32Array::from(rows);
        let cells = arrays.iter().zip(&self.types).map(|(array, ty)| alone(native(&take(array, &rows, None)?, *ty)?));
        self.push(cells.collect::<Result<_>>()?);
        if self.held > 2 * self.wanted + SURPASSED || self.parts.len() > MOST_PARTS {
            self.compact()?;
        }
        Ok(())
    }

    fn push(&mut self, part: Vec<ArrayRef>) {
        self.bytes += part.iter().map(|array| array.get_array_memory_size()).sum::<usize>();
        self.parts.push(part);
    }

    /// Puts the wanted rows into one part.
    fn compact(&mut self) -> Result<()> {
        let cells = self.cells(&self.best)?.into_iter().map(alone).collect::<Result<_>>()?;
        for (row, best) in self.best.iter_mut().enumerate().filter(|(_, best)| best.part != NO_PART) {
            (best.part, best.row) = (0, row as u32);
        }
        (self.parts, self.bytes, self.held) = (Vec::new(), 0, self.best.len());
        self.push(cells);
        Ok(())
    }

    /// The cells of some rows; what is absent, where there is none.
    fn cells(&self, places: &[Place]) -> Result<Vec<ArrayRef>> {
        let none = self.parts.len();
        let at = |place: &Place| match place.part {
            NO_PART => (none, 0),
            part => (part as usize, place.row as usize),
        };
        let at: Vec<(usize, usize)> = places.iter().map(at).collect();
        let cells = self.types.iter().enumerate().map(|(column_at, ty)| {
            let absent = column(*ty, [&Value::absent(*ty)]);
            let parts = self.parts.iter().map(|part| part[column_at].as_ref());
            let parts: Vec<&dyn Array> = parts.chain([absent.as_ref()]).collect();
            Ok(if at.is_empty() { new_empty_array(&arrow_type(*ty)) } else { interleave(&parts, &at)? })
        });
        cells.collect()
    }

    fn emitted(&mut self, emit: EmitTo) -> Result<(BooleanArray, Vec<ArrayRef>)> {
        let places = emit.take_needed(&mut self.best);
        let there: BooleanArray = places.iter().map(|place| Some(place.part != NO_PART)).collect();
        let cells = self.cells(&places)?;
        self.wanted -= there.true_count();
        if self.best.is_empty() {
            (self.parts, self.bytes, self.held) = (Vec::new(), 0, 0);
        }
        Ok((there, cells))
    }
}

/// A column as plans have it.
fn native(array: &ArrayRef, ty: Type) -> Result<ArrayRef> {
    let cells = Cells::new(array, ty);
    Ok(match (ty, array.data_type()) {
        (Type::Datetime, DataType::Timestamp(..)) if array.as_primitive_opt::<TimestampMicrosecondType>().is_some() => {
            let ticks: Int64Array = array.as_primitive::<TimestampMicrosecondType>().unary(ticks_of_micros);
            Arc::new(ticks)
        }
        (Type::String, DataType::Utf8View) if array.null_count() == 0 => Arc::clone(array),
        (Type::String | Type::Dynamic | Type::Guid, _) => {
            let values: Vec<Value<'_>> = (0..array.len()).map(|row| cells.get(row)).collect();
            column(ty, &values)
        }
        (ty, found) if *found == arrow_type(ty) => Arc::clone(array),
        (ty, _) => arrow::compute::cast(array, &arrow_type(ty))?,
    })
}

/// A column that keeps nothing in memory but its own texts.
fn alone(array: ArrayRef) -> Result<ArrayRef> {
    let texts = array.as_string_view_opt().map(StringViewArray::gc);
    Ok(texts.map_or(array, |texts| Arc::new(texts)))
}

impl GroupsAccumulator for Rows {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.best.resize(total, Place::default());
        self.add(arrays, groups, |row| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.best.resize(total, Place::default());
        let there = states[0].as_boolean();
        self.add(&states[1..], groups, |row| there.is_valid(row) && there.value(row))
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (_, cells) = self.emitted(emit)?;
        Ok(Arc::new(StructArray::new(fields(&self.types), cells, None)))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (there, cells) = self.emitted(emit)?;
        Ok(std::iter::once(Arc::new(there) as ArrayRef).chain(cells).collect())
    }

    /// Each row as the state of a group that saw it alone: what DataFusion asks for where groups hardly repeat.
    fn convert_to_state(&self, arrays: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = arrays.first().map_or(0, |array| array.len());
        let mut each = Rows::new(self.wants, &self.types);
        each.update_batch(arrays, &(0..rows).collect::<Vec<_>>(), filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.best.capacity() * size_of::<Place>() + self.bytes
    }
}
