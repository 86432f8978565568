//! Every file as the table's stored columns, whatever its own columns are: those of an older file, of another writer, of
//! a plain folder. Where a file's column is the stored column already, nothing is put between.
use super::convert::{is_cast, kql_type, to_stored};
use crate::columns::stored_type;
use crate::types::Type;
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Column, Literal};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use std::sync::Arc;

/// The field mark that says which KQL type a stored column has, where its Arrow type leaves that open.
pub const KQL_TYPE: &str = "sighthound.type";

/// The KQL type of a field of a provider's schema.
pub fn type_of(field: &Field) -> Type {
    field.metadata().get(KQL_TYPE).and_then(|name| Type::from_name(name)).unwrap_or_else(|| kql_type(field.data_type()))
}

#[derive(Debug)]
pub struct Adapt;

impl PhysicalExprAdapterFactory for Adapt {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(Adapter { logical, physical }))
    }
}

#[derive(Debug)]
struct Adapter {
    logical: SchemaRef,
    physical: SchemaRef,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        // What something has become is not visited again.
        let done = |expr| Transformed::new(expr, true, TreeNodeRecursion::Jump);
        expr.transform_down(|expr| {
            if let Some(column) = expr.downcast_ref::<Column>() {
                return Ok(done(self.column(column.name())?));
            }
            if let Some(compared) = self.compared_in_nanoseconds(&expr) {
                return Ok(done(compared));
            }
            if let Some(call) = ScalarFunctionExpr::try_downcast_func::<WherePresent>(expr.as_ref())
                && let [condition] = call.args()
            {
                let raw = condition.clone().transform_up(|expr| match expr.downcast_ref::<Column>() {
                    Some(column) => Ok(Transformed::yes(self.text_or_null(column.name())?)),
                    None => Ok(Transformed::no(expr)),
                });
                return Ok(done(raw.data()?));
            }
            Ok(Transformed::no(expr))
        })
        .data()
    }
}

impl Adapter {
    /// Of columns that differ only in case one is stored, and the others read it.
    fn find(&self, name: &str) -> Option<usize> {
        let alike = || self.physical.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name));
        self.physical.index_of(name).ok().or_else(alike)
    }

    /// A text column as the file has it, nulls and all.
    fn text_or_null(&self, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
        let text = DataType::Utf8View;
        let Some(index) = self.find(name) else {
            return Ok(Arc::new(Literal::new(ScalarValue::Utf8View(None))));
        };
        let found = self.physical.field(index);
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(found.name(), index));
        match found.data_type() {
            data_type if data_type == &text => Ok(column),
            DataType::Utf8 | DataType::LargeUtf8 => Ok(Arc::new(CastExpr::new(column, text, None))),
            _ => self.column(name),
        }
    }

    /// A datetime column of nanoseconds compared with a stored datetime: the same question of the file's own column, so
    /// that its statistics can answer it. The stored value is the floor, which the bounds take into account.
    fn compared_in_nanoseconds(&self, expr: &Arc<dyn PhysicalExpr>) -> Option<Arc<dyn PhysicalExpr>> {
        let compared = expr.downcast_ref::<BinaryExpr>()?;
        let (column, literal, operator) = match compared.left().downcast_ref::<Column>() {
            Some(column) => (column, compared.right(), *compared.op()),
            None => (compared.right().downcast_ref::<Column>()?, compared.left(), compared.op().swap()?),
        };
        let ScalarValue::TimestampMicrosecond(Some(micros), _) = literal.downcast_ref::<Literal>()?.value() else {
            return None;
        };
        let index = self.physical.index_of(column.name()).ok()?;
        let DataType::Timestamp(TimeUnit::Nanosecond, zone) = self.physical.field(index).data_type() else {
            return None;
        };
        let own: Arc<dyn PhysicalExpr> = Arc::new(Column::new(column.name(), index));
        let bound = |operator: Operator, micros: i64| -> Option<Arc<dyn PhysicalExpr>> {
            let nanos = ScalarValue::TimestampNanosecond(Some(micros.checked_mul(1000)?), zone.clone());
            Some(Arc::new(BinaryExpr::new(own.clone(), operator, Arc::new(Literal::new(nanos)))))
        };
        let next = micros.checked_add(1)?;
        match operator {
            Operator::GtEq => bound(Operator::GtEq, *micros),
            Operator::Gt => bound(Operator::GtEq, next),
            Operator::Lt => bound(Operator::Lt, *micros),
            Operator::LtEq => bound(Operator::Lt, next),
            Operator::Eq => Some(Arc::new(BinaryExpr::new(
                bound(Operator::GtEq, *micros)?,
                Operator::And,
                bound(Operator::Lt, next)?,
            ))),
            _ => None,
        }
    }

    fn column(&self, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
        let Ok(wanted) = self.logical.field_with_name(name) else {
            // No column of the table: one that only the reader of this file knows.
            return Ok(Arc::new(Column::new(name, self.physical.index_of(name)?)));
        };
        let ty = type_of(wanted);
        let Some(index) = self.find(name) else {
            let value = match ty {
                Type::String => ScalarValue::Utf8View(Some(String::new())),
                _ => ScalarValue::try_from(wanted.data_type())?,
            };
            return Ok(Arc::new(Literal::new(value)));
        };
        let found = self.physical.field(index);
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(found.name(), index));
        if found.data_type() == wanted.data_type() && (wanted.is_nullable() || !found.is_nullable()) {
            return Ok(column);
        }
        if is_cast(found.data_type(), ty) {
            let options = arrow::compute::CastOptions { safe: true, ..Default::default() };
            return Ok(Arc::new(CastExpr::new(column, wanted.data_type().clone(), Some(options))));
        }
        let function = Arc::new(ScalarUDF::from(AsStored::new(ty)));
        let field: FieldRef = Arc::new(Field::new(name, wanted.data_type().clone(), wanted.is_nullable()));
        let options = Arc::new(ConfigOptions::default());
        Ok(Arc::new(ScalarFunctionExpr::new(function.name(), function.clone(), vec![column], field, options)))
    }
}

