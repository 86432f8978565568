//! `union`.
use crate::bind::kql::scope::{Bind, Env, Hidden, Scope, Table};
use crate::bind::kql::{Binder, coerce, names, ops};
use crate::ir::{Rel, RelOp, Scalar};
use crate::syntax::kql::ast::{Expr, ExprKind, Operator, OperatorKind, Setting};
use crate::text::{Span, codes};
use crate::types::{Column, Schema, Type};
use crate::value::Value;
use std::collections::{HashMap, HashSet};

/// A column of the result: its name, and the name and type of the inputs' columns that go into it.
#[derive(Clone)]
pub struct Unified {
    pub name: String,
    pub source: String,
    pub ty: Type,
    /// Values of other types are converted, since no other column is there for them.
    pub converts: bool,
}

impl<'q> Binder<'_, 'q> {
    pub fn union(
        &mut self,
        input: Option<Table>,
        options: &'q [Setting],
        tables: &'q [Expr],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let fuzzy = ops::is_on(options, "isfuzzy");
        let piped = input.is_some();
        let mut inputs: Vec<Table> = input.into_iter().collect();
        let mut sound = Ok(());
        for expr in tables {
            match self.union_input(expr, fuzzy, env) {
                Ok(found) => {
                    for one in &found {
                        self.widen(one.schema(), expr.span)?;
                    }
                    inputs.extend(found);
                }
                Err(fault) => sound = Err(fault),
            }
        }
        sound?;
        let inner = match ops::option(options, "kind") {
            None => false,
            Some(setting) => match ops::word(setting).as_deref() {
                Some("inner") => true,
                Some("outer") => false,
                _ => return Err(self.bad_option(setting, "`inner` or `outer`")),
            },
        };
        let source = ops::option(options, "withsource").or_else(|| ops::option(options, "with_source"));
        let source = source.and_then(ops::word);
        let given = usize::from(piped) + tables.len();
        if inputs.is_empty() && !fuzzy {
            return Err(self.fault(codes::SYNTAX.at(operator.word, "a union needs its tables")));
        }
        let missing = inputs.len() < given;
        self.widen_union(&inputs, operator.word)?;
        let mut table = united(inputs, source, inner, self.context.now);
        table.open |= missing;
        Ok(table)
    }

    /// Counts what a union makes: every input gets all columns.
    pub fn widen_union(&mut self, inputs: &[Table], span: Span) -> Bind<()> {
        let names: HashSet<&str> = inputs.iter().flat_map(|input| input.schema().names()).collect();
        let columns = names.len();
        self.charge(columns.saturating_mul(inputs.len()), span)
    }

    /// The tables that one expression of a union stands for.
    pub fn union_input(&mut self, expr: &'q Expr, fuzzy: bool, env: &Env<'q>) -> Bind<Vec<Table>> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) if matches!(inner.kind, ExprKind::Wildcard(_)) => {
                self.union_input(inner, fuzzy, env)
            }
            ExprKind::Wildcard(pattern) if fuzzy => {
                let before = self.faults.len();
                self.matching(pattern, env).or_else(|_| {
                    self.faults.truncate(before);
                    self.notices.push(format!("no table's name matches `{}`", pattern.text));
                    Ok(Vec::new())
                })
            }
            ExprKind::Wildcard(pattern) => self.matching(pattern, env),
            ExprKind::Path { name, .. } if name.text.contains('*') => self.matching(name, env),
            _ => {
                let before = self.faults.len();
                match self.table(expr, env) {
                    Ok(table) => Ok(vec![table]),
                    Err(fault) => {
                        // A fuzzy union passes over an input whose tables are not there.
                        let unknown = |fault: &crate::text::Diagnostic| fault.code == codes::UNKNOWN_TABLE;
                        if !fuzzy || self.faults.len() == before || !self.faults[before..].iter().all(unknown) {
                            return Err(fault);
                        }
                        for fault in self.faults.split_off(before) {
                            self.notices.push(format!("{}; the union goes on without it", fault.message));
                        }
                        self.absent_input(expr, env)?;
                        Ok(Vec::new())
                    }
                }
            }
        }
    }

    /// What is wrong with the conditions over a table that is not there, as far as it can be told without its columns.
    fn absent_input(&mut self, expr: &'q Expr, env: &Env<'q>) -> Bind<()> {
        let mut expr = expr;
        while let ExprKind::Parenthesised(inner) = &expr.kind {
            expr = inner;
        }
        let ExprKind::Pipe { operators, .. } = &expr.kind else { return Ok(()) };
        let mut sound = Ok(());
        for operator in operators {
            let OperatorKind::Where { predicate } = &operator.kind else { continue };
            let before = self.faults.len();
            if let Err(fault) = self.predicate(predicate, Scope::bare(env)) {
                let certain = |fault: &crate::text::Diagnostic| {
                    fault.code == codes::WRONG_TYPE || fault.code == codes::ARGUMENT_COUNT
                };
                if self.faults.len() > before && self.faults[before..].iter().all(certain) {
                    sound = Err(fault);
                } else {
                    self.faults.truncate(before);
                }
            }
        }
        sound
    }
}

