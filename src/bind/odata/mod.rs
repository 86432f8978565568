//! OData request lines to the typed middle. A filter means what the same filter means in KQL: from here on nobody knows
//! which of the two was spoken.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_SystemQueryOptions>
use super::Context;
use super::alerts::{self, Form, Stored, call, filter_table};
use crate::catalog;
use crate::functions;
use crate::ir::{Answer, Bound, Rel, RelOp, Scalar, SortKey};
use crate::syntax::odata::ast::{Expr, ExprKind, Name, Options, RequestLine};
use crate::text::{Diagnostics, Span, codes};
use crate::types::{Schema, Type};
use crate::value::{Json, Value};
use apply::Applied;
use candidates::Near;
use expr::Binder;
use sets::{Kind, RELATED, Related, Set, World};

mod apply;
mod candidates;
mod canonical;
mod compute;
mod expand;
mod expr;
mod found;
mod incidents;
mod lambda;
mod orderby;
pub mod paging;
pub mod path;
mod search;
mod select;
pub mod sets;

/// The most entities in one answer; where there are more, the door gives a link to the next page.
pub const PAGE: u64 = 10_000;

/// A parameter beside the text: fewer entities in one answer than [`PAGE`].
pub const PAGE_SIZE: &str = "@page";
/// A parameter beside the text: the sort keys of each row come with it, in columns that begin with [`KEY`].
pub const WITH_KEYS: &str = "@keys";
/// How a column with a sort key is named.
pub const KEY: char = '@';
/// The column that comes with the keys and says when an alert changed last.
pub const VERSION: &str = "@changed";

/// Properties that are the same in every row of an alert in DeviceAlertEvents, and the column that holds them.
const SAME_IN_EVERY_ROW: &[(&str, &str)] = &[
    ("id", "AlertId"),
    ("severity", "Severity"),
    ("category", "Category"),
    ("title", "Title"),
    ("machineId", "DeviceId"),
    ("computerDnsName", "DeviceName"),
];

