//! What a client that is held to groups of devices sees of each table: only their rows, or nothing, clearly. Every reader
//! of stored rows gets them from a provider, so this is the one place where rows are held back.
use crate::catalog::{self, Tables};
use crate::plan::Providers;
use crate::store::View;
use crate::types::{Schema, Type};
use crate::value::{Value, json_text};
use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType, ident, lit};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// The names of one kind that a client may see.
pub type Names = Arc<Vec<String>>;

/// By what a table is narrowed to groups of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrowing {
    /// It holds nothing of anybody's.
    Whole,
    /// Its column of this name is the group, and where that is empty, the device in the other one says.
    Group(String, Option<String>),
    /// Its column of this name is a device.
    Device(String),
    /// Its column of this name is an alert, whose devices are known elsewhere.
    Alert(String),
    /// Nothing says whose rows they are.
    Refused,
}

const GROUPS: [&str; 4] = ["MachineGroup", "rbacGroupName", "RbacGroup", "DeviceGroup"];
const DEVICES: [&str; 2] = ["DeviceId", "machineId"];
const ALERTS: [&str; 1] = ["AlertId"];

/// A device is in the group that it was in last.
pub fn devices_of(groups: &[String]) -> String {
    let groups: Vec<String> = groups.iter().map(|group| json_text(&Value::string(group.clone()))).collect();
    format!(
        "DeviceInfo | where isnotempty(DeviceId) | summarize arg_max(Timestamp, MachineGroup) by DeviceId \
         | where isnotempty(MachineGroup) and MachineGroup in ({}) | project DeviceId",
        if groups.is_empty() { "''".to_owned() } else { groups.join(", ") }
    )
}

/// Asked by somebody who sees some devices alone, it gives the alerts of those.
pub const ALERTS_OF_DEVICES: &str = "union (AlertEvidence | project AlertId), (DeviceAlertEvents | project AlertId), \
                                     (Alerts | project AlertId = id) | where isnotempty(AlertId) | distinct AlertId";

/// What that reads: tables that have devices of their own.
pub const HAVE_ALERTS: [&str; 4] = ["AlertEvidence", "DeviceAlertEvents", "Alerts", "DeviceInfo"];

pub fn narrowing(view: &View, table: &str) -> Narrowing {
    let schema = view.schema(table).unwrap_or_default();
    let has = |names: &[&str]| text_column(&schema, names);
    let column = match (has(&GROUPS), has(&DEVICES)) {
        (Some(group), device) => Some(Narrowing::Group(group, device)),
        (None, Some(device)) => Some(Narrowing::Device(device)),
        (None, None) => has(&ALERTS).map(Narrowing::Alert),
    };
    column.unwrap_or_else(|| {
        // What is known of products and settings in general, and lists that the owner brought for everybody.
        let general = table.ends_with("KB") && catalog::table(table).is_some();
        if general || table.starts_with(catalog::WATCHLIST) { Narrowing::Whole } else { Narrowing::Refused }
    })
}

fn text_column(schema: &Schema, names: &[&str]) -> Option<String> {
    let named = |name: &&str| schema.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
    names.iter().filter_map(named).find(|column| column.ty == Type::String).map(|column| column.name.clone())
}

/// All tables at one moment, as far as a query may see them.
#[derive(Clone)]
pub struct Scoped {
    view: View,
    /// All rows are there where absent.
    pub groups: Option<Arc<[String]>>,
    known: Arc<Mutex<Known>>,
}

/// What the groups stand for, as far as it was needed. A table whose rows depend on what is not known is not there.
#[derive(Clone, Default)]
pub struct Known {
    pub devices: Option<Names>,
    pub alerts: Option<Names>,
}

impl Scoped {
    pub fn new(view: View, groups: Option<Arc<[String]>>) -> Scoped {
        Scoped { view, groups, known: Arc::default() }
    }

    /// With all rows.
    pub fn whole(&self) -> Scoped {
        Scoped::new(self.view.clone(), None)
    }

