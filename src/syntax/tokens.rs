//! The tokens of KQL, and its words: which of them are kept from being names, and where.
//! <https://learn.microsoft.com/kusto/query/schema-entities/entity-names>
use crate::text::Span;
use crate::types::Type;
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name that is no word of the language.
    Name,
    /// A word of the language: it may still be a name, see [`Word::name`].
    Word(&'static Word),
    Punct(&'static str),
    /// One quoted text, with its prefix and quotes.
    String,
    Bool,
    Long,
    Real,
    /// A number with a unit.
    Timespan,
    /// `datetime(…)`, `long(…)`: everything up to the closing parenthesis is the literal's text.
    Typed(Type),
    /// A guid without `guid(…)` around it, which KQL does not take.
    RawGuid,
    /// A stretch that belongs to no token; the lexer has said so.
    Bad,
    End,
}

#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub kind: Kind,
    pub span: Span,
    /// Blanks or comments stand before it.
    pub blank: bool,
}

/// A word of the language.
#[derive(Debug)]
pub struct Word {
    pub text: &'static str,
    /// May be a name anywhere, without brackets.
    pub name: bool,
    /// May be a name where nothing else can stand: before `=` and before `:`.
    pub label: bool,
    /// May be a name in an expression.
    pub column: bool,
}

impl PartialEq for Word {
    fn eq(&self, other: &Word) -> bool {
        self.text == other.text
    }
}

impl Eq for Word {}

const fn name(text: &'static str) -> Word {
    Word { text, name: true, label: true, column: true }
}
const fn label(text: &'static str) -> Word {
    Word { text, name: false, label: true, column: false }
}
const fn column(text: &'static str) -> Word {
    Word { text, name: false, label: false, column: true }
}
const fn kept(text: &'static str) -> Word {
    Word { text, name: false, label: false, column: false }
}

