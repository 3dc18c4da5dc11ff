//! Finding what the names in a stage refer to.

use toml::Spanned;
use trueline_dataset::suggest::{did_you_mean, list_some};

use super::{Job, OutlinedInput, OutlinedStage};
use crate::declaration::{Declaration, DeclaredStage, StageKeys};
use crate::gate::{GateWork, Requirement};
use crate::pipe::{PipeText, Word};
use crate::rules::{self, Rules};
use crate::source::{Problem, Report};

/// Finds names.
pub(super) struct Names<'d, 't> {
    pub(super) declaration: &'d Declaration<'t>,
}

impl<'d, 't> Names<'d, 't> {
    pub(super) fn outline(
        &self,
        declared: &'d DeclaredStage<'t>,
        report: &mut Report<'_>,
    ) -> OutlinedStage<'d, 't> {
        let mut depends_on = Vec::new();
        let job = declared
            .keys
            .as_ref()
            .and_then(|keys| match (&keys.plugin, &keys.require) {
                (Some(plugin), None) => {
                    self.plugin(declared, keys, plugin, &mut depends_on, report)
                }
                (None, Some(_)) => self.gate(declared, keys, &mut depends_on, report),
                (plugin, _) => {
                    let name = &declared.name.text;
                    let says = if plugin.is_some() {
                        "both `use` and `require`"
                    } else {
                        "neither `use` nor `require`"
                    };
                    report.add(
                        Problem::new(
                            declared.name.span.clone(),
                            format!("stage `{name}` says {says}"),
                        )
                        .hint(
                            "`use` names the plugin of a stage; a gate has `require` and no `use`",
                        ),
                    );
                    None
                }
            });
        let keys = declared.keys.as_ref();
        let rules = keys.map(|keys| self.rules(declared, keys, &mut depends_on, report));
        depends_on.sort_unstable();
        depends_on.dedup();
        OutlinedStage {
            declared,
            job,
            depends_on,
            rules: rules.unwrap_or_default(),
        }
    }

    /// When and how the stage runs; what that waits for is added.
    fn rules(
        &self,
        declared: &'d DeclaredStage<'t>,
        keys: &'d StageKeys,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> Rules {
        let name = &declared.name.text;
        for after in &keys.after {
            let word = after.get_ref();
            match self.index(word) {
                Some(index) => depends_on.push(index),
                None => {
                    let names = || self.declaration.stage_names();
                    let hint = did_you_mean(word, names())
                        .unwrap_or_else(|| format!("the stages are {}", list_some(names())));
                    let message = format!("there is no stage `{word}`");
                    report.add(Problem::new(after.span(), message).hint(hint));
                }
            }
        }
        let owner = format!("stage `{name}`");
        let Declaration { params, pools, .. } = self.declaration;
        let rules = rules::check(keys, &owner, &self.measuring(), params, pools, report);
        let mentioned = rules.when.iter().flat_map(Requirement::stages);
        depends_on.extend(mentioned.filter_map(|stage| self.index(stage)));
        rules
    }

    /// The stages that measure something.
    fn measuring(&self) -> Vec<&str> {
        let stages = self
            .declaration
            .stages
            .iter()
            .filter(|stage| !is_gate(stage));
        stages.map(|stage| stage.name.text.as_str()).collect()
    }

