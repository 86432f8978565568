//! Chunks of texts as the store keeps them: the dictionary in order, so that texts that begin alike lie one behind the other,
//! and compressed by LZ4 where that makes it small. Parquet's own writer takes texts as they come; what it wrote, not yet
//! compressed, is written again.
use super::indexes::lock;
use super::pages::{self, Pages, broken, each, hybrid};
use bytes::Bytes;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::Page;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use zstd::bulk::Compressor;

/// Of zstd.
pub const LEVEL: i32 = 3;
/// LZ4 is read several times as fast as zstd, and takes half as much again. That pays where there is much to read, for each
/// row and in all, and its texts are alike: of numbers and hashes LZ4 makes next to nothing.
const MUCH_A_ROW: usize = 8;
const MUCH: usize = 1 << 16;
const ALIKE: usize = 3;

thread_local! {
    static ZSTD: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

type Blobs = Arc<Mutex<Vec<Bytes>>>;

/// What Parquet's writer has written of a row group, by column.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Mutex<HashMap<usize, Blobs>>>);

impl PageStoreFactory for Written {
    fn create(&self, column: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>, ParquetError> {
        let blobs = Blobs::default();
        lock(&self.0).insert(column.column_index(), blobs.clone());
        Ok(Box::new(Stored(blobs)))
    }
}

impl Written {
    /// Headers and pages in turn; the dictionary comes when it is finished.
    pub fn take(&self, column: usize) -> Vec<Bytes> {
        let blobs = lock(&self.0).remove(&column);
        blobs.map(|blobs| std::mem::take(&mut *lock(&blobs))).unwrap_or_default()
    }
}

struct Stored(Blobs);

impl PageStore for Stored {
    fn put(&mut self, blob: Bytes) -> Result<PageKey, ParquetError> {
        let mut blobs = lock(&self.0);
        blobs.push(blob);
        Ok(PageKey::new(blobs.len() as u64 - 1))
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes, ParquetError> {
        let mut blobs = lock(&self.0);
        let blob = usize::try_from(key.get()).ok().and_then(|at| blobs.get_mut(at));
        blob.map(std::mem::take).ok_or_else(|| broken("a page of it was not written"))
    }

    fn memory_size(&self) -> usize {
        lock(&self.0).iter().map(Bytes::len).sum()
    }
}

/// A chunk as it will lie in the file.
pub struct Chunk {
    pub bytes: Bytes,
    pub close: ColumnCloseResult,
}

/// Writes a chunk again whose pages, not compressed, these are.
pub fn rewritten(chunk: ArrowColumnChunk, blobs: Vec<Bytes>) -> Result<Chunk, ParquetError> {
    let mut read = Vec::with_capacity(blobs.len() / 2);
    for blob in blobs.chunks(2) {
        let page = Pages::new(blob.concat().into(), Compression::UNCOMPRESSED).and_then(|mut pages| pages.next());
        read.push(page.unwrap_or_else(|| Err(broken("it lacks a page")))?);
    }
    let dictionary = read.iter().position(Page::is_dictionary_page).map(|at| read.remove(at));
    let nullable = chunk.close().metadata.column_descr().max_def_level() > 0;
    let mut out =
        Out { compression: Compression::ZSTD(ZstdLevel::try_new(LEVEL)?), bytes: Vec::new(), uncompressed: 0 };
    let mut places = Vec::new();
    if let Some(Page::DictionaryPage { buf, num_values, .. }) = &dictionary {
        let texts = in_order(buf, *num_values as usize, &mut places)?;
        let header =
            |uncompressed, compressed| pages::dictionary_header(uncompressed, compressed, *num_values as usize);
        let rows = usize::try_from(chunk.close().rows_written).unwrap_or(0);
        let is_much = texts.len() >= MUCH.max(rows.saturating_mul(MUCH_A_ROW));
        let small = is_much.then(|| lz4_flex::block::compress(&texts));
        match small.filter(|small| small.len() * ALIKE <= texts.len()) {
            Some(small) => {
                out.compression = Compression::LZ4_RAW;
                out.compressed(texts.len(), &small, header);
            }
            None => out.page(&texts, header)?,
        }
    }
    let dictionary = out.bytes.len();
    let mut locations = Vec::with_capacity(read.len());
    for page in read {
        let Page::DataPage { buf, num_values, encoding, .. } = page else {
            return Err(broken("a page of it is of another version"));
        };
        let (values, in_dictionary) = (num_values as usize, encoding == Encoding::RLE_DICTIONARY);
        let again = if in_dictionary { renumbered(&buf, values, nullable, &places)?.into() } else { buf };
        let start = out.bytes.len();
        out.page(&again, |uncompressed, compressed| {
            pages::data_header(uncompressed, compressed, values, in_dictionary)
        })?;
        locations.push((start, out.bytes.len() - start));
    }

    let close = chunk.close();
    let metadata = close.metadata.clone().into_builder();
    let mut offset_index = close.offset_index.clone();
    if let Some(index) = &mut offset_index {
        if index.page_locations.len() != locations.len() {
            return Err(broken("it has other pages than it says"));
        }
        for (page, (start, length)) in index.page_locations.iter_mut().zip(locations) {
            page.offset = start as i64;
            page.compressed_page_size = i32::try_from(length).map_err(|_| broken("a page of it is too long"))?;
        }
    }
    let metadata = metadata
        .set_compression(out.compression)
        .set_total_compressed_size(out.bytes.len() as i64)
        .set_total_uncompressed_size(out.uncompressed as i64)
        .set_dictionary_page_offset((dictionary > 0).then_some(0))
        .set_data_page_offset(dictionary as i64)
        .build()?;
    let close = ColumnCloseResult {
        bytes_written: out.bytes.len() as u64,
        rows_written: close.rows_written,
        metadata,
        bloom_filter: None,
        column_index: close.column_index.clone(),
        offset_index,
    };
    Ok(Chunk { bytes: out.bytes.into(), close })
}

struct Out {
    compression: Compression,
    bytes: Vec<u8>,
    /// What they were before.
    uncompressed: usize,
}

impl Out {
    fn page(&mut self, page: &[u8], header: impl FnOnce(usize, usize) -> Vec<u8>) -> Result<(), ParquetError> {
        let compressed = match self.compression {
            Compression::LZ4_RAW => lz4_flex::block::compress(page),
            _ => ZSTD.with_borrow_mut(|zstd| {
                let zstd = match zstd {
                    Some(zstd) => zstd,
                    None => zstd.insert(Compressor::new(LEVEL)?),
                };
                zstd.compress(page)
            })?,
        };
        self.compressed(page.len(), &compressed, header);
        Ok(())
    }

    /// A page that had so many bytes.
    fn compressed(&mut self, before: usize, page: &[u8], header: impl FnOnce(usize, usize) -> Vec<u8>) {
        let header = header(before, page.len());
        self.uncompressed += header.len() + before;
        self.bytes.extend(header);
        self.bytes.extend_from_slice(page);
    }
}

/// The texts of a dictionary in order; and the new place of each.
fn in_order(dictionary: &[u8], count: usize, places: &mut Vec<u32>) -> Result<Vec<u8>, ParquetError> {
    let mut texts: Vec<(&[u8], u32)> = Vec::with_capacity(count);
    each(dictionary, count, |start, end| {
        texts.push((&dictionary[start..end], texts.len() as u32));
        Ok(())
    })?;
    texts.sort_unstable();
    places.resize(count, 0);
    let mut ordered = Vec::with_capacity(dictionary.len());
    for (place, (text, before)) in texts.into_iter().enumerate() {
        places[before as usize] = place as u32;
        ordered.extend((text.len() as u32).to_le_bytes());
        ordered.extend(text);
    }
    Ok(ordered)
}

/// A page of numbers of texts, which have other places now.
fn renumbered(page: &[u8], values: usize, nullable: bool, places: &[u32]) -> Result<Vec<u8>, ParquetError> {
    let mut levels = 0;
    let mut present = values;
    if nullable {
        let length = page.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
        levels = 4 + length.ok_or_else(|| broken("its levels end before they should"))?;
        let mut each = Vec::with_capacity(values);
        let bytes = page.get(4..levels).ok_or_else(|| broken("its levels end before they should"))?;
        hybrid::decode(bytes, 1, values, &mut each)?;
        present = each.iter().filter(|level| **level > 0).count();
    }
    let (before, rest) = page.split_at(levels);
    let mut again = before.to_vec();
    if let Some((width, numbers)) = rest.split_first() {
        let mut each = Vec::with_capacity(present);
        hybrid::decode(numbers, *width, present, &mut each)?;
        for number in &mut each {
            let place = places.get(*number as usize).ok_or_else(|| broken("a row of it has no text"))?;
            *number = *place;
        }
        // The first pages were written when the dictionary was small.
        let width = (u32::BITS - (places.len() as u32).saturating_sub(1).leading_zeros()).max(1) as u8;
        again.push(width);
        hybrid::encode(&each, width, &mut again);
    }
    Ok(again)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringViewArray};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::{
        ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
    };
    use parquet::arrow::arrow_writer::{ArrowWriterOptions, compute_leaves};
    use parquet::file::metadata::PageIndexPolicy;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::ChunkReader;

    const ROWS: usize = 5_000;

    /// A text for each row.
    type Kind<'k> = &'k dyn Fn(usize) -> Option<String>;

    fn file(texts: &RecordBatch, dictionary: usize) -> Bytes {
        let properties = WriterProperties::builder()
            .set_dictionary_page_size_limit(dictionary)
            .set_data_page_row_count_limit(700)
            .set_write_batch_size(100)
            .build();
        let written = Written::default();
        let options =
            ArrowWriterOptions::new().with_properties(properties).with_page_store_factory(Arc::new(written.clone()));
        let mut bytes = Vec::new();
        let writer = ArrowWriter::try_new_with_options(&mut bytes, texts.schema(), options).unwrap();
        let (mut writer, factory) = writer.into_serialized_writer().unwrap();
        let mut column = factory.create_column_writers(0).unwrap().remove(0);
        for leaf in compute_leaves(texts.schema().field(0), texts.column(0)).unwrap() {
            column.write(&leaf).unwrap();
        }
        let chunk = rewritten(column.close().unwrap(), written.take(0)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        group.append_column(&chunk.bytes, chunk.close).unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        bytes.into()
    }

    #[test]
    fn texts_come_back_as_they_were() {
        let number = |row: usize| row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let alike =
            |row: usize| Some(format!("{}cmd.exe /c {:06}", "C:\\Windows\\System32\\".repeat(40), number(row) % 1_500));
        let hash = |row: usize| Some(format!("{:016x}", (number(row) % 900).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let absent = |row: usize| alike(row).filter(|_| row % 3 != 1 && row % 1_400 > 700);
        let few = |row: usize| Some(["", "日本語", "ü"][row / 1_000 % 3].to_owned());
        let kinds: [(Kind<'_>, Option<Compression>); 5] = [
            (&alike, Some(Compression::LZ4_RAW)),
            (&hash, Some(Compression::ZSTD(ZstdLevel::default()))),
            (&absent, None),
            (&few, None),
            (&|_| None, None),
        ];
        for (kind, compression) in kinds {
            // All of them in a dictionary, and some.
            for dictionary in [1 << 24, 9_000] {
                let texts: ArrayRef = Arc::new((0..ROWS).map(kind).collect::<StringViewArray>());
                let batch = RecordBatch::try_from_iter_with_nullable([("text", texts.clone(), true)]).unwrap();
                let file = file(&batch, dictionary);
                let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
                let open =
                    || ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options.clone()).unwrap();
                let read = open().with_batch_size(ROWS).build().unwrap().next().unwrap().unwrap();
                assert_eq!(read.column(0), &texts);
                let some = RowSelection::from(vec![RowSelector::skip(2_950), RowSelector::select(3)]);
                let read = open().with_row_selection(some).build().unwrap().next().unwrap().unwrap();
                assert_eq!(read.column(0), &texts.slice(2_950, 3));

                let chunk = open().metadata().row_group(0).column(0).clone();
                assert!(compression.filter(|_| dictionary > MUCH).is_none_or(|wanted| {
                    std::mem::discriminant(&wanted) == std::mem::discriminant(&chunk.compression())
                }));
                let (start, length) = chunk.byte_range();
                let bytes = file.get_bytes(start, length as usize).unwrap();
                let first = Pages::new(bytes, chunk.compression()).unwrap().next().unwrap().unwrap();
                let Page::DictionaryPage { buf, num_values, .. } = first else { continue };
                let mut words: Vec<&[u8]> = Vec::new();
                each(&buf, num_values as usize, |start, end| {
                    words.push(&buf[start..end]);
                    Ok(())
                })
                .unwrap();
                assert!(words.is_sorted() && words.len() == num_values as usize);
            }
        }
    }
}
