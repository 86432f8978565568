//! What an input is, by its first bytes and, where they leave it open, by its name.
use super::tables;
use serde::de::IgnoredAny;

/// How many bytes are looked at.
pub const PEEK: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON value a line.
    Lines,
    /// JSON over several lines: an object with a list inside, a list, or values one after the other.
    Document,
    /// Delimiter, and the lines in front of the header.
    Csv {
        delimiter: u8,
        preamble: usize,
    },
    Parquet,
    Empty,
}

/// The format, or the reason why there is none. `whole` says that the bytes are all there are.
pub fn format(bytes: &[u8], name: &str, whole: bool) -> Result<Format, &'static str> {
    if bytes.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err("a zip archive: its files have to be unpacked first");
    }
    if bytes.starts_with(b"Obj\x01") {
        return Err("an Avro file: event hub captures have to be JSON");
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("UTF-16 text: it has to be UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Some(start) = bytes.iter().position(|byte| !byte.is_ascii_whitespace()) else {
        return if whole { Ok(Format::Empty) } else { Err("nothing but blanks at its beginning") };
    };
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match bytes[start] {
        b'{' | b'[' => Ok(json(&bytes[start..])),
        _ if name.ends_with(".json") || name.ends_with(".jsonl") || name.ends_with(".ndjson") => Ok(Format::Lines),
        _ => csv(bytes, name).ok_or("neither JSON, nor CSV with columns of a hunting table, nor Parquet"),
    }
}

fn json(bytes: &[u8]) -> Format {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => {
            let first = &bytes[..values.byte_offset()];
            // A list has one row an element, on however many lines.
            if bytes[0] == b'[' || first.contains(&b'\n') { Format::Document } else { Format::Lines }
        }
        Some(Err(error)) if error.is_eof() => Format::Document,
        // A fault within a list is met where it stands; elsewhere a line is lost and no more.
        Some(Err(error)) => {
            if bytes[0] == b'[' && error.line() > 1 {
                Format::Document
            } else {
                Format::Lines
            }
        }
        None => Format::Lines,
    }
}

fn csv(bytes: &[u8], name: &str) -> Option<Format> {
    let mut preamble = 0;
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = std::str::from_utf8(&rest[..end]).ok()?.trim();
        // What spreadsheets and PowerShell put in front of the header.
        if !(line.is_empty() || line.starts_with("sep=") || line.starts_with("#TYPE")) {
            let delimiter = *b",;\t".iter().max_by_key(|byte| line.bytes().filter(|other| other == *byte).count())?;
            let names = line.split(char::from(delimiter)).map(|name| name.trim().trim_matches('"'));
            let known = names.filter(|name| tables::is_known_column(name)).count();
            let is_csv = known >= 2 || (known == 1 && (name.ends_with(".csv") || name.ends_with(".tsv")));
            return is_csv.then_some(Format::Csv { delimiter, preamble });
        }
        preamble += 1;
        rest = rest.get(end + 1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_content() {
        let of = |text: &str| format(text.as_bytes(), "x", true);
        assert_eq!(of("{\"a\":1}\n{\"a\":2}\n"), Ok(Format::Lines));
        assert_eq!(of("{\"a\":1}"), Ok(Format::Lines));
        assert_eq!(of("{\"a\":1,\n{\"a\":2}\n"), Ok(Format::Lines));
        assert_eq!(of("{\n \"a\":1}"), Ok(Format::Document));
        assert_eq!(of("{\"value\":[\n{\"a\":1},\n"), Ok(Format::Document));
        assert_eq!(of("[{\"a\":1}]"), Ok(Format::Document));
        assert_eq!(of("\u{feff}Timestamp,DeviceId\n"), Ok(Format::Csv { delimiter: b',', preamble: 0 }));
        assert_eq!(of("#TYPE x\n\"Timestamp\";\"DeviceId\"\n"), Ok(Format::Csv { delimiter: b';', preamble: 1 }));
        assert_eq!(of(" \n"), Ok(Format::Empty));
        assert!(of("hello, world").is_err());
        assert!(of("PK\u{3}\u{4}").is_err());
    }
}
