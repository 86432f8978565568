//! Signing in: who is asking is found out before a request comes to its door, and tokens are given to clients that prove
//! who they are.
use super::error::{self, Door};
use super::{Doors, Reach, RequestId, cors, json};
use crate::access::{Access, Caller, Denied, Grant, GrantError, LIFETIME, need};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Lets through whom its token, its permissions and its quotas allow. A part of a batch comes with its caller.
pub async fn known(
    State(doors): State<Doors>,
    Extension(id): Extension<RequestId>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = request.extensions().get::<Caller>().cloned();
    let Some(access) = &doors.access else {
        if doors.reach == Reach::Machine && !from_here(&request, &doors.origins) {
            return error::not_from_here(Door::of(request.uri().path()), &id);
        }
        request.extensions_mut().insert(given.unwrap_or_else(Caller::local));
        return next.run(request).await;
    };
    let Some(need) = need(request.method().as_str(), request.uri().path()) else {
        request.extensions_mut().insert(Caller::nobody());
        return next.run(request).await;
    };
    let door = Door::of(request.uri().path());
    let caller = match given {
        Some(caller) => Ok(caller),
        None => identified(access, request.headers()).await,
    };
    let caller = match caller {
        Ok(caller) => caller,
        Err(denied) => {
            tracing::info!(reason = denied.words(), "not let in");
            return error::unauthorized(door, denied, &id);
        }
    };
    if !caller.may(&need) {
        tracing::info!(caller = %caller.name, "a permission is missing");
        return error::forbidden(door, &need, &caller, &id);
    }
    if let Err(exceeded) = access.quotas.call(&caller.id, need.operation) {
        tracing::info!(caller = %caller.name, limit = %exceeded.limit, "a quota is used up");
        return error::exceeded(door, &exceeded, &id);
    }
    tracing::debug!(caller = %caller.name, "let in");
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    // The log says who it was.
    response.extensions_mut().insert(caller);
    response
}

/// Whether a request names this machine as nobody but those on it can: a page of another site, which a browser here may be
/// showing, sends that site's origin, and by a name of its own making its own name as the host. Listed origins count.
fn from_here(request: &Request, origins: &[String]) -> bool {
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    let listed = cors::origin(origins, request.headers()).is_some();
    let origin =
        text(header::ORIGIN).filter(|_| !listed).map(|origin| origin.split_once("://").map_or("?", |(_, host)| host));
    [host, origin].into_iter().flatten().all(is_local)
}

/// A host, with or without a port.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn identified(access: &Access, headers: &HeaderMap) -> Result<Caller, Denied> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (given.next(), given.next());
    let first = first.ok_or(Denied::Missing)?;
    if second.is_some() {
        return Err(Denied::NotBearer);
    }
    let (kind, token) = first.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Denied::NotBearer)?;
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(Denied::NotBearer);
    }
    access.caller(token.trim()).await
}

/// `POST /{tenant}/oauth2/v2.0/token` and `/{tenant}/oauth2/token`: client credentials in the form or as Basic.
pub async fn token(
    doors: Doors,
    Extension(id): Extension<RequestId>,
    Path(tenant): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(access) = doors.access else { return error::no_such_path(&uri, &id) };
    let older = !uri.path().contains("v2.0");
    let grant = match grant(tenant, &headers, &body) {
        Ok(grant) => grant,
        Err(wrong) => return refused(&wrong, &id),
    };
    // Clients that nobody knows share a counter, so that guessing names makes no new ones.
    let client = access.registry.find(&grant.client_id).ok().flatten().map_or(String::new(), |client| client.id);
    if let Err(exceeded) = access.quotas.token(&format!("token {client}")) {
        let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", &exceeded.limit, &id);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(exceeded.after));
        return response;
    }
    let resource = grant.resource.clone();
    let signed = tokio::task::spawn_blocking(move || access.own.token(&grant)).await;
    match signed.unwrap_or(Err(GrantError::Ours)) {
        Err(wrong) => refused(&wrong, &id),
        Ok(token) if older => {
            let expires = (crate::engine::clock() - crate::value::datetime::UNIX_EPOCH) / 10_000_000 + LIFETIME;
            let body = json!({
                "token_type": "Bearer",
                "expires_in": LIFETIME.to_string(),
                "ext_expires_in": LIFETIME.to_string(),
                "expires_on": expires.to_string(),
                "not_before": (expires - LIFETIME).to_string(),
                "resource": resource,
                "access_token": token,
            });
            json(StatusCode::OK, body.to_string())
        }
        Ok(token) => {
            let body = json!({
                "token_type": "Bearer",
                "expires_in": LIFETIME,
                "ext_expires_in": LIFETIME,
                "access_token": token,
            });
            json(StatusCode::OK, body.to_string())
        }
    }
}

