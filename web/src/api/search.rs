//! What someone typed or pasted: a run, a digest, a package, a pipeline, or the start of one.

use serde::{Deserialize, Serialize};
use trueline_store::Error;
use utoipa::ToSchema;

use crate::app::App;
use crate::pages::link;
use crate::problem::Problem;

/// The query of a search.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SearchQuery {
    #[serde(default)]
    pub(crate) q: String,
}

/// Where the page of what was searched for is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    pub(crate) path: String,
}

/// The one thing that is called so.
pub(crate) fn search(app: &App, text: &str) -> Result<Found, Problem> {
    let (store, text) = (app.store(), text.trim());
    let found = |path| Ok(Found { path });
    if text.is_empty() {
        return Err(Problem::bad_request("there is nothing to search for")
            .hint("write a run, a digest, a package or a pipeline, or the start of one"));
    }
    if store.pipelines()?.iter().any(|run| run.pipeline == text) {
        return found(link::pipeline(text));
    }
    if text.starts_with("run_") {
        return found(link::run(store.run(text)?.summary.id.as_str()));
    }
    if let Ok(package) = store.package(text) {
        let package = package.summary;
        return found(link::package(&package.name, package.version));
    }
    let digest = store.find_digest(text);
    let run = store.run(text);
    match (digest, run) {
        (Ok((digest, _)), Err(_)) => found(link::artifact(&digest.to_string())),
        (Err(Error::NotFound { .. }), Ok(run)) => found(link::run(run.summary.id.as_str())),
        (Err(error @ Error::Ambiguous { .. }), Err(_)) => Err(error.into()),
        (Err(_), Err(error @ Error::Ambiguous { .. })) => Err(error.into()),
        (Err(Error::NotFound { .. }), Err(_)) => Err(Problem::not_found(format!(
            "nothing is called `{text}`, and no digest or run begins so"
        ))
        .hint("write a run, a digest, a package or a pipeline, or the start of one")),
        (Err(error), _) => Err(error.into()),
        (Ok((digest, _)), Ok(run)) => {
            let problem = Problem::from(Error::Ambiguous {
                what: "thing",
                prefix: text.to_owned(),
                matches: vec![digest.to_string(), run.summary.id.to_string()],
            });
            Err(problem)
        }
    }
}
