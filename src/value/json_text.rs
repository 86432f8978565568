//! Looking inside JSON text without building a tree: members, elements and deep paths as slices of the text. Rows carry
//! their dynamics as text, and a query reads one member of many, so this is the hot road.
//!
//! The text is taken to be JSON; where it is not, the answer is `None`, never a panic. Of two members with the same
//! name the first one counts.
use super::{Value, json};
use std::borrow::Cow;

/// One step of a path: `.name` and `["name"]`, or `[3]` and `[-1]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Key(Box<str>),
    Index(i64),
}

/// Where a record from outside has the value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceOf {
    /// Under the column's name, or at the column's place.
    Column,
    Path(Vec<Step>),
    Ordinal(usize),
}

/// The text of the value at the end of the path; `None` where there is none or it is JSON's `null`.
pub fn get_path<'t>(text: &'t str, path: &[Step]) -> Option<&'t str> {
    let found = path.iter().try_fold(text, |text, step| match step {
        Step::Key(key) => member(text, key),
        Step::Index(index) => element(text, *index),
    })?;
    (found.trim() != "null").then_some(found)
}

/// The text of an object's member.
pub fn member<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let bytes = text.as_bytes();
    let mut at = after_opening(bytes, b'{')?;
    while bytes.get(at) == Some(&b'"') {
        let key_end = skip_string(bytes, at)?;
        let raw = text.get(at + 1..key_end - 1)?;
        let start = after_colon(bytes, key_end)?;
        let end = skip_value(bytes, start)?;
        if raw == key || (raw.contains('\\') && unescaped(raw) == key) {
            return text.get(start..end);
        }
        at = next_item(bytes, end)?;
    }
    None
}

/// The text of an array's element; a negative index counts from the end.
pub fn element(text: &str, index: i64) -> Option<&str> {
    if index >= 0 {
        elements(text)?.nth(usize::try_from(index).ok()?)
    } else {
        let all: Vec<&str> = elements(text)?.collect();
        let from_end = usize::try_from(index.unsigned_abs()).ok()?;
        all.get(all.len().checked_sub(from_end)?).copied()
    }
}

/// The elements of an array, each as its text; `None` where it is no array.
pub fn elements(text: &str) -> Option<Elements<'_>> {
    let at = after_opening(text.as_bytes(), b'[')?;
    Some(Elements { text, at })
}

/// The members of an object, each as its name and its text; `None` where it is no object.
pub fn members(text: &str) -> Option<Members<'_>> {
    let at = after_opening(text.as_bytes(), b'{')?;
    Some(Members { text, at })
}

#[derive(Clone, Debug)]
pub struct Elements<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Elements<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        let end = skip_value(bytes, self.at)?;
        let item = self.text.get(self.at..end)?;
        self.at = next_item(bytes, end).unwrap_or(bytes.len());
        Some(item)
    }
}

#[derive(Clone, Debug)]
pub struct Members<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Members<'t> {
    type Item = (Cow<'t, str>, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let key_end = skip_string(bytes, self.at)?;
        let raw = self.text.get(self.at + 1..key_end - 1)?;
        let start = after_colon(bytes, key_end)?;
        let end = skip_value(bytes, start)?;
        let item = self.text.get(start..end)?;
        self.at = next_item(bytes, end).unwrap_or(bytes.len());
        Some((unescaped(raw), item))
    }
}

/// The string inside a JSON string literal; `None` where it is something else.
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    if !inside.contains('\\') {
        return (!inside.contains('"')).then_some(Cow::Borrowed(inside));
    }
    serde_json::from_str(text).ok().map(Cow::Owned)
}

/// Adds a string to JSON text, with quotes and escapes.
pub fn push_string(out: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Adds a value as an element of a dynamic; see [`Value::to_json`].
pub fn push_value(out: &mut String, value: &Value<'_>) {
    match value {
        Value::String(text) => push_string(out, text),
        Value::Dynamic(dynamic) => out.push_str(&dynamic.json_text()),
        other => out.push_str(&json::write(&other.to_json())),
    }
}

fn unescaped(raw: &str) -> Cow<'_, str> {
    if raw.contains('\\') {
        serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
    } else {
        Cow::Borrowed(raw)
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Where the first item of an object or array begins (or its end stands).
fn after_opening(bytes: &[u8], opening: u8) -> Option<usize> {
    let at = skip_space(bytes, 0);
    (bytes.get(at) == Some(&opening)).then(|| skip_space(bytes, at + 1))
}

fn after_colon(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip_space(bytes, at);
    (bytes.get(at) == Some(&b':')).then(|| skip_space(bytes, at + 1))
}

/// Past the comma behind an item; `None` at the end of the object or array.
fn next_item(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip_space(bytes, at);
    (bytes.get(at) == Some(&b',')).then(|| skip_space(bytes, at + 1))
}

/// From an opening quote to behind the closing one.
fn skip_string(bytes: &[u8], opening: usize) -> Option<usize> {
    let mut at = opening + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Behind the value that begins here.
fn skip_value(bytes: &[u8], start: usize) -> Option<usize> {
    match bytes.get(start)? {
        b'"' => skip_string(bytes, start),
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut at = start;
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = skip_string(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let length = bytes[start..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))
                .unwrap_or(bytes.len() - start);
            (length > 0).then_some(start + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_slices_of_the_text() {
        let text = r#" { "a" : {"b":[1, {"c":"x,]}"} , null]}, "q\"k":2, "e":[] , "n":null} "#;
        let path = |steps: &[Step]| get_path(text, steps);
        let key = |name: &str| Step::Key(name.into());
        assert_eq!(path(&[key("a"), key("b"), Step::Index(0)]), Some("1"));
        assert_eq!(path(&[key("a"), key("b"), Step::Index(1), key("c")]), Some("\"x,]}\""));
        assert_eq!(path(&[key("a"), key("b"), Step::Index(-2), key("c")]), Some("\"x,]}\""));
        assert_eq!(path(&[key("a"), key("b"), Step::Index(2)]), None);
        assert_eq!(path(&[key("a"), key("b"), Step::Index(3)]), None);
        assert_eq!(path(&[key("a"), key("b"), Step::Index(-4)]), None);
        assert_eq!(path(&[key("q\"k")]), Some("2"));
        assert_eq!(path(&[key("e"), Step::Index(0)]), None);
        assert_eq!(path(&[key("n")]), None);
        assert_eq!(path(&[Step::Index(0)]), None);
        assert_eq!(
            members(text).map(|all| all.map(|(key, _)| key.into_owned()).collect::<Vec<_>>().join("|")),
            Some("a|q\"k|e|n".into())
        );
    }

    #[test]
    fn broken_text_gives_nothing() {
        for text in ["", "{", "[", "{\"a", "{\"a\"", "{\"a\":", "[1,", "]", "{\"a\":\"x\\", "\"", "[\"\\"] {
            assert_eq!(member(text, "a"), None, "{text}");
            let _ = elements(text).map(Iterator::count);
            let _ = (element(text, 0), element(text, -1), string(text));
        }
    }
}
