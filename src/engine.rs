//! The one door behind the HTTP doors, the command line, the tests and the benches: a text in, batches out.
//!
//! parse → bind → subqueries and shared relations first → lower → optimize → run. Limits hold from the first step.
pub use crate::bind::odata as request_lines;
pub use crate::exec::limits::{Limits, Refused};
/// Opens the file that `geo_info_from_ip_address` answers from.
pub use crate::functions::geo::places::open as open_places;
pub use crate::store::{Ingestion, StoreError};
pub use crate::syntax::odata::ast::{Literal, RequestLine};
pub use crate::syntax::odata::parse as request_line;

mod before;
mod planned;
mod scope;
mod small;

use crate::bind::alerts::{INCIDENT_WINDOW, Inside, Stored, one_body};
use crate::bind::saved::{self, Saved};
use crate::bind::{self, Context, Data};
use crate::catalog::Tables;
use crate::columns::{Cells, cell_bytes};
use crate::exec::{Sessions, subqueries};
use crate::ir::{Answer, Bound, Rel, RelOp, Scalar};
use crate::plan::{self, Providers};
use crate::rows::{self, RowsError};
use crate::store::outside::{self, Outside, OutsideError};
use crate::store::readings::{Reading, Readings};
use crate::store::{Store, Texts, View};
use crate::syntax::{kql, odata};
use crate::text::{Diagnostic, Diagnostics, Source, Span, codes};
use crate::types::{Schema, Type};
use crate::value::{Value, datetime};
use arrow::record_batch::RecordBatch;
use before::Newly;
use datafusion::catalog::TableProvider;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::session_state::SessionState;
use datafusion::physical_plan::displayable;
use futures::StreamExt;
use futures::stream::BoxStream;
use scope::Narrowing;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Kql,
    /// A request line: `alerts?$filter=…`.
    OData,
}

/// What comes with a query beside its text.
#[derive(Clone, Debug)]
pub struct Request {
    pub limits: Limits,
    /// Values for `declare query_parameters`, as KQL literals.
    pub parameters: Vec<(String, String)>,
    /// Ticks; only rows whose Timestamp lies within count (Graph's `Timespan`).
    pub timespan: Option<(i64, i64)>,
    /// What `now()` gives, in ticks; the clock's time where absent.
    pub now: Option<i64>,
    /// Only rows of devices in these groups are there; all rows where absent.
    pub device_groups: Option<Arc<[String]>>,
    /// A text of our own, which may name what users may not: when rows arrived.
    pub ours: bool,
}

impl Request {
    pub fn new(limits: Limits) -> Request {
        Request { limits, parameters: vec![], timespan: None, now: None, device_groups: None, ours: false }
    }
}

/// The answer: one table for each result statement.
pub struct Response {
    pub tables: Vec<TableAnswer>,
    pub notices: Vec<String>,
}

impl Response {
    /// Keeps the query's place until the last of its tables is read or dropped.
    fn holding(mut self, place: OwnedSemaphorePermit) -> Response {
        let place = Arc::new(place);
        for table in &mut self.tables {
            let place = Arc::clone(&place);
            let batches = std::mem::replace(&mut table.batches, futures::stream::empty().boxed());
            table.batches = batches
                .map(move |batch| {
                    let _held = &place;
                    batch
                })
                .boxed();
        }
        self
    }
}

pub struct TableAnswer {
    pub name: String,
    pub schema: Schema,
    /// Batches with `columns::arrow_schema(&schema)`. An error ends the stream; it can come after rows.
    pub batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    /// JSON, where the query had a `render`.
    pub visualization: Option<String>,
}

#[derive(Debug)]
pub enum QueryError {
    /// The text is wrong: 400.
    Wrong(Source, Diagnostics),
    /// A limit: 413, 429, 504.
    Refused(Refused),
    /// Ours: 500. The details are logged under this id.
    Fault(Fault),
}

#[derive(Clone, Debug)]
pub struct Fault {
    pub id: String,
    pub detail: String,
}

