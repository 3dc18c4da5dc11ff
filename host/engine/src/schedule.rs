//! Which stage when: each as soon as those that it depends on are over, as many at once as there are threads
//! and slots in its pool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, mpsc};

use trueline_pipeline::{PlannedStage, RunIf, Work};
use trueline_runtime::{Error as RuntimeError, Watch};
use trueline_store::StageState;

use crate::attempt::{Attempt, Done, empty_report, watched, watched_all};
use crate::champion::is_champions;
use crate::data::Data;
use crate::pipe::FittedStages;
use crate::reduce::Job;
use crate::run::Running;
use crate::{Error, Result};

/// What is to become of a stage whose dependencies are over.
enum Fate {
    Start,
    /// It cannot run, and why.
    Block(String),
    /// It is not to run, and why.
    Skip(String),
}

/// What is running.
#[derive(Default)]
struct Busy {
    /// Stages that have begun and not ended.
    stages: usize,
    /// Those of them that only wait for the disk, and leave their thread to others.
    committing: BTreeSet<String>,
    pools: BTreeMap<String, u32>,
}

/// So many stages wait for the disk at most, with what they computed in memory: enough that they share commits.
const COMMITTING_LIMIT: usize = 32;

/// What a stage tells of itself.
enum Told {
    /// All is computed, and has to come to the disk.
    Computed,
    Ended(Box<Result<Done>>),
}

