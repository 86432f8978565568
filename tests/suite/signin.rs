//! Sign-in, by the front door: which tokens are let in, what each may do, whose rows it sees, how much it may ask for.
//! `tests/keys` has a key of somebody else's issuer; what is signed with it here is worth nothing anywhere.
use crate::root;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request as HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use sighthound::access::{Access, Outside, Quotas, Registry, Spending};
use sighthound::engine::{Engine, clock};
use sighthound::http::{Doors, Reach, router};
use sighthound::store::ingest::{Ask, ingest};
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const URL: &str = "http://hounds.test";
const ISSUER: &str = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0";
const OLDER: &str = "https://sts.windows.net/11111111-2222-3333-4444-555555555555/";
const AUDIENCE: &str = "api://sighthound";
const RESOURCE: &str = "https://api.securitycenter.microsoft.com";

/// Two devices in two groups, what happened on them, an alert of each, and a mail that is on neither.
const ROWS: &str = r#"{"category":"AdvancedHunting-DeviceInfo","properties":{"Timestamp":"2024-05-01T00:00:00Z","DeviceId":"d1","DeviceName":"one","MachineGroup":"Servers"}}
{"category":"AdvancedHunting-DeviceInfo","properties":{"Timestamp":"2024-05-01T00:00:00Z","DeviceId":"d2","DeviceName":"two","MachineGroup":"Servers"}}
{"category":"AdvancedHunting-DeviceInfo","properties":{"Timestamp":"2024-05-02T00:00:00Z","DeviceId":"d2","DeviceName":"two","MachineGroup":"Laptops"}}
{"category":"AdvancedHunting-DeviceProcessEvents","properties":{"Timestamp":"2024-05-01T00:00:00Z","DeviceId":"d1","DeviceName":"one","FileName":"a.exe"}}
{"category":"AdvancedHunting-DeviceProcessEvents","properties":{"Timestamp":"2024-05-01T00:00:00Z","DeviceId":"d2","DeviceName":"two","FileName":"b.exe"}}
{"category":"AdvancedHunting-AlertInfo","properties":{"Timestamp":"2024-05-01T00:00:00Z","AlertId":"da1","Title":"first","Severity":"High"}}
{"category":"AdvancedHunting-AlertInfo","properties":{"Timestamp":"2024-05-01T00:00:00Z","AlertId":"da2","Title":"second","Severity":"Low"}}
{"category":"AdvancedHunting-AlertEvidence","properties":{"Timestamp":"2024-05-01T00:00:00Z","AlertId":"da1","DeviceId":"d1","EntityType":"Machine"}}
{"category":"AdvancedHunting-AlertEvidence","properties":{"Timestamp":"2024-05-01T00:00:00Z","AlertId":"da2","DeviceId":"d2","EntityType":"Machine"}}
{"category":"AdvancedHunting-EmailEvents","properties":{"Timestamp":"2024-05-01T00:00:00Z","Subject":"hello"}}
"#;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("signin::tokens_that_do_not_count_are_refused", wrong_tokens),
        Trial::test("signin::tokens_that_count_are_let_in", right_tokens),
        Trial::test("signin::clients_get_tokens_as_their_libraries_ask_for_them", token_requests),
        Trial::test("signin::each_operation_needs_its_permission", permissions),
        Trial::test("signin::a_client_sees_the_rows_of_its_groups_of_devices", groups),
        Trial::test("signin::pages_of_alerts_are_narrowed_too", pages),
        Trial::test("signin::who_need_not_sign_in_asks_from_here", only_from_here),
        Trial::test("signin::quotas_hold_for_each_client", quotas),
        Trial::test("signin::every_refusal_has_the_shape_of_its_door", shapes),
        Trial::test("signin::the_log_has_no_token_no_secret_and_no_query", silent_log),
        Trial::test("signin::tls_from_files", tls),
    ]
}

struct House {
    runtime: Runtime,
    engine: Engine,
    folder: tempfile::TempDir,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let runtime = sighthound::cli::runtime().expect("a runtime");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = folder.path().join("rows.jsonl");
    std::fs::write(&rows, ROWS).expect("a file");
    // Once: many tests read it, at once.
    std::fs::write(folder.path().join("keys.json"), jwks("k1").to_string()).expect("a file");
    let engine = runtime.block_on(async {
        let engine = Engine::open(&folder.path().join("store").display().to_string()).await.expect("a store");
        let rejects = folder.path().join("rejects");
        let ask = Ask { inputs: vec![rows.display().to_string()], table: None, again: false, replace: false, rejects };
        assert_eq!(ingest(engine.store(), ask, Arc::default()).await.expect("the rows").rejected, 0);
        engine
    });
    House { runtime, engine, folder }
});

/// Doors with clients of their own.
pub struct Guarded {
    pub router: Router,
    pub registry: Registry,
    pub access: tempfile::TempDir,
}

