//! `evaluate`: the plug-ins.
use crate::bind::kql::Binder;
use crate::bind::kql::columns::schema_of;
use crate::bind::kql::names::{Output, make_unique};
use crate::bind::kql::scope::{Aggregates, Bind, Env, Scope, Table, select};
use crate::ir::{Rel, RelOp, Scalar, WholeArg, WholeCall};
use crate::rows::whole::bags::{Conflict, pivoted_schema, unpacked_schema};
use crate::rows::{self, RowsError};
use crate::syntax::kql::ast::{Arg, ColumnDecl, Expr, ExprKind, Name, Operator};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::{Json, Value};
use std::cell::RefCell;

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

/// How the arguments of a plug-in about times are named, in their order; `?` may be left out together with all that
/// follow. What stands behind them are dimensions.
struct Timed {
    name: &'static str,
    args: &'static [&'static str],
    figures: &'static [(&'static str, Type)],
}

const TIMED: &[Timed] = &[
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
            other => match TIMED.iter().find(|timed| timed.name == other) {
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

    fn bag_unpack(&mut self, input: Table, plugin: Plugin<'q>, rest: bool, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let scope = Scope::row(env, &input);
        let Some(first) = positional.first() else {
            return Err(self.argument_count(plugin.name, "at least 1 argument"));
        };
        let (column, ty) = self.plugin_column(first, scope)?;
        if ty != Type::Dynamic {
            let message = format!("a bag is expected here, not {ty}");
            return Err(self.fault(codes::WRONG_TYPE.at(first.span, message)));
        }
        let bare = Scope::bare(env);
        let prefix = match plugin.named("OutputColumnPrefix").or(positional.get(1).copied()) {
            Some(expr) => self.text(expr, bare)?,
            None => String::new(),
        };
        let conflict = match plugin.named("columnsConflict").or(positional.get(2).copied()) {
            Some(expr) => {
                let word = self.text(expr, bare)?;
                match Conflict::from_name(&word) {
                    Some(conflict) => (word, conflict),
                    None => {
                        let known = ["error", "replace_source", "keep_source"];
                        return Err(self.fault(
                            codes::BAD_VALUE
                                .at(expr.span, format!("`columnsConflict` cannot be `{word}`"))
                                .nearest(&word, known),
                        ));
                    }
                }
            }
            None => ("error".to_string(), Conflict::Error),
        };
        let ignored = match plugin.named("ignoredProperties").or(positional.get(3).copied()) {
            Some(expr) => {
                let bound = self.scalar(expr, bare)?;
                self.settle(bound, expr.span)?
            }
            None => Value::Null,
        };
        let names: Vec<String> = match ignored.to_json() {
            Json::Array(names) => names.iter().filter_map(|name| name.as_str().map(String::from)).collect(),
            _ => Vec::new(),
        };
        let (rel, passed) = input.take();
        let open = plugin.declared.is_none();
        let schema = match plugin.declared {
            Some(mut schema) => {
                if rest {
                    schema.columns.retain(|one| one.name != column);
                }
                schema
            }
            None => {
                // Only the bags are read; the other columns are known.
                let bag = Schema::new([(column.as_str(), Type::Dynamic)]);
                let mut table = self.peek(&select(rel.clone(), &bag), plugin.span)?;
                table.schema.columns.extend(passed.schema.columns.iter().filter(|one| one.name != column).cloned());
                match unpacked_schema(&table, &column, &prefix, conflict.1, &names) {
                    Ok(schema) => schema,
                    Err(clash) => {
                        return Err(self.fault(
                            codes::DUPLICATE_NAME
                                .at(
                                    plugin.name.span,
                                    format!("a property of the bag is called like the column `{clash}`"),
                                )
                                .help("say which counts: `columnsConflict='keep_source'` or `'replace_source'`"),
                        ));
                    }
                }
            }
        };
        let args = vec![
            WholeArg::Constant("column", Value::string(column)),
            WholeArg::Constant("prefix", Value::string(prefix)),
            WholeArg::Constant("conflict", Value::string(conflict.0)),
            WholeArg::Constant("ignored", ignored),
        ];
        let call = WholeCall { name: "bag_unpack", args, span: plugin.span };
        let known = schema.clone();
        let rel = Rel { op: RelOp::Whole { inputs: vec![rel], call }, schema };
        let mut table = passed.change(rel, |source| known.get(source).is_some());
        table.ordered = false;
        table.open |= open;
        Ok(table)
    }

    fn pivot(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
        let positional = plugin.positional();
        let scope = Scope::row(env, &input);
        let Some(first) = positional.first() else {
            return Err(self.argument_count(plugin.name, "at least 1 argument"));
        };
        let column = self.scalar(first, scope)?;
        let mut read: Vec<String> = column_name(&column).into_iter().collect();
        let (measure, measured) = match positional.get(1) {
            Some(expr) => {
                for arg in arguments(expr) {
                    let columns = self.scalar(arg, scope)?;
                    read.extend(column_name(&columns));
                }
                self.measure(expr, scope)?
            }
            None => self.counted(plugin.span, scope)?,
        };
        let mut keys: Vec<Output> = Vec::new();
        for expr in positional.iter().skip(2) {
            let (name, ty) = self.plugin_column(expr, scope)?;
            keys.push(Output { scalar: Scalar::column(&name, ty), name, identity: None });
        }
        if positional.len() <= 2 {
            let others = input.schema().columns.iter().filter(|one| !read.contains(&one.name));
            keys.extend(others.map(|one| Output {
                name: one.name.clone(),
                scalar: Scalar::column(&one.name, one.ty),
                identity: None,
            }));
        }
        let mut args = vec![WholeArg::Scalar("column", column.clone())];
        args.extend(keys.iter().map(|key| WholeArg::Scalar("key", key.scalar.clone())));
        args.extend(measure);
        let key_schema = schema_of(&keys);
        let (rel, _) = input.take();
        let open = plugin.declared.is_none();
        let schema = match plugin.declared {
            Some(schema) => schema,
            None => {
                let texts = Schema::new([("value", column.ty())]);
                let values = Rel {
                    op: RelOp::Summarize {
                        input: Box::new(rel.clone()),
                        by: vec![("value".into(), column)],
                        aggregates: Vec::new(),
                    },
                    schema: texts,
                };
                let table = self.peek(&values, plugin.span)?;
                let names = table.rows.iter().filter_map(|row| row.first()).map(|value| value.text().into_owned());
                pivoted_schema(&key_schema, measured, names)
            }
        };
        let call = WholeCall { name: "pivot", args, span: plugin.span };
        Ok(Table { open, ..Table::of(RelOp::Whole { inputs: vec![rel], call }, schema) })
    }

    /// The measure `count()`.
    fn counted(&mut self, span: Span, scope: Scope<'_, 'q>) -> Bind<(Vec<WholeArg>, Type)> {
        let Some(count) = crate::functions::aggregate("count") else { return Err(self.not_yet("count", span)) };
        let collected = RefCell::new(Aggregates::default());
        debug_assert!(scope.row.is_some());
        collected.borrow_mut().push(count, Vec::new(), &[Type::Long], span);
        let calls = collected.into_inner().calls;
        Ok((calls.into_iter().map(|call| WholeArg::Aggregate("value", call)).collect(), Type::Long))
    }

    fn ip_lookup(&mut self, left: Table, plugin: Plugin<'q>, name: &'static str, env: &Env<'q>) -> Bind<Table> {
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

    fn geo_lookup(&mut self, left: Table, plugin: Plugin<'q>, name: &'static str, env: &Env<'q>) -> Bind<Table> {
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

    fn rolling_percentile(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
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

    fn timed(&mut self, input: Table, plugin: Plugin<'q>, timed: &'static Timed, env: &Env<'q>) -> Bind<Table> {
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
    fn new_activity(&mut self, input: Table, plugin: Plugin<'q>, env: &Env<'q>) -> Bind<Table> {
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

fn column_name(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Column { name, .. } => Some(name.clone()),
        _ => None,
    }
}

/// The arguments of the aggregation that an expression is.
fn arguments(expr: &Expr) -> impl Iterator<Item = &Expr> {
    let args: &[Arg] = match &expr.kind {
        ExprKind::Call { args, .. } => args,
        _ => &[],
    };
    args.iter().map(|arg| &arg.value).filter(|value| !matches!(value.kind, ExprKind::Star))
}
