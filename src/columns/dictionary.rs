//! Columns of texts as dictionaries: each row has the number of its text, the texts come once. Scans give them where
//! whoever is above asks each text once, and not each row.
use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringViewArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, UInt32Type};
use arrow::error::ArrowError;

/// No row of it is null.
pub type Dictionary = DictionaryArray<UInt32Type>;

pub fn data_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8View))
}

/// A column of texts, in either form.
#[derive(Clone, Copy, Debug)]
pub enum Texts<'a> {
    Views(&'a StringViewArray),
    Dictionary(&'a Dictionary, &'a StringViewArray),
}

impl<'a> Texts<'a> {
    pub fn of(array: &'a ArrayRef) -> Option<Texts<'a>> {
        match array.as_dictionary_opt::<UInt32Type>() {
            Some(column) => Some(Texts::Dictionary(column, column.values().as_string_view_opt()?)),
            None => array.as_string_view_opt().map(Texts::Views),
        }
    }
}

/// Rows by the numbers of their texts; `None` where one has a number that no text has.
pub fn of_numbers(numbers: Vec<u32>, texts: ArrayRef) -> Option<Dictionary> {
    // Arrow's own look at each number takes several times as long as to find the greatest.
    let greatest = numbers.iter().copied().fold(0, u32::max);
    if !numbers.is_empty() && greatest as usize >= texts.len() {
        return None;
    }
    // SAFETY: no number is null, and the greatest is one of a text.
    Some(unsafe { Dictionary::new_unchecked(UInt32Array::from(numbers), texts) })
}

/// A text for each row.
pub fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.as_dictionary_opt::<UInt32Type>() {
        Some(column) => take(column.values(), column.keys(), None),
        None => Ok(array.clone()),
    }
}

/// Whether these are the first buffers of an array.
pub fn lie_first(buffers: &[Buffer], array: &StringViewArray) -> bool {
    let same = |(one, other): (&Buffer, &Buffer)| one.as_ptr() == other.as_ptr() && one.len() == other.len();
    buffers.len() <= array.data_buffers().len() && buffers.iter().zip(array.data_buffers()).all(same)
}

/// Whether the first of some texts are these, in the same memory.
pub fn is_begun_by(texts: &StringViewArray, first: &StringViewArray) -> bool {
    let (old, new) = (first.views(), texts.views());
    let same =
        old.as_ptr() == new.as_ptr() && old.len() == new.len() || old.len() <= new.len() && old[..] == new[..old.len()];
    same && lie_first(first.data_buffers(), texts)
}

/// With no more texts than so many times its rows, a whole dictionary is looked at ahead.
const AHEAD: usize = 4;

/// What was found out about the texts of a dictionary, by their numbers. It holds on when the dictionary grows.
#[derive(Debug)]
pub struct OfDictionary<T> {
    /// Kept, so that no other text can come to lie where these are.
    texts: Option<StringViewArray>,
    is_known: Vec<bool>,
    known: usize,
    values: Vec<T>,
    new: Vec<usize>,
    found: Vec<T>,
    /// Texts may be asked for that no row has.
    ahead: bool,
}

impl<T> Default for OfDictionary<T> {
    fn default() -> OfDictionary<T> {
        OfDictionary {
            texts: None,
            is_known: Vec::new(),
            known: 0,
            values: Vec::new(),
            new: Vec::new(),
            found: Vec::new(),
            ahead: false,
        }
    }
}

impl<T> OfDictionary<T> {
    /// For what may be found out of texts that no row has, if it costs less to ask for all of them.
    pub fn ahead() -> OfDictionary<T> {
        OfDictionary { ahead: true, ..OfDictionary::default() }
    }
}

impl<T: Copy + Default> OfDictionary<T> {
    /// Whether what is known is of these texts, or of the first of them.
    pub fn is_of(&self, texts: &StringViewArray) -> bool {
        self.texts.as_ref().is_some_and(|before| is_begun_by(texts, before))
    }

    fn over(&mut self, texts: &StringViewArray) {
        if !self.is_of(texts) {
            self.is_known.clear();
            self.values.clear();
            self.known = 0;
        } else if self.is_known.len() == texts.len() {
            return;
        }
        self.texts = Some(texts.clone());
        self.is_known.resize(texts.len(), false);
        self.values.resize(texts.len(), T::default());
    }

    /// Like [`Known::read`](super::repeats::Known::read). The numbers that `find` gets are of the dictionary's texts.
    pub fn read(
        &mut self,
        column: &Dictionary,
        texts: &StringViewArray,
        out: &mut Vec<T>,
        find: impl FnMut(&StringViewArray, &[usize], &mut Vec<T>),
    ) {
        let numbers = column.keys().values();
        self.find_out(numbers, texts, find);
        out.extend(numbers.iter().map(|number| self.values[*number as usize]));
    }

    /// Sees to it that something is known of the texts that have these numbers.
    fn find_out(
        &mut self,
        numbers: &[u32],
        texts: &StringViewArray,
        mut find: impl FnMut(&StringViewArray, &[usize], &mut Vec<T>),
    ) {
        self.over(texts);
        if self.known == texts.len() {
            return;
        }
        let OfDictionary { is_known, new, .. } = self;
        new.clear();
        let mut look = |number: usize| {
            if !is_known[number] {
                is_known[number] = true;
                new.push(number);
            }
        };
        if self.ahead && texts.len() <= numbers.len() * AHEAD {
            (0..texts.len()).for_each(look);
        } else {
            numbers.iter().for_each(|number| look(*number as usize));
        }
        self.known += self.new.len();
        self.found.clear();
        if !self.new.is_empty() {
            find(texts, &self.new, &mut self.found);
        }
        self.new.iter().zip(&self.found).for_each(|(number, value)| self.values[*number] = *value);
    }

    pub fn size(&self) -> usize {
        self.values.capacity() * (size_of::<T>() + 1) + self.new.capacity() * size_of::<usize>()
    }
}

impl OfDictionary<bool> {
    /// What [`OfDictionary::read`] writes, as bits.
    pub fn bits(
        &mut self,
        column: &Dictionary,
        texts: &StringViewArray,
        find: impl FnMut(&StringViewArray, &[usize], &mut Vec<bool>),
    ) -> BooleanBuffer {
        let numbers = column.keys().values();
        self.find_out(numbers, texts, find);
        BooleanBuffer::collect_bool(numbers.len(), |row| self.values[numbers[row] as usize])
    }
}
