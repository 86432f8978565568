//! What is said of alerts: `PATCH /api/alerts/{id}`, `POST /api/alerts/batchUpdate`, Graph's `PATCH …/alerts_v2/{id}` and
//! its comments. Nothing is overwritten: each update is added to the table of updates, with who and when, and an alert is
//! what came of all of them. Contract: alerts API, §2 and §5.
use super::alerts::{Found, Root};
use super::error::{self, Door};
use super::{Doors, RequestId, alerts, body_json, create, incidents, json};
use crate::catalog::UPDATES;
use crate::columns;
use crate::engine::request_lines::path::key_text;
use crate::engine::{Ingestion, QueryError, RequestLine, StoreError, clock, request_line};
use crate::text::Source;
use crate::value::Value;
use arrow::record_batch::RecordBatch;
use axum::Extension;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};
use std::collections::HashSet;

/// The most alerts of one `batchUpdate`.
pub const BATCH: usize = 1_000;
/// The longest text of a comment or of an owner's name.
const LONGEST: usize = 32 << 10;
/// How often an update with `If-Match` is tried again while other alerts are being updated.
const ATTEMPTS: usize = 100;

/// A refusal before anything was changed.
pub struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn wrong(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    fn missing(id: &str) -> Refusal {
        Refusal {
            status: StatusCode::NOT_FOUND,
            code: "ResourceNotFound",
            message: format!("Alert {id} does not exist."),
        }
    }
}

/// Why there was no update.
pub enum Failure {
    Refused(Refusal),
    Query(QueryError),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        Failure::Query(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Query(QueryError::fault(error))
    }
}

pub fn told(done: Result<Response, Failure>, door: Door, id: &RequestId) -> Response {
    match done {
        Ok(response) => response,
        Err(Failure::Refused(refusal)) => error::stated(door, refusal.status, refusal.code, &refusal.message, id),
        Err(Failure::Query(failure)) => error::response(door, &failure, id),
    }
}

/// The words of a path behind those of the door, the key of the first in brackets or as a word.
pub fn words(path: &str) -> Vec<String> {
    let read = request_line(&Source::named("request", path));
    let RequestLine { path, .. } = read.unwrap_or_default();
    let doors = ["api", "v1.0", "odata", "security"];
    let mut words = Vec::new();
    for segment in path {
        if words.is_empty() && doors.iter().any(|door| segment.name.text.eq_ignore_ascii_case(door)) {
            continue;
        }
        words.push(segment.name.text);
        words.extend(segment.key.as_ref().and_then(key_text));
    }
    words
}

pub async fn patch(
    doors: Doors,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_matches('/');
    let root = Root::of(&headers, path, doors.secure);
    let words = words(path);
    let [set, key] = words.as_slice() else { return error::no_such_path(&uri, &id) };
    if set.eq_ignore_ascii_case("incidents") {
        return told(incidents::patch(&doors, &root, &headers, key, &body).await, root.door, &id);
    }
    let Some(set) = alert_set(set, root.door) else { return error::no_such_path(&uri, &id) };
    let work = async {
        let changes = changes(&body, root.door, Of::Alert, &[])?;
        let conditions = if_match(&headers);
        update(&doors, std::slice::from_ref(key), &changes, conditions.as_deref()).await?;
        answer(&doors, &root, set, key).await
    };
    told(work.await, root.door, &id)
}

pub async fn post(
    doors: Doors,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_matches('/');
    let root = Root::of(&headers, path, doors.secure);
    let words = words(path);
    let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let done = match (root.door, lower.as_slice()) {
        (Door::Alerts, ["alerts", "batchupdate"]) => batch(&doors, &body).await,
        (Door::Alerts, ["alerts", "createalertbyreference"]) => match create::by_reference(&doors, &body).await {
            Ok(key) => answer(&doors, &root, "Alerts", &key).await.map(|mut made| {
                let place = HeaderValue::from_str(&format!("{}/alerts('{key}')", root.url));
                made.headers_mut().extend(place.map(|place| (header::CONTENT_LOCATION, place)));
                made
            }),
            Err(failure) => Err(failure),
        },
        (Door::Graph, ["alerts_v2", _, "comments"]) => comment(&doors, &root, &words[1], &body).await,
        (Door::Graph, ["incidents", _, "comments"]) => incidents::comment(&doors, &root, &words[1], &body).await,
        _ => return error::no_such_path(&uri, &id),
    };
    told(done, root.door, &id)
}

