//! How a server is, whatever it serves.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::front::Front;

pub(super) fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Front>: FromRef<S>,
{
    Router::new()
        .route("/health", get(async || "alive\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/ping", get(ping))
        .route("/version", get(async || env!("CARGO_PKG_VERSION")))
        .route("/execution-parameters", get(execution_parameters))
}

async fn ready(State(front): State<Arc<Front>>) -> Response {
    if front.is_ready() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response()
}

/// What SageMaker and MLflow ask.
async fn ping(State(front): State<Arc<Front>>) -> StatusCode {
    if front.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn metrics(State(front): State<Arc<Front>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match front.metrics.encode(front.workers.waiting()) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a batch transform may ask of this server.
async fn execution_parameters(State(front): State<Arc<Front>>) -> Response {
    let settings = &front.settings;
    Json(json!({
        "MaxConcurrentTransforms": settings.worker_threads,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": (settings.body_bytes >> 20).max(1),
    }))
    .into_response()
}
