//! Every query has two meanings in this house: the plan's and the row half's. They must be one.
//!
//! A text is bound once; what it leaves open (which rows `take` takes, which of equal rows `arg_max` shows) is settled in
//! the bound relation by sorting on all columns; then the plan and the row half compute that relation over the same rows.
use crate::awkward;
use crate::blocks::sections;
use crate::front::{Front, front};
use crate::judge::cut;
use crate::{layers, recorded, root};
use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;
use sighthound::engine::{Language, Limits, QueryError, Request};
use sighthound::functions;
use sighthound::ir::{JoinKind, Rel, RelOp, Scalar, SortKey};
use sighthound::rows::{self, Budget, Env, Source, Table};
use sighthound::text::Span;
use sighthound::types::{Schema, Type};
use sighthound::value::{Value, datetime};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Where the days of the fixtures end, for queries that look back from now.
const NOW: &str = "2025-07-01T00:00:00Z";
/// Long, since it is about answers and not about time: unoptimised code on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(300);
/// Differences shown.
const SHOWN: usize = 60;
/// What no two runs give alike.
const UNSTEADY: [&str; 6] = ["rand(", "new_guid(", "sample ", "sample-distinct", "_approx", "evaluate autocluster"];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("differential::the_tests_of_this_folder", || check("tests", own())),
        Trial::test("differential::recorded_queries", || {
            check("recorded", shared("oracle", &["emulator", "fuzz", "docs"]))
        }),
        Trial::test("differential::published_queries", || check("published", shared("corpus", &["hunting"]))),
        Trial::test("differential::awkward_values", || check("awkward", awkward::queries())),
    ]
}

fn own() -> Vec<String> {
    let files = layers::files(&root().join("tests"), "md");
    // Those of a store that is changed on the way have no meaning over this one.
    let files: Vec<_> =
        files.into_iter().filter(|(path, _)| !path.components().any(|part| part.as_os_str() == "state")).collect();
    let blocks = files.iter().flat_map(|(_, text)| sections(text)).flat_map(|section| section.blocks);
    blocks.filter(|block| block.kind == "kql").map(|block| block.text).collect()
}

/// The queries of case files, of which there are none in a copy without them.
fn shared(folder: &str, stems: &[&str]) -> Vec<String> {
    let folder = recorded::shared().0.join(folder);
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            name.ends_with(".jsonl") && stems.iter().any(|stem| name.starts_with(stem))
        })
        .collect();
    files.sort();
    let texts: Vec<String> = files.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let cases = texts.iter().flat_map(|text| text.lines()).filter_map(|line| serde_json::from_str::<Json>(line).ok());
    cases.filter_map(|case| Some(case["query"].as_str()?.to_owned())).collect()
}

