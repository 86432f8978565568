//! The entity sets: alerts, what is related to them, and every hunting table. What is not stored as such is a KQL text
//! over alerts and devices; its columns are the properties.
use super::super::Context;
use super::super::alerts::{self, Form, Stored};
use crate::catalog::{self, ALERTS, Known, Tables};
use crate::ir::{Rel, RelOp, Scalar};
use crate::rows::Lookup;
use crate::syntax::odata::ast::Name;
use crate::text::{Diagnostic, Diagnostics, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use std::sync::Arc;

/// What an alert has on the wire, in the order of the contract.
pub const PROPERTIES: &[&str] = &[
    "id",
    "incidentId",
    "investigationId",
    "assignedTo",
    "severity",
    "status",
    "classification",
    "determination",
    "investigationState",
    "detectionSource",
    "detectorId",
    "category",
    "threatFamilyName",
    "title",
    "description",
    "alertCreationTime",
    "firstEventTime",
    "lastEventTime",
    "lastUpdateTime",
    "resolvedTime",
    "machineId",
    "computerDnsName",
    "rbacGroupName",
    "aadTenantId",
    "threatName",
    "mitreTechniques",
    "relatedUser",
    "comments",
    "evidence",
];

/// A set that is read from alerts by a text.
#[derive(Debug)]
pub struct Related {
    pub name: &'static str,
    /// The word for it as a relation of an alert.
    pub relation: &'static str,
    pub key: &'static str,
    /// Another property that goes for the key.
    pub also: Option<&'static str>,
    text: &'static str,
    /// `id` of alerts and a `key` in lower case that each names.
    mentions: &'static str,
    /// The same, where an alert's own relation is narrower than what it names.
    of_alert: &'static str,
    /// Whether the alert alone says all that its related things have.
    pub alert_says_all: bool,
    /// Whether each is an alert itself, under the alert's id.
    pub alert_itself: bool,
    newest: Option<&'static str>,
}

pub static RELATED: [Related; 5] = [
    Related {
        name: "Machines",
        relation: "machine",
        key: "id",
        also: Some("computerDnsName"),
        text: include_str!("machines.kql"),
        mentions: include_str!("machines_mentioned.kql"),
        of_alert: include_str!("machines_mentioned.kql"),
        alert_says_all: false,
        alert_itself: false,
        newest: None,
    },
    Related {
        name: "Files",
        relation: "files",
        key: "sha1",
        also: Some("sha256"),
        text: include_str!("files.kql"),
        mentions: include_str!("files_mentioned.kql"),
        of_alert: include_str!("files_mentioned.kql"),
        alert_says_all: true,
        alert_itself: false,
        newest: None,
    },
    Related {
        name: "Ips",
        relation: "ips",
        key: "id",
        also: None,
        text: include_str!("ips.kql"),
        mentions: include_str!("ips_mentioned.kql"),
        of_alert: include_str!("ips_mentioned.kql"),
        alert_says_all: true,
        alert_itself: false,
        newest: None,
    },
    Related {
        name: "Domains",
        relation: "domains",
        key: "host",
        also: None,
        text: include_str!("domains.kql"),
        mentions: include_str!("domains_mentioned.kql"),
        of_alert: include_str!("domains_mentioned.kql"),
        alert_says_all: true,
        alert_itself: false,
        newest: None,
    },
    Related {
        name: "Users",
        relation: "user",
        key: "id",
        also: Some("accountName"),
        text: include_str!("users.kql"),
        mentions: include_str!("users_mentioned.kql"),
        of_alert: include_str!("users_of_alert.kql"),
        alert_says_all: false,
        alert_itself: false,
        newest: None,
    },
];

/// Alerts as Graph has them.
pub static GRAPH_ALERTS: Related = Related {
    name: "alerts_v2",
    relation: "",
    key: "id",
    also: None,
    text: include_str!("alerts_v2.kql"),
    mentions: THEMSELVES,
    of_alert: THEMSELVES,
    alert_says_all: true,
    alert_itself: true,
    newest: Some("createdDateTime"),
};
/// Alerts that belong together, as Defender's own API has them, as Graph has them, and the alerts in them.
pub static INCIDENTS: [Related; 3] = [
    Related {
        name: "incidents",
        key: "incidentId",
        text: concat!(include_str!("incidents.kql"), include_str!("incidents_of_defender.kql")),
        newest: Some("createdTime"),
        ..OF_ALL
    },
    Related {
        name: "security/incidents",
        key: "id",
        text: concat!(include_str!("incidents.kql"), include_str!("incidents_of_graph.kql")),
        newest: Some("createdDateTime"),
        ..OF_ALL
    },
    Related {
        name: "alertsOfIncidents",
        key: "alertId",
        text: include_str!("alerts_of_incidents.kql"),
        newest: Some("creationTime"),
        ..OF_ALL
    },
];

/// What needs all alerts to say anything.
const OF_ALL: Related = Related {
    name: "",
    relation: "",
    key: "id",
    also: None,
    text: "",
    mentions: THEMSELVES,
    of_alert: THEMSELVES,
    alert_says_all: false,
    alert_itself: false,
    newest: None,
};

const THEMSELVES: &str = "Alerts | project id, key = tolower(id)";

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Alerts,
    Related(&'static Related),
    Table,
    /// What `$apply` made of another.
    Applied,
}

/// An entity set that a request line may name.
#[derive(Clone, Debug)]
pub struct Set {
    pub name: String,
    pub kind: Kind,
    pub properties: Schema,
    pub key: Option<&'static str>,
    /// The time by which the newest come first where no order is asked for.
    pub newest: Option<&'static str>,
}

/// A condition on the column with the ids of alerts.
pub type Ids<'i> = &'i dyn Fn(&str) -> Scalar;

/// What the sets are read from.
#[derive(Clone, Copy)]
pub struct World<'w> {
    pub context: &'w Context<'w>,
    pub stored: Stored,
    /// Alerts are read only as far as their rows are later than this.
    pub since: Option<i64>,
    /// Only alerts of these ids are there.
    pub named: Option<&'w [String]>,
}

