//! `firstMemberExpr`, `functionExpr`, `methodCallExpr`: paths and calls.
use super::apply::aggregate_item;
use super::ast::{Expr, ExprKind, Options, Step as PathStep, StepKind};
use super::expr::{arguments, cases, expr, lambda_body};
use super::input::{Input, Step, bracketed, word_at};
use super::names::{annotation, qualified};
use super::options::{Scope, nested};
use crate::text::codes;

/// Canonical functions, and how many arguments each takes.
pub const METHODS: &[(&str, usize, usize)] = &[
    ("cast", 1, 2),
    ("ceiling", 1, 1),
    ("concat", 2, 2),
    ("contains", 2, 2),
    ("date", 1, 1),
    ("day", 1, 1),
    ("endswith", 2, 2),
    ("floor", 1, 1),
    ("fractionalseconds", 1, 1),
    ("geo.distance", 2, 2),
    ("geo.intersects", 2, 2),
    ("geo.length", 1, 1),
    ("hassubsequence", 2, 2),
    ("hassubset", 2, 2),
    ("hour", 1, 1),
    ("indexof", 2, 2),
    ("isdefined", 1, 1),
    ("isof", 1, 2),
    ("length", 1, 1),
    ("matchespattern", 2, 2),
    ("maxdatetime", 0, 0),
    ("mindatetime", 0, 0),
    ("minute", 1, 1),
    ("month", 1, 1),
    ("now", 0, 0),
    ("round", 1, 1),
    ("second", 1, 1),
    ("startswith", 2, 2),
    ("substring", 2, 3),
    ("time", 1, 1),
    ("tolower", 1, 1),
    ("totaloffsetminutes", 1, 1),
    ("totalseconds", 1, 1),
    ("toupper", 1, 1),
    ("trim", 1, 1),
    ("year", 1, 1),
];

/// What may begin a path with a dollar sign.
const DOLLARS: &[&str] = &["$these", "$this", "$root", "$it"];

/// `a/b/c`, `f(x)/y`, `a/any(x:…)`, `@alias`, `$it/a`
pub fn member(input: Input<'_>) -> Step<'_, Expr> {
    input.raised(0)?;
    let (mut rest, first) = first(input)?;
    let mut height = input.height();
    let mut steps = vec![first];
    if let StepKind::Call { name, args } = &mut steps[0].kind
        && name.eq_ignore_ascii_case("case")
        && args.is_empty()
    {
        let (end, cases) = cases(rest)?;
        end.raised(input.height() + 1)?;
        return Ok((end, Expr { kind: ExprKind::Case(cases), span: input.span_to(end) }));
    }
    while rest.starts("/") {
        rest.linked(input, steps.len())?;
        rest.raised(0)?;
        let (next, step) = step(rest.skip(1))?;
        height = height.max(input.height());
        steps.push(step);
        rest = next;
    }
    let plain = steps.iter().all(|step| matches!(step.kind, StepKind::Name(_) | StepKind::At(_) | StepKind::Dollar(_)));
    rest.raised(if plain { 0 } else { height + 1 })?;
    let span = input.span_to(rest);
    let alone = steps.len() == 1;
    let kind = match steps.pop() {
        Some(PathStep { kind: StepKind::Call { name, args }, span }) if alone => {
            ExprKind::Call { name: super::ast::Name { text: name, span }, args }
        }
        Some(step) => {
            steps.push(step);
            ExprKind::Path(steps)
        }
        None => ExprKind::Path(steps),
    };
    Ok((rest, Expr { kind, span }))
}

fn first(input: Input<'_>) -> Step<'_, PathStep> {
    if input.starts("$") {
        let found = DOLLARS.iter().find(|word| input.starts(word) && word_at(&input.rest[1..]) == &word[1..]);
        let Some(word) = found else { return input.miss("a property, a function or a literal") };
        let rest = input.skip(word.len());
        let bare = rest.starts("/") || !["$root", "$these"].contains(word);
        if !bare {
            return rest.miss("`/`");
        }
        return Ok((rest, PathStep { kind: StepKind::Dollar(word), span: input.span_to(rest) }));
    }
    named(input)
}

/// A name, a call, an annotation or a parameter alias.
fn named(input: Input<'_>) -> Step<'_, PathStep> {
    if input.starts("@") {
        let (rest, name) = annotation(input)?;
        return Ok((rest, PathStep { kind: StepKind::At(name.text), span: name.span }));
    }
    let (rest, name) = qualified(input)?;
    if !rest.starts("(") {
        return Ok((rest, PathStep { kind: StepKind::Name(name.text), span: name.span }));
    }
    if name.text.eq_ignore_ascii_case("case") {
        let kind = StepKind::Call { name: name.text, args: vec![] };
        return Ok((rest, PathStep { kind, span: name.span }));
    }
    let (end, args) = arguments(rest)?;
    let lower = name.text.to_ascii_lowercase();
    if let Some((_, least, most)) = METHODS.iter().find(|(method, ..)| *method == lower)
        && !(*least..=*most).contains(&args.len())
    {
        let count = if least == most { least.to_string() } else { format!("{least} or {most}") };
        let noun = if *most == 1 { "argument" } else { "arguments" };
        let message = format!("`{lower}` takes {count} {noun}, not {}", args.len());
        return input.refuse(codes::ARGUMENT_COUNT.at(input.span_to(end), message));
    }
    let kind = StepKind::Call { name: name.text, args };
    Ok((end, PathStep { kind, span: name.span }))
}

/// What may follow a slash.
fn step(input: Input<'_>) -> Step<'_, PathStep> {
    let word = word_at(input.rest);
    let after = input.skip(word.len());
    let bracket = after.starts("(");
    let (rest, kind) = if input.starts("$") {
        let word = word_at(&input.rest[1..]);
        let after = input.skip(1 + word.len());
        match word {
            "count" => {
                let mut options = Options::default();
                let (rest, ()) =
                    if after.starts("(") { nested(after, Scope::Count, &mut options)? } else { (after, ()) };
                (rest, StepKind::Count(Box::new(options)))
            }
            "filter" if after.starts("(") => {
                let (rest, condition) = bracketed(after, expr)?;
                (rest, StepKind::Filter(Box::new(condition)))
            }
            _ => return input.miss("a property, `$count` or `$filter(…)`"),
        }
    } else if bracket && word.eq_ignore_ascii_case("any") {
        let open = after.skip(1).blanks();
        if open.starts(")") {
            (open.skip(1), StepKind::Lambda { all: false, body: None })
        } else {
            let (rest, body) = lambda_body(after)?;
            (rest, StepKind::Lambda { all: false, body: Some(body) })
        }
    } else if bracket && word.eq_ignore_ascii_case("all") {
        let (rest, body) = lambda_body(after)?;
        (rest, StepKind::Lambda { all: true, body: Some(body) })
    } else if bracket && word == "aggregate" {
        let (rest, item) = bracketed(after, |input| aggregate_item(input, false))?;
        (rest, StepKind::Aggregate(Box::new(item)))
    } else {
        return named(input);
    };
    Ok((rest, PathStep { kind, span: input.span_to(rest) }))
}
