//! Calls of functions: those of the language, those that the binder itself answers, and lambdas of the text.
use super::scope::{Bind, Env, Item, Reported, Scope, Table};
use super::{Binder, coerce, constant, pattern};
use crate::bind::provided;
use crate::functions::geo::places;
use crate::functions::{self, Eval, Function, Gives, Occurs, Param, regexes};
use crate::ir::Scalar;
use crate::rows::whole::graph::PATTERN_FUNCTIONS;
use crate::syntax::kql::ast::{Arg, Expr, ExprKind, Lambda, LetValue, Name, ParameterType, Statement};
use crate::text::{Span, codes};
use crate::types::Type;
use crate::value::{Json, Value};
use std::rc::Rc;

/// Functions that the reference engine answers from data that nobody has given us: what that is, and what to do.
pub const NEEDS_DATA: &[(&str, &str, &str)] = &[
    (
        "geo_info_from_ip_address",
        "places of IP addresses",
        "name a file of places in MaxMind's format with `--geoip FILE` or `SIGHTHOUND_GEOIP`",
    ),
    ("external_table", "external tables", "attach a folder of Parquet files as a table with `--attach NAME=PATH`"),
];

/// Functions of the language that nothing here stands for: why, and what to do.
pub const ABSENT: &[(&str, &str, &str)] = &[
    ("current_cursor", NO_CURSORS, "keep the `Timestamp` of the last row that was read"),
    ("current_node_id", "there are no nodes of a cluster", "leave it out"),
    ("cursor_after", NO_CURSORS, "compare `Timestamp`"),
    ("cursor_before_or_at", NO_CURSORS, "compare `Timestamp`"),
    ("cursor_current", NO_CURSORS, "keep the `Timestamp` of the last row that was read"),
    ("entity_group", "there are no groups of databases here", "name the tables in a `union`"),
    ("graph", "no graphs are kept here", "make one with `make-graph`"),
    ("labels", "the nodes and edges of a graph have no labels here", "compare a column"),
    ("materialized_view", "no views are kept here", SAVE),
    ("node_id", "the nodes of a graph have no ids beside their columns", "compare the column that names the node"),
    ("passthrough", ITS_OWN, "use `take_any`"),
    ("row_id", "rows have no ids here", "number them with `row_number`"),
    ("row_rank", "the name has had two meanings", "use `row_rank_dense` or `row_rank_min`"),
    ("rowstore_ordinal_range", "rows have no ids here", "number them with `row_number`"),
    ("stored_query_result", "no results are kept here", SAVE),
    ("__cast", ITS_OWN, "use `tolong`, `tostring` and their like"),
    ("__geo_length_to_s2cell_level", ITS_OWN, GEO),
    ("__geo_line_s2cell_covering_level", ITS_OWN, GEO),
    ("__geo_line_validate", ITS_OWN, GEO),
    ("__geo_polygon_s2cell_covering_level", ITS_OWN, GEO),
    ("__geo_polygon_validate", ITS_OWN, GEO),
    ("__hash_crc32", ITS_OWN, HASH),
    ("__hash_djb2", ITS_OWN, HASH),
    ("__hash_many_crc32", ITS_OWN, HASH),
    ("__hash_xxh64", ITS_OWN, HASH),
    ("__hll_normalize", ITS_OWN, "merge sketches with `hll_merge`"),
    ("__invoke", ITS_OWN, "call the function by its name"),
    ("__ipv6_lookup_ranges", ITS_OWN, "use `ipv6_is_in_any_range` or the plug-in `ipv6_lookup`"),
    ("__lz4_compress_dynamic_array_to_base64_string", ITS_OWN, "use `gzip_compress_to_base64_string`"),
];
const NO_CURSORS: &str = "the store does not say when each row was taken in";
const SAVE: &str = "save the query as a function: `sighthound function add NAME -f FILE`";
const ITS_OWN: &str = "it is the engine's own, not for queries";
const GEO: &str = "use the `geo_…` functions without underscores";
const HASH: &str = "use `hash`, `hash_md5` and their like";

