//! The hunting tables as data: names, columns, types and words. A column is added by adding its line to the file of its
//! family; ingestion, the binder and the schema endpoints follow.
use crate::types::{Column, Schema, Type};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

mod alert_tables;
mod alerts;
mod apps;
mod cloud;
mod data_security;
mod device_events;
mod devices;
mod email;
mod exposure;
mod identity;
pub mod renamed;
mod vulnerabilities;

pub use alerts::{ALERTS, EVIDENCE, UPDATES};

/// The tables that a query may name: those of the catalogue and those that are attached.
pub trait Tables {
    /// Columns of a table, in order; `None` where there is no such table. Names are case-sensitive.
    fn schema(&self, table: &str) -> Option<Arc<Schema>>;
    /// Columns that a query may name though `*` does not give them: (name, column it reads, type).
    /// `TimeGenerated` reads `Timestamp`; `UnknownProperties` holds what the schema did not know.
    fn hidden(&self, table: &str) -> Vec<(String, String, Type)>;
    /// All names, for wildcards and for the nearest match.
    fn names(&self) -> Vec<String>;
    /// When the last of what is there arrived, in ticks, among the tables that keep it.
    fn last_arrival(&self) -> Option<i64> {
        None
    }
}

/// One table of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    /// What one row is, in a few words.
    pub doc: &'static str,
    pub columns: &'static [ColumnDef],
}

#[derive(Clone, Copy, Debug)]
pub struct ColumnDef {
    pub name: &'static str,
    pub ty: Type,
    pub doc: &'static str,
}

/// The column that says when a row happened: files are sorted and parted by it.
pub const TIMESTAMP: &str = "Timestamp";
/// Another name for [`TIMESTAMP`], as queries written for the log workspace have it.
pub const TIME_GENERATED: &str = "TimeGenerated";
/// Every stored table has this dynamic column behind its own: a bag of what came with a row and has no column.
pub const UNKNOWN_PROPERTIES: &str = "UnknownProperties";

/// When a row arrived, where rows that arrived at different times were put in one file; no query sees it.
pub const TIME_RECEIVED: &str = "_TimeReceived";
/// When the last row of a row's file arrived. Where the row has no time of its own, all of them did then.
pub const TIME_COMMITTED: &str = "_TimeCommitted";

/// Whether a table keeps when its rows arrived: those with alerts, whose clients ask for what is new.
pub fn keeps_arrival(table: &str) -> bool {
    ["AlertEvidence", "AlertInfo", "DeviceAlertEvents", ALERTS.name, UPDATES.name].contains(&table)
}

/// The column with the alert that a row is of, in the tables that keep when their rows arrived.
pub fn alert_of(table: &str) -> Option<&'static str> {
    keeps_arrival(table).then_some(if table == ALERTS.name { "id" } else { "AlertId" })
}

/// A table that is kept beside the hunting tables, by its exact name.
pub fn kept(name: &str) -> Option<&'static Table> {
    [&ALERTS, &UPDATES].into_iter().find(|table| table.name == name)
}

/// The name of a table of the owner's own that is a watchlist begins so.
pub const WATCHLIST: &str = "Watchlist_";

const FAMILIES: [&[Table]; 10] = [
    alert_tables::TABLES,
    device_events::TABLES,
    devices::TABLES,
    vulnerabilities::TABLES,
    email::TABLES,
    identity::TABLES,
    cloud::TABLES,
    apps::TABLES,
    data_security::TABLES,
    exposure::TABLES,
];

const fn column(name: &'static str, ty: Type, doc: &'static str) -> ColumnDef {
    ColumnDef { name, ty, doc }
}

/// All hunting tables.
pub fn all() -> impl Iterator<Item = &'static Table> {
    FAMILIES.into_iter().flatten()
}

/// A hunting table by its exact name.
pub fn table(name: &str) -> Option<&'static Table> {
    all().find(|table| table.name == name)
}

impl Table {
    pub fn schema(&self) -> Schema {
        Schema::new(self.columns.iter().map(|column| (column.name, column.ty)))
    }

