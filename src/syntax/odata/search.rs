//! `$search`: words and quoted phrases, side by side or with `AND`, `OR`, `NOT`, and brackets.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_SystemQueryOptionsearch>
use super::ast::{Name, Search};
use super::input::{Input, Step, blank, bracketed};

/// The value of `$search`; where it is nested, a bracket or a semicolon ends it.
pub fn search(input: Input<'_>) -> Step<'_, Search> {
    let input = input.blanks();
    if input.starts("'") {
        return quoted(input);
    }
    any(input)
}

/// `'…'`: what a service makes of it is its own; a quote in it is doubled.
fn quoted(input: Input<'_>) -> Step<'_, Search> {
    let mut rest = input.skip(1);
    let mut text = String::new();
    loop {
        let Some(at) = rest.rest.find('\'') else { return rest.skip(rest.rest.len()).miss("`'`") };
        text.push_str(&rest.rest[..at]);
        rest = rest.skip(at + 1);
        if !rest.starts("'") {
            return Ok((rest, Search::Quoted(Name { text, span: input.span_to(rest) })));
        }
        text.push('\'');
        rest = rest.skip(1);
    }
}

fn any(input: Input<'_>) -> Step<'_, Search> {
    let (mut rest, first) = all(input)?;
    let mut terms = vec![first];
    while let Some(next) = operator(rest, "OR") {
        let (end, term) = all(next)?;
        terms.push(term);
        rest = end;
    }
    Ok((rest, if terms.len() == 1 { terms.remove(0) } else { Search::Any(terms) }))
}

fn all(input: Input<'_>) -> Step<'_, Search> {
    let (mut rest, first) = one(input)?;
    let mut terms = vec![first];
    loop {
        let next = match operator(rest, "AND") {
            Some(next) => next,
            None if operator(rest, "OR").is_some() => break,
            None => match blank(rest) {
                Ok((next, ())) if begins(next) => next,
                Ok(_) | Err(_) => break,
            },
        };
        let (end, term) = one(next)?;
        terms.push(term);
        rest = end;
    }
    Ok((rest, if terms.len() == 1 { terms.remove(0) } else { Search::All(terms) }))
}

/// What stands behind an operator, if it is one: blanks on both sides and a term behind it.
fn operator<'t>(input: Input<'t>, symbol: &str) -> Option<Input<'t>> {
    let (start, ()) = blank(input).ok()?;
    operand(start, symbol)
}

fn operand<'t>(input: Input<'t>, symbol: &str) -> Option<Input<'t>> {
    let word = bare(input);
    if word != symbol {
        return None;
    }
    let (next, ()) = blank(input.skip(word.len())).ok()?;
    begins(next).then_some(next)
}

fn begins(input: Input<'_>) -> bool {
    input.starts("(") || input.starts("\"") || !bare(input).is_empty()
}

/// The characters of a word: a semicolon only where it was written with a percent sign.
fn bare(input: Input<'_>) -> &str {
    let rest = input.rest;
    let end = rest
        .char_indices()
        .find(|(at, c)| {
            let ends = c.is_whitespace() || matches!(c, '(' | ')' | '"');
            ends || *c == ';' && !input.skip(*at).encoded() || *c == '\'' && *at == 0
        })
        .map_or(rest.len(), |(at, _)| at);
    &rest[..end]
}

fn one(input: Input<'_>) -> Step<'_, Search> {
    if let Some(next) = operand(input, "NOT") {
        let (deeper, ()) = next.deeper()?;
        let (rest, inner) = one(deeper)?;
        return Ok((rest.level_of(input), Search::Not(Box::new(inner))));
    }
    if input.starts("(") {
        return bracketed(input, any);
    }
    if input.starts("\"") {
        let inner = input.skip(1);
        let Some(length) = inner.rest.find('"').filter(|length| *length > 0) else {
            return input.skip(input.rest.len()).miss("`\"`");
        };
        return Ok((inner.skip(length + 1), Search::Term(inner.rest[..length].to_owned())));
    }
    let word = bare(input);
    if word.is_empty() {
        input.miss("a word or a phrase")
    } else {
        Ok((input.skip(word.len()), Search::Term(word.to_owned())))
    }
}
