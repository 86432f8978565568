//! Any aggregation of the function table as a DataFusion UDAF: its fold over the cells of the batches.
use super::codec;
use crate::columns::{Cells, arrow_type, column};
use crate::functions::{Aggregate, Call, Fold};
use crate::types::Type;
use crate::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, internal_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature, Volatility, expr::AggregateFunction,
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
        let gives = self.gives.first().copied().unwrap_or(Type::Dynamic);
        let fold = (self.aggregate.start)(&Call { types: &self.types, gives, now: self.now });
        Ok(Box::new(FoldAccumulator { fold, types: self.types.clone(), gives: self.gives.clone() }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[state]", args.name), DataType::Binary, true))])
    }
}

#[derive(Debug)]
struct FoldAccumulator {
    fold: Box<dyn Fold>,
    types: Vec<Type>,
    gives: Vec<Type>,
}

impl Accumulator for FoldAccumulator {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let cells: Vec<Cells<'_>> = arrays.iter().zip(&self.types).map(|(array, ty)| Cells::new(array, *ty)).collect();
        let rows = arrays.first().map_or(0, |array| array.len());
        let mut values: Vec<Value<'_>> = Vec::with_capacity(cells.len());
        for row in 0..rows {
            values.clear();
            values.extend(cells.iter().map(|cells| cells.get(row)));
            self.fold.add(&values);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states = states[0].as_binary::<i32>();
        for state in states.iter().flatten() {
            let values = codec::decode(state).ok_or_else(|| internal_datafusion_err!("broken fold state"))?;
            self.fold.merge(&values);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(codec::encode(&self.fold.state())))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.gives.as_slice() {
            [one] => scalar(*one, &self.fold.finish()),
            several => {
                let row = self.fold.finish_row();
                let absent = Value::Null;
                let arrays: Vec<ArrayRef> =
                    several.iter().enumerate().map(|(at, ty)| column(*ty, [row.get(at).unwrap_or(&absent)])).collect();
                Ok(ScalarValue::Struct(Arc::new(StructArray::new(fields(several), arrays, None))))
            }
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.fold.size()
    }
}

fn scalar(ty: Type, value: &Value<'_>) -> Result<ScalarValue> {
    ScalarValue::try_from_array(&column(ty, [value]), 0)
}
