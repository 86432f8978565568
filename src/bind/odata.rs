//! OData request lines over alerts to the typed middle. A filter means what the same filter means in KQL: from here on
//! nobody knows which of the two was spoken.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_SystemQueryOptions>
use super::Context;
use super::alerts::{self, Form, Stored, call, filter_table};
use crate::catalog::ALERTS;
use crate::functions;
use crate::ir::{Answer, Bound, Rel, RelOp, Scalar, SortKey};
use crate::syntax::odata::ast::{Expr, ExprKind, Literal, Name, Options, RequestLine, Segment};
use crate::text::{Diagnostic, Diagnostics, Span, codes};
use crate::types::{Schema, Type};
use crate::value::Value;
use std::cell::RefCell;

/// The most alerts in one answer; where there are more, the door gives a link to the next page.
pub const PAGE: u64 = 10_000;

/// What an alert has on the wire, in the order of the contract.
pub const PROPERTIES: &[&str] = &[
    "id",
    "incidentId",
    "investigationId",
    "assignedTo",
    "severity",
    "status",
    "classification",
    "determination",
    "investigationState",
    "detectionSource",
    "detectorId",
    "category",
    "threatFamilyName",
    "title",
    "description",
    "alertCreationTime",
    "firstEventTime",
    "lastEventTime",
    "lastUpdateTime",
    "resolvedTime",
    "machineId",
    "computerDnsName",
    "rbacGroupName",
    "aadTenantId",
    "threatName",
    "mitreTechniques",
    "relatedUser",
    "comments",
    "evidence",
];

/// Properties that are the same in every row of an alert in DeviceAlertEvents, and the column that holds them.
const SAME_IN_EVERY_ROW: &[(&str, &str)] = &[
    ("id", "AlertId"),
    ("severity", "Severity"),
    ("category", "Category"),
    ("title", "Title"),
    ("machineId", "DeviceId"),
    ("computerDnsName", "DeviceName"),
];

/// The property of that name, in any letter case; `asssignedTo` is how the published list spells one.
pub fn property(name: &str) -> Option<&'static str> {
    let name = if name.eq_ignore_ascii_case("asssignedTo") { "assignedTo" } else { name };
    PROPERTIES.iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
}

/// What a request line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A page of alerts.
    Alerts,
    /// The alert of that id.
    Alert(String),
}

/// Reads the path: `alerts`, `alerts/{id}`, `alerts('{id}')`, with `api` and a version before it or not.
pub fn asked(path: &[Segment]) -> Result<Asked, Diagnostic> {
    let prefix = |segment: &Segment| {
        segment.key.is_none() && ["api", "v1.0"].iter().any(|word| segment.name.text.eq_ignore_ascii_case(word))
    };
    let path: Vec<&Segment> = path.iter().skip_while(|segment| prefix(segment)).collect();
    let unknown = |name: &Name| {
        let fault = codes::UNKNOWN_TABLE.at(name.span, format!("no resource is named `{}`", name.text));
        fault.nearest(&name.text, ["alerts"])
    };
    match path.as_slice() {
        [] => Err(codes::EMPTY_QUERY.at(Span::default(), "the request names no resource").help("ask for `alerts`")),
        [set, ..] if !set.name.text.eq_ignore_ascii_case("alerts") => Err(unknown(&set.name)),
        [Segment { key: None, .. }] => Ok(Asked::Alerts),
        [Segment { key: Some(Literal::String(id)), .. }] => Ok(Asked::Alert(id.clone())),
        [Segment { key: Some(_), name }] => Err(codes::WRONG_TYPE.at(name.span, "the key of an alert is a text")),
        [_, Segment { name, key: None }] if !name.text.starts_with('$') => Ok(Asked::Alert(name.text.clone())),
        [_, .., last] => {
            Err(codes::NOT_YET.at(last.name.span, format!("`{}` of alerts is not here yet", last.name.text)))
        }
    }
}

