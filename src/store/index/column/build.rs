//! How the index of a column is built while its file is written.
use super::super::fuse::{self, Bits};
use super::super::pages::{self, number};
use super::super::terms::{Addresses, cut, of_dynamic};
use super::{DIGITS, FILTER_PAGES, KEY, LONGEST_WORD, STRIDE, TERM_SEED};
use super::{class, flag, in_page, is_number, key_of, parts_of_numbers, runs, shape};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh64::xxh64;

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
    /// Whether words are among the rests for another reason than that they are long.
    short_rests: bool,
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
    /// Parts of numbers too.
    Parts,
    /// All that in few wrong pages.
    Most,
}

impl Detail {
    /// Bits of the filters of whole terms.
    fn bits(self) -> Bits {
        match self {
            Detail::Terms | Detail::Parts => 8,
            Detail::Most => 12,
        }
    }
}

/// Of parts of numbers a needle has several, so that one may be in wrong pages more often.
const BITS_OF_PARTS: Bits = 3;

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
        let long = shape.len() > LONGEST_WORD;
        if long || !self.words.add(&shape, hash, self.page) {
            self.short_rests |= !long;
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

    /// All that was said, ready to be cut to size. The last page must have ended.
    pub fn draft(self) -> Draft {
        let sorted = |kept: Kept| {
            let mut pairs = kept.pairs;
            pairs.sort_unstable();
            (!kept.dropped).then_some(pairs)
        };
        let Builder { words, numbers, mixed, rests, short_rests, grams, parts, page, .. } = self;
        let any_number = numbers.iter().any(|numbers| numbers.any);
        let any_rest = rests.any;
        let places = words.places();
        Draft {
            count: page,
            places,
            steps: [const { None }; STEPS.len()],
            words,
            any_number,
            any_rest,
            short_rests,
            looked_into: parts.any && !parts.dropped,
            numbers: numbers.map(sorted),
            mixed: sorted(mixed),
            rests: sorted(rests),
            grams: sorted(grams),
            parts: sorted(parts),
        }
    }
}

/// The index of a column that is still to be cut to size.
pub struct Draft {
    count: u32,
    words: Words,
    places: Places,
    /// Words as they are written, once they were.
    steps: [Option<Step>; STEPS.len()],
    any_number: bool,
    any_rest: bool,
    short_rests: bool,
    /// Whether these are texts that people look for parts of numbers in.
    pub looked_into: bool,
    numbers: [Option<Vec<Pair>>; 3],
    mixed: Option<Vec<Pair>>,
    rests: Option<Vec<Pair>>,
    grams: Option<Vec<Pair>>,
    parts: Option<Vec<Pair>>,
}

/// What words lose where there is no room: those in more than a share of all pages give up theirs, then rare ones that
/// look made up become rests.
const STEPS: [(u32, bool); 5] = [(2, false), (4, false), (8, false), (16, false), (16, true)];

/// Words without what they lost.
struct Step {
    blocks: Vec<Block>,
    size: usize,
    /// What became rests.
    rests: Vec<Pair>,
    grams: Vec<Pair>,
}

impl Draft {
    fn step(&mut self, at: usize) -> &Step {
        let Draft { count, words, places, steps, .. } = self;
        steps[at].get_or_insert_with(|| {
            let (share, without) = STEPS[at];
            let made_up = if without { words.made_up(places) } else { HashSet::new() };
            let blocks = words.blocks(places, &made_up, *count, (*count / share).max(1));
            let size = blocks.iter().map(Block::size).sum();
            let (mut rests, mut grams) = (Vec::new(), Vec::new());
            for id in made_up {
                let word = words.word(id);
                for page in places.of(id) {
                    rests.push((xxh64(word, TERM_SEED), *page));
                    grams.extend(runs(word).map(|run| (run, *page)));
                }
            }
            Step { blocks, size, rests, grams }
        })
    }

