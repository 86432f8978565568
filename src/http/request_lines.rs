//! Request lines as clients send them: `GET /api/alerts?$filter=id eq 'da1' HTTP/1.1`, with blanks and quotes in the options
//! that a URI has to have encoded. The alerts API takes them, the HTTP library does not, so they are encoded on their way in.
//! Only what stands behind the `?` is touched: which resource is asked for is never a matter of how a line is read.
//!
//! [RFC 9112 § 3](https://www.rfc-editor.org/rfc/rfc9112#section-3) is where a line ends and what is in it.
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a line that are waited for; the HTTP library takes no longer ones.
const LINE: usize = 80 << 10;
/// Bytes of a header that say whether it tells of the body.
const HEADER: usize = 128;

/// A connection whose request lines have come to be URIs.
pub struct Encoded<S> {
    stream: S,
    requests: Requests,
    /// What was read and is still to be handed on.
    rest: Vec<u8>,
}

impl<S> Encoded<S> {
    pub fn new(stream: S) -> Encoded<S> {
        Encoded { stream, requests: Requests::default(), rest: Vec::new() }
    }
}

/// How far the requests of a connection are read.
#[derive(Default)]
struct Requests {
    at: At,
    /// The line that has not ended: all of a request line, the beginning of a header.
    line: Vec<u8>,
    length: Option<u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum At {
    #[default]
    RequestLine,
    Headers,
    Body(u64),
    /// Where the next request begins is not known, so all else goes by as it is.
    Unknown,
}

impl Requests {
    /// Whether so many bytes are nothing to look at.
    fn passes(&mut self, count: usize) -> bool {
        match self.at {
            At::Unknown => true,
            At::Body(left) if count as u64 <= left => {
                self.body(left - count as u64);
                true
            }
            _ => false,
        }
    }

    fn body(&mut self, left: u64) {
        self.at = if left == 0 { At::RequestLine } else { At::Body(left) };
    }

    /// These bytes as they are handed on, behind what was handed on before.
    fn read(&mut self, mut bytes: &[u8], on: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if let At::Body(left) = self.at {
                let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                on.extend_from_slice(&bytes[..count]);
                self.body(left - count as u64);
                bytes = &bytes[count..];
                continue;
            }
            let end = memchr::memchr(b'\n', bytes);
            let (piece, others) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
            bytes = others;
            match self.at {
                At::RequestLine => {
                    self.line.extend_from_slice(piece);
                    if end.is_some() {
                        let line = mem::take(&mut self.line);
                        // Empty lines before a request are passed over by everybody.
                        if !line.trim_ascii().is_empty() {
                            self.at = At::Headers;
                        }
                        on.extend(encoded(line));
                    } else if self.line.len() > LINE {
                        self.given_up(on);
                    }
                }
                At::Headers => {
                    on.extend_from_slice(piece);
                    let room = HEADER.saturating_sub(self.line.len()).min(piece.len());
                    self.line.extend_from_slice(&piece[..room]);
                    if end.is_some() {
                        self.header();
                        self.line.clear();
                    }
                }
                At::Body(_) | At::Unknown => on.extend_from_slice(piece),
            }
        }
    }

    fn header(&mut self) {
        let line = self.line.trim_ascii_end();
        if line.is_empty() {
            let length = self.length.take();
            self.body(length.unwrap_or(0));
            return;
        }
        let (name, value) = line.split_at(memchr::memchr(b':', line).unwrap_or(line.len()));
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.get(1..).map(<[u8]>::trim_ascii).unwrap_or_default();
            let length = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            match length.and_then(|text| text.parse().ok()) {
                Some(length) if self.length.is_none() => self.length = Some(length),
                _ => self.at = At::Unknown,
            }
        } else if name.trim_ascii().eq_ignore_ascii_case(b"transfer-encoding") || name != name.trim_ascii() {
            self.at = At::Unknown;
        }
    }

    /// Hands on what was waited with.
    fn given_up(&mut self, on: &mut Vec<u8>) {
        on.append(&mut self.line);
        self.at = At::Unknown;
    }
}

