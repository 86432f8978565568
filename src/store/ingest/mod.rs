//! Taking data in: exports, pages and answers of the APIs, CSV and Parquet become rows of the hunting tables.
//!
//! inputs ─ one reader cuts them in pieces ─▶ workers make typed batches ─ one stream a table ─▶ one commit a table
//!
//! Memory is bounded at each arrow. A row that cannot be read goes to the rejects and the rest goes on; an input that
//! was taken in before, known by the hash of its bytes, adds nothing.
use super::{Appended, Ingestion, Mark, Store, StoreError, View};
use crate::catalog::{self, Table};
use crate::text::nearest::nearest;
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use detect::{Format, PEEK};
use flate2::bufread::MultiGzDecoder;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use input::{Fetched, Input};
use pieces::Pieces;
use reading::{Header, Reading, Work, Worker};
use rejects::Rejects;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

mod cells;
mod detect;
mod fields;
mod input;
mod parquet;
mod pieces;
mod reading;
mod rejects;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod watchlist;

/// Batches of one table on their way to its writer.
const BATCHES: usize = 4;
/// Pieces on their way to each worker.
const PIECES: usize = 2;
/// The marks of ingestions in the tables' logs begin so.
const MARK: &str = "sighthound-input-";

/// What to take in, and how.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Paths, folders, patterns and URLs.
    pub inputs: Vec<String>,
    /// The table of rows that do not say theirs.
    pub table: Option<String>,
    /// A watchlist becomes what the inputs hold.
    pub replace: bool,
    /// Take in again what was taken in before.
    pub again: bool,
    /// Where rejects go.
    pub rejects: PathBuf,
}

/// How far it is, for whoever watches.
#[derive(Debug, Default)]
pub struct Meter {
    pub bytes: AtomicU64,
    pub total: AtomicU64,
    pub rows: AtomicU64,
    pub input: Mutex<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows of each table: added, and passed over since the table had them.
    pub tables: BTreeMap<String, Rows>,
    pub inputs: usize,
    /// Inputs passed over since all their rows were there.
    pub skipped: Vec<String>,
    pub rejected: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub added: u64,
    pub skipped: u64,
}

#[derive(Debug)]
pub enum IngestError {
    /// No path and no URL.
    Address(String),
    NothingThere(String),
    UnknownTable(String),
    Read(String, io::Error),
    Remote(String, object_store::Error),
    Rejects(PathBuf, io::Error),
    Arrow(ArrowError),
    Store(StoreError),
    /// Somebody else took in some of the same inputs at the same time; this table has none of ours.
    Meanwhile(String),
    /// The writers gave up; their own error is the one to tell.
    Stopped,
}

impl std::fmt::Display for IngestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IngestError::Address(text) => write!(f, "`{text}` is neither a path nor a URL that can be read"),
            IngestError::NothingThere(text) => write!(f, "no data at `{text}`"),
            IngestError::UnknownTable(name) => {
                write!(f, "there is no hunting table `{name}`")?;
                match nearest(name, catalog::all().map(|table| table.name)) {
                    Some(near) => write!(f, ": `{near}` is the nearest name"),
                    None => Ok(()),
                }
            }
            IngestError::Read(name, error) => write!(f, "`{name}` cannot be read: {error}"),
            IngestError::Remote(name, error) => write!(f, "`{name}` cannot be fetched: {error}"),
            IngestError::Rejects(path, error) => {
                write!(f, "the rejects cannot be written to `{}`: {error}", path.display())
            }
            IngestError::Arrow(error) => write!(f, "{error}"),
            IngestError::Store(error) => write!(f, "{error}"),
            IngestError::Meanwhile(table) => {
                write!(f, "table `{table}` got some of the same inputs from elsewhere meanwhile: run it again")
            }
            IngestError::Stopped => write!(f, "stopped"),
        }
    }
}

impl std::error::Error for IngestError {}

impl From<ArrowError> for IngestError {
    fn from(error: ArrowError) -> IngestError {
        IngestError::Arrow(error)
    }
}

impl From<StoreError> for IngestError {
    fn from(error: StoreError) -> IngestError {
        IngestError::Store(error)
    }
}

type Batch = Result<RecordBatch, IngestError>;

