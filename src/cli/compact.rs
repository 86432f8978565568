//! `sighthound compact`: many small files become few.
use super::ingest::grouped;
use super::{Failure, Place, Progress, tables};
use crate::store::Store;
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Each day's small files are sorted, indexed and written as one, in one commit; queries and \
    ingestions go on meanwhile. The files that were replaced are deleted a week later, by the next `compact` or `vacuum`.")]
pub struct Arguments {
    /// All tables, where none is named.
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let store = Store::open(&place.store).await?;
    for name in tables(&store, arguments.tables)? {
        let progress = Progress::over(&name);
        let done = store.compact(&name, &|at, of| progress.at(at as u64, of as u64)).await?;
        drop(progress);
        match done.replaced {
            0 => println!("{name}: nothing to unite"),
            files => println!("{name}: {} files became {}", grouped(files as u64), grouped(done.written as u64)),
        }
    }
    Ok(())
}
