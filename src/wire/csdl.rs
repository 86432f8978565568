//! The service document and `$metadata`, as XML and as JSON.
//! <https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html>
use crate::catalog::EVIDENCE;
use crate::types::{Column, Schema, Type};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write;

const NAMESPACE: &str = "sighthound";

#[derive(Clone, Debug)]
pub struct EntitySet {
    pub name: String,
    pub key: Option<&'static str>,
    pub properties: Schema,
    /// What else of a thing has a path of its own.
    pub relations: Vec<Relation>,
}

/// `alerts('da1')/files`
#[derive(Clone, Debug)]
pub struct Relation {
    pub name: &'static str,
    /// The set that it leads to.
    pub set: &'static str,
    pub many: bool,
}

/// A list of things within each entity, by the property that holds it.
#[derive(Clone, Debug)]
pub struct Within {
    pub set: &'static str,
    pub property: &'static str,
    /// The type of one of them.
    pub name: &'static str,
    pub properties: Schema,
}

impl EntitySet {
    /// The type of one entity: `Alert` of `Alerts`; a table's own name.
    fn entity(&self) -> &str {
        if self.key.is_some() { entity(&self.name) } else { &self.name }
    }

    /// `sighthound.Alert`
    pub fn full_type(&self) -> String {
        format!("{NAMESPACE}.{}", self.entity())
    }
}