    /// The index in about so many bytes; `None` where nothing of use fits.
    pub fn finish(&mut self, budget: usize, detail: Detail) -> Option<Built> {
        let budget = budget.max(super::super::LEAST);
        let count = self.count;
        let mut flags = 0;
        let (mut left, mut most, mut whole) = (budget, count, false);
        let fits = (0..STEPS.len()).find(|at| !self.words.dropped && self.step(*at).size <= budget);
        if let Some(at) = fits {
            flags |= flag::WORDS;
            left -= self.step(at).size;
            most = (count / STEPS[at].0).max(1);
            whole = at == 0;
        }
        let step = fits.and_then(|at| self.steps[at].as_ref());
        let (rests, grams) = (
            with(&self.rests, step.map_or(&[], |step| &step.rests)),
            with(&self.grams, step.map_or(&[], |step| &step.grams)),
        );
        if self.any_number {
            flags |= flag::ANY_NUMBER;
        }
        let demoted = step.is_some_and(|step| !step.rests.is_empty());
        if self.any_rest || demoted {
            flags |= flag::ANY_REST;
        }
        if self.short_rests || demoted {
            flags |= flag::SHORT_RESTS;
        }
        let [short, middle, long] = &self.numbers;
        let bits = detail.bits();
        let kinds = [
            (flag::NUMBERS[2], long.as_deref(), bits),
            (flag::MIXED, self.mixed.as_deref(), bits),
            (flag::RESTS, rests.as_deref(), bits),
            (flag::NUMBERS[1], middle.as_deref(), bits),
            (flag::RUNS, grams.as_deref(), bits),
            (flag::NUMBERS[0], short.as_deref(), bits),
            (flag::PARTS, self.parts.as_deref().filter(|_| detail != Detail::Terms), BITS_OF_PARTS),
        ];
        let mut parted = Parted::default();
        for (bit, pairs, bits) in kinds {
            let fits = pairs.and_then(|pairs| {
                [2, 8].into_iter().find_map(|share| {
                    let most = (count / share).max(1);
                    Some((share, most, cost(pairs, count, most, bits))).filter(|(.., cost)| *cost <= left)
                })
            });
            let (Some(pairs), Some((share, of_these, cost))) = (pairs, fits) else {
                whole &= bit == flag::PARTS && detail == Detail::Terms;
                continue;
            };
            left -= cost;
            flags |= bit;
            whole &= share == 2;
            most = most.min(of_these);
            parted.take(pairs, count, of_these, bits, bit == flag::PARTS);
        }
        let useful = flag::WORDS | flag::MIXED | flag::NUMBERS.iter().fold(0, |all, bit| all | bit);
        let blocks = step.map_or(&[][..], |step| &step.blocks);
        (flags & useful != 0).then(|| Built { bytes: write(flags, blocks, parted, bits, count, most), whole })
    }
}

/// These pairs and some more, in their order; nothing where there are too many.
fn with<'p>(pairs: &'p Option<Vec<Pair>>, more: &[Pair]) -> Option<Cow<'p, [Pair]>> {
    let pairs = pairs.as_deref()?;
    if more.is_empty() {
        return Some(Cow::Borrowed(pairs));
    }
    let mut all = [pairs, more].concat();
    all.sort_unstable();
    all.dedup();
    (all.len() <= MOST_PAIRS).then_some(Cow::Owned(all))
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

/// Hashes as they are written: some with all their pages, others in filters.
#[derive(Default)]
struct Parted {
    repeated: Vec<Repeated>,
    single: Vec<Pair>,
    /// Parts of numbers, in filters of their own.
    parts: Vec<Pair>,
}

/// What a hash in so many pages takes with all of them, where that is less than it takes in filters.
fn own_cost(pages: usize, count: u32, most: u32, bits: Bits) -> Option<usize> {
    Some(KEY + pages::cost(pages, count, most)).filter(|own| *own < fuse::cost(pages, bits))
}

/// What pairs, sorted, take.
fn cost(pairs: &[Pair], count: u32, most: u32, bits: Bits) -> usize {
    let (mut cost, mut single) = (0, 0);
    for same in pairs.chunk_by(|a, b| a.0 == b.0) {
        match own_cost(same.len(), count, most, bits) {
            Some(own) => cost += own,
            None => single += same.len(),
        }
    }
    cost + fuse::cost(single, bits)
}

impl Parted {
    fn take(&mut self, pairs: &[Pair], count: u32, most: u32, bits: Bits, parts: bool) {
        for same in pairs.chunk_by(|a, b| a.0 == b.0) {
            match own_cost(same.len(), count, most, bits) {
                Some(_) => self.repeated.push((same[0].0, same.iter().map(|pair| pair.1).collect())),
                None if parts => self.parts.extend_from_slice(same),
                None => self.single.extend_from_slice(same),
            }
        }
    }
}

/// The filters of pairs, each with the number of the pages that it is of; `None` where one does not come about.
fn filters(mut pairs: Vec<Pair>, bits: Bits) -> Option<Vec<(u32, Vec<u8>)>> {
    pairs.sort_unstable_by_key(|(_, page)| *page);
    let groups = pairs.chunk_by(|a, b| a.1 / FILTER_PAGES == b.1 / FILTER_PAGES);
    let filters = groups.map(|pairs| {
        let mut keys: Vec<u64> = pairs.iter().map(|(hash, page)| in_page(*hash, *page)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut filter = Vec::new();
        fuse::write(&keys, bits, &mut filter).then_some((pairs[0].1 / FILTER_PAGES, filter))
    });
    filters.collect()
}

fn write(mut flags: u64, blocks: &[Block], parted: Parted, bits: Bits, count: u32, most: u32) -> Vec<u8> {
    let Parted { mut repeated, single, parts } = parted;
    let written = filters(single, bits).zip(filters(parts, BITS_OF_PARTS));
    let filters = written.map_or_else(
        || {
            // Without its filter nothing can be said of what was to be in it.
            flags &= flag::WORDS | flag::ANY_NUMBER | flag::ANY_REST | flag::SHORT_RESTS;
            repeated.clear();
            [vec![], vec![]]
        },
        |(single, parts)| [single, parts],
    );
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
    for filters in &filters {
        number(filters.len() as u64, &mut out);
        for (group, filter) in filters {
            number(u64::from(*group), &mut out);
            number(filter.len() as u64, &mut out);
        }
    }
    blocks.iter().for_each(|block| out.extend_from_slice(&block.bytes));
    filters.iter().flatten().for_each(|(_, filter)| out.extend_from_slice(filter));
    out
}