/// Where the workers' rows and rejects go.
#[derive(Debug)]
struct Outlets {
    senders: Mutex<HashMap<&'static str, (mpsc::Sender<Batch>, Ingestion)>>,
    opened: mpsc::UnboundedSender<(&'static Table, mpsc::Receiver<Batch>, Ingestion)>,
    /// The tables before all this.
    seen: View,
    rejects: Rejects,
    meter: Arc<Meter>,
}

impl Outlets {
    fn send(&self, table: &'static Table, batch: RecordBatch) -> Result<(), IngestError> {
        self.meter.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        let sender = {
            let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
            match senders.get(table.name) {
                Some((sender, _)) => sender.clone(),
                None => {
                    let (sender, receiver) = mpsc::channel(BATCHES);
                    let ingestion = Ingestion::later(&self.seen);
                    self.opened.send((table, receiver, ingestion.clone())).map_err(|_| IngestError::Stopped)?;
                    senders.insert(table.name, (sender.clone(), ingestion));
                    sender
                }
            }
        };
        sender.blocking_send(Ok(batch)).map_err(|_| IngestError::Stopped)
    }

    fn reject(&self, reading: &Reading, line: u64, reason: &str, text: &str) -> Result<(), IngestError> {
        self.rejects.add(&reading.name, line, reason, text)
    }

    /// Says in each table's log which inputs its rows came from. `run` tells one time that an input is taken in from
    /// another.
    fn settle(&self, readings: &[Arc<Reading>], run: &str) {
        for (table, (_, ingestion)) in self.senders.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            ingestion.settle(readings.iter().filter_map(|reading| mark(reading, table, run)).collect());
        }
    }

    /// Makes all writers give up, so that no table gets part of it.
    fn fail(&self) {
        for (sender, _) in self.senders.lock().unwrap_or_else(PoisonError::into_inner).values() {
            // A writer that does not listen any more has given up by itself.
            let _ = sender.blocking_send(Err(IngestError::Stopped));
        }
    }
}

/// Takes everything in: each table gets all its rows in one commit. When it fails, no table has got a part of its rows;
/// what tables have got whole is known the next time.
pub async fn ingest(store: &Store, ask: Ask, meter: Arc<Meter>) -> Result<Summary, IngestError> {
    if let Some(name) = ask.table.as_ref().filter(|name| name.starts_with(catalog::WATCHLIST)) {
        return watchlist::ingest(store, name, &ask).await;
    }
    let given = match &ask.table {
        Some(name) => Some(tables::named(name).ok_or_else(|| IngestError::UnknownTable(name.clone()))?),
        None => None,
    };
    let mut inputs = Vec::new();
    for ask in &ask.inputs {
        inputs.extend(input::list(ask).await?);
    }
    meter.total.store(inputs.iter().map(|input| input.bytes).sum(), Ordering::Relaxed);

    let (opened, mut openings) = mpsc::unbounded_channel();
    let outlets = Arc::new(Outlets {
        senders: Mutex::default(),
        opened,
        // Marks are looked for in the tables as they are from here on.
        seen: store.refresh().await?,
        rejects: Rejects::new(&ask.rejects),
        meter: meter.clone(),
    });
    let (to_read, mut fetched) = mpsc::channel::<(Fetched, Arc<Reading>)>(1);
    let reading = {
        let (outlets, meter) = (outlets.clone(), meter.clone());
        tokio::task::spawn_blocking(move || {
            let read = read_all(&outlets, &meter, || fetched.blocking_recv());
            if read.is_err() {
                outlets.fail();
            }
            read
        })
    };
    let writing = async {
        let mut writers = FuturesUnordered::new();
        let mut opening = true;
        let mut failed = None;
        loop {
            tokio::select! {
                opened = openings.recv(), if opening => match opened {
                    Some((table, batches, ingestion)) => writers.push(write(store, table, batches, ingestion)),
                    None => opening = false,
                },
                Some(written) = writers.next() => {
                    // The first error counts, unless it only says that there was another.
                    if let (Err(error), None | Some(IngestError::Stopped)) = (written, &failed) {
                        failed = Some(error);
                    }
                }
                else => return failed.map_or(Ok(()), Err),
            }
        }
    };
    let run = if ask.again { format!("-{}", uuid::Uuid::new_v4()) } else { String::new() };
    let feeding = async {
        let mut fed = Fed::default();
        let fetched = feed(store, &inputs, given, ask.again, &meter, to_read, &mut fed).await;
        let read = reading.await.unwrap_or_else(|error| Err(StoreError::Input(error.into()).into()));
        if fetched.is_err() && read.is_ok() {
            let outlets = outlets.clone();
            // The writers hold on to what they have got until they hear of the end.
            let told = tokio::task::spawn_blocking(move || outlets.fail()).await;
            told.map_err(|error| StoreError::Input(error.into()))?;
        }
        // Only now is it known how many tables an input went to.
        outlets.settle(&fed.readings, &run);
        let rejected = outlets.rejects.finish();
        drop(outlets);
        // The first cause: an input that cannot be fetched, unless the reader went first.
        match (fetched, read) {
            (Err(IngestError::Stopped), Err(error)) | (Err(error), _) | (Ok(()), Err(error)) => Err(error),
            (Ok(()), Ok(())) => Ok((fed, rejected?)),
        }
    };
    let (fed, written) = tokio::join!(feeding, writing);
    let (fed, rejected) = match (fed, written) {
        (Err(IngestError::Stopped), Err(error)) | (Err(error), _) | (Ok(_), Err(error)) => return Err(error),
        (Ok(fed), Ok(())) => fed,
    };
    let mut summary = Summary { inputs: inputs.len(), skipped: fed.skipped, rejected, ..Summary::default() };
    for reading in &fed.readings {
        for (table, count) in reading.counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let rows = summary.tables.entry((*table).to_owned()).or_default();
            rows.added += count.rows;
            rows.skipped += count.skipped;
        }
    }
    Ok(summary)
}