/// A request line whose options have nothing in them that a URI cannot have; any other line as it is.
fn encoded(line: Vec<u8>) -> Vec<u8> {
    let Some((from, to)) = options(&line) else { return line };
    if !line[from..to].iter().any(|byte| foreign(*byte)) {
        return line;
    }
    let mut whole = line[..from].to_vec();
    for byte in &line[from..to] {
        match byte {
            byte if foreign(*byte) => whole.extend(format!("%{byte:02X}").into_bytes()),
            byte => whole.push(*byte),
        }
    }
    whole.extend_from_slice(&line[to..]);
    whole
}

/// Where the options of a request line begin and end.
fn options(line: &[u8]) -> Option<(usize, usize)> {
    let version = memchr::memmem::rfind(line, b" HTTP/1.")?;
    let method = memchr::memchr(b' ', line)?;
    let from = memchr::memchr(b'?', line)? + 1;
    let resource = line.get(method + 1..from)?;
    let whole = resource.starts_with(b"/") && !resource.contains(&b' ') && from <= version;
    whole.then_some((from, version))
}

/// Whether a URI has this byte only encoded ([RFC 3986 § 2](https://www.rfc-editor.org/rfc/rfc3986#section-2)).
fn foreign(byte: u8) -> bool {
    !byte.is_ascii() || matches!(byte, b' ' | b'\t' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

impl<S: AsyncRead + Unpin> AsyncRead for Encoded<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.rest.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let read = buffer.filled()[before..].to_vec();
            if read.is_empty() {
                this.requests.given_up(&mut this.rest);
                if this.rest.is_empty() {
                    return Poll::Ready(Ok(()));
                }
            } else if this.requests.passes(read.len()) {
                return Poll::Ready(Ok(()));
            } else {
                buffer.set_filled(before);
                this.requests.read(&read, &mut this.rest);
            }
        }
        let count = this.rest.len().min(buffer.remaining());
        buffer.put_slice(&this.rest[..count]);
        this.rest.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Encoded<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::Requests;

    /// What comes of bytes that arrive in pieces of so many.
    fn handed_on(bytes: &str, piece: usize) -> String {
        let (mut requests, mut on) = (Requests::default(), Vec::new());
        for piece in bytes.as_bytes().chunks(piece) {
            if requests.passes(piece.len()) {
                on.extend_from_slice(piece);
            } else {
                requests.read(piece, &mut on);
            }
        }
        String::from_utf8(on).unwrap()
    }

    #[test]
    fn options_are_encoded_and_nothing_else_is_touched_however_it_arrives() {
        let asks = "\r\nGET /api/alerts?$filter=id eq 'é\"' HTTP/1.1\r\nhost: a b\r\n\r\n";
        let asked = "\r\nGET /api/alerts?$filter=id%20eq%20'%C3%A9%22' HTTP/1.1\r\nhost: a b\r\n\r\n";
        let body = "POST /q?a=b c HTTP/1.1\r\nContent-Length: 17\r\n\r\nGET /?a b HTTP/1.\n";
        let sent = "POST /q?a=b%20c HTTP/1.1\r\nContent-Length: 17\r\n\r\nGET /?a b HTTP/1.\n";
        let cases = [
            (asks.to_owned() + asks, asked.to_owned() + asked),
            (body.replace("17", "18") + asks, sent.replace("17", "18") + asked),
            // A path with a blank is not ours to read.
            ("GET /a b?c d HTTP/1.1\r\n\r\n".to_owned(), "GET /a b?c d HTTP/1.1\r\n\r\n".to_owned()),
            ("GET  /a?c d HTTP/1.1\r\n\r\n".to_owned(), "GET  /a?c d HTTP/1.1\r\n\r\n".to_owned()),
        ];
        // Where a body's end is not known for sure, what follows is left alone.
        let unsure =
            ["transfer-encoding: chunked", "content-length: 1\r\ncontent-length: 2", "content-length: +1", "a : b"];
        let unsure =
            unsure.map(|header| format!("POST /q HTTP/1.1\r\n{header}\r\n\r\n{asks}")).map(|text| (text.clone(), text));
        for (from, to) in cases.into_iter().chain(unsure) {
            for piece in [1, 2, 3, 7, 1000] {
                assert_eq!(handed_on(&from, piece), to, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let line = format!("GET /api?{}", "a b".repeat(100_000));
        assert_eq!(handed_on(&line, 4096), line);
    }
}
