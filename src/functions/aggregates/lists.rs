//! Many values to one dynamic: lists and sets in the order of arrival, bags.
use super::keys::{Marks, text_fingerprint};
use super::only_if::only_if;
use crate::functions::{Aggregate, Call, Fold, Gives, one, optional};
use crate::types::{Type, Types};
use crate::value::{Dynamic, Json, Value, json, json_text};
use serde_json::Map;
use std::borrow::Cow;

/// How many elements there are at most, where the query does not say.
const MOST: usize = 1_048_576;

pub const AGGREGATES: &[Aggregate] = &[
    Aggregate {
        names: &["make_list", "makelist"],
        doc: "The values as an array, at most `maxSize` of them. Nulls are passed over; arrays give their elements.",
        takes: &[one("expr", Types::ANY), optional("maxSize", Types::INTEGER).constant()],
        gives: Gives::Always(Type::Dynamic),
        column: "list_",
        start: start_list,
        examples: &[("datatable(x:long)[3, 1, long(null), 3] | summarize make_list(x)", "[3,1,3]")],
        differs: None,
    },
    Aggregate {
        names: &["make_list_if"],
        doc: "The values of the rows where the predicate is true as an array; see `make_list`.",
        takes: &[
            one("expr", Types::ANY),
            one("predicate", Types::BOOL),
            optional("maxSize", Types::INTEGER).constant(),
        ],
        gives: Gives::Always(Type::Dynamic),
        column: "list_",
        start: |call| only_if(call, start_list),
        examples: &[("range x from 1 to 5 step 1 | summarize make_list_if(x, x > 3)", "[4,5]")],
        differs: None,
    },
    Aggregate {
        names: &["make_list_with_nulls"],
        doc: "The values as an array, nulls among them.",
        takes: &[one("expr", Types::ANY)],
        gives: Gives::Always(Type::Dynamic),
        column: "list_",
        start: |_| Box::new(List { nulls: true, ..List::default() }),
        examples: &[("datatable(x:long)[3, long(null)] | summarize make_list_with_nulls(x)", "[3,null]")],
        differs: None,
    },
    Aggregate {
        names: &["make_set", "makeset"],
        doc: "The distinct values as an array, at most `maxSize` of them, in the order of their first arrival. Nulls are \
              passed over; arrays give their elements.",
        takes: &[one("expr", Types::ANY), optional("maxSize", Types::INTEGER).constant()],
        gives: Gives::Always(Type::Dynamic),
        column: "set_",
        start: start_set,
        examples: &[("datatable(s:string)['b', 'a', 'b'] | summarize make_set(s)", "[\"b\",\"a\"]")],
        differs: None,
    },
    Aggregate {
        names: &["make_set_if"],
        doc: "The distinct values of the rows where the predicate is true as an array; see `make_set`.",
        takes: &[
            one("expr", Types::ANY),
            one("predicate", Types::BOOL),
            optional("maxSize", Types::INTEGER).constant(),
        ],
        gives: Gives::Always(Type::Dynamic),
        column: "set_",
        start: |call| only_if(call, start_set),
        examples: &[("range x from 1 to 5 step 1 | summarize make_set_if(x % 2, x > 1)", "[0,1]")],
        differs: None,
    },
    Aggregate {
        names: &["make_bag"],
        doc: "All members of all bags in one bag; of two members with the same name the first one stays.",
        takes: &[one("expr", Types::DYNAMIC), optional("maxSize", Types::INTEGER).constant()],
        gives: Gives::Always(Type::Dynamic),
        column: "bag_",
        start: start_bag,
        examples: &[(
            "range x from 1 to 2 step 1 | summarize make_bag(bag_pack(strcat('k', x), x))",
            "{\"k1\":1,\"k2\":2}",
        )],
        differs: None,
    },
    Aggregate {
        names: &["make_dictionary"],
        doc: "An older name of `make_bag`.",
        takes: &[one("expr", Types::DYNAMIC), optional("maxSize", Types::INTEGER).constant()],
        gives: Gives::Always(Type::Dynamic),
        column: "dictionary_",
        start: start_bag,
        examples: &[("print d = dynamic({'k':1}) | summarize make_dictionary(d)", "{\"k\":1}")],
        differs: None,
    },
    Aggregate {
        names: &["make_bag_if"],
        doc: "All members of the bags of the rows where the predicate is true; see `make_bag`.",
        takes: &[
            one("expr", Types::DYNAMIC),
            one("predicate", Types::BOOL),
            optional("maxSize", Types::INTEGER).constant(),
        ],
        gives: Gives::Always(Type::Dynamic),
        column: "bag_",
        start: |call| only_if(call, start_bag),
        examples: &[(
            "range x from 1 to 2 step 1 | summarize make_bag_if(bag_pack(strcat('k', x), x), x == 2)",
            "{\"k2\":2}",
        )],
        differs: None,
    },
];

/// The constant `maxSize` as a row brings it.
fn limit(args: &[Value<'_>]) -> usize {
    args.get(1).and_then(Value::as_long).and_then(|size| usize::try_from(size).ok()).map_or(MOST, |size| size.min(MOST))
}

/// JSON text of an array that grows: far smaller than a tree of it.
#[derive(Clone, Debug, Default)]
struct ArrayText {
    text: String,
    count: usize,
}

impl ArrayText {
    fn push(&mut self, push: impl FnOnce(&mut String)) {
        if self.count > 0 {
            self.text.push(',');
        }
        push(&mut self.text);
        self.count += 1;
    }

    fn value(&self) -> Value<'static> {
        Value::Dynamic(Dynamic::Text(Cow::Owned(format!("[{}]", self.text))))
    }
}