pub fn guarded(spending: Spending) -> Guarded {
    let access = tempfile::tempdir().expect("a temporary folder");
    let keys = HOUSE.folder.path().join("keys.json");
    let outside = Outside::new(ISSUER, &[AUDIENCE.to_owned()], Some(&keys)).expect("an issuer");
    let gate = Access::open(access.path(), URL, vec![outside], Quotas::new(spending)).expect("access");
    let registry = Registry::open(access.path()).expect("clients");
    Guarded { router: router(Doors::guarded(HOUSE.engine.clone(), Arc::new(gate))), registry, access }
}

pub fn free() -> Guarded {
    guarded(Spending { hunting_per_minute: 0, alerts_per_minute: 0, tokens_per_minute: 0, ..Spending::default() })
}

pub const ALL: &[&str] = &["AdvancedQuery.Read.All", "Alert.Read.All", "Machine.Read.All"];

impl Guarded {
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, Json) {
        let mut request = HttpRequest::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        HOUSE.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.expect("an answer");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
            (status, headers, serde_json::from_slice(&bytes).unwrap_or(Json::Null))
        })
    }

    pub fn client(&self, name: &str, roles: &[&str], groups: &[&str]) -> (String, String) {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        self.registry.add(name, owned(roles), owned(groups)).expect("a client")
    }

    pub fn token(&self, (id, secret): &(String, String)) -> String {
        let body = form(&[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", &format!("{RESOURCE}/.default")),
        ]);
        let (status, _, answer) = self.send("POST", "/t/oauth2/v2.0/token", &[], &body);
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    fn get(&self, path: &str, token: &str) -> (u16, Json) {
        let (status, _, body) = self.send("GET", path, &[("authorization", &format!("Bearer {token}"))], "");
        (status, body)
    }

    fn hunt(&self, query: &str, token: &str) -> (u16, Json) {
        let body = json!({ "Query": query }).to_string();
        let (status, _, body) =
            self.send("POST", "/api/advancedqueries/run", &[("authorization", &format!("Bearer {token}"))], &body);
        (status, body)
    }

    /// The first column of the answer, in order.
    fn column(&self, query: &str, token: &str) -> String {
        let (status, body) = self.hunt(query, token);
        let rows = body["Results"].as_array().cloned().unwrap_or_default();
        let mut values: Vec<String> = rows
            .iter()
            .filter_map(|row| row.as_object()?.values().next().map(|value| value.to_string().replace('"', "")))
            .collect();
        values.sort();
        if status == 200 { values.join(" ") } else { format!("{status} {}", body["error"]["message"]) }
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn rsa() -> Vec<u8> {
    std::fs::read(root().join("tests/keys/rsa.der")).expect("a key")
}

/// The public half of the other issuer's key, under this name.
fn jwks(kid: &str) -> Json {
    use ring::rsa::{KeyPair, PublicKeyComponents};
    let pair = KeyPair::from_der(&rsa()).expect("a key");
    let public: PublicKeyComponents<Vec<u8>> = pair.public().into();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "keys": [
        { "kty": "oct", "kid": "shared", "k": text(b"secret") },
        { "kty": "RSA", "use": "sig", "kid": kid, "n": text(&public.n), "e": text(&public.e) },
    ] })
}

fn now() -> i64 {
    (clock() - sighthound::value::datetime::UNIX_EPOCH) / 10_000_000
}

fn claims() -> Json {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": now(), "nbf": now(), "exp": now() + 600,
        "appid": "0000-app", "oid": "0000-oid", "roles": ALL,
    })
}

pub fn with(changes: Json) -> Json {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("changes") {
        claims[name] = value.clone();
    }
    claims
}

fn without(name: &str) -> Json {
    let mut claims = claims();
    claims.as_object_mut().expect("claims").remove(name);
    claims
}

pub fn signed(claims: &Json, kid: Option<&str>) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::RS256) };
    encode(&header, claims, &EncodingKey::from_rsa_der(&rsa())).expect("a token")
}

fn part(json: &Json) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Result<(), Failed> {
    if got == wanted { Ok(()) } else { Err(format!("{what}: got {got:?}, wanted {wanted:?}").into()) }
}

