//! The table of routes: what is asked for where, how the router finds it, and what it is asked with and answered with. The
//! router, the methods that a path takes and the OpenAPI document are all read off this one table.
use super::Doors;
use crate::access::permissions::decoded;
use axum::Router;
use axum::http::{HeaderValue, Method};
use axum::routing::{MethodFilter, MethodRouter};

mod alerts;
mod documents;
mod graph;
mod hunting;
mod options;
mod related;
mod signin;

/// A pattern of the router, who serves it, and what stands behind it.
pub struct Route {
    pub at: &'static str,
    pub serves: &'static [(Verb, Serve)],
    pub resources: &'static [&'static [Resource]],
}

pub type Serve = fn(MethodFilter) -> MethodRouter<Doors>;

/// A path as the document has it, `/api/alerts/{id}`, and what can be done there.
pub struct Resource {
    pub path: &'static str,
    pub operations: &'static [Operation],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Patch,
}

pub struct Operation {
    pub verb: Verb,
    pub tag: &'static str,
    pub words: &'static str,
    /// Where a few words do not say it all.
    pub more: &'static str,
    pub parameters: &'static [&'static [Parameter]],
    /// The media types of the body, each with the name of its schema; nothing where there is none.
    pub body: &'static [(&'static str, &'static str)],
    /// The media types of the answer, each with the names of its schemas.
    pub answer: &'static [(&'static str, &'static [&'static str])],
    pub fails: Fails,
}

/// What an operation may answer beside success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fails {
    /// A document about the service.
    Document,
    /// An OAuth 2.0 request for a token.
    Grant,
    /// Rows are asked for.
    Rows,
    /// An alert or an incident is changed.
    Change,
    Batch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    Path,
    Query,
    Header,
}

pub struct Parameter {
    pub name: &'static str,
    pub place: In,
    pub kind: Kind,
    pub words: &'static str,
    pub example: &'static str,
}

/// What a parameter's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A key, as it stands in a path without quotes.
    Key,
    /// The name of a hunting table.
    Table,
    Number,
    Truth,
    Words(&'static [&'static str]),
    /// May be given more than once.
    Texts,
}

/// Words of the table that are the same for many entries.
const NOTHING: Operation = Operation {
    verb: Verb::Get,
    tag: "",
    words: "",
    more: "",
    parameters: &[],
    body: &[],
    answer: &[],
    fails: Fails::Rows,
};

const JSON: &str = "application/json";
const PLAIN: &str = "text/plain";

pub fn all() -> impl Iterator<Item = &'static Route> {
    [alerts::ROUTES, related::ROUTES, graph::ROUTES, hunting::ROUTES, documents::ROUTES, signin::ROUTES]
        .into_iter()
        .flatten()
}

pub fn resources() -> impl Iterator<Item = &'static Resource> {
    all().flat_map(|route| route.resources).copied().flatten()
}

impl Verb {
    fn filter(self) -> MethodFilter {
        match self {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Patch => MethodFilter::PATCH,
        }
    }

    pub fn method(self) -> Method {
        match self {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Patch => Method::PATCH,
        }
    }
}

/// Every route, but for those of batches where a batch must not have another in it.
pub fn router(batches: bool) -> Router<Doors> {
    all().filter(|route| batches || !route.at.ends_with("/$batch")).fold(Router::new(), |router, route| {
        route.serves.iter().fold(router, |router, (verb, serve)| router.route(route.at, serve(verb.filter())))
    })
}

/// The spelling that the router has of a path without anything changing in it; clients write it in any letter case.
pub fn spelt(path: &str) -> Option<&'static str> {
    let path = decoded(path.trim_end_matches('/'));
    all().map(|route| route.at).find(|at| !at.contains('{') && at.eq_ignore_ascii_case(&path))
}

/// The methods that a path takes; none where the table does not have the path.
pub fn methods(path: &str) -> Vec<Method> {
    let words = words(path);
    let fits = resources().filter_map(|resource| Some((closeness(resource.path, &words)?, resource)));
    let fits: Vec<_> = fits.collect();
    let Some(closest) = fits.iter().map(|(closeness, _)| *closeness).max() else { return vec![] };
    let operations = fits.iter().filter(|(closeness, _)| *closeness == closest).flat_map(|(_, one)| one.operations);
    let mut methods = Vec::new();
    for method in operations.map(|operation| operation.verb.method()) {
        let with_it = if method == Method::GET { vec![method, Method::HEAD] } else { vec![method] };
        methods.extend(with_it.into_iter().filter(|method| !methods.contains(method)).collect::<Vec<_>>());
    }
    methods.push(Method::OPTIONS);
    methods
}

/// The methods that a path takes, as the header `Allow` lists them.
pub fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// How many words of a path are the template's own, where all of them fit.
fn closeness(template: &str, words: &[String]) -> Option<usize> {
    let template: Vec<&str> = template.split('/').filter(|word| !word.is_empty()).collect();
    if template.len() != words.len() {
        return None;
    }
    let mut own = 0;
    for (wanted, word) in template.iter().zip(words) {
        if wanted.eq_ignore_ascii_case(word) {
            own += 1;
        } else if !wanted.starts_with('{') {
            return None;
        }
    }
    Some(own)
}

/// The words of a path in lower case, keys in brackets as words of their own, without the version that may follow the
/// door.
fn words(path: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in path.split('/').filter(|word| !word.is_empty()) {
        let word = decoded(word);
        match word.strip_suffix(')').and_then(|word| word.split_once('(')) {
            Some((set, key)) if !set.is_empty() => words.extend([set.to_owned(), key.to_owned()]),
            _ => words.push(word),
        }
    }
    if let ["api" | "odata", "v1.0", ..] = words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        words.remove(1);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(path: &str) -> String {
        allow(&methods(path)).to_str().unwrap_or("?").to_owned()
    }

    #[test]
    fn every_spelling_of_a_path_takes_the_same_methods() {
        for path in ["/api/alerts/da1", "/api/v1.0/Alerts('da1')", "/api/%61lerts/da1/", "/alerts/da1"] {
            assert_eq!(allowed(path), "GET, HEAD, PATCH, OPTIONS", "{path}");
        }
        assert_eq!(allowed("/api/alerts/batchUpdate"), "POST, OPTIONS");
        assert_eq!(allowed("/api/%24batch"), "POST, OPTIONS");
        assert_eq!(allowed("/odata/DeviceInfo"), "GET, HEAD, OPTIONS");
        assert_eq!(allowed("/v1.0/security/runhuntingquery"), "POST, OPTIONS");
        assert_eq!(allowed("/no/such/path/at/all"), "");
        assert_eq!(spelt("/API/AdvancedQueries/run/"), Some("/api/advancedqueries/run"));
    }
}
