//! How the index of a column is built while its file is written.
use super::super::fuse;
use super::super::pages::{self, number};
use super::super::terms::{Addresses, cut, of_dynamic};
use super::{DIGITS, FILTER_PAGES, KEY, STRIDE, TERM_SEED, TURN};
use super::{class, flag, in_page, is_number, key_of, parts_of_numbers, runs, shape};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh64::xxh64;

/// Longer shapes are rests.
const LONGEST_WORD: usize = 40;
/// Bytes of terms in a text that people look for parts in, on the average: a name or an address has less.
const LONG_TEXT: u64 = 25;
/// Bytes of words in a block.
const BLOCK: usize = 24 << 10;
const LEVEL: i32 = 6;
/// More of a kind than this are not kept: what building may take in memory is bounded.
const MOST_PAIRS: usize = 6_000_000;
const MOST_WORDS: usize = 1_500_000;
const MOST_WORD_BYTES: usize = 24 << 20;

/// A hash of a term or run, and a page that it is in.
type Pair = (u64, u32);

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
    /// Words with digits.
    mixed: Kept,
    rests: Kept,
    grams: Kept,
    /// Parts of numbers, also of those in words: as long as the texts are long and numbers the smaller part of them.
    parts: Kept,
    texts: u64,
    bytes: u64,
    bytes_of_numbers: u64,
    buffer: Vec<u8>,
}

/// An index, and whether all is in it that there was to say.
pub struct Built {
    pub bytes: Vec<u8>,
    pub whole: bool,
}

