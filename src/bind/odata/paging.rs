//! Pages by where the last one ended: a `$skiptoken` holds the sort keys of its last row, so that rows which arrive in
//! between neither push any off the next page nor onto it twice. It bears a checksum over itself and the question, so
//! that one which was changed, or is of another question, is refused and not misread.
use super::super::alerts::call;
use super::{PAGE, PAGE_SIZE, all_of, any_of};
use crate::ir::{Rel, RelOp, Scalar, SortKey};
use crate::types::Type;
use crate::value::{Value, real};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of the checksum.
const CHECK: usize = 9;

/// How many entities a page has: what the client prefers, where that is fewer than all that fit.
pub fn size(parameters: &[(String, String)]) -> u64 {
    let preferred = parameters.iter().find(|(name, _)| name == PAGE_SIZE).and_then(|(_, size)| size.parse().ok());
    preferred.map_or(PAGE, |size: u64| size.clamp(1, PAGE))
}

/// The end of a page: the sort keys of its last row as texts, and how many rows of the page's end have just these where
/// more of them are to come, since rows may be the same in everything.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    keys: Vec<Option<String>>,
    rows: u64,
}

fn checksum(asked: &str, payload: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update((asked.len() as u64).to_le_bytes());
    hash.update(asked.as_bytes());
    hash.update(payload);
    hash.finalize()[..CHECK].to_vec()
}

fn end(token: &str, asked: &str) -> Option<End> {
    let bytes = URL_SAFE_NO_PAD.decode(token.trim().trim_end_matches('=')).ok()?;
    let (check, payload) = bytes.split_at_checked(CHECK)?;
    if check != checksum(asked, payload) {
        return None;
    }
    serde_json::from_slice(payload).ok()
}

/// The token of a page that ends with these sort keys, `rows` times, and more of them to come. `before` is the token that
/// the page began behind, and `all` whether all its rows have these keys.
pub fn token(asked: &str, keys: &[Value<'_>], rows: u64, all: bool, before: Option<&str>) -> String {
    let texts: Vec<Option<String>> = keys
        .iter()
        .map(|key| match key {
            Value::Null => None,
            Value::Long(x) | Value::Datetime(x) | Value::Timespan(x) => Some(x.to_string()),
            Value::Real(x) => Some(format!("{x:?}")),
            other => Some(other.text().into_owned()),
        })
        .collect();
    let earlier = before.filter(|_| all && rows > 0).and_then(|token| end(token, asked));
    let earlier = earlier.filter(|end| end.keys == texts).map_or(0, |end| end.rows);
    let payload = serde_json::to_vec(&End { keys: texts, rows: rows + earlier }).unwrap_or_default();
    let mut bytes = checksum(asked, &payload);
    bytes.extend_from_slice(&payload);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What lies behind a page's end.
pub struct Behind {
    /// Rows with keys that come later.
    pub further: Scalar,
    /// Rows with the same keys, of which so many are on earlier pages.
    same: Option<(Scalar, u64)>,
    /// The time up to which the pages go, where they go by a time.
    pub until: Option<i64>,
}

impl Behind {
    /// Whether rows with later keys are all there are.
    pub fn is_further(&self) -> bool {
        self.same.is_none()
    }

    /// Those rows of a relation; they are in no order.
    pub fn rows(self, rel: Rel) -> Rel {
        let Some((same, count)) = self.same else { return super::filtered(rel, self.further) };
        let schema = rel.schema.clone();
        let same = super::filtered(rel.clone(), same);
        let rest = Rel { op: RelOp::Skip { input: Box::new(same), count }, schema: schema.clone() };
        let inputs = vec![super::filtered(rel, self.further), rest];
        Rel { op: RelOp::Union { inputs }, schema }
    }
}

/// What lies behind the row of a token in this order; `None` where the token is not of this question.
pub fn behind(token: &str, asked: &str, keys: &[SortKey]) -> Option<Behind> {
    let End { keys: mut texts, rows } = end(token, asked)?;
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
    Some(Behind { further: any_of(either), same: (rows > 0).then(|| (all_of(equal), rows)), until })
}

/// Whether a row comes behind the value by this key alone. Ascending, nulls come first; descending, last.
fn further(key: &SortKey, value: Option<Value<'static>>) -> Option<Scalar> {
    let Some(value) = value else {
        return if key.descending { None } else { call("isnotnull", vec![key.expr.clone()], Type::Bool) };
    };
    let past = ordered(key, if key.descending { "<" } else { ">" }, Scalar::literal(value, key.expr.ty()))?;
    if !key.descending || key.expr.ty() == Type::String {
        return Some(past);
    }
    Some(any_of(vec![past, call("isnull", vec![key.expr.clone()], Type::Bool)?]))
}

fn ordered(key: &SortKey, symbol: &str, other: Scalar) -> Option<Scalar> {
    let (left, right) = match key.expr.ty() {
        Type::String => {
            (call("strcmp", vec![key.expr.clone(), other], Type::Long)?, Scalar::literal(Value::Long(0), Type::Long))
        }
        _ => (key.expr.clone(), other),
    };
    call(symbol, vec![left, right], Type::Bool)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_question() {
        let keys = [SortKey { expr: Scalar::column("a", Type::Long), descending: true, nulls_first: false }];
        let made = token("alerts?filter=a", &[Value::Long(5)], 0, false, None);
        assert!(behind(&made, "alerts?filter=a", &keys).is_some());
        assert!(behind(&made, "alerts?filter=b", &keys).is_none());
        for at in 0..made.len() {
            let mut changed = made.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("letters");
            assert!(behind(&changed, "alerts?filter=a", &keys).is_none(), "{at}");
        }
        assert!(behind("", "", &keys).is_none());
    }

    #[test]
    fn rows_that_are_the_same_are_counted_over_pages() {
        let one = token("q", &[Value::Long(5)], 2, true, None);
        let two = token("q", &[Value::Long(5)], 2, true, Some(&one));
        assert_eq!(end(&two, "q").map(|end| end.rows), Some(4));
        let other = token("q", &[Value::Long(6)], 1, false, Some(&two));
        assert_eq!(end(&other, "q").map(|end| end.rows), Some(1));
    }
}
