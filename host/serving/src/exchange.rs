//! The one way from a request to its answer, whatever the protocol.

use std::sync::Arc;

use arrow::array::RecordBatch;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use crate::front::Front;
use crate::problem::Problem;
use crate::{Model, Service, body};

/// The header that names the package which computed an answer.
pub(crate) const PACKAGE: HeaderName = HeaderName::from_static("trueline-package");

/// Reading longer bodies would hold up an event loop.
const QUICK_BYTES: usize = 64 << 10;

/// What a protocol made of the answers.
pub(crate) struct Reply {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// Further headers.
    pub(crate) headers: HeaderMap,
    /// The digest of the package that computed it.
    pub(crate) package: HeaderValue,
}

impl Reply {
    pub(crate) fn new(model: &Model, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            content_type,
            body: body.into(),
            headers: HeaderMap::new(),
            package: model.digest_header().clone(),
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(PACKAGE, self.package);
        headers.extend(self.headers);
        response
    }
}

/// A request whose body has arrived.
pub(crate) struct Received {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    /// Its share of the memory for bodies, given back when this is dropped.
    _memory: OwnedSemaphorePermit,
}

impl Received {
    /// The text of a header, if it is there and is one.
    pub(crate) fn header(&self, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The content type without its parameters, in lower case; empty if the client names none.
    pub(crate) fn content_type(&self) -> String {
        let text = self.header(CONTENT_TYPE).unwrap_or_default();
        let (essence, _) = text.split_once(';').unwrap_or((text, ""));
        essence.trim().to_ascii_lowercase()
    }
}

/// Takes in the body of a request, within the operator's limits.
///
/// # Errors
/// 413 if it is too long, 408 if it takes too long, 503 if too many others are being taken in.
pub(crate) async fn receive(front: &Front, request: Request) -> Result<Received, Problem> {
    let settings = &front.settings;
    let limit = settings.body_bytes;
    let announced = request.headers().get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let length = announced.unwrap_or(limit);
    if length > limit {
        // Who asks before sending is told at once, and sends nothing.
        if !request.headers().contains_key(EXPECT) {
            body::let_pass(request.into_body()).await;
        }
        return Err(body::too_long(limit));
    }
    let permits = u32::try_from(length.div_ceil(1024)).unwrap_or(u32::MAX);
    let memory = front.bodies.clone().try_acquire_many_owned(permits);
    let memory = memory.map_err(|_| Problem::overloaded("too many bodies are being received"))?;
    let (head, body) = request.into_parts();
    let arrived = tokio::time::timeout(settings.client_time, body::gather(body, limit)).await;
    let body = arrived.map_err(|_| {
        let message = "the body took too long to arrive";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_client", message)
    })??;
    Ok(Received {
        head,
        body,
        _memory: memory,
    })
}

/// Reads rows from a body, predicts, and writes the answers: in place if that is quick, else on a worker.
/// Whatever `read` finds besides the rows is handed on to `write`.
///
/// # Errors
/// What the client did wrong, or why there is no answer.
pub(crate) async fn exchange<T, R, W>(
    service: &Service,
    received: Received,
    read: R,
    write: W,
) -> Result<Reply, Problem>
where
    T: Send + 'static,
    R: FnOnce(&Model, &[u8]) -> trueline_wire::Result<(T, RecordBatch)> + Send + 'static,
    W: FnOnce(&Model, T, &RecordBatch) -> trueline_wire::Result<Reply> + Send + 'static,
{
    let model: Arc<Model> = service.model();
    if received.body.len() > QUICK_BYTES || model.extracts() {
        let shared = service.clone();
        let everything = move || -> Result<Reply, Problem> {
            let (more, rows) = read(&model, &received.body)?;
            let rows = model.complete(rows)?;
            let answers = model.predict(&rows)?;
            shared.answered(&model, shared.keep(&rows), &answers);
            Ok(write(&model, more, &answers)?)
        };
        return service.workers().run(everything).await?;
    }
    let (more, rows) = read(&model, &received.body)?;
    let kept = service.keep(&rows);
    let answers = match model.predict_quickly(&rows) {
        Some(answers) => answers?,
        None => {
            let model = model.clone();
            let predict = move || model.predict(&rows);
            service.workers().run(predict).await??
        }
    };
    service.answered(&model, kept, &answers);
    Ok(write(&model, more, &answers)?)
}
