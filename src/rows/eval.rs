//! Scalars over rows: names become column numbers once, then each row is a walk over a small tree.
use super::RowsError;
use crate::functions::{Call, Eval, Function};
use crate::ir::Scalar;
use crate::types::{Schema, Type};
use crate::value::Value;
use std::collections::BTreeSet;

/// Nesting past this is refused; the parser's own bound is lower.
const DEEPEST: usize = 512;

/// A scalar readied for rows of one schema.
#[derive(Clone, Debug)]
pub struct Compiled {
    node: Node,
    now: i64,
    ty: Type,
}

#[derive(Clone, Debug)]
enum Node {
    Literal(Value<'static>),
    Column(usize),
    Call { function: &'static Function, args: Vec<Node>, types: Vec<Type>, gives: Type },
}

impl Compiled {
    /// Subqueries must have been replaced by their values.
    pub fn new(scalar: &Scalar, schema: &Schema, now: i64) -> Result<Compiled, RowsError> {
        Ok(Compiled { node: compile(scalar, schema, now, 0)?, now, ty: scalar.ty() })
    }

    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The value of one row, whose cells are in the schema's order.
    pub fn eval<'a>(&'a self, row: &'a [Value<'a>]) -> Value<'a> {
        self.node.eval(row, self.now)
    }

    /// Adds the columns that it reads; false where equal rows may give different values.
    pub fn reads(&self, columns: &mut BTreeSet<usize>) -> bool {
        self.node.reads(columns)
    }

    /// The column, where the scalar is no more than that.
    pub fn as_column(&self) -> Option<usize> {
        if let Node::Column(index) = self.node { Some(index) } else { None }
    }

    /// The value, where it is the same for all rows.
    pub fn as_constant(&self) -> Option<&Value<'static>> {
        if let Node::Literal(value) = &self.node { Some(value) } else { None }
    }
}

fn compile(scalar: &Scalar, schema: &Schema, now: i64, depth: usize) -> Result<Node, RowsError> {
    if depth > DEEPEST {
        return Err(RowsError::Fault("an expression is nested too deep".into()));
    }
    Ok(match scalar {
        Scalar::Literal { value, .. } => Node::Literal(value.clone()),
        Scalar::Column { name, .. } => Node::Column(
            schema.index(name).ok_or_else(|| RowsError::Fault(format!("column `{name}` is not in the input")))?,
        ),
        Scalar::Call { function, args, ty, .. } => {
            let types: Vec<Type> = args.iter().map(Scalar::ty).collect();
            let args =
                args.iter().map(|arg| compile(arg, schema, now, depth + 1)).collect::<Result<Vec<_>, RowsError>>()?;
            let folds = matches!(function.eval, Eval::Row(_)) && args.iter().all(|arg| matches!(arg, Node::Literal(_)));
            let node = Node::Call { function, args, types, gives: *ty };
            if folds { Node::Literal(node.eval(&[], now).into_owned()) } else { node }
        }
        Scalar::Subquery { .. } | Scalar::SubquerySet { .. } => {
            return Err(RowsError::Fault("a subquery was not computed before its query".into()));
        }
    })
}

impl Node {
    fn reads(&self, columns: &mut BTreeSet<usize>) -> bool {
        match self {
            Node::Literal(_) => true,
            Node::Column(index) => {
                columns.insert(*index);
                true
            }
            Node::Call { function, args, .. } => {
                !matches!(function.eval, Eval::Volatile(_)) && args.iter().all(|arg| arg.reads(columns))
            }
        }
    }

    fn eval<'a>(&'a self, row: &'a [Value<'a>], now: i64) -> Value<'a> {
        match self {
            Node::Literal(value) => value.borrow(),
            Node::Column(index) => row.get(*index).map_or(Value::Null, Value::borrow),
            Node::Call { function, args, types, gives } => {
                let call = Call { types, gives: *gives, now };
                let values: Vec<Value<'a>> = args.iter().map(|arg| arg.eval(row, now)).collect();
                match function.eval {
                    Eval::Row(f) | Eval::Volatile(f) => f(&call, &values),
                    Eval::Binder => Value::absent(*gives),
                }
            }
        }
    }
}
