//! The shapes of bodies and answers. What an entity has comes from the sets themselves, and the words of updates from the
//! tables that read them.
use crate::engine::request_lines::{every_set, graph_sets};
use crate::http::create;
use crate::http::error::Door;
use crate::http::updates::{self, Of};
use crate::types::{Column, Schema, Type};
use serde_json::{Map, Value as Json, json};

pub fn all() -> Map<String, Json> {
    let mut all = Map::new();
    for set in every_set().unwrap_or_default() {
        // The tables have one shape for all of them: `$metadata` has each.
        if set.key.is_some() {
            entity(&mut all, singular(&set.name), &set.properties);
        }
    }
    for set in graph_sets().unwrap_or_default() {
        let name = if set.name == "alerts_v2" { "GraphAlert" } else { "GraphIncident" };
        entity(&mut all, name.into(), &set.properties);
    }
    for (incident, alert) in [("Incident", json!({ "type": "object" })), ("GraphIncident", reference("GraphAlert"))] {
        all[incident]["properties"]["alerts"] = json!({ "type": "array", "items": alert });
    }
    all.insert("Row".into(), json!({ "type": "object", "description": "`/odata/$metadata` has the columns." }));
    page(&mut all, "Row");
    all.extend(answers());
    all.extend(bodies());
    all.extend(failures());
    all
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// `Alert` of `Alerts`, `Incident` of `incidents`.
fn singular(set: &str) -> String {
    let name = set.strip_suffix('s').unwrap_or(set);
    let first = name.get(..1).unwrap_or("").to_ascii_uppercase();
    format!("{first}{}", name.get(1..).unwrap_or(""))
}

/// An entity and a page of them. `$select` leaves properties out and `$compute` adds some, so none must be there.
fn entity(all: &mut Map<String, Json>, name: String, properties: &Schema) {
    let properties: Map<String, Json> =
        properties.columns.iter().map(|column| (column.name.clone(), property(column))).collect();
    all.insert(name.clone(), json!({ "type": "object", "properties": properties }));
    page(all, &name);
}

fn page(all: &mut Map<String, Json>, name: &str) {
    let page = json!({
        "type": "object",
        "required": ["value"],
        "properties": {
            "@odata.context": { "type": "string" },
            "@odata.count": { "type": "integer", "minimum": 0 },
            "value": { "type": "array", "items": reference(name) },
            "@odata.nextLink": { "type": "string", "description": "Where the next page is; absent on the last." },
        },
    });
    all.insert(format!("{name}Page"), page);
}

fn property(column: &Column) -> Json {
    match (column.name.as_str(), column.ty) {
        ("mitreTechniques" | "machineTags" | "systemTags" | "customTags" | "tags", Type::Dynamic) => {
            json!({ "type": ["array", "null"], "items": { "type": "string" } })
        }
        ("evidence" | "comments" | "ipAddresses", Type::Dynamic) => {
            json!({ "type": ["array", "null"], "items": { "type": "object" } })
        }
        (_, Type::Bool) => json!({ "type": ["boolean", "null"] }),
        (_, Type::Int) => json!({ "type": ["integer", "null"], "format": "int32" }),
        (_, Type::Long) => json!({ "type": ["integer", "null"], "format": "int64" }),
        // What JSON has no number for is a text.
        (_, Type::Real) => json!({ "type": ["number", "string", "null"] }),
        (_, Type::Datetime) => json!({ "type": ["string", "null"], "format": "date-time" }),
        (_, Type::Decimal | Type::String | Type::Timespan | Type::Guid) => json!({ "type": ["string", "null"] }),
        (_, Type::Dynamic) => json!({}),
    }
}

fn text() -> Json {
    json!({ "type": "string" })
}

fn object(required: &[&str], properties: Json) -> Json {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn list(items: Json) -> Json {
    json!({ "type": "array", "items": items })
}

fn named(pairs: Vec<(&str, Json)>) -> Map<String, Json> {
    pairs.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// The keys of a detection that are texts, and the others with their types.
const DETECTION: &str = "AlertTime ComputerDnsName AlertTitle Category Severity AlertId Actor LinkToWDATP IocName IocValue \
    CreatorIocName CreatorIocValue Sha1 FileName FilePath IpAddress Url IoaDefinitionId UserName AlertPart:integer FullId \
    LastProcessedTimeUtc ThreatCategory ThreatFamily ThreatName RemediationAction RemediationIsSuccess:boolean Source Md5 \
    Sha256 WasExecutingWhileDetected:boolean UserDomain LogOnUsers MachineDomain MachineName InternalIPv4List \
    InternalIPv6List FileHash DeviceID MachineGroup Description DeviceCreatedMachineTags CloudCreatedMachineTags CommandLine \
    IncidentLinkToWDATP ReportID:integer LinkToMTP IncidentLinkToMTP ExternalId IocUniqueId";

fn answers() -> Map<String, Json> {
    let detection: Map<String, Json> = DETECTION
        .split_whitespace()
        .map(|word| match word.split_once(':') {
            Some((name, kind)) => (name.to_owned(), json!({ "type": [kind, "null"] })),
            None => (word.to_owned(), text()),
        })
        .collect();
    let keys: Vec<&String> = detection.keys().collect();
    let detection = json!({ "type": "object", "required": keys, "properties": detection });
    let column = object(&["Name", "Type"], json!({ "Name": text(), "Type": text() }));
    let graph_column = object(&["name", "type"], json!({ "name": text(), "type": text() }));
    let rows = list(json!({ "type": "object" }));
    let kusto_column = json!({ "type": "object", "required": ["ColumnName"], "properties": { "ColumnName": text() } });
    let answer = object(
        &["id", "status"],
        json!({
            "id": text(), "atomicityGroup": text(), "status": { "type": "integer" },
            "headers": { "type": "object", "additionalProperties": text() }, "body": {},
        }),
    );
    named(vec![
        ("Text", text()),
        ("Count", json!({ "type": "integer", "minimum": 0 })),
        ("Csdl", json!({ "description": "CSDL XML of OData v4.0." })),
        ("CsdlJson", object(&["$Version"], json!({ "$Version": text() }))),
        ("Document", object(&["openapi", "info", "paths"], json!({ "openapi": text() }))),
        (
            "ServiceDocument",
            object(
                &["@odata.context", "value"],
                json!({
                    "@odata.context": text(),
                    "value": list(object(&["name", "kind", "url"], json!({ "name": text(), "kind": text(), "url": text() }))),
                }),
            ),
        ),
        ("Detections", list(detection)),
        (
            "HuntAnswer",
            object(
                &["Stats", "Schema", "Results"],
                json!({ "Stats": { "type": "object" }, "Schema": list(column), "Results": rows }),
            ),
        ),
        (
            "GraphHuntAnswer",
            object(
                &["@odata.context", "schema", "results"],
                json!({ "@odata.context": text(), "schema": list(graph_column), "results": rows }),
            ),
        ),
        ("KustoFrames", list(object(&["FrameType"], json!({ "FrameType": text() })))),
        (
            "KustoTables",
            object(
                &["Tables"],
                json!({ "Tables": list(object(
                    &["TableName", "Columns", "Rows"],
                    json!({ "TableName": text(), "Columns": list(kusto_column), "Rows": { "type": "array" } }),
                )) }),
            ),
        ),
        ("KustoSignIn", object(&["AzureAD"], json!({ "AzureAD": { "type": "object" } }))),
        (
            "GraphComments",
            object(&["value"], json!({ "@odata.context": text(), "value": list(json!({ "type": "object" })) })),
        ),
        ("BatchAnswer", object(&["responses"], json!({ "responses": list(answer) }))),
        ("Multipart", json!({ "type": "string", "description": "Parts of the type `application/http`." })),
        (
            "Token",
            object(
                &["token_type", "expires_in", "access_token"],
                json!({
                    "token_type": { "const": "Bearer" }, "access_token": text(),
                    "expires_in": { "type": ["integer", "string"] }, "ext_expires_in": { "type": ["integer", "string"] },
                }),
            ),
        ),
        ("Discovery", object(&["issuer", "token_endpoint", "jwks_uri"], json!({ "issuer": text() }))),
        ("Keys", object(&["keys"], json!({ "keys": list(json!({ "type": "object" })) }))),
    ])
}

/// What can be said of an alert or an incident, as the door takes it.
fn update(door: Door, of: Of) -> Json {
    let mut properties: Map<String, Json> = updates::offered(door, of)
        .into_iter()
        .map(|(property, words)| (property.to_owned(), json!({ "type": "string", "enum": words })))
        .collect();
    properties.insert("assignedTo".into(), json!({ "type": ["string", "null"], "maxLength": 400 }));
    properties.insert("comment".into(), json!({ "type": "string", "pattern": "\\S", "maxLength": 4000 }));
    if of == Of::Incident {
        let tags = if door == Door::Graph { "customTags" } else { "tags" };
        properties.insert(tags.into(), json!({ "type": "array", "items": text(), "maxItems": 100 }));
        if door == Door::Graph {
            properties.insert("displayName".into(), json!({ "type": "string", "maxLength": 400 }));
        }
    }
    json!({
        "type": "object", "minProperties": 1, "properties": properties, "additionalProperties": false,
        "patternProperties": { "^@": {} },
    })
}

fn bodies() -> Map<String, Json> {
    let query = json!({ "type": "string", "pattern": "\\S", "description": "A query in KQL." });
    let mut many = update(Door::Alerts, Of::Alert);
    many["properties"]["alertIds"] =
        json!({ "type": "array", "items": text(), "minItems": 1, "maxItems": updates::BATCH });
    many["required"] = json!(["alertIds"]);
    many["minProperties"] = 2.into();
    let filled = json!({ "type": "string", "pattern": "\\S" });
    let mut new: Map<String, Json> = create::KEYS.iter().map(|key| ((*key).to_owned(), filled.clone())).collect();
    new.insert("severity".into(), json!({ "type": "string", "enum": create::SEVERITIES }));
    new.insert("category".into(), json!({ "type": "string", "enum": create::CATEGORIES }));
    new.insert("eventTime".into(), json!({ "type": "string", "format": "date-time" }));
    new.insert("reportId".into(), json!({ "type": ["string", "integer"], "pattern": "^[0-9]{1,18}$" }));
    let new = json!({ "type": "object", "required": create::KEYS, "additionalProperties": false, "properties": new });
    let request = object(
        &["id", "method", "url"],
        json!({
            "id": text(),
            "method": { "type": "string", "enum": ["GET", "POST", "PATCH", "PUT", "DELETE", "get", "post", "patch", "put", "delete"] },
            "url": { "type": "string", "description": "Behind the service root, from the root of the host, or whole." },
            "headers": { "type": "object", "additionalProperties": text() },
            "body": {},
            "dependsOn": list(text()),
            "atomicityGroup": text(),
        }),
    );
    let kusto =
        object(&["csl"], json!({ "csl": query, "db": text(), "properties": { "type": ["object", "string", "null"] } }));
    named(vec![
        ("Hunt", object(&["Query"], json!({ "Query": query }))),
        (
            "GraphHunt",
            object(
                &["Query"],
                json!({ "Query": query, "Timespan": { "type": ["string", "null"], "description": "An ISO 8601 interval." } }),
            ),
        ),
        ("KustoRequest", kusto.clone()),
        ("KustoCommand", kusto),
        ("AlertUpdate", update(Door::Alerts, Of::Alert)),
        ("AlertsUpdate", many),
        ("NewAlert", new),
        ("IncidentUpdate", update(Door::Alerts, Of::Incident)),
        ("GraphAlertUpdate", update(Door::Graph, Of::Alert)),
        ("GraphIncidentUpdate", update(Door::Graph, Of::Incident)),
        (
            "Comment",
            object(&["comment"], json!({ "comment": { "type": "string", "pattern": "\\S", "maxLength": 4000 } })),
        ),
        ("Batch", object(&["requests"], json!({ "requests": list(request) }))),
        (
            "Grant",
            object(
                &["grant_type"],
                json!({
                    "grant_type": { "type": "string", "enum": ["client_credentials"] }, "client_id": text(),
                    "client_secret": text(), "scope": text(), "resource": text(),
                }),
            ),
        ),
    ])
}

fn failures() -> Map<String, Json> {
    let diagnostics = list(object(
        &["code", "message", "line", "column", "offset", "length"],
        json!({
            "code": text(), "message": text(), "help": { "type": ["string", "null"] }, "line": { "type": "integer" },
            "column": { "type": "integer" }, "offset": { "type": "integer" }, "length": { "type": "integer" },
        }),
    ));
    let error = |required: &[&str], properties: Json| {
        let mut error = object(required, properties);
        error["properties"]["code"] = text();
        error["properties"]["message"] = text();
        error["properties"]["diagnostics"] = diagnostics.clone();
        object(&["error"], json!({ "error": error }))
    };
    named(vec![
        ("Error", error(&["code", "message", "target"], json!({ "target": text() }))),
        ("GraphError", error(&["code", "message", "innerError"], json!({ "innerError": { "type": "object" } }))),
        (
            "KustoError",
            error(
                &["code", "message", "@type", "@message", "@context", "@permanent"],
                json!({
                    "@type": text(), "@message": text(), "@context": { "type": "object" },
                    "@permanent": { "type": "boolean" },
                }),
            ),
        ),
        (
            "GrantError",
            object(&["error", "error_description"], json!({ "error": text(), "error_description": text() })),
        ),
    ])
}

/// A body to begin with.
pub fn example(schema: &str) -> Option<Json> {
    Some(match schema {
        "Hunt" => json!({ "Query": "DeviceAlertEvents | take 2" }),
        "GraphHunt" => json!({ "Query": "DeviceProcessEvents | take 2", "Timespan": "P30D" }),
        "KustoRequest" => json!({ "db": "hunting", "csl": "DeviceAlertEvents | take 2" }),
        "KustoCommand" => json!({ "db": "hunting", "csl": ".show tables" }),
        "AlertUpdate" => json!({ "status": "Resolved", "comment": "a known tool" }),
        "AlertsUpdate" => json!({ "alertIds": ["da638869211121745413_1164914197"], "status": "InProgress" }),
        "IncidentUpdate" => json!({ "status": "Resolved", "tags": ["known"] }),
        "GraphAlertUpdate" => json!({ "status": "resolved", "classification": "falsePositive" }),
        "GraphIncidentUpdate" => json!({ "status": "resolved", "customTags": ["known"] }),
        "Comment" => json!({ "comment": "a known tool" }),
        "Batch" => json!({ "requests": [
            { "id": "1", "method": "GET", "url": "alerts?$top=1" },
            { "id": "2", "method": "GET", "url": "machines?$top=1" },
        ] }),
        "Multipart" => {
            json!("--b\r\nContent-Type: application/http\r\n\r\nGET alerts?$top=1 HTTP/1.1\r\n\r\n\r\n--b--\r\n")
        }
        "NewAlert" => json!({
            "machineId": "475c9d29163de41fda8b90c6fc2a34c3119c7d08", "severity": "Low", "title": "odd",
            "description": "an odd process", "recommendedAction": "ask", "eventTime": "2025-06-30T22:58:32.174541Z",
            "reportId": "202401", "category": "Execution",
        }),
        _ => return None,
    })
}
