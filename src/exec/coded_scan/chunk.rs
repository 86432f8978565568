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

/// Whether a chunk can be read so: texts, as they are or in a dictionary, and not in lists or structures.
pub fn can_read(column: &ColumnChunkMetaData, ty: &DataType) -> bool {
    use Encoding::{PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
    let place = column.column_descr();
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        && place.physical_type() == Type::BYTE_ARRAY
        && (place.max_rep_level(), place.path().parts().len()) == (0, 1)
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

/// Texts where they lie in pages.
#[derive(Debug, Default)]
pub struct Lain {
    pages: Vec<Bytes>,
    /// The page of each text, and where in it it begins and ends.
    places: Vec<(u32, u32, u32)>,
}

impl Lain {
    /// Those of a dictionary.
    pub fn of_dictionary(page: Page) -> Result<Lain, ParquetError> {
        let mut lain = Lain::default();
        let Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN | Encoding::PLAIN_DICTIONARY, .. } = page
        else {
            return Err(broken("its dictionary is of no known kind"));
        };
        lain.plain(&buf, num_values as usize)?;
        Ok(lain)
    }

    pub fn count(&self) -> usize {
        self.places.len()
    }

    /// Of its memory.
    pub fn size(&self) -> usize {
        self.pages.iter().map(Bytes::len).sum::<usize>() + size_of_val(self.places.as_slice())
    }

    pub fn text(&self, number: usize) -> Option<&[u8]> {
        let (page, start, end) = self.places.get(number)?;
        self.pages.get(*page as usize)?.get(*start as usize..*end as usize)
    }
}

impl Texts for Lain {
    fn plain(&mut self, data: &Bytes, count: usize) -> Result<(), ParquetError> {
        let Lain { pages, places } = self;
        let page = pages.len() as u32;
        places.reserve(count.min(data.len() / 4));
        each(data, count, |start, end| {
            // A page is smaller than 2 GiB.
            places.push((page, start as u32, end as u32));
            Ok(())
        })?;
        pages.push(data.clone());
        Ok(())
    }

    fn empty(&mut self) -> Result<(), ParquetError> {
        self.plain(&Bytes::from_static(&[0; 4]), 1)
    }
}

/// Reads some data pages of a chunk that have so many rows: the number of each row's text, and the texts that are not in its
/// dictionary. Their numbers go on where those of so many texts in the dictionary end.
pub fn some(
    pages: impl IntoIterator<Item = Result<Page, ParquetError>>,
    column: &ColumnChunkMetaData,
    rows: usize,
    in_dictionary: usize,
) -> Result<(Vec<u32>, Lain), ParquetError> {
    let mut reading = Reading::new(column, rows, None, Lain::default());
    reading.count = in_dictionary as u32;
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
    use arrow::array::{Array, ArrayRef, AsArray};
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
            let dictionary = dictionary.map_or_else(Lain::default, |page| Lain::of_dictionary(page).unwrap());
            let mut wanted_rows = wanted.iter().map(|text| text.unwrap_or_default().as_bytes());
            for page in pages.iter().filter(|page| page.is_data_page()) {
                let (in_dictionary, count) = (dictionary.count(), page.num_values() as usize);
                let of_page = |rows: usize| some([Ok(page.clone())], column, rows, in_dictionary);
                let (numbers, others) = of_page(count).unwrap();
                let found = numbers.iter().map(|number| *number as usize).map(|number| {
                    let other = number.checked_sub(in_dictionary);
                    other.map_or_else(|| dictionary.text(number), |other| others.text(other)).unwrap()
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
