//! bag_unpack, pivot and narrow: rows and columns turned into each other. Where no schema is declared, that of the first
//! two depends on data: [`unpacked_schema`] and [`pivoted_schema`] say what it is over a table.
use super::args::Args;
use super::measure::{Folds, Measure};
use super::{Over, Whole};
use crate::ir::WholeCall;
use crate::rows::budget::Sink;
use crate::rows::{Env, RowsError, Table, order};
use crate::types::{Column, Schema, Type};
use crate::value::{Json, Value, convert};
use std::collections::{BTreeMap, HashMap, HashSet};

pub const WHOLES: &[Whole] = &[
    Whole {
        name: "bag_unpack",
        doc: "The properties of a bag as columns.",
        takes: "column: Constant string; prefix: Constant string?; conflict: Constant string? (error, replace_source, \
                keep_source); ignored: Constant dynamic?. The schema is declared, or `unpacked_schema`.",
        over: Over::EachRow,
        run: bag_unpack,
    },
    Whole {
        name: "pivot",
        doc: "The values of a column as columns, an aggregation of the rest below them.",
        takes: "column: Scalar; key: Scalar*; a measure; empty: Constant? (what it gives of no rows). The schema is the \
                keys, then the values: declared, or `pivoted_schema`.",
        over: Over::Arguments,
        run: pivot,
    },
    Whole {
        name: "narrow",
        doc: "Each cell as a row: its row's number, its column's name, its text.",
        takes: "Nothing. The schema is Row, Column, Value.",
        over: Over::Tables,
        run: narrow,
    },
];

/// What a property does whose column the input has already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    Error,
    ReplaceSource,
    KeepSource,
}

impl Conflict {
    pub fn from_name(name: &str) -> Option<Conflict> {
        Some(match name {
            "error" => Conflict::Error,
            "replace_source" => Conflict::ReplaceSource,
            "keep_source" => Conflict::KeepSource,
            _ => return None,
        })
    }
}

/// The schema of `bag_unpack` over this input: its columns but the bag's, then those of the properties in the order of
/// their names. The error names a property that clashes.
pub fn unpacked_schema(
    input: &Table,
    column: &str,
    prefix: &str,
    conflict: Conflict,
    ignored: &[String],
) -> Result<Schema, String> {
    let mut found: BTreeMap<String, Option<Type>> = BTreeMap::new();
    if let Some(at) = input.schema.index(column) {
        for row in &input.rows {
            if let Value::Dynamic(bag) = &row[at]
                && let Json::Object(bag) = bag.tree().as_ref()
            {
                for (key, value) in bag {
                    if !ignored.contains(key) {
                        let ty = found.entry(format!("{prefix}{key}")).or_default();
                        *ty = joined(*ty, value);
                    }
                }
            }
        }
    }
    let mut schema = Schema::default();
    for kept in input.schema.columns.iter().filter(|one| one.name != column) {
        if found.contains_key(&kept.name) {
            match conflict {
                Conflict::Error => return Err(kept.name.clone()),
                Conflict::KeepSource => {
                    found.remove(&kept.name);
                }
                Conflict::ReplaceSource => continue,
            }
        }
        schema.columns.push(kept.clone());
    }
    schema.columns.extend(found.into_iter().map(|(name, ty)| Column { name, ty: ty.unwrap_or(Type::Dynamic) }));
    Ok(schema)
}

/// The type of a column that holds values of the type so far and this one.
fn joined(so_far: Option<Type>, value: &Json) -> Option<Type> {
    let ty = match value {
        Json::Null => return so_far,
        Json::Bool(_) => Type::Bool,
        Json::Number(x) if x.is_i64() => Type::Long,
        Json::Number(_) => Type::Real,
        Json::String(_) => Type::String,
        Json::Array(_) | Json::Object(_) => Type::Dynamic,
    };
    Some(match so_far {
        None => ty,
        Some(before) if before == ty => ty,
        Some(before) if before.is_number() && ty.is_number() => Type::Real,
        Some(_) => Type::Dynamic,
    })
}

