//! What `sighthound serve` can be told, by flags or by a file `sighthound.toml` beside the store that has every flag as a
//! key. A flag counts before the file.
use super::{Failure, Place};
use crate::access::{Access, Outside, Quotas, Spending};
use crate::engine::Limits;
use crate::http::{Certificate, DoorLimits, Reach};
use crate::text::nearest::nearest;
use clap::Args;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const FILE: &str = "sighthound.toml";

/// Every setting, absent where nobody gave it.
macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident: $type:ty,)*) => {
        #[derive(Clone, Debug, Default, Args, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct Settings {
            $($(#[$attribute])* pub $name: Option<$type>,)*
        }

        impl Settings {
            const KEYS: &[&str] = &[$(stringify!($name)),*];

            /// These, and the others where these say nothing.
            fn or(self, others: Settings) -> Settings {
                Settings { $($name: self.$name.or(others.$name),)* }
            }
        }
    };
}

settings! {
    /// The address to listen on. One that other machines can reach needs sign-in and TLS [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: String,
    /// Listens where other machines can reach it without sign-in or TLS: something before it sees to both.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    trust_network: bool,
    /// Lets pages of this origin read answers in a browser, such as https://soc.example. May be given more than once.
    #[arg(long, value_name = "ORIGIN")]
    cors_origin: Vec<String>,
    /// The certificate and those that signed it, as PEM. Read again when the file changes.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    tls_cert: PathBuf,
    /// The certificate's private key, as PEM.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    tls_key: PathBuf,
    /// Asks everybody for a token; `sighthound client add` says who gets one.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", help_heading = "Sign-in")]
    sign_in: bool,
    /// Where clients find this server, such as https://hunt.example [default: the address that it listens on].
    #[arg(long, value_name = "URL", help_heading = "Sign-in")]
    public_url: String,
    /// Takes tokens of another issuer too, such as https://login.microsoftonline.com/TENANT/v2.0. Asks for tokens as
    /// `--sign-in` does. May be given more than once.
    #[arg(long, value_name = "URL", help_heading = "Sign-in")]
    issuer: Vec<String>,
    /// What tokens of other issuers must be for. May be given more than once.
    #[arg(long, value_name = "AUDIENCE", help_heading = "Sign-in")]
    audience: Vec<String>,
    /// The keys of the other issuer as a JSON Web Key Set, in place of asking it.
    #[arg(long, value_name = "FILE", help_heading = "Sign-in")]
    jwks: PathBuf,
    /// Calls of the alerts APIs a minute for each client; 0 is no limit, here and below [default: 100].
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    alerts_per_minute: u32,
    /// [default: 1500]
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    alerts_per_hour: u32,
    /// Alerts created by reference [default: 15].
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    create_per_minute: u32,
    /// Batch updates of alerts [default: 10].
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    batch_per_minute: u32,
    /// [default: 500]
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    batch_per_hour: u32,
    /// Hunting queries, by whatever protocol [default: 45].
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    hunting_per_minute: u32,
    /// [default: 1500]
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    hunting_per_hour: u32,
    /// Seconds that hunting queries run, all together [default: 600].
    #[arg(long, value_name = "SECONDS", help_heading = "Quotas")]
    hunting_seconds_per_hour: u32,
    /// [default: 10800]
    #[arg(long, value_name = "SECONDS", help_heading = "Quotas")]
    hunting_seconds_per_day: u32,
    /// Requests for a token [default: 60].
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    tokens_per_minute: u32,
    /// Rows of one answer of the hunting APIs [default: 100000].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    hunting_rows: u64,
    /// [default: 124]
    #[arg(long, value_name = "MB", help_heading = "Limits")]
    hunting_megabytes: u64,
    /// Run time of one query [default: 180].
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    hunting_seconds: u64,
    /// Rows of one answer of the Kusto protocol [default: 500000].
    #[arg(long, value_name = "N", help_heading = "Limits")]
    kusto_rows: u64,
    /// [default: 64]
    #[arg(long, value_name = "MB", help_heading = "Limits")]
    kusto_megabytes: u64,
    /// [default: 240]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    kusto_seconds: u64,
    /// Run time of one request of the alerts APIs [default: 60].
    #[arg(long, value_name = "SECONDS", help_heading = "Limits")]
    alerts_seconds: u64,
    /// Memory for rows of alerts, of which pages are then told without a look at files; 0 keeps none [default: 1024].
    #[arg(long, value_name = "MB", help_heading = "Limits")]
    held_megabytes: usize,
    /// Working memory of one query: what needs more goes to disk meanwhile, or is refused [default: 2048].
    #[arg(long, value_name = "MB", help_heading = "Limits")]
    memory_megabytes: usize,
}