fn wrong_tokens() -> Result<(), Failed> {
    let doors = free();
    let good = signed(&claims(), Some("k1"));
    same("a good one", doors.get("/api/alerts", &good).0, 200)?;
    let (head, rest) = good.split_once('.').expect("three parts");
    let (_, signature) = rest.split_once('.').expect("three parts");
    let mut bent = signature.to_owned();
    bent.replace_range(10..11, if &bent[10..11] == "A" { "B" } else { "A" });
    let payload = part(&with(json!({ "roles": ["Alert.ReadWrite.All"] })));
    let hmac = |key: &[u8]| {
        let header = Header { kid: Some("k1".into()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &EncodingKey::from_secret(key)).expect("a token")
    };
    let modulus = URL_SAFE_NO_PAD.decode(jwks("k1")["keys"][1]["n"].as_str().expect("n")).expect("bytes");
    let none = format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT", "kid": "k1" })), part(&claims()));
    let critical = {
        let head = part(&json!({ "alg": "RS256", "kid": "k1", "crit": ["exp"] }));
        let message = format!("{head}.{}", part(&claims()));
        let key = EncodingKey::from_rsa_der(&rsa());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::RS256)?;
        format!("{message}.{signature}")
    };
    let own = doors.token(&doors.client("own", ALL, &[]));
    let stolen = {
        // Signed by the other issuer in our name.
        let kid = jsonwebtoken::decode_header(&own).expect("a header").kid;
        signed(&with(json!({ "iss": format!("{URL}/t/v2.0"), "aud": RESOURCE })), kid.as_deref())
    };
    let cases: Vec<(&str, String, &str)> = vec![
        ("no JWT", "abc".into(), "the access token is not a signed JWT"),
        ("expired", signed(&with(json!({ "exp": now() - 120 })), Some("k1")), "the access token has expired"),
        ("not yet", signed(&with(json!({ "nbf": now() + 600 })), Some("k1")), "the access token is not valid yet"),
        ("no end", signed(&without("exp"), Some("k1")), "lacks a claim"),
        ("an end of a wrong type", signed(&with(json!({ "exp": "9999999999" })), Some("k1")), "lacks a claim"),
        ("a beginning of a wrong type", signed(&with(json!({ "nbf": "soon" })), Some("k1")), "lacks a claim"),
        ("another audience", signed(&with(json!({ "aud": "api://other" })), Some("k1")), "for another audience"),
        (
            "our audience from the other issuer",
            signed(&with(json!({ "aud": RESOURCE })), Some("k1")),
            "another audience",
        ),
        ("no audience", signed(&without("aud"), Some("k1")), "lacks a claim"),
        ("another issuer", signed(&with(json!({ "iss": "https://evil.test/" })), Some("k1")), "of an issuer"),
        ("no issuer", signed(&without("iss"), Some("k1")), "lacks a claim"),
        ("alg none", none, "an algorithm that does not count"),
        ("HMAC with the public key", hmac(&modulus), "an algorithm that does not count"),
        ("HMAC with the set of keys", hmac(jwks("k1").to_string().as_bytes()), "an algorithm that does not count"),
        ("an unknown key", signed(&claims(), Some("k2")), "an unknown key"),
        ("a shared secret as a key", signed(&claims(), Some("shared")), "an unknown key"),
        ("another payload", format!("{head}.{payload}.{signature}"), "signature is wrong"),
        ("another signature", good.replace(signature, &bent), "signature is wrong"),
        ("no signature", good.replace(signature, ""), "signature is wrong"),
        ("ours, signed by the other", stolen, "an algorithm that does not count"),
        ("a critical extension", critical, "a critical extension"),
        ("one that is too long", format!("{good}{}", "x".repeat(17 << 10)), "not a signed JWT"),
        ("roles of a wrong type", signed(&with(json!({ "roles": "Alert.Read.All" })), Some("k1")), "lacks a claim"),
    ];
    for (what, token, reason) in cases {
        let bearer = format!("Bearer {token}");
        let (status, headers, body) = doors.send("GET", "/api/alerts", &[("authorization", &bearer)], "");
        same(what, status, 401)?;
        let message = body["error"]["message"].as_str().unwrap_or("").to_owned();
        same(
            what,
            (message.starts_with("Unauthorized request - reason of failure: "), message.contains(reason)),
            (true, true),
        )
        .map_err(|_| Failed::from(format!("{what}: {message}")))?;
        let challenge = headers.get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or("");
        same(what, challenge.starts_with("Bearer realm=\"sighthound\", error=\"invalid_token\""), true)?;
        for (path, code) in [
            ("/v2/rest/query", "Unauthorized"),
            ("/api/advancedqueries/run", "Unauthorized"),
            ("/v1.0/security/runHuntingQuery", "InvalidAuthenticationToken"),
        ] {
            let (status, _, body) = doors.send("POST", path, &[("authorization", &bearer)], "{}");
            same(&format!("{what} at {path}"), (status, body["error"]["code"].as_str()), (401, Some(code)))?;
        }
    }
    for (what, headers) in [("none", vec![]), ("Basic", vec![("authorization", "Basic YTpi")])] {
        same(what, doors.send("GET", "/api/alerts", &headers, "").0, 401)?;
        same(what, doors.send("POST", "/v2/rest/query", &headers, "{}").0, 401)?;
    }
    same("a missing role", doors.get("/api/alerts", &signed(&without("roles"), Some("k1"))).0, 403)?;
    Ok(())
}

