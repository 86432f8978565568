//! The Delta log of one table: what is in it, and how files are added to it, all at once and only once.
//! <https://github.com/delta-io/delta/blob/master/PROTOCOL.md>
use super::clock::{Clock, Turn};
use super::file::Indexed;
use super::location::Location;
use super::snapshot::{Bounds, Snapshot, StoredFile};
use super::{Ingestion, StoreError};
use crate::columns::{micros_of_ticks, stored_type};
use crate::types::{Column, Schema, Type};
use crate::value::datetime;
use datafusion::scalar::ScalarValue;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitData, CommitProperties, TransactionError};
use deltalake_core::kernel::{
    Action, Add, DataType, LogicalFileView, MetadataExt, MetadataValue, PrimitiveType, Protocol, StructField,
    StructType, Transaction, new_metadata,
};
use deltalake_core::logstore::{CommitOrBytes, LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::operations::vacuum::VacuumMode;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::table::state::DeltaTableState;
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The partition column: the day of `Timestamp`. It is no column of the table for a query.
pub const DAY: &str = "date";
/// Field metadata in the Delta schema, where Delta's own types say too little: a timespan is a long there, a dynamic a
/// string.
const KQL_TYPE: &str = "sighthound.type";
/// The mark of the day column.
const DAY_MARK: &str = "day";
/// How often a commit is tried again when others commit at the same time.
const ATTEMPTS: usize = 50;

#[derive(Debug)]
pub struct Log {
    location: Location,
    store: LogStoreRef,
    /// The table as last seen; each look reads only what is newer.
    table: Mutex<Option<DeltaTable>>,
    /// What its commits take their instants from, where it keeps when rows arrived.
    clock: Option<Arc<Clock>>,
}

/// The property of a table that says which columns the indexes of its files are of, with commas between them.
const INDEXED: &str = "sighthound.index";

impl Log {
    pub fn new(location: Location) -> Log {
        let prefixed = Arc::new(PrefixStore::new(location.objects.clone(), location.prefix.clone()));
        let store = default_logstore(prefixed, location.objects.clone(), &location.url, &StorageConfig::default());
        Log { location, store, table: Mutex::new(None), clock: None }
    }

    pub fn with_clock(self, clock: Option<Arc<Clock>>) -> Log {
        Log { clock, ..self }
    }

    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The table as it is now; `None` where there is none.
    async fn newest(&self) -> Result<Option<DeltaTable>, StoreError> {
        let mut kept = self.table.lock().await;
        // A folder that was deleted, and perhaps filled anew, is another table. Behind a URL that look costs too much.
        if let Some(version) = kept.as_ref().and_then(DeltaTable::version)
            && self.location.is_local()
            && !self.location.has(&commit_path(&self.location.prefix, version)).await?
        {
            *kept = None;
        }
        match kept.as_mut() {
            Some(table) => {
                // One look for the next commit's name is cheaper than listing the log.
                let next = table.version().map_or(0, |version| version + 1);
                if self.location.has(&commit_path(&self.location.prefix, next)).await? {
                    table.update_incremental(None).await?;
                }
            }
            None => {
                if !self.store.is_delta_table_location().await? {
                    return Ok(None);
                }
                let mut table = DeltaTable::new(self.store.clone());
                table.load().await?;
                *kept = Some(table);
            }
        }
        Ok(kept.clone())
    }

    /// What the log holds, unless it is still at `known`.
    pub async fn snapshot(
        &self,
        name: &str,
        known: Option<&Arc<Snapshot>>,
    ) -> Result<Option<Arc<Snapshot>>, StoreError> {
        let Some(table) = self.newest().await? else { return Ok(None) };
        let state = table.snapshot()?;
        match known {
            Some(known) if known.version == Some(state.version()) && known.location.url == self.location.url => {
                Ok(Some(known.clone()))
            }
            _ => Ok(Some(Arc::new(self.read(name, state)?))),
        }
    }

    fn read(&self, name: &str, state: &DeltaTableState) -> Result<Snapshot, StoreError> {
        let refused = |what: &str| StoreError::Unsupported(format!("table `{name}` uses {what}"));
        let configuration = state.metadata().configuration();
        if configuration.get("delta.columnMapping.mode").is_some_and(|mode| mode != "none") {
            return Err(refused("column mapping"));
        }
        let partitions = state.metadata().partition_columns();
        let (mut columns, mut partition_columns) = (Vec::new(), Vec::new());
        for field in state.schema().fields() {
            let column = Column { name: field.name().clone(), ty: kql_type(field) };
            if !partitions.contains(field.name()) {
                columns.push(column);
            } else if !is_day_column(field) {
                partition_columns.push(column);
            }
        }
        let mut files = Vec::new();
        for view in state.log_data().iter() {
            if view.deletion_vector_descriptor().is_some() {
                return Err(refused("deletion vectors"));
            }
            if view.path().contains("://") {
                return Err(refused("files outside its folder"));
            }
            files.push(stored_file(&self.location.prefix, &view, &columns, &partition_columns));
        }
        let in_path = partition_columns.len();
        columns.extend(partition_columns);
        let snapshot = Snapshot {
            name: name.to_owned(),
            location: self.location.clone(),
            version: Some(state.version()),
            schema: Arc::new(Schema { columns }),
            partition_columns: in_path,
            files,
            foreign: !state.schema().fields().any(is_day_column),
        };
        Ok(snapshot.with_arrival())
    }

    /// Whether this ingestion is in the table already.
    pub fn has<'a>(&'a self, ingestion: &'a Ingestion) -> BoxFuture<'a, Result<bool, StoreError>> {
        let look = async move {
            match self.newest().await? {
                None => Ok(false),
                Some(table) => self.state_has(table.snapshot()?, ingestion).await,
            }
        };
        look.boxed()
    }

    /// The version of a mark in the log.
    pub async fn mark(&self, app_id: &str) -> Result<Option<i64>, StoreError> {
        match self.newest().await? {
            None => Ok(None),
            Some(table) => Ok(table.snapshot()?.transaction_version(self.store.as_ref(), app_id).await?),
        }
    }

    async fn state_has(&self, state: &DeltaTableState, ingestion: &Ingestion) -> Result<bool, StoreError> {
        if ingestion.was_looked_for(self.location.prefix.filename().unwrap_or(""), state.version()) {
            return Ok(false);
        }
        for mark in ingestion.marks() {
            let seen = state.transaction_version(self.store.as_ref(), &mark.app_id).await?;
            if seen.is_some_and(|version| version >= mark.version) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds files, all at once. `false` where this ingestion is in the table already.
    ///
    /// Whoever stops waiting does not stop it: an instant must not be given up while its commit is on its way.
    pub async fn commit(
        self: &Arc<Self>,
        schema: &Schema,
        adds: &[Add],
        ingestion: &Ingestion,
    ) -> Result<bool, StoreError> {
        let (log, schema, adds, ingestion) = (self.clone(), schema.clone(), adds.to_vec(), ingestion.clone());
        let work = tokio::spawn(async move { log.try_commit(&schema, &adds, &ingestion).await });
        work.await.map_err(|error| StoreError::Stopped(error.to_string()))?
    }

    async fn try_commit(&self, schema: &Schema, adds: &[Add], ingestion: &Ingestion) -> Result<bool, StoreError> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let turn = self.turn().await?;
            let Some(table) = self.newest().await? else {
                self.create(schema).await?;
                continue;
            };
            let state = table.snapshot()?;
            if ingestion.expects().is_some_and(|version| version != state.version()) {
                return Err(StoreError::Moved);
            }
            if self.state_has(state, ingestion).await? {
                // An answer that got lost on its way makes a commit look as if somebody else had been there.
                let ours = |add: &Add| state.log_data().iter().any(|view| view.path() == add.path);
                return Ok(adds.first().is_some_and(ours));
            }
            let stamped = |add: &Add| match &turn {
                Some(turn) => Add { modification_time: turn.at, ..add.clone() },
                None => add.clone(),
            };
            let mut actions: Vec<Action> = adds.iter().map(stamped).map(Action::Add).collect();
            let changed = if ingestion.replaces() {
                let there = state.log_data();
                actions.extend(there.iter().map(|view| Action::Remove(view.remove_action(true))));
                let fields = schema.columns.iter().map(delta_field).collect::<Result<Vec<_>, _>>()?;
                let day = state.schema().fields().filter(|field| is_day_column(field)).cloned().collect::<Vec<_>>();
                Some(StructType::try_new(fields.into_iter().chain(day)).map_err(DeltaTableError::from)?)
            } else {
                evolved(&state.schema(), schema)?
            };
            if let Some(changed) = changed {
                actions.push(Action::Metadata(state.metadata().clone().with_schema(&changed)?));
            }
            let marks = ingestion.marks().iter();
            let transactions = marks.map(|mark| Transaction::new(&mark.app_id, mark.version)).collect();
            let mut properties = CommitProperties::default()
                .with_application_transactions(transactions)
                .with_cleanup_expired_logs(Some(false));
            // Under a later version than the one that was looked at, the instant might be too early.
            if turn.is_some() || ingestion.expects().is_some() {
                properties = properties.with_max_retries(0);
            }
            let operation = DeltaOperation::Write {
                mode: if ingestion.replaces() { SaveMode::Overwrite } else { SaveMode::Append },
                partition_by: Some(vec![DAY.to_owned()]),
                predicate: None,
            };
            let commit = CommitBuilder::from(properties).with_actions(actions);
            match commit.build(Some(state), self.store.clone(), operation).await {
                Ok(_) => return Ok(true),
                Err(error) if is_race(&error) => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.map_or_else(|| StoreError::Unsupported("a table could not be created".to_owned()), StoreError::from))
    }

    async fn turn(&self) -> Result<Option<Turn>, StoreError> {
        match &self.clock {
            Some(clock) => Ok(Some(clock.turn().await?)),
            None => Ok(None),
        }
    }

    /// Which columns the indexes of the table's files are to be of.
    pub async fn indexed(&self) -> Result<Indexed, StoreError> {
        let Some(table) = self.newest().await? else { return Ok(Indexed::Usual) };
        let names = table.snapshot()?.metadata().configuration().get(INDEXED).cloned();
        Ok(names.map_or(Indexed::Usual, |names| Indexed::Only(names.split(',').map(str::to_owned).collect())))
    }

    /// Says so for all files from now on; those that are there stay as they are.
    pub async fn set_indexed(&self, indexed: &Indexed) -> Result<(), StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(table) = self.newest().await? else { break };
            let state = table.snapshot()?;
            let metadata = state.metadata().clone();
            let (metadata, properties) = match indexed {
                Indexed::Only(names) => {
                    let names = names.join(",");
                    (metadata.add_config_key(INDEXED.into(), names.clone())?, [(INDEXED.to_owned(), names)].into())
                }
                Indexed::Usual | Indexed::None => (metadata.remove_config_key(INDEXED)?, HashMap::new()),
            };
            let own = CommitProperties::default().with_cleanup_expired_logs(Some(false));
            let commit = CommitBuilder::from(own).with_actions(vec![Action::Metadata(metadata)]);
            let operation = DeltaOperation::SetTableProperties { properties };
            match commit.build(Some(state), self.store.clone(), operation).await {
                Ok(_) => return Ok(()),
                Err(error) if is_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Moved)
    }

    /// Puts files in the place of others with the same rows, all at once. `false` where not all of the others are in
    /// the table any more.
    pub async fn replace(&self, schema: &Schema, old: &HashSet<&Path>, adds: &[Add]) -> Result<bool, StoreError> {
        let operation = DeltaOperation::Optimize { predicate: None, target_size: 0 };
        self.exchange(Some(schema), old, adds, operation).await
    }

    /// Takes files with their rows out of the table, all at once. `false` where not all are in it any more.
    pub async fn remove(&self, old: &HashSet<&Path>) -> Result<bool, StoreError> {
        self.exchange(None, old, &[], DeltaOperation::Delete { predicate: None }).await
    }

    async fn exchange(
        &self,
        schema: Option<&Schema>,
        old: &HashSet<&Path>,
        adds: &[Add],
        operation: DeltaOperation,
    ) -> Result<bool, StoreError> {
        for _ in 0..ATTEMPTS {
            let _turn = self.turn().await?;
            let Some(table) = self.newest().await? else { return Ok(false) };
            let state = table.snapshot()?;
            let there = |view: &LogicalFileView| old.contains(&file_path(&self.location.prefix, view));
            let views: Vec<LogicalFileView> = state.log_data().iter().filter(there).collect();
            if views.len() != old.len() {
                return Ok(false);
            }
            let removes = views.iter().map(|view| Action::Remove(view.remove_action(adds.is_empty())));
            let mut actions: Vec<Action> = removes.chain(adds.iter().cloned().map(Action::Add)).collect();
            if let Some(evolved) = schema.map(|schema| evolved(&state.schema(), schema)).transpose()?.flatten() {
                actions.push(Action::Metadata(state.metadata().clone().with_schema(&evolved)?));
            }
            let properties = CommitProperties::default().with_cleanup_expired_logs(Some(false));
            let commit = CommitBuilder::from(properties).with_actions(actions);
            match commit.build(Some(state), self.store.clone(), operation.clone()).await {
                Ok(_) => return Ok(true),
                Err(error) if is_race(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// Deletes the files that left the table longer ago than any reader can still be reading them, and how many: those
    /// that the log tells of, or all that lie there.
    pub async fn remove_outdated(&self, mode: VacuumMode) -> Result<usize, StoreError> {
        let Some(table) = self.newest().await? else { return Ok(0) };
        let (_, metrics) = table.vacuum().with_mode(mode).await?;
        Ok(metrics.files_deleted.len())
    }

    /// Writes the first entry of the log: an empty table. Whoever comes second finds the table there.
    async fn create(&self, schema: &Schema) -> Result<(), StoreError> {
        let day = StructField::nullable(DAY, DataType::Primitive(PrimitiveType::Date))
            .with_metadata([(KQL_TYPE, MetadataValue::String(DAY_MARK.to_owned()))]);
        let fields = schema.columns.iter().map(delta_field).collect::<Result<Vec<_>, _>>()?;
        let delta_schema = StructType::try_new(fields.into_iter().chain([day])).map_err(DeltaTableError::from)?;
        // All columns have their bounds in the log, not only the first 32.
        let metadata = new_metadata(&delta_schema, [DAY], [("delta.dataSkippingNumIndexedCols", "-1")])?;
        let protocol: Protocol = serde_json::from_value(json!({ "minReaderVersion": 1, "minWriterVersion": 2 }))
            .map_err(|error| StoreError::Unsupported(error.to_string()))?;
        let operation = DeltaOperation::Create {
            mode: SaveMode::ErrorIfExists,
            location: self.location.url.clone(),
            protocol: protocol.clone(),
            metadata: metadata.clone(),
        };
        let actions = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
        let bytes = CommitData::new(actions, operation, HashMap::new(), Vec::new())
            .get_bytes()
            .map_err(DeltaTableError::from)?;
        match self.store.write_commit_entry(0, CommitOrBytes::LogBytes(bytes), uuid::Uuid::new_v4()).await {
            Ok(()) | Err(TransactionError::VersionAlreadyExists(_)) => Ok(()),
            Err(error) => Err(DeltaTableError::from(error).into()),
        }
    }
}

/// Somebody else was faster, with the same ingestion, with a new column, or only too often.
fn is_race(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::Transaction {
            source: TransactionError::CommitConflict(_) | TransactionError::MaxCommitAttempts(_),
        } | DeltaTableError::VersionAlreadyExists(_)
    )
}

fn file_path(table: &Path, view: &LogicalFileView) -> Path {
    Path::from_iter(table.parts().chain(view.object_store_path().parts()))
}

fn commit_path(table: &Path, version: u64) -> Path {
    table.clone().join("_delta_log").join(format!("{version:020}.json"))
}

/// The Delta schema with the columns that it lacks, in front of the day; `None` where it lacks none.
fn evolved(delta: &StructType, schema: &Schema) -> Result<Option<StructType>, StoreError> {
    let known: HashSet<&str> = delta.fields().map(|field| field.name().as_str()).collect();
    let missing: Vec<_> = schema.columns.iter().filter(|column| !known.contains(column.name.as_str())).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let added = missing.into_iter().map(delta_field).collect::<Result<Vec<_>, _>>()?;
    let (day, own): (Vec<_>, Vec<_>) = delta.fields().cloned().partition(is_day_column);
    let all = own.into_iter().chain(added).chain(day);
    Ok(Some(StructType::try_new(all).map_err(DeltaTableError::from)?))
}

fn is_day_column(field: &StructField) -> bool {
    matches!(mark(field), Some(DAY_MARK))
}

fn mark(field: &StructField) -> Option<&str> {
    match field.metadata().get(KQL_TYPE) {
        Some(MetadataValue::String(text)) => Some(text),
        _ => None,
    }
}

fn delta_field(column: &Column) -> Result<StructField, StoreError> {
    let data_type = match column.ty {
        Type::Bool => PrimitiveType::Boolean,
        Type::Int => PrimitiveType::Integer,
        Type::Long | Type::Timespan => PrimitiveType::Long,
        Type::Real => PrimitiveType::Double,
        Type::Decimal => PrimitiveType::decimal(38, 18).map_err(DeltaTableError::from)?,
        Type::String | Type::Guid | Type::Dynamic => PrimitiveType::String,
        Type::Datetime => PrimitiveType::Timestamp,
    };
    // Nullable even where we write no null: other writers may, and later columns have to be.
    let field = StructField::nullable(&column.name, DataType::Primitive(data_type));
    Ok(field.with_metadata([(KQL_TYPE, MetadataValue::String(column.ty.name().to_owned()))]))
}

fn kql_type(field: &StructField) -> Type {
    if let Some(ty) = mark(field).and_then(Type::from_name) {
        return ty;
    }
    match field.data_type() {
        DataType::Primitive(primitive) => match primitive {
            PrimitiveType::Boolean => Type::Bool,
            PrimitiveType::Integer | PrimitiveType::Short | PrimitiveType::Byte => Type::Int,
            PrimitiveType::Long => Type::Long,
            PrimitiveType::Float | PrimitiveType::Double => Type::Real,
            PrimitiveType::Decimal(_) => Type::Decimal,
            PrimitiveType::Timestamp | PrimitiveType::TimestampNtz | PrimitiveType::Date => Type::Datetime,
            _ => Type::String,
        },
        DataType::Array(_) | DataType::Struct(_) | DataType::Map(_) | DataType::Variant(_) => Type::Dynamic,
    }
}

fn stored_file(table: &Path, view: &LogicalFileView, columns: &[Column], partition_columns: &[Column]) -> StoredFile {
    let location = file_path(table, view);
    let values = view.partition_values_map();
    let partition = partition_columns
        .iter()
        .map(|column| partition_value(values.get(&column.name).cloned().flatten().as_deref(), column.ty))
        .collect();
    let stats: Json = view.stats().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null);
    let rows = stats.get("numRecords").and_then(Json::as_u64);
    let bounds = columns.iter().filter_map(|column| Some((column.name.clone(), bounds(&stats, column)?))).collect();
    StoredFile {
        location,
        size: u64::try_from(view.size()).unwrap_or(0),
        modified: view.modification_time(),
        rows,
        partition,
        bounds,
    }
}

/// A partition value of the stored type, from the text in the log or in a path.
pub fn partition_value(text: Option<&str>, ty: Type) -> ScalarValue {
    let target = stored_type(ty);
    let parsed = match (text, ty) {
        (text, Type::String) => Some(ScalarValue::Utf8View(Some(text.unwrap_or("").to_owned()))),
        (Some(text), Type::Datetime) => datetime::parse(text)
            .map(|ticks| ScalarValue::TimestampMicrosecond(Some(micros_of_ticks(ticks)), Some("UTC".into()))),
        (Some(text), _) => ScalarValue::try_from_string(text.to_owned(), &target).ok(),
        (None, _) => None,
    };
    parsed.or_else(|| ScalarValue::try_from(&target).ok()).unwrap_or(ScalarValue::Null)
}

fn bounds(stats: &Json, column: &Column) -> Option<Bounds> {
    let of = |kind: &str| stats.get(kind).and_then(|values| values.get(&column.name));
    let nulls = of("nullCount").and_then(Json::as_u64);
    let (mut min, max) = match column.ty {
        // Other writers cut to milliseconds, so a greatest value may stand for one almost a millisecond later.
        Type::Datetime => {
            let at = |kind| of(kind).and_then(Json::as_str).and_then(datetime::parse).map(micros_of_ticks);
            let timestamp = |micros| ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()));
            let latest =
                at("maxValues").map(|micros| if micros % 1000 == 0 { micros.saturating_add(999) } else { micros });
            (at("minValues").map(timestamp), latest.map(timestamp))
        }
        Type::Int => {
            let at = |kind| Some(ScalarValue::Int32(Some(i32::try_from(of(kind)?.as_i64()?).ok()?)));
            (at("minValues"), at("maxValues"))
        }
        Type::Long | Type::Timespan => {
            let at = |kind| Some(ScalarValue::Int64(Some(of(kind)?.as_i64()?)));
            (at("minValues"), at("maxValues"))
        }
        Type::String | Type::Guid => {
            let at = |kind| Some(ScalarValue::Utf8View(Some(of(kind)?.as_str()?.to_owned())));
            (at("minValues"), at("maxValues"))
        }
        // Bounds of reals do not say where NaN is; those of JSON text serve no comparison.
        Type::Bool | Type::Real | Type::Decimal | Type::Dynamic => (None, None),
    };
    // A null of another writer reads as the empty string, the least of all.
    let nulls = match column.ty {
        Type::String => {
            if nulls != Some(0) {
                min = min.map(|_| ScalarValue::Utf8View(Some(String::new())));
            }
            Some(0)
        }
        _ => nulls,
    };
    (min.is_some() || max.is_some() || nulls.is_some()).then_some(Bounds { min, max, nulls })
}
