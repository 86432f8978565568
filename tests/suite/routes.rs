//! The document of what can be asked, held against what answers: the router, the methods that it takes, and what each
//! operation needs. And what no single request shows: batches with permissions and quotas, pages of other origins, clients
//! that are slow.
use crate::front::front;
use crate::signin::{ALL, Guarded, free, guarded, same, signed, with};
use axum::http::HeaderMap;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use sighthound::access::Spending;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("routes::the_document_needs_what_the_doors_need", needs),
        Trial::test("routes::paths_take_the_methods_that_the_document_has", methods),
        Trial::test("routes::what_the_document_shows_is_answered", examples),
        Trial::test("routes::requests_of_a_batch_are_their_senders", batches),
        Trial::test("routes::pages_of_listed_origins_may_read", origins),
        Trial::test("routes::who_does_not_say_what_it_wants_is_not_waited_for", slow),
    ]
}

/// One operation of the document.
struct Operation {
    method: String,
    /// With its examples in place of its parameters.
    path: String,
    /// Roles or scopes, of which one is needed; `None` where nobody has to sign in.
    needs: Option<Vec<String>>,
    of_signin: bool,
    body: Option<String>,
    kind: String,
}

fn document(doors: &Guarded) -> Result<Json, Failed> {
    let (status, _, document) = doors.send("GET", "/openapi.json", &[], "");
    same("the document", status, 200)?;
    Ok(document)
}

fn operations(document: &Json) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, one) in methods.as_object().expect("operations") {
            let parameters = one["parameters"].as_array().cloned().unwrap_or_default();
            let keys = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let path = keys.fold(path.clone(), |path, key| {
                let name = format!("{{{}}}", key["name"].as_str().unwrap_or(""));
                path.replace(&name, key["example"].as_str().unwrap_or("x"))
            });
            let security = one["security"].as_array();
            let names = security.map(|all| {
                let names = all.iter().flat_map(|one| one["signIn"].as_array().cloned().unwrap_or_default());
                names.filter_map(|name| name.as_str().map(str::to_owned)).collect::<Vec<_>>()
            });
            let content = one["requestBody"]["content"].as_object();
            let content = content.and_then(|content| content.iter().next());
            let body = content.map(|(_, media)| match &media["example"] {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            });
            all.push(Operation {
                method: method.to_uppercase(),
                path,
                needs: names.filter(|_| security != Some(&vec![])),
                of_signin: one["tags"][0] == "sign-in",
                body,
                kind: content.map(|(media, _)| media.clone()).unwrap_or_default(),
            });
        }
    }
    all
}

fn needs() -> Result<(), Failed> {
    let doors = unlimited();
    let all = operations(&document(&doors)?);
    same("there are some", all.len() > 60, true)?;
    for Operation { method, path, needs, .. } in &all {
        let what = format!("{method} {path}");
        // Permissions come before what is wrong with a request.
        let path = format!("{path}?$filter=(");
        let status = |claims: &Json| {
            let bearer = format!("Bearer {}", signed(claims, Some("k1")));
            doors.send(method, &path, &[("authorization", &bearer)], "").0
        };
        let nobody = doors.send(method, &path, &[], "").0;
        same(&format!("{what} without a token"), nobody == 401, needs.is_some())?;
        let Some(needs) = needs else { continue };
        let none = with(json!({ "roles": ["Nothing.Read"], "scp": "Nothing" }));
        same(&format!("{what} with no permission"), status(&none) == 403, !needs.is_empty())?;
        for name in needs {
            let by_role = status(&with(json!({ "roles": [name] })));
            let by_scope = || status(&with(json!({ "roles": [], "scp": name })));
            same(&format!("{what} with {name}"), by_role != 403 || by_scope() != 403, true)?;
        }
    }
    Ok(())
}

/// Doors that count nothing.
fn unlimited() -> Guarded {
    guarded(Spending {
        alerts_per_minute: 0,
        alerts_per_hour: 0,
        create_per_minute: 0,
        batch_per_minute: 0,
        batch_per_hour: 0,
        hunting_per_minute: 0,
        hunting_per_hour: 0,
        hunting_seconds_per_hour: 0,
        hunting_seconds_per_day: 0,
        tokens_per_minute: 0,
    })
}

