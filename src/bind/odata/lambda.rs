//! `any` and `all`: conditions on the items of a collection.
use super::expr::{Binder, ITEM, Variable, long};
use super::{among, filtered, set_of};
use crate::ir::{Expander, Rel, RelOp, Scalar};
use crate::syntax::odata::ast::{Expr, Name};
use crate::text::{Span, codes};
use crate::types::{Column, Type};
use crate::value::Value;

/// Each is a look through all items of its own.
const MOST: usize = 100;

impl Binder<'_> {
    /// `evidence/any(e: …)`: the entity is among those with such an item; `all`: among none with another item.
    pub fn lambda(
        &self,
        collection: Scalar,
        property: &str,
        all: bool,
        body: Option<&(Name, Box<Expr>)>,
        span: Span,
    ) -> Option<Scalar> {
        let word = if all { "all" } else { "any" };
        let length = self.call("array_length", vec![collection.clone()], span)?;
        let some = self.call(">", vec![length, long(0)], span)?;
        let none = Scalar::literal(Value::Bool(false), Type::Bool);
        let Some((variable, body)) = body else { return self.call("coalesce", vec![some, none], span) };
        self.lambdas.set(self.lambdas.get() + 1);
        if self.lambdas.get() > MOST {
            return self.give_up(codes::TOO_LONG.at(span, format!("more than {MOST} conditions with `any` or `all`")));
        }
        let nested = self.variable.borrow().is_some();
        let (Some(key), Some(source), false) = (self.set.key, &self.source, nested) else {
            let fault = codes::NOT_YET.at(span, format!("`{property}/{word}(…)` is not here yet in this place"));
            return self.fault(fault.help("filter alerts by it in `$filter`, or hunt in KQL"));
        };
        *self.variable.borrow_mut() = Some(Variable { name: variable.text.clone(), property: property.to_owned() });
        let such = self.predicate(body);
        *self.variable.borrow_mut() = None;
        let mut such = such?;
        if all {
            // An item of which it is not known is one of which it does not hold.
            let holds = self.call("coalesce", vec![such, none], span)?;
            such = self.call("not", vec![holds], span)?;
        }
        let found = among(key, &set_of(filtered(items(filtered(source.clone(), some), collection), such), key));
        if all { self.call("not", vec![found], span) } else { Some(found) }
    }
}

/// A row for each item of a collection.
fn items(input: Rel, collection: Scalar) -> Rel {
    let mut schema = input.schema.clone();
    schema.columns.push(Column { name: ITEM.into(), ty: Type::Dynamic });
    Rel { op: RelOp::Expand { input: Box::new(input), expander: each(collection) }, schema }
}

/// One item of a collection at a time.
pub fn each(collection: Scalar) -> Expander {
    Expander::MvExpand {
        columns: vec![(ITEM.into(), collection, Type::Dynamic)],
        index: None,
        array_bags: false,
        limit: None,
    }
}