    pub fn column(&self, name: &str) -> Option<&'static ColumnDef> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns at rest. Of columns that differ only in the case of their letters the first is stored, since Delta
    /// tables know no case; the others read it.
    pub fn stored_columns(&self) -> impl Iterator<Item = &'static ColumnDef> + Clone + use<> {
        let all = self.columns;
        all.iter().enumerate().filter_map(move |(at, column)| {
            let twin = all[..at].iter().any(|other| other.name.eq_ignore_ascii_case(column.name));
            (!twin).then_some(column)
        })
    }

    /// The schema at rest: the stored columns, then [`UNKNOWN_PROPERTIES`].
    pub fn stored_schema(&self) -> Schema {
        let unknown = Column { name: UNKNOWN_PROPERTIES.into(), ty: Type::Dynamic };
        let columns = self.stored_columns().map(|column| Column { name: column.name.into(), ty: column.ty });
        Schema { columns: columns.chain([unknown]).collect() }
    }

    /// The schema as it is read: all columns, then [`UNKNOWN_PROPERTIES`].
    pub fn read_schema(&self) -> Schema {
        let mut schema = self.schema();
        schema.columns.push(Column { name: UNKNOWN_PROPERTIES.into(), ty: Type::Dynamic });
        schema
    }
}

/// The catalogue as the tables of a query: what there is when nothing is attached.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known;

static SCHEMAS: LazyLock<HashMap<&'static str, Arc<Schema>>> =
    LazyLock::new(|| all().map(|table| (table.name, Arc::new(table.schema()))).collect());

impl Tables for Known {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        SCHEMAS.get(table).cloned()
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        self.schema(table).map_or_else(Vec::new, |schema| hidden(&schema))
    }

    fn names(&self) -> Vec<String> {
        all().map(|table| table.name.to_owned()).collect()
    }
}

/// The hidden columns of a hunting table with these columns of its own.
pub fn hidden(schema: &Schema) -> Vec<(String, String, Type)> {
    let mut hidden = Vec::new();
    if schema.get(TIMESTAMP).is_some_and(|column| column.ty == Type::Datetime) && schema.get(TIME_GENERATED).is_none() {
        hidden.push((TIME_GENERATED.to_owned(), TIMESTAMP.to_owned(), Type::Datetime));
    }
    if schema.get(UNKNOWN_PROPERTIES).is_none() {
        hidden.push((UNKNOWN_PROPERTIES.to_owned(), UNKNOWN_PROPERTIES.to_owned(), Type::Dynamic));
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_table_is_listed_once_and_its_columns_are_distinct_and_described() {
        assert_eq!(all().count(), 65);
        assert_eq!(all().map(|table| table.name).collect::<HashSet<_>>().len(), 65);
        for table in all().chain([&ALERTS, &UPDATES]) {
            let names: HashSet<_> = table.columns.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), table.columns.len(), "{}", table.name);
            assert!(table.columns.iter().all(|column| !column.doc.is_empty()), "{}", table.name);
        }
    }

    #[test]
    fn a_column_of_one_name_has_the_same_words_everywhere() {
        let mut words = HashMap::new();
        for column in all().flat_map(|table| table.columns) {
            assert_eq!(*words.entry(column.name).or_insert(column.doc), column.doc, "{}", column.name);
        }
    }

    #[test]
    fn the_catalogue_agrees_with_the_published_schema() {
        // The reference data lies in a folder beside the project, or further out.
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let Some(files) = here.ancestors().find_map(|at| std::fs::read_dir(at.join("shared/schema")).ok()) else {
            eprintln!("passed over: the published schema is not at hand");
            return;
        };
        for file in files.flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let published: serde_json::Value = serde_json::from_str(&text).unwrap();
            let table = table(published["table"].as_str().unwrap()).unwrap();
            let ours: Vec<_> = table.columns.iter().map(|column| (column.name, column.ty.name())).collect();
            let theirs: Vec<_> = published["columns"]
                .as_array()
                .unwrap()
                .iter()
                .map(|column| (column["name"].as_str().unwrap(), column["type"].as_str().unwrap()))
                .collect();
            assert_eq!(ours, theirs, "{}", table.name);
        }
    }

    #[test]
    fn time_generated_reads_timestamp_unless_the_table_has_its_own() {
        assert_eq!(Known.hidden("AlertInfo").len(), 2);
        assert_eq!(Known.hidden("AlertInfo")[0], ("TimeGenerated".into(), "Timestamp".into(), Type::Datetime));
        let own = all().find(|table| table.column(TIME_GENERATED).is_some()).unwrap();
        assert_eq!(Known.hidden(own.name).len(), 1);
        assert!(Known.schema("alertinfo").is_none());
    }
}
