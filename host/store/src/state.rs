//! The states of runs, stages and attempts, and the arrows between them.
//!
//! ```text
//! run      queued → running ⇄ waiting → succeeded | failed | cancelled
//! stage    pending → ready → cached | running | skipped | blocked; running → succeeded | failed
//! attempt  running → succeeded | failed | cancelled
//! ```
//!
//! What no arrow leaves is final. The database holds the same arrows in its triggers.

/// An enum that is one word of text in SQL, JSON and on the screen.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every value, in the order of their life.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word that stands for it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                let word = value.as_str()?;
                let found = Self::ALL.iter().find(|each| each.as_str() == word);
                found.copied().ok_or(rusqlite::types::FromSqlError::InvalidType)
            }
        }
    };
}

pub(crate) use words;

words! {
    /// Where a run stands.
    RunState {
        /// Written down, not started.
        Queued = "queued",
        Running = "running",
        /// For an approval or a time.
        Waiting = "waiting",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

words! {
    /// Why a run failed.
    RunFailure {
        /// Its gate said no: every stage worked, the result is not good enough.
        Gate = "gate",
        /// A stage failed.
        Stage = "stage",
        /// The engine could not go on: a full disk, a missing file.
        Host = "host",
        /// The process that ran it died.
        Lost = "lost",
    }
}

words! {
    /// Where a stage of a run stands.
    StageState {
        /// Waits for the stages it depends on.
        Pending = "pending",
        /// Could start now.
        Ready = "ready",
        /// Took the outputs of an earlier run, whose key was the same.
        Cached = "cached",
        Running = "running",
        /// Was not to run this time.
        Skipped = "skipped",
        /// Could not run: something before it failed, or the run ended.
        Blocked = "blocked",
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

words! {
    /// Where an attempt stands.
    AttemptState {
        Running = "running",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

words! {
    /// Why an attempt failed.
    AttemptFailure {
        /// The component answered with an error.
        GuestError = "guest_error",
        /// The component broke off.
        Trap = "trap",
        /// The component wanted more memory than its limit.
        Memory = "memory",
        /// The component used up its instructions.
        Fuel = "fuel",
        /// The component took longer than its limit.
        Timeout = "timeout",
        /// The engine failed, not the component.
        Host = "host",
        /// The process it ran in died.
        Lost = "lost",
    }
}

words! {
    /// What a gate said of a package.
    Verdict {
        Accepted = "accepted",
        Refused = "refused",
    }
}

impl RunState {
    /// Whether an arrow leads from here to `next`.
    pub const fn can_become(self, next: Self) -> bool {
        use RunState::{Cancelled, Failed, Queued, Running, Succeeded, Waiting};
        match self {
            Queued => matches!(next, Running | Failed | Cancelled),
            Running => matches!(next, Waiting | Succeeded | Failed | Cancelled),
            Waiting => matches!(next, Running | Failed | Cancelled),
            Succeeded | Failed | Cancelled => false,
        }
    }

    /// Whether no arrow leaves this state.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl StageState {
    /// Whether an arrow leads from here to `next`.
    pub const fn can_become(self, next: Self) -> bool {
        use StageState::{Blocked, Cached, Failed, Pending, Ready, Running, Skipped, Succeeded};
        match self {
            Pending => matches!(next, Ready | Skipped | Blocked),
            Ready => matches!(next, Cached | Running | Skipped | Blocked),
            Running => matches!(next, Succeeded | Failed),
            Cached | Skipped | Blocked | Succeeded | Failed => false,
        }
    }

    /// Whether no arrow leaves this state.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Ready | Self::Running)
    }
}

impl AttemptState {
    /// Whether no arrow leaves this state.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Running)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use rusqlite::types::ToSql;

    use super::*;
    use crate::testing::{running, store};
    use crate::{Error, RunId, Store};

    /// Puts a row into every state, tries to move it to every other, and holds what the database lets pass
    /// against what the code does. `put` inserts a row in the state `?1`, with a failure if that is `failed`;
    /// `step` moves it.
    fn check<S>(
        put: &'static str,
        step: &'static str,
        all: &'static [S],
        can_become: fn(S, S) -> bool,
    ) where
        S: ToSql + Copy + PartialEq + fmt::Display + Send + Sync,
    {
        let (_home, store) = store();
        let run = running(&store, &["busy"]);
        for state in [StageState::Ready, StageState::Running] {
            store.set_stage(&run, "busy", state, None).unwrap();
        }
        for from in all {
            for to in all.iter().filter(|to| *to != from) {
                let allowed = moves(&store, run.clone(), put, step, from, to);
                assert_eq!(allowed, can_become(*from, *to), "{from} to {to}: {step}");
            }
        }
    }

    fn moves<S>(
        store: &Store,
        run: RunId,
        put: &'static str,
        step: &'static str,
        from: &'static S,
        to: &'static S,
    ) -> bool
    where
        S: ToSql + Send + Sync,
    {
        let moved = store.write(move |connection| {
            connection.execute_batch("DELETE FROM attempts; DELETE FROM stages WHERE stage = 'it'; DELETE FROM runs WHERE run_id = 'it'")?;
            connection.execute(put, rusqlite::params![from, run])?;
            Ok(connection.execute(step, [to])?)
        });
        match moved {
            Ok(rows) => rows == 1,
            Err(Error::Rule { rule }) => {
                assert!(rule.contains("cannot change"), "{rule}");
                false
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_database_has_the_arrows_of_runs() {
        check(
            "INSERT INTO runs VALUES ('default', 'it', 'p', ?1, iif(?1 = 'failed', 'lost', NULL), 1, 1, 1, NULL, ?2, 0, 'd', 'd', '{}')",
            "UPDATE runs SET state = ?1, failure = iif(?1 = 'failed', 'lost', NULL) WHERE run_id = 'it'",
            RunState::ALL,
            RunState::can_become,
        );
    }

    #[test]
    fn the_database_has_the_arrows_of_stages() {
        check(
            "INSERT INTO stages VALUES ('default', ?2, 'it', 9, 'transform', ?1, 1, 1, NULL, NULL, '[]', '{}', NULL)",
            "UPDATE stages SET state = ?1 WHERE stage = 'it'",
            StageState::ALL,
            StageState::can_become,
        );
    }

    #[test]
    fn the_database_has_the_arrows_of_attempts() {
        check(
            "INSERT INTO attempts VALUES ('default', ?2, 'busy', 1, ?1, iif(?1 = 'failed', 'lost', NULL), 1, 1, NULL, 'pure@1', 'f')",
            "UPDATE attempts SET state = ?1, failure = iif(?1 = 'failed', 'lost', NULL)",
            AttemptState::ALL,
            |from, _| !from.is_final(),
        );
    }

    #[test]
    fn final_is_what_no_arrow_leaves() {
        for from in RunState::ALL {
            assert_eq!(
                from.is_final(),
                !RunState::ALL.iter().any(|to| from.can_become(*to)),
                "{from}"
            );
        }
        for from in StageState::ALL {
            assert_eq!(
                from.is_final(),
                !StageState::ALL.iter().any(|to| from.can_become(*to)),
                "{from}"
            );
        }
    }

    #[test]
    fn a_state_is_one_word_everywhere() {
        for state in AttemptFailure::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        assert!(
            connection
                .query_row("SELECT 'unheard of'", [], |row| row.get::<_, RunState>(0))
                .is_err()
        );
    }
}
