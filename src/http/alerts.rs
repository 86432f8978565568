//! `GET /api/{set}…` and `/odata/{set}…`: alerts, what is related to them, and the hunting tables, as OData;
//! `/v1.0/security/alerts_v2`: alerts as Graph has them.
use super::error::{self, Door};
use super::shape::Shape;
use super::{Doors, RequestId, contained, incidents, json, metadata, pull};
use crate::access::permissions::reading;
use crate::columns::Cells;
use crate::engine::request_lines::path::{Asked, asked};
use crate::engine::request_lines::{KEY, PAGE, PAGE_SIZE, VERSION, WITH_KEYS, paging};
use crate::engine::{Language, QueryError, Request, RequestLine, request_line};
use crate::text::{Source, codes};
use crate::types::Type;
use crate::value::Value;
use crate::wire::odata_json::{Entities, Told};
use axum::Extension;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

pub async fn get(doors: Doors, Extension(id): Extension<RequestId>, headers: HeaderMap, uri: Uri) -> Response {
    let path = uri.path().trim_matches('/');
    let query = uri.query().unwrap_or("");
    let root = Root::of(&headers, path, doors.secure);
    if let Some(response) = metadata::get(path, query, &headers, &root.url) {
        return response;
    }
    if incidents::is_one(path) {
        let need = reading("incidents", None, root.door == Door::Graph);
        if !doors.caller.may(&need) {
            return error::forbidden(root.door, &need, &doors.caller, &id);
        }
        settled(&doors, query).await;
        return incidents::get(&doors, &root, &uri, &id).await;
    }
    let text = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let source = Source::named("request", text.as_str());
    let read = request_line(&source).and_then(|line| asked(&line.path).map(|it| (line, it)).map_err(|it| vec![it]));
    let (line, what) = match read {
        Ok(read) => read,
        Err(faults) => return failed(&uri, root.door, QueryError::Wrong(source, faults), &id),
    };
    let relation = what.relation.as_ref().map(|relation| relation.text.as_str());
    let need = reading(&what.set.text, relation, root.door == Door::Graph);
    if !doors.caller.may(&need) {
        return error::forbidden(root.door, &need, &doors.caller, &id);
    }
    if pull::is_one(&what, query) {
        return pull::answer(&doors, query, &id).await;
    }
    // What only incidents are made of has no path.
    if what.set.text.eq_ignore_ascii_case("alertsOfIncidents") {
        return error::no_such_path(&uri, &id);
    }
    settled(&doors, query).await;
    let shape = match Shape::of(&line, &headers, &source) {
        Ok(shape) => shape,
        Err(failure) => return failed(&uri, root.door, failure, &id),
    };
    let found = match Found::shaped(&doors, &text, shape).await {
        Ok(found) => found,
        Err(failure) => return failed(&uri, root.door, failure, &id),
    };
    let nothing = found.entities.items.is_empty() && found.count.is_none_or(|count| count == 0);
    if nothing && let Some(missing) = missing(&doors, &line, &what).await {
        return match missing {
            Ok(message) => error::stated(root.door, StatusCode::NOT_FOUND, "ResourceNotFound", &message, &id),
            Err(failure) => failed(&uri, root.door, failure, &id),
        };
    }
    if what.count {
        let count = found.count.unwrap_or(0).to_string();
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], count).into_response();
    }
    let mut response = found.response(&root, &uri, &line, &what);
    shape.told(&mut response);
    response
}

/// A client that asks for what changed up to now will not ask for that again: commits under way are waited for.
async fn settled(doors: &Doors, query: &str) {
    if query.to_ascii_lowercase().contains("lastupdate") {
        doors.engine.store().settled().await;
    }
}

/// Where the request came to, for the links in its answer.
pub struct Root {
    /// `http://host`
    host: String,
    /// `http://host/api`
    pub url: String,
    service: &'static str,
    /// What stands before the name of a set in `@odata.context`.
    before: &'static str,
    pub door: Door,
}

/// The request line for the one thing of a key.
pub fn key_line(set: &str, key: &str) -> String {
    format!("{set}({})", literal(key))
}

/// A text in quotes, as it stands in a request line.
pub fn literal(text: &str) -> String {
    format!("'{}'", encoded(&text.replace('\'', "''")))
}

/// A text as it stands in a request line.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'\'' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

