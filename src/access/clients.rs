//! The clients that may sign in here: one JSON file with their permissions and, hashed, their secrets. The file is
//! written whole and read again when it has changed, so that what the command line does holds at once.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, pbkdf2};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

const FILE: &str = "clients.json";
/// Locked by whoever changes something in the folder.
const LOCK: &str = "lock";
/// Secrets are 256 random bits, which nobody guesses from a leaked file however fast he is; so this need not be many, and a
/// request for a token costs us little.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(10_000) {
    Some(many) => many,
    None => NonZeroU32::MIN,
};
/// More than anybody wrote by hand.
const MOST_ITERATIONS: u32 = 10_000_000;
/// A larger file is no list of clients.
const MOST_BYTES: u64 = 16 << 20;
const LONGEST_NAME: usize = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub name: String,
    /// What the client gives as `client_id`; for an application of another issuer its id there.
    pub id: String,
    /// Absent for an application of another issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Secret>,
    #[serde(default)]
    pub roles: Vec<String>,
    /// Only rows of devices in these groups; all rows where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_groups: Vec<String>,
    /// Seconds since 1970; tokens that are older than the secret do not count.
    pub secret_since: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    /// PBKDF2 with HMAC-SHA256.
    iterations: u32,
    salt: String,
    hash: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    clients: Vec<Client>,
}

/// What tells one state of the file from another: when it was written, how long it is, and which file it is, since each
/// state is a file of its own.
type Stamp = (SystemTime, u64, u64);

fn stamp(file: &fs::Metadata) -> io::Result<Stamp> {
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(file);
    #[cfg(not(unix))]
    let number = 0;
    Ok((file.modified()?, file.len(), number))
}

/// The clients as they are in the file.
#[derive(Debug)]
pub struct Registry {
    folder: PathBuf,
    read: Mutex<(Option<Stamp>, Arc<Vec<Client>>)>,
}

impl Client {
    /// Whether this is an application of another issuer.
    pub fn is_outside(&self) -> bool {
        self.secret.is_none()
    }

    pub fn groups(&self) -> Option<Arc<[String]>> {
        (!self.device_groups.is_empty()).then(|| self.device_groups.as_slice().into())
    }
}

impl Registry {
    /// The folder need not be there yet.
    pub fn open(folder: &Path) -> io::Result<Registry> {
        let registry = Registry { folder: folder.to_owned(), read: Mutex::default() };
        registry.all()?;
        Ok(registry)
    }

