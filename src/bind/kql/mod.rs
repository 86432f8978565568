//! KQL trees to the typed middle: every name is found, every type is settled, and all sugar is taken away.
//!
//! - [`scope`]: what names stand for
//! - [`expr`], [`calls`], [`aggregates`]: expressions that give one value
//! - [`table`]: expressions that give a table, and the way of a table through a pipeline
//! - [`ops`]: one file for each tabular operator
//! - [`columns`]: named expressions as columns of a result
//! - [`names`]: the names that columns get by themselves
//! - [`coerce`], [`constant`]: conversions and the folding of constants
use super::{Context, provided};
use crate::ir::{self, Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{self, ExprKind, Let, LetValue, OperatorKind, Parameter, ParameterType, Statement};
use crate::text::{Diagnostic, Diagnostics, Span, codes};
use crate::types::{Schema, Type};
use crate::value::Value;
use scope::{Bind, Env, Item, Reported, Scope, Table};
use std::marker::PhantomData;
use std::rc::Rc;

pub mod aggregates;
#[cfg(test)]
mod agreement;
pub mod calls;
pub mod coerce;
pub mod columns;
pub mod constant;
#[cfg(test)]
mod exotic;
pub mod expr;
pub mod names;
pub mod ops;
pub mod outside;
pub mod pattern;
#[cfg(test)]
mod published;
#[cfg(test)]
mod recorded;
pub mod scope;
pub mod table;
#[cfg(test)]
mod tests;

/// Faults past this number are not told.
pub const MOST_FAULTS: usize = 50;
/// How deep expressions, pipelines and calls of lambdas may nest.
const MOST_DEPTH: usize = 200;
/// How many expressions a text may come to, lambdas and tables of let statements unfolded; every column that an operator
/// gives on counts as one.
const MOST_WORK: usize = 2_000_000;
/// How many levels of relations and calls a let statement may come to.
const MOST_HEIGHT: usize = 500;
/// How many operators follow each other.
const MOST_STAGES: usize = 500;
/// How many columns an operator takes.
const MOST_COLUMNS: usize = 10_000;

/// Binds a whole text: one answer for each result statement.
pub fn kql<'q>(query: &'q ast::Query, context: &Context<'q>) -> Result<ir::Bound, Diagnostics> {
    let mut binder = Binder::new(context);
    let env = library(context).inner();
    let mut results = Vec::new();
    for statement in &query.statements {
        if let Statement::Result(expr) = statement {
            // A fault is on the list already; the statements behind it are read for theirs.
            if let Ok(answers) = binder.result(expr, &env) {
                results.extend(answers);
            }
        } else if binder.statement(statement, &env).is_err() {
            continue;
        }
    }
    if results.is_empty() && binder.faults.is_empty() {
        binder.fault(
            codes::EMPTY_QUERY.at(query.span, "the text has no query").help("end it with a table or a pipeline"),
        );
    }
    if !binder.faults.is_empty() {
        binder.faults.sort_by_key(|fault| fault.span.start);
        return Err(binder.faults);
    }
    let mut notices = query.notices.clone();
    notices.append(&mut binder.notices);
    Ok(ir::Bound { results, notices })
}

/// What is wrong with the body of a function, whatever it is called with. One that takes any table has a meaning only
/// where it is called.
pub fn check<'q>(lambda: &'q ast::Lambda, context: &Context<'q>) -> Result<(), Diagnostics> {
    let mut binder = Binder::new(context);
    let inner = library(context).inner();
    for parameter in &lambda.parameters {
        let item = match &parameter.ty {
            ParameterType::Table { rest: true, .. } => return Ok(()),
            ParameterType::Table { columns, .. } => match binder.declared(columns) {
                Ok(schema) => Item::Table(Rc::new(Table::of(RelOp::Values { rows: Vec::new() }, schema))),
                Err(_) => Item::Broken,
            },
            ParameterType::Scalar(ty) => Item::Scalar(Scalar::literal(sample(*ty), *ty)),
        };
        inner.add(&parameter.name.text, item);
    }
    // What is wrong is on the list of faults.
    let mut sound = true;
    for statement in &lambda.statements {
        sound &= binder.statement(statement, &inner).is_ok();
    }
    if sound {
        let _ = if binder.is_table(&lambda.body, Scope::bare(&inner)) || table::names_a_table(&lambda.body) {
            binder.table(&lambda.body, &inner).map(|_| ())
        } else {
            binder.scalar(&lambda.body, Scope::bare(&inner)).map(|_| ())
        };
    }
    binder.faults.sort_by_key(|fault| fault.span.start);
    if binder.faults.is_empty() { Ok(()) } else { Err(binder.faults) }
}

