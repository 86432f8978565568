//! `time in (t1, t2, …)` over times as they lie, stored or not: one look into a table a row, and one expression for however
//! many times, where a list of literals would be gone through by every rule of the optimizer.
use arrow::array::{Array, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Places of the table for each time: so few are taken that a look mostly ends at the first.
const PLACES: usize = 4;

/// The times, and where to look for them.
#[derive(Debug)]
struct TimeSet {
    /// In order, each once.
    times: Vec<i64>,
    /// By their hash, one place after the other where that is taken. `None` is a free one.
    table: Vec<Option<i64>>,
    signature: Signature,
}

/// Whether `time` is one of these, which are in its own unit; null is none.
pub fn call(time: Expr, mut times: Vec<i64>) -> Expr {
    times.sort_unstable();
    times.dedup();
    let mut table = vec![None; (times.len() * PLACES).next_power_of_two()];
    for time in &times {
        let mut at = place(*time, table.len());
        while table[at].is_some() {
            at = (at + 1) & (table.len() - 1);
        }
        table[at] = Some(*time);
    }
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(TimeSet { times, table, signature }).call(vec![time])
}

fn place(time: i64, places: usize) -> usize {
    ((time as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (places - 1)
}

impl TimeSet {
    fn has(&self, time: i64) -> bool {
        let mut at = place(time, self.table.len());
        loop {
            match self.table.get(at) {
                Some(Some(found)) if *found == time => return true,
                Some(Some(_)) => at = (at + 1) & (self.table.len() - 1),
                _ => return false,
            }
        }
    }
}

impl PartialEq for TimeSet {
    fn eq(&self, other: &TimeSet) -> bool {
        self.times == other.times
    }
}

impl Eq for TimeSet {}

impl Hash for TimeSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.times.hash(state);
    }
}

impl ScalarUDFImpl for TimeSet {
    fn name(&self) -> &str {
        "in"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let time = args.first().map(|arg| arg.schema_name().to_string()).unwrap_or_default();
        // Two sets of one name would be taken for one column where they are computed.
        let ends = self.times.first().zip(self.times.last());
        let mut hasher = std::hash::DefaultHasher::new();
        self.hash(&mut hasher);
        Ok(format!("{time} in {} times, {ends:?}, {:x}", self.times.len(), hasher.finish()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = args.args[0].to_array(args.number_rows)?;
        let times = match array.data_type() {
            DataType::Int64 => array.as_primitive::<Int64Type>().values(),
            DataType::Timestamp(..) => match array.as_primitive_opt::<TimestampMicrosecondType>() {
                Some(times) => times.values(),
                None => return internal_err!("`in` over {}", array.data_type()),
            },
            other => return internal_err!("`in` over {other}"),
        };
        let found = BooleanBuffer::collect_bool(array.len(), |row| self.has(times[row]) && array.is_valid(row));
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(found, None))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_times_is_found_and_no_other() {
        let times: Vec<i64> = (0..5_000).map(|x: i64| x * x * 31 - 7).chain([i64::MIN, i64::MAX, 0]).collect();
        let Expr::ScalarFunction(function) = call(datafusion::logical_expr::lit(0i64), times.clone()) else { panic!() };
        let set = (function.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<TimeSet>().unwrap();
        assert!(times.iter().all(|time| set.has(*time)));
        assert!(!(1..5_000).map(|x: i64| x * x * 31 - 8).any(|time| set.has(time)));
    }
}
