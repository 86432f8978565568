//! Entities as the alerts API gives them: absent texts are null, times have no trailing zeros, evidence has all its keys.
//! Contract: alerts API, §3 (alert) and §4 (evidence item).
use super::cells;
use crate::catalog::EVIDENCE;
use crate::columns::Cells;
use crate::types::{Column, Schema, Type};
use crate::value::{Json, Value, datetime};
use arrow::record_batch::RecordBatch;

/// Entities gathered for one page, each as its JSON.
#[derive(Debug)]
pub struct Entities {
    pub items: Vec<Vec<u8>>,
    /// Sort keys of the last one that the page has room for.
    pub last: Vec<Value<'static>>,
    page: usize,
    /// Columns that begin so are sort keys.
    key: char,
    /// The column with when an entity changed last.
    changed: &'static str,
    /// Its value in the first one, in ticks.
    pub version: Option<i64>,
}

impl Entities {
    pub fn new(page: usize, key: char, changed: &'static str) -> Entities {
        Entities { items: vec![], last: vec![], page, key, changed, version: None }
    }

    pub fn batch(&mut self, batch: &RecordBatch, schema: &Schema) {
        let cells: Vec<(Cells<'_>, &Column)> = batch
            .columns()
            .iter()
            .zip(&schema.columns)
            .map(|(array, column)| (Cells::new(array, column.ty), column))
            .collect();
        let (changed, cells): (Vec<_>, Vec<_>) = cells.into_iter().partition(|(_, column)| column.name == self.changed);
        if let (true, true, Some((changed, _))) = (self.items.is_empty(), batch.num_rows() > 0, changed.first()) {
            self.version = if let Value::Datetime(ticks) = changed.get(0) { Some(ticks) } else { None };
        }
        let (keys, cells): (Vec<_>, Vec<_>) =
            cells.into_iter().partition(|(_, column)| column.name.starts_with(self.key));
        for row in 0..batch.num_rows() {
            let mut out = Vec::with_capacity(1024);
            out.push(b'{');
            for (at, (cell, column)) in cells.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                cells::string(&column.name, &mut out);
                out.push(b':');
                property(&column.name, column.ty, &cell.get(row), &mut out);
            }
            out.push(b'}');
            self.items.push(out);
            if self.items.len() == self.page {
                self.last = keys.iter().map(|(cell, _)| cell.get(row).into_owned()).collect();
            }
        }
    }

    /// A page: `@odata.context`, the count where it was asked for, `value`, and the link to the next page.
    pub fn page(&self, context: &str, count: Option<i64>, next: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.items.iter().map(Vec::len).sum::<usize>() + 256);
        out.extend_from_slice(b"{\"@odata.context\":");
        cells::string(context, &mut out);
        if let Some(count) = count {
            out.extend_from_slice(format!(",\"@odata.count\":{count}").as_bytes());
        }
        out.extend_from_slice(b",\"value\":[");
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(item);
        }
        out.push(b']');
        if let Some(next) = next {
            out.extend_from_slice(b",\"@odata.nextLink\":");
            cells::string(next, &mut out);
        }
        out.push(b'}');
        out
    }

    /// The first entity alone, with its context in it.
    pub fn single(&self, context: &str) -> Option<Vec<u8>> {
        let item = self.items.first()?;
        let mut out = Vec::with_capacity(item.len() + 128);
        out.extend_from_slice(b"{\"@odata.context\":");
        cells::string(context, &mut out);
        if item.len() > 2 {
            out.push(b',');
        }
        out.extend_from_slice(&item[1..]);
        Some(out)
    }
}

/// Lists, which are empty where there is nothing.
const LISTS: &[&str] = &["mitreTechniques", "comments", "evidence", "machineTags", "ipAddresses"];

fn property(name: &str, ty: Type, value: &Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::String(text) if text.is_empty() => out.extend_from_slice(b"null"),
        Value::Datetime(ticks) => cells::string(&time(*ticks), out),
        Value::Dynamic(tree) if name == "evidence" || name == "entities" => {
            let items = match tree.tree().as_ref() {
                Json::Array(items) => items.iter().map(evidence).collect(),
                _ => vec![],
            };
            out.extend_from_slice(Json::Array(items).to_string().as_bytes());
        }
        Value::Dynamic(tree) if name == "comments" => {
            let mut notes = tree.tree().into_owned();
            for note in notes.as_array_mut().into_iter().flatten() {
                for key in ["createdTime", "createdDateTime"] {
                    if let Some(Json::String(text)) = note.get_mut(key)
                        && let Some(ticks) = datetime::parse(text)
                    {
                        *text = time(ticks);
                    }
                }
            }
            out.extend_from_slice(notes.to_string().as_bytes());
        }
        Value::Null if ty == Type::Dynamic && LISTS.contains(&name) => out.extend_from_slice(b"[]"),
        other => cells::value(other, out),
    }
}

/// All keys of the contract in its order, then those that it does not know.
fn evidence(item: &Json) -> Json {
    let Json::Object(given) = item else { return item.clone() };
    // Graph's items say their own type, and have the keys of that.
    if given.contains_key("@odata.type") {
        return item.clone();
    }
    let mut all = serde_json::Map::with_capacity(EVIDENCE.len());
    for key in EVIDENCE {
        let value = match given.get(*key) {
            Some(Json::String(text)) if text.is_empty() => Json::Null,
            Some(Json::String(text)) if key.ends_with("Time") => {
                Json::String(datetime::parse(text).map_or_else(|| text.clone(), time))
            }
            Some(value) => value.clone(),
            None => Json::Null,
        };
        all.insert((*key).into(), value);
    }
    for (key, value) in given {
        if !EVIDENCE.contains(&key.as_str()) {
            all.insert(key.clone(), value.clone());
        }
    }
    Json::Object(all)
}

/// `2021-01-26T20:33:59.2Z`: up to seven digits of a second, none of them a trailing zero.
fn time(ticks: i64) -> String {
    let text = datetime::text(ticks);
    let digits = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{digits}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_no_trailing_zeros() {
        let at = |text: &str| time(datetime::parse(text).expect("a time"));
        assert_eq!(at("2021-01-26T20:33:59.2Z"), "2021-01-26T20:33:59.2Z");
        assert_eq!(at("2021-01-26T20:30:00Z"), "2021-01-26T20:30:00Z");
        assert_eq!(at("2021-01-26T20:33:57.7220239Z"), "2021-01-26T20:33:57.7220239Z");
    }
}