    pub fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn know(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl Deref for Scoped {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

impl Tables for Scoped {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        self.view.schema(table)
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        self.view.hidden(table)
    }

    /// Wildcards pass over what is refused.
    fn names(&self) -> Vec<String> {
        let mut names = self.view.names();
        names.retain(|name| self.groups.is_none() || narrowing(&self.view, name) != Narrowing::Refused);
        names
    }
}

impl Providers for Scoped {
    fn provider(&self, table: &str) -> Option<Arc<dyn TableProvider>> {
        let inner = self.view.provider(table)?;
        let Some(groups) = &self.groups else { return Some(inner) };
        let Known { devices, alerts } = self.known();
        let schema = inner.schema();
        let (columns, names, wanted) = match narrowing(&self.view, table) {
            Narrowing::Whole => return Some(inner),
            Narrowing::Group(group, device) => {
                let wanted = among(&schema, &group, groups)?;
                match device {
                    None => (vec![group], groups.len(), wanted),
                    Some(device) => {
                        let devices = devices?;
                        let without = ident(&group).is_null().or(among(&schema, &group, &[String::new()])?);
                        let wanted = wanted.or(without.and(among(&schema, &device, &devices)?));
                        (vec![group, device], groups.len() + devices.len(), wanted)
                    }
                }
            }
            Narrowing::Device(device) => {
                let devices = devices?;
                let wanted = among(&schema, &device, &devices)?;
                (vec![device], devices.len(), wanted)
            }
            Narrowing::Alert(alert) => {
                let alerts = alerts?;
                let wanted = among(&schema, &alert, &alerts)?;
                (vec![alert], alerts.len(), wanted)
            }
            Narrowing::Refused => return None,
        };
        let columns = columns.iter().map(|column| schema.index_of(column).ok()).collect::<Option<Vec<_>>>()?;
        Some(Arc::new(Rows { inner, columns, few: names <= FEW, wanted }))
    }
}

/// Longer lists are not worth trying on the files' bounds.
const FEW: usize = 500;

fn among(schema: &SchemaRef, column: &str, names: &[String]) -> Option<Expr> {
    let ty = schema.field_with_name(column).ok()?.data_type();
    let values = names.iter().map(|name| ScalarValue::from(name.as_str()).cast_to(ty).ok().map(lit));
    let values: Vec<Expr> = values.collect::<Option<_>>()?;
    Some(if values.is_empty() { lit(false) } else { ident(column).in_list(values, false) })
}

/// A table of which only some rows are there.
#[derive(Debug)]
struct Rows {
    inner: Arc<dyn TableProvider>,
    /// Those that decide.
    columns: Vec<usize>,
    wanted: Expr,
    few: bool,
}

#[async_trait]
impl TableProvider for Rows {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// No statistics either: they tell of all rows.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let asked = projection.cloned().unwrap_or_else(|| (0..self.schema().fields().len()).collect());
        let mut read = asked.clone();
        for column in &self.columns {
            if !read.contains(column) {
                read.push(*column);
            }
        }
        let mut filters = filters.to_vec();
        if self.few {
            filters.push(self.wanted.clone());
        }
        let plan = self.inner.scan(session, Some(&read), &filters, None).await?;
        let schema = plan.schema();
        let wanted = session.create_physical_expr(self.wanted.clone(), &DFSchema::try_from(schema.clone())?)?;
        let plan: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(wanted, plan)?);
        if read.len() == asked.len() {
            return Ok(plan);
        }
        let columns = schema.fields().iter().take(asked.len());
        let columns = columns.map(|field| Ok((col(field.name(), &schema)?, field.name().clone())));
        let columns = columns.collect::<Result<Vec<_>, DataFusionError>>()?;
        Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
    }
}

/// Sets of names are computed once for each state of the tables that they come from.
#[derive(Default)]
pub struct Cache {
    held: Mutex<HashMap<Key, (Vec<u64>, Names)>>,
}

/// Groups, and what of them.
type Key = (Arc<[String]>, &'static str);

/// So many clients' sets are held.
const MOST_HELD: usize = 64;

impl Cache {
    pub fn find(&self, groups: &Arc<[String]>, what: &'static str, versions: &[u64]) -> Option<Names> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, names) = held.get(&(Arc::clone(groups), what))?;
        (of == versions).then(|| Arc::clone(names))
    }

    pub fn keep(&self, groups: &Arc<[String]>, what: &'static str, versions: Vec<u64>, names: &Names) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST_HELD {
            held.clear();
        }
        held.insert((Arc::clone(groups), what), (versions, Arc::clone(names)));
    }
}
