//! `externaldata`: rows from outside, read while the text is being bound.
use super::scope::{Bind, Env, Scope, Table};
use super::{Binder, coerce};
use crate::bind::{Outside, not_allowed};
use crate::functions::dynamics::steps;
use crate::ir::{RelOp, Scalar};
use crate::syntax::kql::ast::{ColumnDecl, Expr, ExprKind, Name};
use crate::text::{Span, codes};
use crate::types::{Schema, Type};
use crate::value::json_text::PlaceOf;
use crate::value::{Json, Value, json};

impl<'q> Binder<'_, 'q> {
    pub fn externaldata(
        &mut self,
        columns: &'q [ColumnDecl],
        urls: &'q [Expr],
        properties: &'q [(Name, Expr)],
        env: &Env<'q>,
    ) -> Bind<Table> {
        let schema = self.declared(columns)?;
        let mut format = None;
        let mut ignore_first = false;
        let mut places = Vec::new();
        for (name, value) in properties {
            match name.text.to_ascii_lowercase().as_str() {
                "format" => format = Some((self.property(value, env)?, value.span)),
                "ignorefirstrecord" => ignore_first = self.property(value, env)?.eq_ignore_ascii_case("true"),
                "ingestionmapping" => {
                    let mapping = self.property(value, env)?;
                    places = match mapped(&mapping, &schema) {
                        Some(places) => places,
                        None => {
                            let message = "a mapping is a JSON array of columns, each with a `Path` or an `Ordinal`";
                            return Err(self.fault(codes::BAD_VALUE.at(value.span, message)));
                        }
                    };
                }
                _ => return Err(self.not_yet(&name.text, name.span)),
            }
        }
        let mut rows = Vec::new();
        for url in urls {
            let address = self.text(url, Scope::bare(env))?;
            let asked = Outside {
                address: &address,
                format: format.as_ref().map(|(format, _)| format.as_str()),
                columns: &schema,
                places: &places,
                ignore_first,
                span: url.span,
            };
            let records = match self.context.data {
                Some(data) => data.outside(&asked),
                None => Err(not_allowed(&address, url.span)),
            };
            for record in self.check(records)? {
                let mut row = Vec::with_capacity(record.len());
                for (value, column) in record.into_iter().zip(&schema.columns) {
                    row.push(self.read_as(value, column.ty, url.span)?);
                }
                rows.push(row);
            }
        }
        if urls.is_empty() {
            let span = format.map_or(Span::default(), |(_, span)| span);
            return Err(self.fault(codes::ARGUMENT_COUNT.at(span, "`externaldata` needs an address")));
        }
        Ok(Table::of(RelOp::Values { rows }, schema))
    }

    /// The value of a property: a word, or a literal.
    fn property(&mut self, value: &'q Expr, env: &Env<'q>) -> Bind<String> {
        if let ExprKind::Name(name) = &value.kind {
            return Ok(name.text.clone());
        }
        let bound = self.scalar(value, Scope::bare(env))?;
        Ok(self.settle(bound, value.span)?.text().into_owned())
    }

    fn read_as(&mut self, value: Value<'static>, ty: Type, span: Span) -> Bind<Value<'static>> {
        let value = match value {
            Value::Null => return Ok(Value::absent(ty)),
            // What a typed file gives has its type already.
            value @ (Value::Bool(_)
            | Value::Int(_)
            | Value::Long(_)
            | Value::Real(_)
            | Value::Decimal(_)
            | Value::Datetime(_)
            | Value::Timespan(_)
            | Value::Guid(_)) => return Ok(value),
            Value::String(text) if ty == Type::String => return Ok(Value::String(text)),
            Value::String(text) => {
                let text = Scalar::literal(Value::String(text), Type::String);
                if ty == Type::Dynamic {
                    self.apply("parse_json", vec![text], span)?
                } else {
                    coerce::convert(text, ty, self.context.now)
                }
            }
            other => coerce::convert(Scalar::literal(other, Type::Dynamic), ty, self.context.now),
        };
        let value = self.settle(value, span)?;
        Ok(if value.is_null() { Value::absent(ty) } else { value })
    }
}

/// Where the records have each column: `[{"Column": "a", "Properties": {"Path": "$.x"}}]`, or `Ordinal` for a place among
/// several; older texts have `column` and `path` without the properties.
fn mapped(mapping: &str, schema: &Schema) -> Option<Vec<PlaceOf>> {
    let Json::Array(entries) = json::parse(mapping)? else { return None };
    let mut places = vec![PlaceOf::Column; schema.len()];
    for entry in entries {
        let entry = entry.as_object()?;
        let member = |wanted: &str| {
            let own = |members: &serde_json::Map<String, Json>| {
                members.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.clone())
            };
            let properties = || entry.get("Properties").or_else(|| entry.get("properties"))?.as_object();
            own(entry).or_else(|| own(properties()?))
        };
        let at = schema.index(member("column")?.as_str()?)?;
        if let Some(path) = member("path") {
            places[at] = PlaceOf::Path(steps(path.as_str()?)?);
        } else if let Some(ordinal) = member("ordinal") {
            let ordinal = ordinal.as_u64().or_else(|| ordinal.as_str()?.parse().ok())?;
            places[at] = PlaceOf::Ordinal(usize::try_from(ordinal).ok()?);
        }
    }
    Some(places)
}
