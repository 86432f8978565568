//! Incidents without a look at all alerts. Where none came with the alerts, an incident is what one device raised within
//! one window of time, and its number says which: so those that are named, and the newest, are of few alerts.
//! (`alerts_in_incidents.kql` makes the numbers.)
use super::sets::{INCIDENTS, Kind, Set, World};
use super::{all_of, any_of, call, candidates, filtered, found, project};
use crate::bind::alerts::{Form, INCIDENT_WINDOW};
use crate::catalog::TIMESTAMP;
use crate::ir::{Scalar, SortKey};
use crate::rows::Lookup;
use crate::types::{Schema, Type};
use crate::value::{Value, datetime, timespan};

/// A number is the window's, and in so many bits that of the device.
const BITS: u32 = 37;
/// Windows that are looked through for a page.
const WINDOWS: i64 = 4;
/// Devices whose alerts are read for a page.
const DEVICES: usize = 4096;
/// What is divided by a window has no more than 53 bits: so near before its end a time may count to the next.
const NEAR: i64 = 64;

const TABLE: &str = "DeviceAlertEvents";
const DEVICE: &str = "DeviceId";

/// Ticks of the window, where no incident came with the alerts, and all of them came in one form.
fn window(world: World<'_>) -> Option<i64> {
    let only = Form::ALL.iter().all(|form| world.stored.has(*form) == (*form == Form::DeviceAlertEvents));
    let given = world.context.parameters.iter().find(|(name, _)| name == INCIDENT_WINDOW);
    let window = timespan::parse(given.map_or("1d", |(_, window)| window.as_str()));
    window.filter(|window| only && *window > NEAR)
}

fn time(operator: &str, ticks: i64) -> Option<Scalar> {
    let args = vec![Scalar::column(TIMESTAMP, Type::Datetime), Scalar::literal(Value::Datetime(ticks), Type::Datetime)];
    call(operator, args, Type::Bool)
}

/// The property of a set with the number of an incident.
fn property(set: &Set) -> &'static str {
    match set.kind {
        Kind::Related(related) if related.name == INCIDENTS[1].name => "id",
        Kind::Related(_) | Kind::Alerts | Kind::Table | Kind::Applied => "incidentId",
    }
}

/// The alerts that can be of the incidents that a condition names.
pub fn named(set: &Set, condition: &Scalar, world: World<'_>) -> Option<Vec<String>> {
    let Scalar::Call { function, args, .. } = condition else { return None };
    let (Scalar::Column { name, .. }, numbers) = args.split_first()? else { return None };
    if !matches!(function.name(), "==" | "in")
        || name != property(set)
        || matches!(set.kind, Kind::Table | Kind::Applied)
    {
        return None;
    }
    let number = |arg: &Scalar| match arg {
        Scalar::Literal { value: Value::String(text), .. } => text.parse().ok(),
        Scalar::Literal { value, .. } => value.as_long(),
        _ => None,
    };
    let numbers: Vec<i64> = numbers.iter().map(number).collect::<Option<_>>()?;
    let window = window(world)?;
    let (first, last) = (*numbers.iter().min()? >> BITS, *numbers.iter().max()? >> BITS);
    let start = |number: i64| number.checked_mul(window)?.checked_add(datetime::UNIX_EPOCH);
    let bounds = vec![time(">=", start(first)?.checked_sub(NEAR)?)?, time("<", start(last.checked_add(1)?)?)?];
    // What has no time counts to the first window of all.
    let untimed = call("isnull", vec![Scalar::column(TIMESTAMP, Type::Datetime)], Type::Bool)?;
    let within = if first <= 0 { vec![any_of(vec![all_of(bounds), untimed])] } else { bounds };
    let long = |number: i64| Scalar::literal(Value::Long(number), Type::Long);
    let text = |name: &str| Scalar::column(name, Type::String);
    let among = |of: Scalar| {
        let of = call("hash", vec![of, long(1 << BITS)], Type::Long)?;
        let parts = numbers.iter().map(|number| long(number & ((1 << BITS) - 1)));
        call("in", std::iter::once(of).chain(parts).collect(), Type::Bool)
    };
    let device = among(call("tolower", vec![text(DEVICE)], Type::String)?)?;
    let none = call("isempty", vec![text(DEVICE)], Type::Bool)?;
    let own = call("and", vec![none, among(text(Form::DeviceAlertEvents.ids().1))?], Type::Bool)?;
    let conditions: Vec<Scalar> = within.into_iter().chain([any_of(vec![device, own])]).collect();
    found::of_rows(&conditions, world)
}