fn grant(tenant: String, headers: &HeaderMap, body: &Bytes) -> Result<Grant, GrantError> {
    let mut grant = Grant { tenant, ..Grant::default() };
    for (name, value) in url::form_urlencoded::parse(body) {
        let place = match name.as_ref() {
            "grant_type" => &mut grant.grant_type,
            "client_id" => &mut grant.client_id,
            "client_secret" => &mut grant.client_secret,
            "scope" => &mut grant.scope,
            "resource" => &mut grant.resource,
            _ => continue,
        };
        *place = value.into_owned();
    }
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(basic) = basic.and_then(|text| text.strip_prefix("Basic ").or_else(|| text.strip_prefix("basic "))) {
        let text = STANDARD.decode(basic.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or(GrantError::Malformed("the Authorization header cannot be read"))?;
        let (client, secret) =
            text.split_once(':').ok_or(GrantError::Malformed("the Authorization header cannot be read"))?;
        // Both halves are written as in a form.
        let plain = |text: &str| {
            url::form_urlencoded::parse(text.as_bytes()).next().map_or(String::new(), |(name, _)| name.into_owned())
        };
        (grant.client_id, grant.client_secret) = (plain(client), plain(secret));
    }
    Ok(grant)
}

fn refused(wrong: &GrantError, id: &RequestId) -> Response {
    match wrong {
        GrantError::Malformed(words) => problem(StatusCode::BAD_REQUEST, "invalid_request", words, id),
        GrantError::UnsupportedType => {
            let words = "the grant type is not `client_credentials`";
            problem(StatusCode::BAD_REQUEST, "unsupported_grant_type", words, id)
        }
        GrantError::WrongClient => {
            let words = "the client is not known, or the secret is not its secret";
            let mut response = problem(StatusCode::UNAUTHORIZED, "invalid_client", words, id);
            let challenge = HeaderValue::from_static("Basic realm=\"sighthound\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        GrantError::UnknownResource(_) => {
            let words = "the resource of `scope` or `resource` is none that this server stands for";
            problem(StatusCode::BAD_REQUEST, "invalid_resource", words, id)
        }
        GrantError::Ours => problem(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "no token could be given", id),
    }
}

/// OAuth 2.0's own form of an error.
fn problem(status: StatusCode, code: &str, words: &str, id: &RequestId) -> Response {
    let body = json!({
        "error": code,
        "error_description": words,
        "trace_id": id.ours,
        "correlation_id": id.theirs.as_ref().unwrap_or(&id.ours),
    });
    json(status, body.to_string())
}

/// The document by which clients find the token endpoint and the keys.
pub async fn discovery(
    doors: Doors,
    Extension(id): Extension<RequestId>,
    Path(tenant): Path<String>,
    uri: Uri,
) -> Response {
    document(&doors, &uri, &id, |access| access.own.discovery(&tenant))
}

pub async fn keys(doors: Doors, Extension(id): Extension<RequestId>, uri: Uri) -> Response {
    document(&doors, &uri, &id, |access| Some(access.own.keys()))
}

fn document(doors: &Doors, uri: &Uri, id: &RequestId, of: impl FnOnce(&Arc<Access>) -> Option<Json>) -> Response {
    match doors.access.as_ref().and_then(of) {
        Some(document) => json(StatusCode::OK, document.to_string()).into_response(),
        None => error::no_such_path(uri, id),
    }
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn names_of_this_machine() {
        let local = ["localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.2:1", "[::1]:8080", "::1", "a.localhost"];
        assert!(local.iter().all(|host| is_local(host)));
        let other = ["", "?", "evil.example", "localhost.evil.example:8080", "192.0.2.1", "[2001:db8::1]:80", "null"];
        assert!(!other.iter().any(|host| is_local(host)));
    }
}
