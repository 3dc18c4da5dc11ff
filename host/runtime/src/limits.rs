//! What one instance may use, and the enforcement of it.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The most that a call of a guest may take. Hitting a limit is an error without output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of the instance.
    pub memory_bytes: usize,
    /// Wall-clock time of one call; the guest is stopped within about a millisecond of it.
    pub time: Duration,
    /// Time of one call on a processor, which other work on the machine does not count towards; without, none
    /// is set. Counted every few milliseconds.
    pub cpu_time: Option<Duration>,
    /// Bytes that one call may answer with.
    pub output_bytes: usize,
}

impl Default for Limits {
    /// 1 GiB, ten minutes, 256 MiB: room for training, an end to everything else.
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            time: Duration::from_secs(600),
            cpu_time: None,
            output_bytes: 256 << 20,
        }
    }
}

/// Refuses growth beyond the limit, and remembers that it did.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes: usize,
    pub(crate) refused: bool,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes: limits.memory_bytes,
            refused: false,
        }
    }
}

/// Elements of all of a guest's tables: function pointers, of which real guests have hundreds.
const TABLE_ELEMENTS: usize = 100_000;

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.memory_bytes {
            self.refused = true;
            // An error traps at once; letting the guest see a failed growth would only make it crash
            // later, with a worse message.
            wasmtime::bail!("memory limit");
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
