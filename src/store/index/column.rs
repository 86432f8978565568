//! The index of one column: how it is built while a file is written, and what it is when it is read.
//!
//! - Words (terms that are no numbers) are kept as they are, sorted, in compressed blocks, each with its pages: so the
//!   beginning, the end and any part of a word can be looked for too.
//! - Numbers, hexadecimal ones among them, are only hashes. Those in many pages are kept with their pages, the others,
//!   each with its page, in filters. A part of a number cannot be looked for.
//! - Rests are words too long or too many to be kept: hashes in the filters, and so are all runs of three bytes in them.
//!
//! Pages are only ever too many, never too few. What does not fit the budget is left out, and is then everywhere.
use super::fuse::{self, Fuse};
use super::pages::{self, Pages, number, take, take_number};
use super::terms::{Addresses, Part, Piece, cut, of_dynamic};
use memchr::memmem;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh64::xxh64;

/// Longer words are rests.
const LONGEST_WORD: usize = 40;
/// Bytes of words in a block.
const BLOCK: usize = 24 << 10;
/// No block that we write comes near it.
const LARGEST_BLOCK: u64 = 16 << 20;
const LEVEL: i32 = 6;
/// Pages of a filter.
const FILTER_PAGES: u32 = 64;
/// Bytes of a number's hash.
const KEY: usize = 5;
/// Numbers between two places that can be jumped to.
const STRIDE: usize = 64;
/// Bytes of a run of a rest.
const GRAM: usize = 3;
/// More of a kind than this are not kept: what building may take in memory is bounded.
const MOST_PAIRS: usize = 6_000_000;
const MOST_WORDS: usize = 1_500_000;
const MOST_WORD_BYTES: usize = 24 << 20;

const TERM_SEED: u64 = 1;
const GRAM_SEED: u64 = 2;

/// What is in an index, and whether all of it is: bits of a column's first byte.
mod flag {
    /// All words are in the blocks or among the rests.
    pub const WORDS: u8 = 1;
    /// All numbers of each length are there.
    pub const NUMBERS: [u8; 3] = [2, 4, 8];
    /// There are numbers.
    pub const ANY_NUMBER: u8 = 16;
    /// There are rests.
    pub const ANY_REST: u8 = 32;
    /// All rests are in the filters, with their runs.
    pub const RESTS: u8 = 64;
}

/// A hash of a term or run, and a page that it is in.
type Pair = (u64, u32);

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

/// Hashes are spread well already.
#[derive(Default)]
pub struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Takes the texts of a column in their order.
#[derive(Default)]
pub struct Builder {
    dynamic: bool,
    page: u32,
    /// Texts seen in this page.
    seen: HashSet<u64, BuildHasherDefault<AsIs>>,
    words: Words,
    numbers: [Kept; 3],
    rests: Kept,
    grams: Kept,
    buffer: Vec<u8>,
}

#[derive(Default)]
struct Words {
    by_hash: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    bytes: Vec<u8>,
    /// Where each word ends, and the last page that it was in plus one.
    ends: Vec<(u32, u32)>,
    pairs: Vec<(u32, u32)>,
    dropped: bool,
}

/// Hashes with their pages.
#[derive(Default)]
struct Kept {
    here: Vec<u64>,
    pairs: Vec<Pair>,
    any: bool,
    dropped: bool,
}

impl Kept {
    fn add(&mut self, hash: u64) {
        self.any = true;
        if !self.dropped {
            self.here.push(hash);
        }
    }

    fn end_page(&mut self, page: u32) {
        self.here.sort_unstable();
        self.here.dedup();
        self.pairs.extend(self.here.drain(..).map(|hash| (hash, page)));
        if self.pairs.len() > MOST_PAIRS {
            *self = Kept { any: true, dropped: true, ..Kept::default() };
        }
    }
}

impl Words {
    fn word(&self, id: u32) -> &[u8] {
        let start = if id == 0 { 0 } else { self.ends[id as usize - 1].0 };
        &self.bytes[start as usize..self.ends[id as usize].0 as usize]
    }

