//! mv-expand: arrays and bags side by side, an element of each a row.
//! <https://learn.microsoft.com/kusto/query/mv-expand-operator>
use crate::types::Type;
use crate::value::convert::element;
use crate::value::{Json, Value};

#[derive(Debug)]
pub struct MvExpand {
    pub types: Vec<Type>,
    /// Adds the place of the element, from 0.
    pub index: bool,
    pub array_bags: bool,
    pub limit: usize,
}

/// What one argument becomes.
enum Elements<'a> {
    /// A null: one row of null.
    Null,
    /// A value that is neither array nor bag: one row of itself.
    Single(Value<'a>),
    Items(Vec<Json>),
}

impl MvExpand {
    pub fn expand<'a>(&self, args: &[Value<'a>], emit: &mut dyn FnMut(&[Value<'_>])) {
        let columns: Vec<Elements<'_>> = args.iter().map(|arg| self.elements(arg)).collect();
        let rows = columns.iter().map(Elements::len).max().unwrap_or(0).min(self.limit);
        let mut cells: Vec<Value<'_>> = Vec::with_capacity(columns.len() + 1);
        for row in 0..rows {
            cells.clear();
            for (column, ty) in columns.iter().zip(&self.types) {
                cells.push(match column {
                    Elements::Single(value) if row == 0 => match value {
                        Value::Dynamic(x) => element(&x.tree(), *ty),
                        other => element(&other.to_json(), *ty),
                    },
                    Elements::Items(items) => {
                        items.get(row).map_or_else(|| Value::absent(*ty), |item| element(item, *ty))
                    }
                    Elements::Null | Elements::Single(_) => Value::absent(*ty),
                });
            }
            if self.index {
                cells.push(Value::Long(row as i64));
            }
            emit(&cells);
        }
    }

    fn elements<'a>(&self, arg: &Value<'a>) -> Elements<'a> {
        match arg {
            Value::Null => Elements::Null,
            Value::Dynamic(dynamic) => match dynamic.tree().into_owned() {
                Json::Array(items) => Elements::Items(items),
                Json::Object(bag) => Elements::Items(
                    bag.into_iter()
                        .map(|(key, value)| {
                            if self.array_bags {
                                Json::Array(vec![Json::String(key), value])
                            } else {
                                Json::Object([(key, value)].into_iter().collect())
                            }
                        })
                        .collect(),
                ),
                Json::Null => Elements::Null,
                Json::Bool(_) | Json::Number(_) | Json::String(_) => Elements::Single(arg.clone()),
            },
            other => Elements::Single(other.clone()),
        }
    }
}

impl Elements<'_> {
    fn len(&self) -> usize {
        match self {
            Elements::Null | Elements::Single(_) => 1,
            Elements::Items(items) => items.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn rows(mv: &MvExpand, args: &[&str]) -> Vec<String> {
        let args: Vec<Value<'_>> = args.iter().map(|text| Value::json(json::parse(text).unwrap_or_default())).collect();
        let mut rows = Vec::new();
        mv.expand(&args, &mut |cells| {
            let texts = cells.iter().map(|cell| if cell.is_null() { "null".into() } else { cell.text().into_owned() });
            rows.push(texts.collect::<Vec<_>>().join("|"));
        });
        rows
    }

    fn plain(types: &[Type]) -> MvExpand {
        MvExpand { types: types.to_vec(), index: false, array_bags: false, limit: usize::MAX }
    }

    #[test]
    fn arrays_are_zipped_and_padded_with_nulls() {
        let two = plain(&[Type::Dynamic, Type::Long]);
        assert_eq!(rows(&two, &["{\"a\":1,\"b\":2}", "[5,4,3]"]), ["{\"a\":1}|5", "{\"b\":2}|4", "null|3"]);
    }

    #[test]
    fn a_null_keeps_its_row_and_an_empty_array_drops_it() {
        let one = plain(&[Type::Dynamic]);
        assert_eq!(rows(&one, &["null"]), ["null"]);
        assert!(rows(&one, &["[]"]).is_empty());
        assert_eq!(rows(&one, &["7"]), ["7"]);
    }

    #[test]
    fn bags_become_pairs_and_places_count_from_zero() {
        let mv = MvExpand { types: vec![Type::Dynamic], index: true, array_bags: true, limit: 1 };
        assert_eq!(rows(&mv, &["{\"a\":1,\"b\":2}"]), ["[\"a\",1]|0"]);
    }
}
