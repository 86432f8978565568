//! Big inputs in pieces of bounded size, cut where a row ends: each piece can be read by itself, on any thread.
use super::detect::{Format, PEEK};
use std::io::{self, BufRead, Read};

/// Bytes of a piece, unless one row is longer.
const PIECE: usize = 1 << 20;
/// Bytes of the longest row. Without a bound, one unclosed quote would take all memory.
const ROW: usize = 64 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Whole lines, the first of which has this number.
    Lines { line: u64, bytes: Vec<u8> },
    /// JSON values, each with the line it begins on and the end of its bytes.
    Values { bytes: Vec<u8>, ends: Vec<(u64, usize)> },
    /// Whole CSV records.
    Records { line: u64, bytes: Vec<u8> },
    /// Something that is no row.
    Broken { line: u64, reason: String, text: String },
}

/// Cuts text that comes through `reader` into pieces.
pub struct Pieces<R> {
    reader: R,
    line: u64,
    state: State,
}

enum State {
    Lines { rest: Vec<u8>, ended: bool },
    Records { rest: Vec<u8>, ended: bool },
    Document(Document),
    Done,
}

impl<R: BufRead> Pieces<R> {
    /// `preamble` lines are passed over.
    pub fn new(mut reader: R, format: &Format) -> io::Result<Pieces<R>> {
        let mut line = 1;
        if reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let state = match format {
            Format::Lines => State::Lines { rest: Vec::new(), ended: false },
            Format::Document => State::Document(Document::default()),
            Format::Csv { preamble, .. } => {
                for _ in 0..*preamble {
                    (&mut reader).take(PEEK as u64).read_until(b'\n', &mut Vec::new())?;
                    line += 1;
                }
                State::Records { rest: Vec::new(), ended: false }
            }
            Format::Parquet | Format::Empty => State::Done,
        };
        Ok(Pieces { reader, line, state })
    }

    /// The first CSV record: the header. It takes part in no piece.
    pub fn header(&mut self) -> io::Result<Vec<u8>> {
        let mut header = Vec::new();
        loop {
            (&mut self.reader).take(ROW as u64).read_until(b'\n', &mut header)?;
            self.line += 1;
            let quotes = header.iter().filter(|byte| **byte == b'"').count();
            if quotes % 2 == 0 || header.len() >= PEEK || self.reader.fill_buf()?.is_empty() {
                return Ok(header);
            }
        }
    }

    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        match &mut self.state {
            State::Done => Ok(None),
            State::Lines { rest, ended } => {
                let piece = whole_rows(&mut self.reader, rest, ended, &mut self.line, |bytes| {
                    bytes.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1)
                })?;
                Ok(piece.map(|cut| match cut {
                    Cut::Rows(line, bytes) => Piece::Lines { line, bytes },
                    Cut::TooLong(line, text) => too_long(line, text),
                }))
            }
            State::Records { rest, ended } => {
                let piece = whole_rows(&mut self.reader, rest, ended, &mut self.line, last_record_end)?;
                Ok(piece.map(|cut| match cut {
                    Cut::Rows(line, bytes) => Piece::Records { line, bytes },
                    Cut::TooLong(line, text) => too_long(line, text),
                }))
            }
            State::Document(document) => {
                let piece = document.next_piece(&mut self.reader, &mut self.line)?;
                if piece.is_none() || matches!(piece, Some(Piece::Broken { .. })) {
                    self.state = State::Done;
                }
                Ok(piece)
            }
        }
    }
}

fn too_long(line: u64, text: String) -> Piece {
    Piece::Broken { line, reason: format!("a row of more than {} MiB", ROW >> 20), text }
}

enum Cut {
    Rows(u64, Vec<u8>),
    TooLong(u64, String),
}

/// Fills `rest` and gives away its whole rows.
fn whole_rows(
    reader: &mut impl BufRead,
    rest: &mut Vec<u8>,
    ended: &mut bool,
    line: &mut u64,
    end_of_rows: impl Fn(&[u8]) -> Option<usize>,
) -> io::Result<Option<Cut>> {
    let mut wanted = PIECE;
    while !*ended {
        let missing = wanted.saturating_sub(rest.len());
        if missing > 0 {
            *ended = reader.take(missing as u64).read_to_end(rest)? < missing;
        }
        if let Some(end) = end_of_rows(rest) {
            let tail = rest.split_off(end);
            let rows = std::mem::replace(rest, tail);
            let first = *line;
            *line += newlines(&rows);
            return Ok(Some(Cut::Rows(first, rows)));
        }
        if rest.len() >= ROW {
            let text = String::from_utf8_lossy(&rest[..1024]).into_owned();
            let first = *line;
            *line += newlines(rest);
            rest.clear();
            // The next newline ends the overlong row.
            loop {
                let buffer = reader.fill_buf()?;
                if buffer.is_empty() {
                    *ended = true;
                    break;
                }
                let newline = buffer.iter().position(|byte| *byte == b'\n');
                let length = newline.map_or(buffer.len(), |at| at + 1);
                reader.consume(length);
                if newline.is_some() {
                    *line += 1;
                    break;
                }
            }
            return Ok(Some(Cut::TooLong(first, text)));
        }
        wanted = rest.len() * 2;
    }
    if rest.is_empty() {
        return Ok(None);
    }
    let first = *line;
    *line += newlines(rest);
    Ok(Some(Cut::Rows(first, std::mem::take(rest))))
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// The end of the last whole CSV record: a newline with an even number of quotes before it.
fn last_record_end(bytes: &[u8]) -> Option<usize> {
    let (mut quoted, mut end) = (false, None);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => end = Some(at + 1),
            _ => {}
        }
    }
    end
}

