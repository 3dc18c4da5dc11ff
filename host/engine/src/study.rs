//! Studies: the trials of a stage, which of them begins when and with what, and which is the best.
//!
//! A trial is one or more stages of the run, as any other in the cache, in the log and in what is shown. What
//! it tries follows from the results of the trials before it, all but those that may run at the same time
//! ([`trueline_study`]); so a study that is run again, on other threads or after a crash, has the same trials,
//! and finds those that came to an end in the cache.
//!
//! The log of the run tells a study in three kinds of events of its stage: `study.began`, `study.trial` for
//! each trial in the order of their numbers, and `study.decided`.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value as Json, json};
use trueline_pipeline::{PlannedStage, Pruner, StudyWork, Trials, Work};
use trueline_store::{NewEvent, StageState};
use trueline_study::{Point, Seen, Stops};

use crate::Result;
use crate::attempt::empty_report;
use crate::pipe::Fitted;
use crate::report::StageReport;
use crate::run::{Running, elapsed_ms, new_stage};

/// A study that has begun.
pub(crate) struct Ongoing {
    stage: Arc<PlannedStage>,
    began: Instant,
    work: StudyWork,
    trials: Vec<Trial>,
    /// The trials that are over, in order: the first so many. What is missing between is waited for.
    seen: Vec<Seen>,
    /// What the trials among them that failed said.
    failures: Vec<String>,
    /// Why it comes to nothing, if so.
    problem: Option<String>,
}

/// A trial that came to an end.
struct Over {
    seen: Seen,
    /// Why it failed, if it did.
    failure: Option<String>,
}

struct Trial {
    point: Point,
    /// Names of its stages.
    stages: Vec<String>,
    /// The stage that is tried.
    tried: String,
    /// The stage that measures it.
    measured_by: String,
}

impl Running<'_> {
    /// Begins a study; its first trials are the stages that it answers with.
    pub(crate) fn begin_study(
        &mut self,
        stage: &Arc<PlannedStage>,
        work: &StudyWork,
    ) -> Result<Vec<Arc<PlannedStage>>> {
        for state in [StageState::Ready, StageState::Running] {
            self.store.set_stage(&self.run, &stage.name, state, None)?;
        }
        self.tell_study(&stage.name, "study.began", json!(work))?;
        let mut ongoing = Ongoing {
            stage: stage.clone(),
            began: Instant::now(),
            work: work.clone(),
            trials: Vec::new(),
            seen: Vec::new(),
            failures: Vec::new(),
            problem: None,
        };
        if let Trials::Listed = &work.trials {
            let trial = |number| ongoing.listed(number, self);
            ongoing.trials = (0..work.count).map(trial).collect();
        }
        self.studies.push(ongoing);
        self.advance_studies()
    }

    /// Looks at what has come to an end, and goes on; what is new to run are the stages that it answers with.
    pub(crate) fn advance_studies(&mut self) -> Result<Vec<Arc<PlannedStage>>> {
        let mut new = Vec::new();
        for mut study in std::mem::take(&mut self.studies) {
            while let Some(over) = study.next_over(self) {
                let event = study.trial_event(&over, self);
                self.tell_study(&study.stage.name, "study.trial", event)?;
                study.take_in(over);
            }
            while let Some(stages) = study.next_trial() {
                let stages: Vec<_> = stages.into_iter().map(Arc::new).collect();
                let rows = stages.iter().map(|stage| new_stage(stage)).collect();
                self.store.add_stages(&self.run, rows)?;
                let name =
                    |stage: &Arc<PlannedStage>| (stage.name.clone(), study.stage.name.clone());
                self.study_of_trial.extend(stages.iter().map(name));
                let made = self.made.entry(study.stage.name.clone()).or_default();
                made.extend(stages.iter().cloned());
                new.extend(stages);
            }
            if study.is_over(self) {
                self.end_study(study)?;
            } else {
                self.studies.push(study);
            }
        }
        Ok(new)
    }

    /// Chooses the best.
    fn end_study(&mut self, study: Ongoing) -> Result<()> {
        let Ongoing {
            stage,
            began,
            work,
            trials,
            seen,
            failures,
            problem,
        } = study;
        let best = work.goal.best(&seen).filter(|_| problem.is_none());
        let found = best.and_then(|number| {
            let name = &trials.get(number)?.tried;
            Some((number, name.clone(), self.fitted.get(name)?.clone()))
        });
        let mut report = empty_report(&stage);
        report.elapsed_ms = elapsed_ms(began);
        match found {
            Some((number, name, fitted)) => {
                let value = seen[number].value;
                let failed = match failures.len() {
                    0 => String::new(),
                    count => format!(" ({count} failed)"),
                };
                let reason = format!(
                    "`{name}` is the best of {}{failed}: {}.{} is {}",
                    seen.len(),
                    work.measured_by,
                    work.metric,
                    value.unwrap_or(f64::NAN)
                );
                self.adopt(&stage.name, &name, fitted, &mut report);
                self.store.set_stage(
                    &self.run,
                    &stage.name,
                    StageState::Succeeded,
                    Some(&reason),
                )?;
                let detail = json!({ "best": number, "stage": name, "value": value });
                self.tell_study(&stage.name, "study.decided", detail)?;
            }
            None => {
                let why = problem.unwrap_or_else(|| match failures.first() {
                    Some(first) if failures.len() == seen.len() => {
                        format!("all trials failed, {first}")
                    }
                    _ => format!(
                        "no trial came to an end with a number for {}.{}",
                        work.measured_by, work.metric
                    ),
                });
                self.store
                    .set_stage(&self.run, &stage.name, StageState::Failed, Some(&why))?;
                report.state = StageState::Failed;
                report.message = Some(why);
            }
        }
        self.report(report);
        Ok(())
    }

    /// Lets a stage's name stand for another stage.
    fn adopt(&mut self, name: &str, best: &str, fitted: Fitted, report: &mut StageReport) {
        report.state = StageState::Succeeded;
        report.best = Some(best.to_owned());
        report.state_digest = Some(fitted.digest);
        if let Some(metrics) = self.metrics.get(best).cloned() {
            report.metrics = metrics.clone();
            self.metrics.insert(name.to_owned(), metrics);
        }
        self.fitted.insert(name.to_owned(), fitted);
    }

    fn tell_study(&self, stage: &str, kind: &str, detail: Json) -> Result<()> {
        let event = NewEvent::new(kind).stage(stage).detail(detail);
        self.store.append_event(&self.run, event)?;
        Ok(())
    }

    /// The study that a stage is a trial of, or the stage itself.
    pub(crate) fn study_of<'n>(&'n self, stage: &'n str) -> &'n str {
        self.study_of_trial.get(stage).map_or(stage, String::as_str)
    }
}

