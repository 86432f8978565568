//! Rows of alerts in memory, up to a bound: the doors that show alerts are asked again and again for a few of many, now
//! by the newest, now by an id or a device, and no order of rows on disk serves all of these.
//!
//! Each text is kept once for a table, and a row has its number: about a hundred bytes a row. Files are read in the
//! background, the newest first, when a server starts and when they are new; what is asked for before they are there, or
//! lies beyond the bound, is read from the files as if nothing were held.
use super::snapshot::{Snapshot, StoredFile, time_column};
use super::starts::micros;
use crate::catalog;
use crate::rows::{Lookup, Table};
use crate::types::Column;
use file::File;
use object_store::path::Path;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;
use words::Words;

mod file;
mod search;
mod words;

/// Files with so few rows together are read when they are asked for, not in the background.
const SOON: u64 = 64 << 10;

type Key = (Path, u64, i64);
/// Files of a snapshot, and each as it is in memory, if it is.
type Files<'f> = Vec<(&'f StoredFile, Option<Arc<File>>)>;

#[derive(Debug, Default)]
pub struct HeldRows {
    /// By the folder of the table.
    tables: Mutex<HashMap<Path, Arc<HeldTable>>>,
    /// Bytes that all of them may take.
    most: AtomicUsize,
}

/// The rows of one table.
#[derive(Debug)]
pub struct HeldTable {
    columns: Vec<Column>,
    /// The column with the alerts' ids, and that with their times.
    id: String,
    time: String,
    words: HashMap<String, RwLock<Words>>,
    files: RwLock<HashMap<Key, Arc<File>>>,
    /// Files that there is no room for, or that are not as they should be.
    declined: Mutex<HashSet<Key>>,
    /// Rows of files that are no more.
    gone: AtomicUsize,
    loading: AtomicBool,
    /// Which texts a condition is true of, by what it says.
    chosen: Mutex<HashMap<String, Arc<Vec<bool>>>>,
}

impl HeldRows {
    /// The rows that are looked up; `None` where they, or some that come before them, are not in memory. In the files of
    /// `without` there are none.
    pub async fn rows(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        lookup: &Lookup<'_>,
        without: &HashSet<&Path>,
    ) -> Option<Table> {
        let table = self.ready(snapshot, lookup.key.map(|(column, _)| column)).await?;
        let mut files = table.files(snapshot);
        files.retain(|(known, _)| !without.contains(&known.location));
        search::rows(&table, &files, lookup)
    }

