//! The system query options by name, of a request and in brackets behind a property.
use super::apply::transformations;
use super::ast::{Name, Options};
use super::expr::{computed, expr, orderby};
use super::input::{Input, Step, bracketed, separated, symbol, word_at};
use super::names::identifier;
use super::search::search;
use super::select::{expand, levels, select};
use crate::text::codes;

/// Where options stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Request,
    /// `$expand=evidence(…)`
    Expand,
    /// `$expand=evidence/$ref(…)`
    References,
    /// `…/$count(…)`
    Count,
    /// `$expand=*(…)`
    Star,
    /// `$select=comments(…)`
    Select,
}

const TEMPORAL: &[&str] = &["at", "from", "to", "toinclusive"];
const REQUEST: &[&str] = &[
    "apply",
    "compute",
    "count",
    "deltatoken",
    "expand",
    "filter",
    "format",
    "id",
    "index",
    "orderby",
    "schemaversion",
    "search",
    "select",
    "skip",
    "skiptoken",
    "top",
];

impl Scope {
    fn takes(self, option: &str) -> bool {
        let rows = ["filter", "search", "orderby", "skip", "top", "count"];
        match self {
            Scope::Request => REQUEST.contains(&option) || TEMPORAL.contains(&option),
            Scope::Expand => {
                rows.contains(&option)
                    || ["select", "expand", "compute", "levels", "apply"].contains(&option)
                    || TEMPORAL.contains(&option)
            }
            Scope::References => rows.contains(&option),
            Scope::Count => ["filter", "search"].contains(&option),
            Scope::Star => option == "levels",
            Scope::Select => rows.contains(&option) || ["compute", "select"].contains(&option),
        }
    }
}

/// The option of a request that a name stands for: in any letter case, and but for those over time without its `$`.
pub fn of_request(name: &str) -> Option<String> {
    let (bare, dollar) = match name.strip_prefix('$') {
        Some(bare) => (bare, true),
        None => (name, false),
    };
    let bare = bare.to_ascii_lowercase();
    let known = Scope::Request.takes(&bare) && (dollar || !TEMPORAL.contains(&bare.as_str()));
    known.then_some(bare)
}

/// The names of the options, for a slip of the pen.
pub fn names() -> impl Iterator<Item = String> {
    REQUEST.iter().map(|name| format!("${name}"))
}

/// `(option;option)`
pub fn nested<'t>(input: Input<'t>, scope: Scope, options: &mut Options) -> Step<'t, ()> {
    bracketed(input, |input| {
        let (mut rest, ()) = one(input, scope, options)?;
        while rest.starts(";") {
            (rest, ()) = one(rest.skip(1), scope, options)?;
        }
        let _: Step<'_, ()> = rest.miss("`;`");
        Ok((rest, ()))
    })
}

fn one<'t>(input: Input<'t>, scope: Scope, options: &mut Options) -> Step<'t, ()> {
    if input.starts("@") && [Scope::Expand, Scope::Select].contains(&scope) {
        let (rest, name) = identifier(input.skip(1))?;
        let (rest, ()) = symbol(rest, "=", "`=`")?;
        let (rest, value) = expr(rest)?;
        options.aliases.push((name, value));
        return Ok((rest, ()));
    }
    let start = if input.starts("$") { input.skip(1) } else { input };
    let word = word_at(start.rest);
    let bare = word.to_ascii_lowercase();
    if !scope.takes(&bare) {
        return input.miss("an option that can stand here");
    }
    let end = start.skip(word.len());
    let name = Name { text: format!("${bare}"), span: input.span_to(end) };
    let (rest, ()) = symbol(end, "=", "`=`")?;
    value(&name, &bare, rest, options)
}

/// What stands behind the equals sign of an option.
pub fn value<'t>(name: &Name, bare: &str, input: Input<'t>, options: &mut Options) -> Step<'t, ()> {
    match bare {
        "filter" => stored(expr(input), |filter| options.filter = Some(filter)),
        "orderby" => stored(orderby(input), |keys| options.orderby = keys),
        "select" => stored(select(input), |items| options.select = items),
        "expand" => stored(expand(input), |items| options.expand = items),
        "compute" => stored(separated(input, computed), |items| options.compute = items),
        "apply" => stored(transformations(input), |trafos| options.apply = trafos),
        "search" => stored(search(input), |search| options.search = Some(search)),
        "top" => stored(whole_number(input), |number| options.top = Some(number)),
        "skip" => stored(whole_number(input), |number| options.skip = Some(number)),
        "count" => stored(truth(input), |truth| options.count = Some(truth)),
        "skiptoken" => stored(everything(input), |token| options.skiptoken = Some(token)),
        "format" => stored(format(input), |format| {
            options.format.get_or_insert(format);
        }),
        _ => unused(name, bare, input, options),
    }
}

/// Keeps what was read.
fn stored<'t, T>(found: Step<'t, T>, keep: impl FnOnce(T)) -> Step<'t, ()> {
    let (rest, value) = found?;
    keep(value);
    Ok((rest, ()))
}

fn truth(input: Input<'_>) -> Step<'_, bool> {
    let word = word_at(input.rest);
    let rest = input.skip(word.len());
    match word.to_ascii_lowercase().as_str() {
        "true" => Ok((rest, true)),
        "false" => Ok((rest, false)),
        _ => input.refuse(codes::BAD_VALUE.at(input.span_to(rest), "`$count` is `true` or `false`")),
    }
}

fn format(input: Input<'_>) -> Step<'_, Name> {
    let (end, text) = everything(input)?;
    let kind = text.split_once('/').is_some_and(|(kind, form)| !kind.is_empty() && !form.is_empty());
    if !kind && !["atom", "json", "xml"].contains(&text.to_ascii_lowercase().as_str()) {
        return input.miss("`json`, `xml` or a media type");
    }
    Ok((end, Name { text, span: input.span_to(end) }))
}

/// Options that nothing is done with.
fn unused<'t>(name: &Name, bare: &str, input: Input<'t>, options: &mut Options) -> Step<'t, ()> {
    let rest = match bare {
        "levels" => levels(input)?.0,
        "index" => whole_number(if input.starts("-") { input.skip(1) } else { input })?.0,
        "deltatoken" | "id" => everything(input)?.0,
        "schemaversion" => {
            let (rest, version) = everything(input)?;
            let known = version.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c));
            if version != "*" && !known {
                return input.miss("a version or `*`");
            }
            // Every version is the one that there is.
            if version == "*" {
                return Ok((rest, ()));
            }
            rest
        }
        _ => {
            let word = word_at(input.rest);
            match word.to_ascii_lowercase().as_str() {
                "min" | "max" => input.skip(word.len()),
                _ => expr(input)?.0,
            }
        }
    };
    options.unused.push(name.clone());
    Ok((rest, ()))
}

fn everything(input: Input<'_>) -> Step<'_, String> {
    if input.rest.is_empty() {
        return input.miss("a value");
    }
    Ok((input.skip(input.rest.len()), input.rest.to_owned()))
}

pub fn whole_number(input: Input<'_>) -> Step<'_, u64> {
    let end = input.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(input.rest.len());
    let digits = &input.rest[..end];
    if digits.is_empty() {
        return input.miss("a whole number");
    }
    // More than can be counted is as good as all.
    Ok((input.skip(end), digits.parse().unwrap_or(u64::MAX)))
}