/// Whether nothing here stands for a function of that name.
pub fn is_absent(name: &str) -> bool {
    ABSENT.iter().any(|(known, ..)| *known == name)
}

/// Conversions by name, and the type that each gives.
const CONVERSIONS: &[(&str, Type)] = &[
    ("tostring", Type::String),
    ("tobool", Type::Bool),
    ("toboolean", Type::Bool),
    ("toint", Type::Int),
    ("tolong", Type::Long),
    ("toreal", Type::Real),
    ("todouble", Type::Real),
    ("todecimal", Type::Decimal),
    ("todatetime", Type::Datetime),
    ("totimespan", Type::Timespan),
    ("totime", Type::Timespan),
    ("toguid", Type::Guid),
];

/// Parameters that are regular expressions.
const PATTERNS: &[&str] = &["regex", "lookup_regex"];

/// How many levels the statements of a lambda are below its call.
const STATEMENTS: usize = 4;

/// Under these names the values of `set` are kept that `bin_auto` reads; no name of a text has a space.
pub const BIN_AUTO_SIZE: &str = "set query_bin_auto_size";
pub const BIN_AUTO_AT: &str = "set query_bin_auto_at";

impl<'q> Binder<'_, 'q> {
    pub fn call(&mut self, name: &'q Name, args: &'q [Arg], span: Span, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        match scope.env.get(&name.text) {
            Some((Item::Lambda(lambda), env)) => return self.lambda_value(lambda, &env, args, span, scope),
            Some((Item::Broken, _)) => return Err(Reported),
            Some((Item::Scalar(_) | Item::Argument(..) | Item::Table(_) | Item::Pattern(_), _)) | None => {}
        }
        if let Some(bound) = self.graph_call(name, args, span, scope) {
            return bound;
        }
        if scope.aggregates.is_some() && functions::aggregate(&name.text).is_some() {
            let mut columns = self.aggregate(name, args, span, scope)?;
            if columns.is_empty() {
                return Err(self.fault(codes::WRONG_PLACE.at(span, format!("`{}` gives no column here", name.text))));
            }
            return Ok(columns.swap_remove(0).scalar);
        }
        if let Some(window) = functions::window(&name.text) {
            return self.window(window, name, args, span, scope);
        }
        if name.text == "toscalar" {
            let [arg] = args else { return Err(self.argument_count(name, "1 argument")) };
            return self.subquery(&arg.value, scope);
        }
        let callable = |function: &&Function| !function.is_operator() && !places::is_wanting(function);
        let Some(function) = functions::scalar(&name.text).filter(callable) else {
            return Err(self.unknown_function(name));
        };
        if matches!(function.eval, Eval::Binder) {
            return self.special(function, name, args, span, scope);
        }
        let mut bound = Vec::with_capacity(args.len());
        let mut spans = Vec::with_capacity(args.len());
        for arg in args {
            if let (ExprKind::Star, Some(row)) = (&arg.value.kind, scope.row) {
                for column in &row.schema().columns {
                    bound.push(Ok(Scalar::column(&column.name, column.ty)));
                    spans.push(arg.value.span);
                }
                continue;
            }
            bound.push(self.scalar(&arg.value, scope));
            spans.push(arg.value.span);
        }
        let bound = bound.into_iter().collect::<Bind<Vec<_>>>()?;
        // A conversion to the type that the value has already is no call, so that a column stays a column.
        if let [only] = bound.as_slice()
            && CONVERSIONS.iter().any(|(known, ty)| *known == name.text && *ty == only.ty())
        {
            return Ok(only.clone());
        }
        if function.name() == "extract_all"
            && bound.len() == 2
            && let Some(Value::String(pattern)) = constant::value_of(&bound[0])
            && regexes::find(pattern, |regex| regex.captures_len() < 2) == Some(true)
        {
            let message = "`extract_all` needs a pattern with at least one group";
            return Err(
                self.fault(codes::BAD_VALUE.at(spans[0], message).help("put parentheses around what is wanted"))
            );
        }
        self.function(function, bound, &spans, name.span)
    }

    pub fn unknown_function(&mut self, name: &Name) -> Reported {
        if let Some((_, what, help)) = NEEDS_DATA.iter().find(|(known, ..)| *known == name.text) {
            return self.fault(
                codes::NEEDS_DATA
                    .at(name.span, format!("`{}` needs {what}, which nobody has given", name.text))
                    .help(*help),
            );
        }
        if PATTERN_FUNCTIONS.contains(&name.text.as_str()) && functions::aggregate(&name.text).is_none() {
            let message = format!("`{}` stands only within the pattern of a graph", name.text);
            return self.fault(codes::WRONG_PLACE.at(name.span, message));
        }
        if let Some((_, why, help)) = ABSENT.iter().find(|(known, ..)| *known == name.text) {
            let message = format!("`{}` has no meaning: {why}", name.text);
            return self.fault(codes::OUT_OF_SCOPE.at(name.span, message).help(*help));
        }
        if functions::aggregate(&name.text).is_some() {
            return self.fault(
                codes::WRONG_PLACE
                    .at(name.span, format!("the aggregation `{}` cannot stand here", name.text))
                    .help("aggregations stand in `summarize` and its like"),
            );
        }
        let known = functions::all()
            .filter(|function| !function.is_operator())
            .flat_map(|function| function.names.iter().copied())
            .chain(functions::all_aggregates().flat_map(|one| one.names.iter().copied()))
            .filter(|name| !name.starts_with(['$', '[']));
        self.fault(
            codes::UNKNOWN_FUNCTION
                .at(name.span, format!("no function is named `{}`", name.text))
                .nearest(&name.text, known),
        )
    }

    pub fn argument_count(&mut self, name: &Name, wanted: &str) -> Reported {
        self.fault(codes::ARGUMENT_COUNT.at(name.span, format!("`{}` takes {wanted}", name.text)))
    }

    /// A function over bound arguments; `spans` says where they stand.
    pub fn function(
        &mut self,
        function: &'static Function,
        args: Vec<Scalar>,
        spans: &[Span],
        span: Span,
    ) -> Bind<Scalar> {
        let fitted = self.fit_arguments(function.name(), function.takes, args, spans, span);
        let fitted = self.check(fitted)?;
        let gives = gives(function.gives, &fitted, function.name(), span);
        let ty = self.check(gives)?;
        let known: usize = fitted.iter().filter_map(constant::value_of).map(constant::weight).sum();
        self.charge(known, span)?;
        let bound = constant::fold(function, fitted, ty, span, self.context.now);
        self.charge(constant::value_of(&bound).map_or(0, constant::weight), span)?;
        Ok(bound)
    }

    /// The same without putting a fault on the list.
    pub fn try_function(
        &mut self,
        function: &'static Function,
        args: Vec<Scalar>,
        span: Span,
    ) -> Result<Scalar, crate::text::Diagnostic> {
        let fitted = self.fit_arguments(function.name(), function.takes, args, &[], span)?;
        let ty = gives(function.gives, &fitted, function.name(), span)?;
        Ok(constant::fold(function, fitted, ty, span, self.context.now))
    }

    /// Each argument as its parameter wants it.
    pub fn fit_arguments(
        &self,
        name: &str,
        takes: &[Param],
        args: Vec<Scalar>,
        spans: &[Span],
        span: Span,
    ) -> Result<Vec<Scalar>, crate::text::Diagnostic> {
        let least: usize = takes.iter().map(least).sum();
        let most: usize = takes.iter().map(most).sum();
        if args.len() < least || args.len() > most {
            let wanted = match (least, most) {
                (0, 0) => "no argument".into(),
                (1, 1) => "1 argument".into(),
                (a, b) if a == b => format!("{a} arguments"),
                (a, b) if b >= 64 => format!("at least {a} arguments"),
                (a, b) => format!("{a} to {b} arguments"),
            };
            return Err(codes::ARGUMENT_COUNT.at(span, format!("`{name}` takes {wanted}, not {}", args.len())));
        }
        let count = args.len();
        let known: Vec<Type> = if self.untyped { args.iter().map(Scalar::ty).collect() } else { Vec::new() };
        let mut fitted = Vec::with_capacity(count);
        for (at, arg) in args.into_iter().enumerate() {
            let Some(param) = parameter(takes, at, count) else { continue };
            let place = spans.get(at).copied().unwrap_or(span);
            let arg = match arg.ty() {
                Type::Dynamic if self.untyped && !param.types.has(Type::Dynamic) => {
                    const WIDEST: [Type; 6] =
                        [Type::String, Type::Real, Type::Long, Type::Datetime, Type::Timespan, Type::Bool];
                    let others = known.iter().copied().filter(|ty| *ty != Type::Dynamic);
                    let wanted = others.chain(WIDEST).find(|ty| param.types.has(*ty));
                    coerce::convert(arg, wanted.unwrap_or(Type::String), self.context.now)
                }
                _ => arg,
            };
            match coerce::fit(arg, param.types, self.context.now) {
                Ok(arg) => {
                    if param.constant && !is_constant(&arg) {
                        return Err(
                            codes::NOT_CONSTANT.at(place, format!("`{name}` takes a constant as its `{}`", param.name))
                        );
                    }
                    if PATTERNS.contains(&param.name)
                        && let Some(Value::String(pattern)) = constant::value_of(&arg)
                        && let Err(words) = regexes::check(pattern)
                    {
                        return Err(codes::BAD_VALUE.at(place, words));
                    }
                    if !param.words.is_empty()
                        && let Some(Value::String(word)) = constant::value_of(&arg)
                        && !param.words.iter().any(|known| known.eq_ignore_ascii_case(word))
                    {
                        let message = format!("`{}` is one of {}", param.name, param.words.join(", "));
                        return Err(codes::BAD_VALUE.at(place, message).nearest(word, param.words.iter().copied()));
                    }
                    fitted.push(arg);
                }
                Err(arg) => {
                    let wanted = kinds(param);
                    let ty = arg.ty();
                    return Err(codes::WRONG_TYPE
                        .at(place, format!("`{name}` takes {wanted} as its `{}`, not {ty}", param.name)));
                }
            }
        }
        Ok(fitted)
    }

    /// Functions that are no functions of values.
    fn special(
        &mut self,
        function: &'static Function,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Scalar> {
        match function.name() {
            "column_ifexists" => {
                let [column, otherwise] = args else { return Err(self.argument_count(name, "2 arguments")) };
                let text = self.text(&column.value, scope)?;
                let found = scope.row.and_then(|row| row.column(&text, column.value.span));
                match found {
                    Some(found) => Ok(found),
                    None => self.scalar(&otherwise.value, scope),
                }
            }
            "pack_all" => {
                let Some(row) = scope.row else {
                    return Err(self.fault(codes::WRONG_PLACE.at(span, "`pack_all` needs a table before it")));
                };
                let sparse = match args {
                    [] => false,
                    [arg] => {
                        let bound = self.scalar(&arg.value, scope)?;
                        self.settle(bound, arg.value.span)?.as_bool().unwrap_or(false)
                    }
                    _ => return Err(self.argument_count(name, "0 to 1 arguments")),
                };
                let columns: Vec<Scalar> = row.schema().columns.iter().map(|c| Scalar::column(&c.name, c.ty)).collect();
                self.bag(columns, sparse, span)
            }
            "bag_pack_columns" => {
                let mut columns = Vec::new();
                for arg in args {
                    let bound = self.scalar(&arg.value, scope)?;
                    if !matches!(bound, Scalar::Column { .. }) {
                        return Err(self.fault(codes::WRONG_TYPE.at(arg.value.span, "a column is expected here")));
                    }
                    columns.push(bound);
                }
                self.bag(columns, false, span)
            }
            "assert" => {
                let [condition, message] = args else { return Err(self.argument_count(name, "2 arguments")) };
                let bound = self.predicate(&condition.value, scope)?;
                let words = self.text(&message.value, scope)?;
                match self.settle(bound, condition.value.span)?.as_bool() {
                    Some(true) => Ok(Scalar::literal(Value::Bool(true), Type::Bool)),
                    _ => {
                        Err(self.fault(codes::BAD_VALUE.at(condition.value.span, format!("assertion failed: {words}"))))
                    }
                }
            }
            "iscolumnexists" => {
                let [column] = args else { return Err(self.argument_count(name, "1 argument")) };
                let text = self.text(&column.value, scope)?;
                let known = scope.row.is_some_and(|row| row.column(&text, span).is_some());
                Ok(Scalar::literal(Value::Bool(known), Type::Bool))
            }
            "column_names_of" => {
                let [table] = args else { return Err(self.argument_count(name, "1 argument")) };
                let table = self.table(&table.value, scope.env)?;
                let names = table.schema().names().map(|name| Json::String(name.into())).collect();
                Ok(Scalar::literal(Value::json(Json::Array(names)), Type::Dynamic))
            }
            "bin_auto" => {
                let [value] = args else { return Err(self.argument_count(name, "1 argument")) };
                let value = self.scalar(&value.value, scope)?;
                let Some((Item::Scalar(size), _)) = scope.env.get(BIN_AUTO_SIZE) else {
                    return Err(self.fault(
                        codes::NEEDS_DATA
                            .at(name.span, "no size is set for `bin_auto`")
                            .help("put `set query_bin_auto_size = …;` before the query"),
                    ));
                };
                match scope.env.get(BIN_AUTO_AT) {
                    Some((Item::Scalar(at), _)) => self.apply("bin_at", vec![value, size, at], span),
                    _ => self.apply("bin", vec![value, size], span),
                }
            }
            "ingestion_time" => Ok(scope
                .row
                .and_then(|row| row.column("Timestamp", span))
                .filter(|column| column.ty() == Type::Datetime)
                .unwrap_or(Scalar::literal(Value::Null, Type::Datetime))),
            other => Err(self.fault(codes::NOT_YET.at(span, format!("`{other}` is not here yet")))),
        }
    }

    /// A bag of the columns' names and values.
    pub fn bag(&mut self, columns: Vec<Scalar>, sparse: bool, span: Span) -> Bind<Scalar> {
        let mut args = Vec::with_capacity(columns.len() * 2);
        for column in columns {
            if let Scalar::Column { name, .. } = &column {
                args.push(Scalar::literal(Value::string(name.clone()), Type::String));
                args.push(column);
            }
        }
        self.apply(if sparse { "$bag_sparse" } else { "$bag" }, args, span)
    }

    fn window(
        &mut self,
        window: &'static functions::Window,
        name: &'q Name,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Scalar> {
        let (Some(windows), Some(row)) = (scope.windows, scope.row) else {
            return Err(self.fault(codes::WRONG_PLACE.at(name.span, format!("`{}` cannot stand here", name.text))));
        };
        if !row.ordered {
            return Err(self.fault(
                codes::NOT_ORDERED
                    .at(name.span, format!("`{}` needs rows in a known order", name.text))
                    .help("put `serialize` or `sort by` before it"),
            ));
        }
        let mut bound = Vec::with_capacity(args.len());
        let mut spans = Vec::with_capacity(args.len());
        for arg in args {
            bound.push(self.scalar(&arg.value, scope)?);
            spans.push(arg.value.span);
        }
        let fitted = self.fit_arguments(&name.text, window.takes, bound, &spans, span);
        let fitted = self.check(fitted)?;
        if matches!(name.text.as_str(), "prev" | "next") {
            for (at, arg) in fitted.iter().enumerate().skip(1) {
                let place = spans.get(at).copied().unwrap_or(span);
                if !is_constant(arg) {
                    return Err(self.fault(codes::NOT_CONSTANT.at(place, "a constant is expected here")));
                }
                if at == 1 && constant::value_of(arg).and_then(Value::as_long).is_some_and(|offset| offset < 1) {
                    return Err(self.fault(codes::BAD_VALUE.at(place, "the offset is at least 1")));
                }
            }
        }
        let gives = gives(window.gives, &fitted, &name.text, span);
        let ty = self.check(gives)?;
        Ok(windows.borrow_mut().push(window, fitted, ty))
    }

    /// The value of a call of a lambda.
    pub fn lambda_value(
        &mut self,
        lambda: &'q Lambda,
        made_in: &Env<'q>,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Scalar> {
        let inner = self.lambda(lambda, made_in, None, args, span, scope)?;
        if self.is_table(&lambda.body, Scope::bare(&inner)) {
            return Err(self.not_scalar(span));
        }
        self.enter(span)?;
        let bound = self.within(lambda, span, |binder| binder.scalar(&lambda.body, Scope { env: &inner, ..scope }));
        self.leave();
        bound
    }

    /// The names within the body of a lambda, for one call of it.
    pub fn lambda(
        &mut self,
        lambda: &'q Lambda,
        made_in: &Env<'q>,
        piped: Option<Table>,
        args: &'q [Arg],
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Env<'q>> {
        let inner = made_in.inner();
        let mut piped = piped;
        let mut positional = args.iter().filter(|arg| arg.name.is_none());
        let offset = usize::from(piped.is_some());
        if args.len() + offset > lambda.parameters.len() {
            let count = lambda.parameters.len();
            return Err(self.fault(codes::ARGUMENT_COUNT.at(span, format!("this function takes {count} arguments"))));
        }
        for parameter in &lambda.parameters {
            let named = args.iter().find(|arg| arg.name.as_ref().is_some_and(|n| n.text == parameter.name.text));
            let arg = if piped.is_some() { None } else { named.or_else(|| positional.next()) };
            match &parameter.ty {
                ParameterType::Table { columns, .. } => {
                    let (table, at) = match (piped.take(), arg) {
                        (Some(table), _) => (table, span),
                        (None, Some(arg)) => (self.table(&arg.value, scope.env)?, arg.value.span),
                        (None, None) => return Err(self.missing_argument(&parameter.name, span)),
                    };
                    for column in columns {
                        let fault = match table.schema().get(&column.name.text) {
                            Some(found) if found.ty == column.ty => continue,
                            Some(found) => {
                                let (name, have, want) = (&column.name.text, found.ty, column.ty);
                                let message = format!("the column `{name}` of this table must be {want}, not {have}");
                                codes::WRONG_TYPE.at(at, message)
                            }
                            None => {
                                let name = &column.name.text;
                                codes::UNKNOWN_COLUMN.at(at, format!("this table has no column `{name}`"))
                            }
                        };
                        return Err(self.fault(fault));
                    }
                    inner.add(&parameter.name.text, Item::Table(Rc::new(table)));
                }
                ParameterType::Scalar(ty) => {
                    let bound = match (arg, &parameter.default) {
                        // As for the reference, an argument of another type is converted.
                        (Some(arg), _) => coerce::convert(self.scalar(&arg.value, scope)?, *ty, self.context.now),
                        (None, Some(default)) => {
                            let bound = self.scalar(default, Scope::bare(made_in))?;
                            if bound.ty() != *ty && (bound.ty() == Type::Dynamic || *ty == Type::Dynamic) {
                                let message = format!("{ty} is expected here, not {}", bound.ty());
                                return Err(self.fault(codes::WRONG_TYPE.at(default.span, message)));
                            }
                            self.as_declared(bound, *ty, default.span)?
                        }
                        (None, None) => return Err(self.missing_argument(&parameter.name, span)),
                    };
                    let item =
                        if reads_columns(&bound) { Item::Argument(bound, self.tables) } else { Item::Scalar(bound) };
                    inner.add(&parameter.name.text, item);
                }
            }
        }
        // Statements within statements are far apart on the stack.
        self.descend(STATEMENTS, span)?;
        let bound = self.within(lambda, span, |binder| {
            lambda.statements.iter().try_for_each(|statement| binder.statement(statement, &inner))
        });
        self.ascend(STATEMENTS);
        bound.map(|()| inner)
    }

    fn missing_argument(&mut self, name: &Name, span: Span) -> Reported {
        self.fault(codes::ARGUMENT_COUNT.at(span, format!("no value is given for `{}`", name.text)))
    }

    /// An argument as the declared type of its parameter.
    pub fn as_declared(&mut self, bound: Scalar, ty: Type, span: Span) -> Bind<Scalar> {
        if bound.ty() == ty {
            return Ok(bound);
        }
        let number = bound.ty().is_number() && ty.is_number();
        if number || ty == Type::Dynamic || bound.ty() == Type::Dynamic {
            return Ok(coerce::convert(bound, ty, self.context.now));
        }
        let have = bound.ty();
        Err(self.fault(codes::WRONG_TYPE.at(span, format!("{ty} is expected here, not {have}"))))
    }

    /// Whether an expression stands for a table.
    pub fn is_table(&self, expr: &'q Expr, scope: Scope<'_, 'q>) -> bool {
        self.is_table_at(expr, scope, 0)
    }

    fn is_table_at(&self, expr: &'q Expr, scope: Scope<'_, 'q>, depth: usize) -> bool {
        if depth > 32 {
            return false;
        }
        if pattern::used(expr, scope.env).is_some() {
            return true;
        }
        match &expr.kind {
            ExprKind::Pipe { .. }
            | ExprKind::Source(_)
            | ExprKind::Datatable { .. }
            | ExprKind::Externaldata { .. }
            | ExprKind::Wildcard(_) => true,
            ExprKind::Parenthesised(inner) => self.is_table_at(inner, scope, depth + 1),
            ExprKind::Name(name) => {
                if scope.row.is_some_and(|row| row.column(&name.text, name.span).is_some()) {
                    return false;
                }
                match scope.env.get(&name.text) {
                    Some((Item::Table(_), _)) => true,
                    Some((Item::Lambda(lambda), env)) => self.lambda_is_table(lambda, &env, depth + 1),
                    Some((Item::Scalar(_) | Item::Argument(..) | Item::Broken | Item::Pattern(_), _)) => false,
                    None => {
                        name.text == provided::GET_WATCHLIST_ALIAS || self.context.tables.schema(&name.text).is_some()
                    }
                }
            }
            ExprKind::Call { name, .. } => match scope.env.get(&name.text) {
                Some((Item::Lambda(lambda), env)) => self.lambda_is_table(lambda, &env, depth + 1),
                _ => matches!(
                    name.text.as_str(),
                    "table"
                        | "materialize"
                        | "external_table"
                        | "materialized_view"
                        | provided::GET_WATCHLIST
                        | provided::GET_WATCHLIST_ALIAS
                ),
            },
            ExprKind::Path { .. } | ExprKind::Method { .. } => super::table::is_elsewhere(expr),
            ExprKind::Literal { .. }
            | ExprKind::Element { .. }
            | ExprKind::Unary { .. }
            | ExprKind::Binary { .. }
            | ExprKind::Chain { .. }
            | ExprKind::In { .. }
            | ExprKind::Between { .. }
            | ExprKind::Star
            | ExprKind::Typeof(_)
            | ExprKind::TypeofScalar(_)
            | ExprKind::List(_) => false,
        }
    }

    fn lambda_is_table(&self, lambda: &'q Lambda, env: &Env<'q>, depth: usize) -> bool {
        if depth > 32 {
            return false;
        }
        let mut body = lambda.body.as_ref();
        while let ExprKind::Parenthesised(inner) = &body.kind {
            body = inner;
        }
        if let ExprKind::Name(name) = &body.kind {
            for statement in lambda.statements.iter().rev() {
                if let Statement::Let(one) = statement
                    && one.name.text == name.text
                {
                    return match &one.value {
                        LetValue::Expr(value) => self.is_table_at(value, Scope::bare(env), depth + 1),
                        LetValue::Lambda(inner) => self.lambda_is_table(inner, env, depth + 1),
                    };
                }
            }
            if let Some(parameter) = lambda.parameters.iter().find(|one| one.name.text == name.text) {
                return matches!(parameter.ty, ParameterType::Table { .. });
            }
        }
        self.is_table_at(body, Scope::bare(env), depth + 1)
    }
}

