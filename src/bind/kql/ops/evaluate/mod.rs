//! `evaluate`: the plug-ins, one file for each family.
use crate::bind::kql::Binder;
use crate::bind::kql::scope::{Bind, Env, Reported, Scope, Table};
use crate::ir::{Rel, RelOp, Scalar, WholeArg, WholeCall};
use crate::rows::{self, RowsError};
use crate::syntax::kql::ast::{Arg, ColumnDecl, Expr, Name, Operator};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;

mod activity;
mod bags;
mod counts;
mod lookups;
mod patterns;
mod sequences;

/// Plug-ins that the language knows and that need what nobody has here: which, why not, and what to do.
pub const ELSEWHERE: &[(&[&str], &str, &str)] = &[
    (
        &["python", "r", "csharp"],
        "no code of others runs here",
        "say it in KQL, or take the answer to where the code is",
    ),
    (
        &[
            "sql_request",
            "mysql_request",
            "postgresql_request",
            "cosmosdb_sql_request",
            "dax_request",
            "azure_digital_twins_query_request",
        ],
        "nothing here asks a database elsewhere",
        INGEST,
    ),
    (&["http_request", "http_request_post"], "nothing here asks an address on the web", INGEST),
    (&["execute_query", "execute_show_command"], "there is no other cluster to ask", INGEST),
    (
        &["infer_storage_schema", "infer_storage_schema_with_suggestions"],
        "nothing here looks through an account of files",
        "`sighthound ingest` takes files as they are, `externaldata` reads them with declared columns",
    ),
    (
        &["ai_embed_text", "ai_embeddings", "ai_chat_completion", "ai_chat_completion_prompt"],
        "there is no language model to ask",
        "take the answer to where the model is",
    ),
    (&["external_datatable", "identity_v3"], "it is the engine's own, not for queries", "leave it out"),
];
const INGEST: &str = "ingest what it would give, or keep it where `externaldata` may read";

/// Plug-ins that are other operators in other words, and what they give.
pub const REWRITTEN: &[(&str, &str)] = &[
    ("estimate_rows_count", "The number of rows. It is counted, not estimated."),
    ("identity", "The rows as they are."),
    ("preview", "The first rows and, where it is the last operator, a second answer with the number of all of them."),
];

/// Plug-ins that give several answers where they are the last operator of a query.
pub const SEVERAL: &[&str] = &["funnel_sequence", "preview"];

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
        let elsewhere = ELSEWHERE.iter().find(|(names, ..)| names.contains(&name.text.as_str()));
        if let Some((_, why, help)) = elsewhere {
            let message = format!("the plug-in `{}` cannot be called: {why}", name.text);
            return Err(self.fault(codes::OUT_OF_SCOPE.at(name.span, message).help(*help)));
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
            "sequence_detect" => self.sequence_detect(input, plugin, env),
            "funnel_sequence" => {
                let mut answers = self.funnel_sequence(input, plugin, &["both"], env)?;
                answers.pop().ok_or(Reported)
            }
            "funnel_sequence_completion" => self.funnel_completion(input, plugin, env),
            "autocluster" => self.autocluster(input, plugin, env),
            "basket" => self.basket(input, plugin, env),
            "diffpatterns" => self.diffpatterns(input, plugin, env),
            "preview" => Ok(self.preview(input, plugin, env)?.0),
            "identity" => Ok(input),
            "estimate_rows_count" => self.estimate_rows_count(input),
            other => match activity::TIMED.iter().find(|timed| timed.name == other) {
                Some(timed) => self.timed(input, plugin, timed, env),
                None => Err(self.not_yet(other, name.span)),
            },
        }
    }

    /// A plug-in that gives several answers where it is the last operator; `None` for any other.
    pub fn evaluate_several(
        &mut self,
        input: Table,
        name: &'q Name,
        args: &'q [Arg],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Vec<Table>> {
        let plugin = Plugin { name, args, declared: None, span: operator.span };
        match name.text.as_str() {
            "funnel_sequence" => self.funnel_sequence(input, plugin, &["both", "prev", "next"], env),
            _ => {
                let (rows, count) = self.preview(input, plugin, env)?;
                Ok(vec![rows, count])
            }
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
}

fn whole(name: &'static str, input: Table, args: Vec<WholeArg>, schema: Schema, span: Span) -> Table {
    let (rel, _) = input.take();
    Table::of(RelOp::Whole { inputs: vec![rel], call: WholeCall { name, args, span } }, schema)
}
