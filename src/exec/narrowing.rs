//! What one part of a query says about the rows that another part must read. The last row of each device is one at their
//! last times; a join with a few alerts needs the rows of their devices, and, where a window of
//! time is asked for behind it, of their times. What is found becomes a filter over the other part, so that statistics,
//! pages and indexes serve it as they serve one that was typed.
use crate::functions;
use crate::ir::{JoinColumn, JoinKind, Rel, RelOp, Scalar, Side, SortKey};
use crate::rows::eval::Compiled;
use crate::text::Span;
use crate::types::Type;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

mod first_key;
mod last;
mod newest;

pub use first_key::{FirstKey, first_keys};
pub use last::{MOST_GROUPS, last};
pub use newest::{Found, MOST_TIMES, Newest, newest};

/// A side of a join that has more rows says nothing of the other.
pub const MOST_ROWS: usize = 20_000;
/// What was read of a side first is kept for the join itself, unless it is more than this: then it is read again.
pub const MOST_KEPT: usize = 100_000;
/// More keys than these say little that a scan can use.
const MOST_KEYS: usize = 1_000;
/// Windows of time that lie apart; more are joined where the gap is least.
const MOST_WINDOWS: usize = 16;

fn call(name: &str, args: Vec<Scalar>, ty: Type) -> Option<Scalar> {
    Some(Scalar::Call { function: functions::scalar(name)?, args, ty, span: Span::default() })
}

fn all(name: &str, mut terms: Vec<Scalar>) -> Option<Scalar> {
    if terms.len() > 1 { call(name, terms, Type::Bool) } else { terms.pop() }
}

fn filtered(rel: &mut Rel, predicate: Scalar) {
    let schema = rel.schema.clone();
    let input = Box::new(std::mem::replace(rel, Rel { op: RelOp::Each, schema: schema.clone() }));
    *rel = Rel { op: RelOp::Filter { input, predicate }, schema };
}

/// A relation within another: which input, and of that which, ….
fn at_path<'a>(rel: &'a mut Rel, path: &[usize]) -> Option<&'a mut Rel> {
    path.iter().try_fold(rel, |at, step| at.op.inputs_mut().into_iter().nth(*step))
}

/// The stored column behind a column, where only filters and projections lie between.
fn stored<'a>(mut rel: &'a Rel, mut name: &'a str) -> Option<(&'a str, &'a str)> {
    loop {
        match &rel.op {
            RelOp::Table { name: table, .. } => return Some((table, name)),
            RelOp::Filter { input, .. } => rel = input,
            RelOp::Project { input, columns } => {
                let (_, scalar) = columns.iter().find(|(column, _)| column == name)?;
                let Scalar::Column { name: before, .. } = scalar else { return None };
                (rel, name) = (input, before);
            }
            _ => return None,
        }
    }
}

/// How many rows a table has.
type Rows<'a> = &'a dyn Fn(&str) -> Option<u64>;

/// Whether a shared relation has been computed, by its number.
type Known<'a> = &'a dyn Fn(u32) -> bool;

fn is_known(rel: &Rel, known: Known<'_>) -> bool {
    matches!(rel.op, RelOp::Shared { id, .. } if known(id))
}

/// Whether a pipe gives the same rows when it is asked again.
fn is_steady(mut rel: &Rel) -> bool {
    while let Some(input) = rel.op.piped() {
        if !rel.op.scalars().iter().all(|scalar| is_same_again(scalar, input)) {
            return false;
        }
        rel = input;
    }
    true
}

/// Whether a scalar over a relation has the same values when it is asked again.
fn is_same_again(scalar: &Scalar, input: &Rel) -> bool {
    Compiled::new(scalar, &input.schema, 0).is_ok_and(|compiled| compiled.reads(&mut BTreeSet::new()))
}

/// The first rows of an order.
struct Ordered<'a> {
    /// From the outermost relation to the one that is sorted: which input, and of that which, ….
    path: Vec<usize>,
    input: &'a Rel,
    keys: &'a [SortKey],
    /// With those that are skipped.
    count: u64,
    skipped: u64,
}

impl Ordered<'_> {
    fn of<'a>(rel: &'a Rel, path: &[usize]) -> Option<Ordered<'a>> {
        let RelOp::Take { input, count } = &rel.op else { return None };
        let mut path = [path, &[0]].concat();
        let (sorted, skipped) = match &input.op {
            RelOp::Skip { input, count } => {
                path.push(0);
                (input, *count)
            }
            _ => (input, 0),
        };
        let RelOp::Sort { input, keys } = &sorted.op else { return None };
        Some(Ordered { path, input, keys, count: count.saturating_add(skipped), skipped })
    }
}

