//! Names, patterns of names, types and schemas.
//! <https://learn.microsoft.com/kusto/query/schema-entities/entity-names>
use super::ast::{ColumnDecl, Name, Pattern};
use super::literal::strings;
use crate::syntax::combinators::{Step, Tokens, any_commas, maybe, miss, must, punct, refuse};
use crate::syntax::tokens::{Kind, Word, word};
use crate::text::codes;
use crate::types::Type;

fn plain_if<'t>(i: Tokens<'t>, takes: impl Fn(&Word) -> bool) -> Step<'t, Name> {
    let fits = match i.kind(0) {
        Kind::Name => true,
        Kind::Word(word) => takes(word),
        _ => false,
    };
    if !fits {
        return miss(i, "a name");
    }
    // In `project-aways` the lexer sees two names, though one of them alone would be a word.
    let bracketed = i.kind(0) == Kind::Name && word(i.text(0)).is_some();
    Ok((i.skip(1), Name { text: i.text(0).into(), span: i.span(), bracketed }))
}

/// `['any text']`
pub fn bracketed(i: Tokens<'_>) -> Step<'_, Name> {
    if !(i.is_punct(0, "[") && i.kind(1) == Kind::String) {
        return miss(i, "a name");
    }
    let (rest, text) = strings(i.skip(1))?;
    let (rest, _) = punct("]")(rest)?;
    Ok((rest, Name { text, span: i.span_to(rest), bracketed: true }))
}

/// A name: plain, or in brackets and quotes.
pub fn name(i: Tokens<'_>) -> Step<'_, Name> {
    if i.is_punct(0, "[") { bracketed(i) } else { plain_if(i, |word| word.name) }
}

/// A name in an expression: `kind` and the like may be columns.
pub fn column(i: Tokens<'_>) -> Step<'_, Name> {
    if i.is_punct(0, "[") { bracketed(i) } else { plain_if(i, |word| word.name || word.column) }
}

/// A name where nothing else can stand: most words may serve.
pub fn label(i: Tokens<'_>) -> Step<'_, Name> {
    if i.is_punct(0, "[") { bracketed(i) } else { plain_if(i, |word| word.name || word.label) }
}

/// Refuses the word that stands here as a name.
pub fn reserved<'t, T>(i: Tokens<'t>) -> Step<'t, T> {
    let text = i.text(0);
    let fault = codes::RESERVED_NAME.at(i.span(), format!("`{text}` is a word of the language and no name by itself"));
    refuse(i, fault.help(format!("write `['{text}']`")))
}

/// How many tokens a name with `*` in it takes; they touch one another.
fn wildcard_length(i: Tokens<'_>) -> usize {
    let piece = |kind: Kind| match kind {
        Kind::Name => true,
        Kind::Word(word) => word.name || word.label,
        _ => false,
    };
    let mut length = if i.is_punct(0, "*") {
        1
    } else if piece(i.kind(0)) && i.is_punct(1, "*") && !i.token(1).blank {
        2
    } else {
        return 0;
    };
    while !i.token(length).blank && (piece(i.kind(length)) || i.kind(length) == Kind::Long || i.is_punct(length, "*")) {
        length += 1;
    }
    length
}

/// `Device*`, `*Id`, `*`
pub fn wildcard(i: Tokens<'_>) -> Step<'_, Name> {
    match wildcard_length(i) {
        0 => miss(i, "a name with `*`"),
        length => {
            let rest = i.skip(length);
            let span = i.span_to(rest);
            Ok((rest, Name { text: span.of(i.trace.text).into(), span, bracketed: false }))
        }
    }
}

/// A name or a pattern with `*`.
pub fn pattern(i: Tokens<'_>) -> Step<'_, Pattern> {
    if wildcard_length(i) > 0 {
        let (i, name) = wildcard(i)?;
        return Ok((i, Pattern { name, wildcard: true, order: None }));
    }
    let (i, name) = name(i)?;
    Ok((i, Pattern { name, wildcard: false, order: None }))
}

/// A type of a declared column: the narrower set of words.
pub fn column_type(i: Tokens<'_>) -> Step<'_, Type> {
    let text = i.text(0);
    let known = match i.kind(0) {
        Kind::Word(_) => !matches!(
            text,
            "float" | "int16" | "int32" | "uint" | "uint16" | "uint32" | "uint64" | "uint8" | "ulong" | "uuid"
        ),
        _ => false,
    };
    match Type::from_name(text) {
        Some(ty) if known => Ok((i.skip(1), ty)),
        Some(ty) => {
            let fault = codes::SYNTAX.at(i.span(), format!("`{text}` is not a type of a column"));
            refuse(i, fault.help(format!("write `{ty}`")))
        }
        None => miss(i, "a type"),
    }
}

/// A type inside `typeof(…)`: all its old names too.
pub fn any_type(i: Tokens<'_>) -> Step<'_, Type> {
    match Type::from_name(i.text(0)) {
        Some(ty) if matches!(i.kind(0), Kind::Word(_)) && i.text(0) != "uuid" => Ok((i.skip(1), ty)),
        _ => miss(i, "a type"),
    }
}

/// `name:type`
pub fn column_decl(i: Tokens<'_>) -> Step<'_, ColumnDecl> {
    let (i, name) = label(i)?;
    let (i, _) = must(punct(":"))(i)?;
    let (i, ty) = must(column_type)(i)?;
    Ok((i, ColumnDecl { name, ty }))
}

/// `(a:string, b:long)`, with a stray comma before the first or after the last.
pub fn row_schema(i: Tokens<'_>) -> Step<'_, Vec<ColumnDecl>> {
    let (i, _) = punct("(")(i)?;
    let (i, _) = maybe(i, punct(","))?;
    let (i, columns) = any_commas(i, true, column_decl)?;
    let (i, _) = must(punct(")"))(i)?;
    Ok((i, columns))
}
