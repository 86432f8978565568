//! `sighthound explain`: what becomes of a query, stage by stage.
use super::query::Text;
use super::{Failure, Place};
use clap::Args;
use std::io::{self, Write};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    text: Text,
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let (language, text) = arguments.text.read()?;
    let engine = place.open().await?;
    let explained = engine.explain(language, &text, arguments.text.request()).await?;
    let mut out = io::stdout().lock();
    for (stage, text) in explained {
        writeln!(out, "── {stage}\n{}\n", text.trim_end())?;
    }
    Ok(())
}
