//! Relations over tables in memory, node by node.
use super::budget::Sink;
use super::expand::Expansion;
use super::range::range;
use super::{Budget, Compiled, Env, RowsError, Table, join, order, whole};
use crate::functions::{Call, Fold};
use crate::ir::{AggregateCall, Expander, Rel, RelOp, Scalar, SortKey, WholeArg, WindowCall};
use crate::types::{Schema, Type};
use crate::value::{Json, Value};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Joins, unions and bodies within each other past this are refused.
const DEEPEST: usize = 200;

type Row = Vec<Value<'static>>;

/// The rows of a relation.
pub fn run(rel: &Rel, env: &Env<'_>) -> Result<Table, RowsError> {
    Runner { shared: RefCell::default() }.rel(rel, env, 0)
}

struct Runner {
    shared: RefCell<HashMap<u32, Rc<Table>>>,
}

impl Runner {
    /// A long pipe is walked, not descended.
    fn rel(&self, rel: &Rel, env: &Env<'_>, depth: usize) -> Result<Table, RowsError> {
        if depth > DEEPEST {
            return Err(RowsError::Fault("relations are nested too deep".into()));
        }
        let mut pipe = Vec::new();
        let mut at = rel;
        while let Some(input) = at.op.piped() {
            pipe.push(at);
            at = input;
        }
        let mut table = self.leaf(at, env, depth)?;
        for step in pipe.into_iter().rev() {
            env.budget.check_time()?;
            table = self.step(step, table, env, depth)?;
        }
        Ok(table)
    }

    fn leaf(&self, rel: &Rel, env: &Env<'_>, depth: usize) -> Result<Table, RowsError> {
        match &rel.op {
            RelOp::Table { name, .. } => {
                let table = env.source.table(name, &rel.schema).map_err(RowsError::Fault)?;
                within(arranged(table, &rel.schema), env.budget)
            }
            RelOp::Values { rows } => within(Table { schema: rel.schema.clone(), rows: rows.clone() }, env.budget),
            RelOp::Range { from, to, step } => {
                let ty = rel.schema.columns.first().map_or(Type::Long, |column| column.ty);
                let most = env.budget.rows;
                let rows = range(from, to, step, ty, most as u64).map_err(|_| RowsError::Rows(most))?;
                let mut sink = Sink::new(env.budget);
                rows.into_iter().try_for_each(|row| sink.push(row))?;
                Ok(sink.finish(&rel.schema))
            }
            RelOp::Join { left, right, kind, on, output } => {
                let left = self.rel(left, env, depth + 1)?;
                let right = self.rel(right, env, depth + 1)?;
                let mut left_keys = Vec::new();
                let mut right_keys = Vec::new();
                for (l, r) in on {
                    left_keys.push(self.ready(l, &left.schema, env, depth)?);
                    right_keys.push(self.ready(r, &right.schema, env, depth)?);
                }
                join::join(*kind, (&left, &left_keys), (&right, &right_keys), output, &rel.schema, env.budget)
            }
            RelOp::Union { inputs } => {
                let mut all = Table { schema: rel.schema.clone(), rows: Vec::new() };
                for input in inputs {
                    all.rows.extend(arranged(self.rel(input, env, depth + 1)?, &rel.schema).rows);
                    if all.rows.len() > env.budget.rows {
                        return Err(RowsError::Rows(env.budget.rows));
                    }
                }
                Ok(all)
            }
            RelOp::Each => match env.each {
                Some(each) => Ok(arranged(each.clone(), &rel.schema)),
                None => Err(RowsError::Fault("a body stands outside its operator".into())),
            },
            RelOp::Whole { inputs, call } => {
                let entry = whole::whole(call.name).ok_or_else(|| {
                    RowsError::Fault(format!("no operator over whole tables is named `{}`", call.name))
                })?;
                let tables = inputs
                    .iter()
                    .map(|input| self.rel(input, env, depth + 1))
                    .collect::<Result<Vec<_>, RowsError>>()?;
                let mut call = call.clone();
                for arg in &mut call.args {
                    self.settle_arg(arg, env, depth)?;
                }
                within((entry.run)(&call, &tables, &rel.schema, env)?, env.budget)
            }
            RelOp::Shared { id, input } => {
                if let Some(table) = self.shared.borrow().get(id) {
                    return Ok(Table::clone(table));
                }
                let table = self.rel(input, env, depth + 1)?;
                if env.each.is_none() || !uses_each(input) {
                    self.shared.borrow_mut().insert(*id, Rc::new(table.clone()));
                }
                Ok(table)
            }
            RelOp::Filter { .. }
            | RelOp::Project { .. }
            | RelOp::Summarize { .. }
            | RelOp::Sort { .. }
            | RelOp::Take { .. }
            | RelOp::Skip { .. }
            | RelOp::Expand { .. }
            | RelOp::Window { .. }
            | RelOp::Apply { .. }
            | RelOp::Partition { .. } => self.rel(rel, env, depth + 1),
        }
    }

