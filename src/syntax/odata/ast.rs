//! The tree of an OData request line, as written.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html>
use crate::text::Span;

/// `alerts('da1')/files?$filter=…&$top=5`
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RequestLine {
    pub path: Vec<Segment>,
    pub options: Options,
    /// Which entities are asked for and in which order, in one spelling: tokens of pages are of this question alone.
    pub question: String,
}

/// One segment of the resource path: `alerts`, `alerts('da1')`, `Area(side=2)`, `$filter(severity eq 'High')`, `$count`.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub name: Name,
    /// `('key')` behind the name.
    pub key: Option<Literal>,
    /// Anything else in brackets: keys and parameters by name, a condition, sets.
    pub args: Vec<Arg>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// The query options that were given: of the request, or in brackets behind a property.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Options {
    pub filter: Option<Expr>,
    pub orderby: Vec<OrderBy>,
    pub select: Vec<SelectItem>,
    pub expand: Vec<ExpandItem>,
    pub compute: Vec<Computed>,
    pub apply: Vec<Trafo>,
    pub top: Option<u64>,
    pub skip: Option<u64>,
    pub count: Option<bool>,
    pub skiptoken: Option<String>,
    pub search: Option<Search>,
    pub format: Option<Name>,
    /// `@name=value`
    pub aliases: Vec<(Name, Expr)>,
    /// Options that OData defines and that nothing is done with here, by their names.
    pub unused: Vec<Name>,
}

/// `relatedUser/userName`, `*`, `comments($top=2)`
#[derive(Clone, Debug, PartialEq)]
pub struct SelectItem {
    pub path: Vec<Name>,
    pub options: Option<Box<Options>>,
    pub span: Span,
}

/// `evidence($filter=…)`, `machine/$ref`, `*`
#[derive(Clone, Debug, PartialEq)]
pub struct ExpandItem {
    pub path: Vec<Name>,
    pub what: Expanded,
    pub options: Box<Options>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expanded {
    Entities,
    /// `/$ref`
    References,
    /// `/$count`
    Number,
}

/// `length(title) as letters`
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    pub expr: Expr,
    pub name: Name,
}

/// A transformation of `$apply`.
#[derive(Clone, Debug, PartialEq)]
pub enum Trafo {
    Aggregate(Vec<Aggregate>),
    Compute(Vec<Computed>),
    Concat(Vec<Vec<Trafo>>),
    Filter(Expr),
    Groupby {
        by: Vec<Grouping>,
        then: Vec<Trafo>,
    },
    Identity,
    Orderby(Vec<OrderBy>),
    Search(Search),
    Skip(u64),
    Top(u64),
    /// `topcount(5,amount)` and its kin, by the word.
    Ranked {
        word: Name,
        amount: Expr,
        by: Expr,
    },
    /// `join(evidence as item)`, `outerjoin(…)`
    Join {
        word: Name,
        property: Vec<Name>,
    },
    /// `nest`, `ancestors` and other transformations that are read and not done.
    Other(Name),
}

/// `amount with sum as total`, `$count as number`
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// `None` for `$count`.
    pub expr: Option<Expr>,
    pub with: Option<Name>,
    /// `from time/month with average`: the word, where it stands.
    pub from: Option<Span>,
    pub name: Option<Name>,
    pub span: Span,
}

/// What `groupby` groups by: a path, or `rollup(…)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Grouping {
    Path(Vec<Name>),
    Rollup(Name),
}

/// What `$search` looks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// A word or a phrase.
    Term(String),
    Not(Box<Search>),
    All(Vec<Search>),
    Any(Vec<Search>),
    /// `'…'`: text between single quotes, which OData leaves to the service.
    Quoted(Name),
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrderBy {
    pub expr: Expr,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Literal(Literal),
    /// `severity`, `relatedUser/userName`, `@from`, `evidence/$count`, `evidence/any(e:…)`
    Path(Vec<Step>),
    /// `contains(title,'x')`, `geo.distance(a,b)`: one call with nothing before or behind it.
    Call {
        name: Name,
        args: Vec<Arg>,
    },
    /// `case(a gt 0:1,true:0)`
    Case(Vec<(Expr, Expr)>),
    /// `not x`, `-x`
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// The OData operator in lower case: `eq`, `add`, `has`, …
    Binary {
        op: &'static str,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a and b and c`, `a or b or c`: flat, so that a long chain is no deep tree.
    Chain {
        op: &'static str,
        terms: Vec<Expr>,
    },
    /// `status in ('New','InProgress')`: a list, or something that is one.
    In {
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `(1,2)` behind `in`, `["a","b"]`
    List(Vec<Expr>),
    /// `{"name":1}`
    Object(Vec<(String, Expr)>),
}

/// An argument: by its place, or by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub kind: StepKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A property, a type, a variable.
    Name(String),
    /// `@from`: a parameter alias in front, an annotation elsewhere.
    At(String),
    /// `$it`, `$this`, `$these`, `$root`
    Dollar(&'static str),
    Call {
        name: String,
        args: Vec<Arg>,
    },
    /// `$count`
    Count(Box<Options>),
    /// `$filter(…)`
    Filter(Box<Expr>),
    /// `any(e:…)`, `all(e:…)`; no variable: `any()`.
    Lambda {
        all: bool,
        body: Option<(Name, Box<Expr>)>,
    },
    /// `aggregate(amount with sum)`
    Aggregate(Box<Aggregate>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Long(i64),
    Real(f64),
    String(String),
    /// Ticks since 0001-01-01.
    Datetime(i64),
    /// The same, of a date without a time: its midnight.
    Date(i64),
    /// Ticks since midnight.
    TimeOfDay(i64),
    /// Ticks.
    Duration(i64),
    Guid(u128),
    /// `Namespace.Type'Member'`: what stands in quotes.
    Enum(String),
    /// Read, and of no use here: what it is.
    Other(&'static str),
}
