//! All tables as they were at one moment: what a query is bound against and reads from.
use super::held::HeldRows;
use super::indexes::Indexes;
use super::location::Location;
use super::snapshot::time_column;
use super::starts::{KnownStarts, micros};
use super::{Provider, Snapshot, StoredFile, Texts};
use crate::catalog::{self, Tables};
use crate::catalog::{TIME_COMMITTED, TIME_RECEIVED};
use crate::columns::{micros_of_ticks, ticks_of_micros};
use crate::rows::{Arrived, Lookup, Table};
use crate::types::{Column, Schema, Type};
use datafusion::catalog::TableProvider;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// All tables at one moment.
#[derive(Clone, Debug)]
pub struct View {
    pub(super) root: Location,
    pub(super) tables: Arc<BTreeMap<String, Arc<Snapshot>>>,
    /// The texts of saved functions.
    pub functions: Texts,
    pub(super) indexes: Arc<Indexes>,
    pub(super) starts: Arc<KnownStarts>,
    pub(super) held: Arc<HeldRows>,
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
        Some(Provider::new(snapshot, &schema, self.indexes.clone()))
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

    /// The time (ticks) from which to `from`, or to the newest, about `rows` rows of a table lie, as far as the log tells:
    /// it knows where files begin and end. The oldest count where not the newest do, and then the time is the last of
    /// them. `None` where there are no more rows than that, or nothing is known.
    pub fn reach(&self, table: &str, rows: u64, from: Option<i64>, newest: bool) -> Option<i64> {
        let snapshot = self.tables.get(table)?;
        let clock = &snapshot.schema.columns[time_column(&snapshot.schema)?].name;
        // Seen from the end that counts, time runs backwards.
        let sign = if newest { -1 } else { 1 };
        let start = from.map_or(i64::MIN, |from| sign * micros_of_ticks(from));
        let mut files = Vec::with_capacity(snapshot.files.len());
        for file in &snapshot.files {
            let bounds = file.bounds.get(clock)?;
            let (least, most) = (micros(bounds.min.as_ref())?, micros(bounds.max.as_ref())?);
            let (first, last) = if newest { (-most, -least) } else { (least, most) };
            if last >= start {
                let whole = last.saturating_sub(first).saturating_add(1);
                let part = last.saturating_sub(first.max(start)).saturating_add(1);
                files.push((first.max(start), last, file.rows? as f64 * (part as f64 / whole as f64)));
            }
        }
        let until = |time: i64| -> f64 {
            let of = |(first, last, rows): &(i64, i64, f64)| {
                let share = (time.saturating_sub(*first) as f64 + 1.0) / (last.saturating_sub(*first) as f64 + 1.0);
                rows * share.clamp(0.0, 1.0)
            };
            files.iter().map(of).sum()
        };
        let (mut low, mut high) = (files.iter().map(|file| file.0).min()?, files.iter().map(|file| file.1).max()?);
        if until(high) <= rows as f64 {
            return None;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if until(middle) >= rows as f64 { high = middle } else { low = middle + 1 }
        }
        Some(ticks_of_micros(sign * low))
    }

    /// Which of the ids in a column may have rows at that time (ticks) or earlier; `None` where that is not to be had.
    pub async fn begun(&self, table: &str, column: &str, ids: &[String], time: i64) -> Option<Vec<bool>> {
        match self.tables.get(table) {
            Some(snapshot) => {
                let time = micros_of_ticks(time);
                let (mut begun, beyond) = match self.held.begun(snapshot, column, ids, time).await {
                    Some(found) => found,
                    None => (vec![false; ids.len()], snapshot.files.iter().collect()),
                };
                let older = self.starts.begun(snapshot, &beyond, column, ids, time).await?;
                begun.iter_mut().zip(older).for_each(|(begun, older)| *begun |= older);
                Some(begun)
            }
            None => Some(vec![false; ids.len()]),
        }
    }

