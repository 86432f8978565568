//! Sends an answer of the Kusto protocol piece by piece. What fails before the first piece is sent is an error with its
//! own status; what fails later ends the answer as the protocol says. Dropping the body drops the query.
use super::error::{self, Door};
use super::{RequestId, contained, json};
use crate::engine::{QueryError, Response, TableAnswer};
use crate::wire::Frames;
use arrow::record_batch::RecordBatch;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::convert::Infallible;

/// The least size of a piece but the last.
const PIECE: usize = 64 << 10;

struct Sender<F> {
    frames: F,
    id: RequestId,
    waiting: std::vec::IntoIter<TableAnswer>,
    current: Option<BoxStream<'static, Result<RecordBatch, QueryError>>>,
    out: Vec<u8>,
    done: bool,
}

/// The HTTP answer of a query's tables in one of the two forms.
pub async fn send<F: Frames + Send + 'static>(
    answer: Response,
    mut frames: F,
    id: &RequestId,
) -> axum::response::Response {
    let visualizations: Vec<Option<String>> = answer.tables.iter().map(|table| table.visualization.clone()).collect();
    let mut out = Vec::new();
    frames.start(&visualizations, &mut out);
    let waiting = answer.tables.into_iter();
    let mut sender = Sender { frames, id: id.clone(), waiting, current: None, out, done: false };
    let first = match sender.fill().await {
        Ok(()) => Bytes::from(std::mem::take(&mut sender.out)),
        Err(error) => return error::response(Door::Kusto, &error, id),
    };
    if sender.done {
        return json(StatusCode::OK, first);
    }
    let rest = stream::unfold(sender, |mut sender| async move {
        if sender.done {
            return None;
        }
        if let Err(error) = sender.fill().await {
            let error = error::body(Door::Kusto, &error, &sender.id).to_string();
            sender.frames.fail(&error, &mut sender.out);
            sender.done = true;
        }
        Some((Bytes::from(std::mem::take(&mut sender.out)), sender))
    });
    json(StatusCode::OK, Body::from_stream(stream::once(async { first }).chain(rest).map(Ok::<_, Infallible>)))
}

impl<F: Frames> Sender<F> {
    /// Gathers the next piece, or what is left.
    async fn fill(&mut self) -> Result<(), QueryError> {
        while self.out.len() < PIECE && !self.done {
            if let Some(batches) = &mut self.current {
                match contained(batches.next()).await? {
                    Some(batch) => self.frames.batch(&batch?, &mut self.out),
                    None => {
                        self.frames.table_end(&mut self.out);
                        self.current = None;
                    }
                }
            } else if let Some(table) = self.waiting.next() {
                self.frames.table(&table.name, &table.schema, &mut self.out);
                self.current = Some(table.batches);
            } else {
                self.frames.end(&mut self.out);
                self.done = true;
            }
        }
        Ok(())
    }
}
