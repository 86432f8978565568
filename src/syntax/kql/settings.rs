//! Settings of operators: `kind=inner`, `hint.strategy=broadcast`, `withsource=T`.
use super::ast::{Expr, ExprKind, Name, Setting};
use super::expr::postfix;
use super::literal::literal;
use super::names::{label, name};
use crate::syntax::combinators::{Step, Tokens, commas, maybe, miss, must, punct, quiet};
use crate::syntax::tokens::Kind;

/// The settings that every operator's grammar takes, whether or not they mean something to it.
const KNOWN: &[&str] = &[
    "bagexpansion",
    "bin_legacy",
    "__crossCluster",
    "__crossDB",
    "cycles",
    "decodeblocks",
    "expandoutput",
    "force_remote",
    "hint.concurrency",
    "hint.distribution",
    "hint.materialized",
    "hint.num_partitions",
    "hint.pass_filters",
    "hint.pass_filters_column",
    "hint.progressive_top",
    "hint.remote",
    "hint.shufflekey",
    "hint.spread",
    "hint.strategy",
    "__id",
    "isfuzzy",
    "__isFuzzy",
    "kind",
    "__noWithSource",
    "__packedColumn",
    "__sourceColumnIndex",
    "with_itemindex",
    "with_match_id",
    "with_source",
    "with_step_name",
    "withsource",
];

/// The properties of `render … with (…)` whose value is a list of columns.
const LISTS: &[&str] = &["ycolumns", "anomalycolumns", "series"];

/// All settings that stand here. `more` are names that this operator has besides the known ones; `equals`: where no `=`
/// follows, the name is no setting.
pub fn settings<'t>(i: Tokens<'t>, more: &[&str], equals: bool) -> Step<'t, Vec<Setting>> {
    let mut rest = i;
    let mut all = Vec::new();
    while let (after, Some(setting)) = maybe(rest, |i| setting(i, more, equals))? {
        all.push(setting);
        rest = after;
    }
    Ok((rest, all))
}

/// One setting.
pub fn setting<'t>(i: Tokens<'t>, more: &[&str], equals: bool) -> Step<'t, Setting> {
    let Some((i, name)) = setting_name(i, more, KNOWN, equals) else { return quiet(i) };
    let (i, _) = must(punct("="))(i)?;
    // The kinds of parse, of which two are words that cannot be names.
    if more.contains(&"flags") && name.text == "kind" && matches!(i.text(0), "simple" | "relaxed") {
        return Ok((i.skip(1), Setting { name, value: word_value(i) }));
    }
    let (i, value) = must(value)(i)?;
    Ok((i, Setting { name, value }))
}

/// The word that stands here, as a value.
fn word_value(i: Tokens<'_>) -> Expr {
    let name = Name { text: i.text(0).into(), span: i.span(), bracketed: false };
    Expr { kind: ExprKind::Name(name), span: i.span() }
}

/// Whether the name of a setting that every operator takes stands here.
pub fn is_setting(i: Tokens<'_>) -> bool {
    known_setting(i).is_some()
}

/// The name of a setting that every operator takes.
pub fn known_setting(i: Tokens<'_>) -> Option<(Tokens<'_>, Name)> {
    setting_name(i, &[], KNOWN, false)
}

/// `threshold = 0.1, characters = "x"`: only the names given, with commas between and no parentheses.
pub fn word_settings<'t>(i: Tokens<'t>, names: &[&str]) -> Step<'t, Vec<Setting>> {
    commas(i, false, |i| setting(i, names, false))
}

fn setting_name<'t>(i: Tokens<'t>, more: &[&str], known: &[&str], equals: bool) -> Option<(Tokens<'t>, Name)> {
    if !matches!(i.kind(0), Kind::Name | Kind::Word(_)) {
        return None;
    }
    // `hint.pass_filters` is three tokens, the other hints are one.
    let dotted = i.text(0) == "hint" && i.is_punct(1, ".");
    let rest = i.skip(if dotted { 3 } else { 1 });
    let span = i.span_to(rest);
    let text = span.of(i.trace.text);
    let found = known.contains(&text) || more.contains(&text);
    let found = found && (!equals || rest.is_punct(0, "="));
    found.then(|| (rest, Name { text: text.into(), span, bracketed: false }))
}