/// What was given to the reader, and what was not.
#[derive(Default)]
struct Fed {
    readings: Vec<Arc<Reading>>,
    skipped: Vec<String>,
}

/// Brings the inputs here, one ahead of the reader.
async fn feed(
    store: &Store,
    inputs: &[Input],
    given: Option<&'static Table>,
    again: bool,
    meter: &Meter,
    to_read: mpsc::Sender<(Fetched, Arc<Reading>)>,
    fed: &mut Fed,
) -> Result<(), IngestError> {
    let mut hashes = HashSet::new();
    for input in inputs {
        match fetch(store, input, given, again, &mut hashes).await? {
            Some((fetched, reading)) => {
                fed.readings.push(reading.clone());
                // The reader's own error says why it is gone.
                to_read.send((fetched, reading)).await.map_err(|_| IngestError::Stopped)?;
            }
            None => {
                meter.bytes.fetch_add(input.bytes, Ordering::Relaxed);
                fed.skipped.push(input.name.clone());
            }
        }
    }
    Ok(())
}

/// What the log of a table shall say of an input that has given it rows: its hash, and how many tables have rows of it.
fn mark(reading: &Reading, table: &str, run: &str) -> Option<Mark> {
    let counts = reading.counts.lock().unwrap_or_else(PoisonError::into_inner);
    if counts.get(table)?.rows == 0 {
        return None;
    }
    let tables = counts.values().filter(|count| count.rows + count.skipped > 0).count();
    Some(Mark { app_id: format!("{MARK}{}{run}", reading.hash), version: i64::try_from(tables).ok()? })
}

/// Brings an input here. `None` where all its rows are in the store, or where it is the same as one before it.
async fn fetch(
    store: &Store,
    input: &Input,
    given: Option<&'static Table>,
    again: bool,
    hashes: &mut HashSet<String>,
) -> Result<Option<(Fetched, Arc<Reading>)>, IngestError> {
    let fetched = input.fetch().await?;
    if !hashes.insert(fetched.hash.clone()) {
        return Ok(None);
    }
    let mut there = HashSet::new();
    if !again {
        let marks = store.marked(&format!("{MARK}{}", fetched.hash)).await?;
        if marks.first().is_some_and(|(_, tables)| marks.len() as i64 >= *tables) {
            return Ok(None);
        }
        there.extend(marks.into_iter().map(|(table, _)| table));
    }
    let reading = Reading {
        name: input.name.clone(),
        hash: fetched.hash.clone(),
        given,
        hint: tables::in_path(&input.name),
        there,
        counts: Mutex::default(),
    };
    Ok(Some((fetched, Arc::new(reading))))
}

async fn write(
    store: &Store,
    table: &'static Table,
    batches: mpsc::Receiver<Batch>,
    ingestion: Ingestion,
) -> Result<(), IngestError> {
    let batches = futures::stream::unfold(batches, |mut batches| async { Some((batches.recv().await?, batches)) });
    match store.append(table.name, &table.stored_schema(), batches.boxed(), &ingestion).await? {
        Appended::Added { .. } => Ok(()),
        Appended::AlreadyThere => Err(IngestError::Meanwhile(table.name.to_owned())),
    }
}