/// A value that stands for an argument.
fn sample(ty: Type) -> Value<'static> {
    match ty {
        Type::String => Value::string("a"),
        Type::Int => Value::Int(1),
        Type::Long => Value::Long(1),
        Type::Timespan => Value::Timespan(crate::value::datetime::TICKS_PER_DAY),
        Type::Bool | Type::Real | Type::Decimal | Type::Datetime | Type::Guid | Type::Dynamic => Value::absent(ty),
    }
}

/// The saved functions, each in sight of those before it.
fn library<'q>(context: &Context<'q>) -> Env<'q> {
    let env = Env::new();
    for (one, _) in provided::functions() {
        env.add(&one.name, Item::Lambda(&one.lambda));
    }
    let env = env.inner();
    for one in context.saved {
        env.add(&one.name, Item::Lambda(&one.lambda));
    }
    env
}

/// Whether the binder itself has an answer for a call of that name.
pub fn is_built_in(name: &str) -> bool {
    const WORDS: &[&str] = &["table", "materialize", "toscalar", "database", "cluster", "workspace"];
    WORDS.contains(&name) || provided::has(name) || calls::NEEDS_DATA.iter().any(|(known, ..)| *known == name)
}

/// One text on its way to the typed middle.
pub struct Binder<'c, 'q> {
    pub context: &'c Context<'c>,
    pub faults: Diagnostics,
    pub notices: Vec<String>,
    depth: usize,
    pub work: usize,
    /// Tables within tables, where the binder stands.
    pub tables: usize,
    /// The pattern whose expressions are being bound.
    pub matching: Option<ops::graph::Matching>,
    next_shared: u32,
    pub next_column: usize,
    /// A column was named that only the data can have or not have (behind `evaluate bag_unpack` and its like). As for
    /// the reference, its type is unknown from here on: a dynamic stands for whatever is wanted.
    pub untyped: bool,
    text: PhantomData<&'q ast::Query>,
}

impl<'c, 'q> Binder<'c, 'q> {
    fn new(context: &'c Context<'q>) -> Binder<'c, 'q>
    where
        'q: 'c,
    {
        Binder {
            context,
            faults: Vec::new(),
            notices: Vec::new(),
            depth: 0,
            work: 0,
            tables: 0,
            matching: None,
            next_shared: 0,
            next_column: 1,
            untyped: false,
            text: PhantomData,
        }
    }

    /// The work of a saved function's body: what is wrong in it has no place in the text at hand, so it is told where
    /// the function is called.
    pub fn within<T>(
        &mut self,
        lambda: &'q ast::Lambda,
        span: Span,
        work: impl FnOnce(&mut Self) -> Bind<T>,
    ) -> Bind<T> {
        let before = self.faults.len();
        let bound = work(self);
        let mut saved = self.context.saved.iter().map(|one| one.as_ref()).find(|one| std::ptr::eq(&one.lambda, lambda));
        if let Some((one, notice)) = provided::functions().iter().find(|(one, _)| std::ptr::eq(&one.lambda, lambda)) {
            saved = Some(one);
            if !self.notices.iter().any(|known| known == notice) {
                self.notices.push((*notice).to_owned());
            }
        }
        if let Some(saved) = saved {
            let inside = self.faults.split_off(before.min(self.faults.len()));
            for fault in inside {
                let message = format!("within the function `{}`: {}", saved.name, fault.message);
                self.fault(Diagnostic { span, message, ..fault });
            }
        }
        bound
    }
}

