//! Vectorised forms of the hottest functions. Each is equal to the function's row form on the types it is given for; a
//! property test in the suite holds the two together. Where none fits, the row form serves.
use super::scalar::{LoweredExpr, Place, Scalars, literal, native};
use super::{PlanError, Repr, bin_udf, row_udf, text_udf, time_set_udf};
use crate::columns::micros_of_ticks;
use crate::functions::Function;
use crate::functions::predicates::Kind;
use crate::ir::Scalar;
use crate::types::Type;
use crate::value::{Json, Value};
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, expr::InList, lit, when};

/// The expression of a call in native form, if there is a vectorised one.
pub fn lower(
    scalars: &Scalars<'_>,
    function: &'static Function,
    args: &[Scalar],
    gives: Type,
    place: Place,
) -> Result<Option<Expr>, PlanError> {
    let name = function.name();
    Ok(match (name, args) {
        ("and" | "or", [_, _, ..]) => {
            let operator = if name == "and" { Operator::And } else { Operator::Or };
            let terms =
                args.iter().map(|arg| Ok(scalars.lower(arg, place)?.expr)).collect::<Result<Vec<_>, PlanError>>()?;
            balanced(terms, operator)
        }
        ("not", [arg]) if arg.ty() == Type::Bool => Some(Expr::Not(Box::new(scalars.lower(arg, Place::Value)?.expr))),
        ("==" | "!=" | "<" | "<=" | ">" | ">=", [left, right]) => compare(scalars, name, left, right, place)?,
        ("between", [value, low, high]) if place == Place::Filter => {
            let low = compare(scalars, ">=", value, low, place)?;
            let high = compare(scalars, "<=", value, high, place)?;
            low.zip(high).map(|(low, high)| low.and(high))
        }
        ("in" | "!in", [value, list @ ..]) => in_list(scalars, name, value, &spread(list), place)?,
        (symbol, [text, needles @ ..]) if text.ty() == Type::String && is_text_operator(symbol) => {
            match constant_texts(&spread(needles)) {
                Some(needles) => text_udf::call(function.name(), &needles, scalars.lower(text, Place::Value)?.expr),
                None => None,
            }
        }
        // Of a dynamic, these ask for its text.
        (symbol, [text, needles @ ..]) if text.ty() == Type::Dynamic && asks_for_terms(symbol) => {
            match (constant_texts(needles), crate::functions::scalar("tostring")) {
                (Some(needles), Some(tostring)) => {
                    let text = row_udf::call(
                        tostring,
                        vec![Type::Dynamic],
                        Type::String,
                        scalars.now,
                        vec![scalars.lower(text, Place::Value)?.expr],
                    );
                    text_udf::call(function.name(), &needles, text)
                }
                _ => None,
            }
        }
        ("+" | "-" | "*", [left, right]) => arithmetic(scalars, name, left, right, gives)?,
        ("bin", [at, Scalar::Literal { value: Value::Timespan(step), .. }])
            if at.ty() == Type::Datetime && gives == Type::Datetime && *step > 0 =>
        {
            Some(bin_udf::bin(scalars.native(at)?, *step))
        }
        (
            "bin_at",
            [
                at,
                Scalar::Literal { value: Value::Timespan(step), .. },
                Scalar::Literal { value: Value::Datetime(origin), .. },
            ],
        ) if at.ty() == Type::Datetime && gives == Type::Datetime && *step > 0 => {
            Some(bin_udf::bin_at(scalars.native(at)?, *step, *origin))
        }
        ("iff", [test, yes, no]) if yes.ty() == gives && no.ty() == gives && test.ty() == Type::Bool => {
            let test = scalars.lower(test, Place::Filter)?.expr;
            Some(when(test, scalars.native(yes)?).otherwise(scalars.native(no)?)?)
        }
        ("isempty", [arg]) if arg.ty() == Type::String => Some(is_empty(scalars.lower(arg, Place::Value)?)),
        ("isnotempty", [arg]) if arg.ty() == Type::String => {
            let arg = scalars.lower(arg, Place::Value)?;
            // A null text is empty, and "null != ''" is null: in a filter that is the same as false.
            let arg = if place == Place::Filter { arg.expr } else { native(arg) };
            Some(arg.not_eq(empty()))
        }
        ("isnull" | "isnotnull", [arg]) if arg.ty() != Type::String && arg.ty() != Type::Dynamic => {
            let arg = scalars.lower(arg, Place::Value)?.expr;
            Some(if name == "isnull" { arg.is_null() } else { arg.is_not_null() })
        }
        ("tostring", [arg]) if arg.ty() == Type::String => Some(scalars.native(arg)?),
        ("tolong", [arg]) if arg.ty().is_integer() => Some(cast(scalars.native(arg)?, DataType::Int64)),
        ("toreal", [arg]) if matches!(arg.ty(), Type::Int | Type::Long | Type::Real) => {
            Some(cast(scalars.native(arg)?, DataType::Float64))
        }
        _ => None,
    })
}

