//! When and how a stage runs, beside what it computes. None of it is part of a cache key.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use toml::Spanned;

use crate::declaration::StageKeys;
use crate::gate::{Requirement, Scope};
use crate::limits::duration;
use crate::source::{Problem, Report};

/// What the stages that it depends on must have come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunIf {
    /// All of them succeeded.
    #[default]
    Success,
    /// One of them failed, or could not run for such a reason.
    Failure,
    /// Anything.
    Always,
}

/// Why an attempt may fail so that another one is worth it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryOn {
    /// The component answered with an error.
    Error,
    /// The component broke off.
    Trap,
    /// It met a limit of memory or output.
    Memory,
    /// It took longer than a limit or its timeout.
    Timeout,
    /// The engine could not go on, say because a file could not be read.
    Host,
}

/// How often a stage is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// Attempts after the first.
    pub max: u32,
    /// How long to wait before the first of them; twice as long before each further one.
    pub backoff: Duration,
    pub on: Vec<RetryOn>,
}

impl Default for Retry {
    /// Never again.
    fn default() -> Self {
        Self {
            max: 0,
            backoff: Duration::from_secs(1),
            on: vec![RetryOn::Timeout, RetryOn::Host],
        }
    }
}

impl Retry {
    /// The longest wait.
    const LONGEST: Duration = Duration::from_secs(600);

    /// How long to wait before an attempt, counted from 2.
    pub fn wait(&self, attempt: u32) -> Duration {
        let factor = 1_u32
            .checked_shl(attempt.saturating_sub(2))
            .unwrap_or(u32::MAX);
        self.backoff.saturating_mul(factor).min(Self::LONGEST)
    }
}

/// The rules of a stage.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rules {
    pub run_if: RunIf,
    /// What must hold, else the stage is skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Requirement>,
    pub retry: Retry,
    /// For an attempt as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// Stages of a pool share its slots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// Of the stages that could start, those with the highest go first.
    pub priority: i64,
}

impl Rules {
    /// Whether nothing was said about it.
    pub fn are_usual(&self) -> bool {
        self.run_if == RunIf::Success
            && self.when.is_none()
            && self.retry == Retry::default()
            && self.timeout.is_none()
            && self.pool.is_none()
            && self.priority == 0
    }
}

/// The keys of `retry`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct RetryKeys {
    max: u32,
    backoff: Option<Spanned<String>>,
    on: Option<Vec<RetryOn>>,
}

/// Checks the rules of a stage; `scope` has the stages that measure something, `pools` those that are declared.
pub(crate) fn check(
    keys: &StageKeys,
    owner: &str,
    scope: &Scope<'_>,
    params: &BTreeMap<String, Json>,
    pools: &BTreeMap<String, u32>,
    report: &mut Report<'_>,
) -> Rules {
    let when = keys.when.as_ref().and_then(|text| {
        let compiled = Requirement::compile(text.get_ref(), scope, params);
        let wrong = |error| Problem::in_expression(report.source, text, owner, error);
        let compiled = compiled.map_err(wrong);
        report.ok(compiled)
    });
    let usual = Retry::default();
    let retry = match &keys.retry {
        None => usual,
        Some(retry) => Retry {
            max: retry.max,
            backoff: retry
                .backoff
                .as_ref()
                .and_then(|text| report.ok(duration(text)))
                .unwrap_or(usual.backoff),
            on: retry.on.clone().unwrap_or(usual.on),
        },
    };
    let pool = keys.pool.as_ref().and_then(|pool| {
        let name = pool.get_ref();
        report.ok(match pools.contains_key(name) {
            true => Ok(name.clone()),
            false => Err(
                Problem::new(pool.span(), format!("there is no pool `{name}`"))
                    .hint(format!("declare it with its slots: [pools]\n{name} = 1")),
            ),
        })
    });
    Rules {
        run_if: keys.run_if.unwrap_or_default(),
        when,
        retry,
        timeout: keys
            .timeout
            .as_ref()
            .and_then(|text| report.ok(duration(text))),
        pool,
        priority: keys.priority.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry {
            max: 60,
            backoff: Duration::from_millis(500),
            ..Retry::default()
        };
        let ms = |attempt| retry.wait(attempt).as_millis();
        assert_eq!([ms(2), ms(3), ms(4)], [500, 1000, 2000]);
        assert_eq!([ms(40), ms(1000)], [600_000; 2]);
    }
}
