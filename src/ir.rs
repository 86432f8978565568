//! The typed middle: what a KQL or OData text means, with every name and type settled and no sugar left. Each node has
//! one meaning, and it is KQL's (nulls, orders, overflows), never SQL's.
//!
//! Columns are known by name; names are unique within a schema. A node's schema is settled by the binder.
use crate::functions::{Aggregate, Function, Window};
use crate::text::Span;
use crate::types::{Schema, Type};
use crate::value::Value;
use std::sync::Arc;

/// A bound text: one relation for each result statement, and hints for the answer.
#[derive(Clone, Debug)]
pub struct Bound {
    pub results: Vec<Answer>,
    /// Things the reader of the answer should know (a table that is empty because nothing was ingested, …).
    pub notices: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    /// `PrimaryResult`, or the name given by `as` / `fork`.
    pub name: String,
    pub rel: Rel,
    /// `render`: kept as a hint, as JSON.
    pub visualization: Option<String>,
}

/// A relation: an operator over its inputs, and the schema it gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Rel {
    pub op: RelOp,
    pub schema: Schema,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RelOp {
    /// A table of the catalogue or an attached one. `columns` of the schema may be a subset.
    Table {
        name: String,
        span: Span,
    },
    /// Rows written in the text (`datatable`, `print`).
    Values {
        rows: Vec<Vec<Value<'static>>>,
    },
    /// `range`: one column, both ends included.
    Range {
        from: Value<'static>,
        to: Value<'static>,
        step: Value<'static>,
    },
    /// Keeps the rows where the predicate is true (null is not).
    Filter {
        input: Box<Rel>,
        predicate: Scalar,
    },
    /// The schema's columns, each computed from the input.
    Project {
        input: Box<Rel>,
        columns: Vec<(String, Scalar)>,
    },
    /// Groups by the values of `by` (null is a group) and folds each. No `by`: exactly one row. No aggregates: distinct.
    Summarize {
        input: Box<Rel>,
        by: Vec<(String, Scalar)>,
        aggregates: Vec<AggregateCall>,
    },
    /// `on` pairs are over the left and the right schema; null keys are equal. `output` gives the schema's columns.
    Join {
        left: Box<Rel>,
        right: Box<Rel>,
        kind: JoinKind,
        on: Vec<(Scalar, Scalar)>,
        output: Vec<JoinColumn>,
    },
    /// All inputs have this schema: same names, types and order.
    Union {
        inputs: Vec<Rel>,
    },
    Sort {
        input: Box<Rel>,
        keys: Vec<SortKey>,
    },
    Take {
        input: Box<Rel>,
        count: u64,
    },
    /// Drops that many rows first (OData `$skip`).
    Skip {
        input: Box<Rel>,
        count: u64,
    },
    /// Each row gives none, one or many: the input's columns except those that are replaced, then the added ones.
    /// The schema has the input's columns in place, of which the replaced ones have the expander's type.
    Expand {
        input: Box<Rel>,
        expander: Expander,
    },
    /// Window functions over the rows in their order; the schema is the input's and one column a call.
    Window {
        input: Box<Rel>,
        calls: Vec<WindowCall>,
    },
    /// For each input row: its elements as a small table (the input's columns, the elements' columns) through `body`,
    /// whose leaf is [`RelOp::Each`]; an element column with the name of an input column stands in its place. A column of
    /// the result that the body's schema names is the body's, all others are the input row's. A row without elements
    /// gives nothing. (mv-apply)
    Apply {
        input: Box<Rel>,
        expander: Expander,
        body: Box<Rel>,
    },
    /// The rows of each value of `by` through `body`, whose leaf is [`RelOp::Each`]. (partition)
    Partition {
        input: Box<Rel>,
        by: Scalar,
        body: Box<Rel>,
    },
    /// The rows that an `Apply` or `Partition` body works on.
    Each,
    /// An operator or plug-in that sees all rows at once, as a function over whole small tables.
    Whole {
        inputs: Vec<Rel>,
        call: WholeCall,
    },
    /// A relation used more than once (`materialize`): computed once for each `id`.
    Shared {
        id: u32,
        input: Arc<Rel>,
    },
}

