//! The infix and prefix operators: symbol and how tightly each binds. The parser, the printer and the binder read this
//! table; the meaning of each stands in its family under the same symbol.
//! <https://learn.microsoft.com/kusto/query/scalar-operators>

/// What stands to the right of an infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Another expression.
    Operand,
    /// A list in parentheses, or a table (`in`, `has_any`).
    List,
    /// `(low .. high)`.
    Range,
    /// Nothing: a prefix operator.
    Prefix,
}

#[derive(Clone, Copy, Debug)]
pub struct Operator {
    pub symbol: &'static str,
    /// 1 `or`, 2 `and`, 3 comparison and text (equality), 4 `< <= > >=`, 5 `+ -`, 6 `* / %`, 7 prefix.
    pub binds: u8,
    pub right: Right,
}

const fn infix(symbol: &'static str, binds: u8) -> Operator {
    Operator { symbol, binds, right: Right::Operand }
}
const fn list(symbol: &'static str) -> Operator {
    Operator { symbol, binds: 3, right: Right::List }
}
const fn range(symbol: &'static str) -> Operator {
    Operator { symbol, binds: 3, right: Right::Range }
}

pub const ALL: &[Operator] = &[
    infix("or", 1),
    infix("and", 2),
    infix("==", 3),
    infix("!=", 3),
    infix("=~", 3),
    infix("!~", 3),
    infix("has", 3),
    infix("!has", 3),
    infix("has_cs", 3),
    infix("!has_cs", 3),
    infix("hasprefix", 3),
    infix("!hasprefix", 3),
    infix("hasprefix_cs", 3),
    infix("!hasprefix_cs", 3),
    infix("hassuffix", 3),
    infix("!hassuffix", 3),
    infix("hassuffix_cs", 3),
    infix("!hassuffix_cs", 3),
    infix("contains", 3),
    infix("!contains", 3),
    infix("contains_cs", 3),
    infix("!contains_cs", 3),
    infix("startswith", 3),
    infix("!startswith", 3),
    infix("startswith_cs", 3),
    infix("!startswith_cs", 3),
    infix("endswith", 3),
    infix("!endswith", 3),
    infix("endswith_cs", 3),
    infix("!endswith_cs", 3),
    infix("matches regex", 3),
    list("in"),
    list("!in"),
    list("in~"),
    list("!in~"),
    list("has_any"),
    list("has_all"),
    range("between"),
    range("!between"),
    infix("<", 4),
    infix("<=", 4),
    infix(">", 4),
    infix(">=", 4),
    infix("+", 5),
    infix("-", 5),
    infix("*", 6),
    infix("/", 6),
    infix("%", 6),
    Operator { symbol: "unary-", binds: 7, right: Right::Prefix },
    Operator { symbol: "unary+", binds: 7, right: Right::Prefix },
];
