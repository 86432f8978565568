//! The doors as the caller of a request finds them.
use super::Doors;
use crate::access::Caller;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;

/// A handler that takes `State<Doors>` in place of `Doors` has those of nobody in particular.
impl FromRequestParts<Doors> for Doors {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Doors, Infallible> {
        let caller = parts.extensions.get::<Caller>().cloned();
        Ok(Doors { caller: caller.unwrap_or_else(Caller::nobody), ..doors.clone() })
    }
}
