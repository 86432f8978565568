//! `sighthound serve`: the HTTP doors until somebody says stop.
use super::settings::{Settings, access_folder};
use super::{Failure, Place};
use crate::http::{self, Doors};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

pub const EXAMPLES: &str = "\
Nobody signs in on a loopback address, which no other machine reaches. For others:
  sighthound client add soc --role Alert.Read.All --role AdvancedQuery.Read.All
  sighthound serve --listen 0.0.0.0:8443 --sign-in --public-url https://hunt.example:8443 \\
    --tls-cert chain.pem --tls-key key.pem

Tokens of Entra ID, beside or in place of those:
  sighthound serve --issuer https://login.microsoftonline.com/TENANT/v2.0 --audience api://sighthound …

The same in a file `sighthound.toml` beside the store:
  listen = \"0.0.0.0:8443\"
  sign-in = true
  tls-cert = \"chain.pem\"
  hunting-per-minute = 100";

#[derive(Debug, Args)]
pub struct Arguments {
    /// A file with settings, each named as its flag [default: sighthound.toml beside the store].
    #[arg(long, env = "SIGHTHOUND_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of the clients and of the issuer's key [default: beside the store].
    #[arg(long, env = "SIGHTHOUND_ACCESS", value_name = "FOLDER")]
    access: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let settings = arguments.settings.with_file(place, arguments.config.as_deref())?;
    let (certificate, origins) = (settings.certificate()?, settings.origins()?);
    let listener = http::listener(settings.address(), settings.reach()).await?;
    let address = listener.local_addr()?;
    let access = match settings.signs_in() {
        true => settings.access(&access_folder(place, arguments.access.as_deref())?, address)?,
        false => settings.access(std::path::Path::new(""), address)?,
    };
    let engine = place.open().await?;
    let doors = match access {
        Some(access) => Doors::guarded(engine, Arc::new(access)),
        None => Doors::open(engine),
    };
    let doors = Doors { limits: settings.limits(), reach: settings.reach(), origins, ..doors };
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let who = if doors.access.is_some() { "who signs in" } else { "whoever asks" };
    eprintln!("serving {} to {who} on {scheme}://{address}", place.store);
    Ok(http::serve(listener, doors, certificate).await?)
}