impl Ongoing {
    /// A trial whose stages are in the plan.
    fn listed(&self, number: usize, running: &Running<'_>) -> Trial {
        let (tried, measured_by) = self.work.trial(&self.stage.name, number);
        let params = running
            .plan
            .stage(&tried)
            .and_then(|stage| match &stage.work {
                Work::Stage(work) => work.params.as_object().cloned(),
                _ => None,
            });
        Trial {
            point: params.unwrap_or_default().into_iter().collect(),
            stages: vec![tried.clone(), measured_by.clone()],
            tried,
            measured_by,
        }
    }

    /// The next trial in order, if it is over.
    fn next_over(&mut self, running: &Running<'_>) -> Option<Over> {
        if self.problem.is_some() {
            return None;
        }
        let trial = self.trials.get(self.seen.len())?;
        let reports: Vec<_> = trial
            .stages
            .iter()
            .map(|stage| running.reports.get(stage))
            .collect::<Option<_>>()?;
        if let Some(failure) = failure_of(&reports) {
            return Some(Over {
                seen: Seen {
                    point: trial.point.clone(),
                    value: None,
                    curve: Vec::new(),
                },
                failure: Some(failure),
            });
        }
        let measured = self
            .curve(trial, running)
            .and_then(|curve| Ok((curve, self.value(trial, running)?)));
        match measured {
            Ok((curve, value)) => Some(Over {
                seen: Seen {
                    point: trial.point.clone(),
                    value,
                    curve,
                },
                failure: None,
            }),
            // What no trial can be measured by is the study's mistake, not the trial's.
            Err(problem) => {
                self.problem = Some(problem);
                None
            }
        }
    }

    /// What a trial was worth; nothing if it was stopped early.
    fn value(&self, trial: &Trial, running: &Running<'_>) -> Result<Option<f64>, String> {
        let report = running.reports.get(&trial.tried);
        if report.is_some_and(|report| report.stopped_at.is_some()) {
            return Ok(None);
        }
        let metrics = running.metrics.get(&trial.measured_by);
        match metrics.and_then(|metrics| metrics.get(&self.work.metric)) {
            Some(value) => Ok(Some(*value)),
            None => {
                let names = metrics.into_iter().flat_map(|metrics| metrics.keys());
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                Err(format!(
                    "stage `{}` has no metric `{}`; its metrics are {}",
                    trial.measured_by,
                    self.work.metric,
                    names.join(", ")
                ))
            }
        }
    }

