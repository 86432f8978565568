//! `render`: a hint for whoever shows the rows.
use crate::bind::kql::scope::{Bind, Table};
use crate::bind::kql::{Binder, ops};
use crate::syntax::kql::ast::{ExprKind, Name, Setting};
use crate::text::codes;
use crate::value::{Json, json};

const CHARTS: &[&str] = &[
    "areachart",
    "barchart",
    "card",
    "columnchart",
    "graph",
    "ladderchart",
    "linechart",
    "piechart",
    "pivotchart",
    "plotly",
    "scatterchart",
    "stackedareachart",
    "table",
    "timechart",
    "timeline",
    "timelinewithanomalychart",
    "timepivot",
    "anomalychart",
    "treemap",
    "list",
    "3Dchart",
];

/// Properties by the names that the answer gives them, each with the name that KQL writes.
const PROPERTIES: &[(&str, &str)] = &[
    ("Title", "title"),
    ("XColumn", "xcolumn"),
    ("Series", "series"),
    ("YColumns", "ycolumns"),
    ("AnomalyColumns", "anomalycolumns"),
    ("XTitle", "xtitle"),
    ("YTitle", "ytitle"),
    ("XAxis", "xaxis"),
    ("YAxis", "yaxis"),
    ("Legend", "legend"),
    ("YSplit", "ysplit"),
    ("Accumulate", "accumulate"),
    ("IsQuerySorted", "isquerysorted"),
    ("Kind", "kind"),
    ("Ymin", "ymin"),
    ("Ymax", "ymax"),
    ("Xmin", "xmin"),
    ("Xmax", "xmax"),
];

impl<'q> Binder<'_, 'q> {
    pub fn render(&mut self, mut input: Table, chart: &Name, options: &'q [Setting]) -> Bind<Table> {
        if !CHARTS.contains(&chart.text.as_str()) {
            let fault = codes::BAD_VALUE
                .at(chart.span, format!("no chart is called `{}`", chart.text))
                .nearest(&chart.text, CHARTS.iter().copied());
            return Err(self.fault(fault));
        }
        let mut hint = serde_json::Map::new();
        hint.insert("Visualization".into(), Json::String(chart.text.clone()));
        for (name, written) in PROPERTIES {
            let value = match ops::option(options, written) {
                None => Json::Null,
                Some(setting) => match (ops::word(setting), &setting.value.kind) {
                    (Some(word), ExprKind::Literal { value, .. }) if value.as_str().is_none() => {
                        let json = value.to_json();
                        if json.is_null() { Json::String(word) } else { json }
                    }
                    (Some(word), _) => Json::String(word),
                    (None, ExprKind::List(items)) => Json::String(
                        items
                            .iter()
                            .filter_map(|item| match &item.kind {
                                ExprKind::Name(name) => Some(name.text.as_str()),
                                _ => None,
                            })
                            .collect::<Vec<_>>()
                            .join(","),
                    ),
                    (None, _) => Json::Null,
                },
            };
            hint.insert((*name).into(), value);
        }
        input.visualization = Some(json::write(&Json::Object(hint)));
        Ok(input)
    }
}
