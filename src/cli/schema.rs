//! `sighthound schema`: the tables, or the columns of one.
use super::{Failure, Place};
use crate::catalog::{self, Tables};
use crate::text::nearest::nearest;
use clap::Args;
use std::io::{self, Write};

#[derive(Debug, Args)]
pub struct Arguments {
    /// A table; without one, all tables are listed.
    #[arg(value_name = "TABLE")]
    table: Option<String>,
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let engine = place.open().await?;
    let tables = engine.store().view();
    let mut out = io::stdout().lock();
    let Some(name) = arguments.table else {
        let mut names = tables.names();
        names.sort();
        let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
        for name in names {
            let doc = catalog::table(&name).map_or("", |table| table.doc);
            writeln!(out, "{}", format!("{name:width$}  {doc}").trim_end())?;
        }
        return Ok(());
    };
    let Some(schema) = tables.schema(&name) else {
        let names = tables.names();
        let near = nearest(&name, names.iter().map(String::as_str));
        let help = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(format!("no table is named `{name}`{help}").into());
    };
    let width = schema.names().map(str::len).max().unwrap_or(0);
    let doc =
        |column: &str| catalog::table(&name).and_then(|table| table.column(column)).map_or("", |column| column.doc);
    for column in &schema.columns {
        let line = format!("{:width$}  {:8}  {}", column.name, column.ty.name(), doc(&column.name));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
