//! The clock of arrivals: every commit to a table with alerts gets an instant later than those of all commits before it,
//! to whichever of these tables. A client that asks for what has changed since the last instant it saw misses nothing.
//!
//! An instant is given and its commit made under one lock, so that what an instant names is there before a later one is
//! given. In a local folder the lock is a file, and holds between processes; behind a URL it holds within this one.
use super::StoreError;
use super::location::Location;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The file under the root with the last instant.
const FILE: &str = "_clock";
/// Its digits: always as many, so that it is never read half written.
const DIGITS: usize = 20;

#[derive(Debug)]
pub struct Clock {
    /// Milliseconds since 1970, as Delta logs count.
    last: AtomicI64,
    turn: Arc<Mutex<()>>,
    file: Option<PathBuf>,
}

/// An instant, and the right to commit under it for as long as this is held.
#[derive(Debug)]
pub struct Turn {
    pub at: i64,
    _turn: OwnedMutexGuard<()>,
    /// Closing it lets the next process in.
    _file: Option<File>,
}

impl Clock {
    pub fn new(root: &Location) -> Clock {
        let file = root.is_local().then(|| root.url.to_file_path().ok()).flatten().map(|folder| folder.join(FILE));
        Clock { last: AtomicI64::new(0), turn: Arc::default(), file }
    }

    /// The next instant. It is not ahead of the time of day, unless that went back.
    pub async fn turn(&self) -> Result<Turn, StoreError> {
        let (turn, mut held) = self.alone().await?;
        let last = self.last.load(Ordering::SeqCst);
        let at = after(last);
        let ahead = at - now();
        if (1..1000).contains(&ahead) {
            tokio::time::sleep(Duration::from_millis(ahead.unsigned_abs())).await;
        }
        // Said before the commit: who reads the clock before and after a look knows whether one came between.
        if let Some(file) = held.as_mut() {
            file.rewind()
                .and_then(|()| write!(file, "{at:0DIGITS$}"))
                .map_err(|error| StoreError::Input(error.into()))?;
        }
        self.last.store(at, Ordering::SeqCst);
        Ok(Turn { at, _turn: turn, _file: held })
    }

    /// Waits until nobody commits, and lets nobody for as long as what it gives is held. All that was given an instant
    /// up to now is in the tables then.
    pub async fn pause(&self) -> Result<impl Send + use<>, StoreError> {
        self.alone().await
    }

    async fn alone(&self) -> Result<(OwnedMutexGuard<()>, Option<File>), StoreError> {
        let turn = self.turn.clone().lock_owned().await;
        let Some(path) = self.file.clone() else { return Ok((turn, None)) };
        let locked = tokio::task::spawn_blocking(move || -> std::io::Result<(File, i64)> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            let last = number(&mut file);
            Ok((file, last))
        });
        let (file, last) = locked
            .await
            .map_err(|error| StoreError::Stopped(error.to_string()))?
            .map_err(|error| StoreError::Input(error.into()))?;
        self.last.fetch_max(last, Ordering::SeqCst);
        Ok((turn, Some(file)))
    }

    /// Later instants than this are given from now on, whatever became of the file.
    pub fn later_than(&self, at: i64) {
        self.last.fetch_max(at, Ordering::SeqCst);
    }

    /// The last instant that was given.
    pub fn seen(&self) -> i64 {
        let of_file = self.file.as_ref().and_then(|path| File::open(path).ok()).map_or(0, |mut file| number(&mut file));
        self.last.load(Ordering::SeqCst).max(of_file)
    }
}

fn number(file: &mut File) -> i64 {
    let mut text = String::with_capacity(DIGITS);
    match file.take(DIGITS as u64).read_to_string(&mut text) {
        Ok(DIGITS) => text.parse().unwrap_or(0),
        Ok(_) | Err(_) => 0,
    }
}

/// An instant behind another, the present one where that is behind it. Its milliseconds never end in a nought, which would
/// be left out of its text: clients that compare the texts of times go by the times then.
fn after(last: i64) -> i64 {
    let next = now().max(last.saturating_add(1));
    next + i64::from(next % 10 == 0)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[tokio::test]
    async fn instants_of_two_stores_over_one_folder_are_never_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let root = Location::parse(&folder.path().display().to_string()).unwrap();
        let clocks = [Arc::new(Clock::new(&root)), Arc::new(Clock::new(&root))];
        let tasks: Vec<_> = (0..40)
            .map(|index: usize| {
                let clock = clocks[index % 2].clone();
                tokio::spawn(async move {
                    let turn = clock.turn().await.unwrap();
                    assert_eq!(clock.seen(), turn.at);
                    assert_ne!(turn.at % 10, 0);
                    turn.at
                })
            })
            .collect();
        let mut given = HashSet::new();
        for task in tasks {
            assert!(given.insert(task.await.unwrap()));
        }
        assert!(given.iter().all(|at| *at <= now()));
    }
}
