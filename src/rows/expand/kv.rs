//! parse-kv: values by their keys out of a text.
//! <https://learn.microsoft.com/kusto/query/parse-kv-operator>
use crate::ir::KvSettings;
use crate::rows::RowsError;
use crate::text::Span;
use crate::types::Type;
use crate::value::Value;
use crate::value::convert;
use regex::{Regex, RegexBuilder};

#[derive(Debug)]
pub struct ParseKv {
    columns: Vec<(String, Type)>,
    settings: KvSettings,
    regex: Option<Regex>,
}

impl ParseKv {
    pub fn new(columns: &[(String, Type)], settings: &KvSettings) -> Result<ParseKv, RowsError> {
        let wrong = || RowsError::Wrong(Span::default(), "the regex of `parse-kv` is not a regular expression".into());
        let regex = match &settings.regex {
            Some(text) => Some(RegexBuilder::new(text).size_limit(4 << 20).build().map_err(|_| wrong())?),
            None => None,
        };
        Ok(ParseKv { columns: columns.to_vec(), settings: settings.clone(), regex })
    }

    /// One value for each column; the first occurrence of a key counts.
    pub fn values(&self, text: &str) -> Vec<Value<'static>> {
        let mut found: Vec<Option<String>> = vec![None; self.columns.len()];
        let mut keep = |key: &str, value: String| {
            let key = key.trim();
            for ((name, _), slot) in self.columns.iter().zip(&mut found) {
                if name == key && slot.is_none() {
                    *slot = Some(value.clone());
                }
            }
        };
        match (&self.regex, &self.settings.pair_delimiter, &self.settings.kv_delimiter) {
            (Some(regex), _, _) => {
                for pair in regex.captures_iter(text) {
                    if let (Some(key), Some(value)) = (pair.get(1), pair.get(2)) {
                        keep(key.as_str(), value.as_str().trim().to_string());
                    }
                }
            }
            (None, Some(pairs), Some(kv)) if !pairs.is_empty() && !kv.is_empty() => {
                self.delimited(text, pairs, kv, &mut keep);
            }
            (None, _, _) => self.undelimited(text, &mut keep),
        }
        self.columns
            .iter()
            .zip(found)
            .map(|((_, ty), value)| {
                value.map_or_else(|| Value::absent(*ty), |value| convert::to(&Value::string(value), *ty))
            })
            .collect()
    }

    fn delimited(&self, text: &str, pairs: &str, kv: &str, keep: &mut dyn FnMut(&str, String)) {
        let mut rest = text;
        while !rest.is_empty() {
            // The key ends at the first delimiter of either kind; quotes may enclose it.
            let (key, after) = match self.quoted(rest.trim_start()) {
                Some((key, after)) => match after.strip_prefix(kv) {
                    Some(after) => (key, after),
                    None => {
                        rest = after_delimiter(after, pairs);
                        continue;
                    }
                },
                None => {
                    let kv_at = rest.find(kv);
                    let pair_at = rest.find(pairs);
                    match (kv_at, pair_at) {
                        (None, _) => return,
                        (Some(kv_at), Some(pair_at)) if pair_at < kv_at && !self.settings.greedy => {
                            rest = &rest[pair_at + pairs.len()..];
                            continue;
                        }
                        (Some(kv_at), _) => {
                            let mut key = &rest[..kv_at];
                            if let Some(at) = key.rfind(pairs) {
                                key = &key[at + pairs.len()..];
                            }
                            (key.to_string(), &rest[kv_at + kv.len()..])
                        }
                    }
                }
            };
            if let Some((value, after)) = self.quoted(after.trim_start()) {
                keep(&key, value);
                rest = after_delimiter(after, pairs);
                continue;
            }
            let end = if self.settings.greedy { self.next_key(after, pairs, kv) } else { after.find(pairs) };
            let value = &after[..end.unwrap_or(after.len())];
            keep(&key, value.trim().to_string());
            rest = match end {
                Some(end) => &after[end + pairs.len()..],
                None => "",
            };
        }
    }

    /// Where the pair before the next wanted key ends.
    fn next_key(&self, text: &str, pairs: &str, kv: &str) -> Option<usize> {
        let mut from = 0;
        while let Some(at) = text[from..].find(pairs).map(|at| at + from) {
            let next = text[at + pairs.len()..].trim_start();
            let is_key = |name: &str| {
                next.strip_prefix(name).is_some_and(|rest| rest.starts_with(kv))
                    || self.quoted(next).is_some_and(|(key, rest)| key == name && rest.starts_with(kv))
            };
            if self.columns.iter().any(|(name, _)| is_key(name)) {
                return Some(at);
            }
            from = at + pairs.len();
        }
        None
    }

    /// Keys and values are runs of letters, digits and `_`; whatever else stands between them delimits.
    fn undelimited(&self, text: &str, keep: &mut dyn FnMut(&str, String)) {
        let mut rest = text;
        let mut key: Option<String> = None;
        while let Some(first) = rest.chars().next() {
            let (token, after) = match self.quoted(rest) {
                Some(found) => found,
                None if is_word(first) => {
                    let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                    (rest[..end].to_string(), &rest[end..])
                }
                None => {
                    rest = &rest[first.len_utf8()..];
                    continue;
                }
            };
            rest = after;
            match key.take() {
                Some(key) if self.columns.iter().any(|(name, _)| *name == key) => keep(&key, token),
                _ => key = Some(token),
            }
        }
    }

    /// A quoted text at the start: what it says, and what follows it.
    fn quoted<'t>(&self, text: &'t str) -> Option<(String, &'t str)> {
        let open = text.chars().next()?;
        let (_, close) = self.settings.quote.iter().find(|(start, _)| *start == open)?;
        let mut said = String::new();
        let mut chars = text.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if Some(c) == self.settings.escape {
                if let Some((_, escaped)) = chars.next() {
                    said.push(escaped);
                }
            } else if c == *close {
                return Some((said, &text[at + c.len_utf8()..]));
            } else {
                said.push(c);
            }
        }
        None
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn after_delimiter<'t>(text: &'t str, delimiter: &str) -> &'t str {
    text.find(delimiter).map_or("", |at| &text[at + delimiter.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kv(settings: KvSettings, keys: &[&str], text: &str) -> String {
        let columns: Vec<_> = keys.iter().map(|key| (key.to_string(), Type::String)).collect();
        let values = ParseKv::new(&columns, &settings).map(|kv| kv.values(text)).unwrap_or_default();
        values.iter().map(|value| value.text().into_owned()).collect::<Vec<_>>().join("|")
    }
    fn delimiters(pairs: &str, kv: &str) -> KvSettings {
        KvSettings { pair_delimiter: Some(pairs.into()), kv_delimiter: Some(kv.into()), ..KvSettings::default() }
    }

    #[test]
    fn the_first_key_counts_and_the_first_delimiter_ends_it() {
        assert_eq!(kv(delimiters(";", "="), &["k1", "k2"], "k1=1;k2=2;k1=3"), "1|2");
        assert_eq!(kv(delimiters(" ", "="), &["a", "c"], "a==b"), "=b|");
        assert_eq!(kv(delimiters("][", "="), &["k1", "k2"], "[k1=v1][k2=v2]"), "|v2]");
    }

    #[test]
    fn quotes_hide_delimiters_and_greed_reaches_to_the_next_key() {
        let quoted = KvSettings { quote: vec![('\'', '\'')], ..delimiters(";", "=") };
        assert_eq!(kv(quoted, &["key", "other"], "key='a b';other='n ;s'"), "a b|n ;s");
        let greedy = KvSettings { greedy: true, ..delimiters(" ", "=") };
        let text = "name=John Doe phone=555 5555 city=New York";
        assert_eq!(kv(greedy, &["name", "phone", "city"], text), "John Doe|555 5555|New York");
    }

    #[test]
    fn without_delimiters_words_are_keys_and_values() {
        let settings = KvSettings { quote: vec![('\'', '\'')], escape: Some('\\'), ..KvSettings::default() };
        let text = "2021-01-01 [INFO] ThreadId:458, Machine:Node001, Text: 'it\\'s up'";
        assert_eq!(kv(settings, &["Text", "ThreadId", "Machine"], text), "it's up|458|Node001");
    }
}
