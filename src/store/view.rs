//! All tables as they were at one moment: what a query is bound against and reads from.
use super::indexes::Indexes;
use super::location::Location;
use super::{Provider, Snapshot, Texts};
use crate::catalog::{self, Tables};
use crate::catalog::{TIME_COMMITTED, TIME_RECEIVED};
use crate::columns::ticks_of_micros;
use crate::types::{Column, Schema, Type};
use datafusion::catalog::TableProvider;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// All tables at one moment.
#[derive(Clone, Debug)]
pub struct View {
    pub(super) root: Location,
    pub(super) tables: Arc<BTreeMap<String, Arc<Snapshot>>>,
    /// The texts of saved functions.
    pub functions: Texts,
    pub(super) indexes: Arc<Indexes>,
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

    /// Ticks of the last commit with alerts or updates of alerts that this view has.
    fn last_arrival(&self) -> Option<i64> {
        let tables = self.tables.iter().filter(|(name, _)| catalog::keeps_arrival(name));
        let millis = tables.flat_map(|(_, snapshot)| &snapshot.files).map(|file| file.modified).max()?;
        Some(ticks_of_micros(millis.saturating_mul(1000)))
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
        View::last_arrival(self)
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