fn alert_set(set: &str, door: Door) -> Option<&'static str> {
    let wanted = if door == Door::Graph { "alerts_v2" } else { "Alerts" };
    set.eq_ignore_ascii_case(wanted).then_some(wanted)
}

/// The alert as it is now.
async fn answer(doors: &Doors, root: &Root, set: &str, key: &str) -> Result<Response, Failure> {
    let found = Found::of(doors, &alerts::key_line(set, key)).await?;
    let Some((body, tag)) = found.whole(root) else { return Err(Refusal::missing(key).into()) };
    let mut response = json(StatusCode::OK, body);
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

async fn batch(doors: &Doors, body: &Bytes) -> Result<Response, Failure> {
    let changes = changes(body, Door::Alerts, Of::Alert, &["alertIds"])?;
    let ids = body_json(body).and_then(|body| Some(body.get("alertIds")?.as_array()?.clone()));
    let ids: Option<Vec<String>> =
        ids.unwrap_or_default().iter().map(|id| id.as_str().map(str::to_owned)).collect::<Option<_>>();
    let mut ids = ids.filter(|ids| !ids.is_empty()).ok_or_else(|| {
        Refusal::wrong("MissingRequiredParameter", "`alertIds` is required: a list of the ids of alerts.")
    })?;
    if ids.len() > BATCH {
        let message = format!("Received: {}, allowed: {BATCH}", ids.len());
        return Err(Refusal::wrong("MaximumBatchSizeExceeded", message).into());
    }
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    update(doors, &ids, &changes, None).await?;
    Ok(StatusCode::OK.into_response())
}

async fn comment(doors: &Doors, root: &Root, key: &str, body: &Bytes) -> Result<Response, Failure> {
    let changes = only_comment(body)?;
    update(doors, &[key.to_owned()], &changes, None).await?;
    let found = Found::of(doors, &format!("{}?$select=comments", alerts::key_line("alerts_v2", key))).await?;
    let whole = found.whole(root).and_then(|(body, _)| serde_json::from_slice::<Json>(&body).ok());
    let comments = whole.and_then(|whole| whole.get("comments").cloned()).unwrap_or_else(|| json!([]));
    let context = format!("{}/$metadata#security/alerts_v2('{key}')/comments", root.url);
    Ok(json(StatusCode::OK, json!({ "@odata.context": context, "value": comments }).to_string()))
}

/// A body of Graph that is a comment.
pub fn only_comment(body: &Bytes) -> Result<Vec<Change>, Refusal> {
    let changes = changes(body, Door::Graph, Of::Alert, &[])?;
    if changes.iter().any(|change| change.property != "comment") {
        return Err(Refusal::wrong("InvalidRequestBody", "A comment has nothing but `comment`."));
    }
    Ok(changes)
}

/// The tags of `If-Match`; `None` where there is none, or it takes anything.
pub fn if_match(headers: &HeaderMap) -> Option<Vec<String>> {
    let given = headers.get_all(header::IF_MATCH).iter().filter_map(|value| value.to_str().ok());
    let tags: Vec<String> = given.flat_map(|value| value.split(',')).map(|tag| bare(tag).to_owned()).collect();
    (!tags.is_empty() && !tags.iter().any(|tag| tag == "*")).then_some(tags)
}

fn bare(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/")
}

/// Adds the changes to all of the alerts, or to none of them where one is not there or not as `tags` say.
async fn update(doors: &Doors, ids: &[String], changes: &[Change], tags: Option<&[String]>) -> Result<(), Failure> {
    let store = doors.engine.store();
    for _ in 0..ATTEMPTS {
        let view = store.refresh().await?;
        match (ids, tags) {
            ([id], _) => check(doors, id, tags).await?,
            _ => all_there(doors, ids).await?,
        }
        let ingestion = match tags {
            Some(_) => Ingestion::right_after(&view, UPDATES.name),
            None => Ingestion::default(),
        };
        let said = |id: &String, change: &Change| Said { alert: id.clone(), incident: None, change: change.clone() };
        let said: Vec<Said> = ids.iter().flat_map(|id| changes.iter().map(|change| said(id, change))).collect();
        match write(doors, &said, &ingestion).await {
            // Somebody was faster, perhaps with this alert: its tag is looked at again.
            Err(StoreError::Moved) => {}
            done => return Ok(done?),
        }
    }
    Err(QueryError::fault("an update was overtaken too often").into())
}

/// Refuses ids of which one is of no alert.
async fn all_there(doors: &Doors, ids: &[String]) -> Result<(), Failure> {
    let list: Vec<String> = ids.iter().map(|id| alerts::literal(id)).collect();
    let found = Found::of(doors, &format!("Alerts?$select=id&$filter=id%20in%20({})", list.join(","))).await?;
    let there: HashSet<String> = found.items().filter_map(|item| Some(item.get("id")?.as_str()?.to_owned())).collect();
    match ids.iter().find(|id| !there.contains(*id)) {
        Some(missing) => Err(Refusal::missing(missing).into()),
        None => Ok(()),
    }
}

async fn check(doors: &Doors, id: &str, tags: Option<&[String]>) -> Result<(), Failure> {
    let found = Found::of(doors, &format!("{}?$select=id", alerts::key_line("Alerts", id))).await?;
    let Some(tag) = found.tag() else { return Err(Refusal::missing(id).into()) };
    match tags {
        Some(tags) if !tags.iter().any(|one| one == bare(&tag)) => Err(Refusal {
            status: StatusCode::PRECONDITION_FAILED,
            code: "PreconditionFailed",
            message: format!("Alert {id} has changed since: read it again."),
        }
        .into()),
        Some(_) | None => Ok(()),
    }
}

/// Adds what was said, as one update.
pub async fn write(doors: &Doors, said: &[Said], ingestion: &Ingestion) -> Result<(), StoreError> {
    let schema = UPDATES.schema();
    let now = Value::Datetime(clock());
    let update = Value::string(uuid::Uuid::new_v4().to_string());
    let who = Value::string(doors.caller.name.to_string());
    let row = |said: &'_ Said| -> [Value<'static>; 7] {
        [
            now.clone(),
            Value::string(said.alert.clone()),
            update.clone(),
            Value::string(said.change.property),
            Value::string(said.change.value.clone()),
            who.clone(),
            said.incident.map_or(Value::Null, Value::Long),
        ]
    };
    let rows: Vec<[Value<'static>; 7]> = said.iter().map(row).collect();
    let arrays = schema.columns.iter().enumerate();
    let arrays = arrays.map(|(at, column)| columns::column(column.ty, rows.iter().map(|row| &row[at])));
    let batch = RecordBatch::try_new(columns::arrow_schema(&schema), arrays.collect())?;
    doors.engine.store().append_all(UPDATES.name, &UPDATES.stored_schema(), vec![batch], ingestion).await?;
    Ok(())
}

/// The same word kept as it is sent.
macro_rules! same {
    ($($word:literal),*) => { &[$(($word, $word)),*] };
}

/// One property that gets a new value, or a comment that is added.
#[derive(Clone, Debug)]
pub struct Change {
    pub property: &'static str,
    pub value: String,
}

/// What was said of an alert, or of an incident that it is in.
#[derive(Clone, Debug)]
pub struct Said {
    pub alert: String,
    pub incident: Option<i64>,
    pub change: Change,
}

/// What an update is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Alert,
    Incident,
}

