//! The ten scalar types of KQL and the schemas made of them. How they lie in Arrow is `plan`'s business.
//! <https://learn.microsoft.com/kusto/query/scalar-data-types/>

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    Bool,
    Int,
    Long,
    Real,
    Decimal,
    String,
    Datetime,
    Timespan,
    Guid,
    Dynamic,
}

impl Type {
    pub const ALL: [Type; 10] = [
        Type::Bool,
        Type::Int,
        Type::Long,
        Type::Real,
        Type::Decimal,
        Type::String,
        Type::Datetime,
        Type::Timespan,
        Type::Guid,
        Type::Dynamic,
    ];

    /// The name as KQL writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Long => "long",
            Type::Real => "real",
            Type::Decimal => "decimal",
            Type::String => "string",
            Type::Datetime => "datetime",
            Type::Timespan => "timespan",
            Type::Guid => "guid",
            Type::Dynamic => "dynamic",
        }
    }

    /// A type by its KQL name or one of the aliases that KQL takes (`double`, `date`, `time`, `boolean`, …).
    pub fn from_name(name: &str) -> Option<Type> {
        Some(match name {
            "bool" | "boolean" => Type::Bool,
            "int" | "int32" | "uint" | "uint32" | "int8" | "uint8" | "int16" | "uint16" => Type::Int,
            "long" | "int64" | "ulong" | "uint64" => Type::Long,
            "real" | "double" | "float" => Type::Real,
            "decimal" => Type::Decimal,
            "string" => Type::String,
            "datetime" | "date" => Type::Datetime,
            "timespan" | "time" => Type::Timespan,
            "guid" | "uuid" | "uniqueid" => Type::Guid,
            "dynamic" => Type::Dynamic,
            _ => return None,
        })
    }

    pub fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Long | Type::Real | Type::Decimal)
    }

    pub fn is_integer(self) -> bool {
        matches!(self, Type::Int | Type::Long)
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of types: what a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Types(u16);

impl Types {
    pub const ANY: Types = Types(0x3ff);
    pub const BOOL: Types = Types::only(Type::Bool);
    pub const INT: Types = Types::only(Type::Int);
    pub const LONG: Types = Types::only(Type::Long);
    pub const REAL: Types = Types::only(Type::Real);
    pub const DECIMAL: Types = Types::only(Type::Decimal);
    pub const STRING: Types = Types::only(Type::String);
    pub const DATETIME: Types = Types::only(Type::Datetime);
    pub const TIMESPAN: Types = Types::only(Type::Timespan);
    pub const GUID: Types = Types::only(Type::Guid);
    pub const DYNAMIC: Types = Types::only(Type::Dynamic);
    pub const INTEGER: Types = Types::INT.or(Types::LONG);
    pub const NUMBER: Types = Types::INTEGER.or(Types::REAL).or(Types::DECIMAL);
    /// Numbers, datetime and timespan: what can be added up, put in bins and ordered along a line.
    pub const SUMMABLE: Types = Types::NUMBER.or(Types::DATETIME).or(Types::TIMESPAN);

    pub const fn only(ty: Type) -> Types {
        Types(1 << ty as u16)
    }

    pub const fn or(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    pub const fn but(self, other: Types) -> Types {
        Types(self.0 & !other.0)
    }

    pub const fn has(self, ty: Type) -> bool {
        self.0 & (1 << ty as u16) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Type> {
        Type::ALL.into_iter().filter(move |ty| self.has(*ty))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    pub name: String,
    pub ty: Type,
}

/// The columns of a table or of an answer, in order. Names are unique and case-sensitive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schema {
    pub columns: Vec<Column>,
}

impl Schema {
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, Type)>) -> Schema {
        Schema { columns: columns.into_iter().map(|(name, ty)| Column { name: name.into(), ty }).collect() }
    }

    pub fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}
