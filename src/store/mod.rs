//! Delta tables of Parquet files: what is stored, how it lies, how it is read.
