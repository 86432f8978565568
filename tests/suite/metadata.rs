//! What entities have on the wire is what `$metadata` tells of them: names, types, relations.
use crate::front::front;
use libtest_mimic::{Failed, Trial};
use serde_json::{Map, Value as Json};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("metadata::all that entities have is told", told),
        Trial::test("metadata::sets of the alerts API have keys", keys),
        Trial::test("metadata::relations lead to their sets", relations),
    ]
}

fn asked(path: &str) -> Result<Json, Failed> {
    let answer = front().response(&format!("GET {path}\nhost: 127.0.0.1:8080\n"))?;
    let (head, body) = answer.split_once("\n\n").ok_or("an answer without a body")?;
    if !head.starts_with("200 ") {
        return Err(format!("{path}: {answer}").into());
    }
    Ok(serde_json::from_str(body).map_err(|error| format!("{path}: {error}"))?)
}

fn schema(service: &str) -> Result<Map<String, Json>, Failed> {
    match asked(&format!("/{service}/$metadata?$format=json"))?["sighthound"].take() {
        Json::Object(schema) => Ok(schema),
        other => Err(format!("no schema: {other}").into()),
    }
}

/// Whether a value is of a type as the schema tells it; the place of the first that is not.
fn fits(value: &Json, ty: &str, many: bool, schema: &Map<String, Json>) -> Result<(), String> {
    if many {
        let items = value.as_array().ok_or(format!("{value} is no list"))?;
        return items.iter().try_for_each(|item| fits(item, ty, false, schema));
    }
    let right = match ty {
        _ if value.is_null() => true,
        "Edm.String" | "Edm.DateTimeOffset" | "Edm.Guid" | "Edm.Duration" => value.is_string(),
        "Edm.Int32" | "Edm.Int64" => value.is_i64(),
        "Edm.Double" | "Edm.Decimal" => value.is_number(),
        "Edm.Boolean" => value.is_boolean(),
        "Edm.Untyped" => true,
        complex => {
            let name = complex.strip_prefix("sighthound.").ok_or(format!("no type {complex}"))?;
            let properties = schema.get(name).ok_or(format!("no type {complex}"))?;
            let given = value.as_object().ok_or(format!("{value} is no {complex}"))?;
            for (name, value) in given {
                let told = properties.get(name).ok_or(format!("{complex} has no {name}"))?;
                let ty = told["$Type"].as_str().unwrap_or("Edm.String");
                let many = told["$Collection"] == true;
                fits(value, ty, many, schema).map_err(|at| format!("{name}: {at}"))?;
            }
            true
        }
    };
    if right { Ok(()) } else { Err(format!("{value} is no {ty}")) }
}

fn told() -> Result<(), Failed> {
    let (api, odata) = (schema("api")?, schema("odata")?);
    let things = ["Alerts?$expand=evidence", "Machines", "Files", "Ips", "Domains", "Users", "incidents"];
    let tables = ["DeviceProcessEvents", "DeviceAlertEvents"];
    let asked_of = things.map(|set| ("api", set)).into_iter().chain(tables.map(|set| ("odata", set)));
    for (service, set) in asked_of {
        let schema = if service == "api" { &api } else { &odata };
        let name = set.split('?').next().unwrap_or(set);
        let page = asked(&format!("/{service}/{set}"))?;
        let ty = schema["Container"][name]["$Type"].as_str().ok_or(format!("no set {name}"))?;
        let items = page["value"].as_array().ok_or("no page")?;
        if items.is_empty() {
            return Err(format!("no {name} to look at").into());
        }
        for item in items {
            fits(item, ty, false, schema).map_err(|at| format!("{name}: {at}"))?;
        }
    }
    Ok(())
}

/// Clients that are made from `$metadata` need a key of every set; a row of a hunting table has none.
fn keys() -> Result<(), Failed> {
    let (api, odata) = (schema("api")?, schema("odata")?);
    let sets = |schema: &Map<String, Json>| -> Vec<(String, bool)> {
        let container = schema["Container"].as_object().into_iter().flatten();
        let sets = container.filter(|(_, set)| set["$Collection"] == true);
        sets.map(|(name, set)| {
            let ty = set["$Type"].as_str().unwrap_or("").trim_start_matches("sighthound.");
            (name.clone(), schema[ty]["$Key"].is_array())
        })
        .collect()
    };
    let (things, all) = (sets(&api), sets(&odata));
    let unkeyed: Vec<_> = things.iter().filter(|(_, key)| !key).collect();
    assert!(unkeyed.is_empty() && things.len() == 7, "{things:?}");
    assert!(things.iter().all(|thing| all.contains(thing)) && all.len() > 65, "{all:?}");
    let context = asked("/api/DeviceProcessEvents?$top=1&$select=FileName")?["@odata.context"].take();
    assert_eq!(context, "http://127.0.0.1:8080/odata/$metadata#DeviceProcessEvents(FileName)");
    Ok(())
}

fn relations() -> Result<(), Failed> {
    let api = schema("api")?;
    let bound =
        |set: &str| api["Container"][set]["$NavigationPropertyBinding"].as_object().cloned().unwrap_or_default();
    let first = asked("/api/alerts?$top=1&$filter=relatedUser/userName ne null".replace(' ', "%20").as_str())?;
    let id = first["value"][0]["id"].as_str().ok_or("no alert")?.to_owned();
    let of_alert = bound("Alerts");
    assert_eq!(of_alert.len(), 5, "{of_alert:?}");
    for (relation, set) in &of_alert {
        let set = set.as_str().unwrap_or("");
        let many = api["Alert"][relation]["$Collection"] == true;
        let found = asked(&format!("/api/Alerts('{id}')/{relation}"))?;
        assert_eq!(found["value"].is_array(), many, "{relation}");
        let context = found["@odata.context"].as_str().unwrap_or("");
        let ending = if many { format!("#{set}") } else { format!("#{set}/$entity") };
        assert!(context.ends_with(&ending), "{context}");
    }
    for set in ["Machines", "Files", "Ips", "Domains", "Users"] {
        assert_eq!(bound(set).get("alerts"), Some(&Json::from("Alerts")), "{set}");
        let key = api[set.trim_end_matches('s')]["$Key"][0].as_str().ok_or("no key")?.to_owned();
        let first = asked(&format!("/api/{set}?$top=1"))?;
        let key = first["value"][0][&key].as_str().ok_or("no key")?.replace('\\', "%5C");
        let alerts = asked(&format!("/api/{set}('{key}')/alerts?$top=1"))?;
        assert!(alerts["value"][0]["id"].is_string(), "{set}: {alerts}");
    }
    Ok(())
}
