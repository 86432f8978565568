//! Batches as `multipart/mixed`: each part is an HTTP request as it would be sent alone, or a change set of such parts.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_MultipartBatchFormat>
use super::{Asked, MOST, Malformed, Part, Run, Told, together, unread};
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The most lines of headers of one part.
const HEADERS: usize = 100;

pub async fn answer(run: &mut Run, kind: &str, body: &Bytes, goes_on: bool) -> Result<Response, Malformed> {
    let because = |why: &str| Malformed::Because(why.to_owned());
    let boundary = boundary(kind).ok_or_else(|| because("its content type has no `boundary`"))?;
    let parts = parts(body, &boundary).map_err(Malformed::Because)?;
    let items: Vec<Item> = parts.into_iter().map(item).collect();
    let count: usize = items.iter().map(|item| item.requests.len()).sum();
    if count > MOST {
        return Err(Malformed::Many(count));
    }
    let own = run.boundary();
    let mut out = Vec::new();
    for mut item in items {
        let failed = match (item.requests.len(), item.requests.pop()) {
            (1, Some(part)) => {
                let told = run.one(part).await;
                if told.failed() || !item.set {
                    written(&told, &own, &mut out);
                } else {
                    // Some clients look for the outer boundary as a text, so it must not begin this one.
                    let inner = own.replacen("batch", "changes", 1);
                    out.extend(format!("--{own}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n").bytes());
                    written(&told, &inner, &mut out);
                    out.extend(format!("--{inner}--\r\n").bytes());
                }
                told.failed()
            }
            (count, last) => {
                for part in item.requests.iter().chain(&last) {
                    run.failed(part);
                }
                let whole = Part { id: None, group: None, needs: vec![], asked: Err(unread(String::new())) };
                written(&run.refused(whole, together("A change set", count)).await, &own, &mut out);
                true
            }
        };
        if failed && !goes_on {
            break;
        }
    }
    out.extend(format!("--{own}--\r\n").bytes());
    let kind = format!("multipart/mixed; boundary={own}");
    let mut response = ([(header::CONTENT_TYPE, kind)], out).into_response();
    response.headers_mut().insert("odata-version", HeaderValue::from_static("4.0"));
    Ok(response)
}

/// A request, or a change set of some.
struct Item {
    requests: Vec<Part>,
    set: bool,
}

impl Item {
    fn one(part: Part) -> Item {
        Item { requests: vec![part], set: false }
    }
}

/// `multipart/mixed; boundary="batch_1"`
fn boundary(kind: &str) -> Option<String> {
    let given = kind.split(';').skip(1).filter_map(|part| part.split_once('='));
    let mut given = given.filter(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    let boundary = given.next()?.1.trim().trim_matches('"').to_owned();
    (!boundary.is_empty() && boundary.len() <= 200).then_some(boundary)
}

/// What stands between the boundaries. Lines end as HTTP has it, or with a line feed alone.
fn parts<'b>(body: &'b [u8], boundary: &str) -> Result<Vec<&'b [u8]>, String> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let rest = &body[at..];
        let ends = rest.iter().position(|byte| *byte == b'\n').map_or(body.len(), |end| at + end + 1);
        let line = body[at..ends].trim_ascii_end();
        let behind = line.strip_prefix(mark.as_bytes());
        if let Some(behind @ (b"" | b"--")) = behind {
            if let Some(from) = open {
                // The line end before a boundary belongs to the boundary.
                let part = &body[from..at.max(from)];
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                parts.push(part.strip_suffix(b"\r").unwrap_or(part));
            }
            if behind == b"--" {
                return Ok(parts);
            }
            open = Some(ends);
        }
        at = ends;
    }
    Err(match open {
        Some(_) => format!("its last boundary, `{mark}--`, is missing"),
        None => format!("it has no boundary `{mark}`"),
    })
}

fn item(part: &[u8]) -> Item {
    match set_or_request(part) {
        Ok(item) => item,
        Err(why) => Item::one(Part { id: None, group: None, needs: vec![], asked: Err(unread(why)) }),
    }
}

fn set_or_request(part: &[u8]) -> Result<Item, String> {
    let (headers, content) = head(part)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/mixed") {
        return Ok(Item::one(request(&headers, kind, content)));
    }
    let boundary = boundary(kind).ok_or("the content type of the change set has no `boundary`")?;
    let set = parts(content, &boundary).map_err(|why| format!("of the change set, {why}"))?;
    if set.is_empty() {
        return Err("the change set is empty".into());
    }
    let one = |part: &[u8]| match head(part) {
        Ok((headers, content)) => {
            let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
            request(&headers, kind, content)
        }
        Err(why) => Part { id: None, group: None, needs: vec![], asked: Err(unread(why)) },
    };
    Ok(Item { requests: set.into_iter().map(one).collect(), set: true })
}

/// A line without its end, and what is behind it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &text[text.len()..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// Headers up to an empty line, and what is behind it.
fn head(mut text: &[u8]) -> Result<(HeaderMap, &[u8]), String> {
    let mut headers = HeaderMap::new();
    for _ in 0..HEADERS {
        let (first, rest) = line(text);
        text = rest;
        if first.is_empty() {
            return Ok((headers, text));
        }
        let shown = || format!("`{}` is no header", String::from_utf8_lossy(&first[..first.len().min(80)]));
        let colon = first.iter().position(|byte| *byte == b':').ok_or_else(shown)?;
        let name = HeaderName::from_bytes(first[..colon].trim_ascii()).map_err(|_| shown())?;
        let value = HeaderValue::from_bytes(first[colon + 1..].trim_ascii()).map_err(|_| shown())?;
        headers.append(name, value);
    }
    Err(format!("it has more than {HEADERS} headers"))
}

