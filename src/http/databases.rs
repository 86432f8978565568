//! The tables that `.show` commands give: one database, its tables and their columns.
use super::commands::Shown;
use crate::catalog::{self, Tables};
use crate::types::{Schema, Type};
use crate::value::Value;
use serde_json::{Map, Value as Json, json};

/// The one database. Any name that a client gives is taken for it.
pub const NAME: &str = "hunting";

/// The name that the client gave, or the database's own.
pub fn named(database: &str) -> &str {
    if database.is_empty() { NAME } else { database }
}

/// The .NET name of a type, as schemas write it.
fn system_type(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "System.SByte",
        Type::Int => "System.Int32",
        Type::Long => "System.Int64",
        Type::Real => "System.Double",
        Type::Decimal => "System.Data.SqlTypes.SqlDecimal",
        Type::String => "System.String",
        Type::Datetime => "System.DateTime",
        Type::Timespan => "System.TimeSpan",
        Type::Guid => "System.Guid",
        Type::Dynamic => "System.Object",
    }
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::string(text.into())
}

fn table_doc(table: &str) -> &'static str {
    catalog::table(table).map_or("", |table| table.doc)
}

fn column_doc(table: &str, column: &str) -> &'static str {
    catalog::table(table).and_then(|table| table.column(column)).map_or("", |column| column.doc)
}

/// Names in order, so that answers stay the same.
fn names(tables: &dyn Tables) -> Vec<String> {
    let mut names = tables.names();
    names.sort();
    names
}

pub fn list() -> Shown {
    let schema = Schema::new([
        ("DatabaseName", Type::String),
        ("PersistentStorage", Type::String),
        ("Version", Type::String),
        ("IsCurrent", Type::Bool),
        ("DatabaseAccessMode", Type::String),
        ("PrettyName", Type::String),
        ("ReservedSlot1", Type::Bool),
        ("DatabaseId", Type::Guid),
        ("InTransitionTo", Type::String),
    ]);
    let row = vec![
        text(NAME),
        text(""),
        text("v1.0"),
        Value::Bool(true),
        text("ReadOnly"),
        text(""),
        Value::Null,
        Value::Guid(1),
        text(""),
    ];
    Shown { schema, rows: vec![row] }
}

pub fn tables(tables: &dyn Tables, database: &str) -> Shown {
    let schema = Schema::new([
        ("TableName", Type::String),
        ("DatabaseName", Type::String),
        ("Folder", Type::String),
        ("DocString", Type::String),
    ]);
    let rows = names(tables).into_iter().map(|name| {
        let doc = table_doc(&name);
        vec![text(name), text(database), text(""), text(doc)]
    });
    Shown { schema, rows: rows.collect() }
}

/// `counted`: each table with its number of rows.
pub fn details(counted: &[(String, i64)], database: &str) -> Shown {
    let schema = Schema::new([
        ("TableName", Type::String),
        ("DatabaseName", Type::String),
        ("Folder", Type::String),
        ("DocString", Type::String),
        ("TotalExtents", Type::Long),
        ("TotalExtentSize", Type::Real),
        ("TotalOriginalSize", Type::Real),
        ("TotalRowCount", Type::Long),
        ("HotExtents", Type::Long),
        ("HotExtentSize", Type::Real),
        ("HotOriginalSize", Type::Real),
        ("HotRowCount", Type::Long),
    ]);
    let rows = counted.iter().map(|(name, rows)| {
        let mut row = vec![text(name.clone()), text(database), text(""), text(table_doc(name))];
        row.extend([Value::Null, Value::Null, Value::Null, Value::Long(*rows)]);
        row.extend([Value::Null, Value::Null, Value::Null, Value::Long(*rows)]);
        row
    });
    Shown { schema, rows: rows.collect() }
}