/// The words of an incident's status.
static OF_INCIDENTS: Words = Words {
    property: "status",
    defender: same!["Active", "InProgress", "Resolved"],
    graph: &[("active", "Active"), ("inProgress", "InProgress"), ("resolved", "Resolved")],
    retired: &[],
};

/// The words of a property in one API, each with the word that is kept.
struct Words {
    property: &'static str,
    defender: &'static [(&'static str, &'static str)],
    graph: &'static [(&'static str, &'static str)],
    /// Words that are taken but not offered any more, in both APIs.
    retired: &'static [(&'static str, &'static str)],
}

static WORDS: [Words; 3] = [
    Words {
        property: "status",
        defender: same!["New", "InProgress", "Resolved"],
        graph: &[("new", "New"), ("inProgress", "InProgress"), ("resolved", "Resolved")],
        retired: &[],
    },
    Words {
        property: "classification",
        defender: same!["TruePositive", "FalsePositive", "InformationalExpectedActivity"],
        graph: &[
            ("unknown", ""),
            ("falsePositive", "FalsePositive"),
            ("truePositive", "TruePositive"),
            ("informationalExpectedActivity", "InformationalExpectedActivity"),
        ],
        retired: &[("Informational, expected activity", "InformationalExpectedActivity"), ("Unknown", "Unknown")],
    },
    Words {
        property: "determination",
        defender: &[
            ("MultiStagedAttack", "MultiStagedAttack"),
            ("MaliciousUserActivity", "MaliciousUserActivity"),
            ("CompromisedUser", "CompromisedUser"),
            ("Malware", "Malware"),
            ("Phishing", "Phishing"),
            ("UnwantedSoftware", "UnwantedSoftware"),
            ("SecurityTesting", "SecurityTesting"),
            ("LineOfBusinessApplication", "LineOfBusinessApplication"),
            ("ConfirmedActivity", "ConfirmedUserActivity"),
            ("ConfirmedUserActivity", "ConfirmedUserActivity"),
            ("NotMalicious", "Clean"),
            ("Clean", "Clean"),
            ("InsufficientData", "InsufficientData"),
            ("Other", "Other"),
        ],
        graph: &[
            ("unknown", ""),
            ("malware", "Malware"),
            ("securityTesting", "SecurityTesting"),
            ("unwantedSoftware", "UnwantedSoftware"),
            ("other", "Other"),
            ("multiStagedAttack", "MultiStagedAttack"),
            ("compromisedAccount", "CompromisedUser"),
            ("phishing", "Phishing"),
            ("maliciousUserActivity", "MaliciousUserActivity"),
            ("notMalicious", "Clean"),
            ("notEnoughDataToValidate", "InsufficientData"),
            ("confirmedUserActivity", "ConfirmedUserActivity"),
            ("lineOfBusinessApplication", "LineOfBusinessApplication"),
        ],
        retired: &[
            ("CompromisedAccount", "CompromisedUser"),
            ("Apt", "Apt"),
            ("SecurityPersonnel", "SecurityPersonnel"),
            ("NotAvailable", "NotAvailable"),
        ],
    },
];

