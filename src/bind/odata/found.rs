//! Alerts that are found by their rows alone: those that a condition on devices is about, those that changed since a
//! time. Rows in memory are looked up; where they are not there, a scan finds them.
use super::sets::World;
use super::{any_of, apart, call, filtered, over_rows, project, same};
use crate::bind::alerts::Form;
use crate::catalog::{self, TIME_COMMITTED, TIME_RECEIVED};
use crate::ir::{Rel, RelOp, Scalar};
use crate::rows::{self, Arrived, Lookup};
use crate::text::Span;
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::HashSet;

/// More alerts than these are not named one by one.
pub const NAMED: usize = 20_000;
/// More rows than these are not read to name alerts.
const ROWS: usize = 4 * NAMED;

/// What is asked of the rows of a table.
#[derive(Clone, Copy, Default)]
struct Of<'o> {
    conditions: &'o [Scalar],
    arrived: Option<Arrived>,
}

/// Texts in a column of such rows; `None` where there are too many, or they cannot be had.
fn texts(world: World<'_>, table: &str, column: &str, of: Of<'_>) -> Option<Vec<String>> {
    let data = world.context.data?;
    if of.arrived.is_some_and(|since| !data.arrived(table, since)) {
        return Some(vec![]);
    }
    let schema = Schema::new([(column, Type::String)]);
    let lookup = Lookup {
        table,
        schema: &schema,
        key: None,
        conditions: of.conditions,
        arrived: of.arrived,
        newest: true,
        most: ROWS,
    };
    let found = match data.lookup(&lookup) {
        Some(found) => found,
        None => data.rows(&scan(table, column, of)?).ok()?,
    };
    (found.rows.len() < ROWS).then(|| first(found))
}

/// The first column's texts, each once.
fn first(table: rows::Table) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts = table.rows.into_iter().filter_map(|row| Some(row.into_iter().next()?.text().into_owned()));
    texts.filter(|text| seen.insert(text.clone())).collect()
}

fn scan(table: &str, column: &str, of: Of<'_>) -> Option<Rel> {
    let mut schema = catalog::kept(table).or_else(|| catalog::table(table))?.schema();
    let times = Schema::new([TIME_RECEIVED, TIME_COMMITTED].map(|name| (name, Type::Datetime)));
    schema.columns.extend(times.columns);
    let mut rel = Rel { op: RelOp::Table { name: table.into(), span: Span::default() }, schema };
    if let Some(Arrived { since, included }) = of.arrived {
        let time = |name| Scalar::column(name, Type::Datetime);
        let received = call("coalesce", vec![time(TIME_RECEIVED), time(TIME_COMMITTED)], Type::Datetime)?;
        for clock in [time(TIME_COMMITTED), received] {
            let since = Scalar::literal(Value::Datetime(since), Type::Datetime);
            rel = filtered(rel, call(if included { ">=" } else { ">" }, vec![clock, since], Type::Bool)?);
        }
    }
    for condition in apart(of.conditions.to_vec()) {
        rel = filtered(rel, condition);
    }
    let rel = project(rel, vec![(column.to_owned(), Scalar::column(column, Type::String))]);
    let by = vec![(column.to_owned(), Scalar::column(column, Type::String))];
    let schema = rel.schema.clone();
    let op = RelOp::Summarize { input: Box::new(rel), by, aggregates: vec![] };
    let distinct = Rel { op, schema: schema.clone() };
    Some(Rel { op: RelOp::Take { input: Box::new(distinct), count: ROWS as u64 }, schema })
}

fn few(ids: HashSet<String>) -> Option<Vec<String>> {
    (ids.len() <= NAMED).then(|| ids.into_iter().collect())
}

/// The alerts of which a row or an update arrived since then.
pub fn changed_since(since: Arrived, world: World<'_>) -> Option<Vec<String>> {
    let mut ids = HashSet::new();
    for form in Form::ALL.into_iter().chain([Form::Updates]).filter(|form| world.stored.has(*form)) {
        let (tables, id) = form.tables();
        for table in tables {
            ids.extend(texts(world, table, id, Of { arrived: Some(since), ..Of::default() })?);
        }
    }
    few(ids)
}

/// The alerts of which an update arrived since then.
pub fn updated_since(since: Arrived, world: World<'_>) -> Option<Vec<String>> {
    if !world.stored.has(Form::Updates) {
        return Some(vec![]);
    }
    let (tables, id) = Form::Updates.tables();
    texts(world, tables[0], id, Of { arrived: Some(since), ..Of::default() })
}

