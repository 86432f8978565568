//! The document as a page: one file with its own style, nothing that is fetched and nothing that runs.
use super::{meaning, need, reference, routes, schemas, statuses};
use crate::http::routes::{In, Kind, Operation, Parameter, Verb};
use serde_json::Value as Json;
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1c2024;\
    background:#fff}h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:1px solid #d5d9de}nav a{margin-right:1rem}\
    details{border:1px solid #d5d9de;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}\
    summary span{color:#5b6470;margin-left:.6rem}b.get{color:#0b6e4f}b.post{color:#1d4ed8}b.patch{color:#9a3412}\
    code,pre{font:13px/1.45 ui-monospace,monospace}pre{background:#f5f6f8;padding:.7rem;border-radius:6px;overflow:auto}\
    table{border-collapse:collapse;width:100%}td{border-top:1px solid #e6e9ed;padding:.3rem .6rem .3rem 0;\
    vertical-align:top}td:first-child{white-space:nowrap}h4{margin:.9rem 0 .3rem}\
    @media(prefers-color-scheme:dark){body{background:#14171a;color:#e4e7eb}pre{background:#1d2125}\
    h2,details{border-color:#363c43}td{border-color:#2a3036}b.get{color:#4ade80}b.post{color:#93c5fd}b.patch{color:#fdba74}\
    summary span{color:#9aa4b0}a{color:#93c5fd}}";

const TAGS: [(&str, &str); 8] = [
    ("alerts", "Alerts"),
    ("incidents", "Incidents"),
    ("entities", "Devices, files, addresses, domains, users"),
    ("tables", "Hunting tables"),
    ("graph", "Graph"),
    ("hunting", "Queries in KQL"),
    ("service", "The service"),
    ("sign-in", "Sign-in"),
];

pub fn html() -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sighthound: what can be asked</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style></head><body>\
         <h1>Sighthound {}</h1><p>What can be asked here. The same for programs is at \
         <a href=\"openapi.json\"><code>/openapi.json</code></a>.</p><nav>",
        env!("CARGO_PKG_VERSION")
    );
    for (tag, title) in TAGS {
        let _ = write!(out, "<a href=\"#{tag}\">{title}</a>");
    }
    out.push_str("</nav>");
    for (tag, title) in TAGS {
        let _ = write!(out, "<h2 id=\"{tag}\">{title}</h2>");
        for resource in routes::resources() {
            for one in resource.operations.iter().filter(|one| one.tag == tag) {
                operation(resource.path, one, &mut out);
            }
        }
    }
    shapes(&mut out);
    out.push_str("</body></html>");
    out
}

fn operation(path: &str, one: &Operation, out: &mut String) {
    let (verb, class) = match one.verb {
        Verb::Get => ("GET", "get"),
        Verb::Post => ("POST", "post"),
        Verb::Patch => ("PATCH", "patch"),
    };
    let _ = write!(
        out,
        "<details><summary><b class=\"{class}\">{verb}</b> <code>{}</code><span>{}</span></summary>",
        plain(path),
        marked(one.words)
    );
    if !one.more.is_empty() {
        let _ = write!(out, "<p>{}</p>", marked(one.more));
    }
    permissions(path, one, out);
    let parameters: Vec<&Parameter> =
        one.parameters.iter().copied().flatten().filter(|parameter| super::belongs(parameter, path)).collect();
    if !parameters.is_empty() {
        out.push_str("<h4>Parameters</h4><table>");
        for parameter in parameters {
            row(parameter, out);
        }
        out.push_str("</table>");
    }
    if !one.body.is_empty() {
        out.push_str("<h4>Body</h4>");
        for (media, schema) in one.body {
            let _ = write!(out, "<p><code>{media}</code>: {}</p>", link(schema));
            if let Some(example) = schemas::example(schema) {
                let _ = write!(out, "<pre>{}</pre>", plain(&shown(&example)));
            }
        }
    }
    out.push_str("<h4>Answer</h4><table>");
    let success: Vec<String> = one
        .answer
        .iter()
        .map(|(media, schemas)| {
            let schemas: Vec<String> = schemas.iter().map(|schema| link(schema)).collect();
            format!("<code>{media}</code>: {}", schemas.join(" or "))
        })
        .collect();
    let success = if success.is_empty() { "no body".to_owned() } else { success.join("; ") };
    let _ = write!(out, "<tr><td>200</td><td>{success}</td></tr>");
    for status in statuses(path, one) {
        let _ = write!(out, "<tr><td>{status}</td><td>{}</td></tr>", marked(meaning(status)));
    }
    out.push_str("</table></details>");
}

fn permissions(path: &str, one: &Operation, out: &mut String) {
    let need = need(one.verb.method().as_str(), &super::filled(path));
    let words = match need {
        None => "Nobody has to sign in for it.".to_owned(),
        Some(need) if need.open() => "Any client that is known may ask.".to_owned(),
        Some(need) => {
            let names = |names: &[&str]| {
                let names: Vec<String> = names.iter().map(|name| format!("<code>{name}</code>")).collect();
                names.join(" or ")
            };
            format!("Needs the role {}, or the scope {}.", names(need.roles), names(need.scopes))
        }
    };
    let _ = write!(out, "<p>{words}</p>");
}

fn row(parameter: &Parameter, out: &mut String) {
    let place = match parameter.place {
        In::Path => "in the path",
        In::Query => "option",
        In::Header => "header",
    };
    let kind = match parameter.kind {
        Kind::Text | Kind::Key => "text".to_owned(),
        Kind::Table => "the name of a table".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Truth => "<code>true</code> or <code>false</code>".to_owned(),
        Kind::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("<code>{word}</code>")).collect();
            words.join(", ")
        }
        Kind::Texts => "text, more than once".to_owned(),
    };
    let example = match parameter.example {
        "" => String::new(),
        example => format!(" For instance <code>{}</code>.", plain(example)),
    };
    let _ = write!(
        out,
        "<tr><td><code>{}</code></td><td>{place}, {kind}</td><td>{}{example}</td></tr>",
        plain(parameter.name),
        marked(parameter.words)
    );
}

/// Every schema, at the end, where links lead to.
fn shapes(out: &mut String) {
    out.push_str("<h2 id=\"shapes\">Shapes</h2>");
    for (name, schema) in schemas::all() {
        let _ = write!(
            out,
            "<details id=\"{name}\"><summary><code>{name}</code></summary><pre>{}</pre></details>",
            plain(&shown(&schema))
        );
    }
}

fn link(schema: &str) -> String {
    let target = reference(schema)["$ref"].as_str().and_then(|path| path.rsplit('/').next().map(str::to_owned));
    format!("<a href=\"#{0}\">{0}</a>", target.unwrap_or_default())
}

fn shown(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// With what stands between backticks as code.
fn marked(text: &str) -> String {
    let parts = plain(text);
    let parts = parts.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}
