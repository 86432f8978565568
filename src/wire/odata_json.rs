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
    /// Sort keys of the last one that the page has room for, and how many of the page's end have just these.
    pub last: Vec<Value<'static>>,
    pub alike: u64,
    /// Whether the first one behind the page has them, too.
    pub goes_on: bool,
    page: usize,
    /// Columns that begin so are sort keys.
    key: char,
    /// The column with when an entity changed last.
    changed: &'static str,
    /// Its value in the first one, in ticks.
    pub version: Option<i64>,
    told: Told,
}

/// How much an answer says of itself: `odata.metadata`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    None,
    #[default]
    Minimal,
    Full,
}

/// What an entity says of itself where all is told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub level: Level,
    /// `alerts`, as entities are addressed; nothing where they have no address.
    pub set: String,
    /// `sighthound.Alert`
    pub entity: String,
    /// The property that is the key.
    pub key: Option<&'static str>,
}

impl Entities {
    pub fn new(page: usize, key: char, changed: &'static str, told: Told) -> Entities {
        Entities { items: vec![], last: vec![], alike: 0, goes_on: false, page, key, changed, version: None, told }
    }

    /// The type and the address of an entity.
    fn itself(&self, cells: &[(Cells<'_>, &Column)], row: usize, out: &mut Vec<u8>) {
        if self.told.entity.is_empty() {
            return;
        }
        out.extend_from_slice(b"\"@odata.type\":");
        cells::string(&format!("#{}", self.told.entity), out);
        let key = cells.iter().find(|(_, column)| self.told.key == Some(&column.name));
        if let Some((key, _)) = key {
            let address = format!("{}('{}')", self.told.set, key.get(row).text().replace('\'', "''"));
            for word in ["id", "editLink"] {
                out.extend_from_slice(format!(",\"@odata.{word}\":").as_bytes());
                cells::string(&address, out);
            }
        }
        if !cells.is_empty() {
            out.push(b',');
        }
    }

    /// Whether a page begins with its context.
    fn context(&self, context: &str, out: &mut Vec<u8>) {
        if self.told.level != Level::None {
            out.extend_from_slice(b"\"@odata.context\":");
            cells::string(context, out);
            out.push(b',');
        }
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
            if self.told.level == Level::Full {
                self.itself(&cells, row, &mut out);
            }
            for (at, (cell, column)) in cells.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                if self.told.level == Level::Full
                    && let Some(ty) = named_type(column.ty)
                {
                    cells::string(&format!("{}@odata.type", column.name), &mut out);
                    out.extend_from_slice(format!(":\"#{ty}\",").as_bytes());
                }
                cells::string(&column.name, &mut out);
                out.push(b':');
                property(&column.name, column.ty, &cell.get(row), &mut out);
            }
            out.push(b'}');
            self.items.push(out);
            let here = self.items.len();
            if here > self.page + 1 {
                continue;
            }
            let alike = here > 1 && keys.iter().zip(&self.last).all(|((cell, _), last)| cell.get(row) == *last);
            if here > self.page {
                self.goes_on = alike;
                continue;
            }
            self.alike = if alike { self.alike + 1 } else { 1 };
            if !alike {
                self.last = keys.iter().map(|(cell, _)| cell.get(row).into_owned()).collect();
            }
        }
    }

    /// A page: `@odata.context`, the count where it was asked for, `value`, and the link to the next page.
    pub fn page(&self, context: &str, count: Option<i64>, next: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.items.iter().map(Vec::len).sum::<usize>() + 256);
        out.push(b'{');
        self.context(context, &mut out);
        if let Some(count) = count {
            out.extend_from_slice(format!("\"@odata.count\":{count},").as_bytes());
        }
        out.extend_from_slice(b"\"value\":[");
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
        out.push(b'{');
        self.context(context, &mut out);
        if item.len() == 2 && out.len() > 1 {
            out.pop();
        }
        out.extend_from_slice(&item[1..]);
        Some(out)
    }
}

/// The type of a value that JSON does not tell by itself.
fn named_type(ty: Type) -> Option<&'static str> {
    match ty {
        Type::Bool | Type::String | Type::Real | Type::Dynamic => None,
        Type::Int => Some("Int32"),
        Type::Long => Some("Int64"),
        Type::Decimal => Some("Decimal"),
        Type::Datetime => Some("DateTimeOffset"),
        Type::Timespan => Some("Duration"),
        Type::Guid => Some("Guid"),
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
