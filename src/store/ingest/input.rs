//! Where the data is: files, folders, patterns and URLs, each brought to a local file that can be read twice, once for
//! its hash and once for its rows.
use super::IngestError;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;
use url::Url;

/// Folders within folders that are looked into.
const DEPTH: usize = 64;
/// What a folder's file must end with to be taken for data; a file named outright may be called anything. Exports to
/// blobs have `.json`, pieces of them no ending at all.
const ENDINGS: [&str; 8] = ["json", "jsonl", "ndjson", "csv", "tsv", "parquet", "txt", "log"];

/// One input, not yet opened.
#[derive(Clone, Debug)]
pub struct Input {
    /// The path or URL, as reports show it.
    pub name: String,
    pub bytes: u64,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Local(PathBuf),
    Remote(Arc<dyn ObjectStore>, object_store::path::Path),
    Web(Url),
}

/// An input that lies on this machine, and the hash of its bytes.
#[derive(Debug)]
pub struct Fetched {
    pub path: PathBuf,
    pub hash: String,
    /// Held so that a copy goes away with its last reader.
    _copy: Option<NamedTempFile>,
}

/// All inputs that a path, folder, pattern or URL stands for, in the order of their names.
pub async fn list(ask: &str) -> Result<Vec<Input>, IngestError> {
    let mut inputs = match Url::parse(ask) {
        Ok(url) if url.scheme() == "file" => {
            let path = url.to_file_path().map_err(|()| IngestError::Address(ask.to_owned()))?;
            local(&path)?
        }
        Ok(url) if matches!(url.scheme(), "http" | "https") && !is_cloud_host(&url) => {
            vec![Input { name: ask.to_owned(), bytes: 0, place: Place::Web(url) }]
        }
        // A single letter before the colon is a Windows drive.
        Ok(url) if url.scheme().len() > 1 => remote(ask, &url).await?,
        _ => local(Path::new(ask))?,
    };
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    if inputs.is_empty() { Err(IngestError::NothingThere(ask.to_owned())) } else { Ok(inputs) }
}

fn is_cloud_host(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        ["amazonaws.com", "core.windows.net", "fabric.microsoft.com", "r2.cloudflarestorage.com"]
            .iter()
            .any(|cloud| host.ends_with(cloud))
    })
}