    /// `false` where the word cannot be kept here.
    fn add(&mut self, word: &[u8], hash: u64, page: u32) -> bool {
        if self.dropped {
            return true;
        }
        let id = match self.by_hash.get(&hash) {
            Some(id) if self.word(*id) == word => *id,
            Some(_) => return false,
            None => {
                let id = self.ends.len() as u32;
                self.bytes.extend_from_slice(word);
                self.ends.push((self.bytes.len() as u32, 0));
                self.by_hash.insert(hash, id);
                id
            }
        };
        let last = &mut self.ends[id as usize].1;
        if *last != page + 1 {
            *last = page + 1;
            self.pairs.push((id, page));
        }
        if self.ends.len() > MOST_WORDS || self.bytes.len() > MOST_WORD_BYTES || self.pairs.len() > 4 * MOST_PAIRS {
            *self = Words { dropped: true, ..Words::default() };
        }
        true
    }
}

impl Builder {
    pub fn new(dynamic: bool) -> Builder {
        Builder { dynamic, ..Builder::default() }
    }

    pub fn add(&mut self, text: &str) {
        if text.is_empty() || !self.seen.insert(xxh64(text.as_bytes(), TERM_SEED)) {
            return;
        }
        if self.dynamic {
            of_dynamic(text, |text| self.cut(&text));
        } else {
            self.cut(text);
        }
    }

    fn cut(&mut self, text: &str) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut addresses = Addresses::default();
        cut(text, &mut buffer, |term, place| {
            self.term(term);
            if let Some(address) = addresses.next(text, place) {
                self.numbers[class(address)].add(xxh64(address, TERM_SEED));
            }
        });
        self.buffer = buffer;
    }

    fn term(&mut self, term: &[u8]) {
        let hash = xxh64(term, TERM_SEED);
        if is_number(term) {
            self.numbers[class(term)].add(hash);
        } else if term.len() > LONGEST_WORD || !self.words.add(term, hash, self.page) {
            self.rest(term, hash);
        }
    }

    fn rest(&mut self, term: &[u8], hash: u64) {
        self.rests.add(hash);
        term.windows(GRAM).for_each(|gram| self.grams.add(xxh64(gram, GRAM_SEED)));
    }

    pub fn end_page(&mut self) {
        let Builder { numbers, rests, grams, page, .. } = self;
        numbers.iter_mut().chain([rests, grams]).for_each(|kept| kept.end_page(*page));
        self.page += 1;
        self.seen.clear();
    }

    /// The index in about so many bytes; `None` where nothing of use fits. The last page must have ended.
    pub fn finish(mut self, budget: usize) -> Option<Vec<u8>> {
        let budget = budget.max(super::LEAST);
        let count = self.page;
        let mut flags = 0;
        let mut blocks = Vec::new();
        let mut most = count;
        let words = std::mem::take(&mut self.words);
        if !words.dropped {
            let places = words.places();
            let mut demoted = HashSet::default();
            // First words in many pages give up theirs, then rare ones that look made up become rests.
            for share in [2, 4, 8, 16, 16] {
                most = (count / share).max(1);
                blocks = words.blocks(&places, &demoted, count, most);
                if blocks.iter().map(Block::size).sum::<usize>() <= budget {
                    flags |= flag::WORDS;
                    break;
                }
                if share == 16 {
                    demoted = words.made_up(&places);
                }
            }
            if flags & flag::WORDS == 0 {
                blocks.clear();
            } else {
                let mut demoted: Vec<u32> = demoted.into_iter().collect();
                demoted.sort_unstable_by_key(|id| places.of(*id).first().copied());
                for id in demoted {
                    for page in places.of(id) {
                        let word = words.word(id);
                        self.rests.any = true;
                        self.rests.pairs.push((xxh64(word, TERM_SEED), *page));
                        self.grams.pairs.extend(word.windows(GRAM).map(|gram| (xxh64(gram, GRAM_SEED), *page)));
                    }
                }
                self.rests.dropped |= self.rests.pairs.len() > MOST_PAIRS;
                self.grams.dropped |= self.grams.pairs.len() > MOST_PAIRS;
            }
        }
        drop(words);
        let mut left = budget.saturating_sub(blocks.iter().map(Block::size).sum());
        if self.numbers.iter().any(|numbers| numbers.any) {
            flags |= flag::ANY_NUMBER;
        }
        let (mut repeated, mut single) = (Vec::new(), Vec::new());
        let [short, middle, long] = self.numbers;
        if self.rests.any {
            flags |= flag::ANY_REST;
        }
        let rests = !self.rests.dropped && !self.grams.dropped;
        let kinds = [
            (flag::NUMBERS[2], !long.dropped, vec![long.pairs]),
            (flag::RESTS, rests, vec![self.rests.pairs, self.grams.pairs]),
            (flag::NUMBERS[1], !middle.dropped, vec![middle.pairs]),
            (flag::NUMBERS[0], !short.dropped, vec![short.pairs]),
        ];
        for (bit, whole, pairs) in kinds {
            if !whole {
                continue;
            }
            // Whoever looks for an id has nothing but its long numbers, so they may take more than their share.
            let left_here = if bit == flag::NUMBERS[2] { left + budget * 3 / 2 } else { left };
            for share in [2, 8] {
                let (more, others, cost) = parted(pairs.concat(), count, (count / share).max(1));
                if cost <= left_here {
                    left = left.saturating_sub(cost);
                    flags |= bit;
                    most = most.min((count / share).max(1));
                    repeated.extend(more);
                    single.extend(others);
                    break;
                }
            }
        }
        let useful = flag::WORDS | flag::NUMBERS.iter().fold(0, |all, bit| all | bit);
        (flags & useful != 0).then(|| write(flags, &blocks, repeated, single, count, most))
    }
}

