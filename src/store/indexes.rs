//! The indexes of the files that were looked at, kept in memory up to a bound, and what they leave of a scan.
use super::StoreError;
use super::index::{self, Directory, FOOTER_KEY, Place, Wanted, pages::Pages};
use super::snapshot::{Snapshot, StoredFile};
use bytes::Bytes;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataReader};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all indexes may take in memory.
const BYTES: usize = 256 << 20;
/// The end of a file that is read at first: most footers are within.
const TAIL: u64 = 128 << 10;
const FOOTER: u64 = 8;
/// Files that are looked at side by side.
const AT_ONCE: usize = 4;
/// A selection that leaves out fewer pages than one in so many is not worth its upkeep.
const WORTH: u32 = 16;

/// The index of one file, as far as it was read.
#[derive(Debug)]
pub struct FileIndex {
    /// Rows of each row group.
    pub groups: Vec<u64>,
    /// The file's index, where it has one that is whole.
    pub found: Option<(Place, Directory)>,
    /// `None` for one that turned out to be damaged.
    sections: Mutex<HashMap<String, Option<Bytes>>>,
}

/// What an index leaves of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// Rows of each row group.
    pub groups: Vec<u64>,
    pub pages: Pages,
    /// Rows of a page.
    pub page: u64,
}

#[derive(Debug, Default)]
pub struct Indexes {
    kept: Mutex<Kept>,
    clock: AtomicU64,
}

type Key = (Path, u64, i64);

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<Key, (Arc<FileIndex>, u64)>,
    bytes: usize,
}

impl Indexes {
    /// What is left of each file; `None` where its index leaves all of it, or says nothing.
    pub async fn left(
        self: &Arc<Self>,
        objects: &Arc<dyn ObjectStore>,
        files: &[&StoredFile],
        wanted: &Wanted,
    ) -> Vec<Option<Left>> {
        let wanted = Arc::new(wanted.clone());
        let looks: Vec<_> = files
            .iter()
            .map(|file| {
                let (indexes, objects, wanted) = (self.clone(), objects.clone(), wanted.clone());
                let key = (file.location.clone(), file.size, file.modified);
                async move {
                    let look = tokio::spawn(async move { indexes.look(objects.as_ref(), key, &wanted).await });
                    // A look that fails costs speed alone.
                    look.await.ok().flatten()
                }
            })
            .collect();
        stream::iter(looks).buffered(AT_ONCE).collect().await
    }

    async fn look(&self, objects: &dyn ObjectStore, key: Key, wanted: &Wanted) -> Option<Left> {
        let file = self.file(objects, key.clone()).await?;
        let (_, directory) = file.found.as_ref()?;
        let mut columns = Vec::new();
        wanted.columns(&mut columns);
        let mut sections: HashMap<&str, Bytes> = HashMap::new();
        for column in columns {
            if let Some(bytes) = self.section(objects, &key, &file, column).await {
                sections.insert(column, bytes);
            }
        }
        let pages = index::kept(wanted, directory.pages(), &mut |column| sections.get(column).map(Bytes::as_ref));
        let spared = pages.count() - pages.len();
        (pages.is_empty() || spared > 0 && spared >= pages.count() / WORTH).then(|| Left {
            groups: file.groups.clone(),
            pages,
            page: directory.page,
        })
    }

    /// The index of a file, without its columns.
    pub async fn file(&self, objects: &dyn ObjectStore, key: Key) -> Option<Arc<FileIndex>> {
        let now = self.clock.fetch_add(1, Ordering::Relaxed);
        if let Some((file, used)) = lock(&self.kept).files.get_mut(&key) {
            *used = now;
            return Some(file.clone());
        }
        let file = Arc::new(read(objects, &key.0, key.1).await?);
        let bytes = 256 + file.found.as_ref().map_or(0, |(_, directory)| directory.sections.len() * 64);
        let mut kept = lock(&self.kept);
        kept.files.insert(key, (file.clone(), now));
        kept.bytes += bytes;
        Some(file)
    }

