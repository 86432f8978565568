//! The public keys of another issuer: from its address, kept for a while and asked for again when a token names one that
//! is not among them; or from a file, for machines that reach no issuer.
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value as Json;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;

/// What an issuer may send.
const MOST_BYTES: usize = 1 << 20;
const MOST_KEYS: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);
/// Keys are asked for again after this time; where they cannot be had, the old ones count up to [`STALE`].
const FRESH: Duration = Duration::from_secs(3600);
const STALE: Duration = Duration::from_secs(24 * 3600);
/// An unknown key, or a failure, is not asked about more often than this.
const PAUSE: Duration = Duration::from_secs(30);

enum From {
    File(PathBuf),
    /// The issuer, whose discovery document says where the keys are.
    Issuer(reqwest::Client, String),
}

pub struct Keys {
    from: From,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    keys: Arc<Vec<Jwk>>,
    read: Option<Instant>,
    tried: Option<Instant>,
    stamp: Option<SystemTime>,
}

impl Keys {
    /// Fails where the file is not there or holds no key.
    pub fn in_file(path: &Path) -> io::Result<Keys> {
        let keys = read_file(path)?;
        let stamp = std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let held = Held { keys: Arc::new(keys), stamp, ..Held::default() };
        Ok(Keys { from: From::File(path.to_owned()), held: Mutex::new(held) })
    }

    /// Asks nobody yet.
    pub fn of_issuer(issuer: &str) -> io::Result<Keys> {
        let url = url::Url::parse(issuer).map_err(|error| io::Error::other(format!("`{issuer}`: {error}")))?;
        let here = url.host_str().is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host));
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err(io::Error::other(format!("`{issuer}` is not https, so its keys could be anybody's")));
        }
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .https_only(url.scheme() == "https")
            .build()
            .map_err(io::Error::other)?;
        Ok(Keys { from: From::Issuer(client, issuer.trim_end_matches('/').to_owned()), held: Mutex::default() })
    }

    /// The key of that name, or the only key where the token names none.
    pub async fn find(&self, kid: Option<&str>) -> Option<Jwk> {
        // Held while asking, so that many requests ask once.
        let mut held = self.held.lock().await;
        self.refresh(&mut held, |held| held.read.is_none_or(|at| at.elapsed() > FRESH)).await;
        if pick(&held.keys, kid).is_none() {
            self.refresh(&mut held, |_| true).await;
        }
        pick(&held.keys, kid)
    }

    async fn refresh(&self, held: &mut Held, wanted: impl Fn(&Held) -> bool) {
        match &self.from {
            From::File(path) => {
                let stamp = std::fs::metadata(path).and_then(|file| file.modified()).ok();
                if stamp.is_some() && stamp != held.stamp {
                    match read_file(path) {
                        Ok(keys) => (held.keys, held.stamp) = (Arc::new(keys), stamp),
                        Err(error) => tracing::warn!(%error, "the file of keys cannot be read; the old keys stay"),
                    }
                }
            }
            From::Issuer(client, issuer) => {
                if !wanted(held) || held.tried.is_some_and(|at| at.elapsed() < PAUSE) {
                    return;
                }
                held.tried = Some(Instant::now());
                match fetch(client, issuer).await {
                    Ok(keys) => (held.keys, held.read) = (Arc::new(keys), Some(Instant::now())),
                    Err(error) => tracing::warn!(%error, issuer, "the issuer's keys cannot be had"),
                }
                if held.read.is_none_or(|at| at.elapsed() > STALE) {
                    held.keys = Arc::default();
                }
            }
        }
    }
}

fn pick(keys: &[Jwk], kid: Option<&str>) -> Option<Jwk> {
    match (kid, keys) {
        (Some(kid), keys) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(kid)).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

fn read_file(path: &Path) -> io::Result<Vec<Jwk>> {
    let wrong = |error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(&error))?;
    let json: Json = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
    let keys = listed(&json);
    if keys.is_empty() { Err(wrong(&"no key that a token can be signed with is in it")) } else { Ok(keys) }
}

async fn fetch(client: &reqwest::Client, issuer: &str) -> io::Result<Vec<Jwk>> {
    let document = get(client, &format!("{issuer}/.well-known/openid-configuration")).await?;
    let url = document.get("jwks_uri").and_then(Json::as_str).ok_or_else(|| io::Error::other("no `jwks_uri`"))?;
    let keys = listed(&get(client, url).await?);
    if keys.is_empty() { Err(io::Error::other("no keys")) } else { Ok(keys) }
}

async fn get(client: &reqwest::Client, url: &str) -> io::Result<Json> {
    let mut response = client.get(url).send().await.map_err(io::Error::other)?;
    if !response.status().is_success() {
        return Err(io::Error::other(format!("{url}: {}", response.status())));
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(io::Error::other)? {
        if body.len() + piece.len() > MOST_BYTES {
            return Err(io::Error::other(format!("{url}: too large")));
        }
        body.extend_from_slice(&piece);
    }
    serde_json::from_slice(&body).map_err(io::Error::other)
}

/// Those that tokens can be signed with; kinds of keys that are not known are passed over.
fn listed(json: &Json) -> Vec<Jwk> {
    let keys = json.get("keys").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let keys = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    let signs = |key: &Jwk| matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    keys.filter(|key| signs(key) && !algorithms(key).is_empty()).take(MOST_KEYS).collect()
}

/// How a token can be signed with the private half of this key. A shared secret is no key here: whoever knows the public
/// half of a pair could sign with it.
pub fn algorithms(key: &Jwk) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let all: &[Algorithm] = match &key.algorithm {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => &[ES256],
            EllipticCurve::P384 => &[ES384],
            EllipticCurve::P521 | EllipticCurve::Ed25519 => &[],
        },
        AlgorithmParameters::OctetKeyPair(_) => &[EdDSA],
        AlgorithmParameters::OctetKey(_) => &[],
    };
    let said = key.common.key_algorithm.map(|said| said.to_string());
    all.iter().copied().filter(|one| said.as_ref().is_none_or(|said| *said == format!("{one:?}"))).collect()
}

/// The key in the form that signatures are checked with.
pub fn decoding(key: &Jwk) -> Option<DecodingKey> {
    DecodingKey::from_jwk(key).ok()
}
