//! OData v4 request lines: text to tree.
mod apply;
pub mod ast;
#[cfg(test)]
mod cases_test;
#[cfg(test)]
pub mod check;
pub mod decode;
pub mod expr;
mod geo;
#[cfg(test)]
mod grammar_check;
pub mod input;
pub mod literal;
mod member;
mod names;
pub mod options;
mod resource;
#[cfg(test)]
mod rules;
mod search;
mod select;

use crate::text::{Diagnostic, Diagnostics, Source, Span, codes};
use ast::{Name, Options, RequestLine};
use decode::RawOption;

/// The longest request line that is read.
const LONGEST: usize = 1 << 20;
/// The most parameters.
const MOST_PARAMETERS: usize = 1000;

/// `alerts?$filter=…`, with or without a leading slash.
pub fn parse(source: &Source) -> Result<RequestLine, Diagnostics> {
    let read = read(source)?;
    match read.repeated {
        None => Ok(read.line),
        Some(name) => Err(vec![codes::DUPLICATE_NAME.at(name.span, format!("`{}` is given twice", name.text))]),
    }
}

/// What the grammar makes of a request line.
#[derive(Clone, Debug, Default)]
pub struct Read {
    pub line: RequestLine,
    /// An option that is given more than once, which the grammar allows and OData does not.
    pub repeated: Option<Name>,
}

