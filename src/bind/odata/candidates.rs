//! Which alerts can be on a page, found without a look at all of them: the newest, by reading rows from the newest
//! backwards until enough alerts are settled; those that changed since a time, by when rows and updates arrived.
//!
//! An alert was raised when its first row was. If the newest rows that can be of a page, down to some time, are read,
//! every alert raised after that time is among theirs. An alert that has older rows too only looks newer than it is:
//! the store knows which may have, and those are read whole. Where the alerts raised after that time fill the page, it is
//! known, and nothing older is read for it.
use super::found::{self, NAMED};
use super::incidents;
use super::sets::{Kind, PROPERTIES, Set, World};
use super::{SAME_IN_EVERY_ROW, call, filtered, never, over_rows, project, sorted};
use crate::bind::alerts::Form;
use crate::catalog;
use crate::ir::{Rel, RelOp, Scalar, SortKey};
use crate::rows::{self, Arrived, Lookup};
use crate::text::{Diagnostics, Span};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::HashSet;

/// More rows than these are not read in search of a page.
const MOST: u64 = 1 << 16;
/// Rows from the newest backwards that are looked through at first.
const FIRST: u64 = 8 << 10;
/// How many times as many then, where few of them were of a page.
const FURTHER: u64 = 16;

/// What is known of a page beforehand.
pub enum Near {
    Unknown,
    /// All that the request is about are among these, in whatever order.
    Among(Vec<String>),
    /// The page is that of these alerts alone. None of them has a row at the time or earlier, where there is one.
    Page(Vec<String>, Option<i64>),
    /// The page is of what is made of these alerts alone, as far as this is true of it.
    Groups(Vec<String>, Scalar),
}

/// What can be said of the page that a request asks for, of the first so many in order. `plain` where the conditions are all there is to its filter.
pub fn near(
    set: &Set,
    conditions: &[Scalar],
    behind: Option<&Scalar>,
    plain: bool,
    keys: &[SortKey],
    wanted: u64,
    world: World<'_>,
) -> Result<Near, Diagnostics> {
    if let Some(ids) = conditions.iter().find_map(|one| incidents::named(set, one, world)) {
        return Ok(Near::Among(ids));
    }
    if plain && let Some((ids, condition)) = incidents::newest(set, conditions, behind, keys, wanted, world) {
        return Ok(Near::Groups(ids, condition));
    }
    let (Some(changed), Some(time), Some(data)) = (set.changed(), set.newest, world.context.data) else {
        return Ok(Near::Unknown);
    };
    let since = conditions.iter().filter_map(|one| since(one, changed)).max_by_key(|one| (one.since, !one.included));
    let few = conditions.iter().find_map(named);
    let few = few.or_else(|| found::changed_since(since?, world));
    let few = few.or_else(|| conditions.iter().find_map(|one| found::of_devices(one, world)));
    if let Some(ids) = few.filter(|ids| ids.len() <= NAMED) {
        return Ok(Near::Among(ids));
    }
    let by_time = keys.first().filter(|key| matches!(&key.expr, Scalar::Column { name, .. } if name == time));
    let keyed = conditions.iter().any(|one| super::reads(one, "id") && !super::reads(one, time));
    let (true, false, Some(first)) = (plain, keyed, by_time) else { return Ok(Near::Unknown) };
    let all: Vec<Scalar> = conditions.iter().chain(behind).cloned().collect();
    // Of what changed lately an update may be all that came, and that has no time to be found by. What came of an alert
    // is later than that it was raised, so from the oldest on it would be met too late.
    let updated = since.filter(|_| first.descending).and_then(|since| found::updated_since(since, world));
    let since = since.filter(|_| updated.is_some());
    let updated = updated.unwrap_or_default();
    let search = Search { set, time, conditions: &all, since, descending: first.descending, world };
    let from = all.iter().filter_map(|one| bound(one, time, first.descending)).reduce(|a, b| search.nearer(b, a));
    let forms: Vec<Form> = Form::ALL.into_iter().filter(|form| world.stored.has(*form)).collect();
    let (mut depth, mut most) = (FIRST.max(wanted.saturating_mul(2)), wanted.saturating_add(wanted / 8 + 32));
    while most <= MOST {
        let reaches = forms.iter().map(|form| data.reach(form.ids().0, depth, from, first.descending));
        // Where all of one form is read, the others are still read as far as they are to be read.
        let until = reaches.flatten().reduce(|a, b| search.nearer(a, b));
        let Some(Nearest { ids, end, by_time }) = search.nearest(&forms, most, until) else { break };
        let (sure, mut doubtful) = match end {
            Some(end) if first.descending => search.begun(&forms, ids, end),
            Some(_) => (ids, vec![]),
            None => (vec![], ids),
        };
        let known: HashSet<&String> = sure.iter().chain(&doubtful).collect();
        let further: Vec<String> = updated.iter().filter(|id| !known.contains(id)).cloned().collect();
        doubtful.extend(further);
        let read_since = end.filter(|_| first.descending);
        let mut found = if search.says_all(&forms) { sure } else { search.such(&sure, read_since, end)? };
        let others = search.such(&doubtful, None, end)?;
        let read_since = read_since.filter(|_| others.is_empty());
        found.extend(others);
        if end.is_none() || found.len() as u64 >= wanted {
            return Ok(Near::Page(found, read_since));
        }
        let few = (found.len() as u64) < wanted / 8;
        if !by_time {
            most = most.saturating_mul(8);
        }
        depth = depth.saturating_mul(if few { FURTHER * 4 } else { FURTHER });
    }
    Ok(Near::Unknown)
}

