//! `$expand`: evidence, and which of it.
use super::expr::{Binder, ITEM, Variable, item};
use super::lambda::each;
use super::sets::{Kind, RELATED};
use super::{filtered, project};
use crate::functions;
use crate::ir::{AggregateCall, JoinColumn, JoinKind, Rel, RelOp, Scalar, Side};
use crate::syntax::odata::ast::{ExpandItem, Expanded, Options};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::{Json, Value};

const EVIDENCE: &str = "evidence";
const ITEMS: &str = "@items";
const OF: &str = "@of";

impl Binder<'_> {
    /// The options of `evidence` if it is expanded.
    pub fn expand<'o>(&self, options: &'o Options) -> Option<&'o Options> {
        let mut found = None;
        for asked in &options.expand {
            let word = asked.path[0].text.to_lowercase();
            let alone = asked.path.len() == 1 && asked.what == Expanded::Entities;
            match self.set.kind {
                Kind::Alerts if alone && (word == EVIDENCE || word == "*") => {
                    self.supported(asked);
                    found = Some(&*asked.options);
                }
                Kind::Alerts if !alone || RELATED.iter().any(|one| one.relation == word) => {
                    let what = if alone { format!("`{word}` in `$expand` is") } else { "this in `$expand` is".into() };
                    self.not_here::<()>(asked.span, &what);
                }
                Kind::Alerts => {
                    let fault =
                        codes::UNKNOWN_COLUMN.at(asked.span, format!("`{}` cannot be expanded", asked.path[0].text));
                    self.fault::<()>(fault.help("expand `evidence`"));
                }
                Kind::Related(_) | Kind::Table | Kind::Applied => {
                    let message = format!("`{}` cannot be expanded", asked.path[0].text);
                    self.fault::<()>(codes::UNKNOWN_COLUMN.at(asked.span, message));
                }
            }
        }
        found
    }

    fn supported(&self, asked: &ExpandItem) {
        let options = &asked.options;
        let not_here = [
            (!options.expand.is_empty(), "`$expand`"),
            (!options.compute.is_empty(), "`$compute`"),
            (!options.apply.is_empty(), "`$apply`"),
            (options.search.is_some(), "`$search`"),
            (!options.aliases.is_empty(), "a parameter"),
        ];
        for (_, word) in not_here.iter().filter(|(given, _)| *given) {
            self.not_here::<()>(asked.span, &format!("{word} within `$expand` is"));
        }
        if options.count == Some(true) && (options.top.is_some() || options.skip.is_some()) {
            self.not_here::<()>(asked.span, "`$count` beside `$top` or `$skip` within `$expand` is");
        }
        for name in &options.unused {
            self.not_here::<()>(name.span, &format!("`{}` is", name.text));
        }
        for selected in &options.select {
            let name = &selected.path[0];
            let known =
                name.text == "*" || crate::catalog::EVIDENCE.iter().any(|key| key.eq_ignore_ascii_case(&name.text));
            if selected.path.len() > 1 || !known {
                let fault = codes::UNKNOWN_COLUMN.at(name.span, format!("`{EVIDENCE}` has no `{}`", name.text));
                self.fault::<()>(fault.nearest(&name.text, crate::catalog::EVIDENCE.iter().copied()));
            }
        }
    }

    /// The rows with only those items, in that order; they themselves are in no order then.
    pub fn narrowed(&self, rows: Rel, options: &Options) -> Option<Rel> {
        let key = self.set.key?;
        let as_asked =
            options.filter.is_none() && options.orderby.is_empty() && options.top.is_none() && options.skip.is_none();
        if as_asked {
            return Some(rows);
        }
        *self.variable.borrow_mut() = Some(Variable { name: String::new(), property: EVIDENCE.into() });
        let such = options.filter.as_ref().map(|filter| self.predicate(filter));
        let keys = self.sort_keys(&options.orderby);
        *self.variable.borrow_mut() = None;
        let few = project(
            rows.clone(),
            vec![
                (OF.into(), Scalar::column(key, Type::String)),
                (EVIDENCE.into(), Scalar::column(EVIDENCE, Type::Dynamic)),
            ],
        );
        let mut schema = Schema::new([(OF, Type::String), (EVIDENCE, Type::Dynamic)]);
        schema.columns.push(Column { name: ITEM.into(), ty: Type::Dynamic });
        let mut body = Rel { op: RelOp::Each, schema };
        if let Some(such) = such {
            body = filtered(body, such?);
        }
        let schema = body.schema.clone();
        if !keys.is_empty() {
            body = Rel { op: RelOp::Sort { input: Box::new(body), keys }, schema: schema.clone() };
        }
        if let Some(count) = options.skip.filter(|count| *count > 0) {
            body = Rel { op: RelOp::Skip { input: Box::new(body), count }, schema: schema.clone() };
        }
        if let Some(count) = options.top {
            body = Rel { op: RelOp::Take { input: Box::new(body), count }, schema };
        }
        let list = AggregateCall {
            aggregate: functions::aggregate("make_list")?,
            args: vec![item()],
            outputs: vec![(ITEMS.into(), Type::Dynamic)],
            span: Span::default(),
        };
        let made = Schema::new([(ITEMS, Type::Dynamic)]);
        let body =
            Rel { op: RelOp::Summarize { input: Box::new(body), by: vec![], aggregates: vec![list] }, schema: made };
        let schema = Schema::new([(OF, Type::String), (EVIDENCE, Type::Dynamic), (ITEMS, Type::Dynamic)]);
        let expander = each(Scalar::column(EVIDENCE, Type::Dynamic));
        let op = RelOp::Apply { input: Box::new(few), expander, body: Box::new(body) };
        let lists = Rel { op, schema };
        let joined = beside(rows, lists, key);
        let columns = joined
            .schema
            .columns
            .iter()
            .filter(|column| column.name != ITEMS)
            .map(|column| {
                let scalar = if column.name == EVIDENCE {
                    let none = Scalar::literal(Value::json(Json::Array(vec![])), Type::Dynamic);
                    self.plain("coalesce", vec![Scalar::column(ITEMS, Type::Dynamic), none])?
                } else {
                    Scalar::column(column.name.clone(), column.ty)
                };
                Some((column.name.clone(), scalar))
            })
            .collect::<Option<_>>()?;
        Some(project(joined, columns))
    }
}

/// The rows with the list of each beside them.
fn beside(rows: Rel, lists: Rel, key: &str) -> Rel {
    let mut schema = rows.schema.clone();
    let mut output: Vec<JoinColumn> =
        schema.names().map(|name| JoinColumn { name: name.into(), side: Side::Left, source: name.into() }).collect();
    output.push(JoinColumn { name: ITEMS.into(), side: Side::Right, source: ITEMS.into() });
    schema.columns.push(Column { name: ITEMS.into(), ty: Type::Dynamic });
    let on = vec![(Scalar::column(key, Type::String), Scalar::column(OF, Type::String))];
    let kind = JoinKind::LeftOuter;
    Rel { op: RelOp::Join { left: Box::new(rows), right: Box::new(lists), kind, on, output }, schema }
}
