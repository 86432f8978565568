//! The public keys of another issuer: from its address, kept for a while and asked for again when a token names one that
//! is not among them; or from a file, for machines that reach no issuer.
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value as Json;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

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

#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    from: From,
    held: Mutex<Held>,
    /// Held while asking the issuer, so that many requests ask once.
    asking: tokio::sync::Mutex<()>,
    pause: Duration,
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
        Ok(Keys::new(From::File(path.to_owned()), Held { keys: Arc::new(keys), stamp, ..Held::default() }, PAUSE))
    }

    /// Asks nobody yet.
    pub fn of_issuer(issuer: &str) -> io::Result<Keys> {
        Keys::asking(issuer, PAUSE)
    }

    fn asking(issuer: &str, pause: Duration) -> io::Result<Keys> {
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
        Ok(Keys::new(From::Issuer(client, issuer.trim_end_matches('/').to_owned()), Held::default(), pause))
    }

    fn new(from: From, held: Held, pause: Duration) -> Keys {
        Keys(Arc::new(Inner { from, held: Mutex::new(held), asking: tokio::sync::Mutex::default(), pause }))
    }

    /// The key of that name, or the only key where the token names none. An issuer that is slow, or gone, keeps only those
    /// waiting whose key is not known.
    pub async fn find(&self, kid: Option<&str>) -> Option<Jwk> {
        self.0.look();
        let (key, fresh) = {
            let held = self.0.held();
            let age = held.read.map(|at| at.elapsed());
            let usable = matches!(self.0.from, From::File(_)) || age.is_some_and(|age| age < STALE);
            let fresh = matches!(self.0.from, From::File(_)) || age.is_some_and(|age| age < FRESH);
            (pick(&held.keys, kid).filter(|_| usable), fresh)
        };
        match (key, fresh) {
            (Some(key), true) => Some(key),
            (Some(key), false) => {
                let inner = Arc::clone(&self.0);
                tokio::spawn(async move { inner.ask().await });
                Some(key)
            }
            (None, _) => {
                self.0.ask().await;
                let held = self.0.held();
                let usable = held.read.is_none_or(|at| at.elapsed() < STALE);
                pick(&held.keys, kid).filter(|_| usable)
            }
        }
    }
}

impl Inner {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file again if it has changed.
    fn look(&self) {
        let From::File(path) = &self.from else { return };
        let stamp = std::fs::metadata(path).and_then(|file| file.modified()).ok();
        let mut held = self.held();
        if stamp.is_some() && stamp != held.stamp {
            match read_file(path) {
                Ok(keys) => (held.keys, held.stamp) = (Arc::new(keys), stamp),
                Err(error) => tracing::warn!(%error, "the file of keys cannot be read; the old keys stay"),
            }
        }
    }

    /// Asks the issuer, if nobody has just done so.
    async fn ask(&self) {
        let From::Issuer(client, issuer) = &self.from else { return };
        let _asking = self.asking.lock().await;
        {
            let mut held = self.held();
            if held.tried.is_some_and(|at| at.elapsed() < self.pause) {
                return;
            }
            held.tried = Some(Instant::now());
        }
        match fetch(client, issuer).await {
            Ok(keys) => {
                let mut held = self.held();
                (held.keys, held.read) = (Arc::new(keys), Some(Instant::now()));
            }
            Err(error) => tracing::warn!(%error, issuer, "the issuer's keys cannot be had"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    /// Answers each request by what is said then.
    fn issuer(said: Arc<Mutex<Option<String>>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let own = url.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let asked = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let keys = said.lock().unwrap().clone();
                let (status, body) = match keys {
                    None => ("503 Gone", String::new()),
                    Some(_) if asked.contains("openid-configuration") => {
                        ("200 OK", format!(r#"{{"jwks_uri":"{own}/keys"}}"#))
                    }
                    Some(kid) => {
                        let x = "A".repeat(43);
                        let key = format!(r#"{{"kty":"EC","crv":"P-256","kid":"{kid}","x":"{x}","y":"{x}"}}"#);
                        ("200 OK", format!(r#"{{"keys":[{{"kty":"new"}},{key}]}}"#))
                    }
                };
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        url
    }

    #[test]
    fn keys_are_asked_for_when_a_token_names_a_new_one_but_not_again_and_again() {
        let said = Arc::new(Mutex::new(Some("a".to_owned())));
        let url = issuer(Arc::clone(&said));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let eager = Keys::asking(&url, Duration::ZERO).unwrap();
            let patient = Keys::of_issuer(&url).unwrap();
            for keys in [&eager, &patient] {
                assert!(keys.find(Some("a")).await.is_some() && keys.find(None).await.is_some());
            }
            *said.lock().unwrap() = Some("b".into());
            assert!(eager.find(Some("b")).await.is_some() && eager.find(Some("a")).await.is_none());
            assert!(patient.find(Some("b")).await.is_none() && patient.find(Some("a")).await.is_some());
            *said.lock().unwrap() = None;
            assert!(eager.find(Some("c")).await.is_none() && eager.find(Some("b")).await.is_some());
        });
        assert!(Keys::of_issuer("http://issuer.example").is_err());
    }
}