struct Nearest {
    ids: Vec<String>,
    /// All alerts raised on this side of it are among the ids; none where there are no more rows.
    end: Option<i64>,
    /// Whether the rows came to an end by their time, and not by their number.
    by_time: bool,
}

/// What is sought, and where.
struct Search<'s> {
    set: &'s Set,
    /// The property by which the page is in order.
    time: &'s str,
    conditions: &'s [Scalar],
    /// Rows that count arrived since then.
    since: Option<Arrived>,
    descending: bool,
    world: World<'s>,
}

impl Search<'_> {
    /// Of two times the one that is met first.
    fn nearer(&self, a: i64, b: i64) -> i64 {
        if self.descending { a.max(b) } else { a.min(b) }
    }

    /// The first time that is not read any more where rows are read until a time.
    fn past(&self, until: i64) -> i64 {
        if self.descending { until.saturating_sub(1) } else { until.saturating_add(1) }
    }

    /// The alerts with the nearest so many rows that can be of the page; where these are not in memory, with none beyond
    /// a time. `None` where that is not to be had.
    fn nearest(&self, forms: &[Form], most: u64, until: Option<i64>) -> Option<Nearest> {
        let data = self.world.context.data?;
        let held: Option<Vec<_>> = forms.iter().map(|form| self.held(*form, most)).collect();
        let until = until.filter(|_| held.is_none());
        let tables = match held {
            Some(held) => held,
            None => {
                let read = |form: &Form| data.rows(&self.rows(*form, most, until)?).ok();
                forms.iter().map(read).collect::<Option<Vec<_>>>()?
            }
        };
        let mut seen = HashSet::new();
        let mut ids = Vec::new();
        let past = until.map(|until| self.past(until));
        let mut end = past;
        for rows::Table { rows, .. } in tables {
            if rows.len() as u64 >= most {
                let Some(Value::Datetime(last)) = rows.last().and_then(|row| row.get(1)) else { return None };
                end = Some(end.map_or(*last, |end| self.nearer(end, *last)));
            }
            for row in rows {
                if let Some(Value::String(id)) = row.into_iter().next()
                    && seen.insert(id.clone())
                {
                    ids.push(id.into_owned());
                }
            }
        }
        Some(Nearest { ids, end, by_time: past.is_some() && end == past })
    }

    /// The nearest rows of a form, where they are in memory.
    fn held(&self, form: Form, most: u64) -> Option<rows::Table> {
        let (table, id) = form.ids();
        let schema = Schema::new([(id, Type::String), (form.time(), Type::Datetime)]);
        let conditions: Vec<Scalar> = self.conditions.iter().filter_map(|one| self.over_rows(form, one)).collect();
        self.world.context.data?.lookup(&Lookup {
            table,
            schema: &schema,
            key: None,
            conditions: &conditions,
            arrived: self.since,
            newest: self.descending,
            most: usize::try_from(most).unwrap_or(usize::MAX),
        })
    }

    fn rows(&self, form: Form, most: u64, until: Option<i64>) -> Option<Rel> {
        let (table, id) = form.ids();
        let own_time = form.time();
        let schema = catalog::kept(table).or_else(|| catalog::table(table))?.schema();
        let op = RelOp::Table { name: table.into(), span: Span::default() };
        let mut rel = Rel { op, schema };
        let clock = || Scalar::column(own_time, Type::Datetime);
        if let Some(until) = until {
            let until = Scalar::literal(Value::Datetime(until), Type::Datetime);
            rel = filtered(rel, call(if self.descending { ">=" } else { "<=" }, vec![clock(), until], Type::Bool)?);
        }
        for condition in self.conditions.iter().filter_map(|condition| self.over_rows(form, condition)) {
            rel = filtered(rel, condition);
        }
        let key = SortKey { expr: clock(), descending: self.descending, nulls_first: !self.descending };
        let schema = rel.schema.clone();
        let rel = Rel { op: RelOp::Take { input: Box::new(sorted(rel, &[key])), count: most }, schema };
        let columns = vec![("id".to_owned(), Scalar::column(id, Type::String)), ("time".to_owned(), clock())];
        Some(project(rel, columns))
    }

    /// A condition on alerts as one on the rows that they come from, where it must hold of each row.
    fn over_rows(&self, form: Form, condition: &Scalar) -> Option<Scalar> {
        let (_, id) = form.ids();
        over_rows(condition, &|property| -> Option<&'static str> {
            if property == self.time {
                return Some(form.time());
            }
            match (self.set.kind, form) {
                _ if property == "id" => Some(id),
                (Kind::Alerts, Form::DeviceAlertEvents) => {
                    SAME_IN_EVERY_ROW.iter().find(|(same, _)| *same == property).map(|(_, column)| *column)
                }
                (Kind::Alerts, Form::AlertInfo) => {
                    let same = ["severity", "category", "title"].contains(&property);
                    SAME_IN_EVERY_ROW.iter().find(|(name, _)| same && *name == property).map(|(_, column)| *column)
                }
                // Which of its rows an alert is does not matter: it is one of them.
                (Kind::Alerts, Form::Alerts) => {
                    PROPERTIES.iter().copied().find(|name| *name == property && !CHANGEABLE.contains(name))
                }
                _ => None,
            }
        })
    }

    /// Whether every alert with a row that is read is one that is sought.
    fn says_all(&self, forms: &[Form]) -> bool {
        let all = |form: &Form| self.conditions.iter().all(|condition| self.over_rows(*form, condition).is_some());
        forms == [Form::DeviceAlertEvents] && all(&forms[0])
    }

    /// Those without a row at the time or earlier, and those of which that is not known.
    fn begun(&self, forms: &[Form], ids: Vec<String>, time: i64) -> (Vec<String>, Vec<String>) {
        let mut begun = vec![false; ids.len()];
        for form in forms {
            let (table, column) = form.ids();
            match self.world.context.data.and_then(|data| data.begun(table, column, &ids, time)) {
                Some(found) => begun.iter_mut().zip(found).for_each(|(begun, found)| *begun |= found),
                None => return (vec![], ids),
            }
        }
        let (doubtful, sure): (Vec<_>, Vec<_>) = ids.into_iter().zip(begun).partition(|(_, begun)| *begun);
        let names = |of: Vec<(String, bool)>| of.into_iter().map(|(id, _)| id).collect();
        (names(sure), names(doubtful))
    }

    /// Those of the alerts that are sought and were raised on this side of `end`.
    fn such(&self, ids: &[String], read_since: Option<i64>, end: Option<i64>) -> Result<Vec<String>, Diagnostics> {
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let mut found = rows(self.set, World { since: read_since, ..self.world }, ids)?;
        for condition in self.conditions {
            found = filtered(found, condition.clone());
        }
        if let Some(end) = end {
            let time = Scalar::column(self.time, Type::Datetime);
            let args = vec![time, Scalar::literal(Value::Datetime(end), Type::Datetime)];
            let settled = call(if self.descending { ">" } else { "<" }, args, Type::Bool);
            found = filtered(found, settled.unwrap_or_else(never));
        }
        let id = vec![("id".to_owned(), Scalar::column("id", Type::String))];
        Ok(texts(&project(found, id), self.world).unwrap_or_default())
    }
}