fn local(path: &Path) -> Result<Vec<Input>, IngestError> {
    let mut found = Vec::new();
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => walk(path, &mut found, DEPTH)?,
        Ok(meta) => found.push((path.to_owned(), meta.len())),
        Err(error) => {
            let pattern = path.to_string_lossy();
            if error.kind() != io::ErrorKind::NotFound || !is_pattern(&pattern) {
                return Err(IngestError::Read(pattern.into_owned(), error));
            }
            // The part in front of the first wildcard is a plain folder.
            let plain: PathBuf =
                path.components().take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy())).collect();
            let from = if plain.as_os_str().is_empty() { Path::new(".") } else { plain.as_path() };
            walk(from, &mut found, DEPTH)?;
            found.retain(|(path, _)| {
                let path = path.to_string_lossy();
                matches(&pattern, path.strip_prefix("./").filter(|_| !pattern.starts_with("./")).unwrap_or(&path))
            });
        }
    }
    Ok(found
        .into_iter()
        .map(|(path, bytes)| Input { name: path.display().to_string(), bytes, place: Place::Local(path) })
        .collect())
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, u64)>, depth: usize) -> Result<(), IngestError> {
    let wrong = |error| IngestError::Read(folder.display().to_string(), error);
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let meta = std::fs::metadata(&path).map_err(|error| IngestError::Read(path.display().to_string(), error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(['.', '_']) {
            continue;
        }
        if meta.is_dir() {
            if depth > 0 {
                walk(&path, found, depth - 1)?;
            }
        } else if is_data_name(&name) {
            found.push((path, meta.len()));
        }
    }
    Ok(())
}

async fn remote(ask: &str, url: &Url) -> Result<Vec<Input>, IngestError> {
    let wrong = |error| IngestError::Remote(ask.to_owned(), error);
    let options = std::env::vars_os().filter_map(|(key, value)| {
        let key = key.into_string().ok()?;
        (key.starts_with("AWS_") || key.starts_with("AZURE_")).then_some((key, value.into_string().ok()?))
    });
    let (store, path) = object_store::parse_url_opts(url, options).map_err(wrong)?;
    let store: Arc<dyn ObjectStore> = Arc::from(store);
    let pattern = percent_decoded(path.as_ref());
    let place = |meta: object_store::ObjectMeta| Input {
        name: format!("{}/{}", &url[..url::Position::AfterPort].trim_end_matches('/'), meta.location),
        bytes: meta.size,
        place: Place::Remote(store.clone(), meta.location),
    };
    if is_pattern(&pattern) {
        let plain = pattern.split('/').take_while(|part| !is_pattern(part));
        let prefix = object_store::path::Path::from_iter(plain);
        let all: Vec<_> = store.list(Some(&prefix)).try_collect().await.map_err(wrong)?;
        return Ok(all
            .into_iter()
            .filter(|meta| meta.size > 0 && matches(&pattern, meta.location.as_ref()))
            .map(place)
            .collect());
    }
    match object_store::ObjectStoreExt::head(store.as_ref(), &path).await {
        Ok(meta) => Ok(vec![place(meta)]),
        Err(object_store::Error::NotFound { .. }) => {
            let all: Vec<_> = store.list(Some(&path)).try_collect().await.map_err(wrong)?;
            let is_data = |meta: &object_store::ObjectMeta| {
                let mut inside = meta.location.prefix_match(&path).into_iter().flatten();
                let hidden = inside.any(|part| part.as_ref().starts_with(['.', '_']));
                meta.size > 0 && !hidden && meta.location.filename().is_some_and(is_data_name)
            };
            Ok(all.into_iter().filter(is_data).map(place).collect())
        }
        Err(error) => Err(wrong(error)),
    }
}

fn percent_decoded(path: &str) -> String {
    path.replace("%2A", "*").replace("%3F", "?")
}

fn is_data_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').is_none_or(|(_, ending)| ENDINGS.contains(&ending))
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Whether a path matches a pattern: `*` and `?` stay within a folder, `**` is any number of folders.
fn matches(pattern: &str, path: &str) -> bool {
    fn parts(pattern: &[&str], path: &[&str]) -> bool {
        match pattern.split_first() {
            None => path.is_empty(),
            Some((&"**", rest)) => (0..=path.len()).any(|skipped| parts(rest, &path[skipped..])),
            Some((first, rest)) => {
                path.split_first().is_some_and(|(name, more)| part(first, name) && parts(rest, more))
            }
        }
    }
    let pattern: Vec<_> = pattern.split('/').collect();
    let path: Vec<_> = path.split('/').collect();
    // Each `**` multiplies the ways to match.
    pattern.iter().filter(|part| **part == "**").count() <= 4 && parts(&pattern, &path)
}

/// One name against one part of a pattern, in time linear in both: only the last `*` is ever tried again.
fn part(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, n) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl Input {
    /// Brings the input here and hashes it.
    pub async fn fetch(&self) -> Result<Fetched, IngestError> {
        let remote = |error| IngestError::Remote(self.name.clone(), error);
        let mut stream = match &self.place {
            Place::Local(path) => {
                let at = path.clone();
                let hash =
                    tokio::task::spawn_blocking(move || hash(&at)).await.unwrap_or_else(|error| Err(error.into()));
                let hash = hash.map_err(|error| IngestError::Read(self.name.clone(), error))?;
                return Ok(Fetched { path: path.clone(), hash, _copy: None });
            }
            Place::Remote(store, path) => {
                object_store::ObjectStoreExt::get(store.as_ref(), path).await.map_err(remote)?.into_stream().boxed()
            }
            Place::Web(url) => {
                let (store, path) = web(url).map_err(remote)?;
                object_store::ObjectStoreExt::get(&store, &path).await.map_err(remote)?.into_stream().boxed()
            }
        };
        let local = |error| IngestError::Read(self.name.clone(), error);
        let mut copy = NamedTempFile::new().map_err(local)?;
        let mut hasher = Sha256::new();
        while let Some(bytes) = stream.try_next().await.map_err(remote)? {
            hasher.update(&bytes);
            copy.write_all(&bytes).map_err(local)?;
        }
        copy.flush().map_err(local)?;
        Ok(Fetched { path: copy.path().to_owned(), hash: hex(&hasher.finalize()), _copy: Some(copy) })
    }
}

/// A plain web server as an object store that holds one object.
fn web(url: &Url) -> object_store::Result<(object_store::http::HttpStore, object_store::path::Path)> {
    let options = object_store::ClientOptions::new().with_allow_http(true);
    let mut root = url.clone();
    root.set_path("/");
    root.set_query(None);
    let store = object_store::http::HttpBuilder::new().with_url(root.as_str()).with_client_options(options).build()?;
    Ok((store, object_store::path::Path::from_url_path(url.path())?))
}

fn hash(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stay_within_a_folder_unless_doubled() {
        assert!(matches("a/*.json", "a/b.json"));
        assert!(!matches("a/*.json", "a/b/c.json"));
        assert!(matches("a/**/*.json", "a/b/c.json"));
        assert!(matches("a/**/*.json", "a/c.json"));
        assert!(matches("*-?.csv", "x-y-1.csv"));
        assert!(!matches("*.csv", "x.csv.gz"));
    }
}