fn bag_unpack(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let column = args.text("column").ok_or_else(|| args.lacks("column"))?;
    let prefix = args.text("prefix").unwrap_or("");
    let conflict = args.text("conflict").and_then(Conflict::from_name).unwrap_or(Conflict::Error);
    let ignored: HashSet<String> = match args.constant("ignored") {
        Some(Value::Dynamic(names)) => match names.tree().as_ref() {
            Json::Array(names) => names.iter().filter_map(|name| name.as_str().map(String::from)).collect(),
            _ => HashSet::new(),
        },
        _ => HashSet::new(),
    };
    let at = input.schema.index(column).ok_or_else(|| args.lacks("column"))?;
    let sources: Vec<Option<usize>> =
        schema.columns.iter().map(|one| input.schema.index(&one.name).filter(|place| *place != at)).collect();
    let mut sink = Sink::new(env.budget);
    for row in &input.rows {
        let tree = match &row[at] {
            Value::Dynamic(bag) => bag.tree().into_owned(),
            _ => Json::Null,
        };
        let mut cells = Vec::with_capacity(schema.len());
        for (one, source) in schema.columns.iter().zip(&sources) {
            let key = one.name.strip_prefix(prefix).filter(|key| !ignored.contains(*key));
            let property = key.and_then(|key| tree.as_object().and_then(|bag| bag.get(key)));
            cells.push(match (source, property) {
                (Some(_), Some(_)) if conflict == Conflict::Error => {
                    return Err(
                        args.wrong(format!("the bag has a property for the column `{}` of the input", one.name))
                    );
                }
                (Some(place), None) => row[*place].clone(),
                (Some(place), Some(_)) if conflict == Conflict::KeepSource => row[*place].clone(),
                (_, Some(property)) => convert::element(property, one.ty),
                (None, None) => Value::absent(one.ty),
            });
        }
        sink.push(cells)?;
    }
    Ok(sink.finish(schema))
}

/// The schema of `pivot`: the keys, then a column of the measure's type for each value, in the order of their texts.
pub fn pivoted_schema(keys: &Schema, measured: Type, values: impl IntoIterator<Item = String>) -> Schema {
    let names: std::collections::BTreeSet<String> = values.into_iter().collect();
    let mut schema = keys.clone();
    schema.columns.extend(names.into_iter().map(|name| Column { name, ty: measured }));
    schema
}

fn pivot(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let args = Args::of(call);
    let input = inputs.first().ok_or_else(|| args.lacks("input"))?;
    let column = args.ready("column", &input.schema, env.now)?;
    let keys = args.ready_all("key", &input.schema, env.now)?;
    let measure = Measure::new(&args, &input.schema, env.now)?;
    let empty = args.constant("empty").cloned().unwrap_or_else(|| measure.finish_one(&measure.start()));
    let mut index: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut groups: Vec<(Vec<Value<'static>>, HashMap<String, Folds>)> = Vec::new();
    for row in &input.rows {
        let values: Vec<Value<'static>> = keys.iter().map(|key| key.eval(row).into_owned()).collect();
        let at = *index.entry(order::group_key(&values)).or_insert(groups.len());
        if at == groups.len() {
            groups.push((values, HashMap::new()));
        }
        let name = column.eval(row).text().into_owned();
        measure.add(groups[at].1.entry(name).or_insert_with(|| measure.start()), row);
    }
    let mut sink = Sink::new(env.budget);
    for (mut cells, folds) in groups {
        for one in schema.columns.iter().skip(keys.len()) {
            cells.push(folds.get(&one.name).map_or_else(|| empty.clone(), |folds| measure.finish_one(folds)));
        }
        sink.push(cells)?;
    }
    Ok(sink.finish(schema))
}

fn narrow(call: &WholeCall, inputs: &[Table], schema: &Schema, env: &Env<'_>) -> Result<Table, RowsError> {
    let input = inputs.first().ok_or_else(|| Args::of(call).lacks("input"))?;
    let mut sink = Sink::new(env.budget);
    for (number, row) in input.rows.iter().enumerate() {
        for (column, cell) in input.schema.columns.iter().zip(row) {
            let text = cell.text().into_owned();
            sink.push(vec![Value::Long(number as i64), Value::string(column.name.clone()), Value::string(text)])?;
        }
    }
    Ok(sink.finish(schema))
}