impl QueryError {
    /// A text of our own is wrong: our fault.
    fn ours(faults: Diagnostics) -> QueryError {
        QueryError::fault(faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))
    }

    /// A fault of ours, logged with its details.
    pub fn fault(detail: impl std::fmt::Display) -> QueryError {
        let fault = Fault { id: uuid::Uuid::new_v4().to_string(), detail: detail.to_string() };
        tracing::error!(id = %fault.id, detail = %fault.detail, "a query failed");
        QueryError::Fault(fault)
    }
}

/// Ticks of the clock now.
pub fn clock() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    datetime::UNIX_EPOCH + i64::try_from(since.as_nanos() / 100).unwrap_or(0)
}

/// The engine over one store. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    store: Store,
    sessions: Arc<Sessions>,
    library: Arc<RwLock<Library>>,
    outside: Arc<Outside>,
    scopes: Arc<scope::Cache>,
    /// How long a time the alerts of a device are one incident.
    incident_window: Option<Arc<str>>,
    /// A place for each query that may run; held until its answer is read to the end or dropped.
    places: Arc<Semaphore>,
}

/// So many queries run at once, each within its own memory pool; the others wait.
const PLACES: usize = 8;
/// A query that has found no place after this time is refused.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The saved functions that can be called, and the texts that they were read from.
#[derive(Default)]
struct Library {
    texts: Texts,
    functions: Arc<Vec<Arc<Saved>>>,
}

impl Engine {
    /// Opens a store by path or URL.
    pub async fn open(url: &str) -> Result<Engine, StoreError> {
        Ok(Engine::over(Store::open(url).await?))
    }

    pub fn over(store: Store) -> Engine {
        let (sessions, places) = (Arc::new(Sessions::new()), Arc::new(Semaphore::new(PLACES)));
        let (library, outside, scopes) = (Arc::default(), Arc::default(), Arc::default());
        Engine { store, sessions, library, outside, scopes, incident_window: None, places }
    }

    /// Lets `externaldata` read these folders and object stores; without them it reads nothing.
    pub fn allow(mut self, places: &[String]) -> Result<Engine, StoreError> {
        let mut outside = Outside::default();
        places.iter().filter(|place| !place.is_empty()).try_for_each(|place| outside.allow(place))?;
        self.outside = Arc::new(outside);
        Ok(self)
    }

    /// Alerts of one device within so long a time (a timespan in KQL) are one incident.
    pub fn grouping_alerts_by(mut self, window: &str) -> Engine {
        self.incident_window = Some(window.into());
        self
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The saved functions, each behind those that it calls.
    pub async fn functions(&self) -> Result<Arc<Vec<Arc<Saved>>>, QueryError> {
        Ok(self.library(&self.store.refresh().await.map_err(QueryError::fault)?))
    }

    fn library(&self, view: &View) -> Arc<Vec<Arc<Saved>>> {
        {
            let library = self.library.read().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&library.texts, &view.functions) {
                return library.functions.clone();
            }
        }
        let read = view.functions.iter().filter_map(|(name, text)| match Saved::parse(name, &text.text) {
            Ok(function) => Some(Arc::new(function)),
            Err(_) => {
                tracing::warn!(name, "a saved function cannot be read, and is passed over");
                None
            }
        });
        let functions = Arc::new(saved::in_order(read.collect()));
        let mut library = self.library.write().unwrap_or_else(PoisonError::into_inner);
        *library = Library { texts: view.functions.clone(), functions: functions.clone() };
        functions
    }

    /// Saves a function, which queries can call from then on. A wrong text is refused.
    pub async fn save_function(&self, name: &str, text: &str) -> Result<(), QueryError> {
        let view = self.store.refresh().await.map_err(QueryError::fault)?;
        self.check_function(&view, name, text)
            .map_err(|faults| QueryError::Wrong(Source::named(name, text), faults))?;
        self.store.save_function(name, text).await.map_err(QueryError::fault)
    }

    fn check_function(&self, view: &View, name: &str, text: &str) -> Result<(), Diagnostics> {
        let saved = self.library(view);
        let context = Context { tables: view, now: clock(), parameters: &[], data: None, saved: &saved };
        Saved::parse(name, text)?.check(&context)
    }

    /// Whether there was such a function.
    pub async fn remove_function(&self, name: &str) -> Result<bool, QueryError> {
        self.store.remove_function(name).await.map_err(QueryError::fault)
    }

