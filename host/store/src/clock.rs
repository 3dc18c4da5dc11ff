//! Time and randomness: the only place where they enter the store.

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use trueline_files::fault;

/// What the store takes from the world. Neither ever ends up in a digest: times are for people, and
/// random bits keep the ids of two processes apart.
pub trait Clock: Send + Sync {
    /// Microseconds since 1970 UTC.
    fn now_us(&self) -> i64;

    /// 64 bits that no other process will draw.
    ///
    /// # Errors
    /// If the operating system has none to give.
    fn random(&self) -> io::Result<u64>;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now_us(&self) -> i64 {
        (**self).now_us()
    }

    fn random(&self) -> io::Result<u64> {
        (**self).random()
    }
}

/// The clock and the random source of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let ahead_us = fault::clock_ahead_s().saturating_mul(1_000_000);
        let now_us = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        now_us.saturating_add(ahead_us)
    }

    fn random(&self) -> io::Result<u64> {
        Ok(getrandom::u64()?)
    }
}
