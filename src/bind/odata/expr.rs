//! `$filter` and every other expression of a request line, property by property of a set. Operators and functions are
//! those of KQL, and values are converted where KQL converts them, so that a filter means the same in both.
use super::super::kql::{calls, coerce, constant, weight};
use super::alerts::call;
use super::sets::Set;
use super::{any_of, never};
use crate::catalog::EVIDENCE;
use crate::functions;
use crate::ir::{Rel, Scalar};
use crate::syntax::odata::ast::{Expr, ExprKind, Literal, Name, Step, StepKind};
use crate::text::{Diagnostic, Diagnostics, Span, codes};
use crate::types::{Column, Type};
use crate::value::Value;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// The column with one item of a collection.
pub const ITEM: &str = "@item";
/// Parameters within parameters past this are refused.
const DEEPEST: usize = 16;
/// Expressions higher than this are refused, parameters and what is computed in their place.
const HIGHEST: usize = 128;
/// Parameters and what is computed stand for so many expressions at most.
const LARGEST: usize = 100_000;

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
pub fn has_lambda(expr: &Expr, aliases: &[(Name, Expr)]) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![expr];
    while let Some(next) = open.pop() {
        if lambda_within(next, &mut |alias| {
            if seen.insert(alias.to_owned()) {
                open.extend(aliases.iter().find(|(known, _)| known.text == alias).map(|(_, value)| value));
            }
        }) {
            return true;
        }
    }
    false
}

fn lambda_within<'e>(expr: &'e Expr, parameter: &mut dyn FnMut(&'e str)) -> bool {
    let mut within = |expr: &'e Expr| lambda_within(expr, parameter);
    match &expr.kind {
        ExprKind::Literal(_) => false,
        ExprKind::Path(steps) => steps.iter().any(|step| match &step.kind {
            StepKind::Lambda { .. } => true,
            StepKind::At(name) => {
                parameter(name);
                false
            }
            _ => false,
        }),
        ExprKind::Not(inner) | ExprKind::Negate(inner) => within(inner),
        ExprKind::Binary { left, right, .. } | ExprKind::In { left, right } => within(left) || within(right),
        ExprKind::Call { args, .. } => args.iter().any(|arg| within(&arg.value)),
        ExprKind::Case(cases) => cases.iter().any(|(when, then)| within(when) || within(then)),
        ExprKind::Chain { terms: all, .. } | ExprKind::List(all) => all.iter().any(within),
        ExprKind::Object(fields) => fields.iter().any(|(_, value)| within(value)),
    }
}

/// The variable of a lambda, and the property whose items it stands for.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Empty where the items have no name, as within `$expand`: their properties stand alone.
    pub name: String,
    pub property: String,
}

/// Binds to the properties of a set, and collects the faults of a request line.
pub struct Binder<'s> {
    pub set: &'s Set,
    /// The rows that lambdas look through.
    pub source: Option<Rel>,
    pub now: i64,
    pub aliases: &'s [(Name, Expr)],
    /// `$compute`: names that stand for expressions.
    pub computed: RefCell<Vec<(String, Scalar)>>,
    pub variable: RefCell<Option<Variable>>,
    pub lambdas: Cell<usize>,
    depth: Cell<usize>,
    height: Cell<usize>,
    spent: Cell<usize>,
    /// Something is too large or too deep: nothing more is looked at.
    given_up: Cell<bool>,
    faults: RefCell<Diagnostics>,
}

impl<'s> Binder<'s> {
    pub fn new(set: &'s Set, now: i64, aliases: &'s [(Name, Expr)]) -> Binder<'s> {
        Binder {
            set,
            source: None,
            now,
            aliases,
            computed: RefCell::default(),
            variable: RefCell::default(),
            lambdas: Cell::new(0),
            depth: Cell::new(0),
            height: Cell::new(0),
            spent: Cell::new(0),
            given_up: Cell::new(false),
            faults: RefCell::default(),
        }
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

    pub fn give_up<T>(&self, fault: Diagnostic) -> Option<T> {
        self.given_up.set(true);
        self.fault(fault)
    }

    pub fn not_here<T>(&self, span: Span, what: &str) -> Option<T> {
        self.fault(codes::NOT_YET.at(span, format!("{what} not here yet")))
    }

    pub fn predicate(&self, expr: &Expr) -> Option<Scalar> {
        let scalar = self.scalar(expr)?;
        match scalar.ty() {
            Type::Bool => Some(scalar),
            _ if within_dynamic(&scalar) || is_null(&scalar) => Some(coerce::convert(scalar, Type::Bool, self.now)),
            ty => {
                let message = format!("a filter is a truth value, this is a {ty}");
                self.fault(codes::WRONG_TYPE.at(expr.span, message))
            }
        }
    }