pub fn read(source: &Source) -> Result<Read, Diagnostics> {
    let line = source.text.as_str();
    if line.len() > LONGEST {
        return Err(vec![codes::TOO_LONG.at(Span::default(), format!("longer than {LONGEST} bytes"))]);
    }
    let (line, fragment) = match line.split_once('#') {
        Some((line, fragment)) => (line, Some(fragment)),
        None => (line, None),
    };
    let (path, query_at) = match line.split_once('?') {
        Some((path, _)) => (path, Some(path.len() + 1)),
        None => (line, None),
    };
    let mut faults = Vec::new();
    let path = resource::segments(path).unwrap_or_else(|fault| {
        faults.push(fault);
        vec![]
    });
    if let Some(fragment) = fragment
        && (fragment.is_empty() || path.last().is_none_or(|last| last.name.text != "$metadata"))
    {
        let span = Span::new(line.len(), line.len() + 1);
        faults.push(codes::BAD_CHARACTER.at(span, "`#` in a request").help("write it as `%23`"));
    }
    let mut options = Options::default();
    let mut given: Vec<Name> = Vec::new();
    let mut repeated = None;
    let raw = query_at.map_or(Ok(vec![]), |at| decode::options(line, at)).unwrap_or_else(|fault| {
        faults.push(fault);
        vec![]
    });
    for option in &raw {
        match read_option(option, &mut options) {
            Ok(Some(name)) if given.iter().any(|before| before.text == name.text) => {
                repeated = Some(Name { text: format!("${}", name.text), ..name });
            }
            Ok(Some(name)) => given.push(name),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    let aliases = &options.aliases;
    let again = |(at, (name, _)): (usize, &(Name, _))| aliases[..at].iter().any(|(known, _)| known.text == name.text);
    if let Some((_, (name, _))) = aliases.iter().enumerate().find(|one| again(*one)) {
        repeated = Some(Name { text: format!("@{}", name.text), span: name.span });
    }
    if faults.is_empty()
        && let Err(fault) = resource::fitting(&path, &given, &options)
    {
        faults.push(fault);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let question = question(line.split('?').next().unwrap_or_default(), &raw);
    Ok(Read { line: RequestLine { path, options, question }, repeated })
}

/// The path and the options that say which entities there are and how they are sorted.
fn question(path: &str, raw: &[RawOption]) -> String {
    const SAYING: &[&str] = &["filter", "search", "orderby", "apply", "compute"];
    let mut parts: Vec<String> = raw
        .iter()
        .filter_map(|option| match options::of_request(&option.name.text) {
            Some(bare) => SAYING.contains(&bare.as_str()).then(|| format!("{bare}={}", option.value.text)),
            None => option.name.text.starts_with('@').then(|| format!("{}={}", option.name.text, option.value.text)),
        })
        .collect();
    parts.sort();
    let path = decode::decode(path, 0).map_or_else(|_| path.to_owned(), |path| path.text);
    std::iter::once(path.trim_matches('/').to_lowercase()).chain(parts).collect::<Vec<_>>().join("\u{0}")
}

/// Reads one option; its name without the dollar sign, if it is one that OData defines.
pub fn read_option(option: &RawOption, options: &mut Options) -> Result<Option<Name>, Diagnostic> {
    let (name, value) = (&option.name, &option.value);
    let span = name.span(0, name.text.len());
    if let Some(alias) = name.text.strip_prefix('@') {
        let plain = !alias.is_empty() && input::word_at(alias) == alias;
        if !plain {
            return Err(codes::SYNTAX.at(span, format!("expected the name of a parameter, found `{}`", name.text)));
        }
        if options.aliases.len() >= MOST_PARAMETERS {
            return Err(codes::TOO_LONG.at(span, format!("more than {MOST_PARAMETERS} parameters")));
        }
        let value = input::whole(value, expr::expr)?;
        options.aliases.push((Name { text: alias.to_owned(), span }, value));
        return Ok(None);
    }
    let Some(bare) = options::of_request(&name.text) else {
        // What has no dollar sign is the client's own.
        if !name.text.starts_with('$') {
            return Ok(None);
        }
        let fault = codes::UNKNOWN_PARAMETER.at(span, format!("no query option is named `{}`", name.text));
        let known: Vec<String> = options::names().collect();
        return Err(fault.nearest(&name.text, known.iter().map(String::as_str)));
    };
    let shown = Name { text: format!("${bare}"), span };
    input::whole(value, |input| options::value(&shown, &bare, input, options))?;
    Ok(Some(Name { text: bare, span }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> String {
        let faults = parse(&Source::new(line)).unwrap_err();
        format!("{}@{} {}", faults[0].code.id, faults[0].span.start, faults[0].message)
    }

    #[test]
    fn request_lines_of_real_clients_are_read() {
        for line in [
            "/api/alerts?$expand=evidence&$filter=lastUpdateTime gt 2026-11-01T00:00:00.0000000Z",
            "alerts?%24filter=incidentId+eq+1126093&%24expand=evidence",
            "Alerts?%24filter=%28contains%28title%2C%20%27it%27%27s%20%26%20co%27%29%29%20and%20%28severity%20eq%20%27Low%27%29",
            "alerts('da1_2')",
            "machines?$filter=lastSeen gt 2018-08-01Z",
            "alerts?$filter=not (status in ('New','InProgress'))&$top=10&$skip=20&$count=true",
            "alerts?$filter=evidence/any(e:e/entityType eq 'File' and e/sha1 ne null)",
            "alerts?$filter=alertCreationTime%2Bgt%2B2026-11-01T00:00:00Z and ((status+eq+'New'))",
        ] {
            assert!(parse(&Source::new(line)).is_ok(), "{line}: {:?}", parse(&Source::new(line)));
        }
    }

    #[test]
    fn faults_point_at_the_request_line() {
        let place = |line: &str| fault(line).split(' ').next().unwrap_or_default().to_owned();
        assert_eq!(place("alerts?$filter=severity%20is%20'High'"), "K0010@26");
        assert_eq!(place("alerts?$filter=(severity eq 'High'"), "K0010@34");
        assert_eq!(place("alerts?$expand=evidence$filter=a eq 1"), "K0010@23");
        assert_eq!(place("alerts?$flter=a eq 1"), "K0104@7");
        assert_eq!(place("alerts?$filter=title eq 'x"), "K0003@24");
    }
}