/// A literal, or a name that stands for itself.
pub fn value(i: Tokens<'_>) -> Step<'_, Expr> {
    if let (rest, Some(value)) = maybe(i, literal)? {
        return Ok((rest, value));
    }
    let Ok((rest, name)) = name(i) else { return miss(i, "a value") };
    let span = name.span;
    Ok((rest, Expr { kind: ExprKind::Name(name), span }))
}

/// `title = "…", ycolumns = a, b)`: only the names given, with commas between, and the parenthesis that closes them.
pub fn properties<'t>(i: Tokens<'t>, names: &[&str]) -> Step<'t, Vec<Setting>> {
    let mut rest = i;
    let mut all = Vec::new();
    while !rest.is_punct(0, ")") {
        let (after, setting) = property(rest, names)?;
        all.push(setting);
        if !after.is_punct(0, ",") {
            rest = after;
            break;
        }
        rest = after.skip(1);
        if rest.is_punct(0, ")") {
            return miss(rest, "a property");
        }
    }
    let (rest, _) = must(punct(")"))(rest)?;
    Ok((rest, all))
}

/// One property of those named.
pub fn property<'t>(i: Tokens<'t>, names: &[&str]) -> Step<'t, Setting> {
    let Some((i, name)) = setting_name(i, names, &[], false) else { return miss(i, "a property") };
    let (i, _) = must(punct("="))(i)?;
    let (i, value) = property_value(i, &name.text, names)?;
    Ok((i, Setting { name, value }))
}

fn property_value<'t>(i: Tokens<'t>, property: &str, names: &[&str]) -> Step<'t, Expr> {
    if LISTS.contains(&property) {
        return name_list(i, names);
    }
    if property.contains("title") {
        return must(postfix)(i);
    }
    must(value)(i)
}

/// `a, b`: up to the next property.
fn name_list<'t>(i: Tokens<'t>, names: &[&str]) -> Step<'t, Expr> {
    let (mut rest, first) = must(label)(i)?;
    let mut all = vec![first];
    while rest.is_punct(0, ",") && setting_name(rest.skip(1), names, &[], true).is_none() {
        let (after, next) = must(label)(rest.skip(1))?;
        all.push(next);
        rest = after;
    }
    Ok((rest, list_of(i, rest, all)))
}

fn list_of<'t>(from: Tokens<'t>, to: Tokens<'t>, names: Vec<Name>) -> Expr {
    let items = names.into_iter().map(|name| {
        let span = name.span;
        Expr { kind: ExprKind::Name(name), span }
    });
    Expr { kind: ExprKind::List(items.collect()), span: from.span_to(to) }
}

/// The settings of render without parentheses: `kind=stacked title="…"`.
pub fn old_render_settings(i: Tokens<'_>) -> Step<'_, Vec<Setting>> {
    let mut rest = i;
    let mut all = Vec::new();
    loop {
        let name = Name { text: rest.text(0).into(), span: rest.span(), bracketed: false };
        let equals = rest.is_punct(1, "=");
        let (after, value) = match name.text.as_str() {
            "kind" | "accumulate" if equals => must(value)(rest.skip(2))?,
            "title" if equals => must(postfix)(rest.skip(2))?,
            "with" if !rest.is_punct(1, "(") => must(value)(rest.skip(1))?,
            "by" => {
                let (after, names) = must(|i| commas(i, false, label))(rest.skip(1))?;
                (after, list_of(rest.skip(1), after, names))
            }
            _ => return Ok((rest, all)),
        };
        all.push(Setting { name, value });
        rest = after;
    }
}
