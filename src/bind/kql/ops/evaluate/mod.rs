//! `evaluate`: the plug-ins, one file for each family.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::ir::{Rel, RelOp, Scalar, WholeArg, WholeCall};
use crate::rows::{self, RowsError};
use crate::syntax::kql::ast::{Arg, ColumnDecl, Expr, Name, Operator};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;

mod activity;
mod bags;
mod lookups;

/// Plug-ins that the language knows and that need what nobody has here: code of others, other services, other clusters.
const ELSEWHERE: &[&str] = &[
    "python",
    "r",
    "csharp",
    "sql_request",
    "mysql_request",
    "postgresql_request",
    "cosmosdb_sql_request",
    "dax_request",
    "http_request",
    "http_request_post",
    "azure_digital_twins_query_request",
    "execute_query",
    "execute_show_command",
    "external_datatable",
    "infer_storage_schema",
    "infer_storage_schema_with_suggestions",
    "ai_embed_text",
    "ai_embeddings",
    "ai_chat_completion",
    "ai_chat_completion_prompt",
];

/// One call of a plug-in.
struct Plugin<'q> {
    name: &'q Name,
    args: &'q [Arg],
    declared: Option<Schema>,
    span: Span,
}

impl<'q> Plugin<'q> {
    fn named(&self, name: &str) -> Option<&'q Expr> {
        let is = |arg: &&'q Arg| arg.name.as_ref().is_some_and(|known| known.text.eq_ignore_ascii_case(name));
        self.args.iter().find(is).map(|arg| &arg.value)
    }

    fn positional(&self) -> Vec<&'q Expr> {
        self.args.iter().filter(|arg| arg.name.is_none()).map(|arg| &arg.value).collect()
    }
}

