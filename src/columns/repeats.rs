//! Texts that repeat within a column. A column that Parquet keeps as a dictionary arrives as views into that dictionary:
//! equal views are equal texts, and comparing two views costs less than looking at one text.
use arrow::array::{Array, StringViewArray};

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
pub fn place_of(view: u128, places: usize) -> usize {
    let mixed = (view as u64 ^ (view >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize & (places - 1)
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
    fn texts_that_hardly_repeat_are_left_alone() {
        let array: StringViewArray = (0..4_000).map(|number| Some(format!("text {number}"))).collect();
        assert!(Repeats::of(&array).is_none());
    }
}
