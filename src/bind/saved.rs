//! Saved functions: texts that every query may call by name, as if a let statement before it had made them.
//!
//! A function sees those that it mentions and never itself, however far around: functions stand in an order in which
//! each comes after what it calls, and those for which there is no such order are left out.
use super::Context;
use crate::syntax::kql::{self as syntax, ast};
use crate::syntax::lex::lex;
use crate::text::{Diagnostic, Diagnostics, Source, Span, codes};
use crate::{catalog, functions};
use std::collections::HashSet;
use std::sync::Arc;

/// One function.
#[derive(Clone, Debug)]
pub struct Saved {
    pub name: String,
    /// A lambda, or a query that is called without arguments.
    pub text: String,
    pub lambda: ast::Lambda,
    /// How many bytes the parser was given before the text.
    before: usize,
    /// All names in the text.
    mentions: HashSet<String>,
}

impl Saved {
    /// Reads a text. The faults stand where they are in it.
    pub fn parse(name: &str, text: &str) -> Result<Saved, Diagnostics> {
        if !is_name(name) {
            return Err(vec![
                codes::RESERVED_NAME
                    .at(Span::new(0, text.len()), format!("`{name}` cannot be the name of a function"))
                    .help("use letters, digits and `_`, and no digit first"),
            ]);
        }
        if functions::scalar(name).is_some()
            || functions::aggregate(name).is_some()
            || functions::window(name).is_some()
            || super::kql::is_built_in(name)
        {
            return Err(vec![taken(name, "function", text)]);
        }
        if catalog::table(name).is_some() {
            return Err(vec![taken(name, "table", text)]);
        }
        Saved::read(name, text)
    }

    /// As [`Saved::parse`], under any name.
    pub fn read(name: &str, text: &str) -> Result<Saved, Diagnostics> {
        let trimmed = text.trim_end().trim_end_matches(';');
        let (before, after) = if is_lambda(trimmed) { ("", "") } else { ("() {\n", "\n}") };
        let before = format!("let {name} = {before}");
        // An answer of its own, so that the text is whole.
        let whole = Source::named(name, format!("{before}{trimmed}{after}\n;\nprint 0"));
        let before_all = before.len();
        let placed = |faults| placed(faults, before_all, text.len());
        let tree = syntax::parse(&whole).into_result().map_err(placed)?;
        let mut statements = tree.statements.into_iter();
        match (statements.next(), statements.next(), statements.next()) {
            (Some(ast::Statement::Let(one)), Some(ast::Statement::Result(_)), None) => match one.value {
                ast::LetValue::Lambda(lambda) => {
                    let mentions = lex(text).0.iter().map(|token| token.span.of(text).to_owned()).collect();
                    Ok(Saved { name: name.into(), text: text.into(), lambda, before: before_all, mentions })
                }
                ast::LetValue::Expr(expr) => {
                    let fault = codes::SYNTAX.at(expr.span, "a function or a query is expected");
                    Err(placed(vec![fault]))
                }
            },
            _ => Err(vec![codes::SYNTAX.at(Span::new(0, text.len()), "one function, or one query, is expected")]),
        }
    }

    /// The text in two: the parameters in parentheses, and the body in braces.
    pub fn parts(&self) -> (String, String) {
        let text = self.text.trim().trim_end_matches(';');
        if !is_lambda(text) {
            return ("()".into(), format!("{{\n{text}\n}}"));
        }
        let (mut open, mut begins) = (0usize, None);
        for token in lex(text).0 {
            let at = token.span.start as usize;
            match token.span.of(text) {
                "(" => {
                    begins.get_or_insert(at);
                    open += 1;
                }
                ")" => open = open.saturating_sub(1),
                "{" if open == 0 => {
                    return (text[begins.unwrap_or(at)..at].trim().to_owned(), text[at..].to_owned());
                }
                _ => {}
            }
        }
        (text.to_owned(), String::new())
    }

    /// What the text says of itself: the comment that it begins with.
    pub fn doc(&self) -> String {
        let lines = self.text.lines().map(str::trim).skip_while(|line| line.is_empty());
        let lines: Vec<&str> = lines.map_while(|line| line.strip_prefix("//")).map(str::trim).collect();
        lines.join(" ")
    }

    /// What is wrong with the function among those that it may call.
    pub fn check(&self, context: &Context<'_>) -> Result<(), Diagnostics> {
        let whole = Span::new(0, self.text.len());
        let name = &self.name;
        if context.tables.schema(name).is_some() {
            return Err(vec![taken(name, "table", &self.text)]);
        }
        let mut all: Vec<Arc<Saved>> = context.saved.iter().filter(|one| one.name != *name).cloned().collect();
        all.push(Arc::new(self.clone()));
        let ordered = in_order(all);
        let Some(at) = ordered.iter().position(|one| one.name == *name) else {
            let fault = codes::WRONG_PLACE.at(whole, format!("`{name}` would call itself"));
            return Err(vec![fault.help("a function may call only functions that do not lead back to it")]);
        };
        let context = Context { saved: &ordered[..at], ..*context };
        super::kql::check(&self.lambda, &context).map_err(|faults| placed(faults, self.before, self.text.len()))
    }
}

/// Each function after those that it mentions.
pub fn in_order(functions: Vec<Arc<Saved>>) -> Vec<Arc<Saved>> {
    let mut waiting = functions;
    let mut ordered: Vec<Arc<Saved>> = Vec::with_capacity(waiting.len());
    loop {
        let names: HashSet<String> = waiting.iter().map(|one| one.name.clone()).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|one| one.mentions.is_disjoint(&names));
        if ready.is_empty() {
            return ordered;
        }
        ordered.extend(ready);
        waiting = rest;
    }
}

