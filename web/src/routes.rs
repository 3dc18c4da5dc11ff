//! Which path is answered by what.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};

use crate::app::App;
use crate::problem::Problem;
use crate::{assets, guard, html, json, live, pages};

/// Forms are small.
const BODY_BYTES: usize = 64 * 1024;

/// Every page, its JSON twin, and the assets.
pub(crate) fn router(app: App) -> Router {
    let pages = Router::new()
        .route("/", get(html::pipelines))
        .route("/pipelines/{pipeline}", get(html::grid))
        .route("/pipelines/{pipeline}/runs", post(html::start))
        .route("/runs", get(html::runs))
        .route("/runs/{run}", get(html::run))
        .route("/runs/{run}/live", get(live::live))
        .route("/runs/{run}/cancel", post(html::cancel))
        .route("/runs/{run}/resume", post(html::resume))
        .route("/runs/{run}/stages/{stage}", get(html::stage))
        .route("/runs/{run}/studies/{stage}", get(html::study))
        .route("/runs/{run}/datasets/{dataset}", get(html::dataset))
        .route("/runs/{run}/datasets/{dataset}/profile", get(html::profile))
        .route("/artifacts/{digest}", get(html::artifact))
        .route("/lineage/{reference}", get(html::lineage))
        .route("/packages", get(html::packages))
        .route("/packages/{package}", get(html::history))
        .route("/packages/{package}/{version}", get(html::package))
        .route("/features", get(html::features))
        .route("/features/views/{view}", get(html::feature_view))
        .route("/features/services/{service}", get(html::feature_service))
        .route("/features/sources/{source}", get(html::feature_source))
        .route("/features/training-sets/{digest}", get(html::training_set))
        .route("/search", get(html::search))
        .route("/assets/{version}/{name}", get(assets::asset));
    let twins = Router::new()
        .route("/v1/openapi.json", get(json::openapi))
        .route("/v1/pipelines", get(json::pipelines))
        .route("/v1/pipelines/{pipeline}", get(json::grid))
        .route("/v1/pipelines/{pipeline}/runs", post(json::start))
        .route("/v1/runs", get(json::runs))
        .route("/v1/runs/{run}", get(json::run))
        .route("/v1/runs/{run}/cancel", post(json::cancel))
        .route("/v1/runs/{run}/resume", post(json::resume))
        .route("/v1/runs/{run}/stages/{stage}", get(json::stage))
        .route("/v1/runs/{run}/studies/{stage}", get(json::study))
        .route("/v1/runs/{run}/datasets/{dataset}", get(json::dataset))
        .route(
            "/v1/runs/{run}/datasets/{dataset}/profile",
            get(json::profile),
        )
        .route("/v1/artifacts/{digest}", get(json::artifact))
        .route("/v1/lineage/{reference}", get(json::lineage))
        .route("/v1/packages", get(json::packages))
        .route("/v1/packages/{package}", get(json::history))
        .route("/v1/packages/{package}/{version}", get(json::package))
        .route("/v1/features", get(json::features))
        .route("/v1/features/views/{view}", get(json::feature_view))
        .route(
            "/v1/features/services/{service}",
            get(json::feature_service),
        )
        .route("/v1/features/sources/{source}", get(json::feature_source))
        .route(
            "/v1/features/training-sets/{digest}",
            get(json::training_set),
        )
        .route("/v1/search", get(json::search));
    pages
        .merge(twins)
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

async fn nowhere(request: Request) -> Response {
    let path = request.uri().path();
    let problem = Problem::not_found(format!("there is no page `{path}`"));
    answer(path, problem.hint("begin with all pipelines"))
}

async fn not_so(request: Request) -> Response {
    let (path, method) = (request.uri().path(), request.method());
    let detail = format!("`{path}` does not take {method}");
    answer(
        path,
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "This is not possible",
            detail,
        ),
    )
}

fn answer(path: &str, problem: Problem) -> Response {
    if path.starts_with("/v1") {
        problem
            .hint("/v1/openapi.json says what there is")
            .into_json()
    } else {
        pages::problem(&problem)
    }
}

#[cfg(test)]
mod tests;