    fn step(&self, rel: &Rel, mut table: Table, env: &Env<'_>, depth: usize) -> Result<Table, RowsError> {
        match &rel.op {
            RelOp::Filter { predicate, .. } => {
                let predicate = self.ready(predicate, &table.schema, env, depth)?;
                table.rows.retain(|row| predicate.eval(row).as_bool() == Some(true));
                Ok(table)
            }
            RelOp::Project { columns, .. } => {
                let columns = columns
                    .iter()
                    .map(|(_, scalar)| self.ready(scalar, &table.schema, env, depth))
                    .collect::<Result<Vec<_>, RowsError>>()?;
                project(table, &columns, &rel.schema, env.budget)
            }
            RelOp::Summarize { by, aggregates, .. } => {
                let mut keys = Vec::new();
                for (_, scalar) in by {
                    keys.push(self.ready(scalar, &table.schema, env, depth)?);
                }
                let mut calls = Vec::new();
                for call in aggregates {
                    calls.push(self.ready_aggregate(call, &table.schema, env, depth)?);
                }
                let names = by.iter().map(|(name, _)| name.as_str());
                let names =
                    names.chain(aggregates.iter().flat_map(|a| a.outputs.iter().map(|(name, _)| name.as_str())));
                let order = names.map(|name| slot(&rel.schema, name)).collect::<Result<Vec<_>, RowsError>>()?;
                summarize(&table, &keys, &calls, &order, &rel.schema, env.budget)
            }
            RelOp::Sort { keys, .. } => self.sort(table, keys, env, depth),
            RelOp::Take { count, .. } => {
                table.rows.truncate(usize::try_from(*count).unwrap_or(usize::MAX));
                Ok(table)
            }
            RelOp::Skip { count, .. } => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX).min(table.rows.len());
                table.rows.drain(..count);
                Ok(table)
            }
            RelOp::Expand { expander, .. } => {
                let expander = self.settled_expander(expander, env, depth)?;
                expand(&table, &expander, &rel.schema, env)
            }
            RelOp::Window { calls, .. } => self.window(table, calls, &rel.schema, env, depth),
            RelOp::Apply { expander, body, .. } => {
                let expander = self.settled_expander(expander, env, depth)?;
                self.apply(&table, &expander, body, &rel.schema, env, depth)
            }
            RelOp::Partition { by, body, .. } => self.partition(table, by, body, &rel.schema, env, depth),
            RelOp::Table { .. }
            | RelOp::Values { .. }
            | RelOp::Range { .. }
            | RelOp::Join { .. }
            | RelOp::Union { .. }
            | RelOp::Each
            | RelOp::Whole { .. }
            | RelOp::Shared { .. } => self.leaf(rel, env, depth),
        }
    }

    fn sort(&self, table: Table, keys: &[SortKey], env: &Env<'_>, depth: usize) -> Result<Table, RowsError> {
        let ready = keys
            .iter()
            .map(|key| self.ready(&key.expr, &table.schema, env, depth))
            .collect::<Result<Vec<_>, RowsError>>()?;
        let mut keyed: Vec<(Row, Row)> = table
            .rows
            .into_iter()
            .map(|row| (ready.iter().map(|key| key.eval(&row).into_owned()).collect(), row))
            .collect();
        keyed.sort_by(|(a, _), (b, _)| {
            keys.iter()
                .zip(a.iter().zip(b))
                .map(|(key, (a, b))| order::compare_for(a, b, key.descending, key.nulls_first))
                .find(|ordering| ordering.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        Ok(Table { schema: table.schema, rows: keyed.into_iter().map(|(_, row)| row).collect() })
    }

    fn window(
        &self,
        table: Table,
        calls: &[WindowCall],
        schema: &Schema,
        env: &Env<'_>,
        depth: usize,
    ) -> Result<Table, RowsError> {
        let mut columns: HashMap<&str, Vec<Value<'static>>> = HashMap::new();
        for call in calls {
            let args = call
                .args
                .iter()
                .map(|arg| self.ready(arg, &table.schema, env, depth))
                .collect::<Result<Vec<_>, RowsError>>()?;
            let types: Vec<Type> = args.iter().map(Compiled::ty).collect();
            let rows: Vec<Row> =
                table.rows.iter().map(|row| args.iter().map(|arg| arg.eval(row).into_owned()).collect()).collect();
            let column = (call.window.eval)(&Call { types: &types, gives: call.ty, now: env.now }, &rows);
            columns.insert(call.name.as_str(), column);
        }
        let mut sink = Sink::new(env.budget);
        for (at, row) in table.rows.into_iter().enumerate() {
            let mut cells = Vec::with_capacity(schema.len());
            for column in &schema.columns {
                let cell = match columns.get(column.name.as_str()) {
                    Some(values) => values.get(at).cloned().unwrap_or_else(|| Value::absent(column.ty)),
                    None => row[slot(&table.schema, &column.name)?].clone(),
                };
                cells.push(cell);
            }
            sink.push(cells)?;
        }
        Ok(sink.finish(schema))
    }

    fn apply(
        &self,
        table: &Table,
        expander: &Expander,
        body: &Rel,
        schema: &Schema,
        env: &Env<'_>,
        depth: usize,
    ) -> Result<Table, RowsError> {
        let body = self.hoisted(body, env, depth)?;
        let each_schema = each_schema(&body).unwrap_or_else(|| table.schema.clone());
        let picks: Vec<Option<usize>> = schema.columns.iter().map(|column| body.schema.index(&column.name)).collect();
        let mut sink = Sink::new(env.budget);
        for row in &table.rows {
            let one = Table { schema: table.schema.clone(), rows: vec![row.clone()] };
            let elements = expand(&one, expander, &each_schema, env)?;
            if elements.rows.is_empty() {
                continue;
            }
            let given = self.rel(&body, &Env { each: Some(&elements), ..*env }, depth + 1)?;
            for mut inner in given.rows {
                let mut cells = Vec::with_capacity(schema.len());
                for (column, pick) in schema.columns.iter().zip(&picks) {
                    cells.push(match pick {
                        Some(at) => std::mem::replace(&mut inner[*at], Value::Null),
                        None => row[slot(&table.schema, &column.name)?].clone(),
                    });
                }
                sink.push(cells)?;
            }
        }
        Ok(sink.finish(schema))
    }

    fn partition(
        &self,
        table: Table,
        by: &Scalar,
        body: &Rel,
        schema: &Schema,
        env: &Env<'_>,
        depth: usize,
    ) -> Result<Table, RowsError> {
        let body = self.hoisted(body, env, depth)?;
        let by = self.ready(by, &table.schema, env, depth)?;
        let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut groups: Vec<Vec<Row>> = Vec::new();
        for row in table.rows {
            let key = order::group_key([&by.eval(&row)]);
            let at = *index.entry(key).or_insert(groups.len());
            if at == groups.len() {
                groups.push(Vec::new());
            }
            groups[at].push(row);
        }
        let mut sink = Sink::new(env.budget);
        for rows in groups {
            let each = Table { schema: table.schema.clone(), rows };
            let given = self.rel(&body, &Env { each: Some(&each), ..*env }, depth + 1)?;
            for row in arranged(given, schema).rows {
                sink.push(row)?;
            }
        }
        Ok(sink.finish(schema))
    }

    /// The body of an operator with whatever does not depend on the rows at hand computed once.
    fn hoisted(&self, body: &Rel, env: &Env<'_>, depth: usize) -> Result<Rel, RowsError> {
        let mut body = body.clone();
        let mut work = vec![&mut body];
        while let Some(rel) = work.pop() {
            if !uses_each(rel) && !matches!(rel.op, RelOp::Values { .. }) {
                let table = self.rel(rel, env, depth + 1)?;
                *rel = Rel { schema: table.schema, op: RelOp::Values { rows: table.rows } };
                continue;
            }
            for scalar in rel.op.scalars_mut() {
                if has_subquery(scalar) && !scalar_uses_each(scalar) {
                    *scalar = self.settled(scalar, env, depth)?;
                }
            }
            work.extend(rel.op.inputs_mut());
        }
        Ok(body)
    }

    /// A scalar readied, its subqueries computed.
    fn ready(&self, scalar: &Scalar, schema: &Schema, env: &Env<'_>, depth: usize) -> Result<Compiled, RowsError> {
        if has_subquery(scalar) {
            Compiled::new(&self.settled(scalar, env, depth)?, schema, env.now)
        } else {
            Compiled::new(scalar, schema, env.now)
        }
    }

    fn ready_aggregate(
        &self,
        call: &AggregateCall,
        schema: &Schema,
        env: &Env<'_>,
        depth: usize,
    ) -> Result<ReadyAggregate, RowsError> {
        if call.args.iter().any(has_subquery) {
            let mut settled = call.clone();
            for arg in &mut settled.args {
                *arg = self.settled(arg, env, depth)?;
            }
            return ReadyAggregate::new(&settled, schema, env.now);
        }
        ReadyAggregate::new(call, schema, env.now)
    }

    fn settled(&self, scalar: &Scalar, env: &Env<'_>, depth: usize) -> Result<Scalar, RowsError> {
        Ok(match scalar {
            Scalar::Literal { .. } | Scalar::Column { .. } => scalar.clone(),
            Scalar::Call { function, args, ty, span } => Scalar::Call {
                function,
                args: args.iter().map(|arg| self.settled(arg, env, depth)).collect::<Result<_, RowsError>>()?,
                ty: *ty,
                span: *span,
            },
            Scalar::Subquery { rel, ty } => {
                let table = self.rel(rel, env, depth + 1)?;
                let value = table.rows.into_iter().next().and_then(|row| row.into_iter().next());
                Scalar::Literal { value: value.unwrap_or_else(|| Value::absent(*ty)), ty: *ty }
            }
            Scalar::SubquerySet { rel, .. } => {
                let table = self.rel(rel, env, depth + 1)?;
                let mut seen = HashSet::new();
                let mut items = Vec::new();
                for value in table.rows.iter().filter_map(|row| row.first()) {
                    if seen.insert(order::group_key([value])) {
                        items.push(value.to_json());
                    }
                }
                Scalar::Literal { value: Value::json(Json::Array(items)), ty: Type::Dynamic }
            }
        })
    }

    fn settle_arg(&self, arg: &mut WholeArg, env: &Env<'_>, depth: usize) -> Result<(), RowsError> {
        match arg {
            WholeArg::Constant(..) | WholeArg::Column(..) => Ok(()),
            WholeArg::Scalar(_, scalar) => {
                *scalar = self.settled(scalar, env, depth)?;
                Ok(())
            }
            WholeArg::Aggregate(_, call) => {
                for arg in &mut call.args {
                    *arg = self.settled(arg, env, depth)?;
                }
                Ok(())
            }
            WholeArg::Group(_, args) => args.iter_mut().try_for_each(|arg| self.settle_arg(arg, env, depth)),
        }
    }

    fn settled_expander(&self, expander: &Expander, env: &Env<'_>, depth: usize) -> Result<Expander, RowsError> {
        let mut expander = expander.clone();
        match &mut expander {
            Expander::MvExpand { columns, .. } => {
                for (_, scalar, _) in columns {
                    *scalar = self.settled(scalar, env, depth)?;
                }
            }
            Expander::Parse { expr, .. } | Expander::ParseKv { expr, .. } => *expr = self.settled(expr, env, depth)?,
        }
        Ok(expander)
    }
}

fn has_subquery(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => false,
        Scalar::Call { args, .. } => args.iter().any(has_subquery),
        Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => true,
    }
}

fn scalar_uses_each(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Literal { .. } | Scalar::Column { .. } => false,
        Scalar::Call { args, .. } => args.iter().any(scalar_uses_each),
        Scalar::Subquery { rel, .. } | Scalar::SubquerySet { rel, .. } => uses_each(rel),
    }
}

