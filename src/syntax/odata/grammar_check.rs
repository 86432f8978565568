//! Holds `grammar/odata-filter.abnf` and the parser together: its examples are what they claim, the rules with examples
//! and the parser's entries are the same, and the grammar takes every text that the parser takes in the suites.
use super::cases_test::cases;
use super::decode::decode;
use super::rules::{Anything, is};
use std::collections::{HashMap, HashSet};

const GRAMMAR: &str = include_str!("../../../grammar/odata-filter.abnf");

/// A place in a rule's definition.
enum Node {
    Rule(String),
    /// Letters match in any case.
    Text(String),
    Range(char, char),
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
    Repeat {
        least: usize,
        most: usize,
        of: Box<Node>,
    },
}

struct Rule {
    name: String,
    node: Node,
    ok: Vec<String>,
    bad: Vec<(String, usize)>,
}

fn read(text: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix(';') {
            let Some(rule) = rules.last_mut() else { continue };
            if let Some(example) = comment.strip_prefix(" ok ") {
                rule.ok.push(example.into());
            } else if let Some((example, at)) = comment.strip_prefix(" bad ").and_then(|bad| bad.rsplit_once(" @")) {
                rule.bad.push((example.into(), at.parse().expect("an offset")));
            }
        } else if let Some((name, definition)) = line.split_once(" = ") {
            let mut reader = Reader { rest: definition.trim() };
            let node = reader.choice();
            assert!(reader.rest.is_empty(), "{name}: {}", reader.rest);
            rules.push(Rule { name: name.into(), node, ok: vec![], bad: vec![] });
        }
    }
    rules
}

struct Reader<'g> {
    rest: &'g str,
}

impl Reader<'_> {
    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        if let Some(rest) = found {
            self.rest = rest.trim_start();
        }
        found.is_some()
    }

    fn choice(&mut self) -> Node {
        let mut choices = vec![self.sequence()];
        while self.take("/") {
            choices.push(self.sequence());
        }
        if choices.len() == 1 { choices.remove(0) } else { Node::Choice(choices) }
    }

    fn sequence(&mut self) -> Node {
        let mut nodes = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with(['/', ')', ']']) {
            nodes.push(self.item());
        }
        if nodes.len() == 1 { nodes.remove(0) } else { Node::Sequence(nodes) }
    }

    fn number(&mut self) -> Option<usize> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let number = self.rest[..end].parse().ok();
        self.rest = &self.rest[end..];
        number
    }

    /// `*x`, `1*7x`, `4x`, `[ x ]`, `( x )`, `"text"`, `%x41-5A`, a rule.
    fn item(&mut self) -> Node {
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '*') {
            let least = self.number();
            let (least, most) = if self.rest.starts_with('*') {
                self.rest = &self.rest[1..];
                (least.unwrap_or(0), self.number().unwrap_or(usize::MAX))
            } else {
                (least.unwrap_or(1), least.unwrap_or(1))
            };
            return Node::Repeat { least, most, of: Box::new(self.item()) };
        }
        if self.take("[") {
            let of = Box::new(self.choice());
            assert!(self.take("]"), "`]` before {}", self.rest);
            return Node::Repeat { least: 0, most: 1, of };
        }
        if self.take("(") {
            let node = self.choice();
            assert!(self.take(")"), "`)` before {}", self.rest);
            return node;
        }
        if let Some(rest) = self.rest.strip_prefix('"') {
            let (text, rest) = rest.split_once('"').expect("a closing quote");
            self.rest = rest.trim_start();
            return Node::Text(text.into());
        }
        let end = self.rest.find([' ', ')', ']']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        let Some(range) = word.strip_prefix("%x") else { return Node::Rule(word.into()) };
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        let character = |hex: &str| {
            u32::from_str_radix(hex, 16)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or_else(|| panic!("{hex} is no character"))
        };
        Node::Range(character(low), character(high))
    }
}

/// Where a rule can end that begins at a place: all readings at once, each place once.
struct Recogniser<'g> {
    rules: HashMap<&'g str, &'g Node>,
    text: Vec<char>,
    known: HashMap<(&'g str, usize), HashSet<usize>>,
}

