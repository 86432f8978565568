//! `sighthound index`: the term indexes of the files that are stored.
use super::ingest::grouped;
use super::{Failure, Place, Progress, tables};
use crate::store::{IndexSizes, Reindex, Store};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    after_help = "Files are written with an index of the words of their texts, so that `build` is only for those \
    that other programs or older versions wrote. An index decides how much a query reads, never what it finds."
)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Builds the indexes of files that have none.
    Build {
        /// All tables, where none is named.
        #[arg(value_name = "TABLE")]
        tables: Vec<String>,
        /// Builds those anew that are there.
        #[arg(long)]
        again: bool,
    },
    /// Shows what the indexes take, column by column.
    Show {
        /// All tables, where none is named.
        #[arg(value_name = "TABLE")]
        tables: Vec<String>,
    },
    /// Says which columns the indexes of a table are of, or shows them. Files that are there stay as they are until
    /// `build --again`.
    Columns {
        #[arg(value_name = "TABLE")]
        table: String,
        /// Columns of texts; without them, which these are now is shown.
        #[arg(value_name = "COLUMN")]
        columns: Vec<String>,
        /// All columns of texts again, as far as there is room.
        #[arg(long, conflicts_with = "columns")]
        usual: bool,
    },
    /// Drops the indexes: the files get smaller and searches slower.
    Drop {
        #[arg(required = true, value_name = "TABLE")]
        tables: Vec<String>,
    },
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let store = Store::open(&place.store).await?;
    let (names, what) = match arguments.what {
        What::Show { tables: named } => {
            for name in tables(&store, named)? {
                print!("{}", told(&name, &store.index_sizes(&name).await?));
            }
            return Ok(());
        }
        What::Columns { table, columns, usual } => {
            for name in tables(&store, vec![table])? {
                if usual || !columns.is_empty() {
                    store.set_index_columns(&name, Some(columns.as_slice()).filter(|_| !usual)).await?;
                }
                let columns = store.index_columns(&name).await?;
                let columns = columns.map_or_else(|| "all texts, as far as there is room".into(), |all| all.join(", "));
                println!("{name}: {columns}");
            }
            return Ok(());
        }
        What::Build { tables, again: true } => (tables, Reindex::All),
        What::Build { tables, again: false } => (tables, Reindex::Missing),
        What::Drop { tables } => (tables, Reindex::Drop),
    };
    for name in tables(&store, names)? {
        let progress = Progress::over(&name);
        let done = store.reindex(&name, what, &|at, of| progress.at(at as u64, of as u64)).await?;
        drop(progress);
        match done.replaced {
            0 if what == Reindex::Drop => println!("{name}: no file has an index"),
            0 => println!("{name}: all files have their indexes"),
            files => println!("{name}: {} files written anew", grouped(files as u64)),
        }
    }
    Ok(())
}

fn told(name: &str, sizes: &IndexSizes) -> String {
    let mut told = format!(
        "{name}: {} of {} files have an index, {} bytes in all\n",
        grouped(sizes.indexed as u64),
        grouped(sizes.files as u64),
        grouped(sizes.bytes)
    );
    let part = |index: u64, column: u64| index as f64 * 100.0 / column.max(1) as f64;
    let mut whole = (0, 0);
    let width = sizes.columns.keys().map(String::len).max().unwrap_or(0);
    for (column, size) in &sizes.columns {
        whole = (whole.0 + size.column, whole.1 + size.index);
        told += &format!(
            "  {column:width$} {:>15} {:>13} {:>5.1} %\n",
            grouped(size.column),
            grouped(size.index),
            part(size.index, size.column)
        );
    }
    if !sizes.columns.is_empty() {
        let all = "all of these";
        let (column, index) = whole;
        told +=
            &format!("  {all:width$} {:>15} {:>13} {:>5.1} %\n", grouped(column), grouped(index), part(index, column));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ColumnSizes;

    #[test]
    fn sizes_stand_beside_those_of_their_columns() {
        let columns = [("SHA1", 2_000, 100), ("ProcessCommandLine", 1_000_000, 90_000)];
        let columns = columns.map(|(name, column, index)| (name.to_owned(), ColumnSizes { column, index }));
        let sizes = IndexSizes { files: 3, indexed: 2, bytes: 1_234_567, columns: columns.into() };
        insta::assert_snapshot!(told("DeviceProcessEvents", &sizes), @"
        DeviceProcessEvents: 2 of 3 files have an index, 1,234,567 bytes in all
          ProcessCommandLine       1,000,000        90,000   9.0 %
          SHA1                         2,000           100   5.0 %
          all of these             1,002,000        90,100   9.0 %
        ");
    }
}
