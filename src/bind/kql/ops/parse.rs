//! `parse`, `parse-where`, `parse-kv`.
use crate::bind::kql::names::duplicate;
use crate::bind::kql::scope::{Bind, Env, Scope, Table};
use crate::bind::kql::{Binder, coerce, ops};
use crate::ir::{self, Expander, KvSettings, ParseKind, ParsePattern, Rel, RelOp};
use crate::syntax::kql::ast::{ColumnDecl, Expr, ParsePart, Setting};
use crate::text::codes;
use crate::types::{Column, Type};

impl<'q> Binder<'_, 'q> {
    pub fn parse(
        &mut self,
        input: Table,
        filter: bool,
        options: &'q [Setting],
        expr: &'q Expr,
        pattern: &'q [ParsePart],
        env: &Env<'q>,
    ) -> Bind<Table> {
        let scope = Scope::row(env, &input);
        let bound = self.scalar(expr, scope);
        let kind = match ops::option(options, "kind") {
            None => ParseKind::Simple,
            Some(setting) => match ops::word(setting).as_deref() {
                Some("simple") => ParseKind::Simple,
                Some("relaxed") => ParseKind::Relaxed,
                Some("regex") => ParseKind::Regex,
                _ => return Err(self.bad_option(setting, "`simple`, `relaxed` or `regex`")),
            },
        };
        let flags = ops::option(options, "flags").and_then(ops::word).unwrap_or_default();
        self.few(pattern.len(), "parts of a pattern", expr.span)?;
        let parts = self.pattern(pattern)?;
        let bound = coerce::convert(bound?, Type::String, self.context.now);
        let columns: Vec<Column> = parts
            .iter()
            .filter_map(|part| match part {
                ir::ParsePart::Column(name, ty) => Some(Column { name: name.clone(), ty: *ty }),
                ir::ParsePart::Text(_) | ir::ParsePart::Star => None,
            })
            .collect();
        let pattern = ParsePattern { kind, flags, parts };
        Ok(expanded(input, Expander::Parse { expr: bound, pattern, filter }, columns))
    }

    /// The parts of a pattern; what a part may follow is checked as the reference does.
    fn pattern(&mut self, parts: &[ParsePart]) -> Bind<Vec<ir::ParsePart>> {
        let mut bound: Vec<ir::ParsePart> = Vec::with_capacity(parts.len());
        let mut sound = Ok(());
        for (at, part) in parts.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| parts.get(at));
            match part {
                ParsePart::Text(text, _) => bound.push(ir::ParsePart::Text(text.clone())),
                ParsePart::Star(span) => {
                    if matches!(parts.get(at + 1), Some(ParsePart::Star(_) | ParsePart::Column(..))) {
                        sound = Err(self.fault(codes::SYNTAX.at(*span, "a text must follow `*` in a pattern")));
                    }
                    if matches!(before, Some(ParsePart::Column(_, None | Some(Type::String)))) {
                        sound =
                            Err(self.fault(codes::SYNTAX.at(
                                *span,
                                "where the string before `*` ends cannot be told: a text must stand between",
                            )));
                    }
                    bound.push(ir::ParsePart::Star);
                }
                ParsePart::Column(name, ty) => {
                    if matches!(before, Some(ParsePart::Star(_) | ParsePart::Column(..))) {
                        let message = format!("a text must stand before `{}` in the pattern", name.text);
                        sound = Err(self.fault(codes::SYNTAX.at(name.span, message)));
                    }
                    let repeated =
                        bound.iter().any(|part| matches!(part, ir::ParsePart::Column(known, _) if *known == name.text));
                    if repeated {
                        sound = Err(self.fault(duplicate(&name.text, name.span)));
                    }
                    bound.push(ir::ParsePart::Column(name.text.clone(), ty.unwrap_or(Type::String)));
                }
            }
        }
        sound.map(|()| bound)
    }

    pub fn parse_kv(
        &mut self,
        input: Table,
        expr: &'q Expr,
        columns: &'q [ColumnDecl],
        options: &'q [Setting],
        env: &Env<'q>,
    ) -> Bind<Table> {
        let scope = Scope::row(env, &input);
        let bound = self.scalar(expr, scope)?;
        let bound = coerce::convert(bound, Type::String, self.context.now);
        let schema = self.declared(columns)?;
        let mut settings = KvSettings::default();
        for setting in options {
            let text = |binder: &mut Self| binder.text(&setting.value, Scope::bare(env));
            match setting.name.text.as_str() {
                "pair_delimiter" => settings.pair_delimiter = Some(text(self)?),
                "kv_delimiter" => settings.kv_delimiter = Some(text(self)?),
                "quote" => {
                    let given = text(self)?;
                    let mut chars = given.chars();
                    match (chars.next(), chars.next()) {
                        (Some(open), None) => settings.quote.push((open, open)),
                        (Some(open), Some(close)) => settings.quote.push((open, close)),
                        (None, _) => {}
                    }
                }
                "escape" => settings.escape = text(self)?.chars().next(),
                "greedy" => settings.greedy = ops::word(setting).is_some_and(|word| word.eq_ignore_ascii_case("true")),
                "regex" => settings.regex = Some(text(self)?),
                other => {
                    let known = ["pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"];
                    let fault = codes::UNKNOWN_PARAMETER
                        .at(setting.name.span, format!("`parse-kv` has no setting `{other}`"))
                        .nearest(other, known);
                    return Err(self.fault(fault));
                }
            }
        }
        let pairs = schema.columns.iter().map(|column| (column.name.clone(), column.ty)).collect();
        Ok(expanded(input, Expander::ParseKv { expr: bound, columns: pairs, settings }, schema.columns))
    }
}

/// The rows through an expander that gives these columns: in place where they are there, else behind.
pub fn expanded(input: Table, expander: Expander, columns: Vec<Column>) -> Table {
    let (rel, rest) = input.take();
    let mut schema = rest.schema.clone();
    for column in columns {
        match schema.columns.iter_mut().find(|known| known.name == column.name) {
            Some(known) => known.ty = column.ty,
            None => schema.columns.push(column),
        }
    }
    rest.change(Rel { op: RelOp::Expand { input: Box::new(rel), expander }, schema }, |_| true)
}
