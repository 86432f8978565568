//! Places from a file that the tests write: a tree over the bits of addresses, records, and what it says of itself.
use super::places::{Places, give, is_open, open};
use serde_json::{Value as Json, json};
use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Once;

/// A value as such a file holds it. All whole numbers have four bytes.
fn write(value: &Json, out: &mut Vec<u8>) {
    match value {
        Json::Object(members) => {
            out.push(7 << 5 | members.len() as u8);
            for (name, member) in members {
                write(&json!(name), out);
                write(member, out);
            }
        }
        Json::Array(items) => {
            out.extend([items.len() as u8, 11 - 7]);
            items.iter().for_each(|item| write(item, out));
        }
        Json::String(text) => {
            assert!(text.len() < 29, "a longer text needs another head");
            out.push(2 << 5 | text.len() as u8);
            out.extend(text.as_bytes());
        }
        other => match other.as_u64() {
            Some(whole) => {
                out.push(6 << 5 | 4);
                out.extend((whole as u32).to_be_bytes());
            }
            None => {
                out.push(3 << 5 | 8);
                out.extend(other.as_f64().unwrap_or(f64::NAN).to_be_bytes());
            }
        },
    }
}

#[derive(Clone, Copy)]
enum Next {
    Nothing,
    Node(usize),
    Record(usize),
}

/// A file of networks (`::a.b.c.0` for IPv4) with the lengths of their prefixes, and their records.
fn file(networks: &[(&str, usize, Json)]) -> Vec<u8> {
    let mut nodes = vec![[Next::Nothing; 2]];
    let mut records = vec![];
    for (network, prefix, record) in networks {
        let bits = u128::from(network.parse::<Ipv6Addr>().expect("a network"));
        let bit = |at: usize| (bits >> (127 - at) & 1) as usize;
        let mut node = 0;
        for at in 0..prefix - 1 {
            node = match nodes[node][bit(at)] {
                Next::Node(next) => next,
                _ => {
                    nodes.push([Next::Nothing; 2]);
                    nodes[node][bit(at)] = Next::Node(nodes.len() - 1);
                    nodes.len() - 1
                }
            };
        }
        nodes[node][bit(prefix - 1)] = Next::Record(records.len());
        write(record, &mut records);
    }
    let mut out = vec![];
    for next in nodes.iter().flatten() {
        let next = match *next {
            Next::Nothing => nodes.len(),
            Next::Node(node) => node,
            Next::Record(at) => nodes.len() + 16 + at,
        };
        out.extend(&(next as u32).to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(records);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    let about = json!({
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1, "database_type": "Test",
        "description": {}, "ip_version": 6, "languages": ["en"], "node_count": nodes.len(), "record_size": 24,
    });
    write(&about, &mut out);
    out
}

fn some() -> Vec<u8> {
    let names = |name: &str| json!({"names": {"de": "-", "en": name}});
    file(&[
        (
            "::20.53.203.0",
            120,
            json!({
                "city": names("Sydney"), "country": names("Australia"), "subdivisions": [names("New South Wales")],
                "location": {"latitude": -33.8672, "longitude": 151.1997, "time_zone": "Australia/Sydney"},
            }),
        ),
        ("2001:db8::", 32, json!({"country": names("Norway"), "city": {"geoname_id": 7}})),
        ("::198.51.100.0", 120, json!({"continent": names("Asia")})),
    ])
}

/// Gives the examples of the reference the file that they answer from.
pub fn opened() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| give(Places::read(some()).expect("a file")).expect("the only file"));
    assert!(is_open());
}

#[test]
fn what_a_file_knows_of_an_address() {
    let places = Places::read(some()).expect("a file");
    let of = |address| places.of(address).map_or("null".to_owned(), |bag| bag.to_string());
    let sydney = of("20.53.203.50");
    insta::assert_snapshot!(sydney, @r#"{"country":"Australia","state":"New South Wales","city":"Sydney","latitude":-33.8672,"longitude":151.1997}"#);
    assert_eq!(of("::ffff:20.53.203.50"), sydney);
    assert_eq!(of(" 20.53.203.50 "), sydney);
    assert_eq!(of("2001:db8::25"), r#"{"country":"Norway"}"#);
    for unknown in ["20.53.204.50", "198.51.100.1", "10.0.0.1", "::1", "20.53.203.50/24", "20.53.203", "", "host"] {
        assert_eq!(of(unknown), "null", "{unknown}");
    }
}

#[test]
fn what_is_no_file_of_places_is_refused() {
    let refused = |bytes: Vec<u8>| Places::read(bytes).err().unwrap_or_default();
    assert_eq!(refused(file(&[("::1.2.3.0", 120, json!({"network": "AS1"}))])), "a file of type `Test` has none");
    assert!(refused(b"PAR1".to_vec()).contains("metadata"));
    let whole = some();
    let at = whole.windows(3).rposition(|bytes| bytes == b"\xab\xcd\xef").expect("the marker");
    assert_eq!(refused(whole[at..].to_vec()), "the file is not whole");
    assert!(open(Path::new("no/such/file.mmdb")).is_err_and(|why| why.contains("`no/such/file.mmdb`")));
}
