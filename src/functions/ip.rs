//! IPv4 and IPv6 addresses, perhaps with a prefix length behind a slash: networks, comparisons, and addresses inside
//! texts. What is no address makes the result null (`""` where it is a string).
use super::arguments::{given, long, row, text};
use super::dynamics::{array, elements};
use super::{Call, Function, Gives, Param, many, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value};
use std::net::{Ipv4Addr, Ipv6Addr};

const STRING_OR_DYNAMIC: Types = Types::STRING.or(Types::DYNAMIC);
const IP: &[Param] = &[one("ip", Types::STRING)];
const TWO_IPS: &[Param] = &[one("ip1", Types::STRING), one("ip2", Types::STRING), optional("prefix", Types::INTEGER)];
const IP_AND_RANGE: &[Param] = &[one("ip", Types::STRING), one("ip_range", Types::STRING)];
const IP_AND_RANGES: &[Param] = &[one("ip", STRING_OR_DYNAMIC), many("ranges", STRING_OR_DYNAMIC, 1, 64)];
const IP_AND_PREFIX: &[Param] = &[one("ip", Types::STRING), one("prefix", Types::INTEGER)];
const SOURCE_AND_ONE: &[Param] = &[one("source", STRING_OR_DYNAMIC), one("ip", Types::STRING)];
const SOURCE_AND_MANY: &[Param] = &[one("source", STRING_OR_DYNAMIC), many("ips", STRING_OR_DYNAMIC, 1, 64)];
const BOOL: Gives = Gives::Always(Type::Bool);
const LONG: Gives = Gives::Always(Type::Long);
const STRING: Gives = Gives::Always(Type::String);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["ipv4_is_private"],
        "Whether the IPv4 address, or all of its network, is in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
        IP,
        BOOL,
        |_, args| truth(v4(&text(args, 0)).map(is_private)),
        &[
            ("ipv4_is_private('192.168.1.1/24')", "True"),
            ("ipv4_is_private('8.8.8.8')", "False"),
            ("ipv4_is_private('fe80::1')", "null"),
        ],
    ),
    row(
        &["ipv4_is_in_range"],
        "Whether the IPv4 address is in the network.",
        IP_AND_RANGE,
        BOOL,
        |_, args| truth(v4_order(args, None).map(|order| order == 0)),
        &[
            ("ipv4_is_in_range('192.168.1.6', '192.168.1.1/24')", "True"),
            ("ipv4_is_in_range('', '10.0.0.0/8')", "null"),
        ],
    ),
    row(
        &["ipv4_is_in_any_range"],
        "Whether the IPv4 address is in one of the networks, given one by one or as an array.",
        IP_AND_RANGES,
        BOOL,
        |_, args| in_any_range(args, v4, 32),
        &[
            ("ipv4_is_in_any_range('10.1.2.3', '192.168.0.0/16', '10.0.0.0/8')", "True"),
            ("ipv4_is_in_any_range('1.1.1.1', dynamic(['10.0.0.0/8']))", "False"),
        ],
    ),
    row(
        &["ipv4_is_match"],
        "Whether two IPv4 addresses are the same within the shortest of their prefixes and `prefix`.",
        TWO_IPS,
        BOOL,
        |_, args| truth(v4_order(args, Some(2)).map(|order| order == 0)),
        &[("ipv4_is_match('192.168.1.1', '192.168.1.255', 24)", "True")],
    ),
    row(
        &["ipv4_compare"],
        "-1, 0 or 1 as the first IPv4 address is below, at or above the second, within the shortest of their prefixes \
         and `prefix`.",
        TWO_IPS,
        LONG,
        |_, args| v4_order(args, Some(2)).map_or(Value::Null, Value::Long),
        &[
            ("ipv4_compare('192.168.1.1', '192.168.1.255')", "-1"),
            ("ipv4_compare('192.168.1.1/24', '192.168.1.255')", "0"),
        ],
    ),
    row(
        &["ipv4_netmask_suffix"],
        "The length of the prefix of an IPv4 address; 32 where it has none.",
        IP,
        LONG,
        |_, args| v4(&text(args, 0)).map_or(Value::Null, |(_, prefix)| Value::Long(i64::from(prefix))),
        &[("ipv4_netmask_suffix('10.1.2.3/24')", "24")],
    ),
    row(
        &["parse_ipv4"],
        "The IPv4 address as a number, cut to its prefix.",
        IP,
        LONG,
        |_, args| v4(&text(args, 0)).map_or(Value::Null, |(ip, prefix)| Value::Long(masked(ip, prefix) as i64)),
        &[("parse_ipv4('127.0.0.1')", "2130706433"), ("parse_ipv4('127.0.0.256')", "null")],
    ),
    row(
        &["parse_ipv4_mask"],
        "The IPv4 address as a number, cut to the shorter of its prefix and `prefix`.",
        IP_AND_PREFIX,
        LONG,
        |_, args| v4_cut(args).map_or(Value::Null, |(ip, _)| Value::Long(ip as i64)),
        &[("parse_ipv4_mask('127.0.0.1', 24)", "2130706432")],
    ),
    row(
        &["format_ipv4"],
        "The IPv4 address, a text or a number, cut to the shorter of its prefix and `prefix`, as text.",
        &[one("ip", Types::STRING.or(Types::INTEGER)), optional("prefix", Types::INTEGER)],
        STRING,
        |_, args| shown(v4_cut(args).map(|(ip, _)| dotted(ip))),
        &[("format_ipv4('192.168.1.255', 24)", "192.168.1.0"), ("format_ipv4(3232236031)", "192.168.1.255")],
    ),
    row(
        &["format_ipv4_mask"],
        "The same as `format_ipv4` with the length of the prefix behind a slash.",
        &[one("ip", Types::STRING.or(Types::INTEGER)), optional("prefix", Types::INTEGER)],
        STRING,
        |_, args| shown(v4_cut(args).map(|(ip, prefix)| format!("{}/{prefix}", dotted(ip)))),
        &[("format_ipv4_mask('192.168.1.255', 24)", "192.168.1.0/24")],
    ),
    row(
        &["ipv4_range_to_cidr_list"],
        "The fewest networks that hold exactly the IPv4 addresses from the first to the last.",
        &[one("start_ip", Types::STRING), one("end_ip", Types::STRING)],
        Gives::Always(Type::Dynamic),
        range_to_cidr_list,
        &[(
            "ipv4_range_to_cidr_list('1.1.128.0', '1.1.140.255')",
            "[\"1.1.128.0/21\",\"1.1.136.0/22\",\"1.1.140.0/24\"]",
        )],
    ),
    row(
        &["ipv6_is_in_range"],
        "Whether the IPv6 (or IPv4) address is in the network.",
        IP_AND_RANGE,
        BOOL,
        |_, args| truth(v6_order(args, None).map(|order| order == 0)),
        &[("ipv6_is_in_range('fe80::1', 'fe80::/10')", "True")],
    ),
    row(
        &["ipv6_is_in_any_range"],
        "Whether the IPv6 (or IPv4) address is in one of the networks, given one by one or as an array.",
        IP_AND_RANGES,
        BOOL,
        |_, args| in_any_range(args, v6_mapped, 128),
        &[("ipv6_is_in_any_range('fe80::1', dynamic(['::1', 'fe80::/10']))", "True")],
    ),
    row(
        &["ipv6_is_match"],
        "Whether two IPv6 (or IPv4) addresses are the same within the shortest of their prefixes and `prefix`.",
        TWO_IPS,
        BOOL,
        |_, args| truth(v6_order(args, Some(2)).map(|order| order == 0)),
        &[("ipv6_is_match('192.168.1.1', '::ffff:c0a8:0101')", "True")],
    ),
    row(
        &["ipv6_compare"],
        "-1, 0 or 1 as the first IPv6 (or IPv4) address is below, at or above the second, within the shortest of their \
         prefixes and `prefix`.",
        TWO_IPS,
        LONG,
        |_, args| v6_order(args, Some(2)).map_or(Value::Null, Value::Long),
        &[("ipv6_compare('fe80::1', 'fe80::2')", "-1")],
    ),
    row(
        &["parse_ipv6"],
        "The IPv6 (or IPv4) address cut to its prefix, in its full form.",
        IP,
        STRING,
        |_, args| shown(v6(&text(args, 0)).map(|(ip, prefix)| full(masked6(ip, prefix)))),
        &[("parse_ipv6('127.0.0.1')", "0000:0000:0000:0000:0000:ffff:7f00:0001")],
    ),
    row(
        &["parse_ipv6_mask"],
        "The IPv6 (or IPv4) address cut to the shorter of its prefix and `prefix` (of 128), in its full form.",
        IP_AND_PREFIX,
        STRING,
        parse_ipv6_mask,
        &[("parse_ipv6_mask('fe80::85d:e82c:9446:7994', 120)", "fe80:0000:0000:0000:085d:e82c:9446:7900")],
    ),
    row(
        &["has_ipv4"],
        "Whether the text has the IPv4 address, with no letters or digits about it.",
        SOURCE_AND_ONE,
        BOOL,
        |_, args| has(args, whole),
        &[("has_ipv4('at 127.0.0.1:80', '127.0.0.1')", "True"), ("has_ipv4('at 127.0.0.10', '127.0.0.1')", "False")],
    ),
    row(
        &["has_any_ipv4"],
        "Whether the text has one of the IPv4 addresses; see `has_ipv4`.",
        SOURCE_AND_MANY,
        BOOL,
        |_, args| has(args, whole),
        &[("has_any_ipv4('at 127.0.0.1:80', dynamic(['10.0.0.1', '127.0.0.1']))", "True")],
    ),
    row(
        &["has_ipv4_prefix"],
        "Whether the text has an IPv4 address that begins so: `10.`, `10.1.`, `10.1.2.` or all of it.",
        SOURCE_AND_ONE,
        BOOL,
        |_, args| has(args, beginning),
        &[
            ("has_ipv4_prefix('at 127.0.0.1:80', '127.0.')", "True"),
            ("has_ipv4_prefix('at 127.0.0.1:80', '127.0')", "False"),
        ],
    ),
    row(
        &["has_any_ipv4_prefix"],
        "Whether the text has an IPv4 address that begins in one of these ways; see `has_ipv4_prefix`.",
        SOURCE_AND_MANY,
        BOOL,
        |_, args| has(args, beginning),
        &[("has_any_ipv4_prefix('at 127.0.0.1:80', '10.', '127.0.')", "True")],
    ),
];

