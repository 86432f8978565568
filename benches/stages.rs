//! How long a text takes from its first byte to a physical plan, by stage, over published hunting queries: those of the
//! shared corpus where it lies beside the project (or where `SIGHTHOUND_SHARED` says), else those of the tests.
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::logical_expr::LogicalPlan;
use sighthound::bind::{self, Context};
use sighthound::columns::arrow_schema;
use sighthound::engine::Limits;
use sighthound::exec::{Sessions, subqueries};
use sighthound::ir::Rel;
use sighthound::plan::{self, Lowering};
use sighthound::store::{Store, View};
use sighthound::syntax::kql;
use sighthound::text::Source;
use sighthound::types::Type;
use sighthound::value::Value;
use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 639_028_224_000_000_000;
/// Each query is measured so often; its least time counts, so that what else the machine does is left out.
const ROUNDS: usize = 5;
const STAGES: [&str; 5] = ["lex, parse", "bind", "plan", "all of these", "optimize, physical plan"];

type Shared = HashMap<u32, Arc<dyn TableProvider>>;

/// The times of one query; those of later stages are absent where it is refused before.
#[derive(Clone, Copy, Default)]
struct Times {
    stages: [Option<Duration>; STAGES.len()],
}

impl Times {
    fn least(&mut self, other: Times) {
        for (one, other) in self.stages.iter_mut().zip(other.stages) {
            *one = match (*one, other) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(8 << 20).build()?;
    let folder = tempfile::tempdir()?;
    let store = runtime.block_on(Store::open(&folder.path().display().to_string()))?;
    let view = store.view();
    let sessions = Sessions::new();
    let queries = queries();
    let mut all = vec![Times::default(); queries.len()];
    for _ in 0..ROUNDS {
        for ((_, query), times) in queries.iter().zip(&mut all) {
            times.least(runtime.block_on(measured(query, &view, &sessions))?);
        }
    }
    println!("{:<26}{:>9}{:>11}{:>11}{:>11}", "stage", "queries", "median ms", "p99 ms", "max ms");
    for (at, stage) in STAGES.iter().enumerate() {
        let mut column: Vec<(Duration, &str)> = all
            .iter()
            .zip(&queries)
            .filter_map(|(times, (id, _))| times.stages[at].map(|time| (time, id.as_str())))
            .collect();
        column.sort();
        let Some((most, slowest)) = column.last() else { continue };
        let rank = |share: f64| column[((column.len() as f64 * share).ceil() as usize).clamp(1, column.len()) - 1].0;
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (median, p99) = (ms(rank(0.5)), ms(rank(0.99)));
        println!("{stage:<26}{:>9}{median:>11.3}{p99:>11.3}{:>11.3}  {slowest}", column.len(), ms(*most));
    }
    Ok(())
}

async fn measured(query: &str, view: &View, sessions: &Sessions) -> Result<Times, Box<dyn Error>> {
    let mut times = Times::default();
    let source = Source::new(query);
    let began = Instant::now();
    let parsed = kql::parse(&source).into_result();
    let parse = began.elapsed();
    times.stages[0] = Some(parse);
    let Ok(tree) = parsed else { return Ok(times) };

    let context = Context { tables: view, now: NOW, parameters: &[], data: None, saved: &[] };
    let began = Instant::now();
    let bound = bind::kql(&tree, &context);
    let bind = began.elapsed();
    times.stages[1] = Some(bind);
    let Ok(bound) = bound else { return Ok(times) };

    let began = Instant::now();
    let mut uses = HashMap::new();
    bound.results.iter().for_each(|answer| subqueries::count_shared(&answer.rel, &mut uses));
    let mut plans = Vec::new();
    let mut shared = Shared::new();
    for answer in bound.results {
        lowered(answer.rel, view, &uses, &mut shared, &mut plans)?;
    }
    let lower = began.elapsed();
    times.stages[2] = Some(lower);
    times.stages[3] = Some(parse + bind + lower);

    let limits = Limits::SHELL;
    let state = sessions.state(&limits, Instant::now() + Duration::from_secs(60))?;
    let began = Instant::now();
    for plan in &plans {
        // What a plan cannot be made of is the suite's business.
        drop(state.create_physical_plan(plan).await);
    }
    times.stages[4] = Some(began.elapsed());
    Ok(times)
}

/// The plan of a relation, and before it those of the relations that it waits for. Nothing runs: one empty value stands
/// for what a subquery gives, an empty table for what is shared.
fn lowered(
    mut rel: Rel,
    view: &View,
    uses: &HashMap<u32, usize>,
    shared: &mut Shared,
    plans: &mut Vec<LogicalPlan>,
) -> Result<(), Box<dyn Error>> {
    loop {
        let mut waiting = Vec::new();
        subqueries::innermost(&rel, &mut waiting);
        if waiting.is_empty() {
            break;
        }
        let mut values = Vec::with_capacity(waiting.len());
        for one in waiting {
            let ty = one.rel.schema.columns.first().map_or(Type::Long, |column| column.ty);
            values.push(vec![(Value::absent(ty), ty)]);
            lowered(one.rel, view, uses, shared, plans)?;
        }
        subqueries::fill(&mut rel, &mut values.into_iter());
    }
    plan::ready(&mut rel, NOW).map_err(|error| format!("{error:?}"))?;
    let mut wanted = Vec::new();
    subqueries::shared(&rel, &mut wanted);
    for (id, input) in wanted {
        if uses.get(&id).is_some_and(|uses| *uses > 1) && !shared.contains_key(&id) {
            let table = MemTable::try_new(arrow_schema(&input.schema), vec![vec![]])?;
            lowered(input.as_ref().clone(), view, uses, shared, plans)?;
            shared.insert(id, Arc::new(table));
        }
    }
    let lowering = Lowering { providers: view, now: NOW, shared, named: Default::default() };
    match plan::lower(&rel, &lowering) {
        Ok(plan) => plans.push(plan),
        Err(error) => return Err(format!("{error:?}").into()),
    }
    Ok(())
}

/// Each query with what it is called.
fn queries() -> Vec<(String, String)> {
    let root = std::env::var_os("SIGHTHOUND_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    if let Ok(lines) = std::fs::read_to_string(root.join("corpus/hunting-dev.jsonl")) {
        let cases = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let text = |case: &serde_json::Value, key: &str| case[key].as_str().unwrap_or_default().to_owned();
        return cases.map(|case| (text(&case, "id"), text(&case, "query"))).collect();
    }
    eprintln!("no corpus in {}: the queries of the tests instead", root.display());
    let mut found = Vec::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut found);
    found
}

fn gather(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|end| end == "md") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let blocks = text.split("```kql\n").skip(1).filter_map(|rest| rest.split("```").next());
            found.extend(blocks.enumerate().map(|(at, query)| (format!("{}:{at}", path.display()), query.to_owned())));
        }
    }
}