impl<'q> Binder<'_, 'q> {
    /// One step down; refused past the bounds.
    pub fn enter(&mut self, span: Span) -> Bind<()> {
        self.descend(1, span)
    }

    pub fn leave(&mut self) {
        self.ascend(1);
    }

    /// As many steps down at once.
    pub fn descend(&mut self, levels: usize, span: Span) -> Bind<()> {
        // Nothing that is found from here on would be told.
        if self.faults.len() >= MOST_FAULTS {
            return Err(Reported);
        }
        if self.depth + levels > MOST_DEPTH {
            return Err(self.fault(codes::TOO_DEEP.at(span, "the query nests too deep here")));
        }
        self.charge(1, span)?;
        self.depth += levels;
        Ok(())
    }

    pub fn ascend(&mut self, levels: usize) {
        self.depth -= levels;
    }

    /// Counts the nodes of a relation that is put in once more, their columns, expressions and values.
    pub fn spend(&mut self, rel: &Rel, span: Span) -> Bind<()> {
        self.charge(weight(vec![rel], vec![]), span)
    }

    /// Counts the nodes of an expression that is put in once more.
    pub fn spend_scalar(&mut self, scalar: &Scalar, span: Span) -> Bind<()> {
        self.charge(weight(vec![], vec![scalar]), span)
    }

    /// Counts the columns that an operator takes.
    pub fn widen(&mut self, schema: &Schema, span: Span) -> Bind<()> {
        self.few(schema.len(), "columns", span)?;
        self.charge(schema.len(), span)
    }

    /// Refuses a list, before anybody looks for each of its names among the others, that is longer than any table is wide.
    pub fn few(&mut self, count: usize, what: &str, span: Span) -> Bind<()> {
        if count > MOST_COLUMNS {
            let message = format!("more than {MOST_COLUMNS} {what}");
            return Err(self.fault(codes::TOO_LONG.at(span, message)));
        }
        Ok(())
    }

    /// Counts what an operator or a function makes out of less.
    pub fn charge(&mut self, work: usize, span: Span) -> Bind<()> {
        self.work = self.work.saturating_add(work);
        if self.work > MOST_WORK {
            let fault = codes::TOO_LONG.at(span, "the query comes to too many expressions");
            return Err(self.fault(fault.help("ask for less at once: fewer tables, terms or columns")));
        }
        Ok(())
    }

    pub fn shared(&mut self, table: Table) -> Table {
        if matches!(table.rel.op, RelOp::Shared { .. }) {
            return table;
        }
        let id = self.next_shared;
        self.next_shared += 1;
        let (rel, rest) = table.take();
        let schema = rel.schema.clone();
        rest.finish(Rel { op: RelOp::Shared { id, input: rel.into() }, schema })
    }

    fn result(&mut self, expr: &'q ast::Expr, env: &Env<'q>) -> Bind<Vec<ir::Answer>> {
        if let ExprKind::Pipe { source, operators } = &expr.kind
            && let Some((last, before)) = operators.split_last()
            && matches!(last.kind, OperatorKind::Fork { .. } | OperatorKind::Facet { .. })
        {
            let input = self.table(source, env)?;
            let input = self.pipe(input, before, env)?;
            return self.several(input, last, env);
        }
        if let ExprKind::Pipe { source, operators } = &expr.kind
            && let Some((last, before)) = operators.split_last()
            && let OperatorKind::GraphToTable { outputs } = &last.kind
            && outputs.len() > 1
        {
            let input = self.relation(source, env)?;
            let input = self.pipe(input, before, env)?;
            return self.graph_to_tables(input, outputs, env);
        }
        if let ExprKind::Pipe { source, operators } = &expr.kind
            && let Some((last, before)) = operators.split_last()
            && let OperatorKind::Evaluate { name, args, schema: None, .. } = &last.kind
            && ops::evaluate::SEVERAL.contains(&name.text.as_str())
        {
            let input = self.table(source, env)?;
            let input = self.pipe(input, before, env)?;
            let tables = self.evaluate_several(input, name, args, last, env)?;
            return Ok(tables.into_iter().map(|table| answer("PrimaryResult".into(), table)).collect());
        }
        if self.is_table(expr, Scope::bare(env)) || table::names_a_table(expr) {
            let table = self.table(expr, env)?;
            return Ok(vec![answer("PrimaryResult".into(), table)]);
        }
        let value = self.scalar(expr, Scope::bare(env))?;
        let ty = value.ty();
        let rel = Rel {
            op: RelOp::Project { input: Box::new(one_row()), columns: vec![("print_0".into(), value)] },
            schema: Schema::new([("print_0", ty)]),
        };
        Ok(vec![answer("PrimaryResult".into(), Table::new(rel))])
    }

    /// A statement that gives no answer.
    pub fn statement(&mut self, statement: &'q Statement, env: &Env<'q>) -> Bind<()> {
        match statement {
            Statement::Let(one) => self.let_statement(one, env),
            Statement::Set { name, value, .. } => {
                let kept = match name.text.as_str() {
                    "query_bin_auto_size" => calls::BIN_AUTO_SIZE,
                    "query_bin_auto_at" => calls::BIN_AUTO_AT,
                    _ => return Ok(()),
                };
                if let Some(value) = value {
                    let bound = self.scalar(value, Scope::bare(env))?;
                    env.add(kept, Item::Scalar(bound));
                }
                Ok(())
            }
            Statement::Declare { parameters, .. } => {
                for parameter in parameters {
                    self.declare(parameter, env)?;
                }
                Ok(())
            }
            Statement::Pattern(one) => {
                env.add(&one.name.text, Item::Pattern(one));
                Ok(())
            }
            Statement::Other { what, span } => {
                Err(self.fault(codes::NOT_YET.at(*span, format!("`{what}` is not here yet"))))
            }
            Statement::Result(expr) => Err(self.fault(codes::WRONG_PLACE.at(expr.span, "a query cannot stand here"))),
        }
    }

    fn let_statement(&mut self, one: &'q Let, env: &Env<'q>) -> Bind<()> {
        if env.has_own(&one.name.text) {
            let name = &one.name.text;
            return Err(
                self.fault(codes::DUPLICATE_NAME.at(one.name.span, format!("`{name}` has been given a value already")))
            );
        }
        let item = match &one.value {
            LetValue::Lambda(lambda) => Ok(Item::Lambda(lambda)),
            LetValue::Expr(expr) => self.let_value(expr, env),
        };
        let outcome = item.as_ref().map(|_| ()).map_err(|fault| *fault);
        env.add(&one.name.text, item.unwrap_or(Item::Broken));
        outcome
    }

    fn let_value(&mut self, expr: &'q ast::Expr, env: &Env<'q>) -> Bind<Item<'q>> {
        if let ExprKind::Name(name) = &expr.kind
            && let Some((Item::Lambda(_), _)) = env.get(&name.text)
        {
            return Err(self.fault(codes::NOT_YET.at(expr.span, "another name for a function is not here yet")));
        }
        if self.is_table(expr, Scope::bare(env)) {
            let table = self.relation(expr, env)?;
            self.within_height(vec![(&table.rel, 1)], vec![], expr.span)?;
            return Ok(Item::Table(Rc::new(table)));
        }
        let value = self.scalar(expr, Scope::bare(env))?;
        self.within_height(vec![], vec![(&value, 1)], expr.span)?;
        Ok(if calls::reads_columns(&value) { Item::Argument(value, self.tables) } else { Item::Scalar(value) })
    }

    /// What a let statement names is copied where it is used, and may be part of what the next one names: the levels of
    /// all of them add up.
    fn within_height<'r>(
        &mut self,
        mut rels: Vec<(&'r Rel, usize)>,
        mut scalars: Vec<(&'r Scalar, usize)>,
        span: Span,
    ) -> Bind<()> {
        loop {
            let height = if let Some((scalar, height)) = scalars.pop() {
                match scalar {
                    Scalar::Literal { .. } | Scalar::Column { .. } => {}
                    Scalar::Call { args, .. } => scalars.extend(args.iter().map(|arg| (arg, height + 1))),
                    Scalar::Subquery { rel, .. } | Scalar::SubquerySet { rel, .. } => rels.push((rel, height + 1)),
                }
                height
            } else if let Some((rel, height)) = rels.pop() {
                rels.extend(rel.op.inputs().into_iter().map(|input| (input, height + 1)));
                scalars.extend(rel.op.scalars().into_iter().map(|scalar| (scalar, height + 1)));
                height
            } else {
                return Ok(());
            };
            if height > MOST_HEIGHT {
                return Err(self.fault(codes::TOO_DEEP.at(span, "what this stands for nests too deep")));
            }
        }
    }

    /// A query parameter: the value given with the query, else its default.
    fn declare(&mut self, parameter: &'q Parameter, env: &Env<'q>) -> Bind<()> {
        let ParameterType::Scalar(ty) = &parameter.ty else {
            return Err(self.fault(codes::WRONG_TYPE.at(parameter.name.span, "a query parameter is a single value")));
        };
        let name = &parameter.name;
        let given = self.context.parameters.iter().find(|(known, _)| *known == name.text);
        let value = match (given, &parameter.default) {
            (Some((_, text)), _) => {
                let text = Scalar::literal(literal_of(text, *ty), Type::String);
                match *ty {
                    Type::String => text,
                    Type::Dynamic => self.apply("parse_json", vec![text], name.span)?,
                    ty => coerce::convert(text, ty, self.context.now),
                }
            }
            (None, Some(default)) => {
                let bound = self.scalar(default, Scope::bare(env))?;
                self.as_declared(bound, *ty, default.span)?
            }
            (None, None) => {
                return Err(self.fault(
                    codes::NEEDS_DATA
                        .at(name.span, format!("no value is given for the query parameter `{}`", name.text))
                        .help("send it with the query, or give it a default"),
                ));
            }
        };
        env.add(&name.text, Item::Scalar(value));
        Ok(())
    }

    pub fn not_yet(&mut self, what: &str, span: Span) -> Reported {
        self.fault(not_yet(what, span))
    }
}