fn truth<'a>(found: Option<bool>) -> Value<'a> {
    found.map_or(Value::Null, Value::Bool)
}

fn shown<'a>(found: Option<String>) -> Value<'a> {
    Value::string(found.unwrap_or_default())
}

/// Address and prefix, apart. No slash: the whole length.
fn with_prefix(text: &str, longest: u32) -> Option<(&str, u32)> {
    let text = text.trim();
    match text.split_once('/') {
        None => Some((text, longest)),
        Some((ip, prefix)) => {
            let prefix = prefix.parse().ok().filter(|prefix| *prefix <= longest)?;
            Some((ip, prefix))
        }
    }
}

/// Four numbers below 256; leading zeros are allowed.
fn octets(text: &str) -> Option<u32> {
    let mut ip = 0u32;
    let mut count = 0;
    for part in text.split('.') {
        let digits = !part.is_empty() && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
        let octet: u8 = digits.then(|| part.parse().ok())??;
        ip = ip << 8 | u32::from(octet);
        count += 1;
        if count > 4 {
            return None;
        }
    }
    (count == 4).then_some(ip)
}

/// An IPv4 address as a number and the length of its prefix.
fn v4(text: &str) -> Option<(u128, u32)> {
    let (ip, prefix) = with_prefix(text, 32)?;
    Some((u128::from(octets(ip)?), prefix))
}

