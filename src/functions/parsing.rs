//! URLs, paths, XML, CSV, command lines, versions, user agents.
use super::arguments::{LONGEST_TEXT, row, text};
use super::{Call, Function, Gives, one, optional, user_agent, xml};
use crate::types::{Type, Types};
use crate::value::{Decimal, Json, Value};
use serde_json::Map;

const TEXT: Types = Types::STRING;
const TEXT_OR_DYNAMIC: Types = Types::STRING.or(Types::DYNAMIC);
/// The engine takes XML up to this size.
const LONGEST_XML: usize = 128 * 1024;

pub const FUNCTIONS: &[Function] = &[
    row(
        &["parse_url", "parseurl"],
        "The parts of a URL: Scheme, Host, Port, Path, Username, Password, Query Parameters, Fragment.",
        &[one("url", TEXT)],
        Gives::Always(Type::Dynamic),
        |_, args| bounded(args, LONGEST_TEXT, |url| Some(Json::Object(url_parts(url)))),
        &[
            ("tostring(parse_url('https://user:pw@host.com:8080/a/b?k=v#f').Host)", "host.com"),
            (
                "parse_url('https://host.com/a?k=v')",
                "{\"Scheme\":\"https\",\"Host\":\"host.com\",\"Port\":\"\",\"Path\":\"/a\",\"Username\":\"\",\
                 \"Password\":\"\",\"Query Parameters\":{\"k\":\"v\"},\"Fragment\":\"\"}",
            ),
        ],
    ),
    row(
        &["parse_urlquery", "parseurlquery"],
        "The parameters of a URL's query, under `Query Parameters`.",
        &[one("query", TEXT)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            bounded(args, LONGEST_TEXT, |query| {
                let query = query.split_once('?').map_or(query, |(_, query)| query);
                let mut bag = Map::new();
                bag.insert("Query Parameters".into(), Json::Object(parameters(query)));
                Some(Json::Object(bag))
            })
        },
        &[("parse_urlquery('k1=v1&k2=v2')", "{\"Query Parameters\":{\"k1\":\"v1\",\"k2\":\"v2\"}}")],
    ),
    row(
        &["parse_path"],
        "The parts of a file's path: Scheme, RootPath, DirectoryPath, DirectoryName, Filename, Extension, \
         AlternateDataStreamName.",
        &[one("path", TEXT)],
        Gives::Always(Type::Dynamic),
        |_, args| bounded(args, LONGEST_TEXT, |path| Some(path_parts(path))),
        &[
            ("tostring(parse_path(@'C:\\temp\\file.txt').DirectoryName)", "temp"),
            ("tostring(parse_path('file://C:/temp/file.txt:some.exe').AlternateDataStreamName)", "some.exe"),
        ],
    ),
    row(
        &["parse_csv"],
        "The fields of the text's first record of comma-separated values.",
        &[one("csv_text", TEXT_OR_DYNAMIC)],
        Gives::Always(Type::Dynamic),
        |_, args| bounded(args, LONGEST_TEXT, |csv| Some(csv_fields(csv))),
        &[
            ("parse_csv('aa,b,cc')", "[\"aa\",\"b\",\"cc\"]"),
            ("parse_csv('\"Value, 1\",\"Value \"\"2\"\"\",3')", "[\"Value, 1\",\"Value \\\"2\\\"\",\"3\"]"),
        ],
    ),
    row(
        &["parse_xml"],
        "The XML document as a bag: attributes under `@name`, text under `#text`, repeated elements as an array.",
        &[one("xml_text", TEXT_OR_DYNAMIC)],
        Gives::Always(Type::Dynamic),
        |_, args| bounded(args, LONGEST_XML, xml::parse),
        &[
            ("parse_xml('<e name=\"v\">t</e>')", "{\"e\":{\"@name\":\"v\",\"#text\":\"t\"}}"),
            ("parse_xml('<e><a>1</a><a>2</a><b/></e>')", "{\"e\":{\"a\":[\"1\",\"2\"],\"b\":null}}"),
            ("parse_xml('<e>')", "null"),
        ],
    ),
    row(
        &["parse_version"],
        "A version of up to four numbers as a decimal that stands in the versions' order.",
        &[one("version", TEXT)],
        Gives::Always(Type::Decimal),
        |_, args| version(&text(args, 0)).map_or(Value::Null, Value::Decimal),
        &[
            ("parse_version('1.2.3.40') < parse_version('1.10')", "True"),
            ("parse_version('1.2.3.40')", "100000002.000000030000004"),
            ("parse_version('one')", "null"),
        ],
    )
    .differs("the engine's number is 10¹⁶ times as large; the order is the same"),
    row(
        &["parse_command_line"],
        "The arguments of a command line, by the rules of Windows.",
        &[one("command", Types::ANY), one("parser", TEXT)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            if !text(args, 1).eq_ignore_ascii_case("windows") {
                return Value::Null;
            }
            bounded(args, LONGEST_TEXT, |line| if line.is_empty() { None } else { Some(arguments(line)) })
        },
        &[(
            "parse_command_line('echo \"hello world!\" print$?', \
            'windows')",
            "[\"echo\",\"hello world!\",\"print$?\"]",
        )],
    ),
    row(
        &["parse_user_agent"],
        "What a browser says of itself: `browser`, `os`, `device`, or an array of them.",
        &[one("user_agent", TEXT), optional("look_for", TEXT_OR_DYNAMIC)],
        Gives::Always(Type::Dynamic),
        parse_user_agent,
        &[(
            "tostring(parse_user_agent('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, \
             like Gecko) Chrome/120.0.0.0 Safari/537.36', 'browser').Browser.Family)",
            "Chrome",
        )],
    )
    .differs("knows the common browsers, systems and devices; the others are `Other`"),
];

