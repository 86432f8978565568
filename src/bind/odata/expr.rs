//! Filters and orders of request lines, property by property of a set.
use super::super::alerts::call;
use super::sets::{Kind, Set};
use super::{among, filtered, set_of};
use crate::catalog::EVIDENCE;
use crate::functions;
use crate::ir::{Expander, Rel, RelOp, Scalar, SortKey};
use crate::syntax::odata::ast::{Expr, ExprKind, Literal, Name, Options};
use crate::text::{Diagnostic, Diagnostics, Span, codes};
use crate::types::{Column, Type};
use crate::value::Value;
use std::cell::RefCell;

/// The column with one item of a collection.
const ITEM: &str = "@item";

/// The keys of what a property holds, where they are known: in any letter case, and no others.
fn known_keys(property: &str) -> Option<&'static [&'static str]> {
    Some(match property {
        "evidence" => EVIDENCE,
        "comments" => &["comment", "createdBy", "createdTime"],
        "relatedUser" => &["userName", "domainName"],
        _ => return None,
    })
}

/// Whether a lambda stands anywhere in it.
pub fn has_lambda(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Lambda { .. } => true,
        ExprKind::Literal(_) | ExprKind::Path(_) => false,
        ExprKind::Not(inner) | ExprKind::Negate(inner) => has_lambda(inner),
        ExprKind::Binary { left, right, .. } => has_lambda(left) || has_lambda(right),
        ExprKind::Call { args: all, .. } | ExprKind::Chain { terms: all, .. } => all.iter().any(has_lambda),
        ExprKind::In { left, list } => has_lambda(left) || list.iter().any(has_lambda),
    }
}

/// The variable of a lambda, and the property whose items it stands for.
#[derive(Clone, Debug)]
struct Variable {
    name: String,
    property: String,
}

/// Binds to the properties of a set, and collects the faults of a request line.
pub struct Binder<'s> {
    pub set: &'s Set,
    /// The rows that lambdas look through.
    pub source: Option<Rel>,
    variable: RefCell<Option<Variable>>,
    faults: RefCell<Diagnostics>,
}

impl<'s> Binder<'s> {
    pub fn new(set: &'s Set) -> Binder<'s> {
        Binder { set, source: None, variable: RefCell::default(), faults: RefCell::default() }
    }

    /// What was found wrong so far, or this.
    pub fn faults_or<T>(&self, good: T) -> Result<T, Diagnostics> {
        let faults = self.faults.take();
        if faults.is_empty() { Ok(good) } else { Err(faults) }
    }

    /// A function on arguments that are known to fit it.
    pub fn plain(&self, name: &str, args: Vec<Scalar>) -> Option<Scalar> {
        self.call(name, args, Span::default())
    }

    pub fn fault<T>(&self, fault: Diagnostic) -> Option<T> {
        self.faults.borrow_mut().push(fault);
        None
    }

    pub fn predicate(&self, expr: &Expr) -> Option<Scalar> {
        let scalar = self.scalar(expr)?;
        if scalar.ty() == Type::Bool {
            return Some(scalar);
        }
        let message = format!("a filter is a truth value, this is a {}", scalar.ty());
        self.fault(codes::WRONG_TYPE.at(expr.span, message))
    }

    fn named(&self, name: &Name) -> Option<&'s Column> {
        self.set.property(&name.text).or_else(|| {
            let message = format!("`{}` have no property `{}`", self.set.name, name.text);
            self.fault(codes::UNKNOWN_COLUMN.at(name.span, message).nearest(&name.text, self.set.properties.names()))
        })
    }

