//! Delta tables of Parquet files: what is stored, how it lies, how it is read.
//!
//! A table is a folder `<root>/<TableName>/` with a Delta log and files `date=YYYY-MM-DD/….parquet`, sorted by
//! `Timestamp`. Beside those, folders of plain Parquet can be attached under a name and are only read.
use crate::catalog::{self, Tables};
use crate::text::nearest::nearest;
use crate::types::{Schema, Type};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use futures::future::BoxFuture;
use futures::{FutureExt, Stream, TryStreamExt};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

pub mod adapt;
mod append;
mod attach;
mod clock;
mod compact;
mod convert;
mod delta;
mod error;
mod file;
mod footers;
mod functions;
mod held;
pub mod index;
mod indexes;
pub mod ingest;
mod ingestion;
mod location;
pub mod outside;
pub mod pages;
mod provider;
pub mod readings;
mod snapshot;
mod starts;
#[cfg(test)]
mod tests;
mod texts;
mod vacuum;
mod view;

pub use adapt::type_of;
pub use compact::Meter;
pub use convert::{stored_schema, to_stored};
pub use error::StoreError;
pub use functions::{Text, Texts};
pub use indexes::{ColumnSizes, IndexSizes};
pub use ingestion::{Ingestion, Mark};
pub use provider::Provider;
pub use snapshot::{Bounds, Snapshot, StoredFile};
pub use view::View;

use attach::Folder;
use clock::Clock;
use delta::Log;
use file::Indexed;
use location::Location;

/// How long a remote store's tables count as seen, so that not every query waits for a round trip per table.
const SEEN_FOR: Duration = Duration::from_secs(1);
/// How often tables that change all the time are looked at before those who change them have to wait.
const LOOKS: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    Added {
        rows: u64,
        files: usize,
    },
    /// The table has this ingestion already; nothing was added.
    AlreadyThere,
}

/// How many files became how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    pub replaced: usize,
    pub written: usize,
}

/// Which files get their indexes anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reindex {
    /// Those without one.
    Missing,
    All,
    /// None: those that have one lose it.
    Drop,
}

/// What was taken out of a table, and how many files were deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vacuumed {
    pub rows: u64,
    pub files: usize,
    pub deleted: usize,
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
    clock: Arc<Clock>,
}

#[derive(Debug)]
enum Source {
    Delta(Arc<Log>),
    /// Attached: somebody else writes it.
    Theirs(Log),
    Folder(Folder),
}

impl Source {
    async fn snapshot(&self, name: &str, known: Option<&Arc<Snapshot>>) -> Result<Option<Arc<Snapshot>>, StoreError> {
        match self {
            Source::Delta(log) => log.snapshot(name, known).await,
            Source::Theirs(log) => log.snapshot(name, known).await,
            Source::Folder(folder) => folder.snapshot(name, known).await.map(Some),
        }
    }
}

impl Store {
    /// Opens the store at a folder path or a URL (`s3://…`, `az://…`, credentials from the environment). Nothing has
    /// to be there yet.
    pub async fn open(url: &str) -> Result<Store, StoreError> {
        let root = Location::parse(url)?;
        let clock = Arc::new(Clock::new(&root));
        let (tables, functions, indexes) = (Arc::default(), Texts::default(), Arc::default());
        let (starts, held) = (Arc::default(), Arc::default());
        let view = View { root: root.clone(), tables, functions, indexes, starts, held };
        let shared = Shared { root, clock, sources: RwLock::default(), view: RwLock::new((view, None)) };
        let store = Store { shared: Arc::new(shared) };
        if let Some(last) = store.refresh().await?.last_commit() {
            store.shared.clock.later_than(last);
        }
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
        // Tables are looked at one after another. Where a commit with an instant came between, a later one could be
        // seen without an earlier one, so they are looked at again.
        for _ in 0..LOOKS {
            let before = self.shared.clock.seen();
            let view = self.look().await?;
            if self.shared.clock.seen() == before {
                return Ok(view);
            }
        }
        let _pause = self.shared.clock.pause().await?;
        self.look().await
    }

    /// Waits until every commit that was given an instant before now can be seen: who asks for what arrived up to now
    /// gets all of it.
    pub async fn settled(&self) {
        if self.shared.clock.seen() > 0
            && let Err(error) = self.shared.clock.pause().await
        {
            // A folder that cannot be written to has no commits to wait for.
            tracing::debug!(%error, "the clock of arrivals cannot be held");
        }
    }

