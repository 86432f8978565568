//! Rows joined to a table of ranges or shapes: ipv4_lookup, ipv6_lookup, geo_polygon_lookup, geo_line_lookup.
use super::Plugin;
use crate::bind::kql::Binder;
use crate::bind::kql::names::make_unique;
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::ir::{RelOp, Scalar, WholeArg, WholeCall};
use crate::syntax::kql::ast::ExprKind;
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;

impl<'q> Binder<'_, 'q> {
    pub(super) fn ip_lookup(
        &mut self,
        left: Table,
        plugin: Plugin<'q>,
        name: &'static str,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let mut positional = plugin.positional();
        if positional.len() < 3 {
            return Err(self.argument_count(plugin.name, "at least 3 arguments"));
        }
        let right = self.table(positional[0], env)?;
        let mut unmatched = plugin.named("return_unmatched");
        if unmatched.is_none()
            && let Some(ExprKind::Literal { ty: Type::Bool, .. }) = positional.last().map(|expr| &expr.kind)
        {
            unmatched = positional.pop();
        }
        let unmatched = match unmatched {
            Some(expr) => {
                let bound = self.scalar(expr, Scope::bare(env))?;
                self.settle(bound, expr.span)?.as_bool() == Some(true)
            }
            None => false,
        };
        let source = self.scalar(positional[1], Scope::row(env, &left))?;
        let network = self.scalar(positional[2], Scope::row(env, &right))?;
        let mut args = vec![WholeArg::Scalar("source", source), WholeArg::Scalar("network", network)];
        args.push(WholeArg::Constant("unmatched", Value::Bool(unmatched)));
        // An extra key stands in both tables; the result has it once.
        let mut once: Vec<String> = Vec::new();
        for expr in &positional[3..] {
            let (key, _) = self.plugin_column(expr, Scope::row(env, &left))?;
            args.push(WholeArg::Scalar("left", self.scalar(expr, Scope::row(env, &left))?));
            args.push(WholeArg::Scalar("right", self.scalar(expr, Scope::row(env, &right))?));
            once.push(key);
        }
        let of_left = left.schema().columns.iter().map(|column| ("left", column.clone()));
        let of_right = right.schema().columns.iter().filter(|column| !once.contains(&column.name));
        let of_right = of_right.map(|column| ("right", column.clone()));
        let columns: Vec<(&str, Column)> = match name {
            // The engine puts the looked-up columns first here.
            "ipv6_lookup" => of_right.chain(of_left).collect(),
            _ => of_left.chain(of_right).collect(),
        };
        Ok(looked_up(name, left, right, columns, args, plugin.span))
    }

    pub(super) fn geo_lookup(
        &mut self,
        left: Table,
        plugin: Plugin<'q>,
        name: &'static str,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let positional = plugin.positional();
        let [table, shape, longitude, latitude, rest @ ..] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "at least 4 arguments"));
        };
        let right = self.table(table, env)?;
        let (key, ty) = self.plugin_column(shape, Scope::row(env, &right))?;
        if ty != Type::Dynamic {
            return Err(self.fault(codes::WRONG_TYPE.at(shape.span, format!("a dynamic is expected here, not {ty}"))));
        }
        let mut args = vec![
            WholeArg::Scalar("longitude", self.scalar(longitude, Scope::row(env, &left))?),
            WholeArg::Scalar("latitude", self.scalar(latitude, Scope::row(env, &left))?),
            WholeArg::Scalar("shape", Scalar::column(&key, ty)),
        ];
        match self.plugin_option(&plugin, "radius", rest.first(), env)?.filter(|radius| !radius.is_null()) {
            Some(radius) => args.push(WholeArg::Constant("radius", Value::Real(radius.as_real().unwrap_or(0.0)))),
            None if name == "geo_line_lookup" => {
                return Err(self.argument_count(plugin.name, "a radius"));
            }
            None => {}
        }
        let is_on = |value: Option<Value<'static>>| value.and_then(|value| value.as_bool()) == Some(true);
        let unmatched = is_on(self.plugin_option(&plugin, "return_unmatched", rest.get(1), env)?);
        let with_key = is_on(self.plugin_option(&plugin, "return_lookup_key", rest.get(3), env)?);
        args.push(WholeArg::Constant("unmatched", Value::Bool(unmatched)));
        let of_left = left.schema().columns.iter().map(|column| ("left", column.clone()));
        let of_right = right.schema().columns.iter().filter(|column| with_key || column.name != key);
        let columns: Vec<(&str, Column)> = of_left.chain(of_right.map(|column| ("right", column.clone()))).collect();
        Ok(looked_up(name, left, right, columns, args, plugin.span))
    }
}

/// A lookup whose result has these columns of both sides.
fn looked_up(
    name: &'static str,
    left: Table,
    right: Table,
    columns: Vec<(&str, Column)>,
    mut args: Vec<WholeArg>,
    span: Span,
) -> Table {
    let written: Vec<String> = columns.iter().map(|(_, column)| column.name.clone()).collect();
    let mut schema = Schema::default();
    for ((side, column), unique) in columns.iter().zip(make_unique(&written)) {
        args.push(WholeArg::Group(
            "output",
            vec![
                WholeArg::Constant("side", Value::string(*side).into_owned()),
                WholeArg::Constant("column", Value::string(column.name.clone())),
            ],
        ));
        schema.columns.push(Column { name: unique, ty: column.ty });
    }
    let (left, _) = left.take();
    let (right, _) = right.take();
    let call = WholeCall { name, args, span };
    Table::of(RelOp::Whole { inputs: vec![left, right], call }, schema)
}
