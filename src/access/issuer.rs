//! Our own issuer of tokens: client credentials in, a signed token out, and the documents by which clients find it.
use super::clients::{Client, Registry, lock, random, write_secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value as Json, json};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The private key, as PKCS #8.
const FILE: &str = "issuer-key.pk8";
/// Seconds for which a token counts.
pub const LIFETIME: i64 = 3600;

/// The resources that clients name when they ask for a token; this server stands for all of them.
const RESOURCES: &[&str] = &[
    "https://api.securitycenter.microsoft.com",
    "https://api.securitycenter.windows.com",
    "https://api.security.microsoft.com",
    "https://graph.microsoft.com",
    "https://graph.windows.net",
    "https://kusto.kusto.windows.net",
    "https://securitycenter.onmicrosoft.com/windowsatpservice",
    "https://securitycenter.onmicrosoft.com/mtp",
];

pub struct Issuer {
    /// Without a slash at the end.
    url: String,
    registry: Arc<Registry>,
    key: EncodingKey,
    pub(super) kid: String,
    pub(super) public: Jwk,
}

/// What a client asks a token with.
#[derive(Clone, Default)]
pub struct Grant {
    pub tenant: String,
    pub grant_type: String,
    pub client_id: String,
    pub client_secret: String,
    /// `https://…/.default`, by the newer endpoint.
    pub scope: String,
    /// By the older one.
    pub resource: String,
}

/// Why there is no token, as OAuth 2.0 names it, with words for a reader.
#[derive(Debug, PartialEq, Eq)]
pub enum GrantError {
    Malformed(&'static str),
    UnsupportedType,
    WrongClient,
    UnknownResource(String),
    Ours,
}

impl Issuer {
    /// Opens the key in the folder, or makes one.
    pub fn open(folder: &Path, url: &str, registry: Arc<Registry>) -> io::Result<Issuer> {
        // Two servers that start at once make one key.
        let _lock = lock(folder)?;
        let path = folder.join(FILE);
        let random = SystemRandom::new();
        let unusable = |_| io::Error::other(format!("{} holds no key of the curve P-256", path.display()));
        let document = match fs::read(&path) {
            Ok(document) => document,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                let fresh = fresh.map_err(|_| io::Error::other("no key could be made"))?;
                write_secret(folder, FILE, fresh.as_ref())?;
                fresh.as_ref().to_vec()
            }
            Err(error) => return Err(error),
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &random).map_err(unusable)?;
        // An uncompressed point: 4, x, y.
        let point = pair.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len().saturating_sub(1) / 2);
        let kid =
            BASE64.encode(ring::digest::digest(&ring::digest::SHA256, point).as_ref().get(..12).unwrap_or_default());
        let public = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid,
            "x": BASE64.encode(x), "y": BASE64.encode(y),
        });
        let public = serde_json::from_value(public).map_err(io::Error::other)?;
        let key = EncodingKey::from_ec_der(&document);
        Ok(Issuer { url: url.trim_end_matches('/').to_owned(), registry, key, kid, public })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    fn named(&self, tenant: &str) -> String {
        format!("{}/{tenant}/v2.0", self.url)
    }

    /// Whether this is our name, with any tenant in it.
    pub(super) fn is(&self, issuer: &str) -> bool {
        let tenant = issuer.strip_prefix(&self.url).and_then(|rest| rest.strip_prefix('/')?.strip_suffix("/v2.0"));
        tenant.is_some_and(is_tenant)
    }

    pub(super) fn takes(&self, audience: &str) -> bool {
        let audience = audience.trim_end_matches('/');
        audience.eq_ignore_ascii_case(&self.url) || RESOURCES.iter().any(|one| one.eq_ignore_ascii_case(audience))
    }

    /// A token for who proves to be a client. Computes for some milliseconds.
    pub fn token(&self, grant: &Grant) -> Result<String, GrantError> {
        if grant.grant_type.is_empty() {
            return Err(GrantError::Malformed("the body must have the parameter `grant_type`"));
        }
        if grant.grant_type != "client_credentials" {
            return Err(GrantError::UnsupportedType);
        }
        if grant.client_id.is_empty() || grant.client_secret.is_empty() {
            return Err(GrantError::Malformed("the body must have the parameters `client_id` and `client_secret`"));
        }
        if !is_tenant(&grant.tenant) {
            return Err(GrantError::Malformed("the path names no tenant"));
        }
        let audience = self.audience(grant)?;
        let proven = self.registry.proven(&grant.client_id, &grant.client_secret);
        let client = proven.map_err(|error| {
            tracing::error!(%error, "the list of clients cannot be read");
            GrantError::Ours
        })?;
        self.signed(&client.ok_or(GrantError::WrongClient)?, &grant.tenant, &audience).map_err(|error| {
            tracing::error!(%error, "no token could be signed");
            GrantError::Ours
        })
    }

    fn audience(&self, grant: &Grant) -> Result<String, GrantError> {
        let of_scope = || {
            // MSAL adds scopes of its own, such as `openid`.
            let scope = grant.scope.split_whitespace().find(|scope| scope.ends_with("/.default"));
            scope.and_then(|scope| scope.strip_suffix("/.default"))
        };
        let asked = if grant.resource.is_empty() { of_scope() } else { Some(grant.resource.as_str()) };
        let Some(asked) = asked else {
            return Err(GrantError::Malformed(
                "the body must have the parameter `scope`, such as `…/.default`, or `resource`",
            ));
        };
        if self.takes(asked) {
            Ok(asked.trim_end_matches('/').to_owned())
        } else {
            Err(GrantError::UnknownResource(asked.into()))
        }
    }

    fn signed(&self, client: &Client, tenant: &str, audience: &str) -> io::Result<String> {
        let now = super::now();
        let claims = json!({
            "aud": audience,
            "iss": self.named(tenant),
            "iat": now.max(client.secret_since.min(now + 1)),
            "nbf": now,
            "exp": now + LIFETIME,
            "appid": client.id,
            "app_displayname": client.name,
            "azp": client.id,
            "idtyp": "app",
            "oid": client.id,
            "roles": client.roles,
            "sub": client.id,
            "tid": tenant,
            "uti": random(16)?,
            "ver": "2.0",
        });
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(io::Error::other)
    }

    /// `/{tenant}/v2.0/.well-known/openid-configuration`.
    pub fn discovery(&self, tenant: &str) -> Option<Json> {
        let url = &self.url;
        is_tenant(tenant).then(|| {
            json!({
                "issuer": self.named(tenant),
                "token_endpoint": format!("{url}/{tenant}/oauth2/v2.0/token"),
                "authorization_endpoint": format!("{url}/{tenant}/oauth2/v2.0/authorize"),
                "jwks_uri": format!("{url}/discovery/v2.0/keys"),
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "scopes_supported": RESOURCES.iter().map(|one| format!("{one}/.default")).collect::<Vec<_>>(),
                "claims_supported": ["aud", "iss", "iat", "nbf", "exp", "sub", "oid", "tid", "appid", "roles"],
            })
        })
    }

    /// `/discovery/v2.0/keys`.
    pub fn keys(&self) -> Json {
        json!({ "keys": [self.public] })
    }
}

/// A GUID, a domain or a word such as `common`: all stand for the one tenant there is.
fn is_tenant(tenant: &str) -> bool {
    (1..=100).contains(&tenant.len())
        && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}
