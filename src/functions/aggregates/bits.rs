//! Bits of all values put together.
use crate::functions::{Aggregate, Call, Fold, Gives, one};
use crate::types::{Type, Types};
use crate::value::Value;

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["binary_all_and"],
        doc: "The bits that all values have; nulls are passed over.",
        takes: &[one("expr", Types::INTEGER)],
        gives: Gives::SameAs(0),
        column: "",
        start: |call| start(call, |a, b| a & b),
        examples: &[("datatable(x:long)[7, 13] | summarize binary_all_and(x)", "5")],
        differs: None,
    },
    Aggregate {
        names: &["binary_all_or"],
        doc: "The bits that any of the values has; nulls are passed over.",
        takes: &[one("expr", Types::INTEGER)],
        gives: Gives::SameAs(0),
        column: "",
        start: |call| start(call, |a, b| a | b),
        examples: &[("datatable(x:long)[4, 9] | summarize binary_all_or(x)", "13")],
        differs: None,
    },
    Aggregate {
        names: &["binary_all_xor"],
        doc: "The bits that an odd number of values have; nulls are passed over.",
        takes: &[one("expr", Types::INTEGER)],
        gives: Gives::SameAs(0),
        column: "",
        start: |call| start(call, |a, b| a ^ b),
        examples: &[("datatable(x:long)[7, 13] | summarize binary_all_xor(x)", "10")],
        differs: None,
    },
];

fn start(call: &Call<'_>, join: fn(i64, i64) -> i64) -> Box<dyn Fold> {
    Box::new(Bits { join, gives: call.gives, bits: None })
}

#[derive(Debug)]
struct Bits {
    join: fn(i64, i64) -> i64,
    gives: Type,
    bits: Option<i64>,
}

impl Fold for Bits {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(x) = args.first().and_then(Value::as_long) {
            self.bits = Some(self.bits.map_or(x, |bits| (self.join)(bits, x)));
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.bits.map_or(Value::Null, Value::Long)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        self.add(state);
    }
    fn finish(&self) -> Value<'static> {
        match self.bits {
            None => Value::Null,
            Some(bits) if self.gives == Type::Int => Value::Int(bits as i32),
            Some(bits) => Value::Long(bits),
        }
    }
    fn size(&self) -> usize {
        0
    }
}
