//! The texts of saved functions: a file `_functions/NAME.kql` under the root for each. What they mean is the business of
//! who reads them.
use super::location::Location;
use super::{Store, StoreError, is_table_name};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use std::collections::BTreeMap;
use std::sync::Arc;

const FOLDER: &str = "_functions";
const EXTENSION: &str = ".kql";
/// A longer file is no function.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub struct Text {
    pub text: String,
    /// When it was written, in nanoseconds, and its length: with both the same it is the same.
    written: (i64, u64),
}

/// All texts by their names. The same allocation for as long as nothing changes.
pub type Texts = Arc<BTreeMap<String, Arc<Text>>>;

impl Store {
    /// Puts a text in place of the one of that name.
    pub async fn save_function(&self, name: &str, text: &str) -> Result<(), StoreError> {
        let (folder, path) = self.place(name)?;
        folder.objects.put(&path, text.as_bytes().to_vec().into()).await?;
        self.forget()
    }

    /// Whether there was such a function.
    pub async fn remove_function(&self, name: &str) -> Result<bool, StoreError> {
        let (folder, path) = self.place(name)?;
        if !folder.has(&path).await? {
            return Ok(false);
        }
        folder.objects.delete(&path).await?;
        self.forget()?;
        Ok(true)
    }

    fn place(&self, name: &str) -> Result<(Location, object_store::path::Path), StoreError> {
        // `_` begins no table's name but may begin a function's.
        if !is_table_name(name.trim_start_matches('_')) {
            return Err(StoreError::TableName(name.to_owned()));
        }
        let folder = self.shared.root.child(FOLDER)?;
        let path = folder.prefix.clone().join(format!("{name}{EXTENSION}"));
        Ok((folder, path))
    }

    /// The next look is a look.
    fn forget(&self) -> Result<(), StoreError> {
        super::write(&self.shared.view).1 = None;
        Ok(())
    }
}

/// The texts as they are now; those that have not changed since are not read again.
pub async fn texts(root: &Location, known: &Texts) -> Result<Texts, StoreError> {
    let folder = root.child(FOLDER)?;
    if folder.is_local() && folder.url.to_file_path().is_ok_and(|path| !path.is_dir()) {
        return Ok(if known.is_empty() { known.clone() } else { Texts::default() });
    }
    let listed: Vec<_> = folder.objects.list(Some(&folder.prefix)).try_collect().await?;
    let mut texts = BTreeMap::new();
    let mut same = true;
    for object in listed {
        let name = object.location.filename().and_then(|name| name.strip_suffix(EXTENSION));
        let Some(name) = name.filter(|_| object.size <= MOST_BYTES) else { continue };
        let written = (object.last_modified.timestamp_nanos_opt().unwrap_or(0), object.size);
        let text = match known.get(name).filter(|text| text.written == written) {
            Some(text) => text.clone(),
            None => {
                same = false;
                let bytes = match folder.objects.get(&object.location).await {
                    Ok(found) => found.bytes().await?,
                    // Removed meanwhile.
                    Err(object_store::Error::NotFound { .. }) => continue,
                    Err(error) => return Err(error.into()),
                };
                Arc::new(Text { text: String::from_utf8_lossy(&bytes).into_owned(), written })
            }
        };
        texts.insert(name.to_owned(), text);
    }
    Ok(if same && texts.len() == known.len() { known.clone() } else { Arc::new(texts) })
}