    /// Newest first where nothing else is asked; then what tells entities apart, so that pages do not overlap.
    pub fn keys(&self, options: &Options) -> Vec<SortKey> {
        let mut keys: Vec<SortKey> = Vec::new();
        for key in &options.orderby {
            let Some(expr) = self.scalar(&key.expr) else { continue };
            match sortable(expr) {
                Some(expr) => keys.push(SortKey { expr, descending: key.descending, nulls_first: !key.descending }),
                None => {
                    let fault = codes::WRONG_TYPE.at(key.expr.span, "a dynamic value has no order");
                    self.fault::<()>(fault.help("order by a property within it"));
                }
            }
        }
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

    /// What tells entities of the set apart: the key; of rows their report's id with its device, or else all that they
    /// have.
    fn apart(&self) -> Vec<Scalar> {
        let column = |name: &str| {
            let column = self.set.properties.get(name)?;
            sortable(Scalar::column(column.name.clone(), column.ty))
        };
        if let Some(key) = self.set.key {
            return column(key).into_iter().collect();
        }
        let mut keys: Vec<Scalar> = ["ReportId", "DeviceId", "AlertId"].into_iter().filter_map(column).collect();
        if self.set.newest.is_none() || column("ReportId").is_none() {
            let mut args = vec![Scalar::literal(Value::string("\u{1}"), Type::String)];
            args.extend(
                self.set
                    .properties
                    .columns
                    .iter()
                    .filter_map(|column| self.plain("tostring", vec![Scalar::column(column.name.clone(), column.ty)])),
            );
            let whole = self.plain("strcat_delim", args);
            keys.extend(whole.and_then(|whole| self.plain("hash_sha1", vec![whole])));
        }
        keys
    }

    pub fn select(&self, options: &Options) -> Vec<&'s str> {
        if options.select.is_empty() || options.select.iter().any(|name| name.text == "*") {
            return self.set.properties.names().collect();
        }
        let mut selected: Vec<&'s str> = Vec::new();
        for column in options.select.iter().filter_map(|name| self.named(name)) {
            if !selected.contains(&column.name.as_str()) {
                selected.push(&column.name);
            }
        }
        if self.expand(options) && !selected.contains(&"evidence") {
            selected.push("evidence");
        }
        selected
    }

    pub fn expand(&self, options: &Options) -> bool {
        let alerts = matches!(self.set.kind, Kind::Alerts);
        for name in &options.expand {
            if !alerts || !["evidence", "*"].contains(&name.text.to_lowercase().as_str()) {
                let fault = codes::UNKNOWN_COLUMN.at(name.span, format!("`{}` cannot be expanded", name.text));
                self.fault::<()>(if alerts { fault.help("expand `evidence`") } else { fault });
            }
        }
        alerts && options.expand.iter().any(|name| ["evidence", "*"].contains(&name.text.to_lowercase().as_str()))
    }

    fn scalar(&self, expr: &Expr) -> Option<Scalar> {
        match &expr.kind {
            ExprKind::Literal(literal) => Some(self::literal(literal)),
            ExprKind::Path(names) => self.path(names),
            ExprKind::Call { name, args } => self.function(name, args, expr.span),
            ExprKind::Not(inner) => {
                let inner = self.predicate(inner)?;
                self.call("not", vec![inner], expr.span)
            }
            ExprKind::Negate(inner) => {
                let inner = self.scalar(inner)?;
                self.call("unary-", vec![inner], expr.span)
            }
            ExprKind::Binary { op, left, right } => self.binary(op, left, right, expr.span),
            ExprKind::Chain { op, terms } => {
                let bound: Vec<Option<Scalar>> = terms.iter().map(|term| self.predicate(term)).collect();
                self.call(op, bound.into_iter().collect::<Option<_>>()?, expr.span)
            }
            ExprKind::In { left, list } => {
                let left_scalar = self.scalar(left)?;
                let mut args = vec![left_scalar];
                for item in list {
                    let item = self.scalar(item)?;
                    args.push(like(item, args[0].ty()));
                }
                self.call("in", args, expr.span)
            }
            ExprKind::Lambda { path, all, body } => self.lambda(path, *all, body.as_ref(), expr.span),
        }
    }