/// The elements where the value is a dynamic array.
fn array_elements<'v>(value: &'v Value<'_>) -> Option<Vec<Cow<'v, str>>> {
    match value {
        Value::Dynamic(Dynamic::Text(text)) => Some(json_text::elements(text)?.map(Cow::Borrowed).collect()),
        Value::Dynamic(Dynamic::Tree(Json::Array(items))) => {
            Some(items.iter().map(|item| Cow::Owned(json::write(item))).collect())
        }
        _ => None,
    }
}

/// The limit as part of a state.
fn size_value(most: usize) -> Value<'static> {
    Value::Long(i64::try_from(most).unwrap_or(i64::MAX))
}

fn start_list(call: &Call<'_>) -> Box<dyn Fold> {
    // The reference engine keeps the nulls of a dynamic column.
    Box::new(List { nulls: call.types.first() == Some(&Type::Dynamic), ..List::default() })
}

#[derive(Debug)]
struct List {
    nulls: bool,
    most: usize,
    items: ArrayText,
}

impl Default for List {
    fn default() -> List {
        List { nulls: false, most: MOST, items: ArrayText::default() }
    }
}

impl List {
    fn take(&mut self, value: &Value<'_>) {
        if self.items.count >= self.most || (value.is_null() && !self.nulls) {
            return;
        }
        match array_elements(value) {
            Some(elements) => {
                for element in elements.iter().take(self.most - self.items.count) {
                    self.items.push(|out| out.push_str(element));
                }
            }
            None => self.items.push(|out| json_text::push_value(out, value)),
        }
    }
}

impl Fold for List {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(value) = args.first() {
            self.most = limit(args);
            self.take(value);
        }
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.items.value(), size_value(self.most)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let Some(value) = state.first() {
            self.most = self.most.min(limit(state));
            self.take(value);
        }
    }
    fn finish(&self) -> Value<'static> {
        self.items.value()
    }
    fn size(&self) -> usize {
        self.items.text.capacity()
    }
}

fn start_set(_: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Set { seen: Marks::default(), most: MOST, items: ArrayText::default(), element: String::new() })
}

/// Elements are the same where their compact JSON is.
#[derive(Debug)]
struct Set {
    seen: Marks<u128>,
    most: usize,
    items: ArrayText,
    /// The JSON of the element at hand.
    element: String,
}

impl Set {
    fn take(&mut self, value: &Value<'_>) {
        if value.is_null() || self.items.count >= self.most {
            return;
        }
        match array_elements(value) {
            Some(elements) => elements.iter().for_each(|element| {
                self.element.clear();
                match json::parse(element).filter(|_| element.starts_with(['{', '['])) {
                    Some(tree) => self.element.push_str(&json::write(&tree)),
                    None => self.element.push_str(element),
                }
                self.keep();
            }),
            None => {
                self.element.clear();
                match value {
                    Value::Dynamic(dynamic) => self.element.push_str(&json::write(dynamic.tree().as_ref())),
                    other => json_text::push_value(&mut self.element, other),
                }
                self.keep();
            }
        }
    }

    fn keep(&mut self) {
        if self.items.count < self.most && self.seen.insert(text_fingerprint(&self.element)) {
            self.items.push(|out| out.push_str(&self.element));
        }
    }
}

impl Fold for Set {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(value) = args.first() {
            self.most = limit(args);
            self.take(value);
        }
    }
    fn ignores_repeats(&self) -> bool {
        true
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.items.value(), size_value(self.most)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let Some(value) = state.first() {
            self.most = self.most.min(limit(state));
            self.take(value);
        }
    }
    fn finish(&self) -> Value<'static> {
        self.items.value()
    }
    fn size(&self) -> usize {
        self.items.text.capacity() + self.seen.capacity() * (size_of::<u128>() + 1)
    }
}

fn start_bag(_: &Call<'_>) -> Box<dyn Fold> {
    Box::new(Bag { most: MOST, members: Map::new(), bytes: 0 })
}

#[derive(Debug)]
struct Bag {
    most: usize,
    members: Map<String, Json>,
    bytes: usize,
}

impl Bag {
    fn take(&mut self, value: &Value<'_>) {
        let Value::Dynamic(dynamic) = value else { return };
        let tree = dynamic.tree();
        let Some(members) = tree.as_object() else { return };
        for (key, member) in members {
            if self.members.len() >= self.most {
                return;
            }
            if !self.members.contains_key(key) {
                self.bytes += 2 * key.len() + size_of::<Json>();
                self.members.insert(key.clone(), member.clone());
            }
        }
    }
}

impl Fold for Bag {
    fn add(&mut self, args: &[Value<'_>]) {
        if let Some(value) = args.first() {
            self.most = limit(args);
            self.take(value);
        }
    }
    fn ignores_repeats(&self) -> bool {
        true
    }
    fn state(&self) -> Vec<Value<'static>> {
        vec![self.finish(), size_value(self.most)]
    }
    fn merge(&mut self, state: &[Value<'_>]) {
        if let Some(value) = state.first() {
            self.most = self.most.min(limit(state));
            self.take(value);
        }
    }
    fn finish(&self) -> Value<'static> {
        Value::json(Json::Object(self.members.clone()))
    }
    fn size(&self) -> usize {
        self.bytes
    }
}
