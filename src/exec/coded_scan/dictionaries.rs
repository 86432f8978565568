//! The texts of a column over all of its files: one dictionary for the dictionaries of their row groups. What is found out
//! about a text then holds for the whole scan, and a dictionary that was translated once is not read again by the next
//! query. Kept in memory up to a bound; a column of more texts than pay is left to its row groups.
use crate::columns::numbered::Numbered;
use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use object_store::ObjectMeta;
use object_store::path::Path;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all of them may take in memory.
const BYTES: usize = 128 << 20;
/// To tell more texts of a column apart takes longer than it saves.
const MOST_TEXTS: usize = 5 << 16;
const MOST_BYTES: usize = 64 << 20;
/// A row group of so many texts tells how many its column has: what of them is not new says it, as with fish that are
/// caught twice. With so many times more texts than can be told apart, no more are.
const TELLING: usize = MOST_TEXTS / 16;
const FAR_TOO_MANY: usize = 4;

/// A row group's dictionary: the file, its size and time, the row group, the place of the column.
pub type Key = (Path, u64, i64, usize, usize);

pub fn key(file: &ObjectMeta, group: usize, column: usize) -> Key {
    (file.location.clone(), file.size, file.last_modified.timestamp_micros(), group, column)
}

/// The dictionary of a row group in terms of its column's.
#[derive(Clone, Debug)]
pub struct Translated {
    /// For each of its texts the number of that in the column's.
    pub numbers: Arc<[u32]>,
    /// The column's texts; those of a later state begin with these.
    pub texts: ArrayRef,
}

/// Of all columns of all tables.
#[derive(Debug, Default)]
pub struct Dictionaries {
    columns: Mutex<HashMap<String, Arc<Dictionary>>>,
    clock: AtomicU64,
}

/// Of one column.
#[derive(Debug)]
pub struct Dictionary {
    /// `None` once there are more texts than pay.
    texts: Mutex<Option<Texts>>,
    bytes: AtomicUsize,
    used: AtomicU64,
}

impl Default for Dictionary {
    fn default() -> Dictionary {
        let texts = Texts {
            numbered: Numbered::default(),
            array: new_empty_array(&DataType::Utf8View),
            groups: HashMap::new(),
            translated: 0,
        };
        Dictionary { texts: Mutex::new(Some(texts)), bytes: AtomicUsize::new(0), used: AtomicU64::new(0) }
    }
}

