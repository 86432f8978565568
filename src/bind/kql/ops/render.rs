//! `render`: a hint for whoever shows the rows.
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, ops};
use crate::syntax::kql::ast::{ExprKind, Name, Setting};
use crate::text::codes;
use crate::types::Type;
use crate::value::{Json, Value, json};

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

/// Properties that are words, and the words that each may be.
const WORDS: &[(&str, &[&str])] = &[
    ("kind", &["default", "unstacked", "stacked", "stacked100", "map"]),
    ("legend", &["visible", "hidden"]),
    ("xaxis", &["linear", "log"]),
    ("yaxis", &["linear", "log"]),
    ("ysplit", &["none", "axes", "panels"]),
];

impl<'q> Binder<'_, 'q> {
    pub fn render(&mut self, mut input: Table, chart: &Name, options: &'q [Setting], env: &Env<'q>) -> Bind<Table> {
        if !CHARTS.contains(&chart.text.as_str()) {
            let fault = codes::BAD_VALUE
                .at(chart.span, format!("no chart is called `{}`", chart.text))
                .nearest(&chart.text, CHARTS.iter().copied());
            return Err(self.fault(fault));
        }
        let mut sound = Ok(());
        for (at, setting) in options.iter().enumerate() {
            if options[..at].iter().any(|before| before.name.text == setting.name.text) {
                let message = format!("`{}` is given already", setting.name.text);
                sound = Err(self.fault(codes::DUPLICATE_NAME.at(setting.name.span, message)));
            }
            if let Err(fault) = self.render_property(setting, &input, env) {
                sound = Err(fault);
            }
        }
        sound?;
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

    /// Whether a property is what its name wants.
    fn render_property(&mut self, setting: &'q Setting, input: &Table, env: &Env<'q>) -> Bind<()> {
        let value = &setting.value;
        let literal = match &value.kind {
            ExprKind::Literal { value, .. } => Some(value),
            _ => None,
        };
        let property = setting.name.text.as_str();
        let wanted = match property {
            "xcolumn" | "series" | "ycolumns" | "anomalycolumns" | "by" => {
                let one = std::slice::from_ref(value);
                let items = if let ExprKind::List(items) = &value.kind { items.as_slice() } else { one };
                for item in items {
                    let ExprKind::Name(name) = &item.kind else {
                        return Err(self.fault(codes::WRONG_TYPE.at(item.span, "a column is expected here")));
                    };
                    if !input.open {
                        self.named_column(input, name, env)?;
                    }
                }
                return Ok(());
            }
            "title" | "xtitle" | "ytitle" => {
                let bound = self.scalar(value, Scope::row(env, input))?;
                match bound.ty() {
                    Type::String | Type::Dynamic => return Ok(()),
                    _ => "a string",
                }
            }
            "accumulate" if matches!(literal, Some(Value::Bool(_))) => return Ok(()),
            "accumulate" => "`true` or `false`",
            "xmin" | "xmax" | "ymin" | "ymax" => match literal {
                Some(Value::Int(_) | Value::Long(_) | Value::Real(_) | Value::Decimal(_)) => return Ok(()),
                _ => "a number",
            },
            _ => {
                let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == property) else { return Ok(()) };
                if matches!(&value.kind, ExprKind::Name(name) if words.contains(&name.text.as_str())) {
                    return Ok(());
                }
                let fault = codes::BAD_VALUE.at(value.span, format!("`{property}` is one of {}", words.join(", ")));
                return Err(self.fault(fault));
            }
        };
        Err(self.fault(codes::WRONG_TYPE.at(value.span, format!("`{property}` takes {wanted}"))))
    }
}
