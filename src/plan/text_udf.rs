//! Text operators with constant right sides, over whole columns: the needles are readied once, each row is one search.
use crate::columns::dictionary::Texts;
use crate::columns::repeats::{KnownByStream, lies_in};
use crate::functions::in_bytes::{InBytes, Seek};
use crate::functions::predicates::{AnyOf, Before, Kind, Needle, fold};
use crate::functions::regexes;
use crate::store::index::filter as index;
use crate::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::str::{Utf8Error, from_utf8};
use std::sync::OnceLock;

/// So many texts, and no less than one in [`SHARE`] of an array's, are looked at together.
const MANY: usize = 256;
const SHARE: usize = 4;

/// One operator (`has`, `!in~`, `has_any`, …) and its constants. A null text is the empty one.
#[derive(Debug)]
pub struct TextUdf {
    symbol: &'static str,
    needles: Vec<String>,
    search: Search,
    /// What to look for in the bytes of many texts.
    seek: OnceLock<Option<Seek>>,
    /// What was found out about repeated texts.
    known: KnownByStream<bool>,
    signature: Signature,
}

#[derive(Debug)]
enum Search {
    One(Box<Needle>),
    Any(Box<AnyOf>),
    All(Vec<Needle>),
    /// `in~`: the texts folded.
    Set(HashSet<String>),
    Pattern,
}