/// Those of the filters that the empty string does not pass, and so neither does a null, each marked so that a file's
/// own text column takes the place of the stored one: its statistics can then rule out row groups. Only for scans that
/// drop rows, since the marked condition is null where the stored one is false.
pub fn where_present(filters: &[Expr]) -> Option<Expr> {
    let conditions = filters.iter().flat_map(split_conjunction).filter(|filter| needs_text(filter));
    let function = Arc::new(ScalarUDF::from(WherePresent::default()));
    conjunction(conditions.map(|condition| function.call(vec![condition.clone()])))
}

/// Whether it is one of those marks, which say nothing that the filters themselves do not say.
pub fn is_mark(condition: &Arc<dyn PhysicalExpr>) -> bool {
    ScalarFunctionExpr::try_downcast_func::<WherePresent>(condition.as_ref()).is_some()
}

fn needs_text(filter: &Expr) -> bool {
    let text = |expr: &Expr| match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten().map(str::to_owned),
        _ => None,
    };
    let is_column = |expr: &Expr| matches!(expr, Expr::Column(_));
    match filter {
        Expr::BinaryExpr(compared) if is_column(&compared.left) => {
            text(&compared.right).is_some_and(|wanted| match compared.op {
                Operator::Eq | Operator::GtEq => !wanted.is_empty(),
                Operator::Gt => true,
                _ => false,
            })
        }
        Expr::InList(list) if is_column(&list.expr) && !list.negated => {
            list.list.iter().all(|wanted| text(wanted).is_some_and(|wanted| !wanted.is_empty()))
        }
        Expr::Like(like) if is_column(&like.expr) && !like.negated => {
            text(&like.pattern).is_some_and(|pattern| !pattern.is_empty() && !pattern.starts_with('%'))
        }
        _ => false,
    }
}

/// A condition that is looked at with the file's own columns; a mark, never called.
#[derive(Debug, PartialEq, Eq, Hash)]
struct WherePresent {
    signature: Signature,
}

impl Default for WherePresent {
    fn default() -> WherePresent {
        WherePresent { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for WherePresent {
    fn name(&self) -> &str {
        "where_present"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        args.args
            .into_iter()
            .next()
            .ok_or_else(|| DataFusionError::Internal("`where_present` takes a condition".into()))
    }
}

/// A column of any type as the stored column of a KQL type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct AsStored {
    name: String,
    ty: Type,
    signature: Signature,
}

impl AsStored {
    fn new(ty: Type) -> AsStored {
        AsStored { name: format!("as_stored_{}", ty.name()), ty, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for AsStored {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(stored_type(self.ty))
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(&self.name, stored_type(self.ty), self.ty != Type::String)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [array] = arrays.as_slice() else {
            return Err(DataFusionError::Internal(format!("`{}` takes one column", self.name)));
        };
        Ok(ColumnarValue::Array(to_stored(array, self.ty)?))
    }
}
