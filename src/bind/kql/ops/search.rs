//! `search`: a predicate over all columns of several tables.
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, names, ops, ops::union};
use crate::ir::{Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, ExprKind, Operator, Setting};
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use crate::value::Value;

impl<'q> Binder<'_, 'q> {
    pub fn search(
        &mut self,
        input: Option<Table>,
        options: &'q [Setting],
        tables: &'q [Expr],
        predicate: &'q Expr,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let has = match ops::option(options, "kind").and_then(ops::word).as_deref() {
            Some("case_sensitive") => "has_cs",
            _ => "has",
        };
        let everywhere = input.is_none() && tables.is_empty();
        if input.is_some() && !tables.is_empty() {
            let message = "`search in (…)` stands at the head, without a table before it";
            return Err(self.fault(codes::WRONG_PLACE.at(operator.word, message)));
        }
        let mut sources: Vec<Table> = input.into_iter().collect();
        for expr in tables {
            sources.extend(self.union_input(expr, false, env)?);
        }
        let mut named = Vec::new();
        columns_of(predicate, &mut named);
        if everywhere {
            sources = self.all_tables(env)?;
            // A predicate over columns alone cannot hold where there are none of them.
            if !named.is_empty() && !is_loose(predicate) {
                sources.retain(|table| named.iter().any(|name| table.column(name, predicate.span).is_some()));
            }
            if sources.is_empty() {
                sources = self.all_tables(env)?;
            }
        }
        self.widen_union(&sources, operator.word)?;
        self.widen_search(predicate, &sources)?;
        let schemas: Vec<Schema> = sources.iter().map(|table| table.schema().clone()).collect();
        let known = union::unify(&schemas.iter().collect::<Vec<_>>(), false);
        let single = sources.len() == 1;
        let mut found = Vec::with_capacity(sources.len());
        for (at, source) in sources.into_iter().enumerate() {
            let name = source.name.clone().unwrap_or_else(|| format!("search_arg{at}"));
            let stars = source.schema().clone();
            let hidden = source.hidden.clone();
            let source = with_columns(source, &named, &known);
            let scope = Scope::row(env, &source);
            let bound = self.search_predicate(predicate, scope, &stars, has)?;
            if bound.ty() != Type::Bool {
                let ty = bound.ty();
                let message = format!("a bool or a text is expected here, not {ty}");
                return Err(self.fault(codes::WRONG_TYPE.at(predicate.span, message)));
            }
            let filtered = source.over(|input| RelOp::Filter { input, predicate: bound });
            let (rel, _) = filtered.take();
            let mut table = Table::new(crate::bind::kql::scope::select(rel, &stars));
            table.name = Some(name);
            table.hidden = hidden;
            found.push(table);
        }
        if single && let Some(table) = found.pop() {
            return Ok(labelled(table));
        }
        Ok(union::united(found, Some("$table".into()), false, self.context.now))
    }

    /// Refuses at once what would come to too much: every text is looked for in every column.
    pub fn widen_search(&mut self, predicate: &Expr, sources: &[Table]) -> Bind<()> {
        let columns: usize = sources.iter().map(|table| table.schema().len()).sum();
        let before = self.work;
        let fits = self.charge(texts(predicate).saturating_mul(columns).saturating_mul(3), predicate.span);
        self.work = before;
        fits
    }

    /// All tables of the catalogue, and the views of the text.
    pub fn all_tables(&mut self, env: &Env<'q>) -> Bind<Vec<Table>> {
        let all = crate::syntax::kql::ast::Name { text: "*".into(), span: Default::default(), bracketed: false };
        self.matching(&all, env)
    }

    /// In a predicate of search and find a text alone is looked for in all columns.
    pub fn search_predicate(
        &mut self,
        expr: &'q Expr,
        scope: Scope<'_, 'q>,
        stars: &Schema,
        has: &'static str,
    ) -> Bind<Scalar> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.search_predicate(inner, scope, stars, has),
            ExprKind::Chain { op, terms } => {
                let mut bound = Vec::with_capacity(terms.len());
                for term in terms {
                    bound.push((self.search_predicate(term, scope, stars, has)?, term.span));
                }
                self.chain(op, bound, expr.span)
            }
            ExprKind::Binary { op: op @ ("and" | "or"), left, right, op_span } => {
                let left = self.search_predicate(left, scope, stars, has)?;
                let right = self.search_predicate(right, scope, stars, has)?;
                self.operator(op, vec![left, right], *op_span, expr.span)
            }
            ExprKind::Binary { op, left, right, op_span } if matches!(left.kind, ExprKind::Star) => {
                let right = self.scalar(right, scope)?;
                self.any_column_is(op, right, stars, *op_span, expr.span)
            }
            // After a colon (`has` by another spelling) a text is looked for as it is in all columns, with `*` and case.
            ExprKind::Binary { op: "has", left, right, op_span } if op_span.end - op_span.start == 1 => {
                let (left, right) = (self.scalar(left, scope)?, self.scalar(right, scope)?);
                let (op, right) = match right {
                    Scalar::Literal { value: Value::String(text), .. } => {
                        let (op, text) = wanted(&text, has);
                        (op, Scalar::literal(Value::string(text), Type::String))
                    }
                    other => ("has", other),
                };
                self.operator(op, vec![left, right], *op_span, expr.span)
            }
            ExprKind::Call { name, args } if name.text == "not" && args.len() == 1 => {
                let bound = self.search_predicate(&args[0].value, scope, stars, has)?;
                self.apply("not", vec![bound], expr.span)
            }
            ExprKind::Star => Ok(Scalar::literal(Value::Bool(true), Type::Bool)),
            ExprKind::Literal { .. } | ExprKind::Name(_) => {
                let bound = self.scalar(expr, scope)?;
                match bound {
                    Scalar::Literal { value: Value::String(text), .. } => {
                        let (op, text) = wanted(&text, has);
                        let text = Scalar::literal(Value::string(text), Type::String);
                        self.any_column_is(op, text, stars, expr.span, expr.span)
                    }
                    other => Ok(other),
                }
            }
            _ => self.scalar(expr, scope),
        }
    }
}