impl RelOp {
    /// The relations that it reads, without the bodies of `Apply` and `Partition`.
    pub fn inputs(&self) -> Vec<&Rel> {
        match self {
            RelOp::Shared { input, .. } => vec![input],
            RelOp::Join { left, right, .. } => vec![left, right],
            RelOp::Union { inputs } | RelOp::Whole { inputs, .. } => inputs.iter().collect(),
            other => other.piped().into_iter().collect(),
        }
    }

    /// The input of a node that stands in a pipe; `None` for a source and for a node with several inputs. Long pipes are
    /// walked along it, so that they need no stack.
    pub fn piped(&self) -> Option<&Rel> {
        match self {
            RelOp::Filter { input, .. }
            | RelOp::Project { input, .. }
            | RelOp::Summarize { input, .. }
            | RelOp::Sort { input, .. }
            | RelOp::Take { input, .. }
            | RelOp::Skip { input, .. }
            | RelOp::Expand { input, .. }
            | RelOp::Window { input, .. }
            | RelOp::Apply { input, .. }
            | RelOp::Partition { input, .. } => Some(input),
            RelOp::Table { .. }
            | RelOp::Values { .. }
            | RelOp::Range { .. }
            | RelOp::Join { .. }
            | RelOp::Union { .. }
            | RelOp::Each
            | RelOp::Whole { .. }
            | RelOp::Shared { .. } => None,
        }
    }

    /// As [`RelOp::inputs`]; a shared relation becomes this node's own.
    pub fn inputs_mut(&mut self) -> Vec<&mut Rel> {
        match self {
            RelOp::Filter { input, .. }
            | RelOp::Project { input, .. }
            | RelOp::Summarize { input, .. }
            | RelOp::Sort { input, .. }
            | RelOp::Take { input, .. }
            | RelOp::Skip { input, .. }
            | RelOp::Expand { input, .. }
            | RelOp::Window { input, .. }
            | RelOp::Apply { input, .. }
            | RelOp::Partition { input, .. } => vec![input],
            RelOp::Shared { input, .. } => vec![Arc::make_mut(input)],
            RelOp::Join { left, right, .. } => vec![left, right],
            RelOp::Union { inputs } | RelOp::Whole { inputs, .. } => inputs.iter_mut().collect(),
            RelOp::Table { .. } | RelOp::Values { .. } | RelOp::Range { .. } | RelOp::Each => vec![],
        }
    }

    /// The scalars of this node, without those of its inputs and bodies.
    pub fn scalars(&self) -> Vec<&Scalar> {
        match self {
            RelOp::Filter { predicate, .. } => vec![predicate],
            RelOp::Project { columns, .. } => columns.iter().map(|(_, scalar)| scalar).collect(),
            RelOp::Summarize { by, aggregates, .. } => {
                by.iter().map(|(_, scalar)| scalar).chain(aggregates.iter().flat_map(|call| &call.args)).collect()
            }
            RelOp::Join { on, .. } => on.iter().flat_map(|(left, right)| [left, right]).collect(),
            RelOp::Sort { keys, .. } => keys.iter().map(|key| &key.expr).collect(),
            RelOp::Expand { expander, .. } | RelOp::Apply { expander, .. } => match expander {
                Expander::MvExpand { columns, .. } => columns.iter().map(|(_, scalar, _)| scalar).collect(),
                Expander::Parse { expr, .. } | Expander::ParseKv { expr, .. } => vec![expr],
            },
            RelOp::Window { calls, .. } => calls.iter().flat_map(|call| &call.args).collect(),
            RelOp::Partition { by, .. } => vec![by],
            RelOp::Whole { call, .. } => call.args.iter().flat_map(WholeArg::scalars).collect(),
            RelOp::Table { .. }
            | RelOp::Values { .. }
            | RelOp::Range { .. }
            | RelOp::Union { .. }
            | RelOp::Take { .. }
            | RelOp::Skip { .. }
            | RelOp::Each
            | RelOp::Shared { .. } => vec![],
        }
    }

