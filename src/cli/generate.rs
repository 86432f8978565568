//! `sighthound generate`: made-up data for trying out and for measuring.
use super::ingest::grouped;
use super::{Failure, Place};
use crate::generate::{Generator, Plan, batches, json_lines, resources};
use crate::store::{Appended, Ingestion, Store};
use crate::value::datetime;
use clap::{Args, ValueEnum};
use futures::StreamExt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Alerts, as rows of `DeviceAlertEvents`.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    alerts: u64,
    /// Rows of `DeviceProcessEvents`.
    #[arg(long, default_value_t = 20_000, value_name = "N")]
    processes: u64,
    /// Days that the rows are spread over.
    #[arg(long, default_value_t = 30, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// The same seed makes the same rows.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// The end of those days; `now` for the present hour.
    #[arg(long, default_value = "2025-07-01", value_name = "DATETIME", value_parser = until)]
    until: i64,
    /// Makes the alerts as `AlertInfo` and `AlertEvidence` too.
    #[arg(long)]
    evidence: bool,
    #[arg(long, value_enum, default_value_t = Format::Store)]
    format: Format,
    /// A folder for one file a table, instead of standard output.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Into the store.
    Store,
    /// Lines as the streaming export writes them.
    Jsonl,
    /// The alerts as one page of the alerts API.
    Api,
}

fn until(text: &str) -> Result<i64, String> {
    if text == "now" {
        let now = crate::engine::clock();
        return Ok(now - now % datetime::TICKS_PER_HOUR);
    }
    datetime::parse(text).ok_or_else(|| format!("`{text}` is no datetime"))
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let Arguments { alerts, processes, days, seed, until, evidence, format, out } = arguments;
    let generator = Arc::new(Generator::new(Plan { alerts, processes, days, seed, until, evidence }));
    match format {
        Format::Store => {
            let store = Store::open(&place.store).await?;
            for kind in generator.kinds() {
                let Some(table) = kind.table() else { continue };
                let start = Instant::now();
                // All that the rows depend on.
                let mark = format!("sighthound-generated-{seed}-{days}-{until}-{alerts}-{processes}");
                let schema = table.stored_schema();
                let added =
                    store.append(table.name, &schema, batches(&generator, kind), &Ingestion::new(mark, 1)).await?;
                match added {
                    Appended::Added { rows, .. } => {
                        println!(
                            "{:20} {:>15} rows in {:.1} s",
                            table.name,
                            grouped(rows),
                            start.elapsed().as_secs_f64()
                        );
                    }
                    Appended::AlreadyThere => println!("{:20} has these rows already", table.name),
                }
            }
        }
        Format::Jsonl => {
            for kind in generator.kinds() {
                let name = kind.table().map_or("", |table| table.name);
                let mut out = output(&out, &format!("{name}.jsonl"))?;
                let mut lines = json_lines(&generator, kind);
                while let Some(lines) = lines.next().await {
                    out.write_all(&lines)?;
                }
                out.flush()?;
            }
        }
        Format::Api => {
            let mut out = output(&out, "alerts.json")?;
            out.write_all(
                br#"{"@odata.context":"https://api.securitycenter.microsoft.com/api/$metadata#Alerts","value":["#,
            )?;
            let mut made = resources(&generator);
            let mut first = true;
            while let Some(alerts) = made.next().await {
                for alert in alerts {
                    out.write_all(if first { b"\n" } else { b",\n" })?;
                    out.write_all(alert.as_bytes())?;
                    first = false;
                }
            }
            out.write_all(b"\n]}\n")?;
            out.flush()?;
        }
    }
    Ok(())
}

fn output(folder: &Option<PathBuf>, name: &str) -> io::Result<BufWriter<Box<dyn Write>>> {
    let out: Box<dyn Write> = match folder {
        None => Box::new(io::stdout().lock()),
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            Box::new(File::create(folder.join(name))?)
        }
    };
    Ok(BufWriter::with_capacity(1 << 20, out))
}
