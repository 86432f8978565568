//! What names stand for while a text is being bound: let statements, parameters, tables on their way through a
//! pipeline, and the columns of the row at hand.
use crate::functions::{Aggregate, Window};
use crate::ir::{AggregateCall, Rel, RelOp, Scalar, WindowCall};
use crate::syntax::kql::ast;
use crate::text::Span;
use crate::types::{Column, Schema, Type};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A fault that is already in the list.
#[derive(Clone, Copy, Debug)]
pub struct Reported;

pub type Bind<T> = Result<T, Reported>;

/// What a name of a let statement, a parameter or an `as` stands for.
#[derive(Clone)]
pub enum Item<'q> {
    Scalar(Scalar),
    /// An argument of a lambda that reads columns, and how deep in tables the call stands: only there it has a meaning.
    Argument(Scalar, usize),
    /// Wide, so behind a pointer; cloned where it is used.
    Table(Rc<Table>),
    Lambda(&'q ast::Lambda),
    Pattern(&'q ast::PatternDecl),
    /// A let statement whose value is at fault: every use of it is passed over in silence.
    Broken,
}

/// The let statements of one body, in order; the body of a lambda has its own frame on top of those it was made in.
pub struct Frame<'q> {
    parent: Option<Env<'q>>,
    items: RefCell<Vec<(String, Item<'q>)>>,
    /// Where among the items a name stands, earlier ones first.
    places: RefCell<HashMap<String, Vec<usize>>>,
}

/// A frame and how much of it can be seen.
#[derive(Clone)]
pub struct Env<'q> {
    frame: Rc<Frame<'q>>,
    seen: usize,
}

impl Default for Env<'_> {
    fn default() -> Self {
        Env::new()
    }
}

impl<'q> Env<'q> {
    pub fn new() -> Env<'q> {
        Env {
            frame: Rc::new(Frame { parent: None, items: RefCell::default(), places: RefCell::default() }),
            seen: usize::MAX,
        }
    }

    /// A new frame on top of this one.
    pub fn inner(&self) -> Env<'q> {
        Env {
            frame: Rc::new(Frame { parent: Some(self.clone()), items: RefCell::default(), places: RefCell::default() }),
            seen: usize::MAX,
        }
    }

    pub fn add(&self, name: &str, item: Item<'q>) {
        let mut items = self.frame.items.borrow_mut();
        self.frame.places.borrow_mut().entry(name.into()).or_default().push(items.len());
        items.push((name.into(), item));
    }

    /// Whether this very frame has the name.
    pub fn has_own(&self, name: &str) -> bool {
        self.frame.places.borrow().contains_key(name)
    }

    /// The item of that name and the environment in which it was made.
    pub fn get(&self, name: &str) -> Option<(Item<'q>, Env<'q>)> {
        let mut env = self.clone();
        loop {
            let found = {
                let places = env.frame.places.borrow();
                let at = places.get(name).and_then(|all| all.iter().rfind(|at| **at < env.seen)).copied();
                at.and_then(|at| env.frame.items.borrow().get(at).map(|(_, item)| (item.clone(), at)))
            };
            if let Some((item, at)) = found {
                return Some((item, Env { frame: env.frame.clone(), seen: at }));
            }
            let parent = env.frame.parent.clone()?;
            env = parent;
        }
    }

    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut env = Some(self.clone());
        while let Some(one) = env {
            names.extend(one.frame.items.borrow().iter().map(|(name, _)| name.clone()));
            env = one.frame.parent.clone();
        }
        names
    }
}

/// A column that may be named though `*` does not give it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hidden {
    pub name: String,
    /// The column of the relation that it reads.
    pub source: String,
    pub ty: Type,
}

/// What a graph is besides its edges.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The columns of the edges that name the nodes at both ends.
    pub source: String,
    pub target: String,
    /// The nodes, their key behind their own columns.
    pub nodes: Rel,
}

/// A relation on its way through a pipeline.
#[derive(Clone, Debug)]
pub struct Table {
    pub rel: Rel,
    pub hidden: Vec<Hidden>,
    /// The rows are in a known order, so window functions may be used.
    pub ordered: bool,
    /// What `union withsource` and `search` call it.
    pub name: Option<String>,
    /// The JSON of a `render`.
    pub visualization: Option<String>,
    /// The columns depend on data (`evaluate bag_unpack`, a fuzzy union): one that is not there is empty.
    pub open: bool,
    /// The nodes, where this is a graph: the relation is then that of its edges.
    pub graph: Option<Rc<Graph>>,
    /// Stored columns outside of the schema that an expression over this table reads.
    pub wanted: RefCell<Vec<Column>>,
}

