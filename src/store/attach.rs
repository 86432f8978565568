//! Tables that others keep: a folder or one file of plain Parquet, or another Delta table, read where they lie.
use super::StoreError;
use super::convert::kql_type;
use super::delta::partition_value;
use super::location::Location;
use super::snapshot::{Snapshot, StoredFile};
use crate::types::{Column, Schema, Type};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::parquet_to_arrow_schema;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Footers that are read at the same time.
const AT_ONCE: usize = 16;

/// A folder of Parquet files without a log.
#[derive(Debug)]
pub struct Folder {
    location: Location,
    /// What the footers say; a file is opened again only when it has changed.
    footers: Mutex<HashMap<Path, Footer>>,
}

#[derive(Clone, Debug)]
struct Footer {
    size: u64,
    modified: i64,
    rows: u64,
    columns: Vec<Column>,
}

impl Folder {
    pub fn new(location: Location) -> Folder {
        Folder { location, footers: Mutex::default() }
    }

    /// What lies there now, unless it is the same as `known`.
    pub async fn snapshot(&self, name: &str, known: Option<&Arc<Snapshot>>) -> Result<Arc<Snapshot>, StoreError> {
        let found = self.list().await?;
        if found.is_empty() {
            return Err(StoreError::NoFiles(self.location.url.to_string()));
        }
        if let Some(known) = known {
            let same = |(file, meta): (&StoredFile, &ObjectMeta)| {
                file.location == meta.location
                    && file.size == meta.size
                    && file.modified == meta.last_modified.timestamp_millis()
            };
            if known.files.len() == found.len() && known.files.iter().zip(&found).all(same) {
                return Ok(known.clone());
            }
        }
        let mut footers = self.footers.lock().await;
        let fresh = found.iter().filter(|meta| {
            footers.get(&meta.location).is_none_or(|footer| {
                footer.size != meta.size || footer.modified != meta.last_modified.timestamp_millis()
            })
        });
        let read: Vec<_> = fresh.map(|meta| read_footer(self.location.objects.clone(), meta.clone())).collect();
        let read: Vec<(Path, Footer)> = futures::stream::iter(read).buffer_unordered(AT_ONCE).try_collect().await?;
        footers.extend(read);
        let listed = found.iter().filter_map(|meta| Some((&meta.location, footers.get(&meta.location)?))).collect();
        Ok(Arc::new(self.unite(name, listed)?))
    }

    /// The Parquet files in order of their paths.
    async fn list(&self) -> Result<Vec<ObjectMeta>, StoreError> {
        let prefix = &self.location.prefix;
        let mut found: Vec<ObjectMeta> = match self.location.objects.head(prefix).await {
            Ok(file) => return Ok(vec![file]),
            Err(_) => self.location.objects.list(Some(prefix)).try_collect().await?,
        };
        found.retain(|meta| {
            let hidden = |part: object_store::path::PathPart| part.as_ref().starts_with(['_', '.']);
            let hidden = meta.location.prefix_match(prefix).is_some_and(|mut parts| parts.any(hidden));
            let extension = meta.location.extension().unwrap_or("").to_ascii_lowercase();
            !hidden && meta.size > 0 && matches!(extension.as_str(), "parquet" | "parq" | "pq")
        });
        found.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    fn unite(&self, name: &str, files: Vec<(&Path, &Footer)>) -> Result<Snapshot, StoreError> {
        let mut columns: Vec<Column> = Vec::new();
        for (path, footer) in &files {
            for column in &footer.columns {
                match columns.iter_mut().find(|known| known.name == column.name) {
                    None => columns.push(column.clone()),
                    Some(known) if known.ty == column.ty => {}
                    Some(known) => {
                        known.ty = wider(known.ty, column.ty).ok_or_else(|| {
                            StoreError::Unsupported(format!(
                                "column `{}` is `{}` in `{path}` and `{}` in other files of `{name}`",
                                column.name, column.ty, known.ty
                            ))
                        })?
                    }
                }
            }
        }
        // `key=value` folders that all files lie in are columns, as other readers take them.
        let keys: Vec<HashMap<String, String>> = files.iter().map(|(path, _)| self.keys(path)).collect();
        let mut names: Vec<String> = keys.first().map(|keys| keys.keys().cloned().collect()).unwrap_or_default();
        names.retain(|key| keys.iter().all(|keys| keys.contains_key(key)));
        names.retain(|key| columns.iter().all(|column| &column.name != key));
        names.sort();
        let stored = files.iter().zip(&keys).map(|((path, footer), keys)| StoredFile {
            location: (*path).clone(),
            size: footer.size,
            modified: footer.modified,
            rows: Some(footer.rows),
            partition: names
                .iter()
                .map(|key| partition_value(keys.get(key).map(String::as_str), Type::String))
                .collect(),
            bounds: HashMap::new(),
        });
        let files = stored.collect();
        let partition_columns = names.len();
        columns.extend(names.into_iter().map(|name| Column { name, ty: Type::String }));
        let snapshot = Snapshot {
            name: name.to_owned(),
            location: self.location.clone(),
            version: None,
            schema: Arc::new(Schema { columns }),
            partition_columns,
            files,
            foreign: true,
        };
        Ok(snapshot.with_arrival())
    }

    fn keys(&self, path: &Path) -> HashMap<String, String> {
        let Some(parts) = path.prefix_match(&self.location.prefix) else { return HashMap::new() };
        let mut parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
        // The file's own name may look like a key; it is none.
        parts.pop();
        parts
            .iter()
            .filter_map(|part| part.split_once('='))
            .map(|(key, value)| {
                (key.to_owned(), if value == "__HIVE_DEFAULT_PARTITION__" { "" } else { value }.to_owned())
            })
            .collect()
    }
}

async fn read_footer(objects: Arc<dyn ObjectStore>, meta: ObjectMeta) -> Result<(Path, Footer), StoreError> {
    let metadata = DFParquetMetadata::new(objects.as_ref(), &meta).fetch_metadata().await?;
    let file = metadata.file_metadata();
    let rows = file.num_rows();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    let columns =
        schema.fields().iter().map(|field| Column { name: field.name().clone(), ty: kql_type(field.data_type()) });
    let footer = Footer {
        size: meta.size,
        modified: meta.last_modified.timestamp_millis(),
        rows: u64::try_from(rows).unwrap_or(0),
        columns: columns.collect(),
    };
    Ok((meta.location, footer))
}

/// The type that holds the values of both.
fn wider(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        (Type::Int, Type::Long) | (Type::Long, Type::Int) => Some(Type::Long),
        (Type::Real, Type::Int | Type::Long) | (Type::Int | Type::Long, Type::Real) => Some(Type::Real),
        _ => None,
    }
}
