//! Bodies as they arrive, of which no more is kept than may be.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::StatusCode;

use crate::problem::Problem;

/// How much of a body that is too long is let pass, and for how long.
const PASSING_BYTES: usize = 256 << 20;
const PASSING_TIME: Duration = Duration::from_secs(5);

/// The whole body.
///
/// # Errors
/// 413 if it is longer than `limit`, 400 if it ends too early.
pub(crate) async fn gather(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let mut body = pin!(body);
    let first = match next(body.as_mut()).await? {
        None => return Ok(Bytes::new()),
        // Most bodies arrive in one piece, which is taken as it is.
        Some(piece) if body.is_end_stream() && piece.len() <= limit => return Ok(piece),
        Some(piece) => piece,
    };
    let mut whole = Vec::from(first);
    while let Some(piece) = next(body.as_mut()).await? {
        if whole.len() + piece.len() > limit {
            drop(whole);
            pass(body).await;
            return Err(too_long(limit));
        }
        whole.extend_from_slice(&piece);
    }
    if whole.len() > limit {
        return Err(too_long(limit));
    }
    Ok(whole.into())
}

/// Lets a body go by that is not wanted. A client that is cut off while it writes may never see why.
pub(crate) async fn let_pass(body: Body) {
    pass(pin!(body)).await;
}

pub(crate) fn too_long(limit: usize) -> Problem {
    let message = format!("the body is longer than {limit} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_long", message)
}

async fn pass(mut body: Pin<&mut Body>) {
    let passing = async {
        let mut left = PASSING_BYTES;
        while let Ok(Some(piece)) = next(body.as_mut()).await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    // Whoever takes longer is cut off.
    let _ = tokio::time::timeout(PASSING_TIME, passing).await;
}

/// The next piece of data.
async fn next(mut body: Pin<&mut Body>) -> Result<Option<Bytes>, Problem> {
    loop {
        match poll_fn(|context| body.as_mut().poll_frame(context)).await {
            None => return Ok(None),
            // Trailers hold no data.
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => {
                let message = "the body ended too early";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "cut_short", message));
            }
        }
    }
}