    /// All clients.
    pub fn all(&self) -> io::Result<Arc<Vec<Client>>> {
        let path = self.folder.join(FILE);
        let stamp = match fs::metadata(&path) {
            Ok(file) => Some(stamp(&file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.0 != stamp {
            let listed = match stamp {
                None => Listed::default(),
                Some((_, size, _)) if size > MOST_BYTES => {
                    return Err(io::Error::other("the list of clients is too large"));
                }
                Some(_) => serde_json::from_slice(&fs::read(&path)?)
                    .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?,
            };
            *read = (stamp, Arc::new(listed.clients));
        }
        Ok(Arc::clone(&read.1))
    }

    /// A client by its id, or by its name.
    pub fn find(&self, id: &str) -> io::Result<Option<Client>> {
        let all = self.all()?;
        let by_id = all.iter().find(|client| client.id.eq_ignore_ascii_case(id));
        Ok(by_id.or_else(|| all.iter().find(|client| client.name == id)).cloned())
    }

    /// The client whose secret this is. Computes for some milliseconds.
    pub fn proven(&self, id: &str, secret: &str) -> io::Result<Option<Client>> {
        let found = self.find(id)?;
        let kept = found.as_ref().and_then(|client| client.secret.as_ref());
        // Somebody unknown takes as long as somebody known.
        let (iterations, salt, hash) = match kept {
            Some(kept) => (kept.iterations.min(MOST_ITERATIONS), bytes(&kept.salt)?, bytes(&kept.hash)?),
            None => (ITERATIONS.get(), vec![0; 16], vec![0; digest::SHA256_OUTPUT_LEN]),
        };
        let iterations = NonZeroU32::new(iterations).unwrap_or(ITERATIONS);
        let right = pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, secret.as_bytes(), &hash).is_ok();
        Ok(found.filter(|client| right && client.secret.is_some()))
    }

    /// Adds a client; gives its id and its secret, which is kept nowhere else.
    pub fn add(&self, name: &str, roles: Vec<String>, device_groups: Vec<String>) -> io::Result<(String, String)> {
        let (text, secret) = new_secret()?;
        let id = uuid::Uuid::new_v4().to_string();
        self.insert(name, &id, roles, device_groups, Some(secret))?;
        Ok((id, text))
    }

    /// Adds an application that signs in elsewhere, so that it can be held to groups of devices.
    pub fn add_outside(&self, name: &str, id: &str, roles: Vec<String>, device_groups: Vec<String>) -> io::Result<()> {
        self.insert(name, id, roles, device_groups, None)
    }

    fn insert(
        &self,
        name: &str,
        id: &str,
        roles: Vec<String>,
        device_groups: Vec<String>,
        secret: Option<Secret>,
    ) -> io::Result<()> {
        let plain =
            |text: &str| !text.trim().is_empty() && text.len() <= LONGEST_NAME && !text.contains(char::is_control);
        if !plain(name) || !plain(id) {
            return Err(io::Error::other(format!(
                "a name has 1 to {LONGEST_NAME} bytes, none of them a control character"
            )));
        }
        // Rows of no group have the empty name.
        if device_groups.iter().any(|group| !plain(group)) {
            return Err(io::Error::other("a group of devices has no such name"));
        }
        self.change(|clients| {
            if clients.iter().any(|client| client.name == name || client.id.eq_ignore_ascii_case(id)) {
                return Err(io::Error::other(format!("there is a client `{name}` already")));
            }
            let (name, id) = (name.to_owned(), id.to_owned());
            clients.push(Client { name, id, secret, roles, device_groups, secret_since: super::now() });
            Ok(())
        })
    }

    /// Whether there was such a client.
    pub fn remove(&self, name: &str) -> io::Result<bool> {
        self.change(|clients| {
            let before = clients.len();
            clients.retain(|client| client.name != name);
            Ok(clients.len() < before)
        })
    }

    /// A new secret in place of the old one, whose tokens no longer count.
    pub fn rotate(&self, name: &str) -> io::Result<Option<(String, String)>> {
        let (text, secret) = new_secret()?;
        self.change(|clients| {
            let found = clients.iter_mut().find(|client| client.name == name && client.secret.is_some());
            Ok(found.map(|client| {
                client.secret = Some(secret);
                // A token of this very second may have come from the old secret.
                client.secret_since = super::now() + 1;
                (client.id.clone(), text)
            }))
        })
    }

    /// Changes of several processes follow each other.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Client>) -> io::Result<T>) -> io::Result<T> {
        let _lock = lock(&self.folder)?;
        let mut clients = self.all()?.as_ref().clone();
        let result = change(&mut clients)?;
        let text = serde_json::to_vec_pretty(&Listed { clients }).map_err(io::Error::other)?;
        write_secret(&self.folder, FILE, &text)?;
        self.read.lock().unwrap_or_else(PoisonError::into_inner).0 = None;
        Ok(result)
    }
}

fn bytes(text: &str) -> io::Result<Vec<u8>> {
    BASE64.decode(text).map_err(|_| io::Error::other("the list of clients has a secret that cannot be read"))
}

/// Random bytes as text.
pub fn random(length: usize) -> io::Result<String> {
    let mut bytes = vec![0; length];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random bytes are to be had"))?;
    Ok(BASE64.encode(bytes))
}

fn new_secret() -> io::Result<(String, Secret)> {
    let (text, salt) = (random(32)?, random(16)?);
    let mut hash = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &bytes(&salt)?, text.as_bytes(), &mut hash);
    Ok((text, Secret { iterations: ITERATIONS.get(), salt, hash: BASE64.encode(hash) }))
}

/// Nobody else changes what is in the folder while this is held.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

/// Writes a file whole, for the owner's eyes alone.
pub(super) fn write_secret(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_kept_hashed_and_holds_until_it_is_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(folder.path()).unwrap();
        let (id, secret) = registry.add("soc", vec!["Alert.Read.All".into()], vec![]).unwrap();
        let other = Registry::open(folder.path()).unwrap();
        assert_eq!(other.proven(&id, &secret).unwrap().map(|client| client.name).as_deref(), Some("soc"));
        assert!(other.proven("soc", &secret).unwrap().is_some());
        assert!(other.proven(&id, "guess").unwrap().is_none() && other.proven("nobody", "").unwrap().is_none());
        let file = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(!file.contains(&secret));
        let (_, fresh) = registry.rotate("soc").unwrap().unwrap();
        assert!(other.proven(&id, &secret).unwrap().is_none() && other.proven(&id, &fresh).unwrap().is_some());
        assert!(registry.remove("soc").unwrap() && !registry.remove("soc").unwrap());
        assert!(other.proven(&id, &fresh).unwrap().is_none());
        assert!(registry.add("", vec![], vec![]).is_err() && registry.add("x", vec![], vec![String::new()]).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }
}
