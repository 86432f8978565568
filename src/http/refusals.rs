//! What the HTTP library refuses before there is a request: heads that cannot be read, or are too long. It answers with a
//! status and no body; clients that expect an error as JSON stumble over that, so it gets one here, on its way out.
use super::RequestId;
use super::error;
use axum::http::StatusCode;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::info;

/// A connection whose refusals have bodies.
pub struct Told<S> {
    stream: S,
    /// What of a refusal is still to be written.
    rest: Vec<u8>,
    /// How much of what was given to write it stands for.
    given: usize,
}

impl<S> Told<S> {
    pub fn new(stream: S) -> Told<S> {
        Told { stream, rest: Vec::new(), given: 0 }
    }
}

/// The refusal with a body, where this is one of the library's own: these four lines and nothing else. Each answer of ours
/// has more.
fn told(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(bytes.strip_suffix(b"\r\n\r\n")?).ok()?;
    let [first, "connection: close", "content-length: 0", date] = head.split("\r\n").collect::<Vec<_>>()[..] else {
        return None;
    };
    let status = first.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let status = StatusCode::from_u16(status).ok().filter(StatusCode::is_client_error)?;
    let id = RequestId { ours: uuid::Uuid::new_v4().to_string(), theirs: None };
    info!(id = %id.ours, status = status.as_u16(), "refused before it was read");
    let body = error::unreadable(status, &id).to_string();
    let (ours, length) = (&id.ours, body.len());
    let told = format!(
        "{first}\r\ncontent-type: application/json; charset=utf-8\r\nrequest-id: {ours}\r\ncache-control: no-store\r\n\
         connection: close\r\ncontent-length: {length}\r\n{date}\r\n\r\n{body}"
    );
    Some(told.into_bytes())
}

impl<S: AsyncWrite + Unpin> Told<S> {
    /// Whether there is a refusal to write in place of what was given.
    fn holds(&mut self, bytes: &[u8]) -> bool {
        if self.rest.is_empty()
            && let Some(refusal) = told(bytes)
        {
            (self.rest, self.given) = (refusal, bytes.len());
        }
        !self.rest.is_empty()
    }

    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Told<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Told<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.holds(bytes) {
            return Pin::new(&mut this.stream).poll_write(context, bytes);
        }
        ready!(this.drain(context))?;
        Poll::Ready(Ok(this.given))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let one = if let [one] = pieces { &one[..] } else { &[] };
        if !this.holds(one) {
            return Pin::new(&mut this.stream).poll_write_vectored(context, pieces);
        }
        ready!(this.drain(context))?;
        Poll::Ready(Ok(this.given))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
