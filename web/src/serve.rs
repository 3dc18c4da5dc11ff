//! Listening, and coming to an end.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use trueline_engine::Cancel;

use crate::app::{App, Config};
use crate::routes::router;

/// How often is looked whether to end.
const LOOK: Duration = Duration::from_millis(50);
/// How long answers that are under way may take when the server ends.
const GRACE: Duration = Duration::from_secs(5);

/// Answers on a listener until `cancel` says to end; then gives up the runs that it started, and waits until they have
/// come to a clean end.
///
/// # Errors
/// If no thread can be started, or the listener fails.
pub fn serve(config: Config, listener: TcpListener, cancel: &Cancel) -> io::Result<()> {
    let app = App::new(config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let answered = runtime.block_on(answer(app.clone(), listener, cancel.clone()));
    runtime.shutdown_timeout(GRACE);
    app.shared.runner.shut_down();
    answered
}

async fn answer(app: App, listener: TcpListener, cancel: Cancel) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let closing = app.shared.closing.clone();
    let mut closed = closing.subscribe();
    let end = async move {
        while !cancel.is_cancelled() {
            tokio::time::sleep(LOOK).await;
        }
        // Pages that wait for news end with this, or the server would wait for them.
        closing.send_replace(true);
    };
    let serving = axum::serve(listener, router(app)).with_graceful_shutdown(end);
    let too_long = async move {
        let _ = closed.wait_for(|is_closing| *is_closing).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = async move { serving.await } => served,
        () = too_long => Ok(()),
    }
}
