//! When two values count as the same one: a fingerprint of type and content, of 128 bits where the answer must be exact
//! (two different values share one with a chance of 2⁻¹²⁸ a pair, which sets of any size that fits in memory may
//! ignore), of 64 where it is an estimate.
use crate::value::Value;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh64::xxh64;

/// Fingerprints are chance enough: hashing them again would only cost time.
pub type Marks<T> = HashSet<T, BuildHasherDefault<AsIs>>;

#[derive(Clone, Copy, Debug, Default)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh64(bytes, self.0);
    }

    fn write_u64(&mut self, x: u64) {
        self.0 = x;
    }

    fn write_u128(&mut self, x: u128) {
        self.0 = x as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The fingerprint of a value. Ints and longs of the same number are the same; so are 0.0 and -0.0, and all NaNs.
pub fn fingerprint(value: &Value<'_>) -> u128 {
    of(value, hash)
}

/// The half of the fingerprint that sketches go by.
pub fn mark(value: &Value<'_>) -> u64 {
    of(value, |bytes| xxh64(bytes, 0))
}

/// The fingerprint of a text.
pub fn text_fingerprint(text: &str) -> u128 {
    hash(text.as_bytes())
}

fn of<T>(value: &Value<'_>, hash: impl Fn(&[u8]) -> T) -> T {
    let number = |tag: u8, bytes: [u8; 16]| {
        let mut buffer = [0u8; 17];
        buffer[0] = tag;
        buffer[1..].copy_from_slice(&bytes);
        hash(&buffer)
    };
    let long = |tag: u8, x: i64| number(tag, i128::from(x).to_le_bytes());
    match value {
        Value::Null => long(0, 0),
        Value::Bool(x) => long(1, i64::from(*x)),
        Value::Int(x) => long(2, i64::from(*x)),
        Value::Long(x) => long(2, *x),
        Value::Real(x) => {
            let x = if x.is_nan() { f64::NAN } else { *x + 0.0 };
            number(3, u128::from(x.to_bits()).to_le_bytes())
        }
        Value::Decimal(x) => number(4, x.0.to_le_bytes()),
        Value::String(x) => hash(x.as_bytes()),
        Value::Datetime(x) => long(5, *x),
        Value::Timespan(x) => long(6, *x),
        Value::Guid(x) => number(7, x.to_le_bytes()),
        // Compact JSON with a mark before it, so that a dynamic is not taken for a string.
        Value::Dynamic(x) => hash(format!("\u{0}{}", x.tree()).as_bytes()),
    }
}

fn hash(bytes: &[u8]) -> u128 {
    u128::from(xxh64(bytes, 0x9E37_79B9_7F4A_7C15)) << 64 | u128::from(xxh64(bytes, 0))
}
