//! The control commands of saved functions: `.create-or-alter function`, `.create function`, `.alter function`,
//! `.drop function`, `.show functions`.
use super::Doors;
use super::commands::Shown;
use crate::access::permissions::CHANGE_FUNCTIONS;
use crate::engine::QueryError;
use crate::text::{Source, Span, codes};
use crate::types::{Schema, Type};
use crate::value::Value;

/// What a command gives, where it is one of these that changes functions.
pub async fn change(doors: &Doors, text: &str) -> Option<Result<Shown, QueryError>> {
    let mut at = Cursor { text, at: 0 };
    let command = at.word().to_ascii_lowercase();
    if !matches!(command.as_str(), ".create-or-alter" | ".create" | ".alter" | ".drop")
        || !at.word().eq_ignore_ascii_case("function")
    {
        return None;
    }
    if !doors.caller.may(&CHANGE_FUNCTIONS) {
        let message =
            format!("saved functions are changed by who has the role `{}`", CHANGE_FUNCTIONS.roles.join("`, `"));
        let fault = codes::NOT_GRANTED.at(Span::new(0, at.at), message);
        return Some(Err(QueryError::Wrong(Source::new(text), vec![fault])));
    }
    Some(changed(doors, &command, at).await)
}

async fn changed(doors: &Doors, command: &str, mut at: Cursor<'_>) -> Result<Shown, QueryError> {
    let text = at.text;
    let wrong = |from: usize, to: usize, message: String, help: &str| {
        let fault = codes::SYNTAX.at(Span::new(from, to), message).help(help);
        QueryError::Wrong(Source::new(text), vec![fault])
    };
    let mut name = at.word();
    let mut doc = String::new();
    let mut lenient = false;
    loop {
        if name.eq_ignore_ascii_case("ifnotexists") {
            lenient = true;
        } else if name.eq_ignore_ascii_case("with") && at.rest().starts_with('(') {
            doc = docstring(at.parentheses());
        } else {
            break;
        }
        name = at.word();
    }
    let name_ends = at.at;
    let name = name.trim_matches(|c| matches!(c, '[' | ']' | '\'' | '"'));
    let known = doors.engine.functions().await?.iter().any(|one| one.name == name);
    let unknown = || {
        let fault = codes::UNKNOWN_FUNCTION.at(
            Span::new(name_ends.saturating_sub(name.len()), name_ends),
            format!("no function is saved as `{name}`"),
        );
        QueryError::Wrong(Source::new(text), vec![fault])
    };
    if command == ".drop" {
        lenient = at.word().eq_ignore_ascii_case("ifexists");
        if !doors.engine.remove_function(name).await? && !lenient {
            return Err(unknown());
        }
        return list(doors, None).await;
    }
    if command == ".create" && known {
        if lenient {
            return list(doors, Some(name)).await;
        }
        let message = format!("`{name}` is saved already");
        return Err(wrong(name_ends, name_ends, message, "use `.create-or-alter function`"));
    }
    if command == ".alter" && !known {
        return Err(unknown());
    }
    at.space();
    let begins = at.at;
    if !at.rest().starts_with('(') {
        let message = "parameters in parentheses are expected, and a body in braces".to_owned();
        return Err(wrong(begins, text.len(), message, "write `.create-or-alter function F(a:string) { … }`"));
    }
    let body = at.rest().trim_end();
    let before: String = doc.lines().map(|line| format!("// {line}\n")).collect();
    doors.engine.save_function(name, &format!("{before}{body}")).await.map_err(|error| match error {
        QueryError::Wrong(_, mut faults) => {
            let place = |at: u32| begins + (at as usize).saturating_sub(before.len()).min(body.len());
            for fault in &mut faults {
                fault.span = Span::new(place(fault.span.start), place(fault.span.end));
            }
            QueryError::Wrong(Source::new(text), faults)
        }
        other => other,
    })?;
    list(doors, Some(name)).await
}

/// All saved functions, or one.
pub async fn list(doors: &Doors, only: Option<&str>) -> Result<Shown, QueryError> {
    let names = ["Name", "Parameters", "Body", "Folder", "DocString"];
    let text = |text: String| Value::string(text);
    let mut rows = Vec::new();
    for one in doors.engine.functions().await?.iter() {
        if only.is_none_or(|name| name == one.name) {
            let (parameters, body) = one.parts();
            rows.push(vec![text(one.name.clone()), text(parameters), text(body), text(String::new()), text(one.doc())]);
        }
    }
    rows.sort_by_key(|row| row.first().map(|name| name.text().into_owned()));
    Ok(Shown { schema: Schema::new(names.map(|name| (name, Type::String))), rows })
}

/// The value of `docstring` among the properties of `with (…)`.
fn docstring(properties: &str) -> String {
    let lower = properties.to_ascii_lowercase();
    let Some(at) = lower.find("docstring") else { return String::new() };
    let value = properties[at + "docstring".len()..].trim_start().trim_start_matches('=').trim_start();
    let value = value.trim_start_matches('@');
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '\'' | '"')) else { return String::new() };
    value[1..].split(quote).next().unwrap_or_default().to_owned()
}

/// The way through a command.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// The next word, and the space behind it.
    fn word(&mut self) -> &'t str {
        self.space();
        let rest = self.rest();
        let ends = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | '{' | '|')).unwrap_or(rest.len());
        self.at += ends;
        self.space();
        &rest[..ends]
    }

    /// What is in parentheses here, quotes minded.
    fn parentheses(&mut self) -> &'t str {
        let rest = self.rest();
        let mut quote = None;
        let mut open = 0usize;
        for (at, c) in rest.char_indices() {
            match (quote, c) {
                (Some(mark), c) if c == mark => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, '(') => open += 1,
                (None, ')') => open = open.saturating_sub(1),
                (None, _) => {}
            }
            if open == 0 {
                self.at += at + 1;
                return &rest[1..at.max(1)];
            }
        }
        self.at = self.text.len();
        ""
    }
}