    /// As [`RelOp::scalars`].
    pub fn scalars_mut(&mut self) -> Vec<&mut Scalar> {
        match self {
            RelOp::Filter { predicate, .. } => vec![predicate],
            RelOp::Project { columns, .. } => columns.iter_mut().map(|(_, scalar)| scalar).collect(),
            RelOp::Summarize { by, aggregates, .. } => by
                .iter_mut()
                .map(|(_, scalar)| scalar)
                .chain(aggregates.iter_mut().flat_map(|call| &mut call.args))
                .collect(),
            RelOp::Join { on, .. } => on.iter_mut().flat_map(|(left, right)| [left, right]).collect(),
            RelOp::Sort { keys, .. } => keys.iter_mut().map(|key| &mut key.expr).collect(),
            RelOp::Expand { expander, .. } | RelOp::Apply { expander, .. } => match expander {
                Expander::MvExpand { columns, .. } => columns.iter_mut().map(|(_, scalar, _)| scalar).collect(),
                Expander::Parse { expr, .. } | Expander::ParseKv { expr, .. } => vec![expr],
            },
            RelOp::Window { calls, .. } => calls.iter_mut().flat_map(|call| &mut call.args).collect(),
            RelOp::Partition { by, .. } => vec![by],
            RelOp::Whole { call, .. } => call.args.iter_mut().flat_map(WholeArg::scalars_mut).collect(),
            RelOp::Table { .. }
            | RelOp::Values { .. }
            | RelOp::Range { .. }
            | RelOp::Union { .. }
            | RelOp::Take { .. }
            | RelOp::Skip { .. }
            | RelOp::Each
            | RelOp::Shared { .. } => vec![],
        }
    }
}

impl RelOp {
    /// The node's name, for explanations.
    pub fn word(&self) -> &'static str {
        match self {
            RelOp::Table { .. } => "table",
            RelOp::Values { .. } => "values",
            RelOp::Range { .. } => "range",
            RelOp::Filter { .. } => "filter",
            RelOp::Project { .. } => "project",
            RelOp::Summarize { .. } => "summarize",
            RelOp::Join { .. } => "join",
            RelOp::Union { .. } => "union",
            RelOp::Sort { .. } => "sort",
            RelOp::Take { .. } => "take",
            RelOp::Skip { .. } => "skip",
            RelOp::Expand { expander, .. } => expander.word(),
            RelOp::Window { .. } => "window",
            RelOp::Apply { .. } => "mv-apply",
            RelOp::Partition { .. } => "partition",
            RelOp::Each => "each",
            RelOp::Whole { call, .. } => call.name,
            RelOp::Shared { .. } => "materialize",
        }
    }
}

impl Expander {
    pub fn word(&self) -> &'static str {
        match self {
            Expander::MvExpand { .. } => "mv-expand",
            Expander::Parse { .. } => "parse",
            Expander::ParseKv { .. } => "parse-kv",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Literal {
        value: Value<'static>,
        ty: Type,
    },
    Column {
        name: String,
        ty: Type,
        span: Span,
    },
    Call {
        function: &'static Function,
        args: Vec<Scalar>,
        ty: Type,
        span: Span,
    },
    /// `toscalar(…)`: the first column of the first row, computed before the query runs.
    Subquery {
        rel: Box<Rel>,
        ty: Type,
    },
    /// The distinct values of the first column as a dynamic array, computed before the query runs: the right side of
    /// `in`, `has_any` and their like. At most a million.
    SubquerySet {
        rel: Box<Rel>,
        ty: Type,
    },
}

impl Scalar {
    pub fn ty(&self) -> Type {
        match self {
            Scalar::Literal { ty, .. }
            | Scalar::Column { ty, .. }
            | Scalar::Call { ty, .. }
            | Scalar::Subquery { ty, .. } => *ty,
            Scalar::SubquerySet { .. } => Type::Dynamic,
        }
    }

