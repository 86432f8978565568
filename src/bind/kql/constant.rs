//! Calls whose arguments are all known are worked out while the text is being bound.
use crate::functions::{Call, Eval, Function};
use crate::ir::Scalar;
use crate::rows::order;
use crate::text::Span;
use crate::types::Type;
use crate::value::Value;

/// The call, or its value where all arguments are literals.
pub fn fold(function: &'static Function, args: Vec<Scalar>, ty: Type, span: Span, now: i64) -> Scalar {
    let known = args.iter().all(|arg| matches!(arg, Scalar::Literal { .. }));
    match function.eval {
        Eval::Row(row) if known => {
            let types: Vec<Type> = args.iter().map(Scalar::ty).collect();
            let values: Vec<Value<'_>> = args.iter().filter_map(value_of).map(Value::borrow).collect();
            let value = row(&Call { types: &types, gives: ty, now }, &values).into_owned();
            Scalar::literal(if value.is_null() { Value::absent(ty) } else { value }, ty)
        }
        Eval::Row(_) | Eval::Volatile(_) | Eval::Binder => Scalar::Call { function, args, ty, span },
    }
}

/// The value of a literal.
pub fn value_of(scalar: &Scalar) -> Option<&Value<'static>> {
    match scalar {
        Scalar::Literal { value, .. } => Some(value),
        Scalar::Column { .. } | Scalar::Call { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => None,
    }
}

/// How many expressions a value is worth beside the one that it is: those that take as much room.
pub fn weight(value: &Value<'_>) -> usize {
    order::size(value) / 64
}
