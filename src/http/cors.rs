//! Pages of other origins. None may read an answer unless its origin is on the list; without a list no answer says anything
//! of origins.
//! <https://fetch.spec.whatwg.org/#http-cors-protocol>
use super::routes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What a page may read of an answer beside its body.
const SHOWN: &str =
    "ETag, Retry-After, Preference-Applied, OData-Version, request-id, x-ms-activity-id, Content-Location";
/// Seconds for which a browser need not ask again.
const REMEMBERED: &str = "600";

/// The origin of a request, if it is on the list.
pub fn origin(listed: &[String], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    listed.iter().any(|one| one.eq_ignore_ascii_case(text)).then(|| origin.clone())
}

/// A browser's question before a request, with its answer: which methods and headers the request may have.
pub fn preflight(request: &Request, origin: &HeaderValue) -> Option<Response> {
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() != Method::OPTIONS || !asks {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let wanted = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let headers = response.headers_mut();
    let methods = routes::methods(request.uri().path());
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, routes::allow(&methods));
    headers.extend(wanted.map(|wanted| (header::ACCESS_CONTROL_ALLOW_HEADERS, wanted)));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
    readable(&mut response, origin);
    Some(response)
}

/// Lets a page of this origin read the answer.
pub fn readable(response: &mut Response, origin: &HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(SHOWN));
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
