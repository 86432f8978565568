//! Which texts were seen in which group, for aggregations to which a text that comes again is nothing new. A text has a code, a
//! group a row of bits: telling costs a look at one bit, wherever the group's own state lies.
use super::dictionary::Texts;
use super::repeats::Known;
use arrow::array::Array;
use hashbrown::HashMap;
use std::hash::Hash;

/// With more bytes of bits a look would cost what it saves.
const MOST_BYTES: usize = 64 << 20;

/// Texts of a dictionary are told apart already: of those there may be so many times more.
const OF_DICTIONARY: usize = 32;

/// Texts go by marks, which are the same where the texts are. A null is the empty text.
#[derive(Debug)]
pub struct Seen<M> {
    known: Known<u32>,
    codes: HashMap<M, u32>,
    /// Behind each code.
    marks: Vec<M>,
    /// The codes of the batch at hand.
    rows: Vec<u32>,
    bits: Vec<u64>,
    /// Of one group.
    words: usize,
    most: usize,
}

impl<M> Seen<M> {
    /// Tells so many texts apart.
    pub fn of(most: usize) -> Seen<M> {
        Seen {
            most,
            known: Known::default(),
            codes: HashMap::new(),
            marks: Vec::new(),
            rows: Vec::new(),
            bits: Vec::new(),
            words: 1,
        }
    }
}

impl<M: Copy + Eq + Hash> Seen<M> {
    /// Reads a batch. Gives whether there is room for its texts in so many groups; if not, its rows cannot be asked for.
    #[must_use]
    pub fn read(&mut self, texts: Texts<'_>, groups: usize, mark: impl Fn(&str) -> M) -> bool {
        let Seen { known, codes, marks, rows, .. } = self;
        let most = if matches!(texts, Texts::Dictionary(..)) { self.most * OF_DICTIONARY } else { self.most };
        rows.clear();
        known.read(texts, rows, |texts, new, out| {
            out.extend(new.iter().map(|row| {
                let mark = mark(if texts.is_null(*row) { "" } else { texts.value(*row) });
                *codes.entry(mark).or_insert_with(|| {
                    marks.push(mark);
                    marks.len() as u32 - 1
                })
            }));
        });
        marks.len() <= most && self.reserve(groups)
    }

    fn reserve(&mut self, groups: usize) -> bool {
        let words = self.marks.len().div_ceil(u64::BITS as usize).next_power_of_two().max(self.words);
        if groups.saturating_mul(words).saturating_mul(size_of::<u64>()) > MOST_BYTES {
            return false;
        }
        if words > self.words {
            let mut wider = vec![0; self.bits.len() / self.words * words];
            for (wide, narrow) in wider.chunks_exact_mut(words).zip(self.bits.chunks_exact(self.words)) {
                wide[..self.words].copy_from_slice(narrow);
            }
            (self.bits, self.words) = (wider, words);
        }
        if groups * words > self.bits.len() {
            self.bits.resize(groups * words, 0);
        }
        true
    }

    /// Whether the text of a row of this batch is new in a group, which it is not from now on.
    pub fn insert(&mut self, group: usize, row: usize) -> bool {
        let code = self.rows[row];
        let word = &mut self.bits[group * self.words + (code / u64::BITS) as usize];
        let bit = 1 << (code % u64::BITS);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn words(&self, group: usize) -> &[u64] {
        self.bits.get(group * self.words..(group + 1) * self.words).unwrap_or_default()
    }

    /// How many texts a group has.
    pub fn count(&self, group: usize) -> usize {
        self.words(group).iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The marks of all texts of a group.
    pub fn marks(&self, group: usize) -> impl Iterator<Item = M> + '_ {
        let codes = self.words(group).iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(at * u64::BITS as usize + bit as usize)
            })
        });
        codes.map(|code| self.marks[code])
    }

    pub fn size(&self) -> usize {
        self.bits.capacity() * size_of::<u64>()
            + self.codes.capacity() * (size_of::<(M, u32)>() + 1)
            + self.marks.capacity() * size_of::<M>()
            + self.known.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;
    use std::collections::BTreeSet;

    #[test]
    fn what_was_seen_stays_seen_as_groups_and_texts_grow() {
        let (mut seen, mut wanted) = (Seen::of(1_000_000), BTreeSet::new());
        for step in 0u32..300 {
            let texts: Vec<Option<String>> =
                (0..40).map(|row| (row % 11 > 0).then(|| format!("{}", (step * row + row) % (step * 7 + 1)))).collect();
            let array: StringViewArray = texts.iter().map(Option::as_deref).collect();
            let groups = step as usize / 3 + 1;
            assert!(seen.read(Texts::Views(&array), groups, mark));
            for (row, text) in texts.into_iter().enumerate() {
                let group = row * 31 % groups;
                let new = wanted.insert((group, mark(&text.unwrap_or_default())));
                assert_eq!(seen.insert(group, row), new, "{step} {row}");
            }
        }
        for group in 0..100 {
            let marks: BTreeSet<u64> = seen.marks(group).collect();
            assert_eq!(marks, wanted.range((group, 0)..(group + 1, 0)).map(|(_, mark)| *mark).collect());
        }
        let more = StringViewArray::from(vec!["17", "18", "19"]);
        assert!(!seen.read(Texts::Views(&more), 1 << 20, mark));
        assert!(Seen::of(3).read(Texts::Views(&more), 5, mark));
        assert!(!Seen::of(2).read(Texts::Views(&more), 5, mark));
    }

    /// One more than the number; the empty text is none.
    fn mark(text: &str) -> u64 {
        text.parse().map_or(0, |number: u64| number + 1)
    }
}