    /// Runs a text. What is wrong with it is found before any row is read.
    pub async fn query(&self, language: Language, text: &str, request: Request) -> Result<Response, QueryError> {
        let place = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.places).acquire_owned());
        let place = place.await.map_err(|_| QueryError::Refused(Refused::Busy))?.map_err(QueryError::fault)?;
        let until = Instant::now() + request.limits.time;
        let work = self.start(language, text, request.clone(), until);
        match tokio::time::timeout_at(until.into(), work).await {
            Ok(answer) => Ok(answer?.holding(place)),
            Err(_) => Err(QueryError::Refused(Refused::Time(request.limits.time))),
        }
    }

    async fn start(
        &self,
        language: Language,
        text: &str,
        request: Request,
        until: Instant,
    ) -> Result<Response, QueryError> {
        let mut run = self.run(text, &request, until).await?;
        run.small = language == Language::OData;
        let bound = run.bind(language).await?;
        let mut uses = HashMap::new();
        bound.results.iter().for_each(|answer| subqueries::count_shared(&answer.rel, &mut uses));
        let mut shared = HashMap::new();
        let mut tables = Vec::with_capacity(bound.results.len());
        for Answer { name, rel, visualization } in bound.results {
            let schema = rel.schema.clone();
            let batches = run.stream(rel, &uses, &mut shared).await?;
            let batches = limited(batches, Arc::clone(&run.source), request.limits, until);
            tables.push(TableAnswer { name, schema, batches, visualization });
        }
        Ok(Response { tables, notices: bound.notices })
    }

    /// The meaning of a text over what is stored now. With [`Engine::table`] and [`rows::run`] it can be computed both
    /// ways.
    pub async fn meaning(&self, language: Language, text: &str, request: &Request) -> Result<Bound, QueryError> {
        self.run(text, request, Instant::now() + request.limits.time).await?.bind(language).await
    }

    /// The rows that the plan of a relation gives.
    pub async fn table(&self, rel: Rel, request: &Request) -> Result<rows::Table, QueryError> {
        let run = self.run("", request, Instant::now() + request.limits.time).await?;
        run.table(rel).await
    }

    async fn run(&self, text: &str, request: &Request, until: Instant) -> Result<Run, QueryError> {
        let view = self.store.refresh().await.map_err(QueryError::fault)?;
        let mut parameters = request.parameters.clone();
        parameters.extend(self.incident_window.iter().map(|window| (INCIDENT_WINDOW.to_owned(), window.to_string())));
        Ok(Run {
            source: Arc::new(Source::new(text)),
            saved: self.library(&view),
            outside: Arc::clone(&self.outside),
            view: scope::Scoped::new(view, request.device_groups.clone()),
            state: self.sessions.state(&request.limits, until).map_err(QueryError::fault)?,
            limits: request.limits,
            now: request.now.unwrap_or_else(clock),
            parameters,
            timespan: request.timespan,
            scopes: Arc::clone(&self.scopes),
            ours: request.ours,
            small: false,
        })
    }

    /// Every stage of a text, by name, as far as it comes.
    pub async fn explain(
        &self,
        language: Language,
        text: &str,
        request: Request,
    ) -> Result<Vec<(&'static str, String)>, QueryError> {
        let mut run = self.run(text, &request, Instant::now() + request.limits.time).await?;
        let readings = Arc::new(Readings::default());
        run.state.config_mut().set_extension(Arc::clone(&readings));
        let mut stages = Vec::new();
        if language == Language::Kql {
            stages.push(("tree", format!("{:#?}", run.parse()?)));
        }
        let bound = run.bind(language).await?;
        let first: String = readings.take().iter().map(Reading::to_string).collect();
        if !first.is_empty() {
            stages.push(("what is read first", first));
        }
        let (mut uses, mut shared) = (HashMap::new(), HashMap::new());
        bound.results.iter().for_each(|answer| subqueries::count_shared(&answer.rel, &mut uses));
        for answer in bound.results {
            stages.push(("meaning", format!("{:#?}", answer.rel)));
            run.narrow_tables(&answer.rel).await?;
            let mut rel = answer.rel;
            run.ready(&mut rel, &uses, &mut shared).await?;
            let (rel, seeks_newest) = match run.newest_at_once(&rel, &uses, &mut shared).await? {
                Newly::Found { sought, .. } => (*sought, false),
                Newly::SoughtInVain => (rel, false),
                Newly::Other => (rel, true),
            };
            let plan = run.plan(rel, &uses, &mut shared, seeks_newest).await?;
            stages.push(("plan", plan.display_indent().to_string()));
            let optimized = run.state.optimize(&plan).map_err(|error| run.failed(error))?;
            // Of what was computed before, nothing is told.
            readings.take();
            stages.push(("optimized plan", optimized.display_indent().to_string()));
            let physical = run.state.create_physical_plan(&plan).await.map_err(|error| run.failed(error))?;
            stages.push(("physical plan", displayable(physical.as_ref()).indent(true).to_string()));
            stages.push(("what is read", readings.take().iter().map(Reading::to_string).collect()));
        }
        Ok(stages)
    }
}

