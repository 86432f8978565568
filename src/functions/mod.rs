//! Every function, aggregation, window function and operator of the language: one entry each, with names, words,
//! signature, meaning and examples that run as tests. The binder reads the signatures, the planner the meanings, the
//! reference page the words.
//!
//! A function's meaning is a plain Rust function over [`Value`]s (`Eval::Row`): the whole truth about it, usable
//! without DataFusion (constant folding, row operators). `plan` knows faster vectorised forms of the commonest ones;
//! a property test holds the two together.
use crate::types::{Type, Types};
use crate::value::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

/// How often an argument may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs {
    One,
    Optional,
    /// The last parameter, or the last group of `group` parameters, repeats: at least `min`, at most `max` times.
    Many {
        min: usize,
        max: usize,
    },
}

/// One parameter of a function. An argument of another type is converted where KQL converts by itself (int → long →
/// real → decimal, and a dynamic to the first type of the set); anything else is a `WRONG_TYPE`.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub types: Types,
    pub occurs: Occurs,
    /// The argument must be known before the query runs.
    pub constant: bool,
    /// It is one of these, in any case of letters; any text where there are none.
    pub words: &'static [&'static str],
}

pub const fn one(name: &'static str, types: Types) -> Param {
    Param { name, types, occurs: Occurs::One, constant: false, words: &[] }
}
pub const fn optional(name: &'static str, types: Types) -> Param {
    Param { name, types, occurs: Occurs::Optional, constant: false, words: &[] }
}
pub const fn many(name: &'static str, types: Types, min: usize, max: usize) -> Param {
    Param { name, types, occurs: Occurs::Many { min, max }, constant: false, words: &[] }
}
impl Param {
    pub const fn constant(mut self) -> Param {
        self.constant = true;
        self
    }

    pub const fn one_of(mut self, words: &'static [&'static str]) -> Param {
        self.words = words;
        self
    }
}

/// What the binder knows of an argument when it asks for a result type.
#[derive(Clone, Debug)]
pub struct Arg<'a> {
    pub ty: Type,
    /// The value where it is a constant; `typeof(x)` is the constant string of the type's name.
    pub constant: Option<&'a Value<'static>>,
}

/// The type of the result.
#[derive(Clone, Copy)]
pub enum Gives {
    Always(Type),
    /// The type of that argument.
    SameAs(usize),
    /// The widest type of all arguments from that one on (int < long < real < decimal; otherwise they must be equal).
    Widest(usize),
    /// By rule; the error says which combination is wrong, in words for the user.
    By(fn(&[Arg<'_>]) -> Result<Type, String>),
}

/// What a row function may know besides its arguments.
#[derive(Clone, Debug)]
pub struct Call<'c> {
    /// Static types of the arguments, as they arrive.
    pub types: &'c [Type],
    pub gives: Type,
    /// `now()` of this query, in ticks.
    pub now: i64,
}

/// The meaning of a scalar function, one row at a time. It never fails: what cannot be done is null (or "").
pub type RowFn = for<'a> fn(&Call<'_>, &[Value<'a>]) -> Value<'a>;

#[derive(Clone, Copy)]
pub enum Eval {
    /// Same arguments, same answer.
    Row(RowFn),
    /// Another answer for each row (`rand`, `new_guid`): never folded, never shared.
    Volatile(RowFn),
    /// Not a function of values: the binder rewrites it (`ago`, `column_ifexists`, `pack_all`, `toscalar`, …).
    Binder,
}

/// One scalar function or operator.
pub struct Function {
    /// The name first, then its aliases. Operators have their symbol as name (`==`, `has`, `!in~`).
    pub names: &'static [&'static str],
    pub doc: &'static str,
    pub takes: &'static [Param],
    pub gives: Gives,
    pub eval: Eval,
    /// An expression and the text of its value (as `tostring` prints it; a null prints as `null`).
    pub examples: &'static [(&'static str, &'static str)],
    /// Where and why it differs from the reference engine.
    pub differs: Option<&'static str>,
}

impl Function {
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Operators are written between or before their operands, not called by name.
    pub fn is_operator(&self) -> bool {
        operators::ALL.iter().any(|operator| operator.symbol == self.names[0])
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.names[0])
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.names[0] == other.names[0]
    }
}

/// A running aggregation over one group.
pub trait Fold: Send + Sync + std::fmt::Debug {
    fn add(&mut self, args: &[Value<'_>]);
    /// Whether a row of several values, of which this is the first, changes nothing: the others need not be read then.
    fn passes_over(&self, _first: &Value<'_>) -> bool {
        false
    }
    /// Whether a first value that it was given already changes nothing when it comes again.
    fn ignores_repeats(&self) -> bool {
        false
    }
    /// All that another fold of the same call needs to go on from here.
    fn state(&self) -> Vec<Value<'static>>;
    fn merge(&mut self, state: &[Value<'_>]);
    fn finish(&self) -> Value<'static>;
    /// All values of an aggregation with several outputs (`arg_max`, `take_any` over several expressions), in order.
    fn finish_row(&self) -> Vec<Value<'static>> {
        vec![self.finish()]
    }
    /// Bytes held beside the struct itself.
    fn size(&self) -> usize;
}

/// One aggregation function.
pub struct Aggregate {
    pub names: &'static [&'static str],
    pub doc: &'static str,
    pub takes: &'static [Param],
    pub gives: Gives,
    /// The automatic column name: this prefix and the argument's name (`sum_` + `Size`, `count_`, `list_` + `x`).
    pub column: &'static str,
    pub start: fn(&Call<'_>) -> Box<dyn Fold>,
    /// A whole query and the text of its single value.
    pub examples: &'static [(&'static str, &'static str)],
    pub differs: Option<&'static str>,
}

impl Aggregate {
    pub fn name(&self) -> &'static str {
        self.names[0]
    }
}

impl std::fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.names[0])
    }
}

