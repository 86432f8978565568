//! The command line: one file for each command. Exit codes: 0 done, 1 a query or data was refused or something failed,
//! 2 the command itself was written wrongly or, of an ingestion, some rows were rejected.
use crate::engine::{Engine, QueryError, open_places};
use crate::store::{Store, StoreError};
use crate::text::{nearest, render};
use crate::value::{datetime, timespan};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use std::error::Error;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

mod client;
mod compact;
pub mod demo;
mod explain;
mod function;
mod generate;
mod index;
mod ingest;
mod query;
mod schema;
mod serve;
mod settings;
mod vacuum;

/// Deeply nested plans are walked by recursion, on worker threads too.
const STACK: usize = 16 << 20;

const EXAMPLES: &str = "\
Examples:
  sighthound ingest exported/
  sighthound query 'DeviceProcessEvents | where ProcessCommandLine has \"mimikatz\" | take 10'
  sighthound query --format csv -f hunts/rare-parents.kql
  sighthound query --odata \"alerts?\\$filter=severity eq 'High'&\\$top=5\"
  sighthound serve --listen 127.0.0.1:8080
  sighthound explain 'DeviceNetworkEvents | where RemoteIP == \"203.0.113.7\"'";

/// Keeps Microsoft Defender hunting tables as Parquet, hunts them in KQL and answers the same HTTP APIs.
#[derive(Debug, Parser)]
#[command(name = "sighthound", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Lets `geo_info_from_ip_address` answer from a file of places in MaxMind's format, such as GeoLite2 City.
    #[arg(long, global = true, env = "SIGHTHOUND_GEOIP", value_name = "FILE")]
    geoip: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

/// Where the tables are.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// A folder, or the URL of one in an object store (s3://…, az://…).
    #[arg(long, global = true, env = "SIGHTHOUND_STORE", default_value = "./sighthound-store", value_name = "URL")]
    pub store: String,
    /// Reads a folder of Parquet files, or one file, as a table beside the stored ones. May be given more than once.
    #[arg(long, global = true, value_name = "NAME=PATH", value_parser = named_path)]
    pub attach: Vec<(String, String)>,
    /// Lets `externaldata` read a folder, or a folder in an object store; it reads nothing else. May be given more than
    /// once.
    #[arg(long, global = true, env = "SIGHTHOUND_EXTERNAL", value_delimiter = ',', value_name = "PATH|URL")]
    pub allow_external: Vec<String>,
    /// Alerts of one device within so long a time are one incident, where no incident came with them: `1d`, `6h`.
    #[arg(long, global = true, env = "SIGHTHOUND_INCIDENT_WINDOW", default_value = "1d", value_name = "TIMESPAN", value_parser = window)]
    pub incident_window: String,
}

