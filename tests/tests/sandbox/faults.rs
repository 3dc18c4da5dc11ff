//! Guests that crash, run away or want more than they may: each call ends with the reason, and the host
//! goes on.

use trueline_runtime::{Error, Result};
use trueline_tests::rows;

use crate::stage::{Hostile, LIMITS};

/// Every export but `describe`, which has limits of its own.
const EXPORTS: [&str; 7] = [
    "begin", "update", "partial", "merge", "finish", "load", "map",
];

/// What the one call in `at` that misbehaves as `mode` says comes to.
fn misbehave(mode: &str, at: &str) -> Result<()> {
    let params = format!(r#"{{"mode": "{mode}", "at": "{at}"}}"#);
    let (hostile, rows) = (Hostile(&params), rows::x([1.0, 2.0]));
    match at {
        "load" | "map" => hostile.map(&rows).map(drop),
        _ => hostile.fit(&rows).map(drop),
    }
}

/// Asserts what a fault is told as in every export, and that a good stage answers right after.
#[track_caller]
fn check(mode: &str, exports: &[&str], told: impl Fn(&Error) -> bool) {
    for at in exports {
        let error = misbehave(mode, at).expect_err(at);
        assert!(told(&error), "{mode} in {at}: {error:?}");
        let rows = rows::x([0.5, -0.0]);
        let good = Hostile("{}").map(&rows).unwrap();
        assert_eq!(good.column(0), rows.column(0), "after {mode} in {at}");
    }
}

fn is_trap(error: &Error) -> bool {
    matches!(error, Error::Trap { .. })
}

#[test]
fn a_panic_is_a_trap() {
    check("panic", &EXPORTS, is_trap);
    check("panic", &["describe"], is_trap);
    assert_eq!(
        misbehave("panic", "map").unwrap_err().to_string(),
        "the stage trapped: it stopped itself (a panic, or an allocation that failed)"
    );
}

#[test]
fn endless_recursion_is_a_trap() {
    check("recurse", &EXPORTS, is_trap);
    check("recurse", &["describe"], is_trap);
}

#[test]
fn an_endless_loop_is_stopped_at_the_time_limit() {
    let is_timeout = |error: &Error| matches!(error, Error::Timeout { limit_ms: 50 });
    check("loop", &EXPORTS, is_timeout);
    assert_eq!(
        misbehave("loop", "map").unwrap_err().to_string(),
        "the stage ran longer than its limit of 50 ms in one call; raise `limits.time`"
    );
}

#[test]
fn a_description_without_end_does_not_keep_a_person_waiting() {
    let is_timeout = |error: &Error| matches!(error, Error::Timeout { limit_ms: 5000 });
    check("loop", &["describe"], is_timeout);
}

#[test]
fn memory_without_end_is_refused_at_the_limit() {
    let limit = LIMITS.memory_bytes;
    let is_memory =
        |error: &Error| matches!(error, Error::Memory { limit_bytes } if *limit_bytes == limit);
    check("allocate", &EXPORTS, is_memory);
    let any_limit = |error: &Error| matches!(error, Error::Memory { .. });
    check("allocate", &["describe"], any_limit);
}

#[test]
fn an_answer_beyond_the_limit_is_not_copied() {
    let is_output = |error: &Error| matches!(error, Error::Output { limit_bytes } if *limit_bytes == LIMITS.output_bytes);
    check("long-error", &EXPORTS, is_output);
    for (mode, at) in [("huge-output", "map"), ("huge-state", "finish")] {
        check(mode, &[at], is_output);
    }
}

#[test]
fn two_threads_of_faults_do_no_harm_to_each_other() {
    std::thread::scope(|scope| {
        for mode in ["panic", "recurse", "allocate", "loop"] {
            scope.spawn(move || {
                for _ in 0..20 {
                    misbehave(mode, "map").unwrap_err();
                    Hostile("{}").map(&rows::x([1.0])).unwrap();
                }
            });
        }
    });
}
