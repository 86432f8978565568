//! Reads a grammar file: productions with their examples.
use std::collections::HashMap;

#[derive(Clone, Debug)]
pub enum Node {
    /// `"text"`
    Text(String),
    /// `UPPER_CASE`
    Kind(String),
    /// `lower_case`, by its number.
    Production(usize),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Optional(Box<Node>),
    Repeat(Box<Node>),
}

#[derive(Debug)]
pub struct Production {
    pub name: String,
    pub node: Node,
    pub ok: Vec<String>,
    pub bad: Vec<(String, u32)>,
}

#[derive(Debug)]
pub struct Grammar {
    pub productions: Vec<Production>,
    pub index: HashMap<String, usize>,
}

/// The grammar, or what is wrong with the file.
pub fn read(text: &str) -> Result<Grammar, String> {
    let pieces = pieces(text)?;
    let index: HashMap<String, usize> = pieces
        .windows(2)
        .filter(|pair| pair[1] == "=")
        .enumerate()
        .map(|(number, pair)| (pair[0].clone(), number))
        .collect();
    let mut reader = Reader { pieces, at: 0, index: &index };
    let mut productions: Vec<Production> = Vec::new();
    while let Some(piece) = reader.next() {
        if let Some(comment) = piece.strip_prefix("(*") {
            if let Some(last) = productions.last_mut() {
                example(last, comment.trim())?;
            }
            continue;
        }
        reader.expect("=")?;
        let node = reader.choice()?;
        reader.expect(";")?;
        productions.push(Production { name: piece, node, ok: Vec::new(), bad: Vec::new() });
    }
    Ok(Grammar { productions, index })
}

fn example(production: &mut Production, comment: &str) -> Result<(), String> {
    if let Some(text) = comment.strip_prefix("ok ") {
        production.ok.push(text.trim().into());
    } else if let Some(text) = comment.strip_prefix("bad ") {
        let (text, at) = text.rsplit_once('@').ok_or(format!("no offset: {text}"))?;
        production.bad.push((text.trim().into(), at.trim().parse().map_err(|_| format!("no offset: {at}"))?));
    }
    Ok(())
}

/// Names, quoted texts with their first quote, punctuation, and comments with their opening.
fn pieces(text: &str) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("(*") {
            let length = rest.find("*)").ok_or("a comment without end")?;
            all.push(rest[..length].into());
            length + 2
        } else if first == '"' {
            let length = rest[1..].find('"').ok_or("a quote without end")?;
            all.push(rest[..=length].into());
            length + 2
        } else {
            let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len()).max(1);
            all.push(rest[..word].into());
            word
        };
        rest = rest[length..].trim_start();
    }
    Ok(all)
}

struct Reader<'g> {
    pieces: Vec<String>,
    at: usize,
    index: &'g HashMap<String, usize>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.pieces.get(self.at - 1).cloned()
    }

    fn peek(&self) -> &str {
        self.pieces.get(self.at).map_or("", |piece| piece.as_str())
    }

    fn expect(&mut self, piece: &str) -> Result<(), String> {
        match self.next() {
            Some(found) if found == piece => Ok(()),
            found => Err(format!(
                "expected {piece}, found {found:?} after {:?}",
                &self.pieces[self.at.saturating_sub(6)..self.at - 1]
            )),
        }
    }

    fn choice(&mut self) -> Result<Node, String> {
        let mut all = vec![self.sequence()?];
        while self.peek() == "|" {
            self.at += 1;
            all.push(self.sequence()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Node::Choice(all) })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut all = Vec::new();
        while !matches!(self.peek(), "|" | ";" | ")" | "]" | "}" | "") {
            all.push(self.item()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Node::Sequence(all) })
    }

    fn item(&mut self) -> Result<Node, String> {
        let piece = self.next().unwrap_or_default();
        let inside = |reader: &mut Self, close: &str| {
            let node = reader.choice()?;
            reader.expect(close).map(|()| node)
        };
        match piece.as_str() {
            "(" => inside(self, ")"),
            "[" => Ok(Node::Optional(Box::new(inside(self, "]")?))),
            "{" => Ok(Node::Repeat(Box::new(inside(self, "}")?))),
            text if text.starts_with('"') => Ok(Node::Text(text[1..].into())),
            name if name.starts_with(|c: char| c.is_ascii_uppercase()) => Ok(Node::Kind(name.into())),
            name => self.index.get(name).map(|number| Node::Production(*number)).ok_or(format!("no production {name}")),
        }
    }
}
