//! What can be asked over HTTP: one module a protocol, each a few lines around [`exchange`](crate::exchange).

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use crate::Service;

mod invocations;
mod native;
mod oip;

/// All routes of a service.
pub(crate) fn router(service: Service) -> Router {
    Router::new()
        .merge(native::routes())
        .merge(oip::routes())
        .merge(invocations::routes())
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(service.clone(), measured))
        .with_state(service)
}

/// Counts and times every request, by its route.
async fn measured(State(service): State<Service>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let metrics = service.metrics();
    metrics.request(route, response.status(), started.elapsed());
    response
}
