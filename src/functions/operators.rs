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
    /// 1 `or`, 2 `and`, 3 equality, `in` and `between`, 4 `< <= > >=`, 5 `+ -`, 6 `* / %`, 7 text (`has`, `=~`), 8 prefix.
    pub binds: u8,
    pub right: Right,
}

impl Operator {
    /// Whether `a op b op c` may stand without parentheses: comparisons do not chain.
    pub fn chains(&self) -> bool {
        matches!(self.binds, 1 | 2 | 5 | 6)
    }
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
    infix("=~", 7),
    infix("!~", 7),
    infix("has", 7),
    infix("!has", 7),
    infix("has_cs", 7),
    infix("!has_cs", 7),
    infix("hasprefix", 7),
    infix("!hasprefix", 7),
    infix("hasprefix_cs", 7),
    infix("!hasprefix_cs", 7),
    infix("hassuffix", 7),
    infix("!hassuffix", 7),
    infix("hassuffix_cs", 7),
    infix("!hassuffix_cs", 7),
    infix("contains", 7),
    infix("!contains", 7),
    infix("contains_cs", 7),
    infix("!contains_cs", 7),
    infix("startswith", 7),
    infix("!startswith", 7),
    infix("startswith_cs", 7),
    infix("!startswith_cs", 7),
    infix("endswith", 7),
    infix("!endswith", 7),
    infix("endswith_cs", 7),
    infix("!endswith_cs", 7),
    infix("matches regex", 7),
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
    Operator { symbol: "unary-", binds: 8, right: Right::Prefix },
    Operator { symbol: "unary+", binds: 8, right: Right::Prefix },
];
