//! What scans leave unread, and by what: for `explain`.
use super::index::Wanted;
use super::index::terms::{Part, Piece};
use super::indexes::Left;
use super::snapshot::{Snapshot, StoredFile};
use std::sync::{Mutex, PoisonError};

/// Takes down what is read by the plans of one query. A session that has it as an extension keeps it for all its scans.
#[derive(Debug, Default)]
pub struct Readings(Mutex<Vec<Reading>>);

impl Readings {
    pub fn add(&self, reading: Reading) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(reading);
    }

    /// What was taken down since it was last asked.
    pub fn take(&self) -> Vec<Reading> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One scan of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub table: String,
    pub files: usize,
    /// Files that their bounds in the log leave.
    pub by_bounds: usize,
    /// What the indexes were asked, where they were asked, and what they leave.
    pub by_terms: Option<(String, ByTerms)>,
    /// Rows that were found in memory, where no file was read.
    pub in_memory: Option<usize>,
}

/// What indexes leave of the files that have them: so many of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByTerms {
    pub files: usize,
    pub groups: (usize, usize),
    pub pages: (u64, u64),
    pub rows: (u64, u64),
}

impl Reading {
    pub fn of(snapshot: &Snapshot, files: &[&StoredFile], wanted: &Wanted, left: &[Option<Left>]) -> Reading {
        let mut by_terms = ByTerms::default();
        for (file, left) in files.iter().zip(left) {
            match left {
                Some(left) => {
                    by_terms.files += usize::from(!left.pages.is_empty());
                    by_terms.groups.0 += left.groups_left();
                    by_terms.groups.1 += left.groups.len();
                    by_terms.pages.0 += u64::from(left.pages.len());
                    by_terms.pages.1 += u64::from(left.pages.count());
                    by_terms.rows.0 += left.rows();
                    by_terms.rows.1 += left.groups.iter().sum::<u64>();
                }
                None => {
                    by_terms.files += 1;
                    by_terms.rows.0 += file.rows.unwrap_or(0);
                    by_terms.rows.1 += file.rows.unwrap_or(0);
                }
            }
        }
        let asked = (*wanted != Wanted::Anything).then(|| (shown(wanted, true), by_terms));
        let (table, files_of) = (snapshot.name.clone(), snapshot.files.len());
        Reading { table, files: files_of, by_bounds: files.len(), by_terms: asked, in_memory: None }
    }

    /// Rows that were found in memory.
    pub fn in_memory(table: &str, rows: usize) -> Reading {
        Reading { table: table.to_owned(), files: 0, by_bounds: 0, by_terms: None, in_memory: Some(rows) }
    }
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(rows) = self.in_memory {
            return writeln!(f, "{}: {rows} rows in memory", self.table);
        }
        writeln!(f, "{}: {} of {} files by their bounds", self.table, self.by_bounds, self.files)?;
        if let Some((asked, left)) = &self.by_terms {
            writeln!(f, "  terms: {asked}")?;
            let ByTerms { files, groups, pages, rows } = left;
            writeln!(f, "  by terms: {files} of {} files, {} of {} rows", self.by_bounds, rows.0, rows.1)?;
            if groups.1 > 0 {
                let (groups, pages) = (groups, pages);
                writeln!(
                    f,
                    "  where terms leave out: {} of {} row groups, {} of {} pages",
                    groups.0, groups.1, pages.0, pages.1
                )?;
            }
        }
        Ok(())
    }
}

/// Longer lists are cut.
const SHOWN: usize = 12;

fn shown(wanted: &Wanted, outermost: bool) -> String {
    let list = |of: &[Wanted], by: &str| {
        let mut parts: Vec<String> = of.iter().take(SHOWN).map(|one| shown(one, false)).collect();
        if of.len() > SHOWN {
            parts.push(format!("{} more", of.len() - SHOWN));
        }
        let joined = parts.join(by);
        if outermost { joined } else { format!("({joined})") }
    };
    match wanted {
        Wanted::Anything => "anything".to_owned(),
        Wanted::Nothing => "nothing".to_owned(),
        Wanted::Pieces { column, pieces } => {
            format!("{column}: {}", pieces.iter().map(piece).collect::<Vec<_>>().join(" + "))
        }
        Wanted::And(all) => list(all, " and "),
        Wanted::Or(any) => list(any, " or "),
    }
}

/// A piece with stars where it may go on.
fn piece(piece: &Piece) -> String {
    let text = String::from_utf8_lossy(&piece.text);
    match piece.part {
        Part::Whole => text.into_owned(),
        Part::Prefix => format!("{text}*"),
        Part::Suffix => format!("*{text}"),
        Part::Inner => format!("*{text}*"),
    }
}
