//! What makes an ingestion the same ingestion: marks in a table's log, as Delta's application transactions.
use super::View;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// One input of an ingestion: the hash of its content, and a number that says of which sort the commit was. A log that
/// has the mark with this version or a later one has the rows of that input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub app_id: String,
    pub version: i64,
}

/// The inputs whose rows one commit brings. Cheap to clone; clones are the same ingestion.
#[derive(Clone, Debug, Default)]
pub struct Ingestion {
    marks: Arc<OnceLock<Vec<Mark>>>,
    /// The versions of the tables in which all marks have been looked for already.
    looked: Option<Arc<HashMap<String, u64>>>,
    replaces: bool,
    /// The version that the table's log must still have.
    expected: Option<u64>,
}

impl Ingestion {
    pub fn new(app_id: impl Into<String>, version: i64) -> Ingestion {
        Ingestion {
            marks: Arc::new(OnceLock::from(vec![Mark { app_id: app_id.into(), version }])),
            ..Ingestion::default()
        }
    }

    /// An ingestion whose marks are known only when all its rows are: they are [settled](Ingestion::settle) before the
    /// rows end. Marks that were in the tables of `view` already are for the caller to know.
    pub fn later(view: &View) -> Ingestion {
        Ingestion { marks: Arc::default(), looked: Some(Arc::new(view.versions())), ..Ingestion::default() }
    }

    /// Rows that are added only where nothing was added to the table since `view`.
    pub fn right_after(view: &View, table: &str) -> Ingestion {
        let version = view.snapshot(table).and_then(|snapshot| snapshot.version).unwrap_or(0);
        Ingestion { expected: Some(version), ..Ingestion::default() }
    }

    /// The same, with its rows in the place of all that the table has.
    pub fn replacing(self) -> Ingestion {
        Ingestion { replaces: true, ..self }
    }

    pub(super) fn replaces(&self) -> bool {
        self.replaces
    }

    pub(super) fn expects(&self) -> Option<u64> {
        self.expected
    }

    /// Says the marks. What was said first counts.
    pub fn settle(&self, marks: Vec<Mark>) {
        let _ = self.marks.set(marks);
    }

    pub(super) fn marks(&self) -> &[Mark] {
        self.marks.get().map_or(&[], Vec::as_slice)
    }

    pub(super) fn was_looked_for(&self, table: &str, version: u64) -> bool {
        self.looked.as_ref().is_some_and(|looked| looked.get(table) == Some(&version))
    }
}
