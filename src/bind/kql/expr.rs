//! Expressions that give one value.
use super::scope::{Bind, Item, Scope};
use super::{Binder, coerce, constant};
use crate::functions::predicates::Kind;
use crate::functions::{self, Function, regexes};
use crate::ir::{Rel, Scalar};
use crate::rows::whole::scan::state_column;
use crate::syntax::kql::ast::{Expr, ExprKind, Name};
use crate::text::{Span, codes};
use crate::types::{Schema, Type};
use crate::value::{Json, Value};

/// The most terms that a list may be unrolled to.
const MOST_TERMS: usize = 100_000;

/// Whether the texts of a type's values have all these characters: no number is searched for letters.
fn may_hold(ty: Type, needle: &str) -> bool {
    let letters = match ty {
        Type::Int | Type::Long => "-",
        Type::Timespan => "-.:",
        Type::Datetime => "-.:tz",
        Type::Guid => "-abcdef",
        Type::Bool | Type::Real | Type::Decimal | Type::String | Type::Dynamic => return true,
    };
    needle.chars().all(|c| c.is_ascii_digit() || letters.contains(c.to_ascii_lowercase()))
}

impl<'q> Binder<'_, 'q> {
    pub fn scalar(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        self.enter(expr.span)?;
        let bound = self.scalar_within(expr, scope);
        self.leave();
        bound
    }

    fn scalar_within(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal { value, ty } => Ok(Scalar::literal(value.clone(), *ty)),
            ExprKind::Parenthesised(inner) => self.scalar(inner, scope),
            ExprKind::Name(name) => self.name(name, scope),
            ExprKind::Path { .. } | ExprKind::Element { .. } => self.path(expr, scope),
            ExprKind::Call { name, args } => self.call(name, args, span, scope),
            ExprKind::Unary { op, expr: inner } => {
                let value = self.scalar(inner, scope)?;
                match *op {
                    "unary+" if value.ty().is_number() || value.ty() == Type::Timespan => Ok(value),
                    op => self.operator(op, vec![value], span, span),
                }
            }
            ExprKind::Binary { .. } => self.binary(expr, scope),
            ExprKind::Chain { op, terms } => {
                let mut bound = Vec::with_capacity(terms.len());
                for term in terms {
                    bound.push(self.scalar(term, scope).map(|scalar| (scalar, term.span)));
                }
                let bound = bound.into_iter().collect::<Bind<Vec<_>>>()?;
                self.chain(op, bound, span)
            }
            ExprKind::In { op, left, terms, op_span } => self.membership(op, left, terms, *op_span, span, scope),
            ExprKind::Between { op, left, low, high } => {
                let left = self.scalar(left, scope);
                let low = self.scalar(low, scope);
                let high = self.scalar(high, scope);
                let (left, low, mut high) = (left?, low?, high?);
                if low.ty() == Type::Datetime && high.ty() == Type::Timespan {
                    high = self.operator("+", vec![low.clone(), high], span, span)?;
                }
                self.operator(op, vec![left, low, high], span, span)
            }
            ExprKind::TypeofScalar(ty) => Ok(Scalar::literal(Value::string(ty.name()), Type::String)),
            ExprKind::List(items) => self.list(items, span, scope),
            ExprKind::Star => Err(self.fault(codes::WRONG_PLACE.at(span, "`*` cannot stand here"))),
            ExprKind::Typeof(_) => Err(self.fault(codes::WRONG_PLACE.at(span, "a row type cannot stand here"))),
            ExprKind::Wildcard(name) => {
                Err(self
                    .fault(codes::WRONG_PLACE.at(name.span, format!("the pattern `{}` cannot stand here", name.text))))
            }
            ExprKind::Method { name, .. } => {
                let message = format!("`{}` of another database cannot stand here", name.text);
                Err(self.fault(codes::WRONG_PLACE.at(name.span, message)))
            }
            ExprKind::Pipe { .. }
            | ExprKind::Source(_)
            | ExprKind::Datatable { .. }
            | ExprKind::Externaldata { .. } => Err(self.not_scalar(span)),
        }
    }

    /// Infix operators; a chain of them leans to the left and is walked, not descended.
    fn binary(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let mut rights = Vec::new();
        let mut head = expr;
        while let ExprKind::Binary { op, left, right, op_span } = &head.kind {
            if matches!(left.kind, ExprKind::Star) {
                break;
            }
            rights.push((*op, right.as_ref(), *op_span, head.span));
            head = left;
        }
        let mut bound = match &head.kind {
            ExprKind::Binary { op, right, op_span, .. } => self.any_column(op, right, *op_span, head.span, scope),
            _ => self.scalar(head, scope),
        };
        while let Some((op, right, op_span, span)) = rights.pop() {
            let value = self.scalar(right, scope);
            bound = match (bound, value) {
                (Ok(left), Ok(value)) => match (op, constant::value_of(&value)) {
                    ("matches regex", Some(Value::String(pattern))) => match regexes::check(pattern) {
                        Ok(()) => self.operator(op, vec![left, value], op_span, span),
                        Err(words) => Err(self.fault(codes::BAD_VALUE.at(right.span, words))),
                    },
                    _ => self.operator(op, vec![left, value], op_span, span),
                },
                (Err(fault), _) | (_, Err(fault)) => Err(fault),
            };
        }
        bound
    }

    pub fn not_scalar(&mut self, span: Span) -> super::scope::Reported {
        self.fault(
            codes::NOT_SCALAR
                .at(span, "a table stands where a single value is expected")
                .help("wrap it in `toscalar(…)`"),
        )
    }

    /// A scalar of type bool; a constant string is no predicate.
    pub fn predicate(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let bound = self.scalar(expr, scope)?;
        if bound.ty() == Type::Bool {
            return Ok(bound);
        }
        if self.untyped && bound.ty() == Type::Dynamic {
            return Ok(coerce::convert(bound, Type::Bool, self.context.now));
        }
        Err(self.fault(codes::WRONG_TYPE.at(expr.span, format!("a bool is expected here, not {}", bound.ty()))))
    }

    /// A whole number that is known now: the count of `take` and its like.
    pub fn count(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<u64> {
        let bound = self.scalar(expr, Scope { row: None, ..scope })?;
        match self.settle(bound, expr.span)? {
            Value::Int(count) => Ok(u64::try_from(count).unwrap_or(0)),
            Value::Long(count) => Ok(u64::try_from(count).unwrap_or(0)),
            _ => Err(self.fault(codes::WRONG_TYPE.at(expr.span, "a whole number is expected here"))),
        }
    }

    /// The value of a constant; one that a subquery gives is asked for.
    pub fn settle(&mut self, scalar: Scalar, span: Span) -> Bind<Value<'static>> {
        match scalar {
            Scalar::Literal { value, .. } => Ok(value),
            Scalar::Subquery { rel, ty } => {
                let Some(data) = self.context.data else {
                    return Err(self.fault(codes::NOT_CONSTANT.at(span, "a constant is expected here")));
                };
                let table = data.rows(&rel);
                let table = self.check(table)?;
                let value = table.rows.into_iter().next().and_then(|row| row.into_iter().next());
                Ok(value.unwrap_or(Value::absent(ty)))
            }
            Scalar::Column { .. } | Scalar::Call { .. } | Scalar::SubquerySet { .. } => {
                Err(self.fault(codes::NOT_CONSTANT.at(span, "a constant is expected here")))
            }
        }
    }

    /// A constant text.
    pub fn text(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<String> {
        let bound = self.scalar(expr, scope)?;
        match self.settle(bound, expr.span)? {
            Value::String(text) => Ok(text.into_owned()),
            _ => Err(self.fault(codes::WRONG_TYPE.at(expr.span, "a string is expected here"))),
        }
    }

    fn name(&mut self, name: &'q Name, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        if let Some(column) = scope.row.and_then(|row| row.column(&name.text, name.span)) {
            if scope.aggregates.is_some() {
                return Err(self.fault(
                    codes::WRONG_PLACE
                        .at(name.span, format!("the column `{}` stands outside of any aggregation", name.text))
                        .help(format!("wrap it (`take_any({})`) or group by it", name.text)),
                ));
            }
            return Ok(column);
        }
        match scope.env.get(&name.text) {
            Some((Item::Scalar(scalar), _)) => {
                self.spend_scalar(&scalar, name.span)?;
                return Ok(scalar);
            }
            Some((Item::Argument(scalar, tables), _)) if tables == self.tables => {
                self.spend_scalar(&scalar, name.span)?;
                return Ok(scalar);
            }
            Some((Item::Argument(..), _)) => {
                let message = format!("`{}` reads columns of a row that is not at hand within this table", name.text);
                return Err(self.fault(codes::WRONG_PLACE.at(name.span, message).help("join the tables instead")));
            }
            Some((Item::Broken, _)) => return Err(super::scope::Reported),
            Some((Item::Table(_) | Item::Pattern(_), _)) => return Err(self.not_scalar(name.span)),
            Some((Item::Lambda(lambda), env)) => return self.lambda_value(lambda, &env, &[], name.span, scope),
            None => {}
        }
        if self.context.tables.schema(&name.text).is_some() {
            return Err(self.not_scalar(name.span));
        }
        if scope.row.is_some_and(|row| row.open) {
            self.untyped = true;
            let notice = format!("the data has no column `{}`, so it is null", name.text);
            if !self.notices.contains(&notice) {
                self.notices.push(notice);
            }
            return Ok(Scalar::literal(Value::Null, Type::Dynamic));
        }
        Err(self.unknown_column(name, scope))
    }

    pub fn unknown_column(&mut self, name: &Name, scope: Scope<'_, 'q>) -> super::scope::Reported {
        if self.faults.len() >= super::MOST_FAULTS {
            return super::scope::Reported;
        }
        let mut known: Vec<String> = Vec::new();
        for table in [scope.row, scope.right].into_iter().flatten() {
            known.extend(table.schema().names().map(String::from));
            known.extend(table.hidden.iter().map(|hidden| hidden.name.clone()));
        }
        known.extend(scope.env.names());
        let message = match scope.row {
            Some(_) => format!("no column is named `{}`", name.text),
            None => format!("nothing is named `{}`", name.text),
        };
        self.fault(codes::UNKNOWN_COLUMN.at(name.span, message).nearest(&name.text, known.iter().map(String::as_str)))
    }

    /// `a.b['c'][0]`: one call over the base and all its steps.
    fn path(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let mut steps: Vec<(Step<'q>, Span)> = Vec::new();
        let mut base = expr;
        loop {
            match &base.kind {
                ExprKind::Path { base: inner, name } => {
                    if let ExprKind::Name(side) = &inner.kind
                        && (side.text == "$left"
                            || side.text == "$right"
                            || scan_state(&side.text, name, scope).is_some()
                            || self.is_path(&side.text))
                    {
                        break;
                    }
                    steps.push((Step::Name(name), name.span));
                    base = inner;
                }
                ExprKind::Element { base: inner, index } => {
                    steps.push((Step::Index(index), index.span));
                    base = inner;
                }
                _ => break,
            }
        }
        let value = match &base.kind {
            ExprKind::Path { base: inner, name } => self.side_column(inner, name, scope),
            _ => self.scalar(base, scope),
        };
        if steps.is_empty() {
            return value;
        }
        let mut args = vec![value?];
        if args[0].ty() != Type::Dynamic {
            let ty = args[0].ty();
            return Err(match steps.last() {
                Some((Step::Name(name), span)) => {
                    let fault = codes::UNKNOWN_COLUMN.at(*span, format!("a {ty} has no part `{}`", name.text));
                    let help = "read it as a dynamic first: `parse_json(…)`";
                    self.fault(if ty == Type::String { fault.help(help) } else { fault })
                }
                _ => {
                    let span = steps.last().map_or(expr.span, |(_, span)| *span);
                    let fault = codes::WRONG_TYPE.at(span, format!("`[]` needs a dynamic, not {ty}"));
                    let help = "read it as a dynamic first: `parse_json(…)`";
                    self.fault(if ty == Type::String { fault.help(help) } else { fault })
                }
            });
        }
        for (step, span) in steps.into_iter().rev() {
            let step = match step {
                Step::Name(name) => Scalar::literal(Value::string(name.text.clone()), Type::String),
                Step::Index(index) => {
                    let index = self.scalar(index, scope)?;
                    match index.ty() {
                        Type::String | Type::Int | Type::Long => index,
                        Type::Dynamic => coerce::convert(index, Type::String, self.context.now),
                        ty => {
                            return Err(self.fault(
                                codes::WRONG_TYPE.at(span, format!("`[]` takes a string or a whole number, not {ty}")),
                            ));
                        }
                    }
                }
            };
            args.push(step);
        }
        self.apply("[]", args, expr.span)
    }

    /// `$left.x`, `$right.x`.
    fn side_column(&mut self, side: &'q Expr, name: &'q Name, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let ExprKind::Name(side) = &side.kind else { return self.scalar(side, scope) };
        if let Some(state) = scan_state(&side.text, name, scope) {
            return Ok(state);
        }
        if let Some(column) = self.path_column(side, name) {
            return column;
        }
        let table = match (scope.right, side.text.as_str()) {
            (Some(_), "$left") => scope.row,
            (right, _) => right,
        };
        let Some(table) = table else {
            return Err(self.fault(
                codes::WRONG_PLACE.at(side.span, format!("`{}` stands only in the `on` of a join", side.text)),
            ));
        };
        match table.column(&name.text, name.span) {
            Some(column) => Ok(column),
            None => Err(self.unknown_column(name, Scope { row: Some(table), right: None, ..scope })),
        }
    }

    /// A function of our own choice over bound arguments.
    pub fn apply(&mut self, name: &str, args: Vec<Scalar>, span: Span) -> Bind<Scalar> {
        match functions::scalar(name) {
            Some(function) => self.function(function, args, &[], span),
            None => Err(self.fault(codes::NOT_YET.at(span, format!("`{name}` is not here yet")))),
        }
    }

    /// An operator over bound operands.
    pub fn operator(&mut self, op: &str, args: Vec<Scalar>, op_span: Span, span: Span) -> Bind<Scalar> {
        let Some(function) = functions::scalar(op) else {
            return Err(self.fault(codes::NOT_YET.at(op_span, format!("the operator `{op}` is not here yet"))));
        };
        let types: Vec<Type> = args.iter().map(Scalar::ty).collect();
        let again =
            (self.untyped && types.contains(&Type::Dynamic)).then(|| coerce::typed(op, &args, self.context.now));
        self.try_operator(function, op, args, span)
            .or_else(|| self.try_operator(function, op, again?, span))
            .ok_or_else(|| self.bad_operands(op, &types, op_span))
    }

    fn try_operator(&mut self, function: &'static Function, op: &str, args: Vec<Scalar>, span: Span) -> Option<Scalar> {
        let args = coerce::operands(op, args, self.context.now)?;
        self.try_function(function, args, span).ok()
    }

    fn bad_operands(&mut self, op: &str, types: &[Type], span: Span) -> super::scope::Reported {
        let op = op.trim_start_matches("unary");
        let types: Vec<&str> = types.iter().map(|ty| ty.name()).collect();
        let fault = match types.as_slice() {
            [one] => codes::WRONG_TYPE.at(span, format!("`{op}` is not defined for {one}")),
            ["string" | "dynamic", "dynamic"] if op == "has" => codes::WRONG_TYPE
                .at(span, "`has` looks for one text, not for those of an array")
                .help("ask with `has_any (…)` or `has_all (…)`"),
            ["string", "string"] if op == "+" => codes::WRONG_TYPE
                .at(span, "`+` is not defined for string and string")
                .help("join texts with `strcat(…)`"),
            many => codes::WRONG_TYPE.at(span, format!("`{op}` is not defined for {}", many.join(" and "))),
        };
        self.fault(fault)
    }

    /// `a and b and c`, as one call over pairs: the tree stays as deep as the logarithm of the terms.
    pub fn chain(&mut self, op: &str, terms: Vec<(Scalar, Span)>, span: Span) -> Bind<Scalar> {
        let mut level = Vec::with_capacity(terms.len());
        for (term, at) in terms {
            match term.ty() {
                Type::Bool => level.push(term),
                // Here, unlike in `where` itself, a dynamic may stand.
                Type::Dynamic => level.push(coerce::convert(term, Type::Bool, self.context.now)),
                ty => {
                    let message = format!("`{op}` takes a bool here, not {ty}");
                    return Err(self.fault(codes::WRONG_TYPE.at(at, message)));
                }
            }
        }
        while level.len() > 1 {
            let mut next = Vec::with_capacity(level.len().div_ceil(2));
            let mut rest = level.into_iter();
            while let Some(left) = rest.next() {
                next.push(match rest.next() {
                    Some(right) => self.apply(op, vec![left, right], span)?,
                    None => left,
                });
            }
            level = next;
        }
        match level.pop() {
            Some(bound) => Ok(bound),
            None => Err(self.fault(codes::SYNTAX.at(span, "an expression is expected here"))),
        }
    }

    /// `* has 'x'`: true where it is for any column of the row.
    pub fn any_column(
        &mut self,
        op: &'static str,
        right: &'q Expr,
        op_span: Span,
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Scalar> {
        let right = self.scalar(right, scope)?;
        let Some(row) = scope.row else {
            return Err(self.fault(codes::WRONG_PLACE.at(span, "`*` needs a table before it")));
        };
        self.any_column_is(op, right, row.schema(), op_span, span)
    }

    pub fn any_column_is(
        &mut self,
        op: &str,
        right: Scalar,
        schema: &Schema,
        op_span: Span,
        span: Span,
    ) -> Bind<Scalar> {
        let one = 3 + constant::value_of(&right).map_or(0, constant::weight);
        self.charge(one * schema.len(), span)?;
        let mut terms = Vec::new();
        // Of operators that find a text in another.
        let needle = constant::value_of(&right).and_then(Value::as_str).filter(|_| Kind::of(op).is_some());
        let needle = needle.map(str::to_owned);
        let nowhere = |ty| needle.as_deref().is_some_and(|needle| !may_hold(ty, needle));
        for column in &schema.columns {
            let value = Scalar::column(&column.name, column.ty);
            let value = match (right.ty(), column.ty) {
                (Type::String, ty) if nowhere(ty) => continue,
                (Type::String, Type::String) => value,
                (Type::String, _) => coerce::convert(value, Type::String, self.context.now),
                (a, b) if a == b || (a.is_number() && b.is_number()) || b == Type::Dynamic => value,
                _ => continue,
            };
            terms.push((self.operator(op, vec![value, right.clone()], op_span, span)?, span));
        }
        if terms.is_empty() {
            return Ok(Scalar::literal(Value::Bool(false), Type::Bool));
        }
        // What is not so of any column is so of none.
        self.chain(if op.starts_with('!') { "and" } else { "or" }, terms, span)
    }

    /// `x in (…)`, `x has_any (…)` and their like.
    fn membership(
        &mut self,
        op: &'static str,
        left: &'q Expr,
        terms: &'q [Expr],
        op_span: Span,
        span: Span,
        scope: Scope<'_, 'q>,
    ) -> Bind<Scalar> {
        let any = matches!(left.kind, ExprKind::Star);
        let value = if any { None } else { Some(self.scalar(left, scope)) };
        let mut items: Vec<Scalar> = Vec::new();
        for term in terms {
            if self.is_table(term, scope) {
                let table = self.table(term, scope.env)?;
                items.push(self.set_of(table, term.span)?);
                continue;
            }
            match self.scalar(term, scope)? {
                // The elements of a constant array stand for themselves.
                Scalar::Literal { value: Value::Dynamic(array), ty } => match array.tree().as_ref() {
                    Json::Array(elements) if elements.len() + items.len() <= MOST_TERMS => {
                        items.extend(elements.iter().map(element));
                    }
                    _ => items.push(Scalar::literal(Value::Dynamic(array), ty)),
                },
                other => items.push(other),
            }
        }
        let Some(value) = value else {
            let Some(row) = scope.row else {
                return Err(self.fault(codes::WRONG_PLACE.at(left.span, "`*` needs a table before it")));
            };
            let mut found = Vec::new();
            for column in &row.schema().columns {
                let one = Scalar::column(&column.name, column.ty);
                let one = coerce::convert(one, Type::String, self.context.now);
                found.push((self.member_of(op, one, items.clone(), op_span, span)?, span));
            }
            return self.chain("or", found, span);
        };
        self.member_of(op, value?, items, op_span, span)
    }

    fn member_of(&mut self, op: &str, value: Scalar, items: Vec<Scalar>, op_span: Span, span: Span) -> Bind<Scalar> {
        let ty = value.ty();
        let text = op.starts_with("has");
        if (text || op.ends_with('~')) && !matches!(ty, Type::String | Type::Dynamic) {
            return Err(self.bad_operands(op, &[ty], op_span));
        }
        let Some(function) = functions::scalar(op) else {
            return Err(self.fault(codes::NOT_YET.at(op_span, format!("the operator `{op}` is not here yet"))));
        };
        let (value, items) = coerce::members(value, items, text || op.ends_with('~'), self.context.now);
        let mut args = vec![value];
        args.extend(items);
        if args.len() == 1 {
            // Nothing is among none, and everything is not.
            return Ok(Scalar::literal(Value::Bool(op.starts_with('!') || op == "has_all"), Type::Bool));
        }
        match self.try_function(function, args, span) {
            Ok(bound) => Ok(bound),
            Err(_) => Err(self.bad_operands(op, &[ty], op_span)),
        }
    }

    /// The first column of a table as a set of values.
    fn set_of(&mut self, table: super::scope::Table, span: Span) -> Bind<Scalar> {
        let (rel, _) = table.take();
        let Some(first) = rel.schema.columns.first() else {
            return Err(self.fault(codes::NOT_SCALAR.at(span, "this table has no columns")));
        };
        let ty = first.ty;
        Ok(Scalar::SubquerySet { rel: Box::new(rel), ty })
    }

    /// `toscalar(…)`.
    pub fn subquery(&mut self, expr: &'q Expr, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        if !self.is_table(expr, Scope::bare(scope.env)) {
            return self.scalar(expr, Scope::bare(scope.env));
        }
        let table = self.table(expr, scope.env)?;
        let (rel, _): (Rel, _) = table.take();
        let Some(first) = rel.schema.columns.first() else {
            return Err(self.fault(codes::NOT_SCALAR.at(expr.span, "this table has no columns")));
        };
        let ty = first.ty;
        Ok(Scalar::Subquery { rel: Box::new(rel), ty })
    }

    /// A list of literals, as the argument of a plug-in.
    fn list(&mut self, items: &'q [Expr], span: Span, scope: Scope<'_, 'q>) -> Bind<Scalar> {
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            let bound = self.scalar(item, scope)?;
            elements.push(self.settle(bound, span)?.to_json());
        }
        Ok(Scalar::literal(Value::json(Json::Array(elements)), Type::Dynamic))
    }
}

/// `s1.Ts` within a scan: the column of the state of a step.
fn scan_state(step: &str, column: &Name, scope: Scope<'_, '_>) -> Option<Scalar> {
    scope.row?.column(&state_column(step, &column.text), column.span)
}

enum Step<'q> {
    Name(&'q Name),
    Index(&'q Expr),
}

/// An element of a constant array as a scalar of its own type.
fn element(json: &Json) -> Scalar {
    match json {
        Json::Null => Scalar::literal(Value::Null, Type::Dynamic),
        Json::Bool(x) => Scalar::literal(Value::Bool(*x), Type::Bool),
        Json::String(text) => Scalar::literal(Value::string(text.clone()), Type::String),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Scalar::literal(Value::Long(whole), Type::Long),
            None => Scalar::literal(number.as_f64().map_or(Value::Null, Value::Real), Type::Real),
        },
        Json::Array(_) | Json::Object(_) => Scalar::literal(Value::json(json.clone()), Type::Dynamic),
    }
}
