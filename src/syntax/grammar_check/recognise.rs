//! A recognizer that reads the grammar file itself: slow, general, and blind to how the parser was written.
use super::ebnf::{Grammar, Node};
use crate::syntax::combinators::{Tokens, Trace};
use crate::syntax::kql::entries::tokens_of;
use crate::syntax::lex::lex;
use crate::syntax::tokens::Kind;
use std::rc::Rc;

/// Whether the grammar takes the text as a production, and if not, the offset of the furthest token that it reached.
pub fn recognise(grammar: &Grammar, production: usize, text: &str) -> Result<(), u32> {
    let (tokens, _) = lex(text);
    let trace = Trace::new(text);
    let start = Tokens::new(&tokens, &trace);
    let places = grammar.productions.len() * tokens.len();
    let mut recognizer = Recognizer { grammar, start, memo: vec![None; places], tokens: tokens.len(), furthest: 0 };
    let ends = recognizer.production(production, 0);
    let found = ends.iter().any(|end| start.skip(*end).kind(0) == Kind::End);
    if found { Ok(()) } else { Err(start.skip(recognizer.furthest).span().start) }
}

type Ends = Rc<Vec<usize>>;

struct Recognizer<'g, 't> {
    grammar: &'g Grammar,
    start: Tokens<'t>,
    /// Where each production ends that begins at each token.
    memo: Vec<Option<Ends>>,
    tokens: usize,
    furthest: usize,
}

impl Recognizer<'_, '_> {
    /// All places where the production may end that begins at a place.
    fn production(&mut self, number: usize, at: usize) -> Ends {
        let slot = number * self.tokens + at.min(self.tokens - 1);
        if let Some(ends) = &self.memo[slot] {
            return ends.clone();
        }
        let mut ends = Vec::new();
        let grammar = self.grammar;
        self.ends(&grammar.productions[number].node, at, &mut ends);
        let ends = Rc::new(ends);
        self.memo[slot] = Some(ends.clone());
        ends
    }

    /// Adds all places where the node may end that begins at a place.
    fn ends(&mut self, node: &Node, at: usize, out: &mut Vec<usize>) {
        let here = self.start.skip(at);
        match node {
            Node::Text(text) if here.text(0) == text => self.reach(at + 1, out),
            Node::Text(_) => self.furthest = self.furthest.max(at),
            Node::Kind(kind) => match tokens_of(kind, here) {
                Some(length) => self.reach(at + length, out),
                None => self.furthest = self.furthest.max(at),
            },
            Node::Production(number) => self.production(*number, at).iter().for_each(|end| add(*end, out)),
            Node::Sequence(items) => {
                let mut ends = vec![at];
                for item in items {
                    let mut next = Vec::new();
                    ends.iter().for_each(|end| self.ends(item, *end, &mut next));
                    ends = next;
                    if ends.is_empty() {
                        return;
                    }
                }
                ends.into_iter().for_each(|end| add(end, out));
            }
            Node::Choice(items) => items.iter().for_each(|item| self.ends(item, at, out)),
            Node::Optional(item) => {
                add(at, out);
                self.ends(item, at, out);
            }
            Node::Repeat(item) => {
                let (mut all, mut done) = (vec![at], 0);
                while let Some(end) = all.get(done).copied() {
                    self.ends(item, end, &mut all);
                    done += 1;
                }
                all.into_iter().for_each(|end| add(end, out));
            }
        }
    }

    fn reach(&mut self, end: usize, out: &mut Vec<usize>) {
        self.furthest = self.furthest.max(end);
        add(end, out);
    }
}

fn add(end: usize, out: &mut Vec<usize>) {
    // The newest is the likeliest to come again.
    if !out.iter().rev().any(|known| *known == end) {
        out.push(end);
    }
}