/// A page of a set, and with `$count=true` a second answer with the number of all; with `/$count` that alone. The first
/// answer has the name of the set.
pub fn odata(line: &RequestLine, context: &Context<'_>, stored: Stored) -> Result<Bound, Diagnostics> {
    let asked = path::asked(&line.path).map_err(|fault| vec![fault])?;
    let options = &line.options;
    let unused = |name: &Name| codes::NOT_YET.at(name.span, format!("`{}` is not here yet", name.text));
    let refused: Diagnostics = options.unused.iter().map(unused).collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    let world = World { context, stored, since: None, named: None };
    let (mut set, mut conditions, alert) = scope(&asked, world)?;
    let mut given = None;
    if !options.apply.is_empty() {
        let mut rel = all_rows(&set, world, &conditions, alert.as_deref())?;
        for condition in std::mem::take(&mut conditions) {
            rel = filtered(rel, condition);
        }
        rel = Applied::new(&set.name, context.now, &options.aliases).all(rel, &options.apply)?;
        set = Set { name: set.name, kind: Kind::Applied, properties: rel.schema.clone(), key: None, newest: None };
        given = Some(rel);
    }
    let mut binder = Binder::new(&set, context.now, &options.aliases);
    binder.compute(&options.compute);
    let (plain, lambdas) = terms(options.filter.as_ref(), &options.aliases);
    conditions.extend(plain.into_iter().filter_map(|term| binder.predicate(term)).flat_map(conjuncts));
    if let Some(search) = &options.search {
        conditions.extend(binder.search(search));
    }
    let keys = binder.keys(&options.orderby);
    let evidence = binder.expand(options);
    let select = binder.select(options, evidence.is_some());
    binder.faults_or(())?;
    // A client that asks for what has changed pages through what there was when it began: what changes meanwhile is
    // later than all that it has seen, and comes with its next question.
    let changed = set.changed();
    let mut until =
        changed.filter(|name| conditions.iter().any(|one| reads(one, name))).and(context.tables.last_arrival());
    let mut behind = None;
    if let Some(token) = &options.skiptoken {
        let Some(found) = paging::behind(token, &line.question, &keys) else {
            let fault = codes::BAD_VALUE.at(Span::default(), "the `$skiptoken` does not belong to this request");
            return Err(vec![fault.help("begin again without it, or follow `@odata.nextLink` unchanged")]);
        };
        if let (Some(changed), Some(ticks)) = (changed, found.until) {
            let args =
                vec![Scalar::column(changed, Type::Datetime), Scalar::literal(Value::Datetime(ticks), Type::Datetime)];
            conditions.extend(call("<=", args, Type::Bool));
            until = found.until;
        }
        behind = Some(found);
    }
    let size = paging::size(context.parameters);
    let further = behind.as_ref().map(|behind| &behind.further);
    let plain = lambdas.is_empty() && behind.as_ref().is_none_or(paging::Behind::is_further);
    let near = match &alert {
        Some(alert) if changed.is_some() => Near::Among(vec![alert.clone()]),
        Some(_) => Near::Unknown,
        None => candidates::near(&set, &conditions, further, plain, &keys, wanted(options, size), world)?,
    };

    // Conditions go into the rows below; a page that is known is looked through once more.
    let mut every: Vec<Scalar> = conditions.iter().chain(further).cloned().collect();
    let near = match near {
        Near::Groups(ids, condition) => {
            every.push(condition);
            Near::Page(ids, None)
        }
        near => near,
    };

    // First which entities, from the columns that say so; then, of alerts, those alone whole.
    let asks_number = asked.count || options.count.unwrap_or(false);
    let mut matching = match given {
        Some(rel) => rel,
        None if let Near::Among(ids) = &near => candidates::rows(&set, world, ids)?,
        // Nobody asks for more than the page.
        None if let Near::Page(..) = &near
            && !asks_number =>
        {
            Rel { op: RelOp::Values { rows: vec![] }, schema: set.properties.clone() }
        }
        None => all_rows(&set, world, &conditions, alert.as_deref())?,
    };
    for condition in apart(conditions) {
        matching = filtered(matching, condition);
    }
    if !lambdas.is_empty() {
        binder.source = Some(matching.clone());
        let bound: Vec<Scalar> = lambdas.into_iter().filter_map(|term| binder.predicate(term)).collect();
        binder.faults_or(())?;
        for condition in apart(bound) {
            matching = filtered(matching, condition);
        }
    }
    let number = || Answer { name: "count".into(), rel: counted(matching.clone()), visualization: None };
    if asked.count {
        return Ok(Bound { results: vec![number()], notices: vec![] });
    }
    let mut results = Vec::with_capacity(2);
    let count = options.count.unwrap_or(false).then(number);
    let mut rest = matching;
    if let Some(behind) = behind {
        rest = behind.rows(rest);
    }
    let page = cut(sorted(rest, &keys), options, size);
    let mut whole = match set.kind {
        _ if let Near::Page(ids, since) = &near => {
            let world = World { since: *since, ..world };
            let mut rel = candidates::rows(&set, world, ids)?;
            for condition in apart(every) {
                rel = filtered(rel, condition);
            }
            let page = cut(sorted(rel, &keys), options, size);
            candidates::alone(&set, world, page, ids.len(), &keys)?
        }
        // These are whole.
        _ if let Near::Among(ids) = &near => candidates::alone(&set, world, page, ids.len(), &keys)?,
        Kind::Alerts => {
            let ids = set_of(page, "id");
            let narrow = |form: Form, rel: &mut Rel| form.narrow(rel, &|column| among(column, &ids));
            sorted(alerts::resources(stored, context, &narrow)?, &keys)
        }
        Kind::Related(related) if related.alert_itself => {
            let ids = set_of(page, related.key);
            sorted(set.rows(world, Some(&|column| among(column, &ids)))?, &keys)
        }
        Kind::Related(_) | Kind::Table | Kind::Applied => page,
    };
    if let Some(options) = evidence {
        let narrowed = binder.narrowed(whole.clone(), options);
        binder.faults_or(())?;
        whole = narrowed.map_or(whole, |rel| sorted(rel, &keys));
    }
    let mut columns: Vec<(String, Scalar)> = Vec::with_capacity(select.len() + keys.len());
    for (name, scalar) in select {
        // Evidence is told only where it is asked for.
        let untold = name == "evidence" && matches!(set.kind, Kind::Alerts) && evidence.is_none();
        let none = || Scalar::literal(Value::json(Json::Array(vec![])), Type::Dynamic);
        columns.push((name, if untold { none() } else { scalar }));
    }
    if context.parameters.iter().any(|(name, _)| name == WITH_KEYS) {
        // Where no more was asked for than a page has, there is no link to the next.
        let keys = keys.iter().filter(|_| options.top.is_none_or(|top| top > size)).enumerate();
        columns.extend(keys.map(|(at, key)| (format!("{KEY}{at}"), key.expr.clone())));
        let until = until.map(|ticks| Scalar::literal(Value::Datetime(ticks), Type::Datetime));
        columns.extend(until.map(|until| (format!("{KEY}until"), until)));
        columns.extend(changed.map(|name| (VERSION.to_owned(), Scalar::column(name, Type::Datetime))));
    }
    results.push(Answer { name: set.name.clone(), rel: project(whole, columns), visualization: None });
    results.extend(count);
    Ok(Bound { results, notices: vec![] })
}

