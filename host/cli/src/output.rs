//! Standard output: text or JSON, whole or not at all, and no panic when nobody reads it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use serde::Serialize;

use crate::context::Context;

/// Set once the reader of standard output has gone.
static CUT_OFF: AtomicBool = AtomicBool::new(false);

/// Whether the reader of standard output has gone, as `head` does when it has seen enough.
pub(crate) fn is_cut_off() -> bool {
    CUT_OFF.load(Ordering::Relaxed)
}

/// Standard output, which remembers that its reader has gone.
pub(crate) struct Stdout(io::Stdout);

impl Stdout {
    pub(crate) fn new() -> Self {
        Self(io::stdout())
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).inspect_err(note)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().inspect_err(note)
    }
}

fn note(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        CUT_OFF.store(true, Ordering::Relaxed);
    }
}

impl Context {
    /// Prints an answer: `data` with `--json`, else what `view` makes of it.
    ///
    /// # Errors
    /// If standard output cannot be written to.
    pub(crate) fn answer(
        &self,
        data: &impl Serialize,
        view: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let text = if self.json { json(data)? } else { view() };
        let mut stdout = Stdout::new();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .context("cannot write to standard output")
    }

    /// Prints a line to standard error. That nobody reads it is nobody's problem.
    pub(crate) fn tell(&self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Prints a remark to standard error.
    pub(crate) fn note(&self, remark: &str) {
        let label = self.error_style.dim("note:");
        self.tell(&format!("{label} {remark}"));
    }
}

fn json(data: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(data).context("the answer cannot be written as JSON")? + "\n")
}
