//! One column chunk of texts: the number of each row's text, and the texts of its dictionary. Numbers come straight from
//! the data pages; no row costs a look at a text.
//! <https://parquet.apache.org/docs/file-format/data-pages/encodings/>
use crate::functions::in_bytes::InBytes;
use crate::store::pages::{broken, each, hybrid};
use arrow::array::{StringArray, StringViewArray};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use std::sync::OnceLock;

/// Whether a chunk can be read so: texts, as they are or in a dictionary, and not in lists or structures.
pub fn can_read(column: &ColumnChunkMetaData, ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        && column.column_descr().physical_type() == Type::BYTE_ARRAY
        && is_plain(column)
}

/// The bytes of each number, where [`some`] of a chunk's numbers can be read as texts can.
pub fn width(column: &ColumnChunkMetaData, ty: &DataType) -> Option<usize> {
    let width = match (column.column_descr().physical_type(), ty) {
        (Type::INT64, DataType::Int64) | (Type::DOUBLE, DataType::Float64) => 8,
        (Type::INT32, DataType::Int32) => 4,
        _ => return None,
    };
    is_plain(column).then_some(width)
}

/// Values as they are or in a dictionary, and not in lists or structures.
fn is_plain(column: &ColumnChunkMetaData) -> bool {
    use Encoding::{PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
    let place = column.column_descr();
    (place.max_rep_level(), place.path().parts().len()) == (0, 1)
        && column.encodings().all(|encoding| [PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY].contains(&encoding))
}

/// What a chunk of texts holds.
pub struct Chunk {
    /// Of each row's text. A text that stands in more than one place has a number for each; a null is an empty text.
    pub numbers: Vec<u32>,
    /// `None` where the dictionary was passed over.
    pub texts: Option<StringViewArray>,
    /// There are no texts but those of the dictionary page.
    pub is_whole: bool,
}

/// Passes over a chunk's dictionary.
pub fn pass_dictionary(pages: &mut dyn PageReader) -> Result<(), ParquetError> {
    match pages.peek_next_page()? {
        Some(page) if page.is_dict => pages.skip_next_page(),
        _ => Err(broken("it has no dictionary")),
    }
}

/// Reads a chunk of so many rows from its pages. Where other numbers are known for the texts of its dictionary, the rows get
/// these, and the pages come without it.
pub fn read(
    pages: impl IntoIterator<Item = Result<Page, ParquetError>>,
    column: &ColumnChunkMetaData,
    rows: usize,
    known: Option<&[u32]>,
) -> Result<Chunk, ParquetError> {
    let mut reading = Reading::new(column, rows, known, Copied { bytes: Vec::new(), ends: vec![0] });
    for page in pages {
        reading.page(page?)?;
    }
    let Reading { numbers, to: Copied { bytes, ends }, count, in_dictionary, .. } = reading;
    let is_whole = count == in_dictionary;
    if numbers.len() != rows || known.is_some() && !is_whole {
        return Err(broken("its pages do not have its rows"));
    }
    let texts = match known {
        Some(_) => None,
        // Looked at as one text: that all are UTF-8 costs less to tell so than of each.
        None => Some(StringViewArray::from(&StringArray::try_new(OffsetBuffer::new(ends.into()), bytes.into(), None)?)),
    };
    Ok(Chunk { numbers, texts, is_whole })
}

/// Tells of each row of a chunk whether its text meets a condition. The texts are looked at where they lie in the pages, once
/// each. `None` where none of them meets it; `may_be_met` tells of bytes whether one can that is somewhere in them.
pub fn meeting(
    pages: &[Page],
    column: &ColumnChunkMetaData,
    rows: usize,
    may_be_met: impl Fn(&[u8]) -> bool,
    meets: impl FnMut(InBytes<'_>, &mut Vec<bool>) -> Result<(), ParquetError>,
) -> Result<Option<BooleanBuffer>, ParquetError> {
    let has_texts = |page: &&Page| page.is_dictionary_page() || page.encoding() == Encoding::PLAIN;
    // Where all are absent there are no bytes.
    if !may_be_met(b"") && !pages.iter().filter(has_texts).any(|page| may_be_met(page.buffer())) {
        return Ok(None);
    }
    let tried = Tried { meets, places: Vec::new(), met: Vec::new() };
    let mut reading = Reading::new(column, rows, None, tried);
    for page in pages {
        reading.page(page.clone())?;
    }
    let Reading { numbers, to: Tried { met, .. }, .. } = reading;
    if numbers.len() != rows || numbers.iter().any(|number| *number as usize >= met.len()) {
        return Err(broken("its pages do not have its rows"));
    }
    let met_by = |row: usize| met[numbers[row] as usize];
    Ok(met.contains(&true).then(|| BooleanBuffer::collect_bool(rows, met_by)))
}

/// What becomes of texts that are read.
trait Texts {
    /// So many texts one after the other, each behind its length.
    fn plain(&mut self, data: &Bytes, count: usize) -> Result<(), ParquetError>;
    /// The empty text.
    fn empty(&mut self) -> Result<(), ParquetError>;
}

/// All texts one behind the other, and where each ends.
struct Copied {
    bytes: Vec<u8>,
    ends: Vec<i32>,
}

impl Texts for Copied {
    fn plain(&mut self, data: &Bytes, count: usize) -> Result<(), ParquetError> {
        let Copied { bytes, ends } = self;
        bytes.reserve(data.len().saturating_sub(count * 4));
        ends.reserve(count.min(data.len() / 4));
        each(data, count, |start, end| {
            bytes.extend_from_slice(&data[start..end]);
            ends.push(i32::try_from(bytes.len()).map_err(|_| broken("its texts are too many"))?);
            Ok(())
        })
    }

    fn empty(&mut self) -> Result<(), ParquetError> {
        self.ends.extend(self.ends.last().copied());
        Ok(())
    }
}

/// Whether each of the texts meets a condition.
struct Tried<F> {
    meets: F,
    places: Vec<(u32, u32)>,
    met: Vec<bool>,
}

impl<F: FnMut(InBytes<'_>, &mut Vec<bool>) -> Result<(), ParquetError>> Texts for Tried<F> {
    fn plain(&mut self, data: &Bytes, count: usize) -> Result<(), ParquetError> {
        let Tried { meets, places, met } = self;
        places.clear();
        places.reserve(count.min(data.len() / 4));
        each(data, count, |start, end| {
            // A page is smaller than 2 GiB.
            places.push((start as u32, end as u32));
            Ok(())
        })?;
        meets(InBytes { bytes: data, places }, met)
    }

    fn empty(&mut self) -> Result<(), ParquetError> {
        (self.meets)(InBytes { bytes: b"", places: &[(0, 0)] }, &mut self.met)
    }
}

/// Texts or numbers where they lie in pages.
#[derive(Debug, Default)]
pub struct Lain {
    pages: Vec<Bytes>,
    /// Bytes of each number; none of texts, which say their length.
    width: Option<usize>,
    /// Numbers that fill the first page.
    filling: usize,
    /// Of each of the others the page, and where in it it begins and ends.
    places: Vec<(u32, u32, u32)>,
    is_sorted: OnceLock<bool>,
}

impl Lain {
    pub fn new(width: Option<usize>) -> Lain {
        Lain { width, ..Lain::default() }
    }

    /// Those of a dictionary.
    pub fn of_dictionary(page: Page, width: Option<usize>) -> Result<Lain, ParquetError> {
        let mut lain = Lain::new(width);
        let Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY, .. } = page
        else {
            return Err(broken("its dictionary is of no known kind"));
        };
        lain.plain(&buf, num_values as usize)?;
        Ok(lain)
    }

    pub fn count(&self) -> usize {
        self.filling + self.places.len()
    }

    /// Of its memory.
    pub fn size(&self) -> usize {
        self.pages.iter().map(Bytes::len).sum::<usize>() + size_of_val(self.places.as_slice())
    }

    /// An absent one is empty.
    pub fn value(&self, number: usize) -> Option<&[u8]> {
        match number.checked_sub(self.filling) {
            Some(other) => self.at(self.places.get(other)?),
            None => self.pages.first()?.chunks_exact(self.width?).nth(number),
        }
    }

    fn at(&self, (page, start, end): &(u32, u32, u32)) -> Option<&[u8]> {
        self.pages.get(*page as usize)?.get(*start as usize..*end as usize)
    }

    /// Whether these are texts, and in order.
    pub fn is_sorted(&self) -> bool {
        let are_texts = self.width.is_none();
        are_texts && *self.is_sorted.get_or_init(|| self.places.is_sorted_by_key(|place| self.at(place)))
    }

    /// Whether one of the texts, which are in order, is this.
    pub fn has(&self, text: &[u8]) -> bool {
        self.places.binary_search_by(|place| self.at(place).cmp(&Some(text))).is_ok()
    }
}

impl Texts for Lain {
    fn plain(&mut self, data: &Bytes, count: usize) -> Result<(), ParquetError> {
        let page = self.pages.len() as u32;
        // A page is smaller than 2 GiB.
        let place = |start: usize, end: usize| (page, start as u32, end as u32);
        match self.width {
            None => {
                self.places.reserve(count.min(data.len() / 4));
                each(data, count, |start, end| {
                    self.places.push(place(start, end));
                    Ok(())
                })?;
            }
            Some(width) if count.checked_mul(width).is_none_or(|bytes| bytes > data.len()) => {
                return Err(broken("its numbers end before they should"));
            }
            Some(_) if self.pages.is_empty() => self.filling = count,
            Some(width) => self.places.extend((0..count).map(|at| place(at * width, (at + 1) * width))),
        }
        self.pages.push(data.clone());
        Ok(())
    }

    fn empty(&mut self) -> Result<(), ParquetError> {
        self.places.push((self.pages.len() as u32, 0, 0));
        self.pages.push(Bytes::new());
        Ok(())
    }
}

/// Reads some data pages of a chunk that have so many rows: the place of each row's text or number, and those that are not in
/// its dictionary. Their places go on where those of the dictionary end.
pub fn some(
    pages: impl IntoIterator<Item = Result<Page, ParquetError>>,
    column: &ColumnChunkMetaData,
    rows: usize,
    dictionary: &Lain,
) -> Result<(Vec<u32>, Lain), ParquetError> {
    let mut reading = Reading::new(column, rows, None, Lain::new(dictionary.width));
    reading.count = dictionary.count() as u32;
    for page in pages {
        match page? {
            Page::DictionaryPage { .. } => return Err(broken("a dictionary stands among its rows")),
            page => reading.page(page)?,
        }
    }
    let Reading { numbers, to, .. } = reading;
    if numbers.len() != rows {
        return Err(broken("its pages do not have its rows"));
    }
    Ok((numbers, to))
}

/// Rows that memory is taken for before they are read.
const MOST_AHEAD: usize = 1 << 20;

struct Reading<'a, T> {
    rows: usize,
    known: Option<&'a [u32]>,
    nullable: bool,
    numbers: Vec<u32>,
    /// Texts of the dictionary page, and all so far.
    in_dictionary: u32,
    count: u32,
    /// The number of the empty text that stands for nulls.
    null: Option<u32>,
    to: T,
}