/// All entities of a set, read only as far as the conditions and the alert that they belong to allow.
fn all_rows(set: &Set, world: World<'_>, conditions: &[Scalar], alert: Option<&str>) -> Result<Rel, Diagnostics> {
    let of_device = match set.kind {
        Kind::Related(related) if related.is_device() => {
            conditions.iter().find_map(|one| found::of_same_devices(one, world))
        }
        _ => None,
    };
    if let Some(ids) = of_device {
        return set.rows(World { named: Some(&ids), ..world }, None);
    }
    match (set.kind, alert) {
        (Kind::Alerts, _) => alerts::resources(world.stored, world.context, &|form, rel| {
            if form == Form::DeviceAlertEvents {
                for condition in apart(conditions.iter().filter_map(in_every_row).collect()) {
                    filter_table(rel, "DeviceAlertEvents", &condition);
                }
            }
        }),
        (Kind::Related(related), Some(alert)) if related.alert_says_all => {
            set.rows(World { named: Some(&[alert.to_owned()]), ..world }, None)
        }
        (_, _) => set.rows(world, None),
    }
}

/// The set that is asked for, what its entities must be, and the alert that they are related to.
fn scope(asked: &path::Asked, world: World<'_>) -> Result<(Set, Vec<Scalar>, Option<String>), Diagnostics> {
    let owner = Set::named(&asked.set, world)?;
    let Some(key) = &asked.key else { return Ok((owner, vec![], None)) };
    let Some(relation) = &asked.relation else {
        let Some(is_it) = of_key(&owner, key) else {
            let fault = codes::NOT_YET.at(asked.set.span, format!("rows of `{}` have no key", owner.name));
            return Err(vec![fault.help("ask with `$filter`")]);
        };
        let itself = matches!(owner.kind, Kind::Related(related) if related.alert_itself);
        return Ok((owner, vec![is_it], itself.then(|| key.clone())));
    };
    let no_relation = || {
        let name = &relation.text;
        let fault = codes::UNKNOWN_TABLE.at(relation.span, format!("`{}` have no relation `{name}`", owner.name));
        vec![fault]
    };
    match owner.kind {
        Kind::Alerts => {
            let related = Related::of_alert(relation).map_err(|fault| vec![fault])?;
            let keys = related.keys_of(key, world)?;
            let lower = call("tolower", vec![Scalar::column(related.key, Type::String)], Type::String);
            let among = lower.and_then(|lower| call("in", vec![lower, keys], Type::Bool));
            let set = Set::related(related, world.context)?;
            Ok((set, among.into_iter().collect(), Some(key.clone())))
        }
        Kind::Related(related) if relation.text.eq_ignore_ascii_case("alerts") => {
            let of_it = if related.name == RELATED[0].name {
                any_of(vec![same("machineId", key), same("computerDnsName", key)])
            } else {
                among("id", &related.alerts_of(key, world)?)
            };
            Ok((Set::alerts(), vec![of_it], None))
        }
        Kind::Related(_) | Kind::Table | Kind::Applied => Err(no_relation()),
    }
}

