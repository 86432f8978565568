//! Binary fuse filters: sets of numbers in some bits each, the fewer the more often one that is not in the set is taken
//! for one that is: with eight bits 1 of 256 times. <https://arxiv.org/abs/2201.01174>

/// Tries with other seeds; each fails rarely.
const TRIES: u64 = 64;
/// Segments of more slots no longer stay in a processor's cache.
const LONGEST_SEGMENT: u32 = 1 << 18;

/// Bits of a slot: from 1 to 16.
pub type Bits = u8;

/// About as many bytes as so many keys take.
pub fn cost(keys: usize, bits: Bits) -> usize {
    keys * usize::from(bits) * 9 / 64
}

/// What a slot has of these bits, of which there may be more.
fn cut(bits: Bits, of: u32) -> u16 {
    (of & ((1 << bits) - 1)) as u16
}

/// Slots lie one behind the other, the first in the lowest bits of the first byte.
fn slot(slots: &[u8], bits: Bits, at: usize) -> u16 {
    let from = at * usize::from(bits);
    let byte = |at: usize| u32::from(slots.get(at).copied().unwrap_or(0));
    let three = byte(from / 8) | byte(from / 8 + 1) << 8 | byte(from / 8 + 2) << 16;
    cut(bits, three >> (from % 8))
}

fn pack(table: &[u16], bits: Bits, out: &mut Vec<u8>) {
    let (mut open, mut filled) = (0u32, 0);
    for slot in table {
        open |= u32::from(*slot) << filled;
        filled += bits;
        while filled >= 8 {
            out.push(open as u8);
            (open, filled) = (open >> 8, filled - 8);
        }
    }
    if filled > 0 {
        out.push(open as u8);
    }
}

/// A filter as it lies in a file: seed, size of a segment as a power of two, number of segments, bits of a slot, slots.
#[derive(Clone, Copy, Debug)]
pub struct Fuse<'b> {
    seed: u64,
    segment: u32,
    segments: u32,
    bits: Bits,
    slots: &'b [u8],
}

const HEADER: usize = 14;