/// The rows of all inputs under one schema: columns by name and type, of which those that clash get the type's name.
pub fn united(mut inputs: Vec<Table>, source: Option<String>, inner: bool, now: i64) -> Table {
    if let (Some(_), true, None) = (inputs.first(), inputs.len() == 1, &source)
        && let Some(mut only) = inputs.pop()
    {
        only.ordered = false;
        return only;
    }
    let schemas: Vec<&Schema> = inputs.iter().map(Table::schema).collect();
    let columns = unify(&schemas, inner);
    let mut schema = Schema::default();
    if let Some(source) = &source {
        schema.columns.push(Column { name: source.clone(), ty: Type::String });
    }
    let mut taken = names::Unique::default();
    for column in &schema.columns {
        taken.add(&column.name);
    }
    let columns: Vec<Unified> = columns.into_iter().map(|one| Unified { name: taken.name(&one.name), ..one }).collect();
    schema.columns.extend(columns.iter().map(|one| Column { name: one.name.clone(), ty: one.ty }));
    let hidden = common_hidden(&inputs, &columns);
    let open = inputs.iter().any(|input| input.open);
    let mut relations = Vec::with_capacity(inputs.len());
    for (at, input) in inputs.into_iter().enumerate() {
        let label = input.name.clone().unwrap_or_else(|| format!("union_arg{at}"));
        let (rel, rest) = input.take();
        let mut outputs: Vec<(String, Scalar)> = Vec::with_capacity(schema.len());
        if let Some(source) = &source {
            outputs.push((source.clone(), Scalar::literal(Value::string(label), Type::String)));
        }
        let own: HashMap<&str, &Column> = rest.schema.columns.iter().map(|one| (one.name.as_str(), one)).collect();
        for column in &columns {
            let found = own.get(column.source.as_str()).copied().filter(|known| known.ty == column.ty);
            let hidden = || {
                let one = rest.hidden.iter().find(|one| one.name == column.source && one.ty == column.ty)?;
                rest.schema.get(&one.source)
            };
            let other = rest.schema.get(&column.source).filter(|_| column.converts);
            let value = match (found.or_else(hidden), other) {
                (Some(known), _) => Scalar::column(&known.name, known.ty),
                (None, Some(other)) => coerce::convert(Scalar::column(&other.name, other.ty), column.ty, now),
                (None, None) => Scalar::literal(Value::absent(column.ty), column.ty),
            };
            outputs.push((column.name.clone(), value));
        }
        let same = rel.schema == schema
            && outputs
                .iter()
                .all(|(name, value)| matches!(value, Scalar::Column { name: source, .. } if source == name));
        relations.push(if same {
            rel
        } else {
            Rel { op: RelOp::Project { input: Box::new(rel), columns: outputs }, schema: schema.clone() }
        });
    }
    Table { hidden, open, ..Table::of(RelOp::Union { inputs: relations }, schema) }
}

/// The columns of a union: by name and type, in the order in which they appear. A name that clashes with none is kept,
/// whatever the others get. Where the first two of a name agree, the reference settles on their type for good.
pub fn unify(schemas: &[&Schema], inner: bool) -> Vec<Unified> {
    let mut seen: Vec<(String, Vec<Type>)> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut settled: HashSet<usize> = HashSet::new();
    for column in schemas.iter().flat_map(|schema| &schema.columns) {
        let Some(at) = index.get(column.name.as_str()).copied() else {
            index.insert(&column.name, seen.len());
            seen.push((column.name.clone(), vec![column.ty]));
            continue;
        };
        let types = &mut seen[at].1;
        if types.as_slice() == [column.ty] {
            settled.insert(at);
        } else if !settled.contains(&at) && !types.contains(&column.ty) {
            types.push(column.ty);
        }
    }
    if inner {
        let everywhere =
            |name: &str, ty: Type| schemas.iter().all(|schema| schema.get(name).is_some_and(|column| column.ty == ty));
        for (name, types) in &mut seen {
            types.retain(|ty| everywhere(name, *ty));
        }
    }
    let mut unique = names::Unique::default();
    for (name, types) in &seen {
        if types.len() == 1 {
            unique.add(name);
        }
    }
    let mut columns = Vec::new();
    for (at, (name, types)) in seen.into_iter().enumerate() {
        let converts = settled.contains(&at);
        match types.as_slice() {
            [] => {}
            [ty] => columns.push(Unified { name: name.clone(), source: name, ty: *ty, converts }),
            many => {
                for ty in many {
                    let suffixed = unique.name(&format!("{name}_{}", ty.name()));
                    columns.push(Unified { name: suffixed, source: name.clone(), ty: *ty, converts });
                }
            }
        }
    }
    columns
}

/// Hidden columns over a column of the result: what one input has, the others have too, if with nothing in it.
fn common_hidden(inputs: &[Table], columns: &[Unified]) -> Vec<Hidden> {
    let mut found: Vec<Hidden> = Vec::new();
    for one in inputs.iter().flat_map(|table| &table.hidden) {
        let sourced = columns.iter().any(|c| c.name == one.source && c.source == one.source && c.ty == one.ty);
        if sourced && columns.iter().all(|c| c.name != one.name) && !found.contains(one) {
            found.push(one.clone());
        }
    }
    found
}
