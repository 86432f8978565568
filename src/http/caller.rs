//! Who is asking: what every request carries once it is known, and what a handler may do in that name.
use super::Doors;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::convert::Infallible;
use std::sync::Arc;

/// Whoever sent a request. Every request has one in its extensions; nothing that comes over the wire can put it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What it goes by in comments, assignments and the log.
    pub name: Arc<str>,
    /// What does not change when it is renamed: the application's id.
    pub id: Arc<str>,
    /// Application permissions such as `Alert.Read.All`; all of them where absent.
    pub roles: Option<Arc<[String]>>,
    /// Only rows of devices in these groups are there for it; all rows where absent.
    pub device_groups: Option<Arc<[String]>>,
}

impl Caller {
    /// Somebody at this machine, where nobody has to sign in.
    pub fn local() -> Caller {
        Caller { name: "local".into(), id: "local".into(), roles: None, device_groups: None }
    }

    /// Somebody who may do nothing.
    pub fn nobody() -> Caller {
        let none: Arc<[String]> = Arc::new([]);
        Caller { name: "nobody".into(), id: "nobody".into(), roles: Some(none.clone()), device_groups: Some(none) }
    }
}

/// The doors as the caller of this request finds them. A handler that takes `State<Doors>` in their place has those of
/// nobody in particular.
impl FromRequestParts<Doors> for Doors {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Doors, Infallible> {
        let caller = parts.extensions.get::<Caller>().cloned();
        Ok(Doors { caller: caller.unwrap_or_else(Caller::nobody), ..doors.clone() })
    }
}
