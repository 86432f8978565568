//! The shape that all dynamics of a column have in common.
use crate::functions::{Aggregate, Fold, Gives, one};
use crate::types::{Type, Types};
use crate::value::{Json, Value};
use std::collections::BTreeMap;

pub const AGGREGATES: &[Aggregate] = &[Aggregate {
    names: &["buildschema"],
    doc: "The least schema that all values fit: a bag of the types of its members, an array as the type of its \
          elements under the name `` `indexer` ``, several types as an array.",
    takes: &[one("expr", Types::DYNAMIC)],
    gives: Gives::Always(Type::Dynamic),
    column: "schema_",
    start: |_| Box::new(BuildSchema::default()),
    examples: &[(
        "print d = dynamic([{'x':1}, {'x':'a'}]) | mv-expand d | summarize buildschema(d)",
        "{\"x\":[\"long\",\"string\"]}",
    )],
    differs: None,
}];

const INDEXER: &str = "`indexer`";

/// The names of the scalar kinds that JSON knows, in the order in which they are shown.
const SCALARS: [&str; 4] = ["bool", "double", "long", "string"];

#[derive(Debug, Default)]
struct BuildSchema {
    shape: Shape,
}

/// All that was seen in one place. Its depth is bounded by the JSON parser's.
#[derive(Debug, Default)]
struct Shape {
    /// Which of [`SCALARS`] occurred.
    scalars: [bool; SCALARS.len()],
    members: Option<BTreeMap<String, Shape>>,
    elements: Option<Box<Shape>>,
}

impl Shape {
    fn see(&mut self, value: &Json) {
        match value {
            Json::Null => {}
            Json::Bool(_) => self.scalars[0] = true,
            Json::Number(x) if x.is_f64() => self.scalars[1] = true,
            Json::Number(_) => self.scalars[2] = true,
            Json::String(_) => self.scalars[3] = true,
            Json::Array(items) => {
                let elements = self.elements.get_or_insert_default();
                items.iter().for_each(|item| elements.see(item));
            }
            Json::Object(members) => {
                let known = self.members.get_or_insert_default();
                members.iter().for_each(|(key, member)| known.entry(key.clone()).or_default().see(member));
            }
        }
    }

    /// Takes in a shape as [`Shape::to_json`] shows it.
    fn merge(&mut self, shown: &Json) {
        match shown {
            Json::String(name) => {
                if let Some(at) = SCALARS.iter().position(|scalar| scalar == name) {
                    self.scalars[at] = true;
                }
            }
            Json::Array(kinds) => kinds.iter().for_each(|kind| self.merge(kind)),
            Json::Object(members) => match members.get(INDEXER) {
                Some(elements) => self.elements.get_or_insert_default().merge(elements),
                None => {
                    let known = self.members.get_or_insert_default();
                    members.iter().for_each(|(key, shape)| known.entry(key.clone()).or_default().merge(shape));
                }
            },
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    fn to_json(&self) -> Json {
        let mut kinds = Vec::new();
        if let Some(members) = &self.members {
            kinds.push(Json::Object(members.iter().map(|(key, shape)| (key.clone(), shape.to_json())).collect()));
        }
        if let Some(elements) = &self.elements {
            kinds.push(Json::Object([(INDEXER.to_owned(), elements.to_json())].into_iter().collect()));
        }
        kinds.extend(SCALARS.iter().zip(self.scalars).filter(|(_, seen)| *seen).map(|(name, _)| Json::from(*name)));
        match kinds.len() {
            0 => Json::Null,
            1 => kinds.swap_remove(0),
            _ => Json::Array(kinds),
        }
    }

    fn size(&self) -> usize {
        let members =
            self.members.iter().flatten().map(|(key, shape)| key.len() + size_of::<(String, Shape)>() + shape.size());
        members.sum::<usize>() + self.elements.as_ref().map_or(0, |shape| size_of::<Shape>() + shape.size())
    }
}

impl Fold for BuildSchema {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(Value::Dynamic(dynamic)) = args.first() {
            self.shape.see(dynamic.tree().as_ref());
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.finish()]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let Some(Value::Dynamic(dynamic)) = state.first() {
            self.shape.merge(dynamic.tree().as_ref());
        }
    }
    fn finish(&self) -> Value<'static> {
        Value::json(self.shape.to_json())
    }
    fn size(&self) -> usize {
        self.shape.size()
    }
}
