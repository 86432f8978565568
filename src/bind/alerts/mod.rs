//! Alerts come as DeviceAlertEvents, as AlertInfo with AlertEvidence, or as pages of the alerts API. They are one body
//! of data: each form is readable from whichever was ingested, and no alert twice where two forms of it came.
//!
//! How one form reads as another is KQL itself, one file a pair. Where only one form is stored, a query over it is left
//! as it is. Which columns correspond: `hunting-api` contract, "DeviceAlertEvents → AlertInfo/AlertEvidence".
use super::Context;
use crate::catalog::{self, TIME_COMMITTED, TIME_RECEIVED, Tables};
use crate::functions;
use crate::ir::{JoinColumn, JoinKind, Rel, RelOp, Scalar, Side};
use crate::syntax::kql as syntax;
use crate::text::{Diagnostic, Diagnostics, Source, Span};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::sync::Arc;

/// A parameter beside the text: how long a time the alerts of a device are one incident, as a timespan.
pub const INCIDENT_WINDOW: &str = "@incidents";

/// Which of the forms hold rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub device_alert_events: bool,
    /// AlertInfo or AlertEvidence.
    pub alert_info: bool,
    /// Pages of the alerts API.
    pub alerts: bool,
    /// What was said of alerts since they came.
    pub updates: bool,
}

impl Stored {
    pub fn of(has_rows: impl Fn(&str) -> bool) -> Stored {
        Stored {
            device_alert_events: has_rows("DeviceAlertEvents"),
            alert_info: has_rows("AlertInfo") || has_rows("AlertEvidence"),
            alerts: has_rows("Alerts"),
            updates: has_rows("AlertUpdates"),
        }
    }

    pub fn has(self, form: Form) -> bool {
        match form {
            Form::DeviceAlertEvents => self.device_alert_events,
            Form::AlertInfo => self.alert_info,
            Form::Alerts => self.alerts,
            Form::Updates => self.updates,
        }
    }
}

/// A form in which alerts come, richest last word first: where an alert came in two, the earlier of these is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Alerts,
    AlertInfo,
    DeviceAlertEvents,
    /// Not alerts but what was said of them.
    Updates,
}

impl Form {
    /// Those that bring alerts.
    pub const ALL: [Form; 3] = [Form::Alerts, Form::AlertInfo, Form::DeviceAlertEvents];

    /// Puts a condition on the ids of the alerts that the form is read from.
    pub fn narrow(self, rel: &mut Rel, on: &dyn Fn(&str) -> Scalar) {
        let (tables, column) = self.tables();
        for table in tables {
            filter_table(rel, table, &on(column));
        }
    }

    /// The tables of the form, and their column with the alert's id.
    pub fn tables(self) -> (&'static [&'static str], &'static str) {
        match self {
            Form::Alerts => (&["Alerts"], "id"),
            Form::AlertInfo => (&["AlertInfo", "AlertEvidence"], "AlertId"),
            Form::DeviceAlertEvents => (&["DeviceAlertEvents"], "AlertId"),
            Form::Updates => (&["AlertUpdates"], "AlertId"),
        }
    }

    /// The column of that table with when an alert was raised, or its row happened.
    pub fn time(self) -> &'static str {
        match self {
            Form::Alerts => "alertCreationTime",
            Form::AlertInfo | Form::DeviceAlertEvents | Form::Updates => catalog::TIMESTAMP,
        }
    }

    /// The table that has a row for every alert of the form, and its column with the alert's id.
    pub fn ids(self) -> (&'static str, &'static str) {
        let (tables, column) = self.tables();
        (tables[0], column)
    }
}