    /// Files of which the rows are not in memory, nor on their way there.
    pub async fn beyond<'s>(self: &Arc<Self>, snapshot: &'s Arc<Snapshot>) -> Option<Vec<&'s StoredFile>> {
        let table = self.ready(snapshot, None).await?;
        let files = table.files(snapshot).into_iter();
        let beyond = files.filter(|(_, file)| file.is_none()).map(|(known, _)| known).collect();
        (!table.loading.load(Ordering::SeqCst)).then_some(beyond)
    }

    /// Which of the ids have rows at `time` (microseconds) or earlier, and the files beyond memory that may have more.
    pub async fn begun<'s>(
        self: &Arc<Self>,
        snapshot: &'s Arc<Snapshot>,
        column: &str,
        ids: &[String],
        time: i64,
    ) -> Option<(Vec<bool>, Vec<&'s StoredFile>)> {
        let table = self.ready(snapshot, Some(column)).await?;
        let (mut files, mut beyond) = (Vec::new(), Vec::new());
        for (known, file) in table.files(snapshot) {
            if least(known, &table.time).is_none_or(|least| least <= time) {
                match file {
                    Some(file) => files.push(file),
                    None => beyond.push(known),
                }
            }
        }
        let begun = |id: &String| files.iter().any(|file| file.of_id(id).any(|row| file.times[row] <= time));
        Some((ids.iter().map(begun).collect(), beyond))
    }

    /// Of the alerts raised within a time (microseconds, without its end): the texts of a column in their rows, letter
    /// case aside, each with when the first of them was raised, the latest first.
    pub async fn openings(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        column: &str,
        from: i64,
        to: i64,
    ) -> Option<Vec<(i64, String)>> {
        let table = self.ready(snapshot, None).await?;
        search::openings(&table, &table.files(snapshot), column, (from, to))
    }

    /// Rows may take so many bytes from now on; none are held where that is 0.
    pub fn bound(&self, bytes: usize) {
        self.most.store(bytes, Ordering::Relaxed);
        lock(&self.tables).clear();
    }

    /// Reads what is not there yet.
    pub async fn fill(self: &Arc<Self>, snapshot: &Arc<Snapshot>) {
        if let Some(table) = self.table(snapshot)
            && !table.loading.swap(true, Ordering::SeqCst)
        {
            let began = Instant::now();
            let missing = table.missing(snapshot);
            let rows: u64 = missing.iter().filter_map(|file| file.rows).sum();
            if rows > 0 {
                tracing::info!(table = %snapshot.name, rows, "rows are taken into memory");
            }
            let mut missing = missing.into_iter();
            while let Some(file) = missing.next() {
                if !self.load(&table, snapshot, file).await {
                    // The others are older.
                    lock(&table.declined).extend(missing.by_ref().map(key));
                }
            }
            table.shrink();
            table.loading.store(false, Ordering::SeqCst);
            if rows > 0 {
                let (rows, bytes) = (table.rows(), self.bytes());
                let ms = began.elapsed().as_millis() as u64;
                tracing::info!(table = %snapshot.name, rows, bytes, ms, "rows are in memory");
            }
        }
    }

    /// The table with all that can be had of it soon; what cannot is on its way.
    async fn ready(self: &Arc<Self>, snapshot: &Arc<Snapshot>, id: Option<&str>) -> Option<Arc<HeldTable>> {
        let table = self.table(snapshot)?;
        if id.is_some_and(|id| id != table.id) {
            return None;
        }
        let missing = table.missing(snapshot);
        if missing.is_empty() {
            return Some(table);
        }
        if missing.iter().map(|file| file.rows.unwrap_or(u64::MAX)).fold(0, u64::saturating_add) <= SOON {
            for file in missing {
                self.load(&table, snapshot, file).await;
            }
        } else if !table.loading.load(Ordering::SeqCst) {
            let (rows, snapshot) = (Arc::clone(self), Arc::clone(snapshot));
            tokio::spawn(async move { rows.fill(&snapshot).await });
        }
        Some(table)
    }

    fn table(&self, snapshot: &Snapshot) -> Option<Arc<HeldTable>> {
        let id = catalog::alert_of(&snapshot.name)?;
        if self.most.load(Ordering::Relaxed) == 0 || snapshot.foreign {
            return None;
        }
        let mut tables = lock(&self.tables);
        if let Some(table) = tables.get(&snapshot.location.prefix) {
            let columns = &snapshot.schema.columns[..snapshot.schema.len() - snapshot.partition_columns];
            // What was added to a table is absent in the files from before; and of many texts nobody may read any more.
            let gone = table.gone.load(Ordering::Relaxed);
            if columns == table.columns && gone <= table.rows().max(SOON as usize) {
                return Some(Arc::clone(table));
            }
        }
        let table = Arc::new(HeldTable::new(snapshot, id)?);
        tables.insert(snapshot.location.prefix.clone(), Arc::clone(&table));
        Some(table)
    }

    /// `false` where there was no room for it.
    async fn load(&self, table: &HeldTable, snapshot: &Snapshot, stored: &StoredFile) -> bool {
        let own = key(stored);
        let Ok(found) = file::load(Arc::clone(&snapshot.location.objects), table, stored).await else {
            // It may have been united with others meanwhile, and whoever reads it next says what is wrong with it.
            return true;
        };
        match found {
            Some(file) => drop(write(&table.files).insert(own.clone(), Arc::new(file))),
            None => drop(lock(&table.declined).insert(own.clone())),
        }
        let too_much = || self.bytes() > self.most.load(Ordering::Relaxed);
        if too_much() {
            table.shrink();
        }
        let mut room = true;
        // The oldest go first.
        while too_much() {
            let mut files = write(&table.files);
            let Some(oldest) = files.iter().min_by_key(|(_, file)| file.last()).map(|(key, _)| key.clone()) else {
                break;
            };
            files.remove(&oldest);
            drop(files);
            room &= oldest != own;
            lock(&table.declined).insert(oldest);
        }
        room
    }

    fn bytes(&self) -> usize {
        lock(&self.tables).values().map(|table| table.bytes()).sum()
    }
}