fn of_key(set: &Set, key: &str) -> Option<Scalar> {
    match set.kind {
        Kind::Alerts => Some(equals("id", key)),
        Kind::Related(related) => {
            let keys = [Some(related.key), related.also];
            if related.alert_itself {
                return Some(equals(related.key, key));
            }
            if set.properties.get(related.key).is_some_and(|column| column.ty == Type::Long) {
                let Ok(number) = key.parse() else { return Some(never()) };
                let number = Scalar::literal(Value::Long(number), Type::Long);
                return call("==", vec![Scalar::column(related.key, Type::Long), number], Type::Bool);
            }
            Some(any_of(keys.into_iter().flatten().map(|name| same(name, key)).collect()))
        }
        Kind::Table | Kind::Applied => None,
    }
}

/// The terms of a filter: those without a lambda, and those with one.
fn terms<'f>(filter: Option<&'f Expr>, aliases: &[(Name, Expr)]) -> (Vec<&'f Expr>, Vec<&'f Expr>) {
    let all: Vec<&'f Expr> = match filter {
        None => vec![],
        Some(Expr { kind: ExprKind::Chain { op: "and", terms }, .. }) => terms.iter().collect(),
        Some(whole) => vec![whole],
    };
    all.into_iter().partition(|term| !expr::has_lambda(term, aliases))
}