impl<'g> Recogniser<'g> {
    fn ends(&mut self, node: &'g Node, at: usize) -> HashSet<usize> {
        match node {
            Node::Rule(name) => {
                if let Some(ends) = self.known.get(&(name.as_str(), at)) {
                    return ends.clone();
                }
                let rule = *self.rules.get(name.as_str()).unwrap_or_else(|| panic!("no rule `{name}`"));
                let ends = self.ends(rule, at);
                self.known.insert((name, at), ends.clone());
                ends
            }
            Node::Text(text) => {
                let wanted: Vec<char> = text.chars().collect();
                let fits = self.text.len() >= at + wanted.len()
                    && self.text[at..].iter().zip(&wanted).all(|(a, b)| a.eq_ignore_ascii_case(b));
                fits.then_some(at + wanted.len()).into_iter().collect()
            }
            Node::Range(low, high) => {
                let fits = self.text.get(at).is_some_and(|c| (low..=high).contains(&c));
                fits.then_some(at + 1).into_iter().collect()
            }
            Node::Sequence(nodes) => nodes.iter().fold(HashSet::from([at]), |starts, node| {
                starts.into_iter().flat_map(|start| self.ends(node, start)).collect()
            }),
            Node::Choice(nodes) => nodes.iter().flat_map(|node| self.ends(node, at)).collect(),
            Node::Repeat { least, most, of } => {
                let (mut all, mut now) = (HashSet::new(), HashSet::from([at]));
                if *least == 0 {
                    all.insert(at);
                }
                for times in 1..=*most {
                    now = now.into_iter().flat_map(|start| self.ends(of, start)).collect();
                    let before = all.len();
                    if times >= *least {
                        all.extend(&now);
                    }
                    if now.is_empty() || times > *least && all.len() == before {
                        break;
                    }
                }
                all
            }
        }
    }
}

fn recognises(rules: &[Rule], name: &str, text: &str) -> bool {
    let mut recogniser = Recogniser {
        rules: rules.iter().map(|rule| (rule.name.as_str(), &rule.node)).collect(),
        text: text.chars().collect(),
        known: HashMap::new(),
    };
    let rule = rules.iter().find(|rule| rule.name == name).expect("the rule");
    let end = recogniser.text.len();
    recogniser.ends(&rule.node, 0).contains(&end)
}

/// Rules that the parser has no entry for: what stands before and behind one where it is read, and as what it is.
const WITHIN: &[(&str, &str, &str, &str)] = &[
    ("filterInPath", "", "", "resourcePath"),
    ("dollarWord", "", "", "resourcePath"),
    ("crossjoin", "", "", "resourcePath"),
    ("namedSegment", "", "", "resourcePath"),
    ("resourceSegment", "", "", "resourcePath"),
    ("queryOption", "", "", "queryOptions"),
    ("aliasAndValue", "", "", "queryOptions"),
    ("temporalOption", "", "", "systemQueryOption"),
    ("expandPath", "", "", "expandItem"),
    ("expandStep", "", "", "expandItem"),
    ("expandOptions", "x", "", "expandItem"),
    ("expandOption", "x(", ")", "expandItem"),
    ("nestedAlias", "x(", ")", "expandItem"),
    ("levels", "x(", ")", "expandItem"),
    ("expandRefOptions", "x/$ref", "", "expandItem"),
    ("expandRefOption", "x/$ref(", ")", "expandItem"),
    ("expandCountOptions", "x/$count", "", "expandItem"),
    ("expandCountOption", "x/$count(", ")", "expandItem"),
    ("searchTerm", "", "", "searchExpr"),
    ("searchPhrase", "", "", "searchExpr"),
    ("searchWord", "", "", "searchExpr"),
    ("searchQuoted", "search(", ")", "applyExpr"),
    ("selectStep", "", "", "selectItem"),
    ("selectOptions", "x", "", "selectItem"),
    ("parameterNames", "x", "", "selectItem"),
    ("selectOption", "x(", ")", "selectItem"),
    ("aggregateMethod", "x with ", " as y", "aggregateExpr"),
    ("aggregateFrom", "x with sum", " as y", "aggregateExpr"),
    ("customFrom", "x", " as y", "aggregateExpr"),
    ("asAlias", "$count", "", "aggregateExpr"),
    ("hierarchy", "traverse(", ",preorder)", "applyExpr"),
    ("groupbyElement", "groupby((", "))", "applyExpr"),
    ("rollupLevels", "groupby((", "))", "applyExpr"),
    ("rollupRecursive", "groupby((", "))", "applyExpr"),
    ("groupingProperty", "", "", "groupingProperties"),
    ("customFunction", "", "", "applyExpr"),
    ("inOperand", "a in ", "", "commonExpr"),
    ("member", "{", "}", "commonExpr"),
    ("valueInUrl", "[", "]", "commonExpr"),
    ("stringInUrl", "[", "]", "commonExpr"),
    ("pathStep", "x/", "", "commonExpr"),
    ("countStep", "x/", "", "commonExpr"),
    ("aggregateStep", "$these/", "", "commonExpr"),
    ("callArguments", "f", "", "commonExpr"),
    ("callArgument", "f(", ")", "commonExpr"),
    ("caseItem", "case(", ")", "commonExpr"),
    ("anyExpr", "all/", "", "commonExpr"),
    ("allExpr", "all/", "", "commonExpr"),
    ("lambda", "x/any(", ")", "commonExpr"),
    ("qualifiedName", "", "", "namespace"),
    ("dateTimeOffsetLiteral", "", "", "primitiveLiteral"),
    ("timeOfDayLiteral", "", "", "primitiveLiteral"),
];