fn right_tokens() -> Result<(), Failed> {
    let doors = free();
    let cases = [
        ("the newer version", claims(), Some("k1")),
        ("the older version", with(json!({ "iss": OLDER })), Some("k1")),
        ("no kid, where there is one key", claims(), None),
        ("several audiences", with(json!({ "aud": ["x", AUDIENCE] })), Some("k1")),
        ("clocks that differ a little", with(json!({ "exp": now() - 5, "nbf": now() + 5 })), Some("k1")),
        ("delegated", with(json!({ "roles": [], "scp": "openid Alert.Read" })), Some("k1")),
    ];
    for (what, claims, kid) in cases {
        same(what, doors.get("/api/alerts", &signed(&claims, kid)).0, 200)?;
    }
    let client = doors.client("ours", ALL, &[]);
    let token = doors.token(&client);
    same("our own", doors.get("/api/alerts", &token).0, 200)?;
    doors.registry.rotate("ours")?;
    same("after a new secret", doors.get("/api/alerts", &token).0, 401)?;
    let other = doors.token(&doors.client("other", ALL, &[]));
    doors.registry.remove("other")?;
    same("after its removal", doors.get("/api/alerts", &other).0, 401)?;
    // The issuer has a new key.
    let keys = HOUSE.folder.path().join("rotated.json");
    std::fs::write(&keys, jwks("old").to_string())?;
    let outside = Outside::new(ISSUER, &[AUDIENCE.to_owned()], Some(&keys))?;
    let gate = Access::open(doors.access.path(), URL, vec![outside], Quotas::new(Spending::default()))?;
    let rotated = router(Doors::guarded(HOUSE.engine.clone(), Arc::new(gate)));
    let rotated = Guarded { router: rotated, ..doors };
    let token = signed(&claims(), Some("new"));
    same("before", rotated.get("/api/alerts", &token).0, 401)?;
    std::fs::write(&keys, jwks("new").to_string())?;
    same("after", rotated.get("/api/alerts", &token).0, 200)
}

fn token_requests() -> Result<(), Failed> {
    let doors = free();
    let (id, secret) = doors.client("soc", ALL, &[]);
    let scope = format!("{RESOURCE}/.default");
    let msal = form(&[
        ("client_id", &id),
        ("grant_type", "client_credentials"),
        ("scope", &format!("{scope} openid")),
        ("client_secret", &secret),
        ("client_info", "1"),
    ]);
    let adal = form(&[
        ("resource", RESOURCE),
        ("client_id", &id),
        ("client_secret", &secret),
        ("grant_type", "client_credentials"),
    ]);
    let slash = form(&[
        ("resource", &format!("{RESOURCE}/")),
        ("client_id", &id),
        ("client_secret", &secret),
        ("grant_type", "client_credentials"),
    ]);
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let bare = form(&[("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")]);
    for (path, headers, body) in [
        ("/contoso.example/oauth2/v2.0/token", vec![], &msal),
        ("/11111111-2222-3333-4444-555555555555/oauth2/token", vec![], &adal),
        ("/t/oauth2/token", vec![], &slash),
        ("/t/oauth2/v2.0/token", vec![("authorization", basic.as_str())], &bare),
    ] {
        let (status, _, answer) = doors.send("POST", path, &headers, body);
        same(path, status, 200)?;
        same(path, answer["token_type"].clone(), json!("Bearer"))?;
        same(path, doors.get("/api/alerts", answer["access_token"].as_str().unwrap_or("")).0, 200)?;
    }
    let refused = |fields: &[(&str, &str)]| {
        let (status, _, body) = doors.send("POST", "/t/oauth2/v2.0/token", &[], &form(fields));
        format!("{status} {}", body["error"].as_str().unwrap_or("?"))
    };
    let good =
        [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret), ("scope", &scope)];
    let but = |name: &str, value: &str| {
        let fields: Vec<(&str, &str)> =
            good.iter().map(|(key, old)| (*key, if *key == name { value } else { old })).collect();
        refused(&fields)
    };
    same("good", refused(&good), "200 ?".into())?;
    same("a wrong secret", but("client_secret", "guess"), "401 invalid_client".into())?;
    same("an unknown client", but("client_id", "nobody"), "401 invalid_client".into())?;
    same("another grant", but("grant_type", "password"), "400 unsupported_grant_type".into())?;
    same("a foreign resource", but("scope", "https://storage.azure.com/.default"), "400 invalid_resource".into())?;
    same("nothing", refused(&[]), "400 invalid_request".into())?;
    let (status, _, found) = doors.send("GET", "/contoso/v2.0/.well-known/openid-configuration", &[], "");
    same("discovery", (status, found["issuer"].clone()), (200, json!(format!("{URL}/contoso/v2.0"))))?;
    let (status, _, keys) = doors.send("GET", "/discovery/v2.0/keys", &[], "");
    same("keys", (status, keys["keys"][0]["alg"].clone()), (200, json!("ES256")))?;
    same("no private part", keys["keys"][0].get("d").is_none(), true)
}

