//! A run's page while the run goes on: server-sent events, each with the part of the page that moves.
//!
//! The run may go on in this process or in another one; both leave their events in the store, so that is what is
//! looked at. How far a stage has come within itself is only known of runs of this process.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::api;
use crate::app::App;
use crate::checked::Checked;
use crate::pages;
use crate::problem::Problem;

/// How often is looked for news.
const LOOK: Duration = Duration::from_millis(250);
/// A running stage has no news but the time that passes, which is told so often.
const QUIET: u32 = 4;

/// The news of a run, and at its end the event `end`.
pub(crate) async fn live(
    State(app): State<App>,
    Checked(Path(run)): Checked<Path<String>>,
) -> Response {
    let id = match app
        .ask(move |app| Ok(app.store().run(&run)?.summary.id))
        .await
    {
        Ok(id) => id,
        Err(problem) => return pages::problem(&problem),
    };
    let (sender, events) = mpsc::channel(1);
    let mut closing = app.shared.closing.subscribe();
    tokio::spawn(async move {
        let told = tell(app, id, sender);
        tokio::select! {
            () = told => {}
            _ = closing.wait_for(|is_closing| *is_closing) => {}
        }
    });
    Sse::new(ReceiverStream::new(events))
        .keep_alive(KeepAlive::default())
        .into_response()
}

async fn tell(
    app: App,
    id: trueline_store::RunId,
    sender: mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut seen = None;
    let mut quiet = 0;
    while !sender.is_closed() {
        let (asked, last) = (id.clone(), seen);
        let is_due = quiet >= QUIET;
        let news = app
            .ask(move |app| news(app, &asked, last.filter(|_| !is_due)))
            .await;
        match news {
            Ok(Some(news)) => {
                (seen, quiet) = (Some(news.seen), 0);
                let event = Event::default().event("run").data(news.part);
                if sender.send(Ok(event)).await.is_err() {
                    return;
                }
                if news.is_final {
                    let _ = sender
                        .send(Ok(Event::default().event("end").data("end")))
                        .await;
                    return;
                }
            }
            Ok(None) => quiet += 1,
            // The page stays as it is; the browser will ask again.
            Err(_) => return,
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What was looked at: the latest event, and what the run's threads told.
type Seen = (u64, u64);

struct News {
    seen: Seen,
    part: String,
    is_final: bool,
}

/// The part of the page that moves, unless everything is as it was.
fn news(
    app: &App,
    id: &trueline_store::RunId,
    last: Option<Seen>,
) -> Result<Option<News>, Problem> {
    let seen = (
        app.store().latest_event(id)?,
        app.shared.runner.progress(id).0,
    );
    if last == Some(seen) {
        return Ok(None);
    }
    let run = api::run::run(app, id.as_str())?;
    let part = pages::run::live(&run, app.shared.clock.now_us()).into_string();
    Ok(Some(News {
        seen,
        part,
        is_final: run.run.is_final(),
    }))
}
