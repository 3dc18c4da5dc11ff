//! The keys of `tune`: what is tried, how it is chosen, and what is stopped early.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;
use trueline_study::{Asha, Domain, Goal, Point, Sampler, Space, Study, Tpe, grid};

use crate::keys::{self, TextOr};
use crate::plan::Pruner;
use crate::source::{Problem, Report};
use crate::values::{Value, to_json};

/// The keys of `tune`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct TuneKeys {
    #[serde(default)]
    sampler: SamplerName,
    trials: Option<Spanned<usize>>,
    parallel: Option<Spanned<usize>>,
    pruner: Option<Spanned<TextOr<PrunerKeys>>>,
    pub(crate) metric: Spanned<String>,
    #[serde(default)]
    goal: Goal,
    seed: Option<u64>,
    /// More trials than these must not fail.
    max_failures: Option<usize>,
    /// Trials that are drawn evenly before anything is estimated.
    startup: Option<usize>,
    /// [`DeclaredStage::space`](crate::declaration::DeclaredStage::space) has it with its places.
    #[serde(rename = "space")]
    _space: IgnoredAny,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SamplerName {
    #[default]
    Tpe,
    Random,
    Grid,
}

/// The keys of `pruner`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct PrunerKeys {
    kind: String,
    metric: Option<String>,
    goal: Option<Goal>,
    min_steps: Option<u32>,
    factor: Option<u32>,
}

/// The keys of a range.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RangeKeys {
    low: Json,
    high: Json,
    #[serde(default)]
    log: bool,
    step: Option<Json>,
}

/// How trials are made.
#[derive(Clone, Debug)]
pub(crate) struct Tuning {
    pub(crate) study: Study,
    pub(crate) trials: usize,
    pub(crate) max_failures: Option<usize>,
    pub(crate) pruner: Option<Pruner>,
}

/// The most trials of a study.
const MOST: usize = 10_000;

impl Tuning {
    /// The first value of each parameter.
    pub(crate) fn first_point(&self) -> Point {
        let first = |domain: &Domain| domain.extremes().into_iter().next().unwrap_or(Json::Null);
        let space = self.study.space.iter();
        space
            .map(|(name, domain)| (name.clone(), first(domain)))
            .collect()
    }

    /// Points that together have the extremes of every parameter.
    pub(crate) fn extreme_points(&self) -> Vec<Point> {
        let mut points = vec![self.first_point()];
        for (name, domain) in &self.study.space {
            for value in domain.extremes().into_iter().skip(1) {
                let mut point = self.first_point();
                point.insert(name.clone(), value);
                points.push(point);
            }
        }
        points
    }
}

/// Checks the `tune` of a stage; `space` is the table of that name.
pub(crate) fn check(
    keys: &TuneKeys,
    owner: &str,
    space: Option<&Value<'_>>,
    seed: u64,
    report: &mut Report<'_>,
) -> Option<Tuning> {
    let owner = format!("`tune` of stage `{owner}`");
    let section = space?;
    let space = read_space(section, &owner, report);
    let pruner = match &keys.pruner {
        None => Some(None),
        Some(pruner) => report.ok(check_pruner(pruner, keys)).map(Some),
    };
    let (space, pruner) = (space?, pruner?);
    let sampler = match keys.sampler {
        SamplerName::Random => Sampler::Random,
        SamplerName::Grid => Sampler::Grid,
        SamplerName::Tpe => Sampler::Tpe(Tpe {
            startup: keys.startup.unwrap_or(Tpe::default().startup),
            ..Tpe::default()
        }),
    };
    let whole_grid = match (&sampler, grid(&space)) {
        (Sampler::Grid, Ok(points)) => Some(points.len()),
        (Sampler::Grid, Err(name)) => {
            let message = format!("{owner}: a grid needs all values of `{name}`");
            report.add(Problem::new(section.span(), message).hint(format!(
                "list them, as in {name} = [0.1, 0.3], or give the range a `step`"
            )));
            return None;
        }
        _ => None,
    };
    let trials = match (&keys.trials, whole_grid) {
        (Some(trials), whole) => {
            let count = whole.map_or(*trials.get_ref(), |whole| whole.min(*trials.get_ref()));
            report.ok(between(trials, count, "trials", &owner))?
        }
        (None, Some(whole)) => whole.min(MOST),
        (None, None) => {
            let message = format!("{owner} does not say how many trials there are");
            report.add(Problem::new(keys.metric.span(), message).hint("write trials = 30"));
            return None;
        }
    };
    let parallel = match &keys.parallel {
        Some(parallel) => report.ok(between(parallel, *parallel.get_ref(), "parallel", &owner))?,
        None => 1,
    };
    Some(Tuning {
        study: Study {
            space,
            sampler,
            goal: keys.goal,
            seed: keys.seed.unwrap_or(seed),
            parallel,
        },
        trials,
        max_failures: keys.max_failures,
        pruner,
    })
}

