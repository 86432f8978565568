//! What the grammar asks of names: a path does not go on behind a collection, and sums are of what can be summed. Which
//! names are what is said by a [`Model`].
use super::ast::{Aggregate, Arg, Expr, ExprKind, Grouping, Name, Options, RequestLine, StepKind, Trafo};
use crate::text::{Diagnostic, Diagnostics, Span, codes};

/// What the names of a service stand for.
pub trait Model {
    /// A property with many values.
    fn is_collection(&self, name: &str) -> bool;
    /// A type, as which the values before it are taken.
    fn is_type(&self, name: &str) -> bool;
    /// A property that is fetched by itself.
    fn is_stream(&self, name: &str) -> bool;
    /// A name that stands for an aggregation.
    fn is_custom_aggregate(&self, name: &str) -> bool;
    /// A property that may be expanded or joined: another entity or several.
    fn is_known(&self, name: &str) -> bool;
}

/// The faults of a request line by a model.
pub fn check(line: &RequestLine, model: &dyn Model) -> Result<(), Diagnostics> {
    let mut checker = Checker { model, faults: vec![] };
    for pair in line.path.windows(2) {
        if pair[1].name.text == "$value" && model.is_stream(&pair[0].name.text) {
            checker.fault(pair[1].name.span, format!("`{}` is a stream and has no `$value`", pair[0].name.text));
        }
    }
    for arg in line.path.iter().flat_map(|segment| &segment.args) {
        checker.expr(&arg.value);
    }
    checker.options(&line.options);
    if checker.faults.is_empty() { Ok(()) } else { Err(checker.faults) }
}

/// The faults of one expression.
pub fn check_expr(expr: &Expr, model: &dyn Model) -> Result<(), Diagnostics> {
    let mut checker = Checker { model, faults: vec![] };
    checker.expr(expr);
    if checker.faults.is_empty() { Ok(()) } else { Err(checker.faults) }
}

struct Checker<'m> {
    model: &'m dyn Model,
    faults: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn fault(&mut self, span: Span, message: String) {
        self.faults.push(codes::WRONG_PLACE.at(span, message));
    }

    fn options(&mut self, options: &Options) {
        let exprs = options.filter.iter();
        let exprs = exprs.chain(options.orderby.iter().map(|key| &key.expr));
        let exprs = exprs.chain(options.compute.iter().map(|item| &item.expr));
        for expr in exprs.chain(options.aliases.iter().map(|(_, value)| value)) {
            self.expr(expr);
        }
        for trafo in &options.apply {
            self.trafo(trafo);
        }
        for item in &options.expand {
            self.options(&item.options);
        }
        for inner in options.select.iter().filter_map(|item| item.options.as_ref()) {
            self.options(inner);
        }
    }

    fn exprs<'e>(&mut self, all: impl IntoIterator<Item = &'e Expr>) {
        for expr in all {
            self.expr(expr);
        }
    }

    fn args(&mut self, args: &[Arg]) {
        self.exprs(args.iter().map(|arg| &arg.value));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(_) => {}
            ExprKind::Call { args, .. } => self.args(args),
            ExprKind::Case(cases) => {
                for (when, then) in cases {
                    self.expr(when);
                    self.expr(then);
                }
            }
            ExprKind::Not(inner) | ExprKind::Negate(inner) => self.expr(inner),
            ExprKind::Binary { left, right, .. } | ExprKind::In { left, right } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Chain { terms, .. } => self.exprs(terms),
            ExprKind::List(items) => self.exprs(items),
            ExprKind::Object(fields) => self.exprs(fields.iter().map(|(_, value)| value)),
            ExprKind::Path(steps) => {
                let mut many: Option<&str> = None;
                for step in steps {
                    match &step.kind {
                        StepKind::Name(name) => {
                            if let Some(collection) = many.filter(|_| !self.model.is_type(last(name))) {
                                let message =
                                    format!("`{collection}` has many values: `{name}` of which one is not said");
                                self.fault(step.span, message);
                            }
                            if self.model.is_collection(name) {
                                many = Some(name);
                            }
                        }
                        StepKind::Call { args, .. } => {
                            self.args(args);
                            many = None;
                        }
                        StepKind::Filter(inner) => self.expr(inner),
                        StepKind::Lambda { body, .. } => self.exprs(body.iter().map(|(_, body)| &**body)),
                        StepKind::Aggregate(item) => self.aggregate(item),
                        StepKind::Count(options) => self.options(options),
                        StepKind::At(_) | StepKind::Dollar(_) => many = None,
                    }
                }
            }
        }
    }

    fn trafo(&mut self, trafo: &Trafo) {
        match trafo {
            Trafo::Aggregate(items) => items.iter().for_each(|item| self.aggregate(item)),
            Trafo::Compute(items) => self.exprs(items.iter().map(|item| &item.expr)),
            Trafo::Concat(branches) => branches.iter().flatten().for_each(|trafo| self.trafo(trafo)),
            Trafo::Filter(condition) => self.expr(condition),
            Trafo::Groupby { by, then } => {
                for path in by.iter().filter_map(|by| if let Grouping::Path(path) = by { Some(path) } else { None }) {
                    self.single(path);
                }
                then.iter().for_each(|trafo| self.trafo(trafo));
            }
            Trafo::Orderby(keys) => self.exprs(keys.iter().map(|key| &key.expr)),
            Trafo::Ranked { amount, by, .. } => self.exprs([amount, by]),
            Trafo::Join { word, property } => {
                let many = property.iter().any(|name| self.model.is_collection(&name.text));
                if let (Some(name), false) = (property.first(), many)
                    && self.model.is_known(&name.text)
                {
                    let message = format!("`{}` takes a property with many values, not `{}`", word.text, name.text);
                    self.fault(name.span, message);
                }
            }
            Trafo::Identity | Trafo::Search(_) | Trafo::Skip(_) | Trafo::Top(_) | Trafo::Other(_) => {}
        }
    }

    /// A path without collections in it.
    fn single(&mut self, path: &[Name]) {
        if let Some(name) = path.iter().find(|name| self.model.is_collection(&name.text)) {
            self.fault(name.span, format!("`{}` has many values and cannot be grouped by", name.text));
        }
    }

    fn aggregate(&mut self, item: &Aggregate) {
        let Some(expr) = &item.expr else { return };
        let ExprKind::Path(steps) = &expr.kind else { return self.expr(expr) };
        let counts = matches!(steps.last().map(|step| &step.kind), Some(StepKind::Count(_)));
        if item.with.is_some() || counts {
            return;
        }
        if let Some((StepKind::Name(name), span)) = steps.last().map(|step| (&step.kind, step.span))
            && !self.model.is_custom_aggregate(name)
        {
            self.fault(span, format!("`{name}` needs a method, as in `{name} with sum as total`"));
        }
    }
}

/// The name behind its namespace.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