fn window(text: &str) -> Result<String, String> {
    match timespan::parse(text) {
        Some(ticks) if ticks >= datetime::TICKS_PER_DAY / 1440 => Ok(text.to_owned()),
        _ => Err("a timespan of a minute or more is expected, such as `1d`".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a KQL query, or an OData request, and prints the answer.
    Query(query::Arguments),
    /// Serves the HTTP APIs: hunting, alerts, Kusto.
    #[command(after_help = serve::EXAMPLES)]
    Serve(Box<serve::Arguments>),
    /// Takes exported rows into the store.
    Ingest(ingest::Arguments),
    /// Makes up rows for trying things out and for measuring.
    Generate(generate::Arguments),
    /// Shows what becomes of a query, stage by stage.
    Explain(explain::Arguments),
    /// Lists the tables, or the columns of one.
    Schema(schema::Arguments),
    /// Saves functions that queries can call.
    Function(function::Arguments),
    /// Says who may sign in: adds, lists and removes clients.
    #[command(after_help = client::EXAMPLES)]
    Client(client::Arguments),
    /// The term indexes of the stored files: builds, shows, drops them.
    Index(index::Arguments),
    /// Unites the small files of each day.
    Compact(compact::Arguments),
    /// Deletes files that are not needed any more, and rows that are too old.
    Vacuum(vacuum::Arguments),
    /// A first look: the bundled alerts, a hunt, an OData pull, and a server to try.
    Demo(demo::Arguments),
}

/// What a command ends with when it does not succeed.
#[derive(Debug)]
pub enum Failure {
    Query(QueryError),
    Other(Box<dyn Error + Send + Sync>),
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        Failure::Query(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Other(Box::new(error))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Other(Box::new(error))
    }
}

impl From<String> for Failure {
    fn from(error: String) -> Failure {
        Failure::Other(error.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Query(QueryError::Wrong(source, faults)) => f.write_str(render::render(source, faults).trim_end()),
            Failure::Query(QueryError::Refused(refused)) => write!(f, "error: {refused}"),
            Failure::Query(QueryError::Fault(fault)) => write!(f, "error: {} (fault {})", fault.detail, fault.id),
            Failure::Other(error) => write!(f, "error: {error}"),
        }
    }
}

/// The whole program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chatty = matches!(arguments.command, Command::Serve(_) | Command::Demo(_));
    log(if chatty { "warn,sighthound=info" } else { "error" });
    let ended = runtime().map_err(Failure::from).and_then(|runtime| runtime.block_on(run(arguments)));
    match ended {
        Ok(code) => code,
        // Whoever reads the output has had enough of it.
        Err(Failure::Other(error)) if is_closed_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(1)
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { place, geoip, command } = arguments;
    if let Some(path) = geoip {
        open_places(&path)?;
    }
    match command {
        Command::Ingest(arguments) => return ingest::run(&place, arguments).await,
        Command::Generate(arguments) => generate::run(&place, arguments).await,
        Command::Query(arguments) => query::run(&place, arguments).await,
        Command::Serve(arguments) => serve::run(&place, *arguments).await,
        Command::Explain(arguments) => explain::run(&place, arguments).await,
        Command::Schema(arguments) => schema::run(&place, arguments).await,
        Command::Function(arguments) => function::run(&place, arguments).await,
        Command::Client(arguments) => client::run(&place, arguments),
        Command::Index(arguments) => index::run(&place, arguments).await,
        Command::Compact(arguments) => compact::run(&place, arguments).await,
        Command::Vacuum(arguments) => vacuum::run(&place, arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The threads that all commands, and the tests, run on.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build()
}

impl Place {
    pub async fn open(&self) -> Result<Engine, Failure> {
        let engine = Engine::open(&self.store).await?.allow(&self.allow_external)?;
        let engine = engine.grouping_alerts_by(&self.incident_window);
        for (name, path) in &self.attach {
            engine.store().attach(name, path).await?;
        }
        Ok(engine)
    }
}

/// The tables of these names, or all that the store has.
fn tables(store: &Store, named: Vec<String>) -> Result<Vec<String>, Failure> {
    let own = store.own_tables();
    if named.is_empty() {
        return Ok(own);
    }
    match named.iter().find(|name| !own.contains(name)) {
        None => Ok(named),
        Some(name) => {
            let near = nearest::nearest(name, own.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(format!("the store has no table `{name}`{near}").into())
        }
    }
}

/// How far work is; on anything but a terminal it shows nothing, and when it ends it is gone.
struct Progress(ProgressBar);

impl Progress {
    /// With the fields of `indicatif` that it shows.
    fn of(shows: &str) -> Progress {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(shows) {
            bar.set_style(style);
        }
        Progress(bar)
    }

    fn over(table: &str) -> Progress {
        let progress = Progress::of("{bar:30} {pos}/{len} {eta} {wide_msg}");
        progress.0.set_message(table.to_owned());
        progress
    }

    fn at(&self, at: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(at);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn named_path(text: &str) -> Result<(String, String), String> {
    let (name, path) = text.split_once('=').ok_or("a name, `=`, and a path are expected")?;
    Ok((name.to_owned(), path.to_owned()))
}

/// Logs go to standard error; `RUST_LOG` says which.
fn log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
}

fn is_closed_pipe(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