/// Whether the relation reads the rows of the operator around it. The bodies of operators inside it have their own.
fn uses_each(rel: &Rel) -> bool {
    let mut work = vec![rel];
    while let Some(rel) = work.pop() {
        if matches!(rel.op, RelOp::Each) || rel.op.scalars().into_iter().any(scalar_uses_each) {
            return true;
        }
        work.extend(rel.op.inputs());
    }
    false
}

fn each_schema(body: &Rel) -> Option<Schema> {
    let mut work = vec![body];
    while let Some(rel) = work.pop() {
        if matches!(rel.op, RelOp::Each) {
            return Some(rel.schema.clone());
        }
        work.extend(rel.op.inputs());
    }
    None
}

fn slot(schema: &Schema, name: &str) -> Result<usize, RowsError> {
    schema.index(name).ok_or_else(|| RowsError::Fault(format!("column `{name}` is not in the relation")))
}

/// The table with exactly these columns, in this order; a column that it lacks is absent in every row.
fn arranged(table: Table, schema: &Schema) -> Table {
    if table.schema == *schema {
        return table;
    }
    let picks: Vec<Option<usize>> = schema.columns.iter().map(|column| table.schema.index(&column.name)).collect();
    let arrange = |row: Row| {
        let cells = picks.iter().zip(&schema.columns);
        cells.map(|(pick, column)| pick.map_or_else(|| Value::absent(column.ty), |at| row[at].clone())).collect()
    };
    Table { schema: schema.clone(), rows: table.rows.into_iter().map(arrange).collect() }
}

