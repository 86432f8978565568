//! Finding rows in memory: by conditions, from the newest or the oldest on, or by the ids of alerts.
use super::super::snapshot::StoredFile;
use super::super::starts::micros;
use super::file::{File, Held, NO_TIME, words};
use super::words::{Chosen, Words, value};
use super::{Files, HeldTable, least, lock, most, read};
use crate::catalog::TIME_RECEIVED;
use crate::columns::{TICKS_PER_MICRO, ticks_of_micros};
use crate::functions::Eval;
use crate::ir::Scalar;
use crate::rows::{Arrived, Compiled, Lookup, Table};
use crate::types::{Column, Schema, Type};
use crate::value::{Value, datetime};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// More rows than these are not given.
const MOST: usize = 100_000;
/// Rows that are tried at a time.
const CHUNK: usize = 4096;
/// Rows whose cells are looked at one by one; past these the files are read instead.
const ONE_BY_ONE: usize = 200_000;
/// Conditions whose texts are known.
const CHOSEN: usize = 64;

/// Where a row is: its time, its file, its place in it.
type Place = (i64, usize, usize);

pub fn rows(table: &HeldTable, files: &Files<'_>, lookup: &Lookup<'_>) -> Option<Table> {
    let test = Test::All(lookup.conditions.iter().map(|one| Test::new(table, one)).collect::<Option<_>>()?);
    let mut search = Search { table, files, lookup, test, looked_at: 0 };
    let places = match lookup.key {
        Some((_, ids)) => search.of_ids(ids)?,
        None => search.in_order()?,
    };
    if places.len() > MOST {
        return None;
    }
    let words = words(table, &lookup.schema.columns);
    let columns = || lookup.schema.columns.iter().zip(&words);
    let mut found = Table { schema: lookup.schema.clone(), rows: Vec::with_capacity(places.len()) };
    for (_, at, row) in places {
        let file = files.get(at)?.1.as_ref()?;
        found.rows.push(columns().map(|(column, words)| file.value(table, column, words.as_deref(), row)).collect());
    }
    Some(found)
}

/// What [`HeldRows::openings`](super::HeldRows::openings) tells.
pub fn openings(
    table: &HeldTable,
    files: &Files<'_>,
    column: &str,
    (from, to): (i64, i64),
) -> Option<Vec<(i64, String)>> {
    let (mut within, mut older) = (Vec::new(), Vec::new());
    for (known, file) in files {
        let (least, most) = (least(known, &table.time)?, most(known, &table.time)?);
        if least < to {
            let file = file.as_ref()?;
            if file.first() == NO_TIME {
                return None;
            }
            if most >= from {
                within.push(file);
            }
            if least < from {
                older.push(file);
            }
        }
    }
    let words = read(table.words.get(column)?);
    let mut firsts = vec![i64::MAX; words.len()];
    for file in within {
        let (start, end) =
            (file.times.partition_point(|time| *time < from), file.times.partition_point(|time| *time < to));
        let mut begun = vec![false; end - start];
        for other in &older {
            file.begun_in(other, from, |row| {
                if let Some(begun) = row.checked_sub(start).and_then(|row| begun.get_mut(row)) {
                    *begun = true;
                }
            });
        }
        let Some(Held::Texts(numbers)) = file.column(column) else { return None };
        for (row, begun) in (start..end).zip(begun) {
            if let (false, Some(first)) = (begun, firsts.get_mut(numbers.get(row) as usize)) {
                *first = file.times[row].min(*first);
            }
        }
    }
    let mut found: HashMap<String, i64> = HashMap::new();
    for (number, first) in firsts.into_iter().enumerate().filter(|(_, first)| *first < i64::MAX) {
        let known = found.entry(words.text(number as u32).to_lowercase()).or_insert(first);
        *known = first.min(*known);
    }
    let mut found: Vec<(i64, String)> = found.into_iter().map(|(text, first)| (first, text)).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    Some(found)
}

struct Search<'s> {
    table: &'s HeldTable,
    files: &'s Files<'s>,
    lookup: &'s Lookup<'s>,
    test: Test,
    looked_at: usize,
}

