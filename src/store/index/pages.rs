//! Sets of pages, in memory and in a file.

/// A set of a file's pages: those that may hold a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    bits: Vec<u64>,
    count: u32,
}

impl Pages {
    pub fn none(count: u32) -> Pages {
        Pages { bits: vec![0; count.div_ceil(64) as usize], count }
    }

    pub fn all(count: u32) -> Pages {
        let mut pages = Pages::none(count);
        pages.bits.fill(u64::MAX);
        pages.cut();
        pages
    }

    /// Drops what stands behind the last page.
    fn cut(&mut self) {
        if let Some(last) = self.bits.last_mut()
            && !self.count.is_multiple_of(64)
        {
            *last &= (1 << (self.count % 64)) - 1;
        }
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    pub fn add(&mut self, page: u32) {
        if page < self.count {
            self.bits[page as usize / 64] |= 1 << (page % 64);
        }
    }

    pub fn has(&self, page: u32) -> bool {
        self.bits.get(page as usize / 64).is_some_and(|bits| bits >> (page % 64) & 1 == 1)
    }

    pub fn and(&mut self, other: &Pages) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, other)| *bits &= other);
    }

    pub fn or(&mut self, other: &Pages) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(bits, other)| *bits |= other);
    }

    /// How many are in the set.
    pub fn len(&self) -> u32 {
        self.bits.iter().map(|bits| bits.count_ones()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|bits| *bits == 0)
    }

    pub fn is_all(&self) -> bool {
        self.len() == self.count
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.count).filter(|page| self.has(*page))
    }
}

/// What [`Postings`] begin with: the pages of a term are all of them, a bitmap, or so many less two, each by its distance.
const EVERYWHERE: u64 = 0;
const BITMAP: u64 = 1;

/// The pages of a term, ascending, as a file has them. Past `most` pages a term counts as being everywhere.
pub fn write(pages: &[u32], count: u32, most: u32, out: &mut Vec<u8>) {
    if pages.len() as u64 > u64::from(most) {
        return number(EVERYWHERE, out);
    }
    if pages.len() as u64 > u64::from(count / 8) {
        number(BITMAP, out);
        let at = out.len();
        out.resize(at + count.div_ceil(8) as usize, 0);
        pages.iter().for_each(|page| out[at + *page as usize / 8] |= 1 << (page % 8));
        return;
    }
    number(pages.len() as u64 + 1, out);
    let mut next = 0;
    for page in pages {
        number(u64::from(page - next), out);
        next = page + 1;
    }
}

/// About how many bytes [`write`] makes of so many pages.
pub fn cost(pages: usize, count: u32, most: u32) -> usize {
    if pages as u64 > u64::from(most) {
        1
    } else if pages as u64 > u64::from(count / 8) {
        1 + count.div_ceil(8) as usize
    } else {
        // A distance of more than 127 takes two bytes.
        1 + pages + if count as usize / pages.max(1) > 127 { pages } else { 0 }
    }
}

/// Adds the pages of the next term to a set, where there is one. `None` where the bytes are something else.
pub fn read(bytes: &mut &[u8], count: u32, mut into: Option<&mut Pages>) -> Option<()> {
    match take_number(bytes)? {
        EVERYWHERE => {
            if let Some(into) = into {
                into.or(&Pages::all(count));
            }
        }
        BITMAP => {
            let (bitmap, rest) = bytes.split_at_checked(count.div_ceil(8) as usize)?;
            *bytes = rest;
            if let Some(into) = into {
                (0..count).filter(|page| bitmap[*page as usize / 8] >> (page % 8) & 1 == 1).for_each(|page| {
                    into.add(page);
                });
            }
        }
        length => {
            let mut next = 0u32;
            for _ in 1..length {
                let page = next.checked_add(u32::try_from(take_number(bytes)?).ok()?)?;
                if page >= count {
                    return None;
                }
                if let Some(into) = into.as_deref_mut() {
                    into.add(page);
                }
                next = page + 1;
            }
        }
    }
    Some(())
}

/// A number in as few bytes as it needs, seven bits each.
pub fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub fn take<'b>(bytes: &mut &'b [u8], length: u64) -> Option<&'b [u8]> {
    let (head, tail) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = tail;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_back_whatever_their_form() {
        for count in [1u32, 7, 64, 65, 488, 5_000] {
            for step in [1u32, 2, 3, 9, 50, 200, 4_000] {
                let pages: Vec<u32> = (0..count).step_by(step as usize).collect();
                let mut bytes = Vec::new();
                write(&pages, count, count, &mut bytes);
                assert!(bytes.len() <= cost(pages.len(), count, count) + 1 + count as usize / 100);
                let mut rest = bytes.as_slice();
                let mut read_back = Pages::none(count);
                read(&mut rest, count, Some(&mut read_back)).unwrap();
                assert!(rest.is_empty());
                assert_eq!(read_back.iter().collect::<Vec<_>>(), pages);
                let mut rest = bytes.as_slice();
                read(&mut rest, count, None).unwrap();
                assert!(rest.is_empty());
                for cut in 0..bytes.len() {
                    assert_eq!(read(&mut &bytes[..cut], count, None), None);
                }
                let mut bytes = Vec::new();
                write(&pages, count, pages.len() as u32 - 1, &mut bytes);
                let mut everywhere = Pages::none(count);
                read(&mut bytes.as_slice(), count, Some(&mut everywhere)).unwrap();
                assert!(everywhere.is_all());
            }
        }
    }
}