/// One query on its way.
#[derive(Clone)]
struct Run {
    source: Arc<Source>,
    saved: Arc<Vec<Arc<Saved>>>,
    outside: Arc<Outside>,
    view: scope::Scoped,
    state: SessionState,
    limits: Limits,
    now: i64,
    parameters: Vec<(String, String)>,
    timespan: Option<(i64, i64)>,
    scopes: Arc<scope::Cache>,
    ours: bool,
    /// A relation over a few rows in memory is computed by the row half: to plan it would take longer.
    small: bool,
}

type SharedTables = HashMap<u32, Arc<dyn TableProvider>>;

impl Providers for View {
    fn provider(&self, table: &str) -> Option<Arc<dyn TableProvider>> {
        View::provider(self, table)
    }
}

impl Run {
    fn parse(&self) -> Result<kql::ast::Query, QueryError> {
        kql::parse(&self.source).into_result().map_err(|faults| self.wrong(faults))
    }

    fn wrong(&self, faults: Diagnostics) -> QueryError {
        QueryError::Wrong(self.source.as_ref().clone(), faults)
    }

    /// Parsing and binding compute without a pause, and binding may run relations (`evaluate pivot`), so they have a
    /// thread of their own.
    async fn bind(&self, language: Language) -> Result<Bound, QueryError> {
        let run = self.clone();
        let handle = tokio::runtime::Handle::current();
        let bound = tokio::task::spawn_blocking(move || {
            let data = Rows { run: &run, handle };
            let context = Context {
                tables: &run.view as &dyn Tables,
                now: run.now,
                parameters: &run.parameters,
                data: Some(&data),
                saved: &run.saved,
            };
            let stored = Stored::of(|table| run.view.has_rows(table));
            match language {
                Language::Kql => {
                    let inside = Inside(context.tables);
                    let context = if run.ours { Context { tables: &inside, ..context } } else { context };
                    let mut bound = bind::kql(&run.parse()?, &context).map_err(|faults| run.wrong(faults))?;
                    for answer in &mut bound.results {
                        if let Some(span) = run.timespan {
                            within_timespan(&mut answer.rel, span);
                        }
                        one_body(&mut answer.rel, stored, &context).map_err(QueryError::ours)?;
                    }
                    Ok(bound)
                }
                Language::OData => odata::parse(&run.source)
                    .and_then(|line| bind::odata(&line, &context, stored))
                    .map_err(|faults| run.wrong(faults)),
            }
        });
        bound.await.map_err(QueryError::fault)?
    }