impl Search<'_> {
    /// The rows of ids, the oldest first.
    fn of_ids(&mut self, ids: &[String]) -> Option<Vec<Place>> {
        let mut seen = HashSet::new();
        let ids: Vec<&String> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
        let mut places = Vec::new();
        let (from, to) = self.test.range();
        for (at, (known, file)) in self.files.iter().enumerate() {
            let times = least(known, &self.table.time).zip(most(known, &self.table.time));
            if times.is_some_and(|(least, most)| most < from || to < least) {
                continue;
            }
            let file = file.as_ref()?;
            for id in &ids {
                for row in file.of_id(id) {
                    let mut mark = [arrived(file, self.lookup.arrived, row)];
                    self.test.keep(self.table, file, row, &mut mark, &mut self.looked_at);
                    if mark[0] {
                        places.push((file.times[row], at, row));
                    }
                }
            }
            if places.len() > MOST || self.looked_at > ONE_BY_ONE {
                return None;
            }
        }
        places.sort_unstable();
        Some(places)
    }

    /// The rows that there are, as many as are wanted from one end of time on.
    fn in_order(&mut self) -> Option<Vec<Place>> {
        let (newest, wanted) = (self.lookup.newest, self.lookup.most);
        let (from, to) = self.test.range();
        let mut order = Vec::new();
        for (at, (known, file)) in self.files.iter().enumerate() {
            let (least, most) = (least(known, &self.table.time)?, most(known, &self.table.time)?);
            let late = self.lookup.arrived.is_none_or(|since| since.has(last_arrival(known)));
            if late && least <= to && from <= most {
                order.push((if newest { most.checked_neg()? } else { least }, at, file));
            }
        }
        order.sort_unstable_by_key(|(first, at, _)| (*first, *at));
        // Seen from the end that counts, time runs backwards.
        let sign = |time: i64| if newest { -time } else { time };
        let mut places: Vec<Place> = Vec::new();
        for (first, at, file) in order {
            if places.len() >= wanted && places.get(wanted.checked_sub(1)?).is_none_or(|last| first >= sign(last.0)) {
                break;
            }
            let file = file.as_ref()?;
            if file.first() == NO_TIME {
                return None;
            }
            self.in_file(at, file, (from, to), &mut places)?;
            places.sort_by_key(|(time, at, row)| (sign(*time), *at, *row));
            places.truncate(wanted);
            if places.len() > MOST {
                return None;
            }
        }
        Some(places)
    }

    fn in_file(&mut self, at: usize, file: &File, (from, to): (i64, i64), places: &mut Vec<Place>) -> Option<()> {
        let (newest, wanted) = (self.lookup.newest, self.lookup.most);
        let (mut start, mut end) =
            (file.times.partition_point(|time| *time < from), file.times.partition_point(|time| *time <= to));
        let mut marks = [true; CHUNK];
        let mut found = 0;
        while start < end && found < wanted {
            let rows = (end - start).min(CHUNK);
            let first = if newest { end - rows } else { start };
            let marks = &mut marks[..rows];
            marks.fill(true);
            self.test.keep(self.table, file, first, marks, &mut self.looked_at);
            if self.looked_at > ONE_BY_ONE {
                return None;
            }
            let rows = marks.iter().enumerate().filter(|(_, mark)| **mark).map(|(row, _)| first + row);
            let before = places.len();
            let rows = rows.filter(|row| arrived(file, self.lookup.arrived, *row));
            places.extend(rows.map(|row| (file.times[row], at, row)));
            found += places.len() - before;
            if newest {
                end = first
            } else {
                start += marks.len()
            }
            if places.len() > wanted.saturating_add(MOST) {
                return None;
            }
        }
        Some(())
    }
}

fn committed(file: &StoredFile) -> i64 {
    ticks_of_micros(file.modified.saturating_mul(1000))
}

/// When the last row of a file arrived, or later: those of a file that was written anew came before it did.
fn last_arrival(file: &StoredFile) -> i64 {
    let received = file.bounds.get(TIME_RECEIVED).filter(|bounds| bounds.nulls == Some(0));
    let received = received.and_then(|bounds| micros(bounds.max.as_ref())).map(ticks_of_micros);
    received.map_or(committed(file), |received| received.min(committed(file)))
}

/// Whether a row arrived late enough.
fn arrived(file: &File, since: Option<Arrived>, row: usize) -> bool {
    let Some(since) = since else { return true };
    let own = match file.column(TIME_RECEIVED) {
        Some(Held::Array(array)) => match crate::columns::Cells::new(array, Type::Datetime).get(row) {
            Value::Datetime(at) => Some(at),
            _ => None,
        },
        Some(Held::Texts(_)) | None => None,
    };
    since.has(file.committed) && since.has(own.unwrap_or(file.committed))
}

