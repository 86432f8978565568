//! `project`, `project-away`, `project-keep`, `project-rename`, `project-reorder`.
use crate::bind::kql::columns::project;
use crate::bind::kql::names::{Output, Projection, Style, duplicate};
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, table};
use crate::ir::Scalar;
use crate::syntax::kql::ast::{Expr, ExprKind, Named, Pattern, ReorderBy};
use crate::text::{Diagnostic, Span, codes};
use crate::types::Schema;
use crate::value::{Json, Value};
use std::cmp::Ordering;

impl<'q> Binder<'_, 'q> {
    pub fn project(&mut self, input: Table, columns: &'q [Named], env: &Env<'q>) -> Bind<Table> {
        if let Some(first) = columns.first() {
            self.few(columns.len(), "columns", first.expr.span)?;
        }
        let (outputs, windows) = self.over_rows(&input, env, |binder, scope| {
            let mut projection = Projection::default();
            binder.project_all(columns, scope, Style::Project, &mut projection)?;
            Ok(projection.outputs)
        })?;
        let (rel, rest) = input.take();
        let same: Vec<String> = outputs
            .iter()
            .filter(|one| matches!(&one.scalar, Scalar::Column { name, .. } if *name == one.name))
            .map(|one| one.name.clone())
            .collect();
        let rel = project(windows.wrap(rel), outputs);
        let mut table = rest.change(rel, |source| same.iter().any(|name| name == source));
        table.open = false;
        Ok(table)
    }

    /// The input's columns that patterns name, in the order of the patterns; each once.
    fn named(&mut self, input: &Table, patterns: &[Pattern], env: &Env<'q>) -> Bind<Vec<String>> {
        if let Some(first) = patterns.first() {
            self.few(patterns.len(), "columns", first.name.span)?;
        }
        let mut names: Vec<String> = Vec::new();
        let mut sound = Ok(());
        for pattern in patterns {
            match self.named_by(input, pattern, env) {
                Ok(found) => {
                    for name in found {
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                }
                Err(fault) => sound = Err(fault),
            }
        }
        sound.map(|()| names)
    }

    fn named_by(&mut self, input: &Table, pattern: &Pattern, env: &Env<'q>) -> Bind<Vec<String>> {
        let name = &pattern.name;
        self.charge(if pattern.wildcard { 2 * input.schema().len() } else { 1 }, name.span)?;
        if !pattern.wildcard {
            return match input.column(&name.text, name.span) {
                Some(Scalar::Column { name, .. }) => Ok(vec![name]),
                _ if input.open => Ok(Vec::new()),
                _ => Err(self.unknown_column(name, Scope::row(env, input))),
            };
        }
        let found: Vec<String> =
            input.schema().names().filter(|known| table::matches(&name.text, known)).map(String::from).collect();
        if found.is_empty() && !input.open {
            let message = format!("no column's name matches `{}`", name.text);
            return Err(self.fault(codes::UNKNOWN_COLUMN.at(name.span, message)));
        }
        Ok(found)
    }

    fn keep(&mut self, input: Table, kept: impl Fn(&str) -> bool) -> Table {
        let names: Vec<String> = input.schema().names().filter(|name| kept(name)).map(String::from).collect();
        arrange(input, &names)
    }

    pub fn project_away(&mut self, input: Table, columns: &[Pattern], env: &Env<'q>) -> Bind<Table> {
        let names = self.named(&input, columns, env)?;
        Ok(self.keep(input, |name| !names.iter().any(|gone| gone == name)))
    }

    pub fn project_keep(&mut self, input: Table, columns: &[Pattern], env: &Env<'q>) -> Bind<Table> {
        let names = self.named(&input, columns, env)?;
        Ok(self.keep(input, |name| names.iter().any(|kept| kept == name)))
    }

    /// The columns that constant texts and arrays of texts name, wildcards among them; what is not there is passed over.
    pub fn project_by_names(&mut self, input: Table, names: &'q [Expr], env: &Env<'q>) -> Bind<Table> {
        let mut wanted: Vec<String> = Vec::new();
        for expr in names {
            let bound = self.scalar(expr, Scope::bare(env))?;
            match self.settle(bound, expr.span)? {
                Value::String(text) => wanted.push(text.into_owned()),
                Value::Dynamic(array) => match array.tree().as_ref() {
                    Json::Array(items) => {
                        wanted.extend(items.iter().filter_map(|item| item.as_str().map(String::from)))
                    }
                    Json::String(text) => wanted.push(text.clone()),
                    _ => return Err(self.fault(no_names(expr.span))),
                },
                _ => return Err(self.fault(no_names(expr.span))),
            }
        }
        let mut found: Vec<String> = Vec::new();
        for pattern in &wanted {
            for name in input.schema().names().filter(|known| table::matches(pattern, known)) {
                if !found.iter().any(|known| known == name) {
                    found.push(name.into());
                }
            }
        }
        Ok(arrange(input, &found))
    }

    pub fn project_rename(&mut self, input: Table, columns: &'q [Named], env: &Env<'q>) -> Bind<Table> {
        let mut outputs: Vec<Output> = Projection::of(input.schema()).outputs;
        let mut declared: Vec<String> = input.schema().names().map(String::from).collect();
        let mut sound = Ok(());
        for named in columns {
            let [new] = named.names.as_slice() else {
                sound = Err(self
                    .fault(codes::SYNTAX.at(named.expr.span, "a renaming is expected here").help("write `new = old`")));
                continue;
            };
            let ExprKind::Name(old) = &named.expr.kind else {
                sound = Err(self.fault(codes::WRONG_TYPE.at(named.expr.span, "a column's name is expected here")));
                continue;
            };
            let Some(Scalar::Column { name: source, .. }) = input.column(&old.text, old.span) else {
                sound = Err(self.unknown_column(old, Scope::row(env, &input)));
                continue;
            };
            if declared.contains(&new.text) {
                sound = Err(self.fault(duplicate(&new.text, new.span)));
                continue;
            }
            if let Some(output) = outputs.iter_mut().find(|one| one.name == source) {
                output.name = new.text.clone();
                declared.push(new.text.clone());
            }
        }
        sound?;
        let (rel, rest) = input.take();
        let same: Vec<String> = outputs
            .iter()
            .filter(|one| matches!(&one.scalar, Scalar::Column { name, .. } if *name == one.name))
            .map(|one| one.name.clone())
            .collect();
        Ok(rest.change(project(rel, outputs), |source| same.iter().any(|name| name == source)))
    }

    pub fn project_reorder(&mut self, input: Table, columns: &[Pattern], env: &Env<'q>) -> Bind<Table> {
        let mut names: Vec<String> = Vec::new();
        let mut plain: Vec<String> = Vec::new();
        let mut sound = Ok(());
        for pattern in columns {
            match self.named_by(&input, pattern, env) {
                Ok(mut found) => {
                    match pattern.order {
                        Some(ReorderBy::Asc | ReorderBy::Desc) => found.sort_by_key(|name| name.to_uppercase()),
                        Some(ReorderBy::GrannyAsc | ReorderBy::GrannyDesc) => {
                            found.sort_by(|a, b| granny(&a.to_uppercase(), &b.to_uppercase()));
                        }
                        None => {}
                    }
                    if let Some(ReorderBy::Desc | ReorderBy::GrannyDesc) = pattern.order {
                        found.reverse();
                    }
                    if !pattern.wildcard && plain.contains(&pattern.name.text) {
                        sound = Err(self.fault(duplicate(&pattern.name.text, pattern.name.span)));
                    } else if !pattern.wildcard {
                        plain.push(pattern.name.text.clone());
                    }
                    for name in found {
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                }
                Err(fault) => sound = Err(fault),
            }
        }
        sound?;
        let rest: Vec<String> =
            input.schema().names().filter(|name| !names.iter().any(|known| known == name)).map(String::from).collect();
        names.extend(rest);
        Ok(arrange(input, &names))
    }
}

fn no_names(span: Span) -> Diagnostic {
    codes::WRONG_TYPE.at(span, "a string or an array of strings is expected here")
}

/// The columns of those names, in that order.
fn arrange(input: Table, names: &[String]) -> Table {
    let (rel, rest) = input.take();
    let schema = Schema { columns: names.iter().filter_map(|name| rel.schema.get(name).cloned()).collect() };
    let rel = crate::bind::kql::scope::select(rel, &schema);
    let known = rest.schema.clone();
    rest.change(rel, |source| known.get(source).is_none() || names.iter().any(|name| name == source))
}

/// Names in order, digits within them as numbers: `a2` before `a10`.
fn granny(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.chars().next(), b.chars().next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
                let (m, n) = (digits(a), digits(b));
                let (x, y) = (a[..m].trim_start_matches('0'), b[..n].trim_start_matches('0'));
                let ordering = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
                if ordering.is_ne() {
                    return ordering;
                }
                (a, b) = (&a[m..], &b[n..]);
            }
            (Some(x), Some(y)) => {
                if x != y {
                    return x.cmp(&y);
                }
                (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            }
        }
    }
}
