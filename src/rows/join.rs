//! Two tables by equal keys. Null keys are equal to each other.
use super::budget::Sink;
use super::{Budget, Compiled, RowsError, Table, order};
use crate::ir::{JoinColumn, JoinKind, Side};
use crate::types::Schema;
use crate::value::Value;
use std::collections::HashMap;

type Row = Vec<Value<'static>>;

/// Each side with its keys, which are over its schema; the keys of the two sides belong together pair by pair.
pub fn join(
    kind: JoinKind,
    (left, left_keys): (&Table, &[Compiled]),
    (right, right_keys): (&Table, &[Compiled]),
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

    // The left side is the one that is looked up, so that the rows come in the order of the right side's; among the left
    // rows of one key the last comes first, except where the key is null. The engine has this order, and what is cut
    // off or put into lists behind a join shows it.
    let mut by_key: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (index, row) in left.rows.iter().enumerate() {
        let matches = by_key.entry(key(left_keys, row)).or_default();
        if kind != JoinKind::InnerUnique || matches.is_empty() {
            matches.push(index);
        }
    }
    let nulls = order::group_key(&vec![Value::Null; left_keys.len()]);
    for (key, matches) in &mut by_key {
        if *key != nulls {
            matches.reverse();
        }
    }
    let mut met = vec![false; left.rows.len()];
    for row in &right.rows {
        let matches = by_key.get(&key(right_keys, row)).map_or(&[][..], Vec::as_slice);
        matches.iter().for_each(|at| met[*at] = true);
        match kind {
            JoinKind::InnerUnique | JoinKind::Inner | JoinKind::LeftOuter => {
                matches.iter().try_for_each(|at| emit(Some(&left.rows[*at]), Some(row)))?;
            }
            JoinKind::RightOuter | JoinKind::FullOuter => {
                matches.iter().try_for_each(|at| emit(Some(&left.rows[*at]), Some(row)))?;
                if matches.is_empty() {
                    emit(None, Some(row))?;
                }
            }
            JoinKind::RightSemi if !matches.is_empty() => emit(None, Some(row))?,
            JoinKind::RightAnti if matches.is_empty() => emit(None, Some(row))?,
            JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::RightSemi | JoinKind::RightAnti => {}
        }
    }
    let rest = match kind {
        JoinKind::LeftOuter | JoinKind::FullOuter | JoinKind::LeftAnti => Some(false),
        JoinKind::LeftSemi => Some(true),
        JoinKind::InnerUnique | JoinKind::Inner | JoinKind::RightOuter | JoinKind::RightSemi | JoinKind::RightAnti => {
            None
        }
    };
    if let Some(wanted) = rest {
        for (row, met) in left.rows.iter().zip(&met) {
            if *met == wanted {
                emit(Some(row), None)?;
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
