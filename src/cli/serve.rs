//! `sighthound serve`: the HTTP doors until somebody says stop.
use super::{Failure, Place};
use crate::http::{self, Doors};
use clap::Args;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The address to listen on. Only this machine's own: there is no sign-in yet.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: String,
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let listener = http::listener(&arguments.listen).await?;
    let engine = place.open().await?;
    let address = listener.local_addr()?;
    eprintln!("serving {} on http://{address}", place.store);
    Ok(http::serve(listener, Doors::open(engine)).await?)
}
