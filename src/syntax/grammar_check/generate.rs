//! Sentences of the grammar, at random from a seed.
use super::ebnf::{Grammar, Node};

/// A sentence of a production. Past some depth the shortest way out is taken.
pub fn sentence(grammar: &Grammar, production: usize, seed: u64) -> String {
    let mut generator = Generator { grammar, shortest: shortest(grammar), state: seed, words: Vec::new() };
    generator.production(production, 24);
    generator.words.join(" ")
}

/// How deep the shallowest sentence of each production is.
fn shortest(grammar: &Grammar) -> Vec<usize> {
    let mut depths = vec![usize::MAX; grammar.productions.len()];
    loop {
        let next: Vec<usize> =
            grammar.productions.iter().map(|production| depth(&production.node, &depths).saturating_add(1)).collect();
        if next == depths {
            return depths;
        }
        depths = next;
    }
}

fn depth(node: &Node, depths: &[usize]) -> usize {
    match node {
        Node::Text(_) | Node::Kind(_) | Node::Optional(_) | Node::Repeat(_) => 0,
        Node::Production(number) => depths[*number],
        Node::Sequence(items) => items.iter().map(|item| depth(item, depths)).max().unwrap_or(0),
        Node::Choice(items) => items.iter().map(|item| depth(item, depths)).min().unwrap_or(0),
    }
}

struct Generator<'g> {
    grammar: &'g Grammar,
    shortest: Vec<usize>,
    state: u64,
    words: Vec<&'g str>,
}

impl<'g> Generator<'g> {
    /// SplitMix64: small, and good enough to choose alternatives.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn production(&mut self, number: usize, left: usize) {
        let grammar = self.grammar;
        self.node(&grammar.productions[number].node, left.saturating_sub(1));
    }

    fn node(&mut self, node: &'g Node, left: usize) {
        match node {
            Node::Text(text) => self.words.push(text),
            Node::Kind(kind) => {
                let texts = texts(kind);
                let chosen = texts[self.below(texts.len())];
                self.words.push(chosen);
            }
            Node::Production(number) => self.production(*number, left),
            Node::Sequence(items) => items.iter().for_each(|item| self.node(item, left)),
            Node::Choice(items) => {
                let depths: Vec<usize> = items.iter().map(|item| depth(item, &self.shortest)).collect();
                let least = depths.iter().copied().min().unwrap_or(0);
                let fits: Vec<usize> = (0..items.len()).filter(|at| depths[*at] <= left.max(least)).collect();
                let chosen = fits[self.below(fits.len())];
                self.node(&items[chosen], left);
            }
            Node::Optional(item) => {
                if depth(item, &self.shortest) < left && self.below(3) == 0 {
                    self.node(item, left);
                }
            }
            Node::Repeat(item) => {
                while depth(item, &self.shortest) < left && self.below(4) == 0 {
                    self.node(item, left);
                }
            }
        }
    }
}

/// Texts of a kind of token that mean nothing else wherever they stand.
fn texts(kind: &str) -> &'static [&'static str] {
    match kind {
        "NAME_WORD" => &["edges", "nodes"],
        "LABEL_WORD" => &["sql", "viewers"],
        "WILDCARD" => &["Dev*", "*Id"],
        "STRING" => &["'x'", "\"y\\n\"", "@'z'"],
        "BOOL" => &["true"],
        "LONG" => &["1", "0x2F"],
        "REAL" => &["1.5", "2e3"],
        "TIMESPAN" => &["2h"],
        "TYPED" => &["datetime(2020-01-01)", "int(null)"],
        "JSON_TYPED" => &["long(7)"],
        "SIGNED" => &["-1", "+2.5", "-3d"],
        "TEXT_OPERATOR" => &["has", "!contains_cs", "=~", "matches regex"],
        "SETTING" => &["hint.strategy", "kind"],
        "CHART" => &["timechart"],
        "REST" => &["of whatever kind (1, 2)"],
        // A column's word where a setting may stand would be taken for one.
        _ => &["a", "b", "T", "$left"],
    }
}
