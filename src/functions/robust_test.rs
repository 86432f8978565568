//! No row function panics, whatever values of its parameters' types it gets.
use super::{Arg, Call, Eval, Function, Gives, Occurs};
use crate::types::Type;
use crate::value::{Decimal, Dynamic, Value};
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A small generator of numbers, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

const LONGS: [i64; 12] = [0, 1, -1, 2, 3, 7, 20, 100, -5, i64::MAX, i64::MIN, 637_134_336_000_000_000];
const REALS: [f64; 11] = [0.0, -0.0, 1.0, -1.5, 0.5, 1e300, -1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 45.25];
const TEXTS: [&str; 26] = [
    "",
    "a",
    "A b c",
    "日本語 text",
    "é",
    "\u{0}\u{1f600}x",
    "10",
    "-3.5",
    "true",
    "2020-01-01",
    "1.02:03:04",
    "(",
    "[a-z]+(b)?",
    "https://u:p@h.com:1/p?q=1#f",
    "C:\\temp\\a.txt",
    "<a b='c'>d</a>",
    "{\"a\":[1,2]}",
    "1.2.3.4",
    "10.0.0.0/8",
    "fe80::1/64",
    "day",
    "yyyy-MM-dd HH:mm",
    "S3VzdG8=",
    "xn--a",
    "89c259",
    "862a1072fffffff",
];

fn value(chance: &mut Chance, ty: Type) -> Value<'static> {
    if chance.below(8) == 0 {
        return Value::absent(ty);
    }
    match ty {
        Type::Bool => Value::Bool(chance.below(2) == 0),
        Type::Int => Value::Int(chance.of(&LONGS) as i32),
        Type::Long => Value::Long(chance.of(&LONGS)),
        Type::Real => Value::Real(chance.of(&REALS)),
        Type::Decimal => {
            Value::Decimal(Decimal(chance.of(&[0, 1, -1, 10i128.pow(38) - 1, 1 - 10i128.pow(38), 10i128.pow(18)])))
        }
        Type::String => Value::string(chance.of(&TEXTS)),
        Type::Datetime => Value::Datetime(chance.of(&[0, 1, crate::value::datetime::MAX, 637_134_336_000_000_000])),
        Type::Timespan => Value::Timespan(chance.of(&LONGS)),
        Type::Guid => Value::Guid(chance.of(&[0, 1, u128::MAX])),
        Type::Dynamic => match chance.below(12) {
            0 => Value::Dynamic(Dynamic::Text("[1,\"a\",null,{\"b\":2}]".into())),
            1 => Value::Dynamic(Dynamic::Text("not json".into())),
            2 => Value::json(json!([])),
            3 => Value::json(json!({})),
            4 => Value::json(json!([1, 2, 3, 4, 5, 6, 7, 8])),
            5 => Value::json(json!([1.5, "NaN", null, -1e300, i64::MIN, u64::MAX])),
            6 => Value::json(json!({"a": {"b": [1]}, "c": "d", "é": null})),
            7 => Value::json(json!(["a", "b", "é", ""])),
            8 => Value::json(json!({"type": "Polygon", "coordinates": [[[0, 0], [9, 1], [9, 9], [0, 0]]]})),
            9 => Value::json(json!({"type": "LineString", "coordinates": [[0, 0], [180, 90], [-180, -90]]})),
            10 => Value::json(json!(chance.of(&TEXTS))),
            _ => Value::json(json!(chance.of(&LONGS))),
        },
    }
}

fn call(chance: &mut Chance, one: &Function) -> Option<String> {
    let Eval::Row(f) = one.eval else { return None };
    let mut types = Vec::new();
    for param in one.takes {
        let times = match param.occurs {
            Occurs::One => 1,
            Occurs::Optional => chance.below(2),
            Occurs::Many { min, max } => min + chance.below((max - min).min(3) + 1),
        };
        if times == 0 && param.occurs == Occurs::Optional {
            break;
        }
        let allowed: Vec<Type> = param.types.iter().collect();
        types.extend((0..times).map(|_| chance.of(&allowed)));
    }
    let values: Vec<Value<'static>> = types.iter().map(|ty| value(chance, *ty)).collect();
    let args: Vec<Arg<'_>> =
        types.iter().zip(&values).map(|(ty, value)| Arg { ty: *ty, constant: Some(value) }).collect();
    let gives = match one.gives {
        Gives::Always(ty) => ty,
        Gives::SameAs(at) => *types.get(at)?,
        Gives::Widest(from) => types.get(from..)?.iter().copied().max()?,
        Gives::By(rule) => rule(&args).ok()?,
    };
    let context = Call { types: &types, gives, now: 637_134_336_000_000_000 };
    let run = catch_unwind(AssertUnwindSafe(|| drop(f(&context, &values))));
    run.is_err().then(|| format!("`{}` panics over {values:?}", one.name()))
}

#[test]
fn no_row_function_panics() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut chance = Chance(7);
    let mut panics = Vec::new();
    for one in super::all() {
        panics.extend((0..40).find_map(|_| call(&mut chance, one)));
    }
    std::panic::set_hook(hook);
    assert!(panics.is_empty(), "{}", panics.join("\n"));
}