    pub fn column(name: impl Into<String>, ty: Type) -> Scalar {
        Scalar::Column { name: name.into(), ty, span: Span::default() }
    }

    pub fn literal(value: Value<'static>, ty: Type) -> Scalar {
        Scalar::Literal { value, ty }
    }
}

/// One aggregation. `outputs` names its columns: one, or several where the aggregate gives several
/// (`arg_max(t, a, b)`: the maximised value first), in which case `aggregate` gives a row of `args.len()` values.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateCall {
    pub aggregate: &'static Aggregate,
    pub args: Vec<Scalar>,
    pub outputs: Vec<(String, Type)>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// The default of KQL: the left side has one row for each key (which one is not said).
    InnerUnique,
    Inner,
    LeftOuter,
    RightOuter,
    FullOuter,
    LeftSemi,
    RightSemi,
    LeftAnti,
    RightAnti,
}

#[derive(Clone, Debug, PartialEq)]
pub struct JoinColumn {
    /// The name in the result.
    pub name: String,
    pub side: Side,
    /// The name on that side.
    pub source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    pub expr: Scalar,
    pub descending: bool,
    pub nulls_first: bool,
}

/// How one row becomes several. The functions behind it are in `rows::expand`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expander {
    /// mv-expand: the columns are expanded side by side, shorter ones padded with null.
    MvExpand {
        /// Result column, the array or bag, the type of the elements.
        columns: Vec<(String, Scalar, Type)>,
        index: Option<String>,
        /// Bags become `[key, value]` pairs instead of one-key bags.
        array_bags: bool,
        limit: Option<u64>,
    },
    /// parse, parse-where (`filter`).
    Parse {
        expr: Scalar,
        pattern: ParsePattern,
        filter: bool,
    },
    ParseKv {
        expr: Scalar,
        columns: Vec<(String, Type)>,
        settings: KvSettings,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct ParsePattern {
    pub kind: ParseKind,
    /// Regex flags (`flags=Ui`), for [`ParseKind::Regex`].
    pub flags: String,
    pub parts: Vec<ParsePart>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseKind {
    Simple,
    Relaxed,
    Regex,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ParsePart {
    Text(String),
    Star,
    Column(String, Type),
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct KvSettings {
    pub pair_delimiter: Option<String>,
    pub kv_delimiter: Option<String>,
    pub quote: Vec<(char, char)>,
    pub escape: Option<char>,
    pub greedy: bool,
    pub regex: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    pub window: &'static Window,
    pub args: Vec<Scalar>,
    pub name: String,
    pub ty: Type,
}

/// A call of an operator or plug-in over whole tables, by name; see `rows::whole`.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeCall {
    pub name: &'static str,
    pub args: Vec<WholeArg>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WholeArg {
    /// A setting by name.
    Constant(&'static str, Value<'static>),
    /// An expression over the rows of the first input.
    Scalar(&'static str, Scalar),
    /// An aggregation over the rows of the first input.
    Aggregate(&'static str, AggregateCall),
    /// A column of the result.
    Column(&'static str, String, Type),
    /// Arguments that belong together: a level of top-nested, a step of scan.
    Group(&'static str, Vec<WholeArg>),
}

impl WholeArg {
    /// The scalars in it.
    pub fn scalars(&self) -> Vec<&Scalar> {
        match self {
            WholeArg::Constant(..) | WholeArg::Column(..) => vec![],
            WholeArg::Scalar(_, scalar) => vec![scalar],
            WholeArg::Aggregate(_, call) => call.args.iter().collect(),
            WholeArg::Group(_, args) => args.iter().flat_map(WholeArg::scalars).collect(),
        }
    }

    pub fn scalars_mut(&mut self) -> Vec<&mut Scalar> {
        match self {
            WholeArg::Constant(..) | WholeArg::Column(..) => vec![],
            WholeArg::Scalar(_, scalar) => vec![scalar],
            WholeArg::Aggregate(_, call) => call.args.iter_mut().collect(),
            WholeArg::Group(_, args) => args.iter_mut().flat_map(WholeArg::scalars_mut).collect(),
        }
    }
}
