//! Trueline's own protocol: `POST /v1/predict`, `GET /v1/package`, `/v1/challenger` and `/openapi.json`.

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use trueline_wire::native;

use crate::Service;
use crate::exchange::{Reply, exchange, receive};
use crate::openapi;
use crate::problem::Problem;

const JSON: &str = "application/json";

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/v1/predict", post(predict))
        .route("/v1/package", get(package))
        .route("/v1/challenger", get(challenger))
        .route("/openapi.json", get(openapi))
        .fallback(unknown)
}

pub(super) async fn predict(State(service): State<Service>, request: Request) -> Response {
    let answered = async {
        let received = receive(service.front(), request).await?;
        let content_type = received.content_type();
        if !matches!(content_type.as_str(), JSON | "") {
            return Err(Problem::unsupported(&content_type, JSON));
        }
        exchange(
            &service,
            received,
            |model, body| native::read(model.request(), body),
            |model, shape, answers| {
                let body = native::write(shape, model.digest(), model.output(), answers)?;
                Ok(Reply::new(model, JSON, body))
            },
        )
        .await
    };
    answered.await.map_or_else(refuse, Reply::into_response)
}

pub(super) async fn package(State(service): State<Service>) -> Response {
    let model = service.model();
    let names = model.names();
    let body = json!({
        "digest": model.digest(),
        "name": names.name,
        "version": names.version,
        "manifest": model.manifest(),
        "origin": model.origin(),
    });
    Reply::new(&model, JSON, body.to_string()).into_response()
}

/// How the answers of the challenger compare with those given.
async fn challenger(State(service): State<Service>) -> Response {
    let Some(challenger) = service.challenger() else {
        let message = "no challenger answers here; `trueline serve --challenger` has one";
        return refuse(Problem::new(StatusCode::NOT_FOUND, "not_found", message));
    };
    let model = challenger.model();
    let names = model.names();
    let package = service.model().digest();
    Json(json!({
        "package": package,
        "challenger": {
            "digest": model.digest(),
            "name": names.name,
            "version": names.version,
        },
        "comparison": challenger.comparison(package),
    }))
    .into_response()
}

async fn openapi(State(service): State<Service>) -> Response {
    let model = service.model();
    let document = openapi::document(&model).to_string();
    Reply::new(&model, JSON, document).into_response()
}

pub(super) async fn unknown(request: Request) -> Response {
    let message = format!(
        "there is nothing at {}; docs/serving.md lists what there is",
        request.uri().path()
    );
    refuse(Problem::new(StatusCode::NOT_FOUND, "not_found", message))
}

pub(super) async fn wrong_method(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let message = format!("{path} is not asked with {method}; docs/serving.md says with what");
    let status = StatusCode::METHOD_NOT_ALLOWED;
    refuse(Problem::new(status, "wrong_method", message))
}

/// `{"error": {"code", "message", "column"}}`.
pub(super) fn refuse(problem: Problem) -> Response {
    let mut error = json!({ "code": problem.code, "message": problem.message });
    if let Some(column) = &problem.column {
        error["column"] = json!(column);
    }
    with_retry(&problem, (problem.status, Json(json!({ "error": error }))))
}

/// The response, with a word on when to try again if that may help.
pub(super) fn with_retry(problem: &Problem, response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    if problem.is_passing() {
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(RETRY_AFTER, second);
    }
    response
}