    fn plugin(
        &self,
        declared: &DeclaredStage<'t>,
        keys: &'d StageKeys,
        plugin: &'d Spanned<String>,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> Option<Job<'d>> {
        let name = &declared.name.text;
        if let (Some(_), Some(look_at)) = (&keys.fit, &keys.look_at) {
            report.add(
                Problem::new(
                    look_at.span(),
                    format!("stage `{name}` says both `fit` and `in`"),
                )
                .hint("a stage that learns has `fit`, one that only looks has `in`"),
            );
            return None;
        }
        let rows = keys
            .fit
            .as_ref()
            .or(keys.look_at.as_ref())
            .map(|pipe| ("rows", pipe));
        let further = keys
            .validation
            .as_ref()
            .map(|pipe| ("validation", pipe))
            .into_iter();
        let further = further.chain(keys.inputs.iter().map(|(name, pipe)| (name.as_str(), pipe)));
        let mut inputs: Vec<OutlinedInput> = Vec::new();
        let mut is_whole = true;
        for (input, pipe) in rows.into_iter().chain(further) {
            let problem = |message: String| Problem::new(pipe.span(), message);
            if rows.is_none() {
                report.add(
                    problem(format!(
                        "stage `{name}` has the input `{input}`, but no rows"
                    ))
                    .hint("name the rows to learn from with `fit`, or to look at with `in`"),
                );
                is_whole = false;
            }
            if inputs.iter().any(|known| known.name == input) {
                report.add(
                    problem(format!("stage `{name}` has two inputs `{input}`"))
                        .hint("give one of them another name"),
                );
                is_whole = false;
            }
            match report.ok(PipeText::parse(report.source, pipe)) {
                Some(parsed) => {
                    is_whole &= self.resolve(name, &parsed, depends_on, report);
                    inputs.push(OutlinedInput {
                        name: input.to_owned(),
                        pipe: parsed,
                        span: pipe.span(),
                    });
                }
                None => is_whole = false,
            }
        }
        is_whole.then_some(Job::Plugin {
            keys,
            plugin,
            inputs,
        })
    }

    /// Whether all names of a pipe exist and are what they must be.
    fn resolve(
        &self,
        owner: &str,
        pipe: &PipeText,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> bool {
        let Word { text: head, span } = &pipe.dataset;
        let mut is_whole = self.is_dataset(head);
        if !is_whole {
            let names = || self.declaration.dataset_names();
            report.add(if self.index(head).is_some() {
                Problem::new(
                    span.clone(),
                    format!("stage `{owner}` reads `{head}`, which is a stage"),
                )
                .hint(format!(
                    "begin with a dataset: \"{} | {head}\"",
                    names().next().unwrap_or("flights")
                ))
            } else {
                let hint = did_you_mean(head, names())
                    .unwrap_or_else(|| format!("the datasets are {}", list_some(names())));
                Problem::new(
                    span.clone(),
                    format!(
                        "stage `{owner}` reads `{head}`, which is neither a dataset nor a stage"
                    ),
                )
                .hint(hint)
            });
        }
        for word in &pipe.through {
            match report.ok(self.mapping(word)) {
                Some(index) => depends_on.push(index),
                None => is_whole = false,
            }
        }
        is_whole
    }

    /// The stage that a word of a pipe means.
    pub(super) fn mapping(&self, word: &Word) -> Result<usize, Problem> {
        let Word { text, span } = word;
        let Some(index) = self.index(text) else {
            let problem = |message| Problem::new(span.clone(), message);
            if self.is_dataset(text) {
                return Err(problem(format!("`{text}` is a dataset, and can only begin a pipe"))
                    .hint("to join it, use `join` of the other dataset, or a stage that uses `lookup`"));
            }
            let names = || self.declaration.stage_names();
            let hint = did_you_mean(text, names())
                .unwrap_or_else(|| format!("the stages are {}", list_some(names())));
            return Err(problem(format!("there is no stage `{text}`")).hint(hint));
        };
        if is_gate(&self.declaration.stages[index]) {
            return Err(Problem::new(
                span.clone(),
                format!("`{text}` is a gate, and maps no rows"),
            )
            .hint("a pipe names stages that map rows"));
        }
        Ok(index)
    }

    fn gate(
        &self,
        declared: &DeclaredStage<'t>,
        keys: &'d StageKeys,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> Option<Job<'d>> {
        let name = &declared.name.text;
        let pipes = [
            ("fit", &keys.fit),
            ("in", &keys.look_at),
            ("validation", &keys.validation),
        ];
        let given = pipes
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?.span())));
        let given = given.chain(keys.inputs.values().map(|pipe| ("inputs", pipe.span())));
        let given = given.chain(
            declared
                .params
                .as_ref()
                .map(|params| ("params", params.span())),
        );
        let given = given.chain(keys.limits.as_ref().map(|limits| ("limits", limits.span())));
        let mut is_whole = true;
        for (key, span) in given {
            report.add(
                Problem::new(span, format!("gate `{name}` has no use for `{key}`"))
                    .hint("a gate only has `require`; with `use` it would be a stage of a plugin"),
            );
            is_whole = false;
        }
        let stages = self.measuring();
        let texts = keys.require.as_ref()?;
        if texts.get_ref().is_empty() {
            let problem = Problem::new(texts.span(), format!("gate `{name}` requires nothing"));
            report.add(problem.hint("write a condition, such as \"score.auc >= 0.9\""));
            return None;
        }
        let mut require = Vec::new();
        for text in texts.get_ref() {
            match Requirement::compile(text.get_ref(), &stages, &self.declaration.params) {
                Ok(requirement) => {
                    depends_on.extend(requirement.stages().filter_map(|stage| self.index(stage)));
                    require.push(requirement);
                }
                Err(error) => {
                    let owner = format!("gate `{name}`");
                    report.add(Problem::in_expression(report.source, text, &owner, error));
                    is_whole = false;
                }
            }
        }
        is_whole.then_some(Job::Gate(GateWork { require }))
    }

    fn is_dataset(&self, name: &str) -> bool {
        self.declaration
            .dataset_names()
            .any(|dataset| dataset == name)
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.declaration
            .stage_names()
            .position(|stage| stage == name)
    }
}

fn is_gate(stage: &DeclaredStage<'_>) -> bool {
    stage
        .keys
        .as_ref()
        .is_some_and(|keys| keys.plugin.is_none() && keys.require.is_some())
}
