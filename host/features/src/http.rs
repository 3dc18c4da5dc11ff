//! The feature store over HTTP: Feast's own REST shapes, so that its client works unchanged, and a plainer
//! one with rows and versions.
//!
//! | | |
//! |---|---|
//! | `POST /get-online-features`, `/push`, `/write-to-online-store`, `/materialize`, `/materialize-incremental`, `GET /health` | as Feast's server has them: [`feast`] |
//! | `POST /v1/features`, `POST /v1/sources/{source}/rows` | [`native`] |

mod answer;
pub(crate) mod columns;
mod feast;
mod native;
mod reading;
pub(crate) mod values;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::{Error, FeatureStore, Result};

/// The longest body: a push of some hundred thousand rows.
const BODY_BYTES: usize = 64 << 20;

/// Answers requests with a store.
pub fn router(store: Arc<FeatureStore>) -> Router {
    Router::new()
        .route("/health", get(|| async {}))
        .route("/get-online-features", post(feast::get_online_features))
        .route("/push", post(feast::push))
        .route("/write-to-online-store", post(feast::write_to_online_store))
        .route("/materialize", post(feast::materialize))
        .route(
            "/materialize-incremental",
            post(feast::materialize_incremental),
        )
        .route("/v1/features", post(native::features))
        .route("/v1/sources/{source}/rows", post(native::rows))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(store)
}

/// Does what blocks on a thread where that harms nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Error::Stopped),
    }
}

/// The present, in microseconds since 1970 UTC.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

/// What a client is told. What the system says of files and databases goes to the log.
fn public(error: &Error) -> String {
    match error {
        Error::Unknown { .. } | Error::Input { .. } | Error::Quarantined(_) => error.to_string(),
        Error::NotOnline { receipt, .. } => {
            eprintln!("trueline: {error}");
            format!(
                "{} rows were taken in, but are not online yet, as the online store cannot be reached: do not push them again",
                receipt.rows
            )
        }
        other => {
            eprintln!("trueline: a request for features failed: {other}");
            "the feature store could not answer".to_owned()
        }
    }
}
