//! Every aggregation gives the same whether one fold sees all rows or several folds see parts and are joined: that is
//! what parallel plans do.
use crate::functions::{Aggregate, Arg, Call, Fold, Gives, Occurs, all_aggregates};
use crate::types::Type;
use crate::value::{Decimal, Value, json};
use std::borrow::Cow;

const NOW: i64 = 0;

/// A few values of a type, nulls among them; reals add up exactly in any order.
fn samples(ty: Type) -> Vec<Value<'static>> {
    let numbers = [3, 1, 4, 1, 5, 9, 2, 6];
    let mut all: Vec<Value<'static>> = numbers
        .iter()
        .map(|x| match ty {
            Type::Bool => Value::Bool(x % 2 == 0),
            Type::Int => Value::Int(*x),
            Type::Long => Value::Long(i64::from(*x)),
            Type::Real => Value::Real(f64::from(*x) / 4.0),
            Type::Decimal => Value::Decimal(Decimal::from_long(i64::from(*x))),
            Type::String => Value::string(if *x == 4 { String::new() } else { format!("s{x}") }),
            Type::Datetime => Value::Datetime(i64::from(*x)),
            Type::Timespan => Value::Timespan(i64::from(*x)),
            Type::Guid => Value::Guid(*x as u128),
            Type::Dynamic => json::parse(&format!("{{\"k{x}\":[{x},\"a\"]}}")).map_or(Value::Null, Value::json),
        })
        .collect();
    all.insert(2, Value::absent(ty));
    all.push(Value::absent(ty));
    all
}

/// The rows of a call whose first argument has that type.
fn rows(aggregate: &Aggregate, first: Type) -> (Vec<Type>, Vec<Vec<Value<'static>>>) {
    let mut types = Vec::new();
    let mut columns: Vec<Vec<Value<'static>>> = Vec::new();
    for (at, param) in aggregate.takes.iter().enumerate() {
        if matches!(param.occurs, Occurs::Many { min: 0, .. }) {
            continue;
        }
        let ty = if at == 0 || !param.types.has(Type::Long) {
            param.types.iter().find(|ty| at > 0 || *ty == first)
        } else {
            Some(Type::Long)
        };
        let Some(ty) = ty else { continue };
        types.push(ty);
        columns.push(if param.constant { vec![Value::Long(3); 10] } else { samples(ty) });
    }
    (types, (0..10).map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect())
}

fn fold(aggregate: &Aggregate, types: &[Type]) -> Box<dyn Fold> {
    let args: Vec<Arg<'_>> = types.iter().map(|ty| Arg { ty: *ty, constant: None }).collect();
    let gives = match aggregate.gives {
        Gives::Always(ty) => ty,
        Gives::SameAs(at) => types[at],
        Gives::Widest(_) => Type::Real,
        Gives::By(rule) => rule(&args).unwrap_or(Type::Real),
    };
    (aggregate.start)(&Call { types, gives, now: NOW })
}

/// What a fold gives, dynamics as their texts.
fn given(fold: &dyn Fold) -> Vec<(Cow<'static, str>, bool)> {
    fold.finish_row().iter().map(|value| (Cow::Owned(value.text().into_owned()), value.is_null())).collect()
}

#[test]
fn parts_join_to_the_whole() {
    for aggregate in all_aggregates() {
        let firsts: Vec<Type> = aggregate.takes.first().map_or(vec![], |param| param.types.iter().collect());
        for first in firsts {
            let (types, rows) = rows(aggregate, first);
            let mut whole = fold(aggregate, &types);
            rows.iter().for_each(|row| whole.add(row));
            for cuts in [[0, 5], [3, 3], [4, 9], [1, 10]] {
                let mut joined = fold(aggregate, &types);
                for part in [&rows[..cuts[0]], &rows[cuts[0]..cuts[1]], &rows[cuts[1]..]] {
                    let mut one = fold(aggregate, &types);
                    part.iter().for_each(|row| one.add(row));
                    joined.merge(&one.state());
                }
                assert_eq!(given(&*joined), given(&*whole), "{}({first}) cut at {cuts:?}", aggregate.name());
            }
        }
    }
}
