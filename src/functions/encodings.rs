//! base64, URL, hex, hashes, compression.
use super::arguments::{LONGEST_TEXT, given, long, made, row, text};
use super::{Call, Function, Gives, many, one, optional};
use crate::types::{Type, Types};
use crate::value::{Json, Value};
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compression, GzBuilder};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;
use std::io::{Read, Write};
use xxhash_rust::xxh64::xxh64;

const TEXT: Types = Types::STRING;
const SINGLE: Types = Types::ANY.but(Types::DYNAMIC);

/// Written and read with padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

pub const FUNCTIONS: &[Function] = &[
    row(
        &["base64_encode_tostring", "base64_encodestring"],
        "The UTF-8 bytes of the text in base64.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| made(BASE64.encode(text(args, 0).as_bytes())),
        &[("base64_encode_tostring('Kusto')", "S3VzdG8=")],
    ),
    row(
        &["base64_decode_tostring", "base64_decodestring"],
        "The text whose UTF-8 bytes stand in base64; the empty string where they are none.",
        &[one("base64_string", TEXT)],
        Gives::Always(Type::String),
        |_, args| {
            let bytes = decoded(&text(args, 0));
            bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(Value::string(""), made)
        },
        &[
            ("base64_decode_tostring('S3VzdG8=')", "Kusto"),
            ("base64_decode_tostring('U3RyaW5n0KHR0tGA0L7Rh9C60LA=')", ""),
        ],
    ),
    row(
        &["base64_decode_toarray"],
        "The bytes that stand in base64, as an array of numbers; null where it is no base64.",
        &[one("base64_string", TEXT)],
        Gives::Always(Type::Dynamic),
        |_, args| {
            let bytes = decoded(&text(args, 0)).filter(|bytes| bytes.len() <= LONGEST_TEXT / 8);
            bytes.map_or(Value::Null, |bytes| Value::json(bytes.into_iter().map(Json::from).collect()))
        },
        &[("base64_decode_toarray('S3VzdG8=')", "[75,117,115,116,111]")],
    ),
    row(
        &["base64_encode_fromarray"],
        "The array's numbers, taken as bytes, in base64.",
        &[one("base64_string_decoded_as_array", Types::DYNAMIC)],
        Gives::Always(Type::String),
        |_, args| bytes_of(&args[0]).map_or(Value::string(""), |bytes| made(BASE64.encode(bytes))),
        &[("base64_encode_fromarray(dynamic([75, 117, 115, 116, 111]))", "S3VzdG8=")],
    ),
    row(
        &["base64_encode_fromguid"],
        "The sixteen bytes of the guid in base64, in the order in which .NET has them.",
        &[one("guid", Types::GUID)],
        Gives::Always(Type::String),
        |_, args| match &args[0] {
            Value::Guid(guid) => Value::string(BASE64.encode(swapped(guid.to_be_bytes()))),
            _ => Value::string(""),
        },
        &[("base64_encode_fromguid(guid(ae3133f2-6e22-49ae-b06a-16e6a9b212eb))", "8jMxriJurkmwahbmqbIS6w==")],
    ),
    row(
        &["base64_decode_toguid"],
        "The guid whose sixteen bytes stand in base64; null where there are not sixteen.",
        &[one("base64_string", TEXT)],
        Gives::Always(Type::Guid),
        |_, args| {
            let bytes = decoded(&text(args, 0)).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
            bytes.map_or(Value::Null, |bytes| Value::Guid(u128::from_be_bytes(swapped(bytes))))
        },
        &[("base64_decode_toguid('8jMxriJurkmwahbmqbIS6w==')", "ae3133f2-6e22-49ae-b06a-16e6a9b212eb")],
    ),
    row(
        &["url_encode"],
        "The text as it may stand in a form sent by a browser: a blank is `+`, other bytes are `%` and two hex \
         digits.",
        &[one("url", TEXT)],
        Gives::Always(Type::String),
        |_, args| made(url_encoded(&text(args, 0), "+")),
        &[("url_encode('https://www.bing.com/hello world')", "https%3a%2f%2fwww.bing.com%2fhello+world")],
    ),
    row(
        &["url_encode_component"],
        "The text as it may stand in a part of a URL: other bytes than letters and digits are `%` and two hex \
         digits.",
        &[one("url", TEXT)],
        Gives::Always(Type::String),
        |_, args| made(url_encoded(&text(args, 0), "%20")),
        &[(
            "url_encode_component('https://www.bing.com/hello world/')",
            "https%3a%2f%2fwww.bing.com%2fhello%20world%2f",
        )],
    ),
    row(
        &["url_decode"],
        "The text with `+` and `%` with two hex digits turned back.",
        &[one("encoded_url", TEXT)],
        Gives::Always(Type::String),
        |_, args| made(url_decoded(&text(args, 0))),
        &[("url_decode('https%3a%2f%2fwww.bing.com%2fhello+world')", "https://www.bing.com/hello world")],
    ),
    row(
        &["hash", "hash_xxhash64"],
        "A number that is the same for the same value (xxHash64); with `mod`, its remainder.",
        &[one("source", SINGLE), optional("mod", Types::INTEGER)],
        Gives::Always(Type::Long),
        hash,
        &[
            ("hash('World')", "1846988464401551951"),
            ("hash('World', 100)", "51"),
            ("hash_xxhash64(datetime(2015-01-01))", "1380966698541616202"),
        ],
    ),
    row(
        &["hash_many"],
        "The hashes of several values, combined.",
        &[many("source", SINGLE, 1, 64)],
        Gives::Always(Type::Long),
        |_, args| Value::Long(combined(args.iter().map(|arg| xxh64(&hashed_bytes(arg), 0)))),
        &[("hash_many('Hello', 'World') == hash_combine(hash('Hello'), hash('World'))", "True")],
    )
    .differs("the engine does not say how it combines hashes, and its numbers are others"),
    row(
        &["hash_combine"],
        "Several hashes made into one.",
        &[many("source", Types::ANY, 2, 64)],
        Gives::Always(Type::Long),
        |_, args| Value::Long(combined(args.iter().map(|arg| crate::value::convert::long(arg).unwrap_or(0) as u64))),
        &[("hash_combine(1, 2) == hash_combine(2, 1)", "False")],
    )
    .differs("the engine does not say how it combines hashes, and its numbers are others"),
    row(
        &["hash_md5"],
        "The MD5 of the value's text, in hex.",
        &[one("source", SINGLE)],
        Gives::Always(Type::String),
        |_, args| made(hex(&Md5::digest(text(args, 0).as_bytes()))),
        &[
            ("hash_md5('World')", "f5a7924e621e84c9280a9a27e1bcb7f6"),
            ("hash_md5(datetime(2020-01-01))", "786c530672d1f8db31fee25ea8a9390b"),
        ],
    ),
    row(
        &["hash_sha1"],
        "The SHA-1 of the value's text, in hex.",
        &[one("source", SINGLE)],
        Gives::Always(Type::String),
        |_, args| made(hex(&Sha1::digest(text(args, 0).as_bytes()))),
        &[("hash_sha1('World')", "70c07ec18ef89c5309bbb0937f3a6342411e1fdd")],
    ),
    row(
        &["hash_sha256"],
        "The SHA-256 of the value's text, in hex.",
        &[one("source", SINGLE)],
        Gives::Always(Type::String),
        |_, args| made(hex(&Sha256::digest(text(args, 0).as_bytes()))),
        &[("hash_sha256('World')", "78ae647dc5544d227130a0682a51e30bc7777fbb6d8a8f17007463a3ecd1d524")],
    ),
    row(
        &["gzip_compress_to_base64_string"],
        "The text compressed in the gzip form, in base64.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| {
            let source = text(args, 0);
            let into = GzBuilder::new().operating_system(255);
            let mut bytes = write_all(into.write(Vec::new(), level(&source)), &source, GzEncoder::finish);
            // The header does not tell how hard the compression tried.
            if let Some(effort) = bytes.as_deref_mut().and_then(|bytes| bytes.get_mut(8)) {
                *effort = 0;
            }
            bytes.map_or(Value::string(""), |bytes| made(BASE64.encode(bytes)))
        },
        &[(
            "gzip_compress_to_base64_string('1234567890qwertyuiop')",
            "H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==",
        )],
    ),
    row(
        &["gzip_decompress_from_base64_string"],
        "The text that was compressed in the gzip form; the empty string where none was.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| {
            decoded(&text(args, 0)).and_then(|bytes| read_all(GzDecoder::new(&*bytes))).unwrap_or(Value::string(""))
        },
        &[(
            "gzip_decompress_from_base64_string('H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==')",
            "1234567890qwertyuiop",
        )],
    ),
    row(
        &["zlib_compress_to_base64_string"],
        "The text compressed in the zlib form, in base64.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| {
            let source = text(args, 0);
            let mut bytes = write_all(ZlibEncoder::new(Vec::new(), level(&source)), &source, ZlibEncoder::finish);
            // The header names the default level whatever was done.
            if let Some([first, second, ..]) = bytes.as_deref_mut() {
                (*first, *second) = (0x78, 0x9c);
            }
            bytes.map_or(Value::string(""), |bytes| made(BASE64.encode(bytes)))
        },
        &[("zlib_compress_to_base64_string('1234567890qwertyuiop')", "eJwBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw==")],
    ),
    row(
        &["zlib_decompress_from_base64_string"],
        "The text that was compressed in the zlib form; the empty string where none was.",
        &[one("string", TEXT)],
        Gives::Always(Type::String),
        |_, args| {
            decoded(&text(args, 0)).and_then(|bytes| read_all(ZlibDecoder::new(&*bytes))).unwrap_or(Value::string(""))
        },
        &[
            ("zlib_decompress_from_base64_string('eJwLSS0uUSguKcrMS1cwNDIGACxqBQ4=')", "Test string 123"),
            ("zlib_decompress_from_base64_string('x0x0x0')", ""),
        ],
    ),
];