impl World<'_> {
    /// Alerts from all forms, where a condition on their ids is given only those.
    pub fn resources(&self, ids: Option<Ids<'_>>) -> Result<Rel, Diagnostics> {
        alerts::resources(self.stored, self.context, &|form, rel| {
            if let Some(named) = self.named {
                let (tables, column) = form.tables();
                let later = self.later(form);
                tables.iter().for_each(|table| {
                    let later = later.as_slice().iter().filter(|_| *table == form.ids().0);
                    self.only(rel, table, (column, named), &later.cloned().collect::<Vec<_>>());
                });
            }
            if let Some(ids) = ids {
                form.narrow(rel, ids);
            }
            if let Some(later) = self.later(form) {
                alerts::filter_table(rel, form.ids().0, &later);
            }
        })
    }

    /// What must be true of a form's rows where they are read only as far as they are later than a time.
    fn later(&self, form: Form) -> Option<Scalar> {
        let since = Scalar::literal(Value::Datetime(self.since?), Type::Datetime);
        let time = Scalar::column(form.time(), Type::Datetime);
        let later = alerts::call(">", vec![time, since], Type::Bool).unwrap_or_else(super::never);
        (form != Form::Updates).then_some(later)
    }

    /// Lets a relation read of a table what has these ids: the rows themselves, where they are in memory.
    fn only(&self, rel: &mut Rel, table: &str, of: (&str, &[String]), conditions: &[Scalar]) {
        if !matches!(&rel.op, RelOp::Table { name, .. } if name == table) {
            rel.op.inputs_mut().into_iter().for_each(|input| self.only(input, table, of, conditions));
            return;
        }
        let (column, ids) = of;
        let lookup = Lookup { conditions, ..Lookup::of(table, &rel.schema, column, ids) };
        rel.op = match self.context.data.and_then(|data| data.lookup(&lookup)) {
            Some(found) => RelOp::Values { rows: found.rows },
            None => {
                let texts = ids.iter().map(|id| Scalar::literal(Value::string(id.clone()), Type::String));
                let list = std::iter::once(Scalar::column(column, Type::String)).chain(texts).collect();
                let predicate = alerts::call("in", list, Type::Bool).unwrap_or_else(super::never);
                RelOp::Filter { input: Box::new(rel.clone()), predicate }
            }
        };
    }

    /// One of our own texts, its alerts read from all forms, where a condition on their ids is given only those.
    fn over_alerts(&self, text: &str, ids: Option<Ids<'_>>) -> Result<Rel, Diagnostics> {
        let mut rel = alerts::bound(text, self.context)?;
        let resources = self.resources(ids)?;
        alerts::read_instead(&mut rel, ALERTS.name, &resources);
        Ok(rel)
    }
}

impl Set {
    /// The set of that name, in any letter case.
    pub fn named(name: &Name, world: World<'_>) -> Result<Set, Diagnostics> {
        if name.text.eq_ignore_ascii_case(ALERTS.name) {
            return Ok(Set::alerts());
        }
        if let Some(related) = RELATED
            .iter()
            .chain([&GRAPH_ALERTS])
            .chain(&INCIDENTS)
            .find(|one| one.name.eq_ignore_ascii_case(&name.text))
        {
            return Set::related(related, world.context);
        }
        let names = world.context.tables.names();
        let found = names.iter().find(|known| **known == name.text);
        let found = found.or_else(|| names.iter().find(|known| known.eq_ignore_ascii_case(&name.text)));
        match found.and_then(|name| Some((name, world.context.tables.schema(name)?))) {
            Some((name, schema)) => Ok(Set::table(name, &schema)),
            None => Err(vec![unknown(name, &names)]),
        }
    }

    pub fn alerts() -> Set {
        let schema = ALERTS.schema();
        let columns = PROPERTIES.iter().filter_map(|name| schema.get(name).cloned()).collect();
        Set {
            name: ALERTS.name.into(),
            kind: Kind::Alerts,
            properties: Schema { columns },
            key: Some("id"),
            newest: Some("alertCreationTime"),
        }
    }

