//! Texts that repeat within a column. A column that Parquet keeps as a dictionary arrives as views into that dictionary:
//! equal views are equal texts, and comparing two views costs less than looking at one text.
use arrow::array::{Array, StringViewArray};
use arrow::buffer::Buffer;

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

/// Places of the table of [`Known`] at first and at most; powers of two.
const FEWEST: usize = 1 << 12;
const MOST_KNOWN: usize = 1 << 17;

/// What was found out about texts, by their views, as long as the views are into the same memory: over all batches of
/// a row group, where Parquet keeps a dictionary.
#[derive(Debug)]
pub struct Known<T> {
    places: Vec<Place<T>>,
    /// Places of another round are free.
    round: u32,
    count: usize,
    asked: usize,
    missed: usize,
    /// The first batch over this memory: whether the texts repeat is not known yet.
    trial: bool,
    resting: bool,
    /// Kept, so that no other text can come to lie where these are.
    buffers: Vec<Buffer>,
}

#[derive(Clone, Debug, Default)]
struct Place<T> {
    view: u128,
    round: u32,
    value: T,
}

impl<T: Copy + Default> Default for Known<T> {
    fn default() -> Known<T> {
        Known {
            places: Vec::new(),
            round: 0,
            count: 0,
            asked: 0,
            missed: 0,
            trial: true,
            resting: false,
            buffers: Vec::new(),
        }
    }
}

impl<T: Copy + Default> Known<T> {
    /// To be called before the views of a batch are asked for: those into other memory than before say nothing.
    pub fn over(&mut self, array: &StringViewArray) {
        let buffers = array.data_buffers();
        let same = self.buffers.len() == buffers.len()
            && self
                .buffers
                .iter()
                .zip(buffers)
                .all(|(one, other)| one.as_ptr() == other.as_ptr() && one.len() == other.len());
        if self.places.is_empty() || self.round == u32::MAX {
            self.places = vec![Place::default(); FEWEST];
            self.round = 0;
        }
        if !same || self.round == 0 {
            self.buffers = buffers.to_vec();
            self.round += 1;
            self.count = 0;
        }
        self.trial = !same;
        (self.asked, self.missed, self.resting) = (0, 0, false);
    }

    /// What is known of the text behind this view; it is found out where it is not.
    pub fn get(&mut self, view: u128, find: impl FnOnce() -> T) -> T {
        if self.resting {
            return find();
        }
        self.asked += 1;
        let mut at = place_of(view, self.places.len());
        loop {
            let place = &self.places[at];
            if place.round != self.round {
                break;
            }
            if place.view == view {
                return place.value;
            }
            at = (at + 1) & (self.places.len() - 1);
        }
        let value = find();
        self.missed += 1;
        self.resting = self.trial && self.missed > TRIAL && self.missed * SHARE > self.asked * (SHARE - 1);
        if self.count * 2 < self.places.len() {
            self.places[at] = Place { view, round: self.round, value };
            self.count += 1;
        } else if self.places.len() < MOST_KNOWN {
            self.grow();
        }
        value
    }

    fn grow(&mut self) {
        let places = vec![Place::default(); self.places.len() * 4];
        let before = std::mem::replace(&mut self.places, places);
        for place in before.into_iter().filter(|place| place.round == self.round) {
            let mut at = place_of(place.view, self.places.len());
            while self.places[at].round == self.round {
                at = (at + 1) & (self.places.len() - 1);
            }
            self.places[at] = place;
        }
    }

    pub fn size(&self) -> usize {
        self.places.capacity() * size_of::<Place<T>>()
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
                known.over(&batch);
                for (row, view) in batch.views().iter().enumerate() {
                    let text = batch.value(row);
                    let number = || text.split([' ', ',']).nth(2).unwrap().parse::<u32>().unwrap();
                    assert_eq!(known.get(*view, number), number());
                }
            }
        }
    }

    #[test]
    fn texts_that_hardly_repeat_are_left_alone() {
        let array: StringViewArray = (0..4_000).map(|number| Some(format!("text {number}"))).collect();
        assert!(Repeats::of(&array).is_none());
    }
}
