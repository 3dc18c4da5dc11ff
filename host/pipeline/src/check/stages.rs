//! Asking every stage what it will do with the columns that it will get.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;
use trueline_dataset::suggest::did_you_mean;
use trueline_runtime::{Error, GuestErrorKind, Input, Limits, ReductionSignature, World};
use trueline_study::Point;
use trueline_table::Schema;

use super::datasets::Datasets;
use crate::declaration::{DeclaredStage, StageKeys};
use crate::keys::suggestion;
use crate::outline::{Job, Outline, OutlinedInput, OutlinedStudy};
use crate::pipe::{PipeText, Word};
use crate::plan::{Pipe, PlannedInput, PlannedStage, StageWork, StudyWork, Trials, Work};
use crate::plugins::{Plugin, Shelf};
use crate::source::{Problem, Report, Source, Span};
use crate::values::{locate, to_json};

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

/// A stage of a plugin that agreed to what it will get.
struct Checked {
    plugin: Plugin,
    params: serde_json::Value,
    inputs: Vec<PlannedInput>,
    signature: Option<ReductionSignature>,
    state: Arc<[u8]>,
    limits: Limits,
    is_mapped: bool,
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

    /// All stages in the order in which they can run. Only for a report without problems.
    pub(super) fn planned(self, source: &Source) -> Vec<PlannedStage> {
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
    let (count, trials) = match &selection.tuning {
        None => (selection.members, Trials::Listed),
        Some(tuning) => {
            let trials = Trials::Sampled {
                study: tuning.study.clone(),
                pruner: tuning.pruner.clone(),
                templates,
            };
            (tuning.trials, trials)
        }
    };
    StudyWork {
        plugin: study.plugin.get_ref().clone(),
        measured_by: selection.stage.clone(),
        metric: selection.metric.clone(),
        goal: selection.goal,
        count,
        trials,
    }
}

impl Checked {
    fn work(self, plugin: &Spanned<String>) -> StageWork {
        let Self {
            plugin: Plugin { component, stage },
            params,
            inputs,
            signature,
            state,
            limits,
            ..
        } = self;
        StageWork {
            plugin: plugin.get_ref().clone(),
            component,
            stage,
            params,
            inputs,
            signature,
            state,
            limits,
            stops: None,
        }
    }

    /// Gives a stage that draws random numbers the pipeline's seed, unless its parameters name one.
    /// As a parameter it is in whatever identifies the result.
    fn set_seed(&mut self, signature: Option<&ReductionSignature>, seed: u64) {
        if signature.is_some_and(|signature| signature.seeded)
            && let Some(params) = self.params.as_object_mut()
        {
            params.entry("seed").or_insert_with(|| seed.into());
        }
    }

