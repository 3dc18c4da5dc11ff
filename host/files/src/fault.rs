//! Points at which tests kill the process, or let a disk fail; and a clock that is wrong.
//!
//! They exist in builds with debug assertions alone: a release build holds none of this code and never
//! looks at the environment for it. In the others, three variables of the environment decide:
//!
//! ```text
//! TRUELINE_FAULT=abort before blob.rename 2    what to do, when, at which point, at which time it is passed
//! TRUELINE_FAULT_LOG=/tmp/points               a file that gets a line for every point that is passed
//! TRUELINE_FAULT_CLOCK=-3600                   seconds that the clock is ahead of the right time
//! ```
//!
//! `abort` ends the process at once, as `kill -9` would; `error` lets the step fail as a broken disk does
//! (`EIO`), `full` as a full one (`ENOSPC`).

use std::io;

/// Does a step between its two points.
///
/// # Errors
/// The step's own, or the fault that a test asked for.
pub fn around<T>(point: &str, step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    before(point)?;
    let done = step()?;
    after(point)?;
    Ok(done)
}

/// The point before a step.
///
/// # Errors
/// The fault that a test asked for.
#[cfg(not(debug_assertions))]
pub fn before(_: &str) -> io::Result<()> {
    Ok(())
}

/// The point behind a step.
///
/// # Errors
/// The fault that a test asked for.
#[cfg(not(debug_assertions))]
pub fn after(_: &str) -> io::Result<()> {
    Ok(())
}

/// How far the clock is ahead of the right time, in seconds.
#[cfg(not(debug_assertions))]
pub fn clock_ahead_s() -> i64 {
    0
}

#[cfg(debug_assertions)]
pub use armed::{after, before, clock_ahead_s};

#[cfg(debug_assertions)]
mod armed {
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{LazyLock, Mutex, PoisonError};

    /// The point before a step.
    ///
    /// # Errors
    /// The fault that a test asked for.
    pub fn before(point: &str) -> io::Result<()> {
        pass("before", point)
    }

    /// The point behind a step.
    ///
    /// # Errors
    /// The fault that a test asked for.
    pub fn after(point: &str) -> io::Result<()> {
        pass("after", point)
    }

    /// How far the clock is ahead of the right time, in seconds.
    pub fn clock_ahead_s() -> i64 {
        static AHEAD: LazyLock<i64> = LazyLock::new(|| {
            let text = std::env::var("TRUELINE_FAULT_CLOCK").ok();
            text.and_then(|text| text.parse().ok()).unwrap_or(0)
        });
        *AHEAD
    }

    fn pass(moment: &str, point: &str) -> io::Result<()> {
        if let Some(log) = &*LOG {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            // In one piece: several threads and processes write into it.
            log.write_all(format!("{moment} {point}\n").as_bytes())?;
        }
        match &*FAULT {
            Some(fault) if fault.moment == moment && fault.point == point => fault.strike(),
            _ => Ok(()),
        }
    }

    static LOG: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| {
        let path = std::env::var_os("TRUELINE_FAULT_LOG")?;
        let file = File::options().append(true).create(true).open(path).ok()?;
        Some(Mutex::new(file))
    });

    static FAULT: LazyLock<Option<Fault>> =
        LazyLock::new(|| Fault::parse(&std::env::var("TRUELINE_FAULT").ok()?));

    /// What a test asked for.
    struct Fault {
        action: Action,
        moment: String,
        point: String,
        /// Passes of the point before it strikes.
        spared: AtomicU64,
    }

    #[derive(Clone, Copy)]
    enum Action {
        Abort,
        Fail { os_error: i32 },
    }

    impl Fault {
        /// Nothing of what no test would write.
        fn parse(text: &str) -> Option<Self> {
            let [action, moment, point, time] =
                <[&str; 4]>::try_from(text.split(' ').collect::<Vec<_>>()).ok()?;
            let action = match action {
                "abort" => Action::Abort,
                "error" => Action::Fail { os_error: 5 },
                "full" => Action::Fail { os_error: 28 },
                _ => return None,
            };
            Some(Self {
                action,
                moment: moment.to_owned(),
                point: point.to_owned(),
                spared: AtomicU64::new(time.parse::<u64>().ok()?.checked_sub(1)?),
            })
        }

        /// Strikes at the time that was named and whenever the point is passed after it.
        fn strike(&self) -> io::Result<()> {
            let less = |left: u64| left.checked_sub(1);
            let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
            if self.spared.fetch_update(set, fetch, less).is_ok() {
                return Ok(());
            }
            match self.action {
                Action::Abort => std::process::abort(),
                Action::Fail { os_error } => Err(io::Error::from_raw_os_error(os_error)),
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn strikes_from_the_time_on_that_was_named() {
            let fault = Fault::parse("full before blob.sync 3").unwrap();
            let struck = [0; 4].map(|_| fault.strike().is_err());
            assert_eq!(struck, [false, false, true, true]);
            let error = fault.strike().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            for text in [
                "",
                "abort",
                "abort before x 0",
                "panic before x 1",
                "abort before x 1 2",
            ] {
                assert!(Fault::parse(text).is_none(), "{text}");
            }
        }
    }
}
