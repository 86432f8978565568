//! Text operators with constant right sides, over whole columns: the needles are readied once, each row is one search.
use crate::columns::dictionary::Texts;
use crate::columns::repeats::KnownByStream;
use crate::functions::predicates::{AnyOf, InBytes, Kind, Needle, fold};
use crate::functions::regexes;
use crate::store::index::filter as index;
use crate::value::Value;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

/// One operator (`has`, `!in~`, `has_any`, …) and its constants. A null text is the empty one.
#[derive(Debug)]
pub struct TextUdf {
    symbol: &'static str,
    needles: Vec<String>,
    search: Search,
    /// The needle, for bytes of many texts.
    in_bytes: OnceLock<Option<InBytes>>,
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
    let udf =
        TextUdf { symbol, needles, search, in_bytes: OnceLock::new(), known: KnownByStream::default(), signature };
    Some(ScalarUDF::new_from_impl(udf).call(args))
}

impl TextUdf {
    fn all(&self, array: &ArrayRef) -> Result<BooleanArray> {
        match (&self.search, self.needles.as_slice()) {
            (Search::One(needle), _) => self.each(array, |text| needle.matches(text)),
            (Search::Any(needles), _) => self.each(array, |text| needles.matches(text)),
            (Search::All(needles), _) => self.each(array, |text| needles.iter().all(|needle| needle.matches(text))),
            (Search::Set(set), _) => self.each(array, |text| set.contains(&fold(text))),
            (Search::Pattern, needles) => {
                let pattern = needles.first().map_or("", String::as_str);
                regexes::find(pattern, |pattern| self.each(array, |text| pattern.is_match(text)))
                    .unwrap_or_else(|| internal_err!("a pattern was compiled once and not again"))
            }
        }
    }

    /// Whether it can be true of one of the texts that are somewhere in these bytes.
    pub fn may_be_in(&self, bytes: &[u8]) -> bool {
        match &self.search {
            _ if self.symbol.starts_with('!') => true,
            Search::One(needle) => match self.in_bytes.get_or_init(|| InBytes::new(needle)) {
                Some(needle) => needle.is_in(bytes),
                None => needle.may_be_in(bytes),
            },
            Search::All(needles) => needles.iter().all(|needle| needle.may_be_in(bytes)),
            Search::Any(_) | Search::Set(_) | Search::Pattern => true,
        }
    }

    fn each(&self, array: &ArrayRef, finds: impl Fn(&str) -> bool) -> Result<BooleanArray> {
        let negated = self.symbol.starts_with('!');
        let matches = |text: &str| finds(text) != negated;
        let mut bits = BooleanBufferBuilder::new(array.len());
        let mut push = |text: Option<&str>| bits.append(matches(text.unwrap_or("")));
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().iter().for_each(&mut push),
            DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(&mut push),
            other => {
                let Some(texts) = Texts::of(array) else { return internal_err!("`{}` over {other}", self.symbol) };
                let mut found = Vec::new();
                self.known.read(texts, &mut found, |texts, rows, out| {
                    let text = |row: usize| if texts.is_null(row) { "" } else { texts.value(row) };
                    out.extend(rows.iter().map(|row| matches(text(*row))));
                });
                bits.append_slice(&found);
            }
        }
        Ok(BooleanArray::new(bits.finish(), None))
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
