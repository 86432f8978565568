//! Scalars to expressions. A call goes to its vectorised form where [`super::fast`] knows one, else to its row function.
use super::{LoweredColumn, PlanError, Repr, fast, row_udf};
use crate::columns::{arrow_type, column, micros_of_ticks, ticks_of_micros};
use crate::ir::Scalar;
use crate::types::Type;
use crate::value::Value;
use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

/// An expression and how its values lie.
#[derive(Clone, Debug)]
pub struct LoweredExpr {
    pub expr: Expr,
    pub ty: Type,
    pub repr: Repr,
}

/// Where a truth value stands: in a filter, null and false are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Value,
    Filter,
}

/// Lowers scalars over the columns of one plan.
pub struct Scalars<'a> {
    pub columns: &'a [LoweredColumn],
    pub now: i64,
}

impl Scalars<'_> {
    /// The expression in whatever form its values lie.
    pub fn lower(&self, scalar: &Scalar, place: Place) -> Result<LoweredExpr, PlanError> {
        match scalar {
            Scalar::Literal { value, ty } => {
                Ok(LoweredExpr { expr: literal(value, *ty)?, ty: *ty, repr: Repr::Native })
            }
            Scalar::Column { name, .. } => {
                let found = self.columns.iter().find(|column| column.name == *name);
                let found =
                    found.ok_or_else(|| PlanError::Fault(format!("column `{name}` is not in the plan's input")))?;
                Ok(LoweredExpr { expr: column_expr(&found.column), ty: found.ty, repr: found.repr })
            }
            Scalar::Call { function, args, ty, .. } => {
                let args = &*self.floored(function.name(), args);
                if let Some(expr) = fast::lower(self, function, args, *ty, place)? {
                    return Ok(LoweredExpr { expr, ty: *ty, repr: Repr::Native });
                }
                let types = args.iter().map(Scalar::ty).collect();
                let args = args
                    .iter()
                    .map(|arg| Ok(self.lower(arg, Place::Value)?.expr))
                    .collect::<Result<Vec<_>, PlanError>>()?;
                let expr = row_udf::call(function, types, *ty, self.now, args);
                Ok(LoweredExpr { expr, ty: *ty, repr: Repr::Native })
            }
            Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => {
                Err(PlanError::Fault("a subquery was not computed before its query".into()))
            }
        }
    }

    /// The arguments of a comparison; where a stored time is among them, the literals beside it are floored as it was, so
    /// that a pasted timestamp with seven digits finds its row by whichever form is chosen.
    fn floored<'a>(&self, name: &str, args: &'a [Scalar]) -> Cow<'a, [Scalar]> {
        const COMPARISONS: [&str; 10] = ["==", "!=", "<", "<=", ">", ">=", "in", "!in", "between", "!between"];
        let stored = |arg: &Scalar| match arg {
            Scalar::Column { name, .. } => {
                self.columns.iter().any(|column| column.name == *name && column.repr == Repr::Micros)
            }
            _ => false,
        };
        if !COMPARISONS.contains(&name) || !args.iter().any(stored) {
            return Cow::Borrowed(args);
        }
        let floor = |arg: &Scalar| match arg {
            Scalar::Literal { value: Value::Datetime(ticks), ty } => {
                Scalar::literal(Value::Datetime(ticks_of_micros(micros_of_ticks(*ticks))), *ty)
            }
            other => other.clone(),
        };
        Cow::Owned(args.iter().map(floor).collect())
    }

    /// The expression in native form.
    pub fn native(&self, scalar: &Scalar) -> Result<Expr, PlanError> {
        Ok(native(self.lower(scalar, Place::Value)?))
    }

    /// A predicate of a filter.
    pub fn predicate(&self, scalar: &Scalar) -> Result<Expr, PlanError> {
        Ok(self.lower(scalar, Place::Filter)?.expr)
    }
}

/// A column by its name as it is: never split at dots, never folded in case.
pub fn column_expr(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// Turns stored forms into the native one.
pub fn native(lowered: LoweredExpr) -> Expr {
    match lowered.repr {
        Repr::Native => lowered.expr,
        Repr::Micros => TICKS.call(vec![lowered.expr]),
        Repr::NullableText => text_or_empty(lowered.expr),
    }
}

fn text_or_empty(expr: Expr) -> Expr {
    datafusion::functions::core::expr_fn::coalesce(vec![expr, lit(ScalarValue::Utf8View(Some(String::new())))])
}

/// A constant of the type's native form.
pub fn literal(value: &Value<'_>, ty: Type) -> Result<Expr> {
    let value = if value.is_null() { Value::absent(ty) } else { value.borrow() };
    if value.is_null() {
        return Ok(lit(ScalarValue::try_from(&arrow_type(ty))?));
    }
    Ok(lit(ScalarValue::try_from_array(&column(ty, [&value]), 0)?))
}

/// Stored timestamps as ticks.
static TICKS: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Arc::new(ScalarUDF::new_from_impl(Ticks { signature: Signature::any(1, Volatility::Immutable) })));

#[derive(Debug, PartialEq, Eq, Hash)]
struct Ticks {
    signature: Signature,
}

impl ScalarUDFImpl for Ticks {
    fn name(&self) -> &str {
        "ticks"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = args.args[0].to_array(args.number_rows)?;
        let micros = array.as_primitive::<TimestampMicrosecondType>();
        let ticks: Int64Array = micros.unary(ticks_of_micros);
        Ok(ColumnarValue::Array(Arc::new(ticks) as ArrayRef))
    }
}
