//! `bin` and `bin_at` of a datetime by a constant step: one pass over the ticks.
use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use std::cell::Cell;
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bin {
    signature: Signature,
}

/// Ticks, none of which is below zero, floored to a multiple of the step.
pub fn bin(ticks: Expr, step: i64) -> Expr {
    call(vec![ticks, lit(step)])
}

/// The same where one bin begins at `origin`; a bin that begins before all times is null.
pub fn bin_at(ticks: Expr, step: i64, origin: i64) -> Expr {
    call(vec![ticks, lit(step), lit(origin)])
}

fn call(args: Vec<Expr>) -> Expr {
    ScalarUDF::new_from_impl(Bin { signature: Signature::variadic_any(Volatility::Immutable) }).call(args)
}

impl ScalarUDFImpl for Bin {
    fn name(&self) -> &str {
        "bin"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let number = |at: usize| match args.args.get(at) {
            Some(ColumnarValue::Scalar(ScalarValue::Int64(Some(number)))) => Some(*number),
            _ => None,
        };
        let (Some(ticks), Some(step @ 1..)) = (args.args.first(), number(1)) else {
            return internal_err!("`bin` over {:?}", args.args);
        };
        let array = ticks.to_array(args.number_rows)?;
        let ticks = array.as_primitive::<Int64Type>();
        let binned: Int64Array = match number(2) {
            None => {
                // Times mostly come in order: few lie in another bin than the one before, and a division takes long.
                let begins = Cell::new(0);
                ticks.unary(|ticks| {
                    if ticks.wrapping_sub(begins.get()) as u64 >= step as u64 {
                        begins.set(ticks - ticks % step);
                    }
                    begins.get()
                })
            }
            Some(origin) => ticks.unary_opt(|ticks| {
                let begins = ticks - ticks.checked_sub(origin)?.rem_euclid(step);
                (begins >= 0).then_some(begins)
            }),
        };
        Ok(ColumnarValue::Array(Arc::new(binned)))
    }
}
