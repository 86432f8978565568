//! Parts of a Parquet file in memory.
use bytes::{Buf, Bytes, buf::Reader};
use datafusion::common::Result;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};
use std::ops::Range;

#[derive(Clone, Debug, Default)]
pub struct Fetched {
    parts: Vec<(Range<u64>, Bytes)>,
}

impl Fetched {
    /// Fetches what is not there yet.
    pub async fn fetch(
        &mut self,
        reader: &mut (dyn AsyncFileReader + Send),
        mut ranges: Vec<Range<u64>>,
    ) -> Result<()> {
        ranges.sort_unstable_by_key(|range| (range.start, range.end));
        ranges.dedup();
        ranges.retain(|range| self.part(range).is_none());
        if !ranges.is_empty() {
            let bytes = reader.get_byte_ranges(ranges.clone()).await?;
            self.parts.extend(ranges.into_iter().zip(bytes));
        }
        Ok(())
    }

    fn part(&self, range: &Range<u64>) -> Option<&(Range<u64>, Bytes)> {
        self.parts.iter().find(|(there, _)| there.start <= range.start && range.end <= there.end)
    }
}

/// Where a chunk of a row group lies: all of it, or its dictionary and the pages of some rows where these are said.
pub fn ranges(meta: &ParquetMetaData, group: usize, chunk: usize, rows: Option<&RowSelection>) -> Vec<Range<u64>> {
    let (start, length) = meta.row_group(group).column(chunk).byte_range();
    let whole = start..start + length;
    let pages = meta.offset_index().and_then(|index| index.get(group)?.get(chunk));
    let (Some(rows), Some(pages)) = (rows, pages.map(|index| index.page_locations())) else {
        return vec![whole];
    };
    let first = pages.first().and_then(|page| u64::try_from(page.offset).ok()).unwrap_or(start);
    // What comes before the first page is the dictionary.
    let dictionary = Some(start..first).filter(|range| !range.is_empty());
    dictionary.into_iter().chain(rows.scan_ranges(pages)).collect()
}

impl Length for Fetched {
    fn len(&self) -> u64 {
        self.parts.iter().map(|(range, _)| range.end).max().unwrap_or(0)
    }
}

fn not_read() -> ParquetError {
    ParquetError::General("a part that was not read".into())
}

impl ChunkReader for Fetched {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let part = self.parts.iter().find(|(range, _)| range.contains(&start));
        let (range, bytes) = part.ok_or_else(not_read)?;
        Ok(bytes.slice((start - range.start) as usize..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let part = self.part(&(start..start.saturating_add(length as u64)));
        let (range, bytes) = part.ok_or_else(not_read)?;
        let from = (start - range.start) as usize;
        Ok(bytes.slice(from..from + length))
    }
}