fn between(value: &Spanned<usize>, count: usize, key: &str, owner: &str) -> Result<usize, Problem> {
    if (1..=MOST).contains(&count) {
        return Ok(count);
    }
    let message = format!("{owner}: `{key}` is {count}");
    Err(Problem::new(value.span(), message).hint(format!("write a number from 1 to {MOST}")))
}

fn check_pruner(pruner: &Spanned<TextOr<PrunerKeys>>, keys: &TuneKeys) -> Result<Pruner, Problem> {
    let usual = Asha::default();
    let (kind, keys_of) = match pruner.get_ref() {
        TextOr::Text(kind) => (kind, None),
        TextOr::Table(keys) => (&keys.kind, Some(keys)),
    };
    if kind != "asha" {
        let problem = Problem::new(pruner.span(), format!("there is no pruner `{kind}`"));
        return Err(problem.hint("there is `asha`; without `pruner` no trial is stopped early"));
    }
    let metric = keys.metric.get_ref();
    let metric = metric
        .split_once('.')
        .map_or(metric.as_str(), |(_, metric)| metric);
    let given = keys_of.and_then(|keys| keys.metric.as_deref());
    let asha = Asha {
        min_steps: keys_of
            .and_then(|keys| keys.min_steps)
            .unwrap_or(usual.min_steps),
        factor: keys_of.and_then(|keys| keys.factor).unwrap_or(usual.factor),
    };
    if asha.min_steps == 0 || asha.factor < 2 {
        let problem = Problem::new(pruner.span(), "`min_steps` is below 1, or `factor` below 2");
        return Err(problem.hint("after `min_steps` steps, and then after `factor` times as many, one trial in `factor` goes on"));
    }
    Ok(Pruner {
        metric: given.unwrap_or(metric).to_owned(),
        goal: keys_of.and_then(|keys| keys.goal).unwrap_or(keys.goal),
        asha,
    })
}

/// A list is a choice, a table a range.
fn read_space(section: &Value<'_>, owner: &str, report: &mut Report<'_>) -> Option<Space> {
    let DeValue::Table(table) = section.get_ref() else {
        let message = format!("{owner}: `space` is not a table");
        report.add(Problem::new(section.span(), message).hint(HINT));
        return None;
    };
    let mut space = Space::new();
    let mut is_whole = true;
    for (key, value) in table {
        let name = key.get_ref().to_string();
        let place = format!("`{name}` in the space of {owner}");
        let domain = match value.get_ref() {
            DeValue::Array(values) => {
                let values = values.iter().map(to_json).collect::<Result<_, _>>();
                report.ok(values).map(|values| Domain::Choice { values })
            }
            DeValue::Table(_) => keys::read::<RangeKeys>(value, &place, report)
                .and_then(|range| report.ok(range.domain(value, &place))),
            _ => {
                let message = format!("{place} is neither a list nor a range");
                report.add(Problem::new(value.span(), message).hint(HINT));
                None
            }
        };
        let domain = domain.filter(|domain| match domain.problem() {
            None => true,
            Some(problem) => {
                report.add(Problem::new(value.span(), format!("{place}: {problem}")).hint(HINT));
                false
            }
        });
        is_whole &= domain.is_some();
        space.extend(domain.map(|domain| (name, domain)));
    }
    if table.is_empty() {
        let message = format!("{owner}: `space` is empty");
        report.add(Problem::new(section.span(), message).hint(HINT));
        return None;
    }
    is_whole.then_some(space)
}

const HINT: &str = "values are a list, as in [\"depthwise\", \"lossguide\"], or a range, as in { low = 0.01, high = 0.3, log = true }";

impl RangeKeys {
    /// Whole numbers if both ends and the step are.
    fn domain(self, value: &Value<'_>, place: &str) -> Result<Domain, Problem> {
        let step = self.step.as_ref();
        if let (Some(low), Some(high), true) = (
            self.low.as_i64(),
            self.high.as_i64(),
            step.is_none_or(Json::is_i64),
        ) {
            return Ok(Domain::Int {
                low,
                high,
                log: self.log,
                step: step.and_then(Json::as_i64).unwrap_or(1),
            });
        }
        let value_problem = |key: &str| {
            Problem::new(value.span(), format!("{place}: `{key}` is no number")).hint(HINT)
        };
        let number = |json: &Json, key: &str| json.as_f64().ok_or_else(|| value_problem(key));
        Ok(Domain::Float {
            low: number(&self.low, "low")?,
            high: number(&self.high, "high")?,
            log: self.log,
            step: step.map(|step| number(step, "step")).transpose()?,
        })
    }
}