impl Root {
    /// `http://host`
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Behind a proxy that says so the links have its scheme and host.
    pub fn of(headers: &HeaderMap, path: &str, secure: bool) -> Root {
        let given = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let scheme = if secure || given("x-forwarded-proto") == Some("https") { "https" } else { "http" };
        let host = given("x-forwarded-host").or_else(|| given(header::HOST.as_str())).unwrap_or("localhost");
        let host = format!("{scheme}://{host}");
        let (service, before, door) = match path.split('/').next().map(str::to_ascii_lowercase).as_deref() {
            Some("odata") => ("odata", "", Door::Alerts),
            Some("v1.0") => ("v1.0", "security/", Door::Graph),
            _ => ("api", "", Door::Alerts),
        };
        Root { url: format!("{host}/{service}"), service, host, before, door }
    }

    /// Where the answer's set, and what of it is there, is told of.
    fn context(&self, set: &str, what: &str) -> String {
        let service = metadata::service_of(set, self.service);
        format!("{}/{service}/$metadata#{}{set}{what}", self.host, self.before)
    }
}

fn failed(uri: &Uri, door: Door, failure: QueryError, id: &RequestId) -> Response {
    match &failure {
        QueryError::Wrong(_, faults) if faults.iter().any(|fault| fault.code == codes::UNKNOWN_TABLE) => {
            error::no_such_path(uri, id)
        }
        _ => error::response(door, &failure, id),
    }
}

/// What to say where the one thing that was asked for is not there, or that whose relations were asked for.
async fn missing(doors: &Doors, line: &RequestLine, what: &Asked) -> Option<Result<String, QueryError>> {
    let kind = what.set.text.to_ascii_lowercase();
    let kind = kind.strip_suffix("_v2").unwrap_or(&kind);
    let kind = kind.strip_suffix('s').unwrap_or(kind);
    let kind = format!("{}{}", kind.get(..1).unwrap_or("").to_ascii_uppercase(), kind.get(1..).unwrap_or(""));
    let gone = format!("{kind} {} does not exist.", what.key.as_deref().unwrap_or(""));
    let Some(owner) = what.owner() else { return (what.single() && !what.count).then_some(Ok(gone)) };
    let options = &line.options;
    let narrowed = options.filter.is_some() || options.skip.is_some() || options.skiptoken.is_some();
    if !what.single() && (narrowed || options.top == Some(0)) {
        return None;
    }
    match Found::of(doors, &owner).await {
        Err(failure) => Some(Err(failure)),
        Ok(found) if found.count == Some(0) => Some(Ok(gone)),
        Ok(_) => {
            let relation = what.relation.as_ref().map_or("", |relation| relation.text.as_str());
            what.single().then(|| Ok(format!("The {relation} of that {} is not known.", kind.to_ascii_lowercase())))
        }
    }
}

/// The entities of a request, one more than a page where there are more, and their number where it was asked for.
pub struct Found {
    set: String,
    /// The properties of the entities.
    names: Vec<String>,
    entities: Entities,
    count: Option<i64>,
    /// How many entities a page has.
    page: u64,
    /// What was asked.
    line: RequestLine,
}

impl Found {
    pub async fn of(doors: &Doors, text: &str) -> Result<Found, QueryError> {
        Found::shaped(doors, text, Shape::default()).await
    }

    /// As [`Found::of`], with pages of at most so many.
    pub async fn sized(doors: &Doors, text: &str, page: u64) -> Result<Found, QueryError> {
        Found::shaped(doors, text, Shape::paged(page)).await
    }

    async fn shaped(doors: &Doors, text: &str, shape: Shape) -> Result<Found, QueryError> {
        let page = shape.page.unwrap_or(PAGE).min(PAGE);
        // What is wrong with it is told by the answer.
        let line = request_line(&Source::new(text)).unwrap_or_default();
        let mut request = Request::new(doors.limits.alerts);
        request.parameters.push((WITH_KEYS.into(), String::new()));
        request.parameters.push((PAGE_SIZE.into(), page.to_string()));
        let answer = doors.ask(Language::OData, text, request).await?;
        let entities = Entities::new(page as usize, KEY, VERSION, Told::default());
        let mut found = Found { set: String::new(), names: vec![], entities, count: None, page, line };
        for mut table in answer.tables {
            let counts = table.name == "count";
            if !counts {
                found.set.clone_from(&table.name);
                let names = table.schema.names().filter(|name| !name.starts_with(KEY));
                found.names = names.map(str::to_owned).collect();
                // What `$apply` makes of entities has no type and no address.
                let made =
                    if found.line.options.apply.is_empty() { metadata::told(&table.name) } else { Told::default() };
                found.entities = Entities::new(page as usize, KEY, VERSION, Told { level: shape.level, ..made });
            }
            while let Some(batch) = contained(table.batches.next()).await? {
                let batch = batch?;
                if !counts {
                    found.entities.batch(&batch, &table.schema);
                } else if batch.num_rows() > 0 {
                    let cells = Cells::new(batch.column(0), Type::Long);
                    found.count = if let Value::Long(number) = cells.get(0) { Some(number) } else { None };
                }
            }
        }
        Ok(found)
    }