fn within(table: Table, budget: Budget) -> Result<Table, RowsError> {
    if table.rows.len() > budget.rows {
        return Err(RowsError::Rows(budget.rows));
    }
    let bytes: usize = table.rows.iter().flatten().map(order::size).sum();
    if bytes > budget.bytes { Err(RowsError::Bytes(budget.bytes)) } else { Ok(table) }
}

fn project(table: Table, columns: &[Compiled], schema: &Schema, budget: Budget) -> Result<Table, RowsError> {
    // A plain column is moved at its last use, after everything that reads it has been computed.
    let mut last: HashMap<usize, usize> = HashMap::new();
    for (at, column) in columns.iter().enumerate() {
        if let Some(index) = column.as_column() {
            last.insert(index, at);
        }
    }
    let mut sink = Sink::new(budget);
    for mut row in table.rows {
        let mut cells: Row = columns
            .iter()
            .map(|column| if column.as_column().is_some() { Value::Null } else { column.eval(&row).into_owned() })
            .collect();
        for (at, column) in columns.iter().enumerate() {
            if let Some(index) = column.as_column() {
                cells[at] = if last.get(&index) == Some(&at) {
                    std::mem::replace(&mut row[index], Value::Null)
                } else {
                    row[index].clone()
                };
            }
        }
        sink.push(cells)?;
    }
    Ok(sink.finish(schema))
}