impl PartialEq for Aggregate {
    fn eq(&self, other: &Aggregate) -> bool {
        self.names[0] == other.names[0]
    }
}

/// One window function: reads whole columns of ordered rows, gives a whole column.
pub struct Window {
    pub names: &'static [&'static str],
    pub doc: &'static str,
    pub takes: &'static [Param],
    pub gives: Gives,
    /// `rows[r][a]` is argument `a` of row `r`.
    pub eval: fn(&Call<'_>, rows: &[Vec<Value<'static>>]) -> Vec<Value<'static>>,
    pub examples: &'static [(&'static str, &'static str)],
    pub differs: Option<&'static str>,
}

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.names[0])
    }
}

impl PartialEq for Window {
    fn eq(&self, other: &Window) -> bool {
        self.names[0] == other.names[0]
    }
}

/// Each family is one file, and each of its entries is whole. A new family is one line here, with its title in the
/// reference.
const FAMILIES: &[(&str, &[Function])] = &[
    ("equality, order, `in` and `between`", comparisons::FUNCTIONS),
    ("texts within texts", predicates::FUNCTIONS),
    ("arithmetic", arithmetic::FUNCTIONS),
    ("conditions and nulls", conditional::FUNCTIONS),
    ("conversions", conversions::FUNCTIONS),
    ("texts", strings::FUNCTIONS),
    ("regular expressions", regexes::FUNCTIONS),
    ("encodings and hashes", encodings::FUNCTIONS),
    ("parsing", parsing::FUNCTIONS),
    ("dates and times", datetimes::FUNCTIONS),
    ("dates and times as texts", time_formats::FUNCTIONS),
    ("time zones", timezones::FUNCTIONS),
    ("mathematics", math::FUNCTIONS),
    ("distributions", distributions::FUNCTIONS),
    ("bits", bits::FUNCTIONS),
    ("dynamic values", dynamics::FUNCTIONS),
    ("sketches", sketches::FUNCTIONS),
    ("bags", bags::FUNCTIONS),
    ("arrays", arrays::FUNCTIONS),
    ("sets", sets::FUNCTIONS),
    ("addresses", ip::FUNCTIONS),
    ("series, element by element", series::elementwise::FUNCTIONS),
    ("series: filters", series::filters::FUNCTIONS),
    ("series: fits", series::fits::FUNCTIONS),
    ("series: Fourier transforms", series::fourier::FUNCTIONS),
    ("series: outliers", series::outliers::FUNCTIONS),
    ("series: seasons and forecasts", series::seasons::FUNCTIONS),
    ("units", units::FUNCTIONS),
    ("the query itself", special::FUNCTIONS),
    ("points on the globe", geo::points::FUNCTIONS),
    ("lines on the globe", geo::lines::FUNCTIONS),
    ("polygons on the globe", geo::polygons::FUNCTIONS),
    ("cells of the globe", geo::cells::FUNCTIONS),
    ("places of addresses", geo::places::FUNCTIONS),
];

