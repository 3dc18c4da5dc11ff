//! When a server is to stop.

use anyhow::Context as _;

/// Done when someone presses Ctrl-C, or asks the process to end, from now on: whoever is told that the server is
/// ready may ask at once. The second time, the program ends without finishing what it took.
///
/// # Errors
/// If the system does not let signals be handled.
#[cfg(unix)]
pub(crate) fn asked() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::{flag, low_level};

    const FAILED: &str = "signals cannot be handled";
    let (mut asked, ask) = UnixStream::pair().context(FAILED)?;
    let is_asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let ask = ask.try_clone().context(FAILED)?;
        // In this order: the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, 130, is_asked.clone())
            .and_then(|_| flag::register(signal, is_asked.clone()))
            .and_then(|_| low_level::pipe::register(signal, ask))
            .context(FAILED)?;
    }
    let (tell, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("trueline-signals".to_owned());
    let waiting = move || {
        // The other end lives as long as the process.
        let _ = asked.read(&mut [0]);
        let _ = tell.send(());
    };
    thread.spawn(waiting).context(FAILED)?;
    Ok(async {
        let _ = told.await;
    })
}

/// Done when someone presses Ctrl-C. Without signals, only the end of the process ends it.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub(crate) fn asked() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
