//! Requests for JSON: the same as the pages, under `/v1`, and what describes it.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::api;
use crate::api::cursor::ListQuery;
use crate::api::search::SearchQuery;
use crate::app::App;
use crate::checked::Checked;
use crate::problem::Problem;

type Name = Checked<Path<String>>;
type Names = Checked<Path<(String, String)>>;
type List = Checked<Query<ListQuery>>;

/// The interface, as OpenAPI describes it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Trueline",
        description = "What the pages show, as JSON. Times are microseconds since 1970, UTC; lists go from key to key.",
    ),
    paths(
        pipelines, grid, runs, run, stage, study, dataset, profile, artifact, lineage, packages,
        history, package, search, start, cancel
    )
)]
struct Document;

/// What a run is started with.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StartBody {
    /// Parameters with other values than the pipeline file says, each as TOML.
    set: BTreeMap<String, String>,
    /// Run every stage, whatever is known already.
    fresh: bool,
}

/// A run that was started.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Started {
    run: String,
}

async fn json<T: Serialize + Send + 'static>(
    app: App,
    load: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
) -> Response {
    match app.ask(load).await {
        Ok(loaded) => Json(loaded).into_response(),
        Err(problem) => problem.into_json(),
    }
}

/// The document that describes the interface.
pub(crate) async fn openapi() -> Response {
    match Document::openapi().to_pretty_json() {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => Problem::failed(error).into_json(),
    }
}

