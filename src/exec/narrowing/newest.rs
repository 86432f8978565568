//! `top n by Timestamp`: the time of the n-th newest row is found first, among few rows at first and then among more, from
//! the newest backwards. No row that is older need be read for the other columns; of rows that are skipped, none that is newer
//! than the first that is not. Of few columns the rows are found in this way themselves.
use super::{Known, at_path, call, filtered, is_known, is_steady, stored};
use crate::catalog::TIMESTAMP;
use crate::ir::{Rel, RelOp, Scalar, SortKey};
use crate::types::{Schema, Type};
use crate::value::Value;

/// More rows than these are sorted as they come.
const MOST: u64 = 20_000;
/// More times are not looked at.
pub const MOST_TIMES: usize = 200_000;

/// A relation of the newest rows of a table.
pub struct Newest {
    /// From the outermost relation to the one that is sorted: which input, and of that which, ….
    path: Vec<usize>,
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
}

/// All such places of a relation. Relations that were computed before, of which `known` tells, stay as they are.
pub fn newest(rel: &Rel, known: Known<'_>) -> Vec<Newest> {
    let mut found = Vec::new();
    look(rel, &mut Vec::new(), known, &mut found);
    found
}

fn look(rel: &Rel, path: &mut Vec<usize>, known: Known<'_>, found: &mut Vec<Newest>) {
    if is_known(rel, known) {
        return;
    }
    if let Some(one) = of(rel, path) {
        found.push(one);
        return;
    }
    for (at, input) in rel.op.inputs().into_iter().enumerate() {
        path.push(at);
        look(input, path, known, found);
        path.pop();
    }
}

fn of(rel: &Rel, path: &[usize]) -> Option<Newest> {
    let RelOp::Take { input, count } = &rel.op else { return None };
    let mut path = [path, &[0]].concat();
    let (sorted, skipped) = match &input.op {
        RelOp::Skip { input, count } => {
            path.push(0);
            (input, *count)
        }
        _ => (input, 0),
    };
    let count = count.saturating_add(skipped);
    let RelOp::Sort { input, keys } = &sorted.op else { return None };
    let SortKey { expr: Scalar::Column { name: time, .. }, descending: true, nulls_first: false } = keys.first()?
    else {
        return None;
    };
    let (table, column) = stored(input, time)?;
    if column != TIMESTAMP || !(1..=MOST).contains(&count) || !is_steady(input) {
        return None;
    }
    let until = until(input);
    let (input, time, table) = (input.as_ref().clone(), time.clone(), table.to_owned());
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
        Some(Page { since, until, newer })
    }

    /// Leaves rows away that are at none of these times.
    pub fn narrow(&self, rel: &mut Rel, page: &Page) {
        // What is not narrowed is right all the same.
        if self.back_to(rel, page.since).is_none() || page.newer == 0 {
            return;
        }
        let until = Scalar::literal(Value::Datetime(page.until), Type::Datetime);
        let Some(until) = call("<=", vec![Scalar::column(&self.time, Type::Datetime), until], Type::Bool) else {
            return;
        };
        let Some((_, above)) = self.path.split_last() else { return };
        let Some(RelOp::Skip { input: sorted, count }) = at_path(rel, above).map(|at| &mut at.op) else { return };
        if let RelOp::Sort { input, .. } = &mut sorted.op {
            filtered(input, until);
            *count = count.saturating_sub(page.newer);
        }
    }

    /// How many rows there are on the page, if there are enough.
    pub fn rows(&self) -> u64 {
        self.count - self.skipped
    }

    /// Whether a relation is no more than these rows, some columns of them or what is made of these; and no other column
    /// decides which they are, which would have to be read of all that may be.
    pub fn is_all_of(&self, rel: &Rel) -> bool {
        let (mut at, mut above) = (rel, 0);
        while let RelOp::Project { input, .. } = &at.op {
            (at, above) = (input, above + 1);
        }
        // From the rows that are taken to those that are sorted it is one step, or two where some are skipped.
        let within = if self.skipped > 0 { 2 } else { 1 };
        self.by_time_alone && matches!(at.op, RelOp::Take { .. }) && self.path.len() == above + within
    }

    /// Leaves rows away that are older.
    pub fn back_to(&self, rel: &mut Rel, since: i64) -> Option<()> {
        let RelOp::Sort { input, .. } = &mut at_path(rel, &self.path)?.op else { return None };
        self.since(input, since)
    }

    fn since(&self, rel: &mut Rel, since: i64) -> Option<()> {
        let since = Scalar::literal(Value::Datetime(since), Type::Datetime);
        filtered(rel, call(">=", vec![Scalar::column(&self.time, Type::Datetime), since], Type::Bool)?);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_page_of_the_rows_that_are_left_is_that_of_all(
            times in prop::collection::vec(0i64..40, 1..60), skipped in 0u64..30, rows in 1u64..30,
        ) {
            let input = Rel { op: RelOp::Each, schema: Schema::default() };
            let count = skipped + rows;
            let newest =
                Newest { path: vec![], input, time: String::new(), table: String::new(), until: None, count, skipped, by_time_alone: true };
            let page_of = |mut times: Vec<i64>, skipped: u64| {
                times.sort_unstable_by(|a, b| b.cmp(a));
                times.into_iter().skip(skipped as usize).take(rows as usize).collect::<Vec<_>>()
            };
            match newest.page(times.clone()) {
                None => prop_assert!(times.len() < count as usize),
                Some(Page { since, until, newer }) => {
                    let left = times.iter().copied().filter(|time| (since..=until).contains(time)).collect();
                    prop_assert_eq!(page_of(left, skipped - newer), page_of(times, skipped));
                }
            }
        }
    }
}