    /// The bytes of a column's index, where there is one that is whole.
    async fn section(&self, objects: &dyn ObjectStore, key: &Key, file: &FileIndex, column: &str) -> Option<Bytes> {
        if let Some(known) = lock(&file.sections).get(column) {
            return known.clone();
        }
        let (place, directory) = file.found.as_ref()?;
        let section = directory.section(column)?;
        let start = place.start.checked_add(section.start)?;
        let end = start.checked_add(section.length).filter(|end| *end <= place.start + place.length)?;
        // What could not be read now may be readable later; what is damaged stays so.
        let bytes = objects.get_range(&key.0, start..end).await.ok()?;
        let whole = section.is(&bytes).then_some(bytes);
        if whole.is_none() {
            tracing::warn!(file = %key.0, column, "an index is damaged; the column is read without it");
        }
        let mut sections = lock(&file.sections);
        let size = whole.as_ref().map_or(0, Bytes::len);
        sections.insert(column.to_owned(), whole.clone());
        drop(sections);
        self.grow(size);
        whole
    }

    /// Counts bytes that were added, and drops what was longest not used where there are too many.
    fn grow(&self, bytes: usize) {
        let mut kept = lock(&self.kept);
        kept.bytes += bytes;
        if kept.bytes <= BYTES {
            return;
        }
        let mut files: Vec<(u64, Key, usize)> =
            kept.files.iter().map(|(key, (file, used))| (*used, key.clone(), file.bytes())).collect();
        files.sort_unstable_by_key(|(used, ..)| *used);
        let mut left: usize = files.iter().map(|(.., bytes)| bytes).sum();
        for (_, key, bytes) in files {
            if left <= BYTES / 4 * 3 {
                break;
            }
            kept.files.remove(&key);
            left -= bytes;
        }
        kept.bytes = left;
    }
}

impl FileIndex {
    fn bytes(&self) -> usize {
        let sections = lock(&self.sections);
        256 + sections.values().flatten().map(Bytes::len).sum::<usize>()
    }
}

impl Left {
    /// How the reader is told.
    pub fn plan(&self) -> ParquetAccessPlan {
        ParquetAccessPlan::new(self.runs().map(access).collect())
    }

    /// Runs of rows that are read, and of rows that are passed over, of each row group.
    fn runs(&self) -> impl Iterator<Item = Vec<(bool, u64)>> + '_ {
        let mut start = 0u64;
        self.groups.iter().map(move |rows| {
            let (mut at, end) = (start, start + rows);
            start = end;
            let mut runs: Vec<(bool, u64)> = Vec::new();
            while at < end {
                let page = at / self.page;
                let next = ((page + 1) * self.page).min(end);
                let read = u32::try_from(page).is_ok_and(|page| self.pages.has(page));
                match runs.last_mut() {
                    Some((last, rows)) if *last == read => *rows += next - at,
                    _ => runs.push((read, next - at)),
                }
                at = next;
            }
            runs
        })
    }

    pub fn rows(&self) -> u64 {
        self.runs().flatten().filter(|(read, _)| *read).map(|(_, rows)| rows).sum()
    }

    /// Row groups that something is read of.
    pub fn groups_left(&self) -> usize {
        self.runs().filter(|runs| runs.iter().any(|(read, _)| *read)).count()
    }
}

fn access(runs: Vec<(bool, u64)>) -> RowGroupAccess {
    match runs.as_slice() {
        [] | [(false, _)] => RowGroupAccess::Skip,
        [(true, _)] => RowGroupAccess::Scan,
        _ => {
            let selector = |(read, rows): (bool, u64)| {
                let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                if read { RowSelector::select(rows) } else { RowSelector::skip(rows) }
            };
            RowGroupAccess::Selection(RowSelection::from(runs.into_iter().map(selector).collect::<Vec<_>>()))
        }
    }
}

