//! Dynamic values: JSON, as text until somebody looks inside.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/dynamic>
use super::json_text;
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

    /// What `tostring` gives: a string without its quotes, a bool as `true`, anything else as compact JSON. Strings in
    /// text are read where they stand: most calls are about a member of a bag.
    pub fn text(&self) -> Cow<'_, str> {
        if let Dynamic::Text(text) = self
            && let Some(inside) = json_text::string(text)
        {
            return inside;
        }
        match self.tree() {
            Cow::Borrowed(Json::String(text)) => Cow::Borrowed(text),
            Cow::Owned(Json::String(text)) => Cow::Owned(text),
            tree => Cow::Owned(write(tree.as_ref())),
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

/// Compact JSON of a tree; its reals have the texts that [`super::real`] makes.
pub fn write(tree: &Json) -> String {
    let mut out = String::new();
    write_into(tree, &mut out);
    out
}

fn write_into(tree: &Json, out: &mut String) {
    match tree {
        Json::Null => out.push_str("null"),
        Json::Bool(x) => out.push_str(if *x { "true" } else { "false" }),
        Json::Number(x) => match (x.as_i64(), x.as_u64(), x.as_f64()) {
            (Some(x), _, _) => out.push_str(&x.to_string()),
            (_, Some(x), _) => out.push_str(&x.to_string()),
            (_, _, x) => out.push_str(&super::real::text(x.unwrap_or(f64::NAN))),
        },
        Json::String(x) => write_string(x, out),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_into(item, out);
            }
            out.push(']');
        }
        Json::Object(fields) => {
            out.push('{');
            for (at, (key, item)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_into(item, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[clean..at]);
        clean = at + 1;
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[clean..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::{parse, write};

    #[test]
    fn compact_json_reads_back() {
        let text = r#"{"a":[1,2.0,"q\"\\\n\u0001é",null,true],"b":{},"c":1.5,"d":[]}"#;
        assert_eq!(parse(text).map(|tree| write(&tree)).as_deref(), Some(text));
    }
}
