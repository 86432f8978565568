//! Named expressions as columns of a result: the common part of project, extend, summarize and their like.
use super::names::{self, Output, Projection, Style};
use super::scope::{Bind, Scope, Table, Windows};
use super::{Binder, coerce};
use crate::functions;
use crate::ir::{Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Arg, Expr, ExprKind, Name, Named};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use std::cell::RefCell;

/// What an expression gives to a projection.
pub enum Columns {
    /// One value, and the input's column that it is, unchanged.
    One(Scalar, Option<String>),
    /// Several, with their own names (`arg_max(t, *)`, `series_stats(x)`).
    Many(Vec<Output>),
}

const STATS: &[(&str, Type)] = &[
    ("min", Type::Real),
    ("min_idx", Type::Long),
    ("max", Type::Real),
    ("max_idx", Type::Long),
    ("avg", Type::Real),
    ("stdev", Type::Real),
    ("variance", Type::Real),
];
const FIT_LINE: &[(&str, Type)] = &[
    ("rsquare", Type::Real),
    ("slope", Type::Real),
    ("variance", Type::Real),
    ("rvariance", Type::Real),
    ("interception", Type::Real),
    ("line_fit", Type::Dynamic),
];
const FIT_2LINES: &[(&str, Type)] = &[
    ("rsquare", Type::Real),
    ("split_idx", Type::Long),
    ("variance", Type::Real),
    ("rvariance", Type::Real),
    ("line_fit", Type::Dynamic),
    ("right_rsquare", Type::Real),
    ("right_slope", Type::Real),
    ("right_interception", Type::Real),
    ("right_variance", Type::Real),
    ("right_rvariance", Type::Real),
    ("left_rsquare", Type::Real),
    ("left_slope", Type::Real),
    ("left_interception", Type::Real),
    ("left_variance", Type::Real),
    ("left_rvariance", Type::Real),
];
const DECOMPOSE: &[(&str, Type)] =
    &[("baseline", Type::Dynamic), ("seasonal", Type::Dynamic), ("trend", Type::Dynamic), ("residual", Type::Dynamic)];
const ANOMALIES: &[(&str, Type)] =
    &[("ad_flag", Type::Dynamic), ("ad_score", Type::Dynamic), ("baseline", Type::Dynamic)];
const PERIODS: &[(&str, Type)] = &[("periods", Type::Dynamic), ("scores", Type::Dynamic)];
const COMPLEX: &[(&str, Type)] = &[("real", Type::Dynamic), ("imag", Type::Dynamic)];
const FIT_POLY: &[(&str, Type)] = &[
    ("rsquare", Type::Real),
    ("coefficients", Type::Dynamic),
    ("variance", Type::Real),
    ("rvariance", Type::Real),
    ("poly_fit", Type::Dynamic),
];

/// Functions whose value is an array of parts that become columns of their own: the parts' names and types.
const PARTS: &[(&str, &[(&str, Type)])] = &[
    ("series_stats", STATS),
    ("series_fit_line", FIT_LINE),
    ("series_fit_2lines", FIT_2LINES),
    ("series_fit_poly", FIT_POLY),
    ("series_decompose", DECOMPOSE),
    ("series_decompose_forecast", DECOMPOSE),
    ("series_decompose_anomalies", ANOMALIES),
    ("series_periods_detect", PERIODS),
    ("series_periods_validate", PERIODS),
    ("series_fft", COMPLEX),
    ("series_ifft", COMPLEX),
];