/// How much is to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    Terms,
    /// Parts of numbers too, and in few wrong pages.
    Most,
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
        self.texts += 1;
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
        self.bytes += term.len() as u64;
        if !self.parts.dropped {
            parts_of_numbers(term).for_each(|part| self.parts.add(part));
        }
        if is_number(term) {
            self.bytes_of_numbers += term.len() as u64;
            self.numbers[class(term)].add(xxh64(term, TERM_SEED));
            return;
        }
        let shape = shape(term);
        if shape != term {
            self.mixed.add(xxh64(term, TERM_SEED));
        }
        let hash = xxh64(&shape, TERM_SEED);
        if shape.len() > LONGEST_WORD || !self.words.add(&shape, hash, self.page) {
            self.rests.add(hash);
            runs(&shape).for_each(|run| self.grams.add(run));
        }
    }

    pub fn end_page(&mut self) {
        let Builder { numbers, mixed, rests, grams, parts, page, .. } = self;
        numbers.iter_mut().chain([mixed, rests, grams, parts]).for_each(|kept| kept.end_page(*page));
        if self.bytes_of_numbers * 2 > self.bytes || self.bytes < self.texts * LONG_TEXT {
            self.parts = Kept { dropped: true, ..Kept::default() };
        }
        self.page += 1;
        self.seen.clear();
    }

    /// Whether these are texts that people look for parts of numbers in.
    pub fn has_parts(&self) -> bool {
        self.parts.any && !self.parts.dropped
    }

    /// The index in about so many bytes; `None` where nothing of use fits. The last page must have ended.
    pub fn finish(&self, budget: usize, detail: Detail) -> Option<Built> {
        let budget = budget.max(super::super::LEAST);
        let count = self.page;
        let mut flags = 0;
        let (mut rests, mut grams) = (self.rests.pairs.clone(), self.grams.pairs.clone());
        let (mut blocks, mut most) = (Vec::new(), count);
        let mut whole = false;
        if !self.words.dropped {
            let places = self.words.places();
            let mut demoted = HashSet::default();
            // First words in many pages give up theirs, then rare ones that look made up become rests.
            for (step, share) in [2, 4, 8, 16, 16].into_iter().enumerate() {
                most = (count / share).max(1);
                blocks = self.words.blocks(&places, &demoted, count, most);
                if blocks.iter().map(Block::size).sum::<usize>() <= budget {
                    flags |= flag::WORDS;
                    whole = step == 0;
                    break;
                }
                if share == 16 {
                    demoted = self.words.made_up(&places);
                }
            }
            if flags & flag::WORDS == 0 {
                blocks.clear();
            } else {
                let mut demoted: Vec<u32> = demoted.into_iter().collect();
                demoted.sort_unstable_by_key(|id| places.of(*id).first().copied());
                for id in demoted {
                    let word = self.words.word(id);
                    for page in places.of(id) {
                        rests.push((xxh64(word, TERM_SEED), *page));
                        grams.extend(runs(word).map(|run| (run, *page)));
                    }
                }
            }
        }
        let mut left = budget.saturating_sub(blocks.iter().map(Block::size).sum());
        let (mut repeated, mut single) = (Vec::new(), Vec::new());
        if self.numbers.iter().any(|numbers| numbers.any) {
            flags |= flag::ANY_NUMBER;
        }
        if self.rests.any || !rests.is_empty() {
            flags |= flag::ANY_REST;
        }
        let [short, middle, long] = &self.numbers;
        let kept = |of: &Kept| (!of.dropped).then(|| of.pairs.clone());
        let kinds = [
            (flag::NUMBERS[2], kept(long)),
            (flag::MIXED, kept(&self.mixed)),
            (flag::RESTS, (!self.rests.dropped && rests.len() <= MOST_PAIRS).then_some(rests)),
            (flag::NUMBERS[1], kept(middle)),
            (flag::RUNS, (!self.grams.dropped && grams.len() <= MOST_PAIRS).then_some(grams)),
            (flag::NUMBERS[0], kept(short)),
            (flag::PARTS, kept(&self.parts)),
        ];
        if detail == Detail::Most {
            flags |= flag::TWICE;
        }
        for (bit, pairs) in kinds {
            if bit == flag::PARTS && detail == Detail::Terms {
                continue;
            }
            let fits = pairs.and_then(|mut pairs| {
                pairs.sort_unstable();
                pairs.dedup();
                [2, 8].into_iter().find_map(|share| {
                    let most = (count / share).max(1);
                    Some((share, most, parted(&pairs, count, most))).filter(|(.., (.., cost))| *cost <= left)
                })
            });
            let Some((share, of_these, (more, others, cost))) = fits else {
                whole = false;
                continue;
            };
            left -= cost;
            flags |= bit;
            whole &= share == 2;
            most = most.min(of_these);
            repeated.extend(more);
            single.extend(others);
        }
        let useful = flag::WORDS | flag::MIXED | flag::NUMBERS.iter().fold(0, |all, bit| all | bit);
        (flags & useful != 0).then(|| Built { bytes: write(flags, &blocks, repeated, single, count, most), whole })
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
            places.of(*id).len() == 1 && (word.len() > 16 || word.contains(&DIGITS) || !word.iter().any(vowel))
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

/// Parts hashes, sorted, into those that are cheaper with all their pages, and those that go into filters; and what they cost.
fn parted(pairs: &[Pair], count: u32, most: u32) -> (Vec<Repeated>, Vec<Pair>, usize) {
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
    mut flags: u64,
    blocks: &[Block],
    mut repeated: Vec<Repeated>,
    mut single: Vec<Pair>,
    count: u32,
    most: u32,
) -> Vec<u8> {
    single.sort_unstable_by_key(|(_, page)| *page);
    let mut filters = Vec::new();
    for pairs in single.chunk_by(|a, b| a.1 / FILTER_PAGES == b.1 / FILTER_PAGES) {
        let mut keys: Vec<u64> = pairs.iter().map(|(hash, page)| in_page(*hash, *page)).collect();
        keys.sort_unstable();
        keys.dedup();
        let turns: &[u32] = if flags & flag::TWICE > 0 { &[0, TURN] } else { &[0] };
        let written = turns.iter().all(|turn| {
            keys.iter_mut().for_each(|key| *key = key.rotate_left(*turn));
            let mut filter = Vec::new();
            let written = fuse::write(&keys, &mut filter);
            filters.push((pairs[0].1 / FILTER_PAGES, filter));
            written
        });
        if !written {
            // Without its filter nothing can be said of what was to be in it.
            flags &= flag::WORDS | flag::ANY_NUMBER | flag::ANY_REST;
            filters.clear();
            repeated.clear();
            break;
        }
    }
    let mut out = Vec::new();
    number(flags, &mut out);
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