/// What there is to be found of a relation and of those in it, the outer ones first; in one of which something was found it
/// is not sought. Relations that were computed before, of which `known` tells, stay as they are.
fn outermost<T>(rel: &Rel, known: Known<'_>, of: &dyn Fn(&Rel, &[usize]) -> Option<T>) -> Vec<T> {
    fn look<T>(
        rel: &Rel,
        path: &mut Vec<usize>,
        known: Known<'_>,
        of: &dyn Fn(&Rel, &[usize]) -> Option<T>,
        found: &mut Vec<T>,
    ) {
        if is_known(rel, known) {
            return;
        }
        if let Some(one) = of(rel, path) {
            found.push(one);
            return;
        }
        for (at, input) in rel.op.inputs().into_iter().enumerate() {
            path.push(at);
            look(input, path, known, of, found);
            path.pop();
        }
    }
    let mut found = Vec::new();
    look(rel, &mut Vec::new(), known, of, &mut found);
    found
}

/// A join of which one side is to be read first.
pub struct First {
    /// From the outermost relation: which input, and of that which, ….
    path: Vec<usize>,
    side: Side,
    pub rel: Rel,
    keys: Vec<(Scalar, String)>,
    windows: Vec<Window>,
}

/// `from <= time` or `time <= until`; `bound` is over the side that is read first.
struct Window {
    time: String,
    from: bool,
    bound: Scalar,
}

/// The joins of a relation that may be worth it, outer ones first. `rows` says how many a table has.
pub fn joins(rel: &Rel, rows: Rows<'_>, known: Known<'_>) -> Vec<First> {
    let mut found = Vec::new();
    look(rel, &mut Vec::new(), &[], (rows, known), &mut found);
    found
}

fn look<'a>(
    rel: &'a Rel,
    path: &mut Vec<usize>,
    filters: &[&'a Scalar],
    (rows, known): (Rows<'_>, Known<'_>),
    found: &mut Vec<First>,
) {
    if is_known(rel, known) {
        return;
    }
    if let RelOp::Join { left, right, kind, on, output } = &rel.op {
        let one = first_side(left, right, *kind, rows)
            .and_then(|side| first(left, right, (*kind, on, output), side, filters).map(|one| (side, one)));
        if let Some((side, (keys, windows))) = one {
            let rel = if side == Side::Left { left } else { right };
            found.push(First { path: path.clone(), side, rel: rel.as_ref().clone(), keys, windows });
            // What lies within it is read with it.
            let other = if side == Side::Left { (1, right) } else { (0, left) };
            path.push(other.0);
            look(other.1, path, &[], (rows, known), found);
            path.pop();
            return;
        }
    }
    let mut behind = Vec::new();
    if let RelOp::Filter { predicate, .. } = &rel.op {
        behind = filters.to_vec();
        behind.push(predicate);
    }
    for (at, input) in rel.op.inputs().into_iter().enumerate() {
        path.push(at);
        look(input, path, &behind, (rows, known), found);
        path.pop();
    }
}

/// Which side to read first: one with a filter that the other may do without the rest of.
fn first_side(left: &Rel, right: &Rel, kind: JoinKind, rows: Rows<'_>) -> Option<Side> {
    let (narrows_right, narrows_left) = match kind {
        JoinKind::Inner | JoinKind::InnerUnique | JoinKind::LeftSemi | JoinKind::RightSemi => (true, true),
        JoinKind::LeftOuter | JoinKind::LeftAnti => (true, false),
        JoinKind::RightOuter | JoinKind::RightAnti => (false, true),
        JoinKind::FullOuter => (false, false),
    };
    let (left, right) = (Cost::of(left, rows), Cost::of(right, rows));
    if narrows_right && left.is_small && left.rows <= right.rows {
        Some(Side::Left)
    } else if narrows_left && right.is_small && right.rows < left.rows {
        Some(Side::Right)
    } else if narrows_right && left.is_small && !right.is_small {
        Some(Side::Left)
    } else if narrows_left && right.is_small && !left.is_small {
        Some(Side::Right)
    } else {
        None
    }
}

struct Cost {
    /// Of all its tables.
    rows: u64,
    /// It has a filter other than one of time, or says itself how many rows it has.
    is_small: bool,
}

impl Cost {
    fn of(rel: &Rel, rows: Rows<'_>) -> Cost {
        let mut cost = Cost { rows: 0, is_small: false };
        let mut open = vec![rel];
        while let Some(rel) = open.pop() {
            match &rel.op {
                RelOp::Table { name, .. } => cost.rows = cost.rows.saturating_add(rows(name).unwrap_or(u64::MAX)),
                RelOp::Filter { predicate, .. } => cost.is_small |= !only_of_time(predicate),
                RelOp::Take { .. } | RelOp::Values { .. } => cost.is_small = true,
                _ => {}
            }
            open.extend(rel.op.inputs());
        }
        cost
    }
}

