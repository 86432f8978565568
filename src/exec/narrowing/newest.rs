//! `top n by Timestamp`: the time of the n-th newest row is found first, among few rows at first and then among more, from
//! the newest backwards. No row that is older need be read for the other columns; of rows that are skipped, none that is newer
//! than the first that is not. Of few columns the rows are found in this way themselves.
use super::{Known, Ordered, at_path, call, filtered, is_steady, outermost, stored};
use crate::catalog::TIMESTAMP;
use crate::columns::Cells;
use crate::ir::{Rel, RelOp, Scalar, SortKey};
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use arrow::record_batch::RecordBatch;

/// More rows than these are sorted as they come.
const MOST: u64 = 20_000;
/// More times are not looked at.
pub const MOST_TIMES: usize = 200_000;
/// Of so few columns the newest rows are read at once.
const FEW_COLUMNS: usize = 8;
/// The column of their times then.
const AT: &str = "@at";

/// A relation of the newest rows of a table.
pub struct Newest {
    /// From the outermost relation to the one that is sorted: which input, and of that which, ….
    pub path: Vec<usize>,
    input: Rel,
    time: String,
    pub table: String,
    /// No row is wanted that is newer.
    pub until: Option<i64>,
    /// With those that are skipped.
    pub count: u64,
    skipped: u64,
    /// Rows of one time are in no order.
    by_time_alone: bool,
}

/// The times that rows on the page have, and how many are newer.
#[derive(Debug, PartialEq)]
pub struct Page {
    since: i64,
    until: i64,
    newer: u64,
    /// No two of the rows at these times are of one.
    is_apart: bool,
}

/// All such places of a relation. Relations that were computed before, of which `known` tells, stay as they are.
pub fn newest(rel: &Rel, known: Known<'_>) -> Vec<Newest> {
    outermost(rel, known, &of)
}

fn of(rel: &Rel, path: &[usize]) -> Option<Newest> {
    let Ordered { path, input, keys, count, skipped } = Ordered::of(rel, path)?;
    let SortKey { expr: Scalar::Column { name: time, .. }, descending: true, nulls_first: false } = keys.first()?
    else {
        return None;
    };
    let (table, column) = stored(input, time)?;
    if column != TIMESTAMP || !(1..=MOST).contains(&count) || !is_steady(input) {
        return None;
    }
    let until = until(input);
    let (input, time, table) = (input.clone(), time.clone(), table.to_owned());
    Some(Newest { path, input, time, table, until, count, skipped, by_time_alone: keys.len() == 1 })
}

/// The latest time that the filters let by, as far as they say it plainly.
fn until(mut rel: &Rel) -> Option<i64> {
    let mut until: Option<i64> = None;
    while let Some(input) = rel.op.piped() {
        if let RelOp::Filter { predicate, .. } = &rel.op {
            let is_time = |scalar: &Scalar| match scalar {
                Scalar::Column { name, .. } => stored(input, name).is_some_and(|(_, column)| column == TIMESTAMP),
                _ => false,
            };
            let mut open = vec![predicate];
            while let Some(scalar) = open.pop() {
                let Scalar::Call { function, args, .. } = scalar else { continue };
                let bound = match (function.name(), args.as_slice()) {
                    ("and", terms) => {
                        open.extend(terms);
                        continue;
                    }
                    ("<" | "<=" | "==", [time, bound]) | (">" | ">=", [bound, time]) if is_time(time) => bound,
                    ("between", [time, _, bound]) if is_time(time) => bound,
                    _ => continue,
                };
                if let Scalar::Literal { value: Value::Datetime(ticks), .. } = bound {
                    until = Some(until.map_or(*ticks, |until| until.min(*ticks)));
                }
            }
        }
        rel = input;
    }
    until
}

