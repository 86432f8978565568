//! `sighthound query`: one text in, its tables on standard output.
use super::{Failure, Place};
use crate::engine::{Engine, Language, Limits, Request};
use crate::wire::Rows;
use crate::wire::csv::Csv;
use crate::wire::json::Json;
use crate::wire::ndjson::NdJson;
use crate::wire::table::Table;
use clap::{Args, ValueEnum};
use futures::StreamExt;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    text: Text,
    /// How to print the answer; a table on a terminal, NDJSON elsewhere.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Working memory: what needs more goes to disk meanwhile, or is refused [default: 2048].
    #[arg(long, value_name = "MB")]
    memory_megabytes: Option<usize>,
}

/// A query, from wherever it is.
#[derive(Debug, Args)]
pub struct Text {
    /// The query in KQL; `-` reads it from standard input.
    #[arg(value_name = "TEXT", required_unless_present_any = ["file", "odata"])]
    text: Option<String>,
    /// Reads the query from a file.
    #[arg(short, long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// An OData request line instead of KQL, such as 'alerts?$filter=severity eq 'High''.
    #[arg(long, value_name = "REQUEST", conflicts_with_all = ["text", "file"])]
    odata: Option<String>,
    /// A value for `declare query_parameters`, as a KQL literal. May be given more than once.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = super::named_path)]
    parameters: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
    Ndjson,
}

impl Text {
    pub fn read(&self) -> io::Result<(Language, String)> {
        if let Some(request) = &self.odata {
            return Ok((Language::OData, request.clone()));
        }
        let text = match (&self.file, &self.text) {
            (Some(path), _) => std::fs::read_to_string(path)?,
            (None, Some(text)) if text != "-" => text.clone(),
            (None, _) => {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text)?;
                text
            }
        };
        Ok((Language::Kql, text))
    }

    pub fn request(&self) -> Request {
        Request { parameters: self.parameters.clone(), ..Request::new(Limits::SHELL) }
    }
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let (language, text) = arguments.text.read()?;
    let engine = place.open().await?;
    let terminal = io::stdout().is_terminal();
    let format = arguments.format.unwrap_or(if terminal { Format::Table } else { Format::Ndjson });
    let mut request = arguments.text.request();
    if let Some(megabytes) = arguments.memory_megabytes {
        request.limits.memory = megabytes.max(1).saturating_mul(1 << 20);
    }
    print(&engine, language, &text, request, format).await
}

/// Runs a query and prints its tables as their rows come.
pub async fn print(
    engine: &Engine,
    language: Language,
    text: &str,
    request: Request,
    format: Format,
) -> Result<(), Failure> {
    let answer = engine.query(language, text, request).await?;
    let mut stdout = io::stdout();
    let mut out = Vec::new();
    for (at, mut table) in answer.tables.into_iter().enumerate() {
        if at > 0 && format != Format::Ndjson {
            stdout.write_all(b"\n")?;
        }
        let mut rows: Box<dyn Rows + Send> = match format {
            Format::Table => Box::new(Table::new(stdout.is_terminal())),
            Format::Json => Box::new(Json::default()),
            Format::Csv => Box::new(Csv::default()),
            Format::Ndjson => Box::new(NdJson::default()),
        };
        rows.start(&table.schema, &mut out);
        while let Some(batch) = table.batches.next().await {
            rows.batch(&batch?, &mut out);
            stdout.write_all(&out)?;
            out.clear();
        }
        rows.end(&mut out);
        stdout.write_all(&out)?;
        out.clear();
    }
    stdout.flush()?;
    for notice in answer.notices {
        eprintln!("note: {notice}");
    }
    Ok(())
}
