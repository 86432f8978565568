//! `bin` of a datetime by a constant step: one pass over the ticks.
use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bin {
    signature: Signature,
}

/// Ticks, none of which is below zero, floored to a multiple of the step.
pub fn bin(ticks: Expr, step: i64) -> Expr {
    let udf = Bin { signature: Signature::any(2, Volatility::Immutable) };
    ScalarUDF::new_from_impl(udf).call(vec![ticks, lit(step)])
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
        let [ticks, ColumnarValue::Scalar(ScalarValue::Int64(Some(step)))] = args.args.as_slice() else {
            return internal_err!("`bin` over {:?}", args.args);
        };
        if *step <= 0 {
            return internal_err!("`bin` by {step}");
        }
        let array = ticks.to_array(args.number_rows)?;
        let binned: Int64Array = array.as_primitive::<Int64Type>().unary(|ticks| ticks - ticks % step);
        Ok(ColumnarValue::Array(Arc::new(binned)))
    }
}
