//! Which alerts can be on a page, found without a look at all of them: the newest, by reading rows from the newest
//! backwards until enough alerts are settled; those that changed since a time, by when rows and updates arrived.
//!
//! An alert was raised when its first row was. If the newest rows that can be of a page, down to some time, are read,
//! every alert raised after that time is among theirs; an alert that has older rows too only looks newer than it is, so
//! the alerts are then read whole and those raised after that time are counted. Where they fill the page, it is known.
use super::sets::{Kind, PROPERTIES, Set, World};
use super::{PAGE, SAME_IN_EVERY_ROW, all_of, call, cut, filtered, never, over_rows, project, sorted};
use crate::bind::Context;
use crate::bind::alerts::{self, Form};
use crate::catalog;
use crate::ir::{Rel, RelOp, Scalar, SortKey};
use crate::rows;
use crate::syntax::odata::ast::Options;
use crate::text::{Diagnostics, Span};
use crate::types::Type;
use crate::value::{Value, datetime};
use std::collections::HashSet;

/// More rows than these are not read in search of a page.
const MOST: u64 = 1 << 16;
/// More alerts than these are not named one by one.
const NAMED: usize = 20_000;
/// A shorter beginning that all ids share says nothing.
const BEGINNING: usize = 3;

/// What is known of a page beforehand.
pub enum Near {
    Unknown,
    /// All that can be on it are among these, in whatever order.
    Among(Vec<String>),
    /// These are on it and no others.
    Page(Vec<String>),
}

/// What can be said of the page that a request asks for. `plain` where the conditions are all there is to its filter.
pub fn near(
    set: &Set,
    conditions: &[Scalar],
    behind: Option<&Scalar>,
    plain: bool,
    keys: &[SortKey],
    options: &Options,
    world: World<'_>,
) -> Result<Near, Diagnostics> {
    let (Some(changed), Some(time)) = (set.changed(), set.newest) else { return Ok(Near::Unknown) };
    if let Some(since) = conditions.iter().filter_map(|one| since(one, changed)).max()
        && let Some(ids) = changed_since(since, world)?
    {
        return Ok(Near::Among(ids));
    }
    let by_time = keys.first().filter(|key| matches!(&key.expr, Scalar::Column { name, .. } if name == time));
    let keyed = conditions.iter().any(|one| super::reads(one, "id") && !super::reads(one, time));
    let (true, false, Some(first)) = (plain, keyed, by_time) else { return Ok(Near::Unknown) };
    let all: Vec<Scalar> = conditions.iter().chain(behind).cloned().collect();
    let count = options.top.map_or(PAGE + 1, |top| top.min(PAGE + 1));
    let wanted = count.saturating_add(options.skip.unwrap_or(0));
    let mut rows = wanted.saturating_mul(3).saturating_add(64);
    while rows <= MOST {
        let Some(Nearest { ids, end }) = nearest(set, time, &all, rows, first.descending, world)? else { break };
        let mut found = self::rows(set, world, &ids)?;
        for condition in &all {
            found = filtered(found, condition.clone());
        }
        if let Some(end) = end {
            let args = vec![first.expr.clone(), Scalar::literal(Value::Datetime(end), Type::Datetime)];
            let Some(settled) = call(if first.descending { ">" } else { "<" }, args, Type::Bool) else { break };
            found = filtered(found, settled);
        }
        let id = vec![("id".to_owned(), Scalar::column("id", Type::String))];
        let Some(page) = texts(&project(cut(sorted(found, keys), options), id), world) else { break };
        if end.is_none() || page.len() as u64 == count {
            return Ok(Near::Page(page));
        }
        rows = rows.saturating_mul(8);
    }
    Ok(Near::Unknown)
}

/// The alerts of these ids, whole.
pub fn rows(set: &Set, world: World<'_>, ids: &[String]) -> Result<Rel, Diagnostics> {
    let on = |column: &str| among(column, ids);
    match set.kind {
        Kind::Alerts => {
            alerts::resources(world.stored, world.context, &|form: Form, rel: &mut Rel| form.narrow(rel, &on))
        }
        Kind::Related(_) | Kind::Table => set.rows(world, Some(&on)),
    }
}

/// Being one of the ids; and beginning as they all do, which rules files and pages out.
fn among(column: &str, ids: &[String]) -> Scalar {
    let id = || Scalar::column(column, Type::String);
    let text = |text: &str| Scalar::literal(Value::string(text.to_owned()), Type::String);
    let list = std::iter::once(id()).chain(ids.iter().map(|id| text(id))).collect();
    let listed = call("in", list, Type::Bool).unwrap_or_else(never);
    let Some(first) = ids.first() else { return never() };
    let shared = ids.iter().fold(first.len(), |shared, other| {
        let same = first.bytes().zip(other.bytes()).take(shared);
        same.take_while(|(a, b)| a == b).count()
    });
    match first.get(..shared).filter(|beginning| beginning.len() >= BEGINNING) {
        Some(beginning) => {
            let begins = call("startswith_cs", vec![id(), text(beginning)], Type::Bool);
            all_of(begins.into_iter().chain([listed]).collect())
        }
        None => listed,
    }
}

