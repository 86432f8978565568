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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns;
    use crate::engine::Refused;
    use crate::types::{Schema, Type};
    use crate::value::Value;
    use crate::wire::Ids;
    use crate::wire::kusto_v2::KustoV2;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn batch() -> RecordBatch {
        let text = Value::string("x".repeat(1000));
        let column = columns::column(Type::String, std::iter::repeat_n(&text, 100));
        RecordBatch::try_new(columns::arrow_schema(&schema()), vec![column]).expect("one column")
    }

    fn schema() -> Schema {
        Schema::new([("x", Type::String)])
    }

    async fn sent(batches: BoxStream<'static, Result<RecordBatch, QueryError>>) -> axum::response::Response {
        let id = RequestId { ours: "ours".into(), theirs: None };
        let ids = Ids { client_request: "theirs".into(), activity: "ours".into(), at: 0 };
        let table = TableAnswer { name: "PrimaryResult".into(), schema: schema(), batches, visualization: None };
        send(Response { tables: vec![table], notices: Vec::new() }, KustoV2::new(ids), &id).await
    }

    #[tokio::test]
    async fn a_dropped_body_drops_the_query() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let endless = stream::repeat_with(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(batch())
        });
        let response = sent(endless.boxed()).await;
        assert_eq!(response.status(), StatusCode::OK);
        drop(response);
        assert_eq!((asked.load(Ordering::Relaxed), Arc::strong_count(&asked)), (1, 1));
    }

    #[tokio::test]
    async fn what_fails_at_once_has_a_status_and_what_fails_later_ends_the_answer() {
        let refused = || Err(QueryError::Refused(Refused::Rows(1)));
        let response = sent(stream::iter([refused()]).boxed()).await;
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let panics = stream::iter([0]).map(|_| -> Result<RecordBatch, QueryError> { panic!("a bug") });
        assert_eq!(sent(panics.boxed()).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let response = sent(stream::iter([Ok(batch()), refused()]).boxed()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        let frames: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(frames[2]["Rows"].as_array().map(Vec::len), Some(101));
        assert_eq!(frames[2]["Rows"][100]["OneApiErrors"][0]["error"]["code"], "LimitsExceeded");
        assert_eq!((&frames[3]["Rows"][0][5], &frames[4]["HasErrors"]), (&2.into(), &true.into()));
    }
}
