//! Which stage when: each as soon as those that it depends on are over, as many at once as there are
//! threads.

use std::collections::BTreeSet;
use std::sync::mpsc;

use trueline_pipeline::{PlannedStage, StageWork, Work};
use trueline_store::StageState;

use crate::Result;
use crate::attempt::{Attempt, Done, empty_report};
use crate::champion::is_champions;
use crate::data::Data;
use crate::pipe::FittedStages;
use crate::reduce::Job;
use crate::run::Running;

impl Running<'_> {
    /// Starts whatever can start, up to as many at once as there are threads, until nothing is left.
    pub(crate) fn run_stages(&mut self, data: &Data) -> Result<()> {
        let plan = self.plan;
        let (store, run, engine) = (self.store, self.run.clone(), self.engine.clone());
        let (run, engine) = (&run, &engine);
        let mut waiting: Vec<&PlannedStage> = plan.stages.iter().collect();
        let mut busy = 0;
        let (sender, done) = mpsc::channel::<Result<Done>>();
        std::thread::scope(|scope| {
            loop {
                let (next, later) = self.startable(waiting);
                waiting = later;
                for stage in next {
                    if self.is_blocked(stage) {
                        self.block(stage)?;
                        continue;
                    }
                    match &stage.work {
                        Work::Gate(gate) => self.decide(stage, gate)?,
                        Work::Stage(work) if busy < self.options.threads.max(1) => {
                            let fitted = self.upstream(work);
                            let (options, observer, sender) =
                                (self.options, self.observer, sender.clone());
                            scope.spawn(move || {
                                let attempt = Attempt {
                                    stage,
                                    job: Job {
                                        data,
                                        name: &stage.name,
                                        work,
                                        fitted: &fitted,
                                        options,
                                        observer,
                                    },
                                    store,
                                    run,
                                    engine,
                                };
                                // The receiver outlives the scope.
                                let _ = sender.send(attempt.complete());
                            });
                            busy += 1;
                        }
                        Work::Stage(_) => waiting.push(stage),
                    }
                }
                if busy == 0 {
                    if waiting.is_empty() {
                        return Ok(());
                    }
                    continue;
                }
                let Ok(finished) = done.recv() else {
                    return Ok(());
                };
                busy -= 1;
                self.finish(finished?);
            }
        })
    }

    /// Splits stages into those whose dependencies are all over, and the others, in the plan's order.
    fn startable<'p>(
        &self,
        mut waiting: Vec<&'p PlannedStage>,
    ) -> (Vec<&'p PlannedStage>, Vec<&'p PlannedStage>) {
        waiting.sort_by_key(|stage| {
            let mut stages = self.plan.stages.iter();
            stages.position(|other| other.name == stage.name)
        });
        let over: BTreeSet<&String> = self.reports.keys().collect();
        waiting
            .into_iter()
            .partition(|stage| stage.depends_on.iter().all(|name| over.contains(name)))
    }

    fn is_blocked(&self, stage: &PlannedStage) -> bool {
        // That the champion could not be scored is for the gate to say.
        let failed = |name: &String| {
            let report = self.reports.get(name);
            report.is_some_and(|report| !report.has_result()) && !is_champions(name)
        };
        stage.depends_on.iter().any(failed)
    }

    fn block(&mut self, stage: &PlannedStage) -> Result<()> {
        let reason = "a stage that it depends on did not succeed";
        self.store
            .set_stage(&self.run, &stage.name, StageState::Blocked, Some(reason))?;
        let mut report = empty_report(stage);
        report.state = StageState::Blocked;
        report.message = Some(reason.to_owned());
        self.report(report);
        Ok(())
    }

    /// The fitted stages that a stage's pipes go through.
    fn upstream(&self, work: &StageWork) -> FittedStages {
        let names = work.inputs.iter().flat_map(|input| &input.pipe.through);
        names
            .filter_map(|name| Some((name.clone(), self.fitted.get(name)?.clone())))
            .collect()
    }

    /// Takes in what a stage came to.
    fn finish(&mut self, done: Done) {
        let Done { report, fitted } = done;
        self.metrics
            .insert(report.stage.clone(), report.metrics.clone());
        if let Some(fitted) = fitted {
            self.fitted.insert(report.stage.clone(), fitted);
        }
        self.report(report);
    }
}
