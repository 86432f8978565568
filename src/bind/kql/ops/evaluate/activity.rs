//! Plug-ins over ids and times: who was active when, and percentiles over the last bins.
use super::{Plugin, whole};
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Aggregates, Bind, Env, Scope, Table};
use crate::ir::{RelOp, Scalar, WholeArg};
use crate::syntax::kql::ast::ExprKind;
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use std::cell::RefCell;

/// How the arguments of a plug-in about times are named, in their order; `?` may be left out together with all that
/// follow. What stands behind them are dimensions.
pub(super) struct Timed {
    pub(super) name: &'static str,
    args: &'static [&'static str],
    figures: &'static [(&'static str, Type)],
}

pub(super) const TIMED: &[Timed] = &[
    Timed {
        name: "active_users_count",
        args: &["id", "time", "start", "end", "window", "period", "periods", "step"],
        figures: &[("dcount", Type::Long)],
    },
    Timed {
        name: "activity_counts_metrics",
        args: &["id", "time", "start", "end", "step"],
        figures: &[
            ("count", Type::Long),
            ("dcount", Type::Long),
            ("new_dcount", Type::Long),
            ("aggregated_dcount", Type::Long),
        ],
    },
    Timed {
        name: "activity_engagement",
        args: &["id", "time", "start", "end", "inner", "outer"],
        figures: &[
            ("dcount_activities_inner", Type::Long),
            ("dcount_activities_outer", Type::Long),
            ("activity_ratio", Type::Real),
        ],
    },
    Timed {
        name: "activity_metrics",
        args: &["id", "time", "start", "end", "step"],
        figures: &[
            ("dcount_values", Type::Long),
            ("dcount_newvalues", Type::Long),
            ("retention_rate", Type::Real),
            ("churn_rate", Type::Real),
        ],
    },
    Timed {
        name: "session_count",
        args: &["id", "time", "start", "end", "bin", "window"],
        figures: &[("count_sessions", Type::Long)],
    },
    Timed {
        name: "sliding_window_counts",
        args: &["id", "time", "start", "end", "window", "step"],
        figures: &[("Count", Type::Long), ("Dcount", Type::Long)],
    },
];