/// How many expressions these come to.
pub fn weight<'r>(mut rels: Vec<&'r Rel>, mut scalars: Vec<&'r Scalar>) -> usize {
    let mut sum = 0;
    loop {
        if let Some(scalar) = scalars.pop() {
            sum += 1;
            match scalar {
                Scalar::Literal { value, .. } => sum += constant::weight(value),
                Scalar::Column { .. } => {}
                Scalar::Call { args, .. } => scalars.extend(args),
                Scalar::Subquery { rel, .. } | Scalar::SubquerySet { rel, .. } => rels.push(rel),
            }
        } else if let Some(rel) = rels.pop() {
            sum += 1 + rel.schema.len();
            if let RelOp::Values { rows } = &rel.op {
                sum += rows.iter().flatten().map(|value| 1 + constant::weight(value)).sum::<usize>();
            }
            rels.extend(rel.op.inputs());
            scalars.extend(rel.op.scalars());
        } else {
            return sum;
        }
    }
}

pub fn not_yet(what: &str, span: Span) -> Diagnostic {
    codes::NOT_YET.at(span, format!("`{what}` is not here yet"))
}

pub fn answer(name: String, table: Table) -> ir::Answer {
    let visualization = table.visualization.clone();
    let (rel, _) = table.take();
    ir::Answer { name, rel, visualization }
}

/// A relation of one row without columns.
pub fn one_row() -> Rel {
    Rel { op: RelOp::Values { rows: vec![Vec::new()] }, schema: Schema::default() }
}

/// The text within a literal that came beside the query: `datetime(2024-01-01)`, `'abc'`, `5`.
fn literal_of(text: &str, ty: Type) -> Value<'static> {
    let text = text.trim();
    let inner = text
        .strip_suffix(')')
        .and_then(|rest| rest.split_once('('))
        .filter(|(word, _)| Type::from_name(word.trim()).is_some())
        .map_or(text, |(_, inner)| inner.trim());
    let quoted =
        ['"', '\''].iter().find_map(|quote| inner.strip_prefix(*quote).and_then(|rest| rest.strip_suffix(*quote)));
    match quoted {
        Some(quoted) => Value::string(quoted.to_owned()),
        None if ty == Type::String => Value::string(text.to_owned()),
        None => Value::string(inner.to_owned()),
    }
}
