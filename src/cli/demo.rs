//! `sighthound demo`: the bundled rows in a store of their own, one hunt, one OData pull, and a server to try.
use super::query::{Format, print};
use super::{Failure, Place};
use crate::engine::{Language, Limits, Request};
use crate::http::{self, Doors, Reach};
use crate::store::Store;
use crate::store::ingest::{Ask, Summary, ingest};
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder with the bundled rows.
    #[arg(long, default_value = "fixtures", value_name = "FOLDER")]
    fixtures: PathBuf,
    /// The address to listen on afterwards; `none` to end instead.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: String,
}

const HUNT: &str = "DeviceAlertEvents\n| where Severity == 'High'\n| summarize Alerts = dcount(AlertId), \
    Devices = dcount(DeviceName), Last = max(Timestamp) by Category\n| top 5 by Alerts";
const PULL: &str = "alerts?$filter=severity eq 'High'&$orderby=alertCreationTime desc&$top=3&\
    $select=id,alertCreationTime,severity,status,title,computerDnsName";

/// Takes the bundled rows into a store.
pub async fn fixtures(store: &Store, folder: &Path) -> Result<Summary, Failure> {
    let rejects = tempfile::NamedTempFile::new()?;
    let ask = Ask {
        inputs: vec![folder.join("*.gz").display().to_string()],
        table: None,
        replace: false,
        again: false,
        rejects: rejects.path().to_path_buf(),
    };
    ingest(store, ask, Arc::default()).await.map_err(|error| Failure::Other(Box::new(error)))
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let place = Place {
        store: folder.path().display().to_string(),
        attach: Vec::new(),
        allow_external: Vec::new(),
        incident_window: "1d".into(),
    };
    let engine = place.open().await?;
    let taken = fixtures(engine.store(), &arguments.fixtures).await?;
    let rows: u64 = taken.tables.values().map(|rows| rows.added).sum();
    let tables: Vec<&str> = taken.tables.keys().map(String::as_str).collect();
    let request = Request::new(Limits::SHELL);
    println!("{rows} bundled rows are in: {}. A hunt:\n\n{HUNT}\n", tables.join(", "));
    print(&engine, Language::Kql, HUNT, request.clone(), Format::Table).await?;
    println!("\nThe same alerts by OData:\n\nGET /api/{PULL}\n");
    print(&engine, Language::OData, PULL, request, Format::Table).await?;
    if arguments.listen == "none" {
        return Ok(());
    }
    let listener = http::listener(&arguments.listen, Reach::Machine).await?;
    let address = listener.local_addr()?;
    println!("\nServing on http://{address} until Ctrl-C. From another shell:\n");
    println!("  curl -s http://{address}/api/advancedqueries/run -d '{{\"Query\":\"DeviceAlertEvents | take 2\"}}'");
    println!("  curl -s 'http://{address}/api/alerts?$top=2'\n");
    Ok(http::serve(listener, Doors::open(engine), None).await?)
}
