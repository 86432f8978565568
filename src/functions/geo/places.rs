//! Where IP addresses are, from one file in the format of MaxMind's databases that whoever starts the program names.
//! Without such a file the binder refuses the function that reads it.
//! <https://maxmind.github.io/MaxMind-DB/>
use crate::functions::arguments::{row, text};
use crate::functions::{Function, Gives, one};
use crate::types::{Type, Types};
use crate::value::{Json, Value};
use maxminddb::{Reader, geoip2};
use serde_json::{Map, Number};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;

pub const FUNCTIONS: &[Function] = &[row(
    &["geo_info_from_ip_address"],
    "The place of the IPv4 or IPv6 address as a bag of `country`, `state`, `city`, `latitude` and `longitude`, each \
     where the file of `--geoip FILE` knows it; null where that knows nothing of the address. Refused without such a \
     file.",
    &[one("ip", Types::STRING)],
    Gives::Always(Type::Dynamic),
    |_, args| OPEN.get().and_then(|places| places.of(&text(args, 0))).map_or(Value::Null, Value::json),
    &[
        (
            "geo_info_from_ip_address('20.53.203.50')",
            "{\"country\":\"Australia\",\"state\":\"New South Wales\",\"city\":\"Sydney\",\"latitude\":-33.8672,\
             \"longitude\":151.1997}",
        ),
        ("geo_info_from_ip_address('192.168.1.1')", "null"),
    ],
)
.differs(
    "the answer is as good as the file that was given; what the engine says of an unknown address is not recorded",
)];

static OPEN: OnceLock<Places> = OnceLock::new();

/// Records that are looked at before a file is taken for one without places.
const LOOKED_AT: usize = 10_000;
/// Zero bytes between the tree of networks and the records.
const SEPARATOR: u64 = 16;

/// Whether there is a file to answer from.
pub fn is_open() -> bool {
    OPEN.get().is_some()
}

/// Whether a function cannot be answered for want of the file.
pub fn is_wanting(function: &Function) -> bool {
    !is_open() && FUNCTIONS.contains(function)
}

/// Reads the file that all queries of this process answer from.
pub fn open(path: &Path) -> Result<(), String> {
    let told = |why: String| format!("the places of `{}` cannot be used: {why}", path.display());
    let bytes = std::fs::read(path).map_err(|error| told(error.to_string()))?;
    give(Places::read(bytes).map_err(told)?).map_err(told)
}

pub(super) fn give(places: Places) -> Result<(), String> {
    OPEN.set(places).map_err(|_| "another file is open already".to_owned())
}

/// The file, whole in memory.
pub(super) struct Places(Reader<Vec<u8>>);

impl Places {
    pub(super) fn read(bytes: Vec<u8>) -> Result<Places, String> {
        let held = bytes.len() as u64;
        // The reader trusts the size that the file states of its tree, and indexes beyond the end of a file cut short.
        let reader = catch_unwind(AssertUnwindSafe(|| Reader::from_source(bytes)))
            .map_err(|_| "the file is not whole")?
            .map_err(|error| error.to_string())?;
        let tree = u64::from(reader.metadata.node_count) * u64::from(reader.metadata.record_size) / 4;
        if tree + SEPARATOR > held {
            return Err("the file is not whole".to_owned());
        }
        let places = Places(reader);
        if !places.has_any()? {
            return Err(format!("a file of type `{}` has none", places.0.metadata.database_type));
        }
        Ok(places)
    }

    /// Whether the first records tell of places; those of another kind of file tell of networks or domains.
    fn has_any(&self) -> Result<bool, String> {
        for found in self.0.networks(Default::default()).map_err(|error| error.to_string())?.take(LOOKED_AT) {
            let record = found.map_err(|error| error.to_string())?.decode::<geoip2::City>();
            if record.ok().flatten().and_then(|record| bag(&record)).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn of(&self, address: &str) -> Option<Json> {
        // An IPv4 address in IPv6 clothes is the IPv4 address.
        let address = address.trim().parse::<IpAddr>().ok()?.to_canonical();
        bag(&self.0.lookup(address).ok()?.decode().ok()??)
    }
}

/// What a record says of the place; `None` where that is nothing.
fn bag(record: &geoip2::City<'_>) -> Option<Json> {
    let name = |name: Option<&str>| name.filter(|name| !name.is_empty()).map(Json::from);
    let degrees = |degrees: Option<f64>| degrees.and_then(Number::from_f64).map(Json::Number);
    let state = record.subdivisions.first().and_then(|state| state.names.english);
    let parts = [
        ("country", name(record.country.names.english)),
        ("state", name(state)),
        ("city", name(record.city.names.english)),
        ("latitude", degrees(record.location.latitude)),
        ("longitude", degrees(record.location.longitude)),
    ];
    let known: Map<_, _> = parts.into_iter().filter_map(|(key, part)| Some((key.to_owned(), part?))).collect();
    (!known.is_empty()).then_some(Json::Object(known))
}
