//! Calls of aggregations.
use super::names::{self, Output};
use super::scope::{Bind, Scope};
use super::{Binder, calls, coerce, columns};
use crate::functions::{self, Aggregate};
use crate::ir::Scalar;
use crate::syntax::kql::ast::{Arg, ExprKind, Name};
use crate::text::{Span, codes};
use crate::types::{Schema, Type};
use crate::value::Value;

impl<'q> Binder<'_, 'q> {
    /// The columns that a call of an aggregation gives: one without a name, or several with theirs.
    pub fn aggregate(
        &mut self,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Vec<Output>> {
        let Some(aggregate) = functions::aggregate(&name.text) else { return Err(self.unknown_function(name)) };
        // Within the arguments there are columns again, and no aggregations.
        let inner = Scope { aggregates: None, windows: None, ..scope };
        match name.text.as_str() {
            "arg_max" | "arg_min" | "argmax" | "argmin" => self.arg_extreme(aggregate, name, args, span, scope, inner),
            "take_any" | "any" if args.len() > 1 || args.iter().any(|arg| matches!(arg.value.kind, ExprKind::Star)) => {
                self.take_any(aggregate, name, args, span, scope, inner)
            }
            "percentiles" | "percentile" | "percentilesw" | "percentilew" => {
                self.percentiles(name, args, span, scope, inner)
            }
            _ => {
                let bound = self.arguments(args, inner)?;
                let scalar = self.push(aggregate, name, bound, args, span, scope)?;
                let named = match name.text.as_str() {
                    "take_any" => {
                        let first = args.first().and_then(|arg| names::of_expr(&arg.value, inner));
                        Some(first.unwrap_or_else(|| "any_arg0".into()))
                    }
                    "percentiles_array" | "percentilesw_array" => {
                        let base = args.first().and_then(|arg| names::of_expr(&arg.value, inner));
                        Some(format!("percentiles_{}", base.unwrap_or_default()))
                    }
                    _ => None,
                };
                Ok(vec![Output { name: named.unwrap_or_default(), scalar, identity: None }])
            }
        }
    }

    fn arguments(&mut self, args: &'q [Arg], inner: Scope<'_, 'q>) -> Bind<Vec<Scalar>> {
        let mut bound = Vec::with_capacity(args.len());
        for arg in args {
            // `count(*)` counts rows.
            if matches!(arg.value.kind, ExprKind::Star) {
                continue;
            }
            bound.push(self.scalar(&arg.value, inner));
        }
        bound.into_iter().collect()
    }

    /// One call with one result.
    fn push(
        &mut self,
        aggregate: &'static Aggregate,
        name: &'q Name,
        bound: Vec<Scalar>,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Scalar> {
        let spans: Vec<Span> = args.iter().map(|arg| arg.value.span).collect();
        let fitted = self.fit_arguments(&name.text, aggregate.takes, bound, &spans, name.span);
        let fitted = self.check(fitted)?;
        let gives = calls::gives(aggregate.gives, &fitted, &name.text, span);
        let ty = self.check(gives)?;
        let Some(collected) = scope.aggregates else {
            return Err(self.unknown_function(name));
        };
        let mut columns = collected.borrow_mut().push(aggregate, fitted, &[ty], span);
        match columns.pop() {
            Some(column) => Ok(column),
            None => Err(self.fault(codes::WRONG_PLACE.at(span, "an aggregation gives one column"))),
        }
    }

    /// `arg_max(t, a, *)`: the value that is greatest, and what stands beside it.
    fn arg_extreme(
        &mut self,
        aggregate: &'static Aggregate,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
        inner: Scope<'_, 'q>,
    ) -> Bind<Vec<Output>> {
        let (Some(collected), Some(row)) = (scope.aggregates, scope.row) else {
            return Err(self.unknown_function(name));
        };
        let Some(first) = args.first() else { return Err(self.argument_count(name, "at least 1 argument")) };
        // The old names put the maximised column's name before those of the others.
        let prefix = match name.text.as_str() {
            "argmax" => Some("max"),
            "argmin" => Some("min"),
            _ => None,
        };
        let word = if name.text.ends_with("max") { "max" } else { "min" };
        let primary = names::of_expr(&first.value, inner);
        let by = collected.borrow().by.clone();
        let star = args.iter().any(|arg| matches!(arg.value.kind, ExprKind::Star));
        let mut seen: Vec<String> = Vec::new();
        let mut outputs: Vec<Output> = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            if matches!(arg.value.kind, ExprKind::Star) {
                for column in &row.schema().columns {
                    if seen.contains(&column.name) || by.contains(&column.name) {
                        continue;
                    }
                    seen.push(column.name.clone());
                    let scalar = Scalar::column(&column.name, column.ty);
                    let name = column.name.clone();
                    outputs.push(Output { name: name.clone(), scalar, identity: Some(name) });
                }
                continue;
            }
            let scalar = self.scalar(&arg.value, inner)?;
            let identity = columns::identity(&arg.value, &scalar, inner);
            let written = arg.name.as_ref().map(|name| name.text.clone());
            match (identity, written) {
                (Some(column), written) => {
                    let repeated = seen.contains(&column) || by.contains(&column);
                    if at > 0 && star && repeated {
                        continue;
                    }
                    seen.push(column.clone());
                    let identity = (!repeated && written.is_none()).then(|| column.clone());
                    outputs.push(Output { name: written.unwrap_or(column), scalar, identity });
                }
                (None, Some(name)) => outputs.push(Output { name, scalar, identity: None }),
                (None, None) => {
                    let name = names::of_expr(&arg.value, inner).unwrap_or_else(|| match at {
                        0 if prefix.is_some() => String::new(),
                        at if prefix.is_some() => format!("arg{at}"),
                        0 => format!("{word}_"),
                        at => format!("{word}_{}_arg{at}", primary.as_deref().unwrap_or("")),
                    });
                    // A hidden column stands for the one that it reads.
                    if let (Scalar::Column { name: source, .. }, ExprKind::Name(_)) = (&scalar, &arg.value.kind) {
                        seen.push(source.clone());
                    }
                    outputs.push(Output { name, scalar, identity: None });
                }
            }
        }
        if let Some(prefix) = prefix {
            let base = outputs.first().map(|one| one.name.clone()).unwrap_or_default();
            for (at, output) in outputs.iter_mut().enumerate() {
                output.identity = None;
                output.name = match at {
                    0 => format!("{prefix}_{base}"),
                    _ => format!("{prefix}_{base}_{}", output.name),
                };
            }
        }
        if self.untyped
            && let Some(first) = outputs.first_mut()
            && first.scalar.ty() == Type::Dynamic
        {
            first.scalar = coerce::convert(first.scalar.clone(), Type::String, self.context.now);
        }
        if let Some(ty @ (Type::Dynamic | Type::Guid)) = outputs.first().map(|one| one.scalar.ty()) {
            let message = format!("`{}` takes a value with an order, not {ty}", name.text);
            return Err(self.fault(codes::WRONG_TYPE.at(first.value.span, message)));
        }
        self.push_several(aggregate, outputs, span, scope)
    }

    /// `take_any(a, b)`, `take_any(*)`.
    fn take_any(
        &mut self,
        aggregate: &'static Aggregate,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
        inner: Scope<'_, 'q>,
    ) -> Bind<Vec<Output>> {
        let (Some(collected), Some(row)) = (scope.aggregates, scope.row) else {
            return Err(self.unknown_function(name));
        };
        let prefix = if name.text == "any" { "any_" } else { "" };
        let by = collected.borrow().by.clone();
        let star = args.iter().any(|arg| matches!(arg.value.kind, ExprKind::Star));
        let mut seen: Vec<String> = if star { by } else { Vec::new() };
        let mut outputs: Vec<Output> = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            if matches!(arg.value.kind, ExprKind::Star) {
                let Schema { columns } = row.schema();
                for column in columns {
                    if !seen.contains(&column.name) {
                        seen.push(column.name.clone());
                        let scalar = Scalar::column(&column.name, column.ty);
                        let name = format!("{prefix}{}", column.name);
                        outputs.push(Output { name, scalar, identity: None });
                    }
                }
                continue;
            }
            let scalar = self.scalar(&arg.value, inner)?;
            if let Some(column) = columns::identity(&arg.value, &scalar, inner) {
                if star && seen.contains(&column) {
                    continue;
                }
                seen.push(column);
            }
            let written = arg.name.as_ref().map(|name| name.text.clone());
            let named = written
                .or_else(|| names::of_expr(&arg.value, inner))
                .filter(|name| !name.is_empty())
                .map_or_else(|| format!("any_arg{at}"), |name| format!("{prefix}{name}"));
            outputs.push(Output { name: named, scalar, identity: None });
        }
        self.push_several(aggregate, outputs, span, scope)
    }

    /// One call with several results: the outputs' scalars are its arguments, and columns take their place.
    fn push_several(
        &mut self,
        aggregate: &'static Aggregate,
        outputs: Vec<Output>,
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Vec<Output>> {
        let Some(collected) = scope.aggregates else { return Ok(outputs) };
        let types: Vec<Type> = outputs.iter().map(|one| one.scalar.ty()).collect();
        let args = outputs.iter().map(|one| one.scalar.clone()).collect();
        let columns = collected.borrow_mut().push(aggregate, args, &types, span);
        Ok(outputs.into_iter().zip(columns).map(|(one, scalar)| Output { scalar, ..one }).collect())
    }

    /// Each percentile is a call of its own.
    fn percentiles(
        &mut self,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
        inner: Scope<'_, 'q>,
    ) -> Bind<Vec<Output>> {
        let weighted = name.text.ends_with('w');
        let leading = 1 + usize::from(weighted);
        let one = if weighted { "percentilew" } else { "percentile" };
        let Some(aggregate) = functions::aggregate(one) else { return Err(self.unknown_function(name)) };
        if args.len() <= leading || (!name.text.contains("percentiles") && args.len() != leading + 1) {
            let wanted = format!("at least {} arguments", leading + 1);
            return Err(self.argument_count(name, &wanted));
        }
        let base = names::of_expr(&args[0].value, inner).unwrap_or_default();
        let mut bound = self.arguments(args, inner)?;
        let percents = bound.split_off(leading);
        let mut outputs = Vec::with_capacity(percents.len());
        for (percent, arg) in percents.into_iter().zip(&args[leading..]) {
            let value = self.settle(percent, arg.value.span)?;
            let Some(number) = value.as_real() else {
                return Err(self.fault(codes::WRONG_TYPE.at(arg.value.span, "a number is expected here")));
            };
            let fragment = match &value {
                Value::Int(_) | Value::Long(_) => value.text().into_owned(),
                _ if number.fract() == 0.0 => format!("{number:.0}"),
                other => other.text().replace('.', "_"),
            };
            let mut call = bound.clone();
            call.push(Scalar::literal(Value::Real(number), Type::Real));
            let scalar = self.push(aggregate, name, call, args, span, scope)?;
            outputs.push(Output { name: format!("percentile_{base}_{fragment}"), scalar, identity: None });
        }
        Ok(outputs)
    }
}