/// What a column takes in all files of a table, in bytes, and what its indexes take beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnSizes {
    pub column: u64,
    pub index: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexSizes {
    pub files: usize,
    /// Files with an index that is whole.
    pub indexed: usize,
    pub bytes: u64,
    /// The columns that have an index in some file, by name.
    pub columns: BTreeMap<String, ColumnSizes>,
}

/// Reads the footers of all files.
pub async fn sizes(snapshot: &Snapshot) -> Result<IndexSizes, StoreError> {
    let objects = &snapshot.location.objects;
    let mut sizes = IndexSizes { files: snapshot.files.len(), bytes: snapshot.bytes(), ..IndexSizes::default() };
    let mut plain: BTreeMap<String, u64> = BTreeMap::new();
    for file in &snapshot.files {
        let Some(metadata) = footer(objects.as_ref(), &file.location, file.size).await else { continue };
        for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
            *plain.entry(column.column_path().string()).or_default() += column.compressed_size().unsigned_abs();
        }
        let found = found(objects.as_ref(), &file.location, file.size, &metadata).await;
        let Some((_, directory)) = found else { continue };
        sizes.indexed += 1;
        for section in directory.sections {
            sizes.columns.entry(section.column).or_default().index += section.length;
        }
    }
    for (name, column) in &mut sizes.columns {
        column.column = plain.get(name).copied().unwrap_or(0);
    }
    Ok(sizes)
}

async fn footer(objects: &dyn ObjectStore, path: &Path, size: u64) -> Option<ParquetMetaData> {
    let start = size.saturating_sub(TAIL);
    let tail = objects.get_range(path, start..size).await.ok()?;
    let footer: [u8; FOOTER as usize] = tail.last_chunk()?.to_owned();
    let length = FooterTail::try_new(&footer).ok()?.metadata_length() as u64;
    let from = size.checked_sub(FOOTER)?.checked_sub(length)?;
    let footer = if from >= start {
        tail.slice(usize::try_from(from - start).ok()?..tail.len() - FOOTER as usize)
    } else {
        objects.get_range(path, from..size - FOOTER).await.ok()?
    };
    ParquetMetaDataReader::decode_metadata(&footer).ok()
}

/// The footer's word about the index, and the directory. `None` where the file cannot be read: whoever reads it next
/// says why.
async fn read(objects: &dyn ObjectStore, path: &Path, size: u64) -> Option<FileIndex> {
    let metadata = footer(objects, path, size).await?;
    let groups: Option<Vec<u64>> =
        metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).ok()).collect();
    let found = found(objects, path, size, &metadata).await;
    Some(FileIndex { groups: groups?, found, sections: Mutex::default() })
}

/// The index that a file's footer names, if it is whole and of this file.
async fn found(
    objects: &dyn ObjectStore,
    path: &Path,
    size: u64,
    metadata: &ParquetMetaData,
) -> Option<(Place, Directory)> {
    let found = directory(objects, path, size, place(metadata)?).await?;
    (i64::try_from(found.1.rows) == Ok(metadata.file_metadata().num_rows())).then_some(found)
}

fn place(metadata: &ParquetMetaData) -> Option<Place> {
    let values = metadata.file_metadata().key_value_metadata()?;
    Place::parse(values.iter().find(|one| one.key == FOOTER_KEY)?.value.as_deref()?)
}

async fn directory(objects: &dyn ObjectStore, path: &Path, size: u64, place: Place) -> Option<(Place, Directory)> {
    let range = place.directory();
    let bytes = if range.end <= size { objects.get_range(path, range).await.ok()? } else { Bytes::new() };
    let directory = Directory::read(&bytes);
    if directory.is_none() {
        tracing::warn!(file = %path, "the index is damaged; the file is read without it");
    }
    Some((place, directory?))
}

// A panic of another thread leaves maps that are whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