/// The pages of each word, one list behind the other.
struct Places {
    starts: Vec<u32>,
    pages: Vec<u32>,
}

impl Places {
    fn of(&self, id: u32) -> &[u32] {
        let id = id as usize;
        &self.pages[self.starts[id] as usize..self.starts[id + 1] as usize]
    }
}

/// Words as they are written.
struct Block {
    first: Vec<u8>,
    raw: usize,
    bytes: Vec<u8>,
}

impl Block {
    fn size(&self) -> usize {
        self.bytes.len() + self.first.len() + 6
    }
}

impl Words {
    fn places(&self) -> Places {
        let mut starts = vec![0u32; self.ends.len() + 1];
        self.pairs.iter().for_each(|(id, _)| starts[*id as usize + 1] += 1);
        for id in 1..starts.len() {
            starts[id] += starts[id - 1];
        }
        let mut next = starts.clone();
        let mut pages = vec![0; self.pairs.len()];
        for (id, page) in &self.pairs {
            let at = &mut next[*id as usize];
            pages[*at as usize] = *page;
            *at += 1;
        }
        Places { starts, pages }
    }

    /// Words in one page only that have digits in them or no vowel, or are long.
    fn made_up(&self, places: &Places) -> HashSet<u32> {
        let ids = 0..self.ends.len() as u32;
        let looks = |id: &u32| {
            let word = self.word(*id);
            let vowel = |byte: &u8| matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y') || !byte.is_ascii();
            places.of(*id).len() == 1
                && (word.len() > 16 || word.iter().any(u8::is_ascii_digit) || !word.iter().any(vowel))
        };
        ids.filter(looks).collect()
    }

    fn blocks(&self, places: &Places, without: &HashSet<u32>, count: u32, most: u32) -> Vec<Block> {
        let mut ids: Vec<u32> = (0..self.ends.len() as u32).filter(|id| !without.contains(id)).collect();
        ids.sort_unstable_by(|a, b| self.word(*a).cmp(self.word(*b)));
        let mut blocks = Vec::new();
        let mut rest = ids.as_slice();
        while let Some(first) = rest.first() {
            let mut bytes = 0;
            let take = rest.iter().take_while(|id| {
                bytes += self.word(**id).len() + 1;
                bytes <= BLOCK
            });
            let (ids, others) = rest.split_at(take.count().max(1));
            rest = others;
            let mut raw = Vec::with_capacity(bytes + 4 * ids.len());
            let mut joined = vec![0];
            for id in ids {
                joined.extend_from_slice(self.word(*id));
                joined.push(0);
            }
            number(joined.len() as u64, &mut raw);
            raw.extend(joined);
            ids.iter().for_each(|id| pages::write(places.of(*id), count, most, &mut raw));
            // Compression of bytes in memory does not fail; without the block its words would be nowhere.
            let Ok(bytes) = zstd::bulk::compress(&raw, LEVEL) else { return Vec::new() };
            blocks.push(Block { first: self.word(*first).to_vec(), raw: raw.len(), bytes });
        }
        blocks
    }
}

