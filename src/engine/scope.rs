//! What a client that is held to groups of devices sees of each table: only their rows, or nothing, clearly. Every reader
//! of stored rows gets them from a provider, so this is the one place where rows are held back.
use crate::catalog::{self, Tables};
use crate::plan::Providers;
use crate::store::View;
use crate::types::{Schema, Type};
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
use std::sync::{Arc, Mutex, PoisonError};

/// The names of one kind that a client may see.
pub type Names = Arc<Vec<String>>;

/// By what a table is narrowed to groups of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrowing {
    /// It holds nothing of anybody's.
    Whole,
    /// Its column of this name is the group.
    Group(String),
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

pub fn narrowing(view: &View, table: &str) -> Narrowing {
    let schema = view.schema(table).unwrap_or_default();
    let has = |names: &[&str]| text_column(&schema, names);
    let column = has(&GROUPS).map(Narrowing::Group).or_else(|| has(&DEVICES).map(Narrowing::Device));
    let column = column.or_else(|| has(&ALERTS).map(Narrowing::Alert));
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

/// The tables as a query of such a client may name them. Wildcards pass over those that are refused.
pub struct Seen<'v>(pub &'v View);

impl Tables for Seen<'_> {
    fn schema(&self, table: &str) -> Option<Arc<Schema>> {
        self.0.schema(table)
    }

    fn hidden(&self, table: &str) -> Vec<(String, String, Type)> {
        self.0.hidden(table)
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.0.names();
        names.retain(|name| narrowing(self.0, name) != Narrowing::Refused);
        names
    }
}

/// The rows that are left of each table.
pub struct Narrowed<'v> {
    pub view: &'v View,
    pub groups: Arc<[String]>,
    pub devices: Names,
    pub alerts: Names,
}

impl Providers for Narrowed<'_> {
    fn provider(&self, table: &str) -> Option<Arc<dyn TableProvider>> {
        let inner = self.view.provider(table)?;
        let (column, wanted) = match narrowing(self.view, table) {
            Narrowing::Whole => return Some(inner),
            Narrowing::Group(column) => (column, self.groups.as_ref()),
            Narrowing::Device(column) => (column, self.devices.as_slice()),
            Narrowing::Alert(column) => (column, self.alerts.as_slice()),
            Narrowing::Refused => return None,
        };
        let index = inner.schema().index_of(&column).ok()?;
        let ty = inner.schema().field(index).data_type().clone();
        let values = wanted.iter().map(|name| ScalarValue::from(name.as_str()).cast_to(&ty).ok());
        let values: Vec<Expr> = values.collect::<Option<Vec<_>>>()?.into_iter().map(lit).collect();
        let wanted = if values.is_empty() { lit(false) } else { ident(column).in_list(values, false) };
        Some(Arc::new(Rows { inner, index, few: wanted_is_few(&wanted), wanted }))
    }
}

/// Longer lists are not worth trying on the files' bounds.
const FEW: usize = 500;

fn wanted_is_few(wanted: &Expr) -> bool {
    if let Expr::InList(list) = wanted { list.list.len() <= FEW } else { true }
}

/// A table of which only some rows are there.
#[derive(Debug)]
struct Rows {
    inner: Arc<dyn TableProvider>,
    /// The column that decides.
    index: usize,
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
        if !read.contains(&self.index) {
            read.push(self.index);
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
    held: Mutex<HashMap<(Arc<[String]>, &'static str), (Vec<u64>, Names)>>,
}

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