impl Table {
    pub fn new(rel: Rel) -> Table {
        Table {
            rel,
            hidden: Vec::new(),
            ordered: false,
            name: None,
            visualization: None,
            open: false,
            graph: None,
            wanted: RefCell::default(),
        }
    }

    pub fn of(op: RelOp, schema: Schema) -> Table {
        Table::new(Rel { op, schema })
    }

    pub fn schema(&self) -> &Schema {
        &self.rel.schema
    }

    /// The column of that name as a scalar: one of the schema's, or a hidden one.
    pub fn column(&self, name: &str, span: Span) -> Option<Scalar> {
        if let Some(column) = self.rel.schema.get(name) {
            return Some(Scalar::Column { name: column.name.clone(), ty: column.ty, span });
        }
        let hidden = self.hidden.iter().find(|one| one.name == name)?;
        if self.rel.schema.get(&hidden.source).is_none() {
            let column = Column { name: hidden.source.clone(), ty: hidden.ty };
            let mut wanted = self.wanted.borrow_mut();
            if !wanted.contains(&column) {
                wanted.push(column);
            }
        }
        Some(Scalar::Column { name: hidden.source.clone(), ty: hidden.ty, span })
    }

    /// The relation, with the stored columns outside of its schema that expressions over it read.
    pub fn take(self) -> (Rel, Rest) {
        let mut rel = self.rel;
        let schema = rel.schema.clone();
        let wanted = self.wanted.into_inner();
        for column in &wanted {
            reveal(&mut rel, column);
        }
        let rest = Rest {
            schema,
            revealed: !wanted.is_empty(),
            hidden: self.hidden,
            ordered: self.ordered,
            visualization: self.visualization,
            open: self.open,
        };
        (rel, rest)
    }

    /// The operator over this table that keeps its columns, hidden ones included.
    pub fn over(self, op: impl FnOnce(Box<Rel>) -> RelOp) -> Table {
        let (rel, rest) = self.take();
        let schema = rel.schema.clone();
        rest.finish(Rel { op: op(Box::new(rel)), schema })
    }
}

/// What remains of a table when its relation is taken out.
pub struct Rest {
    pub schema: Schema,
    revealed: bool,
    pub hidden: Vec<Hidden>,
    pub ordered: bool,
    visualization: Option<String>,
    pub open: bool,
}

impl Rest {
    /// A table over a relation whose schema holds all columns of the taken one (and those revealed for one operator).
    pub fn finish(self, rel: Rel) -> Table {
        let rel = if self.revealed && rel.schema != self.schema { select(rel, &self.schema) } else { rel };
        let Rest { ordered, visualization, open, hidden, .. } = self;
        Table { hidden, ordered, visualization, open, ..Table::new(rel) }
    }

    /// A table over a relation with other columns: hidden ones stay while their source does.
    pub fn change(self, rel: Rel, kept: impl Fn(&str) -> bool) -> Table {
        let hidden =
            self.hidden.into_iter().filter(|one| kept(&one.source) && rel.schema.get(&one.name).is_none()).collect();
        let Rest { ordered, visualization, open, .. } = self;
        Table { hidden, ordered, visualization, open, ..Table::new(rel) }
    }
}

/// Only the columns of that schema.
pub fn select(rel: Rel, schema: &Schema) -> Rel {
    let columns = schema.columns.iter().map(|c| (c.name.clone(), Scalar::column(&c.name, c.ty))).collect();
    Rel { op: RelOp::Project { input: Box::new(rel), columns }, schema: schema.clone() }
}

