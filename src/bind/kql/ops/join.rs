//! `join` and `lookup`.
use crate::bind::kql::scope::{Bind, Env, Hidden, Rest, Scope, Table};
use crate::bind::kql::{Binder, coerce, names, ops};
use crate::ir::{JoinColumn, JoinKind, Rel, RelOp, Scalar, Side};
use crate::syntax::kql::ast::{Expr, ExprKind, Operator, Setting};
use crate::text::codes;
use crate::types::{Column, Schema, Type};
use std::collections::HashSet;

const KINDS: &[(&str, JoinKind)] = &[
    ("innerunique", JoinKind::InnerUnique),
    ("inner", JoinKind::Inner),
    ("leftouter", JoinKind::LeftOuter),
    ("rightouter", JoinKind::RightOuter),
    ("fullouter", JoinKind::FullOuter),
    ("leftsemi", JoinKind::LeftSemi),
    ("rightsemi", JoinKind::RightSemi),
    ("leftanti", JoinKind::LeftAnti),
    ("leftantisemi", JoinKind::LeftAnti),
    ("anti", JoinKind::LeftAnti),
    ("rightanti", JoinKind::RightAnti),
    ("rightantisemi", JoinKind::RightAnti),
];

/// Bound keys of both sides, and the names of the columns that they are.
#[derive(Default)]
struct Keys {
    on: Vec<(Scalar, Scalar)>,
    right: Vec<String>,
}

impl<'q> Binder<'_, 'q> {
    fn join_kind(&mut self, options: &[Setting], allowed: &[&str], default: JoinKind) -> Bind<JoinKind> {
        let Some(setting) = ops::option(options, "kind") else { return Ok(default) };
        let word = ops::word(setting).unwrap_or_default();
        match KINDS.iter().find(|(name, _)| *name == word) {
            Some((name, kind)) if allowed.is_empty() || allowed.contains(name) => Ok(*kind),
            _ => {
                let all: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
                let known = if allowed.is_empty() { all } else { allowed.to_vec() };
                Err(self.fault(
                    codes::BAD_VALUE
                        .at(setting.value.span, format!("no kind of join is called `{word}`"))
                        .nearest(&word, known),
                ))
            }
        }
    }

    pub fn join(
        &mut self,
        left: Table,
        options: &'q [Setting],
        right: &'q Expr,
        on: &'q [Expr],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let kind = self.join_kind(options, &[], JoinKind::InnerUnique);
        let right = self.table(right, env)?;
        let kind = kind?;
        let keys = self.keys(on, &left, &right, operator, env)?;
        let (left, left_rest) = left.take();
        let (right, right_rest) = right.take();
        let sides = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => (true, false),
            JoinKind::RightSemi | JoinKind::RightAnti => (false, true),
            JoinKind::InnerUnique
            | JoinKind::Inner
            | JoinKind::LeftOuter
            | JoinKind::RightOuter
            | JoinKind::FullOuter => (true, true),
        };
        let mut columns: Vec<(Side, &Column)> = Vec::new();
        if sides.0 {
            columns.extend(left_rest.schema.columns.iter().map(|column| (Side::Left, column)));
        }
        if sides.1 {
            columns.extend(right_rest.schema.columns.iter().map(|column| (Side::Right, column)));
        }
        let (schema, output) = joined(&columns);
        let hidden = hidden(&left_rest, &right_rest, &output);
        let open = left_rest.open || right_rest.open;
        let op = RelOp::Join { left: Box::new(left), right: Box::new(right), kind, on: keys.on, output };
        Ok(Table { hidden, open, ..Table::new(Rel { op, schema }) })
    }

    pub fn lookup(
        &mut self,
        left: Table,
        options: &'q [Setting],
        right: &'q Expr,
        on: &'q [Expr],
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Table> {
        let kind = self.join_kind(options, &["leftouter", "inner"], JoinKind::LeftOuter);
        let right = self.table(right, env)?;
        let kind = kind?;
        let keys = self.keys(on, &left, &right, operator, env)?;
        let (left, left_rest) = left.take();
        let (right, right_rest) = right.take();
        let mut columns: Vec<(Side, &Column)> =
            left_rest.schema.columns.iter().map(|column| (Side::Left, column)).collect();
        columns.extend(
            right_rest
                .schema
                .columns
                .iter()
                .filter(|column| !keys.right.contains(&column.name))
                .map(|column| (Side::Right, column)),
        );
        let (schema, output) = joined(&columns);
        let hidden = hidden(&left_rest, &right_rest, &output);
        let open = left_rest.open || right_rest.open;
        // The looked-up table is the small one, which belongs on the side that is kept in memory: the sides change places.
        let kind = if kind == JoinKind::Inner { JoinKind::Inner } else { JoinKind::RightOuter };
        let on = keys.on.into_iter().map(|(left, right)| (right, left)).collect();
        let swap = |column: JoinColumn| JoinColumn {
            side: if column.side == Side::Left { Side::Right } else { Side::Left },
            ..column
        };
        let output = output.into_iter().map(swap).collect();
        let op = RelOp::Join { left: Box::new(right), right: Box::new(left), kind, on, output };
        Ok(Table { hidden, open, ..Table::new(Rel { op, schema }) })
    }

    fn keys(
        &mut self,
        on: &'q [Expr],
        left: &Table,
        right: &Table,
        operator: &'q Operator,
        env: &Env<'q>,
    ) -> Bind<Keys> {
        let mut keys = Keys::default();
        let mut sound = Ok(());
        for expr in on {
            if let Err(fault) = self.key(expr, left, right, env, &mut keys) {
                sound = Err(fault);
            }
        }
        sound?;
        if keys.on.is_empty() {
            return Err(self.fault(
                codes::SYNTAX.at(operator.word, "a join needs its keys").help("add `on` and the columns of both sides"),
            ));
        }
        Ok(keys)
    }

    fn key(&mut self, expr: &'q Expr, left: &Table, right: &Table, env: &Env<'q>, keys: &mut Keys) -> Bind<()> {
        match &expr.kind {
            ExprKind::Parenthesised(inner) => self.key(inner, left, right, env, keys),
            ExprKind::Chain { op: "and", terms } => {
                let mut sound = Ok(());
                for term in terms {
                    if let Err(fault) = self.key(term, left, right, env, keys) {
                        sound = Err(fault);
                    }
                }
                sound
            }
            ExprKind::Name(name) => {
                let scope = |row| Scope { row: Some(row), ..Scope::bare(env) };
                let (Some(a), Some(b)) = (left.column(&name.text, name.span), right.column(&name.text, name.span))
                else {
                    let (side, table) = match left.column(&name.text, name.span) {
                        Some(_) => ("right", right),
                        None => ("left", left),
                    };
                    let known: Vec<&str> =
                        scope(table).row.map(|row| row.schema().names().collect()).unwrap_or_default();
                    return Err(self.fault(
                        codes::UNKNOWN_COLUMN
                            .at(name.span, format!("the {side} side of the join has no column `{}`", name.text))
                            .nearest(&name.text, known),
                    ));
                };
                let (a, b) = match (a.ty(), b.ty()) {
                    (Type::Dynamic, to) if self.untyped => (coerce::convert(a, to, self.context.now), b),
                    (to, Type::Dynamic) if self.untyped => (a, coerce::convert(b, to, self.context.now)),
                    _ => (a, b),
                };
                if a.ty() != b.ty() {
                    let (x, y) = (a.ty(), b.ty());
                    return Err(self.fault(
                        codes::WRONG_TYPE
                            .at(name.span, format!("`{}` is {x} on the left side and {y} on the right", name.text))
                            .help("give both sides one type first"),
                    ));
                }
                keys.right.extend(column_name(&b));
                keys.on.push((a, b));
                Ok(())
            }
            ExprKind::Binary { op: "==", left: a, right: b, .. } => {
                let first = self.side(a, "$left", left, env);
                let second = self.side(b, "$right", right, env);
                let (first, second) = (first?, second?);
                for (key, at) in [(&first, a), (&second, b)] {
                    if key.ty() == Type::Dynamic {
                        return Err(self.fault(
                            codes::WRONG_TYPE
                                .at(at.span, "a join's key cannot be dynamic")
                                .help("convert it first: `tostring(…)`"),
                        ));
                    }
                }
                let (x, y) = (first.ty(), second.ty());
                let Some(to) = coerce::common(x, y).filter(|to| x == y || *to == Type::Long) else {
                    return Err(self.fault(
                        codes::WRONG_TYPE.at(expr.span, format!("the keys have different types: {x} and {y}")),
                    ));
                };
                keys.right.extend(column_name(&second));
                keys.on.push((
                    coerce::convert(first, to, self.context.now),
                    coerce::convert(second, to, self.context.now),
                ));
                Ok(())
            }
            _ => Err(self.fault(
                codes::SYNTAX
                    .at(expr.span, "this is no key of a join")
                    .help("name a column of both sides, or write `$left.a == $right.b`"),
            )),
        }
    }

    /// `$left.a`, `$right.a`.
    fn side(&mut self, expr: &'q Expr, side: &str, table: &Table, env: &Env<'q>) -> Bind<Scalar> {
        if let ExprKind::Parenthesised(inner) = &expr.kind {
            return self.side(inner, side, table, env);
        }
        if let ExprKind::Path { base, name } = &expr.kind
            && let ExprKind::Name(written) = &base.kind
            && written.text == side
        {
            return self.named_column(table, name, env);
        }
        Err(self.fault(codes::SYNTAX.at(expr.span, format!("`{side}.` and a column are expected here"))))
    }
}

