//! Elements of dynamics and pieces of text as values of a type: what does not fit is absent.
use crate::functions::{self, Call, Eval};
use crate::types::Type;
use crate::value::{Json, Value};

/// An element of a dynamic as a value of the type.
pub fn element(item: &Json, ty: Type) -> Value<'static> {
    match (ty, item) {
        (_, Json::Null) => Value::absent(ty),
        (Type::Dynamic, _) => Value::json(item.clone()),
        (Type::String, Json::String(text)) => Value::string(text.clone()),
        (Type::String, other) => Value::string(Value::json(other.clone()).text().into_owned()),
        (Type::Bool, Json::Bool(x)) => Value::Bool(*x),
        (Type::Long, Json::Number(x)) => x.as_i64().map_or_else(|| whole(x.as_f64()), Value::Long),
        (Type::Int, Json::Number(x)) => {
            let long = x.as_i64().map_or_else(|| whole(x.as_f64()), Value::Long);
            long.as_long().and_then(|x| i32::try_from(x).ok()).map_or(Value::Null, Value::Int)
        }
        (Type::Real, Json::Number(x)) => x.as_f64().map_or(Value::Null, Value::Real),
        (_, Json::String(text)) => from_text(text, ty),
        (_, other) => from_text(&other.to_string(), ty),
    }
}

fn whole(x: Option<f64>) -> Value<'static> {
    match x {
        Some(x) if x.abs() < 9.3e18 => Value::Long(x as i64),
        _ => Value::Null,
    }
}

/// A text as a value of the type, as the function `to…` of that type reads it.
pub fn from_text(text: &str, ty: Type) -> Value<'static> {
    let name = match ty {
        Type::String => return Value::string(text.to_string()),
        Type::Dynamic => "todynamic",
        Type::Bool => "tobool",
        Type::Int => "toint",
        Type::Long => "tolong",
        Type::Real => "toreal",
        Type::Decimal => "todecimal",
        Type::Datetime => "todatetime",
        Type::Timespan => "totimespan",
        Type::Guid => "toguid",
    };
    let call = Call { types: &[Type::String], gives: ty, now: 0 };
    match functions::scalar(name).map(|function| &function.eval) {
        Some(Eval::Row(f) | Eval::Volatile(f)) => f(&call, &[Value::string(text)]).into_owned(),
        Some(Eval::Binder) | None => Value::Null,
    }
}