/// Whether a value depends on a row.
pub fn reads_columns(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Column { .. } => true,
        Scalar::Call { args, .. } => args.iter().any(reads_columns),
        Scalar::Literal { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => false,
    }
}

fn least(param: &Param) -> usize {
    match param.occurs {
        Occurs::One => 1,
        Occurs::Optional => 0,
        Occurs::Many { min, .. } => min,
    }
}

fn most(param: &Param) -> usize {
    match param.occurs {
        Occurs::One | Occurs::Optional => 1,
        Occurs::Many { max, .. } => max,
    }
}

/// The parameter that takes the argument at that place among `count`: those before the repeated group by their place,
/// those behind it from the end, and the group in turns.
pub fn parameter(takes: &[Param], at: usize, count: usize) -> Option<&Param> {
    let many = |param: &Param| matches!(param.occurs, Occurs::Many { .. });
    let Some(first) = takes.iter().position(many) else { return takes.get(at) };
    if at < first {
        return takes.get(at);
    }
    let group = takes[first..].iter().take_while(|param| many(param)).count();
    let behind = takes.len() - first - group;
    let from_end = count.checked_sub(at + 1)?;
    if from_end < behind {
        return takes.get(takes.len() - 1 - from_end);
    }
    takes.get(first + (at - first) % group)
}