/// Keys of an object whose list holds rows: exports wrapped for blobs, pages of OData, answers of the hunting APIs.
pub const WRAPPERS: [&str; 4] = ["records", "value", "Results", "results"];

/// Finds the rows in JSON over several lines, byte by byte, with no more than one row in memory.
#[derive(Debug, Default)]
struct Document {
    /// What is open around the rows.
    around: Vec<Around>,
    at: At,
    /// Brackets open within the row, or within what is passed over.
    open: Vec<u8>,
    in_string: bool,
    escaped: bool,
    /// The last key of the row's own members, as far as needed to know a wrapper by it.
    key: Vec<u8>,
    in_key: bool,
    after_colon: bool,
    row: Vec<u8>,
    row_line: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    List,
    /// An object around a list of rows.
    Wrapper,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    BetweenRows,
    InRow,
    /// In a wrapper behind its list: the rest of it is passed over.
    BehindList,
}

enum Step {
    On,
    Row,
    Broken(&'static str),
}

impl Document {
    fn next_piece(&mut self, reader: &mut impl BufRead, line: &mut u64) -> io::Result<Option<Piece>> {
        let (mut bytes, mut ends): (Vec<u8>, Vec<(u64, usize)>) = (Vec::new(), Vec::new());
        while bytes.len() < PIECE {
            let buffer = reader.fill_buf()?;
            if buffer.is_empty() {
                if !ends.is_empty() {
                    break;
                }
                let whole = self.at == At::BetweenRows && self.around.is_empty();
                return Ok((!whole).then(|| self.broken(*line, "the JSON ends early")));
            }
            let mut used = 0;
            let mut fault = None;
            for byte in buffer {
                match self.step(*byte, *line) {
                    Step::On => {}
                    Step::Row => {
                        bytes.append(&mut self.row);
                        ends.push((self.row_line, bytes.len()));
                    }
                    Step::Broken(reason) => {
                        fault = Some(reason);
                        break;
                    }
                }
                used += 1;
                *line += u64::from(*byte == b'\n');
                if bytes.len() >= PIECE {
                    break;
                }
            }
            reader.consume(used);
            match fault {
                None => {}
                Some(reason) if ends.is_empty() => return Ok(Some(self.broken(*line, reason))),
                // The rows before the fault come first; the byte at fault is still there and is met again.
                Some(_) => break,
            }
        }
        Ok(Some(Piece::Values { bytes, ends }))
    }

    fn broken(&self, line: u64, reason: &str) -> Piece {
        let text = String::from_utf8_lossy(&self.row[..self.row.len().min(1024)]).into_owned();
        let line = if self.row.is_empty() { line } else { self.row_line };
        Piece::Broken { line, reason: reason.into(), text }
    }

    /// Takes one byte. A fault changes nothing, so that it can be met again.
    fn step(&mut self, byte: u8, line: u64) -> Step {
        if self.in_string {
            if self.at == At::InRow {
                self.row.push(byte);
            }
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => (self.in_string, self.in_key) = (false, false),
                _ if self.in_key && self.key.len() < 16 => self.key.push(byte),
                _ => {}
            }
            return if self.row.len() < ROW { Step::On } else { Step::Broken("a row of more than 64 MiB") };
        }
        match self.at {
            At::BetweenRows => self.between_rows(byte, line),
            At::InRow | At::BehindList => self.within(byte),
        }
    }

