//! Finding what the names in a stage refer to.

use toml::Spanned;
use trueline_dataset::suggest::{did_you_mean, list_some};

use super::{Job, OutlinedInput, OutlinedStage, OutlinedStudy};
use crate::declaration::{Declaration, DeclaredStage, StageKeys};
use crate::fan_out::Member;
use crate::gate::{GateWork, Requirement, Scope};
use crate::pipe::PipeText;
use crate::rules::{self, Rules};
use crate::source::{Problem, Report};

mod pipes;

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
                (Some(plugin), None) if declared.selection.is_some() => {
                    self.study(declared, plugin, &mut depends_on)
                }
                (Some(plugin), None) => {
                    self.plugin(declared, keys, plugin, &mut depends_on, report)
                }
                (None, Some(_)) => self.gate(declared, keys, &mut depends_on, report),
                (plugin, _) => {
                    let name = declared.section();
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
        let (name, member) = (declared.section(), declared.member.as_ref());
        for after in &keys.after {
            let word = after.get_ref();
            let members = self.declaration.members(word);
            match self.declaration.find(word, member) {
                Some(index) => depends_on.push(index),
                None if !members.is_empty() => depends_on.extend(members),
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
        let scope = match keys.when {
            Some(_) => self.scope(member),
            None => Scope::default(),
        };
        let rules = rules::check(keys, &owner, &scope, params, pools, report);
        let mentioned = rules.when.iter().flat_map(Requirement::stages);
        depends_on.extend(mentioned.filter_map(|stage| self.exactly(stage)));
        rules
    }

    /// The stages that measure something, by what conditions of such a stage call them.
    fn scope(&self, member: Option<&Member>) -> Scope<'_> {
        let mut scope = Scope::default();
        for stage in self
            .declaration
            .stages
            .iter()
            .filter(|stage| !is_gate(stage))
        {
            let name = stage.name.text.as_str();
            if let (Some(own), true) = (&stage.member, member.is_some())
                && Some(own) == member
            {
                scope.add(stage.section(), name);
            } else if !stage.is_template() {
                scope.add(name, name);
            }
        }
        scope
    }

    /// The best of some stages: it waits for these and for what measures them.
    fn study(
        &self,
        declared: &'d DeclaredStage<'t>,
        plugin: &'d Spanned<String>,
        depends_on: &mut Vec<usize>,
    ) -> Option<Job<'d>> {
        let selection = declared.selection.as_ref()?;
        let stages = self.declaration.stages.iter().enumerate();
        let is_ours = |stage: &DeclaredStage<'_>| {
            let member = stage.member.as_ref();
            member.is_some_and(|member| member.of == declared.name.text)
        };
        let copies: Vec<usize> = stages
            .filter(|(_, stage)| is_ours(stage))
            .map(|(index, _)| index)
            .collect();
        let named =
            |index: &usize, section: &str| self.declaration.stages[*index].section() == section;
        let of = |section: &str| {
            copies
                .iter()
                .copied()
                .filter(|index| named(index, section))
                .collect()
        };
        let members: Vec<usize> = of(&declared.name.text);
        let measuring: Vec<usize> = of(&selection.stage);
        let templates = match &selection.tuning {
            Some(_) => copies.clone(),
            None => Vec::new(),
        };
        depends_on.extend(members.iter().chain(&measuring).chain(&templates));
        Some(Job::Study(OutlinedStudy {
            plugin,
            selection,
            members,
            templates,
        }))
    }

    fn plugin(
        &self,
        declared: &DeclaredStage<'t>,
        keys: &'d StageKeys,
        plugin: &'d Spanned<String>,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> Option<Job<'d>> {
        let (name, member) = (declared.section(), declared.member.as_ref());
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
                Some(mut parsed) => {
                    is_whole &= self.resolve(name, member, &mut parsed, depends_on, report);
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

    fn gate(
        &self,
        declared: &DeclaredStage<'t>,
        keys: &'d StageKeys,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> Option<Job<'d>> {
        let name = declared.section();
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
        let scope = self.scope(None);
        let texts = keys.require.as_ref()?;
        if texts.get_ref().is_empty() {
            let problem = Problem::new(texts.span(), format!("gate `{name}` requires nothing"));
            report.add(problem.hint("write a condition, such as \"score.auc >= 0.9\""));
            return None;
        }
        let mut require = Vec::new();
        for text in texts.get_ref() {
            match Requirement::compile_all(text.get_ref(), &scope, &self.declaration.params) {
                Ok(requirements) => {
                    let stages = requirements.iter().flat_map(Requirement::stages);
                    depends_on.extend(stages.filter_map(|stage| self.exactly(stage)));
                    require.extend(requirements);
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

    /// The stage with exactly this name.
    fn exactly(&self, name: &str) -> Option<usize> {
        let stages = &self.declaration.stages;
        stages.iter().position(|stage| stage.name.text == name)
    }
}

fn is_gate(stage: &DeclaredStage<'_>) -> bool {
    stage
        .keys
        .as_ref()
        .is_some_and(|keys| keys.plugin.is_none() && keys.require.is_some())
}