impl Settings {
    /// These, then those of the file.
    pub fn with_file(self, place: &Place, file: Option<&Path>) -> Result<Settings, Failure> {
        let usual = beside(place, FILE);
        let text = match (file, &usual) {
            (Some(file), _) => std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?,
            (None, Some(usual)) if usual.is_file() => {
                std::fs::read_to_string(usual).map_err(|error| format!("{}: {error}", usual.display()))?
            }
            (None, _) => return Ok(self),
        };
        let name = file.map(Path::to_path_buf).or(usual).unwrap_or_default();
        let theirs = Settings::read(&text).map_err(|error| format!("{}: {error}", name.display()))?;
        Ok(self.or(theirs.beside(&name)))
    }

    fn read(text: &str) -> Result<Settings, String> {
        let given: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        let keys: Vec<String> = Settings::KEYS.iter().map(|key| key.replace('_', "-")).collect();
        if let Some(key) = given.keys().find(|key| !keys.contains(key)) {
            let help = match nearest(key, keys.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are {}", keys.join(", ")),
            };
            return Err(format!("`{key}` is no setting; {help}"));
        }
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The files that a file names lie beside it.
    fn beside(mut self, file: &Path) -> Settings {
        for path in [&mut self.tls_cert, &mut self.tls_key, &mut self.jwks].into_iter().flatten() {
            *path = file.with_file_name(&path);
        }
        self
    }

    pub fn address(&self) -> &str {
        self.listen.as_deref().unwrap_or("127.0.0.1:8080")
    }

    pub fn signs_in(&self) -> bool {
        self.sign_in.unwrap_or(false) || self.issuer.is_some()
    }

    pub fn reach(&self) -> Reach {
        let guarded = self.signs_in() && self.tls_cert.is_some();
        if guarded || self.trust_network.unwrap_or(false) { Reach::Network } else { Reach::Machine }
    }

    /// Origins as browsers send them: a scheme, a host, a port where it is not the usual one, and nothing behind.
    pub fn origins(&self) -> Result<Arc<[String]>, Failure> {
        let given = self.cors_origin.as_deref().unwrap_or_default();
        let wrong = |origin: &&String| match origin.split_once("://") {
            Some((scheme, host)) => !["http", "https"].contains(&scheme) || host.is_empty() || host.contains('/'),
            None => true,
        };
        match given.iter().find(wrong) {
            Some(other) => Err(format!("`{other}` is no origin; write `https://soc.example`").into()),
            None => Ok(given.into()),
        }
    }

    pub fn certificate(&self) -> Result<Option<Arc<Certificate>>, Failure> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => Ok(Some(Certificate::open(chain, key)?)),
            (None, None) => Ok(None),
            _ => Err("TLS needs both, `tls-cert` and `tls-key`".to_owned().into()),
        }
    }

    /// Sign-in, where it is asked for. `folder` has the clients.
    pub fn access(&self, folder: &Path, address: SocketAddr) -> Result<Option<Access>, Failure> {
        if !self.signs_in() {
            if self.audience.is_some() || self.jwks.is_some() {
                return Err("`audience` and `jwks` belong to an `issuer`".to_owned().into());
            }
            return Ok(None);
        }
        let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
        let url = match &self.public_url {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => url.clone(),
            Some(url) => return Err(format!("`{url}` is no URL; write `https://…`").into()),
            None if address.ip().is_unspecified() => {
                return Err("give `--public-url`: tokens name their issuer, and the address does not say its name"
                    .to_owned()
                    .into());
            }
            None => format!("{scheme}://{address}"),
        };
        let issuers = self.issuer.as_deref().unwrap_or_default();
        if issuers.len() > 1 && self.jwks.is_some() {
            return Err("a file of keys goes with one `issuer`".to_owned().into());
        }
        let audiences = self.audience.as_deref().unwrap_or_default();
        let outside = issuers.iter().map(|issuer| Outside::new(issuer, audiences, self.jwks.as_deref()));
        let outside = outside.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Access::open(folder, &url, outside, Quotas::new(self.spending()))?))
    }

    fn spending(&self) -> Spending {
        let usual = Spending::default();
        Spending {
            alerts_per_minute: self.alerts_per_minute.unwrap_or(usual.alerts_per_minute),
            alerts_per_hour: self.alerts_per_hour.unwrap_or(usual.alerts_per_hour),
            create_per_minute: self.create_per_minute.unwrap_or(usual.create_per_minute),
            batch_per_minute: self.batch_per_minute.unwrap_or(usual.batch_per_minute),
            batch_per_hour: self.batch_per_hour.unwrap_or(usual.batch_per_hour),
            hunting_per_minute: self.hunting_per_minute.unwrap_or(usual.hunting_per_minute),
            hunting_per_hour: self.hunting_per_hour.unwrap_or(usual.hunting_per_hour),
            hunting_seconds_per_hour: self.hunting_seconds_per_hour.unwrap_or(usual.hunting_seconds_per_hour),
            hunting_seconds_per_day: self.hunting_seconds_per_day.unwrap_or(usual.hunting_seconds_per_day),
            tokens_per_minute: self.tokens_per_minute.unwrap_or(usual.tokens_per_minute),
        }
    }

    pub fn limits(&self) -> DoorLimits {
        let set = |usual: Limits, rows: Option<u64>, megabytes: Option<u64>, seconds: Option<u64>| Limits {
            rows: rows.unwrap_or(usual.rows),
            bytes: megabytes.map_or(usual.bytes, |megabytes| megabytes.saturating_mul(1 << 20)),
            time: seconds.map_or(usual.time, |seconds| Duration::from_secs(seconds.clamp(1, 7 * 24 * 3600))),
            memory: self.memory_megabytes.map_or(usual.memory, |megabytes| megabytes.max(1).saturating_mul(1 << 20)),
        };
        DoorLimits {
            hunting: set(Limits::HUNTING, self.hunting_rows, self.hunting_megabytes, self.hunting_seconds),
            kusto: set(Limits::KUSTO, self.kusto_rows, self.kusto_megabytes, self.kusto_seconds),
            alerts: set(Limits::ALERTS, None, None, self.alerts_seconds),
            held: self.held_megabytes.map_or(DoorLimits::HELD, |megabytes| megabytes.saturating_mul(1 << 20)),
        }
    }
}