    /// `evidence/any(e: …)`: the entity is among those with such an item; `all`: among none with another item.
    fn lambda(&self, path: &[Name], all: bool, body: Option<&(Name, Box<Expr>)>, span: Span) -> Option<Scalar> {
        let word = if all { "all" } else { "any" };
        let name = path.first().map_or("", |name| name.text.as_str());
        let collection = match self.raw_path(path)? {
            collection if collection.ty() == Type::Dynamic => collection,
            other => {
                let fault = codes::WRONG_TYPE.at(span, format!("`{name}` is a {} and has no items", other.ty()));
                return self.fault(fault);
            }
        };
        let length = self.call("array_length", vec![collection.clone()], span)?;
        let some = self.call(">", vec![length, Scalar::literal(Value::Long(0), Type::Long)], span)?;
        let Some((variable, body)) = body else { return Some(some) };
        let nested = self.variable.borrow().is_some();
        let (Some(key), Some(source), false) = (self.set.key, &self.source, nested) else {
            let fault = codes::NOT_YET.at(span, format!("`{name}/{word}(…)` is not here yet in this place"));
            return self.fault(fault.help("filter alerts by it in `$filter`, or hunt in KQL"));
        };
        let property = self.set.property(name).map_or(String::new(), |column| column.name.clone());
        *self.variable.borrow_mut() = Some(Variable { name: variable.text.clone(), property });
        let such = self.predicate(body);
        *self.variable.borrow_mut() = None;
        let mut such = such?;
        if all {
            // An item of which it is not known is one of which it does not hold.
            let holds = self.call("coalesce", vec![such, Scalar::literal(Value::Bool(false), Type::Bool)], span)?;
            such = self.call("not", vec![holds], span)?;
        }
        let input = filtered(source.clone(), some);
        let mut schema = input.schema.clone();
        schema.columns.push(Column { name: ITEM.into(), ty: Type::Dynamic });
        let expander = Expander::MvExpand {
            columns: vec![(ITEM.into(), collection, Type::Dynamic)],
            index: None,
            array_bags: false,
            limit: None,
        };
        let items = Rel { op: RelOp::Expand { input: Box::new(input), expander }, schema };
        let found = among(key, &set_of(filtered(items, such), key));
        if all { self.call("not", vec![found], span) } else { Some(found) }
    }

    /// A property, or a text within one: what is in a dynamic value is a text until it meets another type.
    fn path(&self, names: &[Name]) -> Option<Scalar> {
        let found = self.raw_path(names)?;
        let item = matches!(&found, Scalar::Column { name, .. } if name == ITEM);
        if item || matches!(&found, Scalar::Call { .. }) {
            call("tostring", vec![found], Type::String)
        } else {
            Some(found)
        }
    }

    fn raw_path(&self, names: &[Name]) -> Option<Scalar> {
        let (first, rest) = names.split_first()?;
        let variable = self.variable.borrow().clone().filter(|variable| variable.name == first.text);
        let (mut found, property) = match variable {
            Some(variable) => {
                (Scalar::Column { name: ITEM.into(), ty: Type::Dynamic, span: first.span }, variable.property)
            }
            None => {
                let column = self.named(first)?;
                let found = Scalar::Column { name: column.name.clone(), ty: column.ty, span: first.span };
                (found, column.name.clone())
            }
        };
        if let (Some(step), true) = (rest.first(), found.ty() != Type::Dynamic) {
            let message = format!("`{property}` is a {} and has no properties", found.ty());
            return self.fault(codes::WRONG_TYPE.at(step.span, message));
        }
        for (depth, step) in rest.iter().enumerate() {
            let known = known_keys(&property).filter(|_| depth == 0);
            let key = match known {
                None => step.text.as_str(),
                Some(keys) => match keys.iter().find(|key| key.eq_ignore_ascii_case(&step.text)) {
                    Some(key) => key,
                    None => {
                        let message = format!("`{property}` has no `{}`", step.text);
                        let fault = codes::UNKNOWN_COLUMN.at(step.span, message);
                        return self.fault(fault.nearest(&step.text, keys.iter().copied()));
                    }
                },
            };
            let key = Scalar::literal(Value::string(key.to_owned()), Type::String);
            found = call("[]", vec![found, key], Type::Dynamic)?;
        }
        Some(found)
    }