fn entity(set: &str) -> &str {
    set.strip_suffix('s').unwrap_or(set)
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

/// One property as both forms say it.
struct Property {
    name: String,
    ty: String,
    many: bool,
    nullable: bool,
}

impl Property {
    fn plain(name: &str, ty: &str) -> Property {
        Property { name: name.to_owned(), ty: ty.to_owned(), many: false, nullable: true }
    }

    /// Where a list or an object is of known form, in the entities of the alerts API, it has a type of its own.
    fn of_entity(column: &Column) -> Property {
        let (ty, many) = match (column.ty, column.name.as_str()) {
            (Type::Dynamic, "mitreTechniques" | "machineTags" | "tags") => ("Edm.String".to_owned(), true),
            (Type::Dynamic, "evidence") => (format!("{NAMESPACE}.Evidence"), true),
            (Type::Dynamic, "comments") => (format!("{NAMESPACE}.Comment"), true),
            (Type::Dynamic, "ipAddresses") => (format!("{NAMESPACE}.MachineIpAddress"), true),
            (Type::Dynamic, "relatedUser") => (format!("{NAMESPACE}.RelatedUser"), false),
            (Type::Dynamic, "devices" | "entities") => (edm(Type::Dynamic).to_owned(), true),
            (ty, _) => (edm(ty).to_owned(), false),
        };
        Property { many, ty, ..Property::plain(&column.name, "") }
    }

    fn precise(&self) -> bool {
        ["Edm.DateTimeOffset", "Edm.Duration"].contains(&self.ty.as_str())
    }
}

/// A type that has no key, and stands within entities.
struct Complex {
    name: &'static str,
    properties: Vec<Property>,
}

/// The types of what stands within entities of the alerts API.
fn complex_types(within: &[Within]) -> Vec<Complex> {
    let texts = |names: &[&str]| names.iter().map(|name| Property::plain(name, "Edm.String")).collect::<Vec<_>>();
    let evidence = EVIDENCE.iter().map(|name| {
        let ty = match *name {
            name if name.ends_with("Time") => Type::Datetime,
            "processId" | "parentProcessId" => Type::Long,
            _ => Type::String,
        };
        Property::plain(name, edm(ty))
    });
    let mut comment = texts(&["comment", "createdBy"]);
    comment.push(Property::plain("createdTime", edm(Type::Datetime)));
    let addresses = texts(&["ipAddress", "macAddress", "operationalStatus"]);
    let mut all = vec![
        Complex { name: "Evidence", properties: evidence.collect() },
        Complex { name: "Comment", properties: comment },
        Complex { name: "RelatedUser", properties: texts(&["userName", "domainName"]) },
        Complex { name: "MachineIpAddress", properties: addresses },
    ];
    all.extend(within.iter().map(|one| Complex {
        name: one.name,
        properties: one.properties.columns.iter().map(Property::of_entity).collect(),
    }));
    all
}

/// The properties of a set's entities.
fn properties(set: &EntitySet, within: &[Within]) -> Vec<Property> {
    let columns = set.properties.columns.iter();
    let Some(key) = set.key else {
        return columns.map(|column| Property::plain(&column.name, edm(column.ty))).collect();
    };
    let own = columns.map(|column| Property { nullable: column.name != key, ..Property::of_entity(column) });
    let lists = within
        .iter()
        .filter(|one| set.name == one.set)
        .map(|one| Property { many: true, ..Property::plain(one.property, &format!("{NAMESPACE}.{}", one.name)) });
    own.chain(lists).collect()
}

fn xml_properties(properties: &[Property], out: &mut String) {
    for property in properties {
        let Property { name, ty, .. } = property;
        let ty = if property.many { format!("Collection({ty})") } else { ty.clone() };
        let nullable = if property.nullable && !property.many { "" } else { " Nullable=\"false\"" };
        let precision = if property.precise() { " Precision=\"7\"" } else { "" };
        let _ = writeln!(out, "<Property Name=\"{name}\" Type=\"{ty}\"{nullable}{precision}/>");
    }
}

/// Names of properties are letters, digits and `_`; nothing in them needs escaping.
pub fn xml(sets: &[EntitySet], within: &[Within]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n<edmx:DataServices>\n",
    );
    let _ = writeln!(out, "<Schema Namespace=\"{NAMESPACE}\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">");
    for complex in complex_types(within) {
        let _ = writeln!(out, "<ComplexType Name=\"{}\">", complex.name);
        xml_properties(&complex.properties, &mut out);
        out.push_str("</ComplexType>\n");
    }
    for set in sets {
        let _ = writeln!(out, "<EntityType Name=\"{}\">", set.entity());
        if let Some(key) = set.key {
            let _ = writeln!(out, "<Key><PropertyRef Name=\"{key}\"/></Key>");
        }
        xml_properties(&properties(set, within), &mut out);
        for relation in &set.relations {
            let ty = format!("{NAMESPACE}.{}", entity(relation.set));
            let ty = if relation.many { format!("Collection({ty})") } else { ty };
            let _ = writeln!(out, "<NavigationProperty Name=\"{}\" Type=\"{ty}\"/>", relation.name);
        }
        out.push_str("</EntityType>\n");
    }
    out.push_str("<EntityContainer Name=\"Container\">\n");
    for set in sets {
        let _ = write!(out, "<EntitySet Name=\"{}\" EntityType=\"{NAMESPACE}.{}\"", set.name, set.entity());
        if set.relations.is_empty() {
            out.push_str("/>\n");
            continue;
        }
        out.push_str(">\n");
        for Relation { name, set, .. } in &set.relations {
            let _ = writeln!(out, "<NavigationPropertyBinding Path=\"{name}\" Target=\"{set}\"/>");
        }
        out.push_str("</EntitySet>\n");
    }
    out.push_str("</EntityContainer>\n</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n");
    out
}

fn json_properties(properties: &[Property], out: &mut Map<String, Json>) {
    for property in properties {
        let mut said = Map::new();
        said.insert("$Type".into(), property.ty.as_str().into());
        if property.many {
            said.insert("$Collection".into(), Json::Bool(true));
        } else if property.nullable {
            said.insert("$Nullable".into(), Json::Bool(true));
        }
        if property.precise() {
            said.insert("$Precision".into(), json!(7));
        }
        out.insert(property.name.clone(), Json::Object(said));
    }
}

pub fn json(sets: &[EntitySet], within: &[Within]) -> String {
    let mut schema = Map::new();
    for complex in complex_types(within) {
        let mut ty = Map::new();
        ty.insert("$Kind".into(), "ComplexType".into());
        json_properties(&complex.properties, &mut ty);
        schema.insert(complex.name.into(), Json::Object(ty));
    }
    let mut container = Map::new();
    container.insert("$Kind".into(), "EntityContainer".into());
    for set in sets {
        let mut entity_type = Map::new();
        entity_type.insert("$Kind".into(), "EntityType".into());
        if let Some(key) = set.key {
            entity_type.insert("$Key".into(), json!([key]));
        }
        json_properties(&properties(set, within), &mut entity_type);
        let mut bindings = Map::new();
        for relation in &set.relations {
            let ty = format!("{NAMESPACE}.{}", entity(relation.set));
            let mut said = json!({ "$Kind": "NavigationProperty", "$Type": ty });
            if relation.many {
                said["$Collection"] = Json::Bool(true);
            } else {
                said["$Nullable"] = Json::Bool(true);
            }
            entity_type.insert(relation.name.into(), said);
            bindings.insert(relation.name.into(), relation.set.into());
        }
        schema.insert(set.entity().to_owned(), Json::Object(entity_type));
        let mut of = json!({ "$Collection": true, "$Type": set.full_type() });
        if !bindings.is_empty() {
            of["$NavigationPropertyBinding"] = Json::Object(bindings);
        }
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
