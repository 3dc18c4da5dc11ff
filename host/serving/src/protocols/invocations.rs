//! `/invocations`, which SageMaker and MLflow both call, and the route of SageMaker's runtime,
//! `/endpoints/{name}/invocations`, so that its client can be pointed here.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use trueline_wire::csv::{self, Header};
use trueline_wire::invocations::{self, Flavour};

use super::native::with_retry;
use crate::exchange::{Received, Reply, exchange, receive};
use crate::problem::Problem;
use crate::{Model, Service};

/// Which error of its service SageMaker's client is to raise.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const VARIANT: HeaderName = HeaderName::from_static("x-amzn-invoked-production-variant");

pub(super) fn routes() -> Router<Service> {
    Router::new()
        .route("/invocations", post(invoke))
        .route("/endpoints/{name}/invocations", post(invoke_endpoint))
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
    JsonLines,
}

const FORMS: &str = "text/csv, application/json or application/jsonlines";

impl Form {
    fn of(content_type: &str) -> Option<Self> {
        Some(match content_type {
            "text/csv" => Self::Csv,
            "application/json" => Self::Json,
            "application/jsonlines" | "application/x-jsonlines" | "application/x-ndjson" => {
                Self::JsonLines
            }
            _ => return None,
        })
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::JsonLines => "application/jsonlines",
        }
    }
}

pub(super) async fn invoke(State(service): State<Service>, request: Request) -> Response {
    match answer(&service, request).await {
        Ok(reply) => reply.into_response(),
        Err(problem) => refuse(&problem, service.settings().invocations),
    }
}

/// The call of `invoke_endpoint`, whose errors wrap those of the container.
async fn invoke_endpoint(
    State(service): State<Service>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let model = service.model();
    if !is_endpoint(&name, &model) {
        let message = format!(
            "Endpoint {name} not found; the one here is {}",
            endpoint(&model.names().name)
        );
        return invalid(&message);
    }
    as_endpoint(&service, request).await
}

/// What SageMaker says of a request that reached no container.
pub(super) fn invalid(message: &str) -> Response {
    let body = Json(json!({ "Message": message }));
    with_error_type((StatusCode::BAD_REQUEST, body), "ValidationError")
}

/// Answers as SageMaker's runtime does.
pub(super) async fn as_endpoint(service: &Service, request: Request) -> Response {
    let problem = match answer(service, request).await {
        Ok(mut reply) => {
            let variant = HeaderValue::from_static("AllTraffic");
            reply.headers.insert(VARIANT, variant);
            return reply.into_response();
        }
        Err(problem) => problem,
    };
    if problem.is_passing() {
        let body = Json(json!({ "Message": problem.message }));
        let response = with_error_type((problem.status, body), "ServiceUnavailable");
        return with_retry(&problem, response);
    }
    let side = if problem.status.is_client_error() {
        "client"
    } else {
        "server"
    };
    let status = problem.status.as_u16();
    let body = Json(json!({
        "Message": format!(
            "Received {side} error ({status}) from primary with message \"{}\".",
            problem.message
        ),
        "OriginalStatusCode": status,
        "OriginalMessage": problem.message,
        "LogStreamArn": "",
    }));
    with_error_type((StatusCode::FAILED_DEPENDENCY, body), "ModelError")
}

/// Names of endpoints have no `.` and no `_`.
fn endpoint(name: &str) -> String {
    name.replace(['.', '_'], "-")
}

fn is_endpoint(name: &str, model: &Model) -> bool {
    let model = &model.names().name;
    *name == **model || name == endpoint(model)
}

fn with_error_type(response: impl IntoResponse, error: &'static str) -> Response {
    let mut response = response.into_response();
    let headers = response.headers_mut();
    headers.insert(ERROR_TYPE, HeaderValue::from_static(error));
    response
}