/// One thread reads and cuts, the others make rows of the pieces.
fn read_all(
    outlets: &Outlets,
    meter: &Meter,
    mut next: impl FnMut() -> Option<(Fetched, Arc<Reading>)>,
) -> Result<(), IngestError> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let (give, take) = std::sync::mpsc::sync_channel::<(Arc<Reading>, Work)>(workers * PIECES);
    let take = Arc::new(Mutex::new(take));
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers)
            .map(|_| {
                let take = take.clone();
                scope.spawn(move || {
                    let mut worker = Worker::new(outlets);
                    loop {
                        let work = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        match work {
                            Ok((reading, work)) => worker.take(&reading, work)?,
                            Err(_) => return worker.finish(),
                        }
                    }
                })
            })
            .collect();
        // When the last worker is gone, so is the channel, and the reader stops too.
        drop(take);
        let mut read = Ok(());
        while let Some((fetched, reading)) = next() {
            *meter.input.lock().unwrap_or_else(PoisonError::into_inner) = reading.name.clone();
            read = read_one(outlets, meter, &fetched, &reading, |reading, work| {
                give.send((reading, work)).map_err(|_| IngestError::Stopped)
            });
            if read.is_err() {
                break;
            }
        }
        drop(give);
        for worker in working {
            let worked = worker.join().unwrap_or(Err(IngestError::Stopped));
            if !matches!(worked, Ok(()) | Err(IngestError::Stopped)) || read.is_ok() {
                read = worked;
            }
        }
        read
    })
}

/// Reads one input. What is wrong with its content is a reject; what is wrong with the reading is an error.
fn read_one(
    outlets: &Outlets,
    meter: &Meter,
    fetched: &Fetched,
    reading: &Arc<Reading>,
    mut give: impl FnMut(Arc<Reading>, Work) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let wrong = |error| IngestError::Read(reading.name.clone(), error);
    let (peek, whole) = match peek(&fetched.path) {
        Ok(peek) => peek,
        Err(error) if is_content(&error) => return outlets.reject(reading, 1, &format!("not gzip: {error}"), ""),
        Err(error) => return Err(wrong(error)),
    };
    let format = match detect::format(&peek, &reading.name, whole) {
        Ok(format) => format,
        Err(reason) => return outlets.reject(reading, 1, reason, ""),
    };
    if format == Format::Parquet {
        return read_parquet(outlets, meter, fetched, reading, give);
    }
    let mut read = || -> io::Result<Result<(), IngestError>> {
        let mut pieces = Pieces::new(open(&fetched.path, meter)?, &format)?;
        let mut header = None;
        if let Format::Csv { delimiter, .. } = format {
            header = Some(Arc::new(Header::new(&pieces.header()?, delimiter)));
        }
        while let Some(piece) = pieces.next_piece()? {
            if let Err(error) = give(reading.clone(), Work::Text(piece, header.clone())) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    };
    match read() {
        Ok(done) => done,
        Err(error) if is_content(&error) => {
            outlets.reject(reading, 0, &format!("the rest cannot be unpacked: {error}"), "")
        }
        Err(error) => Err(wrong(error)),
    }
}

fn read_parquet(
    outlets: &Outlets,
    meter: &Meter,
    fetched: &Fetched,
    reading: &Arc<Reading>,
    mut give: impl FnMut(Arc<Reading>, Work) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let wrong = |error| IngestError::Read(reading.name.clone(), error);
    let file = File::open(&fetched.path).map_err(wrong)?;
    let bytes = file.metadata().map_err(wrong)?.len();
    let broken = |error: &dyn std::fmt::Display| outlets.reject(reading, 0, &format!("broken Parquet: {error}"), "");
    let batches = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file);
    match batches.and_then(|batches| batches.with_batch_size(8_192).build()) {
        Err(error) => broken(&error)?,
        Ok(batches) => {
            for batch in batches {
                match batch {
                    Ok(batch) => give(reading.clone(), Work::Batch(batch))?,
                    Err(error) => {
                        broken(&error)?;
                        break;
                    }
                }
            }
        }
    }
    meter.bytes.fetch_add(bytes, Ordering::Relaxed);
    Ok(())
}

/// Whether an error is in the bytes (a cut or damaged gzip) rather than in reading them.
fn is_content(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof)
}

/// The first bytes, and whether they are all.
fn peek(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let read = open(path, &Meter::default())?.take(PEEK as u64).read_to_end(&mut bytes);
    match read {
        Ok(read) => Ok((bytes, read < PEEK)),
        // The fault is met again where it stands.
        Err(error) if is_content(&error) && !bytes.is_empty() => Ok((bytes, false)),
        Err(error) => Err(error),
    }
}

/// The text of a file, unpacked where it is packed, with its bytes on disk counted.
fn open<'m>(path: &Path, meter: &'m Meter) -> io::Result<Box<dyn BufRead + 'm>> {
    let mut reader = BufReader::with_capacity(1 << 18, Counted { inner: File::open(path)?, meter });
    if reader.fill_buf()?.starts_with(b"\x1f\x8b") {
        Ok(Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(reader))))
    } else {
        Ok(Box::new(reader))
    }
}

struct Counted<'m, R> {
    inner: R,
    meter: &'m Meter,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.meter.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
