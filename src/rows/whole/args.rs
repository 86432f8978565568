//! Reading the arguments of a call by name.
use crate::ir::{Scalar, WholeArg, WholeCall};
use crate::rows::{Compiled, RowsError};
use crate::text::Span;
use crate::types::{Schema, Type};
use crate::value::Value;

/// The arguments of a call or of one group of it.
#[derive(Clone, Copy)]
pub struct Args<'c> {
    pub all: &'c [WholeArg],
    pub span: Span,
    operator: &'static str,
}

impl<'c> Args<'c> {
    pub fn of(call: &'c WholeCall) -> Args<'c> {
        Args { all: &call.args, span: call.span, operator: call.name }
    }

    /// The operator's or plug-in's name.
    pub fn operator(&self) -> &'static str {
        self.operator
    }

    pub fn scalar(&self, name: &str) -> Option<&'c Scalar> {
        self.all.iter().find_map(|arg| match arg {
            WholeArg::Scalar(key, scalar) if *key == name => Some(scalar),
            _ => None,
        })
    }

    pub fn scalars(&self, name: &str) -> Vec<&'c Scalar> {
        let pick = |arg: &'c WholeArg| match arg {
            WholeArg::Scalar(key, scalar) if *key == name => Some(scalar),
            _ => None,
        };
        self.all.iter().filter_map(pick).collect()
    }

    pub fn groups(&self, name: &str) -> Vec<Args<'c>> {
        let pick = |arg: &'c WholeArg| match arg {
            WholeArg::Group(key, all) if *key == name => Some(Args { all: all.as_slice(), ..*self }),
            _ => None,
        };
        self.all.iter().filter_map(pick).collect()
    }

    pub fn constant(&self, name: &str) -> Option<&'c Value<'static>> {
        self.all.iter().find_map(|arg| match arg {
            WholeArg::Constant(key, value) if *key == name => Some(value),
            _ => None,
        })
    }

    pub fn constants(&self, name: &str) -> Vec<&'c Value<'static>> {
        let pick = |arg: &'c WholeArg| match arg {
            WholeArg::Constant(key, value) if *key == name => Some(value),
            _ => None,
        };
        self.all.iter().filter_map(pick).collect()
    }

    pub fn text(&self, name: &str) -> Option<&'c str> {
        self.constant(name).and_then(Value::as_str)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.constant(name).and_then(Value::as_bool) == Some(true)
    }

    pub fn columns(&self, name: &str) -> Vec<(&'c str, Type)> {
        let pick = |arg: &'c WholeArg| match arg {
            WholeArg::Column(key, name_, ty) if *key == name => Some((name_.as_str(), *ty)),
            _ => None,
        };
        self.all.iter().filter_map(pick).collect()
    }

    /// A scalar of that name over the rows of a schema; the binder's fault where there is none.
    pub fn ready(&self, name: &str, schema: &Schema, now: i64) -> Result<Compiled, RowsError> {
        let scalar = self.scalar(name).ok_or_else(|| self.lacks(name))?;
        Compiled::new(scalar, schema, now)
    }

    pub fn ready_all(&self, name: &str, schema: &Schema, now: i64) -> Result<Vec<Compiled>, RowsError> {
        self.scalars(name).into_iter().map(|scalar| Compiled::new(scalar, schema, now)).collect()
    }

    /// A scalar without columns, computed.
    pub fn fixed(&self, name: &str, now: i64) -> Result<Option<Value<'static>>, RowsError> {
        match self.scalar(name) {
            Some(scalar) => {
                let ready = Compiled::new(scalar, &Schema::default(), now)?;
                Ok(Some(ready.eval(&[]).into_owned()))
            }
            None => Ok(None),
        }
    }

    pub fn lacks(&self, name: &str) -> RowsError {
        RowsError::Fault(format!("`{}` was bound without its `{name}`", self.operator))
    }

    /// The query's fault, seen in its data.
    pub fn wrong(&self, message: impl Into<String>) -> RowsError {
        RowsError::Wrong(self.span, message.into())
    }
}
