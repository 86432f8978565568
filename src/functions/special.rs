//! Functions of the query itself: its clock, its columns, its tables, whoever asks it.
use super::{Arg, Call, Eval, Function, Gives, dynamics, many, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value};

/// The type of the second argument: what `column_ifexists` gives where there is no column.
fn like_default(args: &[Arg<'_>]) -> Result<Type, String> {
    Ok(args.get(1).map_or(Type::Dynamic, |arg| arg.ty))
}

const fn nothing(names: &'static [&'static str], doc: &'static str, gives: Type, eval: Eval) -> Function {
    Function { names, doc, takes: &[], gives: Gives::Always(gives), eval, examples: &[], differs: None }
}

pub const FUNCTIONS: &[Function] = &[
    Function {
        names: &["[]"],
        doc: "The part of a dynamic value that the steps lead to: a text names a slot of a bag, a whole number counts \
              into an array (from its end where it is negative). Null where there is no such part.",
        takes: &[one("value", Types::DYNAMIC), many("step", Types::STRING.or(Types::INTEGER), 1, 256)],
        gives: Gives::Always(Type::Dynamic),
        eval: Eval::Row(dynamics::path),
        examples: &[
            ("dynamic({'a': {'b': [1, 2]}}).a.b[-1]", "2"),
            ("dynamic({'a': 1})['a']", "1"),
            ("dynamic({'a': 1}).nothing", "null"),
        ],
        differs: None,
    },
    Function {
        names: &["now"],
        doc: "The instant at which the query began, moved by `offset`; the same in the whole query.",
        takes: &[optional("offset", Types::TIMESPAN)],
        gives: Gives::Always(Type::Datetime),
        eval: Eval::Row(now),
        examples: &[("now() - now()", "00:00:00"), ("now(1d) - now()", "1.00:00:00")],
        differs: None,
    },
    Function {
        names: &["ago"],
        doc: "The instant that lies `span` before the beginning of the query.",
        takes: &[one("span", Types::TIMESPAN)],
        gives: Gives::Always(Type::Datetime),
        eval: Eval::Row(ago),
        examples: &[("now() - ago(1h)", "01:00:00")],
        differs: None,
    },
    Function {
        names: &["column_ifexists", "columnifexists"],
        doc: "The column of that name, or `otherwise` where the table has none.",
        takes: &[one("name", Types::STRING).constant(), one("otherwise", Types::ANY)],
        gives: Gives::By(like_default),
        eval: Eval::Binder,
        examples: &[("column_ifexists('nothing', 7)", "7")],
        differs: None,
    },
    Function {
        names: &["pack_all"],
        doc: "All columns of the row as a bag; with `true`, without those that are null or empty.",
        takes: &[optional("ignore_null_empty", Types::BOOL).constant()],
        gives: Gives::Always(Type::Dynamic),
        eval: Eval::Binder,
        examples: &[],
        differs: None,
    },
    Function {
        names: &["bag_pack_columns", "pack_columns"],
        doc: "The named columns as a bag of their names and values.",
        takes: &[many("column", Types::ANY, 1, 256)],
        gives: Gives::Always(Type::Dynamic),
        eval: Eval::Binder,
        examples: &[],
        differs: None,
    },
    Function {
        names: &["assert"],
        doc: "True where the condition holds; where it does not, the query ends with the message.",
        takes: &[one("condition", Types::BOOL).constant(), one("message", Types::STRING).constant()],
        gives: Gives::Always(Type::Bool),
        eval: Eval::Binder,
        examples: &[("assert(1 < 2, 'never')", "True")],
        differs: None,
    },
    Function {
        names: &["bin_auto"],
        doc: "The value rounded down to a whole number of `query_bin_auto_size`, counted from `query_bin_auto_at`; both are \
              given by `set`.",
        takes: &[one("value", Types::SUMMABLE)],
        gives: Gives::SameAs(0),
        eval: Eval::Binder,
        examples: &[],
        differs: None,
    },
    Function {
        names: &["iscolumnexists"],
        doc: "Whether the table has a column of that name.",
        takes: &[one("name", Types::STRING).constant()],
        gives: Gives::Always(Type::Bool),
        eval: Eval::Binder,
        examples: &[("iscolumnexists('nothing')", "False")],
        differs: None,
    },
    Function {
        names: &["column_names_of"],
        doc: "The names of a table's columns as an array.",
        takes: &[one("table", Types::ANY)],
        gives: Gives::Always(Type::Dynamic),
        eval: Eval::Binder,
        examples: &[],
        differs: None,
    },
    Function {
        names: &["estimate_data_size"],
        doc: "About how many bytes the values of the columns have.",
        takes: &[many("column", Types::ANY, 1, 1024)],
        gives: Gives::Always(Type::Long),
        eval: Eval::Row(data_size),
        examples: &[("estimate_data_size('abc')", "3")],
        differs: Some("sizes are those of the values themselves, without the overhead that the reference engine adds"),
    },
    Function {
        names: &["$dynamic"],
        doc: "Any value as a dynamic one: what a conversion that the text does not write gives.",
        takes: &[one("value", Types::ANY)],
        gives: Gives::Always(Type::Dynamic),
        eval: Eval::Row(dynamic),
        examples: &[],
        differs: None,
    },
    Function {
        names: &["$bag"],
        doc: "The bag of pairs of a name and a value: what `pack_all` and its like come to.",
        takes: &[many("part", Types::ANY, 0, 4096)],
        gives: Gives::Always(Type::Dynamic),
        eval: Eval::Row(bag),
        examples: &[],
        differs: None,
    },
    Function {
        names: &["$bag_sparse"],
        doc: "As `$bag`, without the pairs whose value is null or empty.",
        takes: &[many("part", Types::ANY, 0, 4096)],
        gives: Gives::Always(Type::Dynamic),
        eval: Eval::Row(sparse_bag),
        examples: &[],
        differs: None,
    },
    nothing(&["ingestion_time"], "When the row was taken in.", Type::Datetime, Eval::Binder),
    nothing(&["current_principal"], "Who asks, as far as it is known.", Type::String, Eval::Row(nobody)),
    nothing(&["current_principal_details"], "Who asks, in detail.", Type::Dynamic, Eval::Row(null)),
    nothing(&["current_cluster_endpoint"], "The address of the server.", Type::String, Eval::Row(nobody)),
    nothing(&["current_database"], "The name of the database at hand.", Type::String, Eval::Row(database_name)),
    nothing(&["extent_id", "extentid"], "The part of the store that holds the row.", Type::Guid, Eval::Row(null)),
    nothing(&["extent_tags"], "Marks on the part of the store that holds the row.", Type::Dynamic, Eval::Row(null)),
    Function {
        names: &["current_principal_is_member_of"],
        doc: "Whether whoever asks belongs to one of the groups; nobody is known, so never.",
        takes: &[many("group", Types::ANY, 1, 64)],
        gives: Gives::Always(Type::Bool),
        eval: Eval::Row(never),
        examples: &[("current_principal_is_member_of('aadgroup=hunters')", "False")],
        differs: Some("there are no groups here"),
    },
];

