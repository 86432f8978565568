//! The index of one column: what of a text is kept, and how it is read. [`build`] makes it.
//!
//! - Words (terms that are no numbers) are kept sorted, in compressed blocks, each with its pages: so the beginning, the
//!   end and any part of a word can be looked for too. A run of digits in a word is one sign there, whatever the digits
//!   are: `user4711` and `user12` are one shape. The hash of the word as it is says the rest.
//! - Numbers, hexadecimal ones among them, are only hashes. Those in many pages are kept with their pages, the others,
//!   each with its page, in filters.
//! - Parts of numbers, also of those in words, are hashes of all runs of four digits: only in columns of long texts
//!   of which numbers are the smaller part, for nobody looks for a part of an id.
//! - Rests are shapes too long or too many to be kept: hashes, and if there is room all runs of three bytes in them.
//!
//! Pages are only ever too many, never too few. What does not fit the budget is left out, and is then everywhere.
use super::fuse::Fuse;
use super::pages::{self, Pages, take, take_number};
use super::terms::{Part, Piece};
use memchr::memmem;
use std::borrow::Cow;
use xxhash_rust::xxh64::xxh64;

mod build;

pub use build::{AsIs, Builder, Detail, Draft};

/// No block that we write comes near it.
const LARGEST_BLOCK: u64 = 16 << 20;
/// Pages of a filter.
const FILTER_PAGES: u32 = 64;
/// Bytes of a number's hash.
const KEY: usize = 5;
/// Numbers between two places that can be jumped to.
const STRIDE: usize = 64;
/// Bytes of a run of a rest.
const GRAM: usize = 3;
/// Longer shapes are rests.
const LONGEST_WORD: usize = 40;
/// Stands for a run of digits; no term has it.
const DIGITS: u8 = 1;

/// Digits of a part of a number.
const DIGITS_OF_PART: usize = 4;

const TERM_SEED: u64 = 1;
const GRAM_SEED: u64 = 2;
const PART_SEED: u64 = 3;

/// What is in an index, and whether all of it is: bits of a column's first number.
mod flag {
    /// All shapes of words are in the blocks or among the rests.
    pub const WORDS: u64 = 1;
    /// All numbers of each length are there.
    pub const NUMBERS: [u64; 3] = [2, 4, 8];
    /// There are numbers.
    pub const ANY_NUMBER: u64 = 16;
    /// There are rests.
    pub const ANY_REST: u64 = 32;
    /// All rests are there.
    pub const RESTS: u64 = 64;
    /// The runs of all rests are there.
    pub const RUNS: u64 = 128;
    /// All words with digits are there, as they are.
    pub const MIXED: u64 = 256;
    /// All parts of numbers are there.
    pub const PARTS: u64 = 512;
    /// Some rests are no longer than [`super::LONGEST_WORD`].
    pub const SHORT_RESTS: u64 = 1024;
}

/// A word, or a part of one, with a sign for every run of digits. A part's shape is a part of the word's shape.
fn shape(word: &[u8]) -> Cow<'_, [u8]> {
    if !word.iter().any(u8::is_ascii_digit) {
        return Cow::Borrowed(word);
    }
    let mut shape = Vec::with_capacity(word.len());
    for byte in word {
        match byte {
            b'0'..=b'9' if shape.last() == Some(&DIGITS) => {}
            b'0'..=b'9' => shape.push(DIGITS),
            _ => shape.push(*byte),
        }
    }
    Cow::Owned(shape)
}

/// Numbers up to four digits, up to eight, and longer ones; addresses count as long.
fn class(number: &[u8]) -> usize {
    match number.len() {
        _ if number.contains(&b'.') => 2,
        0..=4 => 0,
        5..=8 => 1,
        _ => 2,
    }
}

fn is_number(term: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    term.iter().any(digit) && can_be_in_number(term)
}

/// Whether a term could be a part of a number.
fn can_be_in_number(term: &[u8]) -> bool {
    term.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'.')
}

fn in_page(hash: u64, page: u32) -> u64 {
    hash ^ u64::from(page).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn key_of(hash: u64) -> [u8; KEY] {
    let bytes = hash.to_be_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]]
}

/// The hashes of all runs of three bytes.
fn runs(word: &[u8]) -> impl Iterator<Item = u64> {
    word.windows(GRAM).map(|run| xxh64(run, GRAM_SEED))
}

fn part_of_number(digits: &[u8]) -> u64 {
    xxh64(digits, PART_SEED)
}

/// The hashes of all parts of the hexadecimal numbers that stand in a term, be it a number as a whole or not.
fn parts_of_numbers(term: &[u8]) -> impl Iterator<Item = u64> {
    let numbers = term.split(|byte| !byte.is_ascii_hexdigit());
    let numbers = numbers.filter(|number| number.len() >= DIGITS_OF_PART && number.iter().any(u8::is_ascii_digit));
    numbers.flat_map(|number| number.windows(DIGITS_OF_PART).map(part_of_number))
}

