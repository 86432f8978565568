//! `sighthound client`: who may sign in at the doors, what for, and which devices they see.
use super::settings::access_folder;
use super::{Failure, Place};
use crate::access::{Registry, permissions};
use clap::{Args, Subcommand};
use std::io::{self, Write};
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  sighthound client add soc --role Alert.ReadWrite.All --role AdvancedQuery.Read.All
  sighthound client add branch --role Alert.Read.All --device-group Servers
  sighthound client add sentinel --application 11111111-2222-3333-4444-555555555555 --device-group Servers
  sighthound client rotate soc

A change holds at once, for the tokens that are about too; the server need not be started again.";

#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder of the clients and of the issuer's key [default: beside the store].
    #[arg(long, global = true, env = "SIGHTHOUND_ACCESS", value_name = "FOLDER")]
    access: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Adds a client and prints its id and its secret, which is shown this once.
    Add {
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do, such as Alert.Read.All. May be given more than once.
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Vec<String>,
        /// It sees only rows of devices in this group. May be given more than once.
        #[arg(long, value_name = "GROUP")]
        device_group: Vec<String>,
        /// The id of an application that signs in at another issuer, whose tokens have its roles: it gets no secret.
        #[arg(long, value_name = "ID", conflicts_with = "role")]
        application: Option<String>,
    },
    /// Lists the clients.
    List,
    /// Removes a client; its tokens count no longer.
    Remove {
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Gives a client a new secret; the old one and its tokens count no longer.
    Rotate {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

fn role(text: &str) -> Result<String, String> {
    let all = permissions::all();
    if all.contains(&text) { Ok(text.to_owned()) } else { Err(format!("the roles are {}", all.join(", "))) }
}

pub fn run(place: &Place, arguments: Arguments) -> Result<(), Failure> {
    let registry = Registry::open(&access_folder(place, arguments.access.as_deref())?)?;
    let mut out = io::stdout();
    let unknown = |name: &str| Failure::from(format!("there is no client `{name}`"));
    match arguments.what {
        What::Add { name, device_group, application: Some(id), .. } => {
            registry.add_outside(&name, &id, Vec::new(), device_group)?;
        }
        What::Add { name, role, device_group, application: None } => {
            if role.is_empty() {
                return Err("a client without a `--role` may do nothing".to_owned().into());
            }
            let (id, secret) = registry.add(&name, role, device_group)?;
            writeln!(out, "client_id     {id}\nclient_secret {secret}")?;
        }
        What::List => {
            for client in registry.all()?.iter() {
                let groups = if client.device_groups.is_empty() {
                    "all devices".to_owned()
                } else {
                    format!("devices in {}", client.device_groups.join(", "))
                };
                let roles = if client.is_outside() { "signs in elsewhere".to_owned() } else { client.roles.join(" ") };
                writeln!(out, "{}  {}  {roles}  {groups}", client.name, client.id)?;
            }
        }
        What::Remove { name } => {
            if !registry.remove(&name)? {
                return Err(unknown(&name));
            }
        }
        What::Rotate { name } => {
            let (id, secret) = registry.rotate(&name)?.ok_or_else(|| unknown(&name))?;
            writeln!(out, "client_id     {id}\nclient_secret {secret}")?;
        }
    }
    Ok(())
}
