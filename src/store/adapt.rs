//! Every file as the table's stored columns, whatever its own columns are: those of an older file, of another writer, of
//! a plain folder. Where a file's column is the stored column already, nothing is put between.
use super::convert::{is_cast, kql_type, to_stored};
use crate::columns::stored_type;
use crate::types::Type;
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
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
        // Bottom-up, so that what a column becomes is not visited again.
        expr.transform_up(|expr| match expr.downcast_ref::<Column>() {
            Some(column) => Ok(Transformed::yes(self.column(column.name())?)),
            None => Ok(Transformed::no(expr)),
        })
        .data()
    }
}

impl Adapter {
    fn column(&self, name: &str) -> Result<Arc<dyn PhysicalExpr>> {
        let Ok(wanted) = self.logical.field_with_name(name) else {
            // No column of the table: one that only the reader of this file knows.
            return Ok(Arc::new(Column::new(name, self.physical.index_of(name)?)));
        };
        let ty = type_of(wanted);
        // Of columns that differ only in case one is stored, and the others read it.
        let fields = self.physical.fields();
        let alike = || fields.iter().position(|field| field.name().eq_ignore_ascii_case(name));
        let Some(index) = self.physical.index_of(name).ok().or_else(alike) else {
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
