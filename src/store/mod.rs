//! Delta tables of Parquet files: what is stored, how it lies, how it is read.
//!
//! A table is a folder `<root>/<TableName>/` with a Delta log and files `date=YYYY-MM-DD/….parquet`, sorted by
//! `Timestamp`. Beside those, folders of plain Parquet can be attached under a name and are only read.
use crate::catalog::{self, ALERTS, Tables};
use crate::types::{Schema, Type};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, TryStreamExt};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

mod adapt;
mod append;
mod attach;
mod convert;
mod delta;
mod error;
mod file;
pub mod ingest;
mod ingestion;
mod location;
mod provider;
mod snapshot;
#[cfg(test)]
mod tests;

pub use adapt::type_of;
pub use convert::{stored_schema, to_stored};
pub use error::StoreError;
pub use ingestion::{Ingestion, Mark};
pub use provider::Provider;
pub use snapshot::{Bounds, Snapshot, StoredFile};

use attach::Folder;
use delta::Log;
use location::Location;

/// How long a remote store's tables count as seen, so that not every query waits for a round trip per table.
const SEEN_FOR: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    Added {
        rows: u64,
        files: usize,
    },
    /// The table has this ingestion already; nothing was added.
    AlreadyThere,
}

/// The tables under one root, and those attached to it. Cheap to clone; clones are the same store.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: Location,
    sources: RwLock<HashMap<String, Arc<Source>>>,
    /// What was last seen of all of them.
    view: RwLock<(View, Option<Instant>)>,
}

#[derive(Debug)]
enum Source {
    Delta(Arc<Log>),
    Folder(Folder),
}

impl Source {
    async fn snapshot(&self, name: &str, known: Option<&Arc<Snapshot>>) -> Result<Option<Arc<Snapshot>>, StoreError> {
        match self {
            Source::Delta(log) => log.snapshot(name, known).await,
            Source::Folder(folder) => folder.snapshot(name, known).await.map(Some),
        }
    }
}

impl Store {
    /// Opens the store at a folder path or a URL (`s3://…`, `az://…`, credentials from the environment). Nothing has
    /// to be there yet.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let root = Location::parse(url)?;
        let view = View { root: root.clone(), tables: Arc::default() };
        let shared = Shared { root, sources: RwLock::default(), view: RwLock::new((view, None)) };
        let store = Store { shared: Arc::new(shared) };
        store.refresh().await?;
        Ok(store)
    }

    /// All tables as they are now. A query takes one view and asks nothing but it, so that it sees one state.
    pub async fn refresh(&self) -> Result<View, StoreError> {
        if let (view, Some(seen)) = self.seen()
            && !self.shared.root.is_local()
            && seen.elapsed() < SEEN_FOR
        {
            return Ok(view);
        }
        for name in self.shared.root.folders().await? {
            if is_table_name(&name) {
                self.source(&name)?;
            }
        }
        let sources: Vec<_> = read(&self.shared.sources).iter().map(|(name, at)| (name.clone(), at.clone())).collect();
        let known = self.view();
        let looks: Vec<BoxFuture<'_, Result<_, StoreError>>> = sources
            .into_iter()
            .map(|(name, source)| {
                let known = known.tables.get(&name).cloned();
                let look = async move {
                    let found = source.snapshot(&name, known.as_ref()).await?;
                    Ok(found.map(|snapshot| (name, snapshot)))
                };
                look.boxed()
            })
            .collect();
        let found = futures::future::try_join_all(looks).await?;
        let mut tables: BTreeMap<String, Arc<Snapshot>> = found.into_iter().flatten().collect();
        let mut seen = write(&self.shared.view);
        for (name, snapshot) in &mut tables {
            // Something was added while this was being looked at.
            if let Some(added) = seen.0.tables.get(name)
                && added.location.url == snapshot.location.url
                && added.version > snapshot.version
            {
                *snapshot = added.clone();
            }
        }
        let view = View { root: self.shared.root.clone(), tables: Arc::new(tables) };
        *seen = (view.clone(), Some(Instant::now()));
        Ok(view)
    }

    /// All tables as last seen, without looking.
    pub fn view(&self) -> View {
        self.seen().0
    }

    fn seen(&self) -> (View, Option<Instant>) {
        read(&self.shared.view).clone()
    }

    /// Adds rows to a table, which comes into being with its first rows: all of them or, when it fails or is killed,
    /// none. The batches may lack columns and may carry datetimes as ticks; `schema` is the table's whole schema at
    /// rest (`catalog::Table::stored_schema` for a hunting table), and what an older table lacks of it is added.
    pub async fn append<S, E>(
        &self,
        table: &str,
        schema: &Schema,
        batches: S,
        ingestion: &Ingestion,
    ) -> Result<Appended, StoreError>
    where
        S: Stream<Item = Result<RecordBatch, E>> + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if !is_table_name(table) {
            return Err(StoreError::TableName(table.to_owned()));
        }
        let source = self.source(table)?;
        let Source::Delta(log) = source.as_ref() else { return Err(StoreError::ReadOnly(table.to_owned())) };
        let appended = append::append(log.clone(), Arc::new(schema.clone()), batches, ingestion).await?;
        let found = source.snapshot(table, self.view().tables.get(table)).await?;
        if let Some(snapshot) = found {
            let mut seen = write(&self.shared.view);
            let mut tables = seen.0.tables.as_ref().clone();
            tables.insert(table.to_owned(), snapshot);
            seen.0.tables = Arc::new(tables);
        }
        Ok(appended)
    }

    /// The tables whose logs have a mark, each with the mark's version.
    pub async fn marked(&self, app_id: &str) -> Result<Vec<(String, i64)>, StoreError> {
        let sources: Vec<_> = read(&self.shared.sources).iter().map(|(name, at)| (name.clone(), at.clone())).collect();
        let looks = sources.iter().map(|(name, source)| async {
            let Source::Delta(log) = source.as_ref() else { return Ok(None) };
            Ok::<_, StoreError>(log.mark(app_id).await?.map(|version| (name.clone(), version)))
        });
        Ok(futures::future::try_join_all(looks).await?.into_iter().flatten().collect())
    }

    /// As [`Store::append`], with the rows in hand.
    pub async fn append_all(
        &self,
        table: &str,
        schema: &Schema,
        batches: Vec<RecordBatch>,
        ingestion: &Ingestion,
    ) -> Result<Appended, StoreError> {
        let batches = batches.into_iter().map(Ok::<_, StoreError>);
        self.append(table, schema, futures::stream::iter(batches), ingestion).await
    }

    /// Makes a folder or one file of plain Parquet, or another Delta table, readable under a name. It hides a table of
    /// the same name for as long as the store is open.
    pub async fn attach(&self, name: &str, path_or_url: &str) -> Result<(), StoreError> {
        let location = Location::parse(path_or_url)?;
        let logs = location.prefix.clone().join("_delta_log");
        let is_file = location.has(&location.prefix).await?;
        let source = if !is_file && location.objects.list(Some(&logs)).try_next().await?.is_some() {
            Source::Delta(Arc::new(Log::new(location)))
        } else {
            Source::Folder(Folder::new(location))
        };
        // Looked at before it counts, so that what cannot be read is refused here.
        source.snapshot(name, None).await?;
        write(&self.shared.sources).insert(name.to_owned(), Arc::new(source));
        write(&self.shared.view).1 = None;
        self.refresh().await?;
        Ok(())
    }

    fn source(&self, table: &str) -> Result<Arc<Source>, StoreError> {
        if let Some(source) = read(&self.shared.sources).get(table) {
            return Ok(source.clone());
        }
        let log = Log::new(self.shared.root.child(table)?);
        let mut sources = write(&self.shared.sources);
        Ok(sources.entry(table.to_owned()).or_insert_with(|| Arc::new(Source::Delta(Arc::new(log)))).clone())
    }

    pub fn provider(&self, table: &str) -> Option<Arc<dyn TableProvider>> {
        self.view().provider(table)
    }

    pub fn row_count(&self, table: &str) -> Option<u64> {
        self.view().row_count(table)
    }

    pub fn has_rows(&self, table: &str) -> bool {
        self.view().has_rows(table)
    }
}

