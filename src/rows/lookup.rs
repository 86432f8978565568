//! Rows of a table that are asked for without a plan, of whoever has them in memory.
use crate::ir::Scalar;
use crate::types::Schema;

/// Rows of a table of alerts that are asked for without a plan.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'l> {
    pub table: &'l str,
    /// What is wanted of each.
    pub schema: &'l Schema,
    /// A column and what may be in it. Without it the rows come in order of their times.
    pub key: Option<(&'l str, &'l [String])>,
    /// What else must be true of each.
    pub conditions: &'l [Scalar],
    pub arrived: Option<Arrived>,
    /// Whether the newest come first. Those of keys come the oldest first.
    pub newest: bool,
    pub most: usize,
}

impl<'l> Lookup<'l> {
    /// All rows of these keys.
    pub fn of(table: &'l str, schema: &'l Schema, column: &'l str, keys: &'l [String]) -> Lookup<'l> {
        let key = Some((column, keys));
        Lookup { table, schema, key, conditions: &[], arrived: None, newest: false, most: usize::MAX }
    }
}

/// Rows arrived later than this, in ticks, or at it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub since: i64,
    pub included: bool,
}

impl Arrived {
    pub fn has(self, at: i64) -> bool {
        at > self.since || self.included && at == self.since
    }
}
