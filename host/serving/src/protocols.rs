//! What can be asked over HTTP: one module a protocol, each a few lines around [`exchange`](crate::exchange).

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{FromRef, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use crate::front::Front;
use crate::{Fleet, Service};

mod health;
mod invocations;
mod models;
mod native;
mod oip;

/// All routes of a service.
pub(crate) fn of_service(service: Service) -> Router {
    let routes = Router::new()
        .merge(native::routes())
        .merge(oip::routes())
        .merge(invocations::routes());
    layered(routes, service.front().clone(), service)
}

/// All routes of a server of many models.
pub(crate) fn of_fleet(fleet: Fleet) -> Router {
    layered(models::routes(), fleet.front().clone(), fleet)
}

fn layered<S>(routes: Router<S>, front: Arc<Front>, state: S) -> Router
where
    S: Clone + Send + Sync + 'static,
    Arc<Front>: FromRef<S>,
{
    routes
        .merge(health::routes())
        .method_not_allowed_fallback(native::wrong_method)
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(front, measured))
        .with_state(state)
}

impl FromRef<Service> for Arc<Front> {
    fn from_ref(service: &Service) -> Self {
        service.front().clone()
    }
}

impl FromRef<Fleet> for Arc<Front> {
    fn from_ref(fleet: &Fleet) -> Self {
        fleet.front().clone()
    }
}

/// Counts and times every request, by its route.
async fn measured(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    let metrics = &front.metrics;
    metrics.request(route, response.status(), started.elapsed());
    response
}
