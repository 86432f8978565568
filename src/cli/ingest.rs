//! `sighthound ingest`: takes exported data into the store.
use super::{Failure, Place, Progress};
use crate::catalog::WATCHLIST;
use crate::store::Store;
use crate::store::ingest::{Ask, Meter, Rows, Summary, ingest};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

#[derive(Debug, Args)]
#[command(
    after_help = "Reads the streaming export, pages of the alerts API, answers of the hunting APIs, JSON lines, \
    CSV and Parquet, packed with gzip or not, and finds out by itself which is which. Ends with 0 when all rows are in, \
    with 2 when some were rejected, with 1 when it failed: then no table has got a part of its rows."
)]
pub struct Arguments {
    /// Files, folders, patterns (`*`, `?`, `**`) and URLs (file, s3, az, http).
    #[arg(required = true, value_name = "PATH|URL")]
    inputs: Vec<String>,
    /// The table of rows that do not say theirs; otherwise their columns decide.
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// Takes CSV of any columns, which `_GetWatchlist('NAME')` reads: its key is the column `SearchKey`, else the
    /// first. The same as `--table Watchlist_NAME`.
    #[arg(long, value_name = "NAME", conflicts_with = "table")]
    watchlist: Option<String>,
    /// The watchlist becomes what the inputs hold; otherwise their rows are added to it.
    #[arg(long, requires = "watchlist")]
    replace: bool,
    /// Takes in again what was taken in before; otherwise the same content adds nothing.
    #[arg(long)]
    again: bool,
    /// Where rows go that cannot be read, with place and reason.
    #[arg(long, value_name = "FILE", default_value = "sighthound-rejects.jsonl")]
    rejects: PathBuf,
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { inputs, table, watchlist, replace, again, rejects } = arguments;
    let table = table.or(watchlist.map(|name| format!("{WATCHLIST}{name}")));
    let store = Store::open(&place.store).await?;
    let meter = Arc::new(Meter::default());
    let showing = tokio::spawn(show(meter.clone()));
    let ask = Ask { inputs, table, replace, again, rejects: rejects.clone() };
    let taken = ingest(&store, ask, meter).await;
    showing.abort();
    // The bar goes away with its task.
    let _ = showing.await;
    let summary = taken.map_err(|error| Failure::Other(Box::new(error)))?;
    print!("{}", told(&summary, &rejects.display().to_string()));
    Ok(ExitCode::from(if summary.rejected > 0 { 2 } else { 0 }))
}

/// Shows how far it is until it is stopped. On anything but a terminal it shows nothing.
async fn show(meter: Arc<Meter>) {
    let progress = Progress::of("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}");
    loop {
        progress.at(meter.bytes.load(Ordering::Relaxed), meter.total.load(Ordering::Relaxed));
        let rows = grouped(meter.rows.load(Ordering::Relaxed));
        progress.0.set_message(format!("{rows} rows · {}", meter.input.lock().unwrap_or_else(PoisonError::into_inner)));
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

fn told(summary: &Summary, rejects: &str) -> String {
    let width = summary.tables.keys().map(String::len).max().unwrap_or(0);
    let mut told = String::new();
    for (table, Rows { added, skipped }) in &summary.tables {
        told += &format!("{table:width$} {:>15} rows", grouped(*added));
        if *skipped > 0 {
            told += &format!(", {} there already", grouped(*skipped));
        }
        told.push('\n');
    }
    let inputs = if summary.inputs == 1 { "input" } else { "inputs" };
    told += &format!("{} {inputs}", grouped(summary.inputs as u64));
    if !summary.skipped.is_empty() {
        told +=
            &format!(", {} taken in before (`--again` takes them in once more)", grouped(summary.skipped.len() as u64));
    }
    if summary.rejected > 0 {
        told += &format!(", {} rejected: see `{rejects}`", grouped(summary.rejected));
    }
    told + "\n"
}

/// A number with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_became_of_every_row() {
        let mut summary = Summary { inputs: 3, skipped: vec!["a".into()], rejected: 2, ..Summary::default() };
        summary.tables.insert("AlertInfo".into(), Rows { added: 1_234_567, skipped: 10 });
        summary.tables.insert("DeviceProcessEvents".into(), Rows { added: 12, skipped: 0 });
        insta::assert_snapshot!(told(&summary, "r.jsonl"), @"
        AlertInfo                 1,234,567 rows, 10 there already
        DeviceProcessEvents              12 rows
        3 inputs, 1 taken in before (`--again` takes them in once more), 2 rejected: see `r.jsonl`
        ");
    }
}