/// `a and b and c` as a balanced tree, so that a chain of thousands is no deep plan.
fn balanced(mut terms: Vec<Expr>, operator: Operator) -> Option<Expr> {
    while terms.len() > 1 {
        let mut halves = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(left) = rest.next() {
            halves.push(match rest.next() {
                Some(right) => binary_expr(left, operator, right),
                None => left,
            });
        }
        terms = halves;
    }
    terms.pop()
}

fn empty() -> Expr {
    lit(ScalarValue::Utf8View(Some(String::new())))
}

fn is_empty(arg: LoweredExpr) -> Expr {
    match arg.repr {
        Repr::NullableText => arg.expr.clone().is_null().or(arg.expr.eq(empty())),
        Repr::Native | Repr::Micros => arg.expr.eq(empty()),
    }
}

/// Types whose native Arrow order and equality are KQL's.
fn plain_order(ty: Type) -> bool {
    matches!(ty, Type::Bool | Type::Int | Type::Long | Type::String | Type::Datetime | Type::Timespan | Type::Decimal)
}

fn operator(symbol: &str) -> Option<Operator> {
    Some(match symbol {
        "==" => Operator::Eq,
        "!=" => Operator::NotEq,
        "<" => Operator::Lt,
        "<=" => Operator::LtEq,
        ">" => Operator::Gt,
        ">=" => Operator::GtEq,
        _ => return None,
    })
}

/// Comparisons of values of one type. Nulls: `<` and its like are null where one side is. `==` with one null is false
/// and `!=` is true, of which a filter needs only the second.
fn compare(
    scalars: &Scalars<'_>,
    symbol: &str,
    left: &Scalar,
    right: &Scalar,
    place: Place,
) -> Result<Option<Expr>, PlanError> {
    let integers = left.ty().is_integer() && right.ty().is_integer();
    let Some(operator) = operator(symbol) else { return Ok(None) };
    if !(integers || left.ty() == right.ty() && plain_order(left.ty())) {
        return Ok(None);
    }
    let equality = matches!(operator, Operator::Eq | Operator::NotEq);
    let no_nulls = |lowered: &Scalar| {
        lowered.ty() == Type::String || matches!(lowered, Scalar::Literal { value, .. } if !value.is_null())
    };
    if equality && place == Place::Value && !(no_nulls(left) && no_nulls(right)) {
        return Ok(None);
    }
    let mut l = scalars.lower(left, Place::Value)?;
    let mut r = scalars.lower(right, Place::Value)?;
    if integers && left.ty() != right.ty() {
        l.expr = cast(l.expr, DataType::Int64);
        r.expr = cast(r.expr, DataType::Int64);
    }
    // A stored timestamp is compared as it lies, so that statistics and pages can be used.
    match (l.repr, r.repr) {
        (Repr::Micros, Repr::Micros) => {}
        (Repr::Micros, _) if stored_datetime(right).is_some() => r.expr = stored_datetime(right).unwrap_or(r.expr),
        (_, Repr::Micros) if stored_datetime(left).is_some() => l.expr = stored_datetime(left).unwrap_or(l.expr),
        (Repr::Micros, _) | (_, Repr::Micros) => {
            l = LoweredExpr { expr: native(l.clone()), repr: Repr::Native, ..l };
            r = LoweredExpr { expr: native(r.clone()), repr: Repr::Native, ..r };
        }
        _ => {}
    }
    let may_be_null_text = l.repr == Repr::NullableText || r.repr == Repr::NullableText;
    let equals_real_text = operator == Operator::Eq && place == Place::Filter && (not_empty(left) || not_empty(right));
    if may_be_null_text && !equals_real_text {
        l.expr = native(l.clone());
        r.expr = native(r.clone());
    }
    let both_plain = no_nulls(left) && no_nulls(right);
    let operator = if operator == Operator::NotEq && !both_plain { Operator::IsDistinctFrom } else { operator };
    Ok(Some(binary_expr(l.expr, operator, r.expr)))
}

/// A text that is not "": a null can never equal it.
fn not_empty(scalar: &Scalar) -> bool {
    matches!(scalar, Scalar::Literal { value: Value::String(text), .. } if !text.is_empty())
}