/// The alerts that the newest incidents are made of, and what is true of those that are made of nothing else. `None`
/// where it is not the newest that are asked for, or they are not to be had so.
pub fn newest(
    set: &Set,
    conditions: &[Scalar],
    behind: Option<&Scalar>,
    keys: &[SortKey],
    wanted: u64,
    world: World<'_>,
) -> Option<(Vec<String>, Scalar)> {
    let Kind::Related(related) = set.kind else { return None };
    let is_it = INCIDENTS[..2].iter().any(|one| one.name == related.name);
    let created = set.newest.filter(|_| is_it)?;
    let first = keys.first().filter(|key| key.descending)?;
    if !matches!(&first.expr, Scalar::Column { name, .. } if name == created) {
        return None;
    }
    let (window, data) = (window(world)?, world.context.data?);
    let all: Vec<Scalar> = conditions.iter().chain(behind).cloned().collect();
    let until = all.iter().filter_map(|one| candidates::bound(one, created, true)).min();
    let last = last(world, until)?;
    let is_later = |ticks: i64| {
        let args =
            vec![Scalar::column(created, Type::Datetime), Scalar::literal(Value::Datetime(ticks), Type::Datetime)];
        call(">=", args, Type::Bool)
    };
    let number = (last.checked_add(NEAR)? - datetime::UNIX_EPOCH).div_euclid(window);
    let (mut ids, mut count, mut devices) = (Vec::new(), 0, 0);
    for number in (number.checked_sub(WINDOWS)?..=number).rev() {
        let from = number.checked_mul(window)?.checked_add(datetime::UNIX_EPOCH)?;
        let to = from.checked_add(window)?;
        if !found::of_rows(&[time(">=", from.checked_sub(NEAR)?)?, time("<", from)?], world)?.is_empty() {
            return None;
        }
        let opened = data.openings(TABLE, DEVICE, from, to)?;
        if opened.iter().any(|(_, device)| device.is_empty()) {
            return None;
        }
        let mut rest = &opened[opened.partition_point(|(at, _)| until.is_some_and(|until| *at > until))..];
        while let Some(wanted) = wanted.checked_sub(count).filter(|wanted| *wanted > 0 && !rest.is_empty()) {
            let few = usize::try_from(wanted.saturating_add(wanted / 4)).ok()?.max(devices).min(rest.len());
            // Those of one time together.
            let end = rest[few - 1].0;
            let (some, further) = rest.split_at(rest.partition_point(|(at, _)| *at >= end));
            devices += some.len();
            if devices > DEVICES {
                return None;
            }
            let found = of_devices(some, (from, to), world)?;
            count += made(set, &found, &all, is_later(from)?, world)?;
            ids.extend(found);
            if count >= wanted {
                return Some((ids, is_later(end)?));
            }
            rest = further;
        }
    }
    None
}

/// The time of the newest row, or of the newest up to a time.
fn last(world: World<'_>, until: Option<i64>) -> Option<i64> {
    let schema = Schema::new([(TIMESTAMP, Type::Datetime)]);
    let conditions: Vec<Scalar> = until.and_then(|until| time("<=", until)).into_iter().collect();
    let lookup =
        Lookup { key: None, conditions: &conditions, newest: true, most: 1, ..Lookup::of(TABLE, &schema, "", &[]) };
    match world.context.data?.lookup(&lookup)?.rows.first()?.first()? {
        Value::Datetime(ticks) => Some(*ticks),
        _ => None,
    }
}

/// The alerts that these devices raised within a window.
fn of_devices(devices: &[(i64, String)], (from, to): (i64, i64), world: World<'_>) -> Option<Vec<String>> {
    let texts = devices.iter().map(|(_, device)| Scalar::literal(Value::string(device.clone()), Type::String));
    let list = std::iter::once(Scalar::column(DEVICE, Type::String)).chain(texts).collect();
    let conditions = [time(">=", from)?, time("<", to)?, call("in~", list, Type::Bool)?];
    let ids = found::of_rows(&conditions, world)?;
    let begun = world.context.data?.begun(TABLE, Form::DeviceAlertEvents.ids().1, &ids, from.checked_sub(1)?)?;
    Some(ids.into_iter().zip(begun).filter(|(_, begun)| !begun).map(|(id, _)| id).collect())
}

/// How many of the incidents that these alerts make are asked for.
fn made(set: &Set, ids: &[String], all: &[Scalar], later: Scalar, world: World<'_>) -> Option<u64> {
    let mut rel = set.rows(World { named: Some(ids), ..world }, None).ok()?;
    for condition in all.iter().chain([&later]) {
        rel = filtered(rel, condition.clone());
    }
    let name = property(set);
    let ty = set.properties.get(name)?.ty;
    let rel = project(rel, vec![(name.to_owned(), Scalar::column(name, ty))]);
    Some(world.context.data?.rows(&rel).ok()?.rows.len() as u64)
}
