//! Parts of a request that make no sense are told as any other problem.

use std::fmt::Display;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;

use crate::pages;
use crate::problem::Problem;

/// What axum takes from a request, or a [`Problem`].
pub(crate) struct Checked<E>(pub(crate) E);

impl<S, E> FromRequestParts<S> for Checked<E>
where
    S: Send + Sync,
    E: FromRequestParts<S>,
    E::Rejection: Display,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let is_json = parts.uri.path().starts_with("/v1");
        let taken = E::from_request_parts(parts, state).await;
        taken.map(Self).map_err(|rejection| {
            let problem = Problem::bad_request(rejection)
                .hint("the links of the pages, and /v1/openapi.json, show how it is asked for");
            if is_json {
                problem.into_json()
            } else {
                pages::problem(&problem)
            }
        })
    }
}