/// The time that a condition lets nothing of a page be beyond, on the side where the page begins.
pub fn bound(condition: &Scalar, time: &str, descending: bool) -> Option<i64> {
    let Scalar::Call { function, args, .. } = condition else { return None };
    let all = || args.iter().map(|arg| bound(arg, time, descending));
    match (function.name(), args.as_slice()) {
        ("and", _) => all().flatten().reduce(|a, b| if descending { a.min(b) } else { a.max(b) }),
        ("or", _) => {
            // A time that is absent is nowhere near.
            let is_null = |arg: &Scalar| matches!(arg, Scalar::Call { function, .. } if function.name() == "isnull");
            let each = args.iter().zip(all()).filter(|(arg, _)| !is_null(arg)).map(|(_, bound)| bound);
            let each: Option<Vec<i64>> = each.collect();
            each?.into_iter().reduce(|a, b| if descending { a.max(b) } else { a.min(b) })
        }
        (operator, [Scalar::Column { name, .. }, Scalar::Literal { value: Value::Datetime(ticks), .. }])
            if name == time =>
        {
            let bounds = if descending { ["<", "<=", "=="] } else { [">", ">=", "=="] };
            bounds.contains(&operator).then_some(*ticks)
        }
        _ => None,
    }
}

/// The alerts of these ids, whole.
pub fn rows(set: &Set, world: World<'_>, ids: &[String]) -> Result<Rel, Diagnostics> {
    set.rows(World { named: Some(ids), ..world }, None)
}