/// The highest bits of an IPv4 address.
fn masked(ip: u128, prefix: u32) -> u128 {
    if prefix == 0 { 0 } else { ip >> (32 - prefix) << (32 - prefix) }
}

fn masked6(ip: u128, prefix: u32) -> u128 {
    if prefix == 0 { 0 } else { ip >> (128 - prefix) << (128 - prefix) }
}

fn dotted(ip: u128) -> String {
    Ipv4Addr::from(ip as u32).to_string()
}

fn full(ip: u128) -> String {
    Ipv6Addr::from(ip).segments().map(|segment| format!("{segment:04x}")).join(":")
}

fn is_private((ip, prefix): (u128, u32)) -> bool {
    const NETWORKS: [(u128, u32); 3] = [(0x0A00_0000, 8), (0xAC10_0000, 12), (0xC0A8_0000, 16)];
    NETWORKS.iter().any(|(network, length)| prefix >= *length && masked(ip, *length) == *network)
}

/// An IPv6 address, or an IPv4 one as `::ffff:…`. A prefix behind dotted numbers counts from where those begin.
fn v6(text: &str) -> Option<(u128, u32)> {
    if let Some((ip, prefix)) = v4(text) {
        return Some((0xFFFF << 32 | ip, prefix + 96));
    }
    let (ip, prefix) = with_prefix(text, 128)?;
    let address: Ipv6Addr = ip.parse().ok()?;
    let prefix = if ip.contains('.') && text.contains('/') {
        prefix.checked_add(96).filter(|prefix| *prefix <= 128)?
    } else {
        prefix
    };
    Some((u128::from(address), prefix))
}

/// The same for comparisons: dotted numbers behind `::` are an IPv4 address too.
fn v6_mapped(text: &str) -> Option<(u128, u32)> {
    let (ip, prefix) = v6(text)?;
    Some(if text.contains('.') && ip >> 32 == 0 { (0xFFFF << 32 | ip, prefix) } else { (ip, prefix) })
}

