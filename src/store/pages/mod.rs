//! The pages of a column chunk that is compressed by zstd or LZ4, or not at all. A decompressor of zstd, which takes longer to
//! make than a small chunk to read, is made once a thread and not once a chunk.
//! <https://parquet.apache.org/docs/file-format/data-pages/>; headers are in Thrift's compact protocol.
use crate::store::index::pages::{number as write_number, take_number};
use bytes::{Buf, Bytes};
use parquet::basic::{Compression, Encoding};
use parquet::column::page::Page;
use parquet::errors::ParquetError;
use std::cell::RefCell;
use zstd::bulk::Decompressor;

pub mod hybrid;

/// LZ4 makes no more than so many bytes of one.
const LZ4_MOST: usize = 255;

/// What is said of a chunk whose bytes are not what they should be.
pub fn broken(how: &str) -> ParquetError {
    ParquetError::General(format!("a column chunk is broken: {how}"))
}

/// Where each of so many texts begins and ends.
pub fn each(
    data: &[u8],
    count: usize,
    mut take: impl FnMut(usize, usize) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    let mut at = 0;
    for _ in 0..count {
        let length = data.get(at..).and_then(<[u8]>::first_chunk).map(|length| u32::from_le_bytes(*length) as usize);
        let end = length.and_then(|length| length.checked_add(at + 4)).filter(|end| *end <= data.len());
        let end = end.ok_or_else(|| broken("its texts end before they should"))?;
        take(at + 4, end)?;
        at = end;
    }
    Ok(())
}

thread_local! {
    static ZSTD: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// In the order of the chunk's bytes.
pub struct Pages {
    rest: Bytes,
    compression: Compression,
}

impl Pages {
    pub fn can_read(compression: Compression) -> bool {
        matches!(compression, Compression::ZSTD(_) | Compression::LZ4_RAW | Compression::UNCOMPRESSED)
    }

    /// Of the bytes of a chunk, or of some of its pages; `None` where it is compressed in another way.
    pub fn new(chunk: Bytes, compression: Compression) -> Option<Pages> {
        Pages::can_read(compression).then_some(Pages { rest: chunk, compression })
    }

    /// Passes over the dictionary, with which the chunk begins.
    pub fn pass_dictionary(&mut self) -> Result<(), ParquetError> {
        match self.header()? {
            Some((Header { kind: DICTIONARY_PAGE, .. }, _)) => Ok(()),
            _ => Err(broken("it has no dictionary")),
        }
    }

    /// The next page's header and its bytes, as they are in the file.
    fn header(&mut self) -> Result<Option<(Header, Bytes)>, ParquetError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut thrift = Thrift(&self.rest);
        let header = thrift.header().ok_or_else(|| broken("the header of a page is none"))?;
        let length = self.rest.len() - thrift.0.len();
        self.rest.advance(length);
        if header.compressed > self.rest.len() {
            return Err(broken("a page of it ends before it should"));
        }
        let bytes = self.rest.split_to(header.compressed);
        Ok(Some((header, bytes)))
    }

    fn page(&mut self) -> Result<Option<Page>, ParquetError> {
        let Some((header, bytes)) = self.header()? else { return Ok(None) };
        let Header { kind, values, encoding, levels, nulls, rows, def_levels, rep_levels, .. } = header;
        let encoding = encoding.ok_or_else(|| broken("its values are of no known kind"))?;
        Ok(Some(match kind {
            DICTIONARY_PAGE => Page::DictionaryPage {
                buf: self.decompressed(&header, bytes, 0)?,
                num_values: values,
                encoding,
                is_sorted: false,
            },
            DATA_PAGE => Page::DataPage {
                buf: self.decompressed(&header, bytes, 0)?,
                num_values: values,
                encoding,
                // One that is not known here is none that levels can be read in.
                def_level_encoding: levels.unwrap_or(Encoding::PLAIN),
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            },
            DATA_PAGE_V2 => Page::DataPageV2 {
                // The levels before the values are not compressed.
                buf: self.decompressed(&header, bytes, (def_levels as usize).saturating_add(rep_levels as usize))?,
                num_values: values,
                encoding,
                num_nulls: nulls,
                num_rows: rows,
                def_levels_byte_len: def_levels,
                rep_levels_byte_len: rep_levels,
                is_compressed: false,
                statistics: None,
            },
            _ => return Err(broken("a page of it is of no known kind")),
        }))
    }

    fn decompressed(&self, header: &Header, bytes: Bytes, plain: usize) -> Result<Bytes, ParquetError> {
        let size = header.uncompressed;
        if plain > bytes.len() || plain > size {
            return Err(broken("its levels end before they should"));
        }
        if self.compression == Compression::UNCOMPRESSED || header.is_plain || bytes.len() == plain {
            return if bytes.len() == size { Ok(bytes) } else { Err(broken("a page of it has another size")) };
        }
        let (compressed, size) = (&bytes[plain..], size - plain);
        if self.compression == Compression::LZ4_RAW && compressed.len().saturating_mul(LZ4_MOST) < size {
            return Err(broken("a page of it has another size"));
        }
        let values = match self.compression {
            Compression::LZ4_RAW => lz4_flex::block::decompress(compressed, size).map_err(external)?,
            _ => ZSTD.with_borrow_mut(|zstd| {
                let zstd = match zstd {
                    Some(zstd) => zstd,
                    None => zstd.insert(Decompressor::new()?),
                };
                zstd.decompress(compressed, size).map_err(external)
            })?,
        };
        if values.len() != size {
            return Err(broken("a page of it has another size"));
        }
        Ok(if plain == 0 { values.into() } else { [&bytes[..plain], &values].concat().into() })
    }
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl Iterator for Pages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.page().transpose()
    }
}