/// A page of alerts, and with `$count=true` a second answer with their number.
pub fn odata(line: &RequestLine, context: &Context<'_>, stored: Stored) -> Result<Bound, Diagnostics> {
    let asked = asked(&line.path).map_err(|fault| vec![fault])?;
    let options = &line.options;
    let binder = Binder { faults: RefCell::default() };
    let mut filter = options.filter.as_ref().and_then(|filter| binder.predicate(filter));
    if let Asked::Alert(id) = &asked {
        let is_it = call(
            "==",
            vec![Scalar::column("id", Type::String), Scalar::literal(Value::string(id.clone()), Type::String)],
            Type::Bool,
        );
        filter = filter.into_iter().chain(is_it).reduce(|all, one| and(vec![all, one]));
    }
    let keys = binder.keys(options);
    let select = binder.select(options);
    let evidence = binder.expand(options) && select.contains(&"evidence");
    let faults = binder.faults.into_inner();
    if !faults.is_empty() {
        return Err(faults);
    }

    // First which alerts, from the columns that say so; then those alerts whole.
    let conditions = conjuncts(filter);
    let narrow = |form: Form, rel: &mut Rel| {
        if form == Form::DeviceAlertEvents {
            for condition in conditions.iter().filter_map(in_every_row) {
                filter_table(rel, "DeviceAlertEvents", &condition);
            }
        }
    };
    let mut matching = alerts::resources(stored, context, &narrow)?;
    for condition in &conditions {
        let schema = matching.schema.clone();
        matching = Rel { op: RelOp::Filter { input: Box::new(matching), predicate: condition.clone() }, schema };
    }
    let count = options.count.unwrap_or(false).then(|| counted(matching.clone()));
    let page = cut(sorted(matching, &keys), options);
    let ids = project(page, &[("id", Scalar::column("id", Type::String))]);
    let ids = || Scalar::SubquerySet { rel: Box::new(ids.clone()), ty: Type::String };
    let among = |column: &str| call("in", vec![Scalar::column(column, Type::String), ids()], Type::Bool);
    let narrow = |form: Form, rel: &mut Rel| {
        let (tables, column): (&[&str], &str) = match form {
            Form::Alerts => (&["Alerts"], "id"),
            Form::AlertInfo => (&["AlertInfo", "AlertEvidence"], "AlertId"),
            Form::DeviceAlertEvents => (&["DeviceAlertEvents"], "AlertId"),
        };
        for table in tables {
            if let Some(predicate) = among(column) {
                filter_table(rel, table, &predicate);
            }
        }
    };
    let whole = sorted(alerts::resources(stored, context, &narrow)?, &keys);
    let columns: Vec<(&str, Scalar)> = select
        .iter()
        .map(|name| {
            let ty = ALERTS.schema().get(name).map_or(Type::String, |column| column.ty);
            // Evidence is told only where it is asked for.
            let scalar = if *name == "evidence" && !evidence {
                Scalar::literal(Value::json(crate::value::Json::Array(vec![])), Type::Dynamic)
            } else {
                Scalar::column(*name, ty)
            };
            (*name, scalar)
        })
        .collect();
    let mut results = vec![Answer { name: "alerts".into(), rel: project(whole, &columns), visualization: None }];
    results.extend(count.map(|rel| Answer { name: "count".into(), rel, visualization: None }));
    Ok(Bound { results, notices: vec![] })
}

fn project(input: Rel, columns: &[(&str, Scalar)]) -> Rel {
    let schema = Schema::new(columns.iter().map(|(name, scalar)| (*name, scalar.ty())));
    let columns = columns.iter().map(|(name, scalar)| ((*name).to_owned(), scalar.clone())).collect();
    Rel { op: RelOp::Project { input: Box::new(input), columns }, schema }
}

fn sorted(input: Rel, keys: &[SortKey]) -> Rel {
    let schema = input.schema.clone();
    Rel { op: RelOp::Sort { input: Box::new(input), keys: keys.to_vec() }, schema }
}

/// One row more than a page, so that the door knows whether there is a next one; a smaller `$top` is what was asked.
fn cut(input: Rel, options: &Options) -> Rel {
    let schema = input.schema.clone();
    let skipped = match options.skip {
        Some(count) if count > 0 => Rel { op: RelOp::Skip { input: Box::new(input), count }, schema: schema.clone() },
        _ => input,
    };
    let count = options.top.map_or(PAGE + 1, |top| top.min(PAGE + 1));
    Rel { op: RelOp::Take { input: Box::new(skipped), count }, schema }
}

fn counted(input: Rel) -> Rel {
    let schema = Schema::new([("count", Type::Long)]);
    let aggregates = functions::aggregate("count")
        .map(|aggregate| crate::ir::AggregateCall {
            aggregate,
            args: vec![],
            outputs: vec![("count".into(), Type::Long)],
            span: Span::default(),
        })
        .into_iter()
        .collect();
    Rel { op: RelOp::Summarize { input: Box::new(input), by: vec![], aggregates }, schema }
}

/// The terms of an `and`.
fn conjuncts(filter: Option<Scalar>) -> Vec<Scalar> {
    match filter {
        None => vec![],
        Some(Scalar::Call { function, args, .. }) if function.name() == "and" => {
            args.into_iter().flat_map(|arg| conjuncts(Some(arg))).collect()
        }
        Some(other) => vec![other],
    }
}

