//! Asking every stage what it will do with the columns that it will get.

use std::collections::{BTreeMap, BTreeSet};

use trueline_runtime::{Error, GuestErrorKind, World};
use trueline_table::Schema;

use self::checked::Checked;
use self::declared::{check_world, given_state, params, set_point};
use self::problem::describe_problem;
use super::datasets::Datasets;
use crate::outline::{Job, Outline, OutlinedInput};
use crate::pipe::{PipeText, Word};
use crate::plan::{Pipe, PlannedInput};
use crate::plugins::Shelf;
use crate::source::{Problem, Report};

mod checked;
mod declared;
mod planned;
mod problem;

/// The stages that were checked so far; those that are wrong are missing, and reported.
pub(super) struct Stages<'a, 'd, 't> {
    outline: &'a Outline<'d, 't>,
    datasets: &'a Datasets,
    seed: u64,
    /// By their index in the outline.
    checked: BTreeMap<usize, Checked>,
    /// The stages that a pipe names, whether or not it could be followed to them.
    named: BTreeSet<String>,
    /// What was said about a stage's map, which several pipes may use.
    said: BTreeSet<String>,
}

impl<'a, 'd, 't> Stages<'a, 'd, 't> {
    /// `seed` is the pipeline's, for the stages that draw random numbers.
    pub(super) fn new(outline: &'a Outline<'d, 't>, datasets: &'a Datasets, seed: u64) -> Self {
        Self {
            outline,
            datasets,
            seed,
            checked: BTreeMap::new(),
            named: BTreeSet::new(),
            said: BTreeSet::new(),
        }
    }

    /// Checks a stage; those that it depends on were checked before.
    pub(super) fn check(&mut self, index: usize, shelf: &mut Shelf<'_>, report: &mut Report<'_>) {
        let stage = &self.outline.stages[index];
        let Some(Job::Plugin {
            keys,
            plugin,
            inputs,
        }) = &stage.job
        else {
            return;
        };
        let limits = keys
            .limits
            .as_ref()
            .map(|limits| limits.get_ref().check(report))
            .unwrap_or_default();
        let params = report.ok(params(stage.declared));
        let plugin = report.ok(shelf.get(plugin));
        let pipes: Vec<Option<PlannedInput>> = inputs
            .iter()
            .map(|input| self.input(input, report))
            .collect();
        let (Some(params), Some(plugin)) = (params, plugin) else {
            return;
        };
        if report
            .ok(check_world(plugin.stage.world(), stage.declared, keys))
            .is_none()
        {
            return;
        }
        let Some(state) = report.ok(given_state(stage.declared, keys, report.source)) else {
            return;
        };
        let Some(planned) = pipes.into_iter().collect::<Option<Vec<_>>>() else {
            return;
        };
        let mut checked = Checked {
            plugin,
            params,
            inputs: planned,
            signature: None,
            state,
            limits,
            is_mapped: false,
        };
        if !inputs.is_empty() {
            // The ends of the space of a study are tried as well.
            let others = self
                .outline
                .stages
                .iter()
                .filter(|_| stage.declared.is_template());
            let others = others.filter_map(|other| match other.job.as_ref()? {
                Job::Study(study) if study.members.contains(&index) => {
                    study.selection.tuning.as_ref()
                }
                _ => None,
            });
            let points = others.flat_map(|tuning| tuning.extreme_points());
            let tried = points.into_iter().try_for_each(|point| {
                let declared = checked.params.clone();
                set_point(&mut checked.params, &point);
                let described = checked.describe(None).map(drop);
                checked.params = declared;
                described
            });
            match tried.and_then(|()| checked.describe(None)) {
                Ok(signature) => {
                    checked.set_seed(signature.reduction.as_ref(), self.seed);
                    checked.signature = signature.reduction;
                }
                Err(error) => {
                    let message = error.to_string();
                    let is_named =
                        |input: &&OutlinedInput| message.contains(&format!("`{}`", input.name));
                    let meant = inputs[1..].iter().find(is_named).unwrap_or(&inputs[0]);
                    report.add(describe_problem(stage.declared, &error, meant.span.clone()));
                    return;
                }
            }
        }
        self.checked.insert(index, checked);
    }

    fn input(&mut self, input: &OutlinedInput, report: &mut Report<'_>) -> Option<PlannedInput> {
        let pipe = self.pipe(&input.pipe, report)?;
        Some(PlannedInput {
            name: input.name.clone(),
            pipe,
        })
    }