/// What a reader makes of the first argument; null for longer texts and where the reader makes nothing.
fn bounded<'a>(args: &[Value<'a>], longest: usize, read: impl FnOnce(&str) -> Option<Json>) -> Value<'a> {
    let source = text(args, 0);
    if source.len() > longest { Value::Null } else { read(&source).map_or(Value::Null, Value::json) }
}

fn bag<const N: usize>(fields: [(&str, &str); N]) -> Map<String, Json> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), Json::from(value))).collect()
}

/// The parts of a URL, not decoded.
fn url_parts(url: &str) -> Map<String, Json> {
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once("://").map_or(("", rest), |(scheme, rest)| (scheme, rest));
    let (authority, path) = match (scheme.is_empty(), rest.find('/')) {
        (true, _) => ("", rest),
        (false, Some(at)) => rest.split_at(at),
        (false, None) => (rest, ""),
    };
    let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    // The colons of an IPv6 address stand in brackets.
    let (host, port) = match place.rfind(':') {
        Some(at) if !place[at..].contains(']') => (&place[..at], &place[at + 1..]),
        _ => (place, ""),
    };
    let mut parts = bag([
        ("Scheme", scheme),
        ("Host", host),
        ("Port", port),
        ("Path", path),
        ("Username", user),
        ("Password", password),
    ]);
    parts.insert("Query Parameters".into(), Json::Object(parameters(query)));
    parts.insert("Fragment".into(), Json::from(fragment));
    parts
}

fn parameters(query: &str) -> Map<String, Json> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key.to_owned(), Json::from(value))
        })
        .collect()
}

fn path_parts(path: &str) -> Json {
    let (scheme, rest) = path.split_once("://").unwrap_or(("", path));
    let slash = |c: char| c == '/' || c == '\\';
    let bytes = rest.as_bytes();
    let drive = bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    let root = match bytes.get(2) {
        Some(b'/' | b'\\') if drive => &rest[..3],
        _ if drive => &rest[..2],
        _ => "",
    };
    let (directory, file) = match rest.rfind(slash) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => rest.split_at(root.len()),
    };
    let (file, stream) = file.split_once(':').unwrap_or((file, ""));
    let name = directory.rsplit(slash).next().unwrap_or("");
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    Json::Object(bag([
        ("Scheme", scheme),
        ("RootPath", root),
        ("DirectoryPath", directory),
        ("DirectoryName", name),
        ("Filename", file),
        ("Extension", extension),
        ("AlternateDataStreamName", stream),
    ]))
}

fn csv_fields(csv: &str) -> Json {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = csv.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                field.push('"');
                rest.next();
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(Json::from(std::mem::take(&mut field))),
            '\r' if !quoted && rest.peek() == Some(&'\n') => {}
            '\n' if !quoted => break,
            c => field.push(c),
        }
    }
    fields.push(Json::from(field));
    Json::Array(fields)
}

