//! Incidents: alerts that belong together. `GET`, `PATCH /api/incidents…` as Defender's own API has them, each with its
//! alerts; `/v1.0/security/incidents` as Graph has them, with `$expand=alerts` and comments.
use super::alerts::{self, Found, Root};
use super::error::{self, Door};
use super::updates::{self, Change, Failure, Refusal, Said};
use super::{Doors, RequestId, json};
use crate::engine::Ingestion;
use crate::engine::request_lines::PAGE;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

/// Incidents of one page that come with their alerts.
const WITH_ALERTS: u64 = 100;
/// Incidents whose alerts are asked for at once.
const AT_ONCE: usize = 50;

/// One of the two APIs.
struct Api {
    door: Door,
    /// The set of incidents, and its key.
    set: &'static str,
    key: &'static str,
    /// The set of the alerts in them.
    alerts: &'static str,
    /// Whether the key is a text.
    quoted: bool,
}

const DEFENDER: Api =
    Api { door: Door::Alerts, set: "incidents", key: "incidentId", alerts: "alertsOfIncidents", quoted: false };
const GRAPH: Api = Api { door: Door::Graph, set: "security/incidents", key: "id", alerts: "alerts_v2", quoted: true };

fn api(root: &Root) -> &'static Api {
    if root.door == Door::Graph { &GRAPH } else { &DEFENDER }
}

/// Whether a path is of incidents.
pub fn is_one(path: &str) -> bool {
    updates::words(path).first().is_some_and(|set| set.eq_ignore_ascii_case("incidents"))
}

/// What is asked for of the alerts in incidents: the options in the brackets behind `alerts`.
fn expansion(query: &str, door: Door) -> Result<(String, Option<String>), Refusal> {
    let name = |part: &str| part.split('=').next().unwrap_or("").replace("%24", "$").to_ascii_lowercase();
    let (expand, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').filter(|part| !part.is_empty()).partition(|part| name(part) == "$expand");
    let rest = rest.join("&");
    let Some(expand) = expand.first().and_then(|part| part.split_once('=')).map(|(_, value)| value) else {
        // Defender's own API tells them always.
        return Ok((rest, (door == Door::Alerts).then(String::new)));
    };
    let decoded: String = url::form_urlencoded::parse(format!("v={expand}").as_bytes())
        .next()
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default();
    let inner = match decoded.split_once('(') {
        None => Some((decoded.as_str(), "")),
        Some((set, options)) => options.strip_suffix(')').map(|options| (set, options)),
    };
    match inner {
        Some((set, options)) if set.trim().eq_ignore_ascii_case("alerts") => Ok((rest, Some(options.to_owned()))),
        _ => Err(Refusal::wrong("BadRequest", format!("`$expand` of incidents is of `alerts`, not of `{decoded}`."))),
    }
}

/// The options of an expansion, as a request for the alerts of these incidents has them.
fn options(options: &str, incidents: &str) -> Result<String, Refusal> {
    let mut filter = format!("incidentId in ({incidents})");
    let mut others = Vec::new();
    for option in split(options) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "$select" => others.push(format!("$select={value},incidentId")),
            "$orderby" => others.push(format!("$orderby={value}")),
            "$filter" => filter = format!("{filter} and ({value})"),
            _ => {
                let message = format!("`{}` is not among the options of alerts in incidents.", name.trim());
                return Err(Refusal::wrong("BadRequest", message));
            }
        }
    }
    others.push(format!("$filter={filter}"));
    let encoded: Vec<String> = others
        .iter()
        .filter_map(|option| option.split_once('='))
        .map(|(name, value)| format!("{name}={}", alerts::encoded(value)))
        .collect();
    Ok(encoded.join("&"))
}

/// The parts between semicolons, but for those in quotes.
fn split(options: &str) -> Vec<&str> {
    let mut quoted = false;
    let ends = |character: char| {
        quoted ^= character == '\'';
        character == ';' && !quoted
    };
    options.split(ends).filter(|part| !part.trim().is_empty()).collect()
}

pub async fn get(doors: &Doors, root: &Root, uri: &Uri, id: &RequestId) -> Response {
    let done = match expansion(uri.query().unwrap_or(""), root.door) {
        Ok((query, expand)) => page(doors, root, (uri, id), &query, expand.as_deref()).await,
        Err(refusal) => Err(refusal.into()),
    };
    updates::told(done, root.door, id)
}