fn methods() -> Result<(), Failed> {
    let doors = unlimited();
    let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Operation { method, path, .. } in operations(&document(&doors)?) {
        taken.entry(path).or_default().push(method);
    }
    let roles = ["Alert.ReadWrite.All", "Incident.ReadWrite.All", "SecurityAlert.ReadWrite.All"];
    let more = ["SecurityIncident.ReadWrite.All", "User.Read.All", "File.Read.All", "Ip.Read.All", "URL.Read.All"];
    let hunts = ["AdvancedHunting.Read.All", "ThreatHunting.Read.All"];
    let every: Vec<&str> = ALL.iter().chain(&roles).chain(&more).chain(&hunts).copied().collect();
    let bearer = format!("Bearer {}", signed(&with(json!({ "roles": every })), Some("k1")));
    // What is wrong with an option is told after the method.
    let send = |method: &str, path: &str| {
        doors.send(method, &format!("{path}?$filter=("), &[("authorization", bearer.as_str())], "")
    };
    for (path, methods) in taken {
        for method in ["GET", "POST", "PATCH", "PUT", "DELETE", "TRACE"] {
            let (status, headers, body) = send(method, &path);
            let what = format!("{method} {path}: {status} {body}");
            let known = methods.iter().any(|one| one == method);
            same(&what, status == 405, !known)?;
            let message = body["error"]["message"].as_str().unwrap_or("");
            same(&what, message.starts_with("No resource is at"), false)?;
            if !known {
                let mut allowed: Vec<&str> = text(&headers, "allow").split(", ").collect();
                allowed.retain(|method| !["HEAD", "OPTIONS"].contains(method));
                let mut wanted: Vec<&str> = methods.iter().map(String::as_str).collect();
                allowed.sort_unstable();
                wanted.sort_unstable();
                same(&what, allowed, wanted)?;
                same(&what, body["error"]["code"].as_str(), Some("MethodNotAllowed"))?;
            }
        }
        let (status, headers, _) = doors.send("OPTIONS", &path, &[], "");
        same(&format!("OPTIONS {path}"), (status, text(&headers, "allow").ends_with("OPTIONS")), (204, true))?;
        if methods.iter().any(|method| method == "GET") {
            let (head, whole) = (send("HEAD", &path), send("GET", &path));
            same(&format!("HEAD {path}"), (head.0, &head.2), (whole.0, &Json::Null))?;
            same(&format!("HEAD {path}"), text(&head.1, "content-type"), text(&whole.1, "content-type"))?;
        }
    }
    Ok(())
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Over the bundled rows, which the examples are of. What changes something is left out.
fn examples() -> Result<(), Failed> {
    let document = document(&free())?;
    for Operation { method, path, of_signin, body, kind, .. } in operations(&document) {
        let changes = method == "PATCH" || path.contains("/comments") || path.contains("alerts/");
        // What some samples leave the door out of is answered by who answers behind the door.
        if of_signin || path.starts_with("/alerts/") || (changes && method != "GET") {
            continue;
        }
        let lists = ["alerts", "alerts_v2", "incidents", "machines", "files", "ips", "domains", "users"];
        let list = method == "GET" && path.rsplit('/').next().is_some_and(|word| lists.contains(&word));
        let query = if list { "?$top=1" } else { "" };
        let kind = if kind.is_empty() { String::new() } else { format!("content-type: {kind}\n") };
        let request = format!("{method} {path}{query}\n{kind}host: localhost\n\n{}", body.unwrap_or_default());
        let answer = front().response(&request)?;
        same(&format!("{request}\n{}", &answer[..answer.len().min(400)]), answer.starts_with("200 "), true)?;
    }
    let (_, headers, _) = free().send("GET", "/docs", &[], "");
    same("the page loads nothing", text(&headers, "content-security-policy").starts_with("default-src 'none'"), true)?;
    let page = front().response("GET /docs\nhost: localhost\n\n")?;
    same("nor refers to other hosts", page.contains("://") || page.contains("<script"), false)
}

/// A request in a batch may do what it may do alone, and counts as much.
fn batches() -> Result<(), Failed> {
    let doors = guarded(Spending { alerts_per_minute: 3, hunting_per_minute: 0, ..Spending::default() });
    let token = doors.token(&doors.client("batcher", &["Alert.Read.All"], &["Servers"]));
    let bearer = format!("Bearer {token}");
    let send = |requests: Json, authorized: bool| {
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let headers = if authorized { &headers[..] } else { &headers[..1] };
        let (status, _, body) =
            doors.send("POST", "/api/$batch", headers, &json!({ "requests": requests }).to_string());
        let responses = body["responses"].as_array().cloned().unwrap_or_default();
        (status, responses)
    };
    let one = |id: &str, method: &str, url: &str| json!({ "id": id, "method": method, "url": url });
    same("nobody", send(json!([one("1", "get", "alerts")]), false).0, 401)?;
    let (status, told) = send(
        json!([
            one("1", "get", "alerts?$select=id"),
            one("2", "get", "machines"),
            one("3", "patch", "alerts/da1"),
            one("4", "get", "alerts/da2?$select=id"),
            one("5", "get", "alerts/da1?$select=id"),
            one("6", "get", "alerts/da1?$select=id"),
        ]),
        true,
    );
    same("the batch", status, 200)?;
    let statuses: Vec<u64> = told.iter().filter_map(|one| one["status"].as_u64()).collect();
    same("its requests", statuses, vec![200, 403, 403, 404, 200, 429])?;
    same("rows of its groups", told[0]["body"]["value"].clone(), json!([{ "id": "da1" }]))?;
    same("when to come again", told[5]["headers"]["retry-after"].is_string(), true)?;
    let (_, told) = send(
        json!([{ "id": "1", "method": "get", "url": "alerts", "headers": { "authorization": "Bearer x" } }]),
        true,
    );
    same("a token of its own", told[0]["status"].clone(), json!(400))?;
    let many: Vec<Json> = (0..101).map(|id| one(&id.to_string(), "get", "alerts")).collect();
    same("too many", send(json!(many), true).0, 400)
}

fn origins() -> Result<(), Failed> {
    use sighthound::http::{Doors, router};
    let list: std::sync::Arc<[String]> = ["https://soc.example".to_owned()].into();
    let doors = free();
    let listed = Guarded { router: router(Doors { origins: list, ..Doors::open(front().engine().clone()) }), ..doors };
    let from = |origin: &'static str| [("host", "localhost"), ("origin", origin)];
    let (status, headers, _) = listed.send("GET", "/api/alerts?$top=1", &from("https://soc.example"), "");
    same("listed", (status, text(&headers, "access-control-allow-origin")), (200, "https://soc.example"))?;
    let (status, headers, _) = listed.send("GET", "/api/alerts?$top=1", &from("https://evil.example"), "");
    same("another", (status, text(&headers, "access-control-allow-origin")), (403, ""))?;
    let asks = |origin| [from(origin).as_slice(), &[("access-control-request-method", "PATCH")]].concat();
    let (status, headers, _) = listed.send("OPTIONS", "/api/alerts/da1", &asks("https://soc.example"), "");
    same("asked before", (status, text(&headers, "access-control-allow-methods")), (204, "GET, HEAD, PATCH, OPTIONS"))?;
    let (status, headers, _) = listed.send("OPTIONS", "/api/alerts/da1", &asks("https://evil.example"), "");
    same("asked by another", (status, text(&headers, "access-control-allow-methods")), (403, ""))
}

/// Heads and bodies that never end end the connection, and others are answered meanwhile; what cannot be read is told so.
fn slow() -> Result<(), Failed> {
    use sighthound::http::{Doors, Reach, listener, serve};
    let runtime = sighthound::cli::runtime()?;
    let doors = Doors { patience: Duration::from_millis(400), ..Doors::open(front().engine().clone()) };
    let listener = runtime.block_on(listener("127.0.0.1:0", Reach::Machine))?;
    let address = listener.local_addr()?;
    runtime.spawn(serve(listener, doors, None));
    let said = |text: &str| {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(text.as_bytes())?;
        Ok::<_, Failed>(stream)
    };
    let heard = |mut stream: TcpStream| {
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok::<_, Failed>(text)
    };
    let line = said("GET /healthz?a b")?;
    let head = said("GET /healthz HTTP/1.1\r\nhost: loc")?;
    let body =
        said("POST /api/advancedqueries/run HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{\"Query\":")?;
    let whole = said("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    same("one that does", heard(whole)?.starts_with("HTTP/1.1 200 OK"), true)?;
    let close = "host: localhost\r\nconnection: close\r\n\r\n";
    let blanks = said(&format!(
        "GET /api/alerts?$top=1&$search=\"é\" HTTP/1.1\r\nhost: localhost\r\n\r\n\
         GET /api/alerts?$filter=severity eq 'High' and id ne 'x'&$top=1 HTTP/1.1\r\n{close}"
    ));
    same("options that are not encoded", heard(blanks?)?.matches("HTTP/1.1 200 OK").count(), 2)?;
    for (request, wanted) in [
        ("hello\r\n\r\n".to_owned(), "400 BadRequest"),
        (format!("GET /api/alerts /x HTTP/1.1\r\n{close}"), "400 BadRequest"),
        (format!("GET /api/alerts?$filter={} HTTP/1.1\r\n{close}", "x".repeat(70_000)), "414 UriTooLong"),
        (format!("GET /healthz HTTP/1.1\r\n{}{close}", "x: y\r\n".repeat(120)), "431 RequestHeaderFieldsTooLarge"),
    ] {
        let told = heard(said(&request)?)?;
        let (head, body) = told.split_once("\r\n\r\n").unwrap_or((&told, ""));
        let error: Json = serde_json::from_str(body)?;
        let code = error["error"]["code"].as_str().unwrap_or("?");
        same(wanted, format!("{} {code}", head.get(9..12).unwrap_or("")), wanted.to_owned())?;
        same(wanted, head.contains(&format!("content-length: {}", body.len())), true)?;
        same(wanted, error["error"]["target"].is_string() && error["error"]["message"].is_string(), true)?;
    }
    for part in [line, head] {
        let told = heard(part)?;
        same(&format!("half a head: {told}"), told.is_empty() || told.starts_with("HTTP/1.1 408"), true)?;
    }
    let told = heard(body)?;
    let shaped = told.starts_with("HTTP/1.1 408") && told.contains("{\"error\":{\"code\":\"RequestTimeout\"");
    same(&format!("half a body: {told}"), shaped, true)
}
