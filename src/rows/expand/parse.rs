//! parse and parse-where: a text taken apart by a pattern that must cover all of it.
//! <https://learn.microsoft.com/kusto/query/parse-operator>
//!
//! In a plain pattern a column reaches to the next constant's first occurrence, and a star skips to it; the last column
//! takes the rest. A column of a number type takes the number only. Where a constant is missing or a value is not of
//! its column's type, all columns are absent (relaxed: that column alone). A regex pattern is one regular expression in
//! which columns are greedy.
use crate::ir::{ParseKind, ParsePart, ParsePattern};
use crate::rows::RowsError;
use crate::text::Span;
use crate::types::Type;
use crate::value::Value;
use crate::value::convert;
use regex::{Regex, RegexBuilder};

#[derive(Debug)]
pub struct Parse {
    regex: Regex,
    /// Group name and type of each column.
    columns: Vec<(String, Type)>,
    relaxed: bool,
    filter: bool,
}

impl Parse {
    pub fn new(pattern: &ParsePattern, filter: bool) -> Result<Parse, RowsError> {
        let mut text = String::from(r"\A(?:");
        let mut columns: Vec<(String, Type)> = Vec::new();
        let parts = &pattern.parts;
        for (at, part) in parts.iter().enumerate() {
            match part {
                ParsePart::Star => text.push_str(".*?"),
                ParsePart::Text(constant) => match pattern.kind {
                    ParseKind::Regex => {
                        text.push_str("(?:");
                        text.push_str(constant);
                        text.push(')');
                    }
                    ParseKind::Simple | ParseKind::Relaxed => text.push_str(&regex::escape(constant)),
                },
                ParsePart::Column(_, ty) => {
                    let group = format!("__column_{}", columns.len());
                    let before_star = matches!(parts.get(at + 1), Some(ParsePart::Star));
                    text.push_str(&format!("(?P<{group}>{})", reach(pattern.kind, *ty, before_star)));
                    columns.push((group, *ty));
                }
            }
        }
        text.push_str(r")\z");
        let flags = match pattern.kind {
            ParseKind::Regex => pattern.flags.as_str(),
            // Constants may stand in later lines.
            ParseKind::Simple | ParseKind::Relaxed => "s",
        };
        let regex = RegexBuilder::new(&text)
            .case_insensitive(flags.contains('i'))
            .multi_line(flags.contains('m'))
            .dot_matches_new_line(flags.contains('s'))
            .swap_greed(flags.contains('U'))
            .size_limit(4 << 20)
            .build()
            .map_err(|_| {
                RowsError::Wrong(Span::default(), "the pattern of `parse` is not a regular expression".into())
            })?;
        Ok(Parse { regex, columns, relaxed: pattern.kind == ParseKind::Relaxed, filter })
    }

    /// The columns' values; `None` where the row is dropped.
    pub fn values(&self, text: &str) -> Option<Vec<Value<'static>>> {
        match self.matched(text) {
            Some(values) => Some(values),
            None if self.filter => None,
            None => Some(self.columns.iter().map(|(_, ty)| Value::absent(*ty)).collect()),
        }
    }

    fn matched(&self, text: &str) -> Option<Vec<Value<'static>>> {
        let found = self.regex.captures(text)?;
        let mut values = Vec::with_capacity(self.columns.len());
        for (group, ty) in &self.columns {
            let piece = found.name(group).map_or("", |piece| piece.as_str());
            let value = convert::to(&Value::string(piece), *ty).into_owned();
            if value.is_null() && !self.relaxed {
                return None;
            }
            values.push(value);
        }
        Some(values)
    }
}

/// What a column of the type may cover.
fn reach(kind: ParseKind, ty: Type, before_star: bool) -> &'static str {
    const INTEGER: &str = r"\s*[-+]?\d+";
    const NUMBER: &str = r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?";
    match (kind, ty) {
        (ParseKind::Regex, Type::Int | Type::Long) => INTEGER,
        (ParseKind::Regex, Type::Real | Type::Decimal) => NUMBER,
        (ParseKind::Regex, _) => ".*",
        (ParseKind::Simple | ParseKind::Relaxed, Type::Int | Type::Long) if before_star => INTEGER,
        (ParseKind::Simple | ParseKind::Relaxed, Type::Real | Type::Decimal) if before_star => NUMBER,
        (ParseKind::Simple | ParseKind::Relaxed, _) => ".*?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: ParseKind, flags: &str, parts: &[ParsePart], text: &str) -> String {
        let pattern = ParsePattern { kind, flags: flags.into(), parts: parts.to_vec() };
        let parse = Parse::new(&pattern, false).map_err(|error| error.to_string());
        let values = parse.map(|parse| parse.values(text).unwrap_or_default()).unwrap_or_default();
        values.iter().map(|value| value.text().into_owned()).collect::<Vec<_>>().join("|")
    }
    fn text(text: &str) -> ParsePart {
        ParsePart::Text(text.into())
    }
    fn column(name: &str) -> ParsePart {
        ParsePart::Column(name.into(), Type::String)
    }

    #[test]
    fn a_plain_column_reaches_to_the_next_constant() {
        let parts = [ParsePart::Star, text("email="), column("a"), text("@"), column("d"), text(")")];
        assert_eq!(parse(ParseKind::Simple, "", &parts, "x (email=john@a.com)"), "john|a.com");
        assert_eq!(parse(ParseKind::Simple, "", &parts, "x (email=john@a.com"), "|");
        let last = [column("a"), text(" "), column("b")];
        assert_eq!(parse(ParseKind::Simple, "", &last, "one two three"), "one|two three");
    }

    #[test]
    fn a_regex_column_is_greedy_unless_flagged() {
        let parts = [column("letters"), text(r"\d+"), column("rest")];
        assert_eq!(parse(ParseKind::Regex, "", &parts, "abc123def"), "abc12|def");
        assert_eq!(parse(ParseKind::Regex, "U", &parts, "abc123def"), "abc|23def");
    }
}
