//! Numbers in pages: levels, and places in a dictionary.
use super::broken;
use crate::store::index::pages::number;
use parquet::errors::ParquetError;

/// Appends so many numbers of `width` bits: runs of one number, and stretches of eight numbers packed one behind the other.
/// <https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE>
pub fn decode(data: &[u8], width: u8, count: usize, out: &mut Vec<u32>) -> Result<(), ParquetError> {
    if width > 32 {
        return Err(broken("its numbers are too wide"));
    }
    let width = usize::from(width);
    let end = out.len() + count;
    let mut at = 0;
    while out.len() < end {
        let left = end - out.len();
        let (header, length) = header(&data[at..])?;
        at += length;
        let some = (header >> 1) as usize;
        let bytes = if header & 1 == 1 { some.saturating_mul(width) } else { width.div_ceil(8) };
        // The last stretch may be cut off where its numbers end.
        let packed = &data[at..at.saturating_add(bytes).min(data.len())];
        if header & 1 == 1 {
            let numbers = some.saturating_mul(8).min(left);
            if packed.len() < (numbers * width).div_ceil(8) || numbers == 0 {
                return Err(broken("its numbers end before they should"));
            }
            unpack(packed, width, numbers, out);
        } else {
            if packed.len() < bytes || some == 0 {
                return Err(broken("its numbers end before they should"));
            }
            let number = packed.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
            out.extend(std::iter::repeat_n(number, some.min(left)));
        }
        at += packed.len();
    }
    Ok(())
}

/// Whether so many levels are a single run of ones: values of which none is absent.
pub fn is_one(levels: &[u8], count: usize) -> bool {
    let run = header(levels).ok().filter(|(header, _)| header & 1 == 0 && (header >> 1) as usize >= count);
    run.is_some_and(|(_, length)| levels.get(length) == Some(&1))
}

fn header(data: &[u8]) -> Result<(u64, usize), ParquetError> {
    let mut number = 0;
    for (at, byte) in data.iter().take(5).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((number, at + 1));
        }
    }
    Err(broken("its numbers end before they should"))
}

/// Numbers that are packed in one go: so many fill whole bytes at any width.
const STRIDE: usize = 8;

fn unpack(packed: &[u8], width: usize, count: usize, out: &mut Vec<u32>) {
    // The compiler makes straight code of each width.
    macro_rules! of_widths {
        ($($width:literal)*) => {
            match width {
                $($width => unpack_of::<$width>(packed, count, out),)*
                _ => out.extend(std::iter::repeat_n(0, count)),
            }
        };
    }
    of_widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
}

fn unpack_of<const WIDTH: usize>(packed: &[u8], count: usize, out: &mut Vec<u32>) {
    let mut at = 0;
    let mut stride = || {
        // Bytes behind those of a stride are looked at and not used.
        let mut padded = [0; 40];
        let bytes = packed[at..].first_chunk().unwrap_or_else(|| {
            let rest = &packed[at..];
            padded[..rest.len()].copy_from_slice(rest);
            &padded
        });
        at = packed.len().min(at + WIDTH);
        std::array::from_fn::<u32, STRIDE, _>(|number| {
            let bit = number * WIDTH;
            let word: [u8; 8] = std::array::from_fn(|byte| bytes[bit / 8 + byte]);
            ((u64::from_le_bytes(word) >> (bit % 8)) & ((1 << WIDTH) - 1)) as u32
        })
    };
    for _ in 0..count / STRIDE {
        out.extend_from_slice(&stride());
    }
    if !count.is_multiple_of(STRIDE) {
        out.extend_from_slice(&stride()[..count % STRIDE]);
    }
}

/// Numbers of `width` bits as [`decode`] reads them.
pub fn encode(numbers: &[u32], width: u8, out: &mut Vec<u8>) {
    let mut at = 0;
    while at < numbers.len() {
        // What is packed goes by eights; a run begins where one ends.
        let start = at;
        let mut run = 0;
        while at < numbers.len() {
            run = numbers[at..].iter().take_while(|number| **number == numbers[at]).count();
            if run >= STRIDE {
                break;
            }
            at = numbers.len().min(at + STRIDE);
        }
        let packed = &numbers[start..at];
        if !packed.is_empty() {
            number((packed.len().div_ceil(STRIDE) << 1 | 1) as u64, out);
            packed.chunks(STRIDE).for_each(|stride| pack(stride, width, out));
        }
        if at < numbers.len() {
            number((run << 1) as u64, out);
            out.extend_from_slice(&numbers[at].to_le_bytes()[..usize::from(width).div_ceil(8)]);
            at += run;
        }
    }
}

/// The numbers of a stride, or of the last, which zeros fill up.
fn pack(stride: &[u32], width: u8, out: &mut Vec<u8>) {
    let (mut word, mut bits) = (0u64, 0u32);
    for at in 0..STRIDE {
        word |= u64::from(stride.get(at).copied().unwrap_or(0)) << bits;
        bits += u32::from(width);
        while bits >= 8 {
            out.push(word as u8);
            word >>= 8;
            bits -= 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_unpacked_at_every_width() {
        for width in 0..=32u8 {
            let most = (1u64 << width) - 1;
            let number = |at: usize| ((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 13 & most) as u32;
            for count in [1, 7, 8, 9, 64, 83] {
                let mut bits = vec![0u8; (usize::from(width) * count).div_ceil(8)];
                for bit in 0..count * usize::from(width) {
                    let (at, place) = (bit / usize::from(width), bit % usize::from(width));
                    bits[bit / 8] |= ((number(at) >> place & 1) as u8) << (bit % 8);
                }
                let mut data = vec![(count.div_ceil(8) << 1 | 1) as u8];
                data.extend(&bits);
                // A run behind it, where nothing is cut off.
                let run = count % 8 == 0;
                if run {
                    data.push(5 << 1);
                    data.extend(&number(3).to_le_bytes()[..usize::from(width).div_ceil(8)]);
                }
                let wanted: Vec<u32> =
                    (0..count).map(number).chain(std::iter::repeat_n(number(3), if run { 5 } else { 0 })).collect();
                let mut out = Vec::new();
                decode(&data, width, wanted.len(), &mut out).unwrap();
                assert_eq!(out, wanted, "{width} {count}");
                if width > 0 {
                    data.pop();
                    assert!(decode(&data, width, wanted.len(), &mut Vec::new()).is_err());
                }
            }
        }
        assert!(decode(&[0; 20], 3, 1, &mut Vec::new()).is_err());
        assert!(decode(&[0xff; 20], 3, 1, &mut Vec::new()).is_err());
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            runs in prop::collection::vec((any::<u32>(), prop_oneof![Just(1usize), 1..30usize]), 0..60), width in 0..=32u8,
        ) {
            let most = ((1u64 << width) - 1) as u32;
            let numbers: Vec<u32> =
                runs.into_iter().flat_map(|(number, times)| std::iter::repeat_n(number & most, times)).collect();
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            encode(&numbers, width, &mut bytes);
            decode(&bytes, width, numbers.len(), &mut back).unwrap();
            let ones = width == 1 && numbers.iter().all(|number| *number == 1) && numbers.len() >= STRIDE;
            prop_assert_eq!(width == 1 && is_one(&bytes, numbers.len()) && !numbers.is_empty(), ones);
            prop_assert_eq!(back, numbers);
        }
    }
}