impl Newest {
    /// The times of the rows since then, but not more than one over [`MOST_TIMES`].
    pub fn times(&self, since: i64) -> Option<Rel> {
        let mut rows = self.input.clone();
        self.since(&mut rows, since)?;
        let schema = Schema::new([(self.time.clone(), Type::Datetime)]);
        let columns = vec![(self.time.clone(), Scalar::column(&self.time, Type::Datetime))];
        let times = Rel { op: RelOp::Project { input: Box::new(rows), columns }, schema: schema.clone() };
        Some(Rel { op: RelOp::Take { input: Box::new(times), count: MOST_TIMES as u64 + 1 }, schema })
    }

    /// The times of the rows that are wanted, where these are the times of all that may be.
    pub fn page(&self, mut times: Vec<i64>) -> Option<Page> {
        let last = usize::try_from(self.count).ok()?.checked_sub(1).filter(|at| *at < times.len())?;
        let first = usize::try_from(self.skipped).ok()?.min(last);
        let (newer, since, _) = times.select_nth_unstable_by(last, |a, b| b.cmp(a));
        let since = *since;
        let until = if first < last { *newer.select_nth_unstable_by(first, |a, b| b.cmp(a)).1 } else { since };
        let newer = times.iter().filter(|time| **time > until).count() as u64;
        times.retain(|time| (since..=until).contains(time));
        times.sort_unstable();
        Some(Page { since, until, newer, is_apart: times.is_sorted_by(|a, b| a < b) })
    }

    /// Leaves rows away that are at none of these times.
    pub fn narrow(&self, rel: &mut Rel, page: &Page) {
        // What is not narrowed is right all the same.
        if self.back_to(rel, page.since).is_none() {
            return;
        }
        if page.is_apart {
            self.drop_other_keys(rel);
        }
        let until = Scalar::literal(Value::Datetime(page.until), Type::Datetime);
        let Some(until) = call("<=", vec![Scalar::column(&self.time, Type::Datetime), until], Type::Bool) else {
            return;
        };
        let Some((_, above)) = self.path.split_last().filter(|_| page.newer > 0) else { return };
        let Some(RelOp::Skip { input: sorted, count }) = at_path(rel, above).map(|at| &mut at.op) else { return };
        if let RelOp::Sort { input, .. } = &mut sorted.op {
            filtered(input, until);
            *count = count.saturating_sub(page.newer);
        }
    }

    /// Drops the keys behind the time.
    fn drop_other_keys(&self, rel: &mut Rel) -> Option<()> {
        let RelOp::Sort { keys, .. } = &mut at_path(rel, &self.path)?.op else { return None };
        keys.truncate(1);
        Some(())
    }

    /// Whether a relation is no more than these rows, some columns of them or what is made of these.
    pub fn is_all_of(&self, rel: &Rel) -> bool {
        let (mut at, mut above) = (rel, 0);
        while let RelOp::Project { input, .. } = &at.op {
            (at, above) = (input, above + 1);
        }
        // From the rows that are taken to those that are sorted it is one step, or two where some are skipped.
        let within = if self.skipped > 0 { 2 } else { 1 };
        rel.schema.len() <= FEW_COLUMNS && matches!(at.op, RelOp::Take { .. }) && self.path.len() == above + within
    }

    /// Such a relation of rows that are not older, from which [`Newest::found`] makes what is wanted. Where other keys than the
    /// time decide which row comes first, it has these rows with those that are skipped and one more, in the order of
    /// their times alone, and with their times: the other columns would have to be read of all that may be.
    pub fn sought(&self, rel: &Rel, since: i64) -> Option<Rel> {
        let mut rel = rel.clone();
        self.back_to(&mut rel, since)?;
        if !self.by_time_alone {
            self.drop_other_keys(&mut rel)?;
            with_times(&mut rel, &self.time)?;
            let depth = self.path.len() - if self.skipped > 0 { 2 } else { 1 };
            let RelOp::Take { input, count } = &mut at_path(&mut rel, &self.path[..depth])?.op else { return None };
            *count = self.count.saturating_add(1);
            if let RelOp::Skip { input: sorted, .. } = &mut input.op {
                *input = std::mem::replace(sorted, Box::new(Rel { op: RelOp::Each, schema: Schema::default() }));
            }
        }
        Some(rel)
    }