/// An aggregation readied for one schema: starts folds and feeds them rows.
#[derive(Debug)]
pub struct ReadyAggregate {
    call: AggregateCall,
    args: Vec<Compiled>,
    types: Vec<Type>,
    gives: Type,
    now: i64,
}

impl ReadyAggregate {
    pub fn new(call: &AggregateCall, schema: &Schema, now: i64) -> Result<ReadyAggregate, RowsError> {
        let args =
            call.args.iter().map(|arg| Compiled::new(arg, schema, now)).collect::<Result<Vec<_>, RowsError>>()?;
        let types = args.iter().map(Compiled::ty).collect();
        let gives = call.outputs.first().map_or(Type::Dynamic, |(_, ty)| *ty);
        Ok(ReadyAggregate { call: call.clone(), args, types, gives, now })
    }

    pub fn start(&self) -> Box<dyn Fold> {
        (self.call.aggregate.start)(&Call { types: &self.types, gives: self.gives, now: self.now })
    }

    pub fn add(&self, fold: &mut dyn Fold, row: &[Value<'static>]) {
        let args: Vec<Value<'_>> = self.args.iter().map(|arg| arg.eval(row)).collect();
        fold.add(&args);
    }

    /// One value for each output.
    pub fn finish(&self, fold: &dyn Fold) -> Row {
        let mut values = if self.call.outputs.len() == 1 { vec![fold.finish()] } else { fold.finish_row() };
        values.truncate(self.call.outputs.len());
        for (value, (_, ty)) in values.iter_mut().zip(&self.call.outputs) {
            if value.is_null() {
                *value = Value::absent(*ty);
            }
        }
        for (_, ty) in self.call.outputs.iter().skip(values.len()) {
            values.push(Value::absent(*ty));
        }
        values
    }
}

/// `order[i]` is the place of the i-th key or output in the schema.
fn summarize(
    table: &Table,
    keys: &[Compiled],
    calls: &[ReadyAggregate],
    order: &[usize],
    schema: &Schema,
    budget: Budget,
) -> Result<Table, RowsError> {
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<(Row, Vec<Box<dyn Fold>>)> = Vec::new();
    if keys.is_empty() {
        index.insert(Vec::new(), 0);
        groups.push((Vec::new(), calls.iter().map(ReadyAggregate::start).collect()));
    }
    for (count, row) in table.rows.iter().enumerate() {
        let values: Vec<Value<'_>> = keys.iter().map(|key| key.eval(row)).collect();
        let mut key = Vec::new();
        values.iter().for_each(|value| order::push_key(&mut key, value));
        let at = match index.get(&key) {
            Some(at) => *at,
            None => {
                index.insert(key, groups.len());
                let values = values.into_iter().map(Value::into_owned).collect();
                groups.push((values, calls.iter().map(ReadyAggregate::start).collect()));
                groups.len() - 1
            }
        };
        for (call, fold) in calls.iter().zip(&mut groups[at].1) {
            call.add(fold.as_mut(), row);
        }
        if count % 4096 == 4095 {
            budget.check_time()?;
            let held: usize = groups.iter().flat_map(|(_, folds)| folds).map(|fold| fold.size()).sum();
            if held > budget.bytes {
                return Err(RowsError::Bytes(budget.bytes));
            }
        }
    }
    let mut sink = Sink::new(budget);
    for (values, folds) in groups {
        let outputs = calls.iter().zip(&folds).flat_map(|(call, fold)| call.finish(fold.as_ref()));
        let mut cells: Row = schema.columns.iter().map(|column| Value::absent(column.ty)).collect();
        for (value, at) in values.into_iter().chain(outputs).zip(order) {
            cells[*at] = value;
        }
        sink.push(cells)?;
    }
    Ok(sink.finish(schema))
}

/// Each row of the table through the expander; columns that it does not give are the table's.
fn expand(table: &Table, expander: &Expander, schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let expansion = Expansion::new(expander)?;
    let args = Expansion::arguments(expander)
        .into_iter()
        .map(|scalar| Compiled::new(scalar, &table.schema, env.now))
        .collect::<Result<Vec<_>, RowsError>>()?;
    let gives = Expansion::gives(expander);
    enum Pick {
        Given(usize),
        Kept(usize),
    }
    let mut picks = Vec::with_capacity(schema.len());
    for column in &schema.columns {
        picks.push(match gives.iter().position(|(name, _)| *name == column.name) {
            Some(at) => Pick::Given(at),
            None => Pick::Kept(slot(&table.schema, &column.name)?),
        });
    }
    let mut sink = Sink::new(env.budget);
    for row in &table.rows {
        let values: Vec<Value<'_>> = args.iter().map(|arg| arg.eval(row)).collect();
        let mut result = Ok(());
        expansion.expand(&values, &mut |given| {
            if result.is_ok() {
                let cell = |pick: &Pick| match pick {
                    Pick::Given(at) => given[*at].clone().into_owned(),
                    Pick::Kept(at) => row[*at].clone(),
                };
                result = sink.push(picks.iter().map(cell).collect());
            }
        });
        result?;
    }
    Ok(sink.finish(schema))
}
