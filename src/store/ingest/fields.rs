//! Walking JSON text without building a tree: the members of an object and the elements of an array, each as a slice.
//! The text must have been checked as JSON before; on other text the walk ends early, it never fails.
use super::cells::Raw;
use std::borrow::Cow;

/// The members of an object, in order; nothing where the text is not an object.
pub fn members(object: &str) -> Members<'_> {
    Members { rest: object.trim_start().strip_prefix('{').unwrap_or("") }
}

#[derive(Debug)]
pub struct Members<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = past_separators(self.rest);
        if !rest.starts_with('"') {
            return None;
        }
        let (key, rest) = rest.split_at(value_length(rest));
        let rest = past_separators(rest);
        let (value, rest) = rest.split_at(value_length(rest));
        self.rest = rest;
        (!value.is_empty()).then(|| (string(key), raw(value)))
    }
}

/// The elements of an array, each as its text; nothing where the text is not an array.
pub fn elements(array: &str) -> Elements<'_> {
    Elements { rest: array.trim_start().strip_prefix('[').unwrap_or("") }
}

#[derive(Debug)]
pub struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = past_separators(self.rest);
        let (value, rest) = rest.split_at(value_length(rest));
        self.rest = rest;
        (!value.is_empty()).then_some(value)
    }
}

/// One value, by its text.
pub fn raw(text: &str) -> Raw<'_> {
    match text.as_bytes().first() {
        Some(b'"') => Raw::Text(string(text)),
        Some(b'{' | b'[') => Raw::Nested(text),
        Some(b't') => Raw::Bool(true),
        Some(b'f') => Raw::Bool(false),
        Some(b'-' | b'0'..=b'9') => Raw::Number(text),
        _ => Raw::Absent,
    }
}

fn past_separators(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n', ',', ':'])
}

/// Bytes of the value that the text begins with; 0 where it begins with none.
fn value_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'"') => string_length(bytes),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0_usize, 0);
            while at < bytes.len() {
                match bytes[at] {
                    b'"' => {
                        at += string_length(&bytes[at..]);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return at + 1;
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            bytes.len()
        }
        _ => bytes
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'))
            .unwrap_or(bytes.len()),
    }
}

/// Bytes of the string that the bytes begin with, quotes included.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    // Half of a surrogate pair is valid JSON but no text: such a string is kept as it is written.
    Cow::Owned(serde_json::from_str(quoted).unwrap_or_else(|_| inner.to_owned()))
}

/// The text without blanks between its tokens.
pub fn compact(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let (mut at, mut from) = (0, 0);
    let mut out: Option<String> = None;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at += string_length(&bytes[at..]),
            b' ' | b'\t' | b'\r' | b'\n' => {
                out.get_or_insert_with(|| String::with_capacity(text.len())).push_str(&text[from..at]);
                at += 1;
                from = at;
            }
            _ => at += 1,
        }
    }
    match out {
        None => Cow::Borrowed(text),
        Some(mut out) => {
            out.push_str(&text[from..]);
            Cow::Owned(out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_as_slices_of_the_text() {
        let text = r#" {"a" : "x\"y" ,"b":{"c":[1, "}"]},"d":-1.5e3,"e":null,"f":true,"g":"\ud800"} "#;
        let seen: Vec<_> = members(text).map(|(key, value)| format!("{key}={value:?}")).collect();
        insta::assert_snapshot!(seen.join("\n"), @r#"
        a=Text("x\"y")
        b=Nested("{\"c\":[1, \"}\"]}")
        d=Number("-1.5e3")
        e=Absent
        f=Bool(true)
        g=Text("\\ud800")
        "#);
        assert_eq!(compact(r#"{"c" : [1, "} "]}"#), r#"{"c":[1,"} "]}"#);
        assert_eq!(elements(r#"[ {"a":1} , 2,"x"]"#).collect::<Vec<_>>(), [r#"{"a":1}"#, "2", r#""x""#]);
    }

    #[test]
    fn broken_text_ends_the_walk() {
        for text in ["", "{", "[", r#"{"a"#, r#"{"a":"#, r#"{"a":{"#, r#"["\"#, "{{{", "[,,,"] {
            members(text).count();
            elements(text).count();
            compact(text);
        }
    }
}
