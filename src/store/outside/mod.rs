//! Data that a query names by its address (`externaldata`): read from the folders and object stores that the
//! configuration allows, and from nowhere else.
use super::StoreError;
use super::location::Location;
use object_store::{ObjectStoreExt, ObjectStoreScheme};
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use url::Url;

mod packed;
mod records;

pub use records::{format, records};

/// The largest text that is read, unpacked.
const MOST_BYTES: u64 = 100 << 20;

/// The places that are allowed.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
enum Place {
    /// A folder or a file, without links.
    Local(PathBuf),
    /// Everything under an address in an object store.
    Objects(Url),
}

#[derive(Debug)]
pub enum OutsideError {
    NotAllowed,
    NotThere,
    TooLong,
    Unreadable(String),
}

impl fmt::Display for OutsideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OutsideError::NotAllowed => f.write_str("is at no place that the configuration allows"),
            OutsideError::NotThere => f.write_str("is not there"),
            OutsideError::TooLong => write!(f, "has more than {} MB", MOST_BYTES >> 20),
            OutsideError::Unreadable(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

impl Outside {
    /// Allows a folder, a file, or the URL of a folder in an object store.
    pub fn allow(&mut self, place: &str) -> Result<(), StoreError> {
        let wrong = || StoreError::Location(place.to_owned());
        let place = match local(place) {
            Some(path) => Place::Local(path.canonicalize().map_err(|_| wrong())?),
            None => Place::Objects(remote(place).ok_or_else(wrong)?),
        };
        self.places.push(place);
        Ok(())
    }

    /// The bytes at an address, unpacked.
    pub async fn read(&self, address: &str) -> Result<Vec<u8>, OutsideError> {
        let packed = match local(address) {
            Some(path) => {
                let path = self.allowed(&path)?;
                let file = std::fs::File::open(path).map_err(unreadable)?;
                let mut bytes = Vec::new();
                file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
                bytes
            }
            None => self.fetch(address).await?,
        };
        let bytes = packed::unpacked(packed, MOST_BYTES)?;
        if bytes.len() as u64 > MOST_BYTES { Err(OutsideError::TooLong) } else { Ok(bytes) }
    }

    /// The file itself, links followed, where it lies at an allowed place.
    fn allowed(&self, path: &Path) -> Result<PathBuf, OutsideError> {
        let within = |path: &Path| {
            self.places.iter().any(|place| match place {
                Place::Local(allowed) => path.starts_with(allowed),
                Place::Objects(_) => false,
            })
        };
        match path.canonicalize() {
            Ok(path) if within(&path) && path.is_file() => Ok(path),
            Ok(path) if within(&path) => Err(OutsideError::NotThere),
            Ok(_) => Err(OutsideError::NotAllowed),
            // Whether something is there is told of allowed places alone.
            Err(_) => {
                let plain = path.components().all(|part| part != Component::ParentDir);
                let path = std::path::absolute(path).map_err(unreadable)?;
                Err(if plain && within(&path) { OutsideError::NotThere } else { OutsideError::NotAllowed })
            }
        }
    }

    async fn fetch(&self, address: &str) -> Result<Vec<u8>, OutsideError> {
        let url = remote(address).ok_or(OutsideError::NotAllowed)?;
        let allowed = self.places.iter().any(|place| match place {
            Place::Local(_) => false,
            Place::Objects(allowed) => covers(allowed, &url),
        });
        if !allowed {
            return Err(OutsideError::NotAllowed);
        }
        let location = Location::parse(address).map_err(unreadable)?;
        let wrong = |error| match error {
            object_store::Error::NotFound { .. } => OutsideError::NotThere,
            error => unreadable(error),
        };
        let found = location.objects.get(&location.prefix).await.map_err(wrong)?;
        if found.meta.size > MOST_BYTES {
            return Err(OutsideError::TooLong);
        }
        Ok(found.bytes().await.map_err(wrong)?.to_vec())
    }
}

fn unreadable(error: impl fmt::Display) -> OutsideError {
    OutsideError::Unreadable(error.to_string())
}

/// An address of this machine's own files, as a path.
fn local(address: &str) -> Option<PathBuf> {
    match Url::parse(address) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        // A single letter before the colon is a Windows drive.
        Ok(url) if url.scheme().len() > 1 => None,
        _ => Some(PathBuf::from(address)),
    }
}

/// An address in an object store. A plain web server is none: it may send whoever asks elsewhere.
fn remote(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let (scheme, _) = ObjectStoreScheme::parse(&url).ok()?;
    let stores = !matches!(scheme, ObjectStoreScheme::Local | ObjectStoreScheme::Memory | ObjectStoreScheme::Http);
    stores.then_some(url)
}

/// Whether an address lies under another one.
fn covers(allowed: &Url, url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    let hidden = ["%2e", "%2f", "%5c", "..", "\\"].iter().any(|part| path.contains(part));
    let folder = allowed.path().trim_end_matches('/');
    let under = url.path().strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    allowed.scheme() == url.scheme()
        && allowed.host_str() == url.host_str()
        && allowed.port_or_known_default() == url.port_or_known_default()
        && url.username() == allowed.username()
        && url.password().is_none()
        && under
        && !hidden
}

impl From<io::Error> for OutsideError {
    fn from(error: io::Error) -> OutsideError {
        unreadable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(outside: &Outside, address: &str) -> Result<Vec<u8>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(outside.read(address)).map_err(|error| error.to_string())
    }

    #[test]
    fn only_what_is_allowed_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::write(open.join("a.csv"), "1").unwrap();
        std::fs::write(folder.path().join("secret.csv"), "2").unwrap();
        let at = |path: &str| folder.path().join(path).display().to_string();
        let mut outside = Outside::default();
        assert!(read(&outside, &at("open/a.csv")).is_err());
        outside.allow(&open.display().to_string()).unwrap();
        assert_eq!(read(&outside, &at("open/a.csv")), Ok(b"1".to_vec()));
        assert_eq!(read(&outside, &format!("file://{}", at("open/../open/a.csv"))), Ok(b"1".to_vec()));
        let refused = Err("is at no place that the configuration allows".to_owned());
        for path in ["secret.csv", "open/../secret.csv", "open/../nothing", "nothing", "openly"] {
            assert_eq!(read(&outside, &at(path)), refused, "{path}");
        }
        assert_eq!(read(&outside, &at("open/b.csv")), Err("is not there".to_owned()));
        assert_eq!(read(&outside, &at("open")), Err("is not there".to_owned()));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path().join("secret.csv"), open.join("link.csv")).unwrap();
            assert_eq!(read(&outside, &at("open/link.csv")), refused);
        }
        assert!(outside.allow("https://example.com/").is_err());
        assert_eq!(read(&outside, "https://example.com/a.csv"), refused);
    }

    #[test]
    fn an_address_covers_what_lies_under_it() {
        let allowed = Url::parse("s3://bucket/lists").unwrap();
        let covered = |text: &str| covers(&allowed, &Url::parse(text).unwrap());
        assert!(covered("s3://bucket/lists/a.csv"));
        for text in [
            "s3://bucket/listsb/a.csv",
            "s3://other/lists/a.csv",
            "s3://bucket/lists/../a.csv",
            "s3://bucket/lists/%2e%2e/a.csv",
            "s3://bucket/lists/..%2fa.csv",
            "s3://user@bucket/lists/a.csv",
            "az://bucket/lists/a.csv",
        ] {
            assert!(!covered(text), "{text}");
        }
    }
}
