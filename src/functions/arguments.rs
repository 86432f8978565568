//! Reading the arguments of row functions, and building entries in one line each.
use super::{Arg, Eval, Function, Gives, Param, RowFn};
use crate::types::Type;
use crate::value::Value;
use std::borrow::Cow;

/// The longest text that a function makes; what would be longer is refused with null (`""`).
pub const LONGEST_TEXT: usize = 1 << 20;

/// An entry whose meaning is a row function.
pub const fn row(
    names: &'static [&'static str],
    doc: &'static str,
    takes: &'static [Param],
    gives: Gives,
    eval: RowFn,
    examples: &'static [(&'static str, &'static str)],
) -> Function {
    Function { names, doc, takes, gives, eval: Eval::Row(eval), examples, differs: None }
}

impl Function {
    /// Says where and why it differs from the reference engine.
    pub const fn differs(mut self, how: &'static str) -> Function {
        self.differs = Some(how);
        self
    }
}

/// The text of an argument; `""` where it does not stand.
pub fn text<'v>(args: &'v [Value<'_>], at: usize) -> Cow<'v, str> {
    args.get(at).map_or(Cow::Borrowed(""), Value::text)
}

/// A whole number; `None` for null and where it does not stand.
pub fn long(args: &[Value<'_>], at: usize) -> Option<i64> {
    args.get(at).and_then(Value::as_long)
}

/// Whether an argument stands and is not null.
pub fn given(args: &[Value<'_>], at: usize) -> bool {
    args.get(at).is_some_and(|arg| !arg.is_null())
}

/// A stretch of a text value, borrowed where the value itself borrows.
pub fn slice<'a>(value: &Value<'a>, from: usize, to: usize) -> Value<'a> {
    match value {
        Value::String(Cow::Borrowed(text)) => Value::String(Cow::Borrowed(text.get(from..to).unwrap_or(""))),
        other => Value::string(other.text().get(from..to).unwrap_or("").to_owned()),
    }
}

/// A text that the function made; null past [`LONGEST_TEXT`].
pub fn made<'a>(text: String) -> Value<'a> {
    if text.len() > LONGEST_TEXT { Value::Null } else { Value::String(Cow::Owned(text)) }
}

/// What a literal argument `typeof(x)` names; anything else is a string.
pub fn named_type(args: &[Arg<'_>], at: usize) -> Result<Type, String> {
    match args.get(at) {
        None => Ok(Type::String),
        Some(Arg { constant: Some(Value::String(name)), .. }) => {
            Type::from_name(name).ok_or_else(|| format!("no type is named `{name}`"))
        }
        Some(_) => Err("the type is to be written as `typeof(…)`".into()),
    }
}
