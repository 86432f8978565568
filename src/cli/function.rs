//! `sighthound function`: what is saved in the store under a name and can be called in queries.
use super::{Failure, Place};
use clap::{Args, Subcommand};
use std::io::{self, Read, Write};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Saves a function, in place of the one of that name.
    Add {
        #[arg(value_name = "NAME")]
        name: String,
        /// The text: a function such as `(id:string, days:long = 7) { … }`, or a query; `-` reads standard input.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Lists the functions with their parameters.
    List,
    /// Prints the text of a function.
    Show {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Removes a function.
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub async fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let engine = place.open().await?;
    let mut out = io::stdout();
    match arguments.what {
        What::Add { name, file } => {
            let mut text = String::new();
            if file.as_os_str() == "-" {
                io::stdin().read_to_string(&mut text)?;
            } else {
                text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            }
            engine.save_function(&name, &text).await?;
        }
        What::List => {
            let functions = engine.functions().await?;
            let mut lines: Vec<(String, String)> =
                functions.iter().map(|one| (format!("{}{}", one.name, one.parts().0), one.doc())).collect();
            lines.sort();
            let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
            for (name, doc) in lines {
                writeln!(out, "{}", format!("{name:width$}  {doc}").trim_end())?;
            }
        }
        What::Show { name } => match engine.functions().await?.iter().find(|one| one.name == name) {
            Some(one) => writeln!(out, "{}", one.text.trim_end())?,
            None => return Err(format!("no function is saved as `{name}`").into()),
        },
        What::Remove { name } => {
            if !engine.remove_function(&name).await? {
                return Err(format!("no function is saved as `{name}`").into());
            }
        }
    }
    Ok(())
}
