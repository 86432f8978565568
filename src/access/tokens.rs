//! Whether a bearer token counts, and who holds it. The signature is the library's business; what the claims must be is
//! checked here, strictly: a claim of the wrong type is as bad as a wrong one.
use super::clients::Client;
use super::keys::{Keys, algorithms, decoding};
use super::{Access, Caller};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, TokenData, Validation};
use serde_json::{Map, Value as Json};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;
/// No token is so long.
const MOST_BYTES: usize = 16 << 10;
/// More permissions than anybody has.
const MOST_PERMISSIONS: usize = 1000;

/// Why a token does not count. The words go to the client; they repeat nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    Missing,
    NotBearer,
    Malformed,
    Algorithm,
    Extension,
    Issuer,
    Key,
    Signature,
    Expired,
    NotYet,
    Audience,
    Claims,
    Client,
    Ours,
}

impl Denied {
    pub fn words(self) -> &'static str {
        match self {
            Denied::Missing => "the request has no access token",
            Denied::NotBearer => "the Authorization header is no bearer token",
            Denied::Malformed => "the access token is not a signed JWT",
            Denied::Algorithm => "the access token is signed by an algorithm that does not count here",
            Denied::Extension => "the access token has a critical extension that is not known here",
            Denied::Issuer => "the access token is of an issuer that does not count here",
            Denied::Key => "the access token is signed with an unknown key",
            Denied::Signature => "the access token's signature is wrong",
            Denied::Expired => "the access token has expired",
            Denied::NotYet => "the access token is not valid yet",
            Denied::Audience => "the access token is for another audience",
            Denied::Claims => "the access token lacks a claim, or has one of a wrong type",
            Denied::Client => "the client of the access token is not known, or has a new secret since",
            Denied::Ours => "the access token could not be checked",
        }
    }
}

/// Another issuer whose tokens count.
pub struct Outside {
    /// As its tokens write it.
    issuers: Vec<String>,
    audiences: Vec<String>,
    keys: Keys,
}

impl Outside {
    /// With `file` the keys are read from it and nobody is asked for them.
    pub fn new(issuer: &str, audiences: &[String], file: Option<&Path>) -> io::Result<Outside> {
        if audiences.is_empty() {
            return Err(io::Error::other("an issuer needs an audience: its tokens are for others, too"));
        }
        let keys = match file {
            Some(file) => Keys::in_file(file)?,
            None => Keys::of_issuer(issuer)?,
        };
        let audiences = audiences.iter().map(|one| one.trim_end_matches('/').to_owned()).collect();
        Ok(Outside { issuers: both_versions(issuer), audiences, keys })
    }
}

/// Entra ID signs tokens of both its versions with the same keys, under two names.
fn both_versions(issuer: &str) -> Vec<String> {
    let (old, new) = ("https://sts.windows.net/", "https://login.microsoftonline.com/");
    let tenant = issuer.strip_prefix(old).or_else(|| issuer.strip_prefix(new)?.strip_suffix("/v2.0"));
    match tenant.map(|tenant| tenant.trim_end_matches('/')).filter(|tenant| !tenant.is_empty()) {
        Some(tenant) => vec![format!("{old}{tenant}/"), format!("{new}{tenant}/v2.0")],
        None => vec![issuer.to_owned()],
    }
}

pub async fn caller(access: &Access, token: &str) -> Result<Caller, Denied> {
    if token.len() > MOST_BYTES {
        return Err(Denied::Malformed);
    }
    let unread = peeked(token)?;
    if header(token).get("crit").is_some() {
        return Err(Denied::Extension);
    }
    let issuer = unread.get("iss").and_then(Json::as_str).ok_or(Denied::Claims)?;
    let named = jsonwebtoken::decode_header(token).map_err(|_| algorithm_or_malformed(token))?.kid;
    if access.own.is(issuer) {
        if named.as_deref() != Some(access.own.kid.as_str()) {
            return Err(Denied::Key);
        }
        let claims = checked(token, &access.own.public, |audience| access.own.takes(audience))?;
        return own(access, &claims);
    }
    let outside = access.outside.iter().find(|one| one.issuers.iter().any(|name| name == issuer));
    let outside = outside.ok_or(Denied::Issuer)?;
    let key = outside.keys.find(named.as_deref()).await.ok_or(Denied::Key)?;
    let takes = |audience: &str| outside.audiences.iter().any(|one| one == audience.trim_end_matches('/'));
    outsider(access, &checked(token, &key, takes)?)
}

/// The claims, before anything is known of them, to find out whose keys to try.
fn peeked(token: &str) -> Result<Map<String, Json>, Denied> {
    let mut lenient = Validation::default();
    lenient.insecure_disable_signature_validation();
    lenient.required_spec_claims.clear();
    (lenient.validate_exp, lenient.validate_aud) = (false, false);
    if token.split('.').count() != 3 {
        return Err(Denied::Malformed);
    }
    let decoded = jsonwebtoken::decode(token, &DecodingKey::from_secret(&[]), &lenient);
    decoded.map(|data: TokenData<_>| data.claims).map_err(|_| algorithm_or_malformed(token))
}