    fn binary(&self, op: &str, left: &Expr, right: &Expr, span: Span) -> Option<Scalar> {
        let (left, right) = (self.scalar(left), self.scalar(right));
        let (left, right) = (left?, right?);
        let symbol = match op {
            "eq" => "==",
            "ne" => "!=",
            "gt" => ">",
            "ge" => ">=",
            "lt" => "<",
            "le" => "<=",
            "add" => "+",
            "sub" => "-",
            "mul" => "*",
            "div" | "divby" => "/",
            "mod" => "%",
            other => {
                return self.fault(codes::NOT_YET.at(span, format!("the operator `{other}` is not here yet")));
            }
        };
        // A text has no null here: absent is empty.
        if let Some(operand) = against_null(&left, &right) {
            let (absent, present) = match operand.ty() {
                Type::String => ("isempty", "isnotempty"),
                _ => ("isnull", "isnotnull"),
            };
            return match symbol {
                "==" => self.call(absent, vec![operand.clone()], span),
                "!=" => self.call(present, vec![operand.clone()], span),
                _ => Some(Scalar::literal(Value::Bool(false), Type::Bool)),
            };
        }
        let (left_ty, right_ty) = (left.ty(), right.ty());
        let (left, right) = (like(left, right_ty), like(right, left_ty));
        self.call(symbol, vec![left, right], span)
    }

    /// A KQL function or operator on these arguments; its signature says whether it takes them.
    fn call(&self, name: &str, args: Vec<Scalar>, span: Span) -> Option<Scalar> {
        let function = functions::scalar(name)?;
        let types: Vec<functions::Arg<'_>> =
            args.iter().map(|arg| functions::Arg { ty: arg.ty(), constant: None }).collect();
        let ty = match function.gives {
            functions::Gives::Always(ty) => Ok(ty),
            functions::Gives::SameAs(at) => Ok(types.get(at).map_or(Type::Dynamic, |arg| arg.ty)),
            functions::Gives::Widest(from) => Ok(types.iter().skip(from).map(|arg| arg.ty).max().unwrap_or(Type::Long)),
            functions::Gives::By(rule) => rule(&types),
        };
        match ty {
            Ok(ty) => Some(Scalar::Call { function, args, ty, span }),
            Err(message) => self.fault(codes::WRONG_TYPE.at(span, message)),
        }
    }

    /// The canonical functions of OData that KQL has under another name. The search functions tell letters' case.
    fn function(&self, name: &Name, args: &[Expr], span: Span) -> Option<Scalar> {
        use Type::{Datetime as D, Real as R, String as S};
        let (kql, takes): (&str, &[Type]) = match name.text.as_str() {
            "contains" => ("contains_cs", &[S, S]),
            "startswith" => ("startswith_cs", &[S, S]),
            "endswith" => ("endswith_cs", &[S, S]),
            "tolower" => ("tolower", &[S]),
            "toupper" => ("toupper", &[S]),
            "length" => ("strlen", &[S]),
            "indexof" => ("indexof", &[S, S]),
            "substring" => ("substring", &[S, Type::Long, Type::Long]),
            "concat" => ("strcat", &[S, S]),
            "year" => ("getyear", &[D]),
            "month" => ("getmonth", &[D]),
            "day" => ("dayofmonth", &[D]),
            "hour" => ("hourofday", &[D]),
            "date" => ("startofday", &[D]),
            "round" => ("round", &[R]),
            "floor" => ("floor", &[R]),
            "ceiling" => ("ceiling", &[R]),
            "now" => ("now", &[]),
            _ => {
                let known =
                    ["contains", "startswith", "endswith", "tolower", "toupper", "length", "indexof", "substring"];
                let fault = codes::UNKNOWN_FUNCTION.at(name.span, format!("no function is named `{}`", name.text));
                return self.fault(fault.nearest(&name.text, known));
            }
        };
        let optional = usize::from(kql == "substring");
        if args.len() > takes.len() || args.len() + optional < takes.len() {
            let message = format!("`{}` takes {} arguments, not {}", name.text, takes.len(), args.len());
            return self.fault(codes::ARGUMENT_COUNT.at(span, message));
        }
        let mut bound = Vec::with_capacity(args.len());
        for (arg, ty) in args.iter().zip(takes) {
            let scalar = like(self.scalar(arg)?, *ty);
            let fits = scalar.ty() == *ty || *ty == R && scalar.ty().is_number();
            if !fits {
                let message = format!("`{}` takes a {ty} here, not a {}", name.text, scalar.ty());
                return self.fault(codes::WRONG_TYPE.at(arg.span, message));
            }
            bound.push(scalar);
        }
        self.call(kql, bound, span)
    }
}