/// The folder of the clients and of the issuer's key: where the flag says, or beside the store.
pub fn access_folder(place: &Place, given: Option<&Path>) -> Result<PathBuf, Failure> {
    let usual = || {
        let name = Path::new(&place.store).file_name()?.to_str()?;
        beside(place, &format!("{}-access", name.strip_suffix("-store").unwrap_or(name)))
    };
    given.map(Path::to_path_buf).or_else(usual).ok_or_else(|| {
        let message =
            "the store is in no folder of this machine: say by `--access` which folder the clients are kept in";
        message.to_owned().into()
    })
}

/// A name in the folder that the store lies in, where that is a folder of this machine.
fn beside(place: &Place, name: &str) -> Option<PathBuf> {
    let local = !place.store.contains("://");
    local.then(|| Path::new(&place.store).with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_count_before_the_file_and_wrong_keys_are_told() {
        let theirs: Settings =
            Settings::read("listen = '127.0.0.1:1'\nsign-in = true\nissuer = ['https://a']\nhunting-rows = 7").unwrap();
        let both = Settings { listen: Some("127.0.0.1:2".into()), ..Settings::default() }.or(theirs);
        assert_eq!((both.address(), both.signs_in(), both.limits().hunting.rows), ("127.0.0.1:2", true, 7));
        assert_eq!(both.limits().hunting.bytes, Limits::HUNTING.bytes);
        let wrong = |text: &str| Settings::read(text).unwrap_err();
        assert_eq!(wrong("listne = '127.0.0.1:1'"), "`listne` is no setting; did you mean `listen`?");
        assert_eq!(wrong("hunting_rows = 1"), "`hunting_rows` is no setting; did you mean `hunting-rows`?");
        assert!(wrong("colour = 1").starts_with("`colour` is no setting; the keys are listen, trust-network, "));
        assert!(wrong("hunting-rows = 'many'").contains("invalid type"));
        let theirs =
            Settings::read("tls-cert = 'c.pem'\ntls-key = '/keys/k.pem'").unwrap().beside(Path::new("/etc/s.toml"));
        assert_eq!(theirs.tls_cert.as_deref(), Some(Path::new("/etc/c.pem")));
        assert_eq!(theirs.tls_key.as_deref(), Some(Path::new("/keys/k.pem")));
    }
}
