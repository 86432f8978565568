//! The state of a fold as bytes, between partial and final aggregation.
use crate::value::{Decimal, Dynamic, Value};
use std::borrow::Cow;

pub fn encode(values: &[Value<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() * 9);
    for value in values {
        match value {
            Value::Null => out.push(0),
            Value::Bool(x) => out.extend([1, u8::from(*x)]),
            Value::Int(x) => tagged(&mut out, 2, &x.to_le_bytes()),
            Value::Long(x) => tagged(&mut out, 3, &x.to_le_bytes()),
            Value::Real(x) => tagged(&mut out, 4, &x.to_le_bytes()),
            Value::Decimal(x) => tagged(&mut out, 5, &x.0.to_le_bytes()),
            Value::String(x) => text(&mut out, 6, x),
            Value::Datetime(x) => tagged(&mut out, 7, &x.to_le_bytes()),
            Value::Timespan(x) => tagged(&mut out, 8, &x.to_le_bytes()),
            Value::Guid(x) => tagged(&mut out, 9, &x.to_le_bytes()),
            Value::Dynamic(x) => text(&mut out, 10, &x.json_text()),
        }
    }
    out
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn text(out: &mut Vec<u8>, tag: u8, text: &str) {
    tagged(out, tag, &(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// The values again; `None` where the bytes are not what [`encode`] writes.
pub fn decode(bytes: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut rest = bytes;
    let mut values = Vec::new();
    while let Some((tag, tail)) = rest.split_first() {
        rest = tail;
        values.push(match tag {
            0 => Value::Null,
            1 => Value::Bool(take::<1>(&mut rest)?[0] != 0),
            2 => Value::Int(i32::from_le_bytes(take(&mut rest)?)),
            3 => Value::Long(i64::from_le_bytes(take(&mut rest)?)),
            4 => Value::Real(f64::from_le_bytes(take(&mut rest)?)),
            5 => Value::Decimal(Decimal(i128::from_le_bytes(take(&mut rest)?))),
            6 => Value::String(Cow::Borrowed(take_text(&mut rest)?)),
            7 => Value::Datetime(i64::from_le_bytes(take(&mut rest)?)),
            8 => Value::Timespan(i64::from_le_bytes(take(&mut rest)?)),
            9 => Value::Guid(u128::from_le_bytes(take(&mut rest)?)),
            10 => Value::Dynamic(Dynamic::Text(Cow::Borrowed(take_text(&mut rest)?))),
            _ => return None,
        });
    }
    Some(values)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    std::str::from_utf8(head).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back() {
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(-1),
            Value::Long(i64::MIN),
            Value::Real(0.1),
            Value::Decimal(Decimal(-5)),
            Value::string("häuser"),
            Value::Datetime(7),
            Value::Timespan(-7),
            Value::Guid(u128::MAX),
            Value::Dynamic(Dynamic::Text("[1]".into())),
        ];
        assert_eq!(decode(&encode(&values)).unwrap(), values);
        assert_eq!(decode(&[6, 9, 0, 0, 0, b'x']), None);
    }
}
