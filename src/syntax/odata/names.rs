//! Names as they stand in paths: identifiers, with dots in them where a namespace goes before.
use super::ast::Name;
use super::input::{Input, Step, word_at};

/// The longest identifier.
const LONGEST: usize = 128;

/// `odataIdentifier`
pub fn identifier(input: Input<'_>) -> Step<'_, Name> {
    let word = word_at(input.rest);
    if !word.starts_with(|c: char| c.is_alphabetic() || c == '_') || word.chars().count() > LONGEST {
        return input.miss("a property, a function or a literal");
    }
    let rest = input.skip(word.len());
    Ok((rest, Name { text: word.to_owned(), span: input.span_to(rest) }))
}

/// `Namespace.Name`, or a name alone.
pub fn qualified(input: Input<'_>) -> Step<'_, Name> {
    let (mut rest, mut name) = identifier(input)?;
    while rest.starts(".") {
        let Ok((next, part)) = identifier(rest.skip(1)) else { break };
        name.text.push('.');
        name.text.push_str(&part.text);
        rest = next;
    }
    name.span = input.span_to(rest);
    Ok((rest, name))
}

/// `@Namespace.Term#Qualifier`, `@alias`; the text is without its `@`.
pub fn annotation(input: Input<'_>) -> Step<'_, Name> {
    if !input.starts("@") {
        return input.miss("`@`");
    }
    let (mut rest, mut name) = qualified(input.skip(1))?;
    if rest.starts("#") {
        let (next, qualifier) = identifier(rest.skip(1))?;
        name.text.push('#');
        name.text.push_str(&qualifier.text);
        rest = next;
    }
    name.span = input.span_to(rest);
    Ok((rest, name))
}

/// `a/b/c` of qualified names.
pub fn path(input: Input<'_>) -> Step<'_, Vec<Name>> {
    let (mut rest, first) = qualified(input)?;
    let mut names = vec![first];
    while rest.starts("/") {
        let (next, name) = qualified(rest.skip(1))?;
        names.push(name);
        rest = next;
    }
    Ok((rest, names))
}
