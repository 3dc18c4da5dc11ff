//! Requests for JSON: the same as the pages, under `/v1`, and what describes it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trueline_store::RunId;
use utoipa::{OpenApi, ToSchema};

use crate::api;
use crate::api::cursor::ListQuery;
use crate::api::search::SearchQuery;
use crate::app::App;
use crate::checked::Checked;
use crate::problem::Problem;
use crate::runner::How;

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
        pipelines,
        grid,
        runs,
        run,
        stage,
        study,
        dataset,
        profile,
        artifact,
        lineage,
        packages,
        history,
        package,
        features,
        feature_view,
        feature_service,
        feature_source,
        training_set,
        search,
        start,
        resume,
        cancel
    )
)]
struct Document;

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

#[utoipa::path(get, path = "/v1/features", summary = "The feature store: views, services, sources, entities and training sets",
    responses((status = 200, body = api::features::FeatureOverview), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn features(State(app): State<App>) -> Response {
    json(app, api::features::overview).await
}

#[utoipa::path(get, path = "/v1/features/views/{view}", summary = "A feature view: definition, versions, freshness, and what some entities have online",
    params(("view" = String, Path, description = "The name of a view")),
    responses((status = 200, body = api::features::view::ViewDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn feature_view(State(app): State<App>, Checked(Path(view)): Name) -> Response {
    json(app, move |app| api::features::view::view(app, &view)).await
}

#[utoipa::path(get, path = "/v1/features/services/{service}", summary = "A feature service: its features in order, and the training sets that were made with it",
    params(("service" = String, Path, description = "The name of a service")),
    responses((status = 200, body = api::features::service::ServiceDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn feature_service(
    State(app): State<App>,
    Checked(Path(service)): Name,
) -> Response {
    json(app, move |app| {
        api::features::service::service(app, &service)
    })
    .await
}

#[utoipa::path(get, path = "/v1/features/sources/{source}", summary = "A source of features, and how fresh it is",
    params(("source" = String, Path, description = "The name of a source")),
    responses((status = 200, body = api::features::source::SourceDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn feature_source(
    State(app): State<App>,
    Checked(Path(source)): Name,
) -> Response {
    json(app, move |app| api::features::source::source(app, &source)).await
}

#[utoipa::path(get, path = "/v1/features/training-sets/{digest}", summary = "A training set: what it was made of, and what its rows found",
    params(("digest" = String, Path, description = "The digest of its manifest")),
    responses((status = 200, body = api::features::training_set::TrainingSetDetails), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn training_set(State(app): State<App>, Checked(Path(digest)): Name) -> Response {
    json(app, move |app| {
        api::features::training_set::training_set(app, &digest)
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
    params(("pipeline" = String, Path, description = "The name of a pipeline")), request_body = How,
    responses((status = 201, body = Started), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn start(
    State(app): State<App>,
    Checked(Path(pipeline)): Name,
    body: Bytes,
) -> Response {
    let how: Result<How, _> = match body.is_empty() {
        true => Ok(How::default()),
        false => serde_json::from_slice(&body),
    };
    let how = match how {
        Ok(how) => how,
        Err(error) => return Problem::bad_request(error).into_json(),
    };
    created(
        app.ask(move |app| {
            let start = api::pipelines::start_of(app, &pipeline, how)?;
            app.shared.runner.start(app, start)
        })
        .await,
    )
}

#[utoipa::path(post, path = "/v1/runs/{run}/resume", summary = "Take up a run that did not come to its end, as another one",
    params(("run" = String, Path, description = "The id of a run, or the start of it")),
    responses((status = 201, body = Started), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn resume(State(app): State<App>, Checked(Path(run)): Name) -> Response {
    created(
        app.ask(move |app| app.shared.runner.resume(app, &run))
            .await,
    )
}

/// Where the run that was started is.
fn created(run: Result<RunId, Problem>) -> Response {
    match run {
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