fn decoded(text: &str) -> Option<Vec<u8>> {
    if text.len() > 2 * LONGEST_TEXT { None } else { BASE64.decode(text.trim()).ok() }
}

fn bytes_of(value: &Value<'_>) -> Option<Vec<u8>> {
    let Value::Dynamic(array) = value else { return None };
    match array.tree().as_ref() {
        Json::Array(items) => items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect(),
        _ => None,
    }
}

/// Between the written order of a guid's bytes and .NET's, which turns the first three groups.
fn swapped(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}

fn url_encoded(text: &str, blank: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => {
                out.push(char::from(byte));
            }
            b' ' => out.push_str(blank),
            _ => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

/// Bytes that make no UTF-8 become replacement characters, a `%` without two hex digits stays.
pub(super) fn url_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                at += 2;
            }
            (b'+', _, _) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Texts are hashed as UTF-8, everything else as it lies in memory.
fn hashed_bytes(value: &Value<'_>) -> Vec<u8> {
    match value {
        Value::Bool(x) => vec![u8::from(*x)],
        Value::Int(x) => x.to_le_bytes().to_vec(),
        Value::Long(x) | Value::Datetime(x) | Value::Timespan(x) => x.to_le_bytes().to_vec(),
        Value::Real(x) => x.to_le_bytes().to_vec(),
        Value::Decimal(x) => x.0.to_le_bytes().to_vec(),
        Value::Guid(x) => swapped(x.to_be_bytes()).to_vec(),
        Value::Null | Value::String(_) | Value::Dynamic(_) => value.text().as_bytes().to_vec(),
    }
}