fn only_of_time(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Literal { .. } => true,
        Scalar::Column { ty, .. } => *ty == Type::Datetime,
        Scalar::Call { args, .. } => args.iter().all(only_of_time),
        Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => false,
    }
}

type Narrowing = (Vec<(Scalar, String)>, Vec<Window>);

/// What a side says about stored columns of the other.
fn first(
    left: &Rel,
    right: &Rel,
    (kind, on, output): (JoinKind, &[(Scalar, Scalar)], &[JoinColumn]),
    side: Side,
    filters: &[&Scalar],
) -> Option<Narrowing> {
    let other = if side == Side::Left { right } else { left };
    let mut keys = Vec::new();
    for (left, right) in on {
        let (known, asked) = if side == Side::Left { (left, right) } else { (right, left) };
        let Scalar::Column { name, ty, .. } = asked else { continue };
        let plain = matches!(ty, Type::String | Type::Long | Type::Int);
        if plain && *ty == known.ty() && stored(other, name).is_some() {
            keys.push((known.clone(), name.clone()));
        }
    }
    let mut windows = Vec::new();
    // Which left row stands for a key is settled before the windows are.
    if kind == JoinKind::Inner || kind == JoinKind::InnerUnique && side == Side::Left {
        let sides = Sides { output, known: side, other };
        filters.iter().for_each(|filter| sides.windows(filter, &mut windows));
    }
    (!keys.is_empty() || !windows.is_empty()).then_some((keys, windows))
}

struct Sides<'a> {
    output: &'a [JoinColumn],
    known: Side,
    other: &'a Rel,
}

impl Sides<'_> {
    fn windows(&self, scalar: &Scalar, found: &mut Vec<Window>) {
        let Scalar::Call { function, args, .. } = scalar else { return };
        match (function.name(), args.as_slice()) {
            ("and", terms) => terms.iter().for_each(|term| self.windows(term, found)),
            ("between", [value, low, high]) => {
                self.at_least(value, low, found);
                self.at_least(high, value, found);
            }
            (">" | ">=", [one, other]) => self.at_least(one, other, found),
            ("<" | "<=", [one, other]) => self.at_least(other, one, found),
            _ => {}
        }
    }

    /// `more >= less`, of which one has the time that is asked for.
    fn at_least(&self, more: &Scalar, less: &Scalar, found: &mut Vec<Window>) {
        for (from, one, other) in [(true, more, less), (false, less, more)] {
            if let (Some(time), Some(bound)) = (self.time(one), self.bound(other)) {
                found.push(Window { time, from, bound });
            }
            // `time - at >= span` is `time >= at + span`; `at - time >= span` is `time <= at - span`.
            let Scalar::Call { function, args, ty: Type::Timespan, .. } = one else { continue };
            let ("-", [a, b]) = (function.name(), args.as_slice()) else { continue };
            if a.ty() != Type::Datetime || b.ty() != Type::Datetime || other.ty() != Type::Timespan {
                continue;
            }
            let Some(span) = self.bound(other) else { continue };
            let (window, bound) = match (self.time(a), self.bound(b), self.bound(a), self.time(b)) {
                (Some(time), Some(at), ..) => ((time, from), call("+", vec![at, span], Type::Datetime)),
                (.., Some(at), Some(time)) => ((time, !from), call("-", vec![at, span], Type::Datetime)),
                _ => continue,
            };
            found.extend(bound.map(|bound| Window { time: window.0, from: window.1, bound }));
        }
    }

    /// The stored time of the other side that a scalar is.
    fn time(&self, scalar: &Scalar) -> Option<String> {
        let Scalar::Column { name, ty: Type::Datetime, .. } = scalar else { return None };
        let column = self.output.iter().find(|column| column.name == *name && column.side != self.known)?;
        stored(self.other, &column.source).map(|_| column.source.clone())
    }

    /// A scalar over the known side alone, by the names of that side.
    fn bound(&self, scalar: &Scalar) -> Option<Scalar> {
        Some(match scalar {
            Scalar::Literal { .. } => scalar.clone(),
            Scalar::Column { name, ty, .. } => {
                let column = self.output.iter().find(|column| column.name == *name && column.side == self.known)?;
                Scalar::column(column.source.clone(), *ty)
            }
            Scalar::Call { function, args, ty, span } => {
                let args = args.iter().map(|arg| self.bound(arg)).collect::<Option<_>>()?;
                Scalar::Call { function, args, ty: *ty, span: *span }
            }
            Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => return None,
        })
    }
}