/// The literal as it would be stored: floored, as the rows were.
fn stored_datetime(scalar: &Scalar) -> Option<Expr> {
    match scalar {
        Scalar::Literal { value: Value::Datetime(ticks), .. } => {
            Some(lit(ScalarValue::TimestampMicrosecond(Some(micros_of_ticks(*ticks)), Some("UTC".into()))))
        }
        _ => None,
    }
}

/// A constant array among the arguments of `in` and its like stands for its elements.
fn spread(list: &[Scalar]) -> Vec<Scalar> {
    let mut all = Vec::with_capacity(list.len());
    for item in list {
        match item {
            Scalar::Literal { value: Value::Dynamic(value), .. } => match value.tree().as_ref() {
                Json::Array(elements) if elements.iter().all(Json::is_string) => {
                    all.extend(
                        elements
                            .iter()
                            .filter_map(Json::as_str)
                            .map(|text| Scalar::literal(Value::string(text.to_owned()), Type::String)),
                    );
                }
                _ => all.push(item.clone()),
            },
            _ => all.push(item.clone()),
        }
    }
    all
}

fn is_text_operator(symbol: &str) -> bool {
    match symbol {
        "!~" | "in~" | "!in~" | "matches regex" => true,
        "in" | "!in" | "==" => false,
        symbol => Kind::of(symbol.strip_prefix('!').unwrap_or(symbol)).is_some(),
    }
}

/// Tests of what is somewhere in a text.
fn asks_for_terms(symbol: &str) -> bool {
    is_text_operator(symbol) && !matches!(symbol, "=~" | "!~" | "in~" | "!in~" | "matches regex")
}

/// The texts, if all are constant.
fn constant_texts(list: &[Scalar]) -> Option<Vec<Value<'static>>> {
    list.iter()
        .map(|item| match item {
            Scalar::Literal { value: value @ Value::String(_), .. } => Some(value.clone()),
            _ => None,
        })
        .collect()
}

/// `x in ("a", "b")` over constants of one type that has no nulls among them.
fn in_list(
    scalars: &Scalars<'_>,
    name: &str,
    value: &Scalar,
    list: &[Scalar],
    place: Place,
) -> Result<Option<Expr>, PlanError> {
    if value.ty() == Type::Datetime && name == "in" {
        return time_in(scalars, value, list);
    }
    if value.ty() != Type::String && !value.ty().is_integer() {
        return Ok(None);
    }
    let mut constants = Vec::with_capacity(list.len());
    for item in list {
        match item {
            Scalar::Literal { value: constant, ty } if *ty == value.ty() && !constant.is_null() => {
                constants.push(literal(constant, *ty)?);
            }
            _ => return Ok(None),
        }
    }
    // Of a null, `in` is false and `!in` true; SQL says null of both, which is false in a filter.
    let may_be_null = value.ty() != Type::String;
    if constants.is_empty() || may_be_null && (name == "!in" || place == Place::Value) {
        return Ok(None);
    }
    let value = scalars.native(value)?;
    Ok(Some(Expr::InList(InList::new(Box::new(value), constants, name == "!in"))))
}

/// `time in (t1, t2)` over constants, none of which is null: a null is not in them, whether in a filter or not.
fn time_in(scalars: &Scalars<'_>, time: &Scalar, list: &[Scalar]) -> Result<Option<Expr>, PlanError> {
    let ticks = list.iter().map(|item| match item {
        Scalar::Literal { value: Value::Datetime(ticks), .. } => Some(*ticks),
        _ => None,
    });
    let Some(ticks) = ticks.collect::<Option<Vec<_>>>() else { return Ok(None) };
    let time = scalars.lower(time, Place::Value)?;
    let stored = time.repr == Repr::Micros;
    let times = if stored { ticks.into_iter().map(micros_of_ticks).collect() } else { ticks };
    Ok(Some(time_set_udf::call(time.expr, times)))
}

/// Sums, differences and products that cannot fail: longs wrap, reals are reals.
fn arithmetic(
    scalars: &Scalars<'_>,
    symbol: &str,
    left: &Scalar,
    right: &Scalar,
    gives: Type,
) -> Result<Option<Expr>, PlanError> {
    let number = |ty: Type| matches!(ty, Type::Int | Type::Long | Type::Real);
    if !(number(left.ty()) && number(right.ty()) && matches!(gives, Type::Long | Type::Real)) {
        return Ok(None);
    }
    let to = if gives == Type::Real { DataType::Float64 } else { DataType::Int64 };
    let operator = match symbol {
        "+" => Operator::Plus,
        "-" => Operator::Minus,
        _ => Operator::Multiply,
    };
    let left = cast(scalars.native(left)?, to.clone());
    let right = cast(scalars.native(right)?, to);
    Ok(Some(binary_expr(left, operator, right)))
}