/// Every word, and how far it is kept from being a name.
pub static WORDS: &[Word] = &[
    // Names without brackets.
    name("access"),
    name("alias"),
    name("bin"),
    name("consume"),
    name("count"),
    name("database"),
    name("declare"),
    name("default"),
    name("distinct"),
    name("entity_group"),
    name("evaluate"),
    name("extend"),
    name("dataformat"),
    name("inline_external_table"),
    name("datetime_pattern"),
    name("facet"),
    name("filter"),
    name("fork"),
    name("from"),
    name("getschema"),
    name("edges"),
    name("id"),
    name("best_effort"),
    name("join"),
    name("let"),
    name("limit"),
    name("lookup"),
    name("mvapply"),
    name("mvexpand"),
    name("nodes"),
    name("null"),
    name("nulls"),
    name("on"),
    name("optional"),
    name("order"),
    name("output"),
    name("pack"),
    name("parse"),
    name("__partitionby"),
    name("partition"),
    name("pattern"),
    name("plotly"),
    name("graph"),
    name("query_parameters"),
    name("range"),
    name("reduce"),
    name("regex"),
    name("render"),
    name("restrict"),
    name("scan"),
    name("serialize"),
    name("sort"),
    name("step"),
    name("summarize"),
    name("take"),
    name("top"),
    name("typeof"),
    name("uuid"),
    name("view"),
    name("with"),
    name("with_node_id"),
    name("bool"),
    name("guid"),
    // Names where a name is all that can stand.
    label("accumulate"),
    label("as"),
    label("by"),
    label("contains"),
    label("datatable"),
    label("earliest"),
    label("externaldata"),
    label("find"),
    label("has"),
    label("in"),
    label("invoke"),
    label("latest"),
    label("materialize"),
    label("mdm"),
    label("of"),
    label("print"),
    label("sample"),
    label("sample-distinct"),
    label("search"),
    label("set"),
    label("sql"),
    label("title"),
    label("to"),
    label("top-hitters"),
    label("top-nested"),
    label("toscalar"),
    label("totable"),
    label("verbose"),
    label("viewers"),
    label("where"),
    // Names of columns in expressions.
    column("kind"),
    column("with_source"),
    column("withsource"),
    // Never names without brackets.
    kept("__crossCluster"),
    kept("__crossDB"),
    kept("__id"),
    kept("__isFuzzy"),
    kept("__noWithSource"),
    kept("__packedColumn"),
    kept("__sourceColumnIndex"),
    kept("and"),
    kept("anomalychart"),
    kept("areachart"),
    kept("asc"),
    kept("assert-schema"),
    kept("bagexpansion"),
    kept("barchart"),
    kept("between"),
    kept("bin_legacy"),
    kept("cachingpolicy"),
    kept("callout"),
    kept("cancel"),
    kept("card"),
    kept("columnchart"),
    kept("commands-and-queries"),
    kept("containscs"),
    kept("contains_cs"),
    kept("__contextual_datatable"),
    kept("cycles"),
    kept("dataexport"),
    kept("datascope"),
    kept("decodeblocks"),
    kept("desc"),
    kept("encodingpolicy"),
    kept("endswith"),
    kept("endswith_cs"),
    kept("__executeAndCache"),
    kept("expandoutput"),
    kept("extent_tags_retention"),
    kept("external_data"),
    kept("first"),
    kept("flags"),
    kept("granny-asc"),
    kept("granny-desc"),
    kept("graph-match"),
    kept("graph-shortest-paths"),
    kept("graph-to-table"),
    kept("harddelete"),
    kept("hardretention"),
    kept("has_any"),
    kept("has_all"),
    kept("has_cs"),
    kept("hasprefix"),
    kept("hasprefix_cs"),
    kept("hassuffix"),
    kept("hassuffix_cs"),
    kept("hint.concurrency"),
    kept("hint.distribution"),
    kept("hint.materialized"),
    kept("hint.num_partitions"),
    kept("hint.shufflekey"),
    kept("hint.spread"),
    kept("hint.remote"),
    kept("hint.strategy"),
    kept("hint.progressive_top"),
    kept("hotcache"),
    kept("in~"),
    kept("isfuzzy"),
    kept("force_remote"),
    kept("journal"),
    kept("ladderchart"),
    kept("last"),
    kept("like"),
    kept("likecs"),
    kept("linechart"),
    kept("macro-expand"),
    kept("make-graph"),
    kept("graph-mark-components"),
    kept("graph-where-nodes"),
    kept("graph-where-edges"),
    kept("make-series"),
    kept("matches regex"),
    kept("materialized-view-combine"),
    kept("materialized-views"),
    kept("missing"),
    kept("mv-apply"),
    kept("mv-expand"),
    kept("nooptimization"),
    kept("!between"),
    kept("notcontains"),
    kept("notcontainscs"),
    kept("!contains"),
    kept("!contains_cs"),
    kept("!endswith"),
    kept("!endswith_cs"),
    kept("!has"),
    kept("!has_cs"),
    kept("!hasprefix"),
    kept("!hasprefix_cs"),
    kept("!hassuffix"),
    kept("!hassuffix_cs"),
    kept("!in"),
    kept("!in~"),
    kept("notlike"),
    kept("notlikecs"),
    kept("!startswith"),
    kept("!startswith_cs"),
    kept("or"),
    kept("others"),
    kept("parse-where"),
    kept("parse-kv"),
    kept("partitioned-by"),
    kept("pathformat"),
    kept("piechart"),
    kept("pivotchart"),
    kept("project"),
    kept("project-away"),
    kept("project-by-names"),
    kept("__projectAway"),
    kept("project-keep"),
    kept("project-rename"),
    kept("project-reorder"),
    kept("project-smart"),
    kept("queries"),
    kept("query_results"),
    kept("relaxed"),
    kept("restricted_view_access"),
    kept("row_level_security"),
    kept("rowstore"),
    kept("rowstore_references"),
    kept("rowstore_sealinfo"),
    kept("rowstorepolicy"),
    kept("rowstores"),
    kept("scatterchart"),
    kept("seal"),
    kept("seals"),
    kept("set-or-append"),
    kept("set-or-replace"),
    kept("shards"),
    kept("simple"),
    kept("softdelete"),
    kept("softretention"),
    kept("stackedareachart"),
    kept("startswith"),
    kept("startswith_cs"),
    kept("statistics"),
    kept("storedqueryresultcontainers"),
    kept("tablepurge"),
    kept("timechart"),
    kept("timeline"),
    kept("timepivot"),
    kept("treemap"),
    kept("union"),
    kept("unrestrictedviewers"),
    kept("views"),
    kept("with_itemindex"),
    kept("with_match_id"),
    kept("with_step_name"),
    kept("writeaheadlog"),
    // Types.
    kept("boolean"),
    kept("int8"),
    kept("char"),
    kept("uint8"),
    kept("byte"),
    kept("int16"),
    kept("uint16"),
    kept("int"),
    kept("int32"),
    kept("uint"),
    kept("uint32"),
    kept("long"),
    kept("int64"),
    kept("ulong"),
    kept("uint64"),
    kept("float"),
    kept("real"),
    kept("decimal"),
    kept("double"),
    kept("string"),
    kept("time"),
    kept("timespan"),
    kept("date"),
    kept("datetime"),
    kept("uniqueid"),
    kept("dynamic"),
];

/// The word of exactly that text.
pub fn word(text: &str) -> Option<&'static Word> {
    static INDEX: LazyLock<HashMap<&'static str, &'static Word>> =
        LazyLock::new(|| WORDS.iter().map(|word| (word.text, word)).collect());
    INDEX.get(text).copied()
}

/// The words that hold something else than letters, digits and underscores, longest first.
pub fn compounds() -> &'static [&'static Word] {
    static COMPOUNDS: LazyLock<Vec<&'static Word>> = LazyLock::new(|| {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let mut words: Vec<_> = WORDS.iter().filter(|word| !plain(word.text)).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.text.len()));
        words
    });
    &COMPOUNDS
}

/// Longest first where one begins another.
pub const PUNCTUATION: &[&str] = &[
    "..", "<=", "<|", "<>", ">=", "==", "=>", "=~", "!=", "!~", "(", ")", "[", "]", "{", "}", "|", ".", "+", "-", "*",
    "/", "%", "<", ">", "=", ":", ";", ",", "@", "?",
];