    /// The rows of a relation, within what a query may hold of them.
    async fn table(&self, rel: Rel) -> Result<rows::Table, QueryError> {
        let budget =
            self.state.config().get_extension::<rows::Budget>().map_or_else(Default::default, |budget| *budget);
        let (mut uses, mut shared) = (HashMap::new(), HashMap::new());
        subqueries::count_shared(&rel, &mut uses);
        let mut table = rows::Table { schema: rel.schema.clone(), rows: vec![] };
        let (most, mut bytes) = (budget.bytes.min(self.limits.memory), 0);
        let mut batches = self.stream(rel, &uses, &mut shared).await?;
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(|error| self.failed(error))?;
            bytes += plan::rows_exec::row_bytes(&batch);
            if table.rows.len() + batch.num_rows() > budget.rows {
                return Err(QueryError::Refused(Refused::AtOnce(budget.rows as u64)));
            }
            if bytes > most {
                return Err(QueryError::Refused(Refused::Memory(most)));
            }
            plan::rows_exec::append_rows(&batch, &table.schema, &mut table.rows);
        }
        Ok(table)
    }

    /// The first value of the first column, or all its distinct values.
    async fn values(
        &self,
        waiting: &subqueries::Waiting,
        uses: &HashMap<u32, usize>,
        shared: &mut SharedTables,
    ) -> Result<Vec<(Value<'static>, Type)>, QueryError> {
        let Some(first) = waiting.rel.schema.columns.first().cloned() else { return Ok(vec![]) };
        let column = Scalar::column(first.name.clone(), first.ty);
        let schema = Schema::new([(first.name.clone(), first.ty)]);
        let input = Box::new(waiting.rel.clone());
        let op = if waiting.set {
            RelOp::Summarize { input, by: vec![(first.name, column)], aggregates: vec![] }
        } else {
            RelOp::Take { input, count: 1 }
        };
        let schema = if waiting.set { schema } else { waiting.rel.schema.clone() };
        let most = if waiting.set { MOST_IN_A_SET } else { 1 };
        let mut values = Vec::new();
        for batch in self.collect(Rel { op, schema }, uses, shared).await? {
            let cells = Cells::new(batch.column(0), first.ty);
            values.extend((0..batch.num_rows()).map(|row| (cells.get(row).into_owned(), first.ty)));
            if values.len() > most {
                return Err(QueryError::Refused(Refused::Rows(most as u64)));
            }
        }
        Ok(values)
    }

    /// Finds out what the tables that a relation reads are narrowed by, or why one of them is not shown.
    async fn narrow_tables(&self, rel: &Rel) -> Result<(), QueryError> {
        let Some(groups) = &self.view.groups else { return Ok(()) };
        let mut names = Vec::new();
        tables(rel, &mut names);
        for name in names {
            let narrowing = scope::narrowing(&self.view, name);
            let mut known = self.view.known();
            match narrowing {
                Narrowing::Whole | Narrowing::Group(_, None) => {}
                Narrowing::Device(_) | Narrowing::Group(_, Some(_)) => {
                    let needed = matches!(narrowing, Narrowing::Device(_)) && self.view.has_rows(name);
                    if needed && !self.view.has_rows("DeviceInfo") {
                        let message = format!("`{name}` is read by groups of devices, and no device's group is known");
                        let fault = codes::NOT_GRANTED.at(Span::default(), message);
                        return Err(self.wrong(vec![fault.help("take in rows of `DeviceInfo`")]));
                    }
                    if known.devices.is_none() {
                        let all = Run { view: self.view.whole(), ..self.clone() };
                        let devices = all.names("devices", &["DeviceInfo"], groups, &scope::devices_of(groups)).await?;
                        known.devices = Some(devices);
                        self.view.know(known);
                    }
                }
                Narrowing::Alert(_) if known.alerts.is_none() => {
                    let alerts = self.names("alerts", &scope::HAVE_ALERTS, groups, scope::ALERTS_OF_DEVICES).await?;
                    self.view.know(scope::Known { alerts: Some(alerts), ..self.view.known() });
                }
                Narrowing::Alert(_) => {}
                Narrowing::Refused => {
                    let message = format!("`{name}` does not say of which device its rows are");
                    let fault = codes::NOT_GRANTED.at(Span::default(), message);
                    return Err(self.wrong(vec![fault.help("ask with a client that is not held to groups of devices")]));
                }
            }
        }
        Ok(())
    }

    /// The texts in the only column of a query's answer. `of`: the tables that it reads.
    async fn names(
        &self,
        what: &'static str,
        of: &[&str],
        groups: &Arc<[String]>,
        text: &str,
    ) -> Result<scope::Names, QueryError> {
        let versions = self.view.versions();
        // A table without a log can change without our seeing it.
        let versions: Option<Vec<u64>> = of
            .iter()
            .map(|table| if self.view.has_rows(table) { versions.get(*table).copied() } else { Some(0) })
            .collect();
        if let Some(names) = versions.as_ref().and_then(|versions| self.scopes.find(groups, what, versions)) {
            return Ok(names);
        }
        let rel = {
            let tables: &dyn Tables = &self.view;
            let context = Context { tables, now: self.now, parameters: &[], data: None, saved: &[] };
            let tree = kql::parse(&Source::new(text)).into_result().map_err(QueryError::ours)?;
            let bound = bind::kql(&tree, &context).map_err(QueryError::ours)?;
            bound.results.into_iter().next().map(|answer| answer.rel)
        };
        let mut names = Vec::new();
        if let Some(rel) = rel {
            for batch in self.collect(rel, &HashMap::new(), &mut HashMap::new()).await? {
                let cells = Cells::new(batch.column(0), Type::String);
                names.extend((0..batch.num_rows()).map(|row| cells.get(row).text().into_owned()));
                if names.len() > MOST_IN_A_SET {
                    return Err(QueryError::Refused(Refused::Rows(MOST_IN_A_SET as u64)));
                }
            }
        }
        let names = Arc::new(names);
        if let Some(versions) = versions {
            self.scopes.keep(groups, what, versions, &names);
        }
        Ok(names)
    }

    fn failed(&self, error: DataFusionError) -> QueryError {
        failed(&self.source, &self.limits, error)
    }
}