fn dynamic<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    args.first().map_or(Value::Null, |value| Value::json(value.to_json()))
}

fn bag<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    packed(args, |_| true)
}

fn sparse_bag<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    packed(args, |value| !value.is_null() && value.as_str() != Some(""))
}

fn packed<'a>(args: &[Value<'_>], kept: fn(&Value<'_>) -> bool) -> Value<'a> {
    let mut slots = serde_json::Map::new();
    for pair in args.chunks(2) {
        if let [name, value] = pair
            && kept(value)
        {
            slots.insert(name.text().into_owned(), value.to_json());
        }
    }
    Value::json(Json::Object(slots))
}

fn now<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match args {
        [] => Value::Datetime(call.now),
        [Value::Timespan(offset), ..] => Value::Datetime(call.now.wrapping_add(*offset)),
        _ => Value::Null,
    }
}

fn ago<'a>(call: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    match args {
        [Value::Timespan(span), ..] => Value::Datetime(call.now.wrapping_sub(*span)),
        _ => Value::Null,
    }
}

fn data_size<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let bytes: usize = args
        .iter()
        .map(|value| match value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 4,
            Value::Long(_) | Value::Real(_) | Value::Datetime(_) | Value::Timespan(_) => 8,
            Value::Decimal(_) | Value::Guid(_) => 16,
            Value::String(text) => text.len(),
            Value::Dynamic(value) => value.json_text().len(),
        })
        .sum();
    i64::try_from(bytes).map_or(Value::Null, Value::Long)
}

fn nobody<'a>(_: &Call<'_>, _: &[Value<'a>]) -> Value<'a> {
    Value::string("")
}

fn database_name<'a>(_: &Call<'_>, _: &[Value<'a>]) -> Value<'a> {
    Value::string("hunting")
}

fn null<'a>(_: &Call<'_>, _: &[Value<'a>]) -> Value<'a> {
    Value::Null
}

fn never<'a>(_: &Call<'_>, _: &[Value<'a>]) -> Value<'a> {
    Value::Bool(false)
}