const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;

/// What of a page's header is made use of.
#[derive(Debug, Default)]
struct Header {
    kind: i64,
    uncompressed: usize,
    compressed: usize,
    values: u32,
    encoding: Option<Encoding>,
    levels: Option<Encoding>,
    nulls: u32,
    rows: u32,
    def_levels: u32,
    rep_levels: u32,
    /// A page of the second version that is not compressed, whatever the others are.
    is_plain: bool,
}

const PLAIN: i64 = 0;
const RLE: i64 = 3;
const RLE_DICTIONARY: i64 = 8;

/// <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>
fn encoding(number: i64) -> Option<Encoding> {
    Some(match number {
        PLAIN => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        RLE => Encoding::RLE,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        RLE_DICTIONARY => Encoding::RLE_DICTIONARY,
        _ => return None,
    })
}

/// <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>
struct Thrift<'b>(&'b [u8]);

/// The types of the protocol that headers have, or may have in a later version.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;
/// Structures within each other.
const DEEPEST: usize = 8;

impl Thrift<'_> {
    /// `None` where the bytes are something else.
    fn header(&mut self) -> Option<Header> {
        let mut header = Header::default();
        let (mut uncompressed, mut compressed) = (None, None);
        self.fields(|thrift, field, ty| {
            match field {
                1 => header.kind = thrift.number()?,
                2 => uncompressed = Some(thrift.number()?),
                3 => compressed = Some(thrift.number()?),
                // Of data pages, of the dictionary, and of data pages of the second version.
                5 | 7 | 8 if ty == STRUCT => thrift.fields(|thrift, inner, ty| {
                    match (field, inner) {
                        (_, 1) => header.values = u32::try_from(thrift.number()?).ok()?,
                        (5 | 7, 2) | (8, 4) => header.encoding = encoding(thrift.number()?),
                        (5, 3) => header.levels = encoding(thrift.number()?),
                        (8, 2) => header.nulls = u32::try_from(thrift.number()?).ok()?,
                        (8, 3) => header.rows = u32::try_from(thrift.number()?).ok()?,
                        (8, 5) => header.def_levels = u32::try_from(thrift.number()?).ok()?,
                        (8, 6) => header.rep_levels = u32::try_from(thrift.number()?).ok()?,
                        (8, 7) => header.is_plain = ty == FALSE,
                        _ => thrift.pass(ty, DEEPEST)?,
                    }
                    Some(())
                })?,
                _ => thrift.pass(ty, DEEPEST)?,
            }
            Some(())
        })?;
        header.uncompressed = i32::try_from(uncompressed?).ok()?.try_into().ok()?;
        header.compressed = i32::try_from(compressed?).ok()?.try_into().ok()?;
        Some(header)
    }

    /// Reads a structure, field by field: its number and its type.
    fn fields(&mut self, mut read: impl FnMut(&mut Self, i64, u8) -> Option<()>) -> Option<()> {
        let mut field = 0;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                return Some(());
            }
            field = match byte >> 4 {
                0 => self.number()?,
                step => field.checked_add(i64::from(step))?,
            };
            read(self, field, byte & 15)?;
        }
    }

    fn pass(&mut self, ty: u8, deepest: usize) -> Option<()> {
        let deepest = deepest.checked_sub(1)?;
        match ty {
            TRUE | FALSE => {}
            BYTE => _ = self.byte()?,
            I16..=I64 => _ = self.varint()?,
            DOUBLE => self.0 = self.0.get(8..)?,
            BINARY => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.0 = self.0.get(length..)?;
            }
            LIST | SET => {
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                for _ in 0..count {
                    // One that is a bool takes a byte here.
                    self.pass(if byte & 15 <= FALSE { BYTE } else { byte & 15 }, deepest)?;
                }
            }
            STRUCT => self.fields(|thrift, _, ty| thrift.pass(ty, deepest))?,
            _ => return None,
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        take_number(&mut self.0)
    }

    /// The sign is the lowest bit.
    fn number(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

/// The header of a dictionary whose texts are in order.
pub fn dictionary_header(uncompressed: usize, compressed: usize, texts: usize) -> Vec<u8> {
    let mut out = sizes(DICTIONARY_PAGE, uncompressed, compressed);
    // The seventh field: how many, as they are, in order.
    out.push(4 << 4 | STRUCT);
    put(texts as i64, &mut out);
    put(PLAIN, &mut out);
    out.extend([1 << 4 | TRUE, 0, 0]);
    out
}

/// The header of a data page of the first version: texts, or their places in the dictionary.
pub fn data_header(uncompressed: usize, compressed: usize, values: usize, in_dictionary: bool) -> Vec<u8> {
    let mut out = sizes(DATA_PAGE, uncompressed, compressed);
    // The fifth field: how many values, and how they and the two kinds of levels are written.
    out.push(2 << 4 | STRUCT);
    put(values as i64, &mut out);
    [if in_dictionary { RLE_DICTIONARY } else { PLAIN }, RLE, RLE].into_iter().for_each(|kind| put(kind, &mut out));
    out.extend([0, 0]);
    out
}

fn sizes(kind: i64, uncompressed: usize, compressed: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    [kind, uncompressed as i64, compressed as i64].into_iter().for_each(|number| put(number, &mut out));
    out
}

/// The next field, a number.
fn put(number: i64, out: &mut Vec<u8>) {
    out.push(1 << 4 | I32);
    write_number((number << 1 ^ number >> 63) as u64, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_pages_are_refused() {
        // A dictionary page of three values in 5 bytes, by hand; then cut off anywhere, and with each byte changed.
        let page = [0x15, 4, 0x15, 10, 0x15, 10, 0x4c, 0x15, 6, 0x15, 0, 0, 0, b'a', b'b', b'c', b'd', b'e'];
        let pages = |bytes: &[u8]| Pages::new(Bytes::copy_from_slice(bytes), Compression::UNCOMPRESSED).unwrap();
        match pages(&page).next() {
            Some(Ok(Page::DictionaryPage { buf, num_values: 3, encoding: Encoding::PLAIN, .. })) => {
                assert_eq!(buf, "abcde");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(pages(&page).count(), 1);
        // A field of the highest number that there is, and one behind it.
        let most = [[0x05].as_slice(), &[0xff; 9], &[0x01, 0x00, 0x15, 0x00]].concat();
        assert!(Thrift(&most).header().is_none());
        assert!(pages(&page).pass_dictionary().is_ok());
        for cut in 1..page.len() {
            assert!(pages(&page[..cut]).next().unwrap().is_err(), "{cut}");
        }
        for at in 0..page.len() {
            for byte in 0..=u8::MAX {
                let mut other = page;
                other[at] = byte;
                // Whatever comes of it, it comes to an end.
                assert!(pages(&other).take(20).filter(Result::is_ok).count() <= 3);
            }
        }
    }
}
