//! `sighthound vacuum`: what need not be kept goes.
use super::ingest::grouped;
use super::{Failure, Place, tables};
use crate::store::Store;
use crate::value::datetime;
use clap::Args;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug, Args)]
#[command(
    after_help = "Files that were replaced or taken out stay for a week, for those who are still reading them, and \
    are deleted by the first `vacuum` after it. Without `--retain` no row goes."
)]
pub struct Arguments {
    /// All tables, where none is named.
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
    /// Takes out the rows of days longer ago than this; rows without a time stay.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    retain: Option<u32>,
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let store = Store::open(&place.store).await?;
    let first = arguments.retain.map(first_day).transpose()?;
    for name in tables(&store, arguments.tables)? {
        let done = store.vacuum(&name, first.as_deref()).await?;
        let mut told = format!("{name}: {} old files deleted", grouped(done.deleted as u64));
        if let Some(first) = &first {
            told += &format!(", {} rows before {first} taken out", grouped(done.rows));
        }
        println!("{told}");
    }
    Ok(())
}

/// The first day that is kept.
fn first_day(days: u32) -> Result<String, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
    let micros = i64::try_from(now.as_micros()).map_err(|error| error.to_string())?;
    let ticks = crate::columns::ticks_of_micros(micros - i64::from(days) * 86_400_000_000);
    Ok(datetime::text(ticks)[..10].to_owned())
}