/// A hash that stands with all its pages.
type Repeated = (u64, Vec<u32>);

/// Parts hashes into those that are cheaper with all their pages, and those that go into filters; and what they cost.
fn parted(mut pairs: Vec<Pair>, count: u32, most: u32) -> (Vec<Repeated>, Vec<Pair>, usize) {
    pairs.sort_unstable();
    pairs.dedup();
    let (mut repeated, mut single, mut cost) = (Vec::new(), Vec::new(), 0);
    for same in pairs.chunk_by(|a, b| a.0 == b.0) {
        let own = KEY + pages::cost(same.len(), count, most);
        if own * 8 < same.len() * 9 {
            cost += own;
            repeated.push((same[0].0, same.iter().map(|pair| pair.1).collect()));
        } else {
            single.extend_from_slice(same);
        }
    }
    cost += single.len() * 9 / 8;
    (repeated, single, cost)
}

fn write(
    flags: u8,
    blocks: &[Block],
    mut repeated: Vec<Repeated>,
    mut single: Vec<Pair>,
    count: u32,
    most: u32,
) -> Vec<u8> {
    let mut flags = flags;
    single.sort_unstable_by_key(|(_, page)| *page);
    let mut filters = Vec::new();
    for pairs in single.chunk_by(|a, b| a.1 / FILTER_PAGES == b.1 / FILTER_PAGES) {
        let mut keys: Vec<u64> = pairs.iter().map(|(hash, page)| in_page(*hash, *page)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut filter = Vec::new();
        if !fuse::write(&keys, &mut filter) {
            // Without its filter nothing can be said of what was to be in it.
            flags &= flag::WORDS | flag::ANY_NUMBER | flag::ANY_REST;
            filters.clear();
            repeated.clear();
            break;
        }
        filters.push((pairs[0].1 / FILTER_PAGES, filter));
    }
    let mut out = vec![flags];
    number(blocks.len() as u64, &mut out);
    for block in blocks {
        number(block.first.len() as u64, &mut out);
        out.extend_from_slice(&block.first);
        number(block.raw as u64, &mut out);
        number(block.bytes.len() as u64, &mut out);
    }
    repeated.sort_unstable();
    number(repeated.len() as u64, &mut out);
    repeated.iter().for_each(|(hash, _)| out.extend_from_slice(&key_of(*hash)));
    let mut lists = Vec::new();
    let mut jumps = Vec::new();
    for (at, (_, pages)) in repeated.iter().enumerate() {
        if at % STRIDE == 0 {
            jumps.extend_from_slice(&(lists.len() as u32).to_le_bytes());
        }
        pages::write(pages, count, most, &mut lists);
    }
    out.extend(jumps);
    number(lists.len() as u64, &mut out);
    out.extend(lists);
    number(filters.len() as u64, &mut out);
    for (group, filter) in &filters {
        number(u64::from(*group), &mut out);
        number(filter.len() as u64, &mut out);
    }
    blocks.iter().for_each(|block| out.extend_from_slice(&block.bytes));
    filters.iter().for_each(|(_, filter)| out.extend_from_slice(filter));
    out
}

/// The index of a column as it lies in a file.
pub struct Column<'b> {
    flags: u8,
    /// First word, size unpacked, bytes.
    blocks: Vec<(&'b [u8], usize, &'b [u8])>,
    keys: &'b [u8],
    jumps: &'b [u8],
    lists: &'b [u8],
    filters: Vec<(u32, Fuse<'b>)>,
    count: u32,
}

impl<'b> Column<'b> {
    /// `None` where the bytes are no index of so many pages.
    pub fn read(mut bytes: &'b [u8], count: u32) -> Option<Column<'b>> {
        let bytes = &mut bytes;
        let flags = take(bytes, 1)?[0];
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
        let mut lengths = Vec::new();
        for _ in 0..take_number(bytes)? {
            lengths.push((u32::try_from(take_number(bytes)?).ok()?, take_number(bytes)?));
        }
        let blocks = sizes.into_iter().map(|(first, raw, length)| Some((first, raw, take(bytes, length)?)));
        let blocks = blocks.collect::<Option<Vec<_>>>()?;
        let filters = lengths.into_iter().map(|(group, length)| Some((group, Fuse::read(take(bytes, length)?)?)));
        let filters = filters.collect::<Option<Vec<_>>>()?;
        Some(Column { flags, blocks, keys, jumps, lists, filters, count })
    }

    /// The pages that may have a text with this piece in it; `None` where the index turns out to be damaged.
    pub fn pages(&self, piece: &Piece) -> Option<Pages> {
        let has = |bit: u8| self.flags & bit == bit;
        let text = piece.text.as_slice();
        let whole = piece.part == Part::Whole;
        if whole && is_number(text) {
            return if has(flag::NUMBERS[class(text)]) { self.hashed(text) } else { Some(Pages::all(self.count)) };
        }
        let in_number = !whole && has(flag::ANY_NUMBER) && can_be_in_number(text);
        if in_number || !has(flag::WORDS) {
            return Some(Pages::all(self.count));
        }
        let mut pages = Pages::none(self.count);
        let found = self.words(piece, &mut pages)?;
        if has(flag::ANY_REST) && !(whole && found) {
            pages.or(&if !has(flag::RESTS) {
                Pages::all(self.count)
            } else if whole {
                self.hashed(text)?
            } else {
                self.runs(text)?
            });
        }
        Some(pages)
    }

    /// The pages of the words that a piece is in, and whether there are any.
    fn words(&self, piece: &Piece, pages: &mut Pages) -> Option<bool> {
        let text = piece.text.as_slice();
        // Words that begin with the text stand together; the block before the first of them may have some too.
        let blocks = match piece.part {
            Part::Whole | Part::Prefix => {
                let from = self.blocks.partition_point(|(first, ..)| *first <= text).saturating_sub(1);
                let behind = |first: &[u8]| first > text && !(piece.part == Part::Prefix && first.starts_with(text));
                let to = self.blocks.partition_point(|(first, ..)| !behind(first));
                self.blocks.get(from..to.max(from))?
            }
            Part::Suffix | Part::Inner => self.blocks.as_slice(),
        };
        let mut wanted = Vec::with_capacity(text.len() + 2);
        if matches!(piece.part, Part::Whole | Part::Prefix) {
            wanted.push(0);
        }
        wanted.extend_from_slice(text);
        if matches!(piece.part, Part::Whole | Part::Suffix) {
            wanted.push(0);
        }
        let finder = memmem::Finder::new(&wanted);
        let mut any = false;
        for (_, raw, packed) in blocks {
            let unpacked = zstd::bulk::decompress(packed, *raw).ok()?;
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
                if piece.part == Part::Whole {
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

    /// The pages of a number or a rest.
    fn hashed(&self, text: &[u8]) -> Option<Pages> {
        self.of_hash(xxh64(text, TERM_SEED))
    }

    fn of_hash(&self, hash: u64) -> Option<Pages> {
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
        for (group, filter) in &self.filters {
            let first = group.saturating_mul(FILTER_PAGES);
            let last = first.saturating_add(FILTER_PAGES).min(self.count);
            (first..last).filter(|page| filter.has(in_page(hash, *page))).for_each(|page| pages.add(page));
        }
        Some(pages)
    }

    /// The pages that have all runs of a part of a rest.
    fn runs(&self, text: &[u8]) -> Option<Pages> {
        let mut pages = Pages::all(self.count);
        for gram in text.windows(GRAM) {
            pages.and(&self.of_hash(xxh64(gram, GRAM_SEED))?);
        }
        Some(pages)
    }
}

#[cfg(test)]
mod tests;