    /// The entities, as JSON.
    pub fn items(&self) -> impl Iterator<Item = serde_json::Value> {
        self.entities.items.iter().filter_map(|item| serde_json::from_slice(item).ok())
    }

    pub fn len(&self) -> usize {
        self.entities.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entities.items.is_empty()
    }

    pub fn count(&self) -> Option<i64> {
        self.count
    }

    /// Puts these in the place of the entities, one for each.
    pub fn replace(&mut self, items: impl Iterator<Item = serde_json::Value>) {
        self.entities.items = items.map(|item| item.to_string().into_bytes()).collect();
    }

    /// Gives the set another name.
    pub fn named(&mut self, set: &str) {
        set.clone_into(&mut self.set);
    }

    /// The tag of the first, where it is of a kind that changes: it stays the same for as long as nothing is said of it.
    pub fn tag(&self) -> Option<String> {
        self.entities.version.map(|version| format!("\"{version}\""))
    }

    /// The first alone, and its tag.
    pub fn whole(&self, root: &Root) -> Option<(Vec<u8>, Option<HeaderValue>)> {
        let context = root.context(&self.set, "/$entity");
        let tag = self.tag().and_then(|tag| HeaderValue::from_str(&tag).ok());
        Some((self.entities.single(&context)?, tag))
    }

    fn response(self, root: &Root, uri: &Uri, line: &RequestLine, what: &Asked) -> Response {
        let paths = line.options.select.iter().map(|item| item.path.iter().map(|name| name.text.as_str()));
        let mut names: Vec<String> = paths.map(|names| names.collect::<Vec<_>>().join("/")).collect();
        if names.is_empty() && !line.options.apply.is_empty() {
            names.clone_from(&self.names);
        }
        let names = names.join(",");
        let select = (!names.is_empty()).then_some(names.as_str());
        if what.single() {
            let selected = select.map_or(String::new(), |names| format!("({names})"));
            let context = root.context(&self.set, &format!("{selected}/$entity"));
            let body = self.entities.single(&context).unwrap_or_default();
            let mut response = json(StatusCode::OK, body);
            let tag = self.tag().and_then(|tag| HeaderValue::from_str(&tag).ok());
            response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
            return response;
        }
        self.listed(root, uri, select)
    }

    /// A page, with a link to the next where there is more.
    pub fn listed(mut self, root: &Root, uri: &Uri, select: Option<&str>) -> Response {
        let selected = select.map_or(String::new(), |names| format!("({names})"));
        let context = root.context(&self.set, &selected);
        let query = uri.query().unwrap_or("");
        let top = query.split('&').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.replace("%24", "$").eq_ignore_ascii_case("$top").then(|| value.parse::<u64>().ok())?
        });
        let more = self.entities.items.len() as u64 > self.page && top.is_none_or(|top| top > self.page);
        self.entities.items.truncate(self.page as usize);
        let next = more.then(|| {
            let Entities { last, alike, goes_on, items, .. } = &self.entities;
            let rows = if *goes_on { *alike } else { 0 };
            let all = *alike == items.len() as u64;
            let token = paging::token(&self.line.question, last, rows, all, self.line.options.skiptoken.as_deref());
            let top = top.map(|top| top.saturating_sub(self.page));
            format!("{}{}?{}", root.host, uri.path(), next_query(query, &token, top))
        });
        json(StatusCode::OK, self.entities.page(&context, self.count, next.as_deref()))
    }
}

/// The same options, spelt as the client spelt them, further on.
fn next_query(query: &str, token: &str, top: Option<u64>) -> String {
    let replaced = |part: &str| {
        let name = part.split('=').next().unwrap_or("").replace("%24", "$").to_ascii_lowercase();
        ["$skip", "$top", "$skiptoken"].contains(&name.as_str())
    };
    let mut parts: Vec<String> =
        query.split('&').filter(|part| !part.is_empty() && !replaced(part)).map(str::to_owned).collect();
    parts.extend(top.map(|top| format!("$top={top}")));
    parts.push(format!("$skiptoken={token}"));
    parts.join("&")
}
