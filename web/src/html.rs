//! Requests for pages.

use axum::extract::{Form, Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::Markup;

use crate::api;
use crate::api::cursor::ListQuery;
use crate::api::search::SearchQuery;
use crate::app::App;
use crate::checked::Checked;
use crate::pages::{self, link};
use crate::problem::Problem;
use crate::runner::How;

type Name = Checked<Path<String>>;
type Names = Checked<Path<(String, String)>>;
type List = Checked<Query<ListQuery>>;

/// Loads what a page is about and draws it, or says why not.
async fn page<T: 'static>(
    app: App,
    load: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
    draw: fn(&T, i64) -> Markup,
) -> Response {
    let drawn = app
        .ask(move |app| {
            let loaded = load(app)?;
            Ok(draw(&loaded, app.shared.clock.now_us()).into_string())
        })
        .await;
    match drawn {
        Ok(text) => Html(text).into_response(),
        Err(problem) => pages::problem(&problem),
    }
}

/// Sends a browser to another page, or says why not.
fn redirect(path: Result<String, Problem>) -> Response {
    match path {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(problem) => pages::problem(&problem),
    }
}

pub(crate) async fn pipelines(State(app): State<App>) -> Response {
    page(app, api::pipelines::pipelines, pages::pipelines::overview).await
}

pub(crate) async fn grid(
    State(app): State<App>,
    Checked(Path(name)): Name,
    Checked(Query(query)): List,
) -> Response {
    let load = move |app: &App| api::pipelines::grid(app, &name, &query);
    page(app, load, pages::pipelines::grid).await
}

/// Starts a run, and goes to its page. Fields `set.NAME` give parameters other values; `only` may come several times.
pub(crate) async fn start(
    State(app): State<App>,
    Checked(Path(name)): Name,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let mut how = How::default();
    for (field, value) in fields {
        match (field.as_str(), field.strip_prefix("set.")) {
            _ if value.trim().is_empty() => {}
            (_, Some(name)) => drop(how.set.insert(name.to_owned(), value)),
            ("fresh", _) => how.fresh = value == "yes",
            ("from", _) => how.from = Some(value),
            ("only", _) => how.only.push(value),
            _ => {}
        }
    }
    let started = app
        .ask(move |app| {
            let start = api::pipelines::start_of(app, &name, how)?;
            app.shared.runner.start(app, start)
        })
        .await;
    redirect(started.map(|run| link::run(run.as_str())))
}

/// Takes a run up, and goes to the page of the new one.
pub(crate) async fn resume(State(app): State<App>, Checked(Path(run)): Name) -> Response {
    let resumed = app
        .ask(move |app| app.shared.runner.resume(app, &run))
        .await;
    redirect(resumed.map(|run| link::run(run.as_str())))
}

pub(crate) async fn runs(State(app): State<App>, Checked(Query(query)): List) -> Response {
    page(
        app,
        move |app| api::runs::runs(app, &query),
        pages::runs::runs,
    )
    .await
}

pub(crate) async fn run(State(app): State<App>, Checked(Path(run)): Name) -> Response {
    page(app, move |app| api::run::run(app, &run), pages::run::run).await
}

/// Gives a run up, and goes back to its page.
pub(crate) async fn cancel(State(app): State<App>, Checked(Path(run)): Name) -> Response {
    let cancelled = app.ask(move |app| api::run::cancel(app, &run)).await;
    redirect(cancelled.map(|cancelled| link::run(&cancelled.run)))
}

pub(crate) async fn stage(State(app): State<App>, Checked(Path((run, stage))): Names) -> Response {
    let load = move |app: &App| api::stage::stage(app, &run, &stage);
    page(app, load, pages::stage::stage).await
}

pub(crate) async fn study(State(app): State<App>, Checked(Path((run, stage))): Names) -> Response {
    let load = move |app: &App| api::study::study(app, &run, &stage);
    page(app, load, pages::study::study).await
}

pub(crate) async fn dataset(State(app): State<App>, Checked(Path((run, name))): Names) -> Response {
    let load = move |app: &App| api::dataset::dataset(app, &run, &name);
    page(app, load, pages::dataset::dataset).await
}

/// The part of a dataset's page that takes a moment.
pub(crate) async fn profile(State(app): State<App>, Checked(Path((run, name))): Names) -> Response {
    let load = move |app: &App| api::dataset::profile(app, &run, &name);
    page(app, load, pages::profile::part).await
}

pub(crate) async fn artifact(State(app): State<App>, Checked(Path(digest)): Name) -> Response {
    let load = move |app: &App| api::artifact::artifact(app, &digest);
    page(app, load, pages::artifact::artifact).await
}

pub(crate) async fn lineage(State(app): State<App>, Checked(Path(reference)): Name) -> Response {
    let load = move |app: &App| api::lineage::lineage(app, &reference);
    page(app, load, pages::lineage::lineage).await
}

pub(crate) async fn packages(State(app): State<App>) -> Response {
    page(app, api::packages::packages, pages::packages::packages).await
}

pub(crate) async fn history(
    State(app): State<App>,
    Checked(Path(name)): Name,
    Checked(Query(query)): List,
) -> Response {
    let load = move |app: &App| api::packages::history(app, &name, &query);
    page(app, load, pages::packages::history).await
}

pub(crate) async fn package(State(app): State<App>, Checked(Path((name, at))): Names) -> Response {
    let load = move |app: &App| api::packages::package(app, &name, &at);
    page(app, load, pages::packages::package).await
}

pub(crate) async fn features(State(app): State<App>) -> Response {
    page(app, api::features::overview, pages::features::overview).await
}

pub(crate) async fn feature_view(State(app): State<App>, Checked(Path(view)): Name) -> Response {
    let load = move |app: &App| api::features::view::view(app, &view);
    page(app, load, pages::features::view::view).await
}

pub(crate) async fn feature_service(
    State(app): State<App>,
    Checked(Path(service)): Name,
) -> Response {
    let load = move |app: &App| api::features::service::service(app, &service);
    page(app, load, pages::features::service::service).await
}

pub(crate) async fn feature_source(
    State(app): State<App>,
    Checked(Path(source)): Name,
) -> Response {
    let load = move |app: &App| api::features::source::source(app, &source);
    page(app, load, pages::features::source::source).await
}

pub(crate) async fn training_set(State(app): State<App>, Checked(Path(digest)): Name) -> Response {
    let load = move |app: &App| api::features::training_set::training_set(app, &digest);
    page(app, load, pages::features::training_set::training_set).await
}

/// Goes to the one thing that is called so.
pub(crate) async fn search(
    State(app): State<App>,
    Checked(Query(query)): Checked<Query<SearchQuery>>,
) -> Response {
    let found = app.ask(move |app| api::search::search(app, &query.q)).await;
    redirect(found.map(|found| found.path))
}