    /// Goes on with a trial that is over, unless too many have failed.
    fn take_in(&mut self, over: Over) {
        let number = self.seen.len();
        if let Some(failure) = over.failure {
            let params = json!(over.seen.point);
            self.failures
                .push(format!("trial {number} with {params}: {failure}"));
            let limit = self.work.max_failures.unwrap_or(usize::MAX);
            if self.failures.len() > limit {
                self.problem = Some(format!(
                    "more trials failed than `max_failures = {limit}` allows: {}",
                    self.failures.join("; ")
                ));
            }
        }
        self.seen.push(over.seen);
    }

    /// The metric that the pruner watches, step by step.
    fn curve(&self, trial: &Trial, running: &Running<'_>) -> Result<Vec<(u32, f64)>, String> {
        let (Some(pruner), Some(steps)) = (self.pruner(), running.steps.get(&trial.tried)) else {
            return Ok(Vec::new());
        };
        let stops = self.stops(pruner, &[]);
        steps
            .iter()
            .map(|step| match stops.watched(&step.metrics) {
                Some(value) => Ok((step.step, value)),
                None => {
                    let names = step.metrics.iter().map(|(name, _)| format!("`{name}`"));
                    Err(format!(
                        "its pruner watches `{}`, and `{}` reports {} after its steps: let it report that, or name \
                         another one as pruner = {{ kind = \"asha\", metric = \"…\" }}",
                        pruner.metric,
                        trial.tried,
                        names.collect::<Vec<_>>().join(", ")
                    ))
                }
            })
            .collect()
    }

    fn pruner(&self) -> Option<&Pruner> {
        match &self.work.trials {
            Trials::Sampled { pruner, .. } => pruner.as_ref(),
            Trials::Listed => None,
        }
    }

    fn stops(&self, pruner: &Pruner, known: &[Seen]) -> Stops {
        Stops {
            metric: pruner.metric.clone(),
            goal: pruner.goal,
            rungs: pruner.asha.rungs(pruner.goal, known),
        }
    }

    /// The stages of the next trial, if it can begin: all trials that it is to know of are over.
    fn next_trial(&mut self) -> Option<Vec<PlannedStage>> {
        let Trials::Sampled { study, .. } = &self.work.trials else {
            return None;
        };
        let number = self.trials.len();
        let known = study.known(number);
        if self.problem.is_some() || number >= self.work.count || known > self.seen.len() {
            return None;
        }
        // Those that may still be running have shown nothing, whether or not they have ended.
        let mut trials: Vec<Seen> = self.seen[..known].to_vec();
        trials.extend(self.trials[known..].iter().map(|trial| Seen {
            point: trial.point.clone(),
            value: None,
            curve: Vec::new(),
        }));
        let point = study.suggest(number, &trials);
        let stops = self
            .pruner()
            .map(|pruner| self.stops(pruner, &trials[..known]));
        let stops = stops.filter(|stops| !stops.rungs.is_empty());
        let stages = self
            .work
            .make_trial(&self.stage.name, number, &point, stops);
        let (tried, measured_by) = self.work.trial(&self.stage.name, number);
        self.trials.push(Trial {
            point,
            stages: stages.iter().map(|stage| stage.name.clone()).collect(),
            tried,
            measured_by,
        });
        Some(stages)
    }

    /// Whether nothing of it runs any more, nor will.
    fn is_over(&self, running: &Running<'_>) -> bool {
        let is_whole = self.seen.len() == self.work.count;
        let mut stages = self.trials.iter().flat_map(|trial| &trial.stages);
        (is_whole || self.problem.is_some())
            && stages.all(|stage| running.reports.contains_key(stage))
    }

    fn trial_event(&self, over: &Over, running: &Running<'_>) -> Json {
        let number = self.seen.len();
        let trial = &self.trials[number];
        let stopped_at = running
            .reports
            .get(&trial.tried)
            .and_then(|report| report.stopped_at);
        json!({
            "number": number,
            "stage": trial.tried,
            "params": over.seen.point,
            "value": over.seen.value,
            "stopped_at": stopped_at,
            "failure": over.failure,
        })
    }
}

/// Why a trial failed, if one of its stages did, or could not run.
fn failure_of(reports: &[&StageReport]) -> Option<String> {
    let first = |state| reports.iter().find(|report| report.state == state);
    let bad = first(StageState::Failed).or_else(|| first(StageState::Blocked))?;
    let why = bad.message.as_deref().unwrap_or_default();
    Some(format!("`{}`: {why}", bad.stage))
}
