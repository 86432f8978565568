//! No function panics, whatever it is given, and each gives a value of the type that it promises.
use super::{Arg, Call, Eval, Function, Gives, Occurs, all};
use crate::types::Type;
use crate::value::datetime::MAX;
use crate::value::{Decimal, Dynamic, Value, json};

/// Values at the edges of a type.
fn edges(ty: Type) -> Vec<Value<'static>> {
    let dynamic = |text: &str| json::parse(text).map_or(Value::Null, Value::json);
    let mut all: Vec<Value<'static>> = match ty {
        Type::Bool => vec![Value::Bool(true), Value::Bool(false)],
        Type::Int => [0, 1, -1, 7, i32::MAX, i32::MIN].map(Value::Int).into(),
        Type::Long => [0, 1, -1, 3, 64, 200, i64::MAX, i64::MIN].map(Value::Long).into(),
        Type::Real => [0.0, -0.0, 0.5, -3.5, 50.0, 1e308, -1e19, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
            .map(Value::Real)
            .into(),
        Type::Decimal => {
            [0, 1, -1, i128::MAX, i128::MIN, 10i128.pow(18)].map(|units| Value::Decimal(Decimal(units))).into()
        }
        Type::String => {
            let texts = [
                "",
                "a",
                "a b,c",
                "é√",
                "{\"a\":[1]}",
                "$.a[0]",
                "[",
                "(",
                "\\",
                "1.2.3.4/24",
                "fe80::1/200",
                "day",
                "yyyy-MM-dd",
                "Europe/Berlin",
                "linefit",
                "ctukey",
                "2020-01-01",
                "-1.00:00:00",
                "aGk=",
                "%zz",
                "99999999999999999999",
                "\u{0}\u{7f}",
            ];
            texts.map(Value::string).into()
        }
        Type::Datetime => [0, 1, MAX, 637_164_690_260_000_000, -1].map(Value::Datetime).into(),
        Type::Timespan => [0, 1, -1, i64::MAX, i64::MIN, 864_000_000_000].map(Value::Timespan).into(),
        Type::Guid => [0, u128::MAX].map(Value::Guid).into(),
        Type::Dynamic => {
            let texts = [
                "[]",
                "{}",
                "[1,2,3]",
                "[1.5,null,\"x\",{\"a\":[1]}]",
                "{\"a\":{\"b\":1},\"c\":[1,2]}",
                "\"text\"",
                "1",
                "1.5",
                "true",
                "[[1,2],[3]]",
                "[0,0,0,0,0,0,0,0,0,0,0,0]",
                "[1,5,1,5,1,5,1,5,1,5,1,5,9]",
                "[1e308,-1e308,1e-300]",
                "[9223372036854775807,-9223372036854775808]",
                "[\"a\",\"b\",\"\"]",
                "[\"10.0.0.0/8\"]",
                "[true,false,null]",
                "[null,null]",
            ];
            let text = Value::Dynamic(Dynamic::Text("{\"a\" : [ 1, {\"b\":null} ] ,\"\\u0061b\":\"\\\"\"}".into()));
            texts.iter().map(|text| dynamic(text)).chain([text]).collect()
        }
    };
    all.push(Value::absent(ty));
    all
}

fn gives(function: &Function, types: &[Type]) -> Option<Type> {
    let args: Vec<Arg<'_>> = types.iter().map(|ty| Arg { ty: *ty, constant: None }).collect();
    match function.gives {
        Gives::Always(ty) => Some(ty),
        Gives::SameAs(at) => types.get(at).copied(),
        Gives::Widest(from) => types.get(from..)?.iter().copied().max(),
        Gives::By(rule) => rule(&args).ok(),
    }
}

fn is_of(value: &Value<'_>, ty: Type) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) => ty == Type::Bool,
        Value::Int(_) => ty == Type::Int,
        Value::Long(_) => ty == Type::Long,
        Value::Real(_) => ty == Type::Real,
        Value::Decimal(_) => ty == Type::Decimal,
        Value::String(_) => ty == Type::String,
        Value::Datetime(_) => ty == Type::Datetime,
        Value::Timespan(_) => ty == Type::Timespan,
        Value::Guid(_) => ty == Type::Guid,
        Value::Dynamic(_) => ty == Type::Dynamic,
    }
}

/// Numbers by chance, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// Types of arguments that fit a signature.
fn types(function: &Function, chance: &mut Chance) -> Vec<Type> {
    let mut types = Vec::new();
    for param in function.takes {
        let choices: Vec<Type> = param.types.iter().collect();
        let times = match param.occurs {
            Occurs::One => 1,
            Occurs::Optional if chance.below(3) == 0 => break,
            Occurs::Optional => 1,
            Occurs::Many { min, max } => min + chance.below((max - min).min(4) + 1),
        };
        types.extend((0..times).map(|_| choices[chance.below(choices.len())]));
    }
    types
}

#[test]
fn no_function_panics_and_all_keep_their_types() {
    let mut chance = Chance(7);
    let mut broken = Vec::new();
    for function in all() {
        let (Eval::Row(eval) | Eval::Volatile(eval)) = function.eval else { continue };
        for _ in 0..60 {
            let types = types(function, &mut chance);
            let Some(gives) = gives(function, &types) else { continue };
            let args: Vec<Value<'static>> = types
                .iter()
                .map(|ty| {
                    let choices = edges(*ty);
                    choices[chance.below(choices.len())].clone()
                })
                .collect();
            let call = Call { types: &types, gives, now: 637_164_690_260_000_000 };
            let told = match std::panic::catch_unwind(|| is_of(&eval(&call, &args), gives)) {
                Ok(true) => continue,
                Ok(false) => format!("gives {:?} instead of {gives}", eval(&call, &args)),
                Err(_) => "panics".into(),
            };
            broken.push(format!("{}({args:?}) {told}", function.name()));
            break;
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