#[utoipa::path(get, path = "/v1/pipelines", summary = "Every pipeline with its latest runs",
    responses((status = 200, body = api::pipelines::Pipelines), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn pipelines(State(app): State<App>) -> Response {
    json(app, api::pipelines::pipelines).await
}

#[utoipa::path(get, path = "/v1/pipelines/{pipeline}", summary = "The runs of a pipeline by stage, the newest first",
    params(("pipeline" = String, Path, description = "The name of a pipeline"), ("before" = Option<String>, Query, description = "`next` of the page before"), ("limit" = Option<u32>, Query, description = "So many rows at most, up to 200")),
    responses((status = 200, body = api::pipelines::Grid), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn grid(
    State(app): State<App>,
    Checked(Path(pipeline)): Name,
    Checked(Query(query)): List,
) -> Response {
    json(app, move |app| api::pipelines::grid(app, &pipeline, &query)).await
}

#[utoipa::path(get, path = "/v1/runs", summary = "Runs of all pipelines, the newest first",
    params(("before" = Option<String>, Query, description = "`next` of the page before"), ("limit" = Option<u32>, Query, description = "So many rows at most, up to 200")),
    responses((status = 200, body = api::runs::Runs), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn runs(State(app): State<App>, Checked(Query(query)): List) -> Response {
    json(app, move |app| api::runs::runs(app, &query)).await
}

#[utoipa::path(get, path = "/v1/runs/{run}", summary = "A run, by its id or the start of it",
    params(("run" = String, Path, description = "The id of a run, or the start of it")),
    responses((status = 200, body = api::run::RunDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn run(State(app): State<App>, Checked(Path(run)): Name) -> Response {
    json(app, move |app| api::run::run(app, &run)).await
}

#[utoipa::path(get, path = "/v1/runs/{run}/stages/{stage}", summary = "A stage of a run, and why it ran or was cached",
    params(("run" = String, Path, description = "The id of a run, or the start of it"), ("stage" = String, Path, description = "The name of a stage")),
    responses((status = 200, body = api::stage::StageDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn stage(State(app): State<App>, Checked(Path((run, stage))): Names) -> Response {
    json(app, move |app| api::stage::stage(app, &run, &stage)).await
}

#[utoipa::path(
    get,
    path = "/v1/runs/{run}/studies/{stage}",
    summary = "A study: what was tried, and what it was worth",
    params(
        ("run" = String, Path, description = "The id of a run, or the start of it"),
        ("stage" = String, Path, description = "The name of the stage that is tuned")
    ),
    responses(
        (status = 200, body = api::study::StudyDetails),
        (status = "4XX", body = Problem, content_type = "application/problem+json")
    )
)]
pub(crate) async fn study(State(app): State<App>, Checked(Path((run, stage))): Names) -> Response {
    json(app, move |app| api::study::study(app, &run, &stage)).await
}

#[utoipa::path(get, path = "/v1/runs/{run}/datasets/{dataset}", summary = "A dataset as a run read it",
    params(("run" = String, Path, description = "The id of a run, or the start of it"), ("dataset" = String, Path, description = "The name of a dataset")),
    responses((status = 200, body = api::dataset::DatasetDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn dataset(
    State(app): State<App>,
    Checked(Path((run, dataset))): Names,
) -> Response {
    json(app, move |app| api::dataset::dataset(app, &run, &dataset)).await
}

#[utoipa::path(get, path = "/v1/runs/{run}/datasets/{dataset}/profile", summary = "What the stage `profile` says of a dataset, which takes a moment",
    params(("run" = String, Path, description = "The id of a run, or the start of it"), ("dataset" = String, Path, description = "The name of a dataset")),
    responses((status = 200, body = api::dataset::Profile), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn profile(
    State(app): State<App>,
    Checked(Path((run, dataset))): Names,
) -> Response {
    json(app, move |app| api::dataset::profile(app, &run, &dataset)).await
}

#[utoipa::path(get, path = "/v1/artifacts/{digest}", summary = "Anything with a digest, by it or the start of it",
    params(("digest" = String, Path, description = "A digest, or the start of it")),
    responses((status = 200, body = api::artifact::Artifact), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn artifact(State(app): State<App>, Checked(Path(digest)): Name) -> Response {
    json(app, move |app| api::artifact::artifact(app, &digest)).await
}

#[utoipa::path(get, path = "/v1/lineage/{reference}", summary = "Where something comes from and what it went into",
    params(("reference" = String, Path, description = "A digest, the start of one, or a package's name")),
    responses((status = 200, body = api::lineage::LineageGraph), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn lineage(State(app): State<App>, Checked(Path(reference)): Name) -> Response {
    json(app, move |app| api::lineage::lineage(app, &reference)).await
}

#[utoipa::path(get, path = "/v1/packages", summary = "Every package, and where its aliases stand",
    responses((status = 200, body = api::packages::Packages), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn packages(State(app): State<App>) -> Response {
    json(app, api::packages::packages).await
}

#[utoipa::path(get, path = "/v1/packages/{package}", summary = "The versions of a package and the moves of its aliases",
    params(("package" = String, Path, description = "The name of a package"), ("before" = Option<String>, Query, description = "`next` of the page before"), ("limit" = Option<u32>, Query, description = "So many rows at most, up to 200")),
    responses((status = 200, body = api::packages::PackageHistory), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn history(
    State(app): State<App>,
    Checked(Path(package)): Name,
    Checked(Query(query)): List,
) -> Response {
    json(app, move |app| {
        api::packages::history(app, &package, &query)
    })
    .await
}

#[utoipa::path(get, path = "/v1/packages/{package}/{version}", summary = "A version of a package, by number or alias",
    params(("package" = String, Path, description = "The name of a package"), ("version" = String, Path, description = "A version, or an alias")),
    responses((status = 200, body = api::packages::PackageDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn package(
    State(app): State<App>,
    Checked(Path((package, version))): Names,
) -> Response {
    json(app, move |app| {
        api::packages::package(app, &package, &version)
    })
    .await
}

#[utoipa::path(get, path = "/v1/search", summary = "Where the page of a run, digest, package or pipeline is",
    params(("q" = String, Query, description = "What was typed")),
    responses((status = 200, body = api::search::Found), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn search(
    State(app): State<App>,
    Checked(Query(query)): Checked<Query<SearchQuery>>,
) -> Response {
    json(app, move |app| api::search::search(app, &query.q)).await
}

#[utoipa::path(post, path = "/v1/pipelines/{pipeline}/runs", summary = "Start a run in the server's process",
    params(("pipeline" = String, Path, description = "The name of a pipeline")), request_body = StartBody,
    responses((status = 201, body = Started), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn start(
    State(app): State<App>,
    Checked(Path(pipeline)): Name,
    body: Bytes,
) -> Response {
    let body: Result<StartBody, _> = match body.is_empty() {
        true => Ok(StartBody::default()),
        false => serde_json::from_slice(&body),
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => return Problem::bad_request(error).into_json(),
    };
    let started = app
        .ask(move |app| {
            let start = api::pipelines::start_of(app, &pipeline, body.set, !body.fresh)?;
            app.shared.runner.start(app, &start)
        })
        .await;
    match started {
        Ok(run) => {
            let run = run.to_string();
            let place = [(header::LOCATION, format!("/v1/runs/{run}"))];
            (StatusCode::CREATED, place, Json(Started { run })).into_response()
        }
        Err(problem) => problem.into_json(),
    }
}

#[utoipa::path(post, path = "/v1/runs/{run}/cancel", summary = "Give up a run of the server's process",
    params(("run" = String, Path, description = "The id of a run, or the start of it")),
    responses((status = 202, body = api::run::Cancelled), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn cancel(State(app): State<App>, Checked(Path(run)): Name) -> Response {
    match app.ask(move |app| api::run::cancel(app, &run)).await {
        Ok(cancelled) => (StatusCode::ACCEPTED, Json(cancelled)).into_response(),
        Err(problem) => problem.into_json(),
    }
}