    fn between_rows(&mut self, byte: u8, line: u64) -> Step {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
            b'{' => {
                self.at = At::InRow;
                self.row_line = line;
                self.row.clear();
                self.row.push(byte);
                self.open.push(byte);
                self.after_colon = false;
            }
            b'[' if self.around.len() < 4 => self.around.push(Around::List),
            b']' if self.around.last() == Some(&Around::List) => {
                self.around.pop();
                if self.around.last() == Some(&Around::Wrapper) {
                    self.at = At::BehindList;
                }
            }
            b'}' | b']' => return Step::Broken("a closing bracket without its opening one"),
            _ => return Step::Broken("no JSON object where a row should be"),
        }
        Step::On
    }

    fn within(&mut self, byte: u8) -> Step {
        match byte {
            b'"' => {
                self.in_string = true;
                self.in_key = self.open.len() == 1 && !self.after_colon;
                if self.in_key {
                    self.key.clear();
                }
            }
            b'[' if self.is_wrapper() => {
                self.around.extend([Around::Wrapper, Around::List]);
                self.at = At::BetweenRows;
                self.open.clear();
                self.row.clear();
                return Step::On;
            }
            b'{' | b'[' if self.open.len() >= 512 => return Step::Broken("brackets more than 512 deep"),
            b'{' | b'[' => self.open.push(byte),
            b'}' if self.open.is_empty() => {
                self.around.pop();
                self.at = At::BetweenRows;
                return Step::On;
            }
            b'}' | b']' => {
                let opening = if byte == b'}' { b'{' } else { b'[' };
                if self.open.last() != Some(&opening) {
                    return Step::Broken("a closing bracket without its opening one");
                }
                self.open.pop();
            }
            b':' if self.open.len() == 1 => self.after_colon = true,
            b',' if self.open.len() == 1 => self.after_colon = false,
            _ => {}
        }
        if self.at == At::InRow {
            self.row.push(byte);
            if self.open.is_empty() {
                self.at = At::BetweenRows;
                return Step::Row;
            }
        }
        if self.row.len() < ROW { Step::On } else { Step::Broken("a row of more than 64 MiB") }
    }

    /// Whether the list that opens here holds the rows, and the object at hand only wraps it.
    fn is_wrapper(&self) -> bool {
        self.at == At::InRow
            && self.open == [b'{']
            && self.after_colon
            && !self.around.contains(&Around::Wrapper)
            && WRAPPERS.iter().any(|key| key.as_bytes() == self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, format: &Format) -> String {
        let mut pieces = Pieces::new(text.as_bytes(), format).unwrap();
        let mut out = String::new();
        while let Some(piece) = pieces.next_piece().unwrap() {
            match piece {
                Piece::Lines { line, bytes } | Piece::Records { line, bytes } => {
                    out += &format!("{line}: {}\n", String::from_utf8_lossy(&bytes));
                }
                Piece::Values { bytes, ends } => {
                    let mut start = 0;
                    for (line, end) in ends {
                        out += &format!("{line}: {}\n", String::from_utf8_lossy(&bytes[start..end]));
                        start = end;
                    }
                }
                Piece::Broken { line, reason, .. } => out += &format!("{line}: {reason}\n"),
            }
        }
        out
    }

    #[test]
    fn rows_are_found_in_every_wrapping() {
        insta::assert_snapshot!(pieces("{\"Schema\":[{\"Name\":\"a\"}],\n\"Results\":[{\"a\":1},\n{\"a\":[2]}],\"x\":[{}]}{\"b\":\"}\"}", &Format::Document), @r#"
        2: {"a":1}
        3: {"a":[2]}
        3: {"b":"}"}
        "#);
        insta::assert_snapshot!(pieces("[{\"records\":[{\"value\":[1]}]},\n{\"id\":2}]", &Format::Document), @r#"
        1: {"value":[1]}
        2: {"id":2}
        "#);
    }

    #[test]
    fn what_is_broken_is_said_behind_what_is_whole() {
        insta::assert_snapshot!(pieces("[{\"a\":1},\n{\"b\":", &Format::Document), @r#"
        1: {"a":1}
        2: the JSON ends early
        "#);
        insta::assert_snapshot!(pieces("[{\"a\":1},\n7]", &Format::Document), @r#"
        1: {"a":1}
        2: no JSON object where a row should be
        "#);
        insta::assert_snapshot!(pieces("{\"a\":[}", &Format::Document), @"1: a closing bracket without its opening one");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_without_a_panic(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "{", "}", "[", "]", "\"", "\\", ",", ":", "\n", " ", "7", "null", "é", "\"value\":[", "\"a\":", "{\"a\":1}", ",x",
                    "Timestamp,DeviceId", "\u{feff}",
                ]),
                0..40,
            ),
        ) {
            let text = parts.concat();
            for format in [Format::Lines, Format::Document, Format::Csv { delimiter: b',', preamble: 0 }] {
                pieces(&text, &format);
            }
            let _ = super::super::detect::format(text.as_bytes(), "x", true);
            for (_, value) in super::super::fields::members(&text) {
                value.write_json(&mut String::new());
            }
        }
    }

    #[test]
    fn records_end_outside_of_quotes() {
        assert_eq!(last_record_end(b"a,\"b\nc\"\nd,\"e\n"), Some(8));
    }
}