impl<'q> Binder<'_, 'q> {
    #[expect(clippy::too_many_arguments, reason = "the parts of the operator as it is written")]
    pub fn evaluate(
        &mut self,
        input: Option<Table>,
        name: &'q Name,
        args: &'q [Arg],
        schema: Option<&'q [ColumnDecl]>,
        rest: bool,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        if ELSEWHERE.contains(&name.text.as_str()) {
            let message = format!("the plug-in `{}` reaches outside, which nothing here may do", name.text);
            return Err(self.fault(codes::OUT_OF_SCOPE.at(name.span, message)));
        }
        let Some(input) = input else {
            return Err(self.fault(codes::WRONG_PLACE.at(operator.word, "this plug-in needs a table before it")));
        };
        let declared = match schema {
            Some(columns) => {
                let mut declared = Schema::default();
                if rest {
                    declared = input.schema().clone();
                }
                declared.columns.extend(self.declared(columns)?.columns);
                Some(declared)
            }
            None => None,
        };
        let plugin = Plugin { name, args, declared, span: operator.span };
        match name.text.as_str() {
            "bag_unpack" => self.bag_unpack(input, plugin, rest, env),
            "pivot" => self.pivot(input, plugin, env),
            "narrow" => {
                let schema = Schema::new([("Row", Type::Long), ("Column", Type::String), ("Value", Type::String)]);
                Ok(whole("narrow", input, Vec::new(), schema, plugin.span))
            }
            "ipv4_lookup" => self.ip_lookup(input, plugin, "ipv4_lookup", env),
            "ipv6_lookup" => self.ip_lookup(input, plugin, "ipv6_lookup", env),
            "geo_polygon_lookup" => self.geo_lookup(input, plugin, "geo_polygon_lookup", env),
            "geo_line_lookup" => self.geo_lookup(input, plugin, "geo_line_lookup", env),
            "dcount_intersect" => self.dcount_intersect(input, plugin, env),
            "rows_near" => self.rows_near(input, plugin, env),
            "new_activity_metrics" => self.new_activity(input, plugin, env),
            "rolling_percentile" => self.rolling_percentile(input, plugin, env),
            other => match activity::TIMED.iter().find(|timed| timed.name == other) {
                Some(timed) => self.timed(input, plugin, timed, env),
                None => Err(self.not_yet(other, name.span)),
            },
        }
    }

    /// The rows of a relation while the text is being bound.
    fn peek(&mut self, rel: &Rel, span: Span) -> Bind<rows::Table> {
        if let Some(data) = self.context.data {
            let table = data.rows(rel);
            return self.check(table);
        }
        let budget = rows::Budget { rows: 100_000, ..rows::Budget::default() };
        let env = rows::Env { now: self.context.now, each: None, source: &rows::NoTables, budget };
        rows::run(rel, &env).map_err(|error| {
            let fault = match error {
                RowsError::Wrong(at, message) => codes::BAD_VALUE.at(at, message),
                RowsError::Rows(_) | RowsError::Bytes(_) | RowsError::Time | RowsError::Fault(_) => codes::NEEDS_DATA
                    .at(span, format!("the columns of this plug-in depend on data: {error}"))
                    .help("declare them: `evaluate f(…) : (a:string, b:long)`"),
            };
            self.fault(fault)
        })
    }

    /// A plug-in's argument that is a column of its input.
    fn plugin_column(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<(String, Type)> {
        match self.scalar(expr, scope)? {
            Scalar::Column { name, ty, .. } => Ok((name, ty)),
            _ => Err(self.fault(codes::WRONG_TYPE.at(expr.span, "a column is expected here"))),
        }
    }

    /// An option by name or by place: the value of a constant.
    fn plugin_option(
        &mut self,
        plugin: &Plugin<'q>,
        name: &str,
        place: Option<&&'q Expr>,
        env: &Env<'q>,
    ) -> Bind<Option<Value<'static>>> {
        match plugin.named(name).or(place.copied()) {
            Some(expr) => {
                let bound = self.scalar(expr, Scope::bare(env))?;
                Ok(Some(self.settle(bound, expr.span)?))
            }
            None => Ok(None),
        }
    }

    fn dimensions(
        &mut self,
        exprs: &[&'q Expr],
        scope: Scope<'_, 'q>,
        schema: &mut Schema,
        args: &mut Vec<WholeArg>,
    ) -> Bind<()> {
        for expr in exprs {
            let (name, ty) = self.plugin_column(expr, scope)?;
            schema.columns.push(Column { name: name.clone(), ty });
            args.push(WholeArg::Scalar("key", Scalar::column(name, ty)));
        }
        Ok(())
    }

    fn dcount_intersect(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        if !(2..=16).contains(&positional.len()) {
            return Err(self.argument_count(plugin.name, "2 to 16 arguments"));
        }
        let mut args = Vec::new();
        let mut schema = input.schema().clone();
        for (at, expr) in positional.iter().enumerate() {
            let sketch = self.scalar(expr, Scope::row(env, &input))?;
            if sketch.ty() != Type::Dynamic {
                let message = format!("a sketch is expected here, not {}", sketch.ty());
                return Err(self.fault(codes::WRONG_TYPE.at(expr.span, message).help("make it with `hll(…)`")));
            }
            args.push(WholeArg::Scalar("sketch", sketch));
            schema.columns.push(Column { name: format!("s{at}"), ty: Type::Long });
        }
        Ok(whole("dcount_intersect", input, args, schema, plugin.span))
    }

    fn rows_near(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let [when, before, rest @ ..] = positional.as_slice() else {
            return Err(self.argument_count(plugin.name, "at least 2 arguments"));
        };
        let condition = self.predicate(when, Scope::row(env, &input))?;
        let bare = Scope::bare(env);
        let before = self.count(before, bare)?;
        let after = match rest.first() {
            Some(after) => self.count(after, bare)?,
            None => before,
        };
        let long = |count: u64| Value::Long(i64::try_from(count).unwrap_or(i64::MAX));
        let args = vec![
            WholeArg::Scalar("when", condition),
            WholeArg::Constant("before", long(before)),
            WholeArg::Constant("after", long(after)),
        ];
        let schema = input.schema().clone();
        let mut table = whole("rows_near", input, args, schema, plugin.span);
        table.ordered = true;
        Ok(table)
    }
}

fn whole(name: &'static str, input: Table, args: Vec<WholeArg>, schema: Schema, span: Span) -> Table {
    let (rel, _) = input.take();
    Table::of(RelOp::Whole { inputs: vec![rel], call: WholeCall { name, args, span } }, schema)
}