    async fn look(&self) -> Result<View, StoreError> {
        for name in self.shared.root.folders().await? {
            if is_table_name(&name) {
                self.source(&name)?;
            }
        }
        let sources: Vec<_> = read(&self.shared.sources).iter().map(|(name, at)| (name.clone(), at.clone())).collect();
        let known = self.view();
        let functions = functions::texts(&self.shared.root, &known.functions).await?;
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
                && known.tables.get(name).is_none_or(|known| !Arc::ptr_eq(known, added))
                && added.location.url == snapshot.location.url
                && added.version > snapshot.version
            {
                *snapshot = added.clone();
            }
        }
        let (root, indexes, starts, held) = (self.shared.root.clone(), known.indexes, known.starts, known.held);
        let view = View { root, tables: Arc::new(tables), functions, indexes, starts, held };
        *seen = (view.clone(), Some(Instant::now()));
        Ok(view)
    }

    /// Takes rows of alerts into memory, in the background, as far as they take no more bytes than these.
    pub fn hold(&self, bytes: usize) {
        let view = self.view();
        view.held.bound(bytes);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { view.hold().await });
        }
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

    /// Unites the small files of each day of a table. Queries and ingestions go on meanwhile.
    pub async fn compact(&self, table: &str, meter: Meter<'_>) -> Result<Compacted, StoreError> {
        match self.log(table)? {
            Some(log) => compact::compact(&log, table, meter).await,
            None => Ok(Compacted::default()),
        }
    }

    /// Builds the term indexes of a table's files, or drops them. Queries and ingestions go on meanwhile.
    pub async fn reindex(&self, table: &str, what: Reindex, meter: Meter<'_>) -> Result<Compacted, StoreError> {
        match self.log(table)? {
            Some(log) => compact::reindex(&log, table, what, &self.view().indexes, meter).await,
            None => Ok(Compacted::default()),
        }
    }

    /// The columns that the indexes of a table's files are of; `None` where these are all texts, as far as there is room.
    pub async fn index_columns(&self, table: &str) -> Result<Option<Vec<String>>, StoreError> {
        let indexed = match self.log(table)? {
            Some(log) => log.indexed().await?,
            None => Indexed::Usual,
        };
        Ok(if let Indexed::Only(columns) = indexed { Some(columns) } else { None })
    }

    /// Says which columns these are to be in files that are written from now on.
    pub async fn set_index_columns(&self, table: &str, columns: Option<&[String]>) -> Result<(), StoreError> {
        let (Some(log), Some(snapshot)) = (self.log(table)?, self.refresh().await?.tables.get(table).cloned()) else {
            return Err(StoreError::Unsupported(format!("there is no table `{table}` yet")));
        };
        let known = |name: &String| {
            let column = snapshot.schema.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
            match column {
                Some(column) if file::has_index(column.ty) => Ok(column.name.clone()),
                Some(column) => {
                    let what = format!("`{}` is of type {}; indexes are of texts", column.name, column.ty.name());
                    Err(StoreError::Unsupported(what))
                }
                None => match nearest(name, snapshot.schema.columns.iter().map(|column| column.name.as_str())) {
                    Some(near) => Err(StoreError::Unsupported(format!(
                        "the table has no column `{name}`; did you mean `{near}`?"
                    ))),
                    None => Err(StoreError::UnknownColumn(name.clone())),
                },
            }
        };
        let indexed = match columns {
            Some(columns) => Indexed::Only(columns.iter().map(known).collect::<Result<_, _>>()?),
            None => Indexed::Usual,
        };
        log.set_indexed(&indexed).await
    }

    /// Takes the days before `first` (`YYYY-MM-DD`), if one is named, out of a table, then deletes the files that have
    /// not belonged to it for a week.
    pub async fn vacuum(&self, table: &str, first: Option<&str>) -> Result<Vacuumed, StoreError> {
        match self.log(table)? {
            Some(log) => vacuum::vacuum(&log, table, first).await,
            None => Ok(Vacuumed::default()),
        }
    }

    /// What the indexes of a table take, column by column. Attached tables have none of their own to speak of, but may.
    pub async fn index_sizes(&self, table: &str) -> Result<IndexSizes, StoreError> {
        match self.refresh().await?.tables.get(table) {
            Some(snapshot) => indexes::sizes(snapshot).await,
            None => Ok(IndexSizes::default()),
        }
    }

    /// The tables that this store writes and that are there.
    pub fn own_tables(&self) -> Vec<String> {
        let sources = read(&self.shared.sources);
        let own = |name: &&String| matches!(sources.get(*name).map(Arc::as_ref), Some(Source::Delta(_)));
        self.view().tables.keys().filter(own).cloned().collect()
    }

    /// The log of a table that this store writes.
    fn log(&self, table: &str) -> Result<Option<Arc<Log>>, StoreError> {
        match read(&self.shared.sources).get(table).map(Arc::as_ref) {
            Some(Source::Delta(log)) => Ok(Some(log.clone())),
            Some(Source::Theirs(_) | Source::Folder(_)) => Err(StoreError::ReadOnly(table.to_owned())),
            None => Ok(None),
        }
    }

    /// Makes a folder or one file of plain Parquet, or another Delta table, readable under a name. It hides a table of
    /// the same name for as long as the store is open.
    pub async fn attach(&self, name: &str, path_or_url: &str) -> Result<(), StoreError> {
        let location = Location::parse(path_or_url)?;
        let logs = location.prefix.clone().join("_delta_log");
        let is_file = location.has(&location.prefix).await?;
        let source = if !is_file && location.objects.list(Some(&logs)).try_next().await?.is_some() {
            Source::Theirs(Log::new(location))
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
        let clock = catalog::keeps_arrival(table).then(|| self.shared.clock.clone());
        let log = Log::new(self.shared.root.child(table)?).with_clock(clock);
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
