//! What the names of a pipeline file refer to, and the order that follows.

use toml::Spanned;
use trueline_dataset::suggest::{did_you_mean, list_some};

use crate::declaration::{Declaration, DeclaredStage, StageKeys};
use crate::gate::{GateWork, Requirement};
use crate::graph;
use crate::pipe::{PipeText, Word};
use crate::source::{Problem, Report, Span};

/// The stages with all their names found.
#[derive(Debug)]
pub(crate) struct Outline<'d, 't> {
    /// In the order of the file.
    pub(crate) stages: Vec<OutlinedStage<'d, 't>>,
    /// Indices of stages in the order in which they can run; not those on cycles or behind them.
    pub(crate) order: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct OutlinedStage<'d, 't> {
    pub(crate) declared: &'d DeclaredStage<'t>,
    /// None if something about it was wrong and is reported.
    pub(crate) job: Option<Job<'d>>,
    /// Indices of stages, ascending.
    pub(crate) depends_on: Vec<usize>,
}

#[derive(Debug)]
pub(crate) enum Job<'d> {
    Plugin {
        keys: &'d StageKeys,
        plugin: &'d Spanned<String>,
        inputs: Vec<OutlinedInput>,
    },
    Gate(GateWork),
}

/// A named input of a stage.
#[derive(Debug)]
pub(crate) struct OutlinedInput {
    pub(crate) name: String,
    pub(crate) pipe: PipeText,
    /// The whole pipe.
    pub(crate) span: Span,
}

impl<'d, 't> Outline<'d, 't> {
    pub(crate) fn new(declaration: &'d Declaration<'t>, report: &mut Report<'_>) -> Self {
        let names = Names { declaration };
        let outlined = declaration
            .stages
            .iter()
            .map(|declared| names.outline(declared, report));
        let mut stages: Vec<OutlinedStage<'d, 't>> = outlined.collect();
        let depends_on: Vec<Vec<usize>> = stages
            .iter()
            .map(|stage| stage.depends_on.clone())
            .collect();
        let graph::Order {
            nodes: order,
            cycle,
        } = graph::order(&depends_on);
        if let Some(&first) = cycle.first() {
            let name = |&index: &usize| stages[index].declared.name.text.as_str();
            let path: Vec<&str> = cycle.iter().chain([&first]).map(name).collect();
            let problem = Problem::new(
                stages[first].declared.name.span.clone(),
                format!("stages wait for each other: {}", path.join(" → ")),
            );
            report.add(problem.hint(format!(
                "`{}` reads what `{}` makes; let one of them read something else",
                path[0], path[1]
            )));
        }
        for index in (0..stages.len()).filter(|index| !order.contains(index)) {
            stages[index].job = None;
        }
        Self { stages, order }
    }
}

/// Finds names.
struct Names<'d, 't> {
    declaration: &'d Declaration<'t>,
}

impl<'d, 't> Names<'d, 't> {
    fn outline(
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
        depends_on.sort_unstable();
        depends_on.dedup();
        OutlinedStage {
            declared,
            job,
            depends_on,
        }
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
    pub(crate) fn mapping(&self, word: &Word) -> Result<usize, Problem> {
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
        let is_gate = |keys: &StageKeys| keys.plugin.is_none() && keys.require.is_some();
        if self.declaration.stages[index]
            .keys
            .as_ref()
            .is_some_and(is_gate)
        {
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
        let stages: Vec<&str> = self.declaration.stage_names().collect();
        let texts = keys.require.as_ref()?;
        if texts.get_ref().is_empty() {
            let problem = Problem::new(texts.span(), format!("gate `{name}` requires nothing"));
            report.add(problem.hint("write a condition, such as \"score.auc >= 0.9\""));
            return None;
        }
        let mut require = Vec::new();
        for text in texts.get_ref() {
            match Requirement::compile(text.get_ref(), &stages) {
                Ok(requirement) => {
                    depends_on.extend(requirement.stages().filter_map(|stage| self.index(stage)));
                    require.push(requirement);
                }
                Err(error) => {
                    report.add(expression_problem(
                        report,
                        text,
                        &format!("gate `{name}`"),
                        error,
                    ));
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

/// The stage that a word of a package's chain means.
pub(crate) fn mapping(declaration: &Declaration<'_>, word: &Word) -> Result<usize, Problem> {
    Names { declaration }.mapping(word)
}

/// An error in an expression, shown at the word that it is about.
pub(crate) fn expression_problem(
    report: &Report<'_>,
    text: &Spanned<String>,
    owner: &str,
    error: trueline_dataset::ExpressionError,
) -> Problem {
    let value = text.get_ref();
    let start = value
        .char_indices()
        .nth(error.position)
        .map_or(value.len(), |(start, _)| start);
    let is_word = |character: char| character.is_alphanumeric() || "_.".contains(character);
    let rest = &value[start..];
    let length = match rest.find(|character| !is_word(character)) {
        Some(0) => rest.chars().next().map_or(0, char::len_utf8),
        Some(length) => length,
        None => rest.len(),
    };
    let span = report.source.part(text, start..start + length);
    Problem {
        span,
        message: format!("{owner}: {}", error.problem),
        hint: error.hint,
    }
}
