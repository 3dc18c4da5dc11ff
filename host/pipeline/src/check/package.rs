//! The package: a chain of maps, and the rows that the pipeline applies it to.

use trueline_dataset::suggest::{did_you_mean, list_some};

use super::stages::Stages;
use crate::declaration::Declaration;
use crate::outline::{self, Job, Outline};
use crate::pipe::{self, PipeText, Word};
use crate::plan::PlannedPackage;
use crate::source::{Problem, Report};

/// Checks `[package]`, if there is one.
pub(super) fn check(
    declaration: &Declaration<'_>,
    outline: &Outline<'_, '_>,
    stages: &mut Stages<'_, '_, '_>,
    report: &mut Report<'_>,
) -> Option<PlannedPackage> {
    let keys = declaration.package.as_ref()?;
    let after = keys.after.as_ref().and_then(|after| {
        let names = || declaration.stage_names();
        let name = after.get_ref();
        let hint = || {
            did_you_mean(name, names())
                .unwrap_or_else(|| format!("the stages are {}", list_some(names())))
        };
        report.ok(match names().any(|stage| stage == name) {
            true => Ok(name.clone()),
            false => {
                Err(Problem::new(after.span(), format!("there is no stage `{name}`")).hint(hint()))
            }
        })
    });
    let chain = report.ok(pipe::words(report.source, &keys.chain))?;
    let chain = outline::chain(declaration, chain, report)?;
    // What is wrong with a stage may keep a pipe from being read.
    if outline.stages.iter().any(|stage| stage.job.is_none()) {
        return None;
    }
    let names: Vec<&str> = chain.iter().map(|word| word.text.as_str()).collect();
    let Some(applied) = application(outline, &names) else {
        report.add(
            Problem::new(
                keys.chain.span(),
                "the pipeline never applies this chain, so its input is not known",
            )
            .hint(format!(
                "let a stage read it, such as in = \"flights.test | {}\"",
                names.join(" | ")
            )),
        );
        return None;
    };
    let pipe = stages.pipe(&applied, report)?;
    let mut schema = pipe.schema.clone();
    for word in &chain {
        schema = stages.map(word, &schema, report)?;
    }
    let name = keys
        .name
        .as_ref()
        .or(declaration.pipeline.as_ref().map(|keys| &keys.name))?;
    Some(PlannedPackage {
        name: name.get_ref().clone(),
        chain: names.into_iter().map(str::to_owned).collect(),
        after,
        pipe,
    })
}

/// The rows that the chain is applied to: what comes before it in a pipe, or, failing that, in the
/// pipe that its last stage learns from.
fn application(outline: &Outline<'_, '_>, chain: &[&str]) -> Option<PipeText> {
    let jobs = outline
        .stages
        .iter()
        .filter_map(|stage| Some((&stage.declared.name, stage.job.as_ref()?)));
    let pipes = jobs.flat_map(|(name, job)| match job {
        Job::Plugin { inputs, .. } => inputs.iter().map(|input| (name, &input.pipe)).collect(),
        Job::Gate(_) | Job::Study(_) => Vec::new(),
    });
    let pipes: Vec<(&Word, &PipeText)> = pipes.collect();
    let before = |pipe: &PipeText, through: &[Word]| {
        let start = through
            .windows(chain.len())
            .position(|words| words.iter().map(|word| &word.text).eq(chain))?;
        Some(PipeText {
            through: through[..start].to_vec(),
            ..pipe.clone()
        })
    };
    let mapped = pipes
        .iter()
        .find_map(|(_, pipe)| before(pipe, &pipe.through));
    mapped.or_else(|| {
        pipes.iter().find_map(|(name, pipe)| {
            before(
                pipe,
                &[pipe.through.as_slice(), &[(*name).clone()]].concat(),
            )
        })
    })
}
