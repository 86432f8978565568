//! `$select` and `$expand`: paths with options in brackets.
use super::ast::{ExpandItem, Expanded, Name, Options, SelectItem};
use super::input::{Input, Step, bracketed, separated, symbol, word_at};
use super::names::{annotation, identifier, qualified};
use super::options::{Scope, nested};
use nom::Err;

/// `$select`: `id,relatedUser/userName,*`
pub fn select(input: Input<'_>) -> Step<'_, Vec<SelectItem>> {
    separated(input, |input| {
        if input.starts("*") {
            let rest = input.skip(1);
            let star = Name { text: "*".into(), span: input.span_to(rest) };
            return Ok((rest, SelectItem { path: vec![star], options: None, span: input.span_to(rest) }));
        }
        let (mut rest, first) = step(input)?;
        let mut path = vec![first];
        if rest.starts(".*") {
            // Every function of a namespace.
            rest = rest.skip(2);
            path[0].text.push_str(".*");
        }
        while rest.starts("/") {
            let (next, name) = step(rest.skip(1))?;
            path.push(name);
            rest = next;
        }
        let mut options = None;
        if rest.starts("(") {
            match bracketed(rest, |input| separated(input, identifier)) {
                // A function's parameters.
                Ok((next, _)) => rest = next,
                Err(Err::Failure(miss)) => return Err(Err::Failure(miss)),
                Err(_) => {
                    let mut found = Options::default();
                    (rest, ()) = nested(rest, Scope::Select, &mut found)?;
                    options = Some(Box::new(found));
                }
            }
        }
        Ok((rest, SelectItem { path, options, span: input.span_to(rest) }))
    })
}

/// A property, a type or an annotation; an annotation's name keeps its `@`.
fn step(input: Input<'_>) -> Step<'_, Name> {
    if !input.starts("@") {
        return qualified(input);
    }
    let (rest, name) = annotation(input)?;
    Ok((rest, Name { text: format!("@{}", name.text), ..name }))
}

/// `$expand`: `evidence($filter=…;$top=3),machine/$ref,*`
pub fn expand(input: Input<'_>) -> Step<'_, Vec<ExpandItem>> {
    separated(input, item)
}

fn item(input: Input<'_>) -> Step<'_, ExpandItem> {
    let mut path = Vec::new();
    let mut what = Expanded::Entities;
    let mut rest = input;
    let mut star = false;
    if word_at(input.rest.strip_prefix('$').unwrap_or("")) == "value" {
        rest = input.skip("$value".len());
        path.push(Name { text: "$value".into(), span: input.span_to(rest) });
        return Ok((rest, ExpandItem { path, what, options: Box::default(), span: input.span_to(rest) }));
    }
    loop {
        if rest.starts("*") {
            let next = rest.skip(1);
            path.push(Name { text: "*".into(), span: rest.span_to(next) });
            rest = next;
            star = true;
        } else {
            let (next, name) = step(rest)?;
            path.push(name);
            rest = next;
        }
        let suffix = match word_at(rest.rest.strip_prefix("/$").unwrap_or("")) {
            "ref" => Some((Expanded::References, "/$ref")),
            "count" if !star => Some((Expanded::Number, "/$count")),
            _ => None,
        };
        if let Some((expanded, text)) = suffix {
            what = expanded;
            rest = rest.skip(text.len());
            break;
        }
        if star || !rest.starts("/") {
            break;
        }
        rest = rest.skip(1);
    }
    let mut options = Options::default();
    if rest.starts("(") {
        let scope = match what {
            Expanded::References if star => return rest.miss("`,`"),
            Expanded::References => Scope::References,
            Expanded::Number => Scope::Count,
            Expanded::Entities if star => Scope::Star,
            Expanded::Entities => Scope::Expand,
        };
        (rest, ()) = nested(rest, scope, &mut options)?;
    }
    Ok((rest, ExpandItem { path, what, options: Box::new(options), span: input.span_to(rest) }))
}

/// `1`, `max`: how deep an expansion goes.
pub fn levels(input: Input<'_>) -> Step<'_, ()> {
    if word_at(input.rest) == "max" {
        return Ok((input.skip(3), ()));
    }
    if !input.rest.starts_with(|c: char| c.is_ascii_digit() && c != '0') {
        return input.miss("a number from 1, or `max`");
    }
    let end = input.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(input.rest.len());
    symbol(input.skip(end), "", "")
}