/// A condition, readied for rows in memory.
#[derive(Debug)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Never,
    /// Microseconds, both included.
    Time(i64, i64),
    /// `absent`: whether it is true where a file has no such column.
    Texts {
        column: String,
        chosen: Chosen,
        absent: bool,
    },
    /// Of several columns, or of others than texts.
    Rows(Compiled, Vec<Column>),
}

impl Test {
    /// `None` where it cannot be told from rows alone.
    fn new(table: &HeldTable, condition: &Scalar) -> Option<Test> {
        if let Some(test) = Test::of_time(table, condition) {
            return Some(test);
        }
        match condition {
            Scalar::Literal { value, .. } => {
                return Some(if value.as_bool() == Some(true) { Test::All(vec![]) } else { Test::Never });
            }
            Scalar::Call { function, args, .. } if matches!(function.name(), "and" | "or") => {
                let mut tests = args.iter().map(|arg| Test::new(table, arg)).collect::<Option<Vec<_>>>()?;
                // What is cheap to say comes first.
                tests.sort_by_key(|test| !test.is_quick());
                return Some(if function.name() == "and" { Test::All(tests) } else { Test::Any(tests) });
            }
            Scalar::Column { .. } | Scalar::Call { .. } => {}
            Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => return None,
        }
        let mut columns = Vec::new();
        if !reads(condition, &mut columns) {
            return None;
        }
        let schema = Schema { columns };
        let compiled = Compiled::new(condition, &schema, 0).ok()?;
        match schema.columns.as_slice() {
            [column] if table.words.contains_key(&column.name) => {
                let chosen = chosen(table, column, condition, &compiled)?;
                let absent = compiled.eval(&[Value::absent(column.ty)]).as_bool() == Some(true);
                Some(Test::Texts { column: column.name.clone(), chosen, absent })
            }
            _ => Some(Test::Rows(compiled, schema.columns)),
        }
    }