/// The words that a door offers for the properties that have some.
pub fn offered(door: Door, of: Of) -> Vec<(&'static str, Vec<&'static str>)> {
    let all = WORDS.iter().map(|words| match (words.property, of) {
        ("status", Of::Incident) => &OF_INCIDENTS,
        _ => words,
    });
    let offered = |words: &'static Words| if door == Door::Graph { words.graph } else { words.defender };
    all.map(|words| (words.property, offered(words).iter().map(|(word, _)| *word).collect())).collect()
}

/// What a body asks for. `also` are keys that it may have beside those of an update.
pub fn changes(body: &Bytes, door: Door, of: Of, also: &[&str]) -> Result<Vec<Change>, Refusal> {
    let body = body_json(body);
    let Some(Json::Object(given)) = body else {
        return Err(Refusal::wrong("InvalidRequestBody", "The body is no JSON object."));
    };
    let mut changes = Vec::with_capacity(given.len());
    for (key, value) in &given {
        // What begins so, such as `@odata.type`, speaks of the body and sets nothing.
        if also.contains(&key.as_str()) || key.starts_with('@') {
            continue;
        }
        changes.push(change(key, value, door, of, also)?);
    }
    if changes.is_empty() {
        let message = "An update has at least one of `status`, `assignedTo`, `classification`, `determination` and \
                       `comment`.";
        return Err(Refusal::wrong("MissingRequiredParameter", message));
    }
    Ok(changes)
}