fn column_name(scalar: &Scalar) -> Option<String> {
    match scalar {
        Scalar::Column { name, .. } => Some(name.clone()),
        _ => None,
    }
}

/// The columns of both sides under names of their own.
fn joined(columns: &[(Side, &Column)]) -> (Schema, Vec<JoinColumn>) {
    let written: Vec<String> = columns.iter().map(|(_, column)| column.name.clone()).collect();
    let unique = names::make_unique(&written);
    let schema = Schema {
        columns: columns.iter().zip(&unique).map(|((_, c), name)| Column { name: name.clone(), ty: c.ty }).collect(),
    };
    let output = columns
        .iter()
        .zip(unique)
        .map(|((side, column), name)| JoinColumn { name, side: *side, source: column.name.clone() })
        .collect();
    (schema, output)
}

/// Hidden columns of both sides whose sources are among the columns; those of the right side get a number as others do.
fn hidden(left: &Rest, right: &Rest, output: &[JoinColumn]) -> Vec<Hidden> {
    let mut taken: HashSet<String> = output.iter().map(|column| column.name.clone()).collect();
    let mut found: Vec<Hidden> = Vec::new();
    for (side, rest) in [(Side::Left, left), (Side::Right, right)] {
        for one in &rest.hidden {
            let Some(column) = output.iter().find(|c| c.side == side && c.source == one.source) else { continue };
            let mut name = one.name.clone();
            let mut suffix = 0;
            while !taken.insert(name.clone()) {
                suffix += 1;
                name = format!("{}{suffix}", one.name);
            }
            found.push(Hidden { name, source: column.name.clone(), ty: one.ty });
        }
    }
    found
}