const AGGREGATE_FAMILIES: &[(&str, &[Aggregate])] = &[
    ("counts", aggregates::counts::AGGREGATES),
    ("sums and means", aggregates::sums::AGGREGATES),
    ("extremes", aggregates::extremes::AGGREGATES),
    ("rows of extremes", aggregates::arg::AGGREGATES),
    ("lists, sets and bags", aggregates::lists::AGGREGATES),
    ("percentiles", aggregates::percentiles::AGGREGATES),
    ("statistics", aggregates::statistics::AGGREGATES),
    ("bits", aggregates::bits::AGGREGATES),
    ("schemas", aggregates::schemas::AGGREGATES),
    ("sketches", aggregates::sketches::AGGREGATES),
];

/// All scalar functions and operators.
pub fn all() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().flat_map(|(_, family)| family.iter())
}

pub fn all_aggregates() -> impl Iterator<Item = &'static Aggregate> {
    AGGREGATE_FAMILIES.iter().flat_map(|(_, family)| family.iter())
}

pub fn all_windows() -> impl Iterator<Item = &'static Window> {
    windows::WINDOWS.iter()
}

/// The function or operator of that name or alias.
pub fn scalar(name: &str) -> Option<&'static Function> {
    static INDEX: LazyLock<HashMap<&'static str, &'static Function>> =
        LazyLock::new(|| all().flat_map(|one| one.names.iter().map(move |name| (*name, one))).collect());
    INDEX.get(name).copied()
}

pub fn aggregate(name: &str) -> Option<&'static Aggregate> {
    static INDEX: LazyLock<HashMap<&'static str, &'static Aggregate>> =
        LazyLock::new(|| all_aggregates().flat_map(|one| one.names.iter().map(move |name| (*name, one))).collect());
    INDEX.get(name).copied()
}

pub fn window(name: &str) -> Option<&'static Window> {
    all_windows().find(|one| one.names.contains(&name))
}

pub mod aggregates;
pub mod arguments;
pub mod arithmetic;
pub mod arrays;
pub mod bags;
pub mod bits;
pub mod comparisons;
pub mod conditional;
pub mod conversions;
pub mod datetimes;
pub mod distributions;
pub mod dynamics;
#[cfg(test)]
mod edges_test;
pub mod encodings;
#[cfg(test)]
mod examples_test;
pub mod geo;
pub mod in_bytes;
pub mod ip;
pub mod math;
pub mod operators;
pub mod parsing;
pub mod predicates;
#[cfg(test)]
mod reference_test;
pub mod regexes;
pub mod series;
pub mod sets;
pub mod sketches;
pub mod special;
pub mod strings;
pub mod time_formats;
pub mod timezones;
pub mod units;
mod user_agent;
pub mod windows;
mod xml;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn every_name_stands_once() {
        let mut seen = HashSet::new();
        for name in super::all().flat_map(|one| one.names) {
            assert!(seen.insert(*name), "`{name}` stands twice");
        }
        let mut seen = HashSet::new();
        for name in super::all_aggregates().flat_map(|one| one.names) {
            assert!(seen.insert(*name), "the aggregation `{name}` stands twice");
        }
    }

    #[test]
    fn every_entry_has_words_and_examples() {
        for one in super::all() {
            // What depends on who asks has no example, nor has what cannot be written.
            let exampled = !one.examples.is_empty()
                || one.name().starts_with('$')
                || one.takes.is_empty()
                || matches!(one.eval, super::Eval::Binder);
            assert!(one.doc.ends_with('.') && exampled, "`{}`", one.name());
        }
    }

    #[test]
    fn every_operator_has_a_meaning() {
        for operator in super::operators::ALL {
            // `matches regex` and its like are written as two words; the symbol is the name all the same.
            assert!(super::scalar(operator.symbol).is_some(), "`{}`", operator.symbol);
        }
    }
}