impl First {
    /// The side that was read, and the other.
    fn sides<'a>(&self, rel: &'a mut Rel) -> Option<(&'a mut Rel, &'a mut Rel)> {
        let RelOp::Join { left, right, .. } = &mut at_path(rel, &self.path)?.op else { return None };
        Some(if self.side == Side::Left { (left, right) } else { (right, left) })
    }

    /// Puts what was read, under this number, in the place of its side.
    pub fn keep(&self, rel: &mut Rel, id: u32) {
        if let Some((known, _)) = self.sides(rel) {
            known.op = RelOp::Shared { id, input: std::sync::Arc::new(self.rel.clone()) };
        }
    }

    /// Puts what the rows say over the other side.
    pub fn narrow(&self, rel: &mut Rel, rows: &[Vec<Value<'static>>], now: i64) {
        let Some((_, other)) = self.sides(rel) else { return };
        if let Some(predicate) = all("and", self.terms(rows, now)) {
            filtered(other, predicate);
        }
    }

    fn terms(&self, rows: &[Vec<Value<'static>>], now: i64) -> Vec<Scalar> {
        if rows.is_empty() {
            return vec![Scalar::literal(Value::Bool(false), Type::Bool)];
        }
        let mut terms = Vec::new();
        for (known, asked) in &self.keys {
            let key = Compiled::new(known, &self.rel.schema, now).ok();
            let Some(values) = key.and_then(|key| distinct(&key, rows)) else { continue };
            let mut args = vec![Scalar::column(asked.clone(), known.ty())];
            args.extend(values.into_iter().map(|value| Scalar::literal(value, known.ty())));
            terms.extend(call("in", args, Type::Bool));
        }
        let mut times: BTreeMap<&str, Vec<&Window>> = BTreeMap::new();
        for window in &self.windows {
            times.entry(&window.time).or_default().push(window);
        }
        for (time, windows) in times {
            terms.extend(self.within(time, &windows, rows, now));
        }
        terms
    }

    /// The time lies in one of the rows' windows.
    fn within(&self, time: &str, windows: &[&Window], rows: &[Vec<Value<'static>>], now: i64) -> Option<Scalar> {
        let bounds = windows
            .iter()
            .map(|window| Some((window.from, Compiled::new(&window.bound, &self.rel.schema, now).ok()?)))
            .collect::<Option<Vec<_>>>()?;
        let mut spans = Vec::with_capacity(rows.len());
        for row in rows {
            let (mut from, mut until) = (i64::MIN, i64::MAX);
            for (lower, bound) in &bounds {
                match bound.eval(row) {
                    Value::Datetime(ticks) if *lower => from = from.max(ticks),
                    Value::Datetime(ticks) => until = until.min(ticks),
                    // No time compares with null.
                    _ => (from, until) = (i64::MAX, i64::MIN),
                }
            }
            if from <= until {
                spans.push((from, until));
            }
        }
        let terms = apart(spans).into_iter().map(|(from, until)| {
            let column = || Scalar::column(time, Type::Datetime);
            let at = |ticks| Scalar::literal(Value::Datetime(ticks), Type::Datetime);
            let lower = (from > i64::MIN).then(|| call(">=", vec![column(), at(from)], Type::Bool)).flatten();
            let upper = (until < i64::MAX).then(|| call("<=", vec![column(), at(until)], Type::Bool)).flatten();
            all("and", lower.into_iter().chain(upper).collect())
        });
        all("or", terms.collect::<Option<Vec<_>>>()?)
    }
}

/// The values of a key, where they are few and none is null.
fn distinct(key: &Compiled, rows: &[Vec<Value<'static>>]) -> Option<Vec<Value<'static>>> {
    let (mut texts, mut numbers, mut ints) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for row in rows {
        match key.eval(row) {
            Value::String(text) => _ = texts.insert(text.into_owned()),
            Value::Long(number) => _ = numbers.insert(number),
            Value::Int(number) => _ = ints.insert(number),
            _ => return None,
        }
        if texts.len() + numbers.len() + ints.len() > MOST_KEYS {
            return None;
        }
    }
    let texts = texts.into_iter().map(Value::string);
    Some(texts.chain(numbers.into_iter().map(Value::Long)).chain(ints.into_iter().map(Value::Int)).collect())
}

/// Spans that neither meet nor are too many.
fn apart(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut apart: Vec<(i64, i64)> = Vec::new();
    for (from, until) in spans {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => apart.push((from, until)),
        }
    }
    while apart.len() > MOST_WINDOWS {
        let gap = |at: &usize| apart[at + 1].0.saturating_sub(apart[*at].1);
        let Some(least) = (0..apart.len() - 1).min_by_key(gap) else { break };
        apart[least].1 = apart[least + 1].1;
        apart.remove(least + 1);
    }
    apart
}