/// Four numbers of eight digits each, half of them after the point so that all fit.
fn version(text: &str) -> Option<Decimal> {
    let parts: Vec<i128> = text
        .trim()
        .split('.')
        .map(|part| match part.bytes().all(|b| b.is_ascii_digit()) && part.len() <= 8 {
            true => part.parse().ok(),
            false => None,
        })
        .collect::<Option<_>>()?;
    if parts.len() > 4 {
        return None;
    }
    let units = (0..4).fold(0i128, |sum, at| sum * 100_000_000 + parts.get(at).copied().unwrap_or(0));
    // Units of 10⁻¹⁸, of which the last two digits stay 0.
    Some(Decimal(units * 100))
}

/// The rules of `CommandLineToArgvW`: quotes hold blanks together, backslashes count before quotes only.
fn arguments(line: &str) -> Json {
    let (mut all, mut current, mut begun, mut quoted) = (Vec::new(), String::new(), false, false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' if !quoted => {
                if begun {
                    all.push(Json::from(std::mem::take(&mut current)));
                    begun = false;
                }
            }
            '\\' => {
                begun = true;
                let mut count = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let before_quote = rest.peek() == Some(&'"');
                let kept = if before_quote { count / 2 } else { count };
                current.extend(std::iter::repeat_n('\\', kept));
                if before_quote && count % 2 == 1 {
                    rest.next();
                    current.push('"');
                }
            }
            '"' => {
                begun = true;
                if quoted && rest.next_if_eq(&'"').is_some() {
                    current.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            c => {
                begun = true;
                current.push(c);
            }
        }
    }
    if begun {
        all.push(Json::from(current));
    }
    Json::Array(all)
}

fn parse_user_agent<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let wanted: Vec<String> = match args.get(1) {
        None => ["browser", "os", "device"].map(String::from).to_vec(),
        Some(Value::Dynamic(list)) => match list.tree().as_ref() {
            Json::Array(items) => items.iter().filter_map(Json::as_str).map(str::to_lowercase).collect(),
            _ => vec![text(args, 1).to_lowercase()],
        },
        Some(one) => vec![one.text().to_lowercase()],
    };
    let agent = text(args, 0);
    if agent.is_empty() || agent.len() > 4096 {
        return Value::Null;
    }
    let mut parts = Map::new();
    for one in wanted {
        match one.as_str() {
            "browser" => parts.insert("Browser".into(), user_agent::browser(&agent)),
            "os" => parts.insert("OperatingSystem".into(), user_agent::system(&agent)),
            "device" => parts.insert("Device".into(), user_agent::device(&agent)),
            _ => None,
        };
    }
    Value::json(Json::Object(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fall_into_their_parts() {
        let parts = |path: &str| crate::value::json::write(&path_parts(path));
        insta::assert_snapshot!(parts(r"C:\temp\file.txt"), @r#"{"Scheme":"","RootPath":"C:\\","DirectoryPath":"C:\\temp","DirectoryName":"temp","Filename":"file.txt","Extension":"txt","AlternateDataStreamName":""}"#);
        insta::assert_snapshot!(parts("file://C:/temp/file.txt:some.exe"), @r#"{"Scheme":"file","RootPath":"C:/","DirectoryPath":"C:/temp","DirectoryName":"temp","Filename":"file.txt","Extension":"txt","AlternateDataStreamName":"some.exe"}"#);
        insta::assert_snapshot!(parts(r"\\shared\users\temp\file.txt.gz"), @r#"{"Scheme":"","RootPath":"","DirectoryPath":"\\\\shared\\users\\temp","DirectoryName":"temp","Filename":"file.txt.gz","Extension":"gz","AlternateDataStreamName":""}"#);
    }

    #[test]
    fn command_lines_are_cut_as_windows_does() {
        let cut = |line: &str| crate::value::json::write(&arguments(line));
        assert_eq!(cut(r#"a "b c" d\"e "f\\" g\h """#), r#"["a","b c","d\"e","f\\","g\\h",""]"#);
    }

    #[test]
    fn a_url_has_user_host_and_port() {
        let parts = Json::Object(url_parts("ftp://u:p@[::1]:21/x?a=1&b#frag"));
        assert_eq!(
            crate::value::json::write(&parts),
            r#"{"Scheme":"ftp","Host":"[::1]","Port":"21","Path":"/x","Username":"u","Password":"p","Query Parameters":{"a":"1","b":""},"Fragment":"frag"}"#
        );
    }
}
