//! Dictionaries of row groups that were read last.
use crate::exec::coded_scan::Key;
use crate::exec::coded_scan::chunk::Lain;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What they may take in memory.
const BYTES: usize = 128 << 20;

/// Where a dictionary lies: in which files, and there.
pub type Place = (Arc<str>, Key);

#[derive(Debug, Default)]
pub struct KeptDictionaries {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// And when each was asked for last.
    dictionaries: HashMap<Place, (Arc<Lain>, u64)>,
    bytes: usize,
    clock: u64,
}

impl KeptDictionaries {
    pub fn get(&self, place: &Place) -> Option<Arc<Lain>> {
        let mut kept = self.lock();
        let now = kept.tick();
        let (dictionary, used) = kept.dictionaries.get_mut(place)?;
        *used = now;
        Some(dictionary.clone())
    }

    /// Keeps one, and drops what was longest not asked for where they are too much.
    pub fn keep(&self, place: Place, dictionary: Arc<Lain>) {
        let mut kept = self.lock();
        let now = kept.tick();
        kept.bytes += dictionary.size();
        if let Some((before, _)) = kept.dictionaries.insert(place, (dictionary, now)) {
            kept.bytes -= before.size();
        }
        if kept.bytes <= BYTES {
            return;
        }
        let mut all: Vec<(u64, Place)> =
            kept.dictionaries.iter().map(|(place, (_, used))| (*used, place.clone())).collect();
        all.sort_unstable_by_key(|(used, _)| *used);
        for (_, place) in all {
            if kept.bytes <= BYTES / 4 * 3 {
                break;
            }
            if let Some((dictionary, _)) = kept.dictionaries.remove(&place) {
                kept.bytes -= dictionary.size();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use object_store::path::Path;
    use parquet::basic::Encoding;
    use parquet::column::page::Page;

    #[test]
    fn what_was_not_asked_for_is_dropped_first() {
        let text = vec![b'x'; BYTES / 8];
        let buf = Bytes::from([&(text.len() as u32).to_le_bytes(), text.as_slice()].concat());
        let dictionary = || {
            let (buf, encoding) = (buf.clone(), Encoding::PLAIN);
            let page = Page::DictionaryPage { buf, num_values: 1, encoding, is_sorted: false };
            Arc::new(Lain::of_dictionary(page, None).unwrap())
        };
        let key = |group| (Arc::from("file:///"), (Path::from("file"), 1, 1, group, 0));
        let kept = KeptDictionaries::default();
        for group in 0..7 {
            kept.keep(key(group), dictionary());
        }
        kept.keep(key(6), dictionary());
        assert_eq!(kept.get(&key(0)).unwrap().value(0), Some(text.as_slice()));
        assert!(kept.get(&key(0)).unwrap().value(1).is_none());
        kept.keep(key(7), dictionary());
        assert!([0, 4, 5, 6, 7].into_iter().all(|group| kept.get(&key(group)).is_some()));
        assert!([1, 2, 3].into_iter().all(|group| kept.get(&key(group)).is_none()));
        let kept = kept.lock();
        assert_eq!(kept.bytes, kept.dictionaries.values().map(|(dictionary, _)| dictionary.size()).sum::<usize>());
    }
}
