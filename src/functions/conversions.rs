//! From one type to another.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/>
use super::arguments::{long, made, row};
use super::{Call, Function, Gives, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value, convert};

pub const FUNCTIONS: &[Function] = &[
    row(
        &["tostring"],
        "The text of the value; the empty string for null.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::String),
        |_, args| convert::string(&args[0]),
        &[
            ("tostring(true)", "True"),
            ("tostring(1d)", "1.00:00:00"),
            ("tostring(0.1 + 0.2)", "0.30000000000000007"),
            ("tostring(dynamic({\"a\": [1, 2]}))", "{\"a\":[1,2]}"),
            ("tostring(int(null))", ""),
        ],
    ),
    row(
        &["toint"],
        "The value as an int: a fraction is cut off, a long that is too long wraps, a text that is no int is null.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Int),
        |_, args| convert::to(&args[0], Type::Int),
        &[("toint('0xFF')", "255"), ("toint(2.5)", "2"), ("toint('3.14')", "null"), ("toint(true)", "1")],
    ),
    row(
        &["tolong"],
        "The value as a long: a fraction is cut off, a text that is no long is null; a datetime or timespan \
         gives its ticks.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Long),
        |_, args| convert::to(&args[0], Type::Long),
        &[("tolong('0x10')", "16"), ("tolong(-2.5)", "-2"), ("tolong(datetime(2020-01-01))", "637134336000000000")],
    ),
    row(
        &["todouble", "toreal"],
        "The value as a real; null for a text that is no number.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Real),
        |_, args| convert::to(&args[0], Type::Real),
        &[("todouble('1.5e10')", "15000000000.0"), ("todouble('inf')", "inf"), ("toreal('abc')", "null")],
    ),
    row(
        &["todecimal"],
        "The value as a decimal; null for a text that is no number.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Decimal),
        |_, args| convert::to(&args[0], Type::Decimal),
        &[("todecimal('123.45678')", "123.45678"), ("todecimal('abc')", "null")],
    ),
    row(
        &["tobool", "toboolean"],
        "The value as a bool: numbers are true if they are not zero, texts if they say so.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Bool),
        |_, args| convert::to(&args[0], Type::Bool),
        &[("tobool('TRUE')", "True"), ("tobool(0)", "False"), ("tobool('maybe')", "null"), ("tobool('123')", "True")],
    ),
    row(
        &["todatetime"],
        "The value as a datetime; a number counts ticks, a text that is no datetime is null.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Datetime),
        |_, args| convert::to(&args[0], Type::Datetime),
        &[("todatetime('2020-01-01T13:45:00Z')", "2020-01-01T13:45:00.0000000Z"), ("todatetime('not a date')", "null")],
    ),
    row(
        &["totimespan", "totime"],
        "The value as a timespan; a number counts ticks, a text that is no timespan is null.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::Timespan),
        |_, args| convert::to(&args[0], Type::Timespan),
        &[("totimespan('1.02:03:04.5')", "1.02:03:04.5000000"), ("totimespan('1d')", "1.00:00:00")],
    ),
    row(
        &["toguid"],
        "The guid that the text says, with or without hyphens; null where it says none.",
        &[one("value", Types::STRING.or(Types::DYNAMIC).or(Types::GUID))],
        Gives::Always(Type::Guid),
        |_, args| convert::to(&args[0], Type::Guid),
        &[
            ("toguid('0123456789abcdef0123456789abcdef')", "01234567-89ab-cdef-0123-456789abcdef"),
            ("toguid('none')", "null"),
        ],
    ),
    row(
        &["tohex"],
        "The whole number in hex digits, at least as many as asked for; a negative long as 64 bits, a negative \
         int as 32.",
        &[one("value", Types::INTEGER), optional("minLength", Types::INTEGER)],
        Gives::Always(Type::String),
        tohex,
        &[
            ("tohex(256)", "100"),
            ("tohex(-256)", "ffffffffffffff00"),
            ("tohex(toint(-256), 8)", "ffffff00"),
            ("tohex(255, 4)", "00ff"),
        ],
    ),
    row(
        &["gettype"],
        "The name of the value's type; of a dynamic, that of what is in it.",
        &[one("value", Types::ANY)],
        Gives::Always(Type::String),
        gettype,
        &[
            ("gettype(1)", "long"),
            ("gettype(toint('bad'))", "int"),
            ("gettype(dynamic([1, 2]))", "array"),
            ("gettype(dynamic(1.5))", "double"),
            ("gettype(dynamic(null))", "null"),
        ],
    )
    .differs(
        "what is within a dynamic has the types of JSON alone: a datetime, timespan, guid or decimal there is a string",
    ),
];

fn tohex<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(x) = long(args, 0) else { return Value::string("") };
    let digits = long(args, 1).unwrap_or(0).clamp(0, 64) as usize;
    made(match &args[0] {
        Value::Int(x) => format!("{x:0digits$x}"),
        _ => format!("{x:0digits$x}"),
    })
}

fn gettype<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let ty = call.types.first().copied().unwrap_or(Type::Dynamic);
    if ty != Type::Dynamic {
        return Value::string(ty.name());
    }
    let Value::Dynamic(value) = &args[0] else { return Value::string("null") };
    Value::string(match value.tree().as_ref() {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(x) if x.is_i64() => "long",
        Json::Number(_) => "double",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "dictionary",
    })
}
