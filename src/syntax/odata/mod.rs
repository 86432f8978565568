//! OData v4 request lines: text to tree.
pub mod ast;
pub mod decode;
pub mod filter;
#[cfg(test)]
mod grammar_check;
pub mod literal;
mod search;

use crate::text::{Diagnostic, Diagnostics, Source, Span, codes};
use ast::{Literal, Name, Options, RequestLine, Segment};
use decode::{Decoded, RawOption};

/// The longest request line that is read.
const LONGEST: usize = 1 << 20;

/// System query options that OData defines and that are not here.
const NOT_YET: &[&str] =
    &["apply", "compute", "format", "deltatoken", "id", "index", "levels", "schemaversion", "inlinecount"];

/// `alerts?$filter=…`, with or without a leading slash.
pub fn parse(source: &Source) -> Result<RequestLine, Diagnostics> {
    let line = source.text.as_str();
    if line.len() > LONGEST {
        return Err(vec![codes::TOO_LONG.at(Span::default(), format!("longer than {LONGEST} bytes"))]);
    }
    let (path, query_at) = match line.split_once('?') {
        Some((path, _)) => (path, Some(path.len() + 1)),
        None => (line, None),
    };
    let mut faults = Vec::new();
    let path = segments(path).unwrap_or_else(|fault| {
        faults.push(fault);
        vec![]
    });
    let mut options = Options::default();
    match query_at.map_or(Ok(vec![]), |at| decode::options(line, at)) {
        Ok(raw) => {
            let mut seen: Vec<String> = Vec::new();
            for option in &raw {
                if let Err(fault) = read_option(option, &mut options, &mut seen) {
                    faults.push(fault);
                }
            }
        }
        Err(fault) => faults.push(fault),
    }
    if faults.is_empty() { Ok(RequestLine { path, options }) } else { Err(faults) }
}

fn segments(path: &str) -> Result<Vec<Segment>, Diagnostic> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in path.split('/') {
        if !piece.is_empty() {
            found.push(segment(&decode::decode(piece, at)?)?);
        }
        at += piece.len() + 1;
    }
    Ok(found)
}

fn segment(decoded: &Decoded) -> Result<Segment, Diagnostic> {
    let text = decoded.text.as_str();
    let keyed = text.strip_suffix(')').and_then(|text| text.split_once('('));
    let Some((name, key)) = keyed else {
        return Ok(Segment { name: Name { text: text.into(), span: decoded.span(0, text.len()) }, key: None });
    };
    let name_end = name.len();
    let literal = match literal::read(key) {
        Some((Ok(literal), length)) if length == key.len() => literal,
        Some((Err(message), _)) => {
            return Err(codes::BAD_LITERAL.at(decoded.span(name_end + 1, text.len() - 1), message));
        }
        // `alerts(da1_2)`: a key without its quotes.
        _ => Literal::String(key.to_owned()),
    };
    Ok(Segment { name: Name { text: name.into(), span: decoded.span(0, name_end) }, key: Some(literal) })
}

fn read_option(option: &RawOption, options: &mut Options, seen: &mut Vec<String>) -> Result<(), Diagnostic> {
    let (name, value) = (&option.name, &option.value);
    let span = name.span(0, name.text.len());
    let Some(bare) = name.text.strip_prefix('$') else { return Ok(()) };
    let bare = bare.to_ascii_lowercase();
    if seen.contains(&bare) {
        return Err(codes::DUPLICATE_NAME.at(span, format!("`${bare}` is given twice")));
    }
    match bare.as_str() {
        "filter" => options.filter = Some(filter::whole(value, filter::expr)?),
        "orderby" => options.orderby = filter::whole(value, filter::orderby)?,
        "select" => options.select = filter::whole(value, filter::names)?,
        "expand" => options.expand = filter::whole(value, filter::names)?,
        "top" => options.top = Some(whole_number(value)?),
        "skip" => options.skip = Some(whole_number(value)?),
        "search" => options.search = Some(search::read(value)?),
        "skiptoken" => options.skiptoken = Some(value.text.clone()),
        "count" => {
            options.count = Some(match value.text.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => {
                    let span = value.span(0, value.text.len());
                    return Err(codes::BAD_VALUE.at(span, "`$count` is `true` or `false`"));
                }
            });
        }
        other if NOT_YET.contains(&other) => {
            return Err(codes::NOT_YET.at(span, format!("`${other}` is not here yet")));
        }
        _ => {
            let known =
                ["$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$count", "$skiptoken", "$search"];
            let fault = codes::UNKNOWN_PARAMETER.at(span, format!("no query option is named `{}`", name.text));
            return Err(fault.nearest(&name.text, known));
        }
    }
    seen.push(bare);
    Ok(())
}

fn whole_number(value: &Decoded) -> Result<u64, Diagnostic> {
    value.text.trim().parse().map_err(|_| {
        let span = value.span(0, value.text.len());
        codes::BAD_VALUE.at(span, format!("expected a whole number, found `{}`", value.text))
    })
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
        assert_eq!(place("alerts?$expand=evidence$filter=a eq 1"), "K0010@30");
        assert_eq!(place("alerts?$flter=a eq 1"), "K0104@7");
        assert_eq!(place("alerts?$filter=title eq 'x"), "K0003@24");
    }
}