fn reads(scalar: &Scalar, name: &str) -> bool {
    match scalar {
        Scalar::Column { name: column, .. } => column == name,
        Scalar::Call { args, .. } => args.iter().any(|arg| reads(arg, name)),
        Scalar::Literal { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => false,
    }
}

fn project(input: Rel, columns: Vec<(String, Scalar)>) -> Rel {
    let schema = Schema::new(columns.iter().map(|(name, scalar)| (name.clone(), scalar.ty())));
    Rel { op: RelOp::Project { input: Box::new(input), columns }, schema }
}

fn sorted(input: Rel, keys: &[SortKey]) -> Rel {
    let schema = input.schema.clone();
    Rel { op: RelOp::Sort { input: Box::new(input), keys: keys.to_vec() }, schema }
}

fn filtered(input: Rel, predicate: Scalar) -> Rel {
    let schema = input.schema.clone();
    Rel { op: RelOp::Filter { input: Box::new(input), predicate }, schema }
}

/// The distinct values of a text column.
fn set_of(rel: Rel, column: &str) -> Scalar {
    let rel = project(rel, vec![(column.to_owned(), Scalar::column(column, Type::String))]);
    Scalar::SubquerySet { rel: Box::new(rel), ty: Type::String }
}

fn equals(column: &str, text: &str) -> Scalar {
    compared("==", column, text)
}

/// The same but for letter case.
fn same(column: &str, text: &str) -> Scalar {
    compared("=~", column, text)
}

fn compared(operator: &str, column: &str, text: &str) -> Scalar {
    let text = Scalar::literal(Value::string(text.to_owned()), Type::String);
    call(operator, vec![Scalar::column(column, Type::String), text], Type::Bool).unwrap_or_else(never)
}

fn among(column: &str, set: &Scalar) -> Scalar {
    call("in", vec![Scalar::column(column, Type::String), set.clone()], Type::Bool).unwrap_or_else(never)
}

fn never() -> Scalar {
    Scalar::literal(Value::Bool(false), Type::Bool)
}

fn all_of(terms: Vec<Scalar>) -> Scalar {
    joined("and", terms, true)
}

/// Conditions to be filters of their own, each a level of the relation: what is many is one.
fn apart(conditions: Vec<Scalar>) -> Vec<Scalar> {
    if conditions.len() > 32 { vec![all_of(conditions)] } else { conditions }
}

fn any_of(terms: Vec<Scalar>) -> Scalar {
    joined("or", terms, false)
}

fn joined(operator: &str, mut terms: Vec<Scalar>, of_none: bool) -> Scalar {
    match terms.len() {
        0 => Scalar::literal(Value::Bool(of_none), Type::Bool),
        1 => terms.remove(0),
        _ => call(operator, terms, Type::Bool).unwrap_or_else(never),
    }
}

/// How many rows of an order must be known for a page of it.
fn wanted(options: &Options, size: u64) -> u64 {
    options.top.map_or(size + 1, |top| top.min(size + 1)).saturating_add(options.skip.unwrap_or(0))
}

/// One row more than a page, so that the door knows whether there is a next one; a smaller `$top` is what was asked.
fn cut(input: Rel, options: &Options, size: u64) -> Rel {
    let schema = input.schema.clone();
    let skipped = match options.skip {
        Some(count) if count > 0 => Rel { op: RelOp::Skip { input: Box::new(input), count }, schema: schema.clone() },
        _ => input,
    };
    let count = options.top.map_or(size + 1, |top| top.min(size + 1));
    Rel { op: RelOp::Take { input: Box::new(skipped), count }, schema }
}

fn counted(input: Rel) -> Rel {
    let schema = Schema::new([("count", Type::Long)]);
    let aggregates = functions::aggregate("count")
        .map(|aggregate| crate::ir::AggregateCall {
            aggregate,
            args: vec![],
            outputs: vec![("count".into(), Type::Long)],
            span: Span::default(),
        })
        .into_iter()
        .collect();
    Rel { op: RelOp::Summarize { input: Box::new(input), by: vec![], aggregates }, schema }
}

/// The terms of an `and`.
fn conjuncts(filter: Scalar) -> Vec<Scalar> {
    match filter {
        Scalar::Call { function, args, .. } if function.name() == "and" => {
            args.into_iter().flat_map(conjuncts).collect()
        }
        other => vec![other],
    }
}

/// The condition over the rows of DeviceAlertEvents, if all that it reads is the same in every row of an alert.
fn in_every_row(condition: &Scalar) -> Option<Scalar> {
    over_rows(condition, &|property| {
        SAME_IN_EVERY_ROW.iter().find(|(same, _)| *same == property).map(|(_, column)| *column)
    })
}

/// A condition with columns in place of properties, where each has one.
fn over_rows<'c>(condition: &Scalar, columns: &dyn Fn(&str) -> Option<&'c str>) -> Option<Scalar> {
    Some(match condition {
        Scalar::Literal { .. } | Scalar::SubquerySet { .. } => condition.clone(),
        Scalar::Column { name, ty, span } => Scalar::Column { name: columns(name)?.into(), ty: *ty, span: *span },
        Scalar::Call { function, args, ty, span } => {
            let args = args.iter().map(|arg| over_rows(arg, columns)).collect::<Option<_>>()?;
            Scalar::Call { function, args, ty: *ty, span: *span }
        }
        Scalar::Subquery { .. } => return None,
    })
}

/// What an alert has within its incident.
pub fn alerts_of_incidents() -> Result<Schema, Diagnostics> {
    let context = Context { tables: &sets::WithAlerts, now: 0, parameters: &[], data: None, saved: &[] };
    Ok(Set::related(&sets::INCIDENTS[2], &context)?.properties)
}

/// Alerts and incidents as Graph has them.
pub fn graph_sets() -> Result<Vec<Set>, Diagnostics> {
    let context = Context { tables: &sets::WithAlerts, now: 0, parameters: &[], data: None, saved: &[] };
    [&sets::GRAPH_ALERTS, &sets::INCIDENTS[1]].into_iter().map(|related| Set::related(related, &context)).collect()
}

/// The sets that `$metadata` lists: those of the alerts API, then the hunting tables.
pub fn every_set() -> Result<Vec<Set>, Diagnostics> {
    let context = Context { tables: &sets::WithAlerts, now: 0, parameters: &[], data: None, saved: &[] };
    let mut sets = vec![Set::alerts()];
    for related in RELATED.iter().chain(&sets::INCIDENTS[..1]) {
        sets.push(Set::related(related, &context)?);
    }
    sets.extend(catalog::all().map(|table| Set::table(table.name, &table.schema())));
    Ok(sets)
}
