//! `range`: the values from one end to the other, both included.
use crate::types::Type;
use crate::value::{Decimal, Value};

/// One row a value; nothing where the step leads away from the end, or nowhere. The error is the number of rows, where
/// that is more than `most`.
pub fn range(
    from: &Value<'_>,
    to: &Value<'_>,
    step: &Value<'_>,
    ty: Type,
    most: u64,
) -> Result<Vec<Vec<Value<'static>>>, u64> {
    let bounded = |count: f64| if count > most as f64 { Err(count as u64) } else { Ok(()) };
    let mut rows = Vec::new();
    if let (Type::Real, Some(from), Some(to), Some(step)) = (ty, from.as_real(), to.as_real(), step.as_real()) {
        if step == 0.0 || !(from.is_finite() && to.is_finite() && step.is_finite()) {
            return Ok(rows);
        }
        bounded((to - from) / step)?;
        let inside = |at: f64| if step > 0.0 { at <= to } else { at >= to };
        let values = (0u32..).map(|count| from + f64::from(count) * step).take_while(|at| inside(*at));
        rows.extend(values.map(|at| vec![Value::Real(at)]));
        return Ok(rows);
    }
    let whole = |value: &Value<'_>| match value {
        Value::Datetime(x) | Value::Timespan(x) => Some(i128::from(*x)),
        Value::Decimal(x) => Some(x.0),
        Value::Int(_) | Value::Long(_) if ty == Type::Decimal => value.as_long().map(|x| Decimal::from_long(x).0),
        other => other.as_long().map(i128::from),
    };
    let (Some(from), Some(to), Some(step)) = (whole(from), whole(to), whole(step)) else { return Ok(rows) };
    if step == 0 {
        return Ok(rows);
    }
    bounded((to as f64 - from as f64) / step as f64)?;
    let mut at = from;
    while (step > 0 && at <= to) || (step < 0 && at >= to) {
        rows.push(vec![match ty {
            Type::Int => i32::try_from(at).map_or(Value::Null, Value::Int),
            Type::Long => i64::try_from(at).map_or(Value::Null, Value::Long),
            Type::Datetime => i64::try_from(at).map_or(Value::Null, Value::Datetime),
            Type::Timespan => i64::try_from(at).map_or(Value::Null, Value::Timespan),
            Type::Decimal => Value::Decimal(Decimal(at)),
            Type::Bool | Type::Real | Type::String | Type::Guid | Type::Dynamic => Value::absent(ty),
        }]);
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(rows)
}
