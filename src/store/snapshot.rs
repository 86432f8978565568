//! What a table holds at one moment: its columns, its files, and what is known of each without opening it.
use super::location::Location;
use crate::catalog::{self, TIME_COMMITTED, TIMESTAMP};
use crate::types::{Column, Schema, Type};
use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use datafusion::common::Column as ColumnName;
use datafusion::common::pruning::PruningStatistics;
use datafusion::scalar::ScalarValue;
use object_store::path::Path;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The columns that files may be parted by day and sorted by; the first that a table has counts. The alert resource has
/// no `Timestamp`.
const TIMES: [&str; 2] = [TIMESTAMP, "alertCreationTime"];

/// The column that a table is parted and sorted by.
pub fn time_column(schema: &Schema) -> Option<usize> {
    TIMES
        .iter()
        .find_map(|name| schema.columns.iter().position(|column| column.name == *name && column.ty == Type::Datetime))
}

#[derive(Clone, Debug)]
pub struct Snapshot {
    pub name: String,
    pub location: Location,
    /// The version of the log; `None` for a table without one.
    pub version: Option<u64>,
    /// The columns in the files, then those that only the log or the path knows.
    pub schema: Arc<Schema>,
    /// How many columns are of the second kind.
    pub partition_columns: usize,
    pub files: Vec<StoredFile>,
    /// Others write the files: texts in them may be null.
    pub foreign: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StoredFile {
    pub location: Path,
    pub size: u64,
    /// Milliseconds since 1970.
    pub modified: i64,
    pub rows: Option<u64>,
    /// Values of the partition columns, in their order.
    pub partition: Vec<ScalarValue>,
    pub bounds: HashMap<String, Bounds>,
}

/// No value of a column lies outside of these. They need not be values of the column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    pub min: Option<ScalarValue>,
    pub max: Option<ScalarValue>,
    pub nulls: Option<u64>,
}

impl Snapshot {
    pub fn empty(name: &str, location: Location, schema: Arc<Schema>) -> Snapshot {
        let name = name.to_owned();
        Snapshot { name, location, version: None, schema, partition_columns: 0, files: Vec::new(), foreign: false }
    }

    /// With a column that says of each file when its last row arrived, where the table keeps that.
    pub fn with_arrival(mut self) -> Snapshot {
        if catalog::keeps_arrival(&self.name) {
            let mut schema = self.schema.as_ref().clone();
            schema.columns.push(Column { name: TIME_COMMITTED.to_owned(), ty: Type::Datetime });
            self.schema = Arc::new(schema);
            self.partition_columns += 1;
            for file in &mut self.files {
                let micros = file.modified.saturating_mul(1000);
                file.partition.push(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
            }
        }
        self
    }

    /// The number of rows; `None` where a file does not say.
    pub fn rows(&self) -> Option<u64> {
        self.files.iter().map(|file| file.rows).sum()
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// The files of a snapshot as containers that a predicate is tried on.
pub struct FileBounds<'a> {
    pub snapshot: &'a Snapshot,
    /// The columns as the provider shows them.
    pub schema: &'a arrow::datatypes::Schema,
}

impl FileBounds<'_> {
    fn array(&self, column: &ColumnName, pick: impl Fn(&Bounds) -> Option<ScalarValue>) -> Option<ArrayRef> {
        let data_type = self.schema.field_with_name(column.name()).ok()?.data_type();
        let unknown = ScalarValue::try_from(data_type).ok()?;
        let of = |file: &StoredFile| file.bounds.get(column.name()).and_then(&pick).unwrap_or_else(|| unknown.clone());
        if let Some(index) = self.partition_index(column) {
            return ScalarValue::iter_to_array(self.snapshot.files.iter().map(|file| file.partition[index].clone()))
                .ok();
        }
        // A bound of another type than the column's (the table has changed since) says nothing.
        let values = self.snapshot.files.iter().map(of);
        let values = values.map(|value| if &value.data_type() == data_type { value } else { unknown.clone() });
        ScalarValue::iter_to_array(values).ok()
    }

    fn partition_index(&self, column: &ColumnName) -> Option<usize> {
        let schema = &self.snapshot.schema;
        let first = schema.len() - self.snapshot.partition_columns;
        schema.index(column.name()).and_then(|index| index.checked_sub(first))
    }
}

impl PruningStatistics for FileBounds<'_> {
    fn min_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.array(column, |bounds| bounds.min.clone())
    }

    fn max_values(&self, column: &ColumnName) -> Option<ArrayRef> {
        self.array(column, |bounds| bounds.max.clone())
    }

    fn num_containers(&self) -> usize {
        self.snapshot.files.len()
    }

    fn null_counts(&self, column: &ColumnName) -> Option<ArrayRef> {
        if self.partition_index(column).is_some() {
            return None;
        }
        let nulls =
            self.snapshot.files.iter().map(|file| file.bounds.get(column.name()).and_then(|bounds| bounds.nulls));
        Some(Arc::new(nulls.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.snapshot.files.iter().map(|file| file.rows).collect::<UInt64Array>()))
    }

    fn contained(&self, _: &ColumnName, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
