//! Reals as keys. Arrow orders them by their bits: it tells the two zeros and the many NaNs apart and puts a NaN above or
//! below all numbers by its sign. In KQL a zero is a zero, a NaN is a NaN, and it stands with the nulls.
use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// What is made of a real.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// The same number with one zero and one NaN: for groups and joins.
    Plain,
    /// A whole number in the order of the reals, NaN below all of them.
    NanLow,
    /// As `NanLow`, NaN above all of them.
    NanHigh,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RealKey {
    key: Key,
    signature: Signature,
}

/// A real to group or join by.
pub fn plain(expr: Expr) -> Expr {
    call(Key::Plain, expr)
}

/// A real to sort by: NaN comes next to the nulls.
pub fn order(expr: Expr, descending: bool, nulls_first: bool) -> Expr {
    call(if descending == nulls_first { Key::NanHigh } else { Key::NanLow }, expr)
}

fn call(key: Key, expr: Expr) -> Expr {
    let udf = RealKey { key, signature: Signature::any(1, Volatility::Immutable) };
    ScalarUDF::new_from_impl(udf).call(vec![expr])
}

fn one_zero_one_nan(x: f64) -> f64 {
    if x.is_nan() { f64::NAN } else { x + 0.0 }
}

/// The order of reals without NaN, as that of whole numbers.
fn ordinal(x: f64) -> i64 {
    let bits = (x + 0.0).to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

impl ScalarUDFImpl for RealKey {
    fn name(&self) -> &str {
        match self.key {
            Key::Plain => "real_key",
            Key::NanLow => "real_order_nan_low",
            Key::NanHigh => "real_order_nan_high",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.key == Key::Plain { DataType::Float64 } else { DataType::Int64 })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = args.args[0].to_array(args.number_rows)?;
        let reals = array.as_primitive::<Float64Type>();
        let order = |nan: i64| -> ArrayRef {
            let keys: Int64Array = reals.unary(|x| if x.is_nan() { nan } else { ordinal(x) });
            Arc::new(keys)
        };
        Ok(ColumnarValue::Array(match self.key {
            Key::Plain => {
                let keys: Float64Array = reals.unary(one_zero_one_nan);
                Arc::new(keys)
            }
            Key::NanLow => order(i64::MIN),
            Key::NanHigh => order(i64::MAX),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_keep_the_order_and_have_one_zero() {
        let reals = [f64::NEG_INFINITY, f64::MIN, -1.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 2.0, f64::MAX, f64::INFINITY];
        assert!(reals.windows(2).all(|two| ordinal(two[0]) < ordinal(two[1])));
        assert!(ordinal(f64::NEG_INFINITY) > i64::MIN && ordinal(f64::INFINITY) < i64::MAX);
        assert_eq!(ordinal(-0.0), ordinal(0.0));
    }
}
