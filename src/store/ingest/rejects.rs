//! What could not be taken in: one JSON line each, with the place and the reason, so that it can be mended and given
//! again.
use super::IngestError;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Characters of a rejected text that are written down.
const TEXT: usize = 4_096;

/// A file that comes into being with the first reject.
#[derive(Debug)]
pub struct Rejects {
    path: PathBuf,
    file: Mutex<Option<BufWriter<File>>>,
    count: AtomicU64,
}

impl Rejects {
    pub fn new(path: &Path) -> Rejects {
        Rejects { path: path.to_owned(), file: Mutex::new(None), count: AtomicU64::new(0) }
    }

    pub fn add(&self, input: &str, line: u64, reason: &str, text: &str) -> Result<(), IngestError> {
        let text: String = text.chars().take(TEXT).collect();
        let reject = json!({ "file": input, "line": line, "reason": reason, "text": text });
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let wrong = |error| IngestError::Rejects(self.path.clone(), error);
        let out = match file.take() {
            Some(out) => file.insert(out),
            None => file.insert(BufWriter::new(File::create(&self.path).map_err(wrong)?)),
        };
        writeln!(out, "{reject}").map_err(wrong)?;
        self.count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Puts everything on disk and says how many there are.
    pub fn finish(&self) -> Result<u64, IngestError> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let flushed = file.as_mut().map_or(Ok(()), Write::flush);
        flushed.map_err(|error| IngestError::Rejects(self.path.clone(), error))?;
        Ok(self.count.load(Ordering::Relaxed))
    }
}
