//! The term index: which pages of a file can hold a row with certain words in certain columns. It lies in the Parquet
//! file itself, behind the last row group, and a key of the footer says where; other readers pass over it.
//!
//! One section a column ([`column`]), then a directory with the place and the checksum of each. Whatever is missing or
//! damaged counts as saying nothing: an index decides how much is read, never what is found.
use pages::{Pages, number, take, take_number};
use xxhash_rust::xxh64::xxh64;

pub mod column;
pub mod filter;
mod fuse;
pub mod pages;
pub mod terms;
pub mod wanted;

pub use wanted::Wanted;

/// The footer's key. Its value is the version, where the index begins, its length and that of its directory.
pub const FOOTER_KEY: &str = "sighthound.terms";
/// Rows of a page, as the index counts: those of a data page.
pub const PAGE: usize = 2048;
const VERSION: u64 = 4;
const MAGIC: &[u8; 4] = b"SHTI";
const SEED: u64 = 0;
/// Bytes that even the smallest column's index may take.
pub const LEAST: usize = 512;
/// More is no index of ours.
const LARGEST: u64 = 1 << 31;

/// Where an index lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub start: u64,
    pub length: u64,
    directory: u64,
}

impl Place {
    /// From the footer's value.
    pub fn parse(value: &str) -> Option<Place> {
        let mut parts = value.split(' ').map(|part| part.parse::<u64>().ok());
        let (version, start, length, directory) = (parts.next()??, parts.next()??, parts.next()??, parts.next()??);
        let right =
            version == VERSION && length <= LARGEST && directory <= length && start.checked_add(length).is_some();
        right.then_some(Place { start, length, directory })
    }

    pub fn directory(&self) -> std::ops::Range<u64> {
        self.start + self.length - self.directory..self.start + self.length
    }
}

/// The bytes of an index that is to stand at `start`, and the footer's value.
pub fn assemble(columns: &[(String, Vec<u8>)], rows: u64, start: u64) -> (Vec<u8>, String) {
    let mut bytes = Vec::new();
    let mut directory = MAGIC.to_vec();
    number(rows, &mut directory);
    number(PAGE as u64, &mut directory);
    number(columns.len() as u64, &mut directory);
    for (name, section) in columns {
        number(name.len() as u64, &mut directory);
        directory.extend_from_slice(name.as_bytes());
        number(bytes.len() as u64, &mut directory);
        number(section.len() as u64, &mut directory);
        directory.extend_from_slice(&xxh64(section, SEED).to_le_bytes());
        bytes.extend_from_slice(section);
    }
    directory.extend_from_slice(&xxh64(&directory, SEED).to_le_bytes());
    bytes.extend_from_slice(&directory);
    let value = format!("{VERSION} {start} {} {}", bytes.len(), directory.len());
    (bytes, value)
}

/// What a file's index has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    pub rows: u64,
    /// Rows of a page.
    pub page: u64,
    pub sections: Vec<Section>,
}

/// The index of one column: where it lies, counted from the start of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub column: String,
    pub start: u64,
    pub length: u64,
    checksum: u64,
}

impl Directory {
    /// `None` where the bytes are not as they were written.
    pub fn read(bytes: &[u8]) -> Option<Directory> {
        let (listed, checksum) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
        if u64::from_le_bytes(checksum.try_into().ok()?) != xxh64(listed, SEED) {
            return None;
        }
        let mut rest = listed.strip_prefix(MAGIC)?;
        let rest = &mut rest;
        let (rows, page, count) = (take_number(rest)?, take_number(rest)?, take_number(rest)?);
        let mut sections = Vec::new();
        for _ in 0..count {
            let length = take_number(rest)?;
            let column = String::from_utf8(take(rest, length)?.to_vec()).ok()?;
            let (start, length) = (take_number(rest)?, take_number(rest)?);
            let checksum = u64::from_le_bytes(take(rest, 8)?.try_into().ok()?);
            sections.push(Section { column, start, length, checksum });
        }
        (page > 0 && rows.div_ceil(page) <= u64::from(u32::MAX)).then_some(Directory { rows, page, sections })
    }

    pub fn section(&self, column: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.column == column)
    }

    /// How many pages the file has.
    pub fn pages(&self) -> u32 {
        u32::try_from(self.rows.div_ceil(self.page)).unwrap_or(u32::MAX)
    }
}

impl Section {
    /// Whether these are the bytes that were written.
    pub fn is(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == self.length && xxh64(bytes, SEED) == self.checksum
    }
}

/// The pages of a file that may hold a row as it is wanted. `section` gives the bytes of a column's index, where the file
/// has one that is whole.
pub fn kept<'b>(wanted: &Wanted, pages: u32, section: &mut impl FnMut(&str) -> Option<&'b [u8]>) -> Pages {
    match wanted {
        Wanted::Anything => Pages::all(pages),
        Wanted::Nothing => Pages::none(pages),
        Wanted::And(all) => {
            let mut kept = Pages::all(pages);
            for one in all {
                if kept.is_empty() {
                    break;
                }
                kept.and(&self::kept(one, pages, section));
            }
            kept
        }
        Wanted::Or(any) => {
            let mut kept = Pages::none(pages);
            for one in any {
                if kept.is_all() {
                    break;
                }
                kept.or(&self::kept(one, pages, section));
            }
            kept
        }
        Wanted::Pieces { column, pieces } => {
            let of = section(column).and_then(|bytes| column::Column::read(bytes, pages));
            let Some(of) = of else { return Pages::all(pages) };
            let mut kept = Pages::all(pages);
            for piece in pieces {
                if kept.is_empty() {
                    break;
                }
                match of.pages(piece) {
                    Some(pages) => kept.and(&pages),
                    None => return Pages::all(pages),
                }
            }
            kept
        }
    }
}