fn hash<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let hash = xxh64(&hashed_bytes(&args[0]), 0);
    match long(args, 1) {
        Some(modulus) if modulus > 0 => Value::Long((hash % modulus as u64) as i64),
        Some(_) => Value::Null,
        None if given(args, 1) => Value::Null,
        None => Value::Long(hash as i64),
    }
}

fn combined(hashes: impl Iterator<Item = u64>) -> i64 {
    let mix = |seed: u64, hash: u64| {
        let moved = hash.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_add(seed << 6).wrapping_add(seed >> 2);
        (seed ^ moved).wrapping_mul(0xff51_afd7_ed55_8ccd)
    };
    hashes.fold(0, mix) as i64
}

/// What does not get shorter is stored as it is.
fn level(source: &str) -> Compression {
    let mut probe = DeflateEncoder::new(Vec::new(), Compression::default());
    let shorter = probe.write_all(source.as_bytes()).and_then(|()| probe.finish());
    match shorter {
        Ok(bytes) if bytes.len() + 8 < source.len() => Compression::default(),
        _ => Compression::none(),
    }
}

fn write_all<W: Write>(mut into: W, source: &str, finish: fn(W) -> std::io::Result<Vec<u8>>) -> Option<Vec<u8>> {
    into.write_all(source.as_bytes()).ok()?;
    finish(into).ok()
}

/// The whole text, unless it would be longer than a text may be.
fn read_all<'a>(from: impl Read) -> Option<Value<'a>> {
    let mut out = Vec::new();
    from.take(LONGEST_TEXT as u64 + 1).read_to_end(&mut out).ok()?;
    if out.len() > LONGEST_TEXT { None } else { String::from_utf8(out).ok().map(Value::string) }
}
