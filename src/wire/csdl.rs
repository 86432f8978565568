//! The service document and `$metadata`, as XML and as JSON.
//! <https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html>
use crate::types::{Schema, Type};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write;

const NAMESPACE: &str = "sighthound";

#[derive(Clone, Debug)]
pub struct EntitySet {
    pub name: String,
    pub key: Option<&'static str>,
    pub properties: Schema,
}

impl EntitySet {
    /// The type of one entity: `Alert` of `Alerts`; a table's own name.
    fn entity(&self) -> &str {
        if self.key.is_some() { self.name.strip_suffix('s').unwrap_or(&self.name) } else { &self.name }
    }

    /// `sighthound.Alert`
    pub fn full_type(&self) -> String {
        format!("{NAMESPACE}.{}", self.entity())
    }
}

fn edm(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "Edm.Boolean",
        Type::Int => "Edm.Int32",
        Type::Long => "Edm.Int64",
        Type::Real => "Edm.Double",
        Type::Decimal => "Edm.Decimal",
        Type::String => "Edm.String",
        Type::Datetime => "Edm.DateTimeOffset",
        Type::Timespan => "Edm.Duration",
        Type::Guid => "Edm.Guid",
        Type::Dynamic => "Edm.Untyped",
    }
}

/// Names of properties are letters, digits and `_`; nothing in them needs escaping.
pub fn xml(sets: &[EntitySet]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n<edmx:DataServices>\n",
    );
    let _ = writeln!(out, "<Schema Namespace=\"{NAMESPACE}\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">");
    for set in sets {
        let _ = writeln!(out, "<EntityType Name=\"{}\">", set.entity());
        if let Some(key) = set.key {
            let _ = writeln!(out, "<Key><PropertyRef Name=\"{key}\"/></Key>");
        }
        for column in &set.properties.columns {
            let nullable = if set.key == Some(&column.name) { " Nullable=\"false\"" } else { "" };
            let precision = match column.ty {
                Type::Datetime | Type::Timespan => " Precision=\"7\"",
                _ => "",
            };
            let _ =
                writeln!(out, "<Property Name=\"{}\" Type=\"{}\"{nullable}{precision}/>", column.name, edm(column.ty));
        }
        out.push_str("</EntityType>\n");
    }
    out.push_str("<EntityContainer Name=\"Container\">\n");
    for set in sets {
        let _ = writeln!(out, "<EntitySet Name=\"{}\" EntityType=\"{NAMESPACE}.{}\"/>", set.name, set.entity());
    }
    out.push_str("</EntityContainer>\n</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n");
    out
}

pub fn json(sets: &[EntitySet]) -> String {
    let mut schema = Map::new();
    let mut container = Map::new();
    container.insert("$Kind".into(), "EntityContainer".into());
    for set in sets {
        let mut entity = Map::new();
        entity.insert("$Kind".into(), "EntityType".into());
        if let Some(key) = set.key {
            entity.insert("$Key".into(), json!([key]));
        }
        for column in &set.properties.columns {
            let mut property = Map::new();
            property.insert("$Type".into(), edm(column.ty).into());
            if set.key != Some(&column.name) {
                property.insert("$Nullable".into(), Json::Bool(true));
            }
            if matches!(column.ty, Type::Datetime | Type::Timespan) {
                property.insert("$Precision".into(), json!(7));
            }
            entity.insert(column.name.clone(), Json::Object(property));
        }
        schema.insert(set.entity().to_owned(), Json::Object(entity));
        let of = json!({ "$Collection": true, "$Type": format!("{NAMESPACE}.{}", set.entity()) });
        container.insert(set.name.clone(), of);
    }
    schema.insert("Container".into(), Json::Object(container));
    json!({ "$Version": "4.01", "$EntityContainer": format!("{NAMESPACE}.Container"), NAMESPACE: schema }).to_string()
}

/// The service document: the name and address of each set.
pub fn service(root: &str, sets: &[EntitySet]) -> String {
    let value: Vec<Json> =
        sets.iter().map(|set| json!({ "name": set.name, "kind": "EntitySet", "url": set.name })).collect();
    json!({ "@odata.context": format!("{root}/$metadata"), "value": value }).to_string()
}
