//! The service document and `$metadata`: which sets there are, and what their entities have. `/api` is the alerts API,
//! whose things all have keys, as the standard wants it of sets; `/odata` has the hunting tables too, whose rows have none.
use super::json;
use crate::engine::request_lines::sets::{Kind, RELATED, Related};
use crate::engine::request_lines::{alerts_of_incidents, every_set};
use crate::wire::csdl::{self, EntitySet, Relation, Within};
use crate::wire::odata_json::Told;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

/// Things of the alerts API first, then the hunting tables.
static SETS: LazyLock<Vec<EntitySet>> = LazyLock::new(|| {
    let sets = every_set().unwrap_or_default().into_iter();
    sets.map(|set| {
        let relations = match set.kind {
            Kind::Alerts => RELATED.iter().map(of_alert).collect(),
            Kind::Related(related) if !related.relation.is_empty() => {
                vec![Relation { name: "alerts", set: "Alerts", many: true }]
            }
            Kind::Related(_) | Kind::Table | Kind::Applied => vec![],
        };
        EntitySet { name: set.name, key: set.key, properties: set.properties, relations }
    })
    .collect()
});

fn of_alert(related: &Related) -> Relation {
    Relation { name: related.relation, set: related.name, many: !related.is_one_of_an_alert() }
}

static WITHIN: LazyLock<Vec<Within>> = LazyLock::new(|| {
    let alerts = alerts_of_incidents().map(|properties| Within {
        set: "incidents",
        property: "alerts",
        name: "IncidentAlert",
        properties,
    });
    alerts.into_iter().collect()
});

/// Those of the service.
fn sets_of(service: &str) -> &'static [EntitySet] {
    let things = SETS.iter().take_while(|set| set.key.is_some()).count();
    if service == "odata" { &SETS } else { &SETS[..things] }
}

/// The service whose `$metadata` tells of a set.
pub fn service_of(set: &str, asked: &'static str) -> &'static str {
    let table = SETS.iter().any(|one| one.key.is_none() && one.name == set);
    if asked == "api" && table { "odata" } else { asked }
}

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
    let service = words.next_if(|word| ["api", "odata"].contains(&word.as_str()))?;
    let sets = sets_of(&service);
    words.next_if(|word| word == "v1.0");
    let what = words.next();
    if words.next().is_some() {
        return None;
    }
    match what.as_deref() {
        None | Some("") => Some(json(StatusCode::OK, csdl::service(root, sets))),
        Some("$metadata" | "%24metadata") => {
            if as_json(query, headers) {
                return Some(json(StatusCode::OK, csdl::json(sets, &WITHIN)));
            }
            let kind = [(header::CONTENT_TYPE, "application/xml; charset=utf-8")];
            Some((kind, csdl::xml(sets, &WITHIN)).into_response())
        }
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