/// Adds a stored column to the schema of a relation that passes its input's columns on, down to the table.
fn reveal(rel: &mut Rel, column: &Column) -> bool {
    if rel.schema.get(&column.name).is_some() {
        return true;
    }
    let found = match &mut rel.op {
        RelOp::Table { .. } => true,
        RelOp::Filter { input, .. }
        | RelOp::Sort { input, .. }
        | RelOp::Take { input, .. }
        | RelOp::Skip { input, .. }
        | RelOp::Expand { input, .. }
        | RelOp::Window { input, .. } => reveal(input, column),
        RelOp::Project { input, columns } => {
            let found = reveal(input, column);
            if found {
                columns.push((column.name.clone(), Scalar::column(&column.name, column.ty)));
            }
            found
        }
        RelOp::Union { inputs } => inputs.iter_mut().all(|input| reveal(input, column)),
        RelOp::Values { .. }
        | RelOp::Range { .. }
        | RelOp::Summarize { .. }
        | RelOp::Join { .. }
        | RelOp::Apply { .. }
        | RelOp::Partition { .. }
        | RelOp::Each
        | RelOp::Whole { .. }
        | RelOp::Shared { .. } => false,
    };
    if found {
        rel.schema.columns.push(column.clone());
    }
    found
}

/// What an expression is bound against.
#[derive(Clone, Copy)]
pub struct Scope<'s, 'q> {
    pub env: &'s Env<'q>,
    pub row: Option<&'s Table>,
    /// The right side, within the `on` of a join.
    pub right: Option<&'s Table>,
    /// Where calls of aggregations are put; `None` where none may stand.
    pub aggregates: Option<&'s RefCell<Aggregates>>,
    /// Where calls of window functions are put; `None` where none may stand.
    pub windows: Option<&'s RefCell<Windows>>,
}

impl<'s, 'q> Scope<'s, 'q> {
    /// Names of let statements only.
    pub fn bare(env: &'s Env<'q>) -> Scope<'s, 'q> {
        Scope { env, row: None, right: None, aggregates: None, windows: None }
    }

    pub fn row(env: &'s Env<'q>, row: &'s Table) -> Scope<'s, 'q> {
        Scope { row: Some(row), ..Scope::bare(env) }
    }

    pub fn with_windows(self, windows: &'s RefCell<Windows>) -> Scope<'s, 'q> {
        Scope { windows: Some(windows), ..self }
    }
}

/// Aggregations that stand in the expressions of one operator; each is replaced by a column of its name.
#[derive(Default)]
pub struct Aggregates {
    pub calls: Vec<AggregateCall>,
    pub outputs: usize,
    /// Columns of the input that the operator groups by as they are.
    pub by: Vec<String>,
}

impl Aggregates {
    /// The columns that stand for the outputs of one more call.
    pub fn push(
        &mut self,
        aggregate: &'static Aggregate,
        args: Vec<Scalar>,
        types: &[Type],
        span: Span,
    ) -> Vec<Scalar> {
        let outputs: Vec<(String, Type)> =
            types.iter().enumerate().map(|(i, ty)| (format!("$a{}", self.outputs + i), *ty)).collect();
        self.outputs += types.len();
        let columns = outputs.iter().map(|(name, ty)| Scalar::column(name, *ty)).collect();
        self.calls.push(AggregateCall { aggregate, args, outputs, span });
        columns
    }
}

/// Window functions that stand in the expressions of one operator, in layers: a call over the result of another stands
/// in a later layer.
#[derive(Default)]
pub struct Windows {
    pub layers: Vec<Vec<WindowCall>>,
    count: usize,
}

impl Windows {
    pub fn push(&mut self, window: &'static Window, args: Vec<Scalar>, ty: Type) -> Scalar {
        let layer = args.iter().map(|arg| self.layer(arg)).max().unwrap_or(0);
        let name = format!("$w{}", self.count);
        self.count += 1;
        if self.layers.len() <= layer {
            self.layers.push(Vec::new());
        }
        self.layers[layer].push(WindowCall { window, args, name: name.clone(), ty });
        Scalar::column(name, ty)
    }

    /// The layer that has all that an expression reads.
    fn layer(&self, scalar: &Scalar) -> usize {
        match scalar {
            Scalar::Column { name, .. } => self
                .layers
                .iter()
                .position(|calls| calls.iter().any(|call| call.name == *name))
                .map_or(0, |layer| layer + 1),
            Scalar::Call { args, .. } => args.iter().map(|arg| self.layer(arg)).max().unwrap_or(0),
            Scalar::Literal { .. } | Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => 0,
        }
    }

    /// The relation with a column for each call.
    pub fn wrap(self, rel: Rel) -> Rel {
        self.layers.into_iter().fold(rel, |rel, calls| {
            let mut schema = rel.schema.clone();
            schema.columns.extend(calls.iter().map(|call| Column { name: call.name.clone(), ty: call.ty }));
            Rel { op: RelOp::Window { input: Box::new(rel), calls }, schema }
        })
    }
}