/// Whether the value is known before the rows are read.
pub fn is_constant(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Literal { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => true,
        Scalar::Column { .. } => false,
        Scalar::Call { args, function, .. } => {
            !matches!(function.eval, Eval::Volatile(_)) && args.iter().all(is_constant)
        }
    }
}

fn kinds(param: &Param) -> String {
    let names: Vec<&str> = param.types.iter().map(Type::name).collect();
    match names.as_slice() {
        [] => "nothing".into(),
        [one] => format!("a {one}"),
        [init @ .., last] => format!("a {} or {last}", init.join(", ")),
    }
}

/// The type of a result.
pub fn gives(gives: Gives, args: &[Scalar], name: &str, span: Span) -> Result<Type, crate::text::Diagnostic> {
    let widest = |from: usize| -> Result<Type, crate::text::Diagnostic> {
        let mut types = args.iter().skip(from).map(Scalar::ty);
        let Some(mut ty) = types.next() else { return Ok(Type::Dynamic) };
        for other in types {
            ty = coerce::common(ty, other).ok_or_else(|| {
                codes::WRONG_TYPE.at(span, format!("`{name}` takes values of one type, not {ty} and {other}"))
            })?;
        }
        Ok(ty)
    };
    match gives {
        Gives::Always(ty) => Ok(ty),
        Gives::SameAs(at) => Ok(args.get(at).map_or(Type::Dynamic, Scalar::ty)),
        Gives::Widest(from) => widest(from),
        Gives::By(rule) => {
            let known: Vec<functions::Arg<'_>> =
                args.iter().map(|arg| functions::Arg { ty: arg.ty(), constant: constant::value_of(arg) }).collect();
            rule(&known).map_err(|words| codes::WRONG_TYPE.at(span, words))
        }
    }
}