/// The vectorised form of `text symbol (needles)`, if there is one.
pub fn call(symbol: &'static str, needles: &[Value<'static>], text: Expr) -> Option<Expr> {
    let needles: Vec<String> =
        needles.iter().map(|needle| needle.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    let bare = symbol.strip_prefix('!').unwrap_or(symbol);
    let ready = |kind| needles.iter().map(|needle| Needle::new(kind, needle)).collect::<Vec<_>>();
    let search = match (bare, needles.as_slice()) {
        ("in~", [_, ..]) => Search::Set(needles.iter().map(|needle| fold(needle)).collect()),
        ("has_any", [_, ..]) => Search::Any(Box::new(AnyOf::new(Kind::Has, &needles))),
        ("has_all", [_, ..]) => Search::All(ready(Kind::Has)),
        ("matches regex", [pattern]) => regexes::find(pattern, |_| Search::Pattern)?,
        ("~", [needle]) => Search::One(Box::new(Needle::new(Kind::Equals, needle))),
        (_, [needle]) => Search::One(Box::new(Needle::new(Kind::of(bare)?, needle))),
        _ => return None,
    };
    // The needles stand among the arguments so that a scan can see them; evaluation has its own, made ready.
    let few = needles.len() <= index::MOST_NEEDLES;
    let shown = needles.iter().filter(|_| few).map(|needle| index::needle(needle));
    let args = std::iter::once(text).chain(shown).collect();
    let signature = Signature::user_defined(Volatility::Immutable);
    let udf = TextUdf { symbol, needles, search, seek: OnceLock::new(), known: KnownByStream::default(), signature };
    Some(ScalarUDF::new_from_impl(udf).call(args))
}

impl TextUdf {
    fn all(&self, array: &ArrayRef) -> Result<BooleanArray> {
        self.with(|finds| self.each(array, finds))
    }

    /// Does something with the test of one text, negation aside.
    fn with<T>(&self, work: impl FnOnce(&dyn Fn(&str) -> bool) -> Result<T>) -> Result<T> {
        match &self.search {
            Search::One(needle) => work(&|text| needle.matches(text)),
            Search::Any(needles) => work(&|text| needles.matches(text)),
            Search::All(needles) => work(&|text| needles.iter().all(|needle| needle.matches(text))),
            Search::Set(set) => work(&|text| set.contains(&fold(text))),
            Search::Pattern => {
                let pattern = self.needles.first().map_or("", String::as_str);
                regexes::find(pattern, |pattern| work(&|text| pattern.is_match(text)))
                    .unwrap_or_else(|| internal_err!("a pattern was compiled once and not again"))
            }
        }
    }

    /// Whether it can be true of one of the texts that are somewhere in these bytes.
    pub fn may_be_in(&self, bytes: &[u8]) -> bool {
        self.symbol.starts_with('!') || self.seek().is_none_or(|seek| seek.is_in(bytes))
    }

    /// Tells of texts that lie in bytes whether it is true of each.
    pub fn of_texts_in(&self, texts: InBytes<'_>, out: &mut Vec<bool>) -> Result<()> {
        let seek = self.seek();
        let first = out.len();
        let wrong = |error: Utf8Error| DataFusionError::External(error.into());
        match &self.search {
            Search::Any(needles) => {
                let mut before = Before::default();
                texts.matching(seek, |text| needles.matches_one(text, &mut before), out).map_err(wrong)?;
            }
            _ => self.with(|finds| texts.matching(seek, |text| Ok(finds(from_utf8(text)?)), out).map_err(wrong))?,
        }
        if self.symbol.starts_with('!') {
            out[first..].iter_mut().for_each(|found| *found = !*found);
        }
        Ok(())
    }

    fn seek(&self) -> Option<&Seek> {
        let seek = || match &self.search {
            Search::One(needle) => Seek::needle(needle),
            // The longest is the rarest.
            Search::All(needles) => Seek::needle(needles.iter().max_by_key(|needle| needle.text().len())?),
            Search::Any(_) | Search::Set(_) => None,
            Search::Pattern => {
                let needles = regexes::literals(self.needles.first()?)?;
                Seek::exactly(&needles.iter().map(Vec::as_slice).collect::<Vec<_>>())
            }
        };
        self.seek.get_or_init(seek).as_ref()
    }

    fn each(&self, array: &ArrayRef, finds: impl Fn(&str) -> bool) -> Result<BooleanArray> {
        let negated = self.symbol.starts_with('!');
        let matches = |text: &str| finds(text) != negated;
        let each = |text: Option<&str>| matches(text.unwrap_or(""));
        let found: BooleanBuffer = match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().map(each).collect(),
            DataType::LargeUtf8 => array.as_string::<i64>().iter().map(each).collect(),
            other => {
                let Some(texts) = Texts::of(array) else { return internal_err!("`{}` over {other}", self.symbol) };
                let mut fault = None;
                let found = self.known.bits(texts, |texts, rows, out| {
                    let matches = |row: usize| matches(if texts.is_null(row) { "" } else { texts.value(row) });
                    if rows.len() < MANY || rows.len() * SHARE < texts.len() {
                        out.extend(rows.iter().map(|row| matches(*row)));
                    } else if let Err(error) = self.of_many(texts, rows, out, matches) {
                        out.resize(out.len() + rows.len(), false);
                        fault = Some(error);
                    }
                });
                fault.map_or(Ok(()), Err)?;
                found
            }
        };
        Ok(BooleanArray::new(found, None))
    }

    /// Of most of an array's texts, where they lie in its buffers.
    fn of_many(
        &self,
        texts: &StringViewArray,
        of: &[usize],
        out: &mut Vec<bool>,
        matches: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let mut lying = vec![(Vec::new(), Vec::new()); texts.data_buffers().len()];
        let mut tried = vec![false; of.len()];
        for (at, row) in of.iter().enumerate() {
            let place = lies_in(texts.views()[*row]).filter(|_| texts.is_valid(*row));
            match place.map(|(buffer, start, end)| (&mut lying[buffer], start, end)) {
                Some(((places, rows), start, end)) if places.last().is_none_or(|(_, last)| *last <= start) => {
                    places.push((start, end));
                    rows.push(at);
                }
                _ => tried[at] = matches(*row),
            }
        }
        let mut found = Vec::new();
        for (bytes, (places, rows)) in texts.data_buffers().iter().zip(&lying) {
            let span = places.first().zip(places.last()).map_or(0, |((start, _), (_, end))| end - start);
            if places.iter().map(|(start, end)| end - start).sum::<u32>() < span / SHARE as u32 {
                // They lie too far apart.
                rows.iter().for_each(|at| tried[*at] = matches(of[*at]));
                continue;
            }
            found.clear();
            self.of_texts_in(InBytes { bytes, places }, &mut found)?;
            rows.iter().zip(&found).for_each(|(at, found)| tried[*at] = *found);
        }
        out.extend(tried);
        Ok(())
    }
}

impl PartialEq for TextUdf {
    fn eq(&self, other: &TextUdf) -> bool {
        self.symbol == other.symbol && self.needles == other.needles
    }
}

impl Eq for TextUdf {}

impl Hash for TextUdf {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.symbol.hash(state);
        self.needles.hash(state);
    }
}

impl ScalarUDFImpl for TextUdf {
    fn name(&self) -> &str {
        self.symbol
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let text = args.first().map(|arg| arg.schema_name().to_string()).unwrap_or_default();
        Ok(format!("{text} {} {:?}", self.symbol, self.needles))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arg_types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[0] {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(std::sync::Arc::new(self.all(array)?))),
            ColumnarValue::Scalar(text) => {
                let found = self.all(&text.to_array_of_size(1)?)?.value(0);
                Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(found))))
            }
        }
    }
}
