//! Texts that repeat within a column. A column that Parquet keeps as a dictionary arrives as views into that dictionary:
//! equal views are equal texts, and comparing two views costs less than looking at one text.
use super::dictionary::{OfDictionary, Texts, lie_first};
use arrow::array::{Array, StringViewArray};
use arrow::buffer::{BooleanBuffer, Buffer};
use std::sync::Mutex;

/// Places of the table of views; a power of two.
const PLACES: usize = 1 << 11;
/// A column of more texts than this in a batch, or of more than one in [`SHARE`] rows, is taken as it comes.
const MOST: usize = PLACES / 2;
const SHARE: usize = 4;
/// So many rows are looked at before a column is judged.
const TRIAL: usize = 512;
const NULL: u32 = u32::MAX;

/// Which rows of a column have equal texts.
pub struct Repeats {
    /// For each row the number of its text.
    pub texts: Vec<u32>,
    /// A row of each text.
    pub rows: Vec<u32>,
}

impl Repeats {
    /// `None` where the texts hardly repeat. Two numbers may stand for equal texts, never one for different texts; a null
    /// is a text of its own.
    pub fn of(array: &StringViewArray) -> Option<Repeats> {
        let mut table = vec![(0u128, NULL); PLACES];
        let mut texts = Vec::with_capacity(array.len());
        let mut rows = Vec::new();
        let mut null = NULL;
        for (row, view) in array.views().iter().enumerate() {
            if row % TRIAL == 0 && row > 0 && rows.len() * SHARE > row || rows.len() >= MOST {
                return None;
            }
            if array.is_null(row) {
                if null == NULL {
                    null = rows.len() as u32;
                    rows.push(row as u32);
                }
                texts.push(null);
                continue;
            }
            let mut place = place_of(*view, PLACES);
            let text = loop {
                match &mut table[place] {
                    (found, text) if *text != NULL && found == view => break *text,
                    (found, text) if *text == NULL => {
                        (*found, *text) = (*view, rows.len() as u32);
                        rows.push(row as u32);
                        break *text;
                    }
                    _ => place = (place + 1) % PLACES,
                }
            };
            texts.push(text);
        }
        (rows.len() * SHARE <= array.len()).then_some(Repeats { texts, rows })
    }
}

