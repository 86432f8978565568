//! Batches as JSON.
//! <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_BatchRequestsandResponses>
use super::{Asked, MOST, Malformed, Part, Run, Told, depended, together, unread};
use crate::http::{body_json, json};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json, json};
use std::collections::{HashMap, HashSet};

pub async fn answer(run: &mut Run, body: &Bytes, goes_on: bool) -> Result<Response, Malformed> {
    let parts = read(body)?;
    let mut sizes: HashMap<String, usize> = HashMap::new();
    for group in parts.iter().filter_map(|part| part.group.clone()) {
        *sizes.entry(group).or_default() += 1;
    }
    let mut told = Vec::with_capacity(parts.len());
    for part in parts {
        let count = part.group.as_ref().and_then(|group| sizes.get(group)).copied().unwrap_or(0);
        let answer = match count {
            0 | 1 => run.one(part).await,
            several => run.refused(part, together("An atomicity group", several)).await,
        };
        let failed = answer.failed();
        told.push(shown(answer));
        if failed && !goes_on {
            break;
        }
    }
    let mut response = json(StatusCode::OK, json!({ "responses": told }).to_string());
    response.headers_mut().insert("odata-version", HeaderValue::from_static("4.01"));
    Ok(response)
}

/// What cannot be answered in its own place, for want of an id of its own, makes the whole batch malformed.
fn read(body: &Bytes) -> Result<Vec<Part>, Malformed> {
    let because = |why: &str| Malformed::Because(why.to_owned());
    let body = body_json(body).ok_or_else(|| because("it is no JSON"))?;
    let requests = body.get("requests").and_then(Json::as_array);
    let requests = requests.ok_or_else(|| because("it is no object with a list `requests`"))?;
    if requests.len() > MOST {
        return Err(Malformed::Many(requests.len()));
    }
    let mut ids = HashSet::new();
    let mut groups: Vec<String> = Vec::new();
    let mut parts = Vec::with_capacity(requests.len());
    for request in requests {
        let request = request.as_object().ok_or_else(|| because("`requests` has something that is no object"))?;
        let id = match request.get("id") {
            Some(Json::String(id)) if !id.is_empty() => id.clone(),
            Some(Json::Number(id)) => id.to_string(),
            _ => return Err(because("a request has no `id`")),
        };
        if !ids.insert(id.clone()) {
            return Err(Malformed::Because(format!("two requests have the id `{id}`")));
        }
        let group = match request.get("atomicityGroup") {
            None | Some(Json::Null) => None,
            Some(Json::String(group)) => Some(group.clone()),
            Some(_) => return Err(because("an `atomicityGroup` is no text")),
        };
        if let Some(group) = &group
            && groups.last() != Some(group)
        {
            if groups.contains(group) {
                return Err(Malformed::Because(format!(
                    "the requests of the group `{group}` do not follow each other"
                )));
            }
            groups.push(group.clone());
        }
        let conditional = request.get("if").is_some_and(|condition| !condition.is_null());
        let (needs, asked) = match (needs(request), asked(request)) {
            // What cannot be looked into has not come true.
            _ if conditional => {
                let message = "`if` is not here: a request depends on the success of others, by `dependsOn`.";
                (vec![], Err(depended(message.into())))
            }
            (Ok(needs), asked) => (needs, asked.map_err(unread)),
            (Err(why), _) => (vec![], Err(unread(why))),
        };
        parts.push(Part { id: Some(id), group, needs, asked });
    }
    match groups.iter().find(|group| ids.contains(*group)) {
        Some(group) => Err(Malformed::Because(format!("`{group}` is the name of a group and of a request"))),
        None => Ok(parts),
    }
}