impl<'q> Binder<'_, 'q> {
    /// What one expression gives.
    pub fn columns(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<Columns> {
        if let ExprKind::Call { name, args } = &expr.kind
            && scope.env.get(&name.text).is_none()
        {
            if scope.aggregates.is_some() && functions::aggregate(&name.text).is_some() {
                let outputs = self.aggregate(name, args, expr.span, scope)?;
                return Ok(match <[Output; 1]>::try_from(outputs) {
                    Ok([only]) if only.name.is_empty() => Columns::One(only.scalar, None),
                    Ok([only]) => Columns::Many(vec![only]),
                    Err(many) => Columns::Many(many),
                });
            }
            if let Some(parts) = self.parts(name, args, expr.span, scope)? {
                return Ok(Columns::Many(parts));
            }
        }
        let scalar = self.scalar(expr, scope)?;
        let identity = identity(expr, &scalar, scope);
        Ok(Columns::One(scalar, identity))
    }

    /// The parts of a function with several values.
    fn parts(
        &mut self,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Option<Vec<Output>>> {
        let sorted = matches!(name.text.as_str(), "array_sort_asc" | "array_sort_desc");
        let table = PARTS.iter().find(|(known, _)| *known == name.text);
        if (table.is_none() && !sorted) || functions::scalar(&name.text).is_none() {
            return Ok(None);
        }
        let whole = self.call(name, args, span, scope)?;
        let of = |arg: &'q Arg| names::of_expr(&arg.value, scope).unwrap_or_default();
        let mut parts: Vec<(String, Type)> = Vec::new();
        if let Some((_, columns)) = table {
            let base = args.first().map(of).unwrap_or_default();
            parts.extend(columns.iter().map(|(part, ty)| (format!("{}_{base}_{part}", name.text), *ty)));
        } else {
            let arrays = args.iter().filter(|arg| !matches!(arg.value.kind, ExprKind::Literal { ty: Type::Bool, .. }));
            parts.extend(arrays.map(|arg| (format!("{}_sorted", of(arg)), Type::Dynamic)));
            if let [(only, _)] = parts.as_slice() {
                return Ok(Some(vec![Output { name: only.clone(), scalar: whole, identity: None }]));
            }
        }
        let mut outputs = Vec::with_capacity(parts.len());
        for (at, (name, ty)) in parts.into_iter().enumerate() {
            let step = Scalar::literal(Value::Long(at as i64), Type::Long);
            let part = self.apply("[]", vec![whole.clone(), step], span)?;
            outputs.push(Output { name, scalar: coerce::convert(part, ty, self.context.now), identity: None });
        }
        Ok(Some(outputs))
    }

    /// Adds named expressions to a projection; all faults are told.
    pub fn project_all(
        &mut self,
        columns: &'q [Named],
        scope: Scope<'_, 'q>,
        style: Style,
        projection: &mut Projection,
    ) -> Bind<()> {
        let mut sound = Ok(());
        for (at, named) in columns.iter().enumerate() {
            if let Err(fault) = self.project_one(named, scope, style, projection, at) {
                sound = Err(fault);
            }
        }
        sound
    }

    pub fn project_one(
        &mut self,
        named: &'q Named,
        scope: Scope<'_, 'q>,
        style: Style,
        projection: &mut Projection,
        at: usize,
    ) -> Bind<()> {
        let expr = &named.expr;
        if let (ExprKind::Star, Some(row)) = (&expr.kind, scope.row) {
            for column in &row.schema().columns {
                let scalar = Scalar::column(&column.name, column.ty);
                projection.add(Output { name: column.name.clone(), scalar, identity: Some(column.name.clone()) }, true);
            }
            return Ok(());
        }
        let bound = self.columns(expr, scope)?;
        self.project_bound(bound, &named.names, expr, scope, style, projection, at)
    }

    /// An expression without a name of its own.
    pub fn project_plain(
        &mut self,
        expr: &'q Expr,
        scope: Scope<'_, 'q>,
        style: Style,
        projection: &mut Projection,
    ) -> Bind<()> {
        let bound = self.columns(expr, scope)?;
        self.project_bound(bound, &[], expr, scope, style, projection, 0)
    }

    #[expect(clippy::too_many_arguments)]
    pub fn project_bound(
        &mut self,
        bound: Columns,
        given: &[Name],
        expr: &'q Expr,
        scope: Scope<'_, 'q>,
        style: Style,
        projection: &mut Projection,
        at: usize,
    ) -> Bind<()> {
        let replaces = matches!(style, Style::Replace | Style::Extend);
        match (bound, given) {
            (Columns::One(scalar, identity), [name]) => {
                let replace = replaces || identity.is_some();
                let output = Output { name: name.text.clone(), scalar, identity: None };
                let declared = projection.declare(output, replace, name.span);
                self.check(declared)
            }
            (Columns::Many(outputs), []) => {
                if style == Style::Print && outputs.len() == 1 {
                    let mut outputs = outputs;
                    if let Some(mut only) = outputs.pop() {
                        only.name = format!("print_{at}");
                        projection.add(only, false);
                    }
                    return Ok(());
                }
                for output in outputs {
                    projection.add(output, false);
                }
                Ok(())
            }
            (Columns::Many(outputs), names) => {
                if names.len() > outputs.len() {
                    let name = &names[outputs.len()];
                    return Err(self.fault(
                        codes::ARGUMENT_COUNT.at(name.span, format!("there is no value for the name `{}`", name.text)),
                    ));
                }
                let single = names.len() == 1;
                for (at, mut output) in outputs.into_iter().enumerate() {
                    match names.get(at) {
                        Some(name) => {
                            output.name = name.text.clone();
                            output.identity = None;
                            let declared = projection.declare(output, replaces || single, name.span);
                            self.check(declared)?;
                        }
                        // The engine gives the first part alone to a single name, except for aggregations.
                        None if style == Style::Print || (single && style != Style::Summarize) => {}
                        None => projection.add(output, false),
                    }
                }
                Ok(())
            }
            (Columns::One(scalar, Some(identity)), []) => {
                let name = names::of_expr(expr, scope).unwrap_or_else(|| identity.clone());
                let identity = (name == identity).then_some(identity);
                let output = Output { name, scalar, identity };
                let declared = projection.declare(output, style == Style::Replace, expr.span);
                self.check(declared)
            }
            (Columns::One(scalar, None), []) => {
                if style == Style::Print {
                    projection.add(Output { name: format!("print_{at}"), scalar, identity: None }, false);
                    return Ok(());
                }
                let hidden = matches!(&expr.kind, ExprKind::Name(name)
                    if scope.row.is_some_and(|row| row.column(&name.text, name.span).is_some()));
                let name = match names::of_expr(expr, scope) {
                    Some(name) => name,
                    None => self.default_name(scope, matches!(style, Style::Extend | Style::Serialize)),
                };
                let output = Output { name, scalar, identity: None };
                if hidden {
                    let declared = projection.declare(output, style == Style::Replace, expr.span);
                    return self.check(declared);
                }
                projection.add(output, replaces);
                Ok(())
            }
            (Columns::One(..), names) => {
                let span = names.first().map_or(expr.span, |name| name.span);
                Err(self.fault(codes::WRONG_TYPE.at(span, "the expression has one value, and several names are given")))
            }
        }
    }

    /// Binds something over the rows of a table; window functions that it calls become columns of the table first.
    pub fn over_rows<T>(
        &mut self,
        table: &Table,
        env: &super::scope::Env<'q>,
        bind: impl FnOnce(&mut Self, Scope<'_, 'q>) -> Bind<T>,
    ) -> Bind<(T, Windows)> {
        let windows = RefCell::new(Windows::default());
        let bound = bind(self, Scope::row(env, table).with_windows(&windows))?;
        Ok((bound, windows.into_inner()))
    }
}

/// The relation with just these columns.
pub fn project(rel: Rel, outputs: Vec<Output>) -> Rel {
    let schema = schema_of(&outputs);
    let columns = outputs.into_iter().map(|output| (output.name, output.scalar)).collect();
    Rel { op: RelOp::Project { input: Box::new(rel), columns }, schema }
}

pub fn schema_of(outputs: &[Output]) -> Schema {
    Schema { columns: outputs.iter().map(|one| Column { name: one.name.clone(), ty: one.scalar.ty() }).collect() }
}

/// The name of the input's column that an expression is, unchanged.
pub fn identity(expr: &Expr, scalar: &Scalar, scope: Scope<'_, '_>) -> Option<String> {
    let Scalar::Column { name, .. } = scalar else { return None };
    match &expr.kind {
        ExprKind::Parenthesised(inner) => identity(inner, scalar, scope),
        ExprKind::Name(written) => {
            let row = scope.row?;
            (written.text == *name && row.schema().get(name).is_some()).then(|| name.clone())
        }
        // A conversion to the type that the column has already.
        ExprKind::Call { args, .. } => match args.as_slice() {
            [arg] => identity(&arg.value, scalar, scope),
            _ => None,
        },
        _ => None,
    }
}