/// Where a table of so many places, a power of two, looks for a view first.
fn place_of(view: u128, places: usize) -> usize {
    let mixed = (view as u64 ^ (view >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize & (places - 1)
}

/// Longer texts lie in a buffer, shorter ones in the view itself.
const INLINE: u32 = 12;
/// Bytes of a buffer that one slot stands for. In a dictionary of Parquet two texts that are not inline begin further apart.
const SLOT: usize = 16;
/// So many slots a row of a batch are not worth their memory.
const SLOTS_A_ROW: usize = 128;
/// Places of the table of inline texts at first and at most; powers of two.
const FEWEST: usize = 1 << 8;
const MOST_SHORT: usize = 1 << 16;

/// Places of the table of what was asked for last; a power of two.
const LAST: usize = 1 << 9;
/// No text is so long.
const NO_TEXT: u128 = u128::MAX;

/// What was found out about texts, by where they lie, as long as the views are into the same memory: over all batches of
/// a row group, where Parquet keeps a dictionary. Of inline texts it holds for good.
#[derive(Debug)]
pub struct Known<T> {
    /// Kept, so that no other text can come to lie where these are.
    buffers: Vec<Buffer>,
    /// Where the slots of each buffer begin.
    starts: Vec<usize>,
    /// Which text a slot is of, by [`mark`]; 0 of none.
    marks: Vec<u32>,
    values: Vec<T>,
    /// Inline texts by their hash, and what is known of each.
    short: Vec<u128>,
    short_values: Vec<T>,
    shorts: usize,
    /// What was asked for last, by its hash, whether inline or not: which it is cannot be guessed ahead, and where few texts
    /// take turns, guessing wrong costs more than all the rest.
    last: Vec<(u128, T)>,
    uses_last: bool,
    asked: usize,
    missed: usize,
    /// The first batch over this memory: whether the texts repeat is not known yet.
    trial: bool,
    resting: bool,
    /// Where the column is one.
    dictionary: OfDictionary<T>,
}

impl<T: Copy + Default> Default for Known<T> {
    fn default() -> Known<T> {
        Known {
            buffers: Vec::new(),
            starts: Vec::new(),
            marks: Vec::new(),
            values: Vec::new(),
            short: vec![NO_TEXT; FEWEST],
            short_values: vec![T::default(); FEWEST],
            shorts: 0,
            last: vec![(NO_TEXT, T::default()); LAST],
            uses_last: true,
            asked: 0,
            missed: 0,
            trial: true,
            resting: false,
            dictionary: OfDictionary::default(),
        }
    }
}

/// The buffer that a text lies in and where there it begins and ends; `None` for one that lies in its view.
pub fn lies_in(view: u128) -> Option<(usize, u32, u32)> {
    let ((buffer, start), length) = (place_in_buffer(view), view as u32);
    (length > INLINE).then(|| (buffer, start as u32, (start as u32).saturating_add(length)))
}

/// The number of a view's buffer, and the offset in it.
fn place_in_buffer(view: u128) -> (usize, usize) {
    ((view >> 64) as u32 as usize, (view >> 96) as usize)
}

/// Tells the texts of one slot apart; `None` where it could not.
fn mark(view: u128) -> Option<u32> {
    let length = view as u32;
    (length < 1 << 28).then_some(length << 4 | (view >> 96) as u32 & 15)
}

impl<T: Copy + Default> Known<T> {
    /// For what may be found out of texts that no row has.
    fn ahead() -> Known<T> {
        Known { dictionary: OfDictionary::ahead(), ..Known::default() }
    }

    /// Whether it knows of texts that lie where these do.
    fn is_of(&self, texts: Texts<'_>) -> bool {
        match texts {
            Texts::Views(array) => self.is_over(array),
            Texts::Dictionary(_, texts) => self.dictionary.is_of(texts),
        }
    }

    fn is_over(&self, array: &StringViewArray) -> bool {
        self.buffers.len() == array.data_buffers().len() && lie_first(&self.buffers, array)
    }

    /// To be called before the views of a batch are asked for: those into other memory than before say nothing.
    fn over(&mut self, array: &StringViewArray) {
        (self.asked, self.missed, self.resting) = (0, 0, false);
        self.trial = !self.is_over(array);
        if !self.trial {
            return;
        }
        self.last.fill((NO_TEXT, T::default()));
        self.uses_last = true;
        self.buffers = array.data_buffers().to_vec();
        self.starts.clear();
        let mut slots = 0;
        for buffer in &self.buffers {
            self.starts.push(slots);
            slots += buffer.len() / SLOT + 1;
        }
        self.marks.clear();
        self.values.clear();
        if slots <= array.len() * SLOTS_A_ROW {
            self.marks.resize(slots, 0);
            self.values.resize(slots, T::default());
        }
    }

    /// The slot and the mark of a text that is not inline.
    fn slot(&self, view: u128) -> Option<(usize, u32)> {
        let (buffer, offset) = place_in_buffer(view);
        let slot = self.starts.get(buffer)? + offset / SLOT;
        Some((slot, mark(view)?)).filter(|(slot, _)| *slot < self.marks.len())
    }

    fn get(&self, view: u128) -> Option<T> {
        if view as u32 > INLINE {
            let (slot, mark) = self.slot(view)?;
            return (self.marks[slot] == mark).then(|| self.values[slot]);
        }
        let mut at = place_of(view, self.short.len());
        loop {
            match self.short[at] {
                known if known == view => return Some(self.short_values[at]),
                NO_TEXT => return None,
                _ => at = (at + 1) & (self.short.len() - 1),
            }
        }
    }

    fn learn(&mut self, view: u128, value: T) {
        self.missed += 1;
        if view as u32 > INLINE {
            if let Some((slot, mark)) = self.slot(view) {
                (self.marks[slot], self.values[slot]) = (mark, value);
            }
        } else if self.shorts * 4 < self.short.len() {
            self.put(view, value);
        } else if self.short.len() < MOST_SHORT {
            let places = self.short.len() * 4;
            let texts = std::mem::replace(&mut self.short, vec![NO_TEXT; places]);
            let values = std::mem::replace(&mut self.short_values, vec![T::default(); places]);
            self.shorts = 0;
            let known = texts.into_iter().zip(values).filter(|(text, _)| *text != NO_TEXT);
            known.for_each(|(text, value)| self.put(text, value));
            self.put(view, value);
        }
    }

    fn put(&mut self, view: u128, value: T) {
        let mut at = place_of(view, self.short.len());
        while self.short[at] != NO_TEXT && self.short[at] != view {
            at = (at + 1) & (self.short.len() - 1);
        }
        self.shorts += usize::from(self.short[at] == NO_TEXT);
        (self.short[at], self.short_values[at]) = (view, value);
    }

    /// Writes for each row what is known of its text. What is not is found out by `find`, for many such rows at once: it
    /// is given an array, which ones of it are asked for, and puts what it finds behind what is there already, in their
    /// order. A null is always asked for.
    pub fn read(
        &mut self,
        texts: Texts<'_>,
        out: &mut Vec<T>,
        mut find: impl FnMut(&StringViewArray, &[usize], &mut Vec<T>),
    ) {
        match texts {
            Texts::Views(array) => self.read_views(array, out, |rows, out| find(array, rows, out)),
            Texts::Dictionary(column, texts) => self.dictionary.read(column, texts, out, find),
        }
    }

    fn read_views(&mut self, array: &StringViewArray, out: &mut Vec<T>, mut find: impl FnMut(&[usize], &mut Vec<T>)) {
        self.over(array);
        out.reserve(array.len());
        let views = array.views();
        let (mut rows, mut found) = (Vec::with_capacity(TRIAL), Vec::with_capacity(TRIAL));
        let mut from = 0;
        while from < views.len() {
            let to = views.len().min(from + TRIAL);
            let start = out.len();
            rows.clear();
            if self.resting {
                rows.extend(from..to);
                find(&rows, out);
                from = to;
                continue;
            }
            if self.uses_last {
                let mut others = 0;
                out.extend((from..to).zip(&views[from..to]).map(|(row, view)| {
                    let at = place_of(*view, LAST);
                    if self.last[at].0 == *view {
                        return self.last[at].1;
                    }
                    others += 1;
                    let Some(value) = self.get(*view) else {
                        rows.push(row);
                        return T::default();
                    };
                    self.last[at] = (*view, value);
                    value
                }));
                self.uses_last = others * SHARE < to - from || self.trial && from == 0;
            } else {
                out.extend((from..to).zip(&views[from..to]).map(|(row, view)| {
                    self.get(*view).unwrap_or_else(|| {
                        rows.push(row);
                        T::default()
                    })
                }));
            }
            if let Some(nulls) = array.nulls() {
                // What lies behind a null is no text.
                rows.retain(|row| nulls.is_valid(*row));
                rows.extend((from..to).filter(|row| nulls.is_null(*row)));
            }
            if !rows.is_empty() {
                found.clear();
                find(&rows, &mut found);
                for (row, value) in rows.iter().zip(&found) {
                    out[start + row - from] = *value;
                    if array.is_valid(*row) {
                        self.learn(views[*row], *value);
                    }
                }
            }
            self.asked += to - from;
            self.resting = self.trial && self.missed * SHARE > self.asked * (SHARE - 1);
            from = to;
        }
    }

    pub fn size(&self) -> usize {
        self.short.capacity() * (size_of::<u128>() + size_of::<T>())
            + self.last.capacity() * size_of::<(u128, T)>()
            + self.marks.capacity() * size_of::<u32>()
            + self.values.capacity() * size_of::<T>()
            + self.dictionary.size()
    }
}

/// The same of several streams: each finds again what it has found out so far.
#[derive(Debug)]
pub struct KnownByStream<T> {
    /// Of streams that are not at work just now.
    idle: Mutex<Vec<Known<T>>>,
}

impl<T> Default for KnownByStream<T> {
    fn default() -> KnownByStream<T> {
        KnownByStream { idle: Mutex::new(Vec::new()) }
    }
}

impl<T: Copy + Default> KnownByStream<T> {
    /// Like [`Known::read`], and may ask for texts that no row has.
    pub fn read(&self, texts: Texts<'_>, out: &mut Vec<T>, find: impl FnMut(&StringViewArray, &[usize], &mut Vec<T>)) {
        self.with(texts, |known| known.read(texts, out, find));
    }

    fn with<R>(&self, texts: Texts<'_>, work: impl FnOnce(&mut Known<T>) -> R) -> R {
        let known = self.idle.lock().ok().and_then(|mut idle| {
            let at = idle.iter().position(|known| known.is_of(texts)).or(idle.len().checked_sub(1))?;
            Some(idle.swap_remove(at))
        });
        let mut known = known.unwrap_or_else(Known::ahead);
        let result = work(&mut known);
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(known);
        }
        result
    }
}

impl KnownByStream<bool> {
    /// What [`KnownByStream::read`] writes, as bits.
    pub fn bits(
        &self,
        texts: Texts<'_>,
        find: impl FnMut(&StringViewArray, &[usize], &mut Vec<bool>),
    ) -> BooleanBuffer {
        self.with(texts, |known| match texts {
            Texts::Dictionary(column, texts) => known.dictionary.bits(column, texts, find),
            Texts::Views(array) => {
                let mut out = Vec::with_capacity(array.len());
                known.read(texts, &mut out, find);
                BooleanBuffer::from(out)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_equal_texts_have_one_number() {
        let long = "a text that is longer than a view";
        let texts = [Some("one"), None, Some(""), Some(long), Some("one"), None, Some(long), Some("")];
        let array: StringViewArray = texts.iter().copied().cycle().take(8_000).collect();
        let array = arrow::compute::concat(&[&array.slice(0, 4_000), &array.slice(4_000, 4_000)]).unwrap();
        let array = arrow::array::AsArray::as_string_view(&array);
        // Each long text lies in a place of its own until they share a dictionary.
        let dictionary: StringViewArray = ["one", "", long].into_iter().map(Some).collect();
        let indices: arrow::array::UInt32Array = array
            .iter()
            .map(|text| text.map(|text| ["one", "", long].iter().position(|one| *one == text).unwrap() as u32))
            .collect();
        let shared = arrow::compute::take(&dictionary, &indices, None).unwrap();
        let shared = arrow::array::AsArray::as_string_view(&shared);
        let found = Repeats::of(shared).unwrap();
        assert_eq!(found.rows.len(), 4);
        for (row, text) in found.texts.iter().enumerate() {
            let first = found.rows[*text as usize] as usize;
            assert_eq!(shared.is_null(row), shared.is_null(first));
            assert!(shared.is_null(row) || shared.value(row) == shared.value(first));
        }
    }

    #[test]
    fn what_is_known_of_a_text_holds_for_its_memory_alone() {
        let mut known = Known::default();
        for round in 0..3 {
            let texts: Vec<String> =
                (0..40_000).map(|number| format!("{round} and {}, a long text", number % 20_000)).collect();
            let array: StringViewArray = texts.iter().map(Some).collect();
            for batch in [array.slice(0, 5_000), array.slice(5_000, 35_000), array.slice(0, 40_000)] {
                let number = |row: usize| batch.value(row).split([' ', ',']).nth(2).unwrap().parse::<u32>().unwrap();
                let mut numbers = Vec::new();
                known.read(Texts::Views(&batch), &mut numbers, |_, rows, out| {
                    out.extend(rows.iter().map(|row| number(*row)));
                });
                assert!(numbers.iter().enumerate().all(|(row, found)| *found == number(row)));
            }
        }
    }

    #[test]
    fn few_texts_that_take_turns_are_told_apart_in_each_memory() {
        let mut known = Known::default();
        for round in 0..4usize {
            // Views of one memory and of the next are equal, the texts are not.
            let texts =
                ["High", "Low", "", "Informational, of a kind", "a short one"].map(|text| format!("{text}{round}"));
            let dictionary: StringViewArray = texts.iter().map(Some).collect();
            let turns: arrow::array::UInt32Array = (0..9_000u32).map(|row| row * row % 5).collect();
            let array = arrow::compute::take(&dictionary, &turns, None).unwrap();
            let array = arrow::array::AsArray::as_string_view(&array);
            let mut lengths = Vec::new();
            let number = |row: usize| array.value(row).len() * 10 + round;
            known.read(Texts::Views(array), &mut lengths, |_, rows, out| {
                out.extend(rows.iter().map(|row| number(*row)));
            });
            assert!(lengths.iter().enumerate().all(|(row, found)| *found == number(row)));
        }
    }

    #[test]
    fn short_long_overlapping_and_absent_texts_are_told_apart() {
        let memory = Buffer::from("a long text of which many views are taken, again and again".as_bytes());
        let mut builder = arrow::array::StringViewBuilder::new();
        let block = builder.append_block(memory);
        for row in 0..20_000u32 {
            match row % 5 {
                0 => builder.append_null(),
                1 => builder.append_value(format!("{}", row % 700)),
                _ => builder.try_append_view(block, row % 30, 13 + row % 7).unwrap(),
            }
        }
        let array = builder.finish();
        let mut known = Known::default();
        for batch in [array.slice(0, 3_000), array.clone(), array.slice(7, 19_000)] {
            let text = |row: usize| batch.is_valid(row).then(|| batch.value(row));
            let sum = |row: usize| {
                text(row).map_or(7, |text| text.bytes().map(u32::from).fold(1, |a, b| a * 31 % 65_521 + b))
            };
            let mut sums = Vec::new();
            known.read(Texts::Views(&batch), &mut sums, |_, rows, out| out.extend(rows.iter().map(|row| sum(*row))));
            assert_eq!(sums.len(), batch.len());
            assert!(sums.iter().enumerate().all(|(row, found)| *found == sum(row)));
        }
    }

    #[test]
    fn texts_that_hardly_repeat_are_left_alone() {
        let array: StringViewArray = (0..4_000).map(|number| Some(format!("text {number}"))).collect();
        assert!(Repeats::of(&array).is_none());
    }
}
