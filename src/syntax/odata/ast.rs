//! The tree of an OData request line, as written.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html>
use crate::text::Span;

/// `alerts('da1')/files?$filter=…&$top=5`
#[derive(Clone, Debug, PartialEq, Default)]
pub struct RequestLine {
    pub path: Vec<Segment>,
    pub options: Options,
}

/// One segment of the resource path: `alerts`, `alerts('da1')`, `$count`.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub name: Name,
    /// `('key')` behind the name.
    pub key: Option<Literal>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// The query options that were given.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Options {
    pub filter: Option<Expr>,
    pub orderby: Vec<OrderBy>,
    pub select: Vec<Name>,
    pub expand: Vec<Name>,
    pub top: Option<u64>,
    pub skip: Option<u64>,
    pub count: Option<bool>,
    pub skiptoken: Option<String>,
    pub search: Option<Search>,
}

/// What `$search` looks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// A word or a phrase.
    Term(String),
    Not(Box<Search>),
    All(Vec<Search>),
    Any(Vec<Search>),
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
    /// `severity`, `relatedUser/userName`
    Path(Vec<Name>),
    /// `contains(title, 'x')`: the OData name, in lower case.
    Call {
        name: Name,
        args: Vec<Expr>,
    },
    /// `not x`, `-x`
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// The OData operator in lower case: `eq`, `add`, …
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
    In {
        left: Box<Expr>,
        list: Vec<Expr>,
    },
    /// `evidence/any(e: e/sha1 eq 'x')`; no variable: `evidence/any()`.
    Lambda {
        path: Vec<Name>,
        all: bool,
        body: Option<(Name, Box<Expr>)>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Long(i64),
    Real(f64),
    String(String),
    /// Ticks since 0001-01-01; a date without a time is its midnight.
    Datetime(i64),
    /// Ticks.
    Duration(i64),
    Guid(u128),
    /// `Namespace.Type'Member'`: the member.
    Enum(String),
}