/// A hunting table, the form that it belongs to, and the texts that read the other forms as it.
struct Readable {
    table: &'static str,
    own: Form,
    others: [(Form, &'static str); 2],
}

const READABLE: [Readable; 3] = [
    Readable {
        table: "DeviceAlertEvents",
        own: Form::DeviceAlertEvents,
        others: [
            (Form::AlertInfo, include_str!("device_alert_events_from_alert_info.kql")),
            (Form::Alerts, include_str!("device_alert_events_from_alerts.kql")),
        ],
    },
    Readable {
        table: "AlertInfo",
        own: Form::AlertInfo,
        others: [
            (Form::Alerts, include_str!("alert_info_from_alerts.kql")),
            (Form::DeviceAlertEvents, include_str!("alert_info_from_device_alert_events.kql")),
        ],
    },
    Readable {
        table: "AlertEvidence",
        own: Form::AlertInfo,
        others: [
            (Form::Alerts, include_str!("alert_evidence_from_alerts.kql")),
            (Form::DeviceAlertEvents, include_str!("alert_evidence_from_device_alert_events.kql")),
        ],
    },
];

/// The alert as a resource, read from one form, or with what was said of it.
fn resource(form: Form) -> &'static str {
    match form {
        Form::Updates => include_str!("alerts_with_updates.kql"),
        Form::Alerts => include_str!("alerts_from_alerts.kql"),
        Form::AlertInfo => include_str!("alerts_from_alert_info.kql"),
        Form::DeviceAlertEvents => include_str!("alerts_from_device_alert_events.kql"),
    }
}

/// Lets the alert tables in a relation read all stored forms.
pub fn one_body(rel: &mut Rel, stored: Stored, context: &Context<'_>) -> Result<(), Diagnostics> {
    if let RelOp::Table { name, .. } = &rel.op {
        if let Some(readable) = READABLE.iter().find(|readable| readable.table == name) {
            *rel = all_forms(readable, rel, stored, context)?;
        }
        return Ok(());
    }
    for scalar in rel.op.scalars_mut() {
        in_scalar(scalar, stored, context)?;
    }
    for input in rel.op.inputs_mut() {
        one_body(input, stored, context)?;
    }
    Ok(())
}

fn in_scalar(scalar: &mut Scalar, stored: Stored, context: &Context<'_>) -> Result<(), Diagnostics> {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => Ok(()),
        Scalar::Call { args, .. } => args.iter_mut().try_for_each(|arg| in_scalar(arg, stored, context)),
        Scalar::Subquery { rel, .. } | Scalar::SubquerySet { rel, .. } => one_body(rel, stored, context),
    }
}

fn all_forms(readable: &Readable, table: &Rel, stored: Stored, context: &Context<'_>) -> Result<Rel, Diagnostics> {
    let schema = &table.schema;
    let mut inputs = Vec::new();
    let mut before = Vec::new();
    if stored.has(readable.own) {
        inputs.push(table.clone());
        before.push(readable.own);
    }
    for (form, text) in readable.others {
        if stored.has(form) {
            let rel = shaped(bound(text, context)?, schema);
            inputs.push(without(rel, "AlertId", &before, schema, &|_, _| ()));
            before.push(form);
        }
    }
    Ok(match inputs.len() {
        0 => table.clone(),
        1 => inputs.remove(0),
        _ => Rel { op: RelOp::Union { inputs }, schema: schema.clone() },
    })
}

/// All alerts as resources. `narrow` may put filters on what the forms are read from, of forms that other forms give way
/// to on ids alone.
pub fn resources(stored: Stored, context: &Context<'_>, narrow: &dyn Fn(Form, &mut Rel)) -> Result<Rel, Diagnostics> {
    let schema = catalog::ALERTS.schema();
    let mut inputs = Vec::new();
    let mut before = Vec::new();
    for form in Form::ALL {
        if stored.has(form) || !stored.any() && form == Form::DeviceAlertEvents {
            let mut rel = bound(resource(form), context)?;
            narrow(form, &mut rel);
            inputs.push(without(shaped(rel, &schema), "id", &before, &schema, narrow));
            before.push(form);
        }
    }
    let all = match inputs.len() {
        1 => inputs.remove(0),
        _ => Rel { op: RelOp::Union { inputs }, schema: schema.clone() },
    };
    let all = if stored.updates {
        let mut folded = bound(resource(Form::Updates), context)?;
        narrow(Form::Updates, &mut folded);
        read_instead(&mut folded, catalog::ALERTS.name, &all);
        shaped(folded, &schema)
    } else {
        all
    };
    // Where no incident came with an alert, alerts of one device and one time belong together.
    let window = context.parameters.iter().find(|(name, _)| name == INCIDENT_WINDOW);
    let window = format!("timespan({})", window.map_or("1d", |(_, window)| window.as_str()));
    let window = [("window".to_owned(), window)];
    let mut grouped = bound(include_str!("alerts_in_incidents.kql"), &Context { parameters: &window, ..*context })?;
    read_instead(&mut grouped, catalog::ALERTS.name, &all);
    Ok(shaped(grouped, &schema))
}

impl Stored {
    fn any(self) -> bool {
        Form::ALL.iter().any(|form| self.has(*form))
    }
}

/// One of our own texts; that it binds is tested. What is wrong where its tables are not there has no place in the text
/// of the user.
pub(super) fn bound(text: &str, context: &Context<'_>) -> Result<Rel, Diagnostics> {
    let elsewhere = |faults: Diagnostics| -> Diagnostics {
        faults.into_iter().map(|fault| Diagnostic { span: Span::default(), ..fault }).collect()
    };
    let tree = syntax::parse(&Source::named("alerts", text)).into_result().map_err(elsewhere)?;
    let bound = super::kql(&tree, &Context { tables: &Inside(context.tables), ..*context }).map_err(elsewhere)?;
    let mut results = bound.results;
    Ok(results.remove(0).rel)
}