fn change(key: &str, value: &Json, door: Door, of: Of, also: &[&str]) -> Result<Change, Refusal> {
    let wrong = |message: String| Refusal::wrong("InvalidInput", message);
    let text = |longest: usize| match value {
        Json::String(text) if text.len() > longest => Err(wrong(format!("`{key}` is longer than {longest} bytes."))),
        Json::String(text) => Ok(text.clone()),
        _ => Err(wrong(format!("`{key}` is a text, not `{value}`."))),
    };
    let own = (of == Of::Incident).then_some(&OF_INCIDENTS);
    if let Some(words) = own.into_iter().chain(&WORDS).find(|words| words.property == key) {
        let offered = if door == Door::Graph { words.graph } else { words.defender };
        let given = text(LONGEST)?;
        let known = offered.iter().chain(words.retired).find(|(word, _)| word.eq_ignore_ascii_case(&given));
        let Some((_, kept)) = known else {
            let offered: Vec<String> = offered.iter().map(|(word, _)| format!("`{word}`")).collect();
            return Err(wrong(format!("`{key}` is one of {}, not `{given}`.", offered.join(", "))));
        };
        return Ok(Change { property: words.property, value: (*kept).to_owned() });
    }
    let tags = if door == Door::Graph { "customTags" } else { "tags" };
    match key {
        // Nobody's again.
        "assignedTo" if value.is_null() => Ok(Change { property: "assignedTo", value: String::new() }),
        "assignedTo" => Ok(Change { property: "assignedTo", value: text(LONGEST)? }),
        "comment" => match text(LONGEST)? {
            text if text.trim().is_empty() => Err(wrong("`comment` is empty.".into())),
            text => Ok(Change { property: "comment", value: text }),
        },
        key if of == Of::Incident && key == tags => match value {
            Json::Array(tags) if tags.iter().all(Json::is_string) && value.to_string().len() <= LONGEST => {
                Ok(Change { property: "tags", value: value.to_string() })
            }
            _ => Err(wrong(format!("`{key}` is a list of texts."))),
        },
        "displayName" if of == Of::Incident && door == Door::Graph => {
            Ok(Change { property: "name", value: text(LONGEST)? })
        }
        _ => {
            let known = ["status", "assignedTo", "classification", "determination", "comment"];
            let more: &[&str] = match (of, door) {
                (Of::Alert, _) => &[],
                (Of::Incident, Door::Graph) => &["customTags", "displayName"],
                (Of::Incident, _) => &["tags"],
            };
            let known = known.iter().chain(more);
            let known: Vec<String> = also.iter().chain(known).map(|key| format!("`{key}`")).collect();
            let message = format!("`{key}` cannot be set; what can is {}, in these letters.", known.join(", "));
            Err(Refusal::wrong("InvalidRequestBody", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(door: Door, body: &str) -> String {
        match changes(&Bytes::from(body.to_owned()), door, Of::Alert, &[]) {
            Ok(changes) => {
                let all: Vec<String> =
                    changes.iter().map(|change| format!("{}={}", change.property, change.value)).collect();
                all.join(" ")
            }
            Err(refusal) => format!("{} {}", refusal.code, refusal.message),
        }
    }

    #[test]
    fn words_of_both_apis_are_kept_as_one() {
        assert_eq!(said(Door::Alerts, r#"{"status":"resolved"}"#), "status=Resolved");
        assert_eq!(said(Door::Alerts, r#"{"determination":"NotMalicious"}"#), "determination=Clean");
        assert_eq!(said(Door::Graph, r#"{"determination":"compromisedAccount"}"#), "determination=CompromisedUser");
        assert_eq!(said(Door::Alerts, r#"{"assignedTo":null}"#), "assignedTo=");
        assert_eq!(said(Door::Alerts, r##"{"@odata.type":"#sighthound.Alert","status":"New"}"##), "status=New");
        insta::assert_snapshot!(said(Door::Alerts, r#"{"status":"Closed"}"#), @"InvalidInput `status` is one of `New`, `InProgress`, `Resolved`, not `Closed`.");
        insta::assert_snapshot!(said(Door::Alerts, r#"{"Status":"New"}"#), @"InvalidRequestBody `Status` cannot be set; what can is `status`, `assignedTo`, `classification`, `determination`, `comment`, in these letters.");
        insta::assert_snapshot!(said(Door::Alerts, "{}"), @"MissingRequiredParameter An update has at least one of `status`, `assignedTo`, `classification`, `determination` and `comment`.");
    }
}