/// The index of a column as it lies in a file.
pub struct Column<'b> {
    flags: u64,
    /// First word, size unpacked, bytes.
    blocks: Vec<(&'b [u8], usize, &'b [u8])>,
    keys: &'b [u8],
    jumps: &'b [u8],
    lists: &'b [u8],
    /// Those of hashes but for parts of numbers, and which pages they are of.
    filters: Vec<(u32, Fuse<'b>)>,
    parts: Vec<(u32, Fuse<'b>)>,
    count: u32,
}

impl<'b> Column<'b> {
    /// `None` where the bytes are no index of so many pages.
    pub fn read(mut bytes: &'b [u8], count: u32) -> Option<Column<'b>> {
        let bytes = &mut bytes;
        let flags = take_number(bytes)?;
        let mut sizes = Vec::new();
        for _ in 0..take_number(bytes)? {
            let length = take_number(bytes)?;
            let first = take(bytes, length)?;
            let raw = take_number(bytes).filter(|raw| *raw <= LARGEST_BLOCK)?;
            sizes.push((first, raw as usize, take_number(bytes)?));
        }
        let repeated = take_number(bytes)?;
        let keys = take(bytes, repeated.checked_mul(KEY as u64)?)?;
        let jumps = take(bytes, repeated.div_ceil(STRIDE as u64).checked_mul(4)?)?;
        let length = take_number(bytes)?;
        let lists = take(bytes, length)?;
        let mut lengths = [Vec::new(), Vec::new()];
        for lengths in &mut lengths {
            for _ in 0..take_number(bytes)? {
                lengths.push((u32::try_from(take_number(bytes)?).ok()?, take_number(bytes)?));
            }
        }
        let blocks = sizes.into_iter().map(|(first, raw, length)| Some((first, raw, take(bytes, length)?)));
        let blocks = blocks.collect::<Option<Vec<_>>>()?;
        let [filters, parts] = lengths.map(|lengths| {
            let filters = lengths.into_iter().map(|(group, length)| Some((group, Fuse::read(take(bytes, length)?)?)));
            filters.collect::<Option<Vec<_>>>()
        });
        Some(Column { flags, blocks, keys, jumps, lists, filters: filters?, parts: parts?, count })
    }

    /// The pages that may have a text with this piece in it; `None` where the index turns out to be damaged.
    pub fn pages(&self, piece: &Piece) -> Option<Pages> {
        let has = |bit: u64| self.flags & bit == bit;
        let text = piece.text.as_slice();
        let shape = shape(text);
        let mut among = Pages::all(self.count);
        let number = piece.part == Part::Whole && is_number(text);
        if number && has(flag::NUMBERS[class(text)]) {
            among = self.hashed(text, &among)?;
        }
        if has(flag::PARTS) {
            self.narrow(parts_of_numbers(text), &mut among)?;
        }
        if number || among.is_empty() {
            return Some(among);
        }
        if piece.part == Part::Whole {
            among.and(&self.shaped(Part::Whole, &shape)?);
            if shape != text && has(flag::MIXED) && !among.is_empty() {
                among = self.hashed(text, &among)?;
            }
            return Some(among);
        }
        let mut pages = self.shaped(piece.part, &shape)?;
        if has(flag::ANY_NUMBER) && can_be_in_number(text) {
            // Letters alone can be a part of a number too.
            let letters = shape == text && has(flag::PARTS) && text.len() >= DIGITS_OF_PART;
            let mut within = among.clone();
            if letters {
                self.narrow(text.windows(DIGITS_OF_PART).map(part_of_number), &mut within)?;
            }
            pages.or(&within);
        }
        pages.and(&among);
        Some(pages)
    }

    /// Leaves the pages that have all of these parts of numbers.
    fn narrow(&self, parts: impl Iterator<Item = u64>, pages: &mut Pages) -> Option<()> {
        for part in parts {
            if pages.is_empty() {
                break;
            }
            *pages = self.of(part, &self.parts, pages)?;
        }
        Some(())
    }

    /// The pages of words whose shape has this one.
    fn shaped(&self, part: Part, shape: &[u8]) -> Option<Pages> {
        let has = |bit: u64| self.flags & bit == bit;
        if !has(flag::WORDS) {
            return Some(Pages::all(self.count));
        }
        let whole = part == Part::Whole;
        let mut pages = Pages::none(self.count);
        let found = self.words(part, shape, &mut pages)?;
        let kept = whole && (found || shape.len() <= LONGEST_WORD && !has(flag::SHORT_RESTS));
        if has(flag::ANY_REST) && !kept {
            pages.or(&match part {
                Part::Whole if has(flag::RESTS) => self.hashed(shape, &Pages::all(self.count))?,
                Part::Prefix | Part::Suffix | Part::Inner if has(flag::RUNS) => self.runs(shape)?,
                Part::Whole | Part::Prefix | Part::Suffix | Part::Inner => Pages::all(self.count),
            });
        }
        Some(pages)
    }

    /// The pages of the kept shapes that have this one, and whether there are any.
    fn words(&self, part: Part, text: &[u8], pages: &mut Pages) -> Option<bool> {
        // Words that begin with the text stand together; the block before the first of them may have some too.
        let blocks = match part {
            Part::Whole | Part::Prefix => {
                let from = self.blocks.partition_point(|(first, ..)| *first <= text).saturating_sub(1);
                let behind = |first: &[u8]| first > text && !(part == Part::Prefix && first.starts_with(text));
                let to = self.blocks.partition_point(|(first, ..)| !behind(first));
                self.blocks.get(from..to.max(from))?
            }
            Part::Suffix | Part::Inner => self.blocks.as_slice(),
        };
        let mut wanted = Vec::with_capacity(text.len() + 2);
        if matches!(part, Part::Whole | Part::Prefix) {
            wanted.push(0);
        }
        wanted.extend_from_slice(text);
        if matches!(part, Part::Whole | Part::Suffix) {
            wanted.push(0);
        }
        let finder = memmem::Finder::new(&wanted);
        let mut any = false;
        let mut zstd = zstd::bulk::Decompressor::new().ok()?;
        for (_, raw, packed) in blocks {
            let unpacked = zstd.decompress(packed, *raw).ok()?;
            let mut rest = unpacked.as_slice();
            let length = take_number(&mut rest)?;
            let joined = take(&mut rest, length)?;
            let (mut at, mut passed, mut read) = (0, 0, 0);
            while let Some(found) = finder.find(joined.get(at..)?) {
                any = true;
                // The place of the word among the others, by the ends of those before it.
                let within = at + found + usize::from(wanted[0] == 0);
                let word = passed + joined.get(at..within)?.iter().filter(|byte| **byte == 0).count();
                // The bytes begin with the end of no word.
                let place = word.checked_sub(1)?;
                while read < place {
                    pages::read(&mut rest, self.count, None)?;
                    read += 1;
                }
                if read == place {
                    pages::read(&mut rest, self.count, Some(pages))?;
                    read += 1;
                }
                if part == Part::Whole {
                    return Some(true);
                }
                // On to the end of this word, where the next may begin.
                let end = within + joined.get(within..)?.iter().position(|byte| *byte == 0)?;
                passed = word;
                at = end;
            }
        }
        Some(any)
    }

    /// The pages among these of a number, a rest or a word with digits.
    fn hashed(&self, text: &[u8], among: &Pages) -> Option<Pages> {
        self.of(xxh64(text, TERM_SEED), &self.filters, among)
    }

    /// The pages among these that have a hash.
    fn of(&self, hash: u64, filters: &[(u32, Fuse<'b>)], among: &Pages) -> Option<Pages> {
        let key = key_of(hash);
        let count = self.keys.len() / KEY;
        let of = |at: usize| &self.keys[at * KEY..(at + 1) * KEY];
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = (low + high) / 2;
            if of(middle) < key.as_slice() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut pages = Pages::none(self.count);
        while low < count && of(low) == key.as_slice() {
            let jump = low / STRIDE;
            let start = u32::from_le_bytes(self.jumps.get(jump * 4..jump * 4 + 4)?.try_into().ok()?);
            let mut rest = self.lists.get(start as usize..)?;
            for _ in jump * STRIDE..low {
                pages::read(&mut rest, self.count, None)?;
            }
            pages::read(&mut rest, self.count, Some(&mut pages))?;
            low += 1;
        }
        // What was found may be another hash that begins alike, so the filters are asked in any case.
        for (group, filter) in filters {
            let first = group.saturating_mul(FILTER_PAGES);
            let last = first.saturating_add(FILTER_PAGES).min(self.count);
            let has = |page: &u32| among.has(*page) && filter.has(in_page(hash, *page));
            (first..last).filter(has).for_each(|page| pages.add(page));
        }
        pages.and(among);
        Some(pages)
    }

    /// The pages that have all runs of a part of a rest.
    fn runs(&self, text: &[u8]) -> Option<Pages> {
        let mut pages = Pages::all(self.count);
        for run in runs(text) {
            pages = self.of(run, &self.filters, &pages)?;
        }
        Some(pages)
    }
}

#[cfg(test)]
mod tests;