    /// What is wanted of the rows that were sought.
    pub fn found(&self, batches: Vec<RecordBatch>) -> Found {
        let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
        if self.by_time_alone {
            return if rows == self.count - self.skipped { Found::All(batches) } else { Found::TooFew };
        }
        if rows < self.count {
            return Found::TooFew;
        }
        let times = batches.iter().filter_map(|batch| batch.columns().last()).flat_map(|times| {
            let cells = Cells::new(times, Type::Datetime);
            (0..times.len()).map(move |row| cells.get(row))
        });
        let (from, until) = (self.skipped as usize, self.count as usize);
        let on_page: Vec<Value<'_>> = times.take(until + 1).skip(from.saturating_sub(1)).collect();
        if on_page.windows(2).any(|two| two[0] == two[1]) {
            return Found::OfOneTime;
        }
        let mut before = 0;
        let wanted = batches.iter().filter_map(|batch| {
            let start = from.saturating_sub(before).min(batch.num_rows());
            let end = until.saturating_sub(before).min(batch.num_rows());
            before += batch.num_rows();
            let columns: Vec<usize> = (0..batch.num_columns() - 1).collect();
            (start < end).then(|| batch.slice(start, end - start).project(&columns))
        });
        wanted.collect::<Result<_, _>>().map_or(Found::OfOneTime, Found::All)
    }

    /// Leaves rows away that are older.
    fn back_to(&self, rel: &mut Rel, since: i64) -> Option<()> {
        let RelOp::Sort { input, .. } = &mut at_path(rel, &self.path)?.op else { return None };
        self.since(input, since)
    }

    fn since(&self, rel: &mut Rel, since: i64) -> Option<()> {
        let since = Scalar::literal(Value::Datetime(since), Type::Datetime);
        filtered(rel, call(">=", vec![Scalar::column(&self.time, Type::Datetime), since], Type::Bool)?);
        Some(())
    }
}

/// What came of rows that were sought.
pub enum Found {
    All(Vec<RecordBatch>),
    /// Some lie further back.
    TooFew,
    /// Which of them come first is not told by their times.
    OfOneTime,
}

/// Adds the times of the rows to a projection of them, behind its columns.
fn with_times(rel: &mut Rel, time: &str) -> Option<()> {
    let RelOp::Project { input, columns } = &mut rel.op else { return None };
    if rel.schema.get(AT).is_some() {
        return None;
    }
    let time = if matches!(input.op, RelOp::Project { .. }) { with_times(input, time).map(|()| AT)? } else { time };
    columns.push((AT.to_owned(), Scalar::column(time, Type::Datetime)));
    rel.schema.columns.push(Column { name: AT.to_owned(), ty: Type::Datetime });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_page_of_the_rows_that_are_left_is_that_of_all(
            times in prop::collection::vec(0i64..40, 1..60), skipped in 0u64..30, rows in 1u64..30,
        ) {
            let input = Rel { op: RelOp::Each, schema: Schema::default() };
            let count = skipped + rows;
            let (time, table, by_time_alone) = (String::new(), String::new(), true);
            let newest = Newest { path: vec![], input, time, table, until: None, count, skipped, by_time_alone };
            let page_of = |mut times: Vec<i64>, skipped: u64| {
                times.sort_unstable_by(|a, b| b.cmp(a));
                times.into_iter().skip(skipped as usize).take(rows as usize).collect::<Vec<_>>()
            };
            match newest.page(times.clone()) {
                None => prop_assert!(times.len() < count as usize),
                Some(Page { since, until, newer, is_apart }) => {
                    let left: Vec<i64> = times.iter().copied().filter(|time| (since..=until).contains(time)).collect();
                    prop_assert_eq!(is_apart, left.len() == left.iter().collect::<BTreeSet<_>>().len());
                    prop_assert_eq!(page_of(left, skipped - newer), page_of(times, skipped));
                }
            }
        }
    }
}
