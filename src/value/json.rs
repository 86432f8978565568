//! Dynamic values: JSON, as text until somebody looks inside.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic>
use std::borrow::Cow;

pub type Json = serde_json::Value;

/// A dynamic value that is not null.
#[derive(Clone, Debug)]
pub enum Dynamic<'a> {
    /// Valid JSON text that nobody has parsed yet.
    Text(Cow<'a, str>),
    Tree(Json),
}

impl<'a> Dynamic<'a> {
    /// The tree, parsed if need be; text that is not JSON is a string.
    pub fn tree(&self) -> Cow<'_, Json> {
        match self {
            Dynamic::Text(text) => Cow::Owned(parse(text).unwrap_or_else(|| Json::String(text.to_string()))),
            Dynamic::Tree(tree) => Cow::Borrowed(tree),
        }
    }

    pub fn into_tree(self) -> Json {
        match self {
            Dynamic::Tree(tree) => tree,
            text => text.tree().into_owned(),
        }
    }

    pub fn into_owned(self) -> Dynamic<'static> {
        match self {
            Dynamic::Text(text) => Dynamic::Text(Cow::Owned(text.into_owned())),
            Dynamic::Tree(tree) => Dynamic::Tree(tree),
        }
    }

    /// Compact JSON.
    pub fn json_text(&self) -> Cow<'_, str> {
        match self {
            Dynamic::Text(text) => Cow::Borrowed(text),
            Dynamic::Tree(tree) => Cow::Owned(write(tree)),
        }
    }

    /// What `tostring` gives: a string without its quotes, a bool as `true`, anything else as compact JSON.
    pub fn to_text(&self) -> String {
        match self.tree().as_ref() {
            Json::String(text) => text.clone(),
            tree => write(tree),
        }
    }
}

impl PartialEq for Dynamic<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.tree() == other.tree()
    }
}

/// JSON text to a tree, `None` where it is not JSON. Nesting is bounded by the parser (128 levels).
pub fn parse(text: &str) -> Option<Json> {
    serde_json::from_str(text).ok()
}

/// Compact JSON of a tree.
pub fn write(tree: &Json) -> String {
    tree.to_string()
}