fn request(outer: &HeaderMap, kind: &str, content: &[u8]) -> Part {
    let name = |headers: &HeaderMap| {
        let id = headers.get("content-id").and_then(|id| id.to_str().ok()).map(str::trim);
        id.filter(|id| !id.is_empty()).map(str::to_owned)
    };
    let main = kind.split(';').next().unwrap_or("").trim();
    if !main.eq_ignore_ascii_case("application/http") {
        let why = format!("a part is `application/http` or a change set, not `{main}`");
        return Part { id: name(outer), group: None, needs: vec![], asked: Err(unread(why)) };
    }
    match asked(content) {
        // Some clients have it among the headers of the request.
        Ok(asked) => {
            Part { id: name(outer).or_else(|| name(&asked.headers)), group: None, needs: vec![], asked: Ok(asked) }
        }
        Err(why) => Part { id: name(outer), group: None, needs: vec![], asked: Err(unread(why)) },
    }
}

/// `GET alerts?$top=1 HTTP/1.1`, headers, an empty line, a body.
fn asked(content: &[u8]) -> Result<Asked, String> {
    let mut content = content;
    let first = loop {
        let (first, rest) = line(content);
        if content.is_empty() {
            return Err("the part has no request in it".into());
        }
        content = rest;
        if !first.trim_ascii().is_empty() {
            break first.trim_ascii();
        }
    };
    let first = std::str::from_utf8(first).map_err(|_| "its first line is not UTF-8")?;
    let (method, rest) = first.split_once(' ').ok_or("its first line is not a method and a URL")?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| "its first line is not a method and a URL")?;
    let rest = rest.trim();
    let url = match rest.rsplit_once(' ') {
        Some((url, version)) if version.to_ascii_uppercase().starts_with("HTTP/") => url,
        _ => rest,
    };
    let (headers, body) = head(content)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.trim().parse().ok());
    let body = match length {
        Some(length) => body.get(..length).ok_or("its body is shorter than `Content-Length` says")?,
        None => body,
    };
    let body = if matches!(method, Method::GET | Method::HEAD | Method::DELETE) { &[][..] } else { body };
    Ok(Asked { method, url: url.trim().to_owned(), headers, body: Bytes::copy_from_slice(body) })
}

fn written(told: &Told, boundary: &str, out: &mut Vec<u8>) {
    let Told { id, status, headers, body, .. } = told;
    let mut head = format!("--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
    if let Some(id) = id {
        head += &format!("Content-ID: {id}\r\n");
    }
    head += &format!("\r\nHTTP/1.1 {} {}\r\n", status.as_u16(), reason(*status));
    for (name, value) in headers {
        if let Ok(value) = value.to_str() {
            head += &format!("{name}: {value}\r\n");
        }
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    out.extend(head.bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(b"\r\n");
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> String {
        let parts = match parts(body.as_bytes(), "b") {
            Ok(parts) => parts,
            Err(why) => return why,
        };
        let shown = |part: Part| match part.asked {
            Ok(asked) => {
                let body = String::from_utf8_lossy(&asked.body).into_owned();
                format!("{} {} {} {body:?}", part.id.unwrap_or_default(), asked.method, asked.url)
            }
            Err(refusal) => refusal.message,
        };
        let items = parts.into_iter().map(item).map(|item| {
            let all = item.requests.into_iter().map(shown).collect::<Vec<_>>().join(", ");
            if item.set { format!("[{all}]") } else { all }
        });
        items.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn parts_as_clients_write_them() {
        let one = "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                   GET alerts?$filter=a eq 'b' HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--b--\r\n";
        assert_eq!(read(one), " GET alerts?$filter=a eq 'b' \"\"");
        assert_eq!(read(&one.replace("\r\n", "\n")), read(one));
        assert_eq!(read(&format!("a preamble\r\n{one}an epilogue\r\n--b\r\n")), read(one));
        assert_eq!(read(&one.replace(" HTTP/1.1", "")), read(one));
        let set = "--b\nContent-Type: multipart/mixed; boundary=\"c\"\n\n--c\nContent-Type: application/http\nContent-ID: 1\n\n\
                   PATCH alerts/da1\nContent-Length: 2\n\n{}\r\n--c--\n--b\nContent-Type: text/plain\n\nhello\n--b--";
        assert_eq!(
            read(set),
            "[1 PATCH alerts/da1 \"{}\"] | The request cannot be read: a part is `application/http` or a change set, not `text/plain`."
        );
        assert_eq!(read("--b--"), "");
        assert_eq!(read("--b\n\nx"), "its last boundary, `--b--`, is missing");
        assert_eq!(read("hello"), "it has no boundary `--b`");
        assert_eq!(read("--b\nno header\n--b--"), "The request cannot be read: `no header` is no header.");
        let short = one.replace("Accept: application/json", "Content-Length: 9").replace("GET", "POST");
        assert_eq!(read(&short), "The request cannot be read: its body is shorter than `Content-Length` says.");
        // Whatever comes, nothing breaks.
        for end in 0..set.len() {
            read(&set[..end]);
            read(&set[end..]);
        }
    }
}
