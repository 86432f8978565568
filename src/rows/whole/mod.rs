//! Operators and plug-ins that see all rows at once: one entry each. The binder looks an operator up by name, asks it
//! nothing, and hands over [`WholeArg`]s as each entry's `takes` says; the result's schema is the node's.
use super::{Env, RowsError, Table};
use crate::ir::WholeCall;
use crate::types::Schema;

/// One operator or plug-in over whole tables.
pub struct Whole {
    pub name: &'static str,
    pub doc: &'static str,
    /// What the [`WholeCall`]'s arguments are, in words for the binder.
    pub takes: &'static str,
    pub run: fn(&WholeCall, &[Table], &Schema, &Env<'_>) -> Result<Table, RowsError>,
}

pub const WHOLES: &[Whole] = &[];

pub fn whole(name: &str) -> Option<&'static Whole> {
    WHOLES.iter().find(|one| one.name == name)
}