    pub fn named(&self, name: &Name) -> Option<&'s Column> {
        if let Some((namespace, _)) = name.text.rsplit_once('.') {
            let what = format!("`{}`: types and functions of `{namespace}` are", name.text);
            return self.not_here(name.span, &what);
        }
        self.set.property(&name.text).or_else(|| {
            let message = format!("`{}` have no property `{}`", self.set.name, name.text);
            self.fault(codes::UNKNOWN_COLUMN.at(name.span, message).nearest(&name.text, self.set.properties.names()))
        })
    }

    pub fn scalar(&self, expr: &Expr) -> Option<Scalar> {
        if self.given_up.get() {
            return None;
        }
        if self.height.get() >= HIGHEST {
            return self.give_up(codes::TOO_DEEP.at(expr.span, format!("nested deeper than {HIGHEST} levels")));
        }
        self.height.set(self.height.get() + 1);
        let found = self.kind(expr);
        self.height.set(self.height.get() - 1);
        found
    }

    /// Counts what stands in place of a name.
    fn charged(&self, scalar: Scalar, span: Span) -> Option<Scalar> {
        self.spent.set(self.spent.get() + weight(vec![], vec![&scalar]));
        if self.spent.get() > LARGEST {
            let message = format!("parameters and computed properties stand for more than {LARGEST} expressions");
            return self.give_up(codes::TOO_LONG.at(span, message));
        }
        Some(scalar)
    }

    fn kind(&self, expr: &Expr) -> Option<Scalar> {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, expr.span),
            ExprKind::Path(steps) => self.path(steps, expr.span),
            ExprKind::Call { name, args } => self.function(name, args, expr.span),
            ExprKind::Case(cases) => self.case(cases, expr.span),
            ExprKind::Not(inner) => {
                let inner = self.predicate(inner)?;
                self.call("not", vec![inner], expr.span)
            }
            ExprKind::Negate(inner) => {
                let inner = like(self.scalar(inner)?, Type::Real);
                self.call("unary-", vec![inner], expr.span)
            }
            ExprKind::Binary { op: "has", left, right } => self.has(left, right, expr.span),
            ExprKind::Binary { op, left, right } => self.binary(op, left, right, expr.span),
            ExprKind::Chain { op, terms } => {
                let bound: Vec<Option<Scalar>> = terms.iter().map(|term| self.predicate(term)).collect();
                call(op, bound.into_iter().collect::<Option<_>>()?, Type::Bool)
            }
            ExprKind::In { left, right } => self.among(left, right, expr.span),
            ExprKind::List(items) => {
                let bound: Vec<Option<Scalar>> = items.iter().map(|item| self.scalar(item)).collect();
                let bound: Vec<Scalar> = bound.into_iter().collect::<Option<_>>()?;
                if bound.is_empty() {
                    return Some(Scalar::literal(Value::json(crate::value::Json::Array(vec![])), Type::Dynamic));
                }
                self.call("pack_array", bound, expr.span)
            }
            ExprKind::Object(_) => self.not_here(expr.span, "an object as a value is"),
        }
    }

    fn literal(&self, literal: &Literal, span: Span) -> Option<Scalar> {
        Some(match literal {
            Literal::Null => Scalar::literal(Value::Null, Type::Dynamic),
            Literal::Bool(x) => Scalar::literal(Value::Bool(*x), Type::Bool),
            Literal::Long(x) => Scalar::literal(Value::Long(*x), Type::Long),
            Literal::Real(x) => Scalar::literal(Value::Real(*x), Type::Real),
            Literal::String(x) | Literal::Enum(x) => Scalar::literal(Value::string(x.clone()), Type::String),
            Literal::Datetime(x) | Literal::Date(x) => Scalar::literal(Value::Datetime(*x), Type::Datetime),
            Literal::Duration(x) | Literal::TimeOfDay(x) => Scalar::literal(Value::Timespan(*x), Type::Timespan),
            Literal::Guid(x) => Scalar::literal(Value::string(crate::value::guid::text(*x)), Type::String),
            Literal::Other(what) => return self.not_here(span, &format!("{what} as a value is")),
        })
    }

    /// A property, or a text within one: what is in a dynamic value is a text until it meets another type.
    fn path(&self, steps: &[Step], span: Span) -> Option<Scalar> {
        if let [Step { kind: StepKind::At(name), span }] = steps {
            return self.parameter(name, *span);
        }
        let found = self.raw_path(steps, span)?;
        let item = matches!(&found, Scalar::Column { name, .. } if name == ITEM);
        if found.ty() == Type::Dynamic && (item || matches!(&found, Scalar::Call { .. })) {
            call("tostring", vec![found], Type::String)
        } else {
            Some(found)
        }
    }

    /// `@from`: what the request gives for it, or null.
    fn parameter(&self, name: &str, span: Span) -> Option<Scalar> {
        if name.contains(['.', '#']) {
            return self.not_here(span, &format!("annotations such as `@{name}` are"));
        }
        let Some((_, value)) = self.aliases.iter().find(|(alias, _)| alias.text == name) else {
            return Some(Scalar::literal(Value::Null, Type::Dynamic));
        };
        if self.depth.get() >= DEEPEST {
            return self.give_up(codes::TOO_DEEP.at(span, format!("`@{name}` stands for itself")));
        }
        self.depth.set(self.depth.get() + 1);
        let bound = self.scalar(value);
        self.depth.set(self.depth.get() - 1);
        self.charged(bound?, span)
    }

    /// The steps of a path in turn: a property, keys within it, its number of items, conditions on them.
    pub fn raw_path(&self, steps: &[Step], span: Span) -> Option<Scalar> {
        let (first, mut rest) = steps.split_first()?;
        let variable = self.variable.borrow().clone();
        let (mut found, mut property) = match &first.kind {
            StepKind::Dollar(word @ ("$it" | "$this")) => match (variable, rest.split_first()) {
                (Some(variable), _) if *word == "$this" && variable.name.is_empty() => (item(), variable.property),
                (_, Some((Step { kind: StepKind::Name(name), span }, behind))) => {
                    rest = behind;
                    self.property(name, *span)?
                }
                _ => return self.not_here(first.span, &format!("`{word}` as a value is")),
            },
            StepKind::Name(name) => match variable {
                Some(variable) if variable.name == *name => (item(), variable.property),
                Some(variable) if variable.name.is_empty() => {
                    rest = steps;
                    (item(), variable.property)
                }
                _ => self.property(name, first.span)?,
            },
            StepKind::Call { name, .. } => {
                return self.not_here(first.span, &format!("a path behind the function `{name}` is"));
            }
            StepKind::Dollar(word) => return self.not_here(first.span, &format!("`{word}` is")),
            StepKind::At(name) => return self.not_here(first.span, &format!("a path behind `@{name}` is")),
            StepKind::Count(_) | StepKind::Filter(_) | StepKind::Lambda { .. } | StepKind::Aggregate(_) => {
                return self.not_here(first.span, "this at the beginning of a path is");
            }
        };
        let mut depth = 0;
        let mut walked = 0;
        for step in rest {
            walked += 1;
            let last = walked == rest.len();
            match &step.kind {
                StepKind::Name(name) if name.contains('.') => {
                    return self.not_here(step.span, &format!("`{name}`: a cast in a path is"));
                }
                StepKind::Name(name) => {
                    if found.ty() != Type::Dynamic {
                        let message = format!("`{property}` is a {} and has no properties", found.ty());
                        return self.fault(codes::WRONG_TYPE.at(step.span, message));
                    }
                    let key = self.key(&property, name, step.span, depth)?;
                    let key = Scalar::literal(Value::string(key), Type::String);
                    found = call("[]", vec![found, key], Type::Dynamic)?;
                    depth += 1;
                    if depth > 1 {
                        property.clone_from(name);
                    }
                }
                StepKind::Count(options) => {
                    if **options != Default::default() {
                        return self.not_here(step.span, "`$count` with options in a path is");
                    }
                    if !last {
                        return self.fault(codes::WRONG_PLACE.at(step.span, "`$count` ends a path"));
                    }
                    let found = self.collection(found, &property, step.span)?;
                    let length = self.call("array_length", vec![found], step.span)?;
                    return self.call("coalesce", vec![length, long(0)], step.span);
                }
                StepKind::Lambda { all, body } => {
                    if !last {
                        return self.fault(codes::WRONG_PLACE.at(step.span, "`any` and `all` end a path"));
                    }
                    let found = self.collection(found, &property, step.span)?;
                    return self.lambda(found, &property, *all, body.as_ref(), span);
                }
                StepKind::At(name) => return self.not_here(step.span, &format!("the annotation `@{name}` is")),
                StepKind::Call { name, .. } => {
                    return self.not_here(step.span, &format!("`{name}` as a function of a property is"));
                }
                StepKind::Filter(_) => return self.not_here(step.span, "`$filter(…)` in a path is"),
                StepKind::Aggregate(_) => return self.not_here(step.span, "`aggregate(…)` in a path is"),
                StepKind::Dollar(word) => {
                    return self.fault(codes::WRONG_PLACE.at(step.span, format!("`{word}` here")));
                }
            }
        }
        Some(found)
    }

    fn property(&self, name: &str, span: Span) -> Option<(Scalar, String)> {
        let computed = self.computed.borrow().iter().find(|(known, _)| known == name).cloned();
        if let Some((name, scalar)) = computed {
            return Some((self.charged(scalar, span)?, name));
        }
        let column = self.named(&Name { text: name.to_owned(), span })?;
        Some((Scalar::Column { name: column.name.clone(), ty: column.ty, span }, column.name.clone()))
    }

    fn collection(&self, found: Scalar, property: &str, span: Span) -> Option<Scalar> {
        if found.ty() == Type::Dynamic {
            return Some(found);
        }
        let message = format!("`{property}` is a {} and has no items", found.ty());
        self.fault(codes::WRONG_TYPE.at(span, message))
    }

    /// A key as it is written in the data, where that is known.
    fn key(&self, property: &str, name: &str, span: Span, depth: usize) -> Option<String> {
        let Some(keys) = known_keys(property).filter(|_| depth == 0) else { return Some(name.to_owned()) };
        match keys.iter().find(|key| key.eq_ignore_ascii_case(name)) {
            Some(key) => Some((*key).to_owned()),
            None => {
                let fault = codes::UNKNOWN_COLUMN.at(span, format!("`{property}` has no `{name}`"));
                self.fault(fault.nearest(name, keys.iter().copied()))
            }
        }
    }

    /// `severity has Severity'High'`: of a text, that it is that; of a number, that it has those bits.
    fn has(&self, left: &Expr, right: &Expr, span: Span) -> Option<Scalar> {
        let (left, right) = (self.scalar(left), self.scalar(right));
        let (left, right) = (left?, right?);
        let Scalar::Literal { value: Value::String(member), .. } = &right else {
            return self.fault(codes::WRONG_TYPE.at(span, "`has` takes a literal of an enumeration"));
        };
        if member.contains(',') {
            return self.not_here(span, "`has` with several members is");
        }
        if left.ty().is_integer() {
            let Ok(bits) = member.parse::<i64>() else {
                let message = format!("`{member}` is no number to compare bits with");
                return self.fault(codes::WRONG_TYPE.at(span, message));
            };
            let both = self.call("binary_and", vec![left, long(bits)], span)?;
            return self.call("==", vec![both, long(bits)], span);
        }
        self.call("==", vec![left, right], span)
    }

    fn among(&self, left: &Expr, right: &Expr, span: Span) -> Option<Scalar> {
        let left = self.scalar(left)?;
        let ExprKind::List(items) = &right.kind else {
            let raw = match &right.kind {
                ExprKind::Path(steps) if !matches!(steps.as_slice(), [Step { kind: StepKind::At(_), .. }]) => {
                    self.raw_path(steps, right.span)?
                }
                _ => self.scalar(right)?,
            };
            if raw.ty() != Type::Dynamic {
                let message = format!("`in` takes a list, not a {}", raw.ty());
                return self.fault(codes::WRONG_TYPE.at(right.span, message));
            }
            return call("in", vec![left, raw], Type::Bool);
        };
        let mut members = Vec::with_capacity(items.len());
        let mut absent = None;
        for item in items {
            let item = self.scalar(item)?;
            if is_null(&item) {
                absent = self.absent(left.clone(), span);
            } else {
                members.push(like(item, left.ty()));
            }
        }
        let left = members.first().map_or(left.clone(), |first| like(left.clone(), first.ty()));
        let (value, members) = coerce::members(left, members, false, self.now);
        let found = if members.is_empty() {
            never()
        } else {
            call("in", std::iter::once(value).chain(members).collect(), Type::Bool)?
        };
        Some(match absent {
            Some(absent) => any_of(vec![found, absent]),
            None => found,
        })
    }

    /// A text has no null here: absent is empty.
    fn absent(&self, operand: Scalar, span: Span) -> Option<Scalar> {
        self.call(if operand.ty() == Type::String { "isempty" } else { "isnull" }, vec![operand], span)
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
            other => return self.not_here(span, &format!("the operator `{other}` is")),
        };
        let compares = ["==", "!=", ">", ">=", "<", "<="].contains(&symbol);
        if let Some(operand) = against_null(&left, &right).filter(|_| compares) {
            let absent = self.absent(operand.clone(), span)?;
            return match symbol {
                "==" => Some(absent),
                "!=" => self.call("not", vec![absent], span),
                _ => Some(never()),
            };
        }
        let (left_ty, right_ty) = (left.ty(), right.ty());
        let (mut left, right) = (like(left, right_ty), like(right, left_ty));
        if op == "divby" && left.ty().is_integer() {
            left = coerce::convert(left, Type::Real, self.now);
        }
        // KQL has an order of texts by a function only.
        if compares && !["==", "!="].contains(&symbol) && left.ty() == Type::String && right.ty() == Type::String {
            let order = self.call("strcmp", vec![left, right], span)?;
            return self.call(symbol, vec![order, long(0)], span);
        }
        self.call(symbol, vec![left, right], span)
    }

    /// A KQL function or operator on these arguments, converted where KQL converts them.
    pub fn call(&self, name: &str, args: Vec<Scalar>, span: Span) -> Option<Scalar> {
        let function = functions::scalar(name)?;
        let types: Vec<Type> = args.iter().map(Scalar::ty).collect();
        let wrong = || {
            let types: Vec<&str> = types.iter().map(|ty| ty.name()).collect();
            codes::WRONG_TYPE.at(span, format!("`{name}` does not go with {}", types.join(" and ")))
        };
        let fitted = if function.is_operator() && args.len() == 2 {
            coerce::operands(name, args, self.now)
        } else {
            let count = args.len();
            let fit = |(at, arg)| match calls::parameter(function.takes, at, count) {
                Some(param) => coerce::fit(arg, param.types, self.now).ok(),
                None => Some(arg),
            };
            args.into_iter().enumerate().map(fit).collect()
        };
        let enough = function.takes.iter().filter(|param| param.occurs == functions::Occurs::One).count();
        let Some(args) = fitted.filter(|args: &Vec<Scalar>| args.len() >= enough) else { return self.fault(wrong()) };
        match calls::gives(function.gives, &args, name, span) {
            Ok(ty) => Some(constant::fold(function, args, ty, span, self.now)),
            Err(fault) => self.fault(fault),
        }
    }
}

