//! XML to a bag, for `parse_xml`: well-formed documents without document types, entities of their own or namespaces
//! resolved.
use crate::value::Json;
use serde_json::Map;

/// Elements nested deeper are refused.
const DEEPEST: usize = 100;

/// The document's root element under its name; `None` where it is not well formed.
pub fn parse(source: &str) -> Option<Json> {
    let mut rest = source.trim_start_matches('\u{feff}');
    // The elements that are open, innermost last; the first collects the root.
    let mut open: Vec<(&str, Map<String, Json>)> = vec![("", Map::new())];
    while !rest.is_empty() {
        let Some(markup) = rest.find('<') else {
            add_text(&mut open, rest)?;
            break;
        };
        add_text(&mut open, &rest[..markup])?;
        rest = &rest[markup..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")? + 3..];
        } else if let Some(data) = rest.strip_prefix("<![CDATA[") {
            let end = data.find("]]>")?;
            if open.len() < 2 {
                return None;
            }
            add(&mut open.last_mut()?.1, "#cdata-section", Json::from(&data[..end]));
            rest = &data[end + 3..];
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            rest = &instruction[instruction.find("?>")? + 2..];
        } else if let Some(kind) = rest.strip_prefix("<!DOCTYPE") {
            rest = &kind[kind.find('>')? + 1..];
        } else if let Some(end) = rest.strip_prefix("</") {
            let at = end.find('>')?;
            if open.len() < 2 || open.last()?.0 != end[..at].trim_end() {
                return None;
            }
            close(&mut open)?;
            rest = &end[at + 1..];
        } else {
            let (name, attributes, after, closed) = element(&rest[1..])?;
            if open.len() > DEEPEST {
                return None;
            }
            open.push((name, attributes));
            if closed {
                close(&mut open)?;
            }
            rest = after;
        }
    }
    let (_, root) = open.pop()?;
    (open.is_empty() && root.len() == 1).then_some(Json::Object(root))
}

/// A start tag after its `<`: the name, the attributes, the text after the tag, and whether it closes itself.
fn element(source: &str) -> Option<(&str, Map<String, Json>, &str, bool)> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=' | '<');
    let end = source.find(ends)?;
    let (name, mut rest) = source.split_at(end);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == ':') {
        return None;
    }
    let mut attributes = Map::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            return Some((name, attributes, after, true));
        }
        if let Some(after) = rest.strip_prefix('>') {
            return Some((name, attributes, after, false));
        }
        let (key, after) = rest.split_at(rest.find(ends)?);
        let after = after.trim_start().strip_prefix('=')?.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after[1..].split_once(quote)?;
        if key.is_empty() || attributes.insert(format!("@{key}"), Json::from(unescaped(value)?)).is_some() {
            return None;
        }
        rest = after;
    }
}

fn close(open: &mut Vec<(&str, Map<String, Json>)>) -> Option<()> {
    let (name, mut fields) = open.pop()?;
    let value = match fields.len() {
        0 => Json::Null,
        1 if fields.get("#text").is_some_and(Json::is_string) => fields.remove("#text")?,
        _ => Json::Object(fields),
    };
    add(&mut open.last_mut()?.1, name, value);
    Some(())
}

fn add_text(open: &mut [(&str, Map<String, Json>)], text: &str) -> Option<()> {
    if text.trim().is_empty() {
        return Some(());
    }
    if open.len() < 2 {
        return None;
    }
    add(&mut open.last_mut()?.1, "#text", Json::from(unescaped(text)?));
    Some(())
}

/// Repeated names gather in an array.
fn add(fields: &mut Map<String, Json>, name: &str, value: Json) {
    match fields.get_mut(name) {
        None => {
            fields.insert(name.to_owned(), value);
        }
        Some(Json::Array(all)) => all.push(value),
        Some(first) => *first = Json::Array(vec![first.take(), value]),
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (entity, after) = rest[at + 1..].split_once(';')?;
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let number = number.strip_prefix('#')?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::value::json::write;

    #[test]
    fn documents_become_bags() {
        let bag = |xml: &str| parse(xml).map_or("null".into(), |tree| write(&tree));
        insta::assert_snapshot!(
            bag("<?xml version='1.0'?>\n<Event xmlns='u'><!-- c --><Data Name=\"A\">1 &lt; 2</Data><Data Name='B'/>\n<X>t<y>u</y></X></Event>"),
            @r##"{"Event":{"@xmlns":"u","Data":[{"@Name":"A","#text":"1 < 2"},{"@Name":"B"}],"X":{"#text":"t","y":"u"}}}"##
        );
        for bad in ["", "<a>", "<a></b>", "<a/><b/>", "text", "<a b=1/>", "<a>&nope;</a>", "</a>", "<1/>"] {
            assert_eq!(bag(bad), "null", "{bad}");
        }
        assert_eq!(bag(&"<a>".repeat(10_000)), "null");
    }
}
