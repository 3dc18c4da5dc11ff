//! The Open Inference Protocol, version 2: what `tritonclient` and other stock clients speak.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use trueline_wire::oip;

use super::native::with_retry;
use crate::exchange::{Reply, exchange, receive};
use crate::front::Front;
use crate::problem::Problem;
use crate::{Fleet, Model, Service};

/// How much of a body is JSON, if binary tensors follow.
const JSON_BYTES: HeaderName = HeaderName::from_static("inference-header-content-length");

/// What answers under the names of models: one of them, or many.
pub(super) trait Host: Clone + Send + Sync + 'static {
    /// What may be called so; its model is asked whether it is.
    ///
    /// # Errors
    /// 404 if nothing is.
    fn service(&self, model: &str) -> Result<Service, Problem>;

    fn front(&self) -> &Front;
}

impl Host for Service {
    fn service(&self, _model: &str) -> Result<Service, Problem> {
        Ok(self.clone())
    }

    fn front(&self) -> &Front {
        self.front()
    }
}

impl Host for Fleet {
    fn service(&self, model: &str) -> Result<Service, Problem> {
        self.find(model)
    }

    fn front(&self) -> &Front {
        self.front()
    }
}

pub(super) fn routes<H: Host>() -> Router<H> {
    Router::new()
        .route("/v2", get(server))
        .route(
            "/v2/health/live",
            get(async || Json(json!({ "live": true }))),
        )
        .route("/v2/health/ready", get(ready::<H>))
        .route("/v2/models/{model}", get(metadata::<H>))
        .route("/v2/models/{model}/ready", get(model_ready::<H>))
        .route("/v2/models/{model}/infer", post(infer::<H>))
        .route("/v2/models/{model}/versions/{version}", get(metadata::<H>))
        .route(
            "/v2/models/{model}/versions/{version}/ready",
            get(model_ready::<H>),
        )
        .route(
            "/v2/models/{model}/versions/{version}/infer",
            post(infer::<H>),
        )
}

/// What a path names.
#[derive(Deserialize)]
struct Named {
    model: String,
    version: Option<String>,
}

impl Named {
    /// What answers for it.
    ///
    /// # Errors
    /// 404 if another model answers here, or none.
    fn of<H: Host>(&self, host: &H) -> Result<Service, Problem> {
        let service = host.service(&self.model)?;
        self.check(&service.model())?;
        Ok(service)
    }

    fn check(&self, model: &Model) -> Result<(), Problem> {
        let names = model.names();
        let is_other = |version: &String| *version != names.version;
        if self.model == names.name && !self.version.as_ref().is_some_and(is_other) {
            return Ok(());
        }
        let asked = match &self.version {
            Some(version) => format!("model `{}` of version {version}", self.model),
            None => format!("model `{}`", self.model),
        };
        let message = format!(
            "there is no {asked} here; it is `{}` of version {}",
            names.name, names.version
        );
        Err(Problem::new(StatusCode::NOT_FOUND, "not_found", message))
    }
}

async fn server() -> Response {
    Json(json!({
        "name": "trueline",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    }))
    .into_response()
}

async fn ready<H: Host>(State(host): State<H>) -> Response {
    let is_ready = host.front().is_ready();
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": is_ready }))).into_response()
}

async fn model_ready<H: Host>(State(host): State<H>, Path(named): Path<Named>) -> Response {
    match named.of(&host) {
        Ok(_) => ready(State(host)).await,
        Err(problem) => refuse(&problem),
    }
}

async fn metadata<H: Host>(State(host): State<H>, Path(named): Path<Named>) -> Response {
    let model = match named.of(&host) {
        Ok(service) => service.model(),
        Err(problem) => return refuse(&problem),
    };
    let names = model.names();
    let body = oip::metadata(&names.name, &names.version, model.request(), model.output());
    Reply::new(&model, "application/json", body).into_response()
}

async fn infer<H: Host>(
    State(host): State<H>,
    Path(named): Path<Named>,
    request: Request,
) -> Response {
    // Clients of this protocol mostly send no content type; what the body is follows from the header.
    let answered = async {
        let received = receive(host.front(), request).await?;
        let service = named.of(&host)?;
        let json_bytes = match received.header(JSON_BYTES) {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                let message =
                    format!("Inference-Header-Content-Length is {text:?}, a number is expected");
                Problem::new(StatusCode::BAD_REQUEST, "invalid_header", message)
            })?),
        };
        exchange(
            &service,
            received,
            move |model, body| {
                let request = oip::read(model.request(), json_bytes, body)?;
                let rows = request.rows.clone();
                Ok((request, rows))
            },
            |model, request, answers| {
                let names = model.names();
                let body = oip::write(
                    &names.name,
                    &names.version,
                    model.digest(),
                    &request,
                    model.output(),
                    answers,
                )?;
                let content_type = match body.json_bytes {
                    None => "application/json",
                    Some(_) => "application/octet-stream",
                };
                let mut reply = Reply::new(model, content_type, body.bytes);
                if let Some(json_bytes) = body.json_bytes {
                    reply
                        .headers
                        .insert(JSON_BYTES, HeaderValue::from(json_bytes));
                }
                Ok(reply)
            },
        )
        .await
    };
    answered
        .await
        .map_or_else(|problem| refuse(&problem), Reply::into_response)
}

/// `{"error": "…"}`, as the protocol says.
fn refuse(problem: &Problem) -> Response {
    with_retry(
        problem,
        (problem.status, Json(json!({ "error": problem.message }))),
    )
}
