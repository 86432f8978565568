//! `$apply`: transformations, one behind the other.
//! <https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html>
use super::ast::{Aggregate, Expr, ExprKind, Grouping, Name, StepKind, Trafo};
use super::expr::{alias, arguments, computed, expr, orderby};
use super::input::{Input, Step, blank, bracketed, separated, symbol, word, word_at};
use super::names::{annotation, identifier, path, qualified};
use super::options::whole_number;
use super::search::search;
use nom::Err;

/// `filter(…)/groupby(…)`
pub fn transformations(input: Input<'_>) -> Step<'_, Vec<Trafo>> {
    let (mut rest, first) = transformation(input)?;
    let mut all = vec![first];
    while rest.starts("/") {
        rest.linked(input, all.len())?;
        let (next, one) = transformation(rest.skip(1))?;
        all.push(one);
        rest = next;
    }
    Ok((rest, all))
}

fn transformation(input: Input<'_>) -> Step<'_, Trafo> {
    let after = input.skip(word_at(input.rest).len());
    let word = word_at(input.rest).to_ascii_lowercase();
    let word = word.as_str();
    let name = || Name { text: word.to_owned(), span: input.span_to(after) };
    if word == "identity" {
        return Ok((after, Trafo::Identity));
    }
    if after.starts(".") {
        return function(input);
    }
    if !after.starts("(") {
        return input.miss("a transformation");
    }
    match word {
        "aggregate" => {
            let (rest, items) = bracketed(after, |input| separated(input, |input| aggregate_item(input, true)))?;
            Ok((rest, Trafo::Aggregate(items)))
        }
        "compute" => {
            let (rest, items) = bracketed(after, |input| separated(input, computed))?;
            Ok((rest, Trafo::Compute(items)))
        }
        "concat" => {
            let (rest, branches) = bracketed(after, |input| {
                let (rest, branches) = separated(input, transformations)?;
                if branches.len() < 2 { rest.blanks().miss("`,`") } else { Ok((rest, branches)) }
            })?;
            Ok((rest, Trafo::Concat(branches)))
        }
        "filter" => {
            let (rest, condition) = bracketed(after, expr)?;
            Ok((rest, Trafo::Filter(condition)))
        }
        "groupby" => groupby(after),
        "orderby" => {
            let (rest, keys) = bracketed(after, orderby)?;
            Ok((rest, Trafo::Orderby(keys)))
        }
        "search" => {
            let (rest, found) = bracketed(after, search)?;
            Ok((rest, Trafo::Search(found)))
        }
        "skip" | "top" => {
            let (rest, number) = bracketed(after, whole_number)?;
            Ok((rest, if word == "top" { Trafo::Top(number) } else { Trafo::Skip(number) }))
        }
        "topcount" | "topsum" | "toppercent" | "bottomcount" | "bottomsum" | "bottompercent" => {
            let (rest, (amount, by)) = bracketed(after, |input| {
                let (rest, amount) = expr(input)?;
                let (rest, ()) = comma(rest)?;
                let (rest, by) = expr(rest)?;
                Ok((rest, (amount, by)))
            })?;
            Ok((rest, Trafo::Ranked { word: name(), amount, by }))
        }
        "join" | "outerjoin" => {
            let (rest, property) = bracketed(after, |input| {
                let (rest, property) = if input.starts("@") {
                    let (rest, name) = annotation(input)?;
                    (rest, vec![name])
                } else {
                    path(input)?
                };
                let (rest, _) = alias(rest)?;
                let rest = if rest.blanks().starts(",") { transformations(comma(rest)?.0)?.0 } else { rest };
                Ok((rest, property))
            })?;
            Ok((rest, Trafo::Join { word: name(), property }))
        }
        "nest" => {
            let (rest, _) = bracketed(after, |input| separated(input, nested))?;
            Ok((rest, Trafo::Other(name())))
        }
        "addnested" => {
            let (rest, _) = bracketed(after, |input| {
                let (rest, _) = path(input)?;
                separated(comma(rest)?.0, nested)
            })?;
            Ok((rest, Trafo::Other(name())))
        }
        "ancestors" | "descendants" => {
            let (rest, ()) = bracketed(after, relatives)?;
            Ok((rest, Trafo::Other(name())))
        }
        "traverse" => {
            let (rest, ()) = bracketed(after, traverse)?;
            Ok((rest, Trafo::Other(name())))
        }
        _ => input.miss("a transformation"),
    }
}

/// A function of some namespace.
fn function(input: Input<'_>) -> Step<'_, Trafo> {
    let (rest, name) = qualified(input)?;
    if !rest.starts("(") {
        return rest.miss("`(`");
    }
    let (rest, _) = arguments(rest)?;
    Ok((rest, Trafo::Other(name)))
}

fn comma(input: Input<'_>) -> Step<'_, ()> {
    let (rest, ()) = symbol(input.blanks(), ",", "`,`")?;
    Ok((rest.blanks(), ()))
}

fn nested(input: Input<'_>) -> Step<'_, Name> {
    let (rest, _) = transformations(input)?;
    alias(rest)
}

fn groupby(input: Input<'_>) -> Step<'_, Trafo> {
    let (rest, (by, then)) = bracketed(input, |input| {
        let (rest, by) = bracketed(input, |input| separated(input, grouping))?;
        if !rest.blanks().starts(",") {
            return Ok((rest, (by, vec![])));
        }
        let (rest, then) = transformations(comma(rest)?.0)?;
        Ok((rest, (by, then)))
    })?;
    Ok((rest, Trafo::Groupby { by, then }))
}

fn grouping(input: Input<'_>) -> Step<'_, Grouping> {
    let word = word_at(input.rest).to_ascii_lowercase();
    let after = input.skip(word.len());
    let name = || Name { text: word.clone(), span: input.span_to(after) };
    match word.as_str() {
        "rollup" if after.starts("(") => {
            let (rest, paths) = bracketed(after, |input| separated(input, path))?;
            if paths.len() == 1 && paths[0].len() > 1 {
                return rest.miss("`,`");
            }
            Ok((rest, Grouping::Rollup(name())))
        }
        "rolluprecursive" if after.starts("(") => {
            let (rest, ()) = bracketed(after, |input| {
                let (rest, ()) = hierarchy(input)?;
                if !rest.blanks().starts(",") {
                    return Ok((rest, ()));
                }
                let (rest, _) = transformations(comma(rest)?.0)?;
                Ok((rest, ()))
            })?;
            Ok((rest, Grouping::Rollup(name())))
        }
        _ => {
            let (rest, path) = path(input)?;
            Ok((rest, Grouping::Path(path)))
        }
    }
}

/// `$root/Set,Qualifier,path`
fn hierarchy(input: Input<'_>) -> Step<'_, ()> {
    let (rest, _) = expr(input)?;
    let (rest, _) = identifier(comma(rest)?.0)?;
    let (rest, _) = path(comma(rest)?.0)?;
    Ok((rest, ()))
}

fn relatives(input: Input<'_>) -> Step<'_, ()> {
    let (rest, ()) = hierarchy(input)?;
    let (mut rest, _) = transformations(comma(rest)?.0)?;
    if let Ok((next, ())) = comma(rest)
        && let Ok((end, _)) = whole_number(next)
    {
        rest = end;
    }
    if let Ok((next, ())) = comma(rest) {
        let (next, ()) = word(next, "keep", "`keep start`")?;
        let (next, ()) = blank(next)?;
        (rest, ()) = word(next, "start", "`keep start`")?;
    }
    Ok((rest, ()))
}

fn traverse(input: Input<'_>) -> Step<'_, ()> {
    let (rest, ()) = hierarchy(input)?;
    let (next, ()) = comma(rest)?;
    let order = word_at(next.rest);
    if !["preorder", "postorder"].iter().any(|known| known.eq_ignore_ascii_case(order)) {
        return next.miss("`preorder` or `postorder`");
    }
    let mut rest = next.skip(order.len());
    if let Ok((next, ())) = comma(rest) {
        match transformations(next) {
            Ok((end, _)) => rest = end,
            Err(Err::Failure(miss)) => return Err(Err::Failure(miss)),
            Err(_) => return orderby(next).map(|(rest, _)| (rest, ())),
        }
    }
    if let Ok((next, ())) = comma(rest) {
        (rest, _) = orderby(next)?;
    }
    Ok((rest, ()))
}

/// `amount with sum from time with average as total`, `$count as number`, `Forecast`; as a function it has no name.
pub fn aggregate_item(input: Input<'_>, named: bool) -> Step<'_, Aggregate> {
    let (mut rest, expr) = if input.starts("$count") && word_at(&input.rest[1..]) == "count" {
        (input.skip("$count".len()), None)
    } else {
        let (rest, expr) = expr(input)?;
        (rest, Some(expr))
    };
    let counts = expr.as_ref().is_none_or(is_count);
    let mut with = None;
    if let Some(next) = keyword(rest, "with") {
        if counts {
            return rest.blanks().miss("`as`");
        }
        let (end, name) = method(next)?;
        (rest, with) = (end, Some(name));
    } else if !counts && !expr.as_ref().is_some_and(is_path) {
        return rest.blanks().miss("`with`");
    }
    let custom = !counts && with.is_none();
    let mut from = None;
    while let Some(next) = keyword(rest, "from") {
        from.get_or_insert(rest.span_to(next));
        (rest, _) = separated(next, path)?;
        match keyword(rest, "with") {
            Some(next) => (rest, _) = method(next)?,
            None if custom => {}
            None => return rest.blanks().miss("`with`"),
        }
    }
    let mut name = None;
    if named {
        match alias(rest) {
            Ok((end, found)) => (rest, name) = (end, Some(found)),
            Err(_) if custom && from.is_none() => {}
            Err(other) => return Err(other),
        }
    }
    Ok((rest, Aggregate { expr, with, from, name, span: input.span_to(rest) }))
}

fn is_path(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Path(steps) => steps.iter().all(|step| matches!(step.kind, StepKind::Name(_))),
        _ => false,
    }
}

fn is_count(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Path(steps) => steps.last().is_some_and(|step| matches!(step.kind, StepKind::Count(_))),
        _ => false,
    }
}

/// What stands behind a word between blanks.
fn keyword<'t>(input: Input<'t>, text: &'static str) -> Option<Input<'t>> {
    let (start, ()) = blank(input).ok()?;
    let (end, ()) = word(start, text, if text == "with" { "`with`" } else { "`from`" }).ok()?;
    blank(end).ok().map(|(rest, ())| rest)
}

fn method(input: Input<'_>) -> Step<'_, Name> {
    let (rest, mut name) = qualified(input)?;
    let methods = ["sum", "min", "max", "average", "countdistinct"];
    let known = methods.iter().find(|known| known.eq_ignore_ascii_case(&name.text));
    if let Some(known) = known {
        (*known).clone_into(&mut name.text);
    }
    if known.is_some() || name.text.contains('.') {
        Ok((rest, name))
    } else {
        input.miss("`sum`, `min`, `max`, `average`, `countdistinct` or a method with its namespace")
    }
}