    /// Rows in order have a time.
    fn of_time(table: &HeldTable, condition: &Scalar) -> Option<Test> {
        let Scalar::Call { function, args, .. } = condition else { return None };
        let is_time = |scalar: &Scalar| matches!(scalar, Scalar::Column { name, .. } if *name == table.time);
        match (function.name(), args.as_slice()) {
            ("isnull", [column]) if is_time(column) => Some(Test::Never),
            ("isnotnull", [column]) if is_time(column) => Some(Test::All(vec![])),
            (operator, [column, Scalar::Literal { value: Value::Datetime(ticks), .. }]) if is_time(column) => {
                let since = ticks.checked_sub(datetime::UNIX_EPOCH)?;
                let (floor, whole) = (since.div_euclid(TICKS_PER_MICRO), since.rem_euclid(TICKS_PER_MICRO) == 0);
                let ceiling = if whole { floor } else { floor + 1 };
                match operator {
                    ">" => Some(Test::Time(floor + 1, i64::MAX)),
                    ">=" => Some(Test::Time(ceiling, i64::MAX)),
                    "<" => Some(Test::Time(NO_TIME + 1, ceiling - 1)),
                    "<=" => Some(Test::Time(NO_TIME + 1, floor)),
                    "==" if whole => Some(Test::Time(floor, floor)),
                    "==" => Some(Test::Never),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn is_quick(&self) -> bool {
        match self {
            Test::All(tests) | Test::Any(tests) => tests.iter().all(Test::is_quick),
            Test::Never | Test::Time(..) | Test::Texts { .. } => true,
            Test::Rows(..) => false,
        }
    }

    /// The times outside of which it is true of nothing.
    fn range(&self) -> (i64, i64) {
        let whole = (NO_TIME + 1, i64::MAX);
        let none = (i64::MAX, NO_TIME + 1);
        match self {
            Test::All(tests) => tests.iter().map(Test::range).fold(whole, |a, b| (a.0.max(b.0), a.1.min(b.1))),
            Test::Any(tests) => {
                let each = tests.iter().map(Test::range).filter(|(from, to)| from <= to);
                each.fold(none, |a, b| (a.0.min(b.0), a.1.max(b.1)))
            }
            Test::Never => none,
            Test::Time(from, to) => (*from, *to),
            Test::Texts { .. } | Test::Rows(..) => whole,
        }
    }

    /// Leaves those of the rows from `from` on that are marked and of which it is true.
    fn keep(&self, table: &HeldTable, file: &File, from: usize, marks: &mut [bool], looked_at: &mut usize) {
        match self {
            Test::All(tests) => tests.iter().for_each(|test| test.keep(table, file, from, marks, looked_at)),
            Test::Any(tests) => {
                let mut either = vec![false; marks.len()];
                for test in tests {
                    let mut open: Vec<bool> = marks.iter().zip(&either).map(|(mark, found)| *mark && !found).collect();
                    test.keep(table, file, from, &mut open, looked_at);
                    either.iter_mut().zip(open).for_each(|(found, more)| *found |= more);
                }
                marks.copy_from_slice(&either);
            }
            Test::Never => marks.fill(false),
            Test::Time(first, last) => {
                let times = file.times[from..].iter();
                marks.iter_mut().zip(times).for_each(|(mark, time)| *mark &= first <= time && time <= last);
            }
            Test::Texts { column, chosen, absent } => match file.column(column) {
                Some(Held::Texts(numbers)) => numbers.keep(from, marks, chosen),
                Some(Held::Array(_)) | None if !absent => marks.fill(false),
                Some(Held::Array(_)) | None => {}
            },
            Test::Rows(compiled, columns) => {
                let words = words(table, columns);
                let mut cells = Vec::with_capacity(columns.len());
                for (at, mark) in marks.iter_mut().enumerate().filter(|(_, mark)| **mark) {
                    cells.clear();
                    let both = columns.iter().zip(&words);
                    cells.extend(both.map(|(column, words)| file.value(table, column, words.as_deref(), from + at)));
                    *mark = compiled.eval(&cells).as_bool() == Some(true);
                    *looked_at += 1;
                }
            }
        }
    }
}

/// Adds the columns that a condition reads, each once; false where it may say something else another time.
fn reads(scalar: &Scalar, columns: &mut Vec<Column>) -> bool {
    match scalar {
        Scalar::Literal { .. } => true,
        Scalar::Column { name, ty, .. } => {
            if !columns.iter().any(|column| column.name == *name) {
                columns.push(Column { name: name.clone(), ty: *ty });
            }
            true
        }
        Scalar::Call { function, args, .. } => {
            let steady = matches!(function.eval, Eval::Row(_)) && !["now", "ago"].contains(&function.name());
            steady && args.iter().all(|arg| reads(arg, columns))
        }
        Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => false,
    }
}

/// The texts that a condition on one column is true of.
fn chosen(table: &HeldTable, column: &Column, condition: &Scalar, compiled: &Compiled) -> Option<Chosen> {
    let words = table.words.get(&column.name)?;
    if let (Scalar::Call { function, args, .. }, Type::String) = (condition, column.ty)
        && let Some(texts) = literals(args)
    {
        let words = read(words);
        match (function.name(), texts.as_slice()) {
            ("==", [text]) => return Some(Chosen::new(words.find(text).into_iter().collect())),
            ("in", _) => return Some(Chosen::new(texts.iter().filter_map(|text| words.find(text)).collect())),
            ("=~" | "in~", _) => {
                let plain = texts.iter().all(|text| text.is_ascii());
                let lower: HashSet<String> = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
                let is_it = |one: &str| {
                    if one.is_ascii() && plain {
                        lower.contains(&one.to_ascii_lowercase())
                    } else {
                        compiled.eval(&[Value::string(one)]).as_bool() == Some(true)
                    }
                };
                let numbers = (0..words.len() as u32).filter(|number| is_it(words.text(*number)));
                return Some(Chosen::new(numbers.collect()));
            }
            _ => {}
        }
    }
    let says = format!("{condition:?}");
    let known = lock(&table.chosen).get(&says).cloned();
    let words = read(words);
    let known = match known {
        Some(known) if known.len() >= words.len() => known,
        known => {
            let mut all: Vec<bool> = known.map_or_else(Vec::new, |known| known.as_ref().clone());
            all.extend((all.len()..words.len()).map(|number| is_true(compiled, column.ty, &words, number as u32)));
            let all = Arc::new(all);
            let mut kept = lock(&table.chosen);
            if kept.len() >= CHOSEN {
                kept.clear();
            }
            kept.insert(says, Arc::clone(&all));
            all
        }
    };
    Some(if known.contains(&true) { Chosen::Some(known) } else { Chosen::None })
}

fn is_true(compiled: &Compiled, ty: Type, words: &Words, number: u32) -> bool {
    compiled.eval(&[value(ty, words.text(number))]).as_bool() == Some(true)
}

/// The texts beside a column that stands first.
fn literals(args: &[Scalar]) -> Option<Vec<&str>> {
    let (Scalar::Column { .. }, rest) = args.split_first()? else { return None };
    let text = |arg| match arg {
        &Scalar::Literal { value: Value::String(ref text), .. } => Some(text.as_ref()),
        _ => None,
    };
    rest.iter().map(text).collect()
}