/// A page of many alerts: first which are on it, then those alone whole.
pub fn alone(set: &Set, world: World<'_>, page: Rel, many: usize, keys: &[SortKey]) -> Result<Rel, Diagnostics> {
    let RelOp::Take { count, .. } = &page.op else { return Ok(page) };
    if set.changed().is_none() || (many as u64) < count.saturating_mul(2).saturating_add(32) {
        return Ok(page);
    }
    let id = vec![("id".to_owned(), Scalar::column("id", Type::String))];
    match texts(&project(page.clone(), id), world) {
        Some(ids) => Ok(sorted(rows(set, world, &ids)?, keys)),
        None => Ok(page),
    }
}

/// The alerts that a condition names.
fn named(condition: &Scalar) -> Option<Vec<String>> {
    let Scalar::Call { function, args, .. } = condition else { return None };
    let text = |arg: &Scalar| match arg {
        Scalar::Literal { value: Value::String(text), .. } => Some(text.clone().into_owned()),
        _ => None,
    };
    match (function.name(), args.as_slice()) {
        ("==" | "in", [Scalar::Column { name, .. }, texts @ ..]) if name == "id" => texts.iter().map(text).collect(),
        _ => None,
    }
}

/// The time that a condition asks the last change to be later than.
fn since(condition: &Scalar, changed: &str) -> Option<Arrived> {
    let Scalar::Call { function, args, .. } = condition else { return None };
    let [left, right] = args.as_slice() else { return None };
    let (column, literal) = match function.name() {
        ">" | ">=" => (left, right),
        "<" | "<=" => (right, left),
        _ => return None,
    };
    let included = function.name().ends_with('=');
    match (column, literal) {
        (Scalar::Column { name, .. }, Scalar::Literal { value: Value::Datetime(ticks), .. }) if name == changed => {
            Some(Arrived { since: *ticks, included })
        }
        _ => None,
    }
}

/// Properties that are not, or not always, what came with an alert.
const CHANGEABLE: &[&str] = &[
    "incidentId",
    "status",
    "assignedTo",
    "classification",
    "determination",
    "comments",
    "lastUpdateTime",
    "resolvedTime",
];

/// The first column of a relation, run now.
pub fn texts(rel: &Rel, world: World<'_>) -> Option<Vec<String>> {
    let table = world.context.data?.rows(rel).ok()?;
    let first = table.rows.into_iter().filter_map(|row| row.into_iter().next());
    Some(first.map(|value| value.text().into_owned()).collect())
}