/// Where the parser fails on a text that should be a rule; `None` where it reads it.
fn fails_at(rule: &str, text: &str) -> Option<u32> {
    let text = text.replace('+', "%2B");
    let within = WITHIN.iter().find(|(name, ..)| *name == rule);
    let (before, behind, read_as) = match within {
        Some((_, before, behind, read_as)) => (*before, *behind, *read_as),
        None if rule.ends_with("Trafo") => ("", "", "applyExpr"),
        None => ("", "", rule),
    };
    let whole = format!("{before}{text}{behind}");
    let result = is(read_as, &whole, &Anything).or_else(|| is("commonExpr", &whole, &Anything));
    result?.err().map(|fault| fault.span.start.saturating_sub(before.len() as u32))
}

#[test]
fn the_examples_are_what_they_claim() {
    let rules = read(GRAMMAR);
    let mut wrong = Vec::new();
    for rule in &rules {
        for text in &rule.ok {
            if let Some(at) = fails_at(&rule.name, text) {
                wrong.push(format!("{}: the parser stops at {at} of `{text}`", rule.name));
            }
            if !recognises(&rules, &rule.name, &text.replace("%2B", "+")) {
                wrong.push(format!("{}: the grammar does not take `{text}`", rule.name));
            }
        }
        for (text, at) in &rule.bad {
            if fails_at(&rule.name, text) != Some(*at as u32) {
                wrong.push(format!("{}: `{text}` fails at {:?}, not {at}", rule.name, fails_at(&rule.name, text)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_but_those_of_characters_has_examples() {
    let rules = read(GRAMMAR);
    let characters = GRAMMAR.split("; ---- characters ----").nth(1).unwrap_or("");
    for rule in &rules {
        let lexical = characters.contains(&format!("\n{} = ", rule.name));
        assert!(lexical || !rule.ok.is_empty() && !rule.bad.is_empty(), "`{}` has no ok or no bad", rule.name);
    }
}

/// The committee's cases and filters that other libraries test themselves with, where the shared data is at hand.
#[test]
fn the_grammar_takes_what_the_parser_takes() {
    let rules = read(GRAMMAR);
    let mut differ = Vec::new();
    let mut taken = 0;
    for case in cases("filter-strings").into_iter().chain(cases("abnf-cases")) {
        let rule = match case["rule"].as_str() {
            None | Some("boolCommonExpr" | "boolcommonExpr") => "commonExpr",
            Some("orderBy") => "orderby",
            Some(rule) => rule,
        };
        let input = case["input"].as_str().unwrap_or("");
        let parts = ["odataRelativeUri", "resourcePath", "queryOptions"].contains(&rule);
        // What is decoded as a whole is no longer in parts.
        if !rules.iter().any(|known| known.name == rule) || parts && input.contains('%') {
            continue;
        }
        let Ok(decoded) = decode(input, 0) else { continue };
        if fails_at(rule, input).is_some() {
            continue;
        }
        taken += 1;
        if !recognises(&rules, rule, decoded.text.trim()) {
            differ.push(format!("{rule}: {input}"));
        }
    }
    eprintln!("the grammar takes {} of {taken} texts that the parser takes", taken - differ.len());
    assert!(differ.is_empty(), "the grammar does not take:\n{}", differ.join("\n"));
}

/// Rules that no request line has any use for.
#[test]
fn every_rule_is_reached() {
    fn names(node: &Node, found: &mut Vec<String>) {
        match node {
            Node::Rule(name) => found.push(name.clone()),
            Node::Text(_) | Node::Range(..) => {}
            Node::Sequence(nodes) | Node::Choice(nodes) => nodes.iter().for_each(|node| names(node, found)),
            Node::Repeat { of, .. } => names(of, found),
        }
    }
    let rules = read(GRAMMAR);
    let (mut open, mut reached) = (vec!["odataRelativeUri".to_owned()], HashSet::new());
    while let Some(name) = open.pop() {
        if reached.insert(name.clone()) {
            let rule = rules.iter().find(|rule| rule.name == name).unwrap_or_else(|| panic!("no rule `{name}`"));
            names(&rule.node, &mut open);
        }
    }
    let lost: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).filter(|name| !reached.contains(*name)).collect();
    assert!(lost.is_empty(), "no request line has these rules: {}", lost.join(", "));
}