/// What a text looks for: a term, or with `*` the beginning, the end or a part of one.
fn wanted(text: &str, has: &'static str) -> (&'static str, String) {
    let exact = has.ends_with("_cs");
    let inner = text.trim_matches('*');
    match (text.starts_with('*'), text.ends_with('*')) {
        _ if inner.contains('*') => {
            let parts: Vec<String> = text.split('*').map(regex::escape).collect();
            let case = if exact { "" } else { "(?i)" };
            ("matches regex", format!("{case}\\b{}\\b", parts.join(".*")))
        }
        (false, false) => (has, text.into()),
        (true, true) => (if exact { "contains_cs" } else { "contains" }, inner.into()),
        (false, true) => (if exact { "hasprefix_cs" } else { "hasprefix" }, inner.into()),
        (true, false) => (if exact { "hassuffix_cs" } else { "hassuffix" }, inner.into()),
    }
}

/// The table with `$table` before its columns; that of an earlier search gets a number.
fn labelled(table: Table) -> Table {
    let name = table.name.clone().unwrap_or_default();
    let (rel, rest) = table.take();
    let mut taken = names::Unique::default();
    let mut columns = vec![(taken.name("$table"), Scalar::literal(Value::string(name), Type::String))];
    columns.extend(rest.schema.columns.iter().map(|c| (taken.name(&c.name), Scalar::column(&c.name, c.ty))));
    let schema = Schema::new(columns.iter().map(|(name, scalar)| (name.clone(), scalar.ty())));
    let mut table = rest.change(Rel { op: RelOp::Project { input: Box::new(rel), columns }, schema }, |_| true);
    table.ordered = false;
    table
}