/// All tables at one moment.
#[derive(Clone, Debug)]
pub struct View {
    root: Location,
    tables: Arc<BTreeMap<String, Arc<Snapshot>>>,
}

impl View {
    /// What a plan reads; an empty table where nothing was ever stored, `None` where there is no such table at all.
    pub fn provider(&self, table: &str) -> Option<Arc<dyn TableProvider>> {
        Some(Arc::new(self.scan(table)?))
    }

    /// As [`View::provider`], for who wants to set how it reads.
    pub fn scan(&self, table: &str) -> Option<Provider> {
        let known = stored(table);
        let snapshot = match self.tables.get(table) {
            Some(snapshot) => snapshot.clone(),
            None => Arc::new(Snapshot::empty(table, self.root.clone(), Arc::new(known.clone()?))),
        };
        let schema = known.unwrap_or_else(|| snapshot.schema.as_ref().clone());
        Some(Provider::new(snapshot, &schema))
    }

    /// The version of each table's log.
    pub fn versions(&self) -> HashMap<String, u64> {
        self.tables.iter().filter_map(|(name, snapshot)| Some((name.clone(), snapshot.version?))).collect()
    }

    pub fn snapshot(&self, table: &str) -> Option<&Arc<Snapshot>> {
        self.tables.get(table)
    }

    /// 0 for a table that holds nothing; `None` where a file of another writer does not say.
    pub fn row_count(&self, table: &str) -> Option<u64> {
        self.tables.get(table).map_or(Some(0), |snapshot| snapshot.rows())
    }

    pub fn has_rows(&self, table: &str) -> bool {
        self.row_count(table) != Some(0)
    }
}

impl Tables for View {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        if table == ALERTS.name {
            return Some(Arc::new(ALERTS.schema()));
        }
        catalog::Known.schema(table).or_else(|| self.tables.get(table).map(|snapshot| snapshot.schema.clone()))
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        match self.schema(table) {
            None => Vec::new(),
            Some(_) if table == ALERTS.name || catalog::table(table).is_some() => catalog::Known.hidden(table),
            // A table of the owner's own has no bag of unknown properties, but its time goes by both names too.
            Some(schema) => {
                let mut hidden = catalog::hidden(&schema);
                hidden.retain(|(_, reads, _)| schema.get(reads).is_some());
                hidden
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names = catalog::Known.names();
        names.extend(self.tables.keys().filter(|name| catalog::table(name).is_none()).cloned());
        names
    }
}

impl Tables for Store {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        self.view().schema(table)
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        self.view().hidden(table)
    }

    fn names(&self) -> Vec<String> {
        self.view().names()
    }
}

/// The columns of a table of the catalogue as they are read.
fn stored(table: &str) -> Option<Schema> {
    if table == ALERTS.name {
        return Some(ALERTS.read_schema());
    }
    Some(catalog::table(table)?.read_schema())
}

/// What can be the name of a folder with a table in it.
fn is_table_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['_', '.'])
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'))
}

// A panic of another thread leaves maps that are whole.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
