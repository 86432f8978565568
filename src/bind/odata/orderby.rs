//! `$orderby`: sort keys, and what makes an order total so that pages do not overlap.
use super::alerts::call;
use super::expr::Binder;
use crate::ir::{Scalar, SortKey};
use crate::syntax::odata::ast::OrderBy;
use crate::text::codes;
use crate::types::Type;
use crate::value::Value;

impl Binder<'_> {
    pub fn sort_keys(&self, asked: &[OrderBy]) -> Vec<SortKey> {
        let mut keys: Vec<SortKey> = Vec::new();
        for key in asked {
            let Some(expr) = self.scalar(&key.expr) else { continue };
            match sortable(expr) {
                Some(expr) => keys.push(SortKey { expr, descending: key.descending, nulls_first: !key.descending }),
                None => {
                    let fault = codes::WRONG_TYPE.at(key.expr.span, "a dynamic value has no order");
                    self.fault::<()>(fault.help("order by a property within it"));
                }
            }
        }
        keys
    }

    /// Newest first where nothing else is asked; then what tells entities apart, so that pages do not overlap.
    pub fn keys(&self, asked: &[OrderBy]) -> Vec<SortKey> {
        let mut keys = self.sort_keys(asked);
        if let (true, Some(time)) = (keys.is_empty(), self.set.newest) {
            keys.push(SortKey { expr: Scalar::column(time, Type::Datetime), descending: true, nulls_first: false });
        }
        for expr in self.apart() {
            if keys.iter().all(|key| key.expr != expr) {
                keys.push(SortKey { expr, descending: false, nulls_first: true });
            }
        }
        keys
    }

    /// What tells entities of the set apart: the key; of rows all that they have.
    fn apart(&self) -> Vec<Scalar> {
        let column = |name: &str| {
            let column = self.set.properties.get(name)?;
            sortable(Scalar::column(column.name.clone(), column.ty))
        };
        if let Some(key) = self.set.key {
            return column(key).into_iter().collect();
        }
        let mut keys: Vec<Scalar> = ["ReportId", "DeviceId", "AlertId"].into_iter().filter_map(column).collect();
        let mut args = vec![Scalar::literal(Value::string("\u{1}"), Type::String)];
        let all = self.set.properties.columns.iter();
        args.extend(
            all.filter_map(|column| self.plain("tostring", vec![Scalar::column(column.name.clone(), column.ty)])),
        );
        // One column more than a name for it makes a list of texts.
        if args.len() == 2 {
            args.push(Scalar::literal(Value::string(""), Type::String));
        }
        let whole = self.plain("strcat_delim", args);
        keys.extend(whole.and_then(|whole| self.plain("hash_sha1", vec![whole])));
        keys
    }
}

/// In a type whose values can be compared and kept in a token; `None` for what has no order.
pub fn sortable(scalar: Scalar) -> Option<Scalar> {
    match scalar.ty() {
        Type::String | Type::Long | Type::Datetime | Type::Timespan => Some(scalar),
        // What is no number has no place among them.
        Type::Real => {
            let none = call("isnan", vec![scalar.clone()], Type::Bool)?;
            call("iff", vec![none, Scalar::literal(Value::Null, Type::Real), scalar], Type::Real)
        }
        Type::Bool | Type::Int => call("tolong", vec![scalar], Type::Long),
        Type::Decimal => call("todouble", vec![scalar], Type::Real),
        Type::Guid => call("tostring", vec![scalar], Type::String),
        Type::Dynamic => None,
    }
}
