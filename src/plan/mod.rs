//! The typed middle to DataFusion plans. The first code that knows DataFusion; what leaves it is a `LogicalPlan` whose
//! functions are named UDFs and whose tables are named providers, so that a plan could travel to another process.
//!
//! Columns may lie in a plan in a stored form ([`Repr`]) as long as nobody computes with them: a filter on a stored
//! timestamp reaches Parquet as a comparison of timestamps, a top-N sorts them as they are. The last projection of an
//! answer turns every column into the form of [`crate::columns`].
use crate::ir::Rel;
use crate::types::{Schema, Type};
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

pub mod aggregate;
pub mod arg_udaf;
pub mod bin_udf;
pub mod codec;
pub mod distinct_udaf;
pub mod expand_exec;
pub mod fast;
pub mod fold_udaf;
pub mod folded;
pub mod join;
pub mod nodes;
pub mod one_group;
pub mod prune;
pub mod real_udf;
pub mod rel;
pub mod row_udf;
pub mod rows_exec;
pub mod rows_node;
pub mod scalar;
pub mod size;
pub mod text_udf;
pub mod time_set_udf;
pub mod weight;

/// How a column lies in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repr {
    /// As [`crate::columns::arrow_type`] says, a string without nulls.
    Native,
    /// A datetime as stored: microseconds.
    Micros,
    /// A string in which null means "".
    NullableText,
}

/// Where plans find their tables.
pub trait Providers: Send + Sync {
    /// Reads the table in stored types; `None` where there is no such table.
    fn provider(&self, table: &str) -> Option<Arc<dyn TableProvider>>;
}

/// What lowering needs beside the relation.
pub struct Lowering<'a> {
    pub providers: &'a dyn Providers,
    /// `now()`, in ticks.
    pub now: i64,
    /// Relations computed before ([`crate::ir::RelOp::Shared`]), by id, in native form.
    pub shared: &'a HashMap<u32, Arc<dyn TableProvider>>,
    /// How many plan columns have been named.
    pub named: Cell<u64>,
}

impl Lowering<'_> {
    /// A name that no other column of the plan has. `extend x = x + 1` twice in a row must not make two columns of one
    /// name: the optimizer takes equal expressions over equal names for the same value.
    pub fn fresh(&self, name: &str) -> String {
        self.named.set(self.named.get() + 1);
        format!("{name}#{}", self.named.get())
    }
}

/// A plan, where its columns are and how they lie.
#[derive(Clone, Debug)]
pub struct Lowered {
    pub plan: LogicalPlan,
    pub columns: Vec<LoweredColumn>,
    /// The rows come in an order that the query asked for.
    pub ordered: bool,
}

#[derive(Clone, Debug)]
pub struct LoweredColumn {
    pub name: String,
    /// Its name in the plan. Several columns may be one column of the plan.
    pub column: String,
    pub ty: Type,
    pub repr: Repr,
}

impl Lowered {
    pub fn schema(&self) -> Schema {
        Schema::new(self.columns.iter().map(|column| (column.name.clone(), column.ty)))
    }
}

/// Why a relation has no plan. All of these are faults of ours except `TooLarge`.
#[derive(Debug)]
pub enum PlanError {
    /// A relation written in the text is larger than a plan may hold.
    TooLarge(u64),
    /// It comes to more relations and expressions than can be planned in a reasonable time.
    TooMuch,
    /// A pipeline has more operators than can be planned in a reasonable time.
    TooLong(usize),
    Fault(String),
}

impl From<DataFusionError> for PlanError {
    fn from(error: DataFusionError) -> PlanError {
        PlanError::Fault(error.to_string())
    }
}

/// Takes from a relation what nobody reads of it, and folds what the row half need not see row by row. One that is too
/// large to be planned is refused.
pub fn ready(rel: &mut Rel, now: i64) -> Result<(), PlanError> {
    if size::is_too_large(rel) {
        return Err(PlanError::TooMuch);
    }
    folded::fold(rel, now);
    prune::prune(rel);
    Ok(())
}

/// The plan of a relation that is [`ready`] and whose subqueries have been replaced; its columns are in native form and
/// the schema's order.
pub fn lower(rel: &Rel, lowering: &Lowering<'_>) -> Result<LogicalPlan, PlanError> {
    let lowered = rel::lower(rel, lowering, 0)?;
    rel::native(lowered, &rel.schema)
}
