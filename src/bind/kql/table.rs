//! Expressions that give a table: names, calls, pipelines.
use super::calls::{NEEDS_DATA, is_absent};
use super::scope::{Bind, Env, Hidden, Item, Reported, Scope, Table};
use super::{Binder, coerce, pattern};
use crate::bind::provided;
use crate::catalog;
use crate::functions;
use crate::ir::{Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Arg, ColumnDecl, Expr, ExprKind, Lambda, Name, Operator};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;

/// The column of a watchlist by which its rows are looked up.
const SEARCH_KEY: &str = "SearchKey";

/// Words that a part of another database or cluster is reached by.
const ELSEWHERE: &[&str] = &["database", "cluster", "workspace", "app", "adx", "arg"];

impl<'q> Binder<'_, 'q> {
    /// The table that an expression stands for.
    pub fn table(&mut self, expr: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        let table = self.relation(expr, env)?;
        self.only_table(table, expr.span)
    }

    /// The table or the graph that an expression stands for.
    pub fn relation(&mut self, expr: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        self.enter(expr.span)?;
        self.tables += 1;
        let bound = self.table_within(expr, env);
        self.tables -= 1;
        self.leave();
        bound
    }

    fn table_within(&mut self, expr: &'q Expr, env: &Env<'q>) -> Bind<Table> {
        if let Some(one) = pattern::used(expr, env) {
            return self.pattern_table(one, expr.span, env);
        }
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.relation(inner, env),
            ExprKind::Name(name) => self.named_table(name, env),
            ExprKind::Pipe { source, operators } => {
                let input = self.relation(source, env)?;
                self.pipe(input, operators, env)
            }
            ExprKind::Source(operator) => self.source(operator, env),
            ExprKind::Call { name, args } => self.table_call(name, args, expr.span, env),
            ExprKind::Path { base, name } if elsewhere(base) => self.stored(name),
            ExprKind::Method { base, name, args } if elsewhere(base) && !ELSEWHERE.contains(&name.text.as_str()) => {
                self.table_call(name, args, expr.span, env)
            }
            ExprKind::Datatable { columns, values } => self.datatable(columns, values, expr.span, env),
            ExprKind::Externaldata { columns, urls, properties } => self.externaldata(columns, urls, properties, env),
            ExprKind::Wildcard(name) => {
                let mut tables = self.matching(name, env)?;
                match (tables.pop(), tables.is_empty()) {
                    (Some(only), true) => Ok(only),
                    _ => Err(self.fault(codes::WRONG_PLACE.at(name.span, "a pattern cannot stand here"))),
                }
            }
            ExprKind::Literal { .. }
            | ExprKind::Path { .. }
            | ExprKind::Method { .. }
            | ExprKind::Element { .. }
            | ExprKind::Unary { .. }
            | ExprKind::Binary { .. }
            | ExprKind::Chain { .. }
            | ExprKind::In { .. }
            | ExprKind::Between { .. }
            | ExprKind::Star
            | ExprKind::Typeof(_)
            | ExprKind::TypeofScalar(_)
            | ExprKind::List(_) => Err(self.fault(codes::NOT_TABULAR.at(expr.span, "a table is expected here"))),
        }
    }

    fn named_table(&mut self, name: &'q Name, env: &Env<'q>) -> Bind<Table> {
        match env.get(&name.text) {
            Some((Item::Table(table), _)) => {
                self.spend(&table.rel, name.span)?;
                Ok(table.as_ref().clone())
            }
            Some((Item::Lambda(lambda), made_in)) => {
                let mut table = self.lambda_table(lambda, &made_in, None, &[], name.span, env)?;
                if lambda.view {
                    table.name = Some(name.text.clone());
                }
                Ok(table)
            }
            Some((Item::Broken, _)) => Err(Reported),
            Some((Item::Scalar(_) | Item::Argument(..) | Item::Pattern(_), _)) => {
                let message = format!("`{}` is a single value, and a table is expected here", name.text);
                Err(self.fault(codes::NOT_TABULAR.at(name.span, message)))
            }
            None if name.text == provided::GET_WATCHLIST_ALIAS => Ok(self.watchlist_names()),
            None => self.stored_or(name, env),
        }
    }

    /// The rows of a watchlist; its key is the column of that name, else the first.
    fn watchlist(&mut self, list: &str, span: Span) -> Bind<Table> {
        let names = provided::watchlists(self.context.tables);
        let name = names
            .iter()
            .find(|name| *name == list)
            .or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(list)));
        let stored = name.and_then(|name| self.catalogued(&format!("{}{name}", catalog::WATCHLIST), span));
        let Some(table) = stored else {
            let fault = codes::NEEDS_DATA.at(span, format!("no watchlist is named `{list}`"));
            let fault = match crate::text::nearest::nearest(list, names.iter().map(String::as_str)) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("give it with `sighthound ingest FILE.csv --watchlist {list}`")),
            };
            return Err(self.fault(fault));
        };
        let table = Table { name: None, ..table };
        let first = table.schema().columns.first().cloned();
        let (Some(key), None) = (first, table.schema().get(SEARCH_KEY)) else { return Ok(table) };
        let (rel, _) = table.take();
        let mut schema = rel.schema.clone();
        let mut columns: Vec<(String, Scalar)> = schema
            .columns
            .iter()
            .map(|column| (column.name.clone(), Scalar::column(&column.name, column.ty)))
            .collect();
        let value = coerce::convert(Scalar::column(&key.name, key.ty), Type::String, self.context.now);
        columns.push((SEARCH_KEY.into(), value));
        schema.columns.push(Column { name: SEARCH_KEY.into(), ty: Type::String });
        Ok(Table::of(RelOp::Project { input: Box::new(rel), columns }, schema))
    }

    fn watchlist_names(&self) -> Table {
        let rows =
            provided::watchlists(self.context.tables).into_iter().map(|name| vec![Value::string(name)]).collect();
        Table::of(RelOp::Values { rows }, Schema::new([("WatchlistAlias", Type::String)]))
    }

    /// A table of the catalogue.
    fn stored(&mut self, name: &Name) -> Bind<Table> {
        self.stored_or(name, &Env::new())
    }

    fn stored_or(&mut self, name: &Name, env: &Env<'q>) -> Bind<Table> {
        match self.catalogued(&name.text, name.span) {
            Some(table) => Ok(table),
            None => {
                let mut known = self.context.tables.names();
                known.extend(env.names());
                Err(self.fault(
                    codes::UNKNOWN_TABLE
                        .at(name.span, format!("no table is named `{}`", name.text))
                        .nearest(&name.text, known.iter().map(String::as_str)),
                ))
            }
        }
    }

    pub fn catalogued(&self, name: &str, span: Span) -> Option<Table> {
        let schema = self.context.tables.schema(name)?;
        let rel = Rel { op: RelOp::Table { name: name.into(), span }, schema: schema.as_ref().clone() };
        let hidden = self.context.tables.hidden(name).into_iter();
        let hidden = hidden.map(|(name, source, ty)| Hidden { name, source, ty }).collect();
        Some(Table { hidden, name: Some(name.into()), ..Table::new(rel) })
    }

    /// The tables whose names a pattern matches.
    pub fn matching(&mut self, pattern: &Name, env: &Env<'q>) -> Bind<Vec<Table>> {
        let mut tables = Vec::new();
        let mut names = self.context.tables.names();
        names.sort();
        for name in names {
            if matches(&pattern.text, &name) {
                tables.extend(self.catalogued(&name, pattern.span));
            }
        }
        for name in env.names() {
            if !matches(&pattern.text, &name) {
                continue;
            }
            if let Some((Item::Lambda(lambda), made_in)) = env.get(&name)
                && lambda.view
            {
                let mut table = self.lambda_table(lambda, &made_in, None, &[], pattern.span, env)?;
                table.name = Some(name);
                tables.push(table);
            }
        }
        if tables.is_empty() {
            let message = format!("no table's name matches `{}`", pattern.text);
            return Err(self.fault(codes::UNKNOWN_TABLE.at(pattern.span, message)));
        }
        Ok(tables)
    }

    fn table_call(&mut self, name: &'q Name, args: &'q [Arg], span: Span, env: &Env<'q>) -> Bind<Table> {
        match env.get(&name.text) {
            Some((Item::Lambda(lambda), made_in)) => {
                return self.lambda_table(lambda, &made_in, None, args, span, env);
            }
            Some((Item::Broken, _)) => return Err(Reported),
            Some((Item::Scalar(_) | Item::Argument(..) | Item::Table(_) | Item::Pattern(_), _)) | None => {}
        }
        match (name.text.as_str(), args) {
            ("materialize", [arg]) => {
                let table = self.table(&arg.value, env)?;
                Ok(self.shared(table))
            }
            ("table", [arg, ..]) => {
                let text = self.text(&arg.value, Scope::bare(env))?;
                let name = Name { text, span: arg.value.span, bracketed: false };
                match env.get(&name.text) {
                    Some((Item::Table(table), _)) => {
                        self.spend(&table.rel, span)?;
                        Ok(table.as_ref().clone())
                    }
                    _ => self.stored_or(&name, env),
                }
            }
            // A table that is attached is what the language calls external.
            ("external_table", [arg, ..]) => {
                let text = self.text(&arg.value, Scope::bare(env))?;
                match self.catalogued(&text, arg.value.span) {
                    Some(table) => Ok(table),
                    None => Err(self.unknown_function(name)),
                }
            }
            (provided::GET_WATCHLIST, [arg]) => {
                let list = self.text(&arg.value, Scope::bare(env))?;
                self.watchlist(&list, arg.value.span)
            }
            (provided::GET_WATCHLIST_ALIAS, []) => Ok(self.watchlist_names()),
            (provided::GET_WATCHLIST_ALIAS, _) => Err(self.argument_count(name, "no argument")),
            ("materialize" | "table" | provided::GET_WATCHLIST, _) => Err(self.argument_count(name, "1 argument")),
            _ if functions::scalar(&name.text).is_some() || functions::aggregate(&name.text).is_some() => {
                let message = format!("`{}` gives a single value, and a table is expected here", name.text);
                Err(self.fault(codes::NOT_TABULAR.at(span, message)))
            }
            (known, _) if is_absent(known) => Err(self.unknown_function(name)),
            (known, _) if NEEDS_DATA.iter().any(|(name, ..)| *name == known) => Err(self.unknown_function(name)),
            _ => {
                let tables = self.context.tables.names();
                let message = format!("no table and no function that gives one is named `{}`", name.text);
                let fault = codes::UNKNOWN_TABLE.at(name.span, message);
                Err(self.fault(fault.nearest(&name.text, tables.iter().map(String::as_str))))
            }
        }
    }

    /// The table that a call of a lambda gives; `piped` is its first argument (`invoke`).
    pub fn lambda_table(
        &mut self,
        lambda: &'q Lambda,
        made_in: &Env<'q>,
        piped: Option<Table>,
        args: &'q [Arg],
        span: Span,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let next_column = std::mem::replace(&mut self.next_column, 1);
        self.enter(span)?;
        let bound = self
            .lambda(lambda, made_in, piped, args, span, Scope::bare(env))
            .and_then(|inner| self.within(lambda, span, |binder| binder.relation(&lambda.body, &inner)));
        self.leave();
        self.next_column = next_column;
        bound
    }

    /// A table through operators, one after the other.
    pub fn pipe(&mut self, input: Table, operators: &'q [Operator], env: &Env<'q>) -> Bind<Table> {
        if let Some(past) = operators.get(super::MOST_STAGES) {
            let message = format!("more than {} operators follow each other", super::MOST_STAGES);
            let fault = codes::TOO_LONG.at(past.word, message).help("do more in each: `where a and b`, `extend x, y`");
            return Err(self.fault(fault));
        }
        let mut table = input;
        for operator in operators {
            self.widen(table.schema(), operator.word)?;
            self.enter(operator.word)?;
            let next = self.operate(table, operator, env);
            self.leave();
            table = next?;
        }
        Ok(table)
    }

    fn datatable(&mut self, columns: &'q [ColumnDecl], values: &'q [Expr], span: Span, env: &Env<'q>) -> Bind<Table> {
        let schema = self.declared(columns)?;
        if schema.is_empty() || !values.len().is_multiple_of(schema.len()) {
            return Err(self.fault(
                codes::ARGUMENT_COUNT
                    .at(span, format!("{} values do not fill rows of {} columns", values.len(), schema.len())),
            ));
        }
        let mut rows: Vec<Vec<Value<'static>>> = Vec::with_capacity(values.len() / schema.len());
        let mut sound = Ok(());
        for row in values.chunks(schema.len()) {
            let mut cells = Vec::with_capacity(row.len());
            for (expr, column) in row.iter().zip(&schema.columns) {
                match self.cell(expr, column.ty, env) {
                    Ok(value) => cells.push(value),
                    Err(fault) => sound = Err(fault),
                }
            }
            rows.push(cells);
        }
        sound?;
        Ok(Table::of(RelOp::Values { rows }, schema))
    }

    /// A value of a datatable as its column's type: a literal of another type is read as this one.
    fn cell(&mut self, expr: &'q Expr, ty: Type, env: &Env<'q>) -> Bind<Value<'static>> {
        let bound = self.scalar(expr, Scope::bare(env))?;
        let from = bound.ty();
        let value = if from == ty {
            bound
        } else if ty == Type::Dynamic && from == Type::String {
            self.apply("parse_json", vec![bound], expr.span)?
        } else {
            super::coerce::convert(bound, ty, self.context.now)
        };
        let value = self.settle(value, expr.span)?;
        Ok(if value.is_null() { Value::absent(ty) } else { value })
    }

    /// Declared columns as a schema.
    pub fn declared(&mut self, columns: &[ColumnDecl]) -> Bind<Schema> {
        if let Some(first) = columns.first() {
            self.few(columns.len(), "columns", first.name.span)?;
        }
        let mut schema = Schema::default();
        for column in columns {
            if schema.get(&column.name.text).is_some() {
                return Err(self.fault(super::names::duplicate(&column.name.text, column.name.span)));
            }
            schema.columns.push(crate::types::Column { name: column.name.text.clone(), ty: column.ty });
        }
        Ok(schema)
    }

    /// A column by its name, hidden ones included.
    pub fn named_column(&mut self, table: &Table, name: &Name, env: &Env<'q>) -> Bind<Scalar> {
        match table.column(&name.text, name.span) {
            Some(column) => Ok(column),
            None => Err(self.unknown_column(name, Scope::row(env, table))),
        }
    }
}

fn elsewhere(base: &Expr) -> bool {
    match &base.kind {
        ExprKind::Call { name, .. } => ELSEWHERE.contains(&name.text.as_str()),
        ExprKind::Method { base, name, .. } => ELSEWHERE.contains(&name.text.as_str()) && elsewhere(base),
        _ => false,
    }
}

/// Whether an expression is that of a table of another database.
pub fn is_elsewhere(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Path { base, .. } => elsewhere(base),
        ExprKind::Method { base, name, .. } => elsewhere(base) && !ELSEWHERE.contains(&name.text.as_str()),
        _ => false,
    }
}

/// Whether a result statement can only mean a table: then an unknown name is one of a table.
pub fn names_a_table(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Parenthesised(inner) => names_a_table(inner),
        ExprKind::Name(_) | ExprKind::Wildcard(_) => true,
        _ => false,
    }
}

/// Whether a name matches a pattern in which `*` stands for any letters.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