impl HeldTable {
    fn new(snapshot: &Snapshot, id: &str) -> Option<HeldTable> {
        let columns = snapshot.schema.columns[..snapshot.schema.len() - snapshot.partition_columns].to_vec();
        let time = snapshot.schema.columns[time_column(&snapshot.schema)?].name.clone();
        let texts = columns.iter().filter(|column| file::of_texts(column.ty) && column.name != id);
        let words = texts.map(|column| (column.name.clone(), RwLock::default())).collect();
        Some(HeldTable {
            columns,
            id: id.to_owned(),
            time,
            words,
            files: RwLock::default(),
            declined: Mutex::default(),
            gone: AtomicUsize::new(0),
            loading: AtomicBool::new(false),
            chosen: Mutex::default(),
        })
    }

    /// The files of a snapshot that are not in memory and may come there, the newest first.
    fn missing<'s>(&self, snapshot: &'s Snapshot) -> Vec<&'s StoredFile> {
        let there = read(&self.files);
        let mut missing: Vec<&StoredFile> = {
            let declined = lock(&self.declined);
            let is_missing = |file: &&StoredFile| {
                let key = key(file);
                !there.contains_key(&key) && !declined.contains(&key)
            };
            snapshot.files.iter().filter(is_missing).collect()
        };
        let many = there.len() + missing.len() > snapshot.files.len();
        drop(there);
        if many {
            self.forget(snapshot);
        }
        missing.sort_by_key(|file| std::cmp::Reverse(most(file, &self.time)));
        missing
    }

    /// Drops what is of files that the table has no more.
    fn forget(&self, snapshot: &Snapshot) {
        let there: HashSet<Key> = snapshot.files.iter().map(key).collect();
        let mut gone = 0;
        write(&self.files).retain(|key, file| {
            let stays = there.contains(key);
            gone += if stays { 0 } else { file.rows };
            stays
        });
        self.gone.fetch_add(gone, Ordering::Relaxed);
        lock(&self.declined).retain(|key| there.contains(key));
    }

    fn files<'s>(&self, snapshot: &'s Snapshot) -> Files<'s> {
        let files = read(&self.files);
        snapshot.files.iter().map(|file| (file, files.get(&key(file)).cloned())).collect()
    }

    /// Gives back the room for more texts.
    fn shrink(&self) {
        self.words.values().for_each(|words| write(words).shrink());
    }

    fn rows(&self) -> usize {
        read(&self.files).values().map(|file| file.rows).sum()
    }

    fn bytes(&self) -> usize {
        let words: usize = self.words.values().map(|words| read(words).bytes()).sum();
        words + read(&self.files).values().map(|file| file.bytes).sum::<usize>()
    }
}

fn key(file: &StoredFile) -> Key {
    (file.location.clone(), file.size, file.modified)
}

/// The time of a file's first row, and of its last, as the log has them.
fn least(file: &StoredFile, time: &str) -> Option<i64> {
    micros(file.bounds.get(time)?.min.as_ref())
}

fn most(file: &StoredFile, time: &str) -> Option<i64> {
    micros(file.bounds.get(time)?.max.as_ref())
}

// A panic of another thread leaves what is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
