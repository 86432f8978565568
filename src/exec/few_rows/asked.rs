//! Texts of a column of which a predicate wants one. A term index may leave pages that have none of them: it has hashes, and
//! few bits of each. Where the dictionary of a row group is in memory it tells, and no page is read.
use crate::exec::coded_scan::chunk::Lain;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use parquet::basic::Encoding;
use parquet::file::metadata::ColumnChunkMetaData;
use std::sync::Arc;

pub struct Asked {
    pub column: String,
    texts: Vec<String>,
}

impl Asked {
    /// All that a predicate asks for so.
    pub fn of(predicate: &Arc<dyn PhysicalExpr>) -> Vec<Asked> {
        split_conjunction(predicate).into_iter().filter_map(one).collect()
    }

    /// Whether a chunk with this dictionary has none of the texts. Of one of numbers, which the table shows as texts, it is
    /// not known.
    pub fn is_not_in(&self, column: &ColumnChunkMetaData, dictionary: &Lain) -> bool {
        let is_whole = column.page_encoding_stats_mask().is_some_and(|data_pages| {
            data_pages.is_only(Encoding::RLE_DICTIONARY) || data_pages.is_only(Encoding::PLAIN_DICTIONARY)
        });
        is_whole && dictionary.is_sorted() && !self.texts.iter().any(|text| dictionary.has(text.as_bytes()))
    }
}

fn one(part: &Arc<dyn PhysicalExpr>) -> Option<Asked> {
    let text = |expr: &Arc<dyn PhysicalExpr>| expr.downcast_ref::<Literal>()?.value().try_as_str()?.map(str::to_owned);
    let (column, texts) = if let Some(list) = part.downcast_ref::<InListExpr>().filter(|list| !list.negated()) {
        (list.expr(), list.list().iter().map(text).collect::<Option<Vec<_>>>()?)
    } else {
        let equal = part.downcast_ref::<BinaryExpr>().filter(|equal| *equal.op() == Operator::Eq)?;
        match text(equal.right()) {
            Some(text) => (equal.left(), vec![text]),
            None => (equal.right(), vec![text(equal.left())?]),
        }
    };
    Some(Asked { column: column.downcast_ref::<Column>()?.name().to_owned(), texts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pages::Pages;
    use arrow::array::{ArrayRef, StringArray};
    use arrow::record_batch::RecordBatch;
    use bytes::Bytes;
    use datafusion::physical_expr::expressions::{BinaryExpr, binary, col, in_list, lit};
    use parquet::arrow::ArrowWriter;
    use parquet::column::page::Page;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    #[test]
    fn a_dictionary_tells_what_a_row_group_lacks() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "b", "d"]));
        let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let schema = batch.schema();
        let text = || col("text", &schema).unwrap();
        let of = |expr: Arc<dyn PhysicalExpr>| Asked::of(&expr);
        let equal = |left, right| binary(left, Operator::Eq, right, &schema).unwrap();
        let among = |negated| in_list(text(), vec![lit("c"), lit("e")], &negated, &schema).unwrap();
        for (dictionary_limit, is_told) in [(1 << 20, true), (1, false)] {
            let properties = WriterProperties::builder()
                .set_dictionary_page_size_limit(dictionary_limit)
                .set_write_batch_size(1)
                .set_data_page_row_count_limit(1)
                .build();
            let mut file = Vec::new();
            let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let file = Bytes::from(file);
            let open = SerializedFileReader::new(file.clone()).unwrap();
            let column = open.metadata().row_group(0).column(0);
            let (start, length) = column.byte_range();
            let chunk = file.slice(start as usize..(start + length) as usize);
            let page = Pages::new(chunk, column.compression()).unwrap().next().unwrap().unwrap();
            let dictionary = Lain::of_dictionary(page, None).unwrap();
            let lacks = |asked: Vec<Asked>| asked.iter().any(|asked| asked.is_not_in(column, &dictionary));
            assert_eq!(lacks(of(equal(text(), lit("c")))), is_told);
            assert_eq!(lacks(of(equal(lit("c"), text()))), is_told);
            assert_eq!(lacks(of(among(false))), is_told);
            assert!(!lacks(of(equal(text(), lit("b")))) && !lacks(of(among(true))));
            let both = Arc::new(BinaryExpr::new(equal(text(), lit("b")), Operator::And, among(false)));
            assert_eq!((of(both.clone()).len(), lacks(of(both))), (2, is_told));
            let either = Arc::new(BinaryExpr::new(equal(text(), lit("c")), Operator::Or, among(false)));
            assert!(of(either).is_empty());
            let buf = Bytes::copy_from_slice(&5i64.to_le_bytes());
            let page = Page::DictionaryPage { buf, num_values: 1, encoding: Encoding::PLAIN, is_sorted: false };
            let numbers = Lain::of_dictionary(page, Some(8)).unwrap();
            assert!(of(equal(text(), lit("5"))).iter().all(|asked| !asked.is_not_in(column, &numbers)));
        }
    }
}
