//! Ctrl-C: the first asks the run to come to a clean end, the second ends the program at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use trueline_engine::Cancel;

/// What is set when someone presses Ctrl-C, or asks the process to end.
///
/// # Errors
/// If the system does not let signals be handled.
pub(crate) fn cancel_on_interrupt() -> anyhow::Result<Cancel> {
    let cancel = Cancel::default();
    let is_asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the second flag unset.
        flag::register_conditional_shutdown(signal, 130, is_asked.clone())
            .and_then(|_| flag::register(signal, is_asked.clone()))
            .and_then(|_| flag::register(signal, cancel.flag()))
            .context("signals cannot be handled")?;
    }
    Ok(cancel)
}
