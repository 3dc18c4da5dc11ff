//! SageMaker's multi-model endpoints: models are loaded, listed, asked and unloaded by name. The other protocols ask
//! them by name as well.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::native::{self, unknown};
use super::{invocations, oip};
use crate::exchange::receive;
use crate::fleet::{Fleet, Listed};
use crate::problem::Problem;

/// Which of an endpoint's models is asked.
const TARGET_MODEL: HeaderName = HeaderName::from_static("x-amzn-sagemaker-target-model");
/// Models of a page.
const PAGE: usize = 100;

pub(super) fn routes() -> Router<Fleet> {
    Router::new()
        .route("/models", get(list).post(load))
        .route("/models/{name}", get(describe).delete(unload))
        .route("/models/{name}/invoke", post(invoke))
        .route("/endpoints/{name}/invocations", post(invoke_endpoint))
        .route("/v1/models/{name}/predict", post(predict))
        .route("/v1/models/{name}/package", get(package))
        .merge(oip::routes())
        .fallback(unknown)
}

/// What the platform asks for; it may come to ask for more.
#[derive(Deserialize)]
struct Load {
    model_name: String,
    url: String,
}

async fn load(State(fleet): State<Fleet>, request: Request) -> Response {
    let loaded = async {
        let received = receive(fleet.front(), request).await?;
        let Load { model_name, url } = parse(&received.body)?;
        // Baking takes longer than an event loop may be held up.
        let loading = move || fleet.load(&model_name, &url).map(|()| model_name);
        let loaded = tokio::task::spawn_blocking(loading).await;
        loaded.map_err(|_| {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(status, "failed", "the model could not be loaded")
        })?
    };
    match loaded.await {
        Ok(name) => Json(json!({ "modelName": name })).into_response(),
        Err(problem) => refuse(&problem),
    }
}

fn parse(body: &Bytes) -> Result<Load, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("`model_name` and `url` are expected: {error}");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_json", message)
    })
}

#[derive(Deserialize)]
struct Page {
    /// The name of the last model of the page before.
    next_page_token: Option<String>,
}

async fn list(State(fleet): State<Fleet>, Query(page): Query<Page>) -> Response {
    let (models, has_more) = fleet.list(page.next_page_token.as_deref(), PAGE);
    let token = models
        .last()
        .filter(|_| has_more)
        .map(|last| last.name.clone());
    let models: Vec<_> = models.iter().map(shown).collect();
    let mut body = json!({ "models": models });
    if let Some(token) = token {
        body["nextPageToken"] = json!(token);
    }
    Json(body).into_response()
}

async fn describe(State(fleet): State<Fleet>, Path(name): Path<String>) -> Response {
    match fleet.describe(&name) {
        Ok(model) => Json(shown(&model)).into_response(),
        Err(problem) => refuse(&problem),
    }
}

async fn unload(State(fleet): State<Fleet>, Path(name): Path<String>) -> Response {
    match fleet.unload(&name) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problem) => refuse(&problem),
    }
}

async fn invoke(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    match fleet.find(&name) {
        Ok(service) => invocations::invoke(State(service), request).await,
        Err(problem) => refuse(&problem),
    }
}

/// `POST /v1/predict` of one of them.
async fn predict(
    State(fleet): State<Fleet>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    match fleet.find(&name) {
        Ok(service) => native::predict(State(service), request).await,
        Err(problem) => native::refuse(problem),
    }
}

/// `GET /v1/package` of one of them.
async fn package(State(fleet): State<Fleet>, Path(name): Path<String>) -> Response {
    match fleet.find(&name) {
        Ok(service) => native::package(State(service)).await,
        Err(problem) => native::refuse(problem),
    }
}

/// The call of `invoke_endpoint` with a `TargetModel`, which here is the name of a loaded model.
async fn invoke_endpoint(State(fleet): State<Fleet>, request: Request) -> Response {
    let target = request.headers().get(TARGET_MODEL);
    let target = target
        .and_then(|name| name.to_str().ok())
        .map(str::to_owned);
    let found = match &target {
        Some(name) => fleet.find(name),
        None => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "no_target_model",
            "an endpoint of many models is asked with a `TargetModel`",
        )),
    };
    match found {
        Ok(service) => invocations::as_endpoint(&service, request).await,
        Err(problem) => invocations::invalid(&problem.message),
    }
}

fn shown(model: &Listed) -> Value {
    json!({ "modelName": model.name, "modelUrl": model.url })
}

/// `{"error": "…"}`.
fn refuse(problem: &Problem) -> Response {
    let body = Json(json!({ "error": problem.message }));
    super::native::with_retry(problem, (problem.status, body))
}