/// A prefix given as an argument: one that stands must be a length.
fn prefix(args: &[Value<'_>], at: Option<usize>, longest: u32) -> Option<u32> {
    match at.filter(|at| args.len() > *at) {
        None => Some(longest),
        Some(at) => long(args, at).and_then(|prefix| u32::try_from(prefix).ok()).filter(|prefix| *prefix <= longest),
    }
}

fn v4_order(args: &[Value<'_>], at: Option<usize>) -> Option<i64> {
    let ((a, prefix_a), (b, prefix_b)) = (v4(&text(args, 0))?, v4(&text(args, 1))?);
    let prefix = prefix(args, at, 32)?.min(prefix_a).min(prefix_b);
    Some(masked(a, prefix).cmp(&masked(b, prefix)) as i64)
}

fn v6_order(args: &[Value<'_>], at: Option<usize>) -> Option<i64> {
    let ((a, prefix_a), (b, prefix_b)) = (v6_mapped(&text(args, 0))?, v6_mapped(&text(args, 1))?);
    let prefix = prefix(args, at, 128)?.min(prefix_a).min(prefix_b);
    Some(masked6(a, prefix).cmp(&masked6(b, prefix)) as i64)
}

/// Texts given one by one or in arrays.
fn texts(args: &[Value<'_>]) -> Vec<String> {
    let each = |value: &Value<'_>| match elements(value) {
        Some(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        None => vec![value.text().into_owned()],
    };
    args.iter().flat_map(each).collect()
}

fn in_any_range<'a>(args: &[Value<'a>], parse: fn(&str) -> Option<(u128, u32)>, width: u32) -> Value<'a> {
    let Some((ip, own)) = parse(&text(args, 0)) else { return Value::Null };
    let mut understood = false;
    let inside = texts(&args[1..]).iter().filter_map(|range| parse(range)).any(|(network, prefix)| {
        understood = true;
        let prefix = prefix.min(own);
        prefix == 0 || ip >> (width - prefix) == network >> (width - prefix)
    });
    if inside || understood { Value::Bool(inside) } else { Value::Null }
}

/// The address cut to its own prefix and the one given.
fn v4_cut(args: &[Value<'_>]) -> Option<(u128, u32)> {
    let (ip, own) = match args.first()? {
        Value::Int(_) | Value::Long(_) => (u128::from(u32::try_from(long(args, 0)?).ok()?), 32),
        other => v4(&other.text())?,
    };
    let prefix = prefix(args, Some(1), 32)?.min(own);
    Some((masked(ip, prefix), prefix))
}

fn parse_ipv6_mask<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    shown(
        v6(&text(args, 0))
            .zip(prefix(args, Some(1), 128))
            .map(|((ip, own), prefix)| full(masked6(ip, own.min(prefix)))),
    )
}

fn range_to_cidr_list<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let (Some((start, _)), Some((end, _))) = (v4(&text(args, 0)), v4(&text(args, 1))) else { return Value::Null };
    if start > end {
        return Value::Null;
    }
    let (mut at, end) = (start as u64, end as u64);
    let mut networks = Vec::new();
    while at <= end {
        let aligned = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
        let fits = (end - at + 1).ilog2();
        let bits = aligned.min(fits);
        networks.push(Json::from(format!("{}/{}", dotted(u128::from(at)), 32 - bits)));
        at += 1 << bits;
    }
    array(networks)
}

/// All IPv4 addresses of a text that stand by themselves.
fn addresses(source: &str) -> impl Iterator<Item = u32> {
    let bytes = source.as_bytes();
    let apart = move |at: usize| bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (0..bytes.len()).filter_map(move |start| {
        if !bytes[start].is_ascii_digit() || (start > 0 && !apart(start - 1)) {
            return None;
        }
        let mut end = start;
        let mut dots = 0;
        while let Some(byte) = bytes.get(end).filter(|byte| byte.is_ascii_digit() || **byte == b'.') {
            dots += usize::from(*byte == b'.');
            if dots == 4 {
                break;
            }
            end += 1;
        }
        let text = source.get(start..end)?.trim_end_matches('.');
        if apart(start + text.len()) { octets(text) } else { None }
    })
}

/// What is looked for: the numbers that an address begins with.
type Wanted = Vec<u8>;

fn whole(text: &str) -> Option<Wanted> {
    octets(text).map(|ip| ip.to_be_bytes().to_vec())
}

fn beginning(text: &str) -> Option<Wanted> {
    match text.strip_suffix('.') {
        None => whole(text),
        Some(numbers) => {
            let numbers: Option<Wanted> = numbers.split('.').map(|number| number.parse().ok()).collect();
            numbers.filter(|numbers| numbers.len() < 4)
        }
    }
}

fn has<'a>(args: &[Value<'a>], read: fn(&str) -> Option<Wanted>) -> Value<'a> {
    if !given(args, 0) {
        return Value::Bool(false);
    }
    let wanted: Vec<Wanted> = texts(&args[1..]).iter().filter_map(|text| read(text)).collect();
    let source = text(args, 0);
    Value::Bool(
        !wanted.is_empty() && addresses(&source).any(|ip| wanted.iter().any(|one| ip.to_be_bytes().starts_with(one))),
    )
}