/// The names of all tables that a relation reads.
fn tables<'r>(rel: &'r Rel, found: &mut Vec<&'r str>) {
    if let RelOp::Table { name, .. } = &rel.op {
        found.push(name);
    }
    rel.op.inputs().into_iter().for_each(|input| tables(input, found));
}

/// `in` takes at most a million values of a table, as the reference engine has it.
const MOST_IN_A_SET: usize = 1_000_000;

/// Relations that the binder wants to see rows of.
struct Rows<'r> {
    run: &'r Run,
    handle: tokio::runtime::Handle,
}

impl Data for Rows<'_> {
    fn rows(&self, rel: &Rel) -> Result<rows::Table, Diagnostic> {
        match self.handle.block_on(self.run.table(rel.clone())) {
            Ok(table) => Ok(table),
            Err(QueryError::Wrong(_, mut faults)) if !faults.is_empty() => Err(faults.remove(0)),
            Err(QueryError::Refused(refused)) => Err(codes::NEEDS_DATA
                .at(Span::default(), format!("the columns of the answer depend on rows, and {refused}"))
                .help("declare the columns, or read fewer rows")),
            Err(QueryError::Wrong(..) | QueryError::Fault(_)) => {
                Err(codes::NEEDS_DATA.at(Span::default(), "the rows that decide the columns could not be read"))
            }
        }
    }

    fn reach(&self, table: &str, rows: u64, from: Option<i64>, newest: bool) -> Option<i64> {
        self.run.view.reach(table, rows, from, newest)
    }

    fn begun(&self, table: &str, column: &str, ids: &[String], time: i64) -> Option<Vec<bool>> {
        self.handle.block_on(self.run.view.begun(table, column, ids, time))
    }

    fn lookup(&self, lookup: &rows::Lookup<'_>) -> Option<rows::Table> {
        // What is in memory is everybody's.
        if self.run.view.groups.is_some() {
            return None;
        }
        let found = self.handle.block_on(self.run.view.lookup(lookup))?;
        if let Some(readings) = self.run.state.config().get_extension::<Readings>() {
            readings.add(Reading::in_memory(lookup.table, found.rows.len()));
        }
        Some(found)
    }

    fn openings(&self, table: &str, column: &str, from: i64, to: i64) -> Option<Vec<(i64, String)>> {
        if self.run.view.groups.is_some() {
            return None;
        }
        self.handle.block_on(self.run.view.openings(table, column, from, to))
    }

    fn arrived(&self, table: &str, since: rows::Arrived) -> bool {
        self.run.view.arrived(table, since)
    }

    fn outside(&self, asked: &bind::Outside<'_>) -> Result<Vec<Vec<Value<'static>>>, Diagnostic> {
        let bind::Outside { address, columns, places, ignore_first, span, .. } = *asked;
        if self.run.view.groups.is_some() {
            let fault = codes::NOT_GRANTED.at(span, format!("`{address}` does not say of which device its rows are"));
            return Err(fault.help("ask with a client that is not held to groups of devices"));
        }
        let wrong = |error| match error {
            OutsideError::NotAllowed => bind::not_allowed(address, span),
            error => codes::NEEDS_DATA.at(span, format!("`{address}` {error}")),
        };
        let format = outside::format(asked.format, address);
        let bytes = self.handle.block_on(self.run.outside.read(address)).map_err(wrong)?;
        match outside::records(bytes, format, columns, places, ignore_first) {
            Some(records) => records.map_err(wrong),
            None => Err(codes::BAD_VALUE
                .at(span, format!("the format `{format}` is not read here"))
                .help("use csv, tsv, psv, scsv, sohsv, txt, raw, json, multijson or parquet")),
        }
    }
}

