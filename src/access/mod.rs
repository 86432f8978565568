//! Who may ask: clients and their secrets, tokens of our own and of other issuers, what each operation needs, and how
//! much a client may ask for. Nothing here knows of HTTP but for the names of paths.
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub mod clients;
mod issuer;
mod keys;
pub mod permissions;
pub mod quotas;
mod tokens;

pub use clients::Registry;
pub use issuer::{Grant, GrantError, Issuer, LIFETIME};
pub use permissions::{Need, Operation, need};
pub use quotas::{Exceeded, Quotas, Spending};
pub use tokens::{Denied, Outside};

/// Whoever sent a request. Every request has one in its extensions; nothing that comes over the wire can put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What it goes by in comments, assignments and the log.
    pub name: Arc<str>,
    /// What does not change when it is renamed: the application's id, or the user's.
    pub id: Arc<str>,
    /// Application permissions such as `Alert.Read.All`; all of them where absent.
    pub roles: Option<Arc<[String]>>,
    /// What a user lets an application do, such as `Alert.Read`.
    pub scopes: Arc<[String]>,
    /// Only rows of devices in these groups are there for it; all rows where absent.
    pub device_groups: Option<Arc<[String]>>,
}

impl Caller {
    /// Somebody at this machine, where nobody has to sign in.
    pub fn local() -> Caller {
        let (name, id): (Arc<str>, Arc<str>) = ("local".into(), "local".into());
        Caller { name, id, roles: None, scopes: Arc::new([]), device_groups: None }
    }

    /// Somebody who may do nothing.
    pub fn nobody() -> Caller {
        let none: Arc<[String]> = Arc::new([]);
        let (name, id): (Arc<str>, Arc<str>) = ("nobody".into(), "nobody".into());
        Caller { name, id, roles: Some(none.clone()), scopes: none.clone(), device_groups: Some(none) }
    }

    /// Whether it has one of the permissions that an operation needs.
    pub fn may(&self, need: &Need) -> bool {
        let Some(roles) = &self.roles else { return true };
        let has = |given: &[String], wanted: &[&str]| given.iter().any(|one| wanted.contains(&one.as_str()));
        need.open() || has(roles, need.roles) || has(&self.scopes, need.scopes)
    }
}

/// Sign-in by bearer tokens: whose tokens count, and what their holders may use.
pub struct Access {
    pub registry: Arc<Registry>,
    /// Our own issuer.
    pub own: Issuer,
    /// Other issuers whose tokens count too.
    pub outside: Vec<Outside>,
    pub quotas: Quotas,
}

impl Access {
    /// `url`: where clients find this server, such as `https://hunt.example`.
    pub fn open(folder: &Path, url: &str, outside: Vec<Outside>, quotas: Quotas) -> io::Result<Access> {
        let registry = Arc::new(Registry::open(folder)?);
        let own = Issuer::open(folder, url, Arc::clone(&registry))?;
        Ok(Access { registry, own, outside, quotas })
    }

    /// Whose token this is.
    pub async fn caller(&self, token: &str) -> Result<Caller, Denied> {
        tokens::caller(self, token).await
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
