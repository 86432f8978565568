//! Where a store or an attached table lies: a folder path or a URL, and the object store behind it.
use super::StoreError;
use datafusion::execution::object_store::ObjectStoreUrl;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::sync::Arc;
use url::Url;

/// A folder (or one file) in an object store that is rooted at its scheme and host.
#[derive(Clone, Debug)]
pub struct Location {
    pub url: Url,
    pub objects: Arc<dyn ObjectStore>,
    pub prefix: Path,
}

impl Location {
    /// A folder path is made absolute; nothing is created. A URL takes its credentials and options from the
    /// environment, by the names that the clouds' own tools use (`AWS_…`, `AZURE_…`).
    pub fn parse(text: &str) -> Result<Location, StoreError> {
        match Url::parse(text) {
            // A single letter before the colon is a Windows drive.
            Ok(url) if url.scheme().len() > 1 && url.scheme() != "file" => Location::remote(url),
            Ok(url) if url.scheme() == "file" => {
                let path = url.to_file_path().map_err(|()| StoreError::Location(text.to_owned()))?;
                Location::local(&path)
            }
            _ => Location::local(std::path::Path::new(text)),
        }
    }

    fn local(path: &std::path::Path) -> Result<Location, StoreError> {
        let wrong = || StoreError::Location(path.display().to_string());
        let path = std::path::absolute(path).map_err(|_| wrong())?;
        // Links are followed where the folder is there already, so that one store has one address.
        let path = path.canonicalize().unwrap_or(path);
        let url = Url::from_directory_path(&path).map_err(|()| wrong())?;
        Ok(Location { prefix: Path::from_url_path(url.path())?, url, objects: Arc::new(LocalFileSystem::new()) })
    }

    fn remote(mut url: Url) -> Result<Location, StoreError> {
        let options = std::env::vars_os().filter_map(|(key, value)| {
            let key = key.into_string().ok()?;
            (key.starts_with("AWS_") || key.starts_with("AZURE_")).then_some((key, value.into_string().ok()?))
        });
        let (objects, prefix) = object_store::parse_url_opts(&url, options)?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Location { url, objects: Arc::from(objects), prefix })
    }

    pub fn is_local(&self) -> bool {
        self.url.scheme() == "file"
    }

    /// A folder under this one.
    pub fn child(&self, name: &str) -> Result<Location, StoreError> {
        let url = self.url.join(&format!("{name}/")).map_err(|_| StoreError::Location(name.to_owned()))?;
        Ok(Location { url, objects: self.objects.clone(), prefix: self.prefix.clone().join(name) })
    }

    /// The name under which a session finds the object store.
    pub fn base(&self) -> Result<ObjectStoreUrl, StoreError> {
        let url = &self.url[..url::Position::BeforePath];
        ObjectStoreUrl::parse(url).map_err(|_| StoreError::Location(url.to_owned()))
    }

    /// Whether there is an object of exactly this name.
    pub async fn has(&self, path: &Path) -> Result<bool, StoreError> {
        // A look into a local folder takes microseconds, less than handing it to another thread.
        if self.is_local()
            && let Ok(path) = LocalFileSystem::new().path_to_filesystem(path)
        {
            return Ok(path.is_file());
        }
        match self.objects.head(path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of the folders directly in this one.
    pub async fn folders(&self) -> Result<Vec<String>, StoreError> {
        if self.is_local()
            && let Ok(path) = self.url.to_file_path()
        {
            let Ok(entries) = std::fs::read_dir(path) else { return Ok(Vec::new()) };
            let folders = entries.flatten().filter(|entry| entry.path().is_dir());
            return Ok(folders.filter_map(|entry| entry.file_name().into_string().ok()).collect());
        }
        let listed = self.objects.list_with_delimiter(Some(&self.prefix)).await?;
        Ok(listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
    }
}