fn needs(request: &Map<String, Json>) -> Result<Vec<String>, String> {
    let of = |name: &Json| name.as_str().map(str::to_owned).ok_or_else(|| "`dependsOn` is a list of ids".to_owned());
    match request.get("dependsOn") {
        None | Some(Json::Null) => Ok(vec![]),
        Some(Json::Array(names)) => names.iter().map(of).collect(),
        Some(_) => Err("`dependsOn` is a list of ids".into()),
    }
}

fn asked(request: &Map<String, Json>) -> Result<Asked, String> {
    const KNOWN: [&str; 8] = ["id", "method", "url", "headers", "body", "dependsOn", "atomicityGroup", "if"];
    if let Some(other) = request.keys().find(|key| !KNOWN.contains(&key.as_str()) && !key.contains('@')) {
        return Err(format!("`{other}` is not known in a request"));
    }
    let text = |key: &str| {
        request.get(key).and_then(Json::as_str).ok_or_else(|| format!("`{key}` is required, and is a text"))
    };
    let method = match text("method")?.to_ascii_uppercase().as_str() {
        "GET" => Method::GET,
        "POST" => Method::POST,
        "PATCH" => Method::PATCH,
        "PUT" => Method::PUT,
        "DELETE" => Method::DELETE,
        _ => return Err("`method` is one of `get`, `post`, `patch`, `put` and `delete`".into()),
    };
    let url = text("url")?.to_owned();
    let mut headers = HeaderMap::new();
    match request.get("headers") {
        None | Some(Json::Null) => {}
        Some(Json::Object(given)) => {
            for (name, value) in given {
                let wrong = || format!("the header `{name}` cannot be read");
                let value = value.as_str().ok_or_else(wrong)?;
                let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
                headers.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
            }
        }
        Some(_) => return Err("`headers` is an object".into()),
    }
    let body = match request.get("body") {
        None | Some(Json::Null) => Bytes::new(),
        Some(_) if matches!(method, Method::GET | Method::DELETE) => {
            return Err(format!("`{method}` has no body"));
        }
        Some(body) => content(&headers, body)?,
    };
    Ok(Asked { method, url, headers, body })
}

fn media(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

fn is_json(media: &str) -> bool {
    media == "application/json" || media.ends_with("+json")
}

/// A body is JSON as it is, a text, or bytes as base64url, by its media type.
fn content(headers: &HeaderMap, body: &Json) -> Result<Bytes, String> {
    let media = media(headers);
    if media.is_empty() || is_json(&media) {
        // Some clients send a body that they have written as a text already.
        let written =
            body.as_str().filter(|text| serde_json::from_str::<Json>(text).is_ok_and(|json| json.is_object()));
        return Ok(Bytes::from(written.map_or_else(|| body.to_string(), str::to_owned)));
    }
    let text = body.as_str().ok_or_else(|| format!("the body of the type `{media}` is a text"))?;
    if media.starts_with("text/") {
        return Ok(Bytes::from(text.to_owned()));
    }
    let bytes = URL_SAFE.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text));
    bytes.map(Bytes::from).map_err(|_| format!("the body of the type `{media}` is not base64url"))
}

fn shown(told: Told) -> Json {
    let Told { id, group, status, headers, body } = told;
    let mut all = Map::new();
    all.insert("id".into(), id.unwrap_or_default().into());
    all.extend(group.map(|group| ("atomicityGroup".to_owned(), group.into())));
    all.insert("status".into(), status.as_u16().into());
    let media = media(&headers);
    let named: Map<String, Json> =
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into()))).collect();
    if !named.is_empty() {
        all.insert("headers".into(), Json::Object(named));
    }
    if !body.is_empty() {
        let as_json = is_json(&media).then(|| serde_json::from_slice(&body).ok()).flatten();
        let as_text = || media.starts_with("text/").then(|| String::from_utf8(body.to_vec()).ok()).flatten();
        let body =
            as_json.or_else(|| as_text().map(Json::from)).unwrap_or_else(|| URL_SAFE_NO_PAD.encode(&body).into());
        all.insert("body".into(), body);
    }
    Json::Object(all)
}