/// `.show database schema`: a row for the database, for each table and for each column.
pub fn columns(tables: &dyn Tables, database: &str) -> Shown {
    let schema = Schema::new([
        ("DatabaseName", Type::String),
        ("TableName", Type::String),
        ("ColumnName", Type::String),
        ("ColumnType", Type::String),
        ("IsDefaultTable", Type::Bool),
        ("IsDefaultColumn", Type::Bool),
        ("PrettyName", Type::String),
        ("Version", Type::String),
        ("Folder", Type::String),
        ("DocString", Type::String),
    ]);
    let row = |table: &str, column: &str, ty: &str, version: &str, doc: &str| {
        vec![
            text(database),
            text(table),
            text(column),
            text(ty),
            Value::Bool(false),
            Value::Bool(false),
            text(""),
            text(version),
            text(""),
            text(doc),
        ]
    };
    let mut rows = vec![row("", "", "", "v1.0", "")];
    for name in names(tables) {
        rows.push(row(&name, "", "", "", table_doc(&name)));
        let Some(schema) = tables.schema(&name) else { continue };
        for column in &schema.columns {
            rows.push(row(&name, &column.name, system_type(column.ty), "", column_doc(&name, &column.name)));
        }
    }
    Shown { schema, rows }
}

/// The shape that editors read: `Databases` → `Tables` → `OrderedColumns`.
pub fn columns_as_json(tables: &dyn Tables, database: &str) -> Shown {
    let all: Map<String, Json> =
        names(tables).into_iter().map(|name| (name.clone(), table_json(tables, &name))).collect();
    let mut databases = Map::new();
    databases.insert(
        database.to_owned(),
        json!({
            "Name": database,
            "Tables": all,
            "ExternalTables": {},
            "MaterializedViews": {},
            "EntityGroups": {},
            "MajorVersion": 1,
            "MinorVersion": 0,
            "Functions": {},
            "DatabaseAccessMode": "ReadOnly",
            "ExternalTableCredentials": {}
        }),
    );
    let whole = json!({ "Plugins": [], "Databases": databases });
    Shown { schema: Schema::new([("DatabaseSchema", Type::String)]), rows: vec![vec![text(whole.to_string())]] }
}

fn table_json(tables: &dyn Tables, name: &str) -> Json {
    let columns: Vec<Json> = tables.schema(name).map_or(Vec::new(), |schema| {
        let column = |column: &crate::types::Column| {
            json!({
                "Name": column.name,
                "Type": system_type(column.ty),
                "CslType": column.ty.name(),
                "DocString": column_doc(name, &column.name)
            })
        };
        schema.columns.iter().map(column).collect()
    });
    json!({ "Name": name, "Folder": "", "DocString": table_doc(name), "OrderedColumns": columns })
}

fn one_table(columns: String, table: &str, database: &str) -> Shown {
    let schema = Schema::new([
        ("TableName", Type::String),
        ("Schema", Type::String),
        ("DatabaseName", Type::String),
        ("Folder", Type::String),
        ("DocString", Type::String),
    ]);
    let row = vec![text(table), text(columns), text(database), text(""), text(table_doc(table))];
    Shown { schema, rows: vec![row] }
}

pub fn table_as_json(tables: &dyn Tables, table: &str, database: &str) -> Shown {
    one_table(table_json(tables, table).to_string(), table, database)
}

/// `Timestamp:datetime,DeviceId:string,…`
pub fn table_schema(tables: &dyn Tables, table: &str, database: &str) -> Shown {
    let columns: Vec<String> = tables.schema(table).map_or(Vec::new(), |schema| {
        schema.columns.iter().map(|column| format!("{}:{}", column.name, column.ty)).collect()
    });
    one_table(columns.join(","), table, database)
}

pub fn version() -> Shown {
    let schema = Schema::new([
        ("BuildVersion", Type::String),
        ("BuildTime", Type::Datetime),
        ("ServiceType", Type::String),
        ("ProductVersion", Type::String),
    ]);
    let version = env!("CARGO_PKG_VERSION");
    Shown {
        schema,
        rows: vec![vec![text(version), Value::Null, text("Engine"), text(format!("sighthound {version}"))]],
    }
}