/// The table with the named columns that only other tables have, empty.
pub fn with_columns(table: Table, named: &[String], known: &[union::Unified]) -> Table {
    let missing: Vec<(&String, &union::Unified)> = named
        .iter()
        .filter(|name| table.column(name, Default::default()).is_none())
        .filter_map(|name| {
            let one = known
                .iter()
                .find(|one| one.name == **name)
                .or_else(|| known.iter().find(|one| one.source == **name))?;
            Some((name, one))
        })
        .collect();
    if missing.is_empty() {
        return table;
    }
    let (rel, rest) = table.take();
    let mut schema = rest.schema.clone();
    let mut columns: Vec<(String, Scalar)> =
        schema.columns.iter().map(|c| (c.name.clone(), Scalar::column(&c.name, c.ty))).collect();
    for (name, one) in missing {
        if schema.get(name).is_some() {
            continue;
        }
        let value = match rest.schema.get(&one.source) {
            Some(own) if own.ty == one.ty => Scalar::column(&own.name, own.ty),
            _ => Scalar::literal(Value::absent(one.ty), one.ty),
        };
        columns.push((name.clone(), value));
        schema.columns.push(Column { name: name.clone(), ty: one.ty });
    }
    rest.change(Rel { op: RelOp::Project { input: Box::new(rel), columns }, schema }, |_| true)
}

/// The names that an expression uses, columns among them.
pub fn columns_of(expr: &Expr, names: &mut Vec<String>) {
    let mut open = vec![expr];
    while let Some(one) = open.pop() {
        match &one.kind {
            ExprKind::Name(name) => {
                if !names.contains(&name.text) {
                    names.push(name.text.clone());
                }
            }
            ExprKind::Parenthesised(inner) => open.push(inner),
            ExprKind::Path { base, .. } => open.push(base),
            ExprKind::Element { base, index } => open.extend([base.as_ref(), index.as_ref()]),
            ExprKind::Call { args, .. } | ExprKind::Method { args, .. } => {
                open.extend(args.iter().map(|arg| &arg.value))
            }
            ExprKind::Unary { expr, .. } => open.push(expr),
            ExprKind::Binary { left, right, .. } => open.extend([left.as_ref(), right.as_ref()]),
            ExprKind::Chain { terms, .. } | ExprKind::List(terms) => open.extend(terms),
            ExprKind::In { left, terms, .. } => {
                open.push(left);
                open.extend(terms);
            }
            ExprKind::Between { left, low, high, .. } => open.extend([left.as_ref(), low.as_ref(), high.as_ref()]),
            ExprKind::Literal { .. }
            | ExprKind::Star
            | ExprKind::Typeof(_)
            | ExprKind::TypeofScalar(_)
            | ExprKind::Wildcard(_)
            | ExprKind::Pipe { .. }
            | ExprKind::Source(_)
            | ExprKind::Datatable { .. }
            | ExprKind::Externaldata { .. } => {}
        }
    }
}

/// How many texts a predicate looks for in all columns.
fn texts(expr: &Expr) -> usize {
    match &expr.kind {
        ExprKind::Parenthesised(inner) => texts(inner),
        ExprKind::Chain { terms, .. } => terms.iter().map(texts).sum(),
        ExprKind::Literal { .. } => 1,
        _ => 0,
    }
}

/// Whether a part of a predicate looks into all columns.
pub fn is_loose(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Parenthesised(inner) => is_loose(inner),
        ExprKind::Chain { terms, .. } => terms.iter().any(is_loose),
        ExprKind::Binary { op: "and" | "or", left, right, .. } => is_loose(left) || is_loose(right),
        ExprKind::Binary { left, .. } | ExprKind::In { left, .. } => matches!(left.kind, ExprKind::Star),
        ExprKind::Literal { .. } | ExprKind::Star => true,
        _ => false,
    }
}
