//! What must be so of a row that a filter keeps, as far as an index of terms can tell: and-or trees over pieces of terms.
use super::terms::{Part, Piece, cut, pieces};
use crate::functions::predicates::{Kind, fold_char, is_term};
use regex_syntax::hir::{Class, Hir, HirKind};

/// True of every row that the filter keeps, and of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Anything,
    Nothing,
    /// All of these pieces are in the column's text.
    Pieces {
        column: String,
        pieces: Vec<Piece>,
    },
    And(Vec<Wanted>),
    Or(Vec<Wanted>),
}

/// Nesting past this says nothing.
const DEEPEST: usize = 100;
/// Regular expressions within each other.
const DEEPEST_PATTERN: u32 = 50;

impl Wanted {
    pub fn and(all: impl IntoIterator<Item = Wanted>) -> Wanted {
        let mut kept = Vec::new();
        for one in all {
            match one {
                Wanted::Anything => {}
                Wanted::Nothing => return Wanted::Nothing,
                Wanted::And(more) => kept.extend(more),
                one => kept.push(one),
            }
        }
        match kept.len() {
            0 => Wanted::Anything,
            1 => kept.remove(0),
            _ => Wanted::And(kept),
        }
    }

    pub fn or(any: impl IntoIterator<Item = Wanted>) -> Wanted {
        let mut kept = Vec::new();
        for one in any {
            match one {
                Wanted::Anything => return Wanted::Anything,
                Wanted::Nothing => {}
                Wanted::Or(more) => kept.extend(more),
                one => kept.push(one),
            }
        }
        match kept.len() {
            0 => Wanted::Nothing,
            1 => kept.remove(0),
            _ => Wanted::Or(kept),
        }
    }

    /// A test of a column with one needle.
    pub fn test(column: &str, kind: Kind, needle: &str) -> Wanted {
        Wanted::pieces(column, pieces(kind, needle))
    }

    fn pieces(column: &str, pieces: Vec<Piece>) -> Wanted {
        if pieces.is_empty() {
            return Wanted::Anything;
        }
        Wanted::Pieces { column: column.to_owned(), pieces }
    }

    /// A column matches a regular expression: the texts that must be in it.
    pub fn pattern(column: &str, pattern: &str) -> Wanted {
        let parser = regex_syntax::ParserBuilder::new().nest_limit(DEEPEST_PATTERN).build().parse(pattern);
        parser.map_or(Wanted::Anything, |hir| of_hir(column, &hir))
    }

    /// The columns that are asked for.
    pub fn columns<'w>(&'w self, into: &mut Vec<&'w str>) {
        match self {
            Wanted::Anything | Wanted::Nothing => {}
            Wanted::Pieces { column, .. } => {
                if !into.contains(&column.as_str()) {
                    into.push(column);
                }
            }
            Wanted::And(of) | Wanted::Or(of) => of.iter().for_each(|one| one.columns(into)),
        }
    }

    pub fn is_too_deep(&self) -> bool {
        fn deeper(wanted: &Wanted, left: usize) -> bool {
            match wanted {
                Wanted::And(of) | Wanted::Or(of) => left == 0 || of.iter().any(|one| deeper(one, left - 1)),
                Wanted::Anything | Wanted::Nothing | Wanted::Pieces { .. } => false,
            }
        }
        deeper(self, DEEPEST)
    }
}

/// Pieces of one row of literal texts inside a pattern: what stands beside the row is not known.
fn of_literal(column: &str, literal: &str) -> Wanted {
    let mut pieces = Vec::new();
    cut(literal, &mut Vec::new(), |term, place| {
        let part = match (place.start > 0, place.end < literal.len()) {
            (true, true) => Part::Whole,
            (true, false) => Part::Prefix,
            (false, true) => Part::Suffix,
            (false, false) => Part::Inner,
        };
        pieces.push(Piece { part, text: term.to_vec() });
    });
    Wanted::pieces(column, pieces)
}

fn of_hir(column: &str, hir: &Hir) -> Wanted {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) | HirKind::Literal(_) => {
            literal(hir).map_or(Wanted::Anything, |text| of_literal(column, &text))
        }
        HirKind::Repetition(repeated) if repeated.min > 0 => of_hir(column, &repeated.sub),
        HirKind::Repetition(_) => Wanted::Anything,
        HirKind::Capture(group) => of_hir(column, &group.sub),
        HirKind::Alternation(any) => Wanted::or(any.iter().map(|one| of_hir(column, one))),
        HirKind::Concat(parts) => {
            let mut all = Vec::new();
            let mut row = String::new();
            for part in parts {
                match literal(part) {
                    Some(text) => row.push_str(&text),
                    None => {
                        all.push(of_literal(column, &std::mem::take(&mut row)));
                        all.push(of_hir(column, part));
                    }
                }
            }
            all.push(of_literal(column, &row));
            Wanted::and(all)
        }
    }
}

/// The only text, letter case aside, that a part of a pattern matches.
fn literal(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(std::str::from_utf8(&literal.0).ok()?.to_owned()),
        HirKind::Capture(group) => literal(&group.sub),
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = class.iter().flat_map(|range| range.start()..=range.end()).take(9);
            let first = letters.next()?;
            // Letter by letter, a term must look the same to the index whichever was matched.
            let same = |c: char| fold_char(c) == fold_char(first) && is_term(c) == is_term(first);
            letters.all(same).then(|| first.to_string())
        }
        HirKind::Empty
        | HirKind::Look(_)
        | HirKind::Class(_)
        | HirKind::Repetition(_)
        | HirKind::Alternation(_)
        | HirKind::Concat(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(wanted: &Wanted) -> String {
        let list = |of: &[Wanted], by: &str| format!("({})", of.iter().map(shown).collect::<Vec<_>>().join(by));
        match wanted {
            Wanted::Anything => "anything".into(),
            Wanted::Nothing => "nothing".into(),
            Wanted::Pieces { pieces, .. } => {
                let text = |piece: &Piece| String::from_utf8(piece.text.clone()).unwrap();
                let piece = |piece: &Piece| match piece.part {
                    Part::Whole => text(piece),
                    Part::Prefix => text(piece) + "*",
                    Part::Suffix => format!("*{}", text(piece)),
                    Part::Inner => format!("*{}*", text(piece)),
                };
                pieces.iter().map(piece).collect::<Vec<_>>().join(" ")
            }
            Wanted::And(all) => list(all, " and "),
            Wanted::Or(any) => list(any, " or "),
        }
    }

    #[test]
    fn literals_of_a_pattern_must_be_there() {
        let pattern = |pattern| shown(&Wanted::pattern("c", pattern));
        assert_eq!(pattern(r"-e(nc|ncoded)?\s+[A-Za-z0-9+/=]{20,}"), "e*");
        assert_eq!(pattern(r"(?i)mimi[kt]atz\.exe$"), "(*mimi* and *atz exe*)");
        assert_eq!(pattern(r"foo\.bar.*(x1\b|y)"), "(*foo bar* and (*x1* or *y*))");
        assert_eq!(pattern(r"(abc)+\d{2}"), "*abc*");
        assert_eq!(pattern(r"a?b*|c"), "anything");
        assert_eq!(pattern(r"("), "anything");
    }
}