/// The tables as our own texts see them: with those that no user may ask for by name, and with the times of arrival.
pub struct Inside<'t>(pub &'t dyn Tables);

impl Tables for Inside<'_> {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        match catalog::kept(table) {
            Some(kept) => Some(Arc::new(kept.schema())),
            None => self.0.schema(table),
        }
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        let mut hidden = self.0.hidden(table);
        if catalog::keeps_arrival(table) {
            hidden.extend([TIME_RECEIVED, TIME_COMMITTED].map(|name| (name.into(), name.into(), Type::Datetime)));
        }
        hidden
    }

    fn names(&self) -> Vec<String> {
        self.0.names()
    }
}

/// Those columns in that order; a column that is not there is absent in every row.
fn shaped(rel: Rel, schema: &Schema) -> Rel {
    let columns = schema
        .columns
        .iter()
        .map(|column| {
            let scalar = match rel.schema.get(&column.name) {
                Some(found) => Scalar::column(column.name.clone(), found.ty),
                None => Scalar::literal(Value::absent(column.ty), column.ty),
            };
            (column.name.clone(), scalar)
        })
        .collect();
    Rel { op: RelOp::Project { input: Box::new(rel), columns }, schema: schema.clone() }
}

/// Without the alerts that are there in one of the forms.
fn without(rel: Rel, id: &str, forms: &[Form], schema: &Schema, narrow: &dyn Fn(Form, &mut Rel)) -> Rel {
    forms.iter().fold(rel, |rel, form| {
        let (table, column) = form.ids();
        let ids = Schema::new([(column, Type::String), (form.time(), Type::Datetime)]);
        let mut right = Rel { op: RelOp::Table { name: table.into(), span: Span::default() }, schema: ids };
        narrow(*form, &mut right);
        let on = vec![(Scalar::column(id, Type::String), Scalar::column(column, Type::String))];
        let output = schema
            .names()
            .map(|name| JoinColumn { name: name.into(), side: Side::Left, source: name.into() })
            .collect();
        let kind = JoinKind::LeftAnti;
        Rel {
            op: RelOp::Join { left: Box::new(rel), right: Box::new(right), kind, on, output },
            schema: schema.clone(),
        }
    })
}

/// Lets a relation read another in place of a table.
pub fn read_instead(rel: &mut Rel, table: &str, other: &Rel) {
    if matches!(&rel.op, RelOp::Table { name, .. } if name == table) {
        *rel = shaped(other.clone(), &rel.schema);
        return;
    }
    for input in rel.op.inputs_mut() {
        read_instead(input, table, other);
    }
}

/// Puts a filter right over every read of a table.
pub fn filter_table(rel: &mut Rel, table: &str, predicate: &Scalar) {
    if matches!(&rel.op, RelOp::Table { name, .. } if name == table) {
        let input = Box::new(rel.clone());
        rel.op = RelOp::Filter { input, predicate: predicate.clone() };
        return;
    }
    for input in rel.op.inputs_mut() {
        filter_table(input, table, predicate);
    }
}

/// `column in (values)`, as the binder would write it.
pub fn call(name: &str, args: Vec<Scalar>, ty: Type) -> Option<Scalar> {
    functions::scalar(name).map(|function| Scalar::Call { function, args, ty, span: Span::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_binds_and_has_the_columns_of_its_table() {
        let context = Context { tables: &catalog::Known, now: 0, parameters: &[], data: None, saved: &[] };
        for readable in &READABLE {
            let schema = catalog::Known.schema(readable.table).unwrap();
            for (form, text) in readable.others {
                let rel = bound(text, &context).unwrap_or_else(|faults| panic!("{form:?}: {faults:?}"));
                let times = [TIME_RECEIVED, TIME_COMMITTED];
                for column in rel.schema.columns.iter().filter(|column| !times.contains(&column.name.as_str())) {
                    let wanted = schema.get(&column.name).map(|column| column.ty);
                    assert_eq!(wanted, Some(column.ty), "{} from {form:?}: {}", readable.table, column.name);
                }
            }
        }
        for form in Form::ALL.into_iter().chain([Form::Updates]) {
            let rel = bound(resource(form), &context).unwrap_or_else(|faults| panic!("{form:?}: {faults:?}"));
            assert_eq!(rel.schema, catalog::ALERTS.schema(), "{form:?}");
        }
    }
}