/// The alerts of DeviceAlertEvents with rows of which these are true.
pub fn of_rows(conditions: &[Scalar], world: World<'_>) -> Option<Vec<String>> {
    let (table, id) = Form::DeviceAlertEvents.ids();
    let found = texts(world, table, id, Of { conditions, arrived: None })?;
    (found.len() <= NAMED).then_some(found)
}

/// The table of a form that says which devices an alert is of, and its columns with the device and its name.
fn devices(form: Form) -> Option<(&'static str, &'static str, &'static str)> {
    match form {
        Form::Alerts => Some(("Alerts", "machineId", "computerDnsName")),
        Form::AlertInfo => Some(("AlertEvidence", "DeviceId", "DeviceName")),
        Form::DeviceAlertEvents => Some(("DeviceAlertEvents", "DeviceId", "DeviceName")),
        Form::Updates => None,
    }
}

/// Whether a condition names devices: an alert that it is true of has a row that it is true of.
fn names_devices(condition: &Scalar) -> bool {
    let Scalar::Call { function, args, .. } = condition else { return false };
    let is_text = |arg: &Scalar| matches!(arg, Scalar::Literal { value: Value::String(text), .. } if !text.is_empty());
    match (function.name(), args.as_slice()) {
        ("or", terms) => terms.iter().all(names_devices),
        ("==" | "=~" | "in", [Scalar::Column { name, .. }, texts @ ..]) => {
            matches!(name.as_str(), "machineId" | "computerDnsName") && !texts.is_empty() && texts.iter().all(is_text)
        }
        _ => false,
    }
}

/// The alerts that can be of the devices that a condition names; `None` where it names none, or they have too many.
pub fn of_devices(condition: &Scalar, world: World<'_>) -> Option<Vec<String>> {
    names_devices(condition).then(|| in_devices(condition, world, None))?
}

/// A condition on a device, as one on its alerts.
fn on_alerts(condition: &Scalar, world: World<'_>) -> Option<Scalar> {
    if let Scalar::Call { function, args, .. } = condition
        && let ("in", [Scalar::Call { function: lower, args: of, .. }, Scalar::SubquerySet { rel, .. }]) =
            (function.name(), args.as_slice())
        && let ("tolower", [Scalar::Column { name, .. }]) = (lower.name(), of.as_slice())
        && name == "id"
    {
        let keys = first(world.context.data?.rows(rel).ok()?);
        return Some(any_of(keys.iter().map(|key| same("machineId", key)).collect()));
    }
    let property = |property: &str| match property {
        "id" => Some("machineId"),
        // Of alerts with several devices only one is theirs, and which name it has the others would say too.
        "computerDnsName" if !world.stored.alert_info => Some("computerDnsName"),
        _ => None,
    };
    over_rows(condition, &property).filter(names_devices)
}

/// All alerts of the devices that a condition names by their keys; `None` where it names none, or they have too many.
pub fn of_same_devices(condition: &Scalar, world: World<'_>) -> Option<Vec<String>> {
    let condition = &on_alerts(condition, world)?;
    let mut found = HashSet::new();
    for form in Form::ALL.into_iter().filter(|form| world.stored.has(*form)) {
        found.extend(in_devices(condition, world, Some(form))?);
    }
    if found.is_empty() {
        return Some(vec![]);
    }
    let names = found.into_iter().filter(|name| !name.is_empty());
    let texts = names.map(|name| Scalar::literal(Value::string(name), Type::String));
    let list = std::iter::once(Scalar::column("machineId", Type::String)).chain(texts).collect();
    in_devices(&call("in", list, Type::Bool)?, world, None)
}

/// The alerts with a row of which the condition is true, or, of one form, the devices in such rows.
fn in_devices(condition: &Scalar, world: World<'_>, devices_of: Option<Form>) -> Option<Vec<String>> {
    let mut found = HashSet::new();
    let forms = Form::ALL.into_iter().filter(|form| world.stored.has(*form));
    for form in forms.filter(|form| devices_of.is_none_or(|only| only == *form)) {
        let (table, device, name) = devices(form)?;
        let columns = |property: &str| Some(if property == "machineId" { device } else { name });
        let condition = over_rows(condition, &columns)?;
        let column = if devices_of.is_some() { device } else { form.tables().1 };
        found.extend(texts(world, table, column, Of { conditions: &[condition], arrived: None })?);
    }
    few(found)
}