#[derive(Debug)]
struct Texts {
    numbered: Numbered,
    array: ArrayRef,
    groups: HashMap<Key, Arc<[u32]>>,
    translated: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dictionaries {
    /// The dictionary of a column of the table whose files lie in a folder.
    pub fn of(&self, folder: &str, column: &str) -> Arc<Dictionary> {
        let mut columns = lock(&self.columns);
        let dictionary = columns.entry(format!("{folder}/{column}")).or_default().clone();
        dictionary.used.store(self.clock.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        // What is over the bound goes here, and not while a scan learns: the others of this scan have just been asked for.
        while columns.values().map(|column| column.bytes.load(Ordering::Relaxed)).sum::<usize>() > BYTES {
            let oldest = columns.iter().min_by_key(|(_, column)| column.used.load(Ordering::Relaxed));
            let Some(name) = oldest.map(|(name, _)| name.clone()) else { break };
            columns.remove(&name);
        }
        dictionary
    }
}

impl Dictionary {
    /// What is known of a row group's dictionary.
    pub fn known(&self, key: &Key) -> Option<Translated> {
        lock(&self.texts).as_mut()?.known(key)
    }

    /// Takes in texts of a row group, all those of its dictionary where there is a key; `None` where the column has too
    /// many. `rows` are the numbers of its rows' texts.
    pub fn learn(&self, key: Option<Key>, texts: &StringViewArray, rows: &[u32]) -> Option<Translated> {
        let mut known = lock(&self.texts);
        let before = known.as_ref()?.numbered.count();
        let learned = known.as_mut()?.learn(key, texts, rows).ok();
        let too_many = known.take_if(|known| {
            let twice = texts.len().saturating_sub(known.numbered.count() - before);
            let likely = before.saturating_mul(texts.len()) / twice.max(1);
            learned.is_none()
                || known.numbered.count() > MOST_TEXTS
                || known.size() > MOST_BYTES
                || texts.len() >= TELLING && likely > MOST_TEXTS * FAR_TOO_MANY
        });
        self.bytes.store(known.as_ref().map_or(0, Texts::size), Ordering::Relaxed);
        learned.filter(|_| too_many.is_none())
    }
}

/// So many texts in the order in which rows meet them: common ones come soon, and what is known of them lies together.
fn as_met(count: usize, rows: &[u32]) -> Vec<usize> {
    let mut met = vec![false; count];
    let mut order = Vec::with_capacity(count);
    for text in rows.iter().map(|row| *row as usize) {
        if met.get_mut(text).is_some_and(|met| !std::mem::replace(met, true)) {
            order.push(text);
        }
    }
    order.extend((0..count).filter(|text| !met[*text]));
    order
}

/// An array of more buffers than this takes time to handle.
const BUFFERS: usize = 8;

impl Texts {
    fn known(&mut self, key: &Key) -> Option<Translated> {
        let numbers = self.groups.get(key)?.clone();
        if self.array.as_string_view().data_buffers().len() > BUFFERS {
            self.array = self.numbered.array(0).ok()?;
        }
        Some(Translated { numbers, texts: self.array.clone() })
    }

    fn learn(&mut self, key: Option<Key>, texts: &StringViewArray, rows: &[u32]) -> Result<Translated, ArrowError> {
        let before = self.numbered.count();
        let order = as_met(texts.len(), rows);
        let mut as_met = Vec::with_capacity(order.len());
        self.numbered.codes(texts, &order, &mut as_met);
        let mut numbers = vec![0; texts.len()];
        order.into_iter().zip(as_met).for_each(|(text, number)| numbers[text] = number);
        if self.numbered.count() > before {
            self.array = concat(&[&self.array, &self.numbered.array(before)?])?;
        }
        let numbers: Arc<[u32]> = numbers.into();
        if let Some(key) = key {
            self.translated += numbers.len();
            self.groups.insert(key, numbers.clone());
        }
        Ok(Translated { numbers, texts: self.array.clone() })
    }

    fn size(&self) -> usize {
        // The texts are there twice: for looking up, and as the array.
        2 * self.numbered.size() + self.translated * size_of::<u32>() + self.groups.len() * size_of::<(Key, usize)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_far_too_many_texts_is_known_by_its_second_row_group() {
        let texts = |from: usize, count: usize| -> StringViewArray {
            (from..from + count).map(|number| Some(format!("text {number}"))).collect()
        };
        let key = |group| Some((Path::from("file"), 1, 1, group, 0));
        let few = Dictionary::default();
        let first = few.learn(key(0), &texts(0, TELLING), &[7, 7, 3]).unwrap();
        let again = few.learn(key(1), &texts(TELLING / 2, TELLING), &[]).unwrap();
        assert_eq!((first.numbers[7], first.numbers[3], first.numbers[0]), (0, 1, 2));
        assert_eq!(first.texts.as_string_view().value(1), "text 3");
        assert_eq!(first.numbers[TELLING / 2..], again.numbers[..TELLING - TELLING / 2]);
        assert_eq!(again.texts.len(), TELLING + TELLING / 2);
        assert!(few.known(&(Path::from("file"), 1, 1, 1, 0)).is_some());

        let many = Dictionary::default();
        assert!(many.learn(key(0), &texts(0, TELLING), &[]).is_some());
        assert!(many.learn(key(1), &texts(TELLING, TELLING), &[]).is_none());
        assert!(many.known(&(Path::from("file"), 1, 1, 0, 0)).is_none());

        // So few tell nothing.
        let small = Dictionary::default();
        assert!((0..4).all(|group| small.learn(key(group), &texts(group * 1_000, 1_000), &[]).is_some()));
    }
}