fn literal(literal: &Literal) -> Scalar {
    match literal {
        Literal::Null => Scalar::literal(Value::Null, Type::Dynamic),
        Literal::Bool(x) => Scalar::literal(Value::Bool(*x), Type::Bool),
        Literal::Long(x) => Scalar::literal(Value::Long(*x), Type::Long),
        Literal::Real(x) => Scalar::literal(Value::Real(*x), Type::Real),
        Literal::String(x) | Literal::Enum(x) => Scalar::literal(Value::string(x.clone()), Type::String),
        Literal::Datetime(x) => Scalar::literal(Value::Datetime(*x), Type::Datetime),
        Literal::Duration(x) => Scalar::literal(Value::Timespan(*x), Type::Timespan),
        Literal::Guid(x) => Scalar::literal(Value::string(crate::value::guid::text(*x)), Type::String),
    }
}

/// The side that is compared with `null`.
fn against_null<'s>(left: &'s Scalar, right: &'s Scalar) -> Option<&'s Scalar> {
    let is_null = |scalar: &Scalar| matches!(scalar, Scalar::Literal { value: Value::Null, .. });
    match (is_null(left), is_null(right)) {
        (_, true) => Some(left),
        (true, false) => Some(right),
        (false, false) => None,
    }
}

/// A text that is written where a number or a time is meant is read as one: older clients quote everything. So is what
/// lies within a dynamic value.
fn like(scalar: Scalar, ty: Type) -> Scalar {
    if let Scalar::Call { function, args, .. } = &scalar {
        let cast = match ty {
            Type::Long | Type::Int => "tolong",
            Type::Datetime => "todatetime",
            Type::Bool => "tobool",
            Type::Real => "todouble",
            _ => return scalar,
        };
        let within = function.name() == "tostring" && args.first().is_some_and(|arg| arg.ty() == Type::Dynamic);
        let ty = if ty == Type::Int { Type::Long } else { ty };
        return if within { call(cast, args.clone(), ty).unwrap_or(scalar) } else { scalar };
    }
    let Scalar::Literal { value: Value::String(text), .. } = &scalar else { return scalar };
    let read = match ty {
        Type::Long | Type::Int => text.parse().ok().map(Value::Long),
        Type::Datetime => crate::value::datetime::parse(text).map(Value::Datetime),
        _ => None,
    };
    match read {
        Some(value @ Value::Long(_)) => Scalar::literal(value, Type::Long),
        Some(value) => Scalar::literal(value, ty),
        None => scalar,
    }
}

/// In a type whose values can be compared and kept in a token; `None` for what has no order.
fn sortable(scalar: Scalar) -> Option<Scalar> {
    match scalar.ty() {
        Type::String | Type::Long | Type::Real | Type::Datetime | Type::Timespan => Some(scalar),
        Type::Bool | Type::Int => call("tolong", vec![scalar], Type::Long),
        Type::Decimal => call("todouble", vec![scalar], Type::Real),
        Type::Guid => call("tostring", vec![scalar], Type::String),
        Type::Dynamic => None,
    }
}
