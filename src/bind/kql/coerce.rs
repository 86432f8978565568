//! Where KQL converts by itself: narrower numbers to wider ones, dynamics to texts, and both sides of a comparison to
//! one type. A literal is converted on the spot, so that comparisons stay between a column and a constant of its type.
use super::constant;
use crate::functions;
use crate::ir::Scalar;
use crate::types::{Type, Types};
use crate::value::{Decimal, Value};

/// The value as another type: by a conversion function, or at once where it is a literal number.
pub fn convert(scalar: Scalar, to: Type, now: i64) -> Scalar {
    let from = scalar.ty();
    if from == to {
        return scalar;
    }
    if let Scalar::Literal { value, .. } = &scalar
        && let Some(value) = widened(value, to)
    {
        return Scalar::literal(value, to);
    }
    let name = match to {
        Type::Bool => "tobool",
        Type::Int => "toint",
        Type::Long => "tolong",
        Type::Real => "toreal",
        Type::Decimal => "todecimal",
        Type::String => "tostring",
        Type::Datetime => "todatetime",
        Type::Timespan => "totimespan",
        Type::Guid => "toguid",
        Type::Dynamic => "$dynamic",
    };
    match functions::scalar(name) {
        // What it does not take is read from its text.
        Some(function) if from != Type::String && function.takes.first().is_some_and(|one| !one.types.has(from)) => {
            convert(convert(scalar, Type::String, now), to, now)
        }
        Some(function) => constant::fold(function, vec![scalar], to, Default::default(), now),
        None => scalar,
    }
}