    /// Rows of a table that lie in memory; `None` where they, or some that come before them, do not.
    pub async fn lookup(&self, lookup: &Lookup<'_>) -> Option<Table> {
        match self.tables.get(lookup.table) {
            Some(snapshot) => {
                let mut without = HashSet::new();
                if let Some((column, ids)) = lookup.key
                    && let Some(beyond) = self.held.beyond(snapshot).await
                {
                    without = self.starts.without(snapshot, &beyond, column, ids).await.unwrap_or_default();
                }
                self.held.rows(snapshot, lookup, &without).await
            }
            None => Some(Table { schema: lookup.schema.clone(), rows: vec![] }),
        }
    }

    /// Of the alerts raised from a time on and before another (ticks): the texts of a column in their rows, each with when
    /// the first of them was raised, the latest first. `None` where it is not in memory.
    pub async fn openings(&self, table: &str, column: &str, from: i64, to: i64) -> Option<Vec<(i64, String)>> {
        let found =
            self.held.openings(self.tables.get(table)?, column, micros_of_ticks(from), micros_of_ticks(to)).await?;
        Some(found.into_iter().map(|(time, text)| (ticks_of_micros(time), text)).collect())
    }

    /// Whether any row of a table can have arrived since then, as far as the log tells.
    pub fn arrived(&self, table: &str, since: Arrived) -> bool {
        let Some(snapshot) = self.tables.get(table) else { return false };
        let at = |file: &StoredFile| ticks_of_micros(file.modified.saturating_mul(1000));
        snapshot.foreign || snapshot.files.iter().any(|file| since.has(at(file)))
    }

    pub(super) async fn hold(&self) {
        for snapshot in self.tables.values() {
            self.held.fill(snapshot).await;
            // What is known of rows beyond memory is read now, not when somebody asks.
            if let Some(id) = catalog::alert_of(&snapshot.name)
                && let Some(beyond) = self.held.beyond(snapshot).await
            {
                self.starts.without(snapshot, &beyond, id, &[]).await;
            }
        }
    }

    /// Milliseconds of the last commit with alerts or updates of alerts that this view has.
    pub(super) fn last_commit(&self) -> Option<i64> {
        let tables = self.tables.iter().filter(|(name, snapshot)| catalog::keeps_arrival(name) && !snapshot.foreign);
        tables.flat_map(|(_, snapshot)| &snapshot.files).map(|file| file.modified).max()
    }
}

impl Tables for View {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        if let Some(kept) = catalog::kept(table) {
            return Some(Arc::new(kept.schema()));
        }
        catalog::Known.schema(table).or_else(|| self.tables.get(table).map(|snapshot| snapshot.schema.clone()))
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        match self.schema(table) {
            None => Vec::new(),
            Some(_) if catalog::kept(table).is_some() || catalog::table(table).is_some() => {
                catalog::Known.hidden(table)
            }
            // A table of the owner's own has no bag of unknown properties, but its time goes by both names too.
            Some(schema) => {
                let mut hidden = catalog::hidden(&schema);
                hidden.retain(|(_, reads, _)| schema.get(reads).is_some());
                hidden
            }
        }
    }

    fn last_arrival(&self) -> Option<i64> {
        let tables = self.tables.iter().filter(|(name, _)| catalog::keeps_arrival(name));
        let millis = tables.flat_map(|(_, snapshot)| &snapshot.files).map(|file| file.modified).max()?;
        Some(ticks_of_micros(millis.saturating_mul(1000)))
    }

    fn names(&self) -> Vec<String> {
        let mut names = catalog::Known.names();
        names.extend(self.tables.keys().filter(|name| catalog::table(name).is_none()).cloned());
        names
    }
}

/// The columns of a table of the catalogue as they are read.
fn stored(table: &str) -> Option<Schema> {
    let mut schema = catalog::kept(table).or_else(|| catalog::table(table))?.read_schema();
    if catalog::keeps_arrival(table) {
        let column = |name: &str| Column { name: name.to_owned(), ty: Type::Datetime };
        schema.columns.extend([TIME_RECEIVED, TIME_COMMITTED].map(column));
    }
    Some(schema)
}
