//! The service document and `$metadata`: which sets there are, and what their entities have.
use super::json;
use crate::engine::request_lines::every_set;
use crate::wire::csdl::{self, EntitySet};
use crate::wire::odata_json::Told;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

static SETS: LazyLock<Vec<EntitySet>> = LazyLock::new(|| {
    let sets = every_set().unwrap_or_default();
    sets.into_iter().map(|set| EntitySet { name: set.name, key: set.key, properties: set.properties }).collect()
});

/// What the entities of a set say of themselves.
pub fn told(set: &str) -> Told {
    let found = SETS.iter().find(|one| one.name == set);
    found.map_or_else(Told::default, |one| Told {
        set: one.name.clone(),
        entity: one.full_type(),
        key: one.key,
        ..Told::default()
    })
}

/// The answer where the path is that of the service itself.
pub fn get(path: &str, query: &str, headers: &HeaderMap, root: &str) -> Option<Response> {
    let mut words = path.split('/').map(str::to_ascii_lowercase).peekable();
    words.next_if(|word| ["api", "odata"].contains(&word.as_str()))?;
    words.next_if(|word| word == "v1.0");
    let what = words.next();
    if words.next().is_some() {
        return None;
    }
    match what.as_deref() {
        None | Some("") => Some(json(StatusCode::OK, csdl::service(root, &SETS))),
        Some("$metadata" | "%24metadata") => {
            if as_json(query, headers) {
                return Some(json(StatusCode::OK, csdl::json(&SETS)));
            }
            let kind = [(header::CONTENT_TYPE, "application/xml; charset=utf-8")];
            Some((kind, csdl::xml(&SETS)).into_response())
        }
        Some("$batch" | "%24batch") => Some(StatusCode::NOT_IMPLEMENTED.into_response()),
        Some(_) => None,
    }
}

/// XML unless JSON is asked for by `$format`: clients that know XML alone ask with `Accept: application/json`.
fn as_json(query: &str, headers: &HeaderMap) -> bool {
    let format = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name.trim_start_matches('$').eq_ignore_ascii_case("format"));
    let version = headers.get("odata-version").and_then(|value| value.to_str().ok());
    match format {
        Some((_, format)) => format.to_ascii_lowercase().contains("json"),
        None => {
            let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
            version == Some("4.01") && accept.starts_with("application/json")
        }
    }
}