enum Outcome {
    Same,
    /// Not a query, or one whose answer is left open.
    PassedOver(&'static str),
    Different(String),
}

fn check(name: &str, queries: Vec<String>) -> Result<(), Failed> {
    let outcomes = front().all(queries, |front, query| async move {
        let steady = !UNSTEADY.iter().any(|word| query.contains(word));
        let outcome = if steady { compared(front, &query).await } else { Outcome::PassedOver("unsteady") };
        (query, outcome)
    });
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for (query, outcome) in &outcomes {
        match outcome {
            Outcome::Same => *tally.entry("same").or_default() += 1,
            Outcome::PassedOver(why) => *tally.entry(why).or_default() += 1,
            Outcome::Different(why) => {
                *tally.entry("different").or_default() += 1;
                differences.push(format!("{why}\n    {}", query.trim().replace('\n', "\n    ")));
            }
        }
    }
    println!("differential::{name}: {tally:?}");
    if differences.is_empty() {
        return Ok(());
    }
    let count = differences.len();
    differences.truncate(SHOWN);
    Err(format!("{count} differ\n{}", differences.join("\n\n")).into())
}

async fn compared(front: &'static Front, query: &str) -> Outcome {
    let mut request = Request::new(Limits { time: PATIENCE, memory: 1 << 30, ..Limits::SHELL });
    request.now = datetime::parse(NOW);
    let bound = match front.engine().meaning(Language::Kql, query, &request).await {
        Ok(bound) => bound,
        Err(QueryError::Fault(fault)) => return Outcome::Different(format!("a fault in binding: {}", fault.detail)),
        Err(QueryError::Wrong(_, faults)) => {
            return Outcome::PassedOver(faults.first().map_or("refused", |fault| fault.code.id));
        }
        Err(QueryError::Refused(_)) => return Outcome::PassedOver("refused"),
    };
    for answer in bound.results {
        let mut rel = answer.rel;
        settle(&mut rel);
        let planned = front.engine().table(rel.clone(), &request).await;
        let (meant, now) = (rel.clone(), request.now.unwrap_or(0));
        let handle = Handle::current();
        let meant = tokio::task::spawn_blocking(move || {
            let source = Stored { front, handle };
            let budget = Budget { until: Some(Instant::now() + PATIENCE), ..Budget::default() };
            rows::run(&meant, &Env { now, each: None, source: &source, budget })
        });
        match (planned, meant.await) {
            (_, Err(_)) => return Outcome::Different("a panic in the row half".into()),
            (Ok(planned), Ok(Ok(meant))) => {
                if let Err(why) = same(&meant, &planned, ordered(&rel)) {
                    return Outcome::Different(why);
                }
            }
            (Err(QueryError::Fault(fault)), _) => return Outcome::Different(format!("a fault: {}", fault.detail)),
            (Err(_), Ok(Err(_))) => return Outcome::PassedOver("stopped"),
            (Ok(_), Ok(Err(rows::RowsError::Rows(_) | rows::RowsError::Bytes(_) | rows::RowsError::Time))) => {
                return Outcome::PassedOver("too large for the row half");
            }
            (Ok(_), Ok(Err(error))) => return Outcome::Different(format!("only the row half stops: {error}")),
            (Err(error), Ok(Ok(_))) => return Outcome::Different(format!("only the plan stops: {error:?}")),
        }
    }
    Outcome::Same
}

/// Stored tables as the plans read them, each once.
struct Stored {
    front: &'static Front,
    handle: Handle,
}

impl Source for Stored {
    fn table(&self, name: &str, schema: &Schema) -> Result<Table, String> {
        static READ: LazyLock<Mutex<HashMap<String, Arc<Table>>>> = LazyLock::new(Mutex::default);
        let key = format!("{name} {schema:?}");
        if let Some(table) = READ.lock().map_err(|error| error.to_string())?.get(&key) {
            return Ok(table.as_ref().clone());
        }
        let op = RelOp::Table { name: name.to_owned(), span: Span::default() };
        let rel = Rel { op, schema: schema.clone() };
        let request = Request::new(Limits::SHELL);
        let read = self.front.engine().table(rel, &request);
        let table = self.handle.block_on(read).map_err(|error| format!("{error:?}"))?;
        READ.lock().map_err(|error| error.to_string())?.insert(key, Arc::new(table.clone()));
        Ok(table)
    }
}

/// Settles what the query leaves open.
fn settle(rel: &mut Rel) {
    rel.op.scalars_mut().into_iter().for_each(settle_in);
    rel.op.inputs_mut().into_iter().for_each(settle);
    match &mut rel.op {
        RelOp::Sort { input, keys } => keys.extend(by_all(&input.schema)),
        RelOp::Take { input, .. }
        | RelOp::Skip { input, .. }
        | RelOp::Window { input, .. }
        | RelOp::Apply { input, .. }
        | RelOp::Partition { input, .. } => sort(input),
        RelOp::Summarize { input, aggregates, .. } => {
            let by_order =
                |name: &str| ["make_", "arg_", "take_any", "any"].iter().any(|start| name.starts_with(start));
            if aggregates.iter().any(|call| by_order(call.aggregate.name())) {
                sort(input);
            }
        }
        RelOp::Whole { inputs, .. } => inputs.iter_mut().for_each(sort),
        RelOp::Join { kind, on, .. } if *kind == JoinKind::InnerUnique && !on.is_empty() => *kind = JoinKind::Inner,
        RelOp::Table { .. }
        | RelOp::Values { .. }
        | RelOp::Range { .. }
        | RelOp::Filter { .. }
        | RelOp::Project { .. }
        | RelOp::Join { .. }
        | RelOp::Union { .. }
        | RelOp::Expand { .. }
        | RelOp::Each
        | RelOp::Shared { .. } => {}
    }
}

fn settle_in(scalar: &mut Scalar) {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => {}
        Scalar::Call { args, .. } => args.iter_mut().for_each(settle_in),
        Scalar::SubquerySet { rel, .. } => settle(rel),
        Scalar::Subquery { rel, .. } => {
            settle(rel);
            sort(rel);
        }
    }
}

