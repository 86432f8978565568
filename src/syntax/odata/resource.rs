//! `resourcePath`: the segments before the question mark, and which options go with which.
use super::ast::{Arg, ExprKind, Literal, Name, Options, Segment, StepKind};
use super::decode::{self, Decoded};
use super::expr::{arguments, expr};
use super::input::{bracketed, separated, whole, word_at};
use super::names::{identifier, qualified};
use crate::text::{Diagnostic, codes};

pub fn segments(path: &str) -> Result<Vec<Segment>, Diagnostic> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in path.split('/') {
        if !piece.is_empty() {
            found.push(segment(&decode::decode(piece, at)?, found.is_empty())?);
        }
        at += piece.len() + 1;
    }
    Ok(found)
}

/// A segment; the first is a name, any other may be a key in plain.
fn segment(decoded: &Decoded, first: bool) -> Result<Segment, Diagnostic> {
    let text = decoded.text.as_str();
    let bare = |length: usize| Name { text: text[..length].into(), span: decoded.span(0, length) };
    let dollar = usize::from(text.starts_with('$'));
    let word = word_at(&text[dollar..]);
    let starts = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if first && !starts {
        let span = decoded.span(0, text.len());
        return Err(codes::SYNTAX.at(span, format!("expected the name of a resource, found `{text}`")));
    }
    let Some(open) = text.find('(') else {
        return Ok(Segment { name: bare(text.len()), key: None, args: vec![] });
    };
    let read = if dollar == 1 {
        match word {
            "filter" => {
                whole(decoded, |input| bracketed(input.skip(open), expr)).map(|value| vec![Arg { name: None, value }])
            }
            "crossjoin" => {
                let sets = whole(decoded, |input| bracketed(input.skip(open), |i| separated(i, identifier)));
                sets.map(|sets| sets.into_iter().map(named_set).collect())
            }
            _ => Err(codes::SYNTAX.at(decoded.span(open, text.len()), format!("`${word}` takes no brackets"))),
        }
    } else {
        whole(decoded, |input| {
            let (rest, _) = qualified(input)?;
            if !rest.starts("(") {
                return rest.miss("`(`");
            }
            arguments(rest)
        })
    };
    let args = match read {
        Ok(args) => args,
        Err(fault) => {
            let key = text[open + 1..].strip_suffix(')').filter(|key| !key.contains(['\'', '(', ')', '=', ';', ',']));
            return match key {
                // `alerts(da1_-2)`: a key without its quotes.
                Some(key) if !key.is_empty() => {
                    Ok(Segment { name: bare(open), key: Some(Literal::String(key.to_owned())), args: vec![] })
                }
                _ if first => Err(fault),
                _ => Ok(Segment { name: bare(text.len()), key: None, args: vec![] }),
            };
        }
    };
    let key = match args.as_slice() {
        [Arg { name: None, value }] if dollar == 0 => match &value.kind {
            ExprKind::Literal(literal) => Some(literal.clone()),
            ExprKind::Path(steps) if matches!(steps.as_slice(), [one] if matches!(one.kind, StepKind::Name(_))) => {
                Some(Literal::String(text[open + 1..text.len() - 1].to_owned()))
            }
            _ => None,
        },
        _ => None,
    };
    let args = if key.is_some() { vec![] } else { args };
    Ok(Segment { name: bare(open), key, args })
}

fn named_set(name: Name) -> Arg {
    let span = name.span;
    let step = super::ast::Step { kind: StepKind::Name(name.text), span };
    Arg { name: None, value: super::ast::Expr { kind: ExprKind::Path(vec![step]), span } }
}

/// Which options may stand behind resources of the service itself, and where words with a dollar sign may stand.
pub fn fitting(path: &[Segment], given: &[Name], options: &Options) -> Result<(), Diagnostic> {
    let Some(at) = path.iter().position(|segment| segment.name.text.starts_with('$')) else { return Ok(()) };
    let last = &path[path.len() - 1].name;
    let word = &path[at].name;
    let rest = path.len() - at - 1;
    let of_service = match word.text.as_str() {
        "$batch" | "$metadata" if rest == 0 => Some(&["format"][..]),
        "$batch" | "$metadata" => return Err(nothing_behind(word, last)),
        "$entity" if rest == 0 => Some(&["format", "id"][..]),
        "$entity" => Some(&["format", "id", "expand", "select"][..]),
        _ => None,
    };
    if let Some(takes) = of_service {
        if let Some(other) = given.iter().find(|name| !takes.contains(&name.text.as_str())) {
            let message = format!("`{}` does not take `${}`", word.text, other.text);
            return Err(codes::UNKNOWN_PARAMETER.at(other.span, message));
        }
        if word.text == "$entity" && !options.unused.iter().any(|name| name.text == "$id") {
            return Err(codes::SYNTAX.at(word.span, "`$entity` needs `$id`"));
        }
        return Ok(());
    }
    for pair in path[at..].windows(2) {
        if ["$count", "$ref", "$value", "$query"].contains(&pair[0].name.text.as_str()) {
            return Err(nothing_behind(&pair[0].name, &pair[1].name));
        }
    }
    Ok(())
}

fn nothing_behind(word: &Name, next: &Name) -> Diagnostic {
    codes::SYNTAX.at(next.span, format!("nothing stands behind `{}`", word.text))
}