pub fn item() -> Scalar {
    Scalar::column(ITEM, Type::Dynamic)
}

pub fn long(x: i64) -> Scalar {
    Scalar::literal(Value::Long(x), Type::Long)
}

pub fn is_null(scalar: &Scalar) -> bool {
    matches!(scalar, Scalar::Literal { value: Value::Null, ty: Type::Dynamic })
}

/// The side that is compared with `null`.
fn against_null<'s>(left: &'s Scalar, right: &'s Scalar) -> Option<&'s Scalar> {
    match (is_null(left), is_null(right)) {
        (_, true) => Some(left),
        (true, false) => Some(right),
        (false, false) => None,
    }
}

/// Whether this is the text of something within a dynamic value.
fn within_dynamic(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Call { function, args, .. } => {
            function.name() == "tostring" && args.first().is_some_and(|arg| arg.ty() == Type::Dynamic)
        }
        _ => false,
    }
}

/// A text that is written where a number or a time is meant is read as one: older clients quote everything. So is what
/// lies within a dynamic value.
pub fn like(scalar: Scalar, ty: Type) -> Scalar {
    let (cast, to) = match ty {
        Type::Long | Type::Int => ("tolong", Type::Long),
        Type::Datetime => ("todatetime", ty),
        Type::Timespan => ("totimespan", ty),
        Type::Bool => ("tobool", ty),
        Type::Real | Type::Decimal => ("toreal", Type::Real),
        Type::Guid => ("toguid", ty),
        Type::String | Type::Dynamic => return scalar,
    };
    if within_dynamic(&scalar)
        && let Scalar::Call { args, .. } = &scalar
    {
        return call(cast, args.clone(), to).unwrap_or(scalar);
    }
    let Scalar::Literal { value: Value::String(text), .. } = &scalar else { return scalar };
    let read = match ty {
        Type::Long | Type::Int => text.parse().ok().map(Value::Long),
        Type::Real | Type::Decimal => text.parse().ok().map(Value::Real),
        Type::Datetime => crate::value::datetime::parse(text).map(Value::Datetime),
        Type::Timespan => crate::syntax::odata::literal::duration(text).map(Value::Timespan),
        Type::Guid => crate::value::guid::parse(text).map(Value::Guid),
        Type::Bool | Type::String | Type::Dynamic => None,
    };
    match read {
        Some(value) => Scalar::literal(value, to),
        None => scalar,
    }
}