/// All of it: the library passes over what it does not know.
fn header(token: &str) -> Json {
    use base64::Engine;
    let header = token.split('.').next().unwrap_or("");
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    serde_json::from_slice(&header).unwrap_or_default()
}

/// The library knows no `none`, and no algorithm that it could not check.
fn algorithm_or_malformed(token: &str) -> Denied {
    if header(token).get("alg").is_some_and(Json::is_string) { Denied::Algorithm } else { Denied::Malformed }
}

fn checked(token: &str, key: &Jwk, takes: impl Fn(&str) -> bool) -> Result<Map<String, Json>, Denied> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Denied::Malformed)?;
    if !algorithms(key).contains(&header.alg) {
        return Err(Denied::Algorithm);
    }
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let data: TokenData<Map<String, Json>> =
        jsonwebtoken::decode(token, &decoding(key).ok_or(Denied::Key)?, &validation).map_err(|_| Denied::Signature)?;
    let claims = data.claims;
    let now = super::now();
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(Denied::Claims),
        },
    };
    if time("exp")?.ok_or(Denied::Claims)?.saturating_add(LEEWAY) <= now {
        return Err(Denied::Expired);
    }
    if time("nbf")?.is_some_and(|from| from.saturating_sub(LEEWAY) > now) {
        return Err(Denied::NotYet);
    }
    time("iat")?;
    let right = match claims.get("aud") {
        Some(Json::String(audience)) => takes(audience),
        Some(Json::Array(audiences)) => audiences.iter().filter_map(Json::as_str).any(takes),
        _ => return Err(Denied::Claims),
    };
    if right { Ok(claims) } else { Err(Denied::Audience) }
}

fn text<'c>(claims: &'c Map<String, Json>, names: &[&str]) -> Option<&'c str> {
    names.iter().find_map(|name| claims.get(*name)?.as_str()).filter(|text| !text.is_empty())
}

/// A token of ours holds for as long as its client is listed; what it may do is what the list says now.
fn own(access: &Access, claims: &Map<String, Json>) -> Result<Caller, Denied> {
    let id = text(claims, &["appid"]).ok_or(Denied::Claims)?;
    let client = access.registry.find(id).map_err(|error| {
        tracing::error!(%error, "the list of clients cannot be read");
        Denied::Ours
    })?;
    let client = client.filter(|client| client.id == id && !client.is_outside()).ok_or(Denied::Client)?;
    if claims.get("iat").and_then(Json::as_i64).is_none_or(|at| at < client.secret_since) {
        return Err(Denied::Client);
    }
    let device_groups = client.groups();
    let roles = Some(client.roles.into());
    Ok(Caller { name: client.name.into(), id: client.id.into(), roles, scopes: Arc::new([]), device_groups })
}

fn outsider(access: &Access, claims: &Map<String, Json>) -> Result<Caller, Denied> {
    let application = text(claims, &["appid", "azp", "client_id"]);
    let subject = text(claims, &["oid", "sub"]);
    let roles: Vec<String> = match claims.get("roles") {
        None => Vec::new(),
        Some(Json::Array(roles)) => {
            roles.iter().filter_map(Json::as_str).take(MOST_PERMISSIONS).map(str::to_owned).collect()
        }
        Some(_) => return Err(Denied::Claims),
    };
    let scopes: Vec<String> = match claims.get("scp") {
        None => Vec::new(),
        Some(Json::String(scopes)) => scopes.split_whitespace().take(MOST_PERMISSIONS).map(str::to_owned).collect(),
        Some(_) => return Err(Denied::Claims),
    };
    // A user's token goes by the user, an application's by the application.
    let user = if scopes.is_empty() { None } else { subject };
    let id = user.or(application).or(subject).ok_or(Denied::Claims)?;
    let all = access.registry.all().map_err(|error| {
        tracing::error!(%error, "the list of clients cannot be read");
        Denied::Ours
    })?;
    // Whatever the token names may be held to groups of devices: the application, and the user too. Issuers differ in
    // which claim they put an application's id, so none of them is passed over.
    let ids = ["appid", "azp", "client_id", "oid", "sub"].map(|name| text(claims, &[name]));
    let mut listed = all
        .iter()
        .filter(|client| client.is_outside() && ids.iter().flatten().any(|id| client.id.eq_ignore_ascii_case(id)));
    let device_groups = listed.clone().filter_map(Client::groups).reduce(|mut one, other| {
        if one != other {
            one = one.iter().filter(|group| other.contains(group)).cloned().collect();
        }
        one
    });
    let name = match (listed.next(), scopes.is_empty()) {
        (Some(client), true) => client.name.as_str(),
        _ => text(claims, &["upn", "preferred_username", "unique_name", "app_displayname"]).unwrap_or(id),
    };
    let name = name.chars().filter(|c| !c.is_control()).take(200).collect::<String>().into();
    Ok(Caller { name, id: id.into(), roles: Some(roles.into()), scopes: scopes.into(), device_groups })
}
