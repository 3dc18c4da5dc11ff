//! From what was checked to the stages of a plan.

use std::collections::BTreeSet;

use super::Stages;
use crate::outline::{Job, OutlinedStudy};
use crate::plan::{PlannedStage, StudyWork, Trials, Work};
use crate::source::Source;

impl Stages<'_, '_, '_> {
    /// All stages in the order in which they can run. Only for a report without problems.
    pub(in crate::check) fn planned(self, source: &Source) -> Vec<PlannedStage> {
        let mut checked = self.checked;
        let outlined = &self.outline.stages;
        // In an order in which they can run.
        let mut templates: Vec<(usize, PlannedStage)> = Vec::new();
        let mut planned = Vec::new();
        for &index in &self.outline.order {
            let stage = &outlined[index];
            let name = |index: &usize| outlined[*index].declared.name.text.clone();
            let mut depends_on: BTreeSet<usize> = stage.depends_on.iter().copied().collect();
            let work = match &stage.job {
                None => continue,
                Some(Job::Gate(gate)) => Work::Gate(gate.clone()),
                Some(Job::Plugin { plugin, .. }) => match checked.remove(&index) {
                    Some(checked) => Work::Stage(checked.work(plugin)),
                    None => continue,
                },
                Some(Job::Study(study)) => {
                    // A trial may begin at any time while the study runs.
                    for template in &study.templates {
                        depends_on.extend(&outlined[*template].depends_on);
                    }
                    depends_on.retain(|index| !study.templates.contains(index));
                    let is_own = |index: &usize| study.templates.contains(index);
                    let own = templates.extract_if(.., |(index, _)| is_own(index));
                    let own = own.map(|(_, template)| template).collect();
                    Work::Study(study_work(study, own))
                }
            };
            let stage = PlannedStage {
                name: name(&index),
                line: source.place(&stage.declared.name.span).line,
                depends_on: depends_on.iter().map(name).collect(),
                study: stage.declared.study().map(str::to_owned),
                rules: stage.rules.clone(),
                work,
            };
            match outlined[index].declared.is_template() {
                true => templates.push((index, stage)),
                false => planned.push(stage),
            }
        }
        planned
    }
}

fn study_work(study: &OutlinedStudy<'_>, templates: Vec<PlannedStage>) -> StudyWork {
    let selection = study.selection;
    let (count, max_failures, trials) = match &selection.tuning {
        None => (selection.members, None, Trials::Listed),
        Some(tuning) => {
            let trials = Trials::Sampled {
                study: tuning.study.clone(),
                pruner: tuning.pruner.clone(),
                templates,
            };
            (tuning.trials, tuning.max_failures, trials)
        }
    };
    StudyWork {
        plugin: study.plugin.get_ref().clone(),
        measured_by: selection.stage.clone(),
        metric: selection.metric.clone(),
        goal: selection.goal,
        count,
        max_failures,
        trials,
    }
}