async fn page(
    doors: &Doors,
    root: &Root,
    (uri, id): (&Uri, &RequestId),
    query: &str,
    expand: Option<&str>,
) -> Result<Response, Failure> {
    let api = api(root);
    let path = uri.path().trim_matches('/');
    let words = updates::words(path);
    let (single, counted) = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_] => (false, false),
        [_, "$count"] => (false, true),
        [_, _] => (true, false),
        _ => return Ok(error::no_such_path(uri, id)),
    };
    let select = query.split('&').find(|part| part.replace("%24", "$").to_ascii_lowercase().starts_with("$select="));
    let selects_key = select.is_none_or(|select| {
        let names = select.split_once('=').map_or("", |(_, names)| names).replace("%2C", ",");
        names.split(',').any(|name| name.trim().eq_ignore_ascii_case(api.key) || name.trim() == "*")
    });
    // The alerts are found by the key, so it is asked for and not told.
    let asked = match select {
        Some(select) if expand.is_some() && !selects_key => query.replace(select, &format!("{select},{}", api.key)),
        _ => query.to_owned(),
    };
    let most = if expand.is_some() && !counted { WITH_ALERTS } else { PAGE };
    let text = if asked.is_empty() { path.to_owned() } else { format!("{path}?{asked}") };
    let mut found = Found::sized(doors, &text, most).await?;
    if counted {
        let count = found.count().unwrap_or(0).to_string();
        return Ok(([("content-type", "text/plain; charset=utf-8")], count).into_response());
    }
    if single && found.is_empty() {
        return Err(missing(words.get(1).map_or("", String::as_str)).into());
    }
    if let Some(expand) = expand {
        let mut incidents: Vec<Map<String, Json>> =
            found.items().filter_map(|item| if let Json::Object(item) = item { Some(item) } else { None }).collect();
        // One more than a page says that there is a next one.
        let told = incidents.len().min(most as usize);
        for some in incidents[..told].chunks_mut(AT_ONCE) {
            with_alerts(doors, api, some, expand).await?;
        }
        if !selects_key {
            incidents.iter_mut().for_each(|incident| drop(incident.shift_remove(api.key)));
        }
        found.replace(incidents.into_iter().map(Json::Object));
    }
    found.named("incidents");
    if single {
        let body = found.whole(root).map(|(body, _)| body).unwrap_or_default();
        return Ok(json(StatusCode::OK, body));
    }
    Ok(found.listed(root, uri, select.and_then(|select| select.split_once('=')).map(|(_, names)| names)))
}

/// Puts into each incident the alerts in it.
async fn with_alerts(
    doors: &Doors,
    api: &Api,
    incidents: &mut [Map<String, Json>],
    expand: &str,
) -> Result<(), Failure> {
    let key = |incident: &Map<String, Json>| match incident.get(api.key) {
        Some(Json::String(key)) => key.clone(),
        Some(key) => key.to_string(),
        None => String::new(),
    };
    let keys: Vec<String> = incidents.iter().map(key).collect();
    let list: Vec<String> = keys.iter().map(|key| if api.quoted { format!("'{key}'") } else { key.clone() }).collect();
    if list.is_empty() {
        return Ok(());
    }
    let selects = split(expand).iter().find_map(|option| {
        let (name, names) = option.split_once('=')?;
        name.trim().eq_ignore_ascii_case("$select").then(|| names.to_ascii_lowercase())
    });
    let tells = selects.is_none_or(|names| names.split(',').any(|name| name.trim() == "incidentid"));
    let text = format!("{}?{}", api.alerts, options(expand, &list.join(","))?);
    let found = Found::of(doors, &text).await?;
    if found.len() as u64 > PAGE {
        let message = format!("These incidents have more than {PAGE} alerts: ask for fewer with `$top`.");
        return Err(Refusal::wrong("BadRequest", message).into());
    }
    let mut lists: Vec<Vec<Json>> = vec![vec![]; incidents.len()];
    for mut alert in found.items() {
        let of = match alert.get("incidentId") {
            Some(Json::String(key)) => key.clone(),
            Some(key) => key.to_string(),
            None => continue,
        };
        if let (false, Some(alert)) = (tells, alert.as_object_mut()) {
            alert.shift_remove("incidentId");
        }
        if let Some(at) = keys.iter().position(|key| *key == of) {
            lists[at].push(alert);
        }
    }
    for (incident, list) in incidents.iter_mut().zip(lists) {
        incident.insert("alerts".into(), Json::Array(list));
    }
    Ok(())
}

fn missing(key: &str) -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        code: "ResourceNotFound",
        message: format!("Incident {key} does not exist."),
    }
}

