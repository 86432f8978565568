//! What can go wrong in the store.
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use deltalake_core::DeltaTableError;
use parquet::errors::ParquetError;
use std::fmt;

#[derive(Debug)]
pub enum StoreError {
    /// Neither a folder nor a URL.
    Location(String),
    /// Nothing to read there.
    NoFiles(String),
    TableName(String),
    /// The table is attached and belongs to somebody else.
    ReadOnly(String),
    UnknownColumn(String),
    /// Something of the format that is not read, or contradictory files.
    Unsupported(String),
    /// What was to be appended ended in an error of its own.
    Input(Box<dyn std::error::Error + Send + Sync>),
    /// The table is not as it was any more when it was looked at.
    Moved,
    /// Work was cut off.
    Stopped(String),
    Objects(object_store::Error),
    Delta(Box<DeltaTableError>),
    Parquet(ParquetError),
    Arrow(ArrowError),
    Engine(Box<DataFusionError>),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Location(text) => write!(f, "`{text}` is neither a folder nor a known kind of URL"),
            StoreError::NoFiles(at) => write!(f, "no Parquet file at `{at}`"),
            StoreError::TableName(name) => write!(f, "`{name}` cannot be the name of a stored table"),
            StoreError::ReadOnly(name) => write!(f, "table `{name}` is attached and only read"),
            StoreError::UnknownColumn(name) => write!(f, "the table has no column `{name}`"),
            StoreError::Unsupported(what) | StoreError::Stopped(what) => f.write_str(what),
            StoreError::Moved => f.write_str("the table has changed meanwhile"),
            StoreError::Input(error) => write!(f, "{error}"),
            StoreError::Objects(error) => write!(f, "{error}"),
            StoreError::Delta(error) => write!(f, "{error}"),
            StoreError::Parquet(error) => write!(f, "{error}"),
            StoreError::Arrow(error) => write!(f, "{error}"),
            StoreError::Engine(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> StoreError {
        StoreError::Objects(error)
    }
}

impl From<object_store::path::Error> for StoreError {
    fn from(error: object_store::path::Error) -> StoreError {
        StoreError::Objects(error.into())
    }
}

impl From<DeltaTableError> for StoreError {
    fn from(error: DeltaTableError) -> StoreError {
        StoreError::Delta(Box::new(error))
    }
}

impl From<deltalake_core::kernel::Error> for StoreError {
    fn from(error: deltalake_core::kernel::Error) -> StoreError {
        DeltaTableError::from(error).into()
    }
}

impl From<ParquetError> for StoreError {
    fn from(error: ParquetError) -> StoreError {
        StoreError::Parquet(error)
    }
}

impl From<ArrowError> for StoreError {
    fn from(error: ArrowError) -> StoreError {
        StoreError::Arrow(error)
    }
}

impl From<DataFusionError> for StoreError {
    fn from(error: DataFusionError) -> StoreError {
        StoreError::Engine(Box::new(error))
    }
}
