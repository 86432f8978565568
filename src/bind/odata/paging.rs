//! Pages by where the last one ended: a `$skiptoken` holds the sort keys of its last row, so that rows which arrive in
//! between neither push any off the next page nor onto it twice.
use super::super::alerts::call;
use super::{all_of, any_of};
use crate::ir::{Scalar, SortKey};
use crate::types::Type;
use crate::value::{Value, real};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The token of a row's sort keys.
pub fn token(keys: &[Value<'_>]) -> String {
    let texts: Vec<Option<String>> = keys
        .iter()
        .map(|key| match key {
            Value::Null => None,
            Value::Long(x) | Value::Datetime(x) | Value::Timespan(x) => Some(x.to_string()),
            Value::Real(x) => Some(format!("{x:?}")),
            other => Some(other.text().into_owned()),
        })
        .collect();
    URL_SAFE_NO_PAD.encode(serde_json::to_string(&texts).unwrap_or_default())
}

/// What lies behind the row of a token in this order, and the time up to which its pages go where it has one; `None`
/// where the token is not of this order.
pub fn behind(token: &str, keys: &[SortKey]) -> Option<(Scalar, Option<i64>)> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim().trim_end_matches('=')).ok()?;
    let mut texts: Vec<Option<String>> = serde_json::from_slice(&bytes).ok()?;
    let until = if texts.len() == keys.len() + 1 { Some(texts.pop()??.parse().ok()?) } else { None };
    if texts.len() != keys.len() {
        return None;
    }
    let mut equal = Vec::new();
    let mut either = Vec::new();
    for (key, text) in keys.iter().zip(texts) {
        let ty = key.expr.ty();
        let value = match text {
            None => None,
            Some(text) => Some(read(&text, ty)?),
        };
        if let Some(further) = further(key, value.clone()) {
            either.push(all_of(equal.iter().cloned().chain([further]).collect()));
        }
        equal.push(match value {
            None => call("isnull", vec![key.expr.clone()], Type::Bool)?,
            Some(value) => call("==", vec![key.expr.clone(), Scalar::literal(value, ty)], Type::Bool)?,
        });
    }
    Some((any_of(either), until))
}

/// Whether a row comes behind the value by this key alone. Ascending, nulls come first; descending, last.
fn further(key: &SortKey, value: Option<Value<'static>>) -> Option<Scalar> {
    let ty = key.expr.ty();
    let Some(value) = value else {
        return if key.descending { None } else { call("isnotnull", vec![key.expr.clone()], Type::Bool) };
    };
    let (left, right) = match ty {
        Type::String => (
            call("strcmp", vec![key.expr.clone(), Scalar::literal(value, ty)], Type::Long)?,
            Scalar::literal(Value::Long(0), Type::Long),
        ),
        _ => (key.expr.clone(), Scalar::literal(value, ty)),
    };
    let past = call(if key.descending { "<" } else { ">" }, vec![left, right], Type::Bool)?;
    if !key.descending || ty == Type::String {
        return Some(past);
    }
    Some(any_of(vec![past, call("isnull", vec![key.expr.clone()], Type::Bool)?]))
}

fn read(text: &str, ty: Type) -> Option<Value<'static>> {
    Some(match ty {
        Type::String => Value::string(text.to_owned()),
        Type::Int | Type::Long => Value::Long(text.parse().ok()?),
        Type::Datetime => Value::Datetime(text.parse().ok()?),
        Type::Timespan => Value::Timespan(text.parse().ok()?),
        Type::Real => Value::Real(real::parse(text)?),
        Type::Bool | Type::Decimal | Type::Guid | Type::Dynamic => return None,
    })
}