impl<'q> Binder<'_, 'q> {
    pub(super) fn timed(
        &mut self,
        input: Table,
        plugin: Plugin<'q>,
        timed: &'static Timed,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let positional = plugin.positional();
        let scope = Scope::row(env, &input);
        // The short forms of two of them leave the ends of the time out.
        let short = positional.len() + 2 == timed.args.len() && timed.args.ends_with(&["inner", "outer"])
            || positional.len() + 2 == timed.args.len() && timed.name == "activity_metrics";
        let names: Vec<&'static str> =
            timed.args.iter().copied().filter(|name| !(short && matches!(*name, "start" | "end"))).collect();
        if positional.len() < names.len() {
            return Err(self.argument_count(plugin.name, &format!("at least {} arguments", names.len())));
        }
        let mut args = Vec::new();
        let mut schema = Schema::default();
        let mut time_ty = Type::Datetime;
        for (name, expr) in names.iter().zip(&positional) {
            match *name {
                "id" => {
                    let (column, ty) = self.plugin_column(expr, scope)?;
                    args.push(WholeArg::Scalar("id", Scalar::column(column, ty)));
                }
                "time" => {
                    let (column, ty) = self.plugin_column(expr, scope)?;
                    schema.columns.push(Column { name: column.clone(), ty });
                    time_ty = ty;
                    args.push(WholeArg::Scalar("time", Scalar::column(column, ty)));
                }
                "start" | "end" => {
                    let bound = self.scalar(expr, Scope::bare(env))?;
                    args.push(WholeArg::Scalar(name, self.as_declared(bound, time_ty, expr.span)?));
                }
                name => args.push(WholeArg::Scalar(name, self.scalar(expr, Scope::bare(env))?)),
            }
        }
        self.dimensions(&positional[names.len()..], scope, &mut schema, &mut args)?;
        schema.columns.extend(timed.figures.iter().map(|(name, ty)| Column { name: name.to_string(), ty: *ty }));
        Ok(whole(timed.name, input, args, schema, plugin.span))
    }

    /// `new_activity_metrics(id, time, start, end, window [, cohort] [, dimensions] [, lookback])`.
    pub(super) fn new_activity(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let ([id, time, start, end, window], rest) = match positional.split_first_chunk::<5>() {
            Some((first, rest)) => (*first, rest),
            None => return Err(self.argument_count(plugin.name, "at least 5 arguments")),
        };
        let (scope, bare) = (Scope::row(env, &input), Scope::bare(env));
        let (id, id_ty) = self.plugin_column(id, scope)?;
        let (time, ty) = self.plugin_column(time, scope)?;
        let mut args = vec![
            WholeArg::Scalar("id", Scalar::column(id.clone(), id_ty)),
            WholeArg::Scalar("time", Scalar::column(time.clone(), ty)),
        ];
        for (name, expr) in [("start", start), ("end", end)] {
            let bound = self.scalar(expr, bare)?;
            args.push(WholeArg::Scalar(name, self.as_declared(bound, ty, expr.span)?));
        }
        args.push(WholeArg::Scalar("step", self.scalar(window, bare)?));
        let mut schema = Schema::new([(format!("from_{time}"), ty), (format!("to_{time}"), ty)]);
        let mut lookback = None;
        for (at, expr) in rest.iter().enumerate() {
            let is_column = matches!(&expr.kind, ExprKind::Name(name) if input.column(&name.text, name.span).is_some());
            if is_column {
                self.dimensions(&[expr], scope, &mut schema, &mut args)?;
            } else if self.is_table(expr, scope) {
                let table = self.table(expr, env)?;
                if table.schema().get(&id).is_none_or(|column| column.ty != id_ty) {
                    let message = format!("the table of earlier ids needs the column `{id}` of type {id_ty}");
                    return Err(self.fault(codes::UNKNOWN_COLUMN.at(expr.span, message)));
                }
                lookback = Some(table.take().0);
            } else if at == 0 {
                let bound = self.scalar(expr, bare)?;
                args.push(WholeArg::Scalar("cohort", self.as_declared(bound, ty, expr.span)?));
            } else {
                self.dimensions(&[expr], scope, &mut schema, &mut args)?;
            }
        }
        for name in ["dcount_new_values", "dcount_retained_values", "dcount_churn_values"] {
            schema.columns.push(Column { name: name.into(), ty: Type::Long });
        }
        for name in ["retention_rate", "churn_rate"] {
            schema.columns.push(Column { name: name.into(), ty: Type::Real });
        }
        args.push(WholeArg::Constant("earlier", Value::string(id)));
        let mut table = whole("new_activity_metrics", input, args, schema, plugin.span);
        if let RelOp::Whole { inputs, .. } = &mut table.rel.op {
            inputs.extend(lookback);
        }
        Ok(table)
    }

    pub(super) fn rolling_percentile(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let [value, percent, time, bin, bins, dimensions @ ..] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "at least 5 arguments"));
        };
        let scope = Scope::row(env, &input);
        let bare = Scope::bare(env);
        let Some(aggregate) = crate::functions::aggregate("percentile") else {
            return Err(self.not_yet("percentile", plugin.span));
        };
        let (value_name, ty) = self.plugin_column(value, scope)?;
        let (time_name, time_ty) = self.plugin_column(time, scope)?;
        let bound = self.scalar(percent, bare)?;
        let percent_value = self.settle(bound, percent.span)?;
        let bound_bins = self.scalar(bins, bare)?;
        let bin_count = self.settle(bound_bins.clone(), bins.span)?;
        let collected = RefCell::new(Aggregates::default());
        let args = vec![
            Scalar::column(&value_name, ty),
            Scalar::literal(Value::Real(percent_value.as_real().unwrap_or(50.0)), Type::Real),
        ];
        collected.borrow_mut().push(aggregate, args, &[ty], plugin.span);
        let mut args: Vec<WholeArg> =
            collected.into_inner().calls.into_iter().map(|call| WholeArg::Aggregate("value", call)).collect();
        args.push(WholeArg::Scalar("time", Scalar::column(&time_name, time_ty)));
        args.push(WholeArg::Scalar("bin", self.scalar(bin, bare)?));
        args.push(WholeArg::Scalar("bins", bound_bins));
        let mut schema = Schema::new([(time_name, time_ty)]);
        self.dimensions(dimensions, scope, &mut schema, &mut args)?;
        let name = format!("rolling_{}_percentile_{value_name}_{}", bin_count.text(), percent_value.text());
        schema.columns.push(Column { name, ty });
        Ok(whole("rolling_percentile", input, args, schema, plugin.span))
    }
}