/// A literal as another type, where that loses nothing.
fn widened(value: &Value<'static>, to: Type) -> Option<Value<'static>> {
    Some(match (value, to) {
        (Value::Null, to) => Value::absent(to),
        (Value::Int(x), Type::Long) => Value::Long(i64::from(*x)),
        (Value::Int(x), Type::Real) => Value::Real(f64::from(*x)),
        (Value::Int(x), Type::Decimal) => Value::Decimal(Decimal::from_long(i64::from(*x))),
        (Value::Long(x), Type::Int) => Value::Int(i32::try_from(*x).ok()?),
        (Value::Long(x), Type::Real) => Value::Real(*x as f64),
        (Value::Long(x), Type::Decimal) => Value::Decimal(Decimal::from_long(*x)),
        (other, Type::Dynamic) => Value::json(other.to_json()),
        _ => return None,
    })
}

fn rank(ty: Type) -> Option<u8> {
    match ty {
        Type::Int => Some(0),
        Type::Long => Some(1),
        Type::Real => Some(2),
        Type::Decimal => Some(3),
        Type::Bool | Type::String | Type::Datetime | Type::Timespan | Type::Guid | Type::Dynamic => None,
    }
}

/// The wider of two numeric types.
pub fn wider(a: Type, b: Type) -> Option<Type> {
    Some(if rank(a)? >= rank(b)? { a } else { b })
}

/// The argument as one of the types, where KQL converts by itself.
pub fn fit(scalar: Scalar, types: Types, now: i64) -> Result<Scalar, Scalar> {
    let ty = scalar.ty();
    if types.has(ty) {
        return Ok(scalar);
    }
    if let Some(from) = rank(ty) {
        let wider = [Type::Long, Type::Real, Type::Decimal];
        if let Some(to) = wider.into_iter().find(|to| types.has(*to) && rank(*to) > Some(from)) {
            return Ok(convert(scalar, to, now));
        }
        // `int` parameters take the long that a whole literal is.
        if types.has(Type::Int)
            && let Scalar::Literal { value: Value::Long(x), .. } = &scalar
            && let Ok(x) = i32::try_from(*x)
        {
            return Ok(Scalar::literal(Value::Int(x), Type::Int));
        }
    }
    if ty == Type::Dynamic && types == Types::STRING {
        return Ok(convert(scalar, Type::String, now));
    }
    Err(scalar)
}

fn is_literal(scalar: &Scalar) -> bool {
    matches!(scalar, Scalar::Literal { .. })
}

/// Both sides as one type for a comparison; `None` where there is none.
fn comparable(op: &str, left: Scalar, right: Scalar, now: i64) -> Option<(Scalar, Scalar)> {
    let (a, b) = (left.ty(), right.ty());
    let equality = matches!(op, "==" | "!=");
    if a == b {
        return Some((left, right));
    }
    if let Some(to) = wider(a, b) {
        // A whole literal takes the type of what it is compared with, so that the column stays as it is.
        let narrow = |literal: &Scalar, ty: Type| match literal {
            Scalar::Literal { value, .. } => widened(value, ty).map(|value| Scalar::literal(value, ty)),
            _ => None,
        };
        if is_literal(&right)
            && let Some(right) = narrow(&right, a)
        {
            return Some((left, right));
        }
        if is_literal(&left)
            && let Some(left) = narrow(&left, b)
        {
            return Some((left, right));
        }
        return Some((convert(left, to, now), convert(right, to, now)));
    }
    match (a, b) {
        (Type::Dynamic, Type::String) if equality => Some((convert(left, Type::String, now), right)),
        (Type::String, Type::Dynamic) if equality => Some((left, convert(right, Type::String, now))),
        (Type::Dynamic, other) if equality || rank(other).is_some() => Some((left, right)),
        (other, Type::Dynamic) if equality || rank(other).is_some() => Some((left, right)),
        (Type::String, _) if equality => Some((convert(left, b, now), right)),
        (_, Type::String) if equality => Some((left, convert(right, a, now))),
        (Type::Bool, b) if rank(b).is_some() => Some((convert(left, b, now), right)),
        (a, Type::Bool) if rank(a).is_some() => Some((left, convert(right, a, now))),
        _ if equality => Some((convert(left, Type::String, now), convert(right, Type::String, now))),
        _ => None,
    }
}

/// The operands of an operator as the types that it is defined for; `None` where it is not.
pub fn operands(op: &str, args: Vec<Scalar>, now: i64) -> Option<Vec<Scalar>> {
    let mut rest = args.into_iter();
    let args = (rest.next(), rest.next(), rest.next());
    Some(match (op, args) {
        ("==" | "!=" | "<" | "<=" | ">" | ">=", (Some(left), Some(right), None)) => {
            let (left, right) = comparable(op, left, right, now)?;
            vec![left, right]
        }
        ("between" | "!between", (Some(value), Some(low), Some(high))) => {
            if [&value, &low, &high].iter().any(|one| one.ty() == Type::Bool) {
                return None;
            }
            let (low, high) = comparable("<", low, high, now)?;
            let (first, low) = comparable("<", value, low, now)?;
            let (value, high) = comparable("<", first, high, now)?;
            vec![value, low, high]
        }
        ("+" | "-" | "*" | "/" | "%", (Some(left), Some(right), None)) => {
            let (a, b) = (left.ty(), right.ty());
            let (left, right) = match (a, b) {
                (Type::Dynamic, Type::Dynamic) => return None,
                (Type::Dynamic, b) => (convert(left, partner(op, b, true)?, now), right),
                (a, Type::Dynamic) => (left, convert(right, partner(op, a, false)?, now)),
                _ => match wider(a, b) {
                    Some(to) => (convert(left, to, now), convert(right, to, now)),
                    None => (left, right),
                },
            };
            vec![left, right]
        }
        ("unary-", (Some(value), None, None)) if value.ty() != Type::Dynamic => vec![value],
        ("and" | "or", (Some(left), Some(right), None)) => vec![left, right],
        // Text operators: a dynamic is read as its text.
        (_, (Some(left), Some(right), None)) => {
            let text = Types::STRING;
            // A whole array or bag is no text to look for.
            let whole = |scalar: &Scalar| match constant::value_of(scalar) {
                Some(Value::Dynamic(value)) => value.tree().is_object() || value.tree().is_array(),
                _ => false,
            };
            if op.trim_start_matches('!').starts_with("has") && whole(&right) {
                return None;
            }
            vec![fit(left, text, now).ok()?, fit(right, text, now).ok()?]
        }
        _ => return None,
    })
}

/// The operands where a dynamic may be of any type: it is what the others are.
pub fn typed(op: &str, args: &[Scalar], now: i64) -> Vec<Scalar> {
    let number = matches!(op, "+" | "-" | "*" | "/" | "%" | "unary-");
    let known = args.iter().map(Scalar::ty).find(|ty| *ty != Type::Dynamic);
    let to = known.unwrap_or(if number { Type::Real } else { Type::String });
    let of_type = |arg: &Scalar| if arg.ty() == Type::Dynamic { convert(arg.clone(), to, now) } else { arg.clone() };
    args.iter().map(of_type).collect()
}

/// What a dynamic operand of an arithmetic operator is read as beside an operand of this type.
fn partner(op: &str, other: Type, left: bool) -> Option<Type> {
    Some(match (op, other) {
        (_, Type::Int | Type::Long) => Type::Long,
        (_, Type::Real | Type::Decimal) => other,
        ("-", Type::Datetime) => Type::Datetime,
        ("+", Type::Datetime) => Type::Timespan,
        ("+" | "-", Type::Timespan) => Type::Timespan,
        ("*", Type::Timespan) => Type::Real,
        ("/", Type::Timespan) if left => Type::Timespan,
        ("/", Type::Timespan) => Type::Real,
        _ => return None,
    })
}

/// The value and the items that it is looked for among, as one type where that can be.
pub fn members(value: Scalar, items: Vec<Scalar>, text: bool, now: i64) -> (Scalar, Vec<Scalar>) {
    let ty = value.ty();
    let loose = |item: &Scalar| matches!(item, Scalar::SubquerySet { .. }) || item.ty() == Type::Dynamic;
    if text || ty == Type::String {
        let value = convert(value, Type::String, now);
        let items = items.into_iter().map(|item| if loose(&item) { item } else { convert(item, Type::String, now) });
        return (value, items.collect());
    }
    if ty == Type::Dynamic {
        let texts = !items.is_empty() && items.iter().all(|item| item.ty() == Type::String);
        let sets = items.iter().all(|item| matches!(item, Scalar::SubquerySet { ty: Type::String, .. }));
        let value = if texts || (sets && !items.is_empty()) { convert(value, Type::String, now) } else { value };
        return (value, items);
    }
    let mut to = ty;
    for item in &items {
        let narrow = match item {
            Scalar::Literal { value, .. } => widened(value, ty).is_some(),
            _ => false,
        };
        if !narrow
            && !loose(item)
            && let Some(wide) = wider(to, item.ty())
        {
            to = wide;
        }
    }
    let items = items
        .into_iter()
        .map(|item| if loose(&item) { item } else { convert(item, to, now) })
        .filter(|item| !matches!(item, Scalar::Literal { value: Value::Null, .. }))
        .collect();
    (convert(value, to, now), items)
}

/// The type that two columns of one name or two branches have in common: itself, or the wider number.
pub fn common(a: Type, b: Type) -> Option<Type> {
    if a == b { Some(a) } else { wider(a, b) }
}