    /// A pipe with the columns that come out of it.
    pub(super) fn pipe(&mut self, pipe: &PipeText, report: &mut Report<'_>) -> Option<Pipe> {
        let names = pipe.through.iter().map(|word| word.text.clone());
        self.named.extend(names);
        let dataset = self.datasets.get(&pipe.dataset.text)?;
        if let Some((part, span)) = &pipe.part
            && !dataset.parts().contains(part)
        {
            let name = dataset.name();
            let hint = match dataset.parts() {
                [] => format!("it is not split: give `split` to [dataset.{name}], or leave out `.{part}`"),
                _ => "it is split into train and test; `valid_from` or `valid` in its `split` makes a part `valid`".to_owned(),
            };
            report.add(
                Problem::new(
                    span.clone(),
                    format!("dataset `{name}` has no part `{part}`"),
                )
                .hint(hint),
            );
            return None;
        }
        let mut schema = dataset.schema().clone();
        for word in &pipe.through {
            schema = self.map(word, &schema, report)?;
        }
        let through = pipe.through.iter().map(|word| word.text.clone()).collect();
        Some(Pipe {
            dataset: dataset.name().to_owned(),
            part: pipe.part.as_ref().map(|(part, _)| *part),
            through,
            schema,
        })
    }

    /// The columns of a table that a stage mapped.
    pub(super) fn map(
        &mut self,
        word: &Word,
        rows: &Schema,
        report: &mut Report<'_>,
    ) -> Option<Schema> {
        let index = self
            .outline
            .stages
            .iter()
            .position(|stage| stage.declared.name.text == word.text)?;
        if let Some(Job::Study(study)) = &self.outline.stages[index].job {
            return self.map_any(&study.members, word, rows, report);
        }
        let checked = self.checked.get_mut(&index)?;
        checked.is_mapped = true;
        let declared = self.outline.stages[index].declared;
        let problem = |message| Problem::new(word.span.clone(), message);
        let problem = if checked.plugin.stage.world() == World::Check {
            problem(format!(
                "`{}` only looks at rows, and cannot stand in a pipe",
                word.text
            ))
            .hint("leave it out: a check runs on its own")
        } else {
            match checked.describe(Some(rows)) {
                Err(error) => {
                    let state = declared.keys.as_ref().and_then(|keys| keys.state.as_ref());
                    let of_state = |error: &Error| match error {
                        Error::Guest { kind, .. } => *kind == GuestErrorKind::Data,
                        _ => false,
                    };
                    let meant = match state.filter(|_| of_state(&error)) {
                        Some(state) => state.span(),
                        None => word.span.clone(),
                    };
                    describe_problem(declared, &error, meant)
                }
                Ok(signature) if signature.reduction.is_some() && checked.inputs.is_empty() => {
                    problem(format!(
                        "stage `{}` must learn before it maps, and has nothing to learn from",
                        word.text
                    ))
                    .hint(format!(
                        "name the rows in [stage.{}], such as fit = \"flights.train\"",
                        word.text
                    ))
                }
                Ok(signature) => match signature.mapping {
                    Some(mapping) => return Some(mapping.output(rows)),
                    None => problem(format!("stage `{}` does not map rows", word.text)),
                },
            }
        };
        if self.said.insert(problem.message.clone()) {
            report.add(problem);
        }
        None
    }

    /// The columns of a table that whichever of these stages maps, which must be the same.
    fn map_any(
        &mut self,
        members: &[usize],
        word: &Word,
        rows: &Schema,
        report: &mut Report<'_>,
    ) -> Option<Schema> {
        let mut first: Option<(&Word, Schema)> = None;
        for &member in members {
            let name = &self.outline.stages[member].declared.name;
            let own = Word {
                text: name.text.clone(),
                span: word.span.clone(),
            };
            let mapped = self.map(&own, rows, report)?;
            match &first {
                None => first = Some((name, mapped)),
                Some((_, schema)) if *schema == mapped => {}
                Some((other, _)) => {
                    let message = format!(
                        "`{}` stands for the best of some stages, but `{}` and `{}` answer with different columns",
                        word.text, other.text, name.text
                    );
                    let problem = Problem::new(word.span.clone(), message);
                    report.add(problem.hint("name one of them, or let all write the same columns"));
                    return None;
                }
            }
        }
        first.map(|(_, schema)| schema)
    }

    /// A stage that only maps is asked when a pipe uses it, so one that no pipe uses is unchecked.
    pub(super) fn check_usage(&self, report: &mut Report<'_>) {
        for (&index, _) in self
            .checked
            .iter()
            .filter(|(_, checked)| checked.inputs.is_empty() && !checked.is_mapped)
        {
            let Word { text, span } = &self.outline.stages[index].declared.name;
            if self.named.contains(text) {
                continue;
            }
            report.add(
                Problem::new(
                    span.clone(),
                    format!("stage `{text}` has neither `fit` nor `in`, and no pipe names it"),
                )
                .hint(format!(
                    "name it in a pipe, such as \"flights | {text}\", or remove it"
                )),
            );
        }
    }
}