impl Running<'_> {
    /// Starts whatever can start until nothing is left. If someone gives up, or the store fails, nothing new
    /// starts, and what runs is waited for.
    pub(crate) fn run_stages(&mut self, data: &Data) -> Result<()> {
        let plan = self.plan;
        let (store, run, engine) = (self.store, self.run.clone(), self.engine.clone());
        let (run, engine) = (&run, &engine);
        let stages = plan.stages.iter();
        let mut waiting: Vec<Arc<PlannedStage>> = stages.cloned().map(Arc::new).collect();
        let mut busy = Busy::default();
        let (sender, told) = mpsc::channel::<(Arc<PlannedStage>, Told)>();
        std::thread::scope(|scope| {
            loop {
                if self.options.cancel.is_cancelled() {
                    return Err(RuntimeError::Cancelled.into());
                }
                let Some(stage) = self.next(&mut waiting, &busy) else {
                    if busy.stages == 0 {
                        return Ok(());
                    }
                    let finished = match told.recv() {
                        Err(_) => return Ok(()),
                        Ok((stage, Told::Computed)) => {
                            busy.committing.insert(stage.name.clone());
                            continue;
                        }
                        Ok((stage, Told::Ended(finished))) => {
                            busy.leave(&stage);
                            (*finished)?
                        }
                    };
                    self.finish(finished);
                    waiting.extend(self.advance_studies()?);
                    continue;
                };
                match (self.fate(&stage), &stage.work) {
                    (Fate::Block(why), _) => {
                        self.pass_over(&stage, StageState::Blocked, why)?;
                        waiting.extend(self.advance_studies()?);
                    }
                    (Fate::Skip(why), _) => {
                        self.pass_over(&stage, StageState::Skipped, why)?;
                        waiting.extend(self.advance_studies()?);
                    }
                    (Fate::Start, Work::Gate(gate)) => self.decide(&stage, gate)?,
                    (Fate::Start, Work::Study(study)) => {
                        waiting.extend(self.begin_study(&stage, study)?);
                    }
                    (Fate::Start, Work::Stage(_)) => {
                        let uses_cache = self.uses_cache(&stage);
                        let (options, observer, sender) =
                            (self.options, self.observer, sender.clone());
                        busy.enter(&stage);
                        let fitted = self.upstream(&stage);
                        scope.spawn(move || {
                            let Work::Stage(work) = &stage.work else {
                                return;
                            };
                            // Whatever it takes to find out what it is computed from can be given up, too.
                            let watch = Watch::new(options.cancel.clone(), None);
                            let (work, fitted) =
                                (watched(work, &watch), watched_all(&fitted, &watch));
                            let attempt = Attempt {
                                stage: &stage,
                                job: Job {
                                    data,
                                    name: &stage.name,
                                    work: &work,
                                    fitted: &fitted,
                                    options,
                                    observer,
                                    watch: Some(&watch),
                                },
                                store,
                                run,
                                engine,
                                uses_cache,
                            };
                            // The receiver outlives the scope.
                            let tell = |told| drop(sender.send((stage.clone(), told)));
                            let done = attempt.complete(&|| tell(Told::Computed));
                            tell(Told::Ended(Box::new(done)));
                        });
                    }
                }
            }
        })
    }

    /// Takes the next stage that can start: of those whose dependencies are over and for which there is room,
    /// the one with the highest priority, and of those the first of the plan.
    fn next(&self, waiting: &mut Vec<Arc<PlannedStage>>, busy: &Busy) -> Option<Arc<PlannedStage>> {
        let can_start = |stage: &PlannedStage| {
            let is_over = |name: &String| self.reports.contains_key(name);
            stage.depends_on.iter().all(is_over) && self.has_room(stage, busy)
        };
        let candidates = waiting
            .iter()
            .enumerate()
            .filter(|(_, stage)| can_start(stage));
        // Of equal ones, the first: a later one is only taken if it is greater.
        let best = candidates.fold(None, |best: Option<(usize, i64)>, (index, stage)| {
            let priority = stage.rules.priority;
            match best {
                Some((_, highest)) if highest >= priority => best,
                _ => Some((index, priority)),
            }
        });
        best.map(|(index, _)| waiting.remove(index))
    }

    /// Whether a thread and a slot of its pool are free. What the host does itself needs neither.
    fn has_room(&self, stage: &PlannedStage, busy: &Busy) -> bool {
        if matches!(stage.work, Work::Gate(_) | Work::Study(_)) {
            return true;
        }
        let pool = stage.rules.pool.as_ref();
        let has_slot = pool.is_none_or(|pool| {
            let slots = self.plan.pools.get(pool).copied().unwrap_or(u32::MAX);
            busy.pools.get(pool).copied().unwrap_or(0) < slots.max(1)
        });
        let committing = busy.committing.len();
        has_slot
            && busy.stages - committing < self.options.threads.max(1)
            && committing < COMMITTING_LIMIT
    }

    fn fate(&self, stage: &PlannedStage) -> Fate {
        if !self.is_wanted(stage) {
            return Fate::Skip("it was not asked for".to_owned());
        }
        // That the champion could not be scored is for the gate to say.
        let needed = stage.depends_on.iter().filter(|name| !is_champions(name));
        let reports: Vec<_> = needed.filter_map(|name| self.reports.get(name)).collect();
        let is_bad = |state| matches!(state, StageState::Failed | StageState::Blocked);
        let judged = self.trials_to_judge(stage);
        let bad = reports
            .iter()
            .find(|report| is_bad(report.state) && !judged.contains(report.stage.as_str()));
        let skipped = reports
            .iter()
            .find(|report| report.state == StageState::Skipped);
        match (stage.rules.run_if, bad, skipped) {
            (RunIf::Success, Some(_), _) => {
                return Fate::Block("a stage that it depends on did not succeed".to_owned());
            }
            (RunIf::Success, None, Some(skipped)) => {
                return Fate::Skip(format!("`{}` was skipped", skipped.stage));
            }
            (RunIf::Failure, None, _) => {
                return Fate::Skip("nothing that it depends on failed".to_owned());
            }
            _ => {}
        }
        let stopped = reports.iter().find(|report| report.stopped_at.is_some());
        if let Some(stopped) = stopped {
            return Fate::Skip(format!("`{}` was stopped early", stopped.stage));
        }
        match &stage.rules.when {
            Some(when) => {
                let verdict = when.holds(&self.metrics);
                match verdict.passed {
                    true => Fate::Start,
                    false => Fate::Skip(format!("`{}` does not hold", verdict.text)),
                }
            }
            None => Fate::Start,
        }
    }

    /// The stages of the plan whose end is for this study to judge: its trials, unless what is before all of
    /// them failed.
    fn trials_to_judge(&self, study: &PlannedStage) -> BTreeSet<&str> {
        let Work::Study(_) = &study.work else {
            return BTreeSet::new();
        };
        let own = |stage: &&PlannedStage| stage.study.as_deref() == Some(study.name.as_str());
        let trials = self.plan.stages.iter().filter(own);
        let trials: Vec<_> = trials.map(|stage| stage.name.as_str()).collect();
        let has_begun = trials.iter().any(|name| {
            let report = self.reports.get(*name);
            report.is_some_and(|report| report.state != StageState::Blocked)
        });
        match has_begun {
            true => trials.into_iter().collect(),
            false => BTreeSet::new(),
        }
    }

    /// Whether a stage is among those that were asked for, or one of these depends on it.
    fn is_wanted(&self, stage: &PlannedStage) -> bool {
        let only = &self.options.only;
        only.is_empty() || self.upstream_of(only).contains(self.study_of(&stage.name))
    }

    /// Some stages, and all that they depend on.
    fn upstream_of<'p>(&'p self, names: &'p [String]) -> BTreeSet<&'p str> {
        let mut found: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        // In the plan's order, what depends on something comes behind it.
        for stage in self.plan.stages.iter().rev() {
            if found.contains(stage.name.as_str()) {
                found.extend(stage.depends_on.iter().map(String::as_str));
            }
        }
        found
    }

    /// Whether the result of a stage is looked up: not if all from some stage on are to run.
    fn uses_cache(&self, stage: &PlannedStage) -> bool {
        let depends_on = |from: &String| {
            let own = [self.study_of(&stage.name).to_owned()];
            self.upstream_of(&own).contains(from.as_str())
        };
        self.options.cache && !self.options.from.as_ref().is_some_and(depends_on)
    }

    /// Leaves a stage out.
    fn pass_over(&mut self, stage: &PlannedStage, state: StageState, why: String) -> Result<()> {
        self.store
            .set_stage(&self.run, &stage.name, state, Some(&why))?;
        let mut report = empty_report(stage);
        report.state = state;
        report.message = Some(why);
        self.report(report);
        Ok(())
    }

    /// The fitted stages that a stage's pipes go through.
    fn upstream(&self, stage: &PlannedStage) -> FittedStages {
        let inputs = match &stage.work {
            Work::Stage(work) => work.inputs.as_slice(),
            Work::Gate(_) | Work::Study(_) => &[],
        };
        let names = inputs.iter().flat_map(|input| &input.pipe.through);
        names
            .filter_map(|name| Some((name.clone(), self.fitted.get(name)?.clone())))
            .collect()
    }

    /// Takes in what a stage came to.
    fn finish(&mut self, done: Done) {
        let Done {
            report,
            fitted,
            steps,
        } = done;
        self.metrics
            .insert(report.stage.clone(), report.metrics.clone());
        if let Some(fitted) = fitted {
            self.fitted.insert(report.stage.clone(), fitted);
        }
        // Those of a trial decide when others stop.
        if self.study_of(&report.stage) != report.stage {
            self.steps.insert(report.stage.clone(), steps);
        }
        self.report(report);
    }
}

impl Busy {
    fn enter(&mut self, stage: &PlannedStage) {
        self.stages += 1;
        if let Some(pool) = &stage.rules.pool {
            *self.pools.entry(pool.clone()).or_default() += 1;
        }
    }

    fn leave(&mut self, stage: &PlannedStage) {
        self.stages = self.stages.saturating_sub(1);
        self.committing.remove(&stage.name);
        if let Some(pool) = &stage.rules.pool
            && let Some(taken) = self.pools.get_mut(pool)
        {
            *taken = taken.saturating_sub(1);
        }
    }
}

impl Error {
    /// Whether it says that someone gave up.
    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Runtime(RuntimeError::Cancelled) => true,
            Self::Stage { source, .. } => source.is_cancelled(),
            _ => false,
        }
    }
}
