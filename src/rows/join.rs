//! Two tables by equal keys. Null keys are equal to each other.
use super::budget::Sink;
use super::{Budget, Compiled, RowsError, Table, order};
use crate::ir::{JoinColumn, JoinKind, Side};
use crate::types::Schema;
use crate::value::Value;
use std::collections::{HashMap, HashSet};

type Row = Vec<Value<'static>>;

/// `left_keys` and `right_keys` are over the two schemas, pair by pair.
pub fn join(
    kind: JoinKind,
    left: &Table,
    right: &Table,
    left_keys: &[Compiled],
    right_keys: &[Compiled],
    output: &[JoinColumn],
    schema: &Schema,
    budget: Budget,
) -> Result<Table, RowsError> {
    let picks = output
        .iter()
        .map(|column| {
            let (side, of) = match column.side {
                Side::Left => (Side::Left, &left.schema),
                Side::Right => (Side::Right, &right.schema),
            };
            let index = of.index(&column.source).ok_or_else(|| {
                RowsError::Fault(format!("column `{}` is not on that side of the join", column.source))
            })?;
            Ok((side, index))
        })
        .collect::<Result<Vec<_>, RowsError>>()?;
    let mut sink = Sink::new(budget);
    let mut emit = |left: Option<&Row>, right: Option<&Row>| {
        let row = picks
            .iter()
            .zip(&schema.columns)
            .map(|((side, index), column)| {
                let row = match side {
                    Side::Left => left,
                    Side::Right => right,
                };
                row.map_or_else(|| Value::absent(column.ty), |row| row[*index].clone())
            })
            .collect();
        sink.push(row)
    };

    let mut by_key: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (index, row) in right.rows.iter().enumerate() {
        by_key.entry(key(right_keys, row)).or_default().push(index);
    }
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut met = vec![false; right.rows.len()];
    for row in &left.rows {
        let key = key(left_keys, row);
        let matches = by_key.get(&key).map_or(&[][..], Vec::as_slice);
        match kind {
            JoinKind::InnerUnique => {
                if seen.insert(key) {
                    matches.iter().try_for_each(|at| emit(Some(row), Some(&right.rows[*at])))?;
                }
            }
            JoinKind::Inner => matches.iter().try_for_each(|at| emit(Some(row), Some(&right.rows[*at])))?,
            JoinKind::LeftOuter | JoinKind::RightOuter | JoinKind::FullOuter => {
                for at in matches {
                    met[*at] = true;
                    emit(Some(row), Some(&right.rows[*at]))?;
                }
                if matches.is_empty() && kind != JoinKind::RightOuter {
                    emit(Some(row), None)?;
                }
            }
            JoinKind::LeftSemi => {
                if !matches.is_empty() {
                    emit(Some(row), None)?;
                }
            }
            JoinKind::LeftAnti => {
                if matches.is_empty() {
                    emit(Some(row), None)?;
                }
            }
            JoinKind::RightSemi | JoinKind::RightAnti => matches.iter().for_each(|at| met[*at] = true),
        }
    }
    let rest = match kind {
        JoinKind::RightOuter | JoinKind::FullOuter | JoinKind::RightAnti => Some(false),
        JoinKind::RightSemi => Some(true),
        JoinKind::InnerUnique | JoinKind::Inner | JoinKind::LeftOuter | JoinKind::LeftSemi | JoinKind::LeftAnti => None,
    };
    if let Some(wanted) = rest {
        for (row, met) in right.rows.iter().zip(&met) {
            if *met == wanted {
                emit(None, Some(row))?;
            }
        }
    }
    Ok(sink.finish(schema))
}

fn key(keys: &[Compiled], row: &Row) -> Vec<u8> {
    let mut bytes = Vec::new();
    for key in keys {
        order::push_key(&mut bytes, &key.eval(row));
    }
    bytes
}
