//! `sighthound demo`: the bundled rows in a store of their own, one hunt, one OData pull, and a server to try.
use super::query::{Format, print};
use super::{Failure, LIMITS, Place, ingest};
use crate::engine::{Engine, Language, Request};
use crate::http::{self, Doors};
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

/// Reads the bundled rows into a store.
pub async fn fixtures(engine: &Engine, folder: &Path) -> Result<(), Failure> {
    ingest::folder(engine, folder).await
}

pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let place = Place { store: folder.path().display().to_string(), attach: Vec::new() };
    let engine = place.open().await?;
    fixtures(&engine, &arguments.fixtures).await?;
    let request = Request { limits: LIMITS, parameters: Vec::new(), timespan: None, now: None };
    println!("The bundled rows are in. A hunt:\n\n{HUNT}\n");
    print(&engine, Language::Kql, HUNT, request.clone(), Format::Table).await?;
    println!("\nThe same alerts by OData:\n\nGET /api/{PULL}\n");
    print(&engine, Language::OData, PULL, request, Format::Table).await?;
    if arguments.listen == "none" {
        return Ok(());
    }
    let listener = http::listener(&arguments.listen).await?;
    let address = listener.local_addr()?;
    println!("\nServing on http://{address} until Ctrl-C. From another shell:\n");
    println!("  curl -s http://{address}/api/advancedqueries/run -d '{{\"Query\":\"DeviceAlertEvents | take 2\"}}'");
    println!("  curl -s 'http://{address}/api/alerts?$top=2'\n");
    Ok(http::serve(listener, Doors::new(Arc::new(engine))).await?)
}