fn taken(name: &str, what: &str, text: &str) -> Diagnostic {
    let span = Span::new(0, text.len());
    codes::DUPLICATE_NAME.at(span, format!("`{name}` is the name of a {what} already")).help("choose another name")
}

fn is_name(name: &str) -> bool {
    name.len() <= 200
        && name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().any(|c| c != '_')
}

/// Whether a text is written as a function, with its parameters, and not as a query.
fn is_lambda(text: &str) -> bool {
    let (tokens, _) = lex(text);
    let mut words = tokens.iter().map(|token| token.span.of(text)).skip_while(|word| *word == "view");
    if words.next() != Some("(") {
        return false;
    }
    let mut open = 1;
    for word in words.by_ref() {
        match word {
            "(" => open += 1,
            ")" => open -= 1,
            _ => {}
        }
        if open == 0 {
            break;
        }
    }
    words.next() == Some("{")
}

/// Faults of a text that stood behind so many bytes.
fn placed(faults: Diagnostics, before: usize, length: usize) -> Diagnostics {
    let place = |at: u32| (at as usize).saturating_sub(before).min(length);
    let placed = |fault: Diagnostic| {
        let span = Span::new(place(fault.span.start), place(fault.span.end));
        Diagnostic { span, ..fault }
    };
    faults.into_iter().map(placed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Known;
    use crate::text::render;

    fn library(texts: &[(&str, &str)]) -> Vec<Arc<Saved>> {
        in_order(texts.iter().map(|(name, text)| Arc::new(Saved::parse(name, text).unwrap())).collect())
    }

    fn context(saved: &[Arc<Saved>]) -> Context<'_> {
        Context { tables: &Known, now: 0, parameters: &[], data: None, saved }
    }

    fn columns(text: &str, saved: &[Arc<Saved>]) -> String {
        let source = Source::new(text);
        let bound = syntax::parse(&source)
            .into_result()
            .and_then(|tree| super::super::kql(&tree, &context(saved)))
            .map_err(|faults| render::render(&source, &faults));
        match bound {
            Ok(bound) => bound.results[0].rel.schema.names().collect::<Vec<_>>().join(", "),
            Err(shown) => shown,
        }
    }

    fn refused(name: &str, text: &str, saved: &[Arc<Saved>]) -> String {
        let faults = Saved::parse(name, text).and_then(|one| one.check(&context(saved))).unwrap_err();
        render::render(&Source::named(name, text), &faults)
    }

    #[test]
    fn saved_functions_are_called_like_lambdas_whatever_their_order() {
        let saved = library(&[
            ("A", "(T:(Title:string), least:long = 2) { T | where B(strlen(Title)) > least | project Title }"),
            ("B", "(n:long) { n * 2 }"),
            ("C", "AlertInfo | project AlertId, Title"),
            ("D", "C | invoke A()"),
        ]);
        insta::assert_snapshot!(columns("D | extend x = B(1)", &saved), @"Title, x");
        insta::assert_snapshot!(columns("let B = (n:string) { n }; C() | extend y = B('a')", &saved), @"AlertId, Title, y");
        insta::assert_snapshot!(columns("C | extend x = B('a')", &saved), @"AlertId, Title, x");
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands() {
        let saved = library(&[("C", "AlertInfo | project AlertId")]);
        insta::assert_snapshot!(refused("F", "// all of them\nC | where Titel == 1", &saved), @r#"
        error[K0102]: no column is named `Titel`
         --> F:2:11
          |
        2 | C | where Titel == 1
          |           ^^^^^
        "#);
        insta::assert_snapshot!(refused("F", "(a:string) { C | where AlertId = a }", &saved), @r#"
        error[K0201]: a bool is expected here, not string
         --> F:1:34
          |
        1 | (a:string) { C | where AlertId = a }
          |                                  ^
        "#);
        insta::assert_snapshot!(refused("F", "(a:string) { C | where Titel == a }", &saved), @r#"
        error[K0102]: no column is named `Titel`
         --> F:1:24
          |
        1 | (a:string) { C | where Titel == a }
          |                        ^^^^^
        "#);
        insta::assert_snapshot!(refused("F", "F | take 1", &saved), @r#"
        error[K0301]: `F` would call itself
         --> F:1:1
          |
        1 | F | take 1
          | ^^^^^^^^^^
          = help: a function may call only functions that do not lead back to it
        "#);
        insta::assert_snapshot!(refused("strlen", "C", &saved), @r#"
        error[K0105]: `strlen` is the name of a function already
         --> strlen:1:1
          |
        1 | C
          | ^
          = help: choose another name
        "#);
        insta::assert_snapshot!(refused("a b", "C", &saved), @r#"
        error[K0106]: `a b` cannot be the name of a function
         --> a b:1:1
          |
        1 | C
          | ^
          = help: use letters, digits and `_`, and no digit first
        "#);
        insta::assert_snapshot!(refused("F", "C }; print 1; let g = () { C", &saved), @r#"
        error[K0010]: one function, or one query, is expected
         --> F:1:1
          |
        1 | C }; print 1; let g = () { C
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#);
    }

    #[test]
    fn the_parts_of_a_text() {
        let one =
            Saved::parse("F", "// (for a test)\n (a:string = '){', b:dynamic = dynamic({})) { print a }").unwrap();
        assert_eq!(one.parts(), ("(a:string = '){', b:dynamic = dynamic({}))".into(), "{ print a }".into()));
    }
}