/// Only rows within the timespan, wherever a table with a time is read.
fn within_timespan(rel: &mut Rel, (from, to): (i64, i64)) {
    rel.op.inputs_mut().into_iter().for_each(|input| within_timespan(input, (from, to)));
    let timed = matches!(rel.op, RelOp::Table { .. })
        && rel.schema.get(crate::catalog::TIMESTAMP).is_some_and(|column| column.ty == Type::Datetime);
    let (true, Some(between)) = (timed, crate::functions::scalar("between")) else { return };
    let bound = |ticks| Scalar::literal(Value::Datetime(ticks), Type::Datetime);
    let args = vec![Scalar::column(crate::catalog::TIMESTAMP, Type::Datetime), bound(from), bound(to)];
    let predicate = Scalar::Call { function: between, args, ty: Type::Bool, span: Span::default() };
    let table = std::mem::replace(&mut rel.op, RelOp::Each);
    let input = Box::new(Rel { op: table, schema: rel.schema.clone() });
    rel.op = RelOp::Filter { input, predicate };
}

/// The batches up to the limits.
fn limited(
    batches: SendableRecordBatchStream,
    source: Arc<Source>,
    limits: Limits,
    until: Instant,
) -> BoxStream<'static, Result<RecordBatch, QueryError>> {
    let state = (batches, 0u64, 0u64, false);
    futures::stream::unfold(state, move |(mut batches, rows, bytes, ended)| {
        let source = Arc::clone(&source);
        async move {
            if ended {
                return None;
            }
            let next = match tokio::time::timeout_at(until.into(), batches.next()).await {
                Err(_) => Err(QueryError::Refused(Refused::Time(limits.time))),
                Ok(None) => return None,
                Ok(Some(Err(error))) => Err(failed(&source, &limits, error)),
                Ok(Some(Ok(batch))) => Ok(batch),
            };
            let (rows, bytes) = match &next {
                Ok(batch) => (rows + batch.num_rows() as u64, bytes + cell_bytes(batch)),
                Err(_) => (rows, bytes),
            };
            let next = match next {
                Ok(_) if rows > limits.rows => Err(QueryError::Refused(Refused::Rows(limits.rows))),
                Ok(_) if bytes > limits.bytes => Err(QueryError::Refused(Refused::Bytes(limits.bytes))),
                next => next,
            };
            let ended = next.is_err();
            Some((next, (batches, rows, bytes, ended)))
        }
    })
    .boxed()
}

/// Which of the three kinds of failure it is.
fn failed(source: &Source, limits: &Limits, error: DataFusionError) -> QueryError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => QueryError::Refused(Refused::Memory(limits.memory)),
        DataFusionError::External(inner) => match inner.downcast_ref::<RowsError>() {
            Some(RowsError::Rows(most)) => QueryError::Refused(Refused::AtOnce(*most as u64)),
            Some(RowsError::Bytes(most)) => QueryError::Refused(Refused::Memory(*most)),
            Some(RowsError::Time) => QueryError::Refused(Refused::Time(limits.time)),
            Some(RowsError::Wrong(span, message)) => {
                QueryError::Wrong(source.clone(), vec![codes::BAD_VALUE.at(*span, message.clone())])
            }
            Some(RowsError::Fault(_)) | None => QueryError::fault(error),
        },
        _ => QueryError::fault(error),
    }
}