impl<'a, T: Texts> Reading<'a, T> {
    fn new(column: &ColumnChunkMetaData, rows: usize, known: Option<&'a [u32]>, to: T) -> Reading<'a, T> {
        let count = known.map_or(0, |known| known.len() as u32);
        Reading {
            rows,
            known,
            nullable: column.column_descr().max_def_level() > 0,
            // A file can say what it likes.
            numbers: Vec::with_capacity(rows.min(MOST_AHEAD)),
            in_dictionary: count,
            count,
            null: None,
            to,
        }
    }

    fn page(&mut self, page: Page) -> Result<(), ParquetError> {
        match page {
            Page::DictionaryPage { buf, num_values, encoding, .. } => {
                if self.count > 0 || !matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY) {
                    return Err(broken("its dictionary is of no known kind"));
                }
                self.plain(&buf, num_values as usize)?;
                self.in_dictionary = self.count;
                Ok(())
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                if !self.nullable {
                    return self.values(buf, encoding, num_values as usize, None);
                }
                if def_level_encoding != Encoding::RLE {
                    return Err(broken("its levels are of no known kind"));
                }
                let length = buf.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
                let end = length.and_then(|length| length.checked_add(4)).filter(|end| *end <= buf.len());
                let end = end.ok_or_else(|| broken("its levels end before they should"))?;
                self.values(buf.slice(end..), encoding, num_values as usize, Some(&buf[4..end]))
            }
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let start = rep_levels_byte_len as usize;
                let end = start.saturating_add(def_levels_byte_len as usize);
                let levels = buf.get(start..end).ok_or_else(|| broken("its levels end before they should"))?;
                let levels = self.nullable.then_some(levels);
                self.values(buf.slice(end..), encoding, num_values as usize, levels)
            }
        }
    }

    /// The values of a data page that has so many, nulls among them.
    fn values(
        &mut self,
        data: Bytes,
        encoding: Encoding,
        count: usize,
        levels: Option<&[u8]>,
    ) -> Result<(), ParquetError> {
        if count > self.rows - self.numbers.len() {
            return Err(broken("its pages have more rows than its row group"));
        }
        let mut present = Vec::new();
        if let Some(levels) = levels.filter(|levels| !hybrid::is_one(levels, count)) {
            hybrid::decode(levels, 1, count, &mut present)?;
        }
        let nulls = present.iter().filter(|present| **present == 0).count();
        let from = self.numbers.len();
        match encoding {
            Encoding::PLAIN => {
                let first = self.count;
                self.plain(&data, count - nulls)?;
                self.numbers.extend(first..self.count);
            }
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY if count == nulls => {}
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                let (width, data) = data.split_first().ok_or_else(|| broken("a page of it is empty"))?;
                hybrid::decode(data, *width, count - nulls, &mut self.numbers)?;
                if let Some(known) = self.known {
                    translate(&mut self.numbers[from..], known);
                }
            }
            _ => return Err(broken("its values are of no known kind")),
        }
        if nulls > 0 {
            let null = self.null()?;
            let mut values = self.numbers.split_off(from).into_iter();
            self.numbers.extend(present.iter().map(|present| match present {
                0 => null,
                _ => values.next().unwrap_or(null),
            }));
        }
        Ok(())
    }

    fn null(&mut self) -> Result<u32, ParquetError> {
        if let Some(null) = self.null {
            return Ok(null);
        }
        self.to.empty()?;
        self.count += 1;
        self.null = Some(self.count - 1);
        Ok(self.count - 1)
    }

    fn plain(&mut self, data: &Bytes, count: usize) -> Result<(), ParquetError> {
        self.to.plain(data, count)?;
        self.count += count as u32;
        Ok(())
    }
}