/// The time that a condition asks the last change to be later than.
fn since(condition: &Scalar, changed: &str) -> Option<i64> {
    let Scalar::Call { function, args, .. } = condition else { return None };
    let [left, right] = args.as_slice() else { return None };
    let (column, literal) = match function.name() {
        ">" | ">=" => (left, right),
        "<" | "<=" => (right, left),
        _ => return None,
    };
    match (column, literal) {
        (Scalar::Column { name, .. }, Scalar::Literal { value: Value::Datetime(ticks), .. }) if name == changed => {
            Some(*ticks)
        }
        _ => None,
    }
}

/// The alerts of which a row or an update arrived at this time or later; `None` where they are too many to name.
fn changed_since(since: i64, world: World<'_>) -> Result<Option<Vec<String>>, Diagnostics> {
    let forms = Form::ALL.into_iter().chain([Form::Updates]).filter(|form| world.stored.has(*form));
    let branches: Vec<String> = forms
        .flat_map(|form| {
            let (tables, id) = form.tables();
            tables.iter().map(move |table| {
                format!(
                    "({table} | where _TimeCommitted >= since and coalesce(_TimeReceived, _TimeCommitted) >= since \
                     | project id = {id})"
                )
            })
        })
        .collect();
    if branches.is_empty() {
        return Ok(Some(vec![]));
    }
    let text = format!(
        "declare query_parameters(since:datetime);\nunion {} | distinct id | take {}",
        branches.join(", "),
        NAMED + 1
    );
    let parameters = [("since".to_owned(), format!("datetime({})", datetime::text(since)))];
    let rel = alerts::bound(&text, &Context { parameters: &parameters, ..*world.context })?;
    Ok(texts(&rel, world).filter(|ids| ids.len() <= NAMED))
}

struct Nearest {
    ids: Vec<String>,
    /// The time of the last of the rows; none where there are no more rows.
    end: Option<i64>,
}

/// The alerts with the newest (or oldest) so many rows that can be of a page. `None` where that is not to be had.
fn nearest(
    set: &Set,
    time: &str,
    conditions: &[Scalar],
    most: u64,
    descending: bool,
    world: World<'_>,
) -> Result<Option<Nearest>, Diagnostics> {
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    let mut end: Option<i64> = None;
    for form in Form::ALL.into_iter().filter(|form| world.stored.has(*form)) {
        let (Some(rel), Some(data)) = (nearest_rows(set, time, form, conditions, most, descending), world.context.data)
        else {
            return Ok(None);
        };
        let Ok(rows::Table { rows, .. }) = data.rows(&rel) else { return Ok(None) };
        if rows.len() as u64 >= most {
            let Some(Value::Datetime(last)) = rows.last().and_then(|row| row.get(1)) else { return Ok(None) };
            end = Some(match end {
                Some(end) if descending => end.max(*last),
                Some(end) => end.min(*last),
                None => *last,
            });
        }
        for row in rows {
            if let Some(Value::String(id)) = row.into_iter().next()
                && seen.insert(id.clone())
            {
                ids.push(id.into_owned());
            }
        }
    }
    Ok(Some(Nearest { ids, end }))
}

fn nearest_rows(set: &Set, time: &str, form: Form, conditions: &[Scalar], most: u64, descending: bool) -> Option<Rel> {
    let (table, id) = form.ids();
    let own_time = if form == Form::Alerts { "alertCreationTime" } else { catalog::TIMESTAMP };
    let schema = catalog::kept(table).or_else(|| catalog::table(table))?.schema();
    let column = |property: &str| -> Option<&'static str> {
        if property == time {
            return Some(own_time);
        }
        match (set.kind, form) {
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
    };
    let op = RelOp::Table { name: table.into(), span: Span::default() };
    let mut rel = Rel { op, schema };
    for condition in conditions.iter().filter_map(|condition| over_rows(condition, &column)) {
        rel = filtered(rel, condition);
    }
    let key = SortKey { expr: Scalar::column(own_time, Type::Datetime), descending, nulls_first: !descending };
    let schema = rel.schema.clone();
    let rel = Rel { op: RelOp::Take { input: Box::new(sorted(rel, &[key])), count: most }, schema };
    let columns = vec![
        ("id".to_owned(), Scalar::column(id, Type::String)),
        ("time".to_owned(), Scalar::column(own_time, Type::Datetime)),
    ];
    Some(project(rel, columns))
}

/// Properties that are not what came with an alert.
const CHANGEABLE: &[&str] =
    &["status", "assignedTo", "classification", "determination", "comments", "lastUpdateTime", "resolvedTime"];

/// The first column of a relation, run now.
fn texts(rel: &Rel, world: World<'_>) -> Option<Vec<String>> {
    let table = world.context.data?.rows(rel).ok()?;
    let first = table.rows.into_iter().filter_map(|row| row.into_iter().next());
    Some(first.map(|value| value.text().into_owned()).collect())
}
