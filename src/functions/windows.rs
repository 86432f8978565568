//! Functions over ordered rows: row_number, prev, next and their like. Examples are whole queries and the text of the
//! first value of the last row.
use super::{Call, Gives, Window, one, optional};
use crate::types::{Type, Types};
use crate::value::{Decimal, Value};

type Rows<'r> = &'r [Vec<Value<'static>>];
type Column = Vec<Value<'static>>;

pub const WINDOWS: &[Window] = &[
    Window {
        names: &["row_number"],
        doc: "The place of the row, counted from `start` (1 where it is not given); a true `restart` counts anew.",
        takes: &[optional("start", Types::INTEGER), optional("restart", Types::BOOL)],
        gives: Gives::Always(Type::Long),
        eval: row_number,
        examples: &[("range x from 5 to 9 step 1 | serialize n = row_number() | project n", "5")],
        differs: None,
    },
    Window {
        names: &["row_cumsum"],
        doc: "The sum of `term` over this row and those before it, since the last row with a true `restart`. A null \
              adds nothing.",
        takes: &[one("term", Types::NUMBER.or(Types::TIMESPAN)), optional("restart", Types::BOOL)],
        gives: Gives::SameAs(0),
        eval: row_cumsum,
        examples: &[("range x from 1 to 4 step 1 | serialize s = row_cumsum(x) | project s", "10")],
        differs: None,
    },
    Window {
        names: &["row_rank_dense"],
        doc: "How many different values of `term` there have been, this row's included, as neighbours tell.",
        takes: &[one("term", Types::ANY.but(Types::DYNAMIC)), optional("restart", Types::BOOL)],
        gives: Gives::Always(Type::Long),
        eval: row_rank_dense,
        examples: &[("datatable(x:long)[1, 1, 3] | serialize r = row_rank_dense(x) | project r", "2")],
        differs: None,
    },
    Window {
        names: &["row_rank_min"],
        doc: "The place of the first of the neighbouring rows that have this row's `term`.",
        takes: &[one("term", Types::ANY.but(Types::DYNAMIC)), optional("restart", Types::BOOL)],
        gives: Gives::Always(Type::Long),
        eval: row_rank_min,
        examples: &[("datatable(x:long)[1, 1, 3] | serialize r = row_rank_min(x) | project r", "3")],
        differs: None,
    },
    Window {
        names: &["prev"],
        doc: "The value some rows before (1 where `offset` is not given), or `default` where there is no such row.",
        takes: &[one("column", Types::ANY), optional("offset", Types::INTEGER), optional("default", Types::ANY)],
        gives: Gives::SameAs(0),
        eval: |call, rows| neighbour(call, rows, -1),
        examples: &[("range x from 1 to 3 step 1 | serialize p = prev(x) | project p", "2")],
        differs: None,
    },
    Window {
        names: &["next"],
        doc: "The value some rows later (1 where `offset` is not given), or `default` where there is no such row.",
        takes: &[one("column", Types::ANY), optional("offset", Types::INTEGER), optional("default", Types::ANY)],
        gives: Gives::SameAs(0),
        eval: |call, rows| neighbour(call, rows, 1),
        examples: &[("range x from 1 to 3 step 1 | serialize n = next(x, 1, 9) | project n", "9")],
        differs: None,
    },
    Window {
        names: &["row_window_session"],
        doc: "The first time of the row's session. A session ends where a time lies further than `from_first` from its \
              first or further than `between` from the time before, and where `restart` is true.",
        takes: &[
            one("time", Types::DATETIME),
            one("from_first", Types::TIMESPAN),
            one("between", Types::TIMESPAN),
            optional("restart", Types::BOOL),
        ],
        gives: Gives::Always(Type::Datetime),
        eval: row_window_session,
        examples: &[(
            "datatable(t:datetime)[datetime(2020-01-01), datetime(2020-01-01 00:01), datetime(2020-01-01 02:00)] \
             | serialize s = row_window_session(t, 1h, 5m) | project s",
            "2020-01-01T02:00:00.0000000Z",
        )],
        differs: None,
    },
];

fn restarts(row: &[Value<'_>], at: usize) -> bool {
    row.get(at).and_then(Value::as_bool) == Some(true)
}

fn row_number(_: &Call<'_>, rows: Rows<'_>) -> Column {
    let mut number = 0i64;
    let mut column = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let start = row.first().and_then(Value::as_long).unwrap_or(1);
        number = if at == 0 || restarts(row, 1) { start } else { number.wrapping_add(1) };
        column.push(Value::Long(number));
    }
    column
}

fn row_cumsum(call: &Call<'_>, rows: Rows<'_>) -> Column {
    let zero = match call.gives {
        Type::Int => Value::Int(0),
        Type::Real => Value::Real(0.0),
        Type::Decimal => Value::Decimal(Decimal(0)),
        Type::Timespan => Value::Timespan(0),
        Type::Bool | Type::Long | Type::String | Type::Datetime | Type::Guid | Type::Dynamic => Value::Long(0),
    };
    let mut sum = zero.clone();
    let mut column = Vec::with_capacity(rows.len());
    for row in rows {
        if restarts(row, 1) {
            sum = zero.clone();
        }
        sum = match (&sum, row.first().unwrap_or(&Value::Null)) {
            (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(*b)),
            (Value::Real(a), b) => b.as_real().map_or(Value::Real(*a), |b| Value::Real(a + b)),
            (Value::Decimal(a), Value::Decimal(b)) => Value::Decimal(Decimal(a.0.wrapping_add(b.0))),
            (Value::Timespan(a), Value::Timespan(b)) => Value::Timespan(a.wrapping_add(*b)),
            (Value::Long(a), b) => b.as_long().map_or(Value::Long(*a), |b| Value::Long(a.wrapping_add(b))),
            (sum, _) => sum.clone(),
        };
        column.push(sum.clone());
    }
    column
}

fn row_rank_dense(_: &Call<'_>, rows: Rows<'_>) -> Column {
    ranks(rows, |_, rank| rank + 1)
}

fn row_rank_min(_: &Call<'_>, rows: Rows<'_>) -> Column {
    ranks(rows, |place, _| place)
}

/// `next(place, rank)` is the rank of a value that the row before did not have.
fn ranks(rows: Rows<'_>, next: fn(i64, i64) -> i64) -> Column {
    let (mut place, mut rank) = (0i64, 0i64);
    let mut before: Option<&Value<'_>> = None;
    let mut column = Vec::with_capacity(rows.len());
    for row in rows {
        let term = row.first();
        if restarts(row, 1) {
            (place, rank, before) = (0, 0, None);
        }
        place += 1;
        if before.is_none() || before != term {
            rank = next(place, rank);
        }
        before = term;
        column.push(Value::Long(rank));
    }
    column
}

fn neighbour(call: &Call<'_>, rows: Rows<'_>, direction: i64) -> Column {
    rows.iter()
        .enumerate()
        .map(|(at, row)| {
            let offset = row.get(1).and_then(Value::as_long).unwrap_or(1);
            let place = offset.checked_mul(direction).and_then(|by| by.checked_add(at as i64));
            let other = place.and_then(|place| usize::try_from(place).ok()).and_then(|place| rows.get(place));
            match other.and_then(|row| row.first()) {
                Some(value) => value.clone(),
                None => row.get(2).cloned().unwrap_or_else(|| Value::absent(call.gives)),
            }
        })
        .collect()
}

fn row_window_session(_: &Call<'_>, rows: Rows<'_>) -> Column {
    // First time of the session, and the time before.
    let mut session: Option<(i64, i64)> = None;
    let mut column = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(Value::Datetime(time)), Some(Value::Timespan(from_first)), Some(Value::Timespan(between))) =
            (row.first(), row.get(1), row.get(2))
        else {
            session = None;
            column.push(Value::Null);
            continue;
        };
        let first = match session {
            Some((first, before))
                if !restarts(row, 3)
                    && time.saturating_sub(first) <= *from_first
                    && time.saturating_sub(before) <= *between =>
            {
                first
            }
            _ => *time,
        };
        session = Some((first, *time));
        column.push(Value::Datetime(first));
    }
    column
}
