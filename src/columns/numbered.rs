//! Texts, numbered from 0 as they come: equal ones have one number.
use arrow::array::{Array, ArrayRef, StringArray, StringViewArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

#[derive(Debug, Default)]
pub struct Numbered {
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
    /// All texts one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    hashes: Vec<u64>,
    likely: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    code: u32,
}

/// No text has it as its code.
const NEW: u32 = u32::MAX;

impl Numbered {
    /// The codes of some rows' texts. Each step is done for all of them before the next one, so that the processor waits
    /// for memory once for many and not for each.
    pub fn codes(&mut self, array: &StringViewArray, rows: &[usize], codes: &mut Vec<u32>) {
        let Numbered { table, hasher, hashes, likely, .. } = self;
        hashes.clear();
        hashes.extend(rows.iter().map(|row| hasher.hash_one(array.value(*row))));
        likely.clear();
        likely.extend(
            hashes.iter().map(|hash| table.find(*hash, |entry| entry.hash == *hash).map_or(NEW, |entry| entry.code)),
        );
        for (at, row) in rows.iter().enumerate() {
            let text = array.value(*row);
            let code = self.likely[at];
            let right = code != NEW && self.bytes(code) == text.as_bytes();
            codes.push(if right { code } else { self.code(text, self.hashes[at]) });
        }
    }

    fn code(&mut self, text: &str, hash: u64) -> u32 {
        let same = |entry: &Entry| entry.hash == hash && self.bytes(entry.code) == text.as_bytes();
        if let Some(entry) = self.table.find(hash, same) {
            return entry.code;
        }
        let code = self.push(text.as_bytes());
        self.table.insert_unique(hash, Entry { hash, code }, |entry| entry.hash);
        code
    }

    /// A further code for a text, whether it has one or not.
    pub fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        self.ends.len() as u32 - 1
    }

    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Those from a code on, in the order of their codes.
    pub fn array(&self, mut from: usize) -> Result<ArrayRef, ArrowError> {
        // In pieces, since the places in one are of 32 bits.
        let mut pieces: Vec<ArrayRef> = Vec::new();
        while pieces.is_empty() || from < self.ends.len() {
            let start = from.checked_sub(1).map_or(0, |before| self.ends[before]);
            let ends = &self.ends[from..];
            let fit = ends.partition_point(|end| end - start <= i32::MAX as usize).max(1);
            let to = (from + fit).min(self.ends.len());
            let ends = self.ends[from..to].iter().map(|end| (end - start) as i32);
            let offsets = OffsetBuffer::new(std::iter::once(0).chain(ends).collect());
            let bytes = self.bytes[start..to.checked_sub(1).map_or(0, |last| self.ends[last])].to_vec();
            let texts = StringArray::try_new(offsets, bytes.into(), None)?;
            pieces.push(cast(&texts, &DataType::Utf8View)?);
            from = to;
        }
        let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        Ok(if let [one] = pieces.as_slice() { one.slice(0, one.len()) } else { concat(&pieces)? })
    }

    fn bytes(&self, code: u32) -> &[u8] {
        let code = code as usize;
        let from = code.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[from..self.ends[code]]
    }

    pub fn size(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.table.capacity() * (size_of::<Entry>() + 1)
    }
}
