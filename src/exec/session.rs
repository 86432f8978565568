//! The DataFusion session: settings, caches and the operators of our own, made once; each query gets a copy with a
//! memory pool of its own.
use super::Limits;
use super::coded_columns::coded_columns;
use super::coded_groups::coded;
use super::coded_scan::Dictionaries;
use super::equal_columns::EqualColumns;
use super::few_rows::{KeptDictionaries, few_rows};
use crate::plan::rows_exec::RowsPlanner;
use crate::rows::Budget;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::Optimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::SessionConfig;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

/// What the footers of Parquet files may take in memory: about 4 MB for a million rows of forty columns, bounds of all
/// pages included. Those that do not fit are read again by every query.
const FOOTERS: usize = 512 << 20;

/// Rules that make a key of a join out of `a == b` in a filter. In our joins null keys are equal, in the filter they were
/// not: rows would come in that the filter throws out.
/// [`EqualColumns`] stands in their place.
const WRONG_WITH_NULL_KEYS: [&str; 2] = ["extract_equijoin_predicate", "eliminate_cross_join"];

/// Rules about what our plans never have: sub-queries, fields of stored structures. Each would look through every plan, twice.
const ABOUT_NOTHING_OF_OURS: [&str; 6] = [
    "rewrite_set_comparison",
    "decorrelate_predicate_subquery",
    "scalar_subquery_to_join",
    "decorrelate_lateral_join",
    "extract_leaf_expressions",
    "push_down_leaf_projections",
];

#[derive(Debug)]
pub struct Sessions {
    base: SessionState,
    runtime: Arc<RuntimeEnv>,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions::new()
    }
}

impl Sessions {
    pub fn new() -> Sessions {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut config = SessionConfig::new()
            .with_target_partitions(cores)
            .with_information_schema(false)
            .with_extension(Arc::new(Dictionaries::default()))
            .with_extension(Arc::new(KeptDictionaries::default()));
        let options = config.options_mut();
        // Rows written in a query and rows that were put in order stay in one stream; files are spread by the scan.
        options.optimizer.enable_round_robin_repartition = false;
        // Whether a column can be null, and the store's marks, differ between the two forms of a plan without harm.
        options.execution.skip_physical_aggregate_schema_check = true;
        let runtime = RuntimeEnvBuilder::new().with_metadata_cache_limit(FOOTERS).build_arc().unwrap_or_default();
        let mut rules = Optimizer::new().rules;
        let place = rules.iter().position(|rule| rule.name() == WRONG_WITH_NULL_KEYS[0]).unwrap_or(0);
        rules.insert(place, Arc::new(EqualColumns));
        let is_left_out = |name: &str| WRONG_WITH_NULL_KEYS.contains(&name) || ABOUT_NOTHING_OF_OURS.contains(&name);
        rules.retain(|rule| !is_left_out(rule.name()));
        // Plans have their functions with them; only a rule of the optimizer looks for one by its name.
        let base = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&runtime))
            .with_aggregate_functions(vec![first_value_udaf()])
            .with_optimizer_rules(rules)
            .with_query_planner(Arc::new(Planner))
            .build();
        Sessions { base, runtime }
    }

    /// The session of one query.
    pub fn state(&self, limits: &Limits, until: Instant) -> Result<SessionState> {
        let pool = TrackConsumersPool::new(FairSpillPool::new(limits.memory), NonZeroUsize::MIN);
        let runtime =
            RuntimeEnvBuilder::from_runtime_env(&self.runtime).with_memory_pool(Arc::new(pool)).build_arc()?;
        let config =
            self.base.config().clone().with_extension(Arc::new(Budget { until: Some(until), ..Budget::default() }));
        let mut state = SessionStateBuilder::new_from_existing(self.base.clone())
            .with_config(config)
            .with_runtime_env(runtime)
            .build();
        // All functions of a plan then share one set of options. Otherwise each has its own, and to compare two functions all
        // options are written out, sorted and compared.
        state.mark_start_execution();
        Ok(state)
    }
}

#[derive(Debug)]
struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(RowsPlanner)])
            .create_physical_plan(plan, session)
            .await?;
        interruptible(few_rows(coded_columns(coded(plan)?)?)?)
    }
}

/// Joins and unnesting can make any number of rows from one batch without asking for the next, and whoever consumes
/// them (an aggregation) gives none on: such a query could be neither timed out nor dropped. A pause now and then after
/// what they make lets both happen. DataFusion's own rule sees to the leaves alone.
fn interruptible(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let paused = plan.transform_up(|node| {
        let expands = node.name().ends_with("JoinExec") || node.name() == "UnnestExec";
        Ok(if expands { Transformed::yes(Arc::new(CooperativeExec::new(node)) as _) } else { Transformed::no(node) })
    })?;
    Ok(paused.data)
}