/// The order of an answer where the query says one.
fn ordered(rel: &Rel) -> bool {
    match &rel.op {
        RelOp::Sort { .. } | RelOp::Values { .. } | RelOp::Range { .. } | RelOp::Each => true,
        RelOp::Filter { input, .. }
        | RelOp::Project { input, .. }
        | RelOp::Take { input, .. }
        | RelOp::Skip { input, .. }
        | RelOp::Expand { input, .. }
        | RelOp::Window { input, .. }
        | RelOp::Apply { input, .. } => ordered(input),
        RelOp::Shared { .. }
        | RelOp::Table { .. }
        | RelOp::Summarize { .. }
        | RelOp::Join { .. }
        | RelOp::Union { .. }
        | RelOp::Partition { .. }
        | RelOp::Whole { .. } => false,
    }
}

fn sort(rel: &mut Rel) {
    if !ordered(rel) {
        let (schema, keys) = (rel.schema.clone(), by_all(&rel.schema));
        let input = Box::new(std::mem::replace(rel, Rel { op: RelOp::Each, schema: schema.clone() }));
        *rel = Rel { op: RelOp::Sort { input, keys }, schema };
    }
}

fn by_all(schema: &Schema) -> Vec<SortKey> {
    let keys = schema.columns.iter().map(|column| {
        let expr = Scalar::column(column.name.clone(), column.ty);
        let expr = match functions::scalar("tostring") {
            Some(function) if column.ty == Type::Dynamic => {
                Scalar::Call { function, args: vec![expr], ty: Type::String, span: Span::default() }
            }
            _ => expr,
        };
        SortKey { expr, descending: false, nulls_first: true }
    });
    keys.collect()
}

fn same(meant: &Table, planned: &Table, ordered: bool) -> Result<(), String> {
    if meant.schema != planned.schema {
        return Err(format!("columns: {:?} planned {:?}", meant.schema, planned.schema));
    }
    if meant.rows.len() != planned.rows.len() {
        return Err(format!("rows: {} meant, {} planned", meant.rows.len(), planned.rows.len()));
    }
    let schema = &meant.schema;
    let shown = |row: &[Value<'_>]| cut(&row.iter().map(exact).collect::<Vec<_>>().join(" | "), 400);
    let differ = |meant: &[Value<'_>], planned: &[Value<'_>]| {
        let column = meant.iter().zip(planned).position(|(a, b)| !same_value(a, b)).unwrap_or(0);
        let name = schema.columns.get(column).map_or("", |column| column.name.as_str());
        format!("column {name}\n  meant   {}\n  planned {}", shown(meant), shown(planned))
    };
    let same_row = |a: &[Value<'static>], b: &[Value<'static>]| a.iter().zip(b).all(|(a, b)| same_value(a, b));
    if ordered {
        return match meant.rows.iter().zip(&planned.rows).find(|(a, b)| !same_row(a, b)) {
            Some((a, b)) => Err(format!("in order, {}", differ(a, b))),
            None => Ok(()),
        };
    }
    // What is the same to the letter goes first; the rest is little.
    let key = |row: &Vec<Value<'static>>| row.iter().map(exact).collect::<Vec<_>>().join("\u{1}");
    let mut left: HashMap<String, Vec<&Vec<Value<'static>>>> = HashMap::new();
    planned.rows.iter().for_each(|row| left.entry(key(row)).or_default().push(row));
    let rest: Vec<_> = meant.rows.iter().filter(|row| left.get_mut(&key(row)).and_then(Vec::pop).is_none()).collect();
    let mut left: Vec<_> = left.into_values().flatten().collect();
    for row in rest {
        match left.iter().position(|other| same_row(row, other)) {
            Some(at) => drop(left.remove(at)),
            None => {
                let nearest = left
                    .iter()
                    .max_by_key(|other| row.iter().zip(other.iter()).filter(|(a, b)| same_value(a, b)).count());
                return Err(differ(row, nearest.map_or(&[], |row| row)));
            }
        }
    }
    Ok(())
}

fn exact(value: &Value<'_>) -> String {
    match value {
        Value::Null => "∅".into(),
        Value::Real(x) => (x + 0.0).to_string(),
        Value::Dynamic(x) => sighthound::value::json::write(&x.tree()),
        other => other.text().into_owned(),
    }
}

fn same_value(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => near(*a, *b),
        (Value::Dynamic(a), Value::Dynamic(b)) => same_json(&a.tree(), &b.tree()),
        _ => exact(a) == exact(b),
    }
}

fn near(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| near(a, b)),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_json(a, b)))
        }
        _ => a == b,
    }
}
