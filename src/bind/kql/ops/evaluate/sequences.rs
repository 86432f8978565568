//! sequence_detect, funnel_sequence, funnel_sequence_completion.
use super::{Plugin, whole};
use crate::bind::kql::Binder;
use crate::bind::kql::names::make_unique;
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::ir::{RelOp, Scalar, WholeArg, WholeCall};
use crate::syntax::kql::ast::Expr;
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::{Json, Value};

impl<'q> Binder<'_, 'q> {
    /// `sequence_detect(time, step, span, name = condition, …, dimension, …)`: what is a bool is a step.
    pub(super) fn sequence_detect(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let ([time, step, span], rest) = match plugin.args.split_first_chunk::<3>() {
            Some((first, rest)) if !rest.is_empty() => (first, rest),
            _ => return Err(self.argument_count(plugin.name, "at least 4 arguments")),
        };
        let (scope, bare) = (Scope::row(env, &input), Scope::bare(env));
        let (time, ty) = self.timeline(&time.value, scope)?;
        let mut args = vec![WholeArg::Scalar("time", Scalar::column(&time, ty))];
        args.push(WholeArg::Scalar("step", self.scalar(&step.value, bare)?));
        args.push(WholeArg::Scalar("span", self.scalar(&span.value, bare)?));
        let mut schema = Schema::default();
        let mut steps: Vec<String> = Vec::new();
        for arg in rest {
            let bound = self.scalar(&arg.value, scope)?;
            if bound.ty() == Type::Bool {
                let column = match &bound {
                    Scalar::Column { name, .. } => name.as_str(),
                    _ => "",
                };
                let name = arg.name.as_ref().map_or(column, |name| name.text.as_str());
                steps.push(format!("{name}_{time}"));
                args.push(WholeArg::Scalar("when", bound));
            } else {
                self.dimensions(&[&arg.value], scope, &mut schema, &mut args)?;
            }
        }
        if steps.is_empty() {
            return Err(self.argument_count(plugin.name, "at least one condition"));
        }
        let mut names: Vec<String> = schema.names().map(str::to_owned).collect();
        let dimensions = names.len();
        names.extend(steps);
        names.push("Duration".into());
        let unique = make_unique(&names);
        for (at, name) in unique.into_iter().enumerate().skip(dimensions) {
            let ty = if at + 1 == names.len() { Type::Timespan } else { ty };
            schema.columns.push(Column { name, ty });
        }
        Ok(whole("sequence_detect", input, args, schema, plugin.span))
    }

    /// `funnel_sequence(id, time, start, end, window, step, state, sequence)`: a table for each way to group.
    pub(super) fn funnel_sequence(
        &mut self,
        input: Table,
        plugin: Plugin<'q>,
        by: &[&'static str],
        env: &Env<'q>,
    ) -> Bind<Vec<Table>> {
        let positional = plugin.positional();
        let [id, time, start, end, window, step, state, sequence] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "8 arguments"));
        };
        let (mut args, time, state) = self.funnel(&input, [id, time, start, end, step, state, sequence], env)?;
        args.push(WholeArg::Scalar("window", self.scalar(window, Scope::bare(env))?));
        let input = self.shared(input).take().0;
        let tables = by.iter().map(|by| {
            let mut schema = Schema::new([(time.0.as_str(), time.1)]);
            let around = ["prev", "next"].into_iter().filter(|one| *by == "both" || one == by);
            schema.columns.extend(around.map(|name| Column { name: name.into(), ty: state.1 }));
            schema.columns.push(Column { name: "dcount".into(), ty: Type::Long });
            schema.columns.push(Column { name: "samples".into(), ty: Type::Dynamic });
            let mut args = args.clone();
            args.push(WholeArg::Constant("by", Value::string(*by)));
            let call = WholeCall { name: "funnel_sequence", args, span: plugin.span };
            Table::of(RelOp::Whole { inputs: vec![input.clone()], call }, schema)
        });
        Ok(tables.collect())
    }

    /// `funnel_sequence_completion(id, time, start, end, step, state, sequence, periods)`.
    pub(super) fn funnel_completion(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let [id, time, start, end, step, state, sequence, periods] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "8 arguments"));
        };
        let (mut args, time, state) = self.funnel(&input, [id, time, start, end, step, state, sequence], env)?;
        args.push(WholeArg::Constant("periods", self.constant_list(periods, env)?));
        let mut schema = Schema::new([(time.0, time.1), (state.0, Type::String)]);
        for (name, ty) in [("Period", Type::Timespan), ("dcount", Type::Long)] {
            schema.columns.push(Column { name: name.into(), ty });
        }
        Ok(whole("funnel_sequence_completion", input, args, schema, plugin.span))
    }

    /// What both funnels take, and the columns of the time and the state.
    #[expect(clippy::type_complexity)]
    fn funnel(
        &mut self,
        input: &Table,
        [id, time, start, end, step, state, sequence]: [&'q Expr; 7],
        env: &Env<'q>,
    ) -> Bind<(Vec<WholeArg>, (String, Type), (String, Type))> {
        let (scope, bare) = (Scope::row(env, input), Scope::bare(env));
        let (id, id_ty) = self.plugin_column(id, scope)?;
        let time = self.timeline(time, scope)?;
        let state = self.plugin_column(state, scope)?;
        let mut args = vec![
            WholeArg::Scalar("id", Scalar::column(id, id_ty)),
            WholeArg::Scalar("time", Scalar::column(&time.0, time.1)),
            WholeArg::Scalar("state", Scalar::column(&state.0, state.1)),
        ];
        for (name, expr) in [("start", start), ("end", end)] {
            let bound = self.scalar(expr, bare)?;
            args.push(WholeArg::Scalar(name, self.as_declared(bound, time.1, expr.span)?));
        }
        args.push(WholeArg::Scalar("step", self.scalar(step, bare)?));
        args.push(WholeArg::Constant("sequence", self.constant_list(sequence, env)?));
        Ok((args, time, state))
    }

    /// The column of the times.
    fn timeline(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<(String, Type)> {
        let (name, ty) = self.plugin_column(expr, scope)?;
        if matches!(ty, Type::Datetime | Type::Timespan | Type::Int | Type::Long | Type::Real) {
            return Ok((name, ty));
        }
        Err(self.fault(codes::WRONG_TYPE.at(expr.span, format!("a time is expected here, not {ty}"))))
    }

    /// A constant array.
    fn constant_list(&mut self, expr: &'q Expr, env: &Env<'q>) -> Bind<Value<'static>> {
        let bound = self.scalar(expr, Scope::bare(env))?;
        let value = self.settle(bound, expr.span)?;
        if matches!(value.to_json(), Json::Array(_)) {
            return Ok(value);
        }
        Err(self.fault(codes::WRONG_TYPE.at(expr.span, "a constant array is expected here")))
    }
}
