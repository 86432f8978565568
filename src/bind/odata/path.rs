//! What the path of a request line asks for: a set, one thing of it by its key, what is related to that, or a number.
use crate::syntax::odata::ast::{Arg, Expr, ExprKind, Literal, Name, Segment};
use crate::text::{Diagnostic, Span, codes};

/// `alerts('da1')/files/$count`, by its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub set: Name,
    pub key: Option<String>,
    pub relation: Option<Name>,
    /// `$count` at the end: a bare number.
    pub count: bool,
}

/// Words before the set: the door and its version.
const PREFIXES: &[&str] = &["api", "v1.0", "odata", "security"];
/// Words behind a set that are functions, not keys.
const FUNCTIONS: &[&str] = &[
    "softwarevulnerabilitiesbymachine",
    "softwareinventorybymachine",
    "softwareinventoryexport",
    "findbytag",
    "findbyip",
    "createalertbyreference",
    "batchupdate",
];

/// Properties that go for a key, by name: `alerts(id='da1')`.
const KEYS: &[&str] = &["id", "sha1", "sha256", "host", "computerDnsName", "accountName"];

impl Asked {
    /// Whether the answer is one thing, not a page of them.
    pub fn single(&self) -> bool {
        match &self.relation {
            Some(relation) => ["machine", "user"].iter().any(|word| relation.text.eq_ignore_ascii_case(word)),
            None => self.key.is_some(),
        }
    }

    /// The request line for the thing whose relations are asked for.
    pub fn owner(&self) -> Option<String> {
        self.relation.as_ref()?;
        let key = self.key.as_ref()?.replace('\'', "''");
        let escaped: String = key
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'\'' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect();
        Some(format!("{}('{escaped}')/$count", self.set.text))
    }
}

/// A key as the text that it stands for.
pub fn key_text(key: &Literal) -> Option<String> {
    match key {
        Literal::String(key) => Some(key.clone()),
        Literal::Long(key) => Some(key.to_string()),
        _ => None,
    }
}

/// Reads the path, with `api` and a version before it or not; the key in brackets or as a segment.
pub fn asked(path: &[Segment]) -> Result<Asked, Diagnostic> {
    let prefix = |segment: &Segment| {
        segment.key.is_none()
            && segment.args.is_empty()
            && PREFIXES.iter().any(|word| segment.name.text.eq_ignore_ascii_case(word))
    };
    let graph =
        path.iter().take_while(|segment| prefix(segment)).any(|one| one.name.text.eq_ignore_ascii_case("security"));
    let mut path = path.iter().skip_while(|segment| prefix(segment)).peekable();
    let Some(set) = path.next() else {
        return Err(codes::EMPTY_QUERY.at(Span::default(), "the request names no resource").help("ask for `alerts`"));
    };
    let mut asked = Asked { set: set.name.clone(), key: None, relation: None, count: false };
    // Both APIs have a set of this name.
    if graph && set.name.text.eq_ignore_ascii_case("incidents") {
        asked.set.text = "security/incidents".into();
    }
    if set.name.text.starts_with('$') {
        return Err(codes::NOT_YET.at(set.name.span, format!("`{}` is not here yet", set.name.text)));
    }
    let by_name = match set.args.as_slice() {
        [] => None,
        [Arg { name: Some(name), value: Expr { kind: ExprKind::Literal(literal), .. } }]
            if KEYS.iter().any(|key| key.eq_ignore_ascii_case(&name.text)) =>
        {
            Some(literal)
        }
        _ => return Err(not_yet(&set.name, &asked)),
    };
    match set.key.as_ref().or(by_name) {
        Some(Literal::String(key)) => asked.key = Some(key.clone()),
        Some(Literal::Long(key)) => asked.key = Some(key.to_string()),
        Some(_) => return Err(codes::WRONG_TYPE.at(set.name.span, "a key here is a text")),
        None => {
            if let Some(segment) = path.next_if(|segment| !segment.name.text.starts_with('$')) {
                if segment.key.is_some()
                    || !segment.args.is_empty()
                    || FUNCTIONS.contains(&segment.name.text.to_ascii_lowercase().as_str())
                {
                    return Err(not_yet(&segment.name, &asked));
                }
                asked.key = Some(segment.name.text.clone());
            }
        }
    }
    if let (Some(_), Some(segment)) = (&asked.key, path.next_if(|segment| !segment.name.text.starts_with('$'))) {
        if segment.key.is_some() || !segment.args.is_empty() {
            return Err(not_yet(&segment.name, &asked));
        }
        asked.relation = Some(segment.name.clone());
    }
    if path.next_if(|segment| segment.name.text == "$count" && segment.key.is_none()).is_some() {
        asked.count = true;
    }
    match path.next() {
        None => Ok(asked),
        Some(segment) => Err(not_yet(&segment.name, &asked)),
    }
}

fn not_yet(name: &Name, asked: &Asked) -> Diagnostic {
    codes::NOT_YET.at(name.span, format!("`{}` of `{}` is not here yet", name.text, asked.set.text))
}
