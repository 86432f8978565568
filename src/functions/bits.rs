//! The bits of whole numbers.
use super::arguments::{long, row};
use super::{Function, Gives, Param, one};
use crate::types::{Type, Types};
use crate::value::Value;

const TWO: &[Param] = &[one("value1", Types::INTEGER), one("value2", Types::INTEGER)];
const SHIFT: &[Param] = &[one("value", Types::INTEGER), one("shift", Types::INTEGER)];
const ONE: &[Param] = &[one("value", Types::INTEGER)];
const LONG: Gives = Gives::Always(Type::Long);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["binary_and"],
        "The bits that both numbers have.",
        TWO,
        LONG,
        |_, args| two(args, |a, b| a & b),
        &[("binary_and(6, 3)", "2")],
    ),
    row(
        &["binary_or"],
        "The bits that either number has.",
        TWO,
        LONG,
        |_, args| two(args, |a, b| a | b),
        &[("binary_or(6, 3)", "7")],
    ),
    row(
        &["binary_xor"],
        "The bits that one of the numbers has.",
        TWO,
        LONG,
        |_, args| two(args, |a, b| a ^ b),
        &[("binary_xor(6, 3)", "5")],
    ),
    row(
        &["binary_not"],
        "All bits turned over.",
        ONE,
        LONG,
        |_, args| one_of(args, |a| !a),
        &[("binary_not(1)", "-2")],
    ),
    row(
        &["binary_shift_left"],
        "The bits moved up by as many places, modulo 64; null for a negative number of places.",
        SHIFT,
        LONG,
        |_, args| shifted(args, i64::wrapping_shl),
        &[("binary_shift_left(1, 4)", "16"), ("binary_shift_left(1, -1)", "null")],
    ),
    row(
        &["binary_shift_right"],
        "The bits moved down by as many places, modulo 64; the sign stays. Null for a negative number of places.",
        SHIFT,
        LONG,
        |_, args| shifted(args, i64::wrapping_shr),
        &[("binary_shift_right(16, 2)", "4"), ("binary_shift_right(16, -2)", "null")],
    ),
    row(
        &["bitset_count_ones"],
        "How many bits of the number are set.",
        ONE,
        LONG,
        |_, args| one_of(args, |a| i64::from(a.count_ones())),
        &[("bitset_count_ones(42)", "3")],
    ),
];

fn two<'a>(args: &[Value<'a>], join: fn(i64, i64) -> i64) -> Value<'a> {
    long(args, 0).zip(long(args, 1)).map_or(Value::Null, |(a, b)| Value::Long(join(a, b)))
}

fn shifted<'a>(args: &[Value<'a>], shift: fn(i64, u32) -> i64) -> Value<'a> {
    let places = long(args, 1).filter(|places| *places >= 0);
    long(args, 0).zip(places).map_or(Value::Null, |(a, places)| Value::Long(shift(a, (places % 64) as u32)))
}

fn one_of<'a>(args: &[Value<'a>], turn: fn(i64) -> i64) -> Value<'a> {
    long(args, 0).map_or(Value::Null, |a| Value::Long(turn(a)))
}
