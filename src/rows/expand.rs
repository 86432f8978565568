//! One row to several: mv-expand, parse and parse-kv, row by row. The interpreter and the planner both use it.
use super::RowsError;
use crate::ir::{Expander, Scalar};
use crate::types::Type;
use crate::value::Value;

/// An expander readied for use.
#[derive(Debug)]
pub struct Expansion {
    kind: Kind,
}

impl Expansion {
    pub fn new(expander: &Expander) -> Result<Expansion, RowsError> {
        let _ = expander;
        Err(RowsError::Fault("no expander".into()))
    }

    /// The values of these, in this order, are what [`Expansion::expand`] takes for each row.
    pub fn arguments(expander: &Expander) -> Vec<&Scalar> {
        match expander {
            Expander::MvExpand { columns, .. } => columns.iter().map(|(_, scalar, _)| scalar).collect(),
            Expander::Parse { expr, .. } | Expander::ParseKv { expr, .. } => vec![expr],
        }
    }

    /// The columns that it gives, in this order. A column of the result schema of that name has this value; all other
    /// columns of the result are the input's.
    pub fn gives(expander: &Expander) -> Vec<(String, Type)> {
        match expander {
            Expander::MvExpand { columns, index, .. } => columns
                .iter()
                .map(|(name, _, ty)| (name.clone(), *ty))
                .chain(index.iter().map(|name| (name.clone(), Type::Long)))
                .collect(),
            Expander::Parse { pattern, .. } => pattern
                .parts
                .iter()
                .filter_map(|part| match part {
                    crate::ir::ParsePart::Column(name, ty) => Some((name.clone(), *ty)),
                    crate::ir::ParsePart::Text(_) | crate::ir::ParsePart::Star => None,
                })
                .collect(),
            Expander::ParseKv { columns, .. } => columns.clone(),
        }
    }

    /// Emits the values of the given columns, once for each row that this row becomes.
    pub fn expand<'a>(&self, args: &[Value<'a>], emit: &mut dyn FnMut(&[Value<'_>])) {
        let _ = (args, emit, &self.kind);
    }
}

#[derive(Debug)]
enum Kind {}