fn permissions() -> Result<(), Failed> {
    let doors = free();
    let hunter = doors.token(&doors.client("hunter", &["AdvancedQuery.Read.All"], &[]));
    let (status, body) = doors.get("/api/alerts", &hunter);
    same("alerts", status, 403)?;
    let said = "Missing application roles. API required roles: Alert.Read.All,Alert.ReadWrite.All, application roles: AdvancedQuery.Read.All.";
    same(
        "alerts",
        (body["error"]["code"].as_str(), body["error"]["message"].as_str()),
        (Some("Forbidden"), Some(said)),
    )?;
    same("a hunt", doors.hunt("print 1", &hunter).0, 200)?;
    same("a set", doors.get("/api/DeviceInfo", &hunter).0, 200)?;
    same("machines", doors.get("/api/machines", &hunter).0, 403)?;
    let bearer = format!("Bearer {hunter}");
    let post = |path: &str, body: &str| doors.send("POST", path, &[("authorization", bearer.as_str())], body).0;
    same("Graph's hunts", post("/v1.0/security/runHuntingQuery", r#"{"Query":"print 1"}"#), 403)?;
    same("Defender XDR's", post("/api/advancedHunting/run", r#"{"Query":"print 1"}"#), 403)?;
    same("Kusto", post("/v2/rest/query", r#"{"csl":"print 1"}"#), 200)?;
    same("a function", post("/v1/rest/mgmt", r#"{"csl":".create-or-alter function F() { print 1 }"}"#), 403)?;
    let reader = doors.token(&doors.client("reader", &["Alert.Read.All"], &[]));
    same("a hunt by a reader", doors.hunt("print 1", &reader).0, 403)?;
    for path in
        ["/api/alerts/da1/machine", "/api/alerts('da1')/machine", "/api/alerts/da1/m%61chine", "/api/DeviceInfo"]
    {
        same(path, doors.get(path, &reader).0, 403)?;
    }
    // Nobody gets to rows by a path that looks like sign-in.
    for path in [
        "/api/DeviceInfo/.well-known/openid-configuration",
        "/api/discovery/v2.0/keys",
        "/odata/v2.0/.well-known/openid-configuration",
    ] {
        let (status, _, _) = doors.send("GET", path, &[], "");
        same(path, status == 401 || status == 404, true)?;
    }
    same("health", doors.send("GET", "/healthz", &[], "").0, 200)
}

fn groups() -> Result<(), Failed> {
    let doors = free();
    let servers = doors.token(&doors.client("servers", ALL, &["Servers"]));
    let laptops = doors.token(&doors.client("laptops", ALL, &["Laptops"]));
    let both = doors.token(&doors.client("both", ALL, &["Servers", "Laptops"]));
    let none = doors.token(&doors.client("none", ALL, &["Printers"]));
    let everybody = doors.token(&doors.client("all", ALL, &[]));
    let cases = [
        // A row has the group that it was written with.
        ("DeviceInfo | count", ["2", "1", "3", "0", "3"]),
        // A device is in the group that it was in last.
        ("DeviceProcessEvents | project FileName", ["a.exe", "b.exe", "a.exe b.exe", "", "a.exe b.exe"]),
        ("DeviceProcessEvents | count", ["1", "1", "2", "0", "2"]),
        ("DeviceProcessEvents | where DeviceId == 'd2' | project FileName", ["", "b.exe", "b.exe", "", "b.exe"]),
        ("AlertInfo | project Title", ["first", "second", "first second", "", "first second"]),
        ("AlertInfo | join AlertEvidence on AlertId | project DeviceId", ["d1", "d2", "d1 d2", "", "d1 d2"]),
        (
            "DeviceProcessEvents | where DeviceId in ((AlertEvidence | project DeviceId)) | project FileName",
            ["a.exe", "b.exe", "a.exe b.exe", "", "a.exe b.exe"],
        ),
        ("print toscalar(DeviceProcessEvents | count)", ["1", "1", "2", "0", "2"]),
        (
            "DeviceProcessEvents | evaluate pivot(DeviceId) | getschema | summarize countif(ColumnName in ('d1', 'd2'))",
            ["1", "1", "2", "0", "2"],
        ),
        ("search in (DeviceProcessEvents, DeviceInfo) 'two' | count", ["1", "2", "3", "0", "3"]),
        ("union Device* | count", ["4", "3", "7", "0", "7"]),
        ("DeviceAlertEvents | distinct AlertId", ["da1", "da2", "da1 da2", "", "da1 da2"]),
    ];
    for (query, wanted) in cases {
        let got = [&servers, &laptops, &both, &none, &everybody].map(|token| doors.column(query, token));
        same(query, got, wanted.map(str::to_owned))?;
    }
    let alerts = |token: &str| {
        let (_, body) = doors.get("/api/alerts?$orderby=id&$select=id", token);
        let ids = body["value"].as_array().cloned().unwrap_or_default();
        ids.iter().map(|alert| alert["id"].as_str().unwrap_or("?").to_owned()).collect::<Vec<_>>().join(" ")
    };
    same(
        "OData",
        [&servers, &laptops, &both].map(|token| alerts(token)),
        ["da1", "da2", "da1 da2"].map(str::to_owned),
    )?;
    same("somebody else's alert", doors.get("/api/alerts/da2", &servers).0, 404)?;
    same("one's own", doors.get("/api/alerts/da1", &servers).0, 200)?;
    let (status, body) = doors.hunt("EmailEvents | count", &servers);
    same("mail", (status, body["error"]["code"].as_str()), (403, Some("Forbidden")))?;
    same("mail of all", doors.column("EmailEvents | count", &everybody), "1".into())?;
    let (status, _) = doors.hunt("externaldata(a:string) ['/etc/hosts']", &servers);
    same("what is outside", status, 403)?;
    // Another issuer's application can be held to a group too, and so can who signs in by it.
    let theirs = |claims: &Json| doors.column("DeviceProcessEvents | project FileName", &signed(claims, Some("k1")));
    same("theirs", theirs(&claims()), "a.exe b.exe".into())?;
    doors.registry.add_outside("theirs", "0000-APP", vec![], vec!["Laptops".into()])?;
    same("theirs, held to a group", theirs(&claims()), "b.exe".into())?;
    same("named elsewhere", theirs(&with(json!({ "appid": null, "sub": "0000-app" }))), "b.exe".into())?;
    doors.registry.add_outside("user", "0000-oid", vec![], vec!["Servers".into()])?;
    same("two groups that have nothing in common", theirs(&claims()), "".into())
}

/// Alerts as pages of the API, of which some have a group of their own and some only a device.
fn pages() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (pages, devices) = (folder.path().join("alerts.json"), folder.path().join("devices.jsonl"));
    let alert = |id: &str, device: &str, group: Json| {
        json!({
            "id": id, "machineId": device, "rbacGroupName": group, "title": id, "severity": "High", "status": "New",
            "alertCreationTime": "2024-05-01T00:00:00Z", "lastUpdateTime": "2024-05-01T00:00:00Z",
            "evidence": [{ "entityType": "File", "sha1": "3395856ce81f2b7382dee72602f798b642f14140", "fileName": id }],
        })
    };
    let alerts = [
        alert("da1", "d1", json!("Servers")),
        alert("da2", "d2", json!("Laptops")),
        alert("da3", "d1", json!(null)),
        alert("da4", "d9", json!(null)),
    ];
    std::fs::write(&pages, json!({ "value": alerts }).to_string())?;
    let few: Vec<&str> = ROWS.lines().filter(|line| line.contains("DeviceInfo")).collect();
    std::fs::write(&devices, few.join("\n"))?;
    let engine = HOUSE.runtime.block_on(async {
        let engine = Engine::open(&folder.path().join("store").display().to_string()).await?;
        let inputs = vec![pages.display().to_string(), devices.display().to_string()];
        let rejects = folder.path().join("rejects");
        let ask = Ask { inputs, table: None, again: false, replace: false, rejects };
        ingest(engine.store(), ask, Arc::default()).await?;
        Ok::<_, Failed>(engine)
    })?;
    let gate = tempfile::tempdir()?;
    let quotas = Quotas::new(Spending { hunting_per_minute: 0, alerts_per_minute: 0, ..Spending::default() });
    let access = Access::open(gate.path(), URL, vec![], quotas)?;
    let registry = Registry::open(gate.path())?;
    let doors = Guarded { router: router(Doors::guarded(engine, Arc::new(access))), registry, access: gate };
    let token = |name: &str, groups: &[&str]| {
        let roles = ["Alert.Read.All", "AdvancedQuery.Read.All", "SecurityAlert.Read.All", "File.Read.All"];
        doors.token(&doors.client(name, &roles, groups))
    };
    let (servers, all) = (token("servers", &["Servers"]), token("all", &[]));
    let ids = |path: &str, token: &str| {
        let (_, body) = doors.get(path, token);
        let mut ids: Vec<String> = body["value"]
            .as_array()
            .map_or(vec![], |alerts| alerts.iter().map(|alert| alert["id"].as_str().unwrap_or("?").into()).collect());
        ids.sort();
        ids.join(" ")
    };
    for path in [
        "/api/alerts",
        "/api/alerts?$filter=severity%20eq%20'High'",
        "/v1.0/security/alerts_v2",
        "/api/files/3395856ce81f2b7382dee72602f798b642f14140/alerts",
    ] {
        same(path, ids(path, &servers), "da1 da3".into())?;
        same(path, ids(path, &all), "da1 da2 da3 da4".into())?;
    }
    same("the number", doors.get("/api/alerts?$count=true&$top=1", &servers).1["@odata.count"].clone(), json!(2))?;
    same("the bare number", doors.get("/api/alerts/$count", &servers).1, json!(2))?;
    let (_, pulled) = doors.get("/api/alerts?sinceTimeUtc=2020-01-01", &servers);
    same("pulled", pulled.as_array().map(Vec::len), Some(2))?;
    same("files of somebody else's", doors.get("/api/alerts/da2/files", &servers).0, 404)?;
    for query in
        ["AlertInfo | project AlertId", "AlertEvidence | distinct AlertId", "DeviceAlertEvents | distinct AlertId"]
    {
        same(query, doors.column(query, &servers), "da1 da3".into())?;
    }
    Ok(())
}

/// Doors over the same few rows at which nobody has to sign in.
pub fn here() -> Result<Guarded, Failed> {
    let (access, registry) = (tempfile::tempdir()?, Registry::open(HOUSE.folder.path())?);
    Ok(Guarded { router: router(Doors::open(HOUSE.engine.clone())), registry, access })
}

/// Where nobody has to sign in, a page of another site in a browser on this machine is let in no more than others.
fn only_from_here() -> Result<(), Failed> {
    let open = |reach| {
        let doors = Doors { reach, ..Doors::open(HOUSE.engine.clone()) };
        let (access, registry) = (tempfile::tempdir()?, Registry::open(HOUSE.folder.path())?);
        Ok::<_, Failed>(Guarded { router: router(doors), registry, access })
    };
    let (here, anywhere) = (open(Reach::Machine)?, open(Reach::Network)?);
    let (_, headers, _) = here.send("GET", "/healthz", &[("origin", "http://localhost:3000")], "");
    same("nothing is said of origins", headers.keys().any(|name| name.as_str().starts_with("access-control")), false)?;
    for (headers, wanted) in [
        (vec![], 200),
        (vec![("host", "localhost:8080")], 200),
        (vec![("host", "[::1]:8080"), ("origin", "http://localhost:3000")], 200),
        (vec![("host", "evil.example:8080")], 403),
        (vec![("host", "127.0.0.1:8080"), ("origin", "https://evil.example")], 403),
        (vec![("host", "127.0.0.1:8080"), ("origin", "null")], 403),
    ] {
        let (status, _, body) = here.send("POST", "/api/advancedqueries/run", &headers, r#"{"Query":"print 1"}"#);
        same(&format!("{headers:?}: {body}"), status, wanted)?;
        let (status, _, _) = anywhere.send("POST", "/api/advancedqueries/run", &headers, r#"{"Query":"print 1"}"#);
        same(&format!("{headers:?}"), status, 200)?;
    }
    Ok(())
}

fn quotas() -> Result<(), Failed> {
    let doors =
        guarded(Spending { hunting_per_minute: 2, alerts_per_hour: 1, tokens_per_minute: 3, ..Spending::default() });
    let client = doors.client("busy", ALL, &[]);
    let token = doors.token(&client);
    let other = doors.token(&doors.client("quiet", ALL, &[]));
    same("first", doors.hunt("print 1", &token).0, 200)?;
    let bearer = format!("Bearer {token}");
    let kusto = || doors.send("POST", "/v2/rest/query", &[("authorization", bearer.as_str())], r#"{"csl":"print 1"}"#);
    same("second", kusto().0, 200)?;
    let (status, headers, body) = kusto();
    same("third", status, 429)?;
    let after: u64 = headers["retry-after"].to_str()?.parse()?;
    same("third", (1..=60).contains(&after), true)?;
    let words = body["error"]["@message"].as_str().unwrap_or("");
    same("its words", words.starts_with("The quota of 2 hunting queries per minute is used up."), true)?;
    let (status, body) = doors.hunt("print 1", &token);
    same("the other door", (status, body["error"]["code"].as_str()), (429, Some("TooManyRequests")))?;
    same("another client", doors.hunt("print 1", &other).0, 200)?;
    same("another quota", doors.get("/api/alerts?$top=1", &token).0, 200)?;
    let (status, body) = doors.get("/api/alerts?$top=1", &token);
    same("an hour's", status, 429)?;
    same(
        "its words",
        body["error"]["message"].as_str().unwrap_or("").contains("1 calls of the alerts APIs per hour"),
        true,
    )?;
    same("documents are free", doors.get("/api/$metadata", &token).0, 200)?;
    let attempts: Vec<u16> = (0..5)
        .map(|_| {
            let body = form(&[
                ("grant_type", "client_credentials"),
                ("client_id", &client.0),
                ("client_secret", "guess"),
                ("resource", RESOURCE),
            ]);
            doors.send("POST", "/t/oauth2/token", &[], &body).0
        })
        .collect();
    same("guesses", attempts, vec![401, 401, 429, 429, 429])
}

fn shapes() -> Result<(), Failed> {
    let doors = free();
    let token = doors.token(&doors.client(
        "c",
        &[
            "AdvancedQuery.Read.All",
            "AdvancedHunting.Read.All",
            "Alert.ReadWrite.All",
            "SecurityAlert.Read.All",
            "ThreatHunting.Read.All",
        ],
        &[],
    ));
    let bearer = format!("Bearer {token}");
    let large = "x".repeat(5 << 20);
    let (status, _, _) = doors.send("POST", "/t/oauth2/token", &[], &large[..1 << 17]);
    same("a large request for a token", status, 413)?;
    let cases: [(&str, &str, &str, u16); 14] = [
        ("GET", "/nowhere", "", 404),
        ("GET", "/api/nowhere", "", 404),
        ("GET", "/v1.0/security/nowhere", "", 404),
        ("GET", "/v1/rest/nowhere", "", 404),
        ("DELETE", "/api/alerts", "", 405),
        ("GET", "/v2/rest/query", "", 405),
        ("GET", "/api/advancedqueries/run", "", 405),
        ("POST", "/api/advancedqueries/run", &large, 413),
        ("POST", "/v2/rest/query", &large, 413),
        ("POST", "/v1.0/security/runHuntingQuery", &large, 413),
        ("POST", "/api/advancedqueries/run", "{", 400),
        ("POST", "/v2/rest/query", "{", 400),
        ("GET", "/api/alerts?$filter=%zz", "", 400),
        ("GET", "/api/alerts?$filter=(", "", 400),
    ];
    for (method, path, body, wanted) in cases {
        for authorized in [true, false] {
            let given = [("authorization", bearer.as_str())];
            let (status, headers, body) = doors.send(method, path, if authorized { &given } else { &[] }, body);
            same(path, status, if authorized { wanted } else { 401 })?;
            if status == 405 {
                same(path, headers.contains_key("allow"), true)?;
            }
            let error = &body["error"];
            let kusto = path.contains("/rest/");
            let graph = path.starts_with("/v1.0");
            let shaped = error["code"].is_string()
                && error["message"].is_string()
                && (error["@message"].is_string() == kusto)
                && (error["innerError"]["request-id"].is_string() == graph)
                && (error["target"].is_string() != (kusto || graph));
            same(&format!("{method} {path}: {body}"), shaped, true)?;
        }
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// All on one thread, since the log is this thread's.
fn silent_log() -> Result<(), Failed> {
    let doors = free();
    let (id, secret) = doors.client("secretive", ALL, &["Servers"]);
    let token = doors.token(&(id.clone(), secret.clone()));
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_env_filter("warn,sighthound=trace,axum=trace,tower=trace")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // Where there is but one log, what other threads log first decides what this one does.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let here = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let send = |method: &str, path: &str, bearer: &str, body: &str| {
        let request = HttpRequest::builder().method(method).uri(path).header("authorization", bearer);
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let answer = here.block_on(doors.router.clone().oneshot(request)).expect("an answer");
        here.block_on(to_bytes(answer.into_body(), usize::MAX)).expect("a body");
    };
    tracing::subscriber::with_default(log, || {
        let bearer = format!("Bearer {token}");
        let grant = form(&[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", &secret),
            ("resource", RESOURCE),
        ]);
        send("POST", "/t/oauth2/token", "", &grant);
        send("POST", "/t/oauth2/token", "", &grant.replace(&secret, "wrongsecret"));
        for query in [
            "DeviceInfo | where DeviceName == 'needleword'",
            "DeviceInfo | whre needleword",
            "EmailEvents | where Subject == 'needleword'",
        ] {
            let body = json!({ "Query": query, "csl": query }).to_string();
            send("POST", "/api/advancedqueries/run", &bearer, &body);
            send("POST", "/v2/rest/query", &bearer, &body);
            send("POST", "/api/advancedqueries/run", &format!("{bearer}x"), &body);
        }
        send("GET", "/api/alerts?$filter=title%20eq%20'needleword'", &bearer, "");
        send("GET", "/api/alerts?access_token=needleword", &bearer, "");
    });
    let text = String::from_utf8_lossy(&lines.0.lock().expect("lines")).into_owned();
    same("callers are logged", text.contains("caller=\"secretive\""), true).map_err(|_| Failed::from(text.clone()))?;
    same("requests are logged", text.matches("answered").count() >= 13, true)
        .map_err(|_| Failed::from(text.clone()))?;
    let signature = token.rsplit('.').next().unwrap_or("");
    for hidden in [secret.as_str(), "wrongsecret", signature, "needleword"] {
        same(hidden, text.contains(hidden), false).map_err(|_| Failed::from(format!("{hidden} is in\n{text}")))?;
    }
    Ok(())
}

fn tls() -> Result<(), Failed> {
    let keys = root().join("tests/keys");
    let certificate = sighthound::http::Certificate::open(&keys.join("tls-cert.pem"), &keys.join("tls-key.pem"))?;
    let swapped = sighthound::http::Certificate::open(&keys.join("tls-key.pem"), &keys.join("tls-cert.pem"));
    same("a key for a certificate", swapped.is_err(), true)?;
    HOUSE.runtime.block_on(async {
        let listener = sighthound::http::listener("127.0.0.1:0", sighthound::http::Reach::Machine).await?;
        let address = listener.local_addr()?;
        let server =
            tokio::spawn(sighthound::http::serve(listener, Doors::open(HOUSE.engine.clone()), Some(certificate)));
        // Somebody who never shakes hands keeps nobody waiting.
        let _silent = tokio::net::TcpStream::connect(address).await?;
        let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build()?;
        let answer = client.get(format!("https://{address}/api/alerts?$top=1&$count=true")).send().await?;
        same("over TLS", answer.status().as_u16(), 200)?;
        let text = String::from_utf8_lossy(&answer.bytes().await?).into_owned();
        same("links", text.contains(&format!("https://{address}/api/$metadata#Alerts")), true)?;
        same("without TLS", client.get(format!("http://{address}/healthz")).send().await.is_err(), true)?;
        server.abort();
        Ok(())
    })
}