/// `PATCH …/incidents/{id}`.
pub async fn patch(
    doors: &Doors,
    root: &Root,
    headers: &HeaderMap,
    key: &str,
    body: &Bytes,
) -> Result<Response, Failure> {
    if updates::if_match(headers).is_some() {
        return Err(Refusal {
            status: StatusCode::PRECONDITION_FAILED,
            code: "PreconditionFailed",
            message: "Incidents have no tags: send `If-Match: *` or none.".into(),
        }
        .into());
    }
    let changes = updates::changes(body, root.door, updates::Of::Incident, &[])?;
    update(doors, key, &changes).await?;
    whole(doors, root, key).await
}

/// `POST …/incidents/{id}/comments`.
pub async fn comment(doors: &Doors, root: &Root, key: &str, body: &Bytes) -> Result<Response, Failure> {
    let changes = updates::only_comment(body)?;
    update(doors, key, &changes).await?;
    let found = Found::of(doors, &format!("{}?$select=comments", alerts::key_line(GRAPH.set, key))).await?;
    let comments = found.items().next().and_then(|item| item.get("comments").cloned()).unwrap_or_else(|| json!([]));
    let context = format!("{}/$metadata#security/incidents('{key}')/comments", root.url);
    Ok(json(StatusCode::OK, json!({ "@odata.context": context, "value": comments }).to_string()))
}

async fn whole(doors: &Doors, root: &Root, key: &str) -> Result<Response, Failure> {
    let api = api(root);
    let mut found = Found::of(doors, &alerts::key_line(api.set, key)).await?;
    if found.is_empty() {
        return Err(missing(key).into());
    }
    if api.door == Door::Alerts {
        let mut incidents: Vec<Map<String, Json>> =
            found.items().filter_map(|item| if let Json::Object(item) = item { Some(item) } else { None }).collect();
        with_alerts(doors, api, &mut incidents, "").await?;
        found.replace(incidents.into_iter().map(Json::Object));
    }
    found.named("incidents");
    Ok(json(StatusCode::OK, found.whole(root).map(|(body, _)| body).unwrap_or_default()))
}

/// Says the changes of an incident, in a row for each of its alerts: who may see none of them does not see what was said
/// either. Whoever resolves an incident resolves the alerts in it.
async fn update(doors: &Doors, key: &str, changes: &[Change]) -> Result<(), Failure> {
    let Ok(number) = key.parse::<i64>() else { return Err(missing(key).into()) };
    let text = format!("Alerts?$select=id,status&$filter=incidentId%20eq%20{number}");
    let found = Found::of(doors, &text).await?;
    if found.is_empty() {
        return Err(missing(key).into());
    }
    if found.len() as u64 > PAGE {
        let message = format!("Incident {key} has more than {PAGE} alerts: update these.");
        return Err(Refusal::wrong("MaximumBatchSizeExceeded", message).into());
    }
    let resolves = changes.iter().any(|change| change.property == "status" && change.value == "Resolved");
    let mut said = Vec::new();
    for alert in found.items() {
        let text = |key: &str| alert.get(key).and_then(Json::as_str).unwrap_or("").to_owned();
        let alert = text("id");
        for change in changes {
            said.push(Said { alert: alert.clone(), incident: Some(number), change: change.clone() });
        }
        if resolves && text("status") != "Resolved" {
            let change = Change { property: "status", value: "Resolved".into() };
            said.push(Said { alert, incident: None, change });
        }
    }
    Ok(updates::write(doors, &said, &Ingestion::default()).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_alerts_become_a_request_of_their_own() {
        let asked = |query: &str| expansion(query, Door::Graph).ok();
        assert_eq!(asked("$top=1"), Some(("$top=1".into(), None)));
        assert_eq!(asked("$top=1&%24expand=alerts"), Some(("$top=1".into(), Some(String::new()))));
        assert_eq!(asked("$expand=evidence"), None);
        let inner = asked("$expand=alerts($select=id%2Ctitle;$filter=title%20eq%20'a;b')").and_then(|(_, inner)| inner);
        assert_eq!(inner.as_deref(), Some("$select=id,title;$filter=title eq 'a;b'"));
        let text = options(inner.as_deref().unwrap_or(""), "'1'").unwrap_or_default();
        assert_eq!(
            text,
            "$select=id%2Ctitle%2CincidentId&$filter=incidentId%20in%20%28'1'%29%20and%20%28title%20eq%20'a%3Bb'%29"
        );
        assert!(options("$top=3", "1").is_err());
    }
}
