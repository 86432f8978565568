//! The row half: relations as small tables of [`Value`](crate::value::Value)s. The meaning of operators that no
//! column engine has, and of a whole query over little data.
use crate::types::Schema;
use crate::value::Value;

pub mod whole;

/// A small table in memory.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table {
    pub schema: Schema,
    pub rows: Vec<Vec<Value<'static>>>,
}