impl<'b> Fuse<'b> {
    /// `None` where the bytes are no filter.
    pub fn read(bytes: &'b [u8]) -> Option<Fuse<'b>> {
        let (header, slots) = bytes.split_at_checked(HEADER)?;
        let seed = u64::from_le_bytes(header[..8].try_into().ok()?);
        let power = u32::from(header[8]);
        let segments = u32::from_le_bytes(header[9..13].try_into().ok()?);
        let bits = Some(header[13]).filter(|bits| (1..=16).contains(bits))?;
        let segment = 1u32.checked_shl(power).filter(|segment| *segment <= LONGEST_SEGMENT)?;
        let slots_wanted = u64::from(segments).checked_add(2)?.checked_mul(u64::from(segment))?;
        let fits =
            slots_wanted <= u64::from(u32::MAX) && slots.len() as u64 == (slots_wanted * u64::from(bits)).div_ceil(8);
        (segments > 0 && fits).then_some(Fuse { seed, segment, segments, bits, slots })
    }

    pub fn has(&self, key: u64) -> bool {
        let hash = mixed(key, self.seed);
        let slots = places(hash, self.segment, self.segments);
        slots.iter().fold(print(self.bits, hash), |print, at| print ^ slot(self.slots, self.bits, *at)) == 0
    }
}

/// Writes a filter of distinct keys. `false`, and nothing written, where there are too many or it does not come about.
pub fn write(keys: &[u64], bits: Bits, out: &mut Vec<u8>) -> bool {
    let Ok(count) = u32::try_from(keys.len()) else { return false };
    let (segment, segments) = shape(count);
    let slots = (segments as usize + 2) * segment as usize;
    (1..=TRIES).any(|seed| {
        let seed = mixed(seed, 0x5349_4748_5448_4f55);
        let Some(order) = peeled(keys, seed, segment, segments, slots) else { return false };
        let mut table = vec![0u16; slots];
        for (hash, slot) in order.iter().rev() {
            let places = places(*hash, segment, segments);
            let others = places.iter().filter(|place| **place != *slot);
            table[*slot] = others.fold(print(bits, *hash), |print, other| print ^ table[*other]);
        }
        out.extend_from_slice(&seed.to_le_bytes());
        out.push(segment.trailing_zeros() as u8);
        out.extend_from_slice(&segments.to_le_bytes());
        out.push(bits);
        pack(&table, bits, out);
        true
    })
}

/// How many slots a segment has and how many segments there are, two more not counted.
fn shape(count: u32) -> (u32, u32) {
    let keys = f64::from(count.max(2));
    let power = (keys.ln() / 3.33f64.ln() + 2.25).floor().clamp(1.0, 18.0);
    let segment = (1u32 << power as u32).min(LONGEST_SEGMENT);
    let factor = (0.875 + 0.25 * 1e6f64.ln() / keys.ln()).max(1.125);
    let slots = (keys * factor).round() as u64;
    let segments = slots.div_ceil(u64::from(segment)).saturating_sub(2).max(1);
    (segment, u32::try_from(segments).unwrap_or(u32::MAX))
}

/// The keys in an order in which each has, among those not before it, a slot of its own; `None` where there is none.
fn peeled(keys: &[u64], seed: u64, segment: u32, segments: u32, slots: usize) -> Option<Vec<(u64, usize)>> {
    let mut counts = vec![0u32; slots];
    let mut sums = vec![0u64; slots];
    // In order of their slots, so that memory is walked through, not jumped about in.
    let mut hashes: Vec<u64> = keys.iter().map(|key| mixed(*key, seed)).collect();
    hashes.sort_unstable();
    for hash in &hashes {
        for slot in places(*hash, segment, segments) {
            counts[slot] += 1;
            sums[slot] ^= hash;
        }
    }
    let mut alone: Vec<usize> = (0..slots).filter(|slot| counts[*slot] == 1).collect();
    let mut order = Vec::with_capacity(keys.len());
    while let Some(slot) = alone.pop() {
        if counts[slot] != 1 {
            continue;
        }
        let hash = sums[slot];
        order.push((hash, slot));
        for other in places(hash, segment, segments) {
            counts[other] -= 1;
            sums[other] ^= hash;
            if counts[other] == 1 {
                alone.push(other);
            }
        }
    }
    (order.len() == keys.len()).then_some(order)
}

fn places(hash: u64, segment: u32, segments: u32) -> [usize; 3] {
    let range = u128::from(segments) * u128::from(segment);
    let first = ((u128::from(hash) * range) >> 64) as u32;
    let mask = segment - 1;
    let second = (first + segment) ^ (hash >> 18) as u32 & mask;
    let third = (first + 2 * segment) ^ hash as u32 & mask;
    [first as usize, second as usize, third as usize]
}

fn print(bits: Bits, hash: u64) -> u16 {
    cut(bits, (hash ^ hash >> 32) as u32)
}

/// A key with all its bits spread over all bits.
fn mixed(key: u64, seed: u64) -> u64 {
    let mut hash = key.wrapping_add(seed);
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_found_and_little_else() {
        for (bits, most) in [(1, 10_600), (3, 2_800), (4, 1_500), (8, 120), (12, 20), (16, 5)] {
            for count in [0u64, 1, 2, 3, 10, 100, 1_000, 50_000] {
                let keys: Vec<u64> = (0..count).map(|key| key * key + 7).collect();
                let mut bytes = Vec::new();
                assert!(write(&keys, bits, &mut bytes), "{count}");
                let filter = Fuse::read(&bytes).unwrap();
                assert!(keys.iter().all(|key| filter.has(*key)), "{count}");
                let wrong = (0..20_000u64).filter(|key| filter.has(key | 1 << 60)).count();
                assert!(wrong < most, "{count}: {wrong}");
                if count > 10_000 {
                    assert!(bytes.len() < cost(count as usize, bits) * 10 / 9, "{}", bytes.len());
                }
            }
        }
    }

    #[test]
    fn damaged_bytes_are_no_filter_or_another() {
        let mut bytes = Vec::new();
        write(&[1, 2, 3], 8, &mut bytes);
        for cut in 0..bytes.len() {
            assert!(Fuse::read(&bytes[..cut]).is_none());
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            if let Some(filter) = Fuse::read(&damaged) {
                filter.has(1);
            }
        }
    }
}
