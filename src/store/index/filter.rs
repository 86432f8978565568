//! Filters of a scan as what must be in the columns' texts. Whatever is not understood here says nothing.
use super::Wanted;
use crate::functions::predicates::Kind;
use crate::store::adapt::type_of;
use crate::types::Type;
use arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, Operator, lit};

/// Longer lists are not looked up.
pub const MOST_NEEDLES: usize = 1_000;
/// Nesting past this says nothing.
const DEEPEST: usize = 200;

/// A needle among the arguments of a test of texts. It is told from other constants by its Arrow type, which no value of
/// a query has.
pub fn needle(text: &str) -> Expr {
    lit(ScalarValue::Utf8(Some(text.to_owned())))
}

/// What a row must have for which all of the filters are true.
pub fn wanted(filters: &[Expr], schema: &Schema) -> Wanted {
    let wanted = Wanted::and(filters.iter().map(|filter| of(filter, schema, DEEPEST)));
    if wanted.is_too_deep() { Wanted::Anything } else { wanted }
}

fn of(filter: &Expr, schema: &Schema, deepest: usize) -> Wanted {
    let Some(deepest) = deepest.checked_sub(1) else { return Wanted::Anything };
    match filter {
        Expr::Alias(alias) => of(&alias.expr, schema, deepest),
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::And => Wanted::and([of(&binary.left, schema, deepest), of(&binary.right, schema, deepest)]),
            Operator::Or => Wanted::or([of(&binary.left, schema, deepest), of(&binary.right, schema, deepest)]),
            Operator::Eq => match (constant(&binary.left), constant(&binary.right)) {
                (None, Some(text)) => equal(&binary.left, [text], schema),
                (Some(text), None) => equal(&binary.right, [text], schema),
                _ => Wanted::Anything,
            },
            _ => Wanted::Anything,
        },
        Expr::InList(list) if !list.negated && list.list.len() <= MOST_NEEDLES => {
            match list.list.iter().map(constant).collect::<Option<Vec<_>>>() {
                Some(texts) => equal(&list.expr, texts, schema),
                None => Wanted::Anything,
            }
        }
        Expr::ScalarFunction(call) => of_call(call, schema),
        _ => Wanted::Anything,
    }
}

/// A text of the query.
fn constant(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(ScalarValue::Utf8View(Some(text)), _) => Some(text),
        _ => None,
    }
}

fn equal<'t>(value: &Expr, texts: impl IntoIterator<Item = &'t str>, schema: &Schema) -> Wanted {
    match Source::of(value, schema) {
        Some(source) => Wanted::or(texts.into_iter().map(|text| source.test(Kind::EqualsCs, text))),
        None => Wanted::Anything,
    }
}

fn of_call(call: &ScalarFunction, schema: &Schema) -> Wanted {
    let Some((value, needles)) = call.args.split_first() else { return Wanted::Anything };
    let texts = needles.iter().map(|needle| match needle {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text.as_str()),
        _ => None,
    });
    let (Some(texts), Some(source)) = (texts.collect::<Option<Vec<_>>>(), Source::of(value, schema)) else {
        return Wanted::Anything;
    };
    if texts.is_empty() {
        return Wanted::Anything;
    }
    match call.func.name() {
        "matches regex" => Wanted::or(texts.iter().map(|pattern| source.pattern(pattern))),
        "has_all" => Wanted::and(texts.iter().map(|text| source.test(Kind::Has, text))),
        name => match Kind::of(name) {
            Some(kind) => Wanted::or(texts.iter().map(|text| source.test(kind, text))),
            None => Wanted::Anything,
        },
    }
}

/// What is looked into.
enum Source<'e> {
    /// The text of a column, or a part of one, whose terms the index has. Of a column whose letters have changed their
    /// case on the way, only ASCII is known to be the same.
    Terms { column: &'e str, changed: bool },
    /// The text of a value that is made of these letters and digits only.
    Alphabet(&'static str),
}

impl<'e> Source<'e> {
    fn of(value: &'e Expr, schema: &Schema) -> Option<Source<'e>> {
        let column = |expr: &'e Expr| match expr {
            Expr::Column(column) => Some((column.name.as_str(), type_of(schema.field_with_name(&column.name).ok()?))),
            _ => None,
        };
        if let Some((name, ty)) = column(value) {
            return (ty == Type::String).then_some(Source::Terms { column: name, changed: false });
        }
        let Expr::ScalarFunction(call) = value else { return None };
        match (call.func.name(), call.args.as_slice()) {
            ("tolower" | "toupper", [of]) => match Source::of(of, schema)? {
                Source::Terms { column, .. } => Some(Source::Terms { column, changed: true }),
                Source::Alphabet(_) => None,
            },
            ("tostring", [of]) => {
                // A stored time is counted in ticks before anything is done with it.
                let (inner, counted) = match of {
                    Expr::ScalarFunction(ticks) if ticks.func.name() == "ticks" => (ticks.args.first()?, true),
                    of => (of, false),
                };
                match column(inner) {
                    Some((name, Type::Dynamic)) => Some(Source::Terms { column: name, changed: false }),
                    Some((_, ty)) => alphabet(ty).filter(|_| counted == (ty == Type::Datetime)).map(Source::Alphabet),
                    None => match inner {
                        Expr::ScalarFunction(path) if path.func.name() == "[]" => match column(path.args.first()?)? {
                            (name, Type::Dynamic) => Some(Source::Terms { column: name, changed: false }),
                            _ => None,
                        },
                        _ => None,
                    },
                }
            }
            _ => None,
        }
    }

    fn test(&self, kind: Kind, needle: &str) -> Wanted {
        match self {
            Source::Terms { changed: true, .. } if !needle.is_ascii() => Wanted::Anything,
            Source::Terms { column, .. } => Wanted::test(column, kind, needle),
            Source::Alphabet(letters) => {
                let within = |c: char| !c.is_alphanumeric() || letters.contains(c.to_ascii_lowercase());
                if needle.chars().all(within) { Wanted::Anything } else { Wanted::Nothing }
            }
        }
    }

    fn pattern(&self, pattern: &str) -> Wanted {
        match self {
            Source::Terms { column, changed: false } => Wanted::pattern(column, pattern),
            Source::Terms { .. } | Source::Alphabet(_) => Wanted::Anything,
        }
    }
}

/// The letters and digits, in lower case, that texts of a type are made of.
fn alphabet(ty: Type) -> Option<&'static str> {
    Some(match ty {
        Type::Bool => "truefals",
        Type::Int | Type::Long | Type::Timespan => "0123456789",
        Type::Datetime => "0123456789tz",
        Type::Guid => "0123456789abcdef",
        Type::Real | Type::Decimal | Type::String | Type::Dynamic => return None,
    })
}