/// The condition over the rows of DeviceAlertEvents, if all that it reads is the same in every row of an alert.
fn in_every_row(condition: &Scalar) -> Option<Scalar> {
    Some(match condition {
        Scalar::Literal { .. } => condition.clone(),
        Scalar::Column { name, ty, span } => {
            let (_, column) = SAME_IN_EVERY_ROW.iter().find(|(property, _)| property == name)?;
            Scalar::Column { name: (*column).into(), ty: *ty, span: *span }
        }
        Scalar::Call { function, args, ty, span } => {
            let args = args.iter().map(in_every_row).collect::<Option<_>>()?;
            Scalar::Call { function, args, ty: *ty, span: *span }
        }
        Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => return None,
    })
}

fn and(terms: Vec<Scalar>) -> Scalar {
    call("and", terms, Type::Bool).unwrap_or(Scalar::literal(Value::Bool(false), Type::Bool))
}

/// Collects the faults of a request line.
struct Binder {
    faults: RefCell<Diagnostics>,
}

impl Binder {
    fn fault<T>(&self, fault: Diagnostic) -> Option<T> {
        self.faults.borrow_mut().push(fault);
        None
    }

    fn predicate(&self, expr: &Expr) -> Option<Scalar> {
        let scalar = self.scalar(expr)?;
        if scalar.ty() == Type::Bool {
            return Some(scalar);
        }
        let message = format!("a filter is a truth value, this is a {}", scalar.ty());
        self.fault(codes::WRONG_TYPE.at(expr.span, message))
    }

    fn named(&self, name: &Name) -> Option<&'static str> {
        property(&name.text).or_else(|| {
            let fault = codes::UNKNOWN_COLUMN.at(name.span, format!("an alert has no property `{}`", name.text));
            self.fault(fault.nearest(&name.text, PROPERTIES.iter().copied()))
        })
    }

    /// Newest first where nothing else is asked; the id decides between equals, so that pages do not overlap.
    fn keys(&self, options: &Options) -> Vec<SortKey> {
        let mut keys: Vec<SortKey> = options
            .orderby
            .iter()
            .filter_map(|key| {
                let expr = self.scalar(&key.expr)?;
                Some(SortKey { expr, descending: key.descending, nulls_first: !key.descending })
            })
            .collect();
        if keys.is_empty() {
            let expr = Scalar::column("alertCreationTime", Type::Datetime);
            keys.push(SortKey { expr, descending: true, nulls_first: false });
        }
        keys.push(SortKey { expr: Scalar::column("id", Type::String), descending: false, nulls_first: true });
        keys
    }

    fn select(&self, options: &Options) -> Vec<&'static str> {
        if options.select.is_empty() || options.select.iter().any(|name| name.text == "*") {
            return PROPERTIES.to_vec();
        }
        let mut selected: Vec<&'static str> = Vec::new();
        for name in options.select.iter().filter_map(|name| self.named(name)) {
            if !selected.contains(&name) {
                selected.push(name);
            }
        }
        if self.expand(options) && !selected.contains(&"evidence") {
            selected.push("evidence");
        }
        selected
    }

    fn expand(&self, options: &Options) -> bool {
        for name in &options.expand {
            if !["evidence", "*"].contains(&name.text.to_lowercase().as_str()) {
                let fault = codes::UNKNOWN_COLUMN.at(name.span, format!("`{}` cannot be expanded", name.text));
                self.fault::<()>(fault.help("expand `evidence`"));
            }
        }
        options.expand.iter().any(|name| ["evidence", "*"].contains(&name.text.to_lowercase().as_str()))
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
            ExprKind::Lambda { path, all, .. } => {
                let word = if *all { "all" } else { "any" };
                let name = path.first().map_or("", |name| name.text.as_str());
                self.fault(
                    codes::NOT_YET
                        .at(expr.span, format!("`{name}/{word}(…)` is not here yet"))
                        .help("filter by the alert's own properties, or hunt the evidence in KQL over `AlertEvidence`"),
                )
            }
        }
    }

    fn path(&self, names: &[Name]) -> Option<Scalar> {
        let (first, rest) = names.split_first()?;
        let name = self.named(first)?;
        let ty = ALERTS.schema().get(name).map_or(Type::String, |column| column.ty);
        let column = Scalar::Column { name: name.into(), ty, span: first.span };
        if rest.is_empty() {
            return Some(column);
        }
        if ty != Type::Dynamic {
            let fault = codes::WRONG_TYPE.at(rest[0].span, format!("`{name}` is a {ty} and has no properties"));
            return self.fault(fault);
        }
        let mut args = vec![column];
        args.extend(rest.iter().map(|step| Scalar::literal(Value::string(step.text.clone()), Type::String)));
        let step = call("[]", args, Type::Dynamic)?;
        call("tostring", vec![step], Type::String)
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

/// A text that is written where a number or a time is meant is read as one: older clients quote everything.
fn like(scalar: Scalar, ty: Type) -> Scalar {
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
