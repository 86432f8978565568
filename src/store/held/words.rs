//! Texts of a column, each kept once under a number; and the numbers of a file's rows, as narrow as they can be.
use crate::types::Type;
use crate::value::{Dynamic, Value, guid};
use arrow::array::{Array, StringViewArray};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

/// The texts of one column of a table, in all of its files. They are only added.
#[derive(Debug, Default)]
pub struct Words {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Words {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn text(&self, number: u32) -> &str {
        // Texts went in as such, whole.
        std::str::from_utf8(text(&self.bytes, &self.ends, number)).unwrap_or_default()
    }

    pub fn find(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text.as_bytes());
        self.numbers.find(hash, |number| self.text(*number) == text).copied()
    }

    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.find(text) {
            return number;
        }
        let number = self.ends.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(self.bytes.len());
        let Words { bytes, ends, numbers, hasher } = self;
        let of = |number: &u32| hasher.hash_one(self::text(bytes, ends, *number));
        numbers.insert_unique(hasher.hash_one(text.as_bytes()), number, of);
        number
    }

    /// Gives back the room for more texts.
    pub fn shrink(&mut self) {
        let Words { bytes, ends, numbers, hasher } = self;
        bytes.shrink_to_fit();
        ends.shrink_to_fit();
        numbers.shrink_to_fit(|number| hasher.hash_one(text(bytes, ends, *number)));
    }

    pub fn bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.numbers.capacity() * 5
    }
}

fn text<'b>(bytes: &'b [u8], ends: &[usize], number: u32) -> &'b [u8] {
    let number = number as usize;
    let from = number.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[from..ends[number]]
}

/// A text of a column as a value, as [`Cells`](crate::columns::Cells) reads it.
pub fn value(ty: Type, text: &str) -> Value<'_> {
    match ty {
        Type::Guid => guid::parse(text).map_or(Value::Null, Value::Guid),
        Type::Dynamic => match text {
            "" | "null" => Value::Null,
            text => Value::Dynamic(Dynamic::Text(Cow::Borrowed(text))),
        },
        _ => Value::String(Cow::Borrowed(text)),
    }
}

/// The text of a cell; one that is absent is empty.
pub fn cell(array: &StringViewArray, row: usize) -> &str {
    if array.is_null(row) { "" } else { array.value(row) }
}

/// The number of each row's text.
#[derive(Debug)]
pub enum Numbers {
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
}

impl Numbers {
    pub fn new(numbers: Vec<u32>) -> Numbers {
        match numbers.iter().max() {
            Some(most) if *most > u32::from(u16::MAX) => Numbers::Wide(exact(numbers)),
            Some(most) if *most > u32::from(u8::MAX) => {
                Numbers::Middle(numbers.into_iter().map(|number| number as u16).collect())
            }
            _ => Numbers::Narrow(numbers.into_iter().map(|number| number as u8).collect()),
        }
    }

    pub fn get(&self, row: usize) -> u32 {
        match self {
            Numbers::Narrow(numbers) => u32::from(numbers[row]),
            Numbers::Middle(numbers) => u32::from(numbers[row]),
            Numbers::Wide(numbers) => numbers[row],
        }
    }

    /// Leaves those of the rows from `from` on that are marked and whose number is among these.
    pub fn keep(&self, from: usize, marks: &mut [bool], wanted: &Chosen) {
        match self {
            Numbers::Narrow(numbers) => keep(&numbers[from..], marks, wanted),
            Numbers::Middle(numbers) => keep(&numbers[from..], marks, wanted),
            Numbers::Wide(numbers) => keep(&numbers[from..], marks, wanted),
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Numbers::Narrow(numbers) => numbers.capacity(),
            Numbers::Middle(numbers) => numbers.capacity() * 2,
            Numbers::Wide(numbers) => numbers.capacity() * 4,
        }
    }
}

/// Without room for more.
fn exact(mut numbers: Vec<u32>) -> Vec<u32> {
    numbers.shrink_to_fit();
    numbers
}

fn keep<N: Copy + PartialEq + TryFrom<u32> + Into<u32>>(numbers: &[N], marks: &mut [bool], wanted: &Chosen) {
    let rows = marks.iter_mut().zip(numbers);
    match wanted {
        Chosen::None => marks.fill(false),
        // A number that is too wide for this file is in none of its rows.
        Chosen::One(number) => match N::try_from(*number) {
            Ok(number) => rows.for_each(|(mark, one)| *mark &= *one == number),
            Err(_) => marks.fill(false),
        },
        Chosen::Some(table) => rows.for_each(|(mark, one)| {
            *mark = *mark && table.get(Into::<u32>::into(*one) as usize).is_some_and(|wanted| *wanted);
        }),
    }
}

/// Numbers of texts that are wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    None,
    One(u32),
    /// By number.
    Some(Arc<Vec<bool>>),
}

impl Chosen {
    pub fn new(mut numbers: Vec<u32>) -> Chosen {
        numbers.sort_unstable();
        numbers.dedup();
        match numbers.as_slice() {
            [] => Chosen::None,
            [one] => Chosen::One(*one),
            [.., last] => {
                let mut table = vec![false; *last as usize + 1];
                numbers.iter().for_each(|number| table[*number as usize] = true);
                Chosen::Some(Arc::new(table))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut words = Words::default();
        let texts: Vec<String> = (0..1000).map(|at| format!("{}", at % 300)).chain([String::new()]).collect();
        let numbers: Vec<u32> = texts.iter().map(|text| words.number(text)).collect();
        assert_eq!(words.len(), 301);
        for (text, number) in texts.iter().zip(&numbers) {
            assert_eq!((words.text(*number), words.find(text)), (text.as_str(), Some(*number)));
        }
        assert_eq!(words.find("300"), None);
        let kept = Numbers::new(numbers.clone());
        assert!(matches!(kept, Numbers::Middle(_)));
        for wanted in [vec![], vec![7], vec![7, 299], vec![70_000]] {
            let mut marks = vec![true; 900];
            kept.keep(100, &mut marks, &Chosen::new(wanted.clone()));
            let meant: Vec<bool> = numbers[100..1000].iter().map(|number| wanted.contains(number)).collect();
            assert_eq!(marks, meant, "{wanted:?}");
        }
    }
}
