//! What need not be kept: rows of days that are long past, and files that no table refers to.
use super::delta::{DAY, Log};
use super::snapshot::Snapshot;
use super::{StoreError, Vacuumed};
use crate::value::datetime;
use deltalake_core::operations::vacuum::VacuumMode;
use object_store::path::Path;
use std::collections::HashSet;

/// How often the days are counted again because files were replaced meanwhile.
const ATTEMPTS: usize = 5;

/// Takes the days before `first` (`YYYY-MM-DD`), if one is named, out of a table, then deletes the files that no longer
/// belong to it. Rows without a time stay.
pub async fn vacuum(log: &Log, name: &str, first: Option<&str>) -> Result<Vacuumed, StoreError> {
    let mut done = Vacuumed::default();
    if let Some(first) = first {
        let mut taken = false;
        for _ in 0..ATTEMPTS {
            let Some(snapshot) = log.snapshot(name, None).await? else { return Ok(done) };
            if snapshot.foreign {
                return Err(StoreError::ReadOnly(name.to_owned()));
            }
            let past: Vec<_> =
                snapshot.files.iter().filter(|file| is_before(&snapshot, &file.location, first)).collect();
            let old: HashSet<&Path> = past.iter().map(|file| &file.location).collect();
            taken = old.is_empty() || log.remove(&old).await?;
            if taken {
                done.rows = past.iter().filter_map(|file| file.rows).sum();
                done.files = past.len();
                break;
            }
        }
        if !taken {
            return Err(StoreError::Stopped(format!("the files of `{name}` change all the time")));
        }
    }
    done.deleted = log.remove_outdated(VacuumMode::Full).await?;
    Ok(done)
}

/// Whether a file lies in the folder of an earlier day.
fn is_before(snapshot: &Snapshot, file: &Path, first: &str) -> bool {
    let parts: Vec<_> = file.prefix_match(&snapshot.location.prefix).into_iter().flatten().collect();
    let [folder, _] = parts.as_slice() else { return false };
    let day = folder.as_ref().strip_prefix(DAY).and_then(|rest| rest.strip_prefix('='));
    day.is_some_and(|day| datetime::parse(day).is_some() && day < first)
}