    fn describe(&self, rows: Option<&Schema>) -> Result<trueline_runtime::Signature, Error> {
        let input = |input: &PlannedInput| Input {
            name: input.name.clone(),
            schema: input.pipe.schema.clone(),
        };
        let inputs: Vec<Input> = self.inputs.iter().map(input).collect();
        let (stage, params) = (&self.plugin.stage, self.params.to_string());
        match rows {
            Some(rows) if !self.state.is_empty() => {
                stage.describe_given(&params, rows, &self.state, &self.limits)
            }
            _ => stage.describe(&params, &inputs, rows),
        }
    }
}

fn params(declared: &DeclaredStage<'_>) -> Result<serde_json::Value, Problem> {
    let mut params = match &declared.params {
        None => serde_json::json!({}),
        Some(params) if matches!(params.get_ref(), DeValue::Table(_)) => to_json(params)?,
        Some(params) => {
            let message = format!("`params` of stage `{}` is no table", declared.section());
            return Err(Problem::new(params.span(), message)
                .hint("write params = { … }, or params.name = … for each"));
        }
    };
    set_point(&mut params, &declared.point);
    Ok(params)
}

fn set_point(params: &mut serde_json::Value, point: &Point) {
    if let Some(params) = params.as_object_mut() {
        params.extend(point.clone());
    }
}

/// The content of the file that stands in for learning; empty if none does.
fn given_state(
    declared: &DeclaredStage<'_>,
    keys: &StageKeys,
    source: &Source,
) -> Result<Arc<[u8]>, Problem> {
    let Some(file) = &keys.state else {
        return Ok(Arc::default());
    };
    let name = declared.section();
    if keys.fit.is_some() || keys.look_at.is_some() {
        return Err(Problem::new(
            file.span(),
            format!("stage `{name}` has rows to reduce and a `state` as well"),
        )
        .hint("leave out one: `state` stands in for what is learned from rows"));
    }
    let path = source.folder().join(file.get_ref());
    let problem = |what: String| {
        Problem::new(
            file.span(),
            format!("stage `{name}`: the state {} {what}", path.display()),
        )
        .hint("name a file with what the stage learned, relative to this one, such as a model")
    };
    match std::fs::read(&path) {
        Ok(bytes) if bytes.is_empty() => Err(problem("is empty".to_owned())),
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(problem(format!("cannot be read: {error}"))),
    }
}

/// Whether a stage names the rows that its kind needs.
fn check_world(
    world: World,
    declared: &DeclaredStage<'_>,
    keys: &StageKeys,
) -> Result<(), Problem> {
    let name = declared.section();
    let at = |key: &Option<Spanned<String>>| {
        key.as_ref()
            .map_or_else(|| declared.name.span.clone(), Spanned::span)
    };
    match (world, &keys.fit, &keys.look_at) {
        (World::Check, Some(_), _) => Err(Problem::new(at(&keys.fit), format!("stage `{name}` only looks at rows, and learns nothing"))
            .hint("write `in` instead of `fit`")),
        (World::Check, None, None) if keys.state.is_some() => Err(Problem::new(at(&keys.state), format!("stage `{name}` maps no rows, and has no use for a state"))
            .hint("write `in` instead of `state`")),
        (World::Check, None, None) => Err(Problem::new(at(&keys.plugin), format!("stage `{name}` has no rows to look at"))
            .hint("name them, such as in = \"flights\"")),
        (World::Model, None, None) if keys.state.is_none() => Err(Problem::new(at(&keys.plugin), format!("stage `{name}` has no rows to learn from"))
            .hint("name them, such as fit = \"flights.train\"; or name a file with a model, such as state = \"model.ubj\"")),
        (World::Transform | World::Model, _, Some(_)) => Err(Problem::new(at(&keys.look_at), format!("stage `{name}` maps rows, and is no check"))
            .hint("to learn from these rows, write `fit` instead of `in`; to map them, name the stage in a pipe")),
        _ => Ok(()),
    }
}

/// What a stage said about its parameters and columns, shown at the parameter that it names.
fn describe_problem(declared: &DeclaredStage<'_>, error: &Error, rows: Span) -> Problem {
    let message = error.to_string();
    let places = [&declared.map, &declared.space, &declared.params];
    let named = places.into_iter().flatten().find_map(|place| {
        let span = locate(place, "", &message);
        (span != place.span()).then_some(span)
    });
    let otherwise = match error {
        Error::Guest {
            kind: GuestErrorKind::Params,
            ..
        } => declared.params_span(),
        _ => rows,
    };
    Problem {
        span: named.unwrap_or(otherwise),
        hint: suggestion(&message).or_else(|| nearest_column(&message)),
        message: format!("stage `{}`: {message}", declared.section()),
    }
}

/// What a stage may have meant that lists the columns instead of one that it lacks.
fn nearest_column(message: &str) -> Option<String> {
    let (before, columns) = message.split_once("; the columns are ")?;
    let name = before.rsplit('`').nth(1)?;
    did_you_mean(name, columns.split(", "))
}
