//! Any function of the function table as a DataFusion UDF: its row function over the cells of a batch.
use crate::columns::repeats::Repeats;
use crate::columns::{Cells, ColumnBuilder, arrow_type};
use crate::functions::{Call, Eval, Function, RowFn};
use crate::types::Type;
use crate::value::Value;
use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::hash::{Hash, Hasher};

#[derive(Debug)]
pub struct RowUdf {
    function: &'static Function,
    types: Vec<Type>,
    gives: Type,
    now: i64,
    signature: Signature,
}

impl PartialEq for RowUdf {
    fn eq(&self, other: &RowUdf) -> bool {
        self.function == other.function
            && self.types == other.types
            && self.gives == other.gives
            && self.now == other.now
    }
}

impl Eq for RowUdf {}

impl Hash for RowUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name().hash(state);
        self.types.hash(state);
        self.gives.hash(state);
    }
}

/// A call of the function on arguments of these types, whatever form they lie in.
pub fn call(function: &'static Function, types: Vec<Type>, gives: Type, now: i64, args: Vec<Expr>) -> Expr {
    let volatility = match function.eval {
        Eval::Volatile(_) => Volatility::Volatile,
        Eval::Row(_) | Eval::Binder => Volatility::Immutable,
    };
    let udf = RowUdf { function, types, gives, now, signature: Signature::user_defined(volatility) };
    ScalarUDF::new_from_impl(udf).call(args)
}

impl RowUdf {
    fn row_fn(&self) -> Result<RowFn> {
        match self.function.eval {
            Eval::Row(f) | Eval::Volatile(f) => Ok(f),
            Eval::Binder => internal_err!("`{}` reached a plan", self.function.name()),
        }
    }
}

impl ScalarUDFImpl for RowUdf {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(arrow_type(self.gives))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let f = self.row_fn()?;
        let call = Call { types: &self.types, gives: self.gives, now: self.now };
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let volatile = matches!(self.function.eval, Eval::Volatile(_));
        let rows = if constant && !volatile { 1 } else { args.number_rows };
        let mut columns: Vec<Argument> = args.args.into_iter().map(Argument::new).collect::<Result<_>>()?;
        let repeats = if volatile { None } else { repeats(&mut columns)? };
        let rows = repeats.as_ref().map_or(rows, |repeats| repeats.rows.len());
        let cells: Vec<(Cells<'_>, bool)> =
            columns.iter().zip(&self.types).map(|(arg, ty)| (Cells::new(&arg.array, *ty), arg.scalar)).collect();
        let mut builder = ColumnBuilder::new(self.gives, rows);
        let mut values: Vec<Value<'_>> = Vec::with_capacity(cells.len());
        for row in 0..rows {
            values.clear();
            values.extend(cells.iter().map(|(cells, scalar)| cells.get(if *scalar { 0 } else { row })));
            builder.push(&f(&call, &values));
        }
        let array = builder.finish();
        if let Some(repeats) = repeats {
            return Ok(ColumnarValue::Array(take(&array, &UInt32Array::from(repeats.texts), None)?));
        }
        if constant && !volatile {
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
        } else {
            Ok(ColumnarValue::Array(array))
        }
    }
}

/// Where all depends on one column whose texts repeat, each text is left once in its place.
fn repeats(columns: &mut [Argument]) -> Result<Option<Repeats>> {
    let mut arrays = columns.iter_mut().filter(|column| !column.scalar);
    let (Some(only), None) = (arrays.next(), arrays.next()) else { return Ok(None) };
    let Some(repeats) = only.array.as_string_view_opt().and_then(Repeats::of) else { return Ok(None) };
    only.array = take(&only.array, &UInt32Array::from(repeats.rows.clone()), None)?;
    Ok(Some(repeats))
}

/// An argument as an array: of one row where it is the same for all.
struct Argument {
    array: ArrayRef,
    scalar: bool,
}

impl Argument {
    fn new(value: ColumnarValue) -> Result<Argument> {
        Ok(match value {
            ColumnarValue::Array(array) => Argument { array, scalar: false },
            ColumnarValue::Scalar(value) => Argument { array: value.to_array_of_size(1)?, scalar: true },
        })
    }
}