async fn answer(service: &Service, request: Request) -> Result<Reply, Problem> {
    let received = receive(service.front(), request).await?;
    let flavour = service.settings().invocations;
    let content_type = received.content_type();
    let form = Form::of(&content_type).ok_or_else(|| Problem::unsupported(&content_type, FORMS))?;
    let header = csv_header(&received, flavour)?;
    let usual = usual(service, form)?;
    let written = accepted(&received, usual)?;
    exchange(
        service,
        received,
        move |model, body| {
            let schema = model.request();
            let rows = match form {
                Form::Csv => csv::read(schema, body, header)?,
                Form::Json => invocations::read(schema, body)?,
                Form::JsonLines => invocations::read_lines(schema, body)?,
            };
            Ok(((), rows))
        },
        move |model, (), answers| {
            let schema = model.output();
            let body = match (written, flavour) {
                (Form::Csv, Flavour::SageMaker) => csv::write(schema, answers, Header::Absent)?,
                (Form::Csv, Flavour::Mlflow) => csv::write(schema, answers, Header::Present)?,
                (Form::Json, _) => invocations::write(flavour, schema, answers)?,
                (Form::JsonLines, _) => invocations::write_lines(schema, answers)?,
            };
            Ok(Reply::new(model, written.content_type(), body))
        },
    )
    .await
}

/// Whether CSV has a header: what the content type says (RFC 4180), else what the flavour means.
fn csv_header(received: &Received, flavour: Flavour) -> Result<Header, Problem> {
    let text = received.header(CONTENT_TYPE).unwrap_or_default();
    let said = text.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("header")
            .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    });
    match (said.as_deref(), flavour) {
        (Some("present"), _) | (None, Flavour::Mlflow) => Ok(Header::Present),
        (Some("absent"), _) | (None, Flavour::SageMaker) => Ok(Header::Absent),
        (Some(other), _) => Err(Problem::unsupported(
            &format!("text/csv; header={other}"),
            "header=present or header=absent",
        )),
    }
}

/// What a client is answered with that does not mind: what the operator says, else from MLflow JSON, from
/// SageMaker what came.
fn usual(service: &Service, form: Form) -> Result<Form, Problem> {
    let settings = service.settings();
    match (&settings.accept, settings.invocations) {
        (Some(accept), _) => Form::of(accept).ok_or_else(|| not_acceptable(accept)),
        (None, Flavour::SageMaker) => Ok(form),
        (None, Flavour::Mlflow) => Ok(Form::Json),
    }
}

/// How the client wants its answer.
fn accepted(received: &Received, usual: Form) -> Result<Form, Problem> {
    let Some(accept) = received.header(ACCEPT) else {
        return Ok(usual);
    };
    let mut kinds = accept.split(',').map(|kind| {
        let (essence, _) = kind.split_once(';').unwrap_or((kind, ""));
        essence.trim().to_ascii_lowercase()
    });
    let found = kinds.find_map(|kind| match kind.as_str() {
        "*/*" | "" => Some(usual),
        "application/*" if usual != Form::Csv => Some(usual),
        "application/*" => Some(Form::Json),
        "text/*" => Some(Form::Csv),
        kind => Form::of(kind),
    });
    found.ok_or_else(|| not_acceptable(accept))
}

fn not_acceptable(accept: &str) -> Problem {
    let message = format!("answers are {FORMS}; {accept:?} is none of them");
    Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
}

fn refuse(problem: &Problem, flavour: Flavour) -> Response {
    let body = match flavour {
        Flavour::SageMaker => json!({ "error": problem.message }),
        Flavour::Mlflow => {
            let code = match problem.status {
                StatusCode::BAD_REQUEST if problem.code == "invalid_json" => "BAD_REQUEST",
                StatusCode::BAD_REQUEST => "INVALID_PARAMETER_VALUE",
                status if status.is_client_error() => "BAD_REQUEST",
                _ => "INTERNAL_ERROR",
            };
            json!({ "error_code": code, "message": problem.message })
        }
    };
    with_retry(problem, (problem.status, Json(body)))
}