    pub fn related(related: &'static Related, context: &Context<'_>) -> Result<Set, Diagnostics> {
        Ok(Set {
            name: related.name.into(),
            kind: Kind::Related(related),
            properties: alerts::bound(related.text, context)?.schema,
            key: Some(related.key),
            newest: related.newest,
        })
    }

    pub fn table(name: &str, schema: &Schema) -> Set {
        let time = schema.get(catalog::TIMESTAMP).filter(|column| column.ty == Type::Datetime);
        Set {
            name: name.to_owned(),
            kind: Kind::Table,
            properties: schema.clone(),
            key: None,
            newest: time.map(|_| catalog::TIMESTAMP),
        }
    }

    /// The property of that name, in any letter case; `asssignedTo` is how the published list spells one.
    pub fn property(&self, name: &str) -> Option<&Column> {
        let alerts = matches!(self.kind, Kind::Alerts);
        let name = if alerts && name.eq_ignore_ascii_case("asssignedTo") { "assignedTo" } else { name };
        self.properties
            .get(name)
            .or_else(|| self.properties.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)))
    }

    /// The property that says when one of it changed last.
    pub fn changed(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Alerts => Some("lastUpdateTime"),
            Kind::Related(related) if related.alert_itself => Some("lastUpdateDateTime"),
            Kind::Related(_) | Kind::Table | Kind::Applied => None,
        }
    }

    /// All its rows; of such alerts alone where that says the same.
    pub fn rows(&self, world: World<'_>, ids: Option<Ids<'_>>) -> Result<Rel, Diagnostics> {
        match self.kind {
            Kind::Alerts => world.resources(None),
            Kind::Related(related) => world.over_alerts(related.text, ids.filter(|_| related.alert_says_all)),
            Kind::Table | Kind::Applied => {
                let op = RelOp::Table { name: self.name.clone(), span: Default::default() };
                let mut rel = Rel { op, schema: self.properties.clone() };
                alerts::one_body(&mut rel, world.stored, world.context)?;
                Ok(rel)
            }
        }
    }
}

impl Related {
    /// Whether an alert has at most one.
    pub fn is_one_of_an_alert(&self) -> bool {
        ["machine", "user"].contains(&self.relation)
    }

    /// The relation of that name of an alert.
    pub fn of_alert(name: &Name) -> Result<&'static Related, Diagnostic> {
        RELATED.iter().find(|one| one.relation.eq_ignore_ascii_case(&name.text)).ok_or_else(|| {
            let fault = codes::UNKNOWN_TABLE.at(name.span, format!("an alert has no relation `{}`", name.text));
            fault.nearest(&name.text, RELATED.iter().map(|one| one.relation))
        })
    }

    /// Keys that an alert names.
    pub fn keys_of(&self, alert: &str, world: World<'_>) -> Result<Scalar, Diagnostics> {
        let alert = [alert.to_owned()];
        let rel = World { named: Some(&alert), ..world }.over_alerts(self.of_alert, None)?;
        Ok(super::set_of(rel, "key"))
    }

    /// Whether each is a device.
    pub fn is_device(&self) -> bool {
        self.name == RELATED[0].name
    }

    /// Ids of the alerts that name a key.
    pub fn alerts_of(&self, key: &str, world: World<'_>) -> Result<Scalar, Diagnostics> {
        let rel = world.over_alerts(self.mentions, None)?;
        let wanted = super::equals("key", &key.to_lowercase());
        Ok(super::set_of(super::filtered(rel, wanted), "id"))
    }
}

fn unknown(name: &Name, names: &[String]) -> Diagnostic {
    let fault = codes::UNKNOWN_TABLE.at(name.span, format!("no resource is named `{}`", name.text));
    let known = ["alerts", "machines", "files", "ips", "domains", "users"];
    fault.nearest(&name.text, known.into_iter().chain(names.iter().map(String::as_str)))
}

/// The catalogue, and alerts as the alerts API has them.
#[derive(Clone, Copy, Debug)]
pub struct WithAlerts;

impl Tables for WithAlerts {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        if table == ALERTS.name { Some(Arc::new(ALERTS.schema())) } else { Known.schema(table) }
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        Known.hidden(table)
    }

    fn names(&self) -> Vec<String> {
        Known.names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_binds_and_has_its_keys() {
        let context = Context { tables: &WithAlerts, now: 0, parameters: &[], data: None, saved: &[] };
        let world = World { context: &context, stored: Stored::default(), since: None, named: None };
        for related in RELATED.iter().chain([&GRAPH_ALERTS]).chain(&INCIDENTS) {
            let set = Set::related(related, &context).unwrap_or_else(|faults| panic!("{}: {faults:?}", related.name));
            for key in [Some(related.key), related.also].into_iter().flatten() {
                let ty = if key == "incidentId" { Type::Long } else { Type::String };
                assert_eq!(set.properties.get(key).map(|column| column.ty), Some(ty), "{}", related.name);
            }
            for text in [related.mentions, related.of_alert] {
                let rel = world
                    .over_alerts(text, Some(&|column| crate::bind::odata::equals(column, "x")))
                    .unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
                assert_eq!(rel.schema.names().collect::<Vec<_>>(), ["id", "key"], "{text}");
            }
        }
    }
}