/// Puts other numbers in the place of numbers. One that has none becomes one that no text has.
pub fn translate(numbers: &mut [u32], others: &[u32]) {
    numbers.iter_mut().for_each(|number| *number = others.get(*number as usize).copied().unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pages::Pages;
    use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::{WriterProperties, WriterVersion};
    use parquet::file::reader::FileReader;
    use parquet::file::serialized_reader::{SerializedFileReader, SerializedPageReader};
    use std::sync::Arc;

    /// Of a few kinds: short and long, empty, beyond ASCII, hardly any twice, absent.
    fn text(row: usize, kind: usize) -> Option<String> {
        let number = row.wrapping_mul(0x9e37_79b9) >> 7;
        match kind {
            0 => Some(format!("{}", number % 5)),
            1 => (number % 7 != 6).then(|| format!("a text that does not fit a view, {}", number % 900)),
            2 => Some(["", "ü", "naïve Straße", "日本語"][number % 4].repeat(number % 9)),
            3 => Some(format!("{number} of {row}")),
            _ => None,
        }
    }

    #[test]
    fn texts_are_those_that_were_written() {
        let zstd = Compression::ZSTD(ZstdLevel::default());
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for (compression, dictionary, limit) in
                [(zstd, true, 1 << 20), (Compression::UNCOMPRESSED, true, 2_000), (zstd, true, 64), (zstd, false, 0)]
            {
                let properties = WriterProperties::builder()
                    .set_writer_version(version)
                    .set_compression(compression)
                    .set_dictionary_enabled(dictionary)
                    .set_dictionary_page_size_limit(limit)
                    .set_data_page_row_count_limit(700)
                    .set_write_batch_size(100)
                    .set_max_row_group_row_count(Some(5_000))
                    .build();
                for kind in 0..5 {
                    let column: ArrayRef = Arc::new((0..12_000).map(|row| text(row, kind)).collect::<StringArray>());
                    let batch =
                        RecordBatch::try_from_iter_with_nullable([("text", column, kind % 2 == 1 || kind == 4)]);
                    let mut file = Vec::new();
                    let batch = batch.unwrap();
                    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties.clone())).unwrap();
                    writer.write(&batch).unwrap();
                    writer.close().unwrap();
                    compare(Bytes::from(file));
                }
            }
        }
    }

    /// A number of few kinds, or of many; some absent.
    #[test]
    fn numbers_are_those_that_were_written() {
        for (dictionary, limit) in [(true, 1 << 20), (true, 64), (false, 0)] {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_dictionary_enabled(dictionary)
                .set_dictionary_page_size_limit(limit)
                .set_data_page_row_count_limit(700)
                .set_write_batch_size(100)
                .build();
            let number = |row: i64| (row % 7 != 6).then(|| row.wrapping_mul(0x9e37_79b9) >> (row % 40));
            let longs: ArrayRef = Arc::new((0..5_000).map(number).collect::<Int64Array>());
            let ints: ArrayRef = Arc::new((0..5_000).map(|row| Some(row % 11)).collect::<Int32Array>());
            let reals: ArrayRef =
                Arc::new((0..5_000).map(|row| number(row).map(|it| it as f64)).collect::<Float64Array>());
            let batch = RecordBatch::try_from_iter([("long", longs), ("int", ints), ("real", reals)]).unwrap();
            let mut file = Vec::new();
            let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let open = SerializedFileReader::new(Bytes::from(file.clone())).unwrap();
            let group = open.metadata().row_group(0);
            for (column, wanted) in group.columns().iter().zip(batch.columns()) {
                let width = width(column, wanted.data_type());
                assert_eq!(width, wanted.data_type().primitive_width());
                let (start, length) = column.byte_range();
                let bytes = Bytes::copy_from_slice(&file[start as usize..(start + length) as usize]);
                let mut pages = Pages::new(bytes, column.compression()).unwrap().map(Result::unwrap).peekable();
                let dictionary = pages.next_if(Page::is_dictionary_page);
                assert_eq!(dictionary.is_some(), column.dictionary_page_offset().is_some());
                let dictionary =
                    dictionary.map_or_else(|| Lain::new(width), |page| Lain::of_dictionary(page, width).unwrap());
                let mut row = 0;
                // Two pages at once, so that one begins behind another of numbers as they are.
                while let Some(page) = pages.next() {
                    let two: Vec<Page> = std::iter::once(page).chain(pages.next()).collect();
                    let rows = two.iter().map(|page| page.num_values() as usize).sum();
                    let (places, others) = some(two.into_iter().map(Ok), column, rows, &dictionary).unwrap();
                    for place in places {
                        let place = place as usize;
                        let value = match place.checked_sub(dictionary.count()) {
                            Some(other) => others.value(other).unwrap(),
                            None => dictionary.value(place).unwrap(),
                        };
                        let data = wanted.to_data();
                        let at = row * width.unwrap_or(0);
                        let bytes = &data.buffers()[0][at..at + width.unwrap_or(0)];
                        assert_eq!(value, if wanted.is_null(row) { b"" } else { bytes });
                        row += 1;
                    }
                }
                assert_eq!(row, 5_000);
                assert!(dictionary.value(dictionary.count()).is_none());
            }
        }
    }

    fn compare(file: Bytes) {
        let open = SerializedFileReader::new(file.clone()).unwrap();
        let file = Arc::new(file);
        for (index, group) in open.metadata().row_groups().iter().enumerate() {
            let (column, rows) = (group.column(0), group.num_rows() as usize);
            let builder = ParquetRecordBatchReaderBuilder::try_new(file.as_ref().clone()).unwrap();
            let reader = builder.with_row_groups(vec![index]).with_batch_size(rows).build().unwrap();
            let wanted = reader.map(Result::unwrap).next().unwrap().column(0).clone();
            let wanted = wanted.as_string::<i32>();
            let pages = || SerializedPageReader::new(file.clone(), column, rows, None).unwrap();
            if !can_read(column, wanted.data_type()) {
                // The second version has kinds of its own for texts outside of a dictionary.
                assert!(column.encodings().any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY));
                assert!(read(pages(), column, rows, None).is_err());
                continue;
            }
            let chunk = read(pages(), column, rows, None).unwrap();
            let texts = chunk.texts.unwrap();
            let found = chunk.numbers.iter().map(|number| texts.value(*number as usize));
            assert!(found.eq(wanted.iter().map(Option::unwrap_or_default)), "{index}");
            assert_eq!(texts.len(), chunk.numbers.iter().max().map_or(0, |most| *most as usize + 1));
            let others: Vec<u32> = (0..texts.len() as u32).rev().collect();
            let mut rest = pages();
            let again = pass_dictionary(&mut rest).and_then(|()| read(rest, column, rows, Some(&others)));
            assert_eq!(again.is_ok(), chunk.is_whole && column.dictionary_page_offset().is_some());
            if let Ok(again) = again {
                assert!(again.texts.is_none());
                assert!(
                    again.numbers.iter().zip(&chunk.numbers).all(|(again, number)| *again == others[*number as usize])
                );
            }
            let (start, length) = column.byte_range();
            let bytes = file.slice(start as usize..(start + length) as usize);
            let ours = read(Pages::new(bytes.clone(), column.compression()).unwrap(), column, rows, None).unwrap();
            assert_eq!(ours.numbers, chunk.numbers);
            assert_eq!(ours.texts.unwrap(), texts);
            let mut ours = Pages::new(bytes, column.compression()).unwrap();
            if ours.pass_dictionary().is_ok() {
                let again = read(ours, column, rows, Some(&others));
                assert_eq!(again.is_ok(), chunk.is_whole);
            }
            let pages: Vec<Page> = pages().collect::<Result<_, _>>().unwrap();
            let dictionary = pages.iter().find(|page| page.is_dictionary_page()).cloned();
            let dictionary = dictionary.map_or_else(Lain::default, |page| Lain::of_dictionary(page, None).unwrap());
            let mut wanted_rows = wanted.iter().map(|text| text.unwrap_or_default().as_bytes());
            for page in pages.iter().filter(|page| page.is_data_page()) {
                let (in_dictionary, count) = (dictionary.count(), page.num_values() as usize);
                let of_page = |rows: usize| some([Ok(page.clone())], column, rows, &dictionary);
                let (numbers, others) = of_page(count).unwrap();
                let found = numbers.iter().map(|number| *number as usize).map(|number| {
                    let other = number.checked_sub(in_dictionary);
                    other.map_or_else(|| dictionary.value(number), |other| others.value(other)).unwrap()
                });
                assert!(found.eq(wanted_rows.by_ref().take(count)));
                assert!(of_page(count + 1).is_err() && of_page(count - 1).is_err());
            }
            let word = texts.iter().flatten().max_by_key(|text| text.len()).unwrap_or_default().to_owned();
            for needle in [word.as_str(), "5", "", "no such text"] {
                let contains = |text: &str| text.contains(needle);
                let may = |bytes: &[u8]| memchr::memmem::find(bytes, needle.as_bytes()).is_some();
                let met = meeting(&pages, column, rows, may, |texts, out| {
                    texts
                        .matching(None, |text| Ok(contains(std::str::from_utf8(text)?)), out)
                        .map_err(|error| ParquetError::External(error.into()))
                });
                let wanted: Vec<bool> = wanted.iter().map(|text| contains(text.unwrap_or_default())).collect();
                match met.unwrap() {
                    Some(met) => assert!(met.iter().eq(wanted)),
                    None => assert!(!wanted.contains(&true)),
                }
            }
            let pages = || pages.iter().cloned().map(Ok);
            assert!(read(pages(), column, rows - 1, None).is_err());
            assert!(read(pages(), column, rows + 1, None).is_err());
        }
    }
}
